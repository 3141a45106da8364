"""Tables of databases: every kind of value there and back, all rows or nothing, and one line for what goes wrong."""

import datetime as dt
import os
import re
import sqlite3
import subprocess
import sys
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from xltrain.data import database, database_values
from xltrain.data.database import DatabaseWriter, is_database, read_database, shown
from xltrain.errors import DataError, WorkbookError, XltrainError

pytest.importorskip("sqlalchemy")

NAMES = ("plain", "销售 表", 'it\'s "so" [x] `y` % :p ?', "a.b", "select")
MOMENT = dt.datetime(2024, 2, 29, 23, 59, 58, 123456)


@pytest.fixture(params=["sqlite", "duckdb"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "duckdb":
        pytest.importorskip("duckdb_engine")
    return f"{request.param}:///{(tmp_path / '数 据.db').as_posix()}"


def put(address: str, columns: dict[str, Any], append: bool = False) -> int:
    with DatabaseWriter(address, append) as writer:
        writer.write(pa.table(columns))
    return writer.rows


def rows(address: str) -> list[dict[str, Any]]:
    return list(read_database(address)[0].to_pylist())


def refused(address: str, kind: type[XltrainError] = WorkbookError) -> str:
    """What reading says, in one line."""
    with pytest.raises(kind) as caught:
        read_database(address)
    assert len(caught.value.problems) == 1
    assert "\n" not in str(caught.value)
    return str(caught.value)


def sqlite(path: Path, *statements: str) -> str:
    with sqlite3.connect(path) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()
    return f"sqlite:///{path.as_posix()}#t"


VALUES = {
    "boolean": [True, None, False],
    "整数": [9_223_372_036_854_775_807, None, -9_007_199_254_740_993],
    "number": pa.array([0.1, None, -1e300]),
    "text 😀": ["", None, "a\0b 😀 'x' \"y\" %s :p"],
    "date": [dt.date(1899, 12, 31), None, dt.date(2024, 2, 29)],
    "moment": [MOMENT, None, dt.datetime(1900, 1, 1)],
    "time": [dt.time(23, 59, 59, 5), None, dt.time(0)],
}


def test_values_come_back_as_they_were(url: str) -> None:
    wrote = pa.table(VALUES)
    assert put(f"{url}#t", VALUES) == 3
    read, key, keys = read_database(f"{url}#t")
    assert read.schema == wrote.schema
    assert read.to_pylist() == wrote.to_pylist()
    assert (key, keys) == ("", ["#1", "#2", "#3"])


def test_what_no_database_keeps_is_written_as_something_plainer(url: str) -> None:
    columns = {
        "nan": pa.array([float("nan"), float("inf")]),
        "days": pa.array([dt.timedelta(days=1, hours=6), None]),
        "words": pa.array(["a", None]).dictionary_encode(),
        "none": pa.nulls(2),
        "small": pa.array([1, 2], pa.uint8()),
        "nano": pa.array([1, None], pa.timestamp("ns")),
        "zone": pa.array([0, None], pa.timestamp("s", "Asia/Shanghai")),
    }
    put(f"{url}#t", columns)
    epoch = dt.datetime(1970, 1, 1)
    first = {"nan": None, "days": 1.25, "words": "a", "none": None, "small": 1, "nano": epoch, "zone": epoch}
    last = {"nan": float("inf"), "days": None, "words": None, "none": None, "small": 2, "nano": None, "zone": None}
    assert rows(f"{url}#t") == [first, last]


@pytest.mark.parametrize("name", NAMES)
def test_any_name_of_table_and_column(url: str, name: str) -> None:
    address = f"{url}#{name.replace('%', '%25')}"
    put(address, {name: [1], f"{name}2": ["x"]})
    put(address, {f"{name}2": ["y"], name: [2]}, append=True)
    assert rows(address) == [{name: 1, f"{name}2": "x"}, {name: 2, f"{name}2": "y"}]


def test_many_batches_and_slices(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "WRITE_ROWS", 3)
    monkeypatch.setattr(database, "READ_ROWS", 2)
    with DatabaseWriter(f"{url}#t") as writer:
        for start in (0, 7):
            writer.write(pa.table({"n": range(start, start + 7)}))
    assert writer.rows == 14
    assert read_database(f"{url}#t")[0].column("n").to_pylist() == list(range(14))


def test_an_empty_table(url: str) -> None:
    assert put(f"{url}#t", {"n": pa.array([], pa.int64()), "d": pa.array([], pa.date32())}) == 0
    read, key, keys = read_database(f"{url}#t")
    assert read.schema.types == [pa.int64(), pa.date32()]
    assert (len(read), key, keys) == (0, "", [])


def test_rows_are_named_by_their_key(tmp_path: Path) -> None:
    path = tmp_path / "f.db"
    address = sqlite(
        path,
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v)",
        "INSERT INTO t VALUES (9, 'x'), (2, 'y')",
        "CREATE TABLE u (b TEXT, a DATE, PRIMARY KEY (a, b))",
        "INSERT INTO u VALUES ('z', '2024-01-02'), ('k', '2024-01-02')",
        "CREATE VIEW w AS SELECT id + 1 AS 数 FROM t",
    )
    assert read_database(address)[1:] == ("id", ["id=2", "id=9"])
    keys = ["a=2024-01-02, b=k", "a=2024-01-02, b=z"]
    assert read_database(f"sqlite:///{path.as_posix()}#u")[1:] == ("a+b", keys)
    assert rows(f"sqlite:///{path.as_posix()}#w") == [{"数": 3}, {"数": 10}]


def test_keys_and_types_of_duckdb(tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    pytest.importorskip("duckdb_engine")
    path = tmp_path / "f.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "CREATE SCHEMA 部; CREATE TABLE 部.t (b INTEGER, z TIMESTAMPTZ, l INTEGER[], h HUGEINT, d DECIMAL(9,2), "
            "i INTERVAL, u UUID, e ENUM('x', 'y'), a VARCHAR, PRIMARY KEY (a, b))"
        )
        connection.execute(
            "INSERT INTO 部.t VALUES (1, '2024-01-02 08:00:00+08', [1, 2], 123456789012345678901234567890, 1.25, "
            "INTERVAL 36 HOUR, '00000000-0000-0000-0000-00000000000a', 'y', 'k')"
        )
    read, key, keys = read_database(f"duckdb:///{path.as_posix()}#部.t")
    assert (key, keys) == ("a+b", ["a=k, b=1"])
    assert read.to_pylist() == [
        {
            "b": 1,
            "z": dt.datetime(2024, 1, 2),
            "l": "[1, 2]",
            "h": "123456789012345678901234567890",
            "d": 1.25,
            "i": dt.timedelta(hours=36),
            "u": "00000000-0000-0000-0000-00000000000a",
            "e": "y",
            "a": "k",
        }
    ]


@pytest.mark.parametrize(
    ("kind", "values", "type_", "read"),
    [
        ("INTEGER", "(1), (NULL), (2)", pa.int64(), [1, None, 2]),
        ("INTEGER", "(1), (1.5)", pa.float64(), [1.0, 1.5]),
        ("INTEGER", "(1), ('abc')", pa.string(), ["1", "abc"]),
        ("BOOL", "(1), (0)", pa.bool_(), [True, False]),
        ("BOOLEAN", "(1), (7)", pa.int64(), [1, 7]),
        ("DECIMAL(10, 2)", "(1), (2.5)", pa.float64(), [1.0, 2.5]),
        ("REAL", "(1), ('n/a')", pa.string(), ["1.0", "n/a"]),
        ("DATE", "('2024-01-02')", pa.date32(), [dt.date(2024, 1, 2)]),
        ("DATE", "('2024-01-02'), ('2024-01-02 10:00')", pa.timestamp("us"), [dt.datetime(2024, 1, 2), None]),
        ("DATE", "('2024-01-02'), ('?')", pa.string(), ["2024-01-02", "?"]),
        ("TIMESTAMP", "('2024-01-02T10:00:00+08:00')", pa.timestamp("us"), [dt.datetime(2024, 1, 2, 2)]),
        ("DATETIME", "(1700000000)", pa.int64(), [1_700_000_000]),
        ("TEXT", "('007'), (x'00ff')", pa.string(), ["007", "00ff"]),
        ("BLOB", "(x'00ff')", pa.string(), ["00ff"]),
        ("", "(1), (2)", pa.int64(), [1, 2]),
        ("", "(NULL)", pa.string(), [None]),
        ("VARCHAR(3)", "(NULL)", pa.string(), [None]),
    ],
)
def test_a_column_follows_its_type_as_far_as_its_values_do(
    tmp_path: Path, kind: str, values: str, type_: pa.DataType, read: list[Any]
) -> None:
    address = sqlite(tmp_path / "f.db", f"CREATE TABLE t (c {kind})", f"INSERT INTO t VALUES {values}")
    column = read_database(address)[0].column("c")
    assert column.type == type_
    expected = [dt.datetime(2024, 1, 2, 10) if v is None and pa.types.is_timestamp(type_) else v for v in read]
    assert column.to_pylist() == expected


@pytest.mark.parametrize(
    ("values", "type_", "read"),
    [
        ([1, 2.5], pa.float64(), [1.0, 2.5]),
        ([2**53 + 1, 2.5], pa.string(), ["9007199254740993", "2.5"]),
        ([None, 2.5], pa.float64(), [None, 2.5]),
        ([1, None], pa.int64(), [1, None]),
        ([1, "x"], pa.string(), ["1", "x"]),
    ],
)
def test_partitions_of_different_kinds_join(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, values: list[Any], type_: pa.DataType, read: list[Any]
) -> None:
    monkeypatch.setattr(database, "READ_ROWS", 1)
    with sqlite3.connect(tmp_path / "f.db") as connection:
        connection.execute("CREATE TABLE t (c)")
        connection.executemany("INSERT INTO t VALUES (?)", [(value,) for value in values])
    connection.close()
    column = read_database(f"sqlite:///{(tmp_path / 'f.db').as_posix()}#t")[0].column("c")
    assert (column.type, column.to_pylist()) == (type_, read)


@pytest.mark.parametrize(
    ("declared", "value", "read"),
    [
        ("NUMERIC(20)", Decimal("12345678901234567"), 12_345_678_901_234_567),
        ("NUMERIC", Decimal("12345678901234567"), "12345678901234567"),
        ("NUMERIC(30, 20)", Decimal("0.33333333333333333333"), 1 / 3),
        ("NUMERIC", Decimal("NaN"), None),
        ("NUMERIC", Decimal("Infinity"), float("inf")),
        ("TINYINT(1)", 1, True),
        ("BIT(1)", b"\1", True),
        ("TIME", dt.timedelta(hours=5), dt.time(5)),
        ("TIME", dt.timedelta(hours=50), dt.timedelta(hours=50)),
        ("JSONB", {"名": [1, None]}, '{"名": [1, null]}'),
        ("BYTEA", memoryview(b"\xff"), "ff"),
        ("INTEGER[]", [1, 2], "[1, 2]"),
        ("DATETIME", "0000-00-00", "0000-00-00"),
        (
            "TIMESTAMP",
            dt.datetime(2024, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=8))),
            dt.datetime(2023, 12, 31, 16),
        ),
    ],
)
def test_values_as_other_drivers_give_them(declared: str, value: Any, read: Any) -> None:
    assert database_values.as_arrow([value], database_values.declared_kind(declared))[1].to_pylist() == [read]


def fail_halfway(address: str, append: bool = False) -> None:
    with DatabaseWriter(address, append) as writer:
        writer.write(pa.table({"n": [2]}))
        raise KeyError(writer.rows)


def test_an_error_inside_leaves_everything_as_it_was(url: str, tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="1"):
        fail_halfway(f"{url}#t")
    assert list(tmp_path.iterdir()) == []
    put(f"{url}#t", {"n": [1]})
    with pytest.raises(KeyError):
        fail_halfway(f"{url}#t", append=True)
    with pytest.raises(KeyError):
        fail_halfway(f"{url}#u")
    assert rows(f"{url}#t") == [{"n": 1}]
    assert "'u'" in refused(f"{url}#u")


def test_a_batch_that_failed_is_not_kept_though_the_error_was_caught(url: str) -> None:
    with DatabaseWriter(f"{url}#t") as writer:
        writer.write(pa.table({"n": [1]}))
        with pytest.raises(DataError):
            writer.write(pa.table({"n": ["x"]}))
        writer.write(pa.table({"n": [2]}))
    assert writer.rows == 0
    assert "no such file" in refused(f"{url}#t")


def test_columns_of_the_same_name_are_not_laid_over_each_other(url: str) -> None:
    twice = pa.table([[1], [2]], names=["n", "n"])
    with pytest.raises(ValueError, match="same name"), DatabaseWriter(f"{url}#t") as writer:
        writer.write(twice)


def test_times_with_a_zone_go_into_dates_only_at_midnight(url: str) -> None:
    put(f"{url}#t", {"d": [dt.date(2024, 1, 2)]})
    put(f"{url}#t", {"d": pa.array([86_400], pa.timestamp("s", "UTC"))}, append=True)
    with pytest.raises(DataError, match="do not fit the table's DATE"):
        put(f"{url}#t", {"d": pa.array([86_401], pa.timestamp("s", "UTC"))}, append=True)
    assert rows(f"{url}#t")[1] == {"d": dt.date(1970, 1, 2)}


def test_nothing_written_makes_no_file(url: str, tmp_path: Path) -> None:
    with DatabaseWriter(f"{url}#t"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_table_that_is_there_is_only_added_to_when_asked(url: str) -> None:
    assert put(f"{url}#t", {"n": [1]}, append=True) == 1
    with pytest.raises(WorkbookError, match=r"already there; .*--append"):
        put(f"{url}#t", {"n": [2]})
    put(f"{url}#t", {"n": [3.0]}, append=True)
    assert rows(f"{url}#t") == [{"n": 1}, {"n": 3}]


def test_every_misfit_is_said_at_once(url: str) -> None:
    put(f"{url}#t", {"n": [1], "数量": [1], "day": [dt.date(2024, 1, 2)], "gone": ["x"], "ok": [1.5], "empty": [True]})
    with pytest.raises(DataError) as caught:
        put(
            f"{url}#t",
            {"n": [1.5], "数量2": [1], "day": [MOMENT], "ok": [2**53 + 1], "empty": pa.nulls(1, pa.string())},
            append=True,
        )
    said = [problem.message + "; " + problem.hint for problem in caught.value.problems]
    assert len(said) == 6
    assert sum("do not fit" in line for line in said) == 3
    assert "the table has no column '数量2'; did you mean '数量'?" in said
    assert sum("the rows to append have none" in line for line in said) == 2


def test_what_is_asked_for_is_not_there(url: str, tmp_path: Path) -> None:
    assert refused(f"{url}#t").endswith("there is no such file")
    assert list(tmp_path.iterdir()) == []
    put(f"{url}#orders", {"n": [1]})
    put(f"{url}#客户", {"n": [1]})
    assert "did you mean 'orders'?" in refused(f"{url}#order")
    assert "tables here: orders, 客户" in refused(f"{url}#zzz")
    assert "tables here: orders, 客户" in refused(url)
    with pytest.raises(WorkbookError, match="must name a table"), DatabaseWriter(url):
        pass


@pytest.mark.parametrize("address", ["sqlite://#t", "sqlite:///:memory:#t", "postgresql://u:a/b:secret@#t", "sqlite:x"])
def test_addresses_that_name_no_database(address: str) -> None:
    with pytest.raises(WorkbookError) as caught, DatabaseWriter(address):
        pass
    assert "secret" not in str(caught.value)


def test_unknown_kinds_of_database() -> None:
    assert "unknown kind of database 'sqlte'" in refused("sqlte:///f.db#t")
    assert "did you mean 'postgresql'?" in refused("postgresq://u:secret@h/d#t")


def test_files_that_hold_no_database(url: str, tmp_path: Path) -> None:
    path = tmp_path / "数 据.db"
    path.write_bytes(b"not a database, though it is long enough to look like one" * 100)
    before = path.read_bytes()
    assert "the database refused" in refused(f"{url}#t")
    with pytest.raises(WorkbookError):
        put(f"{url}#t", {"n": [1]})
    assert path.read_bytes() == before
    with pytest.raises(WorkbookError, match="the database refused"):
        put(url.replace("数", "none/数") + "#t", {"n": [1]})


def test_options_that_the_driver_does_not_take(url: str) -> None:
    put(f"{url}#t", {"n": [1]})
    assert "the database refused" in refused(f"{url}?timeout=abc#t")


def test_a_database_in_use_says_so(tmp_path: Path) -> None:
    path = tmp_path / "f.db"
    address = sqlite(path, "CREATE TABLE t (n INTEGER)")
    other = sqlite3.connect(path)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(WorkbookError, match="database is locked"):
        put(address.replace("#", "?timeout=0.01#"), {"n": [1]}, append=True)
    other.close()


@pytest.mark.parametrize(
    ("address", "visible"),
    [
        ("mysql://root:secret@host/d#t", "mysql://root:***@host/d#t"),
        ("mysql://root:se/cr#e@t@host/d#t", "mysql://root:***@host/d#t"),
        ("postgresql://:secret@host/d#t", "postgresql://:***@host/d#t"),
        ("postgresql://host/d?user=u&password=secret#t", "postgresql://host/d?user=u&password=***#t"),
        ("mysql://h/d?ssl_key_password=secret&x=1", "mysql://h/d?ssl_key_password=***&x=1"),
        ("mysql://u:secret@h/d?token=secret#a@b", "mysql://u:***@b"),
        ("sqlite:///a@b.db#t", "sqlite:///a@b.db#t"),
        ("duckdb:///C:/x/f.db#t@u", "duckdb:///C:/x/f.db#t@u"),
    ],
)
def test_the_password_is_not_shown(address: str, visible: str) -> None:
    assert shown(address) == visible
    assert is_database(address)


def test_the_password_in_what_a_driver_says_is_hidden() -> None:
    error = ValueError("invalid dsn: password=p@s host=h\nmore")
    assert database._words("postgresql://u:p%40s@h/d#t", error) == "invalid dsn: password=*** host=h"
    assert database._words("duckdb:///f?token=se#t", ValueError("token se is old")) == "token *** is old"
    assert database._words("postgresql://u:a@h/d#t", ValueError("a name")) == "*** name"


def test_files_are_no_databases() -> None:
    for name in ("book.xlsx", "C:\\book.xlsx", "C://book.xlsx", "/data/a#b.xlsx", "a.b/c://d"):
        assert not is_database(name)


@pytest.mark.parametrize(
    ("module", "address", "command"),
    [
        ("sqlalchemy", "sqlite:///f.db#t", "pip install sqlalchemy"),
        ("pymysql", "mysql://u:secret@h/d#t", "pip install pymysql"),
        ("duckdb_engine", "duckdb:///f.db#t", "pip install duckdb-engine"),
        ("psycopg", "postgresql://u:secret@h/d#t", 'pip install "psycopg[binary]"'),
    ],
)
def test_a_missing_package_is_named_with_its_command(module: str, address: str, command: str) -> None:
    """In a process of its own, where the modules cannot be imported."""
    code = f"""
import importlib.util, sys
for name in ({module!r}, "psycopg2"):
    sys.modules[name] = None
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if sys.modules.get(name, 0) is None else find(name, *rest)
from xltrain.data.database import DatabaseWriter, read_database
from xltrain.errors import WorkbookError
for attempt in (lambda: read_database({address!r}), lambda: DatabaseWriter({address!r}).__enter__()):
    try:
        attempt()
    except WorkbookError as error:
        assert {command!r} in str(error) and "secret" not in str(error), str(error)
    else:
        raise SystemExit("no error")
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_a_dialect_that_is_not_installed_is_a_missing_package() -> None:
    import sqlalchemy as sa

    with pytest.raises(WorkbookError, match="pip install duckdb-engine"), database._plain("duckdb:///f.db"):
        raise sa.exc.NoSuchModuleError("Can't load plugin: sqlalchemy.dialects:duckdb")


def test_other_errors_are_not_mistaken_for_the_databases() -> None:
    with pytest.raises(KeyError), database._plain("sqlite:///f.db"):
        raise KeyError("a mistake of ours")


def test_no_server_is_one_line_without_the_password() -> None:
    pytest.importorskip("psycopg")
    said = refused("postgresql+psycopg://u:secret@127.0.0.1:1/d#t")
    assert "secret" not in said
    assert "the database refused" in said


@pytest.mark.skipif("XLTRAIN_TEST_DATABASE" not in os.environ, reason="needs the URL of an empty database of a server")
def test_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """With XLTRAIN_TEST_DATABASE=postgresql://user:password@host/database, or mysql://..."""
    monkeypatch.undo()  # this one test may use the network
    url, name = os.environ["XLTRAIN_TEST_DATABASE"], f"表 {uuid.uuid4().hex}"
    values = pa.table({name.split()[0]: column for name, column in VALUES.items()})
    values = values.set_column(3, "text", pa.array(["", None, "b 😀 'x' \"y\" %s :p"]))
    with pytest.raises(KeyError):
        fail_halfway(f"{url}#{name}")
    assert f"'{name}'" in refused(f"{url}#{name}")
    with DatabaseWriter(f"{url}#{name}") as writer:
        writer.write(values)
    assert read_database(f"{url}#{name}")[0].equals(values)
    with pytest.raises(DataError):
        put(f"{url}#{name}", {"n": [1]}, append=True)
    with pytest.raises(WorkbookError, match="already there"):
        put(f"{url}#{name}", {"n": [1]})
    for place in range(values.num_columns):
        put(f"{url}#{name} {place}", {values.column_names[place]: values.column(place)})
        put(f"{url}#{name} {place}", {values.column_names[place]: values.column(place)}, append=True)
        assert len(rows(f"{url}#{name} {place}")) == 6
    with pytest.raises(WorkbookError) as caught:
        read_database(re.sub(r"://.*@", "://nobody:not-it@", url) + "#t")
    assert "not-it" not in str(caught.value)
