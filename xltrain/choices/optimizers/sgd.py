"""Gradient descent."""

from typing import Annotated

from xltrain.choices.optimizers.shared import Decay, Momentum, Rate, State
from xltrain.lazy import torch
from xltrain.registry import AtLeast, Below, optimizers


@optimizers.add(state=("velocity",))
def sgd(
    weights: "torch.Tensor",
    grad: "torch.Tensor",
    state: State,
    step: "torch.Tensor",
    *,
    lr: Rate = 1e-2,
    momentum: Momentum = 0.9,
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
