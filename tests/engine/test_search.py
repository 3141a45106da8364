"""Guided searches: later waves come from validation scores alone, and end with the same runs each time."""

from pathlib import Path

import numpy as np
import pytest

from tests.engine import make
from tests.engine.test_resume import KilledError, killer, same
from xltrain.config.check import read_job
from xltrain.config.settings import Dimension, Job, Search
from xltrain.config.space import draws
from xltrain.data.table import Table
from xltrain.engine.resume import Keeper
from xltrain.engine.search import _proposed
from xltrain.errors import ConfigError
from xltrain.events import Event, Noted
from xltrain.registry import Call

pytest.importorskip("optuna")


@pytest.fixture(autouse=True)
def no_baselines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xltrain.engine.outcome.baselines", lambda *_: ({}, []))


def searched(folder: Path, targets: str = "y", **cells: str) -> Job:
    given = {"name": "s", "model": "mlp(4..32, norm=none|layer)", "optimizer": "adamw(lr=1e-4..1e-1)", "epochs": "3"}
    given |= {"search": "tpe(count=7, wave=3)", **cells}
    names = "".join(f'[[columns]]\nname = "{each}"\nrole = "target"\n' for each in targets.split())
    row = "\n".join(f'{name} = "{cell}"' for name, cell in given.items())
    text = f'[job]\nseed = 4\nfolds = 2\ndevice = "cpu"\n[[sources]]\npath = "a.xlsx"\n{names}[[runs]]\n{row}\n'
    (folder / "job.toml").write_text(text, encoding="utf-8")
    return read_job(folder / "job.toml")


def train(data: Table, asked: Job, **more: object) -> make.Fitted:
    return make.train(data, asked, "float32", **more)


def test_waves_follow_each_other(tmp_path: Path) -> None:
    heard: list[str] = []

    def listen(event: Event) -> None:
        if isinstance(event, Noted):
            heard.append(event.message)

    asked = searched(tmp_path)
    fitted = train(make.numbers(), asked, listen=listen)
    names = [run.name for run in fitted.result.targets[0].runs]
    assert (len(asked.runs), len(set(names)), len(names), len(fitted.runs)) == (3, 7, 7, 7)
    assert set(names) == {run.name for run in fitted.runs}
    assert fitted.result.members == 14
    assert [each for each in heard if "wave" in each] == [
        "search: wave 2 of 3, 3 runs proposed from those before",
        "search: wave 3 of 3, 1 run proposed from those before",
    ]


def test_the_same_search_comes_to_the_same_runs(tmp_path: Path) -> None:
    asked = searched(tmp_path)
    one, other = train(make.numbers(), asked), train(make.numbers(), asked)
    assert one.runs == other.runs
    same(one, other)


def test_held_out_rows_have_no_say_in_the_search(tmp_path: Path) -> None:
    """Targets of rows that are held out and never learned from may be anything: the same runs are proposed."""
    word = np.array(["train", "train", "valid", "test"])[np.arange(120) % 4]
    data = make.numbers()
    given = {name: data.data.column(name).to_numpy() for name in data.names}
    other = given | {"y": np.where(word == "test", -given["y"], given["y"])}
    asked = searched(tmp_path)
    asked = Job(**{**vars(asked), "columns": (*asked.columns, make.Column("part", role="split"))})
    runs = [train(make.table({**values, "part": word}), asked).runs for values in (given, other)]
    assert runs[0] == runs[1]


def test_every_target_is_searched_for_itself(tmp_path: Path) -> None:
    data = make.numbers()
    values = {name: data.data.column(name).to_numpy() for name in data.names}
    fitted = train(make.table({**values, "z": -values["a"]}), searched(tmp_path, "y z"))
    first, second = ({run.name for run in each.runs} for each in fitted.result.targets)
    assert (len(first), len(second), len(first & second)) == (7, 7, 3)


def test_a_joint_run_is_searched_once(tmp_path: Path) -> None:
    data = make.numbers()
    values = {name: data.data.column(name).to_numpy() for name in data.names}
    fitted = train(make.table({**values, "z": -values["a"]}), searched(tmp_path, "y z", target="y, z"))
    assert [len(each.runs) for each in fitted.result.targets] == [7, 7]
    assert len(fitted.runs) == 7


def test_a_search_cut_off_ends_as_one_that_was_not(tmp_path: Path) -> None:
    asked, data = searched(tmp_path), make.numbers()
    waves = 0

    def listen(event: Event) -> None:
        nonlocal waves
        waves += isinstance(event, Noted) and "wave" in event.message
        if waves == 1:
            killer(1, 2)(event)

    with pytest.raises(KilledError):
        train(data, asked, listen=listen, keeper=Keeper(tmp_path / "kept", share=1))
    resumed = train(data, asked, keeper=Keeper(tmp_path / "kept", resume=True, share=1))
    same(train(data, asked), resumed)


def test_alternatives_are_checked_before_anything_is_trained(tmp_path: Path) -> None:
    """A loss that does not fit is found even where the first wave does not draw it."""
    with pytest.raises(ConfigError, match="cross_entropy"):
        train(make.numbers(), searched(tmp_path, loss="mse|mae|huber|log_cosh|mse|cross_entropy"))


def test_without_the_package_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="pip install optuna"):
        searched(tmp_path)


@pytest.mark.slow
def test_it_finds_better_points_than_chance() -> None:
    """On a valley in three dimensions, by the median over seeds."""
    space = (Dimension(1e-5, 1e-1), Dimension(4, 256, whole=True), Dimension(choices=3))

    def cost(point: tuple[float, ...]) -> float:
        return (np.log10(point[0]) + 2.5) ** 2 + 0.3 * (np.log2(point[1]) - 6) ** 2 + 0.5 * (point[2] != 1)

    guided, chance = [], []
    for seed in range(12):
        points = draws(space, 10, str(seed))
        search = Search(
            Call("searches", "tpe"), space, dict(zip("abcdefghij", points, strict=True)), (10, 10, 10), (), list
        )
        for wave in range(3):
            ranks = np.argsort(np.argsort([cost(point) for point in points])).astype(float)
            points += _proposed(search, list(zip(points, ranks, strict=True)), wave, seed)
        guided.append(min(map(cost, points)))
        chance.append(min(map(cost, draws(space, 40, str(seed)))))
    assert np.median(guided) < np.median(chance)
