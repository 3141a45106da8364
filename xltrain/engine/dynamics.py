"""Training dynamics: how each member learnt each of its own training rows, told by the losses of training itself.

An update computes the loss of every sample anyway. They are laid side by side on the device while an epoch lasts, and
taken into running sums at its end: no further pass over the data, no look at the device, and no part in the training.
The sums stand by the place of a row among the member's own training rows, so that a held-out row has none.

What is known of a row is known of the moment in which the member met it, just before the update it took part in, under
that moment's dropout. A row counts as learnt in an epoch where

- classification: the most probable class is the row's own (Toneva et al. 2019, "An empirical study of example
  forgetting during deep neural network learning", arXiv 1812.05159);
- regression: its loss is at most the member's bar: the median loss of its training rows in the first epoch. A bar that
  stays lets most rows be learnt in the end, where the median of each epoch would leave half of them out for ever.

Mean and spread over epochs follow Swayamdipta et al. 2020, "Dataset cartography", arXiv 2009.10795; that losses of the
first epochs tell wrong rows best, before they are learnt by heart, is in Pleiss et al. 2020, arXiv 2001.10528, and
Arpit et al. 2017, arXiv 1706.05394.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from xltrain.engine.pool import log_shares, pooled
from xltrain.engine.result import Dynamics
from xltrain.lazy import torch

if TYPE_CHECKING:
    from xltrain.engine.head import Head
    from xltrain.engine.loop import Course
    from xltrain.engine.plan import Member
    from xltrain.engine.stack import Stack

Told = tuple["torch.Tensor", "torch.Tensor | None"]  # losses of samples, and outputs where classes are among them

EARLY = 10  # epochs whose mean loss is noted apart
BUDGET = 512 << 20  # bytes that the dynamics of a fit may take
OF_ROW, OF_STACK = 20, 64  # bytes of a member's row in the end, and of those that are training besides
TOGETHER = 1 << 21  # numbers that wait until they are looked at
NAMES = ("early", "mean", "spread", "learnt", "forgotten")


def affordable(stacks: "Sequence[Sequence[Member]]", noted: int = 0) -> bool:
    """Whether the dynamics of all these members are within the budget, beside the bytes that others have taken.

    Free memory has no say in it, so that the same job gives the same ledger.
    """
    each = [sum(len(member.part.training) * max(len(member.blocks), 1) for member in stack) for stack in stacks]
    return noted + OF_ROW * sum(each) + OF_STACK * max(each, default=0) <= BUDGET


class Tally:
    """The running sums of a stack: each (members, blocks, rows), a block for each target of a joint run, else one."""

    def __init__(self, stack: "Stack") -> None:
        shape = (len(stack.members), max(len(stack.members[0].blocks), 1), stack.training.shape[1])
        zero = torch.zeros(shape, dtype=stack.dtype, device=stack.device)
        self.sums = {name: zero.clone() for name in ("early", "mean", "square")}
        # Epochs before it was learnt, times it was forgotten; whether it never was, and whether it was in the last.
        self.sums |= {name: zero.int() for name in ("before", "forgotten")}
        self.sums |= {"never": ~zero.bool(), "was": zero.bool()}
        self.sums |= {"bar": zero[..., :1].clone(), "epochs": zero[:, :1, :1].clone()}
        self._prepare(stack)

    def _prepare(self, stack: "Stack") -> None:
        """What follows from who is in the stack."""
        self._heads: list[Head] = list(stack.joint.heads) if stack.joint else [stack.head]
        self._cuts = stack.joint.cuts if stack.joint else [slice(None)]
        counts = torch.as_tensor(stack.rows, device=stack.device).view(-1, 1, 1)
        known = torch.arange(stack.training.shape[1], device=stack.device) < counts
        self._known = known.expand(self.sums["mean"].shape)
        if stack.joint:
            self._known = known & ~stack.targets(stack.training).isnan().movedim(-1, 1)
        even = not stack.joint and int(stack.rows.min()) == stack.training.shape[1]
        self._counts = None if even else self._known.to(stack.dtype)  # 0 where a row only pads
        self._losses = torch.zeros_like(self.sums["mean"])
        self._right = torch.zeros_like(self.sums["was"])
        self._classes = [bool(head.members[0].classes) for head in self._heads]
        self._waiting: list[Told] = []
        self._most = self._looked = 0

    def begin(self, stack: "Stack", order: "torch.Tensor") -> None:
        """An epoch begins, with its rows in this order (members, most rows)."""
        self._slots = stack.slots
        self._waiting.clear()
        self._most = self._looked = 0
        if any(self._classes):
            targets = stack.targets(order)
            self._targets = targets.nan_to_num().long().unbind(-1) if stack.joint else [targets]

    def add(self, told: "Sequence[Told]") -> None:
        """What the next update told of its samples: kept as it is until there is enough to be looked at together."""
        self._waiting += told
        if not self._most:
            losses, output = told[0]
            self._most = max(1, TOGETHER // (losses if output is None else output).numel())
        if len(self._waiting) >= self._most:
            self._look()

    def _look(self) -> None:
        """Write down the losses that wait, and who was right."""
        if not self._waiting:
            return
        losses = torch.cat([each for each, _ in self._waiting], 1)
        part = slice(self._looked, self._looked + losses.shape[1])
        self._losses[:, :, part] = losses.movedim(-1, 1) if losses.ndim == 3 else losses.unsqueeze(1)
        outputs = [each for _, each in self._waiting if each is not None]
        output = torch.cat(outputs, -2) if outputs else losses
        for index, (head, cut) in enumerate(zip(self._heads, self._cuts, strict=True)):
            if self._classes[index]:
                self._right[:, index, part] = hit(output[..., cut], self._targets[index][:, part], head)
        self._looked = part.stop
        self._waiting.clear()

    def end(self, epoch: int, running: "np.ndarray") -> None:
        """Take the epoch into the sums of the members that trained in it (members,)."""
        self._look()
        slots, sums = self._slots.unsqueeze(1).expand_as(self._losses), self.sums
        loss = torch.empty_like(self._losses).scatter_(2, slots, self._losses).nan_to_num()
        right = torch.empty_like(self._right).scatter_(2, slots, self._right)
        if epoch == 1:
            sums["bar"] = loss.where(self._known, float("nan")).nanmedian(2, keepdim=True).values
        for index, classes in enumerate(self._classes):
            if not classes:
                right[:, index] = loss[:, index] <= sums["bar"][:, index]
        # What broke in this epoch keeps what it had before. Masks are products: many times faster than torch.where.
        ran = torch.as_tensor(running, device=loss.device).view(-1, 1, 1)
        ran = ran & self._losses.sum((1, 2), keepdim=True).isfinite()
        right = (right & ran) | (sums["was"] & ~ran)
        sums["epochs"] += ran
        away = (loss - sums["mean"]) * ran
        away = away if self._counts is None else away * self._counts
        sums["mean"].addcdiv_(away, sums["epochs"].clamp(min=1))
        sums["square"].addcmul_(away, loss - sums["mean"])
        if epoch == EARLY:
            sums["early"] = sums["mean"].clone()
        sums["never"] &= ~right
        sums["before"] += sums["never"]
        sums["forgotten"] += sums["was"] & ~right
        sums["was"] = right

    def of_member(self, index: int, rows: int) -> "torch.Tensor | None":
        """What is known of a member's training rows, in the order of NAMES: (blocks, 5, rows); None before its first
        epoch has ended.
        """
        sums = {name: value[index, ..., :rows].double() for name, value in self.sums.items()}
        epochs = float(sums["epochs"])
        if not epochs:
            return None
        early = sums["early"] if epochs >= EARLY else sums["mean"]
        spread = (sums["square"] / epochs).sqrt()
        learnt = (sums["before"] + 1).where(sums["never"] == 0, float("nan"))
        found = torch.stack([early, sums["mean"], spread, learnt, sums["forgotten"]], 1)
        return found.where(self._known[index, :, None, :rows], float("nan")).float().cpu()

    def keep(self, chosen: "torch.Tensor", stack: "Stack") -> None:
        """Go on with these members alone; `stack` has gone on with them."""
        columns = stack.training.shape[1]
        self.sums = {name: value[chosen][..., :columns].contiguous() for name, value in self.sums.items()}
        self._prepare(stack)


def hit(output: "torch.Tensor", target: "torch.Tensor", head: "Head") -> "torch.Tensor":
    """Whether the most probable class is the target (members, rows); output (members, rows, outputs) or
    (members, k, rows, outputs).
    """
    link = head.members[0].link
    output = pooled(output, link)
    if link == "sigmoid":
        return (output.squeeze(-1) > 0) == (target == 1)
    output = output if head.unseen is None else output + head.unseen
    shares = (log_shares(output, link) if link == "corn" else output).movedim(-1, 0).contiguous()
    return shares.gather(0, target.unsqueeze(0))[0] >= shares.amax(0)  # several times faster than an argmax


def averaged(courses: "Sequence[Course]", rows: int) -> Dynamics | None:
    """What members know together of a dataset of so many rows; None where none of them knows anything.

    Rows that a member has more than once count as often; those that were made up belong to no row of the dataset.
    """
    known = [course for course in courses if course.dynamics is not None]
    if not known:
        return None
    sums = np.zeros((len(NAMES), rows))
    counts = np.zeros((len(NAMES), rows))
    for course in known:
        assert course.dynamics is not None
        values = course.dynamics[0].double().numpy()
        place = course.member.part.training
        for index, each in enumerate(values):
            real = (place < rows) & np.isfinite(each)
            sums[index] += np.bincount(place[real], each[real], rows)
            counts[index] += np.bincount(place[real], minlength=rows)
    with np.errstate(invalid="ignore", divide="ignore"):
        return Dynamics(*(sums / counts))
