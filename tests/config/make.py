"""Job workbooks written cell by cell, as a person would."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.books import write_sheets

GOOD: Mapping[str, Sequence[Sequence[Any]]] = {
    "Job": [["setting", "value"], ["name", "test"], ["folds", 5], ["metric", "rmse"]],
    "Sources": [["path"], ["data.xlsx"]],
    "Columns": [["name", "role", "type"], ["price", "target", "numeric"], ["size", "feature", "numeric"]],
    "Runs": [["name", "model", "loss", "optimizer"], ["one", "mlp", "mse", "adamw"]],
}


def write(path: Path, **sheets: Sequence[Sequence[Any]]) -> Path:
    """A good job with some sheets replaced."""
    return write_sheets(path, {**GOOD, **sheets})
