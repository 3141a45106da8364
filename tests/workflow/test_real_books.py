"""Books that nobody here wrote: accuracy with no option but the target, and workbooks that LibreOffice opens."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.books import write_rows
from tests.shared import shared
from xltrain.workflow.fit import fit

pytestmark = pytest.mark.slow
# Linear models by five shuffled folds, as that folder's README has them.
FLOORS = {"concrete": 10.5, "Y1": 2.94, "Y2": 3.21}


def test_concrete_beats_the_linear_floor(tmp_path: Path) -> None:
    done = fit(shared("uci/concrete.xls"), "Concrete compressive strength", tmp_path / "r.xlsx")
    assert done.result.targets[0].best.metrics["rmse"].value < FLOORS["concrete"] / 1.8


def test_energy_beats_the_linear_floor_on_both_targets(tmp_path: Path) -> None:
    book = shared("uci/energy_efficiency_ENB2012.xlsx")
    for target in fit(book, ["Y1", "Y2"], tmp_path / "both.xlsx").result.targets:
        assert target.best.metrics["rmse"].value < FLOORS[target.target] / 2
    assert fit(book, "Y1", tmp_path / "one.xlsx").result.targets[0].best.metrics["rmse"].value < FLOORS["Y1"] / 2


def test_raisin_is_within_a_hundredth_of_the_linear_model(tmp_path: Path) -> None:
    target = fit(shared("uci/raisin.xlsx"), "class", tmp_path / "r.xlsx").result.targets[0]
    linear = target.baselines["linear"]["accuracy"].value
    assert target.best.metrics["accuracy"].value > linear - 0.01


def test_random_targets_show_no_gain(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(400, 4)), columns=["a", "b", "c", "y"])
    target = fit(frame, "y", tmp_path / "r.xlsx").result.targets[0]
    constant = target.baselines["constant"]["rmse"].value
    assert all(run.metrics["rmse"].value > 0.98 * constant for run in target.runs)


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
@pytest.mark.parametrize("tongue", ["en", "zh"])
def test_libreoffice_opens_the_results(tmp_path: Path, tongue: str) -> None:
    from xltrain import language

    rows = [["area", "kind", "price"], *[[row * 1.5, "ab"[row % 2], row * 3.25 + row % 2] for row in range(40)]]
    book = write_rows(tmp_path / "data.xlsx", rows)
    with language.using(tongue):
        done = fit(book, "price", tmp_path / "r.xlsx", overrides=("runs.epochs=2", "folds=2"))
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    call = ["soffice", "--headless", profile, "--convert-to", "pdf", "--outdir", str(tmp_path), str(done.results)]
    subprocess.run(call, check=True, capture_output=True, timeout=120)
    assert (tmp_path / "r.pdf").stat().st_size > 20_000
