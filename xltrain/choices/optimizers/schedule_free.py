"""Optimizers that average their weights in place of a falling learning rate."""

from xltrain.choices.optimizers.shared import Betas, Decay, Eps, Rate, State
from xltrain.lazy import torch
from xltrain.registry import optimizers


def _start(weights: "torch.Tensor", **structure: object) -> State:
    return {"base": weights.clone(), "average": weights.clone(), "total": torch.zeros_like(weights[:, :1])}


@optimizers.add(state=("square",), start=_start, evaluates="average")
def schedule_free(
    weights: "torch.Tensor",
    grad: "torch.Tensor",
    state: State,
    step: "torch.Tensor",
    *,
    lr: Rate = 2.5e-3,
    betas: Betas = (0.9, 0.999),
    eps: Eps = 1e-8,
    weight_decay: Decay = 1e-2,
) -> "tuple[torch.Tensor, State]":
    """adamw whose average weights are what counts; use it with schedule warmup(5%) > constant.

    r = lr sqrt(1 - b2^t);  z = z - r (g / (sqrt(s) + eps) + decay w);  x = x + r^2 / sum(r^2) (z - x);
    w = (1 - b1) z + b1 x. Gradients are taken at w, x is evaluated.  Defazio et al. 2024, arXiv 2405.15682.
    """
    square = torch.addcmul(state["square"] * betas[1], grad, grad, value=1 - betas[1])
    rate = lr * (1 - betas[1] ** step).sqrt()
    base = state["base"] - rate * (grad / (square.sqrt() + eps) + weight_decay * weights)
    total = state["total"] + rate**2
    # Where no step had any length yet, nothing is averaged.
    share = torch.where(total > 0, rate**2 / total.clamp(min=torch.finfo(total.dtype).tiny), 0.0)
    average = torch.lerp(state["average"], base, share)
    new = {"square": square, "base": base, "average": average, "total": total}
    return torch.lerp(base, average, betas[0]), new
