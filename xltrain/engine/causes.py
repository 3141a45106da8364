"""Suspects of a fit that share a cause: the findings that an audit makes of its odd cells, made of a fit's suspects."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from threadpoolctl import threadpool_limits

from xltrain.data.slips import slip_of
from xltrain.data.table import Table
from xltrain.engine.additive import Rows
from xltrain.engine.audited import OddCell
from xltrain.engine.findings import with_findings
from xltrain.engine.result import Causes, Suspects, TargetResult
from xltrain.engine.surprise import Surprise

MOST = 5_000  # cells that findings are made of


def shared_causes(results: Sequence[TargetResult], odd: Surprise, table: Table, kept: Rows | None = None) -> Causes:
    """What the suspects of all targets have in common.

    Args:
        odd: how odd every cell is, the features' and the targets'.
        kept: positions of rows that a person has found right, which are part of no finding.
    """
    right = set(() if kept is None else kept.tolist())
    cells: dict[tuple[int, str], OddCell] = {}
    for result in results:
        if result.suspects is None:
            continue
        for row in result.suspects.reviewed.tolist():
            cell = _cell(result, result.suspects, row, odd)
            if cell is not None and row not in right:
                known = cells.get((row, cell.column))
                cells[row, cell.column] = cell if known is None or cell.score > known.score else known
    found = sorted(cells.values(), key=lambda each: (-each.score, each.row))[:MOST]
    if not found:
        return Causes()
    with threadpool_limits(1), np.errstate(over="ignore", invalid="ignore"):
        done, findings = with_findings(found, len(found), odd.columns, odd, _spelt(table, odd))
    return Causes(tuple(done), findings)


def _spelt(table: Table, odd: Surprise) -> Table:
    """The table with its columns spelt as the job spells them."""
    said = {each.name.casefold(): each.name for each in odd.columns}
    known = {each.name for each in odd.columns} & set(table.names)
    names = [name if name in known else said.get(name.casefold(), name) for name in table.names]
    if names == list(table.names) or len(set(names)) < len(names):
        return table
    return replace(table, data=table.data.rename_columns(names))


def _cell(result: TargetResult, said: Suspects, row: int, odd: Surprise) -> OddCell | None:
    """The odd cell of a suspect with what was expected in it; None where no cell stands out."""
    column = int(said.odd_column[row])
    if column < 0:
        return None
    name, score = said.columns[column], float(said.score[row])
    if name == result.target and result.classes:
        code = said.suggested[row]
        likely = result.classes[int(code)] if np.isfinite(code) else ""
        return OddCell(row, name, score, expected=likely, suggested=likely or None)
    cells = odd.columns[column]
    if cells.categories:
        at = int(np.searchsorted(odd.rows, row))
        middle = odd.middle[at, column] if at < len(odd.rows) and odd.rows[at] == row else np.nan
        likely = cells.categories[int(middle)] if np.isfinite(middle) else ""
        return OddCell(row, name, score, expected=likely, suggested=likely or None)
    low, high = float(said.odd_low[row]), float(said.odd_high[row])
    slip = slip_of(float(cells.values[row]), low, high, cells.decimals) if np.isfinite(low + high) else None
    return OddCell(row, name, score, low, high, suggested=slip[2] if slip else None, decimals=cells.decimals)
