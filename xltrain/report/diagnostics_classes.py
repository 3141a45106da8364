"""Diagnostics of classes: what is taken for what, figures of each class, and whether probabilities can be believed."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from xltrain.engine.result import Floats, TargetResult
from xltrain.excel.chart import GREYED, Axis, Series, colour, column_chart, dash, thin, xy_chart
from xltrain.excel.write import Sheet
from xltrain.language import label, text
from xltrain.report.diagnostics_layout import Rows, figures, place_charts, scored_rows
from xltrain.report.notes import hover_headers
from xltrain.report.ranking import auc, calibration, calibration_error, roc
from xltrain.report.report import Report

MOST_CLASSES = 30  # in the confusion matrix
MOST_CURVES = 8  # of the ROC chart
POINTS = 400  # of one curve
GAP = 2

Counts = npt.NDArray[np.int64]


def write_classes(report: Report, sheet: Sheet, row: int, target: TargetResult) -> int:
    """Figures, the confusion matrix, the figures of each class, charts; gives the row below."""
    rows = scored_rows(target)
    if not len(rows):
        return row
    row = figures(sheet, row, _figures(target, rows))
    row = write_tables(report, sheet, row, target, rows)
    charts = [roc_chart(report, target, rows), calibration_chart(report, target, rows)]
    if is_ordered(target):
        charts.append(_steps(report, target, rows))
    return place_charts(sheet, row, charts)


def write_tables(report: Report, sheet: Sheet, row: int, target: TargetResult, rows: Rows) -> int:
    """The confusion matrix and, below it, the figures of each class."""
    matrix = confusion(target, rows)
    sheet.part(row)
    row = _confusion(report, sheet, row, target, matrix) + 1
    sheet.part(row)
    return _per_class(report, sheet, row, target, matrix, rows) + 1


def confusion(target: TargetResult, rows: Rows) -> Counts:
    """(classes, classes): rows of each actual class by predicted class."""
    actual, predicted = (each[rows].astype(np.int64) for each in (target.ledger.target, target.ledger.prediction))
    count = len(target.classes)
    return np.bincount(actual * count + predicted, minlength=count * count).reshape(count, count)


def is_ordered(target: TargetResult) -> bool:
    """Whether the winner took its classes for ordered ones, or all of them are numbers."""
    if len(target.classes) < 3:
        return False
    if any(term.call.choice.facts.get("ordered") for term in target.best.run.loss):
        return True
    return all(each.replace(".", "", 1).lstrip("-").isdigit() for each in target.classes)


def _figures(target: TargetResult, rows: Rows) -> list[tuple[str, float, str]]:
    probability = target.ledger.probability
    actual, predicted = target.ledger.target[rows], target.ledger.prediction[rows]
    found = [("rows", float(len(rows)), "#,##0"), ("accuracy", float((actual == predicted).mean()), "0.0%")]
    recall = [float((predicted[actual == each] == each).mean()) for each in np.unique(actual)]
    found.append(("balanced_accuracy", float(np.mean(recall)), "0.0%"))
    if probability is not None:
        own = probability[rows, actual.astype(np.int64)]
        top = probability[rows].max(1)
        found += [
            ("log_loss", float(-np.log(np.clip(own, 1e-15, 1)).mean()), "0.000"),
            ("confidence", float(top.mean()), "0.0%"),
            ("calibration_error", calibration_error(top, actual == predicted), "0.0%"),
        ]
    if is_ordered(target):
        steps = np.abs(actual - predicted)
        found += [("within_one", float((steps <= 1).mean()), "0.0%"), ("mean_steps", float(steps.mean()), "0.00")]
    return found


def _per_class(report: Report, sheet: Sheet, row: int, target: TargetResult, matrix: Counts, rows: Rows) -> int:
    """Precision, recall, f1, area under the ROC curve and rows of each class; the mean over classes, and over rows."""
    hits, asked, told = np.diag(matrix), matrix.sum(1), matrix.sum(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        recall, precision, f1 = hits / asked, hits / told, 2 * hits / (asked + told)
    columns = [precision, recall, f1, _areas(target, rows)]
    words = ("class", "precision", "recall", "f1", "auc", "rows")
    headers = [label(word) for word in words]
    names = [*target.classes, text("mean_over_classes"), text("mean_over_rows")]
    sheet.table(row, 0, headers, len(target.classes), "Classes")
    hover_headers(sheet, row, 0, ("", "precision", "recall", "f1", "auc", ""))
    sheet.page.set_row(row, 48)
    sheet.column(row + 1, 0, target.classes)
    below = row + 1 + len(target.classes)
    italic = report.book.style(italic=True)
    sheet.column(below, 0, names[-2:], italic)
    for column, values in enumerate(columns, 1):
        look = "0.000" if column == len(columns) else "0.0%"
        sheet.column(row + 1, column, values.tolist(), report.book.style(num_format=look))
        # A class that is never told has no precision; the means count it as 0, as scikit-learn does.
        known = np.isfinite(values) if column == len(columns) else asked > 0
        counted = np.nan_to_num(values)
        means = [_mean(counted[known], None), _mean(counted[known], asked[known])]
        sheet.column(below, column, means, report.book.style(num_format=look, italic=True))
    sheet.column(row + 1, len(columns) + 1, asked.tolist(), report.book.style(num_format="#,##0"))
    sheet.fit(0, [f"{name}  " for name in (*names, text("header_confusion"))], "", 26)
    return below + 2


def _mean(values: Floats, weight: Counts | None) -> float:
    return float(np.average(values, weights=weight)) if len(values) else float("nan")


def _areas(target: TargetResult, rows: Rows) -> Floats:
    """Of each class against the rest."""
    probability, actual = target.ledger.probability, target.ledger.target[rows]
    if probability is None:
        return np.full(len(target.classes), np.nan)
    return np.array([auc(probability[rows, index], actual == index) for index in range(len(target.classes))])


def _confusion(report: Report, sheet: Sheet, row: int, target: TargetResult, matrix: Counts) -> int:
    """Rows are the actual classes, columns the predicted ones; each row's colours by its share."""
    shown = min(len(target.classes), MOST_CLASSES)
    head = report.book.style(bold=True, bottom=1, align="center", text_wrap=True, valign="vcenter")
    sheet.write(row, 0, text("header_confusion"), report.book.style(bold=True, bottom=1, text_wrap=True))
    sheet.page.set_row(row, 34)
    cell = report.book.style(num_format="#,##0", align="center", border=1, border_color="#FFFFFF")
    right = report.book.style(
        num_format="#,##0", align="center", border=1, border_color="#6B7280", bold=True
    )  # the right ones stand out without colour too
    for index in range(shown):
        sheet.write(row, index + 1, target.classes[index], head)
        sheet.write(row + 1 + index, 0, target.classes[index], report.book.style(bold=True))
        sheet.column(row + 1, index + 1, matrix[:shown, index].tolist(), cell)
        sheet.write(row + 1 + index, index + 1, int(matrix[index, index]), right)
        scale: dict[str, Any] = {"type": "2_color_scale", "min_color": "#FFFFFF", "max_color": "#7FA3D1"}
        scale |= {"min_type": "num", "min_value": 0, "max_type": "num", "max_value": max(int(matrix[index].sum()), 1)}
        sheet.page.conditional_format(row + 1 + index, 1, row + 1 + index, shown, scale)
    for column in range(1, shown + 1):
        sheet.fit(column, ["99,999"], f"{target.classes[column - 1]} ", 16)
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
        kept = thin(len(alarms), POINTS)
        name = str(target.classes[index])
        x, y = data.column(f"{name}: x", alarms[kept]), data.column(f"{name}: y", found[kept])
        series.append(Series(name, x, y, colour(turn), dash(turn), 2))
    series.append(diagonal(report, text("line_chance")))
    false, true = (Axis(text(key), "0%", 0, 1) for key in ("axis_false_positives", "axis_true_positives"))
    return xy_chart(data, text("chart_roc"), series, false, true, "right")


def calibration_chart(report: Report, target: TargetResult, scored: Rows) -> Any:
    """How often what is said with a probability comes true: of the second of two classes, or of the class told."""
    probability, actual = target.ledger.probability, target.ledger.target[scored]
    assert probability is not None
    if len(target.classes) == 2:
        said, true = probability[scored, 1], actual == 1
        name, x_title = str(target.classes[1]), text("axis_probability", label=target.classes[1])
        y_title = text("axis_came_true", label=target.classes[1])
    else:
        said, true = probability[scored].max(1), actual == target.ledger.prediction[scored]
        name, x_title, y_title = label("rows"), text("axis_confidence"), text("axis_right")
    mean, share, rows = calibration(said, true)
    data = report.data
    spread = 2 * np.sqrt(np.maximum(share * (1 - share), 0.25 / rows) / rows)
    bins = Series(
        name,
        data.column(x_title, mean),
        data.column(y_title, share),
        colour(0),
        "solid",
        1.5,
        "circle",
        8,
        data.column(label("spread"), spread),
    )
    axes = Axis(x_title, "0%", 0, 1), Axis(y_title, "0%", 0, 1)
    return xy_chart(data, text("chart_calibration"), [bins, diagonal(report, label("perfect"))], *axes, "bottom")


def diagonal(report: Report, name: str) -> Series:
    """From 0, 0 to 1, 1."""
    ends = np.array([0.0, 1.0])
    return Series(name, report.data.column("x", ends), report.data.column("y", ends), GREYED, "dash", 1)


def _steps(report: Report, target: TargetResult, rows: Rows) -> Any:
    """How many classes too low or too high."""
    steps = (target.ledger.prediction[rows] - target.ledger.target[rows]).astype(np.int64)
    reach = max(1, int(np.abs(steps).max()))
    counts = np.bincount(steps + reach, minlength=2 * reach + 1).astype(float)
    names: Sequence[str] = [f"{step:+d}" if step else "0" for step in range(-reach, reach + 1)]
    data = report.data
    x, y = Axis(text("axis_steps"), grid=False), Axis(label("rows"), "#,##0")
    return column_chart(
        data, text("chart_steps"), data.column("steps", names), data.column(label("rows"), counts), x, y
    )
