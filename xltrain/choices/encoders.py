"""Encoders: how a column becomes numbers that a model can learn from.

Facts: `values` it reads (numeric, category, date); `affine` encoders give a shift and a scale from the finite training
values (rows,): x -> (x - shift) * scale. An encoder of the fact `knots` gives the points of a piecewise linear map
instead. Vocabularies come from the whole dataset, statistics only from a member's training rows.
"""

from statistics import NormalDist
from typing import Annotated

import numpy as np
import numpy.typing as npt

from xltrain.registry import AtLeast, encoders

Floats = npt.NDArray[np.float64]


@encoders.add(values="numeric", affine=True)
def standard(training: Floats) -> tuple[float, float]:
    """Numbers with mean 0 and standard deviation 1: the usual choice."""
    # The mean of equal numbers may round, which leaves them a spread that is not there.
    spread = float(training.std()) if np.ptp(training) > 0 else 0.0
    return float(training.mean()), _inverse(spread)


@encoders.add(values="numeric", affine=True)
def robust(training: Floats) -> tuple[float, float]:
    """Numbers centred on the median and divided by the middle half's width; tolerant of outliers."""
    low, middle, high = np.quantile(training, (0.25, 0.5, 0.75))
    width = float(high - low)
    return float(middle), _inverse(width) if width > 0 else standard(training)[1]


@encoders.add(values="numeric", affine=True)
def minmax(training: Floats) -> tuple[float, float]:
    """Numbers between 0 and 1, by the smallest and the largest."""
    low, high = float(training.min()), float(training.max())
    return low, _inverse(high - low)


@encoders.add(values="numeric", knots=True)
def quantile(
    training: Floats, *, count: Annotated[int, AtLeast(2), "quantiles that the map goes through"] = 200
) -> tuple[Floats, Floats]:
    """Numbers ranked and laid out like a normal distribution; for skewed columns.

    A piecewise linear map from the training quantiles to those of the normal distribution, at most 3 away from 0.
    """
    count = max(2, min(count, len(training)))
    share = np.linspace(0, 1, count)
    normal = NormalDist()
    edge = normal.cdf(-3.0)
    laid = np.array([normal.inv_cdf(min(max(float(each), edge), 1 - edge)) for each in share])
    points = np.quantile(training, share)
    # Equal quantiles (a value that many rows share) become one knot in the middle of their range.
    unique, inverse, counts = np.unique(points, return_inverse=True, return_counts=True)
    return unique, np.bincount(inverse, laid) / counts


@encoders.add(values="numeric", affine=True)
def none(training: Floats) -> tuple[float, float]:
    """Numbers as they are."""
    return 0.0, 1.0


@encoders.add(values="category")
def onehot(
    *, limit: Annotated[int, AtLeast(1), "categories with a column of their own; rarer ones share one"] = 100
) -> int:
    """One 0/1 column for each category; a category never seen in training is unknown, which is all zeros."""
    return limit


@encoders.add(values="date")
def date() -> None:
    """Dates as their parts: days since the first, year cycle, weekday cycle and time of day, where they differ."""


def _inverse(spread: float) -> float:
    """1 / spread; 0 for a column that is constant in training, which then says nothing."""
    return 1 / spread if spread > 0 and np.isfinite(1 / spread) else 0.0
