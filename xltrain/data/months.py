"""The month that the names of a file and its sheets tell: `2024-03.xlsx`, `3月`, `Sales March 2024`."""

import re
from pathlib import PurePath

import numpy as np

YEARLESS = -20000  # months without a year are counted from one before all others
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_YEAR_MONTH = re.compile(
    r"(?<!\d)((?:19|20)\d\d)\s*[-_./ 年]?\s*((?:0[1-9]|1[0-2])(?=(?:[0-3]\d)?(?!\d))|[1-9](?=\s*月|[-_./ ]|$))"
)
_YEAR = re.compile(r"(?<!\d)((?:19|20)\d\d)(?!\d)")
_REST = ("uary", "ruary", "ch", "il", "", "e", "y", "ust", "t(?:ember)?", "ober", "ember", "ember")
_NAMES = "|".join(f"{month}(?:{rest})?" for month, rest in zip(_MONTHS, _REST, strict=True))
_MONTH_NAME = re.compile(rf"(?<![a-z])({_NAMES})(?![a-z])", re.IGNORECASE)
_MONTH_NUMBER = re.compile(r"(?<!\d)(1[0-2]|0?[1-9])\s*月")


def shown_month(month: float) -> str:
    """2024-03; the name of the month where no year is known."""
    if month < YEARLESS:
        return _MONTHS[int(month) % 12].title()
    return str(np.datetime64(int(month), "M"))


def named_month(file: str, sheet: str) -> float:
    """The month that the names of a source tell, as months since 1970; NaN where they tell none."""
    path = PurePath(file.replace("\\", "/"))
    for words in (sheet, path.stem, f"{path.parent.name} {path.stem} {sheet}"):
        if found := _YEAR_MONTH.search(words):
            return 12.0 * (int(found[1]) - 1970) + int(found[2]) - 1
    words = f"{path.parent.name} {path.stem} {sheet}"
    year, name, count = _YEAR.search(words), _MONTH_NAME.search(words), _MONTH_NUMBER.search(words)
    if not name and not count:
        return float("nan")
    month = _MONTHS.index(name[1][:3].lower()) if name else int(count[1]) - 1 if count else 0
    return 12.0 * (int(year[1]) - 1970) + month if year else 12.0 * YEARLESS + month
