"""Arrow columns as plain arrays: numbers, words, days. Vectorised; nothing here knows what a column is for."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Floats = npt.NDArray[np.float64]

_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
_DAY = 86_400_000_000  # microseconds


def numbers(column: Any) -> Floats:
    """Any column as float64, NaN where it has no finite number; texts are read as numbers where they are one."""
    column = _plain(column)
    kind = column.type
    if pa.types.is_null(kind):
        return np.full(len(column), np.nan)
    if pa.types.is_temporal(kind):
        return days(column)
    if _is_text(kind):
        column = pc.utf8_trim_whitespace(column)
        column = pc.if_else(pc.match_substring_regex(column, _NUMBER), column, pa.scalar(None, column.type))
    if pa.types.is_boolean(kind):
        column = pc.cast(column, pa.int8())
    values = np.array(pc.cast(column, pa.float64(), safe=False).to_numpy(zero_copy_only=False), np.float64)
    values[~np.isfinite(values)] = np.nan
    return values


def words(column: Any) -> Any:
    """Any column as an Arrow array of strings, null where empty; whole numbers without their `.0`."""
    column = _plain(column)
    kind = column.type
    if pa.types.is_null(kind):
        return pa.nulls(len(column), pa.string())
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        column = pc.cast(column, pa.float64())
        finite = pc.fill_null(pc.is_finite(column), False)
        column = pc.if_else(finite, column, pa.scalar(None, pa.float64()))
        whole = pc.fill_null(pc.and_(pc.equal(column, pc.round(column)), pc.less(pc.abs(column), 1e15)), False)
        as_whole = pc.cast(pc.cast(pc.if_else(whole, column, 0.0), pa.int64()), pa.string())
        return pc.if_else(whole, as_whole, pc.cast(column, pa.string()))
    if _is_text(kind):
        column = pc.utf8_trim_whitespace(pc.cast(column, pa.string()))
        return pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)
    if pa.types.is_timestamp(kind):
        column = pc.cast(pc.cast(column, pa.timestamp("s"), safe=False), pa.string())
        return pc.replace_substring_regex(column, r"[ T]00:00:00$", "")  # a day alone, where there is no time
    if pa.types.is_time(kind):
        return pc.replace_substring_regex(pc.cast(column, pa.string()), r"\.0+$", "")
    if pa.types.is_duration(kind):
        return _clock(column)
    return pc.cast(column, pa.string())


def _clock(column: Any) -> Any:
    """Durations as hours, minutes and seconds: 26:30:00."""
    seconds = pc.divide(pc.cast(pc.cast(column, pa.duration("us"), safe=False), pa.int64()), 1_000_000)
    sign = pc.if_else(pc.less(seconds, 0), "-", "")
    whole = pc.abs(seconds)
    minutes = pc.divide(whole, 60)
    rest = [pc.divide(minutes, 60), pc.subtract(minutes, pc.multiply(pc.divide(minutes, 60), 60))]
    parts = [*rest, pc.subtract(whole, pc.multiply(minutes, 60))]
    shown = [pc.utf8_lpad(pc.cast(each, pa.string()), 2, "0") for each in parts]
    return pc.binary_join_element_wise(sign, pc.binary_join_element_wise(*shown, ":"), "")


def days(column: Any) -> Floats:
    """Dates as days since 1970, times of day as a share of a day, durations as days; NaN where empty."""
    column = _plain(column)
    kind = column.type
    if _is_text(kind):
        column = pc.strptime(
            pc.utf8_slice_codeunits(pc.utf8_trim_whitespace(column), 0, 10), "%Y-%m-%d", "us", error_is_null=True
        )
    elif pa.types.is_time(kind):
        column = pc.cast(pc.cast(pc.cast(column, pa.time64("us")), pa.int64()), pa.float64())
        return np.array(column.to_numpy(zero_copy_only=False), np.float64) / _DAY
    elif pa.types.is_duration(kind):
        column = pc.cast(pc.cast(pc.cast(column, pa.duration("us"), safe=False), pa.int64()), pa.float64(), safe=False)
        return np.array(column.to_numpy(zero_copy_only=False), np.float64) / _DAY
    elif not pa.types.is_temporal(kind):
        return numbers(column)
    stamps = pc.cast(pc.cast(pc.cast(column, pa.timestamp("us"), safe=False), pa.int64()), pa.float64(), safe=False)
    return np.array(stamps.to_numpy(zero_copy_only=False), np.float64) / _DAY


def empty(column: Any) -> npt.NDArray[np.bool_]:
    """True where a column has no value: shape (rows,)."""
    column = _plain(column)
    if _is_text(column.type):
        column = words(column)
    return np.array(pc.is_null(column, nan_is_null=True).to_numpy(zero_copy_only=False), bool)


def _plain(column: Any) -> Any:
    """One Arrow array, dictionaries decoded, texts in the form that every function knows."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
        if isinstance(column, pa.ChunkedArray):  # older pyarrow keeps one for some types
            column = pa.concat_arrays(column.chunks)
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return column.cast(pa.string()) if pa.types.is_string_view(column.type) else column


def _is_text(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
