"""Notes of cells that are always shown, as boxes over the sheet; of others only the mark in their cell is drawn."""

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from xltrain.excel.scan import Package
from xltrain.excel.shot.attributes import child, descendants, is_hex, local, root, whole
from xltrain.excel.shot.chart.ink import Paint, Stroke
from xltrain.excel.shot.colour import Palette
from xltrain.excel.shot.drawing import Paragraph, Shape
from xltrain.excel.shot.page import Anchor, Thing
from xltrain.excel.shot.style import Font, read_font
from xltrain.place import column_letter

# Such parts are often no proper XML, since programs write HTML into them.
_SHAPE = re.compile(rb"<v:shape\b([^>]*)>((?:(?!</v:shape>).)*)</v:shape>", re.S)
_FIELD = re.compile(rb"<x:(Anchor|Row|Column)>([^<]*)</x:")
_SHOWN = re.compile(rb"<x:Visible\s*/>|<x:Visible>\s*(?:True\s*)?</x:Visible>")
_FILL = re.compile(rb"\bfillcolor\s*=\s*[\"']#([0-9a-fA-F]{6})\b")
_YELLOW, _MOST = "#FFFFE1", 1000
_FONT = Font("Tahoma", 9.0)


def read_notes(package: Package, part: str, palette: Palette) -> Iterator[Thing]:
    """The notes of a sheet that are always shown."""
    relations = list(package.relations(part).values())
    shapes = [found for kind, target in relations if kind == "vmlDrawing" for found in _shown(package, target)]
    if not shapes:
        return
    words = {
        each.get("ref", ""): each
        for kind, target in relations
        if kind == "comments"
        for each in descendants(root(package, target), "comment")
    }
    for cell, anchor, fill in shapes[:_MOST]:
        if cell in words:
            text = Paragraph(tuple(_runs(words[cell], palette)))
            shape = Shape("rect", Paint(fill), Stroke("#000000"), (text,), insets=(4.0, 3.0, 4.0, 3.0))
            yield Thing(anchor, "shape", cell, shape)


def _shown(package: Package, part: str) -> Iterator[tuple[str, Anchor, str]]:
    """Cell, place and colour of the shapes of notes that are always shown."""
    if part not in package:
        return
    for attributes, body in _SHAPE.findall(package.read(part)):
        given = {name.decode(): value.decode("ascii", "replace") for name, value in _FIELD.findall(body)}
        corners = [whole(each.strip(), -1) for each in given.get("Anchor", "").split(",")]
        row, column = (whole(given.get(name), -1) for name in ("Row", "Column"))
        if b'"Note"' not in body or not _SHOWN.search(body) or len(corners) != 8 or min(*corners, row, column) < 0:
            continue
        left, x, top, y, right, end, bottom, low = corners
        fill = _FILL.search(attributes)
        colour = f"#{fill[1].decode().upper()}" if fill and is_hex(fill[1].decode()) else _YELLOW
        anchor = Anchor(left + 1, top + 1, x, y, (right + 1, bottom + 1, end, low))
        yield f"{column_letter(column + 1)}{row + 1}", anchor, colour


def _runs(comment: Element, palette: Palette) -> Iterator[tuple[str, Font]]:
    """The text of a note with its fonts."""
    text = child(comment, "text")
    for each in text if text is not None else ():
        if local(each) == "t":
            yield each.text or "", _FONT
        elif local(each) == "r":
            letters, look = child(each, "t"), child(each, "rPr")
            font = read_font(look, palette) if look is not None else _FONT
            yield (letters.text or "") if letters is not None else "", font
