"""Where everything of a page stands, in pixels: fills, grid lines, borders, bars, signs and text."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from xltrain.excel.shot.axis import Axis
from xltrain.excel.shot.fonts import line_height, pixels
from xltrain.excel.shot.letters import Box, Label
from xltrain.excel.shot.lines import Borders, Edge, Segment
from xltrain.excel.shot.page import Bar, Icon, Page, Spark, Thing
from xltrain.excel.shot.place import INDENT, PAD, breaks, flat, of_cell, room_of, turned, turned_size
from xltrain.excel.shot.style import CellStyle, Fill, Line
from xltrain.excel.shot.words import Text, cell_text, excerpt, lines_of
from xltrain.place import Range, column_letter

HEAD = 20  # pixels of the row of column letters
HIGHEST = 546  # pixels of a row that Excel allows
_HEAD_SIDE = 26  # pixels of the column of row numbers, at least
Span = tuple[int, int, int, int]  # indexes of top, left, bottom and right, the last two excluded
At = tuple[int, int]


@dataclass(frozen=True)
class Placed:
    """A cell, or a merged range by its first cell, where it stands."""

    row: int
    column: int
    box: Box
    span: Span
    style: CellStyle


@dataclass
class Drawing:
    """Everything to draw, in pixels, in the order of the fields. `left` and `top` are the room of the headings;
    `across` and `down` are where the columns and rows in the picture begin, and the last one's end.
    """

    width: int
    height: int
    background: str = "#FFFFFF"
    grid: list[Segment] = field(default_factory=list)
    fills: list[tuple[Box, Fill]] = field(default_factory=list)
    bars: list[tuple[At, Box, Bar]] = field(default_factory=list)
    borders: list[Segment] = field(default_factory=list)
    sparks: list[tuple[At, Box, Spark]] = field(default_factory=list)
    icons: list[tuple[At, Box, Icon]] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    comments: list[tuple[At, Box]] = field(default_factory=list)
    freeze: list[Segment] = field(default_factory=list)
    things: list[tuple[Thing, Box]] = field(default_factory=list)
    objects: list[tuple[Box, str]] = field(default_factory=list)  # the things, drawn
    left: int = 0
    top: int = 0
    headings: list[tuple[Box, str]] = field(default_factory=list)
    cells: list[Placed] = field(default_factory=list)
    edges: dict[Edge, Line] = field(default_factory=dict)
    backwards: bool = False
    across: tuple[int, ...] = ()
    down: tuple[int, ...] = ()


def lay_out(page: Page) -> Drawing:
    """The drawing of a page; its things have their boxes, but are not drawn yet."""
    return _Layout(page).drawing()


class _Layout:
    def __init__(self, page: Page) -> None:
        self.page = page
        area, shown = page.area, page.range
        self.merged: dict[At, Range] = _covered(page)
        columns = range(area.first_column, area.last_column + 1)
        widths = [self._size(each) for each in columns]
        ends = shown.first_column, shown.last_column
        self.columns = Axis(area.first_column, widths, ends, page.right_to_left)
        self.rows = Axis(area.first_row, self._heights(), (shown.first_row, shown.last_row))
        self.open: set[At] = set()  # (row, column) indexes whose right edge text runs over

    def drawing(self) -> Drawing:
        page = self.page
        done = Drawing(self.columns.length + 1, self.rows.length + 1, page.options.background)
        done.backwards = page.right_to_left
        done.across, done.down = self.columns.edges, self.rows.edges
        borders = Borders(self.columns.starts, self.rows.starts)
        done.cells = list(self._cells())
        for cell in done.cells:
            self._fill_cell(done, cell)
            borders.add(cell.row, cell.column, cell.style.border, cell.span)
        for (row, column), whole in self.merged.items():
            if (row, column) != (whole.first_row, whole.first_column) and self._visible(row, column):
                edge = page.style(row, column).border
                borders.add_outer(self.rows.index[row], self.columns.index[column], edge, self._span(whole))
        done.fills = list(_fills(done.cells))
        done.borders = list(borders.segments())
        done.edges = borders.edges
        if page.gridlines:
            done.grid = list(borders.grid(self.open, [self._span(each) for each in self._wholes()]))
        done.things = [(each, box) for each in page.things if (box := self._thing_box(each)) is not None]
        if page.options.freeze:
            done.freeze = list(self._freeze())
        if page.options.headings:
            self._headings(done)
        return done

    def _size(self, column: int) -> int:
        strip = self.page.columns.get(column)
        return strip.size or 0 if strip is not None else self.page.column_size

    def _wholes(self) -> set[Range]:
        return set(self.merged.values())

    def _visible(self, row: int, column: int) -> bool:
        return row in self.rows.index and column in self.columns.index

    def _span(self, whole: Range) -> Span:
        """Indexes of a rectangle."""
        top, bottom = self.rows.span(whole.first_row, whole.last_row)
        left, right = self.columns.span(whole.first_column, whole.last_column)
        return top, left, bottom, right

    def _box(self, span: Span) -> Box:
        top, left, bottom, right = span
        across, down = self.columns.starts, self.rows.starts
        return Box(across[left], down[top], across[right], down[bottom])

    def _cells(self) -> Iterator[Placed]:
        """Every cell that shows; merged cells once."""
        done: set[Range] = set()
        for top, row in enumerate(self.rows.lines):
            for left, column in enumerate(self.columns.lines):
                whole = self.merged.get((row, column))
                if whole is None:
                    span = (top, left, top + 1, left + 1)
                    yield Placed(row, column, self._box(span), span, self.page.style(row, column))
                elif whole not in done:
                    done.add(whole)
                    span, at = self._span(whole), (whole.first_row, whole.first_column)
                    yield Placed(*at, self._box(span), span, self.page.style(*at))

    def _heights(self) -> list[int]:
        """The heights of the area's rows; those that are not given fit their text."""
        page, only = self.page, self.page.options.rows
        found = []
        cells: dict[int, list[int]] = {}
        for row, column in page.cells:
            cells.setdefault(row, []).append(column)
        for row in range(page.area.first_row, page.area.last_row + 1):
            strip = page.rows.get(row)
            if only is not None and row not in only:
                found.append(0)
            elif strip is None:
                found.append(page.row_size)
            elif strip.size is not None:
                found.append(strip.size)
            else:
                needed = max([page.row_size, *(self._needs(row, column) for column in cells.get(row, ()))])
                found.append(min(needed, HIGHEST))
        return found

    def _needs(self, row: int, column: int) -> int:
        """The height that a cell's text asks for."""
        value, style = self.page.cells[row, column], self.page.style(row, column)
        if value.content is None or (row, column) in self.merged or column not in self.columns.index:
            return 0
        size = self.columns.sizes[column]
        if style.alignment.rotation:
            return round(turned_size(cell_text(value, style, 1e6, self.page.date1904), style, size))
        if not breaks(style.alignment) or not isinstance(value.content, str):
            return max([line_height(run.font or style.font) for run in value.runs] or [line_height(style.font)])
        room = room_of(style.alignment, size)
        text = excerpt(cell_text(value, style, room, self.page.date1904), room, HIGHEST)
        lines = lines_of(text, room, True)
        return sum(max(line_height(each) for _, each in line.runs or (("", style.font),)) for line in lines)

    def _fill_cell(self, done: Drawing, cell: Placed) -> None:
        """What stands in a cell: bar, sign, sparkline, text, the mark of a comment."""
        at, box = (cell.row, cell.column), cell.box
        if not (box.width and box.height):
            return
        page = self.page
        if at in page.bars:
            done.bars.append((at, box, page.bars[at]))
        if at in page.sparks:
            done.sparks.append((at, box, page.sparks[at]))
        if at in page.comments:
            done.comments.append((at, box))
        taken = 0.0
        if at in page.icons:
            icon = _icon_box(cell, at in page.bare)
            done.icons.append((at, icon, page.icons[at]))
            taken = icon.width + 1
        if at not in page.bare:
            done.labels += of_cell(self._labels(cell, taken), at)

    def _labels(self, cell: Placed, taken: float) -> list[Label]:
        value, style, box = self.page.cells.get((cell.row, cell.column)), cell.style, cell.box
        if value is None or value.content is None or value.content == "":
            return []
        if style.alignment.horizontal == "centerContinuous":
            box = self._across(cell)
        text = cell_text(value, style, room_of(style.alignment, box.width) - taken, self.page.date1904)
        if style.alignment.rotation:
            return turned(text, style, box)
        if taken and text.anchor == "start":
            box = Box(box.left + taken, box.top, box.right, box.bottom)
        room = box
        merged = (cell.row, cell.column) in self.merged
        if not (text.fixed or breaks(style.alignment) or merged or style.alignment.horizontal == "fill"):
            room = self._overflow(cell, text, box)
        return flat(text, style, box, room)

    def _across(self, cell: Placed) -> Box:
        """The box of a cell whose text is centred across the empty cells after it that ask for the same."""
        column = cell.column
        while (
            column + 1 in self.columns.sizes
            and self._empty(cell.row, column + 1)
            and self.page.style(cell.row, column + 1).alignment.horizontal == "centerContinuous"
        ):
            column += 1
        top, left, bottom, right = self._span(Range("", cell.row, cell.column, cell.row, column))
        self.open.update((top, index) for index in range(left, right - 1))
        return self._box((top, left, bottom, right))

    def _overflow(self, cell: Placed, text: Text, box: Box) -> Box:
        """The box widened over empty neighbours, as far as the text needs them."""
        across, (top, left, _, right) = self.columns.starts, cell.span
        more = text.width + 2 * PAD + cell.style.alignment.indent * INDENT - box.width
        after = {"start": more, "middle": more / 2}.get(text.anchor, 0.0)
        before = {"end": more, "middle": more / 2}.get(text.anchor, 0.0)
        lines = self.columns.lines
        while across[right] - box.right < after and right < len(lines) and self._empty(cell.row, lines[right]):
            self.open.add((top, right - 1))
            right += 1
        while box.left - across[left] < before and left > 0 and self._empty(cell.row, lines[left - 1]):
            left -= 1
            self.open.add((top, left))
        return Box(across[left], box.top, across[right], box.bottom)

    def _empty(self, row: int, column: int) -> bool:
        value = self.page.cells.get((row, column))
        return (value is None or value.content is None or value.content == "") and (row, column) not in self.merged

    def _thing_box(self, thing: Thing) -> Box | None:
        """Where a thing stands; None where it is out of the picture."""
        anchor, page = thing.anchor, self.page
        columns = {column: strip.size or 0 for column, strip in page.columns.items()}
        rows = {row: strip.size for row, strip in page.rows.items() if strip.size is not None}
        x = self.columns.place(anchor.column, anchor.x, columns, page.column_size)
        y = self.rows.place(anchor.row, anchor.y, rows, page.row_size)
        if anchor.to is not None:
            column, row, right, bottom = anchor.to
            end = self.columns.place(column, right, columns, page.column_size)
            low = self.rows.place(row, bottom, rows, page.row_size)
        else:
            wide, low = anchor.size[0], y + anchor.size[1]
            end = x - wide if page.right_to_left else x + wide
        left, right = min(x, end), max(x, end)
        across, down = right - left, low - y
        part = thing.within
        box = Box(left + part[0] * across, y + part[1] * down, left + part[2] * across, y + part[3] * down)
        beyond = box.right < 0 or box.bottom < 0 or box.left > self.columns.length or box.top > self.rows.length
        return None if beyond or (box.width <= 0 and box.height <= 0) else box

    def _freeze(self) -> Iterator[Segment]:
        rows, columns = self.page.frozen
        black = Line("thin", "#808080")
        width, height = self.columns.length + 1, self.rows.length + 1
        if rows and rows + 1 in self.rows.sizes and rows in self.rows.sizes:
            y = self.rows.place(rows + 1, 0, {}, 0) - 0.5
            yield Segment(0, y, width, y, black)
        if columns and columns + 1 in self.columns.sizes and columns in self.columns.sizes:
            x = self.columns.place(columns + 1, 0, {}, 0) - 0.5
            yield Segment(x, 0, x, height, black)

    def _headings(self, done: Drawing) -> None:
        shown = self.page.range
        done.top, done.left = HEAD, max(_HEAD_SIDE, len(str(shown.last_row)) * 8 + 6)
        across, down = self.columns.starts, self.rows.starts
        for index, column in enumerate(self.columns.lines):
            if shown.first_column <= column <= shown.last_column:
                box = Box(across[index], 0, across[index + 1], HEAD)
                done.headings.append((box, column_letter(column)))
        for index, row in enumerate(self.rows.lines):
            if shown.first_row <= row <= shown.last_row:
                done.headings.append((Box(0, down[index], done.left, down[index + 1]), str(row)))


def _icon_box(cell: Placed, alone: bool) -> Box:
    """Where a sign stands: at the left of its cell; without a value where the text would be."""
    box, alignment = cell.box, cell.style.alignment
    size = max(4.0, min(16.0, box.height - 3, pixels(cell.style.font) * 1.1))
    left = box.left + 2.0
    if alone and alignment.horizontal in ("center", "right", "centerContinuous"):
        middle = (box.left + box.right - size) / 2
        left = box.right - size - 3 if alignment.horizontal == "right" else middle
    top = {"top": box.top + 1.5, "center": (box.top + box.bottom - 1 - size) / 2}.get(
        alignment.vertical, box.bottom - 2.5 - size
    )
    return Box(left, top, left + size, top + size)


def _fills(cells: list[Placed]) -> Iterator[tuple[Box, Fill]]:
    """Filled boxes; a fill covers the grid lines around it. Equal neighbours in a row become one box."""
    last: tuple[Box, Fill] | None = None
    for cell in cells:
        fill, box = cell.style.fill, cell.box
        if fill.empty:
            continue
        here = Box(box.left - 1, box.top - 1, box.right, box.bottom)
        if last is not None and last[1] == fill and not fill.stops and _beside(last[0], here):
            last = (replace(last[0], right=here.right), fill)
            continue
        if last is not None:
            yield last
        last = (here, fill)
    if last is not None:
        yield last


def _beside(left: Box, right: Box) -> bool:
    """Whether two filled boxes make one."""
    return left.right == right.left + 1 and (left.top, left.bottom) == (right.top, right.bottom)


def _covered(page: Page) -> dict[At, Range]:
    """Every cell of the area that belongs to a merged range."""
    area, found = page.area, {}
    for each in page.merges:
        for row in range(max(each.first_row, area.first_row), min(each.last_row, area.last_row) + 1):
            for column in range(max(each.first_column, area.first_column), min(each.last_column, area.last_column) + 1):
                found[row, column] = each
    return found
