"""What was found out, what would help, and how to say it in a mail: plain sentences for the Summary."""

import numpy as np

from xltrain.engine.result import TargetResult
from xltrain.excel.write import short
from xltrain.language import label, text
from xltrain.report.report import Report, sentences, with_unit
from xltrain.report.slices import Slice, best_and_worst
from xltrain.report.verdict import Verdict, far_misses

FEW_ROWS = 300
APART = 1.25  # times the error of the rest from which a branch is worth a word
CLEARLY = 1.5  # ... is worth a look into its rows
HANDFUL = 0.002  # of the rows
OVERFIT = 2.0  # times the training loss from which the validation loss says that rows are learnt by heart
NAMED = 3
MOST = 4  # pieces of advice


def findings(report: Report, target: TargetResult) -> list[str]:
    """What the reader should know of the winner, a sentence each."""
    told = [*_leaks(target), "" if far_misses(target) else _few_rows(target), _columns(target)]
    told.append(_branches(report, target))
    told += [_interval(target), _suspects(report, target)]
    return [each for each in told if each]


def advice(report: Report, target: TargetResult, found: Verdict) -> list[str]:
    """What would help, the surest first."""
    best, curves = target.best, target.best.curves
    told = []
    if target.leaks.columns:
        names = text("comma").join(name for name, _ in target.leaks.columns)
        told.append(text("advice_leak", names=names, target=target.target, role=label("ignore")))
    causes = report.result.causes
    if causes.findings and target is report.result.targets[0]:
        rows = len({each.row for each in causes.cells if each.finding})
        told.append(text("advice_findings", count=len(causes.findings), rows=f"{rows:,}", sheet=label("Findings")))
    if count := len(report.reviewed(target)):
        told.append(text("advice_suspects", count=f"{count:,}", sheet=label("Suspects")))
    if found.trees_ahead:
        told.append(text("advice_runs"))
    if best.stopped == "epochs" and len(curves.validation) and best.epochs > 0.95 * len(curves.validation):
        told.append(text("advice_epochs", epochs=len(curves.validation)))
    worst = _worst(report, target)
    if worst:
        told.append(text("advice_branch", name=worst.name, ratio=f"{worst.ratio:.1f}"))
    rows = int((target.ledger.scored_by > 0).sum())
    if rows < FEW_ROWS:
        told.append(text("advice_rows", rows=rows))
    elif _by_heart(target):
        told.append(text("advice_by_heart"))
    if found.level == "none":
        told.append(text("advice_columns", target=target.target))
    return told[:MOST]


def mail(report: Report, target: TargetResult, found: Verdict) -> str:
    """Three sentences that a person can paste as they stand."""
    files = len({origin.file for origin in report.table.origins})
    scored = int((target.ledger.scored_by > 0).sum())
    third = _doubt(target) or _branches(report, target) or _suspects(report, target) or found.judgement
    what = text("mail_what", target=target.target, headline=found.headline)
    return sentences((what, text("mail_how", rows=f"{scored:,}", files=files), third))


def _doubt(target: TargetResult) -> str:
    """Why the figures may not hold."""
    names = text("comma").join(name for name, _ in target.leaks.columns)
    return text("mail_leak", names=names, target=target.target) if names else ""


def _leaks(target: TargetResult) -> list[str]:
    """What makes the scores too good to be true."""
    told = [
        text("finding_leak", name=name, target=target.target, share=f"{100 * min(share, 0.9999):.4g}")
        for name, share in target.leaks.columns
    ]
    doubled = target.leaks.doubled
    return told + ([text("finding_doubled", count=doubled)] if doubled else [])


def _columns(target: TargetResult) -> str:
    """Which columns the winner goes by."""
    known = target.importance
    if known is None or not len(known.importance) or known.importance[0] <= 2 * known.spread[0]:
        return ""
    names = [name for name, value in zip(known.columns, known.importance, strict=True) if value > 0][:NAMED]
    worse = short(float(known.importance[0]))
    return text(
        "finding_columns", names=text("comma").join(names), first=names[0], metric=label(known.metric), worse=worse
    )


def _branches(report: Report, target: TargetResult) -> str:
    """Where it is best and where worst."""
    ends = best_and_worst(report.slices[target.target])
    if ends is None or ends[1].ratio < APART:
        return ""
    best, worst = ends
    if target.classes:
        shown = [text("of_hundred", count=f"{100 * each.error:.0f}") for each in (best, worst)]
        return text("finding_branches_wrong", best=best.name, low=shown[0], worst=worst.name, high=shown[1])
    shown = [with_unit(short(each.error), target.unit) for each in (best, worst)]
    return text("finding_branches", best=best.name, low=shown[0], worst=worst.name, high=shown[1])


def _few_rows(target: TargetResult) -> str:
    """Whether a handful of rows makes half of the squared error, so that rmse and r2 speak of them alone."""
    if target.classes:
        return ""
    square = np.square(target.ledger.target - target.ledger.prediction)
    square = np.sort(square[np.isfinite(square)])[::-1]
    if len(square) < FEW_ROWS or not square.sum() > 0:
        return ""
    count = int(np.searchsorted(np.cumsum(square), square.sum() / 2)) + 1
    return text("finding_few_rows", count=count) if count <= len(square) * HANDFUL else ""


def _interval(target: TargetResult) -> str:
    """How far nine of ten values lie from their prediction."""
    ledger = target.ledger
    known = np.isfinite(ledger.low) & np.isfinite(ledger.high) & np.isfinite(ledger.prediction)
    if target.classes or not known.any():
        return ""
    below = float(np.median((ledger.prediction - ledger.low)[known]))
    above = float(np.median((ledger.high - ledger.prediction)[known]))
    return text("finding_interval", below=short(below), above=with_unit(short(above), target.unit))


def _suspects(report: Report, target: TargetResult) -> str:
    count = len(report.reviewed(target))
    return text("finding_suspects", count=f"{count:,}", sheet=label("Suspects")) if count else ""


def _worst(report: Report, target: TargetResult) -> Slice | None:
    """The branch that is clearly worse than the rest."""
    ends = best_and_worst(report.slices[target.target])
    return ends[1] if ends and ends[1].ratio >= CLEARLY else None


def _by_heart(target: TargetResult) -> bool:
    """Whether the training loss lies far below the validation loss where the weights were kept."""
    curves = target.best.curves
    if not len(curves.training):
        return False
    epoch = min(max(round(target.best.epochs), 1), len(curves.training)) - 1
    training, validation = curves.training[epoch], curves.validation[epoch]
    return bool(training > 0 and validation > OVERFIT * training)
