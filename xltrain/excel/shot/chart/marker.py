"""Markers of points."""

import math
from dataclasses import dataclass

from xltrain.excel.shot.chart.ink import Box, Paint, Shape, Stroke, n

SYMBOLS = ("diamond", "square", "triangle", "x", "star", "circle", "dash", "dot", "plus")
_STROKED = ("x", "star", "plus")


@dataclass(frozen=True)
class Drawn:
    """A marker ready to draw; `size` in pixels."""

    symbol: str
    size: float
    fill: Paint
    line: Stroke


def marker_shape(role: str, marker: Drawn, x: float, y: float, series: int = -1, point: int = -1) -> Shape:
    half = marker.size / 2
    fill = Paint() if marker.symbol in _STROKED else marker.fill
    box = Box(x - half, y - half, x + half, y + half)
    path = marker_path(marker.symbol, x, y, half)
    return Shape(role, path, fill, marker.line, series, point, box)


def marker_path(symbol: str, x: float, y: float, half: float) -> str:
    """The outline of a symbol about a point."""
    if symbol == "diamond":
        return f"M{n(x)} {n(y - half)}L{n(x + half)} {n(y)}L{n(x)} {n(y + half)}L{n(x - half)} {n(y)}Z"
    if symbol == "triangle":
        return f"M{n(x)} {n(y - half)}L{n(x + half)} {n(y + half)}H{n(x - half)}Z"
    if symbol == "circle":
        return _circle(x, y, half)
    if symbol == "plus":
        return _cross(x, y, half)
    if symbol == "x":
        return _slanted(x, y, half)
    if symbol == "star":
        return f"{_slanted(x, y, half)}M{n(x)} {n(y - half)}V{n(y + half)}"
    if symbol == "dash":
        return Box(x - half, y - half / 4, x + half, y + half / 4).path
    if symbol == "dot":
        return Box(x, y - half / 4, x + half, y + half / 4).path
    return Box(x - half, y - half, x + half, y + half).path


def _cross(x: float, y: float, half: float) -> str:
    return f"M{n(x - half)} {n(y)}H{n(x + half)}M{n(x)} {n(y - half)}V{n(y + half)}"


def _slanted(x: float, y: float, half: float) -> str:
    left, right, top, bottom = x - half, x + half, y - half, y + half
    return f"M{n(left)} {n(top)}L{n(right)} {n(bottom)}M{n(right)} {n(top)}L{n(left)} {n(bottom)}"


def arc(x: float, y: float, radius: float, start: float, end: float, inner: float = 0.0) -> str:
    """A slice from one angle to another, in degrees with the clock from the top."""
    if end - start >= 359.999:
        ring = _circle(x, y, radius)
        return ring + _circle(x, y, inner, False) if inner else ring
    large = int(end - start > 180)
    x1, y1 = _point(x, y, radius, start)
    x2, y2 = _point(x, y, radius, end)
    outer = f"M{n(x1)} {n(y1)}A{n(radius)} {n(radius)} 0 {large} 1 {n(x2)} {n(y2)}"
    if not inner:
        return f"{outer}L{n(x)} {n(y)}Z"
    x3, y3 = _point(x, y, inner, end)
    x4, y4 = _point(x, y, inner, start)
    return f"{outer}L{n(x3)} {n(y3)}A{n(inner)} {n(inner)} 0 {large} 0 {n(x4)} {n(y4)}Z"


def _circle(x: float, y: float, radius: float, clockwise: bool = True) -> str:
    turn = int(clockwise)
    return (
        f"M{n(x - radius)} {n(y)}A{n(radius)} {n(radius)} 0 1 {turn} {n(x + radius)} {n(y)}"
        f"A{n(radius)} {n(radius)} 0 1 {turn} {n(x - radius)} {n(y)}Z"
    )


def _point(x: float, y: float, radius: float, angle: float) -> tuple[float, float]:
    turn = math.radians(angle)
    return x + radius * math.sin(turn), y - radius * math.cos(turn)
