"""Findings in sentences, and one decision on a finding for all of its rows."""

from pathlib import Path
from typing import Any

import pytest

from tests.books import write_sheets
from xltrain.data.table import Control
from xltrain.engine.audited import Audit, Finding, OddCell
from xltrain.language import label, using
from xltrain.place import Place
from xltrain.report.audit import audit_verdict
from xltrain.report.decisions import read_decisions
from xltrain.report.findings import advice, finding_words

CELLS = (OddCell(3, "price", 1.0), OddCell(4, "price", 0.9), OddCell(3, "size", 0.8))
HEAD = ("decision", "decision_column", "new_value", "decision_weight", "decision_note", "suggested_value")
SOURCE = ("finding_number", "source_file", "source_sheet", "source_row", "fingerprint")


def sheets(language: str, causes: list[list[Any]], rows: list[list[Any]]) -> dict[str, list[list[Any]]]:
    """A workbook of an audit in little: findings with decisions, and suspects with theirs."""
    with using(language):
        findings = [label(each) for each in ("finding_number", "decision", "new_value", "decision_weight")]
        suspects = [*map(label, HEAD), "price", *map(label, SOURCE)]
        names = label("Findings"), label("Suspects")
    return {names[0]: [["Findings"], findings, *causes], names[1]: [["Suspects"], suspects, *rows]}


def line(
    finding: int | None, row: int, decision: str | None = None, new: Any = None, suggested: Any = 9.9
) -> list[Any]:
    source = [finding, "north.xlsx", "Sales", row, "0123456789abcdef"]
    return [decision or None, "price", new, None, None, suggested, 99.0, *source]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_decision_on_a_finding_is_one_for_each_of_its_rows(tmp_path: Path, language: str) -> None:
    causes = [[1, "fix", None, None], [2, "更正", 5.5, None], [3, None, None, None], [4, "weight", None, 0.5]]
    rows = [
        line(1, 10),
        line(1, 11, "keep"),
        line(1, 12, new=7.5),
        line(2, 13),
        line(3, 14),
        line(4, 15),
        line(None, 16),
        line(None, 17, "fix"),
    ]
    with using("en"):
        found = {
            each.row: each for each in read_decisions(write_sheets(tmp_path / "a.xlsx", sheets(language, causes, rows)))
        }
    said = {row: (each.word, each.new) for row, each in found.items() if each.word != "weight"}
    # Its own decision goes first; a fix without a value takes the suggested one.
    assert said == {10: ("fix", 9.9), 11: ("keep", 9.9), 12: ("fix", 7.5), 13: ("fix", 5.5), 17: ("fix", 9.9)}
    assert (found[15].word, found[15].weight) == ("weight", 0.5)
    assert found[10].at.row == 3  # the cell on the sheet of findings
    assert str(found[10].at).startswith("a.xlsx!")
    assert found[17].at.row == 10


def test_a_fix_without_any_value_has_none(tmp_path: Path) -> None:
    rows = [line(1, 10, suggested=None)]
    (found,) = read_decisions(write_sheets(tmp_path / "a.xlsx", sheets("en", [[1, "fix", None, None]], rows)))
    assert found.new is None


FINDINGS = {
    "price: 2 numbers are 1.8 times the right value plus 32 (°F in place of °C?)": Finding(
        1, "factor", ("price",), (0, 1), 1.8, offset=32.0
    ),
    "price: 2 numbers are the right value less 32, divided by 1.8": Finding(
        1, "factor", ("price",), (0, 1), 1 / 1.8, offset=-32 / 1.8
    ),
    "price: 2 numbers are 10 times too large": Finding(1, "factor", ("price",), (0, 1), 10.0),
    "price: 2 numbers are 25.4 times too small (another unit: inch, mm?)": Finding(
        1, "factor", ("price",), (0, 1), 1 / 25.4
    ),
    "price: 2 numbers have the wrong sign": Finding(1, "factor", ("price",), (0, 1), -1.0),
    "price, size: the two stand in each other's place (rows: 1)": Finding(1, "swapped", ("price", "size"), (0, 2)),
    "one column too far to the right (rows: 1)": Finding(1, "shifted", ("price", "size"), (0, 2), 1.0),
    "one column too far to the left": Finding(1, "shifted", ("price", "size"), (0, 2), -1.0),
    "price: 5.500 stands many times running (2 cells": Finding(1, "run", ("price",), (0, 1), limit=5.5),
    "price: 2 values lie above the largest allowed, 40": Finding(1, "limit", ("price",), (0, 1), rule="max", limit=40),
    "price: 2 values stand a second time": Finding(1, "limit", ("price",), (0, 1), rule="unique"),
    "price: 2 of the 9 rows with gauge G3, file a.xlsx are odd": Finding(
        1, "where", ("price",), (0, 1), where=(("gauge", "G3"), ("file", "a.xlsx")), inside=9, alike=2
    ),
    "times too large; they stand in 2 of the 9 rows with gauge G3": Finding(
        1, "factor", ("price",), (0, 1), 10.0, (("gauge", "G3"),), 9, 2
    ),
    "a.xlsx!S!E62: Total of price says 10, its rows add up to 12": Finding(
        1, "total", ("price",), (), control=Control(Place("a.xlsx", "S", 62, 5), "Total", "price", 10, 12, 2, 61, False)
    ),
}


@pytest.mark.parametrize("says", FINDINGS)
def test_findings_are_sentences(says: str) -> None:
    finding = FINDINGS[says]
    found = Audit(10, 10, CELLS, 3, (finding,), ())
    assert says in finding_words(finding, found)
    assert advice(finding)
    with using("zh"):
        assert finding_words(finding, found).isascii() is False


def test_the_advice_says_what_is_to_be_done() -> None:
    assert advice(Finding(1, "factor", ("a",), (), 10.0)) == "fix: divide by 10"
    assert advice(Finding(1, "factor", ("a",), (), 1 / 25.4)) == "fix: multiply by 25.4"
    assert advice(Finding(1, "factor", ("a",), (), 1.8, offset=32.0)) == "fix: subtract 32, then divide by 1.8"
    assert advice(Finding(1, "factor", ("a",), (), 1 / 1.8, offset=-32 / 1.8)) == "fix: multiply by 1.8, then add 32"


def test_the_verdict_says_what_there_is() -> None:
    total = FINDINGS["a.xlsx!S!E62: Total of price says 10, its rows add up to 12"]
    assert audit_verdict(Audit(10, 10, CELLS, 0, (), ())).startswith("Nothing stands out in 10 rows")
    assert "1 total does not agree" in audit_verdict(Audit(10, 10, CELLS, 0, (total,), ()))
    told = audit_verdict(Audit(10, 10, CELLS, 3, (), (), unlisted=7))
    assert told == "3 cells in 2 of 10 rows are worth reviewing. 7 more cells are odd; the 3 worst are listed."
