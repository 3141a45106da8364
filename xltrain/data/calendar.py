"""Rows per source and month, or per file and sheet, so that a missing file or month is seen."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xltrain.data.months import YEARLESS, named_month, shown_month
from xltrain.data.table import Calendar, Table
from xltrain.data.values import numbers
from xltrain.language import listed, text
from xltrain.place import Problem

FILLED = 0.9  # of a column of dates, for it to be the one that counts
MOST_MONTHS = 600
ALL = ""


class CalendarStep:
    """Counts batch after batch. `controlled` are columns with totals: the commonest of them is summed."""

    def __init__(self, controlled: Sequence[str]) -> None:
        counted = Counter(name for name in controlled if name)
        self.value = counted.most_common(1)[0][0] if counted else ""
        self._column: str | None = None
        self._months: dict[tuple[str, str], tuple[int, float]] = {}
        self._sheets: dict[tuple[str, str], tuple[int, float]] = {}

    def apply(self, batch: Table) -> None:
        if not len(batch):
            return
        if self._column is None:
            self._column = _dated(batch)
        value = numbers(batch.data.column(self.value)) if self.value in batch.names else np.zeros(len(batch))
        value = np.nan_to_num(value)
        month = np.full(len(batch), -1, np.int64)
        if self._column and self._column in batch.names and pa.types.is_timestamp(batch.data.column(self._column).type):
            dates = batch.data.column(self._column).combine_chunks()
            known = np.asarray(dates.is_valid().to_numpy(zero_copy_only=False), bool)
            stamps = np.asarray(pc.cast(dates, pa.int64()).fill_null(0).to_numpy(zero_copy_only=False))
            months = stamps.view("datetime64[us]").astype("datetime64[M]").astype(np.int64)
            month = np.where(known, months, -(10**6))
        for number, origin in enumerate(batch.origins):
            mine = batch.origin == number
            self._add(self._sheets, (origin.file, origin.sheet), int(mine.sum()), float(value[mine].sum()))
            source = f"{origin.file}!{origin.sheet}" if origin.sheet else origin.file
            for each, count in zip(*np.unique(month[mine], return_counts=True), strict=True):
                shown = str(np.datetime64(int(each), "M")) if each > -(10**6) else ALL
                self._add(self._months, (source, shown), int(count), float(value[mine & (month == each)].sum()))

    @staticmethod
    def _add(counts: dict[tuple[str, str], tuple[int, float]], key: tuple[str, str], rows: int, total: float) -> None:
        before = counts.get(key, (0, 0.0))
        counts[key] = (before[0] + rows, before[1] + total)

    def report(self) -> Calendar | None:
        """The grid of months where dates or names tell them, else of sheets; None where there is one source alone."""
        months = sorted({month for _, month in self._months if month})
        if self._column and len(months) > 1:
            periods, gaps = _with_gaps(months)
            if len(periods) <= MOST_MONTHS:
                return self._grid(self._months, periods, self._column, gaps)
        if len(self._sheets) < 2:
            return None
        named = self._by_name()
        if named is not None:
            return named
        return self._grid(self._sheets, sorted({sheet for _, sheet in self._sheets}), "", [])

    def _by_name(self) -> Calendar | None:
        """The grid of the months that all sources are named by; None where they are not."""
        months = {key: named_month(*key) for key in self._sheets}
        found = sorted({month for month in months.values() if month == month})
        named = all(month == month for month in months.values())
        if not named or len(found) < 2 or (found[0] < YEARLESS) != (found[-1] < YEARLESS):
            return None
        span = np.arange(found[0], found[-1] + 1)
        if len(span) > MOST_MONTHS:
            return None
        gaps = [shown_month(month) for month in span.tolist() if month not in found]
        counts = {
            (f"{file}!{sheet}" if sheet else file, shown_month(months[file, sheet])): told
            for (file, sheet), told in self._sheets.items()
        }
        return self._grid(counts, [shown_month(month) for month in span.tolist()], "", gaps)

    def _grid(
        self, counts: dict[tuple[str, str], tuple[int, float]], periods: list[str], column: str, gaps: list[str]
    ) -> Calendar:
        sources = list(dict.fromkeys(source for source, _ in counts))
        none = (0, 0.0)
        rows = np.array([[counts.get((source, each), none)[0] for each in periods] for source in sources], np.int64)
        sums = np.array([[counts.get((source, each), none)[1] for each in periods] for source in sources])
        return Calendar(column, self.value, tuple(sources), tuple(periods), rows, sums, tuple(gaps))

    def doubts(self) -> list[Problem]:
        """A month between others without a row."""
        found = self.report()
        if found is None or not found.gaps or len(found.gaps) > len(found.periods) / 2:
            return []
        shown = listed(found.gaps[:6]) + (" …" if len(found.gaps) > 6 else "")
        message = text("doubt_gap" if found.column else "doubt_gap_names", months=shown, column=found.column)
        return [Problem(None, message, text("doubt_gap_hint"))]


def _dated(batch: Table) -> str:
    """The first column of dates that is nearly full."""
    for name, column in zip(batch.names, batch.data.columns, strict=True):
        if pa.types.is_timestamp(column.type) and len(column) - column.null_count >= FILLED * len(column):
            return name
    return ""


def _with_gaps(months: list[str]) -> tuple[list[str], list[str]]:
    """All months from the first to the last, and those that were not there."""
    known = set(months)
    span = np.arange(np.datetime64(months[0], "M"), np.datetime64(months[-1], "M") + 1)
    periods = [str(month) for month in span]
    return periods, [month for month in periods if month not in known]
