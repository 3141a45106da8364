"""A merged file read again says the same, places included."""

from pathlib import Path

import openpyxl
import pytest

from tests.books import write_rows
from xltrain import language
from xltrain.data.store import from_pandas, to_pandas
from xltrain.errors import WorkbookError
from xltrain.workflow.merge import merge, read_sources


@pytest.fixture
def books(tmp_path: Path) -> Path:
    folder = tmp_path / "books"
    folder.mkdir()
    write_rows(folder / "1.xlsx", [[], ["name", "n"], ["=formula", 1], ["007", 2.5]])
    write_rows(folder / "10.xlsx", [["n", "name"], [3, "x"]])
    write_rows(folder / "2.xlsx", [["n", "name"], [4, "y"]])
    return folder


@pytest.mark.parametrize("suffix", [".xlsx", ".parquet", ".csv"])
@pytest.mark.parametrize("tongue", ["en", "zh"])
def test_a_merged_file_restores_the_places(books: Path, suffix: str, tongue: str) -> None:
    output = books.parent / f"merged{suffix}"
    with language.using(tongue):
        first = merge(books, output)
    again, _ = read_sources(output)
    assert again.data.to_pydict() == first.table.data.to_pydict()
    for index in range(len(again)):
        place, other = again.place(index, "name"), first.table.place(index, "name")
        assert (place.file, place.sheet, place.row) == (other.file, other.sheet, other.row)
        if suffix != ".csv":
            assert place.column == other.column > 0


def test_books_come_in_natural_order(books: Path) -> None:
    assert merge(books).table.data.column("n").to_pylist() == [1, 2.5, 4, 3]


def test_text_that_looks_like_a_formula_stays_text(books: Path) -> None:
    merge(books, books.parent / "merged.xlsx")
    sheet = openpyxl.load_workbook(books.parent / "merged.xlsx").worksheets[0]
    assert sheet["A2"].value == "=formula"
    assert sheet["A2"].data_type == "s"


def test_nothing_is_replaced_without_being_asked(books: Path) -> None:
    output = books.parent / "merged.csv"
    output.write_text("precious", encoding="utf-8")
    with pytest.raises(WorkbookError):
        merge(books, output)
    assert output.read_text("utf-8") == "precious"
    merge(books, output, overwrite=True)
    assert output.read_bytes().startswith(b"\xef\xbb\xbf")


def test_unknown_output_suffix(books: Path) -> None:
    with pytest.raises(WorkbookError, match="parquet"):
        merge(books, books.parent / "merged.docx")


def test_frames_keep_their_places(books: Path) -> None:
    table = merge(books).table
    again = from_pandas(to_pandas(table))
    assert again.data.column_names == table.data.column_names
    assert [str(again.place(index)) for index in range(4)] == [str(table.place(index)) for index in range(4)]


def test_lock_files_and_jobs_are_passed_over_and_named(books: Path) -> None:
    (books / "~$1.xlsx").write_bytes(b"lock")
    write_rows(books / "job.xlsx", [["model"], ["mlp"]], "Runs")
    done = merge(books)
    assert len(done.table) == 4
    assert sorted(problem.place.file.rpartition("/")[2] for problem in done.report.doubts if problem.place) == [
        "job.xlsx",
        "~$1.xlsx",
    ]


def test_folders_are_read_with_what_is_below_them(books: Path) -> None:
    (books / "old").mkdir()
    (books / ".hidden").mkdir()
    write_rows(books / "old" / "0.xlsx", [["n", "name"], [9, "z"]])
    write_rows(books / ".hidden" / "0.xlsx", [["n", "name"], [8, "z"]])
    assert sorted(merge(books).table.data.column("n").to_pylist()) == [1, 2.5, 3, 4, 9]
