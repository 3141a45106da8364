"""Which models a person means who names a results workbook, its folder or a model file; and what they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xltrain.config.check import read_job
from xltrain.config.source import is_job
from xltrain.data.fingerprint import file_hash
from xltrain.data.outside import show
from xltrain.data.profile import Profile
from xltrain.engine.checkpoint import Model, load_model
from xltrain.errors import WorkbookError
from xltrain.excel.package import missing_book
from xltrain.excel.read import sheet_names
from xltrain.language import canonical, label, listed, text
from xltrain.place import Place, Problem
from xltrain.report.record import RECORD, beside, read_record
from xltrain.report.report import baseline_words
from xltrain.workflow.decide import RESULTS, last_results

SUFFIX = ".safetensors"
MOST_SHOWN = 12  # category values on a line
SCORES = ("constant", "linear", "boosted_trees")


def read_models(path: Path) -> list[Model]:
    """The models of all targets of a results workbook or its folder, winners only; or that of one model file. A job
    stands for its last results.

    Raises:
        WorkbookError: nothing there, no results of xltrain, a folder without a model, a file of a newer version.
    """
    if path.suffix.lower() == SUFFIX:
        _check_there(path)
        return [load_model(path)]
    folder = _folder(path)
    files = sorted(folder.glob(f"*{SUFFIX}"))
    if not files:
        raise WorkbookError(Problem(Place(str(path)), text("models_none", folder=folder), text("models_none_hint")))
    found = [load_model(each) for each in files]
    winners = _winners(folder)
    if winners:
        chosen = [model for pair in winners for model in found if (model.target, model.run) == pair]
        lost = [target for target, _ in winners if target not in {model.target for model in chosen}]
        if lost:
            message = text("models_lost", targets=listed(lost), folder=folder)
            raise WorkbookError(Problem(Place(str(path)), message, text("models_none_hint")))
        return chosen
    alone = [model for file, model in zip(files, found, strict=True) if file.stem == "model"]
    return alone or found


def _check_there(path: Path) -> None:
    problem = missing_book(path)
    if problem:
        raise WorkbookError(problem)


def _folder(path: Path) -> Path:
    """The folder of models that a path stands for."""
    if path.is_dir():
        return path
    folder = beside(path)
    if path.suffix.lower() != ".xlsx" and path.with_name(path.name + ".xlsx").is_file():  # results without a suffix
        folder = path
    elif not path.is_file() and not folder.is_dir():
        _check_there(path)
    if folder.is_dir():
        return folder
    place = Place(str(path))
    if is_job(path) and not _is_results(path):
        job = read_job(path)
        last = last_results(job, job.folder / (job.output or RESULTS))
        if last is not None:
            return beside(last)
        raise WorkbookError(Problem(place, text("models_unfitted"), text("models_unfitted_hint", job=path)))
    if is_job(path):
        hint = text("record_no_folder_hint")
        raise WorkbookError(Problem(place, text("record_no_folder", folder=folder), hint))
    raise WorkbookError(Problem(place, text("models_foreign"), text("models_foreign_hint")))


def _is_results(path: Path) -> bool:
    """Whether a workbook with a job's sheets has those of results too."""
    return path.suffix.lower() == ".xlsx" and "Summary" in map(canonical, sheet_names(path))


def _winners(folder: Path) -> list[tuple[str, str]]:
    """Target and winning run of each target, where the folder tells."""
    if not (folder / RECORD).is_file():
        return []
    return [(each.target, each.winner) for each in read_record(folder).targets]


def results_folder(path: Path) -> Path:
    """The folder of the results that hold the models of `path`."""
    return path.parent if path.suffix.lower() == SUFFIX else _folder(path)


def known_columns(path: Path) -> frozenset[str]:
    """Every column of the data that the models of `path` were trained on, needed or not; none where nothing tells."""
    try:
        record = read_record(results_folder(path))
    except WorkbookError:
        return frozenset()
    sheets = (sheet for file in record.files for sheet in file.sheets.values())
    return frozenset({name for columns in sheets for name in columns} | set(record.columns))


def trained_on(path: Path, files: Sequence[str], base: Path) -> list[str]:
    """Which of these files the models of `path` were trained on, as their results tell by hash; none where these are
    not at hand. Files are relative to `base`.
    """
    try:
        known = {(each.size, each.sha256) for each in read_record(results_folder(path)).files if each.sha256}
    except WorkbookError:
        return []
    sizes = {size for size, _ in known}
    found = []
    for file in files:
        book = base / file
        if book.is_file() and book.stat().st_size in sizes and (book.stat().st_size, file_hash(book)) in known:
            found.append(file)
    return found


@dataclass(frozen=True)
class _Line:
    """A column as `list` shows it."""

    name: str
    type: str
    held: str


def model_listing(path: Path) -> dict[str, Any]:
    """What `xltrain list MODEL --json` prints. WorkbookError as in `read_models`."""
    return {"model": str(path), "targets": [_document(model) for model in read_models(path)]}


def model_lines(path: Path) -> list[str]:
    """What `xltrain list MODEL` prints: a paragraph for each target."""
    lines: list[str] = []
    for model in read_models(path):
        lines += [*([""] if lines else []), *_paragraph(model)]
    return lines


def _document(model: Model) -> dict[str, Any]:
    basis = model.basis
    return {
        "target": model.target,
        "task": model.task,
        "classes": list(model.classes),
        "run": model.run,
        "model": str(model.call),
        "members": len(model.states),
        "metric": model.metric,
        "trained": basis.when if basis else None,
        "rows": basis.rows if basis else None,
        "scores": dict(basis.scores) if basis else {},
        "baselines": {name: dict(each) for name, each in basis.baselines.items()} if basis else {},
        "version": model.version,
        "columns": [
            {
                "name": column.name,
                "type": column.type,
                "aliases": list(column.aliases),
                "encoder": str(coded.call),
                "categories": list(coded.categories),
                **_range(basis.columns.get(column.name) if basis else None, coded.reads == "date"),
            }
            for column in model.columns
            for coded in model.encoding.columns
            if coded.name == column.name
        ],
    }


def _range(profile: Profile | None, dated: bool) -> dict[str, Any]:
    """What a column held in training."""
    if profile is None:
        return {}
    found: dict[str, Any] = {"missing": profile.missing}
    if profile.low is not None and profile.high is not None:
        low, high = (show(each, True) if dated else each for each in (profile.low, profile.high))
        found |= {"low": low, "high": high}
    if profile.values:
        found["values"] = list(profile.values)
    return found


def _paragraph(model: Model) -> list[str]:
    told = {"target": model.target, "task": label(model.task), "run": model.run, "model": model.call}
    basis = model.basis
    lines = [text("model_what", **told, members=len(model.states))]
    if model.classes:
        lines.append("  " + text("model_classes", classes=_listed(model.classes)))
    if basis:
        lines.append("  " + text("model_when", when=basis.when, rows=f"{basis.rows:,}", version=model.version))
        lines.append("  " + text("model_score", metric=label(model.metric), value=_score(basis.scores, model.metric)))
        others = [
            text(
                "model_baseline",
                name=baseline_words(name, model.task),
                value=_score(basis.baselines[name], model.metric),
            )
            for name in SCORES
            if name in basis.baselines
        ]
        if others:
            lines[-1] += text("semicolon") + text("comma").join(others)
    else:
        lines.append("  " + text("model_before", version=model.version))
    lines.append("  " + text("model_columns", count=len(model.columns)))
    shown = [_line(model, index) for index in range(len(model.columns))]
    widths = [max((_width(getattr(each, word)) for each in shown), default=0) for word in ("name", "type")]
    for each in shown:
        lines.append(f"    {_padded(each.name, widths[0])}  {_padded(each.type, widths[1])}  {each.held}".rstrip())
    return lines


def _line(model: Model, index: int) -> _Line:
    column = model.columns[index]
    coded = next(each for each in model.encoding.columns if each.name == column.name)
    profile = model.basis.columns.get(column.name) if model.basis else None
    parts = []
    if profile and profile.low is not None and profile.high is not None:
        dated = coded.reads == "date"
        parts.append(text("model_range", low=show(profile.low, dated), high=show(profile.high, dated)))
    elif coded.categories:
        parts.append(_listed(profile.values if profile and profile.values else coded.categories))
    if profile and profile.missing:
        parts.append(text("model_missing", share=f"{profile.missing:.1%}"))
    if column.aliases:
        parts.append(text("model_aliases", names=_listed(column.aliases)))
    return _Line(column.name, label(column.type), text("semicolon").join(parts))


def _listed(words: Sequence[str]) -> str:
    more = text("model_more", count=len(words) - MOST_SHOWN) if len(words) > MOST_SHOWN else ""
    return text("comma").join(words[:MOST_SHOWN]) + more


def _score(scores: Any, metric: str) -> str:
    return f"{scores[metric]:,.4g}" if metric in scores else "–"


def _width(shown: str) -> int:
    from xltrain.excel.write import text_width

    return text_width(shown)


def _padded(shown: str, width: int) -> str:
    return shown + " " * (width - _width(shown))
