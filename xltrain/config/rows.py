"""A job as plain rows, one mapping of header to cell for every row of every sheet; and as TOML text.

The rows of `job_rows` hold canonical words; both writers start from them. `raw_rows` does the same for a job as it was
written, so that a conversion keeps grids such as `lr=1e-2|1e-3` as they stand.
"""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from xltrain.config.fields import FIELDS, SHEETS
from xltrain.config.settings import Job
from xltrain.config.source import Raw
from xltrain.config.value import parse_field
from xltrain.registry import Call, Term

Cells = dict[str, Any]
Rows = Mapping[str, Sequence[Cells]]


def job_rows(job: Job, folder: Path | None = None) -> Rows:
    """The rows of a checked job; its relative paths become relative to `folder`, where the file will stand."""
    things: dict[str, Sequence[Any]] = {
        "Job": [job],
        "Sources": job.sources,
        "Columns": job.columns,
        "Runs": job.runs,
        "Shots": job.shots,
    }
    rows = {
        sheet: [
            {header: _setting(thing, header) for header, field in FIELDS[sheet].items() if not field.shown}
            for thing in things[sheet]
        ]
        for sheet in SHEETS
    }
    return _relocated(rows, job.folder, folder)


def raw_rows(raw: Raw, folder: Path | None = None) -> Rows:
    """The rows of a job as written, words made canonical. The job has been checked and holds no mistake."""
    rows: dict[str, list[Cells]] = {}
    for sheet in SHEETS:
        rows[sheet] = []
        for row in [raw.job] if sheet == "Job" else raw.sheets[sheet]:
            cells: Cells = {}
            for header, value in row.cells.items():
                field = FIELDS[sheet][header]
                found = [each for _, each in parse_field(field, value)] if field.type in ("word", list, bool) else []
                cells[header] = found[0] if len(found) == 1 else "|".join(found) if found else value.value
            rows[sheet].append(cells)
    return _relocated(rows, raw.path.parent, folder)


def starter_rows(**sheets: Sequence[Cells]) -> Rows:
    """Rows for a starter: the Job sheet at its defaults, the others as given."""
    settings = {header: field.default for header, field in FIELDS["Job"].items()}
    rows: dict[str, Sequence[Cells]] = {sheet: sheets.get(sheet, []) for sheet in SHEETS}
    rows["Job"] = [{**settings, **(sheets["Job"][0] if "Job" in sheets else {})}]
    rows["Runs"] = [{**_run_defaults(), **cells} for cells in rows["Runs"]]
    return rows


def _run_defaults() -> Cells:
    return {header: field.default for header, field in FIELDS["Runs"].items() if field.folded}


def _setting(thing: Any, header: str) -> Any:
    if header == "unique" and not thing.unique:
        return ""  # what most columns are need not be said in every row
    if header == "loss" and thing.losses:
        return ", ".join(_cell(loss) for loss in thing.losses)
    return _cell(getattr(thing, header))


def _cell(value: Any) -> Any:
    """A setting as a cell holds it: number, boolean, text or a tuple of words."""
    if value is None:
        return ""
    if isinstance(value, tuple) and value and isinstance(value[0], Term):
        return " + ".join(str(term) for term in value)
    if isinstance(value, tuple) and value and isinstance(value[0], Call):
        return " > ".join(str(call) for call in value)
    if isinstance(value, tuple) and value and isinstance(value[0], int):  # the rows of a header
        return "none" if value == (0,) else str(value[0]) if len(value) == 1 else f"{value[0]}-{value[-1]}"
    return str(value) if isinstance(value, Call) else value


def _relocated(rows: Mapping[str, Sequence[Cells]], old: Path, new: Path | None) -> Rows:
    moved: dict[str, list[Cells]] = {}
    for sheet, of_sheet in rows.items():
        files = {header for header, field in FIELDS[sheet].items() if field.type == "file"}
        moved[sheet] = [
            {key: relocate(str(cell), old, new) if key in files and cell and new else cell for key, cell in row.items()}
            for row in of_sheet
        ]
    return moved


def relocate(path: str, old: Path, new: Path) -> str:
    """A path relative to `old` as one relative to `new`, with forward slashes; absolute where drives differ."""
    # Not Path: links keep their names, and a pattern is no path.
    before, after = os.path.abspath(old), os.path.abspath(new)  # noqa: PTH100
    absolute = PurePosixPath(path).is_absolute() or PureWindowsPath(path).is_absolute()
    if before == after or absolute or "://" in path:
        return path
    whole = os.path.normpath(os.path.join(before, path))  # noqa: PTH118
    try:
        return Path(os.path.relpath(whole, after)).as_posix()
    except ValueError:
        return Path(whole).as_posix()


def toml_text(rows: Rows) -> str:
    """The job as TOML; cells that are empty are left out."""
    parts = []
    for sheet in SHEETS:
        head = f"[{sheet.lower()}]" if sheet == "Job" else f"[[{sheet.lower()}]]"
        for row in rows[sheet]:
            lines = [f"{key} = {_toml(cell)}" for key, cell in row.items() if cell not in ("", None, (), [])]
            parts.append("\n".join([head, *lines]))
    return "\n\n".join(parts) + "\n"


def _toml(cell: Any) -> str:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, (int, float)):
        return repr(cell)
    if isinstance(cell, (tuple, list)):
        return "[" + ", ".join(_toml(item) for item in cell) + "]"
    return '"' + re.sub(r'["\\\x00-\x1f\x7f]', _escaped, str(cell)) + '"'


def _escaped(found: "re.Match[str]") -> str:
    sign = found[0]
    return f"\\{sign}" if sign in '"\\' else f"\\u{ord(sign):04x}"
