"""Objectives: what an update minimises where that is more than the mean of one loss per sample.

An objective of one target gets a `Given`: the losses of the samples, their probabilities and the model. It returns one
number per member, (members, 1); a number among its hyperparameters arrives as (members, 1). One of several targets gets
what each target has come to: `uncertainty` the learned numbers (members, targets), and says what each target's loss is
multiplied by and what is added to it; those that are `alone` the gradients (targets, size) of one member, which they
turn into one gradient (size,).

Facts of an objective:

- `task` where it is for one only.
- `adds`: its number is a mean over samples, so that the parts of a batch may be taken one by one.
- `numeric`: it moves numbers, so that some feature must be one.
- `joint`: it is for several targets in one run, all others are for one.
- `learns`: it has a number of its own for each target, learned with the weights.
- `alone`: its members train as stacks of one.
- `needs`: the packages that must be installed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from xltrain.lazy import torch
from xltrain.registry import Above, AtLeast, OneOf, objectives


@dataclass(frozen=True)
class Given:
    """What an objective may look at; nothing in it mixes members.

    x (members, rows, features); target, loss (members, rows), a loss already scaled and summed; weight (members, rows)
    of the samples, 0 where a row only pads; own (members, rows, outputs), the outputs for x. `output(x, quiet)` are the
    outputs for other features; `quiet` ones pass as in evaluation, without dropout. `losses(output)` are the losses of
    outputs, and `log_shares(output)` the logs of the probabilities that they mean (members, rows, classes), None for
    numbers. `numeric` are the features that measure something.
    """

    x: "torch.Tensor"
    target: "torch.Tensor"
    loss: "torch.Tensor"
    weight: "torch.Tensor"
    own: "torch.Tensor"
    output: "Callable[[torch.Tensor, bool], torch.Tensor]"
    losses: "Callable[[torch.Tensor], torch.Tensor]"
    log_shares: "Callable[[torch.Tensor], torch.Tensor] | None"
    numeric: tuple[int, ...]

    def mean(self, values: "torch.Tensor") -> "torch.Tensor":
        """The weighted mean over rows: (members, rows) -> (members, 1)."""
        total = self.weight.sum(1, keepdim=True).clamp(min=1e-12)
        return (values * (self.weight / total)).sum(1, keepdim=True)


@objectives.add(adds=True)
def none(given: Given) -> "torch.Tensor":
    """The mean of the loss over the samples of a batch: the usual choice.

    sum_i w_i l_i / sum_i w_i
    """
    return given.mean(given.loss)


@objectives.add(task="classification")
def soft_f1(
    given: Given,
    *,
    average: Annotated[str, OneOf("auto", "binary", "macro"), "binary: the second class alone; macro: all"] = "auto",
) -> "torch.Tensor":
    """The F1 score of the whole batch, with probabilities in place of decisions; for rare positives.

    1 - 2 TP / (2 TP + FP + FN), TP = sum_i w_i p_i y_i and so on; the mean over the classes in the batch. auto is
    binary for two classes, macro for more. Pastor-Pellicer et al. 2013, doi 10.1007/978-3-642-38679-4_37.
    """
    hit, said, are = _counts(given, average)
    # 2 TP + FP + FN is what was said and what there is together.
    score = 2 * hit / (said + are).clamp(min=1e-12)
    present = (are > 0).to(score.dtype)
    return 1 - (score * present).sum(-1) / present.sum(-1).clamp(min=1)


@objectives.add(task="classification")
def dice(
    given: Given,
    *,
    average: Annotated[str, OneOf("auto", "binary", "macro"), "binary: the second class alone; macro: all"] = "auto",
    smooth: Annotated[float, Above(0), "added above and below; steadies batches with few positives"] = 1.0,
) -> "torch.Tensor":
    """The overlap of the batch's positives with those predicted, with squares in its denominator; for rare positives.

    1 - (2 sum_i w_i p_i y_i + s) / (sum_i w_i p_i^2 + sum_i w_i y_i + s); the mean over classes, as in soft_f1.
    Milletari et al. 2016, arXiv 1606.04797.
    """
    hit, said, are = _counts(given, average, squared=True)
    inner = smooth.unsqueeze(-1) if isinstance(smooth, torch.Tensor) else smooth
    return 1 - ((2 * hit + inner) / (said + are + inner)).mean(-1)


@objectives.add(adds=True, numeric=True)
def trades(
    given: Given,
    *,
    epsilon: Annotated[float, Above(0), "how far each number may be moved, in its standard deviations"] = 0.1,
    beta: Annotated[float, AtLeast(0), "weight of steadiness beside the loss"] = 6.0,
    steps: Annotated[int, AtLeast(1), "steps of the search for the worst move"] = 10,
) -> "torch.Tensor":
    """The loss, and that small errors of measurement do not change the answer: robust training.

    l(f(x), y) + b max_{|x' - x| <= e} D(f(x), f(x')): D is the Kullback-Leibler divergence of the probabilities, or the
    squared difference of the outputs for a number; x' is found by projected gradient on the numeric features, its first
    step along the gradient of the loss, so that members do not share noise. Zhang et al. 2019, arXiv 1901.08573.
    """
    allowed = torch.zeros_like(given.x[0, 0])
    allowed[list(given.numeric)] = 1.0
    radius = epsilon * allowed
    radius = radius.unsqueeze(1) if isinstance(epsilon, torch.Tensor) else radius
    step = radius * 2.5 / steps
    x = given.x.detach()
    with torch.no_grad():
        still = given.output(x, True)
    moved = x
    for turn in range(steps):
        with torch.enable_grad():
            moved = moved.detach().requires_grad_(True)
            output = given.output(moved, True)
            apart = given.losses(output) if turn == 0 else _apart(given, still, output)
            (slope,) = torch.autograd.grad(apart.sum(), moved)
        moved = torch.clamp(moved.detach() + step * slope.sign(), x - radius, x + radius)
    return given.mean(given.loss + beta * _apart(given, given.own, given.output(moved.detach(), False)))


def _apart(given: Given, one: "torch.Tensor", other: "torch.Tensor") -> "torch.Tensor":
    """How far two answers are apart: (members, rows)."""
    if given.log_shares is None:
        return (one - other).square().mean(-1)
    log, other = given.log_shares(one), given.log_shares(other)
    return (torch.exp(log) * (log - other)).sum(-1)


def _counts(given: Given, average: str, squared: bool = False) -> "tuple[torch.Tensor, torch.Tensor, torch.Tensor]":
    """Right positives, all that was said and all there are, of each class that counts: (members, 1, classes)."""
    assert given.log_shares is not None
    share = torch.exp(given.log_shares(given.own))
    label = torch.nn.functional.one_hot(given.target, share.shape[-1]).to(share.dtype)
    if average == "binary" or (average == "auto" and share.shape[-1] == 2):
        share, label = share[..., 1:2], label[..., 1:2]
    weight = given.weight.unsqueeze(-1)
    said = (weight * (share.square() if squared else share)).sum(1, keepdim=True)
    return (weight * share * label).sum(1, keepdim=True), said, (weight * label).sum(1, keepdim=True)


@objectives.add(joint=True, learns=True)
def uncertainty(learned: "torch.Tensor", squared: "torch.Tensor") -> "tuple[torch.Tensor, torch.Tensor]":
    """Several targets in one run: how much each counts is learned from how well it can be known.

    sum_t c_t exp(-s_t) l_t + s_t / 2, s_t the learned log-variance of target t, which the curves show per epoch; c_t is
    1/2 for a number and 1 for classes. Kendall et al. 2018, arXiv 1705.07115.
    """
    return torch.exp(-learned) * (1 - squared / 2), learned / 2


@objectives.add(joint=True, alone=True, needs=("torchjd",))
def pcgrad(lines: "torch.Tensor") -> "torch.Tensor":
    """Several targets in one run: where two pull against each other, each gives up what hurts the other.

    g_i - min(0, g_i . g_j) / |g_j|^2 g_j for all j in random order, then the sum over targets i.
    Yu et al. 2020, arXiv 2001.06782; by torchjd.
    """
    from torchjd.aggregation import PCGrad

    found: torch.Tensor = PCGrad()(lines)
    return found


@objectives.add(joint=True, alone=True, needs=("torchjd",))
def mgda(lines: "torch.Tensor") -> "torch.Tensor":
    """Several targets in one run: the step that helps the worst-off target most, so that none is given up.

    The shortest vector among all weighted means of the targets' gradients. Desideri 2012, doi
    10.1016/j.crma.2012.03.014; by torchjd.
    """
    from torchjd.aggregation import MGDA

    found: torch.Tensor = MGDA()(lines)
    return found


@objectives.add(joint=True, alone=True, needs=("torchjd", "qpsolvers", "quadprog"))
def upgrad(lines: "torch.Tensor") -> "torch.Tensor":
    """Several targets in one run: a step against no target, as near to the mean of all as can be.

    Each gradient projected onto the directions that hurt no target, then their mean. Quinton and Rey 2024,
    arXiv 2406.16232; by torchjd.
    """
    from torchjd.aggregation import UPGrad

    found: torch.Tensor = UPGrad()(lines)
    return found
