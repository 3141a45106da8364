"""Diagnostics: figures and curves against scikit-learn, live formulas, and no chart with too many points."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pyarrow as pa
import pytest
from sklearn import metrics
from sklearn.calibration import calibration_curve

from tests.report.make import made_job, made_result, made_table, made_target
from xltrain import language
from xltrain.engine.result import Dependence, Importance, TargetResult
from xltrain.excel.chart import MAX_POINTS, ChartData
from xltrain.excel.write import new_book
from xltrain.language import label
from xltrain.report import ranking
from xltrain.report.diagnostics import write_diagnostics
from xltrain.report.diagnostics_layout import quantile_codes
from xltrain.report.importance import write_importance
from xltrain.report.report import Report

pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported")


def written(folder: Path, targets: list[TargetResult], table: Any = None, write: Any = write_diagnostics) -> Any:
    path = folder / "r.xlsx"
    with new_book(path, "made") as book:
        data = ChartData(book, "charts")
        report = Report(path, book, data, made_job(folder), made_result(*targets), table or made_table(), None, "")
        write(report, "sheet")
        data.write()
    return openpyxl.load_workbook(path)


def scores(rows: int = 400, ties: bool = True) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    positive = rng.random(rows) < 0.3
    score = np.clip(0.3 + 0.25 * positive + rng.normal(0, 0.2, rows), 0.01, 0.99)
    return (np.round(score, 2) if ties else score), positive


@pytest.mark.parametrize("ties", [True, False])
def test_curves_are_scikit_learns(ties: bool) -> None:
    score, positive = scores(ties=ties)
    assert ranking.auc(score, positive) == pytest.approx(metrics.roc_auc_score(positive, score))
    assert ranking.average_precision(score, positive) == pytest.approx(metrics.average_precision_score(positive, score))
    false, true, _ = metrics.roc_curve(positive, score, drop_intermediate=False)
    own = ranking.roc(score, positive)
    np.testing.assert_allclose(own[0], false)
    np.testing.assert_allclose(own[1], true)
    precision, recall, _ = metrics.precision_recall_curve(positive, score)
    own = ranking.precision_recall(score, positive)
    np.testing.assert_allclose(own[0], precision[:-1][::-1])
    np.testing.assert_allclose(own[1], recall[:-1][::-1])


def test_calibration_is_scikit_learns() -> None:
    score, positive = scores(ties=False)
    true, said = calibration_curve(positive, score, n_bins=10, strategy="quantile")
    own = ranking.calibration(score, positive)
    np.testing.assert_allclose(own[0], said, atol=0.01)
    np.testing.assert_allclose(own[1], true, atol=0.03)
    assert own[2].sum() == len(score)
    assert own[2].max() - own[2].min() <= 1
    even = np.random.default_rng(0).random(20_000)
    assert ranking.calibration_error(even, np.random.default_rng(1).random(20_000) < even) < 0.02
    assert ranking.calibration_error(even, np.random.default_rng(1).random(20_000) < even**2) > 0.1


def test_thresholds_gains_and_lift() -> None:
    score, positive = scores()
    thresholds = np.array([0.0, 0.3, 0.5, 1.0])
    true, false = ranking.at_thresholds(score, positive, thresholds)
    for at, threshold in enumerate(thresholds):
        (_, wrong), (_, right) = metrics.confusion_matrix(positive, score >= threshold, labels=[False, True])
        assert (true[at], false[at]) == (right, wrong)
    share, found = ranking.gains(score, positive)
    assert (share[0], found[0], share[-1], found[-1]) == (0, 0, 1, 1)
    rows, hits = ranking.lift(score, positive)
    assert rows.tolist() == [40] * 10
    assert hits.sum() == positive.sum()
    best = np.sort(np.argsort(-score, kind="stable")[:40])
    assert hits[0] == positive[best].sum()


def test_one_sided_scores_have_no_area() -> None:
    score = np.array([0.1, 0.4, 0.4])
    assert np.isnan(ranking.auc(score, np.ones(3, bool)))
    assert np.isnan(ranking.average_precision(score, np.zeros(3, bool)))
    assert ranking.calibration(score, np.ones(3, bool))[2].sum() == 3


def test_quantile_codes_keep_equal_values_together() -> None:
    values = np.array([1.0] * 50 + [2.0] * 3 + [3.0] * 47)
    codes, count = quantile_codes(values, 5)
    assert len({(code, value) for code, value in zip(codes, values, strict=True)}) == 3
    assert count == codes.max() + 1


def strip(sheet: Any) -> dict[str, Any]:
    """The figures of the first section."""
    for row in range(1, 12):
        if sheet.cell(row, 1).value == label("rows"):
            return {sheet.cell(row, at).value: sheet.cell(row + 1, at).value for at in range(1, 20, 2)}
    raise AssertionError


def test_figures_of_numbers(tmp_path: Path) -> None:
    target = made_target(made_table(), unscored=4)
    ledger = target.ledger
    low, high = ledger.prediction - 5, ledger.prediction + 5
    target = replace(target, ledger=replace(ledger, low=low, high=high))
    sheet = written(tmp_path, [target])["sheet"]
    actual, predicted = ledger.target[:56], ledger.prediction[:56]
    shown = strip(sheet)
    assert shown[label("rows")] == 56
    assert shown[label("mae")] == pytest.approx(metrics.mean_absolute_error(actual, predicted))
    assert shown[label("rmse")] == pytest.approx(metrics.root_mean_squared_error(actual, predicted))
    assert shown[label("coverage")] == pytest.approx(np.mean(np.abs(actual - predicted) <= 5))
    assert shown[label("interval_width")] == pytest.approx(10)
    # Predicted, histogram, residuals by predicted, quantiles, coverage, and by the one numeric feature.
    assert len(sheet._charts) == 6


def test_figures_of_two_classes_and_live_costs(tmp_path: Path) -> None:
    target = made_target(made_table(), ("no", "yes"), "kind")
    sheet = written(tmp_path, [target])["sheet"]
    ledger = target.ledger
    shown = strip(sheet)
    assert shown[label("roc_auc")] == pytest.approx(metrics.roc_auc_score(ledger.target, ledger.probability[:, 1]))
    assert shown[label("brier")] == pytest.approx(metrics.brier_score_loss(ledger.target, ledger.probability[:, 1]))
    assert shown[label("log_loss")] == pytest.approx(metrics.log_loss(ledger.target, ledger.probability))
    assert len(sheet._charts) == 6
    head = next(row for row in range(1, 60) if sheet.cell(row, 1).value == label("threshold"))
    formula = sheet.cell(head + 1, 9).value
    assert formula == f"=$D${head - 4}*D{head + 1}+$D${head - 3}*E{head + 1}"
    assert sheet.cell(head - 2, 4).value.startswith("=INDEX($A$")
    stored = openpyxl.load_workbook(tmp_path / "r.xlsx", data_only=True)["sheet"]
    for row in range(head + 1, head + 20):
        told, found, missed, alarms = (stored.cell(row, at).value for at in range(2, 6))
        assert told == found + alarms
        assert found + missed == (ledger.target == 1).sum()
        assert stored.cell(row, 9).value == missed + alarms
    costs = [stored.cell(row, 9).value for row in range(head + 1, head + 24)]
    best = stored.cell(head - 2, 4).value
    assert best == stored.cell(head + 1 + int(np.argmin(costs)), 1).value


def test_figures_of_each_class(tmp_path: Path) -> None:
    classes = ("a", "b", "c", "d")
    target = made_target(made_table(), classes, "kind")
    sheet = written(tmp_path, [target])["sheet"]
    ledger = target.ledger
    report = metrics.classification_report(
        ledger.target, ledger.prediction, labels=range(4), target_names=classes, output_dict=True, zero_division=0
    )
    head = next(row for row in range(1, 40) if sheet.cell(row, 1).value == label("class"))
    names = [*classes, "macro avg", "weighted avg"]
    for row, name in enumerate(names, head + 1):
        for column, figure in enumerate(("precision", "recall", "f1-score"), 2):
            assert (sheet.cell(row, column).value or 0) == pytest.approx(report[name][figure])
    areas = metrics.roc_auc_score(ledger.target, ledger.probability, multi_class="ovr", average=None)
    assert [sheet.cell(head + 1 + index, 5).value for index in range(4)] == pytest.approx(areas.tolist())
    matrix = metrics.confusion_matrix(ledger.target, ledger.prediction)
    top = next(row for row in range(1, 40) if str(sheet.cell(row, 1).value).startswith("actual"))
    found = [[sheet.cell(top + 1 + row, 2 + column).value for column in range(4)] for row in range(4)]
    assert found == matrix.tolist()


def test_ordered_classes_have_steps(tmp_path: Path) -> None:
    target = made_target(made_table(), ("1", "2", "3"), "grade")
    sheet = written(tmp_path, [target])["sheet"]
    steps = np.abs(target.ledger.target - target.ledger.prediction)
    assert strip(sheet)[label("mean_steps")] == pytest.approx(steps.mean())
    assert len(sheet._charts) == 3


@pytest.mark.slow
def test_no_chart_has_more_points_than_it_may(tmp_path: Path) -> None:
    table = made_table(20_000)
    book = written(tmp_path, [made_target(table)], table)
    for chart in book["sheet"]._charts:
        points = sum(
            int(series.yVal.numRef.numCache.ptCount) for series in chart.series if getattr(series, "yVal", None)
        )
        assert points <= MAX_POINTS


@pytest.mark.parametrize("classes", [(), ("no", "yes"), ("a", "b", "c")])
def test_nothing_scored_leaves_an_empty_section(tmp_path: Path, classes: tuple[str, ...]) -> None:
    target = made_target(made_table(), classes, "kind" if classes else "price")
    nothing = replace(target.ledger, prediction=np.full(60, np.nan))
    assert not written(tmp_path, [replace(target, ledger=nothing)])["sheet"]._charts


def test_one_class_alone_and_a_constant_target(tmp_path: Path) -> None:
    target = made_target(made_table(), ("no", "yes"), "kind")
    zeros = replace(target.ledger, target=np.zeros(60))
    assert written(tmp_path, [replace(target, ledger=zeros)])["sheet"]._charts
    number = made_target(made_table())
    same = replace(number.ledger, target=np.full(60, 5.0), prediction=np.full(60, 5.0))
    assert written(tmp_path, [replace(number, ledger=same)])["sheet"]._charts


def importance(outputs: int = 1) -> Importance:
    x = np.linspace(1, 5, 8)
    y, spread = np.outer(x / 10, np.ones(outputs)), np.full((8, outputs), 0.02)
    names = ("u", "v", "w")
    number = Dependence("size", "number", x, tuple(map(str, x)), y, spread, np.full(8, 1 / 8))
    category = Dependence("text", "category", np.arange(3.0), names, y[:3], spread[:3], np.array([0.5, 0.3, 0.2]))
    day = Dependence("day", "date", 19_000 + x, tuple(map(str, x)), y, spread, np.full(8, 1 / 8))
    values = np.array([0.5, 0.1, -0.01])
    return Importance(
        "mae",
        ("size", "text", "day"),
        values,
        values / 10,
        0.3,
        60,
        5,
        (number, category, day),
        (("size", "day", 0.93),),
    )


@pytest.mark.parametrize("tongue", ["en", "zh"])
@pytest.mark.parametrize("classes", [(), ("no", "yes"), ("a", "b", "c")])
def test_the_importance_sheet(tmp_path: Path, tongue: str, classes: tuple[str, ...]) -> None:
    target = made_target(made_table(), classes, "kind" if classes else "price")
    found = importance(max(len(classes), 1))
    with language.using(tongue):
        book = written(tmp_path, [replace(target, importance=found)], write=write_importance)
    sheet = book["sheet"]
    assert [sheet.cell(row, 2).value for row in (5, 6, 7)] == ["size", "text", "day"]
    assert sheet["C5"].value == 0.5
    assert sheet["E5"].value == pytest.approx(0.5 / 0.3)
    assert sheet["F5"].value == "day (0.93)"
    assert len(sheet._charts) == 4
    assert sheet._charts[0].series[0].errBars.errValType == "cust"


def test_no_importance_no_sheet(tmp_path: Path) -> None:
    book = written(
        tmp_path,
        [made_target(made_table())],
        write=lambda report, name: (write_importance(report, name), report.book.sheet("other")),
    )
    assert book.sheetnames == ["other"]


def test_a_category_of_residuals(tmp_path: Path) -> None:
    table = made_table()
    kind = pa.array(["u", "v", None] * 20)
    table = replace(table, data=table.data.set_column(0, "text", kind))
    assert len(written(tmp_path, [made_target(table)], table)["sheet"]._charts) == 6
