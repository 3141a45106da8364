"""The training loop. There is one, and it trains stacks."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from xltrain.engine.diverged import Divergence, Watch
from xltrain.engine.graph import Update, updates
from xltrain.engine.plan import Member, lr_factor
from xltrain.engine.stack import Stack
from xltrain.lazy import torch
from xltrain.registry import Call

COMPACT = 0.75  # a stack is compacted when no more than this share of it still trains


@dataclass
class Course:
    """How one member trained: its best weights and buffers (None when it never had any), and its curves."""

    member: Member
    weights: "torch.Tensor | None" = None
    buffers: "torch.Tensor | None" = None
    epoch: int = 0  # of the best weights
    best: float = math.inf
    stopped: str = "epochs"
    seconds: float = 0.0
    clipped: float = 0.0
    training: list[float] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    parts: list[tuple[list[float], list[float]]] = field(default_factory=list)  # training, validation of each term
    lr: list[float] = field(default_factory=list)
    stale: int = 0
    plateau: tuple[float, int] = (1.0, 0)
    diverged: Divergence | None = None
    dynamics: "torch.Tensor | None" = None  # of its training rows: (targets, 5, rows), see dynamics.NAMES


@dataclass(frozen=True)
class Mark:
    """Where a stack stands after an epoch: who still trains, their best weights and buffers, the seconds so far."""

    epoch: int
    active: list[Course]
    best: "torch.Tensor"
    best_buffers: "torch.Tensor"
    seconds: float


Report = Callable[[int, list[Course], float], None]
Keep = Callable[[Stack, Mark], None]


def train(
    stack: Stack, courses: list[Course], report: Report, keep: Keep | None = None, mark: Mark | None = None
) -> bool:
    """Train every member until it stops; its best weights are left in its course. True when a Ctrl-C cut it short.

    `courses` has one entry per member of the stack. `report` hears of every epoch: its number, the courses of the
    members that trained in it, and the seconds since the start. `keep` is told where things stand after each epoch;
    with such a `mark` the stack, brought back to it, goes on from there.
    """
    mark = mark or Mark(0, list(courses), stack.weights.clone(), stack.buffers.clone(), 0.0)
    began = time.perf_counter() - mark.seconds
    active, best, best_buffers = mark.active, mark.best, mark.best_buffers
    epochs = max(course.member.run.epochs for course in courses)
    update = updates(stack)
    try:
        for epoch in range(mark.epoch + 1, epochs + 1):
            training, watch = _train_epoch(stack, active, epoch, update)
            validation = stack.validate()

            # The only look at the device in an epoch, and every decision that depends on it.
            seen = torch.stack([training, validation]).double().cpu().numpy()
            improved = _judge(active, epoch, seen[0], seen[1])
            _explain(active, epoch, watch)
            better = torch.tensor(improved, device=stack.device).unsqueeze(1)
            weights, buffers = stack.evaluated()
            best, best_buffers = torch.where(better, weights, best), torch.where(better, buffers, best_buffers)
            report(epoch, [course for course in active if len(course.training) == epoch], time.perf_counter() - began)

            running = [index for index, course in enumerate(active) if not course.seconds and not _over(course, epoch)]
            for index, course in enumerate(active):
                if index not in running and not course.seconds:
                    _finish(course, best[index], best_buffers[index], stack, index, time.perf_counter() - began)
            if not running:
                return False
            if len(running) <= COMPACT * len(active):
                stack.keep(running)
                update = updates(stack)
                chosen = torch.tensor(running, device=stack.device)
                best, best_buffers = best[chosen], best_buffers[chosen]
                active = [active[index] for index in running]
            if keep:
                keep(stack, Mark(epoch, active, best, best_buffers, time.perf_counter() - began))
    except KeyboardInterrupt:
        for index, course in enumerate(active):
            if not course.seconds:
                course.stopped = "interrupted"
                _finish(course, best[index], best_buffers[index], stack, index, time.perf_counter() - began)
        return True
    return False


def _train_epoch(stack: Stack, courses: list[Course], epoch: int, update: Update) -> "tuple[torch.Tensor, Watch]":
    """One pass of every running member over its own training rows; their mean losses, columns as in `Stack.update`,
    and who watched over them.
    """
    steps = -(-stack.rows // (stack.batch * stack.accumulate))
    lr = torch.as_tensor(_rates(courses, steps, epoch), dtype=stack.dtype, device=stack.device)
    running = np.array([not course.seconds for course in courses])
    loss = weight = torch.zeros_like(stack.step)
    order = stack.epoch_order()
    watch = Watch(order, stack.batch * stack.accumulate)
    if stack.tally:
        stack.tally.begin(stack, order)
    for step, batch in enumerate(stack.batches(order, running)):
        part, total = update(batch, lr[:, step : step + 1])
        loss, weight = loss + part, weight + total
        watch.add(loss)
        if stack.tally:
            stack.tally.add(stack.told)
    if stack.tally:
        stack.tally.end(epoch, running)
    return loss / weight, watch


def _explain(courses: list[Course], epoch: int, watch: Watch) -> None:
    """Note where the loss of a member that has just diverged stopped being a number."""
    for index, course in enumerate(courses):
        if course.stopped == "diverged" and course.diverged is None:
            course.diverged = watch.find(index, len(course.member.part.training), epoch)


def _judge(courses: list[Course], epoch: int, training: "np.ndarray", validation: "np.ndarray") -> list[bool]:
    """Note each running member's losses (members, columns); whether its validation loss is its best so far."""
    improved = []
    for course, (seen, *seen_parts), (looked, *looked_parts) in zip(courses, training, validation, strict=True):
        better = bool(not course.seconds and looked < course.best)
        improved.append(better)
        if course.seconds:
            continue
        course.training.append(float(seen))
        course.validation.append(float(looked))
        if seen_parts:
            course.parts = course.parts or [([], []) for _ in seen_parts]
            for (one, other), *values in zip(course.parts, seen_parts, looked_parts, strict=True):
                one.append(float(values[0]))
                other.append(float(values[1]))
        if better:
            course.best, course.epoch, course.stale = float(looked), epoch, 0
        else:
            course.stale += 1
        for call in course.member.run.schedule:
            if call.choice.facts.get("watches"):
                course.plateau = call.choice.function(course.plateau, better, **dict(call.values))
        if not (math.isfinite(seen) and math.isfinite(looked)):
            course.stopped = "diverged"
        elif course.member.run.patience and course.stale >= course.member.run.patience:
            course.stopped = "patience"
    return improved


def _over(course: Course, epoch: int) -> bool:
    return course.stopped != "epochs" or epoch >= course.member.run.epochs


def _finish(
    course: Course, weights: "torch.Tensor", buffers: "torch.Tensor", stack: Stack, index: int, seconds: float
) -> None:
    """Put the best weights of a member that has stopped into its course."""
    course.seconds = max(seconds, 1e-9)
    steps = float(stack.step[index])
    course.clipped = float(stack.clipped[index]) / steps if steps else 0.0
    if course.epoch:
        course.weights, course.buffers = weights.cpu().clone(), buffers.cpu().clone()
        course.dynamics = stack.tally.of_member(index, int(stack.rows[index])) if stack.tally else None


def _rates(courses: list[Course], steps: "np.ndarray", epoch: int) -> "np.ndarray":
    """The learning rate of every step of an epoch: (members, steps)."""
    rates = np.zeros((len(courses), int(steps.max())))
    known: dict[object, np.ndarray] = {}
    for index, course in enumerate(courses):
        run, count = course.member.run, int(steps[index])
        key = (run.schedule, run.epochs, count, course.plateau)
        if key not in known:
            known[key] = factors(run.schedule, (epoch - 1) * count, count, run.epochs, course.plateau[0])
        rates[index, :count] = run.optimizer["lr"] * lr_factor(course.member) * known[key]
        if not course.seconds:
            course.lr.append(float(rates[index, count - 1]))
    return rates


def factors(schedule: tuple[Call, ...], begin: int, count: int, epochs: int, plateau: float = 1.0) -> "np.ndarray":
    """What a chain of schedules makes of the learning rate in the `count` steps of the epoch that starts at `begin`."""
    step = np.arange(begin, begin + count, dtype=np.float64)
    total, offset = float(count * epochs), 0.0
    factor = np.full(count, plateau)
    for call in schedule:
        facts = call.choice.facts
        if facts.get("watches"):
            continue
        mine = np.maximum(step - offset, 0)
        value = call.apply(mine, total - offset, float(count))
        if facts.get("prefix"):
            value, lasts = value
            factor = np.where(step >= offset, factor * value, factor)
            offset += lasts
        else:
            factor = np.where(step >= offset, factor * value, factor)
    return factor
