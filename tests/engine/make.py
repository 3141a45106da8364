"""Small tables and jobs for tests of the engine."""

from typing import Any

import numpy as np
import pyarrow as pa

import xltrain.choices  # noqa: F401
from tests.calls import parse_call, parse_loss, parse_schedule
from xltrain.config.settings import Column, Job, Run
from xltrain.data.columns import infer
from xltrain.data.table import Origin, Table
from xltrain.engine.fit import Fitted, fit
from xltrain.engine.result import Ledger


def table(columns: dict[str, Any]) -> Table:
    data = pa.table(columns)
    rows = data.num_rows
    letters = {name: chr(65 + index) for index, name in enumerate(columns)}
    origin = Origin("book.xlsx", "Data", letters)
    return Table(data, (origin,), np.zeros(rows, np.int32), np.arange(2, rows + 2, dtype=np.int32))


def numbers(rows: int = 120, seed: int = 0, noise: float = 0.1) -> Table:
    """y is linear in a and b with an offset for each kind."""
    rng = np.random.default_rng(seed)
    a, b = rng.normal(50, 10, rows), rng.normal(0, 1, rows)
    kind = rng.choice(["u", "v", "w"], rows)
    y = 3 * a + 5 * b + 20 * (kind == "u") + rng.normal(0, noise, rows)
    return table({"a": a, "b": b, "kind": kind, "y": y})


def classes(rows: int = 150, seed: int = 0) -> Table:
    """Three classes, one of them rare, separable but for noise."""
    rng = np.random.default_rng(seed)
    label = rng.choice(3, rows, p=(0.5, 0.4, 0.1))
    a, b = rng.normal(label * 2.0, 1.0), rng.normal((label == 1) * 2.0, 1.0)
    return table({"a": a, "b": b, "y": np.array(["red", "green", "blue"])[label]})


def run(
    name: str = "one", model: str = "mlp(16)", loss: str = "mse", optimizer: str = "adamw(lr=1e-2)", **more: Any
) -> Run:
    settings = {"epochs": 6, "batch_size": 16, "schedule": "warmup(5%) > cosine"} | more
    schedule = parse_schedule(str(settings.pop("schedule")))
    return Run(
        name,
        "",
        parse_call("models", model),
        parse_loss(loss) if loss else (),
        parse_call("optimizers", optimizer),
        schedule,
        **settings,
    )


def job(*runs: Run, target: str | tuple[str, ...] = "y", **more: Any) -> Job:
    names = (target,) if isinstance(target, str) else target
    columns = tuple(Column(name, role="target") for name in names)
    return Job(columns=columns, runs=runs or (run(),), **({"folds": 3, "device": "cpu"} | more))


def columns(data: Table, asked: Job) -> list[Column]:
    return infer(data, asked.columns, asked.targets)


def train(data: Table, asked: Job, precision: str = "float64", **more: Any) -> Fitted:
    return fit(asked, data, columns(data, asked), precision=precision, **more)


def ledger(fitted: Fitted, target: int = 0) -> Ledger:
    return fitted.result.targets[target].ledger
