"""What each column of a table is: its type, and the role that follows where a job does not give one."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xltrain.config.settings import Column
from xltrain.data.header import find, key
from xltrain.data.table import Table
from xltrain.data.values import empty, words
from xltrain.errors import DataError
from xltrain.language import text
from xltrain.place import Problem
from xltrain.registry import unknown

EXAMPLES = 5
FEW = 100  # distinct values: a category, however few rows share one
SHARE = 0.2  # of the rows: more distinct values than this, and texts say something else each time
LONG = 30  # characters on average, Chinese ones twice: prose
_ID_NAME = re.compile(r"(^|[\s_])(id|no|nr|number|code|key|uuid|sku)$|编号|单号|账号|序号|工号|学号|身份证|代码|流水")
_SEVERAL_WORDS = r"\S\s+\S|[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}]{4}"
_ISO_DATE = r"^\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?([ T]\d{1,2}:\d{2}(:\d{2})?)?$"


@dataclass(frozen=True)
class ColumnFacts:
    """A column at a glance: its type, how many values are missing or distinct, and the commonest ones."""

    type: str
    missing: int
    distinct: int
    examples: tuple[str, ...]


def facts(table: Table) -> dict[str, ColumnFacts]:
    """Every column at a glance."""
    return {name: _facts(table, name) for name in table.names}


def infer(table: Table, columns: Sequence[Column], targets: Sequence[str] = ()) -> list[Column]:
    """Every column of the table with its type and role; what `columns` says goes before what the values say.

    A target is named by any unambiguous beginning.

    Raises:
        DataError: a target or a column of the job is no column of the table, the nearest names offered; columns of the
            same name as another after normalising.
    """
    wanted = {find(name, table.names) for name in targets}
    given, problems = {}, []
    by_key = {key(name): name for name in table.names}
    for column in columns:
        name = column.name if column.name in table.names else by_key.get(key(column.name), "")
        if name:
            given[name] = replace(column, name=name)
        elif column.role != "ignore":
            problems.append(Problem(column.place, unknown(text("word_column"), column.name, table.names)))
    if problems:
        raise DataError(problems)
    return [_settled(table, given.get(name, Column(name)), name in wanted) for name in table.names]


def _settled(table: Table, column: Column, is_target: bool) -> Column:
    kind = column.type or type_of(table, column.name)
    role = "target" if is_target else column.role or _role(table, column.name, kind)
    if role == "target" and not column.type and kind in ("id", "text"):
        kind = "category" if pa.types.is_string(table.data.column(column.name).type) else "numeric"
    return replace(column, type=kind, role=role)


def _role(table: Table, name: str, kind: str) -> str:
    if kind == "id":
        return "id"
    column = table.data.column(name)
    unread = empty(column).all() or (kind == "text" and not is_prose(column))
    return "ignore" if unread else "feature"


def is_prose(column: Any) -> bool:
    """Whether a column holds many different texts of more than one word, so that their pieces may say something."""
    distinct = pc.unique(words(column)).drop_null()
    if len(distinct) <= FEW:
        return False
    return bool(pc.mean(pc.match_substring_regex(distinct, _SEVERAL_WORDS)).as_py() > 0.5)


def type_of(table: Table, name: str) -> str:
    """The type of a column by its values and, for identifiers, its name."""
    column = table.data.column(name)
    kind = column.type
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_temporal(kind):
        return "date"
    lacking = empty(column)
    count = int((~lacking).sum())
    if not count:
        return "numeric"
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return "id" if _counts_rows(column, name, count) else "numeric"
    distinct = pc.unique(words(column)).drop_null()
    if pc.all(pc.match_substring_regex(distinct, _ISO_DATE)).as_py():
        return "date"
    length = (pc.mean(pc.utf8_length(distinct)).as_py() + pc.mean(pc.binary_length(distinct)).as_py()) / 2
    many = len(distinct) > max(FEW, SHARE * count)
    if len(distinct) > 0.9 * count and count > 20:
        return "text" if length > LONG else "id"
    if many:
        return "text" if length > LONG else "id" if _is_id_name(name) else "category"
    return "category"


def _counts_rows(column: Any, name: str, count: int) -> bool:
    """Whole numbers that differ in every row and either are named as an identifier or count 1, 2, 3 ..."""
    if not pa.types.is_integer(column.type) or count < 3 or len(pc.unique(column).drop_null()) < count:
        return False
    values = np.asarray(column.drop_null().to_numpy(), np.int64)
    return _is_id_name(name) or bool((np.diff(values) == 1).all())


def _is_id_name(name: str) -> bool:
    return bool(_ID_NAME.search(" ".join(name.split()).casefold()))


def _facts(table: Table, name: str) -> ColumnFacts:
    column = table.data.column(name)
    shown = words(column)
    counted = pc.value_counts(shown.drop_null())
    order = np.argsort(-np.asarray(counted.field("counts")), kind="stable")[:EXAMPLES]
    examples = tuple(counted.field("values")[int(index)].as_py()[:40] for index in order)
    return ColumnFacts(type_of(table, name), int(shown.null_count), len(counted), examples)


def check_strays(columns: Sequence[Column], strays: Mapping[str, Problem]) -> None:
    """Refuse to train on a column in which something stands that is not of its type. DataError names each."""
    problems = [
        strays[column.name] for column in columns if column.name in strays and column.role not in ("ignore", "id")
    ]
    if problems:
        raise DataError(problems)
