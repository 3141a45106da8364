"""A range of a book as a page to draw: straight from the parts of an .xlsx; values only from the other formats."""

import contextlib
import datetime
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from xltrain.errors import WorkbookError
from xltrain.excel.read import NEW, no_sheet, read_cells, sheet_names
from xltrain.excel.scan import Package, SheetPart, head, look, rows, tail
from xltrain.excel.shot.attributes import child, flag, local, real, whole
from xltrain.excel.shot.fonts import digit_width, line_height, width
from xltrain.excel.shot.page import Page, Run, Strip, Value
from xltrain.excel.shot.style import CellStyle, Font, Styles, read_font, read_styles
from xltrain.language import text
from xltrain.place import MAX_COLUMN, MAX_ROW, Place, Problem, Range, column_number, parse_range
from xltrain.registry import nearest

MOST_CELLS = 50_000
_REACH = 300  # rows and columns that a merged cell is followed beyond the range
_COLUMNS = re.compile(r"\$?([A-Za-z]{1,3}):\$?([A-Za-z]{1,3})")
_ROWS = re.compile(r"\$?([0-9]{1,7}):\$?([0-9]{1,7})")
_PIECE = re.compile(rb"<(?:\w+:)?si\b[^>]*?(?:/>|>(.*?)</(?:\w+:)?si>)", re.S)


def read_page(path: Path, wanted: str) -> Page:
    """The range `wanted` of a book: `Sheet!A1:H24`, `A1:H24` (first sheet that is not hidden), `Sheet`, `Sheet!A:C`, a
    defined name, a table; nothing for the whole first sheet.

    Raises:
        WorkbookError: the file cannot be read, there is no such sheet or name, or the range has more than 50,000 cells.
    """
    if path.suffix.lower() not in NEW:
        return _plain_page(path, wanted)
    with Package(path) as package:
        sheet, area = _find(package, wanted)
        try:
            return _Reader(package, sheet).page(_limited(package.place, area))
        except ValueError as error:  # an attribute of a row or cell that must be a number and is none
            raise WorkbookError(package.broken(error)) from error


class _Reader:
    """One sheet of an open .xlsx."""

    def __init__(self, package: Package, sheet: SheetPart) -> None:
        self.package, self.sheet = package, sheet
        self.styles = read_styles(_root(package, package.related("styles")), _root(package, package.related("theme")))
        self.head = _fragment(package, head(package, sheet.part))
        self.digit = digit_width(self.styles.normal)

    def page(self, area: Range) -> Page:
        merges = [each for each in self._merges() if _meet(each, area)]
        whole = _reaching(area, merges)
        cells: dict[tuple[int, int], Value] = {}
        lines: dict[int, Strip] = {}
        default = child(self.head, "sheetFormatPr")
        for row in rows(self.package, self.sheet.part, whole.first_row, whole.last_row):
            lines[row.number] = self._line(row.attributes, default)
            for cell in row.cells:
                if whole.first_column <= cell.column <= whole.last_column:
                    cells[row.number, cell.column] = self._value(cell.kind, cell.value, cell.style)
        return Page(
            area,
            whole,
            cells,
            self.styles,
            self._columns(whole),
            lines,
            self._default_column(default),
            self._default_row(default),
            merges,
            self._gridlines(),
            self.package.date1904,
        )

    def _value(self, kind: str, value: str, style: int) -> Value:
        if kind == "s":
            index = whole(value, -1)
            if not 0 <= index < len(self.package.strings):
                return Value(None, style)
            return Value(self.package.strings[index], style, runs=self._rich.get(index, ()))
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

    @property
    def _rich(self) -> Mapping[int, tuple[Run, ...]]:
        if not hasattr(self, "_runs"):
            self._runs = dict(_rich_texts(self.package, self.styles))
        return self._runs

    def _line(self, attributes: Mapping[str, str], default: Element | None) -> Strip:
        style = whole(attributes.get("s", "")) if flag(attributes.get("customFormat")) else 0
        if flag(attributes.get("hidden")):
            return Strip(0, style)
        if "ht" in attributes:
            return Strip(_pixels(attributes["ht"]), style)
        return Strip(None if self._default_row(default) else 0, style)

    def _default_row(self, default: Element | None) -> int:
        """Pixels of a row that holds nothing; a row with text may grow."""
        given = default.attrib if default is not None else {}
        if flag(given.get("zeroHeight")):
            return 0
        return _pixels(given.get("defaultRowHeight", "")) or line_height(self.styles.normal)

    def _default_column(self, default: Element | None) -> int:
        given = real(default.get("defaultColWidth", "")) if default is not None else 0.0
        if given:
            return self._width(given)
        base = real(default.get("baseColWidth", "8")) if default is not None else 8.0
        return -(-int(base * self.digit + 5) // 8) * 8  # Excel rounds it up to eight pixels

    def _width(self, count: float) -> int:
        """Pixels of a column so many digits wide."""
        count = min(max(count, 0.0), 255.0)
        return int((256 * count + int(128 / self.digit)) / 256 * self.digit)

    def _columns(self, area: Range) -> dict[int, Strip]:
        found: dict[int, Strip] = {}
        listed = child(self.head, "cols")
        for each in listed if listed is not None else ():
            first, last = whole(each.get("min", "")), whole(each.get("max", ""))
            hidden = flag(each.get("hidden"))
            given = real(each.get("width", ""))
            size = 0 if hidden else self._width(given) if "width" in each.attrib else self._default_column(None)
            strip = Strip(size, whole(each.get("style", "")))
            for column in range(max(first, area.first_column), min(last, area.last_column) + 1):
                found[column] = strip
        return found

    def _gridlines(self) -> bool:
        views = child(self.head, "sheetViews")
        view = child(views, "sheetView")
        return view is None or flag(view.get("showGridLines"), True)

    def _merges(self) -> Iterator[Range]:
        after = tail(self.package, self.sheet.part)
        for found in re.finditer(rb"<(?:\w+:)?mergeCell\b[^>]*?\bref\s*=\s*[\"']([^\"']+)", after):
            merged = parse_range(found[1].decode("ascii", "replace"))
            if merged is not None:
                yield merged


def _find(package: Package, wanted: str) -> tuple[SheetPart, Range]:
    """The sheet and the cells that a text names."""
    if not package.sheets:
        raise WorkbookError(Problem(package.place, text("shot_no_sheets")))
    wanted = wanted.strip()
    first = next((each for each in package.sheets if not each.hidden), package.sheets[0])
    if not wanted:
        return first, _used(package, first)
    with contextlib.suppress(KeyError):
        sheet = package.sheet(_unquoted(wanted.rstrip("!！")))
        return sheet, _used(package, sheet)
    area = _known(package, wanted, first)
    if area is None:
        name = wanted.rpartition("!")[2].strip("'\"")
        target = _tables(package).get(name.casefold()) or _names(package).get(name.casefold(), "")
        area = _known(package, target, first) if target else None
    if area is None:
        raise WorkbookError(_no_range(package, wanted))
    try:
        return package.sheet(area.sheet), area
    except KeyError:
        known = [each.name for each in package.sheets]
        raise WorkbookError(no_sheet(package.path, area.sheet, known)) from None


def _known(package: Package, wanted: str, first: SheetPart) -> Range | None:
    """A range with its sheet from `A1:B2`, `A:C` or `3:9`, with or without a sheet before it."""
    found = parse_range(wanted)
    if found is not None:
        return found if found.sheet else _on(found, first.name)
    before, _, cells = wanted.replace("！", "!").replace("：", ":").rpartition("!")
    columns, lines = _COLUMNS.fullmatch(cells.strip("'\"")), _ROWS.fullmatch(cells.strip("'\""))
    if not (columns or lines):
        return None
    try:
        sheet = package.sheet(_unquoted(before)) if before else first
    except KeyError:
        return Range(_unquoted(before), 1, 1, 1, 1)  # the caller complains of the sheet
    used = _used(package, sheet)
    if columns:
        left, right = sorted(min(column_number(each), MAX_COLUMN) for each in columns.groups())
        return Range(sheet.name, 1, left, used.last_row, right)
    assert lines is not None
    top, bottom = sorted(min(max(int(each), 1), MAX_ROW) for each in lines.groups())
    return Range(sheet.name, top, 1, bottom, used.last_column)


def _on(area: Range, sheet: str) -> Range:
    return Range(sheet, area.first_row, area.first_column, area.last_row, area.last_column)


def _unquoted(name: str) -> str:
    name = name.strip().lstrip('"').rstrip('"')
    return name[1:-1].replace("''", "'") if len(name) > 1 and name[0] == name[-1] == "'" else name


def _used(package: Package, sheet: SheetPart) -> Range:
    seen = look(package, sheet.part)
    return Range(sheet.name, 1, 1, max(seen.last_row, 1), max(seen.last_column, 1))


def _limited(place: Place, area: Range) -> Range:
    """The range itself where it is not too large to be drawn."""
    count = (area.last_row - area.first_row + 1) * (area.last_column - area.first_column + 1)
    if count > MOST_CELLS:
        where = Place(place.file, area.sheet)
        message = text("shot_too_large", range=Range("", *_corners(area)), count=count, most=MOST_CELLS)
        raise WorkbookError(Problem(where, message, text("shot_too_large_hint")))
    return area


def _corners(area: Range) -> tuple[int, int, int, int]:
    return area.first_row, area.first_column, area.last_row, area.last_column


def _no_range(package: Package, wanted: str) -> Problem:
    near = nearest(wanted.strip("'\"!"), [*(each.name for each in package.sheets), *_names(package), *_tables(package)])
    hint = text("book_missing_near", name=near) if near else text("shot_range_hint")
    return Problem(package.place, text("shot_no_range", range=wanted), hint)


def _names(package: Package) -> dict[str, str]:
    """Defined names in small letters -> what they stand for."""
    starts = [part for kind, part in package.relations("").values() if kind == "officeDocument"]
    root = _root(package, starts[0] if starts else "xl/workbook.xml")
    listed = child(root, "definedNames")
    return {each.get("name", "").casefold(): each.text or "" for each in (listed if listed is not None else ())}


def _tables(package: Package) -> dict[str, str]:
    """Excel tables in small letters -> their range with its sheet."""
    found = {}
    for sheet in package.sheets:
        for kind, part in package.relations(sheet.part).values():
            root = _root(package, part) if kind == "table" else None
            if root is not None:
                name = root.get("displayName") or root.get("name") or ""
                quoted = sheet.name.replace("'", "''")
                found[name.casefold()] = f"'{quoted}'!{root.get('ref', '')}"
    return found


def _rich_texts(package: Package, styles: Styles) -> Iterator[tuple[int, tuple[Run, ...]]]:
    """The shared strings that carry fonts of their own: index, runs."""
    part = package.related("sharedStrings") or "xl/sharedStrings.xml"
    if part not in package:
        return
    for index, found in enumerate(_PIECE.finditer(package.read(part))):
        if b"rPr>" not in found[0]:
            continue
        root = _fragment(package, found[0])
        runs = []
        for each in root.iter():
            if local(each) == "r":
                letters, properties = child(each, "t"), child(each, "rPr")
                font = read_font(properties, styles.palette) if properties is not None else None
                runs.append(Run((letters.text or "") if letters is not None else "", font))
        yield index, tuple(runs)


def _root(package: Package, part: str) -> Element | None:
    """The root of a part; None where there is none."""
    if not part or part not in package:
        return None
    try:
        return ElementTree.fromstring(package.read(part))
    except (ElementTree.ParseError, LookupError, ValueError) as error:  # the last two for an unknown encoding
        raise WorkbookError(package.broken(error)) from error


def _fragment(package: Package, xml: bytes) -> Element:
    """A piece of XML cut out of its document: open elements are closed and prefixes forgotten."""
    from html import unescape

    root = Element("root")
    trail = [root]
    for found in re.finditer(rb"<(/?)(?:\w+:)?(\w+)((?:[^<>\"']|\"[^\"]*\"|'[^']*')*?)(/?)>([^<]*)", xml):
        closing, name, attributes, alone, after = found.groups()
        if closing:
            if len(trail) > 1:
                trail.pop()
            continue
        given = re.findall(rb"([\w:]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", attributes)
        element = Element(
            name.decode("utf-8", "replace"),
            {key.decode(): unescape((one or two).decode("utf-8", "replace")) for key, one, two in given},
        )
        element.text = unescape(after.decode("utf-8", "replace"))
        trail[-1].append(element)
        if not alone:
            trail.append(element)
    return root[0] if len(root) else root


def _meet(one: Range, other: Range) -> bool:
    return (
        one.first_row <= other.last_row
        and one.last_row >= other.first_row
        and one.first_column <= other.last_column
        and one.last_column >= other.first_column
    )


def _reaching(area: Range, merges: list[Range]) -> Range:
    """The range widened to the merged cells that it cuts."""
    all_of = [area, *merges]
    return Range(
        area.sheet,
        max(min(each.first_row for each in all_of), area.first_row - _REACH, 1),
        max(min(each.first_column for each in all_of), area.first_column - _REACH, 1),
        min(max(each.last_row for each in all_of), area.last_row + _REACH),
        min(max(each.last_column for each in all_of), area.last_column + _REACH),
    )


def _plain_page(path: Path, wanted: str) -> Page:
    """A book whose format carries no styles that we read: values in columns as wide as they are."""
    names = sheet_names(path)
    if not names:
        raise WorkbookError(Problem(Place(str(path)), text("shot_no_sheets")))
    area = parse_range(wanted) if wanted.strip() else None
    named = area.sheet if area is not None else _unquoted(wanted.strip().rstrip("!"))
    name = {each.casefold(): each for each in names}.get(named.casefold()) if named else names[0]
    if name is None:
        raise WorkbookError(no_sheet(path, named, names))
    lines = read_cells(path, name)
    if area is None:
        area = Range(name, 1, 1, max(len(lines), 1), max((len(line) for line in lines), default=1) or 1)
    area = _limited(Place(str(path)), _on(area, name))
    styles = Styles((CellStyle(), CellStyle(format="yyyy-mm-dd"), CellStyle(format="yyyy-mm-dd hh:mm:ss")))
    cells = {
        (row, column): _plain_value(value)
        for row, line in enumerate(lines[area.first_row - 1 : area.last_row], area.first_row)
        for column, value in enumerate(line, 1)
        if value is not None and area.first_column <= column <= area.last_column
    }
    sizes: dict[int, int] = {}
    for (_, column), value in cells.items():
        size = 80 if value.style else int(width(str(value.content), Font())) + 9
        sizes[column] = min(200, max(size, sizes.get(column, 64)))
    return Page(
        area, area, cells, styles, {column: Strip(size) for column, size in sizes.items()}, {}, 64, line_height(Font())
    )


def _plain_value(value: object) -> Value:
    if isinstance(value, (datetime.datetime, datetime.date)):
        moment = value if isinstance(value, datetime.datetime) else datetime.datetime.combine(value, datetime.time())
        serial = (moment.replace(tzinfo=None) - datetime.datetime(1899, 12, 30)) / datetime.timedelta(days=1)
        return Value(serial, 1 if serial == int(serial) else 2)
    if isinstance(value, (bool, str)):
        return Value(value)
    return Value(float(value)) if isinstance(value, (int, float)) else Value(str(value))


def _pixels(points: str) -> int:
    return max(0, round(min(real(points), 409.5) * 96 / 72))
