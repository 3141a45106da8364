"""`xltrain new`."""

import click

from xltrain.cli.output import emit
from xltrain.language import label, text


@click.command(help=text("help_new"))
@click.argument("output", metavar="JOB")
@click.argument("more", nargs=-1, metavar="[BOOK...]")
@click.option("--from", "sources", multiple=True, metavar="BOOK...", help=text("help_new_from"))
@click.option("--target", "-t", multiple=True, metavar="NAME", help=text("help_fit_target"))
@click.option("--template", default="", metavar="NAME", help=text("help_new_template"))
@click.option("--overwrite", is_flag=True, help=text("help_overwrite"))
def command(
    output: str,
    more: tuple[str, ...],
    sources: tuple[str, ...],
    target: tuple[str, ...],
    template: str,
    overwrite: bool,
) -> None:
    from xltrain.workflow.new import new

    # `--from a.xlsx b.xlsx` and a shell's `--from *.xlsx` leave the books after the first as plain arguments.
    if more and not sources:
        raise click.UsageError(text("new_from_needed", found=more[0]))
    done = new(output, [*sources, *more], target, template=template, overwrite=overwrite)
    lines = [str(doubt) for doubt in done.doubts]
    lines.append(text("new_wrote", path=done.output))
    if done.job is not None and done.rows:
        for name in done.job.targets:
            lines.append(text("new_task", target=name, task=label(done.job.task), rows=done.rows))
    lines.append(text("new_next" if done.job else "new_next_empty", path=done.output))
    emit(done.summary(), lines)
