"""Guided searches: the runs of the next wave, from how those before did on validation rows.

Each row of the Runs sheet that says `search=tpe(...)` is searched anew for each of its targets. What counts is only the
order of the runs, so a joint run is judged by the mean of its ranks over its targets, whatever their units. Held-out
rows have no say: they are scored when a run is, and not looked at here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from xltrain.config.settings import Dimension, Job, Point, Run, Search
from xltrain.engine.evaluate import Judged, scores
from xltrain.engine.goals import Goal
from xltrain.engine.loop import Course
from xltrain.registry import metrics

Found = Mapping[tuple[str, str], Sequence[Judged | Course]]  # the members of each run and target


class Searching:
    """The searches of a job on their way: which runs each has had, and what comes next."""

    def __init__(self, job: Job, goals: Sequence[Goal]) -> None:
        self.seed = job.seed
        self.rows: list[tuple[Search, tuple[str, ...], dict[str, Point]]] = []
        for search in job.searches:
            known: dict[tuple[str, ...], dict[str, Point]] = {}
            for run in job.runs:
                if run.name in search.points:
                    for targets in _targets(run, goals):
                        known.setdefault(targets, {})[run.name] = search.points[run.name]
            self.rows += [(search, targets, points) for targets, points in known.items()]
        self.names = {run.name for run in job.runs}
        self.found: list[Run] = []

    @property
    def waves(self) -> int:
        """How many waves there may be after the first."""
        return max((len(search.waves) for search, _, _ in self.rows), default=0)

    def next(self, wave: int, goals: Sequence[Goal], judged: Found) -> list[Run]:
        """The runs of a later wave, counted from 0."""
        found = []
        for index, (search, targets, points) in enumerate(self.rows):
            if wave >= len(search.waves):
                continue
            costs = _ranks(list(points), [goal for goal in goals if goal.name in targets], judged)
            known = list(zip(points.values(), costs, strict=True))
            for point in _proposed(search, known, wave, self.seed + index):
                run = next(run for run in search.runs_at(point) if targets in _targets(run, goals))
                run = replace(run, name=self._free(run.name), target=run.target or targets[0])
                points[run.name] = point
                found.append(run)
        self.found += found
        return found

    def _free(self, name: str) -> str:
        """A name that no run has."""
        free, number = name, 1
        while free in self.names:
            number += 1
            free = f"{name} #{number}"
        self.names.add(free)
        return free


def _targets(run: Run, goals: Sequence[Goal]) -> list[tuple[str, ...]]:
    """The targets that a run trains on: together, or each apart."""
    if run.joint:
        return [run.joint]
    return [(goal.name,) for goal in goals if run.target in ("", goal.name)]


def _ranks(names: Sequence[str], goals: Sequence[Goal], judged: Found) -> list[float]:
    """For each run the mean over targets of its rank by the metric on validation rows, 0 the best."""
    ranks = []
    for goal in goals:
        better = -1.0 if metrics[goal.metric].facts["better"] == "higher" else 1.0
        costs = []
        for name in names:
            members = judged.get((name, goal.name), [])
            told = [each.validation for each in members if isinstance(each, Judged)]
            whole = told and len(told) == len(members)
            costs.append(better * scores(told, goal.target)[goal.metric].mean if whole else np.inf)
        ranks.append(np.argsort(np.argsort(np.nan_to_num(costs, nan=np.inf, posinf=np.inf), kind="stable")))
    return [float(each) for each in np.mean(ranks, axis=0)]


def _proposed(search: Search, known: Sequence[tuple[Point, float]], wave: int, seed: int) -> list[Point]:
    """The points of the next wave. Bergstra et al., 2011, "Algorithms for hyper-parameter optimization"."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    space = {f"x{index}": _distribution(each) for index, each in enumerate(search.dimensions)}
    startup = max(2, len(search.points) // 2)  # the first wave was drawn at random already
    sampler = optuna.samplers.TPESampler(seed=seed + 7919 * wave, n_startup_trials=startup, constant_liar=True)
    study = optuna.create_study(sampler=sampler)
    for point, cost in known:
        params = {name: _param(each, value) for (name, each), value in zip(space.items(), point, strict=True)}
        study.add_trial(optuna.trial.create_trial(params=params, distributions=space, value=cost))
    found = []
    for _ in range(search.waves[wave]):
        params = study.ask(space).params
        given = [float(params[name]) for name in space]
        found.append(tuple(each.near(value) for each, value in zip(search.dimensions, given, strict=True)))
    return found


def _distribution(dimension: Dimension) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if dimension.choices:
        return CategoricalDistribution(range(dimension.choices))
    if dimension.whole:
        return IntDistribution(int(dimension.low), int(dimension.high), log=dimension.logarithmic)
    return FloatDistribution(dimension.low, dimension.high, log=dimension.logarithmic)


def _param(distribution: Any, value: float) -> Any:
    return value if type(distribution).__name__ == "FloatDistribution" else int(value)
