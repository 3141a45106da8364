"""A clean table, written out as people write tables, merges back to the same cells at the same places."""

import datetime as dt
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.data.made_tables import Column, Sheet, books, write
from xltrain.workflow.merge import merge


def as_merged(value: Any) -> Any:
    return dt.datetime.combine(value, dt.time()) if isinstance(value, dt.date) else value


def check(columns: list[Column], found: list[list[Sheet]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"book{number}.xlsx" for number in range(1, len(found) + 1)]
        for path, sheets in zip(paths, found, strict=True):
            write(path, sheets)
        done = merge(paths, folder=Path(folder))
    table, report = done.table, done.report
    flat = [
        (path.name, f"月{number}", sheet)
        for path, sheets in zip(paths, found, strict=True)
        for number, sheet in enumerate(sheets, 1)
    ]
    assert [(each.file, each.sheet, each.header_rows, each.reason) for each in report.sources] == [
        (file, name, sheet.header_rows, "") for file, name, sheet in flat
    ]
    first = flat[0][2]
    order = sorted(first.columns, key=lambda at: first.columns[at])
    assert table.names == [first.headers[at] for at in order]
    rows = [(file, name, sheet, row, values) for file, name, sheet in flat for row, values in sheet.rows]
    places = [(file, name, row) for file, name, _, row, _ in rows]
    assert [(at.file, at.sheet, at.row) for at in map(table.place, range(len(table)))] == places
    for name, at in zip(table.names, order, strict=True):
        assert table.data.column(name).to_pylist() == [as_merged(values[at]) for *_, values in rows]
        for index, (file, page, sheet, row, _) in enumerate(rows):
            place = table.place(index, name)
            assert (place.file, place.sheet, place.row, place.column) == (file, page, row, sheet.columns[at])
    wrong = [each for each in report.controls if not each.agrees and not has_texts(flat, each.place)]
    assert not wrong


def has_texts(flat: list[tuple[str, str, Sheet]], place: Any) -> bool:
    """Whether numbers stand as texts in a column: its formulas then pass over them."""
    sheet = next(sheet for file, name, sheet in flat if (file, name) == (place.file, place.sheet))
    rows = {row for row, _ in sheet.rows}
    return any(
        column == place.column and row in rows and isinstance(cell.value, str)
        for (row, column), cell in sheet.cells.items()
    )


PHASES = (Phase.explicit, Phase.generate, Phase.shrink)
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]


@settings(max_examples=30, deadline=None, derandomize=True, database=None, phases=PHASES, suppress_health_check=SLOW)
@given(books())
def test_a_table_merges_back(made: tuple[list[Column], list[list[Sheet]]]) -> None:
    check(*made)


@pytest.mark.slow
@settings(max_examples=600, deadline=None, derandomize=True, database=None, phases=PHASES, suppress_health_check=SLOW)
@given(books())
def test_many_tables_merge_back(made: tuple[list[Column], list[list[Sheet]]]) -> None:
    check(*made)
