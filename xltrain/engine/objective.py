"""What an update minimises where a run names an objective: the stack's side of `choices.objectives`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xltrain.choices.models.layout import Pass
from xltrain.choices.objectives import Given
from xltrain.config.settings import Run
from xltrain.engine.pool import log_shares, pooled
from xltrain.errors import ConfigError
from xltrain.language import text
from xltrain.lazy import torch
from xltrain.place import Problem
from xltrain.registry import Call

if TYPE_CHECKING:
    from xltrain.engine.stack import Stack

ROOM = 1 << 22  # numbers that one part of a validation may hold in its widest layer


@dataclass(frozen=True)
class Objective:
    """The objective of a stack: its function and its hyperparameters, the numbers as (members, 1)."""

    call: Call
    values: dict[str, object]

    @classmethod
    def of(cls, runs: Sequence[Run], column: "Callable[[Sequence[float]], torch.Tensor]") -> "Objective | None":
        """What the runs of a stack's members minimise; None where that is the mean of their loss."""
        call = runs[0].objective
        if call.name == "none" or runs[0].joint:
            return None
        numbers = {name: column([run.objective[name] for run in runs]) for name in call.numbers}
        return cls(call, dict(call.values) | numbers)

    def value(
        self,
        stack: "Stack",
        views: "dict[str, torch.Tensor]",
        run: Pass,
        data: "tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor | None]",
        losses: "torch.Tensor",
    ) -> "torch.Tensor":
        """What one batch gives: (members, 1). `data` are features, target, outputs and weight of its samples."""
        x, target, output, weight = data
        link = stack.members[0].link

        def look(x: "torch.Tensor", quiet: bool) -> "torch.Tensor":
            # The running statistics are those of real rows alone.
            again = Pass(run.training and not quiet, run.numbers, dict(run.buffers), run.mask, run.generator)
            return pooled(stack.layout.forward(views, x, again), link)

        def shares(output: "torch.Tensor") -> "torch.Tensor":
            return log_shares(output if stack.unseen is None else output + stack.unseen, link)

        given = Given(
            x,
            target,
            losses,
            torch.ones_like(losses) if weight is None else weight,
            pooled(output, link),
            look,
            lambda output: stack.losses(output, target),
            shares if stack.members[0].task == "classification" else None,
            numeric_of(stack),
        )
        value: torch.Tensor = self.call.choice.function(given, **self.values)
        return value

    def validate(self, stack: "Stack", weight: "torch.Tensor") -> "torch.Tensor":
        """The same of each member's validation rows, then the mean of each term of the loss; weight (members, rows)."""
        weights, buffers = stack.evaluated()
        weights = weights.detach()
        views = stack.layout.views(weights)
        run = Pass(False, stack.numbers, stack.layout.buffer_views(buffers))
        rows = stack.validation
        adds = bool(self.call.choice.facts.get("adds"))
        size = max(1, ROOM // (len(stack.members) * stack.layout.widest)) if adds else rows.shape[1]
        total = weight.sum(1, keepdim=True)
        found: torch.Tensor | None = None
        with torch.no_grad():
            for start in range(0, rows.shape[1], size):
                part = slice(start, start + size)
                x, target, own = stack.features(rows[:, part]), stack.targets(rows[:, part]), weight[:, part]
                output = stack.layout.forward(views, x, run)
                parts = stack.parts(output, target)
                value = self.value(stack, views, run, (x, target, output, own), stack.summed(parts))
                apart = [(each * own).sum(1, keepdim=True) / total for each in parts]
                piece = torch.cat([value * (own.sum(1, keepdim=True) / total), *apart], 1)
                found = piece if found is None else found + piece
        assert found is not None
        return found


def numeric_of(stack: "Stack") -> tuple[int, ...]:
    """The features that measure something."""
    features = stack.arrays.features
    return tuple(range(stack.layout.inputs)) if features is None else features.numeric


def part_names(run: Run) -> list[str]:
    """The curves beside the one that is minimised: each term of a loss of several, or of any beside an objective.

    Of a joint run those of each target, then the terms of its losses and the learned log-variances.
    """
    if not run.joint:
        return [str(term.call) for term in run.loss] if len(run.loss) > 1 or run.objective.name != "none" else []
    pairs = zip(run.joint, run.losses or [()] * len(run.joint), strict=True)
    terms = [f"{name}: {term.call}" for name, loss in pairs for term in loss if len(loss) > 1]
    learned = run.joint if run.objective.choice.facts.get("learns") else ()
    return [*run.joint, *terms, *(text("log_variance_of", target=name) for name in learned)]


def check_objective(run: Run, target: str, task: str) -> list[Problem]:
    """Whether a run's objective is for the target's task."""
    name, facts = run.objective.name, run.objective.choice.facts
    wanted = facts.get("task", task)
    if wanted == task:
        return []
    rule = text("objective_misfit", objective=name, other=wanted, target=target, task=task)
    return [Problem(run.place, rule, text("objective_misfit_hint"))]


def check_numeric(runs: Sequence[Run], numeric: Sequence[int]) -> None:
    """ConfigError where an objective moves numbers and no feature is one."""
    asked = {} if numeric else {run.name: run for run in runs if run.objective.choice.facts.get("numeric")}
    if asked:
        raise ConfigError(
            [Problem(run.place, text("objective_numeric", objective=run.objective.name)) for run in asked.values()]
        )
