"""Measurements that stood still: the same value many times running, where that does not happen by itself."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from xltrain.engine.additive import Floats, Rows

LEAST = 5  # equal values running
DISTINCT = 20  # different values below which a column repeats itself by nature
STICKY = 0.2  # share of equal neighbours from which on a run says nothing
CHANCE = 1e-3  # of one such run by accident, in the whole column


def standstills(
    values: Floats, origin: npt.NDArray[np.int32], row: npt.NDArray[np.int32]
) -> Iterator[tuple[Rows, float]]:
    """Positions of each run of equal values, and how sure it is none by accident, 0..1.

    Values that neighbours share as often as these do are no accident: a run of length n among `pairs` neighbours, of
    which a share p are equal, is expected pairs * p ** (n - 1) times.

    Args:
        values: (rows,), NaN where empty.
        origin, row: the sheet of each row, and where it stands there; runs end with the sheet.
    """
    order = np.lexsort((row, origin))
    ordered, sheet = values[order], origin[order]
    known = np.isfinite(ordered[1:]) & np.isfinite(ordered[:-1]) & (sheet[1:] == sheet[:-1])
    pairs = int(known.sum())
    if pairs < 2 * DISTINCT or len(np.unique(values[np.isfinite(values)])) < DISTINCT:
        return
    equal = known & (ordered[1:] == ordered[:-1])
    edges = np.flatnonzero(np.diff(np.concatenate([[0], equal.astype(np.int8), [0]])))
    for start, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        length = stop - start + 1
        share = max(float(equal.sum()) - (length - 1), 0.5) / pairs
        if length < LEAST or share > STICKY:
            continue
        chance = pairs * share ** (length - 1)
        if chance < CHANCE:
            yield order[start : stop + 1], 1 - chance
