"""Losses of a class. Shapes: prediction (..., batch, classes) logits, target (..., batch) integer, result (..., batch).

Class weights arrive as (..., 1, classes); other hyperparameters broadcast against (..., batch).
"""

from typing import Annotated

from xltrain.lazy import torch
from xltrain.registry import AtLeast, Below, ClassWeights, losses


def _of_target(values: "torch.Tensor", target: "torch.Tensor") -> "torch.Tensor":
    """The entry of each sample's own class: values (..., batch | 1, classes) -> (..., batch)."""
    index = target.unsqueeze(-1)
    return values.expand(*index.shape[:-1], values.shape[-1]).gather(-1, index).squeeze(-1)


@losses.add(task="classification", outputs="classes", link="softmax")
def cross_entropy(
    prediction: "torch.Tensor",
    target: "torch.Tensor",
    *,
    class_weight: Annotated[ClassWeights, "weight of each class: none, balanced, or one number per class"] = "none",  # type: ignore[assignment]
    label_smoothing: Annotated[float, AtLeast(0), Below(1), "share of the target spread over all classes"] = 0.0,
) -> "torch.Tensor":
    """Minus the log of the probability given to the right class: the usual choice.

    -(1 - s) w_y log p_y - s / C * sum_c w_c log p_c.  Smoothing: Szegedy et al. 2016, arXiv 1512.00567.
    """
    weight = _weights(class_weight, prediction)
    minus_log = -torch.log_softmax(prediction, -1) * weight
    return (1 - label_smoothing) * _of_target(minus_log, target) + label_smoothing * minus_log.mean(-1)


@losses.add(task="classification", outputs="one", link="sigmoid", most_classes=2)
def binary_cross_entropy(
    prediction: "torch.Tensor",
    target: "torch.Tensor",
    *,
    pos_weight: Annotated[ClassWeights, "weight of the second class: none, balanced, or a number"] = "none",  # type: ignore[assignment]
) -> "torch.Tensor":
    """Cross-entropy of two classes with a single output.

    w_y (log(1 + exp(z)) - y z), z the one logit: prediction (..., batch), target 0 or 1.
    """
    yes = target.to(prediction.dtype)
    loss = torch.nn.functional.softplus(prediction) - yes * prediction
    if isinstance(pos_weight, str):
        return loss
    weight: torch.Tensor = pos_weight  # type: ignore[assignment]
    return loss * _of_target(weight, target)


@losses.add(task="classification", outputs="classes", link="softmax")
def focal(
    prediction: "torch.Tensor",
    target: "torch.Tensor",
    *,
    gamma: Annotated[float, AtLeast(0), "how much easy samples are played down; 0 is cross_entropy"] = 2.0,
    alpha: Annotated[ClassWeights, "weight of each class: none, balanced, or one number per class"] = "none",  # type: ignore[assignment]
) -> "torch.Tensor":
    """Cross-entropy that looks at the hard samples; for rare classes.

    -a_y (1 - p_y)^g log p_y.  Lin et al. 2017, arXiv 1708.02002.
    """
    log = torch.log_softmax(prediction, -1)
    own = torch.nn.functional.one_hot(target, prediction.shape[-1]).bool()
    # log(1 - p_y) from the other classes: its gradient stays finite where 1 - p_y rounds to zero.
    rest = torch.logsumexp(log.masked_fill(own, -torch.inf), -1)
    return -_of_target(_weights(alpha, prediction), target) * torch.exp(gamma * rest) * _of_target(log, target)


@losses.add(task="classification", outputs="classes", link="softmax")
def hinge(
    prediction: "torch.Tensor",
    target: "torch.Tensor",
    *,
    margin: Annotated[float, AtLeast(0), "how far the right class must lead"] = 1.0,
) -> "torch.Tensor":
    """The margin of support vector machines: zero once the right class leads by enough.

    max(0, m + max_{c != y} z_c - z_y).  Crammer and Singer 2001.
    """
    own = torch.nn.functional.one_hot(target, prediction.shape[-1]).bool()
    rival = prediction.masked_fill(own, -torch.inf).amax(-1)
    return torch.relu(margin + rival - _of_target(prediction, target))


def _weights(given: object, prediction: "torch.Tensor") -> "torch.Tensor":
    """Class weights as the engine hands them over, or ones where a caller left the default."""
    return prediction.new_ones(prediction.shape[-1]) if isinstance(given, str) else given  # type: ignore[return-value]
