"""Problems in copies of the workbooks where they are: merge, check and predict with `--mark`."""

import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from tests.books import write_rows, write_sheets
from tests.workflow import test_predict as made
from xltrain.cli import run
from xltrain.errors import DataError, WorkbookError
from xltrain.excel.patch import undo_book
from xltrain.place import Place
from xltrain.workflow import mark
from xltrain.workflow.fit import Fit
from xltrain.workflow.mark import Finding, mark_books, marking
from xltrain.workflow.new import new
from xltrain.workflow.predict import predict

pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported")

HEAD = ["kind", "price", "size"]
ROWS = [["a", 250.0 + at, 10 + at] for at in range(12)]


def notes(path: Path, sheet: str = "") -> dict[str, tuple[str, str]]:
    """Cell -> its colour and comment."""
    book = openpyxl.load_workbook(path)
    page = book[sheet] if sheet else book.active
    cells = [cell for row in page.iter_rows() for cell in row if cell.comment]
    return {cell.coordinate: (cell.fill.fgColor.rgb[2:], cell.comment.text) for cell in cells}


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A sheet with a text among numbers, an error and a total."""
    monkeypatch.chdir(tmp_path)
    rows: list[list[Any]] = [[None, None, None], [None, *HEAD], *([None, *row] for row in ROWS)]
    rows[3][2] = "abc"
    rows[5][3] = "=1/0"
    rows.append([None, "Total", 2815.0, 173])
    return write_sheets(tmp_path / "north.xlsx", {"Sales": rows, "Notes": [["untouched"]]})


def test_merge_marks_what_it_doubts_changed_and_left_out(book: Path, tmp_path: Path, capsys: Any) -> None:
    before = book.read_bytes()
    assert run(["merge", "north.xlsx", "-o", "out.csv", "--mark", "marked"]) == 0
    said = capsys.readouterr().out
    found = notes(tmp_path / "marked" / "north.xlsx", "Sales")
    assert f"problems marked in {Path('marked/north.xlsx')}: {len(found)}" in said
    colour, comment = found["C4"]
    assert colour == mark.COLOURS["error"][1:]
    assert "abc" in comment
    assert comment.count("•") >= 2  # that it is no number, and what became of it
    assert found["D6"][0] == mark.COLOURS["error"][1:]

    assert found["B15"][0] == mark.COLOURS["dropped"][1:]  # the first cell of the table in that row
    assert book.read_bytes() == before
    assert undo_book(tmp_path / "marked" / "north.xlsx", tmp_path / "back.xlsx")
    assert run(["merge", "north.xlsx", "-o", "again.csv", "--mark", "marked"]) == 4  # never over a copy
    assert "exists already" in capsys.readouterr().err
    assert run(["merge", "north.xlsx", "-o", "third.csv", "--mark", ".", "--overwrite"]) == 4
    assert book.read_bytes() == before


def test_merge_marks_what_stops_it(book: Path, tmp_path: Path, capsys: Any) -> None:
    assert run(["merge", "north.xlsx", "-o", "out.csv", "--strict", "--mark", "marked"]) == 3
    said = capsys.readouterr().err
    assert "problems marked in" in said
    assert notes(tmp_path / "marked" / "north.xlsx", "Sales")["C4"][0] == mark.COLOURS["error"][1:]
    assert not (tmp_path / "out.csv").exists()


def test_nothing_to_mark_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_rows(tmp_path / "clean.xlsx", [HEAD, *ROWS])
    assert run(["merge", "clean.xlsx", "-o", "out.csv", "--mark", "marked"]) == 0
    assert not (tmp_path / "marked").exists()


def test_check_marks_the_cells_of_a_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.chdir(tmp_path)
    write_rows(tmp_path / "data.xlsx", [HEAD, *ROWS])
    new(tmp_path / "job.xlsx", [tmp_path / "data.xlsx"], ["price"])
    raw = openpyxl.load_workbook("job.xlsx")
    page = raw["Runs"]
    head = {
        cell.value: cell.column for row in page.iter_rows(max_row=6) for cell in row if cell.value in ("loss", "epochs")
    }
    first = next(row[0].row for row in page.iter_rows() if any(cell.value == "loss" for cell in row)) + 1
    page.cell(first, head["loss"]).value = "hubber"
    page.cell(first, head["epochs"]).value = -3
    raw.save("job.xlsx")
    before = Path("job.xlsx").read_bytes()
    assert run(["check", "job.xlsx", "--mark", "wrong.xlsx"]) == 2
    said = capsys.readouterr().err
    assert "problems marked in wrong.xlsx: 2" in said
    found = notes(tmp_path / "wrong.xlsx", "Runs")
    wrong = {cell: words for cell, (colour, words) in found.items() if colour == mark.COLOURS["error"][1:]}
    assert any("did you mean 'huber'" in words for words in wrong.values())
    assert any("epochs" in words for words in wrong.values())
    assert Path("job.xlsx").read_bytes() == before
    assert run(["check", "job.xlsx", "--mark", "wrong.xlsx"]) == 4
    assert "hubber" in capsys.readouterr().err  # what is wrong with the job is said all the same
    assert run(["check", "job.xlsx", "--mark", "folder"]) == 2
    assert Path("folder/job.xlsx").is_file()
    Path("other").mkdir()
    Path("job.xlsx").replace("other/job.xlsx")
    assert run(["check", "other/job.xlsx", "--mark", "elsewhere.xlsx"]) == 2  # a job in another folder as well
    assert "problems marked in elsewhere.xlsx: 3" in capsys.readouterr().err
    Path("job.toml").write_text("[job]\nfolds = 0\n", encoding="utf-8")
    capsys.readouterr()
    assert run(["check", "job.toml", "--mark", "other.xlsx"]) == 2
    assert "only a job workbook can be marked" in capsys.readouterr().err


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Fit:
    return made.fitted_in(tmp_path_factory.mktemp("fit"), "target")


def test_predict_marks_its_warnings(
    done: Fit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    book = made.new_book(tmp_path / "new.xlsx", B2=99.5, D4="north", D5=None)
    before = book.read_bytes()
    assert run(["predict", str(done.results), "new.xlsx", "--mark", "marked", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["marked"] == [str(Path("marked/new.xlsx"))]
    found = notes(tmp_path / "marked" / "new.xlsx", "Sales")
    assert found.keys() == {"B5", "D7", "D8"}
    assert found["D7"] == (
        mark.COLOURS["doubt"][1:],
        "xltrain:\nshop 'north': never seen in training",
    )  # once for two targets
    assert book.read_bytes() == before
    with pytest.raises(WorkbookError, match="exists"):
        predict(done.results, book, mark="marked")


def test_predict_marks_what_is_doubtful_where_columns_are_lacking(
    done: Fit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made.renamed(tmp_path / "new.xlsx", {"shop": "where"})
    with pytest.raises(DataError, match="'shop'"):
        predict(done.results, "new.xlsx", mark="marked")
    found = notes(tmp_path / "marked" / "new.xlsx", "Q1")
    assert any("'shop'" in words for _, words in found.values())


def test_several_problems_of_a_cell_are_one_comment_and_the_worst_gives_its_colour(tmp_path: Path) -> None:
    write_rows(tmp_path / "a.xlsx", [HEAD, *ROWS])
    place = Place("a.xlsx", "Data", 3, 2)
    found = [Finding(place, "one"), Finding(place, "two", "error"), Finding(place, "one"), Finding(place, "x" * 5000)]
    done = mark_books(found, tmp_path / "out", tmp_path)
    (colour, words), *others = notes(tmp_path / "out" / "a.xlsx").values()
    assert not others
    assert colour == mark.COLOURS["error"][1:]
    assert words.startswith("xltrain:\n• one\n• two\n• xxx")
    assert len(words.removeprefix("xltrain:\n")) == mark.MOST_SAID
    assert done.files == {tmp_path / "out" / "a.xlsx": 1}


def test_the_worst_are_marked_where_there_are_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mark, "MOST", 3)
    write_rows(tmp_path / "a.xlsx", [HEAD, *ROWS])
    found = [Finding(Place("a.xlsx", "Data", row, 1), "doubt") for row in range(2, 9)]
    found.append(Finding(Place("a.xlsx", "Data", 12, 3), "wrong", "error"))
    done = mark_books(found, tmp_path / "out", tmp_path)
    assert notes(tmp_path / "out" / "a.xlsx").keys() == {"A2", "A3", "C12"}
    assert any("more than 3 cells" in str(note) for note in done.notes)


def test_kinds_that_cannot_be_marked_are_named_and_missing_books_are_not(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    found = [Finding(Place("a.csv", "a", 2, 1), "doubt"), Finding(Place("gone.xlsx", "S", 2, 1), "doubt")]
    done = mark_books(found, tmp_path / "out", tmp_path)
    assert not done.files
    assert [str(note.place) for note in done.notes] == ["a.csv"]
    with marking(None) as marks:
        marks.findings.append(found[0])
    assert not marks.done.files
