"""Where a value stands, and what is wrong there.

A place is a file, a sheet, a row and a column, and prints as `north.xlsx!Sales!D7`.
Rows and columns count from 1, as Excel does; 0 means "not that precise".
"""

import re
from dataclasses import dataclass

from xltrain.language import text

MAX_ROW = 1_048_576
MAX_COLUMN = 16_384


@dataclass(frozen=True, order=True)
class Place:
    """A file, and as much of sheet, row and column as is known.

    In a TOML file `sheet` holds the dotted key and row and column stay 0.
    """

    file: str
    sheet: str = ""
    row: int = 0
    column: int = 0

    def __str__(self) -> str:
        return "!".join(part for part in (self.file, self.sheet, self.address) if part)

    @property
    def address(self) -> str:
        """The cell in A1 form; `row 7` or `column D` where only one of the two is known."""
        if self.row and self.column:
            return f"{column_letter(self.column)}{self.row}"
        if self.row:
            return f"{self.row}:{self.row}"
        if self.column:
            letter = column_letter(self.column)
            return f"{letter}:{letter}"
        return ""


@dataclass(frozen=True)
class Problem:
    """One line: the place, what must hold and what was found; the next step."""

    place: Place | None
    message: str
    hint: str = ""

    def __str__(self) -> str:
        line = f"{self.place}: {self.message}" if self.place else self.message
        return text("semicolon").join([line, self.hint]) if self.hint else line

    def order(self) -> tuple[Place, str]:
        """Sort key: by place, problems without one first."""
        return (self.place or Place(""), self.message)


@dataclass(frozen=True)
class Range:
    """A rectangle of cells on a sheet, inclusive; an empty sheet name means the first sheet."""

    sheet: str
    first_row: int
    first_column: int
    last_row: int
    last_column: int

    def __str__(self) -> str:
        corner = f"{column_letter(self.first_column)}{self.first_row}"
        other = f"{column_letter(self.last_column)}{self.last_row}"
        cells = corner if corner == other else f"{corner}:{other}"
        return f"{self.sheet}!{cells}" if self.sheet else cells


def column_letter(column: int) -> str:
    """1 -> A, 27 -> AA."""
    letters = ""
    while column > 0:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def column_number(letters: str) -> int:
    """A -> 1, AA -> 27; lower case too."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number


_CELL = r"\$?([A-Za-z]{1,3})\$?([0-9]{1,7})"
_RANGE = re.compile(rf"{_CELL}(?:[:：]{_CELL})?")


def parse_range(text: str) -> Range | None:
    """Read `Sheet!A1:H24`, `'My sheet'!A1`, `A1:B2`; None when the text is no such range.

    Quotes around the whole text, which some shells pass on literally, are understood.
    """
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" and "!" in text[1:-1] and not text[1:-1].count("'"):
        text = text[1:-1]
    sheet, _, cells = text.replace("！", "!").rpartition("!")
    if len(sheet) > 1 and sheet[0] == sheet[-1] == "'":
        sheet = sheet[1:-1].replace("''", "'")
    match = _RANGE.fullmatch(cells.strip("'\""))
    if not match:
        return None
    left, top, right, bottom = match.groups()
    columns = sorted((column_number(left), column_number(right or left)))
    rows = sorted((int(top), int(bottom or top)))
    if not (rows[0] >= 1 and rows[1] <= MAX_ROW and columns[1] <= MAX_COLUMN):
        return None
    return Range(sheet, rows[0], columns[0], rows[1], columns[1])
