"""The decisions of a job: those in its last results, those in annotated copies, and those in a workbook beside it."""

import glob
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from xltrain.config.settings import Job
from xltrain.config.source import is_job
from xltrain.data.decided import Decision, DecisionStep, Settled, what_is_said
from xltrain.data.table import MergeReport, Table
from xltrain.errors import ConfigError, WorkbookError
from xltrain.excel.package import number_of, output_book
from xltrain.language import text
from xltrain.place import Problem
from xltrain.report.annotated import annotated_copies, read_annotated
from xltrain.report.decisions import read_decisions
from xltrain.report.record import LEDGER, read_record
from xltrain.workflow.sources import name_of, open_books

BESIDE, RESULTS = "decisions.xlsx", "results.xlsx"


@dataclass(frozen=True)
class Decided:
    """A table with the job's decisions applied; `created` is the column of weights that they needed, if any."""

    table: Table
    report: MergeReport
    settled: tuple[Settled, ...] = ()
    created: str = ""


def last_results(job: Job, wanted: Path, mine: Callable[[Path], bool] | None = None) -> Path | None:
    """The newest results of this job with this output, or else with the job's own; None where there are none yet.

    Several jobs may write into one folder: those of a job are the ones that bear its name, or that are `mine`.
    """
    mine = mine or (lambda path: _is_of(path, job))
    own = [job.folder / job.output] if job.output else []
    found = (path for each in [wanted, *own] for path in _numbered(each) if mine(path))
    return next(found, None)


def last_audit(wanted: Path) -> Path | None:
    """The newest of audit.xlsx, audit-2.xlsx ...; None where there is none yet."""
    return next(iter(_numbered(wanted, alone=True)), None)


def _numbered(wanted: Path, alone: bool = False) -> list[Path]:
    """results.xlsx, results-2.xlsx ... with a folder beside it, or that needs none; the highest number first."""
    wanted = output_book(wanted, Path(RESULTS))
    if not wanted.parent.is_dir():
        return []
    numbered = []
    for each in wanted.parent.glob("*.xlsx"):
        stem, number = (wanted.stem, 1) if each.name == wanted.name else number_of(each)
        if stem.casefold() == wanted.stem.casefold() and (alone or each.with_suffix("").is_dir()):
            numbered.append((number, each))
    return [path for _, path in sorted(numbered, reverse=True)]


def _is_of(results: Path, job: Job) -> bool:
    """Whether results are of this job; so they are where they do not say whose they are."""
    try:
        name = read_record(results).name
    except WorkbookError:
        return True
    return not (name and job.name) or name == job.name


def job_decisions(job: Job, last: Path | None) -> tuple[list[Decision], list[Problem]]:
    """Every decision that a job goes by, with those in its last results, in the order of their sources; and doubts.

    Raises:
        ConfigError, WorkbookError: the workbook that the job names is missing; one cannot be read.
    """
    found: list[Decision] = []
    named = job.folder / (job.decisions or BESIDE)
    if job.decisions and not named.exists():
        message = text("decisions_missing", path=job.decisions, folder=job.folder)
        raise ConfigError(Problem(job.place, message, text("decisions_missing_hint")))
    copies = annotated_copies(last) if last else []
    copies += annotated_copies(named) if named.is_dir() else []
    if last:
        found += read_decisions(last, name_of(last, job.folder), results=True)
    for copy in dict.fromkeys(copies):
        found += read_annotated(copy, name_of(copy, job.folder))
    if named.is_file() and named != last:
        found += read_decisions(
            named, name_of(named, job.folder), results=named.with_suffix("").is_dir() or is_job(named)
        )
    renamed = _renamed(job, last)
    if renamed and not (named.is_file() and renamed.samefile(named)):
        found += read_decisions(renamed, name_of(renamed, job.folder), results=True)
    read = [each for each in (last, *copies, named, renamed) if each and each.is_file()]
    doubts = open_books(job.folder, dict.fromkeys(name_of(each, job.folder) for each in read))
    return found, doubts + (_overlooked(last, job, found) if last else _of_others(job))


def _renamed(job: Job, last: Path | None) -> Path | None:
    """The workbook that the job was read from, where it may be results saved under another name since the last fit."""
    own = job.folder / job.place.file if job.place else None
    if own is None or own.suffix.lower() != ".xlsx" or not own.is_file():
        return None
    if last is None:
        return own
    same = own.samefile(last) or number_of(own)[0] == number_of(last)[0]
    return None if same or own.stat().st_mtime <= _made(last) else own


def _made(last: Path) -> float:
    """When a fit was done, in seconds; its workbook may have been saved since."""
    ledger = last.with_suffix("") / LEDGER
    return (ledger if ledger.is_file() else last).stat().st_mtime


def _overlooked(last: Path, job: Job, found: Sequence[Decision]) -> list[Problem]:
    """Results with a lower number in which somebody has decided something since the last fit, which is not read."""
    doubts = []
    stem, number = number_of(last)
    made = _made(last)
    known = {what_is_said(each) for each in found}
    for each in sorted(last.parent.glob(f"{glob.escape(stem)}*.xlsx")):
        earlier = number_of(each)[0] == stem and number_of(each)[1] < number
        if not earlier or not each.with_suffix("").is_dir() or each.stat().st_mtime <= made or not _is_of(each, job):
            continue
        shown = name_of(each, job.folder)
        new = [said for said in read_decisions(each, shown, results=True) if what_is_said(said) not in known]
        if new:
            message, hint = text("decisions_earlier", last=last.name), text("decisions_earlier_hint", last=last.name)
            doubts.append(Problem(new[0].at, message, hint))
    return doubts


def _of_others(job: Job) -> list[Problem]:
    """Decisions in results of the same output that bear another name, as those of a job that was renamed do."""
    last = next(iter(_numbered(job.folder / (job.output or RESULTS))), None)
    if last is None or _is_of(last, job):
        return []
    said = read_decisions(last, name_of(last, job.folder), results=True)
    message, hint = text("decisions_of_other", name=read_record(last).name), text("decisions_of_other_hint")
    return [Problem(said[0].at, message, hint)] if said else []


def same_books(last: Path, table: Table, folder: Path) -> bool:
    """Whether the last results are of any of these files, so that what was decided there may be meant here.

    Asked where books are named without a job; file names of the table are relative to `folder`.
    """
    try:
        record = read_record(last)
    except WorkbookError:
        return False
    known = {(last.parent / record.folder / each.file).resolve() for each in record.files if each.sha256}
    return any((folder / origin.file).resolve() in known for origin in table.origins)


def apply_decisions(job: Job, last: Path | None, table: Table, report: MergeReport, weight: str) -> Decided:
    """The rows as the job's decisions say; what was changed, and every doubt, goes into the report.

    Raises:
        ConfigError: decisions that are incomplete, impossible or contradict one another, all of them; none is applied.
        WorkbookError: a workbook of decisions that cannot be read.
    """
    decisions, doubts = job_decisions(job, last)
    if not decisions:
        return Decided(table, replace(report, doubts=(*report.doubts, *doubts)) if doubts else report)
    step = DecisionStep(decisions, weight)
    changed = step.apply(table)
    doubts += step.doubts()
    return Decided(changed, with_decisions(report, step, doubts), step.settled, step.created)


def with_decisions(report: MergeReport, step: DecisionStep, doubts: Sequence[Problem]) -> MergeReport:
    """The report with what decisions changed, first in its list of changes since a person asked for them."""
    counts = Counter(report.counts) + Counter(change.action for change in step.changes)
    return replace(
        report,
        changes=[*step.changes, *report.changes],
        counts=dict(counts),
        doubts=(*report.doubts, *doubts),
    )
