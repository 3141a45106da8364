"""The score on the last period, by a model trained on the earlier ones."""

from typing import Any

import numpy as np
import pytest

from tests.calls import parse_call
from tests.engine.make import columns, job, run, table, train
from xltrain.config.settings import Column
from xltrain.data.encode import read_target
from xltrain.data.months import named_month
from xltrain.data.table import Origin, Table
from xltrain.engine.last_period import last_period
from xltrain.engine.result import LastPeriod


def dated(months: int = 6, rows: int = 240, drift: float = 0.0, seed: int = 0) -> Table:
    rng = np.random.default_rng(seed)
    day = np.sort(rng.integers(0, 30 * months, rows))
    a = rng.normal(size=rows)
    y = 3 * a + drift * (day / 30) ** 2 + rng.normal(0, 0.1, rows)
    return table({"a": a, "day": np.datetime64("2024-01-01", "us") + day * np.timedelta64(1, "D"), "y": y})


def found(data: Table, asked: Any = None, **more: Any) -> Any:
    asked = asked or job(**more)
    return last_period(data, columns(data, asked), read_target(data, "y", "regression"), asked.split, None)


def score(data: Table, *runs: Any, **more: Any) -> LastPeriod | None:
    return train(data, job(*runs, **more)).result.targets[0].last_period


def test_the_last_month_is_held_out() -> None:
    data = dated()
    period = found(data)
    month = np.array(data.data.column("day").to_pylist(), "datetime64[M]").astype(str)
    assert (period.by, period.name) == ("day", max(month))
    assert set(month[period.part.held_out]) == {max(month)}
    assert max(month) not in set(month[period.part.training]) | set(month[period.part.validation])
    day = np.array(data.data.column("day").to_pylist(), "datetime64[D]")
    assert day[period.part.training].max() < day[period.part.validation].min()
    assert len(period.part.training) + len(period.part.validation) + len(period.part.held_out) == len(data)


def test_a_last_month_of_few_rows_counts_with_the_one_before() -> None:
    data = dated()
    day = np.array(data.data.column("day").to_pylist(), "datetime64[us]")
    day[-3:] = np.datetime64("2024-09-02", "us")
    data = table({"a": data.data.column("a"), "day": day, "y": data.data.column("y")})
    period = found(data)
    assert period.name.endswith("… 2024-09")
    assert len(period.part.held_out) >= 10


@pytest.mark.parametrize(
    "more", [{"split": parse_call("splits", "time(day)")}, {"split": parse_call("splits", "column(use)")}]
)
def test_a_split_that_settles_it(more: Any) -> None:
    assert found(dated(), **more) is None


def test_without_months_there_is_no_last_one() -> None:
    assert found(dated(months=2)) is None
    assert found(table({"a": np.arange(60.0), "y": np.arange(60.0)})) is None


def test_a_column_of_role_time_comes_first() -> None:
    data = dated()
    data = table({**{name: data.data.column(name) for name in data.names}, "turn": np.repeat(np.arange(8), 30)})
    asked = job()
    named = job(target="y")
    assert found(data, asked).by == "day"
    named = type(named)(**{**vars(named), "columns": (*named.columns, Column("turn", "time", "numeric"))})
    assert (found(data, named).by, found(data, named).name) == ("turn", "7")


@pytest.mark.parametrize(
    ("file", "sheet", "month"),
    [
        ("books/sales 2024-03.xlsx", "Data", "2024-03"),
        ("202403.xlsx", "Sheet1", "2024-03"),
        ("销售2024年3月.xlsx", "Sheet1", "2024-03"),
        ("year.xlsx", "2024.11", "2024-11"),
        ("2024/march.xlsx", "Data", "2024-03"),
        ("Sep_2023.xlsx", "", "2023-09"),
        ("2024.xlsx", "3月", "2024-03"),
        ("north.xlsx", "Data", ""),
        ("2024.xlsx", "Data", ""),
        ("20240315_v2.xlsx", "Data", "2024-03"),
        ("books/2024-03-15.xlsx", "Data", "2024-03"),
        ("September 2023.xlsx", "Data", "2023-09"),
        ("2024.xlsx", "marketing", ""),
        ("20241345.xlsx", "Data", ""),
    ],
)
def test_months_in_names(file: str, sheet: str, month: str) -> None:
    told = named_month(file, sheet)
    assert (str(np.datetime64(int(told), "M")) if np.isfinite(told) else "") == month


def test_sources_named_by_month() -> None:
    data = dated()
    origins = tuple(Origin(f"2024-0{month}.xlsx", "Data", {"a": "A", "y": "B"}) for month in range(1, 5))
    data = Table(data.data.select(["a", "y"]), origins, (np.arange(240) // 60).astype(np.int32), data.row)
    period = found(data)
    assert (period.by, period.name) == ("", "2024-04")
    assert period.part.held_out.tolist() == list(range(180, 240))


def test_drift_shows_on_the_last_month_alone() -> None:
    better = run("better", optimizer="adamw(lr=0.05)", epochs=40)
    drifting = train(dated(drift=1.0), job(better, run("worse", optimizer="sgd(lr=1e-6)"))).result.targets[0]
    assert drifting.winner == "better"
    assert drifting.last_period is not None
    assert drifting.last_period.metrics["rmse"].value > 1.5 * drifting.best.metrics["rmse"].value


def test_the_last_month_has_no_say() -> None:
    """Turn the targets of the last month round: who learns from what stays as it is."""
    plain = dated()
    last = found(plain).part.held_out
    y = np.array(plain.data.column("y").to_pylist())
    y[last] = y[last][::-1] + 1
    other = table({"a": plain.data.column("a"), "day": plain.data.column("day"), "y": y})
    one = found(other).part
    for which in ("training", "validation", "held_out"):
        np.testing.assert_array_equal(getattr(one, which), getattr(found(plain).part, which))


def test_the_rate_is_found_anew_and_classes_work() -> None:
    assert score(dated(), run(optimizer="adamw(lr=auto)")) is not None
    data = dated()
    label = np.where(np.array(data.data.column("y").to_pylist()) > 0, "yes", "no")
    data = table({"a": data.data.column("a"), "day": data.data.column("day"), "y": label})
    told = score(data, run(loss="cross_entropy", imbalance="oversample"))
    assert told is not None
    assert 0 <= told.metrics["accuracy"].value <= 1
