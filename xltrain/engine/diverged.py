"""Where a member's loss stopped being a number: the epoch, the step, and the rows of that step's batch."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from xltrain.config.settings import Run
from xltrain.data.table import Table
from xltrain.language import listed, text
from xltrain.lazy import torch
from xltrain.registry import number

SHOWN = 3  # rows of the batch that a note names
TOGETHER = 512  # steps whose losses are laid side by side at a time


@dataclass(frozen=True)
class Divergence:
    """The first loss that was no finite number. `step` counts from 1 within the epoch and is 0 where only the
    validation loss was none; `rows` are those of the step's batch, as places in the dataset.
    """

    epoch: int
    step: int = 0
    rows: npt.NDArray[np.int64] | None = None


class Watch:
    """The running sums of an epoch's losses, on the device: looked at only where the epoch's loss is not finite.

    A sum that has met a NaN or an infinity never becomes finite again, so the first bad sum is the first bad step.
    """

    def __init__(self, order: "torch.Tensor", width: int) -> None:
        """`order` are the rows of the epoch (members, most rows), `width` the rows of one update."""
        self._order, self._width = order, width
        self._recent: list[torch.Tensor] = []
        self._before: list[torch.Tensor] = []

    def add(self, loss: "torch.Tensor") -> None:
        """The sums (members, columns) after one more step."""
        self._recent.append(loss)
        if len(self._recent) == TOGETHER:
            self._before.append(torch.stack([each[:, 0] for each in self._recent], 1))
            self._recent.clear()

    def find(self, index: int, rows: int, epoch: int) -> Divergence:
        """What befell a member that has so many training rows."""
        pieces = [each[index] for each in self._before]
        if self._recent:
            pieces.append(torch.stack([each[index, 0] for each in self._recent]))
        bad = torch.cat(pieces).isfinite().logical_not().nonzero()
        if not len(bad):
            return Divergence(epoch)
        step = int(bad[0])
        start = step * self._width
        batch = self._order[index, start : min(start + self._width, rows)]
        return Divergence(epoch, step + 1, batch.cpu().numpy())


def diverged_note(run: Run, found: Sequence[Divergence], members: int, table: Table) -> str:
    """One line on the members of a run that diverged, with what befell the first of them."""
    first = min(found, key=lambda each: (each.epoch, each.step or np.inf))
    lr = number(run.optimizer["lr"])
    line = text("note_diverged", run=run.name, count=len(found), members=members, lr=lr)
    if first.rows is None:
        return line + text("note_diverged_validation", epoch=first.epoch)
    # Rows beyond the table are made up from others, to balance the classes.
    known = [int(row) for row in first.rows if row < len(table)]
    places = listed(str(table.place(row)) for row in known[:SHOWN])
    more = text("note_diverged_more", count=len(first.rows) - SHOWN) if len(first.rows) > SHOWN else ""
    return line + text("note_diverged_at", epoch=first.epoch, step=first.step, places=places + more)
