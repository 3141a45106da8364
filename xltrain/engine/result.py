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
from xltrain.data.leaks import Leaks
from xltrain.engine.audited import Finding, OddCell

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
class Dynamics:
    """How the samples were learnt, averaged over the members that trained on the row; NaN where none did: (rows,).

    early, mean: the training loss over the first ten epochs and over all; spread: its standard deviation over epochs
    (both as in Swayamdipta et al. 2020, arXiv 2009.10795; early as in Pleiss et al. 2020, arXiv 2001.10528). learnt:
    the first epoch in which the row was learnt, over the members that learnt it, NaN where none did. forgotten: how
    often it was learnt and then not any more (Toneva et al. 2019, arXiv 1812.05159). Training losses are those that
    the member met just before each update, unweighted, in the run's own loss.
    """

    early: Floats
    mean: Floats
    spread: Floats
    learnt: Floats
    forgotten: Floats


@dataclass(frozen=True)
class Ledger:
    """The per-sample record of one run on one target; every array has one entry per row of the dataset.

    target: own unit, or class index (-1 where empty). prediction: mean over the members that scored the row, own unit
    or class index. probability: (rows, classes) for classification. loss: out-of-fold, NaN where no member may score
    the row. spread: standard deviation of the prediction (of the probability of the predicted class) over the
    members that scored it. fold: which fold held it out, -1 for none; scored_by: how many members scored it.
    parts: what each term of a loss of several gives, unscaled, by the term as written.
    extra: what the loss predicts besides, own unit: `predicted spread`, `quantile 0.1` and so on.
    margin: probability of the row's own class less the largest other, NaN for regression. low, high: where 90 % of
    targets are expected, a conformal interval made from the residuals of other folds; NaN for classification.
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
    extra: Mapping[str, Floats] = field(default_factory=dict)
    margin: Floats = field(default_factory=lambda: np.empty(0))
    low: Floats = field(default_factory=lambda: np.empty(0))
    high: Floats = field(default_factory=lambda: np.empty(0))
    dynamics: Dynamics | None = None

    def __post_init__(self) -> None:
        for name in ("margin", "low", "high"):
            if len(getattr(self, name)) != len(self.target):  # not given: unknown
                object.__setattr__(self, name, np.full(len(self.target), np.nan))


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
class Dependence:
    """What the winner says on average while one column is set to each of some values: partial dependence, over
    held-out rows and the members that hold them out.

    kind: number | date (days since 1970) | category. x: (points,), positions for categories; labels: as shown. y:
    (points, 1) in the target's own unit, or (points, classes) probabilities. spread: standard deviation over members,
    shaped as y. share: (points,) of the rows that are nearest to each point.
    """

    column: str
    kind: str
    x: Floats
    labels: tuple[str, ...]
    y: Floats
    spread: Floats
    share: Floats


@dataclass(frozen=True)
class Importance:
    """What the winner would lose without each column, out of fold; the most important first.

    metric: the job's, or mae where a few rows decide its rmse. importance: (columns,) by how much it gets worse when
    the column's values are dealt anew among the held-out rows, below 0 where it gets better; spread: its standard
    deviation over members, over repeats where there is one. base: the metric on the same `rows` left as they are.
    alike: pairs of columns that say much the same and share their importance, and how strongly they are correlated.
    """

    metric: str
    columns: tuple[str, ...]
    importance: Floats
    spread: Floats
    base: float
    rows: int
    repeats: int
    curves: tuple[Dependence, ...] = ()
    alike: tuple[tuple[str, str, float], ...] = ()


@dataclass(frozen=True)
class Suspects:
    """Which rows of one target are wrong, rather than the model. Arrays have one entry per row of the dataset.

    score: 0..1, from 0.5 on worth a look, NaN where nothing is known of the row. order: positions of the rows worth
    listing, worst first, of which the first `worth` are worth a look. suggested: class index where another class than
    the row's own is likelier,
    else NaN; confidence: how likely the likeliest class is, NaN for regression. columns: whose cells were judged;
    decimals: of the numbers of each, None where they are not rounded, empty where unknown;
    odd_column: position among them of the cell that explains best why the row is odd, -1 for none; odd_low, odd_high:
    where nine of ten such cells lie, NaN for categories; odd_score: how odd it is, in nats (7: one in a thousand).
    low, high: where the target is expected, own unit, NaN for classes. For each row of `order`: expected, the category
    likeliest in its odd column, empty for numbers; similar (listed, 3), positions of the rows most like it by their
    features, -1 for none; pushes, the columns that move its prediction most.
    """

    score: Floats
    order: npt.NDArray[np.int64]
    suggested: Floats
    confidence: Floats
    columns: tuple[str, ...]
    odd_column: npt.NDArray[np.int64]
    odd_low: Floats
    odd_high: Floats
    odd_score: Floats
    expected: tuple[str, ...]
    low: Floats
    high: Floats
    similar: npt.NDArray[np.int64]
    pushes: tuple[tuple[str, ...], ...]
    worth: int = 0
    decimals: tuple[int | None, ...] = ()

    @property
    def reviewed(self) -> npt.NDArray[np.int64]:
        """Positions of all rows that are worth a look, worst first, be they in `order` or too many for it."""
        if self.worth <= len(self.order):
            return self.order[: self.worth]
        return np.argsort(-np.nan_to_num(self.score, nan=-1), kind="stable")[: self.worth]


@dataclass(frozen=True)
class Causes:
    """Suspects that share a cause: odd cells, worst first, each with the number of its finding, 0 for none; and the
    findings, largest first. Cells that a finding explains stand behind the others.
    """

    cells: tuple[OddCell, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class TargetResult:
    """Everything about one target. `runs` are sorted, best first, by the metric on validation rows.

    `classes` are the labels as shown, empty for regression. `baselines` maps constant, linear and
    boosted_trees to their metrics out of fold on the same folds. `corrected` is the winner's score in `metric`
    corrected for having been chosen among several runs. `kept` holds the ledgers of other runs that the job keeps.
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
    kept: Mapping[str, Ledger] = field(default_factory=dict)
    importance: Importance | None = None
    suspects: Suspects | None = None
    leaks: Leaks = field(default_factory=Leaks)

    @property
    def typical(self) -> float:
        """The size of a usual target value: the mean of their absolute values, own unit; NaN for classes."""
        known = self.ledger.target[np.isfinite(self.ledger.target)]
        return float(np.abs(known).mean()) if len(known) and not self.classes else float("nan")

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
    causes: Causes = field(default_factory=Causes)
    encoders: Mapping[str, str] = field(default_factory=dict)  # of each feature, by its name
