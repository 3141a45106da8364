"""`xltrain shot`."""

import json
from pathlib import Path

import pytest
import xlsxwriter

from xltrain.cli import run


@pytest.fixture(name="book")
def _book(tmp_path: Path) -> Path:
    path = tmp_path / "data.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        book.add_worksheet("汇总").write("B2", "销售额")
    return path


def test_draws_and_says_where(book: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "a.png"
    assert run(["shot", str(book), "汇总!A1:B2", "-o", str(out)]) == 0
    shown = capsys.readouterr()
    assert "汇总!A1:B2" in shown.out
    assert not shown.err
    assert out.read_bytes()[:4] == b"\x89PNG"
    assert run(["shot", str(book), "-o", str(out)]) == 4
    assert run(["shot", str(book), "-o", str(out), "--overwrite", "--scale", "1"]) == 0


def test_speaks_json(book: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "a.svg"
    assert run(["shot", str(book), "-o", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    size = {"width": 96.75, "height": 30.75}
    assert told == {"schema_version": 1, "output": str(out), "range": "汇总!A1:B2", **size, "notes": []}


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (["none.xlsx", "-o", "a.png"], 4, "none.xlsx"),
        (["BOOK", "汇兑!A1", "-o", "a.png"], 4, "汇总"),
        (["BOOK", "A1", "-o", "a.gif"], 2, ".gif"),
        (["BOOK", "A1", "-o", "a.png", "--scale", "0"], 2, "scale"),
        (["BOOK", "A1", "-o", "none/a.png"], 4, "none"),
        (["BOOK", "A1"], 2, "-o"),
    ],
)
def test_one_line_and_no_file_for_bad_input(
    book: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    word: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["shot", *(str(book) if each == "BOOK" else each for each in arguments)]) == code
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert word in lines[0]
    assert [each.name for each in tmp_path.iterdir()] == ["data.xlsx"]
