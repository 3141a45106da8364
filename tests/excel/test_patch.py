"""Changing somebody's workbook: what was asked for is there, and nothing else is different."""

import re
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import openpyxl
import pyarrow as pa
import pytest

from tests.books import write_rows
from tests.excel.rich import FIRST, HEAD, ROWS, png, rewritten, rich_book, with_foreign_parts
from xltrain.errors import WorkbookError
from xltrain.excel.patch import Addition, Edit, Mark, NewColumn, NewSheet, addition_of, patch_book, undo_book

pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported", "ignore:Print area", "ignore:.*VML")

NUMBERS = np.arange(FIRST, FIRST + ROWS)
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
# The parts that columns beside a table of this sheet may change, and those that they may add.
MAY_CHANGE = {
    "[Content_Types].xml",
    "xl/_rels/workbook.xml.rels",
    "xl/comments1.xml",
    "xl/drawings/vmlDrawing1.vml",
    "xl/styles.xml",
    "xl/tables/table1.xml",
    "xl/worksheets/_rels/sheet1.xml.rels",
    "xl/worksheets/sheet1.xml",
}
MAY_ADD = re.compile(r"customXml/(item|itemProps|_rels/item)\d+\.xml(\.rels)?|xl/comments\d+\.xml|xl/drawings/vmlD.*")


def columns(rows: int = ROWS, bar: bool = True) -> tuple[NewColumn, ...]:
    values = np.linspace(0, 1, rows)
    values[3] = np.nan
    said: list[Any] = [None if at % 5 else f'<row> & "{at}"' for at in range(rows)]
    return (
        NewColumn("prediction", values, "0.000", bar=bar, key="prediction", note="by models"),
        NewColumn("flag", said, choices=("yes", "no"), key="flag"),
    )


def addition(**more: Any) -> Addition:
    return Addition("Sales", FIRST - 1, NUMBERS, columns(), **more)


def raw_entries(path: Path) -> dict[str, bytes]:
    """Every entry's compressed bytes."""
    found = {}
    with zipfile.ZipFile(path) as archive, path.open("rb") as stream:
        for info in archive.infolist():
            stream.seek(info.header_offset + 26)
            name, extra = (int.from_bytes(stream.read(2), "little") for _ in range(2))
            stream.seek(info.header_offset + 30 + name + extra)
            found[info.filename] = stream.read(info.compress_size)
    return found


def parts(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def changed(old: Path, new: Path) -> set[str]:
    before, after = raw_entries(old), raw_entries(new)
    return {name for name in before if after.get(name) != before[name]}


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return with_foreign_parts(rich_book(tmp_path_factory.mktemp("rich") / "rich.xlsx"))


@pytest.mark.parametrize("kind", ["table", "filter", "macros"])
def test_what_is_not_touched_keeps_its_compressed_bytes(kind: str, tmp_path: Path) -> None:
    name = "book.xlsm" if kind == "macros" else "book.xlsx"
    book = with_foreign_parts(rich_book(tmp_path / name, kind != "filter", kind == "macros"))
    before = book.read_bytes()
    copy = tmp_path / f"copy{book.suffix}"
    patch_book(book, copy, additions=[addition()])
    assert book.read_bytes() == before
    assert changed(book, copy) <= MAY_CHANGE
    new = set(parts(copy)) - set(parts(book))
    assert all(MAY_ADD.fullmatch(each) for each in new), new
    kept = set(parts(book)) - MAY_CHANGE
    for what in (
        "charts/chart1.xml",
        "media/image1.png",
        "sharedStrings.xml",
        "calcChain.xml",
        "worksheets/sheet2.xml",
    ):
        assert f"xl/{what}" in kept
    assert ("xl/vbaProject.bin" in kept) == (kind == "macros")
    for raw in (raw for part, raw in parts(copy).items() if part.endswith((".xml", ".rels", ".vml"))):
        ElementTree.fromstring(raw)


def cells_of(raw: bytes) -> dict[str, str]:
    """The canonical XML of every cell of a sheet by its address."""
    tree = ElementTree.fromstring(raw)
    return {
        cell.attrib["r"]: ElementTree.canonicalize(ElementTree.tostring(cell, "unicode"))
        for cell in tree.iter(f"{MAIN}c")
    }


def test_the_changed_sheet_differs_by_the_added_cells_only(rich: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.xlsx"
    done = patch_book(rich, copy, additions=[addition()])
    assert [(each.key, each.column) for each in done.columns] == [("prediction", 5), ("flag", 6)]
    old, new = (parts(each)["xl/worksheets/sheet1.xml"] for each in (rich, copy))
    before, after = cells_of(old), cells_of(new)
    added = {address for address in after if address not in before}
    assert all(after[address] == xml for address, xml in before.items())
    values = {f"E{row}" for row in NUMBERS if row != FIRST + 3} | {f"F{row}" for row in NUMBERS[::5]}
    assert added == values | {"E4", "F4"}
    # Without the cells, spans, bar, dropdown, widths, dimension and filter it is the same sheet.
    bare = re.sub(rb'<c r="[EF]\d+"(?:(?!</c>|/>).)*(?:</c>|/>)', b"", new)
    bare = re.sub(rb'<conditionalFormatting sqref="E5:E34">.*?</conditionalFormatting>', b"", bare)
    bare = re.sub(rb'<dataValidation [^>]*sqref="F5:F34">.*?</dataValidation>', b"", bare)
    bare = bare.replace(b'<dataValidations count="3">', b'<dataValidations count="2">')
    bare = re.sub(rb'<col min="[56]" max="[56]"[^>]*/>', b"", bare)
    bare = re.sub(rb'<dimension ref="[^"]*"/>', b"", bare)
    bare = re.sub(rb' spans="\d+:\d+"', b"", bare)
    plain = re.sub(rb' spans="\d+:\d+"', b"", re.sub(rb'<dimension ref="[^"]*"/>', b"", old))
    assert bare.replace(b'<c r="F3"', b"") == re.sub(rb'<c r="[EF]\d+"[^>]*/>', b"", plain).replace(b'<c r="F3"', b"")


def test_values_styles_bar_dropdown_and_notes_are_there(rich: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.xlsx"
    patch_book(rich, copy, additions=[addition()])
    page = openpyxl.load_workbook(copy)["Sales"]
    assert [cell.value for cell in page[4]][:6] == [*HEAD, "prediction", "flag"]
    assert page["E5"].value == 0
    assert page["E8"].value is None
    assert page["E34"].value == 1
    assert page["E5"].number_format == "0.000"
    assert page["F10"].value == '<row> & "5"'
    assert page["E4"].font.b  # the header looks as its neighbour
    assert page["E4"].fill.fgColor.rgb == page["D4"].fill.fgColor.rgb
    assert page["D5"].value == "=B5*2"
    assert page["B6"].comment.text == "checked by hand"
    assert page["E4"].comment.text.startswith("by models")
    assert page.conditional_formatting["E5:E34"][0].type == "dataBar"
    assert str(page.data_validations.dataValidation[-1].sqref) == "F5:F34"
    assert page.data_validations.dataValidation[-1].showErrorMessage is not True
    assert openpyxl.load_workbook(copy, data_only=True)["Sales"]["D6"].value == 3


def test_a_table_grows_with_unique_headers(tmp_path: Path) -> None:
    book = rich_book(tmp_path / "book.xlsx")
    same = Addition("Sales", FIRST - 1, NUMBERS, (NewColumn("Price", [1.0] * ROWS), NewColumn("a\nb", [1.0] * ROWS)))
    patch_book(book, tmp_path / "copy.xlsx", additions=[same])
    table = ElementTree.fromstring(parts(tmp_path / "copy.xlsx")["xl/tables/table1.xml"])
    assert table.attrib["ref"] == "A4:F34"
    assert table.find(f"{MAIN}autoFilter").attrib["ref"] == "A4:F34"  # type: ignore[union-attr]
    listed = table.find(f"{MAIN}tableColumns")
    assert listed is not None
    assert listed.attrib["count"] == "6"
    assert [each.attrib["name"] for each in listed] == [*HEAD, "Price 2", "a_x000a_b"]
    assert len({each.attrib["id"] for each in listed}) == 6
    page = openpyxl.load_workbook(tmp_path / "copy.xlsx")["Sales"]
    assert page["E4"].value == "Price 2"


def test_a_filter_grows_too(tmp_path: Path) -> None:
    book = rich_book(tmp_path / "book.xlsx", table=False)
    patch_book(book, tmp_path / "copy.xlsx", additions=[addition()])
    assert openpyxl.load_workbook(tmp_path / "copy.xlsx")["Sales"].auto_filter.ref == "A4:F34"


OBSTACLES = {
    "a value": (lambda book, page: page.write("F12", "mine"), "G"),
    "a blank cell with a look": (lambda book, page: page.write_blank("E12", None, book.add_format({"bold": 1})), "F"),
    "a merge": (lambda book, page: page.merge_range("E10:F11", "x"), "G"),
    "a comment": (lambda book, page: page.write_comment("F20", "x"), "G"),
    "a conditional format": (lambda book, page: page.conditional_format("E1:E99", {"type": "2_color_scale"}), "F"),
    "a newer conditional format": (
        lambda book, page: page.conditional_format("E5:E9", {"type": "data_bar", "data_bar_2010": True}),
        "F",
    ),
    "a validation": (lambda book, page: page.data_validation("F9", {"validate": "any", "input_title": "x"}), "G"),
    "a table": (lambda book, page: page.add_table("F10:H12"), "I"),
    "a chart": (lambda book, page: chart_on(book, page, "F5"), "N"),
    "a picture": (lambda book, page: page.insert_image("E20", "red.png"), "F"),
    "a text box": (lambda book, page: page.insert_textbox("F8", "x"), "J"),
    "a button": (lambda book, page: page.insert_button("E8", {"caption": "x"}), "G"),
    "a sparkline": (lambda book, page: page.add_sparkline("F9", {"range": "Data!A5:A9"}), "G"),
    "nothing in these rows": (lambda book, page: page.write("F300", "below"), "E"),
    "something above": (lambda book, page: page.write("F1", "above"), "E"),
}


def chart_on(book: Any, page: Any, cell: str) -> None:
    chart = book.add_chart({"type": "line"})
    chart.add_series({"values": "=Data!$A$5:$A$9"})
    page.insert_chart(cell, chart)


@pytest.mark.parametrize("what", OBSTACLES)
def test_new_columns_never_stand_on_anything(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import xlsxwriter

    monkeypatch.chdir(tmp_path)
    Path("red.png").write_bytes(png())
    put, expected = OBSTACLES[what]
    with xlsxwriter.Workbook("book.xlsx") as book:
        page = book.add_worksheet("Data")
        for row in range(3, 34):
            page.write_row(row, 0, HEAD if row == 3 else [1, 2, 3, 4])
        put(book, page)
    new = (NewColumn("p", np.ones(30)), NewColumn("q", np.ones(30)))
    done = patch_book(Path("book.xlsx"), Path("copy.xlsx"), additions=[Addition("Data", 4, NUMBERS, new, after=4)])
    letter = openpyxl.utils.get_column_letter(done.columns[0].column)
    assert letter == expected
    before, after = (cells_of(parts(Path(each))["xl/worksheets/sheet1.xml"]) for each in ("book.xlsx", "copy.xlsx"))
    filled = {key: xml for key, xml in before.items() if "<" in xml[1:]}
    assert all(after[key] == xml for key, xml in filled.items() if key in after)
    assert set(filled) <= set(after)


def test_a_named_place_is_used_only_if_empty(tmp_path: Path) -> None:
    book = rich_book(tmp_path / "book.xlsx")
    done = patch_book(book, tmp_path / "copy.xlsx", additions=[addition(at="H")])
    assert [each.column for each in done.columns] == [8, 9]
    with pytest.raises(WorkbookError, match=r"columns C:D are not free, something stands in C"):
        patch_book(book, tmp_path / "other.xlsx", additions=[addition(at="$C$4")])
    with pytest.raises(WorkbookError, match="is no column"):
        patch_book(book, tmp_path / "other.xlsx", additions=[addition(at="?")])
    two = [addition(at="H"), Addition("Sales", FIRST - 1, NUMBERS, columns(), at="I")]
    with pytest.raises(WorkbookError, match="not free"):
        patch_book(book, tmp_path / "other.xlsx", additions=two)
    assert not (tmp_path / "other.xlsx").exists()


def test_annotating_again_replaces_its_own_columns(rich: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first.xlsx", tmp_path / "second.xlsx"
    patch_book(rich, first, additions=[addition()])
    one = (NewColumn("loss", np.ones(ROWS), key="loss"),)
    patch_book(first, second, additions=[Addition("Sales", FIRST - 1, NUMBERS, one)])
    assert [(each.key, each.column, each.header) for each in addition_of(second)] == [("loss", 5, "loss")]
    page = openpyxl.load_workbook(second)["Sales"]
    assert [cell.value for cell in page[4]][:6] == [*HEAD, "loss"]
    assert undo_book(second, tmp_path / "back.xlsx")
    assert parts(tmp_path / "back.xlsx") == parts(rich)


def test_undo_gives_back_every_part(rich: Path, tmp_path: Path) -> None:
    copy, back = tmp_path / "copy.xlsx", tmp_path / "back.xlsx"
    patch_book(
        rich,
        copy,
        additions=[addition()],
        edits=[Edit("Sales", 6, 4, 9.5)],
        marks=[Mark("Sales", 6, 2, "odd", "#F4B6B0"), Mark("Other", 1, 1, "odd")],
        sheets=[NewSheet("Log", (("picture", png(), 8, 8),), (("a", 1),))],
    )
    assert undo_book(copy, back)
    assert parts(back) == parts(rich)
    twice = tmp_path / "twice.xlsx"
    patch_book(copy, twice, edits=[Edit("Other", 1, 1, "new")])
    assert undo_book(twice, tmp_path / "back 2.xlsx")
    assert parts(tmp_path / "back 2.xlsx") == parts(rich)
    with pytest.raises(WorkbookError, match="added nothing"):
        undo_book(rich, tmp_path / "x.xlsx")


def test_undo_of_a_copy_saved_by_another_program(rich: Path, tmp_path: Path) -> None:
    copy, back = tmp_path / "copy.xlsx", tmp_path / "back.xlsx"
    patch_book(rich, copy, additions=[addition()], marks=[Mark("Sales", 7, 2, "odd")])
    book = openpyxl.load_workbook(copy)
    book["Sales"]["C5"] = "typed since"
    book.save(copy)
    assert [each.key for each in addition_of(copy)] == ["prediction", "flag"]
    assert not undo_book(copy, back)
    page = openpyxl.load_workbook(back)["Sales"]
    assert page["C5"].value == "typed since"
    assert [cell.value for cell in page[4]][:6] == HEAD
    assert page["E10"].value is None
    assert page["B7"].comment is None
    assert page["B6"].comment.text == "checked by hand"
    assert page.tables["Sales_2026"].ref == "A4:D34"
    assert "E5:E34" not in [str(each.sqref) for each in page.conditional_formatting]
    assert addition_of(back) == ()


def test_comments_are_known_by_their_words_where_a_program_has_lost_their_author(rich: Path, tmp_path: Path) -> None:
    copy, back = tmp_path / "copy.xlsx", tmp_path / "back.xlsx"
    marks = [Mark("Sales", 6, 2, "odd <value>"), Mark("Sales", 7, 2, "far & wide")]
    patch_book(rich, copy, additions=[addition()], marks=marks)
    comments = next(
        name for name in parts(copy) if name.startswith("xl/comments") and b"far &amp;" in parts(copy)[name]
    )

    record = next(name for name in parts(copy) if b"<patch xmlns" in parts(copy)[name][:200]).encode()

    def anonymous(raw: bytes) -> bytes:
        return raw.replace(b">xltrain</author>", b"> </author>")

    def hung_on_the_package(raw: bytes) -> bytes:
        kind = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships/customXml"
        link = b'<Relationship Id="rIdX" Type="' + kind + b'" Target="../' + record + b'"/>'
        return raw.replace(b"</Relationships>", link + b"</Relationships>")

    def unhung(raw: bytes) -> bytes:
        return re.sub(rb"<Relationship [^>]*/" + record + rb'"[^>]*/>', b"", raw)

    saved = rewritten(
        copy, {comments: anonymous, "_rels/.rels": hung_on_the_package, "xl/_rels/workbook.xml.rels": unhung}
    )
    assert not undo_book(saved, back)
    page = openpyxl.load_workbook(back)["Sales"]
    assert page["B7"].comment is None
    assert page["B6"].comment.text == "checked by hand"  # without what was added below it
    assert record.decode() not in parts(back)
    with pytest.raises(WorkbookError, match="xltrain"):
        undo_book(back, tmp_path / "again.xlsx")


def test_an_edit_keeps_the_style_and_drops_the_formula(rich: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.xlsx"
    edits = [
        Edit("Sales", 6, 4, 9.5),
        Edit("Sales", 7, 3, "c & d"),
        Edit("Sales", 8, 2, None),
        Edit("Sales", 9, 2, True),
    ]
    patch_book(rich, copy, edits=edits)
    page, old = (openpyxl.load_workbook(each)["Sales"] for each in (copy, rich))
    assert (page["D6"].value, page["D6"].number_format) == (9.5, old["D6"].number_format)
    assert page["C7"].value == "c & d"
    assert page["B8"].value is None
    assert page["B9"].value is True
    assert page["D7"].value == "=B7*2"
    assert "xl/calcChain.xml" not in parts(copy)
    assert b"calcChain" not in parts(copy)["[Content_Types].xml"] + parts(copy)["xl/_rels/workbook.xml.rels"]
    plain = tmp_path / "plain.xlsx"
    patch_book(rich, plain, edits=[Edit("Sales", 7, 3, "c")])
    assert "xl/calcChain.xml" in parts(plain)  # no formula was replaced
    assert changed(rich, plain) <= {"xl/worksheets/sheet1.xml", "[Content_Types].xml", "xl/_rels/workbook.xml.rels"}
    for row, column, said in ((4, 1, "header of an Excel table"), (1, 2, "merged cells")):
        with pytest.raises(WorkbookError, match=said):
            patch_book(rich, tmp_path / "x.xlsx", edits=[Edit("Sales", row, column, 1)])
    with pytest.raises(WorkbookError, match="formula that other cells share"):
        patch_book(rich, tmp_path / "x.xlsx", edits=[Edit("Other", 2, 3, 1)])


@pytest.mark.parametrize("sheet", ["Sales", "Other"])
def test_marks_colour_and_comment_with_and_without_other_comments(sheet: str, rich: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.xlsx"
    patch_book(rich, copy, marks=[Mark(sheet, 6, 2, "odd <value>", "#F4B6B0"), Mark(sheet, 60, 9, "far", "#BBD7F2")])
    book, old = openpyxl.load_workbook(copy), openpyxl.load_workbook(rich)
    page = book[sheet]
    assert page["B6"].fill.fgColor.rgb == "FFF4B6B0"
    assert page["B6"].number_format == old[sheet]["B6"].number_format
    assert page["B6"].value == old[sheet]["B6"].value
    assert "odd <value>" in page["B6"].comment.text
    assert page["B6"].comment.text.startswith("checked by hand") == (sheet == "Sales")
    assert page["I60"].comment.text == "xltrain:\nfar"
    if sheet == "Sales":  # one note was there already and stays the only one on its cell
        assert parts(copy)["xl/drawings/vmlDrawing1.vml"].count(b"<x:Row>5</x:Row>") == 1


def test_new_sheets_stand_at_the_end(rich: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.xlsx"
    sheets = [NewSheet("Sales", rows=(("a", 1, None, True),)), NewSheet("x/y", (("red", png(), 64, 48),))]
    patch_book(rich, copy, sheets=sheets)
    book = openpyxl.load_workbook(copy)
    assert book.sheetnames == ["Sales", "Other", "Sales 2", "x y"]
    assert [cell.value for cell in book["Sales 2"][1]] == ["a", 1, None, True]
    assert parts(copy)["xl/media/image2.png"] == png()
    assert b"red" in parts(copy)["xl/drawings/drawing3.xml"]
    assert "xl/worksheets/sheet1.xml" not in changed(rich, copy)


def strictly(path: Path) -> Path:
    """The workbook in the strict form of the format."""
    pairs = {
        b"http://schemas.openxmlformats.org/officeDocument/2006/relationships": b"http://purl.oclc.org/ooxml/officeDocument/relationships",
        b"http://schemas.openxmlformats.org/spreadsheetml/2006/main": b"http://purl.oclc.org/ooxml/spreadsheetml/main",
    }

    def strict(raw: bytes) -> bytes:
        for one, other in pairs.items():
            raw = raw.replace(one, other)
        return raw

    names = [name for name in parts(path) if name.endswith((".xml", ".rels"))]
    return rewritten(path, dict.fromkeys(names, strict))


def prefixed(path: Path) -> Path:
    def change(raw: bytes) -> bytes:
        raw = re.sub(rb"<(/?)(?!\?|x:|xml|mc:|x14|xr)([A-Za-z]\w*)(?=[\s/>])", rb"<\1x:\2", raw)
        return raw.replace(
            b'xmlns="http://schemas.openxmlformats.org/spreadsheetml',
            b'xmlns:x="http://schemas.openxmlformats.org/spreadsheetml',
        )

    return rewritten(path, {"xl/worksheets/sheet1.xml": change})


def without_addresses(path: Path) -> Path:
    return rewritten(path, {"xl/worksheets/sheet1.xml": lambda raw: re.sub(rb'(<(?:row|c)) r="\w+"', rb"\1", raw)})


def in_utf16(path: Path) -> Path:
    def change(raw: bytes) -> bytes:
        return b"\xff\xfe" + raw.decode().replace('encoding="UTF-8"', 'encoding="UTF-16"').encode("utf-16-le")

    return rewritten(path, {"xl/worksheets/sheet1.xml": change})


@pytest.mark.parametrize("form", [strictly, prefixed, without_addresses, in_utf16])
def test_other_forms_of_the_format(form: Any, tmp_path: Path) -> None:
    book = form(write_rows(tmp_path / "book.xlsx", [HEAD, *[[at, at * 2, "ab"[at % 2], at / 3] for at in range(20)]]))
    new = (NewColumn("p", np.arange(20.0), bar=True), NewColumn("q", ["é"] * 20, choices=("a", "b"), note="n"))
    copy = tmp_path / "copy.xlsx"
    patch_book(book, copy, additions=[Addition("Data", 1, np.arange(2, 22), new)], edits=[Edit("Data", 3, 2, "é")])
    from xltrain.excel.read import read_cells

    rows = read_cells(copy, "Data")
    assert list(rows[0]) == [*HEAD, "p", "q"]
    assert list(rows[2]) == [1, "é", "b", pytest.approx(1 / 3), 1, "é"]
    assert list(rows[20][4:]) == [19, "é"]
    assert [(each.header, each.column) for each in addition_of(copy)] == [("p", 5), ("q", 6)]
    for part, raw in parts(copy).items():
        if part.endswith((".xml", ".rels")):
            ElementTree.fromstring(raw)
    if form is not strictly:
        page = openpyxl.load_workbook(copy)["Data"]
        assert page["E1"].comment is not None
    assert undo_book(copy, tmp_path / "back.xlsx")
    assert parts(tmp_path / "back.xlsx") == parts(book)


def test_rows_out_of_order_and_rows_that_are_missing(tmp_path: Path) -> None:
    book = write_rows(tmp_path / "book.xlsx", [["a", "b"], [1, 2], [], [3, 4]])
    new = (NewColumn("p", pa.array([4, 2, 3, 6])),)
    patch_book(book, tmp_path / "copy.xlsx", additions=[Addition("Data", 1, np.array([4, 2, 3, 6]), new)])
    page = openpyxl.load_workbook(tmp_path / "copy.xlsx")["Data"]
    assert [page.cell(row, 3).value for row in range(1, 7)] == ["p", 2, 3, 4, None, 6]


def test_what_cannot_be_done_is_said_and_nothing_is_written(rich: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.xlsx"
    twice = Addition("Sales", 4, np.array([5, 5]), (NewColumn("p", [1, 2]),))
    above = Addition("Sales", 4, np.array([3]), (NewColumn("p", [1]),))
    short = Addition("Sales", 4, np.array([5, 6]), (NewColumn("p", [1]),))
    for wrong, said in ((twice, "named twice"), (above, "below the header"), (short, "2 values")):
        with pytest.raises(WorkbookError, match=said):
            patch_book(rich, out, additions=[wrong])
    with pytest.raises(WorkbookError, match=r"no sheet of this name; the sheets are: Sales, Other"):
        patch_book(rich, out, marks=[Mark("Nope", 1, 1, "x")])
    with pytest.raises(WorkbookError, match=r"'\.xls'"):
        patch_book(tmp_path / "old.xls", out)
    with pytest.raises(WorkbookError, match="never written to"):
        patch_book(rich, rich, overwrite=True)
    (tmp_path / "broken.xlsx").write_bytes(b"PK\3\4 nonsense")
    with pytest.raises(WorkbookError):
        patch_book(tmp_path / "broken.xlsx", out)
    assert not out.exists()
    assert [each.name for each in tmp_path.iterdir()] == ["broken.xlsx"]


def test_a_full_disk_leaves_nothing(rich: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from xltrain.excel.patch import book as module

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "copy_archive", full)
    with pytest.raises(WorkbookError, match="disk is full"):
        patch_book(rich, tmp_path / "out.xlsx", additions=[addition()])
    assert list(tmp_path.iterdir()) == []


def test_a_protected_sheet_stays_protected(rich: Path, tmp_path: Path) -> None:
    done = patch_book(rich, tmp_path / "copy.xlsx", marks=[Mark("Other", 1, 1, "x")])
    assert any("protected" in str(note) for note in done.notes)
    assert b"<sheetProtection" in parts(tmp_path / "copy.xlsx")["xl/worksheets/sheet2.xml"]


@pytest.mark.skipif(not shutil.which("soffice"), reason="LibreOffice is not installed")
@pytest.mark.slow
def test_libreoffice_shows_old_and_new(rich: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.xlsx"
    patch_book(rich, copy, additions=[addition()], marks=[Mark("Sales", 6, 2, "odd", "#F4B6B0")])
    profile = f"-env:UserInstallation=file://{tmp_path}/profile"
    command = ["soffice", "--headless", profile, "--convert-to", "xlsx:Calc MS Excel 2007 XML", "--outdir"]
    subprocess.run([*command, str(tmp_path / "lo"), str(copy)], check=True, capture_output=True, timeout=120)
    saved = tmp_path / "lo" / "copy.xlsx"
    page = openpyxl.load_workbook(saved, data_only=True)["Sales"]
    assert [cell.value for cell in page[4]][:6] == [*HEAD, "prediction", "flag"]
    assert page["D6"].value == 3
    assert page["E34"].value == 1
    assert page["B6"].comment is not None
    assert not undo_book(saved, tmp_path / "back.xlsx")
    back = openpyxl.load_workbook(tmp_path / "back.xlsx", data_only=True)["Sales"]
    assert [cell.value for cell in back[4]][:6] == HEAD
    assert back["D6"].value == 3


def test_columns_are_wide_enough_for_their_numbers(rich: Path, tmp_path: Path) -> None:
    """Column 4 shows euros, so that what takes its format needs room for them."""
    new = (
        NewColumn("p", np.full(ROWS, -1234567.891), like=4),
        NewColumn("q", np.full(ROWS, 0.5), "0.0%"),
        NewColumn("r", ["a word or two of text"] * ROWS),
    )
    patch_book(rich, tmp_path / "copy.xlsx", additions=[Addition("Sales", FIRST - 1, NUMBERS, new)])
    page = openpyxl.load_workbook(tmp_path / "copy.xlsx")["Sales"]
    assert page["E5"].number_format == "#,##0.00 €"
    widths = [page.column_dimensions[letter].width for letter in "EFG"]
    assert widths[0] >= len("-1,234,567.89 €")
    assert widths[1] >= len("50.0%")
    assert widths[2] >= len("a word or two of text")
    assert max(widths) < 30
