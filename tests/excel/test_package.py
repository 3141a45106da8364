"""Files appear whole or not at all."""

import os
from pathlib import Path

import pytest

from xltrain.errors import WorkbookError
from xltrain.excel.package import next_free, output_book, replacing


def test_the_file_appears_when_the_block_succeeds(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with replacing(path) as temporary:
        temporary.write_text("done")
        assert not path.exists()
        assert temporary.suffix == ".xlsx"
    assert path.read_text() == "done"
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_is_left_when_the_block_fails(tmp_path: Path) -> None:
    def fail() -> None:
        with replacing(tmp_path / "a.xlsx") as temporary:
            temporary.write_text("half")
            raise ValueError("half-way")

    with pytest.raises(ValueError, match="half-way"):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_an_existing_file_is_refused_unless_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    path.write_text("old")
    with pytest.raises(WorkbookError, match="exists already"), replacing(path):
        pass
    with replacing(path, overwrite=True) as temporary:
        temporary.write_text("new")
    assert path.read_text() == "new"


def test_a_locked_target_keeps_the_work_under_the_next_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.xlsx"
    path.write_text("open in Excel")
    real = os.replace

    def locked(source: Path, target: Path) -> None:
        if Path(target) == path:
            raise PermissionError(13, "locked")
        real(source, target)

    monkeypatch.setattr(Path, "replace", locked)
    with pytest.raises(WorkbookError, match=r"a-2\.xlsx"), replacing(path, overwrite=True) as temporary:
        temporary.write_text("work")
    assert path.read_text() == "open in Excel"
    assert (tmp_path / "a-2.xlsx").read_text() == "work"


@pytest.mark.parametrize("name", ["missing/a.xlsx", "folder"])
def test_an_impossible_place_is_refused_before_the_work(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(WorkbookError), replacing(tmp_path / name):
        raise AssertionError("the block must not run")


def test_where_a_person_wants_a_workbook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    usual = Path("here") / "results.xlsx"
    assert output_book(None, usual) == output_book("", usual) == usual
    assert output_book("a", usual) == Path("a.xlsx")
    assert output_book("a.v2", usual) == Path("a.v2.xlsx")
    assert output_book("new/", usual) == Path("new/results.xlsx")
    assert output_book(".", usual) == Path("results.xlsx")
    assert output_book("..", usual) == Path("../results.xlsx")
    assert output_book("/", usual) == Path("/results.xlsx")
    (tmp_path / "a").mkdir()
    assert output_book("a", usual) == Path("a/results.xlsx")
    (tmp_path / "a.xlsx").touch()
    assert output_book("a", usual) == Path("a.xlsx")  # whose folder it is


def test_a_number_that_was_freed_is_not_used_again(tmp_path: Path) -> None:
    for name in ("results-3.xlsx", "results-2024.xlsx", "other-7.xlsx"):
        (tmp_path / name).touch()
    assert next_free(tmp_path / "results.xlsx").name == "results-4.xlsx"
    (tmp_path / "Results-5").mkdir()
    assert next_free(tmp_path / "results.xlsx").name == "results-6.xlsx"
    assert next_free(tmp_path / "results-2024.xlsx").name == "results-2024-2.xlsx"
    assert next_free(tmp_path / "results-3.xlsx").name == "results-3-2.xlsx"
    assert next_free(tmp_path / "missing" / "results.xlsx").name == "results.xlsx"


def test_next_free_counts_folders_too(tmp_path: Path) -> None:
    path = tmp_path / "results.xlsx"
    assert next_free(path) == path
    path.touch()
    assert next_free(path).name == "results-2.xlsx"
    (tmp_path / "results-2").mkdir()
    assert next_free(path).name == "results-3.xlsx"
