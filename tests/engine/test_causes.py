"""Suspects of a fit that share a cause: found as an audit finds them, in features and targets alike."""

import numpy as np
import pyarrow as pa
import pytest

from tests.engine import make
from xltrain.data.table import Table
from xltrain.engine.causes import shared_causes
from xltrain.engine.fit import fit
from xltrain.engine.result import Causes, Suspects
from xltrain.engine.surprise import surprise


def measured(rows: int = 400, seed: int = 0) -> dict[str, object]:
    """A log in which gauge g2 measured the thickness in tenths for a while."""
    rng = np.random.default_rng(seed)
    gauge = rng.choice(["g1", "g2", "g3", "g4"], rows)
    thickness = rng.normal(2.5, 0.25, rows)
    width = 40 * thickness + rng.normal(0, 3, rows)
    strength = 12 * thickness + rng.normal(0, 1, rows) + 60
    wrong = (gauge == "g2") & (np.arange(rows) > 150) & (np.arange(rows) < 182)
    thickness = np.where(wrong, thickness * 10, thickness)
    strength[[3, 33, 303]] *= 10
    return {"gauge": pa.array(gauge), "thickness": thickness, "width": width, "strength": strength}


@pytest.fixture(scope="module")
def log() -> Table:
    return make.table(measured())


@pytest.fixture(scope="module")
def causes(log: Table) -> Causes:
    return make.train(log, make.job(make.run(epochs=5), target="strength", folds=4)).result.causes


def test_one_gauge_and_a_factor_are_one_finding_each(causes: Causes) -> None:
    told = {(each.columns, each.factor): each for each in causes.findings if each.kind == "factor"}
    gauge, target = told[("thickness",), 10.0], told[("strength",), 10.0]
    assert dict(gauge.where)["gauge"] == "g2"
    assert {causes.cells[at].row for at in target.cells} == {3, 33, 303}
    assert [each.number for each in causes.findings] == list(range(1, len(causes.findings) + 1))


def test_its_cells_say_which_finding_and_what_was_meant(causes: Causes) -> None:
    right = measured()["strength"]
    assert isinstance(right, np.ndarray)
    (cell,) = [each for each in causes.cells if (each.row, each.column) == (33, "strength")]
    assert cell.finding > 0
    assert cell.suggested == pytest.approx(right[33] / 10)


def test_rows_that_a_person_found_right_are_part_of_none(log: Table) -> None:
    job = make.job(make.run(epochs=5), target="strength", folds=4)
    found = fit(job, log, make.columns(log, job), right=np.array([33])).result.causes
    assert 33 not in {each.row for each in found.cells}
    assert {3, 303} <= {each.row for each in found.cells}


def test_no_suspects_no_causes(log: Table) -> None:
    assert shared_causes([], surprise([]), log) == Causes()


def test_all_rows_worth_a_look_are_known_even_where_too_many_to_list() -> None:
    score = np.array([0.1, 0.9, 0.8, 0.7, np.nan])
    blank, none = np.full(5, np.nan), np.full(5, -1)
    listed = np.array([1, 2])
    two = ("", "")
    one = Suspects(score, listed, blank, blank, (), none, blank, blank, blank, two, blank, blank, none, ((), ()), 3)
    assert one.reviewed.tolist() == [1, 2, 3]
