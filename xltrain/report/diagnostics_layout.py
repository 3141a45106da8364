"""How diagnostics stand on their sheet: figures in a strip, charts two by two, whatever the widths of the columns."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from xltrain.engine.result import Floats, TargetResult
from xltrain.excel.write import GREY, LINE, PALE, Sheet
from xltrain.language import label
from xltrain.report.notes import hover
from xltrain.report.report import with_unit

CHART = (560, 380)  # pixels
ACROSS = 2
ROW = 20  # pixels
CHART_ROWS = CHART[1] // ROW + 1
COLUMNS = 18  # that two charts take at the default width

Rows = npt.NDArray[np.int64]


def place_charts(sheet: Sheet, row: int, charts: Sequence[Any]) -> int:
    """Charts side by side, from the left edge; gives the row below them."""
    for index, chart in enumerate(charts):
        chart.set_size({"width": CHART[0], "height": CHART[1]})
        at = row + index // ACROSS * CHART_ROWS
        if not index % ACROSS:
            sheet.part(at)
        # A few pixels below where the page may end, or its border would print on both.
        place = {"object_position": 3, "x_offset": (index % ACROSS) * (CHART[0] + 12), "y_offset": 6}
        sheet.page.insert_chart(at, 0, chart, place)
    return row + -(-len(charts) // ACROSS) * CHART_ROWS


def figures(sheet: Sheet, row: int, shown: Sequence[tuple[str, float, str]]) -> int:
    """Word, value and number format of each figure, in one strip with a hover note; gives the row below.

    Every figure takes two columns, which keep their width.
    """
    head = sheet.book.style(font_color=GREY, text_wrap=True, bottom=1, bottom_color=LINE, valign="vcenter")
    for index, (word, value, look) in enumerate(shown):
        column = 2 * index
        sheet.block(row, column, column + 1, label(word), head)
        hover(sheet, row, column, word)
        style = sheet.book.style(num_format=look, bold=True, align="left", bg_color=PALE)
        sheet.block(row + 1, column, column + 1, value, style)
    sheet.page.set_row(row, 32)
    return row + 3


def scored_rows(target: TargetResult) -> Rows:
    """The positions of the rows that have a target and an out-of-fold prediction."""
    ledger = target.ledger
    known = ledger.target >= 0 if target.classes else np.isfinite(ledger.target)
    return np.flatnonzero(known & np.isfinite(ledger.prediction))


def in_unit(word: str, target: TargetResult) -> str:
    """A word with the target's unit in brackets."""
    return with_unit(word, f"({target.unit})" if target.unit else "")


def quantile_codes(values: Floats, bins: int) -> tuple[Rows, int]:
    """Into bins of equal counts, equal values together: codes (rows,) from 0 and how many bins there are."""
    edges = np.unique(np.quantile(values, np.linspace(0, 1, bins + 1)[1:-1], method="lower"))
    codes = np.searchsorted(edges, values, side="left")
    _, dense = np.unique(codes, return_inverse=True)
    return dense.astype(np.int64), int(dense.max(initial=-1)) + 1
