"""Rows by the hundred thousand in a new workbook: made as text a column at a time, no Python object for any cell.

XlsxWriter writes the workbook as ever; in the place of such rows it writes one row of empty cells, which shows what
number each style has got. When the workbook is complete, that row of the sheet's XML gives way to the real ones, and
everything else is copied as it stands.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xltrain.excel.archive import copy_archive
from xltrain.excel.cell_xml import as_array, shown_as
from xltrain.excel.scan import Package
from xltrain.place import column_letter

CHUNK = 2_048  # rows made into text at a time: few, so that they stay in the processor's cache
LEVEL = 1  # of compression: a third larger than usual in a tenth of the time
BYTES = 100  # of a cell, about and rather too many
MAX_WHOLE = 2**53  # from here on a cell's number would lose digits, so that it is written as text

_STYLE = re.compile(rb'<c r="([A-Z]+)\d+"(?: s="(\d+)")?')


@dataclass(frozen=True)
class Cells:
    """One column of bulk rows: its values, an Arrow array, and the XlsxWriter format of its cells.

    Where `targets` are given, one for each of the first rows, their cells are links with the format `linked`, and
    `values` what they show.
    """

    values: Any
    style: Any = None
    targets: Sequence[str] = ()
    linked: Any = None


@dataclass(frozen=True)
class Bulk:
    """Rows of a sheet from `row` on, counted from 0, in the columns from the first on.

    `table` names the Excel table that they belong to, which XlsxWriter knows with one row only.
    """

    sheet: str
    row: int
    columns: tuple[Cells, ...]
    table: str = ""

    @property
    def styles(self) -> list[Any]:
        """What stands in the row of empty cells: two for each column, its style and that of its links."""
        return [style for column in self.columns for style in (column.style, column.linked)]

    def __len__(self) -> int:
        return len(self.columns[0].values)


def cells_of(values: Any, style: Any = None) -> Cells:
    """A column from a list, a numpy array or an Arrow column; numbers too long for a cell become texts."""
    array = as_array(values)
    if isinstance(array, list):
        array = pa.array([None if each is None else str(each) for each in array], pa.string())
    if pa.types.is_integer(array.type) and len(array) and (pc.max(pc.abs(array)).as_py() or 0) >= MAX_WHOLE:
        array = pc.cast(array, pa.string())
    return Cells(_dated(array), style)


def time_format(column: Any) -> str:
    """The number format of an Arrow column of dates or times; empty for any other."""
    kind = column.type
    if pa.types.is_duration(kind):
        return "[h]:mm:ss"
    if pa.types.is_time(kind):
        return "hh:mm:ss"
    if not pa.types.is_temporal(kind):
        return ""
    plain = pc.cast(column, pa.timestamp("us"), safe=False)
    timed = pc.any(pc.not_equal(pc.floor_temporal(plain, unit="day"), plain)).as_py()
    return "yyyy-mm-dd hh:mm" if timed else "yyyy-mm-dd"


def fill(path: Path, output: Path, bulks: Sequence[Bulk]) -> None:
    """Copy a finished workbook with its bulk rows in their places; one for each sheet. OSError."""
    with Package(path) as package:
        parts = {sheet.name: sheet.part for sheet in package.sheets}
        changed: dict[str, Any] = {parts[bulk.sheet]: _writer(bulk, package.read(parts[bulk.sheet])) for bulk in bulks}
        for part in package.parts("xl/tables/"):
            raw = package.read(part)
            for bulk in bulks:
                if bulk.table and b'"%s"' % bulk.table.encode() in raw:
                    last = rb'ref="\g<1>%d"' % (bulk.row + max(len(bulk), 1))
                    changed[part] = re.sub(rb'\bref="([A-Z]+\d+:[A-Z]+)\d+"', last, raw)
    sizes = {parts[bulk.sheet]: len(bulk) * len(bulk.columns) * BYTES for bulk in bulks}
    copy_archive(path, output, changed, {}, level=LEVEL, sizes=sizes)


def _writer(bulk: Bulk, raw: bytes) -> "Callable[[IO[bytes]], None]":
    """What writes the sheet with the rows in the place of the row of empty cells."""
    raw = raw.replace(b"<sheetData/>", b"<sheetData></sheetData>", 1)
    found = re.search(rb'<row r="%d"[^>]*?(?:/>|>.*?</row>)' % (bulk.row + 1), raw, re.S)
    start, end = found.span() if found else (raw.index(b"</sheetData>"),) * 2
    seen = dict(_STYLE.findall(found[0])) if found else {}
    styles = [(seen.get(column_letter(index + 1).encode()) or b"").decode() for index in range(len(bulk.styles))]
    last = f"{column_letter(len(bulk.columns))}{bulk.row + max(len(bulk), 1)}".encode()
    head = re.sub(rb'<dimension ref="[^"]*"', lambda _: b'<dimension ref="A1:' + last + b'"', raw[:start], count=1)

    def write(part: IO[bytes]) -> None:
        part.write(head)
        for piece in _rows(bulk, styles):
            part.write(piece)
        part.write(raw[end:])

    return write


def _rows(bulk: Bulk, styles: Sequence[str]) -> "Iterator[memoryview | bytes]":
    """The XML of the rows, some thousand at a time."""
    for start in range(0, len(bulk), CHUNK):
        stop = min(start + CHUNK, len(bulk))
        numbers = pc.cast(pa.array(np.arange(bulk.row + start + 1, bulk.row + stop + 1)), pa.string())
        cells = [
            _cells(column, index, start, stop, numbers, styles[2 * index : 2 * index + 2])
            for index, column in enumerate(bulk.columns)
        ]
        rows = pc.binary_join_element_wise('<row r="', numbers, '">', *cells, "</row>", "")
        ends = np.frombuffer(rows.buffers()[1], np.int32)
        yield memoryview(rows.buffers()[2])[ends[rows.offset] : ends[rows.offset + len(rows)]]


def _cells(column: Cells, index: int, start: int, stop: int, rows: Any, styles: Sequence[str]) -> Any:
    """The cells of one column as texts, empty where there is no value."""
    kind, shown, is_text = shown_as(column.values.slice(start, stop - start))
    begin = f'<c r="{column_letter(index + 1)}'
    rest = '"' + (f' s="{styles[0]}"' if styles[0] else "")
    before, after = (f'{rest} t="{kind}"><v>' if kind else f"{rest}><v>"), "</v></c>"
    if is_text:
        shown = pc.if_else(pc.equal(shown, ""), None, shown)
        before, after = f'{rest} t="inlineStr"><is><t xml:space="preserve">', "</t></is></c>"
    made = pc.fill_null(pc.binary_join_element_wise(begin, rows, before, shown, after, ""), "")
    links = column.targets[start:stop]
    if not len(links):
        return made
    targets = shown_as(_quotable(pa.array(links, pa.string())))[1]
    words = shown_as(_quotable(column.values.slice(start, len(links))))[1]
    before = f'" s="{styles[1]}" t="str"><f>HYPERLINK("' if styles[1] else '" t="str"><f>HYPERLINK("'
    linked = pc.binary_join_element_wise(
        begin,
        rows.slice(0, len(links)),
        before,
        targets,
        '","',
        words,
        '")</f><v>',
        shown[: len(links)],
        "</v></c>",
        "",
    )
    linked = pc.if_else(pc.equal(targets, ""), made.slice(0, len(links)), linked)
    return pa.concat_arrays([linked, made.slice(len(links))])


def _quotable(texts: Any) -> Any:
    """Texts as they stand between the quotation marks of a formula."""
    return pc.replace_substring(texts, '"', '""')


def _dated(array: Any) -> Any:
    """Dates as they are; a column with one before 1900, which Excel does not have, as texts."""
    if not (pa.types.is_timestamp(array.type) or pa.types.is_date(array.type)) or not len(array):
        return array
    plain = pc.cast(array, pa.timestamp("us"), safe=False)
    first = pc.min(plain).as_py()
    if first is None or first.year >= 1900:
        return plain
    return pc.strftime(plain, format="%Y-%m-%d" if pa.types.is_date(array.type) else "%Y-%m-%d %H:%M:%S")
