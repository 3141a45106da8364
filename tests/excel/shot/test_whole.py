"""Whole pictures against pictures painted here pixel by pixel, by Excel's sizes and colours; text left out."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xlsxwriter

from tests.excel.shot.png import read_png
from xltrain.excel.shot import Options, shoot

GRID = (0xD4, 0xD4, 0xD4)
TOLERANCE = 1.0  # of 255, on average


def rgb(colour: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour))


def painted(columns: int, rows: int, grid: bool = True) -> np.ndarray[Any, Any]:
    """Cells of 64 by 20 pixels, with their grid."""
    picture = np.full((rows * 20 + 1, columns * 64 + 1, 3), 255, np.uint8)
    if grid:
        picture[::20] = GRID
        picture[:, ::64] = GRID
    return picture


def box(picture: np.ndarray[Any, Any], column: int, row: int, colour: str) -> None:
    """Fill a cell, over the grid lines around it."""
    picture[row * 20 : row * 20 + 21, column * 64 : column * 64 + 65] = rgb(colour)


def fills(book: Any, sheet: Any) -> np.ndarray[Any, Any]:
    picture = painted(3, 3)
    for row, column, colour in ((0, 0, "FFC000"), (1, 1, "5B9BD5"), (2, 1, "70AD47")):
        sheet.write_blank(row, column, None, book.add_format({"bg_color": f"#{colour}"}))
        box(picture, column, row, colour)
    return picture


def borders(book: Any, sheet: Any) -> np.ndarray[Any, Any]:
    sheet.hide_gridlines(2)
    sheet.write_blank("B2", None, book.add_format({"border": 1, "border_color": "#C00000"}))
    picture = painted(3, 3, grid=False)
    for line in (20, 40):
        picture[line, 64:129] = rgb("C00000")
    for line in (64, 128):
        picture[20:41, line] = rgb("C00000")
    return picture


def scale(book: Any, sheet: Any) -> np.ndarray[Any, Any]:
    picture = painted(1, 5)
    hidden = book.add_format({"num_format": ";;;"})
    for row, colour in enumerate(("F8696B", "FBAA77", "FFEB84", "B1D580", "63BE7B")):
        sheet.write(row, 0, row, hidden)
        box(picture, 0, row, colour)
    sheet.conditional_format("A1:A5", {"type": "3_color_scale"})
    return picture


def banded(book: Any, sheet: Any) -> np.ndarray[Any, Any]:
    picture = painted(2, 4)
    sheet.add_table("A1:B4", {"style": "Table Style Medium 9", "header_row": False})
    sheet.hide_gridlines(2)
    picture[:] = 255
    for row in range(4):
        for column in range(2):
            box(picture, column, row, "B8CCE4" if row % 2 == 0 else "DCE6F1")
    for line in (20, 40, 60):
        picture[line] = 255
    picture[:, 64] = 255
    return picture


@pytest.mark.parametrize("make", [fills, borders, scale, banded])
def test_looks_as_painted(make: Any, tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    book = xlsxwriter.Workbook(str(path))
    wanted = make(book, book.add_worksheet("S"))
    book.close()
    height, width, _ = wanted.shape
    last = f"{chr(64 + width // 64)}{height // 20}"
    found = read_png(shoot(path, f"S!A1:{last}", scale=1.0, options=Options()).png).colours
    assert found.shape == wanted.shape
    off = np.abs(found.astype(int) - wanted.astype(int)).mean(axis=2)
    assert off.mean() < TOLERANCE, f"{(off > 8).sum()} pixels differ, the first at {np.argwhere(off > 8)[:3].tolist()}"
