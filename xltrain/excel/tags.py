"""The XML of a sheet as arrays: where its tags stand, and the numbers and texts between them."""

import re
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

_HIDDEN = re.compile(rb"\bhidden\s*=\s*[\"'](?:1|true)[\"']")
_ROW_TAG, _CELL_TAG, _TEXT_TAG, _VALUE_TAG, _FORMULA_TAG, _RICH_TAG, _OTHER = range(1, 8)


Bytes = npt.NDArray[np.uint8]


Positions = npt.NDArray[np.int64]


def _tags() -> Bytes:
    """Two bytes after `<`, as one number -> which tag they begin."""
    table = np.zeros(1 << 16, np.uint8)
    for tag, starts in (
        (_ROW_TAG, ("ro",)),
        (_CELL_TAG, ("c ", "c>", "c/")),
        (_TEXT_TAG, ("t>", "t ")),
        (_VALUE_TAG, ("v>", "v ", "v/")),
        (_FORMULA_TAG, ("f>", "f ", "f/")),
        (_RICH_TAG, ("rP",)),
        (_OTHER, ("!-", "![", "!D")),
    ):
        for start in starts:
            table[ord(start[0]) | ord(start[1]) << 8] = tag
    return table


_TAGS = _tags()


class UnusualError(Exception):
    """A piece that the arrays cannot tell apart."""


class Tags:
    """The tags of a piece: where they start and end, and which cell and row each belongs to."""

    def __init__(self, raw: bytes, data: Bytes) -> None:
        self.raw, self.data = raw, data
        self.starts: Positions = np.flatnonzero(data == ord("<"))
        self.words = np.ndarray((len(data) - 7,), "<u8", raw, 0, (1,))
        pairs = np.ndarray((len(data) - 1,), "<u2", raw, 0, (1,))
        kind = _TAGS[pairs[self.starts + 1]]
        if (kind == _OTHER).any() or not (kind == _ROW_TAG).any():  # tags may have a prefix
            raise UnusualError
        self.rich = bool((kind == _RICH_TAG).any())
        is_cell = kind == _CELL_TAG
        self.cell_tags = np.flatnonzero(is_cell)
        self.cells = self.starts[self.cell_tags]
        self.row_tags = np.flatnonzero(kind == _ROW_TAG)
        self.rows = self.starts[self.row_tags]
        self.cell_of = np.cumsum(is_cell) - 1
        self.row_of_cell = np.searchsorted(self.rows, self.cells) - 1
        self.values = np.flatnonzero(kind == _VALUE_TAG)
        self.texts = np.flatnonzero(kind == _TEXT_TAG)
        self.formulas = np.flatnonzero(kind == _FORMULA_TAG)

    @cached_property
    def row_ends(self) -> Positions:
        """Where the `>` of every row's tag stands."""
        return self.ends(self.row_tags)

    @cached_property
    def _closing(self) -> Positions:
        """Where the `>` of every tag stands."""
        closing: Positions = np.flatnonzero(self.data == ord(">"))
        even = len(closing) == len(self.starts) and bool((closing > self.starts).all())
        if even and (closing[:-1] < self.starts[1:]).all():
            return closing
        return closing[np.minimum(np.searchsorted(closing, self.starts), len(closing) - 1)]  # a text holds a bare >

    def ends(self, tags: Positions) -> Positions:
        """Where the `>` of tags stands that are followed by a tag: right before it, as most are."""
        if len(tags) and tags[-1] + 1 < len(self.starts):
            before: Positions = self.starts[tags + 1] - 1
            if (self.data[before] == ord(">")).all():
                return before
        return self._closing[tags]

    def plain_ends(self, tags: Positions) -> Positions:
        """Where the `>` of tags of one letter stands, which mostly have no attributes."""
        third: Positions = self.starts[tags] + 2
        if (self.data[third] == ord(">")).all():
            return third
        return self._closing[tags]


def letters_at(data: Bytes, at: Positions) -> tuple[Positions, Positions]:
    """How many letters stand from each position on, one to three, and the column that they name."""
    one, two, three = (data[at + step].astype(np.int64) - 64 for step in range(3))
    if ((one < 1) | (one > 26)).any():
        raise UnusualError
    second, third = (two >= 1) & (two <= 26), (three >= 1) & (three <= 26)
    third &= second
    columns = np.where(third, (one * 26 + two) * 26 + three, np.where(second, one * 26 + two, one))
    return 1 + second.astype(np.int64) + third, columns


def digits_at(data: Bytes, at: Positions) -> tuple[Positions, Positions]:
    """The whole number that begins at each position, and how many digits it has."""
    number = np.zeros(len(at), np.int64)
    count = np.zeros(len(at), np.int64)
    going = np.ones(len(at), bool)
    for step in range(8):
        digit = data[at + step].astype(np.int64) - 48
        going &= (digit >= 0) & (digit <= 9)
        if not going.any():
            break
        number = np.where(going, number * 10 + digit, number)
        count += going
    return number, count


def low_bytes(words: Any, length: Positions) -> Any:
    """The last `length` bytes (up to eight) of words that end where a tag ends."""
    kept = np.clip(length, 0, 8).astype(np.uint64)
    shift = (np.uint64(8) - kept) * np.uint64(8)
    return np.where(kept > 0, words >> np.minimum(shift, np.uint64(63)), np.uint64(0))


def slices(raw: bytes, start: Positions, end: Positions) -> Any:
    """The texts between positions, as one Arrow array."""
    return between(raw, start, end).take(pa.array(np.arange(0, 2 * len(start), 2)))


def between(raw: bytes, start: Positions, end: Positions) -> Any:
    """Slices and, between them, the bytes that separate them (null): no byte is copied."""
    edges = np.empty(2 * len(start), np.int32)
    edges[0::2] = start
    edges[1::2] = end
    count = max(0, 2 * len(start) - 1)
    valid = pa.py_buffer(b"\x55" * (count // 8 + 1))
    return pa.StringArray.from_buffers(count, pa.py_buffer(edges), pa.py_buffer(raw), valid)


def doubles(raw: bytes, start: Positions, end: Positions) -> npt.NDArray[np.float64]:
    """The numbers between positions. ArrowInvalid where one is none."""
    if not len(start):
        return np.zeros(0)
    found = pc.cast(between(raw, start, end), pa.float64())
    return np.asarray(found.to_numpy(zero_copy_only=False))[::2]


def hidden_rows(tags: Tags) -> list[int]:
    """The rows of a piece that carry hidden="1"."""
    shown = slices(tags.raw, tags.rows, tags.row_ends)
    named = np.flatnonzero(pc.match_substring(shown, "hidden").to_numpy(zero_copy_only=False))
    hits = [index for index in named.tolist() if _HIDDEN.search(shown[index].as_py().encode("utf-8"))]
    numbers, digits = digits_at(tags.data, tags.rows[hits] + 8)
    return [int(number) for number, count in zip(numbers, digits, strict=True) if count]
