"""Optimizers that see the matrices behind the flat weights."""

import math
from typing import Annotated

from xltrain.choices.optimizers.shared import Betas, Decay, Eps, Rate, State, adam_step
from xltrain.lazy import torch
from xltrain.registry import AtLeast, AtMost, Below, optimizers

Matrices = tuple[tuple[int, int, int], ...]
COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # steepest at zero, Jordan et al. 2024
SMALL = 1e-7
LIKE_ADAM = 0.2  # makes a step as large as one of adamw's, Liu et al. 2025


@optimizers.add(state=("mean", "square", "velocity"), matrices=True)
def muon(
    weights: "torch.Tensor",
    grad: "torch.Tensor",
    state: State,
    step: "torch.Tensor",
    matrices: Matrices,
    *,
    lr: Rate = 1e-3,
    momentum: Annotated[float, AtLeast(0), Below(1), "memory of the gradient of hidden matrices"] = 0.95,
    nesterov: Annotated[bool, "look ahead along the momentum"] = True,
    ns_steps: Annotated[int, AtLeast(1), AtMost(20), "rounds that make a step orthogonal"] = 5,
    betas: Betas = (0.9, 0.999),
    eps: Eps = 1e-8,
    weight_decay: Decay = 1e-2,
) -> "tuple[torch.Tensor, State]":
    """Orthogonal steps for hidden matrices, adamw for all other weights; lr as for adamw.

    v = m v + (1 - m) g;  w = w - lr decay w - 0.2 sqrt(max(rows, columns)) lr NS(v), where NS (Newton-Schulz) brings
    all singular values near 1.  Jordan et al. 2024; scale: Liu et al. 2025, arXiv 2502.16982.
    """
    shrunk = weights - lr * weight_decay * weights
    moved, new = adam_step(shrunk, grad, state, step, lr, betas, eps)
    velocity = torch.lerp(state["velocity"], grad, torch.as_tensor(1 - momentum, dtype=grad.dtype, device=grad.device))
    ahead = grad + momentum * (velocity - grad) if nesterov else velocity
    for start, rows, columns in matrices:
        part = slice(start, start + rows * columns)
        turned = orthogonal(ahead[:, part].view(-1, rows, columns), ns_steps)
        moved[:, part] = shrunk[:, part] - lr * LIKE_ADAM * math.sqrt(max(rows, columns)) * turned.flatten(1)
    return moved, {**new, "velocity": velocity}


def orthogonal(matrix: "torch.Tensor", rounds: int) -> "torch.Tensor":
    """U V' of each matrix U S V', roughly: (members, rows, columns)."""
    a, b, c = COEFFICIENTS
    x = matrix.mT if matrix.shape[1] > matrix.shape[2] else matrix
    x = x / torch.linalg.matrix_norm(x, keepdim=True).clamp(min=SMALL)
    for _ in range(rounds):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if matrix.shape[1] > matrix.shape[2] else x
