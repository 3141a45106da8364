"""A chart as its file describes it. Sizes are in pixels, shares from 0 to 1; None means left to the program."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from xltrain.excel.shot.chart.ink import NO_PAINT, NO_STROKE, Line, Paint, Stroke
from xltrain.excel.shot.style import Font

NAN = math.nan


@dataclass(frozen=True)
class Look:
    """How a shape is filled and outlined; None where the style decides."""

    fill: Paint | None = None
    line: Stroke | None = None

    def over(self, fill: Paint = NO_PAINT, line: Stroke = NO_STROKE) -> tuple[Paint, Stroke]:
        """The fill and the line, these where nothing is said."""
        return (fill if self.fill is None else self.fill), (line if self.line is None else self.line)


@dataclass(frozen=True)
class Lettering:
    """A font and the turn of the text in degrees with the clock; None: as it fits."""

    font: Font = field(default_factory=Font)
    turn: float | None = None
    upright: bool = False  # letters below each other


@dataclass(frozen=True)
class Layout:
    """A place set by hand, in shares of the chart; NaN where left to the program."""

    x: float = NAN
    y: float = NAN
    width: float = NAN
    height: float = NAN
    inner: bool = False
    offset: bool = False  # x and y count from where the program would put it


@dataclass(frozen=True)
class Title:
    lines: tuple[Line, ...]
    turn: float | None = None
    overlay: bool = False
    layout: Layout | None = None
    look: Look = Look()


@dataclass(frozen=True)
class Cache:
    """Stored values: texts as shown, numbers (NaN where there are none), their format; outer levels of categories."""

    texts: tuple[str, ...] = ()
    numbers: tuple[float, ...] = ()
    format: str = "General"
    levels: tuple[tuple[str, ...], ...] = ()
    is_text: bool = False
    formats: Mapping[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.numbers)

    def at(self, index: int) -> float:
        return self.numbers[index] if 0 <= index < len(self.numbers) else NAN


@dataclass(frozen=True)
class Marker:
    symbol: str = ""  # empty: the series' turn decides
    size: float = 7.0  # points
    look: Look = Look()


@dataclass(frozen=True)
class Labels:
    """Data labels; `only` holds single points' own (None: deleted)."""

    value: bool = False
    category: bool = False
    series: bool = False
    percent: bool = False
    bubble: bool = False
    key: bool = False
    position: str = ""
    separator: str = ""
    format: str = ""
    lettering: Lettering | None = None
    look: Look = Look()
    lines: tuple[Line, ...] = ()
    leaders: bool = False
    layout: Layout | None = None
    only: Mapping[int, "Labels | None"] = field(default_factory=dict)

    @property
    def shows(self) -> bool:
        return bool(self.value or self.category or self.series or self.percent or self.bubble or self.lines)


@dataclass(frozen=True)
class Trend:
    kind: str
    name: str = ""
    order: int = 2
    period: int = 2
    forward: float = 0.0
    backward: float = 0.0
    intercept: float | None = None
    equation: bool = False
    squared: bool = False
    look: Look = Look()
    format: str = "General"
    lettering: Lettering | None = None
    layout: Layout | None = None


@dataclass(frozen=True)
class ErrorBars:
    """`kind` fixedVal, percentage, stdDev, stdErr or cust; `upright` false for those along x."""

    kind: str
    side: str = "both"
    upright: bool = True
    value: float = 0.0
    plus: Cache = Cache()
    minus: Cache = Cache()
    caps: bool = True
    look: Look = Look()


@dataclass(frozen=True)
class PointStyle:
    look: Look = Look()
    marker: Marker | None = None
    explosion: float = 0.0


@dataclass(frozen=True)
class Series:
    """`index` chooses the colour, `order` the place."""

    index: int
    order: int
    name: str = ""
    categories: Cache = Cache()
    values: Cache = Cache()
    sizes: Cache = Cache()
    look: Look = Look()
    marker: Marker | None = None
    smooth: bool = False
    points: Mapping[int, PointStyle] = field(default_factory=dict)
    labels: Labels | None = None
    trends: tuple[Trend, ...] = ()
    errors: tuple[ErrorBars, ...] = ()
    explosion: float = 0.0
    inverted: Paint | None = None  # of bars below zero


@dataclass(frozen=True)
class Plot:
    """Series of one kind on one pair of axes."""

    kind: str
    series: tuple[Series, ...] = ()
    axes: tuple[str, ...] = ()
    grouping: str = "standard"
    gap: float = 1.5
    overlap: float = 0.0
    vary: bool = False
    labels: Labels | None = None
    markers: bool = True
    turn: float = 0.0
    hole: float = 0.5
    scale: float = 1.0
    by_width: bool = False
    style: str = ""
    drops: Look | None = None
    ranges: Look | None = None  # lines from the highest to the lowest
    connectors: Look | None = None  # between the bars of a series
    ups: Look | None = None
    downs: Look | None = None
    up_gap: float = 1.5


@dataclass(frozen=True)
class Axis:
    """`kind` cat, val, date or ser; `at` is the side: l, r, t, b."""

    id: str
    kind: str
    at: str = "b"
    deleted: bool = False
    low: float = NAN
    high: float = NAN
    major: float = NAN
    minor: float = NAN
    log: float = 0.0
    reverse: bool = False
    grid: Look | None = None
    minor_grid: Look | None = None
    title: Title | None = None
    format: str = ""
    linked: bool = True
    ticks: str = "out"
    minor_ticks: str = "none"
    labels: str = "nextTo"
    look: Look = Look()
    lettering: Lettering = Lettering()
    crosses: str = "autoZero"
    crosses_at: float = NAN
    across: str = ""  # the axis that it crosses
    between: bool = True
    skip: int = 0
    tick_skip: int = 0
    offset: float = 1.0
    flat: bool = False  # all levels of categories in one line
    base: str = ""
    major_unit: str = ""
    unit: float = 1.0


@dataclass(frozen=True)
class Legend:
    at: str = "r"
    overlay: bool = False
    layout: Layout | None = None
    lettering: Lettering = Lettering()
    look: Look = Look()
    left_out: frozenset[int] = frozenset()


@dataclass(frozen=True)
class DataTable:
    keys: bool = True
    lettering: Lettering = Lettering()
    line: Stroke = NO_STROKE
    across: bool = True
    down: bool = True
    outline: bool = True


@dataclass(frozen=True)
class Chart:
    plots: tuple[Plot, ...] = ()
    axes: Mapping[str, Axis] = field(default_factory=dict)
    title: Title | None = None
    legend: Legend | None = None
    look: Look = Look()
    plot_look: Look = Look()
    layout: Layout | None = None
    rounded: bool = False
    blanks: str = "gap"
    table: DataTable | None = None
    lettering: Lettering = Lettering()
    date1904: bool = False
    style: int = 2
    names: tuple[str, ...] = ()  # kinds that are drawn as their flat twins
