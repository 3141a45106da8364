"""What a picture is drawn from: one rectangle of a sheet with its cells, sizes and styles."""

import datetime
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
class Bar:
    """A data bar from `start` to `end`, shares of the cell's width from the left; `axis` where a zero line stands."""

    start: float
    end: float
    colour: str
    gradient: bool = True
    border: str = ""
    axis: float | None = None
    axis_colour: str = "#000000"
    leftwards: bool = False


@dataclass(frozen=True)
class Icon:
    """A sign of an icon set: the family, which of its signs (0 the lowest), and how many it has."""

    family: str
    number: int


@dataclass(frozen=True)
class Spark:
    """A small chart in a cell: the values (None: nothing there) and how they are drawn."""

    kind: str  # line, column or stacked
    values: tuple[float | None, ...]
    low: float
    high: float
    colour: str
    weight: float = 0.75
    axis: str = ""  # the colour of the zero line, where one is asked for
    points: tuple[tuple[int, str], ...] = ()  # markers of a line, columns of another colour: index, colour
    backwards: bool = False


@dataclass(frozen=True)
class Anchor:
    """Where a drawing stands: a cell and an offset in pixels, and the far corner or the size in pixels.

    An absolute one has column 0 and its place in the offset.
    """

    column: int
    row: int
    x: float
    y: float
    to: tuple[int, int, float, float] | None = None  # column, row, x, y
    size: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class Thing:
    """A picture, chart or shape over the cells. `draw` names the kind; the rest depends on it."""

    anchor: Anchor
    kind: str  # picture, chart, shape, frame
    name: str = ""
    content: object = None
    within: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)  # the part of the anchor's box, in shares


@dataclass
class Dressed:
    """What the rules did: styles over those of the cells, bars, signs, cells without their value, and notes."""

    styled: dict[tuple[int, int], CellStyle] = field(default_factory=dict)
    bars: dict[tuple[int, int], Bar] = field(default_factory=dict)
    icons: dict[tuple[int, int], Icon] = field(default_factory=dict)
    bare: set[tuple[int, int]] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Options:
    """How a range is drawn. `gridlines` None: as the sheet has them; `fonts` package or system; `rows` the only rows
    that show (None: all); `now` the moment that rules about dates count from (None: the clock); `background` a colour
    `#RRGGBB`, empty for none.
    """

    gridlines: bool | None = None
    headings: bool = False
    freeze: bool = False
    fonts: str = "package"
    background: str = "#FFFFFF"
    rows: frozenset[int] | None = None
    now: datetime.datetime | None = None


@dataclass(frozen=True)
class Page:
    """A range of a sheet. Columns and rows that are not listed have the default size and style 0.

    `area` may reach beyond `range`, where merged cells do; only `range` is shown. `styled` holds the looks that
    conditional formats and table styles gave; `bare` the cells whose value is not shown.
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
    styled: Mapping[tuple[int, int], CellStyle] = field(default_factory=dict)
    bars: Mapping[tuple[int, int], Bar] = field(default_factory=dict)
    icons: Mapping[tuple[int, int], Icon] = field(default_factory=dict)
    bare: frozenset[tuple[int, int]] = frozenset()
    sparks: Mapping[tuple[int, int], Spark] = field(default_factory=dict)
    comments: frozenset[tuple[int, int]] = frozenset()
    things: Sequence[Thing] = ()
    right_to_left: bool = False
    frozen: tuple[int, int] = (0, 0)  # rows and columns that stay when the sheet scrolls
    options: Options = field(default_factory=Options)
    notes: Sequence[str] = ()

    def own_style(self, row: int, column: int) -> CellStyle:
        """The style of a cell without conditional formats: its own, else its row's, else its column's."""
        found = self.cells.get((row, column))
        if found is not None:
            return self.styles[found.style]
        for strip in (self.rows.get(row), self.columns.get(column)):
            if strip is not None and strip.style:
                return self.styles[strip.style]
        return self.styles[0]

    def style(self, row: int, column: int) -> CellStyle:
        """The style that a cell shows."""
        return self.styled.get((row, column)) or self.own_style(row, column)
