"""One book read in a worker: its tables found, their rows sorted out, their columns written for the caller to map.

A sheet's rows travel as an Arrow file; what was found, dropped and doubted as JSON.
"""

import fnmatch
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from xltrain.data.part import Cells, write_part
from xltrain.data.rows import Rows, sort_out
from xltrain.data.store import data_sheets, map_sheet, read_map
from xltrain.errors import WorkbookError
from xltrain.excel.book import Book, open_book
from xltrain.excel.grid import BLANK, ERROR, TEXT, Grid, Strip
from xltrain.excel.heading import shown
from xltrain.excel.patch import addition_of, copy_kind
from xltrain.excel.read import TEXTS, no_sheet
from xltrain.excel.structure import Area, Asked, find_tables
from xltrain.language import canonical, text
from xltrain.place import MAX_COLUMN, MAX_ROW, Place, Problem, Range, column_letter, column_number, parse_range

DETAILS = 10_000  # cells of one kind in one column that are listed one by one
PROSE = 30  # characters: a single column of longer texts is no table
_BANNER_UNIT = re.compile(r"(?:单位|金额单位|计量单位|單位|単位|units?)\s*[:：]\s*([^\s,，;；)）]{1,12})", re.I)
_COLUMNS = re.compile(r"\$?([A-Za-z]{1,3})[:：]\$?([A-Za-z]{1,3})")
_ROWS = re.compile(r"\$?(\d+)[:：]\$?(\d+)")


def read_book(
    path: str,
    folder: str,
    thing: str = "",
    sheet: str = "",
    header: Sequence[int] | None = None,
    cells: str = "",
    skip_rows: int = 0,
    passed: bool = False,
    keep: Sequence[str] = (),
    drop_hidden: bool = False,
    password: str = "",
    recalculate: bool = False,
) -> list[dict[str, Any]]:
    """Read a book's tables; called in a worker.

    Args:
        folder: where the Arrow files go.
        thing: a sheet, range, Excel table or defined name of this book; empty for every sheet.
        sheet: a pattern that the names of its sheets must match.
        header: the header's rows, [0] for none.
        cells: the table's range on every sheet.
        passed: nobody named the book itself; a job met in passing is told as such and not read.

    Returns:
        One description per table or per sheet without one, as `data.part.Part` reads them.
    """
    found: list[dict[str, Any]] = []
    asked = Asked(tuple(header) if header is not None else None, None, skip_rows)
    with open_book(Path(path), password, recalculate) as book:
        names = [each.name for each in book.sheets]
        if passed and any(canonical(name) == "Runs" for name in names):
            return [{"sheet": "", "reason": "", "job": True}]
        merged = map_sheet(names)
        letters = _letters(book.grid(merged)) if merged else []
        own = addition_of(Path(path)) if copy_kind(Path(path)) == "annotated" else ()
        for name, wanted, table in _wanted(book, Path(path), thing, sheet, cells, asked, merged != ""):
            hidden = next(each.hidden for each in book.sheets if each.name == name)
            added = {each.column: each.header for each in own if each.sheet == name}
            reader = _Reader(book.grid(name), name, hidden, Path(path).suffix.lower() in TEXTS, added)
            target = Path(folder) / f"{len(found)}.arrow"
            if hidden and drop_hidden:
                told = reader.without("sheet_hidden")
            else:
                told = reader.read(wanted, table, target, keep, drop_hidden)
            told["named"] = bool(thing or sheet or header is not None or cells)
            told["letters"] = letters
            found.append(told)
    return found


def _wanted(
    book: Book, path: Path, thing: str, pattern: str, cells: str, asked: Asked, merged: bool
) -> list[tuple[str, Asked, str]]:
    """The sheets to read, what is asked of each, and the name of its Excel table where one is meant."""
    names = [each.name for each in book.sheets]
    if thing:
        return [_named(book, path, thing, cells, asked)]
    wanted = data_sheets(names) if merged else names
    if pattern:
        folded = pattern.casefold()
        found = [name for name in names if name.casefold() == folded or fnmatch.fnmatchcase(name.casefold(), folded)]
        if not found:
            raise WorkbookError(no_sheet(path, pattern, names))
        wanted = found
    return [(name, _ranged(path, asked, cells, name), "") for name in wanted]


def _ranged(path: Path, asked: Asked, cells: str, sheet: str) -> Asked:
    if not cells:
        return asked
    found = _range(cells)
    if found is None:
        raise WorkbookError(Problem(Place(str(path), sheet), text("range_unknown", range=cells), text("range_hint")))
    return replace(asked, cells=(found.first_row, found.first_column, found.last_row, found.last_column))


def _named(book: Book, path: Path, thing: str, cells: str, asked: Asked) -> tuple[str, Asked, str]:
    """The sheet that `thing` names, or stands on: a sheet, `Sheet!A1:F90`, an Excel table, a defined name."""
    names = [each.name for each in book.sheets]
    by_folded = {name.casefold(): name for name in reversed(names)}
    plain = thing.strip().strip("'").casefold()
    if plain in by_folded:
        return by_folded[plain], _ranged(path, asked, cells, by_folded[plain]), ""
    tables = book.tables()
    table = next((name for name in tables if name.casefold() == plain), "")
    if table:
        return tables[table], asked, table
    found = _range(thing)
    if found is None:
        sheet, _, last = thing.rpartition("!")
        wanted = last.strip().casefold() if sheet else plain
        found = next(
            (
                each.cells
                for each in book.names
                if each.name.casefold() == wanted
                and (not sheet or each.cells.sheet.casefold() == sheet.strip("'").casefold())
            ),
            None,
        )
    if found is None:
        known = [*names, *tables, *(each.name for each in book.names)]
        raise WorkbookError(no_sheet(path, thing, known))
    sheet = by_folded.get(found.sheet.casefold(), "") if found.sheet else names[0] if names else ""
    if not sheet:
        raise WorkbookError(no_sheet(path, found.sheet, names))
    return sheet, replace(asked, cells=(found.first_row, found.first_column, found.last_row, found.last_column)), ""


def _range(words: str) -> Range | None:
    """`A1:F90`, `A:F` or `3:90`, with or without a sheet."""
    found = parse_range(words)
    if found is not None:
        return found
    sheet, _, cells = words.replace("！", "!").rpartition("!")
    sheet = sheet.strip("'")
    if match := _COLUMNS.fullmatch(cells.strip()):
        left, right = sorted((column_number(match[1]), column_number(match[2])))
        return Range(sheet, 1, left, MAX_ROW, right)
    if match := _ROWS.fullmatch(cells.strip()):
        top, bottom = sorted((int(match[1]), int(match[2])))
        return Range(sheet, top, 1, bottom, MAX_COLUMN) if top else None
    return None


def _letters(grid: Grid) -> list[list[Any]]:
    """The source map of a merged book: file, sheet, column, letter."""
    lines = [[grid.line(index).get(column, "") for column in range(1, 5)] for index in range(len(grid))]
    return [
        [file, sheet, column, letter]
        for (file, sheet), each in read_map(lines).items()
        for column, letter in each.items()
    ]


class _Reader:
    """Reads the table of one sheet, without the columns that `annotate` added to it: they were made from the rest."""

    def __init__(self, grid: Grid, sheet: str, hidden: bool, free: bool, added: Mapping[int, str]) -> None:
        self.sheet, self.free, self.added, self.raw = sheet, free, added, grid.texts
        self.grid, self.trimmed = _tidied(grid)
        self.told: dict[str, Any] = {"sheet": sheet, "hidden_sheet": hidden, "free": free, "reason": "", "doubts": []}

    def without(self, reason: str) -> dict[str, Any]:
        """A sheet that gives nothing."""
        return {**self.told, "reason": text(reason)}

    def read(self, asked: Asked, table: str, target: Path, keep: Sequence[str], drop_hidden: bool) -> dict[str, Any]:
        grid = self.grid
        if table:
            grid = replace(grid, tables=tuple(each for each in grid.tables if each.name == table))
        areas, why = find_tables(grid, asked)
        if areas and _is_prose(grid, areas[0]) and asked == Asked():
            areas, why = [], "sheet_prose"
        if not areas:
            return self.without(why)
        area = areas[0]
        for other in areas[1:]:
            self._doubt(other.top, other.columns[0], "doubt_other_table", range=self._shown(other))
        if own := [column for column in area.headers if column in self.added]:
            area = replace(area, headers={each: area.headers[each] for each in area.headers if each not in own})
            names = text("comma").join(self.added[each] for each in own)
            self._doubt(area.top, own[0], "doubt_own_columns", columns=names)
        rows = sort_out(grid, area, keep, drop_hidden)
        if not len(rows.kept):
            return self.without("sheet_no_rows")
        self.grid = grid = self._filled(grid, area, rows.kept)
        self._describe(area, rows, asked.header == (0,))
        self.told["banner"] = _banner(grid, area)
        columns = self._columns(area, rows.kept)
        cells = {column: _cells(self.grid, strip) for column, strip in columns.items()}
        write_part(target, self.grid.numbers[rows.kept], cells)
        self.told["part"] = str(target)
        return self.told

    def _doubt(self, row: int, column: int, key: str, **values: object) -> None:
        hint = text(f"{key}_hint", **values)
        self.told["doubts"].append([row, column, text(key, **values), hint])

    def _shown(self, area: Area) -> str:
        left, right = area.columns
        return area.name or str(Range(self.sheet, area.top, left, area.last_row, right))

    def _filled(self, grid: Grid, area: Area, kept: npt.NDArray[np.int64]) -> Grid:
        """The grid with every cell that a vertical merge covers holding the merge's value; they are told as changes."""
        self.told["merged"] = []
        is_data = np.zeros(len(grid), bool)
        is_data[kept] = True
        strips = {strip.column: strip for strip in grid.strips}
        changed: dict[int, Strip] = {}
        for top, left, bottom, right in grid.merges:
            if bottom == top or top < area.first_row or left != right or left not in area.headers or left not in strips:
                continue
            strip = changed.get(left) or Strip(left, strips[left].kinds.copy(), strips[left].values.copy())
            start, stop = grid.index(top), grid.index(min(bottom, area.last_row) + 1)
            if start >= stop or grid.numbers[start] != top or not strip.kinds[start] or not is_data[start]:
                continue
            blank = np.flatnonzero((strip.kinds[start:stop] == BLANK) & is_data[start:stop]) + start
            strip.kinds[blank], strip.values[blank] = strip.kinds[start], strip.values[start]
            changed[left] = strip
            word = shown(grid.at(top, left))
            self.told["merged"] += [[row, left, word] for row in grid.numbers[blank].tolist()]
        if not changed:
            return grid
        return replace(grid, strips=tuple(changed.get(strip.column, strip) for strip in grid.strips))

    def _describe(self, area: Area, rows: Rows, headless: bool) -> None:
        headers: dict[int, str] = {}
        row = area.header_rows[-1] if area.header_rows else 0
        for column, name in area.headers.items():
            letter = column_letter(column)
            if not name:
                name = text("column_by_letter", letter=letter)
                if row:
                    self._doubt(row, column, "doubt_no_header", letter=letter)
            headers[column] = name
        if not area.header_rows and not headless:
            self._doubt(0, 0, "doubt_headless")
        for each in rows.dropped:
            if each.reason == "dropped_title":
                self._doubt(each.row, 0, "doubt_same_header", title=each.word)
        left, right = area.columns
        gap = _gap(area)
        if gap:
            self._doubt(area.top, gap, "doubt_blank_column", letter=column_letter(gap))
        self.told |= {
            "table": str(Range("", area.top, left, area.last_row, right)),
            "name": area.name,
            "header_rows": list(area.header_rows),
            "headers": [[column, name] for column, name in headers.items()],
            "units": [[column, unit] for column, unit in area.units.items()],
            "first_row": area.first_row,
            "last_row": area.last_row,
            "evidence": area.evidence,
            "rows": rows.read,
            "kept": len(rows.kept),
            "hidden": rows.hidden,
            "dropped": [[each.row, each.word, each.reason] for each in rows.dropped],
            "controls": [
                [
                    each.row,
                    each.column,
                    each.found,
                    each.expected,
                    each.first_row,
                    each.last_row,
                    each.agrees,
                    each.average,
                ]
                for each in rows.controls
            ],
            "unvalued": [
                [line, column]
                for line, column in self.grid.unvalued
                if column in headers and area.first_row <= line <= area.last_row
            ],
        }

    def _columns(self, area: Area, kept: npt.NDArray[np.int64]) -> dict[int, Strip]:
        """The kept cells of each column; error cells and trimmed texts are told."""
        columns = {}
        errors: list[Any] = []
        trimmed: list[Any] = []
        counts: dict[str, list[Any]] = {"errors": [], "trimmed": []}
        for strip in self.grid.strips:
            if strip.column not in area.headers:
                continue
            part = Strip(strip.column, strip.kinds[kept], strip.values[kept])
            columns[strip.column] = part
            wrong = np.flatnonzero(part.kinds == ERROR)
            cut = np.flatnonzero(part.kinds == TEXT)
            cut = cut[self.trimmed[part.values[cut].astype(np.int64)]]
            for key, listed, at in (("errors", errors, wrong), ("trimmed", trimmed, cut)):
                if len(at):
                    counts[key].append([part.column, len(at)])
                    words = self.raw.take(part.values[at[:DETAILS]].astype(np.int64)).to_pylist()
                    rows = self.grid.numbers[kept[at[:DETAILS]]].tolist()
                    listed += [[row, part.column, word] for row, word in zip(rows, words, strict=True)]
        self.told |= {"errors": errors, "trimmed": trimmed, "counts": counts}
        return columns


def _tidied(grid: Grid) -> tuple[Grid, npt.NDArray[np.bool_]]:
    """A grid without blanks around its texts, blank texts gone; and which texts were trimmed."""
    texts = pc.utf8_trim(grid.texts, " \t\r\n\f\v\u00a0\u3000\u200b\ufeff\u2002\u2003\u2009")
    same = pc.equal(texts, grid.texts)
    trimmed = ~np.asarray(same.to_numpy(zero_copy_only=False), bool)
    if not trimmed.any() and "" not in (texts.slice(0, 1).to_pylist() if len(texts) else []):
        return grid, trimmed
    blank = np.asarray(pc.equal(texts, "").to_numpy(zero_copy_only=False), bool)
    if not blank.any():
        return replace(grid, texts=texts), trimmed
    strips = []
    for strip in grid.strips:
        at = np.flatnonzero(strip.kinds == TEXT)
        gone = at[blank[strip.values[at].astype(np.int64)]]
        kinds = strip.kinds
        if len(gone):
            kinds = kinds.copy()
            kinds[gone] = BLANK
        strips.append(Strip(strip.column, kinds, strip.values))
    return replace(grid, texts=texts, strips=tuple(strips)).cut(1, 1, MAX_ROW, MAX_COLUMN), trimmed


def _banner(grid: Grid, area: Area) -> list[Any] | None:
    """The unit that a title above the table names: row, unit, column; None where none does."""
    for index in range(grid.index(area.top)):
        for column, cell in grid.line(index).items():
            found = _BANNER_UNIT.search(cell) if isinstance(cell, str) else None
            if found:
                return [int(grid.numbers[index]), found[1].strip(), column]
    return None


def _gap(area: Area) -> int:
    """The first blank column inside a table that parts two or more columns from two or more; 0 where none does."""
    columns = sorted(area.headers)
    for index in range(2, len(columns) - 1):
        if columns[index] > columns[index - 1] + 1 and not area.name:
            return columns[index - 1] + 1
    return 0


def _is_prose(grid: Grid, area: Area) -> bool:
    """Whether the only column holds sentences, as a citation or a list of definitions does."""
    if len(area.headers) > 1 or area.name:
        return False
    part = grid.cut(area.top, area.columns[0], area.last_row, area.columns[1])
    if not part.strips or (part.strips[0].kinds != TEXT).any():
        return not part.strips
    lengths = pc.utf8_length(part.texts.take(part.strips[0].values.astype(np.int64)))
    return len(part) < 3 or float(pc.mean(lengths).as_py()) > PROSE


def _cells(grid: Grid, strip: Strip) -> Cells:
    """The kept cells of a column, its texts alone."""
    worded = (strip.kinds == TEXT) | (strip.kinds == ERROR)
    if not worded.any():
        return Cells(strip.kinds, strip.values, np.zeros(0, np.int32), pa.array([], pa.string()))
    ids = np.where(worded, strip.values, 0).astype(np.int64)
    used = np.zeros(len(grid.texts), bool)
    used[ids[worded]] = True
    codes = np.where(worded, (np.cumsum(used) - 1)[ids], -1).astype(np.int32)
    return Cells(strip.kinds, strip.values, codes, grid.texts.take(pa.array(np.flatnonzero(used))))
