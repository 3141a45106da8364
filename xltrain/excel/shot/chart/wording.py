"""What data labels say."""

import math
from collections.abc import Iterator

from xltrain.excel.shot.chart.ink import Box, Line, Shape, rectangle
from xltrain.excel.shot.chart.model import Chart, Labels, Plot, Series
from xltrain.excel.shot.chart.ticks import category_text
from xltrain.excel.shot.format import is_general, show


def label_lines(
    plot: Plot, series: Series, labels: Labels, point: int, chart: Chart, share: float = math.nan
) -> tuple[Line, ...]:
    """The lines of a point's label; none where the point has no value."""
    if labels.lines and any(labels.lines):
        return tuple(each for each in labels.lines if each)
    value = series.values.at(point)
    if not math.isfinite(value):
        return ()
    font = (labels.lettering or chart.lettering).font
    parts = []
    if labels.series:
        parts.append(series.name or f"Series{series.order + 1}")
    if labels.category:
        parts.append(_category(plot, series, point))
    if labels.value:
        code = labels.format or series.values.formats.get(point, series.values.format)
        parts.append(_number(value, code))
    if labels.bubble and plot.kind == "bubble":
        parts.append(_number(series.sizes.at(point), series.sizes.format))
    if labels.percent and plot.kind in ("pie", "doughnut"):
        code = labels.format if "%" in labels.format or not labels.value else ""
        parts.append(show(share, code or "0%").text.strip() if math.isfinite(share) else "")
    usual = "\n" if labels.percent and labels.category else ", "
    words = (labels.separator or usual).join(each for each in parts if each)
    return tuple(((line.strip("\r"), font),) for line in words.split("\n") if line.strip())


def _category(plot: Plot, series: Series, point: int) -> str:
    if plot.kind in ("scatter", "bubble"):
        value = series.categories.at(point)
        return _number(value, series.categories.format) if math.isfinite(value) else str(point + 1)
    return category_text(series.categories, point, series.categories.format)


def _number(value: float, code: str) -> str:
    if not math.isfinite(value):
        return ""
    return show(value, "General" if is_general(code) else code).text.strip()


def label_look(labels: Labels, box: Box, series: int, point: int) -> Iterator[Shape]:
    """The box behind a label, where it has one."""
    fill, line = labels.look.over()
    if fill.shows or line.shows:
        grown = Box(box.left - 4, box.top - 2, box.right + 4, box.bottom + 2)
        yield rectangle("label box", grown, fill, line, series=series, point=point)
