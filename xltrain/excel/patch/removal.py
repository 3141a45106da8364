"""Takes our columns out of a copy that another program saved since: cells, comments, bars, dropdowns, table columns."""

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from xltrain.excel.archive import Content, Writer, copy_archive
from xltrain.excel.markup import Edit, Node, edited, outline, plain, set_attributes
from xltrain.excel.patch.comments import AUTHOR, own_start
from xltrain.excel.patch.encoding import encoder
from xltrain.excel.patch.model import Placed
from xltrain.excel.patch.parts import Parts
from xltrain.excel.patch.record import records_in
from xltrain.excel.patch.rows import old_cells, row_tags
from xltrain.excel.patch.view import SheetView
from xltrain.excel.scan import Package
from xltrain.place import column_letter, parse_range

_SHAPE = re.compile(rb"<(?:\w+:)?shape\b(?:(?!</(?:\w+:)?shape>).)*</(?:\w+:)?shape>", re.S)
_ROW, _COLUMN = (re.compile(rb"<(?:\w+:)?" + name + rb">\s*([0-9]+)\s*</") for name in (b"Row", b"Column"))

Cell = tuple[int, int]


def remove_own(source: Path, target: Path, columns_in: Callable[[Package, Parts], Sequence[Placed]]) -> bool:
    """Write a copy without what is ours; whether there was anything."""
    with Package(source) as package:
        parts = Parts(package)
        own: dict[str, list[Placed]] = defaultdict(list)
        for placed in columns_in(package, parts):
            own[placed.sheet].append(placed)
        contents: dict[str, Content] = {}
        for sheet in package.sheets:
            _remove_comments(package, parts, sheet.part)
            if own.get(sheet.name):
                view = SheetView(package, parts, sheet.name)
                _shrink_tables(view, parts, own[sheet.name])
                contents[parts.entry(sheet.part)] = _rewritten(source, view, own[sheet.name])
        records = records_in(package, parts)
        for part, _ in records:
            for kind, properties in package.relations(part).values():
                if kind == "customXmlProps":
                    parts.drop(properties, part)
                    parts.dropped.append(part.rpartition("/")[0] + "/_rels/" + part.rpartition("/")[2] + ".rels")
            parts.drop(part, parts.book, "")
        for part, raw in parts.changed.items():
            if parts.entry(part) not in map(parts.entry, parts.dropped):
                contents[parts.entry(part)] = _whole(source, parts.entry(part), raw)
        copy_archive(source, target, contents, {}, [parts.entry(part) for part in parts.dropped])
    return bool(own or records or parts.changed)


def _whole(source: Path, entry: str, raw: bytes) -> Writer:
    def write(stream: IO[bytes]) -> None:
        encoder(source, entry, stream)(raw)

    return write


def _remove_comments(package: Package, parts: Parts, sheet_part: str) -> None:
    """Take out the comments that we wrote, with their notes, and what we added to those of others."""
    relations = package.relations(sheet_part)
    gone: set[Cell] = set()
    for kind, part in relations.values():
        if kind != "comments" or part not in parts:
            continue
        raw = parts.read(part)
        root = outline(raw)
        authors = [each.text for node in root.within if node.name == "authors" for each in node.within]
        edits: list[Edit] = []
        for each in root.all("comment"):
            number = int(each.attributes.get("authorId", "0") or 0)
            words = "".join(node.text for node in each.all("t"))
            cells = parse_range(each.attributes.get("ref", "").replace("$", ""))
            ours = number < len(authors) and authors[number] == AUTHOR
            start = 0 if ours else own_start(words)
            if cells and not words[:start].strip() and (ours or words):
                edits.append((each.start, each.end - each.start, b""))
                gone.add((cells.first_row, cells.first_column))
            elif start < len(words):
                edits += _cut(each, len(words[:start].rstrip("\n")))
        parts.write(part, edited(raw, edits))
    for kind, part in relations.values():
        if kind == "vmlDrawing" and part in parts and gone:
            parts.write(
                part, _SHAPE.sub(lambda found: b"" if _cell_of(found[0]) in gone else found[0], parts.read(part))
            )


def _cut(comment: Node, length: int) -> list[Edit]:
    """What leaves the first so many characters of a comment, in their own letters."""
    edits: list[Edit] = []
    for node in comment.all("t"):
        kept = node.text[: max(0, length)]
        length -= len(node.text)
        if kept != node.text:
            edits.append((node.inner, node.inner_end - node.inner, plain(kept).encode()))
    return edits


def _cell_of(shape: bytes) -> Cell:
    row, column = _ROW.search(shape), _COLUMN.search(shape)
    return (int(row[1]) + 1, int(column[1]) + 1) if row and column else (0, 0)


def _shrink_tables(view: SheetView, parts: Parts, own: Sequence[Placed]) -> None:
    for kind, part in view.relations.values():
        if kind != "table" or part not in parts:
            continue
        raw = parts.read(part)
        root = outline(raw)
        cells, columns = parse_range(root.attributes.get("ref", "")), root.child("tableColumns")
        if cells is None or columns is None:
            continue
        ours = {each.column for each in own if each.header_row == cells.first_row}
        last = cells.last_column
        while last in ours and last > cells.first_column:
            last -= 1
        count = cells.last_column - last
        if not count:
            continue
        start, end = f"{column_letter(cells.first_column)}{cells.first_row}", column_letter(last)
        edits = [set_attributes(raw, root, ref=f"{start}:{end}{cells.last_row}")]
        own_filter = root.child("autoFilter")
        shown = parse_range(own_filter.attributes.get("ref", "")) if own_filter else None
        if own_filter and shown:
            edits.append(set_attributes(raw, own_filter, ref=f"{start}:{end}{shown.last_row}"))
        edits.append(set_attributes(raw, columns, count=str(len(columns.within) - count)))
        edits += [(each.start, each.end - each.start, b"") for each in columns.within[-count:]]
        parts.write(part, edited(raw, edits))


def _rewritten(source: Path, view: SheetView, own: Sequence[Placed]) -> Writer:
    """The sheet without our cells; rows in which nothing stands left of them keep theirs."""
    columns = {each.column for each in own}
    tops = {each.column: each.header_row for each in own}
    first = min(columns)

    def write(stream: IO[bytes]) -> None:
        put = encoder(source, view.parts.entry(view.part), stream)
        edits = _around_edits(view, own)
        cut = len(view.head)
        put(edited(view.head, [edit for edit in edits if edit[0] < cut]))
        last = 0
        for piece in view.pieces():
            changes: list[Edit] = []
            for number, _, inner, stop, _ in row_tags(piece, view.prefix, last):
                last = number
                if number < min(tops.values()):
                    continue
                cells = list(old_cells(piece[inner:stop]))
                if any(cell.filled and cell.column < first for cell in cells) or number in tops.values():
                    changes += [
                        (inner + cell.start, cell.end - cell.start, b"")
                        for cell in cells
                        if cell.column in columns and number >= tops[cell.column] and cell.named
                    ]
            put(edited(piece, changes))
        put(edited(view.tail, [(offset - cut, taken, new) for offset, taken, new in edits if offset >= cut]))

    return write


def _around_edits(view: SheetView, own: Sequence[Placed]) -> list[Edit]:
    """Bars and dropdowns of our columns out, the sheet's filter as wide as before."""
    columns = {each.column for each in own}
    edits: list[Edit] = []
    for node in view.root.within:
        if node.name == "conditionalFormatting" and _inside(view, node, columns):
            edits.append((node.start, node.end - node.start, b""))
        elif node.name == "dataValidations":
            gone = [each for each in node.within if _inside(view, each, columns)]
            if gone and len(gone) == len(node.within):
                edits.append((node.start, node.end - node.start, b""))
            elif gone:
                edits.append(set_attributes(view.skeleton, node, count=str(len(node.within) - len(gone))))
                edits += [(each.start, each.end - each.start, b"") for each in gone]
        elif node.name == "autoFilter":
            cells = parse_range(node.attributes.get("ref", ""))
            last = cells.last_column if cells else 0
            while cells and last in columns and last > cells.first_column:
                last -= 1
            if cells and last != cells.last_column:
                start = f"{column_letter(cells.first_column)}{cells.first_row}"
                edits.append(set_attributes(view.skeleton, node, ref=f"{start}:{column_letter(last)}{cells.last_row}"))
    return edits


def _inside(view: SheetView, node: Node, columns: set[int]) -> bool:
    """Whether all cells of a format or dropdown are ours."""
    ranges = list(view.ranges(node.attributes.get("sqref", "")))
    return bool(ranges) and all(set(range(each.first_column, each.last_column + 1)) <= columns for each in ranges)
