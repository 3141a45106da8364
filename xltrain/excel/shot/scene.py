"""What a picture shows, as plain data: for tests and comparisons, where pixels only say that something differs."""

from dataclasses import dataclass, field
from pathlib import Path

from xltrain.excel.shot import compose
from xltrain.excel.shot.layout import Drawing, Placed
from xltrain.excel.shot.letters import Label
from xltrain.excel.shot.lines import Edge
from xltrain.excel.shot.page import Bar, Icon, Options, Spark
from xltrain.excel.shot.style import Fill, Font, Line
from xltrain.place import column_letter


@dataclass(frozen=True)
class CellScene:
    """A cell as it is drawn; colours as RRGGBB, places and sizes in pixels from the picture's left upper corner.

    `fill` is one colour, `pattern ink/paper`, or `gradient angle colour colour ...`; `text` has its lines joined by
    line ends; `anchor` is start, middle or end, and `at` the point it names; `clip` says whether the text is cut.
    Borders are `style colour`, empty for none. `bar` is (start, end, colour) in shares of the cell's width, with its
    axis, or None.
    """

    left: float
    top: float
    width: float
    height: float
    fill: str = "FFFFFF"
    text: str = ""
    colour: str = ""
    font: str = ""
    size: float = 0.0
    bold: bool = False
    italic: bool = False
    underline: str = ""
    strike: bool = False
    anchor: str = ""
    at: tuple[float, float] = (0.0, 0.0)
    angle: float = 0.0
    clip: bool = False
    lines: int = 0
    runs: tuple[str, ...] = ()
    border_left: str = ""
    border_right: str = ""
    border_top: str = ""
    border_bottom: str = ""
    diagonal: str = ""
    bar: tuple[float, float, str] | None = None
    axis: float | None = None
    gradient: bool = False
    icon: str = ""
    spark: str = ""
    points: tuple[tuple[int, str], ...] = ()
    comment: bool = False


@dataclass(frozen=True)
class ThingScene:
    """A picture, chart or shape: kind, name, and its box."""

    kind: str
    name: str
    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True)
class Scene:
    """A drawn range. `columns` and `rows` are the pixels where those that show begin, and the last one's end; `cells`
    are by address; `grid` counts grid lines, `freeze` the lines of a frozen pane.
    """

    range: str
    width: int
    height: int
    columns: tuple[float, ...] = ()
    rows: tuple[float, ...] = ()
    cells: dict[str, CellScene] = field(default_factory=dict)
    things: tuple[ThingScene, ...] = ()
    headings: tuple[str, ...] = ()
    grid: int = 0
    freeze: int = 0
    notes: tuple[str, ...] = ()


def scene(book: str | Path, range: str = "", options: Options | None = None) -> Scene:
    """What a picture of a range shows.

    Raises:
        WorkbookError: as `shoot`.
    """
    page, drawing = compose(Path(book), range, options or Options())
    labels: dict[tuple[int, int], list[Label]] = {}
    for label in drawing.labels:
        if label.cell is not None:
            labels.setdefault(label.cell, []).append(label)
    marks = _Marks(
        {at: bar for at, _, bar in drawing.bars},
        {at: icon for at, _, icon in drawing.icons},
        {at: spark for at, _, spark in drawing.sparks},
        {at for at, _ in drawing.comments},
    )
    cells = {}
    for each in drawing.cells:
        at = each.row, each.column
        cells[f"{column_letter(each.column)}{each.row}"] = _cell(each, labels.get(at, []), marks, drawing)
    things = tuple(
        ThingScene(thing.kind, thing.name, box.left, box.top, box.width, box.height) for thing, box in drawing.things
    )
    return Scene(
        str(page.range),
        drawing.width,
        drawing.height,
        drawing.across,
        drawing.down,
        cells,
        things,
        tuple(words for _, words in drawing.headings),
        len(drawing.grid),
        len(drawing.freeze),
        tuple(page.notes),
    )


@dataclass(frozen=True)
class _Marks:
    bars: dict[tuple[int, int], Bar]
    icons: dict[tuple[int, int], Icon]
    sparks: dict[tuple[int, int], Spark]
    comments: set[tuple[int, int]]


def _cell(cell: Placed, labels: list[Label], marks: _Marks, drawing: Drawing) -> CellScene:
    at, box, border = (cell.row, cell.column), cell.box, cell.style.border
    bar, icon, spark = marks.bars.get(at), marks.icons.get(at), marks.sparks.get(at)
    font = labels[0].runs[0][1] if labels else Font()
    first = labels[0] if labels else Label(0.0, 0.0, ())
    rows: dict[float, str] = {}
    for label in labels:
        key = round(label.baseline, 1) if not label.angle else float(len(rows))
        words = "".join(part for part, _ in label.runs)
        rows[key] = f"{rows[key]} {words}" if key in rows else words
    top, left, bottom, right = cell.span
    slant = border.down or border.up
    return CellScene(
        box.left,
        box.top,
        box.width,
        box.height,
        _fill(cell.style.fill),
        "\n".join(rows.values()),
        font.colour[1:] if labels else "",
        font.name if labels else "",
        round(font.size, 2) if labels else 0.0,
        bool(labels) and font.bold,
        bool(labels) and font.italic,
        font.underline if labels else "",
        bool(labels) and font.strike,
        first.anchor if labels else "",
        (round(first.left, 1), round(first.baseline, 1)),
        first.angle,
        first.clip is not None,
        len(rows),
        tuple(part for label in labels for part, _ in label.runs),
        _line(drawing, (True, left, top)),
        _line(drawing, (True, right, top)),
        _line(drawing, (False, top, left)),
        _line(drawing, (False, bottom, left)),
        _named(slant) if slant else "",
        (round(bar.start, 3), round(bar.end, 3), bar.colour[1:]) if bar else None,
        bar.axis if bar else None,
        bar is not None and bar.gradient,
        f"{icon.family} {icon.number}" if icon else "",
        spark.kind if spark else "",
        tuple((index, colour[1:]) for index, colour in spark.points) if spark else (),
        at in marks.comments,
    )


def _line(drawing: Drawing, edge: Edge) -> str:
    found = drawing.edges.get(edge)
    return _named(found) if found is not None else ""


def _named(line: Line) -> str:
    return f"{line.style} {line.colour[1:]}"


def _fill(fill: Fill) -> str:
    if fill.stops:
        return " ".join([f"gradient {fill.angle:g}", *(colour[1:] for _, colour in fill.stops)])
    if fill.pattern:
        return f"{fill.pattern} {fill.ink[1:]}/{fill.paper[1:]}"
    return fill.colour[1:] or "FFFFFF"
