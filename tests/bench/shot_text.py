"""The text that LibreOffice shows in each cell, from the text of its PDF, by place."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from xltrain.excel.shot.libreoffice import Sketch
from xltrain.excel.shot.scene import CellScene

Box = tuple[float, ...]  # left, top, right, bottom in pixels


@dataclass(frozen=True)
class Words:
    """The signs of a cell without spaces, as drawn by us and by LibreOffice."""

    ours: str
    theirs: str
    cut: bool = False  # where the cell's edge cuts it, LibreOffice's PDF has only what shows

    @property
    def same(self) -> bool:
        if self.cut and self.theirs:
            return self.theirs in self.ours
        return self.theirs in (self.ours, self.ours[::-1])  # from right to left, the PDF has them as they stand


@dataclass
class _Stretch:
    """Signs that follow each other on a line."""

    text: str = ""
    box: list[float] = field(default_factory=list)

    def level(self, box: Box) -> bool:
        high = max(box[3] - box[1], self.box[3] - self.box[1])
        return abs((box[1] + box[3]) - (self.box[1] + self.box[3])) < high

    def follows(self, box: Box) -> bool:
        high = max(box[3] - box[1], self.box[3] - self.box[1])
        gap = max(box[0] - self.box[2], self.box[0] - box[2])  # to the right, or to the left
        return self.level(box) and gap < 0.15 * high

    def add(self, sign: str, box: Box) -> None:
        self.text += sign
        old = self.box or list(box)
        self.box = [min(old[0], box[0]), min(old[1], box[1]), max(old[2], box[2]), max(old[3], box[3])]


class _Places:
    """The cells of a picture of LibreOffice's, to look up by point."""

    def __init__(self, cells: Mapping[str, CellScene], boxes: Mapping[str, Box]) -> None:
        self.cells, self.boxes, self.names = cells, boxes, list(cells)
        corners = np.array([boxes[name] for name in self.names]).reshape(-1, 4)
        self.texts = {name: "".join(cell.text.split()) for name, cell in cells.items()}
        self.left, self.top, self.right, self.bottom = corners.T

    def at(self, box: Box) -> str:
        """The cell with text that the middle of a box lies in."""
        across, down = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        inside = (self.left <= across) & (across < self.right) & (self.top <= down) & (down < self.bottom)
        found = np.flatnonzero(inside)
        return self.names[found[0]] if len(found) and self.cells[self.names[found[0]]].text else ""

    def near(self, down: float) -> list[str]:
        """The cells at most twenty pixels above or below a point."""
        return [self.names[each] for each in np.flatnonzero((self.top - 20 <= down) & (down <= self.bottom + 20))]


def words_of(sketch: Sketch, cells: Mapping[str, CellScene], boxes: Mapping[str, Box]) -> dict[str, Words]:
    """The text of every cell of ours beside that of LibreOffice; `boxes` are the cells in its picture."""
    theirs = dict.fromkeys(cells, "")
    places = _Places(cells, boxes)
    for stretch in _stretches(sketch, places):
        address = _owner(stretch, places)
        if address:
            theirs[address] += stretch.text
    return {address: Words("".join(cell.text.split()), theirs[address], cell.clip) for address, cell in cells.items()}


def _owner(stretch: _Stretch, places: _Places) -> str:
    """The cell whose text starts, ends or has its middle nearest to where the stretch does."""
    left, top, right, bottom = stretch.box
    down = (top + bottom) / 2
    best, found = 1e9, ""
    for address in places.near(down):
        cell, box = places.cells[address], places.boxes[address]
        inside = box[0] <= (left + right) / 2 <= box[2] and box[1] <= down <= box[3]
        if not cell.text:
            away = 400.0 if inside else 1e9
        else:
            beside = max(0.0, box[1] - down, down - box[3])
            at = {"start": left - box[0], "end": box[2] - right}.get(cell.anchor, (left + right - box[0] - box[2]) / 2)
            if cell.angle or cell.lines > 1 or inside:
                at = 0.0 if inside else min(abs(left - box[0]), abs(right - box[2]))
            away = abs(at) + 8 * beside
            over = stretch.text in places.texts[address] and not beside  # a later part of text that runs over
            away = away if away < 150 else 200.0 if over else 1e9
        if away < best:
            best, found = away, address
    return found


def _address(thing: Any) -> int:
    """What tells one text object of a page from another."""
    import ctypes

    return ctypes.cast(thing, ctypes.c_void_p).value or 0


def _stretches(sketch: Sketch, places: _Places) -> list[_Stretch]:
    """Stretches of signs. Those of one text object stay together, even where the cell's edge cuts them; another object
    begins a new one if it is not beside the last, or lies in another cell with text.
    """
    import pypdfium2 as pdfium
    import pypdfium2.raw as raw

    document = pdfium.PdfDocument(sketch.pdf)
    page = document[0]
    height, text = page.get_height(), page.get_textpage()
    found: list[_Stretch] = []
    owner, drawn = "", 0  # the cell in which the object of the last sign begins, and that object
    for number in range(text.count_chars()):
        sign = text.get_text_range(number, 1).replace("\ufffe", "-")  # a hyphen at the end of a line
        left, bottom, right, top = text.get_charbox(number, loose=True)
        if right <= left or raw.FPDFText_IsGenerated(text, number):
            continue
        corner = sketch.corner
        box = tuple(
            (each * 96 / 72 + 0.5)
            for each in (left - corner[0], height - top - corner[1], right - corner[0], height - bottom - corner[1])
        )
        if not sign.strip():
            if found and found[-1].follows(box):
                found[-1].add("", box)
            continue
        here, thing = places.at(box), _address(raw.FPDFText_GetTextObject(text, number))
        other = thing != drawn
        beside = bool(found) and (found[-1].follows(box) if other else found[-1].level(box))
        if not beside or (other and here and owner and here != owner):
            found.append(_Stretch())
        if other:
            owner, drawn = here, thing
        found[-1].add(sign, box)
    document.close()
    return found
