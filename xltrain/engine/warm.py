"""`warm_start`: members that begin with the weights of an earlier model, its first layers frozen where asked.

A model file says which rows each of its members learned from and which it stopped by. A member begins with that earlier
member which knows the fewest of its own held-out rows; those that it knows all the same are not scored, nor looked at
to stop by: honest before complete. Folds follow from what stands in a row, so that on the same data, with the files of
a month more, members meet their own folds again and nearly every row is scored.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from xltrain.choices.models.layout import Layout
from xltrain.config.settings import Run
from xltrain.data.encode import Encoding, Rows
from xltrain.data.split import Draw
from xltrain.engine.checkpoint import Model, load_model
from xltrain.engine.known import LEARNED, UNSEEN, Levels
from xltrain.engine.plan import Member, Warmth, features_of, layout_of
from xltrain.errors import ConfigError, XltrainError
from xltrain.language import listed, text
from xltrain.place import Place, Problem


def warmed(
    members: Sequence[Member], encoding: Encoding, identities: Draw, folder: Path
) -> tuple[list[Member], list[str]]:
    """The members with what they begin with, and notes on rows that they may not score. ConfigError."""
    problems: list[Problem] = []
    models: dict[str, Model | None] = {}
    for member in members:
        name = member.run.warm_start
        if name and name not in models:
            models[name] = _read(member.run, folder, problems)
    levels = {
        name: model.known.of_rows(identities) for name, model in models.items() if model is not None and model.known
    }
    found, silent = [], dict.fromkeys((each.run.name for each in members if each.run.warm_start), 0)
    for member in members:
        model = models.get(member.run.warm_start) if member.run.warm_start else None
        if model is None:
            found.append(member)
            continue
        wrong = _misfit(member, model, encoding)
        if wrong:
            problems.append(wrong)
            continue
        warm, lost = _begun(member, model, levels[member.run.warm_start])
        silent[member.run.name] += lost
        if not len(warm.part.held_out) or not len(warm.part.validation):
            message = text("warm_all_known", run=member.run.name, file=member.run.warm_start)
            problems.append(Problem(member.run.place, message, text("warm_all_known_hint")))
        found.append(warm)
    if problems:
        raise ConfigError(list(dict.fromkeys(problems)))
    return found, [text("note_warm_known", run=name, count=count) for name, count in silent.items() if count]


def _read(run: Run, folder: Path, problems: list[Problem]) -> Model | None:
    try:
        model = load_model(folder / run.warm_start)
    except XltrainError as error:
        problems += [Problem(run.place, str(problem)) for problem in error.problems]
        return None
    if model.known is None:
        place = run.place or Place(run.warm_start)
        problems.append(Problem(place, text("warm_unsaid", file=run.warm_start), text("warm_unsaid_hint")))
        return None
    return model


def _misfit(member: Member, model: Model, encoding: Encoding) -> Problem | None:
    """Why a member cannot begin with this model; None where it can."""
    run, file = member.run, member.run.warm_start
    if model.encoding.names != encoding.names or features_of(model.encoding) != features_of(encoding):
        ours, theirs = set(encoding.names), set(model.encoding.names)
        more, less = listed(sorted(ours - theirs)) or "–", listed(sorted(theirs - ours)) or "–"
        message = text("warm_columns", run=run.name, file=file, more=more, less=less)
        return Problem(run.place, message, text("warm_misfit_hint"))
    mine = layout_of(run.model, features_of(encoding), member.network)
    theirs_layout = layout_of(model.call, features_of(model.encoding), model.outputs)
    if _shapes(mine) != _shapes(theirs_layout):
        message = text("warm_model", run=run.name, model=run.model, file=file, found=model.call)
        return Problem(run.place, message, text("warm_misfit_hint"))
    most = len(mine.layers)
    if run.freeze <= most:
        return None
    message = text("warm_freeze", run=run.name, found=run.freeze, most=most)
    return Problem(run.place, message, text("warm_freeze_hint", most=most))


def _shapes(layout: Layout) -> Mapping[str, tuple[int, ...]]:
    return {each.name: each.shape for each in (*layout.weights, *layout.buffers)}


def _begun(member: Member, model: Model, levels: Levels) -> tuple[Member, int]:
    """A member with the beginning that knows the fewest of its held-out rows, and how many it may not score."""
    part = member.part
    known = (levels[:, part.held_out] != UNSEEN).sum(1)
    learned = (levels[:, part.validation] == LEARNED).sum(1)
    own = int(np.lexsort((learned, known))[0])
    held_out = part.held_out[levels[own, part.held_out] == UNSEEN]
    validation: Rows = part.validation[levels[own, part.validation] != LEARNED]
    assert model.known is not None
    begin = Warmth(model.weights[own], model.buffers[own], model.known.of_member(own))
    changed = replace(member, part=replace(part, held_out=held_out, validation=validation), warm=begin)
    return changed, len(part.held_out) - len(held_out)
