"""What an unfinished fit leaves on the disk, so that `--resume` ends with the numbers of one that was never stopped.

Everything up to the stacks follows from job and data alone and is done again; what is kept are the rates that
`lr=auto` found, the courses of every finished stack, and the stack that is training as it stood after an epoch:
weights, optimizer state, averages, the generators of row order and dropout, best weights and curves. A file is complete
or not there, and says which fit it belongs to.
"""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from xltrain.engine.diverged import Divergence
from xltrain.engine.loop import Course, Mark
from xltrain.engine.lr_range import Chosen, with_rate
from xltrain.engine.plan import Member
from xltrain.engine.result import LrRange
from xltrain.engine.stack import Arrays, Stack
from xltrain.errors import ConfigError
from xltrain.language import text
from xltrain.lazy import torch
from xltrain.place import Place, Problem

SHARE = 0.05  # of the time that may go into keeping
FORMAT = 2  # with training dynamics
FIRST = 0.05  # seconds that the first writing is expected to take
OTHER = {"version": "resume_other_version", "job": "resume_other_job", "data": "resume_other_data"}
Print = dict[str, str]  # what a fit is known by, with the keys of OTHER
Tensors = dict[str, "torch.Tensor"]


class Keeper:
    """Keeps a fit in a folder, no more often than a share of the time allows; without a folder it keeps nothing."""

    def __init__(self, folder: Path | None = None, resume: bool = False, share: float = SHARE) -> None:
        """`share` of the time may go into keeping; 1 keeps every epoch."""
        self.folder, self.resume, self.share = folder, resume, share
        self._print_of: Callable[[], Print] = dict
        self._known: Print = {}
        self._began = time.perf_counter()
        self._spent, self._cost = 0.0, FIRST
        self._waiting: dict[str, tuple[Mapping[str, Any], Tensors]] = {}
        self._written = self._lost = False

    def begin(self, print_of: Callable[[], Print]) -> None:
        """Say which fit this is. ConfigError where another one was to be resumed."""
        self._print_of = print_of
        kept = self._any() if self.resume else None
        self.resume = kept is not None
        if kept is None:
            return
        changed = [word for word, value in self._prints().items() if kept["fit"].get(word) != value]
        if changed:
            message = text(OTHER[changed[0]])
            raise ConfigError(Problem(Place(str(self.folder)), message, text("resume_other_hint")))

    def rates(self, members: Sequence[Member]) -> Chosen | None:
        """The rates that were found before, None where they must be looked for."""
        if not (found := self._read(f"rates-{_name(members)}" if self.folder else "")):
            return None
        kept, _ = found
        changed = list(members)
        for index, lr in kept["rates"]:
            changed[index] = replace(members[index], run=with_rate(members[index].run, lr))
        ranges = {
            (run, target): LrRange(np.array(rates), np.array(loss), chosen)
            for run, target, rates, loss, chosen in kept["ranges"]
        }
        return Chosen(changed, ranges)

    def keep_rates(self, before: Sequence[Member], found: Chosen) -> Chosen:
        """Remember the rates found; gives them back."""
        pairs = enumerate(zip(before, found.members, strict=True))
        rates = [(index, new.run.optimizer["lr"]) for index, (old, new) in pairs if old.run is not new.run]
        ranges = [(*key, each.lr.tolist(), each.loss.tolist(), each.chosen) for key, each in found.ranges.items()]
        if rates:
            self._waiting[f"rates-{_name(before)}"] = {"rates": rates, "ranges": ranges}, {}
        return found

    def stack(
        self,
        members: Sequence[Member],
        arrays: Arrays,
        device: "torch.device",
        dtype: "torch.dtype",
        follow: bool = False,
    ) -> "Keeping":
        """A stack at its beginning, as it was kept, or already done; one that follows notes how rows are learnt."""
        courses, stack = [Course(member) for member in members], Stack(members, arrays, device, dtype)
        if follow:
            stack.follow()
        name = _name(members) if self.folder else ""
        if found := self._read(f"stack-{name}"):
            _read_courses(courses, *found)
            return Keeping(self, name, courses, stack, over=True)
        if (found := self._read("now")) and found[0]["stack"] == name:
            _read_courses(courses, *found)
            return Keeping(self, name, courses, stack, _put(stack, courses, *found))
        return Keeping(self, name, courses, stack)

    def affords(self) -> bool:
        """Whether there is time to write now."""
        if self.folder is None or self._lost:
            return False
        return self.share >= 1 or self._spent + self._cost <= self.share * (time.perf_counter() - self._began)

    def wait(self, name: str, kept: Mapping[str, Any], tensors: Tensors) -> None:
        """Write this together with what is written next."""
        if self.folder is not None and not self._lost:
            self._waiting[name] = kept, tensors

    def write(self, name: str, kept: Mapping[str, Any], tensors: Tensors) -> None:
        """Write what waits, then this; a disk that is full or gone costs the keeping, not the fit."""
        began = time.perf_counter()
        try:
            for each, parts in (*self._waiting.items(), (name, (kept, tensors))):
                self._write(each, *parts)
            self._waiting.clear()
        except OSError:
            self._lost = True
        self._cost = time.perf_counter() - began
        self._spent += self._cost

    def done(self) -> None:
        """Remove what was kept: the fit has ended."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _prints(self) -> Print:
        self._known = self._known or self._print_of()
        return self._known

    def _any(self) -> dict[str, Any] | None:
        """What any file in the folder says; None where there is none that can be read."""
        names = sorted(path.stem for path in self.folder.glob("*.safetensors")) if self.folder else []
        return next((found[0] for name in names if (found := self._read(name, any_fit=True))), None)

    def _write(self, name: str, kept: Mapping[str, Any], tensors: Tensors) -> None:
        from safetensors.torch import save

        assert self.folder is not None
        if not self.resume and not self._written and self.folder.is_dir():
            shutil.rmtree(self.folder)  # of an earlier fit that nobody went on with
        self.folder.mkdir(exist_ok=True)
        self._written = True
        apart = {key: value.detach().cpu().clone().contiguous() for key, value in tensors.items()}
        data = save(apart, {"xltrain": json.dumps({**kept, "fit": self._prints()})})
        temporary = self.folder / f".{name}.new"
        try:
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.folder / f"{name}.safetensors")
        finally:
            temporary.unlink(missing_ok=True)

    def _read(self, name: str, any_fit: bool = False) -> tuple[dict[str, Any], Tensors] | None:
        """A file of this fit; None where there is none or it cannot be read."""
        from safetensors import SafetensorError, safe_open

        path = self.folder / f"{name}.safetensors" if self.folder and self.resume else None
        if path is None or not path.exists():
            return None
        try:
            with safe_open(path, "pt") as file:
                kept = json.loads((file.metadata() or {})["xltrain"])
                # Copies, which neither hold the file nor stand in memory otherwise than those of the fit that was cut.
                tensors = {key: file.get_tensor(key).clone() for key in file.keys()}  # noqa: SIM118  (no mapping)
        except (OSError, SafetensorError, KeyError, ValueError):
            return None
        return (kept, tensors) if any_fit or kept["fit"] == self._prints() else None


@dataclass
class Keeping:
    """One stack of a fit that is kept. `mark` is where it goes on, `over` whether it was trained to its end before."""

    keeper: Keeper
    name: str
    courses: list[Course]
    stack: Stack
    mark: Mark | None = None
    over: bool = False

    def __call__(self, stack: Stack, mark: Mark) -> None:
        """At the end of an epoch: write down how things stand, where there is time."""
        if not self.keeper.affords():
            return
        kept = {
            "stack": self.name,
            "epoch": mark.epoch,
            "seconds": mark.seconds,
            "active": [next(i for i, each in enumerate(self.courses) if each is course) for course in mark.active],
            **_courses_kept(self.courses),
        }
        tensors = {"best": mark.best, "best_buffers": mark.best_buffers, **_tensors(stack), **_weights(self.courses)}
        self.keeper.write("now", kept, tensors)

    def done(self) -> None:
        """The stack has been trained to its end: written now, or together with what is written next."""
        if self.over:
            return
        keep = self.keeper.write if self.keeper.affords() else self.keeper.wait
        keep(f"stack-{self.name}", _courses_kept(self.courses), _weights(self.courses))


def fingerprint(job: Any, names: Any, arrays: Sequence["np.ndarray[Any, Any] | None"]) -> Print:
    """What a fit is known by: `job` by its text, the data by its bytes."""
    data = hashlib.sha256(repr(names).encode())
    for each in arrays:
        data.update(b"-" if each is None else str((each.shape, each.dtype)).encode())
        data.update(b"" if each is None else np.ascontiguousarray(each).data)
    return {
        "version": f"{version('xltrain')} torch {torch.__version__} format {FORMAT}",
        "job": hashlib.sha256(repr(job).encode()).hexdigest(),
        "data": data.hexdigest(),
    }


def _name(members: Sequence[Member]) -> str:
    """What a stack is called: its members say which it is, whenever it is trained."""
    runs = {id(each.run): repr(replace(each.run, place=None, note="", keep=False)) for each in members}
    said = [(runs[id(each.run)], each.target, each.part.repeat, each.part.fold, each.seed) for each in members]
    return hashlib.sha256(repr(said).encode()).hexdigest()[:16]


def _tensors(stack: Stack) -> Tensors:
    """Everything of a stack that its members do not say."""
    found = {name: getattr(stack, name) for name in ("weights", "buffers", "step", "clipped")}
    found |= {f"state.{name}": value for name, value in stack.state.items()}
    if stack.averages is not None:
        found |= {"averages.weights": stack.averages.weights, "averages.buffers": stack.averages.buffers}
    if stack.tally is not None:
        found |= {f"tally.{name}": value for name, value in stack.tally.sums.items()}
    found["noise"] = stack.noise.get_state()
    return found | {"generators": torch.stack([each.get_state() for each in stack.generators])}


def _put(stack: Stack, courses: list[Course], kept: Mapping[str, Any], tensors: Tensors) -> Mark:
    """Bring a fresh stack to where it was kept."""
    active: list[int] = kept["active"]
    if len(active) < len(courses):
        stack.keep(active)

    def at_home(name: str) -> "torch.Tensor":
        return tensors[name].to(stack.device)

    for name in ("weights", "buffers", "step", "clipped"):
        setattr(stack, name, at_home(name))
    stack.state = {name: at_home(f"state.{name}") for name in stack.state}
    if stack.averages is not None:
        stack.averages.weights, stack.averages.buffers = at_home("averages.weights"), at_home("averages.buffers")
    if stack.tally is not None:
        stack.tally.sums = {name: at_home(f"tally.{name}") for name in stack.tally.sums}
    stack.noise.set_state(tensors["noise"])
    for generator, state in zip(stack.generators, tensors["generators"], strict=True):
        generator.set_state(state.clone())
    chosen = [courses[index] for index in active]
    return Mark(kept["epoch"], chosen, at_home("best"), at_home("best_buffers"), kept["seconds"])


_APART = ("weights", "buffers", "dynamics")
_PLAIN = [each.name for each in fields(Course) if each.name not in ("member", "diverged", *_APART)]


def _courses_kept(courses: Sequence[Course]) -> dict[str, Any]:
    found = []
    for course in courses:
        lost = course.diverged
        rows = None if lost is None or lost.rows is None else lost.rows.tolist()
        diverged = None if lost is None else (lost.epoch, lost.step, rows)
        found.append({"diverged": diverged, **{name: getattr(course, name) for name in _PLAIN}})
    return {"courses": found}


def _weights(courses: Sequence[Course]) -> Tensors:
    """The best weights of the members that have finished, and how they learnt their rows."""
    return {
        f"{index}.{name}": value
        for index, course in enumerate(courses)
        for name in _APART
        if (value := getattr(course, name)) is not None
    }


def _read_courses(courses: Sequence[Course], kept: Mapping[str, Any], tensors: Tensors) -> None:
    for index, (course, said) in enumerate(zip(courses, kept["courses"], strict=True)):
        for name in _PLAIN:
            setattr(course, name, said[name])
        if said["diverged"]:
            epoch, step, rows = said["diverged"]
            course.diverged = Divergence(epoch, step, None if rows is None else np.array(rows, np.int64))
        course.plateau = (said["plateau"][0], said["plateau"][1])
        course.parts = [(one, other) for one, other in said["parts"]]
        for name in _APART:
            setattr(course, name, tensors.get(f"{index}.{name}"))
