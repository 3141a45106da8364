"""Diagnostics of two classes: besides those of classes, what a threshold finds, misses and costs, and the lift."""

from typing import Any

import numpy as np

from xltrain.engine.result import Floats, TargetResult
from xltrain.excel.chart import GREYED, Axis, ChartData, Ref, Series, colour, column_chart, thin, xy_chart
from xltrain.excel.write import HINT, LINE, Sheet
from xltrain.language import label, text
from xltrain.report.diagnostics_classes import (
    POINTS,
    calibration_chart,
    diagonal,
    roc_chart,
    write_tables,
)
from xltrain.report.diagnostics_layout import figures, place_charts, scored_rows
from xltrain.report.notes import hover, hover_headers
from xltrain.report.ranking import (
    Flags,
    at_thresholds,
    auc,
    average_precision,
    calibration_error,
    gains,
    lift,
    precision_recall,
)
from xltrain.report.report import Report

THRESHOLDS = (0.01, 0.02, 0.05, *(each / 100 for each in range(10, 95, 5)), 0.95, 0.98, 0.99)
INPUT = {"bg_color": "#FFF8DC", "border": 1, "border_color": "#B8860B", "bold": True}
WORDS = ("threshold", "told", "found", "missed", "false_alarms", "precision", "recall", "false_positive_rate", "cost")


def write_binary(report: Report, sheet: Sheet, row: int, target: TargetResult) -> int:
    """Figures, confusion matrix, threshold table with costs, charts; gives the row below."""
    rows = scored_rows(target)
    probability = target.ledger.probability
    if not len(rows) or probability is None:
        return row
    score, positive = probability[rows, 1], target.ledger.target[rows] == 1
    told = text("binary_hint", positive=target.classes[1], negative=target.classes[0])
    sheet.write(row, 0, told, report.book.style(**{**HINT, "text_wrap": False}))
    row = figures(sheet, row + 1, _figures(target, rows, score, positive))
    row = write_tables(report, sheet, row, target, rows)
    sheet.part(row)
    row, costs = _thresholds(report, sheet, row, score, positive)
    charts = [
        roc_chart(report, target, rows),
        _precision_recall(report, score, positive),
        calibration_chart(report, target, rows),
        costs,
        _gains(report, score, positive),
        _lift(report, target, score, positive),
    ]
    return place_charts(sheet, row, charts)


def _figures(target: TargetResult, rows: Any, score: Floats, positive: Flags) -> list[tuple[str, float, str]]:
    own = np.where(positive, score, 1 - score)
    right = target.ledger.target[rows] == target.ledger.prediction[rows]
    return [
        ("rows", float(len(rows)), "#,##0"),
        ("base_rate", float(positive.mean()), "0.0%"),
        ("accuracy", float(right.mean()), "0.0%"),
        ("roc_auc", auc(score, positive), "0.000"),
        ("average_precision", average_precision(score, positive), "0.000"),
        ("log_loss", float(-np.log(np.clip(own, 1e-15, 1)).mean()), "0.000"),
        ("brier", float(np.square(score - positive).mean()), "0.000"),
        ("calibration_error", calibration_error(score, positive), "0.0%"),
    ]


def _thresholds(report: Report, sheet: Sheet, row: int, score: Floats, positive: Flags) -> tuple[int, Any]:
    """What each threshold finds and costs; the two costs are cells to fill in, and everything follows from them.

    Gives the row below and the chart of costs, which reads the table itself.
    """
    thresholds = np.array(THRESHOLDS)
    true, false = at_thresholds(score, positive, thresholds)
    missed, told = positive.sum() - true, true + false
    cost = missed + false
    for offset, word in enumerate(("cost_of_miss", "cost_of_alarm")):
        sheet.block(row + offset, 0, 2, label(word), report.book.style())
        sheet.write(row + offset, 3, 1, report.book.style(**INPUT, num_format="General"))
        hover(sheet, row + offset, 3, word)
    first, last = row + 5, row + 4 + len(thresholds)
    cells = f"$A${first + 1}:$A${last + 1}", f"$I${first + 1}:$I${last + 1}"
    sheet.block(row + 2, 0, 2, label("best_threshold"), report.book.style(bold=True))
    best = float(thresholds[int(cost.argmin())])
    formula = f"=INDEX({cells[0]},MATCH(MIN({cells[1]}),{cells[1]},0))"
    look = report.book.style(bold=True, num_format="0%", bottom=1, bottom_color=LINE)
    sheet.page.write_formula(row + 2, 3, formula, look, best)
    sheet.write(row + 2, 4, text("best_threshold_hint"), report.book.style(**{**HINT, "text_wrap": False}))
    sheet.table(row + 4, 0, [label(word) for word in WORDS], len(thresholds), "Thresholds")
    hover_headers(sheet, row + 4, 0, WORDS)
    sheet.page.set_row(row + 4, 48)
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = true / told
        shares = (precision, true / positive.sum(), false / (~positive).sum())
    columns = [
        (thresholds, "0%"),
        *((each, "#,##0") for each in (told, true, missed, false)),
        *((s, "0.0%") for s in shares),
    ]
    for column, (values, shown) in enumerate(columns):
        sheet.column(first, column, values.tolist(), report.book.style(num_format=shown))
    look = report.book.style(num_format="#,##0")
    miss, alarm = f"$D${row + 1}", f"$D${row + 2}"
    for offset, value in enumerate(cost):
        at = first + offset
        sheet.page.write_formula(at, 8, f"={miss}*D{at + 1}+{alarm}*E{at + 1}", look, float(value))
    lowest = report.book.workbook.add_format({"bold": True, "bg_color": "#E3F4E6"})
    sheet.page.conditional_format(first, 8, last, 8, {"type": "bottom", "value": 1, "format": lowest})
    for column in range(1, 9):
        sheet.fit(column, ["000,000"], label(WORDS[column]), 16)
    own = ChartData(report.book, sheet.name)
    line = Series(label("cost"), Ref(0, first, thresholds), Ref(8, first, cost), colour(0), "solid", 2, "circle", 5)
    chart = xy_chart(
        own, text("chart_costs"), [line], Axis(label("threshold"), "0%", 0, 1), Axis(label("cost"), "#,##0"), "none"
    )
    chart.set_legend({"none": True})
    return last + 2, chart


def _precision_recall(report: Report, score: Floats, positive: Flags) -> Any:
    """Precision against recall, and the precision of calling every row positive."""
    precision, recall = precision_recall(score, positive)
    kept = thin(len(recall), POINTS)
    rate = float(positive.mean())
    data = report.data
    line = data.column(label("recall"), recall[kept]), data.column(label("precision"), precision[kept])
    ends = data.column("x", np.array([0.0, 1.0])), data.column("y", np.array([rate, rate]))
    series = [
        Series(label("precision"), *line, colour(0), "solid", 2),
        Series(text("line_chance"), *ends, GREYED, "dash", 1),
    ]
    x, y = Axis(label("recall"), "0%", 0, 1), Axis(label("precision"), "0%", 0, 1)
    return xy_chart(data, text("chart_precision_recall"), series, x, y, "bottom")


def _gains(report: Report, score: Floats, positive: Flags) -> Any:
    """How many of the positive rows the first so many rows hold."""
    share, found = gains(score, positive)
    kept = thin(len(share), POINTS)
    data = report.data
    line = data.column("x", share[kept]), data.column("y", found[kept])
    series = [
        Series(text("line_by_probability"), *line, colour(0), "solid", 2),
        diagonal(report, text("line_random_order")),
    ]
    x, y = Axis(text("axis_looked_at"), "0%", 0, 1), Axis(text("axis_found"), "0%", 0, 1)
    return xy_chart(data, text("chart_gains"), series, x, y, "bottom")


def _lift(report: Report, target: TargetResult, score: Floats, positive: Flags) -> Any:
    """How much more often each tenth of the rows is positive than all rows."""
    rows, found = lift(score, positive)
    kept = rows > 0
    rate = max(float(positive.mean()), 1e-12)
    values = found[kept] / rows[kept] / rate
    data = report.data
    names = data.column(label("lift"), [str(index + 1) for index in np.flatnonzero(kept)])
    x, y = Axis(text("axis_tenths"), grid=False), Axis(text("axis_lift", label=target.classes[1]), "0.0", low=0)
    return column_chart(data, text("chart_lift"), names, data.column(label("lift"), values), x, y)
