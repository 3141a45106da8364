"""`xltrain shot`."""

import click

from xltrain.cli.output import emit
from xltrain.language import text


@click.command(help=text("help_shot"))
@click.argument("book", metavar="BOOK")
@click.argument("range_", metavar="[RANGE]", default="", required=False)
@click.option("-o", "--output", required=True, metavar="OUT", help=text("help_shot_output"))
@click.option("--scale", type=float, default=2.0, metavar="N", help=text("help_shot_scale"))
@click.option("--gridlines/--no-gridlines", default=None, help=text("help_shot_gridlines"))
@click.option("--headings", is_flag=True, help=text("help_shot_headings"))
@click.option("--freeze", is_flag=True, help=text("help_shot_freeze"))
@click.option("--fonts", type=click.Choice(["package", "system"]), default="package", help=text("help_shot_fonts"))
@click.option("--overwrite", is_flag=True, help=text("help_overwrite"))
def command(
    book: str,
    range_: str,
    output: str,
    scale: float,
    gridlines: bool | None,
    headings: bool,
    freeze: bool,
    fonts: str,
    overwrite: bool,
) -> None:
    from xltrain.workflow.shoot import shoot

    picture = shoot(
        book,
        range_,
        output,
        scale=scale,
        overwrite=overwrite,
        gridlines=gridlines,
        headings=headings,
        freeze=freeze,
        fonts=fonts,
    )
    size = {"width": picture.width, "height": picture.height}
    line = text(
        "shot_wrote", path=output, range=picture.range, width=f"{picture.width:g}", height=f"{picture.height:g}"
    )
    notes = list(picture.notes)
    emit({"output": output, "range": picture.range, **size, "notes": notes}, [line, *notes])
