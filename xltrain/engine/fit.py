"""From a job and a table to a result: members are planned, stacks trained, held-out rows scored once."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from xltrain.config.settings import Column, Job, Run
from xltrain.data.table import Table
from xltrain.engine.balanced import balance_members
from xltrain.engine.basis import with_basis
from xltrain.engine.causes import shared_causes
from xltrain.engine.checkpoint import Model
from xltrain.engine.device import arithmetic, describe, threads
from xltrain.engine.dynamics import affordable
from xltrain.engine.evaluate import Judged, judge, scores
from xltrain.engine.forecast import forecast
from xltrain.engine.goals import Goal
from xltrain.engine.last_period import last_period
from xltrain.engine.loop import Course, Report, train
from xltrain.engine.lr_range import choose_rates, is_auto, with_curves, with_rate
from xltrain.engine.outcome import model, target_result
from xltrain.engine.plan import Member, batch_work, plan
from xltrain.engine.ready import Ready, make_arrays, make_members, make_ready, own_runs, with_runs
from xltrain.engine.result import LastPeriod, LrRange, Result, TargetResult
from xltrain.engine.resume import Keeper, Print, fingerprint
from xltrain.engine.search import Searching
from xltrain.engine.stack import Arrays
from xltrain.engine.suspects import with_suspects
from xltrain.engine.together import apart, spread
from xltrain.errors import TrainingError, XltrainError
from xltrain.events import Listener, Noted, Planned, Trained, ignore
from xltrain.language import listed, text
from xltrain.lazy import torch
from xltrain.place import Problem
from xltrain.registry import number

SOME_RATE = 1e-3


@dataclass(frozen=True)
class Fitted:
    """The result as plain numbers, the model of each target, and those of other runs that the job keeps."""

    result: Result
    models: Mapping[str, Model]
    kept: tuple[Model, ...] = ()
    runs: tuple[Run, ...] = ()  # of the job, and those that its searches came to


def fit(
    job: Job,
    table: Table,
    columns: Sequence[Column],
    listen: Listener = ignore,
    precision: str = "float32",
    keeper: Keeper | None = None,
    right: npt.NDArray[np.int64] | None = None,
) -> Fitted:
    """Train every run of a job on every target.

    Args:
        job: its runs, metric, split, folds, repeats, seed and device are read; sources are not.
        columns: role and type of every column of the table.
        keeper: where an unfinished fit is kept, and whether to go on with it.
        right: positions of rows that a person has found right; they are part of no finding.

    Raises:
        ConfigError, DataError: before training, with every problem found.
        TrainingError: nothing could be trained.
    """
    began = time.perf_counter()
    ready = make_ready(job, table, columns, precision)
    notes, weight, encoding, raw = ready.notes, ready.weight, ready.encoding, ready.raw
    keeper = keeper or Keeper()
    keeper.begin(partial(_print, job, ready))
    trained = _wave(job, ready, listen, keeper)
    searching = Searching(job, ready.goals)
    for wave in range(searching.waves):
        if trained.interrupted:
            break
        more = searching.next(wave, trained.goals, trained.judged)
        listen(Noted(text("search_wave", wave=wave + 2, waves=searching.waves + 1, runs=len(more))))
        trained = trained.and_then(_wave(job, with_runs(ready, job, more), listen, keeper, trained.noted))
    goals, judged, interrupted = trained.goals, trained.judged, trained.interrupted

    done = [target_result(goal, judged, notes, raw, encoding, weight, table) for goal in goals]
    if interrupted:
        done = [each for each in done if each]
        if not done:
            raise TrainingError(Problem(job.place, text("stopped_before_any")))
    problems = [_all_diverged(goal) for goal, each in zip(goals, done, strict=False) if each is None]
    if problems:
        raise TrainingError(problems)
    found = [replace(each, leaks=ready.leaks[each.target]) for each in done if each]
    found = [with_curves(each, trained.ranges) for each in found]
    found, odd = with_suspects(found, judged, table, encoding, raw)
    causes = shared_causes(found, odd, table, right)
    if not interrupted:
        found = [
            replace(each, last_period=_last_period(job, each, ready, searching.found, table, columns)) for each in found
        ]
    models = {
        each.target: with_basis(model(each, each.winner, judged, columns, encoding, ready.identities), each, table)
        for each in found
    }
    kept = [
        with_basis(model(each, run.name, judged, columns, encoding, ready.identities), each, table)
        for each in found
        for run in each.runs
        if run.run.keep and run.name != each.winner
    ]
    result = Result(
        tuple(found),
        len(table),
        describe(ready.device),
        time.perf_counter() - began,
        trained.members,
        trained.stacks,
        encoding.names,
        tuple(notes),
        interrupted,
        causes,
        {column.name: column.encoder for column in encoding.columns},
    )
    return Fitted(result, models, tuple(kept), (*job.runs, *searching.found))


@dataclass(frozen=True)
class _Trained:
    """What the waves of a fit have come to: every run, and what it left."""

    goals: list[Goal]
    judged: dict[tuple[str, str], list[Judged | Course]]
    ranges: Mapping[tuple[str, str], LrRange]
    members: int
    stacks: int
    interrupted: bool

    @property
    def noted(self) -> int:
        """Bytes of how the rows were learnt."""
        courses = [each.course if isinstance(each, Judged) else each for some in self.judged.values() for each in some]
        return sum(course.dynamics.nbytes for course in courses if course.dynamics is not None)

    def and_then(self, later: "_Trained") -> "_Trained":
        more = {goal.name: goal.runs for goal in later.goals}
        goals = [replace(goal, runs=(*goal.runs, *more.get(goal.name, ()))) for goal in self.goals]
        members, stacks = self.members + later.members, self.stacks + later.stacks
        return _Trained(
            goals, self.judged | later.judged, {**self.ranges, **later.ranges}, members, stacks, later.interrupted
        )


def _wave(job: Job, ready: "Ready", listen: Listener, keeper: Keeper, noted: int = 0) -> _Trained:
    """Train the runs that are ready: all of a job, or those of one wave of its searches; `noted` as in _Trained."""
    arrays, device, dtype = ready.arrays, ready.device, ready.dtype
    asked = list(dict.fromkeys(member.run.name for member in ready.members if is_auto(member.run)))
    if asked:
        listen(Noted(text("lr_range_runs", count=len(asked), names=listed(asked[:3]))))
    with arithmetic(job.arithmetic, device):
        rated = keeper.rates(ready.members) or keeper.keep_rates(
            ready.members, choose_rates(ready.members, arrays, device, dtype)
        )
    rated = spread(rated, ready.members)
    members, goals = rated.members, rated.goals(ready.goals)
    stacks = plan(members, ready.features, device.type)
    listen(forecast(stacks, arrays, ready.features, device, dtype, job.arithmetic))
    follow = affordable(stacks, noted)
    judged, interrupted = _train(stacks, arrays, goals, device, dtype, listen, job.arithmetic, keeper, follow)
    return _Trained(goals, judged, rated.ranges, len(members), len(stacks), interrupted)


def plan_fit(job: Job, table: Table, columns: Sequence[Column], precision: str = "float32") -> Planned:
    """What `fit` would do with the same arguments, which raises the same of what is known before training."""
    ready = make_ready(job, table, columns, precision)
    # A range test would find the rates of `lr=auto`; any rate takes the same time.
    members = [
        replace(member, run=with_rate(member.run, SOME_RATE)) if is_auto(member.run) else member
        for member in ready.members
    ]
    stacks = plan(members, ready.features, ready.device.type)
    planned = forecast(stacks, ready.arrays, ready.features, ready.device, ready.dtype, job.arithmetic)
    later = sum(sum(search.waves) * len(search.runs_at(next(iter(search.points.values())))) for search in job.searches)
    return replace(planned, later=later)


def _train(
    stacks: Sequence[Sequence[Member]],
    arrays: Mapping[str, Arrays],
    goals: Sequence[Goal],
    device: "torch.device",
    dtype: "torch.dtype",
    listen: Listener,
    asked: str,
    keeper: Keeper,
    follow: bool = False,
) -> tuple[dict[tuple[str, str], list[Judged | Course]], bool]:
    """Train one stack after the other; for each run and target its members, judged where they have weights.

    `follow` notes how each learns its rows.
    """
    found: dict[tuple[str, str], list[Judged | Course]] = {}
    targets = {goal.name: goal.target for goal in goals}
    for index, members in enumerate(stacks):
        data = arrays[members[0].task]
        kept = keeper.stack(members, data, device, dtype, follow)
        courses, interrupted = kept.courses, False
        with threads(batch_work(members, kept.stack.layout)):
            if not kept.over:
                report = _reporter(listen, index + 1, len(stacks), courses)
                with arithmetic(asked, device):
                    interrupted = train(kept.stack, courses, report, kept, kept.mark)
            if not interrupted:
                kept.done()
            for group, own in apart(courses, arrays):
                judged = {id(each.course): each for each in judge(group, targets, own, device)}
                for course in group:
                    key = (course.member.run.name, course.member.target)
                    found.setdefault(key, []).append(judged.get(id(course), course))
        if interrupted:
            return found, True
    return found, False


def _print(job: Job, ready: Ready) -> Print:
    """What this fit is known by: whatever its numbers depend on."""
    said = replace(job, name="", folder=Path(), place=None, sources=(), columns=(), shots=(), output="", language="")
    runs = [[replace(run, place=None, note="", keep=False) for run in goal.runs] for goal in ready.goals]
    names = [*ready.encoding.to_json(), *((goal.name, goal.task, goal.target.classes) for goal in ready.goals)]
    parts = [rows for goal in ready.goals for part in goal.parts for rows in (part.training, part.held_out)]
    targets = [goal.target.values for goal in ready.goals]
    later = [(search.call, search.dimensions, search.waves) for search in job.searches]
    about = (
        replace(said, runs=(), searches=()),
        runs,
        later,
        [goal.metric for goal in ready.goals],
        str(ready.dtype),
        ready.device.type,
    )
    begun = [member.warm.weights.numpy() for member in ready.members if member.warm]
    return fingerprint(about, names, [ready.raw, ready.weight, *targets, *parts, *begun])


def _last_period(
    job: Job, result: TargetResult, ready: Ready, later: Sequence[Run], table: Table, columns: Sequence[Column]
) -> LastPeriod | None:
    """The winner's configuration on the last period, trained on those before it; None where there are no periods."""
    goal = next(goal for goal in ready.goals if goal.name == result.target)
    found = last_period(table, columns, goal.target, job.split, ready.weight)
    winner = next(run for run in (*goal.runs, *own_runs(goal, later)) if run.name == result.winner)
    if found is None or winner.warm_start:  # what that began with may know the last period
        return None
    one = replace(goal, parts=(found.part,), runs=(winner,))
    members, views, targets = make_members(job, [one], ready.encoding, ready.raw, ready.weight)
    try:
        members = balance_members(members, ready.encoding, views, targets)
    except XltrainError:  # classes too rare so early: their balance on the folds says nothing of it
        return None
    arrays = make_arrays(views, ready.features, targets, ready.weight, ready.device, ready.dtype)
    with arithmetic(job.arithmetic, ready.device):
        members = choose_rates(members, arrays, ready.device, ready.dtype).members
    stacks = plan(members, ready.features, ready.device.type)
    judged, interrupted = _train(stacks, arrays, [one], ready.device, ready.dtype, ignore, job.arithmetic, Keeper())
    told = [each.held_out for group in judged.values() for each in group if isinstance(each, Judged)]
    if interrupted or not told:
        return None
    return LastPeriod(found.by, found.name, len(found.part.held_out), scores(told, goal.target))


def _reporter(listen: Listener, stack: int, stacks: int, courses: Sequence[Course]) -> Report:
    names = tuple(dict.fromkeys(course.member.run.name for course in courses))
    epochs = max(course.member.run.epochs for course in courses)

    def report(epoch: int, active: Sequence[Course], seconds: float) -> None:
        loss = float(np.mean([course.validation[-1] for course in active]))
        best = float(np.mean([course.best for course in active]))
        left = seconds / epoch * (epochs - epoch)
        listen(Trained(stack, stacks, names, epoch, epochs, len(active), len(courses), loss, best, left))

    return report


def _all_diverged(goal: Goal) -> Problem:
    runs = listed(f"{run.name} (lr={number(run.optimizer['lr'])})" for run in goal.runs)
    place = next((run.place for run in goal.runs if run.place), None)
    return Problem(place, text("all_diverged", target=goal.name, runs=runs), text("all_diverged_hint"))
