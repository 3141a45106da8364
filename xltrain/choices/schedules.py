"""Schedules: a factor on the learning rate for each step of a member.

`step` counts the member's updates from 0, `steps` is how many it may take in all, `per_epoch` how many an epoch has;
all three are arrays that broadcast. A *prefix* (fact `prefix`) returns its factor and how many steps it lasts, and
the next schedule of the chain starts there. A schedule that *watches* (fact `watches`) sees the validation loss
instead: at the end of every epoch it is given its own state and whether the loss improved.
"""

from typing import Annotated, Any

import numpy as np
import numpy.typing as npt

from xltrain.registry import Above, AtLeast, AtMost, Below, schedules

Floats = npt.NDArray[np.float64]
Final = Annotated[float, AtLeast(0), AtMost(1), "share of the learning rate left at the end"]


@schedules.add()
def constant(step: Floats, steps: float, per_epoch: float) -> Floats:
    """The same learning rate throughout."""
    return np.ones_like(step)


@schedules.add(name="step")
def step_(
    step: Floats,
    steps: float,
    per_epoch: float,
    *,
    every: Annotated[float, Above(0), "epochs between two drops"] = 30.0,
    factor: Annotated[float, Above(0), AtMost(1), "what each drop leaves"] = 0.1,
) -> Floats:
    """Drops by a factor every so many epochs.

    f^floor(epoch / every)
    """
    return np.asarray(factor ** np.floor(step / per_epoch / every + 1e-9))


@schedules.add()
def multistep(
    step: Floats,
    steps: float,
    per_epoch: float,
    *milestones: Annotated[float, Above(0), (0.5, 0.75), "epochs at which it drops, or shares of all steps (50%)"],
    factor: Annotated[float, Above(0), AtMost(1), "what each drop leaves"] = 0.1,
) -> Floats:
    """Drops by a factor at given epochs, or at given shares of the training.

    f^(milestones passed).  He et al. 2016, arXiv 1512.03385, who drop at 50% and 75%.
    """
    at = np.array([each * steps if each < 1 else each * per_epoch for each in milestones])
    passed = (np.asarray(step)[..., None] >= at - 1e-9 * steps).sum(-1)
    return np.asarray(factor**passed, dtype=np.float64)


@schedules.add()
def exponential(
    step: Floats,
    steps: float,
    per_epoch: float,
    *,
    gamma: Annotated[float, Above(0), AtMost(1), "what each epoch leaves"] = 0.98,
) -> Floats:
    """Falls by the same share every epoch.

    g^epoch
    """
    return np.asarray(gamma ** (step / per_epoch))


@schedules.add()
def inverse_time(
    step: Floats,
    steps: float,
    per_epoch: float,
    *,
    rate: Annotated[float, AtLeast(0), "how fast it falls, per epoch"] = 0.1,
) -> Floats:
    """Falls as one over time.

    1 / (1 + r epoch).  Robbins and Monro 1951.
    """
    return 1 / (1 + rate * step / per_epoch)


@schedules.add()
def polynomial(
    step: Floats,
    steps: float,
    per_epoch: float,
    *,
    power: Annotated[float, Above(0), "1 falls in a straight line, 2 fast at first"] = 1.0,
    final: Final = 0.0,
) -> Floats:
    """Falls along a power of the steps that are left; a straight line with power 1.

    f + (1 - f) (1 - t / T)^p.  Chen et al. 2017, arXiv 1606.00915.
    """
    left = 1 - np.minimum(step / max(steps, 1), 1)
    return np.asarray(final + (1 - final) * left**power)


@schedules.add()
def cosine(step: Floats, steps: float, per_epoch: float, *, final: Final = 0.0) -> Floats:
    """Half a cosine from the full rate down to the final one.

    f + (1 - f) (1 + cos(pi t / T)) / 2.  Loshchilov and Hutter 2017, arXiv 1608.03983.
    """
    return _half_cosine(np.minimum(step / max(steps, 1), 1), final)


@schedules.add()
def cosine_restarts(
    step: Floats,
    steps: float,
    per_epoch: float,
    *,
    first: Annotated[float, Above(0), "epochs until the first restart"] = 10.0,
    multiply: Annotated[float, AtLeast(1), "how much longer each round is than the last"] = 2.0,
    final: Final = 0.0,
) -> Floats:
    """Cosine that starts again at the full rate, each time for longer.

    Loshchilov and Hutter 2017, arXiv 1608.03983.
    """
    epoch = step / per_epoch
    if multiply == 1:
        return _half_cosine(np.mod(epoch / first, 1), final)
    # Round n begins at first (m^n - 1) / (m - 1).
    around = np.floor(np.log(epoch / first * (multiply - 1) + 1) / np.log(multiply) + 1e-9)
    begin = first * (multiply**around - 1) / (multiply - 1)
    return _half_cosine((epoch - begin) / (first * multiply**around), final)


@schedules.add()
def flat_cosine(
    step: Floats,
    steps: float,
    per_epoch: float,
    *,
    flat: Annotated[float, AtLeast(0), Below(1), "share of all steps at the full rate"] = 0.75,
    final: Final = 0.0,
) -> Floats:
    """The full rate for most of the training, then half a cosine down to the final one.

    u = (t / T - s) / (1 - s) from 0 on;  f + (1 - f) (1 + cos(pi u)) / 2.  fastai's fit_flat_cos.
    """
    share = np.minimum(step / max(steps, 1), 1)
    return _half_cosine(np.maximum(share - flat, 0) / (1 - flat), final)


@schedules.add()
def one_cycle(
    step: Floats,
    steps: float,
    per_epoch: float,
    *,
    peak: Annotated[float, Above(0), Below(1), "share of all steps after which the full rate is reached"] = 0.3,
    start_divisor: Annotated[float, AtLeast(1), "the first rate is the full one divided by this"] = 25.0,
    final_divisor: Annotated[float, AtLeast(1), "the last rate is the first one divided by this"] = 1e4,
) -> Floats:
    """Up to the full rate along half a cosine, then down to almost zero: one cycle.

    Momentum stays as it is.  Smith and Topin 2018, arXiv 1708.07120.
    """
    top, last = peak * steps - 1, max(steps - 1, 1)
    low = 1 / start_divisor
    # A peak before the second step has nothing to rise through.
    rise = _half_cosine(1 - np.clip(step / top, 0, 1), low) if top > 0 else np.ones_like(step)
    fall = _half_cosine(np.clip((step - top) / (last - top), 0, 1), low / final_divisor)
    return np.where(step <= top, rise, fall)


@schedules.add(watches=True)
def plateau(
    state: tuple[float, int],
    improved: bool,
    *,
    factor: Annotated[float, Above(0), Below(1), "what each drop leaves"] = 0.5,
    patience: Annotated[int, AtLeast(0), "epochs without a better validation loss before a drop"] = 8,
) -> tuple[float, int]:
    """Drops by a factor when the validation loss no longer falls.

    State: the factor now, and the epochs since the last improvement or drop.
    """
    now, stale = state
    if improved:
        return now, 0
    return (now * factor, 0) if stale + 1 > patience else (now, stale + 1)


@schedules.add(prefix=True)
def warmup(
    step: Floats,
    steps: float,
    per_epoch: float,
    *,
    length: Annotated[float, Above(0), "share of all steps (5%), or a number of steps from 1 on"] = 0.05,
) -> tuple[Floats, float]:
    """Rises from almost zero to the full rate; another schedule follows: `warmup(5%) > cosine`.

    (t + 1) / length.  Goyal et al. 2017, arXiv 1706.02677.
    """
    lasts = min(max(round(length * steps), 1) if length < 1 else round(length), steps)
    return np.minimum((step + 1) / lasts, 1.0), float(lasts)


def _half_cosine(share: Any, final: float) -> Floats:
    return np.asarray(final + (1 - final) * (1 + np.cos(np.pi * share)) / 2)
