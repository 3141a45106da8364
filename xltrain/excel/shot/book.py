"""A range of a book as a page to draw: straight from the parts of an .xlsx; values only from the other formats."""

import datetime
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from xltrain.errors import WorkbookError
from xltrain.excel.read import NEW
from xltrain.excel.scan import Cell, Package, SheetPart, head, joined_text
from xltrain.excel.shot.attributes import child, flag, fragment, local, real, root, whole
from xltrain.excel.shot.fonts import digit_width, line_height
from xltrain.excel.shot.page import Dressed, Options, Page, Run, Spark, Strip, Thing, Value
from xltrain.excel.shot.plain import plain_page
from xltrain.excel.shot.sheet import Scanned, scan_sheet
from xltrain.excel.shot.style import read_font, read_styles
from xltrain.excel.shot.tables import Tabular, dress_tables, read_tables
from xltrain.excel.shot.values import SheetValues
from xltrain.excel.shot.where import MOST_CELLS, find, limited
from xltrain.language import text
from xltrain.place import Range, column_letter, parse_range

if TYPE_CHECKING:
    from xltrain.excel.shot.pivots import Pivot

_REACH = 300  # rows and columns that a merged cell is followed beyond the range
_PIECE = re.compile(rb"<(?:\w+:)?si\b[^>]*?(?:/>|>(.*?)</(?:\w+:)?si>)", re.S)
_MERGE = re.compile(rb"<(?:\w+:)?mergeCell\b[^>]*?\bref\s*=\s*[\"']([^\"']+)")
_COMMENT = re.compile(rb"<(?:\w+:)?(?:comment|threadedComment)\b[^>]*?\bref\s*=\s*[\"']([^\"']+)")


@contextmanager
def open_page(path: Path, wanted: str, options: Options) -> Iterator[tuple[Page, Package | None]]:
    """The range `wanted` of a book, with its open package where it is an .xlsx: `Sheet!A1:H24`, `A1:H24` (first sheet
    that is not hidden), `Sheet`, `Sheet!A:C`, a defined name, a table; nothing for the whole first sheet.

    Raises:
        WorkbookError: the file cannot be read, there is no such sheet or name, or the range has more than 50,000 cells.
    """
    if path.suffix.lower() not in NEW:
        yield plain_page(path, wanted, options), None
        return
    with Package(path) as package:
        sheet, area = find(package, wanted)
        try:
            page = _Reader(package, sheet, options).page(limited(package.place, area, options.rows))
        except ValueError as error:  # an attribute of a row or cell that must be a number and is none
            raise WorkbookError(package.broken(error)) from error
        yield page, package


class _Reader:
    """One sheet of an open .xlsx."""

    def __init__(self, package: Package, sheet: SheetPart, options: Options) -> None:
        self.package, self.sheet, self.options = package, sheet, options
        self.styles = read_styles(root(package, package.related("styles")), root(package, package.related("theme")))
        self.head = fragment(head(package, sheet.part))
        if local(self.head) != "worksheet":
            raise WorkbookError(package.broken(text("shot_no_sheet_xml", sheet=sheet.name)))
        self.digit = digit_width(self.styles.normal)
        self.default = child(self.head, "sheetFormatPr")
        self.notes: list[str] = []

    def page(self, area: Range) -> Page:
        things = self._things()
        sheet = self._scan(area, things)
        merges = _apart((each for each in _merges(sheet.after) if _meet(each, area)), area)
        reach = _reaching(area, merges)
        cells, lines = self._cells(sheet, reach)
        columns = self._columns(_spread(reach, things))
        page = Page(
            area,
            reach,
            cells,
            self.styles,
            columns,
            lines,
            self._default_column(),
            self._default_row(),
            merges,
            self._gridlines(),
            self.package.date1904,
        )
        return self._dressed(page, sheet.after, things)

    # What most sheets have not is loaded only where it is there, since a picture should not wait for it.

    def _things(self) -> list[Thing]:
        kinds = {kind for kind, _ in self.package.relations(self.sheet.part).values()}
        found: list[Thing] = []
        if "drawing" in kinds:
            from xltrain.excel.shot.drawing import read_things

            found += read_things(self.package, self.sheet.part, self.styles)
        if "vmlDrawing" in kinds and "comments" in kinds:
            from xltrain.excel.shot.notes import read_notes

            found += read_notes(self.package, self.sheet.part, self.styles.palette)
        return found

    def _pivots(self) -> "list[Pivot]":
        if all(kind != "pivotTable" for kind, _ in self.package.relations(self.sheet.part).values()):
            return []
        from xltrain.excel.shot.pivots import read_pivots

        return list(read_pivots(self.package, self.sheet.part, self.styles))

    def _sparks(self, after: bytes, area: Range, values: SheetValues) -> dict[tuple[int, int], Spark]:
        if b"sparklineGroup" not in after:
            return {}
        from xltrain.excel.shot.sparklines import read_sparks

        return read_sparks(after, area, self.package, values, self.styles.palette)

    def _scan(self, area: Range, things: list[Thing]) -> Scanned:
        starts = [each.anchor.row for each in things]
        ends = [each.anchor.to[1] for each in things if each.anchor.to]
        sized = (min(*starts, area.first_row), max([*starts, *ends, area.last_row])) if starts else None
        found = scan_sheet(self.package, self.sheet.part, area.first_row - _REACH, area.last_row + _REACH, sized)
        if not found.whole:
            raise WorkbookError(self.package.broken(text("shot_sheet_cut", sheet=self.sheet.name)))
        return found

    def _dressed(self, page: Page, after: bytes, things: list[Thing]) -> Page:
        """The page with tables, conditional formats, sparklines and what lies over the cells."""
        # Rules look at the rows too that are not shown.
        read = page.area if self.options.rows is None else None
        values = SheetValues(self.package, self.sheet.part, page.cells, read)
        tables: list[Tabular] = [*read_tables(self.package, self.sheet.part, self.styles), *self._pivots()]
        styled = dress_tables(tables, page.area, page.own_style, self.styles[0])
        plain = replace(page, styled=styled)
        view = self._view()
        right_to_left = view is not None and flag(view.get("rightToLeft"))
        done = self._conditional(plain, after, values, right_to_left)
        return replace(
            page,
            styled={**styled, **done.styled},
            bars=done.bars,
            icons=done.icons,
            bare=frozenset(done.bare),
            sparks=self._sparks(after, page.range, values),
            comments=frozenset(self._comments(page.range)),
            things=things,
            right_to_left=right_to_left,
            frozen=_frozen(view),
            options=self.options,
            notes=(*self.notes, *done.notes),
        )

    def _conditional(self, page: Page, after: bytes, values: SheetValues, right_to_left: bool) -> Dressed:
        if b"conditionalFormatting" not in after:
            return Dressed()
        from xltrain.excel.shot.conditional import dress, read_rules

        rules = read_rules(after, self.styles)
        now = self.options.now or datetime.datetime.now()
        return dress(rules, page.range, values, page.style, self.styles, self.package, now, right_to_left)

    def _cells(self, sheet: Scanned, area: Range) -> tuple[dict[tuple[int, int], Value], dict[int, Strip]]:
        """The cells of an area and the rows of the sheet that are known."""
        lines = {number: self._line(given) for number, given in sheet.heights.items()}
        found: list[tuple[int, Cell]] = []
        for row in sheet.rows(area.first_row, area.last_row, self.options.rows):
            lines[row.number] = self._line(row.attributes)
            found += [(row.number, each) for each in row.cells if area.first_column <= each.column <= area.last_column]
        strings = self._strings({whole(cell.value, -1) for _, cell in found if cell.kind == "s"})
        cells = {(row, cell.column): self._value(cell, strings) for row, cell in found}
        lost = [(row, cell.column) for row, cell in found if cell.kind == "s" and whole(cell.value, -1) not in strings]
        if lost:
            first = f"{column_letter(lost[0][1])}{lost[0][0]}"
            self.notes.append(text("shot_no_texts", count=len(lost), first=first))
        unsaid = [(row, cell.column) for row, cell in found if cell.formula and not cell.value and not cell.kind]
        if unsaid:
            first = f"{column_letter(unsaid[0][1])}{unsaid[0][0]}"
            self.notes.append(text("shot_no_values", count=len(unsaid), first=first))
        return cells, lines

    def _value(self, cell: Cell, strings: Mapping[int, tuple[str, tuple[Run, ...]]]) -> Value:
        kind, value, style = cell.kind, cell.value, cell.style
        if kind == "s":
            words, runs = strings.get(whole(value, -1), (None, ()))
            return Value(words, style, runs=runs)
        if kind in ("str", "inlineStr", "e", "d"):
            return Value(value or None, style, kind == "e")
        if not value:
            return Value(None, style)
        if kind == "b":
            return Value(value in ("1", "true"), style)
        try:
            return Value(float(value), style)
        except ValueError:
            return Value(value, style)

    def _strings(self, wanted: set[int]) -> dict[int, tuple[str, tuple[Run, ...]]]:
        """The shared strings asked for, with their runs where they carry fonts of their own."""
        part = self.package.related("sharedStrings") or "xl/sharedStrings.xml"
        if not wanted or part not in self.package:
            return {}
        found = {}
        last = max(wanted)
        for index, piece in enumerate(_PIECE.finditer(self.package.read(part))):
            if index in wanted:
                runs = self._runs(piece[0]) if b"rPr>" in piece[0] else ()
                found[index] = joined_text(piece[1] or b""), runs
            if index == last:
                break
        return found

    def _runs(self, xml: bytes) -> tuple[Run, ...]:
        runs = []
        for each in fragment(xml).iter():
            if local(each) == "r":
                letters, properties = child(each, "t"), child(each, "rPr")
                font = read_font(properties, self.styles.palette) if properties is not None else None
                runs.append(Run((letters.text or "") if letters is not None else "", font))
        return tuple(runs)

    def _line(self, attributes: Mapping[str, str]) -> Strip:
        style = whole(attributes.get("s", "")) if flag(attributes.get("customFormat")) else 0
        if flag(attributes.get("hidden")):
            return Strip(0, style)
        if "ht" in attributes:
            return Strip(_pixels(attributes["ht"]), style)
        return Strip(None if self._default_row() else 0, style)

    def _default_row(self) -> int:
        """Pixels of a row that holds nothing; a row with text may grow."""
        given = self.default.attrib if self.default is not None else {}
        if flag(given.get("zeroHeight")):
            return 0
        return _pixels(given.get("defaultRowHeight", "")) or line_height(self.styles.normal)

    def _default_column(self) -> int:
        given = real(self.default.get("defaultColWidth", "")) if self.default is not None else 0.0
        if given:
            return self._width(given)
        base = real(self.default.get("baseColWidth", "8")) if self.default is not None else 8.0
        return -(-int(base * self.digit + 5) // 8) * 8  # Excel rounds it up to eight pixels

    def _width(self, count: float) -> int:
        """Pixels of a column so many digits wide."""
        count = min(max(count, 0.0), 255.0)
        return int((256 * count + int(128 / self.digit)) / 256 * self.digit)

    def _columns(self, spread: tuple[int, int]) -> dict[int, Strip]:
        found: dict[int, Strip] = {}
        listed = child(self.head, "cols")
        for each in listed if listed is not None else ():
            first, last = whole(each.get("min", "")), whole(each.get("max", ""))
            hidden = flag(each.get("hidden"))
            given = real(each.get("width", ""))
            size = 0 if hidden else self._width(given) if "width" in each.attrib else self._default_column()
            strip = Strip(size, whole(each.get("style", "")))
            for column in range(max(first, spread[0]), min(last, spread[1]) + 1):
                found[column] = strip
        return found

    def _view(self) -> Element | None:
        return child(child(self.head, "sheetViews"), "sheetView")

    def _gridlines(self) -> bool:
        if self.options.gridlines is not None:
            return self.options.gridlines
        view = self._view()
        return view is None or flag(view.get("showGridLines"), True)

    def _comments(self, area: Range) -> Iterator[tuple[int, int]]:
        for kind, part in self.package.relations(self.sheet.part).values():
            if kind not in ("comments", "threadedComment") or part not in self.package:
                continue
            for found in _COMMENT.finditer(self.package.read(part)):
                cell = parse_range(found[1].decode("ascii", "replace"))
                if cell is not None and _meet(cell, area):
                    yield cell.first_row, cell.first_column


def _merges(after: bytes) -> Iterator[Range]:
    for found in _MERGE.finditer(after):
        merged = parse_range(found[1].decode("ascii", "replace"))
        if merged is not None:
            yield merged


def _apart(merges: Iterable[Range], area: Range) -> list[Range]:
    """Of merged ranges that overlap, which no spreadsheet program writes, the first ones."""
    taken: dict[int, bytearray] = {}  # of each row the columns that belong to one
    found = []
    for each in dict.fromkeys(merges):
        left = max(each.first_column - area.first_column, 0)
        right = min(each.last_column, area.last_column) - area.first_column + 1
        rows = range(max(each.first_row, area.first_row), min(each.last_row, area.last_row) + 1)
        if any(1 in taken[row][left:right] for row in rows if row in taken):
            continue
        for row in rows:
            taken.setdefault(row, bytearray(area.last_column - area.first_column + 1))[left:right] = b"\1" * (
                right - left
            )
        found.append(each)
    return found


def _frozen(view: Element | None) -> tuple[int, int]:
    """The rows and columns that a frozen pane keeps, as numbers of the last one."""
    pane = child(view, "pane")
    if pane is None or "frozen" not in pane.get("state", "").lower():
        return 0, 0
    return int(real(pane.get("ySplit"))), int(real(pane.get("xSplit")))


def _meet(one: Range, other: Range) -> bool:
    return (
        one.first_row <= other.last_row
        and one.last_row >= other.first_row
        and one.first_column <= other.last_column
        and one.last_column >= other.first_column
    )


def _reaching(area: Range, merges: list[Range]) -> Range:
    """The range widened to the merged cells that it cuts, as far as that is no more than what may be drawn."""
    top, left = (min([getattr(each, name) for each in (area, *merges)]) for name in ("first_row", "first_column"))
    bottom, right = (max([getattr(each, name) for each in (area, *merges)]) for name in ("last_row", "last_column"))
    reach = _REACH
    while True:
        found = Range(
            area.sheet,
            max(top, area.first_row - reach, 1),
            max(left, area.first_column - reach, 1),
            min(bottom, area.last_row + reach),
            min(right, area.last_column + reach),
        )
        down, across = found.last_row - found.first_row + 1, found.last_column - found.first_column + 1
        if not reach or down * across <= MOST_CELLS // 4:
            return found
        reach //= 2


def _spread(area: Range, things: list[Thing]) -> tuple[int, int]:
    """The first and last column whose width matters."""
    columns = [each.anchor.column for each in things] + [each.anchor.to[0] for each in things if each.anchor.to]
    return min([area.first_column, *columns]), max([area.last_column, *columns])


def _pixels(points: str) -> int:
    return max(0, round(min(real(points), 409.5) * 96 / 72))
