"""The functions that formulas of conditional formats may call. Arguments come unevaluated, so that IF need not look at
both ends, and ranges unread.
"""

import fnmatch
import math
import re
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from xltrain.excel.shot.operands import (
    Block,
    Evaluator,
    Failed,
    Node,
    Result,
    Unsupported,
    compare,
    to_number,
    to_truth,
)
from xltrain.excel.shot.values import Content, Fault
from xltrain.place import parse_range

Function = Callable[[Evaluator, Sequence[Node]], Result]
FUNCTIONS: dict[str, Function] = {}
_CRITERION = re.compile(r"(<=|>=|<>|<|>|=)?(.*)", re.S)


def call(name: str, evaluator: Evaluator, arguments: Sequence[Node]) -> Result:
    """The value of a function. Raises Failed."""
    try:
        return FUNCTIONS[name](evaluator, arguments)
    except IndexError:
        raise Unsupported(f"{name}()") from None  # fewer arguments than it needs


def add(*names: str) -> Callable[[Function], Function]:
    def register(function: Function) -> Function:
        FUNCTIONS.update(dict.fromkeys(names, function))
        return function

    return register


def values_of(e: Evaluator, nodes: Sequence[Node]) -> Iterator[Content]:
    """Values of arguments one by one; of ranges only cells that hold one."""
    for node in nodes:
        found = e.value(node)
        if isinstance(found, Block):
            yield from e.context.sheet(found.sheet).block(found.area)
        else:
            yield found


def _numbers(e: Evaluator, nodes: Sequence[Node]) -> list[float]:
    """The numbers of arguments: texts and booleans count only where they stand in the formula itself."""
    numbers: list[float] = []
    for node in nodes:
        found = e.value(node)
        if not isinstance(found, Block):
            numbers.append(to_number(found))
            continue
        key = "numbers", found
        if key not in e.context.memory:
            e.context.memory[key] = e.context.sheet(found.sheet).block(found.area)
        for value in e.context.memory[key]:
            if isinstance(value, Fault):
                raise Failed(value)
            if type(value) is float:
                numbers.append(value)
    return numbers


def _aggregate(name: str, work: Callable[[list[float]], float], least: int = 0) -> None:
    def function(e: Evaluator, nodes: Sequence[Node]) -> Content:
        found = [e.value(node) for node in nodes]
        key = (name, *found)
        if key not in e.context.memory:  # the same range is asked about for every cell
            numbers = _numbers(e, nodes)
            if len(numbers) < least:
                raise Failed("#DIV/0!")
            e.context.memory[key] = float(work(numbers))
        return e.context.memory[key]  # type: ignore[no-any-return]

    FUNCTIONS[name] = function


for _name, _work, _least in (
    ("SUM", math.fsum, 0),
    ("AVERAGE", statistics.fmean, 1),
    ("MIN", lambda found: min(found, default=0.0), 0),
    ("MAX", lambda found: max(found, default=0.0), 0),
    ("COUNT", len, 0),
    ("MEDIAN", statistics.median, 1),
    ("PRODUCT", math.prod, 0),
    ("STDEV", statistics.stdev, 2),
    ("STDEV.S", statistics.stdev, 2),
    ("STDEVP", statistics.pstdev, 1),
    ("STDEV.P", statistics.pstdev, 1),
):
    _aggregate(_name, _work, _least)


def _plain(name: str, work: Callable[..., float], count: int, optional: int = 0) -> None:
    """A function of numbers alone."""

    def function(e: Evaluator, nodes: Sequence[Node]) -> Content:
        if not count <= len(nodes) <= count + optional:
            raise Unsupported(f"{name}()")
        return float(work(*(e.number(node) for node in nodes)))

    FUNCTIONS[name] = function


def _away(value: float, digits: float, way: Callable[[float], float]) -> float:
    scale = 10.0 ** int(digits)
    return math.copysign(way(abs(float(f"{value * scale:.15g}"))), value) / scale


def _modulo(value: float, by: float) -> float:
    if by == 0:
        raise Failed("#DIV/0!")
    return value - by * math.floor(value / by)


for _name, _of, _count, _optional in (
    ("ABS", abs, 1, 0),
    ("INT", math.floor, 1, 0),
    ("SIGN", lambda value: (value > 0) - (value < 0), 1, 0),
    ("SQRT", math.sqrt, 1, 0),
    ("EXP", math.exp, 1, 0),
    ("LN", math.log, 1, 0),
    ("LOG10", math.log10, 1, 0),
    ("POWER", lambda value, power: value**power, 2, 0),
    ("MOD", _modulo, 2, 0),
    ("PI", lambda: math.pi, 0, 0),
    ("ROUND", lambda value, digits: _away(value, digits, lambda size: math.floor(size + 0.5)), 2, 0),
    ("ROUNDUP", lambda value, digits: _away(value, digits, math.ceil), 2, 0),
    ("ROUNDDOWN", lambda value, digits=0.0: _away(value, digits, math.floor), 1, 1),
    ("TRUNC", lambda value, digits=0.0: _away(value, digits, math.floor), 1, 1),
    ("CEILING", lambda value, by: math.ceil(value / by) * by if by else 0.0, 2, 0),
    ("FLOOR", lambda value, by: math.floor(value / by) * by if by else 0.0, 2, 0),
):
    _plain(_name, _of, _count, _optional)


def _logical(name: str, work: Callable[[list[bool]], bool]) -> None:
    def function(e: Evaluator, nodes: Sequence[Node]) -> Content:
        found: list[bool] = []
        for node in nodes:
            value = e.value(node)
            if not isinstance(value, Block):
                found.append(to_truth(value))
            elif value.single:
                found.append(e.truth(node))
            else:
                cells = e.context.sheet(value.sheet).block(value.area)
                found += [to_truth(each) for each in cells if not isinstance(each, str) or isinstance(each, Fault)]
        return work(found)

    FUNCTIONS[name] = function


_logical("AND", all)
_logical("OR", any)
_logical("XOR", lambda found: sum(found) % 2 == 1)
FUNCTIONS["NOT"] = lambda e, nodes: not e.truth(nodes[0])
FUNCTIONS["TRUE"] = lambda e, nodes: True
FUNCTIONS["FALSE"] = lambda e, nodes: False


@add("IF")
def _if(e: Evaluator, nodes: Sequence[Node]) -> Result:
    if e.truth(nodes[0]):
        return e.value(nodes[1])
    return e.value(nodes[2]) if len(nodes) > 2 else False


@add("IFERROR", "IFNA")
def _if_error(e: Evaluator, nodes: Sequence[Node]) -> Content:
    found = _caught(e, nodes[0])
    return e.scalar(nodes[1]) if isinstance(found, Fault) else found


def _caught(e: Evaluator, node: Node) -> Content:
    """A value, where an error is one too."""
    try:
        return e.scalar(node)
    except Failed as failed:
        return failed.fault


def _is(name: str, test: Callable[[Content], bool]) -> None:
    FUNCTIONS[name] = lambda e, nodes: test(_caught(e, nodes[0]))


_is("ISBLANK", lambda value: value is None)
_is("ISNUMBER", lambda value: type(value) is float)
_is("ISTEXT", lambda value: isinstance(value, str) and not isinstance(value, Fault))
_is("ISNONTEXT", lambda value: not isinstance(value, str) or isinstance(value, Fault))
_is("ISERROR", lambda value: isinstance(value, Fault))
_is("ISERR", lambda value: isinstance(value, Fault) and value != "#N/A")
_is("ISNA", lambda value: value == "#N/A" and isinstance(value, Fault))
_is("ISLOGICAL", lambda value: isinstance(value, bool))
FUNCTIONS["ISEVEN"] = lambda e, nodes: int(abs(e.number(nodes[0]))) % 2 == 0
FUNCTIONS["ISODD"] = lambda e, nodes: int(abs(e.number(nodes[0]))) % 2 == 1


def _block(e: Evaluator, node: Node) -> Block:
    found = e.value(node)
    if not isinstance(found, Block):
        raise Failed("#VALUE!")
    return found


FUNCTIONS["ROW"] = lambda e, nodes: float(_block(e, nodes[0]).area.first_row if nodes else e.row)
FUNCTIONS["COLUMN"] = lambda e, nodes: float(_block(e, nodes[0]).area.first_column if nodes else e.column)


@add("INDIRECT")
def _indirect(e: Evaluator, nodes: Sequence[Node]) -> Block:
    """The cells that a text names: an address in letters and numbers, or a name of the book."""
    if len(nodes) > 1 and not e.truth(nodes[1]):
        raise Unsupported("INDIRECT(,FALSE)")  # rows and columns by number
    words = e.text(nodes[0])
    area = parse_range(words) or parse_range(e.context.name(words).removeprefix("="))
    if area is None:
        raise Failed("#REF!")
    return Block(area.sheet, replace(area, sheet=""))


@add("ROWS")
def _rows(e: Evaluator, nodes: Sequence[Node]) -> Content:
    area = _block(e, nodes[0]).area
    return float(area.last_row - area.first_row + 1)


@add("COLUMNS")
def _columns(e: Evaluator, nodes: Sequence[Node]) -> Content:
    area = _block(e, nodes[0]).area
    return float(area.last_column - area.first_column + 1)


@add("COUNTA")
def _count_all(e: Evaluator, nodes: Sequence[Node]) -> Content:
    return float(sum(value is not None for value in values_of(e, nodes)))


@add("COUNTBLANK")
def _count_blank(e: Evaluator, nodes: Sequence[Node]) -> Content:
    found = _block(e, nodes[0])
    return float(found.size - sum(value != "" for value in values_of(e, nodes)))


def matches(value: Content, criterion: Content) -> bool:
    """Whether a value meets a criterion of COUNTIF: a value, or a text such as `>5`, `<>x`, `a*`."""
    if isinstance(value, Fault):
        return False
    if not isinstance(criterion, str):
        return value is not None and compare("=", value, criterion) if criterion is not None else False
    found = _CRITERION.fullmatch(criterion)
    assert found is not None
    sign, body = found[1] or "=", found[2]
    try:
        limit: Content = to_number(body) if body.strip() else ""
    except Failed:
        limit = body
    if limit == "":
        empty = value is None or value == ""
        return empty if sign == "=" else not empty if sign == "<>" else False
    if isinstance(limit, str) and sign in ("=", "<>"):
        pattern = fnmatch.translate(limit.casefold().replace("[", "[[]"))
        same = isinstance(value, str) and re.match(pattern, value.casefold()) is not None
        return same == (sign == "=")
    if type(limit) is float and isinstance(value, str):
        try:
            value = to_number(value) if sign in ("=", "<>") else value
        except Failed:
            return sign == "<>"
    if value is None or isinstance(value, str) != isinstance(limit, str):
        return sign == "<>"
    return compare(sign, value, limit)


def _meeting(e: Evaluator, nodes: Sequence[Node]) -> set[tuple[int, int]]:
    """Offsets of the cells of pairs of range and criterion that meet all of them."""
    kept: set[tuple[int, int]] | None = None
    for node, wanted in zip(nodes[::2], nodes[1::2], strict=True):
        found, criterion = _block(e, node), e.scalar(wanted)
        places = e.context.sheet(found.sheet).places(found.area)
        area = found.area
        met = {
            (row - area.first_row, at - area.first_column) for (row, at), value in places if matches(value, criterion)
        }
        kept = met if kept is None else kept & met
    return kept or set()


@add("COUNTIF", "COUNTIFS")
def _count_if(e: Evaluator, nodes: Sequence[Node]) -> Result:
    if len(nodes) % 2:
        raise Unsupported("COUNTIF()")
    if len(nodes) == 2:
        found, criterion = _block(e, nodes[0]), e.scalar(nodes[1])
        if criterion in ("", "=") and isinstance(criterion, str):
            return _count_blank(e, nodes[:1])
        simple = criterion is None or (isinstance(criterion, str) and re.search(r"^[<>=]|[*?~]", criterion) is None)
        if simple or type(criterion) is float:
            return float(_counts(e, found).get(_same(criterion), 0))
    return float(len(_meeting(e, nodes)))


def _counts(e: Evaluator, block: Block) -> dict[Content, int]:
    """How often each value stands in a range, counted once for all cells that ask."""
    key = "counts", block
    if key not in e.context.memory:
        counts: dict[Content, int] = {}
        for value in e.context.sheet(block.sheet).block(block.area):
            counts[_same(value)] = counts.get(_same(value), 0) + 1
        e.context.memory[key] = counts
    return e.context.memory[key]  # type: ignore[no-any-return]


def _same(value: Content) -> Content:
    """Equal for values that COUNTIF holds for equal: texts without case, numbers written as text."""
    if isinstance(value, str) and not isinstance(value, Fault):
        try:
            return float(value)
        except ValueError:
            return value.casefold()
    return value if not isinstance(value, bool) else str(value)


def _sum_where(e: Evaluator, nodes: Sequence[Node]) -> list[float]:
    block = _block(e, nodes[2] if len(nodes) > 2 else nodes[0])
    sheet, area = e.context.sheet(block.sheet), block.area
    found = [sheet.at(area.first_row + row, area.first_column + column) for row, column in _meeting(e, nodes[:2])]
    return [value for value in found if type(value) is float]


def _mean(found: list[float]) -> float:
    if not found:
        raise Failed("#DIV/0!")
    return statistics.fmean(found)


FUNCTIONS["SUMIF"] = lambda e, nodes: math.fsum(_sum_where(e, nodes))
FUNCTIONS["AVERAGEIF"] = lambda e, nodes: _mean(_sum_where(e, nodes))


def _nth(e: Evaluator, nodes: Sequence[Node], largest: bool) -> float:
    found, at = sorted(_numbers(e, nodes[:1]), reverse=largest), int(e.number(nodes[1]))
    if not 1 <= at <= len(found):
        raise Failed("#NUM!")
    return found[at - 1]


FUNCTIONS["LARGE"] = lambda e, nodes: _nth(e, nodes, True)
FUNCTIONS["SMALL"] = lambda e, nodes: _nth(e, nodes, False)


@add("RANK", "RANK.EQ")
def _rank(e: Evaluator, nodes: Sequence[Node]) -> Content:
    value, found = e.number(nodes[0]), _numbers(e, nodes[1:2])
    if value not in found:
        raise Failed("#N/A")
    upwards = len(nodes) > 2 and e.number(nodes[2]) != 0
    return 1.0 + sum(each < value if upwards else each > value for each in found)


@add("MATCH")
def _match(e: Evaluator, nodes: Sequence[Node]) -> Content:
    wanted, block = e.scalar(nodes[0]), _block(e, nodes[1])
    if len(nodes) < 3 or e.number(nodes[2]) != 0:
        raise Unsupported("MATCH()")
    area = block.area
    criterion = wanted if not isinstance(wanted, str) else "=" + wanted
    for (row, column), value in sorted(e.context.sheet(block.sheet).places(area)):
        if matches(value, criterion):
            return float(row - area.first_row + column - area.first_column + 1)
    raise Failed("#N/A")
