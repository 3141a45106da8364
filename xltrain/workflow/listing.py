"""What a cell may say, as plain data."""

from typing import Any

import xltrain.choices  # noqa: F401  (declares every choice)
from xltrain.errors import ConfigError
from xltrain.language import text
from xltrain.place import Problem
from xltrain.registry import REGISTRIES, ClassWeights, Parameter, show, unknown

KINDS = ("losses", "optimizers", "schedules", "models", "metrics", "splits", "encoders")


def listing(kind: str = "", name: str = "") -> dict[str, list[dict[str, Any]]]:
    """Every choice of one kind, or of all: name, summary, task, and parameters with defaults and limits.

    Raises:
        ConfigError: no such kind or choice, the nearest name offered.
    """
    if kind and kind not in KINDS:
        raise ConfigError(Problem(None, unknown(text("word_kind"), kind, KINDS)))
    if name and name not in REGISTRIES[kind]:
        raise ConfigError(Problem(None, unknown(text(f"kind_{kind}"), name, REGISTRIES[kind])))
    found = {}
    for each in [kind] if kind else KINDS:
        choices = [choice for choice in REGISTRIES[each].values() if name in ("", choice.name)]
        found[each] = [
            {
                "name": choice.name,
                "summary": choice.summary,
                "task": str(choice.facts.get("task", "")),
                "parameters": [
                    {
                        "name": parameter.name,
                        "about": choice.about(parameter),
                        "default": shown_default(parameter),
                        "required": parameter.required,
                        "limits": shown_limits(parameter),
                    }
                    for parameter in choice.parameters
                ],
            }
            for choice in choices
        ]
    return found


def shown_default(parameter: Parameter) -> str:
    """The default as one would write it; empty where the parameter must be given."""
    return "" if parameter.required else show(parameter.default)


def shown_limits(parameter: Parameter) -> str:
    """The limits in words, or what type the value has."""
    if parameter.limits:
        return ", ".join(str(limit) for limit in parameter.limits)
    if parameter.type is ClassWeights:
        return text("type_class_weights")
    return text({bool: "type_boolean", int: "type_integer", float: "type_number"}.get(parameter.type, "type_word"))
