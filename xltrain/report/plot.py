"""A line plot as a picture: lines over numbers, in the fonts and colours of the workbooks, readable without colour."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

import numpy as np
import numpy.typing as npt

from xltrain.excel.chart import COLOURS, nice
from xltrain.excel.shot import Picture
from xltrain.excel.shot.fonts import BOLD, PIXELS, pieces, width
from xltrain.excel.shot.style import Font
from xltrain.excel.write import GREY, INK, LINE, NAVY

Floats = npt.NDArray[np.float64]

WIDTH, HEIGHT = 760, 420  # pixels at 96 dpi, without the lines of text above the plot
MARGIN = 28
DASHES = ("", "9 5", "2 4", "14 5", "9 4 2 4", "14 4 2 4 2 4", "4 3")
FAMILIES = "'Noto Sans CJK SC', Calibri, 'Microsoft YaHei', 'PingFang SC', sans-serif"
TITLE = Font("Noto Sans", 15, bold=True, colour=NAVY)
SUBTITLE = Font("Noto Sans", 10, colour=GREY)
SMALL = Font("Noto Sans", 9, colour=INK)
FAINT = Font("Noto Sans", 9, colour=GREY)


@dataclass(frozen=True)
class Line:
    """One line; `dashes` and `colour` follow its place among the others where they are not given."""

    name: str
    x: Floats
    y: Floats
    colour: str = ""
    dashes: str | None = None
    width: float = 2.25


@dataclass(frozen=True)
class Scale:
    """An axis: its title and where its numbers begin and end."""

    title: str
    low: float
    high: float

    def ticks(self, most: int) -> list[float]:
        """At most so many round numbers along the axis."""
        step = nice((self.high - self.low) / max(most, 1))
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [float(f"{index * step:.10g}") for index in range(first, last + 1)]


@dataclass(frozen=True)
class _Frame:
    """Where the plot stands on the page."""

    left: float
    top: float
    right: float
    bottom: float
    x: Scale
    y: Scale

    def across(self, value: Floats) -> Floats:
        return self.left + (value - self.x.low) / (self.x.high - self.x.low) * (self.right - self.left)

    def up(self, value: Floats) -> Floats:
        return self.bottom - (value - self.y.low) / (self.y.high - self.y.low) * (self.bottom - self.top)


def line_plot(title: str, subtitle: str, lines: Sequence[Line], x: Scale, y: Scale, scale: float = 2.0) -> Picture:
    """Draw lines over two axes; several lines are named above the plot, each with its own dashes."""
    said = _wrapped(subtitle, SUBTITLE, WIDTH - 2 * MARGIN)
    top = 46.0 + 19 * len(said)
    named = [line for line in lines if line.name] if len(lines) > 1 else []
    keys, below = _keys(named, lines, top + 14)
    top = below + 34 if named else top + 36
    height = round(top + HEIGHT - 150)
    widest = max(width(_number(value), SMALL) for value in y.ticks(5))
    frame = _Frame(MARGIN + widest + 10, top, WIDTH - MARGIN, height - 58, x, y)
    body = [
        _text(MARGIN, 42, title, TITLE),
        *(_text(MARGIN, 64 + 19 * index, part, SUBTITLE) for index, part in enumerate(said)),
        *keys,
        *_axes(frame),
        *(_drawn(frame, line, index) for index, line in enumerate(lines)),
    ]
    return Picture(_document(height, body), WIDTH / PIXELS, height / PIXELS, scale=scale)


def _document(height: int, body: Sequence[str]) -> str:
    size = f'width="{WIDTH}" height="{height}"'
    start = f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {WIDTH} {height}" font-family="{FAMILIES}">'
    return "\n".join([start, f'<rect {size} fill="#FFFFFF"/>', *body, "</svg>"]) + "\n"


def _axes(frame: _Frame) -> Iterator[str]:
    """Gridlines, ticks and numbers; the title of the upright axis stands above it, so that nobody turns the head."""
    for value in frame.y.ticks(5):
        at = _n(float(frame.up(np.array([value]))[0]))
        yield f'<path d="M{_n(frame.left)} {at}H{_n(frame.right)}" stroke="{LINE}" stroke-width="1"/>'
        yield _text(frame.left - 10, float(at) + 4.5, _number(value), SMALL, "end")
    for value in frame.x.ticks(10):
        at = _n(float(frame.across(np.array([value]))[0]))
        yield f'<path d="M{at} {_n(frame.bottom)}v6" stroke="{GREY}" stroke-width="1"/>'
        yield _text(float(at), frame.bottom + 22, _number(value), SMALL, "middle")
    ends = f"M{_n(frame.left)} {_n(frame.bottom)}H{_n(frame.right)}"
    yield f'<path d="{ends}" stroke="{GREY}" stroke-width="1.25" fill="none"/>'
    yield _text(MARGIN, frame.top - 14, frame.y.title, FAINT)
    yield _text(frame.right, frame.bottom + 44, frame.x.title, FAINT, "end")


def _drawn(frame: _Frame, line: Line, index: int) -> str:
    """The line as one path, broken where a value is missing."""
    across, up = frame.across(line.x), frame.up(line.y)
    path, pen = [], "M"
    for left, high in zip(across.tolist(), up.tolist(), strict=True):
        if not math.isfinite(high):
            pen = "M"
            continue
        path.append(f"{pen}{_n(left)} {_n(high)}")
        pen = "L"
    return f'<path d="{"".join(path)}" fill="none" {_stroke(line, index)}/>'


def _stroke(line: Line, index: int) -> str:
    dashes = DASHES[index % len(DASHES)] if line.dashes is None else line.dashes
    pattern = f' stroke-dasharray="{dashes}"' if dashes else ""
    colour = line.colour or COLOURS[index % len(COLOURS)]
    return f'stroke="{colour}" stroke-width="{_n(line.width)}" stroke-linejoin="round"{pattern}'


def _keys(named: Sequence[Line], lines: Sequence[Line], top: float) -> tuple[list[str], float]:
    """A sample and a name for each line, in as many rows as they need; where the last row stands."""
    parts: list[str] = []
    left, row = float(MARGIN), top + 8
    for line in named:
        room = 44 + width(line.name, SMALL)
        if left > MARGIN and left + room > WIDTH - MARGIN:
            left, row = float(MARGIN), row + 20
        sample = f'<path d="M{_n(left)} {_n(row - 4.5)}h34" fill="none" {_stroke(line, lines.index(line))}/>'
        parts += [sample, _text(left + 42, row, line.name, SMALL)]
        left += room + 24
    return parts, row


def _text(left: float, baseline: float, words: str, font: Font, anchor: str = "start") -> str:
    marks = f' text-anchor="{anchor}"' if anchor != "start" else ""
    marks += f' fill="{font.colour}"'
    size = font.size * PIXELS
    if font.bold:
        marks += f' stroke="{font.colour}" stroke-width="{_n(size * BOLD)}"'
    spans = []
    for piece in pieces(words, font):
        family = f" font-family=\"'{piece.family}', {FAMILIES}\"" if piece.family else ""
        shown = escape(piece.text.replace(" ", "\u00a0"))
        spans.append(f'<tspan font-size="{_n(size * piece.factor)}"{family}>{shown}</tspan>')
    return f'<text x="{_n(left)}" y="{_n(baseline)}"{marks}>{"".join(spans)}</text>'


def _wrapped(words: str, font: Font, room: float) -> list[str]:
    """The text in lines; it may break at spaces and between Chinese letters."""
    lines, now = [], ""
    for part in _breakable(words):
        if now and width(now + part.rstrip(), font) > room:
            lines.append(now.rstrip())
            now = part.lstrip()
        else:
            now += part
    return [*lines, now.rstrip()] if now.strip() else lines


def _breakable(words: str) -> Iterator[str]:
    """Pieces after which a line may end."""
    now = ""
    for index, letter in enumerate(words):
        now += letter
        after = words[index + 1 : index + 2]
        if letter == " " or (ord(letter) >= 0x2E80 and after not in "，。；：、）”"):
            yield now
            now = ""
    if now:
        yield now


def _number(value: float) -> str:
    return f"{value:,.10g}"


def _n(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".")
