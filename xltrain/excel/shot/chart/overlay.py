"""Trend lines and error bars over a plot."""

import math
from collections.abc import Iterator, Sequence

from xltrain.excel.shot.chart.bars import spans
from xltrain.excel.shot.chart.curves import Point, line_path, thinned
from xltrain.excel.shot.chart.dress import trend_line
from xltrain.excel.shot.chart.errors import centre, lengths
from xltrain.excel.shot.chart.groups import Pair, heights, x_values
from xltrain.excel.shot.chart.ink import Scene, Shape, Stroke, Words, n, written
from xltrain.excel.shot.chart.model import Chart, ErrorBars, Plot, Series, Trend
from xltrain.excel.shot.chart.theme import Theme
from xltrain.excel.shot.chart.trend import Fitted, fit, moving_average, trend_text

_CAP = 3.0  # half the width of the line across an error bar's end
_STEPS = 100
_MOST = 2000  # error bars of one series


def trends(scene: Scene, plot: Plot, pair: Pair, chart: Chart, theme: Theme, count: int) -> None:
    if plot.grouping in ("stacked", "percentStacked"):
        return
    for place, series in enumerate(plot.series):
        for trend in series.trends:
            scene.add(*_trend(scene, plot, pair, chart, series, place, trend, trend_line(trend, series, theme, count)))


def _trend(
    scene: Scene, plot: Plot, pair: Pair, chart: Chart, series: Series, place: int, trend: Trend, line: Stroke
) -> Iterator[Shape | Words]:
    xs = x_values(series) if pair.points else [float(index + 1) for index in range(len(series.values))]
    known = [(x, y) for x, y in zip(xs, series.values.numbers, strict=False) if math.isfinite(x) and math.isfinite(y)]
    if not known:
        return
    if trend.kind == "movingAvg":
        curve = moving_average(sorted(known) if pair.points else known, trend.period)
        fitted = None
    else:
        fitted = fit(trend, known)
        if fitted is None:
            return
        low, high = min(x for x, _ in known) - trend.backward, max(x for x, _ in known) + trend.forward
        straight = trend.kind == "linear" and not pair.scale.log and not (pair.across and pair.across.log)
        steps = 1 if straight else _STEPS
        curve = [(low + (high - low) * step / steps, 0.0) for step in range(steps + 1)]
        curve = [(x, fitted.curve(x)) for x, _ in curve]
    pixels = [point for point in (_pixel(pair, plot, place, x, y) for x, y in curve) if all(map(math.isfinite, point))]
    if len(pixels) > 1 and line.shows:
        yield Shape("trend", line_path(thinned(pixels)), line=line, series=series.index, inside=True)
    if fitted is not None and pixels and (trend.equation or trend.squared):
        yield from _equation(scene, chart, trend, fitted, pixels[-1], series.index)


def _pixel(pair: Pair, plot: Plot, place: int, x: float, y: float) -> Point:
    if pair.across is not None:
        return pair.across.at(x), pair.scale.at(y)
    along = pair.slots.slot(x - 1) if not pair.unit else pair.slots.at(round(x) - 1)
    return (along, pair.scale.at(y)) if pair.upright else (pair.scale.at(y), along)


def _equation(scene: Scene, chart: Chart, trend: Trend, fitted: Fitted, end: Point, index: int) -> Iterator[Words]:
    """The equation near the line's end; raised exponents are small letters above the line."""
    font = (trend.lettering or chart.lettering).font
    lines = tuple(((each, font),) for each in trend_text(trend, fitted))
    from xltrain.excel.shot.chart.ink import block

    across, down = block(lines)
    box = scene.plot
    x = min(end[0] - across * 0.1, box.right - across / 2 - 2)
    y = min(max(end[1] - down / 2 - 6, box.top + down / 2), box.bottom - down / 2)
    if trend.layout is not None and trend.layout.x == trend.layout.x and trend.layout.y == trend.layout.y:
        if trend.layout.offset:
            x, y = x + trend.layout.x * scene.width, y + trend.layout.y * scene.height
        else:
            x, y = trend.layout.x * scene.width + across / 2, trend.layout.y * scene.height + down / 2
    yield from written("equation", lines, x, y, "middle", 0.0, index)


def errors(scene: Scene, plot: Plot, pair: Pair, points: Sequence[Sequence[Point]]) -> None:
    """Error bars about points given in pixels."""
    tops = heights(plot) if not pair.points else []
    for place, series in enumerate(plot.series):
        for bars in series.errors:
            line = bars.look.line if bars.look.line is not None else Stroke("#000000")
            if not line.shows:
                continue
            values = list(series.values.numbers)
            ends = [top for _, top in tops[place]] if tops else values
            path = _bars_path(bars, pair, series, points[place], values, ends)
            if path:
                scene.add(Shape("error bar", path, line=line, series=series.index, inside=True))


def _bars_path(
    bars: ErrorBars, pair: Pair, series: Series, points: Sequence[Point], values: list[float], ends: list[float]
) -> str:
    along_x = pair.points and not bars.upright
    numbers = x_values(series) if along_x else values
    where = numbers if along_x else ends
    scale = pair.across if along_x else pair.scale
    assert scale is not None
    middle = centre(bars, numbers)
    lying = along_x or not pair.upright
    path = ""
    for value, (minus, plus), (x, y) in zip(where[:_MOST], lengths(bars, numbers), points, strict=False):
        about = middle if middle is not None and not math.isnan(value) else value
        if not (math.isfinite(about) and math.isfinite(x) and math.isfinite(y)):
            continue
        for length in (-minus, plus):
            if not length:
                continue
            end = scale.at(about + length)
            if math.isnan(end):
                end = scale.start
            start = scale.at(about)
            if lying:
                path += f"M{n(start)} {n(y)}H{n(end)}"
                path += f"M{n(end)} {n(y - _CAP)}V{n(y + _CAP)}" if bars.caps else ""
            else:
                path += f"M{n(x)} {n(start)}V{n(end)}"
                path += f"M{n(x - _CAP)} {n(end)}H{n(x + _CAP)}" if bars.caps else ""
    return path


def bar_ends(plot: Plot, pair: Pair) -> list[list[Point]]:
    """The middle of every bar's end, where its error bar stands."""
    found = []
    for (start, wide), ends in zip(spans(plot, pair), heights(plot), strict=True):
        one = []
        for index, (_, top) in enumerate(ends):
            along = pair.slots.at(index) - pair.slots.size / 2 + start + wide / 2
            across = pair.scale.at(top)
            one.append((along, across) if pair.upright else (across, along))
        found.append(one)
    return found
