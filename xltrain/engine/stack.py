"""A stack: members that train together, every tensor with a leading member axis.

Nothing here mixes members: each row of `weights`, `state` and `buffers` belongs to one of them, products are batched,
and the loss is summed over members, so that each gradient is the member's own.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from xltrain.choices.models.layout import Features, Pass
from xltrain.engine.begin import first_buffers, first_weights, frozen, warm_weights
from xltrain.engine.dynamics import Tally, Told
from xltrain.engine.head import Head
from xltrain.engine.joint import Joint
from xltrain.engine.moves import Averages, Clip, climbed, hidden_matrices
from xltrain.engine.objective import Objective
from xltrain.engine.plan import Member, batch_rows, layout_of
from xltrain.engine.pool import pooled
from xltrain.lazy import torch

ROOM = 1 << 23  # numbers that one chunk of an evaluation may hold in its widest layer
BLOCK = 1 << 19  # features looked up at a time in training: those of many small steps together


@dataclass(frozen=True)
class Arrays:
    """The data on the device, held once for all stacks.

    views: (views, rows, features). targets: (targets, rows), standardised numbers or class indices. weight: (rows,) or
    None. `gaps` is True where a feature may be missing (NaN). `features` says what each feature is, None for numbers.
    """

    views: "torch.Tensor"
    targets: "torch.Tensor"
    weight: "torch.Tensor | None"
    gaps: bool
    features: Features | None = None


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
        inputs = arrays.features or arrays.views.shape[-1]
        self.layout = layout_of(first.run.model, inputs, first.network)
        self.optimizer = first.run.optimizer.choice
        self.batch = max(batch_rows(member) for member in members)
        self.accumulate = first.run.accumulate
        self.generators = [torch.Generator().manual_seed(member.seed) for member in members]
        self.noise = torch.Generator(device).manual_seed(first.seed)  # dropout only
        begin = start or first_weights(members, inputs, self.generators)
        self.weights = torch.stack(list(begin)).to(device, dtype)
        # Weights that were trained come with buffers of their own.
        self.buffers = first_buffers(self.layout, members, arrays.views, learn=not start).to(dtype)
        if not start:
            warm_weights(members, self.weights, self.buffers)
        self.state = self._first_state()
        self.averages = Averages(self.weights, self.buffers) if first.run.ema else None
        self.step = self._column([0.0] * len(members))
        self.clipped = torch.zeros_like(self.step)
        self.told: list[Told] = []  # losses and outputs of the last update's samples
        self.tally: Tally | None = None
        self._prepare()

    def follow(self) -> None:
        """From now on note how every training row is learnt."""
        self.tally = Tally(self)

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
            decayed = torch.nn.functional.pad(self.layout.decayed(), (0, members[0].learned))
            self.rates["weight_decay"] = self.rates["weight_decay"] * decayed.to(self.device, self.dtype)
        self.settings = dict(runs[0].optimizer.structure)
        self.numbers = {
            name: self._column([run.model[name] for run in runs]).unsqueeze(-1)
            for name in runs[0].model.numbers
            if any(run.model[name] for run in runs)
        }
        self.clip = Clip.of(runs, self._column)
        self.sam = self._column([run.sam for run in runs]) if runs[0].sam else None
        self.ema = self._column([run.ema for run in runs])
        self.matrices = hidden_matrices(self.layout) if self.optimizer.facts.get("matrices") else None
        self.joint = Joint(members, self._tensor) if members[0].blocks else None
        self.head = self.joint.heads[0] if self.joint else Head(members, self._tensor)
        self.class_factor = None if self.joint else self.head.class_factor
        self.unseen = self.head.unseen
        self.objective = Objective.of(runs, self._column)
        still = frozen(members, self.layout)
        self.frozen = None if still is None else tuple(each.to(self.device) for each in still)

    def epoch_order(self) -> "torch.Tensor":
        """Each member's training rows in a new order of its own: (members, most rows), padded.

        `slots` says where each stands among the member's rows.
        """
        columns = self.training.shape[1]
        orders = torch.arange(columns).repeat(len(self.members), 1)
        for index, generator in enumerate(self.generators):
            count = int(self.rows[index])
            orders[index, :count] = torch.randperm(count, generator=generator)
        self.slots = orders.to(self.device)
        return self.training.gather(1, self.slots)

    def batches(self, order: "torch.Tensor", running: "np.ndarray") -> "Iterator[Batch]":
        """What each update of an epoch learns from; order (members, most rows) and who is running (members,).

        Looking things up costs much beside a small step, so targets and weights are gathered once an epoch and
        features for several steps at a time.
        """
        width, last = self.batch * self.accumulate, int(self.rows[running].max())
        steps, fewest = -(-self.rows // width), int(self.rows.min())
        counts = torch.as_tensor(self.rows, device=self.device).unsqueeze(1)
        block = width * max(1, BLOCK // (len(self.members) * width * self.layout.inputs))
        moves = running[:, None] & (steps[:, None] > np.arange(-(-last // width)))
        moving = None if moves.all() else torch.as_tensor(moves, device=self.device)  # no copy falls into the epoch
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
            still = None if moving is None or moves[:, step].all() else moving[:, step : step + 1]
            yield Batch(x[:, inner], target[:, part], share, mask, still)

    def update(self, batch: Batch, lr: "torch.Tensor") -> "tuple[torch.Tensor, torch.Tensor | float]":
        """One update, from its rows a batch at a time; lr (members, 1).

        Returns each member's summed weighted loss (members, 1), beside it those of its terms where there are several
        (members, 1 + terms), and the weights' sum: (members, 1), or one number for all.
        """
        again = self.sam is not None or bool(self.optimizer.facts.get("closure"))
        drawn = self.noise.get_state() if again else None
        self.told = []
        followed = self.told if self.tally is not None else None
        loss, grad, buffers, total = self._gradient(self.weights, batch, followed)

        def look(weights: "torch.Tensor") -> "tuple[torch.Tensor, torch.Tensor]":
            """Loss and gradient elsewhere, under the same dropout; the running statistics stay as they are."""
            if drawn is not None:
                self.noise.set_state(drawn)
            with torch.enable_grad():
                loss, grad, *_ = self._gradient(weights.detach(), batch)
                return loss[:, :1], grad

        with torch.no_grad():
            if self.sam is not None:
                grad = look(climbed(self.weights.detach(), grad, self.sam))[1]
            self._move(loss[:, :1], grad, buffers, lr, batch.moving, look)
        return loss * total, total

    def _gradient(
        self, weights: "torch.Tensor", batch: Batch, told: "list[Told] | None" = None
    ) -> "tuple[torch.Tensor, torch.Tensor, dict[str, torch.Tensor], torch.Tensor | float]":
        """Mean loss (columns as in `update`), its gradient, the running statistics after it and the sum of sample
        weights. What each sample gave joins `told`.
        """
        if self.joint is not None:
            return self.joint.gradient(self, weights, batch, told)
        rows = batch.x.shape[1]
        share: torch.Tensor | None = None
        total: torch.Tensor | float = float(rows)
        if batch.weight is not None:
            total = batch.weight.sum(1, keepdim=True)
            share = batch.weight / total.clamp(min=1e-12)
        weights.requires_grad_(True)
        views = self.layout.views(weights)
        buffers = self.layout.buffer_views(self.buffers)
        grad, mean = None, None
        for start in range(0, rows, self.batch):
            part = slice(start, start + self.batch)
            run = Pass(True, self.numbers, buffers, None if batch.mask is None else batch.mask[:, part], self.noise)
            output = self.layout.forward(views, batch.x[:, part], run)
            parts = self.parts(output, batch.target[:, part])
            losses = self.summed(parts)
            if told is not None:
                told.append((losses.detach(), output.detach() if self.members[0].classes else None))
            loss = (losses / rows if share is None else losses * share[:, part]).sum(1, keepdim=True)
            if self.objective is not None:
                own = None if batch.weight is None else batch.weight[:, part]
                data = (batch.x[:, part], batch.target[:, part], output, own)
                counts = losses.shape[1] / rows if share is None else share[:, part].sum(1, keepdim=True)
                loss = self.objective.value(self, views, run, data, losses) * counts
            more = rows > start + self.batch
            # A gradient of one for each member: their sum, without adding them up.
            (piece,) = torch.autograd.grad(loss, weights, torch.ones_like(loss), retain_graph=more)
            grad = piece if grad is None else grad + piece
            if len(parts) > 1 or self.objective is not None:
                parts = [each.detach() for each in parts]
                apart = [
                    (each / rows if share is None else each * share[:, part]).sum(1, keepdim=True) for each in parts
                ]
                loss = torch.cat([loss, *apart], 1)
            mean = loss.detach() if mean is None else mean + loss.detach()
        assert grad is not None
        assert mean is not None
        return mean, grad, buffers, total

    def _move(
        self,
        loss: "torch.Tensor",
        grad: "torch.Tensor",
        buffers: "dict[str, torch.Tensor]",
        lr: "torch.Tensor",
        moving: "torch.Tensor | None",
        look: "Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]]",
    ) -> None:
        facts = self.optimizer.facts
        more: tuple[object, ...] = () if self.matrices is None else (self.matrices,)
        if facts.get("closure"):
            more = (loss, look)
        elif self.clip is not None:
            grad, hit = self.clip(grad)
            self.clipped += hit if moving is None else hit & moving
        step = self.step + 1
        weights, state = self.optimizer.function(
            self.weights.detach(), grad, self.state, step, *more, lr=lr, **self.rates, **self.settings
        )
        buffer = self.layout.join_buffers(buffers) if buffers else self.buffers
        if self.frozen is not None:
            weights = torch.where(self.frozen[0], self.weights, weights)
            buffer = torch.where(self.frozen[1], self.buffers, buffer)
        if moving is not None:
            weights, step = torch.where(moving, weights, self.weights), torch.where(moving, step, self.step)
            buffer = torch.where(moving, buffer, self.buffers)
            state = {name: torch.where(moving, value, self.state[name]) for name, value in state.items()}
        self.weights, self.buffers, self.step, self.state = weights.detach(), buffer, step, state
        if self.averages is not None:
            self.averages.add(self._counting(), self.buffers, self.ema, step, moving)

    def _first_state(self) -> "dict[str, torch.Tensor]":
        """What the optimizer remembers before its first step."""
        facts = self.optimizer.facts
        state = {name: torch.zeros_like(self.weights) for name in facts["state"]}
        if "start" in facts:
            state |= facts["start"](self.weights, **dict(self.members[0].run.optimizer.structure))
        return state

    def _counting(self) -> "torch.Tensor":
        """The weights that the optimizer means to be used: its own average where it keeps one."""
        name = self.optimizer.facts.get("evaluates")
        return self.state[name] if name else self.weights

    def evaluated(self) -> "tuple[torch.Tensor, torch.Tensor]":
        """The weights and buffers that a member is judged by and remembered with: a running average where one is
        asked for.
        """
        if self.averages is not None:
            return self.averages.weights, self.averages.buffers
        return self._counting(), self.buffers

    def features(self, rows: "torch.Tensor") -> "torch.Tensor":
        """The encoded features of rows (members, batch): (members, batch, features)."""
        views = self.arrays.views
        if views.shape[0] > 1:
            rows = rows + self.view * views.shape[1]
        x = views.flatten(0, 1).index_select(0, rows.flatten()).view(*rows.shape, -1)
        encoded = torch.addcmul(self.offset, x, self.scale)
        return torch.where(x.isnan(), self.fill, encoded) if self.arrays.gaps else encoded

    def targets(self, rows: "torch.Tensor") -> "torch.Tensor":
        """(members, batch) -> (members, batch), for a joint run (members, batch, targets)."""
        targets = self.arrays.targets
        if self.joint is not None:
            return self.joint.targets(targets, rows)
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
        return self.summed(self.parts(output, target))

    def parts(self, output: "torch.Tensor", target: "torch.Tensor") -> "list[torch.Tensor]":
        """What each term of the loss gives, before it is scaled."""
        return self.head.parts(output, target)

    def summed(self, parts: "Sequence[torch.Tensor]") -> "torch.Tensor":
        """The scaled terms together."""
        return self.head.summed(parts)

    def look(
        self,
        rows: "torch.Tensor",
        then: "Callable[[torch.Tensor, torch.Tensor], torch.Tensor] | None" = None,
        weights: "torch.Tensor | None" = None,
        buffers: "torch.Tensor | None" = None,
    ) -> "torch.Tensor":
        """Outputs (members, batch, outputs) without training, or what `then(output, rows)` makes of each chunk."""
        views = self.views(self.weights if weights is None else weights)
        run = Pass(False, self.numbers, self.layout.buffer_views(self.buffers if buffers is None else buffers))
        chunk = max(1, ROOM // (len(self.members) * self.layout.widest))
        pieces = []
        with torch.no_grad():
            for start in range(0, rows.shape[1], chunk):
                part = rows[:, start : start + chunk]
                output = self.pooled(self.layout.forward(views, self.features(part), run))
                pieces.append(output if then is None else then(output, part))
        return torch.cat(pieces, 1)

    def views(self, weights: "torch.Tensor") -> "dict[str, torch.Tensor]":
        """The weights of the network by name, without what an objective learns besides."""
        return self.layout.views(weights[:, : self.layout.size] if self.members[0].learned else weights)

    def pooled(self, output: "torch.Tensor") -> "torch.Tensor":
        """Outputs said of one row as one; of a block of a joint network its own alone."""
        first = self.members[0]
        if self.joint is not None:
            return self.joint.pooled(output)
        return pooled(output[..., first.start : first.start + first.outputs] if first.width else output, first.link)

    def validate(self) -> "torch.Tensor":
        """The weighted mean loss over each member's validation rows; columns as in `update`."""
        counts = torch.tensor([len(member.part.validation) for member in self.members], device=self.device)
        columns = self.validation.shape[1]
        mask = None
        if int(counts.min()) < columns:
            mask = torch.arange(columns, device=self.device) < counts.unsqueeze(1)
        if self.objective is not None or self.joint is not None:
            given = self.sample_weight(self.validation)
            alike = torch.ones_like(self.validation, dtype=self.dtype) if mask is None else mask.to(self.dtype)
            given = alike if given is None else given * alike
            if self.joint is not None:
                return self.joint.validate(self, given, alike)
            assert self.objective is not None
            return self.objective.validate(self, torch.where(given.sum(1, keepdim=True) > 0, given, alike))
        weights, buffers = self.evaluated()
        losses = self.look(
            self.validation, lambda output, rows: self._columns(output, self.targets(rows)), weights, buffers
        )
        weight = self.sample_weight(self.validation)
        if weight is None and mask is None:
            return losses.mean(1)
        alike = torch.ones_like(losses[..., 0]) if mask is None else mask.to(self.dtype)
        weight = alike if weight is None else weight * alike
        # A validation set whose weights are all 0 says nothing; its rows then count alike.
        weight = torch.where(weight.sum(1, keepdim=True) > 0, weight, alike)
        return (losses * weight.unsqueeze(-1)).sum(1) / weight.sum(1, keepdim=True)

    def _columns(self, output: "torch.Tensor", target: "torch.Tensor") -> "torch.Tensor":
        """The loss of each sample, beside it its terms where there are several: (members, batch, columns)."""
        parts = self.parts(output, target)
        total = self.summed(parts)
        return torch.stack([total, *parts], -1) if len(parts) > 1 else total.unsqueeze(-1)

    def keep(self, index: Sequence[int]) -> None:
        """Go on with these members alone."""
        self.members = [self.members[each] for each in index]
        self.generators = [self.generators[each] for each in index]
        chosen = torch.tensor(list(index), device=self.device)
        self.weights, self.buffers = self.weights[chosen], self.buffers[chosen]
        self.step, self.clipped = self.step[chosen], self.clipped[chosen]
        self.state = {name: value[chosen] for name, value in self.state.items()}
        if self.averages is not None:
            self.averages = self.averages.of(chosen)
        self._prepare()
        if self.tally is not None:
            self.tally.keep(chosen, self)

    def _tensor(self, values: Sequence[object]) -> "torch.Tensor":
        return torch.as_tensor(np.asarray(values), dtype=self.dtype, device=self.device)

    def _column(self, values: Sequence[float]) -> "torch.Tensor":
        return self._tensor(values).unsqueeze(1)


def _padded(rows: Sequence["np.ndarray[tuple[int], np.dtype[np.int64]]"]) -> "torch.Tensor":
    """Row numbers side by side, filled up with each member's first: (members, most rows)."""
    columns = max(len(each) for each in rows)
    filled = [np.concatenate([each, np.full(columns - len(each), each[0] if len(each) else 0)]) for each in rows]
    return torch.from_numpy(np.stack(filled).astype(np.int64))
