"""Columns plus the place of every row.

A table is an Arrow table whose rows remember the file, sheet and row they came from, and for every source the letter
each column had there, so that a value's place is a cell.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from xltrain.place import Place, Problem, column_number

# Columns of marks: the letter of the column that an unpivoted value stood in; the key of a row of a database; and, for
# each join, the place of the row that was joined (`MARK_JOINED` + the name of the joined source).
MARK_LETTER, MARK_KEY, MARK_JOINED = "source_letter", "source_key", "source_joined "


@dataclass(frozen=True)
class Origin:
    """One sheet that rows came from, and the letter each column had there."""

    file: str
    sheet: str
    letters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """`data` holds the columns alone; `origin` and `row` say, for each row, which of `origins` and which sheet row.

    Shapes: data (rows, columns); origin (rows,) int32 index into origins; row (rows,) int32, counting from 1; marks
    (rows, 0 or more) say more about where a row's values stood. `joined` says which mark names the place of a column
    that came by a join, and the letter of that column there.
    """

    data: pa.Table
    origins: tuple[Origin, ...]
    origin: npt.NDArray[np.int32]
    row: npt.NDArray[np.int32]
    marks: pa.Table | None = None
    joined: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    unpivoted: str = ""  # the column whose values `source_letter` places
    fingerprint: Any = None  # Arrow strings (rows,), of the rows as read, where decisions have changed some since

    def __len__(self) -> int:
        return int(self.data.num_rows)

    @property
    def names(self) -> list[str]:
        return list(self.data.column_names)

    def place(self, index: int, column: str = "") -> Place:
        """Where row `index` (and, with a column name, its cell) stands."""
        origin = self.origins[int(self.origin[index])]
        if column in self.joined:
            mark, letter = self.joined[column]
            return _joined_place(self._mark(mark, index), letter)
        letters = origin.letters.get(column, "")
        if column and column == self.unpivoted:
            letters = self._mark(MARK_LETTER, index)
        key = self._mark(MARK_KEY, index)
        if key:
            return Place(origin.file, "!".join(part for part in (origin.sheet, key, column) if part))
        return Place(origin.file, origin.sheet, int(self.row[index]), column_number(letters))

    def _mark(self, name: str, index: int) -> str:
        if self.marks is None or name not in self.marks.column_names:
            return ""
        return self.marks.column(name)[index].as_py() or ""

    def take(self, rows: npt.NDArray[np.integer]) -> "Table":
        """The rows at these positions, in this order."""
        index = pa.array(rows)
        marks = self.marks.take(index) if self.marks is not None else None
        return Table(
            self.data.take(index),
            self.origins,
            self.origin[rows],
            self.row[rows],
            marks,
            self.joined,
            self.unpivoted,
            None if self.fingerprint is None else self.fingerprint.take(index),
        )


def with_marks(batch: Table, names: Sequence[str]) -> Table:
    """The batch with all of these marks, empty where it has none."""
    if not names:
        return batch
    have = batch.marks.column_names if batch.marks is not None else []
    columns = {
        name: batch.marks.column(name)
        if batch.marks is not None and name in have
        else pa.nulls(len(batch), pa.string())
        for name in names
    }
    return replace(batch, marks=pa.table(columns))


def concatenated(batches: Sequence[Table], none: Table) -> Table:
    """Batches as one table."""
    batches = [batch for batch in batches if len(batch)] or list(batches[:1]) or [none]
    origins: dict[tuple[str, str], int] = {}
    kept: list[Origin] = []
    places = []
    for batch in batches:
        new = []
        for origin in batch.origins:
            key = (origin.file, origin.sheet)
            if key not in origins:
                origins[key] = len(kept)
                kept.append(origin)
            new.append(origins[key])
        places.append(np.asarray(new or [0], np.int32)[batch.origin])
    first = batches[0]
    marks = None
    if first.marks is not None:
        marks = pa.concat_tables([batch.marks for batch in batches]).combine_chunks()
    return Table(
        pa.concat_tables([batch.data for batch in batches]).combine_chunks(),
        tuple(kept),
        np.concatenate(places),
        np.concatenate([batch.row for batch in batches]),
        marks,
        {name: each for batch in batches for name, each in batch.joined.items()},
        first.unpivoted,
    )


def _joined_place(mark: str, letter: str) -> Place:
    file, _, rest = mark.partition("!")
    sheet, _, row = rest.rpartition("!")
    return Place(file, sheet, int(row) if row.isdigit() else 0, column_number(letter)) if mark else Place("")


@dataclass(frozen=True)
class Change:
    """A row or cell that was not taken as it stood."""

    place: Place
    action: str  # dropped | coerced | error
    was: str
    became: str
    reason: str


@dataclass(frozen=True)
class Control:
    """A number in a total row, and what the rows it covers add up to."""

    place: Place
    word: str
    column: str
    found: float
    expected: float
    first_row: int
    last_row: int
    agrees: bool


@dataclass(frozen=True)
class Match:
    """How a header met its column: 1 is the same spelling, less is less sure."""

    header: str
    score: float = 1.0
    reason: str = ""


@dataclass(frozen=True)
class SourceReport:
    """What one sheet gave. `sheet` is empty where a whole file gave nothing; `reason` says why a sheet was left out."""

    file: str
    sheet: str
    table: str = ""
    header_rows: tuple[int, ...] = ()
    first_row: int = 0
    last_row: int = 0
    rows: int = 0
    kept: int = 0
    hidden: int = 0
    dropped_by: Mapping[str, int] = field(default_factory=dict)  # reason -> rows
    columns: Mapping[str, Match] = field(default_factory=dict)  # column of the dataset -> its header in this sheet
    missing: tuple[str, ...] = ()  # columns of the dataset that this sheet lacks
    evidence: str = ""
    reason: str = ""

    @property
    def header_row(self) -> int:
        """The last row of the header, 0 where there is none."""
        return self.header_rows[-1] if self.header_rows else 0

    @property
    def dropped(self) -> int:
        return sum(self.dropped_by.values())


@dataclass(frozen=True)
class ColumnReport:
    """What became of one column over all sources. `how` says why it has its type."""

    name: str
    type: str
    sources: int
    values: int
    missing: int
    coerced: int
    errors: int
    how: str = ""
    unit: str = ""


@dataclass(frozen=True)
class Duplicates:
    """Rows that stand more than once.

    `sheets` are pairs of sheets that share rows: (one, other, rows of the smaller one, rows they share).
    """

    rows: int = 0
    dropped: int = 0
    key: tuple[str, ...] = ()
    first: tuple[Place, Place] | None = None
    sheets: tuple[tuple[str, str, int, int], ...] = ()


@dataclass(frozen=True)
class JoinReport:
    """What a join found: rows matched, and keys without a match on either side, with the first places."""

    source: str
    on: str
    matched: int
    unmatched_left: int
    unmatched_right: int
    left: tuple[tuple[str, Place], ...] = ()
    right: tuple[tuple[str, Place], ...] = ()


@dataclass(frozen=True)
class Calendar:
    """How many rows every source has per month of `column` (or per sheet where `column` is empty), and sums of `value`.

    Shapes: rows and sums (sources, periods).
    """

    column: str
    value: str
    sources: tuple[str, ...]
    periods: tuple[str, ...]
    rows: npt.NDArray[np.int64]
    sums: npt.NDArray[np.float64]
    gaps: tuple[str, ...] = ()


@dataclass(frozen=True)
class MergeReport:
    """Everything the merge did, for the report sheets and for JSON.

    `strays` are the columns of numbers, dates or booleans in which something else stands; each names the first cell.
    """

    sources: tuple[SourceReport, ...] = ()
    columns: tuple[ColumnReport, ...] = ()
    changes: Sequence[Change] = ()
    doubts: tuple[Problem, ...] = ()
    strays: Mapping[str, Problem] = field(default_factory=dict)
    controls: tuple[Control, ...] = ()
    duplicates: Duplicates | None = None
    joins: tuple[JoinReport, ...] = ()
    calendar: Calendar | None = None
    counts: Mapping[str, int] = field(default_factory=dict)  # action -> rows or cells, complete
    unread: Sequence[Change] = ()  # cells of another kind than their column, which count as empty; the first of many
