"""Columns plus the place of every row.

A table is an Arrow table whose rows remember the file, sheet and row they came from, and for every source the letter
each column had there, so that a value's place is a cell.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from xltrain.place import Place, Problem, column_number


@dataclass(frozen=True)
class Origin:
    """One sheet that rows came from, and the letter each column had there."""

    file: str
    sheet: str
    letters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """`data` holds the columns alone; `origin` and `row` say, for each row, which of `origins` and which sheet row.

    Shapes: data (rows, columns); origin (rows,) int32 index into origins; row (rows,) int32, counting from 1.
    """

    data: pa.Table
    origins: tuple[Origin, ...]
    origin: npt.NDArray[np.int32]
    row: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return int(self.data.num_rows)

    @property
    def names(self) -> list[str]:
        return list(self.data.column_names)

    def place(self, index: int, column: str = "") -> Place:
        """Where row `index` (and, with a column name, its cell) stands."""
        origin = self.origins[int(self.origin[index])]
        letters = origin.letters.get(column, "")
        return Place(origin.file, origin.sheet, int(self.row[index]), column_number(letters))

    def take(self, rows: npt.NDArray[np.integer]) -> "Table":
        """The rows at these positions, in this order."""
        return Table(self.data.take(pa.array(rows)), self.origins, self.origin[rows], self.row[rows])


@dataclass(frozen=True)
class Change:
    """A row or cell that was not taken as it stood."""

    place: Place
    action: str  # dropped | coerced | error
    was: str
    became: str
    reason: str


@dataclass(frozen=True)
class SourceReport:
    """What one sheet gave. `sheet` is empty where a whole file gave nothing; `reason` says why a sheet was left out."""

    file: str
    sheet: str
    header_row: int
    first_row: int
    last_row: int
    rows: int
    kept: int
    dropped: int
    columns: Mapping[str, str] = field(default_factory=dict)  # column of the dataset -> header in this sheet
    missing: tuple[str, ...] = ()  # columns of the dataset that this sheet lacks
    reason: str = ""


@dataclass(frozen=True)
class ColumnReport:
    """What became of one column over all sources."""

    name: str
    type: str
    sources: int
    values: int
    missing: int
    coerced: int
    errors: int


@dataclass(frozen=True)
class MergeReport:
    """Everything the merge did, for the report sheets and for JSON.

    `strays` are the columns of numbers, dates or booleans in which something else stands; each names the first cell.
    """

    sources: tuple[SourceReport, ...] = ()
    columns: tuple[ColumnReport, ...] = ()
    changes: tuple[Change, ...] = ()
    doubts: tuple[Problem, ...] = ()
    strays: Mapping[str, Problem] = field(default_factory=dict)
