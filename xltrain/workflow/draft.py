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
from xltrain.data.header import find, key
from xltrain.data.table import MergeReport, Table
from xltrain.errors import ConfigError
from xltrain.language import listed, text
from xltrain.place import Problem
from xltrain.workflow.sources import name_of
from xltrain.workflow.suggest import facts_of, suggest_runs


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
        raise ConfigError(Problem(None, text("target_needed"), text("target_needed_hint", names=listed(table.names))))
    names = [find(each, table.names) for each in targets]
    columns = infer(table, (), names)
    tasks = {name: task_of(table, column) for column in columns for name in names if column.name == name}
    others = _other_headers(report)
    columns = [replace(_as_classes(each, tasks), aliases=others.get(each.name, ())) for each in columns]
    alone = len(set(tasks.values())) == 1
    runs: list[Run] = []
    for name in names[:1] if alone else names:
        runs += suggest_runs(facts_of(table, columns, name, tasks[name]), "" if alone else name)
    job = Job(
        name=_name(sources),
        task=next(iter(tasks.values())) if alone else "auto",
        sources=sources_of(sources, folder, report),
        columns=tuple(columns),
        runs=tuple(runs),
        folder=folder,
    )
    return override_job(job, overrides)


def _other_headers(report: MergeReport) -> dict[str, tuple[str, ...]]:
    """What a column is called elsewhere, so that it keeps its name whichever book comes first next month."""
    found: dict[str, dict[str, None]] = {}
    for source in report.sources:
        for name, match in source.columns.items():
            if key(match.header) != key(name):
                found.setdefault(name, {})[match.header] = None
    return {name: tuple(headers) for name, headers in found.items()}


def _as_classes(column: Column, tasks: dict[str, str]) -> Column:
    """Numbers that are only two are classes: their column is of type category, so that the job says so."""
    if tasks.get(column.name) == "classification" and column.type == "numeric":
        return replace(column, type="category")
    return column


def _name(sources: Any) -> str:
    """The job is called after its first book or folder."""
    first = sources if isinstance(sources, (str, Path)) else next(iter(_listed(sources)), None)
    return Path(str(first)).stem if isinstance(first, (str, Path)) and Path(str(first)).stem else "xltrain"


def _listed(sources: Any) -> list[Any]:
    return list(sources) if isinstance(sources, (list, tuple)) else [sources]


def sources_of(sources: Any, folder: Path, report: MergeReport) -> tuple[Source, ...]:
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
