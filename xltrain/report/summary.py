"""Summary: the page one hands on. The verdict first, then how it was reached, the charts, and the rows to look at."""

from typing import Any

import numpy as np

from xltrain.engine.result import TargetResult
from xltrain.excel.chart import Axis, bar_chart
from xltrain.excel.write import GREY, HINT, INK, LINE, NAVY, PALE, SECTION, TITLE, Sheet, lines, number_format
from xltrain.language import current, label, text
from xltrain.report.advice import advice, findings, mail
from xltrain.report.curves import winner_curve
from xltrain.report.diagnostics import predicted_chart, roc_chart
from xltrain.report.importance import importance_chart
from xltrain.report.leaderboard import metric_in_unit
from xltrain.report.notes import hover
from xltrain.report.report import (
    Report,
    baseline_words,
    duration,
    loss_words,
    metric_format,
    schedule_words,
    sentences,
    stop_words,
    value_of,
)
from xltrain.report.samples import link_target, worst
from xltrain.report.since import write_since
from xltrain.report.verdict import Verdict, verdict

COLUMNS = 12  # A to L
WIDTH = 11.5  # characters of each
CHART = (508, 300)  # pixels: six columns
CHART_ROWS = 15
BARS = 12  # runs in the chart
WORST = 5
MEASURES = {
    "regression": ("mae", "rmse", "median_absolute_error", "r2"),
    "classification": ("accuracy", "log_loss", "balanced_accuracy", "roc_auc"),
}
TINTS = {"good": "#E3F4E6", "usable": "#EAF3E0", "little": "#FFF4DA", "none": "#FBE3DF"}


def write_summary(report: Report, name: str) -> None:
    """Verdict, figures, charts and worst rows of every target; then what ran, and what to know."""
    sheet = report.book.sheet(name)
    sheet.page.set_portrait()
    for column in range(COLUMNS):
        sheet.width(column, WIDTH)
    sheet.write(0, 0, report.job.name, report.book.style(**TITLE))
    sheet.page.set_row(0, 30)
    sheet.write(1, 0, _subtitle(report), report.book.style(font_color=GREY))
    row = write_since(report, sheet, 3)
    for index, target in enumerate(report.result.targets):
        sheet.part(row, apart=index > 0)
        row = _target(report, sheet, row, target) + 1
    sheet.part(row)
    row = _ran(report, sheet, row)
    row = _to_know(report, sheet, row + 1)
    if report.several:
        sheet.print_parts(row, COLUMNS, portrait=True)
        return
    sheet.page.print_area(0, 0, row, COLUMNS - 1)
    sheet.page.fit_to_pages(1, 1)


def _subtitle(report: Report) -> str:
    result = report.result
    return text(
        "summary_line",
        rows=f"{result.samples:,}",
        sources=len(report.table.origins),
        features=len(result.features),
        runs=sum(len(target.runs) for target in result.targets),
        time=duration(result.seconds),
    )


def _section(report: Report, sheet: Sheet, row: int, title: str) -> int:
    for column in range(COLUMNS):
        sheet.write(row, column, title if column == 0 else "", report.book.style(**SECTION))
    sheet.page.set_row(row, 22)
    return row + 1


def _target(report: Report, sheet: Sheet, row: int, target: TargetResult) -> int:
    found = verdict(target, report.job.good_enough)
    row = _section(report, sheet, row, text("told_as", word=label("target"), told=target.target))
    tint = TINTS[found.level]
    head = report.book.style(bold=True, font_size=14, font_color=NAVY, bg_color=tint, text_wrap=True, valign="vcenter")
    sheet.block(row, 0, COLUMNS - 1, found.headline, head)
    # Bold letters of 14 points are a third wider than the default font's.
    sheet.page.set_row(row, 22 * lines(found.headline, COLUMNS * WIDTH / 1.35) + 8)
    # What throws doubt on every figure comes first.
    first = (found.judgement, found.enough) if target.leaks.columns else (found.enough, found.judgement)
    told = (
        *first,
        found.against_linear,
        found.against_trees,
        found.of_choice,
        found.next_period,
    )
    words = sentences(told)
    look = report.book.style(font_color=INK, bg_color=tint, text_wrap=True, valign="top")
    sheet.block(row + 1, 0, COLUMNS - 1, words, look)
    sheet.page.set_row(row + 1, 16 * lines(words, COLUMNS * WIDTH) + 4)
    row = _sentences(report, sheet, row + 3, target, found)
    row = _figures(report, sheet, row + 1, target)
    if not report.share:
        row = _worst(report, sheet, row + 1, target)
    return _charts(report, sheet, row + 1, target)


def _sentences(report: Report, sheet: Sheet, row: int, target: TargetResult, found: Verdict) -> int:
    """What was found, what would help, and the words for a mail."""
    said = [
        (text("summary_findings"), [f"• {each}" for each in findings(report, target)]),
        (text("summary_advice"), [f"• {each}" for each in advice(report, target, found)]),
        (text("summary_mail"), [mail(report, target, found)]),
    ]
    for title, told in said:
        if not told:
            continue
        last = row + len(told) - 1
        sheet.block(row, 0, 1, title, report.book.style(font_color=GREY, valign="top", text_wrap=True), last - row + 1)
        for words in told:
            look = report.book.style(font_color=INK, text_wrap=True, valign="top")
            sheet.block(row, 2, COLUMNS - 1, words, look)
            sheet.page.set_row(row, 15 * max(lines(words, (COLUMNS - 2) * WIDTH), 2 if last == row else 1) + 3)
            row += 1
    return row


def _figures(report: Report, sheet: Sheet, row: int, target: TargetResult) -> int:
    """Left: the winner against the baselines. Right: what the winner is."""
    best = target.best
    measures = [name for name in MEASURES[target.task] if name in best.metrics]
    head = report.book.style(bold=True, bottom=1, bottom_color=LINE, font_color=GREY, align="right", text_wrap=True)
    sheet.block(
        row, 0, 1, text("out_of_fold"), report.book.style(bold=True, bottom=1, bottom_color=LINE, font_color=GREY)
    )
    who = [
        (best.name, best.metrics),
        *((baseline_words(key, target.task), target.baselines[key]) for key in target.baselines),
    ]
    sheet.page.set_row(row, 48 if current() == "en" else 32)
    for column, measure in enumerate(measures, 2):
        sheet.write(row, column, label(measure), head)
        hover(sheet, row, column, measure)
        values = [value_of(scores, measure) for _, scores in who]
        shown = metric_format(measure, [value for value in values if np.isfinite(value)])
        for offset, value in enumerate(values, 1):
            look: dict[str, Any] = (
                {"num_format": shown, "bold": True, "bg_color": PALE} if offset == 1 else {"num_format": shown}
            )
            sheet.write(row + offset, column, value, report.book.style(**look))
    for offset, (name, _) in enumerate(who, 1):
        look = {"bold": True, "bg_color": PALE} if offset == 1 else {}
        sheet.block(row + offset, 0, 1, name, report.book.style(**look))
    facts = [
        ("winner", best.name),
        ("model", str(best.run.model)),
        ("loss", loss_words(best)),
        ("optimizer", f"{best.run.optimizer}; {schedule_words(best)}"),
        ("epochs", text("epochs_kept", epochs=f"{best.epochs:.0f}", stopped=stop_words(best.stopped))),
    ]
    for offset, (word, words) in enumerate(facts):
        sheet.write(row + offset, 7, label(word), report.book.style(font_color=GREY))
        sheet.block(row + offset, 8, COLUMNS - 1, words, report.book.style(shrink=True, align="left", bold=offset == 0))
    return row + max(len(facts), len(who) + 1)


def _charts(report: Report, sheet: Sheet, row: int, target: TargetResult) -> int:
    """How the runs compare, and how close the winner comes; below, how it learned."""
    second = None
    if report.share:
        second = importance_chart(report, target, target.importance) if target.importance else None
    elif target.classes:
        scored = np.flatnonzero((target.ledger.target >= 0) & np.isfinite(target.ledger.prediction))
        second = roc_chart(report, target, scored)
    else:
        second = predicted_chart(report, target)
    for column, chart in ((0, _runs_chart(report, target)), (6, second)):
        if chart is None:
            continue
        chart.set_size({"width": CHART[0], "height": CHART[1]})
        sheet.page.insert_chart(row, column, chart, {"object_position": 3})
    row += CHART_ROWS + 1
    curve = winner_curve(report, target)
    curve.set_size({"width": 2 * CHART[0], "height": 220})
    sheet.page.insert_chart(row, 0, curve, {"object_position": 3})
    return row + 11


def _runs_chart(report: Report, target: TargetResult) -> Any:
    """The job's metric of every run, the winner marked, baselines hatched."""
    shown = [(run.name, value_of(run.metrics, target.metric)) for run in target.runs[:BARS]]
    marks = [
        (baseline_words(key, target.task), value_of(scores, target.metric)) for key, scores in target.baselines.items()
    ]
    both = [(name, value) for name, value in (*shown, *marks) if np.isfinite(value)]
    names = report.data.column(label("run"), [name for name, _ in both])
    values = report.data.column(label(target.metric), np.array([value for _, value in both]))
    hatched = [index for index, (name, _) in enumerate(both) if name in {mark for mark, _ in marks}]
    look = metric_format(target.metric, [value for _, value in both])
    axis = Axis(metric_in_unit(target.metric, target), look, low=0)
    title = text("chart_runs", metric=label(target.metric))
    return bar_chart(report.data, title, names, values, axis, {0: NAVY}, hatched)


def _worst(report: Report, sheet: Sheet, row: int, target: TargetResult) -> int:
    """The rows to look at first, with links to their cells."""
    row = _section(report, sheet, row, text("worst_rows"))
    ledger = target.ledger
    head = report.book.style(bold=True, font_color=GREY, bottom=1, bottom_color=LINE)
    right = report.book.style(bold=True, font_color=GREY, bottom=1, bottom_color=LINE, align="right")
    sheet.block(row, 0, 4, label("place"), head)
    for column, word in ((5, "target"), (7, "prediction"), (9, "out_of_fold_loss")):
        sheet.block(row, column, column + 1, label(word), right)
        hover(sheet, row, column, "actual" if word == "target" else word)
    for offset, index in enumerate(worst(target, WORST), 1):
        goal, shown = link_target(report, int(index), target.target)
        if goal:
            sheet.link(row + offset, 0, goal, shown)
        else:
            sheet.write(row + offset, 0, shown)
        for column, value in ((5, ledger.target[index]), (7, ledger.prediction[index])):
            words: Any = target.classes[int(value)] if target.classes and value >= 0 else float(value)
            look = {"align": "right"} if isinstance(words, str) else {"num_format": number_format([words], 4)}
            sheet.block(row + offset, column, column + 1, words, report.book.style(**look))
        sheet.block(row + offset, 9, 10, float(ledger.loss[index]), report.book.style(num_format="#,##0.000"))
    end = row + WORST + 1
    sheet.write(end, 0, text("worst_hint", sheet=label("Samples")), report.book.style(**{**HINT, "text_wrap": False}))
    return end + 1


def _ran(report: Report, sheet: Sheet, row: int) -> int:
    """What ran on which data."""
    row = _section(report, sheet, row, text("what_ran"))
    result, job = report.result, report.job
    files = list(dict.fromkeys(origin.file for origin in report.table.origins))
    facts = [
        (text("fact_data"), text("fact_data_value", rows=f"{result.samples:,}", files=len(files), names=_some(files))),
        (text("fact_features"), text("told_as", word=len(result.features), told=_some(result.features, 12))),
        (text("fact_folds"), _folds(report)),
        (text("fact_members"), text("fact_members_value", members=result.members, stacks=result.stacks)),
        (text("fact_device"), f"{result.device} · {duration(result.seconds)}"),
        (label("seed"), str(job.seed)),
    ]
    for word, value in facts:
        sheet.block(row, 0, 1, word, report.book.style(font_color=GREY, valign="top"))
        sheet.block(row, 2, COLUMNS - 1, value, report.book.style(text_wrap=True, valign="top"))
        sheet.page.set_row(row, 15 * lines(value, (COLUMNS - 2) * WIDTH) + 3)
        row += 1
    return row


def _folds(report: Report) -> str:
    job = report.job
    split = str(job.split) if job.split else text("split_default")
    return text("fact_folds_value", folds=job.folds, repeats=job.repeats, split=split)


def _to_know(report: Report, sheet: Sheet, row: int) -> int:
    """Notes of the fit and doubts of the merge."""
    doubts = [str(doubt) for doubt in report.merge.doubts] if report.merge else []
    told = [*report.result.notes, *doubts]
    if report.result.interrupted:
        told.insert(0, text("summary_interrupted"))
    if not told:
        return row
    row = _section(report, sheet, row, text("to_know"))
    for words in told[:20]:
        sheet.block(row, 0, COLUMNS - 1, f"• {words}", report.book.style(text_wrap=True, valign="top"))
        sheet.page.set_row(row, 15 * lines(words, COLUMNS * WIDTH) + 3)
        row += 1
    if len(told) > 20:
        sheet.write(row, 0, text("and_more", count=len(told) - 20), report.book.style(font_color=GREY))
        row += 1
    return row


def _some(names: Any, most: int = 4) -> str:
    """A few names, and how many more."""
    names = list(names)
    rest = len(names) - most
    return text("comma").join(names[:most]) + (f" … (+{rest})" if rest > 0 else "")
