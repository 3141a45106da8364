"""Stacks equal single trainings, nothing leaks, every row is scored once, and bad data gives one clear line."""

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.calls import parse_call
from tests.engine.make import classes, job, ledger, numbers, run, table, train
from xltrain.config.settings import Column, Job, Run
from xltrain.data.table import Table
from xltrain.engine.fit import Fitted
from xltrain.engine.plan import plan
from xltrain.errors import DataError, TrainingError, XltrainError
from xltrain.events import Event, Planned, Trained


@pytest.mark.parametrize(
    ("model", "more"),
    [
        ("linear", {}),
        ("mlp(16, 8, norm=layer)", {}),
        ("mlp(16, norm=batch)", {"accumulate": 2}),
        ("mlp(16, 16, residual=true)", {"clip_norm": 0.1, "batch_size": 7}),
    ],
)
def test_members_in_a_stack_equal_members_alone(
    model: str, more: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    data, asked = numbers(60), job(run("x", model, **more), run("y", model, optimizer="adamw(lr=3e-3)", seed=4, **more))
    together = train(data, asked)
    assert together.result.stacks == 1
    from xltrain.engine import fit as module

    monkeypatch.setattr(
        module, "plan", lambda members, *rest: [[member] for group in plan(members, *rest) for member in group]
    )
    apart = train(data, asked)
    assert apart.result.stacks == 6
    for one, other in zip(together.result.targets[0].runs, apart.result.targets[0].runs, strict=True):
        assert one.name == other.name
        np.testing.assert_allclose(one.curves.validation, other.curves.validation, rtol=1e-10)
    np.testing.assert_allclose(ledger(together).loss, ledger(apart).loss, rtol=1e-8)


def test_the_same_job_gives_the_same_bits() -> None:
    data, asked = numbers(), job(run("x", "mlp(16, dropout=0.2)"), run("y", "mlp(16, dropout=0.1)"))
    one, other = train(data, asked, "float32"), train(data, asked, "float32")
    np.testing.assert_array_equal(ledger(one).loss, ledger(other).loss)


@pytest.mark.parametrize("split", ["random", "stratified", "group(kind)"])
def test_every_row_is_scored_once(split: str) -> None:
    data = numbers(90)
    found = ledger(train(data, job(split=parse_call("splits", split))))
    assert (found.scored_by == 1).all()
    assert np.isfinite(found.loss).all()
    if split.startswith("group"):
        kinds = np.array(data.data.column("kind").to_pylist())
        assert all(len(set(found.fold[kinds == kind])) == 1 for kind in set(kinds))


def test_the_ledger_holds_each_rows_own_loss() -> None:
    found = ledger(train(numbers(60), job(run(loss="2*mse"))))
    own = 2 * np.square((found.prediction - found.target) / found.target.std())
    np.testing.assert_allclose(found.loss, own, rtol=1e-10)
    assert found.percentile[np.argmax(own)] == 100
    assert found.percentile[np.argmin(own)] == pytest.approx(100 / 60)


def test_the_ledgers_loss_is_unweighted() -> None:
    fitted = train(classes(), job(run(loss="cross_entropy(class_weight=(1, 5, 9))", imbalance="balanced")))
    found = ledger(fitted)
    assert found.probability is not None
    own = -np.log(found.probability[np.arange(150), found.target.astype(int)])
    np.testing.assert_allclose(found.loss, own, rtol=1e-8)
    np.testing.assert_array_equal(found.prediction, found.probability.argmax(1))


def test_repeats_score_every_row_again() -> None:
    once, again = (ledger(train(numbers(60), job(repeats=count))) for count in (1, 2))
    assert (again.scored_by == 2).all()
    assert np.isfinite(again.spread).all()
    second = 2 * again.prediction - once.prediction
    losses = [np.square((each - once.target) / once.target.std()) for each in (once.prediction, second)]
    np.testing.assert_allclose(again.loss, np.mean(losses, 0), rtol=1e-6)
    np.testing.assert_allclose(again.spread, np.std([once.prediction, second], 0, ddof=1), rtol=1e-6)


def test_the_first_stretch_of_time_is_never_scored() -> None:
    rng = np.random.default_rng(0)
    days = np.arange("2024-01-01", "2024-04-10", dtype="datetime64[D]").astype("datetime64[us]")
    data = table({"day": days, "a": rng.normal(size=100), "y": rng.normal(size=100)})
    found = ledger(train(data, job(split=parse_call("splits", "time(day)"), folds=3)))
    assert (found.scored_by == (np.arange(100) >= 25)).all()
    assert np.isnan(found.loss[:25]).all()


def test_a_column_says_what_each_row_is_for() -> None:
    data = numbers(60)
    words = np.array(["train"] * 40 + ["valid"] * 10 + ["test"] * 10)
    split = table({**{name: data.data.column(name) for name in data.names}, "use": words})
    found = ledger(train(split, job(split=parse_call("splits", "column(use)"))))
    assert found.scored_by.tolist() == [0] * 50 + [1] * 10


def test_rows_without_a_target_are_left_out_and_counted() -> None:
    data = numbers(60)
    y = np.array(data.data.column("y").to_pylist())
    y[:4] = np.nan
    gaps = table({**{name: data.data.column(name) for name in ("a", "b", "kind")}, "y": pa.array(y, from_pandas=True)})
    fitted = train(gaps, job())
    assert (ledger(fitted).scored_by[:4] == 0).all()
    assert any("4" in note for note in fitted.result.notes)


@pytest.mark.parametrize(
    "loss",
    ["cross_entropy", "cross_entropy(class_weight=balanced, label_smoothing=0.1)", "focal(alpha=(1, 2, 5))", "hinge"],
)
def test_classes_are_learned(loss: str) -> None:
    target = train(classes(), job(run(loss=loss, epochs=25)), "float32").result.targets[0]
    assert target.task == "classification"
    assert target.classes == ("blue", "green", "red")
    assert target.best.metrics["accuracy"].value > target.baselines["constant"]["accuracy"].value + 0.15
    assert target.ledger.probability is not None
    np.testing.assert_allclose(target.ledger.probability.sum(1), 1)


def test_two_classes_with_one_output() -> None:
    rng = np.random.default_rng(0)
    a = rng.normal(size=120)
    data = table({"a": a, "y": np.where(a + rng.normal(0, 0.3, 120) > 0, "yes", "no")})
    target = train(data, job(run(loss="binary_cross_entropy(pos_weight=2)", epochs=25)), "float32").result.targets[0]
    assert target.best.metrics["roc_auc"].value > 0.9


def weighted(y: Any, weight: Any, *runs: Run) -> Fitted:
    data = numbers(90)
    asked = job(*runs)
    asked = replace(asked, columns=(*asked.columns, Column("w", role="weight")))
    columns = {name: data.data.column(name) for name in ("a", "b", "kind")}
    return train(table({**columns, "y": y, "w": pa.array(weight, from_pandas=True)}), asked)


def test_rows_of_weight_zero_are_scored_but_not_learned_from() -> None:
    y = np.array(numbers(90).data.column("y").to_pylist())
    weight = np.where(np.arange(90) % 3 == 0, 0.0, 1.0)
    tame = weighted(y, weight)
    wild = weighted(np.where(weight == 0, 1e6, y), weight)
    np.testing.assert_array_equal(ledger(wild).prediction, ledger(tame).prediction)
    assert (ledger(wild).scored_by == 1).all()
    assert any("30" in note and "'w'" in note for note in wild.result.notes)


def test_rows_without_a_weight_count_one() -> None:
    y = np.array(numbers(90).data.column("y").to_pylist())
    gaps = np.where(np.arange(90) % 2 == 0, np.nan, 1.0)
    fitted = weighted(y, gaps)
    np.testing.assert_array_equal(ledger(fitted).loss, ledger(train(numbers(90), job())).loss)
    assert any("45" in note for note in fitted.result.notes)


def test_weights_pull_the_fit() -> None:
    y = np.array(numbers(90).data.column("y").to_pylist())
    heavy = np.arange(90) % 2 == 0
    y = y + np.where(heavy, 40.0, 0.0)
    slow = run(model="linear", epochs=60, optimizer="adamw(lr=3e-2)")
    error = [ledger(weighted(y, np.where(heavy, each, 1.0), slow)).prediction - y for each in (1.0, 50.0)]
    assert np.abs(error[1][heavy]).mean() < np.abs(error[0][heavy]).mean() / 2


@pytest.mark.parametrize(
    ("weight", "words"), [([-1.0] + [1.0] * 89, ["E2", "'w'"]), ([0.0] * 90, ["'w'"]), (["much"] * 90, ["E2", "much"])]
)
def test_bad_weights_say_so(weight: list[Any], words: list[str]) -> None:
    with pytest.raises(DataError) as caught:
        weighted(np.array(numbers(90).data.column("y").to_pylist()), weight)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_classes_that_a_fold_never_saw_are_masked() -> None:
    """Group c alone holds class z: the member that holds c out gives z next to nothing, and its loss stays finite."""
    rng = np.random.default_rng(0)
    shop = np.repeat(["a", "b", "c"], 30)
    y = np.where(shop == "c", rng.choice(["x", "y", "z"], 90), rng.choice(["x", "y"], 90))
    asked = job(run(loss="cross_entropy"), split=parse_call("splits", "group(shop)"))
    fitted = train(table({"a": rng.normal(size=90), "shop": shop, "y": y}), asked)
    found = ledger(fitted)
    assert found.probability[shop == "c", 2].max() < 1e-9
    assert found.probability[shop != "c", 2].max() > 1e-3
    assert np.isfinite(found.loss).all()
    assert found.loss[(shop == "c") & (y == "z")].min() > 20
    assert fitted.models["y"].unseen is not None


@pytest.mark.slow
@pytest.mark.parametrize("setting", [{"imbalance": "balanced"}, {"loss": "cross_entropy(class_weight=balanced)"}])
def test_balance_finds_more_of_the_rare_class(setting: dict[str, str]) -> None:
    rng = np.random.default_rng(0)
    rare = rng.random(400) < 0.08
    data = table({"a": rng.normal(rare * 1.2, 1), "y": np.where(rare, "rare", "usual")})
    runs = [run(**({"loss": "cross_entropy", "epochs": 25} | each)) for each in ({}, setting)]
    found = [ledger(train(data, job(each))) for each in runs]
    recall = [np.mean(each.prediction[rare] == 0) for each in found]
    assert recall[1] > recall[0] + 0.3


def test_two_targets_share_stacks() -> None:
    data = numbers(60)
    both = table({**{name: data.data.column(name) for name in data.names}, "z": np.array(data.data.column("a")) * 2})
    heard: list[Event] = []
    asked = job(run(), target=("y", "z"))
    fitted = train(both, asked, listen=heard.append)
    planned = next(event for event in heard if isinstance(event, Planned))
    assert (planned.members, planned.stacks) == (6, 1)
    assert [target.target for target in fitted.result.targets] == ["y", "z"]
    assert fitted.result.features == ("a", "b", "kind")


def test_a_diverging_run_harms_no_other() -> None:
    data = numbers(60)
    alone = train(data, job(run("good")))
    both = train(data, job(run("good"), run("bad", optimizer="sgd(lr=1e30)", clip_norm=0.0)))
    assert both.result.targets[0].winner == "good"
    np.testing.assert_array_equal(ledger(alone).loss, ledger(both).loss)
    assert any("bad" in note for note in both.result.notes)


def test_all_diverged_is_one_line() -> None:
    with pytest.raises(TrainingError, match="lr=1e"):
        train(numbers(60), job(run(optimizer="sgd(lr=1e30)", clip_norm=0.0)))


def test_an_interruption_keeps_what_is_complete() -> None:
    def interrupt(event: Event) -> None:
        if isinstance(event, Trained) and event.stack == 2 and event.epoch == 3:
            raise KeyboardInterrupt

    fitted = train(numbers(60), job(run("one"), run("two", "linear"), run("three", "mlp(4)")), listen=interrupt)
    assert fitted.result.interrupted
    found = {each.name: each for each in fitted.result.targets[0].runs}
    assert set(found) == {"one", "two"}
    assert (found["one"].stopped, len(found["one"].curves.validation)) == ("epochs", 6)
    assert (found["two"].stopped, len(found["two"].curves.validation)) == ("interrupted", 3)
    assert (ledger(fitted).scored_by == 1).all()


def test_an_interruption_keeps_whole_targets_only() -> None:
    data = numbers(60)
    both = table({**{name: data.data.column(name) for name in data.names}, "c": np.array(["p", "q"] * 30)})

    def interrupt(event: Event) -> None:
        if isinstance(event, Trained) and event.stack == 1 and event.epoch == 3:
            raise KeyboardInterrupt

    fitted = train(both, job(run(loss=""), target=("y", "c")), listen=interrupt)
    assert [target.target for target in fitted.result.targets] == ["y"]
    assert set(fitted.models) == {"y"}


def broken(**changed: Any) -> Table:
    data = numbers(40)
    return table({name: changed.get(name, data.data.column(name)) for name in data.names})


@pytest.mark.parametrize(
    ("data", "asked", "words"),
    [
        (broken(y=np.ones(40)), job(), ["book.xlsx!Data!D2", "same value"]),
        (broken(y=["a"] * 39 + ["b"]), job(run(loss="cross_entropy")), ["book.xlsx!Data!D41", "'b'"]),
        (broken(y=[str(value) for value in range(39)] + ["abc"]), job(task="regression"), ["D41", "'abc'"]),
        (broken(), job(folds=50), ["50"]),
        (broken(), job(target="yy"), ["'yy'", "'y'"]),
        (broken(), job(run(loss="hinge")), ["hinge", "classification", "regression"]),
        (broken(y=list("abcd") * 10), job(run(loss="binary_cross_entropy")), ["binary_cross_entropy", "4"]),
        (broken(y=list("abcd") * 10), job(run(loss="focal(alpha=(1, 2))")), ["alpha", "4", "2"]),
        (broken(y=pa.nulls(40, pa.float64())), job(), ["no values"]),
        (table({"y": np.arange(20.0)}), job(), ["learn from"]),
        (broken(), job(run(loss="cross_entropy"), task="regression"), ["cross_entropy"]),
        (broken(), job(split=parse_call("splits", "group(nobody)")), ["nobody"]),
    ],
)
def test_bad_data_gives_one_clear_line(data: Table, asked: Job, words: list[str]) -> None:
    with pytest.raises(XltrainError) as caught:
        train(data, asked)
    assert len(caught.value.problems) == 1
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_a_split_column_with_other_words() -> None:
    data = table({"a": np.arange(20.0), "use": ["train", "tset"] * 10, "y": np.arange(20.0) ** 2})
    with pytest.raises(DataError, match="tset"):
        train(data, job(split=parse_call("splits", "column(use)")))


def test_the_order_of_classes_may_be_given() -> None:
    data = table({"a": np.arange(60.0), "y": np.array(["lo", "mid", "hi"])[np.arange(60) // 20]})
    asked = job(run(loss="ordinal", epochs=2))
    asked = replace(asked, columns=(Column("y", "target", allowed=("lo", "mid", "hi")),))
    assert train(data, asked).result.targets[0].classes == ("lo", "mid", "hi")
