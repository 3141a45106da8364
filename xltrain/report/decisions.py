"""Decisions on sheets: read from results workbooks and decisions workbooks, and carried into the next results.

A sheet of decisions is known by its header row, the first that holds `decision` and `source_row` in either language;
its columns are known by their labels, wherever they stand.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xltrain.data.decided import WORDS, Decision, Settled, word_label, word_of
from xltrain.errors import WorkbookError
from xltrain.excel.read import read_cells, sheet_names
from xltrain.excel.write import HINT, TITLE
from xltrain.language import canonical, label, text
from xltrain.place import Place, Problem
from xltrain.report.causes import Cause, read_causes
from xltrain.report.report import Report

_Rows = Sequence[Sequence[Any]]

SHEETS = ("Suspects", "Findings", "Decided")  # of a results workbook; a decisions workbook may name its own as it likes
TOP = 60  # rows in which the header is looked for
COLUMNS = (
    "place",
    "decision",
    "decision_column",
    "old_value",
    "new_value",
    "decision_weight",
    "decision_note",
    "decision_state",
    "decided_at",
    "source_file",
    "source_sheet",
    "source_row",
    "fingerprint",
)


def read_decisions(path: Path, shown: str = "", results: bool = False) -> list[Decision]:
    """Every decision in a workbook, in its order, words as they stand; `shown` is the file's name in places.

    Of `results` only the sheets of suspects and of earlier decisions are looked at.

    Raises:
        WorkbookError: the workbook cannot be read, or has no sheet of decisions.
    """
    found: list[Decision] = []
    sheets: list[tuple[Place, _Rows, int, dict[str, int]]] = []
    causes: dict[int, Cause] = {}
    for sheet in sheet_names(path):
        if results and _sheet_word(sheet) not in SHEETS:
            continue
        rows: _Rows = read_cells(path, sheet)
        place = Place(shown or path.name, sheet)
        at, columns = header_of(rows)
        if at >= 0:
            sheets.append((place, rows, at, columns))
            continue
        at, columns = header_of(rows, ("decision", "finding_number"))
        if at >= 0:
            causes |= read_causes(rows, at, columns, place)
    for place, rows, at, columns in sheets:
        found += _decisions(rows, at, columns, place, results and _sheet_word(place.sheet) == "Decided", causes)
    if not sheets and not results:
        raise WorkbookError(Problem(Place(str(path)), _none_found(), text("decisions_none_hint")))
    return found


@dataclass(frozen=True)
class Reason:
    """Why a row is a suspect. target: empty where the results have one; column: its odd one, empty for none."""

    fingerprint: str
    target: str
    column: str
    reason: str


def read_reasons(path: Path) -> list[Reason]:
    """Every row of the Suspects sheet of a results workbook. WorkbookError where it cannot be read."""
    found = []
    for sheet in sheet_names(path):
        if _sheet_word(sheet) != "Suspects":
            continue
        rows = read_cells(path, sheet)
        at, columns = header_of(rows, ("reason", "fingerprint"))
        for cells in rows[at + 1 :] if at >= 0 else ():
            said = _Line(cells, columns)
            if said["fingerprint"] and said["reason"]:
                words = (str(said[word] or "") for word in ("fingerprint", "target_column", "odd_column", "reason"))
                found.append(Reason(*words))
    return found


def header_of(
    rows: Sequence[Sequence[Any]], needed: Sequence[str] = ("decision", "source_row")
) -> tuple[int, dict[str, int]]:
    """The index of the header row and of each column by its canonical label, or by its text; -1 without a header."""
    for index, cells in enumerate(rows[:TOP]):
        columns: dict[str, int] = {}
        for position, cell in enumerate(cells):
            if isinstance(cell, str) and cell.strip():
                columns.setdefault(canonical(" ".join(cell.split())), position)
        if all(word in columns for word in needed):
            return index, columns
    return -1, {}


def _sheet_word(sheet: str) -> str:
    """The canonical name of a sheet without the number or target behind it."""
    return next((each for each in SHEETS if sheet.startswith(_names(each))), canonical(sheet))


def _names(word: str) -> tuple[str, ...]:
    from xltrain.language import LANGUAGES

    return tuple(each.LABELS.get(word, word) for each in LANGUAGES.values())


def _decisions(
    rows: _Rows,
    header: int,
    columns: Mapping[str, int],
    place: Place,
    carried: bool,
    causes: Mapping[int, Cause],
) -> list[Decision]:
    """The decisions on one sheet: of each row its own, or else that of the finding it is part of."""
    found = []
    for number, cells in enumerate(rows[header + 1 :], header + 2):
        said = _Line(cells, columns)
        word, row = said["decision"], said["source_row"]
        if not isinstance(row, (int, float)):
            continue
        column = str(said["decision_column"] or "").strip()
        weight, new, note = said["decision_weight"], said["new_value"], said["decision_note"]
        at = Place(place.file, place.sheet, number, columns["decision"] + 1)
        if word is None or not str(word).strip():
            number_of = said["finding_number"]
            cause = causes.get(int(number_of)) if isinstance(number_of, (int, float)) else None
            if cause is None:
                continue
            word, at, note = cause.word, cause.at, note or cause.note
            new, weight = (
                mine if mine is not None else all_of for mine, all_of in ((new, cause.new), (weight, cause.weight))
            )
        # What was suggested is meant where a fix gives no value of its own.
        new = said["suggested_value"] if new is None else new
        found.append(
            Decision(
                str(said["source_file"] or ""),
                str(said["source_sheet"] or ""),
                int(row),
                word_of(str(word).strip()),
                column,
                new,
                weight,
                str(note or "").strip(),
                str(said["fingerprint"] or "").strip(),
                said.old(column),
                at,
                carried,
                str(said["decided_at"] or "") if carried else "",
            )
        )
    return found


class _Line:
    """The cells of one row by canonical header."""

    def __init__(self, cells: Sequence[Any], columns: Mapping[str, int]) -> None:
        self.cells = cells
        self.columns = columns

    def __getitem__(self, word: str) -> Any:
        at = self.columns.get(word, len(self.cells))
        return self.cells[at] if at < len(self.cells) else None

    def old(self, column: str) -> Any:
        """What the cell held: of a carried decision as written there, else from the row's own values beside it."""
        if "old_value" in self.columns:
            return self["old_value"]
        name = canonical(column)
        if not column:
            return None
        # A target stands under `actual`, all other columns of the row under their own names.
        return self[next((each for each in (column, name) if each in self.columns), "actual")]


def write_decisions(report: Report) -> None:
    """Every decision in force with what became of it; the next fit reads it from here. No sheet where there is none."""
    kept = [each for each in report.settled if each.state != "replaced"]
    if not kept:
        return
    sheet = report.book.sheet(label("Decided"))
    sheet.write(0, 0, label("Decided"), report.book.style(**TITLE))
    sheet.page.set_row(0, 26)
    sheet.write(1, 0, text("decisions_hint"), report.book.style(**{**HINT, "text_wrap": False}))
    names = sheet.table(3, 0, [label(word) for word in COLUMNS], len(kept), "Decided")
    sheet.page.set_row(3, 32)
    lines = [_line(each) for each in kept]
    for index, header in enumerate(names):
        grey = {"font_color": "#6B7280"} if index >= COLUMNS.index("source_file") else {}
        values = [line[index] for line in lines]
        style = report.book.style(**grey)
        for offset, value in enumerate(values, 4):
            dated = hasattr(value, "isoformat")
            sheet.write(offset, index, value, report.book.style(num_format="yyyy-mm-dd", **grey) if dated else style)
        sheet.fit(index, ["" if value is None else str(value) for value in values[:500]], header)
    choices = [word_label(word) for word in WORDS]
    check = {"validate": "list", "source": choices, "error_type": "information"}
    sheet.page.data_validation(4, 1, 3 + len(kept), 1, check)
    sheet.page.freeze_panes(4, 1)
    sheet.page.repeat_rows(3)


def _line(each: Settled) -> list[Any]:
    said = each.decision
    return [
        str(each.place),
        word_label(said.word),
        said.column,
        said.old,
        said.new,
        said.weight,
        said.note,
        label(f"state_{each.state}"),
        said.made,
        said.file,
        said.sheet,
        said.row,
        said.fingerprint,
    ]


def _none_found() -> str:
    return text("decisions_none", decision=label("decision"), row=label("source_row"))
