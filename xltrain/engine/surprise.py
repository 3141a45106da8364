"""Which cell of a table is odd: each column predicted from all the others, by models that never saw the row.

The residual of the additive model (engine/additive.py) is judged against the usual residual of rows predicted alike,
so that a column whose noise grows with its level has no suspects merely for being large, and then against the tail of
its own column (engine/tail.py). The odd cell of a row is the one that, put right, leaves the others least odd.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from xltrain.data.written import tolerance
from xltrain.engine.additive import Additive, Cells, Measure
from xltrain.engine.tail import Tail, among_rows

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

SCORED = 200_000  # rows scored; of more, those farthest from their columns' middles and those asked for
WINDOW = 0.1  # share of the rows that are predicted alike
FINEST = 0.02  # of a column's spread: a residual below is rounding
RIVALS = 4  # cells of a row that may be the odd one
ODD = 3.0  # nats; of rows without such a cell none is put right to see what follows
COMMON, FEW = 0.02, 5  # share and number of rows from which on a value is common
ENDS = (0.9, 0.97)  # quantiles to which a column says itself how its tail goes on
CHOSEN = 20_000  # rows at most of which it is seen
MANY = 64  # columns above which the oddest cell is taken for the odd one
INSIDE = 0.9  # of the rows lie in the expected range


@dataclass(frozen=True)
class Surprise:
    """How odd each cell is.

    Attributes:
        rows: positions of the rows that were scored (scored,).
        score: in nats of the column's own tail (scored, columns): 0 as usual, 7 one in a thousand; 0 where empty.
        middle: what the rest of the row leads one to expect (scored, columns): a number, or a category's position.
        low, high: where 90 % of the cells with such a row lie (scored, columns); NaN for categories.
        odd: the column whose cell explains the row's oddness best (scored,); -1 where there is nothing to explain.
    """

    columns: tuple[Cells, ...]
    rows: Rows
    score: Singles
    middle: Singles
    low: Singles
    high: Singles
    odd: Rows
    model: Additive | None = None
    at: tuple[int, ...] = ()  # where the columns of the model stand among all

    def shares(self, column: int) -> Floats | None:
        """How likely each category of a column is for each scored row (scored, categories); None for numbers."""
        if self.model is None or column not in self.at or not self.columns[column].categories:
            return None
        measure = self.model.measures[self.at.index(column)]
        likely = np.clip(self.model.say(self.rows)[self.at.index(column)], 0.01, 1)
        found = np.zeros((len(self.rows), len(self.columns[column].categories)))
        found[:, list(measure.kept)] = likely / likely.sum(1, keepdims=True)
        return found

    def pulls(self, column: int, rows: Rows) -> Floats:
        """By how much each column moves what is expected of `column`: (rows, columns), in its own measure."""
        found = np.zeros((len(rows), len(self.columns)))
        if self.model is not None and column in self.at:
            found[:, list(self.at)] = self.model.pulls(self.at.index(column), rows)
        return found

    def evidence(self, without: Sequence[int] = ()) -> Floats:
        """How improbable the oddest cell of each row is among such rows, in nats (scored,); `without` these columns."""
        score = np.delete(self.score, list(without), 1)
        return among_rows(score.max(1, initial=0).astype(np.float64))


def surprise(columns: Sequence[Cells], asked: Rows | None = None, seed: int = 0) -> Surprise:
    """How odd every cell is, given the rest of its row.

    Columns without a spread, and categories nearly all different (names, keys), are not judged: their scores are 0.

    Args:
        columns: all of one length.
        asked: rows to score in any case; matters above 200,000 rows alone, of which the oddest are scored.
    """
    columns = tuple(columns)
    total = len(columns[0].values) if columns else 0
    rows = _scored_rows(columns, total, asked)
    shape = (len(rows), len(columns))
    middle, low, high = (np.full(shape, np.nan, np.float32) for _ in range(3))
    found = Surprise(columns, rows, np.zeros(shape, np.float32), middle, low, high, np.full(len(rows), -1, np.int64))
    model = Additive.of(columns, seed)
    if model is None:
        return found
    said = model.say(rows)
    at = [next(index for index, each in enumerate(columns) if each is measure.cells) for measure in model.measures]
    judged = []
    for index, measure, each in zip(at, model.measures, said, strict=True):
        judged.append(_Judged.of(measure, rows, each, model.informed(measure, rows)))
        found.score[:, index] = judged[-1].score
        judged[-1].expect(found, index)
    found = replace(found, model=model, at=tuple(at))
    _choose(found, model, judged)
    return found


@dataclass(frozen=True)
class _Judged:
    """One column over the scored rows: its cells, what was expected, the usual distance, and how odd each is."""

    measure: Measure
    units: Floats
    said: Floats
    least: Floats  # what the cells are rounded by, in units
    scale: Floats
    reach: float  # usual distances within which nine of ten cells lie
    tail: Tail
    above: Tail  # of a column in logarithms: how many times too large its numbers are
    score: Floats

    @classmethod
    def of(cls, measure: Measure, rows: Rows, said: Floats, informed: npt.NDArray[np.bool_]) -> "_Judged":
        nothing, units = Tail.of(np.zeros(0)), measure.read(rows)
        if measure.cells.categories:
            size = np.where(informed, _unlikely(measure, units, said), np.nan)
            tail = Tail.of(size, ENDS)
            ones = np.ones(len(units))
            return cls(measure, units, said, ones, ones, 0.0, tail, nothing, tail.evidence(size))
        distance, least = units - said, measure.finest(tolerance(measure.cells.values)[rows], said)
        scale = np.maximum(local_scale(np.abs(distance), said), np.maximum(least, FINEST))
        size = np.maximum(np.abs(distance), least) / scale
        common, most = _common(units)
        tails = np.ones(len(units), bool)
        if most > 0.5:  # one value in most rows: the others are judged among themselves
            tails = ~common
            if common.mean() >= 0.9:  # a mark that few rows bear: rare, not wrong
                tails = np.zeros(len(units), bool)
        known = size[np.isfinite(size)]
        reach = float(np.quantile(known, INSIDE)) if len(known) else 1.0
        tail, above = Tail.of(size[tails], ENDS), nothing
        if measure.logs:
            above = Tail.of(_times(measure, np.maximum(np.abs(distance), least), scale)[tails], ENDS)
        found = cls(measure, units, said, least, scale, reach, tail, above, size)
        return replace(found, score=found.evidence(np.where(common, np.nan, distance), np.arange(len(units))))

    def evidence(self, distance: Floats, rows: Rows) -> Floats:
        """How improbable numbers so far from what was expected are, in nats.

        Logarithms draw in what is many times too large. So numbers above what was expected are judged by how many
        times they are, too, and the larger evidence of the two counts, less what the second try is worth. No number is
        odd by less than its rounding.
        """
        scale, distance = self.scale[rows], np.where(np.abs(distance) > self.least[rows], distance, 0 * distance)
        found = self.tail.evidence(np.abs(distance) / scale)
        if not self.measure.logs:
            return found
        times = self.above.evidence(_times(self.measure, np.maximum(distance, 0), scale)) - np.log(2)
        return np.where(distance > 0, np.maximum(found, times), found)

    def expect(self, found: Surprise, index: int) -> None:
        """Write what was expected of each cell into `found`."""
        if self.measure.cells.categories:
            found.middle[:, index] = np.array(self.measure.kept)[self.said.argmax(1)]
            return
        values = self.measure.cells.values
        # A price or an age is not expected below 0.
        least = 0.0 if np.nanmin(values) >= 0 else -np.inf
        with np.errstate(over="ignore"):
            found.middle[:, index] = np.maximum(self.measure.back(self.said), least)
            reach = np.maximum(self.reach * self.scale, self.least)
            found.low[:, index] = np.maximum(self.measure.back(self.said - reach), least)
            found.high[:, index] = np.maximum(self.measure.back(self.said + reach), least)

    def put(self, rows: Rows) -> Floats:
        """What the cells would be, put right."""
        if self.measure.cells.categories:
            return np.asarray(np.array(self.measure.kept, np.float64)[self.said[rows].argmax(1)])
        return np.asarray(self.said[rows])

    def again(self, units: Floats, answers: Floats, rows: Rows) -> Floats:
        """How odd the cells of these rows are once others are put right."""
        if self.measure.cells.categories:
            return self.tail.evidence(_unlikely(self.measure, units, answers[:, self.measure.wanted]))
        return self.evidence(units - answers[:, self.measure.wanted.start], rows)


def _times(measure: Measure, distance: Floats, scale: Floats) -> Floats:
    """How much larger numbers are than expected, from distances of at least 0 in logarithms, in usual excesses."""
    with np.errstate(over="ignore"):
        return np.asarray(np.expm1(np.minimum(distance * measure.spread, 300)) / np.expm1(scale * measure.spread))


def _scored_rows(columns: Sequence[Cells], total: int, asked: Rows | None) -> Rows:
    if total <= SCORED:
        return np.arange(total)
    far = np.zeros(total)
    for cells in columns:
        if not cells.categories and np.isfinite(cells.values).any():
            low, middle, high = np.nanquantile(cells.values, [0.25, 0.5, 0.75])
            far = np.fmax(far, np.abs(cells.values - middle) / max(high - low, 1e-300))
    asked = np.zeros(0, np.int64) if asked is None else asked[: SCORED // 2]
    farthest = np.argpartition(-far, SCORED // 4)[: SCORED // 4]
    some = np.linspace(0, total - 1, SCORED // 4).astype(np.int64)  # the usual ones say what is usual
    return np.unique(np.concatenate([asked, farthest, some]))


def _common(units: Floats) -> tuple[npt.NDArray[np.bool_], float]:
    """Cells whose value stands so often that it is no slip of the hand (zeros, codes); the share of the commonest."""
    _, position, count = np.unique(units, return_inverse=True, return_counts=True)
    return count[position] > max(COMMON * len(units), FEW), float(count.max() / len(units))


def local_scale(residual: Floats, level: Floats) -> Floats:
    """The usual absolute residual (rows,) of rows predicted alike: a running median, as a standard deviation.

    Half of it is that of the whole column, lest a quiet neighbourhood make nothing of something.
    """
    known = np.flatnonzero(np.isfinite(residual) & np.isfinite(level))
    scale = np.full(len(residual), np.nan)
    if not len(known):
        return scale
    order = known[np.argsort(level[known], kind="stable")]
    ordered = residual[order]
    window = min(max(int(WINDOW * len(known)), 30), len(known))
    centers = np.linspace(0, len(known) - 1, 41)
    starts = np.clip(centers - window / 2, 0, len(known) - window).astype(np.int64)
    medians = np.array([np.median(ordered[start : start + window]) for start in starts])
    local = np.interp(np.arange(len(known)), centers, medians)
    whole = float(np.median(ordered))
    scale[order] = 1.4826 * np.sqrt(local * whole) * 0.5 + 1.4826 * local * 0.5
    return np.asarray(np.where(np.isnan(scale), 1.4826 * whole, scale))


def _unlikely(measure: Measure, values: Floats, said: Floats) -> Floats:
    """How much likelier than the category that stands there another one is, as a logarithm; NaN where not judged."""
    share = np.clip(said, 0.02, 1)
    share /= share.sum(1, keepdims=True)
    position = np.searchsorted(np.sort(measure.kept), np.nan_to_num(values, nan=-1))
    sorted_kept = np.sort(measure.kept)
    known = (position < len(sorted_kept)) & (sorted_kept[np.minimum(position, len(sorted_kept) - 1)] == values)
    own = np.argsort(measure.kept)[np.minimum(position, len(sorted_kept) - 1)]
    odds = np.log(share.max(1) / share[np.arange(len(values)), own])
    return np.where(known, odds, np.nan)


def _choose(found: Surprise, model: Additive, judged: Sequence[_Judged]) -> None:
    """Name the odd cell: that which, put right, leaves the others least odd.

    A wrong cell makes those odd that it helps to predict, and the oddest is not always the wrong one.
    """
    score = np.stack([each.score * each.measure.cells.tells for each in judged], 1)
    best = score.argmax(1)
    rows = np.flatnonzero(score.max(1) > ODD)
    if len(judged) > MANY:
        rows = rows[:0]
    if len(rows) > CHOSEN:
        rows = np.sort(rows[np.argsort(-score[rows].max(1), kind="stable")[:CHOSEN]])
    rivals = np.argsort(-score[rows], 1, kind="stable")[:, :RIVALS]
    left = np.full(rivals.shape, np.inf)
    for turn in range(rivals.shape[1]):
        for index, one in enumerate(judged):
            mine = np.flatnonzero((rivals[:, turn] == index) & (score[rows, rivals[:, turn]] > ODD - 1))
            if len(mine):
                those = rows[mine]
                units = [each.units[those] for each in judged]
                units[index] = one.put(those)
                answers = model.of_units(units, found.rows[those])
                after = [
                    each.again(unit, answers, those)
                    for each, unit in zip(judged, units, strict=True)
                    if each is not one
                ]
                left[mine, turn] = np.sort(np.array(after), 0)[-3:].sum(0) - 0.5 * score[those, index]
    if len(rows):
        best[rows] = rivals[np.arange(len(rows)), left.argmin(1)]
    found.odd[:] = np.where(score.max(1) > 0, np.array(found.at)[best], -1)
