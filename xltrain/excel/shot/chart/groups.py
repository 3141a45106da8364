"""Which series share which axes, and what each series stacks up to."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from xltrain.excel.shot.chart.errors import lengths
from xltrain.excel.shot.chart.model import NAN, Axis, Cache, Chart, ErrorBars, Plot, Series
from xltrain.excel.shot.chart.scale import Scale, Slots, base_unit, month_of, value_scale

ROUND = ("pie", "doughnut")
BARS = ("bar", "column")
_POINTS = ("scatter", "bubble")


@dataclass
class Pair:
    """The plots on one pair of axes: `x` of the categories (or of scatter's x values), `y` of the values."""

    plots: list[Plot]
    x: Axis
    y: Axis
    second: bool = False
    upright: bool = True  # y goes up; bars lie when it does not
    slots: Slots = field(default_factory=lambda: Slots(1))
    across: Scale | None = None  # of x where it is a value axis
    scale: Scale = field(default_factory=Scale)
    unit: str = ""  # of a date axis

    @property
    def kinds(self) -> set[str]:
        return {plot.kind for plot in self.plots}

    @property
    def series(self) -> list[Series]:
        return [each for plot in self.plots for each in plot.series]

    @property
    def points(self) -> bool:
        """Whether both axes count."""
        return bool(self.plots) and all(plot.kind in _POINTS for plot in self.plots)

    @property
    def percent(self) -> bool:
        return any(plot.grouping == "percentStacked" for plot in self.plots)

    @property
    def count(self) -> int:
        return max([max(len(each.values), len(each.categories)) for each in self.series], default=0)

    @property
    def categories(self) -> Cache:
        named = [each.categories for each in self.series if len(each.categories)]
        return named[0] if named else Cache()


def pairs(chart: Chart) -> list[Pair]:
    """The pairs of axes in use, the primary one first."""
    found: dict[tuple[str, ...], Pair] = {}
    for plot in chart.plots:
        if plot.kind in (*ROUND, "radar"):
            continue
        ids = tuple(each for each in plot.axes[:2] if each in chart.axes)
        if ids in found:
            found[ids].plots.append(plot)
            continue
        x, y = _axes_of(plot, chart, ids)
        found[ids] = Pair([plot], x, y, bool(found), plot.kind != "bar")
    first = next(iter(found.values()), None)
    for each in found.values():
        if first is not None and each.upright != first.upright and "bar" not in each.kinds:
            each.upright = True
    return list(found.values())


def _axes_of(plot: Plot, chart: Chart, ids: tuple[str, ...]) -> tuple[Axis, Axis]:
    """The axis of categories and the axis of values; made up where the file has none."""
    known = [chart.axes[each] for each in ids]
    if plot.kind in _POINTS:
        known.sort(key=lambda axis: axis.at not in ("b", "t"))
    else:
        known.sort(key=lambda axis: axis.kind == "val")
    kind = "val" if plot.kind in _POINTS else "cat"
    x = known[0] if known else Axis("", kind, "b", deleted=True)
    y = known[1] if len(known) > 1 else Axis("", "val", "l", deleted=True)
    return x, y


def heights(plot: Plot) -> list[list[tuple[float, float]]]:
    """For every series the (bottom, top) of each point; NaN where there is none."""
    if plot.grouping not in ("stacked", "percentStacked"):
        return [[(0.0, value) for value in each.values.numbers] for each in plot.series]
    count = max((len(each.values) for each in plot.series), default=0)
    totals = [0.0] * count
    if plot.grouping == "percentStacked":
        for each in plot.series:
            for index, value in enumerate(each.values.numbers):
                totals[index] += abs(value) if math.isfinite(value) else 0.0
    ups, downs = [0.0] * count, [0.0] * count
    found = []
    apart = plot.kind in BARS  # bars below zero stack downwards, lines and areas add up
    for each in plot.series:
        one = []
        for index in range(count):
            value = each.values.at(index)
            if plot.grouping == "percentStacked":
                value = value / totals[index] if totals[index] else NAN
            if not math.isfinite(value):
                one.append((ups[index], NAN) if apart else (ups[index], ups[index]))
                continue
            side = downs if apart and value < 0 else ups
            one.append((side[index], side[index] + value))
            side[index] += value
        found.append(one)
    return found


def extremes(pair: Pair) -> Iterator[float]:
    """The values that the axis must hold."""
    for plot in pair.plots:
        stacked = plot.grouping in ("stacked", "percentStacked") and plot.kind not in _POINTS
        tops = heights(plot) if stacked else [[(0.0, value) for value in each.values.numbers] for each in plot.series]
        for series, ends in zip(plot.series, tops, strict=True):
            shown = [top for _, top in ends if math.isfinite(top)]
            yield from (min(shown), max(shown)) if shown else ()
            for bars in series.errors:
                if bars.upright or not pair.points:
                    yield from _reach(bars, [top for _, top in ends], list(series.values.numbers))


def _reach(bars: ErrorBars, tops: list[float], values: list[float]) -> Iterator[float]:
    for top, (minus, plus) in zip(tops, lengths(bars, values), strict=False):
        if math.isfinite(top):
            yield top - minus
            yield top + plus


def across_values(pair: Pair) -> Iterator[float]:
    """The x values of a scatter chart; 1, 2, 3 ... where there are none."""
    for series in pair.series:
        yield from x_values(series)
        for bars in series.errors:
            if not bars.upright:
                yield from _reach(bars, x_values(series), x_values(series))


def x_values(series: Series) -> list[float]:
    numbers = series.categories.numbers
    if series.categories.is_text or not any(map(math.isfinite, numbers)):
        return [float(index + 1) for index in range(len(series.values))]
    return list(numbers)


def prepare(pair: Pair, between: bool) -> None:
    """The slots of the categories, which do not depend on sizes."""
    categories = pair.categories
    serials = [each for each in categories.numbers if math.isfinite(each)]
    if pair.x.kind == "date" and serials and not categories.is_text:
        pair.unit = base_unit(serials, pair.x.base)
        days = tuple(_place(each, pair.unit) for each in categories.numbers)
        known = [place for place in days if place >= 0]
        first, last = min(known), max(known)
        if not math.isnan(pair.x.low):
            first = _place(pair.x.low, pair.unit)
        if not math.isnan(pair.x.high):
            last = max(first, _place(pair.x.high, pair.unit))
        pair.slots = Slots(min(last - first + 1, 3_000_000), between, days=days, first=first)
    else:
        pair.slots = Slots(max(1, pair.count), between)


def _place(serial: float, unit: str) -> int:
    if not math.isfinite(serial) or abs(serial) > 3e6:
        return -1
    if unit == "days":
        return int(serial)
    months = month_of(serial)
    return months if unit == "months" else months // 12


def rescale(pair: Pair, most_y: int, most_x: int, bubbles: float = 0.0) -> None:
    """Limits and units for so many steps at most."""
    pair.scale = value_scale(pair.y, extremes(pair), most_y, pair.percent)
    if not pair.points:
        return
    pair.across = value_scale(pair.x, across_values(pair), most_x)
    if "bubble" in pair.kinds and bubbles:
        pair.scale = value_scale(pair.y, _widened(extremes(pair), bubbles), most_y)
        pair.across = value_scale(pair.x, _widened(across_values(pair), bubbles), most_x)


def _widened(values: Iterable[float], share: float) -> list[float]:
    """Room for the bubbles at the edges."""
    shown = [each for each in values if math.isfinite(each)]
    if not shown:
        return []
    room = (max(shown) - min(shown)) * share
    return [min(shown) - room if min(shown) < room else min(shown), max(shown) + room]
