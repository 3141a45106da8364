"""Copies of source workbooks in another place: what they are called, and that all of them are written or none."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from xltrain.errors import WorkbookError
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


def check_copies(targets: Mapping[str, Path], base: Path, overwrite: bool) -> None:
    """WorkbookError for every copy that would lie on its source or on a file that is there. Sources are relative to
    `base`.
    """
    sources = {(base / file).resolve() for file in targets}
    problems = []
    for path in targets.values():
        if path.resolve() in sources:
            problems.append(Problem(Place(str(path)), text("output_is_source"), text("output_is_source_hint")))
        elif path.exists() and not overwrite:
            problems.append(Problem(Place(str(path)), text("file_exists"), text("file_exists_hint")))
    if problems:
        raise WorkbookError(problems)


def make_folder(folder: Path) -> None:
    """WorkbookError where it cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = text("output_not_writable", reason=error.strerror or str(error))
        raise WorkbookError(Problem(Place(str(folder)), message, text("output_not_writable_hint"))) from error


@contextmanager
def all_or_none() -> Iterator[list[Path]]:
    """A list for the files that are written one after the other: when the block fails, all of them are removed."""
    written: list[Path] = []
    try:
        yield written
    except BaseException:
        for path in written:
            path.unlink(missing_ok=True)
        raise
