"""`xltrain fit --plan`."""

import json
from pathlib import Path

import pytest

from tests.workflow.test_fit import sales, write_book
from xltrain.cli import run
from xltrain.cli.plan import plan_lines, size, span
from xltrain.events import Planned, PlannedStack
from xltrain.workflow.fit import plan


def test_the_plan_alone_is_printed_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    book = str(write_book(tmp_path / "books.xlsx", sales(60)))
    call = ["fit", book, "-t", "sales", "--set", "runs.epochs=2", "--set", "job.folds=2", "--plan"]
    assert run(call) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith("training ")
    assert out[1].startswith("  stack 1: 2 members of ")
    assert out[-1].endswith("A stack may take 1 GB")
    assert run([*call, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["plan"]
    assert found["members"] == sum(each["members"] for each in found["stacks"]) == 2 * found["runs"]
    assert found["seconds"] > 0
    assert [path.name for path in tmp_path.iterdir()] == ["books.xlsx"]


def test_a_plan_without_the_command_line(tmp_path: Path) -> None:
    book = write_book(tmp_path / "books.xlsx", sales(60))
    planned = plan(book, "sales", overrides=["runs.epochs=1", "job.folds=2"])
    assert planned.stacks == len(planned.plan)


def test_lines_of_a_long_plan() -> None:
    names = tuple(f"run {index}" for index in range(6))
    stack = PlannedStack(names, 6, "mlp(8)", 1000, 0, 5, 3 << 20, 81, 200.0)
    alone = PlannedStack(names[:1], 1, "mlp(8)", 1000, 16, 5, 3 << 30, 81, 9000.0, "plan_alone_large")
    lines = plan_lines(Planned(7, 7, 4, "cpu", (stack, alone, alone, alone), 1 << 30), most=2)
    assert "run 0, run 1, run 2 and 3 more; mlp(8), 81 weights each; 1,000 training rows, batch all" in lines[1]
    assert lines[1].endswith("up to 3 MB; at most 3.3 min")
    assert lines[2].endswith("up to 3 GB; at most 2.5 h; alone: two of these would exceed 1 GB")
    assert lines[3:-1] == ["  and 2 more stacks"]
    assert "7.6 h" in lines[-1]
    assert [size(500), size(2**20 * 999), span(0.01), span(119)] == ["0.49 kB", "999 MB", "0.1 s", "119 s"]
