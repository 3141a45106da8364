"""Conditional formats of a sheet: which rules there are, and what they make of the cells of a picture."""

import datetime
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TypeVar
from xml.etree.ElementTree import Element

from xltrain.excel.scan import Package
from xltrain.excel.shot.attributes import child, children, descendants, flag, fragment, local, whole, words
from xltrain.excel.shot.difference import Difference, differences, read_difference
from xltrain.excel.shot.graphics import bar_of, icon_of, scale_of, shows_value
from xltrain.excel.shot.operands import Context, Failed, Unsupported
from xltrain.excel.shot.page import Dressed
from xltrain.excel.shot.rules import Board, Rule, Test, holds, test_of
from xltrain.excel.shot.style import CellStyle, Fill, Styles
from xltrain.excel.shot.text_functions import serial_of
from xltrain.excel.shot.values import SheetValues
from xltrain.excel.shot.where import defined_names
from xltrain.language import text
from xltrain.place import Range, parse_range

_FORMATTING = re.compile(rb"<(?:\w+:)?conditionalFormatting\b.*?</(?:\w+:)?conditionalFormatting>", re.S)
_Shown = TypeVar("_Shown")
_LAST = 1 << 30  # the priority of a rule that has none
MOST_LOOKS = 400_000  # times that a rule is asked about a cell, some ten seconds
_GRAPHIC = ("colorScale", "dataBar", "iconSet")


def read_rules(after: bytes, styles: Styles) -> list[Rule]:
    """The rules in the XML after a sheet's rows, the most important first."""
    looks: list[Difference] = []
    plain: list[tuple[str, Rule]] = []
    newer: dict[str, Element] = {}
    closed = re.search(rb"</(?:\w+:)?conditionalFormatting>", after)
    for found in _FORMATTING.finditer(after) if closed else ():
        formatting = fragment(found[0])
        areas = _areas(formatting.get("sqref") or words(child(formatting, "sqref")))
        for each in children(formatting, "cfRule"):
            looks = looks or differences(styles)
            if areas and not (each.get("type") == "dataBar" and _identity(each) == "" and each.get("id")):
                plain.append((_identity(each), _rule(each, areas, looks, styles)))
            bar = child(each, "dataBar")
            if each.get("id") and bar is not None:
                newer[each.get("id", "")] = bar
    joined = [replace(rule, extra=newer[name]) if name in newer else rule for name, rule in plain]
    return sorted(joined, key=lambda rule: rule.priority)


def _identity(element: Element) -> str:
    """What ties a rule to its newer part: the id in its extension."""
    return next((words(each) for each in descendants(element, "id")), "")


def _rule(element: Element, areas: tuple[Range, ...], looks: list[Difference], styles: Styles) -> Rule:
    own, number = child(element, "dxf"), whole(element.get("dxfId"), -1)
    look = read_difference(own, styles) if own is not None else Difference()
    if own is None and 0 <= number < len(looks):
        look = looks[number]
    return Rule(
        element.get("type", ""),
        areas,
        whole(element.get("priority"), _LAST),
        flag(element.get("stopIfTrue")),
        look,
        element.attrib,
        tuple(words(each) for each in element if local(each) in ("formula", "f")),
        next((each for each in element if local(each) in _GRAPHIC), None),
    )


def _areas(text_of: str) -> tuple[Range, ...]:
    found = (parse_range(each) for each in text_of.split())
    return tuple(each for each in found if each is not None)


def dress(
    rules: list[Rule],
    area: Range,
    values: SheetValues,
    style: Callable[[int, int], CellStyle],
    styles: Styles,
    package: Package,
    now: datetime.datetime,
    right_to_left: bool = False,
) -> Dressed:
    """Apply rules to the cells of an area.

    Args:
        rules: in the order of their priority.
        style: the style of a cell before any rule.
        now: the moment that rules about dates count from.
    """
    rules = [rule for rule in rules if any(_meet(each, area) for each in rule.areas)]
    done = Dressed()
    if not rules:
        return done
    board = Board(_context(package, values, now), values)
    values.load(_needed(rules, values))
    looks: dict[tuple[int, int], Difference] = {}
    stopped: set[tuple[int, int]] = set()
    looked, left_out = 0, 0
    for rule in rules:
        cells = [at for at in _cells(rule, area) if at not in stopped]
        looked += len(cells)
        if looked > MOST_LOOKS:
            left_out += 1
            continue
        try:
            if rule.kind in _GRAPHIC:
                _draw(rule, cells, board, done, looks, styles, right_to_left)
            else:
                met = _met(test_of(rule, board), cells, values)
                for at in met:
                    looks[at] = looks[at].before(rule.look) if at in looks else rule.look
                stopped.update(met if rule.stop else ())
        except (Unsupported, Failed, RecursionError) as reason:
            done.notes.append(_left_out(rule, reason))
    if left_out:
        done.notes.append(text("shot_rules_many", count=left_out, all=len(rules)))
    done.styled = {at: look.over(style(*at)) for at, look in looks.items()}
    return done


def _met(test: Test, cells: Iterable[tuple[int, int]], values: SheetValues) -> list[tuple[int, int]]:
    return [at for at in cells if holds(test, *at, values.at(*at))]


def _draw(
    rule: Rule,
    cells: list[tuple[int, int]],
    board: Board,
    done: Dressed,
    looks: dict[tuple[int, int], Difference],
    styles: Styles,
    right_to_left: bool,
) -> None:
    """A colour, bar or sign for every number; what an earlier rule gave stays."""
    numbers = [(at, value) for at in cells if type(value := board.values.at(*at)) is float]
    if rule.kind == "colorScale":
        colour = scale_of(rule, board, styles.palette)
        for at, value in numbers:
            shown = colour(value)
            look = Difference(fill=Fill(shown) if shown else None)
            looks[at] = looks[at].before(look) if at in looks else look
        return
    if rule.kind == "dataBar":
        bar = bar_of(rule, board, styles.palette, right_to_left)
        _put(done.bars, ((at, bar(value)) for at, value in numbers))
    else:
        icon = icon_of(rule, board)
        _put(done.icons, ((at, icon(value)) for at, value in numbers))
    if not shows_value(rule):
        done.bare.update(at for at, _ in numbers)


def _put(into: dict[tuple[int, int], _Shown], found: Iterable[tuple[tuple[int, int], _Shown | None]]) -> None:
    for at, shown in found:
        if shown is not None:
            into.setdefault(at, shown)


def _context(package: Package, values: SheetValues, now: datetime.datetime) -> Context:
    others: dict[str, SheetValues] = {"": values}
    names = defined_names(package)

    def sheet(name: str) -> SheetValues:
        if name.casefold() not in others:
            try:
                part = package.sheet(name).part
            except KeyError:
                raise Failed("#REF!") from None
            others[name.casefold()] = values if part == values.part else SheetValues(package, part, {}, None)
        return others[name.casefold()]

    today = serial_of(now.date(), package.date1904)
    clock = now - datetime.datetime.combine(now.date(), datetime.time())
    moment = today + clock / datetime.timedelta(days=1)
    return Context(sheet, lambda name: names.get(name.casefold(), ""), today, moment, package.date1904)


def _needed(rules: list[Rule], values: SheetValues) -> set[int]:
    """The columns that rules look at as a whole and that reach beyond what is read."""
    whole_ranges = (*_GRAPHIC, "top10", "aboveAverage", "duplicateValues", "uniqueValues")
    columns: set[int] = set()
    for rule in rules:
        if rule.kind in whole_ranges:
            for area in rule.areas:
                if values.area is None or not _inside(area, values.area):
                    columns.update(range(area.first_column, area.last_column + 1))
    return columns


def _inside(area: Range, other: Range) -> bool:
    return (
        other.first_row <= area.first_row
        and area.last_row <= other.last_row
        and other.first_column <= area.first_column
        and area.last_column <= other.last_column
    )


def _meet(one: Range, other: Range) -> bool:
    return (
        one.first_row <= other.last_row
        and one.last_row >= other.first_row
        and one.first_column <= other.last_column
        and one.last_column >= other.first_column
    )


def _cells(rule: Rule, area: Range) -> Iterator[tuple[int, int]]:
    """The cells of the area that a rule is for, each once."""
    seen: set[tuple[int, int]] = set()
    for each in rule.areas:
        for row in range(max(each.first_row, area.first_row), min(each.last_row, area.last_row) + 1):
            for column in range(max(each.first_column, area.first_column), min(each.last_column, area.last_column) + 1):
                if (row, column) not in seen:
                    seen.add((row, column))
                    yield row, column


def _left_out(rule: Rule, reason: BaseException) -> str:
    formula = f"={rule.formulas[0]}" if rule.formulas else rule.kind
    what = str(reason) if isinstance(reason, Unsupported) and str(reason) else rule.kind
    if isinstance(reason, RecursionError):
        what = text("shot_rule_deep")
    return text("shot_rule_left_out", range=rule.areas[0], rule=formula[:120], what=what)
