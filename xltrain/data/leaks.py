"""What makes scores too good to be true, said as notes: a feature that gives the target away, a feature that only
counts rows, the same row on both sides of a split.

Nothing here changes what is trained. A look at more than a few thousand rows is a look at a sample of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from xltrain.data.coded import Coded
from xltrain.data.encode import Encoding, Target
from xltrain.data.split import Part
from xltrain.data.table import Table
from xltrain.data.values import numbers, words
from xltrain.language import text

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

HUGE = 1e15  # numbers beyond this are no measurements
SAMPLE = 20_000  # rows looked at for features that give the target away
FEWEST = 20  # rows, below which anything explains anything
GIVEN_AWAY = 0.99  # share of the target's variance that one feature may explain
UNIQUE = 0.95  # share of different values, and of rises from row to row, that make a counter
BINS = 64
_GAP = np.float32(-1.2345e30)  # stands for a missing number, whatever its bits
FOLDS = 5


@dataclass(frozen=True)
class Leaks:
    """What gives one target away: columns, each with the share of it that the column explains alone; and how many rows
    stand in another fold too.
    """

    columns: tuple[tuple[str, float], ...] = ()
    doubled: int = 0

    def notes(self, target: str) -> list[str]:
        """A sentence on each, with column and number."""
        shown = [(name, f"{100 * min(share, 0.9999):.4g}") for name, share in self.columns]
        notes = [text("leak_gives_away", name=name, target=target, share=share) for name, share in shown]
        return notes + ([text("leak_duplicates", count=self.doubled, target=target)] if self.doubled else [])


def find_leaks(table: Table, encoding: Encoding, raw: Singles, target: Target, parts: Sequence[Part]) -> Leaks:
    """What may leak into the scores of one target."""
    if len(target.rows) < FEWEST:
        return Leaks()
    return Leaks(tuple(given_away(table, encoding, target)), duplicates(encoding, raw, target, parts))


def counter_notes(table: Table, encoding: Encoding) -> list[str]:
    """A note on each feature that tells rows apart and rises with them, as an identifier does."""
    return [
        text("leak_counter", name=column.name, share=f"{100 * share:.3g}")
        for column in encoding.columns
        if (share := _counts(table, column)) is not None
    ]


def huge_notes(table: Table, encoding: Encoding) -> list[str]:
    """A note on each number so large that it can only be a slip, and outweighs all others in its column."""
    found = []
    for column in encoding.columns:
        if column.reads != "numeric":
            continue
        values = np.abs(numbers(table.data.column(column.name)))
        rows = np.flatnonzero(values > HUGE)
        if len(rows):
            place = table.place(int(rows[0]), column.name)
            found.append(
                text("note_huge", name=column.name, place=place, count=len(rows), value=f"{values[rows[0]]:.3g}")
            )
    return found


def given_away(table: Table, encoding: Encoding, target: Target) -> list[tuple[str, float]]:
    """The columns that explain nearly all of the target alone, out of fold, and the share they explain."""
    rows = target.rows
    if len(rows) > SAMPLE:
        rows = np.sort(np.random.default_rng(0).choice(rows, SAMPLE, replace=False))
    wanted = target.wanted(target.outputs)[rows]
    ranked = _ranks(wanted[:, 0]) if target.outputs == 1 else None
    dealt = np.random.default_rng(1).permutation(len(rows)) % FOLDS
    found = []
    for column in encoding.columns:
        if column.reads == "text":
            continue
        share = _explained(table.data.column(column.name).take(rows), column, wanted, ranked, dealt)
        if share > GIVEN_AWAY:
            found.append((column.name, share))
    return found


def duplicates(encoding: Encoding, raw: Singles, target: Target, parts: Sequence[Part]) -> int:
    """How many rows are held out in one fold while a row with the same features and target is in another.

    Only where some feature measures: rows of a few categories are alike without being the same.
    """
    fold = np.full(len(raw), -1)
    for part in parts:
        if part.repeat == 0:
            fold[part.held_out] = part.fold
    rows = np.flatnonzero(fold >= 0)
    if len(np.unique(fold[rows])) < 2 or not _measures(encoding, raw[rows[:SAMPLE]]):
        return 0
    _, alike, counts = np.unique(_hashes(raw[rows], target.values[rows]), return_inverse=True, return_counts=True)
    several = counts[alike] > 1
    alike, own = alike[several], fold[rows][several]
    lowest, highest = np.full(len(counts), len(fold)), np.full(len(counts), -1)
    np.minimum.at(lowest, alike, own)
    np.maximum.at(highest, alike, own)
    return int((lowest[alike] != highest[alike]).sum())


def rare_notes(target: Target, parts: Sequence[Part]) -> list[str]:
    """A note on the rarest class where there are more folds than rows of it."""
    folds = 1 + max((part.fold for part in parts), default=0)
    if not target.classes or folds < 2:
        return []
    counts = np.bincount(target.values[target.rows].astype(np.int64), minlength=len(target.classes))
    rarest = int(counts.argmin())
    if counts[rarest] >= folds:
        return []
    return [text("rare_class", label=target.classes[rarest], target=target.name, rows=int(counts[rarest]), folds=folds)]


def _explained(values: object, column: Coded, wanted: Floats, ranked: Floats | None, dealt: Rows) -> float:
    """The share of the target's variance that a column alone explains: by bins out of fold, or by rank."""
    if column.reads == "category":
        codes = words(values).dictionary_encode().indices.fill_null(-1)
        cell = np.array(codes.to_numpy(zero_copy_only=False), np.int64) + 1
        return _by_cell(cell, wanted, dealt)
    known = numbers(values)
    lacking = np.isnan(known)
    ranks = _ranks(known)
    width = max(1, int((~lacking).sum()))
    cell = np.where(lacking, 0, 1 + (ranks * BINS / width).astype(np.int64))
    share = _by_cell(cell, wanted, dealt)
    if ranked is None or lacking.any():
        return share
    return max(share, _by_rank(ranks, ranked)) if np.ptp(ranks) > 0 and np.ptp(ranked) > 0 else share


def _by_rank(ranks: Floats, ranked: Floats) -> float:
    """The square of the rank correlation; of two classes that of 2 AUC - 1."""
    upper = ranked == ranked.max()
    if len(np.unique(ranked)) == 2:
        between = ranks[upper].mean() - ranks[~upper].mean()
        return float((between * 2 / len(ranks)) ** 2)
    return float(np.corrcoef(ranks, ranked)[0, 1] ** 2)


def _by_cell(cell: Rows, wanted: Floats, dealt: Rows) -> float:
    """1 - squared error of the mean target of each cell in the other folds / that of the overall mean."""
    count = int(cell.max()) + 1
    key = cell * FOLDS + dealt
    rows = np.bincount(key, minlength=count * FOLDS).reshape(count, FOLDS)
    error = 0.0
    for one in wanted.T:
        one = one - one.mean()
        sums = np.bincount(key, one, minlength=count * FOLDS).reshape(count, FOLDS)
        others = rows.sum(1, keepdims=True) - rows
        mean = np.where(others > 0, (sums.sum(1, keepdims=True) - sums) / np.maximum(others, 1), 0.0)
        error += float(np.square(one - mean[cell, dealt]).sum())
    total = float(np.square(wanted - wanted.mean(0)).sum())
    return 1 - error / total if total > 0 else 0.0


def _ranks(values: Floats) -> Floats:
    """Ranks from 0, equal values at their middle; NaN last."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts + 1) / 2)[inverse], np.float64)


def _counts(table: Table, column: Coded) -> float | None:
    """The share of different values of a column that counts rows; None for any other column."""
    if column.reads not in ("numeric", "category"):
        return None
    values = table.data.column(column.name)
    if column.reads == "numeric":
        found = numbers(values)
        found = found[~np.isnan(found)]
        if len(found) < FEWEST or not (found == np.round(found)).all():
            return None
    else:
        labels = words(values).drop_null()
        if len(labels) < FEWEST:
            return None
        coded = labels.dictionary_encode()
        order = pc.rank(coded.dictionary, tiebreaker="first").to_numpy()
        found = order[coded.indices.to_numpy()].astype(np.float64)
    if (np.diff(found) > 0).mean() < UNIQUE:
        return None
    share = len(np.unique(found)) / len(found)
    return share if share >= UNIQUE else None


def _measures(encoding: Encoding, raw: Singles) -> bool:
    """Whether some column of numbers has many values."""
    start = 0
    for column in encoding.columns:
        if column.reads in ("numeric", "date", "text") and len(np.unique(raw[:, start])) > FEWEST:
            return True
        start += len(column.parts)
    return False


def _hashes(raw: Singles, target: Floats) -> npt.NDArray[np.uint64]:
    """A 64-bit hash of each row of features and its target."""
    factors = np.random.default_rng(0).integers(1, 1 << 63, raw.shape[1] + 1, dtype=np.uint64) | np.uint64(1)
    found = (target + 0.0).view(np.uint64) * factors[-1]
    for index in range(raw.shape[1]):
        column = np.where(np.isnan(raw[:, index]), _GAP, raw[:, index]) + np.float32(0)
        found = found + (column.view(np.uint32).astype(np.uint64) + np.uint64(index)) * factors[index]
        found ^= found >> np.uint64(29)
    return np.asarray(found, np.uint64)
