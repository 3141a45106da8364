"""What repeats what the code knows is output of the code."""

import subprocess
import sys
from pathlib import Path

import pytest

from samples import make
from tests.refresh import ROOT, same, stale
from xltrain.config.starters import STARTERS
from xltrain.workflow.check import check


def test_generated_files_are_fresh() -> None:
    assert stale() == []


@pytest.mark.parametrize("name", STARTERS)
def test_starters_lack_nothing_but_their_data(name: str) -> None:
    problems = check(ROOT / "templates" / f"{name}.xlsx").problems
    assert len(problems) == 1
    assert "data.xlsx" in problems[0].message


def test_the_sample_books_are_what_the_script_writes(tmp_path: Path) -> None:
    code = (
        "import pathlib, samples.make as make; make.HERE = pathlib.Path(r'{0}'); "
        "make.BRANCHES = make.HERE / 'branches'; make.main()"
    ).format(tmp_path)
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, timeout=60)
    for path in [*make.BRANCHES.iterdir(), make.HERE / "planted.csv", make.HERE / "job.xlsx"]:
        assert same((tmp_path / path.relative_to(make.HERE)).read_bytes(), path.read_bytes()), path.name
