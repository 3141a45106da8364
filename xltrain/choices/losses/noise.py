"""Losses of a class that bear wrong labels. Shapes as in `classification`: prediction (..., batch, classes) logits."""

from typing import Annotated

from xltrain.choices.losses.classification import of_target
from xltrain.lazy import torch
from xltrain.registry import Above, AtLeast, AtMost, losses

LOG_ZERO = -4.0  # what symmetric_cross_entropy takes for the log of 0, as its authors do


@losses.add(task="classification", outputs="classes", link="softmax")
def generalized_cross_entropy(
    prediction: "torch.Tensor",
    target: "torch.Tensor",
    *,
    q: Annotated[float, Above(0), AtMost(1), "near 0 like cross_entropy, 1 like absolute error; more bears more"] = 0.7,
) -> "torch.Tensor":
    """Between cross-entropy and absolute error: samples that never fit, as wrong labels do, lose their pull.

    (1 - p_y^q) / q.  Zhang and Sabuncu 2018, arXiv 1805.07836.
    """
    return -torch.expm1(q * of_target(torch.log_softmax(prediction, -1), target)) / q


@losses.add(task="classification", outputs="classes", link="softmax")
def symmetric_cross_entropy(
    prediction: "torch.Tensor",
    target: "torch.Tensor",
    *,
    alpha: Annotated[float, AtLeast(0), "weight of the cross-entropy"] = 0.1,
    beta: Annotated[float, AtLeast(0), "weight of the reverse cross-entropy, which bears wrong labels"] = 1.0,
) -> "torch.Tensor":
    """Cross-entropy plus its reverse, which bounds what a wrong label can do.

    -a log p_y - b sum_c p_c log t_c, t 1 for the right class and 0 for others, with -4 for log 0: the second sum is
    4 (1 - p_y).  Wang et al. 2019, arXiv 1908.06112.
    """
    log = of_target(torch.log_softmax(prediction, -1), target)
    return beta * LOG_ZERO * torch.expm1(log) - alpha * log


@losses.add(task="classification", outputs="classes", link="softmax")
def bootstrapped(
    prediction: "torch.Tensor",
    target: "torch.Tensor",
    *,
    beta: Annotated[float, AtLeast(0), AtMost(1), "share of the label; the rest is the model's own belief"] = 0.95,
    soft: Annotated[bool, "the model's belief as probabilities (true) or as its best class alone (false)"] = True,
) -> "torch.Tensor":
    """Cross-entropy against a mix of the label and of what the model itself believes.

    -sum_c (b t_c + (1 - b) h_c) log p_c; h = p if soft, else 1 for the most probable class.  Reed et al. 2014,
    arXiv 1412.6596, with 0.95 for soft and 0.8 for hard.
    """
    log = torch.log_softmax(prediction, -1)
    belief = (torch.exp(log) * log).sum(-1) if soft else log.amax(-1)
    return -(beta * of_target(log, target) + (1 - beta) * belief)
