"""The data table below a chart."""

import math

from xltrain.excel.shot.chart.groups import Pair
from xltrain.excel.shot.chart.ink import LINE, Box, Scene, Shape, n, written
from xltrain.excel.shot.chart.model import Chart
from xltrain.excel.shot.chart.ticks import category_text, code_of
from xltrain.excel.shot.fonts import pixels, width
from xltrain.excel.shot.format import show

_ROWS = 20


def table_depth(chart: Chart, pairs: list[Pair]) -> float:
    """The height of the table's rows of values; its head takes the place of the axis labels."""
    if chart.table is None:
        return 0.0
    rows = sum(len(pair.series) for pair in pairs)
    return min(rows, _ROWS) * _row(chart) + 2


def _row(chart: Chart) -> float:
    assert chart.table is not None
    return pixels(chart.table.lettering.font) * LINE + 3


def draw(scene: Scene, chart: Chart, pairs: list[Pair], plot: Box) -> None:
    """A row of categories and a row of values for every series, under the plot area's slots."""
    table = chart.table
    if table is None or not pairs:
        return
    pair = pairs[0]
    slots, font, row = pair.slots, table.lettering.font, _row(chart)
    listed = [each for one in pairs for each in one.series][:_ROWS]
    left = max(2.0, plot.left - max(scene.width * 0.13, 20))
    edges = [slots.edge(index) for index in range(slots.count + 1)] if slots.count <= 200 else [plot.left, plot.right]
    top, path = plot.bottom, ""
    code = code_of(pair.x, pair, False)
    for number in range(len(listed) + 1):
        middle = top + row / 2
        start = plot.left if number == 0 else left
        for index in range(min(slots.count, 200)):
            if number == 0:
                text = category_text(pair.categories, index, code)
            else:
                cache = listed[number - 1].values
                value = cache.at(index)
                text = show(value, cache.formats.get(index, cache.format)).text.strip() if math.isfinite(value) else ""
            if text and width(text, font) <= abs(slots.size) + 2:
                scene.add(*written("table", (((text, font),),), slots.slot(index), middle))
        if number:
            name = listed[number - 1].name or f"Series{number}"
            scene.add(*written("table", (((name, font),),), (left + plot.left) / 2, middle))
        path += f"M{n(start)} {n(top)}H{n(plot.right)}" if table.across or number == 0 else ""
        top += row
    if table.outline:
        path += f"M{n(left)} {n(plot.bottom + row)}V{n(top)}H{n(plot.right)}V{n(plot.bottom)}"
    if table.down:
        path += "".join(f"M{n(edge)} {n(plot.bottom)}V{n(top)}" for edge in edges)
    if table.line.shows:
        scene.add(Shape("table", path, line=table.line, crisp=True))
