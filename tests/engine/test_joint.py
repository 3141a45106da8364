"""Runs that train one network on several targets."""

import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch

from tests.calls import parse_call, parse_loss
from tests.config.make import write
from tests.engine.make import columns, job, ledger, run, table, train
from xltrain.config.check import check_raw, read_job
from xltrain.config.rows import job_rows, toml_text
from xltrain.config.settings import Job, Run
from xltrain.config.source import parse_toml
from xltrain.data.table import Table
from xltrain.engine.checkpoint import load_model, save_model
from xltrain.engine.loop import Course
from xltrain.engine.loop import train as train_stack
from xltrain.engine.plan import Member, plan
from xltrain.engine.ready import Ready, make_ready
from xltrain.engine.stack import Stack
from xltrain.errors import ConfigError, DataError
from xltrain.registry import objectives

TARGETS = ("y", "z", "c")
CPU = torch.device("cpu")
AGGREGATED = [
    name
    for name, choice in objectives.items()
    if choice.facts.get("alone") and all(map(importlib.util.find_spec, choice.facts["needs"]))
]


def several(rows: int = 120, gaps: bool = False, seed: int = 0) -> Table:
    """Two numbers in very different units and three classes of the same features; with gaps in each of them."""
    rng = np.random.default_rng(seed)
    a, b = rng.normal(50, 10, rows), rng.normal(0, 1, rows)
    y, z = 3 * a + 5 * b + rng.normal(0, 1, rows), 1e4 * b - 200 * (a - 50) + rng.normal(0, 500, rows)
    c: Any = np.array(["lo", "mid", "hi"])[np.digitize(b + rng.normal(0, 0.2, rows), [-0.5, 0.5])]
    if gaps:
        y[::4], z[1::3] = np.nan, np.nan
        c = np.where(np.arange(rows) % 5 == 2, None, c.astype(object))
    return table({"a": a, "b": b, "y": pa.array(y, from_pandas=True), "z": pa.array(z, from_pandas=True), "c": c})


def joint(name: str = "both", loss: str = "", objective: str = "none", **more: Any) -> Run:
    targets = more.pop("targets", TARGETS)
    losses = tuple(parse_loss(each) for each in loss.split(", ")) if loss else ()
    asked = run(name, loss="", objective=parse_call("objectives", objective), **more)
    return replace(asked, target=", ".join(targets), joint=targets, losses=losses)


def asked(*runs: Run, **more: Any) -> Job:
    return job(*runs, target=TARGETS, **more)


def ready(data: Table, wanted: Job) -> Ready:
    return make_ready(wanted, data, columns(data, wanted), "float64")


def trained(members: list[Member], found: Ready) -> list[Course]:
    courses = [Course(each) for each in members]
    train_stack(Stack(members, found.arrays["joint"], CPU, torch.float64), courses, lambda *_: None)
    return courses


@pytest.mark.parametrize("objective", ["none", "uncertainty"])
@pytest.mark.parametrize(
    "more", [{"imbalance": "none"}, {"accumulate": 2, "batch_size": 5}, {"model": "tabm(6, k=2, dropout=0)"}]
)
def test_stacked_members_equal_single_ones(objective: str, more: dict[str, Any]) -> None:
    runs = [
        joint(f"{lr}", "huber, 0.5*mse + 0.5*mae, focal", objective, optimizer=f"adamw(lr={lr})", epochs=4, **more)
        for lr in (0.01, 0.03)
    ]
    found = ready(several(gaps=True), asked(*runs))
    assert len(found.members) == 6
    assert len(plan(found.members, found.features, "cpu")) == 1
    for stacked, each in zip(trained(found.members, found), found.members, strict=True):
        (alone,) = trained([each], found)
        assert stacked.weights is not None
        assert alone.weights is not None
        torch.testing.assert_close(stacked.weights, alone.weights, rtol=1e-10, atol=1e-10)
        np.testing.assert_allclose(stacked.validation, alone.validation, rtol=1e-10)
        assert len(stacked.parts) == 3 + 2 + 3 * (objective == "uncertainty")


def test_an_empty_cell_masks_its_target_in_its_row_alone() -> None:
    data = several(gaps=True)
    found = ready(data, asked(joint(loss="mse, 0.3*mae, cross_entropy")))
    member = found.members[0]
    stack = Stack([member], found.arrays["joint"], CPU, torch.float64)
    rows = np.concatenate([member.part.training, member.part.validation, member.part.held_out])
    assert len(np.unique(rows)) == len(rows) == 118  # two rows lack all three
    output = stack.look(torch.from_numpy(member.part.validation)[None])[0].numpy()
    own = {name: data.data.column(name).to_pylist() for name in TARGETS}
    told = []
    for block, scale in zip(member.blocks, (1, 0.3, 1), strict=True):
        each = []
        for row, said in zip(member.part.validation, output, strict=True):
            value = own[block.target][row]
            if value is None:
                continue
            given = said[block.start : block.start + block.outputs]
            if block.classes:
                each.append(-np.log(np.exp(given[sorted({*own["c"]} - {None}).index(value)]) / np.exp(given).sum()))
            else:
                miss = given[0] - (value - block.mean) / block.deviation
                each.append(miss**2 if block.target == "y" else scale * abs(miss))
        assert len(each) == len(block.part.validation) < len(output)
        told.append(np.mean(each))
    np.testing.assert_allclose(stack.validate()[0].numpy(), [sum(told), *told], rtol=1e-10)


def test_an_update_in_two_halves_is_one_update() -> None:
    whole, halves = joint("a", epochs=3, batch_size=30), joint("b", epochs=3, batch_size=15, accumulate=2)
    found = ready(several(gaps=True), asked(whole, halves))
    one, other = (trained([found.members[index]], found)[0] for index in (0, 3))
    assert one.weights is not None
    assert other.weights is not None
    torch.testing.assert_close(one.weights, other.weights, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(one.training, other.training, rtol=1e-9)


def test_each_target_is_told_in_its_own_unit_beside_its_single_runs() -> None:
    data = several()
    fitted = train(data, asked(joint(epochs=30), run("alone", loss="", epochs=30)))
    assert [each.target for each in fitted.result.targets] == list(TARGETS)
    for each in fitted.result.targets:
        assert {found.name for found in each.runs} == {"both", "alone"}
        both = next(found for found in each.runs if found.name == "both")
        if each.task == "classification":
            assert both.metrics["accuracy"].value > 0.75
            continue
        values = np.array(data.data.column(each.target).to_pylist())
        assert both.metrics["r2"].value > 0.9
        assert both.metrics["rmse"].value == pytest.approx(
            values.std() * np.sqrt(1 - both.metrics["r2"].value), rel=1e-6
        )
        assert list(both.curves.parts) == list(TARGETS)
    assert (fitted.result.targets[0].ledger.fold == fitted.result.targets[2].ledger.fold).all()


@pytest.mark.slow
def test_folds_are_shared_only_where_a_joint_run_asks() -> None:
    data = several(gaps=True)
    alone, tied = (train(data, asked(*runs, folds=4)) for runs in ([run(loss="")], [run(loss=""), joint()]))
    folds = [each.ledger.fold for each in tied.result.targets]
    for one in folds:
        for other in folds:
            both = (one >= 0) & (other >= 0)
            assert (one[both] == other[both]).all()
    known = [each.ledger.fold >= 0 for each in alone.result.targets]
    assert all((fold >= 0).tolist() == had.tolist() for fold, had in zip(folds, known, strict=True))
    assert any((one != each.ledger.fold).any() for one, each in zip(folds, alone.result.targets, strict=True))


@pytest.mark.usefixtures("folds_by_place")
@pytest.mark.parametrize(
    "objective", ["uncertainty", *(pytest.param(each, marks=pytest.mark.slow) for each in AGGREGATED[:1])]
)
def test_held_out_rows_have_no_influence(objective: str) -> None:
    """Change every feature and every target of a fold's rows: its member has the same bits, others have not."""
    data = several(90, gaps=True)
    values = {name: np.array(data.data.column(name).to_pylist(), object) for name in data.names}
    wanted = asked(joint(objective=objective, patience=2, epochs=3))

    def weights(fold: int = -1) -> Any:
        changed = {name: column.copy() for name, column in values.items()}
        for name in ("a", "b", "y", "z") if fold >= 0 else ():
            here = (folds == fold) & (values[name] != None)  # noqa: E711
            changed[name][here] = changed[name][here] * -3 + 1
        fitted = train(table({name: pa.array(list(column)) for name, column in changed.items()}), wanted, "float32")
        return fitted, [fitted.models[name].weights for name in TARGETS]

    before, plain = weights()
    folds = np.max([ledger(before, index).fold for index in range(3)], axis=0)
    for fold in range(3):
        _, found = weights(fold)
        for one, other in zip(plain, found, strict=True):
            assert [bool((a == b).all()) for a, b in zip(one, other, strict=True)] == [
                each == fold for each in range(3)
            ]


def test_a_model_of_one_target_says_what_its_members_said(tmp_path: Path) -> None:
    data = several(gaps=True)
    fitted = train(data, asked(joint(epochs=15, objective="uncertainty")), "float32")
    for index, name in enumerate(TARGETS):
        save_model(tmp_path / f"{name}.safetensors", fitted.models[name])
        model = load_model(tmp_path / f"{name}.safetensors")
        assert model.part is not None
        told, kept = model.predict(data, "cpu"), ledger(fitted, index)
        np.testing.assert_array_equal(told.prediction, fitted.models[name].predict(data, "cpu").prediction)
        for fold in range(3):
            one = slice(fold, fold + 1)
            alone = replace(
                model,
                weights=model.weights[one],
                buffers=model.buffers[one],
                states=model.states[one],
                means=model.means[one],
                deviations=model.deviations[one],
                unseen=None if model.unseen is None else model.unseen[one],
            ).predict(data, "cpu")
            here = kept.fold == fold
            np.testing.assert_allclose(alone.prediction[here], kept.prediction[here], rtol=1e-4, atol=1e-2)


def test_a_target_that_most_batches_lack_trains() -> None:
    data = several(150)
    sparse = np.where(np.arange(150) % 9 == 0, np.array(data.data.column("z").to_pylist()), np.nan)
    changed = table({**{n: data.data.column(n) for n in ("a", "b", "y", "c")}, "z": pa.array(sparse, from_pandas=True)})
    fitted = train(changed, asked(joint(batch_size=4, epochs=30, objective="uncertainty", patience=0)))
    z = next(each for each in fitted.result.targets if each.target == "z")
    assert z.best.metrics["r2"].value > 0.5
    assert np.isfinite(z.best.curves.training).all()
    assert all(np.isfinite(curve).all() for pair in z.best.curves.parts.values() for curve in pair)


@pytest.mark.slow
def test_uncertainty_shows_what_cannot_be_known() -> None:
    data = several(200)
    noise = np.random.default_rng(3).normal(size=200)
    changed = table({**{name: data.data.column(name) for name in ("a", "b", "y", "c")}, "z": noise})
    wanted = asked(joint(objective="uncertainty", epochs=60, patience=0, optimizer="adamw(lr=3e-2)"), folds=2)
    parts = train(changed, wanted).result.targets[0].best.curves.parts
    learned = {name: parts[f"log_variance {name}"][0] for name in TARGETS}
    assert all(len(curve) == 60 for curve in learned.values())
    assert learned["y"][-1] < learned["z"][-1] - 1
    assert learned["z"][-1] < 0.5


def test_uncertainty_follows_its_formula() -> None:
    found = ready(several(), asked(joint(objective="uncertainty")))
    stack = Stack(found.members[:1], found.arrays["joint"], CPU, torch.float64)
    learned = torch.tensor([[0.4, -0.7, 0.2]], dtype=torch.float64)
    stack.weights = torch.cat([stack.weights[:, :-3], learned], 1)
    total, *rest = stack.validate()[0].tolist()
    expected = sum(c * np.exp(-s) * loss + s / 2 for c, s, loss in zip((0.5, 0.5, 1), rest[3:], rest[:3], strict=True))
    assert rest[3:] == pytest.approx([0.4, -0.7, 0.2])
    assert total == pytest.approx(expected, rel=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize(
    "objective", [*AGGREGATED[:1], *(pytest.param(each, marks=pytest.mark.slow) for each in AGGREGATED[1:])]
)
def test_aggregated_gradients_train_stacks_of_one(objective: str) -> None:
    data, wanted = several(90, gaps=True), asked(joint(objective=objective, epochs=8, optimizer="adamw(lr=3e-2)"))
    found = ready(data, wanted)
    assert [len(stack) for stack in plan(found.members, found.features, "cpu")] == [1, 1, 1]
    one, other = (train(data, wanted, "float32") for _ in range(2))
    assert all(bool((one.models[name].weights == other.models[name].weights).all()) for name in TARGETS)
    assert one.result.targets[0].best.metrics["r2"].value > 0.6
    assert one.result.targets[2].best.metrics["accuracy"].value > 0.5


@pytest.mark.skipif("pcgrad" not in AGGREGATED, reason="torchjd is not installed")
def test_pcgrad_gives_up_what_hurts_the_other() -> None:
    one, other = torch.tensor([1.0, 0.0], dtype=torch.float64), torch.tensor([-1.0, 1.0], dtype=torch.float64)
    dot = one @ other
    wanted = (one - dot / (other @ other) * other) + (other - dot / (one @ one) * one)
    found = objectives["pcgrad"].function(torch.stack([one, other]))
    torch.testing.assert_close(found, wanted)


def test_what_an_objective_lacks_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="upgrad needs what is not installed: pip install torchjd qpsolvers quadprog"):
        train(several(), asked(joint(objective="upgrad")))


@pytest.mark.parametrize(
    ("runs", "words"),
    [
        ([joint(objective="soft_f1")], "soft_f1 is for one target, and this run trains y, z, c together"),
        ([run(loss="", objective=parse_call("objectives", "uncertainty"))], "for several targets at once"),
        ([joint(imbalance="smote")], "a joint run shares its rows"),
        ([joint(loss="mse, mse, mse")], "mse is for regression"),
    ],
)
def test_what_does_not_go_together_is_one_line(runs: list[Run], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        train(several(), asked(*runs))


def test_a_target_with_too_few_rows_is_named_with_its_place() -> None:
    data = several(60)
    few = np.where(np.arange(60) < 5, np.arange(60) * 1.0, np.nan)
    changed = table({**{n: data.data.column(n) for n in ("a", "b", "y", "c")}, "z": pa.array(few, from_pandas=True)})
    with pytest.raises(DataError, match="'z' has 5 rows, too few") as caught:
        train(changed, asked(joint()))
    assert caught.value.problems[0].place is not None


@pytest.mark.slow
def test_the_rate_of_a_joint_run_is_found_once_for_all_its_targets() -> None:
    fitted = train(several(60), asked(joint(optimizer="adamw(lr=auto)", epochs=3), folds=2))
    rates = {each.best.run.optimizer["lr"] for each in fitted.result.targets}
    assert len(rates) == 1
    assert rates != {"auto"}


COLUMNS = [
    ["name", "role", "type"],
    *([name, "target", kind] for name, kind in (("heat", "numeric"), ("cool", "numeric"), ("kind", "category"))),
]


def sheet(target: str, loss: str = "", objective: str = "none") -> list[list[Any]]:
    return [["name", "target", "model", "loss", "objective"], ["one", target, "mlp", loss or None, objective]]


@pytest.mark.parametrize(
    ("target", "loss", "joint_of", "losses"),
    [
        ("heat, kind", "mse, 0.3*cross_entropy", ("heat", "kind"), ["mse", "0.3*cross_entropy"]),
        ("heat，cool", "0.7*mse + 0.3*mae", ("heat", "cool"), ["0.7*mse + 0.3*mae"] * 2),
        ("all", "", ("heat", "cool", "kind"), []),
        ("全部", "", ("heat", "cool", "kind"), []),
        ("kind, heat", "", ("kind", "heat"), []),
    ],
)
def test_the_sheet_names_targets_and_losses(
    tmp_path: Path, target: str, loss: str, joint_of: tuple[str, ...], losses: list[str]
) -> None:
    found = read_job(write(tmp_path / "job.xlsx", Columns=COLUMNS, Runs=sheet(target, loss)))
    (one,) = found.runs
    assert one.joint == joint_of
    assert [" + ".join(map(str, each)) for each in one.losses] == losses
    again, problems = check_raw(parse_toml(tmp_path / "job.toml", toml_text(job_rows(found))), need_sources=False)
    assert not problems
    assert again is not None
    assert replace(again.runs[0], place=None) == replace(one, place=None)


def test_alternatives_of_targets_and_losses_are_runs_of_their_own(tmp_path: Path) -> None:
    runs = read_job(write(tmp_path / "job.xlsx", Columns=COLUMNS, Runs=sheet("heat, cool | kind"))).runs
    assert [(each.name, each.target, each.joint) for each in runs] == [
        ("one heat, cool", "heat, cool", ("heat", "cool")),
        ("one kind", "kind", ()),
    ]
    runs = read_job(write(tmp_path / "b.xlsx", Columns=COLUMNS, Runs=sheet("heat, kind", "mse, focal | poly1"))).runs
    assert [str(each.losses[1][0]) for each in runs] == ["focal", "poly1"]
    assert len({each.name for each in runs}) == 2


@pytest.mark.parametrize(
    ("target", "loss", "objective", "line"),
    [
        ("heat, cold", "", "none", "job.xlsx!Runs!B2: unknown target 'cold'"),
        ("heat, heat", "", "none", "job.xlsx!Runs!B2: the target 'heat' is named twice"),
        ("heat, cool", "mse, mae, mse", "none", "job.xlsx!Runs!D2: 3 losses for 2 target(s)"),
        ("heat", "mse, mae", "none", "job.xlsx!Runs!D2: 2 losses for 1 target(s)"),
        ("heat, kind", "cross_entropy, mse", "none", "job.xlsx!Runs!D2: the loss 'mse' is for regression"),
        ("heat", "", "mgda", "job.xlsx!Runs!E2: objective mgda is for several targets"),
        ("all", "", "trades", "job.xlsx!Runs!E2: objective trades is for one target"),
        ("heat", "", "tradess", "job.xlsx!Runs!E2: unknown objective 'tradess'; did you mean 'trades'?"),
    ],
)
def test_every_mistake_has_its_cell(tmp_path: Path, target: str, loss: str, objective: str, line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_job(write(tmp_path / "job.xlsx", Columns=COLUMNS, Runs=sheet(target, loss, objective)))
    assert any(str(problem).startswith(line) for problem in caught.value.problems), caught.value.problems
