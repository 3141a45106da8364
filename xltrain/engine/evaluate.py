"""What trained members say of rows that had no influence on them."""

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from xltrain.choices.losses.likelihood import LARGEST, log_floored
from xltrain.data.encode import Floats, Target
from xltrain.engine.conformal import extra_names
from xltrain.engine.head import lowered
from xltrain.engine.loop import Course
from xltrain.engine.plan import Member, scale_of
from xltrain.engine.result import Ledger, Score
from xltrain.engine.stack import Arrays, Stack
from xltrain.lazy import torch
from xltrain.registry import Call, ClassWeights, metrics

NUMBERS = ("identity", "gaussian", "quantiles")  # links whose outputs are in units of the standardised target
LINKS = (*NUMBERS, "exp", "sigmoid", "softmax", "sigmoids", "corn")

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Scored:
    """What one member says of some rows: prediction (rows,) in the target's own unit or probability (rows, classes)."""

    rows: Rows
    fold: int
    repeat: int
    values: Floats
    loss: Floats
    parts: Mapping[str, Floats] = field(default_factory=dict)
    extra: Mapping[str, Floats] = field(default_factory=dict)

    def of(self, rows: Rows) -> "Scored":
        """What it says of some of its rows."""
        if np.array_equal(self.rows, rows):
            return self
        kept = np.isin(self.rows, rows)
        parts, extra = ({name: values[kept] for name, values in each.items()} for each in (self.parts, self.extra))
        return replace(
            self, rows=self.rows[kept], values=self.values[kept], loss=self.loss[kept], parts=parts, extra=extra
        )


@dataclass(frozen=True)
class Judged:
    """A trained member with its say on held-out and on validation rows."""

    course: Course
    held_out: Scored
    validation: Scored


def judge(
    courses: Sequence[Course], target: Mapping[str, Target], arrays: Arrays, device: "torch.device"
) -> list[Judged]:
    """Score the held-out rows, once, and the validation rows with the best weights of each member of a stack."""
    trained = [course for course in courses if course.weights is not None]
    if not trained:
        return []
    weights = torch.stack([course.weights for course in trained if course.weights is not None])
    buffers = torch.stack([course.buffers for course in trained if course.buffers is not None]).to(device)
    members = [course.member for course in trained]
    stack = Stack(members, arrays, device, weights.dtype, list(weights))
    told = []
    for which in ("held_out", "validation"):
        rows = [getattr(member.part, which) for member in members]
        columns = max(len(each) for each in rows)
        padded = np.stack([np.pad(each, (0, columns - len(each))) for each in rows])
        output = stack.look(torch.from_numpy(padded).to(device), buffers=buffers).double().cpu()
        told.append(
            [
                _scored(member, output[index, : len(each)], each, target[member.target])
                for index, (member, each) in enumerate(zip(members, rows, strict=True))
            ]
        )
    return [Judged(*each) for each in zip(trained, *told, strict=True)]


def to_values(
    output: "torch.Tensor", link: str, mean: float, deviation: float, unseen: "torch.Tensor | None"
) -> Floats:
    """Outputs (rows, outputs) in double precision as predictions (rows,) or probabilities (rows, classes)."""
    return np.asarray(meant(output, link, mean, deviation, unseen).numpy())


def meant(
    output: "torch.Tensor",
    link: str,
    mean: "torch.Tensor | float",
    deviation: "torch.Tensor | float",
    unseen: "torch.Tensor | None",
) -> "torch.Tensor":
    """What outputs (..., rows, outputs) mean: predictions (..., rows) or probabilities (..., rows, classes)."""
    link, _, column = link.partition(":")
    if link in NUMBERS:
        return output[..., int(column or 0)] * deviation + mean
    if link == "exp":
        return torch.exp(output.squeeze(-1).clamp(max=LARGEST)) * deviation
    if link == "sigmoid":
        yes = torch.sigmoid(output)
        return torch.cat([1 - yes, yes], -1)
    output = output if unseen is None else output + unseen
    if link == "corn":
        return _from_steps(output)
    return torch.softmax(_log_sigmoid(output) if link == "sigmoids" else output, -1)


def _from_steps(output: "torch.Tensor") -> "torch.Tensor":
    """Logits of going on from each class to the next, having come so far, as class probabilities."""
    come = torch.nn.functional.pad(_log_sigmoid(output).cumsum(-1), (1, 0))
    stay = torch.nn.functional.pad(_log_sigmoid(-output), (0, 1))
    return torch.exp(come + stay)


def _log_sigmoid(output: "torch.Tensor") -> "torch.Tensor":
    return torch.nn.functional.logsigmoid(output)


def unseen_of(member: Member) -> "torch.Tensor | None":
    """What lowers the outputs of classes that a member never saw: (outputs,), None where it saw them all."""
    if member.counts is None or not member.lowers or (member.counts > 0).all():
        return None
    return torch.from_numpy(lowered(member))


def masks_of(members: Sequence[Member]) -> Floats | None:
    """What lowers the outputs of classes that some of these members never saw: (members, outputs), or None."""
    if all(unseen_of(member) is None for member in members):
        return None
    return np.stack([lowered(member) for member in members])


def _scored(member: Member, output: "torch.Tensor", rows: Rows, target: Target) -> Scored:
    unseen = unseen_of(member)
    values = to_values(output, member.link, member.mean, member.deviation, unseen)
    wanted = torch.from_numpy(target.values[rows])
    if target.task == "regression":
        # The ledger's loss is on the target standardised over the dataset, the same for every fold.
        middle, width = standard(target.values[target.rows], scale_of(member.run.loss[0].call))
        given, wanted = _rescaled(member, output, middle, width), (wanted - middle) / width
    else:
        given, wanted = output if unseen is None else output + unseen, wanted.long()
    given = given.squeeze(-1) if member.outputs == 1 else given
    each = [_ledger_loss(term.call, member.classes, given, wanted) for term in member.run.loss]
    total = np.sum([term.scale * loss for term, loss in zip(member.run.loss, each, strict=True)], 0)
    parts = {str(term.call): loss for term, loss in zip(member.run.loss, each, strict=True)} if len(each) > 1 else {}
    extra = extras(output, member.link, extra_of(member), member.mean, member.deviation)
    return Scored(rows, member.part.fold, member.part.repeat, values, total, parts, extra)


def extra_of(member: Member) -> tuple[str, ...]:
    """What the member's loss predicts besides."""
    call = member.run.loss[0].call
    shares = [value for each in call.choice.parameters if each.many for value in call[each.name]]
    return extra_names(member.link, shares)


def extras(output: "torch.Tensor", link: str, names: Sequence[str], mean: float, deviation: float) -> dict[str, Floats]:
    """The same in the target's own unit, from outputs (rows, outputs): each (rows,)."""
    if link == "gaussian":
        widths = torch.exp(log_floored(output[:, 1]) / 2) * deviation
        return {name: np.asarray(widths.numpy()) for name in names}
    return {name: np.asarray((output[:, index] * deviation + mean).numpy()) for index, name in enumerate(names)}


def standard(values: Floats, scale: str, weight: Floats | None = None) -> tuple[float, float]:
    """What a target is shifted and divided by: mean and deviation, or 0 and its mean where it must stay positive."""
    mean = float(np.average(values, weights=weight))
    if scale == "positive":
        return 0.0, mean or 1.0
    # The mean of equal numbers may round, which leaves them a deviation that is not there.
    if not np.ptp(values) > 0:
        return mean, 1.0
    away = values - mean
    spread = float(np.sqrt(np.average(np.square(away), weights=weight)))
    if not spread > 0 or not np.isfinite(spread):  # squares too small or too large for a number
        most = float(np.abs(away).max())
        spread = most * float(np.sqrt(np.average(np.square(away / most), weights=weight)))
    return mean, spread or 1.0


def _rescaled(member: Member, output: "torch.Tensor", middle: float, width: float) -> "torch.Tensor":
    """Outputs (rows, outputs) for the target as the member knew it, for one shifted and divided by these."""
    factor = member.deviation / width
    if member.link == "exp":
        return output + math.log(factor)
    moved = (output * member.deviation + member.mean - middle) / width
    if member.link == "gaussian":  # the log of a squared width
        moved[:, 1] = output[:, 1] + 2 * math.log(factor)
    return moved


def _ledger_loss(call: Call, classes: int, given: "torch.Tensor", wanted: "torch.Tensor") -> Floats:
    """One term of the run's own loss, unweighted: (rows,)."""
    even = torch.ones(1, classes, dtype=torch.float64)
    weights = {parameter.name for parameter in call.choice.parameters if parameter.type is ClassWeights}
    values = tuple((name, even if name in weights else value) for name, value in call.values)
    return np.asarray(Call(call.kind, call.name, values).apply(given, wanted).numpy())


def measure(values: Floats, target: Floats, task: str) -> dict[str, float]:
    """Every metric of a task; values as in Scored."""
    if not len(target):
        return {name: float("nan") for name, choice in metrics.items() if choice.facts["task"] == task}
    wanted = target.astype(np.int64) if task == "classification" else target
    given = {"prediction": values, "probability": values}
    if task == "classification":
        given["label"] = values.argmax(1)
    return {
        name: choice.function(given[choice.facts["needs"]], wanted)
        for name, choice in metrics.items()
        if choice.facts["task"] == task
    }


def scores(told: Sequence[Scored], target: Target) -> dict[str, Score]:
    """Each metric over all rows together, and its mean and spread over members."""
    combined, count = combine(told, len(target.values))
    rows = np.flatnonzero(count)
    together = measure(combined[rows], target.values[rows], target.task)
    each = [measure(one.values, target.values[one.rows], target.task) for one in told]
    found = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a metric that no fold has is NaN
        for name, value in together.items():
            over = np.array([one[name] for one in each])
            spread = float(np.nanstd(over, ddof=1)) if np.isfinite(over).sum() > 1 else 0.0
            found[name] = Score(value, float(np.nanmean(over)), spread)
    return found


def combine(told: Sequence[Scored], rows: int) -> tuple[Floats, npt.NDArray[np.int32]]:
    """The mean over the members that scored a row, NaN where none did, and how many did."""
    shape = (rows, *told[0].values.shape[1:]) if told else (rows,)
    total, count = np.zeros(shape), np.zeros(rows, np.int32)
    for one in told:
        total[one.rows] += one.values
        count[one.rows] += 1
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((total.T / count).T), count


def alike(runs: Mapping[str, Sequence[Judged]]) -> dict[str, list[Judged]]:
    """The same runs, in every fold only with the rows that all of them may score.

    A run with a warm start leaves out what its beginning knew; runs are compared on the same rows.
    """
    rows: dict[tuple[str, int, int], Rows] = {}
    for each in (each for members in runs.values() for each in members):
        for name in ("held_out", "validation"):
            told: Scored = getattr(each, name)
            key = (name, told.repeat, told.fold)
            shared = rows.setdefault(key, told.rows)
            if not np.array_equal(shared, told.rows):
                rows[key] = np.intersect1d(shared, told.rows, assume_unique=True)
    return {
        name: [
            replace(
                each,
                held_out=each.held_out.of(rows["held_out", each.held_out.repeat, each.held_out.fold]),
                validation=each.validation.of(rows["validation", each.validation.repeat, each.validation.fold]),
            )
            for each in members
        ]
        for name, members in runs.items()
    }


def ledger(told: Sequence[Scored], target: Target) -> Ledger:
    """The per-sample record of a run from what its members said of their held-out rows."""
    rows = len(target.values)
    mean, count = combine(told, rows)
    fold, loss, square = np.full(rows, -1, np.int32), np.zeros(rows), np.zeros(rows)
    parts = {name: np.zeros(rows) for one in told[:1] for name in one.parts}
    extra = {name: np.zeros(rows) for one in told[:1] for name in one.extra}
    label = np.full(rows, -1) if target.task == "regression" else np.where(count > 0, mean.argmax(1), -1)
    for one in told:
        first = one.rows[fold[one.rows] < 0]
        fold[first] = one.fold
        loss[one.rows] += one.loss
        for name, values in one.parts.items():
            parts[name][one.rows] += values
        for name, values in one.extra.items():
            extra[name][one.rows] += values
        values, middle = one.values, mean[one.rows]
        if target.task == "classification":
            own = label[one.rows]
            values, middle = (each[np.arange(len(own)), own] for each in (values, middle))
        square[one.rows] += np.square(values - middle)
    with np.errstate(invalid="ignore", divide="ignore"):
        loss, *each = (np.where(count > 0, values / count, np.nan) for values in (loss, *parts.values()))
        parts = dict(zip(parts, each, strict=True))
        extra = {name: np.where(count > 0, values / count, np.nan) for name, values in extra.items()}
        spread = np.where(count > 1, np.sqrt(square / np.maximum(count - 1, 1)), np.nan)
    classes = target.task == "classification"
    prediction = np.where(count > 0, label, np.nan) if classes else mean
    shares = mean if classes else None
    return Ledger(target.values, prediction, loss, _percentile(loss), spread, fold, count, shares, parts, extra)


def _percentile(loss: Floats) -> Floats:
    """The share of scored rows, in percent, whose loss is at most this one's."""
    percentile = np.full(len(loss), np.nan)
    known = np.flatnonzero(np.isfinite(loss))
    if len(known):
        ordered = np.sort(loss[known])
        percentile[known] = 100 * np.searchsorted(ordered, loss[known], side="right") / len(known)
    return percentile
