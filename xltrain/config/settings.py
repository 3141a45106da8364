"""What a job says, checked and typed. Everything here is frozen and knows its place in the job file.

The field names are the headers of the job's sheets.
"""

import importlib.util
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from xltrain.language import text
from xltrain.place import Place
from xltrain.registry import AUTO, Call, Term, number

ROLES = ("feature", "target", "weight", "group", "time", "id", "split", "ignore")
TYPES = ("numeric", "category", "boolean", "date", "text", "id")
TASKS = ("auto", "regression", "classification")
DEVICES = ("auto", "cpu", "cuda")
ARITHMETICS = ("float32", "tf32", "bfloat16")
IMBALANCES = ("none", "balanced", "oversample", "undersample", "smote", "smotenc")
LR_SCALES = ("none", "linear", "sqrt")
END = " …"  # of the name of a run that is only checked, so that it is no other's
NO_OBJECTIVE = Call("objectives", "none")
WIDE = 20  # a range that spans this factor is drawn from evenly in the logarithm
ALL = 0  # batch_size: every training row in one batch


@dataclass(frozen=True)
class Source:
    """Where rows come from: a file, folder or glob, relative to the job's folder, or a table of a database.

    `path` may name one thing of a book: `book.xlsx!Sales`, `book.xlsx!A3:F90`, an Excel table or a defined name.
    `sheet` is a glob over sheet names, empty for every sheet that holds a table; `header` are the rows of the header,
    None to have them found, (0,) for none; `range` is where the table stands on each sheet; `skip_rows` rows at the
    top are not looked at.
    """

    path: str
    sheet: str = ""
    header: tuple[int, ...] | None = None
    range: str = ""
    skip_rows: int = 0
    place: Place | None = None


@dataclass(frozen=True)
class Column:
    """One column of the dataset and what it is for.

    `type` and `role` may be empty in a job: then they are inferred from the values. `missing` lists the words and
    numbers that mean "no value" here; `aliases` other headers of the same column. `min` and `max` are the smallest and
    largest value that is right, numbers or dates (`2024-01-31`); `allowed` the only ones, where there are any; in a
    `unique` column no value stands twice.
    """

    name: str
    role: str = ""
    type: str = ""
    encoder: Call | None = None
    missing: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    place: Place | None = None
    min: float | str | None = None
    max: float | str | None = None
    allowed: tuple[str, ...] = ()
    unique: bool = False

    @property
    def limited(self) -> bool:
        """Whether anything is said of what its values may be."""
        return self.min is not None or self.max is not None or bool(self.allowed) or self.unique


def misplaced_aliases(columns: Sequence[Column]) -> list[tuple[str, str, str]]:
    """Column, alias and other column wherever an alias is the name of another column: one of the two stays empty."""
    names = {column.name.strip().casefold(): column.name for column in columns}
    told = [(each.name, alias, names.get(alias.strip().casefold(), "")) for each in columns for alias in each.aliases]
    return [(name, alias, other) for name, alias, other in told if other and other != name]


@dataclass(frozen=True)
class Run:
    """One configured training of one target; a grid in a cell has become several of these.

    An empty `target` stands for every target of the job; `loss` is empty where the task's default is meant.
    `batch_size` 0 is the whole training set; `patience` 0 never stops early; `clip_norm` and `clip_value` 0 never clip;
    `sam` and `ema` 0 are off. `joint` are the targets of a run that trains one network on several, `losses` theirs in
    that order, and `loss` is then empty. `warm_start` is a model file to begin with, relative to the job's folder, and
    `freeze` how many of its first layers stay as they are. `search` is None in a run that a search has drawn.
    """

    name: str
    target: str
    model: Call
    loss: tuple[Term, ...]
    optimizer: Call
    schedule: tuple[Call, ...]
    epochs: int = 200
    batch_size: int = 64
    patience: int = 20
    clip_norm: float = 1.0
    clip_value: float = 0.0
    accumulate: int = 1
    lr_scale: str = "none"
    sam: float = 0.0
    ema: float = 0.0
    objective: Call = NO_OBJECTIVE
    joint: tuple[str, ...] = ()
    losses: tuple[tuple[Term, ...], ...] = ()
    imbalance: str = "none"
    seed: int = 0
    warm_start: str = ""
    freeze: int = 0
    keep: bool = False
    search: Call | None = None
    note: str = ""
    place: Place | None = None

    def for_target(self, name: str) -> "Run | None":
        """What this run is to one target: of a joint run with that target's loss; None where it does not train it."""
        if not self.joint:
            return self if self.target in ("", name) else None
        if name not in self.joint:
            return None
        return replace(self, loss=self.losses[self.joint.index(name)] if self.losses else ())

    def conflicts(self) -> "list[tuple[str, str]]":
        """What of this run does not go together, each with the header where it would be mended."""
        found = []
        if self.optimizer.choice.facts.get("closure"):
            name = self.optimizer.name
            if self.batch_size != ALL:
                found.append(("batch_size", text("needs_all_rows", optimizer=name, found=self.batch_size)))
            if self.sam:
                found.append(("sam", text("sam_misfit", optimizer=name, found=number(self.sam))))
        if self.lr_scale != "none" and self.optimizer["lr"] == AUTO:
            found.append(("lr_scale", text("scale_with_auto", found=self.lr_scale)))
        if self.freeze and not self.warm_start:
            found.append(("freeze", text("freeze_cold", found=self.freeze)))
        if self.joint and self.warm_start:
            found.append(("warm_start", text("joint_warm")))
        return found + self._objective_conflicts()

    def _objective_conflicts(self) -> "list[tuple[str, str]]":
        """Whether the objective is for as many targets as there are, and for what is installed."""
        name, found = self.objective.name, []
        facts = {} if name == "none" else self.objective.choice.facts
        if self.joint and facts and not facts.get("joint"):
            found.append(("objective", text("objective_alone", objective=name, targets=self.target)))
        if facts.get("joint") and not self.joint:
            found.append(("objective", text("objective_several", objective=name)))
        lacking = [each for each in facts.get("needs", ()) if importlib.util.find_spec(each) is None]
        if lacking:
            found.append(("objective", text("objective_needs", objective=name, names=" ".join(lacking))))
        if facts.get("alone") and self.sam:
            found.append(("sam", text("objective_sam", objective=name, found=number(self.sam))))
        if facts.get("alone") and self.optimizer.choice.facts.get("closure"):
            found.append(("optimizer", text("objective_closure", objective=name, optimizer=self.optimizer.name)))
        if self.joint and self.imbalance not in ("none", "balanced"):
            found.append(("imbalance", text("joint_imbalance", found=self.imbalance)))
        return found


Point = tuple[float, ...]  # a number for each dimension


@dataclass(frozen=True)
class Dimension:
    """A number from `low` to `high`, or, where `choices` is above 0, one of so many alternatives, counted from 0."""

    low: float = 0.0
    high: float = 0.0
    whole: bool = False
    choices: int = 0

    @property
    def logarithmic(self) -> bool:
        return self.low > 0 and self.high >= WIDE * self.low

    def at(self, share: float) -> float:
        """The value at a share of the way, from 0 to 1: three digits, or a whole number."""
        if self.choices:
            return min(int(share * self.choices), self.choices - 1)
        low, high = (self.low - 0.5, self.high + 0.5) if self.whole else (self.low, self.high)
        if self.logarithmic:
            value = math.exp(math.log(low) * (1 - share) + math.log(high) * share)
        else:
            value = low * (1 - share) + high * share
        return self.near(value)

    def near(self, value: float) -> float:
        """A number as a run has it: three digits, or a whole number, within the range."""
        value = round(value) if self.whole or self.choices else float(f"{value:.3g}")
        return value if self.choices else min(max(value, self.low), self.high)


@dataclass(frozen=True)
class Search:
    """A row of the Runs sheet whose later runs are proposed from how the earlier ones did on validation rows.

    `points` are those of the first wave, by the names of its runs, which stand in the job; `waves` how many points each
    later wave has. `runs_at` makes the runs of a point, one for every target that the row names; `ends` are runs that
    together hold every alternative, to be checked beforehand and never trained.
    """

    call: Call
    dimensions: tuple[Dimension, ...]
    points: Mapping[str, Point]
    waves: tuple[int, ...]
    ends: tuple[Run, ...]
    runs_at: Callable[[Sequence[float]], list[Run]] = field(repr=False, compare=False)


@dataclass(frozen=True)
class Shot:
    """A picture to draw: a range of a book (empty: of the results) into a file name; with `where` only its rows that
    pass; `scale` pixels to one at 96 dpi.
    """

    book: str
    range: str
    file: str
    place: Place | None = None
    where: str = ""
    scale: float = 2.0


@dataclass(frozen=True)
class Job:
    """A whole job. `folder` is what relative paths are relative to."""

    name: str = "xltrain"
    task: str = "auto"
    metric: str = ""
    folds: int = 5
    split: Call | None = None
    repeats: int = 1
    seed: int = 0
    device: str = "auto"
    arithmetic: str = "float32"
    language: str = ""
    output: str = ""
    good_enough: str = ""
    decisions: str = ""
    sources: tuple[Source, ...] = ()
    columns: tuple[Column, ...] = ()
    runs: tuple[Run, ...] = ()
    searches: tuple[Search, ...] = ()
    shots: tuple[Shot, ...] = ()
    folder: Path = field(default_factory=Path)
    place: Place | None = None

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns if column.role == "target")
