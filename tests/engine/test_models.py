"""Every model in the loop: stacked equals single, predictions that depend on nothing but the row, and notes."""

from typing import Any

import numpy as np
import pytest
import torch

from tests.engine.make import classes, job, numbers, run, table, train
from tests.engine.test_stack import CPU, FEATURES, arrays, assert_alike, member, trained
from tests.thinned import thinned
from xltrain.choices.models.layout import Features, Pass
from xltrain.data.coded import Coded
from xltrain.data.encode import Encoding
from xltrain.data.table import Table
from xltrain.engine.checkpoint import load_model, save_model
from xltrain.engine.plan import features_of, plan
from xltrain.engine.pool import pooled
from xltrain.engine.stack import Stack

MODELS = [
    "mlp(8, norm=group, groups=4)",
    "mlp(8, norm=instance)",
    "mlp(6, norm=batch, bn_decay=0.3)",
    "mlp(6, embedding=piecewise_linear, embedding_size=3, resolution=5)",
    "mlp(6, embedding=periodic, embedding_size=3, resolution=4, frequency_scale=0.5)",
    "resnet(width=6, dropout=0)",
    "resnet(width=6, norm=layer, dropout=0, embedding=piecewise_linear, resolution=4)",
    "tabm(7, 6, k=3, dropout=0)",
    "tabm(7, k=3, dropout=0, embedding=piecewise_linear, embedding_size=3, resolution=4)",
    "ft_transformer(heads=2, head_width=4, dropout=0, attention_dropout=0)",
    "ft_transformer(blocks=1, heads=2, head_width=4, dropout=0, attention_dropout=0, embedding=periodic, resolution=4)",
    "wide_deep(6)",
]


@pytest.mark.parametrize("model", thinned(MODELS))
@pytest.mark.parametrize("more", [{}, {"accumulate": 2, "batch_size": 17, "ema": 0.9}])
def test_stacked_members_equal_single_ones(model: str, more: dict[str, Any]) -> None:
    data = arrays()
    # The bias of a key has no gradient but rounding, which adam would blow up.
    kind = "sgd" if model.startswith("ft") else "adamw"
    runs = [run(f"{lr}", model, optimizer=f"{kind}(lr={lr})", epochs=3, **more) for lr in (1e-2, 3e-3)]
    members = [member(each, fold, 10 * fold) for each in runs for fold in range(2)]
    for stacked, each in zip(trained(members, data), members, strict=True):
        assert_alike(stacked, trained([each], data)[0])


def test_how_a_member_begins_and_its_bins_are_its_own() -> None:
    """Members that differ in the spread of frequencies share a stack; bins follow each one's training rows."""
    data = arrays()
    cell = "mlp(4, embedding=periodic, resolution=40, frequency_scale={})"
    members = [member(run(model=cell.format(scale)), 0, 5) for scale in (0.01, 1)]
    assert len(plan(members, FEATURES, "cpu")) == 1
    stack = Stack(members, data, CPU, torch.float64)
    spread = stack.layout.views(stack.weights)["number.frequency"].flatten(1).std(1)
    assert float(spread[1] / spread[0]) == pytest.approx(100, rel=1e-6)

    members = [member(run(model="mlp(4, embedding=piecewise_linear, resolution=3)"), fold, 5) for fold in range(2)]
    stack = Stack(members, data, CPU, torch.float64)
    slopes = stack.layout.buffer_views(stack.buffers)["bins.slope"]
    for index, each in enumerate(members):
        rows = data.views[0].numpy()[each.part.training, 2] * each.state.scale[2] + each.state.offset[2]
        edges = np.quantile(rows, np.linspace(0, 1, 4))
        np.testing.assert_allclose(slopes[index, 2], 1 / np.diff(edges), rtol=1e-9)


def test_tabm_learns_from_the_mean_of_its_losses() -> None:
    """The gradient of one step is that of the mean over k of the mean squared errors."""
    data = arrays()
    one = member(run(model="tabm(5, k=3, dropout=0)", optimizer="sgd(lr=0.1, momentum=0)", batch_size=0, clip_norm=0))
    stack = Stack([one], data, CPU, torch.float64)
    flat = stack.weights.clone().requires_grad_(True)
    batch = next(iter(stack.batches(stack.epoch_order(), np.array([True]))))
    output = stack.layout.forward(stack.layout.views(flat), batch.x, Pass(True, {}, {}))
    assert output.shape == (1, 3, len(one.part.training), 1)
    loss = (output.squeeze(-1) - batch.target.unsqueeze(1)).square().mean()
    loss.backward()
    assert flat.grad is not None
    told, total = stack.update(batch, torch.tensor([[0.1]], dtype=torch.float64))
    assert float(told / total) == pytest.approx(float(loss.detach()), rel=1e-12)
    torch.testing.assert_close(stack.weights.detach(), flat.detach() - 0.1 * flat.grad)


@pytest.mark.parametrize(
    ("link", "prediction"),
    [
        ("softmax", lambda output: torch.softmax(output, -1)),
        ("sigmoid", torch.sigmoid),
        ("exp", torch.exp),
        ("identity", lambda output: output),
        ("quantiles:1", lambda output: output),
    ],
)
def test_the_pooled_prediction_is_the_mean_of_the_predictions(link: str, prediction: Any) -> None:
    output = 3 * torch.randn(2, 5, 7, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(prediction(pooled(output, link)), prediction(output).mean(1))
    wild = pooled(torch.tensor([-1e4, 1e4], dtype=torch.float32).view(1, 2, 1, 1), link)
    assert bool(wild.isfinite().all())


def mixed(rows: int = 90) -> Table:
    """Numbers with gaps, a category and a boolean."""
    rng = np.random.default_rng(3)
    a, b = rng.normal(50, 10, rows), rng.exponential(2, rows)
    kind = rng.choice(["u", "v", "w"], rows)
    y = 0.3 * a + b + 4 * (kind == "u") + rng.normal(0, 0.1, rows)
    b[::9] = np.nan
    return table({"a": a, "b": b, "kind": kind, "old": rng.random(rows) > 0.5, "y": y})


@pytest.mark.parametrize("model", thinned([*MODELS, "mlp(6, embedding=piecewise_linear, category_size=2)"]))
def test_a_prediction_depends_on_nothing_but_the_row(model: str, tmp_path: Any, monkeypatch: Any) -> None:
    """Not on the rows beside it, their order or how many are predicted at a time; a saved model says the same."""
    data = mixed()
    fitted = train(data, job(run(model=model, epochs=2)), "float64")
    one = fitted.models["y"]
    whole = one.predict(data, "cpu").prediction
    turned = np.random.default_rng(0).permutation(len(data))
    np.testing.assert_allclose(one.predict(data.take(turned), "cpu").prediction, whole[turned], rtol=1e-9)
    monkeypatch.setattr("xltrain.engine.checkpoint.CHUNK", 7)
    np.testing.assert_allclose(one.predict(data, "cpu").prediction, whole, rtol=1e-9)
    save_model(tmp_path / "m.safetensors", one)
    np.testing.assert_array_equal(
        load_model(tmp_path / "m.safetensors").predict(data.take([4]), "cpu").prediction[0],
        one.predict(data.take([4]), "cpu").prediction[0],
    )
    best = fitted.result.targets[0].best
    assert best.parameters == one.weights.shape[1]


@pytest.mark.parametrize(
    "model", thinned(["resnet(width=16)", "tabm(16, k=4)", "ft_transformer(head_width=4)", "wide_deep(16)"])
)
def test_every_model_learns_classes(model: str) -> None:
    target = train(classes(), job(run(model=model, loss="", epochs=12)), "float32").result.targets[0]
    assert target.best.metrics["log_loss"].value < 0.8 * target.baselines["constant"]["log_loss"].value


def test_batch_norm_gives_way_where_batches_are_small() -> None:
    """The run, its note and its batches; a batch of 16 is large enough."""
    runs = [
        run("small", "mlp(4, norm=batch)", batch_size=15, epochs=1),
        run("enough", "mlp(4, norm=batch)", batch_size=16, epochs=1),
        run("net", "resnet(width=4)", batch_size=1, epochs=1),
    ]
    result = train(numbers(60), job(*runs)).result
    norms = {each.name: each.run.model["norm"] for each in result.targets[0].runs}
    assert norms == {"small": "layer", "enough": "batch", "net": "layer"}
    notes = [note for note in result.notes if "norm" in note]
    assert [note.partition(":")[0] for note in notes] == ["small", "net"]
    assert "15" in notes[0]
    assert "16" in notes[0]


def test_features_are_told_apart() -> None:
    """Numbers and parts of dates measure; a category's columns belong together; flags and hashes are neither."""
    encoding = Encoding(
        (
            Coded("a", "standard", parts=("value", "missing")),
            Coded("k", "onehot", (("limit", 9),), ("=u", "=v", "other", "missing")),
            Coded("t", "text", parts=("#1", "#2")),
            Coded("d", "date", parts=("days", "week_sin", "week_cos")),
        )
    )
    assert features_of(encoding) == Features(11, (0, 8, 9, 10), ((2, 3, 4, 5),))


def test_boosted_trees_learn_on_the_same_folds_and_take_gaps_as_they_are() -> None:
    """Independently: fitted on every row but the fold's, with NaN, from the table itself."""
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.metrics import root_mean_squared_error

    data = mixed(200)
    target = train(data, job(run(epochs=1))).result.targets[0]
    frame = data.data.to_pandas()
    x = np.column_stack([frame["a"], frame["b"], *(frame["kind"] == kind for kind in "uvw"), frame["old"]]).astype(
        float
    )
    told = np.zeros(200)
    for fold in range(3):
        held = target.ledger.fold == fold
        told[held] = HistGradientBoostingRegressor(random_state=0).fit(x[~held], frame["y"][~held]).predict(x[held])
    found = target.baselines["boosted_trees"]["rmse"].value
    assert found == pytest.approx(root_mean_squared_error(frame["y"], told), rel=0.02)
    assert list(target.baselines) == ["constant", "linear", "boosted_trees"]


def test_many_rows_are_sampled_for_boosted_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xltrain.engine.baseline.MOST", 50)
    result = train(numbers(120), job(run(epochs=1))).result
    assert [note for note in result.notes if "50 of 80" in note]


@pytest.mark.usefixtures("folds_by_place")
def test_bins_know_nothing_of_held_out_rows() -> None:
    """Change every held-out value of a fold: its member has the same bits, bins included."""
    data = numbers(90)
    asked = job(run(model="mlp(8, embedding=piecewise_linear, resolution=6)", epochs=3))
    before = train(data, asked, "float32")
    folds = before.result.targets[0].ledger.fold
    values = {name: np.array(data.data.column(name).to_pylist()) for name in data.names}
    values["a"][folds == 1] *= -3
    after = train(table(values), asked, "float32").models["y"]
    plain = before.models["y"]
    for one, other in ((plain.weights, after.weights), (plain.buffers, after.buffers)):
        assert [bool((a == b).all()) for a, b in zip(one, other, strict=True)] == [False, True, False]
