"""A column in short, so that other rows can be held against it later: what was trained on, or the last fit's data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Floats = npt.NDArray[np.float64]

BINS = 10
WORDS = 30  # commonest values that are counted on their own


@dataclass(frozen=True)
class Profile:
    """A column in short: `edges` part its numbers (or days) into tenths; `shares` are those of its commonest values.

    Numbers have edges, words have shares. `missing` is a share of the rows; dates count in days since 1970. `values`
    are all the different words, where they were asked for and are few enough.
    """

    rows: int
    missing: float
    mean: float | None = None
    low: float | None = None
    high: float | None = None
    edges: tuple[float, ...] = ()
    bins: tuple[float, ...] = ()
    shares: Mapping[str, float] = field(default_factory=dict)
    median: float | None = None
    deviation: float | None = None
    values: tuple[str, ...] = ()

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "Profile":
        """From JSON."""
        lists = {name: tuple(told.get(name, ())) for name in ("edges", "bins", "values")}
        known = {name: told[name] for name in cls.__dataclass_fields__ if name in told}
        return cls(**{**known, **lists})


def profile(column: Any, values: int = 0) -> Profile:
    """A column of a table in short; its different words are listed where they are at most `values`."""
    rows = len(column)
    numbers = as_numbers(column)
    if numbers is None:
        shares = shares_of(column)
        listed = tuple(sorted(shares)) if len(shares) <= values else ()
        return Profile(rows, missing_share(column), shares=dict(list(shares.items())[:WORDS]), values=listed)
    known = numbers[np.isfinite(numbers)]
    if not len(known):
        return Profile(rows, 1.0)
    edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1]))
    with np.errstate(over="ignore", invalid="ignore"):  # the squares of huge numbers are none
        mean, deviation = float(known.mean()), float(known.std())
    return Profile(
        rows,
        1 - len(known) / rows,
        mean if np.isfinite(mean) else None,
        float(known.min()),
        float(known.max()),
        tuple(edges.tolist()),
        tuple(binned(known, edges).tolist()),
        median=float(np.median(known)),
        deviation=deviation if np.isfinite(deviation) else None,
    )


def binned(known: Floats, edges: Floats) -> Floats:
    """The share of numbers in each bin between edges."""
    counts = np.bincount(np.searchsorted(edges, known, side="left"), minlength=len(edges) + 1)
    shares: Floats = counts / len(known)
    return shares


def as_numbers(column: Any) -> Floats | None:
    """A column of numbers or dates as float64 (dates as days); None for words and yes-or-no."""
    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        stamps = pc.cast(pc.cast(column, pa.timestamp("us"), safe=False), pa.int64())
        return np.asarray(pc.cast(stamps, pa.float64(), safe=False).to_numpy(), np.float64) / 86_400_000_000
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return np.asarray(pc.cast(column, pa.float64(), safe=False).to_numpy(), np.float64)
    return None


def shares_of(column: Any) -> dict[str, float]:
    """The share of each value among all rows, commonest first."""
    told = pc.cast(column, pa.string()) if not pa.types.is_null(column.type) else pa.nulls(len(column), pa.string())
    counts = pc.value_counts(told.drop_null())
    order = pc.array_sort_indices(counts.field("counts"), order="descending")
    found, often = (counts.field(name).take(order).to_pylist() for name in ("values", "counts"))
    return {word: count / len(column) for word, count in zip(found, often, strict=True)}


def missing_share(column: Any) -> float:
    """The share of empty cells, 0 where there is no row."""
    return column.null_count / len(column) if len(column) else 0.0
