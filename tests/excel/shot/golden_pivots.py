"""Golden workbooks with pivot tables: what Excel's built-in pivot styles and those of a book make of their cells."""

import shutil
import zipfile
from pathlib import Path
from typing import Any

from tests.excel.shot.golden import golden

MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
KIND = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/pivotTable"
TOTAL = '<i t="grand"><x/></i>'


def add_pivot(
    path: Path,
    style: str,
    rows: str,
    columns: str = "",
    ref: str = "A1:C5",
    place: str = 'firstHeaderRow="0" firstDataRow="1" firstDataCol="1"',
    fields: tuple[int, int] = (1, 1),
    shown: str = 'showRowHeaders="1" showColHeaders="1" showLastColumn="1"',
    pages: int = 0,
    styles: str = "",
) -> None:
    """Lay a pivot table over the cells of the first sheet; `fields` of rows and columns; `styles` for styles.xml."""
    row, column, page = '<field x="0"/>' * fields[0], '<field x="1"/>' * fields[1], '<pageField fld="2"/>' * pages
    parts = (
        f'<pivotTableDefinition {MAIN} name="P" cacheId="1"><location ref="{ref}" {place}/>'
        f"<rowFields>{row}</rowFields><rowItems>{rows}</rowItems>"
        f"<colFields>{column}</colFields><colItems>{columns}</colItems><pageFields>{page}</pageFields>"
        f'<pivotTableStyleInfo name="{style}" {shown}/></pivotTableDefinition>'
    )
    link = f'<Relationship Id="p1" Type="{KIND}" Target="../pivotTables/pivotTable1.xml"/>'
    whole = path.with_suffix(".old")
    shutil.move(path, whole)
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            content = old.read(name).decode()
            if name == "xl/styles.xml" and styles:
                head, _, tail = content.partition("<dxfs")
                content = head + styles + tail.partition(">")[2].partition("/>")[2]
            new.writestr(name, content)
        new.writestr(
            "xl/worksheets/_rels/sheet1.xml.rels", f'<Relationships xmlns="{RELATIONS}">{link}</Relationships>'
        )
        new.writestr("xl/pivotTables/pivotTable1.xml", parts)


def numbers(sheet: Any, *rows: tuple[Any, ...], start: int = 0) -> None:
    for row, values in enumerate(rows, start):
        sheet.write_row(row, 0, values)


@golden(
    "A1:C5",
    {
        "A1": {"fill": "DCE6F1", "bold": True, "border_bottom": "thin 95B3D7"},
        "A2": {"bold": True, "border_bottom": "thin 95B3D7", "fill": "FFFFFF"},
        "B2": {"bold": True},
        "A3": {"bold": False, "fill": "FFFFFF"},
        "A5": {"fill": "DCE6F1", "bold": True, "border_top": "thin 95B3D7"},
    },
    finish=lambda path: add_pivot(
        path, "PivotStyleLight16", '<i><x/></i><i r="1"><x/></i><i r="1"><x v="1"/></i>' + TOTAL, fields=(2, 1)
    ),
)
def _pivot_style_light_16(book: Any, sheet: Any) -> None:
    """A heading of a group, its two rows, and the grand total."""
    numbers(sheet, ("Row Labels", "a", "b"), ("north", 3, 5), (1, 1, 2), (2, 2, 3), ("Grand Total", 3, 5))


@golden(
    "A1:D6",
    {
        "A1": {"fill": "4F81BD", "colour": "FFFFFF", "border_top": "medium 366092"},
        "A3": {"border_top": "thin 95B3D7", "bold": False, "fill": "FFFFFF"},
        "A5": {"fill": "B8CCE4", "bold": True},
        "A6": {"bold": True, "border_bottom": "medium 366092"},
        "C3": {"fill": "FFFFFF", "border_left": "medium B8CCE4", "border_right": "medium B8CCE4"},
    },
    finish=lambda path: add_pivot(
        path,
        "PivotStyleMedium9",
        '<i><x/><x/></i><i r="1"><x v="1"/></i><i t="default"><x/></i>' + TOTAL,
        '<i><x/></i><i t="default"><x/></i>' + TOTAL,
        ref="A1:D6",
        place='firstHeaderRow="1" firstDataRow="2" firstDataCol="1"',
        fields=(2, 2),
        shown='showRowHeaders="1" showColHeaders="1" showRowStripes="1"',
    ),
)
def _pivot_style_medium_9(book: Any, sheet: Any) -> None:
    """Two rows of headers, subtotals across and down, stripes of rows."""
    numbers(sheet, ("Sum", "Month"), ("Label", 1, 2, 3), (1, 1, 1, 2), (2, 1, 1, 2), ("Sub", 2, 2, 4), ("All", 2, 2, 4))


@golden(
    "A1:C4",
    {
        "A1": {"fill": "000000", "colour": "FFFFFF", "bold": True},
        "A2": {"fill": "8C8C8C", "colour": "D9D9D9", "border_top": "thin A6A6A6"},
        "A4": {"fill": "000000", "colour": "FFFFFF"},
    },
    finish=lambda path: add_pivot(
        path,
        "PivotStyleDark15",
        "<i><x/></i><i><x/></i>" + TOTAL,
        ref="A1:C4",
        shown='showRowHeaders="1" showColHeaders="1" showRowStripes="1"',
    ),
)
def _pivot_style_dark_15(book: Any, sheet: Any) -> None:
    numbers(sheet, ("Label", "a", "b"), (1, 1, 2), (2, 2, 3), ("All", 3, 5))


@golden(
    "A1:C6",
    {
        "A1": {"fill": "B8CCE4", "bold": True, "colour": "366092"},
        "B1": {"fill": "DCE6F1", "colour": "366092"},
        "C1": {"fill": "FFFFFF"},
        "A3": {"fill": "B8CCE4", "bold": True, "border_bottom": "thin FFFFFF"},
        "B3": {"fill": "DCE6F1", "bold": True},
        "A4": {"fill": "B8CCE4", "bold": True},
        "B4": {"fill": "DCE6F1", "bold": False, "border_right": "thin FFFFFF"},
        "B5": {"fill": "B8CCE4"},
    },
    finish=lambda path: add_pivot(
        path,
        "PivotStyleMedium23",
        "<i><x/></i><i><x/></i>" + TOTAL,
        ref="A3:C6",
        place='firstHeaderRow="0" firstDataRow="1" firstDataCol="1" rowPageCount="1" colPageCount="1"',
        shown='showRowHeaders="1" showColHeaders="1" showRowStripes="1"',
        pages=1,
    ),
)
def _pivot_style_with_page_field(book: Any, sheet: Any) -> None:
    numbers(sheet, ("Year", "(All)"), (), ("Label", "a", "b"), (1, 1, 2), (2, 2, 3), ("All", 3, 5))


@golden(
    "A1:C4",
    {
        "A1": {"fill": "FFC000", "bold": False},
        "A2": {"fill": "FFFFFF"},
        "B3": {"fill": "FFFFFF", "border_bottom": "thin FF0000"},
        "C4": {"colour": "FF0000"},
    },
    finish=lambda path: add_pivot(
        path,
        "Own",
        "<i><x/></i><i><x/></i>" + TOTAL,
        ref="A1:C4",
        styles=(
            '<dxfs count="3"><dxf><fill><patternFill><bgColor rgb="FFFFC000"/></patternFill></fill></dxf>'
            '<dxf><border><horizontal style="thin"><color rgb="FFFF0000"/></horizontal></border></dxf>'
            '<dxf><font><color rgb="FFFF0000"/></font></dxf></dxfs>'
            '<tableStyles><tableStyle name="Own" table="0"><tableStyleElement type="wholeTable" dxfId="1"/>'
            '<tableStyleElement type="headerRow" dxfId="0"/><tableStyleElement type="totalRow" dxfId="2"/>'
            "</tableStyle></tableStyles>"
        ),
    ),
)
def _pivot_style_of_the_book(book: Any, sheet: Any) -> None:
    numbers(sheet, ("Label", "a", "b"), (1, 1, 2), (2, 2, 3), ("All", 3, 5))
