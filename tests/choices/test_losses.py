"""One number per sample, equal to the reference where there is one."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.metrics import hinge_loss, mean_pinball_loss, mean_tweedie_deviance
from torch.nn import functional as f

import xltrain.choices  # noqa: F401
from xltrain.engine.evaluate import to_values
from xltrain.registry import Choice, ClassWeights, losses

LOSSES = list(losses.values())
Tensor = torch.Tensor


SIGNED = {"gaussian_nll", "student_t_nll"}  # minus the log of a density, which may exceed 1
QUANTILES = (0.1, 0.5, 0.9)


def inputs(choice: Choice, shape: tuple[int, ...], size: float = 1.0) -> tuple[Tensor, Tensor, dict[str, Any]]:
    """Prediction, target and defaults as the engine hands them over; quantiles stand under `several`."""
    generator = torch.Generator().manual_seed(0)
    facts = choice.facts
    widths = {"one": (), "two": (2,), "classes": (4,), "cuts": (3,), "each": (3,)}
    prediction = torch.randn(*shape, *widths[facts["outputs"]], generator=generator, dtype=torch.float64) * size
    if facts["task"] == "classification":
        target = torch.randint(0, count(choice), shape, generator=generator)
    else:
        target = torch.randn(shape, generator=generator, dtype=torch.float64) * size
        target = target.abs() if "target" in facts else target
    values: dict[str, Any] = {
        parameter.name: torch.ones(*([1] * (len(shape) - 1)), 1, count(choice), dtype=torch.float64)
        if parameter.type is ClassWeights
        else parameter.default
        for parameter in choice.parameters
        if not parameter.many
    }
    if facts["outputs"] == "each":
        values["several"] = list(QUANTILES)
    return prediction.requires_grad_(), target, values


def count(choice: Choice) -> int:
    return 2 if choice.facts["outputs"] == "one" else 4


def give(choice: Choice, prediction: Tensor, target: Tensor, values: dict[str, Any]) -> Tensor:
    named = {name: value for name, value in values.items() if name != "several"}
    loss: Tensor = choice.function(prediction, target, *values.get("several", ()), **named)
    return loss


@pytest.mark.parametrize("choice", LOSSES, ids=lambda choice: choice.name)
@pytest.mark.parametrize("shape", [(5,), (3, 5)])
def test_gives_one_finite_number_per_sample(choice: Choice, shape: tuple[int, ...]) -> None:
    for size in (1.0, 1e4):
        prediction, target, values = inputs(choice, shape, size)
        loss = give(choice, prediction, target, values)
        assert loss.shape == shape
        loss.sum().backward()
        assert prediction.grad is not None
        assert bool(torch.isfinite(loss).all())
        assert bool(torch.isfinite(prediction.grad).all())
        assert choice.name in SIGNED or bool((loss >= 0).all())


REFERENCES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "mse": lambda p, y: f.mse_loss(p, y, reduction="none"),
    "mae": lambda p, y: f.l1_loss(p, y, reduction="none"),
    "huber": lambda p, y: f.huber_loss(p, y, reduction="none"),
    "log_cosh": lambda p, y: torch.log(torch.cosh(p - y)),
    "pinball": lambda p, y: (
        sum(torch.maximum(q * (y - p[:, i]), (q - 1) * (y - p[:, i])) for i, q in enumerate(QUANTILES)) / 3
    ),  # type: ignore[return-value]
    "smooth_l1": lambda p, y: f.smooth_l1_loss(p, y, reduction="none"),
    "poisson": lambda p, y: 2 * (f.poisson_nll_loss(p, y, reduction="none") - y + torch.xlogy(y, y)),
    "multilabel_soft_margin": lambda p, y: f.multilabel_soft_margin_loss(p, f.one_hot(y, 4), reduction="none"),
    "squared_hinge": lambda p, y: losses["hinge"].function(p, y).square(),
    "poly1": lambda p, y: f.cross_entropy(p, y, reduction="none") + 1 - p.softmax(-1)[torch.arange(len(y)), y],
    "cross_entropy": lambda p, y: f.cross_entropy(p, y, reduction="none"),
    "binary_cross_entropy": lambda p, y: f.binary_cross_entropy_with_logits(p, y.double(), reduction="none"),
}


@pytest.mark.parametrize("name", sorted(REFERENCES))
def test_equals_the_reference(name: str) -> None:
    prediction, target, values = inputs(losses[name], (50,))
    torch.testing.assert_close(give(losses[name], prediction, target, values), REFERENCES[name](prediction, target))


@pytest.mark.parametrize("delta", [0.1, 0.5, 3.0])
def test_huber_equals_torch_for_every_delta(delta: float) -> None:
    prediction, target, _ = inputs(losses["huber"], (50,), 2.0)
    theirs = f.huber_loss(prediction, target, delta=delta, reduction="none")
    torch.testing.assert_close(losses["huber"].function(prediction, target, delta=delta), theirs)


@pytest.mark.parametrize("q", QUANTILES)
def test_pinball_equals_scikit_learn(q: float) -> None:
    prediction, target, _ = inputs(losses["mse"], (50,))
    theirs = pytest.approx(mean_pinball_loss(target, prediction.detach(), alpha=q))
    assert losses["pinball"].function(prediction, target, q=q).mean().item() == theirs
    assert losses["pinball"].function(prediction, target, q).mean().item() == theirs


@pytest.mark.parametrize("beta", [0.1, 0.5, 3.0])
def test_smooth_l1_equals_torch_for_every_beta(beta: float) -> None:
    prediction, target, _ = inputs(losses["smooth_l1"], (50,), 2.0)
    theirs = f.smooth_l1_loss(prediction, target, beta=beta, reduction="none")
    torch.testing.assert_close(losses["smooth_l1"].function(prediction, target, beta=beta), theirs)


@pytest.mark.parametrize("tau", [0.1, 0.5, 0.9])
def test_the_least_expectile_loss_is_at_scipys_expectile(tau: float) -> None:
    _, target, _ = inputs(losses["mse"], (200,))
    guess = torch.tensor(float(stats.expectile(target.numpy(), tau)), dtype=torch.float64, requires_grad=True)
    loss = losses["expectile"].function(guess, target, tau=tau)
    (grad,) = torch.autograd.grad(loss.sum(), guess)
    assert abs(grad.item()) < 1e-9
    if tau == 0.5:
        torch.testing.assert_close(loss, losses["mse"].function(guess, target))


@pytest.mark.parametrize(("name", "power"), [("poisson", 1), ("gamma", 2), ("tweedie", 1.1), ("tweedie", 1.9)])
def test_deviances_equal_scikit_learn(name: str, power: float) -> None:
    prediction, target, _ = inputs(losses[name], (50,))
    given = {"power": power} if name == "tweedie" else {}
    if name != "gamma":
        target[:10] = 0
    ours = losses[name].function(prediction, target, **given).mean().item()
    theirs = mean_tweedie_deviance(target, prediction.detach().exp(), power=power)
    assert ours == pytest.approx(theirs)


def test_log_densities_equal_scipy() -> None:
    prediction, target, _ = inputs(losses["gaussian_nll"], (50,))
    middle, width = prediction[:, 0].detach().numpy(), np.sqrt(np.exp(prediction[:, 1].detach().numpy()) + 1e-6)
    ours = losses["gaussian_nll"].function(prediction, target).detach().numpy()
    np.testing.assert_allclose(ours, -stats.norm.logpdf(target, middle, width), rtol=1e-10)
    for df in (0.5, 4.0, 30.0):
        ours = losses["student_t_nll"].function(prediction, target, df=df).detach().numpy()
        np.testing.assert_allclose(ours, -stats.t.logpdf(target, df, middle, width), rtol=1e-10)


def test_a_row_hit_exactly_keeps_a_least_width() -> None:
    prediction = torch.tensor([[0.0, -50.0]], requires_grad=True)
    loss = losses["gaussian_nll"].function(prediction, torch.zeros(1))
    assert loss.item() == pytest.approx((math.log(2 * math.pi) + math.log(1e-6)) / 2, rel=1e-5)


@pytest.mark.parametrize("choice", LOSSES, ids=lambda choice: choice.name)
def test_a_number_may_differ_between_members(choice: Choice) -> None:
    """Hyperparameters (members, 1), or (members, 1, classes), give what each member's own gives alone."""
    prediction, target, values = inputs(choice, (2, 6))
    own: list[dict[str, Any]] = [dict(values), dict(values)]
    for name, value in values.items():
        if isinstance(value, Tensor):
            values[name] = torch.linspace(0.3, 0.9, 2 * count(choice)).double().view(2, 1, -1)
            parts: list[Any] = list(values[name])
        elif name == "several":
            values[name] = [torch.tensor([[each], [each / 2]], dtype=torch.float64) for each in value]
            parts = [list(value), [each / 2 for each in value]]
        elif isinstance(value, float):
            values[name] = torch.tensor([[0.3], [0.9]], dtype=torch.float64)
            parts = [0.3, 0.9]
        else:  # structure: the same for all
            parts = [value, value]
        for given, part in zip(own, parts, strict=True):
            given[name] = part
    together = give(choice, prediction, target, values)
    for member in range(2):
        alone = give(choice, prediction[member], target[member], own[member])
        torch.testing.assert_close(alone, together[member], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("choice", LOSSES, ids=lambda choice: choice.name)
def test_single_precision_stays_finite_far_out(choice: Choice) -> None:
    for size in (1e6, 1e-30):
        prediction, target, values = inputs(choice, (64,), size)
        near = prediction.detach().float().requires_grad_()
        given = {name: value.float() if isinstance(value, Tensor) else value for name, value in values.items()}
        loss = give(choice, near, target if target.dtype == torch.int64 else target.float(), given)
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


def test_asymmetric_equals_a_plain_loop() -> None:
    prediction, target, _ = inputs(losses["asymmetric"], (20,))
    for plus, minus, clip in ((1.0, 4.0, 0.05), (0.0, 0.0, 0.0), (2.0, 0.5, 0.3)):
        ours = losses["asymmetric"].function(prediction, target, gamma_pos=plus, gamma_neg=minus, clip=clip)
        for row, label in enumerate(target.tolist()):
            theirs = 0.0
            for index, logit in enumerate(prediction[row].tolist()):
                p = 1 / (1 + math.exp(-logit))
                q = max(p - clip, 0)
                theirs -= (1 - p) ** plus * math.log(p) if index == label else q**minus * math.log(1 - q)
            assert ours[row].item() == pytest.approx(theirs)


def test_generalized_cross_entropy_lies_between_its_ends() -> None:
    prediction, target, _ = inputs(losses["generalized_cross_entropy"], (50,))
    p = prediction.softmax(-1)[torch.arange(50), target]
    for q in (0.3, 0.7, 1.0):
        ours = losses["generalized_cross_entropy"].function(prediction, target, q=q)
        torch.testing.assert_close(ours, (1 - p**q) / q)
    ours = losses["generalized_cross_entropy"].function(prediction, target, q=1e-9)
    torch.testing.assert_close(ours, -p.log(), rtol=1e-6, atol=1e-6)


def test_symmetric_cross_entropy_equals_both_sums() -> None:
    prediction, target, _ = inputs(losses["symmetric_cross_entropy"], (50,))
    p, label = prediction.softmax(-1), f.one_hot(target, 4)
    reverse = -(p * torch.where(label > 0, 0.0, -4.0)).sum(-1)
    ours = losses["symmetric_cross_entropy"].function(prediction, target, alpha=0.3, beta=2.0)
    torch.testing.assert_close(ours, 0.3 * f.cross_entropy(prediction, target, reduction="none") + 2 * reverse)


@pytest.mark.parametrize("soft", [True, False])
def test_bootstrapped_equals_cross_entropy_against_the_mix(soft: bool) -> None:
    prediction, target, _ = inputs(losses["bootstrapped"], (50,))
    p = prediction.softmax(-1)
    mix = 0.8 * f.one_hot(target, 4) + 0.2 * (p if soft else f.one_hot(p.argmax(-1), 4))
    ours = losses["bootstrapped"].function(prediction, target, beta=0.8, soft=soft)
    torch.testing.assert_close(ours, f.cross_entropy(prediction, mix, reduction="none"))


def test_ordinal_equals_corn_as_its_authors_sum_it() -> None:
    """The sum over samples, task by task on the samples that have come so far, as coral-pytorch's corn_loss."""
    prediction, target, _ = inputs(losses["ordinal"], (50,))
    total = torch.zeros((), dtype=torch.float64)
    for task in range(3):
        asked = target >= task
        label = (target[asked] > task).double()
        logit = prediction[asked, task]
        total -= (f.logsigmoid(logit) * label + (f.logsigmoid(logit) - logit) * (1 - label)).sum()
    torch.testing.assert_close(losses["ordinal"].function(prediction, target).sum(), total)


def test_ordinal_is_minus_the_log_of_the_probability_shown() -> None:
    prediction, target, _ = inputs(losses["ordinal"], (50,))
    probability = to_values(prediction.detach(), "corn", 0.0, 1.0, None)
    np.testing.assert_allclose(probability.sum(1), 1)
    ours = losses["ordinal"].function(prediction, target).detach().numpy()
    np.testing.assert_allclose(ours, -np.log(probability[np.arange(50), target]))


def test_earth_mover_equals_scipys_distance_between_steps() -> None:
    prediction, target, _ = inputs(losses["earth_mover"], (20,))
    ours = losses["earth_mover"].function(prediction, target)
    for row, label in enumerate(target.tolist()):
        p = prediction[row].detach().softmax(-1).numpy()
        # scipy's energy distance is the root of twice the squared difference of the distributions.
        theirs = stats.energy_distance(range(4), [label], p) ** 2 / 2
        assert ours[row].item() == pytest.approx(theirs)
