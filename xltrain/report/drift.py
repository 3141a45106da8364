"""How far a column has moved between two fits: the population stability index over the old column's own tenths.

PSI = sum((new - old) * ln(new / old)) over the shares of ten bins, or of the commonest values of a column of words
(Siddiqi, Credit Risk Scorecards, 2006). Below 0.1 a column is as it was, above 0.25 it has moved.
"""

from typing import Any

import numpy as np

from xltrain.data.profile import Profile, as_numbers, binned, missing_share, shares_of
from xltrain.engine.result import Floats

SMALL, LARGE = 0.1, 0.25
DRAWS = 500  # that say what chance does
_LEAST = 1e-4  # the share that an empty bin counts as


def drift(old: Profile, column: Any) -> float:
    """The stability index of a column against its earlier profile, missing values as a share of their own; NaN where
    one of the two is empty or the column's type has changed.
    """
    numbers = as_numbers(column)
    if not len(column) or not old.rows or (numbers is None) != (not old.edges):
        return float("nan")
    if numbers is not None:
        known = numbers[np.isfinite(numbers)]
        if not len(known):
            return float("nan")
        before = np.array(old.bins) * (1 - old.missing)
        after = binned(known, np.array(old.edges)) * len(known) / len(numbers)
        gone = 1 - len(known) / len(numbers)
    else:
        shares = shares_of(column)
        before = np.array(list(old.shares.values()))
        after = np.array([shares.get(word, 0.0) for word in old.shares])
        before, after = np.append(before, 1 - old.missing - before.sum()), np.append(after, 0.0)
        gone = missing_share(column)
        after[-1] = 1 - gone - after.sum()
    return _index(np.append(before, old.missing), np.append(after, gone))


def by_chance(old: Profile, rows: int) -> float:
    """What the index stays below in 99 of 100 cases where `rows` rows come from the same distribution as the earlier
    ones: with few rows it is large though nothing has moved. NaN where there is no row.
    """
    if not rows or not old.rows:
        return float("nan")
    known = np.array(old.bins) * (1 - old.missing) if old.bins else np.array(list(old.shares.values()))
    shares = np.maximum(np.append(known, [old.missing, max(1 - known.sum() - old.missing, 0.0)]), 0)
    draw = np.random.default_rng(0)
    now, then = (draw.multinomial(count, shares / shares.sum(), DRAWS) / count for count in (rows, old.rows))
    return float(np.quantile([_index(one, other) for one, other in zip(then, now, strict=True)], 0.99))


def _index(before: Floats, after: Floats) -> float:
    before, after = np.maximum(before, _LEAST), np.maximum(after, _LEAST)
    return float(np.sum((after - before) * np.log(after / before)))
