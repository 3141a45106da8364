"""Curves: per-epoch values of every run, and native charts of training and validation loss and of the learning rate."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from xltrain.engine.result import Curves, Floats, RunResult, TargetResult
from xltrain.excel.chart import (
    GREYED,
    MAX_POINTS,
    Axis,
    Ref,
    Series,
    colour,
    dash,
    log_axis,
    nice,
    thin,
    xy_chart,
)
from xltrain.excel.write import HINT, TITLE, Sheet, number_format
from xltrain.language import label, text
from xltrain.registry import number
from xltrain.report.notes import hover_headers
from xltrain.report.report import Report

NAMED = 10  # runs with a colour and a place in the legend; the rest are thin grey lines
CHART = (640, 340)  # pixels
CHART_ROWS = 18
FIRST_ROW = 3


def write_curves(report: Report, name: str) -> None:
    """The numbers on the left, one row per run and epoch; the charts beside them."""
    sheet = report.book.sheet(name)
    sheet.write(0, 0, label("Curves"), report.book.style(**TITLE))
    sheet.page.set_row(0, 26)
    sheet.write(1, 0, text("curves_hint"), report.book.style(**{**HINT, "text_wrap": False}))
    columns = _numbers(report, sheet)
    sheet.width(columns, 3)
    row = FIRST_ROW
    for target in report.result.targets:
        row = _charts(report, sheet, row, columns + 1, target)
    sheet.page.freeze_panes(FIRST_ROW + 1, 0)
    sheet.print_parts(row, columns + 12)


def _numbers(report: Report, sheet: Sheet) -> int:
    """One row per target, run and epoch; gives the number of columns."""
    runs = [run for target in report.result.targets for run in target.runs]
    counts = [len(run.curves.training) for run in runs]
    columns: list[tuple[str, list[object], str]] = [
        (label("target"), [run.target for run, count in zip(runs, counts, strict=True) for _ in range(count)], ""),
        (label("run"), [run.name for run, count in zip(runs, counts, strict=True) for _ in range(count)], ""),
        (label("epoch"), [epoch + 1 for count in counts for epoch in range(count)], "0"),
        _joined(label("training_loss"), runs, lambda curves: curves.training),
        _joined(label("validation_loss"), runs, lambda curves: curves.validation),
        _joined(label("lr"), runs, lambda curves: curves.lr, "0.00E+00"),
        *_parts(runs),
    ]
    if not report.several:
        columns = columns[1:]
    headers = sheet.table(FIRST_ROW, 0, [header for header, _, _ in columns], sum(counts), "Curves")
    words = ("", "", "epoch", "training_loss", "validation_loss", "lr")
    hover_headers(sheet, FIRST_ROW, 0, words if report.several else words[1:])
    for index, (_, values, shown) in enumerate(columns):
        sheet.column(FIRST_ROW + 1, index, values, report.book.style(**({"num_format": shown} if shown else {})))
        texts = {value for value in values if isinstance(value, str)}
        sheet.fit(index, texts, headers[index], 30)
    sheet.head_height(FIRST_ROW, headers)
    return len(columns)


def _parts(runs: Sequence[RunResult]) -> list[tuple[str, list[object], str]]:
    """Training and validation curve of each term of the losses of several; empty for runs without that term."""
    columns = []
    for name in dict.fromkeys(name for run in runs for name in run.curves.parts):
        for index, word in enumerate(("training_loss", "validation_loss")):
            curves = [
                run.curves.parts[name][index] if name in run.curves.parts else np.full(len(run.curves.training), np.nan)
                for run in runs
            ]
            values = np.concatenate(curves)
            columns.append((f"{label(word)}: {name}", values.tolist(), number_format(values, 4)))
    return columns


def _joined(
    header: str, runs: Sequence[RunResult], take: Callable[[Curves], Floats], shown: str = ""
) -> tuple[str, list[object], str]:
    values = np.concatenate([take(run.curves) for run in runs]) if runs else np.zeros(0)
    return header, values.tolist(), shown or number_format(values, 4)


def _charts(report: Report, sheet: Sheet, row: int, column: int, target: TargetResult) -> int:
    """Validation, training and lr, each over epochs; gives the row after them."""
    epochs = {run.name: _epochs(report, target, run) for run in target.runs}
    heads: list[tuple[str, Callable[[Curves], Floats]]] = [
        ("validation_loss", lambda curves: curves.validation),
        ("training_loss", lambda curves: curves.training),
        ("lr", lambda curves: curves.lr),
    ]
    for word, take in heads:
        chart = _chart(report, target, word, take, epochs)
        chart.set_size({"width": CHART[0], "height": CHART[1]})
        sheet.part(row)
        sheet.page.insert_chart(row, column, chart, {"object_position": 3, "y_offset": 4})
        row += CHART_ROWS
    if any(run.lr_range for run in target.runs):
        chart = _range_chart(report, target)
        chart.set_size({"width": CHART[0], "height": CHART[1]})
        sheet.part(row)
        sheet.page.insert_chart(row, column, chart, {"object_position": 3, "y_offset": 4})
        row += CHART_ROWS
    return row


def _range_chart(report: Report, target: TargetResult) -> Any:
    """What each rate of `lr=auto` came to, the rate that was chosen in the name of its run."""
    series: list[Series] = []
    losses: list[Floats] = []
    for place, run in enumerate(each for each in target.runs[:NAMED] if each.lr_range):
        found = run.lr_range
        assert found is not None
        known = np.isfinite(found.loss) & (found.loss <= 2 * max(float(np.nanmin(found.loss)), found.loss[0]))
        losses.append(found.loss[known])
        rates = report.data.column(f"{run.name}: {label('lr')}", found.lr[known])
        name = text("range_chosen", run=run.name, lr=number(found.chosen))
        shown = report.data.column(name, found.loss[known])
        series.append(Series(name, rates, shown, colour(place), dash(place), 1.75))
    title = label("lr_range") + (f" · {target.target}" if report.several else "")
    every = np.concatenate([run.lr_range.lr for run in target.runs if run.lr_range])
    x = Axis(label("lr"), "0E+00", nice(float(every.min()), down=True), nice(float(every.max())), log=True, grid=False)
    return xy_chart(report.data, title, series, x, log_axis(label("training_loss"), np.concatenate(losses)), "bottom")


def _epochs(report: Report, target: TargetResult, run: RunResult) -> Ref:
    kept = thin(len(run.curves.training), max(MAX_POINTS // max(len(target.runs), 1), 2))
    return report.data.column(f"{run.name}: {label('epoch')}", (kept + 1).astype(np.float64))


def _chart(
    report: Report, target: TargetResult, word: str, take: Callable[[Curves], Floats], epochs: dict[str, Ref]
) -> Any:
    series: list[Series] = []
    everything: list[Floats] = []
    order = [*target.runs[NAMED:], *target.runs[:NAMED][::-1]]  # the winner is drawn last, on top
    for run in order:
        place = target.runs.index(run)
        values = take(run.curves)[np.asarray(epochs[run.name].values, dtype=np.int64) - 1]
        everything.append(values)
        won = run.name == target.winner
        series.append(
            Series(
                f"★ {run.name}" if won else run.name,
                epochs[run.name],
                report.data.column(f"{run.name}: {label(word)}", values),
                colour(place) if place < NAMED else GREYED,
                "solid" if won else dash(place) if place < NAMED else "solid",
                2.75 if won else 1.5 if place < NAMED else 0.75,
            )
        )
    title = label(word) + (f" · {target.target}" if report.several else "")
    values = np.concatenate(everything) if everything else np.zeros(0)
    x = Axis(label("epoch"), "0", low=0, whole=True, grid=False)
    y = log_axis(label(word), values)
    if word == "lr":
        y = Axis(y.title, "0E+00" if y.log else "0.0E+00", y.low, y.high, y.log)
    hidden = list(range(len(target.runs[NAMED:])))
    return xy_chart(report.data, title, series, x, y, "right", hidden)


def winner_curve(report: Report, target: TargetResult) -> Any:
    """Training against validation loss of the winner, for the Summary."""
    curves = target.best.curves
    kept = thin(len(curves.training), MAX_POINTS // 2)
    epoch = report.data.column(label("epoch"), (kept + 1).astype(np.float64))
    training = report.data.column(label("training_loss"), curves.training[kept])
    validation = report.data.column(label("validation_loss"), curves.validation[kept])
    series = [
        Series(label("training_loss"), epoch, training, colour(0), "solid"),
        Series(label("validation_loss"), epoch, validation, colour(1), "dash", 2.25),
    ]
    both = np.concatenate([curves.training, curves.validation])
    title = text("chart_winner_curve", run=target.winner)
    return xy_chart(
        report.data, title, series, Axis(label("epoch"), "0", low=0, grid=False), log_axis(label("loss"), both)
    )
