"""From a table to arrays: what a model sees.

An `Encoding` is fixed by the whole dataset: which columns become which features, the vocabularies, the classes. It
turns any table into raw features (rows, features). A `State` holds what one member learned from its own training
rows: a scale and offset per feature, what stands in for missing numbers, the maps that are not affine.
Both go into JSON, so that predict encodes new rows exactly as training did.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from xltrain import choices as choices
from xltrain.config.settings import Column
from xltrain.data.coded import DEFAULTS, Coded, code, fill, sorted_labels
from xltrain.data.columns import is_prose
from xltrain.data.learned import State as State
from xltrain.data.learned import learn
from xltrain.data.table import Table
from xltrain.data.values import empty, numbers, words
from xltrain.errors import ConfigError, DataError
from xltrain.language import label, listed, text
from xltrain.place import Problem
from xltrain.registry import Call, encoders

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Encoding:
    """The features that the columns of a dataset become."""

    columns: tuple[Coded, ...]

    @cached_property
    def features(self) -> tuple[tuple[Coded, str], ...]:
        """For each feature, in order, its column and which part of it."""
        return tuple((column, part) for column in self.columns for part in column.parts)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def raw(self, table: Table) -> Singles:
        """(rows, features) with NaN where a number is missing; DataError names every column that the table lacks."""
        found = {_folded(name): name for name in reversed(table.names)}
        exact = set(table.names)
        missing = [name for name in self.names if name not in exact and _folded(name) not in found]
        if missing:
            at = table.place(0) if len(table) else None
            raise DataError(
                Problem(at, text("column_lacking", name=name), text("column_lacking_hint", known=listed(table.names)))
                for name in missing
            )
        arrays = np.zeros((len(table), len(self.features)), np.float32)
        start = 0
        for column in self.columns:
            name = column.name if column.name in exact else found[_folded(column.name)]
            fill(arrays[:, start : start + len(column.parts)], column, table.data.column(name))
            start += len(column.parts)
        return arrays

    def state(self, raw: Singles, rows: Rows, wanted: Floats | None = None) -> State:
        """What the training rows say: statistics of `raw[rows]` and, where `needs_target`, of `wanted[rows]` alone."""
        count = len(self.features)
        state = State(np.ones(count), np.zeros(count), np.zeros(count))
        targets = None if wanted is None else wanted[rows]
        start = 0
        for column in self.columns:
            end = start + len(column.parts)
            learn(state, start, column, raw[rows, start:end], targets)
            start = end
        return state

    @property
    def needs_target(self) -> bool:
        """Whether a member's view depends on the targets of its training rows."""
        return any(column.fact("target") for column in self.columns)

    @property
    def outputs(self) -> int:
        """How many numbers of a target the encoders read."""
        return max((column.own for column in self.columns if column.fact("target")), default=1)

    def to_json(self) -> list[dict[str, Any]]:
        return [asdict(column) for column in self.columns]

    @classmethod
    def from_json(cls, data: Sequence[Mapping[str, Any]]) -> "Encoding":
        known = {each.name for each in fields(Coded)}
        return cls(
            tuple(Coded(**{key: _tuples(value) for key, value in column.items() if key in known}) for column in data)
        )


@dataclass(frozen=True)
class Target:
    """What is to be learned: numbers (NaN where empty), or class indices (-1 where empty) with their labels."""

    name: str
    task: str
    values: Floats
    classes: tuple[str, ...] = ()

    @property
    def rows(self) -> Rows:
        """The rows that have a target."""
        return np.flatnonzero(self.values >= 0 if self.classes else np.isfinite(self.values))

    @property
    def outputs(self) -> int:
        """How many numbers say what the target is: one, or one per class where there are more than two."""
        return max(len(self.classes), 1) if len(self.classes) != 2 else 1

    def wanted(self, outputs: int) -> Floats:
        """The target as numbers to average (rows, outputs), 0 in columns beyond its own."""
        found = np.zeros((len(self.values), outputs))
        if not self.classes:
            found[:, 0] = self.values
        elif self.outputs == 1:
            found[:, 0] = self.values == 1
        else:
            found[self.rows, self.values[self.rows].astype(np.int64)] = 1
        return found


def plan_encoding(table: Table, columns: Sequence[Column], outputs: int = 1) -> tuple[Encoding, list[str]]:
    """The encoding of every column of role feature, and a note on each one left out. ConfigError, DataError.

    `outputs` is the most numbers that say what a target is.
    """
    coded: list[Coded] = []
    notes: list[str] = []
    problems: list[Problem] = []
    for column in columns:
        if column.role != "feature" or column.name not in table.names:
            continue
        values = table.data.column(column.name)
        lacking = empty(values)
        if lacking.all():
            notes.append(text("feature_empty", name=column.name))
        elif column.encoder is None and not _readable(column, values):
            notes.append(text("feature_text", name=column.name, type=column.type))
        elif column.encoder and not _fits(column.encoder, column.type):
            rule = text("encoder_misfit", encoder=column.encoder.name, name=column.name, type=column.type)
            problems.append(
                Problem(column.place, rule, text("encoder_misfit_hint", encoder=DEFAULTS.get(column.type, "onehot")))
            )
        else:
            one = code(column, values, lacking, outputs)
            if one.parts:
                coded.append(one)
                if one.reads == "text" and not column.encoder:
                    notes.append(text("feature_prose", name=column.name, count=one.own))
            else:
                notes.append(text("feature_constant", name=column.name))
    if problems:
        raise ConfigError(problems)
    if not coded:
        place = table.place(0) if len(table) else None
        found = listed(f"{column.name} ({label(column.role)})" for column in columns)
        raise DataError(Problem(place, text("no_features"), text("no_features_hint", found=found)))
    return Encoding(tuple(coded)), notes


def limit_notes(encoding: Encoding, states: Sequence[State], raw: Singles) -> list[str]:
    """The limits of every column that is clipped, the middle ones of all trainings, and how many rows lie beyond."""
    notes, start = [], 0
    for column in encoding.columns:
        limits = [state.knots[start][0] for state in states if start in state.knots] if column.fact("clips") else []
        if limits:
            low, high = np.median([(each[0], each[-1]) for each in limits], axis=0)
            with np.errstate(invalid="ignore"):
                count = int(((raw[:, start] < low) | (raw[:, start] > high)).sum())
            low, high = (f"{each * column.spread + column.center:.6g}" for each in (low, high))
            notes.append(text("note_limits", name=column.name, low=low, high=high, count=count))
        start += len(column.parts)
    return notes


def read_target(table: Table, name: str, task: str, order: Sequence[str] = ()) -> Target:
    """The target as numbers or classes; classes in this order where it has them all, else sorted, numerically where
    all are numbers.
    """
    column = table.data.column(name)
    if task == "regression":
        return Target(name, task, numbers(column))
    labels = words(column)
    known = [word for word in pc.unique(labels).to_pylist() if word is not None]
    classes = [word for word in order if word in known] if set(known) <= set(order) else sorted_labels(known)
    codes = pc.fill_null(pc.index_in(labels, value_set=pa.array(classes, pa.string())), -1)
    return Target(name, task, np.array(codes.to_numpy(zero_copy_only=False), np.float64), tuple(classes))


def task_of(table: Table, column: Column) -> str:
    """Regression for numbers; classification for everything else, and for numbers that are only 0 and 1 or the like."""
    if column.type not in ("numeric", ""):
        return "classification"
    values = numbers(table.data.column(column.name))
    if column.type == "" and np.isnan(values).sum() > empty(table.data.column(column.name)).sum():
        return "classification"
    known = np.unique(values[np.isfinite(values)])
    return "classification" if len(known) == 2 and (known == np.round(known)).all() else "regression"


def _readable(column: Column, values: Any) -> bool:
    """Whether a column without an encoder of its own has one by default."""
    return is_prose(values) if column.type == "text" else column.type in DEFAULTS


def _fits(call: Call, kind: str) -> bool:
    reads = encoders[call.name].facts["values"]
    if reads == "category":
        return True
    return kind in {"date": ("date",), "text": ("text", "category", "id")}.get(reads, ("numeric", "boolean"))


def _folded(name: str) -> str:
    return " ".join(name.split()).casefold()


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value
