"""Our pictures beside LibreOffice's, cell by cell, over the golden books and any others.

Both pictures are compared on their own grids, since columns are not equally wide. Agreement of a cell means:
background: the most frequent colour differs by at most 12 of 255; ink: the share of pixels unlike it differs by at most
0.06, or by a third; borders: the same edges carry a line; text: the same signs, by the text of LibreOffice's PDF.
Colours and lines are looked for where text has been taken out, lines not where a data bar begins. Text shift is
measured apart: how much farther the letters begin from their cell's left edge, end from its right one or have their
middle from its own, and how much lower they end, where none reaches below the line. Grid lines are left out, since
LibreOffice prints them black; so are cells below pictures and charts.

A second figure leaves out what LibreOffice has not: cells of tables and pivot tables that have a style (it ignores the
one and makes the other anew), cells filled with patterns or gradients (it mixes their colours), and of the cells beside
them the edge that they share.
"""

import re
import tempfile
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from tests.bench.shot_causes import cause
from tests.bench.shot_pictures import SCALE, Pictures, Pixels, our_pictures, part, their_pictures
from tests.bench.shot_text import Words, words_of
from tests.excel.shot import golden_books, golden_pivots  # noqa: F401  (they fill GOLDEN)
from tests.excel.shot.golden import GOLDEN
from xltrain.excel.read import sheet_names
from xltrain.excel.scan import Package
from xltrain.excel.shot import compose
from xltrain.excel.shot.libreoffice import draw_with_libreoffice
from xltrain.excel.shot.page import Options, Page
from xltrain.excel.shot.pivots import read_pivots
from xltrain.excel.shot.scene import CellScene, Scene, scene
from xltrain.excel.shot.tables import Tabular, holds, read_tables
from xltrain.place import Range, parse_range

MEASURES = ("background", "ink", "borders", "text")
SIDES = ("left", "top", "right", "bottom")
ALIGNED = {"start": "left", "middle": "centre", "end": "right"}
MOST = (40, 14, 3)  # rows, columns and sheets of a book that are looked at
_ON_LINE = re.compile("[A-PR-Za-fhik-or-xz0-9 .+%-]+")  # no sign reaches below the line
STRAY = 0.002  # LibreOffice rounds each line; after forty rows it is nearly two pixels from where it says it is
Box = tuple[float, ...]  # left, top, right, bottom in pixels


@dataclass
class Found:
    """What was compared: lines of the grid, cells by measure (all, and those with what LibreOffice has too), shifts of
    text in pixels, and every disagreement.
    """

    lines: Counter[bool] = field(default_factory=Counter)
    cells: dict[str, Counter[bool]] = field(default_factory=lambda: {name: Counter() for name in (*MEASURES, "all")})
    common: dict[str, Counter[bool]] = field(default_factory=lambda: {name: Counter() for name in (*MEASURES, "all")})
    shifts: dict[str, list[tuple[float, str]]] = field(default_factory=dict)
    differences: list[tuple[str, str, str, str]] = field(default_factory=list)  # book, cell, measure, what
    apart: dict[tuple[str, str], str] = field(default_factory=dict)  # cells that both can draw and that differ: in what
    foreign: Counter[str] = field(default_factory=Counter)
    skipped: int = 0


def fidelity(books: list[Path], golden: bool = True) -> Found:
    """Compare every golden book, and the first sheets of every book given; print the tables."""
    found = Found()
    with tempfile.TemporaryDirectory() as folder:
        for each in GOLDEN if golden else ():
            own = Path(folder, each.name)
            own.mkdir()
            each.draw(own)
            _compare(found, each.name, own / "book.xlsx", each.range, each.options)
    for path in books:
        try:
            names = sheet_names(path)[: MOST[2]]
        except Exception as error:
            found.differences.append((path.stem, "", "drawing", str(error).splitlines()[0]))
            continue
        for sheet in names:
            _compare(found, f"{path.stem}!{sheet}", path, _cut(path, sheet), Options())
    report(found)
    return found


def _cut(path: Path, sheet: str) -> str:
    """The used range of a sheet, as far as it is compared."""
    quoted = "'" + sheet.replace("'", "''") + "'"
    try:
        page, _ = compose(path, quoted, Options(gridlines=False))
    except Exception:  # too large, or nothing there: the comparison says so
        return f"{quoted}!A1:{'T'}{MOST[0]}"
    area = page.range
    last = min(area.last_row, area.first_row + MOST[0] - 1), min(area.last_column, area.first_column + MOST[1] - 1)
    return str(replace(area, sheet=quoted, last_row=last[0], last_column=last[1]))


def _compare(found: Found, name: str, path: Path, wanted: str, options: Options) -> None:
    plain = replace(options, gridlines=False, headings=False, freeze=False, background="#FFFFFF", now=None)
    try:
        shown = scene(path, wanted, plain)
        page, _ = compose(path, wanted, plain)
        area = replace(parse_range(str(page.range)) or Range("", 1, 1, 1, 1), sheet=page.range.sheet)
        ours = our_pictures(path, wanted, plain)
        sketch = draw_with_libreoffice(path, area, SCALE)
    except Exception as error:  # a book that one of the two cannot draw is a line of the report
        found.differences.append((name, "", "drawing", str(error).splitlines()[0]))
        return
    across, down = _grid(sketch.columns, page.right_to_left), _grid(sketch.rows)
    if len(across) != len(shown.columns) or len(down) != len(shown.rows):
        what = f"{len(shown.columns) - 1} x {len(shown.rows) - 1} lines, "
        found.differences.append((name, "", "grid", f"{what}LibreOffice {len(across) - 1} x {len(down) - 1}"))
        return
    for kind, mine, theirs in (("column", shown.columns, across), ("row", shown.rows, down)):
        for number, same in enumerate(_same_lines(mine, theirs, kind == "column")):
            found.lines[same] += 1
            if not same:
                size = f"{mine[number + 1] - mine[number]:g} px, LibreOffice {theirs[number + 1] - theirs[number]:.1f}"
                found.differences.append((name, f"{kind} {number + 1}", "grid", size))
    boxes = _boxes(shown, (across, down))
    texts = words_of(sketch, {key: shown.cells[key] for key in boxes}, {key: box for key, (_, box) in boxes.items()})
    found.skipped += len(shown.cells)
    boxes = {key: both for key, both in boxes.items() if not _covered(shown.cells[key], shown)}
    found.skipped -= len(boxes)
    foreign = _foreign(path, page, shown)
    found.foreign.update(why for key, why in foreign.items() if key in boxes)
    comparison = _Comparison(name, shown, boxes, texts, ours, their_pictures(sketch), foreign)
    comparison.into(found)


def _grid(points: tuple[float, ...], backwards: bool = False) -> list[float]:
    """The edges of the lines that show, in pixels."""
    sizes = [each for each in np.diff(points) if each > 0.05]
    return [float(each) * 96 / 72 for each in np.cumsum([0.0, *(sizes[::-1] if backwards else sizes)])]


def _same_lines(mine: tuple[float, ...], theirs: list[float], columns: bool) -> Iterator[bool]:
    """Whether each line is as large, to a pixel and a half; columns also where all are scaled as most of them are.

    Those of a given width are 5.7 % too wide in LibreOffice, or more where it has not the book's font.
    """
    one, other = np.diff(mine), np.diff(theirs)
    same = abs(one - other) <= 1.5
    if columns:
        same |= abs(one - other * np.median(one / other)) <= 1.5
    yield from same.tolist()


def _boxes(shown: Scene, grid: tuple[list[float], list[float]]) -> dict[str, tuple[Box, Box]]:
    """Where every cell that shows whole stands in the two pictures."""
    edges = dict(zip(shown.columns, grid[0], strict=True)), dict(zip(shown.rows, grid[1], strict=True))
    boxes: dict[str, tuple[Box, Box]] = {}
    for address, cell in shown.cells.items():
        mine = cell.left, cell.top, cell.left + cell.width, cell.top + cell.height
        if mine[0] < 0 or mine[1] < 0 or mine[2] > shown.width or mine[3] > shown.height:
            continue
        left, right = (edges[0][each] for each in (mine[0], mine[2]))
        top, bottom = (edges[1][each] for each in (mine[1], mine[3]))
        boxes[address] = mine, (left + 1, top + 1, right + 1, bottom + 1)
    return boxes


def _covered(cell: CellScene, shown: Scene) -> bool:
    """Whether a picture or chart lies over a cell, or so near that it could be taken for its border."""
    return any(
        thing.left - 5 < cell.left + cell.width
        and thing.left + thing.width + 5 > cell.left
        and thing.top - 5 < cell.top + cell.height
        and thing.top + thing.height + 5 > cell.top
        for thing in shown.things
    )


def _foreign(path: Path, page: Page, shown: Scene) -> dict[str, str]:
    """The cells that show what LibreOffice has not, with what that is."""
    found = {}
    with Package(path) as package:
        part_of = package.sheet(page.range.sheet).part
        styled: list[tuple[str, Tabular]] = [
            ("table styles", each) for each in read_tables(package, part_of, page.styles)
        ]
        styled += [("pivot tables", each) for each in read_pivots(package, part_of, page.styles)]
    for address, cell in shown.cells.items():
        at = parse_range(address)
        assert at is not None
        for why, table in styled:
            if table.style.parts and any(holds(each, at.first_row, at.first_column) for each in table.places):
                found[address] = why
        if "/" in cell.fill:
            found.setdefault(address, "patterns")
        elif cell.fill.startswith("gradient"):
            found.setdefault(address, "gradients")
    return found


@dataclass
class _Comparison:
    """One range in both pictures."""

    name: str
    shown: Scene
    boxes: dict[str, tuple[Box, Box]]
    texts: dict[str, Words]
    ours: Pictures
    theirs: Pictures
    foreign: dict[str, str]

    def into(self, found: Found) -> None:
        at = {self._corner(self.shown.cells[address]) for address in self.foreign}
        barred = {self._corner(cell) for cell in self.shown.cells.values() if cell.bar}
        for address, (mine, other) in self.boxes.items():
            cell, words = self.shown.cells[address], self.texts[address]
            shared = self._shared(cell, at)
            bars = ({"left", "right"} if cell.bar else set()) | (self._shared(cell, barred) & {"left", "right"})
            common = address not in self.foreign
            good = {True: True, False: True}
            for measure, what, strict in self._measured(words, mine, other, shared, bars):
                found.cells[measure][not what] += 1
                good[False] &= not what
                if common:
                    found.common[measure][not strict] += 1
                    good[True] &= not strict
                    if strict:
                        found.apart[self.name, address] = measure
                if what:
                    found.differences.append((self.name, address, measure, what))
            found.cells["all"][good[False]] += 1
            if common:
                found.common["all"][good[True]] += 1
            if words.same and words.ours and not cell.angle and not _logical(words.ours):
                self._shift(found, address, cell, mine, other)

    def _corner(self, cell: CellScene) -> tuple[int, int]:
        return bisect_left(self.shown.columns, cell.left), bisect_left(self.shown.rows, cell.top)

    def _shared(self, cell: CellScene, others: set[tuple[int, int]]) -> set[str]:
        """The edges that a cell shares with others, by their corners."""
        column, row = self._corner(cell)
        right = bisect_left(self.shown.columns, cell.left + cell.width)
        low = bisect_left(self.shown.rows, cell.top + cell.height)
        beside = {
            "left": [(column - 1, each) for each in range(row, low)],
            "right": [(right, each) for each in range(row, low)],
            "top": [(each, row - 1) for each in range(column, right)],
            "bottom": [(each, low) for each in range(column, right)],
        }
        return {side for side, places in beside.items() if any(place in others for place in places)}

    def _measured(
        self, words: Words, mine: Box, other: Box, shared: set[str], bars: set[str]
    ) -> Iterator[tuple[str, str, str]]:
        """Each measure with what differs, and what differs but for edges that are shared; nothing where it agrees."""
        back, their_back = _colour(self.ours.bare, mine), _colour(self.theirs.bare, other)
        apart = max(abs(one - two) for one, two in zip(back, their_back, strict=True))
        what = f"{_hex(back)}, LibreOffice {_hex(their_back)}" if apart > 12 else ""
        yield "background", what, what
        ink, their_ink = _ink(self.ours.whole, mine, back), _ink(self.theirs.whole, other, their_back)
        far = abs(ink - their_ink) > max(0.06, max(ink, their_ink) / 3)
        what = f"{ink:.2f}, LibreOffice {their_ink:.2f}" if far else ""
        yield "ink", what, what
        lines, their_lines = _lines(self.ours.bare, mine), _lines(self.theirs.bare, other)
        what = f"{' '.join(lines) or 'none'}, LibreOffice {' '.join(their_lines) or 'none'}"
        differ = (set(lines) ^ set(their_lines)) - bars
        yield "borders", what if differ else "", what if differ - shared else ""
        what = "" if words.same else f"'{words.ours}', LibreOffice '{words.theirs}'"
        yield "text", what, what

    def _shift(self, found: Found, address: str, cell: CellScene, mine: Box, other: Box) -> None:
        """How much farther right and lower our letters stand in their cell, in pixels."""
        one, two = _letters(self.ours, mine), _letters(self.theirs, other)
        if one is None or two is None:
            return
        side = ALIGNED.get(cell.anchor, "left")
        at = {"left": 0, "right": 1, "centre": 2}[side]
        shifts = [(side, one[at] - two[at])]
        if _ON_LINE.fullmatch(cell.text):
            shifts.append(("baseline", one[3] - two[3]))
        for name, shift in shifts:
            found.shifts.setdefault(name, []).append((shift, f"{self.name} {address}"))


def _logical(words: str) -> bool:
    """Whether LibreOffice has it at the right, since it takes it for a number, and Excel in the middle."""
    return words in ("TRUE", "FALSE") or words.startswith("#")


def _letters(pictures: Pictures, box: Box) -> tuple[float, float, float, float] | None:
    """Where the letters of a cell begin (from its left edge), end (from its right one), have their middle (from its
    own), and how low they reach (from its middle), in pixels; None without any.
    """
    left, top, right, bottom = box
    shown = pictures.text((left + 0.5, top + 0.5, right - 1, bottom - 1))
    across, down = np.flatnonzero(shown.any(axis=0)), np.flatnonzero(shown.any(axis=1))
    if not len(across):
        return None
    begin, end = across[0] / SCALE + 0.5, (across[-1] + 1) / SCALE + 0.5
    low = (down[-1] + 1) / SCALE + 0.5
    size = right - left, bottom - top
    return begin, end - size[0], (begin + end - size[0]) / 2, low - size[1] / 2


def _hex(colour: tuple[int, ...]) -> str:
    return "".join(f"{each:02X}" for each in colour)


def _inner(picture: Pixels, box: Box) -> Pixels:
    left, top, right, bottom = box
    return part(picture, left + 2, top + 2, right - 3, bottom - 3).reshape(-1, 3)


def _colour(picture: Pixels, box: Box) -> tuple[int, ...]:
    """The most frequent colour within a cell."""
    inside = _inner(picture, box)
    if not len(inside):
        return 255, 255, 255
    values, counts = np.unique(inside[:, 0] << 16 | inside[:, 1] << 8 | inside[:, 2], return_counts=True)
    code = int(values[counts.argmax()])
    return code >> 16, code >> 8 & 255, code & 255


def _ink(picture: Pixels, box: Box, back: tuple[int, ...]) -> float:
    """The share of a cell's pixels unlike its background."""
    inside = _inner(picture, box)
    return float((np.abs(inside - back).max(axis=1) > 60).mean()) if len(inside) else 0.0


def _lines(picture: Pixels, box: Box) -> list[str]:
    """The edges of a cell that carry a line: a streak unlike what is at its inner and its outer side."""
    left, top, right, bottom = box
    third, fifth = (right - left) * 0.2, (bottom - top) * 0.08
    strips = {
        "left": part(picture, left - 5, top + fifth, left + 5, bottom - fifth).transpose(1, 0, 2),
        "top": part(picture, left + third, top - 5, right - third, top + 5),
        "right": part(picture, right - 5, top + fifth, right + 5, bottom - fifth).transpose(1, 0, 2),
        "bottom": part(picture, left + third, bottom - 5, right - third, bottom + 5),
    }
    stray = {name: 1.25 + STRAY * at for name, at in zip(SIDES, (left, top, right, bottom), strict=True)}
    return [name for name in SIDES if _streak(strips[name], stray[name])]


def _streak(strip: Pixels, stray: float) -> bool:
    """Whether a strip (across, along, 3), ten pixels wide, has a line along its middle, dashed or not; `stray` is how
    many pixels from the middle it may be.
    """
    size = round(10 * SCALE)
    if len(strip) < size // 2 or not strip.shape[1]:
        return False
    inner, outer = np.median(strip[-4:], axis=(0, 1)), np.median(strip[:4], axis=(0, 1))
    reach = round(min(3.0, stray) * SCALE)
    middle = strip[max(0, size // 2 - reach) : size // 2 + reach]
    low, high = np.minimum(inner, outer) - 40, np.maximum(inner, outer) + 40
    unlike = ((middle < low) | (middle > high)).any(axis=2)  # what lies between the two is only the blur of an edge
    quarters = np.array_split(unlike.any(axis=0), 4)
    return all(each.size and each.mean() > 0.2 for each in quarters)


def report(found: Found) -> None:
    print("\n| measure | cells | agree | cells that LibreOffice can draw | agree |\n|---|---:|---:|---:|---:|")
    total = found.lines.total()
    print(f"| widths and heights of lines | {total} | {found.lines[True] / max(1, total):.1%} | | |")
    for name in (*MEASURES, "all"):
        counts = found.cells[name], found.common[name]
        shares = " | ".join(f"{each.total()} | {each[True] / max(1, each.total()):.1%}" for each in counts)
        print(f"| {'all four' if name == 'all' else name} | {shares} |")
    left = ", ".join(f"{count} {why}" for why, count in found.foreign.most_common())
    print(f"\nLeft out of the second: {left}.")
    print(f"In none: {found.skipped} cells below pictures or cut by the range's edge.")
    right = Counter(cause(*where, measure, "")[1] for where, measure in found.apart.items())
    judged = ", ".join(f"{who} in {count}" for who, count in right.most_common())
    print(f"Right by Excel's rules in the {len(found.apart)} cells of the second that differ: {judged or 'none'}.\n")
    print("| text shift | texts | within 1 px | within 2 px | median | within 1 px of it |")
    print("|---|---:|---:|---:|---:|---:|")
    for name in ("left", "centre", "right", "baseline"):
        shifts = np.array([shift for shift, _ in found.shifts.get(name, [])])
        if len(shifts):
            near = " | ".join(f"{(abs(shifts) <= limit + 0.01).mean():.1%}" for limit in (1, 2))
            middle = float(np.median(shifts))
            steady = (abs(shifts - middle) <= 1.01).mean()
            print(f"| {name} | {len(shifts)} | {near} | {middle:+.2f} px | {steady:.1%} |")
    causes: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for name, address, measure, what in found.differences:
        causes.setdefault(cause(name, address, measure, what), set()).add((name, address))
    print("\n| cause | right by Excel's rules | cells or lines |\n|---|---|---:|")
    for (why, right), places in sorted(causes.items(), key=lambda item: -len(item[1])):
        print(f"| {why} | {right} | {len(places)} |")
    print()
    for name, address, measure, what in found.differences:
        print(f"{name} {address} {measure}: {what}")
    for name, shifts_of in found.shifts.items():
        for shift, where in shifts_of:
            if abs(shift) > 2:
                print(f"{where} shift, {name}: {shift:+.1f} px")
