"""Pixels put together from fills, lines and letters, against the same drawing as one SVG."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.excel.shot import golden_books, golden_pivots  # noqa: F401  (the second fills GOLDEN too)
from tests.excel.shot.golden import GOLDEN, Golden
from xltrain.excel.shot import Options, compose
from xltrain.excel.shot.draw import to_png, to_svg
from xltrain.excel.shot.raster import draw_png

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


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: case.name)
def test_both_ways_to_pixels_give_the_same_picture(case: Golden, tmp_path: Path) -> None:
    _, drawing = compose(case.write(tmp_path), case.range, Options(headings=True, background=""))
    for scale in (1.0, 2.0):
        assert apart(draw_png(drawing, scale, False), to_png(to_svg(drawing), scale)) <= SHARE
