"""What a search may vary in one row of the Runs sheet: the ranges and alternatives of its cells."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from xltrain.config.call import Argument, Grid, Joined, Literal, Named, Node, Range, Several, parse
from xltrain.config.fields import Field
from xltrain.config.settings import Dimension, Point
from xltrain.config.source import Value
from xltrain.config.tokens import ParseError, narrow
from xltrain.config.value import parse_field
from xltrain.language import text
from xltrain.registry import REGISTRIES

TRIES = 20  # draws for each run wanted, where few points are left that are new


class CellSpace:
    """The points of one cell."""

    def __init__(self, field: Field, value: Value) -> None:
        """ParseError where the cell cannot be read, or does not hold at an end of a range or for an alternative."""
        self.field, self.value = field, value
        self.tree: Node | None = None
        self.words: list[Any] = []
        kind = field.type if isinstance(field.type, str) else ""
        if field.type == "word":
            self.words = narrow(value.text).split("|")
        elif isinstance(value.value, list):
            self.words = value.value
        elif isinstance(value.value, str):
            self.tree = parse(value.value, several=kind == "losses")
        self.dimensions: list[Dimension] = []
        if self.tree is not None:
            self.dimensions = list(_dimensions(self.tree, kind, field.type is int))
        elif len(self.words) > 1:
            self.dimensions = [Dimension(choices=len(self.words))]
        wrong: list[str] = []
        for point in self._corners():
            try:
                self.at(point)
            except ParseError as error:
                wrong += error.messages
        if wrong:
            raise ParseError(*wrong)

    def at(self, point: Sequence[float]) -> tuple[str, Any]:
        """Label and meaning at one point; the label is empty where nothing varies."""
        given: Any = self.value.value
        if self.tree is not None:
            given = _filled(self.tree, iter(point))
        elif self.dimensions:
            given = self.words[int(point[0])]
        return parse_field(self.field, replace(self.value, value=given))[0]

    def _corners(self) -> Iterator[Point]:
        """Both ends of every range, with each alternative in turn."""
        for share in (0.0, 1.0):
            usual = [0.0 if each.choices else each.at(share) for each in self.dimensions]
            yield tuple(usual)
            for index, each in enumerate(self.dimensions):
                for turn in range(1, each.choices):
                    yield (*usual[:index], float(turn), *usual[index + 1 :])


def draws(dimensions: Sequence[Dimension], count: int, seed: str) -> list[Point]:
    """So many different points, fewer where there are no more; the same for the same seed."""
    generator = random.Random(seed)
    found: dict[Point, None] = {}
    for _ in range(TRIES * count):
        found.setdefault(tuple(each.at(generator.random()) for each in dimensions))
        if len(found) == count:
            break
    return list(found)


def every_alternative(dimensions: Sequence[Dimension]) -> list[Point]:
    """Points that together hold every alternative, and both ends of every range."""
    most = max((each.choices for each in dimensions), default=0)
    return [
        tuple(float(turn % each.choices) if each.choices else each.at(float(turn % 2)) for each in dimensions)
        for turn in range(max(most, 2))
    ]


def _dimensions(node: Node, kind: str, whole: bool) -> Iterator[Dimension]:
    """What varies, in reading order; `kind` is what a name in this place means, `whole` that numbers are counts."""
    if isinstance(node, Range):
        if whole and not (float(node.low).is_integer() and float(node.high).is_integer()):
            raise ParseError(text("range_whole", found=node))
        yield Dimension(node.low, node.high, whole)
    elif isinstance(node, Grid):
        yield Dimension(choices=len(node.items))
        for item in node.items:
            yield from _dimensions(item, kind, whole)
    elif isinstance(node, Named):
        for argument, counts in zip(node.arguments, _counts(node, kind), strict=True):
            yield from _dimensions(argument.node, "", counts)
    elif isinstance(node, (Joined, Several)):
        for item in node.items:
            yield from _dimensions(item, kind, whole)


def _counts(node: Named, kind: str) -> list[bool]:
    """For each argument whether its hyperparameter is a whole number."""
    known = {name.casefold(): name for name in REGISTRIES.get(kind, ())}
    name = known.get(node.name.casefold().replace("-", "_"), "")
    parameters = REGISTRIES[kind][name].parameters if name else ()
    named = {each.name: each.type is int for each in parameters}
    many = next((each.type is int for each in parameters if each.many), None)
    in_order = [each.type is int for each in parameters if not each.many]
    found, position = [], 0
    for argument in node.arguments:
        if argument.name:
            found.append(named.get(argument.name, False))
            continue
        found.append(many if many is not None else position < len(in_order) and in_order[position])
        position += 1
    return found


def _filled(node: Node, point: Iterator[float]) -> Node:
    """The tree at one point: every range and grid a grid of one, so that its label is said as a grid's is."""
    if isinstance(node, Range):
        value = next(point)
        return Grid((Literal(value),))
    if isinstance(node, Grid):
        chosen = int(next(point))
        # The numbers of alternatives not taken are passed over.
        return Grid((tuple(_filled(item, point) for item in node.items)[chosen],))
    if isinstance(node, Named):
        return Named(node.name, tuple(Argument(each.name, _filled(each.node, point)) for each in node.arguments))
    if isinstance(node, Joined):
        return Joined(node.sign, tuple(_filled(item, point) for item in node.items))
    if isinstance(node, Several):
        return Several(tuple(_filled(item, point) for item in node.items))
    return node
