"""Letters as masks of their ink: each different one is drawn once, many on a sheet, and kept for later pictures."""

import io
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from xltrain.excel.shot.draw import framed, painted
from xltrain.excel.shot.fonts import BOLD, metrics
from xltrain.excel.shot.letters import SLANT, escaped, families, n
from xltrain.excel.shot.packing import packed
from xltrain.excel.shot.signs import Hand

if TYPE_CHECKING:
    from PIL.Image import Image

PHASES = 4  # places within a pixel, each way, that a letter may begin at
LARGEST = 160.0  # pixels of a letter's size that is worth a mask
_KEPT = 20_000  # letters
_ABOVE, _BELOW, _BEFORE, _AFTER = 1.25, 0.5, 0.4, 0.45  # em around the baseline of a letter


class Shape(NamedTuple):
    """A letter at its size in pixels of the picture; where within a pixel it begins, in parts of `PHASES`."""

    letter: str
    hand: Hand
    across: int
    down: int


class Mask(NamedTuple):
    """Ink from 0 to 255, and where its left upper corner lies from the whole pixel that the letter begins in."""

    ink: "Image"
    left: int
    top: int


class Masks:
    """The masks known so far; `system` whether fonts of the machine may be used."""

    def __init__(self, system: bool) -> None:
        self.system = system
        self.known: dict[Shape, Mask | None] = {}  # None where there is no ink

    def learn(self, wanted: Iterable[Shape]) -> None:
        """Draw the letters that are not known yet."""
        if len(self.known) > _KEPT:
            self.known.clear()
        missing = [shape for shape in dict.fromkeys(wanted) if shape not in self.known]
        for places, size in packed([_room(shape) for shape in missing]):
            self._draw({missing[index]: place for index, place in places.items()}, size)

    def _draw(self, places: dict[Shape, tuple[int, int]], size: tuple[int, int]) -> None:
        from PIL import Image

        svg = framed((_letter(shape, *_begin(shape, *place)) for shape, place in places.items()), *size)
        with Image.open(io.BytesIO(painted(svg, self.system))) as drawn:
            ink = drawn.getchannel("A")
        for shape, place in places.items():
            self.known[shape] = _cut(ink, shape, place)


@lru_cache(maxsize=2)
def masks(system: bool) -> Masks:
    """The one collection of masks of either kind."""
    return Masks(system)


def _room(shape: Shape) -> tuple[int, int]:
    """Whole pixels that no ink of a letter leaves."""
    em = shape.hand.size
    advance = metrics().widths.get(ord(shape.letter), 1.5) if len(shape.letter) == 1 else 2.0
    return int((_BEFORE + max(advance, 0.5) + _AFTER) * em) + 4, int((_ABOVE + _BELOW) * em) + 4


def _begin(shape: Shape, left: int, top: int) -> tuple[int, int]:
    """The whole pixel that a letter begins in, where its room begins at `left` and `top`."""
    em = shape.hand.size
    return left + int(_BEFORE * em) + 2, top + int(_ABOVE * em) + 2


def _letter(shape: Shape, left: int, top: int) -> str:
    """A letter in a layer of its own, so that its edges round alike wherever on the sheet it stands."""
    hand = shape.hand
    x, y = n(shape.across / PHASES), n(shape.down / PHASES)
    bold = f' stroke="#000" stroke-width="{n(hand.size * BOLD)}"' if hand.bold else ""
    turn = f' transform="translate({x} {y}) skewX({SLANT}) translate(-{x} -{y})"' if hand.italic else ""
    look = f'font-size="{n(hand.size)}" font-family="{families(hand.family)}"'
    words = f'<text x="{x}" y="{y}" {look}{bold}{turn}>{escaped(shape.letter)}</text>'
    return f'<g transform="translate({left} {top})" style="isolation:isolate">{words}</g>'


def _cut(sheet: "Image", shape: Shape, place: tuple[int, int]) -> Mask | None:
    """A letter's mask, as small as its ink."""
    (left, top), (width, height) = place, _room(shape)
    cell = sheet.crop((left, top, left + width, top + height))
    inked = cell.getbbox()
    if inked is None:
        return None
    x, y = _begin(shape, left, top)
    return Mask(cell.crop(inked), left + inked[0] - x, top + inked[1] - y)
