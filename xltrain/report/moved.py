"""Drift report: each column of new rows against the rows that a model was trained on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from xltrain.data.profile import Profile, profile, shares_of
from xltrain.excel.write import EPOCH, HINT, TITLE, Book, number_format
from xltrain.language import label, text
from xltrain.report.drift import LARGE, SMALL, by_chance, drift
from xltrain.report.notes import hover_headers
from xltrain.report.record import finite

MOST_NEW = 20  # new values of a column that are named
NAMED = 4  # columns of the short line


@dataclass(frozen=True)
class Moved:
    """One column then and now. `index` is the population stability index, `chance` what it seldom exceeds where nothing
    has moved; both NaN where it cannot be told. shift: of the mean, in standard deviations of training. new: values
    never seen in training with their shares of the new rows. outside: the share of new rows whose cell lies outside
    what was trained on. `dated`: numbers are days since 1970.
    """

    column: str
    type: str
    before: Profile
    after: Profile
    index: float
    chance: float
    shift: float
    new: tuple[tuple[str, float], ...]
    outside: float
    dated: bool = False

    @property
    def spread_moved(self) -> bool:
        """Whether the values are spread differently, more than chance explains; False where it cannot be told."""
        return self.index >= max(SMALL, self.chance)

    @property
    def state(self) -> str:
        """`as_trained`, `moved` or `moved_far`."""
        if self.spread_moved:
            return "moved_far" if self.index >= LARGE else "moved"
        return "moved" if self.new or self.outside > 0 else "as_trained"


def moved(name: str, kind: str, before: Profile, column: Any, outside: float = 0.0, dated: bool = False) -> Moved:
    """Hold a column, as its encoder reads it, against its profile in training."""
    after = profile(column)
    index = drift(before, column)
    chance = by_chance(before, after.rows)
    shift = np.nan
    if before.mean is not None and after.mean is not None and before.deviation:
        shift = (after.mean - before.mean) / before.deviation
    new: tuple[tuple[str, float], ...] = ()
    if before.values:
        known = set(before.values)
        new = tuple((word, share) for word, share in shares_of(column).items() if word not in known)
    return Moved(name, kind, before, after, index, chance, float(shift), new, outside, dated)


def moved_line(found: Sequence[Moved]) -> str:
    """What has moved, in one line; dates, which every new month moves, stand on the sheet alone."""
    found = [each for each in found if not each.dated]
    away = sorted((each for each in found if each.state != "as_trained"), key=_rank)
    if not found or not away:
        return text("moved_none", count=len(found))
    told = [text("moved_one", column=each.column, how=_how(each)) for each in away[:NAMED]]
    more = text("moved_more", count=len(away) - NAMED) if len(away) > NAMED else ""
    rest = text("moved_rest", count=len(found) - len(away)) if len(found) > len(away) else ""
    return text("moved_some", told=text("semicolon").join(told), more=more, rest=rest)


def _rank(each: Moved) -> tuple[bool, float]:
    return each.state != "moved_far", -(each.index if each.index == each.index else 0.0)


def _how(each: Moved) -> str:
    """Why a column counts as moved."""
    parts = []
    if each.spread_moved:
        parts.append(text("moved_index", index=f"{each.index:.2f}"))
        if abs(each.shift) >= 0.1:
            parts.append(text("moved_shift", shift=f"{each.shift:+.1f}"))
    if each.new:
        parts.append(text("moved_new", count=len(each.new)))
    elif each.outside > 0:
        parts.append(text("moved_outside", share=f"{each.outside:.1%}"))
    return text("comma").join(parts)


def moved_document(found: Sequence[Moved]) -> list[dict[str, Any]]:
    """The report in JSON's types."""
    return [
        {
            "column": each.column,
            "type": each.type,
            "state": each.state,
            "psi": finite(each.index),
            "psi_by_chance": finite(each.chance),
            "missing": [each.before.missing, each.after.missing],
            "mean": [each.before.mean, each.after.mean],
            "median": [each.before.median, each.after.median],
            "mean_shift": finite(each.shift),
            "outside": each.outside,
            "new_values": dict(each.new[:MOST_NEW]),
        }
        for each in found
    ]


HEADS = (
    "column",
    "type",
    "drift_state",
    "psi",
    "mean_shift",
    "outside_share",
    "missing_before",
    "missing_now",
    "mean_before",
    "mean_now",
    "median_before",
    "median_now",
    "new_values",
)
_MIDDLES = ("mean_before", "mean_now", "median_before", "median_now")
_SHARES = ("outside_share", "missing_before", "missing_now")


def write_moved(book: Book, found: Mapping[str, Sequence[Moved]], lines: Sequence[str] = ()) -> None:
    """The sheet `Drift report`: what there is to say, and a table for each target, what has moved most first."""
    sheet = book.sheet(label("Drift report"))
    sheet.write(0, 0, label("Drift report"), book.style(**TITLE))
    sheet.page.set_row(0, 26)
    sheet.write(1, 0, text("moved_hint"), book.style(**{**HINT, "text_wrap": False}))
    for offset, line in enumerate(lines, 2):
        sheet.write(offset, 0, line)
    row = top = 3 + len(lines)
    for target, columns in found.items():
        if len(found) > 1:
            sheet.write(row, 0, target, book.style(bold=True))
            row += 1
        rows = [_cells(each) for each in sorted(columns, key=_rank)]
        headers = sheet.table(row, 0, [label(word) for word in HEADS], len(rows), "Drift")
        sheet.page.set_row(row, 50)
        hover_headers(sheet, row, 0, ["", "", *HEADS[2:6]])
        for index, (word, header) in enumerate(zip(HEADS, headers, strict=True)):
            shown = []
            for offset, cells in enumerate(rows, 1):
                dated = cells[1] == label("date") and word in _MIDDLES and cells[index] is not None
                form = "yyyy-mm-dd" if dated else _format(word, cells[index])
                sheet.write(row + offset, index, cells[index], book.style(valign="top", **_shown_as(form)))
                shown.append(form if dated else _seen(cells[index]))
            sheet.fit(index, shown, header)
        row += len(rows) + 3
    sheet.page.freeze_panes(top, 1)


def _shown_as(shown: str) -> dict[str, str]:
    return {"num_format": shown} if shown else {}


def _format(word: str, value: Any) -> str:
    if word in _SHARES:
        return "0.0%"
    if word in ("psi", "mean_shift"):
        return "0.00"
    return number_format([value], 4) if isinstance(value, float) else ""


def _seen(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:,.4g}" if isinstance(value, float) else str(value)


def _cells(each: Moved) -> list[Any]:
    """A line of the sheet; days as Excel counts them."""
    add = EPOCH if each.dated else 0.0
    middle = [each.before.mean, each.after.mean, each.before.median, each.after.median]
    new = text("comma").join(word for word, _ in each.new[:MOST_NEW]) + (" …" if len(each.new) > MOST_NEW else "")
    return [
        each.column,
        label(each.type) if each.type else "",
        label(each.state),
        finite(each.index),
        finite(each.shift),
        each.outside,
        each.before.missing,
        each.after.missing,
        *(None if value is None else float(value + add) for value in middle),
        new or None,
    ]
