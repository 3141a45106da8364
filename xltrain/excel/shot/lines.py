"""The lines between cells: borders, of which the stronger wins, and grid lines where nothing else stands."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from xltrain.excel.shot.style import Border, Line

GRID = Line("grid", "#D4D4D4")
# From weak to strong: of two cells that meet, the stronger border is drawn.
_WEAK = "hair dotted dashDotDot dashDot dashed thin"
_STRONG = "mediumDashDotDot slantDashDot mediumDashDot mediumDashed medium thick double"
_STRENGTH = [*_WEAK.split(), *_STRONG.split()]
Span = tuple[int, int, int, int]
Edge = tuple[bool, int, int]  # upright; index of the line it lies on; index along the line


@dataclass(frozen=True)
class Segment:
    """A straight line in pixels."""

    left: float
    top: float
    right: float
    bottom: float
    line: Line


class Borders:
    """Borders collected cell by cell; `across` and `down` are where columns and rows begin, and the last one ends."""

    def __init__(self, across: Sequence[int], down: Sequence[int]) -> None:
        self.across, self.down = across, down
        self.edges: dict[Edge, Line] = {}
        self.slanted: list[Segment] = []

    def add(self, row: int, column: int, border: Border, span: Span) -> None:
        """The borders of a cell, or of a merged range by its first cell."""
        top, left, bottom, right = span
        if border == _NONE or top == bottom or left == right:
            return
        for index in range(left, right):
            self._claim((False, top, index), border.top)
            self._claim((False, bottom, index), border.bottom)
        for index in range(top, bottom):
            self._claim((True, left, index), border.left)
            self._claim((True, right, index), border.right)
        x, y = (self.across[left], self.across[right] - 1), (self.down[top], self.down[bottom] - 1)
        if border.down:
            self.slanted.append(Segment(x[0], y[0], x[1], y[1], border.down))
        if border.up:
            self.slanted.append(Segment(x[0], y[1], x[1], y[0], border.up))

    def add_outer(self, row: int, column: int, border: Border, span: Span) -> None:
        """The borders of one cell of a merged range, only where the range ends."""
        top, left, bottom, right = span
        if row == top:
            self._claim((False, top, column), border.top)
        if row == bottom - 1:
            self._claim((False, bottom, column), border.bottom)
        if column == left:
            self._claim((True, left, row), border.left)
        if column == right - 1:
            self._claim((True, right, row), border.right)

    def _claim(self, edge: Edge, line: Line | None) -> None:
        if line is None:
            return
        there = self.edges.get(edge)
        if there is None or _strength(line) >= _strength(there):
            self.edges[edge] = line

    def segments(self) -> Iterator[Segment]:
        """All borders, those in a row as one line, the weak before the strong."""
        found = [*self._runs(self.edges), *self.slanted]
        return iter(sorted(found, key=lambda each: _strength(each.line)))

    def grid(self, opened: Iterable[tuple[int, int]], wholes: Iterable[Span]) -> Iterator[Segment]:
        """The grid, except where text runs over it and inside merged ranges."""
        columns, rows = len(self.across) - 1, len(self.down) - 1
        edges = {(False, line, index): GRID for line in range(rows + 1) for index in range(columns)}
        edges |= {(True, line, index): GRID for line in range(columns + 1) for index in range(rows)}
        for row, column in opened:
            edges.pop((True, column + 1, row), None)
        for top, left, bottom, right in wholes:
            for line in range(top + 1, bottom):
                for index in range(left, right):
                    edges.pop((False, line, index), None)
            for line in range(left + 1, right):
                for index in range(top, bottom):
                    edges.pop((True, line, index), None)
        return self._runs(edges)

    def _runs(self, edges: dict[Edge, Line]) -> Iterator[Segment]:
        start: Edge | None = None
        last: Edge | None = None
        for edge in sorted(edges):
            if start is not None and last is not None:
                if edge[:2] == last[:2] and edge[2] == last[2] + 1 and edges[edge] == edges[start]:
                    last = edge
                    continue
                yield self._segment(start, last, edges[start])
            start = last = edge
        if start is not None and last is not None:
            yield self._segment(start, last, edges[start])

    def _segment(self, start: Edge, last: Edge, line: Line) -> Segment:
        """On the last pixel before the next cell; it reaches one pixel back so that corners close."""
        if start[0]:
            x = self.across[start[1]] - 0.5
            return Segment(x, self.down[start[2]] - 1, x, self.down[last[2] + 1], line)
        y = self.down[start[1]] - 0.5
        return Segment(self.across[start[2]] - 1, y, self.across[last[2] + 1], y, line)


_NONE = Border()


def _strength(line: Line) -> int:
    return _STRENGTH.index(line.style) if line.style in _STRENGTH else 0
