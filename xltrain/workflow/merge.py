"""Stack books into one table, join others beside it, and write it with its places and a report of what was done."""

import contextlib
import glob
import json
import os
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xltrain.config.settings import Column, Source
from xltrain.data.database import DatabaseWriter, is_database, read_database, shown
from xltrain.data.decided import Decision, Decisions, DecisionStep
from xltrain.data.inputs import Input, Rules
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
from xltrain.errors import ConfigError, DataError, WorkbookError
from xltrain.events import Listener, Wrote, ignore
from xltrain.excel.package import next_free, replacing
from xltrain.excel.read import SUFFIXES
from xltrain.excel.write import MAX_TEXT, new_book
from xltrain.language import label, text
from xltrain.place import Place, Problem
from xltrain.report.merged import report_document, write_merge_sheets
from xltrain.workflow.copies import without_copies

# A book, folder or glob, a database's table, a pandas DataFrame, or several of these (`Source` where more is said).
Sources = Any


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
    written = [path for path in (report_json, None if is_database(target) else output) if path]
    _check_apart(written, sources, joins, base)
    decided = Decisions.of(decisions, doubts, rules.columns)
    with ExitStack() as files:
        document = files.enter_context(replacing(Path(report_json), overwrite)) if report_json else None
        if is_database(target):
            done = _to_database(sources, target, rules, joins, decided, base, append, strict, overwrite, listen)
        elif append:
            raise ConfigError(Problem(None, text("append_file"), text("append_file_hint")))
        elif target:
            done = _to_file(sources, Path(target), rules, joins, decided, base, strict, overwrite, listen)
        else:
            done = _in_memory(sources, rules, joins, decided, base, strict, listen)
        if document:
            told = {"schema_version": 1, **report_document(done.report, changes=True)}
            document.write_text(json.dumps(told, ensure_ascii=False, indent=1), encoding="utf-8")
    if done.output:
        listen(Wrote(shown(done.output)))
    return done


def _check_apart(written: Sequence[str | Path], sources: Sources, joins: Sequence[Join], base: Path) -> None:
    """WorkbookError where an output is an input, or two outputs are one file: no input book is ever written to."""
    names = [said.path if isinstance(said, Source) else said for said in _listed(sources)]
    names = [each for each in (*names, *(join.source for join in joins)) if isinstance(each, (str, Path))]
    read = {os.path.realpath(base / _split(str(each), base)[0]) for each in names if not is_database(str(each))}
    problems, seen = [], set()
    for each in written:
        real = os.path.realpath(each)
        if real in read or real in seen:
            problems.append(Problem(Place(str(each)), text("output_is_source"), text("output_is_source_hint")))
        seen.add(real)
    if problems:
        raise WorkbookError(problems)


def read_sources(
    sources: Sources,
    folder: Path | None = None,
    columns: Sequence[Column] = (),
    listen: Listener = ignore,
    expected: bool = False,
) -> tuple[Table, MergeReport]:
    """The merged table of sources whose paths are relative to `folder` (the current one).

    `expected`: the columns are those of a model, which every sheet should have.
    """
    base = Path(folder) if folder is not None else Path.cwd()
    given = _listed(sources)
    if len(given) == 1 and _is_frame(given[0]):
        return from_pandas(given[0]), MergeReport()
    if len(given) == 1 and Path(_path(given[0])).suffix.lower() == ".parquet":
        return read_parquet(base / _path(given[0])), MergeReport()
    done = _in_memory(given, Rules(columns=unlimited(columns), expected=expected), (), Decisions(), base, False, listen)
    return done.table, done.report


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
def _work(
    sources: Sources,
    rules: Rules,
    joins: Sequence[Join],
    decided: Decisions,
    base: Path,
    strict: bool,
    listen: Listener,
    written: Collection[str] = (),
) -> Iterator[_Work]:
    inputs, doubts = expand(_listed(sources), base, written)
    with Merging(inputs, rules, listen) as merging:
        if strict and (doubts or merging.doubts):
            raise DataError([*doubts, *merging.doubts])  # before the rows are looked at
        steps: list[JoinStep] = []
        joined: list[MergeReport] = []
        for join in joins:
            others, more = expand([join.source], base)
            plain = replace(rules, unpivot=None, source_column="", which="union", drop_duplicates=False, key=())
            with Merging(others, plain, listen) as other:
                right = concatenated(list(other.batches()), other.empty())
                joined.append(other.report())
                doubts += more
            steps.append(JoinStep(join, right, _join_name(join.source, [step.mark for step in steps])))
        doubts += decided.doubts
        yield _Work(merging, steps, doubts, joined, decided.step(), LimitStep(rules.columns))


def _in_memory(
    sources: Sources,
    rules: Rules,
    joins: Sequence[Join],
    decided: Decisions,
    base: Path,
    strict: bool,
    listen: Listener,
    written: Collection[str] = (),
) -> Merged:
    with _work(sources, rules, joins, decided, base, strict, listen, written) as work:
        table = concatenated(list(work.batches()), work.merging.empty())
        return Merged(work.report(strict), len(table), tuple(table.names), held=table)


def _to_file(
    sources: Sources,
    path: Path,
    rules: Rules,
    joins: Sequence[Join],
    decided: Decisions,
    base: Path,
    strict: bool,
    overwrite: bool,
    listen: Listener,
) -> Merged:
    """A workbook with everything in it; or a stream of rows, with the report in a workbook beside it."""
    suffix = check_output(path)
    beside = path.with_name(f"{path.stem} {label('report')}.xlsx")
    written = {os.path.realpath(each) for each in (path, beside)}
    with replacing(path, overwrite) as temporary:
        written.add(os.path.realpath(temporary))
        if suffix == ".xlsx":
            done = _in_memory(sources, rules, joins, decided, base, strict, listen, written)
            done = replace(done, report=_with_long_texts(done, path))
            temporary.unlink()
            write_table(temporary, done.table, more=lambda book: write_merge_sheets(book, done.report))
            return replace(done, output=str(path))
        with replacing(beside, overwrite) as report_file:
            written.add(os.path.realpath(report_file))
            with (
                _work(sources, rules, joins, decided, base, strict, listen, written) as work,
                Stream(temporary) as stream,
            ):
                columns: tuple[str, ...] = ()
                for batch in work.batches():
                    stream.write(batch)
                    columns = tuple(batch.names)
                report = work.report(strict)
            with new_book(report_file) as book:
                write_merge_sheets(book, report)
    return Merged(report, work.rows, columns, str(path), beside)


def _to_database(
    sources: Sources,
    address: str,
    rules: Rules,
    joins: Sequence[Join],
    decided: Decisions,
    base: Path,
    append: bool,
    strict: bool,
    overwrite: bool,
    listen: Listener,
) -> Merged:
    """All rows in one transaction; the report in a workbook named after the table, in the current folder."""
    plain, _, name = shown(address).partition("#")
    stem = _file_name(f"{Path(plain.rpartition('/')[2]).stem} {name}")
    beside = base / f"{stem} {label('report')}.xlsx"
    beside = beside if overwrite else next_free(beside)
    with replacing(beside, overwrite) as report_file:
        with (
            _work(sources, rules, joins, decided, base, strict, listen) as work,
            DatabaseWriter(address, append) as writer,
        ):
            columns: tuple[str, ...] = ()
            for batch in work.batches():
                writer.write(with_places(batch))
                columns = tuple(batch.names)
            report = work.report(strict)
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


def _listed(sources: Sources) -> list[Any]:
    given = [sources] if isinstance(sources, (str, Path, Source)) or _is_frame(sources) else list(sources)
    if not given:
        raise ConfigError(Problem(None, text("merge_nothing"), text("merge_nothing_hint")))
    return given


def _join_name(source: str, marks: Sequence[str]) -> str:
    """What a joined table is called in headers: its file's stem, or its database's table."""
    plain = source.rpartition("#")[2] if is_database(source) else Path(_split(source)[0]).stem
    return f"{plain} {len(marks) + 1}" if any(mark.endswith(f" {plain}") for mark in marks) else plain


def _file_name(name: str) -> str:
    return "".join(sign if sign.isalnum() or sign in "-_ ." else "_" for sign in name)


def expand(sources: Sequence[Any], folder: Path, written: Collection[str] = ()) -> tuple[list[Input], list[Problem]]:
    """Every book that paths, folders and globs name, each once and in order; and what was left out in passing.

    `written` are the files that this merge writes, which a folder may hold from the last time.

    Raises:
        WorkbookError: names that match nothing.
    """
    inputs: dict[tuple[str, ...], Input] = {}
    doubts: list[Problem] = []
    problems: list[Problem] = []
    for number, source in enumerate(sources):
        if _is_frame(source):
            inputs[("frame", str(number))] = Input(Path(), "DataFrame", table=from_pandas(source))
            continue
        said = source if isinstance(source, Source) else Source(str(source))
        if is_database(said.path):
            inputs[("database", said.path)] = _from_database(said.path)
            continue
        path, thing = _split(said.path, folder)
        named = folder / path
        if named.is_dir():
            below = (each for each in named.rglob("*") if each.suffix.lower() in SUFFIXES)
            found = sorted((each for each in below if not _is_hidden(each, named)), key=_natural)
        elif named.exists() or not glob.has_magic(str(named)):
            found = [named]
        else:
            found = sorted(map(Path, glob.glob(str(named), recursive=True)), key=_natural)  # noqa: PTH207
        passed = named.is_dir() or found != [named]
        kept = [each for each in found if not (passed and _passed_over(each, folder, doubts, written))]
        kept = without_copies(kept, lambda path: name_of(path, folder), doubts) if passed else kept
        if not kept:
            message = text("source_missing", path=said.path, folder=folder)
            problems.append(Problem(said.place or Place(said.path), message, text("source_missing_hint")))
        for each in kept:
            key = (os.path.realpath(each), thing, said.sheet, said.range)
            inputs.setdefault(key, _input(each, name_of(each, folder), thing, said, passed))
    if problems:
        raise WorkbookError(problems)
    return list(inputs.values()), doubts


def _input(path: Path, file: str, thing: str, said: Source, passed: bool) -> Input:
    if path.suffix.lower() == ".parquet" and path.is_file():
        return Input(path, file, table=read_parquet(path), place=said.place)
    return Input(
        path, file, thing, said.sheet, said.header, said.range, said.skip_rows, passed=passed, place=said.place
    )


def _from_database(address: str) -> Input:
    found, _, keys = read_database(address)
    plain, _, name = shown(address).partition("#")
    table = from_arrow(found, plain, name)
    own = table.names == found.column_names  # a table that holds places of its own leads back to them
    return Input(Path(), plain, table=table, keys=keys if own else ())


def _split(source: str, folder: Path | None = None) -> tuple[str, str]:
    """`book.xlsx!Sales` -> the book and what of it; a path that exists as it stands is a path."""
    if "!" not in source or (folder is not None and (folder / source).exists()):
        return source, ""
    at = -1
    while (at := source.find("!", at + 1)) >= 0:
        if Path(source[:at].strip("'")).suffix.lower() in SUFFIXES:
            return source[:at].strip("'"), source[at + 1 :].strip()
    return source, ""


def name_of(path: Path, folder: Path) -> str:
    """A file's name in places: relative to `folder` with forward slashes where that is possible."""
    try:
        name = Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # another drive
        name = path.as_posix()
    raw = os.fsencode(name)
    for encoding in ("utf-8", "gb18030"):  # names from an archive of another system
        with contextlib.suppress(UnicodeDecodeError):
            return raw.decode(encoding)
    return raw.decode("utf-8", "replace")


def _path(source: Any) -> str:
    return source.path if isinstance(source, Source) else str(source)


def _passed_over(path: Path, folder: Path, doubts: list[Problem], written: Collection[str]) -> bool:
    """Whether a file met in a folder is no data: hidden, a lock file, or what this merge writes."""
    if os.path.realpath(path) in written:
        doubts.append(Problem(Place(name_of(path, folder)), text("doubt_output_skipped"), text("doubt_output_hint")))
        return True
    if path.name.startswith("~$"):
        doubts.append(Problem(Place(name_of(path, folder)), text("doubt_lock_skipped"), text("doubt_lock_hint")))
        return True
    return path.name.startswith(".") or not path.is_file()


def _is_hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def _natural(path: Path) -> tuple[Any, ...]:
    """Sorts `2.xlsx` before `10.xlsx`."""
    import re

    return tuple(
        (int(part), "") if part.isdigit() else (1 << 60, part.casefold()) for part in re.split(r"(\d+)", str(path))
    )


def _is_frame(source: Any) -> bool:
    return hasattr(source, "columns") and hasattr(source, "iloc")
