"""Every problem of a job at once, each with its cell; what Excel made of a cell is read as meant or refused."""

import datetime as dt
from pathlib import Path

import pytest

from tests.books import write_sheets
from tests.config.make import write
from xltrain.config.check import read_job
from xltrain.config.settings import Job
from xltrain.errors import ConfigError
from xltrain.workflow.check import check


def problems(path: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read_job(path)
    return [str(problem) for problem in caught.value.problems]


def test_a_good_job(tmp_path: Path) -> None:
    job = read_job(write(tmp_path / "job.xlsx"))
    assert (job.name, job.folds, job.metric, job.targets) == ("test", 5, "rmse", ("price",))
    assert [(run.name, str(run.model), str(run.loss[0])) for run in job.runs] == [("one", "mlp(128, 128)", "mse")]
    assert str(job.runs[0].place) == "job.xlsx!Runs!2:2"


def test_every_mistake_has_its_cell(tmp_path: Path) -> None:
    path = write(
        tmp_path / "job.xlsx",
        Job=[["setting", "value"], ["folds", 1], ["metrik", "rmse"], ["device", "gpu"]],
        Columns=[["name", "role", "type"], ["price", "target", "number"], ["price", "feature", None]],
        Runs=[
            ["name", "model", "loss", "optimizer", "epochs"],
            ["a", "mlp", "hubber", "adamw(lr=-1)", "many"],
            ["a", None, "huber(delta=-1.0)", "adamw", 2.5],
        ],
    )
    found = problems(path)
    places = [line.partition(":")[0] for line in found]
    assert places == [
        "job.xlsx!Columns!C2",
        "job.xlsx!Columns!A3",
        "job.xlsx!Job!B2",
        "job.xlsx!Job!A3",
        "job.xlsx!Job!B4",
        "job.xlsx!Runs!C2",
        "job.xlsx!Runs!D2",
        "job.xlsx!Runs!E2",
        "job.xlsx!Runs!3",
        "job.xlsx!Runs!3",
        "job.xlsx!Runs!C3",
        "job.xlsx!Runs!E3",
    ]
    assert "job.xlsx!Runs!C3: delta must be above 0, got -1" in found
    assert "job.xlsx!Runs!C2: unknown loss 'hubber'; did you mean 'huber'?" in found
    assert any("did you mean 'metric'?" in line for line in found)


def test_what_excel_made_of_a_cell_is_read_as_meant(tmp_path: Path) -> None:
    path = write(
        tmp_path / "job.xlsx",
        Runs=[["model", "clip_norm", "epochs", "seed", "keep"], ["mlp(64|128)", 1e-3, 50.0, "1|2", True]],
    )
    job = read_job(path)
    assert [(run.clip_norm, run.epochs, run.seed, run.keep) for run in job.runs[:2]] == [
        (0.001, 50, 1, True),
        (0.001, 50, 2, True),
    ]
    assert len({run.name for run in job.runs}) == 4


def test_all_rows_may_be_asked_for_in_words(tmp_path: Path) -> None:
    path = write(
        tmp_path / "job.xlsx", Runs=[["name", "model", "batch_size"], ["a", "mlp", "64 | all"], ["b", "mlp", "全部"]]
    )
    job = read_job(path)
    assert [(run.name, run.batch_size) for run in job.runs] == [
        ("a batch_size=64", 64),
        ("a batch_size=all", 0),
        ("b", 0),
    ]


def test_switches_of_a_run_are_read_and_kept_within_their_limits(tmp_path: Path) -> None:
    heads = ["model", "clip_value", "lr_scale", "sam", "ema"]
    path = write(tmp_path / "job.xlsx", Runs=[heads, ["mlp", "none", "平方根", "0 | 0.05", "99%"], ["linear", 0.5]])
    job = read_job(path)
    assert [(run.clip_value, run.lr_scale, run.sam, run.ema) for run in job.runs] == [
        (0, "sqrt", 0, 0.99),
        (0, "sqrt", 0.05, 0.99),
        (0.5, "none", 0, 0),
    ]
    bad = write(tmp_path / "bad.xlsx", Runs=[heads, ["mlp", -1, "cubic", -0.1, 1]])
    assert [line.split(": ")[0] for line in problems(bad)] == [f"bad.xlsx!Runs!{letter}2" for letter in "BCDE"]


def test_what_does_not_go_together_is_told(tmp_path: Path) -> None:
    heads = ["model", "optimizer", "batch_size", "sam"]
    rows = [heads, ["mlp(8)", "lbfgs", "all", 0], ["mlp(9)", "lbfgs", 32, 0.1]]
    found = problems(write(tmp_path / "job.xlsx", Runs=rows))
    assert found[0].startswith("job.xlsx!Runs!C3: lbfgs learns from all rows at once: batch_size must be all, got 32")
    assert found[1].startswith("job.xlsx!Runs!D3: sam must be 0 with lbfgs")
    assert len(found) == 2
    rates = [["model", "optimizer", "lr_scale"], ["mlp", "adamw(lr=auto)", "linear"]]
    assert problems(write(tmp_path / "auto.xlsx", Runs=rates))[0].startswith("auto.xlsx!Runs!C2: lr_scale must be none")
    found = problems(write(tmp_path / "other.xlsx", Runs=[["model", "optimizer"], ["mlp", "adamw | lbfgs"]]))
    assert [line.split(": ")[0] for line in found] == ["other.xlsx!Runs!B2"]


def test_what_excel_turned_into_a_date_is_refused_with_its_cell(tmp_path: Path) -> None:
    path = write(tmp_path / "job.xlsx", Runs=[["model", "optimizer", "epochs"], ["mlp", dt.date(2024, 1, 2), "=1/0"]])
    found = problems(path)
    assert found[0].startswith("job.xlsx!Runs!B2: ")
    assert "2024-01-02" in found[0]
    assert "format the cell as text" in found[0]
    assert found[1].startswith("job.xlsx!Runs!C2: ")
    assert "#DIV/0!" in found[1]


def test_both_languages_are_understood(tmp_path: Path) -> None:
    chinese = write_sheets(
        tmp_path / "任务.xlsx",
        {
            "任务": [["设置", "值"], ["折数", 3]],
            "来源": [["路径"], ["data.xlsx"]],
            "列": [["名称", "角色", "类型"], ["价格", "目标", "数值"]],
            "运行": [["名称", "模型"], ["一", "mlp（64）"]],
        },
    )
    job = read_job(chinese)
    assert job.folds == 3
    assert job.targets == ("价格",)
    assert job.columns[0].type == "numeric"
    assert str(job.runs[0].model) == "mlp(64)"


def test_flags_go_before_cells(tmp_path: Path) -> None:
    path = write(tmp_path / "job.xlsx")
    job = read_job(path, ["runs.epochs=7", "folds=3", "job.seed＝4"])
    assert (job.runs[0].epochs, job.folds, job.seed) == (7, 3, 4)
    with pytest.raises(ConfigError, match="did you mean 'epochs'"):
        read_job(path, ["runs.epoch=7"])
    with pytest.raises(ConfigError, match="--set needs"):
        read_job(path, ["epochs"])


def test_losses_and_metrics_must_fit_the_task(tmp_path: Path) -> None:
    path = write(
        tmp_path / "job.xlsx",
        Job=[["setting", "value"], ["task", "regression"], ["metric", "accuracy"]],
        Runs=[["model", "loss"], ["mlp", "cross_entropy"], ["linear", "mse + focal"]],
    )
    assert [line.partition(":")[0] for line in problems(path)] == [
        "job.xlsx!Job!B3",
        "job.xlsx!Runs!B2",
        "job.xlsx!Runs!B3",
    ]


def test_an_empty_job_says_what_is_missing(tmp_path: Path) -> None:
    found = problems(write(tmp_path / "job.xlsx", Sources=[["path"]], Columns=[["name", "role"]], Runs=[["model"]]))
    assert len(found) == 3


def test_rows_can_be_switched_off(tmp_path: Path) -> None:
    path = write(tmp_path / "job.xlsx", Runs=[["name", "model"], ["# not now", "mlp"], ["one", "linear"]])
    assert [run.name for run in read_job(path).runs] == ["one"]


def test_sources_that_are_not_there(tmp_path: Path) -> None:
    assert [str(each.place) for each in check(write(tmp_path / "job.xlsx")).problems] == ["job.xlsx!Sources!A2"]


def test_what_is_no_job(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no sheet called"):
        read_job(write_sheets(tmp_path / "a.xlsx", {"Data": [["a"], [1]]}))
    with pytest.raises(ConfigError, match="does not exist"):
        read_job(tmp_path / "none.xlsx")
    (tmp_path / "bad.toml").write_text("folds = ", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"bad\.toml"):
        read_job(tmp_path / "bad.toml")


def test_default_job_is_frozen() -> None:
    with pytest.raises(AttributeError):
        Job().folds = 3  # type: ignore[misc]


def test_rows_of_columns_without_a_name_are_each_a_line(tmp_path: Path) -> None:
    rows = [["name", "role"], ["price", "target"], [None, "feature"], [None, "weight"]]
    found = problems(write(tmp_path / "job.xlsx", Columns=rows))
    assert [line.partition(":")[0] for line in found] == ["job.xlsx!Columns!3", "job.xlsx!Columns!4"]


def test_a_split_may_name_a_column_that_the_job_does_not_list(tmp_path: Path) -> None:
    rows = [["setting", "value"], ["split", "time(month)"]]
    columns = [["name", "role"], ["price", "target"], ["shop", "feature"]]
    assert str(read_job(write(tmp_path / "job.xlsx", Job=rows, Columns=columns)).split) == "time(column=month)"


def test_runs_that_nobody_named_have_names_of_their_own(tmp_path: Path) -> None:
    rows = [["name", "model", "epochs"], [None, "mlp(8)", 5], [None, "mlp(8)", 9], ["mine", "mlp(8)", 9]]
    assert [run.name for run in read_job(write(tmp_path / "job.xlsx", Runs=rows)).runs] == [
        "mlp(8)",
        "mlp(8) #2",
        "mine",
    ]


def test_a_model_to_begin_with_must_be_there(tmp_path: Path) -> None:
    rows = [["model", "warm_start"], ["mlp(8)", "old/model.safetensors"]]
    (line,) = problems(write(tmp_path / "job.xlsx", Runs=rows))
    assert line.startswith("job.xlsx!Runs!B2: there is no model file old/model.safetensors")


def test_an_alias_is_no_other_column(tmp_path: Path) -> None:
    rows = [["name", "role", "aliases"], ["branch", "feature", "Shop, store"], ["shop", "feature", None]]
    path = write(tmp_path / "job.xlsx", Columns=[*rows, ["price", "target", "Price, price"]])
    (said,) = [each for each in problems(path) if "alias" in each]
    assert "Columns!C2: 'Shop' is an alias of 'branch' and a column of its own; delete the row of 'shop'" in said
