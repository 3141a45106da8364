"""Comments on cells, and the drawing of their notes, which Excel keeps in an old markup beside them."""

import re
from collections.abc import Mapping, Sequence

from xltrain.excel.markup import appended, edited, name_of, outline, plain
from xltrain.excel.patch.parts import Parts
from xltrain.excel.patch.view import SheetView
from xltrain.excel.scan import Package
from xltrain.place import column_letter, parse_range

AUTHOR = "xltrain"
SIGN = "xltrain: "  # how the last line of a header's comment begins; what follows is the column's key
HEAD = f"{AUTHOR}:\n"  # how what a mark says begins, as Excel begins a note; programs lose the author of a comment

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_MAIN_STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_COMMENTS_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.comments+xml"
_VML_TYPE = "application/vnd.openxmlformats-officedocument.vmlDrawing"
_SHAPE_ID = re.compile(rb'id="[^"]*_s([0-9]+)"')
_NOTE = (
    '<v:shapetype id="_x0000_t202" coordsize="21600,21600" o:spt="202" path="m,l,21600r21600,l21600,xe">'
    '<v:stroke joinstyle="miter"/><v:path gradientshapeok="t" o:connecttype="rect"/></v:shapetype>'
)
_NAMESPACES = (
    'xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" '
    'xmlns:x="urn:schemas-microsoft-com:office:excel"'
)
_WIDE, _HIGH = 4, 6  # columns and rows of a note

Cell = tuple[int, int]


def add_comments(view: SheetView, parts: Parts, comments: Mapping[Cell, str]) -> str:
    """Add comments to cells (row, column); one that has a comment already gets the words below its own.

    Gives the id of a new relationship to a drawing, which the sheet must name; empty where it has one.
    """
    if not comments:
        return ""
    found = dict(view.relations.values())
    part = found.get("comments", "")
    if part in parts and part:
        new = _append(parts, part, comments)
    else:
        part = parts.free_name("xl/comments{}.xml")
        space = _MAIN_STRICT if parts.strict else _MAIN
        start = f'{_XML}<comments xmlns="{space}"><authors><author>{AUTHOR}</author></authors><commentList>'
        lines = "".join(_comment("", cell, 0, words) for cell, words in sorted(comments.items()))
        parts.write(part, f"{start}{lines}</commentList></comments>".encode())
        parts.declare(part, _COMMENTS_TYPE)
        parts.relate(view.part, "comments", part)
        new = sorted(comments)
    return _draw(view, parts, new)


def signature(words: str) -> str:
    """The key that a header's comment ends with, empty for any other comment."""
    last = words.strip().rpartition("\n")[2].strip()
    return last.removeprefix(SIGN) if last.startswith(SIGN) else ""


def own_start(words: str) -> int:
    """Where our words begin in a comment; its length where none of it is ours."""
    if signature(words):
        return 0
    at = f"\n{words}".rfind(f"\n{HEAD}")
    return len(words) if at < 0 else at


def _append(parts: Parts, part: str, comments: Mapping[Cell, str]) -> list[Cell]:
    """Add to a part of comments; gives the cells that had none."""
    raw = parts.read(part)
    root = outline(raw)
    authors, listed = root.child("authors"), root.child("commentList")
    if authors is None or listed is None:
        return []
    names = [each.text for each in authors.within]
    edits = []
    if AUTHOR not in names:
        tag = name_of(root.prefix, "author")
        edits.append(appended(raw, authors, f"<{tag}>{AUTHOR}</{tag}>".encode()))
        names.append(AUTHOR)
    old = {each.attributes.get("ref", "").replace("$", ""): each for each in listed.within}
    new, lines = [], ""
    for cell, words in sorted(comments.items()):
        known = old.get(_address(cell))
        words_node = known.child("text") if known else None
        if words_node:
            run, inside = name_of(root.prefix, "r"), name_of(root.prefix, "t")
            xml = f'<{run}><{inside} xml:space="preserve">{plain(chr(10) + words)}</{inside}></{run}>'
            edits.append(appended(raw, words_node, xml.encode()))
        elif known is None:
            new.append(cell)
            lines += _comment(root.prefix, cell, names.index(AUTHOR), words)
    edits.append(appended(raw, listed, lines.encode()))
    parts.write(part, edited(raw, edits))
    return new


def _comment(prefix: str, cell: Cell, author: int, words: str) -> str:
    around, inside, run, word = (name_of(prefix, each) for each in ("comment", "text", "r", "t"))
    shown = f'<{run}><{word} xml:space="preserve">{plain(words)}</{word}></{run}>'
    return f'<{around} ref="{_address(cell)}" authorId="{author}"><{inside}>{shown}</{inside}></{around}>'


def _address(cell: Cell) -> str:
    return f"{column_letter(cell[1])}{cell[0]}"


def _draw(view: SheetView, parts: Parts, cells: Sequence[Cell]) -> str:
    """Draw the notes of new comments, in the sheet's own drawing where it has one."""
    node = view.child("legacyDrawing")
    link = next((value for key, value in node.attributes.items() if key.endswith(":id")), "") if node else ""
    part = view.relations.get(link, ("", ""))[1]
    if part and part in parts:
        raw = parts.read(part)
        used = [int(number) for number in _SHAPE_ID.findall(raw)]
        start = max([1024, *used]) + 1
        shapes = "".join(_shape(cell, start + index) for index, cell in enumerate(cells))
        if b'id="_x0000_t202"' not in raw:
            shapes = _NOTE + shapes
        end = raw.rfind(b"</")  # the root's end tag; such drawings need not be well-formed
        opened = re.search(rb"<(?:\w+:)?xml\b[^>]*>", raw)
        if opened and any(space not in opened[0] for space in (b"xmlns:v=", b"xmlns:o=", b"xmlns:x=")):
            shapes = shapes.replace("<v:shape ", f"<v:shape {_NAMESPACES} ")
            shapes = shapes.replace("<v:shapetype ", f"<v:shapetype {_NAMESPACES} ")
        parts.write(part, raw[:end] + shapes.encode() + raw[end:])
        return ""
    block = [each.part for each in view.package.sheets].index(view.part) + 1
    start = 1024 * block + 1
    shapes = "".join(_shape(cell, start + index) for index, cell in enumerate(cells))
    layout = f'<o:shapelayout v:ext="edit"><o:idmap v:ext="edit" data="{block}"/></o:shapelayout>'
    part = parts.free_name("xl/drawings/vmlDrawing{}.vml")
    parts.write(part, f"<xml {_NAMESPACES}>{layout}{_NOTE}{shapes}</xml>".encode())
    parts.declare_suffix("vml", _VML_TYPE)
    return parts.relate(view.part, "vmlDrawing", part)


def _shape(cell: Cell, number: int) -> str:
    """A hidden note beside its cell."""
    row, column = cell[0] - 1, cell[1] - 1
    top = max(0, row - 1)
    anchor = f"{column + 1}, 15, {top}, 10, {column + 1 + _WIDE}, 15, {top + _HIGH}, 4"
    return (
        f'<v:shape id="_x0000_s{number}" type="#_x0000_t202" '
        'style="position:absolute;margin-left:80pt;margin-top:2pt;width:200pt;height:80pt;z-index:1;visibility:hidden" '
        'fillcolor="#ffffe1" o:insetmode="auto"><v:fill color2="#ffffe1"/><v:shadow on="t" color="black" obscured="t"/>'
        '<v:path o:connecttype="none"/><v:textbox style="mso-direction-alt:auto"><div style="text-align:left"></div>'
        '</v:textbox><x:ClientData ObjectType="Note"><x:MoveWithCells/><x:SizeWithCells/>'
        f"<x:Anchor>{anchor}</x:Anchor><x:AutoFill>False</x:AutoFill><x:Row>{row}</x:Row><x:Column>{column}</x:Column>"
        "</x:ClientData></v:shape>"
    )


def comments_of(package: Package, parts: Parts, sheet_part: str) -> dict[Cell, str]:
    """The words of every comment of a sheet, by (row, column)."""
    found: dict[Cell, str] = {}
    for kind, part in package.relations(sheet_part).values():
        if kind == "comments" and part in parts:
            for each in outline(parts.read(part)).all("comment"):
                cells = parse_range(each.attributes.get("ref", "").replace("$", ""))
                if cells:
                    found[cells.first_row, cells.first_column] = "".join(node.text for node in each.all("t"))
    return found
