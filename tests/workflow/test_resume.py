"""A fit that was killed, and the same command with --resume."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from tests.engine.test_resume import KilledError, killer
from tests.workflow.test_fit import QUICK, sales, write_book
from xltrain.engine import resume
from xltrain.events import Event, Noted, Trained
from xltrain.workflow.fit import fit

ROOT = Path(__file__).resolve().parents[2]


def same_ledgers(one: Path, other: Path) -> None:
    first, second = (pd.read_parquet(path.with_suffix("") / "samples.parquet") for path in (one, other))
    pd.testing.assert_frame_equal(first, second, check_exact=True)


def test_a_killed_fit_goes_on_and_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resume.Keeper.__init__, "__defaults__", (None, False, 1.0))
    source = write_book(tmp_path / "a.xlsx", sales(60))
    whole = fit(source, "sales", tmp_path / "whole.xlsx", overrides=QUICK)
    (tmp_path / "r.xlsx").write_text("taken")  # the number of the results plays no part
    with pytest.raises(KilledError):
        fit(source, "sales", tmp_path / "r.xlsx", overrides=QUICK, listen=killer(1, 4))
    assert (tmp_path / ".r.progress" / "now.safetensors").exists()
    (tmp_path / ".r-2-0123abcd").mkdir()  # somebody else's

    heard: list[Event] = []
    done = fit(
        source,
        "sales",
        tmp_path / "r.xlsx",
        overrides=QUICK,
        resume=True,
        tensorboard=tmp_path / "curves",
        listen=heard.append,
    )
    assert done.results.name == "r-2.xlsx"
    assert len(list((tmp_path / "curves" / "r-2").iterdir())) == len(done.result.targets[0].runs)
    assert not (tmp_path / ".r.progress").exists()
    assert (tmp_path / ".r-2-0123abcd").exists()
    assert next(event.epoch for event in heard if isinstance(event, Trained)) == 4
    assert {run.name: run.metrics for run in done.result.targets[0].runs} == {
        run.name: run.metrics for run in whole.result.targets[0].runs
    }
    same_ledgers(whole.results, done.results)

    heard.clear()
    fit(source, "sales", tmp_path / "r.xlsx", overrides=QUICK, resume=True, listen=heard.append)
    assert sum(".r.progress" in event.message for event in heard if isinstance(event, Noted)) == 1


def in_second_stack(folder: Path) -> bool:
    """Whether one stack is done and another one was kept while it trained."""
    done = [path.stem.removeprefix("stack-") for path in folder.glob("stack-*.safetensors")]
    if len(done) != 1 or not (folder / "now.safetensors").exists():
        return False
    return done[0].encode() not in (folder / "now.safetensors").read_bytes()[:1000]


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_kill_9_in_the_second_stack_through_the_command_line(tmp_path: Path) -> None:
    write_book(tmp_path / "a.xlsx", sales(400))
    (tmp_path / "job.toml").write_text(
        """
[job]
folds = 3
device = "cpu"
[[sources]]
path = "a.xlsx"
[[columns]]
name = "sales (元)"
role = "target"
[[runs]]
name = "one"
model = "linear"
epochs = 30
[[runs]]
name = "two"
model = "mlp(64, 64, dropout=0.1)"
epochs = 400
patience = 0
""",
        "utf-8",
    )

    def command(name: str, *more: str) -> list[str]:
        return [sys.executable, "-m", "xltrain", "fit", "job.toml", "-o", name, "--json", *more]

    whole = subprocess.run(command("whole.xlsx"), cwd=tmp_path, capture_output=True, check=True, timeout=300)
    cut = subprocess.Popen(command("r.xlsx"), cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 120
    while not in_second_stack(tmp_path / ".r.progress") and cut.poll() is None:
        assert time.monotonic() < until
        time.sleep(0.01)
    cut.send_signal(signal.SIGKILL)
    assert cut.wait() == -signal.SIGKILL
    assert not (tmp_path / "r.xlsx").exists()

    done = subprocess.run(command("r.xlsx", "--resume"), cwd=tmp_path, capture_output=True, check=True, timeout=300)
    first, second = (json.loads(each.stdout) for each in (whole, done))
    assert [run["metrics"] for run in first["runs"]] == [run["metrics"] for run in second["runs"]]
    same_ledgers(tmp_path / "whole.xlsx", tmp_path / "r.xlsx")
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


DIE = """
import os, sys
from xltrain.events import Trained
from xltrain.workflow.fit import fit

def die(event):
    if isinstance(event, Trained) and event.epoch == 3:
        os._exit(9)

fit("a.xlsx", "sales", "r.xlsx", overrides=("runs.epochs=8", "job.folds=3"), listen=die)
"""


@pytest.mark.slow
def test_what_a_killed_fit_left_is_gone_after_the_next_without_resume(tmp_path: Path) -> None:
    write_book(tmp_path / "a.xlsx", sales(60))
    (tmp_path / "b.xlsx").write_bytes((tmp_path / "a.xlsx").read_bytes())
    died = subprocess.run([sys.executable, "-c", DIE], cwd=tmp_path, check=False, timeout=300)
    assert died.returncode == 9
    left = sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".r~"))
    assert [name.endswith(".xlsx") for name in left] in ([False, True], [True, False])
    (tmp_path / ".r.progress").mkdir(exist_ok=True)

    command = [sys.executable, "-m", "xltrain", "merge", "b.xlsx", "-o", "m.csv"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True, timeout=300, text=True)
    told = [line for line in done.stderr.splitlines() if "cut off" in line]
    assert len(told) == 1
    assert all(name in told[0] for name in left)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".r.progress", "a.xlsx", "b.xlsx", "m report.xlsx", "m.csv",
    ]  # fmt: skip
