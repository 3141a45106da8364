"""What the members of a model did with each row, so that a later fit may begin with them and stay honest."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from xltrain.data.split import Draw, Part

LEARNED, STOPPED, UNSEEN = range(3)  # what a member did with a row

Levels = npt.NDArray[np.int8]


@dataclass(frozen=True)
class Known:
    """What the members of a model know: `rows` are the rows they met, sorted (rows,), `levels` (members, rows)."""

    rows: Draw
    levels: Levels

    @classmethod
    def of(cls, identities: Draw, parts: "Sequence[Part]", before: "Sequence[Known | None]") -> "Known":
        """What members with these parts know of rows that are known by these numbers, and from what they began with:
        `before` holds one such member for each, None where it began by chance.
        """
        rows = np.unique(np.concatenate([identities, *(each.rows for each in before if each)]))
        levels = np.full((len(parts), len(rows)), UNSEEN, np.int8)
        at = np.searchsorted(rows, identities)
        for level, part, earlier in zip(levels, parts, before, strict=True):
            own = part.training[part.training < len(at)]  # rows made up for rare classes come after all others
            level[at[own]], level[at[part.validation]] = LEARNED, STOPPED
            if earlier:
                met = np.searchsorted(rows, earlier.rows)
                level[met] = np.minimum(level[met], earlier.levels[0])
        return cls(rows, levels)

    def of_member(self, index: int) -> "Known":
        """What one of the members knows."""
        return Known(self.rows, self.levels[index : index + 1])

    def of_rows(self, identities: Draw) -> Levels:
        """What each member did with other rows (members, rows): nothing with those it never met."""
        at = np.minimum(np.searchsorted(self.rows, identities), max(len(self.rows) - 1, 0))
        met = self.rows[at] == identities if len(self.rows) else np.zeros(len(identities), bool)
        return np.where(met, self.levels[:, at], np.int8(UNSEEN))
