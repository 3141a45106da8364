"""Books as values: names of sheets, a few rows to look at, and whole columns as Arrow arrays.

.xlsx and .xlsm are looked at with our own scanner first, then read by fastexcel. The other formats have no scanner, and
their readers may abort the process on a broken file, so they are read in a child with limits. Positions are absolute:
row and column 1 are those of the sheet.
"""

import contextlib
import csv
import io
import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from xltrain.errors import WorkbookError
from xltrain.excel.package import missing_book
from xltrain.excel.scan import Package, kinds, look, rows
from xltrain.language import text
from xltrain.place import Place, Problem, column_letter
from xltrain.registry import unknown

if TYPE_CHECKING:
    import pyarrow as pa

NEW, OLD, TEXTS = (".xlsx", ".xlsm"), (".xlsb", ".xls", ".ods"), (".csv", ".tsv", ".txt")
SUFFIXES = (*NEW, *OLD, *TEXTS)
MOST_CELLS = 400_000_000  # of the rectangle that a sheet spans
TIMEOUT = 120.0  # seconds that a child may take, plus one per MB
ERRORS = {
    "Div0": "#DIV/0!",
    "NA": "#N/A",
    "Name": "#NAME?",
    "Null": "#NULL!",
    "Num": "#NUM!",
    "Ref": "#REF!",
    "Value": "#VALUE!",
    "GettingData": "#GETTING_DATA",
}
_OTHER_KIND = r"^(-?[0-9.][0-9.eE+-]*|inf|NaN|true|false|\d{4}-\d\d-\d\d.*|P.*)$"  # as fastexcel writes them
BLANK, NUMBER, TEXT, BOOLEAN, DATE = range(5)


@dataclass(frozen=True)
class Strip:
    """One column of a block: `values` as Arrow; `kinds` (rows,) where cells of several kinds stand, else None.

    A column of several kinds holds text: numbers in their shortest form, dates as ISO, booleans as true and false.
    """

    column: int
    values: "pa.Array"
    kinds: "pa.Array | None" = None


@dataclass(frozen=True)
class Block:
    """The columns of a sheet from `first_row` down; `errors` are the cells that hold an error: (row, column, word)."""

    first_row: int
    rows: int
    strips: tuple[Strip, ...]
    errors: tuple[tuple[int, int, str], ...] = ()


@dataclass(frozen=True)
class Preview:
    """The first rows of a sheet as Python values, row and column 1 at index 0; and what the sheet spans."""

    rows: list[list[Any]]
    last_row: int
    last_column: int
    merged: tuple[tuple[int, int, int, int], ...] = field(default=())


class OpenBook(Protocol):
    """A book opened for reading."""

    @property
    def sheets(self) -> tuple[str, ...]: ...
    def preview(self, sheet: str, count: int) -> Preview: ...
    def block(self, sheet: str, first_row: int) -> Block: ...


@contextlib.contextmanager
def open_book(path: Path) -> Iterator[OpenBook]:
    """Open a book of any known format.

    Raises:
        WorkbookError: the file is missing, of an unknown kind, broken, protected, or its reader gives up.
    """
    suffix = path.suffix.lower()
    if suffix in NEW:
        with Package(path) as package:
            yield _NewBook(package)
        return
    problem = missing_book(path)
    if problem is None and suffix not in SUFFIXES:
        hint = text("book_suffix_hint", known=" ".join(SUFFIXES))
        problem = Problem(Place(str(path)), text("book_suffix", suffix=suffix), hint)
    if problem is None and not path.stat().st_size:
        problem = Problem(Place(str(path)), text("book_zero_bytes"), text("book_broken_hint"))
    if problem:
        raise WorkbookError(problem)
    if suffix in TEXTS:
        yield _TextBook(path)
        return
    with tempfile.TemporaryDirectory(prefix="xltrain-") as folder:
        yield _OldBook(path, Path(folder))


def sheet_names(path: Path) -> list[str]:
    """The names of a book's sheets, in order."""
    with open_book(path) as book:
        return list(book.sheets)


def read_cells(path: Path, sheet: str) -> list[list[Any]]:
    """A small sheet, such as one of a job, by absolute position; None for blanks, error words as text."""
    with open_book(path) as book:
        return book.preview(sheet, 1 << 30).rows


class _NewBook:
    """.xlsx and .xlsm."""

    def __init__(self, package: Package) -> None:
        self.package = package
        self.path = package.path
        self.sheets = tuple(sheet.name for sheet in package.sheets)
        self._reader: Any = None

    def _part(self, sheet: str) -> str:
        try:
            return self.package.sheet(sheet).part
        except KeyError:
            raise WorkbookError(no_sheet(self.path, sheet, self.sheets)) from None

    def preview(self, sheet: str, count: int) -> Preview:
        part = self._part(sheet)
        shown: Preview = _guarded(self.path, lambda: self._preview(part, sheet, count))
        return shown

    def _preview(self, part: str, sheet: str, count: int) -> Preview:
        seen = look(self.package, part)
        _check_size(self.path, sheet, seen.last_row, seen.last_column)
        found: list[list[Any]] = []
        for row in rows(self.package, part, last=count):
            while len(found) < row.number:
                found.append([])
            line = found[row.number - 1]
            for cell in row.cells:
                line.extend([None] * (cell.column - len(line)))
                line[cell.column - 1] = self._value(cell.kind, cell.value, cell.style)
        return Preview(found, seen.last_row, seen.last_column)

    def _value(self, kind: str, value: str, style: int) -> Any:
        if kind == "s":
            return self.package.strings[int(value)] or None if value else None
        if kind in ("str", "inlineStr", "e", "d"):
            return value or None
        if not value:
            return None
        if kind == "b":
            return value in ("1", "true")
        number = float(value)
        if style in self.package.date_styles:
            return serial_date(number, self.package.date1904)
        return int(number) if number.is_integer() and abs(number) < 1e15 else number

    def block(self, sheet: str, first_row: int) -> Block:
        part = self._part(sheet)
        if self._reader is None:
            self._reader = _guarded(self.path, lambda: _fast(self.path))
        reader = self._reader
        # fastexcel compares names exactly, Excel does not.
        name = self.package.sheet(sheet).name
        block: Block = _guarded(self.path, lambda: fast_block(reader, name, first_row))
        mixed = [strip.column for strip in block.strips if _may_be_mixed(strip.values)]
        if not mixed:
            return block
        return _sorted_out(block, *self._cells(part, mixed, block))

    def _cells(
        self, part: str, columns: Sequence[int], block: Block
    ) -> tuple[dict[int, Any], dict[int, dict[int, str]]]:
        """Per column: the kind of each cell (rows,), and row index -> exact text of those that hold no text."""
        import numpy as np

        found = {column: np.zeros(block.rows, np.int8) for column in columns}
        exact: dict[int, dict[int, str]] = {column: {} for column in columns}
        dates, after = self.package.date_styles, self.package.date1904
        for row, cell in kinds(self.package, part, columns, block.first_row):
            index = row - block.first_row
            if index >= block.rows:
                break
            if cell.kind in ("s", "str", "inlineStr"):
                found[cell.column][index] = TEXT
            elif cell.kind in ("", "n"):
                date = cell.style in dates
                found[cell.column][index] = DATE if date else NUMBER
                shown = iso(serial_date(float(cell.value), after)) if date else shortest(float(cell.value))
                exact[cell.column][index] = shown
            elif cell.kind in ("b", "d"):
                found[cell.column][index] = BOOLEAN if cell.kind == "b" else DATE
        return found, exact


class _OldBook:
    """.xls, .xlsb and .ods, read by a child process."""

    def __init__(self, path: Path, folder: Path) -> None:
        self.path, self.folder = path, folder
        self.sheets = tuple(self._ask("names"))

    def preview(self, sheet: str, count: int) -> Preview:
        self._check(sheet)
        told = self._ask("preview", sheet, str(count))
        lines = [[_from_json(value) for value in line] for line in told["rows"]]
        return Preview(lines, told["last_row"], told["last_column"])

    def block(self, sheet: str, first_row: int) -> Block:
        import pyarrow as pa

        self._check(sheet)
        target = self.folder / "block.arrow"
        told = self._ask("block", sheet, str(first_row), str(target))
        with pa.OSFile(str(target), "rb") as source:
            table = pa.ipc.open_file(source).read_all()
        strips = []
        for name in table.column_names:
            if name.startswith("v"):
                kind = f"k{name[1:]}"
                values, of = (
                    table.column(each).combine_chunks() if each in table.column_names else None for each in (name, kind)
                )
                strips.append(Strip(int(name[1:]), values, of))
        return Block(first_row, table.num_rows, tuple(strips), tuple((row, column, word) for row, column, word in told))

    def _check(self, sheet: str) -> None:
        if sheet not in self.sheets:
            raise WorkbookError(no_sheet(self.path, sheet, self.sheets))

    def _ask(self, *words: str) -> Any:
        """Run the child and take its answer; whatever happens to it becomes one line."""
        place = Place(str(self.path))
        call = [sys.executable, "-m", "xltrain.excel.child", str(self.path.absolute()), *words]
        limit = TIMEOUT + self.path.stat().st_size / 1e6
        try:
            done = subprocess.run(call, capture_output=True, timeout=limit, check=False)
        except subprocess.TimeoutExpired:
            raise WorkbookError(Problem(place, text("book_reader_stopped"), text("book_broken_hint"))) from None
        try:
            told = json.loads(done.stdout.decode("utf-8"))
        except ValueError:
            raise WorkbookError(Problem(place, text("book_reader_stopped"), text("book_broken_hint"))) from None
        if "failed" in told:
            raise WorkbookError(failure(place, told["failed"]))
        return told["answer"]


class _TextBook:
    """.csv and the like: one sheet named after the file, every cell a text."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.sheets: tuple[str, ...] = (path.stem,)
        self._lines: list[list[str]] | None = None

    @property
    def lines(self) -> list[list[str]]:
        if self._lines is None:
            content = _decoded(self.path)
            sample = content[: 1 << 16]
            first = next((line for line in sample.splitlines() if line.strip()), "")
            signs = {sign: first.count(sign) for sign in ",;\t|"}
            sign = max(signs, key=lambda each: signs[each])
            # A null byte would stop the reader of Python 3.10 and is no text anyway.
            self._lines = list(csv.reader(io.StringIO(content.replace("\0", ""), newline=""), delimiter=sign))
        return self._lines

    def preview(self, sheet: str, count: int) -> Preview:
        lines = [[value.strip() or None for value in line] for line in self.lines[:count]]
        return Preview(lines, len(self.lines), max((len(line) for line in self.lines), default=0))

    def block(self, sheet: str, first_row: int) -> Block:
        import itertools

        import pyarrow as pa

        lines = self.lines[first_row - 1 :]
        strips = []
        for column, values in enumerate(itertools.zip_longest(*lines, fillvalue=""), 1):
            strips.append(Strip(column, pa.array([value.strip() or None for value in values], pa.string())))
        return Block(first_row, len(lines), tuple(strips))


def no_sheet(path: Path, sheet: str, known: Sequence[str]) -> Problem:
    """No such sheet, with the nearest name."""
    return Problem(Place(str(path)), unknown(text("word_sheet"), sheet, known))


def fast_block(reader: Any, sheet: str, first_row: int) -> Block:
    """A sheet from `first_row` down by fastexcel, error cells listed."""
    import re

    loaded = reader.load_sheet(sheet, header_row=None, skip_rows=first_row - 1, schema_sample_rows=None)
    if not loaded.width or not loaded.height:
        return Block(first_row, 0, ())
    batch, told = loaded.to_arrow_with_errors()
    places = [each.absolute_index + 1 for each in loaded.available_columns()]
    strips = tuple(
        Strip(column, values)
        for column, values in zip(places, batch.columns, strict=True)
        if values.null_count < len(values)
    )
    errors = []
    for each in told.errors if told else ():
        row, column = each.position
        found = re.search(r"Error\((\w+)\)", each.detail)
        errors.append((row + 1, places[column], ERRORS.get(found[1], found[1]) if found else "#ERROR"))
    return Block(first_row, batch.num_rows, strips, tuple(errors))


def _fast(path: Path) -> Any:
    import logging

    import fastexcel

    logging.getLogger("fastexcel").setLevel(logging.ERROR)  # it warns of columns without a value
    return fastexcel.read_excel(path)


def _guarded(path: Path, work: Any) -> Any:
    """Do the work; whatever a reader throws, even what is no Exception, becomes one line."""
    try:
        return work()
    except (KeyboardInterrupt, SystemExit, GeneratorExit, WorkbookError, MemoryError):
        raise
    except BaseException as error:  # the reader's panic is no Exception
        raise WorkbookError(failure(Place(str(path)), str(error))) from error


def failure(place: Place, reason: str) -> Problem:
    """What a library reader said, in one line."""
    if "password" in reason.lower():
        return Problem(place, text("book_password"), text("book_password_hint"))
    first = reason.strip().splitlines()[0] if reason.strip() else "-"
    return Problem(place, text("book_reader_failed", reason=first[:200]), text("book_broken_hint"))


def _sorted_out(block: Block, found: dict[int, Any], exact: dict[int, dict[int, str]]) -> Block:
    """A block whose columns of several kinds hold the exact text of each cell and its kind."""
    import pyarrow as pa

    strips = []
    for strip in block.strips:
        if strip.column in found and exact[strip.column]:
            values = strip.values.to_pylist()
            for index, value in exact[strip.column].items():
                values[index] = value
            strips.append(Strip(strip.column, pa.array(values, pa.string()), pa.array(found[strip.column])))
        else:
            strips.append(strip)
    return Block(block.first_row, block.rows, tuple(strips), block.errors)


def _may_be_mixed(values: Any) -> bool:
    """Whether a column of texts may hold other kinds, which the reader has turned into text: one looks like it."""
    import pyarrow.compute as pc

    if str(values.type) not in ("string", "large_string"):
        return False
    # Most columns repeat few texts; a sample of distinct ones would not do, one number among them matters.
    return bool(pc.any(pc.match_substring_regex(pc.unique(values), _OTHER_KIND)).as_py())


def _check_size(path: Path, sheet: str, last_row: int, last_column: int) -> None:
    """Readers hold the whole rectangle that a sheet spans; two cells far apart would take all memory."""
    if last_row * last_column > MOST_CELLS:
        corner = f"{column_letter(last_column)}{last_row}"
        problem = text("sheet_too_wide", rows=last_row, columns=last_column)
        raise WorkbookError(Problem(Place(str(path), sheet), problem, text("sheet_too_wide_hint", corner=corner)))


def _decoded(path: Path) -> str:
    raw = path.read_bytes()
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16", "replace")
    for encoding in ("utf-8-sig", "gb18030"):
        with contextlib.suppress(UnicodeDecodeError):
            return raw.decode(encoding)
    raise WorkbookError(Problem(Place(str(path)), text("book_encoding"), text("book_encoding_hint")))


def shortest(value: float) -> str:
    """A number in its shortest form: 5, 0.1, 1e+20."""
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def iso(value: Any) -> str:
    """A date, a date with its time, or a time."""
    import datetime

    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if value.time() == datetime.time() else value.isoformat(" ")
    return str(value)


def serial_date(serial: float, date1904: bool = False) -> Any:
    """A date serial as datetime; a time of day below 1; the number itself where it is no date.

    Serials up to 60 count a 29 February 1900 that never was, as Excel does.
    """
    import datetime

    if not math.isfinite(serial) or serial < 0 or serial > 2_958_466:
        return serial
    seconds = round(serial * 86_400, 3)
    if serial < 1 and not date1904:
        return (datetime.datetime(1900, 1, 1) + datetime.timedelta(seconds=seconds)).time()
    start = datetime.datetime(1904, 1, 1) if date1904 else datetime.datetime(1899, 12, 31 if serial < 60 else 30)
    return start + datetime.timedelta(seconds=seconds)


def _from_json(value: Any) -> Any:
    """Dates travel as {"date": iso}."""
    import datetime

    if isinstance(value, dict):
        return datetime.datetime.fromisoformat(value["date"])
    return value
