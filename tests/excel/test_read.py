"""Small sheets keep their rows and kinds, and no file takes the program down."""

import datetime as dt
import re
import zipfile
from pathlib import Path

import pytest

from tests.books import write_rows, write_sheets
from tests.shared import shared
from xltrain.errors import WorkbookError
from xltrain.excel.book import open_book
from xltrain.excel.grid import Grid
from xltrain.excel.read import read_cells, serial_date, sheet_names
from xltrain.excel.scan import Package, is_date_format, look, rows
from xltrain.language import text


def lines(grid: Grid) -> dict[int, list[object]]:
    """Sheet row -> values from column A on."""
    return {
        int(row): [grid.line(index).get(column) for column in range(1, grid.last_column + 1)]
        for index, row in enumerate(grid.numbers)
    }


def test_blank_rows_and_columns_keep_their_numbers(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "a.xlsx", [[], [], [None, "name", "n"], [None, "x", 1], [], [None, "y", 2.5]])
    with open_book(path) as book:
        assert lines(book.grid("Data")) == {3: [None, "name", "n"], 4: [None, "x", 1], 6: [None, "y", 2.5]}
    assert read_cells(path, "Data")[2] == [None, "name", "n"]


def test_a_column_of_several_kinds_keeps_every_digit_and_kind(tmp_path: Path) -> None:
    values = [1 / 3, "007", None, dt.datetime(2024, 2, 29), "n/a", True, 12]
    path = write_rows(tmp_path / "a.xlsx", [[value, "x"] for value in values])
    with open_book(path) as book:
        assert [line[0] for line in lines(book.grid("Data")).values()] == values


def test_cells_of_a_small_sheet(tmp_path: Path) -> None:
    path = write_sheets(tmp_path / "a.xlsx", {"One": [["a"]], "二": [["=", True], [], [0.05, dt.date(2024, 3, 1)]]})
    assert sheet_names(path) == ["One", "二"]
    assert read_cells(path, "二")[2] == [0.05, dt.datetime(2024, 3, 1)]


def test_old_formats_are_read_by_a_worker() -> None:
    path = shared("uci/concrete.xls")
    assert sheet_names(path) == ["Sheet1", "Sheet2", "Sheet3"]
    assert read_cells(path, "Sheet1")[1][:2] == [540.0, 0]


def test_only_the_rows_asked_for_are_read(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "a.xlsx", [[f"r{row}", row] for row in range(1, 40)])
    with Package(path) as package:
        part = package.sheets[0].part
        found = list(rows(package, part, 3, 5))
        assert [row.number for row in found] == [3, 4, 5]
        assert package.strings[int(found[0].cells[0].value)] == "r3"
        assert look(package, part).last_row == 39


@pytest.mark.parametrize(
    ("code", "shows"),
    [
        ("yyyy-mm-dd", True),
        ("General", False),
        ("0.00", False),
        ("[h]:mm", True),
        ('0.0 "days"', False),
        ("[Red]0", False),
    ],
)
def test_date_formats(code: str, shows: bool) -> None:
    assert is_date_format(code) is shows


def test_serial_dates() -> None:
    assert serial_date(1) == dt.datetime(1900, 1, 1)
    assert serial_date(61) == dt.datetime(1900, 3, 1)
    assert serial_date(45351.5) == dt.datetime(2024, 2, 29, 12)
    assert serial_date(0.75) == dt.time(18)
    assert serial_date(0, True) == dt.datetime(1904, 1, 1)


def rewritten(path: Path, change: object) -> Path:
    """The workbook with the XML of its first sheet changed."""
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    parts["xl/worksheets/sheet1.xml"] = change(parts["xl/worksheets/sheet1.xml"])  # type: ignore[operator]
    with zipfile.ZipFile(path, "w") as new:
        for name, content in parts.items():
            new.writestr(name, content)
    return path


def test_cells_far_apart_cost_nothing(tmp_path: Path) -> None:
    far = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    path = rewritten(write_rows(tmp_path / "far.xlsx", [["a"], [1]]), lambda xml: xml.replace(b"</sheetData>", far))
    with open_book(path) as book:
        grid = book.grid("Data")
    assert (len(grid), grid.last_row, grid.last_column) == (3, 1_048_576, 16_384)
    with pytest.raises(WorkbookError, match="XFD1048576"):
        read_cells(path, "Data")


def cut(path: Path) -> Path:
    write_rows(path, [["a"], [1]])
    path.write_bytes(path.read_bytes()[:900])
    return path


def test_broken_missing_and_foreign_files_say_so(tmp_path: Path) -> None:
    (tmp_path / "empty.xlsx").touch()
    (tmp_path / "text.xlsx").write_text("no workbook", encoding="utf-8")
    (tmp_path / "page.xls").write_text("<html><table><tr><td>1</td></tr></table></html>", encoding="utf-8")
    (tmp_path / "picture.png").write_bytes(b"x")
    write_rows(tmp_path / "sales.xlsx", [["a"]])
    wanted = {
        "sale.xlsx": text("book_missing"),
        "empty.xlsx": text("book_zero_bytes"),
        "text.xlsx": text("book_no_zip"),
        "page.xls": text("book_web_page"),
        "picture.png": text("book_suffix", suffix=".png"),
        cut(tmp_path / "cut.xlsx").name: text("book_no_zip"),
    }
    for name, message in wanted.items():
        with pytest.raises(WorkbookError) as caught, open_book(tmp_path / name):
            pass
        assert message in str(caught.value)
        assert len(caught.value.problems) == 1
    with pytest.raises(WorkbookError, match="sales"), open_book(tmp_path / "sale.xlsx"):
        pass


def test_unknown_sheet_offers_the_nearest(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "a.xlsx", [["a"], [1]], "Sales")
    with open_book(path) as book, pytest.raises(WorkbookError, match="Sales"):
        book.grid("Sale")


def test_csv_in_several_encodings(tmp_path: Path) -> None:
    for encoding in ("utf-8", "utf-8-sig", "gb18030", "utf-16"):
        path = tmp_path / f"{encoding}.csv"
        path.write_bytes("名称;值\n\n甲;1\n乙\n".encode(encoding))
        with open_book(path) as book:
            assert lines(book.grid(path.stem)) == {1: ["名称", "值"], 3: ["甲", "1"], 4: ["乙", None]}


def test_the_content_decides_not_the_name(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "a.xlsx", [["a"], [1]])
    wrong = path.rename(tmp_path / "a.xls")
    tabs = tmp_path / "b.xls"
    tabs.write_text("a\tb\n1\t2\n", encoding="utf-8")
    for book, sheet, wanted in ((wrong, "Data", {1: ["a"], 2: [1]}), (tabs, "b", {1: ["a", "b"], 2: ["1", "2"]})):
        with open_book(book) as opened:
            assert lines(opened.grid(sheet)) == wanted


@pytest.mark.parametrize(
    "change",
    [
        lambda xml: re.sub(rb'<(c|row) r="\w+"', rb"<\1", xml),
        lambda xml: re.sub(rb'<c r="(\w+)" t="s"', rb'<c t="s" r="\1"', xml),
        lambda xml: xml.replace(b'"', b"'"),
        lambda xml: re.sub(rb"<(/?)(row|c|v|sheetData)\b", rb"<\1x:\2", xml).replace(
            b"<worksheet ", b'<worksheet xmlns:x="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
        ),
        lambda xml: xml.decode("utf-8").replace('encoding="UTF-8"', 'encoding="UTF-16"').encode("utf-16"),
    ],
    ids=["no addresses", "other order", "single quotes", "prefixes", "utf-16"],
)
def test_other_writers_are_understood(tmp_path: Path, change: object) -> None:
    wanted = [["name", "n"], ["x", 1.5], [7, 2.5], ["x=1", "漢字 & <b>"]]
    path = rewritten(write_rows(tmp_path / "a.xlsx", wanted), change)
    assert read_cells(path, "Data") == wanted
    with open_book(path) as book:
        assert list(lines(book.grid("Data")).values()) == wanted
