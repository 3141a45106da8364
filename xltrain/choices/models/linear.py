"""The linear model."""

from collections.abc import Mapping
from dataclasses import dataclass

from xltrain.choices.models.layout import Layout, Pass, linear_forward, linear_weights
from xltrain.lazy import torch
from xltrain.registry import models


@models.add()
def linear(inputs: int, outputs: int) -> Layout:
    """A weighted sum of the features: linear or logistic regression."""
    return Linear(inputs, outputs, tuple(linear_weights("out", inputs, outputs)))


@dataclass(frozen=True)
class Linear(Layout):
    def forward(self, weights: "Mapping[str, torch.Tensor]", x: "torch.Tensor", run: Pass) -> "torch.Tensor":
        return linear_forward(weights, "out", x)
