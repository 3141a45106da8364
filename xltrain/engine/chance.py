"""How improbable it is that so many of a few have something in common."""

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def log_chance(hits: npt.ArrayLike, of: npt.ArrayLike, share: npt.ArrayLike) -> Floats:
    """An upper bound of the logarithm of the probability of at least `hits` among `of`, each with this probability.

    The binomial probability of exactly so many, times the sum of a geometric series that is larger than all that
    follow; close to the truth wherever that is small (Feller 1968, VI.3). 0 where no more than usual.
    """
    number, total, each = np.broadcast_arrays(*(np.asarray(one, np.float64) for one in (hits, of, share)))
    each = np.clip(each, 1e-12, 1 - 1e-12)
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, int(total.max(initial=0)) + 1)))])  # of factorials
    k, n = number.astype(np.int64), total.astype(np.int64)
    exactly = logs[n] - logs[k] - logs[n - k] + number * np.log(each) + (total - number) * np.log1p(-each)
    ratio = (total - number) * each / ((number + 1) * (1 - each))
    with np.errstate(divide="ignore", invalid="ignore"):
        found = exactly - np.log1p(-ratio)
    return np.asarray(np.where((number > each * total) & (ratio < 1), np.minimum(found, 0.0), 0.0))


def rare(log_probability: float, tests: float, level: float = 0.01) -> bool:
    """Whether what has this probability would be rare even after so many tests (Bonferroni)."""
    return bool(log_probability + math.log(max(tests, 1.0)) < math.log(level))
