"""Runs that train one network on several targets: `heating, cooling` or `all` in the target cell, a loss for each."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xltrain.config.settings import Run
from xltrain.config.source import Value
from xltrain.config.value import parse_list, write_list
from xltrain.language import canonical, text
from xltrain.place import Place

ALL = ("all", "全部", "所有")


def to_targets(part: str, names: Sequence[str], match: Callable[[str, Sequence[str]], str]) -> tuple[str, ...]:
    """The targets that one alternative of a cell trains together; an unknown one stands as an empty name."""
    if name := match(part, names):
        return (name,)
    if canonical(part).casefold() in ALL:
        return tuple(names)
    return tuple(match(each, names) for each in target_words(part))


def target_words(part: str) -> tuple[str, ...]:
    """The names in a cell, which commas separate."""
    return parse_list(Value(part, Place(""))) or ("",)


def joined(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a run as `Run` holds them: of a joint one the targets, and one loss for each."""
    found = dict(settings)
    target, loss = found["target"], found["loss"]
    if not isinstance(target, tuple):
        return found
    losses = loss if is_several(loss) else (loss,) * len(target) if loss else ()
    return found | {"target": write_list(target), "joint": target, "loss": (), "losses": losses}


def is_several(loss: Any) -> bool:
    """Whether a loss cell holds one for each target."""
    return bool(loss) and isinstance(loss[0], tuple)


def wrong_losses(run: Run) -> str:
    """What is wrong with the number of losses; empty where nothing is."""
    given = run.losses if run.joint else run.loss if is_several(run.loss) else ()
    wanted = len(run.joint) or 1
    return text("loss_count", found=len(given), targets=wanted) if given and len(given) != wanted else ""
