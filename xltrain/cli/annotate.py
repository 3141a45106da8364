"""`xltrain annotate`."""

import click

from xltrain.cli.output import emit
from xltrain.language import text


@click.command(help=text("help_annotate"))
@click.argument("books", nargs=-1, required=True, metavar="RESULTS.xlsx")
@click.option("--columns", default="prediction,loss,flag", metavar="A,B", help=text("help_annotate_columns"))
@click.option("-o", "--output", metavar="DIR", help=text("help_annotate_output"))
@click.option("--at", default="", metavar="K", help=text("help_annotate_at"))
@click.option("--undo", is_flag=True, help=text("help_annotate_undo"))
@click.option("--overwrite", is_flag=True, help=text("help_overwrite"))
def command(books: tuple[str, ...], columns: str, output: str | None, at: str, undo: bool, overwrite: bool) -> None:
    from xltrain.cli.progress import progress
    from xltrain.workflow.annotate import annotate

    with progress() as listen:
        done = annotate(books, output, columns=columns, at=at, undo=undo, overwrite=overwrite, listen=listen)
    emit(done.summary(), done.lines())
