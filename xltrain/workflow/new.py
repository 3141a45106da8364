"""Write a job: empty, from a starter, from data, or from another job."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xltrain.choices  # noqa: F401  (declares every choice)
from xltrain.config.check import check_raw
from xltrain.config.rows import raw_rows, starter_rows
from xltrain.config.settings import Job
from xltrain.config.source import is_job, read_raw
from xltrain.config.starters import STARTERS
from xltrain.config.template import write_job, write_rows
from xltrain.errors import ConfigError, WorkbookError
from xltrain.events import Listener, Wrote, ignore
from xltrain.language import text
from xltrain.place import Place, Problem
from xltrain.registry import unknown


@dataclass(frozen=True)
class New:
    """A written job; `job` where it came from data, `rows` how many those were."""

    output: Path
    job: Job | None = None
    rows: int = 0
    doubts: tuple[Problem, ...] = ()

    def summary(self) -> dict[str, Any]:
        """What `xltrain new --json` prints."""
        return {
            "output": str(self.output),
            "task": self.job.task if self.job else None,
            "targets": list(self.job.targets) if self.job else [],
            "runs": [run.name for run in self.job.runs] if self.job else [],
            "rows": self.rows,
            "doubts": [str(doubt) for doubt in self.doubts],
        }


def new(
    output: str | Path,
    sources: Sequence[str | Path] = (),
    targets: Sequence[str] = (),
    *,
    template: str = "",
    overwrite: bool = False,
    listen: Listener = ignore,
) -> New:
    """Write a job workbook, or TOML where `output` ends in .toml.

    Args:
        sources: data to fill it in from; or one other job to convert.
        targets: the columns to predict, where the sources are data.
        template: the name of a starter; without sources only.

    Raises:
        ConfigError, DataError, WorkbookError: every problem found; nothing is written.
    """
    path = Path(output)
    if path.suffix.lower() not in (".xlsx", ".toml"):
        raise ConfigError(Problem(Place(str(path)), text("job_suffix", path=path.name)))
    if path.exists() and not overwrite:
        raise WorkbookError(Problem(Place(str(path)), text("file_exists"), text("file_exists_hint")))
    if not sources:
        done = _starter(path, targets, template, overwrite)
    elif template:
        raise ConfigError(Problem(None, text("new_template_and_sources")))
    elif any(is_job(Path(each)) for each in sources):
        done = _converted(path, sources, targets, overwrite)
    else:
        done = _drafted(path, sources, targets, overwrite, listen)
    listen(Wrote(str(path)))
    return done


def _starter(path: Path, targets: Sequence[str], template: str, overwrite: bool) -> New:
    if targets:
        raise ConfigError(Problem(None, text("new_target_alone"), text("new_target_alone_hint")))
    if template and template not in STARTERS:
        raise ConfigError(Problem(None, unknown(text("word_template"), template, STARTERS)))
    write_rows(path, STARTERS[template]() if template else starter_rows(), overwrite=overwrite)
    return New(path)


def _converted(path: Path, sources: Sequence[str | Path], targets: Sequence[str], overwrite: bool) -> New:
    """A job from one other job, grids and all as they were written."""
    if len(sources) > 1:
        raise ConfigError(Problem(None, text("new_several_jobs", count=len(sources))))
    if targets:
        raise ConfigError(Problem(None, text("new_target_and_job")))
    from xltrain.workflow.copies import check_unread

    raw = read_raw(Path(sources[0]))
    job, problems = check_raw(raw)
    if job is None:
        raise ConfigError(problems)
    check_unread([path], [Path(sources[0])])
    write_rows(path, raw_rows(raw, path.parent), overwrite=overwrite)
    return New(path, job)


def _drafted(
    path: Path, sources: Sequence[str | Path], targets: Sequence[str], overwrite: bool, listen: Listener
) -> New:
    # These rooms import slow packages, which an empty starter does without.
    from xltrain.data.columns import facts
    from xltrain.workflow.copies import check_unread
    from xltrain.workflow.draft import draft_job
    from xltrain.workflow.merge import read_sources

    table, report = read_sources(list(sources), listen=listen)
    check_unread([path], [Path(each.file) for each in report.sources if each.kept or not is_job(Path(each.file))])
    job = draft_job(table, targets, list(sources), path.absolute().parent, report)
    write_job(path, job, facts(table), overwrite=overwrite)
    return New(path, job, len(table), report.doubts)
