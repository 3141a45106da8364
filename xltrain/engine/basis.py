"""What a model was trained on and how well it does, so that whoever predicts with it later can be told.

Nothing here is about the person or the machine: a day, numbers of rows, scores, and each column in short.
"""

import datetime
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from xltrain.data.outside import MOST_VALUES, as_read
from xltrain.data.profile import Profile, profile
from xltrain.data.table import Table
from xltrain.data.values import numbers, words
from xltrain.engine.result import Score, TargetResult

if TYPE_CHECKING:
    from xltrain.engine.checkpoint import Model


@dataclass(frozen=True)
class Basis:
    """when: the day (ISO, UTC). rows: those with a target. scores: metrics out of fold, in the target's own unit, of
    this run and of each baseline on the same folds. columns: each feature as its encoder reads it; target likewise.
    """

    when: str
    rows: int
    scores: Mapping[str, float]
    baselines: Mapping[str, Mapping[str, float]]
    columns: Mapping[str, Profile]
    target: Profile | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Basis":
        return cls(
            str(data["when"]),
            int(data["rows"]),
            dict(data["scores"]),
            {name: dict(scores) for name, scores in data["baselines"].items()},
            {name: Profile.of(each) for name, each in data["columns"].items()},
            Profile.of(data["target"]) if data.get("target") else None,
        )


def with_basis(model: "Model", result: TargetResult, table: Table) -> "Model":
    """The model with what is to be known of its training: of the rows of the table that have a target."""
    wanted = result.ledger.target
    rows = np.flatnonzero(wanted >= 0 if result.classes else np.isfinite(wanted))
    index = pa.array(rows)
    columns = {}
    for column in model.encoding.columns:
        values = as_read(column, table.data.column(column.name)).take(index)
        columns[column.name] = profile(values, MOST_VALUES if column.reads == "category" else 0)
        if column.reads == "text":  # what people wrote is no business of a model file
            columns[column.name] = replace(columns[column.name], shares={})
    target = table.data.column(model.target)
    goal = words(target) if result.classes else pa.chunked_array([pa.array(numbers(target), from_pandas=True)])
    scores = next(run.metrics for run in result.runs if run.name == model.run)
    told = Basis(
        datetime.datetime.now(datetime.UTC).date().isoformat(),
        len(rows),
        _finite(scores),
        {name: _finite(each) for name, each in result.baselines.items()},
        columns,
        profile(goal.take(index)),
    )
    return replace(model, basis=told)


def _finite(scores: Mapping[str, Score]) -> dict[str, float]:
    return {name: score.value for name, score in scores.items() if math.isfinite(score.value)}
