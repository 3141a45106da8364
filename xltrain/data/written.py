"""How finely numbers are written: no number is odd by less than its own rounding."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

SOME = 2_000  # numbers at which that is seen
MOST = 0.95  # of the numbers need no further decimal
DECIMALS = 9  # at most: numbers of more are measured, not rounded
EXACT = 1e-9  # of a number: what arithmetic loses
COMMON, FEW = 0.02, 5  # share and number of rows from which on a value is common
FINE = 1e-3  # of a number: a last decimal that is worth less says nothing of how it came about
BEYOND = 0.002  # share of the rows that may stand between two values without parting them


def decimals_of(values: Floats) -> int | None:
    """The last decimal that a column's numbers use (rows,), NaN where empty; None where they are not rounded."""
    known = values[np.isfinite(values)]
    if not len(known):
        return None
    if len(known) > SOME:
        known = known[np.linspace(0, len(known) - 1, SOME).astype(np.int64)]
    for decimals in range(DECIMALS + 1):
        with np.errstate(over="ignore", invalid="ignore"):
            rest = np.abs(known - np.round(known, decimals))
            if (rest <= EXACT * 0.1**decimals + EXACT * 0.1 * np.abs(known)).mean() >= MOST:
                return decimals
    return None


def rounding(values: Floats) -> float:
    """Half a unit of the last decimal that a column's numbers use; 0 where they are not rounded."""
    decimals = decimals_of(values)
    return 0.0 if decimals is None else 0.5 * 10.0**-decimals


def tolerance(values: Floats) -> Floats:
    """By how much each number (rows,) may be off without being wrong: its rounding, and what arithmetic loses."""
    return np.asarray(rounding(values) * (1 + 1e-6) + EXACT * np.abs(np.nan_to_num(values)))


def nearest_written(values: Floats, said: Floats) -> npt.NDArray[np.bool_]:
    """Which numbers stand often in their column, and are of such the nearest to what is said instead: (rows,).

    A column of a few prices or codes is written as coarsely as these lie apart: 12.20 is what there is for 12.60 where
    the next price is 14.25. A few cells between two values are slips themselves, and part nothing.
    """
    found = np.zeros(len(values), bool)
    known = np.flatnonzero(np.isfinite(values) & np.isfinite(said))
    if not len(known):
        return found
    distinct, position, count = np.unique(values[known], return_inverse=True, return_counts=True)
    common = count > max(COMMON * len(known), FEW)
    beyond = max(FEW, int(BEYOND * len(known)))
    ordered, ends = np.sort(values[known]), np.cumsum(count)
    above, below = np.minimum(ends + beyond, len(known)) - 1, np.maximum(ends - count - beyond, 0)
    # Beyond the last value there is as much room as on its other side.
    high, low = ordered[above] - distinct, distinct - ordered[below]
    high, low = np.where(high > 0, high, low), np.where(low > 0, low, high)
    off = said[known] - distinct[position]
    room = 0.5 * np.where(off > 0, high[position], low[position])
    found[known] = common[position] & (np.abs(off) <= room)
    return found


def as_written(value: float, decimals: int | None) -> bool:
    """Whether a column of so many decimals, None for any, could hold a number."""
    return decimals is None or abs(value - round(value, decimals)) <= EXACT * max(1.0, abs(value))


def outwards(low: Floats, high: Floats, dated: bool = False) -> tuple[Floats, Floats]:
    """Ranges as they are shown: limits to four digits, dates to the day, rounded away from one another."""
    return _rounded(np.asarray(low, np.float64), dated, np.floor), _rounded(
        np.asarray(high, np.float64), dated, np.ceil
    )


def _rounded(values: Floats, dated: bool, towards: np.ufunc) -> Floats:
    if dated:
        return np.asarray(towards(values))
    size = np.abs(values)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        digits = np.where((size >= 1e-4) & (size < 1e9), 3, 2) - np.floor(np.log10(size))
        step = 10.0 ** np.where((size >= 1) & (size < 1e9), np.maximum(digits, 0), digits)
        inexact = np.isfinite(step) & (values != np.round(values))
        near = 1e-6 if towards is np.ceil else -1e-6  # what arithmetic loses is not rounded up
        found = towards(values * step - near) / step
    return np.asarray(np.where(inexact & np.isfinite(found), found, values))


def undone(values: Floats, factor: float, others: Floats, offset: float = 0.0) -> Floats:
    """What numbers (rows,) were before a factor, and an offset, came in, written as the `others` of their column are.

    NaN where these would not give back, within its own rounding, the number that is there, and beyond what the
    others are: no column of codes from 0 to 5 holds 0.53, nor 9. A number that is written finely may be rounded: a
    gauge that is set to another unit shows digits of its own.
    """
    meant, known = (values - offset) / factor, others[np.isfinite(others)]
    decimals = decimals_of(known)
    if decimals is not None:
        meant = np.round(meant, decimals)
        back = np.abs(meant * factor + offset - values)
        exact = back <= np.maximum(rounding(values), EXACT * np.abs(values)) * (1 + 1e-6)
        meant = np.where(exact | (0.5 * 10.0**-decimals <= FINE * np.abs(meant)), meant, np.nan)
    if len(known):
        slack = EXACT * np.abs(meant)
        meant = np.where((meant >= known.min() - slack) & (meant <= known.max() + slack), meant, np.nan)
    return np.asarray(meant)
