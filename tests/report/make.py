"""A made-up result, so that reports can be tested without training."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

import xltrain.choices  # noqa: F401
from tests.calls import parse_call, parse_loss, parse_schedule
from xltrain.config.settings import Job, Run
from xltrain.data.table import Change, ColumnReport, Match, MergeReport, Origin, SourceReport, Table
from xltrain.engine.result import Curves, Ledger, Result, RunResult, Score, TargetResult
from xltrain.place import Place, Problem

ROWS = 60


def made_table(rows: int = ROWS) -> Table:
    rng = np.random.default_rng(0)
    data = pa.table(
        {
            "text": [f"=row {index}" if index % 2 else f"行 {index}" for index in range(rows)],
            "size": rng.normal(10, 2, rows),
            "price": rng.normal(100, 10, rows),
        }
    )
    letters = {"text": "A", "size": "B", "price": "D"}
    origins = (Origin("books/north's.xlsx", "Q1 '24", letters), Origin("books/south.xlsx", "数据", letters))
    return Table(data, origins, (np.arange(rows) % 2).astype(np.int32), np.arange(2, rows + 2, dtype=np.int32))


def made_merge() -> MergeReport:
    place = Place("books/south.xlsx", "数据", 7, 4)
    return MergeReport(
        (
            SourceReport(
                "books/south.xlsx",
                "数据",
                "A1:C61",
                (1,),
                2,
                61,
                61,
                60,
                dropped_by={"a total, not a row of data": 1},
                columns={"price": Match("价格", 0.85, "match_synonym")},
                missing=("size",),
            ),
        ),
        (ColumnReport("price", "number", 2, 60, 0, 1, 1),),
        (Change(place, "coerced", "=1,000", "1000", "text in a column of numbers"),),
        (Problem(place, "a doubt", "a step"),),
    )


def made_target(table: Table, classes: Sequence[str] = (), name: str = "price", unscored: int = 0) -> TargetResult:
    """Two runs; the ledger's losses differ, the last rows `unscored`."""
    rng = np.random.default_rng(1)
    rows = len(table)
    count = len(classes)
    loss = rng.exponential(1, rows)
    loss[rows - unscored :] = np.nan
    fold = (np.arange(rows) % 5).astype(np.int32)
    scored = np.where(np.isnan(loss), 0, 1).astype(np.int32)
    if classes:
        target = rng.integers(0, count, rows).astype(float)
        probability = rng.dirichlet(np.ones(count), rows)
        prediction = probability.argmax(1).astype(float)
        names = ("log_loss", "accuracy", "roc_auc", "balanced_accuracy", "f1")
    else:
        target = np.array(table.data.column("price").to_pylist())
        prediction, probability = target + rng.normal(0, 3, rows), None
        names = ("rmse", "mae", "median_absolute_error", "mape", "r2")
    prediction = np.where(np.isnan(loss), np.nan, prediction)
    ledger = Ledger(
        target,
        prediction,
        loss,
        100 * np.argsort(np.argsort(loss)) / rows,
        np.full(rows, np.nan),
        fold,
        scored,
        probability,
    )
    runs = tuple(_run(each, name, names, 0.1 * turn) for turn, each in enumerate(("best", "second")))
    scores = {metric: Score(0.6, 0.6, 0.05) for metric in names}
    task = "classification" if classes else "regression"
    return TargetResult(
        name, task, names[0], tuple(classes), "", runs, "best", ledger, {"constant": scores, "linear": scores}
    )


def _run(name: str, target: str, metrics: Sequence[str], worse: float) -> RunResult:
    run = Run(
        name,
        "",
        parse_call("models", "mlp(64)"),
        parse_loss("huber"),
        parse_call("optimizers", "adamw"),
        parse_schedule("warmup > cosine"),
    )
    scores = {metric: Score(0.3 + worse, 0.31 + worse, 0.02) for metric in metrics}
    epochs = np.arange(1.0, 31)
    curves = Curves(1 / epochs, 1.2 / epochs, 1e-3 * np.cos(epochs / 20))
    return RunResult(name, target, run, scores, scores, 20.0, 1.5, "patience", curves, 5, 1000)


def made_result(*targets: TargetResult) -> Result:
    return Result(targets, ROWS, "cpu", 12.0, 10, 2, ("text", "size"), ("a note",))


def made_job(folder: object) -> Job:
    from pathlib import Path

    return Job(name="made", folder=Path(str(folder)))
