"""The limits of the Columns sheet: read from workbooks and TOML, impossible ones refused with their cell."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.config import make
from xltrain.config.check import read_data_job, read_job
from xltrain.config.settings import Column, Job
from xltrain.config.template import write_job
from xltrain.errors import ConfigError

HEAD = ["name", "role", "type", "min", "max", "allowed", "unique"]
TARGET = ["price", "target", "numeric"]


def columns(tmp_path: Path, *rows: list[Any]) -> dict[str, Column]:
    job = read_job(make.write(tmp_path / "job.xlsx", Columns=[HEAD, TARGET, *rows]))
    return {each.name: each for each in job.columns}


def test_limits_are_read(tmp_path: Path) -> None:
    found = columns(
        tmp_path,
        ["size", "", "numeric", 0, "1,000.5", None, None],
        ["day", "", "date", datetime(2026, 1, 31), "2026/12/31", None, None],
        ["kind", "", "", None, None, "A, B；C", "yes"],
    )
    assert (found["size"].min, found["size"].max) == (0, 1000.5)
    assert (found["day"].min, found["day"].max) == ("2026-01-31", "2026-12-31")
    assert found["kind"].allowed == ("A", "B", "C")
    assert found["kind"].unique
    assert not found["price"].limited


@pytest.mark.parametrize(
    ("row", "cell", "says"),
    [
        (["size", "", "", 5, 1, None, None], "E3", "no value can be right: min 5 is larger than max 1"),
        (["size", "", "", "soon", None, None, None], "D3", "number or a date"),
        (["size", "", "", 5, "2026-01-01", None, None], "E3", "both be numbers or both be dates"),
        (["size", "", "numeric", None, "2026-01-01", None, None], "E3", "column of type numeric"),
        (["kind", "", "category", 1, None, None, None], "D3", "column of type category"),
        (["size", "", "", 0, 10, "1, 50", None], "F3", "'50' is allowed here"),
        (["size", "", "", None, None, None, "perhaps"], "G3", "perhaps"),
    ],
)
def test_impossible_limits_are_refused_with_their_cell(tmp_path: Path, row: list[Any], cell: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        columns(tmp_path, row)
    (problem,) = caught.value.problems
    assert str(problem.place).endswith(f"!{cell}")
    assert says in problem.message


@pytest.mark.parametrize("suffix", [".xlsx", ".toml"])
def test_a_job_with_limits_reads_back_as_it_was(tmp_path: Path, suffix: str) -> None:
    limited = (
        Column("price", "target", "numeric", min=0.5, max=100),
        Column("day", "time", "date", min="2026-01-01"),
        Column("kind", "feature", "category", allowed=("A", "B, C"), unique=True),
    )
    path = tmp_path / f"job{suffix}"
    job = Job(columns=limited, folder=tmp_path)
    write_job(path, job)
    found = read_data_job(path).columns
    assert [vars(each) | {"place": None} for each in found] == [vars(each) for each in limited]


def test_the_rows_of_a_job_are_read_whatever_its_runs(tmp_path: Path) -> None:
    runs = [["name", "model", "loss", "optimizer"], ["one", "no such model", "mse", "adamw"]]
    path = make.write(tmp_path / "job.xlsx", Runs=runs)
    with pytest.raises(ConfigError):
        read_job(path)
    job = read_data_job(path)
    assert (job.name, job.sources[0].path, job.folder) == ("test", "data.xlsx", tmp_path)
    bad = make.write(tmp_path / "bad.xlsx", Columns=[HEAD, ["a", "", "", 5, 1, None, None]])
    with pytest.raises(ConfigError):
        read_data_job(bad)
