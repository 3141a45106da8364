"""Losses of a class. Shapes: prediction (..., batch, classes) logits, target (..., batch) integer, result (..., batch).

Class weights arrive as (..., 1, classes); other hyperparameters broadcast against (..., batch).
"""

from typing import Annotated

from xltrain.lazy import torch
from xltrain.registry import AtLeast, Below, ClassWeights, losses


def of_target(values: "torch.Tensor", target: "torch.Tensor") -> "torch.Tensor":
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
    return (1 - label_smoothing) * of_target(minus_log, target) + label_smoothing * minus_log.mean(-1)


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
    return loss * of_target(weight, target)


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
    # log(1 - p_y) from the other classes: its gradient stays finite where 1 - p_y rounds to zero.
    rest = torch.logsumexp(log.masked_fill(own_class(log, target), -torch.inf), -1)
    return -of_target(_weights(alpha, prediction), target) * torch.exp(gamma * rest) * of_target(log, target)


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
    return torch.relu(margin - _lead(prediction, target))


@losses.add(task="classification", outputs="classes", link="softmax")
def squared_hinge(
    prediction: "torch.Tensor",
    target: "torch.Tensor",
    *,
    margin: Annotated[float, AtLeast(0), "how far the right class must lead"] = 1.0,
) -> "torch.Tensor":
    """The margin of support vector machines, squared: far misses count most.

    max(0, m + max_{c != y} z_c - z_y)^2.  Tang 2013, arXiv 1306.0239.
    """
    return torch.relu(margin - _lead(prediction, target)).square()


@losses.add(task="classification", outputs="classes", link="softmax")
def poly1(
    prediction: "torch.Tensor",
    target: "torch.Tensor",
    *,
    epsilon: Annotated[float, AtLeast(-1), "weight of the first term; 0 is cross_entropy"] = 1.0,
) -> "torch.Tensor":
    """Cross-entropy with its first term weighted anew; often a little better at no cost.

    -log p_y + e (1 - p_y).  Leng et al. 2022, arXiv 2204.12511.
    """
    log = torch.log_softmax(prediction, -1)
    return epsilon * (1 - torch.exp(of_target(log, target))) - of_target(log, target)


@losses.add(task="classification", outputs="classes", link="sigmoids")
def asymmetric(
    prediction: "torch.Tensor",
    target: "torch.Tensor",
    *,
    gamma_pos: Annotated[float, AtLeast(0), "how much easy samples of the right class are played down"] = 1.0,
    gamma_neg: Annotated[float, AtLeast(0), "how much easy samples of the other classes are played down"] = 4.0,
    clip: Annotated[float, AtLeast(0), Below(1), "probability of a wrong class up to which it costs nothing"] = 0.05,
) -> "torch.Tensor":
    """Each class against the rest, easy negatives played down more than positives; for many or rare classes.

    -(1 - p_y)^g+ log p_y - sum_{c != y} q_c^g- log(1 - q_c), p = sigmoid(z), q = max(p - clip, 0): a sample has one
    label.  Ridnik et al. 2021, arXiv 2009.14119.
    """
    own = of_target(prediction, target)
    yes = torch.exp(gamma_pos * _log_sigmoid(-own)) * _log_sigmoid(own)
    cut = torch.as_tensor(inner(clip), dtype=prediction.dtype, device=prediction.device)
    # The least number keeps the gradient of a power below 1 finite.
    left = (torch.sigmoid(prediction) - cut).clamp(min=1e-30)
    no = left ** inner(gamma_neg) * torch.logaddexp(_log_sigmoid(-prediction), torch.log(cut)).clamp(max=0)
    return -yes - (no.sum(-1) - of_target(no, target))


@losses.add(task="classification", outputs="classes", link="sigmoids")
def multilabel_soft_margin(
    prediction: "torch.Tensor",
    target: "torch.Tensor",
    *,
    class_weight: Annotated[ClassWeights, "weight of each class: none, balanced, or one number per class"] = "none",  # type: ignore[assignment]
) -> "torch.Tensor":
    """Each class against the rest, by itself; the mean over classes.

    -1 / C sum_c w_c ([c = y] log s(z_c) + [c != y] log s(-z_c)), s the sigmoid.  As torch.nn.MultiLabelSoftMarginLoss.
    """
    signed = torch.where(own_class(prediction, target), prediction, -prediction)
    return -(_weights(class_weight, prediction) * _log_sigmoid(signed)).mean(-1)


def own_class(prediction: "torch.Tensor", target: "torch.Tensor") -> "torch.Tensor":
    """True at each sample's own class: (..., batch, classes)."""
    return torch.nn.functional.one_hot(target, prediction.shape[-1]).bool()


def inner(value: "float | torch.Tensor") -> "float | torch.Tensor":
    """A hyperparameter (..., 1) as it meets (..., batch, classes)."""
    return value.unsqueeze(-1) if isinstance(value, torch.Tensor) else value


def _lead(prediction: "torch.Tensor", target: "torch.Tensor") -> "torch.Tensor":
    """How far the output of the right class stands above its strongest rival."""
    rival = prediction.masked_fill(own_class(prediction, target), -torch.inf).amax(-1)
    return of_target(prediction, target) - rival


def _log_sigmoid(value: "torch.Tensor") -> "torch.Tensor":
    return torch.nn.functional.logsigmoid(value)


def _weights(given: object, prediction: "torch.Tensor") -> "torch.Tensor":
    """Class weights as the engine hands them over, or ones where a caller left the default."""
    return prediction.new_ones(prediction.shape[-1]) if isinstance(given, str) else given  # type: ignore[return-value]
