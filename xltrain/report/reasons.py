"""Why a row is a suspect, in a sentence: what the odd cell holds, what was expected, and what would have fitted."""

import datetime
import math
from typing import Any

import numpy as np

from xltrain.data.slips import slip_of
from xltrain.data.written import outwards
from xltrain.language import text

MANY = 2.0  # times the expected from which on that is said
_EPOCH = datetime.date(1970, 1, 1)


def number_reason(column: str, found: Any, low: float, high: float, decimals: int | None = None) -> str:
    """`price 9,999 is 38 times what the rest of the row leads one to expect; expected 240 to 290`.

    Args:
        found: the cell as it is: a number, a date, or None.
        low, high: where it was expected; days since 1970 for a date.
        decimals: of the column's numbers; None where they are not rounded.
    """
    value = as_number(found)
    if value is None or not (math.isfinite(low) and math.isfinite(high)):
        return text("cell_odd", column=column, found=plain(found))
    dated = hasattr(found, "isoformat")
    ends = shown_range(low, high, dated)
    said = {"column": column, "found": plain(found), "low": ends[0], "high": ends[1]}
    if low <= value <= high:
        return text("suspect_within", **said)
    times = value / ((low + high) / 2) if low > 0 and value > 0 and not dated else math.nan
    if times >= MANY or 0 < times <= 1 / MANY:
        sentence = text("suspect_times", times=f"{times:.3g}", **said)
    else:
        side = text("suspect_above" if value > high else "suspect_below")
        sentence = text("suspect_number", side=side, **said)
    guess = "" if dated else _guess(value, low, high, decimals)
    return text("suspect_and", one=sentence, other=guess) if guess else sentence


def word_reason(column: str, found: Any, expected: str) -> str:
    return text("suspect_word", column=column, found=plain(found), expected=expected)


def class_reason(target: str, found: str, expected: str, share: float) -> str:
    """Why a label is in doubt; no `expected` where no other is likelier."""
    if not expected:
        return text("suspect_class_low", target=target, found=found)
    return text("suspect_class", target=target, found=found, expected=expected, share=f"{share:.0%}")


def shown_range(low: float, high: float, dated: bool = False) -> tuple[str, str]:
    """The limits of a range as one would write them, rounded away from one another."""
    least, most = outwards(np.array(low), np.array(high), dated)
    return plain(float(least), dated), plain(float(most), dated)


def _guess(value: float, low: float, high: float, decimals: int | None) -> str:
    """A slip of the hand after which the value would fit; empty where none is likely, or the range too wide to tell."""
    slip = slip_of(value, low, high, decimals)
    if slip is None:
        other = slip_of(value, low, high) if decimals == 0 else None
        return text("suspect_not_whole", guess=plain(other[2])) if other else ""
    kind, factor, meant = slip
    if kind == "factor":
        return text("suspect_factor", guess=plain(meant), factor=plain(max(factor, 1 / factor)))
    return text("suspect_sign" if kind == "sign" else "suspect_swapped", guess=plain(meant))


def as_number(found: Any) -> float | None:
    """A cell as a number, dates as days since 1970; None for what is none."""
    if isinstance(found, bool) or found is None:
        return None
    if isinstance(found, datetime.datetime):
        return (found.replace(tzinfo=None) - datetime.datetime(1970, 1, 1)).total_seconds() / 86_400
    if isinstance(found, datetime.date):
        return float((found - _EPOCH).days)
    try:
        value = float(found)
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) else None


def plain(value: Any, dated: bool = False) -> str:
    """A value as one would write it: four digits of a computed number are enough, a cell's own stay."""
    if value is None:
        return "–"
    if isinstance(value, (datetime.datetime, datetime.date)):
        return str(value)[:16].removesuffix(" 00:00")
    if dated:
        days = min(max(float(value), -700_000.0), 2_900_000.0)
        return str(_EPOCH + datetime.timedelta(days=round(days)))
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    if not math.isfinite(value):
        return "–"
    if value == round(value) and abs(value) < 1e15:
        return f"{value:,.0f}"
    if not 1e-4 <= abs(value) < 1e9:
        return f"{value:.3g}"
    return f"{value:,.{max(3 - math.floor(math.log10(abs(value))), 0)}f}"
