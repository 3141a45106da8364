"""Slices: which file, sheet, month, value or band the winner gets worst, each with its rows, error and a caution."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from xltrain.engine.result import TargetResult
from xltrain.excel.chart import Axis, bar_chart
from xltrain.excel.write import HINT, NAVY, TITLE, Sheet, number_format
from xltrain.language import label, text
from xltrain.report.notes import hover_headers
from xltrain.report.report import Report
from xltrain.report.slices import HALF, Slice, cap_errors, row_errors

SHOWN = 60  # slices of a target
BARS = 12  # in the chart
CHART = (620, 400)  # pixels
CLEAR = 0.02  # closer to 1 than this is no difference
GAP = 4
CHART_ROWS = 21
WORDS = (
    "rank",
    "cut_by",
    "cut_value",
    "rows",
    "share_of_rows",
    "",
    "",
    "times_rest",
    "times_all",
    "share_of_error",
    "",
)
NOTES = ("", "", "", "", "", "typical_error", "", "times_rest", "times_all", "share_of_error", "caution")


def write_slices(report: Report, name: str) -> None:
    """One block per target: the table, worst first, and a chart of the worst."""
    sheet = report.book.sheet(name)
    sheet.write(0, 0, label("Slices"), report.book.style(**TITLE))
    sheet.page.set_row(0, 26)
    sheet.write(1, 0, text("slices_hint"), report.book.style(**{**HINT, "text_wrap": False}))
    row = 4 if report.several else 3
    for target in report.result.targets:
        if report.several:
            sheet.write(row - 1, 0, target.target, report.book.style(bold=True, font_size=12, font_color=NAVY))
        found = report.slices[target.target]
        row = max(_block(report, sheet, row, target, found), row + CHART_ROWS) + GAP
    if not report.several:
        sheet.page.freeze_panes(4, 3)
        sheet.page.repeat_rows(3)


def _block(report: Report, sheet: Sheet, row: int, target: TargetResult, found: Sequence[Slice]) -> int:
    if not found:
        sheet.write(row, 0, text("slices_none"), report.book.style(**{**HINT, "text_wrap": False}))
        return row + 1
    shown = found[:SHOWN]
    error = row_errors(target)
    scored = int(np.isfinite(error).sum())
    unit = "0.0%" if target.classes else number_format(cap_errors(error), 3)
    word = label("share_wrong" if target.classes else "mean_error")
    headers = [label(each) if each else "" for each in WORDS]
    headers[5:7] = [word, text("header_of_rest", error=word)]
    headers[10] = label("caution")
    columns: list[tuple[Sequence[object], str]] = [
        (range(1, len(shown) + 1), "0"),
        ([_cut(one) for one in shown], ""),
        ([one.value for one in shown], ""),
        ([one.rows for one in shown], "#,##0"),
        ([one.rows / scored for one in shown], "0.0%"),
        ([one.error for one in shown], unit),
        ([one.rest for one in shown], unit),
        ([one.ratio for one in shown], "0.00"),
        ([one.adjusted for one in shown], "0.00"),
        ([one.share for one in shown], "0.0%"),
        ([_caution(one) for one in shown], ""),
    ]
    names = sheet.table(row, 0, headers, len(shown), "Slices")
    hover_headers(sheet, row, 0, NOTES)
    for index, (values, look) in enumerate(columns):
        style = report.book.style(**({"num_format": look} if look else {"indent": 1}))
        sheet.column(row + 1, index, values, style)
        texts = [str(value) if isinstance(value, (str, int)) else "0,000.00" for value in values]
        sheet.fit(index, texts, names[index], 34)
    sheet.width(0, 7)
    sheet.head_height(row, names)
    # What is no worse than all rows has no bar.
    for column, bar, least in ((8, "#F2A65A", 1), (9, "#7FA3D1", 0)):
        bars: dict[str, Any] = {
            "type": "data_bar",
            "bar_color": bar,
            "bar_solid": True,
            "min_type": "num",
            "min_value": least,
        }
        sheet.page.conditional_format(row + 1, column, row + len(shown), column, bars)
    if len(found) > SHOWN:
        more = text("slices_cut", shown=SHOWN, total=len(found))
        sheet.write(row + 1 + len(shown), 0, more, report.book.style(**{**HINT, "text_wrap": False}))
    chart = _chart(report, shown, float(np.nanmean(cap_errors(error))), word, unit)
    chart.set_size({"width": CHART[0], "height": CHART[1]})
    sheet.page.insert_chart(row, len(columns) + 1, chart, {"object_position": 3})
    return row + 2 + len(shown)


def _chart(report: Report, shown: Sequence[Slice], overall: float, word: str, unit: str) -> Any:
    """The worst slices, and all rows to compare with."""
    worst = sorted((one for one in shown if not one.few), key=lambda one: -one.adjusted)[:BARS] or shown[:BARS]
    names = [*(one.name[:40] for one in worst), text("all_rows")]
    values = np.array([*(one.error for one in worst), overall])
    data = report.data
    title = text("chart_slices", error=word)
    axis = Axis(word, unit, low=0)
    return bar_chart(
        data, title, data.column(label("Slices"), names), data.column(word, values), axis, {}, [len(worst)]
    )


def _cut(one: Slice) -> str:
    return label(one.by) if one.by in ("file", "sheet") else one.column


def _caution(one: Slice) -> str:
    """What to keep in mind, where there is something."""
    if abs(one.adjusted - 1) < CLEAR:
        return text("slice_chance")
    if one.single > HALF:
        return text("slice_single", share=f"{100 * one.single:.0f}")
    return text("slice_few") if one.few else ""
