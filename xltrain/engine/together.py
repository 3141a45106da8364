"""Joint runs around the training: shared folds, members with blocks, and their say on each target."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from xltrain.config.settings import Column, Job
from xltrain.data.encode import Encoding, Floats, Singles, State, Target
from xltrain.data.split import Part, default_split, divide
from xltrain.data.table import Table
from xltrain.engine.goals import Goal
from xltrain.engine.loop import Course
from xltrain.engine.lr_range import Chosen
from xltrain.engine.plan import Member
from xltrain.engine.stack import Arrays
from xltrain.errors import DataError
from xltrain.language import listed, text
from xltrain.lazy import torch
from xltrain.place import Problem

JOINT = "joint"  # the task of a member that has several


def share_folds(job: Job, table: Table, columns: Sequence[Column], goals: Sequence[Goal]) -> list[Goal]:
    """The goals, those of one joint run with the same folds: a row held out for one target is held out for all.

    DataError where a target has no row in some fold's training, validation or held-out rows.
    """
    found = {goal.name: goal for goal in goals}
    for names in _groups(goals):
        group = [found[name] for name in names]
        for goal, parts in zip(group, _shared(job, table, columns, group), strict=True):
            found[goal.name] = replace(goal, parts=parts)
    return [found[goal.name] for goal in goals]


def _groups(goals: Sequence[Goal]) -> list[list[str]]:
    """The targets that joint runs tie together, each group in the order of the goals."""
    group = {goal.name: index for index, goal in enumerate(goals)}
    for joint in {run.joint for goal in goals for run in goal.runs if run.joint}:
        merged = {group[name] for name in joint}
        group = {name: min(merged) if index in merged else index for name, index in group.items()}
    each = [[name for name, index in group.items() if index == one] for one in dict.fromkeys(group.values())]
    return [names for names in each if len(names) > 1]


def _shared(job: Job, table: Table, columns: Sequence[Column], group: Sequence[Goal]) -> list[tuple[Part, ...]]:
    """The parts of each goal of a group: those of all their rows, divided by the classes of the first that has some."""
    first = next((goal for goal in group if goal.task == "classification"), group[0])
    known = np.zeros(len(table), bool)
    for goal in group:
        known[goal.target.rows] = True
    own = np.zeros(len(table), bool)
    own[first.target.rows] = True
    # A row without this target is one more class, or as near to the middle as can be.
    other = float(len(first.target.classes)) if first.target.classes else float(np.mean(first.target.values[own]))
    values = np.where(own, first.target.values, np.where(known, other, -1.0 if first.target.classes else np.nan))
    stand_in = Target(first.name, first.task, values, (*first.target.classes, "") if first.target.classes else ())
    split = job.split or default_split(first.task, columns)
    parts = divide(table, columns, stand_in, split, job.folds, job.repeats, job.seed)
    return [tuple(_of_target(table, goal, part) for part in parts) for goal in group]


def _of_target(table: Table, goal: Goal, part: Part) -> Part:
    """What a fold of all rows is to one target."""
    rows = {name: np.intersect1d(getattr(part, name), goal.target.rows) for name in _KINDS}
    lacking = next((name for name, each in rows.items() if not len(each)), "")
    if lacking:
        place = table.place(int(goal.target.rows[0]), goal.name)
        rule = text("joint_rows", name=goal.name, fold=part.fold + 1, rows=len(goal.target.rows))
        raise DataError(Problem(place, rule, text("joint_rows_hint")))
    return Part(part.repeat, part.fold, **rows)


_KINDS = ("training", "validation", "held_out")


def together(
    members: Sequence[Member],
    goals: Sequence[Goal],
    encoding: Encoding,
    raw: Singles,
    views: list[Singles],
    targets: dict[str, list[Floats]],
) -> list[Member]:
    """The members, those of one joint run and fold as one; their targets, NaN where empty, join `targets`."""
    values = {goal.name: goal.target.values for goal in goals}
    blocks: dict[tuple[str, int, int], list[Member]] = {}
    for member in members:
        if member.run.joint:
            blocks.setdefault((member.run.name, member.part.repeat, member.part.fold), []).append(member)
    found: list[Member] = []
    states: dict[bytes, tuple[State, int]] = {}
    for member in members:
        if not member.run.joint:
            found.append(member)
            continue
        own = blocks.pop((member.run.name, member.part.repeat, member.part.fold), None)
        if own:
            own.sort(key=lambda block: block.run.joint.index(block.target))
            found.append(_joint(own, values, encoding, raw, views, targets.setdefault(JOINT, []), states))
    return found


def _joint(
    blocks: Sequence[Member],
    values: Mapping[str, Floats],
    encoding: Encoding,
    raw: Singles,
    views: list[Singles],
    known: list[Floats],
    states: dict[bytes, tuple[State, int]],
) -> Member:
    first = blocks[0]
    rows = {name: _union([getattr(block.part, name) for block in blocks]) for name in _KINDS}
    part = Part(first.part.repeat, first.part.fold, **rows)
    state, view = first.state, first.view
    if not encoding.needs_target and len(part.training) != len(first.part.training):
        key = part.training.tobytes()
        if key not in states:
            made = encoding.state(raw, part.training, None)
            if not made.affine:
                views.append(made.view(raw, part.training))
            states[key] = made, 0 if made.affine else len(views) - 1
        state, view = states[key]
    start, own = 0, []
    width = sum(block.outputs for block in blocks)
    for block in blocks:
        whole = values[block.target]
        lacking = whole < 0 if block.classes else ~np.isfinite(whole)
        seen = whole if block.classes else (whole - block.mean) / block.deviation
        known.append(np.where(lacking, np.nan, seen))
        own.append(replace(block, state=state, view=view, start=start, width=width))
        start += block.outputs
    inner = tuple(replace(block, target_row=len(known) - len(own) + index) for index, block in enumerate(own))
    run = replace(first.run, loss=(), imbalance="none")
    names = listed(block.target for block in blocks)
    return Member(run, names, JOINT, part, first.seed, state, view, inner[0].target_row, blocks=inner)


def _union(rows: "Sequence[npt.NDArray[np.int64]]") -> "npt.NDArray[np.int64]":
    return np.unique(np.concatenate(list(rows)))


def apart(courses: Sequence[Course], arrays: Mapping[str, Arrays]) -> "Iterator[tuple[list[Course], Arrays]]":
    """The courses of a stack with the data they are judged by, those of a joint run once for each target."""
    first = courses[0].member
    rows = [course.member.part.training for course in courses]
    if not first.blocks:
        yield list(courses), arrays[first.task]
    for index, block in enumerate(first.blocks):
        own = [replace(course, member=_with_run(course.member, index)) for course in courses]
        for course, whole in zip(own, rows, strict=True):
            if course.weights is not None and first.learned:
                course.weights = course.weights[: -first.learned]
            if course.dynamics is not None:
                mine = torch.from_numpy(np.isin(whole, course.member.part.training))
                course.dynamics = course.dynamics[index : index + 1, :, mine]
        yield own, arrays[block.task]


def _with_run(member: Member, index: int) -> Member:
    """One block, of the network of its joint run and learned at its rate."""
    block = member.blocks[index]
    return replace(block, run=replace(block.run, model=member.run.model, optimizer=member.run.optimizer))


def spread(rated: Chosen, members: Sequence[Member]) -> Chosen:
    """The range tests of joint runs as those of each of their targets."""
    ranges = dict(rated.ranges)
    for member in members:
        found = ranges.get((member.run.name, member.target))
        if member.blocks and found:
            ranges |= {(member.run.name, block.target): found for block in member.blocks}
    return replace(rated, ranges=ranges)
