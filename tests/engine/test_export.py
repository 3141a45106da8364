"""Models as ONNX: every one of them says there what it says here."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.calls import parse_call
from tests.engine import make
from tests.engine.test_joint import TARGETS, joint, several
from xltrain.data.table import Table
from xltrain.engine import export
from xltrain.engine.checkpoint import Model
from xltrain.errors import ConfigError, TrainingError
from xltrain.registry import models

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")


@pytest.fixture(autouse=True)
def no_baselines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xltrain.engine.outcome.baselines", lambda *_: ({}, []))


def mixed(rows: int = 90) -> Table:
    rng = np.random.default_rng(0)
    a, big = rng.lognormal(0, 1, rows), rng.normal(2e6, 100, rows)
    kind, place = rng.choice(["u", "v", "w"], rows), rng.choice(list("abcdef"), rows)
    y = 500 + 100 * np.log(a) + 30 * (kind == "u") + rng.normal(0, 5, rows)
    gaps = [None if value < 0.3 else float(value) for value in a]
    return make.table({"a": gaps, "big": big, "kind": kind, "place": place, "y": y})


def trained(data: Table, encoders: dict[str, str] | None = None, **run: Any) -> Model:
    asked = make.job(make.run(epochs=2, **run), folds=2)
    columns = [
        replace(column, encoder=parse_call("encoders", encoders[column.name]))
        if encoders and column.name in encoders
        else column
        for column in make.columns(data, asked)
    ]
    return next(iter(make.fit(asked, data, columns).models.values()))


def session(graph: bytes) -> Any:
    return onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])


SMALL = {
    "linear": "linear",
    "mlp": "mlp(8, 8, norm=batch)",
    "resnet": "resnet(blocks=1, width=8)",
    "tabm": "tabm(8, k=3)",
    "ft_transformer": "ft_transformer(blocks=2, heads=2, head_width=4)",
    "wide_deep": "wide_deep(8)",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", list(models))
def test_every_model_can_be_exported(name: str) -> None:
    model = trained(mixed(), model=SMALL[name])
    graph = export.to_onnx(model)
    raw = export.example_rows(model.encoding, 33, seed=5)
    (given,) = session(graph).run(None, {"raw": raw})
    np.testing.assert_allclose(given, model.values(raw).mean(0), rtol=1e-5, atol=1e-5 * model.deviations.mean())


@pytest.mark.slow
def test_every_kind_of_encoding_is_inside() -> None:
    encoders = {"a": "quantile", "big": "piecewise", "kind": "frequency", "place": "target"}
    model = trained(mixed(), encoders, model="mlp(8, embedding=piecewise_linear)")
    assert not any(state.affine for state in model.states)
    graph = export.to_onnx(model)
    raw = model.encoding.raw(mixed())
    (given,) = session(graph).run(None, {"raw": raw})
    np.testing.assert_allclose(given, model.predict(mixed(), "cpu").prediction, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["cross_entropy", "ordinal", "binary_cross_entropy", "hinge"])
def test_classes_are_probabilities(loss: str) -> None:
    data = make.classes(60)
    if loss == "binary_cross_entropy":
        words = [{"red": "no"}.get(word, "yes") for word in data.data.column("y").to_pylist()]
        data = make.table({"a": data.data.column("a"), "b": data.data.column("b"), "y": words})
    model = trained(data, loss=loss)
    (given,) = session(export.to_onnx(model)).run(None, {"raw": model.encoding.raw(data)})
    np.testing.assert_allclose(given, model.predict(data, "cpu").probability, atol=1e-5)
    assert given.shape == (60, len(model.classes))


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["poisson", "gaussian_nll", "pinball(0.1, 0.5, 0.9)"])
def test_every_link_ends_in_the_unit_of_the_target(loss: str) -> None:
    model = trained(mixed(), loss=loss)
    (given,) = session(export.to_onnx(model)).run(None, {"raw": model.encoding.raw(mixed(20))})
    np.testing.assert_allclose(given, model.predict(mixed(20), "cpu").prediction, rtol=1e-5)


def test_batch_norm_is_folded_and_nothing_of_the_machine_is_told() -> None:
    model = trained(mixed(), model="mlp(8, 8, norm=batch)")
    graph = export.to_onnx(model)
    read = onnx.load_from_string(graph)
    onnx.checker.check_model(read)
    kinds = {node.op_type for node in read.graph.node}
    assert not kinds & {"Sqrt", "Reciprocal", "Div", "BatchNormalization"}
    for word in (str(Path.cwd()), str(Path.home()) + "/", "site-packages", ".py"):
        assert word.encode() not in graph
    told = json.loads({each.key: each.value for each in read.metadata_props}["xltrain"])
    assert [(each["column"], each["part"]) for each in told["features"]] == [
        (column.name, part) for column, part in model.encoding.features
    ]
    assert (told["target"], told["task"], len(told["members"])) == ("y", "regression", 2)


@pytest.mark.slow
def test_a_graph_that_says_something_else_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    model = trained(mixed(), model="linear")
    graph = export.to_onnx(model)
    other = replace(model, weights=model.weights * 1.001)
    monkeypatch.setattr(export, "_graph", lambda *_: graph)
    with pytest.raises(TrainingError, match="linear"):
        export.to_onnx(other)


def test_a_missing_package_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(ConfigError) as caught:
        export.check_onnx()
    (problem,) = caught.value.problems
    assert "onnxruntime" in problem.message
    assert "pip install onnx" in problem.hint


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS)
def test_one_target_of_a_joint_network(target: str) -> None:
    data, asked = several(60), make.job(joint(objective="uncertainty", epochs=2), target=TARGETS, folds=2)
    model = make.train(data, asked, "float32").models[target]
    (given,) = session(export.to_onnx(model)).run(None, {"raw": model.encoding.raw(data)})
    wanted = model.predict(data, "cpu")
    wanted = wanted.prediction if wanted.probability is None else wanted.probability
    np.testing.assert_allclose(given, wanted, rtol=1e-5, atol=1e-5 * model.deviations.mean())
