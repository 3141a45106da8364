"""Values as the XML of cells: whole columns at once through Arrow, single ones by themselves."""

import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xltrain.excel.markup import name_of, plain

Value = str | float | int | bool | datetime.datetime | datetime.date | None

LONGEST = 32_767  # characters of a cell
_DAY = 86_400_000_000  # microseconds
_EPOCH, _EPOCH_1904 = 25_569, 24_107  # 1970-01-01 as a serial
_ODD = "[\x00-\x08\x0b-\x1f\ufffe\uffff]|_x[0-9A-Fa-f]{4}_"


def as_array(values: Any) -> Any:
    """Values as one Arrow array; a list of several kinds stays a list."""
    if isinstance(values, pa.ChunkedArray):
        return values.combine_chunks() if values.num_chunks != 1 else values.chunk(0)
    if isinstance(values, pa.Array):
        return values
    if hasattr(values, "to_numpy") and not isinstance(values, np.ndarray):
        values = values.to_numpy()
    try:
        return pa.array(values, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        return [None if value != value else value for value in values]


def kind_of(values: Any) -> str:
    """number | date | text: what a column's cells need a number format for."""
    if isinstance(values, list):
        return "text"
    if pa.types.is_temporal(values.type):
        return "date"
    plain_number = pa.types.is_integer(values.type) or pa.types.is_floating(values.type)
    return "number" if plain_number or pa.types.is_decimal(values.type) else "text"


def serial(value: datetime.date, date1904: bool = False) -> float:
    """A date as Excel counts it."""
    moment = value if isinstance(value, datetime.datetime) else datetime.datetime(value.year, value.month, value.day)
    epoch = datetime.datetime(1904, 1, 1) if date1904 else datetime.datetime(1899, 12, 30)
    return (moment.replace(tzinfo=None) - epoch) / datetime.timedelta(days=1)


def cell_content(value: Value, prefix: str, date1904: bool) -> tuple[str, str]:
    """The attribute t and the inner XML of a cell with this value; both empty for an empty one."""
    if value is None or value != value:
        return "", ""
    v = name_of(prefix, "v")
    if isinstance(value, bool | np.bool_):
        return "b", f"<{v}>{int(value)}</{v}>"
    if isinstance(value, datetime.date):
        return "", f"<{v}>{serial(value, date1904)!r}</{v}>"
    if isinstance(value, int | float | np.integer | np.floating):
        number = float(value)
        shown = repr(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)
        return ("", f"<{v}>{shown}</{v}>") if np.isfinite(number) else ("", "")
    return "inlineStr", inline(prefix, plain(str(value)[:LONGEST]))


def cell(address: str, style: int, value: Value, prefix: str, date1904: bool = False) -> str:
    """A whole cell; an empty one with a style is written too."""
    kind, inside = cell_content(value, prefix, date1904)
    c = name_of(prefix, "c")
    start = f'<{c} r="{address}"' + (f' s="{style}"' if style else "") + (f' t="{kind}"' if kind else "")
    return f"{start}>{inside}</{c}>" if inside else f"{start}/>"


def inline(prefix: str, shown: str) -> str:
    around, inside = name_of(prefix, "is"), name_of(prefix, "t")
    return f'<{around}><{inside} xml:space="preserve">{shown}</{inside}></{around}>'


def shown_as(values: Any, date1904: bool = False) -> tuple[str, Any, bool]:
    """The attribute t, the values as XML text (null where empty), and whether they are texts."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        values, kind = values.cast(kind.value_type), kind.value_type
    if pa.types.is_null(kind):
        return "", pa.nulls(len(values), pa.string()), False
    if pa.types.is_boolean(kind):
        return "b", pc.if_else(values, "1", "0"), False
    if pa.types.is_integer(kind):
        return "", pc.cast(values, pa.string()), False
    if pa.types.is_temporal(kind):
        return "", _numbers(_serials(values, date1904)), False
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "", _numbers(pc.cast(values, pa.float64())), False
    return "inlineStr", _texts(pc.cast(values, pa.string())), True


def _numbers(values: Any) -> Any:
    finite = pc.if_else(pc.is_finite(values), values, pa.scalar(None, pa.float64()))
    return pc.cast(finite, pa.string())


def _serials(values: Any, date1904: bool) -> Any:
    """Dates and times as days."""
    kind = values.type
    if pa.types.is_duration(kind) or pa.types.is_time(kind):
        unit = pa.duration("us") if pa.types.is_duration(kind) else pa.time64("us")
        return pc.divide(pc.cast(pc.cast(pc.cast(values, unit), pa.int64()), pa.float64()), float(_DAY))
    counted = pc.cast(pc.cast(pc.cast(values, pa.timestamp("us"), safe=False), pa.int64()), pa.float64())
    return pc.add(pc.divide(counted, float(_DAY)), float(_EPOCH_1904 if date1904 else _EPOCH))


def _texts(values: Any) -> Any:
    """Texts escaped as XML holds them."""
    values = pc.utf8_slice_codeunits(values, 0, LONGEST)
    for sign, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        values = pc.replace_substring(values, sign, entity)
    odd = pc.fill_null(pc.match_substring_regex(values, _ODD), False)
    if pc.any(odd).as_py():
        import html

        fixed = [plain(html.unescape(word)) for word in values.filter(odd).to_pylist()]
        values = pc.replace_with_mask(values, odd, pa.array(fixed, pa.string()))
    return values
