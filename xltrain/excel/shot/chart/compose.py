"""A chart put together: frame, plot area, axes, series, labels, legend and title, from back to front."""

import math
import re
from dataclasses import replace

from xltrain.excel.shot.chart import axes, bars, curves, labels, legend, overlay, points, radar, round, table
from xltrain.excel.shot.chart.arrange import Arranged, arrange
from xltrain.excel.shot.chart.groups import BARS, ROUND, Pair
from xltrain.excel.shot.chart.ink import Box, Paint, Scene, Shape, Stroke, n, rectangle, written
from xltrain.excel.shot.chart.model import Chart, Plot
from xltrain.excel.shot.chart.theme import Theme
from xltrain.excel.shot.style import Font
from xltrain.excel.shot.words import Text, lines_of
from xltrain.language import text

_ORDER = {"area": 0, "column": 1, "bar": 1, "stock": 2, "line": 2, "bubble": 3, "scatter": 3}
_CORNER = 9.0


def compose(chart: Chart, width: float, height: float, theme: Theme) -> Scene:
    """The scene of a chart."""
    theme = replace(theme, style=chart.style)
    scene = Scene(width, height)
    scene.messages += [text("shot_chart_flat", kind=_words(name)) for name in chart.names]
    placed = arrange(chart, width, height, theme)
    scene.plot = placed.plot
    _frame(scene, chart, theme)
    count = sum(len(plot.series) for plot in chart.plots)
    if placed.pairs:
        _plot_area(scene, chart, placed.plot)
        for side in placed.sides:
            axes.grid(scene, side, placed.plot)
    for pair in placed.pairs:
        for plot in sorted(pair.plots, key=lambda plot: _ORDER.get(plot.kind, 2)):
            _series(scene, plot, pair, chart, theme, count)
    for side in placed.sides:
        axes.draw(scene, side, chart.table is None or side.axis is side.pair.y)
    for plot in chart.plots:
        if plot.kind in ROUND:
            round.draw(scene, plot, chart, theme, count)
        elif plot.kind == "radar":
            radar.draw(scene, plot, chart, theme, count)
    _values(scene, placed, chart, theme)
    table.draw(scene, chart, placed.pairs, placed.plot)
    for side in placed.sides:
        axes.title(scene, side)
    if chart.legend is not None and placed.legend is not None:
        legend.draw(scene, chart.legend, placed.legend)
    _title(scene, chart, placed)
    if not any(len(each.values) for plot in chart.plots for each in plot.series):
        scene.messages.append(text("shot_chart_empty"))
    return scene


def _words(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z0-9])", " ", name.removesuffix("Chart")).replace("3 D", "3D").lower()


def frame_only(width: float, height: float, message: str, title: str = "") -> Scene:
    """A frame with the message, in place of a chart that cannot be drawn."""
    scene = Scene(width, height, title=title, messages=[message])
    scene.add(rectangle("frame", Box(0, 0, width, height), Paint("#F7F7F7"), Stroke("#A6A6A6", 1.0, "dash")))
    font = Font("Calibri", 10.0, colour="#595959")
    shown = [(title, Font("Calibri", 12.0, bold=True, colour="#595959"))] if title else []
    runs = [*shown, (message, font)]
    lines = [each.runs for run in runs for each in lines_of(Text((run,)), max(20.0, width - 16), True) if each.runs]
    most = max(1, int(height / 18))
    scene.add(*written("message", lines[:most], width / 2, height / 2))
    return scene


def _frame(scene: Scene, chart: Chart, theme: Theme) -> None:
    fill, line = chart.look.over(Paint(theme.paper), Stroke(theme.grey))
    inset = max(0.5, line.width / 2) if line.shows else 0.0
    box = Box(inset, inset, scene.width - inset, scene.height - inset)
    if chart.rounded:
        scene.add(Shape("frame", _rounded(box), fill, line, box=box))
    else:
        scene.add(rectangle("frame", box, fill, line, crisp=line.width < 1.5))


def _rounded(box: Box) -> str:
    r = min(_CORNER, box.width / 4, box.height / 4)
    corner = f"a{n(r)} {n(r)} 0 0 1"
    return (
        f"M{n(box.left + r)} {n(box.top)}H{n(box.right - r)}{corner} {n(r)} {n(r)}"
        f"V{n(box.bottom - r)}{corner} {n(-r)} {n(r)}H{n(box.left + r)}{corner} {n(-r)} {n(-r)}"
        f"V{n(box.top + r)}{corner} {n(r)} {n(-r)}Z"
    )


def _plot_area(scene: Scene, chart: Chart, plot: Box) -> None:
    fill, line = chart.plot_look.over()
    if fill.shows or line.shows:
        scene.add(rectangle("plot area", plot, fill, line, crisp=True))


def _series(scene: Scene, plot: Plot, pair: Pair, chart: Chart, theme: Theme, count: int) -> None:
    """The series of a plot with what belongs to their shapes."""
    if plot.kind in BARS:
        bars.draw(scene, plot, pair, theme, count)
    elif plot.kind == "area":
        curves.draw_areas(scene, plot, pair, theme, count)
    elif pair.across is not None and plot.kind == "bubble":
        points.draw_bubbles(scene, plot, pair, theme, count)
    elif pair.across is not None and plot.kind == "scatter":
        points.draw_scatter(scene, plot, pair, theme, count, chart.blanks)
    else:
        curves.draw_lines(scene, plot, pair, theme, count, chart.blanks)
    if any(series.errors for series in plot.series):
        overlay.errors(scene, plot, pair, _ends(plot, pair, chart))
    if any(series.trends for series in plot.series):
        overlay.trends(scene, plot, pair, chart, theme, count)


def _ends(plot: Plot, pair: Pair, chart: Chart) -> list[list[tuple[float, float]]]:
    if plot.kind in BARS:
        return overlay.bar_ends(plot, pair)
    if pair.across is not None:
        return points.places(plot, pair, chart.blanks)
    return curves.places(plot, pair, chart.blanks)


def _values(scene: Scene, placed: Arranged, chart: Chart, theme: Theme) -> None:
    """Data labels, above all series."""
    for pair in placed.pairs:
        for plot in pair.plots:
            if plot.labels is None and not any(series.labels is not None for series in plot.series):
                continue
            if plot.kind in BARS:
                labels.of_bars(scene, plot, pair, chart, bars.bar_boxes(plot, pair))
            elif plot.kind == "area":
                labels.of_areas(scene, plot, pair, chart, curves.places(plot, pair, "zero"))
            elif plot.kind == "bubble" and pair.across is not None:
                found = points.places(plot, pair, "gap")
                labels.of_points(scene, plot, chart, found, theme, "r", points.radii(plot, scene.plot))
            else:
                labels.of_points(scene, plot, chart, _ends(plot, pair, chart), theme)


def _title(scene: Scene, chart: Chart, placed: Arranged) -> None:
    if chart.title is None or placed.title is None:
        return
    found = placed.title
    scene.title = " ".join("".join(part for part, _ in line) for line in chart.title.lines).strip()
    fill, line = chart.title.look.over()
    if fill.shows or line.shows:
        from xltrain.excel.shot.chart.ink import block

        across, down = block(found.lines)
        if abs(found.angle) == 90:
            across, down = down, across
        box = Box(found.x - across / 2 - 5, found.y - down / 2 - 4, found.x + across / 2 + 5, found.y + down / 2 + 4)
        scene.add(rectangle("title box", box, fill, line))
    if not math.isnan(found.x):
        scene.add(*written("title", found.lines, found.x, found.y, "middle", found.angle))
