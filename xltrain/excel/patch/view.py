"""One sheet looked at before it is changed: what stands around its rows, and which cells are taken."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from xltrain.errors import WorkbookError
from xltrain.excel.markup import Node, name_of, outline
from xltrain.excel.patch.parts import Parts
from xltrain.excel.patch.rows import cells_from_end, old_cells, rows_of
from xltrain.excel.scan import Package, Row, rows
from xltrain.language import listed, text
from xltrain.place import MAX_COLUMN, MAX_ROW, Place, Problem, column_letter, parse_range

_DATA = re.compile(rb"<((?:\w+:)?)sheetData\b[^>]*>")
_ANCHOR = re.compile(rb"<(?:\w+:)?Anchor>\s*([0-9,\s-]+)</")
_EMU_OF_COLUMN, _EMU_OF_ROW = 64 * 9525, 20 * 9525  # of the usual width and height
NEAR = 8  # columns to the right within which blank cells and formatted ranges are walked around


@dataclass(frozen=True)
class Taken:
    """A rectangle that something stands on. A soft one (a blank cell, a formatted range) may be covered if need be."""

    first_row: int
    first_column: int
    last_row: int
    last_column: int
    soft: bool = False

    def meets(self, top: int, bottom: int, first: int, last: int) -> bool:
        rows_meet = self.first_row <= bottom and self.last_row >= top
        return rows_meet and self.first_column <= last and self.last_column >= first


class SheetView:
    """The XML of a sheet around its rows, outlined, and its obstacles."""

    def __init__(self, package: Package, parts: Parts, name: str) -> None:
        self.package, self.parts, self.name = package, parts, name
        self.part = package.sheet(name).part
        self.head, self.tail = b"", b""
        for _ in self.pieces():
            pass
        found = _DATA.search(self.head)
        if found is None:
            raise WorkbookError(package.broken("sheetData"))
        self.prefix = found[1].decode().rstrip(":")
        self.empty = self.head.endswith(b"/>")  # sheetData closes itself
        self.skeleton = self.head + self.tail
        self.root = outline(self.skeleton)
        self.relations = package.relations(self.part)

    def pieces(self) -> Iterator[bytes]:
        """Pieces of whole rows; `head` is known with the first, `tail` after the last."""
        rest, source = b"", self.package.stream(self.part)
        opened = None
        for piece in source:
            rest += piece
            opened = _DATA.search(rest)
            if opened:
                break
        if opened is None:
            self.head = rest
            return
        self.head, rest = rest[: opened.end()], rest[opened.end() :]
        prefix = opened[1].decode().rstrip(":")
        row_end = f"</{name_of(prefix, 'row')}>".encode()
        data_end = f"</{name_of(prefix, 'sheetData')}>".encode()
        if self.head.endswith(b"/>"):
            self.tail = rest + b"".join(source)
            return
        while True:
            end = rest.find(data_end)
            if end >= 0:
                yield rest[:end]
                self.tail = rest[end:] + b"".join(source)
                return
            cut = rest.rfind(row_end)
            if cut >= 0:
                yield rest[: cut + len(row_end)]
                rest = rest[cut + len(row_end) :]
            more = next(source, b"")
            if not more:
                raise WorkbookError(self.package.broken("sheetData"))
            rest += more

    @property
    def after_rows(self) -> list[Node]:
        """The elements that follow the rows."""
        names = [node.name for node in self.root.within]
        return self.root.within[names.index("sheetData") + 1 :]

    def child(self, name: str) -> Node | None:
        return self.root.child(name)

    @property
    def is_protected(self) -> bool:
        found = self.child("sheetProtection")
        return found is not None and found.attributes.get("sheet", "0") in ("1", "true")

    def row(self, number: int) -> Row | None:
        return next(iter(rows(self.package, self.part, number, number)), None)

    def last_filled(self, number: int) -> int:
        """The last column of a row that holds anything, 0 for none."""
        found = self.row(number)
        return max((cell.column for cell in found.cells if cell.value or cell.formula), default=0) if found else 0

    def style_at(self, number: int, column: int) -> int:
        """The style of a cell, else that of its column."""
        found = self.row(number)
        if found:
            for cell in found.cells:
                if cell.column == column:
                    return cell.style
        return self.column_styles.get(column, 0)

    @property
    def column_styles(self) -> dict[int, int]:
        """The styles of whole columns; those of very wide stretches of columns for their first hundred only."""
        found: dict[int, int] = {}
        around = self.child("cols")
        for each in around.within if around else ():
            first, last, style = (int(each.attributes.get(key, "0") or 0) for key in ("min", "max", "style"))
            if style:
                found |= dict.fromkeys(range(first, min(last, first + 100) + 1), style)
        return found

    def ranges(self, words: str, soft: bool = False) -> Iterator[Taken]:
        """The rectangles of a list such as `A1:B2 D4`; whole columns and rows too."""
        for word in words.replace("$", "").split():
            cells = parse_range(word)
            if cells:
                yield Taken(cells.first_row, cells.first_column, cells.last_row, cells.last_column, soft)
                continue
            one, _, other = word.rpartition("!")[2].partition(":")
            other = other or one
            if one.isdigit() and other.isdigit():
                yield Taken(int(one), 1, int(other), MAX_COLUMN, soft)
            elif one.isalpha() and other.isalpha() and (whole := parse_range(f"{one}1:{other}1")):
                yield Taken(1, whole.first_column, MAX_ROW, whole.last_column, soft)

    def obstacles(self) -> list[Taken]:
        """What stands on the sheet besides its cells."""
        found: list[Taken] = []
        for name, key, soft in (
            ("mergeCell", "ref", False),
            ("conditionalFormatting", "sqref", True),
            ("dataValidation", "sqref", True),
            ("hyperlink", "ref", True),
            ("protectedRange", "sqref", True),
        ):
            for node in self.root.all(name):
                found += self.ranges(node.attributes.get(key, ""), soft)
        for node in self.root.all("sqref"):  # newer formats, validations and sparklines
            found += self.ranges(node.text, soft=True)
        for kind, part in self.relations.values():
            if part in self.parts:
                found += self._related(kind, part)
        return found

    def _related(self, kind: str, part: str) -> list[Taken]:
        if kind == "vmlDrawing":
            return list(self._controls(self.parts.read(part)))
        if kind not in ("table", "pivotTable", "comments", "drawing"):
            return []
        root = outline(self.parts.read(part))
        if kind == "table":
            return list(self.ranges(root.attributes.get("ref", "")))
        if kind == "pivotTable":
            return [each for node in root.all("location") for each in self.ranges(node.attributes.get("ref", ""))]
        if kind == "comments":
            return [each for node in root.all("comment") for each in self.ranges(node.attributes.get("ref", ""))]
        return [each for node in root.within if (each := _anchored(node))]

    @staticmethod
    def _controls(raw: bytes) -> Iterator[Taken]:
        """Form controls; the notes of comments float over cells and move away."""
        for shape in raw.split(b":shape ")[1:]:
            anchor = _ANCHOR.search(shape)
            if anchor and b'ObjectType="Note"' not in shape:
                numbers = [int(each) for each in anchor[1].split(b",")]
                if len(numbers) == 8:
                    yield Taken(numbers[2] + 1, numbers[0] + 1, numbers[6] + 1, numbers[4] + 1)

    def occupied(self, top: int, bottom: int, after: int) -> dict[int, bool]:
        """The columns to the right of `after` in which rows top to bottom have cells; whether any holds something."""
        found: dict[int, bool] = {}
        for piece, number, inner, stop in rows_of(self.pieces(), self.prefix):
            if number < top:
                continue
            if number > bottom:
                break
            body = piece[inner:stop]
            column, _ = next(cells_from_end(body, self.prefix), (after, 0))
            if column > after or not column:
                for cell in old_cells(body):
                    if cell.column > after:
                        found[cell.column] = found.get(cell.column, False) or cell.filled
        return found

    def free_columns(self, top: int, bottom: int, after: int, count: int) -> int:
        """The first of `count` free columns beside rows top to bottom; 0 where there are none.

        Near the table nothing at all stands in them; farther out blank cells and formatted ranges are covered instead.
        """
        cells = self.occupied(top, bottom, after)
        obstacles = self.obstacles()
        hard = [each for each in obstacles if not each.soft]
        untouched = _first_free(set(cells), obstacles, top, bottom, after, count)
        if untouched and untouched - after <= NEAR:
            return untouched
        filled = {column for column, holds in cells.items() if holds}
        bare = _first_free(filled, hard, top, bottom, after, count)
        return untouched if untouched and untouched <= bare else bare

    def is_free(self, top: int, bottom: int, first: int, count: int) -> str:
        """Where something stands in these columns, empty where they are free."""
        last = first + count - 1
        for column, holds in sorted(self.occupied(top, bottom, first - 1).items()):
            if holds and column <= last:
                return column_letter(column)
        for each in self.obstacles():
            if not each.soft and each.meets(top, bottom, first, last):
                return column_letter(max(first, each.first_column))
        return "" if last <= MAX_COLUMN else column_letter(MAX_COLUMN)


def _first_free(columns: set[int], obstacles: list[Taken], top: int, bottom: int, after: int, count: int) -> int:
    start = after + 1
    while start + count - 1 <= MAX_COLUMN:
        last = start + count - 1
        hit = [column for column in columns if start <= column <= last]
        met = [each.last_column for each in obstacles if each.meets(top, bottom, start, last)]
        if not hit and not met:
            return start
        start = max(hit + met) + 1
    return 0


def _anchored(node: Node) -> Taken | None:
    """Where a picture, chart or text box floats."""
    start, end = node.child("from"), node.child("to")
    if start is None:
        return None
    row, column = _corner(start)
    if end is not None:
        last_row, last_column = _corner(end)
    else:
        size = node.child("ext")
        wide, high = (int(size.attributes.get(key, "0")) if size else 0 for key in ("cx", "cy"))
        last_row, last_column = row + high // _EMU_OF_ROW, column + wide // _EMU_OF_COLUMN
    return Taken(row + 1, column + 1, last_row + 1, last_column + 1)


def _corner(node: Node) -> tuple[int, int]:
    row, column = node.child("row"), node.child("col")
    return int(row.text or 0) if row else 0, int(column.text or 0) if column else 0


def no_sheet(package: Package, name: str) -> Problem:
    known = listed(each.name for each in package.sheets)
    return Problem(Place(str(package.path), name), text("patch_no_sheet"), text("patch_no_sheet_hint", known=known))
