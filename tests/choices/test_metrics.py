"""Metrics equal scikit-learn's."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as theirs

import xltrain.choices  # noqa: F401
from xltrain.registry import metrics

RNG = np.random.default_rng(0)
TARGET = RNG.normal(5, 2, 200)
PREDICTION = TARGET + RNG.normal(0, 1, 200)
LABELS = RNG.choice(4, 200, p=(0.5, 0.3, 0.15, 0.05))
PROBABILITY = RNG.dirichlet(np.ones(4), 200) * 0.5 + 0.5 * np.eye(4)[RNG.permutation(LABELS)]
PROBABILITY[:100] = PROBABILITY[:100] * 0.3 + 0.7 * np.eye(4)[LABELS[:100]]
GUESS = PROBABILITY.argmax(1)

REFERENCES: dict[str, Callable[[], Any]] = {
    "rmse": lambda: theirs.root_mean_squared_error(TARGET, PREDICTION),
    "mae": lambda: theirs.mean_absolute_error(TARGET, PREDICTION),
    "median_absolute_error": lambda: theirs.median_absolute_error(TARGET, PREDICTION),
    "mape": lambda: theirs.mean_absolute_percentage_error(TARGET, PREDICTION),
    "r2": lambda: theirs.r2_score(TARGET, PREDICTION),
    "log_loss": lambda: theirs.log_loss(LABELS, PROBABILITY),
    "accuracy": lambda: theirs.accuracy_score(LABELS, GUESS),
    "balanced_accuracy": lambda: theirs.balanced_accuracy_score(LABELS, GUESS),
    "f1": lambda: theirs.f1_score(LABELS, GUESS, average="macro"),
    "roc_auc": lambda: theirs.roc_auc_score(LABELS, PROBABILITY, multi_class="ovr"),
}


def test_every_metric_has_its_twin() -> None:
    assert set(metrics) == set(REFERENCES)


@pytest.mark.parametrize("name", sorted(REFERENCES))
def test_equals_scikit_learn(name: str) -> None:
    choice = metrics[name]
    given = {"prediction": PREDICTION, "label": GUESS, "probability": PROBABILITY}[choice.facts["needs"]]
    wanted = TARGET if choice.facts["task"] == "regression" else LABELS
    assert choice.function(given, wanted) == pytest.approx(REFERENCES[name](), rel=1e-9)


def test_roc_auc_of_two_classes_counts_ties_half() -> None:
    target = np.array([0, 1, 0, 1, 1, 0])
    score = np.array([0.1, 0.9, 0.5, 0.5, 0.2, 0.2])
    found = metrics["roc_auc"].function(np.stack([1 - score, score], 1), target)
    assert found == pytest.approx(theirs.roc_auc_score(target, score))


def test_what_cannot_be_said_is_not_a_number() -> None:
    assert np.isnan(metrics["roc_auc"].function(np.array([[0.4, 0.6]]), np.array([1])))
    assert np.isnan(metrics["r2"].function(np.array([1.0, 2.0]), np.array([3.0, 3.0])))
    assert np.isnan(metrics["mape"].function(np.array([1.0]), np.array([0.0])))
    assert metrics["mape"].function(np.array([1.0, 3.0]), np.array([0.0, 2.0])) == 0.5


def test_a_certain_and_wrong_guess_costs_a_finite_amount() -> None:
    assert np.isfinite(metrics["log_loss"].function(np.array([[1.0, 0.0]]), np.array([1])))
