"""The pictures that are compared: whole, without their text, and where their text is."""

import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from PIL import Image

import xltrain.excel.shot as shot
from xltrain.excel.shot.layout import Drawing
from xltrain.excel.shot.libreoffice import Sketch
from xltrain.excel.shot.page import Options, Page

SCALE = 4.0
MARGIN = 6.0  # pixels
Pixels = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Pictures:
    """A range as drawn, and the same without its text, (height, width, 3), both with a white margin, so that lines at
    the edge have two sides as well; where the two differ, there is text.
    """

    whole: Pixels
    bare: Pixels

    def text(self, box: tuple[float, ...]) -> Pixels:
        """Which pixels of a box (left, top, right, bottom) are letters."""
        apart = np.abs(part(self.whole, *box) - part(self.bare, *box)).max(axis=2)
        return apart > 80  # type: ignore[no-any-return]


def our_pictures(path: Path, wanted: str, options: Options) -> Pictures:
    composed = shot.compose

    def bare(*given: Any) -> tuple[Page, Drawing]:
        page, drawing = composed(*given)
        return page, replace(drawing, labels=[])

    whole = _read(shot.shoot(path, wanted, SCALE, options).png)
    with mock.patch.object(shot, "compose", bare):
        without = _read(shot.shoot(path, wanted, SCALE, options).png)
    return Pictures(_framed(whole), _framed(without))


def _read(png: bytes) -> Pixels:
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image.convert("RGB"))


def their_pictures(sketch: Sketch) -> Pictures:
    """Of LibreOffice's PDF; without its text also unsmoothed, since between filled boxes smoothing leaves a seam."""
    import pypdfium2 as pdfium
    import pypdfium2.raw as raw

    document = pdfium.PdfDocument(sketch.pdf)
    try:
        page, pixels = document[0], SCALE * 96 / 72
        for each in list(page.get_objects(filter=[raw.FPDF_PAGEOBJ_TEXT])):
            page.remove_obj(each)
        drawn = page.render(scale=pixels, rev_byteorder=True, no_smoothpath=True, draw_annots=False).to_numpy()[
            :, :, :3
        ]
        smooth = page.render(scale=pixels, rev_byteorder=True, draw_annots=False).to_numpy()[:, :, :3]
    finally:
        document.close()
    whole = sketch.colours()
    left, top = (round((at - 0.5 * 72 / 96) * pixels) for at in sketch.corner)
    cut = slice(top, top + whole.shape[0]), slice(left, left + whole.shape[1])
    letters = np.abs(whole.astype(int) - smooth[cut].astype(int)).max(axis=2, keepdims=True) > 8
    return Pictures(_framed(np.where(letters, whole, drawn[cut])), _framed(drawn[cut]))


def part(picture: Pixels, left: float, top: float, right: float, bottom: float) -> Pixels:
    """A box of a picture with a margin, in pixels at 96 dpi."""
    low, high, first, last = (round((each + MARGIN) * SCALE) for each in (top, bottom, left, right))
    return picture[max(0, low) : max(high, low + 1), max(0, first) : max(0, last)].astype(int)


def _framed(picture: Pixels) -> Pixels:
    size = round(MARGIN * SCALE)
    return np.pad(picture, ((size, size), (size, size), (0, 0)), constant_values=255)
