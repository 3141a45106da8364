"""Formulas without values, worked out by LibreOffice."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from xltrain.errors import WorkbookError
from xltrain.excel import recalculate
from xltrain.excel.recalculate import libreoffice, recalculated

needs_libreoffice = pytest.mark.skipif(not libreoffice(), reason="LibreOffice is not installed")
needs_posix = pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for LibreOffice is a shell script")


def formulas(path: Path) -> Path:
    from openpyxl import Workbook

    book = Workbook()
    page = book.active
    assert page is not None
    page.title = "数据"
    for address, value in {"B2": 3, "B3": "=B2+1", "C3": '="n"&B3', "B5": "=SUM(B2:B3)", "D7": "=1/0"}.items():
        page[address] = value
    book.create_sheet("Other")["A1"] = "='数据'!B5*2"
    book.save(path)
    return path


@pytest.mark.slow
@needs_libreoffice
def test_every_formula_has_its_value_afterwards(tmp_path: Path) -> None:
    from openpyxl import load_workbook

    book = formulas(tmp_path / "a b%20 表.xlsx")
    before = book.read_bytes()
    folder = tmp_path / "made"
    folder.mkdir()
    made = recalculated(book, folder)
    assert made == folder / book.name
    read = load_workbook(made, data_only=True)
    found = {cell.coordinate: cell.value for row in read["数据"] for cell in row if cell.value is not None}
    assert found == {"B2": 3, "B3": 4, "C3": "n4", "B5": 7, "D7": "#DIV/0!"}
    assert read["Other"]["A1"].value == 14
    assert list(folder.iterdir()) == [made]
    assert book.read_bytes() == before


@pytest.mark.slow
@needs_libreoffice
def test_a_stored_value_that_is_wrong_is_worked_out_anew(tmp_path: Path) -> None:
    import xlsxwriter
    from openpyxl import load_workbook

    with xlsxwriter.Workbook(tmp_path / "old.xlsx") as book:
        page = book.add_worksheet("Data")
        page.write_number("A1", 2)
        page.write_formula("A2", "=A1*10", None, 999)
    made = tmp_path / "made"
    made.mkdir()
    assert load_workbook(recalculated(tmp_path / "old.xlsx", made), data_only=True)["Data"]["A2"].value == 20


@pytest.mark.slow
@needs_libreoffice
def test_what_libreoffice_cannot_open_is_one_line(tmp_path: Path) -> None:
    """An .xls that is no book would be read as text, were its format not named."""
    book = tmp_path / "broken.xls"
    book.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"1,2\n" * 300)
    assert "could not recalculate this workbook" in refusal(book, tmp_path)


def test_what_is_no_book_is_not_even_given_to_libreoffice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recalculate, "libreoffice", lambda: str(tmp_path / "not there"))
    (tmp_path / "text.xls").write_bytes(b"a,b\n1,=A2\n")
    assert "could not recalculate this workbook" in refusal(tmp_path / "text.xls", tmp_path)
    assert "could not recalculate this workbook" in refusal(tmp_path / "missing.xlsx", tmp_path)


def refusal(book: Path, folder: Path) -> str:
    there = set(folder.iterdir())
    with pytest.raises(WorkbookError) as told:
        recalculated(book, folder)
    assert set(folder.iterdir()) == there
    assert len(told.value.problems) == 1
    line = str(told.value)
    assert line.startswith(f"{book}: ")
    assert "\n" not in line
    return line


def test_without_libreoffice_the_line_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recalculate, "libreoffice", lambda: "")
    assert "install LibreOffice" in refusal(formulas(tmp_path / "a.xlsx"), tmp_path)


def test_it_is_found_in_its_usual_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(recalculate, "_PLACES", ())
    for name in recalculate._WINDOWS:
        monkeypatch.delenv(name, raising=False)
    assert libreoffice() == ""
    monkeypatch.setenv("ProgramFiles", str(tmp_path))
    program = tmp_path / "LibreOffice" / "program" / "soffice.com"
    program.parent.mkdir(parents=True)
    program.touch()
    assert libreoffice() == str(program)


def stand_in(path: Path, script: str) -> str:
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


@needs_posix
def test_a_program_that_hangs_is_ended_with_all_it_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = stand_in(tmp_path / "hangs", f"sleep 50 & echo $! > '{tmp_path}/pid'; wait")
    monkeypatch.setattr(recalculate, "libreoffice", lambda: program)
    monkeypatch.setattr(recalculate, "SECONDS", 0.3)
    (tmp_path / "folder").mkdir()
    assert "was stopped" in refusal(formulas(tmp_path / "a.xlsx"), tmp_path / "folder")
    assert ended(int((tmp_path / "pid").read_text(encoding="ascii")))


@needs_posix
def test_what_a_program_leaves_behind_is_ended_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = stand_in(tmp_path / "leaves", f"sleep 50 & echo $! > '{tmp_path}/pid'; exit 0")
    monkeypatch.setattr(recalculate, "libreoffice", lambda: program)
    (tmp_path / "folder").mkdir()
    assert "could not recalculate" in refusal(formulas(tmp_path / "a.xlsx"), tmp_path / "folder")
    assert ended(int((tmp_path / "pid").read_text(encoding="ascii")))


def ended(number: int) -> bool:
    """Whether a process is gone, or soon is; a zombie that nobody collects counts as gone."""
    for _ in range(100):
        listed = subprocess.run(["ps", "-o", "stat=", "-p", str(number)], capture_output=True, text=True, check=False)
        if listed.stdout.strip()[:1] in ("", "Z"):
            return True
        time.sleep(0.02)
    return False
