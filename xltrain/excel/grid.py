"""A sheet's values by column: what every reader gives, whatever the format of the book.

No Python object per cell: a column is an array of kinds and an array of numbers, and texts are numbers too, the
positions of a list that all columns share. Rows without a value are not stored, so two cells far apart cost nothing.
"""

import datetime
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from xltrain.language import listed
from xltrain.place import column_letter

BLANK, NUMBER, TEXT, BOOLEAN, DATE, TIME, ERROR = range(7)
EPOCH = datetime.datetime(1899, 12, 30)  # day 0 of the values of dates

Ints = npt.NDArray[np.int32]
Cells = tuple[tuple[int, int], ...]  # (row, column) of single cells


@dataclass(frozen=True, eq=False)
class Strip:
    """One column. `kinds` (rows,) uint8, `values` (rows,) float64.

    A value is the number itself; 1 or 0; days since 1899-12-30 of a date; days of a time or duration; or the position
    in the grid's texts of a text or an error.
    """

    column: int
    kinds: npt.NDArray[np.uint8]
    values: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Sum:
    """A formula that adds up, or averages, cells of its own column above it."""

    row: int
    column: int
    first_row: int
    last_row: int
    average: bool = False


@dataclass(frozen=True)
class NamedTable:
    """An Excel table of a sheet: its name and its cells, headers and totals included."""

    name: str
    cells: tuple[int, int, int, int]  # first row, first column, last row, last column
    headers: int = 1
    totals: int = 0


@dataclass(frozen=True, eq=False)
class Grid:
    """The cells of a sheet that hold something.

    Attributes:
        numbers: (rows,) int32, the sheet row of every stored row, ascending.
        strips: the columns that hold something, in order.
        texts: what texts and errors point into.
        hidden: sheet rows that are hidden, or filtered out.
        unvalued: formulas without a stored value.
        sums: formulas that add up cells above them.
        merges: merged cells: first row, first column, last row, last column.
        tables: Excel tables of the sheet.
    """

    numbers: Ints
    strips: tuple[Strip, ...]
    texts: "pa.StringArray"
    hidden: frozenset[int] = frozenset()
    unvalued: Cells = ()
    sums: tuple[Sum, ...] = ()
    merges: tuple[tuple[int, int, int, int], ...] = ()
    tables: tuple[NamedTable, ...] = ()

    def __len__(self) -> int:
        return len(self.numbers)

    @cached_property
    def by_column(self) -> dict[int, Strip]:
        return {strip.column: strip for strip in self.strips}

    @property
    def last_row(self) -> int:
        return int(self.numbers[-1]) if len(self.numbers) else 0

    @property
    def last_column(self) -> int:
        return self.strips[-1].column if self.strips else 0

    def index(self, row: int) -> int:
        """The position of the first stored row that is not above sheet row `row`."""
        return int(np.searchsorted(self.numbers, row))

    def line(self, index: int) -> dict[int, Any]:
        """A stored row as Python values, column -> value; texts without blanks around them."""
        found = {}
        for strip in self.strips:
            kind = strip.kinds[index]
            if kind != BLANK:
                value = self._value(int(kind), float(strip.values[index]))
                if value != "":
                    found[strip.column] = value
        return found

    def at(self, row: int, column: int) -> Any:
        """The value of one cell, None where it is blank."""
        index = self.index(row)
        strip = self.by_column.get(column)
        if strip is None or index >= len(self) or self.numbers[index] != row or strip.kinds[index] == BLANK:
            return None
        return self._value(int(strip.kinds[index]), float(strip.values[index]))

    def cut(self, first_row: int, first_column: int, last_row: int, last_column: int) -> "Grid":
        """The part of the sheet inside a range."""
        start, stop = self.index(first_row), self.index(last_row + 1)
        strips = tuple(
            Strip(each.column, each.kinds[start:stop], each.values[start:stop])
            for each in self.strips
            if first_column <= each.column <= last_column
        )

        def inside(row: int, column: int) -> bool:
            return first_row <= row <= last_row and first_column <= column <= last_column

        return _without_blanks(
            Grid(
                self.numbers[start:stop],
                strips,
                self.texts,
                self.hidden,
                tuple(cell for cell in self.unvalued if inside(*cell)),
                tuple(each for each in self.sums if inside(each.row, each.column)),
                tuple(each for each in self.merges if inside(each[0], each[1])),
                tuple(each for each in self.tables if inside(each.cells[0], each.cells[1])),
            )
        )

    def _value(self, kind: int, value: float) -> Any:
        if kind in (TEXT, ERROR):
            return self.texts[int(value)].as_py().strip()
        if kind == BOOLEAN:
            return bool(value)
        if kind == DATE:
            return moment(value)
        if kind == TIME:
            return datetime.timedelta(days=value)
        return int(value) if value.is_integer() and abs(value) < 1e15 else value


def moment(days: float) -> datetime.datetime | float:
    """Days since 1899-12-30 as a moment, to the millisecond; the number itself where there is no such day."""
    if not math.isfinite(days) or not -657_434 <= days <= 2_958_466:
        return days
    return EPOCH + datetime.timedelta(milliseconds=round(days * 86_400_000))


def days_of(value: datetime.date | datetime.datetime) -> float:
    """A moment as days since 1899-12-30."""
    if not isinstance(value, datetime.datetime):
        value = datetime.datetime.combine(value, datetime.time())
    return (value.replace(tzinfo=None) - EPOCH) / datetime.timedelta(days=1)


def grid_of(lines: Iterable[tuple[int, Sequence[Any]]], **more: Any) -> Grid:
    """A grid from rows of Python values: (sheet row, values from column A on). Blank texts count as blank."""
    numbers: list[int] = []
    columns: dict[int, tuple[list[int], list[int], list[float]]] = {}
    texts: dict[str, int] = {}
    for row, values in lines:
        filled = False
        for column, value in enumerate(values, 1):
            if value is None or value == "":
                continue
            kind, number = _coded(value, texts)
            if not filled:
                numbers.append(row)
                filled = True
            if column not in columns:
                columns[column] = ([], [], [])
            at, kinds, found = columns[column]
            at.append(len(numbers) - 1)
            kinds.append(kind)
            found.append(number)
    strips = [_dense(column, len(numbers), *map(np.asarray, parts)) for column, parts in sorted(columns.items())]
    return Grid(np.array(numbers, np.int32), tuple(strips), pa.array(list(texts), pa.string()), **more)


@dataclass(frozen=True)
class ErrorWord:
    """An error cell among Python values."""

    word: str


def _coded(value: Any, texts: dict[str, int]) -> tuple[int, float]:
    if isinstance(value, ErrorWord):
        return ERROR, float(texts.setdefault(value.word, len(texts)))
    if isinstance(value, bool):
        return BOOLEAN, float(value)
    if isinstance(value, (int, float)):
        if isinstance(value, int) and abs(value) >= 1 << 53:
            return TEXT, float(texts.setdefault(str(value), len(texts)))
        return NUMBER, float(value)
    if isinstance(value, datetime.date):
        return DATE, days_of(value)
    if isinstance(value, datetime.time):
        return TIME, (datetime.datetime.combine(EPOCH, value) - EPOCH) / datetime.timedelta(days=1)
    if isinstance(value, datetime.timedelta):
        return TIME, value / datetime.timedelta(days=1)
    return TEXT, float(texts.setdefault(str(value), len(texts)))


def _dense(column: int, rows: int, at: Any, kinds: Any, values: Any) -> Strip:
    all_kinds = np.zeros(rows, np.uint8)
    all_values = np.zeros(rows, np.float64)
    all_kinds[at] = kinds
    all_values[at] = values
    return Strip(column, all_kinds, all_values)


def _without_blanks(grid: Grid) -> Grid:
    """Without the rows and columns that hold nothing."""
    strips = [strip for strip in grid.strips if strip.kinds.any()]
    filled = np.zeros(len(grid), bool)
    for strip in strips:
        filled |= strip.kinds > 0
    if filled.all() and len(strips) == len(grid.strips):
        return grid
    kept = tuple(Strip(each.column, each.kinds[filled], each.values[filled]) for each in strips)
    return Grid(
        grid.numbers[filled],
        kept,
        grid.texts,
        grid.hidden,
        grid.unvalued,
        grid.sums,
        grid.merges,
        grid.tables,
    )


def shown_cells(cells: Sequence[tuple[int, int]], most: int = 5) -> str:
    """`D7, D9, F12 …`"""
    words = [f"{column_letter(column)}{row}" for row, column in cells[:most]]
    return listed(words) + (" …" if len(cells) > most else "")


@dataclass
class GridBuilder:
    """Collects cells piece by piece, rows in ascending order, and gives the grid at the end."""

    rows: list[Ints] = field(default_factory=list)
    columns: dict[int, list[tuple[npt.NDArray[np.int32], npt.NDArray[np.uint8], npt.NDArray[np.float64]]]] = field(
        default_factory=dict
    )
    count: int = 0
    cells: int = 0

    def add(
        self,
        rows: npt.NDArray[np.integer],
        columns: npt.NDArray[np.integer],
        kinds: npt.NDArray[np.uint8],
        values: npt.NDArray[np.float64],
    ) -> None:
        """Cells in reading order: sheet row, column, kind and value of each; none of them blank."""
        if not len(rows):
            return
        new = np.empty(len(rows), bool)
        new[0] = True
        np.not_equal(rows[1:], rows[:-1], out=new[1:])
        if self.rows and int(self.rows[-1][-1]) == int(rows[0]):  # a row cut in two
            new[0] = False
        at = (np.cumsum(new) - 1 + self.count).astype(np.int32)
        self.rows.append(rows[new].astype(np.int32)) if new.any() else None
        self.count += int(new.sum())
        self.cells += len(rows)
        columns = columns.astype(np.uint16)
        order = np.argsort(columns, kind="stable")
        ends = np.cumsum(np.bincount(columns))
        at, kinds, values = at[order], kinds[order], values[order]
        for column in np.flatnonzero(np.diff(ends, prepend=0)):
            part = slice(int(ends[column - 1]) if column else 0, int(ends[column]))
            self.columns.setdefault(int(column), []).append((at[part], kinds[part], values[part]))

    def finish(self, texts: "pa.StringArray", **more: Any) -> Grid:
        numbers = np.concatenate(self.rows) if self.rows else np.zeros(0, np.int32)
        strips = []
        for column in sorted(self.columns):
            parts = self.columns.pop(column)
            at, kinds, values = (np.concatenate(each) for each in zip(*parts, strict=True))
            if len(at) == self.count:
                strips.append(Strip(column, kinds, values))
            else:
                strips.append(_dense(column, self.count, at, kinds, values))
        if (np.diff(numbers) < 0).any():  # some writers store rows in another order
            order = np.argsort(numbers, kind="stable")
            numbers = numbers[order]
            strips = [Strip(each.column, each.kinds[order], each.values[order]) for each in strips]
        return Grid(numbers, tuple(strips), texts, **more)
