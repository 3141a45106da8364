"""Decisions on sheets: found by their header in either language, carried into the next results, read from copies."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from tests.books import write_rows, write_sheets
from tests.report import make
from xltrain.data.decided import Decision, Settled
from xltrain.errors import WorkbookError
from xltrain.excel.chart import ChartData
from xltrain.excel.patch import Addition, NewColumn, patch_book
from xltrain.excel.write import new_book
from xltrain.language import label, using
from xltrain.place import Place
from xltrain.report.annotated import annotated_copies, read_annotated
from xltrain.report.decisions import read_decisions, write_decisions
from xltrain.report.report import Report

INPUTS = ("decision", "decision_column", "new_value", "decision_weight", "decision_note")
PLACES = ("source_file", "source_sheet", "source_row", "fingerprint")


def suspects(language: str, *rows: list[Any]) -> list[list[Any]]:
    """A sheet of suspects: a title, hints, then a table with actual values, inputs, the row and its place."""
    with using(language):
        head = ["#", label("place"), "actual", *map(label, INPUTS), "price", *map(label, PLACES)]
    return [["Suspects"], [], ["a hint"], head, *rows]


ROW = ["north.xlsx", "Sales", 118, "0123456789abcdef"]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_decisions_are_read_by_their_headers(tmp_path: Path, language: str) -> None:
    rows = suspects(
        language,
        [1, "x", 5.0, "fix", "price", 265, None, "typo", 9999, *ROW],
        [2, "x", 5.0, None, "price", None, None, None, 9999, *ROW],
        [3, "x", 7.0, "更正", "sales", 8, None, None, 9999, *ROW],
        [4, "x", 7.0, "weight", None, None, 0.5, None, 9999, *ROW],
    )
    with using("zh" if language == "en" else "en"):
        found = read_decisions(write_rows(tmp_path / "d.xlsx", rows, "Suspects"), "sub/d.xlsx")
    first, second, third = found
    at = Place("sub/d.xlsx", "Suspects", 5, 4)
    assert first == Decision(
        "north.xlsx", "Sales", 118, "fix", "price", 265, None, "typo", "0123456789abcdef", 9999, at
    )
    assert (second.word, second.old, str(second.at)) == ("fix", 7, "sub/d.xlsx!Suspects!D7")
    assert (third.word, third.weight) == ("weight", 0.5)


def test_of_results_only_their_own_sheets_are_read(tmp_path: Path) -> None:
    line = [1, "x", 5.0, "drop", None, None, None, None, 1, *ROW]
    sheets = {"Suspects": suspects("en", line), "Notes": suspects("en", line), "Decided": suspects("en", line)}
    book = write_sheets(tmp_path / "results.xlsx", sheets)
    assert [each.carried for each in read_decisions(book, results=True)] == [False, True]
    assert len(read_decisions(book)) == 3


def test_a_workbook_without_decisions_says_what_it_lacks(tmp_path: Path) -> None:
    book = write_rows(tmp_path / "d.xlsx", [["decision"], ["fix"]])
    with pytest.raises(WorkbookError, match="source row"):
        read_decisions(book)
    assert read_decisions(book, results=True) == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_was_decided_is_carried_into_the_next_results(tmp_path: Path, language: str) -> None:
    at = Place("results.xlsx", "Suspects", 12, 7)
    made = Decision("a.xlsx", "S", 7, "fix", "price", 265.5, None, "=typo", "0123456789abcdef", 9999, at)
    weight = Decision("a.xlsx", "S", 8, "weight", weight=0.5, fingerprint="f" * 16, at=at)
    gone = replace(made, row=9, word="drop", column="")
    settled = (
        Settled(made, "applied", Place("a.xlsx", "S", 7, 4)),
        Settled(weight, "applied", Place("a.xlsx", "S", 8)),
        Settled(gone, "replaced", Place("a.xlsx", "S", 9)),
    )
    table = make.made_table()
    path = tmp_path / "results-2.xlsx"
    with using(language), new_book(path) as book:
        job, result = make.made_job(tmp_path), make.made_result(make.made_target(table))
        write_decisions(Report(path, book, ChartData(book, "charts"), job, result, table, None, "", settled))
    page = openpyxl.load_workbook(path).worksheets[0]
    assert page.data_validations.dataValidation[0].type == "list"
    assert "=typo" in [cell.value for cell in page[5]]
    found = read_decisions(path, results=True)
    assert len(found) == 2
    for before, after in zip((made, weight), found, strict=True):
        assert after.origin == "results.xlsx!Suspects!G12"
        assert after.carried
        assert replace(after, at=at, carried=False, origin="") == before


def test_decisions_in_an_annotated_copy(tmp_path: Path) -> None:
    source = write_sheets(
        tmp_path / "north.xlsx", {"Sales": [["title"], ["price", "n"], [250, 1], [9999, 2], [265, 3]]}
    )
    copy = tmp_path / "results" / "annotated" / "north.xlsx"
    copy.parent.mkdir(parents=True)
    inputs = {"decision": ["", "fix", "drop"], "decision_column": ["", "price", ""], "new_value": [None, 999.9, None]}
    columns = tuple(NewColumn(label(word), values, key=word) for word, values in inputs.items())
    patch_book(source, copy, additions=(Addition("Sales", 2, [3, 4, 5], columns),))
    assert annotated_copies(tmp_path / "results.xlsx") == [copy]
    fix, drop = read_annotated(copy, "results/annotated/north.xlsx")
    assert (fix.row, fix.word, fix.column, fix.new, fix.old) == (4, "fix", "price", 999.9, 9999)
    assert str(fix.at) == "results/annotated/north.xlsx!Sales!C4"
    assert (drop.row, drop.word, drop.file) == (5, "drop", "results/annotated/north.xlsx")
    assert read_annotated(source, "north.xlsx") == []
