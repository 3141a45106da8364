"""What stands between a gradient and the weights that count, besides the optimizer: clipping, sam and averages."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from xltrain.choices.models.layout import Layout
from xltrain.config.settings import Run
from xltrain.lazy import torch


@dataclass(frozen=True)
class Clip:
    """The limits of a gradient (members, 1), infinite where a member has none: of each number, then of the whole."""

    value: "torch.Tensor | None"
    norm: "torch.Tensor | None"

    @classmethod
    def of(cls, runs: Sequence[Run], column: "Callable[[Sequence[float]], torch.Tensor]") -> "Clip | None":
        """The limits that the runs of a stack's members ask for; None where none does."""
        value, norm = (
            column([limit or np.inf for limit in limits]) if any(limits) else None
            for limits in ([run.clip_value for run in runs], [run.clip_norm for run in runs])
        )
        return None if value is None and norm is None else cls(value, norm)

    def __call__(self, grad: "torch.Tensor") -> "tuple[torch.Tensor, torch.Tensor]":
        """The gradient within the limits, and whose was beyond one: (members, 1)."""
        hit = None
        if self.value is not None:
            hit = (grad.abs() > self.value).any(1, keepdim=True)
            grad = grad.clamp(-self.value, self.value)
        if self.norm is not None:
            norm = torch.linalg.vector_norm(grad, dim=1, keepdim=True)
            grad = grad * (self.norm / (norm + 1e-6)).clamp(max=1)
            hit = norm > self.norm if hit is None else hit | (norm > self.norm)
        assert hit is not None
        return grad, hit


class Averages:
    """Running averages of weights and buffers over the steps of each member."""

    def __init__(self, weights: "torch.Tensor", buffers: "torch.Tensor") -> None:
        self.weights, self.buffers = weights.clone(), buffers.clone()

    def add(
        self,
        weights: "torch.Tensor",
        buffers: "torch.Tensor",
        memory: "torch.Tensor",
        step: "torch.Tensor",
        moving: "torch.Tensor | None",
    ) -> None:
        """Take in what stands after `step`; the start plays no part in the average, as in adam."""
        share = (1 - memory) / (1 - memory**step)
        if moving is not None:
            share = torch.where(moving, share, 0.0)
        self.weights = torch.lerp(self.weights, weights, share)
        self.buffers = torch.lerp(self.buffers, buffers, share)

    def of(self, chosen: "torch.Tensor") -> "Averages":
        """The averages of these members alone."""
        return Averages(self.weights[chosen], self.buffers[chosen])


def climbed(weights: "torch.Tensor", grad: "torch.Tensor", rho: "torch.Tensor") -> "torch.Tensor":
    """Where the loss is highest nearby: a step of length rho up the gradient.

    w + r g / |g|.  Foret et al. 2021, arXiv 2010.01412.
    """
    norm: torch.Tensor = torch.linalg.vector_norm(grad, dim=1, keepdim=True)
    return weights + grad * (rho / (norm + 1e-12))


def hidden_matrices(layout: Layout) -> tuple[tuple[int, int, int], ...]:
    """Where the matrices between the first and the last layer stand in the flat weights: (start, rows, columns).

    What never decays (biases, norms, embeddings) is no layer here, and what leads to the outputs no hidden one.
    """
    layers, start = [], 0
    for weight in layout.weights:
        outermost = weight.name.partition(".")[0] in ("out", "wide")
        if weight.decay and len(weight.shape) > 1 and not outermost:
            layers.append((start, *weight.shape))
        start += weight.size
    return tuple((each[0], each[1], each[2]) for each in layers[1:] if len(each) == 3 and min(each[1:]) > 1)
