"""Findings: several odd cells with one cause, each in a sentence, with one decision for all of its rows."""

from collections.abc import Sequence
from typing import Any

from xlsxwriter.utility import xl_range_abs

from xltrain.data.decided import word_label
from xltrain.engine.audited import Audit, Finding
from xltrain.engine.result import Causes
from xltrain.excel.write import HINT, TITLE, Sheet
from xltrain.language import label, text
from xltrain.report.inputs import BAR, HEAD, input_look, write_choices, write_hits
from xltrain.report.notes import hover
from xltrain.report.reasons import plain
from xltrain.report.report import Report
from xltrain.report.samples import link_target

PLACES = 3  # places shown of a finding
HEADERS = ("finding_number", "finding_cause", "odd_cells", "rows", "place", "further_places", "suggested_decision")
INPUTS = ("decision", "new_value", "decision_weight", "decision_note")
WIDTHS = {"finding_number": 9, "finding_cause": 58, "odd_cells": 9, "rows": 8, "place": 26, "further_places": 30}
WIDTHS |= {"suggested_decision": 30, "decision": 12, "new_value": 13, "decision_weight": 10, "decision_note": 28}
UNITS = {
    2.54: "inch, cm",
    25.4: "inch, mm",
    2.20462: "lb, kg",
    3.28084: "ft, m",
    1.609344: "mile, km",
    60.0: "min, h",
    3600.0: "s, h",
}
LIMITS = {"min": "finding_min", "max": "finding_max", "allowed": "finding_allowed", "unique": "finding_unique"}


def write_findings(report: Report, audit: Audit | Causes) -> None:
    """One row per finding, largest first; no sheet where there is none."""
    if not audit.findings:
        return
    sheet = report.book.sheet(label("Findings"))
    sheet.write(0, 0, label("Findings"), report.book.style(**TITLE))
    sheet.page.set_row(0, 26)
    sheet.write(1, 0, text("findings_hint"), report.book.style(**{**HINT, "text_wrap": False}))
    words = [*HEADERS, *INPUTS]
    count = len(audit.findings)
    sheet.table(HEAD, 0, [label(word) for word in words], count, "Findings")
    sheet.page.set_row(HEAD, 34)
    for column, word in enumerate(words):
        sheet.width(column, WIDTHS[word])
        if word in ("finding_cause", "suggested_decision", "decision", "new_value"):
            hover(sheet, HEAD, column, f"findings_{word}" if word in INPUTS else word)
    for offset, finding in enumerate(audit.findings, HEAD + 1):
        _write_finding(report, sheet, offset, finding, audit)
    at = words.index("decision")
    write_hits(report, sheet, xl_range_abs(HEAD + 1, at, HEAD + count, at))
    write_choices(sheet, words, (), count)
    sheet.page.conditional_format(HEAD + 1, 2, HEAD + count, 2, BAR)
    sheet.page.freeze_panes(HEAD + 1, 2)
    sheet.page.repeat_rows(HEAD)


def _write_finding(report: Report, sheet: Sheet, row: int, finding: Finding, audit: Audit | Causes) -> None:
    top = {"valign": "top"}
    wrapped = report.book.style(text_wrap=True, **top)
    plainly = report.book.style(**top)
    sentence = finding_words(finding, audit)
    rows = {audit.cells[index].row for index in finding.cells}
    sheet.write(row, 0, finding.number, plainly)
    sheet.write(row, 1, sentence, wrapped)
    sheet.write(row, 2, len(finding.cells), report.book.style(num_format="#,##0", **top))
    sheet.write(row, 3, len(rows), report.book.style(num_format="#,##0", **top))
    cells = [audit.cells[index] for index in finding.cells]
    shown = [link_target(report, each.row, each.column) for each in cells[: PLACES + 1]]
    if finding.control:
        sheet.write(row, 4, str(finding.control.place), plainly)
    elif shown and shown[0][0]:
        sheet.link(row, 4, *shown[0], report.book.style(font_color="#2F6DB5", underline=1, **top))
    elif shown:
        sheet.write(row, 4, shown[0][1], plainly)
    more = [each.rpartition("!")[2] if _same_sheet(each, shown[0][1]) else each for _, each in shown[1:PLACES]]
    sheet.write(row, 5, text("comma").join(more) + (" …" if len(cells) > PLACES else ""), wrapped)
    sheet.write(row, 6, advice(finding), wrapped)
    for column in range(7, 7 + len(INPUTS)):
        sheet.write(row, column, None, input_look(report.book))
    sheet.height(row, sentence, WIDTHS["finding_cause"], least=2)


def _same_sheet(one: str, other: str) -> bool:
    return one.rpartition("!")[0] == other.rpartition("!")[0]


def finding_words(finding: Finding, audit: Audit | Causes) -> str:
    """A finding in a sentence."""
    columns = _listed(finding.columns)
    count = len(finding.cells)
    rows = len({audit.cells[index].row for index in finding.cells})
    said: dict[str, Any] = {"columns": columns, "count": f"{count:,}", "rows": f"{rows:,}"}
    if finding.control:
        control = finding.control
        place = {"word": control.word, "column": control.column, "place": control.place}
        return text("finding_total", found=plain(control.found), expected=plain(control.expected), **place)
    if finding.kind == "factor" and finding.factor < 0:
        sentence = text("finding_sign", **said)
    elif finding.kind == "factor" and finding.offset:
        sentence = text("finding_fahrenheit" if finding.factor > 1 else "finding_celsius", **said)
    elif finding.kind == "factor":
        factor = max(finding.factor, 1 / finding.factor)
        key = "finding_times" if finding.factor > 1 else "finding_part"
        sentence = text(key, factor=f"{factor:,.6g}", unit=_unit(factor), **said)
    elif finding.kind == "swapped":
        sentence = text("finding_swapped", **said)
    elif finding.kind == "shifted":
        side = text("finding_right" if finding.factor > 0 else "finding_left")
        sentence = text("finding_shifted", side=side, **said)
    elif finding.kind == "run":
        sentence = text("finding_run", value=plain(finding.limit), **said)
    elif finding.kind == "limit":
        sentence = text(LIMITS[finding.rule], limit=plain(finding.limit), **said)
    else:
        return text("finding_where", where=_where(finding), inside=f"{finding.inside:,}", **said)
    if finding.where:
        inside, alike = f"{finding.inside:,}", f"{finding.alike:,}"
        return text("finding_and_where", one=sentence, where=_where(finding), inside=inside, alike=alike)
    return sentence


def advice(finding: Finding) -> str:
    """What may be decided about all of its rows at once."""
    if finding.kind == "factor" and finding.factor < 0:
        return text("advice_sign", fix=word_label("fix"))
    if finding.kind == "factor" and finding.offset:
        return text("advice_to_celsius" if finding.factor > 1 else "advice_to_fahrenheit", fix=word_label("fix"))
    if finding.kind == "factor" and finding.factor > 1:
        return text("advice_divide", fix=word_label("fix"), factor=f"{finding.factor:,.6g}")
    if finding.kind == "factor":
        return text("advice_multiply", fix=word_label("fix"), factor=f"{1 / finding.factor:,.6g}")
    if finding.fixable:
        return text("advice_move", fix=word_label("fix"))
    if finding.kind == "run":
        return text("advice_run", drop=word_label("drop"), value=plain(finding.limit))
    return text("advice_total" if finding.control else "advice_look")


def _unit(factor: float) -> str:
    known = UNITS.get(round(factor, 6))
    return text("finding_unit", units=known.replace(", ", text("comma"))) if known else ""


def _where(finding: Finding) -> str:
    return text("comma").join(
        f"{label(name) if name in ('file', 'sheet') else name} {value}" for name, value in finding.where
    )


def _listed(names: Sequence[str], most: int = 6) -> str:
    return text("comma").join(names[:most]) + (" …" if len(names) > most else "")
