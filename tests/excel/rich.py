"""A workbook that holds nearly everything that Excel can, for tests that nothing of it gets lost."""

import datetime
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import xlsxwriter

HEAD = ["day", "size", "shop", "price"]
ROWS = 30
FIRST = 5  # the first row of data, counted from 1; the header stands above


def png() -> bytes:
    """A red square."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    pixels = b"".join(b"\0" + b"\xff\0\0" * 8 for _ in range(8))
    size = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")


CONDITIONS: list[dict[str, Any]] = [
    {"type": "cell", "criteria": ">", "value": 20},
    {"type": "text", "criteria": "containing", "value": "a"},
    {"type": "date", "criteria": "between", "minimum": datetime.date(2026, 1, 1), "maximum": datetime.date(2026, 2, 1)},
    {"type": "time_period", "criteria": "last week"},
    {"type": "duplicate"},
    {"type": "unique"},
    {"type": "top", "value": 3},
    {"type": "bottom", "value": 3},
    {"type": "average", "criteria": "above"},
    {"type": "blanks"},
    {"type": "no_blanks"},
    {"type": "errors"},
    {"type": "no_errors"},
    {"type": "formula", "criteria": "=$B5>10"},
    {"type": "2_color_scale"},
    {"type": "3_color_scale"},
    {"type": "data_bar"},
    {"type": "data_bar", "data_bar_2010": True, "bar_direction": "right"},
    {"type": "icon_set", "icon_style": "3_traffic_lights"},
]
PLAIN = ("2_color_scale", "3_color_scale", "data_bar", "icon_set")


def rich_book(path: Path, table: bool = True, macros: bool = False) -> Path:
    """Sheet `Sales`: a title, a table from A4 with its header, and all kinds of things on and beside it."""
    with xlsxwriter.Workbook(path) as book:
        page = book.add_worksheet("Sales")
        look = book.add_format({"bg_color": "#FFC7CE"})
        dated, money = book.add_format({"num_format": "yyyy-mm-dd"}), book.add_format({"num_format": "#,##0.00 €"})
        header = book.add_format({"bold": True, "bg_color": "#DDEBF7", "border": 1})
        page.merge_range("A1:D1", "Sales of the branch", header)
        page.write_rich_string("A2", "with ", header, "rich", " text")
        if table:
            page.add_table(3, 0, 3 + ROWS, 3, {"columns": [{"header": name} for name in HEAD], "name": "Sales_2026"})
        else:
            page.autofilter(3, 0, 3 + ROWS, 3)
        page.write_row(3, 0, HEAD, header)
        for at in range(ROWS):
            row = FIRST - 1 + at
            page.write_datetime(row, 0, datetime.datetime(2026, 1, 1 + at % 28), dated)
            page.write(row, 1, at * 1.5)
            page.write(row, 2, "ab"[at % 2])
            page.write_formula(row, 3, f"=B{row + 1}*2", money, at * 3.0)
        for offset, rule in enumerate(CONDITIONS):
            plain = rule["type"] in PLAIN
            page.conditional_format(4, offset % 4, 3 + ROWS, offset % 4, rule if plain else {**rule, "format": look})
        page.data_validation("C5:C34", {"validate": "list", "source": ["a", "b"]})
        page.data_validation("B5:B34", {"validate": "decimal", "criteria": ">", "value": -1})
        page.write_comment("B6", "checked by hand", {"author": "Ann"})
        page.write_url("A3", "https://example.org", string="link")
        page.add_sparkline("F3", {"range": "Sales!B5:B34"})
        chart = book.add_chart({"type": "line"})
        chart.add_series({"values": "=Sales!$B$5:$B$34"})
        page.insert_chart("J40", chart)
        page.insert_textbox("B40", "a box")
        page.insert_button("F40", {"caption": "press", "macro": "go"})
        (path.parent / "red.png").write_bytes(png())
        page.insert_image("B50", path.parent / "red.png")
        page.set_column("A:A", 12)
        page.freeze_panes(4, 0)
        page.repeat_rows(3)
        page.set_header("&Lreport")
        page.ignore_errors({"number_stored_as_text": "C5:C34"})
        other = book.add_worksheet("Other")
        other.write("A1", "kept")
        other.protect("secret")
        other.write_dynamic_array_formula("B1:B3", "=Sales!B5:B7")
        other.write_array_formula("C1:C3", "{=Sales!B5:B7*2}")
        other.insert_image("D4", path.parent / "red.png")
        book.define_name("Prices", "=Sales!$D$5:$D$34")
        book.set_custom_property("owner", "Ann")
        if macros:
            (path.parent / "vbaProject.bin").write_bytes(b"\xd0\xcf\x11\xe0" + bytes(600))
            book.add_vba_project(path.parent / "vbaProject.bin")
    return path


def rewritten(path: Path, change: Mapping[str, Callable[[bytes], bytes]], new: Mapping[str, bytes] = {}) -> Path:
    """The workbook with parts changed and added, for what XlsxWriter cannot write."""
    with zipfile.ZipFile(path) as old:
        entries = {info.filename: old.read(info) for info in old.infolist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, raw in entries.items():
            made.writestr(name, change[name](raw) if name in change else raw)
        for name, raw in new.items():
            made.writestr(name, raw)
    return path


def with_foreign_parts(path: Path) -> Path:
    """An external link, custom XML, a calculation chain and an unknown extension."""
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    rels = {
        "xl/_rels/workbook.xml.rels": [
            ("rId901", f"{office}/externalLink", "externalLinks/externalLink1.xml"),
            ("rId902", f"{office}/customXml", "../customXml/item1.xml"),
            ("rId903", f"{office}/calcChain", "calcChain.xml"),
        ]
    }

    def related(raw: bytes) -> bytes:
        lines = "".join(
            f'<Relationship Id="{key}" Type="{kind}" Target="{target}"/>'
            for key, kind, target in rels["xl/_rels/workbook.xml.rels"]
        )
        return raw.replace(b"</Relationships>", lines.encode() + b"</Relationships>")

    def typed(raw: bytes) -> bytes:
        kind = "application/vnd.openxmlformats-officedocument.spreadsheetml."
        parts = {"externalLinks/externalLink1.xml": "externalLink+xml", "calcChain.xml": "calcChain+xml"}
        lines = "".join(f'<Override PartName="/xl/{part}" ContentType="{kind}{name}"/>' for part, name in parts.items())
        return raw.replace(b"</Types>", lines.encode() + b"</Types>")

    def extended(raw: bytes) -> bytes:
        put = (
            b'<ext uri="{11111111-2222-3333-4444-555555555555}" xmlns:q="urn:q"><q:unknown a="1">kept</q:unknown></ext>'
        )
        if b"</extLst>" in raw:
            return raw.replace(b"</extLst>", put + b"</extLst>")
        return raw.replace(b"</worksheet>", b"<extLst>" + put + b"</extLst></worksheet>")

    cells = "".join(f'<c r="D{row}" i="1"/>' for row in range(FIRST, FIRST + ROWS))
    book = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    return rewritten(
        path,
        {
            "xl/_rels/workbook.xml.rels": related,
            "[Content_Types].xml": typed,
            "xl/worksheets/sheet1.xml": extended,
        },
        {
            "xl/externalLinks/externalLink1.xml": f'{book}<externalLink xmlns="{main}"/>'.encode(),
            "customXml/item1.xml": b"<own>data</own>",
            "xl/calcChain.xml": f'{book}<calcChain xmlns="{main}">{cells}</calcChain>'.encode(),
        },
    )
