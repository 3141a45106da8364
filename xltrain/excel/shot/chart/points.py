"""Scatter and bubble charts."""

import math

from xltrain.excel.shot.chart.arrange import BUBBLE
from xltrain.excel.shot.chart.curves import Point, draw_markers, line_shapes, stretches
from xltrain.excel.shot.chart.dress import fill_of, line_of
from xltrain.excel.shot.chart.groups import Pair, x_values
from xltrain.excel.shot.chart.ink import Box, Paint, Scene, Shape
from xltrain.excel.shot.chart.marker import marker_path
from xltrain.excel.shot.chart.model import Plot
from xltrain.excel.shot.chart.theme import Theme


def places(plot: Plot, pair: Pair, blanks: str) -> list[list[Point]]:
    """The pixels of every point, by series."""
    assert pair.across is not None
    found = []
    for series in plot.series:
        xs, ys = x_values(series), series.values.numbers
        one = []
        for index, y in enumerate(ys):
            x = xs[index] if index < len(xs) else math.nan
            if not math.isfinite(y) and blanks == "zero":
                y = 0.0
            one.append((pair.across.at(x), pair.scale.at(y)))
        found.append(one)
    return found


def draw_scatter(scene: Scene, plot: Plot, pair: Pair, theme: Theme, count: int, blanks: str) -> list[list[Point]]:
    found = places(plot, pair, blanks)
    for series, points in zip(plot.series, found, strict=True):
        line = line_of(plot, series, theme, count)
        if plot.style == "none" and series.look.line is None:
            continue
        scene.add(*line_shapes("line", series, stretches(points, blanks), line, series.smooth))
    for place, (series, points) in enumerate(zip(plot.series, found, strict=True)):
        draw_markers(scene, plot, series, points, theme, count, place)
    return found


def radii(plot: Plot, box: Box) -> list[list[float]]:
    """The radius of every bubble in pixels: the largest takes a quarter of the shorter side, times the scale."""
    sizes = [
        [abs(series.sizes.at(index)) if len(series.sizes) else 1.0 for index in range(len(series.values))]
        for series in plot.series
    ]
    largest = max((each for one in sizes for each in one if math.isfinite(each)), default=0.0)
    most = min(box.width, box.height) * BUBBLE / 2 * plot.scale
    if not largest:
        return [[0.0] * len(one) for one in sizes]
    power = 1.0 if plot.by_width else 0.5
    return [[most * (each / largest) ** power if math.isfinite(each) else 0.0 for each in one] for one in sizes]


def draw_bubbles(scene: Scene, plot: Plot, pair: Pair, theme: Theme, count: int) -> list[list[Point]]:
    found = places(plot, pair, "gap")
    for series, points, sizes in zip(plot.series, found, radii(plot, scene.plot), strict=True):
        order = sorted(range(len(points)), key=lambda index: -sizes[index])[:5000]
        for index in order:
            (x, y), radius = points[index], sizes[index]
            if not (math.isfinite(x) and math.isfinite(y)) or radius <= 0:
                continue
            negative = series.sizes.at(index) < 0
            fill, line = fill_of(plot, series, theme, count, index)
            if negative and fill.shows:
                fill = Paint(theme.paper)
            box = Box(x - radius, y - radius, x + radius, y + radius)
            scene.add(
                Shape("bubble", marker_path("circle", x, y, radius), fill, line, series.index, index, box, inside=True)
            )
    return found
