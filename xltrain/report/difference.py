"""What differs between two fits: settings, rows and cells, and the error on the rows that both have unchanged.

Only such rows say whether a change was for the better: leaving out hard rows always looks like progress. The error of a
row is its distance from the target, or the log loss of its class, out of fold in both fits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xltrain.data.fingerprint import cell_hashes
from xltrain.data.values import words
from xltrain.engine.result import Floats
from xltrain.errors import WorkbookError
from xltrain.language import text
from xltrain.place import Place, Problem, column_number
from xltrain.registry import metrics as known_metrics
from xltrain.report.matched import WEIGHTS, Matched, Positions, match
from xltrain.report.record import PREFIX, Record, TargetRecord, read_data, read_ledger, read_record

MOST_CELLS = 5_000  # changed cells that are listed
SURE = 1.96  # standard errors on both sides: 95 % of a normal distribution
# The message that says what the error of a row is.
MEASURES = {"mae": "compare_mae", "log_loss": "compare_log_loss", "error_share": "compare_error_share"}
LEAST = 1e-6  # the least probability that a log loss counts
SKIPPED = {"Sources": ("path",), "Job": ("name", "output", "decisions", "language", "device"), "Runs": ("note",)}
KEYS = {"Sources": "path", "Columns": "name", "Runs": "name"}


@dataclass(frozen=True)
class Side:
    """One of the two fits as it lies on disk."""

    path: Path
    record: Record
    data: pa.Table
    ledger: pa.Table

    def place(self, row: int, column: str = "") -> Place:
        """Where a row, or its cell of a column, stands."""
        file, sheet, letter, key = (self.data.column(PREFIX + word)[row].as_py() or "" for word in _WHERE)
        known = next((each.sheets.get(sheet, {}) for each in self.record.files if each.file == file), {})
        letter = known.get(column, "") or (letter if column else "")
        if key:
            return Place(file, "!".join(part for part in (sheet, key, column) if part))
        return Place(file, sheet, self.data.column(PREFIX + "row")[row].as_py(), column_number(letter))


_WHERE = ("file", "sheet", "letter", "key")


@dataclass(frozen=True)
class Setting:
    """A setting that differs: the sheet, the row in it (a run, a column), the header, and both values as text."""

    sheet: str
    of: str
    header: str
    before: str
    after: str


@dataclass(frozen=True)
class Cell:
    """A cell that holds something else: the position of its row before, its places, and both values."""

    row: int
    before: Place
    after: Place
    column: str
    was: Any
    now: Any


@dataclass(frozen=True)
class Scores:
    """How many rows of a kind were scored, and every metric on them before and after; NaN where there is none."""

    rows: int
    before: Mapping[str, float] = field(default_factory=dict)
    after: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class TargetDifference:
    """One target in both fits.

    `rows` are the unchanged rows scored in both (positions before and after), `error` theirs: shape (rows, 2), before
    and after. `gain` is the share by which their mean error fell, above 0 for the better, with its 95 % interval;
    `verdict` is better, worse or alike. `same_fold` is the share of those rows that were held out in the same fold.
    """

    target: str
    task: str
    metric: str
    measure: str
    common: Scores
    changed: Scores
    removed: Scores
    added: Scores
    rows: tuple[Positions, Positions]
    error: Floats
    changed_rows: tuple[Positions, Positions]
    changed_error: Floats
    gain: float
    low: float
    high: float
    verdict: str
    same_fold: float

    @property
    def order(self) -> Positions:
        """Positions in `rows`, the one whose error fell most first, the one whose error rose most last."""
        return np.argsort(-(self.error[:, 0] - self.error[:, 1]), kind="stable")


@dataclass(frozen=True)
class Difference:
    """Everything that differs between two fits. `cells` holds at most MOST_CELLS of `cell_count`; `weighted` rows have
    another weight by decision.
    """

    before: Side
    after: Side
    settings: tuple[Setting, ...]
    matched: Matched
    cells: tuple[Cell, ...]
    cell_count: int
    weighted: int
    targets: tuple[TargetDifference, ...]


def read_side(path: Path) -> Side:
    """A results workbook, or its folder, for comparing.

    Raises:
        WorkbookError: its folder is missing, incomplete, or of another version.
    """
    record = read_record(path)
    data, ledger = read_data(path), read_ledger(path)
    if not set(_COLUMNS) <= set(ledger.column_names) or f"{PREFIX}fingerprint" not in data.column_names:
        raise WorkbookError(Problem(Place(str(path)), text("compare_version"), text("record_missing_hint")))
    return Side(path, record, data, ledger)


_COLUMNS = ("file", "row", "column", "fold", "target", "prediction", "loss")


def difference(before: Side, after: Side) -> Difference:
    """Compare two fits.

    Raises:
        WorkbookError: they have no target in common.
    """
    found = match(before.data, after.data)
    names = [each.target for each in after.record.targets]
    both = [each for each in before.record.targets if each.target in names]
    if not both:
        one, other = (", ".join(each.target for each in side.record.targets) for side in (before, after))
        message = text("compare_targets", before=one, after=other)
        raise WorkbookError(Problem(Place(str(after.path)), message, text("compare_targets_hint")))
    cells, count = _cells(before, after, found)
    targets = []
    for each in both:
        late = next(other for other in after.record.targets if other.target == each.target)
        if late.task != each.task:
            message = text("compare_task", target=each.target, before=each.task, after=late.task)
            raise WorkbookError(Problem(Place(str(after.path)), message, text("compare_targets_hint")))
        targets.append(_target(before, after, found, each, late))
    settings = _settings(before.record, after.record)
    weighted = _weighted(before, after, found)
    return Difference(before, after, tuple(settings), found, tuple(cells), count, weighted, tuple(targets))


def _weighted(before: Side, after: Side, found: Matched) -> int:
    """How many rows that both have were given another weight by decision."""
    rows = np.flatnonzero(found.partner >= 0)
    weights = [_weights(side.data) for side in (before, after)]
    return int((weights[0][rows] != weights[1][found.partner[rows]]).sum())


def _weights(data: pa.Table) -> Floats:
    name = next((each for each in WEIGHTS if each in data.column_names), "")
    return _floats(data.column(name)) if name else np.ones(data.num_rows)


def _settings(before: Record, after: Record) -> list[Setting]:
    found = [
        Setting("Runs", each.target, "winner", each.winner, other.winner)
        for each in before.targets
        for other in after.targets
        if each.target == other.target and each.winner != other.winner
    ]
    for sheet in before.settings:
        one, other = ({_known_by(sheet, row): row for row in side.settings.get(sheet, ())} for side in (before, after))
        if sheet == "Shots":
            continue
        for name in [*one, *(name for name in other if name not in one)]:
            if name not in one or name not in other:
                there, gone = (text("compare_there"), text("compare_not_there"))
                found.append(Setting(sheet, name, "", there if name in one else gone, there if name in other else gone))
                continue
            for header in one[name]:
                was, now = (_shown(side[name].get(header)) for side in (one, other))
                if was != now and header not in SKIPPED.get(sheet, ()):
                    found.append(Setting(sheet, name, header, was, now))
    return found


def _known_by(sheet: str, row: Mapping[str, Any]) -> str:
    """What a row of a sheet is known by; a source by its name alone, since copies with corrections lie elsewhere."""
    name = str(row.get(KEYS.get(sheet, ""), ""))
    return name.rstrip("/").rpartition("/")[2] or name if sheet == "Sources" else name


def _shown(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(str(each) for each in value)
    return "" if value is None else str(value)


def _cells(before: Side, after: Side, found: Matched) -> tuple[list[Cell], int]:
    """The cells of changed rows that hold something else, row after row."""
    one, other = found.changed
    if not len(one):
        return [], 0
    differ = np.zeros((len(one), len(found.columns)), bool)
    for number, name in enumerate(found.columns):
        left, right = (
            cell_hashes(name, side.data.column(name).take(pa.array(rows)))
            for side, rows in ((before, one), (after, other))
        )
        differ[:, number] = left != right
    cells = []
    for row, number in np.argwhere(differ)[:MOST_CELLS].tolist():
        name = found.columns[number]
        at, late = int(one[row]), int(other[row])
        was, now = before.data.column(name)[at].as_py(), after.data.column(name)[late].as_py()
        cells.append(Cell(at, before.place(at, name), after.place(late, name), name, was, now))
    return cells, int(differ.sum())


@dataclass(frozen=True)
class _Ledger:
    """The winner's out-of-fold predictions of one fit: `scored` marks rows with a target and a prediction."""

    scored: Any
    target: Any
    prediction: Any
    fold: Any
    probability: Floats | None
    classes: tuple[str, ...]

    def error(self, rows: Positions) -> Floats:
        """The error of each row: |target - prediction|, or -log of its class's probability, else 1 where wrong."""
        if not self.classes:
            found = np.abs(self.target[rows] - self.prediction[rows])
        elif self.probability is None:
            found = (self.target[rows] != self.prediction[rows]).astype(np.float64)
        else:
            found = -np.log(np.clip(self.probability[rows, self.target[rows]], LEAST, 1))
        return np.asarray(found, np.float64)

    def metrics(self, rows: Positions, names: Sequence[str]) -> dict[str, float]:
        """Every metric that these rows allow."""
        if not len(rows):
            return {}
        given = {"prediction": self.prediction[rows], "label": self.prediction[rows]}
        if self.probability is not None:
            given["probability"] = self.probability[rows]
        found = {}
        for name in names:
            choice = known_metrics[name]
            if choice.facts["needs"] in given:
                with np.errstate(all="ignore"):
                    found[name] = float(choice.function(given[choice.facts["needs"]], self.target[rows]))
        return found


def _ledger(side: Side, target: TargetRecord, classes: Sequence[str]) -> _Ledger:
    table = side.ledger.filter(pc.equal(side.ledger.column("column"), target.target))
    if "run" in table.column_names:
        table = table.filter(pc.equal(table.column("run"), target.winner))
    if table.num_rows != side.data.num_rows:
        message = text("compare_rows", ledger=table.num_rows, rows=side.data.num_rows)
        raise WorkbookError(Problem(Place(str(side.path)), message, text("record_missing_hint")))
    fold = np.asarray(table.column("fold").fill_null(-1).to_numpy(), np.int64)
    if not classes:
        values = [_floats(table.column(name)) for name in ("target", "prediction")]
        scored = np.isfinite(values[0]) & np.isfinite(values[1])
        return _Ledger(scored, values[0], values[1], fold, None, ())
    known = pa.array(classes, pa.string())
    codes = [
        np.asarray(pc.index_in(words(table.column(name)), known).fill_null(-1).to_numpy(zero_copy_only=False), np.int64)
        for name in ("target", "prediction")
    ]
    names = [f"probability: {each}" for each in classes]
    probability = None
    if all(name in table.column_names for name in names):
        probability = np.column_stack([np.nan_to_num(_floats(table.column(name))) for name in names])
    return _Ledger((codes[0] >= 0) & (codes[1] >= 0), codes[0], codes[1], fold, probability, tuple(classes))


def _floats(column: Any) -> Floats:
    return np.asarray(pc.cast(column, pa.float64(), safe=False).to_numpy(), np.float64)


def _target(before: Side, after: Side, found: Matched, early: TargetRecord, late: TargetRecord) -> TargetDifference:
    classes = tuple(dict.fromkeys((*early.classes, *late.classes)))
    if early.classes != late.classes:
        classes = tuple(each for each in early.classes if each in late.classes)
    one, other = _ledger(before, early, classes), _ledger(after, late, classes)
    names = [early.metric, *(name for name in early.scores if name != early.metric and name in known_metrics)]

    def scores(rows: tuple[Positions, Positions]) -> tuple[Scores, tuple[Positions, Positions]]:
        left, right = rows
        kept = one.scored[left] & other.scored[right]
        left, right = left[kept], right[kept]
        return Scores(len(left), one.metrics(left, names), other.metrics(right, names)), (left, right)

    common, rows = scores(found.unchanged)
    changed, changed_rows = scores(found.changed)
    gone, new = found.removed[one.scored[found.removed]], found.added[other.scored[found.added]]
    error, changed_error = (
        np.column_stack([one.error(left), other.error(right)]) for left, right in (rows, changed_rows)
    )
    gain, low, high = _gain(error)
    verdict = "better" if low > 0 else "worse" if high < 0 else "alike"
    same = one.fold[rows[0]] == other.fold[rows[1]]
    measure = "mae" if not classes else "log_loss" if one.probability is not None else "error_share"
    return TargetDifference(
        early.target,
        early.task,
        early.metric,
        measure,
        common,
        changed,
        Scores(len(gone), one.metrics(gone, names)),
        Scores(len(new), after=other.metrics(new, names)),
        rows,
        error,
        changed_rows,
        changed_error,
        gain,
        low,
        high,
        verdict,
        float(same.mean()) if len(same) else float("nan"),
    )


def _gain(error: Floats) -> tuple[float, float, float]:
    """The share by which the mean error fell, and its interval from the differences of the same rows; no more than
    all of an error can go.
    """
    mean = float(error[:, 0].mean()) if len(error) else 0.0
    if not mean:
        return 0.0, 0.0, 0.0
    fell = error[:, 0] - error[:, 1]
    around = SURE * float(fell.std(ddof=1)) / np.sqrt(len(fell)) if len(fell) > 1 else np.inf
    gain = float(fell.mean())
    return gain / mean, float((gain - around) / mean), min(float((gain + around) / mean), 1.0)
