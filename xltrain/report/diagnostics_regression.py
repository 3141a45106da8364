"""Diagnostics of numbers: predicted against actual, and what the residuals still hold; all out of fold."""

from statistics import NormalDist
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xltrain.engine.result import Floats, TargetResult
from xltrain.excel.chart import (
    MAX_POINTS,
    Axis,
    Dots,
    Series,
    column_chart,
    dot_chart,
    limits,
    thin,
    xy_chart,
)
from xltrain.excel.write import EPOCH, NAVY, Sheet, number_format, short
from xltrain.language import label, text
from xltrain.report.diagnostics_layout import figures, in_unit, place_charts, quantile_codes, scored_rows
from xltrain.report.report import Report

BARS = 30  # of the histogram
FEATURES = 6  # that residuals are shown against
BANDS = 5  # of predictions, for the coverage
BINS = 10  # of a median residual
CATEGORIES = 12
CLOUD = 2_000  # points, that the line over them can be seen
PALE_BLUE = "#8FA9D0"  # of a cloud: what lies over it is darker, in print too
WANTED = 0.9  # of the rows within the interval


def write_regression(report: Report, sheet: Sheet, row: int, target: TargetResult) -> int:
    """Figures, then charts; gives the row below."""
    rows = scored_rows(target)
    if not len(rows):
        return row
    residual = (target.ledger.target - target.ledger.prediction)[rows]
    row = figures(sheet, row, _figures(target, residual))
    charts = [
        predicted_chart(report, target),
        _histogram(report, target, residual),
        _against_predicted(report, target, residual),
        _quantiles(report, target, residual),
    ]
    charts.append(_coverage(report, target))
    charts += [_against_feature(report, target, name, rows, residual) for name in _features(report, target)]
    return place_charts(sheet, row, [chart for chart in charts if chart is not None])


def _figures(target: TargetResult, residual: Floats) -> list[tuple[str, float, str]]:
    shown = number_format(residual, 3)
    error = np.abs(residual)
    found = [
        ("rows", float(len(residual)), "#,##0"),
        ("bias", float(residual.mean()), shown),
        ("mae", float(error.mean()), shown),
        ("median_absolute_error", float(np.median(error)), shown),
        ("error_of_90", float(np.quantile(error, 0.9)), shown),
        ("rmse", float(np.sqrt(np.square(residual).mean())), shown),
    ]
    inside, width = intervals(target)
    if len(inside):
        found += [("coverage", float(inside.mean()), "0.0%"), ("interval_width", float(np.median(width)), shown)]
    return found


def intervals(target: TargetResult) -> tuple[Floats, Floats]:
    """Of the rows that have a 90 % interval: 1 where the target lies in it, and how wide it is."""
    ledger = target.ledger
    known = np.isfinite(ledger.low) & np.isfinite(ledger.high) & np.isfinite(ledger.target)
    low, high, actual = ledger.low[known], ledger.high[known], ledger.target[known]
    return ((actual >= low) & (actual <= high)).astype(np.float64), high - low


def predicted_chart(report: Report, target: TargetResult) -> Any:
    """Predicted against actual, with the line of perfect predictions."""
    ledger, scored = target.ledger, scored_rows(target)
    order = scored[np.argsort(ledger.target[scored], kind="stable")]
    kept = order[thin(len(order), MAX_POINTS - 2)]
    actual, predicted = ledger.target[kept], ledger.prediction[kept]
    low, high, outside = limits(np.concatenate([ledger.target[scored], ledger.prediction[scored]]))
    data = report.data
    x = data.column(label("actual"), actual)
    y = data.column(label("predicted"), predicted)
    ends = np.array([low, high])
    line_x, line_y = data.column(label("perfect"), ends), data.column(label("perfect"), ends)
    series = [
        Series(label("rows"), x, y, PALE_BLUE, width=0, marker="circle", size=4),
        Series(label("perfect"), line_x, line_y, NAVY, "dash", 1.75),
    ]
    shown = number_format(actual, 2)
    title = text("chart_predicted") + _outside(outside)
    axis = Axis(in_unit(label("actual"), target), shown, low, high)
    return xy_chart(data, title, series, axis, Axis(in_unit(label("predicted"), target), shown, low, high), "bottom")


def _histogram(report: Report, target: TargetResult, residual: Floats) -> Any:
    low, high, outside = limits(residual)
    edges = np.linspace(low, high, BARS + 1)
    counts, _ = np.histogram(residual, edges)
    middles = (edges[:-1] + edges[1:]) / 2
    data = report.data
    names = data.column(label("difference"), np.array([float(f"{each:.3g}") for each in middles]))
    x = Axis(in_unit(text("axis_residual"), target), number_format(middles, 2), grid=False)
    y = Axis(label("rows"), "#,##0")
    counted = data.column(label("rows"), counts.astype(float))
    return column_chart(data, text("chart_residuals") + _outside(outside), names, counted, x, y)


def _against_predicted(report: Report, target: TargetResult, residual: Floats) -> Any:
    predicted = target.ledger.prediction[scored_rows(target)]
    title = text("chart_residuals_by", column=label("predicted"))
    return _cloud(report, target, title, in_unit(label("predicted"), target), predicted, residual, "")


def _quantiles(report: Report, target: TargetResult, residual: Floats) -> Any:
    """Residuals against those of a normal distribution; the line goes through the quartiles."""
    count = len(residual)
    kept = thin(count, MAX_POINTS - 2)
    normal = NormalDist()
    x = np.array([normal.inv_cdf((place + 0.5) / count) for place in kept])
    y = np.sort(residual)[kept]
    low, high = np.quantile(residual, [0.25, 0.75])
    slope = (high - low) / (2 * normal.inv_cdf(0.75))
    ends = np.array([x[0], x[-1]])
    data = report.data
    line = (low + high) / 2 + slope * ends
    series = [
        Series(label("rows"), data.column("x", x), data.column("y", y), PALE_BLUE, width=0, marker="circle", size=4),
        Series(text("line_normal"), data.column("x", ends), data.column("y", line), NAVY, "dash", 1.75),
    ]
    bottom, top, outside = limits(residual)
    y_axis = Axis(in_unit(text("axis_residual"), target), number_format(residual, 2), bottom, top)
    title = text("chart_quantiles") + _outside(outside)
    return xy_chart(data, title, series, Axis(text("axis_normal"), "0.0"), y_axis, "bottom")


def _coverage(report: Report, target: TargetResult) -> Any:
    """How many rows lie within their 90 % interval, by fifths of the prediction; None without intervals."""
    inside, _ = intervals(target)
    if len(inside) < 2 * BANDS:
        return None
    ledger = target.ledger
    known = np.isfinite(ledger.low) & np.isfinite(ledger.high) & np.isfinite(ledger.target)
    predicted = ledger.prediction[known]
    codes, count = quantile_codes(predicted, BANDS)
    rows = np.bincount(codes, minlength=count)
    share = np.bincount(codes, inside, count) / rows
    bands = [_band(predicted[codes == code]) for code in range(count)]
    data = report.data
    spread = 2 * np.sqrt(np.maximum(share * (1 - share), 0.25 / rows) / rows)
    dots = [
        Dots(
            text("line_inside"),
            data.column(label("coverage"), share),
            data.column(label("spread"), spread),
            data.column(label("spread"), np.minimum(spread, 1 - share)),  # no more than all of them
        ),
        Dots(text("line_wanted"), data.column(label("coverage"), np.full(count, WANTED))),
    ]
    low = min(0.5, np.floor(10 * float((share - spread).min())) / 10)
    x = Axis(in_unit(label("predicted"), target), grid=False)
    names = data.column(label("predicted"), bands)
    return dot_chart(data, text("chart_coverage"), names, dots, x, Axis(label("share"), "0%", max(low, 0.0), 1), True)


def _band(values: Floats) -> str:
    return text("band", low=short(float(values.min())), high=short(float(values.max())))


def _features(report: Report, target: TargetResult) -> list[str]:
    """The columns that matter most, as far as that is known."""
    ranked = target.importance.columns if target.importance else report.result.features
    return [name for name in ranked if name in report.table.names][:FEATURES]


def _against_feature(report: Report, target: TargetResult, name: str, rows: Any, residual: Floats) -> Any:
    values = report.table.data.column(name).take(pa.array(rows))
    title = text("chart_residuals_by", column=name)
    kind = values.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        stamps = pc.cast(pc.cast(pc.cast(values, pa.timestamp("ms"), safe=False), pa.int64()), pa.float64())
        at = np.asarray(stamps.to_numpy(), np.float64) / 86_400_000 + EPOCH
        return _cloud(report, target, title, name, at, residual, "yyyy-mm-dd")
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        at = np.asarray(pc.cast(values, pa.float64(), safe=False).to_numpy(), np.float64)
        return _cloud(report, target, title, name, at, residual, "")
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_boolean(kind):
        return _by_category(report, target, title, name, values, residual)
    return None


def _cloud(report: Report, target: TargetResult, title: str, name: str, x: Floats, residual: Floats, shown: str) -> Any:
    """Every residual over a number, and their median by tenths of the rows, which should stay at 0."""
    known = np.flatnonzero(np.isfinite(x))
    if len(known) < 2 or np.ptp(x[known]) == 0:
        return None
    order = known[np.argsort(x[known], kind="stable")]
    codes, _ = quantile_codes(x[order], BINS)
    parts = np.split(order, np.flatnonzero(np.diff(codes)) + 1)
    at, middles = (np.array([np.median(values[part]) for part in parts]) for values in (x, residual))
    kept = order[thin(len(order), CLOUD)]
    low, high, outside = limits(residual)
    data = report.data
    left, right, beyond = (float(x[order[0]]), float(x[order[-1]]), 0) if shown else limits(x[known])
    ends, zero = data.column("x", np.array([left, right])), data.column("y", np.zeros(2))
    cloud = data.column(name, x[kept]), data.column(label("difference"), residual[kept])
    middle = data.column(name, at), data.column(label("difference"), middles)
    series = [
        Series(label("rows"), *cloud, PALE_BLUE, width=0, marker="circle", size=4),
        Series(text("line_median"), *middle, NAVY, "solid", 2.25, "square", 6),
        Series("0", ends, zero, "#6B7280", "dash", 1),
    ]
    axis = Axis(name, shown or number_format(x[known], 2), left, right)
    y = Axis(in_unit(text("axis_residual"), target), number_format(residual, 2), low, high)
    return xy_chart(data, title + _outside(max(outside, beyond)), series, axis, y, "bottom", [2])


def _by_category(report: Report, target: TargetResult, title: str, name: str, values: Any, residual: Floats) -> Any:
    """The mean residual of the commonest values, with twice its standard error; those far out count as the limits."""
    low, high, outside = limits(residual)
    residual = np.clip(residual, low, high)
    coded = pc.cast(values, pa.string()).combine_chunks().dictionary_encode()
    codes = np.asarray(coded.indices.fill_null(-1).to_numpy(zero_copy_only=False), np.int64)
    names = [*coded.dictionary.to_pylist(), text("empty_key")]
    codes = np.where(codes < 0, len(names) - 1, codes)
    rows = np.bincount(codes, minlength=len(names))
    chosen = [int(code) for code in np.argsort(-rows, kind="stable")[:CATEGORIES] if rows[code] > 1]
    chosen.sort(key=lambda code: names[code])
    if len(chosen) < 2:
        return None
    total, square = (np.bincount(codes, part, len(names))[chosen] for part in (residual, np.square(residual)))
    count = rows[chosen]
    mean = total / count
    spread = 2 * np.sqrt(np.maximum(square / count - np.square(mean), 0) / (count - 1))
    data = report.data
    dots = Dots(label("difference"), data.column(label("difference"), mean), data.column(label("spread"), spread))
    shown = data.column(name, [f"{names[code][:20]} ({rows[code]:,})" for code in chosen])
    # The whiskers whole, and 0, from which the means should not differ.
    ends = np.concatenate([mean - spread, mean + spread])
    bottom, top, _ = limits(np.array([min(ends.min(), 0.0), max(ends.max(), 0.0)]))
    y = Axis(in_unit(text("axis_mean_residual"), target), number_format(ends, 2), bottom, top)
    return dot_chart(data, title + _outside(outside), shown, [dots], Axis(name, grid=False), y)


def _outside(count: int) -> str:
    return text("chart_outside", count=count) if count else ""
