"""The row that a decision is about, found again by its fingerprint; and values as a person wrote them in a cell."""

import datetime
import math
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xltrain.data.fingerprint import cell_hashes, from_hex, sums
from xltrain.data.table import MARK_LETTER, Table
from xltrain.data.values import words
from xltrain.language import canonical

_DIGITS = 12  # to which two numbers are the same value


class About(Protocol):
    """What is known of the row of a decision."""

    @property
    def file(self) -> str: ...
    @property
    def sheet(self) -> str: ...
    @property
    def row(self) -> int: ...
    @property
    def column(self) -> str: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def old(self) -> Any: ...
    @property
    def new(self) -> Any: ...


class Seeker:
    """Finds rows of a table by place and fingerprint. `sums` are the fingerprints as numbers: shape (rows,)."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.sums = sums(table.data, [name for name in table.names if name not in table.joined])
        self._sheets: dict[tuple[str, str], Any] = {}
        self._cells: dict[str, Any] = {}
        self._claimed: dict[int, int] = {}  # position -> the row where it stood

    def find(self, about: About, fixes: Sequence[About]) -> tuple[int | None, bool]:
        """The position of the row, None where none is as it was; and whether it stands in another row of its sheet.

        `fixes` are all corrections of this row: some or all of them may have been made in the source already.
        """
        positions = self._positions(about)
        rows = self.table.row[positions]
        there = positions[rows == about.row]
        wanted = from_hex(about.fingerprint)
        if wanted is None:
            return (int(there[0]) if len(there) else None), False
        expected = np.uint64(wanted)
        steps = [(fix, *_step(fix)) for fix in fixes if fix.column in self.table.names]
        for position in there.tolist():
            if self._undone(position, steps) == expected:
                return int(position), False
        goals = [expected, _total([expected, *(step for _, step, _ in steps)])]
        moved = positions[np.isin(self.sums[positions], np.array(goals, np.uint64))]
        # Of rows that are alike, each is meant once.
        moved = moved[[self._claimed.get(int(each), about.row) == about.row for each in moved]]
        if not len(moved):
            return None, False
        nearest = int(moved[np.argmin(np.abs(self.table.row[moved].astype(np.int64) - about.row))])
        self._claimed[nearest] = about.row
        return nearest, True

    def at(self, about: About) -> int | None:
        """The position of whatever stands at the decision's row now; where that is another row's value, of the one row
        of the sheet that still holds the old one.
        """
        positions = self._positions(about)
        there = positions[self.table.row[positions] == about.row]
        if about.old is not None and about.column in self.table.names:
            column = self.table.data.column(about.column)
            if not (len(there) and any(same(column[int(there[0])].as_py(), each) for each in (about.old, about.new))):
                if about.column not in self._cells:
                    self._cells[about.column] = cell_hashes(about.column, column)
                value = cell_hashes(about.column, pa.array([about.old]))[0]
                alike = positions[self._cells[about.column][positions] == value]
                there = alike if len(alike) == 1 else there
        return int(there[0]) if len(there) else None

    def sharing(self, position: int, column: str) -> list[int]:
        """The rows whose value of a column stands in the same cell: of a joined row, or of a row that was unpivoted."""
        table = self.table
        if column in table.joined and table.marks is not None:
            marks = table.marks.column(table.joined[column][0])
            alike = pc.fill_null(pc.equal(marks, marks[position]), False)
            return [int(each) for each in np.flatnonzero(alike.to_numpy())]
        several = table.marks is not None and MARK_LETTER in table.marks.column_names
        if several and column != table.unpivoted:
            alike = (table.origin == table.origin[position]) & (table.row == table.row[position])
            return [int(each) for each in np.flatnonzero(alike)]
        return [position]

    def _positions(self, about: About) -> Any:
        """The rows of the decision's sheet; a file that lies in another folder now is known by its name."""
        key = (about.file, about.sheet)
        if key not in self._sheets:
            named = [index for index, each in enumerate(self.table.origins) if each.sheet == about.sheet]
            common = {index: _common(self.table.origins[index].file, about.file) for index in named}
            most = max(common.values(), default=0)
            chosen = [index for index in named if self.table.origins[index].file == about.file]
            chosen = chosen or [index for index in named if common[index] == most > 0]
            chosen = chosen if len(chosen) == 1 else []
            self._sheets[key] = np.flatnonzero(np.isin(self.table.origin, chosen)) if chosen else np.zeros(0, np.int64)
        return self._sheets[key]

    def _undone(self, position: int, steps: Sequence[tuple[About, np.uint64, np.uint64]]) -> np.uint64:
        """The fingerprint of a row with those corrections taken back that it holds already."""
        found = self.sums[position]
        made = []
        for fix, step, after in steps:
            column = self.table.data.column(fix.column)
            if cell_hashes(fix.column, column.slice(position, 1))[0] == after:
                made.append(step)
        with np.errstate(over="ignore"):
            return np.uint64(found - _total(made))


def _common(one: str, other: str) -> int:
    """How many names two paths share, counted from the end."""
    pairs = zip(reversed(one.split("/")), reversed(other.split("/")), strict=False)
    return next((index for index, (a, b) in enumerate(pairs) if a != b), min(one.count("/"), other.count("/")) + 1)


def _step(fix: About) -> tuple[np.uint64, np.uint64]:
    """What a correction adds to the fingerprint of its row, and what the corrected cell adds."""
    before, after = (cell_hashes(fix.column, pa.array([value]))[0] for value in (fix.old, fix.new))
    with np.errstate(over="ignore"):
        return np.uint64(after - before), np.uint64(after)


def _total(steps: Sequence[np.uint64]) -> np.uint64:
    return np.uint64(sum(int(each) for each in steps) % 2**64)


def typed(value: Any, kind: Any) -> Any:
    """A cell's value as one of this Arrow type; None where it cannot be one."""
    if value is None:
        return None
    if pa.types.is_boolean(kind):
        return _boolean(value)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _number(value)
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return _date(value, pa.types.is_date(kind))
    if pa.types.is_temporal(kind):
        return value if isinstance(value, (datetime.time, datetime.timedelta)) else None
    return value if isinstance(value, str) else words(pa.array([value]))[0].as_py()


def _number(value: Any) -> float | int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        try:
            value = float(value.replace(",", "").strip())
        except ValueError:
            return None
    if not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return value


def is_fraction(value: Any) -> bool:
    """Whether a cell holds a number that is not whole."""
    number = _number(value)
    return number is not None and float(number) != round(float(number))


def _boolean(value: Any) -> bool | None:
    if isinstance(value, (bool, int, float)):
        return bool(value) if value in (0, 1) else None
    word = canonical(str(value)).casefold()
    return {"yes": True, "true": True, "no": False, "false": False}.get(word)


def _date(value: Any, day: bool) -> Any:
    if isinstance(value, str):
        try:
            value = datetime.datetime.fromisoformat(value.strip())
        except ValueError:
            return None
    if isinstance(value, datetime.datetime):
        return value.date() if day else value
    if isinstance(value, datetime.date):
        return value if day else datetime.datetime.combine(value, datetime.time())
    return None


def same(one: Any, other: Any) -> bool:
    """Whether two cells hold the same value, whatever the type that their columns took."""
    if one is None or other is None:
        return one is other
    numbers = [_number(each) for each in (one, other)]
    if numbers[0] is not None and numbers[1] is not None:
        return math.isclose(numbers[0], numbers[1], rel_tol=10.0**-_DIGITS, abs_tol=0.0)
    if isinstance(one, (datetime.date, datetime.datetime)) or isinstance(other, (datetime.date, datetime.datetime)):
        return _date(one, False) is not None and _date(one, False) == _date(other, False)
    return shown_value(one).casefold() == shown_value(other).casefold()


def fixed_already(now: Any, value: Any) -> bool:
    """Whether a cell holds what a fix would write; words letter by letter, since `east` may be to become `East`."""
    words = isinstance(now, str) and isinstance(value, str)
    return bool(now.strip() == value.strip()) if words else same(now, value)


def shown_value(value: Any) -> str:
    """A value as a person reads it; a dash where there is none."""
    if value is None or value == "":
        return "–"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    return str(value).strip()
