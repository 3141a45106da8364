"""Our stacked models against the packages of their authors: the same weights give the same outputs."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import rtdl_num_embeddings as embeddings
import rtdl_revisiting_models as revisiting
import tabm
import torch

import xltrain.choices  # noqa: F401
from tests.calls import parse_call
from xltrain.choices.models.embedding import bin_edges
from xltrain.choices.models.layout import Features, Layout, Pass
from xltrain.engine.plan import layout_of

NUMBERS, CATEGORIES, ROWS, OUTPUTS = 3, (3, 4), 41, 30
FEATURES = Features(10, (0, 1, 2), ((3, 4, 5), (6, 7, 8, 9)))
Pairs = dict[str, torch.Tensor]


@pytest.fixture(autouse=True)
def double() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def linear(name: str, layer: Any) -> Pairs:
    """What a torch.nn.Linear is to us."""
    found = {f"{name}.weight": layer.weight.T}
    return found | ({f"{name}.bias": layer.bias.unsqueeze(0)} if layer.bias is not None else {})


def normal(name: str, layer: Any) -> Pairs:
    return {f"{name}.norm.scale": layer.weight.unsqueeze(0), f"{name}.norm.shift": layer.bias.unsqueeze(0)}


def numbers(module: Any) -> Pairs:
    """What an embedding of numbers is to us."""
    if module is None:
        return {}
    if isinstance(module, embeddings.PeriodicEmbeddings):
        return {
            "number.frequency": module.periodic.weight,
            "number.weight": module.linear.weight,
            "number.bias": module.linear.bias,
        }
    return {
        "number.weight": module.linear0.weight,
        "number.bias": module.linear0.bias,
        "number.bins": module.linear.weight,
    }


def data() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Numbers (rows, 3), categories (rows, 2) and both as we see them, one-hot."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(ROWS, NUMBERS, generator=generator, dtype=torch.float64)
    kinds = torch.stack([torch.randint(0, count, (ROWS,), generator=generator) for count in CATEGORIES], 1)
    hot = [torch.nn.functional.one_hot(kinds[:, each], count) for each, count in enumerate(CATEGORIES)]
    return x, kinds, torch.cat([x, *hot], 1)


def embedding(kind: str, x: torch.Tensor, size: int, resolution: int) -> Any:
    if kind == "none":
        return None
    if kind == "periodic":
        return embeddings.PeriodicEmbeddings(
            NUMBERS, size, n_frequencies=resolution, frequency_init_scale=0.3, lite=False
        )
    bins = embeddings.compute_bins(x, resolution)
    return embeddings.PiecewiseLinearEmbeddings(bins, size, activation=False, version="B")


def tabm_twin(kind: str, x: torch.Tensor, size: int = 5, resolution: int = 6, width: int = 7, k: int = 4) -> Any:
    module = tabm.TabM.make(
        n_num_features=NUMBERS,
        cat_cardinalities=list(CATEGORIES),
        d_out=OUTPUTS,
        num_embeddings=embedding(kind, x, size, resolution),
        n_blocks=2,
        d_block=width,
        k=k,
        dropout=0.0,
    )
    cell = f"tabm({width}, {width}, k={k}, dropout=0, embedding={kind}, embedding_size={size}, resolution={resolution},"
    pairs = numbers(module.num_module)
    for index, block in enumerate(module.backbone.blocks):
        layer = block[0]
        pairs[f"{index}.weight"] = layer.weight.T
        pairs |= {f"{index}.{name}": getattr(layer, name).unsqueeze(1) for name in ("r", "s", "bias")}
    pairs |= {"out.weight": module.output.weight, "out.bias": module.output.bias.unsqueeze(1)}
    return module, cell + "frequency_scale=0.3)", pairs


def resnet_twin(width: int = 6) -> Any:
    module = revisiting.ResNet(
        d_in=10,
        d_out=OUTPUTS,
        n_blocks=2,
        d_block=width,
        d_hidden_multiplier=2.0,
        dropout1=0.0,
        dropout2=0.0,
    )
    pairs = linear("in", module.input_projection) | normal("out", module.output.normalization)
    for index, block in enumerate(module.blocks):
        pairs |= normal(f"{index}", block.normalization)
        pairs |= linear(f"{index}.widen", block.linear1) | linear(f"{index}.narrow", block.linear2)
    return module, f"resnet(width={width}, dropout=0)", pairs | linear("out", module.output.linear)


def transformer_twin(heads: int = 2, blocks: int = 3, head_width: int = 6) -> Any:
    module = revisiting.FTTransformer(
        n_cont_features=NUMBERS,
        cat_cardinalities=list(CATEGORIES),
        d_out=OUTPUTS,
        n_blocks=blocks,
        d_block=heads * head_width,
        attention_n_heads=heads,
        attention_dropout=0.0,
        ffn_d_hidden_multiplier=4 / 3,
        ffn_dropout=0.0,
        residual_dropout=0.0,
    )
    pairs = {
        "cls": module.cls_embedding.weight.unsqueeze(0),
        "plain.weight": module.cont_embeddings.weight,
        "plain.bias": module.cont_embeddings.bias,
        "table.bias": module.cat_embeddings.bias,
    }
    pairs |= {f"table.{each}": table.weight for each, table in enumerate(module.cat_embeddings.embeddings)}
    for index, block in enumerate(module.backbone.blocks):
        asked = block["attention"]
        if index:
            pairs |= normal(f"{index}.attention", block["attention_normalization"])
        for name, layer in (("query", asked.W_q), ("key", asked.W_k), ("value", asked.W_v), ("mix", asked.W_out)):
            pairs |= linear(f"{index}.{name}", layer) if layer is not None else {}
        pairs |= normal(f"{index}.inner", block["ffn_normalization"])
        pairs |= linear(f"{index}.widen", block["ffn"].linear1) | linear(f"{index}.narrow", block["ffn"].linear2)
    last = module.backbone.output
    cell = f"ft_transformer(blocks={blocks}, heads={heads}, head_width={head_width}, dropout=0, attention_dropout=0)"
    return module, cell, pairs | normal("out", last.normalization) | linear("out", last.linear)


def ours(cell: str, pairs: Pairs, x: torch.Tensor) -> tuple[Layout, Callable[..., torch.Tensor]]:
    """The layout, and its outputs with their weights."""
    layout = layout_of(parse_call("models", cell), FEATURES, OUTPUTS)
    flat = torch.zeros(1, layout.size, dtype=torch.float64)
    views = layout.views(flat)
    assert set(views) <= set(pairs)
    for name, view in views.items():
        view[0] = pairs[name].detach()
    buffers = layout.buffer_views(layout.fresh_buffers().double().unsqueeze(0))
    for name, value in layout.learn(x).items():
        buffers[name][0] = value

    def look(x: torch.Tensor, training: bool = False) -> torch.Tensor:
        return layout.forward(views, x.unsqueeze(0), Pass(training, {}, buffers))[0]

    return layout, look


@pytest.mark.parametrize("kind", ["none", "piecewise_linear", "periodic"])
def test_tabm_is_theirs(kind: str) -> None:
    x, kinds, both = data()
    module, cell, pairs = tabm_twin(kind, x)
    module = module.eval()
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter)
    layout, look = ours(cell, pairs, both)
    torch.testing.assert_close(look(both), module(x, kinds).transpose(0, 1))
    assert layout.size == sum(each.numel() for each in module.parameters())


def test_the_resnet_is_theirs() -> None:
    _, _, both = data()
    module, cell, pairs = resnet_twin()
    undone = [module.input_projection.bias, *(block.linear2.bias for block in module.blocks)]
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter)
    for bias in undone:  # batch norm undoes them, so we have none
        torch.nn.init.zeros_(bias)
    layout, look = ours(cell, pairs, both)
    for _ in range(3):
        torch.testing.assert_close(look(both, training=True), module.train()(both))
    torch.testing.assert_close(look(both), module.eval()(both))
    assert layout.size == sum(each.numel() for each in module.parameters()) - sum(each.numel() for each in undone)


@pytest.mark.parametrize(("heads", "blocks"), [(2, 3), (1, 1), (4, 2)])
def test_the_transformer_is_theirs(heads: int, blocks: int) -> None:
    x, kinds, both = data()
    module, cell, pairs = transformer_twin(heads, blocks)
    module = module.eval()
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    layout, look = ours(cell, pairs, both)
    torch.testing.assert_close(look(both), module(x, kinds))
    assert layout.size == sum(each.numel() for each in module.parameters())


def test_the_weights_without_decay_are_theirs() -> None:
    module, cell, pairs = transformer_twin()
    spared = {id(each) for each in module.make_parameter_groups()[1]["params"]}
    layout = layout_of(parse_call("models", cell), FEATURES, OUTPUTS)
    base = {name: pair._base if pair._base is not None else pair for name, pair in pairs.items()}
    assert {weight.name for weight in layout.weights if not weight.decay} == {
        name for name, pair in base.items() if id(pair) in spared
    } | {"out.norm.scale"}  # theirs spare all norms but the last


@pytest.mark.slow
@pytest.mark.parametrize(
    "twin",
    [
        lambda x: tabm_twin("none", x, width=300, k=40),
        lambda x: tabm_twin("piecewise_linear", x, size=300, resolution=20, width=300),
        lambda x: tabm_twin("periodic", x, size=300, resolution=300, width=300),
        lambda _: resnet_twin(400),
        lambda _: transformer_twin(8, 2, 32),
    ],
    ids=["tabm", "piecewise_linear", "periodic", "resnet", "transformer"],
)
def test_weights_begin_like_theirs(twin: Callable[[torch.Tensor], Any]) -> None:
    """The same middle, spread and reach; what stands in a row of equal numbers there stands so here."""
    torch.manual_seed(0)
    _, cell, pairs = twin(data()[0])
    layout = layout_of(parse_call("models", cell), FEATURES, OUTPUTS)
    views = layout.views(layout.start(torch.Generator().manual_seed(1)).unsqueeze(0))
    for name, view in views.items():
        one, other = view[0], pairs[name].detach()
        close = 4 / max(len(one.unique()), 10) ** 0.5
        scale = max(float(one.abs().max()), float(other.abs().max()), 1e-9)
        assert float(one.std() - other.std()) / scale == pytest.approx(0, abs=close), name
        assert float(one.mean() - other.mean()) / scale == pytest.approx(0, abs=close), name
        assert float(one.abs().max() - other.abs().max()) / scale == pytest.approx(0, abs=2 * close), name
        assert len(one.unique()) == pytest.approx(len(other.unique()), rel=0.01), name


def test_bins_are_theirs_and_values_that_many_rows_share_leave_fewer() -> None:
    x = data()[0]
    x[:, 1] = x[:, 1].round()  # whole numbers: few bins
    theirs = embeddings.compute_bins(x, 8)
    found = [torch.from_numpy(bin_edges(column.numpy(), 8)) for column in x.T]
    assert len(found[1]) < 9
    for one, other in zip(found, theirs, strict=True):
        torch.testing.assert_close(one, other)
