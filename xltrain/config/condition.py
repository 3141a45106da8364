"""What a score must hold: `rmse<400`, `Y1.rmse<=0.5`, `mae<5%`, or `10%` alone."""

import math
import re
from dataclasses import dataclass

from xltrain.errors import ConfigError
from xltrain.language import canonical, label, text
from xltrain.place import Problem
from xltrain.registry import metrics, unknown

OF_ONE = {"accuracy", "balanced_accuracy", "mape"}  # shares already: 90% is 0.9
ALONE = {"regression": ("mae", "<="), "classification": ("accuracy", ">=")}  # what a per cent alone is about

_FORM = re.compile(
    r"\s*(?:(?P<target>.+)\.)?(?P<metric>[^\W\d][\w ]*?)\s*"
    r"(?P<sign><=|>=|<|>)\s*(?P<limit>[-+.\deE]+)\s*(?P<percent>%?)\s*"
)
_PERCENT = re.compile(r"\s*(?P<limit>[.\d]+)\s*%\s*")


@dataclass(frozen=True)
class Condition:
    """A limit on a metric of one target, or of all where `target` is empty.

    With `percent` the limit is a share of the target's typical size, or of 1 for metrics that are shares. An empty
    `metric` stands for the error one would name first: mae, or the share of wrong rows.
    """

    said: str
    target: str
    metric: str
    sign: str
    limit: float
    percent: bool = False

    @property
    def backwards(self) -> bool:
        """Whether it asks for a score to be bad: mae>5."""
        if not self.metric:
            return False
        lower = metrics[self.metric].facts.get("better", "lower") == "lower"
        return self.sign.startswith(">" if lower else "<")

    def about(self, target: str, task: str) -> str:
        """The metric of this target that it speaks of; empty where it speaks of another target or task."""
        if self.target and not target.casefold().startswith(self.target.casefold()):
            return ""
        metric = self.metric or ALONE[task][0]
        return metric if metric in metrics and metrics[metric].facts.get("task") == task else ""

    def holds(self, metric: str, value: float, typical: float = math.nan) -> bool:
        """Whether the metric's value keeps the limit; `typical` is the size of a usual target value."""
        limit = self.limit
        if self.percent and metric not in OF_ONE:
            limit *= typical
        sign = self.sign
        if not self.metric and metric == "accuracy":  # 10% alone: so many may be wrong
            limit, sign = 1 - self.limit, ">="
        return {"<": value < limit, ">": value > limit, "<=": value <= limit, ">=": value >= limit}[sign]


def parse_condition(said: str) -> Condition:
    """One condition. ConfigError with the form that it must have, or the metric that is none."""
    plain = said.translate(_NARROW)
    if alone := _PERCENT.fullmatch(plain):
        return Condition(said.strip(), "", "", "<=", _number(alone["limit"], said) / 100, True)
    found = _FORM.fullmatch(plain)
    if not found:
        raise ConfigError(Problem(None, text("require_form", found=said)))
    metric = canonical(found["metric"])  # as the workbooks call it, in either language
    if metric not in metrics:
        known = metrics if metric.isascii() else map(label, metrics)
        raise ConfigError(Problem(None, unknown(text("word_metric"), metric, known), said.strip()))
    limit, percent = _number(found["limit"], said), bool(found["percent"])
    return Condition(
        said.strip(), found["target"] or "", metric, found["sign"], limit / (100 if percent else 1), percent
    )


def parse_conditions(said: str) -> tuple[Condition, ...]:
    """Conditions parted by commas or semicolons. ConfigError for the first that is none."""
    return tuple(parse_condition(each) for each in re.split(r"[,;，；、]", said) if each.strip())


_NARROW = str.maketrans("＜＞＝％．", "<>=%.")


def _number(digits: str, said: str) -> float:
    try:
        return float(digits)
    except ValueError as error:
        raise ConfigError(Problem(None, text("require_form", found=said))) from error
