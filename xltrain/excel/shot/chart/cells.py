"""The values that a chart's references stand for, from the cells: for files whose charts carry no cache."""

import math

from xltrain.excel.scan import Package, rows
from xltrain.excel.shot.attributes import whole
from xltrain.excel.shot.chart.model import Cache
from xltrain.excel.shot.style import Styles
from xltrain.place import Range, parse_range

MOST = 200_000  # cells read for one chart


class Cells:
    """The cells of a book for the references of one chart; a stretch of rows is read once."""

    def __init__(self, package: Package, styles: Styles) -> None:
        self.package, self.styles = package, styles
        self._known: dict[tuple[str, int, int], dict[tuple[int, int], tuple[str | float | None, int]]] = {}

    def cache(self, reference: str, levels: bool = False) -> Cache:
        """What a reference stands for; empty where it cannot be followed. `levels`: the columns of a block of cells, or
        its rows where it is wider than high, are levels of categories, the last the innermost.
        """
        block = parse_range(reference) if levels else None
        if block is not None and block.last_row > block.first_row and block.last_column > block.first_column:
            return self._levels(block)
        texts: list[str] = []
        numbers: list[float] = []
        style = 0
        words = False
        for part in _parts(reference):
            area = parse_range(part)
            if area is None:
                continue
            found = self._area(area)
            for row in range(area.first_row, area.last_row + 1):
                for column in range(area.first_column, area.last_column + 1):
                    value, number = found.get((row, column), (None, 0))
                    style = style or number
                    words = words or isinstance(value, str)
                    numbers.append(value if isinstance(value, float) else math.nan)
                    texts.append(_word(value))
                    if len(numbers) >= MOST:
                        break
        shown = self.styles[style].format
        return Cache(tuple(texts) if words else (), tuple(numbers), shown, is_text=words)

    def _levels(self, area: Range) -> Cache:
        down, across = area.last_row - area.first_row + 1, area.last_column - area.first_column + 1
        if down * across > MOST:
            return Cache()
        found = self._area(area)
        texts = [
            [_word(found.get((row, column), (None, 0))[0]) for row in range(area.first_row, area.last_row + 1)]
            for column in range(area.first_column, area.last_column + 1)
        ]
        if across > down:
            texts = [list(each) for each in zip(*texts, strict=True)]
        inner, *outer = (tuple(each) for each in reversed(texts))
        return Cache(inner, (math.nan,) * len(inner), levels=tuple(outer), is_text=True)

    def _area(self, area: Range) -> dict[tuple[int, int], tuple[str | float | None, int]]:
        key = (area.sheet.casefold(), area.first_row, area.last_row)
        if key in self._known:
            return self._known[key]
        found: dict[tuple[int, int], tuple[str | float | None, int]] = {}
        self._known[key] = found
        try:
            sheet = self.package.sheet(area.sheet)
        except KeyError:
            return found
        for row in rows(self.package, sheet.part, area.first_row, min(area.last_row, area.first_row + MOST)):
            for cell in row.cells:
                found[row.number, cell.column] = (self._value(cell.kind, cell.value), cell.style)
        return found

    def _value(self, kind: str, value: str) -> str | float | None:
        if kind == "s":
            index = whole(value, -1)
            return self.package.strings[index] if 0 <= index < len(self.package.strings) else None
        if kind in ("str", "inlineStr"):
            return value
        if kind in ("e", "d"):
            return None
        try:
            found = float(value)
        except ValueError:
            return None
        return found if math.isfinite(found) else None


def _word(value: str | float | None) -> str:
    return value if isinstance(value, str) else f"{value:.15g}" if value is not None else ""


def _parts(reference: str) -> list[str]:
    """The areas of `(Sheet1!$A$1:$A$3,Sheet1!$C$1)`; commas inside quotes stay."""
    inner = reference.strip()
    if inner.startswith("(") and inner.endswith(")"):
        inner = inner[1:-1]
    found, start, quoted = [], 0, False
    for index, letter in enumerate(inner):
        if letter == "'":
            quoted = not quoted
        elif letter == "," and not quoted:
            found.append(inner[start:index])
            start = index + 1
    return [*found, inner[start:]]
