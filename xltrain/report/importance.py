"""Importance: what the winner would lose without each column, and how its predictions follow the first ones."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from xltrain.engine.result import Dependence, Importance, TargetResult
from xltrain.excel.chart import (
    Axis,
    Dots,
    Ref,
    Series,
    bar_chart,
    colour,
    dash,
    dot_chart,
    limits,
    nice,
    xy_chart,
)
from xltrain.excel.write import EPOCH, HINT, NAVY, TITLE, Sheet, number_format
from xltrain.language import label, text
from xltrain.report.notes import hover_headers
from xltrain.report.report import Report, lower_is_better, metric_format, sentences, with_unit

BARS = 15
CURVES = 5  # classes of one chart
CHART = (600, 360)  # pixels of the bars
CURVE = (520, 300)
ACROSS = 2  # curves side by side
ROW = 20  # pixels
GAP = 3
PRINTED = 17  # columns of a page


def write_importance(report: Report, name: str) -> None:
    """One block per target: the columns with their importance, the bars, and the curves of the first ones below."""
    known = [target for target in report.result.targets if target.importance]
    if not known:
        return
    sheet = report.book.sheet(name)
    sheet.write(0, 0, label("Importance"), report.book.style(**TITLE))
    sheet.page.set_row(0, 26)
    _told(report, sheet, 1, text("importance_hint"))
    row = 4 if report.several else 3
    for turn, target in enumerate(known):
        sheet.part(row - 1, apart=turn > 0)
        assert target.importance is not None
        if report.several:
            sheet.write(row - 1, 0, target.target, report.book.style(bold=True, font_size=12, font_color=NAVY))
        row = _block(report, sheet, row, target, target.importance) + GAP
    sheet.print_parts(row, PRINTED)
    if not report.several:
        sheet.page.freeze_panes(4, 2)


def importance_chart(report: Report, target: TargetResult, found: Importance) -> Any:
    """The first columns by how much the metric gets worse without them."""
    shown = min(len(found.columns), BARS)
    data = report.data
    names = data.column(label("column"), list(found.columns[:shown]))
    values = data.column(label("Importance"), found.importance[:shown])
    spread = data.column(label("spread"), found.spread[:shown])
    end = float(np.max(found.importance[:shown] + _known(found.spread[:shown])))
    axis = Axis(_worse(target, found), _format(found), high=nice(end) if end > 0 else None)
    title = text("chart_importance")
    return bar_chart(data, title, names, values, axis, {}, spread=spread if np.isfinite(found.spread).any() else None)


def _block(report: Report, sheet: Sheet, row: int, target: TargetResult, found: Importance) -> int:
    below = _table(report, sheet, row, target, found)
    chart = importance_chart(report, target, found)
    chart.set_size({"width": CHART[0], "height": CHART[1]})
    sheet.page.insert_chart(row, 7, chart, {"object_position": 3})
    below = max(below, row + CHART[1] // ROW - 1)  # the header is as high as three rows
    y = _y_axis(target, found)
    curves = [chart for curve in found.curves if (chart := _curve_chart(report, target, curve, y)) is not None]
    if not curves:
        return below
    _told(report, sheet, below, sentences((text("dependence_hint"), text("dependence_alike") if found.alike else "")))
    for index, chart in enumerate(curves):
        chart.set_size({"width": CURVE[0], "height": CURVE[1]})
        at = below + 1 + (index // ACROSS) * (CURVE[1] // ROW + 1)
        if not index % ACROSS:
            sheet.part(at if index else below)
        place = {"object_position": 3, "x_offset": (index % ACROSS) * (CURVE[0] + 10), "y_offset": 6}
        sheet.page.insert_chart(at, 0, chart, place)
    return below + 1 + -(-len(curves) // ACROSS) * (CURVE[1] // ROW + 1)


def _table(report: Report, sheet: Sheet, row: int, target: TargetResult, found: Importance) -> int:
    words = ("spread_of_importance", "share_of_metric", "alike")
    headers = [label("rank"), label("column"), _worse(target, found), *map(label, words)]
    count = len(found.columns)
    names = sheet.table(row, 0, headers, count, "Importance")
    hover_headers(sheet, row, 0, ("", "", "importance", *words))
    look = report.book.style(num_format=_format(found))
    base = abs(found.base)
    share = found.importance / base if base > 0 else np.full(count, np.nan)
    columns: Sequence[tuple[Sequence[object], Any]] = (
        (range(1, count + 1), None),
        (found.columns, None),
        (found.importance.tolist(), look),
        (found.spread.tolist(), look),
        (share.tolist(), report.book.style(num_format="0%")),
        ([_alike(found, name) for name in found.columns], None),
    )
    for index, (values, style) in enumerate(columns):
        sheet.column(row + 1, index, values, style or report.book.style(**({"indent": 1} if index else {})))
        texts = [value if isinstance(value, str) else "00,000.00" for value in values]
        sheet.fit(index, texts, names[index], 30)
    sheet.width(0, 7)
    sheet.head_height(row, names)
    bar = {"type": "data_bar", "bar_color": "#7FA3D1", "bar_solid": True, "bar_negative_color": "#D9A0A0"}
    sheet.page.conditional_format(row + 1, 2, row + count, 2, bar)
    told = text("importance_base", metric=label(found.metric), rows=f"{found.rows:,}", repeats=found.repeats)
    end = row + 1 + count
    if found.metric != target.metric:
        other = text("importance_other", metric=label(found.metric), asked=label(target.metric))
        told = sentences((told, other))
    _told(report, sheet, end, told, 6)
    return end + 1


def _told(report: Report, sheet: Sheet, row: int, words: str, columns: int = PRINTED - 2) -> None:
    """A sentence over the columns, as high as it needs."""
    sheet.block(row, 0, columns - 1, words, report.book.style(**HINT))
    sheet.height(row, words, 72 if columns == 6 else 140)


def _worse(target: TargetResult, found: Importance) -> str:
    """What is measured: by how much the metric rises, or falls, without the column."""
    key = "importance_rise" if lower_is_better(found.metric) else "importance_fall"
    unit = target.unit if found.metric in ("mae", "rmse", "median_absolute_error") else ""
    return text(key, metric=with_unit(label(found.metric), f"({unit})" if unit else ""))


def _format(found: Importance) -> str:
    shown = metric_format(found.metric, [found.base, *found.importance[:1]])
    return shown if shown != "#,##0" else number_format(found.importance, 3)


def _alike(found: Importance, name: str) -> str:
    """The columns that say much the same, with the correlation."""
    pairs = [(other if one == name else one, strength) for one, other, strength in found.alike if name in (one, other)]
    return text("comma").join(f"{other} ({strength:.2f})" for other, strength in pairs[:2]) + (
        " …" if len(pairs) > 2 else ""
    )


def _shown(target: TargetResult) -> list[int]:
    """The outputs that get a line: the number; of two classes the second; of more the commonest."""
    count = len(target.classes)
    if count <= 2:
        return [1] if count else [0]
    known = target.ledger.target[target.ledger.target >= 0].astype(np.int64)
    return sorted(int(each) for each in np.argsort(-np.bincount(known, minlength=count), kind="stable")[:CURVES])


def _y_axis(target: TargetResult, found: Importance) -> Axis:
    """One scale for all curves of a target, so that a flat one looks flat."""
    if target.classes:
        title = (
            text("axis_probability", label=target.classes[1])
            if len(target.classes) == 2
            else text("axis_class_probability")
        )
        most = max((float(np.max(curve.y)) for curve in found.curves), default=1.0)
        return Axis(title, "0%", 0, 1 if len(target.classes) == 2 else min(1.0, math.ceil(10 * most) / 10))
    values = [
        np.concatenate([curve.y + _known(curve.spread), curve.y - _known(curve.spread)]) for curve in found.curves
    ]
    every = np.concatenate([each.ravel() for each in values]) if values else np.zeros(1)
    low, high, _ = limits(np.array([every.min(), every.max()]))
    return Axis(
        with_unit(label("prediction"), f"({target.unit})" if target.unit else ""), number_format(every, 3), low, high
    )


def _known(spread: Any) -> Any:
    return np.nan_to_num(spread)


def _curve_chart(report: Report, target: TargetResult, curve: Dependence, y: Axis) -> Any:
    """The mean prediction while the column is set to each of its values."""
    picked = _shown(target)
    data, title = report.data, text("chart_dependence", column=curve.column)
    several = len(picked) > 1
    if curve.kind == "category":
        order = np.arange(len(curve.x)) if several else np.argsort(-curve.y[:, picked[0]], kind="stable")
        names = [f"{curve.labels[at][:24]} ({100 * curve.share[at]:.0f}%)" for at in order]
        dots = [
            Dots(
                _name(target, index),
                data.column(_name(target, index), curve.y[order, index]),
                None if several else data.column(label("spread"), _known(curve.spread[order, index])),
            )
            for index in picked
        ]
        return dot_chart(data, title, data.column(curve.column, names), dots, Axis(curve.column, grid=False), y)
    at = curve.x + EPOCH if curve.kind == "date" else curve.x
    x = data.column(curve.column, at)
    series = [
        Series(
            _name(target, index), x, data.column(_name(target, index), curve.y[:, index]), colour(turn), dash(turn), 2
        )
        for turn, index in enumerate(picked)
    ]
    hidden: list[int] = []
    if not several and np.isfinite(curve.spread).any():
        series += [_edge(data, x, curve, picked[0], sign) for sign in (-1, 1)]
        hidden = [2]
    shown = "yyyy-mm-dd" if curve.kind == "date" else number_format(at, 3)
    low, high = float(at.min()), float(at.max())
    axis = Axis(curve.column, shown, *(limits(np.array([low, high]))[:2] if curve.kind == "number" else (low, high)))
    return xy_chart(data, title, series, axis, y, "bottom", hidden)


def _edge(data: Any, x: Ref, curve: Dependence, index: int, sign: int) -> Series:
    """One edge of the band that the members differ by."""
    y = data.column(label("spread"), curve.y[:, index] + sign * _known(curve.spread[:, index]))
    return Series(text("band_of_members"), x, y, "#8A94A6", "round_dot", 1)


def _name(target: TargetResult, index: int) -> str:
    return str(target.classes[index]) if target.classes else label("prediction")
