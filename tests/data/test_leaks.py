"""What flatters scores is said, with column and number, and nothing else is."""

import time
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from tests.calls import parse_call
from tests.engine.make import table
from xltrain.config.settings import Column
from xltrain.data.columns import infer
from xltrain.data.encode import Encoding, Target, plan_encoding, read_target
from xltrain.data.leaks import _by_rank, _ranks, counter_notes, duplicates, find_leaks, given_away, rare_notes
from xltrain.data.split import divide
from xltrain.data.table import Table

RNG = np.random.default_rng(0)
ROWS = 400
Y = RNG.normal(0, 1, ROWS)
LABEL = np.where(Y > 1, "yes", "no")


def planned(values: dict[str, Any], task: str = "regression") -> tuple[Table, Encoding, np.ndarray, Target]:
    data = table(values)
    columns = [
        Column(each.name, "target" if each.name == "y" else "feature", each.type) for each in infer(data, (), ["y"])
    ]
    encoding, _ = plan_encoding(data, columns)
    return data, encoding, encoding.raw(data), read_target(data, "y", task)


def told(values: dict[str, Any], task: str = "regression", split: str = "random") -> list[str]:
    data, encoding, raw, target = planned(values, task)
    parts = divide(data, [], target, parse_call("splits", split), 5, 1, 0)
    return (
        find_leaks(data, encoding, raw, target, parts).notes(target.name)
        + counter_notes(data, encoding)
        + rare_notes(target, parts)
    )


NOISE = RNG.normal(0, 1, ROWS)
GIVERS = {
    "a monotone map": np.exp(2 * Y),
    "a fall": -(Y**3),
    "a fold": np.round(np.abs(Y) * 20) * np.sign(Y),
    "words": np.array([f"level {round(each)}" for each in Y.clip(-2, 2)]),
}


@pytest.mark.parametrize("feature", GIVERS, ids=str)
def test_a_feature_that_gives_the_target_away(feature: str) -> None:
    y = np.round(Y.clip(-2, 2)) if feature == "words" else Y
    data, encoding, _, target = planned({"a": GIVERS[feature], "b": NOISE, "y": y})
    ((name, share),) = given_away(data, encoding, target)
    assert name == "a"
    assert 0.99 < share <= 1.0


@pytest.mark.parametrize("feature", [(Y > 1) * 5.0 + 0.1 * RNG.random(ROWS), Y, np.where(Y > 1, "paid", "open")])
def test_a_feature_that_gives_classes_away(feature: Any) -> None:
    data, encoding, _, target = planned({"a": feature, "b": NOISE, "y": LABEL}, "classification")
    assert [name for name, _ in given_away(data, encoding, target)] == ["a"]


def test_rank_of_two_classes_is_the_area_under_the_curve() -> None:
    ours = _by_rank(_ranks(NOISE + Y), _ranks((Y > 1).astype(float)))
    assert ours == pytest.approx((2 * roc_auc_score(Y > 1, NOISE + Y) - 1) ** 2)


def test_several_classes_given_away() -> None:
    label = np.digitize(Y, [-0.5, 0.5])
    data, encoding, _, target = planned({"a": label * 1.5, "y": np.array(["x", "y", "z"])[label]}, "classification")
    assert [name for name, _ in given_away(data, encoding, target)] == ["a"]


@pytest.mark.parametrize("rare", [0.5, 0.03])
def test_good_features_give_nothing_away(rare: float) -> None:
    border = np.quantile(Y, 1 - rare)
    values = {"a": Y + 0.3 * NOISE, "b": NOISE, "c": [f"k{number % 7}" for number in range(ROWS)]}
    assert told({**values, "y": Y}) == []
    assert told({**values, "y": np.where(border < Y, "yes", "no")}, "classification", "stratified") == []


def test_a_category_of_one_row_each_explains_nothing() -> None:
    names = np.array([f"name {number}" for number in RNG.permutation(ROWS)])
    data = table({"a": names, "y": Y})
    encoding, _ = plan_encoding(data, [Column("a", "feature", "category")])
    assert given_away(data, encoding, read_target(data, "y", "regression")) == []


@pytest.mark.parametrize(
    "counter", [np.arange(ROWS) * 3.0 + 1000, [f"C{number:05}" for number in range(ROWS)]], ids=str
)
def test_a_feature_that_counts_rows(counter: Any) -> None:
    data = table({"a": counter, "b": NOISE, "c": RNG.integers(0, 9, ROWS), "y": Y})
    kinds = {"a": "numeric" if isinstance(counter, np.ndarray) else "category", "b": "numeric", "c": "numeric"}
    encoding, _ = plan_encoding(data, [Column(name, "feature", kind) for name, kind in kinds.items()])
    (note,) = counter_notes(data, encoding)
    assert "'a'" in note
    assert "100 %" in note


def test_a_rising_measurement_is_no_counter() -> None:
    assert told({"a": np.sort(NOISE), "y": Y}) == []


def test_duplicate_rows_across_folds_are_counted() -> None:
    twice = np.r_[np.arange(ROWS), np.arange(30)]
    data, encoding, raw, target = planned({"a": NOISE[twice], "b": np.round(NOISE)[twice], "y": Y[twice]})
    parts = divide(data, [], target, parse_call("splits", "random"), 5, 1, 0)
    fold = np.zeros(len(twice))
    for part in parts:
        fold[part.held_out] = part.fold
    expected = 2 * int((fold[:30] != fold[ROWS:]).sum())
    assert duplicates(encoding, raw, target, parts) == expected > 0


def test_rows_kept_together_are_no_duplicates() -> None:
    values = {"a": np.repeat(NOISE, 2), "g": np.repeat([f"g{number}" for number in range(ROWS)], 2)}
    data, encoding, raw, target = planned({**values, "y": np.repeat(Y, 2)})
    parts = divide(data, [], target, parse_call("splits", "group(g)"), 5, 1, 0)
    assert duplicates(encoding, raw, target, parts) == 0


def test_categories_alike_are_no_duplicates() -> None:
    values = {"a": RNG.choice(["u", "v"], ROWS), "b": RNG.integers(0, 3, ROWS), "y": LABEL}
    assert told(values, "classification") == []


def test_more_folds_than_rows_of_the_rarest_class() -> None:
    label = np.array(["no"] * (ROWS - 3) + ["yes"] * 3)
    (note,) = told({"a": NOISE, "y": label}, "classification", "stratified")
    assert "'yes'" in note
    assert "3 rows" in note


def test_it_is_quick() -> None:
    rng = np.random.default_rng(0)
    values = {f"x{number}": rng.normal(size=20_000) for number in range(10)} | {"c": rng.choice(list("abcd"), 20_000)}
    data, encoding, raw, target = planned({**values, "y": rng.normal(size=20_000)})
    parts = divide(data, [], target, parse_call("splits", "random"), 5, 1, 0)
    began = time.perf_counter()
    find_leaks(data, encoding, raw, target, parts)
    counter_notes(data, encoding)
    assert time.perf_counter() - began < 1
