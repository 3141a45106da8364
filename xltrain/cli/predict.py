"""`xltrain predict`."""

import click

from xltrain.cli.output import emit
from xltrain.language import text


@click.command(help=text("help_predict"))
@click.argument("model", metavar="MODEL")
@click.argument("books", nargs=-1, required=True, metavar="BOOK...")
@click.option("-o", "--output", required=True, metavar="OUT", help=text("help_predict_output"))
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", help=text("help_fit_device"))
@click.option("--overwrite", is_flag=True, help=text("help_overwrite"))
def command(model: str, books: tuple[str, ...], output: str, device: str, overwrite: bool) -> None:
    from xltrain.cli.progress import progress
    from xltrain.workflow.predict import predict

    with progress() as listen:
        done = predict(model, books, output, device=device, overwrite=overwrite, listen=listen)
    lines = [str(doubt) for doubt in done.report.doubts]
    emit(done.summary(), [*lines, text("predict_wrote", rows=len(done.table), path=done.output)])
