"""How rows were learnt, against a slow count that writes down every loss of every batch."""

from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from tests.engine import make
from tests.engine.test_joint import TARGETS, joint, ready, several
from xltrain.config.settings import Job
from xltrain.data.table import Table
from xltrain.engine import dynamics, graph
from xltrain.engine.evaluate import meant
from xltrain.engine.fit import Fitted
from xltrain.engine.graph import Graphed
from xltrain.engine.pool import pooled
from xltrain.engine.stack import Batch, Stack

Epochs = list[dict[int, list[tuple[float, bool]]]]  # of a member: per epoch, what each row met
Seen = dict[tuple[str, str, int, int], Epochs]


@pytest.fixture(autouse=True)
def no_baselines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xltrain.engine.outcome.baselines", lambda *_: ({}, []))


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Seen:
    """Every loss of every sample as it is computed, by run, target, repeat and fold; by way of hooks, one by one."""
    found: Seen = {}
    update, order = Stack.update, Stack.epoch_order
    rows: dict[int, tuple[torch.Tensor, int]] = {}

    def begin(stack: Stack) -> torch.Tensor:
        drawn = order(stack)
        if stack.tally is None:  # a rehearsal, to foretell the time
            return drawn
        rows[id(stack)] = drawn, 0
        for member in stack.members:
            for block in member.blocks or (member,):
                key = (member.run.name, block.target, member.part.repeat, member.part.fold)
                found.setdefault(key, []).append({})
        return drawn

    def watch(stack: Stack, batch: Batch, lr: torch.Tensor) -> Any:
        if stack.tally is None:
            return update(stack, batch, lr)
        drawn, start = rows[id(stack)]
        noise = stack.noise.get_state()
        output = stack.layout.forward(stack.views(stack.weights.detach()), batch.x, _quiet(stack, batch))
        stack.noise.set_state(noise)
        for index, member in enumerate(stack.members):
            if batch.moving is not None and not batch.moving[index]:
                continue  # it has stopped
            for number, block in enumerate(member.blocks or (member,)):
                cut = stack.joint.cuts[number] if stack.joint else slice(None)
                head = stack.joint.heads[number] if stack.joint else stack.head
                wanted = batch.target[..., number] if stack.joint else batch.target
                lost = wanted.isnan() if wanted.is_floating_point() else torch.zeros_like(wanted).bool()
                given = wanted.nan_to_num().long() if block.classes else wanted.nan_to_num()
                loss = head.summed(head.parts(output[..., cut], given))[index]
                epoch = found[member.run.name, block.target, member.part.repeat, member.part.fold][-1]
                for place in range(batch.x.shape[1]):
                    if start + place >= len(member.part.training) or lost[index, place]:
                        continue
                    row = int(drawn[index, start + place])
                    right = block.classes and int(output[index, place, cut].argmax()) == int(given[index, place])
                    epoch.setdefault(row, []).append((float(loss[place]), bool(right)))
        rows[id(stack)] = drawn, start + batch.x.shape[1]
        return update(stack, batch, lr)

    monkeypatch.setattr(Stack, "epoch_order", begin)
    monkeypatch.setattr(Stack, "update", watch)
    return found


def _quiet(stack: Stack, batch: Batch) -> Any:
    from xltrain.choices.models.layout import Pass

    return Pass(True, stack.numbers, dict(stack.layout.buffer_views(stack.buffers)), batch.mask, stack.noise)


def slow(epochs: Epochs, classes: bool) -> dict[int, tuple[float, ...]]:
    """Early, mean, spread, learnt and forgotten of each row of one member, one row at a time."""
    epochs = [epoch for epoch in epochs if epoch]
    bar = 0.0
    if not classes:
        first = sorted(loss for met in epochs[0].values() for loss, _ in met)
        bar = first[(len(first) - 1) // 2]
    told: dict[int, tuple[float, ...]] = {}
    for row in epochs[0]:
        met = [epoch[row][0] for epoch in epochs]
        losses = np.array([loss for loss, _ in met])
        right = [hit if classes else loss <= bar for loss, hit in met]
        learnt = right.index(True) + 1 if any(right) else np.nan
        forgotten = sum(one and not other for one, other in pairwise(right))
        told[row] = (losses[:10].mean(), losses.mean(), losses.std(), learnt, float(forgotten))
    return told


def check(data: Table, asked: Job, seen: Seen, **more: Any) -> Fitted:
    """Fit, and hold every target's winner against the slow count."""
    fitted = make.train(data, asked, keeper=None, **more)
    for target in fitted.result.targets:
        sums = np.zeros((len(data), 5))
        counts = np.zeros((len(data), 5))
        for (run, name, _, _), epochs in seen.items():
            if (run, name) == (target.winner, target.target):
                for row, values in slow(epochs, bool(target.classes)).items():
                    known = np.isfinite(values)
                    sums[row] += np.where(known, values, 0)
                    counts[row] += known
        found = target.ledger.dynamics
        assert found is not None
        with np.errstate(invalid="ignore"):
            wanted = (sums / counts).T
        for name, each in zip(dynamics.NAMES, wanted, strict=True):
            np.testing.assert_allclose(getattr(found, name), each, rtol=2e-6, atol=1e-7, err_msg=name)
    return fitted


def stopping(**more: Any) -> Job:
    """Members of one stack that stop at different times, so that it is compacted."""
    return make.job(
        make.run("one", epochs=14, patience=0, **more),
        make.run("two", epochs=4, patience=0, optimizer="adamw(lr=3e-2)", **more),
        make.run("three", epochs=14, patience=2, optimizer="adamw(lr=0.1)", **more),
        metric=more.pop("metric", ""),
    )


@pytest.mark.parametrize("more", [{}, {"accumulate": 2, "batch_size": 7}, {"model": "mlp(8, norm=batch)"}])
def test_numbers(more: dict[str, Any], seen: Seen) -> None:
    fitted = check(make.numbers(67), stopping(**more), seen)
    lengths = {len(epochs) for epochs in seen.values()}
    assert len(lengths) > 1  # some stopped early, so that the stack was compacted
    assert fitted.result.stacks == 1
    told = make.ledger(fitted).dynamics
    assert told is not None
    assert np.nanmax(told.learnt) > 1
    assert np.nanmax(told.forgotten) > 0


@pytest.mark.parametrize("loss", ["cross_entropy", "focal"])
def test_classes(loss: str, seen: Seen) -> None:
    fitted = check(make.classes(90), stopping(loss=loss), seen)
    told = make.ledger(fitted).dynamics
    assert told is not None
    assert np.nanmax(told.forgotten) > 0
    assert np.isnan(told.learnt).any() or np.nanmax(told.learnt) > 1


def test_outputs_that_are_looked_at_in_pieces(seen: Seen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dynamics, "TOGETHER", 300)
    check(make.classes(90), make.job(make.run(loss="cross_entropy", epochs=3)), seen)


def test_several_targets_of_one_run(seen: Seen) -> None:
    asked = make.job(joint(epochs=5), target=TARGETS)
    fitted = check(several(90, gaps=True), asked, seen)
    for target in fitted.result.targets:
        empty = ~np.isfinite(target.ledger.target) | ((target.ledger.target < 0) & bool(target.classes))
        assert target.ledger.dynamics is not None
        assert np.isnan(target.ledger.dynamics.mean[empty]).all()


def test_held_out_rows_know_nothing_of_the_member_that_scores_them() -> None:
    """With a single fold the rows that are not trained on have no dynamics."""
    words = np.array((["train"] * 4 + ["valid", "test"]) * 10)
    numbers = make.numbers(60)
    data = make.table({**{name: numbers.data.column(name) for name in numbers.names}, "use": words})
    from tests.calls import parse_call

    found = make.ledger(make.train(data, make.job(split=parse_call("splits", "column(use)"))))
    assert found.dynamics is not None
    for name in ("early", "mean", "spread", "forgotten"):
        np.testing.assert_array_equal(np.isfinite(getattr(found.dynamics, name)), words == "train")


def test_numbers_of_training_do_not_change(monkeypatch: pytest.MonkeyPatch) -> None:
    data, asked = make.classes(90), stopping(loss="cross_entropy", model="mlp(16, dropout=0.2)")
    followed = make.ledger(make.train(data, asked, "float32"))
    monkeypatch.setattr(dynamics, "BUDGET", 0)
    fitted = make.train(data, asked, "float32")
    alone = make.ledger(fitted)
    np.testing.assert_array_equal(followed.loss, alone.loss)
    np.testing.assert_array_equal(followed.probability, alone.probability)
    assert followed.dynamics is not None
    assert alone.dynamics is None
    assert any("samples.parquet" in note for note in fitted.result.notes)


def test_rows_made_up_or_repeated_for_even_classes() -> None:
    data = make.classes(90)
    for how in ("oversample", "smote"):
        told = make.ledger(make.train(data, make.job(make.run(loss="cross_entropy", imbalance=how)))).dynamics
        assert told is not None
        assert told.mean.shape == (90,)
        assert np.isfinite(told.mean).mean() > 0.9  # a row may be validation where it is not held out


def test_an_epoch_that_breaks_leaves_a_member_what_it_knew() -> None:
    found = ready(make.numbers(40), make.job(folds=2))
    stack = Stack(found.members, found.arrays["regression"], torch.device("cpu"), torch.float64)
    stack.follow()
    tally, rows = stack.tally, stack.training.shape[1]
    assert tally is not None
    for epoch, breaks in enumerate((False, False, True), 1):
        tally.begin(stack, stack.epoch_order())
        losses = torch.full((2, rows), float(epoch), dtype=torch.float64)
        losses[0, 3] = float("inf") if breaks else losses[0, 3]
        tally.add([(losses, None)])
        tally.end(epoch, np.ones(2, bool))
    means = [tally.of_member(index, rows) for index in range(2)]
    assert means[0] is not None
    assert means[1] is not None
    np.testing.assert_array_equal(means[0][0, 1], 1.5)
    np.testing.assert_array_equal(means[1][0, 1], 2)


def test_a_graph_writes_where_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a GPU the losses of every step stand in the same memory: they are taken before the next step."""
    data, asked = make.classes(90), make.job(make.run(loss="cross_entropy", batch_size=10, epochs=3))
    plain = make.ledger(make.train(data, asked)).dynamics

    def capture(stack: Stack, body: graph.Body) -> graph.Body:
        body()
        fixed = list(stack.told)

        def run() -> graph.Losses:
            found = body()
            for (loss, output), (new_loss, new_output) in zip(fixed, stack.told, strict=True):
                assert output is not None
                assert new_output is not None
                loss.copy_(new_loss)
                output.copy_(new_output)
            stack.told = fixed
            return found

        stack.told = fixed
        return run

    monkeypatch.setattr("xltrain.engine.loop.updates", lambda stack: Graphed(stack, capture))
    graphed = make.ledger(make.train(data, asked)).dynamics
    assert plain is not None
    assert graphed is not None
    for name in dynamics.NAMES:
        np.testing.assert_array_equal(getattr(plain, name), getattr(graphed, name))


def test_the_budget_counts_every_member() -> None:
    members = [_Member(1000, 1), _Member(500, 2)]
    bytes_of = dynamics.OF_ROW * 2000 + dynamics.OF_STACK * 2000
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dynamics, "BUDGET", bytes_of)
        assert dynamics.affordable([members])  # type: ignore[list-item]
        assert not dynamics.affordable([members], 1)  # type: ignore[list-item]
        patch.setattr(dynamics, "BUDGET", bytes_of - 1)
        assert not dynamics.affordable([members])  # type: ignore[list-item]


class _Member:
    def __init__(self, rows: int, blocks: int) -> None:
        self.part = type("Part", (), {"training": range(rows)})
        self.blocks = range(blocks) if blocks > 1 else ()


def test_kept_runs_have_a_ledger_of_their_own() -> None:
    runs = (
        make.run("best", epochs=12),
        replace(make.run("kept", "linear", epochs=2), keep=True),
        make.run("no", epochs=1),
    )
    fitted = make.train(make.numbers(90), make.job(*runs))
    target = fitted.result.targets[0]
    assert set(target.kept) == {"kept"} - {target.winner}
    told = target.kept["kept"]
    run = next(each for each in target.runs if each.name == "kept")
    np.testing.assert_allclose(np.sqrt(np.mean((told.prediction - told.target) ** 2)), run.metrics["rmse"].value)
    assert told.dynamics is not None


@pytest.mark.parametrize("k", [0, 3])
@pytest.mark.parametrize(
    ("link", "outputs", "classes"), [("softmax", 4, 4), ("corn", 3, 4), ("sigmoids", 4, 4), ("sigmoid", 1, 2)]
)
def test_who_is_right_is_who_is_told(link: str, outputs: int, classes: int, k: int) -> None:
    """As the predictions have it, a class never seen and several answers of one network among them."""
    rng = torch.Generator().manual_seed(0)
    output = torch.randn((2, k, 50, outputs) if k else (2, 50, outputs), generator=rng, dtype=torch.float64)
    target = torch.randint(0, classes, (2, 50), generator=rng)
    unseen = torch.tensor([0.0, -30.0, 0.0, 0.0], dtype=torch.float64) if link == "softmax" else None
    head: Any = SimpleNamespace(members=[SimpleNamespace(link=link, classes=classes)], unseen=unseen)
    wanted = meant(pooled(output, link), link, 0.0, 1.0, unseen).argmax(-1) == target
    np.testing.assert_array_equal(dynamics.hit(output, target, head), wanted)
    assert wanted.any()
