"""How the predictions depend on single columns: partial dependence (Friedman 2001, "Greedy function approximation").

The value of one column is set the same in all held-out rows, those of each member scored by that member, and the
predictions are averaged; once for each of some values. A value stands for itself through a row of the dataset that has
it, so that a category, a date with its weekday or an encoder of any kind is what the members know.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from xltrain.data.encode import Encoding, Floats
from xltrain.data.table import Table
from xltrain.data.values import days, numbers, words
from xltrain.engine.result import Dependence
from xltrain.engine.voices import Rows, Voices
from xltrain.language import text

COLUMNS = 6  # that get a curve
POINTS = 20  # of a numeric grid
CATEGORIES = 12
ENDS = (0.02, 0.98)  # quantiles: beyond them a model has seen too little
FEWEST, MOST = 100, 500  # rows that are averaged over


def dependence(
    voices: Voices,
    encoding: Encoding,
    groups: Sequence[slice],
    order: npt.NDArray[np.int64],
    table: Table,
    budget: int,
) -> tuple[Dependence, ...]:
    """The curves of the first columns in `order`; texts have none. `budget`: rows to look at, about."""
    chosen = [int(index) for index in order if encoding.columns[index].reads != "text"][:COLUMNS]
    if not chosen:
        return ()
    total = sum(map(len, voices.rows))
    rows = min(total, MOST, max(budget // (len(chosen) * POINTS), FEWEST))
    averaged = [each[:: -(-total // rows)] for each in voices.rows]
    count = max(map(len, averaged))
    mask = np.arange(count) < np.array([[len(each)] for each in averaged])
    x = voices.encoded(averaged)
    found = []
    for index in chosen:
        kind, at, labels, points, share = _grid(encoding, index, table, voices.pool)
        if len(points) > 1:
            y, spread = _averages(voices, x, mask, groups[index], points)
            found.append(Dependence(encoding.names[index], kind, at, labels, y, spread, share))
    return tuple(found)


def _averages(voices: Voices, x: Any, mask: npt.NDArray[np.bool_], own: slice, points: Rows) -> tuple[Floats, Floats]:
    """The mean prediction at each point (points, 1 or classes), and its standard deviation over members."""
    seen = voices.encoded([points] * len(voices.members))[:, :, own]
    changes = [(own, seen[:, point : point + 1]) for point in range(len(points))]
    share = mask / mask.sum()
    y, spread = [], []
    for said in voices.variants(x, changes):
        said = said[..., None] if said.ndim == 2 else said
        y.append((said * share[..., None]).sum((0, 1)))
        each = (said * mask[..., None]).sum(1) / mask.sum(1)[:, None]
        spread.append(each.std(0, ddof=1) if len(each) > 1 else np.full(said.shape[-1], np.nan))
    return np.stack(y), np.stack(spread)


def _grid(
    encoding: Encoding, index: int, table: Table, pool: Rows
) -> tuple[str, Floats, tuple[str, ...], Rows, Floats]:
    """Of the values that a column is set to: their kind, where they stand, what they are called, a row that has each,
    and the share of rows that are nearest to it.
    """
    column = encoding.columns[index]
    values = table.data.column(column.name).take(pool)
    if column.reads == "category":
        return _categories(values, pool)
    date = column.reads == "date"
    known = days(values) if date else numbers(values)
    rows = np.flatnonzero(np.isfinite(known))
    order = rows[np.argsort(known[rows], kind="stable")]
    ordered = known[order]
    distinct, first = np.unique(ordered, return_index=True)
    if len(distinct) > POINTS:
        wanted = np.quantile(ordered, np.linspace(*ENDS, POINTS), method="nearest")
        distinct = np.unique(wanted)
        first = np.searchsorted(ordered, distinct)
    if not len(distinct):
        return "number", distinct, (), pool[:0], distinct
    nearest = np.searchsorted((distinct[1:] + distinct[:-1]) / 2, ordered)
    share = np.bincount(nearest, minlength=len(distinct)) / len(ordered)
    stamps = [str(np.datetime64(int(day), "D")) for day in distinct] if date else [f"{value:.6g}" for value in distinct]
    return "date" if date else "number", distinct, tuple(stamps), pool[order[first]], share


def _categories(values: Any, pool: Rows) -> tuple[str, Floats, tuple[str, ...], Rows, Floats]:
    """The commonest values, an empty cell among them."""
    shown = words(values)
    coded = shown.dictionary_encode()
    codes = np.asarray(coded.indices.fill_null(-1).to_numpy(zero_copy_only=False), np.int64)
    names = [*coded.dictionary.to_pylist(), text("empty_key")]
    codes = np.where(codes < 0, len(names) - 1, codes)
    counts = np.bincount(codes, minlength=len(names))
    chosen = [int(code) for code in np.argsort(-counts, kind="stable")[:CATEGORIES] if counts[code]]
    first = np.array([int(np.argmax(codes == code)) for code in chosen], np.int64)
    labels = tuple(names[code] for code in chosen)
    return "category", np.arange(len(chosen), dtype=np.float64), labels, pool[first], counts[chosen] / len(codes)
