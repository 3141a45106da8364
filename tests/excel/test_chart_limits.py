"""Axes of charts: limits around the bulk of the values, ticks on round numbers."""

import numpy as np
import pytest

from xltrain.excel.chart import Axis, limits


@pytest.mark.parametrize("values", [[-23.1, 15.2], [72.3, 111.8], [0.0131, 0.0897], [3, 1e6], [99.2, 101.7], [-5, 5]])
def test_limits_are_multiples_of_the_distance_of_ticks(values: list[float]) -> None:
    low, high, outside = limits(np.array(values))
    unit = Axis(low=low, high=high).options()["major_unit"]
    assert outside == 0
    assert low <= min(values) <= max(values) <= high
    assert high - low <= 1.5 * (max(values) - min(values)) or low == 0
    assert 4 <= (high - low) / unit <= 11
    assert abs(low / unit - round(low / unit)) < 1e-6


def test_rows_far_away_do_not_squeeze_the_others() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(2.5, 0.25, 900)
    values[:21] *= 10
    _, high, outside = limits(values)
    assert 21 <= outside <= 24
    assert high < 5


def test_a_tail_that_goes_on_is_no_outlier() -> None:
    values = np.random.default_rng(0).exponential(1, 2000)
    _, high, outside = limits(values)
    assert outside < 25
    assert high > 4


def test_given_limits_between_round_numbers_get_no_ticks_of_their_own() -> None:
    assert "major_unit" not in Axis(low=0.13, high=1).options()
    assert "major_unit" not in Axis(low=1, high=100, log=True).options()
    assert Axis(low=0.5, high=1).options()["major_unit"] == 0.05


@pytest.mark.parametrize(
    ("low", "high", "shown"), [(-2.02, -1.98, "0.000"), (-2.5, 0, "0.0"), (0, 30, "0.0"), (0, 0.0002, "0.00000")]
)
def test_ticks_can_be_told_apart(low: float, high: float, shown: str) -> None:
    assert Axis(format="0.0", low=low, high=high).options()["num_format"] == shown
    assert Axis(format="yyyy-mm-dd", low=low, high=high).options()["num_format"] == "yyyy-mm-dd"


@pytest.mark.parametrize("value", [-2.0, 0.0, 3e-7, 5e9])
def test_values_that_are_all_the_same_have_limits_around_them(value: float) -> None:
    low, high, outside = limits(np.array([value, value * (1 + 1e-13)]))
    assert outside == 0
    assert low < value < high
    assert high - low <= max(0.6 * abs(value), 2 * (value == 0))
    assert 2 <= (high - low) / Axis(low=low, high=high).options()["major_unit"] <= 11
