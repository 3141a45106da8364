"""`xltrain merge`."""

import click

from xltrain.cli.output import emit
from xltrain.language import label, text


@click.command(help=text("help_merge"))
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@click.option("-o", "--output", required=True, metavar="OUT", help=text("help_merge_output"))
@click.option("--overwrite", is_flag=True, help=text("help_overwrite"))
@click.option("--strict", is_flag=True, help=text("help_merge_strict"))
def command(sources: tuple[str, ...], output: str, overwrite: bool, strict: bool) -> None:
    from xltrain.cli.progress import progress
    from xltrain.workflow import merge as workflow

    with progress() as listen:
        done = workflow.merge(sources, output, overwrite=overwrite, strict=strict, listen=listen)
    report = done.report
    kept = [each for each in report.sources if each.kept]
    lines = [str(doubt) for doubt in report.doubts]
    size = {"rows": len(done.table), "columns": len(done.table.names), "sources": len(kept)}
    lines.append(text("merge_wrote", path=done.output, **size))
    if report.changes:
        actions = [change.action for change in report.changes]
        counts = {
            "dropped": actions.count("dropped"),
            "changed": actions.count("coerced"),
            "errors": actions.count("error"),
        }
        where = {"sheet": label("Dropped and changed"), "path": done.report_file or done.output}
        lines.append(text("merge_dropped", **counts, **where))
    if done.report_file:
        lines.append(text("merge_report", path=done.report_file))
    emit(done.summary(), lines)
