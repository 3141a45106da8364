"""A whole sheet of an .xlsx or .xlsm file as a grid: the scanner of `scan`, over arrays instead of single cells.

The inflated bytes are one array of numbers. The places of `<` and `>` cut it into tags, two bytes after `<` say what a
tag is, and running counts say to which cell and row it belongs; attributes have few distinct shapes, so each is read
once. What the arrays cannot tell (cells without an address, rich text, single quotes) is read by `scan.rows`' patterns,
piece by piece, into the same grid.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from xltrain.errors import WorkbookError
from xltrain.excel.grid import (
    BLANK,
    BOOLEAN,
    DATE,
    ERROR,
    NUMBER,
    TEXT,
    TIME,
    Grid,
    GridBuilder,
    NamedTable,
    Sum,
)
from xltrain.excel.scan import Package, is_date_format, plain_text, rows_in, whole_rows
from xltrain.excel.tags import (
    Bytes,
    Positions,
    Tags,
    UnusualError,
    digits_at,
    doubles,
    letters_at,
    low_bytes,
    slices,
)
from xltrain.language import text
from xltrain.place import Place, Problem, column_letter, parse_range

PIECE = 1 << 20  # bytes inflated at a time; their arrays stay in the processor's cache
PAD = 32  # bytes before a piece, so that a tag's end can be read in words of eight
MOST_CELLS = 60_000_000  # of the rectangle that the stored rows and columns span ...
MOST_SPARSE = 30  # ... unless it is that much larger than its cells
EXACT = float(1 << 53)  # from here on a double may not hold every whole number

STORED = {"": 0, "n": 0, "s": 1, "str": 2, "inlineStr": 3, "b": 4, "e": 5, "d": 6}
_N, _S, _STR, _INLINE, _B, _E, _D = range(7)
_ROW_START = np.frombuffer(b'<row r="', "<u8")[0]
_CELL_START = np.frombuffer(b'<c r="\0\0', "<u8")[0]
_SIX_BYTES = np.uint64((1 << 48) - 1)


_FORMULA = re.compile(rb"<f\b([^>]*?)(?:/>|>([^<]*)</f>)")
_ADDS_UP = re.compile(
    r"^\+?(SUM|SUBTOTAL|AVERAGE|AGGREGATE)\((?:\s*\d+\s*,)*\s*(\$?[A-Z]{1,3}\$?\d+:\$?[A-Z]{1,3}\$?\d+)\)$"
)
_MERGE = re.compile(rb'<(?:\w+:)?mergeCell\b[^>]*?\bref="([^"]+)"')
_HIDDEN = re.compile(rb"\bhidden\s*=\s*[\"'](?:1|true)[\"']")


@dataclass(frozen=True)
class Common:
    """What all sheets of a book share: its strings, and by cell style the kind of a number and its width in digits."""

    strings: "pa.StringArray"
    kinds: Bytes
    digits: Mapping[int, int]


def read_common(package: Package) -> Common:
    """The shared strings and the styles of a book."""
    kinds = [_style_kind(code) for code in package.formats] or [NUMBER]
    digits = {style: len(code) for style, code in enumerate(package.formats) if re.fullmatch("0{2,15}", code)}
    return Common(_strings(package), np.array(kinds, np.uint8), digits)


def read_grid(package: Package, sheet: str, common: Common) -> Grid:
    """All cells of a sheet.

    Raises:
        KeyError: no such sheet.
        WorkbookError: the sheet is broken, or its cells lie too far apart.
    """
    part = package.sheet(sheet).part
    reader = _Reader(package.date1904, common)
    after: list[bytes] = []
    for piece in whole_rows(package, part, PIECE, after):
        reader.read(piece)
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
class _Reader:
    """Reads the pieces of one sheet, in order."""

    date1904: bool
    common: Common
    builder: GridBuilder = field(default_factory=GridBuilder)
    hidden: set[int] = field(default_factory=set)
    unvalued: list[tuple[int, int]] = field(default_factory=list)
    sums: list[Sum] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._own: list[Any] = []  # texts that stand in the sheet itself, one array per piece
        self._own_count = len(self.common.strings)
        self._shapes: dict[int, tuple[int, int]] = {}  # hash of a tag's attributes -> style, stored kind
        self._last_row = 0

    def read(self, piece: bytes) -> None:
        if len(piece) < len(b"<row/>"):
            return
        try:
            self._read_arrays(piece)
        except (UnusualError, IndexError, pa.ArrowInvalid):
            self._read_cells(piece)

    def texts(self) -> "pa.StringArray":
        whole = pa.chunked_array([self.common.strings, *self._own], pa.string()).combine_chunks()
        return pa.concat_arrays(whole.chunks) if isinstance(whole, pa.ChunkedArray) else whole

    # --- a piece by arrays ---

    def _read_arrays(self, piece: bytes) -> None:
        raw = b" " * PAD + piece + b" " * 8
        data = np.frombuffer(raw, np.uint8)
        tags = Tags(raw, data)
        if not len(tags.cells):
            self._hide(tags)
            return
        rows, columns, styles, stored = self._cells(tags)
        formulas = np.zeros(len(rows), bool)
        formulas[tags.cell_of[tags.formulas]] = True
        kinds = np.zeros(len(rows), np.uint8)
        values = np.zeros(len(rows), np.float64)
        mark = len(self._own), self._own_count
        try:
            self._values(tags, stored, kinds, values)
            self._inline(tags, stored, kinds, values)
        except BaseException:
            del self._own[mark[0] :]
            self._own_count = mark[1]
            raise
        self._hide(tags)
        lacking = formulas & (kinds == BLANK) & (stored != _STR)
        if lacking.any():
            self.unvalued += zip(rows[lacking].tolist(), columns[lacking].tolist(), strict=True)
        if formulas.any() and (b"SUM(" in raw or b"TOTAL(" in raw or b"AVERAGE(" in raw or b"AGGREGATE(" in raw):
            self._find_sums(raw, tags, rows, columns)
        self._keep(rows, columns, styles, kinds, values)
        self._last_row = int(rows[-1])

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

    def _values(self, tags: "Tags", stored: Bytes, kinds: Bytes, values: npt.NDArray[np.float64]) -> None:
        """What stands in `<v>`: numbers, positions of shared strings, and texts of formulas."""
        at = tags.values
        if not len(at):
            return
        start = tags.ends(at) + 1
        filled = tags.data[start - 2] != ord("/")
        at, start = at[filled], start[filled]
        end = tags.starts[np.minimum(at + 1, len(tags.starts) - 1)]
        cell = tags.cell_of[at]
        kind = stored[cell]
        full = end > start
        number = full & ((kind == _N) | (kind == _S) | (kind == _B))
        found = doubles(tags.raw, start[number], end[number])
        large = np.abs(found) >= EXACT
        values[cell[number]] = found
        kinds[cell[number]] = np.array([NUMBER, TEXT, 0, 0, BOOLEAN, 0, 0], np.uint8)[kind[number]]
        if large.any():
            self._long(tags.raw, start[number][large], end[number][large], cell[number][large], kinds, values)
        words = full & ((kind == _STR) | (kind == _E) | (kind == _INLINE) | (kind == _D))
        if words.any():
            codes = self._add_texts(slices(tags.raw, start[words], end[words]))
            values[cell[words]] = codes
            kinds[cell[words]] = np.where(kind[words] == _E, ERROR, TEXT)

    def _long(self, raw: bytes, start: Positions, end: Positions, cell: Positions, kinds: Bytes, values: Any) -> None:
        """Whole numbers too long for a double keep their digits as texts."""
        shown = slices(raw, start, end)
        exact = pc.match_substring_regex(shown, r"^-?\d+$").to_numpy(zero_copy_only=False)
        exact &= kinds[cell] == NUMBER
        if exact.any():
            values[cell[exact]] = self._add_texts(shown.filter(pa.array(exact)))
            kinds[cell[exact]] = TEXT

    def _inline(self, tags: "Tags", stored: Bytes, kinds: Bytes, values: npt.NDArray[np.float64]) -> None:
        """What stands in `<is><t>`."""
        at = tags.texts
        if not len(at):
            return
        start = tags.ends(at) + 1
        filled = tags.data[start - 2] != ord("/")
        at, start = at[filled], start[filled]
        cell = tags.cell_of[at]
        inline = stored[cell] == _INLINE
        at, start, cell = at[inline], start[inline], cell[inline]
        if (cell[1:] == cell[:-1]).any() or (len(at) and tags.rich):  # rich text: several pieces a cell
            raise UnusualError
        end = tags.starts[at + 1]
        full = end > start
        values[cell[full]] = self._add_texts(slices(tags.raw, start[full], end[full]))
        kinds[cell[full]] = TEXT

    def _add_texts(self, found: Any) -> npt.NDArray[np.float64]:
        """Keep texts as they stand in the XML; gives the position of each."""
        distinct = found.dictionary_encode()
        words = distinct.dictionary
        if pc.any(pc.match_substring_regex(words, "&|_x[0-9A-Fa-f]{4}_|\r")).as_py():
            words = pa.array([plain_text(word) for word in words.to_pylist()], pa.string())
        base = self._own_count
        self._own.append(words)
        self._own_count += len(words)
        positions: npt.NDArray[np.float64] = distinct.indices.to_numpy().astype(np.float64) + base
        return positions

    def _keep(self, rows: Positions, columns: Positions, styles: Positions, kinds: Bytes, values: Any) -> None:
        """Dates by their styles, then everything into the grid."""
        number = kinds == NUMBER
        if self.common.kinds.max() > NUMBER and number.any():
            shown = self.common.kinds[np.minimum(styles, len(self.common.kinds) - 1)]
            date, time = number & (shown == DATE), number & (shown == TIME)
            if date.any():
                time |= date & (values >= 0) & (values < 1)  # a time of day, whatever its format says
                date &= ~time
                values[date] = _days(values[date], self.date1904)
                kinds[date] = DATE
            kinds[time] = TIME
        if self.common.digits and number.any():
            self._pad(styles, kinds, values)
        filled = kinds != BLANK
        if not filled.all():
            rows, columns, kinds, values = rows[filled], columns[filled], kinds[filled], values[filled]
        self.builder.add(rows, columns, kinds, values)

    def _pad(self, styles: Positions, kinds: Bytes, values: Any) -> None:
        """Numbers that are shown with leading zeros are codes: their texts as shown."""
        for style, width in self.common.digits.items():
            hit = np.flatnonzero((styles == style) & (kinds == NUMBER))
            hit = hit[(values[hit] >= 0) & (values[hit] == np.floor(values[hit])) & (values[hit] < 1e15)]
            if len(hit):
                shown = pc.utf8_lpad(pc.cast(pa.array(values[hit].astype(np.int64)), pa.string()), width, "0")
                values[hit] = self._add_texts(shown)
                kinds[hit] = TEXT

    def _hide(self, tags: "Tags") -> None:
        """The rows of a piece that carry hidden="1"."""
        if b"hidden" not in tags.raw:
            return
        for found in _HIDDEN.finditer(tags.raw):
            tag = int(np.searchsorted(tags.starts, found.start())) - 1
            row = int(np.searchsorted(tags.rows, tags.starts[tag]))
            if row < len(tags.rows) and tags.rows[row] == tags.starts[tag]:
                number, digits = digits_at(tags.data, tags.rows[row : row + 1] + 8)
                if digits[0]:
                    self.hidden.add(int(number[0]))

    def _find_sums(self, raw: bytes, tags: "Tags", rows: Positions, columns: Positions) -> None:
        """Formulas that add up cells of their own column; a shared one counts for its whole range."""
        for found in _FORMULA.finditer(raw):
            if found[2]:
                cell = int(np.searchsorted(tags.cells, found.start())) - 1
                self._add_sum(int(rows[cell]), int(columns[cell]), found[1], found[2])

    def _add_sum(self, row: int, column: int, attributes: bytes, formula: bytes) -> None:
        match = _ADDS_UP.match(formula.decode("utf-8", "replace").replace(" ", "").upper())
        cells = parse_range(match[2].replace("$", "")) if match else None
        if not match or cells is None or cells.first_column != cells.last_column or cells.first_column != column:
            return
        if cells.first_row <= row <= cells.last_row or cells.first_row == cells.last_row:
            return
        shared = re.search(rb'\bref="([^"]+)"', attributes)
        spread = parse_range(shared[1].decode("ascii", "replace")) if shared else None
        last = spread.last_column if spread and spread.first_row == row == spread.last_row else column
        for each in range(column, min(last, column + 500) + 1):
            average = match[1] == "AVERAGE" or formula.upper().startswith((b"SUBTOTAL(1,", b"SUBTOTAL(101,"))
            self.sums.append(Sum(row, each, cells.first_row, cells.last_row, average))

    # --- a piece by patterns ---

    def _read_cells(self, piece: bytes) -> None:
        rows, columns, kinds, values, styles = [], [], [], [], []
        words: list[str] = []
        for row in rows_in(piece, self._last_row):
            self._last_row = row.number
            if row.attributes.get("hidden") in ("1", "true"):
                self.hidden.add(row.number)
            for cell in row.cells:
                if cell.formula and not cell.value and cell.kind not in ("str", "inlineStr"):
                    self.unvalued.append((row.number, cell.column))
                if cell.formula:
                    self._add_sum(row.number, cell.column, b"", cell.formula.encode("utf-8"))
                if not cell.value:
                    continue
                kind, value = self._one(cell.kind, cell.value, words)
                rows.append(row.number)
                columns.append(cell.column)
                styles.append(cell.style)
                kinds.append(kind)
                values.append(value)
        if not rows:
            return
        found = np.array(values, np.float64)
        all_kinds = np.array(kinds, np.uint8)
        if words:
            base = self._own_count
            self._own.append(pa.array(words, pa.string()))
            self._own_count += len(words)
            own = found < 0
            own &= (all_kinds == TEXT) | (all_kinds == ERROR)
            found[own] = base - 1 - found[own]
        self._keep(np.array(rows), np.array(columns), np.array(styles), all_kinds, found)

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


def _shape(attributes: bytes) -> tuple[int, int]:
    """Style and stored kind in the rest of a cell's tag."""
    if b"'" in attributes:
        raise UnusualError
    style = re.search(rb'\bs="(\d+)"', attributes)
    kind = re.search(rb'\bt="(\w+)"', attributes)
    return int(style[1]) if style else 0, STORED.get(kind[1].decode("ascii") if kind else "", _STR)


_QUIET = re.compile(r'"[^"]*"|\\.|\[(?!h+\]|m+\]|s+\])[^\]]*\]|AM/PM|A/P|上午/下午', re.I)


def _style_kind(code: str) -> int:
    """Whether a number of this format is a date, a time (hours, minutes, seconds alone), or a number."""
    if not is_date_format(code):
        return NUMBER
    plain = _QUIET.sub("", code.partition(";")[0])
    time = re.search(r"[hHsS时秒]|\[m+\]", plain) and not re.search("[ydYD年月日]", plain)
    return TIME if time else DATE


def _strings(package: Package) -> "pa.StringArray":
    """The shared strings; by arrays where each is a single text."""
    part = package.related("sharedStrings") or "xl/sharedStrings.xml"
    if part not in package:
        return pa.array([], pa.string())
    raw = package.read(part)
    if len(raw) < 1 << 31 and b"<!" not in raw and b"<rPh" not in raw and b"xmlns:" not in raw[:200]:
        data = np.frombuffer(raw, np.uint8)
        starts = np.flatnonzero(data == ord("<"))
        second, third = data[np.minimum(starts + 1, len(data) - 1)], data[np.minimum(starts + 2, len(data) - 1)]
        items = int(((second == ord("s")) & (third == ord("i"))).sum())
        text_tags = np.flatnonzero((second == ord("t")) & ((third == ord(">")) | (third == ord(" "))))
        if items == len(text_tags) and items and b"<t/>" not in raw:
            return _simple_strings(raw, data, starts, text_tags)
    return pa.array(package.strings, pa.string())


def _simple_strings(raw: bytes, data: Bytes, starts: Positions, text_tags: Positions) -> "pa.StringArray":
    closing = np.flatnonzero(data == ord(">"))
    opened = closing[np.searchsorted(closing, starts[text_tags])] + 1
    ended = np.where(data[opened - 2] == ord("/"), opened, starts[np.minimum(text_tags + 1, len(starts) - 1)])
    found = slices(raw, opened, ended)
    odd = pc.match_substring_regex(found, "&|_x[0-9A-Fa-f]{4}_|\r")
    if pc.any(odd).as_py():
        plain = pa.array([plain_text(word) for word in found.filter(odd).to_pylist()], pa.string())
        found = pc.replace_with_mask(found, odd, plain)
    return found


def _days(serials: npt.NDArray[np.float64], date1904: bool) -> npt.NDArray[np.float64]:
    """Date serials as days since 1899-12-30; those up to 60 count a 29 February 1900 that never was."""
    if date1904:
        return serials + 1462.0
    return np.where((serials >= 0) & (serials < 60), serials + 1.0, serials)
