"""Axes drawn: grid lines, lines, ticks, labels and titles."""

import math
from collections.abc import Iterator

from xltrain.excel.shot.chart.arrange import Side
from xltrain.excel.shot.chart.ink import LINE, Box, Scene, Shape, Stroke, Words, block, n, segment, written
from xltrain.excel.shot.chart.scale import Scale, Slots
from xltrain.excel.shot.chart.ticks import TICK, Mark, Marks, gap
from xltrain.excel.shot.fonts import pixels

_MANY = 2000  # ticks of categories that are drawn at most


def grid(scene: Scene, side: Side, inner: Box) -> None:
    """The grid lines of an axis."""
    axis = side.axis
    for look, places, role in (
        (axis.minor_grid, _places(side, True), "minor gridline"),
        (axis.grid, _places(side, False), "gridline"),
    ):
        if look is None or look.line is None or not look.line.shows:
            continue
        path = "".join(
            f"M{n(inner.left)} {n(at)}H{n(inner.right)}"
            if side.upright
            else f"M{n(at)} {n(inner.top)}V{n(inner.bottom)}"
            for at in places
        )
        if path:
            scene.add(Shape(role, path, line=look.line, crisp=look.line.width < 3 and not look.line.dash))


def _measure(side: Side) -> Scale | Slots:
    pair = side.pair
    if side.axis is pair.y:
        return pair.scale
    return pair.across if pair.across is not None else pair.slots


def _places(side: Side, minor: bool) -> list[float]:
    """Where the ticks of an axis stand."""
    measure = _measure(side)
    if isinstance(measure, Scale):
        return [measure.at(each) for each in (measure.minor_ticks if minor else measure.ticks)]
    if minor:
        return []
    count = measure.count + (1 if measure.between else 0)
    if side.marks.steps:
        return [measure.edge(each) for each in side.marks.steps] + ([measure.end] if measure.between else [])
    step = side.axis.tick_skip or (side.marks.skip if count > 60 else 1)
    step = max(step, -(-count // _MANY))
    return [measure.edge(index) for index in range(0, count, step)]


def draw(scene: Scene, side: Side, labelled: bool = True) -> None:
    """The axis' line, ticks and labels; without labels where a data table has them."""
    axis = side.axis
    if axis.deleted:
        return
    look = axis.look.line
    measure = _measure(side)
    if look is not None and look.shows:
        scene.add(_line(side, measure, look))
        scene.add(*_ticks(side, look))
    if labelled and axis.labels != "none":
        scene.add(*_labels(side, measure))
        scene.add(*_outer(side, measure, look))


def _line(side: Side, measure: Scale | Slots, look: Stroke) -> Shape:
    crisp = look.width < 3 and not look.dash
    if side.upright:
        return segment("axis", side.line, measure.start, side.line, measure.end, look, crisp=crisp)
    return segment("axis", measure.start, side.line, measure.end, side.line, look, crisp=crisp)


def _ticks(side: Side, look: Stroke) -> Iterator[Shape]:
    axis = side.axis
    sign = 1 if side.after else -1
    for kind, minor, size in ((axis.ticks, False, TICK), (axis.minor_ticks, True, TICK * 0.6)):
        if kind == "none":
            continue
        outside = sign * size if kind in ("out", "cross") else 0.0
        inside = -sign * size if kind in ("in", "cross") else 0.0
        path = "".join(
            f"M{n(side.line + inside)} {n(at)}H{n(side.line + outside)}"
            if side.upright
            else f"M{n(at)} {n(side.line + inside)}V{n(side.line + outside)}"
            for at in _places(side, minor)
        )
        if path:
            yield Shape("tick", path, line=Stroke(look.colour, min(look.width, 2.0), "", look.opacity), crisp=True)


def _labels(side: Side, measure: Scale | Slots) -> Iterator[Words]:
    marks, axis = side.marks, side.axis
    away = gap(axis) * (1 if side.after else -1)
    for mark in marks.labels:
        if not mark.lines:
            continue
        at = measure.at(mark.at) if isinstance(measure, Scale) else measure.slot(mark.at)
        if side.upright:
            yield from _beside(mark, marks, side.labels + away, at, side.after)
        elif marks.angle:
            yield from _turned(mark, marks.angle, at, side.labels + away, side.after)
        else:
            height = block(mark.lines)[1]
            middle = side.labels + away + (height / 2 if side.after else -height / 2)
            yield from written("label", mark.lines, at, middle)


def _beside(mark: Mark, marks: Marks, x: float, y: float, after: bool) -> Iterator[Words]:
    if abs(marks.angle) == 90:
        shift = block(mark.lines)[1] / 2 * (1 if after else -1)
        yield from written("label", mark.lines, x + shift, y, "middle", marks.angle)
        return
    if len(mark.lines) > 1:  # lines of one label are centred on each other
        shift = marks.width / 2 if after else -block(mark.lines)[0] / 2
        yield from written("label", mark.lines, x + shift, y, "middle", marks.angle)
        return
    yield from written("label", mark.lines, x, y, "start" if after else "end", marks.angle)


def _turned(mark: Mark, angle: float, x: float, y: float, after: bool) -> Iterator[Words]:
    """Text that ends, or begins, at its tick."""
    ends = (angle < 0) == after
    height = block(mark.lines)[1] / 2
    lean = math.radians(abs(angle))
    shift = height * math.cos(lean) * (1 if after else -1)
    yield from written("label", mark.lines, x, y + shift, "end" if ends else "start", angle)


def _outer(side: Side, measure: Scale | Slots, look: Stroke | None) -> Iterator[Shape | Words]:
    """The rows of outer categories, with lines between them."""
    if not side.marks.outer or not isinstance(measure, Slots):
        return
    font = side.axis.lettering.font
    line = pixels(font) * LINE + 4
    sign = 1 if side.after else -1
    start = side.labels + sign * (side.marks.depth - line * len(side.marks.outer))
    for level, row in enumerate(side.marks.outer):
        at = start + sign * line * (level + 0.5)
        path = ""
        for text, first, last in row:
            middle = (measure.slot(first) + measure.slot(last)) / 2
            if text and side.upright:
                yield from written("label", (((text, font),),), at, middle, "middle", -90.0)
            elif text:
                yield from written("label", (((text, font),),), middle, at)
            for edge in (measure.edge(first), measure.edge(last + 1)):
                end = at + sign * line / 2
                path += f"M{n(side.line)} {n(edge)}H{n(end)}" if side.upright else f"M{n(edge)} {n(side.line)}V{n(end)}"
        if look is not None and look.shows and path:
            yield Shape("tick", path, line=Stroke(look.colour, 1.0, "", look.opacity), crisp=True)


def title(scene: Scene, side: Side) -> None:
    placed, axis = side.title, side.axis
    if placed is not None and axis.title is not None:
        scene.add(*written("axis title", placed.lines, placed.x, placed.y, "middle", placed.angle))
