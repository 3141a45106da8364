"""Layouts cut one flat row into the weights of a layer, and start as torch's own layers do."""

import math
from typing import Any

import pytest
import torch

import xltrain.choices  # noqa: F401
from xltrain.choices.models.layout import Layout, Pass
from xltrain.choices.models.mlp import ACTIVATIONS
from xltrain.config.call import parse_call
from xltrain.engine.plan import layout_of

MODELS = ["linear", "mlp", "mlp(7, 5, norm=batch)", "mlp(7, norm=layer)", "mlp(6, 6, residual=true)"]


def build(cell: str, inputs: int = 6, outputs: int = 2) -> Layout:
    return layout_of(parse_call("models", cell), inputs, outputs)


def forward(layout: Layout, flat: torch.Tensor, x: torch.Tensor, training: bool = False, **more: Any) -> torch.Tensor:
    buffers = layout.buffer_views(layout.fresh_buffers().double().repeat(len(flat), 1))
    return layout.forward(layout.views(flat), x, Pass(training, more.pop("numbers", {}), buffers, **more))


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
