"""Train every run of a job, and write the results workbook, the models and the ledger."""

import contextlib
import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import xltrain.choices  # noqa: F401  (declares every choice)
from xltrain import language
from xltrain.config.check import read_job
from xltrain.config.condition import Condition, parse_condition, parse_conditions
from xltrain.config.rows import job_rows
from xltrain.config.settings import DEVICES, Column, Job
from xltrain.config.source import is_job
from xltrain.config.template import add_job_sheets
from xltrain.data.columns import check_strays, facts, infer
from xltrain.data.decided import Settled, kept_positions, still_open, weight_column
from xltrain.data.encode import task_of
from xltrain.data.header import shown_unit
from xltrain.data.limits import with_limits
from xltrain.data.table import MergeReport, Table
from xltrain.engine.checkpoint import save_model
from xltrain.engine.fit import Fitted, plan_fit
from xltrain.engine.fit import fit as train
from xltrain.engine.result import Result, Score, TargetResult
from xltrain.engine.resume import Keeper
from xltrain.errors import ConfigError, DataError, RequirementError, WorkbookError
from xltrain.events import Listener, Noted, Planned, Wrote, ignore
from xltrain.excel.package import disk_full, next_free, not_writable, output_book, replacing, temporary_folder
from xltrain.language import label, text
from xltrain.place import Problem
from xltrain.registry import unknown
from xltrain.report.ledger import write_ledger
from xltrain.report.record import FileRecord, file_records, write_record
from xltrain.report.since import since_last
from xltrain.report.tensorboard import check_tensorboard, write_tensorboard
from xltrain.report.verdict import verdict
from xltrain.report.workbook import write_results
from xltrain.workflow.decide import RESULTS, apply_decisions, last_results, same_books
from xltrain.workflow.draft import draft_job
from xltrain.workflow.merge import read_sources
from xltrain.workflow.shoot import shoot_all
from xltrain.workflow.sources import Sources, name_of


@dataclass(frozen=True)
class Fit:
    """A finished fit: where its files are, and everything it found out.

    `models` maps each target to its model file; `model` is the first of them. `settled` says what became of decisions.
    """

    results: Path
    models: Mapping[str, Path]
    result: Result
    table: Table
    report: MergeReport
    settled: tuple[Settled, ...] = ()
    language: str = ""  # the job's, in which it speaks
    shared: Path | None = None  # the workbook to be handed on, where one was asked for

    @property
    def model(self) -> Path:
        return next(iter(self.models.values()))

    @property
    def best(self) -> str:
        """The winning run of the first target."""
        return self.result.targets[0].winner

    @property
    def verdicts(self) -> dict[str, str]:
        """For each target, in its own unit, how far off the winner is and how far guessing and a linear model are."""
        with language.using(job=self.language):
            return {target.target: verdict(target).headline for target in self.result.targets}

    def to_pandas(self) -> Any:
        """The ledger as a pandas DataFrame: one row per sample with its place, prediction and out-of-fold loss."""
        import pandas as pd

        return pd.read_parquet(self.results.with_suffix("") / "samples.parquet")

    def summary(self) -> dict[str, Any]:
        """What `xltrain fit --json` prints; metrics are out of fold, in the target's own unit."""
        return {
            "results": str(self.results),
            **({"shared": str(self.shared)} if self.shared else {}),
            "model": str(self.model),
            "best": self.best,
            "samples": self.result.samples,
            "runs": [
                {
                    "name": run.name,
                    "target": run.target,
                    "metrics": _values(run.metrics),
                    "epochs": run.epochs,
                    "seconds": round(run.seconds, 3),
                    "stopped": run.stopped,
                }
                for target in self.result.targets
                for run in target.runs
            ],
            "baselines": _baselines(self.result.targets[0]),
            "targets": [
                {
                    "target": target.target,
                    "task": target.task,
                    "best": target.winner,
                    "model": str(self.models[target.target]),
                    "baselines": _baselines(target),
                    **_chosen(target),
                }
                for target in self.result.targets
            ],
            "notes": list(self.result.notes),
            "doubts": [str(doubt) for doubt in self.report.doubts],
            "decisions": [
                {
                    "at": each.decision.made,
                    "decision": each.decision.word,
                    "place": str(each.place),
                    "state": each.state,
                }
                for each in self.settled
            ],
            "interrupted": self.result.interrupted,
        }


@dataclass(frozen=True)
class _Taken:
    """What was taken into account besides the rows: the files as read, decisions, and the last results, if any.

    `created` is the column of weights that decisions needed.
    """

    files: tuple[FileRecord, ...] = ()
    settled: tuple[Settled, ...] = ()
    last: Path | None = None
    created: str = ""


def fit(
    sources: Sources,
    target: str | Sequence[str] = (),
    output: str | Path | None = None,
    *,
    overrides: Sequence[str] = (),
    device: str = "",
    require: Sequence[str] = (),
    strict: bool = False,
    resume: bool = False,
    tensorboard: str | Path | None = None,
    share: bool = False,
    listen: Listener = ignore,
) -> Fit:
    """Train a job, or sensible runs on data books or a pandas DataFrame.

    Args:
        sources: a job (.xlsx, .toml, an earlier results workbook), or books, folders, globs or a DataFrame.
        target: the columns to predict, where there is no job; any unambiguous beginning of a name will do.
        output: the results workbook. An existing one is never replaced: the next free number is taken.
        overrides: settings such as `runs.epochs=50`.
        device: auto, cpu or cuda; empty for the job's.
        require: conditions such as `rmse<400` on the winners' out-of-fold metrics.
        strict: turn doubts into a DataError before anything is trained.
        resume: go on with the same fit that was cut off; its numbers become those of one that was not.
        share: write `RESULTS-share.xlsx` too, without anything of single rows, to be handed on.
        tensorboard: a folder for event files with every run's curves, in a folder named as the results.

    Raises:
        ConfigError, DataError, WorkbookError, TrainingError: every problem found, nothing written.
        RequirementError: a condition does not hold; the results have been written.
    """
    conditions = [parse_condition(each) for each in require]
    if tensorboard is not None:
        check_tensorboard(Path(tensorboard))
    targets = (target,) if isinstance(target, str) else tuple(target)
    with _read(sources, targets, overrides, device, strict, listen, output) as (job, table, columns, report, taken):
        _check_conditions(conditions, job, table, columns)
        wanted = _wanted(job, output)
        with _outputs(wanted) as (path, temporary, beside):
            keeper = _keeper(wanted, resume, listen)
            right = kept_positions(table, taken.settled)
            fitted = train(job, table, columns, listen, keeper=keeper, right=right)
            fitted = replace(fitted, result=_with_units(fitted.result, report))
            # A second run of these results asks for the same name and gets the next number.
            own = tuple(column for column in columns if column.name != taken.created)
            shown = replace(job, columns=own, runs=fitted.runs, output=name_of(wanted, job.folder))
            models = _write_beside(beside, fitted, table)
            write_record(
                beside, job.name, job.folder, job_rows(shown), taken.files, fitted.result, table, taken.settled
            )
            report, handed = _write_books(
                path, temporary, beside, shown, fitted.result, table, report, taken, share, listen
            )
        if tensorboard is not None:
            write_tensorboard(Path(tensorboard) / path.stem, fitted.result)
        if not fitted.result.interrupted:
            keeper.done()
        listen(Wrote(str(path)))
    files = {name: path.with_suffix("") / file for name, file in models.items()}
    done = Fit(path, files, fitted.result, table, report, taken.settled, job.language, handed)
    _hold(conditions, fitted.result, path)
    return done


def _write_books(
    path: Path,
    temporary: Path,
    beside: Path,
    job: Job,
    result: Result,
    table: Table,
    report: MergeReport,
    taken: _Taken,
    share: bool,
    listen: Listener,
) -> tuple[MergeReport, Path | None]:
    """The results workbook with its pictures, and the one to be handed on; the report with what could not be drawn,
    and where the latter lies.
    """
    write = partial(
        write_results,
        job=job,
        result=result,
        table=table,
        job_sheets=lambda book: add_job_sheets(book, job, facts(table), folder=path.parent),
        samples_file=f"{path.stem}/samples.parquet",
        settled=taken.settled,
        since=since_last(taken.last, beside, taken.settled),
    )
    if any(not shot.book for shot in job.shots):
        write(temporary, merge=report)  # to be drawn from; written anew with its pictures
    pictures, undrawn = shoot_all(job.shots, job.folder, temporary, beside, listen)
    report = replace(report, doubts=(*report.doubts, *undrawn))
    write(temporary, merge=report, pictures=pictures)
    if not share:
        return report, None
    handed = next_free(path.with_stem(f"{path.stem}-share"))
    with replacing(handed) as other:
        write(other, merge=report, share=True)
    return report, handed


def _with_units(result: Result, report: MergeReport) -> Result:
    """The result with the units that the cells of the targets or their headers name."""
    units = {column.name: column.unit for column in report.columns}
    targets = tuple(
        replace(target, unit=units.get(target.target) or shown_unit(target.target)) for target in result.targets
    )
    return replace(result, targets=targets)


def plan(
    sources: Sources,
    target: str | Sequence[str] = (),
    *,
    overrides: Sequence[str] = (),
    device: str = "",
    strict: bool = False,
    listen: Listener = ignore,
) -> Planned:
    """What `fit` would do with these arguments: its stacks, their memory and time. Nothing is trained or written.

    Raises:
        ConfigError, DataError, WorkbookError: every problem that is found before training.
    """
    targets = (target,) if isinstance(target, str) else tuple(target)
    with _read(sources, targets, overrides, device, strict, listen) as (job, table, columns, _, _):
        return plan_fit(job, table, columns)


@contextlib.contextmanager
def _read(
    sources: Sources,
    targets: Sequence[str],
    overrides: Sequence[str],
    device: str,
    strict: bool,
    listen: Listener,
    output: str | Path | None = None,
) -> Iterator[tuple[Job, Table, list[Column], MergeReport, _Taken]]:
    """The job, its table with what was decided on it, and columns; messages are in the job's language meanwhile."""
    job = _job_of(sources, targets, overrides)
    with language.using(job=job.language if job else ""):
        named = job is not None
        if job:
            table, report = read_sources(
                job.sources, job.folder, job.columns, listen=listen, expected=bool(job.columns)
            )
        else:
            table, report = read_sources(sources, listen=listen)
            job = draft_job(table, targets, sources, Path.cwd(), report, overrides)
        taken = _Taken(file_records(table, report, job.folder))
        wanted = _wanted(job, output)
        mine = None if named else partial(same_books, table=table, folder=job.folder)
        last = last_results(job, wanted, mine)
        if named or last:
            weight = weight_column(job.columns)
            decided = apply_decisions(job, last, table, report, weight)
            table, report = decided.table, decided.report
            taken = replace(taken, settled=decided.settled, last=last, created=decided.created)
            followed = sum(each.state in ("applied", "satisfied", "kept") for each in decided.settled)
            if decided.settled:
                waiting = len(still_open(decided.settled))
                listen(Noted(text("decisions_followed", count=followed, waiting=waiting)))
        if device:
            job = replace(job, device=_device(device))
        report = with_limits(report, table, job.columns)
        if strict and report.doubts:
            raise DataError(report.doubts)
        columns = infer(table, job.columns, job.targets)
        columns = [replace(each, role="weight") if each.name == taken.created else each for each in columns]
        check_strays(columns, report.strays)
        yield job, table, columns, report, taken


def _job_of(sources: Sources, targets: Sequence[str], overrides: Sequence[str]) -> Job | None:
    """The job that `sources` names, or None where it names data."""
    if not isinstance(sources, (str, Path)):
        only = list(sources) if isinstance(sources, Sequence) else []
        if len(only) != 1 or not isinstance(only[0], (str, Path)):
            return None
        sources = only[0]
    if not is_job(Path(sources)):
        return None
    if targets:
        raise ConfigError(Problem(None, text("target_in_job", job=sources), text("target_in_job_hint")))
    return read_job(Path(sources), overrides)


def _wanted(job: Job, output: str | Path | None) -> Path:
    """The results workbook that was asked for, before it is numbered."""
    folder = Path() if job.folder == Path.cwd() else job.folder  # told as other outputs in the current folder are
    return output_book(output, output_book(folder / (job.output or RESULTS), Path(RESULTS)))


@contextlib.contextmanager
def _outputs(wanted: Path) -> Iterator[tuple[Path, Path, Path]]:
    """The final workbook, its temporary name and the temporary folder beside it; tested before any training.

    On success both are renamed, the folder first; on failure nothing is left.
    """
    try:
        wanted.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WorkbookError(disk_full(error, wanted) or not_writable(wanted, error)) from error
    path = next_free(wanted)
    with replacing(path, overwrite=False) as temporary, temporary_folder(path.with_suffix("")) as beside:
        yield path, temporary, beside


def _keeper(wanted: Path, resume: bool, listen: Listener) -> Keeper:
    """What keeps this fit, in a hidden folder that is named as the results were asked for, whatever their number."""
    folder = wanted.with_name(f".{wanted.stem}.progress")
    if resume and not folder.is_dir():
        listen(Noted(text("resume_nothing", folder=folder)))
    if not resume and folder.is_dir():
        listen(Noted(text("resume_possible", folder=folder)))
    return Keeper(folder, resume)


def _write_beside(folder: Path, fitted: Fitted, table: Table) -> dict[str, str]:
    """The ledger, one model per target, and the models of runs that the job keeps; gives target -> file name."""
    write_ledger(folder / "samples.parquet", fitted.result, table)
    alone = len(fitted.models) == 1
    names: dict[str, str] = {}
    for target, model in fitted.models.items():
        names[target] = _file_name("model", "" if alone else target, names.values())
        save_model(folder / names[target], model)
    taken = list(names.values())
    for model in fitted.kept:
        taken.append(_file_name("model", model.run if alone else f"{model.run} {model.target}", taken))
        save_model(folder / taken[-1], model)
    return names


def _file_name(word: str, of: str, taken: Collection[str]) -> str:
    """`model Y1.safetensors`, without what a system forbids in names, numbered where it is taken."""
    clean = re.sub(r'[<>:"/\\|?*\s\x00-\x1f]+', " ", of).strip(" .")[:60]
    base = f"{word} {clean}".strip()
    number, name = 1, f"{base}.safetensors"
    while name.casefold() in {each.casefold() for each in taken}:
        number += 1
        name = f"{base} {number}.safetensors"
    return name


def _values(scores: Mapping[str, Score]) -> dict[str, float | None]:
    return {name: score.value if math.isfinite(score.value) else None for name, score in scores.items()}


def _baselines(target: TargetResult) -> dict[str, dict[str, float | None]]:
    return {name: _values(scores) for name, scores in target.baselines.items()}


def _chosen(target: TargetResult) -> dict[str, Any]:
    """What choosing among the runs found out besides the winner."""
    found: dict[str, Any] = {"corrected": None, "ensemble": None, "last_period": None}
    if target.corrected:
        found["corrected"] = {target.metric: target.corrected.value}
    if target.ensemble:
        found["ensemble"] = {"metrics": _values(target.ensemble.metrics), "shares": dict(target.ensemble.shares)}
    if last := target.last_period:
        found["last_period"] = {
            "by": last.by,
            "period": last.period,
            "rows": last.rows,
            "metrics": _values(last.metrics),
        }
    return found


def _device(name: str) -> str:
    if name not in DEVICES:
        raise ConfigError(Problem(None, unknown(text("word_device"), name, DEVICES)))
    return name


def _check_conditions(conditions: Sequence[Condition], job: Job, table: Table, columns: Sequence[Column]) -> None:
    """Whether some target has the metric of each condition, before anything is trained. ConfigError."""
    enough = parse_conditions(job.good_enough)
    targets = [column for column in columns if column.role == "target"]
    tasks = {each.name: job.task if job.task != "auto" else task_of(table, each) for each in targets}
    problems = [
        Problem(
            place, text(key, condition=each.said, tasks=text("comma").join(sorted(set(map(label, tasks.values())))))
        )
        for place, key, said in ((None, "require_misfit", conditions), (job.place, "good_enough_misfit", enough))
        for each in said
        if tasks and not any(each.about(name, task) for name, task in tasks.items())
    ]
    if problems:
        raise ConfigError(problems)


def _hold(conditions: Sequence[Condition], result: Result, path: Path) -> None:
    broken = []
    for condition in conditions:
        for target in result.targets:
            metric = condition.about(target.target, target.task)
            if not metric and condition.target and not target.target.casefold().startswith(condition.target.casefold()):
                continue
            score = target.best.metrics.get(metric or condition.metric)
            value = score.value if score else math.nan
            if not condition.holds(metric, value, target.typical):
                message = text("require_broken", condition=condition.said, target=target.target, found=f"{value:.6g}")
                broken.append(Problem(None, message, text("fit_wrote", path=path)))
    if broken:
        raise RequirementError(broken)
