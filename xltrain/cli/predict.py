"""`xltrain predict`."""

import click

from xltrain.cli.output import emit
from xltrain.language import text


@click.command(help=text("help_predict"))
@click.argument("model", metavar="MODEL")
@click.argument("books", nargs=-1, required=True, metavar="BOOK...")
@click.option("-o", "--output", metavar="OUT", help=text("help_predict_output"))
@click.option("--beside", is_flag=True, help=text("help_predict_beside"))
@click.option("--alias", "aliases", multiple=True, metavar="A=B", help=text("help_merge_alias"))
@click.option("--mark", metavar="DIR", help=text("help_mark"))
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", help=text("help_fit_device"))
@click.option("--strict", is_flag=True, help=text("help_merge_strict"))
@click.option("--overwrite", is_flag=True, help=text("help_overwrite"))
def command(
    model: str,
    books: tuple[str, ...],
    output: str | None,
    beside: bool,
    aliases: tuple[str, ...],
    mark: str | None,
    device: str,
    strict: bool,
    overwrite: bool,
) -> None:
    from xltrain.cli.progress import progress
    from xltrain.workflow.predict import predict

    if output is None and not beside and mark is None:
        raise click.UsageError(text("predict_nowhere"))
    with progress() as listen:
        done = predict(
            model,
            books,
            output,
            beside=beside,
            aliases=aliases,
            mark=mark,
            device=device,
            strict=strict,
            overwrite=overwrite,
            listen=listen,
        )
    lines = [*(str(doubt) for doubt in done.report.doubts), *done.lines()]
    if done.output:
        lines.append(text("predict_wrote", rows=len(done.table), path=done.output))
    lines += [text("predict_copy", path=path) for path in done.copies]
    lines += done.marked.lines()
    emit(done.summary(), lines)
