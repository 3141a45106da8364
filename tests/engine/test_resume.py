"""A fit that was cut off anywhere ends, resumed, with the bits of one that was not."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.calls import parse_call
from tests.engine import make
from tests.engine.test_joint import TARGETS, joint, several
from tests.thinned import thinned
from xltrain.config.settings import Job, Run
from xltrain.data.table import Table
from xltrain.engine.fit import Fitted
from xltrain.engine.resume import Keeper
from xltrain.errors import ConfigError
from xltrain.events import Event, Trained
from xltrain.registry import optimizers


class KilledError(Exception):
    """Stands for kill -9."""


@pytest.fixture(autouse=True)
def no_baselines(monkeypatch: pytest.MonkeyPatch) -> None:
    """They take longer than all the rest here and are not what is resumed."""
    monkeypatch.setattr("xltrain.engine.outcome.baselines", lambda *_: ({}, []))


def killer(stack: int, epoch: int) -> Callable[[Event], None]:
    """A listener that dies when it hears of this epoch."""

    def listen(event: Event) -> None:
        if isinstance(event, Trained) and (event.stack, event.epoch) == (stack, epoch):
            raise KilledError

    return listen


def epochs_of(heard: list[tuple[int, int]]) -> Callable[[Event], None]:
    return lambda event: heard.append((event.stack, event.epoch)) if isinstance(event, Trained) else None


def cut_and_resume(
    folder: Path, data: Table, asked: Job, stack: int, epoch: int
) -> tuple[Fitted, list[tuple[int, int]]]:
    """What the fit comes to after it died in an epoch of a stack, and the epochs trained after that."""
    with pytest.raises(KilledError):
        make.train(data, asked, "float32", listen=killer(stack, epoch), keeper=Keeper(folder, share=1))
    heard: list[tuple[int, int]] = []
    return make.train(
        data, asked, "float32", listen=epochs_of(heard), keeper=Keeper(folder, resume=True, share=1)
    ), heard


def same(one: Fitted, other: Fitted) -> None:
    for mine, yours in zip(one.result.targets, other.result.targets, strict=True):
        for name in ("loss", "prediction", "spread", "fold", "scored_by"):
            if hasattr(mine.ledger, name):
                np.testing.assert_array_equal(getattr(mine.ledger, name), getattr(yours.ledger, name))
        assert mine.ledger.dynamics is not None
        assert yours.ledger.dynamics is not None
        for name, values in vars(mine.ledger.dynamics).items():
            np.testing.assert_array_equal(values, getattr(yours.ledger.dynamics, name))
        assert mine.winner == yours.winner
        for run, twin in zip(mine.runs, yours.runs, strict=True):
            assert run.metrics == twin.metrics
            assert run.validation == twin.validation
            assert (run.epochs, run.clipped, run.stopped) == (twin.epochs, twin.clipped, twin.stopped)
            for name in ("training", "validation", "lr"):
                np.testing.assert_array_equal(getattr(run.curves, name), getattr(twin.curves, name))


MIXED = make.job(
    make.run("one", model="mlp(16, norm=batch, dropout=0.2)", patience=2, epochs=8, clip_norm=0.5),
    make.run("two", optimizer="sgd(lr=auto, momentum=0.9)", schedule="plateau(patience=1)", epochs=8),
    make.run("three", optimizer="sgd(lr=1e-3, momentum=0.9)", schedule="plateau(patience=1)", epochs=3),
    make.run("four", model="mlp(16, norm=batch, dropout=0.2)", epochs=4, ema=0.9, accumulate=2),
    make.run("five", loss="0.5*mse + 0.5*mae", sam=0.05),
)


@pytest.mark.parametrize("cuts", [((2, 5),), pytest.param(((1, 1), (1, 6), (3, 2), (4, 3)), marks=pytest.mark.slow)])
def test_a_fit_killed_anywhere_ends_with_the_same_bits(tmp_path: Path, cuts: tuple[tuple[int, int], ...]) -> None:
    data = make.numbers(90)
    whole = make.train(data, MIXED, "float32")
    for stack, epoch in cuts:
        resumed, heard = cut_and_resume(tmp_path / f"{stack}{epoch}", data, MIXED, stack, epoch)
        same(whole, resumed)
        assert min(heard) == (stack, epoch)  # nothing was trained twice but the epoch that was lost


@pytest.mark.parametrize("name", thinned(name for name in optimizers if not optimizers[name].facts.get("closure")))
def test_every_optimizer_goes_on_where_it_was(name: str, tmp_path: Path) -> None:
    data, asked = make.numbers(60), make.job(make.run(model="mlp(8, 8)", optimizer=name, epochs=4), folds=2)
    same(make.train(data, asked, "float32"), cut_and_resume(tmp_path / "kept", data, asked, 1, 3)[0])


@pytest.mark.slow
def test_classes_and_a_lost_member(tmp_path: Path) -> None:
    data = make.classes(90)
    runs = (
        make.run("lost", loss="cross_entropy", optimizer="sgd(lr=1e30)"),
        make.run(loss="cross_entropy"),
        make.run("more", loss="cross_entropy", epochs=9, imbalance="oversample"),
    )
    asked = make.job(*runs)
    whole = make.train(data, asked, "float32")
    resumed, _ = cut_and_resume(tmp_path / "kept", data, asked, 2, 4)
    same(whole, resumed)
    assert whole.result.notes == resumed.result.notes


def test_another_job_or_other_data_are_refused_in_one_line(tmp_path: Path) -> None:
    data, asked = make.numbers(60), make.job(make.run(), folds=2)
    with pytest.raises(KilledError):
        make.train(data, asked, "float32", listen=killer(1, 3), keeper=Keeper(tmp_path / "kept", share=1))
    others = [
        (data, replace(asked, runs=(make.run(optimizer="adamw(lr=2e-2)"),)), "job"),
        (data, replace(asked, seed=1), "job"),
        (make.numbers(60, seed=1), asked, "data"),
    ]
    for table, job, word in others:
        with pytest.raises(ConfigError) as caught:
            make.train(table, job, "float32", keeper=Keeper(tmp_path / "kept", resume=True))
        (problem,) = caught.value.problems
        assert word in problem.message
    kept = replace(asked, runs=tuple(replace(run, note="seen", keep=True) for run in asked.runs), output="other.xlsx")
    make.train(
        data, kept, "float32", keeper=Keeper(tmp_path / "kept", resume=True)
    )  # what changes no number may change


def test_a_damaged_file_is_as_good_as_none(tmp_path: Path) -> None:
    data, asked = make.numbers(60), make.job(make.run(), folds=2)
    with pytest.raises(KilledError):
        make.train(data, asked, "float32", listen=killer(1, 3), keeper=Keeper(tmp_path / "kept", share=1))
    path = tmp_path / "kept" / "now.safetensors"
    path.write_bytes(path.read_bytes()[:200])
    heard: list[tuple[int, int]] = []
    again = make.train(data, asked, "float32", listen=epochs_of(heard), keeper=Keeper(tmp_path / "kept", resume=True))
    assert heard[0] == (1, 1)
    same(make.train(data, asked, "float32"), again)


def test_a_quick_fit_writes_nothing(tmp_path: Path) -> None:
    make.train(make.numbers(60), make.job(folds=2), "float32", keeper=Keeper(tmp_path / "kept"))
    assert not (tmp_path / "kept").exists()


def test_a_full_disk_costs_the_keeping_and_not_the_fit(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    data, asked = make.numbers(60), make.job(folds=2)
    keeper = Keeper(tmp_path / "file" / "kept", share=1)
    same(make.train(data, asked, "float32"), make.train(data, asked, "float32", keeper=keeper))
    assert not keeper.affords()


@pytest.mark.parametrize(
    "run",
    [
        joint(objective="uncertainty", epochs=4),
        replace(make.run(objective=parse_call("objectives", "trades(steps=2)"), epochs=4), target="y"),
    ],
    ids=["uncertainty", "trades"],
)
def test_what_an_objective_learns_is_kept(run: Run, tmp_path: Path) -> None:
    data, asked = several(60), make.job(run, target=TARGETS if run.joint else "y", folds=2)
    same(make.train(data, asked, "float32"), cut_and_resume(tmp_path / "kept", data, asked, 1, 3)[0])
