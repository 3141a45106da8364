"""Columns and bars: side by side, stacked, and what lies between them."""

import itertools
import math
from collections.abc import Iterator

from xltrain.excel.shot.chart.dress import fill_of
from xltrain.excel.shot.chart.groups import Pair, heights
from xltrain.excel.shot.chart.ink import Box, Scene, Shape, n, rectangle
from xltrain.excel.shot.chart.model import Plot
from xltrain.excel.shot.chart.theme import Theme

Span = tuple[float, float]


def spans(plot: Plot, pair: Pair) -> list[Span]:
    """For every series where its bar begins in a slot and how wide it is, in pixels."""
    size = pair.slots.size
    if not pair.slots.between and pair.slots.count > 1:
        size *= (pair.slots.count - 1) / pair.slots.count
    overlap = 0.0 if plot.grouping in ("stacked", "percentStacked") and plot.overlap == 0 else plot.overlap
    count = max(1, len(plot.series))
    wide = size / (count - (count - 1) * overlap + plot.gap)
    start = size * 0.5 - (wide * (count - (count - 1) * overlap)) / 2
    return [(start + index * wide * (1 - overlap), wide) for index in range(len(plot.series))]


def bar_boxes(plot: Plot, pair: Pair) -> list[list[Box | None]]:
    """The box of every bar, by series and point."""
    scale, slots = pair.scale, pair.slots
    low, high = sorted((scale.low, scale.high))
    found: list[list[Box | None]] = []
    base = scale.zero
    if not math.isnan(pair.x.crosses_at):
        base = min(max(pair.x.crosses_at, low), high)
    elif pair.x.crosses in ("min", "max"):
        base = scale.low if pair.x.crosses == "min" else scale.high
    stacked = plot.grouping in ("stacked", "percentStacked")
    for (start, wide), ends in zip(spans(plot, pair), heights(plot), strict=True):
        one: list[Box | None] = []
        for index, (bottom, top) in enumerate(ends):
            if not math.isfinite(top):
                one.append(None)
                continue
            begin = bottom if stacked and not (scale.log and bottom <= 0) else base
            clipped = [scale.at(min(max(each, low), high)) for each in (begin, top)]
            if any(math.isnan(each) for each in clipped):
                one.append(None)
                continue
            along = slots.at(index) - slots.size / 2 + start
            far = along + wide
            one.append(_box(along, far, *clipped, upright=pair.upright))
        found.append(one)
    return found


def _box(along: float, far: float, begin: float, end: float, *, upright: bool) -> Box:
    """Edges on whole pixels, as Excel sets them, as long as a bar is wide enough to afford it."""
    first, second = sorted((along, far))
    if second - first >= 3:
        first, second = round(first), round(second)
    low, high = sorted((begin, end))
    if high - low >= 1:
        low, high = round(low), round(high)
    return Box(first, low, second, high) if upright else Box(low, first, high, second)


def draw(scene: Scene, plot: Plot, pair: Pair, theme: Theme, count: int) -> list[list[Box | None]]:
    """The bars; their boxes for the labels."""
    found = bar_boxes(plot, pair)
    if plot.connectors is not None and plot.grouping != "clustered":
        scene.add(*_connectors(plot, pair, found))
    for series, boxes in zip(plot.series, found, strict=True):
        plain = not series.points and not plot.vary and series.inverted is None
        if plain and len(boxes) > 500:
            scene.add(*_thinned(plot, pair, series.index, boxes, theme, count))
            continue
        for index, box in enumerate(boxes):
            if box is not None:
                below = series.values.at(index) < 0
                fill, line = fill_of(plot, series, theme, count, index, below)
                scene.add(
                    rectangle(
                        "bar", box, fill, line, series=series.index, point=index, inside=True, crisp=box.width >= 3
                    )
                )
    return found


def _thinned(plot: Plot, pair: Pair, index: int, boxes: list[Box | None], theme: Theme, count: int) -> Iterator[Shape]:
    """A great many bars as one path; those in the same half pixel become their envelope."""
    series = next(each for each in plot.series if each.index == index)
    fill, line = fill_of(plot, series, theme, count)
    merged: dict[int, Box] = {}
    for box in boxes:
        if box is None:
            continue
        key = round((box.left if pair.upright else box.top) * 2)
        known = merged.get(key)
        merged[key] = box if known is None else _around(known, box)
    path = "".join(each.path for each in merged.values())
    if path:
        yield Shape("bar", path, fill, line, series=index, inside=True)


def _around(one: Box, two: Box) -> Box:
    return Box(min(one.left, two.left), min(one.top, two.top), max(one.right, two.right), max(one.bottom, two.bottom))


def _connectors(plot: Plot, pair: Pair, found: list[list[Box | None]]) -> Iterator[Shape]:
    """Lines from bar to bar of a series."""
    assert plot.connectors is not None
    assert plot.connectors.line is not None
    path = ""
    for boxes in found:
        for before, after in itertools.pairwise(boxes):
            if before is None or after is None:
                continue
            if pair.upright:
                path += f"M{n(before.right)} {n(before.top)}L{n(after.left)} {n(after.top)}"
            else:
                path += f"M{n(before.right)} {n(before.top)}L{n(after.right)} {n(after.bottom)}"
    if path:
        yield Shape("connector", path, line=plot.connectors.line, inside=True)
