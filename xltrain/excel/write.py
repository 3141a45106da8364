"""New workbooks: a thin layer over XlsxWriter in which text stays text and a warning is an error.

Rows and columns count from 0 here, as in XlsxWriter; places shown to people count from 1.
"""

import datetime
import math
import traceback
import unicodedata
import warnings
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import xlsxwriter
from xlsxwriter.exceptions import XlsxWriterException

from xltrain.errors import WorkbookError
from xltrain.excel.package import causes, scratch
from xltrain.language import current, label, text
from xltrain.place import Place, Problem

if TYPE_CHECKING:
    from xltrain.excel.bulk import Bulk, Cells

MAX_TEXT = 32_767  # characters in a cell
MAX_LITERAL = 255  # characters of a text inside a formula, and of what HYPERLINK follows
WIDEST = 48.0
EPOCH = 25_569  # 1970-01-01 as Excel counts days
FONTS = {"en": "Calibri", "zh": "Microsoft YaHei"}

PAGE = (1047, 698)  # pixels of a landscape page of A4 within its margins
ROW = 20  # pixels
RULE = 0.95  # share of the values whose decimals are those of all
WIDER = 1.07  # times as wide as in Excel are columns in LibreOffice

INK = "#1F2937"
GREY = "#6B7280"
NAVY = "#1F3864"
BLUE = "#2F6DB5"
PALE = "#EEF3FA"
LINE = "#C9D2DF"

HEADER = {
    "bold": True,
    "font_color": "#FFFFFF",
    "bg_color": NAVY,
    "text_wrap": True,
    "valign": "vcenter",
    "align": "left",
    "border": 1,
    "border_color": LINE,
}
TITLE = {"bold": True, "font_size": 16, "font_color": NAVY, "valign": "vcenter"}
SECTION = {"bold": True, "font_size": 12, "font_color": NAVY, "bottom": 2, "bottom_color": BLUE, "valign": "vcenter"}
HINT = {"font_color": GREY, "text_wrap": True, "valign": "top"}
LINKED = {"font_color": BLUE, "underline": 1}


class Book:
    """A workbook being written. `workbook` is XlsxWriter's own, for what this layer does not cover."""

    def __init__(self, workbook: Any) -> None:
        self.workbook = workbook
        self.sheets: list[Sheet] = []
        self._styles: dict[tuple[tuple[str, Any], ...], Any] = {}
        self._tables = 0
        self.bulks: list[Bulk] = []

    def style(self, **properties: Any) -> Any:
        """A cell format; equal properties share one."""
        key = tuple(sorted(properties.items()))
        if key not in self._styles:
            self._styles[key] = self.workbook.add_format({"font_color": INK, **properties})
        return self._styles[key]

    def sheet(self, name: str) -> "Sheet":
        """A new sheet without gridlines, set up to print: landscape, one page wide."""
        sheet = Sheet(self, self.workbook.add_worksheet(name), name)
        sheet.page.hide_gridlines(2)
        sheet.page.set_landscape()
        sheet.page.set_paper(9)
        sheet.page.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.5)
        sheet.page.fit_to_pages(1, 0)
        sheet.page.set_footer("&L&8&F&C&8&A&R&8&P / &N")
        self.sheets.append(sheet)
        return sheet

    def table_name(self, word: str) -> str:
        """A name for the next Excel table, unique in the workbook."""
        self._tables += 1
        return f"{word}_{self._tables}"


class Sheet:
    """One sheet: typed writes, and column widths that follow what was written."""

    def __init__(self, book: Book, page: Any, name: str) -> None:
        self.book = book
        self.page = page
        self.name = name
        self._widths: dict[int, float] = {}
        self._fixed: set[int] = set()
        self._folded: set[int] = set()
        self._parts: list[tuple[int, bool]] = []
        self._bulk_table = ""

    def write(self, row: int, column: int, value: object, style: Any = None) -> None:
        """One cell, whatever its type; text is never taken for a formula, a number or a link."""
        _writer(self.page, value)(row, column, value, style)

    def column(self, row: int, column: int, values: Iterable[object], style: Any = None) -> int:
        """Values downwards from a cell; gives the row after the last. A numpy array or Arrow column goes as a list."""
        for value in as_list(values):
            _writer(self.page, value)(row, column, value, style)
            row += 1
        return row

    def bulk(self, row: int, columns: "Sequence[Cells]") -> None:
        """Whole columns from `row` on, side by side from the first, however many rows; nothing may stand below them."""
        from xltrain.excel.bulk import Bulk

        bulk = Bulk(self.page.get_name(), row, tuple(columns), self._bulk_table)
        if not len(bulk):
            return
        for index, style in enumerate(bulk.styles):
            if style is not None:
                self.page.write_blank(row, index, None, style)
        self.book.bulks.append(bulk)
        self._bulk_table = ""

    def link(self, row: int, column: int, target: str, shown: str, style: Any = None) -> None:
        """A HYPERLINK formula with its text stored, so that every reader shows it; plain text for too long a target."""
        shown = shown[:MAX_LITERAL]
        if len(target) > MAX_LITERAL:
            self.write(row, column, shown, style)
            return
        formula = f"=HYPERLINK({_quoted(target)},{_quoted(shown)})"
        style = style or self.book.style(**LINKED)
        self.page.write_formula(row, column, formula, style, shown)

    def block(self, row: int, first: int, last: int, value: object, style: Any = None, rows: int = 1) -> None:
        """A value over merged cells."""
        if last > first or rows > 1:
            self.page.merge_range(row, first, row + rows - 1, last, "", style)
        self.write(row, first, value, style)

    def table(
        self, row: int, first: int, headers: Sequence[str], rows: int, word: str, bulk: bool = False
    ) -> list[str]:
        """An Excel table with filter over `rows` rows below the header at `row`; gives the headers, made unique.

        With `bulk` its rows are those that `bulk` writes next, since XlsxWriter keeps every cell of a table in memory.
        """
        names = unique(headers)
        header = self.book.style(**HEADER)
        columns: list[dict[str, Any]] = [{"header": name, "header_format": header} for name in names]
        name = self.book.table_name(word)
        self._bulk_table = name if bulk else ""
        options = {"name": name, "style": None, "columns": columns}
        self.page.add_table(row, first, row + (1 if bulk else max(rows, 1)), first + len(names) - 1, options)
        for offset, name in enumerate(names):
            self.write(row, first + offset, name, header)
        return names

    def width(self, column: int, width: float) -> None:
        """Fix a column's width, in characters."""
        self._widths[column] = width
        self._fixed.add(column)
        self.page.set_column(column, column, width)

    def group(self, column: int) -> None:
        """Fold a column away, in a group that a click opens; its width stays as it is."""
        self._folded.add(column)
        self.page.set_column(column, column, self._widths.get(column, 10.0), None, {"level": 1, "hidden": True})

    def fit(self, column: int, shown: Iterable[object], header: str = "", widest: float = WIDEST) -> None:
        """Make a column wide enough for these texts; a header may wrap over three lines."""
        if column in self._fixed:
            return
        need: float = max((text_width(str(each)) for each in shown), default=0) + 2
        if header:
            need = max(need, header_width(header))
        width = min(max(need, self._widths.get(column, 0.0), 8.0), widest)
        self._widths[column] = width
        self.page.set_column(column, column, width)

    @property
    def columns(self) -> int:
        """How many columns have a width of their own."""
        return max(self._widths, default=0) + 1

    def part(self, row: int, apart: bool = False) -> None:
        """Something that a page had better not cut begins here; `apart`: on a page of its own."""
        self._parts.append((row, apart))

    def print_parts(self, last: int, columns: int, portrait: bool = False) -> None:
        """Print the first columns of all rows to `last` as wide as the page, which ends between parts.

        Excel has no regard for page breaks where it fits a sheet to the page by itself, so the scale is worked out.
        """
        wide, high = PAGE[::-1] if portrait else PAGE
        (self.page.set_portrait if portrait else self.page.set_landscape)()
        need = sum(7 * self._widths.get(at, 8.43) + 5 for at in range(columns) if at not in self._folded)
        scale = int(min(max(100 * wide / (need * WIDER), 10), 100))
        room = high * 100 / scale - ROW
        starts = sorted(dict(self._parts).items())
        breaks, first = [], 0
        for at, (row, apart) in enumerate(starts, 1):
            end = starts[at][0] if at < len(starts) else last + 1
            if row > first and (apart or self._pixels(first, end) > room):
                breaks.append(row)
                first = row
        self.page.print_area(0, 0, last, columns - 1)
        self.page.set_print_scale(scale)
        self.page.set_h_pagebreaks(breaks)

    def _pixels(self, first: int, end: int) -> float:
        """How high the rows from `first` to before `end` are together."""
        known = self.page.row_sizes
        return sum(known[row][0] if row in known else ROW for row in range(first, end))

    def print_first(self, rows: int, columns: int, most: float = 150.0) -> None:
        """Print the first columns alone, as many as stand on a page that one can read."""
        self.page.print_area(0, 0, rows, self.fitting(columns, most) - 1)

    def fitting(self, columns: int, most: float) -> int:
        """How many of the first columns are together at most so many characters wide; folded ones do not count."""
        width, last = 0.0, 0
        for column in range(columns):
            width += 0 if column in self._folded else self._widths.get(column, 8.43)
            last = column if width <= most else last
        return last + 1

    def head_height(self, row: int, headers: Sequence[str], first: int = 0, least: int = 2) -> None:
        """Make a header row as high as its texts need over the widths that their columns have by now."""
        widths = [self._widths.get(column, 8.43) for column in range(first, first + len(headers))]
        need = [wrapped(header, width - 1) for header, width in zip(headers, widths, strict=True)]
        self.page.set_row(row, 16.5 * max([least, *need]) + 3)

    def height(self, row: int, value: str, width: float, line: float = 15.0, least: int = 1) -> None:
        """Make a row as high as a wrapped text needs over `width` characters."""
        self.page.set_row(row, line * max(least, lines(value, width)) + 3)


@contextmanager
def new_book(path: Path, title: str = "") -> Iterator[Book]:
    """A workbook that is written to `path` when the block ends well.

    Raises:
        WorkbookError: the file cannot be written.
    """
    with warnings.catch_warnings(), scratch() as temporaries:
        warnings.filterwarnings("error", module=r"xlsxwriter(\..*)?")
        plain = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
        bare = path.with_name(f"{path.stem}-bare{path.suffix}")  # before its bulk rows are put in
        workbook = xlsxwriter.Workbook(str(bare), {**plain, "tmpdir": str(temporaries)})
        # The default cell keeps Calibri, whose digits set the unit of column widths; all other cells take this font.
        workbook.default_format_properties = {**workbook.default_format_properties, "font_name": FONTS[current()]}
        if title:
            workbook.set_properties({"title": title})
        book = Book(workbook)
        try:
            yield book
            workbook.close()
            if book.bulks:
                from xltrain.excel.bulk import fill

                fill(bare, path, book.bulks)
            else:
                bare.replace(path)
        except (OSError, XlsxWriterException) as error:
            _abandon(error)
            raise WorkbookError(
                Problem(Place(str(path)), text("cannot_write_book", reason=error), text("cannot_write_book_hint"))
            ) from error
        finally:
            bare.unlink(missing_ok=True)


def _abandon(error: BaseException) -> None:
    """Let go of the archives that an error left open: each would try to write its end again, and say so by itself."""
    for each in causes(error):
        for frame, _ in traceback.walk_tb(each.__traceback__):
            for value in frame.f_locals.values():
                if isinstance(value, zipfile.ZipFile) and value.fp is not None:
                    file, value.fp = value.fp, None
                    with suppress(OSError):
                        file.close()


def sheet_label(word: str, taken: Sequence[str] = ()) -> str:
    """What a sheet is called in the current language; numbered where the name is taken."""
    name = label(word)
    number = 1
    while (name if number == 1 else f"{name} {number}") in taken:
        number += 1
    return name if number == 1 else f"{name} {number}"


def as_list(values: Iterable[object]) -> list[object]:
    """A numpy array, an Arrow column or any sequence as a list of Python values."""
    for name in ("to_pylist", "tolist"):
        convert = getattr(values, name, None)
        if convert is not None:
            return list(convert())
    return list(values)


def unique(headers: Sequence[str]) -> list[str]:
    """Headers as a table wants them: one line, not empty, different without regard to case."""
    names: list[str] = []
    seen: set[str] = set()
    for header in headers:
        base = " ".join(header.split())[:250] or text("column_without_name")
        name, number = base, 1
        while name.casefold() in seen:
            number += 1
            name = f"{base} ({number})"
        seen.add(name.casefold())
        names.append(name)
    return names


def text_width(shown: str) -> int:
    """Characters of the default font that a text needs; Chinese ones count double."""
    if shown.isascii():
        return max(map(len, shown.split("\n")))
    return max(sum(1 + (unicodedata.east_asian_width(each) in "WF") for each in line) for line in shown.split("\n"))


def header_width(header: str) -> float:
    """A header wraps at spaces, so its longest word and a third of its length decide."""
    longest = max((text_width(word) if word.isascii() else 6 for word in header.split()), default=0)
    return max(longest, text_width(header) / 3) + 4


def lines(value: str, width: float) -> int:
    """Lines that a wrapped text takes over `width` characters."""
    return sum(max(1, math.ceil(text_width(part) * 1.05 / max(width, 1))) for part in value.split("\n"))


def wrapped(value: str, width: float) -> int:
    """Lines of bold text over `width` characters; it breaks at spaces, and between Chinese letters."""
    count, left = 1, width
    for word in value.split():
        need = text_width(word) * (1 if word.isascii() else 1.1)
        if need > left and left < width:
            count, left = count + 1, width
        if need > width:  # Chinese, or too long for any line
            count += math.ceil(need / width) - 1
        left -= min(need % width if need > width else need, width) + 1
    return count


def number_format(values: npt.ArrayLike, digits: int = 3) -> str:
    """A number format with few digits, from the spread of the values: `#,##0`, `0.000`, `0.00E+00`."""
    numbers = np.asarray(values, dtype=np.float64).ravel()
    numbers = numbers[np.isfinite(numbers)]
    if not len(numbers) or (np.all(numbers == np.round(numbers)) and np.abs(numbers).max() < 1e15):
        return "#,##0"
    size = float(np.percentile(np.abs(numbers), 75)) or float(np.abs(numbers).max())
    spread = float(np.subtract(*np.percentile(numbers, [95, 5]))) or size
    scale = max(min(spread, size), size / 1000)
    if not 1e-7 < scale < 1e12:
        return "0.00E+00"
    decimals = min(max(digits - 1 - math.floor(math.log10(scale)), 0), 9)
    return "#,##0" + ("." + "0" * decimals if decimals else "")


def decimal_format(values: npt.ArrayLike, most: int = 4) -> str:
    """A number format with the decimals that the values themselves have, up to `most`: 12.2 and 14.25 take `0.00`;
    as `number_format` where they have more.
    """
    numbers = np.asarray(values, dtype=np.float64).ravel()
    numbers = numbers[np.isfinite(numbers)]
    sane = numbers[np.abs(numbers) < 1e12]  # beyond that no decimals are left to be told
    for decimals in range(most + 1) if len(sane) else ():
        near = np.abs(sane - np.round(sane, decimals)) <= 1e-9 * np.maximum(np.abs(sane), 1e-3)
        if np.mean(near) >= RULE:
            return "#,##0" + ("." + "0" * decimals if decimals else "")
    return number_format(numbers, 4)


def short(value: float, digits: int = 3) -> str:
    """A number as one would say it: `320`, `12,300`, `0.0417`; a dash where there is none."""
    if not math.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    power = math.floor(math.log10(abs(value)))
    if not -6 < power < 12:
        return f"{value:.{digits - 1}e}"
    rounded = round(value, digits - 1 - power)
    decimals = max(digits - 1 - power, 0)
    shown = f"{rounded:,.{decimals}f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def _quoted(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'


def _writer(page: Any, value: object) -> Callable[..., Any]:
    """The method that writes a value of this type as itself."""
    if isinstance(value, str):
        if value:
            return lambda row, column, shown, style: page.write_string(row, column, shown[:MAX_TEXT], style)
        return lambda row, column, _, style: page.write_blank(row, column, None, style)
    if isinstance(value, (bool, np.bool_)):
        return lambda row, column, shown, style: page.write_boolean(row, column, bool(shown), style)
    if isinstance(value, (int, np.integer)) and abs(int(value)) >= 2**53:
        return lambda row, column, shown, style: page.write_string(row, column, str(shown), style)
    if isinstance(value, (int, float, Decimal, np.integer, np.floating)):
        if math.isfinite(value):
            return lambda row, column, shown, style: page.write_number(row, column, float(shown), style)
        return lambda row, column, _, style: page.write_blank(row, column, None, style)
    if isinstance(value, (datetime.date, datetime.time, datetime.timedelta)):
        return _date_writer(page, value)
    if value is None:
        return lambda row, column, _, style: page.write_blank(row, column, None, style)
    return lambda row, column, shown, style: page.write_string(row, column, str(shown)[:MAX_TEXT], style)


def _date_writer(page: Any, value: datetime.date | datetime.time | datetime.timedelta) -> Callable[..., Any]:
    """Dates as dates; those before 1900, which Excel does not have, as text."""
    if isinstance(value, datetime.date) and value.year < 1900:
        return lambda row, column, shown, style: page.write_string(row, column, shown.isoformat(), style)
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        naive = value.replace(tzinfo=None)
        return lambda row, column, _, style: page.write_datetime(row, column, naive, style)
    return lambda row, column, shown, style: page.write_datetime(row, column, shown, style)


def date_format(values: Sequence[object]) -> str:
    """With the time where any value has one."""
    midnight = datetime.time()
    timed = any(isinstance(value, datetime.datetime) and value.time() != midnight for value in values)
    return "yyyy-mm-dd hh:mm" if timed else "yyyy-mm-dd"
