"""Tables of databases, as Arrow and back.

An address is an SQLAlchemy URL with the table after `#`: `sqlite:///f.db#orders`,
`postgresql://user:password@host/db#schema.orders`. In a table's name, `%40` stands for @ and `%23` for #. The password
never reaches a message.

What a column becomes follows its declared type; where the values do not keep to it, which SQLite allows, or would lose
digits, the column becomes text. Times with a zone are given in UTC, durations are written as days, NaN as no value.
"""

import importlib.util
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import pyarrow as pa

from xltrain.data import database_values as values
from xltrain.errors import DataError, WorkbookError
from xltrain.language import label, listed, text
from xltrain.place import Place, Problem
from xltrain.registry import nearest

if TYPE_CHECKING:
    import sqlalchemy as sa

READ_ROWS = 10_000
WRITE_ROWS = 5_000
LISTED = 20  # tables named in a message
# Kind of database -> its drivers, the first that is installed is taken.
DRIVERS: dict[str, tuple[str, ...]] = {
    "sqlite": (),
    "duckdb": (),
    "postgresql": ("psycopg", "psycopg2"),
    "mysql": ("pymysql",),
    "mariadb": ("pymysql",),
}
PACKAGES = {
    "sqlalchemy": "sqlalchemy",
    "duckdb_engine": "duckdb-engine",
    "psycopg": '"psycopg[binary]"',
    "psycopg2": "psycopg2-binary",
}
DRIVER_MODULES = {"sqlalchemy", "sqlite3", "duckdb", "_duckdb", "psycopg", "psycopg2", "pymysql", "MySQLdb"}
KEEP_CREATED = ("mysql", "mariadb")  # these do not undo CREATE TABLE
POSTGRES_NAME_BYTES = 63  # PostgreSQL cuts longer names without an error

# Kind of database -> what gives the names and types of a table's columns, and the columns of its primary key. Asked
# where SQLAlchemy would lose part of a type, a backquote in a name, or the key.
_DUCKDB = (
    "lower(table_name) = lower(:name) AND database_name = current_database() "
    "AND schema_name = coalesce(:schema, current_schema())"
)
_MYSQL = "table_name = :name AND table_schema = coalesce(:schema, database())"
_ASK = {
    "sqlite": (
        "SELECT name, type FROM pragma_table_xinfo(:name, :schema) WHERE hidden <> 1",
        "SELECT name FROM pragma_table_xinfo(:name, :schema) WHERE pk > 0 ORDER BY pk",
    ),
    "duckdb": (
        f"SELECT column_name, data_type FROM duckdb_columns() WHERE {_DUCKDB} ORDER BY column_index",
        f"SELECT unnest(constraint_column_names) FROM duckdb_constraints() WHERE {_DUCKDB} "
        "AND constraint_type = 'PRIMARY KEY'",
    ),
    "mysql": (
        f"SELECT column_name, column_type FROM information_schema.columns WHERE {_MYSQL} ORDER BY ordinal_position",
        f"SELECT column_name FROM information_schema.key_column_usage WHERE {_MYSQL} "
        "AND constraint_name = 'PRIMARY' ORDER BY ordinal_position",
    ),
}
_ASK["mariadb"] = _ASK["mysql"]

# What stands before a password, and the password.
_SECRETS = (
    re.compile(r"(://[^:/@]*:)(.*)(?=@)", re.DOTALL),
    re.compile(r"([?&][^=&#]*(?:pass|pwd|token|secret)[^=&#]*=)([^&#]*)", re.IGNORECASE),
)
_ADDRESS = re.compile(r"([^:/]+)://(?:([^:/@]*):(.*)@)?([^#]*)(?:#(.*))?", re.DOTALL)


def is_database(address: str) -> bool:
    """Whether this is `scheme://...`; `C:\\book.xlsx` and `C://book.xlsx` are files."""
    return re.match(r"[A-Za-z][A-Za-z0-9+._-]+://", address) is not None


def shown(address: str) -> str:
    """The address with `***` for the password, for places and messages."""
    for pattern in _SECRETS:
        address = pattern.sub(r"\1***", address)
    return address


def read_database(address: str) -> tuple[pa.Table, str, list[str]]:
    """A table's columns, its key's name and the key of each row, in the order of the key.

    The key's name is `a+b` for a composite primary key and empty without one. A row's key reads `id=17`, `a=1, b=2`,
    or `#3` for the third row of a table without a key. WorkbookError when the table cannot be read.
    """
    with _plain(address), closing(_connect(address, reading=True)) as connection:
        table = _find(connection, address)
        declared, key = _layout(connection, table)
        kinds = {name: values.declared_kind(kind) for name, kind in declared.items()}
        chunks: dict[str, list[tuple[str, pa.Array]]] = {name: [] for name in kinds}
        keys: list[str] = []
        for rows in _partitions(connection, table, declared, key):
            by_name = dict(zip(kinds, zip(*rows, strict=True), strict=True))
            for name, column in by_name.items():
                chunks[name].append(values.as_arrow(column, kinds[name]))
            if key:
                named = [[f"{name}={values.as_text(value)}" for value in by_name[name]] for name in key]
                keys += [", ".join(parts) for parts in zip(*named, strict=True)]
            else:
                keys += [f"#{len(keys) + number}" for number in range(1, len(rows) + 1)]
    columns = [values.joined(parts, kinds[name]) for name, parts in chunks.items()]
    return pa.table(columns, names=list(kinds)), "+".join(key), keys


class DatabaseWriter:
    """Writes batches into one table, in one transaction: all rows, or nothing.

    Without `append` the table must not exist yet. WorkbookError for what the database refuses, DataError with every
    misfit between the batches and a table that is already there.
    """

    def __init__(self, address: str, append: bool = False) -> None:
        self.address, self.append, self.rows = address, append, 0
        self._connection: sa.Connection | None = None
        self._declared: dict[str, str] = {}  # the columns of the table and their types, once there is one
        self._created: sa.Table | None = None
        self._broken = False

    def __enter__(self) -> "DatabaseWriter":
        target = _split(self.address)[1]
        if not target:
            raise _error(self.address, text("database_name_table"), text("database_name_table_hint"))
        with _plain(self.address):
            path = _file(self.address)
            self._new_file = path if path and not path.exists() else None
            try:
                self._connection = _connect(self.address, reading=False)
                if self._connection.dialect.name == "sqlite":  # sqlite3 begins nothing by itself before CREATE TABLE
                    self._connection.exec_driver_sql("BEGIN IMMEDIATE")
                self._table = _named(self._connection, target)
                self._declared = _layout(self._connection, self._table)[0]
                if self._declared and not self.append:
                    raise _error(self.address, text("database_exists"), text("database_exists_hint"))
            except BaseException:
                self._close(undo=True)
                raise
        return self

    def write(self, batch: pa.Table) -> None:
        """Add the rows of a batch; the first batch makes the table where there is none."""
        if self._connection is None:
            raise ValueError("write outside of the with block")
        if len(set(batch.column_names)) < batch.num_columns:
            raise ValueError("columns of the same name")
        before, self._broken = self._broken, True  # until the batch is in
        if not self._declared:
            self._create(self._connection, batch.schema)
        columns = self._fitted(self._connection, batch)
        for start in range(0, batch.num_rows, WRITE_ROWS):
            part = {name: (kind, column.slice(start, WRITE_ROWS)) for name, (kind, column) in columns.items()}
            with _plain(self.address):
                _insert(self._connection, self._table, part)
        self.rows += batch.num_rows
        self._broken = before

    def _create(self, connection: "sa.Connection", schema: pa.Schema) -> None:
        import sqlalchemy as sa

        table, backend = self._table, connection.dialect.name
        for name in (table.name, *schema.names) if backend == "postgresql" else ():
            if len(name.encode()) > POSTGRES_NAME_BYTES:
                raise _error(self.address, text("database_long_name", name=name, most=POSTGRES_NAME_BYTES))
        types = {field.name: values.stored(values.kind_of(field.type)) for field in schema}
        columns = [sa.Column(sa.quoted_name(name, True), kind, autoincrement=False) for name, kind in types.items()]
        options: Any = {f"{kind}_charset": "utf8mb4" for kind in KEEP_CREATED}
        made = sa.Table(table.name, sa.MetaData(), *columns, schema=table.schema, **options)
        with _plain(self.address):
            made.create(connection)
        self._created, self._declared = made, {name: str(kind) for name, kind in types.items()}

    def _fitted(self, connection: "sa.Connection", batch: pa.Table) -> dict[str, tuple[str, pa.ChunkedArray]]:
        """The columns as the table takes them, with the kind of each; DataError with every misfit."""
        said, columns = [], {}
        lacking = [name for name in self._declared if name not in batch.column_names]
        said += [(text("database_column_missing", name=name), "") for name in lacking]
        for name, column in zip(batch.column_names, batch.columns, strict=True):
            declared = self._declared.get(name)
            if declared is None:
                said.append((text("database_column_extra", name=name), _near(name, lacking)))
                continue
            kind, found = values.fitted(column, values.declared_kind(declared))
            if found is None:
                word = label(values.WORDS[values.kind_of(column.type)])
                said.append((text("database_column_misfit", name=name, found=word, wanted=declared), ""))
            elif kind == "text" and connection.dialect.name == "postgresql" and values.has_nul(found):
                said.append((text("database_nul", name=name), ""))
            else:
                columns[name] = kind, found
        if said:
            raise DataError(Problem(Place(shown(self.address)), message, hint) for message, hint in said)
        return columns

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        undo = True
        try:
            if kind is None and self._declared and not self._broken and self._connection:
                with _plain(self.address):
                    self._connection.commit()
                undo = False
        finally:
            self._close(undo)

    def _close(self, undo: bool) -> None:
        """Close the connection; where asked, undo what was written first."""
        if self._connection is not None:
            with suppress(WorkbookError), _plain(self.address), closing(self._connection) as connection:
                if undo:
                    connection.rollback()
                    if self._created is not None and connection.dialect.name in KEEP_CREATED:
                        self._created.drop(connection)
        if undo:
            self.rows = 0
            for suffix in ("", "-journal", "-wal", "-shm", ".wal") if self._new_file else ():
                Path(f"{self._new_file}{suffix}").unlink(missing_ok=True)


def _split(address: str) -> tuple[str, str]:
    """The URL, with the characters of its password escaped, and the table's name."""
    match = _ADDRESS.fullmatch(address)
    if not match:
        raise _error(address, text("database_address"), text("database_address_hint"))
    scheme, user, password, rest, table = match.groups()
    login = "" if user is None else f"{user}:{quote(unquote(password), safe='')}@"
    return f"{scheme}://{login}{rest}", unquote(table or "")


def _url(address: str) -> "sa.URL":
    import sqlalchemy as sa

    try:
        url = sa.make_url(_split(address)[0])
    except (sa.exc.ArgumentError, ValueError):  # their words may hold the password
        raise _error(address, text("database_address"), text("database_address_hint")) from None
    backend, _, driver = url.drivername.partition("+")
    backend = "postgresql" if backend == "postgres" else backend
    if backend not in DRIVERS:
        message = text("database_unknown", name=backend, known=listed(DRIVERS))
        raise _error(address, message, _near(backend, DRIVERS))
    if not driver:
        installed = [name for name in DRIVERS[backend] if importlib.util.find_spec(name)]
        driver = next(iter((*installed, *DRIVERS[backend])), "")
    return url.set(drivername=f"{backend}+{driver}" if driver else backend)


def _file(address: str) -> Path | None:
    """The file that holds the database, where one does."""
    url = _url(address)
    if url.get_backend_name() not in ("sqlite", "duckdb"):
        return None
    if not url.database or url.database == ":memory:":
        raise _error(address, text("database_address"), text("database_address_hint"))
    return Path(url.database)


def _connect(address: str, reading: bool) -> "sa.Connection":
    import sqlalchemy as sa

    path, url = _file(address), _url(address)
    options = {"read_only": True} if reading and url.get_backend_name() == "duckdb" else {}
    try:
        engine = sa.create_engine(url, poolclass=sa.NullPool, connect_args=options)
        if reading and path and not path.exists():
            raise _error(address, text("database_no_file"))
        return engine.connect()
    except (TypeError, ValueError) as error:  # an option after ? that the driver does not take
        raise _error(address, text("database_refused", words=_words(address, error))) from None


def _error(address: str, message: str, hint: str = "") -> WorkbookError:
    return WorkbookError(Problem(Place(shown(address)), message, hint))


def _near(name: str, known: Iterable[str]) -> str:
    guess = nearest(name, known)
    return text("database_near", name=guess) if guess else ""


@contextmanager
def _plain(address: str) -> Iterator[None]:
    """Say what a driver refuses in one line without the password, and keep its warnings to itself."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (WorkbookError, DataError):
        raise
    except Exception as error:
        package = _package(address, error)
        if package:
            hint = f"pip install {PACKAGES.get(package, package)}"
            raise _error(address, text("database_package", name=package), hint) from None
        modules = {kind.__module__.partition(".")[0] for kind in type(error).__mro__}
        if not modules & DRIVER_MODULES and not isinstance(error, OSError | UnicodeError | ImportError):
            raise
        raise _error(address, text("database_refused", words=_words(address, error))) from None


def _package(address: str, error: Exception) -> str:
    """The package whose lack is the error."""
    if isinstance(error, ModuleNotFoundError):
        return (error.name or "").partition(".")[0]
    # SQLAlchemy finds the dialect of DuckDB only in a package of its own.
    return "duckdb_engine" if type(error).__name__ == "NoSuchModuleError" and address.startswith("duckdb") else ""


def _words(address: str, error: Exception) -> str:
    """The first line of what the database said."""
    said = getattr(error, "orig", None) or error
    last = said.args[-1] if said.args and isinstance(said.args[-1], str) else str(said)
    line = next((line.strip() for line in last.splitlines() if line.strip()), type(said).__name__)
    found = {secret for pattern in _SECRETS for _, secret in pattern.findall(address)}
    for secret in filter(None, found | {unquote(secret) for secret in found}):
        line = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", "***", line)
    return line


def _named(connection: "sa.Connection", target: str) -> "sa.TableClause":
    """The table of this name; `a.b` is table b of schema a where there is such a schema and no table `a.b`."""
    import sqlalchemy as sa

    table = sa.table(sa.quoted_name(target, True))
    schema, dot, name = target.partition(".")
    if dot and not _layout(connection, table)[0]:
        schemas = sa.inspect(connection).get_schema_names()  # DuckDB's read `"f"."sales"`
        if schema in {each.rpartition(".")[2].strip('"') for each in schemas}:
            return sa.table(sa.quoted_name(name, True), schema=sa.quoted_name(schema, True))
    return table


def _find(connection: "sa.Connection", address: str) -> "sa.TableClause":
    """The table to read; WorkbookError with the tables there are."""
    import sqlalchemy as sa

    target = _split(address)[1]
    table = _named(connection, target)
    if target and _layout(connection, table)[0]:
        return table
    inspector = sa.inspect(connection)
    known = sorted({*inspector.get_table_names(table.schema), *inspector.get_view_names(table.schema)})
    names = listed([*known[:LISTED], *(["…"] if len(known) > LISTED else [])])
    tables = text("database_tables", names=names) if known else text("database_empty")
    if not target:
        raise _error(address, text("database_name_table"), tables)
    raise _error(address, text("database_no_table", name=target), _near(table.name, known) or tables)


def _layout(connection: "sa.Connection", table: "sa.TableClause") -> tuple[dict[str, str], list[str]]:
    """The declared type of each column, and the columns of the primary key; nothing where there is no such table."""
    import sqlalchemy as sa

    ask = _ASK.get(connection.dialect.name)
    if ask:
        named = {"name": table.name, "schema": table.schema}
        columns = {name: kind.upper() for name, kind in connection.execute(sa.text(ask[0]), named)}
        return columns, [name for (name,) in connection.execute(sa.text(ask[1]), named)]
    inspector = sa.inspect(connection)
    if not inspector.has_table(table.name, table.schema):
        return {}, []
    columns = {each["name"]: str(each["type"]).upper() for each in inspector.get_columns(table.name, table.schema)}
    return columns, list(inspector.get_pk_constraint(table.name, table.schema)["constrained_columns"])


def _partitions(
    connection: "sa.Connection", table: "sa.TableClause", declared: dict[str, str], key: list[str]
) -> Iterator[Sequence[Any]]:
    """The rows, READ_ROWS at a time, in the order of the key."""
    import sqlalchemy as sa

    columns: list[Any] = []
    for name, kind in declared.items():
        column: sa.ColumnElement[Any] = sa.column(sa.quoted_name(name, True))
        zoned = connection.dialect.name == "duckdb" and kind == "TIMESTAMP WITH TIME ZONE"
        columns.append(sa.func.timezone("UTC", column) if zoned else column)  # DuckDB needs pytz for zones
    order: list[Any] = [sa.column(sa.quoted_name(name, True)) for name in key]
    query = sa.select(*columns).select_from(table).order_by(*order)
    yield from connection.execution_options(yield_per=READ_ROWS).execute(query).partitions()


def _insert(
    connection: "sa.Connection", table: "sa.TableClause", columns: dict[str, tuple[str, pa.ChunkedArray]]
) -> None:
    import sqlalchemy as sa

    names = [sa.quoted_name(name, True) for name in columns]
    into = sa.table(table.name, *[sa.column(name) for name in names], schema=table.schema)
    if connection.dialect.name == "duckdb":  # takes Arrow as it is, many times faster than row by row
        batch = {f"p{i}": column for i, (_, column) in enumerate(columns.values())}
        chosen: list[Any] = [sa.column(name) for name in batch]
        driver: Any = connection.connection.driver_connection
        driver.register("xltrain_batch", pa.table(batch))
        query = sa.select(*chosen).select_from(sa.table("xltrain_batch"))
        connection.execute(sa.insert(into).from_select(names, query))
        driver.unregister("xltrain_batch")
        return
    binds = [sa.bindparam(f"p{i}", type_=values.stored(kind)) for i, (kind, _) in enumerate(columns.values())]
    lists = [column.to_pylist() for _, column in columns.values()]
    rows = [{f"p{i}": value for i, value in enumerate(row)} for row in zip(*lists, strict=True)]
    connection.execute(sa.insert(into).values(dict(zip(names, binds, strict=True))), rows)
