"""Write the fixes that were decided into copies of the source workbooks: one cell each, nothing else touched."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from xltrain import language
from xltrain.config.check import read_data_job
from xltrain.config.settings import Job
from xltrain.config.source import is_job
from xltrain.data.decided import DecisionStep, Settled, weight_column
from xltrain.data.decided_rows import shown_value, typed
from xltrain.data.parse import read_booleans
from xltrain.data.table import Table
from xltrain.errors import ConfigError, DataError, WorkbookError
from xltrain.events import Listener, Noted, Wrote, ignore
from xltrain.excel.book import open_book
from xltrain.excel.grid import TEXT, Grid
from xltrain.excel.package import missing_book
from xltrain.excel.patch import Edit, NewSheet, check_kind, patch_book
from xltrain.excel.read import NEW
from xltrain.language import label, text
from xltrain.place import Place, Problem
from xltrain.report.record import RECORD, read_record
from xltrain.report.record import beside as record_folder
from xltrain.workflow.copies import all_or_none, check_copies, copy_names, undo_copies
from xltrain.workflow.decide import BESIDE, RESULTS, job_decisions, last_results
from xltrain.workflow.merge import read_sources
from xltrain.workflow.sources import open_books

__all__ = ["Applied", "apply", "shown_value"]
HEADS = ("file", "sheet", "cell", "column", "was", "became", "decision_note", "decided_at")


@dataclass(frozen=True)
class Fixed:
    """One cell that gets its right value: its place, column, both values, the note and where it was decided."""

    place: Place
    column: str
    was: Any
    now: Any
    note: str
    at: str


@dataclass(frozen=True)
class Applied:
    """What was written where. `left` are decisions that no cell can hold: rows dropped and weights stay decisions;
    `decided_in` are the workbooks that hold them.

    `undone` are copies given back, each with whether its parts are those of the original byte for byte.
    """

    fixes: tuple[Fixed, ...] = ()
    files: tuple[Path, ...] = ()
    doubts: tuple[Problem, ...] = ()
    left: int = 0
    log: Path | None = None
    undone: tuple[tuple[Path, bool], ...] = ()
    decided_in: tuple[str, ...] = ()

    def summary(self) -> dict[str, Any]:
        """What `xltrain apply --json` prints."""
        return {
            "fixes": [
                {
                    "place": str(each.place),
                    "column": each.column,
                    "was": shown_value(each.was),
                    "became": shown_value(each.now),
                    "note": each.note,
                    "decided_at": each.at,
                }
                for each in self.fixes
            ],
            "files": [str(path) for path in self.files],
            "log": str(self.log) if self.log else None,
            "left": self.left,
            "decided_in": list(self.decided_in),
            "doubts": [str(doubt) for doubt in self.doubts],
            "undone": [{"file": str(path), "identical": identical} for path, identical in self.undone],
        }


def apply(
    results: str | Path,
    output: str | Path | None = None,
    *,
    dry_run: bool = False,
    undo: bool = False,
    overwrite: bool = False,
    strict: bool = False,
    listen: Listener = ignore,
) -> Applied:
    """Write the fixes decided in a results workbook into copies of the workbooks that its rows came from.

    Args:
        results: a results workbook or its folder, or a job for its last results; with `undo` a copy that apply
            wrote, or a folder of these.
        output: the folder for the copies, and for a copy of the results with a change log.
        dry_run: only say what would be written.
        undo: give the originals back into `output` instead.

    Raises:
        ConfigError: decisions that are incomplete, impossible or contradict one another, all of them.
        DataError: a row has changed since it was decided on, where `strict` is set.
        WorkbookError: a source that is missing or of a kind that cannot be patched; a copy that exists already.
    """
    if output is None and not dry_run:
        raise ConfigError(Problem(None, text("apply_no_output"), text("apply_no_output_hint")))
    if undo:
        done, failed = undo_copies([Path(results)], Path(output or "."), overwrite=overwrite, listen=listen)
        return Applied(doubts=failed, undone=done)
    path = _book(Path(results))
    if not is_job(path):
        raise missing(path)
    job = read_data_job(path)
    with language.using(job=job.language):
        last = path if path.with_suffix("").is_dir() else last_results(job, job.folder / (job.output or RESULTS))
        if job.decisions and (job.folder / job.decisions).resolve() == path.resolve():
            last = None  # an audit, which has no results of its own
        if last and (record_folder(last) / RECORD).is_file():
            read_record(last)  # of a newer version, or broken: refused before anything is done
        fixes, settled, doubts, read = _fixes(job, last)
        fixes = _as_written_there(job.folder, fixes)
        if strict and doubts:
            raise DataError(doubts)
        books = dict.fromkeys(each.decision.at.file for each in settled)
        listen(Noted(text("apply_from", books=text("comma").join(books)) if books else text("apply_none")))
        left = sum(each.state == "applied" and each.decision.word != "fix" for each in settled)
        found = Applied(tuple(fixes), (), tuple(doubts), left, decided_in=tuple(books))
        fixed = _books(job, fixes)
        if dry_run or not fixes:
            return found
        said = last or job.folder / (job.decisions or BESIDE)
        return _write(found, said, job.folder, fixed, read, Path(output or "."), overwrite, listen)


def missing(path: Path) -> WorkbookError:
    """What is wrong with a path that is no results workbook."""
    problem = missing_book(path)
    return WorkbookError(problem or Problem(Place(str(path)), text("apply_no_results"), text("apply_no_results_hint")))


def _book(path: Path) -> Path:
    """The results workbook, where its folder may be named."""
    beside = path.with_name(path.name + ".xlsx")
    return beside if path.is_dir() and beside.is_file() else path


def _fixes(job: Job, last: Path | None) -> tuple[list[Fixed], tuple[Settled, ...], list[Problem], list[str]]:
    """Every cell that gets another value, from the sources as they are now; and the names of these."""
    decisions, doubts = job_decisions(job, last)
    table, report = read_sources(job.sources, job.folder, job.columns, expected=bool(job.columns))
    step = DecisionStep(decisions, weight_column(job.columns))
    step.apply(table)
    doubts += step.doubts()
    cells: dict[Place, Fixed] = {}
    problems = []
    for change in step.settled:
        said = change.decision
        if change.state != "applied" or said.word != "fix":
            continue
        if not change.place.row or not change.place.column:
            message = text("apply_no_cell", column=said.column)
            problems.append(Problem(change.place, message, text("apply_no_cell_hint")))
            continue
        now = typed(said.new, table.data.schema.field(said.column).type)
        was = _found(table, change.place, said.column, said.old)
        cells.setdefault(change.place, Fixed(change.place, said.column, was, now, said.note, said.made))
    if problems:
        raise WorkbookError(problems)
    return list(cells.values()), step.settled, doubts, [each.file for each in report.sources]


def _as_written_there(base: Path, fixes: Sequence[Fixed]) -> list[Fixed]:
    """What each cell really holds, and truth values in the words of their own column, such as `yes` or 1."""
    sheets: dict[tuple[str, str], list[int]] = {}
    for index, each in enumerate(fixes):
        if (base / each.place.file).suffix.lower() in NEW:
            sheets.setdefault((each.place.file, each.place.sheet), []).append(index)
    found = list(fixes)
    for (file, sheet), members in sheets.items():
        with open_book(base / file) as book:
            grid = book.grid(sheet)
        for index in members:
            each = fixes[index]
            was = grid.at(each.place.row, each.place.column)
            now = _like(grid, each.place.column, was, each.now) if isinstance(each.now, bool) else each.now
            found[index] = replace(each, was=was, now=now)
    return found


def _like(grid: Grid, column: int, was: Any, now: bool) -> Any:
    """A truth value as the cells of a column say it; a boolean where none of them says it otherwise."""
    if isinstance(was, str):
        strip = grid.by_column[column]
        codes, counts = np.unique(strip.values[strip.kinds == TEXT].astype(np.int64), return_counts=True)
        words = [grid.texts[code].as_py() for code in codes[np.argsort(-counts)].tolist()]
        values, _ = read_booleans(words)
        return next((word for word, value in zip(words, values, strict=True) if value == now), now)
    return int(now) if isinstance(was, (int, float)) and not isinstance(was, bool) else now


def _found(table: Table, place: Place, column: str, old: Any) -> Any:
    """What the cell holds now, which is what it held when it was decided."""
    if old is not None or column in table.joined:
        return old
    origins = [
        index for index, each in enumerate(table.origins) if (each.file, each.sheet) == (place.file, place.sheet)
    ]
    rows = [each for each in origins for each in ((table.origin == each) & (table.row == place.row)).nonzero()[0]]
    return table.data.column(column)[int(rows[0])].as_py() if rows else None


def _books(job: Job, fixes: Sequence[Fixed]) -> dict[str, list[Fixed]]:
    """The fixes of each file. WorkbookError for every file that is missing or cannot be patched."""
    books: dict[str, list[Fixed]] = {}
    for each in fixes:
        books.setdefault(each.place.file, []).append(each)
    problems: list[Problem] = []
    for file in books:
        absent = missing_book(job.folder / file)
        if absent:
            problems.append(absent)
            continue
        try:
            check_kind(job.folder / file)
        except WorkbookError as error:
            problems += error.problems
    if problems:
        raise WorkbookError(problems)
    return books


def _write(
    found: Applied,
    said: Path,
    base: Path,
    books: dict[str, list[Fixed]],
    sources: Sequence[str],
    folder: Path,
    overwrite: bool,
    listen: Listener,
) -> Applied:
    """All copies, and one of the workbook that said so with the change log; or none."""
    targets = {file: folder / name for file, name in copy_names(list(books)).items()}
    log = folder / said.name
    if log in targets.values():
        raise WorkbookError(Problem(Place(str(log)), text("output_is_source"), text("output_is_source_hint")))
    origins = {**targets, os.path.relpath(said, base): log}
    check_copies(origins, base, overwrite, [base / each for each in sources])
    doubts = [*found.doubts, *open_books(base, books)]
    with all_or_none() as stage:
        for file, fixes in books.items():
            edits = [Edit(each.place.sheet, each.place.row, each.place.column, each.now) for each in fixes]
            doubts += patch_book(base / file, stage(targets[file]), edits=edits).notes
        sheet = NewSheet(label("Change log"), rows=_log(found.fixes))
        patch_book(said, stage(log), sheets=(sheet,))
    for path in (*targets.values(), log):
        listen(Wrote(str(path)))
    return replace(found, files=tuple(targets.values()), doubts=tuple(doubts), log=log)


def _log(fixes: Sequence[Fixed]) -> tuple[tuple[Any, ...], ...]:
    lines = [
        (
            each.place.file,
            each.place.sheet,
            each.place.address,
            each.column,
            _plain(each.was),
            _plain(each.now),
            each.note,
            each.at,
        )
        for each in fixes
    ]
    return (tuple(label(word) for word in HEADS), *lines)


def _plain(value: Any) -> Any:
    """A value as a cell holds it."""
    return value if value is None or isinstance(value, (bool, int, float, str)) else shown_value(value)
