"""When a rule of a conditional format holds: comparisons, ranks, averages, duplicates, texts, dates and formulas."""

import datetime
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from xltrain.excel.shot.attributes import flag, whole
from xltrain.excel.shot.difference import Difference
from xltrain.excel.shot.formula import evaluate
from xltrain.excel.shot.operands import Context, Failed, Unsupported, compare, to_text, to_truth
from xltrain.excel.shot.text_functions import day
from xltrain.excel.shot.values import Content, Fault, SheetValues
from xltrain.place import Range

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Test = Callable[[int, int, Content], bool]  # row, column, value
_SIGNS = {
    "equal": "=",
    "notEqual": "<>",
    "lessThan": "<",
    "lessThanOrEqual": "<=",
    "greaterThan": ">",
    "greaterThanOrEqual": ">=",
}


@dataclass(frozen=True)
class Rule:
    """A rule as stored. `detail` is the element of a scale, bar or icon set; `extra` the newer one of a bar."""

    kind: str
    areas: tuple[Range, ...]
    priority: int
    stop: bool = False
    look: Difference = field(default_factory=Difference)
    attributes: Mapping[str, str] = field(default_factory=dict)
    formulas: tuple[str, ...] = ()
    detail: Element | None = None
    extra: Element | None = None

    @property
    def base(self) -> tuple[int, int]:
        """The cell that the rule's formulas are written for."""
        return min(each.first_row for each in self.areas), min(each.first_column for each in self.areas)


@dataclass(frozen=True)
class Board:
    """What rules look at."""

    context: Context
    values: SheetValues

    def evaluate(self, rule: Rule, number: int, row: int, column: int) -> Content:
        """A rule's formula at a cell. Raises Unsupported."""
        if number >= len(rule.formulas):
            raise Unsupported(rule.kind)
        return evaluate(rule.formulas[number], self.context, row, column, rule.base)


def test_of(rule: Rule, board: Board) -> Test:
    """The rule as a test of cells.

    Raises:
        Unsupported: now or when the test is called: a formula or a kind of rule outside what is known.
    """
    maker = _KINDS.get(rule.kind)
    if maker is None:
        raise Unsupported(rule.kind)
    return maker(rule, board)


def _compared(rule: Rule, board: Board) -> Test:
    operator = rule.attributes.get("operator", "equal")
    if operator in ("containsText", "notContains", "beginsWith", "endsWith"):
        return _TEXTS[operator](rule, board)

    def between(row: int, column: int, value: Content) -> bool:
        ends = [board.evaluate(rule, number, row, column) for number in (0, 1)]
        if compare(">", ends[0], ends[1]):
            ends.reverse()
        inside = compare(">=", value, ends[0]) and compare("<=", value, ends[1])
        return inside == (operator == "between")

    def single(row: int, column: int, value: Content) -> bool:
        return compare(_SIGNS[operator], value, board.evaluate(rule, 0, row, column))

    if operator in ("between", "notBetween"):
        return between
    if operator not in _SIGNS:
        raise Unsupported(operator)
    return single


def _formula(rule: Rule, board: Board) -> Test:
    def test(row: int, column: int, value: Content) -> bool:
        return to_truth(board.evaluate(rule, 0, row, column))

    return test


def _top(rule: Rule, board: Board) -> Test:
    numbers = board.values.numbers(rule.areas)
    numbers.sort()
    count = whole(rule.attributes.get("rank"), 10)
    if flag(rule.attributes.get("percent")):
        count = max(1, math.floor(len(numbers) * count / 100))
    count = min(count, len(numbers))
    if not count:
        return _never
    if flag(rule.attributes.get("bottom")):
        limit = float(numbers[count - 1])
        return lambda row, column, value: type(value) is float and value <= limit
    limit = float(numbers[-count])
    return lambda row, column, value: type(value) is float and value >= limit


def _average(rule: Rule, board: Board) -> Test:
    numbers = board.values.numbers(rule.areas)
    if not len(numbers):
        return _never
    above, equal = flag(rule.attributes.get("aboveAverage"), True), flag(rule.attributes.get("equalAverage"))
    steps = whole(rule.attributes.get("stdDev"))
    spread = float(numbers.std(ddof=1)) * steps if steps and len(numbers) > 1 else 0.0
    limit = float(numbers.mean()) + (spread if above else -spread)

    def test(row: int, column: int, value: Content) -> bool:
        if type(value) is not float:
            return False
        if equal and math.isclose(value, limit, rel_tol=1e-14):
            return True
        return value > limit if above else value < limit

    return test


def _repeated(rule: Rule, board: Board) -> Test:
    seen = Counter(_key(value) for area in rule.areas for value in board.values.block(area))
    twice = rule.kind == "duplicateValues"
    return lambda row, column, value: value is not None and (seen[_key(value)] > 1) == twice


def _key(value: Content) -> object:
    """Texts without case; a boolean is no number."""
    return value.casefold() if isinstance(value, str) else (bool, value) if isinstance(value, bool) else value


def _holding(find: Callable[[str, str], bool]) -> Callable[[Rule, Board], Test]:
    """A rule about a text, which a plain text states or else its first formula."""

    def make(rule: Rule, board: Board) -> Test:
        wanted = rule.attributes.get("text", "").casefold()

        def test(row: int, column: int, value: Content) -> bool:
            if isinstance(value, Fault):
                return False
            return find(to_text(value).casefold(), wanted)

        return test if wanted else _formula(rule, board)

    return make


def _period(rule: Rule, board: Board) -> Test:
    today = day(board.context.today, board.context.date1904)
    first, last = period(rule.attributes.get("timePeriod", ""), today)

    def test(row: int, column: int, value: Content) -> bool:
        return type(value) is float and first <= day(value, board.context.date1904) <= last

    return test


def period(name: str, today: datetime.date) -> tuple[datetime.date, datetime.date]:
    """The first and last day of a period around today; weeks begin on Sunday. Raises Unsupported."""
    one = datetime.timedelta(days=1)
    sunday = today - one * ((today.weekday() + 1) % 7)
    month = today.replace(day=1)
    after = (month + 31 * one).replace(day=1)
    later = (after + 31 * one).replace(day=1)
    periods = {
        "today": (today, today),
        "yesterday": (today - one, today - one),
        "tomorrow": (today + one, today + one),
        "last7Days": (today - 6 * one, today),
        "thisWeek": (sunday, sunday + 6 * one),
        "lastWeek": (sunday - 7 * one, sunday - one),
        "nextWeek": (sunday + 7 * one, sunday + 13 * one),
        "thisMonth": (month, after - one),
        "lastMonth": ((month - one).replace(day=1), month - one),
        "nextMonth": (after, later - one),
    }
    if name not in periods:
        raise Unsupported(name)
    return periods[name]


def _never(row: int, column: int, value: Content) -> bool:
    return False


def _simple(test: Callable[[Content], bool]) -> Callable[[Rule, Board], Test]:
    return lambda rule, board: lambda row, column, value: test(value)


def _blank(value: Content) -> bool:
    return value is None or (isinstance(value, str) and not isinstance(value, Fault) and not value.strip())


_contains = _holding(lambda found, wanted: wanted in found)
_lacks = _holding(lambda found, wanted: wanted not in found)
_begins = _holding(lambda found, wanted: found.startswith(wanted))
_ends = _holding(lambda found, wanted: found.endswith(wanted))
_TEXTS = {"containsText": _contains, "notContains": _lacks, "beginsWith": _begins, "endsWith": _ends}
_KINDS: dict[str, Callable[[Rule, Board], Test]] = {
    "cellIs": _compared,
    "expression": _formula,
    "top10": _top,
    "aboveAverage": _average,
    "duplicateValues": _repeated,
    "uniqueValues": _repeated,
    "containsText": _contains,
    "notContainsText": _lacks,
    "beginsWith": _begins,
    "endsWith": _ends,
    "timePeriod": _period,
    "containsBlanks": _simple(_blank),
    "notContainsBlanks": _simple(lambda value: not _blank(value)),
    "containsErrors": _simple(lambda value: isinstance(value, Fault)),
    "notContainsErrors": _simple(lambda value: not isinstance(value, Fault)),
}


@dataclass(frozen=True)
class Mark:
    """A threshold of a scale, bar or icon set."""

    kind: str
    body: str
    inclusive: bool = True


def thresholds(marks: Sequence[Mark], rule: Rule, board: Board) -> list[float]:
    """The values that thresholds stand for, over all numbers of the rule's range; empty where it holds none.

    Raises:
        Unsupported: a threshold is a formula outside the subset, or gives no number.
    """
    numbers = board.values.numbers(rule.areas)
    if not len(numbers):
        return []
    low, high = float(numbers.min()), float(numbers.max())
    found = []
    for mark in marks:
        if mark.kind in ("min", "max"):
            found.append(low if mark.kind == "min" else high)
        elif mark.kind in ("autoMin", "autoMax"):
            found.append(min(low, 0.0) if mark.kind == "autoMin" else max(high, 0.0))
        else:
            value = _stated(mark.body, rule, board)
            if mark.kind == "percent":
                value = low + (high - low) * value / 100
            elif mark.kind == "percentile":
                value = _percentile(numbers, value)
            found.append(value)
    return found


def _percentile(numbers: "NDArray[np.float64]", share: float) -> float:
    import numpy as np

    return float(np.percentile(numbers, min(100.0, max(0.0, share))))


def _stated(body: str, rule: Rule, board: Board) -> float:
    try:
        return float(body)
    except ValueError:
        value = evaluate(body, board.context, *rule.base, rule.base) if body else None
    if isinstance(value, (bool, float)):
        return float(value)
    raise Unsupported(body)


def holds(test: Test, row: int, column: int, value: Content) -> bool:
    """Whether a test holds; an error means no. Raises Unsupported."""
    try:
        return test(row, column, value)
    except Failed:
        return False
