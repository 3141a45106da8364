"""Which rows of a table are data: not totals, repeated headers or notes; and what the totals say of the rows.

A total is known by its word, by formulas that add up the cells above it, or by both; one that might be the name of
something (`Total`, `Sum`) only where the row leaves cells blank or its numbers do add up.
"""

import math
import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from xltrain.excel.grid import BLANK, NUMBER, TEXT, Grid, Strip
from xltrain.excel.heading import BANNER, shown, usual, valued, words_in
from xltrain.excel.structure import Area

SPARSE = 0.5  # of the usual number of cells: a row of words that fills no more may be a note
REPEATED = 0.6  # of a row's cells repeat the header
CUMULATIVE = 0.2  # of a column's rows hold sums right below one another: a running total, which makes no total row
NEAR = 0.5  # of the sum: a total that is farther off adds up something else

# Looked for in every text at once, to find the few that are worth a closer look.
_HINT = (
    r"(?i)total|\bsum\b|average|\bmean\b|avg|carried|brought|summe|gesamt|\bsuma\b|somme|итого|계$|計$"
    r"|合\s*计|小\s*计|总\s*计|累\s*计|共\s*计|总\s*和|汇\s*总|平\s*均|均\s*值|承\s*前|过\s*次|结\s*转"
)
_AROUND = r"[\s:：*（）()【】\-–—=]*"
_SURE = re.compile(
    rf"{_AROUND}((全部|本页|本月|本季|本年|本期|全年|年度|月度|季度|各项|部门|分类|总)?(合计|小计|总计|共计)([(（].*[)）])?"
    r"|grand ?totals?|sub-?totals?|sub ?totals?|zwischensumme|gesamtsumme|sous-?total"
    r"|小計|合計|総計|소계|합계|총계|[(（]?(合计|小计|总计)[)）]?.{0,1}"
    rf"|承前页|过次页|承上页|转下页|上[页期月]结转|结转下[页期月]|carried forward|brought forward|c/f|b/f){_AROUND}"
)
_MAYBE = re.compile(
    rf"{_AROUND}(totals?|sum|overall|total sum|summe|gesamt|suma( total)?|somme|totale|итого|計"
    r"|汇总|累计|总和|平均值?|均值|averages?|mean|avg\.?"
    rf"|本年累计|本月累计|全年累计){_AROUND}"
)
_PART = re.compile(
    r".*(小计|合计|总计|汇总|平均|小計|合計|subtotal|sub-total|total|average)|(total|subtotal|average|合计|小计|总计)\b.*"
)
_AVERAGE = re.compile("平均|均值|average|mean|avg", re.I)
_NOTE = re.compile(
    r"\s*[(（*※【]?\s*(注|备注|说明|附注|资料来源|数据来源|来源|制表|填表|审核|复核|统计口径|以上"
    r"|notes?|sources?|remarks?|prepared by|footnotes?|©|copyright)\s*(\d*\s*[:：.、)）】]|人|数据|\b|$)",
    re.I,
)

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Dropped:
    """A row that is no data: its sheet row, what stands first in it, and the key of the reason."""

    row: int
    word: str
    reason: str


@dataclass(frozen=True)
class Control:
    """A number in a dropped total row, and what the rows that it covers add up to (or average)."""

    row: int
    column: int
    found: float
    expected: float
    first_row: int
    last_row: int
    agrees: bool
    average: bool = False


@dataclass
class Rows:
    """The rows of a table sorted out: positions in the grid of those that are data."""

    kept: npt.NDArray[np.int64]
    dropped: list[Dropped] = field(default_factory=list)
    controls: list[Control] = field(default_factory=list)
    hidden: int = 0
    read: int = 0


def sort_out(grid: Grid, area: Area, keep: Collection[str] = (), drop_hidden: bool = False) -> Rows:
    """Sort the rows below a header into data and others.

    Args:
        keep: kinds of rows that stay though they are no data: `totals`, `headers`, `notes`.
        drop_hidden: leave out rows that are hidden or filtered out.
    """
    return _Sorter(grid, area).sort(keep, drop_hidden)


class _Sorter:
    def __init__(self, grid: Grid, area: Area) -> None:
        self.grid, self.area = grid, area
        self.start, self.stop = grid.index(area.first_row), grid.index(area.last_row + 1)
        self.numbers = grid.numbers[self.start : self.stop]
        self.strips = [
            Strip(strip.column, strip.kinds[self.start : self.stop], strip.values[self.start : self.stop])
            for strip in grid.strips
            if strip.column in area.headers
        ]
        self.filled = np.zeros(len(self.numbers), np.int32)
        for strip in self.strips:
            self.filled += strip.kinds != BLANK
        self.usual = usual(self.filled)

    def sort(self, keep: Collection[str], drop_hidden: bool) -> Rows:
        found: dict[int, Dropped] = {}
        for index in np.flatnonzero(self._repeated()).tolist():
            found[index] = self._dropped(index, "dropped_header")
            above = index - 1
            if above >= 0 and above not in found and self.filled[above] == 1 < self.usual and self._bare(above):
                found[above] = self._dropped(above, "dropped_title")  # of a table with the same header
        self.by_word = self._by_word()
        for index in self._notes():
            found.setdefault(index, self._dropped(index, "dropped_note"))
        base = self.filled > 0
        base[list(found)] = False
        totals, controls = self._totals(base)
        for index, reason in totals.items():
            found.setdefault(index, self._dropped(index, reason))
        kinds = {"dropped_header": "headers", "dropped_note": "notes", "dropped_title": "headers"}
        found = {at: each for at, each in found.items() if kinds.get(each.reason, "totals") not in keep}
        hidden = np.isin(self.numbers, list(self.grid.hidden)) & (self.filled > 0) if self.grid.hidden else None
        if hidden is not None and drop_hidden:
            for index in np.flatnonzero(hidden).tolist():
                found.setdefault(index, self._dropped(index, "dropped_hidden"))
        stays = self.filled > 0
        stays[list(found)] = False
        return Rows(
            np.flatnonzero(stays) + self.start,
            [found[index] for index in sorted(found)],
            controls,
            0 if hidden is None else int(hidden.sum()),
            int((self.filled > 0).sum()),
        )

    def _dropped(self, index: int, reason: str) -> Dropped:
        cells = self._line(index)
        first = next((shown(cell) for cell in cells.values() if isinstance(cell, str)), "")
        return Dropped(int(self.numbers[index]), first or shown(next(iter(cells.values()), "")), reason)

    def _bare(self, index: int) -> bool:
        """Whether a row holds words alone."""
        return all(isinstance(cell, str) for cell in self._line(index).values())

    def _line(self, index: int) -> dict[int, Any]:
        line = self.grid.line(index + self.start)
        return {column: cell for column, cell in line.items() if column in self.area.headers}

    def _repeated(self) -> Bools:
        """Rows that repeat a row of the header, or its units."""
        rows = [*self.area.header_rows, *([self.area.first_row - 1] if self.area.units else [])]
        found = np.zeros(len(self.numbers), bool)
        wholly = []
        for row in rows:
            same = np.zeros(len(self.numbers), np.int32)
            for strip in self.strips:
                same += self._alike(strip, self.grid.at(row, strip.column))
            least = min(2, len(self.strips))
            found |= (same >= least) & (same >= REPEATED * self.filled)
            wholly.append((same > 0) & (same == self.filled))
        follows = np.diff(self.numbers) == 1
        for upper in reversed(wholly):  # an upper level of a repeated header may be a single word
            found[:-1] |= upper[:-1] & found[1:] & follows
        return found

    def _alike(self, strip: Strip, word: Any) -> Bools:
        """The cells of a column that hold this word, or number, of a header."""
        found = np.zeros(len(self.numbers), bool)
        if isinstance(word, str) and word:
            alike = np.asarray(pc.equal(self.grid.texts, word).to_numpy(zero_copy_only=False), bool)
            texts = np.flatnonzero(strip.kinds == TEXT)
            found[texts] = alike[strip.values[texts].astype(np.int64)]
        elif isinstance(word, (int, float)) and not isinstance(word, bool):
            found = (strip.kinds == NUMBER) & (strip.values == word)
        return found

    def _notes(self) -> Iterator[int]:
        """Notes below the table; and within it what calls itself a note, or is merged over the whole width."""
        if self.usual < 2:
            return
        part = Grid(self.numbers, tuple(self.strips), self.grid.texts)
        words, of_values = words_in(part), valued(part)
        sparse = (self.filled > 0) & (self.filled <= max(1, SPARSE * self.usual))
        left, right = self.area.columns
        wide = {
            top
            for top, first, bottom, last in self.grid.merges
            if top == bottom and last > first and last - first + 1 >= BANNER * (right - left + 1)
        }
        sure = self.by_word[0]
        end = len(self.numbers)
        bare = sparse & (words == self.filled)
        while end and (bare[end - 1] or self._is_note(end - 1, sparse)):
            end -= 1
        begun = False
        for index in range(end, len(self.numbers)):
            if self.filled[index] and not begun:
                line = self._line(index)
                gap = index and self.numbers[index] > self.numbers[index - 1] + 1
                odd = any(column in of_values and isinstance(cell, str) for column, cell in line.items())
                long = any(isinstance(cell, str) and len(cell) > 30 for cell in line.values())
                begun = bool(gap or odd or long or self._is_note(index, sparse) or int(self.numbers[index]) in wide)
            if begun and index not in sure:
                yield index
        for index in np.flatnonzero(sparse[:end] & (words[:end] == self.filled[:end])).tolist():
            if int(self.numbers[index]) in wide or (self.filled[index] == 1 and self._is_note(index, sparse)):
                yield index

    def _is_note(self, index: int, sparse: Bools) -> bool:
        return bool(sparse[index]) and any(
            isinstance(cell, str) and _NOTE.match(cell) is not None for cell in self._line(index).values()
        )

    def _totals(self, base: Bools) -> tuple[dict[int, str], list[Control]]:
        """Total rows with the reason that they are some, and what their numbers say."""
        sure, maybe, words = self.by_word
        formulas = self._by_formula(base)
        declared = set(np.flatnonzero(self.numbers > self.area.last_row - self.area.totals).tolist())
        candidates = sorted((sure | maybe | formulas.keys() | declared) & set(np.flatnonzero(base).tolist()))
        if not candidates:
            return {}, []
        sums = _Sums(self, base, candidates)
        found: dict[int, str] = {}
        controls: list[Control] = []
        ends: list[int] = []
        for index in candidates:
            average = bool(_AVERAGE.search(words.get(index, "")))
            told = sums.check(index, ends, words, average, formulas.get(index, {}))
            if index in declared:  # by the Excel table, which may count or average in any column, over visible rows
                found[index] = "dropped_total"
                controls += [each for each in told if each.agrees]
                continue
            blank = self.filled[index] < max(self.usual, len(self.strips))
            numbered = bool(told)
            agree = self._agree(told, index, blank)
            by_formula = index in formulas and (blank or numbered)
            if index in sure or by_formula or (index in maybe and (agree or (blank and numbered))):
                if (
                    index in maybe
                    and index not in sure
                    and not by_formula
                    and not agree
                    and not _MAYBE.fullmatch(words[index])
                ):
                    sums.is_data(index)
                    continue  # `Total Wine` with a blank cell
                found[index] = "dropped_average" if average else "dropped_total"
                controls += told
                if not average:
                    ends.append(index)
            else:
                sums.is_data(index)
        return found, controls

    @staticmethod
    def _agree(told: list[Control], index: int, blank: bool) -> bool:
        """Whether a row's numbers add up those above; a full row's must do so in most columns, over some rows."""
        good = [each for each in told if each.agrees]
        if blank:
            return bool(good)
        return 2 * len(good) > len(told) and any(each.last_row > each.first_row for each in good)

    def _by_word(self) -> tuple[set[int], set[int], dict[int, str]]:
        """Rows that are surely or maybe a total by a word in one of their first cells; and the word."""
        texts = self.grid.texts
        hits = np.flatnonzero(np.asarray(pc.match_substring_regex(texts, _HINT).to_numpy(zero_copy_only=False), bool))
        kinds = np.zeros(len(texts) + 1, np.int8)
        plain: dict[int, str] = {}
        for text_id in hits.tolist():
            word = unicodedata.normalize("NFKC", texts[text_id].as_py()).strip().casefold()
            word = re.sub(r"(?<=[\u4e00-\u9fff])\s+(?=[\u4e00-\u9fff])", "", word)
            plain[text_id] = word
            if _SURE.fullmatch(word):
                kinds[text_id] = 2
            elif _MAYBE.fullmatch(word) or (len(word) <= 40 and _PART.fullmatch(word)):
                kinds[text_id] = 1
        sure: set[int] = set()
        maybe: set[int] = set()
        words: dict[int, str] = {}
        if not kinds.any():
            return sure, maybe, words
        seen = np.zeros(len(self.numbers), np.int32)
        for strip in self.strips:
            at = np.flatnonzero((strip.kinds == TEXT) & (seen < 3))
            ids = strip.values[at].astype(np.int64)
            for index, text_id in zip(at[kinds[ids] > 0].tolist(), ids[kinds[ids] > 0].tolist(), strict=True):
                # A word in a later cell of a full row is a remark.
                first = not seen[index]
                if (kinds[text_id] == 2 and (first or self.filled[index] < self.usual)) or (first and kinds[text_id]):
                    (sure if kinds[text_id] == 2 else maybe).add(index)
                    words.setdefault(index, plain[text_id])
            seen += strip.kinds != BLANK
        return sure, maybe, words

    def _by_formula(self, base: Bools) -> dict[int, dict[int, bool]]:
        """Rows in which formulas add up (or average) what stands above: position -> column -> is an average."""
        by_column: dict[int, list[Any]] = {}
        for each in self.grid.sums:
            if each.column in self.area.headers and each.first_row <= each.last_row < each.row:
                by_column.setdefault(each.column, []).append(each)
        rows: dict[int, dict[int, bool]] = {}
        for column, found in by_column.items():
            held = {each.row for each in found}
            if sum(row - 1 in held for row in held) > max(1, CUMULATIVE * len(self.numbers)):
                continue
            for each in found:
                index = int(np.searchsorted(self.numbers, each.row))
                inside = index < len(self.numbers) and self.numbers[index] == each.row and base[index]
                if inside and each.last_row > each.first_row and each.first_row >= self.area.top:
                    rows.setdefault(index, {})[column] = each.average
        numbers = np.zeros(len(self.numbers), np.int32)
        for strip in self.strips:
            numbers += strip.kinds == NUMBER
        return {index: columns for index, columns in rows.items() if len(columns) >= 0.5 * numbers[index]}


class _Sums:
    """Sums over the rows that are data, by column."""

    def __init__(self, sorter: _Sorter, base: Bools, candidates: list[int]) -> None:
        self.sorter = sorter
        self.base = base.copy()
        self.base[candidates] = False
        self.values = {strip.column: self._numbers(strip) for strip in sorter.strips if (strip.kinds == NUMBER).any()}
        self._running: dict[int, tuple[Floats, Floats]] = {}

    def _numbers(self, strip: Strip) -> Floats:
        """A column's numbers, those that stand as text too; NaN elsewhere."""
        values = np.where(strip.kinds == NUMBER, strip.values, np.nan)
        at = np.flatnonzero(strip.kinds == TEXT)
        if len(at):
            from xltrain.data.parse import read_numbers

            ids, back = np.unique(strip.values[at].astype(np.int64), return_inverse=True)
            if len(ids) <= 10_000:
                values[at] = read_numbers(self.sorter.grid.texts.take(ids).to_pylist()).values[back]
        return values

    def is_data(self, index: int) -> None:
        """A candidate is a row of data after all."""
        self.base[index] = True
        for column, (values, known) in self._running.items():
            number = float(self.values[column][index])
            if not math.isnan(number):
                values[index], known[index] = number, 1.0

    def check(
        self, index: int, ends: list[int], words: dict[int, str], average: bool, formulas: dict[int, bool]
    ) -> list[Control]:
        """The numbers of a row against the rows since the total above it, since the one of its word, and all above."""
        found = []
        same = next((end for end in reversed(ends) if words.get(end) == words.get(index)), -1)
        starts = dict.fromkeys([ends[-1] + 1 if ends else 0, same + 1, 0])
        for column, values in self.values.items():
            number = float(values[index])
            if math.isnan(number):
                continue
            mean = formulas.get(column, average)
            best: Control | None = None
            for start in starts:
                total, count, size = self._sum(column, start, index)
                if not count and not number and self.base[start:index].any():
                    break  # blanks add up to nothing
                if not count:
                    continue
                expected = total / count if mean else total
                room = _rounding(number) + 1e-9 * size
                agrees = abs(number - expected) <= room
                if agrees or best is None or abs(number - expected) < abs(best.found - best.expected):
                    rows = self.sorter.numbers[start:index]
                    best = Control(
                        int(self.sorter.numbers[index]),
                        column,
                        number,
                        expected,
                        int(rows[0]),
                        int(rows[-1]),
                        agrees,
                        mean,
                    )
                if agrees:
                    break
            if best is not None:
                found.append(best)
        agree = any(each.agrees for each in found)
        return [
            each
            for each in found
            if each.agrees
            or each.column in formulas
            or abs(each.found - each.expected) <= NEAR * abs(each.expected)
            or (not agree and len(found) == 1)
        ]

    def _sum(self, column: int, start: int, stop: int) -> tuple[float, int, float]:
        """Sum, count and sum of sizes of the data rows from `start` to before `stop`."""
        if column not in self._running:
            known = self.base & ~np.isnan(self.values[column])
            values = np.where(known, self.values[column], 0.0)
            self._running[column] = (values, known.astype(np.float64))
        values, counted = self._running[column]
        part = values[start:stop]
        return (
            math.fsum(part.tolist()) if len(part) < 10_000 else float(part.sum()),
            int(counted[start:stop].sum()),
            float(np.abs(part).sum()),
        )


def _rounding(number: float) -> float:
    """Half of the last decimal in which a number is written; a small whole number is taken as exact."""
    decimals = len(repr(round(number, 10)).partition(".")[2].rstrip("0"))
    return 0.51 * 10.0 ** -min(decimals, 9) if decimals or abs(number) >= 100 else 0.0
