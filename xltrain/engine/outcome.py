"""What came of a fit: from the judged members of each run to the results, the ledger and the models."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from xltrain.choices.models.layout import Features
from xltrain.config.settings import Column, Run
from xltrain.data.encode import Encoding, Floats, Singles
from xltrain.data.split import Draw
from xltrain.data.table import Table
from xltrain.engine.baseline import baselines
from xltrain.engine.checkpoint import Model
from xltrain.engine.conformal import interval_of, with_intervals, with_margin
from xltrain.engine.diverged import diverged_note
from xltrain.engine.dynamics import BUDGET, averaged
from xltrain.engine.ensemble import ensemble_of
from xltrain.engine.evaluate import Judged, alike, extra_of, ledger, masks_of, scores
from xltrain.engine.goals import Goal
from xltrain.engine.importance import importance_of
from xltrain.engine.known import Known
from xltrain.engine.loop import Course
from xltrain.engine.objective import part_names
from xltrain.engine.plan import features_of, layout_of, scale_of
from xltrain.engine.result import Curves, Ledger, RunResult, Score, TargetResult
from xltrain.engine.selection import corrected_score
from xltrain.language import text
from xltrain.lazy import torch
from xltrain.registry import metrics


def target_result(
    goal: Goal,
    judged: Mapping[tuple[str, str], Sequence[Judged | Course]],
    notes: list[str],
    raw: Singles,
    encoding: Encoding,
    weight: Floats | None,
    table: Table,
) -> TargetResult | None:
    """Everything about one target; None when none of its runs has a result."""
    fair = alike({run.name: _judged(judged.get((run.name, goal.name), ())) for run in goal.runs})
    ranked = _ranked(goal, judged, fair, notes, encoding, table)
    if not ranked:
        return None
    winner = ranked[0][1]
    own = whole_ledger(goal, judged[winner.name, goal.name])
    note = text("note_no_dynamics", limit=BUDGET >> 20)
    if own.dynamics is None and note not in notes:
        notes.append(note)
    compared, more = baselines(raw, encoding, goal.target, goal.parts, goal.metric, weight)
    notes += more
    able = {result.name: fair[result.name] for value, result in ranked if np.isfinite(value)}
    told = _judged(judged[winner.name, goal.name]) if winner.name in able else []
    kept = [result.name for _, result in ranked[1:] if result.run.keep]
    return TargetResult(
        goal.name,
        goal.task,
        goal.metric,
        goal.target.classes,
        "",
        tuple(result for _, result in ranked),
        winner.name,
        own,
        compared,
        corrected_score(able, winner.name, goal.target, goal.metric),
        ensemble_of(able, goal.target, goal.metric),
        kept={name: whole_ledger(goal, judged[name, goal.name]) for name in kept},
        importance=importance_of(told, raw, encoding, goal.target, goal.metric, table, notes),
    )


def _ranked(
    goal: Goal,
    judged: Mapping[tuple[str, str], Sequence[Judged | Course]],
    fair: Mapping[str, Sequence[Judged]],
    notes: list[str],
    encoding: Encoding,
    table: Table,
) -> list[tuple[float, RunResult]]:
    """The runs that have a result, best first, each with what it is ranked by: infinite where rows are unscored."""
    better = -1.0 if metrics[goal.metric].facts["better"] == "higher" else 1.0
    ranked: list[tuple[float, RunResult]] = []
    for run in goal.runs:
        members = judged.get((run.name, goal.name), [])
        whole = _judged(members)
        lost = [member for member in members if not isinstance(member, Judged)]
        diverged = [course.diverged for course in map(_course, members) if course.diverged]
        if diverged:
            notes.append(diverged_note(run, diverged, len(members), table))
        if not whole or any(course.stopped == "interrupted" for course in lost) or len(members) < len(goal.parts):
            continue
        looked = scores([member.validation for member in fair[run.name]], goal.target)
        result = _run_result(goal, run, whole, looked, [_course(member) for member in members], features_of(encoding))
        value = better * result.validation[goal.metric].mean
        if lost:
            notes.append(text("note_unscored", run=run.name, target=goal.name))
        ranked.append((value if value == value and not lost else np.inf, result))
    return sorted(ranked, key=lambda pair: pair[0])  # stable: equal runs stay in the order of the sheet


def whole_ledger(goal: Goal, members: Sequence[Judged | Course]) -> Ledger:
    """The per-sample record of a run with everything that can be said of its rows."""
    found = ledger([each.held_out for each in _judged(members)], goal.target)
    found = with_margin(found) if goal.task == "classification" else with_intervals(found, _floor(members))
    courses = [each.course for each in _judged(members)]
    return replace(found, dynamics=averaged(courses, len(goal.target.values)))


def _floor(members: Sequence[Judged | Course]) -> float:
    """What no target of a run lies below: 0 where its loss is for such targets."""
    run = _course(members[0]).member.run
    return 0.0 if scale_of(run.loss[0].call) == "positive" else -np.inf


def _run_result(
    goal: Goal,
    run: Run,
    members: Sequence[Judged],
    looked: Mapping[str, Score],
    courses: Sequence[Course],
    features: Features,
) -> RunResult:
    stops = [course.stopped for course in courses]
    stopped = next((stop for stop in ("diverged", "interrupted") if stop in stops), max(set(stops), key=stops.count))
    layout = layout_of(run.model, features, members[0].course.member.network)
    return RunResult(
        run.name,
        goal.name,
        run,
        scores([member.held_out for member in members], goal.target),
        looked,
        float(np.mean([member.course.epoch for member in members])),
        float(sum(course.seconds for course in courses) / len(courses)),
        stopped,
        _curves(run, courses),
        len(courses),
        layout.size,
        float(np.mean([course.clipped for course in courses])),
        run.note,
    )


def _curves(run: Run, courses: Sequence[Course]) -> Curves:
    parts = {}
    for index, name in enumerate(part_names(run)):
        pairs = [course.parts[index] for course in courses if course.parts]
        parts[name] = (_mean_curve([one for one, _ in pairs]), _mean_curve([other for _, other in pairs]))
    training, validation, lr = (
        _mean_curve([getattr(course, name) for course in courses]) for name in ("training", "validation", "lr")
    )
    return Curves(training, validation, lr, parts)


def _mean_curve(curves: Sequence[Sequence[float]]) -> Floats:
    """The mean over members, epoch by epoch; one that has stopped keeps its last value, lest its absence be a step."""
    whole = [curve for curve in curves if len(curve)]
    longest = max((len(curve) for curve in whole), default=0)
    return np.array([np.mean([curve[min(epoch, len(curve) - 1)] for curve in whole]) for epoch in range(longest)])


def model(
    result: TargetResult,
    name: str,
    judged: Mapping[tuple[str, str], Sequence[Judged | Course]],
    columns: Sequence[Column],
    encoding: Encoding,
    identities: Draw,
) -> Model:
    """The members of one run on a target together."""
    courses = [each.course for each in _judged(judged[name, result.target])]
    members = [course.member for course in courses]
    run = members[0].run
    own = result.ledger if name == result.winner else result.kept[name]
    return Model(
        result.target,
        result.task,
        run.name,
        result.metric,
        result.classes,
        tuple(column for column in columns if column.name in encoding.names),
        encoding,
        run.model,
        members[0].link,
        members[0].network,
        torch.stack([course.weights for course in courses if course.weights is not None]),
        torch.stack([course.buffers for course in courses if course.buffers is not None]),
        tuple(member.state for member in members),
        np.array([member.mean for member in members]),
        np.array([member.deviation for member in members]),
        masks_of(members),
        part=(members[0].start, members[0].start + members[0].outputs) if members[0].width else None,
        extra=extra_of(members[0]),
        interval=None if result.classes else interval_of(own, _floor(judged[name, result.target])),
        known=Known.of(
            identities, [each.part for each in members], [each.warm.known if each.warm else None for each in members]
        ),
    )


def _judged(members: Sequence[Judged | Course]) -> list[Judged]:
    return [member for member in members if isinstance(member, Judged)]


def _course(member: Judged | Course) -> Course:
    return member.course if isinstance(member, Judged) else member
