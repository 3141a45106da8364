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
SAMPLE = 1000  # filled rows that tell what a column holds


WIDE = 0.6  # of the usual number of filled cells: a row that may be the header


WORDY = 0.5  # of a header's cells hold words


BANNER = 0.8  # of the table's width: a merged cell that is a title, not a group of columns


SEPARATOR = " / "


# A text that is a value and no word: a number, a date, a share; years alone may be headers.
_VALUE = (
    r"^\s*[-+(（~≈]?\s*[¥￥$€£]?\s*[0-9０-９][0-9０-９.,，．\s]*[%％‰]?\s*[)）]?$"
    r"|^\s*\d{1,4}[-/.年]\d{1,2}([-/.月]\d{1,4}日?)?([ T].*)?$|^\s*\d{1,2}:\d\d(:\d\d)?$"
)


_YEAR = r"^\s*([1１][9９]|[2２][0０])[0-9０-９]{2}\s*$"


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
        end = int(self.grid.numbers[:LOOKED_AT][-1]) if len(self.grid) else 0
        self.merges = [each for each in self.grid.merges if each[0] <= end]

    def find(self) -> tuple[tuple[int, ...], str]:
        """The header rows, none where the first full row holds values; and the evidence."""
        numbers = self.grid.numbers
        best, values = self._widest()
        if best is None:
            return (), text("evidence_none", row=int(numbers[self.first]))
        low = high = self._after_metadata(best)
        if high != best:
            values = high + 1
            if (self.words[best:high] == self.filled[best:high]).all():
                low = best  # words alone between them are levels, not metadata
        low = self._top(low)
        below = len(numbers) if values is None else values  # where words alone stand below, merged cells tell
        while high + 1 < below and self._follows(high + 1) and self._linked(high, high + 1, values is not None):
            high += 1
        high = self._told_again(low, high)
        rows = tuple(int(number) for number in numbers[low : high + 1])
        count = len(names_in(self.grid, rows))
        if values is None or values >= len(numbers):
            return rows, text("evidence_words", rows=shown_rows(rows), count=count)
        return rows, text("evidence_values", rows=shown_rows(rows), count=count, row=int(numbers[values]))

    def _told_again(self, low: int, high: int) -> int:
        """The last row of the header where rows of words over values follow on it: another language, another level."""
        names = set(self.grid.line(high).values())
        while high + 2 < len(self.filled) and self._follows(high + 1):
            count, line = int(self.filled[high + 1]), self.grid.line(high + 1)
            over = len(self._valued(high + 2) & set(line))
            words = set(line.values())
            if self.words[high + 1] != count or count < self.wide or over <= 0.6 * count or len(words) < 0.6 * count:
                break
            if words == names or all(isinstance(cell, str) and is_unit(cell) for cell in words):
                break
            high += 1
        return high

    def _row(self, index: int) -> int:
        return int(self.grid.numbers[index])

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
            if not wordy and (count < self.wide or self._is_note(index)):
                continue  # a date beside `Printed on:`
            if best is None:
                if not wordy:
                    return self._below(index), index
                best, widest = index, covered
            elif not wordy:
                return self._past_notes(best, index), index
            elif self.words[index] == count and covered > widest:
                rows = self.grid.numbers[self._top(index, by_words=False) : index + 1]
                names = names_in(self.grid, tuple(rows.tolist())) if len(rows) > 1 else self.grid.line(index)
                if len(set(names.values())) == len(names):
                    best, widest = index, covered
        return best, None

    def _below(self, index: int) -> int | None:
        """The row of words that follows on a row of values such as a total above the header; None where none does."""
        for later in range(index + 1, min(index + 4, len(self.filled))):
            count = int(self.filled[later])
            over = len(self._valued(later + 1) & set(self.grid.line(later))) if later + 1 < len(self.filled) else 0
            if self.words[later] == count >= self.wide and over > 0.3 * count:
                return later
        return None

    def _past_notes(self, index: int, values: int) -> int:
        """The row of words that follows on notes such as `Printed by:` `Smith`, above the first row of values."""
        for later in range(index + 1, values):
            if not self._is_note(index) or self._linked(index, later, by_words=False):
                break
            if self.words[later] == self.filled[later] and self._covered(later) >= self._covered(index):
                index = later
        return index

    def _is_note(self, index: int) -> bool:
        """Whether a row holds pairs of a word with a colon and what it says."""
        cells = [shown(cell) for cell in self.grid.line(index).values()]
        ends = [cell.endswith((":", "：")) for cell in cells]
        return len(ends) % 2 == 0 and all(ends[::2]) and not any(ends[1::2])

    def _covered(self, index: int) -> int:
        """How many columns a row speaks for with what is merged in it; a banner speaks for none."""
        grid, row = self.grid, self._row(index)
        cells = set(grid.line(index))
        for merge in self.merges:
            if merge[0] == row and merge[1] in cells and not self._is_banner(merge):
                cells |= set(range(merge[1], merge[3] + 1))
        return len(cells)

    def _is_banner(self, merge: tuple[int, int, int, int]) -> bool:
        """Whether a merged cell is a title over the table: it begins where the table does, and is about as wide."""
        strips = self.grid.strips
        return merge[1] <= strips[0].column and merge[3] - merge[1] + 1 >= BANNER * len(strips)

    def _after_metadata(self, best: int) -> int:
        """The last row of words in columns of values that follows without a blank row: between it and the first one
        stand rows that describe the columns (unit, type, source), not data."""
        found, of_values = best, self._valued(best)
        seen = [set(self.grid.line(best).values())]  # the header may stand again among the rows
        for index in range(best + 1, min(len(self.filled), LOOKED_AT)):
            if not self._follows(index):
                break
            count = int(self.filled[index])
            if self.words[index] == count >= usual(self.filled) and count > 1:
                line = self.grid.line(index)
                over, cells = len(of_values & set(line)), set(line.values())
                if over > 0.6 * count and len(cells) == count and cells not in seen:
                    found = index
                seen.append(cells)
        return found

    def _valued(self, index: int) -> set[int]:
        """The columns of values, judged by this row and the full ones below it: not by totals and notes."""
        full = index + np.flatnonzero(self.filled[index : index + SAMPLE] >= self.wide)
        return valued(self.grid, full)

    def _wordy(self, index: int) -> bool:
        """Whether a row may be a header: words, beside which years or months in order may stand."""
        count, words = int(self.filled[index]), int(self.words[index])
        if words == count:
            return True
        line = self.grid.line(index)
        others = {column: cell for column, cell in line.items() if not isinstance(cell, str)}
        groups = {left for top, left, _, right in self.merges if top == self._row(index) and right > left}
        if others and others.keys() <= groups:
            return True  # a year over a group of columns
        if not words:
            return False
        if len(others) + words == count and len(others) > 1 and len(set(others.values())) == len(others):
            whole = [cell for cell in others.values() if isinstance(cell, int) and not isinstance(cell, bool)]
            if all(1900 <= cell <= 2100 for cell in whole) and len(whole) == len(others):
                return True
            if all(isinstance(cell, datetime.datetime) for cell in others.values()):
                return words > 1 or not self._dates_below(index, others)
        if words < WORDY * count:
            return False
        # A word over values speaks for a header; values over values alone speak for a row of data.
        over = self._valued(index) & set(line)
        told = [column for column in over if isinstance(line[column], str) and is_word(line[column])]
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
        first, second = grid.line(upper), grid.line(lower)
        near = [each for each in self.merges if each[0] <= below and each[2] >= above]
        if any(top <= above and bottom >= below for top, _, bottom, _ in near):
            return True
        if any(shown(cell).endswith((":", "：")) for cell in first.values()):
            return False  # `Printed on:` is a note
        groups = [each for each in near if each[0] <= above <= each[2] and each[3] > each[1]]
        if groups:
            return len(groups) > 1 or not self._is_banner(groups[0])
        if near or not by_words or self.words[upper] < self.filled[upper]:
            return False
        names = [shown(cell) for cell in second.values()]
        if len(set(names)) == len(names) or len(first) < 2 or set(second) <= set(first):
            return False  # no blank in the upper row for a word to its left to speak for
        joined = names_in(grid, (above, below))
        return len(set(joined.values())) == len(joined)


def valued(grid: Grid, among: Any = slice(None)) -> set[int]:
    """The columns that hold mostly values, among all stored rows or those at some positions."""
    found = set()
    for strip in grid.strips:
        part = Strip(strip.column, strip.kinds[among], strip.values[among])
        filled = int((part.kinds != BLANK).sum())
        if filled - int(_word_mask(grid, part).sum()) > 0.5 * filled:
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


def is_word(text: str) -> bool:
    """Whether a text is no number, date or share; a year may be a name."""
    return not re.search(_VALUE, text) or bool(re.search(_YEAR, text))


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
