"""Pictures beside LibreOffice's: the same ranges, cell by cell, and the time that each takes.

    python -m tests.bench.shot fidelity [BOOK...]    the golden books, and those named
    python -m tests.bench.shot time                  40 x 12 cells with a colour scale and a chart; a long book

Both pictures are compared on their own grids, since columns are not equally wide. Agreement of a cell means:
background: the most frequent colour differs by at most 12 of 255; ink: the share of pixels unlike it differs by at most
0.06, or by a third; borders: the same edges carry a line; text: the same signs, by the text of LibreOffice's PDF. Grid
lines are left out, since LibreOffice prints them black; so are cells below pictures and charts.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench.shot_text import Words, words_of
from tests.excel.shot import golden_books  # noqa: F401  (fills GOLDEN)
from tests.excel.shot.golden import GOLDEN
from tests.excel.shot.png import read_png
from xltrain.excel.shot import compose, shoot
from xltrain.excel.shot.libreoffice import Sketch, draw_all_with_libreoffice, draw_with_libreoffice
from xltrain.excel.shot.page import Options
from xltrain.excel.shot.scene import CellScene, Scene, scene
from xltrain.place import Range, parse_range

SCALE = 4.0
MARGIN = 6.0  # pixels
MEASURES = ("background", "ink", "borders", "text")
Pixels = np.ndarray[Any, Any]

# Why the two differ, and which of them is right by Excel's rules: (book and cell, measure or empty for all).
CAUSES = (
    ("table_style", "", "LibreOffice draws no table styles", "xltrain"),
    ("cell_styles_over_table_styles", "", "LibreOffice draws no table styles", "xltrain"),
    ("too_narrow", "", "a number too wide fills its cell with #, LibreOffice shows three", "xltrain"),
    ("cell_rules A4", "", "a text is above every number", "xltrain"),
    ("duplicates_and_unique B4", "", "an empty cell is not unique", "xltrain"),
    ("duplicates_and_unique", "", "duplicates ignore upper and lower case", "xltrain"),
    ("rules_over_cell_styles", "text", "a rule may set the number format", "xltrain"),
    ("rules_over_cell_styles", "ink", "a rule may set the number format", "xltrain"),
    ("unknown_formula_is_named", "", "INDIRECT() in a rule is not worked out, and said so", "LibreOffice"),
    ("general_alignment E1", "ink", "the installed font has no Hebrew: dots, and a line of advice", "LibreOffice"),
    ("right_to_left", "ink", "the installed font has no Hebrew: dots, and a line of advice", "LibreOffice"),
    ("wrapping row", "", "lines are 20 px high; a line end without wrapping stays on one line", "xltrain"),
    ("wrapping", "", "lines are 20 px high; a line end without wrapping stays on one line", "xltrain"),
    ("sparklines", "", "line width and markers of sparklines are left out by LibreOffice", "xltrain"),
    ("icon_sets", "ink", "icons of LibreOffice's own shape and size", "xltrain"),
    (".*spread.* [DA][18]$", "", "LibreOffice fills a gradient with its mean", "xltrain"),
    (".*spread.* D2$", "", "LibreOffice knows no patterns, but mixes their colours", "xltrain"),
    (".*spread.* [A-F]3[0-5]$", "", "LibreOffice draws no table styles", "xltrain"),
    (".*spread.* [A-K](3[7-9]|4[0-4])$", "text", "LibreOffice makes pivot tables anew, with its own words", "xltrain"),
    (
        ".*spread.* [A-K](3[7-9]|4[0-4])$",
        "",
        "LibreOffice draws its own pivot style, xltrain none, and says so",
        "neither",
    ),
    ("patterns", "", "LibreOffice knows no patterns, but mixes their colours", "xltrain"),
    ("merged_and_cut", "grid", "one merged cell, whose lines this script does not know", "not compared"),
    ("data_bars", "borders", "a bar begins inside the cell, in LibreOffice at its edge", "xltrain"),
    ("right_to_left|overflow B2|.*spread.* [JK]4", "text", "a sign at an edge, given to the next cell", "this script"),
    (".*spread.*", "borders", "text or the blur of a fill at the edge, taken for a line", "this script"),
)


@dataclass
class Found:
    """What was compared: lines of the grid, cells by measure, and every disagreement."""

    lines: Counter[bool]
    cells: dict[str, Counter[bool]]
    whole: Counter[bool]
    differences: list[tuple[str, str, str, str]]  # book, cell, measure, what
    skipped: int = 0


def fidelity(books: list[Path]) -> Found:
    """Compare every golden book and the first sheet of every book given; print the table."""
    found = Found(Counter(), {name: Counter() for name in MEASURES}, Counter(), [])
    with tempfile.TemporaryDirectory() as folder:
        for each in GOLDEN:
            own = Path(folder, each.name)
            own.mkdir()
            each.draw(own)
            _compare(found, each.name, own / "book.xlsx", each.range, each.options)
    for path in books:
        from xltrain.excel.read import sheet_names

        for sheet in sheet_names(path):
            _compare(found, f"{path.stem}!{sheet}", path, f"'{sheet}'", Options())
    _report(found)
    return found


def _compare(found: Found, name: str, path: Path, wanted: str, options: Options) -> None:
    plain = replace(options, gridlines=False, headings=False, freeze=False, background="#FFFFFF", now=None)
    try:
        shown = scene(path, wanted, plain)
        page, _ = compose(path, wanted, plain)
        area = parse_range(str(page.range)) or Range("", 1, 1, 1, 1)
        area = replace(area, sheet=page.range.sheet)
        ours = read_png(shoot(path, wanted, SCALE, plain).png).colours[:, :, :3]
        sketch = draw_with_libreoffice(path, area, SCALE)
    except Exception as error:  # a book that one of the two cannot draw is a line of the report
        found.differences.append((name, "", "drawing", str(error).splitlines()[0]))
        return
    across, down = _grid(sketch.columns, page.right_to_left), _grid(sketch.rows)
    if len(across) != len(shown.columns) or len(down) != len(shown.rows):
        what = (
            f"{len(shown.columns) - 1} x {len(shown.rows) - 1} lines, LibreOffice {len(across) - 1} x {len(down) - 1}"
        )
        found.differences.append((name, "", "grid", what))
        return
    for kind, mine, theirs in (("column", shown.columns, across), ("row", shown.rows, down)):
        for number, same in enumerate(_same_lines(mine, theirs)):
            found.lines[same] += 1
            if not same:
                size = f"{mine[number + 1] - mine[number]:g} px, LibreOffice {theirs[number + 1] - theirs[number]:.1f}"
                found.differences.append((name, f"{kind} {number + 1}", "grid", size))
    _cells(found, name, shown, ours, sketch, (across, down))


def _grid(points: tuple[float, ...], backwards: bool = False) -> list[float]:
    """The edges of the lines that show, in pixels."""
    sizes = [each for each in np.diff(points) if each > 0.05]
    return [float(each) * 96 / 72 for each in np.cumsum([0.0, *(sizes[::-1] if backwards else sizes)])]


def _same_lines(mine: tuple[float, ...], theirs: list[float]) -> Iterator[bool]:
    """Whether each line has the same share of the whole, to a pixel and a half."""
    one, other = np.diff(mine), np.diff(theirs)
    yield from (abs(one - other * (one.sum() / other.sum())) <= 1.5).tolist()


def _cells(
    found: Found, name: str, shown: Scene, ours: Pixels, sketch: Sketch, grid: tuple[list[float], list[float]]
) -> None:
    ours, theirs = _framed(ours), _framed(sketch.colours())
    edges = dict(zip(shown.columns, grid[0], strict=True)), dict(zip(shown.rows, grid[1], strict=True))
    boxes: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {}
    for address, cell in shown.cells.items():
        mine = cell.left, cell.top, cell.left + cell.width, cell.top + cell.height
        outside = mine[0] < 0 or mine[1] < 0 or mine[2] > shown.width or mine[3] > shown.height
        if outside or _covered(cell, shown):
            found.skipped += 1
            continue
        left, right = (edges[0][each] for each in (mine[0], mine[2]))
        top, bottom = (edges[1][each] for each in (mine[1], mine[3]))
        boxes[address] = mine, (left + 1, top + 1, right + 1, bottom + 1)
    cells = {address: shown.cells[address] for address in boxes}
    texts = words_of(sketch, cells, {address: box for address, (_, box) in boxes.items()})
    for address, (mine, other) in boxes.items():
        good = True
        for measure, what in _measured(shown.cells[address], ours, theirs, mine, other, texts[address]):
            found.cells[measure][not what] += 1
            if what:
                good = False
                found.differences.append((name, address, measure, what))
        found.whole[good] += 1


def _covered(cell: CellScene, shown: Scene) -> bool:
    return any(
        thing.left < cell.left + cell.width
        and thing.left + thing.width > cell.left
        and thing.top < cell.top + cell.height
        and thing.top + thing.height > cell.top
        for thing in shown.things
    )


def _measured(
    cell: CellScene, ours: Pixels, theirs: Pixels, mine: tuple[float, ...], other: tuple[float, ...], words: Words
) -> Iterator[tuple[str, str]]:
    """Each measure with what differs; nothing where it does not."""
    (back, ink), (their_back, their_ink) = _inside(ours, mine), _inside(theirs, other)
    apart = max(abs(one - two) for one, two in zip(back, their_back, strict=True))
    yield "background", f"{_hex(back)}, LibreOffice {_hex(their_back)}" if apart > 12 else ""
    far = abs(ink - their_ink) > max(0.06, max(ink, their_ink) / 3)
    yield "ink", f"{ink:.2f}, LibreOffice {their_ink:.2f}" if far else ""
    lines, their_lines = _lines(ours, mine), _lines(theirs, other)
    yield "borders", "" if lines == their_lines else f"{lines or 'none'}, LibreOffice {their_lines or 'none'}"
    yield "text", "" if words.same else f"'{words.ours}', LibreOffice '{words.theirs}'"


def _hex(colour: tuple[int, ...]) -> str:
    return "".join(f"{each:02X}" for each in colour)


def _part(picture: Pixels, left: float, top: float, right: float, bottom: float) -> Pixels:
    low, high, first, last = (round((each + MARGIN) * SCALE) for each in (top, bottom, left, right))
    return picture[max(0, low) : max(high, low + 1), max(0, first) : max(0, last)].astype(int)


def _framed(picture: Pixels) -> Pixels:
    """The picture with a white margin, so that lines at its edge have two sides as well."""
    size = round(MARGIN * SCALE)
    return np.pad(picture, ((size, size), (size, size), (0, 0)), constant_values=255)


def _inside(picture: Pixels, box: tuple[float, ...]) -> tuple[tuple[int, ...], float]:
    """The most frequent colour within a cell, and the share of pixels unlike it."""
    left, top, right, bottom = box
    part = _part(picture, left + 2, top + 2, right - 3, bottom - 3).reshape(-1, 3)
    if not len(part):
        return (255, 255, 255), 0.0
    codes = part[:, 0] << 16 | part[:, 1] << 8 | part[:, 2]
    values, counts = np.unique(codes, return_counts=True)
    code = int(values[counts.argmax()])
    colour = code >> 16, code >> 8 & 255, code & 255
    return colour, float((abs(part - colour).max(axis=1) > 60).mean())


def _lines(picture: Pixels, box: tuple[float, ...]) -> str:
    """The edges of a cell that carry a line: a streak unlike what is at its inner and its outer side."""
    left, top, right, bottom = box
    third, fifth = (right - left) * 0.2, (bottom - top) * 0.08
    strips = {
        "left": _part(picture, left - 5, top + fifth, left + 5, bottom - fifth).transpose(1, 0, 2),
        "top": _part(picture, left + third, top - 5, right - third, top + 5),
        "right": _part(picture, right - 5, top + fifth, right + 5, bottom - fifth).transpose(1, 0, 2),
        "bottom": _part(picture, left + third, bottom - 5, right - third, bottom + 5),
    }
    return " ".join(name for name, strip in strips.items() if _streak(strip))


def _streak(strip: Pixels) -> bool:
    """Whether a strip (across, along, 3), ten pixels wide, has a line along its middle, dashed or not.

    Text that touches the edge does not reach along it.
    """
    size = round(10 * SCALE)
    if len(strip) < size // 2 or not strip.shape[1]:
        return False
    inner, outer = np.median(strip[-4:], axis=(0, 1)), np.median(strip[:4], axis=(0, 1))
    reach = round(1.25 * SCALE)
    middle = strip[max(0, size // 2 - reach) : size // 2 + reach]
    low, high = np.minimum(inner, outer) - 40, np.maximum(inner, outer) + 40
    unlike = ((middle < low) | (middle > high)).any(axis=2)  # what lies between the two is only the blur of an edge
    quarters = np.array_split(unlike.any(axis=0), 4)
    return all(each.size and each.mean() > 0.2 for each in quarters)


def _cause(name: str, address: str, measure: str, what: str) -> tuple[str, str]:
    """Why, and which of the two is right by Excel's rules."""
    if measure == "grid" and address:
        for start, _, why, right in CAUSES:
            if re.match(start, f"{name} {address}"):
                return why, right
        return "columns of a given width are 5.7 % too wide in LibreOffice", "xltrain"
    for start, of, why, right in CAUSES:
        if re.match(start, f"{name} {address}") and of in ("", measure):
            return why, right
    return "not judged", "?"


def _report(found: Found) -> None:
    print("\n| measure | compared | agree |\n|---|---:|---:|")
    rows = [("widths and heights of lines", found.lines), *found.cells.items(), ("cells in all four", found.whole)]
    for name, counts in rows:
        total = counts.total()
        print(f"| {name} | {total} | {counts[True] / max(1, total):.1%} |")
    print(f"\n{found.skipped} cells below pictures or cut by the range's edge were left out.\n")
    causes: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for name, address, measure, what in found.differences:
        causes.setdefault(_cause(name, address, measure, what), set()).add((name, address))
    print("| cause | right by Excel's rules | cells or lines |\n|---|---|---:|")
    for (why, right), places in sorted(causes.items(), key=lambda item: -len(item[1])):
        print(f"| {why} | {right} | {len(places)} |")
    print()
    for name, address, measure, what in found.differences:
        print(f"{name} {address} {measure}: {what}")


def timing(turns: int) -> None:
    """Print seconds: cold, warm, and at the two ends of a long book."""
    with tempfile.TemporaryDirectory() as folder:
        book, long = Path(folder, "book.xlsx"), Path(folder, "long.xlsx")
        _dashboard(book)
        _long(long)
        _times(book, long, Path(folder), turns)


def _times(book: Path, long: Path, folder: Path, turns: int) -> None:
    area, out = "S!A1:L40", folder / "out.png"
    cells = Range("S", 1, 1, 40, 12)
    command = [sys.executable, "-m", "xltrain", "shot", str(book), area, "-o", str(out), "--overwrite"]
    cold = _best(lambda: subprocess.run(command, check=True, capture_output=True), turns)
    shoot(book, area).png  # noqa: B018
    svg = _best(lambda: shoot(book, area).svg, turns)
    png = _best(lambda: shoot(book, area).png, turns)
    one = _best(lambda: draw_with_libreoffice(book, cells).png, turns)
    ten = _best(lambda: [each.png for each in draw_all_with_libreoffice(book, [cells] * 11)], max(2, turns // 2))
    print("\n| 40 x 12 cells, a colour scale, a chart | xltrain, s | LibreOffice, s |\n|---|---:|---:|")
    print(f"| cold: xltrain's whole command; LibreOffice's start, drawing and cut | {cold:.2f} | {one:.2f} |")
    print(f"| warm, a PNG more in the same process | {png:.3f} | {(ten - one) / 10:.3f} |")
    print(f"| warm, SVG only | {svg:.3f} | |")
    first = _best(lambda: shoot(long, "S!A1:L40").png, turns)
    last = _best(lambda: shoot(long, "S!A99950:L99989").png, turns)
    print("\n| 40 x 12 cells of 100,000 x 20, warm | s |\n|---|---:|")
    print(f"| the first rows | {first:.3f} |\n| rows near the end | {last:.3f} ({last / first:.1f} times) |")


def _best(work: Callable[[], object], turns: int) -> float:
    found = []
    for _ in range(turns):
        began = time.perf_counter()
        work()
        found.append(time.perf_counter() - began)
    return min(found)


def _dashboard(path: Path) -> None:
    """40 x 12 cells of numbers under a colour scale, with a chart."""
    import xlsxwriter

    rng = np.random.default_rng(0)
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet("S")
        bold, number = book.add_format({"bold": True, "bottom": 1}), book.add_format({"num_format": "#,##0.00"})
        sheet.write_row(0, 0, [f"column {each}" for each in range(12)], bold)
        for row in range(1, 40):
            sheet.write_row(row, 0, rng.gamma(2, 100, 12).tolist(), number)
        sheet.conditional_format("A2:F40", {"type": "3_color_scale"})
        chart = book.add_chart({"type": "line"})
        for column in (0, 1):
            values = ["S", 1, column, 39, column]
            chart.add_series({"values": values, "name": ["S", 0, column]})
        sheet.insert_chart("G4", chart)


def _long(path: Path) -> None:
    from xltrain.excel.bulk import cells_of
    from xltrain.excel.write import new_book

    rng = np.random.default_rng(0)
    rows = 100_000
    with new_book(path) as book:
        sheet = book.sheet("S")
        headers = [f"column {each}" for each in range(20)]
        sheet.table(0, 0, headers, rows, "Long", bulk=True)
        style = book.style(num_format="0.00")
        sheet.bulk(1, [cells_of(rng.gamma(2, 100, rows).round(2), style) for _ in headers])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=["fidelity", "time"])
    parser.add_argument("books", nargs="*", type=Path)
    parser.add_argument("--turns", type=int, default=5)
    given = parser.parse_args()
    if given.what == "fidelity":
        fidelity(given.books)
    else:
        timing(given.turns)


if __name__ == "__main__":
    main()
