"""Values that stand in the wrong column: which would fit another one, and whether the models agree, once moved."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from xltrain.engine.additive import Cells, Floats, Measure, Rows
from xltrain.engine.surprise import Surprise

Flags = npt.NDArray[np.bool_]
TURNS = 6  # in which a value that is lost settles to what the others make of it
WIDER = 0.4  # of the expected range on either side, within which a value belongs there


class Displaced:
    """The columns of a table over some of its scored rows: `rows` (looked at,) are their positions."""

    def __init__(self, columns: Sequence[Cells], odd: Surprise, held: Flags) -> None:
        self.columns = {each.name: each for each in columns}
        self.names = list(self.columns)
        self.odd = odd
        self.rows: Rows = odd.rows[held]
        low, high = odd.low[held], odd.high[held]
        wide = WIDER * (high - low)
        self._expected = {
            name: (low[:, at] - wide[:, at], high[:, at] + wide[:, at]) for at, name in enumerate(self.names)
        }
        self._central: dict[str, tuple[float, float]] = {}

    def moved(self, here: Cells, there: Cells) -> Flags:
        """In which rows the value of one column would fit another, and does not fit its own: (looked at,).

        By what the rest of the row leads one to expect, or, since that is wrong too where several cells are, by the
        values of either column in other rows.
        """
        value = there.values[self.rows]
        (low, high), (near, far) = self._expected[here.name], self._expected[there.name]
        (least, most), (begin, end) = self._range(here), self._range(there)
        with np.errstate(invalid="ignore"):
            by_row = (value >= low) & (value <= high) & ((value < near) | (value > far))
            return np.asarray(by_row | ((value >= least) & (value <= most) & ((value < begin) | (value > end))))

    def shifted(self, order: Sequence[Cells], step: int) -> tuple[Flags, Flags]:
        """For each column in which rows its neighbour's value would fit it, and besides not fit where it stands.

        Both (columns, looked at).
        """
        fits, moved = np.zeros((2, len(order), len(self.rows)), bool)
        for at, cells in enumerate(order):
            if 0 <= at + step < len(order) and not cells.categories and not order[at + step].categories:
                least, most = self._range(cells)
                value = order[at + step].values[self.rows]
                moved[at] = self.moved(cells, order[at + step])
                with np.errstate(invalid="ignore"):
                    fits[at] = moved[at] | ((value >= least) & (value <= most))
        return fits, moved

    def confirmed(self, rows: Sequence[int], moved: Mapping[str, Cells], lost: str = "") -> list[int]:
        """Those rows in which every column that takes the value of another then holds what the row leads one to expect.

        The models are asked again, with the values moved; the column whose value is `lost` holds what they expect.
        """
        model = self.odd.model
        if model is None or not len(rows) or not moved:
            return []
        at = np.array(rows, np.int64)
        units = []
        for measure in model.measures:
            name = measure.cells.name
            values = moved.get(name, self.columns[name]).values[at]
            units.append(_units(measure, np.full(len(at), np.nan) if name == lost else values))
        answers = model.of_units(units, at)
        names = [measure.cells.name for measure in model.measures]
        for _ in range(TURNS if lost in names else 0):
            measure = model.measures[names.index(lost)]
            if not measure.cells.categories:
                units[names.index(lost)] = answers[:, measure.wanted.start]
            answers = model.of_units(units, at)
        right = np.ones(len(at), bool)
        where = np.searchsorted(self.odd.rows, at)
        for measure, found in zip(model.measures, units, strict=True):
            if measure.cells.name in moved:
                column = self.names.index(measure.cells.name)
                low, high = (_units(measure, each[where, column]) for each in (self.odd.low, self.odd.high))
                with np.errstate(invalid="ignore"):
                    far = np.abs(found - answers[:, measure.wanted.start])
                    right &= far <= (0.5 + WIDER) * (high - low)
        return [row for row, fits in zip(rows, right.tolist(), strict=True) if fits]

    def _range(self, cells: Cells) -> tuple[float, float]:
        """Where 98 % of a column's values lie."""
        if cells.name not in self._central:
            known = cells.values[np.isfinite(cells.values)]
            low, high = np.quantile(known, [0.01, 0.99]) if len(known) else (np.nan, np.nan)
            self._central[cells.name] = (float(low), float(high))
        return self._central[cells.name]


def _units(measure: Measure, values: npt.NDArray[np.floating]) -> Floats:
    """Values in the unit of a column's measure; categories as they are."""
    held = replace(measure, cells=replace(measure.cells, values=values.astype(np.float64)))
    return held.read(np.arange(len(values)))


def stretch(fits: Flags, moved: Flags) -> tuple[int, int]:
    """The longest run of columns that fit, from one that has moved to another, half-open; (0, 0) for none."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], fits.astype(np.int8), [0]])))
    best = (0, 0)
    for start, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        at = np.flatnonzero(moved[start:stop])
        if len(at) > 1 and at[-1] + 1 - at[0] > best[1] - best[0]:
            best = (start + int(at[0]), start + int(at[-1]) + 1)
    return best
