"""Trend lines: fitted as Excel fits them, by least squares of the values or of their logarithms."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from xltrain.excel.shot.chart.model import Trend
from xltrain.excel.shot.format import is_general, show

_NAMES = {"linear": "Linear", "exp": "Expon.", "log": "Log.", "power": "Power", "poly": "Poly."}


@dataclass(frozen=True)
class Fitted:
    """`curve` gives a value for x; `squared` is the coefficient of determination."""

    curve: Callable[[float], float]
    coefficients: tuple[float, ...]
    squared: float


def trend_name(trend: Trend, series: str) -> str:
    """As the legend names it."""
    if trend.name:
        return trend.name
    if trend.kind == "movingAvg":
        return f"{trend.period} per. Mov. Avg. ({series})"
    return f"{_NAMES.get(trend.kind, 'Linear')} ({series})"


def moving_average(points: Sequence[tuple[float, float]], period: int) -> list[tuple[float, float]]:
    """The mean of each point and those before it, from the first that has enough before it."""
    return [
        (points[index][0], sum(y for _, y in points[index - period + 1 : index + 1]) / period)
        for index in range(period - 1, len(points))
    ]


def fit(trend: Trend, points: Sequence[tuple[float, float]]) -> Fitted | None:
    """The curve through points; None where there are too few or a logarithm would need positive ones."""
    if trend.kind in ("exp", "power"):
        points = [point for point in points if point[1] > 0]
    if trend.kind in ("log", "power"):
        points = [point for point in points if point[0] > 0]
    order = trend.order if trend.kind == "poly" else 1
    if len({x for x, _ in points}) < (2 if trend.intercept is None else 1):
        return None
    order = min(order, len({x for x, _ in points}) - (1 if trend.intercept is None else 0))
    xs = [math.log(x) if trend.kind in ("log", "power") else x for x, _ in points]
    ys = [math.log(y) if trend.kind in ("exp", "power") else y for _, y in points]
    fixed = trend.intercept
    if fixed is not None and trend.kind == "exp":
        fixed = math.log(fixed) if fixed > 0 else None
    if trend.kind in ("log", "power"):
        fixed = None
    found = polynomial(xs, ys, order, fixed)
    if found is None:
        return None
    shown = [_value(found, x) for x in xs]
    mean = sum(ys) / len(ys) if fixed is None else 0.0
    total = sum((y - mean) ** 2 for y in ys)
    rest = sum((y - fitted) ** 2 for y, fitted in zip(ys, shown, strict=True))
    squared = 1 - rest / total if total else 1.0
    return Fitted(_curve(trend.kind, found), found, squared)


def _curve(kind: str, found: tuple[float, ...]) -> Callable[[float], float]:
    def at(x: float) -> float:
        try:
            inner = math.log(x) if kind in ("log", "power") else x
            value = _value(found, inner)
            return math.exp(value) if kind in ("exp", "power") else value
        except (ValueError, OverflowError):
            return math.nan

    return at


def _value(coefficients: Sequence[float], x: float) -> float:
    total = 0.0
    for each in reversed(coefficients):
        total = total * x + each
    return total


def polynomial(xs: Sequence[float], ys: Sequence[float], order: int, fixed: float | None) -> tuple[float, ...] | None:
    """Coefficients from the constant up, by orthogonal columns, on x scaled to about one; `fixed` is the constant."""
    centre = 0.0 if fixed is not None else sum(xs) / len(xs)
    size = max((abs(x - centre) for x in xs), default=0.0) or 1.0
    powers = range(1 if fixed is not None else 0, order + 1)
    scaled = [(x - centre) / size for x in xs]
    columns = [[x**power for x in scaled] for power in powers]
    target = [y - (fixed or 0.0) for y in ys]
    solved = _least_squares(columns, target)
    if solved is None:
        return None
    found = [0.0] * (order + 1)
    if fixed is not None:
        found[0] = fixed
    for power, value in zip(powers, solved, strict=True):
        for lower in range(power + 1):  # (x - centre)^power written out
            factor = math.comb(power, lower) * (-centre) ** (power - lower) / size**power
            found[lower] += value * factor
    return tuple(found)


def _least_squares(columns: list[list[float]], target: list[float]) -> list[float] | None:
    """Modified Gram-Schmidt, then back substitution."""
    count = len(columns)
    upper = [[0.0] * count for _ in range(count)]
    bases = [list(each) for each in columns]
    right = [0.0] * count
    rest = list(target)
    for index, base in enumerate(bases):
        size = math.sqrt(sum(each * each for each in base))
        if size < 1e-10:
            return None
        upper[index][index] = size
        base[:] = [each / size for each in base]
        right[index] = sum(one * two for one, two in zip(base, rest, strict=True))
        rest = [value - right[index] * each for value, each in zip(rest, base, strict=True)]
        for later in range(index + 1, count):
            share = sum(one * two for one, two in zip(base, bases[later], strict=True))
            upper[index][later] = share
            bases[later] = [value - share * each for value, each in zip(bases[later], base, strict=True)]
    solved = [0.0] * count
    for index in reversed(range(count)):
        known = sum(upper[index][later] * solved[later] for later in range(index + 1, count))
        solved[index] = (right[index] - known) / upper[index][index]
    return solved


def trend_text(trend: Trend, fitted: Fitted) -> list[str]:
    """The equation and the coefficient of determination as Excel writes them."""
    lines = []
    if trend.equation:
        lines.append("y = " + _equation(trend, fitted))
    if trend.squared:
        lines.append(f"R² = {_number(fitted.squared, trend.format, 4)}")
    return lines


def _equation(trend: Trend, fitted: Fitted) -> str:
    found, code = fitted.coefficients, trend.format
    if trend.kind == "exp":
        return f"{_number(math.exp(found[0]), code)}e{_power(_number(found[1], code, 3))}ˣ"
    if trend.kind == "power":
        return f"{_number(math.exp(found[0]), code)}x{_power(_number(found[1], code, 3))}"
    if trend.kind == "log":
        return f"{_number(found[1], code)}ln(x){_signed(found[0], code)}"
    parts = ""
    for power in range(len(found) - 1, -1, -1):
        if power and not found[power]:
            continue
        letter = "x" + (_power(str(power)) if power > 1 else "") if power else ""
        if not power and not found[0]:
            continue
        parts += (_signed(found[power], code) if parts else _number(found[power], code)) + letter
    return parts or "0"


def _power(text: str) -> str:
    return text.translate(str.maketrans("0123456789-.", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻·"))


def _signed(value: float, code: str) -> str:
    return f" {'-' if value < 0 else '+'} {_number(abs(value), code)}"


def _number(value: float, code: str, places: int = 4) -> str:
    """Five significant digits, as Excel shows them under General."""
    if not is_general(code):
        return show(value, code).text
    if value and (abs(value) < 1e-4 or abs(value) >= 1e7):
        mantissa, _, exponent = f"{value:.0E}".partition("E")
        return f"{mantissa}E{exponent[0]}{exponent[1:]:0>2}"
    digits = max(0, places + 1 - max(1, len(str(int(abs(value)))))) if abs(value) >= 1 else places
    shown = f"{value:.{digits}f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown
