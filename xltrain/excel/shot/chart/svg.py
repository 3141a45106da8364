"""A chart's scene as a piece of SVG."""

import math
import re
from collections.abc import Iterator

from xltrain.excel.shot.chart.ink import FAR, Box, Paint, Scene, Shape, Stroke, Words, n
from xltrain.excel.shot.letters import Label, texts

# Paths whose numbers are all x and y in turn, of points that no part of the path goes beyond.
_PLAIN = re.compile(r"[MLCZ\d. -]+")
_NUMBER = re.compile(r"-?[\d.]+")
# Dashes and gaps in widths of the line.
_DASHES = {
    "sysDot": (1, 1),
    "sysDash": (3, 1),
    "dot": (1, 3),
    "dash": (4, 3),
    "lgDash": (8, 3),
    "dashDot": (4, 3, 1, 3),
    "lgDashDot": (8, 3, 1, 3),
    "lgDashDotDot": (8, 3, 1, 3, 1, 3),
    "sysDashDot": (3, 1, 1, 1),
    "sysDashDotDot": (3, 1, 1, 1, 1, 1),
}
# Patterns: the size of the tile and its drawing; the share of ink of those made of dots follows from their names.
_SLANTED = {
    "ltUpDiag": (4, 1.0, "up"),
    "dkUpDiag": (4, 2.0, "up"),
    "wdUpDiag": (8, 2.6, "up"),
    "upDiag": (6, 1.4, "up"),
    "dashUpDiag": (6, 1.0, "up"),
    "ltDnDiag": (4, 1.0, "down"),
    "dkDnDiag": (4, 2.0, "down"),
    "wdDnDiag": (8, 2.6, "down"),
    "dnDiag": (6, 1.4, "down"),
    "dashDnDiag": (6, 1.0, "down"),
    "ltHorz": (4, 1.0, "across"),
    "narHorz": (2, 1.0, "across"),
    "dkHorz": (4, 2.0, "across"),
    "horz": (8, 1.0, "across"),
    "dashHorz": (4, 1.0, "across"),
    "ltVert": (4, 1.0, "upright"),
    "narVert": (2, 1.0, "upright"),
    "dkVert": (4, 2.0, "upright"),
    "vert": (8, 1.0, "upright"),
    "dashVert": (4, 1.0, "upright"),
    "smGrid": (4, 1.0, "grid"),
    "lgGrid": (8, 1.0, "grid"),
    "dotGrid": (8, 0.6, "grid"),
    "cross": (8, 1.0, "grid"),
    "diagCross": (6, 1.0, "lattice"),
    "openDmnd": (8, 1.0, "lattice"),
    "dotDmnd": (8, 0.6, "lattice"),
    "trellis": (4, 1.6, "lattice"),
    "weave": (8, 1.4, "lattice"),
    "plaid": (8, 2.0, "grid"),
    "horzBrick": (8, 1.0, "grid"),
    "diagBrick": (8, 1.0, "lattice"),
    "wave": (6, 1.0, "across"),
    "zigZag": (6, 1.0, "across"),
    "shingle": (8, 1.0, "lattice"),
    "smCheck": (4, 0.0, "check"),
    "lgCheck": (8, 0.0, "check"),
    "solidDmnd": (8, 0.0, "check"),
}


class _Definitions:
    """Gradients, patterns and the clip of one chart, each once."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.known: dict[Paint, str] = {}
        self.lines: list[str] = []

    def paint(self, paint: Paint) -> str:
        """The value of a fill attribute."""
        if not paint.shows:
            return "none"
        if not (paint.stops or paint.pattern):
            return paint.colour
        if paint not in self.known:
            name = f"{self.prefix}p{len(self.known)}"
            self.known[paint] = name
            self.lines.append(_gradient(name, paint) if paint.stops else _pattern(name, paint))
        return f"url(#{self.known[paint]})"


def fragment(scene: Scene, prefix: str) -> str:
    """`<g>` with everything of the scene, ids beginning with the prefix."""
    definitions = _Definitions(prefix)
    body: list[str] = []
    clip = f' clip-path="url(#{prefix}a)"'
    box = scene.plot
    grown = Box(box.left - 0.5, box.top - 0.5, box.right + 0.5, box.bottom + 0.5)
    for item in scene.items:
        if isinstance(item, Words):
            body += _words(item)
        else:
            cut = item.inside and not _within(item, grown)
            body.append(_shape(item, definitions, clip if cut else ""))
    area = f'<clipPath id="{prefix}a"><path d="{grown.path}"/></clipPath>'
    return "<g>" + area + "".join(definitions.lines) + "".join(body) + "</g>"


def _within(shape: Shape, area: Box) -> bool:
    """Whether a shape surely stays in the area, so that it need not be cut, which takes as long as drawing it."""
    half = shape.line.width / 2 if shape.line.shows else 0.0
    if not _PLAIN.fullmatch(shape.path):
        return False
    numbers = [float(each) for each in _NUMBER.findall(shape.path)]
    across, down = numbers[::2], numbers[1::2]
    return (
        bool(across)
        and min(across) - half >= area.left
        and max(across) + half <= area.right
        and min(down) - half >= area.top
        and max(down) + half <= area.bottom
    )


def _shape(shape: Shape, definitions: _Definitions, clip: str) -> str:
    marks = [f'd="{shape.path}" fill="{definitions.paint(shape.fill)}"']
    if shape.fill.shows and shape.fill.opacity < 1:
        marks.append(f'fill-opacity="{n(shape.fill.opacity)}"')
    if shape.role == "slice" or not shape.fill.shows:
        marks.append('fill-rule="evenodd"') if shape.fill.shows else None
    if shape.line.shows:
        marks.append(_stroke(shape.line, shape.role))
    if shape.crisp:
        marks.append('shape-rendering="crispEdges"')
    return f"<path {' '.join(marks)}{clip}/>"


def _stroke(line: Stroke, role: str) -> str:
    marks = [f'stroke="{line.colour}"']
    if line.width != 1:
        marks.append(f'stroke-width="{n(line.width)}"')
    if line.opacity < 1:
        marks.append(f'stroke-opacity="{n(line.opacity)}"')
    if line.dash in _DASHES:
        size = max(line.width, 1.0)
        marks.append(f'stroke-dasharray="{" ".join(n(part * size) for part in _DASHES[line.dash])}"')
    elif role in ("line", "trend", "key"):
        marks.append('stroke-linecap="round"')
    if role in ("line", "area", "trend", "slice"):
        marks.append('stroke-linejoin="round"')
    return " ".join(marks)


def _gradient(name: str, paint: Paint) -> str:
    stops = "".join(
        f'<stop offset="{n(at)}" stop-color="{colour}"' + (f' stop-opacity="{n(share)}"' if share < 1 else "") + "/>"
        for at, colour, share in paint.stops
    )
    if paint.round:
        return f'<radialGradient id="{name}" cx="0.5" cy="0.5" r="0.71">{stops}</radialGradient>'
    turn = math.radians(paint.angle)
    x, y = math.cos(turn) / 2, math.sin(turn) / 2
    ends = f'x1="{n(0.5 - x)}" y1="{n(0.5 - y)}" x2="{n(0.5 + x)}" y2="{n(0.5 + y)}"'
    return f'<linearGradient id="{name}" {ends}>{stops}</linearGradient>'


def _pattern(name: str, paint: Paint) -> str:
    size, thick, way = _SLANTED.get(paint.pattern, (4, 0.0, "dots"))
    back = f'<rect width="{size}" height="{size}" fill="{paint.back}"/>'
    start = f'<pattern id="{name}" width="{size}" height="{size}" patternUnits="userSpaceOnUse">{back}'
    if way == "dots":
        inner = _dots(paint)
    elif way == "check":
        half = n(size / 2)
        squares = f"M0 0H{half}V{half}H0ZM{half} {half}H{size}V{size}H{half}Z"
        inner = f'<path d="{squares}" fill="{paint.colour}"/>'
    else:
        inner = f'<path d="{_hatch(size, way)}" stroke="{paint.colour}" stroke-width="{n(thick)}"/>'
    return f"{start}{inner}</pattern>"


def _hatch(size: int, way: str) -> str:
    half = size / 2
    up = f"M-1 {size + 1}L{size + 1} -1M-1 1L1 -1M{size - 1} {size + 1}L{size + 1} {size - 1}"
    down = f"M-1 -1L{size + 1} {size + 1}M{size - 1} -1L{size + 1} 1M-1 {size - 1}L1 {size + 1}"
    across, upright = f"M0 {n(half)}H{size}", f"M{n(half)} 0V{size}"
    return {
        "up": up,
        "down": down,
        "across": across,
        "upright": upright,
        "grid": across + upright,
        "lattice": up + down,
    }[way]


def _dots(paint: Paint) -> str:
    """Dots over the share of the tile that the name gives in percent."""
    digits = "".join(each for each in paint.pattern if each.isdigit())
    share = min(100, int(digits)) / 100 if digits else 0.3
    count = round(16 * share)
    order = (0, 10, 2, 8, 5, 15, 7, 13, 1, 11, 3, 9, 4, 14, 6, 12)
    path = "".join(f"M{place % 4} {place // 4}h1v1h-1Z" for place in order[: max(1, count)])
    return f'<path d="{path}" fill="{paint.colour}"/>'


def _words(words: Words) -> Iterator[str]:
    left, baseline = (max(-FAR, min(FAR, each)) if each == each else 0.0 for each in (words.x, words.y))
    return texts([Label(left, baseline, words.runs, words.anchor, angle=words.angle)])
