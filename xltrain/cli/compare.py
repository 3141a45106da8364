"""`xltrain compare`."""

import click

from xltrain.cli.output import emit
from xltrain.language import text

SHOWN = 10


@click.command(help=text("help_compare"))
@click.argument("before", metavar="BEFORE")
@click.argument("after", metavar="AFTER")
@click.option("-o", "--output", metavar="COMPARE.xlsx", help=text("help_compare_output"))
@click.option("--require", multiple=True, metavar="'not worse'", help=text("help_compare_require"))
@click.option("--overwrite", is_flag=True, help=text("help_overwrite"))
def command(before: str, after: str, output: str | None, require: tuple[str, ...], overwrite: bool) -> None:
    from xltrain.cli.progress import progress
    from xltrain.workflow.compare import as_text, compare

    with progress() as listen:
        done = compare(before, after, output, require=require, overwrite=overwrite, listen=listen)
    found = done.difference
    several = len(done.sentences) > 1
    lines = [text("told_as", word=name, told=words) if several else words for name, words in done.sentences.items()]
    lines += [as_text(cell) for cell in found.cells[:SHOWN]]
    if found.cell_count > SHOWN:
        lines.append(text("compare_more_cells", count=found.cell_count - SHOWN))
    lines.append(text("compare_wrote", path=done.output))
    emit(done.summary(), lines)
