"""Where the parts of a chart stand: title, legend, axis titles and labels, and the plot area between them."""

import math
from dataclasses import dataclass, field

from xltrain.excel.shot.chart import legend as legends
from xltrain.excel.shot.chart.groups import Pair, pairs, prepare, rescale
from xltrain.excel.shot.chart.ink import LINE, Box, Line, block
from xltrain.excel.shot.chart.model import Axis, Chart, Layout, Title
from xltrain.excel.shot.chart.scale import Scale, Slots
from xltrain.excel.shot.chart.theme import Theme
from xltrain.excel.shot.chart.ticks import Marks, category_marks, code_of, label_width, value_marks
from xltrain.excel.shot.fonts import pixels
from xltrain.excel.shot.words import Text, lines_of

EDGE = 8.0  # between the frame and what is inside
_TITLE_TOP, _TITLE_BELOW = 11.0, 9.0
_AXIS_TITLE = 5.0
_ROOMY = 1.25  # lines of text from one value label to the next, at least
BUBBLE = 0.25  # of the shorter side: the largest bubble's diameter


@dataclass
class Placed:
    """Lines of text about a point."""

    lines: tuple[Line, ...]
    x: float
    y: float
    angle: float = 0.0


@dataclass
class Side:
    """One drawn axis: where its line stands, where its labels begin and to which side they go."""

    pair: Pair
    axis: Axis
    marks: Marks
    upright: bool
    line: float = 0.0
    labels: float = 0.0
    after: bool = False  # labels to the right or below
    title: Placed | None = None


@dataclass
class Arranged:
    plot: Box
    pairs: list[Pair] = field(default_factory=list)
    sides: list[Side] = field(default_factory=list)
    title: Placed | None = None
    legend: legends.Placed | None = None


def arrange(chart: Chart, width: float, height: float, theme: Theme) -> Arranged:
    """The arrangement of a chart of this size."""
    room = Box(EDGE, EDGE, width - EDGE, height - EDGE)
    done = Arranged(room)
    if chart.title is not None:
        done.title, room = _title(chart.title, room, width, height)
    listed = legends.entries(chart, theme)
    if chart.legend is not None and listed:
        done.legend = legends.place(chart.legend, listed, room, width, height)
        if not chart.legend.overlay and (chart.legend.layout is None or done.legend.box.width < width * 0.6):
            room = _beside(chart.legend.at, room, done.legend.box, chart.legend.layout is not None)
    done.pairs = pairs(chart)
    room = room.shrunk(2, 0 if done.title else 4, 4, 2)
    if not done.pairs:
        done.plot = _manual(chart.layout, room, width, height) or room.shrunk(4, 4, 4, 4)
        return done
    for pair in done.pairs:
        prepare(pair, _between(pair))
    _fit(chart, done, room, width, height)
    return done


def _title(title: Title, room: Box, width: float, height: float) -> tuple[Placed, Box]:
    turn = title.turn or 0.0
    lines = tuple(
        each.runs for line in title.lines for each in lines_of(Text(line), max(width * 0.8, 40), True) if each.runs
    )
    across, down = block(lines)
    if abs(turn) == 90:
        across, down = down, across
    x, y = width / 2, _TITLE_TOP + down / 2
    if title.layout is not None and title.layout.x == title.layout.x and title.layout.y == title.layout.y:
        if title.layout.offset:
            x, y = x + title.layout.x * width, y + title.layout.y * height
        else:
            x, y = title.layout.x * width + across / 2 + 5, title.layout.y * height + down / 2 + 5
    placed = Placed(lines, x, y, turn)
    if title.overlay:
        return placed, room
    return placed, Box(room.left, min(_TITLE_TOP + down + _TITLE_BELOW, height * 0.5), room.right, room.bottom)


def _beside(at: str, room: Box, box: Box, manual: bool) -> Box:
    gap = 6.0
    if at == "l":
        return Box(box.right + gap, room.top, room.right, room.bottom)
    if at == "t":
        return Box(room.left, box.bottom + gap / 2, room.right, room.bottom)
    if at == "b":
        return Box(room.left, room.top, room.right, box.top - gap / 2)
    return Box(room.left, room.top, box.left - gap, room.bottom)


def _manual(layout: Layout | None, room: Box, width: float, height: float) -> Box | None:
    if layout is None or any(math.isnan(each) for each in (layout.x, layout.y, layout.width, layout.height)):
        return None
    if layout.width <= 0 or layout.height <= 0:
        return None
    left, top = max(0.0, layout.x) * width, max(0.0, layout.y) * height
    return Box(left, top, min(width, left + layout.width * width), min(height, top + layout.height * height))


def _between(pair: Pair) -> bool:
    """Whether the points stand between the ticks."""
    return pair.y.between or bool(pair.kinds & {"bar", "column"})


def _fit(chart: Chart, done: Arranged, room: Box, width: float, height: float) -> None:
    """The plot area as large as titles and labels leave it; labels and area depend on each other: three rounds."""
    manual = _manual(chart.layout, room, width, height)
    inner = manual or room.shrunk(30, 4, 8, 24)
    fixed = manual is not None and chart.layout is not None and chart.layout.inner
    outer = manual if manual is not None else room
    for _ in range(3):
        done.sides = _sides(done.pairs, inner, height)
        if fixed:
            break
        margins = _margins(done, inner, chart, width)
        changed = Box(
            outer.left + margins[0], outer.top + margins[1], outer.right - margins[2], outer.bottom - margins[3]
        )
        changed = _least(changed, outer)
        if (
            max(abs(changed.left - inner.left), abs(changed.bottom - inner.bottom), abs(changed.right - inner.right))
            < 1
        ):
            inner = changed
            break
        inner = changed
    inner = Box(round(inner.left), round(inner.top), round(inner.right), round(inner.bottom))
    done.plot = inner
    done.sides = _sides(done.pairs, inner, height)
    _axis_titles(done, inner, width, height)


def _least(box: Box, outer: Box) -> Box:
    """A plot area of some size, however large the labels are."""
    left, right, top, bottom = box.left, box.right, box.top, box.bottom
    if right - left < 10:
        left, right = outer.left + outer.width * 0.3, max(outer.right - 2, outer.left + outer.width * 0.3 + 4)
    if bottom - top < 10:
        top, bottom = outer.top + 2, max(outer.top + 6, outer.top + outer.height * 0.7)
    return Box(left, top, right, bottom)


def _sides(found: list[Pair], inner: Box, height: float) -> list[Side]:
    """The axes of every pair for a plot area; scales and slots get their pixels."""
    sides = []
    for pair in found:
        tall, wide = (inner.bottom, inner.top), (inner.left, inner.right)
        y_span, x_span = (tall, wide) if pair.upright else (wide, tall)
        _rescale(pair, inner)
        pair.scale = pair.scale.spread(*(reversed(y_span) if pair.y.reverse else y_span))
        x_ends = tuple(reversed(x_span)) if pair.x.reverse else x_span
        if pair.across is not None:
            pair.across = pair.across.spread(*x_ends)
            across = value_marks(pair.x, pair.across, code_of(pair.x, pair, False), not pair.upright)
        else:
            pair.slots = pair.slots.spread(*x_ends)
            room = height * 0.32 if pair.upright else inner.width * 0.35
            across = category_marks(pair, pair.slots, not pair.upright, room)
        up = value_marks(pair.y, pair.scale, code_of(pair.y, pair), pair.upright)
        sides.append(_side(pair, pair.x, across, not pair.upright, _x_line(pair), pair.scale, y_span))
        line_at, reference = _y_line(pair), pair.across or pair.slots
        sides.append(_side(pair, pair.y, up, pair.upright, line_at, reference, x_span))
    return sides


def _rescale(pair: Pair, inner: Box) -> None:
    """As many steps as the labels leave room for."""
    counts = []
    for axis, upright, values in ((pair.y, pair.upright, True), (pair.x, not pair.upright, False)):
        length = inner.height if upright else inner.width
        if upright:
            counts.append(_steps(length, pixels(axis.lettering.font) * LINE * _ROOMY))
            continue
        if not values and not pair.points:
            counts.append(5)
            continue
        code = code_of(axis, pair, values)
        most = 10
        for _ in range(2):
            rescale(pair, most if values else 5, most if not values else 5)
            scale = pair.scale if values else pair.across
            assert scale is not None
            step = label_width(axis, scale, code) + pixels(axis.lettering.font) * 1.3
            most = _steps(length, max(step, pixels(axis.lettering.font) * 2))
        counts.append(most)
    share = BUBBLE / 2 if "bubble" in pair.kinds else 0.0
    rescale(pair, counts[0], counts[1], share)


def _steps(length: float, each: float) -> int:
    return max(2, min(50, int(length / max(each, 1.0) + 1e-6)))


def _x_line(pair: Pair) -> float:
    """Where the axis of categories stands: on which value."""
    return _on_scale(pair.x, pair.scale)


def _y_line(pair: Pair) -> float:
    if pair.across is not None:
        return _on_scale(pair.y, pair.across)
    slots = pair.slots
    if pair.y.crosses == "max":
        return slots.end
    if not math.isnan(pair.y.crosses_at):
        place = min(max(pair.y.crosses_at - 1, 0.0), float(slots.count))
        if pair.unit:
            place = min(max(pair.y.crosses_at - slots.first, 0.0), float(slots.count))
        return slots.edge(place)
    return slots.start


def _on_scale(axis: Axis, scale: Scale) -> float:
    if not math.isnan(axis.crosses_at):
        return scale.at(min(max(axis.crosses_at, scale.low), scale.high))
    if axis.crosses in ("min", "max"):
        return scale.at(scale.low if axis.crosses == "min" else scale.high)
    return scale.at(scale.zero)


def _side(
    pair: Pair, axis: Axis, marks: Marks, upright: bool, line: float, other: Scale | Slots, span: tuple[float, float]
) -> Side:
    """`other` is the axis that this one crosses, `span` its pixels unreversed: (bottom, top) or (left, right)."""
    low, high = span
    at = (other.start if axis.labels == "low" else other.end) if axis.labels in ("low", "high") else line
    far = abs(at - high) < abs(at - low) - 0.5
    after = far if upright else not far
    if axis.labels == "nextTo" and not (abs(at - low) < 0.5 or abs(at - high) < 0.5):
        after = not upright  # inside the plot: to the left or below
        if other.start != low:
            after = not after
    return Side(pair, axis, marks, upright, line, at, after)


def _margins(done: Arranged, inner: Box, chart: Chart, width: float) -> tuple[float, float, float, float]:
    """What labels and titles of axes take left, above, right and below."""
    left = top = right = bottom = 0.0
    least_top = least_right = 0.0
    least_left = least_bottom = 0.0
    for side in done.sides:
        axis = side.axis
        depth = 0.0
        if not axis.deleted:
            edge = _edge(side, inner)
            depth = max(0.0, side.marks.depth - abs(side.labels - edge)) if axis.labels != "none" else 4.0
            if axis.labels != "none" and side.marks.labels:
                over = _overhang(side)
                if side.upright:
                    least_top, least_bottom = max(least_top, over[1]), max(least_bottom, over[0])
                else:
                    least_left, least_right = max(least_left, over[0]), max(least_right, over[1])
        depth += _title_depth(axis, chart)
        if side.upright:
            left, right = (left, right + depth) if side.after else (left + depth, right)
        else:
            top, bottom = (top, bottom + depth) if side.after else (top + depth, bottom)
    if chart.table is not None:
        from xltrain.excel.shot.chart.table import table_depth

        bottom += table_depth(chart, done.pairs)
        left = max(left, width * 0.14)
    return max(left, least_left), max(top, least_top), max(right, least_right), max(bottom, least_bottom)


def _edge(side: Side, inner: Box) -> float:
    """The edge of the plot area to which labels go."""
    if side.upright:
        return inner.right if side.after else inner.left
    return inner.bottom if side.after else inner.top


def _overhang(side: Side) -> tuple[float, float]:
    """By how much the first and last label stand over the ends."""
    em = pixels(side.axis.lettering.font)
    if side.upright:
        return em * 0.5, em * 0.5
    first, last = side.marks.labels[0], side.marks.labels[-1]
    counts = side.axis.kind == "val" or (side.pair.points and side.axis is side.pair.x)
    half = 0.5 if counts and not side.marks.angle else 0.1
    return block(first.lines)[0] * half, block(last.lines)[0] * half


def _title_depth(axis: Axis, chart: Chart) -> float:
    if axis.title is None or axis.title.overlay or axis.deleted:
        return 0.0
    return _title_size(axis)[1] + _AXIS_TITLE * 2 - 2


def _title_size(axis: Axis) -> tuple[float, float]:
    """Along and across the axis."""
    assert axis.title is not None
    across, down = block(axis.title.lines)
    return across, down


def _title_turn(side: Side) -> float:
    title = side.axis.title
    assert title is not None
    if title.turn is not None:
        return title.turn
    return -90.0 if side.upright else 0.0


def _axis_titles(done: Arranged, inner: Box, width: float, height: float) -> None:
    """The places of the titles, beyond the labels."""
    used = {"left": inner.left, "right": inner.right, "top": inner.top, "bottom": inner.bottom}
    for side in done.sides:
        axis = side.axis
        if axis.deleted:
            continue
        edge = _edge(side, inner)
        depth = max(0.0, side.marks.depth - abs(side.labels - edge)) if axis.labels != "none" else 4.0
        name = ("right" if side.after else "left") if side.upright else ("bottom" if side.after else "top")
        sign = 1 if side.after else -1
        used[name] += sign * depth
        if axis.title is None:
            continue
        turn = _title_turn(side)
        across, down = block(axis.title.lines)
        size = across if side.upright and abs(turn) != 90 else down
        at = used[name] + sign * (_AXIS_TITLE + size / 2)
        used[name] += sign * (_AXIS_TITLE * 2 - 2 + size)
        x, y = (at, inner.middle[1]) if side.upright else (inner.middle[0], at)
        layout = axis.title.layout
        if layout is not None and layout.x == layout.x and layout.y == layout.y:
            wide, tall = (down, across) if abs(turn) == 90 else (across, down)
            if layout.offset:
                x, y = x + layout.x * width, y + layout.y * height
            else:
                x, y = layout.x * width + wide / 2, layout.y * height + tall / 2
        side.title = Placed(axis.title.lines, x, y, turn)
