"""Merge report, and Dropped and changed: what became of every source, column, row and cell."""

from collections.abc import Sequence
from typing import Any

from xltrain.data.table import Change, MergeReport
from xltrain.excel.write import HINT, MAX_TEXT, SECTION, TITLE, Book, Sheet
from xltrain.language import label, text

MOST_CHANGES = 200_000  # lines of the sheet; the counts on the first sheet are complete


def write_merge_sheets(book: Book, merge: MergeReport) -> None:
    """Both sheets, in this order."""
    _write_report(book, merge)
    _write_changes(book, merge.changes)


def _write_report(book: Book, merge: MergeReport) -> None:
    sheet = book.sheet(label("Merge report"))
    sheet.write(0, 0, label("Merge report"), book.style(**TITLE))
    sheet.page.set_row(0, 26)
    row = _section(book, sheet, 2, text("merge_sources", count=len(merge.sources)))
    headers = (
        "file",
        "sheet",
        "header_row",
        "first_row",
        "last_row",
        "rows",
        "kept",
        "dropped",
        "columns_lacking",
        "reason",
    )
    lines: list[list[Any]] = [
        [
            each.file,
            each.sheet,
            each.header_row or None,
            each.first_row or None,
            each.last_row or None,
            each.rows,
            each.kept,
            each.dropped,
            ", ".join(each.missing),
            each.reason,
        ]
        for each in merge.sources
    ]
    row = _table(book, sheet, row, headers, lines, "Sources_read")
    row = _section(book, sheet, row + 1, text("merge_columns", count=len(merge.columns)))
    lines = [
        [each.name, label(each.type), each.sources, each.values, each.missing, each.coerced, each.errors]
        for each in merge.columns
    ]
    row = _table(
        book,
        sheet,
        row,
        ("column", "type", "source_count", "values", "missing", "coerced", "errors"),
        lines,
        "Columns_read",
    )
    row = _section(book, sheet, row + 1, text("merge_doubts", count=len(merge.doubts)))
    lines = [[str(doubt.place or ""), doubt.message, doubt.hint] for doubt in merge.doubts]
    if lines:
        _table(book, sheet, row, ("place", "doubt", "next_step"), lines, "Doubts")
    else:
        sheet.write(row, 0, text("merge_no_doubts"), book.style(**{**HINT, "text_wrap": False}))


def _write_changes(book: Book, changes: Sequence[Change]) -> None:
    sheet = book.sheet(label("Dropped and changed"))
    sheet.write(0, 0, label("Dropped and changed"), book.style(**TITLE))
    sheet.page.set_row(0, 26)
    hint = text("changes_hint", count=len(changes))
    if len(changes) > MOST_CHANGES:
        hint = text("changes_cut", count=len(changes), shown=MOST_CHANGES)
    sheet.write(1, 0, hint, book.style(**{**HINT, "text_wrap": False}))
    if not changes:
        return
    headers = ("file", "sheet", "cell", "action", "was", "became", "reason")
    lines = [
        [
            each.place.file,
            each.place.sheet,
            each.place.address,
            label(each.action),
            each.was[:MAX_TEXT],
            each.became,
            each.reason,
        ]
        for each in changes[:MOST_CHANGES]
    ]
    _table(book, sheet, 3, headers, lines, "Changes")
    sheet.page.freeze_panes(4, 0)


def _section(book: Book, sheet: Sheet, row: int, title: str) -> int:
    for column in range(10):
        sheet.write(row, column, title if column == 0 else "", book.style(**SECTION))
    sheet.page.set_row(row, 22)
    return row + 1


def _table(book: Book, sheet: Sheet, row: int, words: Sequence[str], lines: Sequence[Sequence[Any]], name: str) -> int:
    """A table with filter; gives the row after it."""
    headers = sheet.table(row, 0, [label(word) for word in words], len(lines), name)
    sheet.page.set_row(row, 32)
    for index, header in enumerate(headers):
        values = [line[index] for line in lines]
        number = any(isinstance(value, int) for value in values)
        look = {"num_format": "0" if words[index].endswith("_row") else "#,##0"} if number else {}
        sheet.column(row + 1, index, values, book.style(**look))
        sheet.fit(index, ["" if value is None else str(value) for value in values[:500]], header)
    return row + 1 + max(len(lines), 1)
