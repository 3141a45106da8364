"""From runs, folds and repeats to members, and from members to stacks.

Members with one signature share a stack: what fixes tensor shapes and code. Everything else is a number per member.
A stack is cut where it would outgrow a stated budget, never by what happens to be free, so that a job gives the same
bits on the same machine.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from xltrain.choices.models.layout import Layout
from xltrain.config.settings import ALL, Run
from xltrain.data.encode import Floats, State
from xltrain.data.split import Part
from xltrain.registry import Call, ClassWeights, Term

BUDGET = {"cpu": 1 << 30, "cuda": 8 << 30}  # bytes that the members of one stack may take
COPIES = 12  # weights, gradient, best weights, optimizer state and what one update needs besides


@dataclass(frozen=True)
class Member:
    """One set of weights: one run, target, fold and repeat.

    `view` and `target_row` say which view of the features and which row of the targets are its own; `mean` and
    `deviation` undo the target's standardisation; `counts` holds the training rows of each class (classes,).
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

    @property
    def classes(self) -> int:
        return 0 if self.counts is None else len(self.counts)

    @property
    def outputs(self) -> int:
        return self.classes if self.run.loss[0].call.choice.facts["outputs"] == "classes" else 1


@dataclass(frozen=True)
class Signature:
    """What members must have in common to train as one batched computation."""

    task: str
    classes: int
    inputs: int
    outputs: int
    model: tuple[Any, ...]
    loss: tuple[Any, ...]
    optimizer: tuple[Any, ...]
    batch_size: int
    accumulate: int


def member_seed(job_seed: int, run_seed: int, part: Part) -> int:
    """The seed of a member's weights and row order; its place in a stack plays no part in it."""
    state = np.random.SeedSequence([job_seed, run_seed, part.repeat, part.fold]).generate_state(1, np.uint64)
    return int(state[0] >> np.uint64(1))


def signature(member: Member, inputs: int) -> Signature:
    run = member.run
    return Signature(
        member.task,
        member.classes,
        inputs,
        member.outputs,
        (run.model.name, run.model.structure),
        tuple((term.call.name, _structure(term)) for term in run.loss),
        (run.optimizer.name, run.optimizer.structure),
        run.batch_size,
        run.accumulate,
    )


def plan(members: Iterable[Member], inputs: int, device: str) -> list[list[Member]]:
    """The stacks, in the order of their first member, each within the budget."""
    groups: dict[Signature, list[Member]] = {}
    for member in members:
        groups.setdefault(signature(member, inputs), []).append(member)
    stacks: list[list[Member]] = []
    for group in groups.values():
        most = max(1, BUDGET[device] // max(_bytes(member, inputs) for member in group))
        count = -(-len(group) // most)
        size = -(-len(group) // count)  # stacks of equal size rather than a small last one
        stacks += [group[start : start + size] for start in range(0, len(group), size)]
    return stacks


def layout_of(call: Call, inputs: int, outputs: int) -> Layout:
    """The layout that a model's call describes for these widths."""
    many = [parameter.name for parameter in call.choice.parameters if parameter.many]
    positional = [item for name in many for item in call[name]]
    named = {name: value for name, value in call.values if name not in many}
    layout: Layout = call.choice.function(inputs, outputs, *positional, **named)
    return layout


def batch_rows(member: Member) -> int:
    """Rows of one batch of this member."""
    rows = len(member.part.training)
    return rows if member.run.batch_size == ALL else min(member.run.batch_size, rows)


def batch_work(members: Sequence[Member], layout: Layout) -> int:
    """Multiplications in one forward pass of a stack."""
    return len(members) * max(batch_rows(member) for member in members) * layout.size


def _bytes(member: Member, inputs: int) -> int:
    layout = layout_of(member.run.model, inputs, member.outputs)
    widths = inputs + sum(weight.shape[-1] for weight in layout.weights)
    rows = len(member.part.training) + len(member.part.validation)
    return 4 * (COPIES * layout.size + 3 * batch_rows(member) * widths) + 32 * rows


def _structure(term: Term) -> tuple[Any, ...]:
    weights = {parameter.name for parameter in term.call.choice.parameters if parameter.type is ClassWeights}
    return tuple((name, value) for name, value in term.call.structure if name not in weights)
