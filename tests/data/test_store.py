"""A merged file read again says the same, places included."""

import csv
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from tests.books import write_rows
from xltrain import language
from xltrain.data.store import from_pandas, to_pandas, write_table
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
        "1.xlsx",
        "job.xlsx",
    ]
    (books / "1.xlsx").rename(books / "one.xlsx")  # now the lock file is that of no book
    assert "~$1.xlsx" in str(merge(books).report.doubts)


@pytest.mark.parametrize("lock", ["~$1.xlsx", ".~lock.1.xlsx#"])
def test_a_book_open_in_another_program_is_read_and_told(books: Path, lock: str) -> None:
    (books / lock).write_bytes(b"lock")
    doubts = merge(books / "1.xlsx").report.doubts
    assert [each.message for each in doubts] == [
        "is open in another program; changes that are not saved yet are not seen"
    ]
    assert doubts == tuple(each for each in merge(books).report.doubts if "open" in each.message)


def test_folders_are_read_with_what_is_below_them(books: Path) -> None:
    (books / "old").mkdir()
    (books / ".hidden").mkdir()
    write_rows(books / "old" / "0.xlsx", [["n", "name"], [9, "z"]])
    write_rows(books / ".hidden" / "0.xlsx", [["n", "name"], [8, "z"]])
    assert sorted(merge(books).table.data.column("n").to_pylist()) == [1, 2.5, 3, 4, 9]


RAW = ["-5", "+3.5", "-1,5 %", "1e-3", "-", "--", "－", "a=b", "'quoted'", "it's", "-2 000,5", "−x"]
MARKED = ["=1+1", "+cmd|' /C calc'!A0", "@SUM(A1)", "-x", "-5+3", "'=a", "''+b", "＝1", "+49-30-1", "- none", "=", "@"]


def numbered(texts: list[str]) -> pd.DataFrame:
    return pd.DataFrame({"n": [-5.0 - at for at in range(len(texts))], "=note": texts})


@pytest.mark.parametrize(("texts", "shown"), [(RAW, RAW), (MARKED, [f"'{each}" for each in MARKED])])
def test_no_cell_of_a_csv_file_is_a_formula(tmp_path: Path, texts: list[str], shown: list[str]) -> None:
    said = write_table(tmp_path / "m.csv", from_pandas(numbered(texts)))
    lines = list(csv.reader((tmp_path / "m.csv").read_text("utf-8-sig").splitlines()))
    assert lines[0][:2] == ["n", "'=note"]
    assert [line[1] for line in lines[1:]] == shown
    assert [float(line[0]) for line in lines[1:]] == [-5.0 - at for at in range(12)]
    marked = "DataFrame!1:1: in m.csv, 12 texts of '=note' start as a formula does; each has a ' before it there"
    assert [str(each).partition(", so")[0] for each in said] == ([] if shown == texts else [marked])


def test_reading_gives_the_texts_back_and_merging_tells_of_them(tmp_path: Path) -> None:
    done = merge(numbered(MARKED), tmp_path / "m.csv")
    assert [each.message.partition(" texts")[0] for each in done.report.doubts] == ["in m.csv, 12"]
    assert done.to_pandas()["=note"].tolist() == MARKED
    assert read_sources(tmp_path / "m.csv")[0].data.column("n").to_pylist() == numbered(MARKED)["n"].tolist()


@pytest.mark.parametrize("suffix", ["xlsx", "parquet"])
def test_only_a_csv_file_needs_that(tmp_path: Path, suffix: str) -> None:
    done = merge(numbered(MARKED), tmp_path / f"m.{suffix}")
    assert not done.report.doubts
    assert read_sources(tmp_path / f"m.{suffix}")[0].data.column("=note").to_pylist() == MARKED
