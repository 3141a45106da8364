"""Values that the Columns sheet says cannot be right: below min, above max, not allowed, standing twice.

Batch after batch, so that a merge of any size is held against its limits while it streams; nothing is changed.
"""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from xltrain.config.settings import Column
from xltrain.data.fingerprint import cell_hashes
from xltrain.data.header import key
from xltrain.data.table import MergeReport, Table
from xltrain.data.values import days, numbers, words
from xltrain.language import listed, text
from xltrain.place import Problem

Rows = npt.NDArray[np.int64]
WORDS = {"min": "limit_min", "max": "limit_max", "allowed": "limit_allowed_words", "unique": "limit_unique"}
_EPOCH = datetime.date(1970, 1, 1)


@dataclass(frozen=True)
class Breach:
    """The rows of a table in which a column breaks one limit: `rule` is min, max, allowed or unique."""

    column: str
    rule: str
    limit: Any
    rows: Rows


def breaches(table: Table, columns: Sequence[Column]) -> list[Breach]:
    """Every limit that is broken, and by which rows; of a unique column the rows whose value stood before."""
    found = []
    for name, column in _limited(table, columns).items():
        values = table.data.column(name)
        found += _beyond(name, values, column)
        if column.unique:
            hashes = cell_hashes(name, values)
            again = _again(hashes)
            found += [Breach(name, "unique", None, again)] if len(again) else []
    return found


def unlimited(columns: Sequence[Column]) -> tuple[Column, ...]:
    """The columns without their limits, for who looks at these later: after what was decided."""
    return tuple(replace(each, min=None, max=None, allowed=(), unique=False) for each in columns)


def breach_words(breach: Breach, shown: str) -> str:
    """What is wrong with one value, in a sentence."""
    return text(WORDS[breach.rule], column=breach.column, found=shown, limit=breach.limit)


def with_limits(report: MergeReport, table: Table, columns: Sequence[Column]) -> MergeReport:
    """The report with a doubt for every limit that the table breaks."""
    step = LimitStep(columns)
    step.look(table)
    doubts = step.doubts()
    return replace(report, doubts=(*report.doubts, *doubts)) if doubts else report


@dataclass
class LimitStep:
    """Looks at a table, or at batch after batch of it; `doubts` then gives one doubt for each limit that is broken."""

    columns: Sequence[Column]
    _found: dict[tuple[str, str], tuple[Problem, int]] = field(default_factory=dict)
    _seen: dict[str, list[tuple[Any, Table]]] = field(default_factory=dict)

    def look(self, batch: Table) -> None:
        known = _limited(batch, self.columns) if any(each.limited for each in self.columns) else {}
        for name, column in known.items():
            for breach in _beyond(name, batch.data.column(name), column):
                self._tell(breach, batch, int(breach.rows[0]), len(breach.rows))
            if column.unique:
                bare = replace(batch, data=batch.data.select([name]), fingerprint=None)
                self._seen.setdefault(name, []).append((cell_hashes(name, batch.data.column(name)), bare))

    def doubts(self) -> list[Problem]:
        for name, parts in self._seen.items():
            again = _again(np.concatenate([hashes for hashes, _ in parts]))
            if len(again):
                ends = np.cumsum([len(hashes) for hashes, _ in parts])
                part = int(np.searchsorted(ends, again[0], side="right"))
                row = int(again[0] - (ends[part - 1] if part else 0))
                self._tell(Breach(name, "unique", None, again), parts[part][1], row, len(again))
        return [_counted(problem, count) for problem, count in self._found.values()]

    def _tell(self, breach: Breach, batch: Table, row: int, count: int) -> None:
        """Keep the first place of each broken limit, and how many there are."""
        at = (breach.column, breach.rule)
        if at in self._found:
            self._found[at] = (self._found[at][0], self._found[at][1] + count)
            return
        said = breach_words(breach, str(words(batch.data.column(breach.column).slice(row, 1))[0].as_py()))
        hint = text("limit_hint", column=breach.column)
        self._found[at] = (Problem(batch.place(row, breach.column), said, hint), count)


def _counted(problem: Problem, count: int) -> Problem:
    if count == 1:
        return problem
    return replace(problem, hint=text("more_like_it", count=count - 1, hint=problem.hint))


def _limited(table: Table, columns: Sequence[Column]) -> Mapping[str, Column]:
    """The columns of the table that have limits, by their names there."""
    by_key = {key(name): name for name in table.names}
    named = {each.name if each.name in table.names else by_key.get(key(each.name), ""): each for each in columns}
    return {name: column for name, column in named.items() if name and column.limited}


def _beyond(name: str, values: Any, column: Column) -> list[Breach]:
    found = []
    for rule in ("min", "max"):
        limit = getattr(column, rule)
        if limit is not None:
            dated = isinstance(limit, str)
            edge = float((datetime.date.fromisoformat(limit) - _EPOCH).days) if dated else float(limit)
            known = days(values) if dated or pa.types.is_temporal(values.type) else numbers(values)
            with np.errstate(invalid="ignore"):
                # The last day counts whole, whatever the time.
                wrong = known < edge if rule == "min" else known >= edge + 1 if dated else known > edge
            found.append(Breach(name, rule, limit, np.flatnonzero(wrong)))
    if column.allowed:
        shown = words(values)
        allowed = pa.array([each.casefold() for each in column.allowed], pa.string())
        fits = pc.is_in(pc.utf8_lower(shown), value_set=allowed)
        wrong = pc.and_(pc.is_valid(shown), pc.invert(fits)).to_numpy(zero_copy_only=False)
        found.append(Breach(name, "allowed", listed(column.allowed[:12]), np.flatnonzero(wrong)))
    return [each for each in found if len(each.rows)]


def _again(hashes: Any) -> Rows:
    """Positions of filled cells whose value stood before; 0 is an empty cell."""
    order = np.argsort(hashes, kind="stable")
    ordered = hashes[order]
    repeated = np.flatnonzero((ordered[1:] == ordered[:-1]) & (ordered[1:] != 0)) + 1
    return np.sort(order[repeated]).astype(np.int64)
