"""Random tables, and sheets that hold them as people write tables: titles, levels, drift, totals, gaps, odd cells.

What is random about a sheet is drawn by hypothesis, so that a failure shrinks to the plainest sheet that still fails;
what stands in the cells comes from a seed.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import xlsxwriter
from hypothesis import strategies as st

from xltrain.place import column_letter

NUMERIC = ("whole", "decimal")
WORDED = ("name", "category", "flag")
NAMES = {
    "name": ("Branch", "Contact person", "客户名称", "街道"),
    "category": ("Region", "Car type", "产品类别", "颜色"),
    "whole": ("Pieces", "Visitor count", "库存数量", "Boxes (pcs)"),
    "decimal": ("Weight (kg)", "List price", "销售额（元）", "含税成本"),
    "date": ("Order date", "Due date", "签订日期", "到货日期"),
    "code": ("Post code", "Article no", "学号", "行政区划代码"),
    "flag": ("Paid", "In stock", "是否会员", "已交付"),
}
PEOPLE = ("Anna", "Ben Ode", "O'Neill", "王小明", "李 雷", "Müller-Lüdenscheid", "Total Wine Store", "和平均安路")
PLACES = ("Rome", "Oslo", "北京", "上海市", "St. Gallen", "São Paulo")
KINDS_OF_THING = ("red", "blue", "A", "B2", "甲", "华东", "n.s.")
PAIRS = (("是", "否"), ("yes", "no"), ("Y", "N"), ("✓", "✗"), ("有", "无"), ("TRUE", "FALSE"))
DAY_STYLES: tuple[Callable[[dt.date], str], ...] = (
    dt.date.isoformat,
    lambda day: f"{day.year}/{day.month}/{day.day}",
    lambda day: f"{day.year}年{day.month}月{day.day}日",
)
UPPER = (("2023", "2024"), ("Q1", "Q2", "上半年"))
NUMBER_FORMATS = ("General", "#,##0.00", '"￥"#,##0', '0.0"天"', "[Red]-0.00;0.00", '0" d"')
DAY_FORMATS = ("yyyy-mm-dd", "d-mmm-yy", 'yyyy"年"m"月"d"日"', "m/d/yyyy")
BANNERS = ("Stock list", "2024年销售报表", "ACME Ltd. -- all branches", "附件1")
NOTES = (("Printed on:", dt.date(2024, 5, 6)), ("部门：", "总部"), ("Printed on: 2024-05-06",), ("单位：元",))
SUBTOTALS = ("小计", "Subtotal", "小 计：", "sub-total", "华东小计", "Red total")
TOTALS = ("合计", "总计", "Total", "Grand total", "合 计", "TOTAL:", "Sum", "总计：")
AVERAGES = ("平均", "Average", "平均值")
BELOW = ("注：数据仅供参考", "Source: head office", "制表人：张三", "Note: all numbers as of the end of the month")
WIDE = {code: chr(code + 0xFEE0) for code in range(0x21, 0x7F)} | {0x20: "\u3000"}


@dataclass(frozen=True)
class Column:
    kind: str
    path: tuple[str, ...]  # words of the header, top-down


@dataclass(frozen=True)
class Cell:
    """What stands in a cell, and what it means."""

    value: Any
    style: str = "General"
    formula: str = ""


@dataclass(repr=False)
class Sheet:
    """A sheet as it is written: cells by (row, column), counting from 1; and what the merge must make of it."""

    cells: dict[tuple[int, int], Cell] = field(default_factory=dict)
    merges: list[tuple[int, int, int, int]] = field(default_factory=list)
    hidden: list[int] = field(default_factory=list)
    columns: dict[int, int] = field(default_factory=dict)  # column of the table -> column on the sheet
    headers: dict[int, str] = field(default_factory=dict)  # column of the table -> its header here
    header_rows: tuple[int, ...] = ()
    rows: list[tuple[int, list[Any]]] = field(default_factory=list)  # sheet row, values of a row of data
    row: int = 1  # the next one

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """The sheet as it looks, for a failure that hypothesis shows."""
        last_row, last_column = (max(at[axis] for at in self.cells) for axis in (0, 1))
        lines = []
        for row in range(1, last_row + 1):
            cells = [self.cells.get((row, column)) for column in range(1, last_column + 1)]
            shown = ["" if cell is None else f"={cell.value!r}" if cell.formula else repr(cell.value) for cell in cells]
            lines.append(f"\n{row:3}: {' | '.join(shown)}{' (hidden)' if row in self.hidden else ''}")
        printer.text(f"{''.join(lines)}\nmerged: {self.merges}, header: {self.header_rows}")

    def put(self, column: int, value: Any, style: str = "General", formula: str = "") -> None:
        if value is not None:
            self.cells[self.row, column] = Cell(value, style, formula)


@dataclass
class Made:
    """Writes the rows of one sheet."""

    draw: Any
    columns: list[Column]
    values: list[list[Any]]
    pair: tuple[str, str]
    day_style: Callable[[dt.date], str]
    sheet: Sheet = field(default_factory=Sheet)

    def maybe(self) -> bool:
        return bool(self.draw(st.booleans()))

    def make(self) -> Sheet:
        self.random = Random(self.draw(st.integers(0, 10_000)))
        self.left = 1 + self.draw(st.integers(0, 2))
        self.width = len(self.columns)
        for _ in range(self.draw(st.integers(0, 3))):
            self.title()
        self.header()
        self.body()
        if self.maybe():
            self.sheet.row += self.draw(st.integers(0, 2))
            for _ in range(self.draw(st.integers(1, 2))):
                self.sheet.put(self.left, self.random.choice(BELOW))
                self.sheet.row += 1
        return self.sheet

    def title(self) -> None:
        sheet = self.sheet
        kind = self.draw(st.sampled_from(("blank", "banner", "merged", "note")))
        if kind == "note":
            # Above two columns of words alone, `部门： | 总部` may as well be the header.
            worded = self.width == 2 and all(column.kind in WORDED for column in self.columns)
            notes = [note for note in NOTES if len(note) == 1 or not worded]
            for offset, value in enumerate(self.random.choice(notes)):
                sheet.put(self.left + offset, value, "yyyy-mm-dd" if isinstance(value, dt.date) else "General")
        elif kind != "blank":
            sheet.put(self.left, self.random.choice(BANNERS))
            if kind == "merged":
                sheet.merges.append((sheet.row, self.left, sheet.row, self.left + self.width - 1))
        sheet.row += 1

    def header(self) -> None:
        """The header's levels in rows of their own, or all in one."""
        depth = max(len(column.path) for column in self.columns)
        layered = depth > 1 and self.maybe()
        order = list(range(self.width))
        if self.maybe():
            self.random.shuffle(order)
        if layered:  # columns of a group stand together
            groups = list(dict.fromkeys(self.columns[at].path[:-1] or (str(at),) for at in order))
            order.sort(key=lambda at: groups.index(self.columns[at].path[:-1] or (str(at),)))
        self.order = order
        self.sheet.columns = {at: self.left + position for position, at in enumerate(order)}
        drifts = self.maybe()
        spelt: dict[tuple[str, ...], str] = {}
        for column in self.columns:
            for level in range(1, len(column.path) + 1):
                word = column.path[level - 1]
                last = level == len(column.path)
                spelt.setdefault(column.path[:level], self.drifted(word, last) if drifts else word)
        top = self.sheet.row
        self.lines = self.layered(spelt, depth) if layered else [self.flat(spelt)]
        # A word merged over most of the table, from its left on, is a title unless other cells are merged downwards.
        titled = any(width >= 0.8 * self.width for line in self.lines for at, (_, _, width) in line.items() if not at)
        self.vertical = layered and (titled or self.maybe())
        self.write_header()
        self.sheet.header_rows = tuple(range(top, self.sheet.row))

    def drifted(self, word: str, last: bool) -> str:
        """A word as another person spells it."""
        for _ in range(self.random.randint(0, 3)):
            how = self.random.choice(("case", "width", "space", "break", "sign", "blank"))
            pairs = [(at, word[at - 1 : at + 1]) for at in range(1, len(word))]  # no gap inside a number
            gaps = [at for at, pair in pairs if pair[1] == " " or not (pair.isascii() or pair.isdigit())]
            gap = self.random.choice(gaps) if gaps else 0
            if how == "case":
                word = self.random.choice((word.upper(), word.lower(), word.title()))
            elif how == "width":
                word = word.translate(WIDE)
            elif how in ("space", "break") and gap:
                word = word[:gap] + (" " if how == "space" else "\n") + word[gap:]
            elif how == "sign" and last:
                word = self.random.choice((word + ":", word + "：", word.replace(" ", "-"), "*" + word))
            elif how == "blank":
                word = f" {word}  "
        return word

    def flat(self, spelt: dict[tuple[str, ...], str]) -> dict[int, tuple[str, int, int]]:
        """All levels of a name in one cell: position -> words, height, width."""
        between = self.random.choice((" / ", " ", "-", "_"))
        line = {}
        for position, at in enumerate(self.order):
            path = self.columns[at].path
            line[position] = (between.join(spelt[path[:level]] for level in range(1, len(path) + 1)), 1, 1)
            self.sheet.headers[at] = " ".join(line[position][0].split())
        return line

    def layered(self, spelt: dict[tuple[str, ...], str], depth: int) -> list[dict[int, tuple[str, int, int]]]:
        """Every level in a row of its own, a word over all its columns; what has no level above it stands below."""
        lines: list[dict[int, tuple[str, int, int]]] = [{} for _ in range(depth)]
        for position, at in enumerate(self.order):
            path = self.columns[at].path
            words = [spelt[path[:level]] for level in range(1, len(path) + 1)]
            self.sheet.headers[at] = " / ".join(" ".join(word.split()) for word in words)
            for level, word in enumerate(words[:-1]):
                before = self.columns[self.order[position - 1]].path if position else ()
                if before[: level + 1] == path[: level + 1]:
                    start = max(each for each in lines[level] if each < position)
                    lines[level][start] = (word, 1, lines[level][start][2] + 1)
                else:
                    lines[level][position] = (word, 1, 1)
            lines[-1][position] = (words[-1], depth - len(path) + 1, 1)
        return lines

    def write_header(self) -> None:
        sheet, top = self.sheet, self.sheet.row
        for level, line in enumerate(self.lines):
            for position, (word, height, width) in line.items():
                column = self.left + position
                high = height if self.vertical else 1
                sheet.row = top + level - high + 1
                sheet.put(column, int(word) if word.isdecimal() and word.isascii() else word)
                if high > 1 or width > 1:
                    sheet.merges.append((sheet.row, column, top + level, column + width - 1))
        sheet.row = top + len(self.lines)

    def body(self) -> None:
        """The rows, and what people put between and below them."""
        sheet, count = self.sheet, len(self.values)
        gaps = self.draw(st.sets(st.integers(1, count - 1), max_size=3))
        # Among fewer rows than these, words outnumber values, and who repeats a header then?
        again = self.draw(st.sets(st.integers(3, count - 3), max_size=1)) if count > 5 else set()
        every = self.draw(st.sampled_from((0, 0, 2, 5)))
        hidden = self.draw(st.sets(st.integers(0, count - 1), max_size=3))
        odd = self.maybe()  # some cells are texts
        self.formulas = self.maybe()
        self.first = start = sheet.row
        self.real: list[tuple[int, int, float, bool]] = []
        for index, values in enumerate(self.values):
            if index in gaps:
                if self.random.random() < 0.3:
                    sheet.put(self.left, "  ")
                sheet.row += 1
            if index in again:
                self.write_header()
            if index in hidden:
                sheet.hidden.append(sheet.row)
            for at, value in enumerate(values):
                self.cell(at, value, odd and self.random.random() < 0.15)
            sheet.rows.append((sheet.row, values))
            sheet.row += 1
            if every and (index + 1) % every == 0:
                self.total(self.random.choice(SUBTOTALS), start, "SUBTOTAL(9,{})")
                start = sheet.row
        if self.maybe():
            self.total(self.random.choice(TOTALS), self.first, "SUBTOTAL(9,{})" if every else "SUM({})")
        if not every and self.maybe():
            self.total(self.random.choice(AVERAGES), self.first, "AVERAGE({})")

    def cell(self, at: int, value: Any, odd: bool) -> None:
        """A value as a cell, now and then as a text that shows it."""
        column, kind = self.sheet.columns[at], self.columns[at].kind
        if value is None:
            if odd and kind in NUMERIC:
                self.sheet.put(column, "-")
        elif kind in NUMERIC:
            self.real.append((self.sheet.row, at, value, odd))
            self.sheet.put(column, self.as_text(value) if odd else value, self.random.choice(NUMBER_FORMATS))
        elif kind == "date":
            self.sheet.put(column, self.day_style(value) if odd else value, self.random.choice(DAY_FORMATS))
        elif kind == "flag":
            self.sheet.put(column, self.pair[not value])
        else:
            self.sheet.put(column, f"{value} " if odd and kind != "code" else value)

    def as_text(self, number: float) -> str:
        whole = isinstance(number, int)
        shown = f"{abs(number):,}" if whole else f"{abs(number):,.2f}"
        style = self.random.choice(("plain", "money", "wide"))
        if style == "wide":
            return f"{number}".translate(WIDE)
        shown = f"￥{shown}" if style == "money" else shown
        return f"-{shown}" if number < 0 else shown

    def total(self, word: str, first: int, formula: str) -> None:
        """A row that adds up those from row `first` on."""
        sheet = self.sheet
        numeric = [at for at in self.order[1:] if self.columns[at].kind in NUMERIC]
        if not numeric:
            word = "合计"  # `Total` alone in a row may be a name
        sheet.put(self.left, word)
        for at in numeric:
            column = sheet.columns[at]
            letter = column_letter(column)
            cells = f"{letter}{first}:{letter}{sheet.row - 1}"
            found = [value for row, col, value, text in self.real if col == at and row >= first]
            real = [value for row, col, value, text in self.real if col == at and row >= first and not text]
            mean = formula.startswith("AVERAGE")
            if self.formulas and (real or not mean):  # a formula passes over texts, as spreadsheets do
                value = sum(real) / len(real) if mean else sum(real)
                sheet.put(column, value, "0.00", "=" + formula.format(cells))
            elif found:
                value = sum(found) / len(found) if mean else sum(found)
                sheet.put(column, round(value, 2))
        sheet.row += 1


@st.composite
def tables(draw: Any) -> list[Column]:
    """2-6 columns of random kinds, some of them below a common word or two."""
    kinds = draw(st.lists(st.sampled_from(sorted(NAMES)), min_size=2, max_size=6))
    depth = draw(st.integers(1, 3)) if len(kinds) > 2 else 1
    alone = draw(st.integers(1, len(kinds) - 2)) if depth > 1 else len(kinds)
    uppers: list[tuple[str, ...]] = [()] * alone
    number = 0
    while len(uppers) < len(kinds):
        left = len(kinds) - len(uppers)
        size = 2 if left >= 4 and draw(st.booleans()) else left
        path = (UPPER[1][number],) if depth == 2 else (UPPER[0][number and draw(st.integers(0, 1))], UPPER[1][number])
        uppers += [path] * size
        number += 1
    columns: list[Column] = []
    for kind, upper in zip(kinds, uppers, strict=True):
        taken = {column.path for column in columns}
        leaf = next((name for name in NAMES[kind] if (*upper, name) not in taken), f"{NAMES[kind][0]} {len(columns)}")
        columns.append(Column(kind, (*upper, leaf)))
    return columns


def values_of(kind: str, random: Random, index: int) -> Any:
    """A value of a kind; the first two rows of all hold what makes the kind plain."""
    if kind == "name":
        return f"{random.choice(PEOPLE)} {random.choice(PLACES)}" if random.random() < 0.8 else random.choice(PEOPLE)
    if kind == "category":
        return random.choice(KINDS_OF_THING)
    if kind == "whole":
        return random.choice((random.randint(0, 9), random.randint(-500, 50_000), random.randint(0, 10**7)))
    if kind == "decimal":
        return random.randint(-50_000, 10_000_000) / 100
    if kind == "date":
        return dt.date(2019, 1, 1) + dt.timedelta(random.randint(0, 2500))
    if kind == "code":
        return f"{random.randint(0, 9_999 if not index else 999_999):06}"
    return index == 0 or (index > 1 and random.random() < 0.5)


@st.composite
def books(draw: Any) -> tuple[list[Column], list[list[Sheet]]]:
    """A table, and the sheets of one or two books that it is spread over."""
    columns = draw(tables())
    random = Random(draw(st.integers(0, 10_000)))
    blanks = draw(st.booleans())
    pair, day_style = random.choice(PAIRS), random.choice(DAY_STYLES)
    found: list[list[Sheet]] = []
    total = 0
    for size in draw(st.sampled_from(((2,), (1, 1), (3,), (2, 1), (2, 2), (4,)))):
        sheets = []
        for _ in range(size):
            rows = []
            for _ in range(draw(st.integers(3, 25))):
                row = [values_of(column.kind, random, total) for column in columns]
                if blanks and total > 1 and len(row) > 2 and random.random() < 0.2:
                    row[random.randrange(len(row))] = None
                rows.append(row)
                total += 1
            sheets.append(Made(draw, columns, rows, pair, day_style).make())
        found.append(sheets)
    return columns, found


def write(path: Path, sheets: list[Sheet]) -> None:
    with xlsxwriter.Workbook(path) as book:
        styles: dict[str, Any] = {}
        for number, sheet in enumerate(sheets, 1):
            page = book.add_worksheet(f"月{number}")
            merged = {(top, left): (bottom, right) for top, left, bottom, right in sheet.merges}
            for (row, column), cell in sheet.cells.items():
                if cell.style not in styles:
                    styles[cell.style] = book.add_format({"num_format": cell.style})
                style, at = styles[cell.style], (row - 1, column - 1)
                if (row, column) in merged:
                    bottom, right = merged[row, column]
                    page.merge_range(*at, bottom - 1, right - 1, "", style)
                if cell.formula:
                    page.write_formula(*at, cell.formula, style, cell.value)
                elif isinstance(cell.value, str):
                    page.write_string(*at, cell.value, style)
                else:
                    page.write(*at, cell.value, style)
            for row in sheet.hidden:
                page.set_row(row - 1, None, None, {"hidden": True})
