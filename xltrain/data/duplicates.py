"""Rows that stand more than once, within a sheet and across sheets: found by a 64-bit number for each row's values."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from xltrain.data.header import find
from xltrain.data.table import Change, Duplicates, Table
from xltrain.data.values import words
from xltrain.language import text
from xltrain.place import Place, Problem

OVERLAP = 0.5  # of the smaller sheet's rows stand in another: the sheets repeat one another
FEWEST = 5  # distinct rows below which a sheet says nothing about another
MOST_SHEETS = 300  # that are compared with one another
MOST_CHANGES = 50_000

Hashes = npt.NDArray[np.uint64]


class DuplicateStep:
    """Counts rows that stood before, batch after batch, and leaves them out where that is asked."""

    def __init__(self, drop: bool, key: Sequence[str] = ()) -> None:
        self.drop, self.key = drop, tuple(key)
        self.changes: list[Change] = []
        self._seen = _Seen()
        self._places: list[tuple[Hashes, int]] = []  # sorted hashes of a batch, and which batch
        self._batches: list[Table] = []
        self._sheets: list[tuple[str, str, Hashes]] = []
        self._rows = self._dropped = 0
        self._first: tuple[Place, Place] | None = None

    def apply(self, batch: Table) -> Table:
        if not len(batch) or not batch.names:
            return batch
        whole = row_hashes(batch.data, batch.names)
        for number, origin in enumerate(batch.origins):
            of_origin = whole[batch.origin == number] if len(batch.origins) > 1 else whole
            if len(of_origin):
                self._sheets.append((origin.file, origin.sheet, of_origin))
        if self.key:
            names = [find(each, batch.names) for each in self.key]
            hashes = row_hashes(batch.data, names)
        else:
            hashes = whole
        unique, first = np.unique(hashes, return_index=True)
        repeated = np.ones(len(hashes), bool)
        repeated[first] = False
        before = self._seen.find_and_add(unique)
        if before.any():
            repeated[first[before]] = True
        self._remember(batch, hashes, unique, first, repeated)
        self._rows += int(repeated.sum())
        if not self.drop or not repeated.any():
            return batch
        self._dropped += int(repeated.sum())
        for index in np.flatnonzero(repeated)[: MOST_CHANGES - len(self.changes)].tolist():
            self.changes.append(Change(batch.place(index), "dropped", "", "", text("dropped_duplicate")))
        return batch.take(np.flatnonzero(~repeated))

    def _remember(
        self,
        batch: Table,
        hashes: Hashes,
        unique: Hashes,
        first: npt.NDArray[np.int64],
        repeated: npt.NDArray[np.bool_],
    ) -> None:
        """The first pair of rows that are alike, for the report; only batches before it are looked at."""
        if self._first is not None:
            return
        hits = np.flatnonzero(repeated)
        if not len(hits):
            self._places.append((unique, len(self._batches)))
            self._batches.append(Table(batch.data.select([]), batch.origins, batch.origin[first], batch.row[first]))
            return
        second = int(hits[0])
        wanted = hashes[second]
        earlier = int(np.flatnonzero(hashes == wanted)[0])
        if earlier != second:
            self._first = (batch.place(second), batch.place(earlier))
        else:
            for known, number in self._places:
                at = int(np.searchsorted(known, wanted))
                if at < len(known) and known[at] == wanted:
                    self._first = (batch.place(second), _place(self._batches[number], at))
                    break
        self._places.clear()
        self._batches.clear()

    def report(self) -> Duplicates:
        return Duplicates(self._rows, self._dropped, self.key, self._first, tuple(self._repeated_sheets()))

    def _repeated_sheets(self) -> list[tuple[str, str, int, int]]:
        """Pairs of sheets of which one holds at least half of the other's distinct rows."""
        found = []
        sheets = [
            (f"{file}!{sheet}" if sheet else file, np.unique(hashes))
            for file, sheet, hashes in self._sheets[:MOST_SHEETS]
        ]
        for index, (name, one) in enumerate(sheets):
            for other_name, other in sheets[:index]:
                small, large = (one, other) if len(one) <= len(other) else (other, one)
                if len(small) < FEWEST:
                    continue
                at = np.minimum(np.searchsorted(large, small), len(large) - 1)
                shared = int((large[at] == small).sum())
                if shared >= OVERLAP * len(small):
                    found.append((other_name, name, len(small), shared))
        return found

    def doubts(self) -> list[Problem]:
        """What should be said aloud: sheets that repeat one another, and rows that stand twice."""
        told = self.report()
        doubts = []
        for group in groups(told.sheets):
            pairs = [pair for pair in told.sheets if pair[0] in group]
            share = min(100 * shared // rows for _, _, rows, shared in pairs)
            names = ", ".join(group[:6]) + (" …" if len(group) > 6 else "")
            message = text("doubt_sheets_repeat", count=len(group), names=names, share=share)
            doubts.append(Problem(None, message, text("doubt_sheets_repeat_hint")))
        if told.rows and not told.dropped and self._first is not None:
            key = "doubt_duplicate_keys" if self.key else "doubt_duplicates"
            message = text(key, count=told.rows, key=", ".join(self.key), other=self._first[1])
            doubts.append(Problem(self._first[0], message, text("doubt_duplicates_hint")))
        return doubts


def groups(pairs: Sequence[tuple[str, str, int, int]]) -> list[list[str]]:
    """Sheets that are connected by pairs, each group once."""
    found: list[list[str]] = []
    for one, other, *_ in pairs:
        joined = [group for group in found if one in group or other in group]
        new = [name for group in joined for name in group]
        new += [name for name in (one, other) if name not in new]
        found = [group for group in found if group not in joined] + [new]
    return found


def row_hashes(data: pa.Table, names: Sequence[str]) -> Hashes:
    """A 64-bit number for the values of each row: shape (rows,)."""
    found = np.zeros(data.num_rows, np.uint64)
    for name in names:
        found = _mixed(found ^ _column_hashes(data.column(name).combine_chunks()))
    return found


def _column_hashes(column: Any) -> Hashes:
    kind = column.type
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.nulls(0, kind)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        values = np.asarray(pc.cast(column, pa.float64(), safe=False).fill_null(np.nan).to_numpy(zero_copy_only=False))
        values = np.where(np.isnan(values), np.nan, values + 0.0)  # one NaN, and no minus zero
        return _mixed(values.view(np.uint64))
    if pa.types.is_null(kind):
        return np.zeros(len(column), np.uint64)
    if pa.types.is_temporal(kind) or pa.types.is_boolean(kind):
        plain = pc.cast(column, pa.int8()) if pa.types.is_boolean(kind) else column
        wide = pc.cast(plain, pa.int32()) if kind in (pa.date32(), pa.time32("s"), pa.time32("ms")) else plain
        values = np.asarray(pc.cast(wide, pa.int64()).fill_null(-(2**62)).to_numpy(zero_copy_only=False))
        return _mixed(values.view(np.uint64))
    distinct = words(column).dictionary_encode()
    codes = np.asarray(distinct.indices.fill_null(-1), np.int64)
    return np.append(_text_hashes(distinct.dictionary), np.uint64(0))[codes]


def _text_hashes(texts: pa.StringArray) -> Hashes:
    """FNV-like, eight bytes of every text at a time."""
    found = np.full(len(texts), 0xCBF29CE484222325, np.uint64)
    if not len(texts):
        return found
    offsets = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset : texts.offset + len(texts) + 1].astype(np.int64)
    raw = texts.buffers()[2]
    data = np.concatenate([np.frombuffer(raw, np.uint8) if raw else np.zeros(0, np.uint8), np.zeros(8, np.uint8)])
    eights = np.ndarray((len(data) - 7,), "<u8", buffer=data, strides=(1,))
    lengths = np.diff(offsets)
    for start in range(0, int(lengths.max(initial=0)), 8):
        active = np.flatnonzero(lengths > start)
        left = np.minimum(lengths[active] - start, 8).astype(np.uint64)
        mask = np.uint64(0xFFFFFFFFFFFFFFFF) >> (np.uint64(64) - left * np.uint64(8))
        found[active] = _mixed(found[active] ^ (eights[offsets[active] + start] & mask))
    return _mixed(found ^ lengths.astype(np.uint64))


def _mixed(values: Hashes) -> Hashes:
    """The finalizer of splitmix64 (Steele, Lea and Flood, 2014)."""
    with np.errstate(over="ignore"):
        values = values + np.uint64(0x9E3779B97F4A7C15)
        values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed: Hashes = values ^ (values >> np.uint64(31))
    return mixed


def _place(batch: Table, index: int) -> Place:
    origin = batch.origins[int(batch.origin[index])]
    return Place(origin.file, origin.sheet, int(batch.row[index]))
