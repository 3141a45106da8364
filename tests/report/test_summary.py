"""The page one hands on: what is good enough, what was found, what would help, and nothing of single rows to share."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pyarrow as pa
import pytest

from tests.calls import parse_call
from tests.report.make import made_job, made_merge, made_result, made_table, made_target
from xltrain import language
from xltrain.config.condition import parse_condition, parse_conditions
from xltrain.config.settings import Column
from xltrain.data.leaks import Leaks
from xltrain.engine.result import Dependence, Importance, Score, Suspects, TargetResult
from xltrain.errors import ConfigError
from xltrain.excel.write import EPOCH, short
from xltrain.language import label, using
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
    assert len(numbers) > 20
    for name in ("size", "price"):
        assert not numbers & set(table.data.column(name).to_pylist())
    assert "north's.xlsx!" not in whole


def test_the_copy_to_hand_on_has_no_value_of_fewer_than_five_rows(tmp_path: Path) -> None:
    rows = 61
    rng = np.random.default_rng(3)
    kinds = ["SECRET"] + ["rare"] * 4 + ["often"] * 30 + ["other"] * 26
    data = pa.table(
        {
            "text": kinds,
            "size": rng.normal(10, 2, rows),
            "price": rng.normal(100, 10, rows),
            "day": pa.array((np.datetime64("2024-01-01") + np.arange(rows)).astype("datetime64[us]")),
        }
    )
    table = replace(made_table(rows), data=data)
    made = made_target(table)
    spread = np.full((4, 1), 0.1)
    kinds_of = Dependence(
        "text", "category", np.arange(4.0), ("often", "other", "rare", "SECRET"), np.ones((4, 1)), spread,
        np.array([0.5, 0.4, 0.07, 0.02]),
    )  # fmt: skip
    sizes = np.sort(data.column("size").to_numpy())[[2, 20, 40, 58]]
    numbers = Dependence("size", "number", sizes, ("",) * 4, np.arange(4.0)[:, None], spread, np.full(4, 0.25))
    days = replace(numbers, column="day", kind="date", x=19723 + np.arange(0, 60, 15.0))
    weights = np.array([0.3, 0.2, 0.1])
    curves = (kinds_of, numbers, days)
    known = Importance("rmse", ("text", "size", "day"), weights, weights / 10, 0.3, rows, 5, curves)
    target = replace(suspicious(made, 7), importance=known)
    path = tmp_path / "results.xlsx"
    columns = tuple(Column(name) for name in table.names)
    columns = (replace(columns[0], encoder=parse_call("encoders", "onehot")), *columns[1:])
    write_results(
        path,
        replace(made_job(tmp_path), columns=columns),
        replace(made_result(target), samples=rows, notes=("SECRET stands in books/south.xlsx!数据!D7",)),
        table,
        made_merge(),
        job_sheets=lambda book: None,
        samples_file="results/samples.parquet",
        settled=(),
        share=True,
    )
    book = openpyxl.load_workbook(path)
    whole = "\n".join(words(sheet) for sheet in book)
    assert "often" in whole
    assert "Importance" in book.sheetnames
    for hidden in ("SECRET", "rare", "D7", label("Suspects"), label("Findings")):
        assert hidden not in whole
    numbers_shown = {cell.value for sheet in book for row in sheet for cell in row if isinstance(cell.value, float)}
    texts = {part.strip(",") for part in whole.split()}
    for name in ("size", "price"):
        values = table.data.column(name).to_pylist()
        assert not numbers_shown & set(values)
        assert not texts & {short(value, 4) for value in (min(values), max(values), float(np.median(values)))}
    dates = {19723.0 + EPOCH + day for day in range(rows)}
    assert not {value for value in numbers_shown if value > 40_000} & dates


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


def scored(target: TargetResult, **values: float) -> TargetResult:
    """The same target, whose winner has these metrics and no others."""
    best = {name: Score(value, value, 0.0) for name, value in values.items()}
    return replace(target, runs=(replace(target.runs[0], metrics=best), *target.runs[1:]))


def compared(target: TargetResult, name: str, **values: float) -> TargetResult:
    scores = {metric: Score(value, value, 0.0) for metric, value in values.items()}
    return replace(target, baselines={**target.baselines, name: scores})


def test_a_leak_stands_first_and_tempers_verdict_and_mail(tmp_path: Path) -> None:
    clean = compared(scored(regression(), mae=0.1, rmse=0.1), "constant", mae=1.0, rmse=1.0)
    target = replace(clean, leaks=Leaks((("twin", 0.99995),), 4))
    assert verdict(clean).level == "good"
    found = verdict(target)
    assert found.level == "little"
    assert found.judgement.startswith("90% of the error of guessing is gone, but twin alone gives price away")
    sheet = write(tmp_path, target, good_enough="mae<0.5")["Summary"]
    said = [str(cell.value) for row in sheet for cell in row if cell.value is not None]
    assert next(line for line in said if "Good enough" in line).startswith(found.judgement)
    assert "• twin alone explains 99.99% of price: too good to be true if it is known only afterwards." in said
    assert "• 4 rows stand in another fold too, with the same values: the scores flatter." in said
    assert any(line.startswith("• Is twin known before price is? If not, give it the role ignore") for line in said)
    assert "But twin alone gives price away" in next(line for line in said if line.startswith("price: Typically off"))
    assert "gives price away" not in words(write(tmp_path, clean)["Summary"])


def test_what_is_said_of_other_models_holds_by_every_measure_shown() -> None:
    target = scored(regression(), mae=4.27, rmse=16.39, median_absolute_error=1.858, r2=0.02)
    target = replace(target, metric="rmse")
    both = compared(target, "linear", mae=5.1, rmse=15.2, median_absolute_error=2.4)
    both = compared(both, "boosted_trees", mae=5.16, rmse=17.36, median_absolute_error=1.5)
    found = verdict(both)
    assert found.measure == "median_absolute_error"
    assert found.against_linear == (
        "Compared with a linear model it is closer in half of the rows, but farther off where it misses: "
        "median absolute error 1.86 against 2.4; rmse 16.4 against 15.2."
    )
    assert "better by rmse 16.4 against 17.4; worse by median absolute error 1.86 against 1.5" in found.against_trees
    assert not found.trees_ahead
    all_worse = compared(target, "boosted_trees", mae=3.0, rmse=12.0, median_absolute_error=1.5)
    assert verdict(all_worse).trees_ahead
    all_better = compared(target, "linear", mae=6.0, rmse=20.0, median_absolute_error=1.86)
    assert verdict(all_better).against_linear == "A linear model errs more; by mae 29% of its error is gone."


@pytest.mark.parametrize(
    ("rmse", "level", "said"),
    [
        (16.0, "little", "but by rmse it is no better than guessing"),
        (15.0, "little", "A weak model: by median absolute error 60% of the error of guessing is gone, but by rmse"),
        (10.0, "usable", "A usable model: by median absolute error 60% of the error of guessing is gone, by rmse 38%."),
        (6.0, "good", "A good model: 60% of the error of guessing is gone."),
    ],
)
def test_the_level_says_no_more_than_the_jobs_metric_allows(rmse: float, level: str, said: str) -> None:
    target = replace(scored(regression(), mae=4.0, rmse=rmse, median_absolute_error=1.0), metric="rmse")
    found = verdict(compared(target, "constant", mae=6.0, rmse=16.1, median_absolute_error=2.5))
    assert (found.level, said in found.judgement) == (level, True), found.judgement


def test_a_run_that_was_not_chosen_may_do_better_on_the_rows_held_out() -> None:
    made = regression()
    target = replace(made, corrected=Score(0.31, 0.31, 0.0), runs=(made.runs[0], scored(made, rmse=0.29).runs[0]))
    target = replace(target, runs=(made.runs[0], replace(target.runs[1], name="other")))
    said = verdict(target).of_choice
    assert said.startswith("It was chosen among 2 runs on rows kept for validation, which flatters a little")
    assert "On the held-out rows run other is ahead (rmse 0.3 against 0.29)" in said
    assert "held-out" not in verdict(replace(made, corrected=Score(0.31, 0.31, 0.0))).of_choice


def test_the_data_sheet_tells_ends_and_not_limits(tmp_path: Path) -> None:
    with using("zh"):
        heads = [cell.value for cell in write(tmp_path, regression())["数据"][4]]
    assert {"最小值", "最大值"} <= set(heads)
    assert not {"上限", "下限"} & set(heads)


def test_technical_headers_explain_themselves(tmp_path: Path) -> None:
    book = write(tmp_path, regression())
    noted = {cell.value for row in book["Summary"] for cell in row if cell.comment}
    assert {label(word) for word in ("mae", "rmse", "median_absolute_error", "r2", "out_of_fold_loss")} <= noted
    noted = {cell.value for cell in book["Data"][4] if cell.comment}
    assert {label("role"), label("type"), label("encoder")} <= noted
    assert label("schedule") in {cell.value for cell in book["Leaderboard"][4] if cell.comment}
