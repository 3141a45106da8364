"""The type of a column is decided over all its sources, and nothing is turned without being told."""

import datetime as dt
from typing import Any

import pyarrow as pa
import pytest

from xltrain.data.cast import as_texts
from xltrain.data.part import Cells, blanks
from xltrain.data.settle import decide
from xltrain.excel.grid import ERROR, TEXT, ErrorWord, grid_of


def cells(*values: Any, free: bool = False) -> Cells:
    """A column of Python values as a worker gives it."""
    grid = grid_of((row, ["row", value]) for row, value in enumerate(values, 1))
    if 2 not in grid.by_column:
        return blanks(len(values), free)
    strip = grid.by_column[2]
    texts = (strip.kinds == TEXT) | (strip.kinds == ERROR)
    used = pa.array(grid.texts.to_pylist(), pa.string())
    codes = [int(value) if text else -1 for value, text in zip(strip.values, texts, strict=True)]
    return Cells(strip.kinds, strip.values, pa.array(codes, pa.int32()).to_numpy(), used, free)


def settled(*chunks: Cells, name: str = "x", **asked: Any) -> tuple[str, list[Any]]:
    decision = decide(name, chunks, **asked)
    return decision.type, [value for chunk in chunks for value in decision.cast(chunk).array.to_pylist()]


D = dt.datetime


@pytest.mark.parametrize(
    ("values", "kind", "became"),
    [
        ([1, 2.5, None], "number", [1, 2.5, None]),
        ([1, 2], "number", [1, 2]),
        ([1, 2, "-"], "number", [1, 2, None]),
        (["-", "-"], "text", [None, None]),
        ([1, 2, "1,234.50"], "number", [1, 2, 1234.5]),
        (["1.234,50", "12,5"], "number", [1234.5, 12.5]),
        (["￥1,200", "(300)", "12.5", "－"], "number", [1200, -300, 12.5, None]),
        (["12%", "7.5%"], "number", [0.12, 0.075]),
        (["58.23㎡", "60㎡"], "number", [58.23, 60]),
        (["155万", "1.2亿"], "number", [1_550_000, 120_000_000]),
        ([1, "１２３"], "number", [1, 123]),
        (["007", "010", 9], "text", ["007", "010", "9"]),
        (["1001", "1002"], "text", ["1001", "1002"]),
        (["6222021234567890123"], "text", ["6222021234567890123"]),
        ([2**60, 1], "text", [str(2**60), "1"]),
        (["a", 1, 2.5], "text", ["a", "1", "2.5"]),
        ([True, False], "boolean", [True, False]),
        (["是", "否", None], "boolean", [True, False, None]),
        (["Y", "N"], "boolean", [True, False]),
        (["✓", "✗"], "boolean", [True, False]),
        (["有", "无"], "boolean", [True, False]),
        ([D(2024, 1, 2), "2024年3月4日"], "date", [D(2024, 1, 2), D(2024, 3, 4)]),
        (["31/01/2024", "05/02/2024"], "date", [D(2024, 1, 31), D(2024, 2, 5)]),
        (["01/31/2024", "02/05/2024"], "date", [D(2024, 1, 31), D(2024, 2, 5)]),
        (["05/02/2024", "06/03/2024"], "text", ["05/02/2024", "06/03/2024"]),
        ([D(2024, 1, 2), 45351], "date", [D(2024, 1, 2), D(2024, 2, 29)]),
        (["08:30", "17:45"], "time", [dt.time(8, 30), dt.time(17, 45)]),
        ([dt.timedelta(hours=30), "1:15"], "time", [dt.timedelta(hours=30), dt.timedelta(hours=1, minutes=15)]),
        ([1, ErrorWord("#N/A"), 3], "number", [1, None, 3]),
        (["north", "-", "n/a"], "text", ["north", None, None]),
        (["north", "", " "], "text", ["north", None, None]),  # what a formula that gives "" leaves
        ([None, None], "empty", [None, None]),
    ],
)
def test_types(values: list[Any], kind: str, became: list[Any]) -> None:
    assert settled(cells(*values)) == (kind, became)


def test_the_column_decides_not_the_cell() -> None:
    first, second = cells("05/02/2024"), cells("25/12/2024")
    assert settled(first, second) == ("date", [D(2024, 2, 5), D(2024, 12, 25)])
    assert settled(first, order="mdy") == ("date", [D(2024, 5, 2)])
    assert decide("x", [first]).doubt == ("doubt_dates_ambiguous", {"name": "x", "found": "05/02/2024"})
    mixed = decide("x", [second, cells("12/25/2024"), first])
    assert (mixed.type, mixed.doubt and mixed.doubt[0]) == ("text", "doubt_dates_mixed")


def test_numbers_under_a_date_header_are_serials_and_doubted() -> None:
    decision = decide("Hire Date", [cells(39690, 38572)])
    assert decision.type == "date"
    assert decision.doubt is not None
    assert settled(cells(39690), name="count") == ("number", [39690])
    assert settled(cells(20240131, 20240229), name="日期") == ("date", [D(2024, 1, 31), D(2024, 2, 29)])
    assert settled(cells(20240131, 20240230), name="日期")[0] == "number"


def test_a_few_words_among_numbers_are_strays() -> None:
    chunk = cells(*range(20), "abc")
    cast = decide("x", [chunk]).cast(chunk)
    assert cast.array.to_pylist() == [*range(20), None]
    assert cast.strays.tolist() == [20]
    assert [(each.action, each.reason) for each in cast.oddities] == [("error", "change_no_number")]


def test_what_a_person_names_is_missing() -> None:
    chunk = cells(-200, 3, "none of it", 5)
    decision = decide("x", [chunk], missing=("-200", "None of it"))
    cast = decision.cast(chunk)
    assert cast.array.to_pylist() == [None, 3, None, 5]
    assert [(each.reason, each.rows.tolist()) for each in cast.oddities] == [("change_named_missing", [0, 2])]


def test_a_type_that_is_asked_for_is_given() -> None:
    assert settled(cells("1001", "x"), wanted="numeric") == ("number", [1001, None])
    assert settled(cells(7, 8), wanted="id") == ("text", ["7", "8"])


def test_where_everything_is_text_the_look_decides() -> None:
    assert settled(cells("10", "20", free=True)) == ("number", [10, 20])
    assert settled(cells("01", "20", free=True)) == ("text", ["01", "20"])


def test_cells_are_shown_as_a_person_sees_them() -> None:
    shown = as_texts(cells(5.0, 0.1, D(2024, 1, 31), dt.timedelta(hours=26), True, "x", ErrorWord("#REF!"), None))
    assert shown.to_pylist() == ["5", "0.1", "2024-01-31", "26:00:00", "true", "x", "#REF!", None]
