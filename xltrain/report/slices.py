"""Where the error sits: which file, sheet, month, category value or band of a number the winner gets worst.

The error of a row is its absolute residual, or 1 for a wrong class and 0 for a right one, out of fold. A slice's mean
error over few rows says little, so slices are ranked by it shrunk towards the mean of all rows: by n / (n + k), where
k is the variance within slices over the variance between those of the same column (empirical Bayes, Efron and Morris
1975; the variance between by moments, DerSimonian and Laird 1986). A column whose slices differ no more than chance
would have them shrinks to nothing. An error counts at most as the 99th percentile of all: a single wrong row says
nothing about its slice, and stands among the suspects. No p-values: with hundreds of slices some would be small anyhow.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from xltrain.data.table import Table
from xltrain.engine.result import Floats, TargetResult
from xltrain.excel.write import short
from xltrain.language import label, text

LEAST = 5  # rows of a slice that is named
MOST_VALUES = 100  # of a category, the commonest
BANDS = 5
DISTINCT = 10  # numbers of which there are no more are values, not bands
CAP = 0.99  # quantile of the errors beyond which they count alike
HALF = 0.5  # weight of its own mean below which a slice has few rows; share of the error that one row may have
PLACES = ("file", "sheet", "category")  # what one would call a branch

Codes = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Slice:
    """Some rows that have something in common.

    by: file | sheet | month | category | band; `column` is empty for the first two. error: mean error of its rows;
    rest: that of all others, huge errors capped in both. share: its share of the error of all rows, none capped.
    adjusted: its error over that of all rows, shrunk as described above: 1 where its column tells nothing. few: most
    of that is not its own. single: the largest share of its error that one row has, none capped.
    """

    by: str
    column: str
    value: str
    rows: int
    error: float
    rest: float
    share: float
    adjusted: float
    few: bool
    single: float

    @property
    def ratio(self) -> float:
        """Its error over that of the rest; NaN where the rest has none."""
        return self.error / self.rest if self.rest > 0 else float("nan")

    @property
    def name(self) -> str:
        """As one would call it: `branch = North`, `file north.xlsx`."""
        if self.by in ("file", "sheet"):
            return f"{label(self.by)} {self.value}"
        if self.by == "category":
            return f"{self.column} = {self.value}"
        return text("told_as", word=self.column, told=self.value)


@dataclass(frozen=True)
class _Cut:
    """One way to part the rows: codes (rows,), -1 for none, and what each code is called."""

    by: str
    column: str
    codes: Codes
    names: Sequence[str]


def row_errors(target: TargetResult) -> Floats:
    """The error of each row out of fold, in the target's own unit, or 1 where the class is wrong; NaN unscored."""
    ledger = target.ledger
    if not target.classes:
        return np.abs(ledger.target - ledger.prediction)
    known = np.isfinite(ledger.prediction) & (ledger.target >= 0)
    return np.where(known, (ledger.target != ledger.prediction).astype(np.float64), np.nan)


def cap_errors(error: Floats) -> Floats:
    """Errors with those beyond the 99th percentile as large as that; empty ones stay empty."""
    known = error[np.isfinite(error)]
    cap = float(np.quantile(known, CAP)) if len(known) else 0.0
    return np.minimum(error, cap) if cap > 0 else error


def slices(
    table: Table,
    target: TargetResult,
    leave_out: Sequence[str] = (),
    errors: Floats | None = None,
    blur: bool = False,
) -> tuple[Slice, ...]:
    """Every slice of at least 5 scored rows, worst first; of slices with the same rows the first alone.

    Args:
        leave_out: columns not to cut by, besides the target.
        errors: (rows,) other errors than those of `row_errors`, NaN where a row does not count.
        blur: name bands of numbers without the value of any single row, so that they may be handed on.
    """
    given = row_errors(target) if errors is None else errors
    rows = np.flatnonzero(np.isfinite(given))
    if not len(rows):
        return ()
    error = given[rows]
    capped = cap_errors(error)
    marks = np.random.default_rng(0).integers(1 << 62, size=len(rows), dtype=np.int64)
    found: list[Slice] = []
    seen: set[tuple[int, int]] = set()
    for cut in _cuts(table, rows, {target.target, *leave_out}, blur):
        found += _of_cut(cut, error, capped, marks, seen)
    # Rounded, so that slices which differ by nothing stand in the order of the columns.
    return tuple(sorted(found, key=lambda one: (-round(one.adjusted, 6), -round(one.error, 12))))


def best_and_worst(found: Sequence[Slice]) -> tuple[Slice, Slice] | None:
    """The two ends of the file, sheet or category in which the errors differ most; None where none does.

    Slices of few rows, and those whose error is one row's, are no branch to speak of.
    """
    fit = [one for one in found if one.by in PLACES and not one.few and one.single <= HALF]
    ends: dict[tuple[str, str], tuple[Slice, Slice]] = {}
    for one in fit:  # worst first
        key = (one.by, one.column)
        ends[key] = (one, ends[key][1]) if key in ends else (one, one)
    pairs = [(worst, best) for best, worst in ends.values() if worst.adjusted > 1 > best.adjusted]
    if not pairs:
        return None
    worst, best = max(pairs, key=lambda pair: pair[0].adjusted - pair[1].adjusted)
    return best, worst


def _of_cut(cut: _Cut, error: Floats, capped: Floats, marks: Codes, seen: set[tuple[int, int]]) -> list[Slice]:
    """The slices of one cut whose rows are not those of one seen before."""
    kept = cut.codes >= 0
    codes, values = cut.codes[kept], error[kept]
    size = len(cut.names)
    count = np.bincount(codes, minlength=size)
    total = np.bincount(codes, values, size)
    held, square = (np.bincount(codes, part, size).astype(np.float64) for part in (capped[kept], capped[kept] ** 2))
    largest = np.zeros(size)
    np.maximum.at(largest, codes, values)
    low, high = (np.bincount(codes, part, size) for part in _halves(marks[kept]))
    overall, whole = float(capped.mean()), float(error.sum())
    weight = _weights(count, held, square)
    found = []
    for code in np.flatnonzero(count >= LEAST):
        rows, own = int(count[code]), float(total[code])
        key = (int(low[code]), int(high[code]))
        if rows == len(error) or key in seen:
            continue
        seen.add(key)
        mean = float(held[code]) / rows
        adjusted = 1 + float(weight[code]) * (mean / overall - 1) if overall > 0 else 1.0
        found.append(
            Slice(
                cut.by,
                cut.column,
                cut.names[int(code)],
                rows,
                mean,
                (overall * len(error) - float(held[code])) / (len(error) - rows),
                own / whole if whole > 0 else 0.0,
                adjusted,
                bool(weight[code] < HALF if weight.any() else rows < 2 * LEAST),
                float(largest[code]) / own if own > 0 else 0.0,
            )
        )
    return found


def _halves(marks: Codes) -> tuple[Floats, Floats]:
    """Random numbers small enough that their sums stay whole: equal sums mean equal rows."""
    return (marks & 0x3FFFFFFF).astype(np.float64), (marks >> 31).astype(np.float64)


def _weights(count: Codes, total: Floats, square: Floats) -> Floats:
    """How much of each slice's mean is its own: n / (n + within / between), 0 to 1."""
    known = count > 0
    n, groups = int(count.sum()), int(known.sum())
    if groups < 2 or n <= groups:
        return np.zeros(len(count))
    mean = np.divide(total, count, out=np.zeros(len(count)), where=known)
    within = float((square - count * np.square(mean)).sum()) / (n - groups)
    spread = float((count * np.square(mean - total.sum() / n)).sum())
    between = (spread - (groups - 1) * within) / (n - float(np.square(count).sum()) / n)
    if between <= 0:
        return np.zeros(len(count))
    return np.asarray(count / (count + max(within, 0.0) / between))


def _cuts(table: Table, rows: Codes, leave_out: set[str], blur: bool) -> Iterator[_Cut]:
    """Every way to part the scored rows."""
    origin = table.origin[rows]
    files = [str(each.file) for each in table.origins]
    shown = [PurePosixPath(file.replace("\\", "/")).name for file in files]
    yield from _named("file", origin, files, shown if len(set(shown)) == len(set(files)) else files)
    sheets = [each.sheet for each in table.origins]
    yield from _named("sheet", origin, sheets, sheets)
    positions = pa.array(rows)
    for name in table.names:
        if name not in leave_out:
            yield from _of_column(name, table.data.column(name).take(positions), blur)


def _named(by: str, origin: npt.NDArray[np.int32], keys: Sequence[str], names: Sequence[str]) -> Iterator[_Cut]:
    """By where the rows came from; equal keys together."""
    numbers = {key: index for index, key in enumerate(dict.fromkeys(keys))}
    called = dict(zip(keys, names, strict=True))
    if len(numbers) > 1:
        yield _Cut(by, "", np.array([numbers[key] for key in keys], np.int64)[origin], [called[key] for key in numbers])


def _of_column(name: str, values: Any, blur: bool) -> Iterator[_Cut]:
    kind = values.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        yield from _months(name, values)
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_dictionary(kind):
        yield from _categories(name, values)
    elif pa.types.is_boolean(kind):
        yield from _categories(name, pc.cast(values, pa.string()))
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        yield from _bands(name, np.asarray(pc.cast(values, pa.float64(), safe=False).to_numpy(), np.float64), blur)


def _months(name: str, values: Any) -> Iterator[_Cut]:
    """By calendar month, by year where there are more than 100 months."""
    days = np.asarray(pc.cast(values, pa.timestamp("s"), safe=False).to_numpy(), "datetime64[s]")
    for unit in ("M", "Y"):
        months, codes = np.unique(days.astype(f"datetime64[{unit}]"), return_inverse=True)
        if len(months) <= MOST_VALUES or unit == "Y":
            codes = np.where(np.isnat(days), -1, codes).astype(np.int64)
            if len(months) > 1:
                yield _Cut("month", name, codes, [str(month) for month in months])
            return


def _categories(name: str, values: Any) -> Iterator[_Cut]:
    """By value; an empty cell is one. None where nearly every row has its own."""
    array = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    array = pa.concat_arrays(array.chunks) if isinstance(array, pa.ChunkedArray) else array
    coded = array if pa.types.is_dictionary(array.type) else array.dictionary_encode()
    codes = np.asarray(coded.indices.fill_null(-1).to_numpy(zero_copy_only=False), np.int64)
    names = [*(str(each) for each in coded.dictionary.to_pylist()), text("empty_key")]
    if not 1 < len(names) - 1 + int((codes < 0).any()) <= max(MOST_VALUES, len(codes) // (2 * LEAST)):
        return
    codes = np.where(codes < 0, len(names) - 1, codes)
    counts = np.bincount(codes, minlength=len(names))
    if len(names) > MOST_VALUES:
        common = np.zeros(len(names), bool)
        common[np.argsort(-counts, kind="stable")[:MOST_VALUES]] = True
        codes = np.where(common[codes], codes, -1)
    yield _Cut("category", name, codes, names)


def _bands(name: str, values: Floats, blur: bool) -> Iterator[_Cut]:
    """By fifths of the rows; by value where there are few."""
    known = np.isfinite(values)
    distinct = np.unique(values[known])
    if len(distinct) < 2:
        return
    if len(distinct) <= DISTINCT:
        codes = np.where(known, np.searchsorted(distinct, np.where(known, values, distinct[0])), -1)
        yield _Cut("category", name, codes.astype(np.int64), [short(float(value), 6) for value in distinct])
        return
    edges = np.unique(np.quantile(values[known], np.linspace(0, 1, BANDS + 1)))
    codes = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
    shown = [short(each, 4) for each in (_blurred(values[known], edges) if blur else edges.tolist())]
    names = [text("band", low=low, high=high) for low, high in pairwise(shown)]
    if blur:  # the ends are single rows
        names[0], names[-1] = text("band_to", high=shown[1]), text("band_from", low=shown[-2])
    yield _Cut("band", name, np.where(known, codes, -1).astype(np.int64), names)


def _blurred(values: Floats, edges: Floats) -> list[float]:
    """Each edge as the mean of the rows next to it, unless as many have it."""
    ordered = np.sort(values)
    found = []
    for edge in edges:
        first, last = np.searchsorted(ordered, edge, "left"), np.searchsorted(ordered, edge, "right")
        start = min(max(int(first) - LEAST // 2, 0), len(ordered) - LEAST)
        found.append(float(edge if last - first >= LEAST else ordered[start : start + LEAST].mean()))
    return found
