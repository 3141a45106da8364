"""Where a job's decisions lie: its newest results, copies in their folder, and the workbook beside it."""

import json
import os
from pathlib import Path

import pytest

from tests.books import write_sheets
from tests.report.test_decisions import suspects
from tests.workflow.test_compare import noise, write_fit
from xltrain.config.settings import Job
from xltrain.data.fingerprint import fingerprints
from xltrain.errors import WorkbookError
from xltrain.events import ignore
from xltrain.excel.patch import Addition, NewColumn, patch_book
from xltrain.place import Place
from xltrain.workflow.decide import job_decisions, last_results
from xltrain.workflow.fit import _read
from xltrain.workflow.merge import read_sources

ROW = ["north.xlsx", "Sales", 3, "0123456789abcdef"]


def write_results(folder: Path, name: str, word: str | None, row: int = 3) -> Path:
    """A results workbook with one decision, and the folder of its ledger."""
    line = [1, "x", 5.0, word, "price", 265, 0.5, None, 9999, "north.xlsx", "Sales", row, "0123456789abcdef"]
    book = write_sheets(folder / f"{name}.xlsx", {"Suspects": suspects("en", line), "Runs": [["model"]]})
    (folder / name).mkdir()
    (folder / name / "samples.parquet").write_bytes(b"")
    return book


def test_the_newest_results_are_read(tmp_path: Path) -> None:
    job = Job(folder=tmp_path)
    wanted = tmp_path / "results.xlsx"
    assert last_results(job, wanted) is None
    first = write_results(tmp_path, "results", "drop")
    assert last_results(job, wanted) == first
    write_results(tmp_path, "results-2", "keep")
    tenth = write_results(tmp_path, "results-10", "fix")
    write_results(tmp_path, "results-old-11", "drop")
    (tmp_path / "results-12.xlsx").write_bytes(b"no folder, so no results of ours")
    assert last_results(job, wanted) == tenth
    assert last_results(job, tmp_path / "other.xlsx") is None
    assert last_results(Job(folder=tmp_path, output="results.xlsx"), tmp_path / "other.xlsx") == tenth
    found, _ = job_decisions(job, tenth)
    assert [each.word for each in found] == ["fix"]


def test_what_was_decided_in_older_results_since_is_not_overlooked(tmp_path: Path) -> None:
    job = Job(folder=tmp_path)
    first = write_results(tmp_path, "results", "drop")
    last = write_results(tmp_path, "results-2", "keep")
    os.utime(first, (1, 1))
    assert job_decisions(job, last)[1] == []
    os.utime(last.with_suffix("") / "samples.parquet", (2, 2))
    os.utime(first, (3, 3))
    (doubt,) = job_decisions(job, last)[1]
    assert "results.xlsx!Suspects!D5: decided after results-2.xlsx was made" in str(doubt)
    again = write_results(tmp_path, "results-3", "drop")
    os.utime(again.with_suffix("") / "samples.parquet", (2, 2))
    os.utime(last, (1, 1))
    assert job_decisions(job, again)[1] == []  # a copied folder has new dates, but says nothing new


def test_copies_and_the_workbook_beside_are_read_too(tmp_path: Path) -> None:
    last = write_results(tmp_path, "results", "drop")
    source = write_sheets(tmp_path / "north.xlsx", {"Sales": [["price"], [1], [2], [3]]})
    column = NewColumn("decision", ["", "keep", ""], key="decision")
    for folder in ("results", "copies"):
        (tmp_path / folder).mkdir(exist_ok=True)
        addition = Addition("Sales", 1, [2, 3, 4], (column,))
        patch_book(source, tmp_path / folder / "north.xlsx", additions=(addition,))
    write_sheets(
        tmp_path / "decisions.xlsx", {"Mine": suspects("zh", [1, "x", 5, "weight", None, None, 2, None, 1, *ROW])}
    )
    found, _ = job_decisions(Job(folder=tmp_path), last)
    assert [each.word for each in found] == ["drop", "keep", "weight"]
    assert str(found[1].at) == "results/north.xlsx!Sales!B3"
    found, _ = job_decisions(Job(folder=tmp_path, decisions="copies"), last)
    assert [str(each.at) for each in found][1:] == ["results/north.xlsx!Sales!B3", "copies/north.xlsx!Sales!B3"]


def test_results_that_cannot_be_read_stop_the_work(tmp_path: Path) -> None:
    last = write_results(tmp_path, "results", "drop")
    last.write_bytes(b"PK broken")
    with pytest.raises(WorkbookError, match=r"results\.xlsx"):
        job_decisions(Job(folder=tmp_path), last)


def test_books_named_without_a_job_go_by_their_own_last_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [["price", "size"], *([250.0 + at, at % 7] for at in range(20))]
    north = write_sheets(tmp_path / "north.xlsx", {"Sales": rows})
    write_sheets(tmp_path / "other.xlsx", {"Sales": rows})
    table, _ = read_sources([north], tmp_path)
    last = write_fit(tmp_path, "results", table, noise(len(table), 1.0))
    fingerprint = fingerprints(table)[1].as_py()
    line = [1, "x", 5.0, "drop", None, None, None, None, 251, "north.xlsx", "Sales", 3, fingerprint]
    write_sheets(last, {"Suspects": suspects("en", line)})
    for book, left in (("north.xlsx", 19), ("other.xlsx", 20)):
        with _read([book], ("price",), (), "", False, ignore, last) as (_, table, _, report, taken):
            assert len(table) == left
            assert report.counts.get("dropped", 0) == 20 - left
            assert (taken.last == last) == (left == 19)


def test_results_saved_under_another_name_are_read_with_the_last(tmp_path: Path) -> None:
    last = write_results(tmp_path, "results", "drop")
    os.utime(last.with_suffix("") / "samples.parquet", (2, 2))
    other = write_results(tmp_path, "checked by Li", "keep", row=4)
    job = Job(folder=tmp_path, place=Place(str(other)))
    assert [each.word for each in job_decisions(job, last)[0]] == ["drop", "keep"]
    assert [each.word for each in job_decisions(job, None)[0]] == ["keep"]
    os.utime(other, (1, 1))  # the last fit has seen it
    assert [each.word for each in job_decisions(job, last)[0]] == ["drop"]


def named(results: Path, name: str) -> Path:
    """Results that say of which job they are."""
    told = {"version": 1, "when": "", "name": name, "folder": "..", "samples": 0, "features": [], "files": []}
    (results.with_suffix("") / "fit.json").write_text(json.dumps({**told, "targets": [], "columns": {}}))
    return results


def test_several_jobs_in_one_folder_go_by_their_own_results(tmp_path: Path) -> None:
    sales, energy = Job(name="sales", folder=tmp_path), Job(name="energy", folder=tmp_path)
    first = named(write_results(tmp_path, "results", "drop"), "sales")
    assert last_results(energy, tmp_path / "results.xlsx") is None
    (doubt,) = job_decisions(energy, None)[1]
    assert "results.xlsx!Suspects!D5: decided for the job 'sales'" in str(doubt)
    other = named(write_results(tmp_path, "results-2", "fix"), "energy")
    assert last_results(sales, tmp_path / "results.xlsx") == first
    assert last_results(energy, tmp_path / "results.xlsx") == other
    os.utime(other.with_suffix("") / "samples.parquet", (2, 2))
    os.utime(first, (3, 3))
    assert job_decisions(energy, other)[1] == []
