"""The legend: its entries, the room it takes, and where it stands."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from xltrain.excel.shot.chart.dress import Key, point_key, series_key, trend_key
from xltrain.excel.shot.chart.groups import ROUND
from xltrain.excel.shot.chart.ink import LINE, Box, Line, Scene, Shape, Words, line_width, n, rectangle
from xltrain.excel.shot.chart.marker import marker_shape
from xltrain.excel.shot.chart.model import Chart, Legend, Plot
from xltrain.excel.shot.chart.theme import Theme
from xltrain.excel.shot.chart.ticks import category_text
from xltrain.excel.shot.chart.trend import trend_name
from xltrain.excel.shot.fonts import pixels
from xltrain.excel.shot.words import Text, lines_of

_PAD = 4.0
_ROW = 1.34  # em of a row in a column of entries


@dataclass(frozen=True)
class Entry:
    text: str
    key: Key
    lines: tuple[Line, ...] = ()


def entries(chart: Chart, theme: Theme) -> list[Entry]:
    """What the legend lists, in its order."""
    legend = chart.legend
    if legend is None:
        return []
    count = sum(len(plot.series) for plot in chart.plots)
    listed: list[Entry] = []
    trends: list[Entry] = []
    for plot in chart.plots:
        one = list(_of_plot(plot, chart, theme, count))
        if legend.at in ("r", "l", "tr") and plot.grouping in ("stacked", "percentStacked") and plot.kind != "bar":
            one.reverse()
        listed += one
        for series in plot.series:
            for trend in series.trends:
                trends.append(Entry(trend_name(trend, series.name), trend_key(trend, series, theme, count)))
    # Deleted entries count along the series, whatever the order shown.
    places = dict(enumerate([*_plain_order(chart, theme, count), *trends]))
    gone = [places[index].text for index in legend.left_out if index in places]
    kept = []
    for each in [*listed, *trends]:
        if each.text in gone:
            gone.remove(each.text)
        else:
            kept.append(each)
    return kept[:400]


def _plain_order(chart: Chart, theme: Theme, count: int) -> Iterator[Entry]:
    for plot in chart.plots:
        yield from _of_plot(plot, chart, theme, count)


def _of_plot(plot: Plot, chart: Chart, theme: Theme, count: int) -> Iterator[Entry]:
    single = len(chart.plots) == 1 and len(plot.series) == 1
    by_point = plot.vary and (plot.kind in ROUND or (single and plot.kind not in ("area", "stock", "radar", "line")))
    if by_point and plot.series:
        series = plot.series[0]
        for index in range(min(len(series.values), 400)):
            yield Entry(
                category_text(series.categories, index, series.categories.format),
                point_key(plot, series, index, theme, count),
            )
        return
    for place, series in enumerate(plot.series):
        yield Entry(series.name or f"Series{series.order + 1}", series_key(plot, series, theme, count, place))


@dataclass(frozen=True)
class Placed:
    """Entries with the left edge and middle of each, and the legend's box."""

    box: Box
    entries: tuple[tuple[float, float, Entry], ...] = ()
    key: float = 0.0


def key_width(listed: list[Entry], em: float) -> float:
    """Lines have long keys, areas have squares."""
    return em * 2.1 if any(each.key.is_line for each in listed) else em * 0.52


def place(legend: Legend, listed: list[Entry], room: Box, width: float, height: float) -> Placed:
    """The legend at its side of the room."""
    font = legend.lettering.font
    em = pixels(font)
    key = key_width(listed, em)
    lead = key + em * 0.35
    manual = legend.layout
    given = manual is not None and manual.width == manual.width and manual.height == manual.height
    if given:
        assert manual is not None
        box = Box(
            manual.x * width, manual.y * height, (manual.x + manual.width) * width, (manual.y + manual.height) * height
        )
        row = box.width > box.height * 2.2 and legend.at in ("t", "b")
        return _in_row(listed, box, lead, key, font, em) if row else _in_column(listed, box, lead, key, font, em)
    if legend.at in ("t", "b"):
        box = Box(room.left, 0, room.right, room.height * 0.4)
        found = _in_row(listed, box, lead, key, font, em)
        down = room.top if legend.at == "t" else room.bottom - found.box.height
        return _moved(found, 0, down, manual, width, height)
    widest = min(room.width * 0.42, max((line_width(((each.text, font),)) for each in listed), default=0) + lead + 10)
    box = Box(0, 0, widest, room.height)
    found = _in_column(listed, box, lead, key, font, em)
    across = room.left if legend.at == "l" else room.right - found.box.width
    down = room.top if legend.at == "tr" else (room.top + room.bottom - found.box.height) / 2
    return _moved(found, across, down, manual, width, height)


def _moved(placed: Placed, x: float, y: float, manual: object, width: float, height: float) -> Placed:
    from xltrain.excel.shot.chart.model import Layout

    if isinstance(manual, Layout) and manual.x == manual.x and manual.y == manual.y:
        if manual.offset:
            x, y = x + manual.x * width, y + manual.y * height
        else:
            x, y = manual.x * width - placed.box.left, manual.y * height - placed.box.top
    box = placed.box
    return Placed(
        Box(box.left + x, box.top + y, box.right + x, box.bottom + y),
        tuple((left + x, middle + y, entry) for left, middle, entry in placed.entries),
        placed.key,
    )


def _in_column(listed: list[Entry], box: Box, lead: float, key: float, font: object, em: float) -> Placed:
    found: list[tuple[float, float, Entry]] = []
    top = 0.0
    line = em * LINE
    for each in listed:
        lines = _wrapped(each.text, font, box.width - lead - 8)
        size = (len(lines) - 1) * line + em * _ROW
        if found and top + size > box.height:
            break
        found.append((box.left + _PAD, top + size / 2, replace(each, lines=lines)))
        top += size
    height = top + _PAD
    spare = max(0.0, box.height - height) if box.top else 0.0
    down = box.top + spare / 2
    placed = tuple((left, middle + down + _PAD / 2, entry) for left, middle, entry in found)
    bottom = box.bottom if box.top else down + height
    return Placed(Box(box.left, box.top, box.right, bottom), placed, key)


def _in_row(listed: list[Entry], box: Box, lead: float, key: float, font: object, em: float) -> Placed:
    """Entries side by side, in as many rows as they need; columns are even where there are several rows."""
    line, apart = em * LINE, em * 0.75
    lines = [_wrapped(each.text, font, box.width - lead - apart) for each in listed]
    sizes = [lead + max((line_width(each) for each in entry), default=0.0) for entry in lines]
    total = sum(sizes) + apart * (len(sizes) - 1)
    columns = len(sizes)
    even = 0.0
    if total > box.width and sizes:
        even = max(sizes) + apart
        columns = max(1, int((box.width + apart) / even))
    rows = [list(range(start, min(start + columns, len(sizes)))) for start in range(0, len(sizes), max(1, columns))]
    rows = rows[: max(1, int(box.height / line))]
    found = []
    top = box.top + _PAD / 2
    wide = even * columns - apart if even else total
    left = (box.left + box.right - wide) / 2
    for row in rows:
        across, tall = left, max((len(lines[index]) for index in row), default=1) * line
        for index in row:
            found.append((across, top + tall / 2, replace(listed[index], lines=lines[index])))
            across += even or sizes[index] + apart
        top += tall
    return Placed(Box(left - _PAD, box.top, left + wide + _PAD, top + _PAD / 2), tuple(found), key)


def _wrapped(text: str, font: object, room: float) -> tuple[Line, ...]:
    from xltrain.excel.shot.style import Font

    assert isinstance(font, Font)
    if not text:
        return ()
    return tuple(each.runs for each in lines_of(Text(((text, font),)), max(room, 20.0), True))


def draw(scene: Scene, legend: Legend, placed: Placed) -> None:
    """The legend's box, keys and words."""
    fill, line = legend.look.over()
    if fill.shows or line.shows:
        scene.add(rectangle("legend", placed.box, fill, line, crisp=True))
    em = pixels(legend.lettering.font)
    for left, middle, entry in placed.entries:
        scene.add(*_key(entry.key, left, middle, placed.key, em))
        top = middle - len(entry.lines) * em * LINE / 2
        for number, runs in enumerate(entry.lines):
            baseline = top + em * (number * LINE + 0.95)
            scene.add(Words("legend", left + placed.key + em * 0.35, baseline, runs))


def _key(key: Key, left: float, middle: float, size: float, em: float) -> Iterator[Shape]:
    if key.is_line:
        if key.line.shows:
            yield Shape("key", f"M{n(left)} {n(middle)}H{n(left + size)}", line=key.line)
        if key.marker is not None:
            yield marker_shape("key", key.marker, left + size / 2, middle)
        return
    half = em * 0.26
    centre = left + size / 2
    box = Box(round(centre - half), round(middle - half), round(centre + half), round(middle + half))
    yield rectangle("key", box, key.fill, key.line if key.line.width <= 4 else replace(key.line, width=4.0))
