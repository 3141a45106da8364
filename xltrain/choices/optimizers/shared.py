"""What the optimizers have in common: hyperparameters of one meaning, and the step of adam."""

from typing import Annotated

from xltrain.lazy import torch
from xltrain.registry import AtLeast, Below, OrAuto

State = dict[str, "torch.Tensor"]
Result = tuple["torch.Tensor", State]
Rate = Annotated[float, AtLeast(0), OrAuto(), "learning rate: how far each step goes"]
Decay = Annotated[float, AtLeast(0), "how strongly weights are pulled to zero; never biases and norms"]
Eps = Annotated[float, AtLeast(0), "added to the denominator, against division by zero"]
Betas = Annotated[tuple[float, float], AtLeast(0), Below(1), "memory of the mean and of the square of the gradient"]
Momentum = Annotated[float, AtLeast(0), Below(1), "share of the last step that is taken again"]
Decoupled = Annotated[bool, "weight decay apart from the gradient, as in adamw"]


def adam_step(
    weights: "torch.Tensor",
    grad: "torch.Tensor",
    state: State,
    step: "torch.Tensor",
    lr: float,
    betas: tuple[float, float],
    eps: float,
) -> "tuple[torch.Tensor, State]":
    """Where adam goes from `weights`, any decay done; state `mean` and `square`."""
    mean, square = moments(grad, state, betas)
    # In place on what is new here: a pass over memory less for each.
    root = square.sqrt().div_((1 - betas[1] ** step).sqrt()).add_(eps)
    return torch.addcdiv(weights, mean * (-lr / (1 - betas[0] ** step)), root), {"mean": mean, "square": square}


def moments(grad: "torch.Tensor", state: State, betas: tuple[float, float]) -> "tuple[torch.Tensor, torch.Tensor]":
    """The running means of the gradient and of its square."""
    mean = torch.lerp(state["mean"], grad, 1 - betas[0])
    return mean, torch.addcmul(state["square"] * betas[1], grad, grad, value=1 - betas[1])


def decayed(
    weights: "torch.Tensor", grad: "torch.Tensor", lr: float, weight_decay: float, decoupled: bool
) -> "tuple[torch.Tensor, torch.Tensor]":
    """Weights and gradient with the weight decay in one of them."""
    if decoupled:
        return weights - lr * weight_decay * weights, grad
    return weights, grad + weight_decay * weights
