"""What stands between the linear layers of a network: activations, norms and dropout, for whole stacks."""

from collections.abc import Callable, Mapping
from typing import Annotated

from xltrain.choices.models.layout import Pass, Weight
from xltrain.lazy import torch
from xltrain.registry import Above, AtLeast, AtMost, Below, OneOf

ACTIVATIONS = ("relu", "gelu", "silu", "tanh", "leaky_relu")
NORMS = ("none", "batch", "layer", "group", "instance")
DECAY = 0.1  # the usual share of a batch in the running statistics
EPS = 1e-5

Activation = Annotated[str, OneOf(*ACTIVATIONS), "what bends between the layers"]
Norm = Annotated[str, OneOf(*NORMS), "what steadies each layer"]
Groups = Annotated[int, AtLeast(1), "groups of the group norm; the nearest number below that divides the width"]
BatchNormDecay = Annotated[
    float, Above(0), AtMost(1), "share of each batch in the running statistics of batch norm (torch's momentum)"
]
Dropout = Annotated[float, AtLeast(0), Below(1), "share of each layer's outputs left out while training"]


def bend_of(name: str) -> "Callable[[torch.Tensor], torch.Tensor]":
    """The function that bends what a layer has just computed. relu needs only its own result, so it works in place."""
    special = {"relu": torch.relu_, "tanh": torch.tanh}
    return special.get(name) or getattr(torch.nn.functional, name)


def norm_weights(name: str, kind: str, width: int) -> list[Weight]:
    """The learned scale and shift of a norm. `instance` and `none` have neither."""
    if kind not in ("batch", "layer", "group"):
        return []
    scale = Weight(f"{name}.norm.scale", (1, width), decay=False, start=1.0)
    return [scale, Weight(f"{name}.norm.shift", (1, width), decay=False)]


def norm_buffers(name: str, kind: str, width: int) -> list[Weight]:
    """The running statistics of batch norm; no other norm has any."""
    if kind != "batch":
        return []
    return [Weight(f"{name}.mean", (1, width)), Weight(f"{name}.variance", (1, width), start=1.0)]


def steady(
    x: "torch.Tensor", weights: "Mapping[str, torch.Tensor]", name: str, kind: str, groups: int, run: Pass
) -> "torch.Tensor":
    """Normalise x (members, batch, width).

    batch: each number over the rows of the batch. layer: each row over its width. group: each row over the parts of
    its width. instance: as layer, without a learned scale and shift; a row of numbers has nothing else to be
    normalised over (on images, instance norm goes over the pixels of a channel).
    """
    if kind == "none":
        return x
    if kind == "batch":
        return _batch_norm(x, weights, name, run)
    if kind == "group":
        parts = x.view(*x.shape[:-1], fitting(groups, x.shape[-1]), -1)
        x = torch.nn.functional.layer_norm(parts, parts.shape[-1:], eps=EPS).flatten(-2)
    else:
        x = torch.nn.functional.layer_norm(x, x.shape[-1:], eps=EPS)
    if kind == "instance":
        return x
    return torch.addcmul(weights[f"{name}.norm.shift"], x, weights[f"{name}.norm.scale"])


def fitting(groups: int, width: int) -> int:
    """The largest number of groups, at most `groups`, that divides a width."""
    return next(each for each in range(min(groups, width), 0, -1) if width % each == 0)


def leave_out(x: "torch.Tensor", run: Pass, name: str = "dropout") -> "torch.Tensor":
    """Leave out each member's own share of x (members, ...); nothing is drawn where no member wants any."""
    share = run.numbers.get(name)
    if not run.training or share is None:
        return x
    share = share.view(-1, *[1] * (x.ndim - 1))
    kept = torch.rand(x.shape, generator=run.generator, device=x.device, dtype=x.dtype) >= share
    return x * kept / (1 - share)


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
            share = run.numbers.get("bn_decay", DECAY)
            new_mean = torch.lerp(mean, batch_mean, share)
            new_variance = torch.lerp(variance, batch_variance * (count / (count - 1)), share)
        if enough is not None:
            new_mean, new_variance = torch.where(enough, new_mean, mean), torch.where(enough, new_variance, variance)
            batch_mean = torch.where(enough, batch_mean, mean)
            batch_variance = torch.where(enough, batch_variance, variance)
        run.buffers[f"{name}.mean"], run.buffers[f"{name}.variance"] = new_mean, new_variance
        mean, variance = batch_mean, batch_variance
    scale = weights[f"{name}.norm.scale"] * torch.rsqrt(variance + EPS)
    return torch.addcmul(weights[f"{name}.norm.shift"], x - mean, scale)
