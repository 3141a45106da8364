"""Suspects: the rows that are probably wrong, each with its reason, its place, and room for a decision."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from xlsxwriter.utility import xl_range_abs

from xltrain.data.decided import WORDS, word_label
from xltrain.data.fingerprint import fingerprints
from xltrain.engine.result import Suspects, TargetResult
from xltrain.excel.write import GREY, HEADER, HINT, TITLE, Sheet, date_format, number_format
from xltrain.language import label, text
from xltrain.report.decisions import is_kept
from xltrain.report.notes import hover
from xltrain.report.reasons import class_reason, number_reason, plain, word_reason
from xltrain.report.report import Report
from xltrain.report.samples import link_target

MOST = 500  # rows of the sheet
HEAD = 4  # rows above the table
INPUT = "#FFF8DC"
INPUTS = ("decision", "decision_column", "new_value", "decision_weight", "decision_note")
SOURCE = ("source_file", "source_sheet", "source_row", "fingerprint", "finding")
SIMILAR = ("similar_1", "similar_2", "similar_3")
NOTED = {
    "suspect_score", "reason", "expected", "decision", "decision_column", "new_value", "decision_weight", "odd_column",
    "similar_1", "pushes",
}  # fmt: skip
WIDTHS = {"rank": 6, "place": 26, "suspect_score": 10, "reason": 52, "actual": 13, "expected": 18, "decision": 12}
WIDTHS |= {"decision_column": 16, "new_value": 13, "decision_weight": 10, "decision_note": 24, "odd_value": 13}
WIDTHS |= {"odd_expected": 26, "pushes": 26, "finding": 40, **dict.fromkeys(SIMILAR, 30)}
TEXT = 250  # characters of a list of choices inside a cell's validation
BAR = {"type": "data_bar", "bar_color": "#F2A65A", "bar_solid": True, "min_type": "num", "min_value": 0}


@dataclass(frozen=True)
class _Line:
    """One row of the sheet: the target it is about, its place in the target's list, and its position in the table."""

    target: TargetResult
    suspects: Suspects
    at: int
    row: int

    @property
    def score(self) -> float:
        return float(self.suspects.score[self.row])

    @property
    def odd(self) -> str:
        """The odd column, empty where there is none."""
        column = int(self.suspects.odd_column[self.row])
        return self.suspects.columns[column] if column >= 0 else ""

    @property
    def likely(self) -> str:
        """The class that the row more probably is, empty where that is its own."""
        code = self.suspects.suggested[self.row]
        return self.target.classes[int(code)] if np.isfinite(code) else ""


def write_suspects(report: Report) -> None:
    """One sheet for all targets, worst first; none where nothing is known of any row."""
    found = [line for line in _lines(report.result.targets) if not is_kept(report, line.row)]
    if not found:
        return
    sheet = report.book.sheet(label("Suspects"))
    words = ["rank", "place", "suspect_score", "reason", *(["target_column"] if report.several else [])]
    words += ["actual", "expected", *INPUTS, "odd_column", "odd_value", "odd_expected", *SIMILAR, "pushes"]
    own = [name for name in report.table.names if name not in {each.target for each in report.result.targets}]
    if report.several:
        own = report.table.names
    headers = [*map(label, words), *own, *map(label, SOURCE)]
    names = sheet.table(HEAD, 0, headers, len(found), "Suspects")
    sheet.page.set_row(HEAD, 46)
    _write_head(report, sheet, found, words.index("decision"))
    _write_lines(report, sheet, words, found)
    _write_own(report, sheet, len(words), own, names, found)
    _write_source(report, sheet, len(words) + len(own), found)
    _write_inputs(report, sheet, words, names[len(words) : len(words) + len(own)], len(found))
    for index, word in enumerate(words):
        if word in NOTED:
            hover(sheet, HEAD, index, word)
    score = words.index("suspect_score")
    bar = {**BAR, "max_type": "num", "max_value": 1}
    sheet.page.conditional_format(HEAD + 1, score, HEAD + len(found), score, bar)
    sheet.page.freeze_panes(HEAD + 1, 2)
    sheet.page.repeat_rows(HEAD)
    sheet.page.print_area(0, 0, HEAD + len(found), words.index("decision_note"))


def _lines(targets: Sequence[TargetResult]) -> list[_Line]:
    """The rows to list of all targets, worst first: those worth a look before all others."""
    found = [
        _Line(target, target.suspects, at, row)
        for target in targets
        if target.suspects is not None
        for at, row in enumerate(target.suspects.order.tolist())
    ]
    return sorted(found, key=lambda line: (line.at >= line.suspects.worth, -line.score))[:MOST]


def _write_head(report: Report, sheet: Sheet, found: Sequence[_Line], decision: int) -> None:
    """What is to be done, and how many of the rows decided were wrong, as formulas that follow the decisions."""
    sheet.write(0, 0, label("Suspects"), report.book.style(**TITLE))
    sheet.page.set_row(0, 26)
    worth = len({line.row for line in found if line.at < line.suspects.worth})
    total = len(report.table)
    said = text("suspects_worth" if worth else "suspects_none", worth=f"{worth:,}", total=f"{total:,}")
    said += " " + text("suspects_rest", file=report.samples_file)
    hint = report.book.style(**{**HINT, "text_wrap": False})
    sheet.write(1, 0, said, hint)
    write_hits(report, sheet, xl_range_abs(HEAD + 1, decision, HEAD + len(found), decision))


def write_hits(report: Report, sheet: Sheet, cells: str) -> None:
    """How many of these cells say something, and how many of them that the row is wrong, below the sheet's hint."""
    wrong = "+".join(f'COUNTIF({cells},"{word_label(word)}")' for word in WORDS if word != "keep")
    parts = {"decided": f"COUNTA({cells})", "wrong": f"({wrong})"}
    parts["share"] = f'TEXT({parts["wrong"]}/MAX(1,{parts["decided"]}),"0%")'
    formula, shown = _joined(text("suspects_hits", **{each: f"\0{each}\0" for each in parts}), parts)
    sheet.page.write_formula(2, 0, formula, report.book.style(bold=True), shown)


def _joined(sentence: str, formulas: dict[str, str]) -> tuple[str, str]:
    """A sentence whose places between zeros are formulas, as one formula; and what it shows at first."""
    parts, shown = [], []
    for index, piece in enumerate(sentence.split("\0")):
        if index % 2:
            parts.append(formulas[piece])
            shown.append("0%" if piece == "share" else "0")
        elif piece:
            parts.append('"' + piece.replace('"', '""') + '"')
            shown.append(piece)
    return "=" + "&".join(parts), "".join(shown)


def _write_lines(report: Report, sheet: Sheet, words: Sequence[str], found: Sequence[_Line]) -> None:
    book = report.book
    top = {"valign": "top"}
    looks = {word: book.style(**top) for word in words}
    looks["suspect_score"] = book.style(num_format="0.00", **top)
    for word in ("reason", "pushes"):
        looks[word] = book.style(text_wrap=True, **top)
    for word in INPUTS:
        looks[word] = book.style(bg_color=INPUT, border=1, border_color="#E5DCB8", **top)
    looks["decision_note"] = book.style(bg_color=INPUT, border=1, border_color="#E5DCB8", text_wrap=True, **top)
    link = book.style(font_color="#2F6DB5", underline=1, **top)
    numbers = {
        line.target.target: book.style(num_format=number_format(line.target.ledger.target, 4), **top)
        for line in found
        if not line.target.classes
    }
    at = {word: index for index, word in enumerate(words)}
    for index, word in enumerate(words):
        sheet.width(index, WIDTHS.get(word, 18))
    for offset, line in enumerate(found):
        row = HEAD + 1 + offset
        reason = reason_of(report, line)
        name = line.target.target
        values = {"rank": offset + 1, "suspect_score": line.score, "reason": reason, "target_column": name}
        values |= {"actual": _cell(report, line.row, name), "expected": expected_of(line)}
        values["decision_column"] = line.odd or name
        values |= _odd(report, line) | {"pushes": text("comma").join(line.suspects.pushes[line.at])}
        for word in words:
            if word not in ("place", *SIMILAR):
                style = numbers.get(line.target.target) if word == "actual" else None
                if hasattr(values.get(word), "isoformat"):
                    style = book.style(num_format=date_format([values[word]]), align="left", **top)
                sheet.write(row, at[word], values.get(word), style or looks[word])
        _write_link(report, sheet, (row, at["place"]), line.row, line.odd or line.target.target, "", link)
        for word, other in zip(SIMILAR, line.suspects.similar[line.at].tolist(), strict=True):
            if other >= 0:
                said = f" · {plain(_cell(report, other, line.target.target))}"
                _write_link(report, sheet, (row, at[word]), other, line.target.target, said, link)
        sheet.height(row, reason, WIDTHS["reason"])


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
        plainly = report.book.style(valign="top", **shown)
        odd = report.book.style(valign="top", bg_color="#FBE3CC", bold=True, **shown)
        for offset, (value, line) in enumerate(zip(values, found, strict=True)):
            sheet.write(HEAD + 1 + offset, column, value, odd if line.odd == name else plainly)
        sheet.fit(column, [plain(value)[:30] + "00" for value in values[:100]], names[column], 24)


def _write_source(report: Report, sheet: Sheet, first: int, found: Sequence[_Line]) -> None:
    """Where each row stands and what it held, for the next run that reads the decisions."""
    header = report.book.style(**{**HEADER, "bg_color": "#8A93A3"})
    grey = report.book.style(font_color=GREY, valign="top")
    rows = np.array([line.row for line in found], np.int64)
    prints = fingerprints(report.table.take(rows)).to_pylist()
    for offset, word in enumerate(SOURCE):
        sheet.write(HEAD, first + offset, label(word), header)
        sheet.width(first + offset, WIDTHS.get(word, 18))
    for offset, (line, fingerprint) in enumerate(zip(found, prints, strict=True)):
        place = report.table.place(line.row)
        cell = report.table.place(line.row, line.odd or line.target.target)
        values = [place.file, place.sheet, place.row or None, fingerprint, f"{cell}: {reason_of(report, line)}"]
        for index, value in enumerate(values):
            sheet.write(HEAD + 1 + offset, first + index, value, grey)


def _write_inputs(report: Report, sheet: Sheet, words: Sequence[str], own: Sequence[str], rows: int) -> None:
    """Choices in the cells to fill in; a list offers, it forbids nothing."""
    last = HEAD + rows
    offered = {"validate": "list", "error_type": "information"}
    at = words.index("decision")
    sheet.page.data_validation(HEAD + 1, at, last, at, {**offered, "source": [word_label(word) for word in WORDS]})
    columns = list(dict.fromkeys([*(each.target for each in report.result.targets), *own]))
    if len(",".join(columns)) <= TEXT and not any("," in each for each in columns):
        at = words.index("decision_column")
        sheet.page.data_validation(HEAD + 1, at, last, at, {**offered, "source": columns})
    at = words.index("decision_weight")
    weight = {"validate": "decimal", "criteria": ">=", "value": 0, "error_message": text("decision_weight_hint")}
    sheet.page.data_validation(HEAD + 1, at, last, at, weight)


def reason_of(report: Report, line: _Line) -> str:
    """Why a row is listed, in a sentence."""
    target, suspects, name = line.target, line.suspects, line.odd
    if not name:
        return text("suspect_mild")
    found = _cell(report, line.row, name)
    if name == target.target and target.classes:
        return class_reason(name, plain(found), line.likely, float(suspects.confidence[line.row]))
    if suspects.expected[line.at]:
        return word_reason(name, found, suspects.expected[line.at])
    return number_reason(name, found, float(suspects.odd_low[line.row]), float(suspects.odd_high[line.row]))


def expected_of(line: _Line) -> str | None:
    """What the target was expected to be: a class with its share, or a range."""
    suspects, target = line.suspects, line.target
    if target.classes:
        share = suspects.confidence[line.row]
        name = line.likely or target.classes[int(max(target.ledger.target[line.row], 0))]
        return text("suspect_likely", name=name, share=f"{share:.0%}") if np.isfinite(share) else None
    low, high = float(suspects.low[line.row]), float(suspects.high[line.row])
    return text("suspect_range", low=plain(low), high=plain(high)) if np.isfinite(low + high) else None


def _odd(report: Report, line: _Line) -> dict[str, Any]:
    """The odd cell: its column, what it holds, and what was expected there."""
    if not line.odd:
        return {}
    found = _cell(report, line.row, line.odd)
    expected: str | None = line.suspects.expected[line.at]
    if line.odd == line.target.target:
        expected = expected_of(line)
    elif not expected:
        low, high = float(line.suspects.odd_low[line.row]), float(line.suspects.odd_high[line.row])
        dated = hasattr(found, "isoformat")
        expected = text("suspect_range", low=plain(low, dated), high=plain(high, dated))
    return {"odd_column": line.odd, "odd_value": found, "odd_expected": expected}


def _cell(report: Report, row: int, column: str) -> Any:
    """What a cell holds."""
    known = {name.casefold(): name for name in reversed(report.table.names)}
    name = column if column in report.table.names else known.get(column.casefold(), column)
    return report.table.data.column(name)[row].as_py()
