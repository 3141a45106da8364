"""What a cell means, as the one call, loss or schedule that it holds."""

from collections.abc import Sequence
from typing import Any, TypeVar

from xltrain.config.call import parse_schedules, parse_variants, to_call, to_loss, to_value
from xltrain.registry import Call, Term

Meaning = TypeVar("Meaning")


def parse_calls(kind: str, cell: str) -> list[Call]:
    return [call for _, call in parse_variants(cell, lambda node: to_call(kind, node))]


def parse_losses(cell: str) -> list[tuple[Term, ...]]:
    return [loss for _, loss in parse_variants(cell, to_loss)]


def parse_values(cell: str) -> list[Any]:
    return [value for _, value in parse_variants(cell, to_value)]


def parse_call(kind: str, cell: str) -> Call:
    return _only(parse_calls(kind, cell))


def parse_loss(cell: str) -> tuple[Term, ...]:
    return _only(parse_losses(cell))


def parse_schedule(cell: str) -> tuple[Call, ...]:
    return _only(parse_schedules(cell))


def _only(found: Sequence[Meaning]) -> Meaning:
    assert len(found) == 1
    return found[0]
