"""The multilayer perceptron, stacked by hand: one batched product per layer for all members."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated

from xltrain.choices.models.layout import Layout, Pass, Weight, linear_forward, linear_weights
from xltrain.lazy import torch
from xltrain.registry import AtLeast, Below, OneOf, models

ACTIVATIONS = ("relu", "gelu", "silu", "tanh", "leaky_relu")
MOMENTUM = 0.1  # the share of a batch in the running statistics, in torch's sense
EPS = 1e-5


@models.add()
def mlp(
    inputs: int,
    outputs: int,
    *hidden: Annotated[int, AtLeast(1), (128, 128), "width of each hidden layer"],
    activation: Annotated[str, OneOf(*ACTIVATIONS), "what bends between the layers"] = "relu",
    norm: Annotated[str, OneOf("none", "batch", "layer"), "what steadies each layer"] = "none",
    dropout: Annotated[float, AtLeast(0), Below(1), "share of each layer's outputs left out while training"] = 0.0,
    residual: Annotated[bool, "add a layer's input to its output where widths agree"] = False,
) -> Layout:
    """A neural network of fully connected layers: the usual choice.

    Each layer: linear, norm, activation, dropout. No bias before batch norm, which would undo it.
    """
    weights: list[Weight] = []
    buffers: list[Weight] = []
    width = inputs
    for index, wide in enumerate(hidden):
        weights += linear_weights(f"{index}", width, wide, bias=norm != "batch")
        if norm != "none":
            weights.append(Weight(f"{index}.norm.scale", (1, wide), decay=False, start=1.0))
            weights.append(Weight(f"{index}.norm.shift", (1, wide), decay=False))
        if norm == "batch":
            buffers.append(Weight(f"{index}.mean", (1, wide)))
            buffers.append(Weight(f"{index}.variance", (1, wide), start=1.0))
        width = wide
    weights += linear_weights("out", width, outputs)
    return Mlp(inputs, outputs, tuple(weights), tuple(buffers), hidden, activation, norm, residual)


@dataclass(frozen=True)
class Mlp(Layout):
    hidden: tuple[int, ...] = ()
    activation: str = "relu"
    norm: str = "none"
    residual: bool = False

    def forward(self, weights: "Mapping[str, torch.Tensor]", x: "torch.Tensor", run: Pass) -> "torch.Tensor":
        bend = _activation(self.activation)
        for index in range(len(self.hidden)):
            inner = linear_forward(weights, f"{index}", x)
            if self.norm == "batch":
                inner = _batch_norm(inner, weights, f"{index}", run)
            elif self.norm == "layer":
                inner = torch.nn.functional.layer_norm(inner, inner.shape[-1:], eps=EPS)
                inner = torch.addcmul(weights[f"{index}.norm.shift"], inner, weights[f"{index}.norm.scale"])
            inner = _dropout(bend(inner), run)
            x = x + inner if self.residual and inner.shape == x.shape else inner
        return linear_forward(weights, "out", x)


def _activation(name: str) -> "Callable[[torch.Tensor], torch.Tensor]":
    """The function that bends what a layer has just computed. relu needs only its own result, so it works in place."""
    special = {"relu": torch.relu_, "tanh": torch.tanh}
    return special.get(name) or getattr(torch.nn.functional, name)


def _batch_norm(x: "torch.Tensor", weights: "Mapping[str, torch.Tensor]", name: str, run: Pass) -> "torch.Tensor":
    """Normalise (members, batch, width) by each member's own batch, rows that only pad left out.

    A batch of fewer than two rows has no variance: it is normalised by the running statistics and leaves them alone.
    """
    mean, variance = run.buffers[f"{name}.mean"], run.buffers[f"{name}.variance"]
    if run.training and (x.shape[1] > 1 or run.mask is not None):
        if run.mask is None:
            count: torch.Tensor | float = float(x.shape[1])
            batch_variance, batch_mean = torch.var_mean(x, 1, correction=0, keepdim=True)
            enough = None
        else:
            real = run.mask.unsqueeze(-1).to(x.dtype)
            rows = real.sum(1, keepdim=True)
            count = rows.clamp(min=2)
            batch_mean = (x * real).sum(1, keepdim=True) / rows.clamp(min=1)
            batch_variance = ((x - batch_mean).square() * real).sum(1, keepdim=True) / rows.clamp(min=1)
            enough = rows > 1
        with torch.no_grad():
            new_mean = torch.lerp(mean, batch_mean, MOMENTUM)
            new_variance = torch.lerp(variance, batch_variance * (count / (count - 1)), MOMENTUM)
        if enough is not None:
            new_mean, new_variance = torch.where(enough, new_mean, mean), torch.where(enough, new_variance, variance)
            batch_mean = torch.where(enough, batch_mean, mean)
            batch_variance = torch.where(enough, batch_variance, variance)
        run.buffers[f"{name}.mean"], run.buffers[f"{name}.variance"] = new_mean, new_variance
        mean, variance = batch_mean, batch_variance
    scale = weights[f"{name}.norm.scale"] * torch.rsqrt(variance + EPS)
    return torch.addcmul(weights[f"{name}.norm.shift"], x - mean, scale)


def _dropout(x: "torch.Tensor", run: Pass) -> "torch.Tensor":
    """Leave out each member's own share of outputs; nothing is drawn where no member wants any."""
    share = run.numbers.get("dropout")
    if not run.training or share is None:
        return x
    kept = torch.rand(x.shape, generator=run.generator, device=x.device, dtype=x.dtype) >= share
    return x * kept / (1 - share)
