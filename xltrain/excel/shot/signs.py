"""The letters of a label one by one: how each looks and where it stands."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from xltrain.excel.shot.fonts import BOLD, family, letters
from xltrain.excel.shot.letters import SHARES, Box, Label, parted, raised, underlines
from xltrain.excel.shot.style import Font

# The drawing font's own lines, in em: middle of the underline below the baseline, of the strike above it, thickness.
_UNDERLINE, _STRIKE, _THICK = 0.125, 0.325, 0.05
# Letters that look the same beside any other: no accents of their own, no scripts that join or turn letters; no dashes
# and dots whose place follows the script around them.
_ALONE = re.compile(
    "[\t\n\r -\u02ff\u0370-\u0482\u048a-\u052f\u1e00-\u1fff\u2000-\u200a\u2010-\u2013\u2016-\u2024\u2027"
    "\u202f-\u205f\u2070-\u20cf\u2100-\u2bff\u2e80-\u3029\u3030-\u3098\u309b-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef"
    "\U00020000-\U0003ffff]*"
)
_Letters = Sequence[tuple[str, float, str, float]]


class Hand(NamedTuple):
    """How a letter is drawn: family, size in pixels, thickened, slanted."""

    family: str
    size: float
    bold: bool
    italic: bool


class Sign(NamedTuple):
    """A letter at the point where its part of the baseline begins."""

    letter: str
    hand: Hand
    x: float
    y: float
    colour: str


class Stroke(NamedTuple):
    """A line under or through letters."""

    box: Box
    colour: str


class Spelt(NamedTuple):
    """A label letter by letter, without its spaces."""

    signs: list[Sign]
    strokes: list[Stroke]


def spelt(label: Label) -> Spelt | None:
    """The letters of a label and its lines; None where only a whole text can be drawn: it is
    turned, its letters change with their neighbours, or its lines are slanted.
    """
    if label.angle or not all(_ALONE.fullmatch(part) for part, _ in label.runs):
        return None
    if any(font.italic and (font.underline or font.strike) for _, font in label.runs):
        return None
    signs: list[Sign] = []
    strokes = [Stroke(box, colour) for box, colour in underlines(label)]
    for each in parted(label):
        runs = [(letters(part, font), font) for part, font in each.runs]
        x = each.left - sum(one[3] for found, _ in runs for one in found) * SHARES.get(each.anchor, 0.0)
        usual = family(each.runs[0][1], "".join(part for part, _ in each.runs))
        slanted = all(font.italic for _, font in each.runs)
        for found, font in runs:
            y = each.baseline - raised(font)
            if font.underline == "single" or font.strike:
                strokes += _strokes(found, font, x, y)
            hands: dict[tuple[float, str], Hand] = {}
            for letter, size, name, advance in found:
                if not letter.isspace() and letter:
                    hand = hands.get((size, name))
                    if hand is None:
                        hand = hands[size, name] = Hand(name or usual, size, font.bold, slanted)
                    signs.append(Sign(letter, hand, x, y, font.colour))
                x += advance
    return Spelt(signs, strokes)


def _strokes(found: _Letters, font: Font, x: float, y: float) -> list[Stroke]:
    """Underline and strike, which follow the size of the letters."""
    done: list[Stroke] = []
    index = 0
    while index < len(found):
        size, start = found[index][1], x
        while index < len(found) and found[index][1] == size:
            x += found[index][3]
            index += 1
        half = size * (_THICK + (BOLD if font.bold else 0.0)) / 2
        grown = size * BOLD / 2 if font.bold else 0.0
        middles = [y + size * _UNDERLINE] * (font.underline == "single") + [y - size * _STRIKE] * font.strike
        done += [Stroke(Box(start - grown, at - half, x + grown, at + half), font.colour) for at in middles]
    return done
