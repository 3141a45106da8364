"""Layouts cut one flat row into the weights of a layer, and start as torch's own layers do."""

import math
from typing import Any

import pytest
import torch

import xltrain.choices  # noqa: F401
from tests.calls import parse_call
from xltrain.choices.models.layers import ACTIVATIONS, fitting, steady
from xltrain.choices.models.layout import Features, Layout, Pass
from xltrain.engine.plan import layout_of
from xltrain.registry import models

MODELS = [
    "linear",
    "mlp",
    "mlp(7, 5, norm=batch)",
    "mlp(7, norm=layer)",
    "mlp(6, 6, norm=group, groups=3)",
    "mlp(6, norm=instance)",
    "mlp(6, 6, residual=true)",
    "mlp(7, embedding=piecewise_linear, embedding_size=3, resolution=4)",
    "mlp(7, embedding=periodic, embedding_size=3, resolution=4, category_size=2)",
    "resnet(blocks=2, width=5)",
    "resnet(width=5, norm=layer, embedding=piecewise_linear, resolution=3)",
    "resnet(width=5, norm=none)",
    "tabm(7, 5, k=3)",
    "tabm(7, k=2, embedding=piecewise_linear, embedding_size=3, resolution=4)",
    "tabm(7, k=2, embedding=periodic, embedding_size=3, resolution=4)",
    "ft_transformer(heads=2, head_width=3)",
    "ft_transformer(blocks=1, heads=1, head_width=4, embedding=periodic, resolution=3)",
    "ft_transformer(heads=2, head_width=2, embedding=piecewise_linear, resolution=3)",
    "wide_deep(7, 5)",
    "wide_deep(7, norm=batch, embedding=piecewise_linear, resolution=3)",
]


FEATURES = Features(6, (0, 1, 4), ((2, 3),))  # the last is a flag


def build(cell: str, inputs: int | Features = FEATURES, outputs: int = 2) -> Layout:
    return layout_of(parse_call("models", cell), inputs, outputs)


def forward(layout: Layout, flat: torch.Tensor, x: torch.Tensor, training: bool = False, **more: Any) -> torch.Tensor:
    """The outputs, of several their mean; each member's bins come from its own rows."""
    buffers = layout.buffer_views(layout.fresh_buffers().double().repeat(len(flat), 1))
    for index, rows in enumerate(x):
        for name, value in layout.learn(rows).items():
            buffers[name][index] = value
    output = layout.forward(layout.views(flat), x, Pass(training, more.pop("numbers", {}), buffers, **more))
    return output.mean(1) if output.ndim == 4 else output


def start(layout: Layout, members: int = 1) -> torch.Tensor:
    return torch.stack([layout.start(torch.Generator().manual_seed(seed)) for seed in range(members)]).double()


@pytest.mark.parametrize("cell", MODELS)
def test_views_cover_every_weight_once_and_share_its_memory(cell: str) -> None:
    layout = build(cell)
    flat = torch.zeros(3, layout.size)
    for view in layout.views(flat).values():
        view += 1
    assert bool((flat == 1).all())
    assert layout.decayed().shape == (layout.size,)
    buffers = torch.arange(2.0 * len(layout.fresh_buffers())).view(2, -1)
    if layout.buffers:
        torch.testing.assert_close(layout.join_buffers(layout.buffer_views(buffers)), buffers)


@pytest.mark.parametrize("cell", MODELS)
def test_members_of_a_forward_pass_are_their_own(cell: str) -> None:
    layout = build(cell)
    flat, x = start(layout, 3), torch.randn(3, 9, 6, dtype=torch.float64)
    together = forward(layout, flat, x)
    assert together.shape == (3, 9, 2)
    for each in range(3):
        one = slice(each, each + 1)
        torch.testing.assert_close(forward(layout, flat[one], x[one]), together[one])


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_are_torchs(name: str) -> None:
    layout = build(f"mlp(5, activation={name})")
    flat, x = start(layout), torch.randn(1, 4, 6, dtype=torch.float64)
    views = layout.views(flat)
    inner = x @ views["0.weight"] + views["0.bias"]
    bent = torch.tanh(inner) if name == "tanh" else getattr(torch.nn.functional, name)(inner)
    torch.testing.assert_close(forward(layout, flat, x), bent @ views["out.weight"] + views["out.bias"])


def test_weights_begin_as_in_torch() -> None:
    views = build("mlp(400)", 100).views(start(build("mlp(400)", 100)))
    theirs = torch.nn.Linear(100, 400)
    assert float(views["0.weight"].abs().max()) == pytest.approx(1 / math.sqrt(100), rel=1e-3)
    assert float(views["0.weight"].std()) == pytest.approx(theirs.weight.detach().std().item(), rel=0.03)
    assert float(views["0.bias"].abs().max()) <= 1 / math.sqrt(100)


def test_weight_decay_spares_biases_and_norms() -> None:
    layout = build("mlp(7, 5, norm=layer)")
    decayed = {name: bool(view.all()) for name, view in layout.views(layout.decayed().unsqueeze(0)).items()}
    assert {name for name, each in decayed.items() if each} == {"0.weight", "1.weight", "out.weight"}


def test_dropout_leaves_out_a_members_own_share_and_keeps_the_mean() -> None:
    layout = build("mlp(400)", 1, 1)
    flat = torch.zeros(2, layout.size, dtype=torch.float64)
    views = layout.views(flat)
    views["0.bias"] += 1
    views["out.weight"] += 1
    share = torch.tensor([0.0, 0.3], dtype=torch.float64).view(2, 1, 1)
    x = torch.zeros(2, 300, 1, dtype=torch.float64)
    found = forward(layout, flat, x, True, numbers={"dropout": share}, generator=torch.Generator().manual_seed(0))
    assert bool((found[0] == 400).all())
    assert float(found[1].mean()) == pytest.approx(400, rel=0.01)
    assert float(found[1].std()) == pytest.approx(math.sqrt(400 * 0.3 / 0.7), rel=0.15)
    assert bool((forward(layout, flat, x, False, numbers={"dropout": share}) == 400).all())


@pytest.mark.parametrize("mask", [None, torch.tensor([[True, False, False]])])
def test_batch_norm_of_one_row_uses_the_running_statistics(mask: torch.Tensor | None) -> None:
    layout = build("mlp(5, norm=batch)")
    flat, x = start(layout), torch.randn(1, 1 if mask is None else 3, 6, dtype=torch.float64)
    torch.testing.assert_close(forward(layout, flat, x, True, mask=mask)[:, :1], forward(layout, flat, x)[:, :1])


def test_rows_that_only_pad_do_not_touch_batch_norm() -> None:
    layout = build("mlp(5, norm=batch)")
    flat, x = start(layout), torch.randn(1, 6, 6, dtype=torch.float64)
    padded = torch.cat([x, torch.full((1, 3, 6), 1e6, dtype=torch.float64)], 1)
    mask = torch.arange(9).unsqueeze(0) < 6
    torch.testing.assert_close(forward(layout, flat, padded, True, mask=mask)[:, :6], forward(layout, flat, x, True))


@pytest.mark.parametrize("name", [name for name, choice in models.items() if choice.facts.get("features")])
def test_what_is_a_number_leaves_the_shapes_alone(name: str) -> None:
    """Members that differ in a number share a stack, so none of their weights may differ in shape."""
    choice = models[name]
    plain = models.call(name)
    for parameter in choice.parameters:
        if parameter.varies:
            other = models.call(name, **{parameter.name: 0.5})
            assert plain.structure == other.structure
            one, two = (layout_of(call, FEATURES, 2) for call in (plain, other))
            assert [weight.shape for weight in one.weights] == [weight.shape for weight in two.weights]


def test_groups_fit_the_width_and_instance_is_layer_without_a_scale() -> None:
    assert [fitting(groups, width) for groups, width in ((8, 128), (8, 12), (4, 7), (9, 3))] == [8, 6, 1, 3]
    x = torch.randn(2, 5, 12, dtype=torch.float64)
    scale, shift = torch.randn(2, 2, 1, 12, dtype=torch.float64)
    weights = {"0.norm.scale": scale, "0.norm.shift": shift}
    run = Pass(True, {}, {})
    for each in range(2):
        theirs = torch.nn.functional.group_norm(x[each], 6, scale[each, 0], shift[each, 0])
        torch.testing.assert_close(steady(x, weights, "0", "group", 8, run)[each], theirs)
    instance = torch.nn.functional.instance_norm(x)  # a row as a channel: over its width
    torch.testing.assert_close(steady(x, {}, "0", "instance", 1, run), instance)


def test_the_share_of_a_batch_in_the_running_statistics_is_torchs_momentum() -> None:
    layout = build("mlp(5, norm=batch)")
    flat, x = start(layout, 2), torch.randn(2, 9, 6, dtype=torch.float64)
    views, buffers = layout.views(flat), layout.buffer_views(layout.fresh_buffers().double().repeat(2, 1))
    share = torch.tensor([0.1, 0.6], dtype=torch.float64).view(2, 1, 1)
    layout.forward(views, x, Pass(True, {"bn_decay": share}, buffers))
    for each in range(2):
        theirs = torch.nn.BatchNorm1d(5, momentum=float(share[each])).double()
        theirs(x[each] @ views["0.weight"][each])
        torch.testing.assert_close(buffers["0.mean"][each, 0], theirs.running_mean)
        torch.testing.assert_close(buffers["0.variance"][each, 0], theirs.running_var)


def test_an_embedding_has_no_decay_and_an_unknown_category_is_nothing() -> None:
    layout = build("mlp(4, embedding=piecewise_linear, embedding_size=3, category_size=2)")
    decayed = {weight.name for weight in layout.weights if weight.decay}
    assert decayed == {"0.weight", "out.weight"}
    views = layout.views(start(layout))
    x = torch.zeros(1, 2, 6, dtype=torch.float64)
    x[0, 1, 3] = 1
    nothing, second = layout.first.categories(views, x)[0][0]  # type: ignore[attr-defined]
    assert bool((nothing == 0).all())
    torch.testing.assert_close(second, views["table.0"][0, 1])


@pytest.mark.parametrize("count", [1, 300])
@pytest.mark.parametrize("name", sorted(models))
def test_one_feature_and_many(name: str, count: int) -> None:
    layout = build(name, count)
    assert forward(layout, start(layout), torch.randn(1, 2, count, dtype=torch.float64)).shape == (1, 2, 2)


@pytest.mark.parametrize("name", sorted(models))
def test_a_single_category_is_enough(name: str) -> None:
    layout = build(name, Features(3, (), ((0, 1, 2),)))
    assert forward(layout, start(layout), torch.eye(3, dtype=torch.float64).unsqueeze(0)).shape == (1, 3, 2)
