"""A job workbook offers and never blocks; converted back and forth it says the same."""

import re
import zipfile
from pathlib import Path

import openpyxl
import pytest

from tests.books import write_rows
from tests.config.make import write
from xltrain import language
from xltrain.config.check import read_job
from xltrain.config.fields import FIELDS
from xltrain.config.ready import message, ready_calls
from xltrain.config.template import LISTS, write_job
from xltrain.errors import ConfigError, WorkbookError
from xltrain.registry import REGISTRIES
from xltrain.workflow.new import new


def plain(path: Path) -> object:
    """A job without the places of its cells."""
    return re.sub(r"place=Place\([^)]*\)", "", str(read_job(path))).replace(str(path.parent), "")


@pytest.fixture
def job(tmp_path: Path) -> Path:
    write_rows(tmp_path / "data.xlsx", [["a", "price"], [1, 2]])
    return write(
        tmp_path / "job.xlsx",
        Runs=[
            ["name", "model", "loss", "optimizer", "schedule", "epochs", "keep", "note"],
            [
                "x",
                "mlp(64|128)",
                "0.7*mse + 0.3*mae",
                "adamw(lr=logspace(1e-4, 1e-2, 3))",
                "warmup(5%) > cosine",
                9,
                "yes",
                '"q"',
            ],
        ],
        Shots=[["book", "range", "file"], [None, "Summary!A1:B2", "s.png"]],
    )


def test_workbook_and_toml_say_the_same(job: Path) -> None:
    folder = job.parent
    new(folder / "job.toml", [job])
    new(folder / "again.xlsx", [folder / "job.toml"])
    assert plain(job) == plain(folder / "job.toml") == plain(folder / "again.xlsx")
    assert "logspace" in (folder / "job.toml").read_text("utf-8")


def test_paths_follow_the_job(job: Path) -> None:
    (job.parent / "sub").mkdir()
    new(job.parent / "sub" / "job.toml", [job])
    assert read_job(job.parent / "sub" / "job.toml").sources[0].path == "../data.xlsx"


@pytest.mark.parametrize("tongue", ["en", "zh"])
def test_dropdowns_offer_and_never_block(tmp_path: Path, tongue: str) -> None:
    with language.using(tongue):
        new(tmp_path / "job.xlsx")
        runs = openpyxl.load_workbook(tmp_path / "job.xlsx")[language.label("Runs")]
    assert runs.data_validations.dataValidation
    for each in runs.data_validations.dataValidation:
        assert not each.showErrorMessage
        assert each.showInputMessage
        assert 0 < len(each.prompt) <= 255
    book = openpyxl.load_workbook(tmp_path / "job.xlsx")
    assert book[LISTS].sheet_state == "hidden"
    assert {"xltrain_runs_model", "xltrain_runs_loss", "xltrain_job_split"} <= set(book.defined_names)


def test_settings_with_working_defaults_are_folded_away(tmp_path: Path) -> None:
    new(tmp_path / "job.xlsx")
    with zipfile.ZipFile(tmp_path / "job.xlsx") as parts:
        runs = parts.read("xl/worksheets/sheet4.xml").decode("utf-8")
    assert 'hidden="1"' in runs
    assert 'outlineLevel="1"' in runs


@pytest.mark.parametrize("kind", REGISTRIES)
def test_every_offered_call_means_something(kind: str) -> None:
    from tests.calls import parse_calls, parse_losses
    from xltrain.config.call import parse_schedules

    parse = {"losses": parse_losses, "schedules": parse_schedules}.get(kind, lambda cell: parse_calls(kind, cell))
    found = ready_calls(kind)
    assert len(found) >= len([choice for choice in REGISTRIES[kind].values() if not choice.facts.get("prefix")])
    assert all(parse(cell) for cell in found)


@pytest.mark.parametrize("tongue", ["en", "zh"])
def test_every_cell_has_a_message(tongue: str) -> None:
    with language.using(tongue):
        for fields in FIELDS.values():
            for field in fields.values():
                assert 0 < len(message(field)) <= 255


def test_from_data(tmp_path: Path) -> None:
    rows = [["region", "area", "sales (元)"], *[["ab"[row % 2], row * 1.5, row * 2.5] for row in range(40)]]
    data = write_rows(tmp_path / "data.xlsx", rows)
    done = new(tmp_path / "job.xlsx", [data], ["SALES"])
    assert done.rows == 40
    job = read_job(tmp_path / "job.xlsx")
    assert job.task == "regression"
    assert {column.name: (column.role, column.type) for column in job.columns} == {
        "region": ("feature", "category"),
        "area": ("feature", "numeric"),
        "sales (元)": ("target", "numeric"),
    }
    assert job.sources[0].path == "data.xlsx"
    sheet = openpyxl.load_workbook(tmp_path / "job.xlsx")["Columns"]
    shown = [str(cell.value) for cell in sheet[2]]
    assert any("a" in value and "b" in value for value in shown[6:])


def test_nothing_is_replaced_unasked(job: Path) -> None:
    before = job.read_bytes()
    with pytest.raises(WorkbookError):
        new(job)
    with pytest.raises(WorkbookError):
        write_job(job, read_job(job))
    assert job.read_bytes() == before


def test_unknown_template(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean 'sweep'"):
        new(tmp_path / "job.xlsx", template="swep")
