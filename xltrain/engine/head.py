"""What a loss makes of outputs: its terms, what each class counts, and classes that a member never saw."""

from collections.abc import Callable, Sequence

import numpy as np

from xltrain.engine.plan import Member, output_kind
from xltrain.engine.pool import learnt
from xltrain.lazy import torch
from xltrain.registry import ClassWeights, Term

UNSEEN = -30.0  # added to the output of a class that a member never saw


class Head:
    """The loss of some members with one target each: output (members, batch, outputs), target (members, batch)."""

    def __init__(self, members: Sequence[Member], tensor: "Callable[[Sequence[object]], torch.Tensor]") -> None:
        """`tensor` brings numbers to the device and the precision of the stack."""
        self.members, self._tensor = list(members), tensor
        self.outputs = members[0].outputs
        self.terms = [self._term(index) for index in range(len(members[0].run.loss))]
        self.class_factor, self.unseen = self._class_factor(), self._unseen()

    def parts(self, output: "torch.Tensor", target: "torch.Tensor") -> "list[torch.Tensor]":
        """What each term of the loss gives, before it is scaled."""
        return learnt(output, target, self._parts)

    def _parts(self, output: "torch.Tensor", target: "torch.Tensor") -> "list[torch.Tensor]":
        output = output.squeeze(-1) if self.outputs == 1 else output
        output = output if self.unseen is None else output + self.unseen
        return [function(output, target, *several, **values) for _, function, several, values in self.terms]

    def summed(self, parts: "Sequence[torch.Tensor]") -> "torch.Tensor":
        """The scaled terms together."""
        scaled = [part if term[0] is None else term[0] * part for term, part in zip(self.terms, parts, strict=True)]
        return sum(scaled[1:], start=scaled[0])

    def _column(self, values: Sequence[float]) -> "torch.Tensor":
        return self._tensor(values).unsqueeze(1)

    def _term(
        self, index: int
    ) -> "tuple[torch.Tensor | None, Callable[..., torch.Tensor], list[object], dict[str, object]]":
        """The scale (None where it is 1 for all), function and hyperparameters of one part of the loss."""
        terms = [member.run.loss[index] for member in self.members]
        call = terms[0].call
        values: dict[str, object] = dict(call.structure)
        several: list[object] = []
        for parameter in call.choice.parameters:
            if parameter.type is ClassWeights:
                given = [
                    class_weights(term, parameter.name, member)
                    for term, member in zip(terms, self.members, strict=True)
                ]
                values[parameter.name] = self._tensor(given).unsqueeze(1)
            elif parameter.many:
                for same in zip(*(term.call[parameter.name] for term in terms), strict=True):
                    several.append(self._column(same) if parameter.varies else same[0])
                values.pop(parameter.name, None)
            elif parameter.varies:
                values[parameter.name] = self._column([term.call[parameter.name] for term in terms])
        scales = [term.scale for term in terms]
        scale = self._column(scales) if any(each != 1 for each in scales) else None
        return scale, call.choice.function, several, values

    def _class_factor(self) -> "torch.Tensor | None":
        """What `imbalance` makes each class count: (members, classes)."""
        if all(member.run.imbalance != "balanced" for member in self.members):
            return None
        return self._tensor(
            [
                balanced(member) if member.run.imbalance == "balanced" else np.ones(member.classes)
                for member in self.members
            ]
        )

    def _unseen(self) -> "torch.Tensor | None":
        """Lowers the outputs of classes that a member never saw: (members, 1, outputs)."""
        if not self.members[0].lowers or all(
            (member.counts > 0).all() for member in self.members if member.counts is not None
        ):
            return None
        return self._tensor([lowered(member) for member in self.members]).unsqueeze(1)


def lowered(member: Member) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """What is added to the outputs so that a class is never expected which the member never saw: (outputs,)."""
    assert member.counts is not None
    seen = member.counts > 0
    if output_kind(member.run.loss[0].call) == "cuts":  # past a class that was never seen, never past the last one seen
        above = seen[::-1].cumsum()[::-1] > 0
        return np.where(above[1:], np.where(seen[:-1], 0.0, -UNSEEN), UNSEEN)
    return np.where(seen, 0.0, UNSEEN)


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
