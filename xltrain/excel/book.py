"""Books of every format, opened for their values: the names of the sheets, and each sheet as a grid.

What a file is decides how it is read, not what its name says. .xlsx and .xlsm go through the project's own scanner,
.xls through xlrd (which knows the oldest formats, error cells and hidden rows), .xlsb through calamine, which may
abort the process: call these in a process of their own (`xltrain.worker`).
"""

import contextlib
import csv
import datetime
import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from xltrain.errors import WorkbookError
from xltrain.excel.cells import read_grid
from xltrain.excel.common import read_common
from xltrain.excel.grid import ErrorWord, Grid, grid_of, moment
from xltrain.excel.ods import OdsBook
from xltrain.excel.package import missing_book, scratch
from xltrain.excel.read import ERRORS, SUFFIXES, TEXTS, failure, guarded, no_sheet
from xltrain.excel.scan import DefinedName, Package
from xltrain.language import text
from xltrain.place import Place, Problem

_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_SIGNS = frozenset("=+-@\t\r\n＝＋－＠")
_ERROR_WORDS = frozenset(ERRORS.values())
_OLDEST = (b"\x09\x00", b"\x09\x02", b"\x09\x04", b"\x09\x08")  # BIFF 2, 3, 4 and 5 without a container


@dataclass(frozen=True)
class SheetName:
    """A worksheet of a book."""

    name: str
    hidden: bool = False


class Book(Protocol):
    """A book opened for reading. `names` are its defined names and print areas; `tables` its Excel tables by name."""

    @property
    def sheets(self) -> tuple[SheetName, ...]: ...
    @property
    def names(self) -> tuple[DefinedName, ...]: ...
    def grid(self, sheet: str) -> Grid: ...
    def tables(self) -> dict[str, str]: ...


@contextlib.contextmanager
def open_book(path: Path, password: str = "", recalculate: bool = False) -> Iterator[Book]:
    """Open a book of any known format.

    Args:
        password: opens a protected book.
        recalculate: have LibreOffice work out every formula first.

    Raises:
        WorkbookError: the file is missing, of an unknown kind, broken, protected, or its reader gives up.
    """
    problem = missing_book(path)
    if problem is None and path.suffix.lower() not in SUFFIXES:
        hint = text("book_suffix_hint", known=" ".join(SUFFIXES))
        problem = Problem(Place(str(path)), text("book_suffix", suffix=path.suffix or "-"), hint)
    if problem is None and not path.stat().st_size:
        problem = Problem(Place(str(path)), text("book_zero_bytes"), text("book_broken_hint"))
    if problem:
        raise WorkbookError(problem)
    with scratch() as folder:
        plain = _prepared(path, password, recalculate, folder)
        with _at(path, plain), _opened(plain) as book:
            yield book


def _prepared(path: Path, password: str, recalculate: bool, folder: Path) -> Path:
    """The book itself, or its unlocked or recalculated copy."""
    from xltrain.excel.recalculate import recalculated
    from xltrain.excel.unlock import is_locked, unlocked

    if path.suffix.lower() in TEXTS:
        return path
    plain = unlocked(path, password, folder) if is_locked(path) else path
    return recalculated(plain, folder) if recalculate else plain


@contextlib.contextmanager
def _at(path: Path, copy: Path) -> Iterator[None]:
    """Problems with a copy are problems with the book."""
    try:
        yield
    except WorkbookError as error:
        if path == copy:
            raise
        moved = [
            Problem(Place(str(path), each.place.sheet, each.place.row, each.place.column), each.message, each.hint)
            if each.place and each.place.file == str(copy)
            else each
            for each in error.problems
        ]
        raise WorkbookError(moved) from error


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Book]:
    if path.suffix.lower() in TEXTS:
        yield _TextBook(path)
        return
    with path.open("rb") as file:
        start = file.read(512)
    if start.startswith(_ZIP) and path.suffix.lower() not in (".xlsb", ".ods"):
        with Package(path) as package:
            yield _NewBook(package)
    elif start.startswith(_ZIP):
        yield _OdsBook(path) if _is_ods(path) else _OtherBook(path)
    elif start.startswith(_OLE) or start[:2] in _OLDEST:
        yield _OldBook(path)
    elif re.match(rb"(\xef\xbb\xbf)?\s*<(!doctype html|html|table|\?xml|meta|head)", start, re.I):
        raise WorkbookError(Problem(Place(str(path)), text("book_web_page"), text("book_web_page_hint")))
    elif path.suffix.lower() == ".xls" and _is_text(start):
        yield _TextBook(path)  # what many programs export under this name
    else:
        with Package(path):  # says why it is no book
            raise WorkbookError(Problem(Place(str(path)), text("book_no_zip"), text("book_broken_hint")))


def _is_text(start: bytes) -> bool:
    return b"\0" not in start and any(sign in start for sign in (b"\t", b",", b";"))


class _NewBook:
    """.xlsx and .xlsm."""

    def __init__(self, package: Package) -> None:
        self.package = package
        self.sheets = tuple(SheetName(sheet.name, sheet.hidden) for sheet in package.sheets)
        self.names = package.names

    @cached_property
    def _common(self) -> Any:
        return guarded(self.package.path, lambda: read_common(self.package))

    def grid(self, sheet: str) -> Grid:
        try:
            self.package.sheet(sheet)
        except KeyError:
            raise WorkbookError(no_sheet(self.package.path, sheet, [each.name for each in self.sheets])) from None
        common = self._common
        found: Grid = guarded(self.package.path, lambda: read_grid(self.package, sheet, common))
        return found

    def tables(self) -> dict[str, str]:
        return {name: sheet.name for sheet in self.package.sheets for name, *_ in self.package.tables(sheet.part)}


class _OldBook:
    """.xls, of every age."""

    def __init__(self, path: Path) -> None:
        import xlrd

        self.path = path
        self.names: tuple[DefinedName, ...] = ()
        told = io.StringIO()  # xlrd reports oddities as text
        try:
            try:
                self._book = xlrd.open_workbook(str(path), formatting_info=True, logfile=told)
            except (NotImplementedError, IndexError, KeyError, AssertionError, AttributeError, TypeError, ValueError):
                self._book = xlrd.open_workbook(str(path), logfile=told)
        except xlrd.XLRDError as error:
            raise WorkbookError(failure(Place(str(path)), str(error))) from error
        except Exception as error:
            raise WorkbookError(failure(Place(str(path)), str(error) or type(error).__name__)) from error
        self.sheets = tuple(SheetName(each.name, each.visibility > 0) for each in self._book.sheets())

    def grid(self, sheet: str) -> Grid:
        found = next((each for each in self._book.sheets() if each.name.casefold() == sheet.casefold()), None)
        if found is None:
            raise WorkbookError(no_sheet(self.path, sheet, [each.name for each in self.sheets]))
        lines = (
            (row + 1, [self._value(found, row, column) for column in range(found.row_len(row))])
            for row in range(found.nrows)
        )
        hidden = frozenset(row + 1 for row, info in found.rowinfo_map.items() if info.hidden)
        merges = tuple((top + 1, left + 1, bottom, right) for top, bottom, left, right in found.merged_cells)
        grid: Grid = guarded(self.path, lambda: grid_of(lines, hidden=hidden, merges=merges))
        return grid

    def tables(self) -> dict[str, str]:
        return {}

    def _value(self, sheet: Any, row: int, column: int) -> Any:
        kind, value = sheet.cell_type(row, column), sheet.cell_value(row, column)
        if kind == 1:
            return str(value).replace("\0", "")
        if kind == 2:
            code = self._format(sheet, row, column)
            padded = re.fullmatch("0{2,15}", code) and value >= 0 and float(value).is_integer()
            return str(int(value)).zfill(len(code)) if padded else value
        if kind == 3:
            return self._date(float(value), self._format(sheet, row, column))
        if kind == 4:
            return bool(value)
        if kind == 5:
            import xlrd

            return ErrorWord(xlrd.error_text_from_code.get(value, "#ERROR"))
        return None

    def _format(self, sheet: Any, row: int, column: int) -> str:
        if not self._book.formatting_info:
            return ""
        style = self._book.xf_list[sheet.cell_xf_index(row, column)]
        found = self._book.format_map.get(style.format_key)
        return found.format_str if found else ""

    def _date(self, serial: float, code: str) -> Any:
        plain = re.sub(r'"[^"]*"|\\.', "", code).lower()
        if 0 <= serial < 1 or (plain and not re.search("[yd年月日]", plain)):
            return datetime.timedelta(days=serial)
        return moment(serial + 1462 if self._book.datemode else serial + (1 if 0 <= serial < 60 else 0))


def _is_ods(path: Path) -> bool:
    with contextlib.suppress(OSError, KeyError, zipfile.BadZipFile), zipfile.ZipFile(path) as archive:
        return b"opendocument.spreadsheet" in archive.read("mimetype") or "content.xml" in archive.namelist()
    return path.suffix.lower() == ".ods"


class _OdsBook(OdsBook):
    """.ods, read from its XML."""

    names: tuple[DefinedName, ...] = ()

    @cached_property
    def sheets(self) -> tuple[SheetName, ...]:
        return tuple(SheetName(*each) for each in self.listed)

    def grid(self, sheet: str) -> Grid:
        known = [each.name for each in self.sheets]
        name = next((each for each in known if each.casefold() == sheet.casefold()), "")
        if not name:
            raise WorkbookError(no_sheet(self.path, sheet, known))
        found: Grid = guarded(self.path, lambda: self.read(name))
        return found

    def tables(self) -> dict[str, str]:
        return {}


class _OtherBook:
    """.xlsb."""

    def __init__(self, path: Path) -> None:
        import python_calamine

        self.path = path
        self.names: tuple[DefinedName, ...] = ()
        self._book = guarded(path, lambda: python_calamine.load_workbook(str(path)))
        self.sheets = tuple(
            SheetName(each.name, "visible" not in str(each.visible).lower())
            for each in self._book.sheets_metadata
            if "worksheet" in str(each.typ).lower()
        )

    def grid(self, sheet: str) -> Grid:
        if sheet not in {each.name for each in self.sheets}:
            raise WorkbookError(no_sheet(self.path, sheet, [each.name for each in self.sheets]))
        grid: Grid = guarded(self.path, lambda: self._grid(sheet))
        return grid

    def _grid(self, sheet: str) -> Grid:
        page = self._book.get_sheet_by_name(sheet)
        first, column = page.start or (0, 0)
        errors = self._errors(sheet)
        lines = []
        for row, values in enumerate(page.iter_rows() if page.start is not None else (), first + 1):
            line = [None] * column + [None if value == "" else value for value in values]
            for at, word in errors.get(row, ()):
                line += [None] * (at - len(line))
                line[at - 1] = ErrorWord(word)
            lines.append((row, line))
        merges = tuple(
            (top + 1, left + 1, bottom + 1, right + 1)
            for (top, left), (bottom, right) in (page.merged_cell_ranges or ())
        )
        return grid_of(lines, merges=merges)

    def _errors(self, sheet: str) -> dict[int, list[tuple[int, str]]]:
        """Error cells by row, which calamine shows as blanks."""
        import logging

        import fastexcel

        logging.getLogger("fastexcel").setLevel(logging.ERROR)  # it warns of columns without a value
        loaded = fastexcel.read_excel(str(self.path)).load_sheet(
            sheet, header_row=None, skip_rows=0, schema_sample_rows=None
        )
        if not loaded.width or not loaded.height:
            return {}
        _, told = loaded.to_arrow_with_errors()
        places = [each.absolute_index + 1 for each in loaded.available_columns()]
        found: dict[int, list[tuple[int, str]]] = {}
        for each in told.errors if told else ():
            row, column = each.position
            word = re.search(r"Error\((\w+)\)", each.detail)
            found.setdefault(row + 1, []).append((places[column], ERRORS.get(word[1], word[1]) if word else "#ERROR"))
        return found

    def tables(self) -> dict[str, str]:
        return {}


class _TextBook:
    """.csv and the like: one sheet named after the file, every cell a text."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.sheets = (SheetName(path.stem),)
        self.names: tuple[DefinedName, ...] = ()

    def grid(self, sheet: str) -> Grid:
        if sheet.casefold() != self.path.stem.casefold():
            raise WorkbookError(no_sheet(self.path, sheet, [self.path.stem]))
        content = decoded(self.path)
        csv.field_size_limit(1 << 24)
        lines = csv.reader(io.StringIO(content.replace("\0", ""), newline=""), delimiter=_separator(content))
        try:
            return grid_of((row, [_plain(value.strip()) for value in line]) for row, line in enumerate(lines, 1))
        except csv.Error as error:
            raise WorkbookError(failure(Place(str(self.path)), str(error))) from error

    def tables(self) -> dict[str, str]:
        return {}


def _plain(value: str) -> Any:
    """A cell of a text file: a text, or an error that a spreadsheet wrote there.

    An apostrophe before what would be a formula (`data.formula_texts`) was put there to keep it a text.
    """
    if value.startswith("'") and value.lstrip("'")[:1] in _SIGNS:
        return value[1:]
    return ErrorWord(value) if value.startswith("#") and value in _ERROR_WORDS else value


def _separator(content: str) -> str:
    """The sign that cuts the first lines into cells."""
    lines = [line for line in content[: 1 << 16].splitlines()[:20] if line.strip()]
    signs = {sign: sum(line.count(sign) for line in lines) for sign in ",;\t|"}
    steady = {sign: len({line.count(sign) for line in lines}) == 1 for sign in signs}
    return max(signs, key=lambda each: (signs[each] > 0 and steady[each], signs[each]))


def decoded(path: Path) -> str:
    """A text file's content: UTF-8, UTF-16 with a mark, or GB 18030."""
    raw = path.read_bytes()
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16", "replace")
    for encoding in ("utf-8-sig", "gb18030"):
        with contextlib.suppress(UnicodeDecodeError):
            return raw.decode(encoding)
    raise WorkbookError(Problem(Place(str(path)), text("book_encoding"), text("book_encoding_hint")))


def sheet_names(path: str) -> list[str]:
    """The names of a book's sheets, in order; called in a worker."""
    with open_book(Path(path)) as book:
        return [sheet.name for sheet in book.sheets]


def lines(path: str, sheet: str) -> list[list[Any]]:
    """A small sheet by absolute position, in JSON's types, dates as {"date": iso}; called in a worker."""
    with open_book(Path(path)) as book:
        grid = book.grid(sheet)
    found: list[list[Any]] = []
    for index, row in enumerate(grid.numbers.tolist()):
        cells = grid.line(index)
        found += [[] for _ in range(row - len(found))]
        found[row - 1] = [_to_json(cells.get(column)) for column in range(1, max(cells, default=0) + 1)]
    return found


def _to_json(value: Any) -> Any:
    if isinstance(value, datetime.datetime):
        return {"date": value.isoformat()}
    return str(value) if isinstance(value, datetime.timedelta) else value
