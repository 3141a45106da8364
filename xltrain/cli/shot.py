"""`xltrain shot`."""

from pathlib import Path

import click

from xltrain.cli.output import emit
from xltrain.language import text

ENGINES = ("xltrain", "libreoffice")
BOOKS = {".xlsx", ".xlsm", ".xls", ".xlsb", ".ods", ".csv", ".xltx", ".xltm"}


@click.command(help=text("help_shot"))
@click.argument("books_and_ranges", nargs=-1, required=True, metavar="BOOK... [RANGE...]")
@click.option("-o", "--output", metavar="OUT", help=text("help_shot_output"))
@click.option("--format", "format_", type=click.Choice(["png", "svg", "pdf"]), help=text("help_shot_format"))
@click.option("--scale", type=float, default=2.0, metavar="N", help=text("help_shot_scale"))
@click.option("--width", type=int, default=0, metavar="PIXELS", help=text("help_shot_width"))
@click.option("--where", default="", metavar="CONDITION", help=text("help_shot_where"))
@click.option("--pages", type=click.IntRange(min=1), default=None, metavar="ROWS", help=text("help_shot_pages"))
@click.option("--background", default="#FFFFFF", metavar="#RRGGBB|none", help=text("help_shot_background"))
@click.option("--gridlines/--no-gridlines", default=None, help=text("help_shot_gridlines"))
@click.option("--headings", is_flag=True, help=text("help_shot_headings"))
@click.option("--freeze", is_flag=True, help=text("help_shot_freeze"))
@click.option("--fonts", type=click.Choice(["package", "system"]), default="package", help=text("help_shot_fonts"))
@click.option("--engine", type=click.Choice(ENGINES), default=ENGINES[0], help=text("help_shot_engine"))
@click.option("--recalculate", is_flag=True, help=text("help_merge_recalculate"))
@click.option("--embed", default="", metavar="BOOK!SHEET", help=text("help_shot_embed"))
@click.option("--clip", is_flag=True, help=text("help_shot_clip"))
@click.option("--overwrite", is_flag=True, help=text("help_overwrite"))
def command(
    books_and_ranges: tuple[str, ...],
    output: str | None,
    format_: str | None,
    scale: float,
    width: int,
    where: str,
    pages: int | None,
    background: str,
    gridlines: bool | None,
    headings: bool,
    freeze: bool,
    fonts: str,
    engine: str,
    recalculate: bool,
    embed: str,
    clip: bool,
    overwrite: bool,
) -> None:
    from xltrain.cli.progress import progress
    from xltrain.workflow.shoot import shoot_many

    if output is None and not clip:
        raise click.UsageError(text("shot_no_output"))
    books = [each for index, each in enumerate(books_and_ranges) if index == 0 or _is_book(each)]
    ranges = [each for each in books_and_ranges[1:] if each not in books]
    with progress() as listen:
        drawn = shoot_many(
            books,
            ranges,
            output,
            format=format_ or "",
            scale=scale,
            width=width,
            where=where,
            pages=pages or 0,
            overwrite=overwrite,
            gridlines=gridlines,
            headings=headings,
            freeze=freeze,
            fonts=fonts,
            background=background,
            engine=engine,
            recalculate=recalculate,
            embed=embed,
            listen=listen,
        )
    told, lines = [], []
    for each in drawn:
        picture = each.picture
        size = {"width": picture.width, "height": picture.height}
        told.append({"output": str(each.output or ""), "range": picture.range, **size, "notes": list(picture.notes)})
        shown = dict(zip(size, picture.pixels, strict=True))
        if clip:
            told[-1]["clip"] = picture.data_uri
            lines.append(picture.data_uri)
        else:
            lines.append(text("shot_wrote", path=each.output, range=picture.range, **shown))
        lines += picture.notes
    emit(told[0] if len(told) == 1 else {"pictures": told}, lines)


def _is_book(argument: str) -> bool:
    """Whether an argument after the first names a book rather than a range."""
    return "!" not in argument and (Path(argument).suffix.lower() in BOOKS or Path(argument).is_file())
