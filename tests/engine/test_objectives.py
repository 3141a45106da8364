"""Objectives: against independent computations, stacked against single, and through a whole fit."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from sklearn.metrics import f1_score

from tests.calls import parse_call
from tests.engine.make import classes, job, ledger, numbers, run, table, train
from tests.engine.test_stack import CLASSES, CPU, ROWS, arrays, assert_alike, member, trained
from xltrain.choices.objectives import Given
from xltrain.engine.plan import plan
from xltrain.engine.pool import log_shares
from xltrain.engine.stack import Stack
from xltrain.errors import ConfigError
from xltrain.registry import Call

CLASS_OBJECTIVES = ["soft_f1", "soft_f1(macro)", "dice(smooth=0.3)", "trades(0.2, 3, steps=2)"]
RNG = np.random.default_rng(4)


def objective(cell: str) -> Call:
    return parse_call("objectives", cell)


def given(logits: np.ndarray, target: np.ndarray, weight: np.ndarray) -> Given:
    """One member's batch, for objectives that look at no model."""
    own, label = torch.from_numpy(logits)[None], torch.from_numpy(target)[None]
    even = torch.zeros(1, len(target), dtype=torch.float64)
    return Given(own, label, even, torch.from_numpy(weight)[None], own, no, no, lambda z: torch.log_softmax(z, -1), ())


def no(*_: Any) -> torch.Tensor:
    raise AssertionError("not the model's")


@pytest.mark.parametrize("objective_of", CLASS_OBJECTIVES)
@pytest.mark.parametrize("more", [{}, {"accumulate": 2, "batch_size": 9}, {"batch_size": 0, "sam": 0.05}])
def test_stacked_members_equal_single_ones(objective_of: str, more: dict[str, Any]) -> None:
    data = arrays(CLASSES, RNG.uniform(0.5, 3, ROWS))
    asked = run(loss="0.5*cross_entropy + 0.5*focal", objective=objective(objective_of), epochs=4, **more)
    members = [member(asked, fold, fold, CLASSES, data=data) for fold in range(3)]
    for stacked, each in zip(trained(members, data), members, strict=True):
        (alone,) = trained([each], data)
        assert_alike(stacked, alone)
        assert len(stacked.parts) == 2


@pytest.mark.parametrize("model", ["mlp(8)", "mlp(8, norm=batch)", "tabm(8, k=3, dropout=0)"])
def test_numbers_of_an_objective_may_differ_between_members(model: str) -> None:
    data = arrays()
    cells = ("trades(epsilon=0.1, beta=6, steps=3)", "trades(epsilon=0.3, beta=1, steps=3)")
    members = [member(run(model=model, objective=objective(cell), epochs=3)) for cell in cells]
    assert len(plan(members, 4, "cpu")) == 1
    for stacked, each in zip(trained(members, data), members, strict=True):
        (alone,) = trained([each], data)
        assert stacked.weights is not None
        assert alone.weights is not None
        torch.testing.assert_close(stacked.weights, alone.weights, rtol=1e-8, atol=1e-8)
    other = member(run(objective=objective("trades(steps=4)")))
    assert len(plan([members[0], other, member(run())], 4, "cpu")) == 3


@pytest.mark.parametrize(("labels", "average"), [(2, "binary"), (2, "macro"), (4, "macro")])
def test_soft_f1_of_certain_answers_is_f1(labels: int, average: str) -> None:
    wanted, said = RNG.integers(0, labels, (2, 200))
    logits = np.where(np.eye(labels)[said] > 0, 500.0, -500.0)
    value = objective(f"soft_f1({average})").apply(given(logits, wanted, np.ones(200)))
    assert float(value) == pytest.approx(1 - f1_score(wanted, said, average=average), abs=1e-12)


def test_soft_f1_and_dice_follow_their_formulas() -> None:
    logits, wanted, weight = RNG.normal(size=(50, 3)), RNG.integers(0, 3, 50), RNG.uniform(0, 2, 50)
    share = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    f1, overlap = [], []
    for label in range(3):
        p, y = share[:, label], (wanted == label).astype(float)
        hit, over, under = (weight * p * y).sum(), (weight * p * (1 - y)).sum(), (weight * (1 - p) * y).sum()
        f1.append(2 * hit / (2 * hit + over + under))
        overlap.append((2 * hit + 0.7) / ((weight * p * p).sum() + (weight * y).sum() + 0.7))
    found = given(logits, wanted, weight)
    assert float(objective("soft_f1").apply(found)) == pytest.approx(1 - np.mean(f1), abs=1e-12)
    assert float(objective("dice(smooth=0.7)").apply(found)) == pytest.approx(1 - np.mean(overlap), abs=1e-12)


@pytest.mark.parametrize("cell", ["soft_f1", "dice"])
@pytest.mark.parametrize("scale", [0.0, 1e4])
@pytest.mark.parametrize("positive", [0, 1])
def test_gradients_stay_finite_without_positives_and_at_extremes(cell: str, scale: float, positive: int) -> None:
    logits = torch.full((1, 4, 2), scale, dtype=torch.float64).cumsum(-1).requires_grad_(True)
    label, even = torch.zeros(1, 4, dtype=torch.int64), torch.ones(1, 4, dtype=torch.float64)
    label[0, :positive] = 1
    look = Given(logits, label, even, even, logits, no, no, lambda z: torch.log_softmax(z, -1), ())
    objective(cell).apply(look).sum().backward()
    assert logits.grad is not None
    assert bool(logits.grad.isfinite().all())


@pytest.mark.parametrize("link", ["sigmoid", "softmax", "sigmoids", "corn"])
def test_log_shares_are_the_logs_of_what_is_predicted(link: str) -> None:
    from xltrain.engine.evaluate import to_values

    output = torch.from_numpy(RNG.normal(size=(9, 1 if link == "sigmoid" else 3)))
    np.testing.assert_allclose(log_shares(output, link).exp(), to_values(output, link, 0, 1, None), rtol=1e-12)


def test_trades_of_a_linear_model_is_known() -> None:
    """The worst move goes against every weight: the square of epsilon times their sum."""
    data = arrays()
    one = member(run(model="linear", objective=objective("trades(epsilon=0.2, beta=3)")))
    plain = member(run(model="linear"))
    robust, usual = (Stack([each], data, CPU, torch.float64) for each in (one, plain))
    weights = robust.layout.views(robust.weights)
    slope = next(value for name, value in weights.items() if name.endswith("weight"))
    worst = (0.2 * slope.abs().sum()) ** 2
    found = robust.validate()
    assert float(found[0, 0]) == pytest.approx(float(usual.validate()[0, 0] + 3 * worst), rel=1e-12)
    assert float(found[0, 1]) == pytest.approx(float(usual.validate()[0, 0]), rel=1e-12)


def test_trades_moves_numbers_alone() -> None:
    seen: list[torch.Tensor] = []

    def look(x: torch.Tensor, quiet: bool) -> torch.Tensor:
        seen.append(x.detach())
        return x.sum(-1, keepdim=True)

    x = torch.from_numpy(RNG.normal(size=(1, 5, 3)))
    even = torch.ones(1, 5, dtype=torch.float64)
    found = Given(x, even, even, even, look(x, False), look, lambda z: z.squeeze(-1).square(), None, (0, 2))
    objective("trades(epsilon=0.5)").apply(found)
    moved = (seen[-1] - x).abs()
    np.testing.assert_allclose(moved[0, :, [0, 2]], 0.5)
    assert not moved[..., 1].any()


def rare(rows: int = 400) -> Any:
    rng = np.random.default_rng(2)
    yes = rng.uniform(size=rows) < 0.08
    return table({"a": rng.normal(yes * 2.2, 1), "b": rng.normal(yes * -1.5, 1), "y": np.array(["no", "yes"])[yes * 1]})


@pytest.mark.parametrize("cell", ["soft_f1", "dice"])
def test_rare_positives_are_found(cell: str) -> None:
    asked = run(loss="cross_entropy", objective=objective(cell), epochs=25, optimizer="adamw(lr=3e-2)", batch_size=64)
    fitted = train(rare(), job(asked, metric="f1"))
    (found,) = fitted.result.targets
    assert found.best.metrics["f1"].value > 0.65
    assert list(found.best.curves.parts) == ["cross_entropy"]
    assert found.best.curves.validation[-1] < found.best.curves.validation[0] < 1
    # The ledger's loss is the run's own: minus the log of the right class's probability.
    kept = found.ledger
    assert kept.probability is not None
    own = kept.probability[np.arange(400), kept.target.astype(int)]
    np.testing.assert_allclose(kept.loss, -np.log(own), rtol=1e-6, atol=1e-9)


def test_trades_learns_and_is_steadier() -> None:
    data = classes(150)
    runs = [run(name, loss="cross_entropy", epochs=25, keep=True) for name in ("plain", "steady")]
    runs[1] = run("steady", loss="cross_entropy", epochs=25, keep=True, objective=objective("trades(0.5, 10, steps=4)"))
    fitted = train(data, job(*runs))
    models = {model.run: model for model in (*fitted.models.values(), *fitted.kept)}
    near = {"a": np.linspace(-2, 6, 40), "b": np.zeros(40)}
    far = {"a": near["a"] + 0.5, "b": near["b"]}
    drift = {}
    for name, model in models.items():
        one, other = (model.predict(table(each)).probability for each in (near, far))
        assert one is not None
        assert other is not None
        drift[name] = np.abs(one - other).mean()
    assert drift["steady"] < 0.9 * drift["plain"]
    steady = next(each for each in fitted.result.targets[0].runs if each.name == "steady")
    assert steady.metrics["accuracy"].value > 0.75


@pytest.mark.usefixtures("folds_by_place")
@pytest.mark.parametrize("cell", ["soft_f1", "trades(steps=2)"])
def test_held_out_rows_have_no_influence(cell: str) -> None:
    data = classes(90)
    values = {name: np.array(data.data.column(name).to_pylist()) for name in data.names}
    asked = job(run(loss="cross_entropy", objective=objective(cell), patience=2, epochs=4))

    def weights(fold: int = -1) -> Any:
        changed = {name: column.copy() for name, column in values.items()}
        for name in ("a", "b") if fold >= 0 else ():
            changed[name][folds == fold] *= -3
        fitted = train(table({name: pa.array(column) for name, column in changed.items()}), asked, "float32")
        return fitted, fitted.models["y"].weights

    before, plain = weights()
    folds = ledger(before).fold
    for fold in range(3):
        same = [bool((one == other).all()) for one, other in zip(plain, weights(fold)[1], strict=True)]
        assert same == [each == fold for each in range(3)]


def test_an_objective_that_does_not_fit_is_one_line() -> None:
    with pytest.raises(ConfigError, match="soft_f1 is for classification, and 'y' is regression"):
        train(numbers(), job(run(objective=objective("soft_f1"))))
    words = table({"kind": RNG.choice(["u", "v"], 60), "y": RNG.normal(size=60)})
    with pytest.raises(ConfigError, match="trades moves numeric features, and there is none"):
        train(words, job(run(objective=objective("trades"))))
