"""How one column becomes raw features: what follows from the value alone, whoever learns from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from xltrain import choices as choices
from xltrain.config.settings import Column
from xltrain.data.hashed import write_grams
from xltrain.data.values import days, numbers, words
from xltrain.registry import Call, encoders

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

DEFAULTS = {"numeric": "standard", "boolean": "standard", "category": "onehot", "date": "date", "text": "text"}
UNKNOWN = -1.0  # the raw code of a category that the dataset did not have
_YEAR, _WEEK = 365.2425, 7.0


@dataclass(frozen=True)
class Coded:
    """How one column becomes features.

    `parts` names them: `value`, `missing`, a category, `other`, a part of a date, `bin 1`, `share`, `mean` (of the
    target; `mean 2` of a further class), `#1` of a text. Numbers are stored as (x - center) / spread so that single
    precision holds them.
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

    @property
    def own(self) -> int:
        """How many of the parts come before the one that says that the value is missing."""
        return len(self.parts) - ("missing" in self.parts)

    def fact(self, name: str) -> Any:
        return encoders[self.encoder].facts.get(name)


def code(column: Column, values: Any, lacking: npt.NDArray[np.bool_], outputs: int) -> Coded:
    """How this column becomes features; no parts where it has only one value. `outputs`: numbers of a target."""
    call = column.encoder or Call("encoders", DEFAULTS[column.type])
    call, _ = encoders[call.name].bind((), dict(call.values))
    facts = encoders[call.name].facts
    gaps = ("missing",) if lacking.any() else ()
    if facts.get("table"):
        return _code_table(column.name, call, words(values), gaps, outputs)
    if facts["values"] == "category":
        return _code_categories(column.name, call, words(values), gaps)
    if facts["values"] == "text":
        several = len(pc.unique(words(values).drop_null())) > 1
        own = tuple(f"#{bucket + 1}" for bucket in range(call["buckets"])) if several else ()
        return Coded(column.name, call.name, call.values, own + gaps)
    moments = days(values) if facts["values"] == "date" else _numbers(values, facts)
    gaps = ("missing",) if np.isnan(moments).any() else ()
    finite = moments[~np.isnan(moments)]
    own = _date_parts(finite, call["parts"]) if facts["values"] == "date" else _number_parts(finite, call)
    if not len(finite) or not (own or gaps):
        return Coded(column.name, call.name, call.values, ())
    return Coded(column.name, call.name, call.values, own + gaps, (), *_condition(finite))


def fill(out: Singles, column: Coded, values: Any) -> None:
    """Write the raw features of one column into `out` (rows, parts)."""
    if column.reads == "text":
        lacking = _fill_text(out, column, values)
    elif column.reads == "category":
        lacking = _fill_categories(out, column, words(values))
    else:
        moments = days(values) if column.reads == "date" else _numbers(values, encoders[column.encoder].facts)
        lacking = np.isnan(moments)
        for index, part in enumerate(column.parts[: column.own]):
            out[:, index] = _part(moments, part, column)
    if "missing" in column.parts:
        out[:, column.parts.index("missing")] = lacking


def _numbers(values: Any, facts: Any) -> Floats:
    """The numbers of a column after the fixed map of its encoder, if there is one."""
    found = numbers(values)
    return np.asarray(facts["before"](found)) if facts.get("before") else found


def _number_parts(finite: Floats, call: Call) -> tuple[str, ...]:
    """One feature, or one for each bin; none where all numbers are equal."""
    if not len(finite) or not np.ptp(finite) > 0:
        return ()
    if not encoders[call.name].facts.get("bins"):
        return ("value",)
    most = min(call["bins"], len(np.unique(finite)) - 1)
    return tuple(f"bin {number + 1}" for number in range(most))


def _code_table(name: str, call: Call, labels: Any, gaps: tuple[str, ...], outputs: int) -> Coded:
    """A category as a number that is looked up: its position in the vocabulary."""
    kept = sorted_labels(pc.unique(labels.drop_null()).to_pylist())
    if len(kept) + len(gaps) < 2:
        return Coded(name, call.name, call.values, ())
    own = ["mean", *(f"mean {number}" for number in range(2, outputs + 1))]
    parts = tuple(own) if encoders[call.name].facts.get("target") else ("share",)
    return Coded(name, call.name, call.values, parts + gaps, tuple(kept))


def _code_categories(name: str, call: Call, labels: Any, gaps: tuple[str, ...]) -> Coded:
    counted = pc.value_counts(pc.drop_null(labels))
    pairs = sorted(
        zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True),
        key=lambda pair: (-pair[1], pair[0]),
    )
    kept = sorted_labels([word for word, _ in pairs[: call["limit"]]])
    other = ("other",) if len(pairs) > len(kept) else ()
    if len(kept) + len(other) + len(gaps) < 2:
        return Coded(name, call.name, call.values, ())
    return Coded(name, call.name, call.values, (*(f"={word}" for word in kept), *other, *gaps), tuple(kept))


def _date_parts(moments: Floats, which: str) -> tuple[str, ...]:
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
    if which == "all":
        parts += [
            part
            for part in ("quarter_sin", "quarter_cos", "month_sin", "month_cos", "month_end")
            if np.ptp(_calendar(moments, part)) > 1e-9
        ]
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


def _fill_text(out: Singles, column: Coded, values: Any) -> npt.NDArray[np.bool_]:
    if column.own:
        return write_grams(out[:, : column.own], values, **dict(column.values))
    return np.array(pc.is_null(words(values)).to_numpy(zero_copy_only=False), bool)


def _fill_categories(out: Singles, column: Coded, labels: Any) -> npt.NDArray[np.bool_]:
    lacking = np.array(pc.is_null(labels).to_numpy(zero_copy_only=False), bool)
    found = pc.fill_null(pc.index_in(labels, value_set=pa.array(column.categories, pa.string())), int(UNKNOWN))
    position = np.array(found.to_numpy(zero_copy_only=False), np.int64)
    if column.fact("table"):
        out[:, : column.own] = np.where(lacking, np.nan, position)[:, None]
        return lacking
    known = np.flatnonzero((position >= 0) & ~lacking)
    out[known, position[known]] = 1
    if "other" in column.parts:
        out[(position < 0) & ~lacking, column.parts.index("other")] = 1
    return lacking


def _part(moments: Floats, part: str, column: Coded) -> Floats:
    if column.reads == "numeric" or part == "days":
        with np.errstate(over="ignore"):
            return np.asarray((moments - column.center) / column.spread)
    if part.startswith(("quarter", "month")):
        return _calendar(moments, part)
    cycle, wave = part.split("_")
    turns = {"year": moments / _YEAR, "week": np.floor(moments) / _WEEK, "day": moments}[cycle] * 2 * np.pi
    return np.asarray(np.sin(turns) if wave == "sin" else np.cos(turns))


def _calendar(moments: Floats, part: str) -> Floats:
    """How far a month or quarter has come, as a wave, or whether it is the month's last day; NaN where empty."""
    lacking = np.isnan(moments)
    day = np.floor(np.where(lacking, 0, moments)).astype("datetime64[D]")
    month = day.astype("datetime64[M]")
    if part == "month_end":
        found = ((day + 1).astype("datetime64[M]") > month).astype(np.float64)
    else:
        months = 3 if part.startswith("quarter") else 1
        first = (month.astype(np.int64) // months * months).astype("datetime64[M]")
        start, end = first.astype("datetime64[D]"), (first + months).astype("datetime64[D]")
        turn = (day - start).astype(np.float64) / (end - start).astype(np.float64) * 2 * np.pi
        found = np.sin(turn) if part.endswith("sin") else np.cos(turn)
    return np.asarray(np.where(lacking, np.nan, found))


def sorted_labels(labels: Sequence[str]) -> list[str]:
    """Labels in order, as numbers where all of them are."""

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
