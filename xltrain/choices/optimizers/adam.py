"""adam and its kin: a running mean of the gradient over a running root of its square."""

from typing import Annotated

from xltrain.choices.optimizers.shared import Betas, Decay, Decoupled, Eps, Rate, State, adam_step, decayed, moments
from xltrain.lazy import torch
from xltrain.registry import AtLeast, Below, optimizers


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
    return adam_step(weights, grad + weight_decay * weights, state, step, lr, betas, eps)


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
    return adam_step(weights - lr * weight_decay * weights, grad, state, step, lr, betas, eps)


def _one(weights: "torch.Tensor", **structure: object) -> State:
    return {"product": torch.ones_like(weights[:, :1])}


@optimizers.add(state=("mean", "square"), start=_one)
def nadam(
    weights: "torch.Tensor",
    grad: "torch.Tensor",
    state: State,
    step: "torch.Tensor",
    *,
    lr: Rate = 2e-3,
    betas: Betas = (0.9, 0.999),
    eps: Eps = 1e-8,
    momentum_decay: Annotated[float, AtLeast(0), "how fast the momentum grows to its full strength"] = 4e-3,
    weight_decay: Decay = 1e-2,
    decoupled_weight_decay: Decoupled = True,
) -> "tuple[torch.Tensor, State]":
    """adam that looks ahead along its momentum, as nesterov does.

    b_t = b (1 - 0.5 0.96^(t d));  w = w - lr ((1 - b_t) g / (1 - B_t) + b_t+1 m / (1 - B_t+1)) / (sqrt(s) + eps),
    B_t = b_1 ... b_t.  Dozat 2016.
    """
    weights, grad = decayed(weights, grad, lr, weight_decay, decoupled_weight_decay)
    now = betas[0] * (1 - 0.5 * 0.96 ** (step * momentum_decay))
    then = betas[0] * (1 - 0.5 * 0.96 ** ((step + 1) * momentum_decay))
    product = state["product"] * now
    mean, square = moments(grad, state, betas)
    root = (square / (1 - betas[1] ** step)).sqrt_().add_(eps)
    ahead = grad * ((1 - now) / (1 - product)) + mean * (then / (1 - product * then))
    return torch.addcdiv(weights, ahead * -lr, root), {"mean": mean, "square": square, "product": product}


@optimizers.add(state=("mean", "square"))
def radam(
    weights: "torch.Tensor",
    grad: "torch.Tensor",
    state: State,
    step: "torch.Tensor",
    *,
    lr: Rate = 1e-3,
    betas: Betas = (0.9, 0.999),
    eps: Eps = 1e-8,
    weight_decay: Decay = 1e-2,
    decoupled_weight_decay: Decoupled = True,
) -> "tuple[torch.Tensor, State]":
    """adam that trusts its rates only once it has seen enough gradients: a warm-up of its own.

    r = length of the memory so far;  w = w - lr m q / (sqrt(s) + eps) with
    q = sqrt((r - 4)(r - 2) R / ((R - 4)(R - 2) r)) where r > 5, else w = w - lr m.  Liu et al. 2020, arXiv 1908.03265.
    """
    weights, grad = decayed(weights, grad, lr, weight_decay, decoupled_weight_decay)
    mean, square = moments(grad, state, betas)
    left = betas[1] ** step
    most = 2 / (1 - betas[1]) - 1
    length = most - 2 * step * left / (1 - left)
    # Below 5 the root of a negative number is never used; the clamp keeps it from being taken.
    shape = (length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length)
    trust = (shape.clamp(min=0) * (1 - left)).sqrt()
    rate = lr / (1 - betas[0] ** step)
    move = torch.where(length > 5, mean * trust / (square.sqrt() + eps), mean)
    return weights - rate * move, {"mean": mean, "square": square}


@optimizers.add(state=("mean", "most"))
def adamax(
    weights: "torch.Tensor",
    grad: "torch.Tensor",
    state: State,
    step: "torch.Tensor",
    *,
    lr: Rate = 2e-3,
    betas: Betas = (0.9, 0.999),
    eps: Eps = 1e-8,
    weight_decay: Decay = 0.0,
) -> "tuple[torch.Tensor, State]":
    """adam with the largest gradient of late in place of the root of the squares.

    u = max(b2 u, |g| + eps);  w = w - lr m / (1 - b1^t) / u.  Kingma and Ba 2015, arXiv 1412.6980.
    """
    grad = grad + weight_decay * weights
    mean = torch.lerp(state["mean"], grad, 1 - betas[0])
    most = torch.maximum(betas[1] * state["most"], grad.abs() + eps)
    return torch.addcdiv(weights, mean * (-lr / (1 - betas[0] ** step)), most), {"mean": mean, "most": most}


@optimizers.add(state=("mean", "difference", "square", "last"))
def adan(
    weights: "torch.Tensor",
    grad: "torch.Tensor",
    state: State,
    step: "torch.Tensor",
    *,
    lr: Rate = 1e-3,
    betas: Annotated[
        tuple[float, float, float], AtLeast(0), Below(1), "memory of the gradient, of its change and of their square"
    ] = (0.98, 0.92, 0.99),
    eps: Eps = 1e-8,
    weight_decay: Decay = 2e-2,
) -> "tuple[torch.Tensor, State]":
    """adam with the change of the gradient beside the gradient: nesterov momentum without looking ahead.

    m, v, s = running means of g, d = g - last g and (g + b2 d)^2, corrected for their start at zero;
    w = (w - lr (m + b2 v) / (sqrt(s) + eps)) / (1 + lr decay).  Xie et al. 2022, arXiv 2208.06677.
    """
    change = torch.where(step == 1, torch.zeros_like(grad), grad - state["last"])
    mean = torch.lerp(state["mean"], grad, 1 - betas[0])
    difference = torch.lerp(state["difference"], change, 1 - betas[1])
    ahead = grad + betas[1] * change
    square = torch.addcmul(state["square"] * betas[2], ahead, ahead, value=1 - betas[2])
    root = square.sqrt().div_((1 - betas[2] ** step).sqrt()).add_(eps)
    move = mean / (1 - betas[0] ** step) + difference * (betas[1] / (1 - betas[1] ** step))
    moved = torch.addcdiv(weights, move * -lr, root) / (1 + lr * weight_decay)
    return moved, {"mean": mean, "difference": difference, "square": square, "last": grad}
