"""A drawing as SVG, and the SVG as PNG."""

import math
import struct
import zlib
from collections.abc import Iterator
from dataclasses import replace
from xml.sax.saxutils import escape

from xltrain.excel.shot.fonts import BOLD, Piece, family, font_path, pieces, pixels, width
from xltrain.excel.shot.layout import Box, Drawing, Label
from xltrain.excel.shot.lines import Segment
from xltrain.excel.shot.style import Fill, Font

_SLANT = -12  # degrees of italic letters; the drawing font has none
_USUAL = "Noto Sans CJK SC"
_OTHERS = "Calibri, 'Microsoft YaHei', 'PingFang SC', sans-serif"  # where somebody opens the SVG without our font
_WIDTHS = {"thick": 3.0, "hair": 1.0}
_DASHES = {
    "hair": "1 1",
    "dotted": "2 2",
    "dashed": "3 1",
    "dashDot": "8 3 3 3",
    "dashDotDot": "8 3 3 3 3 3",
    "mediumDashed": "9 3",
    "mediumDashDot": "9 3 3 3",
    "mediumDashDotDot": "9 3 3 3 3 3",
    "slantDashDot": "11 1 5 1",
}


def to_svg(drawing: Drawing) -> str:
    """The drawing as an SVG document, one pixel a unit."""
    return "\n".join(_document(drawing)) + "\n"


def to_png(svg: str, scale: float) -> bytes:
    """The SVG as PNG, `scale` pixels to the unit, with its resolution so that it keeps its size on paper.

    Raises:
        ValueError: the picture is too large to draw.
    """
    import resvg_py

    drawn = bytes(resvg_py.svg_to_bytes(svg_string=svg, zoom=scale, skip_system_fonts=True, font_files=[font_path()]))
    return with_resolution(drawn, 96 * scale)


def with_resolution(png: bytes, dots: float) -> bytes:
    """A PNG that says how many dots an inch holds."""
    per_metre = round(dots / 0.0254)
    body = b"pHYs" + struct.pack(">IIB", per_metre, per_metre, 1)
    chunk = struct.pack(">I", 9) + body + struct.pack(">I", zlib.crc32(body))
    end = 8 + 25  # signature and header
    return png[:end] + chunk + png[end:]


def _document(drawing: Drawing) -> Iterator[str]:
    size = f'width="{drawing.width}" height="{drawing.height}"'
    start = f'xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {drawing.width} {drawing.height}"'
    yield f'<svg {start} font-family="{_families(_USUAL)}">'
    yield f'<rect {size} fill="#FFFFFF"/>'
    yield '<g shape-rendering="crispEdges" fill="none">'
    if drawing.grid:
        path = "".join(f"M{_n(each.left)} {_n(each.top)}L{_n(each.right)} {_n(each.bottom)}" for each in drawing.grid)
        yield f'<path d="{path}" stroke="{drawing.grid[0].line.colour}"/>'
    for number, (box, fill) in enumerate(drawing.fills):
        yield from _filled(number, box, fill)
    for each in drawing.borders:
        yield from _border(each)
    yield "</g>"
    clips: dict[Box, str] = {}
    for label in drawing.labels:
        if label.clip is not None and label.clip not in clips:
            clips[label.clip] = f"c{len(clips)}"
            yield f'<clipPath id="{clips[label.clip]}">{_rect(label.clip)}/></clipPath>'
    for label in drawing.labels:
        clip = f'<g clip-path="url(#{clips[label.clip]})">' if label.clip is not None else ""
        drawn = "".join(part for each in _parted(label) for part in _label(each))
        yield clip + drawn + ("</g>" if clip else "")
    yield "</svg>"


def _filled(number: int, box: Box, fill: Fill) -> Iterator[str]:
    if not fill.stops:
        yield f'{_rect(box)} fill="{fill.colour}"/>'
        return
    turn = math.radians(fill.angle)
    x, y = math.cos(turn) / 2, math.sin(turn) / 2
    stops = "".join(f'<stop offset="{_n(at)}" stop-color="{colour}"/>' for at, colour in fill.stops)
    yield (
        f'<linearGradient id="f{number}" x1="{_n(0.5 - x)}" y1="{_n(0.5 - y)}" x2="{_n(0.5 + x)}" y2="{_n(0.5 + y)}">'
        f"{stops}</linearGradient>"
    )
    yield f'{_rect(box)} fill="url(#f{number})"/>'


def _border(segment: Segment) -> Iterator[str]:
    style, colour = segment.line.style, segment.line.colour
    if style == "double":
        upright = segment.left == segment.right
        for shift in (-1, 1):
            x, y = (shift, 0) if upright else (0, shift)
            yield _line(segment, colour, 1.0, "", x, y)
        return
    medium = 2.0 if style.startswith(("medium", "slant")) else 1.0
    yield _line(segment, colour, _WIDTHS.get(style, medium), _DASHES.get(style, ""))


def _line(segment: Segment, colour: str, thick: float, dashes: str, x: float = 0, y: float = 0) -> str:
    shift = 0.5 if thick == 2 else 0.0
    if segment.left == segment.right:
        x -= shift
    elif segment.top == segment.bottom:
        y -= shift
    pattern = f' stroke-dasharray="{dashes}"' if dashes else ""
    smooth = "" if segment.left == segment.right or segment.top == segment.bottom else ' shape-rendering="auto"'
    return (
        f'<line x1="{_n(segment.left + x)}" y1="{_n(segment.top + y)}" x2="{_n(segment.right + x)}" '
        f'y2="{_n(segment.bottom + y)}" stroke="{colour}" stroke-width="{_n(thick)}"{pattern}{smooth}/>'
    )


def _parted(label: Label) -> list[Label]:
    """Text that is partly italic as labels of its runs, since letters are slanted by turning the whole element."""
    if len({font.italic for _, font in label.runs}) < 2 or label.angle:
        return [label]
    widths = [width(part, font) for part, font in label.runs]
    left = label.left - sum(widths) * {"middle": 0.5, "end": 1.0}.get(label.anchor, 0.0)
    found = []
    for run, size in zip(label.runs, widths, strict=True):
        found.append(replace(label, left=left, runs=(run,), anchor="start"))
        left += size
    return found


def _label(label: Label) -> Iterator[str]:
    """One text element; a piece of its own for every font and size, since a missing letter moves a whole piece."""
    x, y = _n(label.left), _n(label.baseline)
    whole = "".join(part for part, _ in label.runs)
    first = label.runs[0][1]
    turns = []
    if label.angle:
        turns.append(f"rotate({_n(label.angle)} {x} {y})")
    if all(font.italic for _, font in label.runs):
        turns.append(f"translate({x} {y}) skewX({_SLANT}) translate({_n(-label.left)} {_n(-label.baseline)})")
    transform = f' transform="{" ".join(turns)}"' if turns else ""
    anchor = f' text-anchor="{label.anchor}"' if label.anchor != "start" else ""
    name = family(first, whole)
    face = f' font-family="{_families(name)}"' if name != _USUAL else ""
    yield f'<text x="{x}" y="{y}"{face}{anchor}{transform}>'
    for part, font in label.runs:
        for piece in pieces(part, font):
            yield _span(piece, font)
    yield "</text>"


def _span(piece: Piece, font: Font) -> str:
    size = pixels(font) * piece.factor
    marks = [f'font-size="{_n(size)}"', f'fill="{font.colour}"']
    if piece.family:
        marks.append(f'font-family="{_families(piece.family)}"')
    if font.bold:
        marks.append(f'stroke="{font.colour}" stroke-width="{_n(size * BOLD)}"')
    lines = [name for name, on in (("underline", font.underline), ("line-through", font.strike)) if on]
    if lines:
        marks.append(f'text-decoration="{" ".join(lines)}"')
    shown = escape(piece.text.replace(" ", "\u00a0").replace("\t", "\u00a0"))
    return f"<tspan {' '.join(marks)}>{shown}</tspan>"


def _families(name: str) -> str:
    return f"'{name}', {_OTHERS}"


def _rect(box: Box) -> str:
    return f'<rect x="{_n(box.left)}" y="{_n(box.top)}" width="{_n(box.width)}" height="{_n(box.height)}"'


def _n(number: float) -> str:
    """A number of at most two decimals, as short as it can be."""
    return f"{number:.2f}".rstrip("0").rstrip(".")
