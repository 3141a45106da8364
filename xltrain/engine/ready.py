"""Everything that is known before the first step: goals, members, and the data as they see it, on the device."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from xltrain.choices.models.layout import Features
from xltrain.config.settings import END, Column, Job, Run
from xltrain.data.balance import check_balance
from xltrain.data.encode import Encoding, Floats, Singles, State, limit_notes, plan_encoding
from xltrain.data.leaks import Leaks, counter_notes, find_leaks, huge_notes, rare_notes
from xltrain.data.split import Draw, Part, identities
from xltrain.data.table import Table
from xltrain.engine.balanced import balance_members
from xltrain.engine.device import check_arithmetic, resolve
from xltrain.engine.evaluate import standard
from xltrain.engine.goals import Goal, read_goals, read_weight, with_default_loss, without_weightless
from xltrain.engine.moves import hidden_matrices
from xltrain.engine.objective import check_numeric
from xltrain.engine.plan import Member, features_of, layout_of, member_seed, scale_of
from xltrain.engine.stack import Arrays
from xltrain.engine.steady import steadied
from xltrain.engine.together import share_folds, together
from xltrain.engine.warm import warmed
from xltrain.errors import ConfigError
from xltrain.language import text
from xltrain.lazy import torch
from xltrain.place import Problem


@dataclass(frozen=True)
class Ready:
    """Everything that is known before the first step."""

    goals: list[Goal]
    notes: list[str]
    weight: Floats | None
    encoding: Encoding
    raw: Singles
    features: Features
    members: list[Member]
    arrays: dict[str, Arrays]
    device: "torch.device"
    dtype: "torch.dtype"
    identities: Draw
    leaks: Mapping[str, Leaks] = field(default_factory=dict)  # of each target, by its name


def make_ready(job: Job, table: Table, columns: Sequence[Column], precision: str) -> Ready:
    """Check a job against its data and lay out its members. ConfigError, DataError with every problem found."""
    ends = [run for search in job.searches for run in search.ends]
    job = replace(job, runs=(*job.runs, *ends))
    wrong = [Problem(run.place, message) for run in job.runs for _, message in run.conflicts()]
    if wrong:
        raise ConfigError(wrong)
    device = resolve(job.device, job.place)
    check_arithmetic(job.arithmetic, device, job.place)
    dtype = getattr(torch, precision)
    goals, notes = read_goals(job, table, columns)
    goals = share_folds(job, table, columns, goals)
    weight, more = read_weight(table, columns)
    if weight is not None:
        goals, weightless = without_weightless(goals, weight, table, columns)
        more += weightless
    encoding, left_out = plan_encoding(table, columns, max(goal.target.outputs for goal in goals))
    check_balance([run for goal in goals for run in goal.runs], encoding, weight is not None)
    notes += more + left_out
    raw = encoding.raw(table)
    notes += counter_notes(table, encoding) + huge_notes(table, encoding)
    leaks = {goal.name: find_leaks(table, encoding, raw, goal.target, goal.parts) for goal in goals}
    for goal in goals:
        notes += leaks[goal.name].notes(goal.target.name) + rare_notes(goal.target, goal.parts)
    features = features_of(encoding)
    check_numeric([run for goal in goals for run in goal.runs], features.numeric)
    if ends:
        goals = [replace(goal, runs=tuple(run for run in goal.runs if not run.name.endswith(END))) for goal in goals]
    known = identities(table, columns)
    return _arranged(Ready(goals, notes, weight, encoding, raw, features, [], {}, device, dtype, known, leaks), job)


def with_runs(ready: Ready, job: Job, runs: Sequence[Run]) -> Ready:
    """The same data, made ready for other runs."""
    goals = [replace(goal, runs=own) for goal in ready.goals if (own := own_runs(goal, runs))]
    return _arranged(replace(ready, goals=goals, notes=[]), job)


def own_runs(goal: Goal, runs: Sequence[Run]) -> tuple[Run, ...]:
    """Those of the runs that train a goal's target, each with its loss."""
    return tuple(with_default_loss(each, goal.task) for run in runs if (each := run.for_target(goal.name)))


def _arranged(ready: Ready, job: Job) -> Ready:
    """The members of the runs, and the data as they see it, on the device."""
    weight, encoding, raw = ready.weight, ready.encoding, ready.raw
    goals, notes = steadied(ready.goals)
    members, views, targets = make_members(job, goals, encoding, raw, weight)
    members = together(members, goals, encoding, raw, views, targets)
    members, known = warmed(members, encoding, ready.identities, job.folder)
    notes += known + limit_notes(encoding, [member.state for member in members], raw)
    members = balance_members(members, encoding, views, targets)
    notes += _without_matrices(members, ready.features)
    arrays = make_arrays(views, ready.features, targets, weight, ready.device, ready.dtype)
    return replace(ready, goals=goals, notes=[*ready.notes, *notes], members=members, arrays=arrays)


def make_members(
    job: Job, goals: Sequence[Goal], encoding: Encoding, raw: Singles, weight: Floats | None
) -> tuple[list[Member], list[Singles], dict[str, list[Floats]]]:
    """Every member, the distinct views of the features, and the distinct targets of each task as members see them."""
    states: dict[bytes, tuple[State, int]] = {}
    views: list[Singles] = []
    targets: dict[str, list[Floats]] = {}
    members = []
    for goal in goals:
        wanted = goal.target.wanted(encoding.outputs) if encoding.needs_target else None
        prepared: dict[str, list[tuple[Part, State, int, int, float, float, Floats | None]]] = {}
        known = targets.setdefault(goal.task, [])
        for part in goal.parts:
            key = part.training.tobytes() + (goal.name.encode() if encoding.needs_target else b"")
            if key not in states:
                state = encoding.state(raw, part.training, wanted)
                if not state.affine or not views:
                    views.append(state.view(raw, part.training))
                states[key] = (state, len(views) - 1)
            for scale in dict.fromkeys(scale_of(run.loss[0].call) for run in goal.runs):
                own = _standardised(goal, part, scale, known, weight)
                prepared.setdefault(scale, []).append((part, *states[key], *own))
        for run in goal.runs:
            for part, state, view, row, mean, deviation, counts in prepared[scale_of(run.loss[0].call)]:
                seed = member_seed(job.seed, run.seed, part)
                members.append(Member(run, goal.name, goal.task, part, seed, state, view, row, mean, deviation, counts))
    return members, views, targets


def _without_matrices(members: Sequence[Member], features: Features) -> list[str]:
    """A note on each run whose optimizer is for matrices that its model does not have."""
    asked = {each.run.name: each for each in members if each.run.optimizer.choice.facts.get("matrices")}
    return [
        text("note_no_hidden", run=name, optimizer=member.run.optimizer.name)
        for name, member in asked.items()
        if not hidden_matrices(layout_of(member.run.model, features, member.outputs))
    ]


def _standardised(
    goal: Goal, part: Part, scale: str, rows: list[Floats], weight: Floats | None
) -> tuple[int, float, float, Floats | None]:
    """Add the target of one fold to `rows`; where it stands there, its mean and deviation, and the class counts."""
    values = goal.target.values
    known = values[part.training]
    if goal.task == "classification":
        if not rows or rows[-1] is not values:
            rows.append(values)
        counts = np.bincount(known.astype(np.int64), minlength=len(goal.target.classes))
        return len(rows) - 1, 0.0, 1.0, counts.astype(np.float64)
    mean, deviation = standard(known, scale, None if weight is None else weight[part.training])
    rows.append(np.nan_to_num((values - mean) / deviation))
    return len(rows) - 1, mean, deviation, None


def make_arrays(
    views: Sequence[Singles],
    features: Features,
    targets: Mapping[str, Sequence[Floats]],
    weight: Floats | None,
    device: "torch.device",
    dtype: "torch.dtype",
) -> dict[str, Arrays]:
    """The data of each task on the device; the features are held once."""
    held = torch.from_numpy(np.stack(views)).to(device, dtype)
    gaps = bool(held.isnan().any())
    share = None if weight is None else torch.from_numpy(weight).to(device, dtype)
    arrays = {}
    for task, rows in targets.items():
        kind = torch.int64 if task == "classification" else dtype
        arrays[task] = Arrays(held, torch.from_numpy(np.stack(rows)).to(device, kind), share, gaps, features)
    return arrays
