"""Pictures, charts and shapes as SVG, at the origin and in pixels; what cannot be drawn is a labelled frame."""

import math
from collections.abc import Iterator

from xltrain.excel.scan import Package
from xltrain.excel.shot.chart.ink import Paint, Stroke
from xltrain.excel.shot.drawing import Paragraph, Picture, Shape
from xltrain.excel.shot.fonts import line_height, pixels
from xltrain.excel.shot.images import Undrawable, data_uri
from xltrain.excel.shot.letters import Box, Label, n, texts
from xltrain.excel.shot.page import Thing
from xltrain.excel.shot.style import Font, Styles
from xltrain.excel.shot.words import Text, lines_of
from xltrain.language import text

_NAME = 60  # letters of a name in a note
_ROUND = 0.16667  # of the shorter side, the corners of a rounded rectangle
_DASHES = {
    "dot": (1, 1),
    "sysDot": (1, 1),
    "dash": (4, 3),
    "sysDash": (3, 1),
    "lgDash": (8, 3),
    "dashDot": (4, 3, 1, 3),
    "lgDashDot": (8, 3, 1, 3),
    "sysDashDot": (3, 1, 1, 1),
    "sysDashDotDot": (3, 1, 1, 1, 1, 1),
    "lgDashDotDot": (8, 3, 1, 3, 1, 3),
}
_LINES = ("line", "straightConnector1", "bentConnector2", "bentConnector3", "curvedConnector3")


def thing_svg(
    thing: Thing, width: float, height: float, package: Package, styles: Styles, number: int
) -> tuple[str, tuple[str, ...]]:
    """A thing of this size as an SVG fragment, and notes of what is not as it should be. `number` keeps ids apart."""
    try:
        if thing.kind == "picture" and isinstance(thing.content, Picture):
            return _picture(thing.content, width, height, package, number), ()
        if thing.kind == "shape" and isinstance(thing.content, Shape):
            return "".join(_shape(thing.content, width, height, number)), ()
        if thing.kind == "chart" and isinstance(thing.content, str):
            from xltrain.excel.shot.chart import chart_svg

            chart = chart_svg(package, thing.content, width, height, styles, f"ch{number}")
            return chart.svg, tuple(f"{_short(thing.name)}: {each}" for each in chart.messages)
        raise Undrawable(str(thing.content or thing.kind))
    except Undrawable as reason:
        name = _short(thing.name or thing.kind)
        note = text("shot_thing_framed", name=name, reason=reason)
        return frame(f"{_short(thing.name)} ({reason})".strip(), width, height, number), (note,)


def _short(name: str) -> str:
    """A name on one line of a readable length."""
    plain = " ".join(name.split())
    return plain if len(plain) <= _NAME else plain[: _NAME - 1] + "…"


def frame(label: str, width: float, height: float, number: int) -> str:
    """A box with a name in it, in place of what cannot be drawn."""
    font = Font(size=9, colour="#7F7F7F")
    box = f'<rect x="0.5" y="0.5" width="{n(max(0, width - 1))}" height="{n(max(0, height - 1))}"'
    line = Label(width / 2, height / 2 + 4, ((label, font),), "middle", Box(0, 0, width, height))
    return f'{box} fill="#F2F2F2" stroke="#A6A6A6" stroke-dasharray="4 3"/>' + "".join(texts([line], f"fr{number}_"))


def _picture(picture: Picture, width: float, height: float, package: Package, number: int) -> str:
    if not picture.part or picture.part not in package:
        raise Undrawable(text("shot_image_missing"))
    left, top, right, bottom = picture.crop
    across, down = 1 - left - right, 1 - top - bottom
    if across <= 0 or down <= 0:
        return ""
    wide, high = width / across, height / down
    uri = data_uri(package.read(picture.part), wide, high)
    faint = f'opacity="{n(picture.opacity)}" ' if picture.opacity < 1 else ""
    image = (
        f'<image {faint}x="{n(-left * wide)}" y="{n(-top * high)}" width="{n(wide)}" height="{n(high)}" '
        f'preserveAspectRatio="none" href="{uri}"/>'
    )
    if any(picture.crop):
        clip = f'<clipPath id="im{number}"><rect width="{n(width)}" height="{n(height)}"/></clipPath>'
        image = f'{clip}<g clip-path="url(#im{number})">{image}</g>'
    return _placed(image, width, height, picture.turn, picture.flipped)


def _placed(inner: str, width: float, height: float, turn: float, flipped: tuple[bool, bool]) -> str:
    """Turned about its middle and mirrored."""
    changes = []
    if turn:
        changes.append(f"rotate({n(turn)} {n(width / 2)} {n(height / 2)})")
    if any(flipped):
        across, down = flipped
        move = f"translate({n(width if across else 0)} {n(height if down else 0)})"
        changes.append(f"{move} scale({-1 if across else 1} {-1 if down else 1})")
    return f'<g transform="{" ".join(changes)}">{inner}</g>' if changes else inner


def _shape(shape: Shape, width: float, height: float, number: int) -> Iterator[str]:
    fill = shape.fill if isinstance(shape.fill, Paint) else Paint()
    line = shape.line if isinstance(shape.line, Stroke) else Stroke("")
    drawn = "".join(_outline(shape, width, height, _ink(fill, line, number)))
    yield _gradient(fill, number) + _placed(drawn, width, height, shape.turn, shape.flipped)
    labels = list(_letters(shape, width, height))
    if labels:
        inner = "".join(texts(labels, f"sh{number}_"))
        yield _placed(inner, width, height, shape.turn, (False, False))


def _ink(fill: Paint, line: Stroke, number: int) -> str:
    """The attributes of a fill and an outline."""
    colour = f"url(#sg{number})" if fill.stops else fill.colour or "none"
    marks = [f'fill="{colour}"']
    if fill.opacity < 1:
        marks.append(f'fill-opacity="{n(fill.opacity)}"')
    if line.colour and line.width > 0:
        marks.append(f'stroke="{line.colour}" stroke-width="{n(line.width)}"')
        if line.dash in _DASHES:
            marks.append(f'stroke-dasharray="{" ".join(n(each * line.width) for each in _DASHES[line.dash])}"')
    return " ".join(marks)


def _gradient(fill: Paint, number: int) -> str:
    if not fill.stops:
        return ""
    turn = math.radians(fill.angle)
    x, y = math.cos(turn) / 2, math.sin(turn) / 2
    stops = "".join(
        f'<stop offset="{n(at)}" stop-color="{colour}" stop-opacity="{n(opacity)}"/>'
        for at, colour, opacity in fill.stops
    )
    ends = f'x1="{n(0.5 - x)}" y1="{n(0.5 - y)}" x2="{n(0.5 + x)}" y2="{n(0.5 + y)}"'
    return f'<linearGradient id="sg{number}" {ends}>{stops}</linearGradient>'


def _outline(shape: Shape, width: float, height: float, ink: str) -> Iterator[str]:
    kind = shape.geometry
    if kind in _LINES:
        yield f'<line x1="0" y1="0" x2="{n(width)}" y2="{n(height)}" {ink}/>'
    elif kind in ("ellipse", "flowChartConnector"):
        x, y = n(width / 2), n(height / 2)
        yield f'<ellipse cx="{x}" cy="{y}" rx="{x}" ry="{y}" {ink}/>'
    elif kind in _POLYGONS:
        points = " ".join(f"{n(x * width)},{n(y * height)}" for x, y in _POLYGONS[kind])
        yield f'<polygon points="{points}" {ink}/>'
    else:
        corner = f' rx="{n(min(width, height) * _ROUND)}"' if kind.startswith("round") or "Round" in kind else ""
        yield f'<rect width="{n(width)}" height="{n(height)}"{corner} {ink}/>'


_POLYGONS = {
    "triangle": ((0.5, 0), (1, 1), (0, 1)),
    "rtTriangle": ((0, 0), (1, 1), (0, 1)),
    "diamond": ((0.5, 0), (1, 0.5), (0.5, 1), (0, 0.5)),
    "flowChartDecision": ((0.5, 0), (1, 0.5), (0.5, 1), (0, 0.5)),
    "hexagon": ((0.25, 0), (0.75, 0), (1, 0.5), (0.75, 1), (0.25, 1), (0, 0.5)),
    "parallelogram": ((0.25, 0), (1, 0), (0.75, 1), (0, 1)),
    "rightArrow": ((0, 0.25), (0.6, 0.25), (0.6, 0), (1, 0.5), (0.6, 1), (0.6, 0.75), (0, 0.75)),
    "leftArrow": ((1, 0.25), (0.4, 0.25), (0.4, 0), (0, 0.5), (0.4, 1), (0.4, 0.75), (1, 0.75)),
    "upArrow": ((0.25, 1), (0.25, 0.4), (0, 0.4), (0.5, 0), (1, 0.4), (0.75, 0.4), (0.75, 1)),
    "downArrow": ((0.25, 0), (0.25, 0.6), (0, 0.6), (0.5, 1), (1, 0.6), (0.75, 0.6), (0.75, 0)),
}


def _letters(shape: Shape, width: float, height: float) -> Iterator[Label]:
    """The lines of a shape's text."""
    left, top, right, bottom = shape.insets
    room = max(1.0, width - left - right)
    lines = [(line, each.align) for each in shape.paragraphs for line in _wrapped(each, room)]
    if shape.centred:
        widest = min(room, max((line.width for line, _ in lines), default=0.0))
        left, room = left + (room - widest) / 2, widest
    heights = [max((line_height(font) * 0.96 for _, font in line.runs), default=0.0) for line, _ in lines]
    heights = [size or line_height(_font(shape)) * 0.96 for size in heights]
    over = height - top - bottom - sum(heights)
    down = top + (over / 2 if shape.vertical == "ctr" else over if shape.vertical == "b" else 0.0)
    for (line, align), size in zip(lines, heights, strict=True):
        if any(part.strip() for part, _ in line.runs):
            anchor, at = {"ctr": ("middle", left + room / 2), "r": ("end", left + room)}.get(align, ("start", left))
            em = max(pixels(font) for _, font in line.runs)
            yield Label(at, down + (size - em * 1.2) / 2 + em * 0.95, line.runs, anchor)
        down += size


def _wrapped(paragraph: Paragraph, room: float) -> list[Text]:
    return lines_of(Text(paragraph.runs), room, True)


def _font(shape: Shape) -> Font:
    return next((font for each in shape.paragraphs for _, font in each.runs), Font())
