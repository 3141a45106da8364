"""Sheets that people filled in by hand become one table; every row knows where it stood."""

import datetime as dt
from pathlib import Path

import openpyxl
import pytest

from tests.books import write_rows, write_sheets
from tests.shared import shared
from xltrain.config.settings import Column
from xltrain.data.inputs import Input
from xltrain.data.merge import merge
from xltrain.data.table import MergeReport, Table
from xltrain.errors import DataError, WorkbookError


def stack(*paths: Path, columns: tuple[Column, ...] = ()) -> tuple[Table, MergeReport]:
    return merge([Input(path, path.name) for path in paths], columns)


def test_headers_that_drift_meet_in_one_column(tmp_path: Path) -> None:
    one = write_rows(tmp_path / "1.xlsx", [["branch", "面积(㎡)", "avg price"], ["A", 10, 1.5], ["B", 20, 2]])
    rows = [["报表"], [], ["Avg\nPrice ", " Branch", "面积（㎡）"], [3.5, "C", 30], [4, "D", 40]]
    two = write_rows(tmp_path / "2.xlsx", rows)
    table, report = stack(one, two)
    assert table.names == ["branch", "面积(㎡)", "avg price"]
    assert table.data.column("avg price").to_pylist() == [1.5, 2.0, 3.5, 4.0]
    assert str(table.place(2, "avg price")) == "2.xlsx!Data!A4"
    assert [source.header_row for source in report.sources] == [1, 3]
    assert not report.doubts


def test_places_are_right_in_every_real_book() -> None:
    folder = shared("pbpython")
    paths = sorted(folder.glob("sales-*.xlsx"))
    table, _ = stack(*paths)
    assert len(table) == 384
    books = {path.name: openpyxl.load_workbook(path)["Sheet1"] for path in paths}
    for index in range(0, 384, 29):
        place = table.place(index, "ext price")
        assert books[place.file].cell(place.row, place.column).value == table.data.column("ext price")[index].as_py()


def test_a_column_that_one_book_lacks_is_empty_there(tmp_path: Path) -> None:
    one = write_rows(tmp_path / "1.xlsx", [["a", "b"], [1, 2]])
    two = write_rows(tmp_path / "2.xlsx", [["a"], [3], [4]])
    table, report = stack(one, two)
    assert table.data.column("b").to_pylist() == [2, None, None]
    assert report.sources[1].missing == ("b",)


def test_totals_blank_rows_and_repeated_headers_are_no_data(tmp_path: Path) -> None:
    rows = [["name", "kind", "n"], ["x", "k", 1], [], ["name", "kind", "n"], ["合 计：", None, 1], ["total", "k", 5]]
    table, report = stack(write_rows(tmp_path / "a.xlsx", rows))
    assert table.data.column("name").to_pylist() == ["x", "total"]
    assert [(change.place.row, change.action) for change in report.changes] == [(4, "dropped"), (5, "dropped")]
    assert (report.sources[0].rows, report.sources[0].kept, report.sources[0].dropped) == (4, 2, 2)


def test_numbers_as_text_become_numbers_where_numbers_stand(tmp_path: Path) -> None:
    one = write_rows(tmp_path / "1.xlsx", [["n", "code"], [1, "007"], [2.5, "010"], [3, "9"]])
    two = write_rows(tmp_path / "2.xlsx", [["n", "code"], ["1,234.5", "011"], ["－", "12"]])
    table, report = stack(one, two)
    assert table.data.column("n").to_pylist() == [1.0, 2.5, 3.0, 1234.5, None]
    assert table.data.column("code").to_pylist() == ["007", "010", "9", "011", "12"]
    assert [(str(change.place), change.was) for change in report.changes if change.became] == [
        ("2.xlsx!Data!A2", "1,234.5")
    ]


def test_long_numbers_and_codes_stay_text(tmp_path: Path) -> None:
    rows = [["id", "zip"], ["6222021234567890123", "0451"], ["6222021234567890124", 1234]]
    table, _ = stack(write_rows(tmp_path / "a.xlsx", rows))
    assert table.data.column("id").to_pylist()[0] == "6222021234567890123"
    assert table.data.column("zip").to_pylist() == ["0451", "1234"]


def test_error_cells_are_reported(tmp_path: Path) -> None:
    table, report = stack(write_rows(tmp_path / "a.xlsx", [["a", "b"], [1, "=1/0"], [2, 5]]))
    assert table.data.column("b").to_pylist() == [None, 5]
    assert [(str(change.place), change.action, change.was) for change in report.changes] == [
        ("a.xlsx!Data!B2", "error", "#DIV/0!")
    ]
    assert report.columns[1].errors == 1


def test_a_word_in_a_column_of_numbers_is_a_doubt_with_its_place(tmp_path: Path) -> None:
    rows = [["n", "m"], *[[number, 1] for number in range(30)], ["abc", 1], ["def", 2]]
    table, report = stack(write_rows(tmp_path / "a.xlsx", rows))
    assert "a.xlsx!Data!A32: expected a number in 'n', got 'abc'" in str(report.doubts[0])
    assert "1 more" in str(report.doubts[0])
    assert table.data.column("n").null_count == 2
    _, quiet = stack(tmp_path / "a.xlsx", columns=(Column("n", missing=("abc", "DEF")),))
    assert not quiet.doubts


def test_sentinels_are_missing_where_a_job_says_so(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "a.xlsx", [["n", "m"], [-200, 1], [3, -200]])
    table, _ = stack(path, columns=(Column("n", missing=("-200",)),))
    assert table.data.column("n").to_pylist() == [None, 3]
    assert table.data.column("m").to_pylist() == [1, -200]


def test_aliases_match(tmp_path: Path) -> None:
    one = write_rows(tmp_path / "1.xlsx", [["price", "n"], [1, 1]])
    two = write_rows(tmp_path / "2.xlsx", [["单价", "n"], [2, 2]])
    table, _ = stack(one, two, columns=(Column("price", aliases=("单价",)),))
    assert table.data.column("price").to_pylist() == [1, 2]


def test_dates_and_texts_that_are_dates(tmp_path: Path) -> None:
    one = write_rows(tmp_path / "1.xlsx", [["d", "n"], [dt.date(2024, 1, 2), 1]])
    two = write_rows(tmp_path / "2.xlsx", [["d", "n"], ["2024年3月4日", 1], ["2024/5/6", 2]])
    table, report = stack(one, two)
    assert table.data.column("d").to_pylist() == [
        dt.datetime(2024, 1, 2),
        dt.datetime(2024, 3, 4),
        dt.datetime(2024, 5, 6),
    ]
    assert len(report.changes) == 2


def test_a_sheet_that_is_no_data_is_left_out_with_a_reason(tmp_path: Path) -> None:
    path = write_sheets(
        tmp_path / "a.xlsx",
        {"Data": [["a", "b"], [1, 2], [3, 4]], "Citation": [["Cite"], ["as this"]], "Empty": []},
    )
    table, report = stack(path)
    assert table.names == ["a", "b"]
    assert {source.sheet for source in report.sources if source.reason} == {"Citation", "Empty"}


def test_duplicate_headers_are_numbered_and_name_both_cells(tmp_path: Path) -> None:
    table, report = stack(write_rows(tmp_path / "a.xlsx", [["a", "b", " A"], [1, 2, 3]]))
    assert table.names == ["a", "b", "A (2)"]
    assert "a.xlsx!Data!C1" in str(report.doubts[0])
    assert "A1" in report.doubts[0].message


def test_all_unreadable_books_at_once(tmp_path: Path) -> None:
    with pytest.raises(WorkbookError) as caught:
        stack(tmp_path / "no.xlsx", write_rows(tmp_path / "a.xlsx", [["a"], [1]]), tmp_path / "none.xlsx")
    assert [problem.place.file for problem in caught.value.problems if problem.place] == ["no.xlsx", "none.xlsx"]


def test_an_empty_book_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="empty"):
        stack(write_rows(tmp_path / "a.xlsx", []))


def test_csv_values_are_typed_by_their_look(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("name,n,code,d\nx,1.5,007,2024-01-02\ny,,008,2024-01-03\n", encoding="utf-8")
    table, report = stack(path)
    assert table.data.to_pylist()[0] == {"name": "x", "n": 1.5, "code": "007", "d": dt.datetime(2024, 1, 2)}
    assert not report.changes


def test_a_table_of_something_else_is_not_stacked(tmp_path: Path) -> None:
    sales = write_rows(
        tmp_path / "sales.xlsx", [["id", "name", "sku", "price", "date"], *[[n, "x", "s", 2, 3] for n in range(5)]]
    )
    customers = write_rows(tmp_path / "customers.xlsx", [["id", "name", "status"], [1, "x", "gold"]])
    table, report = stack(customers, sales)
    assert len(table) == 5
    assert "status" not in table.names
    assert [problem.place.file for problem in report.doubts if problem.place] == ["customers.xlsx"]


def test_a_cell_that_was_trimmed_and_became_a_number_counts_once(tmp_path: Path) -> None:
    rows = [["name", "size"], *([f"row {at}", at] for at in range(20)), ["a ", " 7 "], ["b", " 8"]]
    _, report = stack(write_rows(tmp_path / "a.xlsx", rows))
    assert report.counts == {"coerced": 3}
    cells = [str(each.place).rpartition("!")[2] for each in report.changes]
    assert sorted(cells) == ["A22", "B22", "B23"]
