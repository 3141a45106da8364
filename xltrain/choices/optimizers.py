"""Optimizers: pure functions on one flat tensor that holds all weights of every member of a stack.

`weights` and `grad` are (members, size); `state` maps each name of the fact `state` to a tensor of the same shape,
zeros at first; `step` (members, 1) counts from 1. Hyperparameters are (members, 1), except `weight_decay`, which the
engine zeroes for biases and norms and hands over as (members, size). The result is new weights and new state.
Each equals `torch.optim` of the same name.
"""

from typing import Annotated

from xltrain.lazy import torch
from xltrain.registry import AtLeast, Below, optimizers

State = dict[str, "torch.Tensor"]
Rate = Annotated[float, AtLeast(0), "learning rate: how far each step goes"]
Decay = Annotated[float, AtLeast(0), "how strongly weights are pulled to zero; never biases and norms"]
Eps = Annotated[float, AtLeast(0), "added to the denominator, against division by zero"]
Betas = Annotated[tuple[float, float], AtLeast(0), Below(1), "memory of the mean and of the square of the gradient"]


@optimizers.add(state=("velocity",))
def sgd(
    weights: "torch.Tensor",
    grad: "torch.Tensor",
    state: State,
    step: "torch.Tensor",
    *,
    lr: Rate = 1e-2,
    momentum: Annotated[float, AtLeast(0), Below(1), "share of the last step that is taken again"] = 0.9,
    dampening: Annotated[float, AtLeast(0), Below(1), "share of the gradient that momentum leaves out"] = 0.0,
    nesterov: Annotated[bool, "look ahead along the momentum"] = False,
    weight_decay: Decay = 0.0,
) -> "tuple[torch.Tensor, State]":
    """Plain gradient descent with momentum.

    v = m v + (1 - d) g (v = g at first);  w = w - lr v.  Sutskever et al. 2013.
    """
    grad = grad + weight_decay * weights
    velocity = torch.where(step == 1, grad, momentum * state["velocity"] + (1 - dampening) * grad)
    # With no momentum torch steps along the gradient itself, undampened.
    velocity = torch.where(torch.as_tensor(momentum, device=grad.device) == 0, grad, velocity)
    direction = grad + momentum * velocity if nesterov else velocity
    return weights - lr * direction, {"velocity": velocity}


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
    momentum: Annotated[float, AtLeast(0), Below(1), "share of the last step that is taken again"] = 0.0,
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


@optimizers.add(state=("mean", "square"))
def adam(
    weights: "torch.Tensor",
    grad: "torch.Tensor",
    state: State,
    step: "torch.Tensor",
    *,
    lr: Rate = 1e-3,
    betas: Betas = (0.9, 0.999),
    eps: Eps = 1e-8,
    weight_decay: Decay = 0.0,
) -> "tuple[torch.Tensor, State]":
    """Momentum and a rate of its own for each weight.

    m, s = running mean of g and g^2, corrected for their start at zero;  w = w - lr m / (sqrt(s) + eps).
    Kingma and Ba 2015, arXiv 1412.6980.
    """
    return _adam(weights, grad + weight_decay * weights, state, step, lr, betas, eps)


@optimizers.add(state=("mean", "square"))
def adamw(
    weights: "torch.Tensor",
    grad: "torch.Tensor",
    state: State,
    step: "torch.Tensor",
    *,
    lr: Rate = 1e-3,
    betas: Betas = (0.9, 0.999),
    eps: Eps = 1e-8,
    weight_decay: Decay = 1e-2,
) -> "tuple[torch.Tensor, State]":
    """adam with the weight decay apart from the gradient: the usual choice.

    w = w - lr decay w - lr m / (sqrt(s) + eps).  Loshchilov and Hutter 2019, arXiv 1711.05101.
    """
    return _adam(weights - lr * weight_decay * weights, grad, state, step, lr, betas, eps)


def _adam(
    weights: "torch.Tensor",
    grad: "torch.Tensor",
    state: State,
    step: "torch.Tensor",
    lr: float,
    betas: tuple[float, float],
    eps: float,
) -> "tuple[torch.Tensor, State]":
    mean = torch.lerp(state["mean"], grad, 1 - betas[0])
    square = torch.addcmul(state["square"] * betas[1], grad, grad, value=1 - betas[1])
    # In place on what is new here: a pass over memory less for each.
    root = square.sqrt().div_((1 - betas[1] ** step).sqrt()).add_(eps)
    return torch.addcdiv(weights, mean * (-lr / (1 - betas[0] ** step)), root), {"mean": mean, "square": square}
