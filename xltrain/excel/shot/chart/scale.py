"""Axis limits and ticks as Excel chooses them, and where a value stands.

The rules for automatic limits are those of Microsoft's article 214075: five percent of the range above the largest
value, from zero unless the values lie within a sixth of the largest, rounded to whole units of 1, 2 or 5.
"""

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from xltrain.excel.shot.chart.model import NAN, Axis
from xltrain.excel.shot.dates import MOST_SERIAL

_NEAR = 1 / 6  # share of the largest value within which values do not start at zero
_ROOM = 0.05
MOST_TICKS = 1000


@dataclass(frozen=True)
class Scale:
    """From values to pixels: `low` stands at `start`, `high` at `end`."""

    low: float = 0.0
    high: float = 1.0
    major: float = 1.0
    minor: float = 0.0
    log: float = 0.0
    start: float = 0.0
    end: float = 1.0

    def share(self, value: float) -> float:
        """0 at the low limit, 1 at the high one; NaN for what a logarithm cannot show."""
        if self.log:
            if not value > 0:
                return NAN
            low, high = math.log(self.low), math.log(self.high)
            return (math.log(value) - low) / (high - low)
        return (value - self.low) / (self.high - self.low)

    def at(self, value: float) -> float:
        return self.start + self.share(value) * (self.end - self.start)

    def spread(self, start: float, end: float) -> "Scale":
        return replace(self, start=start, end=end)

    @property
    def ticks(self) -> list[float]:
        return self._steps(self.major)

    @property
    def minor_ticks(self) -> list[float]:
        if self.log:
            return [
                decade * step
                for decade in self._steps(self.log)
                for step in range(2, int(self.log))
                if decade * step <= self.high
            ][:MOST_TICKS]
        return self._steps(self.minor) if self.minor > 0 else []

    @property
    def zero(self) -> float:
        """The value nearest to zero that shows: where bars begin and axes cross by themselves."""
        if self.log:
            return self.low
        return min(max(0.0, self.low), self.high)

    def _steps(self, step: float) -> list[float]:
        if self.log:
            found: list[float] = []
            value = self.low
            factor = max(step, self.log)
            while value <= self.high * (1 + 1e-9) and len(found) < MOST_TICKS:
                found.append(float(f"{value:.12g}"))
                value *= factor
            return found
        count = int((self.high - self.low) / step + 1e-6)
        if not 0 <= count <= MOST_TICKS:
            return [self.low, self.high]
        digits = 2 - math.floor(math.log10(step))
        return [_clean(self.low + index * step, digits + 8) for index in range(count + 1)]


def value_scale(axis: Axis, values: Iterable[float], most: int, percent: bool = False) -> Scale:
    """The scale of a value axis for its data, with at most `most` major steps."""
    shown = [each for each in values if math.isfinite(each)]
    if axis.log:
        return _log_scale(axis, shown)
    low, high = (min(shown), max(shown)) if shown else (0.0, 1.0)
    low, high = max(low, -1e300), min(high, 1e300)
    unit = axis.major if axis.major > 0 else NAN
    bottom, top, step = _automatic(low, high, axis.low, axis.high, unit, max(2, most), percent)
    if not top > bottom:
        top = bottom + (abs(bottom) or 1.0)
        step = (top - bottom) / 5
    minor = axis.minor if axis.minor > 0 else step / 5
    return Scale(bottom, top, step, minor)


def _automatic(
    low: float, high: float, fixed_low: float, fixed_high: float, unit: float, most: int, percent: bool
) -> tuple[float, float, float]:
    """Limits and unit: the smallest unit whose steps fit."""
    wanted_low, wanted_high = _wanted(low, high, percent)
    if not math.isnan(fixed_low):
        wanted_low = fixed_low
    if not math.isnan(fixed_high):
        wanted_high = fixed_high
    if wanted_high <= wanted_low:
        gap = abs(wanted_low) or 1.0
        if math.isnan(fixed_low):
            wanted_low = wanted_high - gap
        else:
            wanted_high = wanted_low + gap
    span = wanted_high - wanted_low
    units = [unit] if not math.isnan(unit) else _units(span / most)
    for step in units:
        bottom = fixed_low if not math.isnan(fixed_low) else _floor(wanted_low, step)
        top = fixed_high if not math.isnan(fixed_high) else _ceil(wanted_high, step, bottom)
        if (top - bottom) / step <= most + 1e-9:
            break
    return bottom, top, step


def _wanted(low: float, high: float, percent: bool) -> tuple[float, float]:
    """The range that the limits must hold."""
    if percent:
        return (-1.0 if low < 0 else 0.0), (1.0 if high > 0 else 0.0)
    if low == high:
        low, high = min(low, 0.0), max(high, 0.0)
        if low == high:
            return 0.0, 1.0
    room = high - low
    if low >= 0:
        near = room <= _NEAR * high
        return (low - room / 2 if near else 0.0), high + _ROOM * room
    if high <= 0:
        near = room <= _NEAR * -low
        return low - _ROOM * room, (high + room / 2 if near else 0.0)
    return low - _ROOM * room, high + _ROOM * room


def _units(least: float) -> list[float]:
    """Units of 1, 2, 5 from the first that is not below `least`."""
    power = math.floor(math.log10(least)) if least > 0 else 0
    found = [step * 10.0**each for each in range(power, power + 3) for step in (1, 2, 5)]
    return [float(f"{each:.3g}") for each in found if each >= least * (1 - 1e-9)]


def _floor(value: float, step: float) -> float:
    return _clean(math.floor(value / step + 1e-9) * step, 10 - math.floor(math.log10(step)))


def _ceil(value: float, step: float, bottom: float) -> float:
    steps = math.ceil((value - bottom) / step - 1e-9)
    return _clean(bottom + max(1, steps) * step, 10 - math.floor(math.log10(step)))


def _clean(value: float, digits: int) -> float:
    return round(value, digits) if digits < 300 else value


def _log_scale(axis: Axis, values: list[float]) -> Scale:
    """Whole powers around the values; from 1 where no value is below."""
    base = axis.log
    shown = [each for each in values if each > 0]
    low, high = (min(shown), max(shown)) if shown else (1.0, base)
    bottom = axis.low if axis.low > 0 else min(1.0, base ** math.floor(math.log(low, base) + 1e-9))
    top = axis.high if axis.high > 0 else base ** math.ceil(math.log(high, base) - 1e-9)
    bottom, top = max(bottom, 1e-300), min(top, 1e300)
    if top <= bottom:
        top = bottom * base
    major = axis.major if axis.major >= base else base
    while math.log(top / bottom, major) > 40:
        major *= base
    return Scale(float(f"{bottom:.12g}"), float(f"{top:.12g}"), major, log=base)


@dataclass(frozen=True)
class Slots:
    """From categories to pixels; `between`: each in the middle of its slot, else from edge to edge.

    `days` are the places of the points on a date axis, which has slots for the days without points too.
    """

    count: int
    between: bool = True
    start: float = 0.0
    end: float = 1.0
    days: tuple[int, ...] = ()
    first: int = 0

    @property
    def size(self) -> float:
        return (self.end - self.start) / max(1, self.count if self.between else self.count - 1)

    def at(self, index: float) -> float:
        """The middle of a point's slot."""
        if self.days:
            index = self.days[int(index)] - self.first if 0 <= index < len(self.days) else index
        return self.slot(index)

    def slot(self, index: float) -> float:
        if not self.between and self.count < 2:
            return (self.start + self.end) / 2
        return self.start + (index + (0.5 if self.between else 0.0)) * self.size

    def edge(self, index: float) -> float:
        """Where a slot begins."""
        return self.start + index * self.size

    def spread(self, start: float, end: float) -> "Slots":
        return replace(self, start=start, end=end)


def base_unit(serials: list[float], given: str) -> str:
    """days, months or years: the unit of a date axis, from the smallest gap between dates."""
    if given in ("days", "months", "years"):
        return given
    ordered = sorted({int(each) for each in serials})
    gaps = [later - before for before, later in itertools.pairwise(ordered)]
    least = min(gaps, default=1)
    return "years" if least >= 365 else "months" if least >= 28 else "days"


def month_of(serial: float) -> int:
    """Months since 1900."""
    import datetime

    days = min(max(int(serial), 1), int(MOST_SERIAL) - 1)
    moment = datetime.date(1899, 12, 30) + datetime.timedelta(days=days)
    return (moment.year - 1900) * 12 + moment.month - 1


def serial_of(month: int) -> int:
    """The serial number of a month's first day."""
    import datetime

    year = min(9999, 1900 + month // 12)
    return (datetime.date(year, month % 12 + 1, 1) - datetime.date(1899, 12, 30)).days
