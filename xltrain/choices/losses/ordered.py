"""Losses of classes that have an order: small, medium, large.

The order is that of the classes: numbers ascending, anything else by the alphabet. Words in another order need a number
in front (`1 low`, `2 medium`, `3 high`).
"""

from xltrain.lazy import torch
from xltrain.registry import losses


@losses.add(task="classification", outputs="cuts", link="corn", least_classes=3, ordered=True)
def ordinal(prediction: "torch.Tensor", target: "torch.Tensor") -> "torch.Tensor":
    """Ordered classes (numbers ascending, words by the alphabet): asks at each step whether it is more.

    CORN: -sum_{k <= y} log s(z_k) if y > k, log s(-z_k) if y = k; z_k the logit of y > k among samples with y >= k:
    prediction (..., batch, classes - 1). It is minus the log of the probability of the right class.
    Shi, Cao and Raschka 2021, arXiv 2111.08851.
    """
    step = torch.arange(prediction.shape[-1], device=prediction.device)
    rank = target.unsqueeze(-1)
    signed = torch.where(rank > step, prediction, -prediction)
    return -torch.where(rank >= step, torch.nn.functional.logsigmoid(signed), 0.0).sum(-1)


@losses.add(task="classification", outputs="classes", link="softmax", ordered=True)
def earth_mover(prediction: "torch.Tensor", target: "torch.Tensor") -> "torch.Tensor":
    """Ordered classes (numbers ascending, words by the alphabet): a miss by two steps costs more than by one.

    sum_k (P_k - [y <= k])^2, P the cumulative softmax.  Hou, Yu and Samaras 2016, arXiv 1611.05916.
    """
    step = torch.arange(prediction.shape[-1], device=prediction.device)
    reached = (target.unsqueeze(-1) <= step).to(prediction.dtype)
    return (torch.softmax(prediction, -1).cumsum(-1) - reached).square().sum(-1)
