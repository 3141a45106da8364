"""Classes that count alike, however rare: rows repeated, left out or made up among a member's training rows.

All of it happens after the split and to training rows alone. Rows that are made up lie between two real rows of one
class (SMOTE, Chawla et al. 2002), in the features as the member sees them; smotenc lets categories vote instead.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from xltrain.config.settings import Run
from xltrain.data.encode import Encoding
from xltrain.data.learned import State
from xltrain.errors import ConfigError
from xltrain.language import text
from xltrain.place import Problem

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

MADE_UP = ("smote", "smotenc")
NEIGHBOURS = 5


def check_balance(runs: Sequence[Run], encoding: Encoding, weighted: bool) -> None:
    """Whether what the runs ask for can be had. ConfigError."""
    problems = []
    for run in runs:
        if run.imbalance not in MADE_UP:
            continue
        if not _installed():
            problems.append(
                Problem(run.place, text("needs_imbalanced", name=run.imbalance), text("needs_imbalanced_hint"))
            )
        elif weighted:
            problems.append(Problem(run.place, text("smote_weight", name=run.imbalance), text("smote_hint")))
        elif run.imbalance == "smotenc" and not len(nominal(encoding).numeric):
            problems.append(Problem(run.place, text("smote_nominal"), text("smote_hint")))
    if problems:
        raise ConfigError(dict.fromkeys(problems))


def resampled(rows: Rows, labels: Rows, how: str, seed: int) -> Rows:
    """Training rows with as many of each class as of the commonest (oversample) or the rarest (undersample), sorted.

    `labels` are those of `rows`. A row is repeated once more only when every other one of its class has been.
    """
    if how not in ("oversample", "undersample"):
        return rows
    generator = np.random.default_rng([seed & 0xFFFFFFFF, 1])
    kinds, counts = np.unique(labels, return_counts=True)
    wanted = int(counts.max() if how == "oversample" else counts.min())
    kept = []
    for kind in kinds:
        own = rows[labels == kind]
        whole, rest = divmod(wanted, len(own))
        kept += [np.tile(own, whole), generator.permutation(own)[:rest]]
    return np.sort(np.concatenate(kept))


def made_up(
    encoding: Encoding, state: State, view: Singles, rows: Rows, labels: Rows, how: str, seed: int
) -> tuple[Singles, Rows]:
    """Further rows of the rarer classes, as many as the commonest has more: their view (more, features) and labels.

    A class with a single training row has no neighbour to lie between and is repeated.
    """
    seen = np.where(np.isnan(view[rows]), state.fill, view[rows] * state.scale + state.offset)
    blocks = nominal(encoding) if how == "smotenc" else Blocks(np.zeros(0, np.int64), ())
    packed = blocks.pack(seen)
    kinds, counts = np.unique(labels, return_counts=True)
    found, told = [seen[:0]], [labels[:0]]
    for kind, count in zip(kinds, counts, strict=True):
        more = int(counts.max() - count)
        if more:
            new = (
                _between(packed, labels, kind, more, blocks, seed)
                if count > 1
                else np.repeat(packed[labels == kind], more, 0)
            )
            found.append(blocks.unpack(new, seen.shape[1]))
            told.append(np.full(more, kind))
    with np.errstate(divide="ignore", invalid="ignore"):
        back = np.where(state.scale != 0, (np.concatenate(found) - state.offset) / state.scale, 0.0)
    return back.astype(np.float32), np.concatenate(told)


class Blocks:
    """Which features are 0 or 1 and belong together: packed, each block is one column of codes behind the numbers."""

    def __init__(self, numeric: Rows, blocks: Sequence[Rows]) -> None:
        self.numeric, self.blocks = numeric, list(blocks)

    def pack(self, seen: Floats) -> Floats:
        """(rows, features) -> (rows, numbers + blocks)."""
        if not self.blocks:
            return seen
        codes = [np.where(seen[:, each].any(1), seen[:, each].argmax(1), -1) for each in self.blocks]
        return np.column_stack([seen[:, self.numeric], *codes])

    def unpack(self, packed: Floats, features: int) -> Floats:
        """The way back."""
        if not self.blocks:
            return packed
        seen = np.zeros((len(packed), features))
        count = len(self.numeric)
        seen[:, self.numeric] = packed[:, :count]
        for index, block in enumerate(self.blocks):
            code = packed[:, count + index].astype(np.int64)
            known = np.flatnonzero(code >= 0)
            seen[known, block[code[known]]] = 1
        return seen


def nominal(encoding: Encoding) -> Blocks:
    """The categories, flags of missing values and yes-or-no columns of an encoding."""
    numeric, blocks, start = [], [], 0
    for column in encoding.columns:
        end = start + len(column.parts)
        own = start + column.own
        if column.reads == "category" and not column.fact("table"):
            blocks.append(np.arange(start, end))
        else:
            numeric += list(range(start, own))
            blocks += [np.arange(own, end)] if own < end else []
        start = end
    return Blocks(np.array(numeric, np.int64), blocks)


def _between(packed: Floats, labels: Rows, kind: int, more: int, blocks: Blocks, seed: int) -> Floats:
    """New rows of one class by imbalanced-learn: (more, packed features)."""
    from imblearn.over_sampling import SMOTE, SMOTENC

    count = int((labels == kind).sum())
    own = np.where(labels == kind, 1, 0)
    settings: dict[str, Any] = {
        "sampling_strategy": {1: count + more},
        "k_neighbors": min(NEIGHBOURS, count - 1),
        "random_state": seed % (1 << 32),
    }
    if blocks.blocks:
        width = packed.shape[1]
        places = list(range(width - len(blocks.blocks), width))
        method = SMOTENC(categorical_features=places, **settings)
    else:
        method = SMOTE(**settings)
    return np.asarray(method.fit_resample(packed, own)[0][len(packed) :], np.float64)


def _installed() -> bool:
    try:
        import imblearn  # noqa: F401
    except ImportError:
        return False
    return True
