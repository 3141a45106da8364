"""Sheets of .ods files, read from their XML: values with their kinds, error cells, merged cells and hidden rows."""

import datetime
import re
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from xltrain.errors import WorkbookError
from xltrain.excel.grid import ErrorWord, Grid, grid_of
from xltrain.language import text
from xltrain.place import MAX_COLUMN, MAX_ROW, Place, Problem

MOST_INFLATED = 2 << 30  # bytes of content.xml
_DURATION = re.compile(r"(-?)P(?:(\d+)D)?T?(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?")
_NUMBERS = ("float", "currency", "percentage")


class OdsBook:
    """An .ods file opened for reading."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._hidden_styles: set[str] = set()
        self.listed = tuple(self._sheets())

    def _sheets(self) -> Iterator[tuple[str, bool]]:
        """Name, and whether hidden, of every sheet."""
        for event, element in self._walk():
            if event == "start" and _is(element, "style"):
                self._style = _attribute(element, "name")
            elif event == "start" and _is(element, "table-properties") and _attribute(element, "display") == "false":
                self._hidden_styles.add(self._style)
            elif event == "start" and _is(element, "table"):
                yield _attribute(element, "name"), _attribute(element, "style-name") in self._hidden_styles

    def _walk(self) -> Iterator[tuple[str, ElementTree.Element]]:
        """The elements of the content, each forgotten once it has been seen."""
        place = Place(str(self.path))
        try:
            with zipfile.ZipFile(self.path) as archive:
                info = archive.getinfo("content.xml")
                if info.file_size > MOST_INFLATED:
                    raise WorkbookError(Problem(place, text("book_bomb"), text("book_broken_hint")))
                with archive.open(info) as source:
                    start = source.read(4096)
                if b"<!ENTITY" in start or b"<!DOCTYPE" in start:
                    raise WorkbookError(Problem(place, text("book_entities"), text("book_broken_hint")))
                with archive.open(info) as source:
                    yield from ElementTree.iterparse(source, ("start", "end"))
        except KeyError:
            message = text("book_password") if self._locked() else text("book_no_zip")
            hint = text("book_password_hint") if self._locked() else text("book_broken_hint")
            raise WorkbookError(Problem(place, message, hint)) from None
        except (zipfile.BadZipFile, ElementTree.ParseError, OSError, RuntimeError, EOFError) as error:
            locked = self._locked()
            reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
            message = text("book_password") if locked else text("book_reader_failed", reason=reason)
            hint = text("book_password_hint") if locked else text("book_broken_hint")
            raise WorkbookError(Problem(place, message, hint)) from error

    def _locked(self) -> bool:
        try:
            with zipfile.ZipFile(self.path) as archive:
                return b"encryption-data" in archive.read("META-INF/manifest.xml")
        except (OSError, KeyError, zipfile.BadZipFile):
            return False

    def read(self, sheet: str) -> Grid:
        """The cells of a sheet."""
        hidden: set[int] = set()
        merges: list[tuple[int, int, int, int]] = []
        grid = grid_of(self._lines(sheet, hidden, merges))
        return replace(grid, hidden=frozenset(hidden), merges=tuple(merges))

    def _lines(
        self, sheet: str, hidden: set[int], merges: list[tuple[int, int, int, int]]
    ) -> Iterator[tuple[int, list[Any]]]:
        inside, row = False, 1
        for event, element in self._walk():
            if _is(element, "table") and event == "start":
                inside = _attribute(element, "name") == sheet
            if not inside:
                if event == "end":
                    element.clear()
                continue
            if event == "end" and _is(element, "table"):
                return
            if event != "end" or not _is(element, "table-row"):
                continue
            count = int(_attribute(element, "number-rows-repeated") or 1)
            values = list(_cells(element, row, merges))
            if _attribute(element, "visibility") in ("collapse", "filter"):
                hidden.update(range(row, min(row + count, MAX_ROW)))
            if any(value is not None for value in values):
                for number in range(row, min(row + count, MAX_ROW + 1)):
                    yield number, values
            row += count
            element.clear()


def _cells(row: ElementTree.Element, number: int, merges: list[tuple[int, int, int, int]]) -> Iterator[Any]:
    column = 1
    for cell in row:
        if not (_is(cell, "table-cell") or _is(cell, "covered-table-cell")):
            continue
        count = int(_attribute(cell, "number-columns-repeated") or 1)
        value = _value(cell) if _is(cell, "table-cell") else None
        wide = int(_attribute(cell, "number-columns-spanned") or 1)
        high = int(_attribute(cell, "number-rows-spanned") or 1)
        if wide > 1 or high > 1:
            merges.append((number, column, number + high - 1, column + wide - 1))
        if value is None and column + count > MAX_COLUMN:
            return  # the blank rest of the sheet
        for _ in range(min(count, MAX_COLUMN - column + 1)):
            yield value
        column += count


def _value(cell: ElementTree.Element) -> Any:
    kind = _attribute(cell, "value-type")
    if not kind:
        return None
    shown = "\n".join("".join(each.itertext()) for each in cell if _is(each, "p"))
    if any(key.endswith("value-type") and value == "error" for key, value in cell.attrib.items()):
        return ErrorWord(shown or "#ERROR")
    if kind in _NUMBERS:
        return float(_attribute(cell, "value") or 0)
    if kind == "boolean":
        return _attribute(cell, "boolean-value") == "true"
    if kind == "date":
        return _moment(_attribute(cell, "date-value")) or shown
    if kind == "time":
        return _duration(_attribute(cell, "time-value")) or shown
    return shown or None


def _moment(written: str) -> datetime.datetime | None:
    try:
        return datetime.datetime.fromisoformat(written)
    except ValueError:
        return None


def _duration(written: str) -> datetime.timedelta | None:
    found = _DURATION.fullmatch(written)
    if not found:
        return None
    sign, days, hours, minutes, seconds = found.groups()
    length = datetime.timedelta(
        days=int(days or 0), hours=int(hours or 0), minutes=int(minutes or 0), seconds=float(seconds or 0)
    )
    return -length if sign else length


def _is(element: ElementTree.Element, name: str) -> bool:
    return element.tag.rpartition("}")[2] == name


def _attribute(element: ElementTree.Element, name: str) -> str:
    return next((value for key, value in element.attrib.items() if key.rpartition("}")[2] == name), "")
