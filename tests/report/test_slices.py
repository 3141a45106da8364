"""Slices: what is cut, what a slice is worth, chance kept in mind, and the sheet."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import openpyxl
import pyarrow as pa
import pytest

from tests.report.make import made_job, made_result, made_target
from xltrain import language
from xltrain.data.table import Origin, Table
from xltrain.engine.result import TargetResult
from xltrain.excel.chart import ChartData
from xltrain.excel.write import new_book
from xltrain.language import label
from xltrain.report.report import Report
from xltrain.report.slice_sheet import write_slices
from xltrain.report.slices import best_and_worst, cap_errors, row_errors, slices

pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported")
ROWS = 900


def made(seed: int = 0, rows: int = ROWS, **columns: object) -> Table:
    """Three files, the sheets of two of them called alike, and columns of each kind."""
    rng = np.random.default_rng(seed)
    data = {
        "branch": rng.choice(["North", "South", "East"], rows),
        "day": pa.array(np.datetime64("2024-01-01") + rng.integers(0, 180, rows), pa.date32()),
        "size": rng.normal(100, 30, rows),
        "paid": rng.random(rows) < 0.5,
        "number": [f"no {index}" for index in range(rows)],
        "price": rng.normal(50, 5, rows),
    }
    origins = (Origin("books/a.xlsx", "Data"), Origin("books/b.xlsx", "Data"), Origin("books/c.xlsx", "Other"))
    place = (np.arange(rows) * 3 // rows).astype(np.int32)
    return Table(pa.table(data | columns), origins, place, np.arange(2, rows + 2, dtype=np.int32))


def with_errors(table: Table, error: np.ndarray) -> TargetResult:
    target = made_target(table)
    actual = np.asarray(target.ledger.target)
    return replace(target, ledger=replace(target.ledger, prediction=actual + error))


def even(rows: int = ROWS, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 3, rows)


def test_the_planted_branch_is_worst() -> None:
    table = made()
    error = even()
    north = np.array(table.data.column("branch").to_pylist()) == "North"
    error[north] *= 4
    found = slices(table, with_errors(table, error))
    worst = found[0]
    assert (worst.by, worst.column, worst.value) == ("category", "branch", "North")
    raw = np.abs(error)
    size = cap_errors(raw)
    assert size.max() == pytest.approx(np.quantile(raw, 0.99))
    assert worst.rows == north.sum()
    assert worst.error == pytest.approx(size[north].mean())
    assert worst.rest == pytest.approx(size[~north].mean())
    assert worst.share == pytest.approx(raw[north].sum() / raw.sum())
    assert worst.ratio == pytest.approx(worst.error / worst.rest)
    assert 1.5 < worst.adjusted < worst.error / size.mean() * 1.1
    assert not worst.few
    assert worst.name == "branch = North"
    best, again = best_and_worst(found)
    assert again == worst
    assert best.column == "branch"
    assert best.adjusted < 1


def test_every_kind_of_cut_and_each_row_set_once() -> None:
    table = made()
    found = slices(table, with_errors(table, even()))
    assert {one.by for one in found} == {"file", "sheet", "category", "month", "band"}
    assert {one.value for one in found if one.by == "file"} == {"a.xlsx", "b.xlsx", "c.xlsx"}
    # The sheet `Other` is the whole of c.xlsx, so it stands there alone.
    assert {one.value for one in found if one.by == "sheet"} == {"Data"}
    assert {one.value for one in found if one.by == "month"} == {f"2024-0{month}" for month in range(1, 7)}
    assert len([one for one in found if one.column == "size"]) == 5
    assert not [one for one in found if one.column in ("number", "price")]
    sizes = [one.rows for one in found if one.column == "size"]
    assert max(sizes) - min(sizes) <= 1


def test_chance_alone_is_called_chance() -> None:
    """Over many tables without any pattern slices hardly move from 1, though their means do."""
    adjusted, raw = [], []
    for seed in range(20):
        table = made(seed, 300)
        error = even(300, seed + 100)
        found = slices(table, with_errors(table, error))
        adjusted += [abs(one.adjusted - 1) for one in found]
        raw += [abs(one.error / np.abs(error).mean() - 1) for one in found]
    assert np.mean(raw) > 0.05
    assert np.mean(adjusted) < 0.35 * np.mean(raw)


def test_one_wrong_row_is_no_bad_slice() -> None:
    table = made()
    error = even()
    error[17] = 5_000
    branch = table.data.column("branch")[17].as_py()
    found = slices(table, with_errors(table, error))
    own = next(one for one in found if one.value == branch)
    assert own.single > 0.8
    assert own.share > 0.7
    assert own.ratio < 1.3
    assert own.adjusted < 1.2
    assert best_and_worst(found) is None or own not in best_and_worst(found)


def test_few_rows_are_marked_and_fewer_left_out() -> None:
    table = made(branch=np.array(["Far"] * 7 + ["Tiny"] * 3 + ["North", "South"] * 445))
    error = even()
    error[:10] *= 3
    error[10::2] *= 1.3
    found = {one.value: one for one in slices(table, with_errors(table, error)) if one.column == "branch"}
    assert set(found) == {"Far", "North", "South"}
    far = found["Far"]
    assert abs(far.adjusted - 1) < abs(far.error / np.abs(error).mean() - 1)


def test_rows_without_a_score_do_not_count() -> None:
    table = made()
    error = even()
    error[:300] = np.nan
    found = slices(table, with_errors(table, error))
    assert not [one for one in found if one.value == "a.xlsx"]
    assert next(one for one in found if one.value == "b.xlsx").rows == 300
    assert slices(table, with_errors(table, np.full(ROWS, np.nan))) == ()


def test_wrong_classes_are_counted() -> None:
    table = made()
    target = made_target(table, ("no", "yes"), "kind")
    wrong = row_errors(target)
    assert set(wrong) == {0.0, 1.0}
    assert wrong.mean() == pytest.approx(1 - np.mean(target.ledger.prediction == target.ledger.target))
    one = next(each for each in slices(table, target) if each.value == "a.xlsx")
    assert one.error == pytest.approx(wrong[:300].mean())


def test_empty_cells_and_gaps() -> None:
    branch = pa.array([None if index % 4 == 0 else "North" for index in range(ROWS)])
    size = np.where(np.arange(ROWS) % 3 == 0, np.nan, np.arange(ROWS, dtype=float))
    table = made(branch=branch, size=size)
    found = slices(table, with_errors(table, even()))
    assert {one.value for one in found if one.column == "branch"} == {"(empty)", "North"}
    assert sum(one.rows for one in found if one.column == "size") == 600


@pytest.mark.parametrize("tongue", ["en", "zh"])
def test_the_sheet(tmp_path: Path, tongue: str) -> None:
    table = made()
    error = even()
    error[np.array(table.data.column("branch").to_pylist()) == "North"] *= 4
    target = with_errors(table, error)
    path = tmp_path / "r.xlsx"
    with language.using(tongue):
        with new_book(path, "made") as book:
            data = ChartData(book, "charts")
            report = Report(path, book, data, made_job(tmp_path), made_result(target), table, None, "")
            write_slices(report, label("Slices"))
            data.write()
        sheet = openpyxl.load_workbook(path)[label("Slices")]
        headers = [cell.value for cell in sheet[4]][:11]
        assert headers[1:4] == [label("cut_by"), label("cut_value"), label("rows")]
    first = [cell.value for cell in sheet[5]]
    assert first[:3] == [1, "branch", "North"]
    assert sheet.tables
    assert len(sheet._charts) == 1
    assert len(sheet.conditional_formatting) == 2
    assert sheet.freeze_panes == "D5"
    assert sheet["I4"].comment


def test_every_type_of_column() -> None:
    rows = 60
    day = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    table = made(
        0,
        rows,
        zone=pa.array([day + dt.timedelta(days=index) for index in range(rows)], pa.timestamp("us", "UTC")),
        clock=pa.array([dt.time(index % 24) for index in range(rows)]),
        length=pa.array([dt.timedelta(hours=index) for index in range(rows)]),
        money=pa.array([Decimal(index) for index in range(rows)]),
        coded=pa.array(["a", "b"] * 30).dictionary_encode(),
        nothing=pa.nulls(rows),
        no_number=pa.nulls(rows, pa.float64()),
        no_date=pa.nulls(rows, pa.timestamp("us")),
        flag=pa.array([None, True, False] * 20),
        huge=pa.array([2**60 + index for index in range(rows)]),
        endless=pa.array([float("inf"), *map(float, range(rows - 1))]),
    )
    found = {one.column for one in slices(table, with_errors(table, even(rows)))}
    assert found >= {"zone", "money", "coded", "flag", "endless"}
    assert not found & {"clock", "length", "nothing", "no_number", "no_date"}
