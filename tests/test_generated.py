"""What repeats what the code knows is output of the code."""

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


def test_the_sample_books_are_what_the_script_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, branches = make.HERE, make.BRANCHES
    monkeypatch.setattr(make, "HERE", tmp_path)
    monkeypatch.setattr(make, "BRANCHES", tmp_path / "branches")
    make.main()
    for path in [*branches.iterdir(), here / "planted.csv", here / "job.xlsx"]:
        assert same((tmp_path / path.relative_to(here)).read_bytes(), path.read_bytes()), path.name
