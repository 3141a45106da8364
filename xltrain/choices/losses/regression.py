"""Losses of a number. Shapes: prediction and target (..., batch), result (..., batch).

Targets are standardised by the engine, so `delta` and the like count in standard deviations of the target.
"""

import math
from typing import Annotated

from xltrain.lazy import torch
from xltrain.registry import Above, Below, losses


@losses.add(task="regression", outputs="one", link="identity")
def mse(prediction: "torch.Tensor", target: "torch.Tensor") -> "torch.Tensor":
    """Squared error: the usual choice; large misses count most.

    (y - p)^2
    """
    return (prediction - target).square()


@losses.add(task="regression", outputs="one", link="identity")
def mae(prediction: "torch.Tensor", target: "torch.Tensor") -> "torch.Tensor":
    """Absolute error: predicts the median; wrong targets hurt little.

    |y - p|
    """
    return (prediction - target).abs()


@losses.add(task="regression", outputs="one", link="identity")
def huber(
    prediction: "torch.Tensor",
    target: "torch.Tensor",
    *,
    delta: Annotated[float, Above(0), "where squared turns linear, in standard deviations of the target"] = 1.0,
) -> "torch.Tensor":
    """Squared within delta, linear beyond it; tolerant of outliers.

    e = |y - p|:  e^2 / 2  if e <= d,  d (e - d / 2)  otherwise.  Huber 1964, doi 10.1214/aoms/1177703732.
    """
    error = (prediction - target).abs()
    # The smaller of e and d makes both branches one product, and keeps infinities out of the branch not taken.
    near = torch.minimum(error, torch.as_tensor(delta, dtype=error.dtype, device=error.device))
    return near * (error - near / 2)


@losses.add(task="regression", outputs="one", link="identity")
def log_cosh(prediction: "torch.Tensor", target: "torch.Tensor") -> "torch.Tensor":
    """Smooth between squared (near) and absolute (far).

    log(cosh(y - p)), computed as |e| + log(1 + exp(-2|e|)) - log 2, which does not overflow.
    """
    error = (prediction - target).abs()
    return error + torch.nn.functional.softplus(-2 * error) - math.log(2)


@losses.add(task="regression", outputs="one", link="identity")
def smooth_l1(
    prediction: "torch.Tensor",
    target: "torch.Tensor",
    *,
    beta: Annotated[float, Above(0), "where squared turns linear, in standard deviations of the target"] = 1.0,
) -> "torch.Tensor":
    """Like huber, divided by beta: the linear part always has slope 1.

    e = |y - p|:  e^2 / (2 b)  if e <= b,  e - b / 2  otherwise.  Girshick 2015, arXiv 1504.08083.
    """
    error = (prediction - target).abs()
    near = torch.minimum(error, torch.as_tensor(beta, dtype=error.dtype, device=error.device))
    return near * (error - near / 2) / beta


@losses.add(task="regression", outputs="one", link="identity")
def expectile(
    prediction: "torch.Tensor",
    target: "torch.Tensor",
    *,
    tau: Annotated[float, Above(0), Below(1), "the weight of targets above the prediction; 0.5 is mse"] = 0.5,
) -> "torch.Tensor":
    """Squared error that counts misses above and below differently: tau=0.9 predicts high.

    2 |t - [y < p]| (y - p)^2, so that t = 0.5 is mse.  Newey and Powell 1987, doi 10.2307/1911031.
    """
    error = target - prediction
    below = (error < 0).to(error.dtype)
    return 2 * (tau - below).abs() * error.square()


@losses.add(task="regression", outputs="each", link="quantiles")
def pinball(
    prediction: "torch.Tensor",
    target: "torch.Tensor",
    *quantiles: Annotated[float, Above(0), Below(1), "quantiles to predict together, such as 0.1, 0.5, 0.9"],
    q: Annotated[float, Above(0), Below(1), "the share of targets that shall lie below the prediction"] = 0.5,
) -> "torch.Tensor":
    """Predicts a quantile: q=0.9 is exceeded by one target in ten. Several train together; the middle one is shown.

    The mean over the quantiles of max(q (y - p_q), (q - 1) (y - p_q)); one output each: prediction (..., batch,
    quantiles), or (..., batch) for a single one.  Koenker and Bassett 1978, doi 10.2307/1913643.
    """
    if len(quantiles) < 2:
        share = quantiles[0] if quantiles else q
        error = target - prediction
        return torch.maximum(share * error, (share - 1) * error)
    dtype, device = prediction.dtype, prediction.device
    shares = torch.stack([torch.as_tensor(each, dtype=dtype, device=device) for each in quantiles], -1)
    error = target.unsqueeze(-1) - prediction
    return torch.maximum(shares * error, (shares - 1) * error).mean(-1)
