"""Which rows are wrong, rather than the model: one score per row, the odd cell, and how many are worth a look.

Two questions are asked of each row, by models that did not learn from it.

Is the target wrong? Classes: how unlikely is the label under the pooled opinion (engine/opinions.py) of the network,
similar rows and an additive model, given how many labels seem to be wrong: confident learning (Northcutt, Jiang, Chuang
2021, arXiv 1911.00068) with a better judge, and a share of wrong labels that is estimated. Numbers: how far is the
target from the pooled prediction, in units of the usual error of rows predicted alike, against the tail of such
distances (engine/tail.py), so that large values are no suspects for being large.
Is another cell wrong? The oddest of the row, given all others (engine/surprise.py).

Each answer is a number from 0 to 1, and score = 1 - (1 - target) (1 - cell). Rows of 0.5 and more are worth a look:
labels that are rather wrong than right, and cells so improbable that half of such rows must be wrong. Of classes the
mean loss of the first ten epochs (Pleiss et al. 2020, arXiv 2001.10528) has a say too: a network learns what is common
before it remembers what is not. It is the one number that comes from members that learned from the row; without it (too
many rows to follow) the score is out of fold altogether.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from xltrain.data.coded import Coded
from xltrain.data.encode import Encoding, Floats, Rows, Singles
from xltrain.data.table import Table
from xltrain.data.values import days, numbers, words
from xltrain.data.written import nearest_written, outwards, tolerance
from xltrain.engine.additive import Cells
from xltrain.engine.evaluate import Judged, combine
from xltrain.engine.loop import Course
from xltrain.engine.opinions import (
    mislabelled,
    neighbours_say,
    pooled_numbers,
    pooled_shares,
    standardised,
    tempered,
)
from xltrain.engine.result import Ledger, Suspects, TargetResult
from xltrain.engine.similar import pushing, similar_rows
from xltrain.engine.surprise import Surprise, local_scale, surprise
from xltrain.engine.tail import Tail, wrong_share

LISTED, FEWEST = 500, 50  # rows listed: all worth a look up to this many, and some more
SMALL = 2_000_000  # numbers below which a second thread waits more than it helps
RUNS = 6  # whose opinions are asked besides the winner's
LIKELY = 0.5  # from here on a row is worth a look
EXPECTED = 0.004  # wrong targets that are reckoned with where nothing speaks for any
EARLY = 0.1  # the say of the early losses


@dataclass(frozen=True)
class Asked:
    """What the models say of one target's rows that have been scored: every array (rows,) of the dataset.

    wrong: the probability that the target is; evidence: how improbable it is, in nats. said: the pooled prediction or
    (rows, classes) shares; low, high: where 90 % of the targets of such rows lie.
    """

    wrong: Floats
    evidence: Floats
    said: Floats
    low: Floats
    high: Floats


def with_suspects(
    results: Sequence[TargetResult],
    judged: Mapping[tuple[str, str], Sequence[Judged | Course]],
    table: Table,
    encoding: Encoding,
    raw: Singles,
) -> tuple[list[TargetResult], Surprise]:
    """The results of a fit with their suspects, and how odd every cell is."""
    cells = [*feature_cells(table, encoding), *map(target_cells, results)]
    # Numbers whose squares no float holds are odd enough without being warned about.
    with threadpool_limits(1 if raw.size < SMALL else None), np.errstate(over="ignore", invalid="ignore"):
        return _with_suspects(results, judged, cells, raw)


def _with_suspects(
    results: Sequence[TargetResult],
    judged: Mapping[tuple[str, str], Sequence[Judged | Course]],
    cells: Sequence[Cells],
    raw: Singles,
) -> tuple[list[TargetResult], Surprise]:
    asked = np.unique(np.concatenate([_worst(each.ledger, 50_000) for each in results]))
    odd = surprise(cells, asked)
    inputs = standardised(raw)
    found = []
    for result in results:
        others = [
            combine([one.held_out for one in told if isinstance(one, Judged)], len(raw))[0]
            for run in result.runs[: RUNS + 1]
            if run.name != result.winner and (told := judged.get((run.name, result.target), []))
        ]
        found.append(replace(result, suspects=suspects_of(result, odd, inputs, others)))
    return found, odd


def _worst(ledger: Ledger, count: int) -> Rows:
    loss = np.nan_to_num(ledger.loss, nan=-np.inf)
    return np.argpartition(-loss, count)[:count] if len(loss) > count else np.arange(len(loss))


def feature_cells(table: Table, encoding: Encoding) -> list[Cells]:
    """The columns of a dataset that a cell of theirs can be judged in: numbers, dates and categories, not texts."""
    return [_cells(table, column) for column in encoding.columns if column.reads in ("numeric", "date", "category")]


def _cells(table: Table, column: Coded) -> Cells:
    found = {name.casefold(): name for name in reversed(table.names)}
    name = column.name if column.name in table.names else found[column.name.casefold()]
    values = table.data.column(name)
    if column.reads != "category":
        return Cells(column.name, days(values) if column.reads == "date" else numbers(values))
    return category_cells(column.name, words(values))


def category_cells(name: str, labels: object) -> Cells:
    """A column of categories from an Arrow array of strings."""
    coded = labels.dictionary_encode()  # type: ignore[attr-defined]
    codes = np.array(coded.indices.fill_null(-1).to_numpy(zero_copy_only=False), np.float64)
    return Cells(name, np.where(codes < 0, np.nan, codes), tuple(coded.dictionary.to_pylist()))


def target_cells(result: TargetResult) -> Cells:
    values = result.ledger.target
    if not result.classes:
        return Cells(result.target, values, tells=False)
    return Cells(result.target, np.where(values < 0, np.nan, values), result.classes, tells=False)


def suspects_of(
    result: TargetResult, odd: Surprise, inputs: npt.NDArray[np.float32], others: Sequence[Floats] = ()
) -> Suspects:
    """The suspects of one target.

    Args:
        odd: the surprise of all cells, the targets' among them.
        inputs: standardised features (rows, features).
        others: what further runs say of rows that they held out, as in `Ledger`.
    """
    ledger, total = result.ledger, len(result.ledger.target)
    own = next(index for index, each in enumerate(odd.columns) if each.name == result.target)
    asked = _ask_classes(ledger, odd, own, inputs, others) if result.classes else _ask(ledger, odd, own, inputs, others)
    evidence, wrong = np.zeros(total), np.zeros(total)
    evidence[odd.rows] = odd.evidence([index for index, each in enumerate(odd.columns) if not each.tells])
    wrong[odd.rows] = wrong_share(evidence[odd.rows], total)
    score = 1 - (1 - asked.wrong) * (1 - wrong)
    scored = np.isfinite(asked.said).all(1) if result.classes else np.isfinite(asked.said)
    scored &= ledger.target >= 0 if result.classes else np.isfinite(ledger.target)
    score = np.where(scored | (wrong > 0), score, np.nan)
    worth = int((score >= LIKELY).sum())
    column, low, high, amount, usual = _odd_cells(odd, own, asked, wrong, evidence)
    # A cell may be odd where it was expected, as a value that the column never has; then it is not said where that is.
    low[usual & (score >= LIKELY)] = np.nan
    order = np.argsort(-np.nan_to_num(score, nan=-1), kind="stable")
    order = order[np.isfinite(score[order]) & ((score[order] >= LIKELY) | ~usual[order])]
    order = order[: min(LISTED, max(FEWEST, 2 * worth))]
    suggested, confidence = np.full(total, np.nan), np.full(total, np.nan)
    if result.classes:
        best = np.nan_to_num(asked.said).argmax(1)
        suggested = np.where(scored & (best != ledger.target), best, np.nan)
        confidence = np.where(scored, asked.said.max(1), np.nan)
    return Suspects(
        score,
        order,
        suggested,
        confidence,
        tuple(each.name for each in odd.columns),
        column,
        low,
        high,
        amount,
        _expected(odd, order, column),
        asked.low,
        asked.high,
        similar_rows(inputs, order),
        pushing(odd, own, order),
        worth,
        tuple(each.decimals for each in odd.columns),
    )


def _ask(ledger: Ledger, odd: Surprise, own: int, inputs: npt.NDArray[np.float32], others: Sequence[Floats]) -> Asked:
    """What is said of a target of numbers."""
    rows = np.flatnonzero(np.isfinite(ledger.prediction) & np.isfinite(ledger.target))
    total = len(ledger.target)
    target = ledger.target[rows]
    said = [ledger.prediction[rows], *(each[rows] for each in others if np.isfinite(each[rows]).all())]
    near = neighbours_say(inputs, ledger.target, rows, 0)
    said += [near[rows]] if near is not None else []
    additive = np.full(total, np.nan)
    additive[odd.rows] = odd.middle[:, own]
    said += [additive[rows]] if np.isfinite(additive[rows]).all() else []
    blank = np.full(total, np.nan)
    wrong, evidence, pooled, low, high = np.zeros(total), np.zeros(total), blank, blank.copy(), blank.copy()
    if not len(rows):
        return Asked(wrong, evidence, pooled, low, high)
    pooled[rows] = pooled_numbers(said, target)
    residual, least = np.abs(target - pooled[rows]), tolerance(target)
    scale = np.maximum(
        local_scale(residual, pooled[rows]), np.maximum(least, 1e-9 * max(float(np.std(target)), 1e-300))
    )
    # No number is odd by less than its rounding, nor where its column holds none that is nearer to what is said.
    size = np.where(nearest_written(target, pooled[rows]), least, np.maximum(residual, least)) / scale
    evidence[rows] = Tail.of(size).evidence(size)
    wrong[rows] = wrong_share(evidence[rows], len(rows), max(1.0, EXPECTED * len(rows)))
    reach = np.maximum(np.quantile(size, 0.9) * scale, least)
    low[rows], high[rows] = pooled[rows] - reach, pooled[rows] + reach
    if (target >= 0).all():
        low = np.maximum(low, 0)
    return Asked(wrong, evidence, pooled, low, high)


def _ask_classes(
    ledger: Ledger, odd: Surprise, own: int, inputs: npt.NDArray[np.float32], others: Sequence[Floats]
) -> Asked:
    """What is said of a target of classes."""
    assert ledger.probability is not None
    total, classes = ledger.probability.shape
    rows = np.flatnonzero(np.isfinite(ledger.probability).all(1) & (ledger.target >= 0))
    said, wrong, evidence = np.full((total, classes), np.nan), np.zeros(total), np.zeros(total)
    if len(rows):
        codes = ledger.target[rows].astype(np.int64)
        told = [ledger.probability, *others]
        voices = [tempered(each[rows], codes) for each in told if np.isfinite(each[rows]).all()]
        near = neighbours_say(inputs, ledger.target, rows, classes)
        voices += [near[rows]] if near is not None else []
        additive = np.full((total, classes), np.nan)
        likely = odd.shares(own)
        if likely is not None:
            additive[odd.rows] = likely
        voices += [additive[rows]] if np.isfinite(additive[rows]).all() else []
        pooled = pooled_shares(voices, codes)
        said[rows] = pooled
        share, shares = mislabelled(pooled, codes)
        wrong[rows] = _with_early(share, ledger, rows)
        mine = shares[np.arange(len(rows)), codes]
        evidence[rows] = np.log(np.maximum(shares.max(1) / np.maximum(mine, 1e-9), 1))
    blank = np.full(total, np.nan)
    return Asked(wrong, evidence, said, blank, blank)


def _with_early(wrong: Floats, ledger: Ledger, rows: Rows) -> Floats:
    """The probability that a label is wrong, moved towards its rank by early loss."""
    early = ledger.dynamics.early[rows] if ledger.dynamics is not None else np.full(len(rows), np.nan)
    if not EARLY or not np.isfinite(early).all():
        return wrong
    # By rank, so that the unit of the loss does not matter: the same probabilities, dealt in the order of the losses.
    dealt = np.empty(len(rows))
    dealt[np.argsort(early, kind="stable")] = np.sort(wrong)
    return (1 - EARLY) * wrong + EARLY * dealt


def _odd_cells(
    odd: Surprise, own: int, asked: Asked, wrong: Floats, evidence: Floats
) -> tuple[Rows, Floats, Floats, Floats, npt.NDArray[np.bool_]]:
    """For each row its odd column, -1 for none, where its value would be expected, and how odd it is in nats.

    Last, in which rows that cell lies where it was expected, as that is shown.
    """
    total = len(wrong)
    column = np.full(total, -1, np.int64)
    column[odd.rows] = np.where(odd.score[np.arange(len(odd.rows)), odd.odd] > 0, odd.odd, -1)
    # An odd cell among the features misleads whoever predicts the target; the target has no say in theirs.
    column[(wrong < LIKELY) & (asked.evidence > evidence)] = own
    low, high, amount = _ranges(odd, own, asked, column)
    usual = np.zeros(total, bool)
    for index in np.unique(column[column >= 0]).tolist():
        if not odd.columns[index].categories:
            those = np.flatnonzero(column == index)
            least, most = outwards(low[those], high[those])
            values = odd.columns[index].values[those]
            usual[those] = (values >= least) & (values <= most)
    return column, low, high, amount, usual


def _ranges(odd: Surprise, own: int, asked: Asked, column: Rows) -> tuple[Floats, Floats, Floats]:
    """Where the value of each row's odd column would be expected, and how odd it is in nats: (rows,) each."""
    low, high, amount = (np.full(len(column), np.nan) for _ in range(3))
    at = np.flatnonzero(column[odd.rows] >= 0)
    rows, which = odd.rows[at], column[odd.rows[at]]
    low[rows], high[rows], amount[rows] = (each[at, which] for each in (odd.low, odd.high, odd.score))
    mine = np.flatnonzero(column == own)
    amount[mine] = np.fmax(amount[mine], asked.evidence[mine])
    low[mine] = np.where(np.isfinite(asked.low[mine]), asked.low[mine], low[mine])
    high[mine] = np.where(np.isfinite(asked.high[mine]), asked.high[mine], high[mine])
    return low, high, amount


def _expected(odd: Surprise, order: Rows, column: Rows) -> tuple[str, ...]:
    """For each row listed the category expected in its odd column; empty where that holds numbers."""
    at = np.searchsorted(odd.rows, order)
    at = np.minimum(at, len(odd.rows) - 1)
    found = []
    for row, position in zip(order.tolist(), at.tolist(), strict=True):
        which = int(column[row])
        names = odd.columns[which].categories if which >= 0 else ()
        known = names and int(odd.rows[position]) == row and np.isfinite(odd.middle[position, which])
        found.append(names[int(odd.middle[position, which])] if known else "")
    return tuple(found)
