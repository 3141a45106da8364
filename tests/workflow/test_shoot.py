"""The pictures of a job, and one on demand."""

import re
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter

from tests.books import write_rows
from xltrain.config.settings import Shot
from xltrain.errors import ConfigError, WorkbookError, XltrainError
from xltrain.events import Event, Noted, ignore
from xltrain.excel.shot.asked import asked_of
from xltrain.place import Place
from xltrain.workflow.shoot import shoot, shoot_all, shoot_many


@pytest.fixture(name="book")
def _book(tmp_path: Path) -> Path:
    path = tmp_path / "data.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        book.add_worksheet("Summary").write("A1", "销售额")
    return path


def test_writes_one_picture(book: Path, tmp_path: Path) -> None:
    picture = shoot(book, "Summary!A1:B2", tmp_path / "a.png", scale=1)
    assert (tmp_path / "a.png").read_bytes() == picture.png
    assert shoot(str(book)).range == "Summary!A1"
    with pytest.raises(WorkbookError, match="exists"):
        shoot(book, output=tmp_path / "a.png")
    shoot(book, output=tmp_path / "a.png", overwrite=True)


@pytest.mark.parametrize("options", [{"scale": 0.0}, {"scale": 21.0}, {"scale": float("nan")}, {"output": "a.gif"}])
def test_refuses_what_it_cannot_write(book: Path, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        shoot(book, **options)


def test_draws_every_shot_of_a_job(book: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    heard: list[Event] = []
    shots = [Shot("", "Summary!A1:B2", "one.png"), Shot("data.xlsx", "A1", "two.svg"), Shot(str(book), "", "three.png")]
    drawn, problems = shoot_all(shots, tmp_path, book, tmp_path / "out", heard.append)
    assert problems == []
    folder = tmp_path / "out" / "pictures"
    assert drawn == [
        ("Summary!A1:B2", folder / "one.png"),
        ("data.xlsx A1", folder / "two.png"),
        ("data.xlsx", folder / "three.png"),
    ]
    assert sorted(each.name for each in folder.iterdir()) == ["one.png", "three.png", "two.png", "two.svg"]
    assert len([event for event in heard if isinstance(event, Noted)]) == 3


def test_tells_every_problem_at_its_place(book: Path, tmp_path: Path) -> None:
    shots = [
        Shot("none.xlsx", "A1", "a.png", Place("job.xlsx", "Shots", 2, 1)),
        Shot("", "Sumary!A1", "b.png", Place("job.xlsx", "Shots", 3, 1)),
        Shot("", "A1", "c.png", Place("job.xlsx", "Shots", 4, 1)),
        Shot("", "A2", "C.svg", Place("job.xlsx", "Shots", 5, 1)),
        Shot("", "A2", "../d.png", Place("job.xlsx", "Shots", 6, 1)),
        Shot("", "A2", "e.bmp", Place("job.xlsx", "Shots", 7, 1)),
    ]
    _, problems = shoot_all(shots, tmp_path, book, tmp_path, ignore)
    lines = [str(problem) for problem in problems]
    assert [line.partition(":")[0] for line in lines] == [f"job.xlsx!Shots!A{row}" for row in (2, 3, 5, 6, 7)]
    for line, word in zip(
        lines, ["none.xlsx: there is no such file", "Summary", "c.svg", "../d.png", ".bmp"], strict=True
    ):
        assert word.casefold() in line.casefold()


def test_no_shots_make_no_folder(book: Path, tmp_path: Path) -> None:
    assert shoot_all([], tmp_path, book, tmp_path, ignore) == ([], [])
    assert not (tmp_path / "pictures").exists()


def test_sheets_of_results_may_be_named_in_either_language(tmp_path: Path) -> None:
    chinese = write_rows(tmp_path / "r.xlsx", [["x"]], "摘要")
    assert shoot(chinese, "Summary!A1:B2").svg == shoot(chinese, "摘要!A1:B2").svg
    with pytest.raises(WorkbookError):
        shoot(chinese, "Leaderboard!A1:B2")


@pytest.fixture(name="report")
def _report(tmp_path: Path) -> Path:
    """Two sheets with a title above a table, a chart and a print area."""
    path = tmp_path / "report.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        for name in ("2024-01", "2024-02"):
            sheet = book.add_worksheet(name)
            sheet.write(0, 0, "a title")
            for column, word in enumerate(("branch", "loss", "day")):
                sheet.write(2, column, word)
            for row in range(30):
                sheet.write(row + 3, 0, "North" if row % 3 else "South")
                sheet.write(row + 3, 1, row / 10)
                sheet.write(row + 3, 2, 45000 + row)
            sheet.print_area("A3:B8")
        chart = book.add_chart({"type": "column", "name": "Losses"})
        chart.add_series({"values": "='2024-01'!$B$4:$B$9"})
        book.get_worksheet_by_name("2024-01").insert_chart("F2", chart)
        book.add_worksheet("other")
    return path


@pytest.mark.parametrize(
    ("where", "rows"),
    [
        ("loss > 2.65", [31, 32, 33]),
        ("loss >= 2.5 and branch = South", [31]),
        ("branch = south or loss < 0.05", [4, 7, 10, 13, 16, 19, 22, 25, 28, 31]),
        ("loss ＞ 2.65 且 branch != North", [31]),
        ("branch contains orth and loss < 0.25", [5, 6]),
        ("day = 2023-03-16", [5]),
        ("`loss` = 0", [4]),
    ],
)
def test_only_rows_that_pass_are_drawn_below_the_header(report: Path, where: str, rows: list[int]) -> None:
    (asked,) = asked_of(report, "2024-01!A1:C33", where)
    assert asked.rows == (1, 2, 3, *rows)
    whole, some = shoot(report, "2024-01!A1:C33"), shoot(report, "2024-01!A1:C33", where=where)
    assert some.height == pytest.approx(whole.height * (3 + len(rows)) / 33, rel=0.03)


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("lss > 1", "no row of .* has all of these headers: lss; did you mean 'loss'"),
        ("loss", "a condition compares a column with a value"),
        ("loss > 99", "no row of .* passes loss > 99"),
    ],
)
def test_conditions_that_cannot_be_met_are_one_line(report: Path, where: str, words: str) -> None:
    with pytest.raises(XltrainError, match=words):
        shoot(report, "2024-01!A1:C33", where=where)


def test_sheets_by_pattern_and_several_ranges_into_a_folder(report: Path, tmp_path: Path) -> None:
    drawn = shoot_many([report], ["2024-*!A1:C9", "other"], tmp_path / "out", scale=1)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "report-2024-01-A1_C9.png",
        "report-2024-02-A1_C9.png",
        "report-other.png",
    ]
    assert [each.picture.range for each in drawn] == ["2024-01!A1:C9", "2024-02!A1:C9", "other!A1"]


def test_an_exclamation_mark_alone_is_the_print_area(report: Path) -> None:
    assert shoot(report, "2024-01!").range == "2024-01!A3:B8"
    assert shoot(report, "2024-01").range == "2024-01!A1:C33"


def test_long_ranges_are_cut_into_pages_with_the_header(report: Path, tmp_path: Path) -> None:
    drawn = shoot_many([report], ["2024-01!A3:C33"], tmp_path / "{range}.svg", pages=12)
    assert [each.output.name for each in drawn if each.output] == ["A3_C33-1.svg", "A3_C33-2.svg", "A3_C33-3.svg"]
    assert all("branch" in each.picture.svg for each in drawn)


def test_a_chart_is_drawn_alone_by_its_name(report: Path) -> None:
    with zipfile.ZipFile(report) as book:
        name = re.search(r'name="([^"]+)"', book.read("xl/drawings/drawing1.xml").decode())
    assert name
    picture = shoot(report, name[1])
    assert (picture.width, picture.height) == (360, 216)
    assert "branch" not in picture.svg


def test_pictures_go_into_a_copy_of_a_book(report: Path, tmp_path: Path) -> None:
    shoot_many([report], ["2024-01!A1:C9"], tmp_path / "new.xlsx", embed=f"{report}!Shown", scale=1)
    assert openpyxl.load_workbook(tmp_path / "new.xlsx").sheetnames == ["2024-01", "2024-02", "other", "Shown"]
    with zipfile.ZipFile(tmp_path / "new.xlsx") as book:
        assert any(name.endswith(".png") for name in book.namelist())


def test_a_page_of_pdf_and_a_width(report: Path, tmp_path: Path) -> None:
    picture = shoot(report, "2024-01!A1:C9", tmp_path / "a.pdf", width=600)
    assert (tmp_path / "a.pdf").read_bytes()[:5] == b"%PDF-"
    assert int.from_bytes(picture.png[16:20], "big") == 600
    assert picture.data_uri.startswith("data:image/png;base64,iVBOR")


def test_what_cannot_be_drawn_leaves_nothing_behind(report: Path, tmp_path: Path) -> None:
    with pytest.raises(WorkbookError) as caught:
        shoot_many([report, tmp_path / "none.xlsx"], ["2024-01!A1", "nowhere!A1"], tmp_path / "out")
    assert len(caught.value.problems) == 2
    assert not (tmp_path / "out").exists()


def test_many_pictures_are_painted_by_several_processes(report: Path, tmp_path: Path) -> None:
    ranges = [f"2024-01!A1:C{row}" for row in range(4, 11)]
    shoot_many([report], ranges, tmp_path / "many", scale=1)
    assert len(list((tmp_path / "many").iterdir())) == 7
    assert (tmp_path / "many" / "report-2024-01-A1_C4.png").read_bytes() == shoot(report, ranges[0], scale=1).png
