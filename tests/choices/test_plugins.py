"""Choices of other packages: the example of docs/plugins.md, installed for real, and packages that are broken."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest

from tests.calls import parse_loss
from tests.engine import make
from xltrain.choices import plugins
from xltrain.config.tokens import ParseError
from xltrain.registry import REGISTRIES, losses
from xltrain.workflow.listing import listing
from xltrain.workflow.new import new

ROOT = Path(__file__).resolve().parents[2]


def example(page: str = "plugins.md") -> str:
    """The module that the page shows."""
    return (ROOT / "docs" / page).read_text("utf-8").partition("```python\n")[2].partition("```")[0]


def install(folder: Path, name: str, code: str) -> None:
    """What pip leaves of a package with one module and one entry point."""
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.py").write_text(code, "utf-8")
    known = folder / f"{name}-1.0.dist-info"
    known.mkdir()
    (known / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", "utf-8")
    (known / "entry_points.txt").write_text(f"[{plugins.GROUP}]\n{name} = {name}\n", "utf-8")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on sys.path; what is loaded from it is forgotten after the test."""
    before = {kind: dict(registry) for kind, registry in REGISTRIES.items()}
    loaded = set(sys.modules)
    monkeypatch.syspath_prepend(tmp_path / "site")
    yield tmp_path / "site"
    plugins._broken.clear()
    for kind, registry in REGISTRIES.items():
        registry.restore(before[kind])
    for name in set(sys.modules) - loaded:
        if name.startswith("shop_"):
            del sys.modules[name]


def test_a_loss_of_another_package_is_a_choice_like_any_other(folder: Path, tmp_path: Path) -> None:
    install(folder, "shop_losses", example())
    plugins.load()
    assert plugins.problems() == []
    assert [each["name"] for each in listing("losses", "shortage")["losses"]] == ["shortage"]

    new(tmp_path / "job.xlsx")
    book = openpyxl.load_workbook(tmp_path / "job.xlsx")
    offered = {str(cell.value) for sheet in book for row in sheet.iter_rows() for cell in row if cell.value}
    assert any(each.startswith("shortage") for each in offered)

    with pytest.raises(ParseError, match="above 0"):
        parse_loss("shortage(times=-1)")
    fitted = make.train(make.numbers(), make.job(make.run(loss="shortage(times=3)")))
    trained = fitted.result.targets[0].runs[0]
    assert trained.curves.training[-1] < trained.curves.training[0]
    assert str(trained.run.loss[0]) == "shortage(times=3)"


def test_both_pages_show_the_same_example() -> None:
    assert example() == example("plugins.zh.md") != ""


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import no_such_package", "no_such_package"),
        ("raise SystemExit(3)", "SystemExit"),
        (example() + "\n\nraise RuntimeError('one\\ntwo')\n", "one two"),
        (example().replace('task="regression"', ""), "task"),
        (example().replace("def shortage", "def mse"), "mse"),
    ],
    ids=["missing import", "exit", "fails late", "says no task", "name taken"],
)
def test_a_broken_package_is_left_out_in_one_line(folder: Path, code: str, words: str) -> None:
    known = dict(losses)
    install(folder, "shop_broken", code)
    plugins.load()
    assert dict(losses) == known
    (problem,) = plugins.problems()
    assert "shop_broken" in str(problem)
    assert words in str(problem)
    assert "\n" not in str(problem)


def test_the_command_line_lists_it_and_names_a_broken_one(tmp_path: Path) -> None:
    install(tmp_path / "site", "shop_losses", example())
    install(tmp_path / "site", "shop_broken", "1 / 0")
    done = subprocess.run(
        [sys.executable, "-m", "xltrain", "list", "losses", "--json"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path / "site"), str(ROOT)])},
        timeout=60,
    )
    assert done.returncode == 0
    assert "shortage" in {each["name"] for each in json.loads(done.stdout)["losses"]}
    assert len(done.stderr.splitlines()) == 1
    assert "shop_broken" in done.stderr
