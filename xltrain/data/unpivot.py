"""Wide to long: columns such as months or years become rows, one per value; every value keeps its own cell."""

import fnmatch
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xltrain.data.header import key
from xltrain.data.table import MARK_LETTER, Table
from xltrain.data.values import empty
from xltrain.errors import DataError
from xltrain.language import listed, text
from xltrain.place import Problem

# Headers that name a period: years, months, quarters, with or without a year before.
_PERIOD = re.compile(
    r"(fy\s*)?(19|20)\d\d(年|年度)?([-/. ]?(0?[1-9]|1[0-2])(月|月份)?|[-/ ]?q[1-4]|年?第?[一二三四1-4]季度?)?(-\d\d)?"
    r"|(0?[1-9]|1[0-2]|[一二三四五六七八九十]|十[一二])(月|月份)|q[1-4]([-/ ]?(19|20)?\d\d)?|第?[一二三四1-4]季度"
    r"|(jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]{0,6}\.?([-/ ]?(19|20)?\d\d)?",
    re.I,
)


@dataclass(frozen=True)
class Unpivot:
    """Which columns become rows.

    Attributes:
        name: the new column of their headers.
        columns: names, patterns (`2024*`) or ranges of names (`1月..12月`); empty for all that name a period.
        value: the new column of their values.
    """

    name: str
    columns: tuple[str, ...] = ()
    value: str = "value"


class UnpivotStep:
    """Turns the columns of batch after batch into rows."""

    def __init__(self, asked: Unpivot, names: Sequence[str]) -> None:
        self.asked = asked
        self.columns = _chosen(asked, names)
        taken = [name for name in (asked.name, asked.value) if name in names and name not in self.columns]
        if taken:
            raise DataError(Problem(None, text("unpivot_taken", names=listed(taken)), text("unpivot_taken_hint")))
        self.blank = 0

    def apply(self, batch: Table) -> Table:
        """Rows with a value each; blank cells give none. Texts win where the columns' types differ."""
        kept = [name for name in batch.names if name not in self.columns]
        kinds = {batch.data.column(name).type for name in self.columns}
        numeric = all(pa.types.is_integer(kind) or pa.types.is_floating(kind) for kind in kinds)
        kind = next(iter(kinds)) if len(kinds) == 1 else pa.float64() if numeric else pa.string()
        rows: list[Any] = []
        names: list[Any] = []
        values: list[Any] = []
        letters: list[Any] = []
        for name in self.columns:
            column = batch.data.column(name).combine_chunks()
            filled = np.flatnonzero(~empty(column))
            self.blank += len(column) - len(filled)
            rows.append(filled)
            names.append(np.full(len(filled), len(names), np.int32))
            values.append(pc.cast(column.take(pa.array(filled)), kind))
            found = np.array([origin.letters.get(name, "") for origin in batch.origins] or [""])
            letters.append(pa.array(found[batch.origin[filled]], pa.string()))
        position = np.concatenate(rows)
        order = np.lexsort((np.concatenate(names), position))
        at = pa.array(order)
        headers = pa.array(self.columns, pa.string()).take(pa.array(np.concatenate(names)[order]))
        long = batch.take(position[order])
        data = long.data.select(kept).append_column(self.asked.name, headers)
        data = data.append_column(self.asked.value, pa.chunked_array(values, kind).take(at))
        marks = long.marks if long.marks is not None else pa.table({"": pa.nulls(len(data))}).select([])
        marks = marks.append_column(MARK_LETTER, pa.chunked_array(letters, pa.string()).take(at))
        return replace(long, data=data, marks=marks, unpivoted=self.asked.value)

    def doubts(self) -> list[Problem]:
        """How many blank cells gave no row."""
        if not self.blank:
            return []
        return [Problem(None, text("doubt_unpivot_blank", count=self.blank), text("doubt_unpivot_hint"))]


def is_period(name: str) -> bool:
    """Whether a header names a year, quarter or month."""
    return _PERIOD.fullmatch(name.strip()) is not None


def _chosen(asked: Unpivot, names: Sequence[str]) -> list[str]:
    """The columns that are meant, in their order."""
    if not asked.columns:
        found = [name for name in names if is_period(name)]
        if not found:
            known = listed(names)
            raise DataError(Problem(None, text("unpivot_no_periods", known=known), text("unpivot_hint")))
        return found
    wanted: set[str] = set()
    problems = []
    for each in asked.columns:
        first, dots, last = each.partition("..")
        ends = [[i for i, name in enumerate(names) if key(name) == key(end)] for end in (first, last)]
        if dots and all(ends):
            start, stop = sorted((ends[0][0], ends[1][0]))
            wanted |= set(names[start : stop + 1])
            continue
        hits = {name for name in names if key(name) == key(each) or fnmatch.fnmatchcase(key(name), key(each))}
        if not hits:
            known = listed(names)
            problems.append(Problem(None, text("unpivot_unknown", name=each, known=known), text("unpivot_hint")))
        wanted |= hits
    if problems:
        raise DataError(problems)
    return [name for name in names if name in wanted]
