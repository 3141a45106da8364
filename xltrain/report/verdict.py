"""Is the winner any good: against guessing and against a linear model, all out of fold, with noise kept in mind."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from xltrain.config.condition import OF_ONE, parse_conditions
from xltrain.engine.result import Score, TargetResult
from xltrain.excel.write import short
from xltrain.language import label, text
from xltrain.report.report import lower_is_better, with_unit

GOOD, USABLE, CLEAR = 0.5, 0.1, 0.02  # shares of the error of guessing that must be gone
ALIKE = 0.02  # closer to the linear model than this is a draw
FAR = 2.0  # times the median error from which the mean says how far the far misses are, and is typical of none


@dataclass(frozen=True)
class Verdict:
    """What to think of a target's winner.

    level: good | usable | little | none. `measure` is the metric behind the sentence; model, constant and linear are
    its values over all scored rows, NaN where unknown. `gain` is the share of the error of guessing that is gone.
    """

    level: str
    measure: str
    model: float
    constant: float
    linear: float
    gain: float
    headline: str
    judgement: str
    against_linear: str
    against_trees: str = ""
    of_choice: str = ""
    next_period: str = ""
    enough: str = ""


def verdict(target: TargetResult, good_enough: str = "") -> Verdict:
    """Judge the winner by the measure that reads best: the mean absolute error, or the share of right answers.

    Where far misses make most of that mean it is the median absolute error instead, and they are told of. Where
    the job says what is good enough, a model is good that holds it, and at most usable that does not.
    """
    measure = _measure(target)
    winner = target.best.metrics
    model, constant, linear = (_value(scores, measure) for scores in (winner, *_baselines(target)))
    gain = _gain(measure, model, constant)
    level = _level(gain, _noise(target, measure, constant))
    if level == "none" and target.task == "classification":
        # Counting right answers misses what probabilities know when one class is rare.
        own = _gain(target.metric, _value(winner, target.metric), _value(_baselines(target)[0], target.metric))
        level = "ranks" if own >= USABLE else level
    enough, said = _enough(target, good_enough)
    if enough is not None and level in ("good", "usable", "little"):
        level = "good" if enough else "usable" if level == "good" else level
    return Verdict(
        "little" if level == "ranks" else level,
        measure,
        model,
        constant,
        linear,
        gain,
        _headline(target, measure, model, constant, linear),
        _judgement(level, gain),
        _against_linear(_gain(measure, model, linear)),
        _against_trees(_gain(measure, model, _value(target.baselines.get("boosted_trees", {}), measure))),
        _of_choice(target),
        _next_period(target, measure, model),
        said,
    )


def _enough(target: TargetResult, good_enough: str) -> tuple[bool | None, str]:
    """Whether the winner holds what the job asks of it, and what to say of that; None where nothing is asked."""
    asked = [(each, each.about(target.target, target.task)) for each in parse_conditions(good_enough)]
    asked = [(condition, metric) for condition, metric in asked if metric in target.best.metrics]
    if not asked:
        return None, ""
    held, found = [], []
    for condition, metric in asked:
        value = target.best.metrics[metric].value
        held.append(condition.holds(metric, value, target.typical))
        found.append(f"{label(metric)} {_shown(metric, value, target)}")
    said = text("comma").join(condition.said for condition, _ in asked)
    return all(held), text("enough_held" if all(held) else "enough_missed", asked=said, found=text("comma").join(found))


def _shown(metric: str, value: float, target: TargetResult) -> str:
    if metric in OF_ONE:
        return f"{100 * value:.3g}%"
    return _sized(value, target) if metric in ("mae", "rmse", "median_absolute_error") else short(value)


def _sized(value: float, target: TargetResult) -> str:
    """An error in the target's unit, and in per cent of a usual value where that says something."""
    shown = with_unit(short(value), target.unit)
    typical = target.typical
    if not (math.isfinite(value) and typical > 0):
        return shown
    return text("share_of_typical", value=shown, share=_percent(value / typical))


def spoken(target: TargetResult, value: float) -> str:
    """A value of the measure as one says it: `320 kg`, `87 of 100`."""
    if target.task == "classification":
        return text("of_hundred", count=_hundred(value))
    return with_unit(short(value), target.unit)


def _measure(target: TargetResult) -> str:
    wanted = ("accuracy",) if target.task == "classification" else ("mae", "rmse")
    if far_misses(target):
        wanted = ("median_absolute_error",)
    return next((name for name in wanted if name in target.best.metrics), target.metric)


def far_misses(target: TargetResult) -> bool:
    """Whether some errors are so large that their mean is typical of no row."""
    mean, half = (_value(target.best.metrics, name) for name in ("mae", "median_absolute_error"))
    return mean > FAR * half > 0


def _baselines(target: TargetResult) -> tuple[Mapping[str, Score], Mapping[str, Score]]:
    return target.baselines.get("constant", {}), target.baselines.get("linear", {})


def _value(scores: Mapping[str, Score], metric: str) -> float:
    return scores[metric].value if metric in scores else math.nan


def _gain(metric: str, model: float, other: float) -> float:
    """The share of the other's error that is gone; the error of a share such as accuracy is what it lacks to 1."""
    if not lower_is_better(metric):
        model, other = 1 - model, 1 - other
    if not (math.isfinite(model) and math.isfinite(other)):
        return math.nan
    return 1 - model / other if other > 0 else (0.0 if model <= other else -math.inf)


def _noise(target: TargetResult, measure: str, constant: float) -> float:
    """Twice the standard error of the measure over folds, as a share of the error of guessing."""
    score = target.best.metrics.get(measure)
    folds = int(target.ledger.fold.max(initial=-1)) + 1
    scale = constant if lower_is_better(measure) else 1 - constant
    if score is None or folds < 2 or not math.isfinite(score.spread) or not scale > 0:
        return 0.0
    return 2 * score.spread / math.sqrt(folds) / scale


def _level(gain: float, noise: float) -> str:
    if not math.isfinite(gain) or gain < max(CLEAR, min(noise, USABLE)):
        return "none"
    return "good" if gain >= GOOD else "usable" if gain >= USABLE else "little"


def _headline(target: TargetResult, measure: str, model: float, constant: float, linear: float) -> str:
    if not math.isfinite(model):
        return text("verdict_nothing")
    if target.task == "classification":
        parts = [text("verdict_right", model=_hundred(model))]
        if math.isfinite(constant):
            parts.append(text("verdict_right_constant", constant=_hundred(constant)))
        if math.isfinite(linear):
            parts.append(text("verdict_right_linear", linear=_hundred(linear)))
    else:
        half = measure == "median_absolute_error"
        parts = [text("verdict_half" if half else "verdict_off", model=_sized(model, target))]
        if math.isfinite(constant):
            guessed = with_unit(short(constant), target.unit)
            parts.append(text("verdict_half_constant" if half else "verdict_off_constant", constant=guessed))
        if math.isfinite(linear):
            drawn = with_unit(short(linear), target.unit)
            parts.append(text("verdict_half_linear" if half else "verdict_off_linear", linear=drawn))
        if half:
            mean = with_unit(short(_value(target.best.metrics, "mae")), target.unit)
            parts.append(text("verdict_far", mean=mean))
    return text("verdict_joint").join(parts) + text("verdict_end")


def _judgement(level: str, gain: float) -> str:
    share = f"{100 * gain:.0f}" if math.isfinite(gain) else "–"
    return {
        "good": text("verdict_good", share=share),
        "usable": text("verdict_usable", share=share),
        "little": text("verdict_little", share=f"{100 * gain:.1f}" if math.isfinite(gain) else "–"),
        "ranks": text("verdict_ranks"),
        "none": text("verdict_none"),
    }[level]


def _against_linear(gain: float) -> str:
    if not math.isfinite(gain):
        return ""
    if abs(gain) < ALIKE:
        return text("linear_alike")
    share = f"{100 * abs(gain):.0f}"
    return text("linear_beaten", share=share) if gain > 0 else text("linear_better", share=share)


def _against_trees(gain: float) -> str:
    """Said only where boosted trees are clearly better: the data then hold more than was found."""
    if not math.isfinite(gain) or gain > -ALIKE:
        return ""
    return text("trees_better", share=f"{100 * gain / (gain - 1):.0f}")


def _of_choice(target: TargetResult) -> str:
    """What having been chosen among several runs did to the winner's score."""
    if target.corrected is None:
        return ""
    raw, value = _value(target.best.metrics, target.metric), target.corrected.value
    worse = value > raw if lower_is_better(target.metric) else value < raw
    shown = {"runs": len(target.runs), "metric": label(target.metric), "corrected": short(value)}
    if worse and short(value) != short(raw):
        return text("choice_flatters", raw=short(raw), **shown)
    return text("choice_holds", **shown)


def _next_period(target: TargetResult, measure: str, model: float) -> str:
    """Which score says how good the next month will be, where the data have months."""
    last = target.last_period
    value = _value(last.metrics, measure) if last else math.nan
    if last is None or not (math.isfinite(value) and math.isfinite(model)):
        return ""
    key = "next_half" if measure == "median_absolute_error" else "next_off"
    key = "next_right" if target.task == "classification" else key
    by = text("period_of_column", column=last.by) if last.by else text("period_of_sources")
    values = {"value": spoken(target, value), "mixed": spoken(target, model)}
    return text(key, period=last.period, by=by, rows=last.rows, **values)


def _percent(share: float) -> str:
    return f"{100 * share:.2g}" if share < 0.1 else f"{100 * share:.0f}"


def _hundred(value: float) -> str:
    """Of a hundred: whole where that says enough."""
    share = 100 * value
    return f"{share:.0f}" if 1 <= share <= 98.5 else f"{share:.1f}"
