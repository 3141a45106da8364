"""Slips of the hand: what a number would have been, had it not been mistyped."""

from collections.abc import Iterator
from itertools import pairwise

from xltrain.data.written import as_written

POWERS = (10.0, 0.1, 100.0, 0.01, 1000.0, 0.001)


def slip_of(value: float, low: float, high: float, decimals: int | None = None) -> tuple[str, float, float] | None:
    """The likeliest slip after which a value lies from `low` to `high`: its kind, factor and the value that was meant.

    The kind is factor, sign or swapped (two neighbouring digits). None where none fits, or the range is too wide to
    tell. What was meant has no more than `decimals`, if given: no column of codes holds 3.74.
    """
    if high - low > abs(high + low) or not value or max(low - value, value - high) < (high - low) / 2:
        return None
    for power in POWERS:
        if low <= value / power <= high and as_written(value / power, decimals):
            return "factor", power, _clean(value / power)
    if low <= -value <= high:
        return "sign", -1.0, -value
    for other in swapped(value):
        if low <= other <= high and as_written(other, decimals):
            return "swapped", 1.0, other
    return None


def swapped(value: float) -> Iterator[float]:
    """The numbers that two neighbouring digits make the other way round, the first ones first."""
    signs = f"{value:.10g}"
    if "e" in signs:
        return
    digits = [at for at, sign in enumerate(signs) if sign.isdigit()]
    for one, other in pairwise(digits):
        if signs[one] != signs[other]:
            turned = list(signs)
            turned[one], turned[other] = turned[other], turned[one]
            yield float("".join(turned))


def _clean(value: float) -> float:
    """Without the last digits of a division."""
    return float(f"{value:.12g}")
