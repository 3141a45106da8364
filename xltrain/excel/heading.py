"""The header of a block of cells: which rows it takes, and what they say of each column.

A title fills few cells, a header about as many as the rows below it; it holds words, and values stand below it. Merged
cells tell how deep it is.
"""

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from xltrain.excel.grid import BLANK, TEXT, Grid, Strip
from xltrain.excel.read import iso, shortest
from xltrain.language import text

LOOKED_AT = 60  # filled rows in which a header is looked for


WIDE = 0.6  # of the usual number of filled cells: a row that may be the header


WORDY = 0.5  # of a header's cells hold words


BANNER = 0.8  # of the table's width: a merged cell that is a title, not a group of columns


SEPARATOR = " / "


# A text that is a value and no word: a number, a date, a share; years alone may be headers.
_VALUE = (
    r"^\s*[-+(（~≈]?\s*[¥￥$€£]?\s*[0-9０-９][0-9０-９.,，．\s]*[%％‰]?\s*[)）]?$"
    r"|^\s*\d{1,4}[-/.年]\d{1,2}([-/.月]\d{1,4}日?)?([ T].*)?$|^\s*\d{1,2}:\d\d(:\d\d)?$"
)


_YEAR = r"^\s*(19|20)\d\d\s*$"


_UNIT = re.compile(
    r"[(\[（【<]?\s*(?:[-—/]|元|[百千万亿]元?|元?/\S{1,6}|k?g|mg|t|吨|公斤|千克|克|k?m|cm|mm|[㎡㎥]|[cm]?m[23²³]|[%％‰]|[℃℉]|°[CF]"
    r"|h|hrs?|小时|时|min|分钟?|s|sec|秒|天|日|周|月|年|days?|months?|years?|人|个|件|台|套|次|户|辆|只|份|条|项|岁|倍"
    r"|[kMG]?(?:Pa|W|Wh|V|A|Hz|N|J|B)|[mkM]?L|ppm|ppb|pcs|USD|CNY|RMB|EUR|GBP|JPY|[$¥￥€£]|n|no|[a-zA-Zµ%]{1,5}/[a-zA-Z0-9²³]{1,4})"
    r"\s*[)\]）】>]?",
    re.I,
)


_BRACKETED = re.compile(r"[(\[（【][^)\]）】]{1,12}[)\]）】]")


Counts = npt.NDArray[np.int32]


def names_in(grid: Grid, rows: tuple[int, ...]) -> dict[int, str]:
    """What header rows say of each column, top-down; a merged cell speaks for all it covers.

    Where a sheet has no merged cells in its header, a word in an upper row speaks for the blanks to its right.
    """
    lines = [_spread(grid, row) for row in rows]
    merged = any(top <= row <= bottom for top, _, bottom, _ in grid.merges for row in rows)
    columns = sorted({column for line in lines for column in line} | {strip.column for strip in grid.strips})
    if len(rows) > 1 and not merged:
        for line in lines[:-1]:
            last: Any = None
            for column in columns:
                last = line.get(column, last)
                if last is not None:
                    line[column] = last
    names = {}
    for column in columns:
        parts = [shown(line[column]) for line in lines if column in line]
        parts = [part for index, part in enumerate(parts) if part and (not index or part != parts[index - 1])]
        if parts:
            names[column] = SEPARATOR.join(parts)
    return names


def units_below(grid: Grid, row: int) -> dict[int, str]:
    """The units in a row of their own below a header: column -> unit; empty where the row holds anything else."""
    index = grid.index(row)
    if index >= len(grid) - 1 or grid.numbers[index] != row:
        return {}
    line = grid.line(index)
    if not line or not all(isinstance(cell, str) and is_unit(cell) for cell in line.values()):
        return {}
    below = grid.line(index + 1)
    if not any(not isinstance(below.get(column, ""), str) for column in line):
        return {}
    return {column: unit for column, cell in line.items() if (unit := cell.strip("()[]（）【】 ")) not in "-—/"}


def is_unit(word: str) -> bool:
    """Whether a text is a unit of measure, or stands in brackets like one."""
    return bool(_UNIT.fullmatch(word.strip()) or _BRACKETED.fullmatch(word.strip()))


@dataclass
class Header:
    """Looks for the header of a block in its first rows."""

    grid: Grid
    first: int = 0  # position of the first full row
    filled: Counts = field(init=False)
    words: Counts = field(init=False)

    def __post_init__(self) -> None:
        self.filled, self.words = filled_in(self.grid), words_in(self.grid)
        self.wide = WIDE * usual(self.filled)
        full = np.flatnonzero(self.filled >= self.wide)
        self.first = int(full[0]) if len(full) else 0
        self.valued = valued(self.grid)

    def find(self) -> tuple[tuple[int, ...], str]:
        """The header rows, none where the first full row holds values; and the evidence."""
        numbers = self.grid.numbers
        best, values = self._widest()
        if best is None:
            return (), text("evidence_none", row=int(numbers[self.first]))
        low = high = self._after_metadata(best)
        if high != best:
            values = high + 1
        low = self._top(low)
        below = len(numbers) if values is None else values  # where words alone stand below, merged cells tell
        while high + 1 < below and self._follows(high + 1) and self._linked(high, high + 1, values is not None):
            high += 1
        rows = tuple(int(number) for number in numbers[low : high + 1])
        count = len(names_in(self.grid, rows))
        if values is None or values >= len(numbers):
            return rows, text("evidence_words", rows=shown_rows(rows), count=count)
        return rows, text("evidence_values", rows=shown_rows(rows), count=count, row=int(numbers[values]))

    def _top(self, index: int, by_words: bool = True) -> int:
        """The uppermost level of the header whose lower level is at `index`."""
        while index and self._follows(index) and self._linked(index - 1, index, by_words):
            index -= 1
        return index

    def _follows(self, index: int) -> bool:
        """Whether a row stands right below the one stored before it."""
        return bool(self.grid.numbers[index] == self.grid.numbers[index - 1] + 1)

    def _widest(self) -> tuple[int | None, int | None]:
        """The widest full row of words above the first one of values, the first of equals; and that one of values.

        Notes above a table may fill several cells too, so all words of the header must differ for it to win.
        """
        best: int | None = None
        widest = 0
        for index in range(min(len(self.filled), LOOKED_AT)):
            count, covered = int(self.filled[index]), self._covered(index)
            if covered < self.wide or not count:
                continue
            wordy = self._wordy(index)
            if not wordy and count < self.wide:
                continue  # a year over a group of columns
            if best is None:
                if not wordy:
                    return None, index
                best, widest = index, covered
            elif not wordy:
                return best, index
            elif self.words[index] == count and covered > widest:
                rows = self.grid.numbers[self._top(index, by_words=False) : index + 1]
                names = names_in(self.grid, tuple(rows.tolist())) if len(rows) > 1 else self.grid.line(index)
                if len(set(names.values())) == len(names):
                    best, widest = index, covered
        return best, None

    def _covered(self, index: int) -> int:
        """How many columns a row speaks for with what is merged in it; a banner speaks for none."""
        grid, row = self.grid, int(self.grid.numbers[index])
        cells = set(grid.line(index))
        for top, left, _, right in grid.merges:
            if top == row and left in cells and right - left + 1 < BANNER * len(grid.strips):
                cells |= set(range(left, right + 1))
        return len(cells)

    def _after_metadata(self, best: int) -> int:
        """The last row of words in columns of values that follows without a blank row: between it and the first one
        stand rows that describe the columns (unit, type, source), not data."""
        found = best
        names = set(self.grid.line(best).values())
        for index in range(best + 1, min(len(self.filled), LOOKED_AT)):
            if not self._follows(index):
                break
            count = int(self.filled[index])
            if self.words[index] == count >= usual(self.filled) and count > 1:
                line = self.grid.line(index)
                over = len(self.valued & set(line))
                if over > 0.6 * count and len(set(line.values())) == count and set(line.values()) != names:
                    found = index
        return found

    def _wordy(self, index: int) -> bool:
        """Whether a row may be a header: words, beside which years or months in order may stand."""
        count, words = int(self.filled[index]), int(self.words[index])
        if words == count:
            return True
        if not words:
            return False
        line = self.grid.line(index)
        others = {column: cell for column, cell in line.items() if not isinstance(cell, str)}
        if len(others) + words == count and len(others) > 1 and len(set(others.values())) == len(others):
            whole = [cell for cell in others.values() if isinstance(cell, int) and not isinstance(cell, bool)]
            if all(1900 <= cell <= 2100 for cell in whole) and len(whole) == len(others):
                return True
            if all(isinstance(cell, datetime.datetime) for cell in others.values()):
                return words > 1 or not self._dates_below(index, others)
        if words < WORDY * count:
            return False
        # A word over values speaks for a header; values over values alone speak for a row of data.
        over = [column for column in line if column in self.valued]
        told = [column for column in over if isinstance(line[column], str) and not _is_value(line[column])]
        return bool(told) or not over

    def _dates_below(self, index: int, columns: Mapping[int, Any]) -> bool:
        """Whether dates stand below these cells too."""
        below = self.grid.line(index + 1) if index + 1 < len(self.grid) else {}
        return any(isinstance(below.get(column), datetime.datetime) for column in columns)

    def _linked(self, upper: int, lower: int, by_words: bool = True) -> bool:
        """Whether two rows are levels of one header: merged cells say so, or names that repeat until they are joined
        with what stands above (`by_words`)."""
        grid = self.grid
        above, below = int(grid.numbers[upper]), int(grid.numbers[lower])
        width = len(grid.strips)
        first, second = grid.line(upper), grid.line(lower)
        near = [each for each in grid.merges if each[0] <= below and each[2] >= above]
        if any(top <= above and bottom >= below for top, _, bottom, _ in near):
            return True
        if any(shown(cell).endswith((":", "：")) for cell in first.values()):
            return False  # `Printed on:` is a note
        groups = [right - left + 1 for top, left, bottom, right in near if top <= above <= bottom and right > left]
        if groups:
            return max(groups) < BANNER * width or len(groups) > 1
        if near or not by_words or self.words[upper] < self.filled[upper]:
            return False
        names = [shown(cell) for cell in second.values()]
        if len(set(names)) == len(names) or len(first) < 2:
            return False
        joined = names_in(grid, (above, below))
        return len(set(joined.values())) == len(joined)


def valued(grid: Grid) -> set[int]:
    """The columns that hold mostly values."""
    found = set()
    for strip in grid.strips:
        filled = int((strip.kinds != BLANK).sum())
        if filled - int(_word_mask(grid, strip).sum()) > 0.5 * filled:
            found.add(strip.column)
    return found


def _spread(grid: Grid, row: int) -> dict[int, Any]:
    """A row's cells; what is merged counts for every column and row it covers."""
    index = grid.index(row)
    line = grid.line(index) if index < len(grid) and grid.numbers[index] == row else {}
    for top, left, bottom, right in grid.merges:
        if top <= row <= bottom:
            value = grid.at(top, left)
            if value is not None and value != "":
                line |= dict.fromkeys(range(left, min(right, grid.last_column) + 1), value)
    return line


def filled_in(grid: Grid) -> Counts:
    """How many cells each row fills."""
    counts = np.zeros(len(grid), np.int32)
    for strip in grid.strips:
        counts += strip.kinds != BLANK
    return counts


def words_in(grid: Grid) -> Counts:
    """How many words each row holds; a text that shows a number or date is none."""
    counts = np.zeros(len(grid), np.int32)
    for strip in grid.strips:
        counts += _word_mask(grid, strip)
    return counts


def _word_mask(grid: Grid, strip: Strip) -> npt.NDArray[np.bool_]:
    """Which cells of a column hold a word."""
    mask = strip.kinds == TEXT
    at = np.flatnonzero(mask)
    mask[at] = _are_words(grid)[strip.values[at].astype(np.int64)]
    found: npt.NDArray[np.bool_] = mask
    return found


def _are_words(grid: Grid) -> npt.NDArray[np.bool_]:
    """For every text of a grid whether it is a word."""
    known: npt.NDArray[np.bool_] | None = grid.__dict__.get("_are_words")
    if known is None:
        value = pc.match_substring_regex(grid.texts, _VALUE)
        year = pc.match_substring_regex(grid.texts, _YEAR)
        known = np.asarray(pc.or_(pc.invert(value), year).to_numpy(zero_copy_only=False), bool)
        grid.__dict__["_are_words"] = known
    return known


def _is_value(word: str) -> bool:
    return bool(re.search(_VALUE, word)) and not re.search(_YEAR, word)


def usual(filled: Counts) -> int:
    """How many cells the rows of a table fill: most rows of a sheet are its rows."""
    counts = np.sort(filled[filled > 0])
    return int(counts[int(0.6 * len(counts))]) if len(counts) else 0


def shown_rows(rows: tuple[int, ...]) -> str:
    """`3`, or `3-4`."""
    return str(rows[0]) if len(rows) == 1 else f"{rows[0]}-{rows[-1]}" if rows else "-"


def shown(cell: Any) -> str:
    """A header as text in one line."""
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        return ""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, (int, float)):
        return shortest(float(cell))
    if isinstance(cell, (datetime.date, datetime.time)):
        return iso(cell)
    return " ".join(str(cell).split())
