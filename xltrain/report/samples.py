"""Samples: the winner's ledger, worst first, every row with the place it came from."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xltrain.data.table import Table
from xltrain.engine.result import Floats, Ledger, TargetResult
from xltrain.excel.bulk import Cells, cells_of, time_format
from xltrain.excel.write import HINT, LINKED, MAX_LITERAL, TITLE, Sheet, decimal_format, number_format, sheet_label
from xltrain.language import label, text
from xltrain.place import MAX_ROW, column_letter
from xltrain.report.ledger import labels
from xltrain.report.notes import hover_headers
from xltrain.report.report import Report, sentences

CLICKED = 1_000  # worst rows whose place can be clicked
HEAD = 3  # rows above the table
FITTED = 300  # rows that decide a column's width
MOST_CLASSES = 12  # whose probabilities stand in the sheet

Column = tuple[str, str, Any, str]  # header, word of its note, values as numpy or Arrow have them, number format


def write_samples(report: Report) -> None:
    """One sheet per target: rank, place, what the model said, how wrong it was, and the row itself."""
    taken: list[str] = []
    for target in report.result.targets:
        taken.append(sheet_label("Samples", taken))
        _write_target(report, report.book.sheet(taken[-1]), target)


def worst(target: TargetResult, count: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The positions of the rows with the highest out-of-fold loss, worst first; rows without one come last."""
    loss = np.where(np.isnan(target.ledger.loss), -np.inf, target.ledger.loss)
    return np.argsort(-loss, kind="stable")[:count]


def link_target(report: Report, index: int, column: str) -> tuple[str, str]:
    """Where the place of a row can be clicked to, relative to the results workbook, and how it is shown."""
    place = report.table.place(index, column)
    if not place.sheet:
        return "", str(place)
    file = Path(os.path.abspath(report.job.folder / place.file))  # noqa: PTH100  (links keep their names)
    try:
        relative = Path(os.path.relpath(file, os.path.abspath(report.path.parent))).as_posix()  # noqa: PTH100
    except ValueError:  # another drive
        relative = file.as_posix()
    sheet = place.sheet.replace("'", "''")
    cell = f"{column_letter(place.column or 1)}{place.row}"
    shown = f"{Path(place.file).name}!{place.sheet}!{place.address}"
    return f"{relative}#'{sheet}'!{cell}", shown


def _write_target(report: Report, sheet: Sheet, target: TargetResult) -> None:
    order = worst(target, MAX_ROW - HEAD - 2)
    total = len(report.table)
    sheet.write(0, 0, f"{label('Samples')} · {target.target}", report.book.style(**TITLE))
    sheet.page.set_row(0, 26)
    hint = text("samples_hint", run=target.winner)
    if len(order) < total:
        hint = text("samples_cut", shown=len(order), total=total, file=report.samples_file)
    if target.kept:
        hint = sentences((hint, text("samples_kept", runs=text("comma").join(target.kept), file=report.samples_file)))
    sheet.write(1, 0, hint, report.book.style(**{**HINT, "text_wrap": False}))
    columns = [*_columns(target, order), *_data_columns(report.table, target, order)]
    headers = [label("rank"), label("place"), *(header for header, _, _, _ in columns)]
    names = sheet.table(HEAD, 0, headers, len(order), "Samples", bulk=True)
    sheet.width(0, 7)
    hover_headers(sheet, HEAD, 0, ["row_rank", "place", *(word for _, word, _, _ in columns)])
    plain, apart = report.book.style(), report.book.style(indent=1, align="left")
    places = _places(report, target, order)
    sheet.fit(1, places.values.slice(0, FITTED).to_pylist(), label("place"), 40)
    cells = [cells_of(np.arange(1, len(order) + 1), plain), places]
    for offset, (_, _, values, shown) in enumerate(columns, 2):
        made = cells_of(values, report.book.style(num_format=shown) if shown else plain)
        if pa.types.is_string(made.values.type):  # apart from the numbers to its left
            made = replace(made, style=apart)
        sheet.fit(
            offset, [_seen(value, shown) for value in made.values.slice(0, FITTED).to_pylist()], names[offset], 28
        )
        cells.append(made)
    sheet.head_height(HEAD, names)
    sheet.bulk(HEAD + 1, cells)
    _bars(sheet, headers.index(label("out_of_fold_loss")), len(order))
    sheet.page.freeze_panes(HEAD + 1, 2)
    sheet.page.repeat_rows(HEAD)
    sheet.print_first(HEAD + len(order), len(names))


def _places(report: Report, target: TargetResult, order: Any) -> Cells:
    """Where each row stands; those of the worst rows can be clicked."""
    links = [link_target(report, int(index), target.target) for index in order[:CLICKED]]
    targets = [goal if len(goal) <= MAX_LITERAL else "" for goal, _ in links]
    rest = place_words(report.table, target.target, order[CLICKED:])
    shown = pa.concat_arrays([pa.array([words[:MAX_LITERAL] for _, words in links], pa.string()), rest])
    return Cells(shown, report.book.style(), targets, report.book.style(**LINKED))


def place_words(table: Table, column: str, rows: Any) -> pa.Array:
    """The places of these rows of a column as texts, without a Python object for any where that can be."""
    if table.marks is not None:  # joined, unpivoted and database rows have places of their own
        return pa.array([str(table.place(int(row), column)) for row in rows], pa.string())
    origin = pa.array(table.origin[rows])
    heads = ["".join(f"{part}!" for part in (each.file, each.sheet) if part) for each in table.origins]
    letters = [each.letters.get(column, "") for each in table.origins]
    number = pc.cast(pa.array(table.row[rows]), pa.string())
    letter = pa.array(letters, pa.string()).take(origin)
    whole = pc.equal(letter, "")  # without its column, the row
    end = pc.if_else(
        whole, pc.binary_join_element_wise(number, number, ":"), pc.binary_join_element_wise(letter, number, "")
    )
    return pc.binary_join_element_wise(pa.array(heads, pa.string()).take(origin), end, "")


def _columns(target: TargetResult, order: Any) -> list[Column]:
    """What the ledger says of these rows; a column is there where it says something."""
    ledger = target.ledger
    held = ledger.fold[order]
    columns: list[Column] = [(label("fold"), "fold", pa.array(held + 1, mask=held < 0), "0")]
    columns += _class_columns(target, order) if target.classes else _number_columns(ledger, order)
    columns.append(_column("out_of_fold_loss", ledger.loss, order))
    for name, values in ledger.parts.items():
        columns.append((part_label(name), "out_of_fold_loss", values[order], number_format(values, 3)))
    columns.append(_column("percentile", ledger.percentile, order, "0.0"))
    if target.suspects is not None:
        columns.append(_column("suspect_score", target.suspects.score, order, "0.00"))
    if np.isfinite(ledger.spread).any():
        columns.append(_column("spread", ledger.spread, order))
    columns += _training_columns(ledger, order)
    columns.append((label("scored_by"), "scored_by", ledger.scored_by[order], "0"))
    if ledger.probability is not None and 2 < len(target.classes) <= MOST_CLASSES:
        for index, name in enumerate(target.classes):
            values = ledger.probability[:, index]
            columns.append((f"{label('probability')} {name}", "", values[order], "0.0%"))
    return columns


def _column(word: str, values: Floats, order: Any, shown: str = "") -> Column:
    return label(word), word, values[order], shown or number_format(values, 3)


def _class_columns(target: TargetResult, order: Any) -> list[Column]:
    ledger = target.ledger
    columns: list[Column] = [
        (label(word), note, labels(target, codes[order]), "")
        for word, note, codes in (
            ("target", "actual", ledger.target),
            ("prediction", "prediction", ledger.prediction),
        )
    ]
    if ledger.probability is not None:
        known = np.maximum(np.nan_to_num(ledger.target, nan=-1), 0).astype(np.int64)
        own = np.where(ledger.target >= 0, ledger.probability[np.arange(len(known)), known], np.nan)
        columns.append(_column("probability_of_target", own, order, "0.0%"))
        columns.append(_column("margin", ledger.margin, order, "0.0%"))
    return columns


def _number_columns(ledger: Ledger, order: Any) -> list[Column]:
    shown = number_format(ledger.target, 4)
    columns: list[Column] = [
        (label("target"), "actual", ledger.target[order], decimal_format(ledger.target)),
        _column("prediction", ledger.prediction, order, shown),
        _column("difference", ledger.target - ledger.prediction, order, shown),
    ]
    if np.isfinite(ledger.low).any():
        columns.append(_column("expected_low", ledger.low, order, shown))
        columns.append(_column("expected_high", ledger.high, order, shown))
    for name, values in ledger.extra.items():
        columns.append((extra_label(name), extra_word(name), values[order], shown))
    return columns


def _training_columns(ledger: Ledger, order: Any) -> list[Column]:
    """How the row was learnt by the members that trained on it; all of it stands in the Parquet file."""
    told = ledger.dynamics
    if told is None:
        return []
    return [
        _column("early_loss", told.early, order),
        _column("mean_loss", told.mean, order),
        _column("first_learnt", told.learnt, order, decimal_format(told.learnt, 1)),
        _column("forgotten", told.forgotten, order, decimal_format(told.forgotten, 1)),
    ]


def extra_word(name: str) -> str:
    """The word for what a loss predicts besides: `quantile 0.1` is a quantile."""
    return "quantile" if name.startswith("quantile ") else "predicted_spread"


def extra_label(name: str) -> str:
    """The header of what a loss predicts besides."""
    word = extra_word(name)
    return f"{label(word)} {name.removeprefix('quantile ')}" if word == "quantile" else label(word)


def part_label(name: str) -> str:
    """The header of one term of a loss of several."""
    return f"{label('out_of_fold_loss')}: {name}"


def _data_columns(table: Table, target: TargetResult, order: Any) -> list[Column]:
    """The row itself, without the target, which stands already."""
    positions = pa.array(order)
    found: list[Column] = []
    for name in table.names:
        if name == target.target:
            continue
        values = table.data.column(name).take(positions)
        found.append((name, "", values, time_format(values)))
    return found


def _bars(sheet: Sheet, column: int, rows: int) -> None:
    """Data bars; the longest already at the 99th percentile, since a planted factor of a hundred hides all others."""
    if rows:
        bar = {"type": "data_bar", "bar_color": "#F2A65A", "bar_solid": True, "min_type": "num", "min_value": 0}
        bar |= {"max_type": "percentile", "max_value": 99}
        sheet.page.conditional_format(HEAD + 1, column, HEAD + rows, column, bar)


def _seen(value: Any, shown: str) -> str:
    """About what a cell will show, for the column's width."""
    if value is None:
        return ""
    if isinstance(value, float):
        decimals = len(shown.partition(".")[2]) if shown.startswith(("#", "0")) else 2
        return f"{value:,.{min(decimals, 9)}f}"
    return str(value)[: len(shown) if shown.startswith("yyyy") else None]
