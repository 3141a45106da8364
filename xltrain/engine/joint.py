"""Several targets learned by one network: what a stack does differently where its members have blocks.

The outputs of a member stand side by side, one block for each target; targets are (members, rows, targets), NaN where
a cell is empty. Each target's loss is the mean over the rows that have it, so that a sparse target counts as much as a
full one, and a batch without any row of it says nothing about it.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from xltrain.choices.models.layout import Pass
from xltrain.engine.head import Head
from xltrain.engine.plan import Member
from xltrain.engine.pool import pooled
from xltrain.lazy import torch

if TYPE_CHECKING:
    from xltrain.engine.dynamics import Told
    from xltrain.engine.stack import Batch, Stack

Gradient = tuple["torch.Tensor", "torch.Tensor", "dict[str, torch.Tensor]", "torch.Tensor | float"]


class Joint:
    """The targets of a stack's members: their heads, and how their losses become one update.

    The columns of what it tells are: what is minimised, the loss of each target, each term of a loss of several, and
    the learned numbers of the objective.
    """

    def __init__(self, members: Sequence[Member], tensor: "Callable[[Sequence[object]], torch.Tensor]") -> None:
        blocks = members[0].blocks
        self.heads = [Head([member.blocks[index] for member in members], tensor) for index in range(len(blocks))]
        self.cuts = [slice(block.start, block.start + block.outputs) for block in blocks]
        self.rows = [[[member.blocks[index].target_row] for member in members] for index in range(len(blocks))]
        self.classes = [block.classes for block in blocks]
        self.links = [block.link for block in blocks]
        self.squared = tensor([float(not classes) for classes in self.classes])
        self.objective = members[0].run.objective
        self.facts = self.objective.choice.facts
        self.learned = members[0].learned
        self.seed = members[0].seed

    def targets(self, known: "torch.Tensor", rows: "torch.Tensor") -> "torch.Tensor":
        """known (targets, rows of the dataset), rows (members, batch) -> (members, batch, targets)."""
        flat = known.flatten()
        places = [torch.tensor(each, device=rows.device) * known.shape[1] for each in self.rows]
        return torch.stack([flat[rows + place] for place in places], -1)

    def pooled(self, output: "torch.Tensor") -> "torch.Tensor":
        """Several things said of one row, as one: block by block."""
        return torch.cat([pooled(output[..., cut], link) for cut, link in zip(self.cuts, self.links, strict=True)], -1)

    def shares(self, target: "torch.Tensor", weight: "torch.Tensor | None") -> "torch.Tensor":
        """What each row counts for each target, 0 where its cell is empty: (members, rows, targets)."""
        found = (~target.isnan()).to(self.squared.dtype)
        found = found if weight is None else found * weight.unsqueeze(-1)
        if all(head.class_factor is None for head in self.heads):
            return found
        factors = [
            torch.ones_like(found[..., index])
            if head.class_factor is None
            else head.class_factor.gather(1, target[..., index].nan_to_num().long())
            for index, head in enumerate(self.heads)
        ]
        return found * torch.stack(factors, -1)

    def losses(self, output: "torch.Tensor", target: "torch.Tensor") -> "tuple[torch.Tensor, torch.Tensor, list[int]]":
        """The loss of each row and target, each term of losses of several, and whose term each of these is."""
        totals, terms, whose = [], [], []
        for index, (head, cut) in enumerate(zip(self.heads, self.cuts, strict=True)):
            wanted = target[..., index].nan_to_num()
            parts = head.parts(output[..., cut], wanted.long() if self.classes[index] else wanted)
            totals.append(head.summed(parts))
            if len(parts) > 1:
                terms += [part.detach() for part in parts]
                whose += [index] * len(parts)
        whole = torch.stack(totals, -1)
        return whole, torch.stack(terms, -1) if terms else whole[..., :0].detach(), whose

    def weighed(self, learned: "torch.Tensor") -> "tuple[torch.Tensor, torch.Tensor]":
        """What each target's loss is multiplied by, and what is added to it: (members, targets)."""
        if self.learned:
            coefficients, constants = self.objective.choice.function(learned, self.squared)
            return coefficients, constants
        even = torch.ones(learned.shape[0], len(self.heads), dtype=learned.dtype, device=learned.device)
        return even, torch.zeros_like(even)

    def gradient(
        self, stack: "Stack", weights: "torch.Tensor", batch: "Batch", told: "list[Told] | None" = None
    ) -> Gradient:
        """As `Stack._gradient`; the sum of sample weights is one for each column."""
        rows = batch.x.shape[1]
        share = self.shares(batch.target, batch.weight)
        totals = share.sum(1)
        share = share / totals.clamp(min=1e-12).unsqueeze(1)
        weights.requires_grad_(True)
        views = stack.views(weights)
        learned = weights[:, stack.layout.size :]
        buffers = stack.layout.buffer_views(stack.buffers)
        grad: torch.Tensor | None = None
        mean: torch.Tensor | None = None
        for start in range(0, rows, stack.batch):
            part = slice(start, start + stack.batch)
            mask = None if batch.mask is None else batch.mask[:, part]
            run = Pass(True, stack.numbers, buffers, mask, stack.noise)
            output = stack.layout.forward(views, batch.x[:, part], run)
            each, terms, whose = self.losses(output, batch.target[:, part])
            if told is not None:
                told.append((each.detach(), output.detach() if any(self.classes) else None))
            means = (each * share[:, part]).sum(1)
            more = rows > start + stack.batch
            coefficients, constants = self.weighed(learned)
            if start == 0:
                added = (constants * (totals > 0)).sum(1, keepdim=True)
            loss = (coefficients * means).sum(1, keepdim=True) + (added if start == 0 else 0.0)
            if self.facts.get("alone"):
                lines = [
                    torch.autograd.grad(means[0, index], weights, retain_graph=more or index + 1 < means.shape[1])[0]
                    for index in range(means.shape[1])
                ]
                piece = torch.cat(lines)
            else:
                (piece,) = torch.autograd.grad(loss, weights, torch.ones_like(loss), retain_graph=more)
            grad = piece if grad is None else grad + piece
            both = torch.cat([loss.detach(), means.detach(), (terms * share[:, part][..., whose]).sum(1)], 1)
            mean = both if mean is None else mean + both
        assert grad is not None
        assert mean is not None
        if self.facts.get("alone"):
            grad = self._aggregated(grad, int(stack.step[0]))
        counts = weights.new_full((len(mean), 1), float(rows)) if batch.weight is None else batch.weight.sum(1, True)
        total = torch.cat([counts, totals, totals[:, whose], counts.expand(-1, self.learned)], 1)
        return torch.cat([mean, learned.detach()], 1), grad, buffers, total.detach()

    def _aggregated(self, lines: "torch.Tensor", step: int) -> "torch.Tensor":
        """One gradient (1, size) from those of the targets (targets, size), the same whenever it is asked for."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed((self.seed + step) % (1 << 63))
            found: torch.Tensor = self.objective.choice.function(lines.detach())
        return found.unsqueeze(0)

    def validate(self, stack: "Stack", weight: "torch.Tensor", alike: "torch.Tensor") -> "torch.Tensor":
        """Columns as in `gradient`, over each member's validation rows; weight and alike (members, rows)."""
        weights, buffers = stack.evaluated()
        whose: list[int] = []

        def look(output: "torch.Tensor", rows: "torch.Tensor") -> "torch.Tensor":
            each, terms, whose[:] = self.losses(output, stack.targets(rows))
            return torch.cat([each, terms], -1)

        losses = stack.look(stack.validation, look, weights, buffers)
        target = stack.targets(stack.validation)
        share = self.shares(target, weight)
        share = torch.where(share.sum(1, keepdim=True) > 0, share, (~target.isnan()).to(share) * alike.unsqueeze(-1))
        count = len(self.heads)
        share = torch.cat([share, share[..., whose]], -1)
        means = (losses * share).sum(1) / share.sum(1).clamp(min=1e-12)
        learned = weights.detach()[:, stack.layout.size :]
        coefficients, constants = self.weighed(learned)
        total = (coefficients * means[:, :count] + constants).sum(1, keepdim=True)
        return torch.cat([total, means, learned], 1)
