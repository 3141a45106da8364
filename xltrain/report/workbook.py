"""The results workbook: its sheets in order."""

import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from xltrain.config.settings import Job
from xltrain.data.decided import Settled
from xltrain.data.table import MergeReport, Table
from xltrain.engine.result import Result
from xltrain.excel.chart import ChartData
from xltrain.excel.write import TITLE, Book, new_book
from xltrain.language import label
from xltrain.report.columns import write_columns
from xltrain.report.curves import write_curves
from xltrain.report.decisions import write_decisions
from xltrain.report.diagnostics import write_diagnostics
from xltrain.report.findings import write_findings
from xltrain.report.importance import write_importance
from xltrain.report.leaderboard import write_leaderboard
from xltrain.report.merged import write_merge_sheets
from xltrain.report.report import Report
from xltrain.report.samples import write_samples
from xltrain.report.sharing import shared, shared_since
from xltrain.report.since import Since
from xltrain.report.slice_sheet import write_slices
from xltrain.report.summary import write_summary
from xltrain.report.suspects import write_suspects
from xltrain.report.targets import write_targets

CHARTS = "xltrain charts"  # the hidden sheet behind the charts
PIXELS_OF_ROW = 20
SHARP = 2  # pixels of a picture for one on the screen


def write_results(
    path: Path,
    job: Job,
    result: Result,
    table: Table,
    merge: MergeReport | None,
    *,
    job_sheets: Callable[[Any], None],
    pictures: Sequence[tuple[str, Path]] = (),
    samples_file: str,
    settled: Sequence[Settled] = (),
    since: Since | None = None,
    share: bool = False,
) -> None:
    """Write everything about a fit.

    Args:
        path: where the workbook is written; links to cells are relative to its folder.
        merge: what the merge did; no sheets of it where there was none.
        job_sheets: adds the job's own sheets to an XlsxWriter workbook.
        pictures: caption and PNG file of each of the job's shots.
        samples_file: where the whole ledger lies, as shown to the reader.
        settled: what became of every decision.
        since: what is new against the last fit of the same job.
        share: leave out every sheet and chart of single rows, so that the workbook may be handed on.

    Raises:
        WorkbookError: the file cannot be written.
    """
    if share:
        result, merge, settled, since = shared(result, table), None, (), shared_since(since)
    with new_book(path, job.name) as book:
        report = Report(
            path, book, ChartData(book, CHARTS), job, result, table, merge, samples_file, tuple(settled), since, share
        )
        write_summary(report, label("Summary"))
        write_leaderboard(report, label("Leaderboard"))
        write_targets(report, label("Targets"))
        write_curves(report, label("Curves"))
        if not share:
            write_samples(report)
            write_findings(report, report.result.causes)
            write_suspects(report)
            write_decisions(report)
        write_slices(report, label("Slices"))
        write_importance(report, label("Importance"))
        if not share:
            write_diagnostics(report, label("Diagnostics"))
        write_columns(report, label("Data"))
        if merge and merge.sources and not share:
            write_merge_sheets(book, merge, "Columns read")
        if pictures:
            _write_pictures(book, pictures)
        if not share:
            job_sheets(book.workbook)
        report.data.write()


def _write_pictures(book: Book, pictures: Sequence[tuple[str, Path]]) -> None:
    """One picture below the other, each under its caption."""
    sheet = book.sheet(label("Pictures"))
    sheet.write(0, 0, label("Pictures"), book.style(**TITLE))
    sheet.page.set_row(0, 26)
    row = 2
    for caption, file in pictures:
        sheet.write(row, 0, caption, book.style(bold=True))
        scale = 1 if _tagged(file) else 1 / SHARP
        sheet.page.insert_image(row + 1, 0, str(file), {"object_position": 3, "x_scale": scale, "y_scale": scale})
        height = struct.unpack(">II", file.read_bytes()[16:24])[1] / SHARP
        row += 3 + int(height / PIXELS_OF_ROW + 1)


def _tagged(file: Path) -> bool:
    """Whether a PNG says how many pixels an inch has; XlsxWriter then scales it by itself."""
    return b"pHYs" in file.read_bytes()[:200]
