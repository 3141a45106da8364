"""A source's cells in the type that was decided for their column; and cells as a person sees them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from xltrain.data.parse import MISSING, folded, is_missing
from xltrain.data.part import Cells
from xltrain.data.values import words
from xltrain.excel.grid import BLANK, BOOLEAN, DATE, ERROR, NUMBER, TEXT, TIME
from xltrain.excel.write import EPOCH

# Texts that are no value in any column, of words too; others (`无`, `?`) may be a category.
NOTHING = frozenset(("", "-", "--", "---", "—", "–", "…", "...", "n/a", "#n/a", "nan", "null"))


Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Oddity:
    """Cells of one source that were not taken as they stood: positions, and what was done for which reason."""

    rows: npt.NDArray[np.int64]
    action: str  # coerced | error
    reason: str  # key of a message


@dataclass(frozen=True)
class Cast:
    """A source's cells in the type of the column. `strays` are the positions of cells of another kind, now empty."""

    array: Any
    oddities: list[Oddity]
    strays: npt.NDArray[np.int64]


@dataclass(eq=False)
class Decision:
    """A column's type, and what its texts mean.

    `how` is a sentence; `doubt` the key and values of a message where the type is not sure.
    """

    type: str  # number | date | time | boolean | text | empty
    how: str = ""
    unit: str = ""
    doubt: tuple[str, Mapping[str, str]] | None = None
    whole: bool = False
    durations: bool = False
    serials: bool = False  # plain numbers are dates
    days: bool = False  # numbers such as 20240131 are dates
    known: Mapping[str, Any] = field(default_factory=dict)  # text -> value in the column's type
    missing: frozenset[str] = frozenset()  # folded texts that a person calls missing
    sentinels: tuple[float, ...] = ()

    @property
    def arrow(self) -> Any:
        """The Arrow type of the column."""
        if self.type == "number":
            return pa.int64() if self.whole else pa.float64()
        if self.type == "time":
            return pa.duration("us") if self.durations else pa.time64("us")
        return {"date": pa.timestamp("us"), "boolean": pa.bool_()}.get(self.type, pa.string())

    def cast(self, cells: Cells) -> Cast:
        """A source's cells as an Arrow array: int64, float64, timestamp, time64, duration, bool or string."""
        oddities: list[Oddity] = []
        gone = self.named_missing(cells)
        if gone.any():
            oddities.append(Oddity(np.flatnonzero(gone), "coerced", "change_named_missing"))
        kinds = np.where(gone, BLANK, cells.kinds)
        does = {"number": _as_numbers, "date": _as_dates, "time": _as_times, "boolean": _as_booleans}
        found = does.get(self.type, _as_text)(self, cells, kinds)
        lost = np.flatnonzero(found.stray & (kinds != ERROR))
        for mask, action, reason in (
            (found.turned, "coerced", found.reason),
            (found.missing, "coerced", "change_missing_word"),
        ):
            if mask is not None and mask.any():
                oddities.append(Oddity(np.flatnonzero(mask), action, reason))
        if len(lost):
            reasons = {"number": "change_no_number", "date": "change_no_date", "time": "change_no_time"}
            oddities.append(Oddity(lost, "error", reasons.get(self.type, "change_no_boolean")))
        return Cast(found.array, oddities, lost)

    def named_missing(self, cells: Cells) -> Mask:
        found = np.zeros(len(cells), bool)
        if self.sentinels:
            found |= (cells.kinds == NUMBER) & np.isin(cells.values, self.sentinels)
        if self.missing and len(cells.words):
            named = np.array([folded(word) in self.missing for word in cells.distinct], bool)
            found |= (cells.kinds == TEXT) & (cells.codes >= 0) & named[cells.codes]
        return found


@dataclass
class _Read:
    """What a cast gives: the array, cells that are of another kind, texts that were turned, words for nothing."""

    array: Any
    stray: Mask
    turned: Mask | None = None
    missing: Mask | None = None
    reason: str = "change_text_number"


def days_written(values: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.datetime64], bool]:
    """Numbers such as 20240131 as days; and whether all of them are some."""
    plain = np.where((values >= 19000101) & (values <= 21001231) & (values == np.round(values)), values, 0)
    whole = plain.astype(np.int64)
    year, month, day = whole // 10_000, whole // 100 % 100, whole % 100
    good = (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)
    months = (np.where(good, year, 1970) - 1970) * 12 + np.where(good, month, 1) - 1
    found = months.astype("datetime64[M]").astype("datetime64[D]") + (np.where(good, day, 1) - 1)
    good &= found.astype("datetime64[M]").astype(np.int64) == months
    return found.astype("datetime64[us]"), bool(good.all())


def _of_words(cells: Cells, known: Mapping[str, Any], empty: Any, dtype: Any) -> Any:
    """For every row the value of its text, `empty` where it has none: shape (rows,)."""
    values = np.array([*(known.get(word, empty) for word in cells.distinct), empty], dtype)
    return values[cells.codes]  # -1 takes the last


def _missing(cells: Cells, kinds: npt.NDArray[np.uint8], words: frozenset[str] | None = None) -> Mask:
    """Texts that stand for no value."""
    known = MISSING if words is None else words
    longest = max(len(word) if word.isascii() else 4 * len(word) for word in known)
    short = pc.less_equal(pc.utf8_length(pc.utf8_trim_whitespace(cells.words)), longest)  # few are worth a look
    at = np.flatnonzero(short.to_numpy(zero_copy_only=False))
    some = cells.words.take(pa.array(at)).to_pylist()
    flags = np.zeros(len(cells.words) + 1, bool)
    flags[at] = [is_missing(word) if words is None else folded(word) in words for word in some]
    found: Mask = (kinds == TEXT) & flags[cells.codes] if flags.any() else np.zeros(len(cells), bool)
    return found


def _with_texts(
    decision: Decision, cells: Cells, kinds: npt.NDArray[np.uint8], found: Any
) -> tuple[Any, Mask, Mask, Mask]:
    """Values with those that texts show; and which cells are such texts, words for nothing, and of another kind.

    `found` (rows,) is float64 or datetime64, NaN or NaT where a cell is not of the column's own kind.
    """
    dated = found.dtype.kind == "M"
    lacks, none = (np.isnat, np.datetime64("NaT", "us")) if dated else (np.isnan, np.nan)
    by_text = missing = np.zeros(len(cells), bool)
    if len(cells.words):
        from_text = _of_words(cells, decision.known, none, found.dtype)
        by_text = (kinds == TEXT) & ~lacks(from_text)
        found = np.where(by_text, from_text, found)
        missing = _missing(cells, kinds) & ~by_text
    return found, by_text, missing, (kinds != BLANK) & lacks(found) & ~missing


def _as_numbers(decision: Decision, cells: Cells, kinds: npt.NDArray[np.uint8]) -> _Read:
    own = np.where(kinds == NUMBER, cells.values, np.nan)
    values, by_text, missing, stray = _with_texts(decision, cells, kinds, own)
    array: Any = pa.array(values, pa.float64(), from_pandas=True)
    if decision.whole:
        array = pc.cast(array, pa.int64(), safe=False)
    return _Read(array, stray, None if cells.free else by_text, missing)


def _as_dates(decision: Decision, cells: Cells, kinds: npt.NDArray[np.uint8]) -> _Read:
    numbers = (kinds == NUMBER) & (decision.serials or decision.days)
    own = np.full(len(cells), np.datetime64("NaT", "us"))
    serial = (kinds == DATE) | (numbers if decision.serials else False)
    serial &= (cells.values > -657_434) & (cells.values < 2_958_466)
    own[serial] = _moments(cells.values[serial])
    if decision.days:
        own[numbers] = days_written(cells.values[numbers])[0]
    found, by_text, missing, stray = _with_texts(decision, cells, kinds, own)
    turned = (by_text & (not cells.free)) | (numbers & (not decision.days))
    return _Read(pa.array(found), stray, turned, missing, "change_text_date")


def _moments(days: npt.NDArray[np.float64]) -> Any:
    """Days since 1899-12-30 as datetime64[us], to the millisecond."""
    return (np.round((days - EPOCH) * 86_400_000).astype(np.int64) * 1000).astype("datetime64[us]")


def _as_times(decision: Decision, cells: Cells, kinds: npt.NDArray[np.uint8]) -> _Read:
    own = np.where(kinds == TIME, cells.values, np.nan)
    values, by_text, missing, stray = _with_texts(decision, cells, kinds, own)
    empty = np.isnan(values)
    micro = np.round(np.where(empty, 0, values) * 86_400_000).astype(np.int64) * 1000
    if decision.durations:
        array: Any = pa.array(micro, pa.int64(), mask=empty).cast(pa.duration("us"))
    else:
        array = pa.array(np.minimum(micro, 86_399_999_999), pa.int64(), mask=empty).cast(pa.time64("us"))
    return _Read(array, stray, None if cells.free else by_text, missing, "change_text_time")


def _as_booleans(decision: Decision, cells: Cells, kinds: npt.NDArray[np.uint8]) -> _Read:
    own = (kinds == BOOLEAN) | ((kinds == NUMBER) & np.isin(cells.values, (0, 1)))
    found, _, missing, stray = _with_texts(decision, cells, kinds, np.where(own, cells.values, np.nan))
    return _Read(pa.array(found > 0, pa.bool_(), mask=np.isnan(found)), stray, None, missing)


def _as_text(decision: Decision, cells: Cells, kinds: npt.NDArray[np.uint8]) -> _Read:
    gone = _missing(cells, kinds, NOTHING) if len(cells.words) else np.zeros(len(cells), bool)
    texted = (kinds == TEXT) & ~gone
    array: Any = pa.nulls(len(cells), pa.string())
    if len(cells.words):
        array = cells.words.take(pa.array(np.maximum(cells.codes, 0), mask=~texted))
    for kind in (NUMBER, DATE, TIME, BOOLEAN):
        mask = kinds == kind
        if mask.any():
            array = pc.if_else(pa.array(mask), shown(kind, cells.values), array)
    none = np.zeros(len(cells), bool)
    return _Read(array, none, None, gone)


def shown(kind: int, values: npt.NDArray[np.float64]) -> Any:
    """Values of one kind as texts: 5, 0.1, 2024-01-31, 13:45:00, true."""
    if kind == BOOLEAN:
        return pc.cast(pa.array(values > 0), pa.string())
    if kind == DATE:
        inside = np.where((values > -657_434) & (values < 2_958_466), values, 0)
        return words(pa.array(_moments(inside)))
    if kind == TIME:
        seconds = np.round(np.where(np.isfinite(values), values, 0) * 86_400).astype(np.int64)
        hours, rest = seconds // 3600, seconds % 3600
        parts = [pc.utf8_lpad(pc.cast(pa.array(each), pa.string()), 2, "0") for each in (hours, rest // 60, rest % 60)]
        return pc.binary_join_element_wise(*parts, ":")
    return words(pa.array(values))


def as_texts(cells: Cells) -> Any:
    """Every cell as a person sees it, for the list of what was changed; null where blank."""
    array: Any = pa.nulls(len(cells), pa.string())
    if len(cells.words):
        array = cells.words.take(pa.array(np.maximum(cells.codes, 0), mask=cells.codes < 0))
    for kind in (NUMBER, DATE, TIME, BOOLEAN):
        mask = cells.kinds == kind
        if mask.any():
            array = pc.if_else(pa.array(mask), shown(kind, cells.values), array)
    return array
