"""Every cell of a job: its sheet, header, type, limits and default, declared once.

Reading, checking, dropdowns, header notes and the reference all come from here. The sentence for a field is the
message `about_SHEET_HEADER`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xltrain.config.settings import ARITHMETICS, DEVICES, IMBALANCES, LR_SCALES, ROLES, TASKS, TYPES
from xltrain.language import text
from xltrain.registry import AtLeast, Below, Limit


@dataclass(frozen=True)
class Field:
    """One header of a sheet.

    `type` is str (free text), int, float, bool, list (words separated by commas), `word` (one of `words`), `file`
    (a path relative to the job's folder), `limit` (a number or a date) or the kind of choice that a call in the cell
    names. `grid` fields may hold alternatives. `folded` ones start collapsed. `shown` ones are for the reader's eye and
    ignored by readers. `default` is the cell text of a new row.
    """

    sheet: str
    header: str
    type: Any
    default: Any = ""
    limits: tuple[Limit, ...] = ()
    words: tuple[str, ...] = ()
    grid: bool = False
    folded: bool = False
    shown: bool = False
    width: int = 14

    @property
    def about(self) -> str:
        """What the cell is for, in the current language."""
        return text(f"about_{self.sheet}_{self.header}".lower())


SEED_LIMIT = 2**31  # so that a seed per member can be derived in 64 bits

_FIELDS = (
    Field("Job", "name", str, "xltrain"),
    Field("Job", "task", "word", "auto", words=TASKS),
    Field("Job", "metric", "metrics"),
    Field("Job", "folds", int, 5, (AtLeast(2),)),
    Field("Job", "split", "splits"),
    Field("Job", "repeats", int, 1, (AtLeast(1),)),
    Field("Job", "seed", int, 0, (AtLeast(0), Below(SEED_LIMIT))),
    Field("Job", "device", "word", "auto", words=DEVICES),
    Field("Job", "arithmetic", "word", "float32", words=ARITHMETICS),
    Field("Job", "language", "word", "", words=("en", "zh")),
    Field("Job", "good_enough", str),
    Field("Job", "output", "file"),
    Field("Job", "decisions", "file"),
    Field("Sources", "path", "file", width=52),
    Field("Sources", "sheet", str, width=24),
    Field("Sources", "header", str, width=12),
    Field("Sources", "range", str, width=16),
    Field("Sources", "skip_rows", int, 0, (AtLeast(0),), width=12),
    Field("Columns", "name", str, width=26),
    Field("Columns", "role", "word", "", words=ROLES, width=12),
    Field("Columns", "type", "word", "", words=TYPES, width=12),
    Field("Columns", "encoder", "encoders", width=16),
    Field("Columns", "missing", list, width=16),
    Field("Columns", "aliases", list, width=24),
    Field("Columns", "min", "limit", None, width=11),
    Field("Columns", "max", "limit", None, width=11),
    Field("Columns", "allowed", list, width=20),
    Field("Columns", "unique", bool, False, width=9),
    Field("Columns", "sample_values", str, shown=True, width=44),
    Field("Columns", "missing_count", int, shown=True, width=14),
    Field("Columns", "distinct_count", int, shown=True, width=14),
    Field("Runs", "name", str, width=24),
    Field("Runs", "target", str, width=18),
    Field("Runs", "model", "models", "mlp", grid=True, width=40),
    Field("Runs", "loss", "losses", grid=True, width=30),
    Field("Runs", "note", str, width=56),
    Field("Runs", "optimizer", "optimizers", "adamw", grid=True, folded=True, width=26),
    Field("Runs", "schedule", "schedules", "warmup(5%) > cosine", grid=True, folded=True, width=24),
    Field("Runs", "epochs", int, 200, (AtLeast(1),), grid=True, folded=True, width=10),
    Field("Runs", "batch_size", int, 64, (AtLeast(0),), grid=True, folded=True, width=12),
    Field("Runs", "patience", int, 20, (AtLeast(0),), grid=True, folded=True, width=10),
    Field("Runs", "clip_norm", float, 1.0, (AtLeast(0),), grid=True, folded=True, width=11),
    Field("Runs", "clip_value", float, 0.0, (AtLeast(0),), grid=True, folded=True, width=11),
    Field("Runs", "accumulate", int, 1, (AtLeast(1),), grid=True, folded=True, width=12),
    Field("Runs", "lr_scale", "word", "none", words=LR_SCALES, grid=True, folded=True, width=10),
    Field("Runs", "sam", float, 0.0, (AtLeast(0),), grid=True, folded=True, width=8),
    Field("Runs", "ema", float, 0.0, (AtLeast(0), Below(1)), grid=True, folded=True, width=8),
    Field("Runs", "objective", "objectives", "none", grid=True, folded=True, width=18),
    Field("Runs", "imbalance", "word", "none", words=IMBALANCES, grid=True, folded=True, width=12),
    Field("Runs", "seed", int, 0, (AtLeast(0), Below(SEED_LIMIT)), grid=True, folded=True, width=8),
    Field("Runs", "warm_start", "file", folded=True, width=26),
    Field("Runs", "freeze", int, 0, (AtLeast(0),), grid=True, folded=True, width=8),
    Field("Runs", "search", "searches", folded=True, width=14),
    Field("Runs", "keep", bool, False, folded=True, width=8),
    Field("Shots", "book", "file", width=40),
    Field("Shots", "range", str, width=28),
    Field("Shots", "file", str, width=28),
    Field("Shots", "where", str, width=28),
    Field("Shots", "scale", float, 2.0, (AtLeast(0.1), Below(20.5)), width=8),
)

SHEETS = ("Job", "Sources", "Columns", "Runs", "Shots")
FIELDS: Mapping[str, Mapping[str, Field]] = {
    sheet: {field.header: field for field in _FIELDS if field.sheet == sheet} for sheet in SHEETS
}
# Headers of the template that say something to the reader and nothing to xltrain.
REMARKS = ("setting", "value", "about", "more_settings")
# The column that a row cannot do without: a row without any value is empty, and a table is known by this header.
KEYS = {"Sources": "path", "Columns": "name", "Runs": "model", "Shots": "range"}
