"""`xltrain fit`."""

import click

from xltrain.cli.output import emit
from xltrain.language import text


@click.command(help=text("help_fit"))
@click.argument("job_or_books", nargs=-1, required=True, metavar="JOB | BOOK...")
@click.option("--target", "-t", multiple=True, metavar="NAME", help=text("help_fit_target"))
@click.option("-o", "--output", metavar="RESULTS.xlsx", help=text("help_fit_output"))
@click.option("--set", "overrides", multiple=True, metavar="SHEET.FIELD=VALUE", help=text("help_fit_set"))
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), help=text("help_fit_device"))
@click.option("--require", multiple=True, metavar="METRIC<VALUE", help=text("help_fit_require"))
@click.option("--strict", is_flag=True, help=text("help_fit_strict"))
def command(
    job_or_books: tuple[str, ...],
    target: tuple[str, ...],
    output: str | None,
    overrides: tuple[str, ...],
    device: str | None,
    require: tuple[str, ...],
    strict: bool,
) -> int:
    from xltrain.cli import INTERRUPTED
    from xltrain.cli.progress import progress
    from xltrain.workflow.fit import fit

    with progress() as listen:
        done = fit(
            job_or_books,
            target,
            output,
            overrides=overrides,
            device=device or "",
            require=require,
            strict=strict,
            listen=listen,
        )
    lines = [str(doubt) for doubt in done.report.doubts]
    lines += list(done.result.notes)
    winners = {target.target: target.winner for target in done.result.targets}
    lines += [f"{name} ({winners[name]}): {words}" for name, words in done.verdicts.items()]
    lines += [text("fit_wrote", path=done.results), *(text("fit_model", path=path) for path in done.models.values())]
    if done.result.interrupted:
        lines.append(text("fit_interrupted"))
    emit(done.summary(), lines)
    return INTERRUPTED if done.result.interrupted else 0
