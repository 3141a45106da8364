"""Where tables stand on a sheet: their header rows, what their columns are called, where their rows begin and end.

Judged from what the cells hold: titles and banners above a table fill few cells, a header fills about as many as the
rows below it and holds words, and values stand below it. Merged cells tell how deep a header is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from xltrain.excel.grid import BLANK, TEXT, Grid, NamedTable, Strip
from xltrain.excel.heading import (
    WIDE,
    Header,
    filled_in,
    is_word,
    names_in,
    shown,
    shown_rows,
    units_below,
    usual,
    words_in,
)
from xltrain.language import text
from xltrain.place import MAX_COLUMN, MAX_ROW

APART = 0.8  # of the other table's rows: a shorter block beside it is a table of its own


@dataclass(frozen=True)
class Asked:
    """What a person says about the table of a sheet.

    Attributes:
        header: its header rows, `(0,)` for none; None where nothing is said.
        cells: first row, first column, last row, last column of the table, header included.
        skip_rows: rows at the top of the sheet that are not looked at.
    """

    header: tuple[int, ...] | None = None
    cells: tuple[int, int, int, int] | None = None
    skip_rows: int = 0


@dataclass(frozen=True)
class Area:
    """A table on a sheet: the rows of its header (none: no header), what stands there, and the rows below.

    `units` are those that stand in a row of their own below the header. `evidence` is a sentence.
    """

    header_rows: tuple[int, ...]
    headers: Mapping[int, str]
    units: Mapping[int, str]
    first_row: int
    last_row: int
    evidence: str
    name: str = ""
    totals: int = 0  # of its last rows are called totals by its Excel table

    @property
    def top(self) -> int:
        return self.header_rows[0] if self.header_rows else self.first_row

    @property
    def columns(self) -> tuple[int, int]:
        """The first and the last column."""
        return min(self.headers, default=1), max(self.headers, default=1)

    @property
    def size(self) -> int:
        return (self.last_row - self.first_row + 1) * len(self.headers)


def find_tables(grid: Grid, asked: Asked = Asked()) -> tuple[list[Area], str]:
    """The tables of a sheet, the largest first; or none, and the key of a message that says why.

    `grid` holds no blank texts. With a header or range asked for there is one table.
    """
    if asked.cells:
        grid = grid.cut(*asked.cells)
    if asked.skip_rows:
        grid = grid.cut(asked.skip_rows + 1, 1, MAX_ROW, MAX_COLUMN)
    if not len(grid):
        return [], "sheet_empty"
    if asked.header is not None:
        return _some([_given(grid, asked.header)])
    if asked.cells:
        return _some([_only(grid)])
    if grid.tables:
        listed = [_listed(grid, each) for each in grid.tables]
        found, why = _some(listed)
        return [*found, *_beside(grid, listed)], why
    blocks = _side_by_side(grid)
    return _some([area for block in blocks for area in _below_each_other(block)])


def _beside(grid: Grid, listed: list[Area]) -> list[Area]:
    """Tables that stand outside the Excel tables of a sheet, so that they can be told of."""
    strips = []
    for strip in grid.strips:
        kinds = strip.kinds.copy()
        for area in listed:
            left, right = area.columns
            if left <= strip.column <= right:
                kinds[grid.index(area.top) : grid.index(area.last_row + 1)] = BLANK
        strips.append(Strip(strip.column, kinds, strip.values))
    rest = replace(grid, strips=tuple(strips), tables=()).cut(1, 1, MAX_ROW, MAX_COLUMN)
    if not len(rest):
        return []
    found = [area for block in _side_by_side(rest) for area in _below_each_other(block)]
    return [area for area in found if area.header_rows and len(area.headers) > 1 and area.last_row > area.first_row]


def _some(areas: list[Area]) -> tuple[list[Area], str]:
    """Those with rows, the largest first."""
    found = sorted((each for each in areas if each.last_row >= each.first_row), key=lambda each: -each.size)
    return (found, "") if found else ([], "sheet_no_rows")


def _given(grid: Grid, header: tuple[int, ...]) -> Area:
    if header == (0,):
        first = int(grid.numbers[0])
        headers = {strip.column: "" for strip in grid.strips}
        return Area((), headers, {}, first, grid.last_row, text("evidence_given_none"))
    rows = tuple(range(min(header), max(header) + 1))
    body = _body(grid, rows)
    return replace(body, evidence=text("evidence_given", rows=shown_rows(rows)))


def _listed(grid: Grid, table: NamedTable) -> Area:
    """An Excel table, with the rows that people typed right below it."""
    top, left, bottom, right = table.cells
    rows = (top,) if table.headers else ()
    last = bottom
    if not table.totals:
        below = grid.cut(bottom + 1, left, MAX_ROW, right)
        enough = WIDE * (right - left + 1)
        counts = filled_in(below)
        for number, count in zip(below.numbers.tolist(), counts.tolist(), strict=True):
            if number != last + 1 or count < enough:
                break
            last = number
    area = _body(grid.cut(top, left, last, right), rows)
    headers = {column: area.headers.get(column, "") for column in range(left, right + 1)}
    evidence = text("evidence_table", name=table.name)
    return replace(area, headers=headers, last_row=last, evidence=evidence, name=table.name, totals=table.totals)


def _below_each_other(grid: Grid) -> list[Area]:
    """The table at the top of a block, and those that begin below it with a header of their own."""
    found = []
    while len(grid):
        area = _only(grid)
        next_row = _next_header(grid, area)
        if not next_row:
            found.append(area)
            break
        upper = grid.cut(1, 1, next_row - 1, MAX_COLUMN)
        found.append(replace(area, last_row=max(upper.last_row, area.first_row - 1)))
        grid = grid.cut(next_row, 1, MAX_ROW, MAX_COLUMN)
    return found


def _next_header(grid: Grid, area: Area) -> int:
    """The row where another table begins (its title, else its header), 0 where none does.

    Words in several cells after a blank row, other than the header above, in columns of values, with values below.
    """
    filled, words = filled_in(grid), words_in(grid)
    numbers = grid.numbers
    gap = np.diff(numbers, prepend=numbers[0]) > 1
    titled = np.zeros(len(grid), bool)
    titled[1:] = gap[:-1] & (filled[:-1] == 1) & (words[:-1] == 1)
    follows = np.zeros(len(grid), bool)
    follows[:-1] = (words[1:] < filled[1:]) & (np.diff(numbers) == 1)
    hits = (filled >= 2) & (words == filled) & (gap | titled) & follows & (numbers > area.first_row)
    start = grid.index(area.first_row)
    names = {shown(value) for row in area.header_rows for value in grid.line(grid.index(row)).values()}
    for index in np.flatnonzero(hits).tolist():
        line = grid.line(index)
        if {shown(value) for value in line.values()} <= names or not _names_what_is_below(grid, index):
            continue
        above = slice(start, index)
        values = 0
        for column in line:
            kinds = grid.by_column[column].kinds[above]
            values += (kinds[kinds != BLANK] != TEXT).sum() > 0.5 * max((kinds != BLANK).sum(), 1)
        if values or len(line) != len(area.headers):
            return int(numbers[index - 1] if titled[index] else numbers[index])
    return 0


def _names_what_is_below(grid: Grid, index: int) -> bool:
    """Whether words may be the names of the columns that the next row fills, but perhaps the first; values below some.

    A row of data with a blank fails: other rows have values there.
    """
    line, below = grid.line(index), grid.line(index + 1)
    unnamed = below.keys() - line.keys()
    names = {shown(value).casefold() for value in line.values()}
    told = all(any(sign.isalnum() for sign in name) for name in names)
    if not told or len(names) < len(line) or not unnamed <= {min(below)}:
        return False
    return any(column in line and not (isinstance(cell, str) and is_word(cell)) for column, cell in below.items())


def _side_by_side(grid: Grid) -> list[Grid]:
    """The blocks between blank columns that are tables of their own."""
    groups: list[list[Strip]] = []
    for strip in grid.strips:
        if not groups or strip.column != groups[-1][-1].column + 1:
            groups.append([])
        groups[-1].append(strip)
    if len(groups) < 2:
        return [grid]
    blocks = [grid.cut(1, group[0].column, MAX_ROW, group[-1].column) for group in groups]
    main = max(blocks, key=lambda block: int(filled_in(block).sum()))
    area = _only(main)
    apart = [block for block in blocks if block is not main and _stands_apart(block, main, area)]
    if not apart:
        return [grid]
    gone = {strip.column for block in apart for strip in block.strips}
    rest = replace(grid, strips=tuple(strip for strip in grid.strips if strip.column not in gone))
    first, last = rest.strips[0].column, rest.strips[-1].column
    return [rest.cut(1, first, MAX_ROW, last), *apart]


def _stands_apart(block: Grid, main: Grid, area: Area) -> bool:
    """Whether a block beside the main table has its own header, or other rows than it."""
    if len(block.strips) < 2 or len(block) < 2:
        return False
    own = _only(block)
    if not own.header_rows or usual(filled_in(block)) < 2 or sum(bool(name) for name in own.headers.values()) < 2:
        return False
    if own.header_rows != area.header_rows:
        return True
    names = {name for name in area.headers.values() if name}
    if names & set(own.headers.values()):
        return True
    dense = len(block) >= APART * (block.last_row - int(block.numbers[0]) + 1)
    return dense and len(block) < APART * len(main)


def _only(grid: Grid) -> Area:
    """The table of a block, taken as one."""
    header = Header(grid)
    rows, why = header.find()
    if rows:
        return replace(_body(grid, rows), evidence=why)
    first = int(grid.numbers[header.first])
    headers = {strip.column: "" for strip in grid.strips}
    return Area((), headers, {}, first, grid.last_row, why)


def _body(grid: Grid, rows: tuple[int, ...]) -> Area:
    """The table below these header rows."""
    headers = {strip.column: "" for strip in grid.strips}
    headers |= names_in(grid, rows) if rows else {}
    first = rows[-1] + 1 if rows else int(grid.numbers[0]) if len(grid) else 1
    units = units_below(grid, first) if rows else {}
    start = grid.index(first)
    blank = [strip.column for strip in grid.strips if not strip.kinds[start:].any()]
    headers = {column: name for column, name in headers.items() if name or column not in blank}
    return Area(rows, dict(sorted(headers.items())), units, first + bool(units), grid.last_row, "")
