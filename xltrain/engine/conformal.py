"""Intervals that hold nine targets of ten, from errors on rows that a model had no part in.

The interval of a row is what the model says of it, moved by quantiles of the errors that were made on other rows,
held out as this one was: as CV+ does (Barber et al. 2021, "Predictive inference with the jackknife+", arXiv
1905.02928), with one quantile for each end, so that a skewed target gets a skewed interval. Where the loss predicts a
spread of its own, errors count in that spread (Lei et al. 2018, arXiv 1604.04173); where it predicts several
quantiles, they are measured from the outermost (Romano et al. 2019, arXiv 1905.03222). The errors of a row's own fold
play no part in its interval.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from xltrain.data.encode import Floats
from xltrain.engine.result import Ledger

COVERAGE = 0.9  # of the targets, inside the interval
SPREAD, QUANTILE = "predicted spread", "quantile "


@dataclass(frozen=True)
class Interval:
    """How far the ends lie from where they are measured from, in the target's unit or in predicted spreads.

    `floor` is what no target lies below.
    """

    low: float
    high: float
    floor: float = -math.inf

    @classmethod
    def of(cls, target: Floats, prediction: Floats, extra: Mapping[str, Floats], floor: float) -> "Interval":
        """From rows that the model had no part in: each (rows,). NaN where they are too few for such a share."""
        low, high, scale = ends(prediction, extra)
        below, above = np.sort((target - low) / scale), np.sort((target - high) / scale)
        count, tail = len(target), (1 - COVERAGE) / 2
        first = math.floor(tail * (count + 1))  # as many of the next rows lie below as the quantile of one more says
        if first < 1:
            return cls(math.nan, math.nan, floor)
        return cls(float(below[first - 1]), float(above[count - first]), floor)

    def around(self, prediction: Floats, extra: Mapping[str, Floats]) -> tuple[Floats, Floats]:
        """The interval of other rows: low and high, each (rows,)."""
        low, high, scale = ends(prediction, extra)
        low, high = low + self.low * scale, high + self.high * scale
        low, high = np.minimum(low, high), np.maximum(low, high)  # quantiles may cross
        return np.maximum(low, self.floor), np.maximum(high, self.floor)


def ends(prediction: Floats, extra: Mapping[str, Floats]) -> tuple[Floats, Floats, Floats]:
    """From where errors below and above are measured, and in what: each (rows,)."""
    scale = np.maximum(extra[SPREAD], 1e-12) if SPREAD in extra else np.ones(len(prediction))
    shares = sorted((float(name.removeprefix(QUANTILE)), name) for name in extra if name.startswith(QUANTILE))
    if not shares:
        return prediction, prediction, scale
    return extra[shares[0][1]], extra[shares[-1][1]], scale


def with_intervals(ledger: Ledger, floor: float = -math.inf) -> Ledger:
    """A ledger of numbers with `low` and `high`: each row's from the errors of other folds.

    Where there is but one fold, the rows at even places are judged by those at odd ones and the other way round.
    """
    scored = np.flatnonzero(np.isfinite(ledger.prediction) & np.isfinite(ledger.target) & (ledger.scored_by > 0))
    fold = ledger.fold[scored].astype(np.int64)
    if len(np.unique(fold)) < 2:
        fold = np.arange(len(scored), dtype=np.int64) % 2
    low, high = np.full((2, len(ledger.target)), np.nan)
    for own in np.unique(fold):
        rows, others = scored[fold == own], scored[fold != own]
        found = Interval.of(*_at(ledger, others), floor)
        low[rows], high[rows] = found.around(*_at(ledger, rows)[1:])
    return replace(ledger, low=low, high=high)


def interval_of(ledger: Ledger, floor: float = -math.inf) -> Interval:
    """What new rows get: from the errors on all rows that were held out once."""
    scored = np.flatnonzero(np.isfinite(ledger.prediction) & np.isfinite(ledger.target) & (ledger.scored_by > 0))
    return Interval.of(*_at(ledger, scored), floor)


def with_margin(ledger: Ledger) -> Ledger:
    """A ledger of classes with how far each row's own class is ahead of the largest other."""
    shares = ledger.probability
    if shares is None or shares.shape[1] < 2:
        return ledger
    known = np.flatnonzero((ledger.target >= 0) & (ledger.scored_by > 0))
    own = ledger.target[known].astype(np.int64)
    others = shares[known].copy()
    others[np.arange(len(known)), own] = -np.inf
    margin = np.full(len(ledger.target), np.nan)
    margin[known] = shares[known, own] - others.max(1)
    return replace(ledger, margin=margin)


def _at(ledger: Ledger, rows: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> tuple[Floats, Floats, dict[str, Floats]]:
    return ledger.target[rows], ledger.prediction[rows], {name: each[rows] for name, each in ledger.extra.items()}


def extra_names(link: str, quantiles: Sequence[float] = ()) -> tuple[str, ...]:
    """What a loss predicts beside the prediction, by its link; quantiles as they were asked for."""
    link = link.partition(":")[0]
    if link == "gaussian":
        return (SPREAD,)
    return tuple(f"{QUANTILE}{share:g}" for share in quantiles) if link == "quantiles" else ()
