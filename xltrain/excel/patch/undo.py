"""Takes the changes of a copy back: exactly where nobody saved it since, else our columns and comments only."""

import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from xltrain.errors import WorkbookError
from xltrain.excel.archive import Content, Writer, copy_archive
from xltrain.excel.package import replacing
from xltrain.excel.patch.comments import comments_of, signature
from xltrain.excel.patch.encoding import encoder
from xltrain.excel.patch.model import Placed
from xltrain.excel.patch.parts import ParseError, Parts
from xltrain.excel.patch.record import entries_digest, records_in, unpacked
from xltrain.excel.patch.removal import remove_own
from xltrain.excel.patch.trace import restored
from xltrain.excel.scan import Package, rows
from xltrain.language import text
from xltrain.place import Place, Problem


def undo_book(copy: Path, output: Path, *, overwrite: bool = False, columns_only: bool = False) -> bool:
    """Write the workbook as it was before `patch_book`. True: every part is byte-identical to the original.

    Of a copy that another program saved since, our columns and comments are taken out, and False is given; changed
    values stay then. `columns_only` takes back columns and never values (a copy that is annotated anew).

    Raises:
        WorkbookError: there is nothing to take back; a file cannot be read or written.
    """
    try:
        with replacing(output, overwrite) as temporary, _scratch(temporary) as scratch:
            done = _undo(copy, temporary, scratch, columns_only)
    except (ParseError, zipfile.BadZipFile) as error:
        raise WorkbookError(broken(copy, error)) from error
    except OSError as error:
        raise WorkbookError(refused(output, error)) from error
    return done


def broken(book: Path, error: Exception) -> Problem:
    return Problem(Place(str(book)), text("book_broken", reason=error), text("book_broken_hint"))


def refused(output: Path, error: OSError) -> Problem:
    return Problem(Place(str(output)), text("system_refused", reason=error.strerror or error))


def addition_of(copy: Path) -> tuple[Placed, ...]:
    """The columns that `patch_book` added, where they stand now; rows and columns may have moved since.

    WorkbookError where the file cannot be read.
    """
    with Package(copy) as package:
        try:
            return columns_in(package, Parts(package))
        except ParseError as error:
            raise WorkbookError(package.broken(error)) from error


def columns_in(package: Package, parts: Parts) -> tuple[Placed, ...]:
    """Every header that carries our signature in its comment."""
    last_rows = {
        (each["sheet"], each["key"]): int(each["last_row"])
        for _, record in reversed(records_in(package, parts))
        for each in record.get("columns", ())
    }
    found = []
    for sheet in package.sheets:
        signed = {
            cell: key for cell, words in comments_of(package, parts, sheet.part).items() if (key := signature(words))
        }
        for header_row in sorted({row for row, _ in signed}):
            line = next(iter(rows(package, sheet.part, header_row, header_row)), None)
            shown = {cell.column: _shown(package, cell.kind, cell.value) for cell in line.cells} if line else {}
            for row, column in sorted(signed):
                if row == header_row:
                    key = signed[row, column]
                    last = last_rows.get((sheet.name, key), 0)
                    found.append(Placed(sheet.name, key, shown.get(column, ""), row, column, last))
    return tuple(found)


def _shown(package: Package, kind: str, value: str) -> str:
    if kind == "s":
        return package.strings[int(value)] if value.isdigit() and int(value) < len(package.strings) else ""
    return value


@contextmanager
def _scratch(temporary: Path) -> Iterator[Path]:
    """A second temporary name, removed in the end."""
    path = temporary.with_name(temporary.name + ".undo")
    try:
        yield path
    finally:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _undo(copy: Path, target: Path, scratch: Path, columns_only: bool) -> bool:
    """Take back record after record, newest first; remove what is ours where one no longer fits."""
    source, exact, taken = copy, True, 0
    while exact and (record := _newest(source)):
        if columns_only and not record.get("columns_only"):
            break
        exact = _restore(source, target, record)
        if exact:
            taken += 1
            shutil.copyfile(target, scratch)
            source = scratch
    if exact and taken and not (columns_only and addition_of(source)):
        return True
    if not remove_own(source, target, columns_in) and not taken:
        raise WorkbookError(Problem(Place(str(copy)), text("undo_nothing"), text("undo_nothing_hint")))
    return False


def _newest(path: Path) -> dict[str, Any] | None:
    with Package(path) as package:
        found = records_in(package, Parts(package))
    return found[0][1] if found else None


def _restore(source: Path, target: Path, record: dict[str, Any]) -> bool:
    """Write the workbook before a record's changes; whether every part is what it was."""
    right: list[bool] = []
    with Package(source) as package:

        def writer(entry: str, kept: dict[str, Any]) -> Writer:
            def write(stream: IO[bytes]) -> None:
                put = encoder(source, entry, stream)
                right.append(restored(package.stream(entry.lstrip("/")), kept, put))

            return write

        changed: dict[str, Content] = {entry: writer(entry, kept) for entry, kept in record["parts"].items()}
        back: dict[str, Content] = {entry: unpacked(words) for entry, words in record["dropped"].items()}
        if any(entry.lstrip("/") not in package for entry in changed):
            return False
        copy_archive(source, target, changed, back, record["new"])
    return all(right) and entries_digest(target) == record["entries"]
