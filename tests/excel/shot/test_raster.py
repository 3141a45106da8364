"""Pixels put together from fills, lines and letters, against the same drawing as one SVG."""

import io
import string
from pathlib import Path

import numpy as np
import pytest
import xlsxwriter
from PIL import Image

from tests.books import write_rows
from tests.excel.shot import golden_books, golden_pivots  # noqa: F401  (the second fills GOLDEN too)
from tests.excel.shot.golden import GOLDEN, Golden
from tests.thinned import thinned
from xltrain.excel.shot import Options, compose, raster
from xltrain.excel.shot.draw import to_png, to_svg
from xltrain.excel.shot.masks import Masks, Shape
from xltrain.excel.shot.raster import draw_png
from xltrain.excel.shot.signs import Hand

BLOCK = 4  # pixels across and down that are looked at together: an edge may fall on either of two
FAR = 40  # of 255: blocks that differ by more are not the same picture
SHARE = 0.02  # of the blocks: an SVG program draws letters nearer together where their font says so, Excel never


def pixels(png: bytes) -> np.ndarray:
    """(down, across, 4), the colour multiplied by its opacity."""
    with Image.open(io.BytesIO(png)) as image:
        found = np.asarray(image.convert("RGBA"), np.float64)
    return np.dstack([found[..., :3] * found[..., 3:] / 255, found[..., 3]])


def apart(one: bytes, other: bytes) -> float:
    """The share of blocks whose mean colour differs."""
    first, second = pixels(one), pixels(other)
    assert first.shape == second.shape
    down, across = (size // BLOCK * BLOCK for size in first.shape[:2])
    away = (first - second)[:down, :across].reshape(down // BLOCK, BLOCK, across // BLOCK, BLOCK, 4).mean((1, 3))
    return float((np.abs(away).max(-1) > FAR).mean())


@pytest.mark.parametrize("case", thinned(GOLDEN), ids=lambda case: case.name)
def test_both_ways_to_pixels_give_the_same_picture(case: Golden, tmp_path: Path) -> None:
    _, drawing = compose(case.write(tmp_path), case.range, Options(headings=True, background=""))
    for scale in (1.0, 2.0):
        assert apart(draw_png(drawing, scale, False), to_png(to_svg(drawing), scale)) <= SHARE


def test_strips_meet_without_a_seam(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = next(each for each in GOLDEN if each.name == "rich_text")
    _, drawing = compose(case.write(tmp_path), "S!A1:D12", Options(headings=True))
    whole = draw_png(drawing, 2.0, False)
    monkeypatch.setattr(raster, "STRIP", 11 * drawing.width)  # a few lines at a time, through letters and lines
    assert (pixels(draw_png(drawing, 2.0, False)) == pixels(whole)).all()


@pytest.mark.parametrize("kind", ["column", "line"])
def test_charts_and_bars_are_whole_where_strips_meet(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thin lines at the edge of a strip, and bars cut by it, of which several stand on one sheet of pixels."""
    path = tmp_path / "b.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("S")
        for row in range(8):
            sheet.write_row(row, 0, [row + 1, 8 - row, row * 2])
        for letter in "ABC":
            sheet.conditional_format(f"{letter}1:{letter}8", {"type": "data_bar"})
        chart = book.add_chart({"type": kind})
        chart.add_series({"values": "=S!$A$1:$A$8"})
        sheet.insert_chart("E1", chart, {"x_scale": 0.4, "y_scale": 0.5})
    _, drawing = compose(path, "S!A1:I8", Options())
    whole = pixels(draw_png(drawing, 1.0, False))
    for high in (7, 10, 13):
        monkeypatch.setattr(raster, "STRIP", high * drawing.width)
        assert np.abs(pixels(draw_png(drawing, 1.0, False)) - whole).max() <= 40


@pytest.mark.parametrize("words", ["Wait…", "说…", "a—b", "‘so’ “it” · is •", "n\u0303o\u0323"])
def test_signs_stand_where_the_script_around_them_has_them(words: str, tmp_path: Path) -> None:
    _, drawing = compose(write_rows(tmp_path / "b.xlsx", [[words]]), "A1:B2", Options(gridlines=False))
    assert apart(draw_png(drawing, 3.0, False), to_png(to_svg(drawing), 3.0)) <= SHARE


def test_a_letter_looks_the_same_wherever_it_was_drawn_first() -> None:
    """Pictures are the same byte for byte, whatever the process drew before."""
    hands = [Hand("Noto Sans CJK SC", size, False, False) for size in (25.22, 26.67, 29.33)]
    letters = string.ascii_letters + string.digits + "&@%<>#"
    shapes = [Shape(letter, hand, across, 1) for hand in hands for letter in letters for across in range(4)]
    together, backwards = Masks(False), Masks(False)
    together.learn(shapes)
    backwards.learn([*[Shape(letter, hands[0], 0, 0) for letter in "MNQRilt"], *reversed(shapes)])
    for shape in shapes:
        one, other = together.known[shape], backwards.known[shape]
        assert one is not None
        assert other is not None
        assert (one.ink.tobytes(), one.left, one.top) == (other.ink.tobytes(), other.left, other.top)
