"""Small sheets as Python values, such as those of a job: no more is loaded than they need.

.xlsx and .xlsm are read with our own scanner. The readers of other formats may abort the process on a broken file, so
they work in one of their own. Positions are absolute: row and column 1 are those of the sheet.
"""

import datetime
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from xltrain import worker
from xltrain.errors import WorkbookError
from xltrain.excel.package import missing_book
from xltrain.excel.scan import Cell, Package, look, rows
from xltrain.language import text
from xltrain.place import Place, Problem, column_letter
from xltrain.registry import unknown

NEW, OLD, TEXTS = (".xlsx", ".xlsm"), (".xlsb", ".xls", ".ods"), (".csv", ".tsv", ".txt")
SUFFIXES = (*NEW, *OLD, *TEXTS)
MOST_CELLS = 400_000_000  # of the rectangle that a sheet spans
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


def sheet_names(path: Path) -> list[str]:
    """The names of a book's sheets, in order."""
    if path.suffix.lower() in NEW:
        with Package(path) as package:
            return [sheet.name for sheet in package.sheets]
    _check_kind(path)
    return list(worker.call("xltrain.excel.book:sheet_names", path, path=str(path)))


def read_cells(path: Path, sheet: str) -> list[list[Any]]:
    """A small sheet by absolute position; None for blanks, error words as text."""
    if path.suffix.lower() in NEW:
        with Package(path) as package:
            found: list[list[Any]] = guarded(path, lambda: _lines(package, sheet))
            return found
    _check_kind(path)
    lines = worker.call("xltrain.excel.book:lines", path, path=str(path), sheet=sheet)
    return [[_from_json(value) for value in line] for line in lines]


def _lines(package: Package, sheet: str) -> list[list[Any]]:
    try:
        part = package.sheet(sheet).part
    except KeyError:
        raise WorkbookError(no_sheet(package.path, sheet, [each.name for each in package.sheets])) from None
    seen = look(package, part)
    _check_size(package.path, sheet, seen.last_row, seen.last_column)
    lines: list[list[Any]] = []
    for row in rows(package, part):
        while len(lines) < row.number:
            lines.append([])
        line = lines[row.number - 1]
        for cell in row.cells:
            line.extend([None] * (cell.column - len(line)))
            line[cell.column - 1] = _value(package, cell)
    return lines


def _value(package: Package, cell: Cell) -> Any:
    if cell.kind == "s":
        return package.strings[int(cell.value)] or None if cell.value else None
    if cell.kind in ("str", "inlineStr", "e", "d"):
        return cell.value or None
    if not cell.value:
        return None
    if cell.kind == "b":
        return cell.value in ("1", "true")
    number = float(cell.value)
    if cell.style in package.date_styles:
        return serial_date(number, package.date1904)
    return int(number) if number.is_integer() and abs(number) < 1e15 else number


def _check_kind(path: Path) -> None:
    """WorkbookError for a file that is missing or of no known kind."""
    problem = missing_book(path)
    if problem is None and path.suffix.lower() not in SUFFIXES:
        hint = text("book_suffix_hint", known=" ".join(SUFFIXES))
        problem = Problem(Place(str(path)), text("book_suffix", suffix=path.suffix or "-"), hint)
    if problem:
        raise WorkbookError(problem)


def no_sheet(path: Path, sheet: str, known: Sequence[str]) -> Problem:
    """No such sheet, with the nearest name."""
    return Problem(Place(str(path)), unknown(text("word_sheet"), sheet, known))


def guarded(path: Path, work: Callable[[], Any]) -> Any:
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


def _check_size(path: Path, sheet: str, last_row: int, last_column: int) -> None:
    """Readers hold the whole rectangle that a sheet spans; two cells far apart would take all memory."""
    if last_row * last_column > MOST_CELLS:
        corner = f"{column_letter(last_column)}{last_row}"
        problem = text("sheet_too_wide", rows=last_row, columns=last_column)
        raise WorkbookError(Problem(Place(str(path), sheet), problem, text("sheet_too_wide_hint", corner=corner)))


def shortest(value: float) -> str:
    """A number in its shortest form: 5, 0.1, 1e+20."""
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def iso(value: Any) -> str:
    """A date, a date with its time, or a time."""
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if value.time() == datetime.time() else value.isoformat(" ")
    return str(value)


def serial_date(serial: float, date1904: bool = False) -> Any:
    """A date serial as datetime; a time of day below 1; the number itself where it is no date.

    Serials up to 60 count a 29 February 1900 that never was, as Excel does.
    """
    if not math.isfinite(serial) or serial < 0 or serial > 2_958_466:
        return serial
    seconds = round(serial * 86_400, 3)
    if serial < 1 and not date1904:
        return (datetime.datetime(1900, 1, 1) + datetime.timedelta(seconds=seconds)).time()
    start = datetime.datetime(1904, 1, 1) if date1904 else datetime.datetime(1899, 12, 31 if serial < 60 else 30)
    return start + datetime.timedelta(seconds=seconds)


def _from_json(value: Any) -> Any:
    """Dates travel as {"date": iso}."""
    if isinstance(value, dict):
        return datetime.datetime.fromisoformat(value["date"])
    return value
