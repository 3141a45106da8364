"""An additive model of each column of a table from all the others, out of fold; all columns at the price of one.

A column is measured from its median in units of its quartiles, or in logarithms where those are the more symmetric. It
is predicted by ridge regression on the others as piecewise linear terms (Hastie and Tibshirani, Generalized Additive
Models, 1990). All columns share one matrix of products per fold, from which the block of the predicted column is taken
by the formula for partitioned inverses: a column more costs a product, not a fit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from xltrain.data.written import decimals_of
from xltrain.engine.tail import LEAST

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]

FOLDS = 5
LEARNED = 40_000  # rows that the models learn from
CHUNK = 16_384
WIDEST = 600  # columns that are looked at
TERMS = 600  # terms in all: with more columns each gets fewer
CLIPPED = 3.5  # units of spread beyond which a value tells nothing more about the others
KNOTS = (0.2, 0.5, 0.8)
CATEGORIES = 40  # the most frequent ones; the rest count as one


@dataclass(frozen=True)
class Cells:
    """A column: numbers (rows,), NaN where empty, or positions in `categories`, NaN where empty.

    One that does not tell, such as a target that may be wrong itself, is predicted but predicts no other.
    """

    name: str
    values: Floats
    categories: tuple[str, ...] = ()
    tells: bool = True

    @cached_property
    def decimals(self) -> int | None:
        """How many decimals its numbers have; None where they are not rounded, or none."""
        return None if self.categories else decimals_of(self.values)


@dataclass
class Measure:
    """How a column is measured, and which terms stand for it in the models of the others."""

    cells: Cells
    logs: bool = False
    center: float = 0.0
    spread: float = 1.0
    knots: tuple[float, ...] = ()
    kept: tuple[int, ...] = ()
    more: bool = False  # there are further frequent categories, which the terms do not tell apart
    gaps: bool = False
    terms: slice = field(default_factory=lambda: slice(0))
    wanted: slice = field(default_factory=lambda: slice(0))

    @property
    def width(self) -> int:
        """How many terms stand for the column."""
        if not self.cells.tells:
            return 0
        return (len(self.kept) if self.cells.categories else 1 + len(self.knots)) + self.gaps

    def units(self, rows: Rows) -> Floats:
        """The numbers in units of the column's spread."""
        values = self.cells.values[rows]
        if self.logs:
            with np.errstate(invalid="ignore", divide="ignore"):
                values = np.where(values > 0, np.log(np.maximum(values, 1e-300)), np.nan)
        return np.asarray((values - self.center) / self.spread)

    def finest(self, amounts: Floats, expected: Floats) -> Floats:
        """Small amounts beside what is expected, itself in units, in units of the column's spread."""
        if self.logs:
            amounts = np.log1p(amounts / np.maximum(self.back(expected), 1e-300))
        return np.asarray(np.nan_to_num(amounts / self.spread))

    def back(self, units: Floats) -> Floats:
        values = units * self.spread + self.center
        return np.exp(np.minimum(values, 700)) if self.logs else values

    def write(self, out: Floats, units: Floats) -> None:
        """The terms of some rows, from their units or positions of categories: out (rows, width)."""
        if not self.cells.tells:
            return
        lacking = np.isnan(units)
        if self.cells.categories:
            for offset, code in enumerate(self.kept):
                out[:, offset] = units == code
        else:
            near = np.clip(np.where(lacking, 0, units), -CLIPPED, CLIPPED)
            out[:, 0] = near
            for offset, knot in enumerate(self.knots, 1):
                out[:, offset] = np.where(lacking, 0, np.maximum(near - knot, 0))
        if self.gaps:
            out[:, -1] = lacking

    def answers(self, units: Floats) -> Floats:
        """What is to be predicted (rows, 1 or categories), NaN where empty."""
        if not self.cells.categories:
            return np.asarray(np.clip(units, -CLIPPED, CLIPPED)[:, None])
        found: Floats = (units[:, None] == np.array(self.kept)).astype(np.float64)
        found[np.isnan(units)] = np.nan
        return found

    def told_apart(self, rows: Rows) -> npt.NDArray[np.bool_]:
        """Which of these rows the terms do not lump together with others that differ (rows,)."""
        if not self.more:
            return np.ones(len(rows), bool)
        values = self.cells.values[rows]
        return np.isin(values, self.kept) | np.isnan(values)

    def read(self, rows: Rows) -> Floats:
        return self.cells.values[rows] if self.cells.categories else self.units(rows)


@dataclass(frozen=True)
class Additive:
    """The models: weights (folds, terms and a constant, answers), the mean of each term, and the fold of each row."""

    measures: tuple[Measure, ...]
    weights: Floats
    means: Floats
    fold: Rows

    @classmethod
    def of(cls, columns: Sequence[Cells], seed: int = 0) -> "Additive | None":
        """None where there are too few rows, or fewer than two usable columns."""
        total = len(columns[0].values) if columns else 0
        measures = tuple(_measures(columns, total))
        if len(measures) < 2 or total < 2 * LEAST:
            return None
        fold = np.random.default_rng(seed).permutation(total) % FOLDS
        return cls(measures, *_learn(measures, fold, total, seed), fold)

    def say(self, rows: Rows) -> list[Floats]:
        """What is expected of rows that the models did not learn from: (rows,) or (rows, kept categories) each."""
        out = np.empty((len(rows), self.weights.shape[2]))
        for start in range(0, len(rows), CHUNK):
            part = rows[start : start + CHUNK]
            out[start : start + len(part)] = self.of_units([each.read(part) for each in self.measures], part)
        return [out[:, each.wanted] if each.cells.categories else out[:, each.wanted.start] for each in self.measures]

    def of_units(self, units: Sequence[Floats], rows: Rows) -> Floats:
        """All answers (rows, answers) for given cells, by the models of these rows' folds."""
        terms = _terms(self.measures, units)
        out = np.empty((len(rows), self.weights.shape[2]))
        for one in range(FOLDS):
            inside = np.flatnonzero(self.fold[rows] == one)
            out[inside] = terms[inside] @ self.weights[one]
        return out

    def informed(self, measure: Measure, rows: Rows) -> npt.NDArray[np.bool_]:
        """For which rows all that tells of a column is told (rows,): a category that counts as one with others that
        differ says less of the row than of those that the model learned from, and a category would be odd for it.
        """
        others = [each.told_apart(rows) for each in self.measures if each is not measure and each.cells.tells]
        return np.asarray(np.all(others, axis=0)) if others else np.ones(len(rows), bool)

    def pulls(self, answer: int, rows: Rows) -> Floats:
        """By how much each column moves the prediction of `measures[answer]` from its mean: (rows, measures)."""
        wanted = self.measures[answer].wanted
        terms = _terms(self.measures, [each.read(rows) for each in self.measures]) - self.means
        found = np.zeros((len(rows), len(self.measures)))
        for index, measure in enumerate(self.measures):
            for one in range(FOLDS):
                inside = np.flatnonzero(self.fold[rows] == one)
                if not measure.width:
                    continue
                moved = terms[inside][:, measure.terms] @ self.weights[one, measure.terms, wanted]
                found[inside, index] = np.take_along_axis(moved, np.abs(moved).argmax(1)[:, None], 1)[:, 0]
        return found


def _measures(columns: Sequence[Cells], total: int) -> list[Measure]:
    """How each usable column is measured, and where its terms stand."""
    sample = np.arange(total) if total <= LEARNED else np.linspace(0, total - 1, LEARNED).astype(np.int64)
    found = []
    for cells in columns[:WIDEST]:
        measure = _measure(cells, cells.values[sample])
        if measure:
            found.append(measure)
    if sum(each.width for each in found) > TERMS:
        for each in found:
            each.knots = ()
            most = max(2, TERMS // len(found))
            each.more, each.kept = each.more or len(each.kept) > most, each.kept[:most]
    start = wanted = 0
    for each in found:
        each.terms, start = slice(start, start + each.width), start + each.width
        outputs = len(each.kept) if each.cells.categories else 1
        each.wanted, wanted = slice(wanted, wanted + outputs), wanted + outputs
    return found


def _measure(cells: Cells, values: Floats) -> Measure | None:
    known = values[np.isfinite(values)]
    gaps = len(known) < len(values)
    if len(known) < 2 * LEAST:
        return None
    if cells.categories:
        codes, counts = np.unique(known.astype(np.int64), return_counts=True)
        often = counts >= max(LEAST, len(known) / 500)
        order = np.argsort(-counts[often], kind="stable")[:CATEGORIES]
        kept = tuple(int(each) for each in codes[often][order])
        return Measure(cells, kept=kept, more=often.sum() > CATEGORIES, gaps=gaps) if len(kept) > 1 else None
    if not np.ptp(known) > 0:
        return None
    logs = bool((known > 0).mean() > 0.999 and _skew(np.log(known[known > 0])) < _skew(known) - 0.05)
    if logs:
        known = np.log(known[known > 0])
    low, center, high = np.quantile(known, [0.25, 0.5, 0.75])
    spread = (high - low) / 1.349
    if spread <= 0:  # more than half are the same
        spread = float(np.std(np.clip(known, *np.quantile(known, [0.02, 0.98])))) or float(np.std(known))
    units = np.clip((known - center) / spread, -CLIPPED, CLIPPED)
    knots = np.unique(np.quantile(units, KNOTS)) if len(np.unique(units)) > 4 else np.zeros(0)
    knots = knots[(knots > units.min()) & (knots < units.max())]
    return Measure(cells, logs, float(center), float(spread), tuple(map(float, knots)), gaps=gaps)


def _skew(values: Floats) -> float:
    """How unlike the two sides are, from quantiles alone, so that errors do not count (Hinkley 1975)."""
    if not len(values):
        return 1.0
    low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
    return float(abs((high + low - 2 * middle) / (high - low))) if high > low else 0.0


def _terms(measures: Sequence[Measure], units: Sequence[Floats]) -> Floats:
    out = np.empty((len(units[0]), measures[-1].terms.stop + 1))
    for measure, values in zip(measures, units, strict=True):
        measure.write(out[:, measure.terms], values)
    out[:, -1] = 1
    return out


def _learn(measures: Sequence[Measure], fold: Rows, total: int, seed: int) -> tuple[Floats, Floats]:
    """The weights of every model, of which a column has none on its own terms; and the mean of each term."""
    rows = np.arange(total)
    if total > LEARNED:
        rows = np.sort(np.random.default_rng(seed).choice(total, LEARNED, replace=False))
    width, answers = measures[-1].terms.stop + 1, measures[-1].wanted.stop
    products, wanted = np.zeros((FOLDS, width, width)), np.zeros((FOLDS, width, answers))
    for start in range(0, len(rows), CHUNK):
        part = rows[start : start + CHUNK]
        units = [measure.read(part) for measure in measures]
        terms = _terms(measures, units)
        asked = np.concatenate(
            [measure.answers(each) for measure, each in zip(measures, units, strict=True)], 1
        )  # an empty cell counts as the middle, and is not judged
        asked = np.nan_to_num(asked)
        for one in range(FOLDS):
            inside = fold[part] == one
            products[one] += terms[inside].T @ terms[inside]
            wanted[one] += terms[inside].T @ asked[inside]
    weights = np.zeros((FOLDS, width, answers))
    for one in range(FOLDS):
        weights[one] = _solve(measures, products.sum(0) - products[one], wanted.sum(0) - wanted[one])
    return weights, products.sum(0)[-1] / len(rows)


def _solve(measures: Sequence[Measure], products: Floats, wanted: Floats) -> Floats:
    """Ridge weights of all answers, each without the terms of its own column."""
    count = products[-1, -1]
    penalty = np.full(len(products), 1e-3 * count + 5)
    penalty[-1] = 1e-6 * count
    inverse = np.linalg.inv(products + np.diag(penalty))
    weights = inverse @ wanted
    for measure in measures:
        own = measure.terms
        whole = weights[:, measure.wanted] - inverse[:, own] @ wanted[own, measure.wanted]
        if measure.width:
            whole -= inverse[:, own] @ np.linalg.solve(inverse[own, own], whole[own])
            whole[own] = 0
        weights[:, measure.wanted] = whole
    return weights
