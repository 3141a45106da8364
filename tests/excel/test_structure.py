"""Where tables stand on a sheet, and what their columns are called."""

import datetime as dt
from typing import Any

import pytest

from xltrain.excel.grid import NamedTable, grid_of
from xltrain.excel.structure import Area, Asked, find_tables

NOTHING = Asked()
H = ["name", "kind", "n", "m"]
ROWS: list[list[Any]] = [["x", "k", 1, 2.5], ["y", "k", 2, 3.5], ["z", None, 3, 4.5]]


def tables(rows: list[list[Any]], asked: Asked = NOTHING, **more: Any) -> list[Area]:
    return find_tables(grid_of(enumerate(rows, 1), **more), asked)[0]


def only(rows: list[list[Any]], asked: Asked = NOTHING, **more: Any) -> Area:
    found = tables(rows, asked, **more)
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(
    ("rows", "header"),
    [
        ([H, *ROWS], (1,)),
        ([["Report 2024"], [], ["by", "head office"], [], H, *ROWS], (5,)),
        ([["some", "notes", "on top"], ["or", "merged"], H, *ROWS], (3,)),
        ([["name", 2021, 2022, 2023], ["x", 1, 2, 3], ["y", 4, 5, 6]], (1,)),
        ([["name", dt.date(2024, 1, 1), dt.date(2024, 2, 1)], ["x", 1, 2], ["y", 4, 5]], (1,)),
        ([["a", "b"], ["x", "y"], ["z", "w"]], (1,)),
        ([["city", "street", "a note", "n"], ["A", "B", "C", 1], ["D", "E", "F", 2]], (1,)),
        ([H, ["", "", "(kg)", "(cm)"], *ROWS], (1,)),
        ([["only"], ["one"], ["column"]], (1,)),
        ([[1, 2], [3, 4], [5, 6]], ()),
        ([["Anna", "Rome", 31, 1.5], ["Ben", "Oslo", 28, 2.5], ["Cleo", "Bonn", 45, 3.5]], ()),
        ([["1.5", "2.5"], ["3.5", "4.5"], ["5", "6"]], ()),
    ],
)
def test_the_header_is_found(rows: list[list[Any]], header: tuple[int, ...]) -> None:
    assert only(rows).header_rows == header


def test_metadata_between_two_rows_of_words_is_no_data() -> None:
    days = [[dt.date(2024, 1, day), day, 2 * day] for day in range(1, 20)]
    top = [["", "jobs", "hours"], ["Unit", "thousand", "million"], ["Obs.", 19, 18], ["Series ID", "A1", "A2"]]
    found = only([*top, *days])
    assert (found.header_rows, found.first_row) == ((4,), 5)


def test_levels_of_a_header_are_joined_downwards() -> None:
    rows = [
        ["地区", 2024, None, None, None],
        [None, "Q1", None, "Q2", None],
        [None, "销售额", "成本", "销售额", "成本"],
        ["华北", 1, 2, 3, 4],
        ["华东", 5, 6, 7, 8],
    ]
    found = only(rows, merges=((1, 1, 3, 1), (1, 2, 1, 5), (2, 2, 2, 3), (2, 4, 2, 5)))
    assert found.header_rows == (1, 2, 3)
    assert list(found.headers.values()) == [
        "地区",
        "2024 / Q1 / 销售额",
        "2024 / Q1 / 成本",
        "2024 / Q2 / 销售额",
        "2024 / Q2 / 成本",
    ]


def test_levels_without_merged_cells_are_seen_where_names_repeat() -> None:
    rows = [["x", "plan", None, "actual", None], ["shop", "a", "b", "a", "b"], ["S", 1, 2, 3, 4], ["T", 1, 2, 3, 4]]
    assert list(only(rows).headers.values()) == ["x / shop", "plan / a", "plan / b", "actual / a", "actual / b"]


def test_a_title_over_all_columns_is_no_level() -> None:
    found = only([["Sales 2024"], H, *ROWS], merges=((1, 1, 1, 4),))
    assert (found.header_rows, list(found.headers.values())) == ((2,), H)


def test_units_below_the_header_are_kept_apart() -> None:
    found = only([["shop", "weight", "price"], [None, "(kg)", "元"], ["a", 1, 2], ["b", 3, 4]])
    assert (found.header_rows, found.first_row, dict(found.units)) == ((1,), 3, {2: "kg", 3: "元"})


def test_several_tables_are_told_apart() -> None:
    below = [H, *ROWS * 4, [], ["Summary"], ["kind", "sum"], ["k", 6], ["l", 7]]
    assert [(each.top, each.last_row) for each in tables(below)] == [(1, 13), (16, 18)]
    legend = [["code", "meaning"], ["x", "yes"], ["y", "no"]]
    beside = [[*row, None, *(legend[index] if index < 3 else [])] for index, row in enumerate([H, *ROWS * 4])]
    assert [each.columns for each in tables(beside)] == [(1, 4), (6, 7)]


def test_a_blank_column_inside_a_table_does_not_cut_it() -> None:
    rows = [[*row[:2], None, *row[2:]] for row in [H, *ROWS]]
    assert list(only(rows).headers) == [1, 2, 4, 5]


def test_an_excel_table_is_taken_with_what_was_typed_below_it() -> None:
    rows = [["note"], H, *ROWS, ["new", "k", 9, 9], [], ["far", "away", 1, 2]]
    found = only(rows, tables=(NamedTable("Sales", (2, 1, 5, 4)),))
    assert (found.name, found.header_rows, found.last_row) == ("Sales", (2,), 6)


def test_what_a_person_asks_for_is_taken() -> None:
    rows = [["no"], H, H, *ROWS]
    assert only(rows, Asked(header=(3,))).first_row == 4
    assert only(rows, Asked(header=(0,))).first_row == 1
    assert only(rows, Asked(skip_rows=2)).header_rows == (3,)
    assert list(only(rows, Asked(cells=(3, 2, 5, 3))).headers.values()) == ["kind", "n"]


def test_no_header_starts_at_the_first_wide_row() -> None:
    found = only([["x"], [], [1, 2, 3], [4, 5, 6]])
    assert (found.header_rows, found.first_row) == ((), 3)


def test_sheets_without_a_table() -> None:
    assert find_tables(grid_of([])) == ([], "sheet_empty")
    assert find_tables(grid_of([(1, H)])) == ([], "sheet_no_rows")


def test_levels_count_where_words_alone_stand_below() -> None:
    rows = [["city", "Q1", None], [None, "city", "kind"], ["A", "B", "c"], ["D", "E", "f"]]
    assert only(rows, merges=((1, 1, 2, 1), (1, 2, 1, 3))).header_rows == (1, 2)
    rows = [[None, 2023, None], [None, "Q1", None], ["city", "city", "kind"], ["A", "B", "c"], ["D", "E", "f"]]
    found = only(rows, merges=((1, 2, 1, 3), (2, 2, 2, 3)))
    assert (found.header_rows, found.headers[3]) == ((1, 2, 3), "2023 / Q1 / kind")


def test_a_group_that_is_not_at_the_left_is_no_title() -> None:
    rows = [[None, "Q1"], ["city", "city", "kind", "a", "b"], ["A", "B", "c", "d", 1], ["D", "E", "f", "g", 2]]
    assert only(rows, merges=((1, 2, 1, 5),)).header_rows == (1, 2)


@pytest.mark.parametrize("year", [2023, "2023", "２０２３"])
def test_a_year_over_values_is_a_level(year: Any) -> None:
    rows = [["city", year, None], [None, "a", "b"], ["A", 1, 2], ["B", 3, 4]]
    assert only(rows, merges=((1, 1, 2, 1), (1, 2, 1, 3))).header_rows == (1, 2)


def test_a_header_with_a_colon_is_no_note_where_cells_are_merged_downwards() -> None:
    rows = [["city:", "Q1", None], [None, "a", "b"], ["A", 1, 2], ["B", 3, 4]]
    assert only(rows, merges=((1, 1, 2, 1), (1, 2, 1, 3))).header_rows == (1, 2)


@pytest.mark.parametrize("note", [["Printed on:", dt.date(2024, 5, 6)], ["部门：", "总部"]])
def test_notes_as_wide_as_the_table_are_not_its_header(note: list[Any]) -> None:
    assert only([note, ["Stock"], ["shop", "n"], ["x", 1], ["y", 2]]).header_rows == (3,)


def test_a_blank_in_the_first_row_makes_it_no_level_of_the_header() -> None:
    rows = [["city", "code", "kind"], ["A", None, "A"], ["B", "351339", None], ["C", "325172", "D"]]
    assert only(rows).header_rows == (1,)


def test_a_row_with_a_blank_after_a_gap_begins_no_table() -> None:
    rows = [H, *ROWS * 3, [], ["x", "k", None, None], ["y", "k", 2, 3.5]]
    assert only(rows).last_row == 13


def test_a_repeated_header_of_two_levels_begins_no_table() -> None:
    header = [[None, "Q1", None], ["day", "a", "b"]]
    days = [[dt.date(2024, 1, day), "x", "y"] for day in (1, 2)]
    found = only([*header, *days, [], *header, *days, *days], merges=((1, 2, 1, 3), (6, 2, 6, 3)))
    assert (found.header_rows, found.last_row) == ((1, 2), 11)
