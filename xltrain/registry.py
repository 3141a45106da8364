"""How a choice is declared and checked.

A choice is anything a user names in a cell: a loss, metric, optimizer, schedule, model, encoder or split. It is one
decorated function. What stands before the `*` is data (tensors, sizes); what stands after it, or in `*args`, are the
hyperparameters, each annotated with its type, its limits and a sentence:

    @losses.add(task="regression")
    def huber(prediction, target, *, delta: Annotated[float, Above(0), "where squared turns linear"] = 1.0):
        '''Squared within delta, linear beyond it; tolerant of outliers.'''

From that one place come validation, dropdowns, `xltrain list`, the reference and the common tests.
A hyperparameter annotated `float` is a number that may differ between the members of one stack and reaches the
function as a tensor; every other type is structure and part of the stack's signature.
"""

import inspect
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Union

from xltrain.language import describe, listed, text


@dataclass(frozen=True)
class Above:
    """Strictly greater than."""

    limit: float

    def holds(self, value: Any) -> bool:
        return bool(value > self.limit)

    def __str__(self) -> str:
        return text("limit_above", limit=number(self.limit))

    def bad(self) -> float:
        """A value that breaks the limit, for tests."""
        return self.limit


@dataclass(frozen=True)
class AtLeast:
    """Greater or equal."""

    limit: float

    def holds(self, value: Any) -> bool:
        return bool(value >= self.limit)

    def __str__(self) -> str:
        return text("limit_at_least", limit=number(self.limit))

    def bad(self) -> float:
        return self.limit - 1


@dataclass(frozen=True)
class Below:
    """Strictly less than."""

    limit: float

    def holds(self, value: Any) -> bool:
        return bool(value < self.limit)

    def __str__(self) -> str:
        return text("limit_below", limit=number(self.limit))

    def bad(self) -> float:
        return self.limit


@dataclass(frozen=True)
class AtMost:
    """Less or equal."""

    limit: float

    def holds(self, value: Any) -> bool:
        return bool(value <= self.limit)

    def __str__(self) -> str:
        return text("limit_at_most", limit=number(self.limit))

    def bad(self) -> float:
        return self.limit + 1


class OneOf:
    """One of the words given."""

    def __init__(self, *words: str) -> None:
        self.words = words

    def holds(self, value: Any) -> bool:
        return value in self.words

    def __str__(self) -> str:
        return text("limit_one_of", words=listed(self.words))

    def bad(self) -> str:
        return "no-such-word"


AUTO = "auto"
Limit = Above | AtLeast | Below | AtMost | OneOf


class ClassWeights:
    """The type of a hyperparameter that weights classes.

    A cell may say `none`, `balanced` (inverse to the class shares of the member's training rows), one number (the
    weight of the positive class, of two) or one number per class in the order of the classes. The function receives a
    tensor `(members, 1, classes)`; for the ledger, whose losses are unweighted, one of ones.
    """


@dataclass(frozen=True)
class OrAuto:
    """Beside the type of a number: a cell may also say `auto`; the engine finds the number before it trains."""

    def __str__(self) -> str:
        return text("limit_or_auto")


@dataclass(frozen=True)
class Parameter:
    """A hyperparameter of a choice; one that may be `auto` is found by the engine where the cell says so."""

    name: str
    type: Any
    default: Any
    limits: tuple[Limit, ...]
    summary: str
    many: bool = False
    auto: bool = False

    @property
    def required(self) -> bool:
        return self.default is inspect.Parameter.empty and not self.many

    @property
    def rules(self) -> str:
        """The limits in words; empty where there are none."""
        return listed(str(limit) for limit in (*self.limits, *([OrAuto()] if self.auto else [])))

    @property
    def varies(self) -> bool:
        """True for a number that may differ between members of one stack."""
        return self.type is float

    def check(self, value: Any) -> tuple[Any, str]:
        """The value as its type, and what is wrong with it (empty when nothing is)."""
        if self.auto and value == AUTO:
            return AUTO, ""
        value, wrong = _cast(self.type, value)
        if not wrong:
            parts = value if isinstance(value, tuple) else (value,)
            wrong = next((str(limit) for part in parts for limit in self.limits if not limit.holds(part)), "")
        if wrong:
            wrong += text("comma") + str(OrAuto()) if self.auto else ""
            return value, text("parameter_must", name=self.name, rule=wrong, found=show(value))
        return value, ""


@dataclass(frozen=True)
class Choice:
    """A declared choice: its name, the function behind it, its hyperparameters and what is known about it."""

    kind: str
    name: str
    function: Callable[..., Any]
    parameters: tuple[Parameter, ...]
    english: str
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def summary(self) -> str:
        """First line of the docstring, in the current language."""
        return describe(f"{self.kind}.{self.name}", self.english)

    def about(self, parameter: Parameter) -> str:
        """What a hyperparameter means, in the current language."""
        return describe(f"{self.kind}.{self.name}.{parameter.name}", parameter.summary)

    def bind(
        self, positional: tuple[Any, ...] = (), named: Mapping[str, Any] | None = None
    ) -> "tuple[Call, list[str]]":
        """A call with every hyperparameter filled in, and everything that is wrong with the arguments."""
        named = dict(named or {})
        wrong: list[str] = []
        values: dict[str, Any] = {}
        rest = list(positional)
        for parameter in self.parameters:
            if parameter.many:
                given: Any = tuple(rest) if rest else parameter.default
                rest = []
            elif parameter.name in named:
                given = named.pop(parameter.name)
            elif rest:
                given = rest.pop(0)
            elif parameter.required:
                wrong.append(text("parameter_missing", choice=self.name, name=parameter.name))
                continue
            else:
                values[parameter.name] = parameter.default
                continue
            if parameter.many:
                checked = [parameter.check(value) for value in given]
                values[parameter.name] = tuple(value for value, _ in checked)
                wrong += [message for _, message in checked if message]
            else:
                values[parameter.name], message = parameter.check(given)
                wrong += [message] if message else []
        wrong += [text("too_many_arguments", choice=self.name, found=show(value)) for value in rest]
        names = [parameter.name for parameter in self.parameters if not parameter.many]
        for name in named:
            wrong.append(unknown(text("word_parameter", choice=self.name), name, names))
        return Call(self.kind, self.name, tuple(values.items())), wrong


@dataclass(frozen=True)
class Call:
    """A choice with its hyperparameters: what a cell such as `huber(delta=0.5)` means."""

    kind: str
    name: str
    values: tuple[tuple[str, Any], ...] = ()

    @property
    def choice(self) -> Choice:
        return REGISTRIES[self.kind][self.name]

    def __getitem__(self, name: str) -> Any:
        return dict(self.values)[name]

    def apply(self, *data: Any) -> Any:
        """What the choice's function makes of the data that stand before its hyperparameters."""
        many = [parameter.name for parameter in self.choice.parameters if parameter.many]
        several = [value for name in many for value in self[name]]
        return self.choice.function(*data, *several, **{name: value for name, value in self.values if name not in many})

    @property
    def numbers(self) -> dict[str, Any]:
        """The hyperparameters that may differ between members of one stack."""
        varying = {parameter.name for parameter in self.choice.parameters if parameter.varies}
        return {name: value for name, value in self.values if name in varying}

    @property
    def structure(self) -> tuple[tuple[str, Any], ...]:
        """The hyperparameters that are part of a stack's signature."""
        numbers = self.numbers
        return tuple((name, value) for name, value in self.values if name not in numbers)

    def __str__(self) -> str:
        """As one would write it in a cell: only what differs from the defaults."""
        parts = []
        for parameter in self.choice.parameters:
            value = dict(self.values).get(parameter.name, parameter.default)
            if value == parameter.default and not parameter.many:
                continue
            if parameter.many:
                parts += [show(item) for item in value]
            elif parameter.required:
                parts.append(show(value))
            else:
                parts.append(f"{parameter.name}={show(value)}")
        return f"{self.name}({', '.join(parts)})" if parts else self.name


@dataclass(frozen=True)
class Term:
    """One scaled part of a loss: `0.7*mse`."""

    scale: float
    call: Call

    def __str__(self) -> str:
        return str(self.call) if self.scale == 1 else f"{number(self.scale)}*{self.call}"


class Registry(Mapping[str, Choice]):
    """The choices of one kind, by name."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._choices: dict[str, Choice] = {}
        REGISTRIES[kind] = self

    def add(self, **facts: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Declare the decorated function as a choice; `facts` are what the engine must know about it."""

        def register(function: Callable[..., Any]) -> Callable[..., Any]:
            name = str(facts.pop("name", function.__name__))
            if name in self._choices:
                raise ValueError(f"{self.kind}: {name!r} is declared twice")
            doc = inspect.getdoc(function) or ""
            self._choices[name] = Choice(
                self.kind, name, function, tuple(_parameters(function)), doc.partition("\n")[0], facts
            )
            return function

        return register

    def restore(self, choices: Mapping[str, Choice]) -> None:
        """Know these choices and no others."""
        self._choices = dict(choices)

    def __getitem__(self, name: str) -> Choice:
        return self._choices[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._choices)

    def __len__(self) -> int:
        return len(self._choices)

    def call(self, name: str, *positional: Any, **named: Any) -> Call:
        """A checked call from Python: `optimizers.call("adamw", lr=3e-4)`.

        Raises ValueError with every mistake in the arguments, KeyError for an unknown name.
        """
        call, wrong = self[name].bind(positional, named)
        if wrong:
            raise ValueError("; ".join(wrong))
        return call


REGISTRIES: dict[str, Registry] = {}
losses = Registry("losses")
objectives = Registry("objectives")
metrics = Registry("metrics")
optimizers = Registry("optimizers")
schedules = Registry("schedules")
models = Registry("models")
encoders = Registry("encoders")
splits = Registry("splits")
searches = Registry("searches")


def nearest(name: str, known: "typing.Iterable[str]") -> str:
    """The known name most like `name`, or an empty string when none is near."""
    import difflib  # keeps it off the start-up path

    folded = {word.casefold(): word for word in known}
    close = difflib.get_close_matches(name.casefold(), list(folded), 1, 0.6)
    return folded[close[0]] if close else ""


def unknown(kind: str, name: str, known: "typing.Iterable[str]") -> str:
    """`unknown loss 'hubber'; did you mean 'huber'?`, or the whole list when nothing is near."""
    known = list(known)
    guess = nearest(name, known)
    if guess:
        return text("unknown_near", kind=kind, name=name, guess=guess)
    return text("unknown_name", kind=kind, name=name, known=listed(known))


def number(value: float) -> str:
    """A number as short as it can be written without loss: 1e-3 -> 0.001, 5.0 -> 5."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    short = f"{value:g}"
    return short if float(short) == value else repr(value)


def show(value: Any) -> str:
    """A value as it is written in a cell."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return number(value)
    if isinstance(value, tuple):
        return "(" + ", ".join(show(item) for item in value) + ")"
    if isinstance(value, str) and not value.replace("_", "a").isidentifier():
        return '"' + value.replace('"', "'") + '"'
    return str(value)


def _parameters(function: Callable[..., Any]) -> Iterator[Parameter]:
    for item in inspect.signature(function).parameters.values():
        many = item.kind is inspect.Parameter.VAR_POSITIONAL
        if not many and item.kind is not inspect.Parameter.KEYWORD_ONLY:
            continue
        if typing.get_origin(item.annotation) is not Annotated:
            raise TypeError(f"{function.__name__}: {item.name} needs Annotated[type, limits..., 'what it means']")
        kind, *extras = typing.get_args(item.annotation)
        limits = tuple(extra for extra in extras if isinstance(extra, Limit))
        defaults = tuple(extra for extra in extras if isinstance(extra, tuple))
        default = (defaults[0] if defaults else ()) if many else item.default
        summary = next(extra for extra in extras if isinstance(extra, str))
        auto = any(isinstance(extra, OrAuto) for extra in extras)
        yield Parameter(item.name, kind, default, limits, summary, many, auto)


_TRUE = {"true", "yes", "on", "是", "真"}
_FALSE = {"false", "no", "off", "否", "假"}


def _cast(kind: Any, value: Any) -> tuple[Any, str]:
    """`value` as `kind`, and the rule it breaks (empty when it fits)."""
    origin = typing.get_origin(kind)
    if origin in (Union, types.UnionType):
        options = typing.get_args(kind)
        if value is None or (isinstance(value, str) and value == "none"):
            return (None, "") if type(None) in options else (value, text("type_number"))
        tried = [_cast(option, value) for option in options if option is not type(None)]
        return next((pair for pair in tried if not pair[1]), tried[0])
    if origin is tuple:
        inner = typing.get_args(kind)
        items = value if isinstance(value, tuple) else (value,)
        if inner[-1] is not Ellipsis and len(items) != len(inner):
            return value, text("type_several", count=len(inner))
        kinds = [inner[0]] * len(items) if inner[-1] is Ellipsis else inner
        pairs = [_cast(each, item) for each, item in zip(kinds, items, strict=True)]
        return tuple(pair[0] for pair in pairs), next((pair[1] for pair in pairs if pair[1]), "")
    if kind is ClassWeights:
        if value in ("none", None):
            return "none", ""
        if value in ("balanced", "auto"):
            return "balanced", ""
        numbers = value if isinstance(value, tuple) else (value,)
        good = all(isinstance(item, (int, float)) and not isinstance(item, bool) and item > 0 for item in numbers)
        return (tuple(float(item) for item in numbers), "") if good else (value, text("type_class_weights"))
    if kind is bool:
        word = str(value).lower()
        return (True, "") if word in _TRUE else (False, "") if word in _FALSE else (value, text("type_boolean"))
    if kind is int:
        whole = isinstance(value, (int, float)) and not isinstance(value, bool) and float(value).is_integer()
        return (int(value), "") if whole else (value, text("type_integer"))
    if kind is float:
        good = isinstance(value, (int, float)) and not isinstance(value, bool) and value == value
        return (float(value), "") if good else (value, text("type_number"))
    return (value, "") if isinstance(value, str) else (value, text("type_word"))
