"""Which cells of a table are wrong, without any target: each column against all others, its limits and its totals.

Every column is predicted from the others out of fold (engine/surprise.py). A wrong cell makes its neighbours look odd
too, so the oddest cell of a row is set aside, as if it held what was expected, and the rest is asked again: the next
round learns from cleaner data, and finds the second wrong cell of the row. In the end all cells are judged, those set
aside too, by models that have learned from none of these.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from threadpoolctl import threadpool_limits

from xltrain.config.settings import Column
from xltrain.data.limits import Breach, breaches
from xltrain.data.slips import slip_of
from xltrain.data.table import Control, Table
from xltrain.data.values import days, empty, numbers, words
from xltrain.data.written import outwards
from xltrain.engine.additive import Cells, Floats, Measure, Rows
from xltrain.engine.audited import Audit, ColumnAudit, OddCell
from xltrain.engine.findings import with_findings
from xltrain.engine.opinions import mislabelled
from xltrain.engine.standstill import standstills
from xltrain.engine.surprise import Surprise, surprise
from xltrain.engine.tail import Tail, wrong_share

ROUNDS = 8
FAR = 3.0  # expected ranges beyond which the models had better not learn from a cell
END = 0.95  # quantile up to which a column says how its tail goes on: before one cell in twenty, which may be wrong
MANY = 0.04  # of a column's cells set aside, from which on they do not count as its tail
TOLD = 0.5  # of a category that the others must tell for its cells to be judged
COMMON, FEW = 0.02, 5  # share and number of rows from which on a value is common
ALIKE = 0.1  # ... and that part of how often the column's usual value stands
LIKELY = 0.5  # from here on a cell is worth a look
FEWEST, MOST = 50, 500  # cells listed besides, be they ever so ordinary: half as many as there are rows, between these
LISTED = 5_000  # cells listed at most
STILL = 60  # cells of a column listed because it stood still
READ = {"numeric": "number", "date": "date", "category": "category", "boolean": "category"}
SMALL = 2_000_000  # numbers below which a second thread waits more than it helps


def audit(table: Table, columns: Sequence[Column], controls: Sequence[Control] = (), kept: Rows | None = None) -> Audit:
    """Every odd cell of a table and what they have in common.

    Args:
        columns: all columns of the table with their types, and the limits of those that have any.
        controls: totals that were held against their rows.
        kept: rows that a person has found right, which are not raised again.
    """
    cells = [table_cells(table, each) for each in columns if each.type in READ and each.role not in ("id", "ignore")]
    with (
        threadpool_limits(1 if len(cells) * len(table) < SMALL else None),
        np.errstate(over="ignore", invalid="ignore"),
    ):
        found, last = odd_cells(cells)
    broken = breaches(table, columns)
    found = _with_breaches(found, broken, cells, last)
    found = _with_standstills(found, cells, table)
    if kept is not None and len(kept):
        right = set(kept.tolist())
        found = [each for each in found if each.row not in right]
    found.sort(key=lambda each: (-each.score, each.row))
    unlisted = sum(each.score >= LIKELY for each in found[LISTED:])
    found = found[:LISTED]
    worth = sum(each.score >= LIKELY for each in found)
    found = found[: worth + further(len(table))]
    found, findings = with_findings(found, worth, cells, last, table, controls)
    told = tuple(_column(table, each, cells, last, found[:worth], broken) for each in columns)
    return Audit(len(table), len(last.rows), tuple(found), worth, findings, told, unlisted)


def further(rows: int) -> int:
    """How many cells are listed besides those worth a look."""
    return min(MOST, max(FEWEST, rows // 2))


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
    aside: set[tuple[int, int]] = set()  # row and column
    common = [_common(each) for each in columns]
    looked: Rows | None = None
    for turn in range(ROUNDS + 1):
        odd = surprise(held, looked)
        looked = odd.rows if looked is None else looked  # of very many rows the same ones in every round
        where = _positions(odd, total)
        far = _distances(held, odd)
        for row, index in aside:
            far[where[row], index] = np.nan
        able = np.nan_to_num(far)
        for index, values in enumerate(common):
            able[values[odd.rows], index] = 0
        oddest = able.max(1, initial=0)
        at = np.flatnonzero(oddest > FAR)
        if not len(at) or turn == ROUNDS or odd.model is None:
            break
        which = _chosen(odd, able)
        aside |= set(zip(odd.rows[at].tolist(), which[at].tolist(), strict=True))
        for row, index in aside:
            # As expected rather than empty: what is empty together would tell of one another.
            held[index].values[row] = odd.middle[where[row], index]
    if odd.model is None:
        return [], odd
    wrong = _wrong(columns, odd, far, common)
    worst = np.argsort(-wrong, axis=None, kind="stable")[: int((wrong >= LIKELY).sum()) + further(total)]
    found = [divmod(int(each), len(columns)) for each in worst if wrong.flat[each] > 0]
    return [_cell(columns, odd, where, int(odd.rows[at]), index, float(wrong[at, index])) for at, index in found], odd


def _common(cells: Cells) -> npt.NDArray[np.bool_]:
    """Which cells hold a value that stands so often that it is no slip of the hand (zeros, codes): (rows,)."""
    if cells.categories:
        return np.zeros(len(cells.values), bool)
    _, position, count = np.unique(cells.values, return_inverse=True, return_counts=True)
    number = count[position]
    # Of a column of few values one is common that stands about as often as the others.
    return np.asarray(number > max(COMMON * len(cells.values), FEW, ALIKE * float(np.median(number))))


def _distances(columns: Sequence[Cells], odd: Surprise) -> Floats:
    """How far each cell is from what was expected, in expected ranges: (scored, columns); NaN where not judged."""
    far = np.full(odd.score.shape, np.nan)
    if odd.model is not None:
        for measure, index, said in zip(odd.model.measures, odd.at, odd.model.say(odd.rows), strict=True):
            distance = _unlikely if columns[index].categories else _far
            far[:, index] = distance(measure, odd, index, said, columns[index].values)
    return far


def _chosen(odd: Surprise, far: Floats) -> Rows:
    """The cell of each row to set aside: that which explains the others, if it is far out itself (scored,)."""
    at = np.arange(len(far))
    fits = (odd.odd >= 0) & (far[at, odd.odd] > FAR)
    return np.where(fits, odd.odd, far.argmax(1))


def _wrong(columns: Sequence[Cells], odd: Surprise, kept: Floats, common: Sequence[npt.NDArray[np.bool_]]) -> Floats:
    """How likely each cell is wrong (scored, columns), by models and tails that have learned from no odd cell.

    The first models have learned from the wrong cells too, and so take some of the right ones for odd.
    """
    wrong = np.zeros(odd.score.shape)
    for index, far in enumerate(_distances(columns, odd).T):
        judged = np.isfinite(far)
        left = judged & np.isfinite(kept[:, index])
        # So many set aside are no tail any more.
        usual = left if left.sum() < (1 - MANY) * judged.sum() else judged
        if not usual.any():
            continue
        if columns[index].categories:
            wrong[:, index] = _misnamed(columns[index], odd, index, far)
            continue
        assert odd.model is not None
        measure = odd.model.measures[odd.at.index(index)]
        distance, reach = _distance(measure, odd, index, columns[index].values)
        size = usually = np.abs(distance) / reach
        if measure.logs:
            # The times by which numbers are too large or too small say what is usual; too small is no more than it is.
            usually = _times(measure, np.abs(distance), reach)
            size = np.where(distance > 0, usually, np.minimum(usually, size))
        evidence = Tail.on_the_whole(usually[usual], END).evidence(size)
        evidence[common[index][odd.rows] | ~judged] = 0
        wrong[:, index] = np.where(_expected(columns[index], odd, index), 0, wrong_share(evidence, len(far)))
    return wrong


def _expected(cells: Cells, odd: Surprise, index: int) -> npt.NDArray[np.bool_]:
    """Which numbers lie where they were expected, as that is shown (scored,)."""
    low, high = outwards(odd.low[:, index].astype(np.float64), odd.high[:, index].astype(np.float64))
    values = cells.values[odd.rows]
    return np.asarray((values >= low) & (values <= high))


def _misnamed(cells: Cells, odd: Surprise, index: int, far: Floats) -> Floats:
    """How likely each category is wrong (scored,): as labels are, by the opinion of the other columns alone."""
    wrong, shares = np.zeros(len(odd.rows)), odd.shares(index)
    if shares is not None and _told(cells, odd.middle[:, index].astype(np.float64), odd.rows) >= TOLD:
        judged = np.flatnonzero(np.isfinite(far))
        wrong[judged] = mislabelled(shares[judged], cells.values[odd.rows[judged]].astype(np.int64))[0]
    return wrong


def _far(measure: Measure, odd: Surprise, index: int, _: Floats, values: Floats) -> Floats:
    """How far numbers are from what was expected, in units of the expected range (scored,).

    Logarithms draw in what is many times too large: of such a column the times count, if they are more.
    """
    distance, reach = _distance(measure, odd, index, values)
    far = np.abs(distance) / reach
    return np.maximum(far, _times(measure, np.maximum(distance, 0), reach)) if measure.logs else far


def _distance(measure: Measure, odd: Surprise, index: int, values: Floats) -> tuple[Floats, Floats]:
    """By how much numbers are above what was expected, and the expected range, as measured: both (scored,)."""
    low, middle, high = (_units(measure, each[:, index].astype(np.float64)) for each in (odd.low, odd.middle, odd.high))
    reach = np.maximum(high - middle, middle - low)  # of which one may end at 0
    reach = np.maximum(reach, max(0.1 * float(np.nanmedian(reach)), 1e-12))
    return np.asarray(_units(measure, values[odd.rows]) - middle), reach


def _times(measure: Measure, distance: Floats, reach: Floats) -> Floats:
    """How much larger numbers are than expected, from distances of at least 0 in logarithms, in expected excesses."""
    return np.asarray(np.expm1(np.minimum(distance * measure.spread, 300)) / np.expm1(reach * measure.spread))


def _unlikely(measure: Measure, odd: Surprise, _: int, said: Floats, values: Floats) -> Floats:
    """How much likelier than the category that stands there another one is, as a logarithm (scored,)."""
    share = np.clip(said, 0.02, 1)
    own = values[odd.rows][:, None] == np.array(measure.kept)
    known = own.any(1) & (odd.model.informed(measure, odd.rows) if odd.model else True)
    return np.where(known, np.log(share.max(1) / np.where(own, share, 0).max(1, initial=1e-9)), np.nan)


def _units(measure: Measure, values: Floats) -> Floats:
    held = replace(measure, cells=replace(measure.cells, values=values))
    return held.units(np.arange(len(values)))


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
    slip = slip_of(float(cells.values[row]), low, high, cells.decimals) if np.isfinite(low + high) else None
    return OddCell(row, cells.name, score, low, high, suggested=slip[2] if slip else None, decimals=cells.decimals)


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


def _with_standstills(found: list[OddCell], columns: Sequence[Cells], table: Table) -> list[OddCell]:
    """The cells with those of measurements that stood still; a few of each where there are many."""
    known = {(each.row, each.column): index for index, each in enumerate(found)}
    for cells in columns:
        floating = pa.types.is_floating(table.data.schema.field(cells.name).type)
        if cells.categories or not floating:
            continue
        still = list(standstills(cells.values, table.origin, table.row))
        most = max(STILL // max(len(still), 1), 1)
        for rows, score in still:
            value = float(cells.values[rows[0]])
            for row in rows[:most].tolist():
                index = known.get((row, cells.name))
                if index is None:
                    found.append(OddCell(row, cells.name, score, rule="run", limit=value))
                elif not found[index].rule:
                    score = max(score, found[index].score)
                    found[index] = replace(found[index], score=score, rule="run", limit=value, suggested=None)
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
