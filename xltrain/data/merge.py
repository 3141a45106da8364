"""Stack the sheets of many books into one table in which every row keeps its place.

Books are read by workers, several at once, each table into a file that is mapped here. Then headers are matched, every
column gets one type over all its sources, and the parts are cast one after the other: memory holds the largest sheet,
not their sum. Everything that was not taken as it stood goes into the report.
"""

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa

from xltrain.config.settings import Column
from xltrain.data.calendar import CalendarStep
from xltrain.data.cast import Decision, Oddity, as_texts
from xltrain.data.duplicates import DuplicateStep
from xltrain.data.header import Columns, made_unique
from xltrain.data.inputs import Input, Rules, read_parts, related
from xltrain.data.part import Part
from xltrain.data.settle import decide
from xltrain.data.store import mark_words, marked, place_headers, restored_origins
from xltrain.data.table import (
    MARK_KEY,
    MARK_LETTER,
    Change,
    ColumnReport,
    Control,
    Match,
    MergeReport,
    Origin,
    SourceReport,
    Table,
    concatenated,
    with_marks,
)
from xltrain.data.unpivot import UnpivotStep
from xltrain.data.values import words
from xltrain.errors import DataError
from xltrain.events import Listener, ignore
from xltrain.excel.package import scratch
from xltrain.language import listed, text
from xltrain.place import Place, Problem, Range, column_letter
from xltrain.registry import nearest

DETAILS = 10_000  # changes of one kind in one column and sheet that are listed one by one
MOST_UNREAD = 5_000  # cells of another kind that are told one by one
MOST_CHANGES = 200_000  # that are listed at all; the counts are complete


def merge(
    inputs: Sequence[Input], columns: Sequence[Column] = (), listen: Listener = ignore, rules: Rules | None = None
) -> tuple[Table, MergeReport]:
    """Read and stack books, all in memory.

    Raises:
        WorkbookError: books that cannot be read, all of them.
        DataError: no table anywhere; sources that differ, where the rules are strict.
    """
    with Merging(inputs, rules or Rules(columns), listen) as merging:
        batches = list(merging.batches())
        return concatenated(batches, merging.empty()), merging.report()


class Merging:
    """A merge under way: a context that holds the files of the parts."""

    def __init__(self, inputs: Sequence[Input], rules: Rules, listen: Listener = ignore) -> None:
        self.rules, self.listen = rules, listen
        self.changes: list[Change] = []
        self.counts: Counter[str] = Counter()
        self.doubts: list[Problem] = []
        self.controls: list[Control] = []
        self._column_counts: dict[str, Counter[str]] = {}
        self._unread: list[Change] = []
        self._strays: dict[str, tuple[Problem, int]] = {}
        with ExitStack() as until:
            self._folder = until.enter_context(scratch())
            self._prepare(inputs)
            self._until = until.pop_all()

    def __enter__(self) -> "Merging":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._until.__exit__(kind, error, trace)

    def _prepare(self, inputs: Sequence[Input]) -> None:
        """Read, match and settle: all but the rows themselves."""
        threading.Thread(target=pa.array, args=([],)).start()  # loads pandas, where there is one, while workers read
        parts, self.left_out, more_doubts = read_parts(inputs, self.rules, self._folder, self.listen)
        self.doubts += more_doubts
        self.parts, more, unrelated = related(parts, self.rules.columns, self.rules.expected)
        self.left_out += more
        self.doubts += unrelated
        if not self.parts:
            reasons = [
                Problem(Place(each.file, each.sheet), each.reason, text("no_table_hint")) for each in self.left_out
            ]
            raise DataError(reasons or [Problem(None, text("no_table"), text("no_table_hint"))])
        self.known = Columns(self.rules.columns, expected=self.rules.expected)
        self.matches: list[dict[int, Match]] = []
        for part in self.parts:
            self._match(part)
        self.names = self._which()
        for column in self.known.unused():
            guess = nearest(column.name, self.known.names)
            hint = text("did_you_mean", name=guess) if guess else text("column_unused_hint")
            self.doubts.append(Problem(column.place, text("column_unused", name=column.name), hint))
        self._note_units()
        self.decisions = {name: self._decide(name) for name in self.names}
        self.origins = [Origin(part.file, part.sheet, part.letters_of()) for part in self.parts]
        self.unpivot = UnpivotStep(self.rules.unpivot, self.names) if self.rules.unpivot else None
        held = [part.held.marks.column_names for part in self.parts if part.held and part.held.marks is not None]
        keys = [MARK_KEY] if any(part.keys for part in self.parts) else []
        found = [name for names in [*held, *(part.marks for part in self.parts)] for name in names]
        self._marks = list(dict.fromkeys([*keys, *found]))
        if self.unpivot:
            self._marks.append(MARK_LETTER)
        self.duplicates = DuplicateStep(self.rules.drop_duplicates, self.rules.key)
        self.calendar = CalendarStep([control for part in self.parts for control in _controlled(part)])
        for part in self.parts:
            self._note(part)

    def _match(self, part: Part) -> None:
        """Headers to columns of the dataset, without the places of a merged book."""
        part.places = place_headers(part.headers)
        part.marks = mark_words(part.headers, part.letters) if part.places else {}
        gone = {*part.places.values(), *part.marks.values()}
        headers = {column: name for column, name in part.headers.items() if column not in gone}
        headers, doubts = made_unique(headers, part.header_place())
        part.columns, matches, more = self.known.match(headers, part.header_place(), part.units)
        self.matches.append(matches)
        self.doubts += [*part.doubts(), *doubts, *more]

    def _note_units(self) -> None:
        """Sheets whose titles tell of different units: their numbers were not converted."""
        told = [part for part in self.parts if part.told.get("banner")]
        units = {part.told["banner"][1] for part in told}
        if len(units) + (len(told) < len(self.parts)) < 2 or not told:
            return
        row, unit, column = told[0].told["banner"]
        others = sorted(units - {unit}) + ([text("unit_untold")] if len(told) < len(self.parts) else [])
        message = text("doubt_banner", unit=unit, others=listed(others))
        self.doubts.append(Problem(told[0].at(row, column), message, text("doubt_banner_hint")))

    def _which(self) -> list[str]:
        """The columns of the dataset, by the rule."""
        have = [set(part.columns.values()) for part in self.parts]
        if self.rules.which == "strict":
            problems = [
                Problem(part.header_place(), text("strict_missing", names=listed(lacking)), text("strict_hint"))
                for part, names in zip(self.parts, have, strict=True)
                if (lacking := [name for name in self.known.names if name not in names])
            ]
            if problems:
                raise DataError(problems)
        if self.rules.which == "common":
            return [name for name in self.known.names if all(name in names for names in have)]
        return list(self.known.names)

    def _decide(self, name: str) -> Decision:
        given = next((column for column in self.rules.columns if column.name == name), Column(name))
        holders = [(part, column) for part in self.parts if (column := part.number_of(name))]
        chunks = [part.cells(column) for part, column in holders]
        decision = decide(
            name, chunks, given.type, (*given.missing, *self.rules.missing), self.rules.dates, self.rules.decimal
        )
        if decision.doubt:
            key, values = decision.doubt
            part, column = holders[0]
            self.doubts.append(Problem(part.header_place(column), text(key, **values), text(f"{key}_hint", **values)))
        if not decision.unit:
            units = {unit for part, column in holders if (unit := part.units.get(column, ""))}
            decision.unit = units.pop() if len(units) == 1 else ""
        return decision

    def _note(self, part: Part) -> None:
        """What the worker told of rows and cells: dropped, errors, trimmed, hidden, without a value; totals."""
        told = part.told
        for row, word, reason in told["dropped"]:
            self._change(Change(part.at(row), "dropped", word, "", text(reason)))
        names = part.columns
        for row, column, word in told.get("merged", ()):
            if names.get(column) in self.decisions:
                self._change(Change(part.at(row, column), "coerced", "", word, text("change_merged")))
        # A text with blanks around it that is read as a number or a date is told of as that, once.
        typed = ("number", "date", "time", "boolean")
        worded = {name for name, each in self.decisions.items() if each.type not in typed}
        for key, action, reason, among in (
            ("errors", "error", "change_error_cell", self.decisions),
            ("trimmed", "coerced", "change_trimmed", worded),
        ):
            for row, column, word in told[key]:
                if names.get(column) in among:
                    became = word.strip() if action == "coerced" else ""
                    self._change(Change(part.at(row, column), action, word, became, text(reason)), counted=False)
            for column, count in told["counts"][key]:
                if names.get(column) in among:
                    self._count(names[column], action, count)
        if (told["hidden"] or told["hidden_sheet"]) and not self.rules.drop_hidden:
            key = "doubt_hidden_sheet" if told["hidden_sheet"] else "doubt_hidden_rows"
            self.doubts.append(Problem(part.place, text(key, count=told["hidden"]), text("doubt_hidden_hint")))
        if told["unvalued"]:
            row, column = told["unvalued"][0]
            message = text("doubt_unvalued", count=len(told["unvalued"]), cells=_cells(told["unvalued"]))
            self.doubts.append(Problem(part.at(row, column), message, text("doubt_unvalued_hint")))
        words_of = {row: word for row, word, _ in told["dropped"]}
        for row, column, found, expected, first, last, agrees, average in told["controls"]:
            place = part.at(row, column)
            name = names.get(column, "")
            self.controls.append(Control(place, words_of.get(row, ""), name, found, expected, first, last, agrees))
            if not agrees:
                cells = Range("", first, column, last, column)
                key = "doubt_average" if average else "doubt_total"
                message = text(key, found=f"{found:,.10g}", expected=f"{expected:,.10g}", cells=cells)
                self.doubts.append(Problem(place, message, text("doubt_total_hint")))

    def batches(self) -> Iterator[Table]:
        """The rows of one part after the other, in all columns; what happens to them goes into the report."""
        for index, part in enumerate(self.parts):
            batch = self._batch(index, part)
            if self.rules.source_column:
                batch = self._with_source(batch, part)
            if self.unpivot:
                batch = self.unpivot.apply(batch)
            batch = self.duplicates.apply(batch)
            self.calendar.apply(batch)
            yield with_marks(batch, self._marks)

    def empty(self) -> Table:
        """A table of no rows, in all columns."""
        columns = {name: pa.nulls(0, decision.arrow) for name, decision in self.decisions.items()}
        none = np.zeros(0, np.int32)
        return Table(pa.table(columns), (), none, none)

    def _batch(self, index: int, part: Part) -> Table:
        """The rows of one part, its origin alone."""
        columns: dict[str, Any] = {}
        rows, mapped = part.rows, part.mapped
        for name, decision in self.decisions.items():
            number = part.number_of(name)
            if not number:
                columns[name] = pa.nulls(len(part), decision.arrow)
                self._count(name, "missing", len(part))
                continue
            cells = part.cells(number, mapped)
            cast = decision.cast(cells)
            columns[name] = cast.array
            for oddity in cast.oddities:
                self._tell(part, name, number, rows, cells, cast.array, oddity)
            if len(cast.strays):
                self._stray(part, name, number, rows, cells, cast.strays, decision.type)
            self._count(name, "missing", cast.array.null_count)
            self._count(name, "values", len(part))
        data = pa.table(columns) if columns else pa.table({"": pa.nulls(len(part))}).select([])
        if part.held is not None:
            held = part.held
            return Table(data, held.origins, held.origin, held.row, held.marks, held.joined, held.unpivoted)
        if part.places:
            shown = {word: words(as_texts(part.cells(column))) for word, column in part.places.items()}
            origins, origin, row = restored_origins(shown, part.letters)
            known = {word: words(as_texts(part.cells(column))) for word, column in part.marks.items()}
            return Table(data, origins, origin, row, pa.table(known) if known else None, *marked(part.letters))
        marks = pa.table({MARK_KEY: part.keys}) if part.keys else None
        return Table(data, (self.origins[index],), np.zeros(len(part), np.int32), rows, marks)

    def _with_source(self, batch: Table, part: Part) -> Table:
        """The batch with the name of its sheet, or of its file, as its first column."""
        sheets = {each.sheet for each in self.parts}
        files = {each.file for each in self.parts}
        name = (
            part.sheet
            if len(sheets) > 1 and not (len(files) > 1 and len(sheets) < len(files))
            else Path(part.file).stem
        )
        column = self.rules.source_column
        if column in batch.names:
            raise DataError(Problem(None, text("source_column_taken", name=column), text("source_column_hint")))
        values = pa.array([name], pa.string()).take(pa.array(np.zeros(len(batch), np.int32)))
        return replace(batch, data=batch.data.add_column(0, column, values))

    def _change(self, change: Change, counted: bool = True) -> None:
        if counted:
            self.counts[change.action] += 1
        if len(self.changes) < MOST_CHANGES:
            self.changes.append(change)

    def _count(self, name: str, what: str, count: int) -> None:
        self._column_counts.setdefault(name, Counter())[what] += count
        if what in ("coerced", "error"):
            self.counts[what] += count

    def _tell(self, part: Part, name: str, column: int, rows: Any, cells: Any, became: Any, oddity: Oddity) -> None:
        """One change per cell, up to a number; then one that counts the rest."""
        self._count(name, oddity.action, len(oddity.rows))
        at = oddity.rows[:DETAILS]
        positions = pa.array(at)
        before = as_texts(cells.take(at)).to_pylist()
        after = words(became.take(positions)).to_pylist()
        reason = text(oddity.reason)
        for row, was, now in zip(rows[at].tolist(), before, after, strict=True):
            self._change(Change(part.at(row, column), oddity.action, was or "", now or "", reason), counted=False)
        rest = len(oddity.rows) - len(at)
        if rest:
            where = part.at(int(rows[oddity.rows[DETAILS]]), column)
            self._change(Change(where, oddity.action, text("more_of_these", count=rest), "", reason), counted=False)

    def _stray(self, part: Part, name: str, column: int, rows: Any, cells: Any, strays: Any, kind: str) -> None:
        """Remember the first cell of another kind in a column, and how many there are."""
        first = strays[: MOST_UNREAD - len(self._unread)]
        for at, found in zip(first.tolist(), as_texts(cells.take(first)).to_pylist(), strict=True):
            reason = text(f"expected_{kind}", name=name, found=found)
            self._unread.append(Change(part.at(int(rows[at]), column), "unread", found or "", "", reason))
        if name in self._strays:
            problem, count = self._strays[name]
            self._strays[name] = (problem, count + len(strays))
            return
        found = as_texts(cells.take(strays[:1]))[0].as_py()
        message = text(f"expected_{kind}", name=name, found=found)
        where = part.at(int(rows[strays[0]]), column)
        self._strays[name] = (Problem(where, message, text("expected_hint", found=found)), len(strays))

    def report(self) -> MergeReport:
        """What was done, once all batches were taken."""
        strays = {name: _counted(problem, count) for name, (problem, count) in self._strays.items()}
        order = {(part.file, part.sheet): index for index, part in enumerate(self.parts)}
        sources = [self._source(index, part) for index, part in enumerate(self.parts)] + self.left_out
        sources.sort(key=lambda each: order.get((each.file, each.sheet), len(order)))
        far = len(order)
        self.changes.sort(
            key=lambda each: (
                order.get((each.place.file, each.place.sheet), far),
                each.place.row,
                each.place.column,
            )
        )
        repeated = self.duplicates.report()
        calendar = self.calendar.report()
        doubts = [*self.doubts, *strays.values(), *self.duplicates.doubts(), *self.calendar.doubts()]
        if self.unpivot:
            doubts += self.unpivot.doubts()
        changes = self.changes + self.duplicates.changes()
        counts = dict(self.counts + Counter(dropped=repeated.dropped))
        return MergeReport(
            tuple(sources),
            tuple(self._column(name) for name in self.names) + self._left_out_columns(),
            tuple(changes),
            tuple(dict.fromkeys(doubts)),
            strays,
            tuple(self.controls),
            repeated,
            (),
            calendar,
            counts,
            tuple(self._unread),
        )

    def _left_out_columns(self) -> tuple[ColumnReport, ...]:
        """Columns that not all sources have, where only common ones were wanted."""
        gone = [name for name in self.known.names if name not in self.decisions]
        held = {name: sum(name in part.columns.values() for part in self.parts) for name in gone}
        return tuple(
            ColumnReport(name, "left_out", held[name], 0, 0, 0, 0, text("how_not_common", count=held[name]))
            for name in gone
        )

    def _column(self, name: str) -> ColumnReport:
        decision, counts = self.decisions[name], self._column_counts.get(name, Counter())
        held = sum(name in part.columns.values() for part in self.parts)
        total = sum(len(part) for part in self.parts)
        missing = counts["missing"]
        return ColumnReport(
            name,
            decision.type,
            held,
            total - missing,
            missing,
            counts["coerced"],
            counts["error"],
            decision.how,
            decision.unit,
        )

    def _source(self, index: int, part: Part) -> SourceReport:
        columns = {
            name: self.matches[index].get(column, Match(part.headers[column]))
            for column, name in part.columns.items()
            if name in self.decisions
        }
        return part.report(
            kept=len(part),
            hidden=part.told["hidden"],
            dropped_by=dict(Counter(text(reason) for _, _, reason in part.told["dropped"])),
            columns=columns,
            missing=tuple(name for name in self.names if name not in columns),
        )


def _controlled(part: Part) -> list[str]:
    """The columns of a part whose totals were looked at."""
    return [part.columns.get(column, "") for _, column, *_ in part.told["controls"]]


def _cells(cells: Sequence[Sequence[int]], most: int = 5) -> str:
    """`D7, D9, F12 …`"""
    shown = [f"{column_letter(column)}{row}" for row, column in cells[:most]]
    return listed(shown) + (" …" if len(cells) > most else "")


def _counted(problem: Problem, count: int) -> Problem:
    if count == 1:
        return problem
    return replace(problem, hint=text("more_like_it", count=count - 1, hint=problem.hint))
