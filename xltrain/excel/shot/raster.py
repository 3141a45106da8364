"""A drawing as PNG: plain fills, lines and letters are put in place as they are, only the rest is drawn from SVG.

Turning a whole SVG into pixels takes several times longer, most of it for letters that come again and again.
"""

import math
import struct
import zlib
from collections.abc import Iterator

from xltrain.excel.shot.canvas import Canvas
from xltrain.excel.shot.draw import HEADING, HEADING_LINE, border_svg, headings, straight, strokes
from xltrain.excel.shot.fonts import width
from xltrain.excel.shot.icons import icon_svg
from xltrain.excel.shot.layout import Drawing
from xltrain.excel.shot.letters import SHARES, Box, Label, n, texts
from xltrain.excel.shot.lines import Segment
from xltrain.excel.shot.marks import bar_svg, comment_svg, spark_svg
from xltrain.excel.shot.masks import LARGEST
from xltrain.excel.shot.patterns import filled, is_plain
from xltrain.excel.shot.signs import Spelt, spelt
from xltrain.excel.shot.style import Line

STRIP = 8_000_000  # pixels that are put together at a time
_FAST = 2  # of zlib's levels: half the time of the usual one for a tenth more bytes
_HEADING = Line("thin", HEADING_LINE)
_CRISP = '<g shape-rendering="crispEdges" fill="none">{}</g>'


def draw_png(drawing: Drawing, scale: float, system: bool) -> bytes:
    """The drawing as PNG, `scale` pixels to the unit, at least 1, and with its resolution.

    Args:
        system: whether fonts installed on the machine may be used.
    """
    across, down = round((drawing.width + drawing.left) * scale), round((drawing.height + drawing.top) * scale)
    return _file(_strips(drawing, across, down, scale, system), across, down, not drawing.background, 96 * scale)


def _strips(drawing: Drawing, across: int, down: int, scale: float, system: bool) -> Iterator[bytes]:
    """The picture's pixels in lines, each after the byte that says how it is packed."""
    from PIL import Image

    high = max(1, STRIP // across)
    for top in range(0, down, high):
        canvas = Canvas((0, top, across, min(top + high, down)), scale, drawing.background, system)
        _page(canvas, drawing)
        image = canvas.image
        if image.mode == "RGBA":
            image = Image.frombuffer("RGBa", image.size, image.tobytes(), "raw", "RGBa", 0, 1).convert("RGBA")
        size = len(image.getbands()) * across + 1
        yield b"\0" + image.tobytes("raw", image.mode, size, 1)[:-1]


def _file(strips: Iterator[bytes], across: int, down: int, clear: bool, dots: float) -> bytes:
    packer = zlib.compressobj(_FAST)
    body = b"".join([*(packer.compress(strip) for strip in strips), packer.flush()])
    per_metre = round(dots / 0.0254)
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", across, down, 8, 6 if clear else 2, 0, 0, 0)),
        (b"pHYs", struct.pack(">IIB", per_metre, per_metre, 1)),
        (b"IDAT", body),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in parts
    )


def _page(canvas: Canvas, drawing: Drawing) -> None:
    if not drawing.headings:
        _sheet(canvas, drawing)
        return
    boxes, lines, labels = headings(drawing)
    for box in boxes:
        canvas.fill(box, HEADING)
    for x, y, right, bottom in lines:
        for box in _boxes(Segment(x, y, right, bottom, _HEADING), 1.0, ""):
            canvas.fill(box, HEADING_LINE)
    _write(canvas, labels)
    left = 0 if drawing.backwards else drawing.left
    inner = canvas.part(Box(left, drawing.top, left + drawing.width, drawing.top + drawing.height))
    _sheet(inner, drawing)
    canvas.join(inner)


def _sheet(canvas: Canvas, drawing: Drawing) -> None:
    """Everything of the sheet, in the order in which one lies over the other."""
    for each in drawing.grid:
        for box in _boxes(each, 1.0, ""):
            canvas.fill(box, each.line.colour)
    _fills(canvas, drawing)
    bars = [
        (_CRISP.format("".join(bar_svg(bar, box, number))), box) for number, (_, box, bar) in enumerate(drawing.bars)
    ]
    canvas.lay_all(bars)
    for each in drawing.borders:
        _border(canvas, each, crisp=True)
    sparks = [("".join(spark_svg(spark, box)), box) for _, box, spark in drawing.sparks]
    canvas.lay_all(sparks + [(icon_svg(icon, box), box) for _, box, icon in drawing.icons])
    _write(canvas, drawing.labels)
    canvas.lay_all([(comment_svg(box, drawing.backwards), box) for _, box in drawing.comments])
    for each in drawing.freeze:
        _border(canvas, each, crisp=False)
    alone = len(drawing.things) != len(drawing.objects)
    for index, (box, fragment) in enumerate(drawing.objects):
        room = box if not alone and drawing.things[index][0].kind == "chart" else None
        canvas.layer(f'<g transform="translate({n(box.left)} {n(box.top)})">{fragment}</g>', room)


def _fills(canvas: Canvas, drawing: Drawing) -> None:
    """Fills, each of which covers the edge of the one before; those of several colours are drawn from SVG."""
    several = {
        number: (_CRISP.format("".join(filled(number, box, fill))), box)
        for number, (box, fill) in enumerate(drawing.fills)
        if not is_plain(fill)
    }
    drawn = dict(zip(several, canvas.drawn(list(several.values())), strict=True))
    for number, (box, fill) in enumerate(drawing.fills):
        if number in drawn:
            canvas.lay(drawn[number])
        else:
            canvas.fill(box, fill.colour)


def _border(canvas: Canvas, segment: Segment, crisp: bool) -> None:
    for each, thick, dashes in strokes(segment):
        if straight(each):
            for box in _boxes(each, thick, dashes):
                canvas.fill(box, each.line.colour)
    if not straight(segment):
        drawn = "".join(border_svg(segment))
        left, right = sorted((segment.left, segment.right))
        top, bottom = sorted((segment.top, segment.bottom))
        canvas.layer(_CRISP.format(drawn) if crisp else drawn, Box(left - 3, top - 3, right + 3, bottom + 3))


def _boxes(segment: Segment, thick: float, dashes: str) -> Iterator[Box]:
    """A straight line as the rectangles of its dashes."""
    half = thick / 2
    upright = segment.left == segment.right
    start, end = (segment.top, segment.bottom) if upright else (segment.left, segment.right)
    sizes = [float(each) for each in dashes.split()] or [max(0.0, end - start)]
    index = 0
    while start < end:
        stop = min(start + sizes[index % len(sizes)], end)
        if index % 2 == 0 and upright:
            yield Box(segment.left - half, start, segment.left + half, stop)
        elif index % 2 == 0:
            yield Box(start, segment.top - half, stop, segment.top + half)
        start, index = stop, index + 1


def _write(canvas: Canvas, labels: list[Label]) -> None:
    """Texts letter by letter, as far as that can be."""
    easy: list[tuple[Spelt, Box | None]] = []
    rest: list[tuple[str, Box]] = []
    for number, label in enumerate(labels):
        if not canvas.near(label):
            continue
        found = spelt(label)
        if found is not None and all(sign.hand.size * canvas.scale <= LARGEST for sign in found.signs):
            easy.append((found, label.clip))
        else:
            rest.append(("".join(texts([label], f"t{number}_")), _extent(label)))
    canvas.write(easy)
    canvas.lay_all(rest)


def _extent(label: Label) -> Box:
    """A box that no ink of a label leaves."""
    em = max((font.size for _, font in label.runs), default=0.0) * 96 / 72
    size = sum(width(part, font) for part, font in label.runs)
    start = -size * SHARES.get(label.anchor, 0.0)
    turn = math.radians(label.angle)
    corners = [
        (label.left + x * math.cos(turn) - y * math.sin(turn), label.baseline + x * math.sin(turn) + y * math.cos(turn))
        for x in (start - em, start + size + em)
        for y in (-1.4 * em, 0.6 * em)
    ]
    across, down = [x for x, _ in corners], [y for _, y in corners]
    box = Box(min(across), min(down), max(across), max(down))
    if label.clip is None:
        return box
    clip = label.clip
    return Box(
        max(box.left, clip.left), max(box.top, clip.top), min(box.right, clip.right), min(box.bottom, clip.bottom)
    )
