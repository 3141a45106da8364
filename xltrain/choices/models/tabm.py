"""TabM: many networks that share most of their weights."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated

from xltrain.choices.models.embedding import (
    CategorySize,
    Embedded,
    Embedding,
    EmbeddingKind,
    EmbeddingSize,
    FrequencyScale,
    Resolution,
)
from xltrain.choices.models.layers import Activation, Dropout, bend_of, leave_out
from xltrain.choices.models.layout import Features, Layout, Pass, Weight
from xltrain.lazy import torch
from xltrain.registry import AtLeast, models


@models.add(features=True)
def tabm(
    features: Features,
    outputs: int,
    *hidden: Annotated[int, AtLeast(1), (128, 128), "width of each hidden layer"],
    k: Annotated[int, AtLeast(1), "how many networks share the weights"] = 16,
    activation: Activation = "relu",
    dropout: Dropout = 0.1,
    embedding: EmbeddingKind = "none",
    embedding_size: EmbeddingSize = 16,
    resolution: Resolution = 48,
    frequency_scale: FrequencyScale = 0.01,
    category_size: CategorySize = 0,
) -> Layout:
    """Many networks in one, which share their matrices and predict their mean: the most accurate, and slower.

    Network i of k: x = dropout(activation(s_i * ((r_i * x) W) + b_i)) for each layer, then a linear output of its own.
    It learns from the mean of the k losses and predicts the mean of the k predictions (of probabilities, for classes).
    r_i of the first layer begins at random signs (normal with an embedding), one for each feature; all others at 1.
    Gorishniy et al. 2024, arXiv 2410.24210. The scales r and s have no weight decay, like those of a norm.
    """
    first = Embedding(features, embedding, embedding_size, resolution, frequency_scale, category_size)
    weights, width = first.weights(), first.width
    for index, wide in enumerate(hidden):
        bound = width**-0.5
        begin = _apart(k, first.owners, embedding != "none") if index == 0 else None
        weights += [
            Weight(f"{index}.weight", (width, wide), bound=bound),
            Weight(f"{index}.r", (k, 1, width), decay=False, start=1.0, draw=begin),
            Weight(f"{index}.s", (k, 1, wide), decay=False, start=1.0),
            Weight(f"{index}.bias", (k, 1, wide), decay=False, draw=_alike(k, wide, bound)),
        ]
        width = wide
    bound = width**-0.5
    weights.append(Weight("out.weight", (k, width, outputs), bound=bound))
    weights.append(Weight("out.bias", (k, 1, outputs), decay=False, bound=bound))
    return Tabm(features.count, outputs, tuple(weights), tuple(first.buffers()), first, hidden, activation, k)


@dataclass(frozen=True)
class Tabm(Embedded):
    hidden: tuple[int, ...] = ()
    activation: str = "relu"
    k: int = 16

    @property
    def widest(self) -> int:
        return self.k * super().widest

    @property
    def kept(self) -> int:
        return self.first.kept + 3 * self.k * (self.first.width + sum(self.hidden) + self.outputs)

    @property
    def work(self) -> int:
        shared = sum(weight.size for weight in self.weights if weight.name.endswith(".weight"))
        return self.size + (self.k - 1) * shared

    def forward(self, weights: "Mapping[str, torch.Tensor]", x: "torch.Tensor", run: Pass) -> "torch.Tensor":
        """(members, batch, inputs) -> (members, k, batch, outputs)."""
        bend = bend_of(self.activation)
        x = self.first.forward(weights, run.buffers, x).unsqueeze(1)
        for index in range(len(self.hidden)):
            scaled = x * weights[f"{index}.r"]
            product = torch.bmm(scaled.flatten(1, 2), weights[f"{index}.weight"]).view(*scaled.shape[:3], -1)
            x = leave_out(bend(torch.addcmul(weights[f"{index}.bias"], product, weights[f"{index}.s"])), run)
        own, bias = weights["out.weight"].flatten(0, 1), weights["out.bias"].flatten(0, 1)
        x = x.expand(-1, self.k, -1, -1)
        return torch.baddbmm(bias, x.flatten(0, 1), own).view(*x.shape[:3], -1)


def _apart(k: int, owners: tuple[int, ...], normal: bool) -> "Callable[[torch.Generator], torch.Tensor]":
    """One number for each network and feature: normal, or a random sign."""

    def draw(generator: "torch.Generator") -> "torch.Tensor":
        shape = (k, max(owners) + 1)
        value = torch.randn(shape, generator=generator)
        return (value if normal else value.sign())[:, list(owners)]

    return draw


def _alike(k: int, width: int, bound: float) -> "Callable[[torch.Generator], torch.Tensor]":
    """The same uniform numbers for every network."""
    return lambda generator: ((torch.rand(width, generator=generator) * 2 - 1) * bound).repeat(k, 1)
