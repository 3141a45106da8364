"""The model: the members of a target's winning run together, in one safetensors file with its schema in the header.

The header holds what predict needs and nothing about the person or machine that trained it.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from xltrain.choices.models.layout import Pass
from xltrain.config.settings import Column
from xltrain.data.encode import Encoding, Floats, State
from xltrain.data.table import Table
from xltrain.engine.basis import Basis
from xltrain.engine.conformal import Interval
from xltrain.engine.device import resolve
from xltrain.engine.evaluate import LINKS, extras, to_values
from xltrain.engine.known import Known
from xltrain.engine.plan import features_of, layout_of
from xltrain.engine.pool import pooled
from xltrain.errors import WorkbookError
from xltrain.language import text
from xltrain.lazy import torch
from xltrain.place import Place, Problem
from xltrain.registry import Call, encoders, models

FORMAT = 3  # 3 for a model of several targets, else as in 2
CHUNK = 1 << 14  # rows encoded and predicted at a time


@dataclass(frozen=True)
class Prediction:
    """What the members say of new rows; arrays have one entry per row.

    prediction: mean over members in the target's own unit, or the index of the most probable class. spread: standard
    deviation over members, of the prediction or of the predicted class's probability; NaN for a single member.
    probability: (rows, classes), None for regression. low, high: where 90 % of targets are expected, NaN where too few
    rows were held out to say; None for classification and from models that know no interval. extra: what the loss
    predicts besides, as in the ledger.
    """

    prediction: Floats
    spread: Floats
    probability: Floats | None = None
    low: Floats | None = None
    high: Floats | None = None
    extra: Mapping[str, Floats] = field(default_factory=dict)


@dataclass(frozen=True)
class Model:
    """Everything that turns new rows into predictions. `means`, `deviations`, `unseen` and `states` are per member.

    weights: (members, size). `part` says which outputs are this target's, where the network has several. `unseen`
    lowers the outputs of classes that a member never saw (members, outputs). `extra` names what the loss predicts
    besides; `interval` is made from errors out of fold. `known` says what the members did with the rows they met,
    `basis` what the rows were like; None in files of older versions.
    """

    target: str
    task: str
    run: str
    metric: str
    classes: tuple[str, ...]
    columns: tuple[Column, ...]
    encoding: Encoding
    call: Call
    link: str
    outputs: int
    weights: "torch.Tensor"
    buffers: "torch.Tensor"
    states: tuple[State, ...]
    means: Floats
    deviations: Floats
    unseen: Floats | None = None
    version: str = ""
    part: tuple[int, int] | None = None
    extra: tuple[str, ...] = ()
    interval: Interval | None = None
    known: Known | None = None
    basis: Basis | None = None

    def predict(self, table: Table, device: str = "auto") -> Prediction:
        """Predict every row. DataError names the columns that the table lacks."""
        where = resolve(device)
        raw = self.encoding.raw(table)
        parts = [self._told(raw[start : start + CHUNK], where) for start in range(0, max(len(raw), 1), CHUNK)]
        values = np.concatenate([each for each, _ in parts], 1)
        mean = values.mean(0)
        if self.classes:
            label = mean.argmax(1)
            own = values[:, np.arange(len(label)), label]
            return Prediction(label.astype(np.float64), _deviation(own), mean)
        extra = {name: np.concatenate([each[name] for _, each in parts]) for name in self.extra}
        low, high = self.interval.around(mean, extra) if self.interval else (None, None)
        return Prediction(mean, _deviation(values), None, low, high, extra)

    def values(self, raw: Any, device: "torch.device | None" = None) -> Floats:
        """What each member says of raw features: (members, rows) predictions or (members, rows, classes)
        probabilities.
        """
        return self._told(raw, device)[0]

    def _told(self, raw: Any, device: "torch.device | None" = None) -> tuple[Floats, dict[str, Floats]]:
        """As `values`, and what the loss predicts besides, the mean over members: each (rows,)."""
        layout = layout_of(self.call, features_of(self.encoding), self.outputs)
        told, more = [], []
        for index, state in enumerate(self.states):
            x = torch.from_numpy(state.apply(raw)).to(device, self.weights.dtype).unsqueeze(0)
            one = slice(index, index + 1)
            run = Pass(False, {}, layout.buffer_views(self.buffers[one].to(device)))
            with torch.no_grad():
                output = layout.forward(layout.views(self.weights[one].to(device)), x, run)
                output = output if self.part is None else output[..., slice(*self.part)]
                output = pooled(output.double(), self.link)[0].cpu()
            unseen = None if self.unseen is None else torch.from_numpy(self.unseen[index])
            told.append(to_values(output, self.link, self.means[index], self.deviations[index], unseen))
            more.append(extras(output, self.link, self.extra, self.means[index], self.deviations[index]))
        return np.stack(told), {name: np.mean([each[name] for each in more], 0) for name in self.extra}


def save_model(path: Path, model: Model) -> None:
    """Write a model under a temporary name and rename it when complete. WorkbookError when that cannot be."""
    from safetensors.torch import save

    header = {
        "format": FORMAT if model.part else 2,
        "version": version("xltrain"),
        "target": model.target,
        "task": model.task,
        "run": model.run,
        "metric": model.metric,
        "classes": model.classes,
        "columns": [_column_to_json(column) for column in model.columns],
        "encoding": model.encoding.to_json(),
        "model": str(model.call),
        "call": {"name": model.call.name, "values": dict(model.call.values)},
        "link": model.link,
        "outputs": model.outputs,
        **({"part": model.part} if model.part else {}),
        **({"extra": model.extra} if model.extra else {}),
        **({"interval": _interval_to_json(model.interval)} if model.interval else {}),
        **({"basis": model.basis.to_json()} if model.basis else {}),
        "states": [state.to_json() for state in model.states],
        "means": model.means.tolist(),
        "deviations": model.deviations.tolist(),
        "unseen": None if model.unseen is None else model.unseen.tolist(),
    }
    tensors = {"weights": model.weights.contiguous(), "buffers": model.buffers.contiguous()}
    if model.known:
        tensors["known.rows"] = torch.from_numpy(model.known.rows.view(np.int64))
        tensors["known.levels"] = torch.from_numpy(np.ascontiguousarray(model.known.levels))
    data = save(tensors, {"xltrain": json.dumps(header, ensure_ascii=False)})
    try:
        temporary = path.with_name(f".{path.name}.new")
        try:
            temporary.write_bytes(data)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise WorkbookError(
            Problem(Place(str(path)), text("system_refused", reason=error.strerror or str(error)))
        ) from error


def load_model(path: Path) -> Model:
    """Read a model. WorkbookError when the file is missing, cut short or no model."""
    from safetensors import SafetensorError, safe_open

    place = Place(str(path))
    try:
        with safe_open(path, "pt") as file:
            header = json.loads((file.metadata() or {})["xltrain"])
            # Copies, where they stand in memory as any tensor does: the last bit of a product may depend on that.
            weights, buffers = file.get_tensor("weights").clone(), file.get_tensor("buffers").clone()
            known = None
            if "known.rows" in file.keys():  # noqa: SIM118  (no mapping)
                rows, levels = (file.get_tensor(f"known.{name}").clone().numpy() for name in ("rows", "levels"))
                known = Known(rows.view(np.uint64), levels)
        if header["format"] > FORMAT:
            hint = text("model_newer_hint")
            raise WorkbookError(Problem(place, text("model_newer", version=header["version"]), hint))
        return replace(_from_header(header, weights, buffers), known=known)
    except OSError as error:
        raise WorkbookError(Problem(place, text("system_refused", reason=error.strerror or str(error)))) from error
    except (SafetensorError, KeyError, ValueError, TypeError, IndexError, AttributeError) as error:
        raise WorkbookError(Problem(place, text("model_unreadable"), text("model_unreadable_hint"))) from error


def _from_header(header: dict[str, Any], weights: "torch.Tensor", buffers: "torch.Tensor") -> Model:
    choice = models[header["call"]["name"]]
    many = [parameter.name for parameter in choice.parameters if parameter.many]
    values = {
        name: tuple(value) if isinstance(value, list) else value for name, value in header["call"]["values"].items()
    }
    call, wrong = choice.bind(
        tuple(item for name in many for item in values[name]),
        {name: value for name, value in values.items() if name not in many},
    )
    if wrong:
        raise ValueError(wrong)
    model = Model(
        header["target"],
        header["task"],
        header["run"],
        header["metric"],
        tuple(header["classes"]),
        tuple(_column_from_json(column) for column in header["columns"]),
        Encoding.from_json(header["encoding"]),
        call,
        header["link"],
        header["outputs"],
        weights,
        buffers,
        tuple(State.from_json(state) for state in header["states"]),
        np.array(header["means"]),
        np.array(header["deviations"]),
        None if header["unseen"] is None else np.array(header["unseen"]),
        header["version"],
        (int(header["part"][0]), int(header["part"][1])) if "part" in header else None,
        tuple(map(str, header.get("extra", ()))),
        _interval_from_json(header["interval"]) if "interval" in header else None,
        basis=Basis.from_json(header["basis"]) if "basis" in header else None,
    )
    if model.part and not 0 <= model.part[0] < model.part[1] <= model.outputs:
        raise ValueError(model.part)
    if model.link.partition(":")[0] not in LINKS:
        raise ValueError(model.link)
    layout = layout_of(call, features_of(model.encoding), model.outputs)
    members = len(model.states)
    buffers_size = len(layout.fresh_buffers())
    if weights.shape != (members, layout.size) or buffers.shape != (members, buffers_size):
        raise ValueError(weights.shape)
    if any(column.encoder not in encoders for column in model.encoding.columns):
        raise ValueError([column.encoder for column in model.encoding.columns])
    return model


def _column_to_json(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "role": column.role,
        "type": column.type,
        "missing": column.missing,
        "aliases": column.aliases,
    }


def _column_from_json(data: dict[str, Any]) -> Column:
    return Column(data["name"], data["role"], data["type"], None, tuple(data["missing"]), tuple(data["aliases"]))


def _interval_to_json(interval: Interval) -> dict[str, float | None]:
    """JSON has no infinity and no NaN."""
    return {name: value if math.isfinite(value) else None for name, value in vars(interval).items()}


def _interval_from_json(data: dict[str, float | None]) -> Interval:
    low, high, floor = data["low"], data["high"], data["floor"]
    none = math.nan
    return Interval(
        none if low is None else float(low),
        none if high is None else float(high),
        -math.inf if floor is None else float(floor),
    )


def _deviation(values: Sequence[Any] | Floats) -> Floats:
    values = np.asarray(values)
    return values.std(0, ddof=1) if len(values) > 1 else np.full(values.shape[1], np.nan)
