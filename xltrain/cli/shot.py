"""`xltrain shot`."""

import click

from xltrain.cli.output import emit
from xltrain.language import text


@click.command(help=text("help_shot"))
@click.argument("book", metavar="BOOK")
@click.argument("range_", metavar="[RANGE]", default="", required=False)
@click.option("-o", "--output", required=True, metavar="OUT", help=text("help_shot_output"))
@click.option("--scale", type=float, default=2.0, metavar="N", help=text("help_shot_scale"))
@click.option("--overwrite", is_flag=True, help=text("help_overwrite"))
def command(book: str, range_: str, output: str, scale: float, overwrite: bool) -> None:
    from xltrain.workflow.shoot import shoot

    picture = shoot(book, range_, output, scale=scale, overwrite=overwrite)
    size = {"width": picture.width, "height": picture.height}
    line = text(
        "shot_wrote", path=output, range=picture.range, width=f"{picture.width:g}", height=f"{picture.height:g}"
    )
    emit({"output": output, "range": picture.range, **size}, [line])
