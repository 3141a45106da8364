"""Small workbooks, one feature each, and what a picture of them must show by Excel's rules; compared as data."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from xltrain.excel.shot.page import Options
from xltrain.excel.shot.scene import CellScene, Scene, scene

Maker = Callable[[Any, Any], None]


@dataclass(frozen=True)
class Golden:
    """A workbook's maker, what is done to the file after it, the range to draw, and what each cell, and the picture as
    a whole, must be.
    """

    name: str
    make: Maker
    range: str
    cells: Mapping[str, Mapping[str, Any]]
    whole: Mapping[str, Any] = field(default_factory=dict)
    options: Options = field(default_factory=Options)
    finish: Callable[[Path], None] | None = None

    def draw(self, folder: Path) -> Scene:
        return scene(self.write(folder), self.range, self.options)

    def write(self, folder: Path) -> Path:
        path = folder / "book.xlsx"
        book = xlsxwriter.Workbook(str(path))
        self.make(book, book.add_worksheet("S"))
        book.close()
        if self.finish is not None:
            self.finish(path)
        return path


GOLDEN: list[Golden] = []


def golden(
    range: str,
    cells: Mapping[str, Mapping[str, Any]],
    options: Options | None = None,
    finish: Callable[[Path], None] | None = None,
    **whole: Any,
) -> Callable[[Maker], Maker]:
    """Note a maker of a workbook with what its picture must show."""

    def note(make: Maker) -> Maker:
        GOLDEN.append(Golden(make.__name__.strip("_"), make, f"S!{range}", cells, whole, options or Options(), finish))
        return make

    return note


def column(letter: str, first: int, name: str, *values: Any) -> dict[str, dict[str, Any]]:
    """What one field must be in the cells of a column, from a row downwards."""
    return {f"{letter}{row}": {name: value} for row, value in enumerate(values, first)}


def differences(shown: Scene, wanted: Golden) -> Iterator[str]:
    """One line for everything that is not as it must be."""
    for name, value in wanted.whole.items():
        found = getattr(shown, name)
        if not same(found, value):
            yield f"{name} should be {value}, is {found}"
    for address, fields in wanted.cells.items():
        cell = shown.cells.get(address)
        if cell is None:
            yield f"cell {address}: is not in the picture"
            continue
        yield from of_cell(address, cell, fields)


def of_cell(address: str, cell: CellScene, fields: Mapping[str, Any]) -> Iterator[str]:
    for name, value in fields.items():
        found = getattr(cell, name)
        if not same(found, value):
            yield f"cell {address}: {name} should be {value}, is {found}"


def same(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, float):
        return found == pytest.approx(wanted, abs=0.002)
    if isinstance(wanted, tuple):
        return len(found) == len(wanted) and all(same(one, other) for one, other in zip(found, wanted, strict=True))
    return bool(found == wanted)
