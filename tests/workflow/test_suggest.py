"""Runs are suggested for what the data look like, each with its reason."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from xltrain.cli import run
from xltrain.config.check import read_job
from xltrain.workflow.suggest import Suggestion, suggest

RNG = np.random.default_rng(0)


def of(target: np.ndarray) -> Suggestion:
    frame = pd.DataFrame({"a": RNG.normal(size=len(target)), "b": RNG.normal(size=len(target)), "y": target})
    return suggest(frame, ["y"])[0]


def losses(found: Suggestion) -> list[str]:
    return [str(term) for each in found.runs for term in each.loss]


def test_a_ladder_begins_at_the_floor_and_gives_reasons() -> None:
    found = of(RNG.normal(size=500))
    assert found.runs[0].model.name == "linear"
    assert len({run.name for run in found.runs}) == len(found.runs) >= 5
    assert all(run.note for run in found.runs)


@pytest.mark.parametrize(
    ("target", "loss"),
    [
        (RNG.poisson(3, 500).astype(float), "poisson"),
        (np.exp(RNG.normal(size=500) * 1.2), "gamma"),
        (np.where(RNG.random(500) < 0.02, 500, RNG.normal(size=500)), "huber"),
        (RNG.choice(["no", "yes"], 500, p=(0.96, 0.04)), "binary_cross_entropy(pos_weight=balanced)"),
        (RNG.choice(["a", "b", "c"], 500, p=(0.6, 0.35, 0.05)), "cross_entropy(class_weight=balanced)"),
        (RNG.choice(["a", "b"], 500), "cross_entropy(label_smoothing=0.1)"),
    ],
    ids=["counts", "long tail", "outliers", "rare yes", "rare class", "even classes"],
)
def test_the_target_decides(target: np.ndarray, loss: str) -> None:
    assert loss in losses(of(target)) or (loss == "gamma" and "huber" in losses(of(target)))


def test_few_rows_are_kept_on_a_rein() -> None:
    found = of(RNG.normal(size=120))
    assert {run.optimizer["weight_decay"] for run in found.runs} == {0.1}


def test_new_writes_the_same_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    book = tmp_path / "a.csv"
    pd.DataFrame({"a": RNG.normal(size=300), "b": RNG.normal(size=300), "y": RNG.poisson(2, 300)}).to_csv(book)
    assert run(["suggest", str(book), "-t", "y"]) == 0
    assert "poisson" in capsys.readouterr().out
    assert run(["new", str(tmp_path / "job.toml"), "--from", str(book), "-t", "y"]) == 0
    assert [each.name for each in read_job(tmp_path / "job.toml").runs] == [
        each.name for each in suggest(str(book), ["y"])[0].runs
    ]
