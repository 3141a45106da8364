"""A rate of its own for each weight, from the squares of its gradients."""

from typing import Annotated

from xltrain.choices.optimizers.shared import Decay, Eps, Momentum, Rate, State
from xltrain.lazy import torch
from xltrain.registry import AtLeast, Below, optimizers


@optimizers.add(state=("total",))
def adagrad(
    weights: "torch.Tensor",
    grad: "torch.Tensor",
    state: State,
    step: "torch.Tensor",
    *,
    lr: Rate = 1e-2,
    lr_decay: Annotated[float, AtLeast(0), "how fast the rate falls with the steps"] = 0.0,
    eps: Eps = 1e-10,
    weight_decay: Decay = 0.0,
) -> "tuple[torch.Tensor, State]":
    """A rate of its own for each weight, falling with the squared gradients seen.

    s = s + g^2;  w = w - lr / (1 + (t - 1) k) g / (sqrt(s) + eps).  Duchi et al. 2011.
    """
    grad = grad + weight_decay * weights
    total = torch.addcmul(state["total"], grad, grad)
    rate = lr / (1 + (step - 1) * lr_decay)
    return weights - rate * grad / (total.sqrt() + eps), {"total": total}


@optimizers.add(state=("square", "mean", "velocity"))
def rmsprop(
    weights: "torch.Tensor",
    grad: "torch.Tensor",
    state: State,
    step: "torch.Tensor",
    *,
    lr: Rate = 1e-2,
    alpha: Annotated[float, AtLeast(0), Below(1), "memory of the squared gradient"] = 0.99,
    eps: Eps = 1e-8,
    momentum: Momentum = 0.0,
    centered: Annotated[bool, "divide by the variance of the gradient instead of its square"] = False,
    weight_decay: Decay = 0.0,
) -> "tuple[torch.Tensor, State]":
    """Steps divided by a running root of the squared gradient.

    s = a s + (1 - a) g^2;  v = m v + g / (sqrt(s) + eps);  w = w - lr v.  Hinton 2012.
    """
    grad = grad + weight_decay * weights
    square = alpha * state["square"] + (1 - alpha) * grad.square()
    mean = alpha * state["mean"] + (1 - alpha) * grad if centered else state["mean"]
    variance = (square - mean.square()).clamp(min=0) if centered else square
    velocity = momentum * state["velocity"] + grad / (variance.sqrt() + eps)
    return weights - lr * velocity, {"square": square, "mean": mean, "velocity": velocity}


@optimizers.add(state=("square", "moved"))
def adadelta(
    weights: "torch.Tensor",
    grad: "torch.Tensor",
    state: State,
    step: "torch.Tensor",
    *,
    lr: Rate = 1.0,
    rho: Annotated[float, AtLeast(0), Below(1), "memory of the squared gradient and of the squared step"] = 0.9,
    eps: Eps = 1e-6,
    weight_decay: Decay = 0.0,
) -> "tuple[torch.Tensor, State]":
    """Steps in the unit of the weights themselves: hardly any rate to choose.

    s = r s + (1 - r) g^2;  u = g sqrt(d + eps) / sqrt(s + eps);  d = r d + (1 - r) u^2;  w = w - lr u.
    Zeiler 2012, arXiv 1212.5701.
    """
    grad = grad + weight_decay * weights
    square = rho * state["square"] + (1 - rho) * grad.square()
    move = grad * (state["moved"] + eps).sqrt() / (square + eps).sqrt()
    moved = rho * state["moved"] + (1 - rho) * move.square()
    return weights - lr * move, {"square": square, "moved": moved}
