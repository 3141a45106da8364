"""Pictures of ranges, drawn from the cells of a workbook without any spreadsheet program."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from xltrain.errors import ConfigError, WorkbookError
from xltrain.excel.package import replacing
from xltrain.excel.shot.book import read_page
from xltrain.excel.shot.draw import to_png, to_svg
from xltrain.excel.shot.layout import lay_out
from xltrain.language import text
from xltrain.place import Place, Problem

SUFFIXES = (".png", ".svg")
MOST_PIXELS = 150_000_000


@dataclass(frozen=True)
class Picture:
    """A drawn range. `width` and `height` in points; `svg` has one unit to a pixel at 96 dpi; `png` is drawn when asked
    for, with `scale` pixels to such a unit.
    """

    svg: str
    width: float
    height: float
    range: str = ""
    scale: float = 2.0
    place: Place | None = None

    @cached_property
    def png(self) -> bytes:
        """The picture as PNG, tagged with its resolution.

        Raises:
            WorkbookError: it would have too many pixels.
        """
        across, down = (round(points * 96 / 72 * self.scale) for points in (self.width, self.height))
        if across * down > MOST_PIXELS:
            message = text("shot_many_pixels", across=across, down=down)
            raise WorkbookError(Problem(self.place, message, text("shot_many_pixels_hint")))
        return to_png(self.svg, self.scale)

    def save(self, path: str | Path, overwrite: bool = False) -> None:
        """Write .png or .svg, by the name's suffix.

        Raises:
            ConfigError: the suffix is neither.
            WorkbookError: the file exists or cannot be written, or the picture is too large.
        """
        path = Path(path)
        problem = unknown_suffix(path)
        if problem:
            raise ConfigError(problem)
        content = self.svg.encode("utf-8") if path.suffix.lower() == ".svg" else self.png
        with replacing(path, overwrite) as temporary:
            temporary.write_bytes(content)


def shoot(book: str | Path, range: str = "", scale: float = 2.0) -> Picture:
    """Draw a range of a book.

    Args:
        book: .xlsx and .xlsm with all that this renderer knows; .xls, .xlsb, .ods and .csv as plain values.
        range: `Sheet!A1:H24`; without a sheet, on the first one that is not hidden; a sheet, a defined name or a table;
            nothing for the whole first sheet.
        scale: pixels of the PNG per pixel at 96 dpi; 2 is sharp on paper and on good screens.

    Raises:
        WorkbookError: the book cannot be read, has no such sheet or name, or the range is too large.
    """
    page = read_page(Path(book), range)
    drawing = lay_out(page)
    place = Place(str(book), page.range.sheet)
    if drawing.width <= 1 or drawing.height <= 1:
        raise WorkbookError(Problem(place, text("shot_all_hidden", range=page.range), text("shot_all_hidden_hint")))
    points = 72 / 96
    return Picture(to_svg(drawing), drawing.width * points, drawing.height * points, str(page.range), scale, place)


def unknown_suffix(path: Path) -> Problem | None:
    """What is wrong with a picture's file name."""
    if path.suffix.lower() in SUFFIXES:
        return None
    return Problem(Place(str(path)), text("shot_suffix", suffix=path.suffix), text("shot_suffix_hint"))
