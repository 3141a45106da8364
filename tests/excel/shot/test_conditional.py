"""Rules that only newer files hold, table styles of a book's own, and whole columns beyond the picture."""

import time
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from tests.excel.shot.png import read_png
from tests.excel.shot.test_drawing import rewritten
from xltrain import language
from xltrain.excel.shot import shoot
from xltrain.excel.shot.page import Options
from xltrain.excel.shot.scene import scene
from xltrain.excel.shot.style import Styles
from xltrain.excel.shot.table_styles import table_style

MAIN = "http://schemas.microsoft.com/office/excel/2006/main"
SPACES = f'xmlns:x14="http://schemas.microsoft.com/office/spreadsheetml/2009/9/main" xmlns:xm="{MAIN}"'


def with_newer(path: Path, rule: str) -> Path:
    """A copy of a workbook with a rule of the newer kind over A1:A3 of its first sheet."""
    formatting = f"<x14:conditionalFormatting>{rule}<xm:sqref>A1:A3</xm:sqref></x14:conditionalFormatting>"
    whole = f"<x14:conditionalFormattings>{formatting}</x14:conditionalFormattings>"
    ext = f'<extLst><ext {SPACES} uri="{{78C0D931-6437-407d-A8EE-F0AAD7539E65}}">{whole}</ext></extLst></worksheet>'
    return rewritten(path, r"xl/worksheets/sheet1\.xml", b"</worksheet>", ext.encode())


@pytest.fixture(name="numbers")
def _numbers(tmp_path: Path) -> Path:
    path = tmp_path / "book.xlsx"
    book = xlsxwriter.Workbook(str(path))
    book.add_worksheet("S").write_column("A1", [10, 20, 30])
    book.add_worksheet("Other").write("A1", 15)
    book.close()
    return path


def marks(*values: str) -> str:
    return "".join(f'<x14:cfvo type="percent"><xm:f>{value}</xm:f></x14:cfvo>' for value in values)


def test_newer_icon_sets(numbers: Path) -> None:
    rule = f'<x14:cfRule type="iconSet" priority="1"><x14:iconSet iconSet="3Stars">{marks("0", "33", "67")}'
    path = with_newer(numbers, rule + "</x14:iconSet></x14:cfRule>")
    cells = scene(path, "S!A1:A3").cells
    assert [cells[f"A{row}"].icon for row in (1, 2, 3)] == ["3Stars 0", "3Stars 1", "3Stars 2"]


def test_icons_chosen_one_by_one(numbers: Path) -> None:
    chosen = '<x14:cfIcon iconSet="NoIcons" iconId="0"/><x14:cfIcon iconSet="3Flags" iconId="1"/>'
    chosen += '<x14:cfIcon iconSet="5Boxes" iconId="4"/>'
    rule = f'<x14:cfRule type="iconSet" priority="1"><x14:iconSet custom="1">{marks("0", "33", "67")}{chosen}'
    path = with_newer(numbers, rule + "</x14:iconSet></x14:cfRule>")
    cells = scene(path, "S!A1:A3").cells
    assert [cells[f"A{row}"].icon for row in (1, 2, 3)] == ["", "3Flags 1", "5Boxes 4"]
    assert shoot(path, "S!A1:A3").png


def test_a_rule_that_looks_at_another_sheet(numbers: Path) -> None:
    look = '<x14:dxf><fill><patternFill><bgColor rgb="FF00B0F0"/></patternFill></fill></x14:dxf>'
    rule = f'<x14:cfRule type="cellIs" priority="1" operator="greaterThan"><xm:f>Other!$A$1</xm:f>{look}</x14:cfRule>'
    cells = scene(with_newer(numbers, rule), "S!A1:A3").cells
    assert [cells[f"A{row}"].fill for row in (1, 2, 3)] == ["FFFFFF", "00B0F0", "00B0F0"]


def test_a_table_style_of_the_books_own(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    book = xlsxwriter.Workbook(str(path))
    book.add_worksheet("S").add_table("A1:B5", {"style": "Table Style Medium 2", "data": [["x", 1]] * 4})
    book.close()
    looks = "".join(
        f'<dxf><fill><patternFill patternType="solid"><bgColor rgb="FF{colour}"/></patternFill></fill></dxf>'
        for colour in ("111111", "222222", "333333")
    )
    parts = (
        '<tableStyleElement type="headerRow" dxfId="0"/><tableStyleElement type="firstRowStripe" size="2" dxfId="1"/>'
    )
    parts += '<tableStyleElement type="secondRowStripe" dxfId="2"/>'
    styles = f'<dxfs count="3">{looks}</dxfs><tableStyles count="1"><tableStyle name="Mine">{parts}</tableStyle>'
    path = rewritten(path, r"xl/tables/table1\.xml", b"TableStyleMedium2", b"Mine").rename(tmp_path / "one.xlsx")
    path = rewritten(path, r"xl/styles\.xml", b'<dxfs count="0"/>', b"").rename(tmp_path / "two.xlsx")
    path = rewritten(path, r"xl/styles\.xml", b"<tableStyles", styles.encode() + b"</tableStyles><old")
    cells = scene(path, "S!A1:B5").cells
    assert [cells[f"A{row}"].fill for row in range(1, 6)] == ["111111", "222222", "222222", "333333", "222222"]


@pytest.mark.parametrize(
    "name",
    [
        f"TableStyle{kind}{number}"
        for kind, most in (("Light", 21), ("Medium", 28), ("Dark", 11))
        for number in range(1, most + 1)
    ],
)
def test_every_table_style_that_excel_brings(name: str) -> None:
    style = table_style(name, Styles())
    assert {"wholeTable", "headerRow", "totalRow", "firstRowStripe"} <= set(style.parts)
    stripe, table = style.parts["firstRowStripe"], style.parts["wholeTable"]
    assert stripe.fill is not None or stripe.sides
    assert stripe.fill != table.fill or table.fill is None


def test_notes_speak_chinese(numbers: Path) -> None:
    rule = '<x14:cfRule type="expression" priority="1"><xm:f>CELL("row")=1</xm:f></x14:cfRule>'
    path = with_newer(numbers, rule)
    language.use("zh")
    try:
        assert "未画出该格式" in shoot(path, "S!A1:A3").notes[0]
    finally:
        language.use("")


def test_formulas_without_a_stored_value_are_named(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet("S")
    sheet.write_formula("B2", "=1+1", None, 2)
    book.close()
    assert not shoot(path, "S!A1:B2").notes
    unsaid = rewritten(path, r"xl/worksheets/sheet1\.xml", b"<v>2</v>", b"")
    assert "B2" in shoot(unsaid, "S!A1:B2").notes[0]


@pytest.fixture(name="tall", scope="module")
def _tall(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """20,000 rows with a scale over a whole column."""
    path = tmp_path_factory.mktemp("tall") / "tall.xlsx"
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True})
    sheet = book.add_worksheet("S")
    for row in range(20_000):
        sheet.write_row(row, 0, [row, row % 7, "text"])
    sheet.conditional_format("A1:A20000", {"type": "2_color_scale", "min_color": "#FFFFFF", "max_color": "#FF0000"})
    book.close()
    return path


def test_the_end_of_a_tall_sheet_is_as_near_as_its_start(tall: Path) -> None:
    def seconds(area: str) -> float:
        took = []
        for _ in range(3):
            start = time.perf_counter()
            scene(tall, area)
            took.append(time.perf_counter() - start)
        return min(took)

    assert scene(tall, "S!A20000:C20000").cells["A20000"].fill == "FF0000"
    assert scene(tall, "S!A1:C1").cells["A1"].fill == "FFFFFF"
    assert seconds("S!A19970:C20000") < 2 * seconds("S!A1:C31") + 0.05


def test_rules_look_at_rows_that_are_not_shown(tall: Path) -> None:
    pixels = read_png(shoot(tall, "S!A1:A20000", 1.0, Options(rows=frozenset({1, 2}), gridlines=False)).png)
    assert pixels.at(5, 10, 1.0) == pixels.at(5, 30, 1.0) == "#FFFFFF"
