"""Every workbook of the shared folder merges, or is refused for a stated reason: exact counts, headers and places."""

import time
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from tests.shared import shared
from xltrain.data.inputs import Rules
from xltrain.data.join import Join
from xltrain.errors import WorkbookError
from xltrain.workflow.merge import Merged, merge


def types_of(done: Merged) -> list[str]:
    return [column.type for column in done.report.columns]


def read(name: str, **asked: Any) -> Merged:
    return merge(str(shared(name)), **asked)


@pytest.mark.parametrize(
    ("name", "rows", "header", "types"),
    [
        ("uci/concrete.xls", 1030, (1,), ["number"] * 9),
        ("uci/energy_efficiency_ENB2012.xlsx", 768, (1,), ["number"] * 10),
        ("uci/raisin.xlsx", 900, (1,), [*["number"] * 7, "text"]),
        ("uci/air_quality.xlsx", 9357, (1,), ["date", "time", *["number"] * 13]),
        ("uci/ccpp_folds5x2.xlsx", 47_840, (1,), ["number"] * 5),
        ("zoomer_sales", 23_085, (1,), ["text", "text", "date", "text", "text", "number", "text"]),
        ("messy/readxl_deaths.xlsx", 20, (5,), ["text", "text", "number", "boolean", "date", "date"]),
        ("messy/abs_6202021.xlsx", 148, (10,), ["date", *["number"] * 7]),
        ("cjk/soumu_000925835.xlsx", 1985, (1,), ["text"] * 5),
    ],
)
def test_rows_headers_and_types(name: str, rows: int, header: tuple[int, ...], types: list[str]) -> None:
    done = read(name)
    assert done.rows == rows
    assert {source.header_rows for source in done.report.sources if source.kept} == {header}
    assert types_of(done) == types
    assert not done.report.strays


@pytest.mark.parametrize(
    ("name", "sheet", "column"),
    [
        ("uci/energy_efficiency_ENB2012.xlsx", "Φύλλο1", "Y2"),
        ("messy/readxl_deaths.xlsx", "other", "Name"),
        ("messy/abs_6202021.xlsx", "Data1", "A84426292W"),
        ("zoomer_sales/new/February.xlsx", "Sheet1", "amount"),
        ("cjk/soumu_000925835.xlsx", "R6.1.1政令指定都市", "団体コード"),
    ],
)
def test_every_place_holds_the_value(name: str, sheet: str, column: str) -> None:
    done = merge(f"{shared(name)}!{sheet}")
    page = openpyxl.load_workbook(shared(name), data_only=True)[sheet]
    values = done.table.data.column(column).to_pylist()
    for index in range(0, len(values), max(1, len(values) // 200)):
        place = done.table.place(index, column)
        stored = page.cell(place.row, place.column).value
        assert stored == values[index] or str(stored) == values[index], place  # codes stand as numbers too


def test_sheets_that_are_no_data_are_left_out_with_a_reason() -> None:
    reasons = {
        source.sheet: source.reason
        for name in ("uci/raisin.xlsx", "uci/concrete.xls", "messy/abs_6202021.xlsx")
        for source in read(name).report.sources
        if not source.kept
    }
    assert reasons.keys() == {"Citation_Request", "Sheet2", "Sheet3", "Index", "Enquiries"}
    assert reasons["Citation_Request"] == reasons["Enquiries"] == "holds sentences, not a table"
    assert reasons["Sheet2"] == "the sheet is empty"


def test_a_column_that_the_old_book_lacks_is_empty_there() -> None:
    done = read("zoomer_sales")
    status = done.table.data.column("status")
    assert status.null_count == 5098
    lacking = [source for source in done.report.sources if source.missing]
    assert [(Path(source.file).name, source.missing) for source in lacking] == [("January.xls", ("status",))]


def test_months_join_their_customers_without_a_row_more() -> None:
    folder = shared("pbpython")
    customers = f"{folder / 'customer-status.xlsx'}!Sheet1"
    months = [str(path) for path in sorted(folder.glob("sales-*.xlsx"))]
    done = merge(months, joins=[Join(customers, (("account number", "account number"),))])
    assert done.rows == 108 + 134 + 142
    told = done.report.joins[0]
    assert (told.matched, told.unmatched_left) == (307, 77)
    assert sorted(key for key, _ in told.left) == ["163416", "383080", "604255", "737550"]
    assert done.report.calendar is not None
    assert done.report.calendar.rows.sum(axis=0).tolist() == [134, 108, 142]


def test_five_copies_of_the_same_rows_are_called_out() -> None:
    done = read("uci/ccpp_folds5x2.xlsx")
    assert done.report.duplicates is not None
    assert len(done.report.duplicates.sheets) == 10
    assert any(str(doubt).startswith("5 sheets repeat one another") for doubt in done.report.doubts)
    assert read("uci/ccpp_folds5x2.xlsx", rules=Rules(drop_duplicates=True)).rows == 9527


def test_sentinels_that_are_named_are_missing() -> None:
    done = read("uci/air_quality.xlsx", rules=Rules(missing=("-200",)))
    assert done.table.data.column("NMHC(GT)").null_count == 8443


def test_the_banner_goes_and_errors_are_told() -> None:
    done = read("messy/janitor_dirty_data.xlsx")
    assert done.rows == 12
    assert done.table.names[:2] == ["First Name", "Last Name"]
    assert "Certification (2)" in done.table.names
    errors = [(change.place.address, change.was) for change in done.report.changes if change.action == "error"]
    assert errors == [("D6", "#REF!"), ("F13", "#N/A"), ("F14", "#N/A")]
    assert types_of(done)[4] == "date"


def test_codes_keep_their_zeros() -> None:
    codes = read("cjk/soumu_000925835.xlsx").table.data.column("団体コード").to_pylist()
    assert codes[0] == "010006"
    assert {len(code) for code in codes} == {6}


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("oleloop.xls", "MSAT"),
        ("panic.xlsb", "gave up"),
        ("password_is_password.xlsx", "XLTRAIN_PASSWORD"),
        ("xmlbomb.xlsx", "entities"),
    ],
)
def test_hostile_books_end_in_one_line(name: str, says: str) -> None:
    start = time.monotonic()
    with pytest.raises(WorkbookError, match=says) as caught:
        read(f"hostile/{name}")
    assert len(caught.value.problems) == 1
    assert "\n" not in str(caught.value)
    assert time.monotonic() - start < 20


def test_error_cells_are_never_blank() -> None:
    done = read("hostile/only_error_cells.xlsx")
    assert done.report.counts["error"] == 3


def test_a_password_opens_a_book() -> None:
    from xltrain.errors import DataError

    with pytest.raises(DataError, match="no row below the header"):  # its only row
        read("hostile/password_is_password.xlsx", rules=Rules(password="password"))
