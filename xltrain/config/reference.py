"""The reference of the README: what a cell may say, as Markdown, from the registry alone."""

from xltrain.language import text
from xltrain.registry import REGISTRIES, Choice, ClassWeights, Parameter, show


def reference(kind: str) -> str:
    """The choices of one kind in the current language: a heading, and a table of calls with their parameters."""
    heads = [text("reference_call"), text("reference_meaning"), text("reference_parameter")]
    lines = [f"**{text(f'heading_{kind}')}**", "", "| " + " | ".join(heads) + " |", "|---|---|---|"]
    for choice in REGISTRIES[kind].values():
        parameters = "<br>".join(_parameter(choice, parameter) for parameter in choice.parameters)
        lines.append(f"| `{choice.name}` | {_plain(choice.summary)} | {parameters} |")
    return "\n".join(lines)


def _parameter(choice: Choice, parameter: Parameter) -> str:
    name = f"`{parameter.name}`" if parameter.required else f"`{_default(parameter)}`"
    limits = "" if parameter.type is ClassWeights else parameter.rules
    return f"{name} {_plain(choice.about(parameter))}" + (f" ({limits})" if limits else "")


def _default(parameter: Parameter) -> str:
    """`delta=1` as one writes it; `128, 128` for values without a name."""
    if parameter.many:
        return ", ".join(show(value) for value in parameter.default)
    return f"{parameter.name}={show(parameter.default)}" if parameter.default != "" else parameter.name


def _plain(words: str) -> str:
    return words.replace("|", "\\|")
