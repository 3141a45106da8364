"""What a fit leaves beside its results for later ones: fit.json (files, settings, scores, columns) and the data.

The next fit of the job says by them what is new, and `compare` what two fits have in common. data.parquet holds the
rows as they were trained on, in the order of samples.parquet, each with its place and fingerprint.
"""

import datetime
import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from xltrain.data.decided import Settled, kept_positions
from xltrain.data.fingerprint import file_hash, fingerprints
from xltrain.data.profile import Profile, profile
from xltrain.data.table import MARK_KEY, MARK_LETTER, MergeReport, SourceReport, Table
from xltrain.engine.result import Result, TargetResult
from xltrain.errors import WorkbookError
from xltrain.language import text
from xltrain.place import Place, Problem, parse_range

VERSION = 1
RECORD, DATA, LEDGER = "fit.json", "data.parquet", "samples.parquet"
OWN = ("file", "sheet", "row", "letter", "key", "fingerprint")  # columns of data.parquet that are not of the data
PREFIX = "place: "


@dataclass(frozen=True)
class TableRecord:
    """Where the rows of a table stood: the last row of its header (0 for none), its first and last row, and its last
    column, counted from 1.
    """

    sheet: str
    header_row: int
    first_row: int
    last_row: int
    last_column: int


@dataclass(frozen=True)
class FileRecord:
    """A source as it was read: its name in places, its hash and size; its sheets with the letter of every column."""

    file: str
    sha256: str = ""
    size: int = 0
    sheets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    tables: tuple[TableRecord, ...] = ()


@dataclass(frozen=True)
class TargetRecord:
    """The winner of a target and its scores out of fold; fingerprints of the rows that were worth reviewing."""

    target: str
    task: str
    metric: str
    winner: str
    classes: tuple[str, ...]
    scores: Mapping[str, float | None]
    suspects: tuple[str, ...] = ()


@dataclass(frozen=True)
class Record:
    """A fit as fit.json tells it. `settings` are the job's rows by sheet; file names are relative to `folder`, which is
    itself relative to where the results lie.
    """

    when: str
    name: str
    folder: str
    samples: int
    features: tuple[str, ...]
    files: tuple[FileRecord, ...]
    targets: tuple[TargetRecord, ...]
    columns: Mapping[str, Profile]
    settings: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    version: int = VERSION


def file_records(table: Table, merge: MergeReport, folder: Path) -> tuple[FileRecord, ...]:
    """Every file that was read, by its name in places; hashed now, so call it as soon as the rows are read."""
    sheets: dict[str, dict[str, Mapping[str, str]]] = {}
    for source in merge.sources:
        sheets.setdefault(source.file, {})
    for origin in table.origins:
        sheets.setdefault(origin.file, {})[origin.sheet] = dict(origin.letters)
    return tuple(_file_record(name, of_file, table_records(merge, name), folder) for name, of_file in sheets.items())


def table_records(merge: MergeReport, file: str) -> tuple[TableRecord, ...]:
    """The tables of a file that rows were taken from."""
    return tuple(_table(each) for each in merge.sources if each.file == file and each.kept)


def _table(source: SourceReport) -> TableRecord:
    cells = parse_range(source.table)
    last = cells.last_column if cells else 0
    return TableRecord(source.sheet, source.header_row, source.first_row, source.last_row, last)


def _file_record(
    name: str, sheets: Mapping[str, Mapping[str, str]], tables: tuple[TableRecord, ...], folder: Path
) -> FileRecord:
    path = folder / name
    try:
        return FileRecord(name, file_hash(path), path.stat().st_size, sheets, tables)
    except OSError:  # a database or a frame, or a file that is gone by now
        return FileRecord(name, sheets=sheets, tables=tables)


def write_record(
    folder: Path,
    name: str,
    base: Path,
    settings: Mapping[str, Sequence[Mapping[str, Any]]],
    files: Sequence[FileRecord],
    result: Result,
    table: Table,
    settled: Sequence[Settled] = (),
) -> None:
    """fit.json and data.parquet into the folder of results; file names are relative to `base`."""
    import pyarrow.parquet as pq

    prints, right = fingerprints(table), kept_positions(table, settled)
    record = Record(
        datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        name,
        _relative(base, folder.parent),
        result.samples,
        result.features,
        tuple(files),
        tuple(
            TargetRecord(
                each.target,
                each.task,
                each.metric,
                each.winner,
                each.classes,
                {metric: finite(score.value) for metric, score in each.best.metrics.items()},
                _suspects(each, prints, right),
            )
            for each in result.targets
        ),
        {column: profile(table.data.column(column)) for column in table.names},
        settings,
    )
    told = json.dumps(asdict(record), ensure_ascii=False, indent=1, allow_nan=False, default=str)
    (folder / RECORD).write_text(told, encoding="utf-8")
    pq.write_table(placed(table), folder / DATA, compression="zstd")


def _suspects(target: TargetResult, prints: pa.Array, right: npt.NDArray[np.int64]) -> tuple[str, ...]:
    """Fingerprints of the rows of a target that are worth reviewing, without those decided to be kept."""
    if target.suspects is None:
        return ()
    worth = target.suspects.reviewed
    return tuple(prints.take(pa.array(worth[~np.isin(worth, right)])).to_pylist())


def _relative(base: Path, folder: Path) -> str:
    try:
        return Path(os.path.relpath(base, folder)).as_posix()
    except ValueError:  # another drive
        return base.absolute().as_posix()


def finite(value: float) -> float | None:
    """The value as JSON has it: None for infinity and no number."""
    return value if math.isfinite(value) else None


def placed(table: Table) -> pa.Table:
    """The data, then its places and fingerprints under names that no column has."""
    index = pa.array(table.origin)
    places = {
        "file": pa.array([each.file for each in table.origins] or [""], pa.string()).take(index),
        "sheet": pa.array([each.sheet for each in table.origins] or [""], pa.string()).take(index),
        "row": pa.array(table.row),
        "letter": _mark(table, MARK_LETTER),
        "key": _mark(table, MARK_KEY),
        "fingerprint": fingerprints(table),
    }
    data = table.data
    for word in OWN:
        data = data.append_column(PREFIX + word, places[word])
    return data.replace_schema_metadata(None)


def _mark(table: Table, name: str) -> Any:
    if table.marks is None or name not in table.marks.column_names:
        return pa.array([""], pa.string()).take(pa.array(np.zeros(len(table), np.int32)))
    return table.marks.column(name)


def beside(results: Path) -> Path:
    """The folder of a results workbook; the folder itself where that is named."""
    return results if results.is_dir() else results.with_suffix("")


def read_record(results: Path) -> Record:
    """What fit.json beside a results workbook says.

    Raises:
        WorkbookError: no such folder, a broken file, or one of a later version of xltrain.
    """
    path = beside(results) / RECORD
    place = Place(str(results))
    if not path.parent.is_dir():
        hint = text("record_no_folder_hint", folder=path.parent.name)
        raise WorkbookError(Problem(place, text("record_no_folder", folder=path.parent), hint))
    if not path.is_file():
        raise WorkbookError(Problem(place, text("record_missing", file=path), text("record_missing_hint")))
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        version = int(told["version"])
        if version > VERSION:
            message = text("record_newer", found=version, known=VERSION)
            raise WorkbookError(Problem(place, message, text("record_newer_hint")))
        return _record(told)
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        message = text("record_broken", file=path, reason=_reason(error))
        raise WorkbookError(Problem(place, message, text("record_missing_hint"))) from error


def _reason(error: Exception) -> str:
    """Why a file cannot be read, in the reader's language; the libraries' own words would be English."""
    if isinstance(error, json.JSONDecodeError):
        return text("record_no_json", line=error.lineno, column=error.colno)
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, KeyError) and error.args:
        return text("record_lacks", name=error.args[0])
    return text("record_foreign")


def _record(told: Mapping[str, Any]) -> Record:
    known = {name: told[name] for name in Record.__dataclass_fields__ if name in told}
    return Record(
        **{
            **known,
            "features": tuple(told["features"]),
            "files": tuple(_file(each) for each in told["files"]),
            "targets": tuple(_target(each) for each in told["targets"]),
            "columns": {name: Profile.of(each) for name, each in told["columns"].items()},
        }
    )


def _file(told: Mapping[str, Any]) -> FileRecord:
    return FileRecord(**{**told, "tables": tuple(TableRecord(**each) for each in told.get("tables", ()))})


def _target(told: Mapping[str, Any]) -> TargetRecord:
    return TargetRecord(**{**told, **{name: tuple(told.get(name, ())) for name in ("classes", "suspects")}})


def read_data(results: Path, columns: Sequence[str] = ()) -> pa.Table:
    """The rows that a fit trained on, or some of their columns; their places are `place: file` and so on (`OWN`).

    Raises:
        WorkbookError: they are missing or cannot be read.
    """
    return _read(results, DATA, columns)


def read_ledger(results: Path, columns: Sequence[str] = ()) -> pa.Table:
    """samples.parquet beside a results workbook, or those of its columns that are there.

    WorkbookError where it is missing or cannot be read.
    """
    return _read(results, LEDGER, columns)


def _read(results: Path, name: str, columns: Sequence[str] = ()) -> pa.Table:
    import pyarrow.parquet as pq

    path = beside(results) / name
    if not path.is_file():
        place = Place(str(results))
        raise WorkbookError(Problem(place, text("record_missing", file=path), text("record_missing_hint")))
    try:
        known = [column for column in pq.read_schema(path).names if column in columns]
        return pq.read_table(path, columns=known or None)
    except (pa.ArrowInvalid, OSError) as error:
        message = text("record_broken", file=path, reason=_reason(error))
        raise WorkbookError(Problem(Place(str(results)), message, text("record_missing_hint"))) from error
