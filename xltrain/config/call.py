"""The grammar of a cell: literals, registered names and nothing else.

    grid    = chain { "|" chain }                  alternatives: each makes a run of its own
    chain   = sum { ">" sum }                      schedules: warmup(5%) > cosine
    sum     = product { "+" product }              losses: 0.7*mse + 0.3*pinball(q=0.9)
    product = atom { "*" atom }
    losses  = grid { "," grid }                    one loss for each target: mse, 0.3*cross_entropy
    atom    = number | number..number | 5% | word | "text" | name(argument, ...) | (grid, ...) | [grid, ...]
    argument = [ word "=" ] grid

`logspace(a, b, n)` and `linspace(a, b, n)` stand for n alternatives. Full-width signs and digits count as their narrow
twins outside quotes. Nothing is ever evaluated; every mistake is a `ParseError` that carries all its messages.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from xltrain.config.tokens import ParseError, Token, tokenize
from xltrain.language import listed, text
from xltrain.registry import REGISTRIES, Call, Term, nearest, show, unknown

MAX_DEPTH = 20
MAX_GRID = 1000


@dataclass(frozen=True)
class Literal:
    """A number, a word or a quoted text."""

    value: int | float | str
    quoted: bool = False

    def __str__(self) -> str:
        return show(self.value)


@dataclass(frozen=True)
class Several:
    """Values in brackets: `(0.9, 0.999)`."""

    items: "tuple[Node, ...]"

    def __str__(self) -> str:
        return "(" + ", ".join(str(item) for item in self.items) + ")"


@dataclass(frozen=True)
class Argument:
    """A value of a call, with or without a name."""

    name: str
    node: "Node"

    def __str__(self) -> str:
        return f"{self.name}={self.node}" if self.name else str(self.node)


@dataclass(frozen=True)
class Named:
    """`name(argument, ...)`."""

    name: str
    arguments: tuple[Argument, ...]

    def __str__(self) -> str:
        return f"{self.name}({', '.join(str(item) for item in self.arguments)})" if self.arguments else self.name


@dataclass(frozen=True)
class Joined:
    """Parts joined by `+`, `*` or `>`."""

    sign: str
    items: "tuple[Node, ...]"

    def __str__(self) -> str:
        sign = self.sign if self.sign == "*" else f" {self.sign} "
        return sign.join(str(item) for item in self.items)


@dataclass(frozen=True)
class Grid:
    """Alternatives."""

    items: "tuple[Node, ...]"

    def __str__(self) -> str:
        return " | ".join(str(item) for item in self.items)


@dataclass(frozen=True)
class Range:
    """`1e-4..1e-2`: any number from the first to the last, for a search to draw from."""

    low: int | float
    high: int | float

    def __str__(self) -> str:
        return f"{show(self.low)}..{show(self.high)}"


Node = Literal | Several | Named | Joined | Grid | Range
Meaning = TypeVar("Meaning")


@dataclass(frozen=True)
class Variant:
    """One point of a grid; `label` says what sets it apart from the others, empty where there is just one."""

    node: Node
    label: str = ""


def parse(cell: str, several: bool = False) -> Node:
    """The syntax tree of a cell, its grids not yet expanded; `several` where commas may stand outside brackets."""
    return _Parser(cell).whole(several)


def expand(cell: str | Node) -> list[Variant]:
    """Every alternative that a cell stands for, in reading order, the last grid varying fastest."""
    tree = parse(cell) if isinstance(cell, str) else cell
    size = _size(tree)
    if size > MAX_GRID:
        raise ParseError(text("grid_too_large", count=size, limit=MAX_GRID))
    return [Variant(node, " ".join(labels)) for node, labels in _expand(tree)]


def parse_variants(cell: str | Node, mean: Callable[[Node], Meaning]) -> list[tuple[str, Meaning]]:
    """What each alternative of a cell means, with its label; every mistake of every alternative is reported once."""
    found: list[tuple[str, Meaning]] = []
    wrong: list[str] = []
    for variant in expand(cell):
        try:
            found.append((variant.label, mean(variant.node)))
        except ParseError as error:
            wrong += error.messages
    if wrong:
        raise ParseError(*wrong)
    return found


def parse_schedules(cell: str) -> list[tuple[Call, ...]]:
    return [schedule for _, schedule in parse_variants(cell, to_schedule)]


def to_call(kind: str, node: Node) -> Call:
    """A grid-free tree as a checked call of a registered choice."""
    registry = REGISTRIES[kind]
    name, arguments = _head(kind, node)
    known = {word.casefold(): word for word in registry}
    found = known.get(name.casefold().replace("-", "_"))
    if found is None:
        raise ParseError(_unknown(kind, name))
    positional = tuple(to_value(argument.node) for argument in arguments if not argument.name)
    named: dict[str, Any] = {}
    wrong = []
    for argument in arguments:
        if argument.name in named:
            wrong.append(text("argument_twice", choice=found, name=argument.name))
        if argument.name:
            named[argument.name] = to_value(argument.node)
    call, mistakes = registry[found].bind(positional, named)
    if wrong + mistakes:
        raise ParseError(*wrong, *mistakes)
    return call


def to_loss(node: Node, scale: float = 1.0) -> tuple[Term, ...]:
    """A grid-free tree as the scaled terms of a loss."""
    if not isinstance(node, Joined):
        return (Term(scale, to_call("losses", node)),)
    if node.sign == ">":
        raise ParseError(text("sign_misplaced", sign=">", found=str(node)))
    if node.sign == "+":
        return tuple(term for item in node.items for term in to_loss(item, scale))
    numbers = [item.value for item in node.items if isinstance(item, Literal) and not isinstance(item.value, str)]
    rest = [item for item in node.items if not (isinstance(item, Literal) and not isinstance(item.value, str))]
    if len(rest) != 1 or not all(number > 0 for number in numbers):
        raise ParseError(text("scale_must", found=str(node)))
    return to_loss(rest[0], scale * math.prod(numbers))


def to_losses(node: Node) -> tuple[Term, ...] | tuple[tuple[Term, ...], ...]:
    """A grid-free tree as a loss, or as one for each target."""
    return tuple(to_loss(item) for item in node.items) if isinstance(node, Several) else to_loss(node)


def to_schedule(node: Node) -> tuple[Call, ...]:
    """A grid-free tree as a chain of schedules: any number of prefixes, then one that is none."""
    chained = isinstance(node, Joined) and node.sign == ">"
    parts = node.items if chained and isinstance(node, Joined) else (node,)
    calls = tuple(to_call("schedules", part) for part in parts)
    for call in calls[:-1]:
        if not call.choice.facts.get("prefix"):
            raise ParseError(text("not_a_prefix", name=call.name))
    if calls[-1].choice.facts.get("prefix"):
        raise ParseError(text("prefix_alone", name=calls[-1].name))
    return calls


def to_value(node: Node) -> Any:
    """A grid-free tree as a plain value: number, text or a tuple of these."""
    if isinstance(node, Literal):
        return node.value
    if isinstance(node, Several):
        return tuple(to_value(item) for item in node.items)
    if isinstance(node, Range):
        raise ParseError(text("range_needs_search", found=node))
    raise ParseError(text("value_expected", found=str(node)))


def _head(kind: str, node: Node) -> tuple[str, tuple[Argument, ...]]:
    if isinstance(node, Named):
        return node.name, node.arguments
    if isinstance(node, Literal) and isinstance(node.value, str):
        return node.value, ()
    if isinstance(node, Several) and len(node.items) == 1:
        return _head(kind, node.items[0])
    raise ParseError(text("call_expected", kind=text(f"kind_{kind}"), found=str(node)))


def _unknown(kind: str, name: str) -> str:
    """`unknown loss 'adam'`, with the kind that does know it where another one does."""
    elsewhere = next((other for other, registry in REGISTRIES.items() if name in registry and other != kind), "")
    if elsewhere and not nearest(name, REGISTRIES[kind]):
        key = {"kind": text(f"kind_{kind}"), "other": text(f"kind_{elsewhere}")}
        return text("unknown_elsewhere", name=name, known=listed(REGISTRIES[kind]), **key)
    return unknown(text(f"kind_{kind}"), name, REGISTRIES[kind])


def _size(node: Node) -> int:
    if isinstance(node, Grid):
        return sum(_size(item) for item in node.items)
    if isinstance(node, Named):
        return math.prod(_size(item.node) for item in node.arguments)
    if isinstance(node, (Several, Joined)):
        return math.prod(_size(item) for item in node.items)
    return 1


_Labelled = tuple[Node, tuple[str, ...]]


def _expand(node: Node) -> Iterator[_Labelled]:
    """Each alternative with the parts of its label."""
    if isinstance(node, Grid):
        for item in node.items:
            for found, labels in _expand(item):
                yield found, (_title(found, labels),)
    elif isinstance(node, Named):
        for arguments in itertools.product(*(list(_expand_argument(item)) for item in node.arguments)):
            yield Named(node.name, tuple(item for item, _ in arguments)), _labels(arguments)
    elif isinstance(node, Joined):
        for parts in itertools.product(*(list(_expand(item)) for item in node.items)):
            joined = Joined(node.sign, tuple(part for part, _ in parts))
            yield joined, (str(joined),) if node.sign == "*" and _labels(parts) else _labels(parts)
    elif isinstance(node, Several):
        for parts in itertools.product(*(list(_expand(item)) for item in node.items)):
            several = Several(tuple(part for part, _ in parts))
            yield several, (str(several),) if _labels(parts) else ()
    else:
        yield node, ()


def _expand_argument(argument: Argument) -> Iterator[tuple[Argument, tuple[str, ...]]]:
    for node, labels in _expand(argument.node):
        found = Argument(argument.name, node)
        yield found, (str(found),) if labels else ()


def _labels(parts: Sequence[tuple[Any, tuple[str, ...]]]) -> tuple[str, ...]:
    return tuple(label for _, labels in parts for label in labels)


def _title(node: Node, labels: tuple[str, ...]) -> str:
    """`sgd(momentum=0.9)` for a plain alternative, `adam lr=0.01` for one that varies inside."""
    return " ".join((node.name, *labels)) if labels and isinstance(node, Named) else str(node)


class _Parser:
    """Recursive descent over the tokens of one cell."""

    def __init__(self, cell: str) -> None:
        self.tokens = tokenize(cell)
        self.at = 0
        self.depth = 0

    def whole(self, several: bool = False) -> Node:
        if self.next.kind == "end":
            raise ParseError(text("cell_empty"))
        node = self.grid()
        items = [node]
        while several and self.take(","):
            items.append(self.grid())
            node = Several(tuple(items))
        if self.next.kind != "end":
            raise self.unexpected()
        return node

    @property
    def next(self) -> Token:
        return self.tokens[self.at]

    def unexpected(self) -> ParseError:
        token = self.next
        if token.kind == "end":
            return ParseError(text("cell_ends_early"))
        return ParseError(text("unexpected_sign", found=token.text, position=token.start + 1))

    def take(self, signs: str) -> str:
        """The next token's sign where it is one of `signs`, else an empty string."""
        if self.next.kind == "sign" and self.next.text in signs:
            self.at += 1
            return self.tokens[self.at - 1].text
        return ""

    def grid(self) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ParseError(text("nested_too_deep", limit=MAX_DEPTH))
        items = [self.joined(">")]
        while self.take("|"):
            items.append(self.joined(">"))
        self.depth -= 1
        return items[0] if len(items) == 1 else Grid(tuple(items))

    def joined(self, sign: str) -> Node:
        """A chain of sums of products of atoms, `sign` naming the level."""
        tighter = {">": "+", "+": "*"}.get(sign)
        items = [self.joined(tighter) if tighter else self.atom()]
        while self.take(sign):
            items.append(self.joined(tighter) if tighter else self.atom())
        return items[0] if len(items) == 1 else Joined(sign, tuple(items))

    def atom(self) -> Node:
        token = self.next
        opened = self.take("([")
        if opened:
            return self.several({"(": ")", "[": "]"}[opened])
        sign = -1 if self.take("-") else 1
        if sign < 0 or self.take("+"):
            token = self.next
            if token.kind != "number":
                raise self.unexpected()
        if token.kind not in ("number", "word", "text"):
            raise self.unexpected()
        self.at += 1
        if token.kind == "number":
            first = sign * token.number
            return self.range(first) if self.take("..") else Literal(first)
        if token.kind == "text":
            return Literal(token.text, quoted=True)
        if self.take("("):
            return self.call(token)
        return Literal(self.words(token.text) if self.depth > 1 else token.text)

    def range(self, low: int | float) -> Range:
        sign = -1 if self.take("-") else 1
        token = self.next
        if token.kind != "number":
            raise self.unexpected()
        self.at += 1
        found = Range(low, sign * token.number)
        if found.low >= found.high:
            raise ParseError(text("range_ends", found=found))
        return found

    def words(self, first: str) -> str:
        """Words in a row inside brackets are one text: `group(branch name)`."""
        found = [first]
        while self.next.kind == "word":
            found.append(self.next.text)
            self.at += 1
        return " ".join(found)

    def several(self, close: str) -> Node:
        items: list[Node] = []
        comma = ""
        while not self.take(close):
            if items and not comma:
                raise self.unexpected()
            items.append(self.grid())
            comma = self.take(",")
        if len(items) == 1 and not comma and close == ")":
            return items[0]
        return Several(tuple(items))

    def call(self, name: Token) -> Node:
        arguments: list[Argument] = []
        comma = "first"
        while not self.take(")"):
            if not comma:
                raise self.unexpected()
            arguments.append(self.argument())
            comma = self.take(",")
        word = name.text.casefold()
        return _space(word, arguments) if word in ("logspace", "linspace") else Named(name.text, tuple(arguments))

    def argument(self) -> Argument:
        name = self.next
        after = self.tokens[min(self.at + 1, len(self.tokens) - 1)]
        if name.kind == "word" and after.kind == "sign" and after.text in "=:":
            self.at += 2
            return Argument(name.text.casefold(), self.grid())
        return Argument("", self.grid())


def _space(name: str, arguments: Sequence[Argument]) -> Grid:
    """The alternatives of `logspace(first, last, count)` or `linspace`, to six digits."""
    values = [argument.node.value for argument in arguments if isinstance(argument.node, Literal) and not argument.name]
    numbers = [float(value) for value in values if not isinstance(value, str)]
    if len(numbers) != 3 or len(arguments) != 3:
        raise ParseError(text("space_arguments", name=name))
    first, last, count = numbers
    if not count.is_integer() or not 2 <= count <= MAX_GRID:
        raise ParseError(text("space_count", name=name, limit=MAX_GRID, found=show(count)))
    if name == "logspace" and not (first > 0 and last > 0):
        raise ParseError(text("space_positive", found=show(min(first, last))))
    shares = [step / (count - 1) for step in range(int(count))]
    if name == "logspace":
        points = [math.exp(math.log(first) * (1 - share) + math.log(last) * share) for share in shares]
    else:
        points = [first * (1 - share) + last * share for share in shares]
    return Grid(tuple(Literal(_plain(float(f"{point:.6g}"))) for point in points))


def _plain(value: float) -> int | float:
    return int(value) if value.is_integer() and abs(value) < 1e15 else value
