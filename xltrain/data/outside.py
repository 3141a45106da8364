"""Rows that lie outside what a model was trained on: cells above or below its range, unknown values, empty cells.

Found with whole columns at a time; a sentence is made only for cells that are outside.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from xltrain.data.coded import Coded
from xltrain.data.profile import Profile
from xltrain.data.table import Change, Table
from xltrain.data.values import days, numbers, words
from xltrain.language import text
from xltrain.place import column_letter

MOST_VALUES = 5_000  # different words of a column that are remembered, so that a new one is known as such

DIGITS = 6  # of a number that is shown; whole numbers have all of theirs

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Outside:
    """The cells of one column that lie outside for one reason: above, below, later, earlier, unknown, empty or
    unread (the cell holds what cannot be read, and counts as empty).

    rows: positions in the table, ascending. words: a sentence for each. limit: the end of the range, as shown.
    """

    column: str
    reason: str
    rows: Rows
    words: Any
    limit: str = ""


def as_read(column: Coded, values: Any) -> Any:
    """A column as its encoder reads it, one Arrow chunk: numbers, days since 1970, or words; null where empty."""
    if column.reads in ("category", "text"):
        return words(values)
    found = days(values) if column.reads == "date" else numbers(values)
    return pa.chunked_array([pa.array(found, from_pandas=True)])


def unread(table: Table, changes: Iterable[Change]) -> dict[str, dict[int, str]]:
    """column -> position -> why its cell could not be read, of cells that a merge told to hold an error or to be of
    another kind.
    """
    origins = {(each.file, each.sheet): index for index, each in enumerate(table.origins)}
    columns = [{letter: name for name, letter in each.letters.items()} for each in table.origins]
    rows: dict[int, int] = {}
    where = []
    for change in changes:
        origin = origins.get((change.place.file, change.place.sheet))
        if change.action in ("error", "unread") and origin is not None and change.place.column:
            name = columns[origin].get(column_letter(change.place.column), "")
            where.append((origin, change.place.row, name, change))
    keys = np.array([origin << 32 | row for origin, row, _, _ in where], np.int64)
    held = table.origin.astype(np.int64) << 32 | table.row.astype(np.int64)
    for position in np.flatnonzero(np.isin(held, keys)).tolist():
        rows.setdefault(int(held[position]), position)
    found: dict[str, dict[int, str]] = {}
    for origin, row, name, change in where:
        position = rows.get(origin << 32 | row, -1)
        if name in table.names and position >= 0:
            said = {"found": change.was} if change.action == "error" else {"reason": change.reason}
            key = "outside_error" if change.action == "error" else "outside_unread_cell"
            found.setdefault(name, {})[position] = text(key, name=name, **said)
    return found


def outside(
    table: Table,
    columns: Sequence[Coded],
    known: Mapping[str, Profile],
    unread: Mapping[str, Mapping[int, str]] | None = None,
) -> list[Outside]:
    """Every cell outside what was trained on, column by column; columns that nothing is known of are passed over."""
    found: list[Outside] = []
    for column in columns:
        profile = known.get(column.name)
        if profile is not None and profile.rows:
            found += _of_column(
                column, profile, as_read(column, table.data.column(column.name)), (unread or {}).get(column.name, {})
            )
    return found


def _of_column(column: Coded, profile: Profile, values: Any, unread: Mapping[int, str]) -> list[Outside]:
    found = []
    nothing = empty = _positions(pc.is_null(values))
    held = np.intersect1d(empty, np.array(list(unread), np.int64))
    if len(held):
        found.append(Outside(column.name, "unread", held, pa.array([unread[each] for each in held.tolist()])))
        empty = np.setdiff1d(empty, held)
    if len(empty) and not profile.missing:
        said = text("outside_empty", name=column.name)
        found.append(Outside(column.name, "empty", empty, pa.array([said]).take(pa.array(np.zeros(len(empty), int)))))
    if column.reads in ("numeric", "date") and profile.low is not None and profile.high is not None:
        dated = column.reads == "date"
        below, above = ("earlier", "later") if dated else ("below", "above")
        for reason, mask, limit in (
            (below, pc.less(values, profile.low), profile.low),
            (above, pc.greater(values, profile.high), profile.high),
        ):
            rows = _positions(mask)
            if len(rows):
                shown = _shown(values.take(pa.array(rows)), dated)
                found.append(_told(column.name, reason, rows, shown, show(limit, dated)))
    elif column.reads == "category" and profile.values:
        rows = _positions(pc.invert(pc.is_in(values, value_set=pa.array(profile.values, pa.string()), skip_nulls=True)))
        rows = np.setdiff1d(rows, nothing, assume_unique=True)
        if len(rows):
            found.append(_told(column.name, "unknown", rows, values.take(pa.array(rows)), ""))
    return found


def _told(name: str, reason: str, rows: Rows, shown: Any, limit: str) -> Outside:
    """A sentence for each cell: the same words around each value."""
    key = {
        "above": "outside_above",
        "below": "outside_below",
        "later": "outside_later",
        "earlier": "outside_earlier",
        "unknown": "outside_unknown",
    }[reason]
    said = {"limit": limit} if limit else {}
    before, _, after = text(key, name=name, value="\0", **said).partition("\0")
    sentences = pc.binary_join_element_wise(before, _plain(shown), after, "")
    return Outside(name, reason, rows, sentences, limit)


def _shown(values: Any, dated: bool) -> Any:
    """Numbers, or days since 1970 as dates, as one would write them."""
    found = np.asarray(values.to_numpy(), np.float64)
    if dated:
        return words(pa.array(np.round(found * 86_400).astype("datetime64[s]")))
    with np.errstate(divide="ignore"):
        power = np.clip(DIGITS - 1 - np.floor(np.log10(np.abs(found))), -290, 290)
    scale = 10.0**power
    return words(pa.array(np.where(power > 0, np.round(found * scale) / scale, np.round(found))))


def show(value: float, dated: bool = False) -> str:
    """A number, or days since 1970 as a date, as one would write it."""
    return str(_shown(pa.chunked_array([pa.array([float(value)])]), dated)[0].as_py())


def joined(found: Sequence[Outside], rows: int) -> Any:
    """The sentences of each row, one after the other: an Arrow array (rows,), null where there is none."""
    if not found:
        return pa.nulls(rows, pa.string())
    at = np.concatenate([each.rows for each in found])
    sentences = pa.concat_arrays([_plain(each.words) for each in found])
    order = np.argsort(at, kind="stable")
    ends = np.searchsorted(at[order], np.arange(rows + 1)).astype(np.int32)
    lists = pa.ListArray.from_arrays(pa.array(ends), sentences.take(pa.array(order)))
    told = pc.binary_join(lists, text("semicolon"))
    return pc.if_else(pa.array(np.diff(ends) > 0), told, pa.scalar(None, pa.string()))


def _plain(column: Any) -> Any:
    if not isinstance(column, pa.ChunkedArray):
        return column
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def _positions(mask: Any) -> Rows:
    return np.flatnonzero(np.asarray(_plain(pc.fill_null(mask, False)).to_numpy(zero_copy_only=False), bool))
