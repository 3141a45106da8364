"""What a merge did, as sheets and as JSON: sources, columns, totals, duplicates, doubts; every row and cell changed."""

from collections.abc import Iterator, Sequence
from typing import Any

from xltrain.data.table import Calendar, Change, JoinReport, MergeReport
from xltrain.excel.write import HINT, MAX_TEXT, SECTION, TITLE, WIDEST, Book, Sheet, number_format, text_width
from xltrain.language import label, listed, text
from xltrain.place import Problem, column_letter
from xltrain.report.notes import hover

MOST_CHANGES = 200_000  # lines of the sheet; the counts on the first sheet are complete
MOST_MATCHES = 20_000
MOST_PERIODS = 200
SENTENCES = ("doubt", "next_step", "evidence", "dropped_by")  # wrapped, not cut
NOTED = ("how", "missing", "coerced", "errors", "score", "hidden", "dropped_by")  # headers with a hover note
_FORMATS = {"share": "0%", "score": "0.00"}


def write_merge_sheets(book: Book, merge: MergeReport, columns: str = "Columns") -> None:
    """`Merge report`, `Calendar`, the sheet of columns under this name, and `Dropped and changed`."""
    _write_report(book, merge)
    if merge.calendar is not None and len(merge.calendar.periods) <= MOST_PERIODS:
        _write_calendar(book, merge.calendar)
    _write_columns(book, merge, columns)
    _write_changes(book, merge)


def report_document(merge: MergeReport, changes: bool = False) -> dict[str, Any]:
    """The report in JSON's types; with every change where that is asked."""
    document: dict[str, Any] = {
        "sources": [
            {
                "file": each.file,
                "sheet": each.sheet,
                "table": each.table,
                "header_rows": list(each.header_rows),
                "first_row": each.first_row,
                "last_row": each.last_row,
                "rows": each.rows,
                "kept": each.kept,
                "hidden": each.hidden,
                "dropped": each.dropped,
                "dropped_by": dict(each.dropped_by),
                "columns": {
                    name: {
                        "header": match.header,
                        "score": match.score,
                        "reason": text(match.reason) if match.reason else "",
                    }
                    for name, match in each.columns.items()
                },
                "missing": list(each.missing),
                "evidence": each.evidence,
                "reason": each.reason,
            }
            for each in merge.sources
        ],
        "columns": [
            {
                "name": each.name,
                "type": each.type,
                "how": each.how,
                "unit": each.unit,
                "sources": each.sources,
                "values": each.values,
                "missing": each.missing,
                "coerced": each.coerced,
                "errors": each.errors,
            }
            for each in merge.columns
        ],
        "counts": dict(merge.counts),
        "totals": [
            {
                "place": str(each.place),
                "column": each.column,
                "found": each.found,
                "expected": each.expected,
                "rows": [each.first_row, each.last_row],
                "agrees": each.agrees,
            }
            for each in merge.controls
        ],
        "joins": [_join_document(each) for each in merge.joins],
        "doubts": [_problem(each) for each in merge.doubts],
    }
    if merge.duplicates:
        found = merge.duplicates
        document["duplicates"] = {
            "rows": found.rows,
            "dropped": found.dropped,
            "key": list(found.key),
            "sheets": [
                {"one": one, "other": other, "rows": rows, "shared": shared}
                for one, other, rows, shared in found.sheets
            ],
        }
    if merge.calendar:
        grid = merge.calendar
        document["calendar"] = {
            "column": grid.column,
            "value": grid.value,
            "sources": list(grid.sources),
            "periods": list(grid.periods),
            "rows": grid.rows.tolist(),
            "sums": grid.sums.tolist() if grid.value else [],
            "gaps": list(grid.gaps),
        }
    if changes:
        document["changes"] = [
            {
                "place": str(each.place),
                "action": each.action,
                "was": each.was,
                "became": each.became,
                "reason": each.reason,
            }
            for each in merge.changes
        ]
    return document


def _join_document(join: JoinReport) -> dict[str, Any]:
    return {
        "source": join.source,
        "on": join.on,
        "matched": join.matched,
        "unmatched_rows": join.unmatched_left,
        "unused_keys": join.unmatched_right,
        "unmatched": [{"key": key, "place": str(place)} for key, place in join.left],
        "unused": [{"key": key, "place": str(place)} for key, place in join.right],
    }


def _problem(problem: Problem) -> dict[str, str]:
    return {"place": str(problem.place or ""), "message": problem.message, "hint": problem.hint}


def _write_report(book: Book, merge: MergeReport) -> None:
    sheet = _begun(book, "Merge report")
    row = _section(book, sheet, 2, text("merge_doubts", count=len(merge.doubts)))
    lines: list[list[Any]] = [[str(doubt.place or ""), doubt.message, doubt.hint] for doubt in merge.doubts]
    if lines:
        row = _table(book, sheet, row, ("place", "doubt", "next_step"), lines, "Doubts")
    else:
        sheet.write(row, 0, text("merge_no_doubts"), book.style(**{**HINT, "text_wrap": False}))
        row += 1
    row = _section(book, sheet, row + 1, text("merge_sources", count=sum(not each.reason for each in merge.sources)))
    # All tables of the sheet share their widths: places stand first, sentences second and third.
    headers = (
        "source",
        "evidence",
        "dropped_by",
        "table",
        "header_row",
        "rows",
        "kept",
        "dropped",
        "hidden",
        "columns_lacking",
    )
    lines = [
        [
            "!".join(part for part in (each.file, each.sheet) if part),
            each.reason or each.evidence,
            text("semicolon").join(
                text("told_as", word=reason, told=count) for reason, count in each.dropped_by.items()
            ),
            each.table,
            "-".join(dict.fromkeys(str(number) for number in each.header_rows[:1] + each.header_rows[-1:])),
            each.rows,
            each.kept,
            each.dropped,
            each.hidden,
            text("comma").join(each.missing),
        ]
        for each in merge.sources
    ]
    row = _table(book, sheet, row, headers, lines, "Sources_read")
    for write in (_write_totals, _write_duplicates, _write_joins):
        row = write(book, sheet, row + 1, merge)


def _write_totals(book: Book, sheet: Sheet, row: int, merge: MergeReport) -> int:
    """The total rows that were left out, each number against the sum of its rows; those that differ first."""
    if not merge.controls:
        return row - 1
    wrong = sum(not each.agrees for each in merge.controls)
    row = _section(book, sheet, row, text("merge_totals", count=len(merge.controls), wrong=wrong))
    lines = [
        [
            str(each.place),
            each.column,
            each.word,
            each.found,
            each.expected,
            each.found - each.expected,
            f"{each.first_row}-{each.last_row}",
            label("yes" if each.agrees else "no"),
        ]
        for each in sorted(merge.controls, key=lambda each: each.agrees)
    ]
    headers = ("place", "column", "word", "total", "sum_of_rows", "difference", "of_rows", "agrees")
    return _table(book, sheet, row, headers, lines[:MOST_MATCHES], "Totals")


def _write_duplicates(book: Book, sheet: Sheet, row: int, merge: MergeReport) -> int:
    found = merge.duplicates
    if found is None or not (found.rows or found.sheets):
        return row - 1
    row = _section(book, sheet, row, text("merge_duplicates", count=found.rows, dropped=found.dropped))
    if found.first:
        first, earlier = found.first
        words = text("merge_duplicates_first", place=first, other=earlier, key=listed(found.key) or "-")
        sheet.write(row, 0, words, book.style(**{**HINT, "text_wrap": False}))
        row += 1
    if not found.sheets:
        return row
    lines = [[one, other, rows, shared, shared / rows] for one, other, rows, shared in found.sheets]
    return _table(book, sheet, row, ("one_sheet", "other_sheet", "rows", "shared", "share"), lines, "Repeated_sheets")


def _write_joins(book: Book, sheet: Sheet, row: int, merge: MergeReport) -> int:
    for number, join in enumerate(merge.joins, 1):
        words = {"source": join.source, "on": join.on, "matched": join.matched}
        row = _section(book, sheet, row, text("merge_join", **words, rows=join.unmatched_left))
        lines = [[str(place), key, label("no_match_there")] for key, place in join.left]
        lines += [[str(place), key, label("no_match_here")] for key, place in join.right]
        if lines:
            row = _table(book, sheet, row, ("place", "key", "side"), lines, f"Join_{number}")
        row += 1
    return row - 1


def _write_calendar(book: Book, grid: Calendar) -> None:
    """Sources down, months or sheets across; gaps stay empty, so that what is missing is seen."""
    sheet = _begun(book, "Calendar")
    by = text("calendar_months", column=grid.column) if grid.column else text("calendar_sheets")
    row = _calendar(book, sheet, 2, by, grid, grid.rows.astype(float), "#,##0")
    if grid.value:
        shown = number_format(grid.sums, 4)
        _calendar(book, sheet, row + 1, text("calendar_sums", by=by, value=grid.value), grid, grid.sums, shown)
    sheet.page.freeze_panes(0, 1)
    sheet.fit(0, grid.sources, label("source"))
    for column, period in enumerate([*grid.periods, label("total")], 1):
        sheet.fit(
            column,
            [f"{value:,.2f}" for value in grid.sums[:, column - 1]] if column <= len(grid.periods) else [],
            period,
        )


def _calendar(book: Book, sheet: Sheet, row: int, title: str, grid: Calendar, values: Any, look: str) -> int:
    row = _section(book, sheet, row, title)
    head = book.style(bold=True, bottom=1, text_wrap=True, valign="top")
    for column, word in enumerate((label("source"), *grid.periods, label("total"))):
        sheet.write(row, column, word, head)
    style, bold = book.style(num_format=look), book.style(num_format=look, bold=True, top=1)
    for source, line in zip(grid.sources, values, strict=True):
        row += 1
        sheet.write(row, 0, source)
        for column, (value, count) in enumerate(zip(line, grid.rows[grid.sources.index(source)], strict=True), 1):
            if count:
                sheet.write(row, column, float(value), style)
        sheet.write(row, len(grid.periods) + 1, float(line.sum()), style)
    row += 1
    sheet.write(row, 0, label("total"), bold)
    for column, value in enumerate([*values.sum(axis=0), values.sum()], 1):
        sheet.write(row, column, float(value), bold)
    return row + 1


def _write_columns(book: Book, merge: MergeReport, name: str) -> None:
    sheet = _begun(book, name)
    row = _section(book, sheet, 2, text("merge_columns", count=len(merge.columns)))
    lines: list[list[Any]] = [
        [
            each.name,
            label(each.type),
            each.how,
            each.unit,
            each.sources,
            each.values,
            each.missing,
            each.coerced,
            each.errors,
        ]
        for each in merge.columns
    ]
    headers = ("column", "type", "how", "unit", "source_count", "values", "missing", "coerced", "errors")
    row = _table(book, sheet, row, headers, lines, "Columns_read")
    lines = list(_matches(merge))
    row = _section(book, sheet, row + 1, text("merge_matches", count=len(lines)))
    _table(
        book,
        sheet,
        row,
        ("column", "as_written", "match", "score", "file", "sheet"),
        lines[:MOST_MATCHES],
        "Headers_read",
    )


def _matches(merge: MergeReport) -> Iterator[list[Any]]:
    """The header of every column in every source, the least sure first."""
    lines: list[list[Any]] = [
        [name, match.header, text(match.reason or "match_same"), match.score, each.file, each.sheet]
        for each in merge.sources
        for name, match in each.columns.items()
    ]
    yield from sorted(lines, key=lambda line: line[3])


def _write_changes(book: Book, merge: MergeReport) -> None:
    changes = merge.changes
    sheet = _begun(book, "Dropped and changed")
    total = max(sum(merge.counts.values()), len(changes))
    hint = text("changes_hint", count=total)
    if total > len(changes) or len(changes) > MOST_CHANGES:
        hint = text("changes_cut", count=total, shown=min(len(changes), MOST_CHANGES))
    sheet.write(1, 0, hint, book.style(**{**HINT, "text_wrap": False}))
    if not changes:
        return
    headers = ("file", "sheet", "cell", "action", "was", "became", "reason")
    lines = [_line(each) for each in changes[:MOST_CHANGES]]
    _table(book, sheet, 3, headers, lines, "Changes")
    sheet.page.freeze_panes(4, 0)


def _line(change: Change) -> list[Any]:
    place = change.place
    return [
        place.file,
        place.sheet,
        place.address or column_letter(place.column),
        label(change.action),
        change.was[:MAX_TEXT],
        change.became,
        change.reason,
    ]


def _begun(book: Book, name: str) -> Sheet:
    """A new sheet under its title."""
    sheet = book.sheet(label(name))
    sheet.write(0, 0, label(name), book.style(**TITLE))
    sheet.page.set_row(0, 26)
    return sheet


def _section(book: Book, sheet: Sheet, row: int, title: str) -> int:
    for column in range(11):
        sheet.write(row, column, title if column == 0 else "", book.style(**SECTION))
    sheet.page.set_row(row, 22)
    return row + 1


def _table(book: Book, sheet: Sheet, row: int, words: Sequence[str], lines: Sequence[Sequence[Any]], name: str) -> int:
    """A table with filter; gives the row after it."""
    headers = sheet.table(row, 0, [label(word) for word in words], len(lines), name)
    sheet.page.set_row(row, 32)
    after_number = False
    for index, header in enumerate(headers):
        values = [line[index] for line in lines]
        look: dict[str, Any] = {"valign": "top"}
        number = any(isinstance(value, (int, float)) for value in values)
        if number:
            known = [float(value) for value in values if isinstance(value, (int, float))]
            look["num_format"] = _FORMATS.get(words[index]) or number_format(known, 4)
        elif after_number:
            look["indent"] = 1  # apart from the number to its left
        if words[index] in SENTENCES:
            look["text_wrap"] = True
        after_number = number
        if words[index] in NOTED:
            hover(sheet, row, index, f"read_{words[index]}")
        sheet.column(row + 1, index, values, book.style(**look))
        sheet.fit(index, ["" if value is None else str(value) for value in values[:500]], header)
    for offset, line in enumerate(lines[:500], 1):
        longest = max(
            (str(cell) for word, cell in zip(words, line, strict=True) if word in SENTENCES), key=text_width, default=""
        )
        if text_width(longest) > WIDEST:
            sheet.height(row + offset, longest, WIDEST)
    return row + 1 + max(len(lines), 1)
