"""Since last time: what is new against the last fit of the same job, at the top of Summary."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from xltrain.data.decided import Settled, still_open
from xltrain.errors import WorkbookError
from xltrain.excel.write import INK, PALE, SECTION, Sheet, lines, short
from xltrain.language import label, text
from xltrain.report.difference import MEASURES, Difference, TargetDifference, difference, read_side
from xltrain.report.drift import LARGE, SMALL, by_chance, drift
from xltrain.report.record import FileRecord

if TYPE_CHECKING:
    from xltrain.report.report import Report

NAMES = 6  # files and columns that a line names
LAST = 11  # the last column of Summary
WIDTH = 11.5
VERDICTS = {"better": "since_better", "worse": "since_worse", "alike": "since_alike"}


@dataclass(frozen=True)
class Since:
    """What changed since the last fit of the same job.

    new, changed and vanished are names of files; rows those now and then; moved the columns that drifted with their
    stability index, most first; targets the difference on the rows that both fits have. `suspects` counts the rows now
    worth reviewing, `fresh` those of them that were not last time; `decided` and `open` count decisions.
    """

    last: str
    when: str
    files: int
    new: tuple[str, ...]
    changed: tuple[str, ...]
    vanished: tuple[str, ...]
    rows: tuple[int, int]
    unchanged_rows: int
    changed_rows: int
    new_rows: int
    gone_rows: int
    moved: tuple[tuple[str, float], ...]
    targets: tuple[TargetDifference, ...]
    suspects: int
    fresh: int
    decided: int
    open: int


def since_last(last: Path | None, now: Path, settled: Sequence[Settled]) -> Since | None:
    """Compare the last results with the folder of those being written.

    None where there are no earlier ones, or none that can be compared: other targets, or another version's.
    """
    if last is None:
        return None
    try:
        before, after = read_side(last), read_side(now)
        found = difference(before, after)
    except WorkbookError:
        return None
    old, new = before.record, after.record
    known = {each.file: each for each in old.files}
    files = {each.file: each for each in new.files}
    listed = [{name for each in side.targets for name in each.suspects} for side in (old, new)]
    matched = found.matched
    return Since(
        last.name,
        old.when,
        len(files),
        tuple(name for name in files if name not in known),
        tuple(name for name, each in files.items() if name in known and _differs(each, known[name])),
        tuple(name for name in known if name not in files),
        (new.samples, old.samples),
        len(matched.unchanged[0]),
        len(matched.changed[0]),
        len(matched.added),
        len(matched.removed),
        _moved(found),
        found.targets,
        len(listed[1]),
        len(listed[1] - listed[0]),
        sum(each.state in ("applied", "satisfied", "kept") for each in settled),
        len(still_open(settled)),
    )


def _differs(now: FileRecord, before: FileRecord) -> bool:
    return bool(now.sha256 and before.sha256) and now.sha256 != before.sha256


def _moved(found: Difference) -> tuple[tuple[str, float], ...]:
    """The columns that drifted more than chance explains, most first; without dates, which every month moves."""
    old, data = found.before.record.columns, found.after.data
    moved = []
    for name in found.matched.columns:
        column = data.column(name)
        if name in old and not pa.types.is_temporal(column.type):
            index = drift(old[name], column)
            if np.isfinite(index) and index >= max(SMALL, by_chance(old[name], len(column))):
                moved.append((name, index))
    return tuple(sorted(moved, key=lambda pair: -pair[1]))


def write_since(report: "Report", sheet: Sheet, row: int) -> int:
    """The section at the top of Summary; gives the row after it, `row` itself where there is no last time."""
    found = report.since
    if found is None:
        return row
    for column in range(LAST + 1):
        sheet.write(row, column, text("since_title") if column == 0 else "", report.book.style(**SECTION))
    sheet.page.set_row(row, 22)
    for word, said in sentences(found):
        row += 1
        sheet.block(row, 0, 1, label(word), report.book.style(bold=True, bg_color=PALE, valign="top"))
        look = report.book.style(font_color=INK, bg_color=PALE, text_wrap=True, valign="top")
        sheet.block(row, 2, LAST, said, look)
        sheet.page.set_row(row, 15 * lines(said, (LAST - 1) * WIDTH) + 3)
    return row + 2


def sentences(found: Since) -> list[tuple[str, str]]:
    """A word and a sentence for each thing that is told."""
    told = [("last_time", text("since_last", last=found.last, when=_day(found.when)))]
    told.append(("files", _files(found)))
    rows, before = found.rows
    counts = {
        "unchanged": found.unchanged_rows,
        "changed": found.changed_rows,
        "new": found.new_rows,
        "gone": found.gone_rows,
    }
    shown = {name: f"{count:,}" for name, count in counts.items()}
    told.append(("rows", text("since_rows", rows=f"{rows:,}", before=f"{before:,}", **shown)))
    told.append(("drift", _drift(found)))
    for each in found.targets:
        name = f"{each.target}: " if len(found.targets) > 1 else ""
        told.append(("same_rows", name + _score(each)))
    if found.suspects:
        told.append(("Suspects", _suspects(found)))
    if found.decided or found.open:
        told.append(("decision", text("since_decisions", decided=found.decided, open=found.open)))
    return told


def _suspects(found: Since) -> str:
    values = {"count": found.suspects, "fresh": found.fresh, "again": found.suspects - found.fresh}
    return text("since_suspects", **{name: f"{count:,}" for name, count in values.items()})


def _day(when: str) -> str:
    """The day and minute on this computer's clock."""
    try:
        return datetime.datetime.fromisoformat(when).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return when


def _files(found: Since) -> str:
    parts = [
        text(key, count=len(names), names=_named(names))
        for key, names in (("since_new", found.new), ("since_changed", found.changed), ("since_gone", found.vanished))
        if names
    ]
    return text("since_files", count=found.files, told=text("semicolon").join(parts) or text("since_files_same"))


def _named(names: Sequence[str]) -> str:
    return text("comma").join(names[:NAMES]) + (" …" if len(names) > NAMES else "")


def _drift(found: Since) -> str:
    if not found.moved:
        return text("since_no_drift")
    words = {True: "since_moved_far", False: "since_moved"}
    parts = [text(words[index > LARGE], column=name, index=f"{index:.2f}") for name, index in found.moved[:NAMES]]
    return text("comma").join(parts) + (" …" if len(found.moved) > NAMES else "")


def _score(target: TargetDifference) -> str:
    if not target.common.rows:
        return text("since_no_common")
    before, after = (
        f"{value:.1%}" if target.measure == "error_share" else short(float(value))
        for value in target.error.mean(axis=0)
    )
    words = {"measure": text(MEASURES[target.measure]), "before": before, "after": after}
    return text(VERDICTS[target.verdict], rows=f"{target.common.rows:,}", share=f"{abs(target.gain):.1%}", **words)
