"""What sources name: books, folders, globs, tables of databases and frames, each once and in order."""

import contextlib
import csv
import glob
import os
import re
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from xltrain.config.settings import Source
from xltrain.data.database import is_database, read_database, shown
from xltrain.data.inputs import Input
from xltrain.data.join import Join
from xltrain.data.store import from_arrow, from_pandas, read_parquet
from xltrain.errors import ConfigError, WorkbookError
from xltrain.excel.package import open_elsewhere
from xltrain.excel.read import SUFFIXES, sheet_names
from xltrain.language import canonical, text
from xltrain.place import Place, Problem
from xltrain.workflow.copies import read_among, without_copies

# A book, folder or glob, a database's table, a pandas DataFrame, or several of these (`Source` where more is said).
Sources = Any


def listed(sources: Sources) -> list[Any]:
    given = [sources] if isinstance(sources, (str, Path, Source)) or is_frame(sources) else list(sources)
    if not given:
        raise ConfigError(Problem(None, text("merge_nothing"), text("merge_nothing_hint")))
    return given


def check_apart(written: Sequence[str | Path], sources: Sources, joins: Sequence[Join], base: Path) -> None:
    """WorkbookError where an output is an input, or two outputs are one file: no input book is ever written to."""
    names = [said.path if isinstance(said, Source) else said for said in listed(sources)]
    names = [each for each in (*names, *(join.source for join in joins)) if isinstance(each, (str, Path))]
    read = [base / split(str(each), base)[0] for each in names if not is_database(str(each))]
    lost, seen = set(read_among(map(Path, written), read)), set()
    problems = []
    for each in written:
        real = os.path.realpath(each)
        if Path(each) in lost or real in seen:
            problems.append(Problem(Place(str(each)), text("output_is_source"), text("output_is_source_hint")))
        seen.add(real)
    if problems:
        raise WorkbookError(problems)


def expand(sources: Sequence[Any], folder: Path, written: Collection[str] = ()) -> tuple[list[Input], list[Problem]]:
    """Every book that paths, folders and globs name, each once and in order; and what was left out in passing.

    `written` are the files that this merge writes, which a folder may hold from the last time.

    Raises:
        WorkbookError: names that match nothing.
    """
    folder = folder.absolute()  # readers are processes of their own, which may have begun in another folder
    inputs: dict[tuple[str, ...], Input] = {}
    doubts: list[Problem] = []
    problems: list[Problem] = []
    for number, source in enumerate(sources):
        if is_frame(source):
            inputs[("frame", str(number))] = Input(Path(), "DataFrame", table=from_pandas(source))
            continue
        said = source if isinstance(source, Source) else Source(str(source))
        if is_database(said.path):
            inputs[("database", said.path)] = _from_database(said.path)
            continue
        path, thing = split(said.path, folder)
        named = folder / path
        if named.is_dir():
            below = (each for each in named.rglob("*") if each.suffix.lower() in SUFFIXES)
            found = sorted((each for each in below if not _is_hidden(each, named)), key=_natural)
        elif named.exists() or not glob.has_magic(str(named)):
            found = [named]
        else:
            found = sorted(map(Path, glob.glob(str(named), recursive=True)), key=_natural)  # noqa: PTH207
        passed = named.is_dir() or found != [named]
        lost = [each for each in found if passed and _is_data(each, written)]
        problems += [_lost(each, folder) for each in lost]
        kept = [each for each in found if not (passed and _passed_over(each, folder, doubts, written))] or lost
        kept = without_copies(kept, lambda path: name_of(path, folder), doubts) if passed else kept
        if not kept:
            message = text("source_missing", path=said.path, folder=folder)
            problems.append(Problem(said.place or Place(said.path), message, text("source_missing_hint")))
        for each in kept:
            doubts += open_books(folder, [name_of(each, folder)])
            key = (os.path.realpath(each), thing, said.sheet, said.range)
            inputs.setdefault(key, _input(each, name_of(each, folder), thing, said, passed))
    if problems:
        raise WorkbookError(problems)
    return list(inputs.values()), doubts


def open_books(folder: Path, files: Iterable[str]) -> list[Problem]:
    """Those of the files below `folder` that another program holds open."""
    opened = [file for file in files if open_elsewhere(folder / file)]
    return [Problem(Place(file), text("doubt_book_open"), text("doubt_lock_hint")) for file in opened]


def _input(path: Path, file: str, thing: str, said: Source, passed: bool) -> Input:
    if path.suffix.lower() == ".parquet" and path.is_file():
        return Input(path, file, table=read_parquet(path), place=said.place)
    return Input(
        path, file, thing, said.sheet, said.header, said.range, said.skip_rows, passed=passed, place=said.place
    )


def _from_database(address: str) -> Input:
    found, _, keys = read_database(address)
    plain, _, name = shown(address).partition("#")
    table = from_arrow(found, plain, name)
    own = table.names == found.column_names  # a table that holds places of its own leads back to them
    return Input(Path(), plain, table=table, keys=keys if own else ())


def split(source: str, folder: Path | None = None) -> tuple[str, str]:
    """`book.xlsx!Sales` -> the book and what of it; a path that exists as it stands is a path."""
    if "!" not in source or (folder is not None and (folder / source).exists()):
        return source, ""
    at = -1
    while (at := source.find("!", at + 1)) >= 0:
        if Path(source[:at].strip("'")).suffix.lower() in SUFFIXES:
            return source[:at].strip("'"), source[at + 1 :].strip()
    return source, ""


def name_of(path: Path, folder: Path) -> str:
    """A file's name in places: relative to `folder` with forward slashes where that is possible."""
    try:
        name = Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # another drive
        name = path.as_posix()
    raw = os.fsencode(name)
    for encoding in ("utf-8", "gb18030"):  # names from an archive of another system
        with contextlib.suppress(UnicodeDecodeError):
            return raw.decode(encoding)
    return raw.decode("utf-8", "replace")


def path_of(source: Any) -> str:
    return source.path if isinstance(source, Source) else str(source)


def _passed_over(path: Path, folder: Path, doubts: list[Problem], written: Collection[str]) -> bool:
    """Whether a file met in a folder is no data: hidden, a lock file, or what this merge writes."""
    if os.path.realpath(path) in written:
        doubts.append(Problem(Place(name_of(path, folder)), text("doubt_output_skipped"), text("doubt_output_hint")))
        return True
    if path.name.startswith("~$"):
        if not path.with_name(path.name[2:]).exists():  # else it is told of the book
            doubts.append(Problem(Place(name_of(path, folder)), text("doubt_lock_skipped"), text("doubt_lock_hint")))
        return True
    return path.name.startswith(".") or not path.is_file()


def _lost(path: Path, folder: Path) -> Problem:
    return Problem(Place(name_of(path, folder)), text("output_is_source"), text("output_is_source_hint"))


def _is_data(path: Path, written: Collection[str]) -> bool:
    """Whether a file met in a folder would be replaced though no merge wrote it."""
    return bool(path.is_file() and read_among([path], map(Path, written)) and not is_merged(path))


def is_merged(path: Path) -> bool:
    """Whether an earlier merge or prediction wrote this file: it holds its report, or the places of its rows."""
    suffix = path.suffix.lower()
    if not path.is_file() or suffix not in (".xlsx", ".parquet", ".csv"):
        return False
    if not path.stat().st_size:
        return True  # a name that has just been taken
    if suffix == ".xlsx":
        return bool({"Merge report", "Dropped and changed"} & set(map(canonical, sheet_names(path))))
    if suffix == ".parquet":
        import pyarrow.parquet as pq

        names = list(pq.read_schema(path).names)
    else:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
            names = next(csv.reader(lines), [])
    return "source_file" in map(canonical, names)


def _is_hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def _natural(path: Path) -> tuple[Any, ...]:
    """Sorts `2.xlsx` before `10.xlsx`."""
    return tuple(
        (int(part), "") if part.isdigit() else (1 << 60, part.casefold()) for part in re.split(r"(\d+)", str(path))
    )


def is_frame(source: Any) -> bool:
    return hasattr(source, "columns") and hasattr(source, "iloc")
