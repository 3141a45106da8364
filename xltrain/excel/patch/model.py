"""What can be put into a copy of a workbook, and what came of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xltrain.excel.cell_xml import Value
from xltrain.place import Problem


@dataclass(frozen=True)
class NewColumn:
    """A column of values, one for each row of its addition.

    values: list, numpy or Arrow; None and NaN leave the cell empty. number_format: as in Excel; empty takes that of the
    column left of it for numbers. bar: data bars. choices: a dropdown that offers and never blocks. key: what the
    column is, whatever its header says; it is found again by it (`addition_of`). note: shown when hovering over the
    header. width in characters, 0 for one that fits the header. like: the column (from 1) whose number format the cells
    take where it has one.
    """

    header: str
    values: Any
    number_format: str = ""
    bar: bool = False
    width: float = 0
    choices: tuple[str, ...] = ()
    key: str = ""
    note: str = ""
    like: int = 0


@dataclass(frozen=True)
class Addition:
    """Columns to the right of a table: its last header row, and the sheet row of each value (no row twice).

    at: a named place (`K` or `K1`), used only if empty. after: the table's last column, 0 to take the last filled cell
    of the header row.
    """

    sheet: str
    header_row: int
    rows: Any
    columns: tuple[NewColumn, ...]
    at: str = ""
    after: int = 0


@dataclass(frozen=True)
class Edit:
    """A new value for one cell; its style stays. None empties it."""

    sheet: str
    row: int
    column: int
    value: Value


@dataclass(frozen=True)
class Mark:
    """A comment on a cell, and its colour as `#F2A65A`; empty leaves the colour as it is."""

    sheet: str
    row: int
    column: int
    comment: str
    colour: str = ""


@dataclass(frozen=True)
class NewSheet:
    """A further sheet at the end: rows of values, then pictures one below the other, each under its caption.

    pictures: (caption, PNG, width and height in pixels at 96 to the inch).
    """

    name: str
    pictures: tuple[tuple[str, bytes, int, int], ...] = ()
    rows: tuple[tuple[Value, ...], ...] = ()


@dataclass(frozen=True)
class Placed:
    """A column that was added: where its header stands and the last row that was written."""

    sheet: str
    key: str
    header: str
    header_row: int
    column: int
    last_row: int = 0


@dataclass(frozen=True)
class Patched:
    """The copy. `notes` say what the reader should know: a protected sheet, a table that could not grow."""

    path: Path
    columns: tuple[Placed, ...] = ()
    notes: tuple[Problem, ...] = ()
