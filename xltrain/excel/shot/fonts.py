"""The one font that draws, measured: Noto Sans CJK, whose Latin letters take the width of the font a cell names.

Everything here is in CSS pixels, 96 to the inch.
"""

import re
import unicodedata
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from xltrain.excel.shot.opentype import faces
from xltrain.excel.shot.style import Font
from xltrain.excel.shot.system_fonts import holding, named, wanted

PIXELS = 96 / 72  # per point
BOLD = 0.036  # em: width of the stroke that thickens a letter; the package has no bold face
_OWN_DIGIT = 0.555  # em: Noto's digits

# Width of a digit, in em, as Excel sets it on a screen at 96 dpi; Latin letters are drawn at that size.
_DIGITS = {
    "calibri": 0.477,
    "aptos narrow": 0.477,
    "aptos": 0.55,
    "arial": 0.535,
    "helvetica": 0.535,
    "liberation sans": 0.535,
    "tahoma": 0.53,
    "verdana": 0.61,
    "segoe ui": 0.53,
    "cambria": 0.54,
    "times new roman": 0.49,
    "times": 0.49,
    "georgia": 0.55,
    "garamond": 0.46,
    "century gothic": 0.55,
    "trebuchet ms": 0.51,
    "consolas": 0.54,
    "courier new": 0.59,
    "arial narrow": 0.45,
}
# Height of a line in em, where it is not that of Calibri.
_LINES = (
    (re.compile("arial|helvetica|liberation sans|times", re.I), 1.15),
    (re.compile("yu gothic|meiryo|游|メイリオ", re.I), 1.57),
    (re.compile("yahei|雅黑|jhenghei|正黑|segoe", re.I), 1.35),
    (re.compile("等线|dengxian", re.I), 1.16),
    (re.compile("宋体|simsun|黑体|simhei|楷体|kaiti|仿宋|fangsong|細明|mingliu|ＭＳ|^ms p?(gothic|mincho)", re.I), 1.1),
)
_CALIBRI_LINE = 1.22
# Fonts whose letters are all as wide as their digits are drawn in Noto's own such face.
EVEN_FACE = "Noto Sans Mono CJK SC"
_EVEN = re.compile(
    r"\bmono\b|courier|consolas|consola\b|lucida console|typewriter|menlo|monaco|cascadia|inconsolata|source code|"
    r"fira code|jetbrains",
    re.I,
)
_EVEN_DIGIT, _EVEN_USUAL = 0.5, 0.6  # em: of Noto's face, of most of the others
_LEAST = 0.75  # of its size, a letter that the face has not, or has only in a width of its own
_EASTERN = 0.545  # fonts for Chinese, Japanese and Korean: a digit is 8 pixels at 11 points
_OTHER = 0.52
_RAISED = 0.66  # of the size, letters above or below the line
_DOT = "·"  # for a letter that no font has
# In the Chinese faces these signs fill the whole em; in the Japanese one they are made for Western text. Widths in em.
WESTERN_FACE = "Noto Sans CJK JP"
_WESTERN_SIGNS = {"·": 0.561, "‘": 0.278, "’": 0.278, "“": 0.474, "”": 0.474, "•": 0.34}
_KANA, _HANGUL = re.compile("[\u3040-\u30ff\uff66-\uff9f]"), re.compile("[\u1100-\u11ff\uac00-\ud7af]")
_JAPANESE = re.compile("[\u3040-\u30ff]|ＭＳ|^ms p?(gothic|mincho)|yu gothic|meiryo|游|明朝", re.I)
_KOREAN = re.compile("[\uac00-\ud7af]|malgun|gulim|batang|dotum", re.I)
_EAST = re.compile(
    r"[\u2e80-\u9fff\uac00-\ud7af\uff00-\uffef]|^ms p?(gothic|mincho)|yu gothic|meiryo|yahei|simsun|simhei|kaiti|"
    r"fangsong|dengxian|jhenghei|mingliu|malgun|gulim|batang|dotum|noto (sans|serif).*cjk|source han|pingfang",
    re.I,
)


@dataclass(frozen=True)
class Piece:
    """A stretch of text drawn at one size, `factor` times the font's; `family` where it is not that of its text."""

    text: str
    factor: float
    family: str = ""


@dataclass(frozen=True)
class Glyph:
    """What is drawn for a letter, its width in em, whether it takes the whole em, the family that has it where it is
    not that of its text, whether no font has it, and how large it is drawn beside the others.
    """

    drawn: str
    width: float
    wide: bool
    family: str = ""
    missing: bool = False
    share: float = 1.0


class Metrics:
    """The drawing font's widths, in em by character."""

    def __init__(self, path: str, face: str = "Noto Sans CJK SC") -> None:
        self.widths = next(each for each in faces(path) if each.name(1) == face).widths()


def font_path() -> str:
    """The file of the drawing font."""
    import noto_cjk_sans_otc

    return str(Path(noto_cjk_sans_otc.FONT_PATH))


@lru_cache(maxsize=1)
def metrics() -> Metrics:
    return Metrics(font_path())


@lru_cache(maxsize=1)
def _even_letters() -> frozenset[str]:
    """The letters that Noto's face of even letters has in the one width of half an em."""
    widths = Metrics(font_path(), EVEN_FACE).widths
    return frozenset(chr(code) for code, width in widths.items() if width == _EVEN_DIGIT and code < 0x1100)


def family(font: Font, text: str) -> str:
    """The family of the drawing font whose shapes suit the text's language."""
    if _KANA.search(text) or _JAPANESE.search(font.name):
        return "Noto Sans CJK JP"
    if _HANGUL.search(text) or _KOREAN.search(font.name):
        return "Noto Sans CJK KR"
    return "Noto Sans CJK SC"


def pixels(font: Font) -> float:
    """The font's size in pixels; letters above or below the line are smaller."""
    return font.size * PIXELS * (_RAISED if font.position else 1.0)


@lru_cache(maxsize=256)
def latin(name: str) -> float:
    """How large Noto's Latin letters are drawn, so that they take the room of the named font's."""
    return _digit(name) / (_EVEN_DIGIT if is_even(name) else _OWN_DIGIT)


@lru_cache(maxsize=256)
def is_even(name: str) -> bool:
    """Whether all letters of the named font are of one width."""
    return _EVEN.search(name) is not None


def _digit(name: str) -> float:
    known = _DIGITS.get(name.strip().lower(), 0.0)
    return known or (_EASTERN if _EAST.search(name) else _EVEN_USUAL if is_even(name) else _OTHER)


def digit_width(font: Font) -> int:
    """The widest digit in whole pixels, in which Excel counts the widths of columns."""
    return max(1, round(_digit(font.name) * pixels(font)))


@lru_cache(maxsize=256)
def line_height(font: Font) -> int:
    """What one line of text takes of a row that fits itself, in whole pixels: 20 for Calibri at 11 points."""
    share = next((share for names, share in _LINES if names.search(font.name)), _CALIBRI_LINE)
    return max(1, int(font.size * PIXELS * share + 2.2))


def is_wide(letter: str) -> bool:
    """Whether a letter takes the whole em whatever the Latin font: Chinese, Japanese, Korean and their signs."""
    return ord(letter) >= 0x1100 and not 0x2000 <= ord(letter) < 0x2E80


def pieces(text: str, font: Font) -> list[Piece]:
    """A line cut into stretches of one size and family."""
    factor = latin(font.name)
    found: list[tuple[list[str], float, str]] = []
    for glyph in glyphs(text, *_source(font.name)):
        size = 1.0 if glyph.wide else factor * glyph.share
        if found and found[-1][1:] == (size, glyph.family):
            found[-1][0].append(glyph.drawn)
        else:
            found.append(([glyph.drawn], size, glyph.family))
    return [Piece("".join(letters), size, face) for letters, size, face in found]


def letters(text: str, font: Font) -> list[tuple[str, float, str, float]]:
    """What is drawn for each letter of a line: the letter, its size in pixels, the family where it is not that of its
    text, and how far the next one stands.
    """
    wide, small = pixels(font), pixels(font) * latin(font.name)
    return [
        (each.drawn, size, each.family, each.width * size)
        for each in glyphs(text, *_source(font.name))
        for size in (wide if each.wide else small * each.share,)
    ]


def width(text: str, font: Font) -> float:
    """The width of one line in pixels."""
    em = _em(text, font.name, *_source(font.name)) * pixels(font)
    return em + (BOLD * pixels(font) if font.bold and text else 0.0)


def missing(text: str, font: Font) -> set[str]:
    """The letters of a text that no font at hand can draw."""
    found = zip(text, glyphs(text, *_source(font.name)), strict=True)
    return {letter for letter, glyph in found if glyph.missing}


def _source(name: str) -> tuple[str, bool, bool]:
    """The family to look in first, whether fonts of the system are asked for, and whether letters are even."""
    return (name, True, is_even(name)) if wanted() else ("", False, is_even(name))


@lru_cache(maxsize=16_384)
def _em(text: str, name: str, first: str, system: bool, even: bool) -> float:
    factor = latin(name)
    found = glyphs(text, first, system, even)
    return sum(glyph.width if glyph.wide else glyph.width * factor * glyph.share for glyph in found)


@lru_cache(maxsize=16_384)
def glyphs(text: str, first: str = "", system: bool = False, even: bool = False) -> tuple[Glyph, ...]:
    """What is drawn for each letter. Quotes and dots are narrow in Western text and take the em beside Chinese."""
    face = named(first) if system else None
    found = []
    for index, letter in enumerate(text):
        if face is not None and ord(letter) in face.widths and not _mark(letter) and not letter.isspace():
            found.append(Glyph(letter, face.widths[ord(letter)], True, face.family))
            continue
        glyph = _glyph(letter, system)
        if even and not glyph.wide:
            glyph = _evened(glyph)
        if letter in _WESTERN_SIGNS or letter in "…—":
            if any(map(is_wide, text[max(0, index - 1) : index + 2])):
                glyph = replace(glyph, wide=True)
            elif letter in _WESTERN_SIGNS:
                glyph = Glyph(letter, _WESTERN_SIGNS[letter], False, WESTERN_FACE)
        found.append(glyph)
    return tuple(found)


@lru_cache(maxsize=16_384)
def _glyph(letter: str, system: bool) -> Glyph:
    """A letter that the font lacks comes from a font of the system where those are asked for, else becomes its plain
    form without accents, or a dot.
    """
    widths = metrics().widths
    if _mark(letter):
        return Glyph("", 0.0, False)
    if letter.isspace():
        letter = "\u3000" if letter == "\u3000" else " "
    if ord(letter) in widths:
        return Glyph(letter, widths[ord(letter)], is_wide(letter))
    face = holding(letter) if system else None
    if face is not None:
        return Glyph(letter, face.widths[ord(letter)], True, face.family)
    plain = next((each for each in unicodedata.normalize("NFKD", letter)[:1] if ord(each) in widths), "")
    if plain:
        return Glyph(plain, widths[ord(plain)], is_wide(plain))
    return Glyph(_DOT, _WESTERN_SIGNS[_DOT], False, WESTERN_FACE, True)


def _evened(glyph: Glyph) -> Glyph:
    """A letter from the face of even letters; one that is not there is made smaller to take their width."""
    if glyph.drawn in _even_letters():
        return Glyph(glyph.drawn, _EVEN_DIGIT, False, EVEN_FACE, glyph.missing)
    return replace(glyph, share=max(_LEAST, min(1.0, _EVEN_DIGIT / glyph.width))) if glyph.width else glyph


def _mark(letter: str) -> bool:
    """Signs without a picture of their own: joiners, variation selectors, control characters."""
    code = ord(letter)
    return code < 32 or 0x200B <= code <= 0x200F or 0xFE00 <= code <= 0xFE0F or code == 0xFEFF
