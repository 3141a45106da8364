"""Jobs written as workbooks and TOML files.

The workbook offers and never blocks: dropdowns of ready calls with a message from the registry, notes on headers,
settings that have working defaults folded away. Lists stand on a hidden sheet under defined names, because a list
inside a validation may not exceed 255 characters.
"""

import io
import unicodedata
import warnings
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import xlsxwriter

from xltrain.config.fields import FIELDS, SHEETS, Field
from xltrain.config.ready import TITLE_LIMIT, header_note, message, offers, shortened
from xltrain.config.rows import Cells, Rows, job_rows, toml_text
from xltrain.config.settings import Job
from xltrain.config.value import write_list
from xltrain.excel.package import replacing
from xltrain.language import label
from xltrain.registry import REGISTRIES, Call, splits

LISTS = "xltrain lists"
SPARE_ROWS = 12  # empty rows that look ready to be filled in
ABOUT = 92  # characters of the column that says what a setting is for
OFFERED_ROWS = 500  # how far down dropdowns reach
_INK, _PAPER, _TINT, _LINE, _QUIET = "#1F3A4D", "#FFFFFF", "#F2F7FA", "#C9D6DE", "#6B7780"
_TABS = {"Job": "#1F3A4D", "Sources": "#2F6F8F", "Columns": "#4C93A8", "Runs": "#D98E32", "Shots": "#8A9BA8"}
_NUMBERS = (int, float)


class Facts(Protocol):
    """What the Columns sheet shows of a column."""

    @property
    def missing(self) -> int: ...
    @property
    def distinct(self) -> int: ...
    @property
    def examples(self) -> tuple[str, ...]: ...


def write_job(
    path: Path | str,
    job: Job,
    facts: Mapping[str, Facts] | None = None,
    *,
    overwrite: bool = False,
    created: datetime | None = None,
) -> None:
    """Write a job, as TOML or a workbook by the suffix.

    Raises:
        WorkbookError: `path` exists and may not be replaced, or cannot be written.
    """
    write_rows(path, job_rows(job, Path(path).parent), facts, overwrite=overwrite, created=created)


def write_rows(
    path: Path | str,
    rows: Rows,
    facts: Mapping[str, Facts] | None = None,
    *,
    overwrite: bool = False,
    created: datetime | None = None,
) -> None:
    """Write plain rows as a job, TOML or workbook by the suffix; `created` makes a workbook the same to the byte."""
    path = Path(path)
    if path.suffix.lower() == ".toml":
        content = toml_text(rows).encode("utf-8")
    else:
        stream = io.BytesIO()
        book = xlsxwriter.Workbook(stream, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
        book.set_properties({"created": created or datetime.now()})
        _add_sheets(book, rows, facts or {})
        book.close()
        content = stream.getvalue()
    with replacing(path, overwrite=overwrite) as temporary:
        temporary.write_bytes(content)


def add_job_sheets(
    workbook: Any, job: Job, facts: Mapping[str, Facts] | None = None, folder: Path | None = None
) -> None:
    """Add the sheets of a job to an open XlsxWriter workbook that will stand in `folder`."""
    _add_sheets(workbook, job_rows(job, folder), facts or {})


def _add_sheets(book: Any, rows: Rows, facts: Mapping[str, Facts]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # XlsxWriter warns where a cell or validation would be lost
        _Writer(book, rows, facts).write()


class _Writer:
    """Writes the sheets of one job into one workbook."""

    def __init__(self, book: Any, rows: Rows, facts: Mapping[str, Facts]) -> None:
        self.book, self.rows, self.facts = book, rows, facts
        self.sheets = {sheet: book.add_worksheet(label(sheet)) for sheet in SHEETS}
        self.lists = book.add_worksheet(LISTS)
        self.list_count = 0
        border = {"border": 1, "border_color": _LINE, "valign": "vcenter"}
        self.head = self.format(border, bold=True, font_color=_PAPER, bg_color=_INK)
        self.head_folded = self.format(border, bold=True, font_color=_PAPER, bg_color="#5B7585")
        self.head_shown = self.format(border, italic=True, font_color=_QUIET, bg_color="#E8EDF0")
        self.plain = self.format(border, num_format="@")
        self.call = self.format(border, num_format="@", bg_color=_TINT)
        self.figure = self.format(border, align="left")
        self.shown = self.format(border, font_color=_QUIET)
        self.title = self.format({}, bold=True, font_color=_INK, valign="vcenter", border=1, border_color=_LINE)
        self.about = self.format({}, font_color=_QUIET, text_wrap=True, valign="vcenter")
        self.quiet = self.format({}, font_color=_QUIET, italic=True, valign="vcenter")

    def format(self, base: Mapping[str, Any], **more: Any) -> Any:
        return self.book.add_format({**base, **more})

    def write(self) -> None:
        self.write_settings()
        for sheet in SHEETS[1:]:
            self.write_table(sheet)
        for sheet, page in self.sheets.items():
            page.set_tab_color(_TABS[sheet])
            page.hide_gridlines(2)
            page.freeze_panes(1, 0 if sheet in ("Job", "Shots") else 1)
            page.set_landscape()
            page.set_paper(9)
            page.fit_to_pages(1, 0)
            page.repeat_rows(0)
            page.set_margins(0.4, 0.4, 0.6, 0.6)
            page.set_footer("&L&8&F&C&8&A&R&8&P / &N")
        self.lists.hide()

    @property
    def task(self) -> str:
        return str(self.rows["Job"][0].get("task", "")) if self.rows["Job"] else ""

    @property
    def targets(self) -> list[str]:
        return [str(row["name"]) for row in self.rows["Columns"] if row.get("role") == "target"]

    def ready_splits(self) -> list[Call]:
        """`group(branch)` for columns that have such a role."""
        known = {str(each.facts.get("needs")): each for each in splits.values()}
        columns = [row for row in self.rows["Columns"] if row.get("role") in known]
        pairs = ((known[str(row["role"])], row["name"]) for row in columns)
        return [choice.bind((name,))[0] for choice, name in pairs if choice.parameters]

    def write_settings(self) -> None:
        """The Job sheet: setting, value, what it is for."""
        page = self.sheets["Job"]
        for column, (word, width) in enumerate((("setting", 16), ("value", 34), ("about", ABOUT))):
            page.set_column(column, column, width)
            self.text(page, 0, column, label(word), self.head)
        page.set_row(0, 24)
        cells = self.rows["Job"][0] if self.rows["Job"] else {}
        for row, field in enumerate(FIELDS["Job"].values(), 1):
            page.set_row(row, 21 if _width(field.about) < ABOUT else 36)
            self.text(page, row, 0, label(field.header), self.title)
            self.cell(page, row, 1, field, cells.get(field.header, ""))
            self.text(page, row, 2, field.about, self.about)
            self.offer(page, row, row, 1, field)

    def write_table(self, sheet: str) -> None:
        """A sheet with one thing in every row."""
        page, fields = self.sheets[sheet], list(FIELDS[sheet].values())
        rows = [self.with_facts(cells) if sheet == "Columns" else cells for cells in self.rows[sheet]]
        page.set_row(0, 24)
        for column, field in enumerate(fields):
            outline = {"level": 1, "hidden": True} if field.folded else {}
            page.set_column(column, column, field.width, None, outline)
            head = self.head_shown if field.shown else self.head_folded if field.folded else self.head
            self.text(page, 0, column, label(field.header), head)
            self.note(page, column, header_note(field))
            if not field.shown:
                self.offer(page, 1, OFFERED_ROWS, column, field)
        if any(field.folded for field in fields):
            page.set_column(len(fields), len(fields), 34, None, {"collapsed": True})
            self.text(page, 0, len(fields), label("more_settings"), self.quiet)
        for row in range(1, len(rows) + SPARE_ROWS + 1):
            page.set_row(row, 19)
            cells = rows[row - 1] if row <= len(rows) else {}
            for column, field in enumerate(fields):
                self.cell(page, row, column, field, cells.get(field.header, ""))

    def with_facts(self, cells: Cells) -> Cells:
        fact = self.facts.get(str(cells.get("name", "")))
        if fact is None:
            return cells
        shown = {"sample_values": "  ·  ".join(fact.examples), "missing_count": fact.missing}
        return {**cells, **shown, "distinct_count": fact.distinct}

    def cell(self, page: Any, row: int, column: int, field: Field, value: Any) -> None:
        """A value as its field is shown; text always as text."""
        chosen = field.type in REGISTRIES or field.type == "word"
        style = self.shown if field.shown else self.call if chosen else self.plain
        style = self.figure if field.type in _NUMBERS and not field.shown else style
        if isinstance(value, bool):
            value = label("yes" if value else "no")
        elif isinstance(value, (tuple, list)):
            value = write_list(tuple(str(item) for item in value))
        elif field.type == "word" and field.header != "language":
            value = label(str(value))
        if value == "":
            _checked(page.write_blank(row, column, None, style))
        elif isinstance(value, _NUMBERS):
            _checked(page.write_number(row, column, value, style))
        else:
            self.text(page, row, column, str(value), style)

    def text(self, page: Any, row: int, column: int, text: str, style: Any) -> None:
        _checked(page.write_string(row, column, text, style))

    def note(self, page: Any, column: int, note: str) -> None:
        lines = sum(1 + len(line) // 46 for line in note.splitlines())
        options = {"author": "xltrain", "width": 330, "height": 18 * lines + 16, "font_size": 9, "color": "#FFFDF2"}
        _checked(page.write_comment(0, column, note, options))

    def offer(self, page: Any, first: int, last: int, column: int, field: Field) -> None:
        """A dropdown where there is something to choose, and a message beside the cell; neither blocks other text."""
        options: dict[str, Any] = {
            "validate": "any",
            "input_title": shortened(label(field.header), TITLE_LIMIT),
            "input_message": message(field),
            "show_error": False,
            "ignore_blank": True,
        }
        ready = offers(field, self.task, self.targets, self.ready_splits())
        if ready:
            name = self.list_name(field, ready)
            options |= {"validate": "list", "source": f"={name}", "error_type": "information"}
        _checked(page.data_validation(first, column, last, column, options))

    def list_name(self, field: Field, ready: Sequence[str]) -> str:
        """Write a list to the hidden sheet and give it a defined name."""
        column = self.list_count
        self.list_count += 1
        self.text(self.lists, 0, column, f"{field.sheet}.{field.header}", self.title)
        for row, each in enumerate(ready, 1):
            self.text(self.lists, row, column, each, None)
        letter = xlsxwriter.utility.xl_col_to_name(column)
        name = f"xltrain_{field.sheet}_{field.header}".lower()
        self.book.define_name(name, f"='{LISTS}'!${letter}$2:${letter}${len(ready) + 1}")
        return name


def _width(words: str) -> int:
    """Letters of the default font that a text needs; Chinese ones count double."""
    return sum(1 + (unicodedata.east_asian_width(each) in "WF") for each in words)


def _checked(code: Any) -> None:
    """XlsxWriter answers a negative number where it has left something out."""
    if isinstance(code, int) and code < 0:
        raise ValueError(f"XlsxWriter refused a cell, note or validation: code {code}")
