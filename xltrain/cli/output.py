"""The only place that prints: text lines for people, one JSON object for programs."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from xltrain.place import Problem

SCHEMA_VERSION = 1


def wants_json() -> bool:
    """Whether this call was made with `--json`."""
    context = click.get_current_context(silent=True)
    return bool(context and context.find_root().meta.get("xltrain.json"))


def emit(result: Mapping[str, Any], lines: Sequence[str] = ()) -> None:
    """Print the result: `lines` for a person, or `result` as one JSON object in UTF-8 where `--json` was given."""
    if wants_json():
        write_json(result)
    else:
        for line in lines:
            click.echo(line)


def write_json(result: Mapping[str, Any]) -> None:
    """One JSON object on standard output, in UTF-8 whatever the console's code page."""
    document = json.dumps({"schema_version": SCHEMA_VERSION, **result}, ensure_ascii=False, allow_nan=False)
    stream = getattr(sys.stdout, "buffer", None)
    if stream is None:
        sys.stdout.write(document + "\n")
    else:
        sys.stdout.flush()
        stream.write(document.encode("utf-8") + b"\n")
        stream.flush()


def as_json(problem: Problem) -> dict[str, str]:
    """A problem as programs read it."""
    return {"place": str(problem.place or ""), "message": problem.message, "hint": problem.hint}


def emit_problems(problems: Sequence[Problem], as_document: bool) -> None:
    """Print problems: one line each on standard error, or one JSON object on standard output."""
    if as_document:
        write_json({"problems": [as_json(problem) for problem in problems]})
        return
    for problem in problems:
        click.echo(str(problem), err=True)
