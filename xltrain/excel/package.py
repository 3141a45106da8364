"""Files as wholes: written under a temporary name, renamed when complete, never replaced by accident."""

import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path

from xltrain.errors import WorkbookError
from xltrain.language import text
from xltrain.place import Place, Problem
from xltrain.registry import nearest


def next_free(path: Path) -> Path:
    """`path` itself where nothing has its name, else the first free of results-2.xlsx, results-3.xlsx ...

    A folder of the same name without suffix counts as taken too, since results keep their files in one.
    """
    number, free = 1, path
    while free.exists() or (free.suffix and free.with_suffix("").exists()):
        number += 1
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return free


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


@contextlib.contextmanager
def replacing(path: Path, overwrite: bool = False) -> Iterator[Path]:
    """A temporary name beside `path`; when the block succeeds the file written there gets its name, else it is removed.

    The folder is tested at once, so that a long work does not end at a place that cannot be written.

    Raises:
        WorkbookError: the folder is missing or not writable, or the file exists and `overwrite` is not set; after the
            block, when the file is locked (open in Excel): the work is then kept under the next free name, which the
            message gives.
    """
    _check(path, overwrite)
    temporary = path.with_name(f".{path.stem}-{secrets.token_hex(4)}{path.suffix}")
    try:
        temporary.touch(exist_ok=False)
    except OSError as error:
        raise WorkbookError(_refused(path, error)) from error
    try:
        yield temporary
        _publish(temporary, path, overwrite)
    finally:
        temporary.unlink(missing_ok=True)


def _check(path: Path, overwrite: bool) -> None:
    place = Place(str(path))
    if path.is_dir():
        raise WorkbookError(Problem(place, text("output_is_folder"), text("output_is_folder_hint")))
    if not path.parent.is_dir():
        raise WorkbookError(Problem(place, text("output_no_folder", folder=path.parent), text("output_no_folder_hint")))
    if path.exists() and not overwrite:
        raise WorkbookError(Problem(place, text("file_exists"), text("file_exists_hint")))


def _publish(temporary: Path, path: Path, overwrite: bool) -> None:
    try:
        if not overwrite and path.exists():
            raise PermissionError
        temporary.replace(path)
    except PermissionError as error:
        free = next_free(path)
        temporary.replace(free)
        raise WorkbookError(
            Problem(Place(str(path)), text("output_locked"), text("output_saved_as", path=free))
        ) from error


def _refused(path: Path, error: OSError) -> Problem:
    reason = error.strerror or str(error)
    return Problem(Place(str(path)), text("output_not_writable", reason=reason), text("output_not_writable_hint"))
