"""From books to a results workbook and back, through the workflow that the command line calls."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
import xlsxwriter

import xltrain
from xltrain import language
from xltrain.cli import run
from xltrain.engine.result import Result
from xltrain.errors import ConfigError, DataError, RequirementError, WorkbookError, XltrainError
from xltrain.workflow.fit import Fit, fit

# openpyxl does not know the extension in which data bars are stored.
pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported")

QUICK = ("runs.epochs=8", "job.folds=3")
SHEETS = [
    "Summary",
    "Leaderboard",
    "Curves",
    "Samples",
    "Suspects",
    "Slices",
    "Importance",
    "Diagnostics",
    "Data",
    "Merge report",
    "Calendar",
    "Columns read",
    "Dropped and changed",
]
JOB_SHEETS = ["Job", "Sources", "Columns", "Runs", "Shots"]


def write_book(path: Path, frame: pd.DataFrame, first_row: int = 0) -> Path:
    with xlsxwriter.Workbook(path) as workbook:
        page = workbook.add_worksheet("数据")
        for column, name in enumerate(frame.columns):
            page.write_string(first_row, column, name)
            for row, value in enumerate(frame[name]):
                page.write(first_row + 1 + row, column, value)
    return path


def sales(rows: int = 150, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    area = rng.uniform(50, 400, rows).round(1)
    region = rng.choice(["东", "南", "西"], rows)
    sales = 40 * area + 900 * (region == "东") + rng.normal(0, 60, rows)
    return pd.DataFrame({"面积": area, "region": region, "sales (元)": sales.round(2)})


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Fit:
    folder = tmp_path_factory.mktemp("fit")
    write_book(folder / "south.xlsx", sales(80, 1), first_row=3)
    write_book(folder / "north.xlsx", sales(70, 2))
    return fit([folder / "north.xlsx", folder / "south.xlsx"], "SALES", folder / "results.xlsx", overrides=QUICK)


def test_fit_without_a_job_writes_everything(fitted: Fit) -> None:
    book = openpyxl.load_workbook(fitted.results)
    visible = [sheet.title for sheet in book if sheet.sheet_state == "visible"]
    assert visible == SHEETS + JOB_SHEETS
    beside = fitted.results.with_suffix("")
    assert {path.name for path in beside.iterdir()} >= {"model.safetensors", "samples.parquet"}
    assert not [path for path in fitted.results.parent.iterdir() if path.name.startswith((".", "~"))]


def test_every_sample_is_scored_and_keeps_its_place(fitted: Fit) -> None:
    ledger = fitted.to_pandas()
    assert len(ledger) == 150
    assert np.isfinite(ledger["loss"]).all()
    south = ledger[ledger["file"].str.endswith("south.xlsx")]
    assert sorted(south["row"]) == list(range(5, 85))
    values = dict(zip(south["row"], south["target"], strict=True))
    page = openpyxl.load_workbook(fitted.results.parent / "south.xlsx")["数据"]
    assert all(page.cell(row, 3).value == pytest.approx(value) for row, value in values.items())


def test_summary_has_the_promised_shape(fitted: Fit) -> None:
    summary = json.loads(json.dumps(fitted.summary(), allow_nan=False))
    assert summary["samples"] == 150
    assert summary["best"] in {each["name"] for each in summary["runs"]}
    assert {"name", "target", "metrics", "epochs", "seconds", "stopped"} <= set(summary["runs"][0])
    assert set(summary["baselines"]) == {"constant", "linear", "boosted_trees"}
    assert summary["baselines"]["linear"]["rmse"] < summary["baselines"]["constant"]["rmse"]


def test_results_run_again_and_are_numbered(fitted: Fit) -> None:
    again = fit(fitted.results)
    assert again.results.name == "results-2.xlsx"
    assert again.results.parent == fitted.results.parent
    first, second = fitted.result.targets[0], again.result.targets[0]
    assert [each.name for each in first.runs] == [each.name for each in second.runs]
    np.testing.assert_array_equal(first.ledger.loss, second.ledger.loss)


def test_chinese_results_run_again(fitted: Fit) -> None:
    with language.using("zh"):
        chinese = fit(fitted.results, output=fitted.results.parent / "结果.xlsx")
    assert openpyxl.load_workbook(chinese.results).sheetnames[0] == "摘要"
    again = fit(chinese.results)
    assert again.results.name == "结果-2.xlsx"
    np.testing.assert_array_equal(fitted.result.targets[0].ledger.loss, again.result.targets[0].ledger.loss)


def test_predict_new_rows(fitted: Fit, tmp_path: Path) -> None:
    new = sales(20, 9)
    source = write_book(tmp_path / "new.xlsx", new[["region", "面积"]])
    done = xltrain.predict(fitted.model, source, tmp_path / "out.xlsx")
    frame = done.to_pandas()
    assert len(frame) == 20
    assert "sales (元) prediction" in frame
    assert (frame["sales (元) spread"] >= 0).all()
    assert (frame["sales (元) expected from"] < frame["sales (元) prediction"]).all()
    assert (frame["sales (元) expected to"] > frame["sales (元) prediction"]).all()
    assert openpyxl.load_workbook(tmp_path / "out.xlsx").worksheets[0].max_row == 21


def test_model_file_holds_no_name_or_path(fitted: Fit) -> None:
    raw = fitted.model.read_bytes()
    header = raw[8 : 8 + int.from_bytes(raw[:8], "little")].decode("utf-8")
    assert str(fitted.results.parent) not in header
    assert Path.home().name not in header or Path.home().name == "root"


def test_frames_in_and_out(tmp_path: Path) -> None:
    frame = sales(90)
    done = xltrain.fit(frame, target="sales", output=tmp_path / "r.xlsx", overrides=QUICK)
    assert done.result.samples == 90
    assert len(xltrain.predict(done.model, frame).to_pandas()) == 90
    assert len(xltrain.merge(frame).to_pandas()) == 90


def test_a_requirement_that_does_not_hold_exits_six_after_writing(tmp_path: Path) -> None:
    source = write_book(tmp_path / "a.xlsx", sales(60))
    with pytest.raises(RequirementError, match="rmse<0"):
        fit(source, "sales", tmp_path / "r.xlsx", overrides=QUICK, require=["rmse<0.001"])
    assert (tmp_path / "r.xlsx").exists()


def test_a_requirement_on_another_task_is_refused_before_training(tmp_path: Path) -> None:
    source = write_book(tmp_path / "a.xlsx", sales(60))
    with pytest.raises(ConfigError, match=r"no target has the metric of --require accuracy>0\.1"):
        fit(source, "sales", tmp_path / "r.xlsx", overrides=QUICK, require=["accuracy>0.1"])
    assert [path.name for path in tmp_path.iterdir()] == ["a.xlsx"]


def test_numbers_beyond_all_measure_are_named_and_cost_nothing_else(tmp_path: Path) -> None:
    frame = sales(60)
    frame.loc[3, "面积"] = -1e308
    done = fit(write_book(tmp_path / "a.xlsx", frame), "sales", tmp_path / "r.xlsx", overrides=QUICK)
    assert any("1e+308" in note and "a.xlsx!" in note for note in done.result.notes)


def bad(frame: pd.DataFrame, **columns: object) -> pd.DataFrame:
    return frame.assign(**columns)


@pytest.mark.parametrize(
    ("frame", "target", "error", "words"),
    [
        (sales(60), "sails", DataError, "sales"),
        (sales(60).assign(one=1.0), "one", DataError, "one"),
        (sales(2), "sales", DataError, "fold"),
        (sales(60).assign(kind=["a"] * 59 + ["b"]), "kind", DataError, "b"),
    ],
    ids=["no such target", "one value", "fewer rows than folds", "label seen once"],
)
def test_bad_targets_give_one_clear_line(
    tmp_path: Path, frame: pd.DataFrame, target: str, error: type[XltrainError], words: str
) -> None:
    source = write_book(tmp_path / "a.xlsx", frame)
    with pytest.raises(error) as caught:
        fit(source, target, tmp_path / "r.xlsx", overrides=QUICK)
    assert len(caught.value.problems) == 1
    assert words in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["a.xlsx"]


def test_output_is_tested_before_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from xltrain.workflow import fit as module

    def never(*_: object) -> Result:
        raise AssertionError("trained before the output was tested")

    monkeypatch.setattr(module, "train", never)
    source = write_book(tmp_path / "a.xlsx", sales(60))
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(WorkbookError):
        fit(source, "sales", tmp_path / "file" / "r.xlsx")


def test_models_of_kept_runs_stand_beside_the_winner(tmp_path: Path) -> None:
    source = write_book(tmp_path / "a.xlsx", sales(60))
    done = fit(source, "sales", tmp_path / "r.xlsx", overrides=(*QUICK, "runs.keep=yes"))
    files = {path.name for path in (tmp_path / "r").glob("*.safetensors")}
    others = {run.name for run in done.result.targets[0].runs} - {done.best}
    assert files == {"model.safetensors", *(f"model {name}.safetensors" for name in others)}


def test_target_flag_beside_a_job_is_refused(fitted: Fit) -> None:
    with pytest.raises(ConfigError):
        fit(fitted.results, "sales")


def test_two_targets_have_a_winner_each(tmp_path: Path) -> None:
    frame = sales(90).assign(staff=lambda data: (data["面积"] / 7 + 3).round(3))
    done = fit(write_book(tmp_path / "a.xlsx", frame), ["sales", "staff"], tmp_path / "r.xlsx", overrides=QUICK)
    assert [target.target for target in done.result.targets] == ["sales (元)", "staff"]
    assert len(done.models) == 2
    assert all(path.exists() for path in done.models.values())


def test_json_on_the_command_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    source = write_book(tmp_path / "a.xlsx", sales(60))
    arguments = ["fit", str(source), "--target", "sales", "-o", str(tmp_path / "r.xlsx"), "--json"]
    assert run([*arguments, "--set", QUICK[0], "--set", QUICK[1]]) == 0
    assert Path(json.loads(capfd.readouterr().out)["results"]) == tmp_path / "r.xlsx"


Interrupt = Callable[[object], None]


def test_ctrl_c_writes_what_is_complete(tmp_path: Path) -> None:
    from xltrain.events import Event, Trained

    def interrupt(event: Event) -> None:
        if isinstance(event, Trained) and event.epoch == 3:
            raise KeyboardInterrupt

    source = write_book(tmp_path / "a.xlsx", sales(60))
    done = fit(source, "sales", tmp_path / "r.xlsx", overrides=QUICK, listen=interrupt)
    assert done.result.interrupted
    assert {each.stopped for each in done.result.targets[0].runs} & {"interrupted"}
    assert done.results.exists()
