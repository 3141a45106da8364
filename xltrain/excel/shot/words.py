"""The text of a cell: what it shows in the room it has, and how it breaks into lines."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from unicodedata import normalize

from xltrain.excel.shot.fonts import pixels, width
from xltrain.excel.shot.format import TOO_WIDE, general, is_general, show
from xltrain.excel.shot.page import Value
from xltrain.excel.shot.style import CellStyle, Font

_SPREAD = ("distributed", "justify")
_NARROWEST = 0.2  # em, of a letter on average
_EXCERPT = 200  # letters that are kept of any text
_SLACK = 2.0  # pixels that a number may be too wide before it turns into ####
_EAST = "\u2e80-\u9fff\uac00-\ud7af\uff00-\uffef"
# Signs that never begin a line, and those that never end one, as JIS X 4051 and GB/T 15834 have it.
_CLOSING = (
    "，。、；：！？）】》〉」』”’〕｝］％‰℃·…—～ー々ゝゞヽヾぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ,.;:!?)]}%"
)
_OPENING = "（【《〈「『“‘〔｛［￥＄([{$¥"
_CLOSE, _OPEN = re.escape(_CLOSING), re.escape(_OPENING)
_LETTER = f"[{_EAST}]"
_WORD = re.compile(f"\n|[ \t]+|[{_OPEN}]*{_LETTER}[{_CLOSE}]*|[^\\s{_EAST}]+[{_CLOSE}]*|\\s")
# Where a line may end: as above, and after a hyphen before a letter.
_BREAK = re.compile(f"[^\\s{_EAST}]*?[^\\W{_EAST}][-\u2010](?=[^\\W\\d_])|{_WORD.pattern}")
_ANCHORS = {
    "left": "start",
    "right": "end",
    "center": "middle",
    "centerContinuous": "middle",
    "distributed": "middle",
    "justify": "start",
    "fill": "start",
}

Runs = tuple[tuple[str, Font], ...]


@dataclass(frozen=True)
class Text:
    """Runs of text in one font each; `fixed` text stays in its cell and never breaks."""

    runs: Runs
    anchor: str = "start"
    fixed: bool = False
    ends: bool = False  # whether a line end follows, for one line of several

    @property
    def width(self) -> float:
        return sum(width(part, font) for part, font in self.runs)


def cell_text(value: Value, style: CellStyle, room: float, date1904: bool = False) -> Text:
    """What a cell with so many pixels for text shows."""
    content, font, place = value.content, style.font, style.alignment.horizontal
    anchor = _ANCHORS.get(place, "")
    wraps = style.alignment.wrap or place in ("distributed", "justify") or style.alignment.vertical in _SPREAD
    if isinstance(content, str) and not value.failed:
        if value.runs:
            runs = tuple((normalize("NFC", each.text), each.font or font) for each in value.runs)
        else:
            shown = show(normalize("NFC", content), style.format, date1904)  # fonts know whole letters
            runs = ((_filled(shown.text, shown.fill, shown.fill_at, font, room), _coloured(font, shown.colour)),)
        if not wraps:
            runs = tuple((part.replace("\r", "").replace("\n", ""), each) for part, each in runs)
        if place == "fill":
            return _repeated(runs, room)
        if style.alignment.shrink and not wraps:
            runs = _shrunk(runs, room)
        backwards = style.alignment.reading == 2 or (not style.alignment.reading and _from_right(content))
        return Text(runs, anchor or ("end" if backwards else "start"), style.alignment.shrink and not wraps)
    if isinstance(content, bool) or value.failed:
        shown_word = ("TRUE" if content else "FALSE") if isinstance(content, bool) else str(content)
        fits = width(shown_word, font) <= room + _SLACK
        return Text(((shown_word if fits else _hashes(font, room), font),), anchor or "middle", True)
    assert isinstance(content, float)
    return Text(_number(content, style, room, date1904), anchor or "end", True)


def _from_right(content: str) -> bool:
    """Whether a text begins in Hebrew or Arabic, which Excel then aligns at the right."""
    first = next((letter for letter in content if letter.isalpha()), "")
    return "\u0590" <= first <= "\u08ff" or "\ufb1d" <= first <= "\ufefc"


def _number(value: float, style: CellStyle, room: float, date1904: bool) -> Runs:
    font = style.font
    if is_general(style.format):
        for most in range(11, 0, -1):
            text = general(value, most)
            if width(text, font) <= room + (0.0 if "." in text else _SLACK):  # decimals can be left out instead
                return ((text, font),)
        return ((_hashes(font, room), font),)
    shown = show(value, style.format, date1904)
    font = _coloured(font, shown.colour)
    text = _filled(shown.text, shown.fill, shown.fill_at, font, room)
    if shown.text == TOO_WIDE:
        return ((_hashes(font, room), font),)
    if width(text.strip(), font) <= room + _SLACK:
        return ((text, font),)
    if style.alignment.shrink:
        return _shrunk(((text, font),), room)
    return ((_hashes(font, room), font),)


def lines_of(text: Text, room: float, wrap: bool) -> list[Text]:
    """The text in lines that fit the room, one for text that does not wrap."""
    if not wrap or (text.width <= room and not any("\n" in part for part, _ in text.runs)):
        return [text]
    lines: list[list[tuple[str, Font]]] = [[]]
    ends: set[int] = set()
    used = 0.0
    for word, font in _words(text.runs, room):
        if word == "\n":
            ends.add(len(lines) - 1)
            lines.append([])
            used = 0.0
            continue
        size = width(word, font)
        if used and used + width(word.rstrip(), font) > room and not word.isspace():
            lines.append([])
            used = 0.0
        if used or not word.isspace() or len(lines) == 1:
            lines[-1].append((word, font))
            used += size
    return [Text(_joined(line), text.anchor, ends=number in ends) for number, line in enumerate(lines)]


def excerpt(text: Text, room: float, height: float, part: str = "top") -> Text:
    """As much of a very long text as could show in so much room: its beginning, its `center`, or its `bottom`."""
    count = sum(len(letters) for letters, _ in text.runs)
    least = min((pixels(font) for _, font in text.runs), default=1.0)
    most = _EXCERPT + int((height / least + 2) * max(room, least) / (least * _NARROWEST))
    if count <= most:
        return text
    start = {"top": 0, "justify": 0, "center": (count - most) // 2, "distributed": (count - most) // 2}.get(
        part, count - most
    )
    runs, at = [], 0
    for letters, font in text.runs:
        inside = letters[max(0, start - at) : max(0, start + most - at)]
        runs += [(inside, font)] if inside else []
        at += len(letters)
    return replace(text, runs=tuple(runs))


def units(runs: Runs) -> list[tuple[str, Font]]:
    """What is spread over a line: words, and single letters of Chinese and the like."""
    return [(found[0], font) for part, font in runs for found in _WORD.finditer(part)]


def _words(runs: Runs, room: float) -> Iterator[tuple[str, Font]]:
    """Words, spaces, single Chinese letters and line ends; words wider than a line in parts."""
    for part, font in runs:
        for found in _BREAK.finditer(part.replace("\r\n", "\n").replace("\r", "\n")):
            word = found[0]
            if len(word) > 1 and width(word, font) > room:
                yield from ((each, font) for each in _parts(word, font, room))
            else:
                yield word, font


def _parts(word: str, font: Font, room: float) -> Iterator[str]:
    start, used = 0, 0.0
    for index, letter in enumerate(word):
        size = width(letter, font)
        if used and used + size > room:
            yield word[start:index]
            start, used = index, 0.0
        used += size
    yield word[start:]


def _joined(line: list[tuple[str, Font]]) -> Runs:
    """Neighbours in the same font as one run, without spaces at the end of the line."""
    found: list[tuple[str, Font]] = []
    for word, font in line:
        if found and found[-1][1] == font:
            found[-1] = (found[-1][0] + word, font)
        else:
            found.append((word, font))
    if found:
        found[-1] = (found[-1][0].rstrip(" \t"), found[-1][1])
    return tuple((word, font) for word, font in found if word)


def _coloured(font: Font, colour: str) -> Font:
    return replace(font, colour=colour) if colour else font


def _filled(text: str, fill: str, at: int, font: Font, room: float) -> str:
    """The text with its fill sign repeated to the cell's width."""
    if not fill:
        return text
    count = int((room - width(text, font)) / max(width(fill, font), 1.0))
    return text[:at] + fill * max(0, min(count, 1000)) + text[at:]


def _repeated(runs: Runs, room: float) -> Text:
    size = Text(runs).width
    count = int(room / size) if size else 1
    return Text(runs * max(1, min(count, 500)), "start", True)


def _shrunk(runs: Runs, room: float) -> Runs:
    size = Text(runs).width
    share = min(1.0, room / size) if size else 1.0
    return tuple((part, replace(font, size=max(1.0, font.size * share))) for part, font in runs)


def _hashes(font: Font, room: float) -> str:
    return "#" * max(1, min(1000, int((room + _SLACK) / max(width("#", font), 1.0))))
