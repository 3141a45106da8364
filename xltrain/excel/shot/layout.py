"""Where everything of a page stands, in pixels: fills, grid lines, borders and text."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate

from xltrain.excel.shot.fonts import line_height, pixels
from xltrain.excel.shot.lines import Borders, Segment
from xltrain.excel.shot.page import Page
from xltrain.excel.shot.style import CellStyle, Fill, Font
from xltrain.excel.shot.words import Text, cell_text, lines_of
from xltrain.place import Range

PAD = 2.5  # between a cell's edge and its text
INDENT = 9.0  # of one step
DESCENT, ASCENT, PITCH = 0.25, 0.95, 1.22  # em, of the fonts that Excel uses
_TURNED = 255


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top


@dataclass(frozen=True)
class Label:
    """One line of text; `anchor` start, middle or end; `angle` in degrees with the clock about its point."""

    left: float
    baseline: float
    runs: tuple[tuple[str, Font], ...]
    anchor: str = "start"
    clip: Box | None = None
    angle: float = 0.0


@dataclass
class Drawing:
    """Everything to draw, in pixels, in the order of the fields."""

    width: int
    height: int
    grid: list[Segment] = field(default_factory=list)
    fills: list[tuple[Box, Fill]] = field(default_factory=list)
    borders: list[Segment] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)


class Axis:
    """The columns or rows of a page that are not hidden, and where each begins."""

    def __init__(self, first: int, sizes: list[int], shown: int) -> None:
        self.first, self.last = first, first + len(sizes) - 1
        self.lines = [first + index for index, size in enumerate(sizes) if size]
        self.index = {line: index for index, line in enumerate(self.lines)}
        starts = list(accumulate((size for size in sizes if size), initial=0))
        before = sum(sizes[: shown - first])
        self.starts = [1 + start - before for start in starts]  # one pixel for the first grid line

    def span(self, first: int, last: int) -> tuple[int, int]:
        """The indexes from line `first` to `last`, the end excluded."""
        found = [
            self.index[line] for line in range(max(first, self.first), min(last, self.last) + 1) if line in self.index
        ]
        return (found[0], found[-1] + 1) if found else (0, 0)


def lay_out(page: Page) -> Drawing:
    """The drawing of a page."""
    return _Layout(page).drawing()


class _Layout:
    def __init__(self, page: Page) -> None:
        self.page = page
        area, shown = page.area, page.range
        self.merged: dict[tuple[int, int], Range] = _covered(page)
        columns = range(area.first_column, area.last_column + 1)
        widths = [page.columns[each].size or 0 if each in page.columns else page.column_size for each in columns]
        self.columns = Axis(area.first_column, widths, shown.first_column)
        heights = self._heights()
        self.rows = Axis(area.first_row, heights, shown.first_row)
        top, left = shown.first_row - area.first_row, shown.first_column - area.first_column
        self.width = sum(widths[left : left + shown.last_column - shown.first_column + 1])
        self.height = sum(heights[top : top + shown.last_row - shown.first_row + 1])
        self.open: set[tuple[int, int]] = set()  # (row, column) indexes whose right edge text runs over

    def drawing(self) -> Drawing:
        done = Drawing(self.width + 1, self.height + 1)
        borders = Borders(self.columns.starts, self.rows.starts)
        for row, column, style, box, span in self._cells():
            self._labels(done, row, column, style, box, span)
            borders.add(row, column, style.border, span)
        for (row, column), whole in self.merged.items():
            if (row, column) != (whole.first_row, whole.first_column) and self._visible(row, column):
                edge = self.page.style(row, column).border
                borders.add_outer(self.rows.index[row], self.columns.index[column], edge, self._span(whole))
        done.fills = list(self._fills())
        done.borders = list(borders.segments())
        if self.page.gridlines:
            done.grid = list(borders.grid(self.open, [self._span(each) for each in self._wholes()]))
        return done

    def _wholes(self) -> set[Range]:
        return set(self.merged.values())

    def _visible(self, row: int, column: int) -> bool:
        return row in self.rows.index and column in self.columns.index

    def _span(self, whole: Range) -> tuple[int, int, int, int]:
        """Indexes of a rectangle: top, left, bottom and right, the last two excluded."""
        top, bottom = self.rows.span(whole.first_row, whole.last_row)
        left, right = self.columns.span(whole.first_column, whole.last_column)
        return top, left, bottom, right

    def _box(self, span: tuple[int, int, int, int]) -> Box:
        top, left, bottom, right = span
        across, down = self.columns.starts, self.rows.starts
        return Box(across[left], down[top], across[right], down[bottom])

    def _cells(self) -> Iterator[tuple[int, int, CellStyle, Box, tuple[int, int, int, int]]]:
        """Every cell that shows: row, column, style, box and indexes; merged cells once."""
        done: set[Range] = set()
        for top, row in enumerate(self.rows.lines):
            for left, column in enumerate(self.columns.lines):
                whole = self.merged.get((row, column))
                if whole is None:
                    span = (top, left, top + 1, left + 1)
                    yield row, column, self.page.style(row, column), self._box(span), span
                elif whole not in done:
                    done.add(whole)
                    span, at = self._span(whole), (whole.first_row, whole.first_column)
                    yield *at, self.page.style(*at), self._box(span), span

    def _fills(self) -> Iterator[tuple[Box, Fill]]:
        """Filled boxes; a fill covers the grid lines around it. Equal neighbours in a row become one box."""
        last: tuple[Box, Fill] | None = None
        for _, _, style, box, _ in self._cells():
            if not (style.fill.colour or style.fill.stops):
                continue
            here = Box(box.left - 1, box.top - 1, box.right, box.bottom)
            if last is not None and last[1] == style.fill and not style.fill.stops and _beside(last[0], here):
                last = (Box(last[0].left, here.top, here.right, here.bottom), style.fill)
                continue
            if last is not None:
                yield last
            last = (here, style.fill)
        if last is not None:
            yield last

    def _heights(self) -> list[int]:
        """The heights of the area's rows; those that are not given fit their text."""
        page = self.page
        found = []
        cells: dict[int, list[int]] = {}
        for row, column in page.cells:
            cells.setdefault(row, []).append(column)
        for row in range(page.area.first_row, page.area.last_row + 1):
            strip = page.rows.get(row)
            if strip is None:
                found.append(page.row_size)
            elif strip.size is not None:
                found.append(strip.size)
            else:
                found.append(max([page.row_size, *(self._needs(row, column) for column in cells.get(row, ()))]))
        return found

    def _needs(self, row: int, column: int) -> int:
        """The height that a cell's text asks for."""
        value, style = self.page.cells[row, column], self.page.style(row, column)
        if value.content is None or (row, column) in self.merged or column not in self.columns.index:
            return 0
        if not style.alignment.wrap or not isinstance(value.content, str):
            return max([line_height(run.font or style.font) for run in value.runs] or [line_height(style.font)])
        left = self.columns.index[column]
        size = self.columns.starts[left + 1] - self.columns.starts[left]
        room = size - 2 * PAD - style.alignment.indent * INDENT
        lines = lines_of(cell_text(value, style, room, self.page.date1904), room, True)
        return sum(max(line_height(each) for _, each in line.runs or (("", style.font),)) for line in lines)

    def _labels(
        self, done: Drawing, row: int, column: int, style: CellStyle, box: Box, span: tuple[int, int, int, int]
    ) -> None:
        value = self.page.cells.get((row, column))
        if value is None or value.content is None or value.content == "" or not (box.width and box.height):
            return
        indent = style.alignment.indent * INDENT
        text = cell_text(value, style, box.width - 2 * PAD - indent, self.page.date1904)
        if style.alignment.rotation:
            done.labels += _turned(text, style, box)
            return
        room = box
        if not (text.fixed or style.alignment.wrap or (row, column) in self.merged):
            room = self._overflow(row, span, text, box, indent)
        done.labels += _flat(text, style, box, room, indent)

    def _overflow(self, row: int, span: tuple[int, int, int, int], text: Text, box: Box, indent: float) -> Box:
        """The box widened over empty neighbours, as far as the text needs them."""
        across, (top, left, _, right) = self.columns.starts, span
        more = text.width + 2 * PAD + indent - box.width
        after = {"start": more, "middle": more / 2}.get(text.anchor, 0.0)
        before = {"end": more, "middle": more / 2}.get(text.anchor, 0.0)
        while across[right] - box.right < after and right < len(self.columns.lines) and self._empty(row, right):
            self.open.add((top, right - 1))
            right += 1
        while box.left - across[left] < before and left > 0 and self._empty(row, left - 1):
            left -= 1
            self.open.add((top, left))
        return Box(across[left], box.top, across[right], box.bottom)

    def _empty(self, row: int, index: int) -> bool:
        column = self.columns.lines[index]
        value = self.page.cells.get((row, column))
        return (value is None or value.content is None or value.content == "") and (row, column) not in self.merged


def _covered(page: Page) -> dict[tuple[int, int], Range]:
    """Every cell of the area that belongs to a merged range."""
    area, found = page.area, {}
    for each in page.merges:
        for row in range(max(each.first_row, area.first_row), min(each.last_row, area.last_row) + 1):
            for column in range(max(each.first_column, area.first_column), min(each.last_column, area.last_column) + 1):
                found[row, column] = each
    return found


def _beside(left: Box, right: Box) -> bool:
    """Whether two filled boxes make one."""
    return left.right == right.left + 1 and (left.top, left.bottom) == (right.top, right.bottom)


def _flat(text: Text, style: CellStyle, box: Box, room: Box, indent: float) -> list[Label]:
    """The lines of upright text in a box; clipped to `room` where they are wider or higher."""
    lines = lines_of(text, box.width - 2 * PAD - indent, style.alignment.wrap and not text.fixed)
    heights = _line_heights(lines, style.font, box)
    at = {
        "start": box.left + PAD + indent,
        "middle": (box.left + box.right) / 2,
        "end": box.right - PAD - indent,
    }[text.anchor]
    top = _first_line(style.alignment.vertical, box, sum(heights))
    widest = max((line.width for line in lines), default=0.0)
    outside = widest > room.width - PAD - indent or sum(heights) > box.height + 3
    clip = Box(room.left, room.top, room.right - 1, room.bottom - 1) if outside else None
    found = []
    for line, height in zip(lines, heights, strict=True):
        em = _largest(line, style.font)
        if line.runs:
            baseline = top + em * ASCENT + (height - em * PITCH) / 2
            found.append(Label(at, baseline, line.runs, text.anchor, clip))
        top += height
    return found


def _line_heights(lines: list[Text], font: Font, box: Box) -> list[float]:
    """The height of each line; a little less where the row was made for another font's lines."""
    if len(lines) == 1:
        return [_largest(lines[0], font) * PITCH]
    heights = [float(max(line_height(each) for _, each in line.runs or (("", font),))) for line in lines]
    share = (box.height - 1) / sum(heights)
    return [height * share for height in heights] if 1 / 1.2 <= share < 1 else heights


def _largest(line: Text, font: Font) -> float:
    """The em of a line's largest font."""
    return max((pixels(each) for _, each in line.runs), default=pixels(font))


def _first_line(vertical: str, box: Box, height: float) -> float:
    """Where text of this height begins."""
    if vertical == "top":
        return box.top + 0.5
    if vertical in ("center", "distributed", "justify"):
        return (box.top + box.bottom - 1 - height) / 2
    return box.bottom - 1 - height


def _turned(text: Text, style: CellStyle, box: Box) -> list[Label]:
    """Text at an angle: centred in its cell, or from the bottom where it rises."""
    turn = style.alignment.rotation
    em = pixels(style.font)
    if turn == _TURNED:
        letters = [(letter, font) for part, font in text.runs for letter in part]
        top = box.top + max(1.0, (box.height - len(letters) * em * PITCH) / 2)
        middle = (box.left + box.right) / 2
        return [
            Label(middle, top + em * (ASCENT + PITCH * number), (each,), "middle", box)
            for number, each in enumerate(letters)
        ]
    angle = float(-turn if turn <= 90 else turn - 90)
    across, down = (box.left + box.right) / 2, (box.top + box.bottom) / 2
    vertical = style.alignment.vertical
    anchor, shift = "middle", em * 0.35
    if abs(angle) == 90:
        if vertical != "center":
            low = (vertical == "bottom") == (angle < 0)
            anchor = "start" if low else "end"
            down = box.bottom - PAD if vertical == "bottom" else box.top + PAD
        across += shift if angle < 0 else -shift
    else:
        down += shift
    return [Label(across, down, text.runs, anchor, box, angle)]
