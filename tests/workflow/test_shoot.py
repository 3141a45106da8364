"""The pictures of a job, and one on demand."""

import re
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter

from tests.books import write_rows
from tests.excel.shot.png import read_png
from tests.shared import shared
from xltrain.config.settings import Shot
from xltrain.errors import ConfigError, WorkbookError, XltrainError
from xltrain.events import Drew, Event, Noted, ignore
from xltrain.excel.shot.asked import asked_of
from xltrain.place import Place
from xltrain.workflow.shoot import BATCH, shoot, shoot_all, shoot_many


@pytest.fixture(name="book")
def _book(tmp_path: Path) -> Path:
    path = tmp_path / "data.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        book.add_worksheet("Summary").write("A1", "销售额")
    return path


def test_writes_one_picture(book: Path, tmp_path: Path) -> None:
    picture = shoot(book, "Summary!A1:B2", tmp_path / "a.png", scale=1)
    assert (tmp_path / "a.png").read_bytes() == picture.png
    assert picture.pixels == read_png(picture.png).colours.shape[1::-1]
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
    assert shoot(report, "2024-01").range == "2024-01!A1:M33"  # as far as its chart reaches


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
    ranges = [f"2024-01!A1:C{row}" for row in range(4, 4 + BATCH)]
    shoot_many([report], ranges, tmp_path / "many", scale=1)
    assert len(list((tmp_path / "many").iterdir())) == BATCH
    assert (tmp_path / "many" / "report-2024-01-A1_C4.png").read_bytes() == shoot(report, ranges[0], scale=1).png


def test_areas_with_commas_are_several_pictures(report: Path, tmp_path: Path) -> None:
    drawn = shoot_many([report], ["2024-01!A1:B2,C3:D4,'2024-02'!A1"], tmp_path / "{sheet}-{range}.svg")
    assert [each.picture.range for each in drawn] == ["2024-01!A1:B2", "2024-01!C3:D4", "2024-02!A1"]
    assert sorted(each.name for each in tmp_path.glob("*.svg")) == [
        "2024-01-A1_B2.svg",
        "2024-01-C3_D4.svg",
        "2024-02-A1.svg",
    ]


def test_every_print_area_is_a_picture(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        book.add_worksheet("so, it is")
        book.define_name("'so, it is'!Print_Area", "='so, it is'!$A$1:$B$2,'so, it is'!$D$4:$E$9")
    found = [each.picture.range for each in shoot_many([path], ["'so, it is'!"], None)]
    assert found == ["so, it is!A1:B2", "so, it is!D4:E9"]


@pytest.mark.parametrize(
    ("ranges", "pages", "pattern", "names"),
    [
        (["2024-01!A3:C33"], 12, "p.svg", ["p-1.svg", "p-2.svg", "p-3.svg"]),
        (["A1:B2", "other!"], 0, "p.svg", ["p-1.svg", "p-2.svg"]),
        (["other!"], 0, "{book}-{sheet}-{range}.svg", ["report-other.svg"]),
        (["other!"], 0, "{range}.svg", ["other.svg"]),
        ([""], 0, "{sheet}.svg", ["report.svg"]),
        (["A1", "A1"], 0, "{range}.svg", ["A1-2.svg", "A1.svg"]),
    ],
)
def test_names_of_pictures(
    report: Path, tmp_path: Path, ranges: list[str], pages: int, pattern: str, names: list[str]
) -> None:
    shoot_many([report], ranges, tmp_path / pattern, pages=pages)
    assert sorted(each.name for each in tmp_path.glob("*.svg")) == names


@pytest.mark.parametrize(
    ("output", "options", "words"),
    [
        ("{nope}.png", {}, "pattern"),
        ("{book.__class__}.png", {}, "pattern"),
        ("a{.png", {}, "pattern"),
        ("a.png", {"format": "svg"}, "--format svg"),
        ("a.png", {"embed": "report.xlsx!Pictures"}, r"\.xlsx"),
        (None, {"embed": "report.xlsx!Pictures"}, "-o NEW"),
    ],
)
def test_outputs_that_do_not_fit_are_refused(
    report: Path, tmp_path: Path, output: str | None, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        shoot_many([report], ["A1:B2"], tmp_path / output if output else None, **options)
    assert [each.name for each in tmp_path.iterdir()] == ["report.xlsx"]


def test_more_pages_than_one_call_makes_are_refused(report: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xltrain.excel.shot.asked.MOST_PAGES", 9)
    with pytest.raises(WorkbookError, match="30 pictures, more than the 9"):
        asked_of(report, "2024-01!A3:C33", pages=1)


def test_a_job_says_how_sharp_a_picture_is(report: Path, tmp_path: Path) -> None:
    shots = [Shot("", "A1:B2", "one.png", scale=1.0), Shot("", "A1:B2", "two.png", scale=3.0)]
    drawn, problems = shoot_all(shots, tmp_path, report, tmp_path, ignore)
    assert not problems
    one, two = (read_png(path.read_bytes()).colours.shape for _, path in drawn)
    assert two[0] == 3 * one[0]


def test_of_the_rows_that_pass_blank_ones_count(tmp_path: Path) -> None:
    rows = [["name", "loss"], ["a", 1], ["", 2], ["c", 3], ["", 4]]
    (asked,) = asked_of(write_rows(tmp_path / "book.xlsx", rows, "S"), "S!A1:B9", 'name = ""')
    assert asked.rows == (1, 3, 5)


def test_every_picture_is_heard_of(report: Path) -> None:
    heard: list[Event] = []
    shoot_many([report], ["A1", "A2"], None, listen=heard.append)
    assert heard == [Drew("2024-01!A1", 1, 2), Drew("2024-01!A2", 2, 2)]


def test_a_chart_is_looked_for_on_the_sheet_that_is_named(report: Path) -> None:
    assert shoot(report, "2024-01!Losses").range == shoot(report, "Losses").range
    with pytest.raises(WorkbookError):
        shoot(report, "2024-02!Losses")


def test_values_of_other_formats_come_with_a_note(tmp_path: Path) -> None:
    (note,) = shoot(shared("uci/concrete.xls"), "A1:C5").notes
    assert "plain values" in note
