"""What of a result may be handed on: nothing of single rows, and no value that fewer than five rows have."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from xltrain.data.table import Table
from xltrain.data.values import days, numbers, words
from xltrain.engine.result import Causes, Dependence, Floats, Result, TargetResult
from xltrain.language import text
from xltrain.report.since import Since

LEAST = 5  # rows that have a value which is shown
ASIDE = 0.517  # of the way from one point of a curve to the next


def shared(result: Result, table: Table) -> Result:
    """The result without suspects and findings, and without notes, which tell of cells and rare values."""
    targets = tuple(_shared_target(target, table) for target in result.targets)
    return replace(result, targets=targets, notes=(), causes=Causes())


def shared_since(found: Since | None) -> Since | None:
    """What is new since last time, without decisions on rows and without suspects."""
    return found and replace(found, suspects=0, fresh=0, decided=0, open=0)


def central(values: Sequence[float] | Floats, at: float) -> float:
    """About the quantile `at` of numbers: the mean of the five next to it, so that it is no single row's; NaN where
    there are fewer. A value that five rows have stays itself.
    """
    known = np.sort(np.asarray(values, np.float64))
    known = known[np.isfinite(known)]
    if len(known) < LEAST:
        return float("nan")
    middle = round(at * (len(known) - 1))
    if np.sum(known == known[middle]) >= LEAST:
        return float(known[middle])
    first = min(max(middle - LEAST // 2, 0), len(known) - LEAST)
    return float(known[first : first + LEAST].mean())


def often(column: Any) -> set[str]:
    """The words that at least five rows of a column have."""
    counts = Counter(words(column).drop_null().to_pylist())
    return {word for word, count in counts.items() if count >= LEAST}


def _shared_target(target: TargetResult, table: Table) -> TargetResult:
    known = target.importance
    if known is None:
        return replace(target, suspects=None)
    rarest = min(np.bincount(target.ledger.target[target.ledger.target >= 0].astype(np.int64), minlength=1), default=0)
    curves: tuple[Dependence, ...] = ()
    if not target.classes or rarest >= LEAST:  # the curves name the classes
        curves = tuple(found for each in known.curves if (found := _shared_curve(each, table)) is not None)
    return replace(target, suspects=None, importance=replace(known, curves=curves))


def _shared_curve(curve: Dependence, table: Table) -> Dependence | None:
    """A curve over the values that five rows have, or between values; None where fewer than two points are left."""
    column = table.data.column(curve.column)
    if curve.kind == "category":
        common = often(column) | ({text("empty_key")} if column.null_count >= LEAST else set())
        return _points(curve, np.array([label in common for label in curve.labels], bool))
    known = days(column) if curve.kind == "date" else numbers(column)
    rows = np.array([np.sum(known == value) for value in curve.x])
    if len(np.unique(known[np.isfinite(known)])) <= len(curve.x):
        return _points(curve, rows >= LEAST)
    if np.all(rows >= LEAST):
        return curve
    if len(curve.x) < 3:
        return None
    # Not quite the middle, where some row's value may lie as well.
    parts = (curve.x, curve.y, curve.spread, curve.share)
    x, y, spread, share = (ASIDE * part[1:] + (1 - ASIDE) * part[:-1] for part in parts)
    return replace(curve, labels=("",) * len(x), x=x, y=y, spread=spread, share=share)


def _points(curve: Dependence, kept: Any) -> Dependence | None:
    """The curve at some of its points."""
    if np.sum(kept) < 2:
        return None
    labels = tuple(label for label, keep in zip(curve.labels, kept, strict=True) if keep)
    x = np.arange(len(labels), dtype=np.float64) if curve.kind == "category" else curve.x[kept]
    return replace(curve, x=x, labels=labels, y=curve.y[kept], spread=curve.spread[kept], share=curve.share[kept])
