"""The labels of an axis: their texts, how they break, turn or are left out, and the room they take."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from xltrain.excel.shot.chart.groups import Pair
from xltrain.excel.shot.chart.ink import LINE, Line, block
from xltrain.excel.shot.chart.model import Axis, Cache
from xltrain.excel.shot.chart.scale import Scale, Slots, serial_of
from xltrain.excel.shot.fonts import is_wide, pixels, width
from xltrain.excel.shot.format import is_general, show
from xltrain.excel.shot.style import Font
from xltrain.excel.shot.words import Text, lines_of

TICK = 4.0  # pixels of a tick mark
_GAP = 0.42  # em between a tick and its label
_STEPS = (1, 2, 3, 4, 5, 7, 10, 14, 21, 28)


@dataclass(frozen=True)
class Mark:
    """A label and the value or the slot that it stands at."""

    at: float
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Marks:
    """The labels of an axis. `depth`: pixels from the axis to their far end; `outer`: rows of outer categories, each a
    text with its first and last point.
    """

    labels: tuple[Mark, ...] = ()
    angle: float = 0.0
    depth: float = 0.0
    width: float = 0.0
    skip: int = 1
    outer: tuple[tuple[tuple[str, int, int], ...], ...] = ()
    steps: tuple[float, ...] = field(default_factory=tuple)


def value_text(value: float, axis: Axis, code: str) -> tuple[str, str]:
    """What a value axis shows, and the colour that its number format asks for."""
    value = value / axis.unit
    if is_general(code):
        return show(float(f"{value:.10g}"), "General").text, ""
    shown = show(value, code)
    return shown.text.strip(), shown.colour


def code_of(axis: Axis, pair: Pair, values: bool = True) -> str:
    """The number format of a value axis: its own, or that of the first values."""
    if not axis.linked and axis.format:
        return axis.format
    if values and pair.percent:
        return "0%"
    caches = [each.values if values else each.categories for each in pair.series]
    first = next((each for each in caches if len(each)), Cache())
    return first.format if caches and not is_general(first.format) else axis.format or first.format


def value_marks(axis: Axis, scale: Scale, code: str, upright: bool) -> Marks:
    """The labels of a value axis."""
    font = axis.lettering.font
    found = []
    for tick in scale.ticks:
        text, colour = value_text(tick, axis, code)
        own = Font(font.name, font.size, font.bold, font.italic, font.underline, font.strike, colour or font.colour)
        found.append(Mark(tick, (((text, own),),) if text else ()))
    angle = axis.lettering.turn or 0.0
    return Marks(tuple(found), angle, _depth(found, axis, angle, upright), _widest(found))


def label_width(axis: Axis, scale: Scale, code: str) -> float:
    """The widest label of a lying value axis."""
    font = axis.lettering.font
    return max((width(value_text(each, axis, code)[0], font) for each in (scale.low, scale.high)), default=0.0)


def _widest(marks: list[Mark]) -> float:
    return max((block(each.lines)[0] for each in marks), default=0.0)


def _depth(marks: list[Mark], axis: Axis, angle: float, upright: bool) -> float:
    """From the axis to the far end of the labels."""
    if axis.labels == "none" or not marks:
        return 0.0
    turn = math.radians(angle)
    sizes = [block(each.lines) for each in marks]
    if upright:
        reach = max(across * abs(math.cos(turn)) + down * abs(math.sin(turn)) for across, down in sizes)
    else:
        reach = max(across * abs(math.sin(turn)) + down * abs(math.cos(turn)) for across, down in sizes)
    return reach + gap(axis)


def gap(axis: Axis) -> float:
    """From the axis to the near end of its labels."""
    outside = TICK if axis.ticks in ("out", "cross") else 0.0
    between = pixels(axis.lettering.font) * _GAP * (axis.offset if axis.kind != "val" else 1.0)
    return outside + max(2.0, between)


def category_marks(pair: Pair, slots: Slots, upright: bool, room: float) -> Marks:
    """The labels of a category axis; `room` is what they may take of the chart across the axis."""
    axis = pair.x
    if axis.labels == "none":
        return Marks()
    if pair.unit:
        return _date_marks(pair, slots, upright, room)
    code, cache = code_of(axis, pair, False), pair.categories
    size = abs(slots.size)
    font = axis.lettering.font
    line = pixels(font) * LINE
    if upright:
        step = axis.skip or max(1, math.ceil(line * 0.9 / max(size, 1e-6)))
        texts = {index: category_text(cache, index, code) for index in range(0, slots.count, step)}
        most = max(1, int(size * step / line + 0.2))
        marks = [Mark(index, _fitting(each, font, room * 1.4, most)) for index, each in texts.items()]
        angle = axis.lettering.turn or 0.0
        found = Marks(tuple(marks), angle, _depth(marks, axis, angle, True), _widest(marks), step)
    else:
        found = _lying(axis, slots, cache, code, room)
    return _with_levels(found, cache, axis, line)


def category_text(cache: Cache, index: int, code: str) -> str:
    """A category as shown; the points count from 1 where there is none."""
    if not len(cache):
        return str(index + 1)
    if cache.is_text:
        return cache.texts[index] if index < len(cache.texts) else ""
    value = cache.at(index)
    return show(value, cache.formats.get(index, code)).text.strip() if math.isfinite(value) else ""


def _lying(axis: Axis, slots: Slots, cache: Cache, code: str, room: float) -> Marks:
    """Labels below the axis: level and broken into lines, else turned by 45, else by 90 degrees and some left out."""
    font, count, size = axis.lettering.font, slots.count, abs(slots.size)
    line = pixels(font) * LINE
    turn = axis.lettering.turn
    step = axis.skip or 1
    if turn is None and not axis.skip and size < line * 0.8:
        step = max(1, math.ceil(line * 0.9 / max(size, 1e-6)))
    texts = {index: category_text(cache, index, code) for index in range(0, count, step)}
    space = size * step if count > 1 else abs(slots.end - slots.start)
    if turn in (None, 0.0):
        fits = max((_unbroken(each, font) for each in texts.values()), default=0.0) <= space * 0.97
        marks = [Mark(index, _lines(each, font, space * 0.97)) for index, each in texts.items()] if fits else []
        tall = max((len(each.lines) for each in marks), default=0) * line
        if fits and (turn == 0.0 or tall <= max(room * 0.75, line * 1.5)):
            return Marks(tuple(marks), 0.0, _depth(marks, axis, 0.0, False), _widest(marks), step)
        if turn == 0.0:
            return _level(axis, texts, space, count, step)
    angle = turn if turn is not None else -45.0 if space >= line * 1.15 else -90.0
    lean = max(abs(math.sin(math.radians(angle))), 0.1)
    marks = [Mark(index, _cut(each, font, room / lean)) for index, each in texts.items()]
    return Marks(tuple(marks), angle, _depth(marks, axis, angle, False), _widest(marks), step)


def _level(axis: Axis, texts: dict[int, str], space: float, count: int, step: int) -> Marks:
    """Labels that must not turn: some are left out, unless how many was said; long words are broken."""
    font = axis.lettering.font
    more = 1
    if not axis.skip:
        widest = max(_unbroken(each, font) for each in texts.values())
        more = max(1, math.ceil(min(widest, pixels(font) * 8) / max(space * 0.97, 1.0)))
    room = space * more * 0.97
    kept = [index for index in texts if index % (step * more) == 0]
    marks = [Mark(index, _lines(texts[index], font, room)) for index in kept]
    return Marks(tuple(marks), 0.0, _depth(marks, axis, 0.0, False), _widest(marks), step * more)


def _unbroken(text: str, font: Font) -> float:
    """The widest part that cannot be broken."""
    if any(map(is_wide, text)):
        return pixels(font) * 2
    return max((width(each, font) for each in text.split()), default=0.0)


def _lines(text: str, font: Font, room: float) -> tuple[Line, ...]:
    if not text:
        return ()
    return tuple(each.runs for each in lines_of(Text(((text, font),)), max(room, 8.0), True) if each.runs)


def _fitting(text: str, font: Font, room: float, most: int) -> tuple[Line, ...]:
    """In lines, or shortened to one where they would reach into the neighbours'."""
    found = _lines(text, font, room)
    return found if len(found) <= most else _cut(text, font, room)


def _cut(text: str, font: Font, room: float) -> tuple[Line, ...]:
    """One line, shortened with three dots."""
    text = " ".join(text.split())
    if not text:
        return ()
    if width(text, font) > room:
        while len(text) > 1 and width(text + "...", font) > room:
            text = text[:-1]
        text += "..."
    return (((text, font),),)


def _date_marks(pair: Pair, slots: Slots, upright: bool, room: float) -> Marks:
    """Labels at even steps of days, months or years."""
    axis, code = pair.x, code_of(pair.x, pair, False)
    font = axis.lettering.font
    line = pixels(font) * LINE
    level = axis.lettering.turn == 0.0
    first = show(float(_serial(slots.first, pair.unit)), code).text
    needed = line * 1.1 if upright or not level else width(first, font) + pixels(font) * 0.5
    places = list(_date_places(pair, slots, needed))
    texts = {place: show(float(_serial(slots.first + place, pair.unit)), code).text for place in places}
    gaps = [later - before for before, later in itertools.pairwise(places)]
    space = abs(slots.size) * min(gaps, default=slots.count)
    widest = max((width(each, font) for each in texts.values()), default=0.0)
    turn = axis.lettering.turn
    if turn is None:
        turn = 0.0 if upright or widest <= space * 0.97 else -45.0 if space >= line * 1.6 else -90.0
    marks = [Mark(place, _cut(each, font, room * 1.5)) for place, each in texts.items()]
    steps = tuple(float(each) for each in places)
    return Marks(tuple(marks), turn, _depth(marks, axis, turn, upright), _widest(marks), steps=steps)


def _date_places(pair: Pair, slots: Slots, needed: float) -> Iterator[int]:
    """The slots that get a label."""
    size = max(abs(slots.size), 1e-6)
    unit, step = pair.x.major_unit or pair.unit, int(pair.x.major) if pair.x.major >= 1 else 0
    if pair.unit == "days" and (unit in ("months", "years") or (not step and size * 28 < needed)):
        months = max(step, 1) * (12 if unit == "years" else 1) if step else _months(size * 30.4, needed)
        from xltrain.excel.shot.chart.scale import month_of

        month, last = month_of(slots.first), slots.first + slots.count - 1
        day = slots.first - serial_of(month)
        while serial_of(month) + day <= last:
            yield serial_of(month) + day - slots.first
            month += months
        return
    if unit == "years" and pair.unit == "months":
        step = max(step, 1) * 12
    if not step:
        step = _months(size, needed) if pair.unit == "months" else _days(size, needed)
    yield from range(0, slots.count, step)


def _days(size: float, needed: float) -> int:
    found = next((step for step in _STEPS if step * size >= needed), 0)
    return found or math.ceil(needed / size)


def _months(size: float, needed: float) -> int:
    found = next((step for step in (1, 2, 3, 4, 6, 12, 24, 36, 60, 120) if step * size >= needed), 0)
    return found or math.ceil(needed / size / 12) * 12


def _serial(place: int, unit: str) -> int:
    return place if unit == "days" else serial_of(place if unit == "months" else place * 12)


def _with_levels(marks: Marks, cache: Cache, axis: Axis, line: float) -> Marks:
    """With the rows of outer categories, where there are any."""
    if not cache.levels or axis.flat:
        return marks
    rows = []
    for level in cache.levels:
        spans: list[tuple[str, int, int]] = []
        for index, text in enumerate(level):
            if text or not spans:
                spans.append((text, index, index))
            else:
                spans[-1] = (spans[-1][0], spans[-1][1], index)
        rows.append(tuple(spans))
    extra = (line + 4) * len(rows)
    return Marks(marks.labels, marks.angle, marks.depth + extra, marks.width, marks.skip, tuple(rows))
