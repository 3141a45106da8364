"""Splits: which rows are held out together.

A split is called with one key per row (what its fact `needs` says: a row number, the label, the group, the time, the
word of a split column), the number of folds and a draw, and returns one pair per fold: the rows to learn from and the
rows held out, as positions. The draw is a number for each row (for each group where it needs one), at random and yet
always the same for the same row, so that a row keeps its fold when others come, go or move. `rolling` marks a split
whose training rows are not all the others.
"""

from typing import Annotated

import numpy as np
import numpy.typing as npt

from xltrain.registry import splits

Rows = npt.NDArray[np.int64]
Draw = npt.NDArray[np.uint64]
Pairs = list[tuple[Rows, Rows]]


@splits.add(needs="row")
def random(keys: Rows, folds: int, draw: Draw) -> Pairs:
    """Rows divided at random: the usual choice for numbers."""
    return _by_fold(_cut(draw, folds), folds)


@splits.add(needs="label")
def stratified(keys: Rows, folds: int, draw: Draw) -> Pairs:
    """Rows divided at random so that every fold has its share of each class: the usual choice for classes."""
    fold, first = np.empty(len(keys), np.int64), 0
    for key in np.unique(keys):
        mine = np.flatnonzero(keys == key)
        fold[mine] = _cut(draw[mine], folds, first)
        first += len(mine)  # the odd rows of the next class go to the folds that had none
    return _by_fold(fold, folds)


@splits.add(needs="group")
def group(
    keys: Rows,
    folds: int,
    draw: Draw,
    *,
    column: Annotated[str, "the column whose values stay together; the one of role group when empty"] = "",
) -> Pairs:
    """Rows with the same value in a column stay together: a customer, a batch, a shop."""
    names, first, inverse, counts = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
    home = np.zeros(len(names), np.int64)
    filled = np.zeros(folds)
    # Largest group first, each into the emptiest fold; equal groups as they are drawn.
    for each in np.lexsort((draw[first], -counts)):
        home[each] = int(np.argmin(filled))
        filled[home[each]] += counts[each]
    return _by_fold(home[inverse], folds)


@splits.add(needs="time", rolling=True)
def time(
    keys: Rows,
    folds: int,
    draw: Draw,
    *,
    column: Annotated[str, "the column that orders the rows; the one of role time when empty"] = "",
) -> Pairs:
    """Each fold is predicted from the time before it (rolling origin); the first stretch is never held out."""
    values = np.unique(keys)
    # Rows of one moment stay on one side, so the cuts fall between moments, nearest to equal numbers of rows.
    ends = np.searchsorted(np.sort(keys), values, side="right")
    cuts = np.searchsorted(ends, np.arange(1, folds + 1) * len(keys) / (folds + 1))
    cuts = np.minimum(np.maximum.accumulate(cuts) + 1, len(values))
    block = np.searchsorted(cuts, np.searchsorted(values, keys), side="right")
    pairs = [(np.flatnonzero(block < fold), np.flatnonzero(block == fold)) for fold in range(1, folds + 1)]
    return [pair for pair in pairs if len(pair[0]) and len(pair[1])]


@splits.add(needs="split", given=True)
def column(
    keys: Rows,
    folds: int,
    draw: Draw,
    *,
    name: Annotated[str, "the column with the words train, valid and test; the one of role split when empty"] = "",
) -> Pairs:
    """A column says train, valid or test for each row; keys: 0 train, 1 valid, 2 test."""
    return [(np.flatnonzero(keys == 0), np.flatnonzero(keys == 2))]


def _cut(draw: Draw, folds: int, first: int = 0) -> Rows:
    """The fold of each row when the rows, in the order of their draw, are cut into equal stretches.

    Where rows are added the cuts hardly move, since what is drawn is spread evenly: a row nearly always keeps its fold.
    Rows that are left over go to the folds from `first` on.
    """
    sizes = np.full(folds, len(draw) // folds)
    sizes[(first + np.arange(len(draw) % folds)) % folds] += 1
    fold = np.empty(len(draw), np.int64)
    fold[np.argsort(draw, kind="stable")] = np.repeat(np.arange(folds), sizes)
    return fold


def _by_fold(fold: Rows, folds: int) -> Pairs:
    return [(np.flatnonzero(fold != each), np.flatnonzero(fold == each)) for each in range(folds)]
