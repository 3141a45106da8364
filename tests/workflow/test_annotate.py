"""Annotated copies: what a fit found beside every row of the source workbooks, and the way back."""

import datetime
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pyarrow.parquet as pq
import pytest
import xlsxwriter

import xltrain
from tests.books import write_rows
from xltrain import language
from xltrain.cli import run
from xltrain.data.merge import Rules
from xltrain.data.unpivot import Unpivot
from xltrain.errors import ConfigError, WorkbookError
from xltrain.excel.patch import Edit, addition_of, copy_kind, patch_book
from xltrain.place import Place, Problem
from xltrain.report.annotated import read_annotated
from xltrain.workflow import beside
from xltrain.workflow.annotate import COLUMNS, annotate
from xltrain.workflow.fit import Fit, fit
from xltrain.workflow.merge import read_sources

pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported")

JOB = """
[job]
folds = 3
{job}
{sources}
[[columns]]
name = "price"
role = "target"
[[columns]]
name = "kind"
role = "{kind}"
type = "category"
[[runs]]
name = "line"
model = "linear"
epochs = 60
[[runs]]
name = "kept"
model = "linear"
epochs = 3
keep = true
"""
HEAD = ["day", "size", "shop", "kind", "price"]


def rows_of(count: int, seed: int) -> list[list[Any]]:
    rng = np.random.default_rng(seed)
    found: list[list[Any]] = []
    for at in range(count):
        size, shop = round(rng.uniform(10, 50), 1), str(rng.choice(["east", "west"]))
        price = round(2 * size + 10 * (shop == "east") + rng.normal(), 2) * (10 if at == 7 else 1)
        kind = "dear" if price > 65 else "cheap"
        found.append([datetime.datetime(2026, 1, 1 + at % 28), size, shop, kind, price])
    return found


def book(path: Path, count: int = 40, seed: int = 0, table: bool = False, fill: str = "") -> Path:
    """Two header rows below a title, prices as money, and a chart beside the table."""
    with xlsxwriter.Workbook(path) as made:
        page = made.add_worksheet("Sales")
        dated, money = made.add_format({"num_format": "yyyy-mm-dd"}), made.add_format({"num_format": '"EUR" 0.00'})
        page.write(0, 0, "Sales report")
        if table:
            page.add_table(2, 0, 2 + count, 4, {"columns": [{"header": name} for name in HEAD]})
        page.write_row(2, 0, HEAD)
        for number, row in enumerate(rows_of(count, seed), 3):
            page.write_datetime(number, 0, row[0], dated)
            page.write_row(number, 1, row[1:4])
            page.write(number, 4, row[4], money)
        if fill:
            page.write(fill, "mine")
        chart = made.add_chart({"type": "line"})
        chart.add_series({"values": ["Sales", 3, 4, 9, 4]})
        made.add_worksheet("Notes").insert_chart("B2", chart)
    return path


def job_in(
    folder: Path, sources: str = '[[sources]]\npath = "north.xlsx"', kind: str = "ignore", job: str = ""
) -> Path:
    path = folder / "job.toml"
    path.write_text(JOB.format(kind=kind, sources=sources, job=job), encoding="utf-8")
    return path


BOTH = '[[sources]]\npath = "north.xlsx"\n[[sources]]\npath = "in/south.xlsm"'


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fit")
    (folder / "in").mkdir()
    book(folder / "north.xlsx", table=True)
    shutil.move(book(folder / "in" / "south.xlsx", 30, 1), folder / "in" / "south.xlsm")
    fit(job_in(folder, BOTH))
    return folder


@pytest.fixture
def results(fitted: Path, tmp_path: Path) -> Path:
    """Results with their sources, to be changed at will."""
    shutil.copytree(fitted, tmp_path / "all")
    return tmp_path / "all" / "results.xlsx"


def parts(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(each.relative_to(folder)): each.read_bytes() for each in folder.rglob("*") if each.is_file()}


def ledger_of(results: Path, target: str = "price") -> Any:
    whole = pq.read_table(results.with_suffix("") / "samples.parquet").to_pandas()
    return whole[(whole["column"] == target) & (whole["run"] == "line")]


def test_every_row_of_every_book_has_what_the_winner_said(results: Path) -> None:
    before = snapshot(results.parent)
    done = annotate(results)
    folder = results.with_suffix("") / "annotated"
    assert done.files == (folder / "north.xlsx", folder / "in" / "south.xlsm")
    assert snapshot(results.parent).items() >= before.items()  # nothing else is touched
    told = ledger_of(results)
    for copy, name, count in zip(done.files, ("north.xlsx", "in/south.xlsm"), (40, 30), strict=True):
        assert done.rows[copy] == count
        page = openpyxl.load_workbook(copy)["Sales"]
        assert [cell.value for cell in page[3]] == [*HEAD, "prediction", "out-of-fold loss", "flag"]
        own = told[told["file"] == name]
        assert own["row"].tolist() == list(range(4, 4 + count))
        shown = [[cell.value for cell in row] for row in page.iter_rows(min_row=4, min_col=6, max_col=8)]
        assert [row[0] for row in shown] == pytest.approx(own["prediction"].tolist())
        assert [row[1] for row in shown] == pytest.approx(own["loss"].tolist())
        assert page.cell(4, 6).number_format == '"EUR" 0.00'
        assert page.conditional_formatting["G4:G" + str(3 + count)][0].type == "dataBar"
        assert "on which the row had no influence" in page.cell(3, 7).comment.text
    assert done.notes == ()


def test_suspects_are_flagged_and_say_why_on_their_cell(results: Path) -> None:
    done = annotate(results)
    page = openpyxl.load_workbook(done.files[0])["Sales"]
    flagged = [row for row in range(4, 44) if page.cell(row, 8).value == "suspect"]
    assert 11 in flagged  # the price that is ten times too high
    commented = [cell.coordinate for row in page.iter_rows(min_row=4) for cell in row if cell.comment]
    assert "E11" in commented
    assert {int(each[1:]) for each in commented} <= set(flagged)
    assert "expected" in page["E11"].comment.text


def test_the_original_comes_back_byte_for_byte(results: Path, tmp_path: Path) -> None:
    done = annotate(results, columns="all")
    back = annotate(done.files, tmp_path / "back", undo=True)
    assert [exact for _, exact in back.undone] == [True, True]
    assert parts(tmp_path / "back" / "north.xlsx") == parts(results.parent / "north.xlsx")
    again = annotate(results.with_suffix("") / "annotated", tmp_path / "back 2", undo=True)
    assert {path.relative_to(tmp_path / "back 2").as_posix() for path, _ in again.undone} == {
        "north.xlsx",
        "in/south.xlsm",
    }


def test_only_what_may_change_changes(results: Path) -> None:
    copy = annotate(results).files[0]
    old, new = parts(results.parent / "north.xlsx"), parts(copy)
    assert {name for name in old if new[name] != old[name]} == {
        "[Content_Types].xml",
        "xl/_rels/workbook.xml.rels",
        "xl/styles.xml",
        "xl/tables/table1.xml",
        "xl/worksheets/_rels/sheet1.xml.rels",
        "xl/worksheets/sheet1.xml",
    }
    assert b'ref="A3:H43"' in new["xl/tables/table1.xml"]


def test_all_columns_and_a_named_place(results: Path) -> None:
    done = annotate(results.with_suffix(""), columns=list(COLUMNS), at="M")
    assert done.columns[:3] == ("prediction", "out-of-fold loss", "flag")
    assert {"expected from", "expected to", "percentile", "how suspect", "decision"} <= set(done.columns)
    page = openpyxl.load_workbook(done.files[0])["Sales"]
    assert page["M3"].value == "prediction"
    assert page["F3"].value is None
    heads = [cell.value for cell in page[3]]
    dropdown = next(each for each in page.data_validations.dataValidation if "drop" in each.formula1)
    letter = openpyxl.utils.get_column_letter(heads.index("decision") + 1)
    assert str(dropdown.sqref) == f"{letter}4:{letter}43"
    with pytest.raises(WorkbookError, match=r"north\.xlsx.*not free"):
        annotate(results, results.parent / "other", at="C")
    assert not list((results.parent / "other").rglob("*.xlsx"))


def test_words_in_either_language_and_unknown_ones(results: Path) -> None:
    with language.using("zh"):
        done = annotate(results, columns="预测，折外损失")
    assert done.columns == ("预测", "折外损失")
    with pytest.raises(ConfigError, match=r"'losss' is no column.*prediction, loss") as error:
        annotate(results, results.parent / "x", columns="losss,prediction,nothing")
    assert len(error.value.problems) == 2
    with pytest.raises(ConfigError, match="no column to add"):
        annotate(results, results.parent / "x", columns=" ,")
    with pytest.raises(ConfigError, match="'suggested'"):  # of classes only
        annotate(results, results.parent / "x", columns="suggested")


def test_a_decision_made_in_a_copy_is_read_by_the_next_fit(results: Path) -> None:
    copy = annotate(results, columns="prediction,decision").files[0]
    made = openpyxl.load_workbook(copy)
    page = made["Sales"]
    heads = [cell.value for cell in page[3]]
    for word, value in (("decision", "fix"), ("column to fix", "price"), ("new value", 71.5), ("decision note", "dot")):
        page.cell(11, heads.index(word) + 1, value)
    made.save(copy)
    said = read_annotated(copy, "results/annotated/north.xlsx")
    assert [(each.row, each.word, each.column, each.new) for each in said] == [(11, "fix", "price", 71.5)]
    assert said[0].fingerprint
    job = results.with_name("job.toml")
    again = fit(job)
    assert again.results.name == "results-2.xlsx"
    assert [each.state for each in again.settled] == ["applied"]
    at = again.table.row.tolist().index(11)
    assert again.table.data.column("price")[at].as_py() == 71.5
    fixed = xltrain.apply(again.results, results.parent / "fixed")
    assert [str(each.place) for each in fixed.fixes] == ["north.xlsx!Sales!E11"]


def test_a_decision_follows_its_row_when_the_copy_was_sorted(results: Path) -> None:
    copy = annotate(results, columns="prediction,decision").files[0]
    made = openpyxl.load_workbook(copy)
    page = made["Sales"]
    heads = [cell.value for cell in page[3]]
    values = [[cell.value for cell in row] for row in page.iter_rows(min_row=4, max_row=43)]
    values[7][heads.index("decision")] = "drop"
    for number, row in enumerate(reversed(values), 4):
        for column, value in enumerate(row, 1):
            page.cell(number, column, value)
    made.save(copy)
    again = fit(results.with_name("job.toml"))
    assert [each.state for each in again.settled] == ["applied"]
    price = again.table.data.column("price").to_pylist()
    assert len(price) == 69
    assert values[7][4] not in price


def test_decisions_survive_when_the_copies_are_made_anew(results: Path) -> None:
    copy = annotate(results, columns="decision").files[0]
    made = openpyxl.load_workbook(copy)
    page = made["Sales"]
    heads = [cell.value for cell in page[3]]
    for row, said in ((11, ("fix", "price", 71.5, None, "dot")), (12, ("weigh", None, None, 0.5, None))):
        for offset, value in enumerate(said, heads.index("decision") + 1):
            page.cell(row, offset, value)
    made.save(copy)
    before = [
        (each.row, each.word, each.column, each.new, each.weight, each.note) for each in read_annotated(copy, "x")
    ]
    assert len(before) == 2
    annotate(results, columns="prediction", overwrite=True)
    after = [(each.row, each.word, each.column, each.new, each.weight, each.note) for each in read_annotated(copy, "x")]
    assert after == before


def test_copies_are_no_sources_of_the_next_fit(tmp_path: Path) -> None:
    book(tmp_path / "north.xlsx")
    job = job_in(tmp_path, '[[sources]]\npath = "."')
    done = fit(job)
    copies = annotate(done.results).files
    assert copy_kind(copies[0]) == "annotated"
    assert copy_kind(tmp_path / "north.xlsx") == ""
    openpyxl.load_workbook(copies[0]).save(copies[0])  # which drops the record of the copy
    assert copy_kind(copies[0]) == "annotated"
    again = fit(job)
    assert len(again.table) == len(done.table) == 40
    assert any("results/annotated/north.xlsx" in str(doubt) for doubt in again.report.doubts)
    alone = xltrain.merge(copies[0])
    assert len(alone.table) == 40  # named by itself it is read, without what was made from its rows
    assert alone.table.data.column_names == done.table.data.column_names
    assert "prediction" in str(alone.report.doubts[0])


def test_several_targets_name_their_columns(tmp_path: Path) -> None:
    book(tmp_path / "north.xlsx")
    done = fit(job_in(tmp_path, kind="target"))
    found = annotate(done.results, columns="prediction,loss,suggested,decision")
    assert found.columns[:5] == (
        "kind prediction",
        "kind out-of-fold loss",
        "kind suggested class",
        "price prediction",
        "price out-of-fold loss",
    )
    page = openpyxl.load_workbook(found.files[0])["Sales"]
    heads = [cell.value for cell in page[3]]
    assert heads.count("decision") == 1
    assert {page.cell(row, 6).value for row in range(4, 44)} <= {"dear", "cheap"}
    told = ledger_of(done.results)
    own = [page.cell(row, heads.index("price prediction") + 1).value for row in range(4, 44)]
    assert own == pytest.approx([float(each) for each in told["prediction"]])
    assert [each.key for each in addition_of(found.files[0])][:2] == ["kind prediction", "kind loss"]


def test_several_sheets(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "north.xlsx") as made:
        for seed, name in enumerate(("Jan", "Feb")):
            page = made.add_worksheet(name)
            for number, row in enumerate([HEAD, *rows_of(20, seed)]):
                page.write_row(number, 0, [str(row[0])[:10], *row[1:]])
    done = fit(job_in(tmp_path))
    copy = annotate(done.results).files[0]
    made_copy = openpyxl.load_workbook(copy)
    told = ledger_of(done.results)
    for name in ("Jan", "Feb"):
        own = told[told["sheet"] == name]
        shown = [made_copy[name].cell(row, 6).value for row in range(2, 22)]
        assert shown == pytest.approx(own["prediction"].tolist())


def test_unpivoted_rows_have_a_sheet_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    head = ["shop", "size", "Jan", "Feb", "Mar", "Apr", "May", "Jun"]
    rows = [[f"s{at}", at, *np.round(at * 2 + rng.normal(size=6), 2)] for at in range(12)]
    write_rows(tmp_path / "north.xlsx", [head, *rows])
    monkeypatch.chdir(tmp_path)
    xltrain.merge("north.xlsx", "merged.parquet", rules=Rules(unpivot=Unpivot("month", ("Jan..Jun",), "value")))
    done = fit("merged.parquet", "value", overrides=["runs.epochs=2"])
    assert len(done.table) == 72
    found = annotate(done.results, columns="prediction,flag,decision")
    made = openpyxl.load_workbook(found.files[0])
    page = made[made.sheetnames[-1]]
    assert made.sheetnames == ["Data", "Data annotated"]
    shown = [[cell.value for cell in row] for row in page.iter_rows()]
    assert shown[0] == ["cell", "prediction", "flag", "fingerprint"]
    assert shown[1][0] == "C2"
    assert len(shown) == 73
    assert any("Data annotated" in str(note) for note in found.notes)


def test_other_kinds_get_a_new_workbook(tmp_path: Path) -> None:
    pd.DataFrame(rows_of(40, 0), columns=HEAD).to_csv(tmp_path / "north.csv", index=False)
    done = fit(job_in(tmp_path, '[[sources]]\npath = "north.csv"'))
    found = annotate(done.results)
    assert found.files == (tmp_path / "results" / "annotated" / "north.xlsx",)
    assert any(".csv file cannot be changed without loss" in str(note) for note in found.notes)
    shown = pd.read_excel(found.files[0], engine="openpyxl")
    assert shown["prediction"].tolist() == pytest.approx(ledger_of(done.results)["prediction"].tolist())
    assert shown["price"].tolist() == [row[4] for row in rows_of(40, 0)]


def test_rows_of_no_workbook_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    frame = pd.DataFrame(rows_of(40, 0), columns=HEAD)
    done: Fit = fit(frame, "price", overrides=["runs.epochs=2"])
    with pytest.raises(WorkbookError, match="none of the rows came from a workbook"):
        annotate(done.results)


def test_sources_missing_or_changed_are_all_named_and_nothing_is_written(results: Path) -> None:
    folder = results.parent
    (folder / "in" / "south.xlsm").rename(folder / "elsewhere.xlsm")
    book(folder / "north.xlsx", seed=5)
    before = snapshot(folder)
    with pytest.raises(WorkbookError) as error:
        annotate(results)
    said = [str(problem) for problem in error.value.problems]
    assert any(line.startswith("north.xlsx: has changed since") for line in said)
    assert any("south.xlsm" in line and "put it back where it was" in line for line in said)
    assert len(said) == 2
    assert snapshot(folder) == before


def test_a_copy_that_exists_is_kept_and_a_failure_keeps_all(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = annotate(results).files
    kept = [path.read_bytes() for path in first]
    with pytest.raises(WorkbookError, match=r"north\.xlsx.*exists"):
        annotate(results)
    real, calls = beside.patch_book, []

    def full(*arguments: Any, **named: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 2:
            raise WorkbookError(Problem(Place(str(arguments[1])), "the disk is full"))
        return real(*arguments, **named)

    monkeypatch.setattr(beside, "patch_book", full)
    with pytest.raises(WorkbookError, match=r"in/south\.xlsm: the disk is full"):
        annotate(results, columns="all", overwrite=True)
    assert [path.read_bytes() for path in first] == kept
    assert not list(results.with_suffix("").rglob(".*"))
    monkeypatch.undo()
    annotate(results, columns="all", overwrite=True)
    assert [path.read_bytes() for path in first] != kept


def test_a_read_only_folder_and_a_file_in_its_place(results: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(WorkbookError, match="file"):
        annotate(results, tmp_path / "file" / "below")
    with pytest.raises(WorkbookError, match="an input"):
        annotate(results, results.parent, overwrite=True)


def test_what_are_no_results(results: Path, tmp_path: Path) -> None:
    with pytest.raises(WorkbookError, match="no such file"):
        annotate(tmp_path / "nothing.xlsx")
    with pytest.raises(WorkbookError, match=r"north\.xlsx"):
        annotate(results.parent / "north.xlsx")
    (results.with_suffix("") / "samples.parquet").unlink()
    with pytest.raises(WorkbookError, match=r"samples\.parquet"):
        annotate(results)
    with pytest.raises(ConfigError, match="-o DIR"):
        annotate(results, undo=True)
    with pytest.raises(WorkbookError, match="added nothing"):
        annotate(results.parent / "north.xlsx", tmp_path / "back", undo=True)
    with pytest.raises(ConfigError, match="one results workbook, found 2"):
        annotate([results, results], tmp_path / "out")


def test_without_the_results_workbook_the_folder_is_enough(results: Path) -> None:
    results.unlink()
    page = openpyxl.load_workbook(annotate(results.with_suffix("")).files[0])["Sales"]
    assert page["H11"].value == "suspect"
    assert page["E11"].comment is None


def test_the_command(results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert run(["annotate", str(results), "--columns", "prediction", "-o", str(out)]) == 0
    assert "north.xlsx: prediction beside 40 rows" in capsys.readouterr().out
    assert run(["annotate", str(results), "-o", str(out)]) == 4
    assert "exists" in capsys.readouterr().err
    assert run(["annotate", "--undo", str(out), "-o", str(tmp_path / "back"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [each["identical"] for each in told["undone"]] == [True, True]
    assert run(["annotate", str(results), "--columns", "x", "--language", "zh"]) == 2
    assert "不是可添加的列" in capsys.readouterr().err
    assert run(["annotate", str(results), "--columns", "all", "--language", "zh", "-o", str(tmp_path / "zh")]) == 0
    assert "40 行旁已写入预测、折外损失" in capsys.readouterr().out


def test_two_tables_of_one_sheet(tmp_path: Path) -> None:
    rows = [[str(row[0])[:10], *row[1:]] for row in rows_of(40, 0)]
    write_rows(tmp_path / "north.xlsx", [HEAD, *rows[:20], [], [], HEAD, *rows[20:]])
    ranges = ("A1:E21", "A24:E44")
    sources = "\n".join(f'[[sources]]\npath = "north.xlsx"\nrange = "{each}"' for each in ranges)
    done = fit(job_in(tmp_path, sources))
    copy = annotate(done.results, columns="prediction").files[0]
    page = openpyxl.load_workbook(copy)["Data"]
    told = ledger_of(done.results)
    assert told["row"].tolist() == [*range(2, 22), *range(25, 45)]
    assert [page.cell(row, 6).value for row in told["row"]] == pytest.approx(told["prediction"].tolist())
    assert [page.cell(row, 6).value for row in (1, 22, 23, 24)] == ["prediction", None, None, "prediction"]


def test_a_copy_open_in_another_program_stops_all(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = annotate(results).files
    kept = [path.read_bytes() for path in first]
    real = Path.open

    def locked(self: Path, mode: str = "r", *arguments: Any, **named: Any) -> Any:
        if mode == "r+b" and self.name == "south.xlsm":
            raise PermissionError(13, "Permission denied")
        return real(self, mode, *arguments, **named)

    monkeypatch.setattr(Path, "open", locked)
    with pytest.raises(WorkbookError, match=r"south\.xlsm.*open in another program"):
        annotate(results, columns="all", overwrite=True)
    assert [path.read_bytes() for path in first] == kept
    assert not list(results.with_suffix("").rglob(".*"))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written(results: Path, tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o555)
    with pytest.raises(WorkbookError, match="locked"):
        annotate(results, folder)


KILLED = """
import os, signal, sys
from xltrain.workflow import beside
from xltrain.workflow.annotate import annotate
real, calls = beside.patch_book, []
def killed(*arguments, **named):
    calls.append(1)
    if len(calls) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*arguments, **named)
beside.patch_book = killed
annotate(sys.argv[1])
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_killed_half_way_no_file_has_its_name(results: Path) -> None:
    before = snapshot(results.parent)
    done = subprocess.run([sys.executable, "-c", KILLED, str(results)], check=False)
    assert done.returncode == -9
    after = snapshot(results.parent)
    assert {name for name in after if name not in before and not Path(name).name.startswith(".")} == set()
    assert all(after[name] == raw for name, raw in before.items())
    assert len(annotate(results).files) == 2  # and nothing stands in the way of the next call


def test_fixed_copies_below_their_books_are_no_rows_twice(tmp_path: Path) -> None:
    """A copy with fixes counts where its book is gone, and not beside it."""
    (tmp_path / "fixed").mkdir()
    book = write_rows(tmp_path / "a.xlsx", [["x", "y"], *[[row, row * 2] for row in range(9)]])
    patch_book(book, tmp_path / "fixed" / "a.xlsx", edits=(Edit("Data", 2, 1, 5.0),))
    table, report = read_sources([tmp_path])
    assert len(table) == 9
    assert any("fixed" in str(doubt) and "left out" in str(doubt) for doubt in report.doubts)
    book.unlink()
    assert len(read_sources([tmp_path])[0]) == 9
