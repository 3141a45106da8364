"""Excel tables of a sheet: which part of its table each cell belongs to, and what the table's style makes of it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from xltrain.excel.scan import Package
from xltrain.excel.shot.attributes import child, flag, root, whole
from xltrain.excel.shot.difference import SIDES, Difference
from xltrain.excel.shot.style import CellStyle, Styles
from xltrain.excel.shot.table_styles import TableStyle, table_style
from xltrain.place import Range, parse_range

# From weak to strong.
_ORDER = (
    "wholeTable",
    "firstColumnStripe",
    "secondColumnStripe",
    "firstRowStripe",
    "secondRowStripe",
    "lastColumn",
    "firstColumn",
    "headerRow",
    "totalRow",
    "firstHeaderCell",
    "lastHeaderCell",
    "firstTotalCell",
    "lastTotalCell",
)


class Tabular(Protocol):
    """A table or a pivot table: a style, the places it dresses, and the parts that a cell there belongs to, each with
    all its cells, from weak to strong.
    """

    @property
    def style(self) -> TableStyle: ...

    @property
    def places(self) -> Iterable[Range]: ...

    def parts(self, row: int, column: int) -> Iterable[tuple[str, Range]]: ...


@dataclass(frozen=True)
class Table:
    """A table with its style; `headers` and `totals` count rows; `shown` the parts that are switched on."""

    area: Range
    style: TableStyle
    headers: int
    totals: int
    shown: frozenset[str]

    @property
    def places(self) -> tuple[Range, ...]:
        return (self.area,)

    def parts(self, row: int, column: int) -> Iterator[tuple[str, Range]]:
        for name in _ORDER:
            if name in self.shown and name in self.style.parts:
                area = _area(self, name, row, column)
                if area is not None and holds(area, row, column):
                    yield name, area


def read_tables(package: Package, part: str, styles: Styles) -> list[Table]:
    """The styled tables of a sheet."""
    found = []
    for kind, target in package.relations(part).values():
        element = root(package, target) if kind == "table" else None
        area = parse_range(element.get("ref", "")) if element is not None else None
        info = child(element, "tableStyleInfo")
        if element is None or area is None or info is None or not info.get("name"):
            continue
        shown = {"wholeTable", "headerRow", "totalRow"}
        shown |= {"firstColumn", "firstHeaderCell", "firstTotalCell"} if flag(info.get("showFirstColumn")) else set()
        shown |= {"lastColumn", "lastHeaderCell", "lastTotalCell"} if flag(info.get("showLastColumn")) else set()
        shown |= {"firstRowStripe", "secondRowStripe"} if flag(info.get("showRowStripes")) else set()
        shown |= {"firstColumnStripe", "secondColumnStripe"} if flag(info.get("showColumnStripes")) else set()
        headers, totals = whole(element.get("headerRowCount"), 1), whole(element.get("totalsRowCount"))
        style = table_style(info.get("name", ""), styles)
        found.append(Table(area, style, headers, totals, frozenset(shown)))
    return found


def dress_tables(
    tables: Sequence[Tabular], area: Range, style: Callable[[int, int], CellStyle], normal: CellStyle
) -> dict[tuple[int, int], CellStyle]:
    """The styles of the cells of an area that lie in tables or pivot tables."""
    done: dict[tuple[int, int], CellStyle] = {}
    cached: dict[tuple[CellStyle, int], CellStyle] = {}
    kept: list[Difference] = []  # so that their ids stay theirs
    looks: dict[tuple[tuple[str, frozenset[str]], ...], Difference] = {}
    for table in tables:
        for row, column in _cells(table.places, area):
            parts = tuple(_edged(table, row, column))
            look = looks.get(parts)
            if look is None:
                look = looks[parts] = _look(table, parts)
                kept.append(look)
            own = style(row, column)
            key = own, id(look)
            if key not in cached:
                cached[key] = look.under(own, normal)
            done[row, column] = cached[key]
        looks.clear()
    return done


def _cells(places: Iterable[Range], area: Range) -> Iterator[tuple[int, int]]:
    """The cells of some places that lie in an area."""
    for place in places:
        for row in range(max(place.first_row, area.first_row), min(place.last_row, area.last_row) + 1):
            left, right = max(place.first_column, area.first_column), min(place.last_column, area.last_column)
            yield from ((row, column) for column in range(left, right + 1))


def _look(table: Tabular, parts: tuple[tuple[str, frozenset[str]], ...]) -> Difference:
    """All parts that a cell belongs to, the strongest on top."""
    look = Difference()
    for name, edges in parts:
        found = table.style.parts[name]
        sides = {side: found.sides[side] for side in SIDES if side in edges and side in found.sides}
        for inner, pair in (("vertical", ("left", "right")), ("horizontal", ("top", "bottom"))):
            if inner in found.sides:
                sides |= {side: found.sides[inner] for side in pair if side not in edges}
        look = replace(found, sides=sides).before(look)
    return look


def _edged(table: Tabular, row: int, column: int) -> Iterator[tuple[str, frozenset[str]]]:
    """The parts of the table that a cell belongs to, with the sides where each part ends there."""
    for name, area in table.parts(row, column):
        if name in table.style.parts:
            edges = {
                "left": column == area.first_column,
                "right": column == area.last_column,
                "top": row == area.first_row,
                "bottom": row == area.last_row,
            }
            yield name, frozenset(side for side, there in edges.items() if there)


def _area(table: Table, name: str, row: int, column: int) -> Range | None:
    """The cells of a part; of stripes, those of the stripe that holds the cell."""
    whole_table = table.area
    top, bottom = whole_table.first_row + table.headers, whole_table.last_row - table.totals
    left, right = whole_table.first_column, whole_table.last_column
    header = replace(whole_table, last_row=top - 1) if table.headers else None
    total = replace(whole_table, first_row=bottom + 1) if table.totals else None
    body = Range("", top, left, bottom, right)
    if name == "wholeTable":
        return whole_table
    if name in ("headerRow", "totalRow"):
        return header if name == "headerRow" else total
    if name in ("firstColumn", "lastColumn"):
        at = left if name == "firstColumn" else right
        return replace(whole_table, first_column=at, last_column=at)
    if name.endswith("Cell"):
        line, at = (header if "Header" in name else total), (left if name.startswith("first") else right)
        return replace(line, first_column=at, last_column=at) if line is not None else None
    return stripe(table.style, name, body, row, column)


def stripe(style: TableStyle, name: str, body: Range, row: int, column: int) -> Range | None:
    """The cells of the stripe of this name that holds a cell of the body; None where another one does."""
    if not holds(body, row, column):
        return None
    rows = "Row" in name
    kind = "Row" if rows else "Column"
    first = max(1, style.sizes.get(f"first{kind}Stripe", 1))
    second = max(1, style.sizes.get(f"second{kind}Stripe", 1))
    start, end = (body.first_row, body.last_row) if rows else (body.first_column, body.last_column)
    at = (row if rows else column) - start
    begin = start + at // (first + second) * (first + second)
    inside = at % (first + second) < first
    if inside != name.startswith("first"):
        return None
    low = begin if inside else begin + first
    high = min(end, low + (first if inside else second) - 1)
    if rows:
        return replace(body, first_row=low, last_row=high)
    return replace(body, first_column=low, last_column=high)


def holds(area: Range, row: int, column: int) -> bool:
    """Whether a cell lies in an area."""
    return area.first_row <= row <= area.last_row and area.first_column <= column <= area.last_column
