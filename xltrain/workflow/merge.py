"""Stack books into one table, join others beside it, and write it with its places and a report of what was done."""

import glob
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from xltrain.config.settings import Column, Source
from xltrain.config.source import is_job
from xltrain.data.database import DatabaseWriter, is_database, read_database, shown
from xltrain.data.inputs import Input, Rules
from xltrain.data.join import Join, JoinStep
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
from xltrain.excel.package import replacing
from xltrain.excel.read import SUFFIXES
from xltrain.excel.write import new_book
from xltrain.language import label, text
from xltrain.place import Place, Problem
from xltrain.report.merged import report_document, write_merge_sheets

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
    with ExitStack() as files:
        document = files.enter_context(replacing(Path(report_json), overwrite)) if report_json else None
        if is_database(target):
            done = _to_database(sources, target, rules, joins, base, append, strict, overwrite, listen)
        elif append:
            raise ConfigError(Problem(None, text("append_file"), text("append_file_hint")))
        elif target:
            done = _to_file(sources, Path(target), rules, joins, base, strict, overwrite, listen)
        else:
            done = _in_memory(sources, rules, joins, base, strict, listen)
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
) -> tuple[Table, MergeReport]:
    """The merged table of sources whose paths are relative to `folder` (the current one)."""
    base = Path(folder) if folder is not None else Path.cwd()
    given = _listed(sources)
    if len(given) == 1 and _is_frame(given[0]):
        return from_pandas(given[0]), MergeReport()
    if len(given) == 1 and Path(_path(given[0])).suffix.lower() == ".parquet":
        return read_parquet(base / _path(given[0])), MergeReport()
    done = _in_memory(given, Rules(columns=tuple(columns)), (), base, False, listen)
    return done.table, done.report


@dataclass(eq=False)
class _Work:
    """A merge and its joins under way."""

    merging: Merging
    steps: list[JoinStep]
    doubts: list[Problem]
    rows: int = 0

    def batches(self) -> Iterator[Table]:
        for batch in self.merging.batches():
            for step in self.steps:
                batch = step.apply(batch)
            self.rows += len(batch)
            yield batch

    def report(self, strict: bool) -> MergeReport:
        """Everything that was done; DataError for doubts where these are errors."""
        report = self.merging.report()
        report = replace(
            report,
            joins=tuple(step.report() for step in self.steps),
            changes=[*report.changes, *(change for step in self.steps for change in step.changes)],
            doubts=(*self.doubts, *report.doubts, *(doubt for step in self.steps for doubt in step.doubts())),
        )
        if strict and report.doubts:
            raise DataError(report.doubts)
        return report


@contextmanager
def _work(
    sources: Sources, rules: Rules, joins: Sequence[Join], base: Path, strict: bool, listen: Listener
) -> Iterator[_Work]:
    inputs, doubts = expand(_listed(sources), base)
    with Merging(inputs, rules, listen) as merging:
        if strict and (doubts or merging.doubts):
            raise DataError([*doubts, *merging.doubts])  # before the rows are looked at
        steps: list[JoinStep] = []
        for join in joins:
            others, more = expand([join.source], base)
            plain = replace(rules, unpivot=None, source_column="", which="union", drop_duplicates=False, key=())
            with Merging(others, plain, listen) as other:
                right = concatenated(list(other.batches()), other.empty())
                doubts += [*more, *other.report().strays.values()]
            steps.append(JoinStep(join, right, _join_name(join.source, [step.mark for step in steps])))
        yield _Work(merging, steps, doubts)


def _in_memory(
    sources: Sources, rules: Rules, joins: Sequence[Join], base: Path, strict: bool, listen: Listener
) -> Merged:
    with _work(sources, rules, joins, base, strict, listen) as work:
        table = concatenated(list(work.batches()), work.merging.empty())
        return Merged(work.report(strict), len(table), tuple(table.names), held=table)


def _to_file(
    sources: Sources,
    path: Path,
    rules: Rules,
    joins: Sequence[Join],
    base: Path,
    strict: bool,
    overwrite: bool,
    listen: Listener,
) -> Merged:
    """A workbook with everything in it; or a stream of rows, with the report in a workbook beside it."""
    suffix = check_output(path)
    with replacing(path, overwrite) as temporary:
        if suffix == ".xlsx":
            done = _in_memory(sources, rules, joins, base, strict, listen)
            temporary.unlink()
            write_table(temporary, done.table, more=lambda book: write_merge_sheets(book, done.report))
            return replace(done, output=str(path))
        beside = path.with_name(f"{path.stem} {label('report')}.xlsx")
        with replacing(beside, overwrite) as report_file:
            with _work(sources, rules, joins, base, strict, listen) as work, Stream(temporary) as stream:
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
    base: Path,
    append: bool,
    strict: bool,
    overwrite: bool,
    listen: Listener,
) -> Merged:
    """All rows in one transaction; the report in a workbook named after the table, in the current folder."""
    name = address.rpartition("#")[2] or "table"
    beside = base / f"{_file_name(name)} {label('report')}.xlsx"
    with replacing(beside, overwrite or append) as report_file:
        with (
            _work(sources, rules, joins, base, strict, listen) as work,
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


def expand(sources: Sequence[Any], folder: Path) -> tuple[list[Input], list[Problem]]:
    """Every book that paths, folders and globs name, each once and in order; and what was left out in passing.

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
        kept = [each for each in found if not (passed and _passed_over(each, folder, doubts))]
        if not kept:
            message = text("source_missing", path=said.path, folder=folder)
            problems.append(Problem(said.place or Place(said.path), message, text("source_missing_hint")))
        for each in kept:
            key = (str(each), thing, said.sheet, said.range)
            inputs.setdefault(key, _input(each, name_of(each, folder), thing, said))
    if problems:
        raise WorkbookError(problems)
    return list(inputs.values()), doubts


def _input(path: Path, file: str, thing: str, said: Source) -> Input:
    if path.suffix.lower() == ".parquet" and path.is_file():
        return Input(path, file, table=read_parquet(path), place=said.place)
    return Input(path, file, thing, said.sheet, said.header, said.range, said.skip_rows, place=said.place)


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
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # another drive
        return path.as_posix()


def _path(source: Any) -> str:
    return source.path if isinstance(source, Source) else str(source)


def _passed_over(path: Path, folder: Path, doubts: list[Problem]) -> bool:
    """Whether a file met in a folder is no data: hidden, a lock file, a job."""
    if path.name.startswith("~$"):
        doubts.append(Problem(Place(name_of(path, folder)), text("doubt_lock_skipped"), text("doubt_lock_hint")))
        return True
    if path.name.startswith(".") or not path.is_file():
        return True
    if is_job(path):
        place = Place(name_of(path, folder))
        doubts.append(Problem(place, text("doubt_job_skipped"), text("doubt_job_skipped_hint")))
        return True
    return False


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
