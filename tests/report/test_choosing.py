"""What choosing among runs found out, in the leaderboard and in plain sentences."""

from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest

from tests.report.make import made_job, made_result, made_table, made_target
from xltrain.engine.result import Ensemble, LastPeriod, Score, TargetResult
from xltrain.report.verdict import verdict
from xltrain.report.workbook import write_results


def chosen(corrected: float = 0.35, classes: tuple[str, ...] = ()) -> TargetResult:
    target = made_target(made_table(), classes)
    scores = {name: Score(0.7, 0.7, 0.0) for name in target.best.metrics}
    return replace(
        target,
        corrected=Score(corrected, 0.34, 0.01),
        ensemble=Ensemble(scores, {"best": 0.6, "second": 0.4}),
        last_period=LastPeriod("day", "2024-06", 12, scores),
    )


@pytest.mark.parametrize(
    ("corrected", "said"),
    [(0.35, "its rmse of 0.3 becomes 0.35"), (0.3, "stays at 0.3"), (0.29, "stays at 0.29")],
)
def test_the_correction_in_words(corrected: float, said: str) -> None:
    assert said in verdict(chosen(corrected)).of_choice


def test_how_good_next_month() -> None:
    words = verdict(chosen()).next_period
    assert all(part in words for part in ("How good next month?", "2024-06", "by day", "12 rows", "off by 0.7", "0.3"))
    assert "right in 70 of 100" in verdict(chosen(classes=("a", "b"))).next_period


def test_nothing_is_said_where_nothing_is_known() -> None:
    found = verdict(made_target(made_table()))
    assert found.of_choice == found.next_period == ""


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_leaderboard_holds_both_and_the_mix(tmp_path: Path) -> None:
    table, path = made_table(), tmp_path / "results.xlsx"
    write_results(
        path, made_job(tmp_path), made_result(chosen()), table, None, job_sheets=lambda book: None, samples_file=""
    )
    book = openpyxl.load_workbook(path)
    header, *rows = list(book["Leaderboard"].iter_rows(min_row=4, max_row=10, values_only=True))
    names = [row[header.index("name")] for row in rows if row[header.index("name")]]
    assert names[:3] == ["best", "second", "ensemble"]
    of_choice = header.index("rmse (all rows), corrected for the choice")
    of_month = header.index("rmse on 2024-06, from earlier rows")
    assert [row[of_choice] for row in rows[:3]] == [0.35, None, None]
    assert [row[of_month] for row in rows[:3]] == [0.7, None, None]
    assert rows[2][0] is None
    assert "best (60%), second (40%)" in rows[2][header.index("note")]
    summary = " ".join(str(cell) for row in book["Summary"].iter_rows(values_only=True) for cell in row if cell)
    assert "corrected for the choice" in summary
    assert "How good next month?" in summary
