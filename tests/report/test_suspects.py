"""The sheet of suspects: reasons, places, inputs that the next run reads, both languages."""

import datetime
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pyarrow as pa
import pytest

from tests.report.make import made_job, made_merge, made_result, made_table, made_target
from xltrain import language
from xltrain.data.decided import WORDS, word_label
from xltrain.data.fingerprint import fingerprints
from xltrain.engine.result import Suspects, TargetResult
from xltrain.language import label
from xltrain.report.decisions import header_of, read_decisions
from xltrain.report.reasons import class_reason, number_reason
from xltrain.report.workbook import write_results

pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported")
ROWS = 60


def with_suspects(target: TargetResult, odd: str = "price", worth: int = 2, expected: str = "") -> TargetResult:
    """Row 5 is the worst, 8 comes next."""
    score = np.linspace(0.4, 0.1, ROWS)
    score[5], score[8] = 0.99, 0.8
    order = np.argsort(-score)[:20]
    columns = ("text", "size", target.target)
    blank = np.full(ROWS, np.nan)
    classes = bool(target.classes)
    suspects = Suspects(
        score,
        order,
        np.ones(ROWS) if classes else blank,
        np.full(ROWS, 0.93) if classes else blank,
        columns,
        np.full(ROWS, columns.index(odd)),
        np.full(ROWS, 240.0),
        np.full(ROWS, 290.0),
        np.full(ROWS, 8.0),
        (expected,) * 20,
        blank if classes else np.full(ROWS, 240.0),
        blank if classes else np.full(ROWS, 290.0),
        np.array([[1, 2, 3]] * 20),
        (("size",),) * 20,
        worth,
    )
    return replace(target, suspects=suspects)


def write(folder: Path, *targets: TargetResult) -> Path:
    path = folder / "results.xlsx"
    write_results(
        path,
        made_job(folder),
        made_result(*targets),
        made_table(),
        made_merge(),
        job_sheets=lambda book: book.add_worksheet(label("Job")),
        samples_file="results/samples.parquet",
    )
    return path


def rows_of(path: Path, sheet: str = "Suspects") -> tuple[list[Any], dict[str, int]]:
    values = openpyxl.load_workbook(path, data_only=True)[sheet]
    rows = [[cell.value for cell in row] for row in values.iter_rows()]
    at, columns = header_of(rows)
    return rows[at + 1 :], columns


def test_each_row_has_its_place_reason_and_inputs(tmp_path: Path) -> None:
    path = write(tmp_path, with_suspects(made_target(made_table())))
    rows, at = rows_of(path)
    first = rows[0]
    assert first[at["place"]] == "south.xlsx!数据!D7"
    assert "expected 240 to 290" in first[at["reason"]]
    assert first[at["decision_column"]] == "price"
    assert [first[at[word]] for word in ("decision", "new_value", "decision_weight", "decision_note")] == [None] * 4
    source = [first[at[word]] for word in ("source_file", "source_sheet", "source_row")]
    assert source == ["books/south.xlsx", "数据", 7]
    assert first[at["fingerprint"]] == fingerprints(made_table())[5].as_py()
    assert first[at["finding"]].startswith("books/south.xlsx!数据!D7: price ")
    assert first[at["similar_1"]].startswith("south.xlsx!数据!D3 · ")
    assert [row[at["rank"]] for row in rows] == list(range(1, 21))
    sheet = openpyxl.load_workbook(path)["Suspects"]
    assert "'south.xlsx#" in f"'{sheet.cell(6, at['place'] + 1).value.rpartition('books/')[2]}"
    choices = [each.formula1 for each in sheet.data_validations.dataValidation]
    assert f'"{",".join(word_label(word) for word in WORDS)}"' in choices
    assert sheet.tables
    assert sheet["A2"].value.startswith("2 of 60 rows are worth reviewing")


@pytest.mark.parametrize("tongue", ["en", "zh"])
def test_what_is_decided_there_is_read_again(tmp_path: Path, tongue: str) -> None:
    with language.using(tongue):
        path = write(tmp_path, with_suspects(made_target(made_table())))
        book = openpyxl.load_workbook(path)
        sheet = book[label("Suspects")]
        rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
        at, columns = header_of(rows)
        sheet.cell(at + 2, columns["decision"] + 1).value = label("decision_fix")
        sheet.cell(at + 2, columns["new_value"] + 1).value = 255
        sheet.cell(at + 3, columns["decision"] + 1).value = label("decision_keep")
        book.save(tmp_path / "decided.xlsx")
    found = read_decisions(tmp_path / "decided.xlsx", results=True)
    assert [(each.word, each.row, each.new) for each in found] == [("fix", 7, 255), ("keep", 10, None)]
    assert found[0].column == "price"
    assert found[0].old == pytest.approx(made_table().data.column("price")[5].as_py())


def test_the_hit_rate_is_a_formula(tmp_path: Path) -> None:
    sheet = openpyxl.load_workbook(write(tmp_path, with_suspects(made_target(made_table()))))["Suspects"]
    assert sheet["A3"].value.startswith("=COUNTA($H$6:$H$25)")
    shown = openpyxl.load_workbook(tmp_path / "results.xlsx", data_only=True)["Suspects"]["A3"].value
    assert shown == "0 decided so far, 0 of them wrong (0%)"


def test_classes_and_several_targets(tmp_path: Path) -> None:
    table = made_table()
    kinds = with_suspects(made_target(table, ("no", "yes"), "text"), "text")
    path = write(tmp_path, with_suspects(made_target(table)), kinds)
    rows, at = rows_of(path)
    assert {row[at["target_column"]] for row in rows} == {"price", "text"}
    assert len(rows) == 40
    likely = [row[at["expected"]] for row in rows if row[at["target_column"]] == "text"]
    assert set(likely) == {"yes (93%)"}


def test_nothing_known_no_sheet(tmp_path: Path) -> None:
    book = openpyxl.load_workbook(write(tmp_path, made_target(made_table())))
    assert "Suspects" not in book.sheetnames


def test_nothing_stands_out(tmp_path: Path) -> None:
    path = write(tmp_path, with_suspects(made_target(made_table()), worth=0))
    assert openpyxl.load_workbook(path)["Suspects"]["A2"].value.startswith("No row of 60 stands out")


@pytest.mark.parametrize(
    ("found", "low", "high", "words"),
    [
        (9999.0, 240.0, 290.0, "is 37.7 times what the rest of the row leads one to expect; expected 240 to 290"),
        (2600.0, 240.0, 290.0, "260 would fit: a factor of 10?"),
        (2.6, 240.0, 290.0, "260 would fit: a factor of 100?"),
        (72.0, 20.0, 30.0, "27 would fit: two digits swapped?"),
        (-25.0, 20.0, 30.0, "25 would fit: the sign?"),
        (310.0, 240.0, 290.0, "lies above what the rest"),
        (250.0, 240.0, 290.0, "is unusual beside the rest of the row"),
        (5, -300.0, 300.0, "is unusual"),
        (datetime.datetime(2034, 1, 5), 19_000.0, 19_100.0, "2034-01-05 lies above"),
        (None, 1.0, 2.0, "–"),
        ("n/a", 1.0, 2.0, "n/a"),
        (1.0, np.nan, np.nan, "price 1"),
    ],
)
def test_reasons(found: Any, low: float, high: float, words: str) -> None:
    assert words in number_reason("price", found, low, high)


@pytest.mark.parametrize(
    ("found", "low", "high", "decimals", "words"),
    [
        (37.4, 1.012, 4.688, 0, "3.740 would fit, but the column holds whole numbers"),
        (30.0, 2.1, 4.2, 0, "3 would fit: a factor of 10?"),
        (37.4, 1.012, 4.688, 2, "3.740 would fit: a factor of 10?"),
        (12.3, 12.1837, 12.1993, 2, "expected 12.18 to 12.20"),
    ],
)
def test_reasons_suggest_what_the_column_could_hold(
    found: float, low: float, high: float, decimals: int, words: str
) -> None:
    assert words in number_reason("price", found, low, high, decimals)


def test_reasons_of_classes() -> None:
    assert class_reason("kind", "b", "a", 0.931) == "kind says 'b', rows like it say 'a' (93%)"
    assert "unlikely" in class_reason("kind", "b", "", 0.2)


@pytest.mark.slow
def test_dates_and_empty_cells_in_the_row(tmp_path: Path) -> None:
    table = made_table()
    assert pa.types.is_string(table.data.schema.field("text").type)
    path = write(tmp_path, with_suspects(made_target(table), "text", expected="行 4"))
    rows, at = rows_of(path)
    assert rows[0][at["reason"]] == "text says '=row 5', rows like it say '行 4'"
    assert rows[0][at["odd_column"]] == "text"


def test_rows_that_are_not_worth_reviewing_stand_below_a_line(tmp_path: Path) -> None:
    sheet = openpyxl.load_workbook(write(tmp_path, with_suspects(made_target(made_table()))))["Suspects"]
    assert "The 18 rows below the line, in grey, come next and are most likely right." in sheet["A2"].value
    rows = range(6, 26)
    assert [row for row in rows if sheet.cell(row, 1).border.top.style == "thin"] == [8]
    grey = [row for row in rows if str(sheet.cell(row, 1).font.color.rgb).endswith("6B7280")]
    assert grey == list(range(8, 26))
    assert sheet.cell(8, 4).border.top.style == "thin"
    none = openpyxl.load_workbook(write(tmp_path, with_suspects(made_target(made_table()), worth=0)))["Suspects"]
    assert "line" not in none["A2"].value.replace("listed", "")
    assert not [row for row in rows if none.cell(row, 1).border.top.style]


def test_numbers_have_the_decimals_of_their_own_column(tmp_path: Path) -> None:
    table = made_table()
    prices = np.array([12.2, 14.25, 19.35] * 20)
    table = replace(table, data=table.data.set_column(2, "price", pa.array(prices)))
    path = tmp_path / "results.xlsx"
    write_results(
        path, made_job(tmp_path), made_result(with_suspects(made_target(table), "size")), table, made_merge(),
        job_sheets=lambda book: None, samples_file="results/samples.parquet",
    )  # fmt: skip
    sheet = openpyxl.load_workbook(path)["Suspects"]
    heads = [cell.value for cell in sheet[5]]
    assert sheet.cell(6, heads.index(label("actual")) + 1).number_format == "#,##0.00"
    for word in ("actual", "odd_value", "odd_expected"):
        assert sheet.cell(5, heads.index(label(word)) + 1).comment
