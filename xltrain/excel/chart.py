"""Native charts, readable in black and white: line, bar, column and scatter, with titles and number formats.

The numbers behind the charts stand on one hidden sheet, thinned to what a chart can show; the visible sheets hold
everything in full.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from xltrain.excel.write import FONTS, GREY, INK, LINE, NAVY, Book, Sheet, number_format
from xltrain.language import current
from xltrain.place import column_letter

MAX_POINTS = 5_000  # in one chart
# Percentiles left out on either side, and how many times the range between them a value may lie beyond.
BULK = ((1, 0.6), (5, 2.0))
LABELS = 15  # below the columns of a histogram
Floats = npt.NDArray[np.float64]

# Dark enough to differ from white in grey, ordered so that neighbours differ in lightness.
COLOURS = ("#1F3864", "#E07B00", "#2E8B57", "#B22222", "#7B5EA7", "#0097A7", "#8C564B", "#C2185B", "#708090", "#9A8700")
DASHES = ("solid", "dash", "round_dot", "long_dash", "dash_dot", "long_dash_dot", "square_dot")
MARKERS = ("circle", "square", "triangle", "diamond", "x", "star", "plus")
GREYED = "#B8BEC8"


@dataclass(frozen=True)
class Ref:
    """A run of cells in one column of the data sheet, and the values in it."""

    column: int
    first: int
    values: Sequence[object] | Floats = field(compare=False)

    def cells(self, sheet: str) -> list[object]:
        """As XlsxWriter takes it: sheet, first row, first column, last row, last column."""
        return [sheet, self.first, self.column, self.first + max(len(self.values), 1) - 1, self.column]


class ChartData:
    """Columns of numbers for charts, collected while the sheets are written and put on one hidden sheet at the end."""

    def __init__(self, book: Book, name: str) -> None:
        self.book = book
        self.name = name
        self._columns: list[tuple[str, Ref]] = []

    def column(self, head: str, values: Sequence[object] | Floats) -> Ref:
        """One more column; the chart refers to it at once."""
        ref = Ref(len(self._columns), 1, values)
        self._columns.append((head, ref))
        return ref

    def write(self) -> None:
        """The hidden sheet."""
        if not self._columns:
            return
        page = self.book.workbook.add_worksheet(self.name)
        page.hide()
        sheet = Sheet(self.book, page, self.name)
        for head, ref in self._columns:
            sheet.write(0, ref.column, head)
            sheet.column(ref.first, ref.column, ref.values)


@dataclass(frozen=True)
class Series:
    """One line or cloud of points."""

    name: str
    x: Ref
    y: Ref
    colour: str = NAVY
    dash: str = "solid"
    width: float = 1.75
    marker: str = "none"  # with a marker and width 0: points only
    size: int = 4
    spread: Ref | None = None  # an error bar up and down


@dataclass(frozen=True)
class Axis:
    """An axis: its title, number format and, where not automatic, its limits."""

    title: str = ""
    format: str = "General"
    low: float | None = None
    high: float | None = None
    log: bool = False
    whole: bool = False
    grid: bool = True

    def options(self) -> dict[str, Any]:
        """As XlsxWriter takes them."""
        font = {"name": FONTS[current()], "size": 9, "color": INK}
        options: dict[str, Any] = {
            "name": self.title,
            "name_font": {**font, "bold": False, "color": GREY},
            "num_font": font,
            "num_format": self.format,
            "line": {"color": GREY, "width": 0.75},
            "major_gridlines": {"visible": self.grid, "line": {"color": "#E3E7ED", "width": 0.5}},
            "label_position": "low",
        }
        if self.low is not None:
            options["min"] = options["crossing"] = self.low
        if self.high is not None:
            options["max"] = self.high
        if self.low is not None and self.high is not None and not self.log:
            unit = _step(self.low, self.high)
            # Ticks on round numbers, where both ends are some.
            if all(abs(end / unit - round(end / unit)) < 1e-6 for end in (self.low, self.high)):
                options["major_unit"] = unit
                options["num_format"] = _fine(self.format, unit)
        if self.log:
            options["log_base"] = 10
        if self.whole:
            options["minor_unit"] = 1
        return options


def _fine(shown: str, unit: float) -> str:
    """A number format with as many decimals as it takes to tell ticks apart."""
    whole, _, decimals = shown.partition(".")
    if whole not in ("0", "#,##0") or decimals.strip("0") or not unit > 0:
        return shown
    need = min(max(next(count for count in range(20) if unit >= 0.9999 * 10.0**-count), len(decimals)), 12)
    # 2.5 lies between whole numbers.
    need += need < 12 and abs(unit * 10**need - round(unit * 10**need)) > 1e-6
    return f"{whole}.{'0' * need}" if need else whole


def thin(count: int, limit: int = MAX_POINTS) -> npt.NDArray[np.int64]:
    """Positions of at most `limit` of `count` points, evenly spread, both ends kept."""
    if count <= limit:
        return np.arange(count)
    return np.unique(np.linspace(0, count - 1, max(limit, 2)).round().astype(np.int64))


def colour(index: int) -> str:
    return COLOURS[index % len(COLOURS)]


def dash(index: int) -> str:
    """Changes with every series, so that a line can be told apart without its colour."""
    return DASHES[index % len(DASHES)]


def xy_chart(
    data: ChartData,
    title: str,
    series: Sequence[Series],
    x: Axis,
    y: Axis,
    legend: str = "bottom",
    hide: Sequence[int] = (),
) -> Any:
    """Lines or points over a numeric axis; `hide` are series without an entry in the legend."""
    chart = data.book.workbook.add_chart({"type": "scatter", "subtype": "straight_with_markers"})
    for each in series:
        outline = {"color": each.colour, "width": each.width, "dash_type": each.dash} if each.width else {"none": True}
        options: dict[str, Any] = {
            "name": each.name,
            "categories": each.x.cells(data.name),
            "values": each.y.cells(data.name),
            "line": outline,
            "marker": {"type": "none"},
        }
        if each.marker != "none":
            fill = {"color": each.colour, "transparency": 45}
            options["marker"] = {"type": each.marker, "size": each.size, "fill": fill, "border": {"none": True}}
        if each.spread:
            options["y_error_bars"] = _error_bars(data, each.spread)
        chart.add_series(options)
    _finish(chart, title, x, y, legend if len(series) - len(hide) > 1 or not hide else "none", hide)
    return chart


def bar_chart(
    data: ChartData,
    title: str,
    names: Ref,
    values: Ref,
    axis: Axis,
    fills: Mapping[int, str],
    hatched: Sequence[int] = (),
    fill: str = "#7FA3D1",
    spread: Ref | None = None,
) -> Any:
    """Horizontal bars, first on top; `fills` colours single bars, `hatched` ones are what to compare with. `spread`
    gives each bar an error bar to both sides instead of its value.
    """
    chart = data.book.workbook.add_chart({"type": "bar"})
    points: list[dict[str, Any] | None] = []
    for index in range(len(names.values)):
        if index in hatched:
            pattern = {"pattern": "wide_upward_diagonal", "fg_color": GREY, "bg_color": "#FFFFFF"}
            points.append({"pattern": pattern, "border": {"color": GREY}})
        else:
            points.append({"fill": {"color": fills[index]}} if index in fills else None)
    chart.add_series(
        {
            "categories": names.cells(data.name),
            "values": values.cells(data.name),
            "fill": {"color": fill},
            "points": points,
            "gap": 40,
            **(
                {"y_error_bars": _error_bars(data, spread)}
                if spread
                else {"data_labels": {"value": True, "num_format": axis.format, "font": {"size": 8, "color": INK}}}
            ),
        }
    )
    _finish(chart, title, Axis(), axis, "none", ())
    font = {"name": FONTS[current()], "size": 9, "color": INK}
    chart.set_y_axis(
        {
            "reverse": True,
            "interval_unit": 1,
            "num_font": font,
            "line": {"color": GREY},
            "major_tick_mark": "none",
            "label_position": "low",
        }
    )
    # With the categories reversed the value axis would move to the top.
    chart.set_x_axis({**axis.options(), "label_position": "high"})
    return chart


def column_chart(data: ChartData, title: str, names: Ref, values: Ref, x: Axis, y: Axis) -> Any:
    """Columns side by side without a gap: a histogram."""
    chart = data.book.workbook.add_chart({"type": "column"})
    chart.add_series(
        {
            "categories": names.cells(data.name),
            "values": values.cells(data.name),
            "fill": {"color": "#7FA3D1"},
            "border": {"color": NAVY, "width": 0.5},
            "gap": 4,
        }
    )
    _finish(chart, title, x, y, "none", ())
    if len(names.values) > LABELS:  # or they would stand in each other's way
        chart.set_x_axis({**x.options(), "interval_unit": math.ceil(len(names.values) / LABELS)})
    return chart


@dataclass(frozen=True)
class Dots:
    """One row of points over categories, with how far each may be off."""

    name: str
    y: Ref
    spread: Ref | None = None
    above: Ref | None = None  # where that is less upwards


def dot_chart(
    data: ChartData, title: str, names: Ref, dots: Sequence[Dots], x: Axis, y: Axis, joined: bool = False
) -> Any:
    """Points over categories: unlike columns they may be read off an axis that does not begin at 0. `joined` draws a
    line through those that have an order.
    """
    chart = data.book.workbook.add_chart({"type": "line"})
    for turn, each in enumerate(dots):
        look = {"type": MARKERS[turn % len(MARKERS)], "size": 8}
        options: dict[str, Any] = {
            "name": each.name,
            "categories": names.cells(data.name),
            "values": each.y.cells(data.name),
            "line": {"color": colour(turn), "width": 1, "dash_type": dash(turn)} if joined else {"none": True},
            "marker": {**look, "fill": {"color": colour(turn)}, "border": {"color": "#FFFFFF"}},
        }
        if each.spread:
            options["y_error_bars"] = _error_bars(data, each.spread, each.above)
        chart.add_series(options)
    _finish(chart, title, x, y, "bottom" if len(dots) > 1 else "none", ())
    return chart


def _error_bars(data: ChartData, spread: Ref, above: Ref | None = None) -> dict[str, Any]:
    below, known = _column(data, spread)
    plus, more = _column(data, above) if above else (below, known)
    both = {"plus_values": plus, "minus_values": below, "plus_data": more, "minus_data": known}
    return {"type": "custom", **both, "line": {"color": INK, "width": 0.75}}


def _column(data: ChartData, ref: Ref) -> tuple[str, list[float]]:
    """The cells of a column, and what is in them; 0 where nothing is."""
    letter = column_letter(ref.column + 1)
    last = ref.first + max(len(ref.values), 1)
    cells = f"='{data.name}'!${letter}${ref.first + 1}:${letter}${last}"
    return cells, [float(each) if math.isfinite(float(each)) else 0.0 for each in np.asarray(ref.values, np.float64)]


def log_axis(title: str, values: Floats) -> Axis:
    """Logarithmic where the values span more than a factor of 30, with limits close to them."""
    shown = values[np.isfinite(values)]
    if len(shown) and shown.min() > 0 and shown.max() / shown.min() > 30:
        low = 10.0 ** math.floor(math.log10(float(shown.min())))
        return Axis(title, "General", low=low, high=nice(float(shown.max())), log=True)
    return Axis(title, number_format(shown, 2))


def nice(value: float, down: bool = False) -> float:
    """The next of 1, 2, 5, 10 ... times a power of ten."""
    if value == 0 or not math.isfinite(value):
        return 0.0
    if value < 0:
        return -nice(-value, not down)
    power = 10.0 ** math.floor(math.log10(value))
    steps = (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)
    ratio = value / power
    step = max(each for each in steps if each <= ratio + 1e-9) if down else min(e for e in steps if e >= ratio - 1e-9)
    return float(f"{step * power:.6g}")


def limits(values: Floats) -> tuple[float, float, int]:
    """Axis limits around the bulk of the values, and how many values lie outside them.

    A few values far away (a planted factor of ten) would squeeze all others into a corner: the limits leave them out,
    and the caller says how many.
    """
    shown = values[np.isfinite(values)]
    if not len(shown):
        return 0.0, 1.0, 0
    low, high = float(shown.min()), float(shown.max())
    for outer, far in BULK:
        inner_low, inner_high = (float(each) for each in np.percentile(shown, [outer, 100 - outer]))
        room = inner_high - inner_low
        if room > 0:
            low = low if inner_low - low < far * room else inner_low - 0.1 * room
            high = high if high - inner_high < far * room else inner_high + 0.1 * room
    low, high = _rounded(low, high)
    return low, high, int(np.sum((shown < low) | (shown > high)))


def _rounded(low: float, high: float) -> tuple[float, float]:
    """Limits on round numbers: multiples of the distance of ticks; from 0 where 0 is near."""
    if high - low <= 1e-9 * max(abs(low), abs(high)):  # the same but for rounding
        middle = float(f"{(low + high) / 2:.9g}")
        room = nice(abs(middle) / 10) or 1.0
        low, high = middle - room, middle + room
    if 0 <= low < 0.3 * high:
        low = 0.0
    step = _step(low, high)
    return float(f"{math.floor(low / step) * step:.10g}"), float(f"{math.ceil(high / step) * step:.10g}")


def _step(low: float, high: float) -> float:
    """How far the ticks of an axis are apart: 1, 2 or 5 times a power of ten, five to ten of them."""
    least = (high - low) / 10 * (1 - 1e-9)
    power = 10.0 ** math.floor(math.log10(least))
    return float(f"{next(each * power for each in (1, 2, 5, 10) if each * power >= least):.6g}")


def _finish(chart: Any, title: str, x: Axis, y: Axis, legend: str, hide: Sequence[int]) -> None:
    font = {"name": FONTS[current()], "size": 9, "color": INK}
    chart.set_title({"name": title, "name_font": {**font, "size": 11, "bold": True, "color": NAVY}, "overlay": False})
    chart.set_x_axis(x.options())
    chart.set_y_axis(y.options())
    if legend == "none":
        chart.set_legend({"none": True})
    else:
        chart.set_legend({"position": legend, "font": font, "delete_series": list(hide)})
    chart.set_chartarea({"border": {"color": LINE, "width": 0.75}, "fill": {"color": "#FFFFFF"}})
    chart.set_plotarea({"fill": {"none": True}})
    chart.show_hidden_data()
    chart.show_blanks_as("gap")
