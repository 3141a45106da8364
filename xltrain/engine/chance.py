"""How improbable it is that so many of a few have something in common."""

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def log_chance(hits: npt.ArrayLike, of: npt.ArrayLike, share: npt.ArrayLike) -> Floats:
    """An upper bound of the logarithm of the probability of at least `hits` among `of`, each with this probability.

    The bound of Chernoff (1952), of * KL(hits/of, share): closed, and on the careful side for few.
    """
    hits, of, share = (np.asarray(each, np.float64) for each in (hits, of, share))
    part = np.clip(hits / np.maximum(of, 1), 0, 1)
    share = np.clip(share, 1e-12, 1 - 1e-12)
    with np.errstate(divide="ignore", invalid="ignore"):
        one = np.where(part > 0, part * np.log(part / share), 0)
        other = np.where(part < 1, (1 - part) * np.log((1 - part) / (1 - share)), 0)
    return np.where(part > share, -of * (one + other), 0.0)


def rare(log_probability: float, tests: float, level: float = 0.01) -> bool:
    """Whether what has this probability would be rare even after so many tests (Bonferroni)."""
    return bool(log_probability + math.log(max(tests, 1.0)) < math.log(level))
