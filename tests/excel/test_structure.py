"""Where the table stands on a sheet."""

from typing import Any

import pytest

from xltrain.excel.read import Preview
from xltrain.excel.structure import find_table

H = ["name", "kind", "n", "m"]
ROWS: list[list[Any]] = [["x", "k", 1, 2.5], ["y", "k", 2, 3.5], ["z", None, 3, 4.5]]


def header_row(*rows: list[Any]) -> int:
    return find_table(Preview(list(rows), len(rows), 4)).header_row


@pytest.mark.parametrize(
    ("rows", "row"),
    [
        ([H, *ROWS], 1),
        ([["Report 2024"], [], ["by", "head office"], [], H, *ROWS], 5),
        ([["some", "notes", "on top"], ["or", "merged"], H, *ROWS], 3),
        ([["name", 2021, 2022, 2023], ["x", 1, 2, 3], ["y", 4, 5, 6]], 1),
        ([["a", "b"], ["x", "y"], ["z", "w"]], 1),
        ([["city", "street", "a note", "n"], ["A", "B", "C", 1], ["D", "E", "F", 2]], 1),
        ([H, ["", "", "(kg)", "(cm)"], *ROWS], 1),
        ([["only"], ["one"], ["column"]], 1),
        ([[1, 2], [3, 4], [5, 6]], 0),
    ],
)
def test_the_header_is_found(rows: list[list[Any]], row: int) -> None:
    assert header_row(*rows) == row


def test_a_given_header_is_taken() -> None:
    found = find_table(Preview([["no"], H, H, *ROWS], 6, 4), 3)
    assert (found.header_row, found.first_row) == (3, 4)


def test_no_header_starts_at_the_first_wide_row() -> None:
    found = find_table(Preview([["x"], [], [1, 2, 3], [4, 5, 6]], 4, 3))
    assert (found.header_row, found.first_row) == (0, 3)


def test_sheets_without_a_table() -> None:
    assert find_table(Preview([], 0, 0)).reason == "sheet_empty"
    assert find_table(Preview([H], 1, 4)).reason == "sheet_no_rows"
