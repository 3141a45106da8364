"""Suspects: the rows that are probably wrong, each with its reason, its place, and room for a decision."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from xlsxwriter.utility import xl_range_abs

from xltrain.data.fingerprint import fingerprints
from xltrain.data.profile import as_numbers
from xltrain.engine.audited import OddCell
from xltrain.engine.result import Result, Suspects, TargetResult
from xltrain.excel.write import (
    GREY,
    HEADER,
    HINT,
    LINKED,
    TITLE,
    Book,
    Sheet,
    date_format,
    decimal_format,
    text_width,
)
from xltrain.language import label, text
from xltrain.report.findings import finding_words
from xltrain.report.inputs import BAR, HEAD, INPUTS, SOURCE, WIDTHS, input_look, write_choices, write_hits
from xltrain.report.notes import hover
from xltrain.report.reasons import class_reason, number_reason, plain, shown_range, word_reason
from xltrain.report.report import Report, sentences
from xltrain.report.samples import link_target

MOST = 500  # rows of the sheet, besides those of findings
WORDY = ("actual", "expected", "suggested_value", "odd_value", "odd_expected")  # may hold words, however long
WIDEST = 32  # characters of such a column
SLACK = 0.92  # of a column's width that a text fills where another font is drawn
SIMILAR = ("similar_1", "similar_2", "similar_3")
NOTED = {
    "suspect_score", "reason", "expected", "suggested_value", "finding_number", "decision", "decision_column",
    "new_value", "decision_weight", "odd_column", "odd_value", "odd_expected", "actual", "similar_1", "pushes",
}  # fmt: skip
WIDE = {**WIDTHS, "odd_value": 13, "odd_expected": 26, "pushes": 26, **dict.fromkeys(SIMILAR, 34)}


@dataclass(frozen=True)
class _Line:
    """One row of the sheet: the target it is about, its place in the target's list (-1 for none), its position in the
    table; and of a row with several odd cells which one, with the finding that it is part of.
    """

    target: TargetResult
    suspects: Suspects
    at: int
    row: int
    cell: OddCell | None = None

    @property
    def score(self) -> float:
        return float(self.suspects.score[self.row])

    @property
    def odd(self) -> str:
        """The odd column, empty where there is none."""
        return self.cell.column if self.cell else _odd_column(self.suspects, self.row)

    @property
    def worth(self) -> bool:
        """Whether it is worth reviewing, rather than listed because it comes next."""
        return self.at < self.suspects.worth if self.at >= 0 else True

    @property
    def own(self) -> bool:
        """Whether it is about the cell that explains best why the row is odd."""
        return self.odd == _odd_column(self.suspects, self.row)

    @property
    def likely(self) -> str:
        """The class that the row more probably is, empty where that is its own."""
        code = self.suspects.suggested[self.row]
        return self.target.classes[int(code)] if np.isfinite(code) else ""

    @property
    def category(self) -> str:
        """The category expected in the odd column, empty where that holds numbers."""
        known = self.suspects.expected[self.at] if self.own and self.at >= 0 else ""
        return known or (self.cell.expected if self.cell else "")

    @property
    def ends(self) -> tuple[float, float]:
        """Where the value of the odd column was expected."""
        if self.own:
            return float(self.suspects.odd_low[self.row]), float(self.suspects.odd_high[self.row])
        return (self.cell.low, self.cell.high) if self.cell else (math.nan, math.nan)

    @property
    def decimals(self) -> int | None:
        """How many decimals the numbers of the odd column have; None where they are not rounded."""
        names = self.suspects.columns
        known = self.suspects.decimals and self.odd in names
        return self.suspects.decimals[names.index(self.odd)] if known else None


def _odd_column(suspects: Suspects, row: int) -> str:
    column = int(suspects.odd_column[row])
    return suspects.columns[column] if column >= 0 else ""


def write_suspects(report: Report) -> None:
    """One sheet for all targets, worst first; none where nothing is known of any row."""
    found = [line for line in _lines(report.result) if not report.is_kept(line.row)]
    if not found:
        return
    sheet = report.book.sheet(label("Suspects"))
    words = ["rank", "place", "suspect_score", "reason", *(["target_column"] if report.several else [])]
    words += ["actual", "expected", "suggested_value", *(["finding_number"] if report.result.causes.findings else [])]
    words += [*INPUTS, "odd_column", "odd_value", "odd_expected", *SIMILAR, "pushes"]
    own = [name for name in report.table.names if name not in {each.target for each in report.result.targets}]
    if report.several:
        own = report.table.names
    headers = [*map(label, words), *own, *map(label, SOURCE)]
    names = sheet.table(HEAD, 0, headers, len(found), "Suspects")
    sheet.page.set_row(HEAD, 46)
    _write_head(report, sheet, found, words)
    _write_lines(report, sheet, words, found)
    _write_own(report, sheet, len(words), own, names, found)
    _write_source(report, sheet, len(words) + len(own), found)
    columns = list(
        dict.fromkeys([*(each.target for each in report.result.targets), *names[len(words) : len(words) + len(own)]])
    )
    write_choices(sheet, words, columns, len(found))
    for index, word in enumerate(words):
        if word in NOTED:
            hover(sheet, HEAD, index, word)
    score = words.index("suspect_score")
    bar = {**BAR, "max_type": "num", "max_value": 1}
    sheet.page.conditional_format(HEAD + 1, score, HEAD + len(found), score, bar)
    sheet.page.freeze_panes(HEAD + 1, 2)
    sheet.page.repeat_rows(HEAD)
    sheet.page.print_area(0, 0, HEAD + len(found), words.index("decision_note"))


def _lines(result: Result) -> list[_Line]:
    """The rows to list of all targets, worst first: those worth a look before all others. Cells that a finding
    explains come beside the row that they are in.
    """
    cells = {(each.row, each.column): each for each in result.causes.cells}
    judged = [(target, target.suspects) for target in result.targets if target.suspects is not None]
    found = [
        _Line(target, suspects, at, row, cells.get((row, _odd_column(suspects, row))))
        for target, suspects in judged
        for at, row in enumerate(suspects.order.tolist())
    ]
    found = sorted(found, key=_by_worth)[:MOST]
    known = {(line.row, line.odd): line for line in found}
    for (row, column), cell in cells.items():
        if cell.finding and (row, column) not in known:
            target, suspects = max(judged, key=lambda each: np.nan_to_num(each[1].score[row]))
            listed = np.flatnonzero(suspects.order == row)
            found.append(_Line(target, suspects, int(listed[0]) if len(listed) else -1, row, cell))
    return sorted(found, key=_by_worth)


def _by_worth(line: _Line) -> tuple[bool, float, int]:
    return not line.worth, -line.score, line.row


def _write_head(report: Report, sheet: Sheet, found: Sequence[_Line], words: Sequence[str]) -> None:
    """What is to be done, and how many of the rows decided were wrong, as formulas that follow the decisions."""
    sheet.write(0, 0, label("Suspects"), report.book.style(**TITLE))
    sheet.page.set_row(0, 26)
    worth, total = len(report.reviewed()), len(report.table)
    listed = len({line.row for line in found})
    said = [text("suspects_worth" if worth else "suspects_none", worth=f"{worth:,}", total=f"{total:,}")]
    below = sum(not line.worth for line in found)
    if worth and below:
        said.append(text("suspects_below", count=below))
    if worth > listed:
        said.append(text("suspects_cut", listed=f"{listed:,}"))
    findings = report.result.causes.findings
    if findings:
        rows = len({each.row for each in report.result.causes.cells if each.finding})
        said.append(text("suspects_findings", rows=f"{rows:,}", count=len(findings), sheet=label("Findings")))
    said.append(text("suspects_rest", file=report.samples_file))
    sheet.write(1, 0, sentences(said), report.book.style(**{**HINT, "text_wrap": False}))
    at = {word: xl_range_abs(HEAD + 1, index, HEAD + len(found), index) for index, word in enumerate(words)}
    write_hits(report, sheet, at["decision"], at.get("finding_number", ""), len(findings))


def _part(found: Sequence[_Line], at: int) -> dict[str, Any]:
    """How a row looks by where it stands: those that are not worth reviewing are grey, below a line."""
    if found[at].worth or not found[0].worth:
        return {"valign": "top"}
    return {"valign": "top", "font_color": GREY, **({"top": 1, "top_color": GREY} if found[at - 1].worth else {})}


def _looks(book: Book, words: Sequence[str], part: dict[str, Any]) -> dict[str, Any]:
    """The style of each column in one part of the sheet."""
    looks = {word: book.style(**part) for word in words}
    looks["suspect_score"] = book.style(num_format="0.00", **part)
    for word in ("reason", "pushes"):
        looks[word] = book.style(text_wrap=True, **part)
    for word in ("expected", "odd_expected", "decision_column"):
        looks[word] = book.style(indent=1, align="left", **part)  # apart from the numbers to their left
    for word in INPUTS:
        looks[word] = input_look(book, wrap=word == "decision_note")
    return looks


def _write_lines(report: Report, sheet: Sheet, words: Sequence[str], found: Sequence[_Line]) -> None:
    book = report.book
    own = {name: own_format(report.table.data.column(name)) for name in dict.fromkeys(map(_named, found))}
    at = {word: index for index, word in enumerate(words)}
    seen = dict.fromkeys(WORDY, 0.0)
    for offset, line in enumerate(found):
        row, name = HEAD + 1 + offset, line.target.target
        part = _part(found, offset)
        looks = _looks(book, words, part)
        values = _values(report, line) | {"rank": offset + 1}
        for word in words:
            value, look = values.get(word), looks[word]
            if word in ("place", *SIMILAR):
                continue
            if isinstance(value, str) and word in WORDY:
                look = looks["expected"]
                seen[word] = max(seen[word], text_width(value) + 3)
            elif hasattr(value, "isoformat"):
                look = book.style(num_format=date_format([value]), align="left", **part)
            elif word in WORDY and isinstance(value, (int, float)) and not isinstance(value, bool):
                held = name if word == "actual" else _known(report, line.odd or name)
                look = book.style(num_format=own.get(held) or own_format(report.table.data.column(held)), **part)
            sheet.write(row, at[word], value, look)
        link = book.style(**{**part, **LINKED})
        _write_link(report, sheet, (row, at["place"]), line.row, line.odd or name, "", link)
        for word, other in zip(SIMILAR, line.suspects.similar[line.at].tolist(), strict=True):
            if other >= 0 and line.at >= 0:
                said = f" · {plain(_cell(report, other, name))}"
                _write_link(report, sheet, (row, at[word]), other, name, said, link)
        sheet.height(row, str(values["reason"]), SLACK * WIDE["reason"])
    for index, word in enumerate(words):
        sheet.width(index, max(WIDE.get(word, 18), min(seen.get(word, 0), WIDEST)))


def own_format(column: Any) -> str:
    """A number format with the decimals that the column's own numbers have."""
    known = as_numbers(column)
    return decimal_format(known if known is not None else [])


def _named(line: _Line) -> str:
    return line.target.target


def _values(report: Report, line: _Line) -> dict[str, Any]:
    """What the columns of one row say, by their words."""
    name = line.target.target
    values = {"suspect_score": line.score, "reason": reason_of(report, line), "target_column": name}
    values |= {"actual": _cell(report, line.row, name), "expected": expected_of(line)}
    values["decision_column"] = line.odd or name
    if line.cell:
        values |= {"suggested_value": line.cell.suggested, "finding_number": line.cell.finding or None}
    pushes = text("comma").join(line.suspects.pushes[line.at]) if line.at >= 0 else ""
    return values | _odd(report, line) | {"pushes": pushes}


def _write_link(
    report: Report, sheet: Sheet, at: tuple[int, int], index: int, column: str, more: str, style: Any
) -> None:
    """A cell that leads to a cell of the source."""
    goal, shown = link_target(report, index, column)
    if goal:
        sheet.link(*at, goal, shown + more, style)
    else:
        sheet.write(*at, shown + more, report.book.style(valign="top"))


def _write_own(
    report: Report, sheet: Sheet, first: int, own: Sequence[str], names: Sequence[str], found: Sequence[_Line]
) -> None:
    """The row's own values; the odd one stands out."""
    positions = pa.array([line.row for line in found], pa.int64())
    for column, name in enumerate(own, first):
        values = report.table.data.column(name).take(positions).to_pylist()
        known = [value for value in values if value is not None]
        shown = {"num_format": date_format(known)} if known and hasattr(known[0], "isoformat") else {}
        odd = {"bg_color": "#FBE3CC", "bold": True}
        for offset, (value, line) in enumerate(zip(values, found, strict=True)):
            look = report.book.style(**_part(found, offset), **shown, **(odd if line.odd == name else {}))
            sheet.write(HEAD + 1 + offset, column, value, look)
        sheet.fit(column, [plain(value)[:30] + "00" for value in values[:100]], names[column], 24)


def _write_source(report: Report, sheet: Sheet, first: int, found: Sequence[_Line]) -> None:
    """Where each row stands and what it held, for the next run that reads the decisions."""
    header = report.book.style(**{**HEADER, "bg_color": "#8A93A3"})
    grey = report.book.style(font_color=GREY, valign="top")
    rows = np.array([line.row for line in found], np.int64)
    prints = fingerprints(report.table.take(rows)).to_pylist()
    for offset, word in enumerate(SOURCE):
        sheet.write(HEAD, first + offset, label(word), header)
        sheet.width(first + offset, WIDE.get(word, 18))
    causes = {each.number: finding_words(each, report.result.causes) for each in report.result.causes.findings}
    for offset, (line, fingerprint) in enumerate(zip(found, prints, strict=True)):
        place = report.table.place(line.row)
        cell = report.table.place(line.row, line.odd or line.target.target)
        part = causes.get(line.cell.finding, "") if line.cell else ""
        said = part or f"{cell}: {reason_of(report, line)}"
        values = [place.file, place.sheet, place.row or None, fingerprint, said]
        for index, value in enumerate(values):
            sheet.write(HEAD + 1 + offset, first + index, value, grey)


def reason_of(report: Report, line: _Line) -> str:
    """Why a row is listed, in a sentence."""
    target, suspects, name = line.target, line.suspects, line.odd
    if not name:
        return text("suspect_mild")
    found = _cell(report, line.row, name)
    if name == target.target and target.classes and line.own:
        return class_reason(name, plain(found), line.likely, float(suspects.confidence[line.row]))
    if line.category:
        return word_reason(name, found, line.category)
    if line.cell and line.cell.suggested is not None and not np.isfinite(sum(line.ends)):
        return text("suspect_moved", column=name, found=plain(found), meant=plain(line.cell.suggested))
    return number_reason(name, found, *line.ends, line.decimals)


def expected_of(line: _Line) -> str | None:
    """What the target was expected to be: a class with its share, or a range."""
    suspects, target = line.suspects, line.target
    if target.classes:
        share = suspects.confidence[line.row]
        name = line.likely or target.classes[int(max(target.ledger.target[line.row], 0))]
        return text("suspect_likely", name=name, share=f"{share:.0%}") if np.isfinite(share) else None
    low, high = float(suspects.low[line.row]), float(suspects.high[line.row])
    if not np.isfinite(low + high):
        return None
    least, most = shown_range(low, high)
    return text("suspect_range", low=least, high=most)


def _odd(report: Report, line: _Line) -> dict[str, Any]:
    """The odd cell: its column, what it holds, and what was expected there."""
    if not line.odd:
        return {}
    found = _cell(report, line.row, line.odd)
    expected: str | None = line.category or None
    if line.odd == line.target.target and line.own:
        expected = expected_of(line)
    elif not expected and np.isfinite(sum(line.ends)):
        dated = hasattr(found, "isoformat")
        low, high = shown_range(*line.ends, dated)
        expected = text("suspect_range", low=low, high=high)
    return {"odd_column": line.odd, "odd_value": found, "odd_expected": expected}


def _cell(report: Report, row: int, column: str) -> Any:
    """What a cell holds."""
    return report.table.data.column(_known(report, column))[row].as_py()


def _known(report: Report, column: str) -> str:
    """A column as the table calls it."""
    known = {name.casefold(): name for name in reversed(report.table.names)}
    return column if column in report.table.names else known.get(column.casefold(), column)
