"""Books that are damaged, hostile or beyond all measure: a picture or one clear line, soon and in little memory."""

import contextlib
import re
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xlsxwriter

from tests.shared import shared
from xltrain.errors import WorkbookError, XltrainError
from xltrain.excel.shot import shoot
from xltrain.excel.shot.images import png
from xltrain.excel.shot.page import Options

SHEET, STYLES = "xl/worksheets/sheet1.xml", "xl/styles.xml"
STRINGS, WORKBOOK, THEME = "xl/sharedStrings.xml", "xl/workbook.xml", "xl/theme/theme1.xml"
Change = Callable[[bytes], bytes]
SOON = 10.0  # seconds, of what takes far less


@pytest.fixture(name="plain", scope="module")
def _plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sheet of 6 rows and 4 columns, with texts, numbers and one format."""
    path = tmp_path_factory.mktemp("hostile") / "plain.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Data")
        header = book.add_format({"bold": True, "bg_color": "#FFC000", "num_format": "0.00"})
        for row in range(6):
            for column in range(4):
                sheet.write(
                    row, column, f"t{row}{column}" if column % 2 else row * column + 0.5, None if row else header
                )
    return path


def spoilt(path: Path, folder: Path, part: str, change: Change | None) -> Path:
    """A copy with one part changed, or left out."""
    copy = folder / "spoilt.xlsx"
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(copy, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = source.read(name)
            if name == part and change is None:
                continue
            if name == part and change is not None:
                assert change(content) != content
                content = change(content)
            target.writestr(name, content)
    return copy


def swap(before: bytes, after: bytes) -> Change:
    return lambda content: re.sub(before, lambda _: after, content, flags=re.S)


def tail(xml: bytes) -> Change:
    """XML after the rows."""
    return lambda content: content.replace(b"</sheetData>", b"</sheetData>" + xml)


ENTITIES = b'<?xml version="1.0"?>' + b" " * 5000 + b'<!DOCTYPE a [<!ENTITY b "c">]><worksheet><sheetData/></worksheet>'


@pytest.mark.parametrize(
    ("part", "change", "message"),
    [
        (SHEET, lambda xml: xml[: len(xml) // 2], "ends in the middle"),
        (SHEET, lambda _: b"", "no cells"),
        (SHEET, lambda _: b"<html><body>log in</body></html>", "no cells"),
        (SHEET, lambda _: ENTITIES, "entities"),
        (SHEET, None, "no worksheet"),
        (SHEET, swap(b"</sheetData>", b" " * (140 << 20) + b"</sheetData>"), "beyond all measure"),
        (STYLES, lambda xml: xml[: len(xml) // 2], "broken"),
        (STYLES, lambda _: b"", "broken"),
        (STYLES, swap(b"</styleSheet>", b"<a/>" * (7 << 20) + b"</styleSheet>"), "beyond all measure"),
        (THEME, lambda xml: xml[:900], "broken"),
        (THEME, lambda _: ENTITIES, "entities"),
    ],
    ids=[
        "cut",
        "empty",
        "html",
        "entities",
        "gone",
        "spaces",
        "styles cut",
        "styles empty",
        "styles huge",
        "theme",
        "x",
    ],
)
def test_what_cannot_be_read_is_one_line(
    plain: Path, tmp_path: Path, part: str, change: Change | None, message: str
) -> None:
    began = time.perf_counter()
    with pytest.raises(WorkbookError, match=message) as error:
        shoot(spoilt(plain, tmp_path, part, change))
    assert len(error.value.problems) == 1
    assert "\n" not in str(error.value)
    assert time.perf_counter() - began < SOON


@pytest.mark.parametrize(
    ("part", "change"),
    [
        (STYLES, None),
        (THEME, None),
        (STYLES, lambda xml: re.sub(rb'((?:font|fill|border|numFmt|xf)Id)="\d+"', rb'\1="9999"', xml)),
        (STYLES, swap(rb"<cellXfs.*</cellXfs>", b"")),
        (STYLES, swap(rb"<cellStyleXfs.*</cellStyleXfs>", b'<cellStyleXfs><xf xfId="0" fontId="0"/></cellStyleXfs>')),
        (STYLES, swap(b"</styleSheet>", b"<a>" * 100_000 + b"</a>" * 100_000 + b"</styleSheet>")),
        (SHEET, swap(b's="1"', b's="4000000000"')),
        (SHEET, swap(b's="1"', b's="-1"')),
        (SHEET, swap(rb'<dimension ref="[^"]*"', b'<dimension ref="A1:XFD1048576"')),
        (SHEET, lambda xml: re.sub(rb'(<row r="1".*?</row>)(<row r="2".*?</row>)', rb"\2\1", xml, flags=re.S)),
        (SHEET, lambda xml: re.sub(rb'(<c r="A2".*?</c>)(<c r="B2".*?</c>)', rb"\2\1\2", xml, flags=re.S)),
        (SHEET, swap(b'<row r="6"', b'<row r="99999999999"')),
        (SHEET, swap(b'<row r="6"', b'<row r="six"')),
        (SHEET, swap(b'r="A6"', b'r="ZZZZZ6"')),
        (SHEET, swap(b'r="A6"', b'r=""')),
        (SHEET, swap(b"<sheetData>", b'<cols><col min="1" max="2" width="NaN"/></cols><sheetData>')),
        (SHEET, swap(b"<sheetData>", b'<cols><col min="5" max="999999999" width="-4"/></cols><sheetData>')),
        (SHEET, swap(b'<row r="2"', b'<row r="2" ht="-40" customHeight="1"')),
        (SHEET, swap(rb'defaultRowHeight="[^"]*"', b'defaultRowHeight="1e9"')),
        (SHEET, tail(b"<conditionalFormatting>" * 50_000)),
        (SHEET, tail(b"<mergeCells>" + b'<mergeCell ref="A1:XFD1048576"/>' * 50_000 + b"</mergeCells>")),
    ],
)
def test_what_can_be_guessed_is_a_picture(plain: Path, tmp_path: Path, part: str, change: Change | None) -> None:
    began = time.perf_counter()
    picture = shoot(spoilt(plain, tmp_path, part, change), "Data!A1:D6")
    assert picture.range == "Data!A1:D6"
    assert picture.png
    assert time.perf_counter() - began < SOON


def test_texts_that_the_file_does_not_hold_are_counted(plain: Path, tmp_path: Path) -> None:
    (note,) = shoot(spoilt(plain, tmp_path, STRINGS, None)).notes
    assert "12" in note
    assert "B1" in note


def test_of_merged_cells_that_overlap_the_first_ones_stand(plain: Path, tmp_path: Path) -> None:
    refs = ("A1:C3", "B2:D5", "D6", "D6", "A1:C3", "zz")
    merges = b"".join(f'<mergeCell ref="{each}"/>'.encode() for each in refs)
    xml = tail(b"<mergeCells>" + merges + b"</mergeCells>")
    svg = shoot(spoilt(plain, tmp_path, SHEET, xml), "Data!A1:D6").svg
    assert "t03" in svg
    assert "t11" not in svg
    assert "t51" in svg


def test_fifty_thousand_merges_cost_little(plain: Path, tmp_path: Path) -> None:
    merges = b"".join(b'<mergeCell ref="A%d:B%d"/>' % (row, row) for row in range(1, 50_001))
    path = spoilt(plain, tmp_path, SHEET, tail(b"<mergeCells>" + merges + b"</mergeCells>"))
    began = time.perf_counter()
    assert shoot(path, "Data!A1:F40").png
    assert time.perf_counter() - began < SOON


def test_very_long_texts_take_no_longer_than_what_shows_of_them(tmp_path: Path) -> None:
    path = tmp_path / "long.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Data")
        for row, more in enumerate(({"valign": "top"}, {"valign": "vcenter"}, {}, {"rotation": 90}, {"rotation": 45})):
            sheet.write(
                row, 0, "".join(f"w{each:04} " for each in range(5000)), book.add_format({"text_wrap": 1, **more})
            )
        sheet.write(5, 0, "\n" * 30_000, book.add_format({"text_wrap": True}))
    began = time.perf_counter()
    picture = shoot(path, "Data!A1:B6")
    assert picture.height <= (6 * 546 + 1) * 0.75
    words = re.findall(r"w\d{4}", picture.svg)
    assert {"w0000", "w4999"} <= set(words)
    assert len(words) < 15_000
    assert time.perf_counter() - began < SOON


def test_rules_beyond_all_measure_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xltrain.excel.shot.conditional.MOST_LOOKS", 250)
    path = tmp_path / "rules.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Data")
        for number in range(5):
            rule = {"type": "cell", "criteria": ">", "value": number, "format": book.add_format({"bold": True})}
            sheet.conditional_format(0, 0, 9, 9, rule)
    (note,) = shoot(path, "Data!A1:J10").notes
    assert "3 of 5" in note


def test_a_rule_that_is_nested_too_deep_is_named_so(tmp_path: Path) -> None:
    path = tmp_path / "deep.xlsx"
    with xlsxwriter.Workbook(path) as book:
        rule = {"type": "formula", "criteria": "=" + "(" * 3000 + "A1" + ")" * 3000, "format": book.add_format()}
        book.add_worksheet("Data").conditional_format(0, 0, 5, 3, rule)
    (note,) = shoot(path, "Data!A1:D6").notes
    assert "nested too deep" in note


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("Data!XFE1", "beyond a sheet"),
        ("Data!A1:B1048577", "beyond a sheet"),
        ("Data!A1:XFD1048576", "--pages"),
        ("loop", "stands for loop"),
        ("Data!#REF!", "is no range"),
        ("!!", "is no range"),
    ],
)
def test_ranges_that_are_none_are_one_line(tmp_path: Path, wanted: str, message: str) -> None:
    path = tmp_path / "book.xlsx"
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet("Data").write(0, 0, "x")
        book.define_name("loop", "=loop+1")
    with pytest.raises(WorkbookError, match=message):
        shoot(path, wanted)


@pytest.mark.parametrize(
    "name", ["It's", "a!b", "统计表", "😀 emoji", "x y'z!1", "A1", "2024", "TRUE", "a&b<c>", "{book}"]
)
def test_sheets_of_any_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / "book.xlsx"
    quoted = "'" + name.replace("'", "''") + "'"
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet(name).write(2, 2, 3)
        book.define_name("area", f"={quoted}!$A$1:$B$2")
    wanted = (f"{quoted}!A1:B2", f"{name}!A1:B2", "area", f"={quoted}!$A$1:$B$2")
    assert {shoot(path, each).range for each in wanted} == {f"{name}!A1:B2"}
    assert {shoot(path, each).range for each in (name, f"{name}!", f"{quoted}!")} == {f"{name}!A1:C3"}


def test_the_used_range_reaches_as_far_as_pictures_and_charts(tmp_path: Path) -> None:
    path, image = tmp_path / "book.xlsx", tmp_path / "image.png"
    image.write_bytes(png(np.zeros((40, 130, 3), np.uint8)))
    with xlsxwriter.Workbook(path) as book:
        for name, row in (("near", 7), ("far", 60_000)):
            sheet = book.add_worksheet(name)
            sheet.write(0, 0, 1)
            sheet.insert_image(row, 4, str(image), {"x_dpi": 96, "y_dpi": 96})
    assert shoot(path, "near!").range == "near!A1:G9"
    assert shoot(path, "far!").range == "far!A1"
    assert shoot(path, "near!A:B", options=Options()).range == "near!A1:B1"


def test_an_empty_sheet_keeps_what_follows_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    with xlsxwriter.Workbook(path) as book:
        rule = {"type": "formula", "criteria": "=ROW()=1", "format": book.add_format({"bg_color": "#FF0000"})}
        book.add_worksheet("Data").conditional_format(0, 0, 5, 3, rule)
    with zipfile.ZipFile(path) as package:
        assert b"<sheetData/>" in package.read(SHEET)
    assert "#FF0000" in shoot(path, "Data!A1:D6").svg


BOOKS = (
    "messy/janitor_dirty_data.xlsx",
    "messy/readxl_deaths.xlsx",
    "messy/abs_6202021.xlsx",
    "render/openxmlsdk_basicspreadsheet.xlsx",
    "uci/air_quality.xlsx",
    "uci/concrete.xls",
    "zoomer_sales/existing/January.xls",
    "hostile/oleloop.xls",
    "hostile/panic.xlsb",
    "hostile/only_error_cells.xlsx",
)


@pytest.mark.slow
@pytest.mark.parametrize("name", BOOKS)
def test_workbooks_of_others_are_a_picture_or_one_line(name: str) -> None:
    path = shared(name)
    began = time.perf_counter()
    with contextlib.suppress(XltrainError):
        assert shoot(path).svg
    assert time.perf_counter() - began < 20
