"""Files as wholes: written under a temporary name, renamed when complete, never replaced by accident."""

import contextlib
import errno
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from xltrain.errors import WorkbookError, XltrainError
from xltrain.excel.leftovers import temporary_name, tidy
from xltrain.language import text
from xltrain.place import Place, Problem
from xltrain.registry import nearest

FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
FULL_WORDS = ("no space left", "disk is full", "os error 28", "os error 112")  # of libraries that give no number
TRIES = 20  # to rename a file, a tenth of a second apart
LITTLE = 1 << 20  # bytes: a disk with less room is taken for the full one


def next_free(path: Path) -> Path:
    """`path` itself where nothing has its name or a number of it, else one beyond the last of results-2.xlsx ...

    A number that was freed by deleting is not used again: the highest is always the newest. A folder of the same name
    without suffix counts as taken too, since results keep their files in one.
    """
    beside = path.parent.iterdir() if path.parent.is_dir() else ()
    named = [Path(each.name if each.suffix == path.suffix else each.name + path.suffix) for each in beside]
    taken = [number for stem, number in map(number_of, named) if stem.casefold() == path.stem.casefold()]
    taken += [1] if path.exists() or (path.suffix and path.with_suffix("").exists()) else []
    return path.with_name(f"{path.stem}-{max(taken) + 1}{path.suffix}") if taken else path


def output_book(asked: str | Path | None, usual: Path) -> Path:
    """The workbook that a person asks for: .xlsx is added where it lacks, and in a folder it has its usual name.

    A folder beside a workbook of its name is no place but holds what belongs to that workbook.
    """
    if asked is None or not str(asked).strip():
        return usual
    path = Path(asked)
    book = path if path.suffix.lower() == ".xlsx" or not path.name.strip(".") else path.with_name(path.name + ".xlsx")
    closed = str(asked).endswith(("/", os.sep))
    return path / usual.name if closed or (path.is_dir() and not book.is_file()) else book


def number_of(path: Path) -> tuple[str, int]:
    """`results-2.xlsx` -> results and 2; `results.xlsx` -> results and 1. Four digits are a year, no number."""
    match = re.fullmatch(r"(.+)-(\d{1,3})", path.stem)
    return (match[1], int(match[2])) if match else (path.stem, 1)


def missing_book(path: Path) -> Problem | None:
    """What is wrong when `path` is no file at all, with the nearest name beside it."""
    if path.is_file():
        return None
    place = Place(str(path))
    if path.is_dir():
        return Problem(place, text("book_is_folder"), text("book_is_folder_hint"))
    beside = [each.name for each in path.parent.iterdir() if each.is_file()] if path.parent.is_dir() else []
    near = nearest(path.name, beside)
    return Problem(
        place, text("book_missing"), text("book_missing_near", name=near) if near else text("book_missing_hint")
    )


def open_elsewhere(path: Path) -> bool:
    """Whether a book is open in Excel, WPS or LibreOffice, by the lock file that these put beside it."""
    return any(path.with_name(name).exists() for name in (f"~${path.name}", f".~lock.{path.name}#"))


@contextlib.contextmanager
def replacing(path: Path, overwrite: bool = False) -> Iterator[Path]:
    """A temporary name beside `path`; when the block succeeds the file written there gets its name, else it is removed.

    The folder is tested at once, so that a long work does not end at a place that cannot be written; what a killed
    process left in it is tidied up.

    Raises:
        WorkbookError: the folder is missing or not writable, or the file exists and `overwrite` is not set; the disk is
            full; after the block, when the file is locked (open in Excel): the work is then kept under the next free
            name, which the message gives.
    """
    _check(path, overwrite)
    tidy(path.parent)
    temporary = path.with_name(temporary_name(path.stem, path.suffix))
    try:
        temporary.touch(exist_ok=False)
    except OSError as error:
        raise WorkbookError(disk_full(error, path) or not_writable(path, error)) from error
    try:
        with named({temporary: path}), telling_full(path):
            yield temporary
            _publish(temporary, path, overwrite)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def temporary_folder(path: Path) -> Iterator[Path]:
    """A hidden folder beside `path` that gets its name when the block succeeds, else it is removed."""
    folder = path.with_name(temporary_name(path.name))
    try:
        folder.mkdir()
    except OSError as error:
        raise WorkbookError(disk_full(error, path) or not_writable(path, error)) from error
    try:
        with telling_full(path):
            yield folder
            renamed(folder, path)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder where the system keeps temporary files, removed in the end.

    Raises:
        WorkbookError: it is full, or there is none.
    """
    try:
        parent = Path(tempfile.gettempdir())
        tidy(parent)
        folder = parent / temporary_name("xltrain")
        folder.mkdir(mode=0o700)
    except OSError as error:
        lost = tempfile.tempdir is None or _came_of_full(error)  # no folder takes a byte: the disk is full
        raise WorkbookError(_temporaries_full() if lost else not_writable(parent, error)) from error
    try:
        yield folder
    except Exception as error:
        if _came_of_full(error) and _crowded(folder):
            raise WorkbookError(_temporaries_full()) from error
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def named(own: Mapping[Path, Path]) -> Iterator[None]:
    """Problems of the block with temporary files are told with the names that these are to get."""
    try:
        yield
    except WorkbookError as error:
        names = {str(temporary): str(path) for temporary, path in own.items()}
        if not any(each.place and each.place.file in names for each in error.problems):
            raise
        raise WorkbookError([_named(each, names) for each in error.problems]) from error


def _named(problem: Problem, names: Mapping[str, str]) -> Problem:
    place = problem.place
    if place is None or place.file not in names:
        return problem
    return replace(problem, place=replace(place, file=names[place.file]))


@contextlib.contextmanager
def telling_full(path: Path) -> Iterator[None]:
    """Turn whatever the block raises because a disk is full into one line about `path`."""
    try:
        yield
    except Exception as error:
        if problem := disk_full(error, path):
            raise WorkbookError(problem) from error
        raise


def disk_full(error: BaseException, path: Path) -> Problem | None:
    """What is wrong where `error` came of a full disk, that of `path` or of temporary files; None for all else."""
    if not _came_of_full(error):
        return None
    if not _crowded(path.parent) and _crowded(Path(tempfile.gettempdir())):
        return _temporaries_full()
    return Problem(Place(str(path)), text("disk_full"), text("disk_full_hint"))


def _temporaries_full() -> Problem:
    place = Place(tempfile.tempdir) if isinstance(tempfile.tempdir, str) else None
    return Problem(place, text("temporaries_full"), text("temporaries_full_hint"))


def _came_of_full(error: BaseException) -> bool:
    """Whether a full disk is behind an error that does not say so yet."""
    told = (text("disk_full"), text("temporaries_full"))
    if isinstance(error, XltrainError) and any(each.message in told for each in error.problems):
        return False
    return any(_is_full(each) for each in causes(error))


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error, what it wraps and what it came of."""
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        waiting += [each.__cause__, each.__context__, *(arg for arg in each.args if isinstance(arg, BaseException))]


def _is_full(error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in FULL
    said = str(error).lower()
    return any(words in said for words in FULL_WORDS)


def _crowded(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < LITTLE
    except OSError:
        return False


def _check(path: Path, overwrite: bool) -> None:
    place = Place(str(path))
    if path.is_dir():
        raise WorkbookError(Problem(place, text("output_is_folder"), text("output_is_folder_hint")))
    if not path.parent.is_dir():
        raise WorkbookError(Problem(place, text("output_no_folder", folder=path.parent), text("output_no_folder_hint")))
    if path.exists() and not overwrite:
        raise WorkbookError(Problem(place, text("file_exists"), text("file_exists_hint")))


def renamed(old: Path, new: Path) -> None:
    """Give a new file or folder its name. Windows refuses for a moment where a virus scanner looks at it.

    Raises:
        OSError: it is still refused after two seconds.
    """
    for _ in range(TRIES if os.name == "nt" else 0):
        with contextlib.suppress(PermissionError):
            old.replace(new)
            return
        time.sleep(0.1)
    old.replace(new)


def _publish(temporary: Path, path: Path, overwrite: bool) -> None:
    try:
        if not overwrite and path.exists():
            raise PermissionError
        renamed(temporary, path)
    except PermissionError as error:
        free = next_free(path)
        renamed(temporary, free)
        raise WorkbookError(
            Problem(Place(str(path)), text("output_locked"), text("output_saved_as", path=free))
        ) from error


def not_writable(path: Path, error: BaseException) -> Problem:
    """One line on a file or folder that the system refuses to write."""
    reason = getattr(error, "strerror", None) or str(error)
    return Problem(Place(str(path)), text("output_not_writable", reason=reason), text("output_not_writable_hint"))
