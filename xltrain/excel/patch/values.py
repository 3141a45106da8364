"""The cells that an addition puts into its rows: whole columns made into text at once, through Arrow."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from xltrain.excel.cell_xml import as_array, cell, inline, shown_as
from xltrain.excel.markup import name_of
from xltrain.excel.patch.model import NewColumn
from xltrain.place import column_letter

Rows = npt.NDArray[np.int64]

CHUNK = 16_384  # rows made into text at a time
_WIDEST_TEXT = 40.0


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
            opened, closed = inline(self._prefix, "\0").split("\0")
            before, after = f"{rest}>{opened}", f"{closed}</{c}>"
        made = pc.binary_join_element_wise(start, rows, before, shown, after, "")
        return pc.fill_null(made, "")


def shown_width(values: Any, code: str) -> float:
    """About how many characters wide a column must be so that its values show, numbers whole, in a number format."""
    array = as_array(values)
    if isinstance(array, list) or not len(array) or array.null_count == len(array):
        return 0.0
    if pa.types.is_string(array.type):
        return min(float(pc.max(pc.utf8_length(array)).as_py()) + 2.0, _WIDEST_TEXT)
    if not (pa.types.is_integer(array.type) or pa.types.is_floating(array.type)):
        return 0.0
    numbers = pc.cast(array, pa.float64())
    limits = pc.min_max(numbers.filter(pc.is_finite(numbers)))
    ends = [each for each in (limits["min"].as_py(), limits["max"].as_py()) if each is not None]
    if not ends or code in ("", "General"):
        return 0.0
    section = code.partition(";")[0]
    decimals = len(section.partition(".")[2]) - len(section.partition(".")[2].lstrip("0#?"))
    beside = len(re.sub(r"\[[^]]*\]|[#0?,.\"\\\\_*]", "", section))
    shift = 100.0 if "%" in section else 1.0
    return max(len(f"{each * shift:,.{decimals}f}") for each in ends) + beside + 2.0
