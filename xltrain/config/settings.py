"""What a job says, checked and typed. Everything here is frozen and knows its place in the job file.

The field names are the headers of the job's sheets.
"""

import importlib.util
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
NO_OBJECTIVE = Call("objectives", "none")
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
    numbers that mean "no value" here; `aliases` other headers of the same column.
    """

    name: str
    role: str = ""
    type: str = ""
    encoder: Call | None = None
    missing: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    place: Place | None = None


@dataclass(frozen=True)
class Run:
    """One configured training of one target; a grid in a cell has become several of these.

    An empty `target` stands for every target of the job; `loss` is empty where the task's default is meant.
    `batch_size` 0 is the whole training set; `patience` 0 never stops early; `clip_norm` and `clip_value` 0 never clip;
    `sam` and `ema` 0 are off. `joint` are the targets of a run that trains one network on several, `losses` theirs in
    that order, and `loss` is then empty. `search` is None in a run that a search has drawn.
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


@dataclass(frozen=True)
class Shot:
    """A picture to draw: a range of a book (empty: of the results) into a file name."""

    book: str
    range: str
    file: str
    place: Place | None = None


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
    sources: tuple[Source, ...] = ()
    columns: tuple[Column, ...] = ()
    runs: tuple[Run, ...] = ()
    shots: tuple[Shot, ...] = ()
    folder: Path = field(default_factory=Path)
    place: Place | None = None

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns if column.role == "target")
