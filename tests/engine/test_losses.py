"""Every loss, trained through the engine: predictions in the target's own unit, stacks equal to single trainings."""

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import TweedieRegressor

from tests.calls import parse_call
from tests.engine.make import classes, job, ledger, numbers, run, table, train
from tests.thinned import thinned
from xltrain.data.table import Table
from xltrain.engine.checkpoint import load_model, save_model
from xltrain.engine.plan import plan
from xltrain.errors import ConfigError, DataError, XltrainError
from xltrain.registry import losses


def counts(rows: int = 200, seed: int = 0) -> Table:
    """Counts whose mean is exp(1 + a / 2), many of them 0 where a is low."""
    rng = np.random.default_rng(seed)
    a = rng.normal(size=rows)
    return table({"a": a, "y": rng.poisson(np.exp(1 + a / 2)).astype(float)})


def grades(rows: int = 200, seed: int = 0) -> Table:
    rng = np.random.default_rng(seed)
    a = rng.normal(size=rows)
    grade = np.clip(np.round(2.5 + 1.3 * a + rng.normal(0, 0.4, rows)), 1, 4)
    return table({"a": a, "y": np.array(["1 low", "2 fair", "3 good", "4 best"])[grade.astype(int) - 1]})


def noisy(rows: int = 400, seed: int = 0) -> Table:
    """y is 20 a + 100; the noise is 2 where b is 0 and 20 where it is 1."""
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=rows), rng.integers(0, 2, rows)
    return table({"a": a, "b": b.astype(float), "y": 100 + 20 * a + rng.normal(size=rows) * np.where(b, 20, 2)})


def outputs_of_last(fitted: Any, data: Table) -> np.ndarray[Any, Any]:
    """The raw outputs of the model's first member: (rows, outputs)."""
    model = fitted.models["y"]
    found = []
    for column in range(model.outputs):
        link = f"quantiles:{column}"
        found.append(_with(model, link).predict(data).prediction)
    return np.stack(found, 1)


def _with(model: Any, link: str) -> Any:
    from dataclasses import replace

    return replace(model, link=link)


@pytest.mark.parametrize("loss", thinned(["poisson", "tweedie(power=1.2)", "tweedie(power=1.8)"]))
def test_the_mean_of_counts_is_found(loss: str) -> None:
    data = counts(600)
    fitted = train(data, job(run(loss=loss, model="linear", epochs=40, batch_size=32, optimizer="adamw(lr=5e-2)")))
    found = ledger(fitted)
    assert (found.prediction > 0).all()
    a = np.array(data.data.column("a").to_pylist())
    power = {"poisson": 1.0}.get(loss) or float(loss[-4:-1])
    for fold in range(3):
        held, rest = found.fold == fold, found.fold != fold
        theirs = TweedieRegressor(power=power, alpha=0, link="log").fit(a[rest, None], found.target[rest])
        apart = np.abs(np.log(found.prediction[held] / theirs.predict(a[held, None])))
        assert apart.mean() < 0.15  # stopping looks at some of the rows that theirs learns from
    slope = np.polyfit(a, np.log(found.prediction), 1)[0]
    assert slope == pytest.approx(0.5, abs=0.1)
    np.testing.assert_allclose(
        fitted.models["y"].predict(data).prediction.mean(), np.array(found.target).mean(), rtol=0.15
    )


def test_amounts_that_miss_by_percents() -> None:
    rng = np.random.default_rng(0)
    a = rng.normal(size=200)
    y = np.exp(3 + a) * rng.gamma(10, 0.1, 200)
    target = train(
        table({"a": a, "y": y}), job(run(loss="gamma", model="linear", epochs=60, optimizer="adamw(lr=3e-2)"))
    )
    np.testing.assert_allclose(ledger(target).prediction, np.exp(3 + a), rtol=0.3)


@pytest.mark.parametrize("loss", ["poisson", "gamma", "tweedie"])
def test_the_ledger_holds_the_deviance_of_what_is_shown(loss: str) -> None:
    """On the target divided by its mean over the dataset, for every fold alike."""
    from sklearn.metrics import mean_tweedie_deviance

    data = counts()
    if loss == "gamma":
        y = np.array(data.data.column("y").to_pylist()) + 1
        data = table({"a": data.data.column("a"), "y": y})
    found = ledger(train(data, job(run(loss=loss))))
    power = {"poisson": 1, "gamma": 2, "tweedie": 1.5}[loss]
    mean = found.target.mean()
    own = [
        mean_tweedie_deviance([y / mean], [p / mean], power=power)
        for y, p in zip(found.target, found.prediction, strict=True)
    ]
    np.testing.assert_allclose(found.loss, own, rtol=1e-8, atol=1e-12)


def test_quantiles_train_together_and_the_middle_one_is_shown(tmp_path: Path) -> None:
    data = noisy()
    asked = job(run(loss="pinball(0.9, 0.5, 0.1)", model="linear", epochs=40, optimizer="adamw(lr=3e-2)"))
    fitted = train(data, asked)
    found, outputs = ledger(fitted), outputs_of_last(fitted, data)
    assert np.mean(outputs[:, 0] > outputs[:, 1]) > 0.95
    assert np.mean(outputs[:, 1] > outputs[:, 2]) > 0.95
    assert np.mean(found.target < outputs[:, 0]) == pytest.approx(0.9, abs=0.06)
    assert np.mean(found.target < outputs[:, 2]) == pytest.approx(0.1, abs=0.06)
    model = fitted.models["y"]
    assert (model.link, model.outputs) == ("quantiles:1", 3)
    np.testing.assert_array_equal(model.predict(data).prediction, outputs[:, 1])
    assert np.corrcoef(found.prediction, found.target)[0, 1] > 0.7


def test_a_single_quantile_is_as_before() -> None:
    data = noisy(100)
    losses_ = [ledger(train(data, job(run(loss=loss)))).loss for loss in ("pinball(q=0.9)", "pinball(0.9)")]
    np.testing.assert_array_equal(*losses_)
    both = train(
        data, job(run("x", loss="pinball(q=0.9)"), run("y", loss="pinball(0.9)"), run("z", loss="pinball(0.2)"))
    )
    assert {each.members for each in both.result.targets[0].runs} == {3}


@pytest.mark.parametrize("loss", thinned(["gaussian_nll", "student_t_nll(df=30)"]))
def test_each_row_has_a_spread_of_its_own(loss: str) -> None:
    data = noisy()
    fitted = train(data, job(run(loss=loss, model="linear", epochs=40, optimizer="adamw(lr=3e-2)")))
    found, model = ledger(fitted), fitted.models["y"]
    assert (model.link, model.outputs) == ("gaussian", 2)
    assert np.corrcoef(found.prediction, found.target)[0, 1] > 0.75
    logs = (outputs_of_last(fitted, data)[:, 1] - model.means.mean()) / model.deviations.mean()
    width = np.exp(logs / 2) * model.deviations.mean()
    loud = np.array(data.data.column("b").to_pylist()) == 1
    assert np.median(width[loud]) == pytest.approx(20, rel=0.3)
    assert np.median(width[~loud]) == pytest.approx(2, rel=0.8)


def test_the_ledgers_density_is_of_the_target_standardised_over_the_dataset() -> None:
    """Rescaling the log of the squared width: the loss differs from each fold's own by the log of a factor."""
    data = noisy(120)
    fitted = train(data, job(run(loss="gaussian_nll", epochs=20), split=None))
    found, model = ledger(fitted), fitted.models["y"]
    middle, width = found.target.mean(), found.target.std()
    own = np.full(120, np.nan)
    for member in range(3):
        rows = np.flatnonzero(found.fold == member)
        one = _one(model, member)
        mean = _with(one, "quantiles:0").predict(data).prediction[rows]
        log = (_with(one, "quantiles:1").predict(data).prediction[rows] - one.means[0]) / one.deviations[0]
        spread = np.exp(log / 2) * one.deviations[0]
        np.testing.assert_allclose(mean, found.prediction[rows])
        own[rows] = -stats.norm.logpdf((found.target[rows] - middle) / width, (mean - middle) / width, spread / width)
    np.testing.assert_allclose(found.loss, own, atol=1e-3)


def _one(model: Any, member: int) -> Any:
    from dataclasses import replace

    one = slice(member, member + 1)
    return replace(
        model,
        weights=model.weights[one],
        buffers=model.buffers[one],
        states=model.states[one],
        means=model.means[one],
        deviations=model.deviations[one],
    )


@pytest.mark.parametrize("loss", thinned(["ordinal", "earth_mover"]))
def test_ordered_classes_are_found(loss: str) -> None:
    fitted = train(grades(), job(run(loss=loss, epochs=40)))
    found = ledger(fitted)
    assert found.probability is not None
    np.testing.assert_allclose(found.probability.sum(1), 1)
    assert np.mean(found.prediction == found.target) > 0.55
    assert np.mean(np.abs(found.prediction - found.target) <= 1) > 0.95
    assert any("1 low < 2 fair < 3 good < 4 best" in note for note in fitted.result.notes)
    if loss == "ordinal":
        own = -np.log(found.probability[np.arange(200), found.target.astype(int)])
        np.testing.assert_allclose(found.loss, own, rtol=1e-8)


@pytest.mark.parametrize(
    ("loss", "missing"),
    thinned(product(["ordinal", "earth_mover", "asymmetric"], ["1 low", "3 good", "4 best"]), every=4),
)
def test_a_class_never_seen_is_hardly_expected(loss: str, missing: str) -> None:
    data = grades(120)
    y = np.array(data.data.column("y").to_pylist())
    use = np.where(y == missing, "test", np.array(["train", "train", "valid", "test"] * 30))
    split = table({"a": data.data.column("a"), "y": y, "use": use})
    found = ledger(train(split, job(run(loss=loss, epochs=30), split=parse_call("splits", "column(use)"))))
    assert found.probability is not None
    scored = found.probability[found.scored_by > 0]
    assert scored[:, int(missing[0]) - 1].mean() < 1e-3


CLASSES = [
    "squared_hinge",
    "poly1",
    "asymmetric",
    "multilabel_soft_margin(class_weight=balanced)",
    "generalized_cross_entropy",
    "symmetric_cross_entropy",
    "bootstrapped(beta=0.8, soft=false)",
    "ordinal",
    "earth_mover",
]


@pytest.mark.parametrize("loss", thinned(CLASSES))
def test_classes_are_learned(loss: str) -> None:
    target = train(classes(), job(run(loss=loss, epochs=25)), "float32").result.targets[0]
    assert target.best.metrics["accuracy"].value > target.baselines["constant"]["accuracy"].value + 0.1
    assert target.ledger.probability is not None
    np.testing.assert_allclose(target.ledger.probability.sum(1), 1)


EVERY = {
    **dict.fromkeys(("poisson", "gamma", "tweedie"), counts),
    **{name: classes for name, choice in losses.items() if choice.facts["task"] == "classification"},
}
WRITTEN = {"pinball": ("pinball(0.1, 0.5)", "pinball(0.2, 0.9)")}


STACKED = thinned(sorted(set(losses) - {"binary_cross_entropy"}))


@pytest.mark.parametrize("name", STACKED)
def test_members_in_a_stack_equal_members_alone(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Also where a number of the loss differs between them; and the file gives back the same predictions."""
    data = EVERY.get(name, numbers)(60)
    if name == "gamma":
        data = table({"a": data.data.column("a"), "y": np.array(data.data.column("y").to_pylist()) + 1})
    number = next(iter(losses.call(name).numbers), "")
    other = f"{name}({number}={losses.call(name)[number] * 0.9})" if number and name not in WRITTEN else name
    pair = WRITTEN.get(name, (name, other if name != "tweedie" else "tweedie(power=1.3)"))
    asked = job(*(run(str(index), loss=loss, epochs=4) for index, loss in enumerate(pair)))
    together = train(data, asked)
    assert together.result.stacks == 1
    from xltrain.engine import fit as module

    monkeypatch.setattr(
        module, "plan", lambda members, *rest: [[member] for group in plan(members, *rest) for member in group]
    )
    apart = train(data, asked)
    assert apart.result.stacks == 6
    for one, two in zip(together.result.targets[0].runs, apart.result.targets[0].runs, strict=True):
        assert one.name == two.name
        np.testing.assert_allclose(one.curves.validation, two.curves.validation, rtol=1e-10)
    np.testing.assert_allclose(ledger(together).loss, ledger(apart).loss, rtol=1e-7, atol=1e-12)

    model = together.models["y"]
    save_model(tmp_path / "m.safetensors", model)
    said, read = model.predict(data), load_model(tmp_path / "m.safetensors").predict(data)
    np.testing.assert_array_equal(said.prediction, read.prediction)


def test_each_part_of_a_sum_has_curves_and_a_column() -> None:
    one = run(loss="0.7*mse + 0.3*pinball(q=0.9)", epochs=5)
    fitted = train(numbers(60), job(one, run("plain", epochs=5)))
    target = fitted.result.targets[0]
    runs = {each.name: each for each in target.runs}
    assert not runs["plain"].curves.parts
    curves = runs["one"].curves
    assert list(curves.parts) == ["mse", "pinball(q=0.9)"]
    for index, total in enumerate((curves.training, curves.validation)):
        mse, pinball = (pair[index] for pair in curves.parts.values())
        np.testing.assert_allclose(0.7 * mse + 0.3 * pinball, total, rtol=1e-10)
    alone = ledger(train(numbers(60), job(one)))
    assert list(alone.parts) == ["mse", "pinball(q=0.9)"]
    np.testing.assert_allclose(0.7 * alone.parts["mse"] + 0.3 * alone.parts["pinball(q=0.9)"], alone.loss)
    own = np.square((alone.prediction - alone.target) / alone.target.std())
    np.testing.assert_allclose(alone.parts["mse"], own, rtol=1e-8)


def test_a_run_with_and_one_without_parts_stay_apart_and_equal() -> None:
    plain = ledger(train(numbers(60), job(run(loss="mse"))))
    doubled = ledger(train(numbers(60), job(run(loss="0.5*mse + 0.5*mse"))))
    np.testing.assert_allclose(plain.loss, doubled.loss, rtol=1e-8)
    assert list(doubled.parts) == ["mse"]


def amounts(*worst: float) -> Table:
    rng = np.random.default_rng(0)
    y = rng.gamma(2, 3, 60)
    y[10 : 10 + len(worst)] = worst
    return table({"a": rng.normal(size=60), "y": y})


@pytest.mark.parametrize(
    ("data", "loss", "error", "said"),
    [
        (amounts(-1, -3), "poisson", DataError, ["!B13", "poisson", "-3", ": 2;", "mse"]),
        (amounts(-1), "tweedie", DataError, ["!B12", "tweedie", "-1"]),
        (amounts(0.0), "gamma", DataError, ["!B12", "gamma", "above 0", "tweedie"]),
        (amounts(), "gaussian_nll + mse", ConfigError, ["gaussian_nll", "mse", "student_t_nll"]),
        (amounts(), "mse + poisson", ConfigError, ["mse", "poisson", "huber"]),
        (amounts(), "pinball(0.1, 0.9) + pinball(0.2, 0.8)", ConfigError, ["pinball(0.1, 0.9)"]),
        (classes(60), "ordinal + cross_entropy", ConfigError, ["ordinal", "cross_entropy"]),
        (classes(60), "asymmetric + cross_entropy", ConfigError, ["multilabel_soft_margin"]),
        (table({"a": np.arange(60.0), "y": ["no", "yes"] * 30}), "ordinal", ConfigError, ["ordinal", "3"]),
    ],
)
def test_what_a_loss_cannot_take_is_said(data: Table, loss: str, error: type[XltrainError], said: list[str]) -> None:
    with pytest.raises(error) as caught:
        train(data, job(run(loss=loss)))
    assert len(caught.value.problems) == 1
    assert all(word in str(caught.value) for word in said), str(caught.value)


def test_values_may_be_zero_where_a_loss_allows_it() -> None:
    train(amounts(0.0, 0.0), job(run(loss="poisson + tweedie", epochs=2)))
