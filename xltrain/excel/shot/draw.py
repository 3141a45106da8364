"""A drawing as SVG, and the SVG as PNG."""

import base64
import struct
import zlib
from collections.abc import Iterator

from xltrain.excel.shot.fonts import font_path
from xltrain.excel.shot.icons import icon_svg
from xltrain.excel.shot.layout import Drawing
from xltrain.excel.shot.letters import USUAL, Box, Label, families, n, rectangle, texts
from xltrain.excel.shot.lines import Segment
from xltrain.excel.shot.marks import bar_svg, comment_svg, spark_svg
from xltrain.excel.shot.patterns import filled
from xltrain.excel.shot.style import Font

_SVG = "http://www.w3.org/2000/svg"
_HEADING = Font(size=11, colour="#444444")
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


def to_png(svg: str, scale: float, system: bool = False) -> bytes:
    """The SVG as PNG, `scale` pixels to the unit, with its resolution so that it keeps its size on paper.

    Args:
        system: whether fonts installed on the machine may be used.

    Raises:
        ValueError: the picture is too large to draw.
    """
    import resvg_py

    drawn = bytes(
        resvg_py.svg_to_bytes(svg_string=svg, zoom=scale, skip_system_fonts=not system, font_files=[font_path()])
    )
    return with_resolution(drawn, 96 * scale)


def painted(svg: str, scale: float, system: bool) -> str:
    """The same as base64, for a worker to hand back."""
    return base64.b64encode(to_png(svg, scale, system)).decode()


def with_resolution(png: bytes, dots: float) -> bytes:
    """A PNG that says how many dots an inch holds."""
    per_metre = round(dots / 0.0254)
    body = b"pHYs" + struct.pack(">IIB", per_metre, per_metre, 1)
    chunk = struct.pack(">I", 9) + body + struct.pack(">I", zlib.crc32(body))
    end = 8 + 25  # signature and header
    return png[:end] + chunk + png[end:]


def _document(drawing: Drawing) -> Iterator[str]:
    width, height = drawing.width + drawing.left, drawing.height + drawing.top
    size = f'width="{width}" height="{height}"'
    yield f'<svg xmlns="{_SVG}" {size} viewBox="0 0 {width} {height}" font-family="{families(USUAL)}">'
    if drawing.background:
        yield f'<rect {size} fill="{drawing.background}"/>'
    if drawing.headings:
        yield from _headings(drawing)
        left = 0 if drawing.backwards else drawing.left
        yield f'<svg x="{left}" y="{drawing.top}" width="{drawing.width}" height="{drawing.height}">'
    yield from _cells(drawing)
    for index, (box, inner) in enumerate(drawing.objects):
        yield f'<g id="o{index}" transform="translate({n(box.left)} {n(box.top)})">{inner}</g>'
    yield "</svg></svg>" if drawing.headings else "</svg>"


def _cells(drawing: Drawing) -> Iterator[str]:
    yield '<g shape-rendering="crispEdges" fill="none">'
    if drawing.grid:
        path = "".join(f"M{n(each.left)} {n(each.top)}L{n(each.right)} {n(each.bottom)}" for each in drawing.grid)
        yield f'<path d="{path}" stroke="{drawing.grid[0].line.colour}"/>'
    for number, (box, fill) in enumerate(drawing.fills):
        yield from filled(number, box, fill)
    for number, (_, box, bar) in enumerate(drawing.bars):
        yield from bar_svg(bar, box, number)
    for each in drawing.borders:
        yield from _border(each)
    yield "</g>"
    for _, box, spark in drawing.sparks:
        yield from spark_svg(spark, box)
    for _, box, icon in drawing.icons:
        yield icon_svg(icon, box)
    yield from texts(drawing.labels)
    for _, box in drawing.comments:
        yield comment_svg(box, drawing.backwards)
    for each in drawing.freeze:
        yield from _border(each)


def _headings(drawing: Drawing) -> Iterator[str]:
    """Column letters and row numbers."""
    side = drawing.width if drawing.backwards else 0  # where the row numbers stand
    corner = Box(side, 0, side + drawing.left, drawing.top)
    yield f'<g shape-rendering="crispEdges">{rectangle(corner)} fill="#E6E6E6"/>'
    labels = []
    for box, words in drawing.headings:
        letters = words.isalpha()
        shift = side if not letters else 0 if drawing.backwards else drawing.left
        down = 0 if letters else drawing.top
        here = Box(box.left + shift, box.top + down, box.right + shift, box.bottom + down)
        yield f'{rectangle(here)} fill="#E6E6E6"/>'
        line = (here.right - 0.5, here.top, here.right - 0.5, here.bottom)
        if not letters:
            line = (here.left, here.bottom - 0.5, here.right, here.bottom - 0.5)
        yield '<line x1="{}" y1="{}" x2="{}" y2="{}" stroke="#ABABAB"/>'.format(*(n(each) for each in line))
        middle = (here.left + here.right) / 2
        if here.height >= 9:
            labels.append(Label(middle, (here.top + here.bottom) / 2 + 5, ((words, _HEADING),), "middle", here))
    right, bottom = drawing.left + drawing.width, drawing.top + drawing.height
    edge = drawing.width + 0.5 if drawing.backwards else drawing.left - 0.5
    yield f'<path d="M0 {drawing.top - 0.5}H{right}M{edge} 0V{bottom}" stroke="#ABABAB"/></g>'
    yield from texts(labels, "h")


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
        f'<line x1="{n(segment.left + x)}" y1="{n(segment.top + y)}" x2="{n(segment.right + x)}" '
        f'y2="{n(segment.bottom + y)}" stroke="{colour}" stroke-width="{n(thick)}"{pattern}{smooth}/>'
    )
