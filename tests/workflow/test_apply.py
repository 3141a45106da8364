"""Decided fixes in copies of the sources: one cell each, all or nothing, taken back again; and where decisions lie."""

import json
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest

import xltrain
from tests.books import write_rows, write_sheets
from xltrain.cli import run
from xltrain.data.fingerprint import fingerprints
from xltrain.errors import ConfigError, DataError, WorkbookError
from xltrain.events import ignore
from xltrain.language import label
from xltrain.workflow.fit import _read
from xltrain.workflow.merge import read_sources

JOB = """
[job]
{more}
[[sources]]
path = "north.xlsx"
[[sources]]
path = "south/*.xlsx"
[[columns]]
name = "price"
role = "target"
{weight}
[[runs]]
name = "one"
model = "linear"
"""
HEAD = ("decision", "decision_column", "new_value", "decision_weight", "decision_note", "old_value")
PLACES = ("source_file", "source_sheet", "source_row", "fingerprint")
NORTH = [
    ["Sales of the north"],
    ["price", "size", "kind"],
    *([250.0 + at, at, "a"] for at in range(8)),
    [9999.0, 8, "b"],
]
SOUTH = [["price", "size", "kind"], *([150.0 + at, at, "c"] for at in range(9))]


def folder_of(tmp_path: Path, more: str = "", weight: str = "") -> Path:
    (tmp_path / "south").mkdir(parents=True)
    write_sheets(tmp_path / "north.xlsx", {"Sales": NORTH, "Notes": [["untouched"]]})
    write_rows(tmp_path / "south" / "south.xlsx", SOUTH, "数据")
    (tmp_path / "job.toml").write_text(JOB.format(more=more, weight=weight), encoding="utf-8")
    return tmp_path


def prints(folder: Path) -> dict[tuple[str, int], str]:
    table, _ = read_sources(["north.xlsx", "south/south.xlsx"], folder)
    found = fingerprints(table).to_pylist()
    return {(table.place(at).file, table.place(at).row): found[at] for at in range(len(table))}


def decisions(folder: Path, *said: tuple[Any, ...], name: str = "decisions.xlsx") -> Path:
    """(file, row, word, column, new value, weight, note, old value) as a workbook of decisions."""
    known = prints(folder)
    rows: list[list[Any]] = [[*map(label, HEAD), *map(label, PLACES)]]
    for file, row, word, *rest in said:
        column, new, weight, note, old = [*rest, *[None] * (5 - len(rest))]
        sheet = "Sales" if file == "north.xlsx" else "数据"
        rows.append([word, column, new, weight, note, old, file, sheet, row, known[file, row]])
    return write_rows(folder / name, rows, "Mine")


FIX = ("north.xlsx", 11, "fix", "price", 258.0, None, "a nine too many", 9999.0)
SOUTHERN = ("south/south.xlsx", 3, "fix", "kind", "=c", None, None, "c")


def values(path: Path, sheet: str) -> list[list[Any]]:
    return [[cell.value for cell in row] for row in openpyxl.load_workbook(path)[sheet].iter_rows()]


def test_one_cell_each_and_nothing_else(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    decisions(folder, FIX, SOUTHERN, ("north.xlsx", 4, "drop"), ("north.xlsx", 5, "keep"))
    before = {path: path.read_bytes() for path in folder.rglob("*.xlsx")}
    done = xltrain.apply(folder / "job.toml", folder / "out")
    assert [path.relative_to(folder / "out").as_posix() for path in done.files] == ["north.xlsx", "south/south.xlsx"]
    assert {path: path.read_bytes() for path in before} == before
    expected = [list(row) for row in values(folder / "north.xlsx", "Sales")]
    expected[10][0] = 258.0
    assert values(folder / "out" / "north.xlsx", "Sales") == expected
    assert values(folder / "out" / "south" / "south.xlsx", "数据")[2] == [151, 1, "=c"]
    with zipfile.ZipFile(folder / "north.xlsx") as old, zipfile.ZipFile(folder / "out" / "north.xlsx") as new:
        same = [name for name in old.namelist() if name in new.namelist() and old.read(name) == new.read(name)]
        assert {"xl/worksheets/sheet2.xml", "xl/styles.xml"} <= set(same)
    assert done.left == 1
    log = values(folder / "out" / "decisions.xlsx", "Change log")
    assert log[1] == [
        "north.xlsx", "Sales", "A11", "price", 9999, 258, "a nine too many", "decisions.xlsx!Mine!A2",
    ]  # fmt: skip


def test_undo_gives_the_originals_back(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    decisions(folder, FIX, SOUTHERN)
    done = xltrain.apply(folder / "job.toml", folder / "out")
    assert done.log
    done.log.unlink()
    back = xltrain.apply(folder / "out", folder / "back", undo=True)
    assert [identical for _, identical in back.undone] == [True, True]
    for name in ("north.xlsx", "south/south.xlsx"):
        with zipfile.ZipFile(folder / name) as old, zipfile.ZipFile(folder / "back" / name) as new:
            assert {each: old.read(each) for each in old.namelist()} == {
                each: new.read(each) for each in new.namelist()
            }
    with pytest.raises(WorkbookError):
        xltrain.apply(folder / "north.xlsx", folder / "never", undo=True)
    assert not (folder / "never").exists()


def test_a_dry_run_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = folder_of(tmp_path)
    decisions(folder, FIX)
    before = sorted(folder.rglob("*"))
    assert run(["apply", str(folder / "job.toml"), "--dry-run"]) == 0
    shown = capsys.readouterr().out
    assert "north.xlsx!Sales!A11: price 9999 -> 258 (a nine too many)" in shown
    assert sorted(folder.rglob("*")) == before


def test_json(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = folder_of(tmp_path)
    decisions(folder, FIX)
    assert run(["apply", str(folder / "job.toml"), "-o", str(folder / "out"), "--json"]) == 0
    told = json.loads(capfd.readouterr().out)
    assert told["fixes"][0]["became"] == "258"
    assert len(told["files"]) == 1


def test_a_changed_row_is_told_and_left_alone(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    decisions(folder, FIX, SOUTHERN)
    changed = [list(row) for row in NORTH]
    changed[10][0] = 777.0
    write_sheets(folder / "north.xlsx", {"Sales": changed})
    with pytest.raises(DataError):
        xltrain.apply(folder / "job.toml", folder / "out", strict=True)
    assert not (folder / "out").exists()
    done = xltrain.apply(folder / "job.toml", folder / "out")
    assert [each.place.file for each in done.fixes] == ["south/south.xlsx"]
    assert "held 9999 when this was decided and holds 777 now" in str(done.doubts[0])


def test_rows_inserted_above_are_followed(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    decisions(folder, FIX)
    write_sheets(folder / "north.xlsx", {"Sales": [*NORTH[:2], [1.0, 2, "new"], *NORTH[2:]]})
    done = xltrain.apply(folder / "job.toml", folder / "out")
    assert str(done.fixes[0].place) == "north.xlsx!Sales!A12"
    assert values(folder / "out" / "north.xlsx", "Sales")[11][0] == 258


def test_wrong_decisions_are_listed_with_their_cells_before_anything(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    decisions(folder, FIX, ("north.xlsx", 4, "fix", "price"), ("north.xlsx", 5, "burn"))
    with pytest.raises(ConfigError) as caught:
        xltrain.apply(folder / "job.toml", folder / "out")
    assert [str(each.place) for each in caught.value.problems] == ["decisions.xlsx!Mine!A3", "decisions.xlsx!Mine!A4"]
    decisions(folder, FIX, (*FIX[:4], 7.0))
    with pytest.raises(ConfigError, match=r"A3: .*A2"):
        xltrain.apply(folder / "job.toml", folder / "out")
    assert not (folder / "out").exists()


def test_nothing_is_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from xltrain.workflow import apply as module

    folder = folder_of(tmp_path)
    decisions(folder, FIX, SOUTHERN)
    (folder / "out" / "south").mkdir(parents=True)
    (folder / "out" / "south" / "south.xlsx").write_text("mine")
    with pytest.raises(WorkbookError, match=r"south\.xlsx"):
        xltrain.apply(folder / "job.toml", folder / "out")
    assert not (folder / "out" / "north.xlsx").exists()
    with pytest.raises(WorkbookError):
        xltrain.apply(folder / "job.toml", folder, overwrite=True)
    plain = module.patch_book

    def failing(book: Path, *rest: Any, **more: Any) -> Any:
        if book.name == "decisions.xlsx":
            raise OSError(28, "No space left on device")
        return plain(book, *rest, **more)

    monkeypatch.setattr(module, "patch_book", failing)
    assert run(["apply", str(folder / "job.toml"), "-o", str(folder / "new")]) == 1
    assert not [path for path in (folder / "new").rglob("*") if path.is_file()]


def test_what_is_no_results_workbook(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    for name, words in (("north.xlsx", "results workbook"), ("none.xlsx", "none.xlsx")):
        with pytest.raises(WorkbookError, match=words):
            xltrain.apply(folder / name, folder / "out")
    with pytest.raises(ConfigError, match="folder"):
        xltrain.apply(folder / "job.toml")


def test_a_source_of_another_kind_cannot_be_patched(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    lines = "\n".join(",".join(str(cell) for cell in row) for row in NORTH[1:])
    (folder / "north.csv").write_text(lines, encoding="utf-8")
    (folder / "job.toml").write_text(
        JOB.format(more="", weight="").replace("north.xlsx", "north.csv"), encoding="utf-8"
    )
    table, _ = read_sources(["north.csv"], folder)
    place, name = table.place(8, "price"), fingerprints(table)[8].as_py()
    rows = [[*map(label, HEAD), *map(label, PLACES)]]
    rows.append(["fix", "price", 258.0, None, None, None, place.file, place.sheet, place.row, name])
    write_rows(folder / "decisions.xlsx", rows)
    with pytest.raises(WorkbookError, match=r"north\.csv"):
        xltrain.apply(folder / "job.toml", folder / "out")
    assert not (folder / "out").exists()


def table_of(job: Path, strict: bool = False) -> Any:
    with _read(job, (), (), "", strict, ignore) as (_, table, columns, report, taken):
        return table, columns, report, taken


def test_fit_goes_by_a_decisions_workbook_beside_the_job(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    decisions(folder, FIX, ("north.xlsx", 4, "drop"), ("north.xlsx", 5, "weight", None, None, 0.25))
    table, columns, report, taken = table_of(folder / "job.toml")
    assert len(table) == 17
    assert report.counts["fixed"] == report.counts["weighted"] == 1
    weight = next(column for column in columns if column.role == "weight")
    assert sorted(table.data.column(weight.name).to_pylist())[:2] == [0.25, 1]
    assert taken.created == weight.name
    assert [each.state for each in taken.settled] == ["applied"] * 3


def test_a_job_may_name_its_decisions(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, 'decisions = "mine/list.xlsx"')
    with pytest.raises(ConfigError, match=r"mine/list\.xlsx"):
        table_of(folder / "job.toml")
    (folder / "mine").mkdir()
    decisions(folder, ("north.xlsx", 4, "drop"), name="mine/list.xlsx")
    decisions(folder, ("north.xlsx", 5, "drop"))
    table, *_ = table_of(folder / "job.toml")
    assert 4 not in table.row[table.origin == 0].tolist()
    assert 5 in table.row[table.origin == 0].tolist()


def test_merge_goes_by_the_decisions_of_a_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = folder_of(tmp_path, weight='[[columns]]\nname = "size"\nrole = "weight"')
    half = ("south/south.xlsx", 4, "fix", "price", 152.5, None, None, 152.0)
    decisions(folder, FIX, half, ("north.xlsx", 4, "drop"), ("south/south.xlsx", 3, "weight", None, None, 5))
    away = tmp_path / "away"
    away.mkdir()
    monkeypatch.chdir(away)
    for output in ("out.xlsx", "out.parquet"):
        assert run(["merge", "--job", str(folder / "job.toml"), "-o", output]) == 0
        merged = read_sources(output, away)[0].data
        assert merged.num_rows == 17
        assert max(merged.column("price").to_pylist()) == 258
        assert merged.column("size").to_pylist()[9] == 5
    changes = values(away / "out.xlsx", "Dropped and changed")
    assert {row[3] for row in changes[4:]} >= {"fixed", "dropped", "weighted"}
    assert any("a nine too many" in str(row[6]) for row in changes[4:])
    decisions(folder, ("north.xlsx", 4, "burn"))
    assert run(["merge", "--job", str(folder / "job.toml"), "-o", "new.parquet"]) == 2
    assert not (away / "new.parquet").exists()


@pytest.mark.parametrize(
    ("cells", "shown"),
    [(["yes", "no", "no"], "no"), ([1, 0, 0], 0), ([True, False, False], False), (["是", "否", "否"], "否")],
    ids=str,
)
def test_a_truth_value_is_written_as_its_column_says_it(cells: list[Any], shown: Any, tmp_path: Path) -> None:
    folder = folder_of(tmp_path, weight='[[columns]]\nname = "left"\ntype = "boolean"')
    rows = [["price", "size", "kind", "left"], *([150.0 + at, at, "c", cells[at % 3]] for at in range(9))]
    write_rows(tmp_path / "south" / "south.xlsx", rows, "数据")
    decisions(folder, ("south/south.xlsx", 2, "fix", "left", False))
    done = xltrain.apply(folder / "job.toml", tmp_path / "out")
    (fixed,) = done.fixes
    assert (fixed.was, fixed.now) == (cells[0], shown)
    written = values(tmp_path / "out" / "south" / "south.xlsx", "数据")[1][3]
    assert (written, type(written)) == (shown, type(shown))


def test_it_says_where_the_decisions_were_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = folder_of(tmp_path)
    decisions(folder, FIX)
    (folder / "~$decisions.xlsx").write_bytes(b"")
    assert run(["apply", str(folder / "job.toml"), "--dry-run"]) == 0
    told = capsys.readouterr()
    assert "decisions read from: decisions.xlsx" in told.err
    assert "decisions.xlsx: is open in another program" in told.out


@pytest.mark.parametrize("told", ['{"version": 99}', '{"version": "x"}', "{", '{"version": 1}'])
def test_results_of_a_newer_version_or_broken_ones_are_refused(
    tmp_path: Path, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = folder_of(tmp_path)
    decisions(folder, FIX)
    assert run(["new", str(folder / "results.xlsx"), "--from", str(folder / "job.toml")]) == 0
    (folder / "results").mkdir()
    (folder / "results" / "fit.json").write_text(told, "utf-8")
    for word in ("apply", "annotate"):
        words = [word, str(folder / "results.xlsx"), "-o", str(folder / "out")]
        assert run([*words, "--language", "zh"]) == 4, words
        said = capsys.readouterr().err
        assert not any(english in said for english in ("Expecting", "invalid literal", "'features'")), said
    assert not (folder / "out").exists()


def test_the_workbook_of_decisions_is_not_replaced_by_its_copy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = folder_of(tmp_path)
    decisions(folder, FIX)
    (tmp_path / "job").mkdir()
    job = (folder / "job.toml").read_text("utf-8").replace('path = "', 'path = "../')
    (tmp_path / "job" / "job.toml").write_text(job, encoding="utf-8")
    before = (folder / "decisions.xlsx").rename(tmp_path / "job" / "decisions.xlsx").read_bytes()
    assert run(["apply", str(tmp_path / "job" / "job.toml"), "-o", str(tmp_path / "job"), "--overwrite"]) in (2, 4)
    assert (tmp_path / "job" / "decisions.xlsx").read_bytes() == before
    assert "is read by this command" in capsys.readouterr().err
