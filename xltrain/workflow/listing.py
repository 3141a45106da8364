"""What a cell may say, as plain data, and schedules as pictures."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import xltrain.choices  # noqa: F401  (declares every choice)
from xltrain.config.call import parse_schedules
from xltrain.config.tokens import ParseError
from xltrain.errors import ConfigError
from xltrain.language import text
from xltrain.place import Problem
from xltrain.registry import REGISTRIES, Call, ClassWeights, Parameter, show, unknown

if TYPE_CHECKING:
    from xltrain.excel.shot import Picture

KINDS = ("losses", "objectives", "optimizers", "schedules", "models", "metrics", "splits", "encoders", "searches")
EPOCHS, STEPS = 20, 50  # of the training that a schedule is drawn for, and of each of its epochs
FLAT = 8  # the epoch from which the example loss of a schedule that watches no longer falls
MOST_DRAWN = 7  # lines of one picture that dashes can tell apart
Schedule = tuple[Call, ...]


def names_model(kind: str) -> bool:
    """Whether what is to be listed is a model: a results workbook, its folder or a model file; no kind of choice."""
    if not kind or kind in KINDS:
        return False
    path = Path(kind)
    return path.suffix.lower() in (".xlsx", ".safetensors") or path.exists() or len(path.parts) > 1


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
    if parameter.rules:
        return parameter.rules
    if parameter.type is ClassWeights:
        return text("type_class_weights")
    return text({bool: "type_boolean", int: "type_integer", float: "type_number"}.get(parameter.type, "type_word"))


def plot(kind: str, cell: str, output: str | Path, *, overwrite: bool = False) -> "Picture":
    """Draw what schedules make of the learning rate, over 20 epochs of 50 steps.

    Args:
        kind: schedules, the only kind with something to draw.
        cell: what a cell may say: `cosine`, `warmup(5%) > cosine(final=0.1)`, or several with `|` between them.
        output: .png or .svg.

    Raises:
        ConfigError: nothing to draw, a cell that says nothing, or the kind of file.
        WorkbookError: the picture exists or cannot be written.
    """
    from xltrain.excel.shot import unknown_suffix

    problem = unknown_suffix(Path(output)) or _undrawn(kind, cell)
    if problem:
        raise ConfigError(problem)
    picture = draw_schedules(cell)
    picture.save(output, overwrite)
    return picture


def draw_schedules(cell: str) -> "Picture":
    """The picture of `plot`. ConfigError where the cell is wrong."""
    from xltrain.excel.write import GREY
    from xltrain.report.plot import Line, Scale, line_plot

    try:
        schedules = parse_schedules(cell)
    except ParseError as error:
        raise ConfigError([Problem(None, message) for message in error.messages]) from error
    if len(schedules) > MOST_DRAWN:
        raise ConfigError(Problem(None, text("plot_many", count=len(schedules), most=MOST_DRAWN)))
    step = np.arange(EPOCHS * STEPS, dtype=np.float64)
    lines = [Line(_name(each), step, course(each)) for each in schedules]
    said = [schedules[0][-1].choice.summary] if len(schedules) == 1 else []
    said.append(text("plot_length", epochs=EPOCHS, steps=STEPS))
    if any(call.choice.facts.get("watches") for each in schedules for call in each):
        epoch = np.arange(EPOCHS + 1, dtype=np.float64)
        example = 0.25 + 0.7 * np.exp(-np.minimum(epoch, FLAT) / 3)
        lines.append(Line(text("plot_example_loss"), epoch * STEPS, example, GREY, "3 4", 1.5))
        said.append(text("plot_example", epoch=FLAT))
    title = text("plot_title", schedule=cell.strip() if len(schedules) > 1 else _name(schedules[0]))
    x = Scale(text("plot_step", steps=STEPS), 0, EPOCHS * STEPS)
    return line_plot(title, " ".join(said), lines, x, Scale(text("plot_factor"), 0, 1))


def course(schedule: Schedule) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """The factor of every step; one that watches sees the example loss."""
    from xltrain.engine.loop import factors

    state, found = (1.0, 0), []
    for epoch in range(EPOCHS):
        found.append(factors(schedule, epoch * STEPS, STEPS, EPOCHS, state[0]))
        for call in schedule:
            if call.choice.facts.get("watches"):
                state = call.apply(state, epoch < FLAT)
    return np.concatenate(found)


def _name(schedule: Schedule) -> str:
    return " > ".join(map(str, schedule))


def _undrawn(kind: str, cell: str) -> Problem | None:
    """What is wrong where there is nothing to draw."""
    if kind and kind not in KINDS:
        return Problem(None, unknown(text("word_kind"), kind, KINDS))
    if kind != "schedules" or not cell.strip():
        return Problem(None, text("plot_schedules_only"), text("plot_schedules_only_hint"))
    return None
