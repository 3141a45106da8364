"""Each optimizer equals torch.optim of the same name; members with other rates do not touch each other."""

from typing import Any

import pytest
import torch

import xltrain.choices  # noqa: F401
from xltrain.registry import Choice, optimizers

THEIRS: dict[str, Any] = {
    "sgd": torch.optim.SGD,
    "adagrad": torch.optim.Adagrad,
    "rmsprop": torch.optim.RMSprop,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
}
CASES = [
    ("sgd", {"lr": 0.05, "momentum": 0.0, "weight_decay": 0.1}),
    ("sgd", {"lr": 0.05, "momentum": 0.9, "nesterov": True}),
    ("sgd", {"lr": 0.05, "momentum": 0.8, "dampening": 0.3}),
    ("adagrad", {"lr": 0.1, "lr_decay": 0.01, "weight_decay": 0.05}),
    ("rmsprop", {"lr": 0.01, "momentum": 0.5, "centered": True}),
    ("rmsprop", {"lr": 0.01, "alpha": 0.9, "weight_decay": 0.1}),
    ("adam", {"lr": 0.02, "betas": (0.8, 0.95), "weight_decay": 0.1}),
    ("adamw", {"lr": 0.02, "weight_decay": 0.3}),
    ("adamw", {"lr": 0.02}),
    ("sgd", {"lr": 0.02, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    ("sgd", {"lr": 0.05, "momentum": 0.0, "dampening": 0.5}),
    ("adagrad", {"lr": 0.1, "eps": 0.1}),
    ("rmsprop", {"lr": 0.01, "momentum": 0.9, "centered": True, "eps": 0.1, "weight_decay": 0.1}),
    ("adam", {"lr": 0.02, "betas": (0.0, 0.9), "eps": 0.1}),
    ("adamw", {"lr": 0.02, "betas": (0.5, 0.0), "weight_decay": 0.0}),
]


def settings(choice: Choice, given: dict[str, Any], members: int) -> dict[str, Any]:
    """Hyperparameters as the engine hands them over: numbers as (members, 1)."""
    values = {parameter.name: given.get(parameter.name, parameter.default) for parameter in choice.parameters}
    varies = {parameter.name for parameter in choice.parameters if parameter.varies}
    return {
        name: torch.full((members, 1), float(value), dtype=torch.float64) if name in varies else value
        for name, value in values.items()
    }


def descend(choice: Choice, start: torch.Tensor, values: dict[str, Any], steps: int = 50) -> torch.Tensor:
    """Minimise an uneven quartic."""
    weights = start.clone()
    state = {name: torch.zeros_like(weights) for name in choice.facts["state"]}
    for step in range(1, steps + 1):
        grad = gradient(weights)
        count = torch.full((len(weights), 1), float(step), dtype=torch.float64)
        weights, state = choice.function(weights, grad, state, count, **values)
    return weights


def gradient(weights: torch.Tensor) -> torch.Tensor:
    scale = torch.linspace(0.5, 2.0, weights.shape[-1], dtype=torch.float64)
    return scale * (weights - 1) + 0.1 * weights**3


@pytest.mark.parametrize(("name", "given"), CASES)
def test_equals_torch(name: str, given: dict[str, Any]) -> None:
    choice = optimizers[name]
    start = torch.linspace(-2, 2, 7, dtype=torch.float64)
    values = settings(choice, given, 1)
    ours = descend(choice, start.unsqueeze(0), values)[0]
    theirs = start.clone().requires_grad_()
    known = {key: float(value) if isinstance(value, torch.Tensor) else value for key, value in values.items()}
    optimizer = THEIRS[name]([theirs], **known)
    for _ in range(50):
        theirs.grad = gradient(theirs.detach())
        optimizer.step()
    torch.testing.assert_close(ours, theirs.detach(), rtol=1e-10, atol=1e-12)


def test_every_optimizer_has_its_twin() -> None:
    assert set(optimizers) == set(THEIRS)


@pytest.mark.parametrize("name", sorted(THEIRS))
def test_members_do_not_touch_each_other(name: str) -> None:
    choice = optimizers[name]
    start = torch.linspace(-2, 2, 7, dtype=torch.float64).repeat(3, 1)
    together = settings(choice, {}, 3)
    together["lr"] = torch.tensor([[0.1], [0.01], [0.001]], dtype=torch.float64)
    stacked = descend(choice, start, together, 20)
    for member, lr in enumerate((0.1, 0.01, 0.001)):
        alone = descend(choice, start[:1], settings(choice, {"lr": lr}, 1), 20)[0]
        torch.testing.assert_close(stacked[member], alone, rtol=1e-12, atol=0)
