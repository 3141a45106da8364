"""No file that a command reads is ever replaced by what it writes, whatever name it is called by."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.books import write_rows
from xltrain.cli import run
from xltrain.workflow.fit import fit

pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported")
HEAD = ["size", "kind", "price"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    write_rows(folder / "old.xlsx", [HEAD, *([at, "ab"[at % 2], 2.0 * at] for at in range(40))])
    overrides = ["runs.epochs=2", "job.folds=2"]
    return fit(folder / "old.xlsx", "price", folder / "results.xlsx", overrides=overrides).results


@pytest.fixture
def books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "d").mkdir()
    for name in ("jan", "feb", "mar report"):
        write_rows(tmp_path / "d" / f"{name}.xlsx", [HEAD, *([at, "a", 1.5 * at] for at in range(9))])
    (tmp_path / "d" / "apr.csv").write_text("size,kind,price\n1,a,2\n2,b,4\n", encoding="utf-8")
    (tmp_path / "link.xlsx").symlink_to(tmp_path / "d" / "jan.xlsx")
    (tmp_path / "hard.xlsx").hardlink_to(tmp_path / "d" / "jan.xlsx")
    return tmp_path


def contents(folder: Path) -> dict[str, str]:
    files = sorted(each for each in folder.rglob("*") if each.is_file())
    return {str(each.relative_to(folder)): hashlib.sha256(each.read_bytes()).hexdigest() for each in files}


def refused(folder: Path, words: Sequence[str], capsys: pytest.CaptureFixture[str]) -> None:
    before = contents(folder)
    assert run([*words, "--overwrite"]) == 4, words
    assert "is read by this command" in capsys.readouterr().err, words
    assert before.items() <= contents(folder).items(), words


@pytest.mark.parametrize("output", ["d/jan.xlsx", "d/../d/jan.xlsx", "link.xlsx", "hard.xlsx"])
def test_a_prediction_never_replaces_its_rows(
    trained: Path, books: Path, capsys: pytest.CaptureFixture[str], output: str
) -> None:
    refused(books, ["predict", str(trained), "d/jan.xlsx", "-o", output], capsys)
    refused(books, ["predict", str(trained), "d", "-o", output], capsys)


def test_nor_a_table_of_another_kind_nor_the_results(
    trained: Path, books: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refused(books, ["predict", str(trained), "d/apr.csv", "-o", "d/apr.csv"], capsys)
    before = contents(trained.parent)
    for output in (trained, trained.with_suffix("") / "samples.parquet"):
        refused(books, ["predict", str(trained), "d/jan.xlsx", "-o", str(output)], capsys)
        model = trained.with_suffix("") / "model.safetensors"
        refused(books, ["predict", str(model), "d/jan.xlsx", "-o", str(output)], capsys)
    assert contents(trained.parent) == before


def test_an_earlier_prediction_is_replaced(trained: Path, books: Path) -> None:
    assert run(["predict", str(trained), "d", "-o", "d/out.xlsx"]) == 0
    assert run(["predict", str(trained), "d", "-o", "d/out.xlsx", "--overwrite"]) == 0


def test_copies_beside_and_marked_ones_replace_no_other_source(
    trained: Path, books: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (books / "e").mkdir()
    write_rows(books / "e" / "jan.xlsx", [HEAD, [900, "z", 1], [" 7", "b", 2]])
    write_rows(books / "e" / "jan predicted.xlsx", [HEAD, [900, "a", 1]])
    refused(books, ["predict", str(trained), "e", "--beside"], capsys)
    monkeypatch.chdir(books / "d")
    for words in (["predict", str(trained)], ["merge", "-o", "m.xlsx"]):
        refused(books, [*words, "../e/jan.xlsx", "jan.xlsx", "--mark", "."], capsys)


@pytest.mark.parametrize(
    ("sources", "output"),
    [
        ("d", "d/jan.xlsx"),
        ("d/*.xlsx", "d/jan.xlsx"),
        ("d", "link.xlsx"),
        ("d/jan.xlsx", "hard.xlsx"),
        ("d", "d/apr.csv"),
        ("d/mar report.xlsx", "d/mar.csv"),
        ("d", "d/mar.parquet"),
    ],
)
def test_a_merge_never_replaces_a_source(
    books: Path, capsys: pytest.CaptureFixture[str], sources: str, output: str
) -> None:
    refused(books, ["merge", sources, "-o", output], capsys)


@pytest.mark.parametrize("output", ["d/all.xlsx", "d/all.csv", "d/all.parquet"])
def test_an_earlier_merge_is_replaced_and_no_source(books: Path, output: str) -> None:
    assert run(["merge", "d", "-o", output]) == 0
    rows = len(contents(books))
    assert run(["merge", "d", "-o", output, "--overwrite"]) == 0
    assert len(contents(books)) == rows


def test_no_other_command_does(trained: Path, books: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (
        ["audit", "d", "-o", "d/jan.xlsx"],
        ["audit", "d/jan.xlsx", "-o", "hard.xlsx"],
        ["new", "d/jan.xlsx", "--from", "d", "--target", "price"],
        ["new", "link.xlsx", "--from", "d/jan.xlsx", "--target", "price"],
        ["shot", "d/jan.xlsx", "Data!A1:C3", "--embed", "d/feb.xlsx!Pictures", "-o", "d/jan.xlsx"],
    ):
        refused(books, words, capsys)
    assert run(["new", "job.xlsx", "--from", "d/jan.xlsx", "--target", "price"]) == 0
    refused(books, ["new", "job.xlsx", "--from", "job.xlsx"], capsys)
    refused(books, ["merge", "--job", "job.xlsx", "-o", "job.xlsx"], capsys)
    refused(books, ["audit", "--job", "job.xlsx", "d", "-o", "job.xlsx"], capsys)
    before = contents(trained.parent)
    refused(books, ["compare", str(trained), str(trained.with_suffix("")), "-o", str(trained)], capsys)
    refused(books, ["compare", str(trained.with_suffix("")), str(trained.with_suffix("")), "-o", str(trained)], capsys)
    refused(books, ["annotate", str(trained), "-o", str(trained.parent)], capsys)
    assert contents(trained.parent) == before


def test_an_earlier_audit_is_replaced(books: Path) -> None:
    assert run(["audit", "d/jan.xlsx"]) == 0
    assert run(["audit", "audit.xlsx", "--overwrite"]) == 0
    assert sorted(each.name for each in books.glob("audit*")) == ["audit.xlsx"]
