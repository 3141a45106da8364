"""Factors on the learning rate, equal to torch's schedulers where there is one."""

import math

import numpy as np
import pytest
import torch

import xltrain.choices  # noqa: F401
from tests.calls import parse_schedule
from xltrain.engine.loop import factors
from xltrain.registry import schedules

EPOCHS, STEPS = 12, 5


def course(cell: str) -> np.ndarray:
    """The factor of every step of a training."""
    schedule = parse_schedule(cell)
    return np.concatenate([factors(schedule, epoch * STEPS, STEPS, EPOCHS) for epoch in range(EPOCHS)])


@pytest.mark.parametrize(
    "cell",
    ["constant", "step(every=3, factor=0.5)", "exponential", "inverse_time", "cosine", "cosine_restarts(first=3)"],
)
def test_starts_in_full_and_never_leaves_its_range(cell: str) -> None:
    found = course(cell)
    assert found.shape == (EPOCHS * STEPS,)
    assert found[0] == 1
    assert ((found >= 0) & (found <= 1)).all()


def epochs_of(scheduler_of: object) -> list[float]:
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    scheduler = scheduler_of(optimizer)  # type: ignore[operator]
    rates = []
    for _ in range(EPOCHS):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


@pytest.mark.slow
def test_equals_torch_at_every_epoch() -> None:
    kinds = torch.optim.lr_scheduler
    pairs = {
        "step(every=3, factor=0.5)": lambda o: kinds.StepLR(o, 3, 0.5),
        "exponential(gamma=0.9)": lambda o: kinds.ExponentialLR(o, 0.9),
        "cosine": lambda o: kinds.CosineAnnealingLR(o, EPOCHS),
        "cosine(final=0.2)": lambda o: kinds.CosineAnnealingLR(o, EPOCHS, 0.2),
        "cosine_restarts(first=4, multiply=1)": lambda o: kinds.CosineAnnealingWarmRestarts(o, 4, 1),
        "inverse_time(rate=0.3)": lambda o: kinds.LambdaLR(o, lambda epoch: 1 / (1 + 0.3 * epoch)),
        "cosine_restarts(first=3, multiply=2)": lambda o: kinds.CosineAnnealingWarmRestarts(o, 3, 2),
    }
    for cell, scheduler in pairs.items():
        np.testing.assert_allclose(course(cell)[::STEPS], epochs_of(scheduler), atol=1e-7, err_msg=cell)


def test_warmup_rises_then_hands_over() -> None:
    found = course("warmup(10%) > cosine")
    assert (np.diff(found[:6]) > 0).all()
    assert found[5] == 1
    assert found[-1] < 0.05


def test_warmup_takes_steps_too() -> None:
    np.testing.assert_allclose(course("warmup(4) > constant")[:5], [0.25, 0.5, 0.75, 1, 1])


def test_warmup_is_a_prefix_of_what_follows() -> None:
    """After the warm-up the next schedule runs its whole course over the steps that are left."""
    found = course("warmup(12) > cosine(final=0.1)")
    left = EPOCHS * STEPS - 12
    rest = 0.1 + 0.9 * (1 + np.cos(np.pi * np.arange(left) / left)) / 2
    np.testing.assert_allclose(found, [*np.arange(1, 13) / 12, *rest])


def test_a_plan_shorter_than_its_warmup_only_warms_up() -> None:
    assert (np.diff(course("warmup(1000) > cosine")) > 0).all()


@pytest.mark.parametrize("patience", [0, 1, 3])
def test_plateau_drops_as_in_torch(patience: int) -> None:
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=patience, threshold=0, eps=0)
    losses = [3.0, 2.0, 2.5, 2.1, 2.0, 1.9, 2.0, 2.2, 2.3, 2.4, 2.5, 1.0, 1.1, 1.2]
    state, best = (1.0, 0), math.inf
    for loss in losses:
        theirs.step(loss)
        state = schedules["plateau"].function(state, loss < best, factor=0.5, patience=patience)
        best = min(best, loss)
        assert state[0] == optimizer.param_groups[0]["lr"]


def test_plateau_multiplies_what_stands_beside_it() -> None:
    schedule = parse_schedule("warmup(2) > plateau")
    np.testing.assert_allclose(factors(schedule, 0, 4, 10, 0.25), [0.125, 0.25, 0.25, 0.25])
