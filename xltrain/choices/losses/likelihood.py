"""Losses that say how a target is spread. Shapes: target (..., batch), result (..., batch).

poisson, gamma and tweedie predict the log of the mean: prediction (..., batch). Their target is divided by its mean,
so it keeps its sign, and the loss is the deviance: twice what the log-likelihood lacks to that of a perfect prediction,
0 where the prediction is right. gaussian_nll and student_t_nll predict the middle and the log of the squared width:
prediction (..., batch, 2); their target is standardised.
"""

import math
from typing import Annotated

from xltrain.lazy import torch
from xltrain.registry import Above, AtLeast, Below, losses

LARGEST = 20.0  # beyond exp of this, far above any target divided by its mean, exp goes on as a straight line
FLOOR = 1e-6  # the least squared width, in squared deviations of the target


def _exp(power: "torch.Tensor") -> "torch.Tensor":
    """exp, continued as its tangent beyond LARGEST: neither it nor its gradient overflows."""
    near = power.clamp(max=LARGEST)
    return torch.exp(near) * (1 + power - near)


@losses.add(task="regression", outputs="one", link="exp", scale="positive", target=AtLeast(0))
def poisson(prediction: "torch.Tensor", target: "torch.Tensor") -> "torch.Tensor":
    """Counts: visits, defects, orders. Predictions stay above 0; the spread grows with the mean.

    2 (y log(y / m) - y + m), m = exp(z): the Poisson deviance.  Nelder and Wedderburn 1972, doi 10.2307/2344614.
    """
    own = torch.xlogy(target, target) - target
    return 2 * (own - target * prediction + _exp(prediction)).clamp(min=0)


@losses.add(task="regression", outputs="one", link="exp", scale="positive", target=Above(0))
def gamma(prediction: "torch.Tensor", target: "torch.Tensor") -> "torch.Tensor":
    """Amounts above 0 that miss by percents, not by units: prices, durations, claims.

    2 (log(m / y) + y / m - 1), m = exp(z): the gamma deviance.  McCullagh and Nelder 1989, ISBN 0412317605.
    """
    over = torch.log(target.clamp(min=torch.finfo(target.dtype).tiny)) - prediction
    return 2 * (_exp(over) - over - 1).clamp(min=0)


@losses.add(task="regression", outputs="one", link="exp", scale="positive", target=AtLeast(0))
def tweedie(
    prediction: "torch.Tensor",
    target: "torch.Tensor",
    *,
    power: Annotated[float, Above(1), Below(2), "near 1 like poisson, near 2 like gamma"] = 1.5,
) -> "torch.Tensor":
    """Amounts with many zeros: rain, claims, sales of slow goods.

    2 (y^(2-p) / ((1-p) (2-p)) - y m^(1-p) / (1-p) + m^(2-p) / (2-p)), m = exp(z): the Tweedie deviance.
    Jorgensen 1987, doi 10.1111/j.2517-6161.1987.tb01685.x.
    """
    one, two = 1 - power, 2 - power
    own = target.clamp(min=0) ** two / (one * two)
    return 2 * (own - target * _exp(one * prediction) / one + _exp(two * prediction) / two).clamp(min=0)


@losses.add(task="regression", outputs="two", link="gaussian")
def gaussian_nll(prediction: "torch.Tensor", target: "torch.Tensor") -> "torch.Tensor":
    """Learns how uncertain each row is: a mean and a spread of its own. Noisy rows then count less.

    (log(2 pi v) + (y - m)^2 / v) / 2, v = exp(s) + 1e-6: minus the log density of a normal distribution.
    Nix and Weigend 1994, doi 10.1109/ICNN.1994.374138.
    """
    middle, log_width = prediction[..., 0], log_floored(prediction[..., 1])
    return (math.log(2 * math.pi) + log_width + (target - middle).square() * torch.exp(-log_width)) / 2


@losses.add(task="regression", outputs="two", link="gaussian")
def student_t_nll(
    prediction: "torch.Tensor",
    target: "torch.Tensor",
    *,
    df: Annotated[float, Above(0), "degrees of freedom: the lower, the more outliers are expected"] = 4.0,
) -> "torch.Tensor":
    """Like gaussian_nll, but expects outliers: a few wild rows do not widen the spread of all.

    -log G((n+1)/2) + log G(n/2) + log(n pi v) / 2 + (n+1)/2 log(1 + (y - m)^2 / (n v)), v = exp(s) + 1e-6, G the gamma
    function: minus the log density of Student's t.  Lange, Little and Taylor 1989, doi 10.2307/2290063.
    """
    middle, log_width = prediction[..., 0], log_floored(prediction[..., 1])
    free = torch.as_tensor(df, dtype=prediction.dtype, device=prediction.device)
    level = torch.lgamma(free / 2) - torch.lgamma((free + 1) / 2) + torch.log(math.pi * free) / 2
    error = (target - middle).square() * torch.exp(-log_width)
    return level + log_width / 2 + (free + 1) / 2 * torch.log1p(error / free)


def log_floored(log_width: "torch.Tensor") -> "torch.Tensor":
    """log(exp(s) + FLOOR): a row that is hit exactly cannot draw its width to nothing."""
    return torch.logaddexp(log_width, torch.full_like(log_width, math.log(FLOOR)))
