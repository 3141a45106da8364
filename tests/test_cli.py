"""The command line as a person and as a program meet it: exit codes, one line per problem, JSON, two languages."""

import json
from pathlib import Path

import pytest
import xlsxwriter

from xltrain.cli import COMMANDS, main, run


def book(path: Path, rows: list[list[object]], sheet: str = "Data") -> Path:
    with xlsxwriter.Workbook(path) as workbook:
        page = workbook.add_worksheet(sheet)
        for row, values in enumerate(rows):
            for column, value in enumerate(values):
                if value is not None:
                    page.write(row, column, value)
    return path


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_command_explains_itself(command: str, language: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([command, "--language", language, "--help"]) == 0
    out = capsys.readouterr().out
    assert "--json" in out
    assert "--language" in out


def test_no_arguments_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([])
    shown = capsys.readouterr()
    assert "merge" in shown.out + shown.err


def test_unknown_command_offers_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["merg"]) == 2
    assert "did you mean 'merge'?" in capsys.readouterr().err


def test_problems_are_one_line_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = run(["merge", str(tmp_path / "no.xlsx"), str(tmp_path / "none.xlsx"), "-o", str(tmp_path / "out.xlsx")])
    lines = capsys.readouterr().err.splitlines()
    assert code == 4
    assert len(lines) == 2
    assert all(name in line for name, line in zip(("no.xlsx", "none.xlsx"), lines, strict=True))
    assert not (tmp_path / "out.xlsx").exists()


def test_json_failure_is_one_object_on_standard_output(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["fit", str(tmp_path / "no.xlsx"), "--target", "y", "--json"]) == 4
    shown = capfd.readouterr()
    document = json.loads(shown.out)
    assert document["schema_version"] == 1
    assert set(document["problems"][0]) == {"place", "message", "hint"}
    assert "no.xlsx" in document["problems"][0]["place"]


def test_merge_json(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    source = book(tmp_path / "a.xlsx", [["name", "n"], ["x", 1], ["y", 2], ["z", 3]])
    assert run(["merge", str(source), "-o", str(tmp_path / "out.csv"), "--json"]) == 0
    document = json.loads(capfd.readouterr().out)
    assert document["rows"] == 3
    assert document["columns"] == 2
    assert Path(document["output"]).name == "out.csv"
    assert [source["rows"] for source in document["sources"]] == [3]
    assert document["doubts"] == []


def test_traceback_never_reaches_a_user(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from xltrain.workflow import merge as workflow

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(workflow, "merge", broken)
    assert run(["merge", "a.xlsx", "-o", "b.xlsx"]) == 1
    error = capsys.readouterr().err
    assert "ZeroDivisionError" in error
    assert "Traceback" not in error
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["fit"], "缺少 JOB | BOOK..."),
        (["merge", "a.xlsx"], "缺少 -o OUT"),
        (["merge", "a.xlsx", "--outptu", "b"], "没有选项 --outptu"),
        ([], "缺少命令"),
    ],
)
def test_wrong_calls_are_told_in_the_language(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["--language", "zh", *arguments]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert len(error.splitlines()) == 1
