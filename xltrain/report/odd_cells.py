"""The Suspects sheet of an audit: one row per odd cell, with room for a decision, as in the results of a fit."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from xlsxwriter.utility import xl_range_abs

from xltrain.data.fingerprint import fingerprints
from xltrain.engine.audited import Audit, OddCell
from xltrain.excel.write import GREY, HEADER, HINT, TITLE, Sheet, date_format
from xltrain.language import label, text
from xltrain.report.findings import finding_words
from xltrain.report.inputs import BAR, HEAD, INPUTS, SOURCE, WIDTHS, input_look, write_choices, write_hits
from xltrain.report.notes import hover
from xltrain.report.reasons import number_reason, plain, shown_range, word_reason
from xltrain.report.report import Report
from xltrain.report.samples import link_target

LEFT = ("rank", "place", "suspect_score", "reason", "actual", "expected", "suggested_value", "finding_number")
NOTED = ("suspect_score", "reason", "suggested_value", "finding_number", "decision", "decision_column", "new_value")
RULES = {"min": "limit_min", "max": "limit_max", "allowed": "limit_allowed_words", "unique": "limit_unique"}


def write_odd_cells(report: Report, audit: Audit) -> None:
    """One row per cell, worst first."""
    cells = audit.cells
    if not cells:
        return
    sheet = report.book.sheet(label("Suspects"))
    words = [*LEFT, *INPUTS]
    own = report.table.names
    names = sheet.table(HEAD, 0, [*map(label, words), *own, *map(label, SOURCE)], len(cells), "Suspects")
    sheet.page.set_row(HEAD, 46)
    sheet.write(0, 0, label("Suspects"), report.book.style(**TITLE))
    sheet.page.set_row(0, 26)
    rows = len({each.row for each in cells[: audit.worth]})
    said = {"worth": f"{audit.worth:,}", "rows": f"{rows:,}", "total": f"{audit.rows:,}"}
    hint = text("audit_worth" if audit.worth else "audit_none", **said)
    sheet.write(1, 0, hint, report.book.style(**{**HINT, "text_wrap": False}))
    at = {word: xl_range_abs(HEAD + 1, index, HEAD + len(cells), index) for index, word in enumerate(words)}
    write_hits(report, sheet, at["decision"], at["finding_number"], len(audit.findings))
    _write_cells(report, sheet, words, audit)
    _write_own(report, sheet, len(words), names[len(words) : len(words) + len(own)], cells)
    _write_source(report, sheet, len(words) + len(own), audit)
    write_choices(sheet, words, names[len(words) : len(words) + len(own)], len(cells))
    for index, word in enumerate(words):
        if word in NOTED:
            hover(sheet, HEAD, index, word)
    score = words.index("suspect_score")
    sheet.page.conditional_format(HEAD + 1, score, HEAD + len(cells), score, {**BAR, "max_type": "num", "max_value": 1})
    sheet.page.freeze_panes(HEAD + 1, 2)
    sheet.page.repeat_rows(HEAD)
    sheet.page.print_area(0, 0, HEAD + len(cells), words.index("decision_note"))


def _write_cells(report: Report, sheet: Sheet, words: Sequence[str], audit: Audit) -> None:
    top = {"valign": "top"}
    looks = {word: report.book.style(**top) for word in words}
    looks |= {word: input_look(report.book) for word in INPUTS}
    looks["reason"] = report.book.style(text_wrap=True, **top)
    looks["suspect_score"] = report.book.style(num_format="0.00", **top)
    looks["actual"] = report.book.style(bold=True, **top)
    link = report.book.style(font_color="#2F6DB5", underline=1, **top)
    for index, word in enumerate(words):
        sheet.width(index, WIDTHS.get(word, 18))
    for offset, cell in enumerate(audit.cells):
        row = HEAD + 1 + offset
        found = value_of_cell(report, cell)
        reason = cell_reason(cell, found)
        values = {
            "rank": offset + 1,
            "suspect_score": cell.score,
            "reason": reason,
            "actual": found,
            "expected": expected_of(cell, found),
            "suggested_value": cell.suggested,
            "finding_number": cell.finding or None,
            "decision_column": cell.column,
        }
        for column, word in enumerate(words):
            value = values.get(word)
            style = looks[word]
            if hasattr(value, "isoformat"):
                style = report.book.style(num_format=date_format([value]), bold=True, align="left", **top)
            if word != "place":
                sheet.write(row, column, value, style)
        goal, shown = link_target(report, cell.row, cell.column)
        if goal:
            sheet.link(row, 1, goal, shown, link)
        else:
            sheet.write(row, 1, shown, looks["place"])
        sheet.height(row, reason, WIDTHS["reason"])


def _write_own(report: Report, sheet: Sheet, first: int, names: Sequence[str], cells: Sequence[OddCell]) -> None:
    """The row's own values; the odd one stands out."""
    taken = report.table.take(np.array([each.row for each in cells], np.int64))
    for column, (shown, name) in enumerate(zip(names, report.table.names, strict=True), first):
        values = taken.data.column(name).to_pylist()
        known = [value for value in values if value is not None]
        form = {"num_format": date_format(known)} if known and hasattr(known[0], "isoformat") else {}
        plainly = report.book.style(valign="top", **form)
        odd = report.book.style(valign="top", bg_color="#FBE3CC", bold=True, **form)
        for offset, (value, cell) in enumerate(zip(values, cells, strict=True)):
            sheet.write(HEAD + 1 + offset, column, value, odd if cell.column == name else plainly)
        sheet.fit(column, [plain(value)[:30] + "00" for value in values[:100]], shown, 24)


def _write_source(report: Report, sheet: Sheet, first: int, audit: Audit) -> None:
    """Where each row stands and what it held, for whoever reads the decisions."""
    header = report.book.style(**{**HEADER, "bg_color": "#8A93A3"})
    grey = report.book.style(font_color=GREY, valign="top")
    prints = fingerprints(report.table.take(np.array([each.row for each in audit.cells], np.int64))).to_pylist()
    for offset, word in enumerate(SOURCE):
        sheet.write(HEAD, first + offset, label(word), header)
        sheet.width(first + offset, WIDTHS.get(word, 18))
    causes = {each.number: finding_words(each, audit) for each in audit.findings}
    for offset, (cell, fingerprint) in enumerate(zip(audit.cells, prints, strict=True)):
        place = report.table.place(cell.row)
        at = report.table.place(cell.row, cell.column)
        said = causes.get(cell.finding) or f"{at}: {cell_reason(cell, value_of_cell(report, cell))}"
        values = [place.file, place.sheet, place.row or None, fingerprint, said]
        for index, value in enumerate(values):
            sheet.write(HEAD + 1 + offset, first + index, value, grey)


def value_of_cell(report: Report, cell: OddCell) -> Any:
    return report.table.data.column(cell.column)[cell.row].as_py()


def cell_reason(cell: OddCell, found: Any) -> str:
    """Why a cell is listed, in a sentence."""
    if cell.rule in RULES:
        return text(RULES[cell.rule], column=cell.column, found=plain(found), limit=plain(cell.limit))
    if cell.rule == "run":
        return text("cell_run", column=cell.column, found=plain(found))
    if cell.expected:
        return word_reason(cell.column, found, cell.expected)
    if np.isfinite(cell.low + cell.high):
        return number_reason(cell.column, found, cell.low, cell.high, cell.decimals)
    return text("cell_odd", column=cell.column, found=plain(found))


def expected_of(cell: OddCell, found: Any) -> str | None:
    """What the rest of the row leads one to expect."""
    if cell.expected:
        return cell.expected
    if not np.isfinite(cell.low + cell.high):
        return None
    dated = hasattr(found, "isoformat")
    low, high = shown_range(cell.low, cell.high, dated)
    return text("suspect_range", low=low, high=high)
