"""What a fit says before it trains, and where a member that diverged did so; the step of a GPU, played on a CPU."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.engine import make
from tests.engine.make import run
from tests.engine.test_stack import CPU, arrays, member
from xltrain.engine import graph
from xltrain.engine.diverged import TOGETHER, Watch
from xltrain.engine.fit import plan_fit
from xltrain.engine.graph import Body, Graphed
from xltrain.engine.loop import Course, train
from xltrain.engine.stack import Stack
from xltrain.errors import ConfigError
from xltrain.events import Event, Planned


def test_the_plan_counts_members_memory_and_time_and_says_why_one_is_alone() -> None:
    runs = [run("a"), run("b", optimizer="adamw(lr=auto)"), run("c", "mlp(8)")]
    asked = make.job(*runs, folds=2)
    data = make.numbers(60)
    planned = plan_fit(asked, data, make.columns(data, asked))
    assert (planned.runs, planned.members, planned.stacks, planned.device) == (3, 6, 2, "cpu")
    first, second = planned.plan
    assert (first.runs, first.members, second.runs, second.members) == (("a", "b"), 4, ("c",), 2)
    assert (first.model, first.batch_size, first.epochs) == ("mlp(16)", 16, 6)
    assert first.parameters > second.parameters
    assert first.memory < planned.budget
    assert all(0 < each.seconds < 60 for each in planned.plan)
    assert planned.seconds == first.seconds + second.seconds
    assert not first.alone


def test_stacks_of_one_carry_their_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    data = make.numbers(60)
    asked = make.job(run(), folds=2)
    monkeypatch.setattr("xltrain.engine.plan.BUDGET", {"cpu": 1000})
    planned = plan_fit(asked, data, make.columns(data, asked))
    assert [each.alone for each in planned.plan] == ["plan_alone_large"] * 2


def test_a_fit_tells_its_plan_first_and_trains_as_if_it_had_not(monkeypatch: pytest.MonkeyPatch) -> None:
    data, asked = make.numbers(60), make.job(run(model="mlp(8, dropout=0.2)"))
    heard: list[Event] = []
    first = make.train(data, asked, listen=heard.append)
    assert isinstance(heard[0], Planned)
    assert heard[0].plan
    monkeypatch.setattr("xltrain.engine.fit.forecast", lambda *_: heard[0])
    second = make.train(data, asked)
    assert (make.ledger(first).prediction == make.ledger(second).prediction).all()


def test_the_same_job_gives_the_same_bits_twice() -> None:
    data, asked = make.classes(), make.job(run(loss="cross_entropy", model="mlp(8, dropout=0.2)", epochs=4))
    one, other = (make.train(data, asked, precision="float32") for _ in range(2))
    assert make.ledger(one).loss.tobytes() == make.ledger(other).loss.tobytes()
    assert all(bool((one.models[name].weights == other.models[name].weights).all()) for name in one.models)


def test_a_member_that_diverges_names_epoch_step_and_rows() -> None:
    data = arrays()
    x = data.views.clone()
    one = member(run(optimizer="sgd(lr=0.01)", clip_norm=0.0, epochs=3))
    twin = replace(one, part=replace(one.part, training=one.part.training[:-20]))
    shadow = Stack([one], data, CPU, torch.float64)
    order = shadow.epoch_order()[0]
    row = int(order[37])  # in the third batch of 16
    x[0, row] = 1e200  # its square overflows
    bad = replace(data, views=x)
    kept = np.array([each for each in twin.part.training if each != row])
    courses = [Course(one), Course(replace(twin, part=replace(twin.part, training=kept)))]
    train(Stack([each.member for each in courses], bad, CPU, torch.float64), courses, lambda *_: None)
    found = courses[0].diverged
    assert courses[0].stopped == "diverged"
    assert found is not None
    assert (found.epoch, found.step) == (1, 3)
    assert found.rows is not None
    assert found.rows.tolist() == order[32:48].tolist()
    assert courses[1].diverged is None


def test_the_watch_finds_the_step_however_many_there_were() -> None:
    order = torch.arange(2 * (TOGETHER + 5)).unsqueeze(0)
    for wrong in (0, 3, TOGETHER - 1, TOGETHER, TOGETHER + 4):
        watch, total = Watch(order, 2), torch.zeros(1, 1)
        for step in range(TOGETHER + 5):
            total = total + (torch.inf if step == wrong else 1.0)
            watch.add(total)
        found = watch.find(0, 2 * (TOGETHER + 5) - 1, 7)
        assert (found.epoch, found.step) == (7, wrong + 1)
        assert found.rows is not None
        assert found.rows.tolist() == order[0, 2 * wrong : 2 * wrong + 2][: 1 if wrong == TOGETHER + 4 else 2].tolist()


def test_the_note_gives_the_places_of_the_rows() -> None:
    wild = run("wild", optimizer="sgd(lr=1e200)", clip_norm=0.0)
    fitted = make.train(make.numbers(60), make.job(run("good"), wild))
    (note,) = (each for each in fitted.result.notes if each.startswith("wild"))
    assert "3 of 3 members diverged with lr=1e+200: first in epoch 1, step 2, whose batch held book.xlsx!Data!" in note
    assert note.endswith("more rows")


@pytest.mark.parametrize("asked", ["tf32", "bfloat16"])
def test_the_arithmetic_of_a_gpu_is_refused_on_a_cpu(asked: str) -> None:
    with pytest.raises(ConfigError, match=f"arithmetic {asked} needs a GPU.*use arithmetic=float32"):
        make.train(make.numbers(60), make.job(run(), arithmetic=asked))


@pytest.mark.parametrize(
    ("model", "more"),
    [
        ("mlp(8, norm=batch)", {"ema": 0.9}),
        ("mlp(8, 5)", {"accumulate": 2, "clip_norm": 0.05}),
        ("tabm(8)", {}),
        ("mlp(8)", {"batch_size": 0}),
    ],
)
@pytest.mark.parametrize("optimizer", ["adamw(lr=0.01)", "schedule_free(lr=0.01)", "sgd(lr=0.05)"])
def test_a_step_on_fixed_memory_is_the_same_step(
    model: str, more: dict[str, float], optimizer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A graph run by hand: what it reads and writes stands where it stood when it was captured."""
    data = arrays(weight=np.random.default_rng(0).uniform(0.5, 2, 83))
    members = [
        member(
            run(
                model=model,
                optimizer=optimizer,
                epochs=2 + fold,
                batch_size=int(more.get("batch_size", 7)),
                **{name: value for name, value in more.items() if name != "batch_size"},
            ),
            fold,
            fold,
        )
        for fold in range(3)
    ]
    plain = [Course(each) for each in members]
    train(Stack(members, data, CPU, torch.float64), plain, lambda *_: None)
    captured = []

    def capture(stack: Stack, body: Body) -> Body:
        held = stack.weights.data_ptr()
        captured.append(stack)
        noise = stack.noise.get_state()
        found = body()  # as a capture does, before the runs that count
        stack.noise.set_state(noise)

        def again() -> tuple[torch.Tensor, torch.Tensor | float]:
            assert stack.weights.data_ptr() == held
            part, total = body()
            found[0].copy_(part)
            return found[0], total

        return again

    monkeypatch.setattr(graph, "updates", lambda stack: Graphed(stack, capture))
    monkeypatch.setattr("xltrain.engine.loop.updates", graph.updates)
    courses = [Course(each) for each in members]
    train(Stack(members, data, CPU, torch.float64), courses, lambda *_: None)
    assert captured
    for one, other in zip(plain, courses, strict=True):
        assert one.weights is not None
        assert other.weights is not None
        assert bool((one.weights == other.weights).all())
        assert one.training == other.training
        assert one.validation == other.validation
