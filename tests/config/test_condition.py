"""Conditions on a score: the metric as the registry or the workbooks of either language name it."""

import pytest

import xltrain.choices  # noqa: F401
from xltrain import language
from xltrain.config.condition import Condition, parse_condition, parse_conditions
from xltrain.errors import ConfigError


@pytest.mark.parametrize(
    ("said", "target", "metric", "limit"),
    [
        ("rmse<0.1", "", "rmse", 0.1),
        ("均方根误差<0.1", "", "rmse", 0.1),
        ("金额.平均绝对误差 ＜ 5", "金额", "mae", 5.0),
        ("median absolute error<3", "", "median_absolute_error", 3.0),
        ("F1 值>0.8", "", "f1", 0.8),
    ],
)
def test_a_metric_is_known_by_all_its_names(said: str, target: str, metric: str, limit: float) -> None:
    found = parse_condition(said)
    assert (found.target, found.metric, found.limit) == (target, metric, limit)


def test_several_are_parted_by_signs_of_either_language() -> None:
    assert [each.metric for each in parse_conditions("均方根误差<4；准确率>90%")] == ["rmse", "accuracy"]
    assert parse_condition("10%") == Condition("10%", "", "", "<=", 0.1, True)


@pytest.mark.parametrize(("said", "told"), [("rmze<1", "rmse"), ("均方误差根<1", "均方根误差"), ("<1", "rmse<400")])
def test_what_is_no_metric_is_told(said: str, told: str) -> None:
    with language.using("zh"), pytest.raises(ConfigError, match=told):
        parse_condition(said)
