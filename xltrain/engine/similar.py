"""For a row that somebody is to look at: the rows most like it, and the columns that move its prediction."""

import numpy as np
import numpy.typing as npt

from xltrain.data.encode import Rows
from xltrain.engine.surprise import Surprise

SIMILAR = 3
PUSHES = 3
LOOKED = 200_000  # rows among which similar ones are looked for
CHUNK = 64


def similar_rows(inputs: npt.NDArray[np.float32], order: Rows) -> Rows:
    """The three rows nearest to each row of `order` by their standardised features (rows, features): (listed, 3).

    -1 where there are fewer rows. Features alone count, not targets: whether those agree is what one wants to see.
    """
    total = len(inputs)
    found = np.full((len(order), SIMILAR), -1, np.int64)
    count = min(SIMILAR, total - 1)
    if count < 1 or not len(order):
        return found
    others = np.arange(total) if total <= LOOKED else np.linspace(0, total - 1, LOOKED).astype(np.int64)
    known = inputs if total <= LOOKED else inputs[others]
    squares = np.square(known).sum(1)
    for start in range(0, len(order), CHUNK):
        part = order[start : start + CHUNK]
        own = inputs[part]
        distance = squares - 2 * (own @ known.T)
        distance[part[:, None] == others] = np.inf
        few = np.argpartition(distance, count - 1, 1)[:, :count]
        near = np.take_along_axis(distance, few, 1)
        found[start : start + len(part), :count] = others[np.take_along_axis(few, np.argsort(near, 1), 1)]
    return found


def pushing(odd: Surprise, own: int, order: Rows) -> tuple[tuple[str, ...], ...]:
    """For each row of `order` the columns that move the prediction of column `own` most, the strongest first."""
    pulls = np.abs(odd.pulls(own, order))
    best = np.argsort(-pulls, 1, kind="stable")[:, :PUSHES]
    strong = np.take_along_axis(pulls, best, 1) > 0.1 * np.maximum(pulls.max(1, keepdims=True, initial=0), 1e-9)
    return tuple(
        tuple(odd.columns[column].name for column, kept in zip(row, keep, strict=True) if kept)
        for row, keep in zip(best.tolist(), strong.tolist(), strict=True)
    )
