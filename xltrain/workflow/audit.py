"""Look for wrong cells in books as they are, without any target, and write what was found as a workbook."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import xltrain.choices  # noqa: F401  (declares every choice)
from xltrain import language
from xltrain.config.check import read_data_job
from xltrain.config.settings import Job, Source
from xltrain.config.source import is_job
from xltrain.config.template import add_job_sheets
from xltrain.data.columns import facts, infer
from xltrain.data.decided import Decision, DecisionStep, Settled, kept_positions, weight_column
from xltrain.data.table import MergeReport, Table
from xltrain.engine.audit import audit as look
from xltrain.engine.audited import Audit
from xltrain.errors import ConfigError, DataError
from xltrain.events import Listener, Wrote, ignore
from xltrain.excel.package import next_free, output_book, replacing
from xltrain.excel.read import sheet_names
from xltrain.language import text
from xltrain.place import Problem
from xltrain.report.audit import audit_verdict, write_audit
from xltrain.report.decisions import read_decisions
from xltrain.report.findings import advice, finding_words
from xltrain.workflow.copies import check_unread
from xltrain.workflow.decide import RESULTS, job_decisions, last_audit, last_results, with_decisions
from xltrain.workflow.draft import sources_of
from xltrain.workflow.merge import read_sources
from xltrain.workflow.sources import Sources, name_of

AUDIT = "audit.xlsx"


@dataclass(frozen=True)
class Audited:
    """A finished audit: where its workbook is, what it found, and the rows it looked at."""

    path: Path
    found: Audit
    table: Table
    report: MergeReport
    settled: tuple[Settled, ...] = ()

    @property
    def verdict(self) -> str:
        """What was found, in a sentence or two."""
        return audit_verdict(self.found)

    @property
    def sentences(self) -> tuple[str, ...]:
        """Every finding with what may be decided about it, largest first."""
        found = self.found.findings
        told = [(f"{each.number}. {finding_words(each, self.found)}", advice(each)) for each in found]
        return tuple(map(text("semicolon").join, told))

    def to_pandas(self) -> Any:
        """The odd cells as a pandas DataFrame, worst first: place, column, value, score, expected range."""
        import pandas as pd

        return pd.DataFrame(self._cells(len(self.found.cells)))

    def _cells(self, most: int) -> list[dict[str, Any]]:
        found = []
        for each in self.found.cells[:most]:
            value = self.table.data.column(each.column)[each.row].as_py()
            known = {"place": str(self.table.place(each.row, each.column)), "column": each.column, "value": value}
            low, high = (edge if np.isfinite(edge) else None for edge in (each.low, each.high))
            known |= {"score": each.score, "low": low, "high": high, "expected": each.expected or None}
            found.append({**known, "suggested": each.suggested, "finding": each.finding or None})
        return found

    def summary(self) -> dict[str, Any]:
        """What `xltrain audit --json` prints."""
        cells = self._cells(self.found.worth)
        for each in cells:
            each["value"] = each["value"].isoformat() if hasattr(each["value"], "isoformat") else each["value"]
        return {
            "output": str(self.path),
            "rows": self.found.rows,
            "worth": self.found.worth,
            "verdict": self.verdict,
            "findings": [
                {
                    "number": each.number,
                    "finding": finding_words(each, self.found),
                    "cells": len(each.cells),
                    "advice": advice(each),
                }
                for each in self.found.findings
            ],
            "cells": cells,
            "doubts": [str(doubt) for doubt in self.report.doubts],
        }


def audit(
    sources: Sources = (),
    output: str | Path | None = None,
    *,
    job: str | Path | None = None,
    overwrite: bool = False,
    strict: bool = False,
    listen: Listener = ignore,
) -> Audited:
    """Which cells of books are probably wrong, and what they have in common.

    Each column is predicted from the others out of fold; the limits of a job's Columns sheet and the totals that the
    books hold are checked besides. Rows decided to be right, in the last audit of this output or in what the job names,
    are not raised again.

    Args:
        sources: books, folders, globs or a pandas DataFrame; a job, an earlier audit among them, for its Sources.
        output: the workbook to write, audit.xlsx by default. An existing one is kept: the next free number is taken.
        job: a job whose Sources (where no books are named) and Columns are to go by.
        overwrite: write over an existing output after all.
        strict: turn doubts into a DataError, with nothing written.

    Raises:
        ConfigError, DataError, WorkbookError: every problem found; nothing is written.
    """
    given, sources = _job_of(sources, job)
    with language.using(job=given.language if given else ""):
        folder = given.folder if given else Path.cwd()
        wanted = output_book(output, folder / AUDIT if given else Path(AUDIT))
        said = given.columns if given else ()
        table, report = read_sources(sources, folder, said, listen=listen, expected=bool(said))
        if overwrite:
            check_unread([wanted], _read(given, folder, table, report))
        if not len(table):
            raise DataError(Problem(None, text("audit_no_rows"), text("audit_no_rows_hint")))
        base = given or Job(name=wanted.stem, folder=folder)
        base = replace(base, sources=given.sources if given else sources_of(sources, folder, report), output="")
        decisions, doubts = _decisions(given, last_audit(wanted), folder, table)
        step = DecisionStep(decisions, weight_column(said))
        table = step.apply(table)
        report = with_decisions(report, step, [*doubts, *step.doubts()])
        if strict and report.doubts:
            raise DataError(report.doubts)
        columns = infer(table, said)
        columns = [replace(each, role="ignore") if each.name == step.created else each for each in columns]
        path = wanted if overwrite else next_free(wanted)
        # Whoever reads this workbook as a job finds its decisions in it.
        own = tuple(each for each in columns if each.name != step.created)
        shown = replace(base, columns=own, decisions=name_of(path, folder), runs=(), searches=(), shots=())
        with replacing(path, overwrite) as temporary:
            found = look(table, columns, report.controls, kept_positions(table, step.settled))
            write_audit(
                temporary,
                shown,
                found,
                table,
                report,
                job_sheets=lambda book: add_job_sheets(book, shown, facts(table), folder=path.parent),
                shown=_title(base, sources),
                settled=step.settled,
            )
    listen(Wrote(str(path)))
    return Audited(path, found, table, report, step.settled)


def _job_of(sources: Sources, job: str | Path | None) -> tuple[Job | None, Sources]:
    """The job to go by, if any, and the books to read."""
    listed = [sources] if isinstance(sources, (str, Path, Source)) else sources
    several = isinstance(listed, Sequence)
    empty = several and not listed
    alone = listed[0] if several and len(listed) == 1 else None
    if job is None and isinstance(alone, (str, Path)) and is_job(Path(alone)):
        job, empty = alone, True
    if job is None:
        if empty:
            raise ConfigError(Problem(None, text("merge_nothing"), text("merge_nothing_hint")))
        return None, sources
    given = read_data_job(job)
    if not empty:
        here = Path.cwd()
        named = [
            Source(name_of(here / each, given.folder)) if isinstance(each, (str, Path)) else each for each in listed
        ]
        given = replace(given, sources=tuple(each for each in named if isinstance(each, Source)))
        return given, named
    if not given.sources:
        raise ConfigError(Problem(given.place, text("merge_nothing"), text("merge_nothing_hint")))
    return given, given.sources


def _decisions(job: Job | None, last: Path | None, folder: Path, table: Table) -> tuple[list[Decision], list[Problem]]:
    """What was decided in the last audit of these books, and what the job goes by."""
    found: list[Decision] = []
    doubts: list[Problem] = []
    if job:
        found, doubts = job_decisions(job, last_results(job, job.folder / (job.output or RESULTS)))
    if last and not (job and job.decisions and last.samefile(job.folder / job.decisions)):
        books = {Path(each.file).name for each in table.origins}
        before = read_decisions(last, name_of(last, folder), results=True)
        found += [each for each in before if Path(each.file).name in books]
    return found, doubts


def _read(given: Job | None, folder: Path, table: Table, report: MergeReport) -> list[Path]:
    """What was read and may not be replaced; an earlier audit, or a job among the books of a folder, may."""
    named = {*(each.file for each in table.origins), *(each.file for each in report.sources if each.kept)}
    read = [folder / each for each in named]
    read += [folder / each.file for each in report.sources if not is_job(folder / each.file)]
    if given and given.place:
        book = folder / given.place.file
        audited = book.suffix.lower() == ".xlsx" and "Summary" in map(language.canonical, sheet_names(book))
        read += [] if audited else [book]
    return read


def _title(job: Job, sources: Sources) -> str:
    first = sources[0] if isinstance(sources, (list, tuple)) and sources else sources
    name = first.path if isinstance(first, Source) else str(first) if isinstance(first, (str, Path)) else job.name
    return Path(name).stem or job.name
