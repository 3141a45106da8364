"""A sensible job from data alone: what every column is for, and runs that are worth comparing."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import xltrain.choices  # noqa: F401  (declares every choice)
from xltrain.config.check import override_job
from xltrain.config.settings import Column, Job, Run, Source
from xltrain.data.columns import infer
from xltrain.data.database import is_database
from xltrain.data.encode import task_of
from xltrain.data.header import find
from xltrain.data.table import MergeReport, Table
from xltrain.errors import ConfigError
from xltrain.language import text
from xltrain.place import Problem
from xltrain.registry import Call, Term, losses, models, optimizers, schedules
from xltrain.workflow.merge import name_of

STEPS = 20  # batches of an epoch, at least: small data needs small batches
SMALLEST, LARGEST = 16, 256  # rows of a batch


def draft_job(
    table: Table,
    targets: Sequence[str],
    sources: Any,
    folder: Path,
    report: MergeReport,
    overrides: Sequence[str] = (),
) -> Job:
    """The default job for some data: every column with its type and role, and five runs for each kind of target.

    Args:
        targets: columns to predict, each by any unambiguous beginning of its name.
        sources: what the table was read from; paths become relative to `folder`.
        overrides: settings such as `runs.epochs=50`.

    Raises:
        ConfigError: no target was named, or an override is wrong.
        DataError: a target is no column.
    """
    if not targets:
        raise ConfigError(
            Problem(None, text("target_needed"), text("target_needed_hint", names=", ".join(table.names)))
        )
    names = [find(each, table.names) for each in targets]
    columns = infer(table, (), names)
    tasks = {name: task_of(table, column) for column in columns for name in names if column.name == name}
    columns = [_as_classes(column, tasks) for column in columns]
    alone = len(set(tasks.values())) == 1
    batch = _batch_size(len(table))
    runs: list[Run] = []
    for task in dict.fromkeys(tasks.values()):
        for target in [""] if alone else [name for name in names if tasks[name] == task]:
            runs += _runs(task, target, batch)
    job = Job(
        name=_name(sources),
        task=next(iter(tasks.values())) if alone else "auto",
        sources=_sources(sources, folder, report),
        columns=tuple(columns),
        runs=tuple(runs),
        folder=folder,
    )
    return override_job(job, overrides)


def _as_classes(column: Column, tasks: dict[str, str]) -> Column:
    """Numbers that are only two are classes: their column is of type category, so that the job says so."""
    if tasks.get(column.name) == "classification" and column.type == "numeric":
        return replace(column, type="category")
    return column


def _runs(task: str, target: str, batch: int) -> list[Run]:
    """Five runs from the floor up; the loss and the network differ, what is worth comparing first."""
    warm = (schedules.call("warmup", 0.05), schedules.call("cosine"))

    def run(name: str, model: Call, loss: Call, note: str, lr: float) -> Run:
        shown = f"{name} · {target}" if target else name
        optimizer = optimizers.call("adamw", lr=lr)
        return Run(shown, target, model, (Term(1.0, loss),), optimizer, warm, batch_size=batch, note=text(note))

    linear, wide = models.call("linear"), models.call("mlp", 128, 128)
    steady = models.call("mlp", 128, 128, norm="layer", dropout=0.1)
    if task == "classification":
        entropy = losses.call("cross_entropy")
        smooth = losses.call("cross_entropy", label_smoothing=0.1)
        return [
            run("linear", linear, entropy, "note_class_linear", 1e-2),
            run("mlp", wide, entropy, "note_class_mlp", 1e-3),
            run("mlp norm", steady, entropy, "note_class_norm", 1e-3),
            run("mlp smooth", models.call("mlp", 256, 256, dropout=0.1), smooth, "note_class_smooth", 1e-3),
            run("mlp focal", wide, losses.call("focal"), "note_class_focal", 1e-3),
        ]
    return [
        run("linear", linear, losses.call("mse"), "note_linear", 1e-2),
        run("mlp", wide, losses.call("huber"), "note_mlp", 3e-3),
        run("mlp norm", steady, losses.call("mse"), "note_mlp_norm", 3e-3),
        run("mlp wide", models.call("mlp", 256, 256), losses.call("mae"), "note_mlp_wide", 2e-3),
        run(
            "mlp deep", models.call("mlp", 128, 128, 128, residual=True), losses.call("mse"), "note_mlp_residual", 2e-3
        ),
    ]


def _batch_size(rows: int) -> int:
    """A power of two that gives an epoch enough steps."""
    wanted = max(rows // STEPS, 1)
    return int(min(LARGEST, max(SMALLEST, 1 << (wanted.bit_length() - 1))))


def _name(sources: Any) -> str:
    """The job is called after its first book or folder."""
    first = sources if isinstance(sources, (str, Path)) else next(iter(_listed(sources)), None)
    return Path(str(first)).stem if isinstance(first, (str, Path)) and Path(str(first)).stem else "xltrain"


def _listed(sources: Any) -> list[Any]:
    return list(sources) if isinstance(sources, (list, tuple)) else [sources]


def _sources(sources: Any, folder: Path, report: MergeReport) -> tuple[Source, ...]:
    """The paths that were given, relative to the job; a DataFrame has none."""
    found = []
    for each in _listed(sources):
        if isinstance(each, Source):
            found.append(each)
        elif isinstance(each, str) and is_database(each):
            found.append(Source(each))
        elif isinstance(each, (str, Path)):
            found.append(Source(name_of(Path.cwd() / each, folder)))
    return tuple(found)
