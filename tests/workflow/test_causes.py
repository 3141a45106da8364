"""Findings of a fit: one decision for all rows with one cause, which the next fit follows."""

from pathlib import Path

import numpy as np
import openpyxl
import pytest

import xltrain
from tests.books import write_rows
from xltrain.report.decisions import header_of
from xltrain.workflow.fit import Fit

pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported")
JOB = """
[job]
name = "log"
folds = 3
[[sources]]
path = "log.xlsx"
[[columns]]
name = "strength (MPa)"
role = "target"
[[runs]]
name = "plain"
model = "linear"
optimizer = "adamw(lr=1e-2)"
epochs = 4
"""
WRONG = (20, 60, 100, 140, 180)


def log() -> list[list[object]]:
    """A log in which five strengths are ten times too large."""
    rng = np.random.default_rng(0)
    thickness = rng.normal(2.5, 0.3, 240)
    width = 40 * thickness + rng.normal(0, 3, 240)
    strength = 60 + 12 * thickness + rng.normal(0, 1, 240)
    strength[list(WRONG)] *= 10
    rows = np.round(np.stack([thickness, width, strength], 1), 3)
    return [["thickness", "width", "strength (MPa)"], *rows.tolist()]


@pytest.fixture
def first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fit:
    monkeypatch.chdir(tmp_path)
    write_rows(tmp_path / "log.xlsx", log(), "Log")
    (tmp_path / "job.toml").write_text(JOB, encoding="utf-8")
    return xltrain.fit("job.toml")


def decide(fit: Fit, word: str) -> None:
    book = openpyxl.load_workbook(fit.results)
    page = book["Findings"]
    at, columns = header_of([[cell.value for cell in row] for row in page.iter_rows()], ("decision", "finding_number"))
    page.cell(at + 2, columns["decision"] + 1).value = word
    book.save(fit.results)


def test_one_decision_mends_all_rows_of_a_finding(first: Fit) -> None:
    (finding,) = first.result.causes.findings
    assert (finding.kind, finding.columns, finding.factor) == ("factor", ("strength (MPa)",), 10.0)
    assert {first.result.causes.cells[at].row for at in finding.cells} == set(WRONG)
    assert "MPa" in first.verdicts["strength (MPa)"]
    decide(first, "fix")
    second = xltrain.fit("job.toml")
    assert [each.state for each in second.settled] == ["applied"] * len(WRONG)
    mended = np.array(second.table.data.column("strength (MPa)").to_pylist())[list(WRONG)]
    np.testing.assert_allclose(mended, [float(log()[row + 1][2]) / 10 for row in WRONG], atol=5e-4)  # type: ignore[arg-type]
    assert not second.result.causes.findings


def test_rows_that_a_person_keeps_are_part_of_no_finding(first: Fit) -> None:
    decide(first, "keep")
    second = xltrain.fit("job.toml")
    assert [each.state for each in second.settled] == ["kept"] * len(WRONG)
    assert not second.result.causes.findings
    worth = openpyxl.load_workbook(second.results)["Suspects"]["A2"].value if second.result.targets[0].suspects else ""
    assert "share a cause" not in worth
