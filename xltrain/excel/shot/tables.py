"""Excel tables of a sheet: which part of its table each cell belongs to, and what the table's style makes of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

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


@dataclass(frozen=True)
class Table:
    """A table with its style; `headers` and `totals` count rows; `shown` the parts that are switched on."""

    area: Range
    style: TableStyle
    headers: int
    totals: int
    shown: frozenset[str]


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
    tables: list[Table], area: Range, style: Callable[[int, int], CellStyle], normal: CellStyle
) -> dict[tuple[int, int], CellStyle]:
    """The styles of the cells of an area that lie in tables."""
    done: dict[tuple[int, int], CellStyle] = {}
    cached: dict[tuple[CellStyle, int], CellStyle] = {}
    kept: list[Difference] = []  # so that their ids stay theirs
    looks: dict[tuple[tuple[str, frozenset[str]], ...], Difference] = {}
    for table in tables:
        whole_table = table.area
        for row in range(max(whole_table.first_row, area.first_row), min(whole_table.last_row, area.last_row) + 1):
            left = max(whole_table.first_column, area.first_column)
            for column in range(left, min(whole_table.last_column, area.last_column) + 1):
                parts = tuple(_parts(table, row, column))
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


def _look(table: Table, parts: tuple[tuple[str, frozenset[str]], ...]) -> Difference:
    """All parts that a cell belongs to, the strongest on top."""
    look = Difference()
    for name, edges in parts:
        found = table.style.parts[name]
        sides = {side: found.sides[side] for side in SIDES if side in edges and found.sides.get(side)}
        for inner, pair in (("vertical", ("left", "right")), ("horizontal", ("top", "bottom"))):
            if found.sides.get(inner):
                sides |= {side: found.sides[inner] for side in pair if side not in edges}
        look = replace(found, sides=sides).before(look)
    return look


def _parts(table: Table, row: int, column: int) -> Iterator[tuple[str, frozenset[str]]]:
    """The parts of the table that a cell belongs to, with the sides where each part ends there."""
    for name in _ORDER:
        if name in table.shown and name in table.style.parts:
            area = _area(table, name, row, column)
            if area is not None and _holds(area, row, column):
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
    if not _holds(body, row, column):
        return None
    return _stripe(table, name, body, row, column)


def _stripe(table: Table, name: str, body: Range, row: int, column: int) -> Range | None:
    rows = "Row" in name
    kind = "Row" if rows else "Column"
    first = max(1, table.style.sizes.get(f"first{kind}Stripe", 1))
    second = max(1, table.style.sizes.get(f"second{kind}Stripe", 1))
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


def _holds(area: Range, row: int, column: int) -> bool:
    return area.first_row <= row <= area.last_row and area.first_column <= column <= area.last_column
