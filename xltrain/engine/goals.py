"""What is to be learned, checked before anything is trained: targets, tasks, losses, metrics and folds."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from xltrain.config.settings import Column, Job, Run
from xltrain.data.encode import Floats, Target, read_target, task_of
from xltrain.data.split import Part, default_split, divide
from xltrain.data.table import Table
from xltrain.data.values import empty, numbers, words
from xltrain.engine.objective import check_objective
from xltrain.engine.plan import meaning
from xltrain.errors import ConfigError, DataError, XltrainError
from xltrain.language import listed, text
from xltrain.place import Place, Problem
from xltrain.registry import Choice, ClassWeights, Registry, Term, losses, metrics, unknown

METRICS = {"regression": "rmse", "classification": "log_loss"}
SHOWN = 12  # classes that a note lists
LOSSES = {"regression": "mse", "classification": "cross_entropy"}


@dataclass(frozen=True)
class Goal:
    """One target with the runs that train it; every run names its loss."""

    target: Target
    metric: str
    parts: tuple[Part, ...]
    runs: tuple[Run, ...]

    @property
    def name(self) -> str:
        return self.target.name

    @property
    def task(self) -> str:
        return self.target.task


def read_goals(job: Job, table: Table, columns: Sequence[Column]) -> tuple[list[Goal], list[str]]:
    """Every target of the job, ready to train, and notes. ConfigError, DataError with every problem found."""
    wanted = [column for column in columns if column.role == "target"]
    if not wanted:
        raise ConfigError(Problem(job.place, text("target_none"), text("target_none_hint")))
    goals: list[Goal] = []
    notes: list[str] = []
    problems: list[Problem] = []
    errors: set[type[XltrainError]] = set()
    for column in wanted:
        try:
            goal = _goal(job, table, columns, column)
        except XltrainError as error:
            problems += error.problems
            errors.add(type(error))
            continue
        missing = len(table) - len(goal.target.rows)
        notes += [text("note_target_missing", count=missing, name=column.name)] if missing else []
        notes += _order_note(goal.runs, goal.target)
        goals.append(goal)
    if job.metric and goals and not any(goal.metric == job.metric for goal in goals):
        task = goals[0].task
        rule = text(
            "metric_misfit", metric=job.metric, other=metrics[job.metric].facts["task"], target=goals[0].name, task=task
        )
        problems.append(Problem(job.place, rule, text("loss_misfit_hint", known=_of_task(metrics, task))))
        errors.add(ConfigError)
    if problems:
        raise (DataError if DataError in errors else ConfigError)(problems)
    return goals, notes


def with_default_loss(run: Run, task: str) -> Run:
    """The run with its loss named."""
    return run if run.loss else replace(run, loss=(Term(1.0, losses.call(LOSSES[task])),))


def read_weight(table: Table, columns: Sequence[Column]) -> tuple[Floats | None, list[str]]:
    """The sample weights (rows,) of the column of role weight, and a note on empty ones. DataError."""
    name = _weight_column(table, columns)
    if not name:
        return None, []
    column = table.data.column(name)
    weight, lacking = numbers(column), empty(column)
    wrong = np.flatnonzero(~lacking & ~(weight >= 0))
    if len(wrong):
        row = int(wrong[0])
        rule = text("weight_bad", name=name, found=words(column)[row].as_py())
        raise DataError(Problem(table.place(row, name), rule, text("weight_bad_hint", count=len(wrong))))
    notes = [text("note_weight_missing", count=int(lacking.sum()), name=name)] if lacking.any() else []
    return np.where(lacking, 1.0, weight), notes


def without_weightless(
    goals: Sequence[Goal], weight: Floats, table: Table, columns: Sequence[Column]
) -> tuple[list[Goal], list[str]]:
    """The goals with no row of weight 0 to learn from or to validate on, and a note on them. DataError.

    Such rows are still scored: what they say about the model is as honest as before.
    """
    name = _weight_column(table, columns)
    changed, weightless = [], []
    for goal in goals:
        parts = []
        for part in goal.parts:
            training = part.training[weight[part.training] > 0]
            validation = part.validation[weight[part.validation] > 0]
            if not len(training):
                weightless.append(int(part.training[0]))
            # Where every validation row weighs nothing, they count alike: something must say when to stop.
            parts.append(
                replace(part, training=training, validation=validation if len(validation) else part.validation)
            )
        changed.append(replace(goal, parts=tuple(parts)))
    if weightless:
        message = text("weight_zero", name=name, folds=len(weightless))
        raise DataError(Problem(table.place(weightless[0], name), message))
    count = int((weight == 0).sum())
    return changed, [text("note_weight_zero", count=count, name=name)] if count else []


def _weight_column(table: Table, columns: Sequence[Column]) -> str:
    return next((column.name for column in columns if column.role == "weight" and column.name in table.names), "")


def _goal(job: Job, table: Table, columns: Sequence[Column], column: Column) -> Goal:
    name = column.name
    if name not in table.names:
        raise ConfigError(Problem(column.place, unknown(text("word_column"), name, table.names)))
    runs = [own for run in job.runs if (own := run.for_target(name))]
    if not runs:
        raise ConfigError(Problem(column.place, text("no_run_for_target", target=name)))
    target = read_target(table, name, _task(job, table, column, runs), column.allowed)
    problem = _check_target(table, target)
    if problem:
        raise DataError(problem)
    runs = [with_default_loss(run, target.task) for run in runs]
    problems = [problem for run in runs for problem in _check_run(run, target)]
    if problems:
        raise ConfigError(problems)
    problems = _check_values(table, runs, target)
    if problems:
        raise DataError(problems)
    split = job.split or default_split(target.task, columns)
    parts = divide(table, columns, target, split, job.folds, job.repeats, job.seed)
    fits = job.metric in metrics and metrics[job.metric].facts["task"] == target.task
    return Goal(target, job.metric if fits else METRICS[target.task], tuple(parts), tuple(runs))


def _task(job: Job, table: Table, column: Column, runs: Sequence[Run]) -> str:
    """The job's task; else what every loss given agrees on, where the values allow it; else by the values."""
    if job.task != "auto":
        return job.task
    named = {term.call.choice.facts["task"] for run in runs for term in run.loss}
    by_values = task_of(table, column)
    if named == {"regression"} and column.type == "numeric":
        return "regression"
    return "classification" if named == {"classification"} and _may_be_classes(table, column) else by_values


def _may_be_classes(table: Table, column: Column) -> bool:
    """Whether values can be labels: no measurements, which are fractions that hardly ever come twice."""
    values = numbers(table.data.column(column.name))
    known, counts = np.unique(values[np.isfinite(values)], return_counts=True)
    return column.type != "numeric" or bool((known == np.round(known)).all() or (counts > 1).all())


def _check_target(table: Table, target: Target) -> Problem | None:
    name, rows = target.name, target.rows
    column = table.data.column(name)
    lacking = empty(column)
    place = table.place(0, name) if len(table) else None
    if lacking.all():
        return Problem(place, text("target_empty", name=name), text("target_one_value_hint"))
    if target.task == "regression" and (wrong := np.flatnonzero(~lacking & np.isnan(target.values))).size:
        row = int(wrong[0])
        rule = text("target_not_numeric", name=name, value=words(column)[row].as_py())
        return Problem(table.place(row, name), rule, text("target_not_numeric_hint"))
    values, counts = np.unique(target.values[rows], return_counts=True)
    if len(values) < 2:
        shown = words(column)[int(rows[0])].as_py()
        return Problem(place, text("target_one_value", name=name, value=shown), text("target_one_value_hint"))
    if target.classes and (counts == 1).any():
        code = int(values[np.argmin(counts)])
        row = int(np.flatnonzero(target.values == code)[0])
        rule = text(
            "label_once", name=name, label=target.classes[code], count=int((counts == 1).sum()), labels=len(values)
        )
        return Problem(table.place(row, name), rule, text("label_once_hint"))
    return None


def _check_run(run: Run, target: Target) -> list[Problem]:
    """Whether a run's losses and switches fit the target."""
    place: Place | None = run.place
    problems = []
    for term in run.loss:
        facts, name = term.call.choice.facts, term.call.name
        if facts["task"] != target.task:
            rule = text("loss_misfit", loss=name, other=facts["task"], target=target.name, task=target.task)
            problems.append(Problem(place, rule, text("loss_misfit_hint", known=_of_task(losses, target.task))))
            continue
        if len(target.classes) > facts.get("most_classes", np.inf):
            rule = text(
                "loss_classes", loss=name, most=facts["most_classes"], target=target.name, found=len(target.classes)
            )
            problems.append(Problem(place, rule, text("loss_misfit_hint", known="cross_entropy, focal, hinge")))
        for parameter in term.call.choice.parameters:
            given = term.call[parameter.name] if parameter.type is ClassWeights else "none"
            right = len(given) == len(target.classes) or (len(given) == 1 and len(target.classes) == 2)
            if not isinstance(given, str) and not right:
                rule = text("class_weight_count", name=parameter.name, classes=len(target.classes), found=len(given))
                problems.append(Problem(place, rule, listed(target.classes[:8])))
        if len(target.classes) < facts.get("least_classes", 0):
            rule = text(
                "loss_few_classes",
                loss=name,
                least=facts["least_classes"],
                target=target.name,
                found=len(target.classes),
            )
            problems.append(Problem(place, rule, text("loss_misfit_hint", known="cross_entropy, focal, hinge")))
    problems += [] if problems else _check_sum(run)
    problems += check_objective(run, target.name, target.task)
    if run.imbalance != "none" and target.task == "regression":
        problems.append(Problem(place, text("imbalance_regression", target=target.name)))
    return problems


def _check_sum(run: Run) -> list[Problem]:
    """Whether the outputs of losses that are added mean the same."""
    first, *others = [term.call for term in run.loss]
    other = next((call for call in others if meaning(call) != meaning(first)), None)
    if other is None:
        return []
    task = first.choice.facts["task"]
    like = [
        name
        for name, choice in losses.items()
        if choice.facts["task"] == task and meaning(choice.bind()[0]) == meaning(first)
    ]
    rule = text("loss_apart", one=first, other=other)
    return [Problem(run.place, rule, text("loss_apart_hint", one=first, known=listed(like or [first.name])))]


def _check_values(table: Table, runs: Sequence[Run], target: Target) -> list[Problem]:
    """Whether every value of the target can be what a loss takes it for: counts are not negative."""
    problems = []
    values = target.values[target.rows]
    wanted = {term.call.name: run.name for run in reversed(runs) for term in run.loss}
    for loss, run in wanted.items():
        limit = losses[loss].facts.get("target")
        ends = (target.rows[np.argmin(values)], target.rows[np.argmax(values)])
        row = next((int(end) for end in ends if not _takes(losses[loss], target.values[end])), None)
        if row is None:
            continue
        count = sum(not _takes(losses[loss], value) for value in values)
        fitting = [
            name
            for name, choice in losses.items()
            if choice.facts["task"] == target.task and _takes(choice, target.values[row])
        ]
        found = words(table.data.column(target.name))[row].as_py()
        rule = text("loss_target", loss=loss, run=run, target=target.name, rule=limit, found=found)
        hint = text("loss_target_hint", count=count, known=listed(fitting))
        problems.append(Problem(table.place(row, target.name), rule, hint))
    return problems


def _takes(choice: Choice, value: float) -> bool:
    limit = choice.facts.get("target")
    return limit is None or bool(limit.holds(value))


def _order_note(runs: Sequence[Run], target: Target) -> list[str]:
    """Which order of the classes the losses that need one go by."""
    names = dict.fromkeys(term.call.name for run in runs for term in run.loss if term.call.choice.facts.get("ordered"))
    order = " < ".join([*target.classes[:SHOWN], *(["..."] if len(target.classes) > SHOWN else [])])
    return [text("note_class_order", loss=listed(names), target=target.name, order=order)] if names else []


def _of_task(registry: Registry, task: str) -> str:
    return listed(name for name, choice in registry.items() if choice.facts["task"] == task)
