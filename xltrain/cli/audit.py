"""`xltrain audit`."""

import click

from xltrain.cli.output import emit
from xltrain.language import text


@click.command(help=text("help_audit"))
@click.argument("books", nargs=-1, metavar="BOOK...")
@click.option("-o", "--output", metavar="OUT.xlsx", help=text("help_audit_output"))
@click.option("--job", metavar="JOB", help=text("help_audit_job"))
@click.option("--overwrite", is_flag=True, help=text("help_overwrite"))
@click.option("--strict", is_flag=True, help=text("help_audit_strict"))
def command(books: tuple[str, ...], output: str | None, job: str | None, overwrite: bool, strict: bool) -> None:
    from xltrain.cli.progress import progress
    from xltrain.workflow.audit import audit

    with progress() as listen:
        done = audit(list(books), output, job=job, overwrite=overwrite, strict=strict, listen=listen)
    lines = [str(doubt) for doubt in done.report.doubts]
    lines.append(done.verdict)
    lines += done.sentences[:SHOWN]
    lines.append(text("audit_wrote", path=done.path))
    emit(done.summary(), lines)


SHOWN = 8  # findings told; all are in the workbook
