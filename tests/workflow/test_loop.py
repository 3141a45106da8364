"""The whole loop: planted errors are found, decided on, written into copies, and the next fit says what it bought."""

import csv
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import xltrain
from xltrain.data.decided import word_label
from xltrain.excel.patch import Edit, patch_book
from xltrain.excel.read import read_cells
from xltrain.language import label
from xltrain.place import Place
from xltrain.report.decisions import header_of
from xltrain.report.difference import Difference
from xltrain.workflow.fit import Fit

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
MONTHS = (1, 2, 4)
TARGET = "销售额"
JOB = f"""
[job]
name = "branches"
folds = 3
seed = 1
[[sources]]
path = "books"
[[columns]]
name = "{TARGET}"
role = "target"
[[runs]]
name = "plain"
model = "mlp(64)"
loss = "huber"
optimizer = "adamw(lr=1e-2)"
epochs = 30
"""
# A row is known by its file's name, its sheet and its number.
Key = tuple[str, str, int]


def planted() -> dict[Key, tuple[str, float]]:
    """The rows that are wrong on purpose in these months: the column and what it ought to hold."""
    found = {}
    with (SAMPLES / "planted.csv").open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            if int(row["file"][5:7]) in MONTHS:
                number = int(re.sub("[A-Z]", "", row["cell"]))
                found[row["file"], row["sheet"], number] = (row["column"], float(row["was"]))
    return found


def decide(fit: Fit, choose: Callable[[Key, dict[str, Any]], dict[str, Any]]) -> dict[Key, str]:
    """Fill in the Suspects sheet as a person would, row by row; gives the cell of every decision."""
    sheet = label("Suspects")
    rows = read_cells(fit.results, sheet)
    header, columns = header_of(rows)
    edits, cells = [], {}
    for number, line in enumerate(rows[header + 1 :], header + 2):
        said = {word: line[at] if at < len(line) else None for word, at in columns.items()}
        key = (Path(said["source_file"]).name, said["source_sheet"], int(said["source_row"]))
        for word, value in choose(key, said).items():
            edits.append(Edit(sheet, number, columns[word] + 1, value))
            cells[key] = str(Place(fit.results.name, sheet, number, columns["decision"] + 1))
    filled = fit.results.with_name("filled.xlsx")
    patch_book(fit.results, filled, edits=edits)
    filled.replace(fit.results)
    return cells


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("loop")
    (folder / "books").mkdir()
    for month in MONTHS:
        shutil.copy(SAMPLES / "branches" / f"2025-{month:02}.xlsx", folder / "books")
    (folder / "job.toml").write_text(JOB, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def first(folder: Path) -> Fit:
    return xltrain.fit(folder / "job.toml")


@pytest.fixture(scope="module")
def fixes(first: Fit) -> dict[Key, str]:
    """Every planted error among the suspects gets its right value; nothing else is touched."""
    wrong = planted()

    def choose(key: Key, said: dict[str, Any]) -> dict[str, Any]:
        if key not in wrong:
            return {}
        column, was = wrong[key]
        fix = {"decision": word_label("fix"), "decision_column": column, "new_value": was, "decision_note": "planted"}
        return {word: value for word, value in fix.items() if said[word] != value}

    return decide(first, choose)


def rows_of(found: Difference) -> set[Key]:
    return {key_of(cell.after) for cell in found.cells}


def key_of(place: Place) -> Key:
    return Path(place.file).name, place.sheet, place.row


def test_most_planted_errors_are_among_the_suspects(fixes: dict[Key, str]) -> None:
    assert len(fixes) >= 0.7 * len(planted())


def test_the_next_fit_takes_the_decisions_without_a_flag(folder: Path, first: Fit, fixes: dict[Key, str]) -> None:
    second = xltrain.fit(folder / "job.toml")
    assert second.results.name == "results-2.xlsx"
    told = {key_of(change.place): change.reason for change in second.report.changes if change.action == "fixed"}
    assert set(told) == set(fixes)
    assert all(cell in told[key] and "planted" in told[key] for key, cell in fixes.items())
    assert not [doubt for doubt in second.report.doubts if "Suspects" in str(doubt)]
    done = xltrain.compare(first.results, second.results, folder / "compare.xlsx", require=["better"])
    assert rows_of(done.difference) == set(fixes)
    (target,) = done.difference.targets
    assert target.verdict == "better"
    assert target.gain > 0.02
    assert target.changed_error[:, 1].mean() < target.changed_error[:, 0].mean()
    assert done.sentences[TARGET].startswith(f"Fixing these {len(fixes)} rows improved the average error by")
    summary = [str(cell) for line in read_cells(second.results, "Summary") for cell in line if cell is not None]
    assert "Since last time" in summary


@pytest.mark.slow
def test_applied_to_copies_the_next_month_finds_everything_done(
    folder: Path, first: Fit, fixes: dict[Key, str]
) -> None:
    originals = {path.name: path.read_bytes() for path in (folder / "books").iterdir()}
    done = xltrain.apply(first.results, folder / "fixed")
    assert len(done.fixes) == len(fixes)
    assert {path.name: path.read_bytes() for path in (folder / "books").iterdir()} == originals
    for path in done.files:
        shutil.copy(path, folder / "books" / path.name)
    merged = xltrain.merge(folder / "books").table
    where = {key_of(merged.place(at)): at for at in range(len(merged))}
    for key, (column, was) in planted().items():
        if key in fixes:
            assert merged.data.column(column)[where[key]].as_py() == pytest.approx(was)
    third = xltrain.fit(folder / "job.toml")
    assert not [change for change in third.report.changes if change.action == "fixed"]
    compared = xltrain.compare(first.results, third.results, folder / "compare-3.xlsx")
    assert rows_of(compared.difference) == set(fixes)
    assert compared.difference.targets[0].verdict == "better"


@pytest.mark.slow
def test_a_kept_row_is_not_raised_again(folder: Path, first: Fit, fixes: dict[Key, str]) -> None:
    del first, fixes
    last = xltrain.fit(folder / "job.toml")
    kept: list[Key] = []

    def keep(key: Key, _: dict[str, Any]) -> dict[str, Any]:
        if len(kept) == 3:
            return {}
        kept.append(key)
        return {"decision": word_label("keep")}

    decide(last, keep)
    again = xltrain.fit(folder / "job.toml")
    header, columns = header_of(rows := read_cells(again.results, label("Suspects")))
    raised = {
        (Path(line[columns["source_file"]]).name, line[columns["source_sheet"]], line[columns["source_row"]])
        for line in rows[header + 1 :]
    }
    assert raised
    assert not raised & set(kept)
