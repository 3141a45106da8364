"""From books to an audit, decisions in it, and back into the books."""

import json
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest

import xltrain
from tests.books import write_rows, write_sheets
from tests.gauges import HEAT, WEIGHT, Log, gauge_log
from xltrain.cli import run
from xltrain.errors import ConfigError, DataError, WorkbookError
from xltrain.workflow.audit import Audited, audit

# openpyxl does not know the extension in which data bars are stored.
pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported")


def book(path: Path, log: Log) -> Path:
    frame = log.frame
    dates = frame["date"].dt.to_pydatetime()
    rows = [[date, *rest] for date, rest in zip(dates, frame.drop(columns="date").to_numpy().tolist(), strict=True)]
    return write_rows(path, [list(frame), *rows], "Log")


@pytest.fixture
def log() -> Log:
    return gauge_log(900, seed=1).tenfold(7)


@pytest.fixture
def found(tmp_path: Path, log: Log, monkeypatch: pytest.MonkeyPatch) -> Audited:
    monkeypatch.chdir(tmp_path)
    book(tmp_path / "log.xlsx", log)
    return audit("log.xlsx")


def decide(path: Path, sheet: str, cells: dict[int, dict[str, Any]]) -> None:
    """Fill in cells of some rows, counted from the first below the header."""
    workbook = openpyxl.load_workbook(path)
    page = workbook[sheet]
    at = next(number for number in range(1, 12) if any(cell.value == "decision" for cell in page[number]))
    columns = {cell.value: cell.column for cell in page[at]}
    for row, said in cells.items():
        for header, value in said.items():
            page.cell(at + row, columns[header]).value = value
    workbook.save(path)


def test_wrong_cells_are_found_and_written(found: Audited, log: Log) -> None:
    assert found.path.name == "audit.xlsx"
    workbook = openpyxl.load_workbook(found.path)
    assert workbook.sheetnames[:3] == ["Summary", "Findings", "Suspects"]
    assert "7 numbers are 10 times too large" in workbook["Findings"]["B6"].value
    page = workbook["Suspects"]
    head = [cell.value for cell in page[5]]
    lines = [dict(zip(head, [cell.value for cell in row], strict=True)) for row in page.iter_rows(min_row=6)]
    of_first = [each for each in lines if each["finding no."] == 1]
    assert {each["source row"] for each in of_first} == {row + 2 for row, _ in log.truth}
    for each in of_first:
        assert each["column to fix"] == WEIGHT
        assert each["suggested value"] == pytest.approx(each["actual"] / 10)
        assert "times what the rest of the row leads one to expect" in each["reason"]
    shown = found.to_pandas()
    places = set(shown["place"][shown["finding"] == 1])
    assert places == {f"log.xlsx!Log!G{row + 2}" for row, _ in log.truth}
    assert found.found.worth <= len(log.truth) + 2
    assert "of 900 rows are worth reviewing" in found.verdict


def test_one_decision_on_a_finding_fixes_all_its_cells_in_the_books(found: Audited, log: Log, tmp_path: Path) -> None:
    decide(found.path, "Findings", {1: {"decision": "fix"}})
    done = xltrain.apply(found.path, tmp_path / "fixed")
    assert {(each.place.row - 2, each.column) for each in done.fixes} == set(log.truth)
    page = openpyxl.load_workbook(tmp_path / "fixed" / "log.xlsx")["Log"]
    for row, _ in log.truth:
        assert page.cell(row + 2, 7).value == pytest.approx(log.frame.at[row, WEIGHT] / 10)
    assert "Change log" in openpyxl.load_workbook(tmp_path / "fixed" / "audit.xlsx").sheetnames


@pytest.mark.slow
def test_a_merge_goes_by_the_decisions_of_an_audit(found: Audited, log: Log, tmp_path: Path) -> None:
    decide(found.path, "Findings", {1: {"decision": "fix"}})
    assert run(["merge", "--job", str(found.path), "-o", str(tmp_path / "m.xlsx")]) == 0
    merged = pd.read_excel(tmp_path / "m.xlsx", engine="openpyxl")
    assert merged[WEIGHT].max() < 1.2 * gauge_log(900, seed=1).frame[WEIGHT].max()


@pytest.mark.slow
def test_what_was_decided_is_not_raised_again_and_is_kept(found: Audited, log: Log) -> None:
    place = found.found.cells[0]
    decide(found.path, "Suspects", {1: {"decision": "keep", "decision note": "heavy one"}})
    decide(found.path, "Findings", {1: {"decision": "fix"}})
    words = ["fix"] * (len(log.truth) - ((place.row, place.column) in log.truth)) + ["keep"]
    for name in ("audit-2.xlsx", "audit-3.xlsx"):  # the third knows it from the second
        again = audit("log.xlsx")
        assert again.path.name == name
        raised = {(each.row, each.column) for each in again.found.cells[: again.found.worth]}
        assert not raised & {*log.truth, (place.row, place.column)}
        assert sorted(each.decision.word for each in again.settled) == words
    page = openpyxl.load_workbook("audit-3.xlsx")["Decided"]
    assert "heavy one" in [cell.value for row in page.iter_rows() for cell in row]


@pytest.mark.slow
def test_a_finding_without_right_values_cannot_be_fixed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    book(tmp_path / "log.xlsx", gauge_log(900).stuck())
    found = audit("log.xlsx")
    decide(found.path, "Findings", {1: {"decision": "fix"}})
    with pytest.raises(ConfigError) as caught:
        xltrain.apply(found.path, tmp_path / "fixed")
    assert str(caught.value.problems[0].place).startswith("audit.xlsx!Findings!")
    decide(found.path, "Findings", {1: {"decision": "drop"}})
    assert xltrain.apply(found.path, dry_run=True).left == 11


def test_a_job_gives_books_and_limits(tmp_path: Path, log: Log) -> None:
    book(tmp_path / "log.xlsx", log)
    sheets = {
        "Job": [["setting", "value"], ["name", "gauges"], ["language", "zh"]],
        "Sources": [["path"], ["log.xlsx"]],
        "Columns": [["name", "max", "unique"], [HEAT, 23, None]],
        "Runs": [["model"]],
    }
    job = write_sheets(tmp_path / "job.xlsx", sheets)
    found = audit(job=job, output=tmp_path / "a.xlsx")
    assert sum(each.rule == "max" for each in found.found.cells) == (log.frame[HEAT] > 23).sum()
    assert any(each.kind == "limit" for each in found.found.findings)


def test_doubts_are_errors_where_that_is_asked(tmp_path: Path) -> None:
    rows = [["a", "a"], *[[each, each * 2.5] for each in range(40)]]  # a header that stands twice
    write_rows(tmp_path / "twice.xlsx", rows)
    with pytest.raises(DataError):
        audit(tmp_path / "twice.xlsx", tmp_path / "b.xlsx", strict=True)
    assert not (tmp_path / "b.xlsx").exists()


def test_the_command_says_what_it_found(found: Audited, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["audit", "log.xlsx", "-o", "new.xlsx", "--json"]) == 0
    told = json.loads(capfd.readouterr().out)
    assert (told["findings"][0]["cells"], told["output"]) == (7, "new.xlsx")
    assert len(told["cells"]) == told["worth"] == found.found.worth
    assert run(["audit", "log.xlsx", "-o", "new.xlsx", "--overwrite"]) == 0
    assert "7 numbers are 10 times too large; fix: divide by 10" in capfd.readouterr().out
    assert not Path("new-2.xlsx").exists()


def test_a_book_is_never_written_over(found: Audited, tmp_path: Path) -> None:
    before = (tmp_path / "log.xlsx").read_bytes()
    with pytest.raises(WorkbookError):
        audit("log.xlsx", "log.xlsx", overwrite=True)
    assert audit("log.xlsx", "log.xlsx").path.name == "log-2.xlsx"
    assert (tmp_path / "log.xlsx").read_bytes() == before


def test_a_frame_can_be_audited(tmp_path: Path, log: Log) -> None:
    found = audit(log.frame, tmp_path / "a.xlsx")
    assert {(each.row, each.column) for each in found.found.cells[: found.found.worth]} >= set(log.truth)


@pytest.mark.parametrize("arguments", [["audit"], ["audit", "nowhere.xlsx"], ["audit", "empty.xlsx"]])
def test_nothing_to_audit_is_said(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_rows(tmp_path / "empty.xlsx", [["a", "b"]])
    assert run(arguments) != 0
    assert "Traceback" not in capfd.readouterr().err
    assert not (tmp_path / "audit.xlsx").exists()


def test_an_audit_of_other_books_is_not_mixed_in(found: Audited, tmp_path: Path) -> None:
    decide(found.path, "Findings", {1: {"decision": "fix"}})
    book(tmp_path / "other.xlsx", gauge_log(300, seed=3))
    other = audit("other.xlsx")
    assert not other.settled
    assert not [each for each in other.report.doubts if "decision" in str(each)]
