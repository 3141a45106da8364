"""Samples: the winner's ledger, worst first, every row with the place it came from; and the same as Parquet."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xltrain.data.table import Table
from xltrain.engine.result import Floats, Result, TargetResult
from xltrain.excel.write import HINT, TITLE, Sheet, date_format, number_format, sheet_label
from xltrain.language import label, text
from xltrain.place import MAX_ROW, column_letter
from xltrain.report.report import Report

MOST = 100_000  # rows of the sheet; all of them stand in the Parquet file
LINKED = 1_000  # worst rows whose place can be clicked
HEAD = 3  # rows above the table
FITTED = 300  # rows that decide a column's width


def write_ledger(path: Path, result: Result, table: Table) -> None:
    """samples.parquet: one row per target and sample.

    Columns: file, sheet, row, column, cell (of the target), fold (from 1; null where never held out), target,
    prediction, loss (null where no member may score the row), percentile, spread, scored_by; `loss: huber` and the
    like for each term of a loss of several.
    """
    import pyarrow.parquet as pq

    texts = any(target.classes for target in result.targets)
    parts = [_ledger_table(target, table, texts) for target in result.targets]
    pq.write_table(pa.concat_tables(parts, promote_options="default"), path, compression="zstd")


def _ledger_table(target: TargetResult, table: Table, texts: bool) -> pa.Table:
    ledger = target.ledger
    index = pa.array(table.origin)
    letters = [origin.letters.get(target.target, "") for origin in table.origins]
    rows = pc.cast(pa.array(table.row), pa.string())
    letter = pa.array(letters, pa.string()).take(index)
    cells = pc.if_else(pc.equal(letter, ""), "", pc.binary_join_element_wise(letter, rows, ""))
    values: tuple[Any, Any] = (ledger.target, ledger.prediction)
    shown = [_labels(target, each) if target.classes else pa.array(each, from_pandas=True) for each in values]
    if texts:
        shown = [pc.cast(each, pa.string()) for each in shown]
    count = len(table)
    return pa.table(
        {
            "file": pa.array([origin.file for origin in table.origins], pa.string()).take(index),
            "sheet": pa.array([origin.sheet for origin in table.origins], pa.string()).take(index),
            "row": pa.array(table.row),
            "column": pa.array([target.target], pa.string()).take(pa.array(np.zeros(count, np.int32))),
            "cell": cells,
            "fold": pa.array(ledger.fold + 1, mask=ledger.fold < 0),
            "target": shown[0],
            "prediction": shown[1],
            "loss": pa.array(ledger.loss, from_pandas=True),
            "percentile": pa.array(ledger.percentile, from_pandas=True),
            "spread": pa.array(ledger.spread, from_pandas=True),
            "scored_by": pa.array(ledger.scored_by),
            **{f"loss: {name}": pa.array(values, from_pandas=True) for name, values in ledger.parts.items()},
        }
    )


def _labels(target: TargetResult, codes: Floats) -> Any:
    """Class indices as their labels; NaN and -1 as null."""
    known = np.nan_to_num(codes, nan=-1).astype(np.int64)
    return pa.array(target.classes, pa.string()).take(pa.array(known, mask=known < 0))


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
    order = worst(target, min(MOST, MAX_ROW - HEAD - 2))
    total = len(report.table)
    sheet.write(0, 0, f"{label('Samples')} · {target.target}", report.book.style(**TITLE))
    sheet.page.set_row(0, 26)
    hint = text("samples_hint", run=target.winner)
    if len(order) < total:
        hint = text("samples_cut", shown=len(order), total=total, file=report.samples_file)
    sheet.write(1, 0, hint, report.book.style(**{**HINT, "text_wrap": False}))
    columns = [*_columns(target, order), *_data_columns(report.table, target, order)]
    headers = [label("rank"), label("place"), *(header for header, _, _ in columns)]
    names = sheet.table(HEAD, 0, headers, len(order), "Samples")
    sheet.page.set_row(HEAD, 34)
    sheet.column(HEAD + 1, 0, range(1, len(order) + 1))
    sheet.width(0, 7)
    _write_places(report, sheet, target, order)
    for offset, (_, values, shown) in enumerate(columns, 2):
        look = report.book.style(**({"num_format": shown} if shown else {}))
        sheet.column(HEAD + 1, offset, values, look)
        sheet.fit(offset, [_seen(value, shown) for value in values[:FITTED]], names[offset], 28)
    _bars(sheet, headers.index(label("out_of_fold_loss")), len(order))
    sheet.page.freeze_panes(HEAD + 1, 2)
    sheet.page.repeat_rows(HEAD)


def _write_places(report: Report, sheet: Sheet, target: TargetResult, order: Any) -> None:
    shown = []
    for offset, index in enumerate(order):
        if offset < LINKED:
            goal, words = link_target(report, int(index), target.target)
            if goal:
                sheet.link(HEAD + 1 + offset, 1, goal, words)
            else:
                sheet.write(HEAD + 1 + offset, 1, words)
        else:
            words = str(report.table.place(int(index), target.target))
            sheet.write(HEAD + 1 + offset, 1, words)
        if offset < FITTED:
            shown.append(words)
    sheet.fit(1, shown, label("place"), 40)


def _columns(target: TargetResult, order: Any) -> list[tuple[str, list[Any], str]]:
    """Header, values and number format of what the ledger says."""
    ledger = target.ledger
    fold = [value + 1 if value >= 0 else None for value in ledger.fold[order].tolist()]
    columns: list[tuple[str, list[Any], str]] = [(label("fold"), fold, "0")]
    if target.classes:
        for word, codes in (("target", ledger.target), ("prediction", ledger.prediction)):
            columns.append((label(word), _labels(target, codes[order]).to_pylist(), ""))
        if ledger.probability is not None:
            known = np.maximum(np.nan_to_num(ledger.target, nan=-1), 0).astype(np.int64)
            own = ledger.probability[np.arange(len(known)), known]
            columns.append((label("probability_of_target"), own[order].tolist(), "0.0%"))
    else:
        shown = number_format(ledger.target, 4)
        columns.append((label("target"), ledger.target[order].tolist(), shown))
        columns.append((label("prediction"), ledger.prediction[order].tolist(), shown))
        columns.append((label("difference"), (ledger.target - ledger.prediction)[order].tolist(), shown))
    loss = ledger.loss[order]
    columns.append((label("out_of_fold_loss"), loss.tolist(), number_format(loss, 3)))
    for name, values in ledger.parts.items():
        columns.append((part_label(name), values[order].tolist(), number_format(values, 3)))
    columns.append((label("percentile"), ledger.percentile[order].tolist(), "0.0"))
    spread = ledger.spread[order]
    if np.isfinite(spread).any():
        columns.append((label("spread"), spread.tolist(), number_format(spread, 3)))
    columns.append((label("scored_by"), ledger.scored_by[order].tolist(), "0"))
    return columns


def part_label(name: str) -> str:
    """The header of one term of a loss of several."""
    return f"{label('out_of_fold_loss')}: {name}"


def _data_columns(table: Table, target: TargetResult, order: Any) -> list[tuple[str, list[Any], str]]:
    """The row itself, without the target, which stands already."""
    positions = pa.array(order)
    found = []
    for name in table.names:
        if name == target.target:
            continue
        values = table.data.column(name).take(positions).to_pylist()
        known = [value for value in values if value is not None]
        shown = date_format(known) if known and hasattr(known[0], "isoformat") else ""
        found.append((name, values, shown))
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
    return str(value)[: 10 if shown.startswith("yyyy") else None]
