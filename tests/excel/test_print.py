"""How sheets print: as wide as the page, ending between parts; headers as high as their texts."""

from pathlib import Path

import openpyxl
import pytest

from xltrain.excel.write import Sheet, decimal_format, lines, new_book, wrapped


def printed(folder: Path, parts: list[tuple[int, bool]], last: int, folded: int = -1) -> openpyxl.worksheet.worksheet:
    path = folder / "a.xlsx"
    with new_book(path) as book:
        sheet = book.sheet("a")
        for column in range(18):
            sheet.width(column, 8.43)
        if folded >= 0:
            sheet.group(folded)
        for row, apart in parts:
            sheet.part(row, apart)
        sheet.print_parts(last, 18)
    return openpyxl.load_workbook(path)["a"]


def test_a_page_ends_between_parts(tmp_path: Path) -> None:
    page = printed(tmp_path, [(3, False), (8, False), (28, False), (48, False), (68, False)], 88)
    assert [each.id for each in page.row_breaks.brk] == [28, 68]
    assert page.print_area == "'a'!$A$1:$R$89"
    assert 60 < page.page_setup.scale < 100
    assert not page.sheet_properties.pageSetUpPr or not page.sheet_properties.pageSetUpPr.fitToPage


def test_high_rows_leave_less_room(tmp_path: Path) -> None:
    path = tmp_path / "b.xlsx"
    with new_book(path) as book:
        sheet = book.sheet("a")
        for column in range(18):
            sheet.width(column, 8.43)
        sheet.page.set_row(4, 150)
        for row in (3, 20):
            sheet.part(row)
        sheet.print_parts(37, 18)
    assert [each.id for each in openpyxl.load_workbook(path)["a"].row_breaks.brk] == [20]
    assert not printed(tmp_path, [(3, False), (20, False)], 37).row_breaks.brk


def test_what_stands_apart_begins_a_page(tmp_path: Path) -> None:
    page = printed(tmp_path, [(3, False), (10, True)], 20)
    assert [each.id for each in page.row_breaks.brk] == [10]


def test_folded_columns_take_no_room(tmp_path: Path) -> None:
    whole = printed(tmp_path, [], 5).page_setup.scale
    assert printed(tmp_path, [], 5, folded=4).page_setup.scale > whole


def test_the_first_columns_that_one_can_read(tmp_path: Path) -> None:
    with new_book(tmp_path / "a.xlsx") as book:
        sheet: Sheet = book.sheet("a")
        for column in range(10):
            sheet.width(column, 40)
        sheet.print_first(9, 10)
        assert sheet.fitting(10, 30.0) == 1
    assert openpyxl.load_workbook(tmp_path / "a.xlsx")["a"].print_area == "'a'!$A$1:$C$10"


@pytest.mark.parametrize(
    ("header", "width", "count"),
    [("rank", 8, 1), ("share of all error", 9, 2), ("可疑程度", 8, 2), ("训练损失（前十轮）", 7, 3), ("a", 1, 1)],
)
def test_lines_of_a_header(header: str, width: float, count: int) -> None:
    assert wrapped(header, width) == count
    assert lines(header, 1000) == 1


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ([12.2, 14.25, 19.35], "#,##0.00"),
        ([1.0, 17.0, float("nan")], "#,##0"),
        ([1.5, 2.0], "#,##0.0"),
        ([1e6, 2e6], "#,##0"),
        ([1 / 3, 2 / 7, 0.1234567], "0.0000"),
        ([1e300, 0.5, 12.0], "#,##0.0"),
        ([], "#,##0"),
    ],
)
def test_a_format_with_the_decimals_of_the_values(values: list[float], shown: str) -> None:
    assert decimal_format(values).replace("#,##0.0000", "0.0000") == shown
