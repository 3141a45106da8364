"""The workbook of an audit: what was found in plain sentences, the findings, the odd cells, and what was read."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from xltrain.config.settings import Column, Job
from xltrain.data.decided import Settled
from xltrain.data.table import MergeReport, Table
from xltrain.engine.audited import Audit
from xltrain.engine.result import Result
from xltrain.excel.chart import Axis, ChartData, bar_chart
from xltrain.excel.write import GREY, NAVY, PALE, SECTION, TITLE, Sheet, new_book
from xltrain.language import label, sentences, text
from xltrain.report.decisions import write_decisions
from xltrain.report.findings import advice, finding_words, write_findings
from xltrain.report.merged import write_merge_sheets
from xltrain.report.notes import hover
from xltrain.report.odd_cells import write_odd_cells
from xltrain.report.report import Report

CHARTS = "xltrain charts"  # the hidden sheet behind the charts
COLUMNS = (34, 12, 12, 14, 12, 14, 30)  # characters of each
TOP = 8  # findings on the first page
BARS = 15
CHART = (880, 300)  # pixels
TABLE = ("column", "column_type", "filled", "told_by_others", "odd_cells", "beyond_limits")


def write_audit(
    path: Path,
    job: Job,
    audit: Audit,
    table: Table,
    merge: MergeReport,
    *,
    job_sheets: Callable[[Any], None],
    shown: str = "",
    settled: Sequence[Settled] = (),
) -> None:
    """Write everything about an audit.

    Args:
        path: where the workbook is written; links to cells are relative to its folder.
        job_sheets: adds the job's own sheets to an XlsxWriter workbook, for who reads the books again.
        shown: what was audited, as the title says it.

    Raises:
        WorkbookError: the file cannot be written.
    """
    with new_book(path, shown or job.name) as book:
        result = Result((), len(table), "", 0.0, 0, 0)
        report = Report(path, book, ChartData(book, CHARTS), job, result, table, merge, "", tuple(settled))
        _write_summary(report, audit, shown or job.name)
        write_findings(report, audit)
        write_odd_cells(report, audit)
        write_decisions(report)
        if merge.sources:
            write_merge_sheets(book, merge, "Columns read")
        job_sheets(book.workbook)
        report.data.write()


def _write_summary(report: Report, audit: Audit, title: str) -> None:
    sheet = report.book.sheet(label("Summary"))
    sheet.page.set_portrait()
    for column, width in enumerate(COLUMNS):
        sheet.width(column, width)
    last = len(COLUMNS) - 1
    sheet.write(0, 0, text("audit_title", name=title), report.book.style(**TITLE))
    sheet.page.set_row(0, 30)
    merge = report.merge or MergeReport()
    books = len({each.file for each in merge.sources if each.kept}) or 1
    size = {"rows": f"{audit.rows:,}", "columns": len(audit.columns), "books": books}
    sheet.write(1, 0, text("audit_size", **size), report.book.style(font_color=GREY))
    row = _paragraph(report, sheet, 3, audit_verdict(audit), PALE, bold=True)
    row = _section(report, sheet, row + 1, text("audit_found"))
    for finding in audit.findings[:TOP]:
        sentence = f"{finding.number}. {finding_words(finding, audit)}  →  {advice(finding)}"
        row = _paragraph(report, sheet, row, sentence)
    if len(audit.findings) > TOP:
        row = _paragraph(report, sheet, row, text("audit_more", count=len(audit.findings) - TOP))
    if not audit.findings:
        row = _paragraph(report, sheet, row, text("audit_no_finding"))
    row = _section(report, sheet, row + 1, text("audit_checked"))
    for sentence in checked(audit, report.job.columns, merge):
        row = _paragraph(report, sheet, row, sentence)
    row = _chart(report, sheet, row + 1, audit)
    row = _section(report, sheet, row + 1, label("Columns"))
    row = _columns(report, sheet, row, audit)
    sheet.page.print_area(0, 0, row, last)


def audit_verdict(audit: Audit) -> str:
    """What was found, in a sentence or two."""
    worth = audit.cells[: audit.worth]
    if not worth and not audit.findings:
        return text("audit_clean", rows=f"{audit.rows:,}")
    if not worth:
        return text("audit_only_totals", rows=f"{audit.rows:,}", count=len(audit.findings))
    rows = len({each.row for each in worth})
    said = {"cells": f"{len(worth):,}", "rows": f"{rows:,}", "total": f"{audit.rows:,}"}
    sentence = text("audit_verdict", **said)
    if audit.unlisted:
        more = {"count": f"{audit.unlisted:,}", "listed": f"{len(worth):,}"}
        sentence = sentences(sentence, text("audit_unlisted", **more))
    explained = sum(each.finding > 0 for each in worth)
    if audit.findings:
        found = {"findings": len(audit.findings), "explained": f"{explained:,}", "left": f"{len(worth) - explained:,}"}
        sentence = sentences(sentence, text("audit_verdict_findings", **found))
    return sentence


def checked(audit: Audit, columns: Sequence[Column], merge: MergeReport) -> list[str]:
    """What was looked at, and what was not."""
    judged = [each for each in audit.columns if np.isfinite(each.told)]
    left = [each.name for each in audit.columns if not np.isfinite(each.told)]
    found = [text("checked_columns" if judged else "checked_none", count=len(judged))]
    if audit.scored < audit.rows and judged:
        found.append(text("checked_some", scored=f"{audit.scored:,}", rows=f"{audit.rows:,}"))
    if left and judged:
        found.append(text("checked_left", columns=text("comma").join(left[:8]) + (" …" if len(left) > 8 else "")))
    limited = sum(each.limited for each in columns)
    found.append(text("checked_limits" if limited else "checked_no_limits", count=limited))
    if merge.controls:
        wrong = sum(not each.agrees for each in merge.controls)
        found.append(text("checked_totals", count=len(merge.controls), wrong=wrong))
    if merge.doubts:
        found.append(text("checked_doubts", count=len(merge.doubts), sheet=label("Merge report")))
    return found


def _section(report: Report, sheet: Sheet, row: int, title: str) -> int:
    for column in range(len(COLUMNS)):
        sheet.write(row, column, title if not column else None, report.book.style(**SECTION))
    sheet.page.set_row(row, 20)
    return row + 1


def _paragraph(report: Report, sheet: Sheet, row: int, sentence: str, fill: str = "", bold: bool = False) -> int:
    look = {"text_wrap": True, "valign": "vcenter" if fill else "top", **({"bg_color": fill} if fill else {})}
    style = report.book.style(**look, **({"bold": True, "font_color": NAVY} if bold else {}))
    sheet.block(row, 0, len(COLUMNS) - 1, sentence, style)
    sheet.height(row, sentence, sum(COLUMNS), least=2 if fill else 1)
    return row + 1


def _chart(report: Report, sheet: Sheet, row: int, audit: Audit) -> int:
    """How many cells of each column are odd or beyond its limits."""
    counts = {each.name: each.odd + each.beyond for each in audit.columns}
    names = sorted((name for name, count in counts.items() if count), key=lambda name: -counts[name])[:BARS]
    if not names:
        return row
    heads = report.data.column(label("column"), [name[:40] for name in names])
    values = report.data.column(label("odd_cells"), [counts[name] for name in names])
    chart = bar_chart(
        report.data, text("audit_chart"), heads, values, Axis(title=label("odd_cells"), format="#,##0"), {}
    )
    height = max(120, min(CHART[1], 70 + 24 * len(names)))
    chart.set_size({"width": CHART[0], "height": height})
    sheet.page.insert_chart(row, 0, chart, {"object_position": 2})
    return row + height // 20 + 1


def _columns(report: Report, sheet: Sheet, row: int, audit: Audit) -> int:
    sheet.table(row, 0, [label(word) for word in TABLE], len(audit.columns), "Audited")
    sheet.page.set_row(row, 34)
    hover(sheet, row, TABLE.index("told_by_others"), "told_by_others")
    whole = report.book.style(num_format="#,##0")
    for offset, each in enumerate(audit.columns, row + 1):
        values = [each.name, label(each.type), each.filled, each.told, each.odd, each.beyond]
        for column, value in enumerate(values):
            form = report.book.style(num_format="0%") if column == TABLE.index("told_by_others") else whole
            sheet.write(offset, column, value, form if column > 1 else report.book.style())
    return row + len(audit.columns) + 1
