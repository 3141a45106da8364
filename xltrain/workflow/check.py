"""Find every mistake in a job before anything is read or trained."""

import glob
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xltrain.choices  # noqa: F401  (declares every choice)
from xltrain.config.check import check_raw
from xltrain.config.settings import Job
from xltrain.config.source import read_raw
from xltrain.language import text
from xltrain.place import Problem


@dataclass(frozen=True)
class Checked:
    """A job and what is wrong with it."""

    path: Path
    job: Job | None
    problems: tuple[Problem, ...]

    def summary(self) -> dict[str, Any]:
        """What `xltrain check --json` prints for a job without problems."""
        job = self.job or Job()
        return {
            "job": str(self.path),
            "runs": [run.name for run in job.runs],
            "targets": list(job.targets),
            "sources": [source.path for source in job.sources],
        }


def check(path: str | Path, overrides: Sequence[str] = ()) -> Checked:
    """Every problem of a job: its cells, what they say together, and sources that are not there.

    Raises:
        ConfigError: there is no such file, or it is no job at all.
    """
    raw = read_raw(Path(path), overrides)
    job, problems = check_raw(raw)
    folder = Path(path).parent
    for row in raw.sheets["Sources"]:
        cell = row.cells.get("path")
        if cell is None:
            continue
        named = folder / cell.text
        if not named.exists() and not glob.glob(str(named), recursive=True):  # noqa: PTH207
            message = text("source_missing", path=cell.text, folder=folder.absolute())
            problems.append(Problem(cell.place, message, text("source_missing_hint")))
    problems.sort(key=Problem.order)
    return Checked(Path(path), job, tuple(problems))
