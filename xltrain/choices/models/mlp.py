"""The multilayer perceptron, stacked by hand: one batched product per layer for all members."""

from collections.abc import Mapping
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
from xltrain.choices.models.layers import (
    Activation,
    BatchNormDecay,
    Dropout,
    Groups,
    Norm,
    bend_of,
    leave_out,
    norm_buffers,
    norm_weights,
    steady,
)
from xltrain.choices.models.layout import Features, Pass, linear_forward, linear_weights
from xltrain.lazy import torch
from xltrain.registry import AtLeast, models


@models.add(features=True)
def mlp(
    features: Features,
    outputs: int,
    *hidden: Annotated[int, AtLeast(1), (128, 128), "width of each hidden layer"],
    activation: Activation = "relu",
    norm: Norm = "none",
    groups: Groups = 8,
    bn_decay: BatchNormDecay = 0.1,
    dropout: Dropout = 0.0,
    residual: Annotated[bool, "add a layer's input to its output where widths agree"] = False,
    embedding: EmbeddingKind = "none",
    embedding_size: EmbeddingSize = 16,
    resolution: Resolution = 48,
    frequency_scale: FrequencyScale = 0.01,
    category_size: CategorySize = 0,
) -> "Mlp":
    """A neural network of fully connected layers: the usual choice.

    Each layer: linear, norm, activation, dropout. No bias before batch norm, which would undo it.
    """
    first = Embedding(features, embedding, embedding_size, resolution, frequency_scale, category_size)
    weights, buffers = first.weights(), first.buffers()
    width = first.width
    for index, wide in enumerate(hidden):
        weights += linear_weights(f"{index}", width, wide, bias=norm != "batch")
        weights += norm_weights(f"{index}", norm, wide)
        buffers += norm_buffers(f"{index}", norm, wide)
        width = wide
    weights += linear_weights("out", width, outputs)
    return Mlp(
        features.count, outputs, tuple(weights), tuple(buffers), first, hidden, activation, norm, groups, residual
    )


@dataclass(frozen=True)
class Mlp(Embedded):
    hidden: tuple[int, ...] = ()
    activation: str = "relu"
    norm: str = "none"
    groups: int = 8
    residual: bool = False

    def forward(self, weights: "Mapping[str, torch.Tensor]", x: "torch.Tensor", run: Pass) -> "torch.Tensor":
        bend = bend_of(self.activation)
        x = self.first.forward(weights, run.buffers, x)
        for index in range(len(self.hidden)):
            inner = linear_forward(weights, f"{index}", x)
            inner = steady(inner, weights, f"{index}", self.norm, self.groups, run)
            inner = leave_out(bend(inner), run)
            x = x + inner if self.residual and inner.shape == x.shape else inner
        return linear_forward(weights, "out", x)
