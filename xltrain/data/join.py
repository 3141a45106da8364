"""Columns of another table beside the rows, by key; both sides' keys are read the same way.

A key that stands several times in the other table would multiply rows: that is refused, with both places, unless it is
asked for. Every row remembers the row that it was joined with.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xltrain.data.header import find
from xltrain.data.table import MARK_JOINED, Change, JoinReport, Table
from xltrain.data.values import words
from xltrain.errors import DataError
from xltrain.language import listed, text
from xltrain.place import Place, Problem

SHOWN = 200  # unmatched keys that are listed
BETWEEN = "\x1f"  # parts of a key


@dataclass(frozen=True)
class Join:
    """A table to join.

    Attributes:
        source: what a person calls it: a book, `book.xlsx!Sheet1`, a database's table.
        on: pairs of columns, here and there.
        how: `left` keeps rows without a match, `inner` drops them.
        many: a key may stand several times there.
    """

    source: str
    on: tuple[tuple[str, str], ...]
    how: str = "left"
    many: bool = False


class JoinStep:
    """Joins batch after batch with a table that is held in memory."""

    def __init__(self, asked: Join, right: Table, name: str) -> None:
        """`name` tells this join from others in the places. DataError for a key that the table lacks."""
        self.asked, self.right = asked, right
        self.changes: list[Change] = []
        self.mark = MARK_JOINED + name
        self.keys = [find(there, right.names) for _, there in asked.on]
        encoded = _keys(right, self.keys).dictionary_encode()
        self.known = encoded.dictionary
        codes = np.asarray(encoded.indices.fill_null(-1), np.int64)
        self._order = np.argsort(codes, kind="stable")
        self._order = self._order[codes[self._order] >= 0]
        self._counts = np.bincount(codes[codes >= 0], minlength=len(self.known))
        self._starts = np.concatenate([[0], np.cumsum(self._counts)])[:-1]
        self._used = np.zeros(len(self.known), bool)
        self._left: dict[str, Place] = {}
        self._matched = self._lost = 0
        self._places = _shown_places(right)
        self.names: dict[str, str] = {}  # columns of the joined table -> what they are called beside the rows

    def apply(self, batch: Table) -> Table:
        here = [find(name, batch.names) for name, _ in self.asked.on]
        keys = _keys(batch, here)
        code = np.asarray(pc.fill_null(pc.index_in(keys, value_set=self.known), -1), np.int64)
        self._used[code[code >= 0]] = True
        if not self.asked.many:
            self._refuse_several(batch, keys, code)
        missed = np.flatnonzero(code < 0)
        self._matched += len(code) - len(missed)
        self._lost += len(missed)
        for index in missed.tolist():
            key = keys[index].as_py() or ""
            if key not in self._left and len(self._left) < 100_000:
                self._left[key] = batch.place(index, here[0])
        counts = np.where(code >= 0, self._counts[code] if len(self._counts) else 0, 1)
        if self.asked.how == "inner":
            counts[code < 0] = 0
            why = text("dropped_no_match", source=self.asked.source)
            for index in missed.tolist():
                self.changes.append(Change(batch.place(index), "dropped", _shown(keys[index].as_py() or ""), "", why))
        left = np.repeat(np.arange(len(code)), counts)
        offset = np.arange(len(left)) - np.repeat(np.cumsum(counts) - counts, counts)
        code = code[left]
        at = (self._starts[np.maximum(code, 0)] if len(self._starts) else np.zeros(len(code), np.int64)) + offset
        rows = self._order[np.minimum(at, max(len(self._order) - 1, 0))] if len(self._order) else at
        index = pa.array(rows, mask=code < 0)
        return self._beside(batch.take(left), index)

    def _beside(self, batch: Table, index: Any) -> Table:
        data = batch.data
        joined = dict(batch.joined)
        for name in self.right.names:
            if name in self.keys:
                continue
            shown = name
            while shown in data.column_names:
                shown = f"{name} ({self.mark.removeprefix(MARK_JOINED)})" if shown == name else shown + "_"
            self.names[name] = shown
            data = data.append_column(shown, self.right.data.column(name).take(index))
            letter = next((o.letters[name] for o in self.right.origins if name in o.letters), "")
            joined[shown] = (self.mark, letter)
        marks = batch.marks if batch.marks is not None else pa.table({"": pa.nulls(len(batch))}).select([])
        marks = marks.append_column(self.mark, self._places.take(index))
        return replace(batch, data=data, marks=marks, joined=joined)

    def _refuse_several(self, batch: Table, keys: Any, code: Any) -> None:
        if not len(self._counts):
            return
        several = np.flatnonzero((code >= 0) & (self._counts[np.maximum(code, 0)] > 1))
        if not len(several):
            return
        first = int(several[0])
        start = int(self._starts[code[first]])
        one, other = (self.right.place(int(self._order[start + step]), self.keys[0]) for step in (0, 1))
        key = (keys[first].as_py() or "").replace(BETWEEN, " + ")
        message = text("join_many", key=key, count=int(self._counts[code[first]]), other=other)
        raise DataError(Problem(one, message, text("join_many_hint")))

    def report(self) -> JoinReport:
        unused = np.flatnonzero(~self._used)
        right = [
            (
                self.known[int(code)].as_py().replace(BETWEEN, " + "),
                self.right.place(self._row(int(code)), self.keys[0]),
            )
            for code in unused[:SHOWN]
        ]
        left = [(_shown(key), place) for key, place in list(self._left.items())[:SHOWN]]
        on = listed(here if here == there else f"{here} = {there}" for here, there in self.asked.on)
        return JoinReport(self.asked.source, on, self._matched, self._lost, len(unused), tuple(left), tuple(right))

    def _row(self, code: int) -> int:
        return int(self._order[self._starts[code]])

    def doubts(self) -> list[Problem]:
        """Rows that found no match; unused keys of the other table are no doubt, they stand in the report."""
        if not self._lost or (self.asked.how == "inner" and self._matched):
            return []  # nothing was assumed
        told = self.report()
        keys = listed(key for key, _ in told.left[:5]) + (" …" if len(told.left) > 5 else "")
        word = "join_none_matched" if not self._matched else "join_unmatched"
        message = text(word, rows=self._lost, shown=keys, source=self.asked.source)
        place = told.left[0][1] if told.left else None
        return [Problem(place, message, text(f"{word}_hint"))]


def _shown(key: str) -> str:
    return key.replace(BETWEEN, " + ") if key else text("empty_key")


def _keys(table: Table, names: Sequence[str]) -> Any:
    """The key of every row as text, whatever its case, width and the blanks around it; null where a part is empty."""
    parts = []
    for name in names:
        shown = words(table.data.column(name))
        parts.append(pc.utf8_trim_whitespace(pc.utf8_lower(pc.utf8_normalize(shown, "NFKC"))))
    return parts[0] if len(parts) == 1 else pc.binary_join_element_wise(*parts, BETWEEN)


def _shown_places(table: Table) -> Any:
    """`file!sheet!row` of every row."""
    at = pa.array(table.origin)
    files, sheets = (
        pa.array([getattr(origin, part) for origin in table.origins] or [""], pa.string()).take(at)
        for part in ("file", "sheet")
    )
    return pc.binary_join_element_wise(files, sheets, pc.cast(pa.array(table.row), pa.string()), "!")
