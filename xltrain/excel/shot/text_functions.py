"""Functions of formulas that work on texts and dates."""

import datetime
import math
import re
from collections.abc import Sequence

from xltrain.excel.shot.format import format_value
from xltrain.excel.shot.functions import FUNCTIONS, add, values_of
from xltrain.excel.shot.operands import Evaluator, Failed, Node, Unsupported, to_text
from xltrain.excel.shot.values import Content, Fault

__all__ = ["FUNCTIONS", "day", "serial_of"]  # complete once this module is read
_DAY_ZERO = datetime.date(1899, 12, 30)


@add("LEN")
def _length(e: Evaluator, nodes: Sequence[Node]) -> Content:
    return float(len(e.text(nodes[0])))


def _letters(e: Evaluator, nodes: Sequence[Node]) -> int:
    count = int(e.number(nodes[1])) if len(nodes) > 1 else 1
    if count < 0:
        raise Failed("#VALUE!")
    return count


FUNCTIONS["LEFT"] = lambda e, nodes: e.text(nodes[0])[: _letters(e, nodes)]
FUNCTIONS["RIGHT"] = lambda e, nodes: e.text(nodes[0])[-_letters(e, nodes) :] if _letters(e, nodes) else ""
FUNCTIONS["UPPER"] = lambda e, nodes: e.text(nodes[0]).upper()
FUNCTIONS["LOWER"] = lambda e, nodes: e.text(nodes[0]).lower()
FUNCTIONS["TRIM"] = lambda e, nodes: " ".join(part for part in e.text(nodes[0]).split(" ") if part)
FUNCTIONS["EXACT"] = lambda e, nodes: e.text(nodes[0]) == e.text(nodes[1])
FUNCTIONS["VALUE"] = lambda e, nodes: e.number(nodes[0])


@add("MID")
def _middle(e: Evaluator, nodes: Sequence[Node]) -> Content:
    start, count = int(e.number(nodes[1])), int(e.number(nodes[2]))
    if start < 1 or count < 0:
        raise Failed("#VALUE!")
    return e.text(nodes[0])[start - 1 : start - 1 + count]


@add("FIND")
def _find(e: Evaluator, nodes: Sequence[Node]) -> Content:
    return _position(e.text(nodes[1]).find(e.text(nodes[0]), _start(e, nodes)))


@add("SEARCH")
def _search(e: Evaluator, nodes: Sequence[Node]) -> Content:
    wanted = re.sub(r"\\[*?]|~(.)", _wild, re.escape(e.text(nodes[0]).casefold()))
    start = _start(e, nodes)
    found = re.compile(wanted, re.S).search(e.text(nodes[1]).casefold(), start)
    return _position(found.start() if found else -1)


def _wild(found: re.Match[str]) -> str:
    return {"\\*": ".*", "\\?": "."}.get(found[0], found[0])


def _start(e: Evaluator, nodes: Sequence[Node]) -> int:
    start = int(e.number(nodes[2])) if len(nodes) > 2 else 1
    if start < 1:
        raise Failed("#VALUE!")
    return start - 1


def _position(at: int) -> float:
    if at < 0:
        raise Failed("#VALUE!")
    return at + 1.0


@add("SUBSTITUTE")
def _substitute(e: Evaluator, nodes: Sequence[Node]) -> Content:
    if len(nodes) > 3:
        raise Unsupported("SUBSTITUTE()")
    old = e.text(nodes[1])
    return e.text(nodes[0]).replace(old, e.text(nodes[2])) if old else e.text(nodes[0])


@add("CONCATENATE", "CONCAT")
def _joined(e: Evaluator, nodes: Sequence[Node]) -> Content:
    return "".join(to_text(value) for value in values_of(e, nodes))


@add("TEXT")
def _text(e: Evaluator, nodes: Sequence[Node]) -> Content:
    value = e.scalar(nodes[0])
    if isinstance(value, Fault):
        raise Failed(value)
    return format_value(0.0 if value is None else value, e.text(nodes[1]), e.context.date1904)[0]


# Dates

FUNCTIONS["TODAY"] = lambda e, nodes: e.context.today
FUNCTIONS["NOW"] = lambda e, nodes: e.context.now


def day(serial: float, date1904: bool = False) -> datetime.date:
    """The date of a serial number. Raises Failed."""
    days = math.floor(serial) + (1462 if date1904 else 0)
    if not 0 <= days < 2_958_466:
        raise Failed("#NUM!")
    return _DAY_ZERO + datetime.timedelta(days=days + (days < 60))


def serial_of(date: datetime.date, date1904: bool = False) -> float:
    """The serial number of a date."""
    days = (date - _DAY_ZERO).days
    return float(days - (days <= 60) - (1462 if date1904 else 0))


def _day(e: Evaluator, node: Node) -> datetime.date:
    return day(e.number(node), e.context.date1904)


FUNCTIONS["YEAR"] = lambda e, nodes: float(_day(e, nodes[0]).year)
FUNCTIONS["MONTH"] = lambda e, nodes: float(_day(e, nodes[0]).month)
FUNCTIONS["DAY"] = lambda e, nodes: float(_day(e, nodes[0]).day)


@add("WEEKDAY")
def _weekday(e: Evaluator, nodes: Sequence[Node]) -> Content:
    kind, at = int(e.number(nodes[1])) if len(nodes) > 1 else 1, _day(e, nodes[0]).weekday()
    if kind == 3:
        return float(at)
    first = {1: 6, 2: 0}.get(kind, kind - 11 if 11 <= kind <= 17 else -1)
    if first < 0:
        raise Failed("#NUM!")
    return float((at - first) % 7 + 1)


@add("DATE")
def _date(e: Evaluator, nodes: Sequence[Node]) -> Content:
    year, month, date = (int(e.number(nodes[index])) for index in range(3))
    return _serial(e, year + 1900 if year < 1900 else year, month, date)


def _months(e: Evaluator, nodes: Sequence[Node], whole: bool) -> float:
    start, by = _day(e, nodes[0]), int(e.number(nodes[1]))
    end = day(_serial(e, start.year, start.month + by + 1, 0), e.context.date1904)
    return _serial(e, end.year, end.month, end.day if whole else min(start.day, end.day))


FUNCTIONS["EDATE"] = lambda e, nodes: _months(e, nodes, False)
FUNCTIONS["EOMONTH"] = lambda e, nodes: _months(e, nodes, True)


def _serial(e: Evaluator, year: int, month: int, date: int) -> float:
    more, month = divmod(month - 1, 12)
    if not 1 <= year + more <= 9999:
        raise Failed("#NUM!")
    first = datetime.date(year + more, month + 1, 1)
    return serial_of(first + datetime.timedelta(days=date - 1), e.context.date1904)


for _name, _part in (("HOUR", 24), ("MINUTE", 1440), ("SECOND", 86400)):
    FUNCTIONS[_name] = lambda e, nodes, part=_part: float(  # type: ignore[misc]
        round((e.number(nodes[0]) % 1) * 86400) // (86400 // part) % (24 if part == 24 else 60)
    )
