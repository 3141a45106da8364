"""A stack: members that train together, every tensor with a leading member axis.

Nothing here mixes members: each row of `weights`, `state` and `buffers` belongs to one of them, products are batched,
and the loss is summed over members, so that each gradient is the member's own.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from xltrain.choices.models.layout import Pass
from xltrain.engine.plan import Member, batch_rows, layout_of
from xltrain.lazy import torch
from xltrain.registry import ClassWeights, Term

ROOM = 1 << 23  # numbers that one chunk of an evaluation may hold in its widest layer
BLOCK = 1 << 19  # features looked up at a time in training: those of many small steps together
UNSEEN = -30.0  # added to the output of a class that a member never saw


@dataclass(frozen=True)
class Arrays:
    """The data on the device, held once for all stacks.

    views: (views, rows, features). targets: (targets, rows), standardised numbers or class indices. weight: (rows,) or
    None. `gaps` is True where a feature may be missing (NaN).
    """

    views: "torch.Tensor"
    targets: "torch.Tensor"
    weight: "torch.Tensor | None"
    gaps: bool


@dataclass(frozen=True)
class Batch:
    """What one update learns from: x (members, rows, features), target (members, rows) and, where samples do not all
    count alike, their weight (members, rows). `mask` (members, rows) is False on rows that only pad, `moving`
    (members, 1) on members that stay as they are; both are None where nothing is.
    """

    x: "torch.Tensor"
    target: "torch.Tensor"
    weight: "torch.Tensor | None" = None
    mask: "torch.Tensor | None" = None
    moving: "torch.Tensor | None" = None


class Stack:
    """Weights, state and numbers of some members, and the two things one does with them: update and look."""

    def __init__(
        self,
        members: Sequence[Member],
        arrays: Arrays,
        device: "torch.device",
        dtype: "torch.dtype",
        start: "Sequence[torch.Tensor] | None" = None,
    ) -> None:
        """Members at their own beginning, or with the weights of `start`, each (size,)."""
        self.members = list(members)
        self.arrays = arrays
        self.device, self.dtype = device, dtype
        first = members[0]
        self.layout = layout_of(first.run.model, arrays.views.shape[-1], first.outputs)
        self.optimizer = first.run.optimizer.choice
        self.batch = max(batch_rows(member) for member in members)
        self.accumulate = first.run.accumulate
        self.generators = [torch.Generator().manual_seed(member.seed) for member in members]
        self.noise = torch.Generator(device).manual_seed(first.seed)  # dropout only
        start = start or [self.layout.start(generator) for generator in self.generators]
        self.weights = torch.stack(list(start)).to(device, dtype)
        self.buffers = self.layout.fresh_buffers().to(device, dtype).repeat(len(start), 1)
        self.state = {name: torch.zeros_like(self.weights) for name in self.optimizer.facts["state"]}
        self.step = self._column([0.0] * len(start))
        self.clipped = torch.zeros_like(self.step)
        self._prepare()

    def _prepare(self) -> None:
        """Everything that follows from who is in the stack."""
        members, runs = self.members, [member.run for member in self.members]
        self.training = _padded([member.part.training for member in members]).to(self.device)
        self.validation = _padded([member.part.validation for member in members]).to(self.device)
        self.rows = np.array([len(member.part.training) for member in members])
        self.scale, self.offset, self.fill = (
            self._tensor([getattr(member.state, name) for member in members]).unsqueeze(1)
            for name in ("scale", "offset", "fill")
        )
        self.view = torch.tensor([[member.view] for member in members], device=self.device)
        self.target_row = torch.tensor([[member.target_row] for member in members], device=self.device)
        self.rates = {name: self._column([run.optimizer[name] for run in runs]) for name in runs[0].optimizer.numbers}
        self.rates.pop("lr")
        if "weight_decay" in self.rates:
            self.rates["weight_decay"] = self.rates["weight_decay"] * self.layout.decayed().to(self.device, self.dtype)
        self.settings = dict(runs[0].optimizer.structure)
        self.numbers = {
            name: self._column([run.model[name] for run in runs]).unsqueeze(-1)
            for name in runs[0].model.numbers
            if any(run.model[name] for run in runs)
        }
        self.clip = self._column([run.clip_norm or np.inf for run in runs])
        self.clips = any(run.clip_norm for run in runs)
        self.terms = [self._term(index) for index in range(len(runs[0].loss))]
        self.class_factor, self.unseen = self._class_factor(), self._unseen()

    def epoch_order(self) -> "torch.Tensor":
        """Each member's training rows in a new order of its own: (members, most rows), padded."""
        columns = self.training.shape[1]
        orders = torch.zeros((len(self.members), columns), dtype=torch.int64)
        for index, generator in enumerate(self.generators):
            count = int(self.rows[index])
            orders[index, :count] = torch.randperm(count, generator=generator)
        return self.training.gather(1, orders.to(self.device))

    def batches(self, order: "torch.Tensor", running: "np.ndarray") -> "Iterator[Batch]":
        """What each update of an epoch learns from; order (members, most rows) and who is running (members,).

        Looking things up costs much beside a small step, so targets and weights are gathered once an epoch and
        features for several steps at a time.
        """
        width, last = self.batch * self.accumulate, int(self.rows[running].max())
        steps, fewest = -(-self.rows // width), int(self.rows.min())
        counts = torch.as_tensor(self.rows, device=self.device).unsqueeze(1)
        block = width * max(1, BLOCK // (len(self.members) * width * self.layout.inputs))
        target, weight = self.targets(order), self.sample_weight(order)
        x = self.features(order[:, :block])
        for step, start in enumerate(range(0, last, width)):
            if start and start % block == 0:
                x = self.features(order[:, start : start + block])
            end = min(start + width, last)
            part, inner = slice(start, end), slice(start % block, start % block + end - start)
            mask = None if end <= fewest else torch.arange(start, end, device=self.device) < counts
            share = None if weight is None else weight[:, part]
            if mask is not None:
                share = mask.to(self.dtype) if share is None else share * mask
            takes_part = running & (steps > step)
            moving = None if takes_part.all() else torch.as_tensor(takes_part, device=self.device).unsqueeze(1)
            yield Batch(x[:, inner], target[:, part], share, mask, moving)

    def update(self, batch: Batch, lr: "torch.Tensor") -> "tuple[torch.Tensor, torch.Tensor | float]":
        """One update, from its rows a batch at a time; lr (members, 1).

        Returns each member's summed weighted loss and the weights' sum: (members, 1), or one number for all.
        """
        rows = batch.x.shape[1]
        share: torch.Tensor | None = None
        total: torch.Tensor | float = float(rows)
        if batch.weight is not None:
            total = batch.weight.sum(1, keepdim=True)
            share = batch.weight / total.clamp(min=1e-12)
        self.weights.requires_grad_(True)
        views = self.layout.views(self.weights)
        buffers = self.layout.buffer_views(self.buffers)
        grad, mean = None, None
        for start in range(0, rows, self.batch):
            part = slice(start, start + self.batch)
            run = Pass(True, self.numbers, buffers, None if batch.mask is None else batch.mask[:, part], self.noise)
            losses = self.losses(self.layout.forward(views, batch.x[:, part], run), batch.target[:, part])
            loss = (losses / rows if share is None else losses * share[:, part]).sum(1, keepdim=True)
            more = rows > start + self.batch
            # A gradient of one for each member: their sum, without adding them up.
            (piece,) = torch.autograd.grad(loss, self.weights, torch.ones_like(loss), retain_graph=more)
            grad = piece if grad is None else grad + piece
            mean = loss.detach() if mean is None else mean + loss.detach()
        assert grad is not None
        assert mean is not None
        with torch.no_grad():
            self._move(grad, buffers, lr, batch.moving)
        return mean * total, total

    def _move(
        self,
        grad: "torch.Tensor",
        buffers: "dict[str, torch.Tensor]",
        lr: "torch.Tensor",
        moving: "torch.Tensor | None",
    ) -> None:
        if self.clips:
            norm = torch.linalg.vector_norm(grad, dim=1, keepdim=True)
            grad = grad * (self.clip / (norm + 1e-6)).clamp(max=1)
            self.clipped += (norm > self.clip) if moving is None else (norm > self.clip) & moving
        step = self.step + 1
        weights, state = self.optimizer.function(
            self.weights.detach(), grad, self.state, step, lr=lr, **self.rates, **self.settings
        )
        buffer = self.layout.join_buffers(buffers) if buffers else self.buffers
        if moving is not None:
            weights, step = torch.where(moving, weights, self.weights), torch.where(moving, step, self.step)
            buffer = torch.where(moving, buffer, self.buffers)
            state = {name: torch.where(moving, value, self.state[name]) for name, value in state.items()}
        self.weights, self.buffers, self.step, self.state = weights.detach(), buffer, step, state

    def features(self, rows: "torch.Tensor") -> "torch.Tensor":
        """The encoded features of rows (members, batch): (members, batch, features)."""
        views = self.arrays.views
        if views.shape[0] > 1:
            rows = rows + self.view * views.shape[1]
        x = views.flatten(0, 1).index_select(0, rows.flatten()).view(*rows.shape, -1)
        encoded = torch.addcmul(self.offset, x, self.scale)
        return torch.where(x.isnan(), self.fill, encoded) if self.arrays.gaps else encoded

    def targets(self, rows: "torch.Tensor") -> "torch.Tensor":
        """(members, batch) -> (members, batch)."""
        targets = self.arrays.targets
        return targets.flatten().index_select(0, (rows + self.target_row * targets.shape[1]).flatten()).view(rows.shape)

    def sample_weight(self, rows: "torch.Tensor") -> "torch.Tensor | None":
        """What each sample counts: (members, batch), or None where all count alike."""
        weight = None if self.arrays.weight is None else self.arrays.weight[rows]
        if self.class_factor is not None:
            factor = self.class_factor.gather(1, self.targets(rows))
            weight = factor if weight is None else weight * factor
        return weight

    def losses(self, output: "torch.Tensor", target: "torch.Tensor") -> "torch.Tensor":
        """One loss per sample: output (members, batch, outputs), target (members, batch) -> (members, batch)."""
        output = output.squeeze(-1) if self.layout.outputs == 1 else output
        output = output if self.unseen is None else output + self.unseen
        parts = [(scale, function(output, target, **values)) for scale, function, values in self.terms]
        scaled = [part if scale is None else scale * part for scale, part in parts]
        return sum(scaled[1:], start=scaled[0])

    def look(
        self,
        rows: "torch.Tensor",
        then: "Callable[[torch.Tensor, torch.Tensor], torch.Tensor] | None" = None,
        weights: "torch.Tensor | None" = None,
        buffers: "torch.Tensor | None" = None,
    ) -> "torch.Tensor":
        """Outputs (members, batch, outputs) without training, or what `then(output, rows)` makes of each chunk."""
        views = self.layout.views(self.weights if weights is None else weights)
        run = Pass(False, self.numbers, self.layout.buffer_views(self.buffers if buffers is None else buffers))
        widest = max(self.layout.inputs, *(weight.shape[-1] for weight in self.layout.weights))
        chunk = max(1, ROOM // (len(self.members) * widest))
        pieces = []
        with torch.no_grad():
            for start in range(0, rows.shape[1], chunk):
                part = rows[:, start : start + chunk]
                output = self.layout.forward(views, self.features(part), run)
                pieces.append(output if then is None else then(output, part))
        return torch.cat(pieces, 1)

    def validate(self) -> "torch.Tensor":
        """The weighted mean loss over each member's validation rows: (members,)."""
        counts = torch.tensor([len(member.part.validation) for member in self.members], device=self.device)
        columns = self.validation.shape[1]
        mask = None
        if int(counts.min()) < columns:
            mask = torch.arange(columns, device=self.device) < counts.unsqueeze(1)
        losses = self.look(self.validation, lambda output, rows: self.losses(output, self.targets(rows)))
        weight = self.sample_weight(self.validation)
        if weight is None and mask is None:
            return losses.mean(1)
        alike = torch.ones_like(losses) if mask is None else mask.to(self.dtype)
        weight = alike if weight is None else weight * alike
        # A validation set whose weights are all 0 says nothing; its rows then count alike.
        weight = torch.where(weight.sum(1, keepdim=True) > 0, weight, alike)
        return (losses * weight).sum(1) / weight.sum(1)

    def keep(self, index: Sequence[int]) -> None:
        """Go on with these members alone."""
        self.members = [self.members[each] for each in index]
        self.generators = [self.generators[each] for each in index]
        chosen = torch.tensor(list(index), device=self.device)
        self.weights, self.buffers = self.weights[chosen], self.buffers[chosen]
        self.step, self.clipped = self.step[chosen], self.clipped[chosen]
        self.state = {name: value[chosen] for name, value in self.state.items()}
        self._prepare()

    def _tensor(self, values: Sequence[object]) -> "torch.Tensor":
        return torch.as_tensor(np.asarray(values), dtype=self.dtype, device=self.device)

    def _column(self, values: Sequence[float]) -> "torch.Tensor":
        return self._tensor(values).unsqueeze(1)

    def _term(self, index: int) -> "tuple[torch.Tensor | None, Callable[..., torch.Tensor], dict[str, object]]":
        """The scale (None where it is 1 for all), function and hyperparameters of one part of the loss."""
        terms = [member.run.loss[index] for member in self.members]
        call = terms[0].call
        values: dict[str, object] = dict(call.structure)
        for parameter in call.choice.parameters:
            if parameter.type is ClassWeights:
                given = [
                    class_weights(term, parameter.name, member)
                    for term, member in zip(terms, self.members, strict=True)
                ]
                values[parameter.name] = self._tensor(given).unsqueeze(1)
            elif parameter.varies:
                values[parameter.name] = self._column([term.call[parameter.name] for term in terms])
        scales = [term.scale for term in terms]
        scale = self._column(scales) if any(each != 1 for each in scales) else None
        return scale, call.choice.function, values

    def _class_factor(self) -> "torch.Tensor | None":
        """What `imbalance` makes each class count: (members, classes)."""
        if all(member.run.imbalance == "none" for member in self.members):
            return None
        return self._tensor(
            [
                balanced(member) if member.run.imbalance == "balanced" else np.ones(member.classes)
                for member in self.members
            ]
        )

    def _unseen(self) -> "torch.Tensor | None":
        """Lowers the outputs of classes that a member never saw: (members, 1, classes)."""
        if self.layout.outputs == 1 or all(
            (member.counts > 0).all() for member in self.members if member.counts is not None
        ):
            return None
        return self._tensor([lowered(member) for member in self.members]).unsqueeze(1)


def lowered(member: Member) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """What is added to the outputs of classes: nothing, or much less than nothing where the member never saw one."""
    assert member.counts is not None
    return np.where(member.counts > 0, 0.0, UNSEEN)


def balanced(member: Member) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Class weights inverse to the shares of the member's training rows; 1 for a class that is not there."""
    assert member.counts is not None
    counts = member.counts
    even = counts.sum() / max(int((counts > 0).sum()), 1)
    return np.where(counts > 0, even / np.maximum(counts, 1), 1.0)


def class_weights(term: Term, name: str, member: Member) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """The weight of each class that a call gives: (classes,)."""
    given = term.call[name]
    if isinstance(given, str):
        return balanced(member) if given == "balanced" else np.ones(member.classes)
    return np.array([1.0, given[0]] if len(given) == 1 else given)


def _padded(rows: Sequence["np.ndarray[tuple[int], np.dtype[np.int64]]"]) -> "torch.Tensor":
    """Row numbers side by side, filled up with each member's first: (members, most rows)."""
    columns = max(len(each) for each in rows)
    filled = [np.concatenate([each, np.full(columns - len(each), each[0] if len(each) else 0)]) for each in rows]
    return torch.from_numpy(np.stack(filled).astype(np.int64))
