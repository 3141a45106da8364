"""What formulas work on: values and ranges, how one kind becomes another, and how they compare."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from xltrain.excel.shot.format import general
from xltrain.excel.shot.values import Content, Fault, SheetValues
from xltrain.place import Range

Node = tuple[Any, ...]


class Unsupported(Exception):  # noqa: N818 - no error of a user's
    """A formula uses what this subset has not; its text says what."""


class Failed(Exception):  # noqa: N818
    """A formula gives an error value."""

    def __init__(self, fault: str) -> None:
        super().__init__(fault)
        self.fault = Fault(fault)


@dataclass(frozen=True)
class Block:
    """A range of a sheet, not yet read."""

    sheet: str
    area: Range

    @property
    def single(self) -> bool:
        return self.area.first_row == self.area.last_row and self.area.first_column == self.area.last_column

    @property
    def size(self) -> int:
        area = self.area
        return (area.last_row - area.first_row + 1) * (area.last_column - area.first_column + 1)


Result = Content | Block


@dataclass
class Context:
    """What formulas look at: `sheet("")` gives the values of the rule's own sheet, `name` what a name stands for."""

    sheet: Callable[[str], SheetValues]
    name: Callable[[str], str]
    today: float
    now: float
    date1904: bool = False
    memory: dict[Any, Any] = field(default_factory=dict)


class Evaluator(Protocol):
    """What a function gets to evaluate its arguments with."""

    context: Context
    row: int
    column: int

    def scalar(self, node: Node) -> Content: ...
    def value(self, node: Node) -> Result: ...
    def number(self, node: Node) -> float: ...
    def text(self, node: Node) -> str: ...
    def truth(self, node: Node) -> bool: ...


def to_number(value: Content) -> float:
    """A value as a number. Raises Failed."""
    if isinstance(value, Fault):
        raise Failed(value)
    if isinstance(value, str):
        try:
            plain = value.strip().replace(",", "")
            return float(plain[:-1]) / 100 if plain.endswith("%") else float(plain)
        except ValueError:
            raise Failed("#VALUE!") from None
    return float(value or 0)


def to_text(value: Content) -> str:
    """A value as text. Raises Failed."""
    if isinstance(value, Fault):
        raise Failed(value)
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return general(value)
    return value or ""


def to_truth(value: Content) -> bool:
    """A value as true or false. Raises Failed."""
    if isinstance(value, str) and not isinstance(value, Fault):
        if value.upper() in ("TRUE", "FALSE"):
            return value.upper() == "TRUE"
        raise Failed("#VALUE!")
    return to_number(value) != 0


def compare(sign: str, left: Content, right: Content) -> bool:
    """As Excel compares: numbers before texts before booleans, texts without case, an empty cell as what it meets."""
    for each in (left, right):
        if isinstance(each, Fault):
            raise Failed(each)
    one, other = _rank(left, right), _rank(right, left)
    order = (one > other) - (one < other)
    return {
        "=": order == 0,
        "<>": order != 0,
        "<": order < 0,
        ">": order > 0,
        "<=": order <= 0,
        ">=": order >= 0,
    }[sign]


def _rank(value: Content, beside: Content) -> tuple[int, Any]:
    if value is None:
        value = "" if isinstance(beside, str) else False if isinstance(beside, bool) else 0.0
    if isinstance(value, bool):
        return 2, value
    return (1, value.casefold()) if isinstance(value, str) else (0, float(f"{value:.15g}"))
