"""Event files, read back record by record as TensorBoard does."""

import struct
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.engine import make
from xltrain.errors import ConfigError, WorkbookError
from xltrain.report.tensorboard import check_tensorboard, write_tensorboard

tensorboard = pytest.importorskip("tensorboardX")


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Tag -> (step, value), from every event file of a folder."""
    from tensorboardX.proto.event_pb2 import Event

    found: dict[str, list[tuple[int, float]]] = {}
    for path in folder.glob("events.out.tfevents.*"):
        data, at = path.read_bytes(), 0
        while at < len(data):
            (length,) = struct.unpack("<Q", data[at : at + 8])
            event = Event.FromString(data[at + 12 : at + 12 + length])
            at += length + 16  # and two checksums
            for value in event.summary.value:
                found.setdefault(value.tag, []).append((event.step, value.simple_value))
    return found


@pytest.fixture(autouse=True)
def no_baselines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xltrain.engine.outcome.baselines", lambda *_: ({}, []))


def test_every_run_has_its_curves(tmp_path: Path) -> None:
    runs = (make.run("one: a/b", epochs=3), make.run("two", loss="0.5*mse + 0.5*mae", epochs=4))
    result = make.train(make.numbers(60), make.job(*runs, folds=2)).result
    write_tensorboard(tmp_path / "tb", result)
    assert sorted(path.name for path in (tmp_path / "tb").iterdir()) == ["one a b", "two"]
    curves = {run.name: run.curves for run in result.targets[0].runs}
    for folder, name in (("one a b", "one: a/b"), ("two", "two")):
        found = scalars(tmp_path / "tb" / folder)
        lines = {"loss/training": "training", "loss/validation": "validation", "lr": "lr"}
        for tag, line in lines.items():
            wanted = getattr(curves[name], line)
            assert [step for step, _ in found[tag]] == list(range(1, len(wanted) + 1))
            np.testing.assert_allclose([value for _, value in found[tag]], wanted, rtol=1e-6)
    assert "loss_mae/validation" in scalars(tmp_path / "tb" / "two")


def test_a_missing_package_and_a_bad_folder_are_one_line_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(WorkbookError) as refused:
        check_tensorboard(tmp_path / "file" / "tb")
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(ConfigError) as caught:
        check_tensorboard(tmp_path / "tb")
    assert len(refused.value.problems) == len(caught.value.problems) == 1
    assert "pip install tensorboardX" in caught.value.problems[0].hint
