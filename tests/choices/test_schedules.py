"""Factors on the learning rate, equal to torch's schedulers where there is one."""

import math

import numpy as np
import pytest
import torch

import xltrain.choices  # noqa: F401
from xltrain.config.call import parse_schedule
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


def test_equals_torch_at_every_epoch() -> None:
    kinds = torch.optim.lr_scheduler
    pairs = {
        "step(every=3, factor=0.5)": lambda o: kinds.StepLR(o, 3, 0.5),
        "exponential(gamma=0.9)": lambda o: kinds.ExponentialLR(o, 0.9),
        "cosine": lambda o: kinds.CosineAnnealingLR(o, EPOCHS),
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


def test_plateau_drops_when_nothing_improves() -> None:
    plateau = schedules["plateau"].function
    state = (1.0, 0)
    for improved in (True, False, False, False, True):
        state = plateau(state, improved, factor=0.5, patience=1)
    assert math.isclose(state[0], 0.5)
