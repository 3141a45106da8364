"""Findings in the results of a fit: their sheet, the cells they explain, and one decision for all rows of each."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from tests.report.make import made_job, made_merge, made_result, made_table, made_target
from tests.report.test_suspects import rows_of, with_suspects
from xltrain.engine.audited import Finding, OddCell
from xltrain.engine.result import Causes
from xltrain.excel.recalculate import libreoffice, recalculated
from xltrain.language import label, using
from xltrain.report.decisions import header_of, read_decisions
from xltrain.report.workbook import write_results

pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported")

# Row 5 has a second wrong cell, which no row of the sheet would be about by itself.
CELLS = (
    OddCell(5, "price", 0.99, 240, 290, suggested=255.0, finding=1),
    OddCell(8, "price", 0.8, 240, 290, suggested=265.0, finding=1),
    OddCell(5, "size", 0.99, suggested=12.5, finding=1),
)
FINDING = Finding(1, "swapped", ("size", "price"), (0, 1, 2))


def write(folder: Path, causes: Causes) -> Path:
    path = folder / "results.xlsx"
    result = replace(made_result(with_suspects(made_target(made_table()))), causes=causes)
    write_results(
        path,
        made_job(folder),
        result,
        made_table(),
        made_merge(),
        job_sheets=lambda book: book.add_worksheet(label("Job")),
        samples_file="results/samples.parquet",
    )
    return path


def decide(path: Path, sheet: str, row: int, word: str) -> None:
    """A decision in a row, counted from the first below the header."""
    book = openpyxl.load_workbook(path)
    page = book[sheet]
    at, columns = header_of([[cell.value for cell in row] for row in page.iter_rows()], ("decision",))
    page.cell(at + 1 + row, columns["decision"] + 1).value = word
    book.save(path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write(tmp_path, Causes(CELLS, (FINDING,)))


def test_a_finding_stands_on_its_sheet_and_beside_its_rows(path: Path) -> None:
    book = openpyxl.load_workbook(path)
    assert book.sheetnames.index("Findings") + 1 == book.sheetnames.index("Suspects")
    assert "the two stand in each other's place (rows: 2)" in book["Findings"]["B6"].value
    rows, at = rows_of(path)
    part = [row for row in rows if row[at["finding_number"]] == 1]
    said = [(row[at["source_row"]], row[at["decision_column"]], row[at["suggested_value"]]) for row in part]
    assert said == [(7, "price", 255), (7, "size", 12.5), (10, "price", 265)]
    assert [row[at["rank"]] for row in rows] == list(range(1, 22))
    assert part[1][at["reason"]].endswith("12.50 belongs there")
    assert "2 rows share a cause with others: 1 finding on the sheet Findings" in book["Suspects"]["A2"].value


@pytest.mark.parametrize("tongue", ["en", "zh"])
def test_one_decision_is_for_all_of_its_rows(tmp_path: Path, tongue: str) -> None:
    with using(tongue):
        path = write(tmp_path, Causes(CELLS, (FINDING,)))
        decide(path, label("Findings"), 1, label("decision_fix"))
        decide(path, label("Suspects"), 3, label("decision_keep"))
    found = read_decisions(path, results=True)
    told: list[tuple[Any, ...]] = [(each.row, each.word, each.column, each.new) for each in found]
    # Row 10 has a decision of its own.
    assert told == [(7, "fix", "price", 255), (7, "fix", "size", 12.5), (10, "keep", "price", 265)]
    assert [each.at.sheet for each in found[:2]] == [label("Findings") if tongue == "en" else "共因发现"] * 2
    table = made_table()
    assert found[1].old == pytest.approx(table.data.column("size")[5].as_py())


@pytest.mark.slow
@pytest.mark.skipif(not libreoffice(), reason="LibreOffice is not installed")
def test_the_hit_rate_counts_rows_that_a_finding_decides(path: Path) -> None:
    decide(path, "Findings", 1, "fix")
    decide(path, "Suspects", 3, "keep")
    decide(path, "Suspects", 4, "drop")
    (folder := path.parent / "worked").mkdir()
    shown = openpyxl.load_workbook(recalculated(path, folder), data_only=True)["Suspects"]["A3"].value
    assert shown == "4 decided so far, 3 of them wrong (75%)"


def test_no_finding_no_sheet(tmp_path: Path) -> None:
    path = write(tmp_path, Causes((replace(CELLS[0], finding=0),), ()))
    assert "Findings" not in openpyxl.load_workbook(path).sheetnames
    rows, at = rows_of(path)
    assert "finding_number" not in at
    assert rows[0][at["suggested_value"]] == 255
