"""Ranges in cells, and the runs that a search draws from them."""

import math
from pathlib import Path

import pytest

from tests.calls import parse_call
from xltrain.config.call import Grid, Range, parse
from xltrain.config.check import read_job
from xltrain.config.settings import Dimension, Run
from xltrain.config.space import draws
from xltrain.config.tokens import ParseError
from xltrain.errors import ConfigError


def runs(folder: Path, seed: int = 0, **cells: str) -> list[Run]:
    path = folder / "job.toml"
    row = "\n".join(f'{name} = "{cell}"' for name, cell in {"name": "s", "model": "mlp(8)", **cells}.items())
    job = f'[job]\nseed = {seed}\n[[sources]]\npath = "a.xlsx"\n[[columns]]\nname = "y"\nrole = "target"\n'
    path.write_text(f"{job}[[runs]]\n{row}\n", encoding="utf-8")
    return list(read_job(path).runs)


def messages(folder: Path, **cells: str) -> str:
    with pytest.raises(ConfigError) as caught:
        runs(folder, **cells)
    return "\n".join(map(str, caught.value.problems))


@pytest.mark.parametrize(
    ("cell", "low", "high"),
    [
        ("1e-4..1e-2", 1e-4, 1e-2),
        ("1..10", 1, 10),
        ("0.5 .. 1.", 0.5, 1.0),
        ("-3..-1", -3, -1),
        ("．1．．．5", 0.1, 0.5),
        ("5%..10%", 0.05, 0.1),
    ],
)
def test_a_range(cell: str, low: float, high: float) -> None:
    assert parse(cell) == Range(low, high)
    assert parse(str(parse(cell))) == parse(cell)


@pytest.mark.parametrize("cell", ["1..1", "2..1", "1..", "..1", "1..a", "1..2..3"])
def test_what_is_no_range(cell: str) -> None:
    with pytest.raises(ParseError):
        parse(cell)


def test_ranges_and_alternatives_stand_together() -> None:
    assert parse("1..2|4") == Grid((Range(1, 2), parse("4")))


def test_only_a_search_draws_from_a_range(tmp_path: Path) -> None:
    with pytest.raises(ParseError, match=r"1e-05\.\.0\.1.*random"):
        parse_call("optimizers", "adamw(lr=1e-5..1e-1)")
    assert "range" in messages(tmp_path, epochs="5..10")


def test_drawn_runs(tmp_path: Path) -> None:
    model = "mlp(8..64|128, dropout=0..0.5)"
    found = runs(tmp_path, search="random(30)", optimizer="adamw(lr=1e-4..1e-2)", model=model)
    assert len(found) == 30
    assert len({run.name for run in found}) == 30
    assert all(run.name.startswith("s ") and f"lr={run.optimizer['lr']:g}" in run.name for run in found)
    rates = [run.optimizer["lr"] for run in found]
    assert all(1e-4 <= lr <= 1e-2 for lr in rates)
    assert 8 <= sum(lr < 1e-3 for lr in rates) <= 22  # even in the logarithm
    widths = [dict(run.model.values)["hidden"][0] for run in found]
    assert all(isinstance(width, int) and (8 <= width <= 64 or width == 128) for width in widths)
    assert all(run.search is None for run in found)


def test_the_same_seed_draws_the_same(tmp_path: Path) -> None:
    cells = {"search": "random(5)", "optimizer": "adamw(lr=1e-4..1e-2)"}
    one, again, other = runs(tmp_path, **cells), runs(tmp_path, **cells), runs(tmp_path, seed=1, **cells)
    assert one == again
    assert not {run.name for run in one} & {run.name for run in other}


def test_every_kind_of_cell_varies(tmp_path: Path) -> None:
    found = runs(
        tmp_path,
        search="random(40)",
        optimizer="adamw(lr=1e-3..1e-2) | sgd(lr=0.01..0.1)",
        loss="mse | 0.5*mse + 0.1..1*mae",
        batch_size="16|all",
        epochs="10..12",
        imbalance="none|balanced",
        schedule="warmup(1%..9%) > cosine | constant",
        clip_norm="0.5..1",
    )
    assert {run.optimizer.name for run in found} == {"adamw", "sgd"}
    assert {len(run.loss) for run in found} == {1, 2}
    assert {run.batch_size for run in found} == {0, 16}
    assert {run.epochs for run in found} == {10, 11, 12}
    assert {run.imbalance for run in found} == {"none", "balanced"}
    assert {len(run.schedule) for run in found} == {1, 2}
    assert len({run.clip_norm for run in found}) > 20
    assert any("batch_size=all" in run.name and "imbalance=balanced" in run.name for run in found)


def test_every_target_has_its_runs(tmp_path: Path) -> None:
    path = tmp_path / "job.toml"
    path.write_text(
        '[[sources]]\npath = "a.xlsx"\n[[columns]]\nname = "y"\nrole = "target"\n[[columns]]\nname = "z"\n'
        'role = "target"\n[[runs]]\nmodel = "mlp(8|16)"\ntarget = "y|z"\nepochs = [5, 6, 7]\nsearch = "random(4)"\n',
        encoding="utf-8",
    )
    found = read_job(path).runs
    assert len(found) == len({run.name for run in found}) == 8
    assert {run.target for run in found} == {"y", "z"}
    assert {run.epochs for run in found} <= {5, 6, 7}


def test_few_points_are_drawn_once(tmp_path: Path) -> None:
    found = runs(tmp_path, search="random(40)", batch_size="16|32", epochs="3..5")
    assert len(found) == 6


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"optimizer": "adamw(lr=-1..1)"}, "at least 0"),
        ({"optimizer": "adamw(lr=1e-3..1e-2)", "model": "mlp(8, dropout=0.5..2)"}, "dropout"),
        ({"epochs": "0..5"}, "at least 1"),
        ({"optimizer": "adamw(lr=1e-3..1e-2) | adamw(lr=-1)"}, "at least 0"),
        ({"epochs": "1.5..4"}, "whole"),
        ({}, "nothing in this row varies"),
    ],
)
def test_bad_ranges(tmp_path: Path, cells: dict[str, str], said: str) -> None:
    assert said in messages(tmp_path, search="random(4)", **cells)


def test_how_numbers_are_drawn() -> None:
    plain, wide, whole = Dimension(1, 2), Dimension(1e-4, 1), Dimension(1, 4, whole=True)
    assert not plain.logarithmic
    assert plain.at(0.25) == 1.25
    assert wide.at(0.5) == pytest.approx(0.01)
    assert [whole.at(share) for share in (0.0, 0.2, 0.3, 0.6, 0.999)] == [1, 1, 2, 3, 4]
    points = draws([Dimension(1e-4, 1), Dimension(choices=3)], 300, "0")
    assert len(points) == 300
    assert abs(sum(math.log10(rate) for rate, _ in points) / 300 + 2) < 0.2
    assert {choice for _, choice in points} == {0, 1, 2}
