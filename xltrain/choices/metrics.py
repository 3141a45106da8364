"""Metrics: one number per run, on all its scored rows, in the target's own unit.

Facts: `task`; `better` (lower, higher); `needs` as first argument: the prediction (rows,), the label (rows,) or the
probability (rows, classes). The second argument is the target (rows,): numbers, or class indices from 0.
"""

import numpy as np
import numpy.typing as npt

from xltrain.registry import metrics

Floats = npt.NDArray[np.float64]
Classes = npt.NDArray[np.int64]


@metrics.add(task="regression", better="lower", needs="prediction")
def rmse(prediction: Floats, target: Floats) -> float:
    """Root of the mean squared error: the typical miss, large ones counting most.

    sqrt(mean((y - p)^2))
    """
    return float(np.sqrt(np.mean(np.square(prediction - target))))


@metrics.add(task="regression", better="lower", needs="prediction")
def mae(prediction: Floats, target: Floats) -> float:
    """Mean absolute error: the average miss.

    mean(|y - p|)
    """
    return float(np.mean(np.abs(prediction - target)))


@metrics.add(task="regression", better="lower", needs="prediction")
def median_absolute_error(prediction: Floats, target: Floats) -> float:
    """Half of the misses are smaller than this.

    median(|y - p|)
    """
    return float(np.median(np.abs(prediction - target)))


@metrics.add(task="regression", better="lower", needs="prediction")
def mape(prediction: Floats, target: Floats) -> float:
    """Mean absolute error as a share of the target; rows whose target is 0 are left out.

    mean(|y - p| / |y|)
    """
    known = target != 0
    if not known.any():
        return float("nan")
    return float(np.mean(np.abs((prediction[known] - target[known]) / target[known])))


@metrics.add(task="regression", better="higher", needs="prediction")
def r2(prediction: Floats, target: Floats) -> float:
    """Share of the target's variance explained: 1 is perfect, 0 is guessing the average.

    1 - sum((y - p)^2) / sum((y - mean(y))^2)
    """
    total = float(np.sum(np.square(target - target.mean())))
    return 1 - float(np.sum(np.square(prediction - target))) / total if total > 0 else float("nan")


@metrics.add(task="classification", better="lower", needs="probability")
def log_loss(probability: Floats, target: Classes) -> float:
    """Minus the log of the probability given to the right class, on average.

    mean(-log p_y), with p_y at least 1e-15
    """
    own = probability[np.arange(len(target)), target]
    return float(np.mean(-np.log(np.clip(own, 1e-15, 1))))


@metrics.add(task="classification", better="higher", needs="label")
def accuracy(label: Classes, target: Classes) -> float:
    """Share of rows given the right class."""
    return float(np.mean(label == target))


@metrics.add(task="classification", better="higher", needs="label")
def balanced_accuracy(label: Classes, target: Classes) -> float:
    """Accuracy averaged over the classes, so that a rare one counts as much as a common one."""
    return float(np.mean([np.mean(label[target == known] == known) for known in np.unique(target)]))


@metrics.add(task="classification", better="higher", needs="label")
def f1(label: Classes, target: Classes) -> float:
    """Balance of precision and recall, averaged over the classes (macro).

    mean over classes of 2 TP / (2 TP + FP + FN)
    """
    scores = []
    for known in np.unique(np.concatenate([label, target])):
        hits = np.sum((label == known) & (target == known))
        misses = np.sum((label == known) != (target == known))
        scores.append(2 * hits / (2 * hits + misses))
    return float(np.mean(scores))


@metrics.add(task="classification", better="higher", needs="probability")
def roc_auc(probability: Floats, target: Classes) -> float:
    """Chance that a row of a class is ranked above another row; of several classes, the average against the rest.

    The Mann-Whitney statistic over ranks, ties counting half.
    """
    known = np.unique(target)
    if len(known) < 2:
        return float("nan")
    if probability.shape[1] == 2:
        return _rank_statistic(probability[:, 1], target == 1)
    return float(np.mean([_rank_statistic(probability[:, each], target == each) for each in known]))


def _rank_statistic(score: Floats, positive: npt.NDArray[np.bool_]) -> float:
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    yes, no = int(positive.sum()), int((~positive).sum())
    return float((ranks[positive].sum() - yes * (yes + 1) / 2) / (yes * no))
