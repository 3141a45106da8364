"""Pictures of workbooks, judged by their pixels."""

import zipfile
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from tests.excel.shot.png import read_png
from tests.shared import shared
from xltrain.errors import ConfigError, WorkbookError
from xltrain.excel.shot import shoot
from xltrain.excel.shot.asked import asked_of

BOX = 64, 20  # pixels of a cell of the default size


@pytest.fixture(name="made")
def _made(tmp_path: Path) -> Any:
    """A workbook to fill in; `made.save()` gives its path."""

    class Made:
        path = tmp_path / "book.xlsx"
        book = xlsxwriter.Workbook(str(path))

        def save(self) -> Path:
            self.book.close()
            return self.path

    return Made()


def test_fills_borders_and_ink_stand_where_the_cells_are(made: Any) -> None:
    sheet = made.book.add_worksheet()
    sheet.hide_gridlines(2)
    sheet.write("B2", "", made.book.add_format({"bg_color": "#FFC000"}))
    sheet.write("D2", "WWW", made.book.add_format({"border": 2, "border_color": "#C00000"}))
    picture = shoot(made.save(), "A1:E4")
    pixels = read_png(picture.png)
    assert (picture.width, picture.height) == ((5 * 64 + 1) * 0.75, (4 * 20 + 1) * 0.75)
    assert pixels.colours.shape == (162, 642, 3)
    assert pixels.at(64 + 32, 30) == "#FFC000"
    assert pixels.at(32, 30) == pixels.at(64 + 32, 50) == "#FFFFFF"
    assert pixels.at(3 * 64 + 32, 20.2) == "#C00000"
    assert pixels.at(3 * 64 + 0.2, 30) == "#C00000"
    assert pixels.dark(3 * 64 + 4, 24, 4 * 64 - 4, 38) > 60
    assert pixels.dark(0, 0, 320, 19) == pixels.dark(0, 42, 320, 80) == 0


def test_numbers_stand_right_text_left_and_errors_in_the_middle(made: Any) -> None:
    sheet = made.book.add_worksheet()
    sheet.hide_gridlines(2)
    sheet.write("A1", 1)
    sheet.write("B1", "l")
    sheet.write_formula("C1", "=NA()", None, "#N/A")
    pixels = read_png(shoot(made.save()).png)
    assert pixels.dark(50, 2, 64, 19)
    assert not pixels.dark(0, 2, 50, 19)
    assert pixels.dark(64, 2, 78, 19)
    assert not pixels.dark(78, 2, 128, 19)
    assert pixels.dark(128 + 20, 2, 128 + 44, 19)
    assert not pixels.dark(128, 2, 128 + 10, 19)


def test_grid_lines_show_only_where_the_sheet_has_them(made: Any) -> None:
    made.book.add_worksheet("with").write("A1", "")
    made.book.add_worksheet("without").hide_gridlines(2)
    path = made.save()
    assert read_png(shoot(path, "with!A1:B2").png).at(64.2, 10) == "#D4D4D4"
    assert read_png(shoot(path, "without!A1:B2").png).at(64.2, 10) == "#FFFFFF"


def test_merged_cells_are_one_cell(made: Any) -> None:
    sheet = made.book.add_worksheet()
    style = made.book.add_format({"align": "center", "valign": "vcenter", "bg_color": "#DDEBF7", "border": 1})
    sheet.merge_range("A1:C2", "MM", style)
    path = made.save()
    pixels = read_png(shoot(path, "A1:D3").png)
    assert pixels.at(64.2, 10) == pixels.at(20, 20.2) == "#DDEBF7"
    assert pixels.dark(80, 12, 112, 30) > 40
    assert pixels.at(192.2, 30) == pixels.at(30, 40.2) == "#000000"
    part = read_png(shoot(path, "B2:D3").png)  # the rest of a merged range cut by the picture
    assert part.at(30, 10) == "#DDEBF7"


def test_text_runs_over_empty_neighbours_only(made: Any) -> None:
    sheet = made.book.add_worksheet()
    sheet.hide_gridlines(2)
    sheet.write("A1", "MMMMMMMMMM")
    sheet.write("A2", "MMMMMMMMMM")
    sheet.write("B2", 0, made.book.add_format({"num_format": ";;;"}))
    pixels = read_png(shoot(made.save(), "A1:C2").png)
    assert pixels.dark(66, 2, 100, 19) > 40
    assert pixels.dark(66, 22, 128, 40) == 0


def test_numbers_that_do_not_fit_become_hashes(made: Any) -> None:
    sheet = made.book.add_worksheet()
    sheet.write("A1", 1234567890123, made.book.add_format({"num_format": "#,##0.00"}))
    sheet.write("A2", 1 / 3)
    sheet.write("A3", -1, made.book.add_format({"num_format": "yyyy-mm-dd"}))
    svg = shoot(made.save()).svg
    assert "#######" in svg
    assert "1,234" not in svg
    assert "0.333333<" in svg


def test_wrapped_text_makes_its_row_higher(made: Any) -> None:
    sheet = made.book.add_worksheet()
    sheet.write("A1", "one two three four", made.book.add_format({"text_wrap": True}))
    sheet.write("A2", "第一行第二行", made.book.add_format({"text_wrap": True}))
    picture = shoot(made.save())
    assert picture.height == (40 + 40 + 1) * 0.75


def test_chinese_text_has_ink_of_its_own(made: Any) -> None:
    sheet = made.book.add_worksheet()
    sheet.hide_gridlines(2)
    for row, word in enumerate(["销售额", "\ue000\ue000\ue000", "日本語"]):
        sheet.write(row, 0, word)
    pixels = read_png(shoot(made.save()).png)
    boxes = [pixels.colours[row * 40 + 4 : row * 40 + 38] for row in range(3)]
    assert all((box < 110).any() for box in boxes)
    assert (boxes[0] != boxes[1]).any()
    assert (boxes[0] != boxes[2]).any()
    assert pixels.dark(0, 0, 64, 20) > pixels.dark(0, 20, 64, 40)  # a hollow box has little ink


def test_hidden_rows_and_columns_are_left_out(made: Any) -> None:
    sheet = made.book.add_worksheet()
    for row in range(4):
        sheet.write(row, 0, f"row {row}")
    sheet.set_row(1, None, None, {"hidden": True})
    sheet.set_column("B:C", None, None, {"hidden": True})
    picture = shoot(made.save(), "A1:D4")
    assert "row 1" not in picture.svg.replace("\u00a0", " ")
    assert (picture.width, picture.height) == ((2 * 64 + 1) * 0.75, (3 * 20 + 1) * 0.75)
    with pytest.raises(WorkbookError, match="hidden"):
        shoot(made.path, "B1:C4")


def test_sizes_fonts_and_rich_text(made: Any) -> None:
    sheet = made.book.add_worksheet()
    sheet.set_column("A:A", 20)
    sheet.set_row(0, 30)
    bold, red = made.book.add_format({"bold": True}), made.book.add_format({"font_color": "#FF0000", "italic": True})
    sheet.write_rich_string("A1", "plain ", bold, "bold ", red, "red")
    picture = shoot(made.save())
    assert (picture.width, picture.height) == ((145 + 1) * 0.75, (40 + 1) * 0.75)
    assert "stroke=" in picture.svg
    assert 'fill="#FF0000">red' in picture.svg
    assert "skewX" in picture.svg


def test_markup_in_a_cell_is_text(made: Any) -> None:
    sheet = made.book.add_worksheet()
    sheet.write("A1", "<script>&\"'</script>\x07")
    picture = shoot(made.save())
    assert "&lt;script&gt;&amp;" in picture.svg
    assert picture.png


def test_ranges_by_name(made: Any) -> None:
    made.book.add_worksheet("hidden").hide()
    sheet = made.book.add_worksheet("My sheet")
    sheet.activate()
    sheet.set_first_sheet()
    sheet.add_table("B2:D6", {"name": "Sales"})
    sheet.write("D6", 1)
    made.book.define_name("Corner", "='My sheet'!$A$1:$B$2")
    path = made.save()
    assert shoot(path, "A1:B2").range == "My sheet!A1:B2"
    assert shoot(path, "corner").range == "My sheet!A1:B2"
    assert shoot(path, "Sales").range == "My sheet!B2:D6"
    assert shoot(path, "my sheet").range == shoot(path).range == "My sheet!A1:D6"
    assert shoot(path, "'My sheet'!B:C").range == "My sheet!B1:C6"
    assert shoot(path, "2:3").range == "My sheet!A2:D3"


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("My shet!A1", "did you mean 'My sheet'"),
        ("My shet!A:B", "did you mean 'My sheet'"),
        ("Saels", "did you mean 'sales'"),
        ("A0", "is no range"),
        ("#REF!", "is no range"),
        ("A1:CV1000", "100000 cells"),
    ],
)
def test_bad_ranges(made: Any, wanted: str, message: str) -> None:
    made.book.add_worksheet("My sheet").add_table("B2:D6", {"name": "Sales"})
    with pytest.raises(WorkbookError, match=message) as error:
        shoot(made.save(), wanted)
    assert len(error.value.problems) == 1
    assert "\n" not in str(error.value)


def test_a_missing_file_and_one_that_is_no_workbook(tmp_path: Path) -> None:
    with pytest.raises(WorkbookError, match="no such file"):
        shoot(tmp_path / "none.xlsx")
    (tmp_path / "bad.xlsx").write_text("nonsense", encoding="utf-8")
    with pytest.raises(WorkbookError, match="not a workbook"):
        shoot(tmp_path / "bad.xlsx")


def test_saves_by_suffix_and_replaces_nothing(made: Any, tmp_path: Path) -> None:
    made.book.add_worksheet().write("A1", "x")
    picture = shoot(made.save(), scale=3)
    picture.save(tmp_path / "a.png")
    picture.save(tmp_path / "a.svg")
    assert read_png((tmp_path / "a.png").read_bytes()).per_metre == round(96 * 3 / 0.0254)
    assert (tmp_path / "a.svg").read_text(encoding="utf-8") == picture.svg
    with pytest.raises(WorkbookError, match="exists"):
        picture.save(tmp_path / "a.png")
    picture.save(tmp_path / "a.png", overwrite=True)
    with pytest.raises(ConfigError, match=r"\.jpg"):
        picture.save(tmp_path / "a.jpg")


def test_text_files_are_drawn_plainly(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("name,value\n甲,1\n", encoding="utf-8")
    picture = shoot(tmp_path / "a.csv")
    assert "name" in picture.svg
    assert "甲" in picture.svg
    assert shoot(tmp_path / "a.csv", "a!A1:B1").range == "a!A1:B1"
    with pytest.raises(WorkbookError, match="unknown sheet"):
        shoot(tmp_path / "a.csv", "b!A1")


@pytest.mark.parametrize(
    ("name", "wanted", "words"),
    [
        ("render/openxmlsdk_basicspreadsheet.xlsx", "A1:K45", ["Accent1", "linearGradient", "CF"]),
        ("cjk/soumu_000925835.xlsx", "A1:F20", ["010006", "団体コード"]),
        ("messy/janitor_dirty_data.xlsx", "A1:L14", ["1/14/2019", "75%", "#REF!"]),
        ("messy/abs_6202021.xlsx", "A1:L20", ["Sep-2021"]),
        ("pbpython/sales-jan-2014.xlsx", "A1:G20", ["3380.91"]),
    ],
)
def test_real_workbooks(name: str, wanted: str, words: list[str]) -> None:
    picture = shoot(shared(name), wanted)
    assert all(word in picture.svg for word in words)
    assert len(picture.png) > 5_000


@pytest.mark.parametrize("name", ["password_is_password.xlsx", "xmlbomb.xlsx"])
def test_hostile_workbooks_give_one_line(name: str) -> None:
    with pytest.raises(WorkbookError) as error:
        shoot(shared(f"hostile/{name}"))
    assert len(error.value.problems) == 1


@pytest.mark.parametrize(
    ("part", "before", "after"),
    [
        ("xl/worksheets/sheet1.xml", b"<v>1.5</v>", b"<v>inf</v>"),
        ("xl/worksheets/sheet1.xml", b"<v>1.5</v>", b"<v>what</v>"),
        ("xl/worksheets/sheet1.xml", b"<v>0</v>", b"<v>99</v>"),
        ("xl/worksheets/sheet1.xml", b'width="20.7109375"', b'width="1e308"'),
        ("xl/worksheets/sheet1.xml", b'width="20.7109375"', b'width="-5"'),
        ("xl/worksheets/sheet1.xml", b'ht="30"', b'ht="nan"'),
        ("xl/styles.xml", b'formatCode="0.000"', b'formatCode="0.' + b"0" * 900 + b'"'),
        ("xl/styles.xml", b'rgb="FFFFC000"', b'rgb="FF&quot;&gt;&lt;a"'),
        ("xl/styles.xml", b'<sz val="11"/>', b'<sz val="0"/>'),
        ("xl/sharedStrings.xml", b"word", b"&#xD800;_xD800_\x01"),
    ],
)
def test_nonsense_in_a_file_is_survived(made: Any, tmp_path: Path, part: str, before: bytes, after: bytes) -> None:
    sheet = made.book.add_worksheet()
    sheet.set_column("A:A", 20)
    sheet.set_row(0, 30)
    sheet.write("A1", "word", made.book.add_format({"bg_color": "#FFC000"}))
    sheet.write("A2", 1.5, made.book.add_format({"num_format": "0.000"}))
    spoilt = tmp_path / "spoilt.xlsx"
    with zipfile.ZipFile(made.save()) as source, zipfile.ZipFile(spoilt, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            assert name != part or before in content
            target.writestr(name, content.replace(before, after) if name == part else content)
    assert shoot(spoilt, "A1:B3").png


@pytest.mark.parametrize(
    ("part", "before", "after"),
    [
        ("xl/styles.xml", b"UTF-8", b"nonsense"),
        ("xl/styles.xml", b"</fonts>", b""),
    ],
)
def test_a_broken_part_gives_one_line(made: Any, tmp_path: Path, part: str, before: bytes, after: bytes) -> None:
    made.book.add_worksheet().write("A1", "word", made.book.add_format({"bold": True}))
    spoilt = tmp_path / "spoilt.xlsx"
    with zipfile.ZipFile(made.save()) as source, zipfile.ZipFile(spoilt, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            target.writestr(name, content.replace(before, after) if name == part else content)
    with pytest.raises(WorkbookError) as error:
        shoot(spoilt, "A1:B3")
    assert len(error.value.problems) == 1


def test_several_ranges_of_one_sheet_are_pictures_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "b.xlsx"
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet("S")
        book.add_worksheet("A1,B2")
    assert [one.range for one in asked_of(path, "S!A1:B4,D1:E9")] == ["'S'!A1:B4", "'S'!D1:E9"]
    assert [one.range for one in asked_of(path, "'A1,B2'!C1")] == ["'A1,B2'!C1"]
