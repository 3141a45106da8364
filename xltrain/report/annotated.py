"""Decisions made in an annotated copy of a source workbook, beside the row that they are about.

The copy holds the row itself, so what a cell was is read from it; where the copy has no column of fingerprints, that
value alone tells whether the source has changed since.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from xltrain.data.decided import Decision, word_of
from xltrain.errors import WorkbookError
from xltrain.excel.patch import Placed, addition_of
from xltrain.excel.read import NEW, read_cells
from xltrain.language import canonical
from xltrain.place import Place


def annotated_copies(results: Path) -> list[Path]:
    """The annotated copies that lie in the folder of a results workbook, or in the folder that is named."""
    folder = results if results.is_dir() else results.with_suffix("")
    if not folder.is_dir():
        return []
    books = (each for each in folder.rglob("*") if each.suffix.lower() in NEW)
    return sorted(each for each in books if each.is_file() and not each.name.startswith(("~$", ".")))


def read_annotated(copy: Path, shown: str) -> list[Decision]:
    """Every decision in a copy that `annotate` wrote, `shown` being its name in places; none where it is no such copy.

    Raises:
        WorkbookError: the copy cannot be read.
    """
    try:
        added = addition_of(copy)
    except WorkbookError:
        return []  # no workbook of ours
    found = []
    for sheet in dict.fromkeys(each.sheet for each in added):
        columns = {_word(each): each for each in added if each.sheet == sheet}
        if "decision" in columns:
            found += _of_sheet(read_cells(copy, sheet), columns, Place(shown, sheet))
    return found


def _word(placed: Placed) -> str:
    return canonical(placed.key or placed.header)


def _of_sheet(rows: Sequence[Sequence[Any]], columns: Mapping[str, Placed], place: Place) -> list[Decision]:
    header = columns["decision"].header_row
    heads = rows[header - 1] if header <= len(rows) else []
    names = {" ".join(str(cell).split()): at for at, cell in reversed(list(enumerate(heads))) if cell is not None}
    found = []
    for number in range(header + 1, len(rows) + 1):
        line = rows[number - 1]
        said = {word: _cell(line, each.column - 1) for word, each in columns.items()}
        if said["decision"] is None or not str(said["decision"]).strip():
            continue
        column = str(said.get("decision_column") or "").strip()
        at = Place(place.file, place.sheet, number, columns["decision"].column)
        found.append(
            Decision(
                place.file,
                place.sheet,
                number,
                word_of(str(said["decision"]).strip()),
                column,
                said.get("new_value"),
                said.get("decision_weight"),
                str(said.get("decision_note") or "").strip(),
                str(said.get("fingerprint") or "").strip(),
                _cell(line, names[column]) if column in names else None,
                at,
            )
        )
    return found


def _cell(line: Sequence[Any], at: int) -> Any:
    return line[at] if 0 <= at < len(line) else None
