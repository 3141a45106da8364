"""Several things said of one row, as one.

A model such as tabm gives (members, k, batch, outputs). What counts is the mean of the k predictions, so the pooled
outputs are those whose prediction is that mean: whatever comes after need not know that there were several.
"""

import math
from collections.abc import Callable

from xltrain.choices.losses.likelihood import LARGEST
from xltrain.lazy import torch


def pooled(output: "torch.Tensor", link: str) -> "torch.Tensor":
    """(members, k, batch, outputs) -> (members, batch, outputs); what is said once is left alone.

    Where each output is a probability of its own (sigmoids, corn), it is the mean of each.
    """
    if output.ndim == 3:
        return output
    link, share = link.partition(":")[0], math.log(output.shape[1])
    if link == "softmax":
        return torch.log_softmax(output, -1).logsumexp(1) - share
    if link in ("sigmoid", "sigmoids", "corn"):
        yes, no = (torch.nn.functional.logsigmoid(sign * output).logsumexp(1) for sign in (1, -1))
        return yes - no
    if link == "exp":
        return output.clamp(max=LARGEST).logsumexp(1) - share
    return output.mean(1)


def learnt(
    output: "torch.Tensor",
    target: "torch.Tensor",
    losses: "Callable[[torch.Tensor, torch.Tensor], list[torch.Tensor]]",
) -> "list[torch.Tensor]":
    """The losses (members, batch) of an output, of several the mean: each of the k learns for itself."""
    if output.ndim == 3:
        return losses(output, target)
    shape = output.shape[:3]
    return [loss.view(shape).mean(1) for loss in losses(output.flatten(1, 2), target.repeat(1, shape[1]))]


def log_shares(output: "torch.Tensor", link: str) -> "torch.Tensor":
    """The logs of the probabilities that outputs of a class mean: (..., outputs) -> (..., classes)."""
    log_yes, log_no = (torch.nn.functional.logsigmoid(sign * output) for sign in (1, -1))
    if link == "sigmoid":
        return torch.cat([log_no, log_yes], -1)
    if link == "corn":
        come = torch.nn.functional.pad(log_yes.cumsum(-1), (1, 0))
        return come + torch.nn.functional.pad(log_no, (0, 1))
    return torch.log_softmax(log_yes if link == "sigmoids" else output, -1)
