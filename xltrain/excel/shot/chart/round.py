"""Pies and doughnuts."""

import math
from dataclasses import dataclass

from xltrain.excel.shot.chart.dress import fill_of
from xltrain.excel.shot.chart.ink import Box, Scene, Shape, Stroke, block, written
from xltrain.excel.shot.chart.marker import arc
from xltrain.excel.shot.chart.model import Chart, Plot, Series
from xltrain.excel.shot.chart.read import labels_of
from xltrain.excel.shot.chart.theme import Theme
from xltrain.excel.shot.chart.wording import label_lines, label_look

_HAIR = 0.02  # degrees below which a slice is not drawn


@dataclass(frozen=True)
class Slice:
    """A slice in degrees with the clock from the top."""

    point: int
    start: float
    end: float
    value: float

    @property
    def middle(self) -> float:
        return (self.start + self.end) / 2


def slices(series: Series, turn: float) -> list[Slice]:
    """Values below zero count by their size, as in Excel; nothing where all are zero."""
    sizes = [abs(each) if math.isfinite(each) else 0.0 for each in series.values.numbers]
    largest = max(sizes, default=0.0)
    total = sum(each / largest for each in sizes) if largest else 0.0
    found, at = [], turn
    for index, size in enumerate(sizes):
        if size and total:
            wide = size / largest / total * 360
            found.append(Slice(index, at, at + wide, size))
            at += wide
    return found


def draw(scene: Scene, plot: Plot, chart: Chart, theme: Theme, count: int) -> None:
    """All rings of a pie or doughnut, with their labels."""
    rings = [series for series in plot.series if slices(series, 0)][:1] if plot.kind == "pie" else list(plot.series)
    if not rings:
        return
    box = scene.plot
    x, y = box.middle
    outside = max((_outside(plot, series, chart) for series in rings), default=0.0) if plot.kind == "pie" else 0.0
    across = min(box.width, box.height) / 2
    given = chart.layout is not None and chart.layout.inner
    radius = max(4.0, across if given else min(across - 2, max(across - outside, across * 0.45)))
    most = max((_explosion(series, point) for series in rings for point in range(len(series.values))), default=0.0)
    if plot.kind == "pie":
        radius /= 1 + most
        _ring(scene, plot, rings[0], chart, theme, count, (x, y), (0.0, radius))
        return
    radius /= 1 + most / 2
    inner = radius * plot.hole
    wide = (radius - inner) / len(rings)
    for index, series in enumerate(rings):
        ends = (inner + wide * index, inner + wide * (index + 1))
        _ring(scene, plot, series, chart, theme, count, (x, y), ends)


def _explosion(series: Series, point: int) -> float:
    own = series.points.get(point)
    return min(4.0, own.explosion if own is not None and own.explosion else series.explosion)


def _ring(
    scene: Scene,
    plot: Plot,
    series: Series,
    chart: Chart,
    theme: Theme,
    count: int,
    centre: tuple[float, float],
    radii: tuple[float, float],
) -> None:
    found = slices(series, plot.turn)
    inner, outer = radii
    for each in found:
        if each.end - each.start < _HAIR:
            continue
        x, y = _moved(centre, each.middle, _explosion(series, each.point) * outer)
        fill, line = fill_of(plot, series, theme, count, each.point)
        path = arc(x, y, outer, each.start, each.end, inner)
        scene.add(Shape("slice", path, fill, line, series.index, each.point))
    for each in found:
        away = _explosion(series, each.point) * outer
        _label(scene, plot, series, chart, each, _moved(centre, each.middle, away), radii)


def _moved(centre: tuple[float, float], angle: float, far: float) -> tuple[float, float]:
    turn = math.radians(angle)
    return centre[0] + far * math.sin(turn), centre[1] - far * math.cos(turn)


def _outside(plot: Plot, series: Series, chart: Chart) -> float:
    """What labels beyond the pie's edge need."""
    found = slices(series, plot.turn)
    most = 0.0
    for each in found[:200]:
        labels = labels_of(plot, series, each.point)
        if labels is None or labels.position in ("ctr", "inEnd"):
            continue
        across, down = block(label_lines(plot, series, labels, each.point, chart, _share(found, each)))
        if labels.position == "outEnd" or across > 30:
            turn = math.radians(each.middle)
            most = max(most, abs(math.sin(turn)) * across * 0.6 + down * 0.9 + 4)
    return most


def _share(found: list[Slice], one: Slice) -> float:
    return (one.end - one.start) / 360


def _label(
    scene: Scene,
    plot: Plot,
    series: Series,
    chart: Chart,
    one: Slice,
    centre: tuple[float, float],
    radii: tuple[float, float],
) -> None:
    labels = labels_of(plot, series, one.point)
    if labels is None:
        return
    lines = label_lines(plot, series, labels, one.point, chart, (one.end - one.start) / 360)
    if not lines:
        return
    inner, outer = radii
    across, down = block(lines)
    position = labels.position or ("bestFit" if plot.kind == "pie" else "ctr")
    if position == "bestFit":
        position = "inEnd" if _fits(one, outer, across, down) else "outEnd"
    turn = math.radians(one.middle)
    reach = abs(math.sin(turn)) * across / 2 + abs(math.cos(turn)) * down / 2
    if plot.kind == "doughnut":
        far = (inner + outer) / 2
    elif position == "outEnd":
        far = outer + reach + 4
    elif position == "inEnd":
        far = max(outer - reach - 5, outer * 0.5)
    else:
        far = outer * 0.58
    x, y = _moved(centre, one.middle, far)
    if labels.layout is not None:
        if labels.layout.x == labels.layout.x:
            x += labels.layout.x * scene.width
        if labels.layout.y == labels.layout.y:
            y += labels.layout.y * scene.height
        if labels.leaders or plot.labels is None or plot.labels.leaders:
            edge = _moved(centre, one.middle, outer)
            if math.dist(edge, (x, y)) > across / 2 + 12:
                start = f"M{edge[0]:.1f} {edge[1]:.1f}L{x - math.copysign(across / 2 + 3, x - edge[0]):.1f} {y:.1f}"
                scene.add(Shape("leader", start, line=Stroke("#A6A6A6")))
    scene.add(
        *label_look(labels, Box(x - across / 2, y - down / 2, x + across / 2, y + down / 2), series.index, one.point)
    )
    scene.add(*written("data label", lines, x, y, "middle", 0.0, series.index, one.point))


def _fits(one: Slice, radius: float, across: float, down: float) -> bool:
    """Whether a label has room in a slice."""
    angle = math.radians(one.end - one.start)
    if angle >= math.pi * 0.9:
        return across < radius
    room = 2 * radius * 0.72 * math.sin(angle / 2)
    upright = abs(math.cos(math.radians(one.middle)))
    needed = across * upright + down * (1 - upright)
    return needed < room and across < radius * 0.8
