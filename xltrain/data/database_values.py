"""The values of databases as Arrow, and Arrow's as what a database stores.

A kind is what a column of either side holds: boolean, integer, number, datetime, date, time, duration or text; `any`
is a column without a declared type, `other` one that holds none of these.
"""

import datetime as dt
import decimal
import json
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

# The kind of a declared type: the first whose pattern matches its beginning.
_DECLARED = (
    ("any", r"(NULL)?$"),
    ("boolean", r"BOOL|TINYINT\(1\)|BIT$|BIT\(1\)"),
    ("other", r".*\]$|INTERVAL|POINT"),
    ("integer", r"[^(]*(INT|SERIAL|YEAR)|(DEC|NUM)[A-Z]*\(\d+(, ?0)?\)"),
    ("number", r"[^(]*(DEC|NUM|FLOAT|DOUBLE|REAL|MONEY)"),
    ("datetime", r"DATETIME|TIMESTAMP"),
    ("date", r"DATE"),
    ("time", r"TIME"),
    ("text", r"[^(]*(CHAR|TEXT|CLOB|STRING)|ENUM"),
    ("other", r""),
)
# The kind of a column -> the kinds its values are tried as, before text.
_TRIED = {
    "boolean": ("boolean", "integer", "number"),
    "integer": ("integer", "number"),
    "number": ("number",),
    "datetime": ("datetime", "integer", "number"),
    "date": ("date", "datetime"),
    "time": ("time", "duration"),
    "any": ("integer", "number"),
    "other": ("duration",),
}
# Kinds that stand together in one column become the last of them.
_WIDER = (("boolean", "integer", "number"), ("date", "datetime"))
ARROW = {
    "boolean": pa.bool_(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "datetime": pa.timestamp("us"),
    "date": pa.date32(),
    "time": pa.time64("us"),
    "duration": pa.duration("us"),
    "text": pa.string(),
}
# A kind of values -> the kinds of columns that take them; where it narrows, only without loss.
FITS = {
    "boolean": {"boolean"},
    "integer": {"integer", "number"},
    "number": {"number", "integer"},
    "datetime": {"datetime", "date"},
    "date": {"date", "datetime"},
    "time": {"time"},
    "text": {"text"},
}
# A kind of values -> its word.
WORDS = {
    "boolean": "boolean",
    "integer": "numeric",
    "number": "numeric",
    "datetime": "date",
    "date": "date",
    "time": "time",
    "text": "text",
}


def declared_kind(kind: str) -> str:
    return next(name for name, pattern in _DECLARED if re.match(pattern, kind))


def _moment(value: Any) -> dt.datetime:
    moment = value if isinstance(value, dt.date) else dt.datetime.fromisoformat(value)
    if not isinstance(moment, dt.datetime):
        return dt.datetime(moment.year, moment.month, moment.day)
    return moment.astimezone(dt.UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _day(value: Any) -> dt.date:
    if isinstance(value, dt.datetime):
        raise ValueError
    return value if isinstance(value, dt.date) else dt.date.fromisoformat(value)


def _clock(value: Any) -> dt.time:
    if isinstance(value, dt.timedelta):  # MySQL's times
        if value.days:
            raise ValueError
        return (dt.datetime.min + value).time()
    time = value if isinstance(value, dt.time) else dt.time.fromisoformat(value)
    if time.tzinfo:
        raise ValueError
    return time


def _duration(value: Any) -> dt.timedelta:
    if not isinstance(value, dt.timedelta):
        raise ValueError
    return value


def _integer(value: Any) -> int:
    if isinstance(value, str | bytes) or value != int(value):
        raise ValueError
    return int(value)


def _number(value: Any) -> float:
    """ValueError for a whole number that would lose digits."""
    if isinstance(value, str | bytes) or (float(value) != value and value % 1 == 0):
        raise ValueError
    return float(value)


_READ: dict[str, Callable[[Any], Any]] = {
    "boolean": {0: False, 1: True, b"\0": False, b"\1": True}.__getitem__,
    "integer": _integer,
    "number": _number,
    "datetime": _moment,
    "date": _day,
    "time": _clock,
    "duration": _duration,
}


def as_arrow(values: Sequence[Any], kind: str) -> tuple[str, pa.Array]:
    """Values as the first kind that takes them all, and that kind; an empty name where there are only empty ones."""
    values = [None if value != value else value for value in values]  # NaN
    if all(value is None for value in values):
        return "", pa.nulls(len(values))
    for tried in _TRIED.get(kind, ()):
        read = _READ[tried]
        with suppress(ValueError, TypeError, KeyError, ArithmeticError, pa.ArrowException):
            return tried, pa.array([None if value is None else read(value) for value in values], ARROW[tried])
    return "text", pa.array([None if value is None else as_text(value) for value in values], pa.string())


def joined(parts: list[tuple[str, pa.Array]], declared: str) -> pa.ChunkedArray:
    """Chunks in the one kind that holds them all."""
    kinds = {kind for kind, _ in parts if kind} or {declared if declared in FITS else "text"}
    chain = next((chain for chain in (*_WIDER, tuple(kinds)[:1]) if kinds <= set(chain)), ("text",))
    kind = [name for name in chain if name in kinds or name == "text"][-1]
    try:
        return pa.chunked_array([part.cast(ARROW[kind]) for _, part in parts], ARROW[kind])
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):  # not without losing digits, or there is no way to text
        texts = ([None if v is None else as_text(v) for v in part.to_pylist()] for _, part in parts)
        return pa.chunked_array([pa.array(words, pa.string()) for words in texts], pa.string())


def as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, dt.datetime):
        return value.isoformat(" ")
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=as_text)
    return str(value)


def kind_of(kind: pa.DataType) -> str:
    """The kind of an Arrow type."""
    types = pa.types
    if types.is_dictionary(kind):
        return kind_of(kind.value_type)
    if types.is_floating(kind) or types.is_decimal(kind) or types.is_duration(kind):
        return "number"
    tests = (
        ("boolean", types.is_boolean),
        ("integer", types.is_integer),
        ("datetime", types.is_timestamp),
        ("date", types.is_date),
        ("time", types.is_time),
    )
    return next((name for name, test in tests if test(kind)), "text")


def stored(kind: str) -> Any:
    """The SQLAlchemy type that holds a kind."""
    import sqlalchemy as sa
    from sqlalchemy.dialects import mysql

    backends = ("mysql", "mariadb")
    return {
        "boolean": sa.Boolean(),
        "integer": sa.BigInteger(),
        "number": sa.Double(),
        "datetime": sa.DateTime().with_variant(mysql.DATETIME(fsp=6), *backends),
        "date": sa.Date(),
        "time": sa.Time().with_variant(mysql.TIME(fsp=6), *backends),
        "text": sa.Text().with_variant(mysql.LONGTEXT(), *backends),
    }[kind]


def fitted(column: pa.ChunkedArray, target: str) -> tuple[str, pa.ChunkedArray | None]:
    """A column as a column of kind `target` takes it, and the kind it then has; None where it would lose something.

    NaN becomes empty, durations become days.
    """
    kind, type_ = kind_of(column.type), column.type
    wanted = target if target in FITS else kind
    if column.null_count == len(column):
        return wanted, pa.chunked_array([pa.nulls(len(column), ARROW[wanted])])
    if target != "any" and target not in FITS[kind]:
        return wanted, None
    if pa.types.is_dictionary(type_):
        column = column.cast(type_.value_type)
    if pa.types.is_duration(type_):
        column = pc.divide(column.cast(pa.duration("us"), safe=False).cast("int64").cast("double"), 86400e6)
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), None, column)
    try:
        found = column.cast(ARROW[wanted], safe=wanted in ("integer", "number"))
    except pa.ArrowException:
        return wanted, None
    whole = kind != "datetime" or wanted != "date" or pc.all(pc.equal(found.cast(type_), column)).as_py()
    return wanted, found if whole else None


def has_nul(column: pa.ChunkedArray) -> bool:
    return bool(pc.any(pc.match_substring(column, "\0")).as_py())
