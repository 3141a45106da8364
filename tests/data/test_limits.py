"""Values beyond what the Columns sheet allows."""

import datetime

import numpy as np
import pandas as pd
import pytest

from xltrain.config.settings import Column
from xltrain.data.limits import Breach, LimitStep, breaches, unlimited, with_limits
from xltrain.data.store import from_pandas
from xltrain.data.table import MergeReport, Table


def table() -> Table:
    days = [datetime.datetime(2026, 1, 1), datetime.datetime(2026, 1, 31, 23, 30), datetime.datetime(2026, 2, 1), None]
    return from_pandas(pd.DataFrame({"price": [1.0, np.nan, 9.5, 20.0], "kind": ["a", "B", "c", None], "day": days}))


@pytest.mark.parametrize(
    ("column", "rule", "rows"),
    [
        (Column("price", min=2), "min", [0]),
        (Column("price", max=9.5), "max", [3]),
        (Column("PRICE", min=1.0, max=9), "max", [2, 3]),
        (Column("kind", allowed=("A", "b")), "allowed", [2]),
        (Column("price", allowed=("1", "20")), "allowed", [2]),
        (Column("day", max="2026-01-31"), "max", [2]),
        (Column("day", min="2026-01-02"), "min", [0]),
    ],
)
def test_values_beyond_a_limit(column: Column, rule: str, rows: list[int]) -> None:
    (found,) = breaches(table(), [column])
    assert (found.rule, found.rows.tolist()) == (rule, rows)


def test_what_stands_at_a_limit_or_is_empty_is_right() -> None:
    columns = [Column("price", min=1, max=20, unique=True), Column("kind", allowed=("a", "b", "c"), unique=True)]
    assert not breaches(table(), [*columns, Column("day", min="2026-01-01", max="2026-02-01"), Column("other", min=1)])


def test_repeated_values_of_a_unique_column_are_told_from_the_second_on() -> None:
    rows = from_pandas(pd.DataFrame({"id": ["x", "y", "x", None, None, "x"]}))
    (found,) = breaches(rows, [Column("id", unique=True)])
    assert (found.rule, found.rows.tolist()) == ("unique", [2, 5])


def test_batches_are_held_against_the_limits_together() -> None:
    whole = from_pandas(pd.DataFrame({"id": [1, 2, 3, 2], "price": [5.0, 50.0, 6.0, 60.0]}))
    step = LimitStep([Column("id", unique=True), Column("price", max=10)])
    for rows in ([0, 1], [2, 3]):
        step.look(whole.take(np.array(rows)))
    doubts = {each.message: each for each in step.doubts()}
    first, again = sorted(doubts)
    assert first == "id '2' stands a second time, though the column is unique"
    assert again == "price 50 lies above the largest value allowed, 10"
    assert "1 more" in doubts[again].hint
    assert doubts[first].place == whole.place(3, "id")


def test_a_report_gets_its_doubts_and_stays_as_it_is_without_any() -> None:
    report = MergeReport()
    assert with_limits(report, table(), [Column("price", max=100)]) is report
    assert len(with_limits(report, table(), [Column("price", max=2, min=1.5)]).doubts) == 2


def test_columns_without_their_limits() -> None:
    (bare,) = unlimited([Column("price", "target", min=1, max=2, allowed=("1",), unique=True)])
    assert bare == Column("price", "target")
    assert not bare.limited
    assert Column("x", min=0).limited


def test_a_breach_says_its_limit() -> None:
    (found,) = breaches(table(), [Column("price", max=9.5)])
    assert isinstance(found, Breach)
    assert found.limit == 9.5
