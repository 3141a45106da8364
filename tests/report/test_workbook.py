"""The results workbook: every sheet, worst rows first, links with their text, text as text, both languages."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pyarrow.parquet as pq
import pytest

from tests.report.make import made_job, made_merge, made_result, made_table, made_target
from xltrain import language
from xltrain.data.table import MergeReport
from xltrain.engine.result import Score, TargetResult
from xltrain.language import label
from xltrain.report import samples
from xltrain.report.ledger import write_ledger
from xltrain.report.ranking import roc
from xltrain.report.verdict import verdict
from xltrain.report.workbook import write_results

pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported")
SHEETS = [
    "Summary",
    "Leaderboard",
    "Curves",
    "Samples",
    "Slices",
    "Diagnostics",
    "Data",
    "Merge report",
    "Columns read",
    "Dropped and changed",
]


def write(folder: Path, targets: Sequence[TargetResult], merge: MergeReport | None = None) -> Any:
    path = folder / "results.xlsx"
    table = made_table()
    write_results(
        path,
        made_job(folder),
        made_result(*targets),
        table,
        merge if merge is not None else made_merge(),
        job_sheets=lambda book: book.add_worksheet(label("Job")),
        samples_file="results/samples.parquet",
    )
    return openpyxl.load_workbook(path)


def regression(unscored: int = 0) -> TargetResult:
    return made_target(made_table(), unscored=unscored)


@pytest.mark.parametrize("tongue", ["en", "zh"])
def test_every_sheet_in_order(tmp_path: Path, tongue: str) -> None:
    with language.using(tongue):
        book = write(tmp_path, [regression()])
        shown = [sheet.title for sheet in book if sheet.sheet_state == "visible"]
        assert shown == [label(name) for name in [*SHEETS, "Job"]]
        assert len(book[label("Diagnostics")]._charts) == 5
    assert book[shown[0]]._charts
    assert len(book[shown[2]]._charts) == 3


def test_no_merge_no_sheets_of_it(tmp_path: Path) -> None:
    assert "Merge report" not in write(tmp_path, [regression()], MergeReport()).sheetnames


def test_samples_are_sorted_worst_first_with_links(tmp_path: Path) -> None:
    target = regression(unscored=3)
    sheet = write(tmp_path, [target])["Samples"]
    heads = [cell.value for cell in sheet[4]]
    column = heads.index("out-of-fold loss")
    losses = [row[column].value for row in sheet.iter_rows(min_row=5, max_row=64)]
    assert losses[-3:] == [None] * 3
    assert losses[:57] == sorted(losses[:57], reverse=True)
    worst = int(np.nanargmax(target.ledger.loss))
    link = sheet.cell(5, heads.index("place") + 1)
    file, name = ("north's.xlsx", "Q1 ''24") if worst % 2 == 0 else ("south.xlsx", "数据")
    assert f"books/{file}#'{name}'!D{worst + 2}" in link.value
    stored = openpyxl.load_workbook(tmp_path / "results.xlsx", data_only=True)["Samples"].cell(5, link.column).value
    assert stored == f"{file}!{name.replace(chr(39) * 2, chr(39))}!D{worst + 2}"
    texts = [row[heads.index("text")] for row in sheet.iter_rows(min_row=5, max_row=64)]
    assert {cell.data_type for cell in texts} == {"s"}
    assert any(cell.value.startswith("=row") for cell in texts)
    assert sheet.tables
    assert sheet.conditional_formatting


def test_more_samples_than_the_sheet_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "MAX_ROW", 15)
    sheet = write(tmp_path, [regression()])["Samples"]
    assert sheet.max_row == 14
    assert "results/samples.parquet" in sheet["A2"].value


@pytest.mark.parametrize("classes", [("no", "yes"), ("a", "b", "c")])
def test_classes(tmp_path: Path, classes: tuple[str, ...]) -> None:
    target = made_target(made_table(), classes, "kind")
    book = write(tmp_path, [target])
    sheet = book["Diagnostics"]
    values = [[cell.value for cell in row] for row in sheet.iter_rows()]
    start = next(index for index, row in enumerate(values) if row[0] == "class")
    rows = values[start].index("rows")
    counts = [row[rows] for row in values[start + 1 : start + 1 + len(classes)]]
    assert counts == np.bincount(target.ledger.target.astype(int)).tolist()
    assert {row[0] for row in values} >= set(classes)
    assert book["Samples"]["D5"].value in classes


def test_two_targets_have_a_sheet_each(tmp_path: Path) -> None:
    table = made_table()
    book = write(tmp_path, [made_target(table), made_target(table, ("x", "y"), "kind")])
    assert {"Samples", "Samples 2"} <= set(book.sheetnames)
    names = [cell.value for cell in book["Leaderboard"]["A"]]
    assert {"price", "kind"} <= set(names)


def test_the_ledger_file(tmp_path: Path) -> None:
    write_ledger(tmp_path / "s.parquet", made_result(regression(unscored=2)), made_table())
    found = pq.read_table(tmp_path / "s.parquet").to_pylist()
    assert len(found) == 60
    assert found[0]["file"] == "books/north's.xlsx"
    assert (found[0]["cell"], found[0]["row"], found[0]["fold"]) == ("D2", 2, 1)
    assert found[-1]["loss"] is None
    assert found[-1]["scored_by"] == 0


def test_each_part_of_a_loss_has_columns(tmp_path: Path) -> None:
    plain, other = regression(), made_target(made_table(), ("x", "y"), "kind")
    run = plain.runs[0]
    parts = {name: (run.curves.training * share, run.curves.validation) for name, share in (("mse", 2.0), ("mae", 1.0))}
    ledger = replace(plain.ledger, parts={"mse": plain.ledger.loss * 2, "mae": plain.ledger.loss})
    summed = replace(
        plain, runs=(replace(run, curves=replace(run.curves, parts=parts)), *plain.runs[1:]), ledger=ledger
    )
    book = write(tmp_path, [summed, other])
    names = [cell.value for cell in book["Curves"][4]]
    first = {name: book["Curves"].cell(5, names.index(name) + 1).value for name in names}
    assert first["training loss: mse"] == 2 * first["training loss"]
    assert first["validation loss: mae"] == first["validation loss"]
    last = [row[names.index("training loss: mse")].value for row in book["Curves"].iter_rows(min_row=5)]
    assert last[-1] is None  # a run without that term
    heads = [cell.value for cell in book["Samples"][4]]
    worst = {name: book["Samples"].cell(5, heads.index(name) + 1).value for name in heads}
    assert worst["out-of-fold loss: mse"] == pytest.approx(2 * worst["out-of-fold loss"])
    write_ledger(tmp_path / "s.parquet", made_result(summed, other), made_table())
    found = pq.read_table(tmp_path / "s.parquet").to_pylist()
    assert found[0]["loss: mse"] == pytest.approx(2 * found[0]["loss"])
    assert found[-1]["loss: mse"] is None


def test_roc_goes_from_corner_to_corner() -> None:
    false, true = roc(np.array([0.9, 0.8, 0.8, 0.1]), np.array([True, False, True, False]))
    np.testing.assert_allclose(false, [0, 0, 0.5, 1])
    np.testing.assert_allclose(true, [0, 0.5, 1, 1])


def test_the_verdict_says_how_far_off(tmp_path: Path) -> None:
    found = verdict(regression())
    off = "guessing the average is off by 0.6; a linear model by 0.6."
    assert found.headline == f"Typically off by 0.3 (0.3% of a typical value); {off}"
    assert found.level == "good"
    with language.using("zh"):
        assert verdict(regression()).headline == "通常偏差 0.3（典型值的 0.3%）；猜平均值偏差 0.6；线性模型偏差 0.6。"


def test_the_verdict_speaks_of_half_the_rows_where_far_misses_make_the_mean() -> None:
    made = regression()
    scores = {**made.best.metrics, "mae": Score(0.7, 0.7, 0.02)}
    found = verdict(replace(made, runs=(replace(made.best, metrics=scores), *made.runs[1:])))
    assert found.measure == "median_absolute_error"
    assert found.headline == (
        "Half of the rows are off by less than 0.3 (0.3% of a typical value); guessing the average by less than 0.6; "
        "a linear model by less than 0.6; far misses bring the average to 0.7: look at these first."
    )


@pytest.mark.parametrize(("error", "said"), [(0.6, ""), (0.2999, ""), (0.24, "20%")])
def test_the_verdict_names_boosted_trees_only_where_they_are_better(error: float, said: str) -> None:
    """The winner is off by 0.3."""
    made = regression()
    scores = {metric: Score(error, error, 0.05) for metric in made.best.metrics}
    found = verdict(replace(made, baselines={**made.baselines, "boosted_trees": scores})).against_trees
    assert said in found
    assert bool(found) == bool(said)
