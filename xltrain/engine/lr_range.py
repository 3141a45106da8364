"""`lr=auto`: a learning-rate range test for every member, all copies of them trained together as stacks.

Each copy of a member takes one learning rate of a wide range for a few steps on the member's own training rows; the
rate is chosen from how far their losses have come. Neither validation nor held-out rows play a part, and each fold
chooses for itself: a rate chosen once for all would carry the held-out rows of one fold into the model that scores
them. Smith 2017, arXiv 1506.01186.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from xltrain.config.settings import Run
from xltrain.data.encode import Floats
from xltrain.engine.device import threads
from xltrain.engine.goals import Goal
from xltrain.engine.plan import Member, batch_work, plan
from xltrain.engine.result import LrRange, TargetResult
from xltrain.engine.stack import Arrays, Stack
from xltrain.lazy import torch
from xltrain.registry import AUTO, Call

COPIES = 32  # rates tried, evenly spaced on a logarithmic axis
STEPS = 100  # updates of each copy
LAST = 20  # of them the loss is the mean of
REACH = (1e-2, 1e3)  # times the optimizer's usual rate: 1e-5 to 1 for adamw, 1e-4 to 10 for sgd
BELOW = 10.0  # how far below the rate of the lowest loss the choice may be, and is where the loss is noise


@dataclass(frozen=True)
class Chosen:
    """The members with their rates, and the range test of each run and target that asked for one."""

    members: list[Member]
    ranges: Mapping[tuple[str, str], LrRange]

    def goals(self, goals: Sequence[Goal]) -> list[Goal]:
        """The goals with the rates found in their runs."""
        return [replace(goal, runs=tuple(self._run(run, goal.name) for run in goal.runs)) for goal in goals]

    def _run(self, run: Run, target: str) -> Run:
        found = self.ranges.get((run.name, target))
        return with_rate(run, found.chosen) if found else run


def with_curves(result: TargetResult, ranges: Mapping[tuple[str, str], LrRange]) -> TargetResult:
    """The result with the range test of each run."""
    return replace(
        result, runs=tuple(replace(run, lr_range=ranges.get((run.name, result.target))) for run in result.runs)
    )


def is_auto(run: Run) -> bool:
    return bool(dict(run.optimizer.values).get("lr") == AUTO)


def with_rate(run: Run, lr: float) -> Run:
    call = run.optimizer
    values = tuple((name, lr if name == "lr" else value) for name, value in call.values)
    return replace(run, optimizer=Call(call.kind, call.name, values))


def choose_rates(
    members: Sequence[Member], arrays: Mapping[str, Arrays], device: "torch.device", dtype: "torch.dtype"
) -> Chosen:
    """Find the rate of every member whose run says `lr=auto`; the others stay as they are."""
    asked = [index for index, member in enumerate(members) if is_auto(member.run)]
    losses = _losses([members[index] for index in asked], arrays, device, dtype)
    changed = list(members)
    curves: dict[tuple[str, str], list[tuple[float, Floats]]] = {}
    for index, loss in zip(asked, losses, strict=True):
        member = members[index]
        rates = rates_of(member.run.optimizer)
        lr = choose(rates, loss)
        changed[index] = replace(member, run=with_rate(member.run, lr))
        curves.setdefault((member.run.name, member.target), []).append((lr, loss))
    runs = {(members[index].run.name, members[index].target): members[index].run for index in asked}
    ranges = {key: _together(rates_of(runs[key].optimizer), found) for key, found in curves.items()}
    return Chosen(changed, ranges)


def rates_of(call: Call) -> Floats:
    """The rates that are tried: (copies,)."""
    usual = next(parameter.default for parameter in call.choice.parameters if parameter.name == "lr")
    return np.geomspace(usual * REACH[0], usual * REACH[1], COPIES)


def choose(rates: Floats, loss: Floats) -> float:
    """The rate where the loss falls steepest before its minimum, but no further below that than a factor of ten.

    loss (copies,): NaN where a copy diverged.
    """
    smooth = smoothed(loss)
    lowest = int(np.argmin(smooth))
    slope = np.diff(smooth[: lowest + 1])
    steepest = int(np.argmin(slope)) + 1 if len(slope) else lowest
    return _short(max(float(rates[steepest]), float(rates[lowest]) / BELOW))


def smoothed(loss: Floats) -> Floats:
    """The losses averaged with their neighbours; one that diverged or rose above the start counts as the start."""
    start = loss[0] if np.isfinite(loss[0]) else np.nanmax(loss[np.isfinite(loss)], initial=1.0)
    filled = np.minimum(np.where(np.isfinite(loss), loss, np.inf), start)
    padded = np.concatenate([filled[:1], filled, filled[-1:]])
    return np.asarray(np.convolve(padded, [0.25, 0.5, 0.25], "valid"))


def _losses(
    members: Sequence[Member], arrays: Mapping[str, Arrays], device: "torch.device", dtype: "torch.dtype"
) -> list[Floats]:
    """The last losses of every copy of each member: one (copies,) for each."""
    copies: list[Member] = []
    for member in members:
        seed = int(np.random.SeedSequence([member.seed, COPIES]).generate_state(1, np.uint64)[0] >> np.uint64(1))
        # The same beginning and the same batches for each copy: what differs is the rate alone.
        copies += [
            replace(member, run=with_rate(member.run, float(lr)), seed=seed) for lr in rates_of(member.run.optimizer)
        ]
    found: dict[int, float] = {}
    inputs = next(iter(arrays.values())).views.shape[-1]
    for group in plan(copies, inputs, device.type):
        for copy, loss in zip(group, _train(group, arrays[group[0].task], device, dtype), strict=True):
            found[id(copy)] = loss
    losses = np.array([found[id(copy)] for copy in copies]).reshape(-1, COPIES)
    return list(losses)


def _train(members: Sequence[Member], arrays: Arrays, device: "torch.device", dtype: "torch.dtype") -> Floats:
    """Each member's mean training loss over its last steps, NaN where it diverged: (members,)."""
    stack = Stack(members, arrays, device, dtype)
    lr = torch.tensor([[member.run.optimizer["lr"]] for member in members], device=device, dtype=dtype)
    everyone = np.ones(len(members), bool)
    losses: list[torch.Tensor] = []
    with threads(batch_work(members, stack.layout)):
        while len(losses) < STEPS:
            for batch in stack.batches(stack.epoch_order(), everyone):
                loss, weight = stack.update(batch, lr)
                weight = torch.as_tensor(weight, dtype=dtype, device=device)
                mean = loss / weight.clamp(min=1e-12)
                # A member with fewer rows than the others rests in the last step of an epoch.
                losses.append(torch.where(weight > 0, mean, losses[-1]) if losses else mean)
                if len(losses) == STEPS:
                    break
    last = torch.stack(losses[-LAST:]).mean(0)[:, 0].double().cpu().numpy()
    return np.where(np.isfinite(last), last, np.nan)


def _together(rates: Floats, found: Sequence[tuple[float, Floats]]) -> LrRange:
    """The members of a run as one curve: the mean of their losses, the middle one of their rates."""
    chosen = float(np.exp(np.median(np.log([lr for lr, _ in found]))))
    return LrRange(rates, np.mean([loss for _, loss in found], axis=0), _short(chosen))


def _short(lr: float) -> float:
    """Two digits say all that such a test can."""
    return float(f"{lr:.2g}")
