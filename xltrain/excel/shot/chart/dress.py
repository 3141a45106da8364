"""Colours, lines and markers of series and points: what the file says, else what the chart's style takes."""

from dataclasses import dataclass

from xltrain.excel.shot.chart.ink import NO_PAINT, NO_STROKE, Paint, Stroke
from xltrain.excel.shot.chart.marker import SYMBOLS, Drawn
from xltrain.excel.shot.chart.model import Marker, Plot, PointStyle, Series, Trend
from xltrain.excel.shot.chart.theme import Theme
from xltrain.excel.shot.fonts import PIXELS

LINES = ("line", "scatter", "radar", "stock")
_NONE = PointStyle()


@dataclass(frozen=True)
class Key:
    """What stands before a name in the legend."""

    fill: Paint = NO_PAINT
    line: Stroke = NO_STROKE
    marker: Drawn | None = None
    is_line: bool = False


def is_line(plot: Plot) -> bool:
    return plot.kind in LINES and not (plot.kind == "radar" and plot.style == "filled")


def colour_of(plot: Plot, series: Series, theme: Theme, count: int, point: int = -1) -> str:
    """The colour that the style gives: by point where the plot varies its colours."""
    if plot.vary and point >= 0 and (plot.kind in ("pie", "doughnut") or len(plot.series) == 1):
        return theme.series(point, len(series.values))
    return theme.series(series.index, count)


def fill_of(
    plot: Plot, series: Series, theme: Theme, count: int, point: int = -1, below: bool = False
) -> tuple[Paint, Stroke]:
    """The fill and outline of a bar, an area or a slice."""
    own = series.points.get(point, _NONE).look if series.points else _NONE.look
    usual = Paint(colour_of(plot, series, theme, count, point))
    fill, line = series.look.over(usual, Stroke())
    varied = plot.vary and point >= 0 and (plot.kind in ("pie", "doughnut") or len(plot.series) == 1)
    if varied and series.look.fill is None:
        fill = usual
    if below and series.inverted is not None and fill.shows and not fill.pattern:
        fill = series.inverted
    return own.over(fill, line)


def line_of(plot: Plot, series: Series, theme: Theme, count: int, point: int = -1) -> Stroke:
    """The line of a series, or the stretch before one of its points."""
    own = series.points.get(point, _NONE).look.line if point >= 0 else None
    if own is not None:
        return own
    if series.look.line is not None:
        return series.look.line
    return Stroke(colour_of(plot, series, theme, count), 3.0)


def marker_of(plot: Plot, series: Series, theme: Theme, count: int, place: int, point: int = -1) -> Drawn | None:
    """The marker of a point; None for none."""
    own = series.points.get(point) if point >= 0 else None
    marker = own.marker if own is not None and own.marker is not None else series.marker
    if marker is None:
        automatic = (plot.kind in ("line", "stock") and plot.markers) or plot.kind == "scatter"
        if plot.kind == "radar":
            automatic = plot.style == "marker"
        if not automatic:
            return None
        marker = Marker()
    if marker.symbol in ("none", "picture"):
        return None
    colour = colour_of(plot, series, theme, count, point)
    if own is not None and own.marker is None and own.look.fill is not None and own.look.fill.colour:
        colour = own.look.fill.colour
    fill, line = marker.look.over(Paint(colour), Stroke(colour, 1.0))
    symbol = marker.symbol or SYMBOLS[series.index % len(SYMBOLS)]
    return Drawn(symbol, marker.size * PIXELS, fill, line)


def series_key(plot: Plot, series: Series, theme: Theme, count: int, place: int) -> Key:
    if is_line(plot):
        return Key(NO_PAINT, line_of(plot, series, theme, count), marker_of(plot, series, theme, count, place), True)
    fill, line = fill_of(plot, series, theme, count)
    return Key(fill, line)


def point_key(plot: Plot, series: Series, point: int, theme: Theme, count: int) -> Key:
    if is_line(plot):
        return Key(
            NO_PAINT,
            line_of(plot, series, theme, count, point),
            marker_of(plot, series, theme, count, 0, point),
            True,
        )
    fill, line = fill_of(plot, series, theme, count, point)
    return Key(fill, line)


def trend_line(trend: Trend, series: Series, theme: Theme, count: int) -> Stroke:
    return trend.look.line if trend.look.line is not None else Stroke(theme.text, 1.0)


def trend_key(trend: Trend, series: Series, theme: Theme, count: int) -> Key:
    return Key(NO_PAINT, trend_line(trend, series, theme, count), None, True)
