"""The parts of an .xlsx file, read as bytes: one scanner for the look before reading, the reader and the pictures.

Everything streams: a sheet is inflated piece by piece, and reading stops where it may. Row and column numbers count
from 1 and are those of the sheet, whatever stands above or is left out.
"""

import html
import posixpath
import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import TracebackType
from xml.etree import ElementTree

from xltrain.errors import WorkbookError
from xltrain.excel.package import missing_book
from xltrain.language import text
from xltrain.place import Place, Problem, Range, column_number, parse_range

PIECE = 1 << 18  # bytes inflated at a time
MOST_INFLATED = 8 << 30  # bytes of one part; more is a zip bomb or no work for one machine
MOST_RATIO = 500  # times that a part above 64 MiB may grow when inflated
MOST_OF_ROW = 128 << 20  # bytes of one row, or of what stands before all

_PROLOG = re.compile(rb"^.*?(?=<[\w:])", re.S)
_ROW = re.compile(rb"<(?:\w+:)?row\b([^>]*?)(?:/>|>(.*?)</(?:\w+:)?row>)", re.S)
_CELL = re.compile(rb"<(?:\w+:)?c\b([^>]*?)(?:/>|>(.*?)</(?:\w+:)?c>)", re.S)
_VALUE = re.compile(rb"<(?:\w+:)?v\b[^>]*>(.*?)</(?:\w+:)?v>", re.S)
_TEXT = re.compile(rb"<(?:\w+:)?t\b[^>]*?(?:/>|>(.*?)</(?:\w+:)?t>)", re.S)
_PHONETIC = re.compile(rb"<(?:\w+:)?rPh\b.*?</(?:\w+:)?rPh>", re.S)
_ITEM = re.compile(rb"<(?:\w+:)?si\b[^>]*?(?:/>|>(.*?)</(?:\w+:)?si>)", re.S)
_ATTRIBUTE = re.compile(rb'([\w:]+)\s*=\s*(?:"([^"]*)"|\'([^\']*)\')')
_FORMULA = re.compile(rb"<(?:\w+:)?f\b[^>]*?(?:/>|>(.*?)</(?:\w+:)?f>)", re.S)
_CELL_START = re.compile(rb"<(?:\w+:)?c[ >/]")
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_DATE_SIGNS = re.compile(r"[ymdhs年月日时分秒]", re.I)
_NO_SIGNS = re.compile(r'"[^"]*"|\\.|\[(?!h+\]|m+\]|s+\])[^\]]*\]|_.|\*.', re.I)
_BUILT_IN = {
    **dict.fromkeys((14, 15, 16, 17, *range(27, 37), *range(50, 59)), "yyyy-mm-dd"),
    **dict.fromkeys((18, 19, 20, 21, 32, 33, 45, 47), "hh:mm:ss"),
    22: "yyyy-mm-dd hh:mm",
    46: "[h]:mm:ss",
}


@dataclass(frozen=True)
class SheetPart:
    """A worksheet: its name and where its XML lies in the file."""

    name: str
    part: str
    hidden: bool = False


@dataclass(frozen=True)
class Cell:
    """A cell as stored. `kind` is the attribute t: empty or n number, s shared string, str, inlineStr, b, e, d."""

    column: int
    style: int
    kind: str
    value: str
    formula: str = ""


@dataclass(frozen=True)
class Row:
    """A row as stored, its cells in order."""

    number: int
    attributes: dict[str, str]
    cells: list[Cell] = field(default_factory=list)


@dataclass(frozen=True)
class DefinedName:
    """A name for a range; `Print_Area` is a sheet's print area."""

    name: str
    cells: Range


@dataclass(frozen=True)
class Look:
    """The last row and column that a sheet uses."""

    last_row: int
    last_column: int


class Package:
    """An .xlsx or .xlsm file opened for reading; a context manager.

    Raises:
        WorkbookError: the file is missing, protected by a password, broken, or no workbook.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.place = Place(str(path))
        problem = missing_book(path)
        if problem:
            raise WorkbookError(problem)
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, ValueError) as error:
            raise WorkbookError(self._no_zip(error)) from error
        self._names = {name.lstrip("/").casefold(): name for name in self._zip.namelist()}
        try:
            self.sheets = self._find_sheets()
        except BaseException:
            self._zip.close()
            raise

    def __enter__(self) -> "Package":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._zip.close()

    def __contains__(self, part: str) -> bool:
        return part.casefold() in self._names

    def parts(self, folder: str) -> list[str]:
        """The names of all parts below a folder."""
        return [name for name in self._names.values() if name.startswith(folder)]

    def read(self, part: str) -> bytes:
        """A part as UTF-8; KeyError where there is none."""
        return b"".join(self.stream(part))

    def stream(self, part: str, size: int = PIECE) -> Iterator[bytes]:
        """A part piece by piece, as UTF-8. Parts that declare entities or inflate without end are refused."""
        info = self._zip.getinfo(self._names[part.casefold()])
        bomb = info.file_size > 64 << 20 and info.file_size > MOST_RATIO * max(info.compress_size, 1)
        if bomb or info.file_size > MOST_INFLATED:
            raise WorkbookError(Problem(self.place, text("book_bomb"), text("book_broken_hint")))
        try:
            with self._zip.open(info) as source:
                first = source.read(size)
                if first[:2] in (b"\xff\xfe", b"\xfe\xff"):
                    yield (first + source.read()).decode("utf-16").encode("utf-8")
                    return
                before = _PROLOG.match(first)
                prolog = before[0] if before else first
                if b"<!DOCTYPE" in prolog or b"<!ENTITY" in prolog:
                    raise WorkbookError(Problem(self.place, text("book_entities"), text("book_broken_hint")))
                while first:
                    yield first
                    first = source.read(size)
        except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
            raise WorkbookError(self.broken(error)) from error
        except Exception as error:
            if type(error).__name__ == "error":  # zlib.error
                raise WorkbookError(self.broken(error)) from error
            raise

    def broken(self, error: object) -> Problem:
        return Problem(self.place, text("book_broken", reason=error), text("book_broken_hint"))

    def sheet(self, name: str) -> SheetPart:
        """The sheet of this name, whatever its case; KeyError where there is none."""
        known = {sheet.name.casefold(): sheet for sheet in self.sheets}
        return known[name.casefold()]

    @cached_property
    def strings(self) -> list[str]:
        """The shared strings, runs of rich text joined, phonetic readings left out."""
        part = self._related.get("sharedStrings", "xl/sharedStrings.xml")
        if part not in self:
            return []
        return [joined_text(item[1] or b"") for item in _ITEM.finditer(self.read(part))]

    @cached_property
    def date1904(self) -> bool:
        found = re.search(rb"<(?:\w+:)?workbookPr\b[^>]*\bdate1904\s*=\s*[\"'](1|true)", self.read(self._book))
        return found is not None

    @cached_property
    def formats(self) -> tuple[str, ...]:
        """The number format of every cell style; built-in ones that show dates or times in a common form."""
        part = self._related.get("styles", "xl/styles.xml")
        if part not in self:
            return ()
        tree = self._tree(part)
        own = {int(each.get("numFmtId", -1)): each.get("formatCode", "") for each in tree.iter() if _is(each, "numFmt")}
        table = next((each for each in tree.iter() if _is(each, "cellXfs")), None)
        numbers = [int(each.get("numFmtId", 0)) for each in (table if table is not None else ())]
        return tuple(own.get(number, _BUILT_IN.get(number, "")) for number in numbers)

    @cached_property
    def date_styles(self) -> frozenset[int]:
        """The cell styles whose number format shows a date or time."""
        return frozenset(index for index, code in enumerate(self.formats) if is_date_format(code))

    @cached_property
    def names(self) -> tuple[DefinedName, ...]:
        """The defined names that stand for one range: names of the book, and print areas of sheets."""
        found = []
        for each in self._tree(self._book).iter():
            if _is(each, "definedName"):
                local = each.get("localSheetId", "")
                words = (each.text or "").strip()
                cells = parse_range(words)
                if cells is None or "," in words:
                    continue
                sheet = cells.sheet
                if not sheet and local.isdigit() and int(local) < len(self._listed):
                    sheet = self._listed[int(local)]
                found.append(DefinedName(each.get("name", "").removeprefix("_xlnm."), replace(cells, sheet=sheet)))
        return tuple(found)

    def tables(self, part: str) -> list[tuple[str, tuple[int, int, int, int], int, int]]:
        """The Excel tables of a sheet: name, cells, and how many rows of headers and totals they have."""
        found = []
        for kind, target in self.relations(part).values():
            if kind != "table" or target not in self:
                continue
            tree = self._tree(target)
            cells = parse_range(tree.get("ref", ""))
            if cells:
                corners = (cells.first_row, cells.first_column, cells.last_row, cells.last_column)
                name = tree.get("displayName") or tree.get("name") or ""
                headers, totals = tree.get("headerRowCount", "1"), tree.get("totalsRowCount", "0")
                found.append((name, corners, int(headers == "1"), int(totals.isdigit() and int(totals) > 0)))
        return found

    def related(self, kind: str) -> str:
        """The part of the workbook with this kind of relationship (`styles`, `theme`); empty where there is none."""
        return self._related.get(kind, "")

    def relations(self, part: str) -> dict[str, tuple[str, str]]:
        """The relationships of a part: id -> (last word of the type, part)."""
        folder, name = posixpath.split(part)
        rels = posixpath.join(folder, "_rels", name + ".rels")
        if rels not in self:
            return {}
        found = {}
        for each in self._tree(rels):
            target = each.get("Target", "")
            whole = target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
            found[each.get("Id", "")] = (each.get("Type", "").rpartition("/")[2], whole)
        return found

    def _find_sheets(self) -> tuple[SheetPart, ...]:
        starts = [part for kind, part in self.relations("").values() if kind == "officeDocument"]
        self._book = starts[0] if starts else "xl/workbook.xml"
        if self._book not in self:
            raise WorkbookError(Problem(self.place, text("book_no_workbook"), text("book_broken_hint")))
        relations = self.relations(self._book)
        self._related = dict(relations.values())
        sheets: list[SheetPart] = []
        charts: list[SheetPart] = []
        self._listed: list[str] = []  # with those that are no worksheets, for local names
        for each in self._tree(self._book).iter():
            if not _is(each, "sheet"):
                continue
            self._listed.append(each.get("name", ""))
            link = next((value for key, value in each.attrib.items() if key.endswith("}id")), "")
            kind, part = relations.get(link, ("", ""))
            if kind in ("worksheet", "chartsheet") and part in self:
                found = SheetPart(each.get("name", ""), part, each.get("state", "visible") != "visible")
                (sheets if kind == "worksheet" else charts).append(found)
        self.chart_sheets = tuple(charts)
        return tuple(sheets)

    def _tree(self, part: str) -> ElementTree.Element:
        try:
            return ElementTree.fromstring(self.read(part))
        except (ElementTree.ParseError, LookupError, ValueError) as error:
            raise WorkbookError(self.broken(error)) from error

    def _no_zip(self, error: Exception) -> Problem:
        """Why a file that is no zip cannot be read as .xlsx."""
        if isinstance(error, OSError):
            return Problem(self.place, text("system_refused", reason=error.strerror or error))
        with self.path.open("rb") as source:
            start = source.read(1 << 20)
        if start.startswith(b"\xd0\xcf\x11\xe0"):
            if "EncryptedPackage".encode("utf-16-le") in start or self.path.stat().st_size > len(start):
                return Problem(self.place, text("book_password"), text("book_password_hint"))
            return Problem(self.place, text("book_old"), text("book_old_hint"))
        if not start:
            return Problem(self.place, text("book_zero_bytes"), text("book_broken_hint"))
        return Problem(self.place, text("book_no_zip"), text("book_broken_hint"))


def rows(package: Package, part: str, first: int = 1, last: int = 1 << 30) -> Iterator[Row]:
    """The rows `first` to `last` of a sheet, cells unescaped; nothing after them is inflated."""
    for number, attributes, xml in _row_pieces(whole_rows(package, part)):
        if number > last:
            return
        if number >= first:
            yield Row(number, attributes, list(_cells(xml)))


def look(package: Package, part: str) -> Look:
    """What a sheet uses, from its last cell in every row: without a Python object per cell."""
    last_row, last_column = 0, 0
    widest = b""
    for piece in whole_rows(package, part):
        for row in piece.split(b"row>"):
            at = row.rfind(b' r="')
            address = row[at + 4 : row.find(b'"', at + 4)] if at >= 0 else b""
            letters = address.rstrip(b"0123456789")
            if letters:  # without any, it is the address of a row without cells
                last_row = max(last_row, int(address[len(letters) :] or b"0"))
                if (len(letters), letters) > (len(widest), widest):
                    widest = letters
            elif cells := len(_CELL_START.findall(row)):  # some writers leave the addresses out
                last_row = max(last_row + 1, int(address or b"0"))
                last_column = max(last_column, cells)
    return Look(last_row, max(last_column, column_number(widest.decode("ascii", "replace"))))


def head(package: Package, part: str) -> bytes:
    """The XML of a sheet before its rows."""
    found = b""
    for piece in package.stream(part):
        found += piece
        at = re.search(rb"<(?:\w+:)?sheetData\b", found)
        if at:
            return found[: at.start()]
        _limited(package, len(found) * 8)
    return found


def tail(package: Package, part: str) -> bytes:
    """The XML of a sheet after its rows."""
    after: list[bytes] = []
    for _ in whole_rows(package, part, after=after):
        pass
    rest = b"".join(after)
    return rest[rest.find(b">") + 1 :]


def is_date_format(code: str) -> bool:
    """Whether a number format shows a date or a time."""
    plain = _NO_SIGNS.sub("", code.partition(";")[0])
    return bool(_DATE_SIGNS.search(plain)) and "general" not in plain.lower()


def whole_rows(package: Package, part: str, size: int = PIECE, after: list[bytes] | None = None) -> Iterator[bytes]:
    """The XML between sheetData's tags in pieces that end at a row's end; what follows them is added to `after`,
    beginning within the closing tag: nothing where the sheet is cut off before it.
    """
    pieces = package.stream(part, size)
    rest, begun = b"", False
    waiting: list[bytes] = []  # of a row that goes on: joined once, however long it is
    held = 0
    for piece in pieces:
        if not begun:
            rest += piece
            at = re.search(rb"<(?:\w+:)?sheetData\b[^>]*>", rest)
            if at is None:
                rest = rest if len(rest) < 1 << 22 else rest[-64:]
                continue
            begun, piece, rest = True, rest[at.end() :], b""
            if at[0].endswith(b"/>"):
                if after is not None:
                    after += [b">", piece, *pieces]
                return
        held += len(piece)
        _limited(package, held)
        seam = waiting[-1][-10:] + piece if waiting else piece
        waiting.append(piece)
        if b"row>" not in seam and b"sheetData>" not in seam:
            continue
        rest = b"".join(waiting)
        end = rest.rfind(b"row>")
        if end >= 0:
            yield rest[: end + 4]
            rest = rest[end + 4 :]
        waiting, held = [rest], len(rest)
        if b"sheetData>" in rest:
            break
    if begun:
        rest = b"".join(waiting)
        end = rest.find(b"sheetData>")
        yield rest if end < 0 else rest[:end]
        if after is not None and end >= 0:
            after += [rest[end:], *pieces]


def _limited(package: Package, count: int) -> None:
    """Stop where so many bytes belong together that no spreadsheet program wrote them."""
    if count > MOST_OF_ROW:
        raise WorkbookError(Problem(package.place, text("book_bomb"), text("book_broken_hint")))


def rows_in(piece: bytes, last: int) -> Iterator[Row]:
    """The rows of a piece of whole rows that follows row `last`."""
    for number, attributes, xml in _row_pieces([piece], last):
        yield Row(number, attributes, list(_cells(xml)))


def _row_pieces(pieces: Iterable[bytes], number: int = 0) -> Iterator[tuple[int, dict[str, str], bytes]]:
    for piece in pieces:
        for match in _ROW.finditer(piece):
            attributes = _attributes(match[1])
            given = attributes.get("r", "")
            number = int(given) if given.isdigit() else number + 1
            yield number, attributes, match[2] or b""


def _cells(xml: bytes) -> Iterator[Cell]:
    column = 0
    for match in _CELL.finditer(xml):
        attributes = _attributes(match[1])
        place = attributes.get("r", "").rstrip("0123456789")
        column = column_number(place) if place else column + 1
        kind, inner = attributes.get("t", ""), match[2] or b""
        if kind == "inlineStr":
            value = joined_text(inner)
        else:
            found = _VALUE.search(inner)
            value = plain_text(found[1]) if found else ""
        style = attributes.get("s", "")
        formula = _FORMULA.search(inner)
        shown = plain_text(formula[1] or b"?") if formula else ""
        yield Cell(column, int(style) if style.isdigit() else 0, kind, value, shown)


def _attributes(xml: bytes) -> dict[str, str]:
    return {
        match[1].decode("utf-8", "replace"): html.unescape((match[2] or match[3] or b"").decode("utf-8", "replace"))
        for match in _ATTRIBUTE.finditer(xml)
    }


def joined_text(xml: bytes) -> str:
    """The text of a cell or shared string: its runs joined, phonetic readings left out."""
    return "".join(plain_text(match[1] or b"") for match in _TEXT.finditer(_PHONETIC.sub(b"", xml)))


def plain_text(xml: bytes | str) -> str:
    """What a piece of XML without tags says; line ends as one sign, as every XML reader gives them."""
    value = xml.decode("utf-8", "replace") if isinstance(xml, bytes) else xml
    if "\r" in value:
        value = value.replace("\r\n", "\n").replace("\r", "\n")
    if "&" in value:
        value = html.unescape(value)
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), value) if "_x" in value else value


def _is(element: ElementTree.Element, name: str) -> bool:
    return element.tag.rpartition("}")[2] == name
