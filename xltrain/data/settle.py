"""One type for a column over all its sources, and each source's cells cast to it.

A text becomes a number only where that is sure: where numbers stand in most cells, or every text shows one and at least
one shows more than digits (`1,200` `12%` `￥5`). Codes with leading zeros and digits beyond 15 stay text. How dates and
decimals are written is decided once per column, never per cell.
"""

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from xltrain.data.cast import Decision, Mask, days_written
from xltrain.data.parse import (
    Dates,
    folded,
    is_missing,
    read_booleans,
    read_dates,
    read_numbers,
    read_times,
)
from xltrain.data.part import Cells
from xltrain.excel.grid import BOOLEAN, DATE, ERROR, NUMBER, TEXT, TIME
from xltrain.language import label, listed, text

MAJORITY = 0.5  # of the values are real numbers: then texts that look like numbers are numbers too
STRAY = 0.1  # at most this share of other cells leaves a column a column of its type
SAMPLE = 2_000  # distinct texts that decide whether it is worth reading all
UNSURE_SHARE = 0.8  # of a sample must be readable for all of it to be read
FIRST, FIRST_SHARE = 200, 0.4  # of the sample are looked at first; so few readable settle it
SERIALS = (10_000, 73_050)  # 1927 to 2099: numbers that may be dates
_MONTHS = re.compile(r"(19|20)\d\d\.(0?[1-9]|1[0-2])")  # as numbers, October would be January
_THOUSANDS = re.compile(r"\D*[1-9]\d{0,2}(\.\d{3})+\D*")  # a group of thousands never begins with 0
_DATED = re.compile(
    r"(^|[^a-z])(date|dob|datum|fecha|birthday|birth date|timestamp)$|date of "
    r"|(日期|年月日|出生日|生日|到期日|签订日|入职日|离职日|交易日)$",
    re.I,
)

Kinds = npt.NDArray[np.int64]


def decide(
    name: str,
    chunks: Sequence[Cells],
    wanted: str = "",
    missing: Sequence[str] = (),
    order: str = "",
    decimal: str = "",
) -> Decision:
    """The type of a column from all its cells, or the `wanted` one of a job.

    Args:
        missing: words and numbers that stand for no value.
        order: `dmy` or `mdy`: how a person says that dates such as 3/4/2024 are to be read.
        decimal: `.` or `,`: what a person says that 1.200 means.
    """
    named = frozenset(folded(word) for word in missing)
    sentinels = tuple(float(value) for value in read_numbers(list(missing)).values if value == value)
    first = Decision("text", missing=named, sentinels=sentinels)
    column = _Column(name, chunks, first, order, decimal)
    found = column.as_wanted(wanted) if wanted else column.judge()
    found.missing, found.sentinels = named, sentinels
    if found.type == "number":
        found.whole = _all_whole(found, chunks)
    if found.doubt is None and (count := _beyond_digits(chunks)):
        found.doubt = ("doubt_digits", {"name": name, "count": str(count)})
    if found.type == "time":
        found.durations = _longer_than_a_day(found, chunks)
    return found


class _Column:
    """All cells of a column while its type is decided."""

    def __init__(self, name: str, chunks: Sequence[Cells], plain: Decision, order: str, decimal: str) -> None:
        self.name, self.chunks, self.order, self.decimal = name, chunks, order, decimal
        self.counts: Kinds = np.zeros(7, np.int64)
        self.plain = plain
        for cells in chunks:
            gone = plain.named_missing(cells) if plain.missing or plain.sentinels else None
            kinds = cells.kinds if gone is None else cells.kinds[~gone]
            self.counts += np.bincount(kinds, minlength=7)[:7]
        self.free = bool(chunks) and all(cells.free or not (cells.kinds == TEXT).any() for cells in chunks)
        self._distinct: dict[str, int] | None = None

    @property
    def texts(self) -> dict[str, int]:
        """Distinct texts that mean something, and how many cells hold each."""
        if self._distinct is None:
            found: dict[str, int] = {}
            for cells in self.chunks:
                if len(cells.words):
                    codes = cells.codes[cells.kinds == TEXT]
                    counts = np.bincount(codes[codes >= 0], minlength=len(cells.words))
                    for word, count in zip(cells.distinct, counts.tolist(), strict=True):
                        if count:
                            found[word] = found.get(word, 0) + count
            self._distinct = {word: n for word, n in found.items() if folded(word) not in self.plain.missing}
        return self._distinct

    def as_wanted(self, wanted: str) -> Decision:
        """The type that a person asks for."""
        how = text("how_wanted", type=label(wanted))
        kind = {"numeric": "number", "date": "date", "boolean": "boolean"}.get(wanted, "text")
        words = list(self.texts) if kind != "text" else []
        if kind == "number":
            return Decision(kind, how, known=_known(words, read_numbers(words, self.decimal).values))
        if kind == "date":
            dates = read_dates(words, self.order)
            return self._dates(words, dates, how)
        if kind == "boolean":
            return Decision(kind, how, known=_booleans(words))
        return Decision("text", how)

    def judge(self) -> Decision:
        counts = self.counts
        filled = int(counts[[NUMBER, TEXT, BOOLEAN, DATE, TIME]].sum())
        if not filled:
            return Decision("empty", text("how_empty"))
        worded = int(counts[TEXT])
        if worded and self._hopeless(filled):
            return self._text()
        words = [word for word in self.texts if not is_missing(word)] if worded else []
        if not words:  # what texts there are stand for no value
            return self._without_texts(filled - worded) if filled > worded else self._text()
        values = int(counts[NUMBER] + counts[DATE] + counts[TIME] + counts[BOOLEAN])
        for judged in (self._booleans, self._numbers, self._dates_of, self._times):
            found = judged(words, values)
            if found is not None:
                return found
        return self._text()

    def _hopeless(self, filled: int) -> bool:
        """Whether so many different texts show no number, date, time or yes and no that reading them all is idle."""
        size = sum(len(cells.words) for cells in self.chunks)
        if size <= SAMPLE or self.counts[TEXT] <= STRAY * filled:
            return False
        step = max(1, size // SAMPLE)
        some = [
            word
            for cells in self.chunks
            for word in cells.words.take(pa.array(range(0, len(cells.words), step))).to_pylist()
        ]
        few = some[:: max(1, len(some) // FIRST)]
        return self._readable(few) < FIRST_SHARE or self._readable(some) < UNSURE_SHARE

    def _readable(self, some: list[str]) -> float:
        """The share of texts that are all of one kind: numbers, dates in one order, or times."""
        shares = (
            ~np.isnan(read_numbers(some).values),
            ~np.isnat(read_dates(some, self.order or "dmy").values),
            ~np.isnat(read_dates(some, "mdy").values),
            ~np.isnan(read_times(some)),
        )
        return max(float(share.mean()) for share in shares)

    def _without_texts(self, filled: int) -> Decision:
        """Cells of real kinds alone: the commonest rules, the rest are strays; dates take serials with them."""
        counts = self.counts
        if counts[DATE] and counts[NUMBER] and self._may_be_serials() and counts[DATE] >= STRAY * filled:
            return Decision("date", text("how_serials", count=int(counts[NUMBER])), serials=True)
        kinds = {NUMBER: "number", DATE: "date", TIME: "time", BOOLEAN: "boolean"}
        main = max(kinds, key=lambda kind: int(counts[kind]))
        if filled - counts[main] > STRAY * filled and not {DATE, TIME} >= {k for k in kinds if counts[k]}:
            doubt = ("doubt_mixed_kinds", {"name": self.name})
            return Decision("text", text("how_mixed"), doubt=doubt)
        if main == NUMBER and self._says_date():
            if self._may_be_serials():
                doubt = ("doubt_serial_dates", {"name": self.name})
                return Decision("date", text("how_serials", count=int(counts[NUMBER])), doubt=doubt, serials=True)
            if self._may_be_days():
                return Decision("date", text("how_days"), days=True)
        return Decision(kinds[main], text("how_kind", kind=text(f"kind_{kinds[main]}")))

    def _says_date(self) -> bool:
        return _DATED.search(self.name.strip()) is not None

    def _may_be_serials(self) -> bool:
        return all(
            bool(((values >= SERIALS[0]) & (values <= SERIALS[1])).all())
            for cells in self.chunks
            for values in (cells.values[cells.kinds == NUMBER],)
        )

    def _may_be_days(self) -> bool:
        """Numbers such as 20240131."""
        return all(days_written(cells.values[cells.kinds == NUMBER])[1] for cells in self.chunks)

    def _booleans(self, words: list[str], values: int) -> Decision | None:
        if self.counts[BOOLEAN] < values or self.counts[ERROR] > self.counts[TEXT]:
            return None
        if len(self.texts) > 200:
            return None
        read, sure = read_booleans(list(self.texts))
        if not sure and not (self.counts[BOOLEAN] and (read >= 0).all()):
            return None
        return Decision("boolean", text("how_words", words=listed(words[:4])), known=_booleans(list(self.texts)))

    def _numbers(self, words: list[str], values: int) -> Decision | None:
        counts = self.counts
        if counts[BOOLEAN] or (counts[DATE] + counts[TIME]) > STRAY * max(counts[NUMBER], 1):
            return None
        read = read_numbers(words, self.decimal)
        cells = np.array([self.texts[word] for word in words])
        shown = ~np.isnan(read.values)
        if read.codes.any() or (shown & _long(words)).any() or all(_MONTHS.fullmatch(word) for word in words):
            return None
        if not self.decimal and self._may_be_thousands(words):
            doubt = ("doubt_thousands", {"name": self.name, "found": next(w for w in words if "." in w)})
            return Decision("text", text("how_thousands"), doubt=doubt)
        good, other = int(cells[shown].sum()), int(cells[~shown].sum())
        if other > STRAY * (good + counts[NUMBER]):
            return None
        evident = bool(read.evident[shown].any())
        lengths = {len(word) for word, is_number in zip(words, shown, strict=True) if is_number}
        if counts[NUMBER]:
            sure = evident or self.free or not other or counts[NUMBER] >= MAJORITY * (good + counts[NUMBER])
        else:
            mostly = bool(cells[shown & read.evident].sum() >= MAJORITY * good) if other else evident
            sure = mostly or (not other and (self.free or len(lengths) > 1))
        if not sure:
            return None
        unit = read.units[0] if len(read.units) == 1 else ""
        key = "how_numbers_comma" if read.decimal == "," else "how_numbers"
        how = text(key, count=good) if good else text("how_kind", kind=text("kind_number"))
        return Decision("number", how, unit, known=_known(words, read.values))

    def _may_be_thousands(self, words: Sequence[str]) -> bool:
        """Whether every point in the texts may part thousands (1.200) as well as decimals, and nothing tells which."""
        dotted = [word for word in words if "." in word]
        if not dotted or not all(_THOUSANDS.fullmatch(word.strip()) for word in dotted):
            return False
        if any(word.count(".") > 1 for word in dotted) or any("," in word for word in words):
            return False  # that part is proof
        fractions = any(
            bool((values != np.round(values)).any())
            for cells in self.chunks
            for values in (cells.values[cells.kinds == NUMBER],)
        )
        return not fractions

    def _dates_of(self, words: list[str], values: int) -> Decision | None:
        counts = self.counts
        if counts[BOOLEAN] or counts[TIME] > STRAY * values:
            return None
        if counts[NUMBER] and not self._may_be_serials():
            return None
        dates = read_dates(words, self.order)
        cells = np.array([self.texts[word] for word in words])
        good = ~np.isnat(dates.values)
        if not good.any() and not dates.conflict:
            return None
        if dates.conflict and int(cells[~good].sum()) > STRAY * int(cells.sum()):
            doubt = (f"doubt_dates_{dates.conflict}", {"name": self.name, "found": dates.first})
            return Decision("text", text(f"how_dates_{dates.conflict}"), doubt=doubt)
        total = int(cells.sum() + counts[NUMBER] + counts[DATE])
        if STRAY * total < int(cells[~good].sum()) <= (1 - UNSURE_SHARE) * 2 * total:
            odd = next(word for word, is_date in zip(words, good, strict=True) if not is_date)
            return Decision("text", text("how_text"), doubt=("doubt_some_dates", {"name": self.name, "found": odd}))
        if int(cells[~good].sum()) > STRAY * total or (counts[NUMBER] and not counts[DATE] and good.sum() < len(words)):
            return None
        key = f"how_dates_{dates.order}" if dates.order else "how_dates"
        return self._dates(words, dates, text(key, count=int(cells[good].sum())))

    def _dates(self, words: list[str], dates: Dates, how: str) -> Decision:
        known = {word: value for word, value in zip(words, dates.values, strict=True) if not np.isnat(value)}
        serials = bool(self.counts[NUMBER]) and self._may_be_serials()
        return Decision("date", how, known=known, serials=serials)

    def _times(self, words: list[str], values: int) -> Decision | None:
        counts = self.counts
        if counts[BOOLEAN] or counts[DATE] or counts[NUMBER] > STRAY * values:
            return None
        read = read_times(words)
        cells = np.array([self.texts[word] for word in words])
        good = ~np.isnan(read)
        if int(cells[~good].sum()) > STRAY * int(cells.sum() + counts[TIME]) or not good.any():
            return None
        return Decision("time", text("how_times", count=int(cells[good].sum())), known=_known(words, read))

    def _text(self) -> Decision:
        """Words; numbers among them are shown as they stand."""
        doubt = None
        numbers = int(self.counts[NUMBER])
        if numbers and numbers >= MAJORITY * self.counts[[NUMBER, TEXT]].sum() and self.counts[TEXT] > 0:
            codes = len(self.texts) <= SAMPLE and bool(read_numbers(list(self.texts)).codes.any())
            if not codes:
                doubt = ("doubt_mixed_kinds", {"name": self.name})
        return Decision("text", text("how_text"), doubt=doubt)


def _known(words: Sequence[str], values: npt.NDArray[np.float64]) -> dict[str, float]:
    return {word: value for word, value in zip(words, values.tolist(), strict=True) if value == value}


def _booleans(words: Sequence[str]) -> dict[str, bool]:
    values, _ = read_booleans(words)
    return {word: bool(value) for word, value in zip(words, values.tolist(), strict=True) if value >= 0}


def _long(words: Sequence[str]) -> Mask:
    """Texts of more than 15 digits, which a number cannot hold."""
    return np.array([len(word) > 15 and sum(map(str.isdigit, word)) > 15 for word in words], bool)


def _beyond_digits(chunks: Sequence[Cells]) -> int:
    """How many whole numbers have more digits than Excel keeps: their last ones are lost."""
    return sum(
        int(((np.abs(values) >= 1e15) & (np.abs(values) < 1e25) & (values == np.round(values))).sum())
        for cells in chunks
        for values in (cells.values[cells.kinds == NUMBER],)
    )


def _all_whole(decision: Decision, chunks: Sequence[Cells]) -> bool:
    """Whether every number is whole and exact, so that the column can be int64."""
    known = np.array(list(decision.known.values()) or [0.0], np.float64)
    arrays = (known, *(cells.values[cells.kinds == NUMBER] for cells in chunks))
    return all(bool(((each == np.round(each)) & (np.abs(each) < 2**53)).all()) for each in arrays)


def _longer_than_a_day(decision: Decision, chunks: Sequence[Cells]) -> bool:
    known = np.array(list(decision.known.values()) or [0.0], np.float64)
    arrays = (known, *(cells.values[cells.kinds == TIME] for cells in chunks))
    return any(bool(((each >= 1) | (each < 0)).any()) for each in arrays)
