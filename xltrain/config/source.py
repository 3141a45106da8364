"""Raw values with their places, from a workbook, a TOML file or flags; nothing is judged here but the form.

Sheet names and headers are understood in both languages. Sheets that are not of the job are ignored, since a results
workbook holds many; an unknown header on a sheet of the job is a problem.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from xltrain.config.fields import FIELDS, KEYS, REMARKS, SHEETS, Field
from xltrain.config.tokens import narrow
from xltrain.errors import ConfigError, XltrainError
from xltrain.excel.read import read_cells, sheet_names
from xltrain.language import canonical, label, text
from xltrain.place import Place, Problem
from xltrain.registry import nearest, number, unknown

BOOKS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
_ERRORS = ("#N/A", "#REF!", "#NAME?", "#VALUE!", "#DIV/0!", "#NUM!", "#NULL!")
_HEADER_ROWS = 20  # how far down a header is looked for


@dataclass(frozen=True)
class Value:
    """What a cell says, and where: text, number, boolean, or a list from TOML."""

    value: Any
    place: Place

    @property
    def text(self) -> str:
        """As one would type it."""
        if isinstance(self.value, bool):
            return "true" if self.value else "false"
        return number(self.value) if isinstance(self.value, (int, float)) else str(self.value)


@dataclass(frozen=True)
class Row:
    """One row of a sheet: canonical header -> value, blank cells left out. The Job sheet is a single row."""

    place: Place
    cells: dict[str, Value] = field(default_factory=dict)


@dataclass
class Raw:
    """A job as written, and what was wrong with its form."""

    path: Path
    sheets: dict[str, list[Row]] = field(default_factory=lambda: {sheet: [] for sheet in SHEETS})
    places: dict[str, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    @property
    def file(self) -> str:
        return self.path.name

    @property
    def job(self) -> Row:
        return self.sheets["Job"][0] if self.sheets["Job"] else Row(Place(self.file, self.sheet_name("Job")))

    def sheet_name(self, sheet: str) -> str:
        """The name that a sheet has in this file."""
        return self.places[sheet].sheet if sheet in self.places else label(sheet)


def is_job(path: Path) -> bool:
    """Whether `path` is a job: a .toml file, or a workbook with a Runs sheet in either language."""
    if path.suffix.lower() == ".toml":
        return True
    if path.suffix.lower() not in BOOKS or not path.is_file():
        return False
    try:
        return any(canonical(name) == "Runs" for name in sheet_names(path))
    except XltrainError:
        return False  # whoever reads it as data will say what is wrong with it


def read_raw(path: Path, overrides: Sequence[str] = ()) -> Raw:
    """The raw values of a job file, with `sheet.header=value` overrides applied.

    Raises ConfigError when there is no such file or it is no job at all.
    """
    place = Place(str(path))
    if not path.is_file():
        raise ConfigError(Problem(place, text("job_missing", file=path.name), text("job_missing_hint", file=path.name)))
    raw = _read_toml(path) if path.suffix.lower() == ".toml" else _read_book(path)
    for each in overrides:
        override(raw, each)
    return raw


def _read_book(path: Path) -> Raw:
    raw = Raw(path)
    if path.suffix.lower() not in BOOKS:
        raise ConfigError(Problem(Place(str(path)), text("job_suffix", path=path.name)))
    for name in sheet_names(path):
        sheet = _word(name)
        if sheet not in SHEETS or sheet in raw.places:
            continue
        raw.places[sheet] = Place(raw.file, name)
        rows = read_cells(path, name)
        if sheet == "Job":
            _read_settings(raw, rows)
        else:
            _read_table(raw, sheet, rows)
    if not raw.places:
        raise ConfigError(Problem(Place(raw.file), text("job_no_sheets"), text("job_no_sheets_hint")))
    return raw


def _read_settings(raw: Raw, rows: Sequence[Sequence[Any]]) -> None:
    """The Job sheet: a setting's name, and its value in the next column."""
    place = raw.places["Job"]
    row = Row(place)
    for index, cells in enumerate(rows, 1):
        shown = _clean(cells[0]) if cells else None
        if shown is None or _is_remark(str(shown)):
            continue
        where = Place(place.file, place.sheet, index, 1)
        header = _word(shown)
        if header in REMARKS:
            continue
        if header not in FIELDS["Job"]:
            raw.problems.append(Problem(where, _unknown_header("Job", str(shown), "word_setting")))
        elif header in row.cells:
            raw.problems.append(Problem(where, text("setting_twice", header=shown)))
        else:
            _take(raw, row, FIELDS["Job"][header], cells[1] if len(cells) > 1 else None, _right(where))
    raw.sheets["Job"] = [row]


def _right(place: Place) -> Place:
    return Place(place.file, place.sheet, place.row, place.column + 1)


def _read_table(raw: Raw, sheet: str, rows: Sequence[Sequence[Any]]) -> None:
    """A sheet with a header row and one thing in every row below it."""
    place = raw.places[sheet]
    at = next((index for index, cells in enumerate(rows[:_HEADER_ROWS]) if _is_header(sheet, cells)), None)
    if at is None:
        if any(_clean(cell) is not None for cells in rows for cell in cells):
            raw.problems.append(Problem(place, text("header_missing", header=label(KEYS[sheet]))))
        return
    headers = _headers(raw, sheet, rows[at], at + 1)
    for index, cells in enumerate(rows[at + 1 :], at + 2):
        first = next((str(cell) for cell in cells if _clean(cell) is not None), "#")
        if _is_remark(first):
            continue
        row = Row(Place(place.file, place.sheet, index))
        for column, header in headers.items():
            cell = cells[column] if column < len(cells) else None
            _take(raw, row, FIELDS[sheet][header], cell, Place(place.file, place.sheet, index, column + 1))
        if row.cells:
            raw.sheets[sheet].append(row)


def _word(shown: Any) -> str:
    """The canonical word behind a header or sheet name, whatever its language and width."""
    plain = canonical(str(shown))
    return plain if plain != str(shown).strip() else canonical(narrow(str(shown)))


def _is_remark(first: str) -> bool:
    """`# not this one` switches a row off; `#1` is a name, `#N/A` an error."""
    return first.startswith("#") and not first[1:2].isdigit() and first not in _ERRORS


def _is_header(sheet: str, cells: Sequence[Any]) -> bool:
    words = {_word(cell) for cell in cells if isinstance(cell, str)}
    return KEYS[sheet] in words or len(words & set(FIELDS[sheet])) > 1


def _headers(raw: Raw, sheet: str, cells: Sequence[Any], row: int) -> dict[int, str]:
    """Position -> header, for those that readers look at."""
    found: dict[int, str] = {}
    for column, cell in enumerate(cells):
        shown = _clean(cell)
        if shown is None:
            continue
        where = Place(raw.file, raw.places[sheet].sheet, row, column + 1)
        header = _word(shown)
        if header in REMARKS:
            continue
        if header not in FIELDS[sheet]:
            raw.problems.append(Problem(where, _unknown_header(sheet, str(shown), "word_header")))
        elif header in found.values():
            raw.problems.append(Problem(where, text("header_twice", header=shown)))
        elif not FIELDS[sheet][header].shown:
            found[column] = header
    return found


def _unknown_header(sheet: str, found: str, word: str, plain: bool = False) -> str:
    """`plain` where the canonical words are written (TOML, flags); a workbook shows its own language."""
    known = [header for header, each in FIELDS[sheet].items() if not each.shown]
    shown = known if plain else [label(header) for header in known]
    near = nearest(found, [*shown, *known])
    return text("unknown_near", kind=text(word), name=found, guess=near) if near else unknown(text(word), found, shown)


def _read_toml(path: Path) -> Raw:
    try:
        return parse_toml(path, path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ConfigError(Problem(Place(path.name), text("toml_broken", reason=error))) from error


def parse_toml(path: Path, written: str) -> Raw:
    """The raw values of a job written as TOML; `path` is where it stands."""
    raw = Raw(path)
    try:
        document = tomllib.loads(written)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(Problem(Place(raw.file), text("toml_broken", reason=error))) from error
    for key, tables in document.items():
        sheet = canonical(key)
        if sheet not in SHEETS:
            message = unknown(text("word_sheet"), key, [name.lower() for name in SHEETS])
            raw.problems.append(Problem(Place(raw.file, key), message))
            continue
        raw.places[sheet] = Place(raw.file, key)
        alone = isinstance(tables, Mapping)
        for index, table in enumerate([tables] if alone else tables if isinstance(tables, list) else [None], 1):
            where = Place(raw.file, key if alone else f"{key}[{index}]")
            if isinstance(table, Mapping):
                raw.sheets[sheet].append(_toml_row(raw, sheet, table, where))
            else:
                raw.problems.append(Problem(where, text("toml_table", name=key)))
    return raw


def _toml_row(raw: Raw, sheet: str, table: Mapping[str, Any], place: Place) -> Row:
    row = Row(place)
    for key, value in table.items():
        where = Place(raw.file, f"{place.sheet}.{key}")
        header = canonical(key)
        if header not in FIELDS[sheet]:
            raw.problems.append(Problem(where, _unknown_header(sheet, key, "word_setting", plain=True)))
        elif not FIELDS[sheet][header].shown:
            _take(raw, row, FIELDS[sheet][header], value, where)
    return row


def override(raw: Raw, setting: str) -> None:
    """Apply `runs.epochs=50` to every run, `job.folds=3` or `folds=3` to the job."""
    name, sign, value = setting.partition("=" if "=" in setting else "＝")
    place = Place(f"--set {name.strip()}")
    first, dot, rest = narrow(name).strip().partition(".")
    sheet, header = (canonical(first), canonical(rest)) if dot else ("Job", canonical(first))
    if not sign:
        raw.problems.append(Problem(Place("--set"), text("set_form", found=setting)))
    elif sheet not in SHEETS:
        known = [each.lower() for each in SHEETS]
        raw.problems.append(Problem(place, unknown(text("word_sheet"), first, known)))
    elif header not in FIELDS[sheet] or FIELDS[sheet][header].shown:
        raw.problems.append(Problem(place, _unknown_header(sheet, rest or first, "word_setting", plain=True)))
    else:
        if sheet == "Job" and not raw.sheets["Job"]:
            raw.sheets["Job"].append(Row(Place(raw.file, raw.sheet_name("Job"))))
        for row in raw.sheets[sheet]:
            row.cells.pop(header, None)
            _take(raw, row, FIELDS[sheet][header], value, place)


def _take(raw: Raw, row: Row, field: Field, cell: Any, place: Place) -> None:
    """Put a cell into its row, as text, number, boolean or list; blanks are left out, dates refused."""
    value = _clean(cell)
    if value is None:
        return
    shown = label(field.header)
    if isinstance(value, str) and value in _ERRORS and field.type is not list:
        raw.problems.append(Problem(place, text("cell_is_error", header=shown, found=value)))
    elif isinstance(value, (date, time, timedelta)):
        if field.type in (str, list, "file", "limit"):
            row.cells[field.header] = Value(_date_text(value), place)
        else:
            message = text("cell_is_date", header=shown, found=_date_text(value))
            raw.problems.append(Problem(place, message, text("cell_is_date_hint")))
    else:
        row.cells[field.header] = Value(value, place)


def _date_text(value: date | time | timedelta) -> str:
    if isinstance(value, datetime) and value.time() == time(0):
        return value.date().isoformat()
    return str(value)


def _clean(cell: Any) -> Any:
    """None for a blank; whole numbers as integers; text without spaces around it."""
    if isinstance(cell, str):
        return cell.strip() or None
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return int(cell)
    return cell
