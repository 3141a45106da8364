"""Where the lines of a cell's text stand: aligned, spread, broken, turned, or below each other."""

import math
from collections.abc import Iterator
from dataclasses import replace

from xltrain.excel.shot.fonts import line_height, pixels, width
from xltrain.excel.shot.letters import Box, Label
from xltrain.excel.shot.style import Alignment, CellStyle, Font
from xltrain.excel.shot.words import Text, excerpt, lines_of, units

PAD = 2.5  # between a cell's edge and its text
INDENT = 9.0  # of one step
DESCENT, ASCENT, PITCH = 0.25, 0.95, 1.22  # em, of the fonts that Excel uses
STACKED = 255  # the rotation of letters below each other
_SPREAD = ("distributed", "justify")


def breaks(alignment: Alignment) -> bool:
    """Whether text breaks into lines: where it wraps, and where it is spread in either direction."""
    return alignment.wrap or alignment.horizontal in _SPREAD or alignment.vertical in _SPREAD


def room_of(alignment: Alignment, size: float) -> float:
    """The pixels that text has in a cell of this width."""
    sides = 2 if alignment.horizontal == "distributed" else 1
    return size - 2 * PAD - sides * alignment.indent * INDENT


def flat(text: Text, style: CellStyle, box: Box, room: Box) -> list[Label]:
    """The lines of upright text in a box; clipped to `room` where they are wider or higher."""
    alignment = style.alignment
    indent = alignment.indent * INDENT
    inner = room_of(alignment, box.width)
    wraps = breaks(alignment) and not text.fixed
    if wraps:
        text = excerpt(text, inner, box.height, alignment.vertical)
    lines = lines_of(text, inner, wraps)
    heights = _line_heights(lines, style.font, box)
    left, right = box.left + PAD, box.right - PAD
    at = {"start": left + indent, "middle": (box.left + box.right) / 2, "end": right - indent}[text.anchor]
    top, gap = _first_line(alignment.vertical, box, heights)
    widest = max((line.width for line in lines), default=0.0)
    outside = widest > room.width - PAD - indent or sum(heights) > box.height + 3
    clip = Box(room.left, room.top, room.right - 1, room.bottom - 1) if outside else None
    found: list[Label] = []
    for number, (line, height) in enumerate(zip(lines, heights, strict=True)):
        em = _largest(line, style.font)
        if line.runs:
            baseline = top + em * ASCENT + (height - em * PITCH) / 2
            last = number == len(lines) - 1 or line.ends
            spread = alignment.horizontal == "distributed" or (alignment.horizontal == "justify" and not last)
            if spread:
                found += _spread(line, left + indent, inner, baseline, clip)
            else:
                found.append(Label(at, baseline, line.runs, text.anchor, clip))
        top += height + gap
    return found


def _spread(line: Text, left: float, room: float, baseline: float, clip: Box | None) -> Iterator[Label]:
    """The words of a line with even gaps, so that it fills its room; a single one in the middle."""
    words = [(word, font) for word, font in units(line.runs) if word.strip()]
    sizes = [width(word, font) for word, font in words]
    if len(words) == 1:
        yield Label(left + room / 2, baseline, (words[0],), "middle", clip)
        return
    gap = (room - sum(sizes)) / max(1, len(words) - 1)
    for word, size in zip(words, sizes, strict=True):
        yield Label(left, baseline, (word,), "start", clip)
        left += size + gap


def _line_heights(lines: list[Text], font: Font, box: Box) -> list[float]:
    """The height of each line; a little less where the row was made for another font's lines."""
    if len(lines) == 1:
        return [_largest(lines[0], font) * PITCH]
    heights = [float(max(line_height(each) for _, each in line.runs or (("", font),))) for line in lines]
    share = (box.height - 1) / sum(heights)
    return [height * share for height in heights] if 1 / 1.2 <= share < 1 else heights


def _largest(line: Text, font: Font) -> float:
    """The em of a line's largest font."""
    return max((pixels(each) for _, each in line.runs), default=pixels(font))


def _first_line(vertical: str, box: Box, heights: list[float]) -> tuple[float, float]:
    """Where the first line begins, and the gap between lines."""
    over = box.bottom - 1 - box.top - sum(heights)
    if vertical in _SPREAD and len(heights) > 1 and over > 0:
        return box.top + 0.5, (over - 0.5) / (len(heights) - 1)
    if vertical in ("top", "justify"):
        return box.top + 0.5, 0.0
    if vertical in ("center", "distributed"):
        return box.top + over / 2, 0.0
    return box.top + over, 0.0


def turned_size(text: Text, style: CellStyle, room: float) -> float:
    """The height that turned text needs."""
    turn = style.alignment.rotation
    em = pixels(style.font)
    if turn == STACKED:
        return sum(len(part) for part, _ in text.runs) * em * PITCH + 2
    angle = math.radians(turn if turn <= 90 else 90 - turn)
    return text.width * abs(math.sin(angle)) + em * PITCH * abs(math.cos(angle)) + 4


def turned(text: Text, style: CellStyle, box: Box) -> list[Label]:
    """Text at an angle, by the box that it fills; letters below each other under STACKED."""
    turn = style.alignment.rotation
    if turn == STACKED:
        return list(_stacked(text, style, box))
    angle = float(-turn if turn <= 90 else turn - 90)
    radians = math.radians(angle)
    sine, cosine = abs(math.sin(radians)), abs(math.cos(radians))
    upright = sine > 0.999
    wraps = style.alignment.wrap and upright
    if wraps:
        text = excerpt(text, box.height - 2 * PAD, box.width)
    lines = lines_of(text, box.height - 2 * PAD, True) if wraps else [text]
    em = max(_largest(line, style.font) for line in lines)
    pitch = em * PITCH
    length, depth = max(line.width for line in lines), pitch * len(lines)
    wide, high = length * cosine + depth * sine, length * sine + depth * cosine
    across, down = _middle(text.anchor, style.alignment, box, wide, high)
    clip = Box(box.left, box.top, box.right - 1, box.bottom - 1) if high > box.height or upright else None
    found = []
    for number, line in enumerate(lines):
        off = (number - (len(lines) - 1) / 2) * pitch + em * 0.35
        x, y = across - off * math.sin(radians), down + off * math.cos(radians)
        found.append(Label(x, y, line.runs, "middle", clip, angle))
    return [each for each in found if each.runs]


def _middle(anchor: str, alignment: Alignment, box: Box, wide: float, high: float) -> tuple[float, float]:
    """The middle of a turned text's bounding box."""
    indent = alignment.indent * INDENT
    across = {
        "start": box.left + PAD + indent + wide / 2,
        "middle": (box.left + box.right) / 2,
        "end": box.right - PAD - indent - wide / 2,
    }[anchor]
    if alignment.vertical == "top":
        return across, box.top + PAD + high / 2
    if alignment.vertical == "bottom":
        return across, box.bottom - PAD - high / 2
    return across, (box.top + box.bottom) / 2


def _stacked(text: Text, style: CellStyle, box: Box) -> Iterator[Label]:
    letters = [(letter, font) for part, font in text.runs for letter in part]
    em = pixels(style.font)
    pitch = em * PITCH
    over = box.height - 1 - len(letters) * pitch
    vertical = style.alignment.vertical
    top = box.top + max(1.0, {"top": 1.0, "center": over / 2}.get(vertical, over))
    wide = em
    at = {"start": box.left + PAD + wide / 2, "end": box.right - PAD - wide / 2}
    middle = at.get(text.anchor if style.alignment.horizontal in ("left", "right") else "", (box.left + box.right) / 2)
    clip = Box(box.left, box.top, box.right - 1, box.bottom - 1)
    for number, each in enumerate(letters):
        yield Label(middle, top + em * ASCENT + pitch * number, (each,), "middle", clip)


def of_cell(labels: list[Label], cell: tuple[int, int]) -> list[Label]:
    """The labels with the cell that they belong to."""
    return [replace(label, cell=cell) for label in labels]
