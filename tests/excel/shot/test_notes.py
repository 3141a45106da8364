"""Notes that are always shown lie over the sheet; others have only their mark."""

from pathlib import Path

import pytest
import xlsxwriter

from tests.excel.shot.png import read_png
from xltrain.excel.shot import shoot
from xltrain.excel.shot.scene import scene


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "book.xlsx"
    with xlsxwriter.Workbook(str(path)) as made:
        sheet = made.add_worksheet("S")
        sheet.write_comment("A1", "always", {"visible": True, "color": "#CCFFCC", "start_cell": "B2", "width": 64})
        sheet.write_comment("A2", "only when asked for")
    return path


def test_a_note_that_is_always_shown_is_drawn_with_its_text(book: Path) -> None:
    shown = scene(book, "S!A1:D8")
    assert [(thing.kind, thing.name, thing.left, thing.top) for thing in shown.things] == [("shape", "A1", 80, 23)]
    assert [shown.cells[cell].comment for cell in ("A1", "A2", "A3")] == [True, True, False]
    picture = shoot(book, "S!A1:D8")
    assert "always" in picture.svg
    assert "asked" not in picture.svg
    assert read_png(picture.png).at(120, 80) == "#CCFFCC"


def test_a_note_out_of_the_picture_is_left_out(book: Path) -> None:
    assert not scene(book, "S!A1:A1").things


@pytest.mark.parametrize("broken", [b"", b"<v:shape><x:ClientData ObjectType", b"<x:Anchor>1, 2</x:Anchor>"])
def test_a_damaged_part_of_notes_harms_nobody(book: Path, broken: bytes) -> None:
    import zipfile

    whole = book.with_suffix(".old")
    book.rename(whole)
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(book, "w") as new:
        for name in old.namelist():
            new.writestr(name, broken if name.endswith(".vml") else old.read(name))
    assert not scene(book, "S!A1:D8").things
