"""Wide and deep: a linear model and a network, added up."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from xltrain.choices.models.embedding import CategorySize, EmbeddingKind, EmbeddingSize, FrequencyScale, Resolution
from xltrain.choices.models.layers import Activation, BatchNormDecay, Dropout, Groups, Norm
from xltrain.choices.models.layout import Features, Layout, Pass, linear_weights
from xltrain.choices.models.mlp import Mlp, mlp
from xltrain.lazy import torch
from xltrain.registry import AtLeast, models


@models.add(features=True)
def wide_deep(
    features: Features,
    outputs: int,
    *hidden: Annotated[int, AtLeast(1), (128, 128), "width of each hidden layer"],
    activation: Activation = "relu",
    norm: Norm = "none",
    groups: Groups = 8,
    bn_decay: BatchNormDecay = 0.1,
    dropout: Dropout = 0.0,
    embedding: EmbeddingKind = "none",
    embedding_size: EmbeddingSize = 16,
    resolution: Resolution = 48,
    frequency_scale: FrequencyScale = 0.01,
    category_size: CategorySize = 8,
) -> Layout:
    """A linear model and a network added up: the one remembers, the other generalises.

    output = features W + mlp(features), the network seeing categories through tables. Cheng et al. 2016,
    arXiv 1606.07792, without its crossed columns: make those in the book.
    """
    deep = mlp(
        features,
        outputs,
        *hidden,
        activation=activation,
        norm=norm,
        groups=groups,
        bn_decay=bn_decay,
        dropout=dropout,
        embedding=embedding,
        embedding_size=embedding_size,
        resolution=resolution,
        frequency_scale=frequency_scale,
        category_size=category_size,
    )
    wide = linear_weights("wide", features.count, outputs, bias=False)
    return WideDeep(**{**vars(deep), "weights": (*wide, *deep.weights)})


@dataclass(frozen=True)
class WideDeep(Mlp):
    def forward(self, weights: "Mapping[str, torch.Tensor]", x: "torch.Tensor", run: Pass) -> "torch.Tensor":
        return torch.baddbmm(super().forward(weights, x, run), x, weights["wide.weight"])
