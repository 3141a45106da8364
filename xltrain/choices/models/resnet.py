"""The tabular ResNet."""

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
from xltrain.choices.models.layout import Features, Layout, Pass, linear_forward, linear_weights
from xltrain.lazy import torch
from xltrain.registry import AtLeast, Below, models


@models.add(features=True)
def resnet(
    features: Features,
    outputs: int,
    *,
    blocks: Annotated[int, AtLeast(1), "number of blocks"] = 2,
    width: Annotated[int, AtLeast(1), "width of the path that the blocks add to"] = 128,
    expand: Annotated[int, AtLeast(1), "how many times as wide a block is inside"] = 2,
    activation: Activation = "relu",
    norm: Norm = "batch",
    groups: Groups = 8,
    bn_decay: BatchNormDecay = 0.1,
    dropout: Dropout = 0.1,
    residual_dropout: Annotated[
        float, AtLeast(0), Below(1), "share of what a block adds that is left out while training"
    ] = 0.0,
    embedding: EmbeddingKind = "none",
    embedding_size: EmbeddingSize = 16,
    resolution: Resolution = 48,
    frequency_scale: FrequencyScale = 0.01,
    category_size: CategorySize = 0,
) -> Layout:
    """A deeper network whose blocks add to what they are given; for many rows.

    x = linear(features); x = x + dropout(linear(dropout(activation(linear(norm(x)))))) for each block; then
    linear(activation(norm(x))). Gorishniy et al. 2021, arXiv 2106.11959. All that reads the path is normalised first,
    so with batch norm the layers that write to it have no bias.
    """
    first = Embedding(features, embedding, embedding_size, resolution, frequency_scale, category_size)
    weights, buffers = first.weights(), first.buffers()
    free = norm != "batch"
    weights += linear_weights("in", first.width, width, bias=free)
    for index in range(blocks):
        weights += norm_weights(f"{index}", norm, width)
        buffers += norm_buffers(f"{index}", norm, width)
        weights += linear_weights(f"{index}.widen", width, width * expand)
        weights += linear_weights(f"{index}.narrow", width * expand, width, bias=free)
    weights += norm_weights("out", norm, width)
    buffers += norm_buffers("out", norm, width)
    weights += linear_weights("out", width, outputs)
    return Resnet(features.count, outputs, tuple(weights), tuple(buffers), first, blocks, activation, norm, groups)


@dataclass(frozen=True)
class Resnet(Embedded):
    blocks: int = 2
    activation: str = "relu"
    norm: str = "batch"
    groups: int = 8

    def forward(self, weights: "Mapping[str, torch.Tensor]", x: "torch.Tensor", run: Pass) -> "torch.Tensor":
        bend = bend_of(self.activation)
        x = linear_forward(weights, "in", self.first.forward(weights, run.buffers, x))
        for index in range(self.blocks):
            inner = steady(x, weights, f"{index}", self.norm, self.groups, run)
            inner = leave_out(bend(linear_forward(weights, f"{index}.widen", inner)), run)
            x = x + leave_out(linear_forward(weights, f"{index}.narrow", inner), run, "residual_dropout")
        x = steady(x, weights, "out", self.norm, self.groups, run)
        # relu works in place, which the path must not see where nothing has been computed in between.
        return linear_forward(weights, "out", bend(x.clone() if self.norm == "none" else x))
