"""Batch norm where batches are too small for it: another norm, and a note."""

from collections.abc import Sequence
from dataclasses import replace

from xltrain.config.settings import ALL, Run
from xltrain.engine.goals import Goal
from xltrain.language import text
from xltrain.registry import Call

FEWEST = 16  # rows of a batch whose mean and variance say enough


def steadied(goals: Sequence[Goal]) -> tuple[list[Goal], list[str]]:
    """The goals with layer norm wherever batch norm would see fewer than 16 rows, and a note on each such run."""
    notes: dict[str, str] = {}
    changed = []
    for goal in goals:
        rows = min(len(part.training) for part in goal.parts)
        runs = []
        for run in goal.runs:
            batch = rows if run.batch_size == ALL else min(run.batch_size, rows)
            if dict(run.model.values).get("norm") == "batch" and batch < FEWEST:
                notes[run.name] = text("note_batch_norm", run=run.name, rows=batch, fewest=FEWEST)
                run = _with_layer_norm(run)
            runs.append(run)
        changed.append(replace(goal, runs=tuple(runs)))
    return changed, list(notes.values())


def _with_layer_norm(run: Run) -> Run:
    call = run.model
    values = tuple((name, "layer" if name == "norm" else value) for name, value in call.values)
    return replace(run, model=Call(call.kind, call.name, values))
