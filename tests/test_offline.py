"""Every command does its work without a network: connecting fails the test (see conftest)."""

import json
import socket
from pathlib import Path

import pytest

from tests.books import write_rows
from xltrain.cli import COMMANDS, run


def test_the_block_blocks() -> None:
    with pytest.raises(AssertionError), socket.socket() as connection:
        connection.connect(("127.0.0.1", 9))


def test_every_command_works_offline(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    rows = [["area", "kind", "price"], *[[row * 1.5, "ab"[row % 2], row * 3.25 + row % 2] for row in range(40)]]
    book = write_rows(tmp_path / "data.xlsx", rows)
    quick = ["--set", "runs.epochs=2", "--set", "job.folds=2"]
    calls = {
        "new": [str(tmp_path / "job.xlsx"), "--from", str(book), "--target", "price"],
        "suggest": [str(book), "--target", "price"],
        "check": [str(tmp_path / "job.xlsx")],
        "merge": [str(book), "-o", str(tmp_path / "merged.xlsx")],
        "audit": [str(book), "-o", str(tmp_path / "a.xlsx")],
        "fit": [str(tmp_path / "job.xlsx"), "-o", str(tmp_path / "r.xlsx"), *quick],
        "predict": [str(tmp_path / "r" / "model.safetensors"), str(book), "-o", str(tmp_path / "p.xlsx")],
        "annotate": [str(tmp_path / "r.xlsx"), "--columns", "prediction,loss,flag,decision"],
        "apply": [str(tmp_path / "r.xlsx"), "-o", str(tmp_path / "fixed")],
        "compare": [str(tmp_path / "r.xlsx"), str(tmp_path / "r.xlsx"), "-o", str(tmp_path / "c.xlsx")],
        "export": [str(tmp_path / "r" / "model.safetensors"), "-o", str(tmp_path / "m.onnx")],
        "shot": [str(tmp_path / "r.xlsx"), "Summary!A1:L12", "-o", str(tmp_path / "s.png")],
        "list": [],
    }
    assert list(calls) == list(COMMANDS)
    for command, arguments in calls.items():
        assert run([command, *arguments, "--json"]) == 0
        told = capfd.readouterr().out
        assert json.loads(told)["schema_version"] == 1
        assert told.count("\n") == 1
