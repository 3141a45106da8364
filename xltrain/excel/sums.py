"""Formulas that add up, or average, the cells above them: they tell a total row."""

import re

from xltrain.excel.grid import Sum
from xltrain.place import parse_range

_ADDS_UP = re.compile(
    r"^\+?(SUM|SUBTOTAL|AVERAGE|AGGREGATE)\((?:\s*\d+\s*,)*\s*(\$?[A-Z]{1,3}\$?\d+:\$?[A-Z]{1,3}\$?\d+)\)$"
)


def sums_in(row: int, column: int, attributes: bytes, formula: bytes) -> list[Sum]:
    """The cells of a formula that add up cells of their own column; a shared one counts for its whole range."""
    match = _ADDS_UP.match(formula.decode("utf-8", "replace").replace(" ", "").upper())
    cells = parse_range(match[2].replace("$", "")) if match else None
    if not match or cells is None or cells.first_column != cells.last_column or cells.first_column != column:
        return []
    if cells.first_row <= row <= cells.last_row or cells.first_row == cells.last_row:
        return []
    shared = re.search(rb'\bref="([^"]+)"', attributes)
    spread = parse_range(shared[1].decode("ascii", "replace")) if shared else None
    last = spread.last_column if spread and spread.first_row == row == spread.last_row else column
    average = match[1] == "AVERAGE" or formula.upper().startswith((b"SUBTOTAL(1,", b"SUBTOTAL(101,"))
    return [
        Sum(row, each, cells.first_row, cells.last_row, average) for each in range(column, min(last, column + 500) + 1)
    ]
