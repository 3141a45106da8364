"""What a model sees of a column, from the statistics of training rows alone."""

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn import preprocessing

from tests.calls import parse_call
from tests.engine.make import table
from xltrain.config.settings import Column
from xltrain.data.encode import Encoding, State, plan_encoding, read_target, task_of
from xltrain.errors import ConfigError, DataError

RNG = np.random.default_rng(0)
SKEWED = np.exp(RNG.normal(0, 1, 300))
LEARN = np.arange(200)


def column(name: str, kind: str, encoder: str = "") -> Column:
    return Column(name, "feature", kind, parse_call("encoders", encoder) if encoder else None)


def encode(values: Any, kind: str, encoder: str = "", learn: Any = None, new: Any = None) -> np.ndarray:
    """Values encoded as a member sees them that learns from the rows `learn`; `new` values instead, where given."""
    encoding, _ = plan_encoding(table({"a": values}), [column("a", kind, encoder)])
    raw = encoding.raw(table({"a": values}))
    state = encoding.state(raw, np.arange(len(raw)) if learn is None else np.asarray(learn))
    return state.apply(raw if new is None else encoding.raw(table({"a": new})))


@pytest.mark.parametrize(
    ("encoder", "theirs"),
    [
        ("standard", preprocessing.StandardScaler()),
        ("robust", preprocessing.RobustScaler()),
        ("minmax", preprocessing.MinMaxScaler()),
    ],
)
def test_equals_scikit_learn_on_training_rows_alone(encoder: str, theirs: Any) -> None:
    ours = encode(SKEWED, "numeric", encoder, LEARN)
    expected = theirs.fit(SKEWED[LEARN, None]).transform(SKEWED[:, None])
    np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-6)


def test_quantile_is_close_to_scikit_learn_and_bounded() -> None:
    ours = encode(SKEWED, "numeric", "quantile", LEARN)[:, 0]
    theirs = preprocessing.QuantileTransformer(n_quantiles=200, output_distribution="normal")
    expected = np.clip(theirs.fit(SKEWED[LEARN, None]).transform(SKEWED[:, None])[:, 0], -3, 3)
    np.testing.assert_allclose(ours, expected, atol=0.02)
    far = encode(SKEWED, "numeric", "quantile", LEARN, [-1e9, 1e9])[:, 0]
    np.testing.assert_allclose(far, [-3, 3], atol=1e-9)


def test_quantile_of_a_value_that_many_rows_share() -> None:
    found = encode(np.array([0.0] * 80 + [1.0, 2.0, 3.0, 4.0] * 5), "numeric", "quantile")[:, 0]
    assert (np.diff(found[[0, 80, 81, 82, 83]]) > 0).all()
    assert np.isfinite(found).all()


def test_a_missing_number_is_the_mean_and_says_that_it_was_missing() -> None:
    found = encode([1.0, None, 3.0, 5.0], "numeric", learn=[0, 1, 2])
    np.testing.assert_allclose(found[:, 0], [-1, 0, 1, 3], atol=1e-6)
    np.testing.assert_array_equal(found[:, 1], [0, 1, 0, 0])


def test_a_gap_that_training_never_saw_says_nothing() -> None:
    found = encode([1.0, 3.0, None], "numeric", learn=[0, 1])
    np.testing.assert_array_equal(found[2], [0, 0])


def test_a_number_that_training_never_saw_says_nothing() -> None:
    for encoder in ("standard", "robust", "minmax", "quantile"):
        found = encode([None, None, 4.0, 7.0], "numeric", encoder, learn=[0, 1])
        np.testing.assert_array_equal(found[:, 0], 0)


def test_a_column_that_is_constant_in_training_says_nothing() -> None:
    for encoder in ("standard", "robust", "minmax"):
        found = encode([0.1, 0.1, 0.1, 7.0], "numeric", encoder, learn=[0, 1, 2])
        assert np.ptp(found) == 0


def test_every_category_has_a_column() -> None:
    found = encode(["b", "a", None, "b"], "category")
    np.testing.assert_array_equal(found, [[0, 1, 0], [1, 0, 0], [0, 0, 1], [0, 1, 0]])


def test_categories_that_training_never_saw_are_unknown() -> None:
    found = encode(["a", "b", "c", "a"], "category", learn=[0, 1])
    np.testing.assert_array_equal(found[2], 0)
    new = encode(["a", "b", "c", "a"], "category", new=["a", "never seen", None])
    np.testing.assert_array_equal(new, [[1, 0, 0], [0, 0, 0], [0, 0, 0]])


def test_rare_categories_share_a_column() -> None:
    found = encode(["a"] * 3 + ["b"] * 2 + ["c", "d"], "category", "onehot(limit=2)")
    assert found.shape == (7, 3)
    np.testing.assert_array_equal(found[5], found[6])
    new = encode(["a"] * 3 + ["b"] * 2 + ["c", "d"], "category", "onehot(limit=2)", new=["never seen"])
    np.testing.assert_array_equal(new, found[5:6])


def test_numbers_may_be_categories() -> None:
    encoding, _ = plan_encoding(table({"a": [10.0, 9.0, 10.0]}), [column("a", "numeric", "onehot")])
    assert encoding.columns[0].categories == ("9", "10")


def dates(*days: str) -> Any:
    return pa.array([None if day == "" else np.datetime64(day, "us") for day in days], pa.timestamp("us"))


def test_dates_become_the_parts_in_which_they_differ() -> None:
    def parts(*days: str) -> tuple[str, ...]:
        return plan_encoding(table({"a": dates(*days)}), [column("a", "date")])[0].columns[0].parts

    assert parts("2024-01-01", "2024-01-08") == ("days",)
    assert parts("2024-01-01", "2024-01-03") == ("days", "week_sin", "week_cos")
    assert parts("2024-01-01", "2024-04-01", "") == ("days", "year_sin", "year_cos", "missing")
    assert parts("2024-01-01T06:00", "2024-01-01T18:00") == ("day_sin", "day_cos")


def test_dates_lie_on_their_cycles() -> None:
    found = encode(dates("2023-01-02", "2024-01-01", "2024-07-01", ""), "date")
    assert found.shape == (4, 4)  # days, the year's two waves and missing: all three are Mondays
    assert np.isfinite(found).all()
    np.testing.assert_allclose(np.hypot(found[:3, 1], found[:3, 2]), 1, atol=1e-6)
    assert np.linalg.norm(found[0, 1:3] - found[1, 1:3]) < 0.05
    assert np.linalg.norm(found[1, 1:3] - found[2, 1:3]) > 1.9


def test_large_numbers_keep_their_differences() -> None:
    found = encode(7e12 + np.arange(200.0), "numeric")[:, 0]
    np.testing.assert_allclose(np.diff(found), np.diff(found).mean(), rtol=1e-3)
    huge = encode(np.array([1e200, 2e200, 4e200]), "numeric")[:, 0]
    assert np.isfinite(huge).all()
    assert (np.diff(huge) > 0).all()


def test_rows_outside_training_change_no_statistic() -> None:
    values = {
        "n": SKEWED[:60],
        "q": SKEWED[60:120],
        "c": list("abc" * 20),
        "d": dates(*["2024-01-01", "2024-06-02"] * 30),
    }
    columns = [column("n", "numeric"), column("q", "numeric", "quantile"), column("c", "category"), column("d", "date")]
    other = {**values, "n": np.r_[SKEWED[:40], SKEWED[100:120] * 9], "q": np.r_[SKEWED[60:100], SKEWED[:20] * 9]}
    found = []
    for each in (values, other):
        encoding, _ = plan_encoding(table(each), columns)
        found.append(encoding.state(encoding.raw(table(each)), np.arange(40)).to_json())
    assert found[0] == found[1]


def test_encoding_and_state_survive_json() -> None:
    data = table(
        {"n": [1.0, None, 3.0], "q": [4.0, 5.0, 9.0], "c": ["x", "y", "x"], "d": dates("2024-01-01", "", "2025-02-02")}
    )
    columns = [column("n", "numeric"), column("q", "numeric", "quantile"), column("c", "category"), column("d", "date")]
    encoding, _ = plan_encoding(data, columns)
    raw = encoding.raw(data)
    state = encoding.state(raw, np.arange(3))
    again = Encoding.from_json(json.loads(json.dumps(encoding.to_json())))
    assert again == encoding
    restored = State.from_json(json.loads(json.dumps(state.to_json())))
    np.testing.assert_array_equal(restored.apply(again.raw(data)), state.apply(raw))


def test_headers_are_found_whatever_their_case_and_blanks() -> None:
    encoding, _ = plan_encoding(table({"Unit price": [1.0, 2.0]}), [column("Unit price", "numeric")])
    np.testing.assert_array_equal(encoding.raw(table({" unit  PRICE": [5.0]})), [[5]])


def test_every_missing_column_is_named() -> None:
    encoding, _ = plan_encoding(
        table({"a": [1.0, 2.0], "b": [3.0, 4.0]}), [column("a", "numeric"), column("b", "numeric")]
    )
    with pytest.raises(DataError) as caught:
        encoding.raw(table({"c": [1.0]}))
    assert len(caught.value.problems) == 2


def test_what_says_nothing_is_left_out_with_a_note() -> None:
    data = table({"a": [1.0, 2.0], "same": [5.0, 5.0], "blank": pa.nulls(2, pa.float64()), "said": ["one", "two"]})
    kinds = {"a": "numeric", "same": "numeric", "blank": "numeric", "said": "text"}
    encoding, notes = plan_encoding(data, [column(name, kind) for name, kind in kinds.items()])
    assert encoding.names == ("a",)
    assert len(notes) == 3


def test_an_encoder_that_does_not_fit_says_so() -> None:
    with pytest.raises(ConfigError, match="standard"):
        plan_encoding(table({"a": ["x", "y"]}), [column("a", "category", "standard")])


def test_classes_are_sorted_as_numbers_where_they_are_numbers() -> None:
    target = read_target(table({"y": ["10", "9", None, "10"]}), "y", "classification")
    assert target.classes == ("9", "10")
    assert target.values.tolist() == [1, 0, -1, 1]
    assert target.rows.tolist() == [0, 1, 3]


@pytest.mark.parametrize(
    ("values", "kind", "task"),
    [
        ([1.5, 2.5, 3.5], "numeric", "regression"),
        ([0.0, 1.0, 1.0], "numeric", "classification"),
        ([0.5, 1.0, 0.5], "numeric", "regression"),
        (["a", "b", "a"], "category", "classification"),
        ([True, False, True], "boolean", "classification"),
    ],
)
def test_the_task_follows_from_the_values(values: list[Any], kind: str, task: str) -> None:
    assert task_of(table({"y": values}), Column("y", "target", kind)) == task
