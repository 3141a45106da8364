"""Formulas of conditional formats: the common subset, evaluated on stored values. Nothing outside it is guessed.

A rule's formula is written for the first cell of its range; for another cell its relative references move along.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from xltrain.excel.shot.functions import call
from xltrain.excel.shot.operands import (
    Block,
    Context,
    Failed,
    Node,
    Result,
    Unsupported,
    compare,
    to_number,
    to_text,
    to_truth,
)
from xltrain.excel.shot.text_functions import FUNCTIONS
from xltrain.excel.shot.values import Content, Fault
from xltrain.language import text
from xltrain.place import MAX_COLUMN, MAX_ROW, Range, column_number

_CELL = r"(\$?)([A-Za-z]{1,3})(\$?)([0-9]{1,7})"
_SHEET = r"(?:('(?:[^']|'')+'|[^\W\d][\w.]*)!)?"
_TOKEN = re.compile(
    r"\s*(?:"
    r"(?P<number>\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)(?![\w!:])"
    r'|(?P<string>"(?:[^"]|"")*")'
    r"|(?P<error>#(?:N/A|REF!|VALUE!|DIV/0!|NAME\?|NUM!|NULL!))"
    rf"|(?P<columns>{_SHEET}(\$?)([A-Za-z]{{1,3}}):(\$?)([A-Za-z]{{1,3}})(?![\w(!]))"
    rf"|(?P<lines>{_SHEET}(\$?)(\d{{1,7}}):(\$?)(\d{{1,7}})(?![\w(!]))"
    rf"|(?P<cell>{_SHEET}{_CELL}(?::{_CELL})?(?![\w(!.]))"
    r"|(?P<call>[A-Za-z_][\w.]*)\s*\("
    r"|(?P<name>[^\W\d][\w.\\]*)"
    r"|(?P<sign><=|>=|<>|[-+*/^&=<>%(),;])"
    r")"
)
_BINARY = dict.fromkeys(("=", "<>", "<", ">", "<=", ">="), 1)
_BINARY |= {"&": 2, "+": 3, "-": 3, "*": 4, "/": 4, "^": 6}
_DEEPEST = 60


def evaluate(formula: str, context: Context, row: int, column: int, base: tuple[int, int]) -> Content:
    """The value of a formula written for the cell `base`, at (row, column). An error comes back as a Fault.

    Raises:
        Unsupported: the formula is no formula of the subset.
    """
    try:
        return Evaluation(context, row, column, base).scalar(parse(formula))
    except Failed as failed:
        return failed.fault
    except (OverflowError, ZeroDivisionError, ValueError):
        return Fault("#NUM!")


class Evaluation:
    """One formula at one cell."""

    def __init__(self, context: Context, row: int, column: int, base: tuple[int, int]) -> None:
        self.context, self.row, self.column = context, row, column
        self.down, self.across = row - base[0], column - base[1]

    def scalar(self, node: Node) -> Content:
        """One value; of a range of several cells, the one in the formula's own row or column."""
        found = self.value(node)
        if not isinstance(found, Block):
            return found
        area = found.area
        row = area.first_row if area.first_row == area.last_row else self.row
        column = area.first_column if area.first_column == area.last_column else self.column
        inside = area.first_row <= row <= area.last_row and area.first_column <= column <= area.last_column
        if not inside or ((row, column) == (self.row, self.column) and not found.single):
            raise Failed("#VALUE!")
        return self.context.sheet(found.sheet).at(row, column)

    def value(self, node: Node) -> Result:
        kind = node[0]
        if kind == "value":
            return node[1]  # type: ignore[no-any-return]
        if kind == "fault":
            raise Failed(node[1])
        if kind == "cells":
            return Block(node[1], self._moved(node[2], node[3]))
        if kind == "name":
            return self._named(node[1])
        if kind == "call":
            return call(node[1], self, node[2])
        if kind == "sign":
            number = self.number(node[2])
            return {"-": -number, "+": number, "%": number / 100}[node[1]]
        return self._binary(node[1], node[2], node[3])

    def number(self, node: Node) -> float:
        return to_number(self.scalar(node))

    def text(self, node: Node) -> str:
        return to_text(self.scalar(node))

    def truth(self, node: Node) -> bool:
        return to_truth(self.scalar(node))

    def _binary(self, sign: str, left: Node, right: Node) -> Content:
        if sign == "&":
            return self.text(left) + self.text(right)
        if _BINARY[sign] == 1:
            return compare(sign, self.scalar(left), self.scalar(right))
        one, other = self.number(left), self.number(right)
        if sign == "/":
            if other == 0:
                raise Failed("#DIV/0!")
            return one / other
        if sign == "^":
            power = one**other
            if isinstance(power, complex):
                raise Failed("#NUM!")
            return float(power)
        return {"+": one + other, "-": one - other, "*": one * other}[sign]

    def _named(self, name: str) -> Result:
        if name.upper() in ("TRUE", "FALSE"):
            return name.upper() == "TRUE"
        target = self.context.name(name)
        if not target:
            raise Unsupported(name)
        return Evaluation(self.context, self.row, self.column, (1, 1)).value(parse(target))

    def _moved(self, start: tuple[int, int, bool, bool], end: tuple[int, int, bool, bool]) -> Range:
        rows = sorted(self._shifted(each[0], each[2], self.down, MAX_ROW) for each in (start, end))
        columns = sorted(self._shifted(each[1], each[3], self.across, MAX_COLUMN) for each in (start, end))
        return Range("", rows[0], columns[0], rows[1], columns[1])

    @staticmethod
    def _shifted(line: int, fixed: bool, by: int, most: int) -> int:
        return line if fixed else (line + by - 1) % most + 1  # Excel goes round the sheet's edge


@lru_cache(maxsize=512)
def parse(formula: str) -> Node:
    """The tree of a formula, with or without a leading equals sign. Raises Unsupported."""
    reader = _Parser(list(_tokens(formula.strip().removeprefix("="))))
    tree = reader.expression(0)
    if reader.at < len(reader.tokens):
        raise Unsupported(formula)
    return tree


def _tokens(formula: str) -> Iterator[tuple[str, Any]]:
    at, formula = 0, formula.rstrip()
    while at < len(formula):
        found = _TOKEN.match(formula, at)
        if not found or found.end() == at:
            raise Unsupported(formula[at : at + 20])
        at, kind = found.end(), found.lastgroup or ""
        kind = next(each for each in _KINDS if found[each] is not None)
        yield kind, _token(kind, found[kind])


_KINDS = ("number", "string", "error", "columns", "lines", "cell", "call", "name", "sign")


def _token(kind: str, body: str) -> Any:
    if kind == "number":
        return float(body)
    if kind == "string":
        return body[1:-1].replace('""', '"')
    if kind in ("columns", "lines", "cell"):
        return _cells(kind, body)
    return body


def _cells(kind: str, body: str) -> Node:
    sheet, _, cells = body.rpartition("!")
    if sheet.startswith("'"):
        sheet = sheet[1:-1].replace("''", "'")
    start, _, end = cells.partition(":")
    return "cells", sheet, _corner(start, kind, 1), _corner(end or start, kind, 0)


def _corner(cell: str, kind: str, first: int) -> tuple[int, int, bool, bool]:
    """Row, column, and whether each of them stays."""
    if kind == "columns":
        return 1 if first else MAX_ROW, column_number(cell.strip("$")), True, cell[0] == "$"
    if kind == "lines":
        return int(cell.strip("$")), 1 if first else MAX_COLUMN, cell[0] == "$", True
    found = re.fullmatch(_CELL, cell)
    if not found or not 1 <= int(found[4]) <= MAX_ROW or not 1 <= column_number(found[2]) <= MAX_COLUMN:
        raise Unsupported(cell)
    return int(found[4]), column_number(found[2]), bool(found[3]), bool(found[1])


class _Parser:
    """Recursive descent by the strength of operators."""

    def __init__(self, tokens: list[tuple[str, Any]]) -> None:
        self.tokens, self.at, self.depth = tokens, 0, 0

    def peek(self) -> tuple[str, Any]:
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "")

    def take(self, sign: str = "") -> tuple[str, Any]:
        token = self.peek()
        if token[0] == "end" or (sign and token != ("sign", sign)):
            raise Unsupported(str(token[1]) or sign)
        self.at += 1
        return token

    def expression(self, least: int) -> Node:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise Unsupported(text("shot_rule_deep"))
        left = self.operand()
        while True:
            kind, sign = self.peek()
            if kind != "sign":
                break
            if sign == "%":
                self.at += 1
                left = ("sign", "%", left)
                continue
            strength = _BINARY.get(sign, 0)
            if not strength or strength <= least:
                break
            self.at += 1
            left = ("binary", sign, left, self.expression(strength))
        self.depth -= 1
        return left

    def operand(self) -> Node:
        kind, body = self.take()
        if kind in ("number", "string"):
            return "value", body
        if kind == "error":
            return "fault", body
        if kind in ("cell", "columns", "lines"):
            return body  # type: ignore[no-any-return]
        if kind == "name":
            return "name", body
        if kind == "call":
            return self._call(body)
        if body in ("-", "+"):
            return "sign", body, self.expression(6)
        if body == "(":
            inner = self.expression(0)
            self.take(")")
            return inner
        raise Unsupported(body)

    def _call(self, name: str) -> Node:
        name = name.upper().removeprefix("_XLFN.")
        if name not in FUNCTIONS:
            raise Unsupported(f"{name}()")
        arguments: list[Node] = []
        while self.peek() != ("sign", ")"):
            if self.peek()[1] in (",", ";") and self.peek()[0] == "sign":
                arguments.append(("value", None))
            else:
                arguments.append(self.expression(0))
            if self.peek() != ("sign", ")"):
                self.at += 1 if self.peek()[1] in (",", ";") else 0
                if self.peek() == ("sign", ")"):
                    arguments.append(("value", None))
                elif self.tokens[self.at - 1][1] not in (",", ";"):
                    raise Unsupported(name)
        self.take(")")
        return "call", name, tuple(arguments)
