"""Nine targets of ten lie in their interval, whatever the model; no row has a say in its own."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.engine import make
from xltrain.choices.losses.likelihood import FLOOR
from xltrain.data.table import Table
from xltrain.engine.checkpoint import load_model, save_model
from xltrain.engine.conformal import SPREAD, Interval, interval_of, with_intervals, with_margin
from xltrain.engine.result import Ledger


def made(rows: int, seed: int, kind: str, folds: int = 5) -> Ledger:
    """Predictions of folds that miss by a noise of some kind."""
    rng = np.random.default_rng(seed)
    true = rng.normal(0, 3, rows)
    width = np.exp(true / 3) if kind == "uneven" else np.ones(rows)
    noise = {
        "normal": rng.normal(0, 1, rows),
        "skewed": rng.exponential(1, rows),
        "heavy": rng.standard_t(2, rows),
        "uneven": width * rng.normal(0, 1, rows),
        "quantiles": rng.normal(0, 1, rows),
    }[kind]
    extra = {"uneven": {SPREAD: width * 0.3}, "quantiles": {"quantile 0.9": true + 0.3, "quantile 0.2": true - 0.1}}
    fold = rng.integers(0, folds, rows).astype(np.int32)
    none = np.full(rows, np.nan)
    bias = fold * 0.05  # no two members are alike
    return Ledger(true + noise, true + bias, none, none, none, fold, np.ones(rows, np.int32), extra=extra.get(kind, {}))


@pytest.mark.parametrize("kind", ["normal", "skewed", "heavy", "uneven", "quantiles"])
@pytest.mark.parametrize("folds", [5, 1])
def test_nine_of_ten_lie_inside(kind: str, folds: int) -> None:
    inside, new = [], []
    for seed in range(40):
        found = with_intervals(made(200, seed, kind, folds))
        inside.append(np.mean((found.low <= found.target) & (found.target <= found.high)))
        more = made(200, seed + 1000, kind, folds)
        low, high = interval_of(found).around(more.prediction, more.extra)
        new.append(np.mean((low <= more.target) & (more.target <= high)))
    assert 0.88 < np.mean(inside) < 0.93
    assert 0.88 < np.mean(new) < 0.93


def test_a_trained_model_keeps_its_word() -> None:
    inside, new = [], []
    for seed in range(5):
        data = make.numbers(200, seed, noise=20)
        fitted = make.train(data, make.job(folds=5))
        found = make.ledger(fitted)
        inside.append(np.mean((found.low <= found.target) & (found.target <= found.high)))
        other = make.numbers(400, seed + 100, noise=20)
        told = fitted.models["y"].predict(other, "cpu")
        assert told.low is not None
        assert told.high is not None
        y = np.array(other.data.column("y").to_pylist())
        new.append(np.mean((told.low <= y) & (y <= told.high)))
    assert 0.88 < np.mean(inside) < 0.93
    assert 0.87 < np.mean(new) < 0.95


def test_a_row_has_no_say_in_its_own_interval() -> None:
    one = made(100, 0, "normal")
    target = one.target.copy()
    target[7] += 1e6
    own = one.fold == one.fold[7]
    before, after = with_intervals(one), with_intervals(replace(one, target=target))
    np.testing.assert_array_equal(before.low[own], after.low[own])
    np.testing.assert_array_equal(before.high[own], after.high[own])
    assert (before.high[~own] != after.high[~own]).any()


def test_too_few_rows_give_no_interval() -> None:
    found = with_intervals(made(20, 0, "normal"))
    assert np.isnan(found.low).all()
    assert np.isfinite(with_intervals(made(40, 0, "normal")).low).all()


def test_rows_that_nobody_scored_have_none() -> None:
    one = made(100, 0, "normal")
    scored = np.where(np.arange(100) < 5, 0, 1).astype(np.int32)
    prediction = np.where(scored, one.prediction, np.nan)
    fold = np.where(scored, one.fold, -1).astype(np.int32)
    found = with_intervals(replace(one, scored_by=scored, prediction=prediction, fold=fold))
    np.testing.assert_array_equal(np.isnan(found.high), scored == 0)


def test_what_cannot_be_below_zero_is_not() -> None:
    found = make.train(_positive(), make.job(make.run(loss="gamma", epochs=3), folds=5))
    told = make.ledger(found)
    assert (told.low >= 0).all()
    predicted = found.models["y"].predict(_positive(), "cpu")
    assert predicted.low is not None
    assert (predicted.low >= 0).all()


def _positive() -> Table:
    rng = np.random.default_rng(0)
    a = rng.normal(size=100)
    return make.table({"a": a, "y": np.exp(a + rng.normal(0, 1, 100))})


def test_margin_is_the_lead_of_the_rows_own_class() -> None:
    shares = np.array([[0.7, 0.2, 0.1], [0.3, 0.6, 0.1], [0.5, 0.3, 0.2], [np.nan] * 3])
    none, scored = np.full(4, np.nan), np.array([1, 1, 1, 0], np.int32)
    one = Ledger(np.array([0.0, 0, -1, 1]), none, none, none, none, np.zeros(4, np.int32), scored, shares)
    np.testing.assert_allclose(with_margin(one).margin, [0.5, -0.3, np.nan, np.nan])


@pytest.mark.parametrize("loss", ["gaussian_nll", "student_t_nll(df=3)", "pinball(0.1, 0.5, 0.9)"])
def test_what_a_loss_predicts_besides_is_kept(loss: str, tmp_path: Path) -> None:
    data = make.numbers(200, noise=20)
    fitted = make.train(data, make.job(make.run(loss=loss, epochs=20), folds=4))
    found, model = make.ledger(fitted), fitted.models["y"]
    save_model(tmp_path / "m.safetensors", model)
    told, read = model.predict(data, "cpu"), load_model(tmp_path / "m.safetensors").predict(data, "cpu")
    names = ["predicted spread"] if "nll" in loss else ["quantile 0.1", "quantile 0.5", "quantile 0.9"]
    assert list(found.extra) == names == list(told.extra) == list(read.extra)
    for name in names:
        np.testing.assert_array_equal(told.extra[name], read.extra[name])
    if "nll" in loss:
        assert 8 < np.median(found.extra[SPREAD]) < 60  # about the noise, in the target's own unit
    else:
        np.testing.assert_array_equal(found.extra["quantile 0.5"], found.prediction)
        assert np.mean(found.target > found.extra["quantile 0.9"]) < 0.3
        assert np.mean(found.extra["quantile 0.9"] > found.extra["quantile 0.1"]) > 0.9
    assert 0.85 < np.mean((found.low <= found.target) & (found.target <= found.high)) < 0.95


def test_the_spread_is_what_the_outputs_mean() -> None:
    from xltrain.engine.evaluate import extras

    output = torch.tensor([[0.5, 0.0], [0.1, 2.0]], dtype=torch.float64)
    found = extras(output, "gaussian", (SPREAD,), 10.0, 4.0)
    np.testing.assert_allclose(found[SPREAD], 4 * np.sqrt(np.exp([0.0, 2.0]) + FLOOR))
    found = extras(output, "quantiles:0", ("quantile 0.2", "quantile 0.8"), 10.0, 4.0)
    np.testing.assert_allclose(found["quantile 0.8"], [10.0, 18.0])


def test_a_model_of_before_knows_no_interval(tmp_path: Path) -> None:
    model = replace(make.train(make.numbers(60), make.job()).models["y"], interval=None)
    save_model(tmp_path / "m.safetensors", model)
    told = load_model(tmp_path / "m.safetensors").predict(make.numbers(5), "cpu")
    assert told.low is None
    assert told.high is None


@pytest.mark.parametrize("interval", [Interval(-1.5, 2.0), Interval(float("nan"), float("nan"), 0.0)])
def test_intervals_survive_the_file(interval: Interval, tmp_path: Path) -> None:
    model = replace(make.train(make.numbers(60), make.job()).models["y"], interval=interval)
    save_model(tmp_path / "m.safetensors", model)
    again = load_model(tmp_path / "m.safetensors").interval
    assert again is not None
    np.testing.assert_array_equal(list(vars(again).values()), list(vars(interval).values()))
