"""`lr=auto`: a rate that trains well, chosen by training rows alone, its curve kept."""

from pathlib import Path

import numpy as np
import openpyxl
import pytest

from tests.books import write_rows
from tests.engine.make import job, numbers, run, table, train
from xltrain.engine.lr_range import COPIES, choose, rates_of
from xltrain.registry import optimizers

RATES = rates_of(optimizers.call("adamw"))


def test_the_steepest_fall_is_chosen_and_not_what_diverged() -> None:
    loss = 1 / (1 + np.exp((np.log10(RATES) + 2.5) * 4)) + 0.05
    loss[RATES > 0.1] = np.nan
    assert 1e-3 < choose(RATES, loss) < 3e-2
    assert RATES[0] <= choose(RATES, np.full(COPIES, np.nan)) <= RATES[-1]


@pytest.mark.parametrize(("optimizer", "low", "high"), [("adamw", 3e-4, 0.3), ("sgd", 1e-4, 1.0)])
def test_the_rate_found_trains_well(optimizer: str, low: float, high: float) -> None:
    data = numbers(150)
    asked = job(run("auto", optimizer=f"{optimizer}(lr=auto)", epochs=20), folds=2)
    found = train(data, asked).result.targets[0].runs[0]
    assert found.lr_range is not None
    assert found.lr_range.lr.shape == found.lr_range.loss.shape == (COPIES,)
    assert low < found.lr_range.chosen < high
    assert found.run.optimizer["lr"] == found.lr_range.chosen
    assert found.metrics["r2"].value > 0.7


def test_held_out_targets_have_no_say() -> None:
    data = numbers(90)
    split = np.where(np.arange(90) % 3 == 0, "test", np.where(np.arange(90) % 3 == 1, "train", "valid"))
    chosen = []
    for shuffled in (False, True):
        y = data.data.column("y").to_numpy().copy()
        if shuffled:
            y[split == "test"] = y[split == "test"][::-1] * 7
        one = table({"a": data.data.column("a"), "b": data.data.column("b"), "split": split, "y": y})
        from tests.calls import parse_call

        asked = job(run(optimizer="adamw(lr=auto)", epochs=2), split=parse_call("splits", "column(split)"))
        found = train(one, asked).result.targets[0].runs[0].lr_range
        assert found is not None
        chosen.append((found.chosen, found.loss.tobytes()))
    assert chosen[0] == chosen[1]


@pytest.mark.filterwarnings("ignore:.*extension is not supported")
def test_the_curve_stands_in_the_workbook(tmp_path: Path) -> None:
    from xltrain.workflow.fit import fit

    rows = [["a", "y"], *[[number * 1.5, number * 3.0 + number % 3] for number in range(60)]]
    book = write_rows(tmp_path / "a.xlsx", rows)
    quick = ("runs.epochs=2", "job.folds=2", "runs.optimizer=adamw(lr=auto)", "runs.model=linear")
    done = fit(book, "y", tmp_path / "r.xlsx", overrides=quick)
    sheet = openpyxl.load_workbook(done.results)["Curves"]
    assert len(sheet._charts) == 4
