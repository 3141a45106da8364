"""Values of cells beyond the picture, for rules and formulas: whole columns, read once when first asked for."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from xltrain.excel.scan import Package, joined_text, plain_text, rows, whole_rows
from xltrain.excel.shot.page import Value
from xltrain.place import Range, column_letter, column_number

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_VALUE = re.compile(rb"<v\b[^>]*>(.*?)</v>", re.S)
_KIND = re.compile(rb"\bt=\"(\w+)\"")


class Fault(str):
    """An error value such as #N/A."""


Content = float | str | bool | Fault | None


class SheetValues:
    """The cells of one sheet by row and column. `cells` and `area` are what has been read for the picture already."""

    def __init__(self, package: Package, part: str, cells: Mapping[tuple[int, int], Value], area: Range | None) -> None:
        self.package, self.part, self.cells, self.area = package, part, cells, area
        self._columns: dict[int, dict[int, Content]] = {}

    def at(self, row: int, column: int) -> Content:
        """One cell's value; None where it is empty."""
        if self._inside(row, column, row, column):
            return content(self.cells.get((row, column)))
        self.load([column])
        return self._columns[column].get(row)

    def column(self, column: int) -> Mapping[int, Content]:
        """The values of a column by their rows."""
        self.load([column])
        return self._columns[column]

    def block(self, area: Range) -> list[Content]:
        """The values of all cells of a range that hold one."""
        return [value for _, value in self.places(area)]

    def places(self, area: Range) -> list[tuple[tuple[int, int], Content]]:
        """Place and value of all cells of a range that hold one, column by column."""
        corners = area.first_row, area.first_column, area.last_row, area.last_column
        if self._inside(*corners):
            found = ((at, content(value)) for at, value in self.cells.items() if _holds(area, *at))
            return [(at, value) for at, value in found if value is not None]
        columns = range(area.first_column, area.last_column + 1)
        self.load(columns)
        kept: list[tuple[tuple[int, int], Content]] = []
        for column in columns:
            stored = self._columns[column]
            if area.last_row - area.first_row < len(stored) // 4:
                lines: Iterable[int] = (row for row in range(area.first_row, area.last_row + 1) if row in stored)
            else:
                lines = (row for row in stored if area.first_row <= row <= area.last_row)
            kept += [((row, column), stored[row]) for row in lines]
        return kept

    def numbers(self, areas: Iterable[Range]) -> "NDArray[np.float64]":
        """The numbers of ranges; texts, errors, booleans and empty cells left out."""
        import numpy as np  # slow to load, and most sheets need none of it

        found = [value for area in areas for value in self.block(area)]
        return np.array([value for value in found if type(value) is float], dtype=np.float64)

    def load(self, columns: Iterable[int]) -> None:
        """Read columns that are not there yet, all in one pass."""
        wanted = {each for each in columns if each not in self._columns}
        if not wanted:
            return
        self._columns.update({each: {} for each in wanted})
        pattern = _pattern(frozenset(wanted))
        for piece in whole_rows(self.package, self.part):
            found = pattern.findall(piece)
            if b":c " in piece or (b"<c" in piece and b'<c r="' not in piece):
                self._slowly(wanted)  # cells without addresses, or with a prefix
                return
            for letters, row, attributes, inner in found:
                column, value = column_number(letters.decode()), self._content(attributes, inner)
                if value is not None and column in wanted:
                    self._columns[column][int(row)] = value

    def _slowly(self, wanted: set[int]) -> None:
        for row in rows(self.package, self.part):
            for cell in row.cells:
                if cell.column in wanted:
                    value = self._plain(cell.kind, cell.value)
                    if value is not None:
                        self._columns[cell.column][row.number] = value

    def _content(self, attributes: bytes, inner: bytes) -> Content:
        kind = _KIND.search(attributes)
        name = kind[1].decode() if kind else ""
        if name == "inlineStr":
            return joined_text(inner) or None
        value = _VALUE.search(inner)
        return self._plain(name, plain_text(value[1])) if value else None

    def _plain(self, kind: str, value: str) -> Content:
        if not value:
            return None
        if kind == "s":
            index = int(value) if value.isdecimal() else -1
            return self.package.strings[index] if 0 <= index < len(self.package.strings) else None
        if kind == "e":
            return Fault(value)
        if kind == "b":
            return value in ("1", "true")
        if kind in ("str", "inlineStr", "d"):
            return value
        try:
            return float(value)
        except ValueError:
            return value

    def _inside(self, top: int, left: int, bottom: int, right: int) -> bool:
        area = self.area
        return (
            area is not None
            and area.first_row <= top
            and bottom <= area.last_row
            and area.first_column <= left
            and right <= area.last_column
        )


def content(value: Value | None) -> Content:
    """What a cell holds, errors as such."""
    if value is None or value.content is None or value.content == "":
        return None
    return Fault(value.content) if value.failed else value.content


def _holds(area: Range, row: int, column: int) -> bool:
    return area.first_row <= row <= area.last_row and area.first_column <= column <= area.last_column


@lru_cache(maxsize=16)
def _pattern(columns: frozenset[int]) -> re.Pattern[bytes]:
    letters = "|".join(column_letter(each) for each in sorted(columns)) if len(columns) < 50 else "[A-Z]+"
    return re.compile(rf'<c r="({letters})(\d+)"([^>]*?)(?:/>|>(.*?)</c>)'.encode(), re.S)
