"""What a fit is about to do: its stacks, what they may take of memory, and how long they may train."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice

import numpy as np

from xltrain.choices.models.layout import Features
from xltrain.engine.device import arithmetic, describe, threads
from xltrain.engine.graph import updates
from xltrain.engine.plan import BUDGET, Member, batch_work, layout_of, member_bytes, signature
from xltrain.engine.stack import Arrays, Batch, Stack
from xltrain.events import Planned, PlannedStack
from xltrain.lazy import torch

WARM, MOST = 2, 20  # updates that are not timed, and then at most so many that are
SHARE = 0.003  # of all updates of a stack are timed at most, lest a forecast cost what it foretells
ENOUGH = 0.2  # seconds after which fewer will do


def forecast(
    stacks: Sequence[Sequence[Member]],
    arrays: Mapping[str, Arrays],
    features: Features,
    device: "torch.device",
    dtype: "torch.dtype",
    asked: str = "float32",
) -> Planned:
    """The plan. The time is measured: a copy of each distinct stack takes a few steps on its own rows and is thrown
    away. It is what every epoch that a run allows would take; stopping early makes it less.
    """
    known: dict[object, float] = {}
    told = []
    shapes = [signature(members[0], features) for members in stacks]
    alike = Counter(shapes)
    for members, shape in zip(stacks, shapes, strict=True):
        first = members[0]
        sizes = tuple(sorted((len(each.part.training), len(each.part.validation)) for each in members))
        key = (shape, sizes)
        if key not in known:
            with arithmetic(asked, device):
                known[key] = _epoch(members, arrays[first.task], device, dtype)
        epochs = max(member.run.epochs for member in members)
        told.append(
            PlannedStack(
                tuple(dict.fromkeys(member.run.name for member in members)),
                len(members),
                str(first.run.model),
                max(len(member.part.training) for member in members),
                first.run.batch_size,
                epochs,
                len(members) * max(member_bytes(member, features) for member in members),
                layout_of(first.run.model, features, first.network).size,
                known[key] * epochs,
                _alone(members, alike[shape]),
            )
        )
    runs = {(member.run.name, member.target) for members in stacks for member in members}
    count = sum(map(len, stacks))
    return Planned(len(runs), count, len(stacks), describe(device), tuple(told), BUDGET[device.type])


def _alone(members: Sequence[Member], alike: int) -> str:
    """Why a stack of one is one, as the key of a message; empty for one of several. `alike` stacks have its shape."""
    if len(members) > 1:
        return ""
    if members[0].run.objective.choice.facts.get("alone"):
        return "plan_alone_objective"
    return "plan_alone_large" if alike > 1 else "plan_alone"


def _epoch(members: Sequence[Member], arrays: Arrays, device: "torch.device", dtype: "torch.dtype") -> float:
    """Seconds that one epoch of a stack takes, from a few of its steps and one look at its validation rows."""
    stack = Stack(members, arrays, device, dtype)
    update = updates(stack)
    lr = torch.tensor([[member.run.optimizer["lr"]] for member in members], dtype=dtype, device=device)
    everyone = np.ones(len(members), bool)
    steps = int(-(-stack.rows // (stack.batch * stack.accumulate)).max())
    wanted = min(MOST, max(1, int(steps * max(member.run.epochs for member in members) * SHARE)))
    taken: list[float] = []
    with threads(batch_work(members, stack.layout)):
        # The first time of everything is slow by nature.
        for early in islice(stack.batches(stack.epoch_order(), everyone), WARM):
            update(early, lr)
        stack.validate()
        clock = _Clock(device)
        stack.validate()
        looking = clock.lap()
        while len(taken) < wanted and sum(taken) < ENOUGH:
            clock = _Clock(device)
            batches = stack.batches(stack.epoch_order(), everyone)
            batch: Batch | None = next(batches)
            preparing = clock.lap()
            while batch and len(taken) < wanted and sum(taken) < ENOUGH:
                update(batch, lr)
                batch = next(batches, None)
                taken.append(clock.lap())
    # The middle one, lest it be a moment in which the machine did something else.
    return steps * float(np.median(taken)) + preparing + looking


class _Clock:
    """Seconds since the last look, with everything done that was asked of the device."""

    def __init__(self, device: "torch.device") -> None:
        self._device, self._last = device, time.perf_counter()

    def lap(self) -> float:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        before, self._last = self._last, time.perf_counter()
        return self._last - before
