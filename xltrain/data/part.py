"""The table of one sheet as a worker left it: its headers, and its columns in a file that is mapped, not loaded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from xltrain.data.table import SourceReport, Table
from xltrain.data.values import words
from xltrain.excel.grid import BLANK, BOOLEAN, DATE, NUMBER, TEXT, TIME
from xltrain.excel.write import EPOCH
from xltrain.language import text
from xltrain.place import Place, Problem, column_letter

Letters = Mapping[tuple[str, str], Mapping[str, str]]


@dataclass(frozen=True, eq=False)
class Cells:
    """A column of one part, kept rows alone: `kinds` and `values` as in `excel.grid`, texts as `codes` into `words`.

    Shapes: kinds (rows,) uint8; values (rows,) float64; codes (rows,) int32, -1 where no text stands.
    """

    kinds: npt.NDArray[np.uint8]
    values: npt.NDArray[np.float64]
    codes: npt.NDArray[np.int32]
    words: pa.StringArray
    free: bool = False  # from a file in which everything is text

    def __len__(self) -> int:
        return len(self.kinds)

    def take(self, rows: npt.NDArray[np.int64]) -> "Cells":
        """The cells at these positions."""
        return Cells(self.kinds[rows], self.values[rows], self.codes[rows], self.words, self.free)

    @cached_property
    def distinct(self) -> list[str]:
        """The texts, each once."""
        found: list[str] = self.words.to_pylist()
        return found


@dataclass(eq=False)
class Part:
    """One sheet's table. `told` is what `data.sheets.read_book` says of it."""

    file: str
    told: dict[str, Any]
    columns: dict[int, str] = field(default_factory=dict)  # column -> name in the dataset
    places: dict[str, int] = field(default_factory=dict)  # of a merged book: `source_file` ... -> column
    marks: dict[str, int] = field(default_factory=dict)  # of a merged book: mark -> column
    keys: Sequence[str] = ()  # of a database
    held: Table | None = None  # the rows of a table that was at hand, for their places

    @property
    def sheet(self) -> str:
        return str(self.told["sheet"])

    @property
    def named(self) -> bool:
        return bool(self.told["named"])

    @property
    def place(self) -> Place:
        return Place(self.file, self.sheet)

    @property
    def header_rows(self) -> tuple[int, ...]:
        return tuple(self.told["header_rows"])

    @cached_property
    def headers(self) -> dict[int, str]:
        return dict(self.told["headers"])

    @cached_property
    def units(self) -> dict[int, str]:
        return dict(self.told["units"])

    @property
    def letters(self) -> dict[tuple[str, str], dict[str, str]]:
        """The source map of a merged book."""
        found: dict[tuple[str, str], dict[str, str]] = {}
        for file, sheet, column, letter in self.told["letters"]:
            found.setdefault((file, sheet), {})[column] = letter
        return found

    def at(self, row: int, column: int = 0) -> Place:
        return Place(self.file, self.sheet, row, column)

    def header_place(self, column: int = 0) -> Place:
        return self.at(self.header_rows[-1] if self.header_rows else 0, column)

    def number_of(self, name: str) -> int:
        """The column that a name of the dataset has here, 0 where it has none."""
        return next((column for column, each in self.columns.items() if each == name), 0)

    def letters_of(self) -> dict[str, str]:
        return {name: column_letter(column) for column, name in self.columns.items()}

    def __len__(self) -> int:
        return int(self.told["kept"])

    def report(self, **more: Any) -> SourceReport:
        """What the sheet gave, as far as reading knows; `more` is what came of it."""
        words = {name: self.told[name] for name in ("table", "first_row", "last_row", "rows", "evidence")}
        return SourceReport(self.file, self.sheet, header_rows=self.header_rows, **words, **more)

    def doubts(self) -> list[Problem]:
        return [Problem(self.at(row, column), message, hint) for row, column, message, hint in self.told["doubts"]]

    @property
    def mapped(self) -> Any:
        """The part's file as one batch, mapped anew each time: it is given back when its last array goes."""
        with pa.memory_map(str(Path(self.told["part"]))) as source:
            return pa.ipc.open_file(source).get_batch(0)

    @property
    def rows(self) -> npt.NDArray[np.int32]:
        """The sheet row of every row."""
        return np.asarray(self.mapped.column("row").to_numpy(), np.int32)

    def cells(self, column: int, mapped: Any = None) -> Cells:
        """A column; blanks alone where the sheet has no values in it. `mapped` spares the opening of the file."""
        batch = self.mapped if mapped is None else mapped
        count, free = len(self), bool(self.told["free"])
        field = batch.schema.get_field_index
        if field(f"k{column}") < 0:
            return blanks(count, free)
        kinds = batch.column(field(f"k{column}")).to_numpy()
        values = batch.column(field(f"v{column}")).to_numpy() if field(f"v{column}") >= 0 else np.zeros(count)
        if field(f"t{column}") < 0:
            return Cells(kinds, values, np.full(count, -1, np.int32), pa.array([], pa.string()), free)
        texts = batch.column(field(f"t{column}"))
        return Cells(kinds, values, np.asarray(texts.indices.fill_null(-1), np.int32), texts.dictionary, free)


def blanks(count: int, free: bool = False) -> Cells:
    """A column without a value."""
    return Cells(
        np.zeros(count, np.uint8), np.zeros(count), np.full(count, -1, np.int32), pa.array([], pa.string()), free
    )


def write_part(target: Path, rows: npt.NDArray[np.int32], columns: Mapping[int, Cells]) -> None:
    """A part's file: one batch, not compressed, so that it can be mapped.

    `k3` are the kinds of column 3 (C), `v3` the values of its numbers, dates, times and booleans, `t3` its texts.
    """
    found: dict[str, Any] = {"row": rows}
    for column, cells in columns.items():
        found[f"k{column}"] = cells.kinds
        if len(cells.words):
            indices = pa.array(cells.codes, mask=cells.codes < 0)
            found[f"t{column}"] = pa.DictionaryArray.from_arrays(indices, cells.words)
        if np.isin(cells.kinds, (NUMBER, BOOLEAN, DATE, TIME)).any():
            found[f"v{column}"] = cells.values
    batch = pa.record_batch(found)
    with pa.OSFile(str(target), "wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
        writer.write_batch(batch)


def part_of(table: Table, file: str, target: Path, keys: Sequence[str] = ()) -> Part:
    """A table that is at hand, as a part: it is stacked with others by the same rules."""
    columns = {number: _cells_of(table.data.column(name)) for number, name in enumerate(table.names, 1)}
    write_part(target, table.row, columns)
    sheet = table.origins[0].sheet if len(table.origins) == 1 else ""
    told = {
        "sheet": sheet,
        "part": str(target),
        "named": True,
        "free": False,
        "hidden_sheet": False,
        "table": "",
        "header_rows": [],
        "headers": list(enumerate(table.names, 1)),
        "units": [],
        "first_row": 1,
        "last_row": len(table),
        "rows": len(table),
        "kept": len(table),
        "hidden": 0,
        "dropped": [],
        "controls": [],
        "errors": [],
        "trimmed": [],
        "unvalued": [],
        "counts": {"errors": [], "trimmed": []},
        "doubts": [],
        "letters": [],
        "evidence": text("evidence_typed"),
        "reason": "",
    }
    return Part(file, told, keys=keys, held=None if keys else table)


def _cells_of(column: Any) -> Cells:
    """An Arrow column as cells; whole numbers that a float cannot hold become texts."""
    column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    kind, count = column.type, len(column)
    filled = np.asarray(column.is_valid().to_numpy(zero_copy_only=False), bool)
    none = np.full(count, -1, np.int32)
    no_words = pa.array([], pa.string())

    def of(number: int, values: Any) -> Cells:
        values = np.nan_to_num(np.asarray(values, np.float64), nan=0.0, posinf=0.0, neginf=0.0)
        return Cells(np.where(filled, number, BLANK).astype(np.uint8), values, none, no_words)

    if pa.types.is_boolean(kind):
        return of(BOOLEAN, pc.cast(column, pa.int8()).fill_null(0).to_numpy(zero_copy_only=False))
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        if pa.types.is_floating(kind):
            filled &= np.isfinite(np.asarray(column.fill_null(np.nan).to_numpy(zero_copy_only=False), np.float64))
        values = np.asarray(pc.cast(column, pa.float64(), safe=False).fill_null(0).to_numpy(zero_copy_only=False))
        if not pa.types.is_integer(kind) or (np.abs(values) < 2**53).all():
            return of(NUMBER, values)
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        micro = pc.cast(pc.cast(column, pa.timestamp("us"), safe=False), pa.int64()).fill_null(0)
        return of(DATE, np.asarray(micro.to_numpy(zero_copy_only=False)) / 86_400_000_000 + EPOCH)
    if pa.types.is_time(kind) or pa.types.is_duration(kind):
        micro_type = pa.time64("us") if pa.types.is_time(kind) else pa.duration("us")
        micro = pc.cast(pc.cast(column, micro_type, safe=False), pa.int64()).fill_null(0)
        return of(TIME, np.asarray(micro.to_numpy(zero_copy_only=False)) / 86_400_000_000)
    texts = words(column).dictionary_encode()
    codes = np.asarray(texts.indices.fill_null(-1), np.int32)
    return Cells(np.where(codes >= 0, TEXT, BLANK).astype(np.uint8), np.zeros(count), codes, texts.dictionary)
