"""Data labels beside bars, lines and points."""

import math
from collections.abc import Sequence

from xltrain.excel.shot.chart.dress import marker_of
from xltrain.excel.shot.chart.groups import Pair
from xltrain.excel.shot.chart.ink import Box, Line, Scene, block, written
from xltrain.excel.shot.chart.model import Chart, Labels, Plot, Series
from xltrain.excel.shot.chart.read import labels_of
from xltrain.excel.shot.chart.theme import Theme
from xltrain.excel.shot.chart.wording import label_lines, label_look

_MOST = 3000  # labels of one series; more cannot be read
_GAP = 3.0


def of_bars(scene: Scene, plot: Plot, pair: Pair, chart: Chart, boxes: Sequence[Sequence[Box | None]]) -> None:
    """Labels of columns and bars."""
    stacked = plot.grouping in ("stacked", "percentStacked")
    for series, row in zip(plot.series, boxes, strict=True):
        if not _any(plot, series):
            continue
        for index, box in enumerate(row[:_MOST]):
            labels = labels_of(plot, series, index)
            if labels is None or box is None:
                continue
            lines = label_lines(plot, series, labels, index, chart)
            if lines:
                position = labels.position or ("ctr" if stacked else "outEnd")
                below = (series.values.at(index) < 0) != pair.y.reverse
                x, y = _on_bar(box, position, below, pair.upright, block(lines))
                _put(scene, labels, lines, x, y, series.index, index)


def _on_bar(box: Box, position: str, below: bool, upright: bool, size: tuple[float, float]) -> tuple[float, float]:
    """The middle of a label at a bar's end, inside it, in its middle or at its foot."""
    x, y = box.middle
    across, down = size
    if position == "ctr":
        return x, y
    at_end = position in ("outEnd", "inEnd")
    if upright:
        end, sign = (box.bottom, 1) if below == at_end else (box.top, -1)
        room = down / 2 + _GAP
        return x, end + sign * room * (1 if position == "outEnd" else -1)
    end, sign = (box.left, -1) if below == at_end else (box.right, 1)
    room = across / 2 + _GAP + 1
    return end + sign * room * (1 if position == "outEnd" else -1), y


def of_points(
    scene: Scene,
    plot: Plot,
    chart: Chart,
    points: Sequence[Sequence[tuple[float, float]]],
    theme: Theme,
    usual: str = "r",
    reach: Sequence[Sequence[float]] = (),
) -> None:
    """Labels beside points; `reach` is how far the points themselves reach."""
    box = scene.plot
    for place, (series, row) in enumerate(zip(plot.series, points, strict=True)):
        if not _any(plot, series):
            continue
        for index, (x, y) in enumerate(row[:_MOST]):
            labels = labels_of(plot, series, index)
            inside = box.left - 1 <= x <= box.right + 1 and box.top - 1 <= y <= box.bottom + 1
            if labels is None or not inside:
                continue
            lines = label_lines(plot, series, labels, index, chart)
            if not lines:
                continue
            far = reach[place][index] if reach else 0.0
            if not reach:
                marker = marker_of(plot, series, theme, 1, place, index)
                far = marker.size / 2 if marker is not None else 0.0
            across, down = block(lines)
            position = labels.position or usual
            if position in ("r", "l"):
                x += (across / 2 + far + _GAP + 1) * (1 if position == "r" else -1)
            elif position in ("t", "b"):
                y += (down / 2 + far + 1) * (1 if position == "b" else -1)
            _put(scene, labels, lines, x, y, series.index, index)


def of_areas(
    scene: Scene, plot: Plot, pair: Pair, chart: Chart, points: Sequence[Sequence[tuple[float, float]]]
) -> None:
    """Labels in the middle of an area's height."""
    base = pair.scale.at(pair.scale.zero)
    before: Sequence[tuple[float, float]] | None = None
    for series, row in zip(plot.series, points, strict=True):
        for index, (x, y) in enumerate(row[:_MOST] if _any(plot, series) else ()):
            labels = labels_of(plot, series, index)
            floor = before[index][1] if before is not None and plot.grouping != "standard" else base
            if labels is not None and math.isfinite(x) and math.isfinite(y):
                lines = label_lines(plot, series, labels, index, chart)
                _put(scene, labels, lines, x, (y + floor) / 2, series.index, index)
        before = row


def _any(plot: Plot, series: Series) -> bool:
    """Whether a series may have labels at all."""
    return plot.labels is not None or series.labels is not None


def _put(scene: Scene, labels: Labels, lines: tuple[Line, ...], x: float, y: float, series: int, point: int) -> None:
    if not lines:
        return
    across, down = block(lines)
    if labels.layout is not None:
        if labels.layout.x == labels.layout.x:
            x += labels.layout.x * scene.width
        if labels.layout.y == labels.layout.y:
            y += labels.layout.y * scene.height
    angle = labels.lettering.turn or 0.0 if labels.lettering is not None else 0.0
    scene.add(*label_look(labels, Box(x - across / 2, y - down / 2, x + across / 2, y + down / 2), series, point))
    scene.add(*written("data label", lines, x, y, "middle", angle, series, point))
