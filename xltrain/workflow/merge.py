"""Stack books into one table, and write it with its places and a report of everything that was done."""

import glob
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from xltrain.config.settings import Column, Source
from xltrain.config.source import is_job
from xltrain.data.merge import Input
from xltrain.data.merge import merge as stack
from xltrain.data.store import check_output, from_pandas, read_parquet, to_pandas, write_table
from xltrain.data.table import MergeReport, Table
from xltrain.errors import ConfigError, DataError, WorkbookError
from xltrain.events import Listener, Wrote, ignore
from xltrain.excel.package import replacing
from xltrain.excel.read import SUFFIXES
from xltrain.excel.write import new_book
from xltrain.language import label, text
from xltrain.place import Place, Problem
from xltrain.report.merged import write_merge_sheets

# A book, folder or glob, a pandas DataFrame, or several of these (`Source` where a sheet or header row is named).
Sources = Any


@dataclass(frozen=True)
class Merged:
    """A merged table and what was done to get it. `report_file` holds the report where the output cannot."""

    table: Table
    report: MergeReport
    output: Path | None = None
    report_file: Path | None = None

    def to_pandas(self) -> Any:
        """The rows as a pandas DataFrame, places last."""
        return to_pandas(self.table)

    def summary(self) -> dict[str, Any]:
        """What `xltrain merge --json` prints."""
        return {
            "output": str(self.output) if self.output else None,
            "report": str(self.report_file or self.output) if self.output else None,
            "rows": len(self.table),
            "columns": len(self.table.names),
            "sources": [
                {
                    "file": each.file,
                    "sheet": each.sheet,
                    "header_row": each.header_row,
                    "rows": each.rows,
                    "kept": each.kept,
                    "dropped": each.dropped,
                    "missing": list(each.missing),
                    "reason": each.reason,
                }
                for each in self.report.sources
            ],
            "doubts": [str(doubt) for doubt in self.report.doubts],
        }


def merge(
    sources: Sources,
    output: str | Path | None = None,
    *,
    columns: Sequence[Column] = (),
    overwrite: bool = False,
    strict: bool = False,
    listen: Listener = ignore,
) -> Merged:
    """Stack the sheets of many books by column name; every row keeps its file, sheet and row.

    Args:
        sources: books, folders (with what is below them), globs or pandas DataFrames.
        output: .xlsx (report and source map inside), .parquet or .csv (report in a workbook beside it).
        columns: names, types, aliases and missing words to go by.
        strict: turn doubts into a DataError, with nothing written.

    Raises:
        WorkbookError, DataError: every problem found; nothing is written.
    """
    path = Path(output) if output is not None else None
    if path is not None:
        check_output(path)
        with replacing(path, overwrite) as temporary:
            table, report = _checked(sources, columns, strict, listen)
            _write(path, temporary, table, report)
        beside = _write_report(path, report, overwrite) if path.suffix.lower() != ".xlsx" else None
        listen(Wrote(str(path)))
        return Merged(table, report, path, beside)
    return Merged(*_checked(sources, columns, strict, listen))


def read_sources(
    sources: Sources,
    folder: Path | None = None,
    columns: Sequence[Column] = (),
    listen: Listener = ignore,
) -> tuple[Table, MergeReport]:
    """The merged table of sources whose paths are relative to `folder` (the current one)."""
    base = Path(folder) if folder is not None else Path.cwd()
    given = [sources] if isinstance(sources, (str, Path, Source)) or _is_frame(sources) else list(sources)
    if not given:
        raise ConfigError(Problem(None, text("merge_nothing"), text("merge_nothing_hint")))
    if len(given) == 1 and _is_frame(given[0]):
        return from_pandas(given[0]), MergeReport()
    if len(given) == 1 and Path(_path(given[0])).suffix.lower() == ".parquet":
        return read_parquet(base / _path(given[0])), MergeReport()
    inputs, doubts = expand(given, base)
    table, report = stack(inputs, columns, listen)
    return table, replace(report, doubts=(*doubts, *report.doubts))


def expand(sources: Sequence[Any], folder: Path) -> tuple[list[Input], list[Problem]]:
    """Every book that paths, folders and globs name, each once and in order; and what was left out in passing.

    Raises:
        WorkbookError: names that match nothing.
    """
    inputs: dict[tuple[str, str], Input] = {}
    doubts: list[Problem] = []
    problems: list[Problem] = []
    for source in sources:
        sheet, header = (source.sheet, source.header) if isinstance(source, Source) else ("", 0)
        named = folder / _path(source)
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
            place = source.place if isinstance(source, Source) and source.place else Place(_path(source))
            message = text("source_missing", path=_path(source), folder=folder)
            problems.append(Problem(place, message, text("source_missing_hint")))
        for each in kept:
            inputs.setdefault((str(each), sheet), Input(each, name_of(each, folder), sheet, header))
    if problems:
        raise WorkbookError(problems)
    return list(inputs.values()), doubts


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


def _checked(sources: Sources, columns: Sequence[Column], strict: bool, listen: Listener) -> tuple[Table, MergeReport]:
    table, report = read_sources(sources, columns=columns, listen=listen)
    if strict and report.doubts:
        raise DataError(report.doubts)
    return table, report


def _write(path: Path, temporary: Path, table: Table, report: MergeReport) -> None:
    """The output under its temporary name, which has the suffix of the path."""
    temporary.unlink()
    write_table(temporary, table, more=lambda book: write_merge_sheets(book, report))


def _write_report(path: Path, report: MergeReport, overwrite: bool) -> Path:
    """The report of an output that cannot hold it, as a workbook beside it."""
    beside = path.with_name(f"{path.stem} {label('report')}.xlsx")
    with replacing(beside, overwrite) as temporary, new_book(temporary) as book:
        write_merge_sheets(book, report)
    return beside
