"""Is the winner any good: against guessing and against a linear model, all out of fold, with noise kept in mind."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from xltrain.config.condition import OF_ONE, parse_conditions
from xltrain.engine.result import Score, TargetResult
from xltrain.excel.write import short
from xltrain.language import label, text
from xltrain.report.report import baseline_words, lower_is_better, sentences, with_unit

GOOD, USABLE, CLEAR = 0.5, 0.1, 0.02  # shares of the error of guessing that must be gone
ALIKE = 0.02  # closer to the linear model than this is a draw
FAR = 2.0  # times the median error from which the mean says how far the far misses are, and is typical of none

# What the table beside the verdict shows, the errors among it.
TABLE = {
    "regression": ("mae", "rmse", "median_absolute_error"),
    "classification": ("accuracy", "log_loss", "balanced_accuracy", "roc_auc"),
}


@dataclass(frozen=True)
class Verdict:
    """What to think of a target's winner.

    level: good | usable | little | none. `measure` is the metric behind the sentence; model, constant and linear are
    its values over all scored rows, NaN where unknown. `gain` is the share of the error of guessing that is gone.
    level and sentences hold by the job's metric too, which stands beside them. `trees_ahead`: boosted trees are
    better by all that is shown.
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
    trees_ahead: bool = False


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
    other = _value(_baselines(target)[0], target.metric)
    own = _gain(target.metric, _value(winner, target.metric), other)
    judgement = ""
    if level == "none" and target.task == "classification":
        # Counting right answers misses what probabilities know when one class is rare.
        level = "ranks" if own >= USABLE else level
    elif target.metric != measure and math.isfinite(own):
        found = _lower(level, _level(own, _noise(target, target.metric, other)))
        judgement = _apart(target, measure, gain, own) if found != level else ""
        level = found
    enough, said = _enough(target, good_enough)
    if enough is not None and level in ("good", "usable", "little"):
        level = "good" if enough else "usable" if level == "good" else level
        judgement = "" if level == "good" else judgement
    if target.leaks.columns and level in ("good", "usable", "little"):
        level, judgement = "little", _leaks(target, gain)
    trees = target.baselines.get("boosted_trees", {})
    ahead = _ahead(target, measure, trees)
    return Verdict(
        "little" if level == "ranks" else level,
        measure,
        model,
        constant,
        linear,
        gain,
        _headline(target, measure, model, constant, linear),
        judgement or _judgement(level, gain),
        _against_linear(target, measure),
        text("trees_better", share=f"{100 * ahead:.0f}") if ahead else _mixed(target, measure, "boosted_trees"),
        _of_choice(target),
        _next_period(target, measure, model),
        said,
        ahead > 0,
    )


def _lower(level: str, other: str) -> str:
    """The lower of two levels; something is found where only one of them says that nothing is."""
    order = ("none", "little", "usable", "good")
    lowest = min(level, other, key=order.index)
    return "little" if lowest == "none" and max(level, other, key=order.index) in ("usable", "good") else lowest


def _apart(target: TargetResult, measure: str, gain: float, own: float) -> str:
    """The two measures speak of different levels: both are said."""
    key = "verdict_apart_usable" if min(own, gain) >= USABLE else "verdict_apart_little"
    key = "verdict_apart_none" if own < CLEAR else key
    shares = {"share": f"{100 * gain:.0f}", "rest": f"{100 * own:.0f}"}
    return text(key, one=label(measure), other=label(target.metric), **shares)


def _leaks(target: TargetResult, gain: float) -> str:
    names = text("comma").join(name for name, _ in target.leaks.columns)
    return text("verdict_leak", share=f"{100 * gain:.0f}", names=names, target=target.target)


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


def _shown_measures(target: TargetResult, measure: str) -> list[str]:
    """The measures that a reader sees beside the verdict: its own first, then the job's, then the table's."""
    names = dict.fromkeys((measure, target.metric, *TABLE[target.task]))
    return [name for name in names if name in target.best.metrics]


def _gains(target: TargetResult, measure: str, scores: Mapping[str, Score]) -> dict[str, float]:
    """By each of them the share of another model's error that is gone, where known."""
    found = {
        name: _gain(name, target.best.metrics[name].value, _value(scores, name))
        for name in _shown_measures(target, measure)
    }
    return {name: gain for name, gain in found.items() if not math.isnan(gain)}


def _mixed(target: TargetResult, measure: str, other: str) -> str:
    """What is closer depends on the measure: both sides are named, with their values; else nothing."""
    scores = target.baselines.get(other, {})
    gains = _gains(target, measure, scores)
    if not gains or not min(gains.values()) < -ALIKE or not max(gains.values()) > ALIKE:
        return ""
    better = next(name for name, gain in gains.items() if gain > ALIKE)
    worse = next(name for name, gain in gains.items() if gain < -ALIKE)
    values = {"better": _both(target, better, scores), "worse": _both(target, worse, scores)}
    half = better == "median_absolute_error"
    return text("mixed_half" if half else "mixed", other=baseline_words(other, target.task), **values)


def _both(target: TargetResult, metric: str, scores: Mapping[str, Score]) -> str:
    """The winner's value of a metric and that of another model, with digits enough to differ."""
    own, other = target.best.metrics[metric].value, _value(scores, metric)
    digits = next((count for count in (3, 4, 5) if short(own, count) != short(other, count)), 6)
    return text("against", metric=label(metric), own=short(own, digits), other=short(other, digits))


def _against_linear(target: TargetResult, measure: str) -> str:
    """Whether a linear model would do; what is said holds by every measure in sight."""
    gains = _gains(target, measure, target.baselines.get("linear", {}))
    if measure not in gains:
        return ""
    mixed = _mixed(target, measure, "linear")
    if mixed or all(abs(gain) < ALIKE for gain in gains.values()):
        return mixed or text("linear_alike")
    name = measure if abs(gains[measure]) >= ALIKE else max(gains, key=lambda each: abs(gains[each]))
    key = "linear_beaten" if gains[name] > 0 else "linear_better"
    by = "" if name == measure else text("by_metric", metric=label(name))
    return text(key, share=_share(abs(gains[name])), by=by)


def _share(gain: float) -> str:
    return f"{100 * gain:.0f}" if math.isfinite(gain) else "–"


def _ahead(target: TargetResult, measure: str, trees: Mapping[str, Score]) -> float:
    """How much less boosted trees err, where they are clearly better and by no measure worse: the data then hold more
    than was found. 0 else.
    """
    gains = _gains(target, measure, trees)
    gain = gains.get(measure, 0.0)
    if not gain < -ALIKE or max(gains.values()) > ALIKE:
        return 0.0
    return gain / (gain - 1) if math.isfinite(gain) else 1.0


def _of_choice(target: TargetResult) -> str:
    """What having been chosen among several runs did to the winner's score."""
    if target.corrected is None:
        return ""
    raw, value = _value(target.best.metrics, target.metric), target.corrected.value
    worse = value > raw if lower_is_better(target.metric) else value < raw
    shown = {"runs": len(target.runs), "metric": label(target.metric), "corrected": short(value)}
    flatters = worse and short(value) != short(raw)
    said = text("choice_flatters", raw=short(raw), **shown) if flatters else text("choice_holds", **shown)
    return sentences((said, _outdone(target, raw)))


def _outdone(target: TargetResult, raw: float) -> str:
    """Another run that does better on the rows held out: it was not chosen by them, and may not be."""
    sign = 1 if lower_is_better(target.metric) else -1
    others = [run for run in target.runs if math.isfinite(sign * _value(run.metrics, target.metric))]
    best = min(others, key=lambda run: sign * _value(run.metrics, target.metric), default=None)
    if best is None or not sign * _value(best.metrics, target.metric) < sign * raw:
        return ""
    both = _both(target, target.metric, best.metrics)
    return text("choice_outdone", run=best.name, both=both) if best.name != target.winner else ""


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
