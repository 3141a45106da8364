"""How well predictions did where the true value stands in the new rows already, beside the score out of fold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xltrain.data.table import Table
from xltrain.data.values import numbers, words
from xltrain.engine.result import Floats
from xltrain.excel.write import short
from xltrain.language import label, text
from xltrain.report.record import finite

MEASURES = {False: ("mae", "median_absolute_error"), True: ("accuracy",)}


@dataclass(frozen=True)
class Actual:
    """Rows that hold a value of the target, the measures over them in its own unit, and those of the training out of
    fold.
    """

    target: str
    rows: int
    found: Mapping[str, float]
    trained: Mapping[str, float] = field(default_factory=dict)

    def line(self) -> str:
        """In one sentence, both side by side."""
        shown = {name: f"{value:.1%}" if name == "accuracy" else short(value) for name, value in self.found.items()}
        known = {name: f"{value:.1%}" if name == "accuracy" else short(value) for name, value in self.trained.items()}
        trained = text("comma").join(text("actual_score", name=label(name), value=each) for name, each in known.items())
        told = {"target": self.target, "rows": f"{self.rows:,}", "trained": trained or "–"}
        if "accuracy" in shown:
            return text("actual_class", share=shown["accuracy"], **told)
        return text("actual_number", mean=shown["mae"], median=shown["median_absolute_error"], **told)

    def document(self) -> dict[str, Any]:
        """In JSON's types."""
        found = {name: finite(value) for name, value in self.found.items()}
        return {"rows": self.rows, **found, "trained": {name: finite(value) for name, value in self.trained.items()}}


def actual(
    target: str, classes: Sequence[str], scores: Mapping[str, float], table: Table, prediction: Floats
) -> Actual | None:
    """Hold predictions against what the rows say; None where none of them holds a value of the target.

    Args:
        scores: of the model, out of fold.
        prediction: (rows,) in the target's own unit, or the index of the class.
    """
    if target not in table.names:
        return None
    column = table.data.column(target)
    if classes:
        said = words(column)
        known = np.asarray(pc.is_valid(said).to_numpy(zero_copy_only=False), bool)
        codes = pc.index_in(said, value_set=pa.array(classes, pa.string()))
        true = pc.fill_null(codes, -1).to_numpy()
        found = {"accuracy": float(np.mean(true[known] == prediction[known]))} if known.any() else {}
    else:
        values = numbers(column)
        known = np.isfinite(values)
        errors = np.abs(values[known] - prediction[known])
        found = {"mae": float(errors.mean()), "median_absolute_error": float(np.median(errors))} if known.any() else {}
    if not found:
        return None
    trained = {name: scores[name] for name in MEASURES[bool(classes)] if name in scores}
    return Actual(target, int(known.sum()), found, trained)
