"""Radar charts: values on spokes from a centre, their axis upright at the top."""

import math

from xltrain.excel.shot.chart.curves import Point, draw_markers, line_path
from xltrain.excel.shot.chart.dress import fill_of, line_of
from xltrain.excel.shot.chart.ink import LINE, Scene, Shape, Stroke, block, n, written
from xltrain.excel.shot.chart.labels import of_points
from xltrain.excel.shot.chart.model import Axis, Cache, Chart, Plot
from xltrain.excel.shot.chart.scale import Scale, value_scale
from xltrain.excel.shot.chart.theme import Theme
from xltrain.excel.shot.chart.ticks import category_text, value_text
from xltrain.excel.shot.fonts import pixels
from xltrain.excel.shot.format import is_general

_MOST = 360  # spokes


def draw(scene: Scene, plot: Plot, chart: Chart, theme: Theme, count: int) -> None:
    known = [chart.axes[each] for each in plot.axes if each in chart.axes]
    value_axis = next((each for each in known if each.kind == "val"), Axis("", "val"))
    names = next((each for each in known if each.kind != "val"), Axis("", "cat"))
    spokes = min(_MOST, max((len(each.values) for each in plot.series), default=0))
    if spokes < 1:
        return
    texts = _texts(plot, names, spokes)
    font = names.lettering.font
    em = pixels(font)
    x, y = scene.plot.middle
    wide = max((block((((text, font),),))[0] for text in texts), default=0.0) if not names.deleted else 0.0
    radius = min(scene.plot.height / 2 - em * LINE, scene.plot.width / 2 - min(wide, scene.plot.width * 0.2) - 4)
    radius = max(radius, 10.0)
    y += em * 0.2
    values = [value for each in plot.series for value in each.values.numbers]
    most = max(2, int(radius / (pixels(value_axis.lettering.font) * LINE * 1.1)))
    scale = value_scale(value_axis, values, most).spread(0.0, radius)
    _grid(scene, value_axis, scale, spokes, (x, y), radius, theme)
    found = [
        [_spot(x, y, scale.at(max(scale.low, each.values.at(index))), index, spokes) for index in range(spokes)]
        for each in plot.series
    ]
    for series, points in zip(plot.series, found, strict=True):
        shown = [point for point in points if all(map(math.isfinite, point))]
        whole = len(shown) == len(points) and len(points) > 1
        path = line_path(shown, closed=whole or plot.style == "filled")
        if plot.style == "filled":
            fill, line = fill_of(plot, series, theme, count)
            scene.add(Shape("area", path, fill, line, series=series.index))
        else:
            line = line_of(plot, series, theme, count)
            if line.shows and path:
                scene.add(Shape("line", path, line=line, series=series.index))
    if plot.style != "filled":
        for place, (series, points) in enumerate(zip(plot.series, found, strict=True)):
            draw_markers(scene, plot, series, points, theme, count, place)
    if not names.deleted and names.labels != "none":
        for index, text in enumerate(texts):
            _name(scene, text, (x, y), radius, index, spokes, names)
    _numbers(scene, value_axis, scale, plot, x, y)
    of_points(scene, plot, chart, found, theme, "t")


def _spot(x: float, y: float, far: float, index: int, count: int) -> Point:
    turn = 2 * math.pi * index / count
    return x + far * math.sin(turn), y - far * math.cos(turn)


def _texts(plot: Plot, axis: Axis, count: int) -> list[str]:
    cache = next((each.categories for each in plot.series if len(each.categories)), Cache())
    code = axis.format if not axis.linked and axis.format else cache.format
    return [category_text(cache, index, code) for index in range(count)]


def _grid(scene: Scene, axis: Axis, scale: Scale, count: int, centre: Point, radius: float, theme: Theme) -> None:
    """Polygons at the ticks, and the spokes."""
    x, y = centre
    if axis.grid is not None and axis.grid.line is not None and axis.grid.line.shows:
        path = "".join(
            line_path([_spot(x, y, scale.at(tick), index, count) for index in range(count)], closed=True)
            for tick in scale.ticks
        )
        scene.add(Shape("gridline", path, line=axis.grid.line))
    line = axis.look.line if axis.look.line is not None else Stroke(theme.grey)
    if line.shows and not axis.deleted:
        ends = [_spot(x, y, radius, index, count) for index in range(count)]
        scene.add(Shape("axis", "".join(f"M{n(x)} {n(y)}L{n(one)} {n(two)}" for one, two in ends), line=line))


def _numbers(scene: Scene, axis: Axis, scale: Scale, plot: Plot, x: float, y: float) -> None:
    if axis.deleted or axis.labels == "none":
        return
    first = next((each.values.format for each in plot.series if len(each.values)), "General")
    code = axis.format if not axis.linked and axis.format else first if not is_general(first) else axis.format
    font = axis.lettering.font
    for tick in scale.ticks:
        text, _ = value_text(tick, axis, code)
        scene.add(*written("label", (((text, font),),), x - pixels(font) * 0.35, y - scale.at(tick), "end"))


def _name(scene: Scene, text: str, centre: Point, radius: float, index: int, count: int, axis: Axis) -> None:
    font = axis.lettering.font
    x, y = _spot(*centre, radius + 4, index, count)
    side = math.sin(2 * math.pi * index / count)
    down = -math.cos(2 * math.pi * index / count)
    anchor = "middle" if abs(side) < 0.1 else "start" if side > 0 else "end"
    y += down * pixels(font) * 0.55
    if text:
        scene.add(*written("label", (((text, font),),), x, y, anchor))
