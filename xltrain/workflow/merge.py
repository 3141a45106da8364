"""Stack books into one table, join others beside it, and write it with its places and a report of what was done."""

import json
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xltrain.config.settings import Column
from xltrain.data.database import DatabaseWriter, is_database, read_database, shown
from xltrain.data.decided import Decision, Decisions, DecisionStep
from xltrain.data.inputs import Rules
from xltrain.data.join import Join, JoinStep
from xltrain.data.limits import LimitStep, unlimited
from xltrain.data.merge import Merging
from xltrain.data.store import (
    Stream,
    check_output,
    from_arrow,
    from_pandas,
    read_parquet,
    to_pandas,
    with_places,
    write_table,
)
from xltrain.data.table import MergeReport, Table, concatenated
from xltrain.errors import ConfigError, DataError
from xltrain.events import Listener, Wrote, ignore
from xltrain.excel.package import next_free, replacing, telling_full
from xltrain.excel.write import MAX_TEXT, new_book
from xltrain.language import label, text
from xltrain.place import Place, Problem
from xltrain.report.merged import report_document, write_merge_sheets
from xltrain.workflow.sources import Sources, check_apart, expand, is_frame, listed, path_of, split


@dataclass(frozen=True, eq=False)
class Merged:
    """A merged table and what was done to get it. `report_file` holds the report where the output cannot."""

    report: MergeReport
    rows: int
    columns: tuple[str, ...]
    output: str = ""
    report_file: Path | None = None
    held: Table | None = None

    @cached_property
    def table(self) -> Table:
        """The rows; read back where they were streamed to a file."""
        if self.held is not None:
            return self.held
        if self.output.lower().endswith(".parquet"):
            return read_parquet(Path(self.output))
        if is_database(self.output):
            return from_arrow(read_database(self.output)[0], shown(self.output))
        return read_sources(self.output)[0]

    def to_pandas(self) -> Any:
        """The rows as a pandas DataFrame, places last."""
        return to_pandas(self.table)

    def summary(self) -> dict[str, Any]:
        """What `xltrain merge --json` prints."""
        document = report_document(self.report)
        return {
            "output": shown(self.output) if self.output else None,
            "report": str(self.report_file or shown(self.output)) if self.output else None,
            "rows": self.rows,
            "columns": len(self.columns),
            **{name: document[name] for name in ("sources", "counts", "doubts")},
        }


def merge(
    sources: Sources,
    output: str | Path | None = None,
    *,
    columns: Sequence[Column] = (),
    rules: Rules | None = None,
    joins: Sequence[Join] = (),
    decisions: Sequence[Decision] = (),
    doubts: Sequence[Problem] = (),
    folder: Path | None = None,
    overwrite: bool = False,
    append: bool = False,
    strict: bool = False,
    report_json: str | Path | None = None,
    listen: Listener = ignore,
) -> Merged:
    """Stack the sheets of many books by column name; every row keeps its file, sheet and row.

    Args:
        sources: books, folders (with what is below them), globs, `book.xlsx!Sheet` or a range, Excel table or name of
            it, tables of databases (`sqlite:///f.db#orders`) or pandas DataFrames.
        output: .xlsx (report and source map inside), .parquet or .csv (report in a workbook beside it), or a table of a
            database.
        columns: names, types, aliases and missing words to go by; those of `rules` otherwise.
        joins: tables whose columns are put beside the rows.
        decisions: what was decided about single rows and cells; `doubts` are those that came with them.
        folder: what paths are relative to.
        append: add to a table of a database that is there already, if the columns fit.
        strict: turn doubts into a DataError, with nothing written.
        report_json: a file for the report as JSON.

    Raises:
        WorkbookError, DataError: every problem found; nothing is written.
    """
    rules = rules or Rules()
    rules = replace(rules, columns=tuple(columns) or rules.columns)
    base = Path(folder) if folder is not None else Path.cwd()
    target = str(output) if output is not None else ""
    if output is not None and not target.strip():
        raise ConfigError(Problem(Place("-o"), text("output_empty"), text("output_empty_hint")))
    check_apart(_written(target, report_json), sources, joins, base)
    asked = _Asked(sources, rules, joins, Decisions.of(decisions, doubts, rules.columns), base, strict, listen)
    with ExitStack() as files:
        document = files.enter_context(replacing(Path(report_json), overwrite)) if report_json else None
        if is_database(target):
            done = _to_database(asked, target, append, overwrite)
        elif append:
            raise ConfigError(Problem(None, text("append_file"), text("append_file_hint")))
        elif target:
            done = _to_file(asked, Path(target), overwrite)
        else:
            done = _in_memory(asked)
        if document:
            told = {"schema_version": 1, **report_document(done.report, changes=True)}
            document.write_text(json.dumps(told, ensure_ascii=False, indent=1), encoding="utf-8")
    if done.output:
        listen(Wrote(shown(done.output)))
    return done


def read_sources(
    sources: Sources,
    folder: Path | None = None,
    columns: Sequence[Column] = (),
    listen: Listener = ignore,
    expected: bool = False,
) -> tuple[Table, MergeReport]:
    """The merged table of sources whose paths are relative to `folder` (the current one).

    `expected`: the columns are those of a job or model, which every sheet should have.
    """
    base = Path(folder) if folder is not None else Path.cwd()
    given = listed(sources)
    if len(given) == 1 and is_frame(given[0]):
        return from_pandas(given[0]), MergeReport()
    if len(given) == 1 and Path(path_of(given[0])).suffix.lower() == ".parquet":
        return read_parquet(base / path_of(given[0])), MergeReport()
    rules = Rules(columns=unlimited(columns), expected=expected)
    done = _in_memory(_Asked(given, rules, (), Decisions(), base, False, listen))
    return done.table, done.report


def _written(target: str, report_json: str | Path | None) -> list[str | Path]:
    """The files that a merge writes, but for the report beside a database, which has a name of its own."""
    found: list[str | Path] = [report_json] if report_json else []
    if not target or is_database(target):
        return found
    return [*found, target, *([] if target.lower().endswith(".xlsx") else [_report_beside(Path(target))])]


def _report_beside(path: Path) -> Path:
    return path.with_name(f"{path.stem} {label('report')}.xlsx")


@dataclass(frozen=True, eq=False)
class _Asked:
    """What a merge was asked for; `base` is what paths are relative to."""

    sources: Sources
    rules: Rules
    joins: Sequence[Join]
    decided: Decisions
    base: Path
    strict: bool
    listen: Listener


@dataclass(eq=False)
class _Work:
    """A merge and its joins under way; `joined` are the reports of what was read for the joins."""

    merging: Merging
    steps: list[JoinStep]
    doubts: list[Problem]
    joined: list[MergeReport]
    decided: DecisionStep
    limits: LimitStep
    rows: int = 0

    def batches(self) -> Iterator[Table]:
        for batch in self.merging.batches():
            for step in self.steps:
                batch = step.apply(batch)
            batch = self.decided.apply(batch)
            self.limits.look(batch)
            self.rows += len(batch)
            yield batch

    def report(self, strict: bool) -> MergeReport:
        """Everything that was done; DataError for doubts where these are errors."""
        report = self.merging.report()
        undecided = self.decided.doubts()
        lost = sum(len(step.changes) for step in self.steps)
        told = [report, *self.joined]
        counts = sum((Counter(each.counts) for each in told), Counter({"dropped": lost}))
        counts += Counter(change.action for change in self.decided.changes)
        columns = [
            replace(column, name=name)
            for step, each in zip(self.steps, self.joined, strict=True)
            for column in each.columns
            if (name := step.names.get(column.name))
        ]
        report = replace(
            report,
            sources=tuple(source for each in told for source in each.sources),
            columns=(*report.columns, *columns),
            joins=tuple(step.report() for step in self.steps),
            changes=[
                *self.decided.changes,
                *(change for each in told for change in each.changes),
                *(change for step in self.steps for change in step.changes),
            ],
            doubts=(
                *self.doubts,
                *undecided,
                *(doubt for each in told for doubt in each.doubts),
                *(doubt for step in self.steps for doubt in step.doubts()),
                *self.limits.doubts(),
            ),
            strays={name: problem for each in told for name, problem in each.strays.items()},
            controls=tuple(control for each in told for control in each.controls),
            counts=dict(counts),
        )
        if strict and report.doubts:
            raise DataError(report.doubts)
        return report


@contextmanager
def _work(asked: _Asked, written: Collection[str] = ()) -> Iterator[_Work]:
    rules, listen = asked.rules, asked.listen
    inputs, doubts = expand(listed(asked.sources), asked.base, written)
    with Merging(inputs, rules, listen) as merging:
        if asked.strict and (doubts or merging.doubts):
            raise DataError([*doubts, *merging.doubts])  # before the rows are looked at
        steps: list[JoinStep] = []
        joined: list[MergeReport] = []
        for join in asked.joins:
            others, more = expand([join.source], asked.base)
            plain = replace(rules, unpivot=None, source_column="", which="union", drop_duplicates=False, key=())
            with Merging(others, plain, listen) as other:
                right = concatenated(list(other.batches()), other.empty())
                joined.append(other.report())
                doubts += more
            steps.append(JoinStep(join, right, _join_name(join.source, [step.mark for step in steps])))
        doubts += asked.decided.doubts
        yield _Work(merging, steps, doubts, joined, asked.decided.step(), LimitStep(rules.columns))


def _in_memory(asked: _Asked, written: Collection[str] = ()) -> Merged:
    with _work(asked, written) as work:
        table = concatenated(list(work.batches()), work.merging.empty())
        return Merged(work.report(asked.strict), len(table), tuple(table.names), held=table)


def _to_file(asked: _Asked, path: Path, overwrite: bool) -> Merged:
    """A workbook with everything in it; or a stream of rows, with the report in a workbook beside it."""
    suffix = check_output(path)
    beside = _report_beside(path)
    written = {os.path.realpath(each) for each in (path, beside)}
    with replacing(path, overwrite) as temporary:
        written.add(os.path.realpath(temporary))
        if suffix == ".xlsx":
            done = _in_memory(asked, written)
            done = replace(done, report=_with_long_texts(done, path))
            temporary.unlink()
            write_table(temporary, done.table, more=lambda book: write_merge_sheets(book, done.report))
            return replace(done, output=str(path))
        with replacing(beside, overwrite) as report_file:
            written.add(os.path.realpath(report_file))
            with telling_full(path), _work(asked, written) as work, Stream(temporary) as stream:
                columns = _pour(work, stream.write)
                report = work.report(asked.strict)
            report = replace(report, doubts=(*report.doubts, *stream.doubts(path)))
            with new_book(report_file) as book:
                write_merge_sheets(book, report)
    return Merged(report, work.rows, columns, str(path), beside)


def _pour(work: _Work, write: Callable[[Table], None]) -> tuple[str, ...]:
    """Write batch after batch; the names of their columns."""
    columns: tuple[str, ...] = ()
    for batch in work.batches():
        write(batch)
        columns = tuple(batch.names)
    return columns


def _to_database(asked: _Asked, address: str, append: bool, overwrite: bool) -> Merged:
    """All rows in one transaction; the report in a workbook named after the table, in the current folder."""
    plain, _, name = shown(address).partition("#")
    stem = _file_name(f"{Path(plain.rpartition('/')[2]).stem} {name}")
    beside = asked.base / f"{stem} {label('report')}.xlsx"
    beside = beside if overwrite else next_free(beside)
    check_apart([beside], asked.sources, asked.joins, asked.base)
    with replacing(beside, overwrite) as report_file:
        with (
            _work(asked, {os.path.realpath(each) for each in (beside, report_file)}) as work,
            DatabaseWriter(address, append) as writer,
        ):
            columns = _pour(work, lambda batch: writer.write(with_places(batch)))
            report = work.report(asked.strict)
        with new_book(report_file) as book:
            write_merge_sheets(book, report)
    return Merged(report, work.rows, columns, address, beside)


def _with_long_texts(done: Merged, path: Path) -> MergeReport:
    """The report with a doubt for every column whose texts are longer than a cell holds."""
    doubts = []
    for name, column in zip(done.table.names, done.table.data.columns, strict=True):
        if pa.types.is_string(column.type):
            long = np.flatnonzero(pc.greater(pc.utf8_length(column), MAX_TEXT).fill_null(False).to_numpy())
            if len(long):
                message = text("doubt_long_text", name=name, count=len(long), most=MAX_TEXT)
                doubts.append(Problem(done.table.place(int(long[0]), name), message, text("doubt_long_text_hint")))
    return replace(done.report, doubts=(*done.report.doubts, *doubts))


def _join_name(source: str, marks: Sequence[str]) -> str:
    """What a joined table is called in headers: its file's stem, or its database's table."""
    plain = source.rpartition("#")[2] if is_database(source) else Path(split(source)[0]).stem
    return f"{plain} {len(marks) + 1}" if any(mark.endswith(f" {plain}") for mark in marks) else plain


def _file_name(name: str) -> str:
    return "".join(sign if sign.isalnum() or sign in "-_ ." else "_" for sign in name)
