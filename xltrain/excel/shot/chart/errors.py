"""The lengths of error bars."""

import math
from collections.abc import Sequence

from xltrain.excel.shot.chart.model import ErrorBars


def lengths(bars: ErrorBars, values: Sequence[float]) -> list[tuple[float, float]]:
    """Below and above each value, never negative; 0 on a side that has no bar."""
    known = [each for each in values if math.isfinite(each)]
    found = []
    for index, value in enumerate(values):
        minus = plus = abs(bars.value)
        if bars.kind == "percentage":
            minus = plus = abs(value) * abs(bars.value) / 100
        elif bars.kind == "stdErr":
            minus = plus = _deviation(known) / math.sqrt(len(known)) if known else 0.0
        elif bars.kind == "stdDev":
            minus = plus = _deviation(known) * abs(bars.value)
        elif bars.kind == "cust":
            minus, plus = _custom(bars.minus.numbers, index), _custom(bars.plus.numbers, index)
        found.append((minus if bars.side != "plus" else 0.0, plus if bars.side != "minus" else 0.0))
    return found


def centre(bars: ErrorBars, values: Sequence[float]) -> float | None:
    """Bars of the standard deviation stand about the mean, all others about their points."""
    known = [each for each in values if math.isfinite(each)]
    return sum(known) / len(known) if bars.kind == "stdDev" and known else None


def _custom(numbers: Sequence[float], index: int) -> float:
    """One number stands for all points."""
    found = numbers[index] if index < len(numbers) else numbers[0] if len(numbers) == 1 else 0.0
    return abs(found) if math.isfinite(found) else 0.0


def _deviation(values: Sequence[float]) -> float:
    if len(values) < 2:
        return 0.0
    mean = sum(values) / len(values)
    return math.sqrt(sum((each - mean) ** 2 for each in values) / (len(values) - 1))
