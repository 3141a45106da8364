"""samples.parquet: everything that is known of every sample, for other programs and for the next run."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xltrain.data.fingerprint import fingerprints
from xltrain.data.table import Table
from xltrain.engine.result import Floats, Ledger, Result, Suspects, TargetResult

# Columns that are left out where no row has a value.
OPTIONAL = ("margin", "spread", "low", "high", "early_loss", "mean_loss", "loss_spread", "first_learnt", "forgotten")


def write_ledger(path: Path, result: Result, table: Table) -> None:
    """samples.parquet: the rows of the winner of each target, then those of every other run that is kept.

    Columns, always: file, sheet, row, column, cell (of the target), run, fold (from 1; null where never held out),
    target, prediction, loss (out of fold; null where no member may score the row), percentile, scored_by,
    fingerprint. Where known: `probability: CLASS`, margin, spread, low and high (90 % of targets), early_loss,
    mean_loss, loss_spread, first_learnt and forgotten (of training, see engine.result.Dynamics), `loss: TERM` for each
    term of a loss of several, `quantile 0.1` and `predicted spread` where the loss predicts them, and of the winner
    suspect, suggested, confidence, odd_column.
    """
    import pyarrow.parquet as pq

    texts = any(target.classes for target in result.targets)
    prints = fingerprints(table)
    parts = [
        _rows(target, run, ledger, table, texts, prints)
        for target in result.targets
        for run, ledger in ((target.winner, target.ledger), *target.kept.items())
    ]
    whole = pa.concat_tables(parts, promote_options="default")
    lost = [name for name in OPTIONAL if name in whole.column_names and whole.column(name).null_count == len(whole)]
    pq.write_table(whole.drop_columns(lost), path, compression="zstd")


def _rows(target: TargetResult, run: str, ledger: Ledger, table: Table, texts: bool, prints: pa.Array) -> pa.Table:
    """One run on one target. `texts`: targets and predictions are texts, since some target of the fit has classes."""
    index = pa.array(table.origin)
    letters = [origin.letters.get(target.target, "") for origin in table.origins]
    rows = pc.cast(pa.array(table.row), pa.string())
    letter = pa.array(letters, pa.string()).take(index)
    cells = pc.if_else(pc.equal(letter, ""), "", pc.binary_join_element_wise(letter, rows, ""))
    values: tuple[Any, Any] = (ledger.target, ledger.prediction)
    shown = [labels(target, each) if target.classes else pa.array(each, from_pandas=True) for each in values]
    if texts:
        shown = [pc.cast(each, pa.string()) for each in shown]
    found = {
        "file": pa.array([origin.file for origin in table.origins], pa.string()).take(index),
        "sheet": pa.array([origin.sheet for origin in table.origins], pa.string()).take(index),
        "row": pa.array(table.row),
        "column": _same(target.target, len(table)),
        "cell": cells,
        "run": _same(run, len(table)),
        "fold": pa.array(ledger.fold + 1, mask=ledger.fold < 0),
        "target": shown[0],
        "prediction": shown[1],
    }
    found |= dict(_numbers(target, ledger))
    if target.suspects is not None and run == target.winner:
        found |= dict(_suspects(target, target.suspects))
    return pa.table(found | {"fingerprint": prints})


def _numbers(target: TargetResult, ledger: Ledger) -> Iterator[tuple[str, pa.Array]]:
    if ledger.probability is not None:
        for index, name in enumerate(target.classes):
            yield f"probability: {name}", pa.array(ledger.probability[:, index], from_pandas=True)
    known = {name: getattr(ledger, name) for name in ("loss", "percentile", "margin", "spread", "low", "high")}
    if (dynamics := ledger.dynamics) is not None:
        known |= {"early_loss": dynamics.early, "mean_loss": dynamics.mean, "loss_spread": dynamics.spread}
        known |= {"first_learnt": dynamics.learnt, "forgotten": dynamics.forgotten}
    for name, values in known.items():
        yield name, pa.array(values, from_pandas=True)
    yield "scored_by", pa.array(ledger.scored_by)
    for name, values in ledger.parts.items():
        yield f"loss: {name}", pa.array(values, from_pandas=True)
    for name, values in ledger.extra.items():
        yield name, pa.array(values, from_pandas=True)


def _suspects(target: TargetResult, suspects: Suspects) -> Iterator[tuple[str, pa.Array]]:
    """`suggested` is a class; `odd_column` the column whose cell is odd, null where none is."""
    yield "suspect", pa.array(suspects.score, from_pandas=True)
    if target.classes:
        yield "suggested", labels(target, suspects.suggested)
        yield "confidence", pa.array(suspects.confidence, from_pandas=True)
    odd = suspects.odd_column
    names = pa.array([*suspects.columns, ""], pa.string())
    yield "odd_column", names.take(pa.array(np.maximum(odd, 0), mask=odd < 0))


def labels(target: TargetResult, codes: Floats) -> Any:
    """Class indices as their labels; NaN and -1 as null."""
    known = np.nan_to_num(codes, nan=-1).astype(np.int64)
    return pa.array(target.classes, pa.string()).take(pa.array(known, mask=known < 0))


def _same(value: str, rows: int) -> Any:
    return pa.array([value], pa.string()).take(pa.array(np.zeros(rows, np.int32)))
