"""Values as the XML of cells: whole columns at once through Arrow, single ones for an edit."""

import datetime
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from xltrain.excel.patch.markup import name_of, plain
from xltrain.excel.patch.model import NewColumn, Value
from xltrain.place import column_letter

Rows = npt.NDArray[np.int64]

CHUNK = 16_384  # rows made into text at a time
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
    return "inlineStr", _inline(prefix, plain(str(value)[:LONGEST]))


def cell(address: str, style: int, value: Value, prefix: str, date1904: bool = False) -> str:
    """A whole cell; an empty one with a style is written too."""
    kind, inside = cell_content(value, prefix, date1904)
    c = name_of(prefix, "c")
    start = f'<{c} r="{address}"' + (f' s="{style}"' if style else "") + (f' t="{kind}"' if kind else "")
    return f"{start}>{inside}</{c}>" if inside else f"{start}/>"


def _inline(prefix: str, shown: str) -> str:
    around, inside = name_of(prefix, "is"), name_of(prefix, "t")
    return f'<{around}><{inside} xml:space="preserve">{shown}</{inside}></{around}>'


class RowCells:
    """The cells that an addition puts into each of its rows, made a chunk of rows at a time.

    rows: (count,) ascending. styles: one per column.
    """

    def __init__(
        self,
        columns: Sequence[NewColumn],
        rows: Rows,
        order: Rows,
        first: int,
        styles: Sequence[int],
        prefix: str,
        date1904: bool,
    ) -> None:
        self.first, self.last = first, first + len(columns) - 1
        self.rows = rows
        self._order = order
        self._arrays = [as_array(column.values) for column in columns]
        self._styles, self._prefix, self._date1904 = styles, prefix, date1904

    def __iter__(self) -> Iterator[bytes]:
        """One piece of XML for each row, empty where the row has no value."""
        for start in range(0, len(self.rows), CHUNK):
            stop = min(start + CHUNK, len(self.rows))
            shown = pc.cast(pa.array(self.rows[start:stop]), pa.string())
            parts = [
                self._column(index, self._taken(values, start, stop), shown)
                for index, values in enumerate(self._arrays)
            ]
            joined = pc.binary_join_element_wise(*parts, "") if len(parts) > 1 else parts[0]
            ends = np.frombuffer(joined.buffers()[1], np.int32)[
                joined.offset : joined.offset + len(joined) + 1
            ].tolist()
            data = memoryview(joined.buffers()[2] or b"")
            for one, other in pairwise(ends):
                yield bytes(data[one:other])

    def _taken(self, values: Any, start: int, stop: int) -> Any:
        wanted = self._order[start:stop]
        return [values[index] for index in wanted] if isinstance(values, list) else values.take(pa.array(wanted))

    def _column(self, index: int, values: Any, rows: Any) -> Any:
        """The cells of one column as texts, empty where there is no value."""
        letter, style = column_letter(self.first + index), self._styles[index]
        if isinstance(values, list):
            addresses = rows.to_pylist()
            pairs = zip(addresses, values, strict=True)
            made = [
                "" if value is None else cell(f"{letter}{row}", style, value, self._prefix, self._date1904)
                for row, value in pairs
            ]
            return pa.array(made, pa.string())
        c, v = name_of(self._prefix, "c"), name_of(self._prefix, "v")
        kind, shown, is_text = shown_as(values, self._date1904)
        start = f'<{c} r="{letter}'
        rest = '"' + (f' s="{style}"' if style else "") + (f' t="{kind}"' if kind else "")
        before, after = f"{rest}><{v}>", f"</{v}></{c}>"
        if is_text:
            opened, closed = _inline(self._prefix, "\0").split("\0")
            before, after = f"{rest}>{opened}", f"{closed}</{c}>"
        made = pc.binary_join_element_wise(start, rows, before, shown, after, "")
        return pc.fill_null(made, "")


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
