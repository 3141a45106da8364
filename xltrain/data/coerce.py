"""One type for a column over all its sources, and what had to be changed for it.

A text becomes a number only where the column holds real numbers elsewhere (in .csv files, where everything is text, the
look of the values decides); codes with leading zeros and digits beyond 15 stay text.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from xltrain.data.values import words
from xltrain.excel.read import BOOLEAN, DATE, NUMBER, TEXT

MISSING = frozenset(
    ("-", "--", "---", "—", "–", "/", "\\", "?", "…", "...", "n/a", "na", "#n/a", "nan", "null", "none", "nil")
) | frozenset(("无", "缺", "缺失", "空", "未知", "暂无", "不详", "没有"))
MAJORITY = 0.5  # of the values are real numbers: then texts that look like numbers are numbers too
STRAY = 0.1  # at most this share of other texts leaves a column a column of numbers
_PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.I)
_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")
_CODE = re.compile(r"[+-]?0\d+|\d{16,}")
_DATE = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[ T]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?)?")


@dataclass(frozen=True)
class Chunk:
    """The values of one column in one source, kept rows alone; `kinds` as in excel.read, None where all are alike."""

    values: Any
    kinds: npt.NDArray[np.int8] | None
    free: bool = False  # from a file in which everything is text


@dataclass(frozen=True)
class Oddity:
    """Cells of one chunk that were not taken as they stood: positions, and what became of each distinct text."""

    chunk: int
    rows: npt.NDArray[np.int64]
    action: str  # coerced | error
    reason: str  # key of a message


@dataclass(frozen=True)
class Settled:
    """A column of one type: one array per chunk, and what was changed. `strays` are texts in a column of numbers."""

    type: str  # number | date | boolean | text | empty
    arrays: list[Any]
    oddities: list[Oddity]
    strays: tuple[tuple[int, int], ...] = ()  # (chunk, row)


def settle(chunks: Sequence[Chunk], wanted: str = "", missing: Sequence[str] = ()) -> Settled:
    """Decide the type of a column, or take the `wanted` one of a job, and cast every chunk to it."""
    named = frozenset(_folded(word) for word in missing)
    oddities: list[Oddity] = []
    chunks = [_without(chunk, index, named, oddities) for index, chunk in enumerate(chunks)]
    counts = np.sum([_count(chunk) for chunk in chunks], axis=0) if chunks else np.zeros(5, np.int64)
    texts = {word for chunk in chunks for word in _texts(chunk)}
    free = all(chunk.free or not _count(chunk)[TEXT] for chunk in chunks)
    numbers = {word: value for word in texts if (value := number_in(word)) is not None}
    kind = _decide(counts, texts, numbers, wanted, free, chunks)
    cast = {"number": _numbers, "date": _dates, "boolean": _booleans, "text": _as_text, "empty": _as_text}[kind]
    arrays, strays = [], []
    for index, chunk in enumerate(chunks):
        array, stray = cast(chunk, index, numbers, oddities)
        arrays.append(array)
        strays += [(index, int(row)) for row in stray]
    if kind == "number":
        arrays = _whole(arrays)
    return Settled(kind, arrays, oddities, tuple(strays))


def number_in(word: str) -> float | None:
    """The number that a text shows, or None: 1,234.5  ￥12  12%  (300)  full-width digits; no codes."""
    plain = unicodedata.normalize("NFKC", word).strip().replace(" ", "").replace("−", "-")
    negative = plain.startswith("(") and plain.endswith(")")
    plain = plain[1:-1] if negative else plain
    plain = re.sub(r"^([+-]?)[¥$€£元]", r"\1", plain).removesuffix("元")
    percent = plain.endswith("%")
    plain = plain.removesuffix("%")
    if _CODE.fullmatch(plain):
        return None
    if _GROUPED.fullmatch(plain):
        plain = plain.replace(",", "")
    if not _PLAIN.fullmatch(plain):
        return None
    value = float(plain) * (0.01 if percent else 1.0)
    return -value if negative else value


def _decide(
    counts: npt.NDArray[np.int64],
    texts: set[str],
    numbers: Mapping[str, float],
    wanted: str,
    free: bool,
    chunks: Sequence[Chunk],
) -> str:
    if wanted:
        return {"numeric": "number", "date": "date", "boolean": "boolean"}.get(wanted, "text")
    if not counts[1:].sum():
        return "empty"
    words_left = {word for word in texts if _folded(word) not in MISSING}
    if not counts[TEXT] or not words_left:
        only = [kind for kind in (NUMBER, BOOLEAN, DATE) if counts[kind]]
        if len(only) == 1:
            return {NUMBER: "number", BOOLEAN: "boolean", DATE: "date"}[only[0]]
        return "text"
    other = words_left - numbers.keys()
    if not counts[BOOLEAN] and not counts[DATE]:
        if free and not counts[NUMBER] and not other:
            return "number"
        if counts[NUMBER] and not other and counts[NUMBER] >= MAJORITY * _rows_of(chunks, words_left):
            return "number"
        if counts[NUMBER] and other and _rows_of(chunks, other) <= STRAY * counts[NUMBER]:
            return "number" if not any(_CODE.fullmatch(word) for word in other) else "text"
    if not counts[NUMBER] and not counts[BOOLEAN] and (counts[DATE] or free) and all(map(_date_in, words_left)):
        return "date"
    return "text"


def _count(chunk: Chunk) -> npt.NDArray[np.int64]:
    """How many cells of each kind."""
    if chunk.kinds is not None:
        return np.bincount(chunk.kinds, minlength=5)[:5]
    counts = np.zeros(5, np.int64)
    counts[_kind_of(chunk.values.type)] = len(chunk.values) - chunk.values.null_count
    return counts


def _kind_of(kind: Any) -> int:
    if pa.types.is_boolean(kind):
        return BOOLEAN
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return DATE
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return TEXT
    return NUMBER


def _texts(chunk: Chunk) -> list[str]:
    """The distinct texts of a chunk."""
    if _kind_of(chunk.values.type) != TEXT:
        return []
    values = chunk.values
    if chunk.kinds is not None:
        values = values.filter(pa.array(chunk.kinds == TEXT))
    return [word for word in pc.unique(values).to_pylist() if word is not None]


def _rows_of(chunks: Sequence[Chunk], texts: set[str]) -> int:
    """How many cells hold one of these texts."""
    wanted = pa.array(sorted(texts), pa.string())
    total = 0
    for chunk in chunks:
        if _kind_of(chunk.values.type) == TEXT:
            hit = pc.is_in(chunk.values, value_set=wanted.cast(chunk.values.type))
            mask = np.asarray(hit.to_numpy(zero_copy_only=False), bool)
            total += int((mask if chunk.kinds is None else mask & (chunk.kinds == TEXT)).sum())
    return total


def _without(chunk: Chunk, index: int, named: frozenset[str], oddities: list[Oddity]) -> Chunk:
    """The chunk with the values that a job calls missing taken out."""
    if not named or not len(chunk.values):
        return chunk
    shown = words(chunk.values)
    distinct = [word for word in pc.unique(shown).to_pylist() if word is not None]
    gone = [word for word in distinct if _folded(word) in named or _same_number(word, named)]
    if not gone:
        return chunk
    mask = np.asarray(pc.is_in(shown, value_set=pa.array(gone, pa.string())).to_numpy(zero_copy_only=False), bool)
    oddities.append(Oddity(index, np.flatnonzero(mask), "coerced", "change_named_missing"))
    values = pc.if_else(pa.array(mask), pa.scalar(None, chunk.values.type), chunk.values)
    return Chunk(values, None if chunk.kinds is None else np.where(mask, 0, chunk.kinds).astype(np.int8), chunk.free)


def _same_number(word: str, named: frozenset[str]) -> bool:
    value = number_in(word)
    return value is not None and any(number_in(each) == value for each in named)


Cast = tuple[Any, npt.NDArray[np.int64]]
_NOTHING = np.zeros(0, np.int64)


def _numbers(chunk: Chunk, index: int, numbers: Mapping[str, float], oddities: list[Oddity]) -> Cast:
    """As float64; texts by `numbers`, missing words empty, others strays."""
    values = chunk.values
    kind = _kind_of(values.type)
    if kind != TEXT:
        if pa.types.is_duration(values.type) or pa.types.is_time(values.type):
            unit = pa.int64() if not pa.types.is_time32(values.type) else pa.int32()
            scale = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}[values.type.unit] * 86_400
            return pc.divide(pc.cast(pc.cast(values, unit), pa.float64()), scale), _NOTHING
        if kind == DATE:
            lost = np.flatnonzero(np.asarray(pc.is_valid(values).to_numpy(zero_copy_only=False), bool))
            return pa.nulls(len(values), pa.float64()), lost
        return pc.cast(pc.cast(values, pa.int8()) if kind == BOOLEAN else values, pa.float64(), safe=False), _NOTHING
    distinct = values.dictionary_encode()
    known = distinct.dictionary.to_pylist()
    as_number = np.array([_plain_number(word, numbers) for word in known] or [np.nan])
    codes = np.asarray(pc.fill_null(distinct.indices, -1).to_numpy(zero_copy_only=False), np.int64)
    found = np.where(codes >= 0, as_number[codes], np.nan)
    was_text = codes >= 0 if chunk.kinds is None else chunk.kinds == TEXT
    missing = np.array([_folded(word) in MISSING for word in known] or [False])
    gone = was_text & (codes >= 0) & missing[codes]
    stray = (codes >= 0) & np.isnan(found) & ~gone
    turned = was_text & ~np.isnan(found)
    if turned.any() and not chunk.free:
        oddities.append(Oddity(index, np.flatnonzero(turned), "coerced", "change_text_number"))
    if gone.any():
        oddities.append(Oddity(index, np.flatnonzero(gone), "coerced", "change_missing_word"))
    if stray.any():
        oddities.append(Oddity(index, np.flatnonzero(stray), "error", "change_no_number"))
    return pa.array(found, pa.float64(), from_pandas=True), np.flatnonzero(stray)


def _plain_number(word: str, numbers: Mapping[str, float]) -> float:
    value = numbers.get(word)
    value = number_in(word) if value is None else value
    return np.nan if value is None else value


def _dates(chunk: Chunk, index: int, numbers: Mapping[str, float], oddities: list[Oddity]) -> Cast:
    """As timestamps; ISO and Chinese texts read, others strays."""
    values, kind = chunk.values, _kind_of(chunk.values.type)
    if kind == DATE:
        return pc.cast(values, pa.timestamp("us"), safe=False), _NOTHING
    if kind != TEXT:
        lost = np.flatnonzero(np.asarray(pc.is_valid(values).to_numpy(zero_copy_only=False), bool))
        return pa.nulls(len(values), pa.timestamp("us")), lost
    distinct = values.dictionary_encode()
    read = pa.array([_date_in(word) for word in distinct.dictionary.to_pylist()], pa.timestamp("us"))
    found = read.take(distinct.indices)
    given = np.asarray(pc.is_valid(values).to_numpy(zero_copy_only=False), bool)
    good = np.asarray(pc.is_valid(found).to_numpy(zero_copy_only=False), bool)
    was_text = given if chunk.kinds is None else chunk.kinds == TEXT
    blank = np.array([_folded(word or "") in MISSING for word in values.to_pylist()], bool)
    if (was_text & good).any() and not chunk.free:
        oddities.append(Oddity(index, np.flatnonzero(was_text & good), "coerced", "change_text_date"))
    if (given & ~good & blank).any():
        oddities.append(Oddity(index, np.flatnonzero(given & ~good & blank), "coerced", "change_missing_word"))
    stray = np.flatnonzero(given & ~good & ~blank)
    if len(stray):
        oddities.append(Oddity(index, stray, "error", "change_no_date"))
    return found, stray


def _booleans(chunk: Chunk, index: int, numbers: Mapping[str, float], oddities: list[Oddity]) -> Cast:
    if _kind_of(chunk.values.type) == BOOLEAN:
        return chunk.values, _NOTHING
    known = {**dict.fromkeys(("true", "yes", "y", "1", "是", "对", "有", "√", "✓"), True)}
    known |= dict.fromkeys(("false", "no", "n", "0", "否", "错", "无", "×", "✗"), False)
    shown = words(chunk.values)
    read = [None if word is None else known.get(_folded(word)) for word in shown.to_pylist()]
    stray = np.flatnonzero(
        [word is not None and value is None for word, value in zip(shown.to_pylist(), read, strict=True)]
    )
    if len(stray):
        oddities.append(Oddity(index, stray, "error", "change_no_boolean"))
    return pa.array(read, pa.bool_()), stray


def _as_text(chunk: Chunk, index: int, numbers: Mapping[str, float], oddities: list[Oddity]) -> Cast:
    return words(chunk.values), _NOTHING


def _whole(arrays: list[Any]) -> list[Any]:
    """As int64 where every number is whole and exact."""
    for array in arrays:
        values = np.asarray(array.to_numpy(zero_copy_only=False), np.float64)
        known = values[~np.isnan(values)]
        if not ((known == np.round(known)) & (np.abs(known) < 2**53)).all():
            return arrays
    return [pc.cast(array, pa.int64(), safe=False) for array in arrays]


def _date_in(word: str | None) -> Any:
    """The moment that a text shows, year first; None where it shows none."""
    import datetime

    found = _DATE.fullmatch(unicodedata.normalize("NFKC", word or "").strip())
    if not found:
        return None
    try:
        year, month, day, *rest = (int(part or 0) for part in found.groups())
        return datetime.datetime(year, month, day, rest[0], rest[1], rest[2])
    except ValueError:
        return None


def _folded(word: str) -> str:
    return unicodedata.normalize("NFKC", word).strip().casefold()
