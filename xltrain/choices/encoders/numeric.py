"""Encoders of numbers."""

from statistics import NormalDist
from typing import Annotated

import numpy as np
import numpy.typing as npt

from xltrain.registry import Above, AtLeast, AtMost, Below, encoders

Floats = npt.NDArray[np.float64]


@encoders.add(values="numeric", affine=True)
def standard(training: Floats) -> tuple[float, float]:
    """Numbers with mean 0 and standard deviation 1: the usual choice."""
    return _standard(training)


@encoders.add(values="numeric", affine=True)
def robust(training: Floats) -> tuple[float, float]:
    """Numbers centred on the median and divided by the middle half's width; tolerant of outliers."""
    low, middle, high = np.quantile(training, (0.25, 0.5, 0.75))
    width = float(high - low)
    return float(middle), _inverse(width) if width > 0 else _standard(training)[1]


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


def signed_log(values: Floats) -> Floats:
    """sign(x) log(1 + |x|): what log1p does first."""
    return np.asarray(np.sign(values) * np.log1p(np.abs(values)))


@encoders.add(values="numeric", affine=True, before=signed_log)
def log1p(training: Floats) -> tuple[float, float]:
    """Logarithms, then standard: for amounts and counts over several powers of ten; below 0 in mirror image.

    sign(x) log(1 + |x|), then (x - mean) / standard deviation
    """
    return _standard(training)


@encoders.add(values="numeric", knots=True, clips=True)
def winsorize(
    training: Floats,
    *,
    share: Annotated[float, Above(0), Below(0.5), "of the training rows at each end that the limits cut off"] = 0.01,
) -> tuple[Floats, Floats]:
    """Numbers beyond the training quantiles moved to them, then standard; for wild outliers. Limits are listed.

    clip(x, quantile(share), quantile(1 - share)), then (x - mean) / standard deviation
    """
    low, high = np.quantile(training, (share, 1 - share))
    shift, scale = _standard(np.clip(training, low, high))
    limits = np.unique([low, high])
    return limits, (limits - shift) * scale


@encoders.add(values="numeric", bins=True)
def piecewise(
    training: Floats,
    *,
    bins: Annotated[int, AtLeast(1), AtMost(1000), "features for the column; between training quantiles"] = 16,
) -> Floats:
    """Several features from one number: how far it has come through each bin; lets a model bend where data lie.

    feature t = (x - b[t-1]) / (b[t] - b[t-1]), held within 0 and 1 but for the ends (Gorishniy et al. 2022, "On
    Embeddings for Numerical Features in Tabular Deep Learning", section 3.1); gives the edges b.
    """
    return np.unique(np.quantile(training, np.linspace(0, 1, bins + 1)))


@encoders.add(values="numeric", affine=True)
def none(training: Floats) -> tuple[float, float]:
    """Numbers as they are."""
    return 0.0, 1.0


def _standard(training: Floats) -> tuple[float, float]:
    # The mean of equal numbers may round, which leaves them a spread that is not there.
    spread = float(training.std()) if np.ptp(training) > 0 else 0.0
    return float(training.mean()), _inverse(spread)


def _inverse(spread: float) -> float:
    """1 / spread; 0 for a column that is constant in training, which then says nothing."""
    return 1 / spread if spread > 0 and np.isfinite(1 / spread) else 0.0
