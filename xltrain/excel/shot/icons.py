"""The signs of icon sets, drawn as simple shapes in a box of 16 by 16."""

import math
from collections.abc import Iterator

from xltrain.excel.shot.letters import Box, n
from xltrain.excel.shot.marks import star
from xltrain.excel.shot.page import Icon

SIZE = 16.0
RED, YELLOW, GREEN, GREY, BLACK = "#D9534A", "#F2BE42", "#63B35C", "#7F7F7F", "#4D4D4D"
_PINK, _BLUE, _PALE, _GOLD = "#F4A6A0", "#4A7EBB", "#D9D9D9", "#F2BE42"
_UP, _DOWN = -90.0, 90.0  # degrees of an arrow that points right


def icon_svg(icon: Icon, box: Box) -> str:
    """A sign in its box."""
    scale = box.width / SIZE
    place = f"translate({n(box.left)} {n(box.top)})" + (f" scale({scale:.4g})" if abs(scale - 1) > 0.01 else "")
    return f'<g transform="{place}">{"".join(_sign(icon.family, icon.number))}</g>'


def _sign(family: str, number: int) -> Iterator[str]:
    if "Arrows" in family:
        yield from _arrow(family, number)
    elif family == "3Triangles":
        yield from _triangle(number)
    elif family == "3Flags":
        yield '<path d="M4 1.5V15" stroke="#595959" stroke-width="1.5" fill="none"/>'
        yield f'<path d="M4.5 2L13.5 5.5L4.5 9Z" fill="{_light(number)}"/>'
    elif family == "3Signs":
        yield from _warning(number)
    elif family in ("3Symbols", "3Symbols2"):
        yield from _symbol(number, family == "3Symbols")
    elif family == "3Stars":
        yield from _star(number)
    elif family.endswith("Rating"):
        yield from _rating(number + (family == "4Rating"))
    elif family == "5Quarters":
        yield from _quarter(number)
    elif family == "5Boxes":
        yield from _boxes(number)
    elif family == "4RedToBlack":
        yield _ball([BLACK, "#B2B2B2", _PINK, RED][min(number, 3)])
    elif family == "4TrafficLights":
        yield _ball([BLACK, RED, YELLOW, GREEN][min(number, 3)])
    elif family == "3TrafficLights2":
        yield '<rect x="1" y="1" width="14" height="14" rx="2.5" fill="#404040"/>'
        yield f'<circle cx="8" cy="8" r="5" fill="{_light(number)}"/>'
    else:
        yield _ball(_light(number))


def _light(number: int) -> str:
    return [RED, YELLOW, GREEN][min(max(number, 0), 2)]


def _ball(colour: str) -> str:
    return f'<circle cx="8" cy="8" r="6" fill="{colour}" stroke="#000000" stroke-opacity="0.25"/>'


def _arrow(family: str, number: int) -> Iterator[str]:
    count = int(family[0])
    turns = {3: (_DOWN, 0.0, _UP), 4: (_DOWN, 45.0, -45.0, _UP), 5: (_DOWN, 45.0, 0.0, -45.0, _UP)}[count]
    colours = {3: (RED, YELLOW, GREEN), 4: (RED, YELLOW, YELLOW, GREEN), 5: (RED, YELLOW, YELLOW, YELLOW, GREEN)}
    number = min(number, count - 1)
    colour = GREY if "Gray" in family else colours[count][number]
    path = "M2 5.6H8V2L14.4 8L8 14V10.4H2Z"
    yield f'<path d="{path}" fill="{colour}" transform="rotate({n(turns[number])} 8 8)"/>'


def _triangle(number: int) -> Iterator[str]:
    shapes = ("M2.5 5L13.5 5L8 11.5Z", "M2.5 6.5H13.5V9.5H2.5Z", "M2.5 11L13.5 11L8 4.5Z")
    yield f'<path d="{shapes[min(number, 2)]}" fill="{_light(number)}"/>'


def _warning(number: int) -> Iterator[str]:
    """A red diamond, a yellow triangle, a green ball."""
    shapes = ("M8 1.5L14.5 8L8 14.5L1.5 8Z", "M8 2L15 14H1Z")
    yield _ball(GREEN) if number > 1 else f'<path d="{shapes[max(0, number)]}" fill="{_light(number)}"/>'


def _symbol(number: int, ringed: bool) -> Iterator[str]:
    """A cross, an exclamation mark, a tick; white on a ball, or plain."""
    if ringed:
        yield f'<circle cx="8" cy="8" r="6.8" fill="{_light(number)}"/>'
    colour, reach = ("#FFFFFF", 2.7) if ringed else (_light(number), 4.4)
    low, high = 8 - reach, 8 + reach
    paths = (
        f"M{n(low)} {n(low)}L{n(high)} {n(high)}M{n(high)} {n(low)}L{n(low)} {n(high)}",
        f"M8 {n(low - 1)}V{n(8 + reach * 0.3)}M8 {n(high - 0.2)}V{n(high + 1)}",
        f"M{n(low - 0.4)} {n(8.4)}L{n(8 - reach * 0.2)} {n(high)}L{n(high + 0.4)} {n(low)}",
    )
    yield f'<path d="{paths[min(number, 2)]}" fill="none" stroke="{colour}" stroke-width="{2 if ringed else 2.4}"/>'


def _star(number: int) -> Iterator[str]:
    points = star(8, 8.4, 7.2)
    if number == 2:
        yield f'<polygon points="{points}" fill="{_GOLD}" stroke="#C7912C" stroke-width="0.7"/>'
        return
    yield f'<polygon points="{points}" fill="#FFFFFF" stroke="#A6A6A6" stroke-width="0.9"/>'
    if number == 1:
        half = " ".join(each for each in points.split() if float(each.split(",")[0]) <= 8.01)
        yield f'<polygon points="{half}" fill="{_GOLD}"/>'


def _rating(number: int) -> Iterator[str]:
    """Four rising columns, the first `number` of them filled."""
    for index in range(4):
        high = 3.0 + index * 3.2
        colour = _BLUE if index < number else _PALE
        yield f'<rect x="{n(1.2 + index * 3.5)}" y="{n(14 - high)}" width="2.8" height="{n(high)}" fill="{colour}"/>'


def _quarter(number: int) -> Iterator[str]:
    """A ring that fills clockwise from empty to full."""
    yield f'<circle cx="8" cy="8" r="6" fill="#FFFFFF" stroke="{BLACK}" stroke-width="1.2"/>'
    if number >= 4:
        yield f'<circle cx="8" cy="8" r="6" fill="{BLACK}"/>'
    elif number > 0:
        turn = 2 * math.pi * number / 4
        x, y = 8 + 6 * math.sin(turn), 8 - 6 * math.cos(turn)
        yield f'<path d="M8 8V2A6 6 0 {int(number > 2)} 1 {n(x)} {n(y)}Z" fill="{BLACK}"/>'


def _boxes(number: int) -> Iterator[str]:
    """Four boxes, filled from the lower left."""
    order = ((1.5, 8.5), (8.5, 8.5), (1.5, 1.5), (8.5, 1.5))
    for index, (x, y) in enumerate(order):
        yield f'<rect x="{n(x)}" y="{n(y)}" width="6" height="6" fill="{_BLUE if index < number else _PALE}"/>'
