"""Held-out rows have no influence on the model that scores them."""

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.calls import parse_call
from tests.engine.make import job, ledger, numbers, run, table, train
from tests.thinned import thinned
from xltrain.config.settings import Column

pytestmark = pytest.mark.usefixtures("folds_by_place")

HELD_OUT_CHANGES = {
    "targets": {"y": lambda y: y[::-1] * 1.5 + 3},
    "numbers": {"a": lambda a: a[::-1] + 1, "b": lambda b: b * 100},
    "categories": {"kind": lambda kind: kind[::-1]},
    "gaps": {"b": lambda b: np.where(np.arange(len(b)) % 2, b, np.nan)},
    "everything": {"y": lambda y: y * 0 + 7, "a": lambda a: a * -30, "kind": lambda kind: np.full_like(kind, "u")},
}


@pytest.mark.parametrize(("changes", "encoder"), thinned(product(HELD_OUT_CHANGES, ["standard", "quantile"])), ids=str)
def test_no_fold_leaks(changes: str, encoder: str) -> None:
    """What stands in the held-out rows of a fold, features or targets, never reaches that fold's member."""
    data = numbers(90)
    values = {name: np.array(data.data.column(name).to_pylist()) for name in data.names}
    values["b"][::7] = np.nan
    call = parse_call("encoders", encoder)
    asked = job(run("x", patience=2, epochs=8))
    asked = replace(asked, columns=(*asked.columns, Column("a", "feature", "numeric", call)))

    def weights(fold: int = -1) -> Any:
        changed = {name: column.copy() for name, column in values.items()}
        for name, change in HELD_OUT_CHANGES[changes].items() if fold >= 0 else ():
            changed[name][folds == fold] = change(values[name][folds == fold])
        gaps = {name: pa.array(column, from_pandas=True) for name, column in changed.items()}
        fitted = train(table(gaps), asked, "float32")
        return fitted, fitted.models["y"].weights

    before, plain = weights()
    folds = ledger(before).fold
    for fold in range(3):
        _, changed = weights(fold)
        assert [bool((one == other).all()) for one, other in zip(plain, changed, strict=True)] == [
            each == fold for each in range(3)
        ]


FURTHER = {
    "a": ["log1p", "winsorize(share=0.1)", "piecewise(4)", "robust"],
    "kind": ["target", "frequency", "embedding", "text(16)"],
    "day": ["date(parts=all)"],
}


@pytest.mark.parametrize(("column", "encoder"), thinned((name, each) for name in FURTHER for each in FURTHER[name]))
def test_no_encoder_leaks(column: str, encoder: str) -> None:
    """Change every held-out value and target of a fold: its member has the same bits, every other member has not."""
    data = numbers(90)
    values = {name: np.array(data.data.column(name).to_pylist()) for name in data.names}
    rng = np.random.default_rng(1)
    values["day"] = np.datetime64("2024-01-01", "us") + rng.integers(0, 400, 90) * np.timedelta64(1, "D")
    asked = job(run("x", patience=2, epochs=4))
    kind = {"a": "numeric", "kind": "category", "day": "date"}[column]
    chosen = Column(column, "feature", kind, parse_call("encoders", encoder))
    asked = replace(asked, columns=(*asked.columns, chosen))

    def weights(fold: int = -1) -> Any:
        changed = {name: each.copy() for name, each in values.items()}
        for name in ("a", "y", "kind", "day") if fold >= 0 else ():
            other = values[name][folds == fold][::-1]
            changed[name][folds == fold] = other * 0.5 + 7 if name in ("a", "y") else other
        fitted = train(table(changed), asked, "float32")
        return fitted, fitted.models["y"].weights

    before, plain = weights()
    folds = ledger(before).fold
    for fold in range(3):
        _, changed = weights(fold)
        same = [bool((one == other).all()) for one, other in zip(plain, changed, strict=True)]
        assert same == [each == fold for each in range(3)]


@pytest.mark.parametrize("how", thinned(["smotenc", "oversample", "undersample", "smote"]))
def test_even_classes_do_not_leak(how: str) -> None:
    rng = np.random.default_rng(0)
    values = {"a": rng.normal(size=90), "kind": rng.choice(list("uvw"), 90), "y": np.repeat(["p", "q"], [65, 25])}
    asked = job(run("x", loss="cross_entropy", patience=2, epochs=4, imbalance=how))

    def weights(fold: int = -1) -> Any:
        changed = {name: each.copy() for name, each in values.items()}
        if fold >= 0:
            changed["a"][folds == fold] = changed["a"][folds == fold] * 9 + 3
            changed["kind"][folds == fold] = changed["kind"][folds == fold][::-1]
        fitted = train(table(changed), asked, "float32")
        return fitted, fitted.models["y"].weights

    before, plain = weights()
    folds = ledger(before).fold
    for fold in range(3):
        _, changed = weights(fold)
        same = [bool((one == other).all()) for one, other in zip(plain, changed, strict=True)]
        assert same == [each == fold for each in range(3)]


def test_stopping_looks_at_validation_rows_only() -> None:
    data = numbers(90)
    asked = job(run("x", patience=1, epochs=40, optimizer="adamw(lr=0.1)"), split=parse_call("splits", "column(use)"))
    use = np.array(["train"] * 50 + ["valid"] * 20 + ["test"] * 20)

    def changed(word: str) -> Any:
        y = np.array(data.data.column("y").to_pylist())
        y[use == word] = y[use == word][::-1] * 3
        features = {name: data.data.column(name) for name in ("a", "b", "kind")}
        return train(table({**features, "y": y, "use": use}), asked)

    plain, other, valid = changed("none"), changed("test"), changed("valid")
    curves = [each.result.targets[0].best.curves.validation for each in (plain, other, valid)]
    np.testing.assert_array_equal(curves[0], curves[1])
    assert bool((plain.models["y"].weights == other.models["y"].weights).all())
    assert curves[2][0] != curves[0][0]


@pytest.mark.parametrize("seed", range(3))
def test_random_targets_show_no_gain(seed: int) -> None:
    rng = np.random.default_rng(seed)
    data = table({"a": rng.normal(size=150), "b": rng.normal(size=150), "y": rng.normal(size=150)})
    runs = [run(f"run {lr}", optimizer=f"adamw(lr={lr})", epochs=30, patience=5) for lr in (1e-1, 1e-2, 1e-3)]
    target = train(data, job(*runs), "float32").result.targets[0]
    constant = target.baselines["constant"]["rmse"].value
    assert all(each.metrics["rmse"].value > 0.97 * constant for each in target.runs)


@pytest.mark.parametrize("seed", range(3))
def test_random_classes_show_no_gain(seed: int) -> None:
    rng = np.random.default_rng(seed)
    data = table({"a": rng.normal(size=200), "kind": rng.choice(list("uvw"), 200), "y": rng.choice(["p", "q"], 200)})
    target = train(data, job(run(loss="cross_entropy", epochs=30, patience=5)), "float32").result.targets[0]
    assert target.best.metrics["log_loss"].value > 0.99 * target.baselines["constant"]["log_loss"].value
    assert abs(target.best.metrics["roc_auc"].value - 0.5) < 0.12
