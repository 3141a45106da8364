"""Temporary files of processes that were killed: which are removed, and which are never touched."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from xltrain.cli import run
from xltrain.excel import leftovers
from xltrain.excel.leftovers import is_left_over, temporary_name, tidy
from xltrain.excel.package import replacing


@pytest.fixture(autouse=True)
def anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "_looked", {})
    monkeypatch.setattr(leftovers, "tidied", [])


def of(pid: int, began: float, host: str = "", stem: str = "r") -> str:
    """The name that a process would have given a temporary file."""
    return f".{stem}~{host or leftovers._host()}-{pid}-{int(began):x}-0123abcd.xlsx"


@pytest.fixture(scope="module")
def gone() -> int:
    """The number of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def test_what_a_dead_process_left_is_removed_and_told(
    tmp_path: Path, gone: int, capsys: pytest.CaptureFixture[str]
) -> None:
    now = time.time()
    (tmp_path / of(gone, now)).write_text("half")
    (tmp_path / of(gone, now).replace(".xlsx", "")).mkdir()
    (tmp_path / of(gone, now).replace(".xlsx", "") / "samples.parquet").write_text("half")
    code = run(["new", str(tmp_path / "job.xlsx")])
    assert code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["job.xlsx"]
    told = [line for line in capsys.readouterr().err.splitlines() if "cut off" in line]
    assert len(told) == 1
    assert of(gone, now) in told[0]


def test_nothing_else_is_touched(tmp_path: Path, gone: int) -> None:
    now = time.time()
    kept = [
        temporary_name("r", ".xlsx"),  # this process
        of(os.getppid(), now),  # another one that lives
        of(gone, now, host="00000000"),  # another computer's
        ".r-0123abcd.xlsx",
        ".r.progress",
        "~$r.xlsx",
        ".~lock.r.xlsx#",
        of(gone, now)[1:],  # not hidden: somebody has given it a name
    ]
    for name in kept:
        (tmp_path / name).write_text("")
    with replacing(tmp_path / "r.xlsx") as temporary:
        temporary.write_text("whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*kept, "r.xlsx"])
    assert leftovers.tidied == []


def test_a_number_that_was_given_again_is_not_the_same_process(tmp_path: Path) -> None:
    one = tmp_path / of(os.getpid(), time.time())  # as in a container, where every call has the same number
    other = tmp_path / of(os.getppid(), time.time() - 3000 * 86_400)
    for path in (one, other):
        path.write_text("half")
    tidy(tmp_path)
    assert sorted(leftovers.tidied) == sorted([one, other])


def test_another_computers_stay_for_a_month(tmp_path: Path) -> None:
    path = tmp_path / of(1, time.time(), host="00000000")
    path.write_text("half")
    os.utime(path, (time.time() - 29 * 86_400,) * 2)
    assert not is_left_over(path)
    os.utime(path, (time.time() - 31 * 86_400,) * 2)
    assert is_left_over(path)


def test_a_link_is_removed_and_not_what_it_leads_to(tmp_path: Path, gone: int) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "work.xlsx").write_text("work")
    link = tmp_path / of(gone, time.time())
    try:
        link.symlink_to(tmp_path / "mine", target_is_directory=True)
    except OSError:
        pytest.skip("no links here")
    tidy(tmp_path)
    assert (tmp_path / "mine" / "work.xlsx").exists()
    assert not link.is_symlink()


@pytest.mark.parametrize("stem", ["r", "很长的名字" * 40, "a.b", temporary_name("r")[:-9], "~$odd"], ids=range(5))
def test_names_fit_any_file_system_and_say_whose_they_are(stem: str) -> None:
    name = temporary_name(stem, ".xlsx")
    assert name.startswith(".")
    assert name.endswith(".xlsx")
    assert len(name.encode()) < 160
    assert not is_left_over(Path(name))
    again = temporary_name(Path(name).stem, ".xlsx")
    assert again != name
    assert len(again) == len(name)


def test_a_temporary_file_in_the_making_is_told_as_what_it_becomes(tmp_path: Path) -> None:
    process = subprocess.run(
        [
            sys.executable,
            "-c",
            "import os, sys, signal\nfrom pathlib import Path\nfrom xltrain.excel.package import replacing\n"
            "with replacing(Path(sys.argv[1])) as name:\n    name.write_text('half')\n    os._exit(9)\n",
            str(tmp_path / "r.xlsx"),
        ],
        check=False,
    )
    assert process.returncode == 9
    assert len(left := list(tmp_path.iterdir())) == 1
    with replacing(tmp_path / "other.csv") as temporary:
        temporary.write_text("whole")
    assert [path.name for path in tmp_path.iterdir()] == ["other.csv"]
    assert leftovers.tidied == left
