"""`xltrain apply`."""

import click

from xltrain.cli.output import emit
from xltrain.language import text


@click.command(help=text("help_apply"))
@click.argument("results", metavar="RESULTS.xlsx")
@click.option("-o", "--output", metavar="DIR", help=text("help_apply_output"))
@click.option("--dry-run", is_flag=True, help=text("help_apply_dry_run"))
@click.option("--undo", is_flag=True, help=text("help_apply_undo"))
@click.option("--overwrite", is_flag=True, help=text("help_overwrite"))
@click.option("--strict", is_flag=True, help=text("help_apply_strict"))
def command(results: str, output: str | None, dry_run: bool, undo: bool, overwrite: bool, strict: bool) -> None:
    from xltrain.cli.progress import progress
    from xltrain.workflow.apply import apply, shown_value

    with progress() as listen:
        done = apply(results, output, dry_run=dry_run, undo=undo, overwrite=overwrite, strict=strict, listen=listen)
    lines = [str(doubt) for doubt in done.doubts]
    for each in done.fixes:
        words = {"place": each.place, "column": each.column, "was": shown_value(each.was), "now": shown_value(each.now)}
        lines.append(text("apply_line_note" if each.note else "apply_line", note=each.note, **words))
    for path, identical in done.undone:
        lines.append(text("apply_undone" if identical else "apply_undone_saved", path=path))
    if done.left:
        lines.append(text("apply_left", count=done.left))
    if not undo:
        count = {"fixes": len(done.fixes), "files": len(done.files)}
        key = "apply_nothing" if not done.fixes else "apply_dry" if dry_run else "apply_wrote"
        lines.append(text(key, **count, path=done.log))
    emit(done.summary(), lines)
