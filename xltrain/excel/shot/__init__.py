"""Pictures of ranges, drawn from the cells of a workbook without any spreadsheet program."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from xltrain.errors import ConfigError, WorkbookError
from xltrain.excel.package import replacing
from xltrain.excel.scan import Package
from xltrain.excel.shot.book import open_page
from xltrain.excel.shot.draw import to_png, to_svg
from xltrain.excel.shot.fonts import missing
from xltrain.excel.shot.layout import Drawing, lay_out
from xltrain.excel.shot.page import Options, Page
from xltrain.excel.shot.style import Styles
from xltrain.excel.shot.system_fonts import using
from xltrain.language import text
from xltrain.place import Place, Problem

SUFFIXES = (".png", ".svg")
MOST_PIXELS = 150_000_000


@dataclass(frozen=True)
class Picture:
    """A drawn range. `width` and `height` in points; `svg` has one unit to a pixel at 96 dpi; `png` is drawn when asked
    for, with `scale` pixels to such a unit. `notes` say what could not be drawn as it is, one line each;
    `system` whether fonts of the machine are used.
    """

    svg: str
    width: float
    height: float
    range: str = ""
    scale: float = 2.0
    place: Place | None = None
    notes: tuple[str, ...] = ()
    system: bool = False

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
        return to_png(self.svg, self.scale, self.system)

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


def shoot(book: str | Path, range: str = "", scale: float = 2.0, options: Options | None = None) -> Picture:
    """Draw a range of a book.

    Args:
        book: .xlsx and .xlsm with all that this renderer knows; .xls, .xlsb, .ods and .csv as plain values.
        range: `Sheet!A1:H24`; without a sheet, on the first one that is not hidden; a sheet, a defined name or a table;
            nothing for the whole first sheet.
        scale: pixels of the PNG per pixel at 96 dpi; 2 is sharp on paper and on good screens.
        options: what else is drawn; None for the sheet as it is.

    Raises:
        WorkbookError: the book cannot be read, has no such sheet or name, or the range is too large.
    """
    page, drawing = compose(Path(book), range, options or Options())
    place = Place(str(book), page.range.sheet)
    points = 72 / 96
    size = (drawing.width + drawing.left) * points, (drawing.height + drawing.top) * points
    with using(page.options.fonts):
        svg = to_svg(drawing)
    system = page.options.fonts == "system"
    return Picture(svg, *size, str(page.range), scale, place, tuple(page.notes), system)


def compose(book: Path, range: str, options: Options) -> tuple[Page, Drawing]:
    """The page of a range and where everything of it stands, pictures and charts included.

    Raises:
        WorkbookError: as `shoot`.
    """
    with using(options.fonts), open_page(book, range, options) as (page, package):
        drawing = lay_out(page)
        if drawing.width <= 1 or drawing.height <= 1:
            place = Place(str(book), page.range.sheet)
            raise WorkbookError(Problem(place, text("shot_all_hidden", range=page.range), text("shot_all_hidden_hint")))
        notes = list(page.notes)
        if package is not None and drawing.things:
            notes += _drawn(drawing, package, page.styles)
        notes += _unwritten(drawing)
    return replace(page, notes=tuple(notes)), drawing


def _drawn(drawing: Drawing, package: Package, styles: Styles) -> Iterator[str]:
    """Draw the things over the cells; what is not as it should be, one line each."""
    from xltrain.excel.shot.things import thing_svg  # charts take a while to load

    for number, (thing, box) in enumerate(drawing.things):
        drawn, notes = thing_svg(thing, box.width, box.height, package, styles, number)
        drawing.objects.append((box, drawn))
        yield from notes


def _unwritten(drawing: Drawing) -> Iterator[str]:
    """One line of advice on each script that no font at hand can draw."""
    letters = {letter for label in drawing.labels for part, font in label.runs for letter in missing(part, font)}
    scripts: dict[str, set[str]] = {}
    for letter in letters:
        name = (
            unicodedata.name(letter, "?").partition(" ")[0].title() if unicodedata.category(letter)[0] in "LM" else ""
        )
        scripts.setdefault(name or text("shot_symbols"), set()).add(letter)
    for script, found in sorted(scripts.items()):
        yield text("shot_no_font", count=len(found), script=script, sample="".join(sorted(found))[:5])


def unknown_suffix(path: Path) -> Problem | None:
    """What is wrong with a picture's file name."""
    if path.suffix.lower() in SUFFIXES:
        return None
    return Problem(Place(str(path)), text("shot_suffix", suffix=path.suffix), text("shot_suffix_hint"))
