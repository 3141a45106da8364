"""What the engine does around an optimizer: two looks at a batch, averages, limits and rates, in double precision."""

from typing import Any

import numpy as np
import pytest
import torch

from tests.engine.make import job, run
from tests.engine.make import numbers as table_of_numbers
from tests.engine.make import train as fit
from tests.engine.test_stack import CPU, FEATURES, arrays, assert_alike, member, trained
from xltrain.choices.models.layout import Pass
from xltrain.config.settings import Run
from xltrain.engine.loop import Course, train
from xltrain.engine.moves import hidden_matrices
from xltrain.engine.plan import Member, layout_of, lr_factor, plan
from xltrain.engine.stack import Stack
from xltrain.errors import ConfigError
from xltrain.registry import models, optimizers

SWITCHES: list[dict[str, Any]] = [
    {"sam": 0.05},
    {"ema": 0.9},
    {"clip_value": 0.05},
    {"clip_value": 0.1, "clip_norm": 0.1, "sam": 0.1, "ema": 0.5, "accumulate": 2},
    {"lr_scale": "sqrt"},
]


def stack_of(*members: Member) -> Stack:
    return Stack(members, arrays(), CPU, torch.float64)


def assert_stacks(runs: list[Run]) -> None:
    data = arrays()
    members = [member(each, fold, 10 * fold) for each in runs for fold in range(2)]
    assert len(plan(members, FEATURES, "cpu")) == 1
    for stacked, each in zip(trained(members, data), members, strict=True):
        assert_alike(stacked, trained([each], data)[0])


@pytest.mark.parametrize("name", sorted(optimizers))
def test_every_optimizer_stacks(name: str) -> None:
    """Members differ in rate, decay, rows and patience, so that some rest under a mask and some leave early."""
    more = {"batch_size": 0} if name == "lbfgs" else {}
    usual = optimizers.call(name)["lr"]
    assert_stacks(
        [
            run(f"{share}", "mlp(8, 6, 5, norm=batch)", optimizer=f"{name}(lr={usual * share})", patience=2, **more)
            for share in (1, 0.3)
        ]
    )


@pytest.mark.parametrize("more", SWITCHES, ids=str)
@pytest.mark.parametrize("model", ["mlp(8, 5)", "mlp(8, norm=batch)"])
def test_every_switch_stacks(more: dict[str, Any], model: str) -> None:
    assert_stacks([run(f"{lr}", model, optimizer=f"adamw(lr={lr})", patience=2, **more) for lr in (1e-2, 3e-3)])


def test_numbers_of_the_switches_may_differ_between_members() -> None:
    runs = [
        run("mild", sam=0.01, ema=0.5, clip_norm=0.0, clip_value=0.3),
        run("strong", sam=0.2, ema=0.99, clip_norm=0.5),
    ]
    assert_stacks(runs)
    apart = [run(), run(sam=0.1), run(ema=0.9), run(clip_value=0.1)]
    assert [len(stack) for stack in plan([member(each) for each in apart], FEATURES, "cpu")] == [2, 1, 1]


def test_nothing_changes_where_nothing_is_asked() -> None:
    """The update as it always was, bit for bit: gradient, clipping by norm, adamw."""
    one, two = (stack_of(member(run(optimizer="adamw(lr=0.01)", clip_norm=0.5))) for _ in range(2))
    lr = torch.tensor([[0.01]], dtype=torch.float64)
    weights, state = two.weights.clone(), dict(two.state)
    everyone = np.array([True])
    for step, batch in enumerate(one.batches(one.epoch_order(), everyone)):
        one.update(batch, lr)
        weights = weights.requires_grad_()
        output = two.layout.forward(two.layout.views(weights), batch.x, Pass(True, {}, {}, None, two.noise))
        rows = batch.x.shape[1]
        loss = (two.losses(output, batch.target) / rows).sum(1, keepdim=True)
        (grad,) = torch.autograd.grad(loss, weights, torch.ones_like(loss))
        norm = torch.linalg.vector_norm(grad, dim=1, keepdim=True)
        grad = grad * (0.5 / (norm + 1e-6)).clamp(max=1)
        count = torch.full((1, 1), step + 1.0, dtype=torch.float64)
        choice = optimizers["adamw"]
        with torch.no_grad():
            weights, state = choice.function(weights.detach(), grad, state, count, lr=lr, **two.rates, **two.settings)
        assert torch.equal(one.weights, weights)


def plain_step(stack: Stack, weights: torch.Tensor, batch: Any) -> torch.Tensor:
    """The gradient of the mean loss of a batch."""
    return stack._gradient(weights.detach().clone(), batch)[1]


def test_sam_takes_the_gradient_up_the_slope() -> None:
    stack = stack_of(member(run(optimizer="sgd(lr=0.1, momentum=0)", sam=0.3, clip_norm=0.0)))
    shadow = stack_of(member(run(optimizer="sgd(lr=0.1, momentum=0)")))
    batch = next(stack.batches(stack.epoch_order(), np.array([True])))
    before = stack.weights.clone()
    stack.update(batch, torch.tensor([[0.1]], dtype=torch.float64))
    grad = plain_step(shadow, before, batch)
    above = plain_step(shadow, before + 0.3 * grad / grad.norm(), batch)
    torch.testing.assert_close(stack.weights, before - 0.1 * above, rtol=1e-10, atol=1e-12)
    assert not torch.allclose(above, grad)


def test_sam_looks_twice_under_the_same_dropout() -> None:
    """Up the slope by nothing, the second look is the first one."""
    still = run("a", "mlp(16, dropout=0.5)", optimizer="sgd(lr=0.1)", sam=1e-300)
    plain = run("b", "mlp(16, dropout=0.5)", optimizer="sgd(lr=0.1)")
    (one,), (other,) = trained([member(still)], arrays()), trained([member(plain)], arrays())
    assert_alike(one, other)


@pytest.mark.parametrize("model", ["mlp(8)", "mlp(8, norm=batch)"])
def test_an_average_is_judged_and_kept(model: str) -> None:
    """The same training as without, and the mean of all its weights so far, later ones counting more."""
    memory, epochs = 0.8, 4
    asked = run(model=model, ema=memory, epochs=epochs, patience=0)
    one = member(asked)
    stack, shadow = stack_of(one), stack_of(member(run(model=model)))
    seen: list[torch.Tensor] = []
    for _ in range(epochs):
        for batch in stack.batches(stack.epoch_order(), np.array([True])):
            lr = torch.tensor([[0.01]], dtype=torch.float64)
            stack.update(batch, lr)
            shadow.update(batch, lr)
            seen.append(torch.cat([shadow.weights, shadow.buffers], 1))
    torch.testing.assert_close(stack.weights, shadow.weights, rtol=0, atol=0)
    shares = memory ** torch.arange(len(seen) - 1, -1, -1, dtype=torch.float64)
    mean = (torch.cat(seen) * (shares / shares.sum()).unsqueeze(1)).sum(0, keepdim=True)
    torch.testing.assert_close(torch.cat(stack.evaluated(), 1), mean, rtol=1e-10, atol=1e-12)
    (course,) = trained([one], arrays())
    assert course.weights is not None
    assert course.buffers is not None
    again = Stack([member(run(model=model))], arrays(), CPU, torch.float64, [course.weights])
    again.buffers = course.buffers.unsqueeze(0)
    assert again.validate().item() == pytest.approx(course.best, rel=1e-12)


def test_schedule_free_keeps_its_average() -> None:
    one = member(run(optimizer="schedule_free(lr=0.01)", schedule="constant", patience=0))
    stack, course = stack_of(one), Course(one)
    train(stack, [course], lambda *_: None)
    assert course.epoch == len(course.validation)
    assert course.weights is not None
    assert torch.equal(course.weights, stack.state["average"][0])
    assert not torch.allclose(course.weights, stack.weights[0])


def test_gradients_are_limited_by_value_then_by_norm() -> None:
    """As torch's clip_grad_value_ and clip_grad_norm_, each member with its own limits."""
    limits = [(0.05, 0.1), (0.0, 0.2), (0.02, 0.0), (0.0, 0.0)]
    runs = [run(optimizer="sgd(lr=1, momentum=0)", clip_value=value, clip_norm=norm) for value, norm in limits]
    stack = stack_of(*(member(each) for each in runs))
    batch = next(stack.batches(stack.epoch_order(), np.ones(4, bool)))
    before = stack.weights.clone()
    grad = plain_step(stack, before, batch)
    stack.update(batch, torch.ones((4, 1), dtype=torch.float64))
    for index, (value, norm) in enumerate(limits):
        theirs = torch.zeros(grad.shape[1], dtype=torch.float64, requires_grad=True)
        theirs.grad = grad[index].clone()
        if value:
            torch.nn.utils.clip_grad_value_([theirs], value)
        if norm:
            torch.nn.utils.clip_grad_norm_([theirs], norm)
        torch.testing.assert_close(before[index] - stack.weights[index], theirs.grad, rtol=1e-9, atol=1e-12)
    assert stack.clipped.flatten().tolist() == [1, 1, 1, 0]


def test_the_share_of_clipped_steps_is_told() -> None:
    runs = [run("never"), run("value", clip_value=1e-9), run("norm", clip_norm=1e-9), run("both", clip_value=1e-9)]
    runs[0] = run("never", clip_norm=0.0)
    found = {each.name: each.clipped for each in fit(table_of_numbers(), job(*runs)).result.targets[0].runs}
    assert found == {"never": 0, "value": 1, "norm": 1, "both": 1}


def test_a_rate_is_meant_for_64_rows() -> None:
    for more, factor in (
        ({"batch_size": 16}, 16 / 64),
        ({"batch_size": 8, "accumulate": 4}, 32 / 64),
        ({"batch_size": 0}, 55 / 64),
        ({"batch_size": 40, "accumulate": 4}, 55 / 64),
    ):
        for scale, wanted in (("none", 1.0), ("linear", factor), ("sqrt", factor**0.5)):
            one = member(run(lr_scale=scale, schedule="constant", epochs=1, **more))
            assert lr_factor(one) == pytest.approx(wanted, rel=1e-12)
            (course,) = trained([one], arrays())
            assert course.lr == [pytest.approx(0.01 * wanted, rel=1e-12)]


def test_accumulated_batches_are_one_batch_and_the_tail_is_flushed() -> None:
    """55 rows: two updates of 21 rows and one of 13, however they are cut."""
    (whole,) = trained([member(run(batch_size=21, optimizer="sgd(lr=0.1)"))], arrays())
    (cut,) = trained([member(run(batch_size=7, accumulate=3, optimizer="sgd(lr=0.1)"))], arrays())
    assert_alike(whole, cut)
    stack = stack_of(member(run(batch_size=7, accumulate=3)))
    sizes = [batch.x.shape[1] for batch in stack.batches(stack.epoch_order(), np.array([True]))]
    assert sizes == [21, 21, 13]


def test_lbfgs_solves_least_squares() -> None:
    """Two strengths of decay at once, each against the normal equations."""
    runs = [
        run(
            f"{decay}",
            "linear",
            optimizer=f"lbfgs(weight_decay={decay})",
            batch_size=0,
            epochs=30,
            patience=0,
            schedule="constant",
        )
        for decay in (0.0, 0.3)
    ]
    data = arrays()
    members = [member(each) for each in runs]
    stack = Stack(members, data, CPU, torch.float64)
    train(stack, [Course(each) for each in members], lambda *_: None)
    rows = torch.from_numpy(members[0].part.training)
    x = data.views[0][rows] * torch.from_numpy(members[0].state.scale) + torch.from_numpy(members[0].state.offset)
    x = torch.cat([x, torch.ones(len(x), 1)], 1)
    for index, decay in enumerate((0.0, 0.3)):
        # The mean of squares plus decay / 2 |w|^2, the bias free.
        pull = torch.diag(torch.tensor([1.0] * FEATURES + [0.0], dtype=torch.float64)) * decay * len(x) / 2
        theirs = torch.linalg.solve(x.T @ x + pull, x.T @ data.targets[0][rows])
        torch.testing.assert_close(stack.weights[index], theirs, rtol=1e-7, atol=1e-9)


def test_lbfgs_in_a_whole_job_and_in_single_precision() -> None:
    asked = job(run(optimizer="lbfgs", batch_size=0, epochs=40, schedule="constant"))
    found = fit(table_of_numbers(), asked, "float32").result.targets[0].runs[0]
    assert found.curves.training[-1] < 1e-3
    assert found.curves.training[-1] < found.curves.training[0] / 100


@pytest.mark.parametrize(
    ("more", "words"), [({"batch_size": 16}, "batch_size must be all, got 16"), ({"sam": 0.1}, "sam must be 0")]
)
def test_lbfgs_refuses_what_it_cannot_do(more: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        fit(table_of_numbers(), job(run(optimizer="lbfgs", **({"batch_size": 0} | more))))


def test_muon_moves_hidden_matrices_alone() -> None:
    for model, hidden in (("linear", []), ("mlp", [(4 * 9 + 9, 9, 7)])):
        layout = layout_of(models.call(model, *([9, 7] if model == "mlp" else [])), FEATURES, 1)
        assert list(hidden_matrices(layout)) == hidden
    deep = layout_of(models.call("mlp", 9, 7, 5, norm="layer"), FEATURES, 1)
    assert [each[1:] for each in hidden_matrices(deep)] == [(9, 7), (7, 5)]
    for name in ("tabm", "wide_deep"):
        layout = layout_of(models.call(name, 9, 7), FEATURES, 3)
        assert [each[1:] for each in hidden_matrices(layout)] == [(9, 7)]
    both = [
        run("muon", "mlp(9, 7, activation=tanh)", optimizer="muon(lr=0.01)"),
        run("adamw", "mlp(9, 7, activation=tanh)", optimizer="adamw(lr=0.01)"),
    ]
    stacks = [stack_of(member(each)) for each in both]
    batch = next(stacks[0].batches(stacks[0].epoch_order(), np.array([True])))
    for stack in stacks:
        stack.update(batch, torch.tensor([[0.01]], dtype=torch.float64))
    same = (stacks[0].weights == stacks[1].weights)[0]
    begin = 4 * 9 + 9
    assert bool(same[:begin].all())
    assert bool(same[begin + 63 :].all())
    assert not bool(same[begin : begin + 63].any())


def test_a_model_without_hidden_matrices_is_told() -> None:
    found = fit(
        table_of_numbers(), job(run("flat", "linear", optimizer="muon"), run("deep", "mlp(8, 8)", optimizer="muon"))
    )
    told = [note for note in found.result.notes if "muon" in note]
    assert len(told) == 1
    assert told[0].startswith("flat")


def test_weight_decay_leaves_biases_and_norms_alone() -> None:
    """With no gradient, whatever decays shrinks and nothing else moves."""
    for name in sorted(set(optimizers) - {"lbfgs"}):
        runs = [
            run(model="mlp(6, 5, norm=layer)", optimizer=f"{name}(lr=0.01, weight_decay={decay})") for decay in (0, 0.5)
        ]
        stack = stack_of(*(member(each) for each in runs))
        batch = next(stack.batches(stack.epoch_order(), np.ones(2, bool)))
        stack.update(batch, torch.full((2, 1), 0.01, dtype=torch.float64))
        without, held = stack.weights
        free = stack.layout.decayed() == 0
        assert torch.equal(without[free], held[free]), name
        assert not torch.equal(without, held), name
