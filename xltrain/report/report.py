"""What every sheet of a results workbook is written from, and how its words and numbers are put."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from xltrain.config.settings import Job
from xltrain.data.decided import Settled, kept_positions
from xltrain.data.table import MergeReport, Table
from xltrain.engine.result import Result, RunResult, Score, TargetResult
from xltrain.excel.chart import ChartData
from xltrain.excel.write import Book, number_format
from xltrain.language import current, label, text
from xltrain.registry import metrics as known_metrics
from xltrain.report.since import Since
from xltrain.report.slices import Slice, slices

SHARES = {"mape", "accuracy", "balanced_accuracy"}
UNITLESS = {"r2", "log_loss", "f1", "roc_auc"}


@dataclass(frozen=True)
class Report:
    """One results workbook being written: where it will lie, what it is about, and the sheets' common ground."""

    path: Path
    book: Book
    data: ChartData
    job: Job
    result: Result
    table: Table
    merge: MergeReport | None
    samples_file: str
    settled: tuple[Settled, ...] = ()
    since: Since | None = None
    share: bool = False  # to be handed on: nothing of single rows

    @cached_property
    def kept(self) -> frozenset[int]:
        """Positions of those rows that a person decided to keep as they are, and that have not changed since."""
        return frozenset(kept_positions(self.table, self.settled).tolist())

    def is_kept(self, row: int) -> bool:
        """Whether a row of the table was decided to be right as it stands."""
        return row in self.kept

    def reviewed(self, target: TargetResult | None = None) -> list[int]:
        """The rows that are worth reviewing, of one target or of all, each once; without those decided to be kept."""
        asked = [target] if target else self.result.targets
        rows = [row for each in asked if each.suspects for row in each.suspects.reviewed.tolist()]
        return [row for row in dict.fromkeys(rows) if row not in self.kept]

    @cached_property
    def slices(self) -> dict[str, tuple[Slice, ...]]:
        """For each target where its error sits, worst first."""
        names = [target.target for target in self.result.targets]
        return {target.target: slices(self.table, target, names, blur=self.share) for target in self.result.targets}

    @property
    def several(self) -> bool:
        """More than one target: then sheets say which one they speak of."""
        return len(self.result.targets) > 1


def lower_is_better(metric: str) -> bool:
    return metric not in known_metrics or known_metrics[metric].facts.get("better", "lower") == "lower"


def metric_format(metric: str, values: Sequence[float]) -> str:
    """The number format of a metric: per cent for shares, the spread of the values for what has the target's unit."""
    if metric in SHARES:
        return "0.0%"
    return "0.000" if metric in UNITLESS else number_format(np.asarray(values, dtype=np.float64))


def metric_names(target: TargetResult) -> list[str]:
    """The metrics that any run reports, the job's own first."""
    found: dict[str, None] = {target.metric: None}
    for run in target.runs:
        found.update(dict.fromkeys(run.metrics))
    return [name for name in found if any(name in run.metrics for run in target.runs)]


def value_of(scores: "dict[str, Score] | object", metric: str) -> float:
    """The metric over all scored rows together; NaN where there is none."""
    score = scores.get(metric) if hasattr(scores, "get") else None
    return score.value if score else float("nan")


def loss_words(run: RunResult) -> str:
    return " + ".join(str(term) for term in run.run.loss) or text("task_default")


def schedule_words(run: RunResult) -> str:
    return " > ".join(str(call) for call in run.run.schedule)


def stop_words(stopped: str) -> str:
    """Why a run ended."""
    words = {
        "patience": text("stopped_patience"),
        "epochs": text("stopped_epochs"),
        "diverged": text("stopped_diverged"),
        "interrupted": text("stopped_interrupted"),
    }
    return words.get(stopped, stopped)


def baseline_words(name: str, task: str) -> str:
    """What a baseline is called: guessing, a linear model, or boosted trees."""
    if name == "constant":
        return text("baseline_constant_class") if task == "classification" else text("baseline_constant")
    if name == "boosted_trees":
        return text("baseline_boosted_trees")
    return text("baseline_linear") if name == "linear" else label(name)


def sentences(parts: Iterable[str]) -> str:
    """Sentences one after the other, as the language sets them; empty ones are left out."""
    return ("" if current() == "zh" else " ").join(each for each in parts if each)


def with_unit(shown: str, unit: str) -> str:
    return f"{shown} {unit}".strip()


def duration(seconds: float) -> str:
    """Seconds as one would say them."""
    if seconds < 90:
        return text("seconds_short", seconds=f"{seconds:.3g}" if seconds < 10 else f"{seconds:.0f}")
    if seconds < 5400:
        return text("minutes_short", minutes=f"{seconds / 60:.0f}")
    return text("hours_short", hours=f"{seconds / 3600:.1f}")
