"""Diagnostics: predicted against actual and residuals, or confusion, per-class figures and ROC; all out of fold."""

from typing import Any

import numpy as np

from xltrain.engine.result import Floats, TargetResult
from xltrain.excel.chart import GREYED, Axis, Series, colour, column_chart, dash, limits, thin, xy_chart
from xltrain.excel.write import HINT, SECTION, TITLE, Sheet, number_format
from xltrain.language import label, text
from xltrain.report.report import Report

CHART = (560, 400)  # pixels
CHART_ROWS = 21
CHART_COLUMNS = 9
BARS = 30  # of the histogram
MOST_CLASSES = 30  # in the confusion matrix
MOST_CURVES = 8  # of the ROC chart
ROC_POINTS = 400


def write_diagnostics(report: Report, name: str) -> None:
    """One section per target."""
    sheet = report.book.sheet(name)
    sheet.write(0, 0, label("Diagnostics"), report.book.style(**TITLE))
    sheet.page.set_row(0, 26)
    sheet.write(1, 0, text("diagnostics_hint"), report.book.style(**{**HINT, "text_wrap": False}))
    row = 3
    for target in report.result.targets:
        for column in range(2 * CHART_COLUMNS):
            title = f"{target.target} · {target.winner}" if column == 0 else ""
            sheet.write(row, column, title, report.book.style(**SECTION))
        sheet.page.set_row(row, 22)
        row = (_classes if target.classes else _numbers)(report, sheet, row + 2, target) + 2
    sheet.page.print_area(0, 0, row, 2 * CHART_COLUMNS)


def _numbers(report: Report, sheet: Sheet, row: int, target: TargetResult) -> int:
    scored = np.flatnonzero(np.isfinite(target.ledger.prediction) & np.isfinite(target.ledger.target))
    _place(sheet, row, 0, predicted_chart(report, target))
    residual = (target.ledger.target - target.ledger.prediction)[scored]
    _place(sheet, row, CHART_COLUMNS, _histogram(report, residual))
    return row + CHART_ROWS


def predicted_chart(report: Report, target: TargetResult) -> Any:
    """Predicted against actual, with the line of perfect predictions."""
    ledger = target.ledger
    scored = np.flatnonzero(np.isfinite(ledger.prediction) & np.isfinite(ledger.target))
    order = scored[np.argsort(ledger.target[scored], kind="stable")]
    kept = order[thin(len(order))]
    actual, predicted = ledger.target[kept], ledger.prediction[kept]
    low, high, outside = limits(np.concatenate([ledger.target[scored], ledger.prediction[scored]]))
    data = report.data
    x = data.column(label("actual"), actual)
    y = data.column(label("predicted"), predicted)
    ends = np.array([low, high])
    line_x, line_y = data.column(label("perfect"), ends), data.column(label("perfect"), ends)
    series = [
        Series(label("rows"), x, y, colour(0), width=0, marker="circle", size=4),
        Series(label("perfect"), line_x, line_y, colour(1), "dash", 1.5),
    ]
    shown = number_format(actual, 2)
    title = text("chart_predicted")
    if outside:
        title += text("chart_outside", count=outside)
    axis = Axis(label("actual"), shown, low, high)
    return xy_chart(data, title, series, axis, Axis(label("predicted"), shown, low, high), "bottom")


def _histogram(report: Report, residual: Floats) -> Any:
    low, high, outside = limits(residual)
    edges = np.linspace(low, high, BARS + 1)
    counts, _ = np.histogram(residual, edges)
    middles = (edges[:-1] + edges[1:]) / 2
    data = report.data
    names = data.column(label("difference"), np.array([float(f"{each:.3g}") for each in middles]))
    title = text("chart_residuals")
    if outside:
        title += text("chart_outside", count=outside)
    x = Axis(text("axis_residual"), number_format(middles, 2), grid=False)
    return column_chart(
        data, title, names, data.column(label("rows"), counts.astype(float)), x, Axis(label("rows"), "#,##0")
    )


def _classes(report: Report, sheet: Sheet, row: int, target: TargetResult) -> int:
    """The confusion matrix, the figures of each class, and the ROC chart beside them."""
    ledger = target.ledger
    scored = np.flatnonzero((ledger.target >= 0) & np.isfinite(ledger.prediction))
    actual, predicted = (each[scored].astype(np.int64) for each in (ledger.target, ledger.prediction))
    count = len(target.classes)
    matrix = np.bincount(actual * count + predicted, minlength=count * count).reshape(count, count)
    below = _figures(report, sheet, row, target, matrix)
    below = _confusion(report, sheet, below + 1, target, matrix)
    right = max(min(count, MOST_CLASSES) + 3, 8)
    _place(sheet, row, right, roc_chart(report, target, scored))
    return max(below, row + CHART_ROWS)


def _figures(report: Report, sheet: Sheet, row: int, target: TargetResult, matrix: Any) -> int:
    hits, asked, told = np.diag(matrix), matrix.sum(1), matrix.sum(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        recall, precision, f1 = hits / asked, hits / told, 2 * hits / (asked + told)
    headers = [label(word) for word in ("class", "precision", "recall", "f1", "rows")]
    sheet.table(row, 0, headers, len(target.classes), "Classes")
    share = report.book.style(num_format="0.0%")
    sheet.column(row + 1, 0, target.classes)
    for column, values in enumerate((precision, recall, f1), 1):
        sheet.column(row + 1, column, values.tolist(), share)
    sheet.column(row + 1, 4, asked.tolist(), report.book.style(num_format="#,##0"))
    sheet.fit(0, target.classes, text("header_confusion"), 24)
    for column in range(1, 5):
        sheet.fit(column, ["100.0%"], headers[column])
    return row + 1 + len(target.classes)


def _confusion(report: Report, sheet: Sheet, row: int, target: TargetResult, matrix: Any) -> int:
    """Rows are the actual classes, columns the predicted ones; each row's colours by its share."""
    shown = min(len(target.classes), MOST_CLASSES)
    head = report.book.style(bold=True, bottom=1, align="center", text_wrap=True, valign="vcenter")
    sheet.write(row, 0, text("header_confusion"), report.book.style(bold=True, bottom=1, text_wrap=True))
    sheet.page.set_row(row, 34)
    cell = report.book.style(num_format="#,##0", align="center", border=1, border_color="#FFFFFF")
    for index in range(shown):
        sheet.write(row, index + 1, target.classes[index], head)
        sheet.write(row + 1 + index, 0, target.classes[index], report.book.style(bold=True))
        sheet.column(row + 1, index + 1, matrix[:shown, index].tolist(), cell)
        scale = {"type": "2_color_scale", "min_color": "#FFFFFF", "max_color": "#7FA3D1"}
        sheet.page.conditional_format(row + 1 + index, 1, row + 1 + index, shown, scale)
    for column in range(5, shown + 1):
        sheet.fit(column, ["99,999"], target.classes[column - 1])
    if shown < len(target.classes):
        sheet.write(row + 1 + shown, 0, text("confusion_cut", shown=shown, total=len(target.classes)))
    return row + 2 + shown


def roc_chart(report: Report, target: TargetResult, scored: Any) -> Any:
    """True against false positives, one line per class; of two classes the second alone."""
    probability = target.ledger.probability
    assert probability is not None
    actual = target.ledger.target[scored].astype(np.int64)
    count = len(target.classes)
    picked = [1] if count == 2 else list(np.argsort(-np.bincount(actual, minlength=count))[:MOST_CURVES])
    series = []
    data = report.data
    for turn, index in enumerate(picked):
        alarms, found = roc(probability[scored, index], actual == index)
        kept = thin(len(alarms), ROC_POINTS)
        name = str(target.classes[index])
        x, y = data.column(f"{name}: x", alarms[kept]), data.column(f"{name}: y", found[kept])
        series.append(Series(name, x, y, colour(turn), dash(turn), 2))
    ends = np.array([0.0, 1.0])
    x, y = data.column("x", ends), data.column("y", ends)
    series.append(Series(text("line_chance"), x, y, GREYED, "dash", 1))
    false, true = (Axis(text(key), "0%", 0, 1) for key in ("axis_false_positives", "axis_true_positives"))
    return xy_chart(data, text("chart_roc"), series, false, true, "right")


def roc(score: Floats, positive: Any) -> tuple[Floats, Floats]:
    """False and true positive rates at every threshold, from (0, 0) to (1, 1)."""
    order = np.argsort(-score, kind="stable")
    hits = positive[order]
    last = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))
    true, false = np.cumsum(hits)[last], np.cumsum(~hits)[last]
    return (
        np.concatenate([[0.0], false / max(int((~positive).sum()), 1)]),
        np.concatenate([[0.0], true / max(int(positive.sum()), 1)]),
    )


def _place(sheet: Sheet, row: int, column: int, chart: Any) -> None:
    chart.set_size({"width": CHART[0], "height": CHART[1]})
    sheet.page.insert_chart(row, column, chart, {"object_position": 3})
