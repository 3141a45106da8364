"""Texts in a .csv file that a spreadsheet program would run as formulas.

A .csv file has no types: a text such as `=1+1`, `+cmd` or `@x` becomes a formula when Excel, WPS or LibreOffice opens
it. Such a text gets an apostrophe before it, as OWASP advises (CSV injection); reading takes it off again
(`excel.book`), so that xltrain loses nothing. Numbers such as -5 and signs that stand for nothing stay as they are.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xltrain.language import text
from xltrain.place import Place, Problem

# Apostrophes before a sign are doubled with it, so that taking one off is always right.
_STARTS = "^'*[=+\\-@\t\r\n＝＋－＠]"
_HARMLESS = r"^[+\-＋－]?\s*(\d[\d\s.,]*([eE][+\-]?\d+)?\s*%?|[+\-＋－\s]*)$"
SHOWN = 3  # columns that are named


def marked_texts(column: pa.ChunkedArray) -> tuple[pa.ChunkedArray, int, int]:
    """A column of texts with an apostrophe where one is needed; how many got one, and the first of them (-1: none)."""
    risky = pc.fill_null(pc.match_substring_regex(column, _STARTS), False)
    count = pc.sum(risky).as_py() or 0
    if count:
        risky = pc.and_not(risky, pc.fill_null(pc.match_substring_regex(column, _HARMLESS), True))
        count = pc.sum(risky).as_py()
    if not count:
        return column, 0, -1
    marked = pc.binary_join_element_wise(pa.scalar("'"), column, pa.scalar(""))
    return pc.if_else(risky, marked, column), count, int(np.argmax(risky.to_numpy()))


def marked_names(names: Sequence[str]) -> list[str]:
    """The same for headers."""
    found: list[str] = marked_texts(pa.chunked_array([pa.array(names, pa.string())]))[0].to_pylist()
    return found


class FormulaTexts:
    """Which columns of a file held such texts, and where the first one came from."""

    def __init__(self) -> None:
        self._columns: dict[str, int] = {}
        self._first: Place | None = None

    def note(self, name: str, count: int, place: Place) -> None:
        self._first = self._first or place
        self._columns[name] = self._columns.get(name, 0) + count

    def doubts(self, path: str) -> list[Problem]:
        """One line on all of them; none where there was none."""
        if self._first is None:
            return []
        names = [repr(name) for name in _some(self._columns)] + ["…"] * (len(self._columns) > SHOWN)
        words = {"names": text("comma").join(names), "count": sum(self._columns.values()), "path": path}
        return [Problem(self._first, text("doubt_csv_formula", **words), text("doubt_csv_formula_hint"))]


def _some(names: Iterable[str]) -> list[str]:
    return list(names)[:SHOWN]
