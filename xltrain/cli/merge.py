"""`xltrain merge`."""

from pathlib import Path

import click

from xltrain.cli.output import emit
from xltrain.language import label, text


@click.command(help=text("help_merge"))
@click.argument("sources", nargs=-1, metavar="SOURCE...")
@click.option("-o", "--output", "--to", required=True, metavar="OUT", help=text("help_merge_output"))
@click.option("--job", metavar="JOB", help=text("help_merge_job"))
@click.option("--sheet", metavar="PATTERN", default="", help=text("help_merge_sheet"))
@click.option("--header", metavar="ROWS", default="", help=text("help_merge_header"))
@click.option("--range", "area", metavar="A3:F90", default="", help=text("help_merge_range"))
@click.option("--skip-rows", type=click.IntRange(min=0), default=0, metavar="N", help=text("help_merge_skip_rows"))
@click.option(
    "--columns", type=click.Choice(["union", "common", "strict"]), default="union", help=text("help_merge_columns")
)
@click.option("--alias", "aliases", multiple=True, metavar="A=B", help=text("help_merge_alias"))
@click.option("--type", "types", multiple=True, metavar="A=TYPE", help=text("help_merge_type"))
@click.option("--missing", multiple=True, metavar="WORD", help=text("help_merge_missing"))
@click.option("--dates", type=click.Choice(["day-first", "month-first"]), help=text("help_merge_dates"))
@click.option("--decimal", type=click.Choice(["point", "comma"]), help=text("help_merge_decimal"))
@click.option("--keep", multiple=True, type=click.Choice(["totals", "headers", "notes"]), help=text("help_merge_keep"))
@click.option("--hidden", type=click.Choice(["keep", "drop"]), default="keep", help=text("help_merge_hidden"))
@click.option("--source-column", metavar="NAME", default="", help=text("help_merge_source_column"))
@click.option("--unpivot", metavar="NAME[=COLUMNS]", default="", help=text("help_merge_unpivot"))
@click.option("--unpivot-value", metavar="NAME", default="", help=text("help_merge_unpivot_value"))
@click.option("--drop-duplicates", is_flag=True, help=text("help_merge_drop_duplicates"))
@click.option("--key", metavar="COLUMNS", default="", help=text("help_merge_key"))
@click.option("--join", "joins", multiple=True, metavar="SOURCE", help=text("help_merge_join"))
@click.option("--on", "on", multiple=True, metavar="HERE=THERE", help=text("help_merge_on"))
@click.option("--how", multiple=True, type=click.Choice(["left", "inner"]), help=text("help_merge_how"))
@click.option("--many", is_flag=True, help=text("help_merge_many"))
@click.option("--append", is_flag=True, help=text("help_merge_append"))
@click.option("--mark", metavar="DIR", help=text("help_mark"))
@click.option("--report", metavar="FILE.json", help=text("help_merge_report"))
@click.option("--password", envvar="XLTRAIN_PASSWORD", default="", help=text("help_merge_password"))
@click.option("--recalculate", is_flag=True, help=text("help_merge_recalculate"))
@click.option("--overwrite", is_flag=True, help=text("help_overwrite"))
@click.option("--strict", is_flag=True, help=text("help_merge_strict"))
def command(
    sources: tuple[str, ...],
    output: str,
    overwrite: bool,
    strict: bool,
    append: bool,
    report: str | None,
    mark: str | None,
    **said: object,
) -> None:
    from xltrain.cli.progress import progress
    from xltrain.workflow import merge as workflow
    from xltrain.workflow.ask import merge_request
    from xltrain.workflow.copies import check_unread
    from xltrain.workflow.mark import marking

    request = merge_request(sources, said)
    if said["job"]:
        check_unread([Path(each) for each in (output, report) if each], [Path(str(said["job"]))])
    with progress() as listen, marking(mark, overwrite=overwrite, listen=listen) as marks:
        done = workflow.merge(
            request.sources,
            output,
            rules=request.rules,
            joins=request.joins,
            decisions=request.decisions,
            doubts=request.doubts,
            overwrite=overwrite,
            append=append,
            strict=strict,
            report_json=report,
            listen=listen,
        )
        marks.add(done.report)
        marks.read(done.report)
    kept = [each for each in done.report.sources if each.kept]
    lines = [str(doubt) for doubt in done.report.doubts]
    size = {"rows": done.rows, "columns": len(done.columns), "sources": len(kept)}
    summary = {**done.summary(), "marked": [str(path) for path in marks.done.files]}
    lines.append(text("merge_wrote", path=summary["output"], **size))
    counts = done.report.counts
    if any(counts.values()):
        shown = {word: sum(counts.get(action, 0) for action in actions) for word, actions in _COUNTED}
        where = {"sheet": label("Dropped and changed"), "path": summary["report"]}
        lines.append(text("merge_dropped", **shown, **where))
    lines += marks.done.lines()
    if done.report_file:
        lines.append(text("merge_report", path=done.report_file))
    emit(summary, lines)


_COUNTED = (("dropped", ("dropped",)), ("changed", ("coerced", "fixed", "weighted")), ("errors", ("error",)))
