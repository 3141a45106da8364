"""Apply trained models to new rows: predictions with intervals and warnings, and how far the rows have moved."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xltrain.config.settings import Column
from xltrain.data.outside import Outside, as_read, joined, outside, unread
from xltrain.data.store import check_output, to_pandas, write_table
from xltrain.data.table import MergeReport, Table
from xltrain.data.values import words
from xltrain.engine.checkpoint import Model
from xltrain.errors import ConfigError, DataError, WorkbookError
from xltrain.events import Listener, Wrote, ignore
from xltrain.excel.write import Book, number_format
from xltrain.language import label, listed, text
from xltrain.place import Place, Problem
from xltrain.report.actual import Actual, actual
from xltrain.report.merged import write_merge_sheets
from xltrain.report.moved import Moved, moved, moved_document, moved_line, write_moved
from xltrain.report.samples import extra_label
from xltrain.workflow.ask import with_aliases
from xltrain.workflow.beside import Added, files_of, targets_of, with_columns, write_beside
from xltrain.workflow.copies import check_unread
from xltrain.workflow.lacking import matched, needed_columns
from xltrain.workflow.mark import MOST as MOST_MARKS
from xltrain.workflow.mark import Finding, Marked, marking
from xltrain.workflow.merge import read_sources
from xltrain.workflow.models import known_columns, read_models, results_folder, trained_on
from xltrain.workflow.sources import Sources, is_frame, is_merged, path_of, split
from xltrain.workflow.sources import listed as listed_sources

COUNTS = {
    "above": "count_above",
    "below": "count_below",
    "earlier": "count_earlier",
    "unknown": "count_unknown",
    "empty": "count_empty",
    "unread": "count_unread",
}
WIDE = 46.0  # characters of the column of warnings


@dataclass(frozen=True)
class Predicted:
    """The new rows with prediction, spread, interval and warning of every target as further columns.

    `output` is the table that was written, `copies` the workbooks with predictions beside their rows, `marked` those
    with warnings on their cells. `warnings` counts the rows with one, but for dates later than any in training, which
    every new month has; `outside` holds their cells, `moved` the drift report, `actual` how well predictions
    did where the target's value is known already, all by target.
    """

    table: Table
    report: MergeReport
    output: Path | None
    target: str
    copies: tuple[Path, ...] = ()
    targets: tuple[str, ...] = ()
    warnings: Mapping[str, int] = field(default_factory=dict)
    outside: Mapping[str, Sequence[Outside]] = field(default_factory=dict)
    moved: Mapping[str, Sequence[Moved]] = field(default_factory=dict)
    marked: Marked = field(default_factory=Marked)
    actual: Mapping[str, Actual] = field(default_factory=dict)

    def to_pandas(self) -> Any:
        """The rows as a pandas DataFrame, places last."""
        return to_pandas(self.table)

    def lines(self) -> list[str]:
        """What there is to say about the rows: warnings by column, and drift, for each target that differs in it."""
        said: dict[str, None] = {}
        for target in self.targets:
            cells = [each for each in self.outside[target] if each.reason != "later"]
            if cells:
                counts = [_count(each) for each in cells]
                said[text("predict_outside", rows=f"{self.warnings[target]:,}", told=text("comma").join(counts))] = None
            for each in self.outside[target]:
                if each.reason == "later":
                    words = {"column": each.column, "count": f"{len(each.rows):,}", "limit": each.limit}
                    said[text("predict_later", **words)] = None
            if self.moved[target]:
                said[moved_line(self.moved[target])] = None
            if target in self.actual:
                said[self.actual[target].line()] = None
        return list(said)

    def summary(self) -> dict[str, Any]:
        """What `xltrain predict --json` prints."""
        return {
            "output": str(self.output) if self.output else None,
            "copies": [str(path) for path in self.copies],
            "marked": [str(path) for path in self.marked.files],
            "target": self.target,
            "targets": list(self.targets),
            "rows": len(self.table),
            "warnings": {
                target: {
                    "rows": self.warnings[target],
                    "columns": [
                        {"column": each.column, "reason": each.reason, "rows": len(each.rows), "limit": each.limit}
                        for each in self.outside[target]
                    ],
                }
                for target in self.targets
            },
            "drift": {target: moved_document(found) for target, found in self.moved.items()},
            "actual": {target: found.document() for target, found in self.actual.items()},
            "doubts": [str(doubt) for doubt in self.report.doubts],
        }


def _count(each: Outside) -> str:
    """How many cells of a column lie outside, and why."""
    return text(COUNTS[each.reason], column=each.column, count=f"{len(each.rows):,}", limit=each.limit)


@dataclass(frozen=True)
class _Told:
    """What one model says of the rows."""

    target: str
    added: tuple[Added, ...]
    outside: tuple[Outside, ...]
    warned: int
    moved: tuple[Moved, ...]
    actual: Actual | None = None


def predict(
    model: str | Path,
    sources: Sources,
    output: str | Path | None = None,
    *,
    beside: bool = False,
    aliases: Sequence[str] = (),
    mark: str | Path | None = None,
    device: str = "auto",
    strict: bool = False,
    overwrite: bool = False,
    listen: Listener = ignore,
) -> Predicted:
    """Predict new rows with the members of a model together, or of every target's model.

    Added columns, for each target: `TARGET prediction` (mean over members, the target's own unit; the most probable
    class), `TARGET spread` (standard deviation over members; of the predicted class's probability); for numbers
    `TARGET expected from` and `TARGET expected to`, between which nine of ten targets lie, and what the loss predicts
    besides (`TARGET quantile 0.1`, `TARGET predicted spread`); for classes one probability each; `TARGET warning`
    where a cell lies outside what the model was trained on.

    Args:
        model: a results workbook, its folder, or a .safetensors file of it.
        sources: books, folders, globs or a pandas DataFrame with the columns the model was trained on.
        output: .xlsx, .parquet or .csv for a table of all rows; a folder for a copy of each workbook with the new
            columns beside its rows; None only returns the rows.
        beside: write the copies next to the workbooks themselves, as `NAME predicted.xlsx`.
        aliases: other headers of a column: `price=Unit price`.
        mark: a folder for copies of the workbooks in which cells outside the training data are coloured.
        strict: turn doubts into a DataError, with nothing written.

    Raises:
        ConfigError: an alias of no column.
        WorkbookError: a file cannot be read or written.
        DataError: columns are missing: all of them.
    """
    models = read_models(Path(model))
    needed = needed_columns(models)
    others = known_columns(Path(model)) if aliases else frozenset()
    columns = with_aliases(needed, aliases, others)
    table_file, folder = _outputs(output, beside, overwrite)
    table, report = read_sources(sources, columns=columns, listen=listen, expected=True)
    with marking(mark, overwrite=overwrite, listen=listen) as marks:
        table, report = _without_earlier(table, report, models)
        table, report = matched(table, report, columns, models)
        report = _with(report, _unneeded(aliases, needed))
        report = _with(report, (*_unwarned(models), *_known(Path(model), report), *_strange_labels(models, table)))
        read = _read(sources, report, Path(model))
        check_unread([table_file] if table_file else (), read)
        if strict and report.doubts:
            raise DataError(report.doubts)
        lost = unread(table, (*report.changes, *report.unread))
        told = [_told(each, table, lost, device) for each in models]
        added = [column for each in told for column in each.added]
        if mark is not None:
            marks.findings += [finding for each in told for finding in _findings(table, each.outside)]
            marks.files_read += map(str, read)
        done = with_columns(table, added)
        drifted = {each.target: each.moved for each in told}
        copies: list[Path] = []
        if beside or folder is not None:
            targets = targets_of(files_of(table), None if beside else folder)
            copies, notes = write_beside(
                table, report, added, targets, base=Path.cwd(), overwrite=overwrite, listen=listen, read=read
            )
            report = _with(report, notes)
        if table_file is not None:
            lines = [each.actual.line() for each in told if each.actual]
            report = _with(report, _write(table_file, done, report, drifted, lines, overwrite))
            listen(Wrote(str(table_file)))
    return _predicted(done, report, table_file, copies, told, marks.done)


def _predicted(
    table: Table,
    report: MergeReport,
    output: Path | None,
    copies: Sequence[Path],
    told: Sequence[_Told],
    marked: Marked,
) -> Predicted:
    return Predicted(
        table,
        report,
        output,
        told[0].target,
        tuple(copies),
        tuple(each.target for each in told),
        {each.target: each.warned for each in told},
        {each.target: each.outside for each in told},
        {each.target: each.moved for each in told},
        marked,
        {each.target: each.actual for each in told if each.actual},
    )


def _with(report: MergeReport, doubts: Sequence[Problem]) -> MergeReport:
    return replace(report, doubts=(*report.doubts, *doubts))


def _read(sources: Sources, report: MergeReport, model: Path) -> list[Path]:
    """The files that the prediction goes by, which it may not replace: books, and the results of the model."""
    named = [] if is_frame(sources) else [path_of(each) for each in listed_sources(sources) if not is_frame(each)]
    files = [Path(split(each)[0]) for each in named]
    folder = results_folder(model)
    results = [model, folder.with_name(folder.name + ".xlsx"), *(folder.glob("*") if folder.is_dir() else ())]
    books = [Path(each.file) for each in report.sources if each.kept or not is_merged(Path(each.file))]
    return [*files, *books, *results]


def _outputs(output: str | Path | None, beside: bool, overwrite: bool) -> tuple[Path | None, Path | None]:
    """A table to write, or a folder for copies. WorkbookError and ConfigError before anything is read."""
    if output is None:
        return None, None
    path = Path(output)
    is_folder = path.is_dir() or str(output).endswith(("/", os.sep)) or not path.suffix
    if is_folder and beside:
        raise ConfigError(Problem(Place(str(output)), text("beside_and_folder"), text("beside_and_folder_hint")))
    if is_folder:
        return None, path
    check_output(path)
    if path.exists() and not overwrite:
        raise WorkbookError(Problem(Place(str(path)), text("file_exists"), text("file_exists_hint")))
    return path, None


def _write(
    path: Path,
    table: Table,
    report: MergeReport,
    drifted: Mapping[str, Sequence[Moved]],
    lines: Sequence[str],
    overwrite: bool,
) -> list[Problem]:
    def more(book: Book) -> None:
        if any(drifted.values()):
            write_moved(book, drifted, lines)
        if report.sources:
            write_merge_sheets(book, report)

    return write_table(path, table, overwrite=overwrite, more=more)


def _without_earlier(table: Table, report: MergeReport, models: Sequence[Model]) -> tuple[Table, MergeReport]:
    """Without what an earlier prediction wrote: copies, where a folder holds them beside their originals, and else the
    columns in them.
    """
    headers = {f"{model.target} {label('prediction')}" for model in models}
    copies = {each.file for each in report.sources if headers & set(each.columns)}
    if not copies:
        return table, report
    others = [each for each in report.sources if each.kept and each.file not in copies]
    if others:
        own = [index for index, origin in enumerate(table.origins) if origin.file in copies]
        table = table.take(np.flatnonzero(~np.isin(table.origin, own)))
        doubts = [Problem(Place(each), text("predict_earlier"), text("predict_earlier_hint")) for each in copies]
        sources = tuple(each for each in report.sources if each.file not in copies)
        report = replace(report, sources=sources, doubts=(*report.doubts, *sorted(doubts, key=Problem.order)))
    held = {name for each in others for name in each.columns}
    gone = [name for name in table.names if name not in held and _is_ours(name, models)]
    return replace(table, data=table.data.drop_columns(gone)), report


def _is_ours(name: str, models: Sequence[Model]) -> bool:
    """Whether a column is called as one that a prediction adds."""
    words = [label(word) for word in ("prediction", "spread", "expected_low", "expected_high", "warning")]
    starts = [f"{model.target} {label('probability')} " for model in models]
    return name in {f"{model.target} {word}" for model in models for word in words} or name.startswith(tuple(starts))


def _known(model: Path, report: MergeReport) -> list[Problem]:
    """Files that the model was trained on: of their rows the results know honest predictions."""
    files = list(dict.fromkeys(each.file for each in report.sources if each.kept))
    return [
        Problem(Place(file), text("predict_trained_on"), text("predict_trained_on_hint"))
        for file in trained_on(model, files, Path.cwd())
    ]


def _unneeded(aliases: Sequence[str], needed: Sequence[Column]) -> list[Problem]:
    """Aliases of columns that the job has, but no model needs."""
    names = {column.name for column in needed}
    others = [each for each in aliases if each.partition("=")[0].strip() not in names]
    return [Problem(Place(f"--alias {each}"), text("alias_unneeded")) for each in others]


def _unwarned(models: Sequence[Model]) -> list[Problem]:
    """Models of earlier versions, which do not know what they were trained on."""
    old = [model for model in models if model.basis is None]
    return [
        Problem(
            None, text("model_before_warnings", target=each.target, version=each.version), text("model_before_hint")
        )
        for each in old
    ]


def _strange_labels(models: Sequence[Model], table: Table) -> list[Problem]:
    """The labels in new rows that no model knows: it cannot predict them, and will call their rows something else."""
    found = []
    for model in models:
        if not model.classes or model.target not in table.names:
            continue
        labels = words(table.data.column(model.target))
        strange = pc.and_(pc.is_valid(labels), pc.invert(pc.is_in(labels, value_set=pa.array(model.classes))))
        rows = np.flatnonzero(pc.fill_null(strange, False).to_numpy(zero_copy_only=False))
        if len(rows):
            row = int(rows[0])
            message = text("label_unknown", target=model.target, label=labels[row].as_py(), count=len(rows))
            known = listed(model.classes[:8])
            found.append(Problem(table.place(row, model.target), message, text("label_unknown_hint", known=known)))
    return found


def _told(model: Model, table: Table, lost: Mapping[str, Mapping[int, str]], device: str) -> _Told:
    predicted = model.predict(table, device)
    target = model.target
    found: list[Outside] = []
    drifted: list[Moved] = []
    if model.basis:
        found = outside(table, model.encoding.columns, model.basis.columns, lost)
        drifted = _drift(model, table, found)
    shown = "0.0%" if model.classes else number_format(predicted.prediction)

    def column(word: str, values: Any, form: str, width: float = 0, note: str = "") -> Added:
        return Added(f"{target} {label(word)}", f"{target} {word}", values, form, width, note)

    added: list[Added] = []
    if predicted.probability is None:
        added.append(column("prediction", predicted.prediction, shown, note=text("note_prediction_new")))
    else:
        named = pa.array(model.classes).take(pa.array(predicted.prediction.astype("int64")))
        added.append(column("prediction", named, "", note=text("note_prediction_new")))
    if np.isfinite(predicted.spread).any():
        added.append(column("spread", predicted.spread, shown, note=text("note_spread_new")))
    if predicted.low is not None and predicted.high is not None:
        added.append(column("expected_low", predicted.low, shown, note=text("note_expected_low")))
        added.append(column("expected_high", predicted.high, shown, note=text("note_expected_high")))
    for name, values in predicted.extra.items():
        added.append(Added(f"{target} {extra_label(name)}", f"{target} {name}", values, shown))
    for index, name in enumerate(model.classes if predicted.probability is not None else ()):
        assert predicted.probability is not None
        header = f"{target} {label('probability')} {name}"
        added.append(Added(header, f"{target} probability {name}", predicted.probability[:, index], "0.0%"))
    scores = model.basis.scores if model.basis else {}
    held = actual(target, model.classes, scores, table, predicted.prediction)
    warned = 0
    if model.basis:
        found.sort(key=lambda each: each.reason == "later")  # what every row of a new month says stands last
        sentences = joined(found, len(table))
        rows = [each.rows for each in found if each.reason != "later"]
        warned = len(np.unique(np.concatenate(rows))) if rows else 0
        added.append(column("warning", sentences, "", WIDE, text("note_warning")))
    return _Told(target, tuple(added), tuple(found), warned, tuple(drifted), held)


def _drift(model: Model, table: Table, found: Sequence[Outside]) -> list[Moved]:
    """Every column that the model knows, against these rows."""
    assert model.basis is not None
    types = {column.name: column.type for column in model.columns}
    rows = max(len(table), 1)
    drifted = []
    for column in model.encoding.columns:
        known = model.basis.columns.get(column.name)
        if known is None or not len(table):
            continue
        beyond = [each.rows for each in found if each.column == column.name]
        share = len(np.unique(np.concatenate(beyond))) / rows if beyond else 0.0
        values = as_read(column, table.data.column(column.name))
        drifted.append(moved(column.name, types.get(column.name, ""), known, values, share, column.reads == "date"))
    return drifted


def _findings(table: Table, found: Sequence[Outside]) -> list[Finding]:
    """Warnings as places, as many of each sheet as can be marked; not a whole column of dates that are later."""
    listed = []
    for each in found:
        if each.reason == "later" and 2 * len(each.rows) > len(table):
            continue
        for index in np.unique(table.origin[each.rows]):
            at = np.flatnonzero(table.origin[each.rows] == index)[: MOST_MARKS + 1]
            said = each.words.take(pa.array(at)).to_pylist()
            places = (table.place(row, each.column) for row in each.rows[at].tolist())
            listed += [Finding(place, words) for place, words in zip(places, said, strict=True)]
    return listed
