"""compare.xlsx: whether the later fit is better on the rows that both have unchanged, and what made it so."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from xltrain.excel.chart import Axis, ChartData, Series, bar_chart, colour, limits, thin, xy_chart
from xltrain.excel.write import (
    GREY,
    HINT,
    LINE,
    NAVY,
    SECTION,
    TITLE,
    Book,
    Sheet,
    lines,
    new_book,
    number_format,
    short,
)
from xltrain.language import label, sentences, text
from xltrain.report.difference import MEASURES, Cell, Difference, TargetDifference
from xltrain.report.report import SHARES, metric_format

CHARTS = "xltrain charts"
WIDTHS = (30, 13, 13, 13, 13, 13, 13, 13)  # characters of the columns of Summary
CHART = ((400, 300), (475, 300))  # pixels: the width of the columns
CHART_ROWS = 16
MOST = 1_000  # lines in the lists of data
LISTED = 200  # rows in the lists of those that gained and lost
FILES = 12  # bars in the chart of files
TINTS = {"better": "#E3F4E6", "alike": "#FFF4DA", "worse": "#FBE3DF"}


def write_compare(path: Path, found: Difference) -> None:
    """Summary, Rows, Data and Settings.

    Raises:
        WorkbookError: the file cannot be written.
    """
    with new_book(path, label("Comparison")) as book:
        data = ChartData(book, CHARTS)
        _summary(book, data, found)
        _rows(book, found)
        _data(book, found)
        _settings(book, found)
        data.write()


def sentence(found: Difference, target: TargetDifference) -> str:
    """What was changed and what it did, in one sentence."""
    rows = target.common.rows
    if not rows:
        return text("compare_nothing_common")
    key = {"better": "compare_better", "worse": "compare_worse", "alike": "compare_alike"}[target.verdict]
    before, after = target.error.mean(axis=0)
    shown = text(
        key,
        cause=cause(found),
        measure=text(MEASURES[target.measure]),
        share=f"{abs(target.gain):.0%}" if abs(target.gain) >= 0.01 else f"{abs(target.gain):.1%}",
        before=_number(before, target.measure),
        after=_number(after, target.measure),
        rows=f"{rows:,}",
    )
    chosen = [each for each in found.settings if each.header == "winner" and each.of == target.target]
    other = [text("compare_winner", before=each.before, after=each.after) for each in chosen]
    return sentences(shown[:1].upper() + shown[1:], *other)


def cause(found: Difference) -> str:
    """What differs between the fits, as the subject of a sentence."""
    counts = (
        ("compare_fixing", "compare_fixing_one", len(found.matched.changed[0])),
        ("compare_leaving", "compare_leaving_one", len(found.matched.removed)),
        ("compare_adding", "compare_adding_one", len(found.matched.added)),
        ("compare_weighting", "compare_weighting_one", found.weighted),
        ("compare_columns", "compare_columns_one", len(found.matched.dropped) + len(found.matched.gained)),
        ("compare_setting", "compare_setting_one", sum(1 for each in found.settings if each.header != "winner")),
    )
    parts = [text(one if count == 1 else many, count=f"{count:,}") for many, one, count in counts if count]
    if not parts:
        return text("compare_no_cause")
    return parts[0] if len(parts) == 1 else text("compare_and", first=text("comma").join(parts[:-1]), last=parts[-1])


def sure(target: TargetDifference) -> str:
    """How sure that is: the interval, and whether the rows kept their folds."""
    if not target.common.rows:
        return ""
    low, high = f"{target.low:+.1%}", f"{target.high:+.1%}"
    key = "compare_sure_folds" if target.same_fold > 0.999 else "compare_sure"
    return text(key, low=low, high=high, share=f"{target.same_fold:.0%}")


def _number(value: float, measure: str) -> str:
    return f"{value:.1%}" if measure == "error_share" else short(float(value))


def _summary(book: Book, data: ChartData, found: Difference) -> None:
    sheet = book.sheet(label("Summary"))
    sheet.page.set_portrait()
    for column, width in enumerate(WIDTHS):
        sheet.width(column, width)
    last = len(WIDTHS) - 1
    sheet.write(0, 0, label("Comparison"), book.style(**TITLE))
    sheet.page.set_row(0, 30)
    sides = text("compare_sides", before=found.before.path.name, after=found.after.path.name)
    sheet.write(1, 0, sides, book.style(font_color=GREY))
    row = 3
    for target in found.targets:
        row = _section(book, sheet, row, text("told_as", word=label("target"), told=target.target), last)
        tint = TINTS[target.verdict]
        said = sentence(found, target)
        head = {
            "bold": True,
            "font_size": 14,
            "font_color": NAVY,
            "bg_color": tint,
            "text_wrap": True,
            "valign": "vcenter",
        }
        sheet.block(row, 0, last, said, book.style(**head))
        sheet.page.set_row(row, 22 * lines(said, sum(WIDTHS) / 1.35) + 8)
        more = sure(target)
        sheet.block(row + 1, 0, last, more, book.style(bg_color=tint, text_wrap=True, valign="top"))
        sheet.page.set_row(row + 1, 16 * lines(more, sum(WIDTHS)) + 4)
        row = _scores(book, sheet, row + 3, target)
        row = _charts(book, data, sheet, row + 1, found, target) + 1
    sheet.page.print_area(0, 0, row, last)


def _section(book: Book, sheet: Sheet, row: int, title: str, last: int) -> int:
    for column in range(last + 1):
        sheet.write(row, column, title if column == 0 else "", book.style(**SECTION))
    sheet.page.set_row(row, 22)
    return row + 1


def _scores(book: Book, sheet: Sheet, row: int, target: TargetDifference) -> int:
    """Every metric before, after and by how much, on unchanged rows; below, those rows that only one fit has so."""
    quiet = {"bold": True, "bottom": 1, "bottom_color": LINE, "font_color": GREY}
    names = [*target.common.before] or [*target.added.after] or [*target.removed.before]
    heads = (label("rows"), *(label(name) for name in names[: len(WIDTHS) - 2]))
    sheet.write(row, 0, text("compare_out_of_fold"), book.style(**quiet))
    for column, head in enumerate(heads, 1):
        sheet.write(row, column, head, book.style(**quiet, align="right", text_wrap=True))
    sheet.page.set_row(row, 34)
    groups: list[tuple[str, int, Any, bool]] = [
        ("compare_common_before", target.common.rows, target.common.before, False),
        ("compare_common_after", target.common.rows, target.common.after, True),
        ("compare_changed_before", target.changed.rows, target.changed.before, False),
        ("compare_changed_after", target.changed.rows, target.changed.after, False),
        ("compare_removed", target.removed.rows, target.removed.before, False),
        ("compare_added", target.added.rows, target.added.after, False),
    ]
    for key, count, values, strong in groups:
        if not count:
            continue
        row += 1
        bold = {"bold": True} if strong else {}
        sheet.write(row, 0, text(key), book.style(**bold))
        sheet.write(row, 1, count, book.style(num_format="#,##0", **bold))
        for column, name in enumerate(names[: len(WIDTHS) - 2], 2):
            known = [each.get(name, np.nan) for each in (target.common.before, target.common.after)]
            shown = "0.0%" if name in SHARES else metric_format(name, [each for each in known if np.isfinite(each)])
            sheet.write(row, column, values.get(name, np.nan), book.style(num_format=shown, **bold))
    sheet.block(row + 1, 0, len(WIDTHS) - 1, text("compare_others_hint"), book.style(**HINT))
    sheet.page.set_row(row + 1, 32)
    return row + 2


def _charts(book: Book, data: ChartData, sheet: Sheet, row: int, found: Difference, target: TargetDifference) -> int:
    """The error of every row before and after; and by file, how far the mean error fell."""
    if not target.common.rows:
        return row
    charts = ((0, _rows_chart(data, target)), (3, _files_chart(data, found, target)))
    for (column, chart), (width, height) in zip(charts, CHART, strict=True):
        chart.set_size({"width": width, "height": height})
        sheet.page.insert_chart(row, column, chart, {"object_position": 3})
    return row + CHART_ROWS


def _rows_chart(data: ChartData, target: TargetDifference) -> Any:
    everything = np.concatenate([target.error, target.changed_error])
    low, high, outside = limits(everything.ravel())
    low = min(low, 0.0)
    ends = np.array([low, high])
    series = []
    for index, (word, values) in enumerate(
        (("compare_unchanged", target.error), ("compare_changed", target.changed_error))
    ):
        if len(values):
            kept = values[thin(len(values), 4_000 if index == 0 else 900)]
            x, y = (data.column(text(word), kept[:, side]) for side in (0, 1))
            marker = ("circle", "diamond")[index]
            series.append(Series(text(word), x, y, colour(index), width=0, marker=marker, size=4 + 3 * index))
    x, y = data.column(text("compare_alike_line"), ends), data.column(text("compare_alike_line"), ends)
    series.append(Series(text("compare_alike_line"), x, y, GREY, "dash", 1.25))
    title = text("compare_rows_chart")
    if outside:
        title += text("chart_outside", count=outside)
    shown = number_format(everything, 2)
    x_axis, y_axis = (Axis(text(key), shown, low, high) for key in ("compare_error_before", "compare_error_after"))
    return xy_chart(data, title, series, x_axis, y_axis)


def _files_chart(data: ChartData, found: Difference, target: TargetDifference) -> Any:
    """Mean error of each file before and after: two bars a file, of the files with the most rows."""
    before, _ = target.rows
    files = found.before.data.column("place: file").take(pa.array(before)).combine_chunks().dictionary_encode()
    codes = np.asarray(files.indices, np.int64)
    counts = np.bincount(codes, minlength=len(files.dictionary))
    means = [np.bincount(codes, target.error[:, side], len(counts)) / np.maximum(counts, 1) for side in (0, 1)]
    fell = means[0] - means[1]
    chosen = [index for index in np.argsort(-np.abs(fell)) if counts[index]][:FILES]
    names = [Path(files.dictionary[int(index)].as_py() or "-").name for index in chosen]
    values = fell[chosen]
    fills = {index: "#7FA3D1" if value >= 0 else "#E07B00" for index, value in enumerate(values)}
    axis = Axis(text("compare_fell"), number_format(values, 2) if np.any(values) else "0")
    title = text("compare_files_chart")
    return bar_chart(
        data, title, data.column(label("file"), names), data.column(text("compare_fell"), values), axis, fills
    )


def _rows(book: Book, found: Difference) -> None:
    """The rows that were changed, and of the others those that gained and lost most."""
    sheet = book.sheet(label("Rows"))
    sheet.write(0, 0, label("Rows"), book.style(**TITLE))
    sheet.page.set_row(0, 26)
    row = 2
    for target in found.targets:
        name = f" · {target.target}" if len(found.targets) > 1 else ""
        changed = _changed_lines(found, target)
        if changed:
            row = _list(book, sheet, row, text("compare_rows_changed", count=len(changed)) + name, _CHANGED, changed)
        order = target.order
        fell = target.error[:, 0] - target.error[:, 1]
        gained = [index for index in order[:LISTED] if fell[index] > 0]
        lost = [index for index in order[::-1][:LISTED] if fell[index] < 0]
        for key, chosen in (("compare_rows_gained", gained), ("compare_rows_lost", lost)):
            told = [_row_line(found, target, int(index)) for index in chosen]
            row = _list(book, sheet, row, text(key, count=len(told)) + name, _GAINED, told)
    sheet.page.freeze_panes(1, 0)


_CHANGED = ("place", "column", "was", "now", "error_before", "error_after", "error_fell")
_GAINED = ("place_before", "place_after", "error_before", "error_after", "error_fell")


def _changed_lines(found: Difference, target: TargetDifference) -> list[list[Any]]:
    """Every changed cell with its row's error before and after; the row that gained most first."""
    rows = target.changed_rows[0]
    wanted = np.flatnonzero(np.isin(rows, [cell.row for cell in found.cells[:MOST]]))
    errors = dict(zip(rows[wanted].tolist(), target.changed_error[wanted].tolist(), strict=True))
    told = []
    for cell in found.cells[:MOST]:
        error = errors.get(cell.row, [None, None])
        fell = error[0] - error[1] if error[0] is not None and error[1] is not None else None
        told.append([str(cell.after), cell.column, cell.was, cell.now, *error, fell])
    return sorted(told, key=lambda line: -(line[-1] if line[-1] is not None else -np.inf))


def _row_line(found: Difference, target: TargetDifference, index: int) -> list[Any]:
    before, after = (int(rows[index]) for rows in target.rows)
    error = target.error[index].tolist()
    places = [str(side.place(at, target.target)) for side, at in ((found.before, before), (found.after, after))]
    return [*places, *error, error[0] - error[1]]


def _data(book: Book, found: Difference) -> None:
    """How many rows each fit has alone, changed and in common; then the cells and places themselves."""
    sheet = book.sheet(label("Data"))
    sheet.write(0, 0, label("Data"), book.style(**TITLE))
    sheet.page.set_row(0, 26)
    matched = found.matched
    counts = (
        ("compare_unchanged", len(matched.unchanged[0])),
        ("compare_changed", len(matched.changed[0])),
        ("compare_removed_rows", len(matched.removed)),
        ("compare_added_rows", len(matched.added)),
    )
    row = 2
    for key, count in counts:
        sheet.write(row, 0, text(key))
        sheet.write(row, 1, count, book.style(num_format="#,##0"))
        row += 1
    for key, names in (("compare_dropped_columns", matched.dropped), ("compare_gained_columns", matched.gained)):
        if names:
            sheet.write(row, 0, text(key))
            sheet.write(row, 1, text("comma").join(names))
            row += 1
    cells = [[str(each.before), str(each.after), each.column, each.was, each.now] for each in found.cells]
    row = _list(book, sheet, row + 1, text("compare_cells", count=found.cell_count), _CELLS, cells)
    for key, side, rows in (
        ("compare_places_removed", found.before, matched.removed),
        ("compare_places_added", found.after, matched.added),
    ):
        places = [[str(side.place(int(at)))] for at in rows[:MOST]]
        row = _list(book, sheet, row, text(key, count=f"{len(rows):,}", shown=len(places)), ("place",), places)
    sheet.page.freeze_panes(1, 0)


_CELLS = ("place_before", "place_after", "column", "was", "now")


def _settings(book: Book, found: Difference) -> None:
    sheet = book.sheet(label("Settings"))
    sheet.write(0, 0, label("Settings"), book.style(**TITLE))
    sheet.page.set_row(0, 26)
    told = [[label(each.sheet), each.of, label(each.header), each.before, each.after] for each in found.settings]
    if not told:
        sheet.write(2, 0, text("compare_settings_same"), book.style(**{**HINT, "text_wrap": False}))
        return
    heads = ("sheet", "of", "setting", "before", "after")
    _list(book, sheet, 2, text("compare_settings", count=len(told)), heads, told)


def _list(book: Book, sheet: Sheet, row: int, title: str, words: Sequence[str], told: Sequence[Sequence[Any]]) -> int:
    """A titled table; gives the row after it and a blank. Nothing at all where there is nothing to tell."""
    if not told:
        return row
    row = _section(book, sheet, row, title, max(len(words) - 1, 5))
    heads = sheet.table(row, 0, [label(word) for word in words], len(told), "Compared")
    sheet.page.set_row(row, 32)
    for index, head in enumerate(heads):
        values = [line[index] for line in told]
        numbers = [value for value in values if isinstance(value, float)]
        error = words[index].startswith("error_")
        look = {"num_format": number_format(numbers, 3)} if numbers and error else {}
        dated = any(hasattr(value, "isoformat") for value in values)
        look = {"num_format": "yyyy-mm-dd", "align": "left"} if dated else look
        sheet.column(row + 1, index, values, book.style(**look))
        sheet.fit(index, ["" if each is None else short(each) if error else str(each) for each in values[:300]], head)
    return row + len(told) + 2


def as_text(cell: Cell) -> str:
    """A changed cell in one line, for the command line."""
    was, now = (f"{each:.12g}" if isinstance(each, float) else each for each in (cell.was, cell.now))
    return text("compare_cell", place=cell.after, column=cell.column, was=was, now=now)
