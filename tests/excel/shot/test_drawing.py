"""Pictures and shapes over cells: where they stand, what is drawn, and what stands in for what cannot be."""

import base64
import re
import struct
import time
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest
import xlsxwriter
from openpyxl.styles import GradientFill, PatternFill
from openpyxl.styles.colors import Color

from tests.excel.shot.png import read_png
from xltrain.excel.shot import shoot
from xltrain.excel.shot.images import Undrawable, data_uri, png
from xltrain.excel.shot.page import Options
from xltrain.excel.shot.scene import scene


def _png(width: int, height: int) -> bytes:
    """A PNG that says how large it is and holds next to nothing."""
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(bytes(100))),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in parts
    )


@pytest.fixture(name="image")
def _image(tmp_path: Path) -> Path:
    """Red on the left, blue on the right; 80 by 40 pixels."""
    pixels = np.zeros((40, 80, 3), np.uint8)
    pixels[:, :40], pixels[:, 40:] = (255, 0, 0), (0, 0, 255)
    path = tmp_path / "image.png"
    path.write_bytes(png(pixels))
    return path


def rewritten(path: Path, part: str, before: bytes, after: bytes) -> Path:
    """A copy of a workbook with a text of one part replaced."""
    spoilt = path.with_name("spoilt.xlsx")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(spoilt, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if re.fullmatch(part, name):
                assert before in content
                content = content.replace(before, after)
            target.writestr(name, content)
    return spoilt


def with_image(tmp_path: Path, image: Path, **more: Any) -> Path:
    path = tmp_path / "book.xlsx"
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet("S")
    sheet.insert_image("B2", str(image), {"x_offset": 10, "y_offset": 5, "x_dpi": 96, "y_dpi": 96, **more})
    book.close()
    return path


@pytest.mark.parametrize("position", [1, 2, 3])
def test_a_picture_stands_at_its_anchor(tmp_path: Path, image: Path, position: int) -> None:
    path = with_image(tmp_path, image, object_position=position)
    thing = scene(path, "S!A1:E6").things[0]
    assert (thing.left, thing.top) == pytest.approx((75, 26), abs=1)
    assert (thing.width, thing.height) == pytest.approx((80, 40), abs=1.5)
    pixels = read_png(shoot(path, "S!A1:E6").png)
    assert pixels.at(80, 40) == "#FF0000"
    assert pixels.at(150, 40) == "#0000FF"
    assert pixels.at(160, 35) == "#FFFFFF"


def test_a_picture_shows_where_the_range_begins_inside_it(tmp_path: Path, image: Path) -> None:
    path = with_image(tmp_path, image)
    pixels = read_png(shoot(path, "S!C3:E6").png)
    assert pixels.at(5, 5) == "#0000FF"
    assert not scene(path, "S!D9:E12").things


def test_a_crop_leaves_the_rest_of_a_picture(tmp_path: Path, image: Path) -> None:
    path = rewritten(
        with_image(tmp_path, image),
        r"xl/drawings/drawing1\.xml",
        b"<a:stretch>",
        b'<a:srcRect l="50000"/><a:stretch>',
    )
    pixels = read_png(shoot(path, "S!A1:E6").png)
    assert pixels.at(80, 40) == pixels.at(150, 40) == "#0000FF"


def test_a_faint_picture_lets_the_sheet_through(tmp_path: Path, image: Path) -> None:
    path = rewritten(
        with_image(tmp_path, image),
        r"xl/drawings/drawing1\.xml",
        b'r:embed="rId1"/>',
        b'r:embed="rId1"><a:alphaModFix amt="40000"/></a:blip>',
    )
    pixels = read_png(shoot(path, "S!A1:E6").png)
    assert (pixels.at(80, 44), pixels.at(150, 44)) == ("#FF9999", "#9999FF")


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + struct.pack(">II", 100_000, 100_000), "damaged"),
        (_png(100_000, 100_000), "10000000000 pixels"),
        (_png(9_000, 9_000), "9000 x 9000"),
        (_png(200, 200), "damaged"),
        (b"\x89PNG", "damaged"),
        (b"\x01\x00\x00\x00" + b"\0" * 36 + b" EMF" + b"\0" * 40, "EMF"),
        (b"\xd7\xcd\xc6\x9a" + b"\0" * 40, "WMF"),
        (b"\xff\xd8\xff\xe0\x00\x10", "damaged"),
        (b"BM" + b"\0" * 60, "damaged"),
        (b"", "empty"),
        (b"what is this", "unknown format"),
    ],
)
def test_what_cannot_be_drawn_is_a_frame_and_named(tmp_path: Path, image: Path, content: bytes, word: str) -> None:
    with pytest.raises(Undrawable, match=re.escape(word)):
        data_uri(content)
    path = with_image(tmp_path, image)
    picture = shoot(rewritten(path, r"xl/media/image1\.png", image.read_bytes(), content), "S!A1:E6")
    assert len(picture.notes) == 1
    assert word in picture.notes[0]
    assert picture.png


def test_a_damaged_image_costs_nothing_else(tmp_path: Path, image: Path) -> None:
    content = image.read_bytes()
    path = with_image(tmp_path, image)
    assert shoot(rewritten(path, r"xl/media/image1\.png", content, content[:60]), "S!A1:E6").png


@pytest.mark.parametrize("bits", [8, 24, 32])
def test_bitmaps_become_png(bits: int) -> None:
    table = struct.pack("<4B4B", 0, 0, 255, 0, 255, 0, 0, 0) if bits == 8 else b""
    red, blue = (b"\0", b"\1") if bits == 8 else (b"\0\0\xff\xff"[: bits // 8], b"\xff\0\0\xff"[: bits // 8])
    lines = b"".join((each * 2).ljust(((2 * bits // 8) + 3) // 4 * 4, b"\0") for each in (blue, red))  # from below
    start = 54 + len(table)
    header = b"BM" + struct.pack("<IHHI", start + len(lines), 0, 0, start)
    header += struct.pack("<IiiHHIIiiII", 40, 2, 2, 1, bits, 0, 0, 0, 0, 2 if bits == 8 else 0, 0)
    uri = data_uri(header + table + lines)
    pixels = read_png(base64.b64decode(uri.partition(",")[2])).colours
    assert pixels[:, 0].tolist() == [[255, 0, 0], [0, 0, 255]]


def test_shapes_and_their_text(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet("S")
    look = {"width": 100, "height": 50, "fill": {"color": "#FFF2CC"}, "line": {"color": "#C00000", "width": 2}}
    sheet.insert_textbox("B2", "words in a box", look)
    book.close()
    picture = shoot(path, "S!A1:E6")
    assert "words\u00a0in" in picture.svg
    pixels = read_png(picture.png)
    assert pixels.at(155, 65) == "#FFF2CC"
    assert pixels.at(100, 20.8) == "#C00000"


def test_theme_colours_and_gradients(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row, tint in enumerate(
        [0.0, 0.7999816888943144, 0.5999938962981048, 0.3999755851924192, -0.249977111117893], 1
    ):
        sheet.cell(row, 1).fill = PatternFill("solid", fgColor=Color(theme=4, tint=tint))
    sheet["B1"].fill = GradientFill(degree=90, stop=("FFFFFF", "4F81BD"))
    sheet["B2"].fill = GradientFill(type="path", left=0.5, right=0.5, top=0.5, bottom=0.5, stop=("FF0000", "0000FF"))
    book.save(tmp_path / "book.xlsx")
    cells = scene(tmp_path / "book.xlsx", "A1:B5").cells
    assert [cells[f"A{row}"].fill for row in range(1, 6)] == ["4F81BD", "DCE6F1", "B8CCE4", "95B3D7", "366092"]
    assert cells["B1"].fill == "gradient 90 FFFFFF 4F81BD"
    pixels = read_png(shoot(tmp_path / "book.xlsx", "A1:B5").png)
    assert pixels.at(97, 31)[1:3] > "A0"  # red in the middle, blue at the edge
    assert pixels.at(66, 31)[5:] > "A0"


def test_only_some_rows(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet("S")
    for row in range(9):
        sheet.write(row, 0, row)
    book.close()
    shown = scene(path, "S!A1:A9", Options(rows=frozenset({1, 4, 9})))
    assert shown.rows == (1, 21, 41, 61)
    assert [cell.text for cell in shown.cells.values()] == ["0", "3", "8"]


def test_many_merges_and_rules_are_survived(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet("S")
    sheet.write("A1", 1)
    red = book.add_format({"bg_color": "#FF0000"})
    for number in range(200):
        sheet.conditional_format(number, 0, number + 5, 3, {"type": "cell", "criteria": ">", "value": 5, "format": red})
    book.close()
    merges = b"".join(b'<mergeCell ref="A%d:B%d"/>' % (row, row + 1) for row in range(1, 100_001, 2))
    spoilt = rewritten(
        path, r"xl/worksheets/sheet1\.xml", b"</sheetData>", b"</sheetData><mergeCells>" + merges + b"</mergeCells>"
    )
    start = time.perf_counter()
    assert shoot(spoilt, "S!A1:J40").png
    assert time.perf_counter() - start < 10


@pytest.mark.parametrize(
    ("part", "before", "after"),
    [
        (r"xl/styles\.xml", b'<dxfs count="1">', b'<dxfs count="1"><nonsense/>'),
        (r"xl/worksheets/sheet1\.xml", b'dxfId="0"', b'dxfId="77"'),
        (r"xl/worksheets/sheet1\.xml", b'priority="1"', b'priority="x"'),
        (r"xl/worksheets/sheet1\.xml", b"<formula>5</formula>", b"<formula>((((</formula>"),
        (r"xl/worksheets/sheet1\.xml", b'sqref="A1:A3"', b'sqref="rubbish"'),
        (r"xl/worksheets/sheet1\.xml", b'type="cellIs"', b'type="unknown"'),
        (r"xl/tables/table1\.xml", b"TableStyleMedium9", b"TableStyleMedium99"),
        (r"xl/tables/table1\.xml", b'ref="D1:E3"', b'ref="what"'),
        (r"xl/drawings/drawing1\.xml", b"<xdr:col>", b"<xdr:col>99999999"),
        (r"xl/drawings/drawing1\.xml", b"<xdr:from>", b"<xdr:from><nothing/>"),
    ],
)
def test_nonsense_in_looks_is_survived(tmp_path: Path, image: Path, part: str, before: bytes, after: bytes) -> None:
    path = tmp_path / "book.xlsx"
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet("S")
    red = book.add_format({"bg_color": "#FF0000"})
    sheet.write_column("A1", [1, 6, 9])
    sheet.conditional_format("A1:A3", {"type": "cell", "criteria": ">", "value": 5, "format": red})
    sheet.add_table("D1:E3")
    sheet.insert_image("B2", str(image))
    book.close()
    assert shoot(rewritten(path, part, before, after), "S!A1:F5").png


def test_things_of_a_group_share_its_box(tmp_path: Path) -> None:
    """The child takes the left upper quarter of its group, whose own coordinates are twice as large as the child."""
    path = tmp_path / "book.xlsx"
    book = xlsxwriter.Workbook(str(path))
    book.add_worksheet("S").insert_textbox("B2", "x", {"width": 100, "height": 50})
    book.close()
    group = (
        '<xdr:grpSp><xdr:nvGrpSpPr><xdr:cNvPr id="9" name="G"/></xdr:nvGrpSpPr><xdr:grpSpPr><a:xfrm>'
        '<a:off x="0" y="0"/><a:ext cx="1" cy="1"/><a:chOff x="609600" y="190500"/>'
        '<a:chExt cx="1905000" cy="952500"/></a:xfrm></xdr:grpSpPr><xdr:sp '
    )
    part = r"xl/drawings/drawing1\.xml"
    path = rewritten(path, part, b"<xdr:sp ", group.encode()).rename(tmp_path / "one.xlsx")
    things = scene(rewritten(path, part, b"</xdr:sp>", b"</xdr:sp></xdr:grpSp>"), "S!A1:E6").things
    assert [(thing.kind, thing.left, thing.top) for thing in things] == [("shape", 65, 21)]
    assert (things[0].width, things[0].height) == pytest.approx((50, 25), abs=1)
