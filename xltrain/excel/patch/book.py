"""Writes a copy of a workbook with cells, columns, comments and sheets put in, and everything else byte for byte.

Only the sheets that are named, the styles, their tables, comments with their drawing, relationships and content types
change; every other part is copied as its original compressed bytes. A formula that gives way to a value takes the
calculation chain with it, which Excel makes anew.
"""

import zipfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from xltrain.errors import WorkbookError
from xltrain.excel.archive import Content, Writer, copy_archive
from xltrain.excel.package import replacing
from xltrain.excel.patch.encoding import encoder
from xltrain.excel.patch.model import Addition, Edit, Mark, NewSheet, Patched, Placed
from xltrain.excel.patch.parts import ParseError, Parts
from xltrain.excel.patch.plan import SheetPlan
from xltrain.excel.patch.record import entries_digest, packed, record_xml, records_in, reserve
from xltrain.excel.patch.sheets import add_sheets
from xltrain.excel.patch.styles import Styles
from xltrain.excel.patch.trace import Trace
from xltrain.excel.patch.undo import broken, columns_in, refused, undo_book
from xltrain.excel.patch.view import SheetView, no_sheet
from xltrain.excel.scan import Package
from xltrain.language import text
from xltrain.place import Place, Problem

KINDS = (".xlsx", ".xlsm", ".xltx", ".xltm")


def patch_book(
    book: Path,
    output: Path,
    *,
    additions: Sequence[Addition] = (),
    edits: Sequence[Edit] = (),
    marks: Sequence[Mark] = (),
    sheets: Sequence[NewSheet] = (),
    overwrite: bool = False,
) -> Patched:
    """Write a changed copy of an .xlsx or .xlsm workbook; the workbook itself is never touched.

    Columns that an earlier `patch_book` added to the same sheet are replaced.

    Raises:
        WorkbookError: the book is of another kind, locked or broken; a sheet is missing; there is no free place, or the
            named one is taken; a cell of an edit cannot take a value; the output cannot be written. Nothing is written.
    """
    check_kind(book)
    if output.exists() and book.exists() and output.samefile(book):
        raise WorkbookError(Problem(Place(str(output)), text("patch_onto_itself"), text("patch_onto_itself_hint")))
    try:
        with replacing(output, overwrite) as temporary:
            if additions and _has_own(book, additions):
                with _beside(temporary) as bare:
                    undo_book(book, bare, columns_only=True)
                    placed, notes = _write(book, bare, temporary, additions, edits, marks, sheets)
            else:
                placed, notes = _write(book, book, temporary, additions, edits, marks, sheets)
    except (ParseError, zipfile.BadZipFile) as error:
        raise WorkbookError(broken(book, error)) from error
    except OSError as error:
        raise WorkbookError(refused(output, error)) from error
    return Patched(output, placed, notes)


def check_kind(book: Path) -> None:
    """WorkbookError where a workbook is of a kind that cannot be patched."""
    suffix = book.suffix.lower()
    if suffix not in KINDS:
        hint = text("patch_kind_hint")
        raise WorkbookError(Problem(Place(str(book)), text("patch_kind", suffix=suffix or "-"), hint))


class _beside:  # noqa: N801  (reads as a function)
    """A temporary file beside another, removed in the end."""

    def __init__(self, path: Path) -> None:
        self.path = path.with_name(path.name + ".bare")

    def __enter__(self) -> Path:
        return self.path

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self.path.unlink(missing_ok=True)


def _has_own(book: Path, additions: Sequence[Addition]) -> bool:
    with Package(book) as package:
        wanted = {addition.sheet.casefold() for addition in additions}
        return any(placed.sheet.casefold() in wanted for placed in columns_in(package, Parts(package)))


def _write(
    named: Path,
    source: Path,
    target: Path,
    additions: Sequence[Addition],
    edits: Sequence[Edit],
    marks: Sequence[Mark],
    sheets: Sequence[NewSheet],
) -> tuple[tuple[Placed, ...], tuple[Problem, ...]]:
    with Package(source) as package:
        parts = Parts(package)
        style_part = package.related("styles")
        styles = Styles(parts.read(style_part) if style_part in parts else b"")
        plans = _plans(named, package, parts, styles, additions, edits, marks)
        for plan in plans:
            plan.prepare()
        problems = [problem for plan in plans for problem in plan.problems]
        if problems:
            raise WorkbookError(problems)
        for plan in plans:
            plan.settle()
        chain = package.related("calcChain")
        if chain and any(plan.drops_formula for plan in plans):
            parts.drop(chain, parts.book)
        if sheets:
            add_sheets(package, parts, styles, sheets)
        if style_part in parts:
            parts.write(style_part, styles.part())
        _Copy(source, package, parts, plans).write(target)
        placed = tuple(each for plan in plans for each in plan.placed)
        return placed, tuple(note for plan in plans for note in plan.notes)


def _plans(
    named: Path,
    package: Package,
    parts: Parts,
    styles: Styles,
    additions: Sequence[Addition],
    edits: Sequence[Edit],
    marks: Sequence[Mark],
) -> list[SheetPlan]:
    """One plan for each sheet that is named, in the order of the book."""
    wanted: list[Addition | Edit | Mark] = [*additions, *edits, *marks]
    missing = {}
    for each in wanted:
        try:
            package.sheet(each.sheet)
        except KeyError:
            missing[each.sheet] = no_sheet(package, each.sheet)
    if missing:
        raise WorkbookError(missing.values())
    named_sheets = {each.sheet.casefold() for each in wanted}
    return [
        SheetPlan(
            named,
            SheetView(package, parts, sheet.name),
            styles,
            [each for each in additions if each.sheet.casefold() == sheet.name.casefold()],
            [each for each in edits if each.sheet.casefold() == sheet.name.casefold()],
            [each for each in marks if each.sheet.casefold() == sheet.name.casefold()],
        )
        for sheet in package.sheets
        if sheet.name.casefold() in named_sheets
    ]


class _Copy:
    """The copy being written, with the record of how to take it back."""

    def __init__(self, source: Path, package: Package, parts: Parts, plans: Sequence[SheetPlan]) -> None:
        self._source, self._package, self._parts, self._plans = source, package, parts, plans
        self._records: dict[str, dict[str, str]] = {}

    def write(self, target: Path) -> None:
        parts = self._parts
        number = 1 + max((int(each.get("number", 0)) for _, each in records_in(self._package, parts)), default=0)
        place = reserve(parts)
        contents: dict[str, Content] = {plan.view.part: self._sheet(plan) for plan in self._plans}
        contents |= {part: self._small(part, raw) for part, raw in parts.changed.items() if part not in contents}
        changed = {parts.entry(part): content for part, content in contents.items()}
        new: dict[str, Content] = {part: raw for part, raw in parts.new.items() if part != place}
        dropped = {parts.entry(part): packed(self._package.read(part)) for part in parts.dropped}

        def write_record(stream: IO[bytes]) -> None:
            columns = [vars(each) for plan in self._plans for each in plan.placed]
            kept: dict[str, Any] = {
                "number": number,
                "columns": columns,
                "parts": self._records,
                "new": [*new, place],
                "dropped": dropped,
                "entries": entries_digest(self._source),
                "columns_only": bool(columns) and all(plan.only_adds for plan in self._plans) and not dropped,
            }
            stream.write(record_xml(kept))

        copy_archive(self._source, target, changed, {**new, place: write_record}, dropped)

    def _small(self, part: str, raw: bytes) -> Writer:
        def write(stream: IO[bytes]) -> None:
            trace = Trace(self._encoder(part, stream))
            trace.replace(self._package.read(part), raw)
            self._records[self._parts.entry(part)] = trace.record()

        return write

    def _sheet(self, plan: SheetPlan) -> Writer:
        def write(stream: IO[bytes]) -> None:
            trace = Trace(self._encoder(plan.view.part, stream))
            plan.write(trace)
            self._records[self._parts.entry(plan.view.part)] = trace.record()

        return write

    def _encoder(self, part: str, stream: IO[bytes]) -> Any:
        return encoder(self._source, self._parts.entry(part), stream)
