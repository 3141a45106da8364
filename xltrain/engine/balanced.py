"""Members whose run asks for even classes get training rows of their own: repeated, fewer, or made up."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from xltrain.data.balance import MADE_UP, Rows, made_up, resampled
from xltrain.data.encode import Encoding, Floats, Singles
from xltrain.engine.plan import Member

_Made = dict[tuple[object, ...], tuple[Rows, int]]


def balance_members(
    members: Sequence[Member], encoding: Encoding, views: list[Singles], targets: dict[str, list[Floats]]
) -> list[Member]:
    """The members with their rows. Made-up rows stand behind the real ones in `views` and `targets`, which grow.

    Only the members they were made for know where they stand; held-out and validation rows stay as they are.
    """
    if all(member.run.imbalance in ("none", "balanced") for member in members):
        return list(members)
    rows = len(views[0])
    tails: dict[int, list[Singles]] = {}
    made: _Made = {}
    found = []
    for member in members:
        how, part = member.run.imbalance, member.part
        known = targets[member.task]
        if how in MADE_UP:
            key = (member.view, member.target, how, member.seed, part.training.tobytes())
            if key not in made:
                made[key] = _make_up(member, encoding, views, tails, known, rows)
            more, row = made[key]
            member = replace(member, part=replace(part, training=np.append(part.training, more)), target_row=row)
        elif how not in ("none", "balanced"):
            labels = known[member.target_row][part.training].astype(np.int64)
            own = resampled(part.training, labels, how, member.seed)
            member = replace(member, part=replace(part, training=own))
        found.append(_counted(member, known))
    longest = max((sum(map(len, tail)) for tail in tails.values()), default=0)
    for index, view in enumerate(views):
        tail = tails.get(index, [])
        rest = np.zeros((longest - sum(map(len, tail)), view.shape[1]), np.float32)
        views[index] = np.concatenate([view, *tail, rest]) if longest else view
    for known in targets.values():
        known[:] = [np.pad(values, (0, rows + longest - len(values))) for values in known]
    return found


def _make_up(
    member: Member,
    encoding: Encoding,
    views: Sequence[Singles],
    tails: dict[int, list[Singles]],
    known: list[Floats],
    rows: int,
) -> tuple[Rows, int]:
    """The new rows of one member and which row of the targets knows their classes."""
    training, values = member.part.training, known[member.target_row]
    labels = values[training].astype(np.int64)
    new, told = made_up(encoding, member.state, views[member.view], training, labels, member.run.imbalance, member.seed)
    tail = tails.setdefault(member.view, [])
    start = rows + sum(map(len, tail))
    tail.append(new)
    own = np.pad(values, (0, start + len(told) - len(values)))
    own[start:] = told
    known.append(own)
    return np.arange(start, start + len(told)), len(known) - 1


def _counted(member: Member, known: Sequence[Floats]) -> Member:
    """With the training rows of each class as they are now."""
    if member.counts is None:
        return member
    labels = known[member.target_row][member.part.training].astype(np.int64)
    return replace(member, counts=np.bincount(labels, minlength=member.classes).astype(np.float64))
