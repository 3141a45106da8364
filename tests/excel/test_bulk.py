"""Bulk rows read back as the cells that XlsxWriter would have written, and the book around them stays as it is."""

import datetime
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pyarrow as pa
import pytest

from xltrain.excel import bulk as module
from xltrain.excel.bulk import Cells, cells_of
from xltrain.excel.scan import Package, rows
from xltrain.excel.write import new_book

COLUMNS: dict[str, Any] = {
    "float": [1.5, -0.0, 1e300, 1e-300, None, float("nan"), float("inf"), 123456789.125],
    "whole": [0, -7, 2**40, None, 1, 2, 3, 4],
    "long": [2**60, 1, None, -(2**60), 5, 6, 7, 8],
    "text": ["a & b", "<c>", "=1+1", "", None, "两 行\n二", "tab\tstop", " spaces  "],
    "flag": [True, False, None, True, False, True, True, False],
    "date": [datetime.date(2024, 2, 29), None, *[datetime.date(1900, 3, 1)] * 6],
    "moment": [datetime.datetime(2024, 2, 29, 12, 30, 15), None, *[datetime.datetime(1999, 12, 31, 23, 59, 59)] * 6],
    "time": [datetime.time(12, 30), None, *[datetime.time(23, 59, 59)] * 6],
    "lasts": [datetime.timedelta(hours=30), None, *[datetime.timedelta(minutes=5)] * 6],
    "early": [datetime.date(1899, 5, 1), datetime.date(2024, 1, 1), *[None] * 6],
    "nothing": [None] * 8,
}
FORMATS = {
    "date": "yyyy-mm-dd",
    "early": "yyyy-mm-dd",
    "moment": "yyyy-mm-dd hh:mm:ss",
    "time": "hh:mm:ss",
    "lasts": "[h]:mm",
}


def written(path: Path, bulk: bool) -> Any:
    with new_book(path) as book:
        sheet = book.sheet("Data")
        sheet.write(0, 0, "a title")
        sheet.table(2, 0, list(COLUMNS), 8, "Data", bulk=bulk)
        styles = [book.style(num_format=FORMATS.get(name, "General")) for name in COLUMNS]
        if bulk:
            sheet.bulk(3, [cells_of(values, style) for values, style in zip(COLUMNS.values(), styles, strict=True)])
        else:
            for index, (values, style) in enumerate(zip(COLUMNS.values(), styles, strict=True)):
                sheet.column(3, index, values, style)
    return openpyxl.load_workbook(path)["Data"]


def test_the_same_cells_as_written_one_by_one(tmp_path: Path) -> None:
    made, plain = written(tmp_path / "bulk.xlsx", True), written(tmp_path / "plain.xlsx", False)
    assert made.dimensions == plain.dimensions == "A1:K11"
    for name, one, other in zip(COLUMNS, made.iter_cols(), plain.iter_cols(), strict=True):
        if name not in ("early", "long"):  # what a cell cannot hold makes text of the whole column
            assert [cell.value for cell in one] == [cell.value for cell in other], name
        for cell, twin in zip(one, other, strict=True):
            if cell.value is not None:
                assert (cell.number_format, cell.font.name) == (twin.number_format, twin.font.name)
    assert [cell.value for cell in made["J"]][3:5] == ["1899-05-01", "2024-01-01"]
    assert [cell.value for cell in made["C"]][3:5] == [str(2**60), "1"]
    for sheet in (made, plain):
        (table,) = sheet.tables.values()
        assert (table.ref, table.autoFilter.ref) == ("A3:K11", "A3:K11")


def test_signs_that_xml_cannot_hold(tmp_path: Path) -> None:
    with new_book(tmp_path / "a.xlsx") as book:
        book.sheet("Data").bulk(0, [cells_of(["\x01 _x0041_", "\r\n"])])
    with Package(tmp_path / "a.xlsx") as package:
        found = [row.cells[0].value for row in rows(package, package.sheets[0].part, 1, 2)]
    assert found == ["\x01 _x0041_", "\r\n"]


def test_many_rows_in_several_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK", 7)
    values = np.arange(100.0)
    with new_book(tmp_path / "a.xlsx") as book:
        for name in ("One", "Two"):
            sheet = book.sheet(name)
            sheet.table(0, 0, ["n", "word"], 100, "Data", bulk=True)
            sheet.bulk(1, [cells_of(values), cells_of(pa.array(["x", "y"] * 50))])
    read = openpyxl.load_workbook(tmp_path / "a.xlsx")
    for name in ("One", "Two"):
        rows = list(read[name].iter_rows(min_row=2, values_only=True))
        assert rows == [(number, "xy"[number % 2]) for number in range(100)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.xlsx"]


def test_links_in_the_first_rows(tmp_path: Path) -> None:
    shown = pa.array(['a "b"', "plain", "far & away", "later"])
    with new_book(tmp_path / "a.xlsx") as book:
        sheet = book.sheet("Data")
        cells = Cells(shown, book.style(), ["x.xlsx#'S'!A1", "", "y&z.xlsx"], book.style(underline=1))
        sheet.bulk(1, [cells])
    formulas = [row[0].value for row in openpyxl.load_workbook(tmp_path / "a.xlsx")["Data"].iter_rows(min_row=2)]
    assert formulas == [
        '=HYPERLINK("x.xlsx#\'S\'!A1","a ""b""")',
        "plain",
        '=HYPERLINK("y&z.xlsx","far & away")',
        "later",
    ]
    stored = openpyxl.load_workbook(tmp_path / "a.xlsx", data_only=True)["Data"]
    assert stored["A4"].value == "far & away"
    assert (stored["A2"].font.underline, stored["A3"].font.underline) == ("single", None)


def test_no_rows_leave_the_book_as_it_is(tmp_path: Path) -> None:
    with new_book(tmp_path / "a.xlsx") as book:
        sheet = book.sheet("Data")
        sheet.table(0, 0, ["n"], 0, "Data", bulk=True)
        sheet.bulk(1, [cells_of(pa.array([], pa.float64()))])
    assert zipfile.ZipFile(tmp_path / "a.xlsx").testzip() is None
    assert openpyxl.load_workbook(tmp_path / "a.xlsx")["Data"].tables["Data_1"].ref == "A1:A2"
