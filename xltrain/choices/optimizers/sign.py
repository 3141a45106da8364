"""Steps along the sign of the gradient."""

from xltrain.choices.optimizers.shared import Betas, Decay, Rate, State
from xltrain.lazy import torch
from xltrain.registry import optimizers


@optimizers.add(state=("mean",))
def lion(
    weights: "torch.Tensor",
    grad: "torch.Tensor",
    state: State,
    step: "torch.Tensor",
    *,
    lr: Rate = 1e-4,
    betas: Betas = (0.9, 0.99),
    weight_decay: Decay = 1e-1,
) -> "tuple[torch.Tensor, State]":
    """Every weight moves by the same amount, along the sign of its momentum; lr 3 to 10 times below adamw's.

    w = w - lr (sign(b1 m + (1 - b1) g) + decay w);  m = b2 m + (1 - b2) g.  Chen et al. 2023, arXiv 2302.06675.
    """
    move = torch.lerp(state["mean"], grad, 1 - betas[0]).sign_()
    mean = torch.lerp(state["mean"], grad, 1 - betas[1])
    return weights - lr * (move + weight_decay * weights), {"mean": mean}
