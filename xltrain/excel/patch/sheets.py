"""Further sheets at the end of a copy: rows of values, and pictures under their captions."""

import re
from collections.abc import Sequence

from xltrain.excel.cell_xml import Value, cell
from xltrain.excel.markup import Node, appended, attribute, edited, name_of, outline, plain
from xltrain.excel.patch.model import NewSheet
from xltrain.excel.patch.parts import Parts
from xltrain.excel.patch.styles import Styles
from xltrain.excel.scan import Package
from xltrain.place import column_letter

_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_MAIN_STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"
_DRAWING = "http://schemas.openxmlformats.org/drawingml/2006/"
_DRAWING_STRICT = "http://purl.oclc.org/ooxml/drawingml/"
_KIND = "application/vnd.openxmlformats-officedocument."
_EMU = 9525  # of a pixel
_ROW_PIXELS = 20
_ILLEGAL = re.compile(r"[\[\]:*?/\\]")
_LONGEST_NAME = 31
_WIDEST = 60


def add_sheets(package: Package, parts: Parts, styles: Styles, sheets: Sequence[NewSheet]) -> None:
    """Add sheets behind the last one."""
    for sheet in sheets:
        raw = parts.read(parts.book)
        root = outline(raw)
        listed = root.child("sheets")
        if listed is None:
            raise parts.broken(ValueError("sheets"))
        part = parts.free_name("xl/worksheets/sheet{}.xml")
        parts.write(part, _sheet_xml(parts, package, styles, sheet))
        parts.declare(part, f"{_KIND}spreadsheetml.worksheet+xml")
        if sheet.pictures:
            _add_pictures(parts, part, sheet)
        relation = parts.relate(parts.book, "worksheet", part)
        taken = {each.attributes.get("name", "").casefold() for each in listed.within}
        number = 1 + max((int(each.attributes.get("sheetId", "0") or 0) for each in listed.within), default=0)
        tag = name_of(listed.prefix, "sheet")
        words = f'name="{attribute(_free(sheet.name, taken))}" sheetId="{number}"'
        link = _link(parts, root)
        xml = f'<{tag} {words} {link}="{relation}"{_declared(parts, root)}/>'
        parts.write(parts.book, edited(raw, [appended(raw, listed, xml.encode())]))


def _link(parts: Parts, root: Node) -> str:
    for key, value in root.attributes.items():
        if key.startswith("xmlns:") and value == parts.kinds:
            return f"{key.partition(':')[2]}:id"
    return "r:id"


def _declared(parts: Parts, root: Node) -> str:
    return "" if parts.kinds in root.attributes.values() else f' xmlns:r="{parts.kinds}"'


def _free(name: str, taken: set[str]) -> str:
    base = _ILLEGAL.sub(" ", name).strip("' ")[:_LONGEST_NAME] or "Sheet"
    made, number = base, 1
    while made.casefold() in taken:
        number += 1
        ending = f" {number}"
        made = base[: _LONGEST_NAME - len(ending)] + ending
    return made


def _sheet_xml(parts: Parts, package: Package, styles: Styles, sheet: NewSheet) -> bytes:
    space = _MAIN_STRICT if parts.strict else _MAIN
    lines = []
    for number, values in enumerate(_all_rows(sheet), 1):
        cells = [
            cell(f"{column_letter(column)}{number}", _style(styles, value), value, "", package.date1904)
            for column, value in enumerate(values, 1)
            if value is not None
        ]
        lines.append(f'<row r="{number}">{"".join(cells)}</row>')
    widths = _widths(sheet)
    tags = "".join(
        f'<col min="{column}" max="{column}" width="{width}" customWidth="1"/>' for column, width in widths.items()
    )
    cols = f"<cols>{tags}</cols>" if tags else ""
    return f'{_XML}<worksheet xmlns="{space}">{cols}<sheetData>{"".join(lines)}</sheetData></worksheet>'.encode()


def _all_rows(sheet: NewSheet) -> list[tuple[Value, ...]]:
    """The rows of values, then one row for each caption with room for its picture below."""
    found: list[tuple[Value, ...]] = list(sheet.rows)
    if found and sheet.pictures:
        found.append(())
    for caption, _, _, height in sheet.pictures:
        found.append((caption,))
        found += [()] * (height // _ROW_PIXELS + 2)
    return found


def _style(styles: Styles, value: Value) -> int:
    if hasattr(value, "hour"):
        return styles.variant(0, "yyyy-mm-dd hh:mm")
    return styles.variant(0, "yyyy-mm-dd") if hasattr(value, "isoformat") else 0


def _widths(sheet: NewSheet) -> dict[int, int]:
    found: dict[int, int] = {}
    for values in sheet.rows:
        for column, value in enumerate(values, 1):
            found[column] = max(found.get(column, 9), min(_WIDEST, len(str(value or "")) + 2))
    return found


def _add_pictures(parts: Parts, sheet_part: str, sheet: NewSheet) -> None:
    drawing = parts.free_name("xl/drawings/drawing{}.xml")
    parts.write(drawing, b"")
    base = _DRAWING_STRICT if parts.strict else _DRAWING
    row = len(sheet.rows) + (1 if sheet.rows else 0)
    anchors = []
    for number, (caption, png, width, height) in enumerate(sheet.pictures, 1):
        image = parts.free_name("xl/media/image{}.png")
        parts.new[image] = png
        relation = parts.relate(drawing, "image", image)
        anchors.append(_anchor(number, caption, relation, row + 1, width * _EMU, height * _EMU))
        row += height // _ROW_PIXELS + 3
    spaces = f'xmlns:xdr="{base}spreadsheetDrawing" xmlns:a="{base}main" xmlns:r="{parts.kinds}"'
    parts.new[drawing] = f"{_XML}<xdr:wsDr {spaces}>{''.join(anchors)}</xdr:wsDr>".encode()
    parts.declare(drawing, f"{_KIND}drawing+xml")
    parts.declare_suffix("png", "image/png")
    relation = parts.relate(sheet_part, "drawing", drawing)
    raw = parts.new[sheet_part]
    end = raw.rindex(b"</worksheet>")
    link = f'<drawing xmlns:r="{parts.kinds}" r:id="{relation}"/>'.encode()
    parts.new[sheet_part] = raw[:end] + link + raw[end:]


def _anchor(number: int, caption: str, relation: str, row: int, wide: int, high: int) -> str:
    at = ("col", 0), ("colOff", 0), ("row", row), ("rowOff", 0)
    start = "".join(f"<xdr:{tag}>{offset}</xdr:{tag}>" for tag, offset in at)
    named = f'<xdr:cNvPr id="{number + 1}" name="Picture {number}" descr="{attribute(plain(caption))}"/>'
    locked = '<xdr:cNvPicPr><a:picLocks noChangeAspect="1"/></xdr:cNvPicPr>'
    fill = f'<xdr:blipFill><a:blip r:embed="{relation}"/><a:stretch><a:fillRect/></a:stretch></xdr:blipFill>'
    size = f'<a:xfrm><a:off x="0" y="0"/><a:ext cx="{wide}" cy="{high}"/></a:xfrm>'
    shape = f'{size}<a:prstGeom prst="rect"><a:avLst/></a:prstGeom>'
    picture = f"<xdr:pic><xdr:nvPicPr>{named}{locked}</xdr:nvPicPr>{fill}<xdr:spPr>{shape}</xdr:spPr></xdr:pic>"
    place = f'<xdr:from>{start}</xdr:from><xdr:ext cx="{wide}" cy="{high}"/>'
    return f"<xdr:oneCellAnchor>{place}{picture}<xdr:clientData/></xdr:oneCellAnchor>"
