"""A plan in words and as JSON."""

from collections.abc import Sequence
from typing import Any

from xltrain.events import Planned, PlannedStack
from xltrain.language import listed, text

NAMES = 3  # runs of a stack that are named


def plan_lines(planned: Planned, most: int = 0) -> list[str]:
    """What trains together, one line a stack (no more than `most`, where that is given), and the whole."""
    lines = [
        text(
            "progress_planned",
            runs=planned.runs,
            members=planned.members,
            stacks=planned.stacks,
            device=planned.device,
        )
    ]
    shown = planned.plan[: most or None]
    lines += ["  " + _stack_line(index, stack, planned.budget) for index, stack in enumerate(shown, 1)]
    if len(shown) < len(planned.plan):
        lines.append("  " + text("plan_hidden", count=len(planned.plan) - len(shown)))
    if planned.plan:
        lines.append(text("plan_total", seconds=span(planned.seconds), budget=size(planned.budget)))
    if planned.later:
        lines.append(text("plan_later", count=planned.later))
    return lines


def as_json(planned: Planned) -> dict[str, Any]:
    """A plan as programs read it: times in seconds, memory in bytes."""
    return {
        "runs": planned.runs,
        "members": planned.members,
        "device": planned.device,
        "seconds": round(planned.seconds, 3),
        "budget": planned.budget,
        "later": planned.later,
        "stacks": [
            {
                "runs": list(stack.runs),
                "members": stack.members,
                "model": stack.model,
                "rows": stack.rows,
                "batch_size": stack.batch_size,
                "epochs": stack.epochs,
                "memory": stack.memory,
                "parameters": stack.parameters,
                "seconds": round(stack.seconds, 3),
                "alone": text(stack.alone, budget=size(planned.budget)) if stack.alone else "",
            }
            for stack in planned.plan
        ],
    }


def size(count: float) -> str:
    """Bytes as 512 kB, 3.4 MB or 1 GB."""
    for unit in ("kB", "MB", "GB"):
        count /= 1024
        if count < 1000 or unit == "GB":
            break
    return f"{count:.2g} {unit}" if count < 10 else f"{count:.0f} {unit}"


def span(seconds: float) -> str:
    """Seconds as 0.4 s, 12 s, 3 min or 2.5 h."""
    unit, length = ("s", 1) if seconds < 120 else ("min", 60) if seconds < 120 * 60 else ("h", 3600)
    count = seconds / length
    return f"{max(count, 0.1):.1f} {unit}" if count < 10 else f"{count:.0f} {unit}"


def _stack_line(index: int, stack: PlannedStack, budget: int) -> str:
    line = text(
        "plan_stack",
        index=index,
        members=stack.members,
        runs=_names(stack.runs),
        model=stack.model,
        parameters=f"{stack.parameters:,}",
        rows=f"{stack.rows:,}",
        batch=stack.batch_size or text("plan_all_rows"),
        memory=size(stack.memory),
        seconds=span(stack.seconds),
    )
    return text("semicolon").join([line, text(stack.alone, budget=size(budget))]) if stack.alone else line


def _names(runs: Sequence[str]) -> str:
    names = listed(runs[:NAMES])
    return text("plan_names", names=names, count=len(runs) - NAMES) if len(runs) > NAMES else names
