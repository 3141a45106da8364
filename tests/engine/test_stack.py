"""The loop against torch itself, and members in a stack against members alone, in double precision."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

from tests.engine.make import run
from tests.thinned import thinned
from xltrain.config.settings import Run
from xltrain.data.encode import State
from xltrain.data.split import Part
from xltrain.engine.head import balanced, class_weights
from xltrain.engine.loop import Course, train
from xltrain.engine.plan import Member, plan
from xltrain.engine.stack import Arrays, Stack

ROWS, FEATURES, CLASSES = 83, 4, 3
CPU = torch.device("cpu")
MODELS = [
    "linear",
    "mlp(8, 5)",
    "mlp(8, norm=layer)",
    "mlp(8, 5, norm=batch)",
    "mlp(6, 6, residual=true, activation=gelu)",
    "mlp(8, activation=tanh)",
]


def arrays(classes: int = 0, weight: np.ndarray | None = None, seed: int = 0) -> Arrays:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(1, ROWS, FEATURES))
    y = rng.integers(0, classes, (1, ROWS)) if classes else x.sum(-1) + rng.normal(size=(1, ROWS))
    return Arrays(torch.from_numpy(x), torch.from_numpy(y), None if weight is None else torch.from_numpy(weight), False)


def member(asked: Run, fold: int = 0, seed: int = 0, classes: int = 0, rows: int = ROWS, data: Any = None) -> Member:
    """A member with its own rows, seed and scales."""
    rng = np.random.default_rng([fold, seed])
    order = rng.permutation(rows)
    cut = rows * 2 // 3 - fold * 9  # so that members differ in their number of steps
    part = Part(0, fold, np.sort(order[:cut]), np.sort(order[cut : cut + 12 - fold]), np.sort(order[cut + 12 - fold :]))
    state = State(rng.uniform(0.5, 2, FEATURES), rng.normal(size=FEATURES), np.zeros(FEATURES))
    counts = None
    if classes:
        counts = np.bincount(data.targets[0].numpy()[part.training], minlength=classes).astype(float)
    return Member(asked, "y", "classification" if classes else "regression", part, seed, state, 0, 0, counts=counts)


def trained(members: list[Member], data: Arrays) -> list[Course]:
    courses = [Course(each) for each in members]
    train(Stack(members, data, CPU, torch.float64), courses, lambda *_: None)
    return courses


def assert_alike(one: Course, other: Course) -> None:
    assert (one.epoch, one.stopped) == (other.epoch, other.stopped)
    assert one.weights is not None
    assert other.weights is not None
    torch.testing.assert_close(one.weights, other.weights, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(one.validation, other.validation, rtol=1e-10)
    np.testing.assert_allclose(one.training, other.training, rtol=1e-10)
    np.testing.assert_array_equal(one.lr, other.lr)


@pytest.mark.parametrize("model", thinned(MODELS))
@pytest.mark.parametrize("more", [{}, {"accumulate": 3, "batch_size": 7}, {"clip_norm": 0.05}, {"batch_size": 0}])
def test_stacked_members_equal_single_ones_wherever_they_stand(model: str, more: dict[str, Any]) -> None:
    data = arrays()
    runs = [run(f"{lr}", model, optimizer=f"adamw(lr={lr})", epochs=5, **more) for lr in (1e-2, 3e-3)]
    members = [member(each, fold, 10 * fold) for each in runs for fold in range(2)]
    together = trained(members, data)
    turned = trained(members[::-1], data)[::-1]
    for stacked, other, each in zip(together, turned, members, strict=True):
        (alone,) = trained([each], data)
        assert_alike(stacked, alone)
        assert_alike(other, alone)


@pytest.mark.parametrize(
    "optimizer",
    ["sgd(lr=0.05, nesterov=true)", "sgd(lr=0.05, momentum=0)", "adagrad(lr=0.1)", "rmsprop(lr=0.01)", "adam(lr=0.02)"],
)
def test_every_optimizer_stacks(optimizer: str) -> None:
    data = arrays()
    members = [member(run(optimizer=optimizer), fold, fold) for fold in range(3)]
    for stacked, each in zip(trained(members, data), members, strict=True):
        assert_alike(stacked, trained([each], data)[0])


@pytest.mark.parametrize(
    ("loss", "more"),
    [
        ("cross_entropy(class_weight=balanced, label_smoothing=0.05)", {}),
        ("focal(alpha=(1, 2, 3), gamma=1.5)", {"imbalance": "balanced"}),
        ("0.7*hinge + 0.3*cross_entropy", {}),
    ],
)
def test_classes_and_sample_weights_stack(loss: str, more: dict[str, Any]) -> None:
    data = arrays(CLASSES, np.random.default_rng(1).uniform(0, 3, ROWS))
    members = [member(run(loss=loss, **more), fold, fold, CLASSES, data=data) for fold in range(3)]
    for stacked, each in zip(trained(members, data), members, strict=True):
        assert_alike(stacked, trained([each], data)[0])


def test_how_many_rows_are_looked_up_at_a_time_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    data = arrays(weight=np.random.default_rng(1).uniform(0, 3, ROWS))
    members = [member(run(batch_size=4, accumulate=2), fold, fold) for fold in range(3)]
    whole = trained(members, data)
    for block in (1, 200):
        monkeypatch.setattr("xltrain.engine.stack.BLOCK", block)
        for one, other in zip(whole, trained(members, data), strict=True):
            assert one.weights is not None
            assert other.weights is not None
            assert bool((one.weights == other.weights).all())


@pytest.mark.parametrize("model", ["mlp(8)", "mlp(8, norm=batch)"])
def test_the_weights_kept_are_those_of_the_best_epoch(model: str) -> None:
    data = arrays()
    wild = member(run(model=model, optimizer="adamw(lr=0.2)", epochs=30, patience=8))
    (course,) = trained([wild], data)
    assert course.epoch < len(course.validation)
    assert course.epoch == int(np.argmin(course.validation)) + 1
    assert course.weights is not None
    assert course.buffers is not None
    stack = Stack([wild], data, CPU, torch.float64, [course.weights])
    stack.buffers = course.buffers.unsqueeze(0)
    assert stack.validate().item() == pytest.approx(course.best, rel=1e-12)
    assert course.best == min(course.validation)


def test_numbers_of_a_loss_may_differ_between_members() -> None:
    data = arrays()
    members = [member(run(loss=loss)) for loss in ("huber(delta=0.1)", "2*huber(delta=3)")]
    assert len(plan(members, FEATURES, "cpu")) == 1
    one, other = trained(members, data)
    assert_alike(one, trained(members[:1], data)[0])
    assert_alike(other, trained(members[1:], data)[0])
    assert one.best != other.best


def test_members_that_stop_early_leave_the_others_as_they_were() -> None:
    data = arrays()
    patience = [0, 1, 2, 0, 1]
    members = [
        member(run(epochs=25 - 4 * index, patience=each, optimizer="adamw(lr=0.1)"), index % 3, index)
        for index, each in enumerate(patience)
    ]
    found = trained(members, data)
    assert {course.stopped for course in found} == {"epochs", "patience"}
    for stacked, each in zip(found, members, strict=True):
        assert_alike(stacked, trained([each], data)[0])


def test_a_member_without_dropout_is_the_same_beside_one_with_it() -> None:
    data = arrays()
    members = [member(run("x", "mlp(8, dropout=0.5)"), seed=3), member(run("y", "mlp(8)"), seed=3)]
    wet, dry = trained(members, data)
    assert_alike(dry, trained(members[1:], data)[0])
    assert wet.best != dry.best


def test_a_member_that_diverges_harms_nobody() -> None:
    data = arrays()
    good = member(run("good", optimizer="sgd(lr=0.01)"))
    bad = member(run("bad", optimizer="sgd(lr=1e200)", clip_norm=0.0))
    lost, fine = trained([bad, good], data)
    assert lost.stopped == "diverged"
    assert lost.weights is None
    assert_alike(fine, trained([good], data)[0])


def test_weights_of_two_equal_rows_twice() -> None:
    """In one batch of all rows, a row of weight 2 counts as the row and its copy."""
    doubled = np.arange(10)
    data = arrays(weight=np.where(np.isin(np.arange(ROWS), doubled), 2.0, 1.0))
    asked = run(batch_size=0, epochs=4)
    base = member(asked)
    part = replace(base.part, training=np.arange(40))
    twice = replace(part, training=np.concatenate([np.arange(40), doubled]))
    (weighted,) = trained([replace(base, part=part)], data)
    (repeated,) = trained([replace(base, part=twice)], replace(data, weight=torch.ones(ROWS, dtype=torch.float64)))
    assert weighted.weights is not None
    # The validation rows count otherwise, so the epochs kept may differ: the losses of training do not.
    np.testing.assert_allclose(weighted.training, repeated.training, rtol=1e-12)


class Twin(torch.nn.Module):
    """mlp(8, 5) of plain torch modules, with the weights of a member."""

    def __init__(self, norm: str) -> None:
        super().__init__()
        widths = (FEATURES, 8, 5)
        kinds = {"batch": torch.nn.BatchNorm1d, "layer": torch.nn.LayerNorm}
        self.layers = torch.nn.ModuleList(torch.nn.Linear(a, b, bias=norm != "batch") for a, b in pairwise(widths))
        self.norms = torch.nn.ModuleList(kinds[norm](width) for width in widths[1:] if norm in kinds)
        self.out = torch.nn.Linear(5, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for index, layer in enumerate(self.layers):
            x = layer(x)
            x = torch.relu(self.norms[index](x) if self.norms else x)
        return self.out(x).squeeze(-1)

    def take(self, views: dict[str, torch.Tensor]) -> None:
        for name, layer in (("0", self.layers[0]), ("1", self.layers[1]), ("out", self.out)):
            layer.weight.data = views[f"{name}.weight"][0].T.clone()
            if layer.bias is not None:
                layer.bias.data = views[f"{name}.bias"][0, 0].clone()

    def difference(self, views: dict[str, torch.Tensor]) -> float:
        pairs = [
            (views[f"{name}.weight"][0].T, layer.weight) for name, layer in (("0", self.layers[0]), ("out", self.out))
        ]
        pairs += [(views[f"{index}.norm.scale"][0, 0], norm.weight) for index, norm in enumerate(self.norms)]
        return max(float((ours - theirs).detach().abs().max()) for ours, theirs in pairs)


@pytest.mark.parametrize("norm", ["none", "batch", "layer"])
@pytest.mark.parametrize("clip", [0.0, 0.3])
def test_the_loop_equals_a_loop_in_plain_torch(norm: str, clip: float) -> None:
    """Same start, same row order: adamw with weight decay on weight matrices only, mean loss, clipping, warm-up."""
    data = arrays()
    asked = run(
        model=f"mlp(8, 5, norm={norm})",
        optimizer="adamw(lr=0.01, weight_decay=0.2)",
        schedule="warmup(5) > exponential(gamma=0.9)",
        epochs=3,
        clip_norm=clip,
        patience=0,
    )
    one = member(asked)
    stack, shadow = (Stack([one], data, CPU, torch.float64) for _ in range(2))
    twin = Twin(norm).double()
    twin.take(stack.layout.views(stack.weights))
    decayed = [layer.weight for layer in (*twin.layers, twin.out)]
    others = [each for each in twin.parameters() if all(each is not weight for weight in decayed)]
    optimizer = torch.optim.AdamW(
        [{"params": decayed}, {"params": others, "weight_decay": 0}], lr=0.01, weight_decay=0.2
    )
    x = data.views[0] * torch.from_numpy(one.state.scale) + torch.from_numpy(one.state.offset)
    per_epoch = -(-len(one.part.training) // 16)

    for epoch in range(3):
        order = shadow.epoch_order()[0]
        for index, start in enumerate(range(0, len(order), 16)):
            step = epoch * per_epoch + index
            rate = (step + 1) / 5 if step < 5 else 0.9 ** ((step - 5) / per_epoch)
            for group in optimizer.param_groups:
                group["lr"] = 0.01 * rate
            rows = order[start : start + 16]
            optimizer.zero_grad()
            (twin(x[rows]) - data.targets[0][rows]).square().mean().backward()
            if clip:
                torch.nn.utils.clip_grad_norm_(twin.parameters(), clip)
            optimizer.step()
    course = Course(one)
    train(stack, [course], lambda *_: None)
    assert twin.difference(stack.layout.views(stack.weights)) < 1e-12
    with torch.no_grad():
        theirs = twin.eval()(x[one.part.validation])
        ours = stack.look(torch.from_numpy(one.part.validation).unsqueeze(0))[0, :, 0]
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)
    assert (course.clipped > 0) == bool(clip)


def test_class_weights_follow_the_training_rows() -> None:
    data = arrays(CLASSES)
    one = replace(member(run(), classes=CLASSES, data=data), counts=np.array([6.0, 3.0, 0.0]))
    np.testing.assert_allclose(balanced(one), [0.75, 1.5, 1])
    terms = [run(loss=f"cross_entropy(class_weight={given})").loss[0] for given in ("none", "balanced", "(1, 2, 3)")]
    found = [class_weights(term, "class_weight", one).tolist() for term in terms]
    assert found == [[1, 1, 1], [0.75, 1.5, 1], [1, 2, 3]]
    positive = run(loss="binary_cross_entropy(pos_weight=4)").loss[0]
    assert class_weights(positive, "pos_weight", replace(one, counts=np.array([1.0, 1.0]))).tolist() == [1, 4]


def test_members_of_another_shape_train_apart() -> None:
    asked = [run(), run(model="mlp(17)"), run(loss="mae"), run(batch_size=8), run(optimizer="sgd"), run(accumulate=2)]
    numbers = [
        run(optimizer="adamw(lr=1)"),
        run(seed=9),
        run(epochs=1),
        run(patience=3),
        run(model="mlp(16, dropout=0.3)"),
    ]
    stacks = plan([member(each) for each in asked + numbers], FEATURES, "cpu")
    assert [len(stack) for stack in stacks] == [1 + len(numbers), 1, 1, 1, 1, 1]


def test_a_large_plan_is_cut_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xltrain.engine.plan.BUDGET", {"cpu": 40_000})
    stacks = plan([member(run(), fold) for fold in range(7)], FEATURES, "cpu")
    sizes = [len(stack) for stack in stacks]
    assert sum(sizes) == 7
    assert len(sizes) > 1
    assert max(sizes[:-1]) - min(sizes[:-1]) == 0
