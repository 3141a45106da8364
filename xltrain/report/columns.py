"""Data: every column in short, what it was taken for, and whether the last source differs from those before it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xltrain.config.settings import Column
from xltrain.data.profile import Profile, as_numbers, profile
from xltrain.data.table import Table
from xltrain.excel.write import EPOCH, GREY, HINT, NAVY, TITLE, Sheet, number_format
from xltrain.language import label, text
from xltrain.report.drift import LARGE, by_chance, drift
from xltrain.report.notes import hover_headers
from xltrain.report.report import Report
from xltrain.report.sharing import LEAST as FEWEST
from xltrain.report.sharing import central

HEAD = 3
LEAST = 20  # rows of the last source from which its difference is looked for


def write_columns(report: Report, name: str) -> None:
    """One row per column; below, the notes of the fit on its data."""
    sheet = report.book.sheet(name)
    sheet.write(0, 0, label("Data"), report.book.style(**TITLE))
    sheet.page.set_row(0, 26)
    sheet.write(1, 0, text("data_hint"), report.book.style(**{**HINT, "text_wrap": False}))
    known = {column.name: column for column in report.job.columns}
    names = [column for column in report.table.names if column in known]
    profiles = {column: profile(report.table.data.column(column)) for column in names}
    moved = _moved(report.table, names)
    words = [
        "name",
        "role",
        "type",
        "encoder",
        "missing_share",
        "distinct_count",
        "lowest",
        "median",
        "highest",
        "common_values",
    ]
    notes = ["", "about_columns_role", "about_columns_type", "about_columns_encoder", "", "", "", "", "", ""]
    if moved:
        words.append("psi_last_source")
        notes.append("psi")
    headers = sheet.table(HEAD, 0, [label(word) for word in words], len(names), "Data")
    hover_headers(sheet, HEAD, 0, notes)
    for offset, column in enumerate(names, 1):
        _write(report, sheet, HEAD + offset, known[column], profiles[column], moved.get(column))
    for index, header in enumerate(headers):
        seen = names if index == 0 else []
        sheet.fit(index, seen, header, 40)
    for word in ("lowest", "median", "highest"):
        sheet.width(words.index(word), 12)
    sheet.width(words.index("common_values"), 46)
    sheet.head_height(HEAD, headers)
    _write_notes(report, sheet, HEAD + len(names) + 2)
    sheet.page.freeze_panes(HEAD + 1, 1)
    sheet.page.repeat_rows(HEAD)


def _write(
    report: Report, sheet: Sheet, row: int, column: Column, told: Profile, moved: "tuple[float, bool] | None"
) -> None:
    values = report.table.data.column(column.name)
    dated = pa.types.is_temporal(values.type)
    ends = [told.low, told.median, told.high]
    if report.share:
        ends = [None, _middle(values), None]  # the ends are single rows
    look: dict[str, Any] = {"num_format": "yyyy-mm-dd"} if dated else {}
    if not dated and told.edges:
        look = {"num_format": number_format(np.array([told.low, told.median, told.high], float), 4)}
    shown = [None if each is None else each + EPOCH if dated else each for each in ends]
    listed = [
        (word, share) for word, share in told.shares.items() if not report.share or share * told.rows > FEWEST - 0.5
    ]
    words = text("comma").join(f"{word} ({share:.0%})" for word, share in listed[:4])
    cells: list[tuple[object, dict[str, Any]]] = [
        (column.name, {"bold": column.role == "target"}),
        (label(column.role) if column.role else "", {}),
        (label(column.type) if column.type else "", {}),
        _encoder(report, column),
        (told.missing, {"num_format": "0.0%"}),
        (int(pc.count_distinct(values, mode="only_valid").as_py()), {"num_format": "#,##0"}),
        *((each, look) for each in shown),
        ("" if report.share and column.role in ("id", "ignore") else words, {"shrink": True}),
    ]
    for index, (value, style) in enumerate(cells):
        sheet.write(row, index, value, report.book.style(**style))
    if moved is not None:
        value, far = moved
        style = {"num_format": "0.00", "bold": far, "bg_color": "#FFF4DA"} if far else {"num_format": "0.00"}
        sheet.write(row, len(cells), value, report.book.style(**style))


def _middle(values: Any) -> float | None:
    """The median as it may be handed on; None where there is none."""
    known = as_numbers(values)
    middle = central(known, 0.5) if known is not None else np.nan
    return float(middle) if np.isfinite(middle) else None


def _encoder(report: Report, column: Column) -> tuple[str, dict[str, Any]]:
    """How a feature was read: as the job asks for, else, in grey, as columns of its type are."""
    if column.encoder:  # its arguments may be values
        return str(column.encoder).partition("(")[0] if report.share else str(column.encoder), {}
    return report.result.encoders.get(column.name, ""), {"font_color": GREY, "italic": True}


def _moved(table: Table, names: Sequence[str]) -> dict[str, tuple[float, bool]]:
    """For each column how far the last source is from all before it, and whether that is more than chance and much."""
    last = int(table.origin.max(initial=0))
    late = table.origin == last
    if not last or late.sum() < LEAST or (~late).sum() < LEAST:
        return {}
    found = {}
    for name in names:
        values = table.data.column(name)
        if pa.types.is_temporal(values.type):  # time goes on
            continue
        before = profile(values.filter(pa.array(~late)))
        index = drift(before, values.filter(pa.array(late)))
        found[name] = (index, bool(index > max(LARGE, by_chance(before, int(late.sum())))))
    return found


def _write_notes(report: Report, sheet: Sheet, row: int) -> None:
    """What the fit had to say of its data: limits learnt, columns left out, leaks, rows without a target."""
    if not report.result.notes:
        return
    sheet.write(row, 0, text("to_know"), report.book.style(bold=True, font_size=12, font_color=NAVY))
    for offset, words in enumerate(report.result.notes, 1):
        sheet.write(row + offset, 0, f"• {words}", report.book.style(font_color=GREY))
