"""From ranges in a cell to a chosen run, from a book to the results workbook."""

import datetime as dt
import json
from pathlib import Path

import numpy as np
import openpyxl
import pytest

from tests.books import write_rows
from xltrain.config.check import read_job
from xltrain.errors import ConfigError
from xltrain.workflow.fit import fit

JOB = """
[job]
folds = 3
device = "cpu"
[[sources]]
path = "sales.xlsx"
[[columns]]
name = "y"
role = "target"
[[runs]]
name = "s"
model = "mlp(8|16)"
epochs = 5
optimizer = "adamw(lr=1e-3..1e-1)"
search = "random(4)"
"""


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_from_ranges_to_the_results(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    size = rng.normal(10, 2, 120)
    day = np.sort(rng.integers(0, 180, 120))
    rows = [
        [dt.datetime(2024, 1, 1) + dt.timedelta(int(each)), float(a), float(3 * a + noise)]
        for each, a, noise in zip(day, size, rng.normal(size=120), strict=True)
    ]
    write_rows(tmp_path / "sales.xlsx", [["day", "size", "y"], *rows])
    (tmp_path / "job.toml").write_text(JOB, encoding="utf-8")
    found = fit(tmp_path / "job.toml", output=tmp_path / "r.xlsx")
    told = json.loads(json.dumps(found.summary()))
    target = told["targets"][0]
    assert target["corrected"]["rmse"] > 0
    assert set(target["ensemble"]["shares"]) <= {run["name"] for run in told["runs"]}
    assert target["last_period"]["by"] == "day"
    assert target["last_period"]["period"].startswith("2024-06")
    # The results are a job themselves: the runs that were drawn, each in a row of its own.
    again = read_job(tmp_path / "r.xlsx")
    assert {run.name for run in again.runs} == {run["name"] for run in told["runs"]}
    assert all(run.search is None for run in again.runs)
    book = openpyxl.load_workbook(tmp_path / "r.xlsx")
    words = " ".join(str(cell) for row in book["Summary"].iter_rows(values_only=True) for cell in row if cell)
    assert "How good next month?" in words


def test_a_search_from_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "job.toml").write_text(JOB, encoding="utf-8")
    assert len(read_job(tmp_path / "job.toml", ["runs.search=random(3)"]).runs) == 3
    with pytest.raises(ConfigError, match="unknown search 'tree'"):
        read_job(tmp_path / "job.toml", ["runs.search=tree(3)"])
