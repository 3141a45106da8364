"""What a drawn chart is made of: filled and outlined paths and words, in pixels, as plain data."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from xltrain.excel.shot import letters
from xltrain.excel.shot.fonts import pixels, width
from xltrain.excel.shot.style import Font

LINE = 1.22  # em, the height of a line of text
_ASCENT = 0.95
FAR = 100_000.0  # pixels; what lies farther is drawn there, since renderers choke on larger numbers


@dataclass(frozen=True)
class Paint:
    """One colour (empty: none), a gradient of (position 0..1, colour, opacity) stops, or a pattern on `back`."""

    colour: str = ""
    opacity: float = 1.0
    stops: tuple[tuple[float, str, float], ...] = ()
    angle: float = 0.0
    round: bool = False
    pattern: str = ""
    back: str = ""

    @property
    def shows(self) -> bool:
        return bool(self.colour or self.stops)


@dataclass(frozen=True)
class Stroke:
    """A line's colour (empty: none), width in pixels and dashes (DrawingML's names)."""

    colour: str = ""
    width: float = 1.0
    dash: str = ""
    opacity: float = 1.0

    @property
    def shows(self) -> bool:
        return bool(self.colour)


NO_PAINT, NO_STROKE = Paint(), Stroke()


@dataclass(frozen=True)
class Box(letters.Box):
    """A rectangle in pixels."""

    @property
    def middle(self) -> tuple[float, float]:
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    def shrunk(self, left: float = 0, top: float = 0, right: float = 0, bottom: float = 0) -> "Box":
        return Box(self.left + left, self.top + top, self.right - right, self.bottom - bottom)

    @property
    def path(self) -> str:
        return f"M{n(self.left)} {n(self.top)}H{n(self.right)}V{n(self.bottom)}H{n(self.left)}Z"


@dataclass(frozen=True)
class Shape:
    """A path in SVG's own words. `role` says what it stands for (bar, line, gridline, marker ...), `series` and `point`
    of what; `box` is kept for rectangles. `inside`: cut at the plot area. `crisp`: edges on whole pixels.
    """

    role: str
    path: str
    fill: Paint = NO_PAINT
    line: Stroke = NO_STROKE
    series: int = -1
    point: int = -1
    box: Box | None = None
    inside: bool = False
    crisp: bool = False


Line = tuple[tuple[str, Font], ...]


@dataclass(frozen=True)
class Words:
    """One line of text from its baseline; `angle` in degrees with the clock about its point."""

    role: str
    x: float
    y: float
    runs: Line
    anchor: str = "start"
    angle: float = 0.0
    series: int = -1
    point: int = -1

    @property
    def text(self) -> str:
        return "".join(part for part, _ in self.runs)


@dataclass
class Scene:
    """Everything to draw, in order."""

    width: float
    height: float
    items: list[Shape | Words] = field(default_factory=list)
    plot: Box = field(default_factory=lambda: Box(0, 0, 0, 0))
    messages: list[str] = field(default_factory=list)
    title: str = ""

    def add(self, *items: Shape | Words) -> None:
        self.items += items

    def shapes(self, role: str) -> list[Shape]:
        return [each for each in self.items if isinstance(each, Shape) and each.role == role]

    def words(self, role: str) -> list[Words]:
        return [each for each in self.items if isinstance(each, Words) and each.role == role]


def n(number: float) -> str:
    """A number of at most two decimals, as short as it can be, and never so large that a renderer chokes on it."""
    number = max(-FAR, min(FAR, number)) if number == number else 0.0
    shown = f"{number:.2f}".rstrip("0").rstrip(".")
    return "0" if shown == "-0" else shown


def rectangle(role: str, box: Box, fill: Paint = NO_PAINT, line: Stroke = NO_STROKE, **more: object) -> Shape:
    return Shape(role, box.path, fill, line, box=box, **more)  # type: ignore[arg-type]


def segment(role: str, x1: float, y1: float, x2: float, y2: float, line: Stroke, **more: object) -> Shape:
    return Shape(role, f"M{n(x1)} {n(y1)}L{n(x2)} {n(y2)}", NO_PAINT, line, **more)  # type: ignore[arg-type]


def line_width(runs: Line) -> float:
    return sum(width(part, font) for part, font in runs)


def line_size(runs: Line) -> float:
    """The height that a line takes."""
    return max((pixels(font) for _, font in runs), default=0.0) * LINE


def block(lines: tuple[Line, ...] | list[Line]) -> tuple[float, float]:
    """The width and height of lines of text."""
    return max(map(line_width, lines), default=0.0), sum(map(line_size, lines))


def written(
    role: str,
    lines: tuple[Line, ...] | list[Line],
    x: float,
    y: float,
    anchor: str = "middle",
    angle: float = 0.0,
    series: int = -1,
    point: int = -1,
) -> Iterator[Words]:
    """Lines of text centred up and down on a point; turned about it."""
    _, height = block(lines)
    top = -height / 2
    turn = math.radians(angle)
    for runs in lines:
        size = line_size(runs)
        down = top + size / LINE * _ASCENT
        top += size
        if runs:
            yield Words(role, x - math.sin(turn) * down, y + math.cos(turn) * down, runs, anchor, angle, series, point)
