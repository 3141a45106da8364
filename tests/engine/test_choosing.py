"""Choosing among runs: the corrected score and mixes of runs, without a look at held-out rows."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.engine.make import job, numbers, run, table, train
from xltrain.data.encode import Target
from xltrain.engine.ensemble import ensemble_of, greedy
from xltrain.engine.evaluate import Judged, Scored, combine, measure
from xltrain.engine.selection import corrected_score

ROWS, FOLDS = 200, 5


def made(values: Any, wanted: Any, classes: tuple[str, ...] = ()) -> tuple[dict[str, list[Judged]], Target]:
    """Runs that say `values` (runs, rows) of every row; validation rows are the next fold's."""
    rows = np.arange(len(wanted))
    target = Target("y", "classification" if classes else "regression", wanted, classes)

    def scored(said: Any, fold: int) -> Scored:
        mine = np.flatnonzero(rows % FOLDS == fold % FOLDS)
        return Scored(mine, fold, 0, said[mine], np.zeros(len(mine)))

    members = {
        f"run {index}": [Judged(None, scored(said, fold), scored(said, fold + 1)) for fold in range(FOLDS)]  # type: ignore[arg-type]
        for index, said in enumerate(values)
    }
    return members, target


def raw_score(members: list[Judged], target: Target, metric: str) -> float:
    values, _ = combine([each.held_out for each in members], len(target.values))
    return measure(values, target.values, target.task)[metric]


@pytest.mark.parametrize("metric", ["rmse", "mae", pytest.param("r2", marks=pytest.mark.slow)])
def test_equal_runs_owe_their_order_to_luck(metric: str) -> None:
    """Forty runs of equal worth: the best one's score flatters, the corrected one comes near the truth."""
    sign = -1 if metric == "r2" else 1
    flattered, honest, truth = [], [], []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        wanted = rng.normal(size=ROWS)
        members, target = made(wanted + rng.normal(size=(40, ROWS)), wanted)
        raw = {name: raw_score(each, target, metric) for name, each in members.items()}
        winner = min(raw, key=lambda name: sign * raw[name])
        found = corrected_score(members, winner, target, metric)
        assert found is not None
        flattered.append(sign * raw[winner])
        honest.append(sign * found.value)
        truth.append(sign * np.mean(list(raw.values())))
    bias, left = np.mean(truth) - np.mean(flattered), np.mean(truth) - np.mean(honest)
    assert bias > 0
    assert abs(left) < 0.35 * bias


def test_a_clear_winner_keeps_its_score() -> None:
    rng = np.random.default_rng(0)
    wanted = rng.normal(size=ROWS)
    values = wanted + rng.normal(size=(3, ROWS)) * np.array([[0.1], [1], [2]])
    members, target = made(values, wanted)
    found = corrected_score(members, "run 0", target, "rmse")
    assert found is not None
    assert found.value == pytest.approx(raw_score(members["run 0"], target, "rmse"), rel=1e-12)
    assert corrected_score({"run 0": members["run 0"]}, "run 0", target, "rmse") is None


@pytest.mark.parametrize("metric", ["log_loss", "accuracy", pytest.param("roc_auc", marks=pytest.mark.slow)])
def test_chances_of_classes_are_corrected_too(metric: str) -> None:
    rng = np.random.default_rng(1)
    wanted = rng.choice(3, ROWS).astype(float)
    chances = rng.dirichlet(np.ones(3), (8, ROWS))
    members, target = made(chances, wanted, ("a", "b", "c"))
    sign = -1 if metric != "log_loss" else 1
    raw = {name: raw_score(each, target, metric) for name, each in members.items()}
    winner = min(raw, key=lambda name: sign * raw[name])
    found = corrected_score(members, winner, target, metric)
    assert found is not None
    assert sign * found.value > sign * raw[winner]


def test_a_greedy_mix_beats_its_parts() -> None:
    rng = np.random.default_rng(0)
    wanted = rng.normal(size=ROWS)
    noise = rng.normal(size=(3, ROWS))
    values = [wanted + noise[0], wanted - 0.9 * noise[0], wanted + 3 * noise[1]]
    counts = greedy(values, wanted, "rmse")
    assert counts[2] <= 0.1 * counts.sum()
    assert counts[:2].all()
    members, target = made(np.stack(values), wanted)
    found = ensemble_of(members, target, "rmse")
    assert found is not None
    assert found.metrics["rmse"].value < 0.5
    assert sum(found.shares.values()) == pytest.approx(1)


def test_the_best_run_alone_is_the_smallest_mix() -> None:
    wanted = np.linspace(0, 1, 50)
    assert greedy([wanted, wanted + 1, wanted - 2], wanted, "mae").tolist() == [1, 0, 0]


def changed_held_out() -> tuple[Any, Any]:
    """A job on given rows, and the same with the targets of the held-out rows turned round."""
    data = numbers(120)
    use = np.array(["train"] * 60 + ["valid"] * 30 + ["test"] * 30)
    y = np.array(data.data.column("y").to_pylist())
    other = y.copy()
    other[use == "test"] = other[use == "test"][::-1] * 3
    features = {name: data.data.column(name) for name in ("a", "b", "kind")}
    return table({**features, "y": y, "use": use}), table({**features, "y": other, "use": use})


def test_held_out_targets_change_nothing_chosen() -> None:
    from tests.calls import parse_call

    runs = [run(f"run {lr}", optimizer=f"adamw(lr={lr})", epochs=4) for lr in (1e-1, 1e-2, 1e-3)]
    asked = job(*runs, split=parse_call("splits", "column(use)"))
    one, other = (train(data, asked).result.targets[0] for data in changed_held_out())
    assert [each.name for each in one.runs] == [each.name for each in other.runs]
    assert one.ensemble is not None
    assert other.ensemble is not None
    assert one.ensemble.shares == other.ensemble.shares
    assert one.ensemble.metrics["rmse"].value != other.ensemble.metrics["rmse"].value


def test_random_targets_gain_nothing_by_a_mix() -> None:
    rng = np.random.default_rng(3)
    data = table({"a": rng.normal(size=150), "b": rng.normal(size=150), "y": rng.normal(size=150)})
    runs = [run(f"run {lr}", optimizer=f"adamw(lr={lr})", epochs=10, patience=3) for lr in (1e-1, 1e-2, 1e-3)]
    target = train(data, job(*runs), "float32").result.targets[0]
    assert target.ensemble is not None
    assert target.ensemble.metrics["rmse"].value > 0.97 * target.baselines["constant"]["rmse"].value


def test_one_run_needs_no_correction() -> None:
    target = train(numbers(60), job()).result.targets[0]
    assert target.corrected is None
    assert target.ensemble is None


def test_the_correction_is_of_the_job_metric() -> None:
    asked = job(run("x"), run("x2", optimizer="adamw(lr=3e-3)"))
    target = train(numbers(60), replace(asked, metric="mae")).result.targets[0]
    assert target.corrected is not None
    assert target.corrected.value >= 0.9 * target.best.metrics["mae"].value


def test_a_search_looks_at_validation_rows_alone(tmp_path: Any) -> None:
    """Drawn runs train as one stack, are ranked by validation rows, and keep their order whatever is held out."""
    from xltrain.config.check import read_job

    path = tmp_path / "job.toml"
    path.write_text(
        '[job]\ndevice = "cpu"\nsplit = "column(use)"\n[[sources]]\npath = "a.xlsx"\n[[columns]]\nname = "y"\n'
        'role = "target"\n[[runs]]\nname = "s"\nmodel = "mlp(8)"\nepochs = 4\nbatch_size = 16\n'
        'optimizer = "adamw(lr=1e-4..1e-1)"\nsearch = "random(6)"\n',
        encoding="utf-8",
    )
    one, other = (train(data, read_job(path)).result for data in changed_held_out())
    assert one.stacks == 1
    assert len(one.targets[0].runs) == 6
    assert [each.name for each in one.targets[0].runs] == [each.name for each in other.targets[0].runs]
    values = [each.validation["rmse"].mean for each in one.targets[0].runs]
    assert values == sorted(values)
    assert one.targets[0].corrected is not None
