"""What choosing the best of several runs adds to its score, by the bootstrap.

Bias-corrected cross-validation (Tsamardinos, Greasidou and Borboudakis, 2018, "Bootstrapping the out-of-sample
predictions for efficient and accurate cross-validation"): rows are resampled; the run that wins on the resample is
scored on the rows left out, of which its choice knew nothing. Nothing is trained again. As xltrain chooses by
validation rows, so does each resample, over the members' predictions for their validation rows; the score is over
the out-of-fold predictions. Against the score that the job's winner has on the same rows, the difference is what the
choice was worth:

    corrected = raw + mean over resamples of (score of the resample's winner - score of the job's winner)

A resample holds 63 % of the rows, so its choice is the less certain one and the correction errs to the careful side.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from xltrain.data.encode import Floats, Rows, Target
from xltrain.engine.evaluate import Judged, combine
from xltrain.engine.result import Score
from xltrain.registry import metrics

Weights = npt.NDArray[np.float32]

MOST, LEAST = 500, 10  # resamples
WORK = 40_000_000  # row losses looked at in all: a million rows get fewer resamples, and need fewer
CHUNK = 4_000_000  # numbers of resampled weights held at a time
SLOW, CALL = 10, 20_000  # row losses that each row, and each call, of a metric that is no mean over rows counts for


def corrected_score(judged: Mapping[str, Sequence[Judged]], winner: str, target: Target, metric: str) -> Score | None:
    """The winner's metric corrected for the choice among these runs; None where there was none.

    judged: for each run that could win, its members in the order of the folds. The score's `mean` and `spread` are over
    the resamples.
    """
    names = list(judged)
    if len(names) < 2:
        return None
    folds = zip(*([each.validation for each in members] for members in judged.values()), strict=True)
    sides = [_Scores(metric, target, told[0].rows, [each.values for each in told]) for told in folds]
    held_out = [combine([each.held_out for each in members], len(target.values)) for members in judged.values()]
    rows = np.flatnonzero(held_out[0][1])
    whole = _Scores(metric, target, rows, [values[rows] for values, _ in held_out])
    raw = float(whole.all(np.ones((1, len(rows)), np.float32))[0, names.index(winner)])
    sign = -1.0 if metrics[metric].facts["better"] == "higher" else 1.0
    honest, gained = [], []
    for drawn in _resamples(len(target.values), target.rows, _count(whole, len(rows), len(names))):
        seen = np.stack([side.all(drawn[:, side.rows]) for side in sides])
        known = np.isfinite(seen)
        count = known.sum(0)
        value = np.where(count > 0, sign * np.where(known, seen, 0).sum(0) / np.maximum(count, 1), np.inf)
        chosen = value.argmin(1)
        told = whole.all((drawn[:, rows] == 0).astype(np.float32))
        each = told[np.arange(len(told)), chosen]
        fit = (count > 0).any(1) & np.isfinite(each)
        honest.append(each[fit])
        gained.append((each - told[:, names.index(winner)])[fit])
    scores, differences = np.concatenate(honest), np.concatenate(gained)
    differences = differences[np.isfinite(differences)]
    if not len(differences) or not np.isfinite(raw):
        return None
    return Score(raw + float(differences.mean()), float(scores.mean()), float(scores.std()))


class _Scores:
    """A metric of several runs on the same rows, for many weightings of these at once."""

    def __init__(self, metric: str, target: Target, rows: Rows, values: Sequence[Floats]) -> None:
        self.metric, self.rows, self.values = metric, rows, values
        self.wanted = target.values[rows]
        losses = [_losses(metric, each, self.wanted) for each in values]
        self.losses = np.stack([each for each in losses if each is not None], 1) if losses[0] is not None else None

    def all(self, weights: Weights) -> Floats:
        """weights (resamples, rows), whole numbers -> (resamples, runs); NaN where nothing is left to score."""
        if self.losses is None:
            return np.array([[self._one(values, each) for values in self.values] for each in weights])
        total = weights.sum(1, keepdims=True)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = weights.astype(np.float64) @ self.losses / total
        return np.asarray(np.sqrt(mean) if self.metric == "rmse" else mean)

    def _one(self, values: Floats, weights: Weights) -> float:
        picked = np.repeat(np.arange(len(weights)), weights.astype(np.int64))
        if not len(picked):
            return float("nan")
        choice = metrics[self.metric]
        given = values.argmax(1) if choice.facts["needs"] == "label" else values
        wanted = self.wanted if choice.facts["task"] == "regression" else self.wanted.astype(np.int64)
        return float(choice.function(given[picked], wanted[picked]))


def _losses(metric: str, values: Floats, wanted: Floats) -> Floats | None:
    """The numbers whose mean over rows the metric is, or the square of; None for other metrics."""
    if metric == "rmse":
        return np.asarray(np.square(values - wanted))
    if metric == "mae":
        return np.asarray(np.abs(values - wanted))
    if metric == "log_loss":
        return np.asarray(-np.log(np.clip(values[np.arange(len(wanted)), wanted.astype(np.int64)], 1e-15, 1)))
    return (values.argmax(1) == wanted).astype(np.float64) if metric == "accuracy" else None


def _count(scores: _Scores, rows: int, runs: int) -> int:
    cost = rows * (1 + runs // 5) if scores.losses is not None else (SLOW * rows + CALL) * runs
    return max(LEAST, min(MOST, WORK // max(cost, 1)))


def _resamples(size: int, rows: Rows, count: int) -> Iterator[Weights]:
    """How often each resample drew each row of the dataset (resamples, size), some resamples at a time."""
    generator = np.random.default_rng(0)
    step = max(1, CHUNK // max(size, 1))
    for start in range(0, count, step):
        drawn = np.zeros((min(step, count - start), size), np.float32)
        for each in drawn:
            each[rows] = np.bincount(generator.integers(0, len(rows), len(rows)), minlength=len(rows))
        yield drawn
