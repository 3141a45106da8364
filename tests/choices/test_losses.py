"""One number per sample, equal to the reference where there is one."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from sklearn.metrics import hinge_loss, mean_pinball_loss
from torch.nn import functional as f

import xltrain.choices  # noqa: F401
from xltrain.registry import Choice, ClassWeights, losses

LOSSES = list(losses.values())
Tensor = torch.Tensor


def inputs(choice: Choice, shape: tuple[int, ...], size: float = 1.0) -> tuple[Tensor, Tensor, dict[str, Any]]:
    """Prediction, target and defaults as the engine hands them over."""
    generator = torch.Generator().manual_seed(0)
    wide = (*shape, 4) if choice.facts["outputs"] == "classes" else shape
    prediction = (torch.randn(wide, generator=generator, dtype=torch.float64) * size).requires_grad_()
    if choice.facts["task"] == "classification":
        most = 4 if choice.facts["outputs"] == "classes" else 2
        target = torch.randint(0, most, shape, generator=generator)
    else:
        target = torch.randn(shape, generator=generator, dtype=torch.float64) * size
    count = 4 if choice.facts["outputs"] == "classes" else 2
    values = {
        parameter.name: torch.ones(*([1] * (len(shape) - 1)), 1, count, dtype=torch.float64)
        if parameter.type is ClassWeights
        else parameter.default
        for parameter in choice.parameters
    }
    return prediction, target, values


@pytest.mark.parametrize("choice", LOSSES, ids=lambda choice: choice.name)
@pytest.mark.parametrize("shape", [(5,), (3, 5)])
def test_gives_one_finite_number_per_sample(choice: Choice, shape: tuple[int, ...]) -> None:
    for size in (1.0, 1e4):
        prediction, target, values = inputs(choice, shape, size)
        loss = choice.function(prediction, target, **values)
        assert loss.shape == shape
        loss.sum().backward()
        assert prediction.grad is not None
        assert bool(torch.isfinite(loss).all())
        assert bool(torch.isfinite(prediction.grad).all())
        assert bool((loss >= 0).all())


REFERENCES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "mse": lambda p, y: f.mse_loss(p, y, reduction="none"),
    "mae": lambda p, y: f.l1_loss(p, y, reduction="none"),
    "huber": lambda p, y: f.huber_loss(p, y, reduction="none"),
    "log_cosh": lambda p, y: torch.log(torch.cosh(p - y)),
    "pinball": lambda p, y: (p - y).abs() / 2,
    "cross_entropy": lambda p, y: f.cross_entropy(p, y, reduction="none"),
    "binary_cross_entropy": lambda p, y: f.binary_cross_entropy_with_logits(p, y.double(), reduction="none"),
}


@pytest.mark.parametrize("name", sorted(REFERENCES))
def test_equals_the_reference(name: str) -> None:
    prediction, target, values = inputs(losses[name], (50,))
    torch.testing.assert_close(
        losses[name].function(prediction, target, **values), REFERENCES[name](prediction, target)
    )


@pytest.mark.parametrize("delta", [0.1, 0.5, 3.0])
def test_huber_equals_torch_for_every_delta(delta: float) -> None:
    prediction, target, _ = inputs(losses["huber"], (50,), 2.0)
    theirs = f.huber_loss(prediction, target, delta=delta, reduction="none")
    torch.testing.assert_close(losses["huber"].function(prediction, target, delta=delta), theirs)


@pytest.mark.parametrize("q", [0.1, 0.5, 0.9])
def test_pinball_equals_scikit_learn(q: float) -> None:
    prediction, target, _ = inputs(losses["pinball"], (50,))
    ours = losses["pinball"].function(prediction, target, q=q).mean()
    assert ours.item() == pytest.approx(mean_pinball_loss(target, prediction.detach(), alpha=q))


@pytest.mark.parametrize("choice", LOSSES, ids=lambda choice: choice.name)
def test_a_number_may_differ_between_members(choice: Choice) -> None:
    """Hyperparameters (members, 1), or (members, 1, classes), give what each member's own gives alone."""
    prediction, target, values = inputs(choice, (2, 6))
    count = 4 if choice.facts["outputs"] == "classes" else 2
    for name, value in values.items():
        shape = (2, 1, count) if isinstance(value, Tensor) else (2, 1)
        values[name] = torch.linspace(0.3, 0.9, 2 * (count if isinstance(value, Tensor) else 1)).double().view(shape)
    together = choice.function(prediction, target, **values)
    for member in range(2):
        own = {name: value[member] if value.dim() == 3 else float(value[member]) for name, value in values.items()}
        torch.testing.assert_close(choice.function(prediction[member], target[member], **own), together[member])


@pytest.mark.parametrize("choice", LOSSES, ids=lambda choice: choice.name)
def test_single_precision_stays_finite_far_out(choice: Choice) -> None:
    for size in (1e6, 1e-30):
        prediction, target, values = inputs(choice, (64,), size)
        near = prediction.detach().float().requires_grad_()
        given = {name: value.float() if isinstance(value, Tensor) else value for name, value in values.items()}
        loss = choice.function(near, target if target.dtype == torch.int64 else target.float(), **given)
        loss.sum().backward()
        assert near.grad is not None
        assert bool(torch.isfinite(loss).all())
        assert bool(torch.isfinite(near.grad).all())


def test_class_weights_and_smoothing_equal_torch() -> None:
    prediction, target, _ = inputs(losses["cross_entropy"], (50,))
    weight = torch.tensor([1.0, 2.0, 0.5, 3.0], dtype=torch.float64)
    ours = losses["cross_entropy"].function(prediction, target, class_weight=weight.unsqueeze(0), label_smoothing=0.1)
    torch.testing.assert_close(ours, f.cross_entropy(prediction, target, weight, reduction="none", label_smoothing=0.1))


def test_positive_weight_equals_torch() -> None:
    prediction, target, _ = inputs(losses["binary_cross_entropy"], (50,))
    weight = torch.tensor([[1.0, 3.0]], dtype=torch.float64)
    ours = losses["binary_cross_entropy"].function(prediction, target, pos_weight=weight)
    theirs = f.binary_cross_entropy_with_logits(
        prediction, target.double(), pos_weight=torch.tensor(3.0), reduction="none"
    )
    torch.testing.assert_close(ours, theirs)


def test_focal_weights_depend_on_the_class() -> None:
    prediction, target, values = inputs(losses["focal"], (50,))
    plain = losses["focal"].function(prediction, target, **values)
    alpha = torch.tensor([[1.0, 2.0, 3.0, 4.0]], dtype=torch.float64)
    weighted = losses["focal"].function(prediction, target, **{**values, "alpha": alpha})
    torch.testing.assert_close(weighted, plain * (target + 1))
    same = losses["focal"].function(prediction, target, **{**values, "gamma": 0.0})
    torch.testing.assert_close(same, f.cross_entropy(prediction, target, reduction="none"))


def test_hinge_equals_scikit_learn() -> None:
    prediction, target, _ = inputs(losses["hinge"], (50,))
    ours = losses["hinge"].function(prediction, target, margin=1.0).mean()
    assert ours.item() == pytest.approx(hinge_loss(target, prediction.detach(), labels=[0, 1, 2, 3]))


def test_hinge_looks_at_the_strongest_rival() -> None:
    prediction = torch.tensor([[2.0, 0.5, 1.8], [0.0, 5.0, 1.0]])
    loss = losses["hinge"].function(prediction, torch.tensor([0, 1]), margin=1.0)
    torch.testing.assert_close(loss, torch.tensor([0.8, 0.0]))
