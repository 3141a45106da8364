"""A whole sheet of an .xlsx or .xlsm file as a grid: the scanner of `scan`, over arrays instead of single cells.

The inflated bytes are an array of numbers. The places of `<` cut it into tags, two bytes after `<` say what a tag is,
and running counts say to which cell and row it belongs; attributes have few distinct shapes, so each is read once. What
the arrays cannot tell (cells without an address, rich text, single quotes) is read by `scan.rows`' patterns, piece by
piece, into the same grid. Pieces are read in threads, which pays since arrays let others run, and are added in order.
"""

import re
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from xltrain import worker
from xltrain.errors import WorkbookError
from xltrain.excel.common import Common, days
from xltrain.excel.grid import BLANK, BOOLEAN, DATE, ERROR, NUMBER, TEXT, TIME, Grid, GridBuilder, NamedTable, Sum
from xltrain.excel.scan import Package, plain_text, rows_in, whole_rows
from xltrain.excel.sums import sums_in
from xltrain.excel.tags import (
    Bytes,
    Positions,
    Tags,
    UnusualError,
    digits_at,
    doubles,
    hidden_rows,
    letters_at,
    low_bytes,
    slices,
)
from xltrain.language import text
from xltrain.place import Place, Problem, column_letter, parse_range

THREADS = 4  # at most, that read the pieces of one sheet
PIECE = 1 << 20  # bytes inflated at a time; their arrays stay in the processor's cache
PAD = 32  # bytes before a piece, so that a tag's end can be read in words of eight
MOST_CELLS = 60_000_000  # of the rectangle that the stored rows and columns span ...
MOST_SPARSE = 30  # ... unless it is that much larger than its cells
EXACT = float(1 << 53)  # from here on a double may not hold every whole number

STORED = {"": 0, "n": 0, "s": 1, "str": 2, "inlineStr": 3, "b": 4, "e": 5, "d": 6}
_N, _S, _STR, _INLINE, _B, _E, _D = range(7)
_NUMBERED = np.isin(np.arange(7), (_N, _S, _B))
_KIND_OF = np.array([NUMBER, TEXT, 0, 0, BOOLEAN, 0, 0], np.uint8)
_ROW_START = np.frombuffer(b'<row r="', "<u8")[0]
_CELL_START = np.frombuffer(b'<c r="\0\0', "<u8")[0]
_SIX_BYTES = np.uint64((1 << 48) - 1)


_FORMULA = re.compile(rb"<f\b([^>]*?)(?:/>|>([^<]*)</f>)")
_MERGE = re.compile(rb'<(?:\w+:)?mergeCell\b[^>]*?\bref="([^"]+)"')


def read_grid(package: Package, sheet: str, common: Common) -> Grid:
    """All cells of a sheet.

    Raises:
        KeyError: no such sheet.
        WorkbookError: the sheet is broken, or its cells lie too far apart.
    """
    part = package.sheet(sheet).part
    reader = _Reader(package.date1904, common)
    after: list[bytes] = []
    threads = min(THREADS, worker.cores())
    with ThreadPoolExecutor(threads) as pool:  # while this thread inflates, others read what is inflated
        waiting: deque[tuple[bytes, Future[_Piece | None]]] = deque()
        for piece in whole_rows(package, part, PIECE, after):
            waiting.append((piece, pool.submit(reader.read, piece)))
            if len(waiting) > 2 * threads:
                first, read = waiting.popleft()
                reader.add(first, read.result())
        for first, read in waiting:
            reader.add(first, read.result())
    builder = reader.builder
    if builder.count * len(builder.columns) > max(MOST_CELLS, MOST_SPARSE * builder.cells):
        corner = f"{column_letter(max(builder.columns))}{int(builder.rows[-1][-1])}"
        problem = text("sheet_too_wide", rows=builder.count, columns=len(builder.columns))
        raise WorkbookError(
            Problem(Place(str(package.path), sheet), problem, text("sheet_too_wide_hint", corner=corner))
        )
    merges = []
    for found in _MERGE.finditer(b"".join(after)):
        cells = parse_range(found[1].decode("ascii", "replace"))
        if cells:
            merges.append((cells.first_row, cells.first_column, cells.last_row, cells.last_column))
    return builder.finish(
        reader.texts(),
        hidden=frozenset(reader.hidden),
        unvalued=tuple(reader.unvalued),
        sums=tuple(reader.sums),
        merges=tuple(merges),
        tables=tuple(NamedTable(*each) for each in package.tables(part)),
    )


@dataclass
class _Piece:
    """The cells of one piece. Texts that stand in the sheet itself count down from -1, into `own`."""

    rows: Positions
    columns: Positions
    kinds: Bytes
    values: npt.NDArray[np.float64]
    own: list[Any] = field(default_factory=list)  # arrays of texts
    hidden: list[int] = field(default_factory=list)
    unvalued: list[tuple[int, int]] = field(default_factory=list)
    sums: list[Sum] = field(default_factory=list)
    last_row: int = 0


@dataclass
class _Reader:
    """Reads the pieces of one sheet: each by itself, in any thread, and added in order."""

    date1904: bool
    common: Common
    builder: GridBuilder = field(default_factory=GridBuilder)
    hidden: set[int] = field(default_factory=set)
    unvalued: list[tuple[int, int]] = field(default_factory=list)
    sums: list[Sum] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._own: list[Any] = []  # texts that stand in the sheet itself, arrays of each piece
        self._own_count = len(self.common.strings)
        self._shapes: dict[int, tuple[int, int]] = {}  # hash of a tag's attributes -> style, stored kind
        self._last_row = 0

    def read(self, piece: bytes) -> _Piece | None:
        """The cells of a piece by arrays; None where they cannot tell."""
        if len(piece) < len(b"<row/>"):
            return _nothing()
        try:
            return self._read_arrays(piece)
        except (UnusualError, IndexError, pa.ArrowInvalid):
            return None

    def add(self, piece: bytes, read: _Piece | None) -> None:
        """Add the next piece."""
        found = read or self._read_cells(piece)
        base = self._own_count
        if found.own:
            at = np.flatnonzero(((found.kinds == TEXT) | (found.kinds == ERROR)) & (found.values < 0))
            found.values[at] = base - 1 - found.values[at]
            self._own += found.own
            self._own_count += sum(map(len, found.own))
        self.hidden.update(found.hidden)
        self.unvalued += found.unvalued
        self.sums += found.sums
        self._last_row = found.last_row or self._last_row
        self.builder.add(found.rows, found.columns, found.kinds, found.values)

    def texts(self) -> "pa.StringArray":
        whole = pa.chunked_array([self.common.strings, *self._own], pa.string()).combine_chunks()
        return pa.concat_arrays(whole.chunks) if isinstance(whole, pa.ChunkedArray) else whole

    # --- a piece by arrays ---

    def _read_arrays(self, piece: bytes) -> _Piece:
        raw = b" " * PAD + piece + b" " * 8
        data = np.frombuffer(raw, np.uint8)
        tags = Tags(raw, data)
        if not len(tags.cells):
            return replace(_nothing(), hidden=hidden_rows(tags))
        rows, columns, styles, stored = self._cells(tags)
        formulas = np.zeros(len(rows), bool)
        formulas[tags.cell_of[tags.formulas]] = True
        kinds, values = np.zeros(len(rows), np.uint8), np.zeros(len(rows), np.float64)
        found = _Piece(rows, columns, kinds, values, hidden=hidden_rows(tags), last_row=int(rows[-1]))
        self._values(tags, stored, found)
        self._inline(tags, stored, found)
        lacking = formulas & (kinds == BLANK) & (stored != _STR)
        if lacking.any():
            found.unvalued += zip(rows[lacking].tolist(), columns[lacking].tolist(), strict=True)
        if formulas.any() and (b"SUM(" in raw or b"TOTAL(" in raw or b"AVERAGE(" in raw or b"AGGREGATE(" in raw):
            _find_sums(raw, tags, found)
        self._finish(found, styles)
        return found

    def _cells(self, tags: "Tags") -> tuple[Positions, Positions, Positions, Bytes]:
        """Row, column, style and stored kind of every cell."""
        data, at = tags.data, tags.cells
        row_numbers, row_digits = digits_at(data, tags.rows + 8)
        starts_well = (tags.words[tags.rows] == _ROW_START).all()
        if not starts_well or (row_digits == 0).any() or ((tags.words[at] & _SIX_BYTES) != _CELL_START).any():
            raise UnusualError
        letters, columns = letters_at(data, at + 6)
        owner = tags.row_of_cell
        if len(owner) and owner[0] < 0:
            raise UnusualError
        tail = at + 6 + letters + row_digits[owner]
        if (data[tail] != ord('"')).any():  # a cell's address names another row, or has small letters
            raise UnusualError
        styles, stored = self._attributes(tags, tail + 1, tags.ends(tags.cell_tags))
        return row_numbers[owner], columns, styles, stored

    def _attributes(self, tags: "Tags", start: Positions, end: Positions) -> tuple[Positions, Bytes]:
        """Style and stored kind from what stands between a cell's address and the end of its tag."""
        length = end - start
        if len(length) and int(length.max()) > 24:
            raise UnusualError
        words = tags.words
        mixed = low_bytes(words[end - 8], length)
        if int(length.max()) > 8:
            mixed = mixed * np.uint64(0x9E3779B97F4A7C15) + low_bytes(words[end - 16], length - 8)
            mixed = mixed * np.uint64(0xC2B2AE3D27D4EB4F) + low_bytes(words[end - 24], length - 16)
        else:
            mixed = mixed * np.uint64(0x9E3779B97F4A7C15) * np.uint64(0xC2B2AE3D27D4EB4F)
        distinct = pa.array(mixed).dictionary_encode()
        codes = distinct.indices.to_numpy()
        shapes = distinct.dictionary.to_numpy()
        first = np.full(len(shapes), -1, np.int64)
        first[codes[::-1]] = np.arange(len(codes) - 1, -1, -1)
        styles = np.zeros(len(shapes), np.int64)
        stored = np.zeros(len(shapes), np.uint8)
        for index, shape in enumerate(shapes.tolist()):
            known = self._shapes.get(shape)
            if known is None:
                known = _shape(tags.raw[int(start[first[index]]) : int(end[first[index]])])
                self._shapes[shape] = known
            styles[index], stored[index] = known
        return styles[codes], stored[codes]

    def _values(self, tags: "Tags", stored: Bytes, found: _Piece) -> None:
        """What stands in `<v>`: numbers, positions of shared strings, and texts of formulas."""
        at = tags.values
        if not len(at):
            return
        start = tags.plain_ends(at) + 1
        filled = tags.data[start - 2] != ord("/")
        if not filled.all():
            at, start = at[filled], start[filled]
        end = tags.starts[np.minimum(at + 1, len(tags.starts) - 1)]
        cell = tags.cell_of[at]
        kind = stored[cell]
        full = end > start
        number = full & _NUMBERED[kind]
        numbered = cell[number]
        values = doubles(tags.raw, start[number], end[number])
        found.values[numbered] = values
        found.kinds[numbered] = _KIND_OF[kind[number]]
        large = np.abs(values) >= EXACT
        if large.any():
            _long(tags.raw, start[number][large], end[number][large], numbered[large], found)
        words = full & ~number
        if words.any():
            found.values[cell[words]] = _add_texts(found, slices(tags.raw, start[words], end[words]))
            found.kinds[cell[words]] = np.where(kind[words] == _E, ERROR, TEXT)

    def _inline(self, tags: "Tags", stored: Bytes, found: _Piece) -> None:
        """What stands in `<is><t>`."""
        at = tags.texts
        if not len(at):
            return
        start = tags.plain_ends(at) + 1
        filled = tags.data[start - 2] != ord("/")
        at, start = at[filled], start[filled]
        cell = tags.cell_of[at]
        inline = stored[cell] == _INLINE
        at, start, cell = at[inline], start[inline], cell[inline]
        if (cell[1:] == cell[:-1]).any() or (len(at) and tags.rich):  # rich text: several pieces a cell
            raise UnusualError
        end = tags.starts[at + 1]
        full = end > start
        found.values[cell[full]] = _add_texts(found, slices(tags.raw, start[full], end[full]))
        found.kinds[cell[full]] = TEXT

    def _finish(self, found: _Piece, styles: Positions) -> None:
        """Dates by their styles, and blanks left out."""
        kinds, values = found.kinds, found.values
        number = kinds == NUMBER
        if self.common.kinds.max() > NUMBER and number.any():
            shown = self.common.kinds[np.minimum(styles, len(self.common.kinds) - 1)]
            date, time = number & (shown == DATE), number & (shown == TIME)
            if date.any():
                time |= date & (values >= 0) & (values < 1)  # a time of day, whatever its format says
                date &= ~time
                values[date] = days(values[date], self.date1904)
                kinds[date] = DATE
            kinds[time] = TIME
        if self.common.digits and number.any():
            self._pad(styles, found)
        filled = kinds != BLANK
        if not filled.all():
            found.rows, found.columns = found.rows[filled], found.columns[filled]
            found.kinds, found.values = kinds[filled], values[filled]

    def _pad(self, styles: Positions, found: _Piece) -> None:
        """Numbers that are shown with leading zeros are codes: their texts as shown."""
        kinds, values = found.kinds, found.values
        for style, width in self.common.digits.items():
            hit = np.flatnonzero((styles == style) & (kinds == NUMBER))
            hit = hit[(values[hit] >= 0) & (values[hit] == np.floor(values[hit])) & (values[hit] < 1e15)]
            if len(hit):
                shown = pc.utf8_lpad(pc.cast(pa.array(values[hit].astype(np.int64)), pa.string()), width, "0")
                values[hit] = _add_texts(found, shown)
                kinds[hit] = TEXT

    # --- a piece by patterns ---

    def _read_cells(self, piece: bytes) -> _Piece:
        found = _nothing()
        rows, columns, kinds, values, styles = [], [], [], [], []
        words: list[str] = []
        for row in rows_in(piece, self._last_row):
            found.last_row = row.number
            if row.attributes.get("hidden") in ("1", "true"):
                found.hidden.append(row.number)
            for cell in row.cells:
                if cell.formula and not cell.value and cell.kind not in ("str", "inlineStr"):
                    found.unvalued.append((row.number, cell.column))
                if cell.formula:
                    found.sums += sums_in(row.number, cell.column, b"", cell.formula.encode("utf-8"))
                if not cell.value:
                    continue
                kind, value = self._one(cell.kind, cell.value, words)
                rows.append(row.number)
                columns.append(cell.column)
                styles.append(cell.style)
                kinds.append(kind)
                values.append(value)
        if rows:
            found.rows, found.columns = np.array(rows), np.array(columns)
            found.kinds, found.values = np.array(kinds, np.uint8), np.array(values, np.float64)
            found.own = [pa.array(words, pa.string())]
            self._finish(found, np.array(styles))
        return found

    def _one(self, kind: str, value: str, words: list[str]) -> tuple[int, float]:
        """Kind and value of one cell; texts of its own count down from -1."""
        stored = STORED.get(kind, _STR)
        try:
            if stored == _S:
                position = int(value)
                if not 0 <= position < len(self.common.strings):
                    raise ValueError
                return TEXT, float(position)
            if stored == _B:
                return BOOLEAN, float(value in ("1", "true"))
            if stored == _N:
                number = float(value)
                if not (abs(number) >= EXACT and value.lstrip("-").isdigit()):
                    return NUMBER, number
        except ValueError:
            pass
        words.append(value)
        return ERROR if stored == _E else TEXT, float(-len(words))


def _nothing() -> _Piece:
    return _Piece(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.uint8), np.zeros(0))


def _long(raw: bytes, start: Positions, end: Positions, cell: Positions, found: _Piece) -> None:
    """Whole numbers too long for a double keep their digits as texts."""
    shown = slices(raw, start, end)
    exact = pc.match_substring_regex(shown, r"^-?\d+$").to_numpy(zero_copy_only=False)
    exact &= found.kinds[cell] == NUMBER
    if exact.any():
        found.values[cell[exact]] = _add_texts(found, shown.filter(pa.array(exact)))
        found.kinds[cell[exact]] = TEXT


def _add_texts(found: _Piece, texts: Any) -> npt.NDArray[np.float64]:
    """Keep texts as they stand in the XML; gives the position of each, counted down."""
    distinct = texts.dictionary_encode()
    words = distinct.dictionary
    if pc.any(pc.match_substring_regex(words, "&|_x[0-9A-Fa-f]{4}_|\r")).as_py():
        words = pa.array([plain_text(word) for word in words.to_pylist()], pa.string())
    base = -1 - sum(map(len, found.own))
    found.own.append(words)
    positions: npt.NDArray[np.float64] = base - distinct.indices.to_numpy().astype(np.float64)
    return positions


def _find_sums(raw: bytes, tags: "Tags", piece: _Piece) -> None:
    """Formulas that add up the cells above them."""
    for found in _FORMULA.finditer(raw):
        if found[2]:
            cell = int(np.searchsorted(tags.cells, found.start())) - 1
            piece.sums += sums_in(int(piece.rows[cell]), int(piece.columns[cell]), found[1], found[2])


def _shape(attributes: bytes) -> tuple[int, int]:
    """Style and stored kind in the rest of a cell's tag."""
    if b"'" in attributes:
        raise UnusualError
    style = re.search(rb'\bs="(\d+)"', attributes)
    kind = re.search(rb'\bt="(\w+)"', attributes)
    return int(style[1]) if style else 0, STORED.get(kind[1].decode("ascii") if kind else "", _STR)
