"""Where the table stands on a sheet: its header row, and what its columns are called.

Judged from the first rows: titles and banners above a table fill few cells, a header fills as many as the rows below it
and holds words.
"""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from xltrain.excel.read import Preview, iso, shortest

LOOKED_AT = 60  # rows in which a header is looked for
WIDE = 0.6  # of the usual number of filled cells: a row that may be the header
WORDY = 0.5  # of a header's cells hold text


@dataclass(frozen=True)
class Found:
    """A table: the row of its header (0: it has none) and what stands there, column -> header.

    `reason` is the key of a message where the sheet holds no table.
    """

    header_row: int
    headers: dict[int, str]
    first_row: int
    reason: str = ""


def find_table(preview: Preview, header: int = 0) -> Found:
    """The table of a sheet; a `header` row above 0 is taken as given."""
    lines = preview.rows[:LOOKED_AT]
    filled = [sum(not _blank(cell) for cell in line) for line in lines]
    if not any(filled) and not header:
        return Found(0, {}, 1, "sheet_empty")
    row = header or _header_row(lines, filled)
    if not row:
        first = next(index for index, count in enumerate(filled) if count >= WIDE * _usual(filled)) + 1
        return Found(0, {}, first)
    line = preview.rows[row - 1] if row <= len(preview.rows) else []
    headers = {column: name for column, cell in enumerate(line, 1) if (name := _shown(cell))}
    if preview.last_row <= row:
        return Found(row, headers, row + 1, "sheet_no_rows")
    return Found(row, headers, row + 1)


def _header_row(lines: Sequence[Sequence[Any]], filled: Sequence[int]) -> int:
    """The header: the first row that is as wide as the table and holds words; 0 where the first such row holds values.

    Notes above a table may fill several cells too: of the rows of words alone before the first row of values, all
    words different, the widest is the header, the first of equals.
    """
    wide = WIDE * _usual(filled)
    first, found, widest = 0, 0, 0
    for index, (line, count) in enumerate(zip(lines, filled, strict=True)):
        if count < wide or not count:
            continue
        cells = [cell for cell in line if not _blank(cell)]
        words = sum(isinstance(cell, str) for cell in cells)
        years = sum(isinstance(cell, int) and not isinstance(cell, bool) and 1900 <= cell <= 2100 for cell in cells)
        wordy = words >= WORDY * count or bool(words and words + years == count)
        if not found:
            if not wordy:
                return 0
            first, found, widest = index + 1, index + 1, count
        elif not wordy:
            return found
        elif words == count == len(set(cells)) and count > widest:
            found, widest = index + 1, count
    return first


def _usual(filled: Sequence[int]) -> int:
    """How many cells the rows of the table fill: most rows of the sheet are its rows."""
    counts = sorted(count for count in filled if count)
    return counts[int(0.6 * len(counts))] if counts else 0


def _blank(cell: Any) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _shown(cell: Any) -> str:
    """A header as text in one line."""
    if _blank(cell):
        return ""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, (int, float)):
        return shortest(float(cell))
    if isinstance(cell, (datetime.date, datetime.time)):
        return iso(cell)
    return " ".join(str(cell).split())
