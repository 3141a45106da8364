"""Problems written where they are: copies of workbooks in which the cell is coloured and the reason is its comment."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from xltrain.data.table import MergeReport
from xltrain.errors import WorkbookError, XltrainError
from xltrain.events import Listener, Wrote, ignore
from xltrain.excel.package import missing_book
from xltrain.excel.patch import KINDS, Mark, patch_book
from xltrain.excel.read import sheet_names
from xltrain.language import label, text
from xltrain.place import Place, Problem, parse_range
from xltrain.workflow.copies import all_or_none, check_copies, copy_names

MOST = 2_000  # comments of one workbook: more would make it slow to open
MOST_SAID = 1_000  # characters of one comment
# Light enough for black text, and told apart in grey by the comment itself.
COLOURS = {"error": "#F4B6B0", "doubt": "#FCE29A", "changed": "#BBD7F2", "dropped": "#D5D8DD"}
_ORDER = ("error", "doubt", "changed", "dropped")  # which colour a cell with several takes
_KINDS = {"error": "error", "dropped": "dropped"}


@dataclass(frozen=True)
class Finding:
    """What is to be said at a place; kind: error, doubt, changed or dropped."""

    place: Place
    said: str
    kind: str = "doubt"


@dataclass(frozen=True)
class Marked:
    """The copies, each with how many cells were marked, and what their reader should know (what was cut)."""

    files: Mapping[Path, int] = field(default_factory=dict)
    notes: tuple[Problem, ...] = ()

    def lines(self) -> list[str]:
        """A line for each copy, and what to know of it."""
        wrote = [text("mark_wrote", count=count, path=path) for path, count in self.files.items()]
        return [*wrote, *map(str, self.notes)]


@dataclass
class Marking:
    """What a block under `marking` has found so far, and what came of it."""

    findings: list[Finding] = field(default_factory=list)
    starts: dict[tuple[str, str], int] = field(default_factory=dict)
    done: Marked = field(default_factory=Marked)
    files_read: list[str] = field(default_factory=list)

    def read(self, report: MergeReport) -> None:
        """What the block read, which no copy may replace."""
        self.files_read += [each.file for each in report.sources]

    def add(self, report: MergeReport) -> None:
        """Everything that a merge found: doubts, cells of another kind, cells and rows that were changed or dropped."""
        self.findings += [_of(problem, "doubt") for problem in report.doubts if problem.place]
        self.findings += [_of(problem, "error") for problem in report.strays.values() if problem.place]
        for change in report.changes:
            said = change.reason
            if change.action != "error":
                said = text("mark_change", action=label(change.action), reason=change.reason)
            if change.action not in _KINDS and change.became:
                said = text("mark_became", said=said, became=change.became)
            self.findings.append(Finding(change.place, said, _KINDS.get(change.action, "changed")))
        for source in report.sources:
            cells = parse_range(source.table)
            if cells:
                self.starts.setdefault((source.file, source.sheet), cells.first_column)


def _of(problem: Problem, kind: str) -> Finding:
    said = text("semicolon").join([problem.message, problem.hint]) if problem.hint else problem.message
    return Finding(problem.place or Place(""), said, kind)


@contextmanager
def marking(
    folder: str | Path | None,
    *,
    base: Path | None = None,
    files: Sequence[str] = (),
    overwrite: bool = False,
    listen: Listener = ignore,
) -> Iterator[Marking]:
    """Mark what the block finds, and every problem of the error that it ends with, in copies below `folder`.

    Args:
        folder: None marks nothing; a name that ends in .xlsx or .xlsm is the one copy itself.
        base: what file names in places are relative to.
        files: workbooks that may be marked; empty for all that places name.

    Raises:
        WorkbookError: a copy exists or cannot be written; besides what the block raises.
    """
    found = Marking()
    where = None if folder is None else Path(folder)
    here = base or Path.cwd()

    def marked() -> Marked:
        assert where is not None
        return mark_books(found.findings, where, here, found.starts, files, overwrite, listen, found.files_read)

    try:
        yield found
    except XltrainError as error:
        if where is not None:
            found.findings += [_of(problem, "error") for problem in error.problems if problem.place]
            try:
                found.done = marked()
            except WorkbookError as more:
                raise type(error)([*error.problems, *more.problems]) from error
            raise type(error)([*error.problems, *map(_line, found.done.lines())]) from error
        raise
    if where is not None:
        found.done = marked()


def mark_job(
    job: str | Path, problems: Sequence[Problem], output: str | Path, *, overwrite: bool = False
) -> list[Problem]:
    """Mark the wrong cells of a job workbook in a copy of it; lines that say where it lies, or why there is none.

    Problems that name no cell stand on the first one of their sheet.

    Raises:
        WorkbookError: a copy exists or cannot be written; besides, every problem of the job.
    """
    file = Path(job)
    if file.suffix.lower() not in KINDS or missing_book(file):
        return [Problem(Place(str(job)), text("mark_no_workbook"), text("mark_no_workbook_hint"))]
    known = {name.casefold(): name for name in sheet_names(file)}
    found = [
        Finding(
            replace(each.place, file=str(job), sheet=known[each.place.sheet.casefold()]),
            _of(each, "error").said,
            "error",
        )
        for each in problems
        if each.place and each.place.file == file.name and each.place.sheet.casefold() in known
    ]
    try:
        done = mark_books(found, Path(output), Path.cwd(), overwrite=overwrite)
    except WorkbookError as error:
        raise WorkbookError([*problems, *error.problems]) from error
    return [_line(each) for each in done.lines() or [text("mark_nowhere")]]


def _line(said: str) -> Problem:
    return Problem(None, said)


def mark_books(
    findings: Iterable[Finding],
    folder: Path,
    base: Path,
    starts: Mapping[tuple[str, str], int] | None = None,
    files: Sequence[str] = (),
    overwrite: bool = False,
    listen: Listener = ignore,
    read: Sequence[str] = (),
) -> Marked:
    """Write a marked copy of every workbook that findings name; those of a kind that cannot be patched are noted.

    `starts` are the first columns of tables by file and sheet, for findings that name a row alone; `read` are files,
    relative to `base`, that no copy may replace.

    Raises:
        WorkbookError: a copy exists or cannot be written.
    """
    of_files = _by_cell(findings, starts or {})
    notes: list[Problem] = []
    able = []
    for file in of_files:
        if (files and file not in files) or missing_book(base / file):
            continue
        if Path(file).suffix.lower() in KINDS:
            able.append(file)
        else:
            notes.append(Problem(Place(file), text("mark_kind", suffix=Path(file).suffix or "-")))
    targets = {file: folder / name for file, name in copy_names(able).items()}
    if folder.suffix.lower() in KINDS and len(able) == 1:
        targets = {able[0]: folder}
    check_copies(targets, base, overwrite, [base / file for file in (*of_files, *read)])
    counts: dict[Path, int] = {}
    with all_or_none() as stage:
        for file, path in targets.items():
            cells = of_files[file]
            if len(cells) > MOST:
                notes.append(Problem(Place(file), text("mark_cut", most=MOST)))
            marks = _marks(cells)
            counts[path] = len(marks)
            notes += patch_book(base / file, stage(path), marks=marks).notes
    for path in counts:
        listen(Wrote(str(path)))
    return Marked(counts, tuple(notes))


Cell = tuple[str, int, int]  # sheet, row, column


def _by_cell(
    findings: Iterable[Finding], starts: Mapping[tuple[str, str], int]
) -> dict[str, dict[Cell, dict[str, str]]]:
    """file -> cell -> sentence -> kind, each sentence once, in the order found."""
    found: dict[str, dict[Cell, dict[str, str]]] = {}
    for each in findings:
        place = each.place
        if not place.file or not place.sheet:
            continue
        column = place.column or (starts.get((place.file, place.sheet), 1))
        cell = (place.sheet, place.row or 1, column)
        found.setdefault(place.file, {}).setdefault(cell, {}).setdefault(each.said, each.kind)
    return found


def _marks(cells: Mapping[Cell, Mapping[str, str]]) -> list[Mark]:
    """The worst kinds first where there are too many."""
    worst = {cell: min(_ORDER.index(kind) for kind in said.values()) for cell, said in cells.items()}
    kept = sorted(cells, key=lambda cell: worst[cell])[:MOST]
    marks = []
    for cell in kept:
        sentences = list(cells[cell])
        said = sentences[0] if len(sentences) == 1 else "\n".join(f"• {each}" for each in sentences)
        said = said if len(said) <= MOST_SAID else said[: MOST_SAID - 1] + "…"
        marks.append(Mark(*cell, said, COLOURS[_ORDER[worst[cell]]]))
    return marks
