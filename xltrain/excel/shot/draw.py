"""A drawing as SVG, and the SVG as PNG."""

import struct
import zlib
from collections.abc import Iterable, Iterator

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
HEADING, HEADING_LINE = "#E6E6E6", "#ABABAB"
Ends = tuple[float, float, float, float]  # x and y of the ends of a line
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
    return with_resolution(painted(svg, system, scale), 96 * scale)


def painted(svg: str, system: bool, scale: float = 1.0) -> bytes:
    """The SVG as PNG without a resolution."""
    import resvg_py

    fonts = [font_path()]
    return bytes(resvg_py.svg_to_bytes(svg_string=svg, zoom=scale, skip_system_fonts=not system, font_files=fonts))


def framed(fragments: Iterable[str], width: float, height: float) -> str:
    """Fragments as an SVG document."""
    size = f'width="{n(width)}" height="{n(height)}"'
    return f'<svg xmlns="{_SVG}" {size} font-family="{families(USUAL)}">{"".join(fragments)}</svg>'


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
        yield from border_svg(each)
    yield "</g>"
    for _, box, spark in drawing.sparks:
        yield from spark_svg(spark, box)
    for _, box, icon in drawing.icons:
        yield icon_svg(icon, box)
    yield from texts(drawing.labels)
    for _, box in drawing.comments:
        yield comment_svg(box, drawing.backwards)
    for each in drawing.freeze:
        yield from border_svg(each)


def _headings(drawing: Drawing) -> Iterator[str]:
    """Column letters and row numbers."""
    boxes, lines, labels = headings(drawing)
    yield f'<g shape-rendering="crispEdges">{rectangle(boxes[0])} fill="{HEADING}"/>'
    for box, line in zip(boxes[1:], lines, strict=False):
        yield f'{rectangle(box)} fill="{HEADING}"/>'
        yield '<line x1="{}" y1="{}" x2="{}" y2="{}" stroke="{}"/>'.format(*(n(each) for each in line), HEADING_LINE)
    (_, y, right, _), (x, _, _, bottom) = lines[-2:]
    yield f'<path d="M0 {y}H{n(right)}M{x} 0V{n(bottom)}" stroke="{HEADING_LINE}"/></g>'
    yield from texts(labels, "h")


def headings(drawing: Drawing) -> tuple[list[Box], list[Ends], list[Label]]:
    """The boxes of column letters and row numbers, of which the first is the corner; the lines between them, of which
    the last two part them from the cells; and what is written.
    """
    side = drawing.width if drawing.backwards else 0  # where the row numbers stand
    boxes = [Box(side, 0, side + drawing.left, drawing.top)]
    lines, labels = [], []
    for box, words in drawing.headings:
        letters = words.isalpha()
        shift = side if not letters else 0 if drawing.backwards else drawing.left
        down = 0 if letters else drawing.top
        here = Box(box.left + shift, box.top + down, box.right + shift, box.bottom + down)
        boxes.append(here)
        line = (here.right - 0.5, here.top, here.right - 0.5, here.bottom)
        if not letters:
            line = (here.left, here.bottom - 0.5, here.right, here.bottom - 0.5)
        lines.append(line)
        middle = (here.left + here.right) / 2
        if here.height >= 9:
            labels.append(Label(middle, (here.top + here.bottom) / 2 + 5, ((words, _HEADING),), "middle", here))
    right, bottom = drawing.left + drawing.width, drawing.top + drawing.height
    edge = drawing.width + 0.5 if drawing.backwards else drawing.left - 0.5
    lines += [(0, drawing.top - 0.5, right, drawing.top - 0.5), (edge, 0, edge, bottom)]
    return boxes, lines, labels


def border_svg(segment: Segment) -> Iterator[str]:
    """The lines of a border."""
    for each, thick, dashes in strokes(segment):
        pattern = f' stroke-dasharray="{dashes}"' if dashes else ""
        smooth = "" if straight(each) else ' shape-rendering="auto"'
        yield (
            f'<line x1="{n(each.left)}" y1="{n(each.top)}" x2="{n(each.right)}" y2="{n(each.bottom)}" '
            f'stroke="{each.line.colour}" stroke-width="{n(thick)}"{pattern}{smooth}/>'
        )


def strokes(segment: Segment) -> Iterator[tuple[Segment, float, str]]:
    """The lines that a border is made of, where they lie, with width and dashes."""
    style, upright, level = segment.line.style, segment.left == segment.right, segment.top == segment.bottom
    if style == "double":
        for shift in (-1, 1):
            yield _moved(segment, *((shift, 0) if upright else (0, shift))), 1.0, ""
        return
    medium = 2.0 if style.startswith(("medium", "slant")) else 1.0
    thick = _WIDTHS.get(style, medium)
    back = -0.5 if thick == 2 else 0.0
    x, y = (back, 0.0) if upright else (0.0, back) if level else (0.0, 0.0)
    yield _moved(segment, x, y), thick, _DASHES.get(style, "")


def _moved(segment: Segment, x: float, y: float) -> Segment:
    return Segment(segment.left + x, segment.top + y, segment.right + x, segment.bottom + y, segment.line)


def straight(segment: Segment) -> bool:
    """Whether it runs along rows or columns."""
    return segment.left == segment.right or segment.top == segment.bottom
