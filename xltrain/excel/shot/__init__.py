"""Pictures of ranges, drawn from the cells of a workbook without any spreadsheet program."""

import base64
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from xltrain.errors import ConfigError, WorkbookError
from xltrain.excel.package import replacing
from xltrain.excel.read import NEW
from xltrain.excel.scan import Package
from xltrain.excel.shot.attributes import root
from xltrain.excel.shot.book import open_page
from xltrain.excel.shot.draw import to_png, to_svg
from xltrain.excel.shot.fonts import missing
from xltrain.excel.shot.layout import Drawing, lay_out
from xltrain.excel.shot.letters import Box
from xltrain.excel.shot.page import Options, Page, Thing
from xltrain.excel.shot.style import Styles, read_styles
from xltrain.excel.shot.system_fonts import using
from xltrain.excel.shot.where import unquoted
from xltrain.language import text
from xltrain.place import Place, Problem, Range

SUFFIXES = (".png", ".svg", ".pdf")
MOST_PIXELS = 150_000_000


@dataclass(frozen=True)
class Picture:
    """A drawn range. `width` and `height` in points; `drawing` is laid out in pixels at 96 dpi, or is an SVG of such
    units; `svg` and `png` are made when asked for, `png` with `scale` pixels to a unit. `notes` say what could not be
    drawn as it is, one line each; `system` whether fonts of the machine are used. `drawn` is the PNG of a picture that
    another program, or process, drew.
    """

    drawing: Drawing | str
    width: float
    height: float
    range: str = ""
    scale: float = 2.0
    place: Place | None = None
    notes: tuple[str, ...] = ()
    system: bool = False
    drawn: bytes = b""

    @cached_property
    def png(self) -> bytes:
        """The picture as PNG, tagged with its resolution.

        Raises:
            WorkbookError: it would have too many pixels.
        """
        if self.drawn:
            return self.drawn
        across, down = self.pixels
        if across * down > MOST_PIXELS:
            message = text("shot_many_pixels", across=across, down=down)
            new = self.place is None or self.place.file.lower().endswith(tuple(NEW))  # others know no pages
            raise WorkbookError(
                Problem(self.place, message, text("shot_many_pixels_hint" if new else "shot_range_hint"))
            )
        if isinstance(self.drawing, str) or self.scale < 1:
            return to_png(self.svg, self.scale, self.system)
        from xltrain.excel.shot.raster import draw_png  # an SVG alone needs no pixels

        with using(self._fonts):
            return draw_png(self.drawing, self.scale, self.system)

    @cached_property
    def svg(self) -> str:
        """The picture as SVG, empty where another program drew it."""
        if isinstance(self.drawing, str):
            return self.drawing
        with using(self._fonts):
            return to_svg(self.drawing)

    @property
    def _fonts(self) -> str:
        return "system" if self.system else "package"

    @property
    def pixels(self) -> tuple[int, int]:
        """How many pixels the PNG has across and down."""
        return round(self.width * 96 / 72 * self.scale), round(self.height * 96 / 72 * self.scale)

    @property
    def pdf(self) -> bytes:
        """The picture on one page of its own size, as pixels."""
        import io

        from PIL import Image

        done = io.BytesIO()
        with Image.open(io.BytesIO(self.png)) as image:
            flat = Image.new("RGB", image.size, "white")
            flat.paste(image, mask=image.getchannel("A") if "A" in image.getbands() else None)
            flat.save(done, "PDF", resolution=96 * self.scale)
        return done.getvalue()

    @property
    def data_uri(self) -> str:
        """The PNG as text that a browser, a mail or a Markdown page takes for a picture."""
        return "data:image/png;base64," + base64.b64encode(self.png).decode()

    def _repr_png_(self) -> bytes:
        """How a notebook shows it."""
        return self.png

    def content(self, suffix: str) -> bytes:
        """The bytes of a file with this suffix. ConfigError for an SVG of what was drawn as pixels."""
        if suffix == ".svg" and not self.svg:
            raise ConfigError(Problem(self.place, text("shot_no_svg"), text("shot_suffix_hint")))
        if suffix == ".svg":
            return self.svg.encode("utf-8")
        return self.pdf if suffix == ".pdf" else self.png

    def save(self, path: str | Path, overwrite: bool = False) -> None:
        """Write .png, .svg or .pdf, by the name's suffix.

        Raises:
            ConfigError: the suffix is neither.
            WorkbookError: the file exists or cannot be written, or the picture is too large.
        """
        path = Path(path)
        problem = unknown_suffix(path)
        if problem:
            raise ConfigError(problem)
        content = self.content(path.suffix.lower())
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
    options = options or Options()
    try:
        page, drawing = compose(Path(book), range, options)
    except WorkbookError as error:
        picture = _chart_named(Path(book), range, scale, options)
        if picture is None:
            raise error
        return picture
    place = Place(str(book), page.range.sheet)
    points = 72 / 96
    size = (drawing.width + drawing.left) * points, (drawing.height + drawing.top) * points
    system = page.options.fonts == "system"
    return Picture(drawing, *size, str(page.range), scale, place, tuple(page.notes), system)


def png_of(book: str, range: str, scale: float, rows: list[int] | None, **options: Any) -> str:
    """The PNG of a range as text, for a worker to hand back."""
    shown = Options(**options, rows=None if rows is None else frozenset(rows))
    return base64.b64encode(shoot(book, range, scale, shown).png).decode()


def _chart_named(book: Path, name: str, scale: float, options: Options) -> Picture | None:
    """The chart that a drawing of this name holds, or that a chart sheet is, on its own; None where there is none."""
    if book.suffix.lower() not in NEW:
        return None
    with Package(book) as package:
        if package.chart_sheets and (name or not package.sheets):
            from xltrain.excel.shot.chart_sheet import draw_chart_sheet

            found = draw_chart_sheet(package, unquoted(name.strip().rstrip("!！")), options.background)
            if found is not None:
                return _alone(found[1], found[0], Place(str(book), found[0]), scale, options, found[2])
        within, _, wanted = name.rpartition("!")
        for sheet in package.sheets if wanted else ():
            if all(kind != "drawing" for kind, _ in package.relations(sheet.part).values()):
                continue
            if within and unquoted(within).casefold() != sheet.name.casefold():
                continue
            from xltrain.excel.shot.drawing import read_things

            styles = read_styles(root(package, package.related("styles")), root(package, package.related("theme")))
            known = [each for each in read_things(package, sheet.part, styles) if each.kind == "chart"]
            thing = next((each for each in known if each.name.casefold() == wanted.casefold()), None)
            if thing is not None:
                return _chart_alone(book, sheet.name, thing, scale, options)
    return None


def _chart_alone(book: Path, sheet: str, thing: Thing, scale: float, options: Options) -> Picture | None:
    """A chart as large as it stands on its sheet; None where it has no size."""
    to = thing.anchor.to
    last = (to[1], to[0]) if to else (thing.anchor.row, thing.anchor.column)
    under = Range("'" + sheet.replace("'", "''") + "'", thing.anchor.row, thing.anchor.column, *last)
    page, drawing = compose(book, str(under), options)
    places = (index for index, (each, _) in enumerate(drawing.things) if each.name == thing.name)
    number = next(places, None)
    if number is None:
        return None
    box = drawing.things[number][1]
    alone = Drawing(round(box.width), round(box.height), options.background)
    alone.objects.append((Box(0, 0, box.width, box.height), drawing.objects[number][1]))
    return _alone(alone, thing.name, Place(str(book), sheet), scale, options, page.notes)


def _alone(drawing: Drawing, name: str, place: Place, scale: float, options: Options, notes: Sequence[str]) -> Picture:
    size = drawing.width * 72 / 96, drawing.height * 72 / 96
    return Picture(drawing, *size, name, scale, place, tuple(notes), options.fonts == "system")


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
