"""Apply a trained model to new rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from xltrain.data.store import to_pandas, write_table
from xltrain.data.table import MergeReport, Table
from xltrain.engine.checkpoint import load_model
from xltrain.events import Listener, Wrote, ignore
from xltrain.language import label
from xltrain.report.merged import write_merge_sheets
from xltrain.workflow.merge import Sources, read_sources


@dataclass(frozen=True)
class Predicted:
    """The new rows with prediction and spread as further columns."""

    table: Table
    report: MergeReport
    output: Path | None
    target: str

    def to_pandas(self) -> Any:
        """The rows as a pandas DataFrame, places last."""
        return to_pandas(self.table)

    def summary(self) -> dict[str, Any]:
        """What `xltrain predict --json` prints."""
        return {
            "output": str(self.output) if self.output else None,
            "target": self.target,
            "rows": len(self.table),
            "doubts": [str(doubt) for doubt in self.report.doubts],
        }


def predict(
    model: str | Path,
    sources: Sources,
    output: str | Path | None = None,
    *,
    device: str = "auto",
    overwrite: bool = False,
    listen: Listener = ignore,
) -> Predicted:
    """Predict new rows with the members of a model together.

    Added columns: `TARGET prediction` (mean over members, the target's own unit; the most probable class), `TARGET
    spread` (standard deviation over members; of the predicted class's probability) and, for classes, one probability
    each.

    Args:
        model: a .safetensors file that `fit` wrote.
        sources: books, folders, globs or a pandas DataFrame with the columns the model was trained on.
        output: .xlsx, .parquet or .csv; None only returns the rows.

    Raises:
        WorkbookError: a file cannot be read or written.
        DataError: columns are missing.
    """
    trained = load_model(Path(model))
    table, report = read_sources(sources, columns=trained.columns, listen=listen)
    predicted = trained.predict(table, device)
    data = table.data
    target = trained.target
    added: list[tuple[str, Any]] = []
    if predicted.probability is None:
        added.append(("prediction", predicted.prediction))
    else:
        classes = pa.array(trained.classes)
        added.append(("prediction", classes.take(pa.array(predicted.prediction.astype("int64")))))
    added.append(("spread", predicted.spread))
    data = _append(data, [(f"{target} {label(word)}", values) for word, values in added])
    if predicted.probability is not None:
        shares = [
            (f"{target} {label('probability')} {name}", predicted.probability[:, index])
            for index, name in enumerate(trained.classes)
        ]
        data = _append(data, shares)
    done = Table(data, table.origins, table.origin, table.row)
    if output is not None:
        more = partial(write_merge_sheets, merge=report) if report.sources else None
        write_table(Path(output), done, overwrite=overwrite, more=more)
        listen(Wrote(str(output)))
    return Predicted(done, report, Path(output) if output is not None else None, target)


def _append(data: pa.Table, columns: Sequence[tuple[str, Any]]) -> pa.Table:
    for name, values in columns:
        data = data.append_column(name, pa.array(values))
    return data
