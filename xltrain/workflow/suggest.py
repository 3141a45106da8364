"""Runs worth comparing, from what the data look like; each with its reason in its note."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

import xltrain.choices  # noqa: F401  (declares every choice)
from xltrain.config.settings import Column, Run
from xltrain.data.columns import infer
from xltrain.data.encode import read_target, task_of
from xltrain.data.header import find
from xltrain.data.table import Table
from xltrain.events import Listener, ignore
from xltrain.language import text
from xltrain.registry import Call, Term, losses, models, optimizers, schedules
from xltrain.workflow.merge import read_sources

STEPS = 20  # batches of an epoch, at least: small data needs small batches
SMALLEST, LARGEST = 16, 256  # rows of a batch
FEW = 200  # rows below which a network needs a rein
SMALL, WIDE = 20_000, 200_000  # rows times features up to which a slow model is affordable: with bins, without
SHORT = 3_000  # rows up to which it is, however few the features
RARE = 0.1  # a class of at most this share of the rows
SKEWED = 2.0  # of a positive target, after which its size matters more than its distance
FAR, MANY_FAR = 6.0, 0.01  # deviations from the median; the share of rows so far out that they pull a squared loss
SMALL_COUNTS = 50.0  # the mean below which whole numbers are counts

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Facts:
    """What is known of a target before anything is trained.

    `far` is the share of rows more than FAR median deviations from the median; `rarest` the share of the rarest class.
    """

    task: str
    rows: int
    features: int
    classes: int = 0
    rarest: float = 1.0
    counts: bool = False
    skewed: bool = False
    far: float = 0.0

    @property
    def batch(self) -> int:
        """A power of two that gives an epoch enough steps."""
        wanted = max(self.rows // STEPS, 1)
        return int(min(LARGEST, max(SMALLEST, 1 << (wanted.bit_length() - 1))))


@dataclass(frozen=True)
class Suggestion:
    """The runs for one target and why, as plain lines."""

    target: str
    task: str
    runs: tuple[Run, ...]

    def lines(self) -> list[str]:
        return [f"{run.name}: {run.model}, {' + '.join(map(str, run.loss))} · {run.note}" for run in self.runs]


def suggest(sources: Any, targets: Sequence[str], listen: Listener = ignore) -> list[Suggestion]:
    """Runs for each target of some data.

    Raises:
        DataError, WorkbookError, ConfigError: as `merge` does, and where a target is no column.
    """
    table, _ = read_sources(sources, listen=listen)
    names = [find(each, table.names) for each in targets]
    columns = infer(table, (), names)
    found = []
    for column in columns:
        if column.name in names:
            task = task_of(table, column)
            found.append(
                Suggestion(column.name, task, tuple(suggest_runs(facts_of(table, columns, column.name, task))))
            )
    return found


def facts_of(table: Table, columns: Sequence[Column], target: str, task: str) -> Facts:
    """Look at a target and at how many features there are."""
    features = sum(column.role == "feature" for column in columns)
    values = read_target(table, target, task).values
    known = values[np.isfinite(values) & (values >= 0 if task == "classification" else True)]
    if task == "classification":
        counts = np.bincount(known.astype(np.int64)) if len(known) else np.zeros(1)
        present = counts[counts > 0]
        rarest = float(present.min() / present.sum()) if len(present) else 1.0
        return Facts(task, len(known), features, len(present), rarest)
    return Facts(task, len(known), features, counts=_are_counts(known), skewed=_is_skewed(known), far=_far(known))


def suggest_runs(facts: Facts, target: str = "") -> list[Run]:
    """A ladder from the floor up; a `target` is named where a job has several."""
    warm = (schedules.call("warmup", 0.05), schedules.call("cosine"))
    decay = 0.1 if facts.rows < FEW else 0.01

    def run(name: str, model: Call, loss: Call, note: str, lr: float, **values: Any) -> Run:
        shown = f"{name} · {target}" if target else name
        optimizer = optimizers.call("adamw", lr=lr, weight_decay=decay)
        words = text(note, **values)
        return Run(shown, target, model, (Term(1.0, loss),), optimizer, warm, batch_size=facts.batch, note=words)

    plain = models.call("mlp", 32) if facts.rows < FEW else models.call("mlp", 128, 128)
    steady = models.call("mlp", 128, 128, norm="layer", dropout=0.1)
    binned = models.call("mlp", 128, 128, embedding="piecewise_linear")
    usual = losses.call("cross_entropy" if facts.task == "classification" else "mse")
    kind = "class_" if facts.task == "classification" else ""
    ladder = [
        run("linear", models.call("linear"), usual, f"note_{kind}linear", 1e-2),
        run("mlp", plain, usual, "reason_few" if facts.rows < FEW else "reason_mlp", 3e-3, rows=facts.rows),
        run("mlp norm", steady, usual, "note_mlp_norm", 3e-3),
        run("mlp bins", binned, usual, "reason_bins", 3e-3),
        *_for_target(facts, run, plain),
    ]
    size = facts.rows * facts.features
    if size <= SMALL or (facts.rows <= SHORT and size <= WIDE):
        binned = models.call("tabm", 64, 64, embedding="piecewise_linear")
        slow = binned if size <= SMALL else models.call("tabm", 128, 128)
        ladder.append(run("tabm", slow, usual, "reason_tabm", 2e-3))
    return ladder


def _for_target(facts: Facts, run: Any, plain: Call) -> list[Run]:
    """What this target asks for besides."""
    if facts.task == "classification":
        return _for_classes(facts, run, plain)
    if facts.counts:
        return [run("mlp poisson", plain, losses.call("poisson"), "reason_counts", 3e-3)]
    if facts.far >= MANY_FAR:
        huber, share = losses.call("huber"), f"{100 * facts.far:.2g}"
        return [run("mlp huber", plain, huber, "reason_outliers", 3e-3, share=share)]
    if facts.skewed:
        return [run("mlp gamma", plain, losses.call("gamma"), "reason_skewed", 3e-3)]
    return [run("mlp huber", plain, losses.call("huber"), "note_mlp", 3e-3)]


def _for_classes(facts: Facts, run: Any, plain: Call) -> list[Run]:
    share = f"{100 * facts.rarest:.2g}"
    if facts.rarest <= RARE and facts.classes == 2:
        loss = losses.call("binary_cross_entropy", pos_weight="balanced")
        return [
            run("mlp weighted", plain, loss, "reason_rare", 3e-3, share=share),
            run("mlp focal", plain, losses.call("focal"), "note_class_focal", 3e-3),
        ]
    if facts.rarest <= RARE:
        loss = losses.call("cross_entropy", class_weight="balanced")
        return [run("mlp weighted", plain, loss, "reason_rare", 3e-3, share=share)]
    smooth = losses.call("cross_entropy", label_smoothing=0.1)
    return [run("mlp smooth", plain, smooth, "reason_smooth", 3e-3)]


def _are_counts(values: Floats) -> bool:
    """Whole numbers from 0 on, small ones, of which several are alike."""
    whole = bool(len(values)) and bool((values == np.round(values)).all()) and bool((values >= 0).all())
    return whole and 0 < float(values.mean()) < SMALL_COUNTS and 2 < len(np.unique(values)) < len(values) / 2


def _is_skewed(values: Floats) -> bool:
    """Whether a positive target has a long tail upwards."""
    if len(values) < 10 or not (values > 0).all() or np.ptp(values) == 0:
        return False
    scaled = (values - values.mean()) / values.std()
    return float(np.mean(scaled**3)) > SKEWED


def _far(values: Floats) -> float:
    """The share of values far from the rest; 0 where half of them are equal."""
    if not len(values):
        return 0.0
    off = np.abs(values - np.median(values))
    width = 1.4826 * float(np.median(off))
    return float(np.mean(off > FAR * width)) if width > 0 else 0.0
