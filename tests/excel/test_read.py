"""Rows keep their numbers, cells their kind, and no file takes the program down."""

import datetime as dt
import re
import zipfile
from pathlib import Path

import pytest

from tests.books import write_rows, write_sheets
from tests.shared import shared
from xltrain.errors import WorkbookError
from xltrain.excel.read import BLANK, DATE, NUMBER, TEXT, open_book, read_cells, serial_date, sheet_names
from xltrain.excel.scan import Package, is_date_format, kinds, look, rows
from xltrain.language import text


def test_blank_rows_and_columns_keep_their_numbers(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "a.xlsx", [[], [], [None, "name", "n"], [None, "x", 1], [], [None, "y", 2.5]])
    with open_book(path) as book:
        preview = book.preview("Data", 60)
        block = book.block("Data", 4)
    assert preview.rows[2] == [None, "name", "n"]
    assert (preview.last_row, preview.last_column) == (6, 3)
    assert block.rows == 3
    assert {strip.column: strip.values.to_pylist() for strip in block.strips} == {
        2: ["x", None, "y"],
        3: [1, None, 2.5],
    }


def test_a_column_of_several_kinds_keeps_every_digit_and_kind(tmp_path: Path) -> None:
    values = [1 / 3, "007", None, dt.datetime(2024, 2, 29), "n/a", 12]
    path = write_rows(tmp_path / "a.xlsx", [[value, "x"] for value in values])
    with open_book(path) as book:
        strip = book.block("Data", 1).strips[0]
    assert strip.values.to_pylist() == ["0.3333333333333333", "007", None, "2024-02-29", "n/a", "12"]
    assert strip.kinds is not None
    assert strip.kinds.to_pylist() == [NUMBER, TEXT, BLANK, DATE, TEXT, NUMBER]


def test_error_cells_are_listed_with_their_place(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "a.xlsx", [["a", "b"], ["x", "=1/0"], ["=1/0", 2]])
    with open_book(path) as book:
        assert set(book.block("Data", 2).errors) == {(2, 2, "#DIV/0!"), (3, 1, "#DIV/0!")}


def test_cells_of_a_small_sheet(tmp_path: Path) -> None:
    path = write_sheets(tmp_path / "a.xlsx", {"One": [["a"]], "二": [["=", True], [], [0.05, dt.date(2024, 3, 1)]]})
    assert sheet_names(path) == ["One", "二"]
    assert read_cells(path, "二")[2] == [0.05, dt.datetime(2024, 3, 1)]


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


def test_cells_far_apart_are_refused_before_a_reader_sees_them(tmp_path: Path) -> None:
    path = tmp_path / "far.xlsx"
    write_rows(path, [["a"], [1]])
    parts = {}
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    sheet = parts["xl/worksheets/sheet1.xml"]
    far = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    parts["xl/worksheets/sheet1.xml"] = sheet.replace(b"</sheetData>", far)
    with zipfile.ZipFile(path, "w") as new:
        for name, content in parts.items():
            new.writestr(name, content)
    with open_book(path) as book, pytest.raises(WorkbookError, match="XFD1048576"):
        book.preview("Data", 60)


def cut(path: Path) -> Path:
    write_rows(path, [["a"], [1]])
    path.write_bytes(path.read_bytes()[:900])
    return path


def test_broken_missing_and_foreign_files_say_so(tmp_path: Path) -> None:
    (tmp_path / "empty.xlsx").touch()
    (tmp_path / "text.xlsx").write_text("no workbook", encoding="utf-8")
    (tmp_path / "picture.png").write_bytes(b"x")
    write_rows(tmp_path / "sales.xlsx", [["a"]])
    wanted = {
        "sale.xlsx": text("book_missing"),
        "empty.xlsx": text("book_zero_bytes"),
        "text.xlsx": text("book_no_zip"),
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
        book.block("Sale", 1)


def test_csv_in_several_encodings(tmp_path: Path) -> None:
    for encoding in ("utf-8", "utf-8-sig", "gb18030", "utf-16"):
        path = tmp_path / f"{encoding}.csv"
        path.write_bytes("名称;值\n\n甲;1\n乙\n".encode(encoding))
        with open_book(path) as book:
            block = book.block(book.sheets[0], 2)
        assert [strip.values.to_pylist() for strip in block.strips] == [[None, "甲", "乙"], [None, "1", None]]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["oleloop.xls", "panic.xlsb", "password_is_password.xlsx", "xmlbomb.xlsx"])
def test_hostile_files_end_in_one_line(name: str) -> None:
    with pytest.raises(WorkbookError) as caught, open_book(shared(f"hostile/{name}")) as book:
        book.block(book.sheets[0], 1)
    assert len(caught.value.problems) == 1


def test_old_format_is_read_in_a_child(tmp_path: Path) -> None:
    with open_book(shared("uci/concrete.xls")) as book:
        assert book.sheets == ("Sheet1", "Sheet2", "Sheet3")
        assert book.block("Sheet1", 2).rows == 1030


def rewritten(path: Path, change: object) -> Path:
    """The workbook with the XML of its first sheet changed."""
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    parts["xl/worksheets/sheet1.xml"] = change(parts["xl/worksheets/sheet1.xml"])  # type: ignore[operator]
    with zipfile.ZipFile(path, "w") as new:
        for name, content in parts.items():
            new.writestr(name, content)
    return path


@pytest.mark.parametrize(
    "change",
    [
        lambda xml: re.sub(rb'<(c|row) r="\w+"', rb"<\1", xml),
        lambda xml: re.sub(rb'<c r="(\w+)" t="s"', rb'<c t="s" r="\1"', xml),
        lambda xml: re.sub(rb"<(/?)(row|c|v|sheetData)\b", rb"<\1x:\2", xml).replace(
            b"<worksheet ", b'<worksheet xmlns:x="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
        ),
        lambda xml: xml.decode("utf-8").replace('encoding="UTF-8"', 'encoding="UTF-16"').encode("utf-16"),
    ],
    ids=["no addresses", "other order", "prefixes", "utf-16"],
)
def test_other_writers_are_understood(tmp_path: Path, change: object) -> None:
    path = rewritten(write_rows(tmp_path / "a.xlsx", [["name", "n"], ["x", 1.5], [7, 2.5]]), change)
    with open_book(path) as book:
        preview = book.preview("Data", 10)
    assert preview.rows == [["name", "n"], ["x", 1.5], [7, 2.5]]
    assert (preview.last_row, preview.last_column) == (3, 2)
    with Package(path) as package:
        found = {(row, cell.column): cell.kind for row, cell in kinds(package, package.sheets[0].part, [1], 2)}
    assert found == {(2, 1): "s", (3, 1): ""}
