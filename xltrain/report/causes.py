"""Decisions on findings: one for all rows that share a cause, read back from the sheet of findings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xltrain.data.decided import word_of
from xltrain.place import Place


@dataclass(frozen=True)
class Cause:
    """What was decided about a finding, for all of its rows; and the cell that says so."""

    word: str
    new: Any
    weight: Any
    note: str
    at: Place


def read_causes(
    rows: Sequence[Sequence[Any]], header: int, columns: Mapping[str, int], place: Place
) -> dict[int, Cause]:
    """The decisions on a sheet of findings, by the number of the finding."""
    found = {}
    for number, cells in enumerate(rows[header + 1 :], header + 2):
        said = {word: cells[at] if at < len(cells) else None for word, at in columns.items()}
        word, finding = said["decision"], said["finding_number"]
        if word is None or not str(word).strip() or not isinstance(finding, (int, float)):
            continue
        at = Place(place.file, place.sheet, number, columns["decision"] + 1)
        note = str(said.get("decision_note") or "").strip()
        shown = word_of(str(word).strip())
        found[int(finding)] = Cause(shown, said.get("new_value"), said.get("decision_weight"), note, at)
    return found
