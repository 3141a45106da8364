"""From a job and a table to a result: members are planned, stacks trained, held-out rows scored once."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from xltrain.choices.models.layout import Features
from xltrain.config.settings import END, Column, Job, Run
from xltrain.data.balance import check_balance
from xltrain.data.encode import Encoding, Floats, Singles, State, limit_notes, plan_encoding
from xltrain.data.leaks import counter_notes, leak_notes, rare_notes
from xltrain.data.split import Draw, Part, identities
from xltrain.data.table import Table
from xltrain.engine.balanced import balance_members
from xltrain.engine.basis import with_basis
from xltrain.engine.checkpoint import Model
from xltrain.engine.device import arithmetic, check_arithmetic, describe, resolve, threads
from xltrain.engine.dynamics import affordable
from xltrain.engine.evaluate import Judged, judge, scores, standard
from xltrain.engine.forecast import forecast
from xltrain.engine.goals import Goal, read_goals, read_weight, with_default_loss, without_weightless
from xltrain.engine.last_period import last_period
from xltrain.engine.loop import Course, Report, train
from xltrain.engine.lr_range import choose_rates, is_auto, with_curves, with_rate
from xltrain.engine.moves import hidden_matrices
from xltrain.engine.objective import check_numeric
from xltrain.engine.outcome import model, target_result
from xltrain.engine.plan import Member, batch_work, features_of, layout_of, member_seed, plan, scale_of
from xltrain.engine.result import LastPeriod, LrRange, Result, TargetResult
from xltrain.engine.resume import Keeper, Print, fingerprint
from xltrain.engine.search import Searching
from xltrain.engine.stack import Arrays
from xltrain.engine.steady import steadied
from xltrain.engine.suspects import with_suspects
from xltrain.engine.together import apart, share_folds, spread, together
from xltrain.engine.warm import warmed
from xltrain.errors import ConfigError, TrainingError, XltrainError
from xltrain.events import Listener, Noted, Planned, Trained, ignore
from xltrain.language import text
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
) -> Fitted:
    """Train every run of a job on every target.

    Args:
        job: its runs, metric, split, folds, repeats, seed and device are read; sources are not.
        columns: role and type of every column of the table.
        keeper: where an unfinished fit is kept, and whether to go on with it.

    Raises:
        ConfigError, DataError: before training, with every problem found.
        TrainingError: nothing could be trained.
    """
    began = time.perf_counter()
    ready = _ready(job, table, columns, precision)
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
        trained = trained.and_then(_wave(job, _with_runs(ready, job, more), listen, keeper, trained.noted))
    goals, judged, interrupted = trained.goals, trained.judged, trained.interrupted

    done = [target_result(goal, judged, notes, raw, encoding, weight, table) for goal in goals]
    if interrupted:
        done = [each for each in done if each]
        if not done:
            raise TrainingError(Problem(job.place, text("stopped_before_any")))
    problems = [_all_diverged(goal) for goal, each in zip(goals, done, strict=False) if each is None]
    if problems:
        raise TrainingError(problems)
    found = [with_curves(each, trained.ranges) for each in done if each]
    found = with_suspects(found, judged, table, encoding, raw)
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


def _wave(job: Job, ready: "_Ready", listen: Listener, keeper: Keeper, noted: int = 0) -> _Trained:
    """Train the runs that are ready: all of a job, or those of one wave of its searches; `noted` as in _Trained."""
    arrays, device, dtype = ready.arrays, ready.device, ready.dtype
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
    ready = _ready(job, table, columns, precision)
    # A range test would find the rates of `lr=auto`; any rate takes the same time.
    members = [
        replace(member, run=with_rate(member.run, SOME_RATE)) if is_auto(member.run) else member
        for member in ready.members
    ]
    stacks = plan(members, ready.features, ready.device.type)
    planned = forecast(stacks, ready.arrays, ready.features, ready.device, ready.dtype, job.arithmetic)
    later = sum(sum(search.waves) * len(search.runs_at(next(iter(search.points.values())))) for search in job.searches)
    return replace(planned, later=later)


@dataclass(frozen=True)
class _Ready:
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


def _ready(job: Job, table: Table, columns: Sequence[Column], precision: str) -> _Ready:
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
    notes += counter_notes(table, encoding)
    for goal in goals:
        notes += leak_notes(table, encoding, raw, goal.target, goal.parts) + rare_notes(goal.target, goal.parts)
    features = features_of(encoding)
    check_numeric([run for goal in goals for run in goal.runs], features.numeric)
    if ends:
        goals = [replace(goal, runs=tuple(run for run in goal.runs if not run.name.endswith(END))) for goal in goals]
    known = identities(table, columns)
    return _arranged(_Ready(goals, notes, weight, encoding, raw, features, [], {}, device, dtype, known), job)


def _with_runs(ready: _Ready, job: Job, runs: Sequence[Run]) -> _Ready:
    """The same data, made ready for other runs."""
    goals = [replace(goal, runs=own) for goal in ready.goals if (own := _own(goal, runs))]
    return _arranged(replace(ready, goals=goals, notes=[]), job)


def _own(goal: Goal, runs: Sequence[Run]) -> tuple[Run, ...]:
    """Those of the runs that train a goal's target, each with its loss."""
    return tuple(with_default_loss(each, goal.task) for run in runs if (each := run.for_target(goal.name)))


def _arranged(ready: _Ready, job: Job) -> _Ready:
    """The members of the runs, and the data as they see it, on the device."""
    weight, encoding, raw = ready.weight, ready.encoding, ready.raw
    goals, notes = steadied(ready.goals)
    members, views, targets = _members(job, goals, encoding, raw, weight)
    members = together(members, goals, encoding, raw, views, targets)
    members, known = warmed(members, encoding, ready.identities, job.folder)
    notes += known + limit_notes(encoding, [member.state for member in members], raw)
    members = balance_members(members, encoding, views, targets)
    notes += _without_matrices(members, ready.features)
    arrays = _arrays(views, ready.features, targets, weight, ready.device, ready.dtype)
    return replace(ready, goals=goals, notes=[*ready.notes, *notes], members=members, arrays=arrays)


def _members(
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


def _arrays(
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


def _print(job: Job, ready: _Ready) -> Print:
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
    job: Job, result: TargetResult, ready: _Ready, later: Sequence[Run], table: Table, columns: Sequence[Column]
) -> LastPeriod | None:
    """The winner's configuration on the last period, trained on those before it; None where there are no periods."""
    goal = next(goal for goal in ready.goals if goal.name == result.target)
    found = last_period(table, columns, goal.target, job.split, ready.weight)
    winner = next(run for run in (*goal.runs, *_own(goal, later)) if run.name == result.winner)
    if found is None or winner.warm_start:  # what that began with may know the last period
        return None
    one = replace(goal, parts=(found.part,), runs=(winner,))
    members, views, targets = _members(job, [one], ready.encoding, ready.raw, ready.weight)
    try:
        members = balance_members(members, ready.encoding, views, targets)
    except XltrainError:  # classes too rare so early: their balance on the folds says nothing of it
        return None
    arrays = _arrays(views, ready.features, targets, ready.weight, ready.device, ready.dtype)
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
    runs = ", ".join(f"{run.name} (lr={number(run.optimizer['lr'])})" for run in goal.runs)
    place = next((run.place for run in goal.runs if run.place), None)
    return Problem(place, text("all_diverged", target=goal.name, runs=runs), text("all_diverged_hint"))
