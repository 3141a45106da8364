"""What one member learned of the features from its own training rows, and how it sees any row then."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from xltrain.data.coded import Coded
from xltrain.registry import Call, encoders

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

FOLDS = 5  # parts of the training rows, each encoded by the targets of the others
REACH = 10.0  # widths of a bin that the first and the last go on beyond the training values


@dataclass
class State:
    """One member's encoding: feature = raw * scale + offset, `fill` where the number is missing. Shapes (features,).

    Maps that are not affine come first: `knots` gives the (points, values) of a piecewise linear one for the index of
    a feature, `tables` the number of each category, the last for one never seen. `inside` holds what the training rows
    themselves see instead (rows,): numbers in which their own targets have no part.
    """

    scale: Floats
    offset: Floats
    fill: Floats
    knots: dict[int, tuple[Floats, Floats]] = field(default_factory=dict)
    tables: dict[int, Floats] = field(default_factory=dict)
    inside: dict[int, Floats] = field(default_factory=dict, repr=False, compare=False)

    @property
    def affine(self) -> bool:
        return not self.knots and not self.tables

    def view(self, raw: Singles, training: Rows | None = None) -> Singles:
        """The raw features after the maps that are not affine; `raw` itself where there is none.

        `training` are the positions in `raw` of the rows that the state was learned from, seen as they are learned.
        """
        if self.affine:
            return raw
        mapped = raw.copy()
        for index, (points, values) in self.knots.items():
            mapped[:, index] = np.interp(raw[:, index], points, values)
            mapped[np.isnan(raw[:, index]), index] = np.nan
        for index, table in self.tables.items():
            known = np.flatnonzero(~np.isnan(raw[:, index]))
            mapped[known, index] = table[raw[known, index].astype(np.int64)]  # -1: the last
        if training is not None:
            for index, values in self.inside.items():
                mapped[training, index] = values
        return mapped

    def apply(self, raw: Singles, training: Rows | None = None) -> Floats:
        """The encoded features (rows, features), as the model sees them; `training` as in view."""
        view = self.view(raw, training)
        return np.asarray(np.where(np.isnan(view), self.fill, view * self.scale + self.offset), np.float64)

    def to_json(self) -> dict[str, Any]:
        return {
            "scale": self.scale.tolist(),
            "offset": self.offset.tolist(),
            "fill": self.fill.tolist(),
            "knots": {str(index): [list(map(float, part)) for part in pair] for index, pair in self.knots.items()},
            "tables": {str(index): table.tolist() for index, table in self.tables.items()},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "State":
        knots = {int(index): (np.array(pair[0]), np.array(pair[1])) for index, pair in data["knots"].items()}
        tables = {int(index): np.array(table) for index, table in data.get("tables", {}).items()}
        return cls(np.array(data["scale"]), np.array(data["offset"]), np.array(data["fill"]), knots, tables)


def learn(state: State, start: int, column: Coded, block: Singles, wanted: Floats | None) -> None:
    """Put what the training rows say of one column, whose features begin at `start`, into the state.

    Args:
        block: its raw features (training rows, parts).
        wanted: their targets (training rows, outputs), where an encoder reads them.
    """
    own = column.own
    if column.reads == "category" and column.fact("table"):
        _learn_tables(state, start, column, block, wanted)
    elif column.reads in ("category", "text"):
        state.scale[start : start + own] = block[:, :own].any(0)  # never seen in training: unknown
    elif column.fact("bins"):
        _learn_bins(state, start, column, _known(block[:, 0]))
    else:
        for part in range(own):
            values = _known(block[:, part])
            if column.reads == "numeric" or column.parts[part] == "days":
                call = column.call if column.reads == "numeric" else Call("encoders", "standard")
                _learn_number(state, start + part, call, values)
            else:  # a wave of a date
                state.fill[start + part] = values.mean() if len(values) else 0.0
    if own < len(column.parts):
        state.scale[start + own] = block[:, own].any()


def _known(values: Singles) -> Floats:
    return values[~np.isnan(values)].astype(np.float64)


def _learn_number(state: State, index: int, call: Call, values: Floats) -> None:
    if not len(values):
        state.scale[index] = 0.0
        return
    choice = encoders[call.name]
    if choice.facts.get("knots"):
        points, laid = choice.function(values, **dict(call.values))
        state.knots[index] = (points, laid)
        state.fill[index] = np.interp(values, points, laid).mean()
        return
    shift, scale = choice.function(values, **dict(call.values))
    state.scale[index], state.offset[index] = scale, -shift * scale
    state.fill[index] = (values.mean() - shift) * scale


def _learn_bins(state: State, start: int, column: Coded, values: Floats) -> None:
    """Each bin goes from 0 at its lower edge to 1 at its upper one; the outer two go on, but not without end."""
    edges = encoders[column.encoder].function(values, **dict(column.values)) if len(values) else np.zeros(1)
    last = len(edges) - 2
    for part in range(column.own):
        if part > last:  # values that many rows share leave fewer bins
            state.scale[start + part] = 0.0
            continue
        low, high = edges[part], edges[part + 1]
        below, above = REACH * (part == 0), REACH * (part == last)
        points = np.array([low - below * (high - low), high + above * (high - low)])
        state.knots[start + part] = points, np.array([-below, 1 + above])
        state.fill[start + part] = np.interp(values, points, state.knots[start + part][1]).mean()


def _learn_tables(state: State, start: int, column: Coded, block: Singles, wanted: Floats | None) -> None:
    """The number of each category, standardised by what the training rows see."""
    known = np.flatnonzero(~np.isnan(block[:, 0]))
    codes, count = block[known, 0].astype(np.int64), len(column.categories)
    function, more = encoders[column.encoder].function, dict(column.values)
    for part in range(column.own):
        index = start + part
        if not column.fact("target"):
            table, prior = function(codes, count, **more)
            seen = table[codes]
        elif wanted is None:
            raise ValueError(f"{column.encoder} needs the targets of the training rows")
        else:
            table, prior = function(codes, count, wanted[known, part], **more)
            seen = _out_of_fold(function, codes, count, wanted[known, part], more)
            state.inside[index] = np.full(len(block), np.nan)
        spread = float(seen.std()) if len(seen) and np.ptp(seen) > 0 else 0.0
        mean, scale = float(seen.mean()) if len(seen) else 0.0, 1 / spread if spread else 0.0
        state.tables[index] = (np.append(table, prior) - mean) * scale
        if index in state.inside:
            state.inside[index][known] = (seen - mean) * scale


def _out_of_fold(function: Any, codes: Rows, count: int, wanted: Floats, more: dict[str, Any]) -> Floats:
    """Each training row as the targets of the other parts encode it: (rows,)."""
    rows = len(codes)
    dealt = np.random.default_rng(rows).permutation(rows) % FOLDS
    seen = np.zeros(rows)
    for fold in range(FOLDS):
        others = dealt != fold
        table, _ = function(codes[others], count, wanted[others], **more)
        seen[~others] = table[codes[~others]]
    return seen
