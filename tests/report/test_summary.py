"""The page one hands on: what is good enough, what was found, what would help, and nothing of single rows to share."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest

from tests.report.make import made_job, made_merge, made_result, made_table, made_target
from xltrain import language
from xltrain.config.condition import parse_condition, parse_conditions
from xltrain.engine.result import Score, Suspects, TargetResult
from xltrain.errors import ConfigError
from xltrain.language import label
from xltrain.report.verdict import verdict
from xltrain.report.workbook import write_results

pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported")


def write(folder: Path, *targets: TargetResult, share: bool = False, good_enough: str = "") -> Any:
    path = folder / "results.xlsx"
    write_results(
        path,
        replace(made_job(folder), good_enough=good_enough),
        made_result(*targets),
        made_table(),
        made_merge(),
        job_sheets=lambda book: book.add_worksheet(label("Job")),
        samples_file="results/samples.parquet",
        share=share,
    )
    return openpyxl.load_workbook(path)


def words(sheet: Any) -> str:
    return "\n".join(str(cell.value) for row in sheet for cell in row if cell.value is not None)


def regression(name: str = "price") -> TargetResult:
    return made_target(made_table(), name=name)


def suspicious(target: TargetResult, worth: int) -> TargetResult:
    rows = len(target.ledger.target)
    nothing, none = np.full(rows, np.nan), np.full(rows, -1)
    listed = np.arange(3)
    found = Suspects(
        np.linspace(1, 0, rows), listed, nothing, nothing, ("size",), none, nothing, nothing, nothing, ("",) * 3,
        nothing, nothing, np.full((3, 3), -1), ((),) * 3, worth,
    )  # fmt: skip
    return replace(target, suspects=found)


@pytest.mark.parametrize(
    ("said", "level", "words"),
    [
        ("mae<0.5", "good", "Good enough: mae<0.5 was asked for, found mae 0.3"),
        ("mae<0.1", "usable", "Not good enough yet: mae<0.1"),
        ("10%", "good", "Good enough: 10%"),
        ("rmse<0.1%", "usable", "found rmse 0.3 (0.3% of a typical value)"),
        ("mae<0.5, rmse<0.1", "usable", "Not good enough yet: mae<0.5, rmse<0.1"),
        ("other.mae<0.1", "good", ""),
        ("accuracy>0.9", "good", ""),
    ],
)
def test_good_enough_is_what_the_job_says(said: str, level: str, words: str) -> None:
    found = verdict(regression(), said)
    assert found.level == level
    assert words in found.enough


def test_a_per_cent_alone_is_the_share_of_wrong_rows_for_classes() -> None:
    target = made_target(made_table(), ("a", "b"))
    best = {name: Score(0.93, 0.93, 0.01) for name in target.runs[0].metrics}
    target = replace(target, runs=(replace(target.runs[0], metrics=best), *target.runs[1:]))
    assert "Good enough" in verdict(target, "10%").enough
    assert "Not good enough" in verdict(target, "5%").enough


@pytest.mark.parametrize(
    ("said", "metric", "sign", "limit"),
    [
        ("rmse<400", "rmse", "<", 400),
        ("Y1.rmse <= 0.5", "rmse", "<=", 0.5),
        ("mae＜５％", "mae", "<", 0.05),
        ("10%", "", "<=", 0.1),
    ],
)
def test_conditions(said: str, metric: str, sign: str, limit: float) -> None:
    found = parse_condition(said)
    assert (found.metric, found.sign, found.limit) == (metric, sign, pytest.approx(limit))


@pytest.mark.parametrize("said", ["rmse", "rmze<3", "rmse<a", "<3", "rmse<1e"])
def test_what_is_no_condition(said: str) -> None:
    with pytest.raises(ConfigError):
        parse_conditions(said)


def test_the_summary_says_what_was_found_and_what_would_help(tmp_path: Path) -> None:
    shown = words(write(tmp_path, suspicious(regression(), 7), good_enough="mae<0.1")["Summary"])
    assert "Not good enough yet" in shown
    assert "7 rows look wrong and are worth checking: see sheet Suspects." in shown
    assert "Check the 7 rows in sheet Suspects" in shown
    assert "There are only 60 rows" in shown
    assert "price: Typically off by 0.3" in shown


def test_every_setting_of_every_run_stands_in_the_leaderboard(tmp_path: Path) -> None:
    sheet = write(tmp_path, regression())["Leaderboard"]
    heads = [cell.value for cell in sheet[4]]
    for name in ("epochs", "batch_size", "patience", "seed", "warm_start", "objective"):
        column = heads.index(name) + 1
        assert sheet.column_dimensions[openpyxl.utils.get_column_letter(column)].outlineLevel == 1
    assert sheet.cell(5, heads.index("batch_size") + 1).value == 64
    assert "clipped steps" in heads
    assert len(sheet._charts) == 5
    assert sheet.cell(4, heads.index("clipped steps") + 1).comment


def test_several_targets_have_a_sheet_of_their_own(tmp_path: Path) -> None:
    book = write(tmp_path, regression(), regression("size"))
    rows = list(book["Targets"].iter_rows(min_row=5, max_row=6, values_only=True))
    assert [(row[0], row[2], row[4], row[5]) for row in rows] == [
        ("price", "best", 0.3, 0.6),
        ("size", "best", 0.3, 0.6),
    ]
    assert "Targets" not in write(tmp_path / "..", regression()).sheetnames


def test_nothing_of_single_rows_is_shared(tmp_path: Path) -> None:
    with language.using("en"):
        book = write(tmp_path, suspicious(regression(), 7), share=True)
    assert book.sheetnames == ["Summary", "Leaderboard", "Curves", "Slices", "Data", "xltrain charts"]
    whole = "\n".join(words(sheet) for sheet in book)
    table = made_table()
    assert not any(value in whole for value in table.data.column("text").to_pylist())
    numbers = {cell.value for sheet in book for row in sheet for cell in row if isinstance(cell.value, float)}
    for name in ("size", "price"):
        assert not numbers & set(table.data.column(name).to_pylist())
    assert "north's.xlsx!" not in whole


def test_no_chart_has_too_many_points(tmp_path: Path) -> None:
    book = write(tmp_path, regression())
    for sheet in book:
        for chart in sheet._charts:
            points = 0
            for series in chart.series:
                area = (
                    (series.yVal or series.val).numRef.f
                    if hasattr(series, "yVal") and series.yVal
                    else series.val.numRef.f
                )
                first, last = (int("".join(filter(str.isdigit, part))) for part in area.rpartition("!")[2].split(":"))
                points += last - first + 1
            assert points <= 5000
