"""Leaderboard: one row per run, out-of-fold metrics as mean and spread over folds, baselines in rows of their own."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xltrain.engine.result import RunResult, Score, TargetResult
from xltrain.excel.chart import Axis, bar_chart
from xltrain.excel.write import HINT, NAVY, PALE, TITLE, Sheet
from xltrain.language import label, text
from xltrain.report.diagnostics_layout import in_unit
from xltrain.report.notes import hover
from xltrain.report.report import (
    SHARES,
    UNITLESS,
    Report,
    baseline_words,
    loss_words,
    lower_is_better,
    metric_format,
    metric_names,
    schedule_words,
    stop_words,
    value_of,
)

GAP = 3  # rows between the blocks of two targets
MIXED = 2  # runs of a mix that are named
BARS = 12  # runs in a chart
CHARTS, ACROSS = 9, 3  # charts in all, and side by side
CHART = (320, 250)  # pixels
CHART_ROWS = 13
# What a run says besides its model, loss, optimizer and schedule.
SETTINGS = (
    "epochs",
    "batch_size",
    "patience",
    "clip_norm",
    "clip_value",
    "accumulate",
    "lr_scale",
    "sam",
    "ema",
    "objective",
    "imbalance",
    "warm_start",
    "freeze",
    "seed",
)
GOLD = "#FFF1CC"
PRINTED = 200.0  # characters of a page


@dataclass(frozen=True)
class _Column:
    """A column of the block: header, one value per run and per baseline, and how to show it."""

    header: str
    values: Sequence[object]
    format: str = ""
    best: str = ""  # lower | higher: which value to mark
    widest: float = 34.0
    note: str = ""  # the word of its hover note
    setting: bool = False  # one of the settings, or a further word on a metric: folded away


def write_leaderboard(report: Report, name: str) -> None:
    """One block per target, each an Excel table with filter."""
    sheet = report.book.sheet(name)
    sheet.write(0, 0, label("Leaderboard"), report.book.style(**TITLE))
    sheet.page.set_row(0, 26)
    sheet.write(1, 0, text("leaderboard_hint"), report.book.style(**{**HINT, "text_wrap": False}))
    row = 3
    for index, target in enumerate(report.result.targets):
        sheet.part(row - 1, apart=index > 0)
        if report.several:
            sheet.write(row - 1, 0, target.target, report.book.style(bold=True, font_size=12))
        row = _block(report, sheet, row, target) + GAP
    sheet.print_parts(row, sheet.fitting(sheet.columns, PRINTED))
    if not report.several:
        sheet.page.freeze_panes(4, 2)
        sheet.page.repeat_rows(3)
    else:
        sheet.page.freeze_panes(0, 2)


def _block(report: Report, sheet: Sheet, row: int, target: TargetResult) -> int:
    columns = _columns(target, report.several)
    count = len(target.runs) + bool(target.ensemble) + len(target.baselines)
    headers = sheet.table(row, 0, [column.header for column in columns], count, "Leaderboard")
    for index, column in enumerate(columns):
        for offset, value in enumerate(column.values):
            look = _style(report, target, offset, column.format, centred=index == 0)
            sheet.write(row + 1 + offset, index, value, look)
        sheet.fit(index, [_seen(value) for value in column.values], headers[index], column.widest)
        hover(sheet, row, index, column.note)
        if column.best and count > 1:
            _mark_best(report, sheet, row, index, count, column.best)
    sheet.head_height(row, headers)
    _fold(sheet, [column.setting for column in columns])
    return _charts(report, sheet, row + count + 2, target)


def _fold(sheet: Sheet, settings: Sequence[bool]) -> None:
    """Put the columns of settings into a group that can be opened."""
    for index, setting in enumerate(settings):
        if setting:
            sheet.group(index)


def _charts(report: Report, sheet: Sheet, row: int, target: TargetResult) -> int:
    """A small chart for each metric: its value for the first runs and the baselines; gives the row after them."""
    names = metric_names(target)[:CHARTS]
    shown = [(run.name, run.metrics) for run in target.runs[:BARS]]
    # The charts are small: a name over two lines would meet its neighbours.
    marks = [
        (text("baseline_short") if name == "constant" else baseline_words(name, target.task), scores)
        for name, scores in target.baselines.items()
    ]
    for position, metric in enumerate(names):
        both = [(name, value_of(scores, metric)) for name, scores in (*shown, *marks)]
        both = [(name, value) for name, value in both if math.isfinite(value)]
        values = [value for _, value in both]
        x = report.data.column(label("run"), [name for name, _ in both])
        y = report.data.column(label(metric), values)
        hatched = [index for index, (name, _) in enumerate(both) if name in {mark for mark, _ in marks}]
        low = 0 if values and min(values) >= 0 else None
        axis = Axis(metric_in_unit(metric, target), metric_format(metric, values), low=low)
        chart = bar_chart(report.data, label(metric), x, y, axis, {0: NAVY}, hatched)
        chart.set_size({"width": CHART[0], "height": CHART[1]})
        if not position % ACROSS:
            sheet.part(row + position // ACROSS * CHART_ROWS)
        place = {"object_position": 3, "x_offset": position % ACROSS * (CHART[0] + 10), "y_offset": 4}
        sheet.page.insert_chart(row + position // ACROSS * CHART_ROWS, 0, chart, place)
    return row + -(-len(names) // ACROSS) * CHART_ROWS


def _columns(target: TargetResult, several: bool) -> list[_Column]:
    runs, besides = target.runs, _besides(target)
    scores: list[Mapping[str, Score]] = [run.metrics for run in runs] + [found for _, found, _ in besides]
    blank: list[object] = [None] * len(besides)
    of_target = [_Column(label("target"), [target.target for _ in scores])] if several else []
    columns = [
        _Column(label("rank"), [*range(1, len(runs) + 1), *blank], "0", note="rank"),
        _Column(label("name"), [run.name for run in runs] + [name for name, _, _ in besides]),
        *of_target,
        _Column(label("model"), [*(str(run.run.model) for run in runs), *blank], widest=46, note="about_runs_model"),
        _Column(label("loss"), [*(loss_words(run) for run in runs), *blank], note="about_runs_loss"),
    ]
    columns.append(_validation(target, blank))
    for metric in metric_names(target):
        columns += _metric(metric, scores, main=metric == target.metric)
        columns += _of_winner(target, scores) if metric == target.metric else []
    columns += [
        _Column(text("header_epochs_kept"), [*(run.epochs for run in runs), *blank], "0", note="epochs_kept"),
        _Column(label("seconds"), [*(run.seconds for run in runs), *blank], "#,##0.0", note="seconds"),
        _Column(label("stopped"), [*(stop_words(run.stopped) for run in runs), *blank], note="stopped"),
        _Column(text("header_clipped"), [*(run.clipped for run in runs), *blank], "0%", note="clipped"),
        _Column(label("members"), [*(run.members for run in runs), *blank], "#,##0", note="members"),
        _Column(label("parameters"), [*(run.parameters for run in runs), *blank], "#,##0", note="parameters"),
        _Column(
            label("optimizer"),
            [*(str(run.run.optimizer) for run in runs), *blank],
            note="about_runs_optimizer",
            setting=True,
        ),
        _Column(
            label("schedule"),
            [*(schedule_words(run) for run in runs), *blank],
            note="about_runs_schedule",
            setting=True,
        ),
        *_settings(runs, blank),
        _Column(label("note"), [run.note or run.run.note for run in runs] + [each[2] for each in besides], widest=44),
    ]
    return columns


def _settings(runs: Sequence[RunResult], blank: list[object]) -> list[_Column]:
    """Every other setting of a run, as its cell says it."""
    found = []
    for name in SETTINGS:
        values = [getattr(run.run, name) for run in runs]
        shown = [each if isinstance(each, (int, float)) else str(each) for each in values]
        if name == "batch_size":
            shown = [each or text("plan_all_rows") for each in shown]
        found.append(_Column(label(name), [*shown, *blank], note=f"about_runs_{name}", setting=True))
    return found


def _besides(target: TargetResult) -> list[tuple[str, Mapping[str, Score], str]]:
    """Name, metrics and note of the rows that do not compete: the mix of runs, then the baselines."""
    found: list[tuple[str, Mapping[str, Score], str]] = []
    if target.ensemble:
        parts = [f"{name} ({share:.0%})" for name, share in list(target.ensemble.shares.items())[:MIXED]]
        parts += ["…"] if len(target.ensemble.shares) > MIXED else []
        found.append((text("ensemble"), target.ensemble.metrics, text("ensemble_note", runs=text("comma").join(parts))))
    for name, metrics in target.baselines.items():
        found.append((baseline_words(name, target.task), metrics, text("for_comparison")))
    return found


def _of_winner(target: TargetResult, scores: Sequence[Mapping[str, Score]]) -> list[_Column]:
    """What is known of the winner alone: its score corrected for the choice, and the one on the last period."""
    metric, last = target.metric, target.last_period
    known = [each[metric].value for each in scores if metric in each]
    shown = metric_format(metric, known)
    found = []
    if target.corrected:
        found.append((text("header_corrected", metric=label(metric)), target.corrected.value, "corrected"))
    if last and metric in last.metrics:
        found.append(
            (
                text("header_last_period", metric=label(metric), period=last.period),
                last.metrics[metric].value,
                "last_period",
            )
        )
    winner = [run.name == target.winner for run in target.runs] + [False] * (len(scores) - len(target.runs))
    return [
        _Column(header, [value if mine else None for mine in winner], shown, note=note) for header, value, note in found
    ]


def _validation(target: TargetResult, blank: list[object]) -> _Column:
    values = [run.validation[target.metric].value if target.metric in run.validation else None for run in target.runs]
    shown = metric_format(target.metric, [value for value in values if value is not None])
    header = text("header_validation", metric=label(target.metric))
    return _Column(header, [*values, *blank], shown, note="metric_validation")


def _metric(metric: str, scores: list[Mapping[str, Score]], main: bool) -> list[_Column]:
    """Over all rows together, as the Summary says; mean and spread over folds, folded away but for the job's own."""
    found = [each.get(metric) for each in scores]
    shown = metric_format(metric, [score.value for score in found if score])
    word, best = label(metric), "lower" if lower_is_better(metric) else "higher"
    values, means, spreads = (
        [getattr(score, name) if score else None for score in found] for name in ("value", "mean", "spread")
    )
    return [
        _Column(text("header_all", metric=word) if main else word, values, shown, best, note=metric),
        _Column(text("header_mean", metric=word), means, shown, best, note="metric_mean", setting=not main),
        _Column(text("header_spread", metric=word), spreads, shown, note="metric_spread", setting=not main),
    ]


def metric_in_unit(metric: str, target: TargetResult) -> str:
    """A metric with the target's unit in brackets, if it is in that."""
    own = metric not in SHARES and metric not in UNITLESS
    return in_unit(label(metric), target) if own else label(metric)


def _style(report: Report, target: TargetResult, offset: int, shown: str, centred: bool = False) -> Any:
    """The winner stands out, baselines step back."""
    look: dict[str, Any] = {"valign": "top", "bottom": 1, "bottom_color": "#E3E7ED"}
    if shown:
        look["num_format"] = shown
    if centred:
        look["align"] = "center"
    if offset >= len(target.runs):
        look.update(italic=True, bg_color=PALE)
    elif target.runs[offset].name == target.winner:
        look.update(bold=True, bg_color=GOLD)
    return report.book.style(**look)


def _mark_best(report: Report, sheet: Sheet, row: int, column: int, count: int, best: str) -> None:
    look = report.book.workbook.add_format({"bold": True, "font_color": "#0B6B2E"})
    kind = "bottom" if best == "lower" else "top"
    sheet.page.conditional_format(row + 1, column, row + count, column, {"type": kind, "value": 1, "format": look})


def _seen(value: object) -> str:
    """About what a cell will show, for the column's width."""
    if isinstance(value, float):
        return f"{value:,.0f}.00" if abs(value) >= 100 else "0.0000"
    return "" if value is None else str(value)
