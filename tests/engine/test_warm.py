"""A warm start begins where an earlier model ended, keeps frozen layers, and scores no row that it knows."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.engine import make
from xltrain.config.settings import Job
from xltrain.data.split import identities
from xltrain.data.table import Table
from xltrain.engine.checkpoint import load_model, save_model
from xltrain.engine.known import LEARNED, UNSEEN, Known
from xltrain.errors import ConfigError


@pytest.fixture(autouse=True)
def no_baselines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xltrain.engine.outcome.baselines", lambda *_: ({}, []))


def first(folder: Path, data: Table, **more: object) -> Job:
    """Train and save a model; gives the job to go on with."""
    asked = make.job(make.run(model="mlp(16, 8, norm=batch)", epochs=10, **more))
    save_model(folder / "first.safetensors", make.train(data, asked).models["y"])
    return replace(asked, folder=folder)


def onwards(asked: Job, *, file: str = "first.safetensors", **more: object) -> Job:
    return replace(asked, runs=(replace(asked.runs[0], warm_start=file, **{"epochs": 1, **more}),))  # type: ignore[arg-type]


def test_it_begins_where_the_other_ended(tmp_path: Path) -> None:
    data = make.numbers()
    asked = first(tmp_path, data)
    cold = make.train(data, onwards(asked, file="")).result.targets[0]
    warm = make.train(data, onwards(asked)).result.targets[0]
    assert warm.runs[0].curves.training[0] < 0.5 * cold.runs[0].curves.training[0]
    assert (warm.ledger.scored_by == 1).all()  # on the same data every member meets its own fold again


@pytest.mark.parametrize("optimizer", ["adamw(lr=1e-2)", "sgd(lr=1e-2, momentum=0.9)", "muon(lr=1e-2)"])
def test_frozen_layers_stay_as_they_are(tmp_path: Path, optimizer: str) -> None:
    data = make.numbers()
    asked = onwards(first(tmp_path, data, optimizer=optimizer), freeze=1, epochs=3)
    begun, ended = load_model(tmp_path / "first.safetensors"), make.train(data, asked).models["y"]
    names = {"0.weight", "0.norm.scale", "0.norm.shift"}
    layout = __import__("xltrain.engine.plan", fromlist=["layout_of"]).layout_of(begun.call, 5, 1)
    before, after = layout.views(begun.weights), layout.views(ended.weights)
    assert names < set(before)
    for name, value in before.items():
        assert torch.equal(value, after[name]) == (name in names), name
    buffers = layout.buffer_views(begun.buffers), layout.buffer_views(ended.buffers)
    for name in buffers[0]:
        assert torch.equal(buffers[0][name], buffers[1][name]) == name.startswith("0."), name


def test_no_row_is_scored_that_its_beginning_knew(tmp_path: Path) -> None:
    """With other folds most rows are known to every earlier member: those are left without a loss."""
    data = make.numbers(150)
    asked = onwards(replace(first(tmp_path, data), seed=5))
    fitted = make.train(data, asked)
    ledger, model = fitted.result.targets[0].ledger, load_model(tmp_path / "first.safetensors")
    assert model.known is not None
    levels = model.known.of_rows(identities(data, make.columns(data, asked)))
    scored = ledger.scored_by > 0
    assert 0 < scored.sum() < 150
    assert np.isnan(ledger.loss[~scored]).all()
    assert (levels[:, scored] == UNSEEN).any(0).all()
    assert any("not scored" in note for note in fitted.result.notes)


def test_rows_that_came_later_are_all_scored(tmp_path: Path) -> None:
    whole = make.numbers(300)
    asked = onwards(first(tmp_path, whole.take(np.arange(200))))
    ledger = make.train(whole, asked).result.targets[0].ledger
    assert (ledger.scored_by[200:] == 1).all()
    assert (ledger.scored_by[:200] == 1).mean() > 0.85


def test_what_a_model_knows_is_handed_on(tmp_path: Path) -> None:
    """A row learned from two fits ago is known still, though it has left the data."""
    whole = make.numbers(200)
    asked = first(tmp_path, whole)
    later = make.train(whole.take(np.arange(100, 200)), onwards(asked)).models["y"]
    assert later.known is not None
    gone = identities(whole, make.columns(whole, asked))[:100]
    assert (later.known.of_rows(gone) == LEARNED).any(0).mean() > 0.8


def test_levels_of_rows_never_met() -> None:
    known = Known(np.array([3, 7], np.uint64), np.array([[0, 1]], np.int8))
    assert known.of_rows(np.array([7, 4, 3, 9], np.uint64)).tolist() == [[1, UNSEEN, 0, UNSEEN]]


def test_warm_and_cold_members_train_together_as_they_do_alone(tmp_path: Path) -> None:
    data = make.numbers()
    asked = first(tmp_path, data)
    warm = replace(onwards(asked, freeze=1, epochs=4).runs[0], name="warm")
    cold = replace(asked.runs[0], name="cold", epochs=4)
    both = make.train(data, replace(asked, runs=(warm, cold))).result.targets[0].runs
    for run in (warm, cold):
        (alone,) = make.train(data, replace(asked, runs=(run,))).result.targets[0].runs
        together = next(each for each in both if each.name == run.name)
        np.testing.assert_allclose(together.curves.validation, alone.curves.validation, rtol=1e-9)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"file": "nothing.safetensors"}, "nothing.safetensors"),
        ({"freeze": 3}, "freezes 3 layers, its model has 2"),
        ({"model": "mlp(16, 9, norm=batch)"}, r"has the model mlp\(16, 9"),
        ({"file": "", "freeze": 1}, "freeze is for a run with a warm_start"),
    ],
)
def test_what_does_not_fit_is_said(tmp_path: Path, change: dict[str, object], words: str) -> None:
    data = make.numbers()
    if "model" in change:
        change = {**change, "model": make.run(model=str(change["model"])).model}
    asked = onwards(first(tmp_path, data), **change)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=words):
        make.train(data, asked)


def test_other_columns_are_refused(tmp_path: Path) -> None:
    data = make.numbers()
    asked = onwards(first(tmp_path, data))
    values = {name: data.data.column(name).to_pylist() for name in data.names}
    with pytest.raises(ConfigError, match="only here more; only there b"):
        make.train(make.table({("more" if name == "b" else name): each for name, each in values.items()}), asked)


def test_a_model_that_knows_every_row_cannot_be_gone_on_with(tmp_path: Path) -> None:
    data = make.numbers(60)
    asked = first(tmp_path, data)
    path = tmp_path / "first.safetensors"
    model = load_model(path)
    assert model.known is not None
    everything = Known(model.known.rows, np.zeros_like(model.known.levels))
    save_model(path, replace(model, known=everything))
    with pytest.raises(ConfigError, match="learned from every row"):
        make.train(data, onwards(asked))


def test_runs_are_compared_on_the_rows_that_all_of_them_may_score(tmp_path: Path) -> None:
    data = make.numbers(150)
    asked = onwards(replace(first(tmp_path, data), seed=5))
    warm = replace(asked.runs[0], name="warm")
    both = replace(asked, runs=(warm, replace(warm, name="cold", warm_start="")))
    found = make.train(data, both).result.targets[0]
    assert found.corrected is not None
    assert found.ensemble is not None
    assert {run.name for run in found.runs} == {"warm", "cold"}
    alone = make.train(data, replace(both, runs=both.runs[1:])).result.targets[0].runs[0]
    cold = next(run for run in found.runs if run.name == "cold")
    assert cold.metrics["rmse"].value == alone.metrics["rmse"].value  # its own score is over all of its rows
    assert cold.validation["rmse"].value != alone.validation["rmse"].value  # what decides, over the common ones
