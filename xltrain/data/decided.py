"""What a person decided about rows and cells: checked, found again in the rows as they are now, and applied.

A decision is about a row, known by its place and by its fingerprint when it was made. A row that moved in its sheet is
followed; one that changed is a conflict, and the decision waits; one that no longer stands is told. Everything that is
wrong with decisions is collected, and nothing is applied where anything is.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from xltrain.config.settings import Column
from xltrain.data.decided_rows import Seeker, fixed_already, is_fraction, same, shown_value, typed
from xltrain.data.decided_told import followed, gone
from xltrain.data.fingerprint import as_hex
from xltrain.data.table import Change, Table
from xltrain.errors import ConfigError
from xltrain.language import canonical, label, text
from xltrain.place import Place, Problem
from xltrain.registry import unknown

WORDS = ("keep", "fix", "drop", "weight")
# What people write instead, in either language; the labels of the sheets are understood too.
_WRITTEN = {
    "keep": ("leave", "leave as is", "keep it", "ok", "保留", "保留原样", "保持原样", "不变", "不改"),
    "fix": ("correct", "change", "更正", "修正", "改正", "修改", "纠正"),
    "drop": ("delete", "remove", "leave out", "剔除", "删除", "丢弃", "去掉", "删掉"),
    "weight": ("weigh", "weighting", "加权", "权重", "调整权重"),
}
_WORD_OF = {said: word for word, several in _WRITTEN.items() for said in several}


@dataclass(frozen=True)
class Decision:
    """One decision: about which row (as it stood and what it held), what to do, and the cell that says so.

    `word` is keep, fix, drop or weight, or whatever else the cell says; `old` is what the cell of `column` held;
    `column` is for fix alone. `carried` decisions came from an earlier results workbook and give way to any other.
    """

    file: str
    sheet: str
    row: int
    word: str
    column: str = ""
    new: Any = None
    weight: Any = None
    note: str = ""
    fingerprint: str = ""
    old: Any = None
    at: Place = field(default_factory=lambda: Place(""))
    carried: bool = False
    origin: str = ""  # of a carried one: the cell where a person made it

    @property
    def place(self) -> Place:
        """The row that it is about."""
        return Place(self.file, self.sheet, self.row)

    @property
    def made(self) -> str:
        """The cell where a person made it."""
        return self.origin or str(self.at)


@dataclass(frozen=True)
class Decisions:
    """Decisions for a merge, doubts that came with them, and the name of the column of weights, if there is one."""

    decisions: tuple[Decision, ...] = ()
    doubts: tuple[Problem, ...] = ()
    weight: str = ""

    @classmethod
    def of(cls, decisions: Sequence[Decision], doubts: Sequence[Problem], columns: Sequence[Column]) -> "Decisions":
        """With the weights that the columns of a job name."""
        return cls(tuple(decisions), tuple(doubts), weight_column(columns))

    def step(self) -> "DecisionStep":
        return DecisionStep(self.decisions, self.weight)


def weight_column(columns: Sequence[Column]) -> str:
    """The column of role weight; empty where there is none."""
    return next((column.name for column in columns if column.role == "weight"), "")


@dataclass(frozen=True)
class Settled:
    """What became of a decision: applied, satisfied (the source holds it already), kept, changed (a conflict, not
    applied), gone or replaced (by a later one); and where its row or cell stands now.
    """

    decision: Decision
    state: str
    place: Place


def still_open(settled: Sequence[Settled]) -> list[Settled]:
    """The decisions that wait for a person: their row has changed or is gone."""
    waiting = ("changed", "gone")
    return [each for each in settled if each.state in waiting and each.decision.word in ("fix", "drop", "weight")]


def kept_rows(settled: Sequence[Settled]) -> frozenset[tuple[str, str, int]]:
    """File, sheet and row of those rows that a person decided to keep, or to give a weight, as they are."""
    weighted = ("weight", "applied")
    places = (each.place for each in settled if each.state == "kept" or (each.decision.word, each.state) == weighted)
    return frozenset((place.file, place.sheet, place.row) for place in places)


def kept_positions(table: Table, settled: Sequence[Settled]) -> npt.NDArray[np.int64]:
    """Positions of the rows that a person has seen and decided to leave as they stand, at whatever weight."""
    found: list[int] = []
    for file, sheet, row in kept_rows(settled):
        origins = [at for at, each in enumerate(table.origins) if (each.file, each.sheet) == (file, sheet)]
        found += np.flatnonzero(np.isin(table.origin, origins) & (table.row == row)).tolist()
    return np.array(sorted(found), np.int64)


def word_label(word: str) -> str:
    """What a decision is called in the current language."""
    return label("decision_weight_word" if word == "weight" else f"decision_{word}")


def word_of(shown: str) -> str:
    """The decision that a cell says in either language; any other text as it stands."""
    plain = " ".join(shown.split()).casefold()
    found = _WORD_OF.get(plain) or canonical(plain).removeprefix("decision_").removesuffix("_word").casefold()
    return found if found in WORDS else shown


def check_form(decisions: Sequence[Decision]) -> list[Problem]:
    """What is wrong with decisions on their own: unknown words, fixes without a value or column, weights below 0."""
    problems = []
    for each in decisions:
        if each.word not in WORDS:
            problems.append(Problem(each.at, unknown(label("decision"), each.word, map(word_label, WORDS))))
        elif each.word == "fix" and each.new is None:
            problems.append(Problem(each.at, text("decision_no_value"), text("decision_no_value_hint")))
        elif each.word == "fix" and not each.column:
            problems.append(Problem(each.at, text("decision_no_column"), text("decision_no_column_hint")))
        elif each.word == "weight" and not _is_weight(each.weight):
            found = "-" if each.weight is None else each.weight
            problems.append(Problem(each.at, text("decision_weight_bad", found=found), text("decision_weight_hint")))
    return problems


def _is_weight(value: Any) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and math.isfinite(value) and value >= 0


class DecisionStep:
    """Applies decisions to a table, or to batch after batch of it; `weight` is the column of weights, if there is one.

    What is wrong with them is told in the end, all of it; nothing counts then.
    """

    def __init__(self, decisions: Sequence[Decision], weight: str = "") -> None:
        self._problems = check_form(decisions)
        wrong = {each.place for each in self._problems}
        decisions = [each for each in decisions if each.at not in wrong]
        self.decisions = _unrepeated(decisions)
        self.weight = weight
        self.created = ""  # the column of weights, where there was none
        self.changes: list[Change] = []
        self.kept: list[tuple[Place, str]] = []  # rows not to be raised again
        self._doubts: list[Problem] = []
        self._moved: list[tuple[Place, Place, Place]] = []  # decided at, stood there, stands here
        self._settled: dict[int, Settled] = {}
        if not weight and any(each.word == "weight" for each in decisions):
            self.created = label("decided_weight")

    def apply(self, batch: Table) -> Table:
        """The batch with what was decided on its rows; without change where anything is wrong with the decisions."""
        if not self.decisions:
            return batch
        if self.created in batch.names:
            self.weight, self.created = self.created, ""
        batch = replace(batch, data=_widened(batch.data, self._fractional()))
        own = _of_batch(self.decisions, batch, self._settled)
        if not own and not self.created:
            return batch
        seeker = Seeker(batch)
        if not own:
            return self._finished(batch, batch.data, seeker, np.ones(len(batch), bool))
        misfits = {index: problems for index in own if (problems := self._misfits(self.decisions[index], batch))}
        found = self._find([index for index in own if index not in misfits], batch, seeker)
        self._problems += [*chain.from_iterable(misfits.values()), *self._contradictions(found)]
        return batch if self._problems else self._change(found, batch, seeker)

    def doubts(self) -> list[Problem]:
        """Conflicts, rows followed and rows gone. ConfigError with every decision that cannot be; call it last."""
        if self._problems:
            raise ConfigError(self._problems)
        doubts = [*self._doubts, *followed(self._moved)]
        lost = []
        for index, each in enumerate(self.decisions):
            if index not in self._settled:
                self._settled[index] = Settled(each, "gone", each.place)
                if each.word in ("fix", "weight"):
                    lost.append((each.at, each.place))
        return doubts + gone(lost)

    @property
    def settled(self) -> tuple[Settled, ...]:
        """What became of every decision, in their order; after `doubts`."""
        return tuple(self._settled[index] for index in range(len(self.decisions)))

    def _fractional(self) -> set[str]:
        """Columns of whole numbers that must hold fractions, in every batch alike."""
        found = {each.column for each in self.decisions if each.word == "fix" and is_fraction(each.new)}
        weighted = any(each.word == "weight" for each in self.decisions)
        return found | ({self.weight} if weighted else set())

    def _misfits(self, each: Decision, batch: Table) -> list[Problem]:
        """A fix of a column that is not there, or with a value that the column cannot hold."""
        if each.word != "fix":
            return []
        if each.column not in batch.names:
            return [Problem(each.at, unknown(text("word_column"), each.column, batch.names))]
        kind = batch.data.schema.field(each.column).type
        if typed(each.new, kind) is None:
            message = text("decision_misfit", column=each.column, found=shown_value(each.new))
            return [Problem(each.at, message, text("decision_misfit_hint"))]
        return []

    def _find(self, own: Sequence[int], batch: Table, seeker: Seeker) -> dict[int, int]:
        """The row of each decision that can be applied: index -> position; all others are settled here."""
        rows: dict[tuple[str, str, int, str], list[int]] = {}
        for index in own:
            each = self.decisions[index]
            rows.setdefault((each.file, each.sheet, each.row, each.fingerprint), []).append(index)
        found = {}
        for members in rows.values():
            fixes = [self.decisions[index] for index in members if self.decisions[index].word == "fix"]
            first = self.decisions[members[0]]
            position, moved = seeker.find(first, fixes)
            for index in members:
                each = self.decisions[index]
                if position is None:
                    self._not_found(index, each, batch, seeker)
                    continue
                if not self._held(index, each, batch, position):
                    continue
                found[index] = position
            if moved and position is not None:
                self._moved.append((first.at, first.place, batch.place(position)))
        return found

    def _not_found(self, index: int, each: Decision, batch: Table, seeker: Seeker) -> None:
        """No row is as it was: the one that stands there now has changed, or there is none."""
        at = seeker.at(each)
        if at is None:
            return  # told as gone, unless another batch has it
        place = batch.place(at, each.column)
        now = batch.data.column(each.column)[at].as_py() if each.column in batch.names else None
        if each.word == "fix" and same(now, each.new):
            self._settled[index] = Settled(each, "satisfied", place)
        elif each.word == "keep":
            self._settled[index] = Settled(each, "changed", place)  # it is raised again
        else:
            self._conflict(index, each, place, now)

    def _held(self, index: int, each: Decision, batch: Table, position: int) -> bool:
        """Whether the cell holds what it did, where no fingerprint tells: in joined columns and hand-made rows."""
        if each.word != "fix" or each.old is None:
            if not each.fingerprint and each.word != "keep" and each.old is None:
                place = batch.place(position, each.column)
                hint = text("decision_unsure_hint")
                self._doubts.append(Problem(each.at, text("decision_unsure", place=place), hint))
            return True
        if each.fingerprint and each.column not in batch.joined:
            return True
        now = batch.data.column(each.column)[position].as_py()
        if same(now, each.old) or same(now, each.new):
            return True
        self._conflict(index, each, batch.place(position, each.column), now)
        return False

    def _conflict(self, index: int, each: Decision, place: Place, now: Any) -> None:
        self._settled[index] = Settled(each, "changed", place)
        words = {"was": shown_value(each.old), "now": shown_value(now), "word": word_label(each.word)}
        key = "decision_changed_row"
        if each.word == "fix":  # what the other cells held is not known, only that their sum was another
            key = "decision_changed_beside" if same(now, each.old) else "decision_changed"
        message = text(key, place=place, column=each.column, **words)
        self._doubts.append(Problem(each.at, message, text("decision_changed_hint")))

    def _contradictions(self, found: dict[int, int]) -> list[Problem]:
        """Two different decisions on one row or cell; carried ones give way to others and are taken out of `found`."""
        rows: dict[int, list[int]] = {}
        for index, position in found.items():
            rows.setdefault(position, []).append(index)
        problems = []
        for members in rows.values():
            fresh = [index for index in members if not self.decisions[index].carried]
            for index in members:
                each = self.decisions[index]
                again = any(_alike(each, self.decisions[other]) for other in fresh if each.carried)
                if again:
                    del found[index]
                    self._settled[index] = Settled(each, "replaced", each.place)
                    continue
                rival = next((o for o in fresh if o != index and _rivals(each, self.decisions[o])), None)
                if rival is None:
                    continue
                if each.carried:
                    del found[index]
                    self._settled[index] = Settled(each, "replaced", each.place)
                elif rival < index:
                    values = {"one": _said(self.decisions[rival]), "other": _said(each)}
                    message = text("decision_contradiction", **values, at=self.decisions[rival].at)
                    problems.append(Problem(each.at, message, text("decision_contradiction_hint")))
        return problems

    def _change(self, found: dict[int, int], batch: Table, seeker: Seeker) -> Table:
        data = batch.data
        stays = np.ones(len(batch), bool)
        weight = np.ones(len(batch))
        weighted: dict[int, str] = {}
        fixes: dict[str, dict[int, Any]] = {}
        for index, position in found.items():
            each = self.decisions[index]
            place = batch.place(position, each.column if each.word == "fix" else "")
            reason = _reason(each, batch.place(position))
            state = "kept" if each.word == "keep" else "applied"
            if each.word == "keep":
                self.kept.append((place, each.fingerprint))
            elif each.word == "drop" and stays[position]:
                stays[position] = False
                self.changes.append(Change(place, "dropped", "", "", reason))
            elif each.word == "weight" and position not in weighted:
                weight[position] = float(each.weight)
                weighted[position] = reason
            elif each.word == "fix":
                value = typed(each.new, data.schema.field(each.column).type)
                now = data.column(each.column)[position].as_py()
                if fixed_already(now, value):
                    state = "satisfied"
                elif position not in fixes.get(each.column, {}):
                    cells = seeker.sharing(position, each.column)
                    fixes.setdefault(each.column, {}).update(dict.fromkeys(cells, value))
                    shown = (shown_value(now), shown_value(value))
                    self.changes.append(Change(place, "fixed", *shown, reason))
            row = batch.place(position)  # the cell of a joined column stands elsewhere
            known = replace(each, file=row.file, sheet=row.sheet, row=row.row or each.row)
            self._settled[index] = Settled(known, state, place)
        for name, values in fixes.items():
            at = data.column_names.index(name)
            data = data.set_column(at, name, _with_values(data.column(name), values))
        return self._finished(batch, data, seeker, stays, weight, weighted)

    def _finished(
        self,
        batch: Table,
        data: pa.Table,
        seeker: Seeker,
        stays: npt.NDArray[np.bool_],
        weight: npt.NDArray[np.float64] | None = None,
        weighted: dict[int, str] | None = None,
    ) -> Table:
        """The batch with its weights and without the dropped rows, remembering its fingerprints as read."""
        name = self.created or self.weight
        if self.created:
            data = data.append_column(name, pa.array(np.ones(len(batch)) if weight is None else weight))
        elif weighted and weight is not None and name in data.column_names:
            old = pc.fill_null(pc.cast(data.column(name), pa.float64(), safe=False), 1.0)
            data = data.set_column(data.column_names.index(name), name, pc.multiply(old, pa.array(weight)))
        for position, reason in (weighted or {}).items():
            was = batch.data.column(name)[position].as_py() if name in batch.names else 1
            now = data.column(name)[position].as_py()
            place = batch.place(position)
            self.changes.append(Change(place, "weighted", shown_value(was), shown_value(now), reason))
        changed = replace(batch, data=data, fingerprint=as_hex(seeker.sums))
        return changed if stays.all() else changed.take(np.flatnonzero(stays))


def _unrepeated(decisions: Sequence[Decision]) -> list[Decision]:
    """The decisions without those that say the same of the same row again; what a person wrote goes before what was
    carried.
    """
    seen: dict[tuple[object, ...], Decision] = {}
    for each in decisions:
        key = (each.row, *what_is_said(each))
        if key not in seen or seen[key].carried:
            seen[key] = each
    return list(seen.values())


def what_is_said(each: Decision) -> tuple[object, ...]:
    """What a decision says of what row, wherever that stands by now: equal for the same decision in two workbooks."""
    return (_tail(each.file), each.sheet, each.fingerprint or each.row, each.word, *_value(each))


def _value(each: Decision) -> tuple[object, ...]:
    if each.word == "fix":
        return each.column, shown_value(each.new)
    return (each.weight,) if each.word == "weight" else ()


def _alike(one: Decision, other: Decision) -> bool:
    return one.word == other.word and _value(one) == _value(other)


def _of_batch(decisions: Sequence[Decision], batch: Table, settled: dict[int, Settled]) -> list[int]:
    """Those on sheets of this batch."""
    known = {(origin.file, origin.sheet) for origin in batch.origins}
    names = {(_tail(file), sheet) for file, sheet in known}
    return [
        index
        for index, each in enumerate(decisions)
        if index not in settled and ((each.file, each.sheet) in known or (_tail(each.file), each.sheet) in names)
    ]


def _tail(file: str) -> str:
    return file.rpartition("/")[2]


def _rivals(one: Decision, other: Decision) -> bool:
    """Whether two decisions on one row exclude one another: fixes of different columns, and a weight, go together."""
    if one.word == other.word:
        if one.word == "fix":
            return one.column == other.column and not same(one.new, other.new)
        return one.word == "weight" and one.weight != other.weight
    words = {one.word, other.word}
    if words == {"fix", "weight"}:
        return False
    keep, fix = (one, other) if one.word == "keep" else (other, one)
    return not (words == {"keep", "fix"} and keep.column and keep.column != fix.column)


def _said(each: Decision) -> str:
    """A decision as one would say it: fix price to 265."""
    word = word_label(each.word)
    if each.word == "fix":
        return text("decision_fix_words", word=word, column=each.column, value=shown_value(each.new))
    return f"{word} {shown_value(each.weight)}" if each.word == "weight" else word


def _reason(each: Decision, row: Place) -> str:
    """Why a cell or row was changed, for the merge report; and where the row stood, where it does no longer."""
    key = "decision_reason_note" if each.note else "decision_reason"
    said = text(key, note=each.note, at=each.made)
    return said if row.row in (0, each.row) else text("decision_reason_moved", reason=said, was=each.place)


def _widened(data: pa.Table, names: set[str]) -> pa.Table:
    """The data with these columns as float64 where they hold whole numbers."""
    for name in names:
        if name in data.column_names and pa.types.is_integer(data.schema.field(name).type):
            wide = pc.cast(data.column(name), pa.float64(), safe=False)
            data = data.set_column(data.column_names.index(name), name, wide)
    return data


def _with_values(column: Any, values: dict[int, Any]) -> Any:
    """The column with other values at these positions."""
    plain = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(plain, pa.ChunkedArray):
        plain = pa.concat_arrays(plain.chunks)
    mask = np.zeros(len(plain), bool)
    mask[list(values)] = True
    given = pa.array([values[position] for position in sorted(values)], plain.type)
    return pc.replace_with_mask(plain, pa.array(mask), given)
