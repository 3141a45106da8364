"""What a picture is drawn from: one rectangle of a sheet with its cells, sizes and styles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from xltrain.excel.shot.style import CellStyle, Font, Styles
from xltrain.place import Range


@dataclass(frozen=True)
class Run:
    """A stretch of rich text; no font means the cell's own."""

    text: str
    font: Font | None = None


@dataclass(frozen=True)
class Value:
    """What a cell holds and the number of its style. An error is a text that is `failed`."""

    content: float | str | bool | None
    style: int = 0
    failed: bool = False
    runs: tuple[Run, ...] = ()


@dataclass(frozen=True)
class Strip:
    """A column or row: its size in pixels (0: hidden; None: a row as high as its text) and the style of its blanks."""

    size: int | None
    style: int = 0


@dataclass(frozen=True)
class Page:
    """A range of a sheet. Columns and rows that are not listed have the default size and style 0.

    `area` may reach beyond `range`, where merged cells do; only `range` is shown.
    """

    range: Range
    area: Range
    cells: Mapping[tuple[int, int], Value]
    styles: Styles
    columns: Mapping[int, Strip] = field(default_factory=dict)
    rows: Mapping[int, Strip] = field(default_factory=dict)
    column_size: int = 64
    row_size: int = 20
    merges: Sequence[Range] = ()
    gridlines: bool = True
    date1904: bool = False

    def style(self, row: int, column: int) -> CellStyle:
        """The style of a cell: its own, else its row's, else its column's."""
        found = self.cells.get((row, column))
        if found is not None:
            return self.styles[found.style]
        for strip in (self.rows.get(row), self.columns.get(column)):
            if strip is not None and strip.style:
                return self.styles[strip.style]
        return self.styles[0]
