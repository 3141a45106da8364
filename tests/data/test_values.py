"""Any Arrow column as numbers, words and days."""

import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from xltrain.data.values import days, empty, numbers, words

NAN = float("nan")
NOON = dt.datetime(2024, 1, 2, 12)
DAY = 19_724.0  # 2024-01-02

CASES: dict[str, tuple[Any, list[float], list[str | None]]] = {
    "whole": (pa.array([3, None]), [3, NAN], ["3", None]),
    "float": (pa.array([0.5, NAN, None]), [0.5, NAN, NAN], ["0.5", None, None]),
    "infinite": (pa.array([float("inf"), -0.0]), [NAN, 0], [None, "0"]),
    "large": (pa.array([123456789012.0, 1e20]), [123456789012, 1e20], ["123456789012", "1e+20"]),
    "decimal": (pa.array([Decimal("1.50"), None]), [1.5, NAN], ["1.5", None]),
    "boolean": (pa.array([True, False, None]), [1, 0, NAN], ["true", "false", None]),
    "text": (pa.array([" 1e3 ", "x", "", "5."]), [1000, NAN, NAN, 5], ["1e3", "x", None, "5."]),
    "large text": (pa.array([".5", None], pa.large_string()), [0.5, NAN], [".5", None]),
    "text view": (pa.array(["7", None], pa.string_view()), [7, NAN], ["7", None]),
    "dictionary": (pa.array(["2", None]).dictionary_encode(), [2, NAN], ["2", None]),
    "chunks": (pa.chunked_array([["2"], [None]]), [2, NAN], ["2", None]),
    "no chunks": (pa.chunked_array([], pa.string()), [], []),
    "nothing": (pa.nulls(2), [NAN, NAN], [None, None]),
    "date": (pa.array([NOON.date(), None]), [DAY, NAN], ["2024-01-02", None]),
    "before 1970": (pa.array([dt.date(1969, 12, 31)]), [-1], ["1969-12-31"]),
    "time stamp": (pa.array([NOON, None]), [DAY + 0.5, NAN], ["2024-01-02 12:00:00", None]),
    "midnight": (pa.array([NOON.replace(hour=0)], pa.timestamp("ns")), [DAY], ["2024-01-02"]),
    "time of day": (pa.array([dt.time(6), None], pa.time32("s")), [0.25, NAN], ["06:00:00", None]),
}


@pytest.mark.parametrize("name", CASES)
def test_numbers_and_words(name: str) -> None:
    column, as_numbers, as_words = CASES[name]
    np.testing.assert_array_equal(numbers(column), np.array(as_numbers, float))
    assert words(column).to_pylist() == as_words


def test_a_duration_counts_days() -> None:
    column = pa.array([dt.timedelta(hours=30), None], pa.duration("s"))
    np.testing.assert_array_equal(numbers(column), [1.25, NAN])
    np.testing.assert_array_equal(days(column), [1.25, NAN])


def test_days_read_dates_written_as_text() -> None:
    found = days(pa.array([" 2024-01-02", "2024-01-02 10:00", "1969-12-31", "soon", "", None]))
    np.testing.assert_array_equal(found, [DAY, DAY, -1, NAN, NAN, NAN])


def test_days_of_numbers_are_the_numbers() -> None:
    np.testing.assert_array_equal(days(pa.array([1.5, None])), [1.5, NAN])


def test_empty_is_what_has_no_value() -> None:
    assert empty(pa.array(["a", " ", "", None])).tolist() == [False, True, True, True]
    assert empty(pa.array([0.0, NAN, None])).tolist() == [False, True, True]
    assert empty(pa.array([False, None])).tolist() == [False, True]


def test_numbers_are_a_copy_that_may_be_changed() -> None:
    column = pa.array([1.0, 2.0])
    numbers(column)[0] = 9
    assert column.to_pylist() == [1.0, 2.0]
