"""Rows of decisions that stand elsewhere now, or nowhere: a line for each sheet, however many rows it has."""

from collections.abc import Sequence

from xltrain.language import text
from xltrain.place import Place, Problem


def followed(moved: Sequence[tuple[Place, Place, Place]]) -> list[Problem]:
    """For rows that moved: where it was decided, where the row stood then, and where it stands now."""
    found = []
    for sheet, members in _by_sheet([was for _, was, _ in moved]).items():
        at, was, now = moved[members[0]]
        if len(members) > 1:
            message = text("decisions_moved", count=len(members), sheet=sheet, was=was, now=now)
            found.append(Problem(at, message, text("decisions_moved_hint")))
        else:
            found.append(Problem(at, text("decision_moved", was=was, now=now), text("decision_moved_hint")))
    return found


def gone(lost: Sequence[tuple[Place, Place]]) -> list[Problem]:
    """For rows that are no longer there: where it was decided, and where the row stood then."""
    found = []
    for sheet, members in _by_sheet([was for _, was in lost]).items():
        count = len({lost[index][1] for index in members})
        at, was = lost[members[0]]
        if count > 1:
            message = text("decisions_gone", count=count, sheet=sheet, place=was)
            found.append(Problem(at, message, text("decisions_gone_hint")))
        else:
            found.append(Problem(at, text("decision_gone", place=was), text("decision_gone_hint")))
    return found


def _by_sheet(places: Sequence[Place]) -> dict[Place, list[int]]:
    found: dict[Place, list[int]] = {}
    for index, each in enumerate(places):
        found.setdefault(Place(each.file, each.sheet), []).append(index)
    return found
