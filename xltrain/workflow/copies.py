"""Copies of source workbooks in another place: what they are called, and that all of them are written or none."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from xltrain.config.source import is_job
from xltrain.errors import WorkbookError
from xltrain.events import Listener, Wrote, ignore
from xltrain.excel.leftovers import temporary_name, tidy
from xltrain.excel.package import disk_full, named, not_writable, renamed
from xltrain.excel.patch import KINDS, copy_kind, undo_book
from xltrain.language import text
from xltrain.place import Place, Problem


def copy_names(files: Sequence[str], suffix: str = "") -> dict[str, PurePosixPath]:
    """Where each copy lies below an output folder: as the source lies below its own, else by its name alone.

    `suffix`, where given, is that of files that cannot be copied as they are.
    """
    names: dict[str, PurePosixPath] = {}
    for file in files:
        path = PurePosixPath(file.replace("\\", "/"))
        inside = not path.is_absolute() and ".." not in path.parts and ":" not in file
        name = path if inside else PurePosixPath(path.name)
        name = name.with_suffix(suffix) if suffix else name
        number, stem = 1, name.stem
        while name in names.values():
            number += 1
            name = name.with_name(f"{stem}-{number}{name.suffix}")
        names[file] = name
    return names


def read_among(written: Iterable[Path], read: Iterable[Path]) -> list[Path]:
    """Those of the files to be written that are one of the files read, by whatever name: no input is ever replaced."""
    known = {key for path in read for key in _identity(path)}
    return [path for path in written if known & _identity(path)]


def check_unread(written: Iterable[Path], read: Iterable[Path]) -> None:
    """WorkbookError for every file to be written that is one of the files read."""
    hint = text("output_is_source_hint")
    problems = [Problem(Place(str(path)), text("output_is_source"), hint) for path in read_among(written, read)]
    if problems:
        raise WorkbookError(problems)


def _identity(path: Path) -> set[object]:
    """What is the same for all names of a file: links, and another case where the disk knows none."""
    found: set[object] = {os.path.normcase(os.path.realpath(path))}
    with suppress(OSError):
        known = path.stat()
        if known.st_ino:  # some network disks number no files
            found.add((known.st_dev, known.st_ino))
    return found


def check_copies(targets: Mapping[str, Path], base: Path, overwrite: bool, read: Iterable[Path] = ()) -> None:
    """WorkbookError for every copy that would lie on a source, on another file that was `read`, or on a file that is
    there. Sources are relative to `base`.
    """
    sources = set(read_among(targets.values(), [*(base / file for file in targets), *read]))
    problems = []
    for path in targets.values():
        if path in sources:
            problems.append(Problem(Place(str(path)), text("output_is_source"), text("output_is_source_hint")))
        elif path.exists() and not overwrite:
            problems.append(Problem(Place(str(path)), text("file_exists"), text("file_exists_hint")))
    if problems:
        raise WorkbookError(problems)


def without_copies(found: list[Path], name: Callable[[Path], str], doubts: list[Problem]) -> list[Path]:
    """Workbooks without those that are copies of others, since each row would be there twice; these become doubts.

    Annotated copies never count beside books; one with fixes or marks does where no book has its name. Where all are
    annotated copies they are read as any others.
    """
    kinds = {each: copy_kind(each) for each in found}
    books = {each.name for each, kind in kinds.items() if not kind}
    copies = [each for each, kind in kinds.items() if kind == "annotated" or (kind and each.name in books)]
    if len(copies) == len(found):
        return found
    doubts += [Problem(Place(name(each)), text("doubt_copy_skipped"), text("doubt_copy_hint")) for each in copies]
    return [each for each in found if each not in copies]


def make_folder(folder: Path) -> None:
    """WorkbookError where it cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WorkbookError(disk_full(error, folder) or not_writable(folder, error)) from error


@contextmanager
def all_or_none() -> Iterator[Callable[[Path], Path]]:
    """Files that are written one after the other under temporary names, which the yielded function gives.

    When the block succeeds all of them get their own names; when it fails none does, what stood there stays, and
    folders that were made for them are removed.

    Raises:
        WorkbookError: a folder that cannot be; the disk is full; a file is locked (open in Excel); besides what the
            block raises, with the files' own names.
    """
    own: dict[Path, Path] = {}  # temporary name -> name
    made: list[Path] = []

    def stage(path: Path) -> Path:
        made.extend(each for each in (path.parent, *path.parent.parents) if not each.exists())
        make_folder(path.parent)
        tidy(path.parent)
        temporary = path.with_name(temporary_name(path.stem, path.suffix))
        own[temporary] = path
        return temporary

    try:
        with named(own):
            yield stage
            _publish(own)
            made.clear()
    finally:
        for temporary in own:
            with suppress(OSError):  # a disk that cannot be written to says so of a file that is not there
                temporary.unlink(missing_ok=True)
        for folder in sorted(made, key=lambda each: len(each.parts), reverse=True):
            with suppress(OSError):
                folder.rmdir()


def _publish(own: Mapping[Path, Path]) -> None:
    """Give all files their names, once none of them is seen to be locked."""
    problems = []
    for path in own.values():
        if path.exists():
            try:
                path.open("r+b").close()
            except OSError:
                problems.append(Problem(Place(str(path)), text("output_locked"), text("output_locked_hint")))
    if problems:
        raise WorkbookError(problems)
    for temporary, path in own.items():
        try:
            renamed(temporary, path)
        except OSError as error:
            raise WorkbookError(disk_full(error, path) or not_writable(path, error)) from error


def undo_copies(
    copies: Sequence[Path], folder: Path, *, overwrite: bool = False, listen: Listener = ignore
) -> tuple[tuple[tuple[Path, bool], ...], tuple[Problem, ...]]:
    """Give back the workbooks that copies were made of, into `folder`; a copy may be a folder of them.

    Gives the files with whether every part is that of the original byte for byte, and those in which nothing was found
    to take back.

    Raises:
        WorkbookError: no copy there; a file that exists; or nothing to take back in any of them.
    """
    targets: dict[Path, Path] = {}
    problems: list[Problem] = []
    for source in copies:
        found = _copies_in(source) if source.is_dir() else [source]
        if not found:
            problems.append(Problem(Place(str(source)), text("undo_no_copy")))
        for copy in found:
            targets[copy] = folder / (copy.relative_to(source) if source.is_dir() else copy.name)
    lost = set(read_among(targets.values(), targets))
    for target in targets.values():
        if target in lost:
            problems.append(Problem(Place(str(target)), text("output_is_source"), text("output_is_source_hint")))
        elif target.exists() and not overwrite:
            problems.append(Problem(Place(str(target)), text("file_exists"), text("file_exists_hint")))
    if len(set(targets.values())) < len(targets):
        problems.append(Problem(Place(str(folder)), text("undo_same_name"), text("undo_same_name_hint")))
    if problems:
        raise WorkbookError(problems)
    done: list[tuple[Path, bool]] = []
    failed: list[Problem] = []
    for copy, target in targets.items():
        make_folder(target.parent)
        try:
            done.append((target, undo_book(copy, target, overwrite=overwrite)))
            listen(Wrote(str(target)))
        except WorkbookError as error:
            failed += error.problems
    if failed and not done:
        with suppress(OSError):
            folder.rmdir()
        raise WorkbookError(failed)
    return tuple(done), tuple(failed)


def _copies_in(folder: Path) -> list[Path]:
    found = sorted(each for each in folder.rglob("*") if each.suffix.lower() in KINDS)
    return [each for each in found if not each.name.startswith(("~$", ".")) and not is_job(each)]
