"""Data bars, signs of icon sets, sparklines and comment marks as SVG."""

import math
from collections.abc import Iterator
from itertools import pairwise

from xltrain.excel.shot.colour import blended
from xltrain.excel.shot.letters import Box, n, rectangle
from xltrain.excel.shot.page import Bar, Spark

COMMENT = 5.5  # pixels, the legs of the corner that marks a comment
_EDGE = 2.0  # pixels that a bar keeps from the cell's edges
_SPARK = 3.0  # pixels that a sparkline keeps


def bar_box(bar: Bar, box: Box) -> Box:
    """Where a bar lies in its cell's box."""
    left, wide = box.left + _EDGE, max(0.0, box.width - 1 - 2 * _EDGE)
    return Box(left + bar.start * wide, box.top + 1.5, left + bar.end * wide, box.bottom - 2.5)


def bar_svg(bar: Bar, box: Box, number: int) -> Iterator[str]:
    drawn = bar_box(bar, box)
    if drawn.width > 0.4:
        fill = bar.colour
        if bar.gradient:
            pale = blended(bar.colour, "#FFFFFF", 0.9)
            backwards = bar.leftwards != (bar.axis is not None and bar.end <= bar.axis and bar.start < bar.axis)
            ends = 'x1="1" x2="0"' if backwards else 'x1="0" x2="1"'
            yield (
                f'<linearGradient id="b{number}" {ends}><stop stop-color="{bar.colour}"/>'
                f'<stop offset="1" stop-color="{pale}"/></linearGradient>'
            )
            fill = f"url(#b{number})"
        edge = f' stroke="{bar.border}" stroke-width="1"' if bar.border else ""
        yield f'{rectangle(drawn)} fill="{fill}"{edge}/>'
    if bar.axis is not None:
        x = n(box.left + _EDGE + bar.axis * max(0.0, box.width - 1 - 2 * _EDGE))
        dashes = 'stroke-dasharray="2 1"'
        yield f'<line x1="{x}" y1="{n(box.top)}" x2="{x}" y2="{n(box.bottom)}" stroke="{bar.axis_colour}" {dashes}/>'


def comment_svg(box: Box, left: bool = False) -> str:
    """The red corner of a cell with a comment."""
    x, way = (box.left, 1) if left else (box.right - 1, -1)
    points = f"{n(x)},{n(box.top)} {n(x + way * COMMENT)},{n(box.top)} {n(x)},{n(box.top + COMMENT)}"
    return f'<polygon points="{points}" fill="#FF0000"/>'


def spark_svg(spark: Spark, box: Box) -> Iterator[str]:
    """A sparkline in its cell."""
    room = Box(box.left + _SPARK, box.top + _SPARK, box.right - 1 - _SPARK, box.bottom - 1 - _SPARK)
    count = len(spark.values)
    if not count or room.width <= 0 or room.height <= 0:
        return
    values = spark.values[::-1] if spark.backwards else spark.values
    points = {count - 1 - index if spark.backwards else index: colour for index, colour in spark.points}
    draw = _line if spark.kind == "line" else _columns
    yield from draw(spark, values, points, room)
    if spark.axis and spark.low <= 0 <= spark.high and any(value is not None for value in values):
        y = n(_height(0.0, spark, room))
        yield f'<line x1="{n(room.left)}" y1="{y}" x2="{n(room.right)}" y2="{y}" stroke="{spark.axis}"/>'


def _height(value: float, spark: Spark, room: Box) -> float:
    if spark.high <= spark.low:
        return (room.top + room.bottom) / 2
    share = (min(max(value, spark.low), spark.high) - spark.low) / (spark.high - spark.low)
    return room.bottom - share * room.height


def _line(spark: Spark, values: tuple[float | None, ...], points: dict[int, str], room: Box) -> Iterator[str]:
    step = room.width / max(1, len(values) - 1)
    first = room.left if len(values) > 1 else (room.left + room.right) / 2
    at = [
        None if value is None else (first + index * step, _height(value, spark, room))
        for index, value in enumerate(values)
    ]
    path = "".join(
        f"M{n(one[0])} {n(one[1])}L{n(other[0])} {n(other[1])}"
        if index == 0 or at[index - 1] is None
        else f"L{n(other[0])} {n(other[1])}"
        for index, (one, other) in enumerate(pairwise(at))
        if one is not None and other is not None
    )
    thick = spark.weight * 96 / 72
    if path:
        joins = 'stroke-linejoin="round" stroke-linecap="round"'
        yield f'<path d="{path}" fill="none" stroke="{spark.colour}" stroke-width="{n(thick)}" {joins}/>'
    radius = max(1.5, thick * 1.1)
    for index, colour in points.items():
        place = at[index]
        if place is not None:
            yield f'<circle cx="{n(place[0])}" cy="{n(place[1])}" r="{n(radius)}" fill="{colour}"/>'


def _columns(spark: Spark, values: tuple[float | None, ...], points: dict[int, str], room: Box) -> Iterator[str]:
    step = room.width / len(values)
    gap = min(2.0, step * 0.2)
    zero = _height(min(max(0.0, spark.low), spark.high), spark, room)
    for index, value in enumerate(values):
        if value is None or value == 0:
            continue
        y = _height(value, spark, room)
        high = max(1.0, abs(zero - y))
        left = room.left + index * step + gap / 2
        bar = Box(left, min(y, zero) if value > 0 else zero, left + step - gap, 0.0)
        shown = Box(bar.left, bar.top, bar.right, bar.top + high)
        yield f'{rectangle(shown)} fill="{points.get(index, spark.colour)}"/>'


def star(x: float, y: float, radius: float, count: int = 5) -> str:
    """The points of a star."""
    found = []
    for index in range(2 * count):
        size = radius if index % 2 == 0 else radius * 0.42
        turn = math.pi * index / count
        found.append(f"{n(x + size * math.sin(turn))},{n(y - size * math.cos(turn))}")
    return " ".join(found)
