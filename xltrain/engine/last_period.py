"""How good next month? Where the rows have a time, the last period is held out once and predicted from the others.

Folds at random mix all months: a model that has seen the neighbours of a row in time may know more of it than it will
of rows to come. So the winner's configuration is trained once more, on what came before the last month alone; its
validation rows are the latest of those.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from xltrain.config.settings import Column
from xltrain.data.encode import Floats, Rows, Target
from xltrain.data.months import YEARLESS, named_month, shown_month
from xltrain.data.split import SHARES, Part, drawn
from xltrain.data.table import Table
from xltrain.data.values import days
from xltrain.registry import Call, splits

FILLED = 0.9  # of a column of dates, for it to be the one that counts
FEWEST, ENOUGH = 3, 10  # periods in all; rows that are scored, or the period before counts as well
MOST = 0.5  # of all rows that may be held out


@dataclass(frozen=True)
class Period:
    """The last period: the column it goes by (empty: names of sources), its name, and who learns from what."""

    by: str
    name: str
    part: Part


def last_period(
    table: Table, columns: Sequence[Column], target: Target, split: Call | None, weight: Floats | None
) -> Period | None:
    """The last period of the data; None where they have none, or where the job's split settles it already."""
    if split and (split.choice.facts.get("rolling") or split.choice.facts.get("given")):
        return None
    if not split and any(column.role == "split" for column in columns):
        return None
    found = _moments(table, columns, target)
    if found is None:
        return None
    by, moments, periods, names = found
    rows = target.rows[np.isfinite(moments[target.rows])]
    distinct, counts = np.unique(periods[rows], return_counts=True)
    if len(distinct) < FEWEST:
        return None
    first = int(np.argmax(np.cumsum(counts[::-1]) >= ENOUGH))
    held = distinct[len(distinct) - 1 - first :]
    late = periods[rows] >= held[0]
    if late.sum() < ENOUGH or late.sum() > MOST * len(rows) or len(distinct) - len(held) < FEWEST - 1:
        return None
    training, validation = _learn(rows[~late], moments, weight)
    if not len(training) or not len(validation):
        return None
    shown = names(held[0]) if len(held) == 1 else f"{names(held[0])} … {names(held[-1])}"
    return Period(by, shown, Part(0, 0, np.sort(training), np.sort(validation), np.sort(rows[late])))


def _learn(rows: Rows, moments: Floats, weight: Floats | None) -> tuple[Rows, Rows]:
    """Training and validation rows: the latest fifth of these looks on, by whole moments."""
    if weight is not None:
        rows = rows[weight[rows] > 0]
    keys = np.unique(moments[rows], return_inverse=True)[1].astype(np.int64)
    draw = drawn(rows.astype(np.uint64), 0)
    pairs = splits["time"].function(keys, SHARES - 1, draw) or splits["random"].function(rows, SHARES, draw)
    training, validation = pairs[-1]
    return rows[training], rows[validation]


def _moments(
    table: Table, columns: Sequence[Column], target: Target
) -> tuple[str, Floats, Floats, Callable[[float], str]] | None:
    """What the periods go by, each row's moment and period (NaN: none), and what a period is called."""
    known = [column for column in columns if column.name in table.names and column.name != target.name]
    dated = [column.name for column in known if column.role == "time"]
    dated += [column.name for column in known if column.type == "date" and column.role in ("feature", "id", "group")]
    for name in dated:
        column = table.data.column(name)
        moments = days(column)
        if not len(target.rows) or np.isfinite(moments[target.rows]).mean() < FILLED:
            continue
        if pa.types.is_temporal(column.type) or pa.types.is_string(column.type):
            return name, moments, _month(moments), shown_month
        return name, moments, moments, lambda value: f"{value:g}"
    months = np.array([named_month(origin.file, origin.sheet) for origin in table.origins])
    if not np.isfinite(months).all() or len(set(months < YEARLESS)) > 1:
        return None
    of_row = months[table.origin]
    return "", of_row, of_row, shown_month


def _month(moments: Floats) -> Floats:
    """Days since 1970 as months since then."""
    whole = np.where(np.isfinite(moments), moments, 0)
    months = np.floor(whole).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return np.where(np.isfinite(moments), months, np.nan)
