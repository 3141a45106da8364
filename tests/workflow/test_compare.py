"""Two fits compared: rows matched wherever they stand, errors on unchanged rows alone, settings, and the workbook."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pyarrow as pa
import pytest

import xltrain
from tests.engine import make as engine
from tests.report import make
from xltrain.cli import run
from xltrain.data.profile import profile
from xltrain.data.table import Origin, Table
from xltrain.errors import ConfigError, RequirementError, WorkbookError
from xltrain.excel.read import read_cells, sheet_names
from xltrain.language import using
from xltrain.report.compare import sentence
from xltrain.report.difference import Setting
from xltrain.report.drift import drift
from xltrain.report.ledger import write_ledger
from xltrain.report.matched import match
from xltrain.report.record import RECORD, file_records, placed, read_record, write_record

ROWS = 60
SETTINGS: dict[str, list[dict[str, Any]]] = {"Job": [{"folds": 5, "seed": 0}], "Runs": [{"name": "best", "epochs": 30}]}


def write_fit(
    folder: Path,
    name: str,
    table: Table,
    error: Any,
    classes: tuple[str, ...] = (),
    settings: dict[str, list[dict[str, Any]]] | None = None,
) -> Path:
    """What a fit leaves, with these out-of-fold errors; the workbook itself is empty."""
    target = make.made_target(table, classes)
    ledger = target.ledger
    if classes:
        codes = ledger.target.astype(np.int64)
        probability = np.full((len(table), len(classes)), 0.0)
        probability[np.arange(len(table)), codes] = np.exp(-np.asarray(error))
        probability[np.arange(len(table)), (codes + 1) % len(classes)] = 1 - np.exp(-np.asarray(error))
        ledger = replace(ledger, probability=probability, prediction=probability.argmax(1).astype(float))
    else:
        ledger = replace(ledger, prediction=ledger.target + np.asarray(error))
    result = make.made_result(replace(target, ledger=ledger))
    beside = folder / name
    beside.mkdir(parents=True)
    merge = make.made_merge()
    files = file_records(table, merge, folder)
    write_record(beside, "made", folder, settings or SETTINGS, files, result, table)
    write_ledger(beside / "samples.parquet", result, table)
    (folder / f"{name}.xlsx").write_bytes(b"")
    return folder / f"{name}.xlsx"


def noise(rows: int, size: float, seed: int = 0) -> Any:
    return np.abs(np.random.default_rng(seed).normal(0, size, rows)) + 0.1


def with_prices(table: Table, prices: dict[int, float]) -> Table:
    values = np.array(table.data.column("price").to_pylist())
    for at, price in prices.items():
        values[at] = price
    return replace(table, data=table.data.set_column(2, "price", pa.array(values)))


def test_fixed_rows_get_the_credit(tmp_path: Path) -> None:
    table = make.made_table(ROWS)
    fixed = with_prices(table, {3: 1.0, 8: 2.0})
    error = noise(ROWS, 3.0)
    before = write_fit(tmp_path, "before", table, error)
    after = write_fit(tmp_path, "after", fixed, error * 0.9)
    done = xltrain.compare(before, after, tmp_path / "c.xlsx", require=["not worse", "better"])
    (target,) = done.difference.targets
    assert (target.common.rows, target.changed.rows, target.verdict) == (58, 2, "better")
    assert target.gain == pytest.approx(0.1)
    assert target.same_fold == 1
    assert done.sentences["price"].startswith("Fixing these 2 rows improved the average error by 10%, from ")
    cells = [(str(cell.after), cell.column, cell.now) for cell in done.difference.cells]
    assert cells == [("books/south.xlsx!数据!D5", "price", 1.0), ("books/north's.xlsx!Q1 '24!D10", "price", 2.0)]
    told = done.summary()
    assert json.loads(json.dumps(told, allow_nan=False))["rows"]["changed"] == 2


def test_leaving_out_hard_rows_is_no_progress(tmp_path: Path) -> None:
    table = make.made_table(ROWS)
    error = noise(ROWS, 3.0)
    error[:6] = 500.0
    before = write_fit(tmp_path, "before", table, error)
    after = write_fit(tmp_path, "after", table.take(np.arange(6, ROWS)), error[6:] * 1.02)
    done = xltrain.compare(before, after, tmp_path / "c.xlsx")
    (target,) = done.difference.targets
    assert target.common.before["mae"] < 10
    assert target.removed.before["mae"] == pytest.approx(500)
    assert target.verdict == "worse"
    assert done.sentences["price"].startswith("Leaving out 6 rows worsened")
    other = replace(done.difference, settings=(Setting("Runs", "price", "winner", "mlp", "linear"),))
    assert sentence(other, target).endswith("The winner is another run now: mlp before, linear after.")
    with pytest.raises(RequirementError, match="not worse"):
        xltrain.compare(before, after, tmp_path / "c2.xlsx", require=["not worse"])
    assert (tmp_path / "c2.xlsx").exists()
    assert run(["compare", str(before), str(after), "-o", str(tmp_path / "c3.xlsx"), "--require", "not worse"]) == 6


def test_noise_is_called_no_clear_difference(tmp_path: Path) -> None:
    table = make.made_table(ROWS)
    before = write_fit(tmp_path, "before", table, noise(ROWS, 3.0, 1))
    after = write_fit(tmp_path, "after", table, noise(ROWS, 3.0, 2))
    done = xltrain.compare(before, after, tmp_path / "c.xlsx", require=["not worse"])
    assert done.difference.targets[0].verdict == "alike"
    assert "made no clear difference" in done.sentences["price"]
    with pytest.raises(RequirementError):
        xltrain.compare(before, after, tmp_path / "c2.xlsx", require=["better"])


def test_settings_that_differ(tmp_path: Path) -> None:
    table = make.made_table(ROWS)
    other: dict[str, list[dict[str, Any]]] = {
        "Job": [{"folds": 3, "seed": 0}],
        "Runs": [{"name": "best", "epochs": 99}, {"name": "new", "epochs": 1}],
    }
    before = write_fit(tmp_path, "before", table, noise(ROWS, 3.0))
    after = write_fit(tmp_path, "after", table, noise(ROWS, 3.0) * 0.5, settings=other)
    found = xltrain.compare(before, after, tmp_path / "c.xlsx").difference
    told = {(each.sheet, each.of, each.header): (each.before, each.after) for each in found.settings}
    assert told == {
        ("Job", "", "folds"): ("5", "3"),
        ("Runs", "best", "epochs"): ("30", "99"),
        ("Runs", "new", ""): ("not there", "there"),
    }


def test_classes_are_compared_by_log_loss(tmp_path: Path) -> None:
    table = make.made_table(ROWS)
    error = noise(ROWS, 0.2)
    before = write_fit(tmp_path, "before", table, error, ("a", "b", "c"))
    after = write_fit(tmp_path, "after", table, error / 2, ("a", "b", "c"))
    (target,) = xltrain.compare(before, after, tmp_path / "c.xlsx").difference.targets
    assert target.verdict == "better"
    assert target.measure == "log_loss"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_workbook(tmp_path: Path, language: str) -> None:
    table = make.made_table(ROWS)
    before = write_fit(tmp_path, "before", table, noise(ROWS, 3.0))
    after = write_fit(tmp_path, "after", with_prices(table, {3: 1.0}).take(np.arange(ROWS - 1)), noise(ROWS - 1, 2.0))
    with using(language):
        done = xltrain.compare(before, after, tmp_path / "c.xlsx")
        assert done.sentences["price"]
    names = sheet_names(tmp_path / "c.xlsx")
    assert names[:3] == (["Summary", "Rows compared", "Data"] if language == "en" else ["摘要", "行的变化", "数据"])
    lines = read_cells(tmp_path / "c.xlsx", names[0])
    assert done.sentences["price"] in [cell for line in lines for cell in line] or language == "zh"
    book = openpyxl.load_workbook(tmp_path / "c.xlsx")
    assert len(book.worksheets[0]._charts) == 2
    assert "north's.xlsx" in str([cell.value for row in book.worksheets[1].iter_rows() for cell in row])


def data_of(**columns: Any) -> Table:
    return engine.table({"a": [1.0, 2.0, 3.0, 4.0, 5.0, 5.0]} | columns)


def test_rows_are_matched_wherever_they_moved() -> None:
    before = data_of(b=list("uvwxyy"))
    # Two rows came above, the third changed, the last is gone.
    after = data_of(a=[1.0, 2.0, 33.0, 4.0, 5.0, 6.0], b=list("uvwxyz"))
    after = replace(after, row=after.row + np.array([2, 2, 2, 2, 2, 90], np.int32))
    found = match(placed(before), placed(after))
    assert found.partner.tolist() == [0, 1, 2, 3, 4, -1]
    assert found.same.tolist() == [True, True, False, True, True, False]
    assert found.added.tolist() == [5]


def test_a_first_row_that_changed_and_moved_is_known_by_the_row_below() -> None:
    before, after = data_of(), data_of(a=[11.0, 2.0, 3.0, 4.0, 5.0, 5.0])
    found = match(placed(before), placed(replace(after, row=after.row + 7)))
    assert found.partner.tolist() == list(range(6))
    assert found.same.tolist() == [False] + [True] * 5


def test_files_are_matched_by_name_and_rows_that_are_alike_one_by_one() -> None:
    before = data_of()
    after = replace(before, origins=(Origin("fixed/book.xlsx", "Data", {}),))
    found = match(placed(before), placed(after))
    assert found.partner.tolist() == list(range(6))
    assert found.same.all()
    other = replace(before, origins=(Origin("book.xlsx", "Other", {}),))
    assert (match(placed(before), placed(other)).partner == -1).all()


def test_columns_that_one_fit_lacks_are_named_and_change_no_row() -> None:
    found = match(placed(data_of(b=list("uvwxyz"))), placed(data_of(c=[1] * 6)))
    assert (found.columns, found.dropped, found.gained) == (("a",), ("b",), ("c",))
    assert found.same.all()


def test_many_rows_are_matched() -> None:
    rng = np.random.default_rng(0)
    table = engine.table({"a": rng.normal(size=100_000)})
    found = match(placed(table), placed(table.take(np.arange(10, 100_000))))
    assert found.partner[:10].tolist() == [-1] * 10
    assert found.same[10:].all()


def test_bad_inputs_are_named_together(tmp_path: Path) -> None:
    table = make.made_table(ROWS)
    good = write_fit(tmp_path, "good", table, noise(ROWS, 3.0))
    newer = write_fit(tmp_path, "newer", table, noise(ROWS, 3.0))
    record = newer.with_suffix("") / RECORD
    record.write_text(record.read_text("utf-8").replace('"version": 1', '"version": 9'), "utf-8")
    with pytest.raises(WorkbookError) as caught:
        xltrain.compare(tmp_path / "gone.xlsx", newer, tmp_path / "c.xlsx")
    assert len(caught.value.problems) == 2
    assert "later version of xltrain" in str(caught.value)
    broken = write_fit(tmp_path, "broken", table, noise(ROWS, 3.0))
    (broken.with_suffix("") / RECORD).write_text("{", "utf-8")
    with pytest.raises(WorkbookError, match="cannot be read"):
        xltrain.compare(good, broken, tmp_path / "c.xlsx")
    old = write_fit(tmp_path, "old", table, noise(ROWS, 3.0))
    (old.with_suffix("") / "data.parquet").unlink()
    with pytest.raises(WorkbookError, match="parquet is missing"):
        xltrain.compare(good, old, tmp_path / "c.xlsx")
    with pytest.raises(ConfigError, match="not worse"):
        xltrain.compare(good, good, tmp_path / "c.xlsx", require=["nicer"])
    assert not (tmp_path / "c.xlsx").exists()


def test_the_folder_or_the_workbook_may_be_named(tmp_path: Path) -> None:
    good = write_fit(tmp_path, "good", make.made_table(ROWS), noise(ROWS, 3.0))
    done = xltrain.compare(good.with_suffix(""), good, tmp_path / "c.xlsx")
    assert done.sentences["price"].startswith("Training again without any change made no clear difference")


def test_a_record_says_what_was_read(tmp_path: Path) -> None:
    good = write_fit(tmp_path, "good", make.made_table(ROWS), noise(ROWS, 3.0))
    record = read_record(good)
    assert record.folder == "."
    assert [each.file for each in record.files] == ["books/south.xlsx", "books/north's.xlsx"]
    assert record.files[1].sheets == {"Q1 '24": {"text": "A", "size": "B", "price": "D"}}
    assert asdict(record.columns["price"])["rows"] == ROWS
    assert str(tmp_path) not in (good.with_suffix("") / RECORD).read_text("utf-8")


def test_drift_is_small_for_the_same_and_large_for_another() -> None:
    rng = np.random.default_rng(0)
    old = pa.array(rng.normal(0, 1, 5000))
    assert drift(profile(old), pa.array(rng.normal(0, 1, 5000))) < 0.02
    assert drift(profile(old), pa.array(rng.normal(1, 1, 5000))) > 0.25
    words = pa.array(rng.choice(["a", "b", "c"], 5000))
    assert drift(profile(words), pa.array(rng.choice(["a", "b", "c"], 5000))) < 0.02
    assert drift(profile(words), pa.array(rng.choice(["a", "b", "new"], 5000))) > 0.25
    assert drift(profile(words), pa.array([None] * 50, pa.string())) > 0.25
    assert np.isnan(drift(profile(old), words))
