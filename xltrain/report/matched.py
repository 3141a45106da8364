"""The rows that two fits have in common: by place where nothing moved, else by what they hold, else in what is left.

Files are matched by their names in places; one that lies in another folder in the other fit, by its name alone.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from xltrain.data.fingerprint import sums
from xltrain.language import LANGUAGES
from xltrain.report.record import OWN, PREFIX

# What the column of weights is called that decisions make: no column of the data.
WEIGHTS = tuple(each.LABELS["decided_weight"] for each in LANGUAGES.values())

Positions = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Matched:
    """`partner` gives for each row before its row after, -1 where it is gone; `same` whether the two hold the same.

    Shapes: partner and same (rows before,); added the positions of rows after that have no partner. `columns` are those
    that both have; `dropped` and `gained` the others.
    """

    partner: Positions
    same: npt.NDArray[np.bool_]
    added: Positions
    columns: tuple[str, ...]
    dropped: tuple[str, ...]
    gained: tuple[str, ...]

    @property
    def unchanged(self) -> tuple[Positions, Positions]:
        """The rows that both have and that hold the same: their positions before and after."""
        before = np.flatnonzero(self.same)
        return before, self.partner[before]

    @property
    def changed(self) -> tuple[Positions, Positions]:
        """The rows that both have and that hold something else: their positions before and after."""
        before = np.flatnonzero((self.partner >= 0) & ~self.same)
        return before, self.partner[before]

    @property
    def removed(self) -> Positions:
        return np.flatnonzero(self.partner < 0)


def match(before: pa.Table, after: pa.Table) -> Matched:
    """Match the rows of two data.parquet."""
    names = [
        [name for name in each.column_names if not name.startswith(PREFIX) and name not in WEIGHTS]
        for each in (before, after)
    ]
    common = [name for name in names[0] if name in names[1]]
    content = [sums(each, common) for each in (before, after)]
    files = _files(before), _same_files(before, after)
    sheets = [
        _keys(each, of_files, ("sheet", "letter", "key")) for each, of_files in zip((before, after), files, strict=True)
    ]
    rows = [np.asarray(each.column(f"{PREFIX}row").to_numpy(), np.int64) for each in (before, after)]
    partner = np.full(before.num_rows, -1, np.int64)
    taken = np.zeros(after.num_rows, bool)

    def pair(keys: list[Hashes]) -> None:
        left, right = np.flatnonzero(partner < 0), np.flatnonzero(~taken)
        one, other = _paired(keys[0][left], keys[1][right])
        partner[left[one]] = right[other]
        taken[right[other]] = True

    places = [_with(each, row) for each, row in zip(sheets, rows, strict=True)]
    pair([_joined(place, what) for place, what in zip(places, content, strict=True)])
    pair([_joined(sheet, what) for sheet, what in zip(sheets, content, strict=True)])
    # What is left changed: it stands as far from its old row as the row above it does.
    pair([_with(sheets[0], rows[0] + _shifts(partner, sheets[0], rows)), places[1]])
    found = partner >= 0
    same = np.zeros(len(partner), bool)
    same[found] = content[0][found] == content[1][partner[found]]
    return Matched(
        partner,
        same,
        np.flatnonzero(~taken),
        tuple(common),
        tuple(name for name in names[0] if name not in common),
        tuple(name for name in names[1] if name not in common),
    )


def _files(data: pa.Table) -> pa.Array:
    return data.column(f"{PREFIX}file").combine_chunks()


def _same_files(before: pa.Table, after: pa.Table) -> pa.Array:
    """The files of the rows after, by the names that they had before."""
    known = [each for each in _files(before).unique().to_pylist() if each]
    coded = _files(after).dictionary_encode()
    names = coded.dictionary.to_pylist()
    tails = [each.rpartition("/")[2] for each in known]
    renamed = []
    for name in names:
        tail = (name or "").rpartition("/")[2]
        alone = tails.count(tail) == 1 and [(each or "").rpartition("/")[2] for each in names].count(tail) == 1
        renamed.append(name if name in known or not alone else known[tails.index(tail)])
    return pa.array(renamed, pa.string()).take(coded.indices)


def _keys(data: pa.Table, files: pa.Array, words: tuple[str, ...]) -> Hashes:
    """A number for the sheet of each row, with the letter or key that tells rows of one sheet row apart."""
    columns = {"file": files} | {word: data.column(f"{PREFIX}{word}") for word in words if word in OWN}
    return sums(pa.table(columns), list(columns))


def _with(keys: Hashes, rows: Positions) -> Hashes:
    return _joined(keys, rows.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15))


def _joined(one: Hashes, other: Hashes) -> Hashes:
    with np.errstate(over="ignore"):
        mixed: Hashes = (one ^ (other >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9) + other
    return mixed


def _paired(one: Hashes, other: Hashes) -> tuple[Positions, Positions]:
    """Positions of equal keys in both, the first with the first, the second with the second."""
    _, left, right = np.intersect1d(_told_apart(one), _told_apart(other), assume_unique=True, return_indices=True)
    return left, right


def _told_apart(keys: Hashes) -> Hashes:
    """Keys mixed with the count of equal ones before them, so that each stands once."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    first = np.ones(len(keys), bool)
    first[1:] = ordered[1:] != ordered[:-1]
    start = np.maximum.accumulate(np.where(first, np.arange(len(keys)), 0))
    apart = np.empty(len(keys), np.uint64)
    apart[order] = _with(ordered, np.arange(len(keys)) - start)
    return apart


def _shifts(partner: Positions, sheets: Hashes, rows: list[Positions]) -> Positions:
    """How far the nearest matched row above each row has moved, else the nearest below; 0 where its sheet has none."""
    order = np.lexsort((rows[0], sheets))
    places = np.arange(len(order))
    matched = partner[order] >= 0
    above = np.maximum.accumulate(np.where(matched, places, -1))
    below = np.minimum.accumulate(np.where(matched, places, len(order))[::-1])[::-1]
    shifts = np.zeros(len(partner), np.int64)
    for nearest in (below, above):
        source = order[np.clip(nearest, 0, len(order) - 1)]
        known = (nearest >= 0) & (nearest < len(order)) & (sheets[source] == sheets[order])
        moved = rows[1][partner[source]] - rows[0][source]
        shifts[order[known]] = moved[known]
    return shifts
