"""What the sheets of suspects and of findings share: yellow cells for decisions, their choices, and the hit rate."""

from collections.abc import Sequence
from typing import Any

from xlsxwriter.utility import xl_range_abs

from xltrain.data.decided import WORDS, word_label
from xltrain.excel.write import Book, Sheet
from xltrain.language import label, text
from xltrain.report.report import Report

HEAD = 4  # rows above the table
DECIDED = 7  # the column of decisions on the sheet of findings
INPUTS = ("decision", "decision_column", "new_value", "decision_weight", "decision_note")
SOURCE = ("source_file", "source_sheet", "source_row", "fingerprint", "finding")
WIDTHS = {"rank": 6, "place": 26, "suspect_score": 10, "reason": 52, "actual": 13, "expected": 18, "decision": 12}
WIDTHS |= {"decision_column": 16, "new_value": 13, "decision_weight": 10, "decision_note": 24, "finding": 40}
WIDTHS |= {"suggested_value": 13, "finding_number": 9}
TEXT = 250  # characters of a list of choices inside a cell's validation
BAR = {"type": "data_bar", "bar_color": "#F2A65A", "bar_solid": True, "min_type": "num", "min_value": 0}


def input_look(book: Book, wrap: bool = False) -> Any:
    """A cell to be filled in."""
    look = {"bg_color": "#FFF8DC", "border": 1, "border_color": "#E5DCB8", "valign": "top"}
    return book.style(**look, **({"text_wrap": True} if wrap else {}))


def write_choices(sheet: Sheet, words: Sequence[str], columns: Sequence[str], rows: int) -> None:
    """Choices in the cells to fill in; a list offers, it forbids nothing. `columns` may be named for a fix."""
    last = HEAD + rows
    offered = {"validate": "list", "error_type": "information"}
    at = words.index("decision")
    sheet.page.data_validation(HEAD + 1, at, last, at, {**offered, "source": [word_label(word) for word in WORDS]})
    if "decision_column" in words and len(",".join(columns)) <= TEXT and not any("," in each for each in columns):
        at = words.index("decision_column")
        sheet.page.data_validation(HEAD + 1, at, last, at, {**offered, "source": list(columns)})
    at = words.index("decision_weight")
    weight = {"validate": "decimal", "criteria": ">=", "value": 0, "error_message": text("decision_weight_hint")}
    sheet.page.data_validation(HEAD + 1, at, last, at, weight)


def write_hits(report: Report, sheet: Sheet, cells: str, numbers: str = "", findings: int = 0) -> None:
    """How many of these cells say something, and how many of them that the row is wrong, below the sheet's hint.

    Args:
        numbers: the cells beside them that say which finding a row is part of; a decision on that counts as the row's.
        findings: how many findings there are.
    """
    words = [word_label(word) for word in WORDS if word != "keep"]
    parts = {"decided": f"COUNTA({cells})", "wrong": f"({'+'.join(_count(cells, word) for word in words)})"}
    if numbers and findings:
        of_all = [f"COUNTIFS({','.join((*_of_findings(findings, numbers), _quoted(word)))})" for word in ("?*", *words)]
        parts["decided"] = f'SUMPRODUCT(--(({cells}<>"")+{of_all[0]}>0))'
        parts["wrong"] = f'({parts["wrong"]}+SUMPRODUCT(({cells}="")*({"+".join(of_all[1:])})))'
    parts["share"] = f'TEXT({parts["wrong"]}/MAX(1,{parts["decided"]}),"0%")'
    formula, shown = _joined(text("suspects_hits", **{each: f"\0{each}\0" for each in parts}), parts)
    sheet.page.write_formula(2, 0, formula, report.book.style(bold=True), shown)


def _of_findings(count: int, numbers: str) -> tuple[str, str, str]:
    """The numbers on the sheet of findings, those to be met, and the decisions there."""
    name = label("Findings").replace("'", "''")
    first, decided = (xl_range_abs(HEAD + 1, at, HEAD + count, at) for at in (0, DECIDED))
    return f"'{name}'!{first}", numbers, f"'{name}'!{decided}"


def _count(cells: str, word: str) -> str:
    return f"COUNTIF({cells},{_quoted(word)})"


def _quoted(word: str) -> str:
    return f'"{word}"'


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
