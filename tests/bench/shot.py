"""Pictures beside LibreOffice's: the same ranges, cell by cell, and the time that each takes.

    python -m tests.bench.shot fidelity [BOOK...]    the golden books, and those named
    python -m tests.bench.shot books BOOK...         those named alone
    python -m tests.bench.shot time                  40 x 12 cells with a colour scale and a chart; a long book

How cells are compared: see shot_fidelity.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.bench.shot_fidelity import fidelity
from xltrain.excel.shot import shoot
from xltrain.excel.shot.libreoffice import draw_all_with_libreoffice, draw_with_libreoffice
from xltrain.place import Range


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
    parser.add_argument("what", choices=["fidelity", "books", "time"])
    parser.add_argument("books", nargs="*", type=Path)
    parser.add_argument("--turns", type=int, default=5)
    given = parser.parse_args()
    if given.what in ("fidelity", "books"):
        fidelity(given.books, golden=given.what == "fidelity")
    else:
        timing(given.turns)


if __name__ == "__main__":
    main()
