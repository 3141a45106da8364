"""A disk that is full half-way, a folder that cannot be written, a source that is open: one line, and no half file."""

import errno
import io
import os
import shutil
import tempfile
import zipfile
from collections import namedtuple
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.csv
import pyarrow.parquet
import pytest

from tests.thinned import thinned
from tests.workflow.test_apply import FIX, decisions, folder_of
from tests.workflow.test_fit import sales, write_book
from xltrain.cli import run
from xltrain.excel import package
from xltrain.workflow.fit import fit

QUICK = ("job.folds=2", "runs.epochs=1", "runs.model=linear")
FULL = "the disk is full, so this was not written; your workbooks are as they were"

COMMANDS = {
    "merge": ("merge a.xlsx -o {out}/m.xlsx", "m.xlsx"),
    "merge to csv": ("merge a.xlsx -o {out}/m.csv", "m.csv"),
    "merge to parquet": ("merge a.xlsx -o {out}/m.parquet", "m.parquet"),
    "fit": ("fit a.xlsx -t sales -o {out}/f.xlsx --set job.folds=2 --set runs.epochs=1 --set runs.model=linear", "f"),
    "predict": ("predict r.xlsx a.xlsx -o {out}/p.xlsx", "p.xlsx"),
    "predict to csv": ("predict r.xlsx a.xlsx -o {out}/p.csv", "p.csv"),
    "predict to copies": ("predict r.xlsx a.xlsx -o {out}/copies/", "copies/a.xlsx"),
    "predict with marks": ("predict r.xlsx far.xlsx --mark {out}/marked", "marked/far.xlsx"),
    "annotate": ("annotate r.xlsx -o {out}/annotated", "annotated/a.xlsx"),
    "apply": ("apply job.toml -o {out}/applied", "applied/north.xlsx"),
    "compare": ("compare r.xlsx r2.xlsx -o {out}/c.xlsx", "c.xlsx"),
    "audit": ("audit small.xlsx -o {out}/audit.xlsx", "audit.xlsx"),
    "shot": ("shot a.xlsx A1:C9 -o {out}/s.png", "s.png"),
    "export": ("export r/model.safetensors -o {out}/m.onnx", "m.onnx"),
    "new": ("new {out}/job.xlsx", "job.xlsx"),
}


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = folder_of(tmp_path_factory.mktemp("books"))
    decisions(folder, FIX)
    frame = sales(60)
    write_book(folder / "a.xlsx", frame)
    write_book(folder / "small.xlsx", frame.head(30))
    frame["面积"] += 10_000
    write_book(folder / "far.xlsx", frame)
    here = Path.cwd()
    try:
        os.chdir(folder)
        fit("a.xlsx", "sales", "r.xlsx", overrides=QUICK)
        fit("a.xlsx", "sales", "r2.xlsx", overrides=QUICK)
    finally:
        os.chdir(here)
    return folder


@pytest.fixture
def out(books: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(books)
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def fill(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every kind of file end half-way, as on a full disk."""

    def refuse(*_: Any, **__: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    opened = zipfile.ZipFile.open

    def half(self: zipfile.ZipFile, name: Any, mode: Any = "r", *more: Any, **named: Any) -> Any:
        if mode == "w" and self.filelist and not isinstance(self.fp, io.BytesIO):
            refuse()
        return opened(self, name, mode, *more, **named)

    monkeypatch.setattr(zipfile.ZipFile, "open", half)
    monkeypatch.setattr(Path, "write_bytes", refuse)
    monkeypatch.setattr(pyarrow.parquet, "write_table", refuse)
    monkeypatch.setattr(pyarrow.parquet.ParquetWriter, "write_table", refuse)
    monkeypatch.setattr(pyarrow.csv, "CSVWriter", refuse)


@pytest.mark.parametrize("command", thinned(COMMANDS))
def test_a_full_disk_is_told_in_one_line(
    command: str, books: Path, out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if command == "export":
        pytest.importorskip("onnx")
    said, file = COMMANDS[command]
    before = contents(books)
    fill(monkeypatch)
    assert run(said.format(out=out).split()) == 4
    told = [line for line in capsys.readouterr().err.splitlines() if "full" in line]
    assert [line.partition("; free")[0] for line in told] == [f"{out / file}: {FULL}"]
    assert [path.name for path in out.iterdir() if path.name != ".f.progress"] == []
    assert contents(books) == before


def test_the_disk_of_temporary_files_may_be_the_full_one(
    out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    room = namedtuple("room", "free")
    temporaries = Path(tempfile.gettempdir())
    monkeypatch.setattr(shutil, "disk_usage", lambda path: room(0 if temporaries in (path, path.parent) else 1 << 40))
    fill(monkeypatch)
    assert run(f"merge a.xlsx -o {out}/m.xlsx".split()) == 4
    told = [line for line in capsys.readouterr().err.splitlines() if "full" in line]
    assert len(told) == 1
    assert told[0].startswith(f"{temporaries}: the disk for temporary files is full, so nothing was written")
    assert list(out.iterdir()) == []


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        RuntimeError("I/O error: No space left on device (os error 28)"),
        RuntimeError("database or disk is full"),
        ValueError(OSError(errno.ENOSPC, "wrapped")),
    ],
)
def test_whatever_a_library_makes_of_it(error: Exception, tmp_path: Path) -> None:
    with pytest.raises(package.WorkbookError, match="the disk is full"), package.replacing(tmp_path / "a.csv"):
        raise error
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_that_cannot_be_written(
    command: str, books: Path, out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if command == "export":
        pytest.importorskip("onnx")

    def refusing(real: Any) -> Any:
        def refuse(self: Path, *more: Any, **named: Any) -> Any:
            if self.is_relative_to(out):
                raise PermissionError(errno.EACCES, "Permission denied", str(self))
            return real(self, *more, **named)

        return refuse

    for name in ("touch", "mkdir", "unlink"):
        monkeypatch.setattr(Path, name, refusing(getattr(Path, name)))
    said, file = COMMANDS[command]
    before = contents(books)
    assert run(said.format(out=out).split()) == 4
    told = [line for line in capsys.readouterr().err.splitlines() if "Permission" in line]
    first = file.partition("/")[0] if "/" in file else {"f": "f.xlsx"}.get(file, file)
    assert told == [f"{out / first}: cannot be written here: Permission denied; choose another folder"]
    assert list(out.iterdir()) == []
    assert contents(books) == before


OPEN = "is open in another program; changes that are not saved yet are not seen"


@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in ("compare", "shot", "export", "new")])
def test_a_source_that_is_open_elsewhere_is_read_and_told(
    command: str, books: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said, file = COMMANDS[command]
    source = "north.xlsx" if command == "apply" else next((w for w in said.split()[1:] if w[0] in "afs"), "a.xlsx")
    lock = books / f"~${source}"
    lock.write_bytes(b"")
    try:
        code = run([*said.format(out=out).split()])
    finally:
        lock.unlink()
    captured = capsys.readouterr()
    assert code == 0, captured.err
    assert f"{source}: {OPEN}" in captured.out + captured.err
    assert (out / file).exists()


def test_an_output_that_is_open_on_windows(
    out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (out / "m.xlsx").write_text("open")
    (out / "open" / "a.xlsx").parent.mkdir()
    (out / "open" / "a.xlsx").write_text("open")
    real = Path.replace
    monkeypatch.setattr(Path, "replace", lambda self, to: _locked(self, to, real))
    assert run(f"merge a.xlsx -o {out}/m.xlsx --overwrite".split()) == 4
    assert run(f"predict r.xlsx a.xlsx -o {out}/open/ --overwrite".split()) == 4
    told = capsys.readouterr().err
    assert f"{out / 'm.xlsx'}: could not be replaced, it is open in another program; the work was saved as" in told
    assert f"{out / 'open' / 'a.xlsx'}: " in told
    assert (out / "m.xlsx").read_text() == (out / "open" / "a.xlsx").read_text() == "open"
    assert sorted(path.name for path in out.rglob("*")) == ["a.xlsx", "m-2.xlsx", "m.xlsx", "open"]


def _locked(path: Path, to: Path, real: Any) -> Any:
    if Path(to).name in ("m.xlsx", "a.xlsx"):
        raise PermissionError(errno.EACCES, "in use by another process", str(to))
    return real(path, to)


def test_nothing_to_do_with_disks_stays_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="other"), package.replacing(tmp_path / "a.csv"):
        raise ValueError("other", np.array([1]))
