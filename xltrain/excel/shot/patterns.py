"""Fills as SVG: colours, the patterns of cells dot by dot, gradients along a line or outwards from a box."""

import math
from collections.abc import Iterator

from xltrain.excel.shot.colour import blended
from xltrain.excel.shot.letters import Box, n, rectangle
from xltrain.excel.shot.style import Fill

_STEPS = 32  # rectangles of a gradient that runs outwards
# Four by four pixels of each pattern; # is ink.
_BITS = {
    "gray0625": "#... .... .... ....",
    "gray125": "#... .... ..#. ....",
    "lightGray": "#... ..#. #... ..#.",
    "mediumGray": "#.#. .#.# #.#. .#.#",
    "darkGray": ".### ##.# .### ##.#",
    "darkHorizontal": "#### #### .... ....",
    "darkVertical": "##.. ##.. ##.. ##..",
    "darkDown": "##.. .##. ..## #..#",
    "darkUp": "..## .##. ##.. #..#",
    "darkGrid": "##.. ##.. ..## ..##",
    "darkTrellis": "#### .##. #### #..#",
    "lightHorizontal": "#### .... .... ....",
    "lightVertical": "#... #... #... #...",
    "lightDown": "#... .#.. ..#. ...#",
    "lightUp": "...# ..#. .#.. #...",
    "lightGrid": "#### #... #... #...",
    "lightTrellis": "#..# .##. .##. #..#",
}


def is_plain(fill: Fill) -> bool:
    """Whether a fill is one colour."""
    return not fill.stops and fill.pattern not in _BITS


def filled(number: int, box: Box, fill: Fill) -> Iterator[str]:
    """A filled box; `number` keeps its ids apart from others."""
    if fill.middle is not None and fill.stops:
        yield from _outwards(box, fill)
    elif fill.stops:
        turn = math.radians(fill.angle)
        x, y = math.cos(turn) / 2, math.sin(turn) / 2
        stops = "".join(f'<stop offset="{n(at)}" stop-color="{colour}"/>' for at, colour in fill.stops)
        ends = f'x1="{n(0.5 - x)}" y1="{n(0.5 - y)}" x2="{n(0.5 + x)}" y2="{n(0.5 + y)}"'
        yield f'<linearGradient id="f{number}" {ends}>{stops}</linearGradient>'
        yield f'{rectangle(box)} fill="url(#f{number})"/>'
    elif fill.pattern in _BITS:
        dots = "".join(
            f"M{x} {y}h1v1h-1z"
            for y, line in enumerate(_BITS[fill.pattern].split())
            for x, bit in enumerate(line)
            if bit == "#"
        )
        yield f'{rectangle(box)} fill="{fill.paper}"/>'
        size = 'width="4" height="4" patternUnits="userSpaceOnUse"'
        yield f'<pattern id="f{number}" {size}><path d="{dots}" fill="{fill.ink}"/></pattern>'
        yield f'{rectangle(box)} fill="url(#f{number})"/>'
    else:
        yield f'{rectangle(box)} fill="{fill.colour}"/>'


def _outwards(box: Box, fill: Fill) -> Iterator[str]:
    """Rectangles from the edges in to the middle, each in its colour."""
    assert fill.middle is not None
    left, right, top, bottom = fill.middle
    for step in range(_STEPS + 1):
        share = step / _STEPS
        inner = Box(
            box.left + box.width * left * share,
            box.top + box.height * top * share,
            box.right - box.width * right * share,
            box.bottom - box.height * bottom * share,
        )
        if inner.width > 0 and inner.height > 0:
            yield f'{rectangle(inner)} fill="{_colour(1 - share, fill.stops)}"/>'


def _colour(at: float, stops: tuple[tuple[float, str], ...]) -> str:
    before = stops[0]
    for stop in stops:
        if at <= stop[0]:
            gap = stop[0] - before[0]
            return blended(before[1], stop[1], (at - before[0]) / gap) if gap > 0 else stop[1]
        before = stop
    return before[1]
