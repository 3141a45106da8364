"""Ranges drawn by LibreOffice: cut to the range, within the time, nothing left behind."""

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import xlsxwriter

from tests.excel.shot.png import read_png
from xltrain.errors import WorkbookError
from xltrain.excel.recalculate import libreoffice
from xltrain.excel.shot import libreoffice as drawer
from xltrain.excel.shot.libreoffice import draw_all_with_libreoffice, draw_with_libreoffice
from xltrain.place import Range

AREA = Range("S", 2, 2, 5, 4)
installed = pytest.mark.skipif(not libreoffice(), reason="LibreOffice is not installed")


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "a book.xlsx"
    with xlsxwriter.Workbook(str(path)) as made:
        other = made.add_worksheet("other")
        other.write("A1", "elsewhere")
        sheet = made.add_worksheet("S")
        sheet.set_column("C:C", 20)
        sheet.set_row(3, None, None, {"hidden": True})
        sheet.write("B2", "hello")
        sheet.write("C3", 5, made.add_format({"bg_color": "#FFC000", "num_format": ";;;"}))
        sheet.write("E9", "outside")
        sheet.set_header("&Cheader")
    return path


def share(colours: "np.ndarray[Any, Any]", colour: tuple[int, int, int]) -> float:
    return float((np.abs(colours.astype(int) - colour).max(axis=2) < 8).mean())


@installed
def test_a_sheet_from_right_to_left_is_cut_at_its_edges(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    with xlsxwriter.Workbook(str(path)) as made:
        sheet = made.add_worksheet("S")
        sheet.right_to_left()
        sheet.write("A1", 5, made.add_format({"bg_color": "#FFC000", "num_format": ";;;"}))
    sketch = draw_with_libreoffice(path, Range("S", 1, 1, 1, 3), scale=2.0)
    filled = np.abs(sketch.colours().astype(int) - (255, 192, 0)).max(axis=2) < 8
    across = np.flatnonzero(filled.any(axis=0))
    assert [across.min() / len(filled[0]), across.max() / len(filled[0])] == pytest.approx([2 / 3, 1.0], abs=0.02)


@installed
def test_a_range_is_drawn_and_cut_exactly(book: Path) -> None:
    sketch, below = draw_all_with_libreoffice(book, [AREA, Range("S", 3, 3, 3, 3)], scale=2.0)
    widths, heights = np.diff(sketch.columns), np.diff(sketch.rows)
    assert widths[1] / widths[0] == pytest.approx(145 / 64, rel=0.1)
    assert heights[2] == 0
    assert heights[[0, 1, 3]] == pytest.approx(15, abs=0.1)
    pixels = read_png(sketch.png)
    expected = [round(points * 2 * 96 / 72 + 2) for points in (sketch.height, sketch.width)]
    assert list(pixels.colours.shape[:2]) == expected
    filled = np.abs(pixels.colours.astype(int) - (255, 192, 0)).max(axis=2) < 8
    down, across = np.nonzero(filled)
    edges = [sketch.columns[1], sketch.columns[2], sketch.rows[1], sketch.rows[2]]
    found = [each / 2 * 72 / 96 for each in (across.min(), across.max(), down.min(), down.max())]
    assert found == pytest.approx(edges, abs=1.0)
    assert share(read_png(below.png).colours, (255, 192, 0)) > 0.95


@installed
def test_what_takes_too_long_is_ended_with_all_that_it_started(book: Path) -> None:
    before = {each.pid for each in psutil.process_iter()}
    began = time.perf_counter()
    with pytest.raises(WorkbookError, match=r"LibreOffice took longer than 0\.2 seconds") as caught:
        draw_with_libreoffice(book, AREA, limit=0.2)
    assert "a book.xlsx" in str(caught.value)
    assert time.perf_counter() - began < 5
    left = [each for each in psutil.process_iter(["name"]) if each.pid not in before]
    assert not [each for each in left if "soffice" in (each.info["name"] or "") and _of_this_test(each)]


def _of_this_test(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE and process.ppid() in (1, psutil.Process().pid)
    except psutil.NoSuchProcess:
        return False


@installed
@pytest.mark.slow
def test_an_unknown_sheet_is_said(book: Path) -> None:
    with pytest.raises(WorkbookError, match="LibreOffice could not draw"):
        draw_with_libreoffice(book, Range("none", 1, 1, 2, 2))


def test_without_libreoffice(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawer, "libreoffice", lambda: "")
    with pytest.raises(WorkbookError, match="LibreOffice is not installed"):
        draw_with_libreoffice(book, AREA)


def test_without_pypdfium2(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawer, "libreoffice", lambda: "soffice")
    monkeypatch.setitem(sys.modules, "pypdfium2", None)
    with pytest.raises(WorkbookError, match=r"pip install pypdfium2"):
        draw_with_libreoffice(book, AREA)


def test_a_file_that_is_no_workbook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pypdfium2")
    monkeypatch.setattr(drawer, "libreoffice", lambda: "soffice")
    path = tmp_path / "a.csv"
    path.write_text("1,2\n")
    with pytest.raises(WorkbookError, match="LibreOffice could not draw"):
        draw_with_libreoffice(path, AREA)
