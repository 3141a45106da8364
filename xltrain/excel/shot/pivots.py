"""Pivot tables of a sheet: which part of its pivot table each cell belongs to, for the pivot table's style."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from xml.etree.ElementTree import Element

from xltrain.excel.scan import Package
from xltrain.excel.shot.attributes import child, children, flag, root, whole
from xltrain.excel.shot.pivot_styles import pivot_style
from xltrain.excel.shot.style import Styles
from xltrain.excel.shot.table_styles import TableStyle
from xltrain.excel.shot.tables import holds, stripe
from xltrain.place import Range, parse_range

# From weak to strong (ECMA-376, 18.8.41).
_ORDER = (
    "wholeTable",
    "pageFieldLabels",
    "pageFieldValues",
    "firstColumnStripe",
    "secondColumnStripe",
    "firstRowStripe",
    "secondRowStripe",
    "firstColumn",
    "headerRow",
    "firstHeaderCell",
    "firstSubtotalColumn",
    "secondSubtotalColumn",
    "thirdSubtotalColumn",
    "blankRow",
    "firstSubtotalRow",
    "secondSubtotalRow",
    "thirdSubtotalRow",
    "firstColumnSubheading",
    "secondColumnSubheading",
    "thirdColumnSubheading",
    "firstRowSubheading",
    "secondRowSubheading",
    "thirdRowSubheading",
    "lastColumn",
    "totalRow",
)
_MOST = 100_000  # items of an axis that are looked at


@dataclass(frozen=True)
class Pivot:
    """A pivot table with its style: where its body and the labels and values of its page fields are, and the names of
    the parts that single rows and columns belong to.
    """

    area: Range
    style: TableStyle
    body: Range
    shown: frozenset[str]
    rows: dict[int, str]
    columns: dict[int, str]
    headers: dict[int, str]
    pages: dict[tuple[int, int], tuple[str, Range]]  # the part, and its labels and values as a whole

    @property
    def places(self) -> Iterator[Range]:
        yield self.area
        yield from (Range("", row, column, row, column) for row, column in self.pages)

    def parts(self, row: int, column: int) -> Iterator[tuple[str, Range]]:
        """The parts that a cell belongs to with the cells of each, from weak to strong."""
        found = dict(self._parts(row, column))
        yield from ((name, found[name]) for name in _ORDER if name in found)

    def _parts(self, row: int, column: int) -> Iterator[tuple[str, Range]]:
        area, body = self.area, self.body
        if (row, column) in self.pages:
            name, block = self.pages[row, column]
            yield "wholeTable", block
            yield name, Range("", row, column, row, column)
        if not holds(area, row, column):
            return
        yield "wholeTable", area
        if "firstColumn" in self.shown and column < body.first_column:
            yield "firstColumn", replace(area, last_column=body.first_column - 1)
        if "headerRow" in self.shown and row < body.first_row:
            yield "headerRow", replace(area, last_row=body.first_row - 1)
        if row < body.first_row - 1 and column < body.first_column:
            yield "firstHeaderCell", replace(area, last_row=body.first_row - 2, last_column=body.first_column - 1)
        if row in self.rows:
            yield self.rows[row], replace(area, first_row=row, last_row=row)
        if column in self.columns:
            yield self.columns[column], replace(area, first_column=column, last_column=column)
        if row in self.headers and column >= body.first_column:
            yield self.headers[row], replace(body, first_row=row, last_row=row)
        yield from self._stripes(row, column)

    def _stripes(self, row: int, column: int) -> Iterator[tuple[str, Range]]:
        """The stripes of rows run over their labels, those of columns do not."""
        wide = replace(self.area, first_row=self.body.first_row)
        for name in ("firstRowStripe", "secondRowStripe", "firstColumnStripe", "secondColumnStripe"):
            across = wide if "Row" in name else self.body
            found = stripe(self.style, name, across, row, column) if name in self.shown else None
            if found is not None:
                yield name, found


def read_pivots(package: Package, part: str, styles: Styles) -> Iterator[Pivot]:
    """The styled pivot tables of a sheet."""
    for kind, target in package.relations(part).values():
        element = root(package, target) if kind == "pivotTable" else None
        place, info = child(element, "location"), child(element, "pivotTableStyleInfo")
        area = parse_range(place.get("ref", "")) if place is not None else None
        if element is None or place is None or area is None or info is None or not info.get("name"):
            continue
        style = pivot_style(info.get("name", ""), styles)
        if style.parts:
            yield _pivot(element, place, replace(area, sheet=""), info, style)


def _pivot(element: Element, place: Element, area: Range, info: Element, style: TableStyle) -> Pivot:
    top = area.first_row + whole(place.get("firstDataRow"), 1)
    body = Range("", top, area.first_column + whole(place.get("firstDataCol"), 1), area.last_row, area.last_column)
    headings = flag(info.get("showRowHeaders")), flag(info.get("showColHeaders"))
    shown = {"firstColumn"} if headings[0] else set()
    shown |= {"headerRow"} if headings[1] else set()
    shown |= {"firstRowStripe", "secondRowStripe"} if flag(info.get("showRowStripes")) else set()
    shown |= {"firstColumnStripe", "secondColumnStripe"} if flag(info.get("showColStripes")) else set()
    rows = {
        body.first_row + index: {"total": "totalRow", "blank": "blankRow", "heading": f"{level}RowSubheading"}.get(
            kind, f"{level}SubtotalRow"
        )
        for index, kind, level in _items(element, "row")
        if kind != "heading" or headings[0]
    }
    last = flag(info.get("showLastColumn"))
    columns = {
        body.first_column + index: "lastColumn" if kind == "total" else f"{level}SubtotalColumn"
        for index, kind, level in _items(element, "col")
        if kind == "subtotal" or (kind == "total" and last)
    }
    start = area.first_row + whole(place.get("firstHeaderRow"), 1)
    levels = min(_fields(element, "col") - 1, top - start) if headings[1] else 0
    headers = {start + depth: f"{_level(depth)}ColumnSubheading" for depth in range(levels)}
    return Pivot(area, style, body, frozenset(shown), rows, columns, headers, dict(_pages(element, place, area)))


def _items(element: Element, axis: str) -> Iterator[tuple[int, str, str]]:
    """The lines of an axis that are more than data: number, what it is, level of its field.

    What: `total`, `blank`, `subtotal`, or `heading` where it ends above the deepest field.
    """
    deepest = _fields(element, axis) - 1
    for index, item in enumerate(children(child(element, f"{axis}Items"), "i")):
        if index >= _MOST:
            return
        kind = item.get("t", "data")
        depth = whole(item.get("r")) + max(0, len(list(children(item, "x"))) - 1)
        if kind != "data":
            yield index, {"grand": "total", "blank": "blank"}.get(kind, "subtotal"), _level(depth)
        elif depth < deepest:
            yield index, "heading", _level(depth)


def _fields(element: Element, axis: str) -> int:
    return len(list(children(child(element, f"{axis}Fields"), "field")))


def _level(depth: int) -> str:
    """The outermost field is the first, then second and third take turns."""
    return "first" if depth == 0 else "second" if depth % 2 else "third"


def _pages(element: Element, place: Element, area: Range) -> Iterator[tuple[tuple[int, int], tuple[str, Range]]]:
    """The cells of the page fields, which stand above the table with an empty row between."""
    fields = len(list(children(child(element, "pageFields"), "pageField")))
    down, across = whole(place.get("rowPageCount"), fields), max(1, whole(place.get("colPageCount"), 1))
    top = area.first_row - 1 - down
    for index in range(min(fields, _MOST) if down and top > 0 else 0):
        over = flag(element.get("pageOverThenDown"))
        row, column = divmod(index, across) if over else divmod(index, down)[::-1]
        left = area.first_column + 3 * column
        block = Range("", top, left, top + down - 1, left + 1)
        yield (top + row, left), ("pageFieldLabels", block)
        yield (top + row, left + 1), ("pageFieldValues", block)
