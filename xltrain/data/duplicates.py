"""Rows that stand more than once, within a sheet and across sheets: found by a 64-bit number for each row's values."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from xltrain.data.header import find
from xltrain.data.table import Change, Duplicates, Table
from xltrain.data.values import empty, words
from xltrain.language import listed, text
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
        self._left_out: list[tuple[Place, np.uint64]] = []  # and the number of the row
        self._kept: list[tuple[Hashes, Table]] = []  # every batch as it came, places alone, while rows are left out
        self._seen = _Seen()
        self._before: list[tuple[Hashes, Table]] = []  # batches in which no row stood before
        self._sheets: list[tuple[str, str, Hashes]] = []
        self._rows = self._dropped = self._unlike = 0
        self._first: tuple[Place, Place] | None = None

    def apply(self, batch: Table) -> Table:
        if not len(batch) or not batch.names:
            return batch
        whole = row_hashes(batch.data, batch.names)
        for number, origin in enumerate(batch.origins):
            of_origin = whole[batch.origin == number] if len(batch.origins) > 1 else whole
            if len(of_origin):
                self._sheets.append((origin.file, origin.sheet, of_origin))
        hashes = self._key_hashes(batch) if self.key else whole
        unique = _distinct(hashes)
        known = self._seen.find(unique)
        repeated = np.zeros(len(hashes), bool)
        if len(unique) < len(hashes) or known.any():
            unique, first = np.unique(hashes, return_index=True)
            repeated[:] = True
            repeated[first[~known]] = False
        self._remember(batch, hashes, repeated)
        if self.drop:
            self._kept.append((hashes, Table(batch.data.select([]), batch.origins, batch.origin, batch.row)))
        self._seen.add(unique)
        self._rows += int(repeated.sum())
        if not self.drop or not repeated.any():
            return batch
        self._dropped += int(repeated.sum())
        for index in np.flatnonzero(repeated)[: MOST_CHANGES - len(self._left_out)].tolist():
            self._left_out.append((batch.place(index), hashes[index]))
        return batch.take(np.flatnonzero(~repeated))

    def _key_hashes(self, batch: Table) -> Hashes:
        """A number for each row's key; one of its own where a part of the key is empty, which is like no other."""
        names = [find(each, batch.names) for each in self.key]
        hashes = row_hashes(batch.data, names)
        lacking = np.zeros(len(batch), bool)
        for name in names:
            lacking |= empty(batch.data.column(name))
        first = self._unlike
        self._unlike += int(lacking.sum())
        hashes[lacking] = mixed(np.arange(first, self._unlike, dtype=np.uint64) ^ np.uint64(0x5DEECE66D))
        return hashes

    def changes(self) -> list[Change]:
        """Every row left out, with the place of the one it repeats."""
        if not self._left_out:
            return []
        hashes = np.concatenate([each for each, _ in self._kept])
        starts = np.cumsum([0, *(len(each) for each, _ in self._kept)])
        order = np.argsort(hashes, kind="stable")
        wanted = np.array([each for _, each in self._left_out], np.uint64)
        first = order[np.searchsorted(hashes[order], wanted)]
        found = []
        for (place, _), at in zip(self._left_out, first.tolist(), strict=True):
            number = int(np.searchsorted(starts, at, side="right")) - 1
            earlier = _place(self._kept[number][1], at - int(starts[number]))
            key = "dropped_same_key" if self.key else "dropped_duplicate"
            why = text(key, key=listed(self.key), place=earlier)
            found.append(Change(place, "dropped", "", "", why))
        return found

    def _remember(self, batch: Table, hashes: Hashes, repeated: npt.NDArray[np.bool_]) -> None:
        """The first pair of rows that are alike, for the report; only batches before it are looked at."""
        if self._first is not None:
            return
        if not repeated.any():
            self._before.append((hashes, Table(batch.data.select([]), batch.origins, batch.origin, batch.row)))
            return
        second = int(np.argmax(repeated))
        for known, where in (*self._before, (hashes, batch)):
            alike = np.flatnonzero(known == hashes[second])
            if len(alike):
                self._first = (batch.place(second), _place(where, int(alike[0])))
                break
        self._before.clear()

    def report(self) -> Duplicates:
        return Duplicates(self._rows, self._dropped, self.key, self._first, self._repeated_sheets)

    @cached_property
    def _repeated_sheets(self) -> tuple[tuple[str, str, int, int], ...]:
        """Pairs of sheets of which one holds at least half of the other's distinct rows."""
        names = [f"{file}!{sheet}" if sheet else file for file, sheet, _ in self._sheets[:MOST_SHEETS]]
        sheets = [_distinct(hashes) for _, _, hashes in self._sheets[:MOST_SHEETS]]
        together = np.sort(np.concatenate([*sheets, np.zeros(0, np.uint64)]))
        common = _Seen(_distinct(together[1:][together[1:] == together[:-1]]))
        also = [rows[common.find(rows)] for rows in sheets]  # those that stand in another sheet too
        found = []
        for index, one in enumerate(sheets):
            for other in range(index):
                small, large = (index, other) if len(one) <= len(sheets[other]) else (other, index)
                size = len(sheets[small])
                if size < FEWEST or len(also[small]) < OVERLAP * size:
                    continue
                shared = int(_Seen(also[large]).find(also[small]).sum())
                if shared >= OVERLAP * size:
                    found.append((names[other], names[index], size, shared))
        return tuple(found)

    def doubts(self) -> list[Problem]:
        """What should be said aloud: sheets that repeat one another, and rows that stand twice."""
        told = self.report()
        doubts = []
        for group in groups(told.sheets):
            pairs = [pair for pair in told.sheets if pair[0] in group]
            share = min(100 * shared // rows for _, _, rows, shared in pairs)
            names = listed(group[:6]) + (" …" if len(group) > 6 else "")
            message = text("doubt_sheets_repeat", count=len(group), names=names, share=share)
            doubts.append(Problem(None, message, text("doubt_sheets_repeat_hint")))
        if told.rows and not told.dropped and self._first is not None:
            key = "doubt_duplicate_keys" if self.key else "doubt_duplicates"
            message = text(key, count=told.rows, key=listed(self.key), other=self._first[1])
            doubts.append(Problem(self._first[0], message, text("doubt_duplicates_hint")))
        return doubts


class _Seen:
    """Sorted numbers in runs, each at least twice as long as the next: few to search, and few that grow."""

    def __init__(self, values: Hashes | None = None) -> None:
        self._runs = [values] if values is not None and len(values) else []

    def find(self, values: Hashes) -> npt.NDArray[np.bool_]:
        """Which of the values are there."""
        found = np.zeros(len(values), bool)
        for run in self._runs:
            found |= run[np.minimum(np.searchsorted(run, values), len(run) - 1)] == values
        return found

    def add(self, values: Hashes) -> None:
        """Add sorted values; those that are there already may come again."""
        while self._runs and len(self._runs[-1]) < 2 * len(values):
            values = np.sort(np.concatenate([self._runs.pop(), values]))
        self._runs.append(values)


def _distinct(values: Hashes) -> Hashes:
    """The values in order, each once."""
    ordered = np.sort(values)
    first = np.ones(len(ordered), bool)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    return ordered if first.all() else ordered[first]


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
        found = mixed(found ^ _column_hashes(data.column(name).combine_chunks()))
    return found


def _column_hashes(column: Any) -> Hashes:
    kind = column.type
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.nulls(0, kind)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        plain = pc.cast(column, pa.float64(), safe=False).to_numpy(zero_copy_only=False)  # NaN where empty
        values = plain + 0.0  # no minus zero
        values[np.isnan(values)] = np.nan  # and one NaN
        return mixed(values.view(np.uint64))
    if pa.types.is_null(kind):
        return np.zeros(len(column), np.uint64)
    if pa.types.is_temporal(kind) or pa.types.is_boolean(kind):
        plain = pc.cast(column, pa.int8()) if pa.types.is_boolean(kind) else column
        wide = pc.cast(plain, pa.int32()) if kind in (pa.date32(), pa.time32("s"), pa.time32("ms")) else plain
        values = np.asarray(pc.cast(wide, pa.int64()).fill_null(-(2**62)).to_numpy(zero_copy_only=False))
        return mixed(values.view(np.uint64))
    plain = column if pa.types.is_string(kind) or pa.types.is_large_string(kind) else words(column)
    distinct = plain.dictionary_encode()
    codes = np.asarray(distinct.indices.fill_null(-1))
    told = words(distinct.dictionary)
    hashes = np.where(_known(told), text_hashes(told), np.uint64(0))
    found: Hashes = np.append(hashes, np.uint64(0))[codes]
    return found


def _known(column: Any) -> npt.NDArray[np.bool_]:
    return np.asarray(column.is_valid().to_numpy(zero_copy_only=False), bool)


def text_hashes(texts: pa.StringArray) -> Hashes:
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
        found[active] = mixed(found[active] ^ (eights[offsets[active] + start] & mask))
    return mixed(found ^ lengths.astype(np.uint64))


def mixed(values: Hashes) -> Hashes:
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
