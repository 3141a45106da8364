"""What a single cell means, by its field; every mistake is a ParseError."""

import contextlib
import datetime
import math
import re
from collections.abc import Callable
from typing import Any

from xltrain import choices as choices  # declares what a cell may name
from xltrain.config.call import Node, parse, parse_variants, to_call, to_losses, to_schedule, to_value
from xltrain.config.fields import Field
from xltrain.config.source import Value
from xltrain.config.tokens import ParseError, narrow
from xltrain.language import canonical, label, normal, text
from xltrain.registry import Parameter, unknown

Variants = list[tuple[str, Any]]

_LANGUAGES = ("en", "zh", "english", "chinese", "中文", "英文", "简体中文")
_ALL = ("all", "none", "全部", "无")  # words for 0 where 0 has a meaning of its own
_ZERO_MEANS = ("batch_size", "patience", "clip_norm", "clip_value", "sam", "ema", "header")
_ITEM = re.compile(r"""\s*(?:"((?:[^"]|"")*)"|([^,;，；、\n]*))\s*(?:[,;，；、\n]|$)""")


def parse_field(field: Field, value: Value) -> Variants:
    """Every alternative of a cell with its label; just one, labelled empty, where the field takes no grid."""
    found = _parse(field, value)
    if len(found) > 1 and not field.grid:
        raise ParseError(text("no_grid_here", count=len(found)))
    return found


def _parse(field: Field, value: Value) -> Variants:
    if field.type in (str, "file"):
        return [("", value.text)]
    if field.type is list:
        return [("", parse_list(value))]
    if field.type == "word":
        return [("", _word(field, part)) for part in narrow(value.text).split("|")]
    if field.type == "limit":
        return [("", to_limit(field, value))]
    if isinstance(field.type, str):
        cell = value.text if isinstance(value.value, (str, int, float)) else value.value
        tree = parse(cell, several=field.type == "losses") if isinstance(cell, str) else cell
        return parse_variants(tree, _meaning(field.type))
    return _numbers(field, value)


def _meaning(kind: str) -> Callable[[Node], Any]:
    if kind == "losses":
        return to_losses
    return to_schedule if kind == "schedules" else lambda node: to_call(kind, node)


def to_limit(field: Field, value: Value) -> float | str:
    """A number, or a date as `2024-01-31`."""
    given = value.value
    if isinstance(given, (int, float)) and not isinstance(given, bool) and math.isfinite(given):
        return given
    shown = narrow(value.text).strip()
    for form in ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d"):
        with contextlib.suppress(ValueError):
            return datetime.datetime.strptime(shown, form).date().isoformat()
    with contextlib.suppress(ValueError):
        number = float(shown.replace(",", ""))
        if math.isfinite(number):
            return int(number) if number.is_integer() and abs(number) < 1e15 else number
    raise ParseError(text("limit_form", header=label(field.header), found=value.text))


def _word(field: Field, shown: str) -> str:
    """One of the field's words, in either language."""
    shown = shown.strip()
    word = canonical(shown)
    if field.header == "language":
        code = normal(shown)
        known = shown.casefold() in _LANGUAGES or shown.casefold().startswith(("en_", "en-", "zh_", "zh-"))
        word = ("en" if shown == "英文" else code) if known else shown
    if word in field.words or (word == "auto" and not field.words):
        return word
    folded = {each.casefold(): each for each in field.words}
    if word.casefold() in folded:
        return folded[word.casefold()]
    raise ParseError(unknown(label(field.header), shown, [label(each) for each in field.words]))


def _numbers(field: Field, value: Value) -> Variants:
    """Numbers and booleans, checked against the field's limits."""
    rule = Parameter(label(field.header), field.type, field.default, field.limits, "")
    given: Any = value.value
    if isinstance(given, (str, Node)):
        found = parse_variants(given, to_value)
    elif isinstance(given, list):
        found = [("", each) for each in given]
    else:
        found = [("", given)]
    checked, wrong = [], []
    for name, each in found:
        if str(each).casefold() in _ALL and field.header in _ZERO_MEANS:
            each = 0
        result, message = rule.check(each)
        checked.append((name, result))
        wrong += [message] if message else []
    if wrong:
        raise ParseError(*wrong)
    return checked


def parse_list(value: Value) -> tuple[str, ...]:
    """Words separated by commas; one that holds a comma stands in quotes."""
    if isinstance(value.value, list):
        return tuple(Value(item, value.place).text.strip() for item in value.value)
    found = []
    for match in _ITEM.finditer(value.text):
        item = match[1].replace('""', '"') if match[1] is not None else match[2].strip()
        if item:
            found.append(item)
    return tuple(found)


def write_list(items: tuple[str, ...]) -> str:
    """The words as `parse_list` reads them back."""
    return ", ".join(_quoted(item) if re.search(r'[",;，；、\n]|^\s|\s$', item) else item for item in items)


def _quoted(item: str) -> str:
    return '"' + item.replace('"', '""') + '"'
