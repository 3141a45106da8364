"""A model as an ONNX graph: raw features in, the mean prediction of all members out; docs/export.md says what is what.

Everything between is inside: each member's own encoding, its network, the link and the unit of the target.
"""

import contextlib
import json
import logging
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from xltrain.choices.models.embedding import place
from xltrain.choices.models.layers import EPS
from xltrain.choices.models.layout import Layout, Pass
from xltrain.choices.models.mlp import Mlp
from xltrain.data.encode import Encoding, Singles
from xltrain.engine.checkpoint import Model
from xltrain.engine.evaluate import meant
from xltrain.engine.plan import features_of, layout_of
from xltrain.engine.pool import pooled
from xltrain.errors import ConfigError, TrainingError
from xltrain.language import text
from xltrain.lazy import torch
from xltrain.place import Problem

OPSET = 20
CLOSE = 1e-5  # how near the graph must come to the model, beside the size of what is predicted
TRIED = 200  # random rows that both are asked about


def check_onnx() -> None:
    """ConfigError where the packages that write and run a graph are not installed."""
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise ConfigError(Problem(None, text("onnx_missing", name=error.name), text("onnx_missing_hint"))) from error


def to_onnx(model: Model) -> bytes:
    """The graph of a model, checked. TrainingError where it cannot be written or says something else."""
    check_onnx()
    raw = example_rows(model.encoding, TRIED)
    graph = _graph(model, raw)
    _check(model, graph, raw)
    return graph


def example_rows(encoding: Encoding, rows: int, seed: int = 0) -> Singles:
    """Random raw features of every kind, missing and unknown ones among them: (rows, features)."""
    rng = np.random.default_rng(seed)
    found = np.zeros((rows, len(encoding.features)), np.float32)
    start = 0
    for column in encoding.columns:
        block = found[:, start : start + len(column.parts)]
        if column.fact("table"):
            block[:] = rng.integers(-1, len(column.categories), (rows, 1))
            block[rng.random(rows) < 0.1] = np.nan
        elif column.reads == "category":
            which = rng.integers(-1, len(column.parts), rows)
            block[which >= 0, which[which >= 0]] = 1
        elif column.reads == "text":
            block[:] = rng.random(block.shape)
        else:
            block[:] = rng.normal(0, 2, (rows, 1))
            block[rng.random(rows) < 0.1] = np.nan
        if "missing" in column.parts:
            block[:, column.parts.index("missing")] = rng.random(rows) < 0.1
        start += len(column.parts)
    return found


def _graph(model: Model, raw: Singles) -> bytes:
    import onnx

    network = _network(model)
    rows = torch.from_numpy(raw[:7])
    try:
        with torch.no_grad(), _quietly():
            network(rows)  # what is made once and kept must not be made while the graph is traced
            program = torch.onnx.export(
                network,
                (rows,),
                input_names=["raw"],
                output_names=["probability" if model.classes else "prediction"],
                dynamic_shapes={"raw": {0: torch.export.Dim("rows")}},
                opset_version=OPSET,
                dynamo=True,
                verbose=False,
            )
            assert program is not None
            graph = program.model_proto
    except Exception as error:  # the exporter fails in as many ways as there are operations
        name, reason = str(model.call), " ".join(str(error).split())[:200]
        raise TrainingError(Problem(None, text("onnx_unable", model=name, reason=reason))) from error
    finally:
        place.cache_clear()
    _strip(graph)
    onnx.helper.set_model_props(graph, {"xltrain": json.dumps(describe(model), ensure_ascii=False)})
    graph.producer_name, graph.producer_version = "xltrain", model.version
    data: bytes = graph.SerializeToString()
    return data


def _check(model: Model, graph: bytes, raw: Singles) -> None:
    """Both must say the same, to a part of what they say and of the target's spread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    given = session.run(None, {"raw": raw})[0]
    wanted = model.values(raw).mean(0)
    size = 1.0 if model.classes else np.abs(wanted) + float(np.mean(model.deviations))
    off = float(np.max(np.abs(given - wanted) / size)) if given.shape == wanted.shape else np.inf
    if not off <= CLOSE:
        raise TrainingError(Problem(None, text("onnx_differs", model=str(model.call), off=f"{off:.2g}")))


def describe(model: Model) -> dict[str, Any]:
    """What one must know to use the graph; see docs/export.md."""
    features = []
    for column in model.encoding.columns:
        for part in column.parts:
            features.append(
                {
                    "column": column.name,
                    "part": part,
                    "encoder": str(column.call),
                    "reads": column.reads,
                    "center": column.center,
                    "spread": column.spread,
                    "categories": list(column.categories),
                }
            )
    return {
        "target": model.target,
        "task": model.task,
        "classes": list(model.classes),
        "run": model.run,
        "model": str(model.call),
        "link": model.link,
        "features": features,
        "members": [
            {
                "mean": float(mean),
                "deviation": float(deviation),
                "scale": state.scale.tolist(),
                "offset": state.offset.tolist(),
                "fill": state.fill.tolist(),
                "affine": state.affine,
            }
            for mean, deviation, state in zip(model.means, model.deviations, model.states, strict=True)
        ],
    }


def _network(model: Model) -> "torch.nn.Module":
    layout = layout_of(model.call, features_of(model.encoding), model.outputs)
    weights, buffers = dict(layout.views(model.weights)), layout.buffer_views(model.buffers)
    layout, weights = _folded(layout, weights, buffers)
    states, kind = model.states, model.weights.dtype

    def stacked(name: str) -> "torch.Tensor":
        return torch.from_numpy(np.stack([getattr(state, name) for state in states])).unsqueeze(1)

    scale, offset, fill = stacked("scale"), stacked("offset"), stacked("fill")
    mean, deviation = (torch.from_numpy(np.asarray(each)).unsqueeze(1) for each in (model.means, model.deviations))
    unseen = None if model.unseen is None else torch.from_numpy(model.unseen).unsqueeze(1)
    maps = _maps(model)

    class Network(torch.nn.Module):
        """(rows, features) -> (rows,) or (rows, classes)."""

        def forward(self, raw: "torch.Tensor") -> "torch.Tensor":
            view = raw.unsqueeze(0).expand(len(states), -1, -1)
            if maps:
                columns = [maps[index](raw[:, index]) if index in maps else view[..., index] for index in range(width)]
                view = torch.stack(columns, -1)
            x = torch.where(view.isnan(), fill, view.double() * scale + offset).to(kind)
            output = layout.forward(weights, x, Pass(False, {}, buffers))
            output = output if model.part is None else output[..., slice(*model.part)]
            output = pooled(output.double(), model.link)
            return meant(output, model.link, mean, deviation, unseen).mean(0)

    width = len(model.encoding.features)
    return Network().eval()


def _folded(
    layout: Layout, weights: "dict[str, torch.Tensor]", buffers: "dict[str, torch.Tensor]"
) -> "tuple[Layout, dict[str, torch.Tensor]]":
    """The same network without batch norm, where that comes right after a linear layer; elsewhere its statistics are
    constants, which the exporter makes one product and one sum of.
    """
    if not isinstance(layout, Mlp) or layout.norm != "batch":
        return layout, weights
    folded = dict(weights)
    for index in range(len(layout.hidden)):
        mean, variance = (buffers[f"{index}.{name}"].double() for name in ("mean", "variance"))
        scale = weights[f"{index}.norm.scale"].double() * torch.rsqrt(variance + EPS)
        kind = weights[f"{index}.weight"].dtype
        folded[f"{index}.weight"] = (weights[f"{index}.weight"].double() * scale).to(kind)
        folded[f"{index}.bias"] = (weights[f"{index}.norm.shift"].double() - mean * scale).to(kind)
    return replace(layout, norm="none"), folded


def _maps(model: Model) -> "dict[int, _Map]":
    """The maps that are not affine, by feature; each makes (members, rows) of the raw feature (rows,)."""
    found: dict[int, _Map] = {}
    for index in {index for state in model.states for index in (*state.knots, *state.tables)}:
        own = [state.knots.get(index) for state in model.states]
        tables = [state.tables.get(index) for state in model.states]
        found[index] = _Looked(tables) if any(each is not None for each in tables) else _Bent(own)
    return found


class _Map:
    """A map of one feature for all members; a member without one sees the feature as it is."""

    def __call__(self, raw: "torch.Tensor") -> "torch.Tensor":
        mapped = torch.where(self.has, self.map(raw.double().unsqueeze(0)).float(), raw)
        return torch.where(raw.isnan(), raw, mapped)

    has: "torch.Tensor"

    def map(self, x: "torch.Tensor") -> "torch.Tensor":
        raise NotImplementedError


class _Bent(_Map):
    """Piecewise linear between points, flat beyond them."""

    def __init__(self, knots: "list[tuple[Any, Any] | None]") -> None:
        self.has = torch.tensor([[each is not None] for each in knots])
        most = max(2, *(len(each[0]) for each in knots if each))
        points, values = np.full((len(knots), most), np.inf), np.zeros((len(knots), most))
        for member, each in enumerate(knots):
            if each is not None:
                points[member, : len(each[0])], values[member, : len(each[1])] = each
                values[member, len(each[1]) :] = each[1][-1]
        with np.errstate(invalid="ignore", divide="ignore"):
            slope = np.diff(values) / np.diff(points)
        last = [len(each[0]) - 1 if each else 0 for each in knots]
        rows = np.arange(len(knots))
        self.points, self.values = torch.from_numpy(points), torch.from_numpy(values)
        self.slope = torch.from_numpy(np.where(np.isfinite(slope), slope, 0.0))
        self.last = torch.tensor([[max(each - 1, 0)] for each in last])
        self.ends = [torch.from_numpy(each[:, None]) for each in (points[rows, last], values[rows, last])]

    def map(self, x: "torch.Tensor") -> "torch.Tensor":
        first = self.points[:, :1]
        x = torch.where(x < first, first, x)
        passed = (self.points.unsqueeze(1) <= x.unsqueeze(-1)).long().sum(-1) - 1
        at = torch.minimum(passed.clamp(min=0), self.last)
        begin, value, slope = (each.gather(1, at) for each in (self.points, self.values, self.slope))
        end, most = self.ends
        return torch.where(x >= end, most, (x - begin) * slope + value)


class _Looked(_Map):
    """A number for each category, the last for one that is unknown."""

    def __init__(self, tables: "list[Any]") -> None:
        self.has = torch.tensor([[each is not None] for each in tables])
        size = max(len(each) for each in tables if each is not None)
        self.table = torch.from_numpy(np.stack([np.zeros(size) if each is None else each for each in tables]))

    def map(self, x: "torch.Tensor") -> "torch.Tensor":
        unknown = self.table.shape[1] - 1
        code = torch.where(x.isnan() | (x < 0) | (x > unknown), unknown, x).long()
        return self.table.gather(1, code.expand(len(self.table), -1))


def _strip(graph: Any) -> None:
    """Take out what the exporter notes of the machine that it ran on: stack traces and paths."""
    for part in (graph.graph, *graph.functions):
        for each in (*part.node, *part.value_info, *getattr(part, "input", ()), *getattr(part, "output", ())):
            if hasattr(each, "metadata_props"):
                del each.metadata_props[:]
                each.doc_string = ""
        del part.metadata_props[:]
        part.doc_string = ""
    for each in graph.graph.initializer:
        del each.metadata_props[:]
    del graph.metadata_props[:]


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """The exporter warns of what it lacks for models of another kind."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
