"""How well probabilities rank and tell: curves and figures over thresholds, in plain numpy."""

import numpy as np
import numpy.typing as npt

from xltrain.engine.result import Floats

Flags = npt.NDArray[np.bool_]


def roc(score: Floats, positive: Flags) -> tuple[Floats, Floats]:
    """False and true positive rates at every threshold, from (0, 0) to (1, 1)."""
    true, false, _ = _counts(score, positive)
    return (
        np.concatenate([[0.0], false / max(int((~positive).sum()), 1)]),
        np.concatenate([[0.0], true / max(int(positive.sum()), 1)]),
    )


def auc(score: Floats, positive: Flags) -> float:
    """The area under the ROC curve; NaN where one side is empty."""
    if not 0 < positive.sum() < len(positive):
        return float("nan")
    false, true = roc(score, positive)
    return float(np.trapezoid(true, false))


def precision_recall(score: Floats, positive: Flags) -> tuple[Floats, Floats]:
    """Precision and recall at every threshold, the highest first."""
    true, false, _ = _counts(score, positive)
    return true / (true + false), true / max(int(positive.sum()), 1)


def average_precision(score: Floats, positive: Flags) -> float:
    """The sum of each precision times the recall that it adds; NaN where nothing is positive."""
    if not positive.any():
        return float("nan")
    precision, recall = precision_recall(score, positive)
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def calibration(score: Floats, positive: Flags, bins: int = 10) -> tuple[Floats, Floats, Floats]:
    """Mean probability, share that came true and rows, in bins of equal counts; equal probabilities together."""
    edges = np.unique(np.quantile(score, np.linspace(0, 1, bins + 1)[1:-1], method="lower"))
    _, codes = np.unique(np.searchsorted(edges, score, side="left"), return_inverse=True)
    rows = np.bincount(codes).astype(np.float64)
    return np.bincount(codes, score) / rows, np.bincount(codes, positive) / rows, rows


def calibration_error(score: Floats, positive: Flags, bins: int = 10) -> float:
    """How far probabilities are off on average: the mean distance of `calibration`, weighted by rows."""
    said, true, rows = calibration(score, positive, bins)
    return float(np.sum(rows * np.abs(said - true)) / rows.sum())


def at_thresholds(score: Floats, positive: Flags, thresholds: Floats) -> tuple[Floats, Floats]:
    """How many positive and how many negative rows have at least each threshold: shapes (thresholds,)."""
    yes, no = np.sort(score[positive]), np.sort(score[~positive])
    true, false = (len(each) - np.searchsorted(each, thresholds, side="left") for each in (yes, no))
    return true.astype(np.float64), false.astype(np.float64)


def gains(score: Floats, positive: Flags) -> tuple[Floats, Floats]:
    """The share of all positive rows that the first share of all rows holds, by falling score, from (0, 0)."""
    true, _, seen = _counts(score, positive)
    return (
        np.concatenate([[0.0], seen / len(score)]),
        np.concatenate([[0.0], true / max(int(positive.sum()), 1)]),
    )


def lift(score: Floats, positive: Flags, parts: int = 10) -> tuple[Floats, Floats]:
    """Rows and positive rows in each tenth of the rows by falling score."""
    order = np.argsort(-score, kind="stable")
    part = np.minimum(np.arange(len(score)) * parts // max(len(score), 1), parts - 1)
    rows = np.bincount(part, minlength=parts).astype(np.float64)
    return rows, np.bincount(part, positive[order].astype(np.float64), parts).astype(np.float64)


def _counts(score: Floats, positive: Flags) -> tuple[Floats, Floats, Floats]:
    """Positive, negative and all rows with at least each distinct score, the highest first."""
    order = np.argsort(-score, kind="stable")
    hits = positive[order]
    last = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))
    true, false = np.cumsum(hits)[last], np.cumsum(~hits)[last]
    return true.astype(np.float64), false.astype(np.float64), (last + 1).astype(np.float64)
