"""What a fit found out, as plain numbers: free of torch, so that reports can be written and read anywhere.

All predictions, errors and metrics are in the target's own unit; a loss is the run's own loss on the target
standardised by its mean and standard deviation over the dataset, or divided by its mean where the loss is for positive
values (classification losses need no unit).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from xltrain.config.settings import Run

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Score:
    """A metric: `value` over all scored rows together, `mean` and `spread` (standard deviation) over members."""

    value: float
    mean: float
    spread: float


@dataclass(frozen=True)
class Curves:
    """Per epoch, averaged over members, a stopped one keeping its last value: shapes (epochs,).

    `parts` holds the training and validation curve of each term of a loss of several, unscaled, by the term as written.
    """

    training: Floats
    validation: Floats
    lr: Floats
    parts: Mapping[str, tuple[Floats, Floats]] = field(default_factory=dict)


@dataclass(frozen=True)
class LrRange:
    """The range test behind `lr=auto`: the loss that each rate had come to, averaged over members, NaN where one
    diverged: shapes (rates,). `chosen` is the middle one of the members' own choices.
    """

    lr: Floats
    loss: Floats
    chosen: float


@dataclass(frozen=True)
class RunResult:
    """One run on one target.

    `metrics` are out of fold, `validation` the same metrics on validation rows (selection looks at these only).
    `stopped` is one of: patience, epochs, diverged, interrupted. `epochs` is the mean over members of the epoch whose
    weights were kept. `clipped` is the share of steps whose gradient was clipped.
    """

    name: str
    target: str
    run: Run
    metrics: Mapping[str, Score]
    validation: Mapping[str, Score]
    epochs: float
    seconds: float
    stopped: str
    curves: Curves
    members: int
    parameters: int
    clipped: float = 0.0
    note: str = ""
    lr_range: LrRange | None = None


@dataclass(frozen=True)
class Ledger:
    """The per-sample record of one run on one target; every array has one entry per row of the dataset.

    target: own unit, or class index (-1 where empty). prediction: mean over the members that scored the row, own unit
    or class index. probability: (rows, classes) for classification. loss: out-of-fold, NaN where no member may score
    the row. spread: standard deviation of the prediction (of the probability of the predicted class) over the
    members that scored it. fold: which fold held it out, -1 for none; scored_by: how many members scored it.
    parts: what each term of a loss of several gives, unscaled, by the term as written.
    """

    target: Floats
    prediction: Floats
    loss: Floats
    percentile: Floats
    spread: Floats
    fold: npt.NDArray[np.int32]
    scored_by: npt.NDArray[np.int32]
    probability: Floats | None = None
    parts: Mapping[str, Floats] = field(default_factory=dict)


@dataclass(frozen=True)
class Ensemble:
    """A greedy mix of runs, made anew for each fold on its validation rows; `metrics` are out of fold.

    `shares` are the runs in it, the largest share first, averaged over the folds.
    """

    metrics: Mapping[str, Score]
    shares: Mapping[str, float]


@dataclass(frozen=True)
class LastPeriod:
    """The winner's configuration trained once more on all earlier periods and scored on the last one.

    `by` is the column of dates, empty where the sources are named by month; `period` the last one as shown (2024-06);
    `rows` were scored.
    """

    by: str
    period: str
    rows: int
    metrics: Mapping[str, Score]


@dataclass(frozen=True)
class TargetResult:
    """Everything about one target. `runs` are sorted, best first, by the metric on validation rows.

    `classes` are the labels as shown, empty for regression. `baselines` maps constant, linear and
    boosted_trees to their metrics out of fold on the same folds. `corrected` is the winner's score in `metric`
    corrected for having been chosen among several runs.
    """

    target: str
    task: str  # regression | classification
    metric: str
    classes: tuple[str, ...]
    unit: str
    runs: tuple[RunResult, ...]
    winner: str
    ledger: Ledger
    baselines: Mapping[str, Mapping[str, Score]] = field(default_factory=dict)
    corrected: Score | None = None
    ensemble: Ensemble | None = None
    last_period: LastPeriod | None = None

    @property
    def best(self) -> RunResult:
        return next(run for run in self.runs if run.name == self.winner)


@dataclass(frozen=True)
class Result:
    """A whole fit. `notes` are things that the reader should know (a member that diverged, a column left out)."""

    targets: tuple[TargetResult, ...]
    samples: int
    device: str
    seconds: float
    members: int
    stacks: int
    features: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    interrupted: bool = False
