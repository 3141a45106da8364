"""From runs, folds and repeats to members, and from members to stacks.

Members with one signature share a stack: what fixes tensor shapes and code. Everything else is a number per member.
A stack is cut where it would outgrow a stated budget, never by what happens to be free, so that a job gives the same
bits on the same machine.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from xltrain.choices.models.layout import Features, Layout
from xltrain.config.settings import ALL, Run
from xltrain.data.encode import Encoding, Floats, State
from xltrain.data.split import Part
from xltrain.engine.known import Known
from xltrain.lazy import torch
from xltrain.registry import Call, ClassWeights, Term

BUDGET = {"cpu": 1 << 30, "cuda": 8 << 30}  # bytes that the members of one stack may take
BASE_ROWS = 64  # rows of one update for which `lr` is meant where `lr_scale` is not none
COPIES = 12  # weights, gradient, best weights, optimizer state and what one update needs besides


@dataclass(frozen=True, eq=False)
class Warmth:
    """What a member begins with in place of chance: weights (size,), buffers (buffer size,); and what that knew."""

    weights: "torch.Tensor"
    buffers: "torch.Tensor"
    known: Known


@dataclass(frozen=True)
class Member:
    """One set of weights: one run, target, fold and repeat.

    A joint run has a member for all its targets together, whose `blocks` are what each target alone would be; `start`
    and `width` of a block are its first output and how many the network has. `view` and `target_row` say which view of
    the features and which row of the targets are its own; `mean` and `deviation` undo the target's standardisation;
    `warm` is what it begins with, None for chance. `counts` holds the training rows of each class (classes,).
    """

    run: Run
    target: str
    task: str
    part: Part
    seed: int
    state: State
    view: int
    target_row: int
    mean: float = 0.0
    deviation: float = 1.0
    counts: Floats | None = None
    blocks: "tuple[Member, ...]" = ()
    start: int = 0
    width: int = 0
    warm: Warmth | None = field(default=None, repr=False)

    @property
    def classes(self) -> int:
        return 0 if self.counts is None else len(self.counts)

    @property
    def outputs(self) -> int:
        if self.blocks:
            return sum(block.outputs for block in self.blocks)
        return outputs_of(self.run.loss[0].call, self.classes)

    @property
    def network(self) -> int:
        """The outputs of the network that this member, or the joint one that it is a block of, consists of."""
        return self.width or self.outputs

    @property
    def learned(self) -> int:
        """How many numbers of its objective a member learns besides its weights."""
        return len(self.blocks) if self.run.objective.choice.facts.get("learns") else 0

    @property
    def link(self) -> str:
        return link_of(self.run.loss[0].call)

    @property
    def lowers(self) -> bool:
        """Whether outputs belong to classes or stand between them, so that a class never seen can be lowered."""
        return not self.blocks and self.outputs > 1 and output_kind(self.run.loss[0].call) in ("classes", "cuts")


@dataclass(frozen=True)
class Signature:
    """What members must have in common to train as one batched computation."""

    task: str
    classes: int
    inputs: int | Features
    outputs: int
    model: tuple[Any, ...]
    loss: tuple[Any, ...]
    optimizer: tuple[Any, ...]
    batch_size: int
    accumulate: int
    sam: bool
    ema: bool
    objective: tuple[Any, ...]


def output_kind(call: Call) -> str:
    """The fact `outputs` of a loss, `one` where only one is given; without the fact one, or one for each class."""
    facts = call.choice.facts
    kind = str(facts.get("outputs", "classes" if facts["task"] == "classification" else "one"))
    return "one" if kind == "each" and len(_given(call)) < 2 else kind


def outputs_of(call: Call, classes: int) -> int:
    """How many outputs a loss wants of its model."""
    counts = {"one": 1, "two": 2, "classes": classes, "cuts": classes - 1, "each": len(_given(call))}
    return counts[output_kind(call)]


def link_of(call: Call) -> str:
    """The fact `link` of a loss; of several quantiles `quantiles:1` names the output that is shown."""
    facts = call.choice.facts
    link = str(facts.get("link", "softmax" if facts["task"] == "classification" else "identity"))
    if link != "quantiles":
        return link
    shares = _given(call)
    if len(shares) < 2:
        return "identity"
    return f"{link}:{min(range(len(shares)), key=lambda index: abs(shares[index] - 0.5))}"


def scale_of(call: Call) -> str:
    """The fact `scale` of a loss: how its target is prepared."""
    return str(call.choice.facts.get("scale", "standard"))


def meaning(call: Call) -> tuple[Any, ...]:
    """What losses that are added must have in common: what each output means."""
    kind = output_kind(call)
    return kind, link_of(call), scale_of(call), _given(call) if kind == "each" else ()


def _given(call: Call) -> tuple[Any, ...]:
    return tuple(value for parameter in call.choice.parameters if parameter.many for value in call[parameter.name])


def member_seed(job_seed: int, run_seed: int, part: Part) -> int:
    """The seed of a member's weights and row order; its place in a stack plays no part in it."""
    state = np.random.SeedSequence([job_seed, run_seed, part.repeat, part.fold]).generate_state(1, np.uint64)
    return int(state[0] >> np.uint64(1))


def signature(member: Member, inputs: int | Features) -> Signature:
    run = member.run
    return Signature(
        member.task,
        member.classes,
        inputs,
        member.outputs,
        (run.model.name, run.model.structure),
        tuple((block.task, block.classes, _loss(block)) for block in member.blocks) or _loss(member),
        (run.optimizer.name, run.optimizer.structure),
        run.batch_size,
        run.accumulate,
        run.sam > 0,
        run.ema > 0,
        (run.objective.name, run.objective.structure),
    )


def plan(members: Iterable[Member], inputs: int | Features, device: str) -> list[list[Member]]:
    """The stacks, in the order of their first member, each within the budget."""
    groups: dict[tuple[Signature, int], list[Member]] = {}
    for index, member in enumerate(members):
        own = index + 1 if member.run.objective.choice.facts.get("alone") else 0
        groups.setdefault((signature(member, inputs), own), []).append(member)
    stacks: list[list[Member]] = []
    for group in groups.values():
        most = max(1, BUDGET[device] // max(member_bytes(member, inputs) for member in group))
        count = -(-len(group) // most)
        size = -(-len(group) // count)  # stacks of equal size rather than a small last one
        stacks += [group[start : start + size] for start in range(0, len(group), size)]
    return stacks


def features_of(encoding: Encoding) -> Features:
    """What the features of an encoding are to a model."""
    numeric: list[int] = []
    categories: dict[int, list[int]] = {}
    start = 0
    for number, column in enumerate(encoding.columns):
        of_category = any(part.startswith("=") for part in column.parts)
        for index, part in enumerate(column.parts, start):
            if of_category:
                categories.setdefault(number, []).append(index)
            elif part != "missing" and not part.startswith(("#", "bin ")):
                numeric.append(index)
        start += len(column.parts)
    return Features(start, tuple(numeric), tuple(map(tuple, categories.values())))


def layout_of(call: Call, inputs: int | Features, outputs: int) -> Layout:
    """The layout that a model's call describes for these inputs; a bare count stands for numbers."""
    many = [parameter.name for parameter in call.choice.parameters if parameter.many]
    positional = [item for name in many for item in call[name]]
    named = {name: value for name, value in call.values if name not in many}
    features = Features.plain(inputs) if isinstance(inputs, int) else inputs
    given = features if call.choice.facts.get("features") else features.count
    layout: Layout = call.choice.function(given, outputs, *positional, **named)
    return layout


def batch_rows(member: Member) -> int:
    """Rows of one batch of this member."""
    rows = len(member.part.training)
    return rows if member.run.batch_size == ALL else min(member.run.batch_size, rows)


def lr_factor(member: Member) -> float:
    """What `lr_scale` makes of the learning rate, by the rows of one update: 1 at 64."""
    rows = min(batch_rows(member) * member.run.accumulate, len(member.part.training))
    share = rows / BASE_ROWS
    return {"none": 1.0, "linear": share, "sqrt": math.sqrt(share)}[member.run.lr_scale]


def batch_work(members: Sequence[Member], layout: Layout) -> int:
    """Multiplications in one forward pass of a stack."""
    return len(members) * max(batch_rows(member) for member in members) * layout.work


def member_bytes(member: Member, inputs: int | Features) -> int:
    """What a member may take of memory, about."""
    layout = layout_of(member.run.model, inputs, member.outputs)
    rows = len(member.part.training) + len(member.part.validation)
    copies: int = COPIES + 2 * dict(member.run.optimizer.structure).get("history", 0)
    return 4 * (copies * layout.size + 3 * batch_rows(member) * layout.kept) + 32 * rows


def _loss(member: Member) -> tuple[Any, ...]:
    return tuple((term.call.name, _structure(term)) for term in member.run.loss)


def _structure(term: Term) -> tuple[Any, ...]:
    weights = {parameter.name for parameter in term.call.choice.parameters if parameter.type is ClassWeights}
    counts = ((each.name, len(term.call[each.name])) for each in term.call.choice.parameters if each.many)
    return (*((name, value) for name, value in term.call.structure if name not in weights), *counts)
