"""Pixels that a picture is put together on, seen through a window: a strip of a long picture, or only its cells."""

import io
import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from xltrain.excel.shot.draw import framed, painted
from xltrain.excel.shot.letters import Box, Label
from xltrain.excel.shot.masks import PHASES, Mask, Shape, masks
from xltrain.excel.shot.packing import packed
from xltrain.excel.shot.signs import Hand, Spelt

if TYPE_CHECKING:
    from PIL.Image import Image

GAP = 4  # pixels between two pieces of a sheet
EDGE = 4  # pixels beyond a window that SVG is drawn with: thin lines change at the very edge of what is drawn
Window = tuple[int, int, int, int]  # left, top, right and bottom in whole pixels


class Piece(NamedTuple):
    """Pixels with opacity, and the pixel of a window where their left upper corner lies."""

    image: "Image"
    left: int
    top: int


class Canvas:
    """A window of a picture with `scale` pixels to the unit. What is drawn stands `left` and `top` units farther on
    than it says. Without a background colours are kept multiplied by their opacity (Porter and Duff 1984).
    """

    def __init__(
        self, window: Window, scale: float, background: str, system: bool, left: float = 0.0, top: float = 0.0
    ) -> None:
        from PIL import Image

        self.window, self.scale, self.system = window, scale, system
        self.left, self.top = left, top
        size = max(0, window[2] - window[0]), max(0, window[3] - window[1])
        self.image = Image.new("RGB", size, background) if background else Image.new("RGBA", size, (0, 0, 0, 0))

    def fill(self, box: Box, colour: str) -> None:
        """A rectangle of the pixels whose middle it covers."""
        found = self._pixels(box)
        if not _is_empty(found):
            self.image.paste(_ink(colour), found)

    def shade(self, box: Box, colour: str, clip: Box | None) -> None:
        """A rectangle whose pixels at the edges are as strong as the share of them that it covers."""
        from PIL import Image

        left, top = self._place(box.left, box.top)
        right, bottom = self._place(box.right, box.bottom)
        limits = self._limits(clip)
        for x, wide, across in _shares(max(left, limits[0]), min(right, limits[2])):
            for y, high, down in _shares(max(top, limits[1]), min(bottom, limits[3])):
                self.image.paste(_ink(colour), (x, y), Image.new("L", (wide, high), round(255 * across * down)))

    def write(self, texts: Sequence[tuple[Spelt, Box | None]]) -> None:
        """Letters with their lines, each text within its own limits."""
        known = masks(self.system)
        placed = [(list(self._shapes(found)), self._limits(clip)) for found, clip in texts]
        known.learn(shape for shapes, _ in placed for shape, *_ in shapes)
        for (shapes, limits), (found, clip) in zip(placed, texts, strict=True):
            for shape, x, y, colour in shapes:
                mask = known.known[shape]
                if mask is not None:
                    self._stamp(mask, x, y, colour, limits)
            for box, colour in found.strokes:
                self.shade(box, colour, clip)

    def layer(self, fragment: str, box: Box | None = None) -> None:
        """Anything else, drawn from SVG and laid over; only within a box where one is given."""
        if fragment and not _is_empty(self._limits(box)):
            window = self._limits(box, EDGE)
            size = window[2] - window[0], window[3] - window[1]
            drawn = self._sheet([self._moved(fragment, -window[0], -window[1])], size)
            self.lay(Piece(drawn, window[0], window[1]))

    def drawn(self, found: Sequence[tuple[str, Box]]) -> list[Piece | None]:
        """Many small things drawn from SVG, none of which leaves its box; None for one outside the window."""
        rooms = [self._limits(box, EDGE) for _, box in found]
        seen = [index for index, (_, box) in enumerate(found) if not _is_empty(self._limits(box))]
        done: list[Piece | None] = [None] * len(found)
        sizes = [(rooms[index][2] - rooms[index][0] + GAP, rooms[index][3] - rooms[index][1] + GAP) for index in seen]
        for places, size in packed(sizes):
            at = [(seen[index], x, y) for index, (x, y) in places.items()]
            sheet = self._sheet([self._alone(*found[i], rooms[i], x, y) for i, x, y in at], size)
            for index, x, y in at:
                left, top, right, bottom = rooms[index]
                done[index] = Piece(sheet.crop((x, y, x + right - left, y + bottom - top)), left, top)
        return done

    def lay_all(self, found: Sequence[tuple[str, Box]]) -> None:
        """Small things drawn from SVG and laid over."""
        for each in self.drawn(found):
            self.lay(each)

    def lay(self, piece: Piece | None) -> None:
        """Pixels with their opacity over those that are there."""
        if piece is not None:
            mask = piece.image.getchannel("A")
            if self.image.mode == "RGBA":
                piece.image.putalpha(255)
            self.image.paste(piece.image, (piece.left, piece.top), mask)

    def part(self, box: Box) -> "Canvas":
        """A window of its own within this one, where everything stands from the box's corner."""
        left, top, right, bottom = self._limits(box)
        x, y = self.window[:2]
        done = Canvas((left + x, top + y, right + x, bottom + y), self.scale, "", self.system, box.left, box.top)
        done.image = self.image.crop((left, top, right, bottom))
        return done

    def join(self, part: "Canvas") -> None:
        """The pixels of a part back in their place."""
        self.image.paste(part.image, (part.window[0] - self.window[0], part.window[1] - self.window[1]))

    def near(self, label: Label) -> bool:
        """Whether a text may reach into this window; a quick look, since long pictures are drawn in many."""
        if label.angle:
            return True
        em = max((font.size for _, font in label.runs), default=0.0) * 2
        y = self._place(0.0, label.baseline)[1]
        return -em * self.scale < y < self.image.height + em * self.scale

    def _alone(self, fragment: str, box: Box, room: Window, x: int, y: int) -> str:
        """A fragment at a place of a sheet; without what lies outside its room, which would cover its neighbours."""
        if room == self._pixels(box):
            return self._moved(fragment, x - room[0], y - room[1])
        size = f'width="{room[2] - room[0]}" height="{room[3] - room[1]}"'
        return f'<svg x="{x}" y="{y}" {size}>{self._moved(fragment, -room[0], -room[1])}</svg>'

    def _moved(self, fragment: str, x: int, y: int) -> str:
        """A fragment in pixels, its place in this window moved so far."""
        across, down = self.left * self.scale - self.window[0] + x, self.top * self.scale - self.window[1] + y
        return f'<g transform="translate({across:.4f} {down:.4f}) scale({self.scale})">{fragment}</g>'

    def _sheet(self, fragments: Sequence[str], size: tuple[int, int]) -> "Image":
        from PIL import Image

        with Image.open(io.BytesIO(painted(framed(fragments, *size), self.system))) as drawn:
            drawn.load()
            return drawn

    def _place(self, x: float, y: float) -> tuple[float, float]:
        """A point in pixels of this window."""
        return (x + self.left) * self.scale - self.window[0], (y + self.top) * self.scale - self.window[1]

    def _pixels(self, box: Box) -> Window:
        """A box in whole pixels of this window, which it may leave."""
        left, top = self._place(box.left, box.top)
        right, bottom = self._place(box.right, box.bottom)
        return _near(left), _near(top), _near(right), _near(bottom)

    def _limits(self, box: Box | None, edge: int = 0) -> Window:
        """A box in whole pixels, as far as it lies in the window or at most `edge` pixels beyond."""
        width, height = self.image.width + edge, self.image.height + edge
        if box is None:
            return -edge, -edge, width, height
        left, top, right, bottom = self._pixels(box)
        first, high = min(width, max(-edge, left)), min(height, max(-edge, top))
        return first, high, max(first, min(width, right)), max(high, min(height, bottom))

    def _shapes(self, found: Spelt) -> Iterator[tuple[Shape, int, int, str]]:
        """The picture of each letter, the whole pixel that it begins in, and its colour."""
        across, down = self.left * self.scale - self.window[0], self.top * self.scale - self.window[1]
        for letter, hand, x, y, colour in found.signs:
            column, right = divmod(math.floor((x * self.scale + across) * PHASES + 0.5), PHASES)
            row, below = divmod(math.floor((y * self.scale + down) * PHASES + 0.5), PHASES)
            yield Shape(letter, _scaled(hand, self.scale), right, below), column, row, colour

    def _stamp(self, mask: Mask, x: int, y: int, colour: str, limits: Window) -> None:
        """A letter in its colour, cut at the limits."""
        ink, left, top = mask.ink, x + mask.left, y + mask.top
        right, bottom = left + ink.width, top + ink.height
        if left >= limits[0] and top >= limits[1] and right <= limits[2] and bottom <= limits[3]:
            self.image.paste(_ink(colour), (left, top), ink)
            return
        cut = max(left, limits[0]), max(top, limits[1]), min(right, limits[2]), min(bottom, limits[3])
        if cut[0] < cut[2] and cut[1] < cut[3]:
            part = ink.crop((cut[0] - left, cut[1] - top, cut[2] - left, cut[3] - top))
            self.image.paste(_ink(colour), cut, part)


def _is_empty(window: Window) -> bool:
    return window[2] <= window[0] or window[3] <= window[1]


def _near(edge: float) -> int:
    return math.floor(edge + 0.5)


def _shares(start: float, end: float) -> Iterator[tuple[int, int, float]]:
    """A stretch as whole pixels: where they begin, how many, and the share of each that it covers."""
    first, last = math.floor(start), math.ceil(end)
    if end <= start:
        return
    if last - first == 1:
        yield first, 1, end - start
        return
    yield first, 1, first + 1 - start
    if last - first > 2:
        yield first + 1, last - first - 2, 1.0
    yield last - 1, 1, end - last + 1


@lru_cache(maxsize=1024)
def _scaled(hand: Hand, scale: float) -> Hand:
    return hand._replace(size=round(hand.size * scale, 2))


@lru_cache(maxsize=4096)
def _ink(colour: str) -> tuple[int, int, int, int]:
    """#RRGGBB as red, green, blue and full opacity."""
    red, green, blue = bytes.fromhex(colour[1:])
    return red, green, blue, 255
