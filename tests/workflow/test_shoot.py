"""The pictures of a job, and one on demand."""

from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from tests.books import write_rows
from xltrain.config.settings import Shot
from xltrain.errors import ConfigError, WorkbookError
from xltrain.events import Event, Noted, ignore
from xltrain.place import Place
from xltrain.workflow.shoot import shoot, shoot_all


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
