"""Targets: one row for each target of a fit of several: how good its winner is, beside guessing and other models."""

from typing import Any

from xltrain.engine.result import TargetResult
from xltrain.excel.write import GREY, HINT, INK, TITLE, Sheet
from xltrain.language import label, sentences, text
from xltrain.report.notes import hover_headers
from xltrain.report.report import Report, baseline_words, metric_format, value_of
from xltrain.report.summary import TINTS
from xltrain.report.verdict import verdict

HEAD = 3
WIDE = 90.0  # characters of the verdict's column
BASELINES = ("constant", "linear", "boosted_trees")


def write_targets(report: Report, name: str) -> None:
    """The table; nothing for a single target, of which the Summary tells."""
    if not report.several:
        return
    sheet = report.book.sheet(name)
    sheet.write(0, 0, label("Targets"), report.book.style(**TITLE))
    sheet.page.set_row(0, 26)
    sheet.write(1, 0, text("targets_hint"), report.book.style(**{**HINT, "text_wrap": False}))
    targets = report.result.targets
    heads = [label(word) for word in ("target", "task", "winner", "metric")]
    heads += [text("header_of_winner"), *(baseline_words(word, "regression") for word in BASELINES)]
    heads += [label("rows"), text("header_trained"), text("header_verdict")]
    names = sheet.table(HEAD, 0, heads, len(targets), "Targets")
    sheet.page.set_row(HEAD, 34)
    hover_headers(sheet, HEAD, 4, ["metric_all"])
    for offset, target in enumerate(targets, 1):
        _write(report, sheet, HEAD + offset, target)
    seen = {0: [target.target for target in targets], 2: [target.winner for target in targets]}
    seen |= {1: [label(target.task) for target in targets], 3: [label(target.metric) for target in targets]}
    seen[9] = [_trained(target) for target in targets]
    for index in range(len(heads) - 1):
        sheet.fit(index, seen.get(index, []), names[index], 30)
    sheet.width(len(heads) - 1, WIDE)
    sheet.page.freeze_panes(HEAD + 1, 1)
    sheet.page.repeat_rows(HEAD)


def _write(report: Report, sheet: Sheet, row: int, target: TargetResult) -> None:
    found = verdict(target, report.job.good_enough)
    values = [value_of(target.best.metrics, target.metric)]
    values += [value_of(target.baselines.get(name), target.metric) for name in BASELINES]
    shown = {"num_format": metric_format(target.metric, values)}
    words = sentences(found.headline, found.judgement if target.leaks.columns else "", found.enough)
    cells: list[tuple[object, dict[str, Any]]] = [
        (target.target, {"bold": True}),
        (label(target.task), {}),
        (target.winner, {}),
        (label(target.metric), {"font_color": GREY}),
        (values[0], {**shown, "bold": True}),
        *((value, shown) for value in values[1:]),
        (int((target.ledger.scored_by > 0).sum()), {"num_format": "#,##0"}),
        (_trained(target), {}),
        (words, {"bg_color": TINTS[found.level], "text_wrap": True}),
    ]
    sheet.height(row, words, WIDE)
    for index, (value, look) in enumerate(cells):
        sheet.write(row, index, value, report.book.style(**{"font_color": INK, "valign": "top", **look}))


def _trained(target: TargetResult) -> str:
    """Whether its winner was trained on it alone."""
    joint = target.best.run.joint
    return text("trained_together", names=text("comma").join(joint)) if joint else text("trained_alone")
