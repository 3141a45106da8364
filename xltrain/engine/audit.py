"""Which cells of a table are wrong, without any target: each column against all others, its limits and its totals.

Every column is predicted from the others out of fold (engine/surprise.py). A wrong cell makes its neighbours look odd
too, so the odd cells of one round are set aside, as if they were empty, and the rest is asked again: the next round
learns from cleaner data, and finds the second wrong cell of a row.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
from threadpoolctl import threadpool_limits

from xltrain.config.settings import Column
from xltrain.data.limits import Breach, breaches
from xltrain.data.slips import slip_of
from xltrain.data.table import Control, Table
from xltrain.data.values import days, empty, numbers, words
from xltrain.engine.additive import Cells, Floats, Rows
from xltrain.engine.audited import Audit, ColumnAudit, OddCell
from xltrain.engine.findings import with_findings
from xltrain.engine.runs import equal_runs
from xltrain.engine.surprise import Surprise, surprise
from xltrain.engine.tail import wrong_share

ROUNDS = 4
LIKELY = 0.5  # from here on a cell is worth a look
FEWEST = 50  # cells listed, be they ever so ordinary
LISTED = 5_000  # cells listed at most
READ = {"numeric": "number", "date": "date", "category": "category", "boolean": "category"}
SMALL = 2_000_000  # numbers below which a second thread waits more than it helps


def audit(table: Table, columns: Sequence[Column], controls: Sequence[Control] = ()) -> Audit:
    """Every odd cell of a table and what they have in common.

    Args:
        columns: all columns of the table with their types, and the limits of those that have any.
        controls: totals that were held against their rows.
    """
    cells = [table_cells(table, each) for each in columns if each.type in READ and each.role not in ("id", "ignore")]
    with (
        threadpool_limits(1 if len(cells) * len(table) < SMALL else None),
        np.errstate(over="ignore", invalid="ignore"),
    ):
        found, last = odd_cells(cells)
    broken = breaches(table, columns)
    found = _with_breaches(found, broken, cells, last)
    found = _with_runs(found, cells, table)
    found.sort(key=lambda each: (-each.score, each.row))
    found = found[:LISTED]
    worth = sum(each.score >= LIKELY for each in found)
    found = found[: max(worth, FEWEST)]
    found, findings = with_findings(found, worth, cells, table, controls)
    told = tuple(_column(table, each, cells, last, found[:worth], broken) for each in columns)
    return Audit(len(table), len(last.rows), tuple(found), worth, findings, told)


def table_cells(table: Table, column: Column) -> Cells:
    """A column as it is judged: numbers, days since 1970, or categories."""
    values = table.data.column(column.name)
    if READ[column.type] != "category":
        return Cells(column.name, days(values) if column.type == "date" else numbers(values))
    coded = words(values).dictionary_encode()
    codes = np.array(coded.indices.fill_null(-1).to_numpy(zero_copy_only=False), np.float64)
    return Cells(column.name, np.where(codes < 0, np.nan, codes), tuple(coded.dictionary.to_pylist()))


def odd_cells(columns: Sequence[Cells]) -> tuple[list[OddCell], Surprise]:
    """The odd cells of all columns, and the last round, which knows none of them; cells below LIKELY come last."""
    held = [replace(each, values=each.values.copy()) for each in columns]
    total = len(held[0].values) if held else 0
    found: list[tuple[int, int, float]] = []
    for turn in range(ROUNDS + 1):
        odd = surprise(held)
        wrong = wrong_share(odd.evidence(), total)
        judged = odd.odd >= 0
        at = np.flatnonzero((wrong >= LIKELY) & judged)
        if not len(at) or turn == ROUNDS:
            rest = np.flatnonzero(judged & (wrong < LIKELY))
            rest = rest[np.argsort(-wrong[rest], kind="stable")[:FEWEST]]
            found += [(int(odd.rows[one]), int(odd.odd[one]), float(wrong[one])) for one in rest]
            break
        found += [(int(odd.rows[one]), int(odd.odd[one]), float(wrong[one])) for one in at]
        for one in at.tolist():
            held[int(odd.odd[one])].values[odd.rows[one]] = np.nan
    where = _positions(odd, total)
    return [_cell(columns, odd, where, *each) for each in found], odd


def _positions(odd: Surprise, total: int) -> Rows:
    """Where each row stands among those scored, -1 for none."""
    where = np.full(total, -1, np.int64)
    where[odd.rows] = np.arange(len(odd.rows))
    return where


def _cell(columns: Sequence[Cells], odd: Surprise, where: Rows, row: int, index: int, score: float) -> OddCell:
    """A cell with what the rest of its row, without other odd cells, leads one to expect."""
    at, cells = int(where[row]), columns[index]
    if at < 0:
        return OddCell(row, cells.name, score)
    middle, low, high = (float(each[at, index]) for each in (odd.middle, odd.low, odd.high))
    if cells.categories:
        expected = cells.categories[int(middle)] if np.isfinite(middle) else ""
        own = cells.values[row]
        expected = "" if np.isfinite(own) and cells.categories[int(own)] == expected else expected
        return OddCell(row, cells.name, score, expected=expected, suggested=expected or None)
    slip = slip_of(float(cells.values[row]), low, high) if np.isfinite(low + high) else None
    return OddCell(row, cells.name, score, low, high, suggested=slip[2] if slip else None)


def _with_breaches(
    found: list[OddCell], broken: Sequence[Breach], columns: Sequence[Cells], odd: Surprise
) -> list[OddCell]:
    """The cells with those that break a limit: sure, whatever was thought of them."""
    at = {(each.row, each.column): index for index, each in enumerate(found)}
    names = {each.name: index for index, each in enumerate(columns)}
    where = _positions(odd, len(columns[0].values)) if columns else np.zeros(0, np.int64)
    for breach in broken:
        for row in breach.rows[:LISTED].tolist():
            known = at.get((row, breach.column))
            if known is None:
                new = OddCell(row, breach.column, 1.0)
                if breach.column in names:
                    new = _cell(columns, odd, where, row, names[breach.column], 1.0)
                known = at[(row, breach.column)] = len(found)
                found.append(new)
            if not found[known].rule:
                suggested = None if breach.rule == "unique" else found[known].suggested
                new = replace(found[known], score=1.0, rule=breach.rule, limit=breach.limit, suggested=suggested)
                found[known] = new
    return found


def _with_runs(found: list[OddCell], columns: Sequence[Cells], table: Table) -> list[OddCell]:
    """The cells with those of measurements that stood still."""
    known = {(each.row, each.column): index for index, each in enumerate(found)}
    for cells in columns:
        floating = pa.types.is_floating(table.data.schema.field(cells.name).type)
        if cells.categories or not floating:
            continue
        for rows, score in equal_runs(cells.values, table.origin, table.row):
            for row in rows.tolist():
                index = known.get((row, cells.name))
                if index is None:
                    found.append(OddCell(row, cells.name, score, rule="run"))
                elif not found[index].rule:
                    found[index] = replace(found[index], score=max(score, found[index].score), rule="run")
    return found


def _column(
    table: Table,
    column: Column,
    columns: Sequence[Cells],
    odd: Surprise,
    found: Sequence[OddCell],
    broken: Sequence[Breach],
) -> ColumnAudit:
    index = next((at for at, each in enumerate(columns) if each.name == column.name), -1)
    judged = index >= 0 and odd.model is not None and index in odd.at
    beyond = {int(row) for each in broken if each.column == column.name for row in each.rows}
    return ColumnAudit(
        column.name,
        column.type,
        _told(columns[index], odd.middle[:, index].astype(np.float64), odd.rows) if judged else float("nan"),
        int((~empty(table.data.column(column.name))).sum()),
        sum(each.column == column.name and each.rule not in ("min", "max", "allowed", "unique") for each in found),
        len(beyond),
    )


def _told(cells: Cells, middle: Floats, rows: Rows) -> float:
    """How much of a column the others tell: by how much they shorten the usual distance, or raise the share guessed."""
    values = cells.values[rows]
    known = np.isfinite(values) & np.isfinite(middle)
    if not known.any():
        return float("nan")
    values, middle = values[known], middle[known]
    if cells.categories:
        common = float(np.unique(values, return_counts=True)[1].max() / len(values))
        return max(0.0, (float((values == middle).mean()) - common) / max(1 - common, 1e-9))
    usual = float(np.median(np.abs(values - np.median(values))))
    return max(0.0, 1 - float(np.median(np.abs(values - middle))) / usual) if usual > 0 else 0.0
