"""Hover notes: what a technical header means, as a comment on its cell.

The note on the word `percentile` is the message `note_percentile`. A metric explains itself through its registration,
and a setting of the job through its field: the word `about_runs_epochs` is that message.
"""

from collections.abc import Sequence

from xltrain.excel.write import FONTS, Sheet, lines
from xltrain.language import current, text
from xltrain.registry import metrics

WIDTH = 250  # pixels
CHARACTERS = 40  # of a line of that width
LINE = 16  # pixels


def hover(sheet: Sheet, row: int, column: int, word: str) -> None:
    """Put the note on a word onto a cell, sized to its text; nothing for an empty word.

    Raises:
        KeyError: there is no such note.
    """
    if not word:
        return
    key = word if word.startswith("about_") else f"note_{word}"
    said = metrics[word].summary if word in metrics else text(key)
    size = {"width": WIDTH, "height": LINE * (lines(said, CHARACTERS) + 1), "font_size": 9}
    look = {"font_name": FONTS[current()], "color": "#FFFDF2", "author": "xltrain", "font_family": 2}
    sheet.page.write_comment(row, column, said, {**size, **look})


def hover_headers(sheet: Sheet, row: int, first: int, words: Sequence[str]) -> None:
    """Notes on the headers of a table, left to right; an empty word leaves a header without one."""
    for offset, word in enumerate(words):
        hover(sheet, row, first + offset, word)
