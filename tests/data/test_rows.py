"""Which rows of a table are data."""

from typing import Any

from xltrain.data.rows import sort_out
from xltrain.excel.grid import NamedTable, Sum, grid_of
from xltrain.excel.structure import find_tables


def dropped(rows: list[list[Any]], **more: Any) -> list[tuple[int, str]]:
    grid = grid_of(enumerate(rows, 1), **more)
    return [(each.row, each.reason) for each in sort_out(grid, find_tables(grid)[0][0]).dropped]


def test_every_level_of_a_repeated_header_is_left_out() -> None:
    header = [[None, "plan", None], ["shop", "a", "b"]]
    days = [["x", 1, 2], ["y", 3, 4]]
    rows = [*header, *days, [], *header, *days]
    assert dropped(rows, merges=((1, 2, 1, 3), (6, 2, 6, 3))) == [(6, "dropped_header"), (7, "dropped_header")]


def test_years_of_a_repeated_header_count() -> None:
    header = ["shop", 2021, 2022, 2023]
    assert dropped([header, ["x", 1, 2, 3], ["y", 4, 5, 6], header, ["z", 7, 8, 9]]) == [(4, "dropped_header")]


def test_many_subtotals_are_no_running_total() -> None:
    rows: list[list[Any]] = [["shop", "n"]]
    sums = []
    for first in (2, 5, 8, 11):  # numbers as texts, which the formula passes over
        rows += [["x", "1"], ["y", "2"], ["North total", 0]]
        sums.append(Sum(first + 2, 2, first, first + 1))
    assert [row for row, _ in dropped(rows, sums=tuple(sums))] == [4, 7, 10, 13]


def test_what_an_excel_table_calls_totals_is_no_data_whatever_it_says() -> None:
    rows = [["shop", "size", "price"], ["x", 1, 5], ["y", 2, 7], ["z", 9, 6], ["most", 4, 7]]
    declared = NamedTable("Sales", (1, 1, 5, 3), totals=1)
    assert dropped(rows, tables=(declared,)) == [(5, "dropped_total")]
    assert not dropped(rows, tables=(NamedTable("Sales", (1, 1, 5, 3)),))
    grid = grid_of(enumerate(rows, 1), tables=(declared,))
    assert not sort_out(grid, find_tables(grid)[0][0]).controls  # a count or an average is not called a wrong sum


def test_blanks_add_up_to_nothing() -> None:
    rows = [
        ["shop", "kind", "n"],
        ["x", "k", 1],
        ["小计", None, 1],
        ["y", "k", None],
        ["z", "k", None],
        ["小计", None, 0],
    ]
    grid = grid_of(enumerate(rows, 1), sums=(Sum(3, 3, 2, 2), Sum(6, 3, 4, 5)))
    found = sort_out(grid, find_tables(grid)[0][0])
    assert [(each.row, each.agrees) for each in found.controls] == [(3, True)]
    assert [each.row for each in found.dropped] == [3, 6]


def test_a_running_total_leaves_its_rows() -> None:
    rows = [["shop", "n"], *[["x", number] for number in range(1, 12)]]
    assert not dropped(rows, sums=tuple(Sum(row, 2, 2, row - 1) for row in range(5, 13)))
