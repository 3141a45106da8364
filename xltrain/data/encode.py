"""From a table to arrays: what a model sees.

An `Encoding` is fixed by the whole dataset: which columns become which features, the vocabularies, the classes. It
turns any table into raw features (rows, features). A `State` holds what one member learned from its own training
rows: a scale and offset per feature, what stands in for missing numbers, the knots of maps that are not affine.
Both go into JSON, so that predict encodes new rows exactly as training did.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from xltrain import choices as choices
from xltrain.config.settings import Column
from xltrain.data.table import Table
from xltrain.data.values import days, empty, numbers, words
from xltrain.errors import ConfigError, DataError
from xltrain.language import label, text
from xltrain.place import Problem
from xltrain.registry import Call, encoders

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

DEFAULTS = {"numeric": "standard", "boolean": "standard", "category": "onehot", "date": "date"}
_YEAR, _WEEK = 365.2425, 7.0


@dataclass(frozen=True)
class Coded:
    """How one column becomes features.

    `parts` names them: `value`, `missing`, a category, `other`, or a part of a date. Numbers are stored as
    (x - center) / spread so that single precision holds them.
    """

    name: str
    encoder: str
    values: tuple[tuple[str, Any], ...] = ()
    parts: tuple[str, ...] = ("value",)
    categories: tuple[str, ...] = ()
    center: float = 0.0
    spread: float = 1.0

    @property
    def call(self) -> Call:
        return Call("encoders", self.encoder, self.values)

    @property
    def reads(self) -> str:
        return str(encoders[self.encoder].facts["values"])


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
                Problem(
                    at, text("column_lacking", name=name), text("column_lacking_hint", known=", ".join(table.names))
                )
                for name in missing
            )
        arrays = np.zeros((len(table), len(self.features)), np.float32)
        start = 0
        for column in self.columns:
            name = column.name if column.name in exact else found[_folded(column.name)]
            _fill(arrays[:, start : start + len(column.parts)], column, table.data.column(name))
            start += len(column.parts)
        return arrays

    def state(self, raw: Singles, rows: Rows) -> "State":
        """What the training rows say: statistics of `raw[rows]` alone."""
        count = len(self.features)
        state = State(np.ones(count), np.zeros(count), np.zeros(count))
        for index, (column, part) in enumerate(self.features):
            values = raw[rows, index].astype(np.float64)
            values = values[~np.isnan(values)]
            if part == "value" or (column.encoder == "date" and part == "days"):
                _learn(state, index, column.call if part == "value" else Call("encoders", "standard"), values)
            elif column.encoder == "date" and part != "missing":
                state.fill[index] = values.mean() if len(values) else 0.0
            elif not values.any():
                state.scale[index] = 0.0  # never seen in training: unknown
        return state

    def to_json(self) -> list[dict[str, Any]]:
        return [asdict(column) for column in self.columns]

    @classmethod
    def from_json(cls, data: Sequence[Mapping[str, Any]]) -> "Encoding":
        known = {each.name for each in fields(Coded)}
        return cls(
            tuple(Coded(**{key: _tuples(value) for key, value in column.items() if key in known}) for column in data)
        )


@dataclass
class State:
    """One member's encoding: feature = raw * scale + offset, `fill` where the number is missing. Shapes (features,).

    `knots` maps the index of a feature to the (points, values) of a piecewise linear map that comes first.
    """

    scale: Floats
    offset: Floats
    fill: Floats
    knots: dict[int, tuple[Floats, Floats]] = field(default_factory=dict)

    def view(self, raw: Singles) -> Singles:
        """The raw features after the maps that are not affine; `raw` itself where there is none."""
        if not self.knots:
            return raw
        mapped = raw.copy()
        for index, (points, values) in self.knots.items():
            mapped[:, index] = np.interp(raw[:, index], points, values)
            mapped[np.isnan(raw[:, index]), index] = np.nan
        return mapped

    def apply(self, raw: Singles) -> Floats:
        """The encoded features (rows, features), as the model sees them."""
        view = self.view(raw)
        return np.asarray(np.where(np.isnan(view), self.fill, view * self.scale + self.offset), np.float64)

    def to_json(self) -> dict[str, Any]:
        return {
            "scale": self.scale.tolist(),
            "offset": self.offset.tolist(),
            "fill": self.fill.tolist(),
            "knots": {str(index): [list(map(float, part)) for part in pair] for index, pair in self.knots.items()},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "State":
        knots = {int(index): (np.array(pair[0]), np.array(pair[1])) for index, pair in data["knots"].items()}
        return cls(np.array(data["scale"]), np.array(data["offset"]), np.array(data["fill"]), knots)


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


def plan_encoding(table: Table, columns: Sequence[Column]) -> tuple[Encoding, list[str]]:
    """The encoding of every column of role feature, and a note on each one left out. ConfigError, DataError."""
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
        elif column.encoder is None and column.type not in DEFAULTS:
            notes.append(text("feature_text", name=column.name, type=column.type))
        elif column.encoder and not _fits(column.encoder, column.type):
            rule = text("encoder_misfit", encoder=column.encoder.name, name=column.name, type=column.type)
            problems.append(
                Problem(column.place, rule, text("encoder_misfit_hint", encoder=DEFAULTS.get(column.type, "onehot")))
            )
        else:
            one = _code(column, values, lacking)
            if one.parts:
                coded.append(one)
            else:
                notes.append(text("feature_constant", name=column.name))
    if problems:
        raise ConfigError(problems)
    if not coded:
        place = table.place(0) if len(table) else None
        found = ", ".join(f"{column.name} ({label(column.role)})" for column in columns)
        raise DataError(Problem(place, text("no_features"), text("no_features_hint", found=found)))
    return Encoding(tuple(coded)), notes


def read_target(table: Table, name: str, task: str) -> Target:
    """The target as numbers or classes; classes sorted, numerically where all are numbers."""
    column = table.data.column(name)
    if task == "regression":
        return Target(name, task, numbers(column))
    labels = words(column)
    known = [word for word in pc.unique(labels).to_pylist() if word is not None]
    classes = _sorted(known)
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


def _code(column: Column, values: Any, lacking: npt.NDArray[np.bool_]) -> Coded:
    """How this column becomes features; no parts where it has only one value."""
    call = column.encoder or Call("encoders", DEFAULTS[column.type])
    call, _ = encoders[call.name].bind((), dict(call.values))
    reads = encoders[call.name].facts["values"]
    gaps = ("missing",) if lacking.any() else ()
    if reads == "category":
        return _code_categories(column.name, call, words(values), gaps)
    moments = days(values) if reads == "date" else numbers(values)
    gaps = ("missing",) if np.isnan(moments).any() else ()
    finite = moments[~np.isnan(moments)]
    parts = (
        _date_parts(finite)
        if reads == "date"
        else ("value",)
        if len(np.unique(finite[:10_000])) > 1 or np.ptp(finite) > 0
        else ()
    )
    if not len(finite) or not (parts or gaps):
        return Coded(column.name, call.name, call.values, ())
    center, spread = _condition(finite)
    return Coded(column.name, call.name, call.values, parts + gaps, (), center, spread)


def _code_categories(name: str, call: Call, labels: Any, gaps: tuple[str, ...]) -> Coded:
    counted = pc.value_counts(pc.drop_null(labels))
    pairs = sorted(
        zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True),
        key=lambda pair: (-pair[1], pair[0]),
    )
    kept = _sorted([word for word, _ in pairs[: call["limit"]]])
    other = ("other",) if len(pairs) > len(kept) else ()
    if len(kept) + len(other) + len(gaps) < 2:
        return Coded(name, call.name, call.values, ())
    return Coded(name, call.name, call.values, (*(f"={word}" for word in kept), *other, *gaps), tuple(kept))


def _date_parts(moments: Floats) -> tuple[str, ...]:
    """Days since 1970 and the cycles in which the dates differ."""
    if not len(moments) or np.ptp(moments) == 0:
        return ()
    parts = ["days"] if len(np.unique(np.floor(moments))) > 1 else []
    if np.ptp(moments) > 60:
        parts += ["year_sin", "year_cos"]
    if len(np.unique(np.floor(moments) % _WEEK)) > 1:
        parts += ["week_sin", "week_cos"]
    if np.ptp(moments % 1) > 1e-9:
        parts += ["day_sin", "day_cos"]
    return tuple(parts)


def _condition(finite: Floats) -> tuple[float, float]:
    """A center and a power of two that keep numbers within what single precision resolves.

    Nearly always 0 and 1: only numbers that are large beside their spread (times, account numbers) need a center, and
    it is a coarse round number, so that a single row does not move it.
    """
    largest = float(np.abs(finite).max())
    spread = 2.0 ** round(np.log2(largest)) if largest > 0 and not 1e-20 < largest < 1e20 else 1.0
    width = float(np.std(finite / spread)) * spread
    middle = float(np.median(finite))
    if width == 0 or abs(middle) / width < 256:
        return 0.0, spread
    grid = 2.0 ** np.ceil(np.log2(width) + 5)
    return float(np.round(middle / grid) * grid), spread


def _fill(out: Singles, column: Coded, values: Any) -> None:
    """Write the raw features of one column into `out` (rows, parts)."""
    if column.reads == "category":
        labels = words(values)
        lacking = np.array(pc.is_null(labels).to_numpy(zero_copy_only=False), bool)
        found = pc.fill_null(pc.index_in(labels, value_set=pa.array(column.categories, pa.string())), -1)
        code = np.array(found.to_numpy(zero_copy_only=False), np.int64)
        known = np.flatnonzero((code >= 0) & ~lacking)
        out[known, code[known]] = 1
        if "other" in column.parts:
            out[(code < 0) & ~lacking, column.parts.index("other")] = 1
    else:
        moments = days(values) if column.reads == "date" else numbers(values)
        lacking = np.isnan(moments)
        for index, part in enumerate(column.parts):
            if part != "missing":
                out[:, index] = _part(moments, part, column)
    if "missing" in column.parts:
        out[:, column.parts.index("missing")] = lacking


def _part(moments: Floats, part: str, column: Coded) -> Floats:
    if part in ("value", "days"):
        with np.errstate(over="ignore"):
            return np.asarray((moments - column.center) / column.spread)
    cycle, wave = part.split("_")
    turns = {"year": moments / _YEAR, "week": np.floor(moments) / _WEEK, "day": moments}[cycle] * 2 * np.pi
    return np.asarray(np.sin(turns) if wave == "sin" else np.cos(turns))


def _learn(state: State, index: int, call: Call, values: Floats) -> None:
    """Put the statistics of the training values of one number into the state."""
    if not len(values):
        state.scale[index] = 0.0
        return
    choice = encoders[call.name]
    if choice.facts.get("knots"):
        points, laid = choice.function(values, **dict(call.values))
        state.knots[index] = (points, laid)
        state.fill[index] = np.interp(values, points, laid).mean()
        return
    shift, scale = choice.function(values, **dict(call.values))
    state.scale[index], state.offset[index] = scale, -shift * scale
    state.fill[index] = (values.mean() - shift) * scale


def _fits(call: Call, kind: str) -> bool:
    reads = encoders[call.name].facts["values"]
    if reads == "category":
        return True
    return kind == "date" if reads == "date" else kind in ("numeric", "boolean")


def _sorted(labels: list[str]) -> list[str]:
    def as_number(word: str) -> float | None:
        try:
            return float(word)
        except ValueError:
            return None

    values = [as_number(word) for word in labels]
    if all(value is not None and value == value for value in values):
        return [
            word for _, word in sorted(zip(values, labels, strict=True), key=lambda pair: (pair[0] or 0.0, pair[1]))
        ]
    return sorted(labels)


def _folded(name: str) -> str:
    return " ".join(name.split()).casefold()


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value
