"""Odd cells that share a cause, as one finding: a factor, swapped or shifted columns, a gauge, an operator, a day.

A cause is believed where chance would rarely bring so many cells together (engine/chance.py), whatever was looked at.
"""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from xltrain.data.table import Control, Table
from xltrain.data.values import words
from xltrain.data.written import undone
from xltrain.engine.additive import Cells, Floats, Rows
from xltrain.engine.audited import NAN, Finding, OddCell
from xltrain.engine.chance import log_chance, rare
from xltrain.engine.displaced import WIDER, Displaced, stretch
from xltrain.engine.surprise import Surprise

Flags = npt.NDArray[np.bool_]

FEW = 3  # cells that make a finding
LIKELY = 0.5  # from here on a cell is taken to be wrong
# Powers of ten; inch and cm or mm; pound and kg; foot and m; mile and km; minutes and hours; per cent is a power.
POWERS, UNITS = (10, 100, 1000, 1e4, 1e6), (2.54, 25.4, 2.20462, 3.28084, 1.609344, 60, 3600)
DEGREES = ((1.8, 32.0), (1 / 1.8, -32 / 1.8))  # Fahrenheit in place of Celsius, and the reverse
SPAN = float(np.log(4))  # the least range of logarithms in which wrong numbers are taken to lie by chance
DESCRIBES = 0.8  # of a finding's rows meet a condition that describes it
NARROWS = 0.5  # of the rows are left at most by a condition that says anything
HELD, TAKEN = 0.2, 0.5  # of the rows of a condition are odd, or of the odd cells meet it
TRIED = 10  # conditions, for each column of them, that a description is chosen from
VALUES = 1_000  # of a column that conditions are made of
CODES = 50  # different whole numbers that are the numbers of something
LOOKED = 20_000  # rows at most, besides those with odd cells, in which a swap by chance is looked for
WIDE = 60  # columns beyond which pairs of them are not tried


@dataclass(frozen=True)
class Condition:
    """A column whose values rows may share: a code per row (rows,), -1 where empty, and what the codes mean."""

    name: str
    codes: Rows
    labels: Sequence[str]
    counts: Rows


def with_findings(
    cells: Sequence[OddCell],
    worth: int,
    columns: Sequence[Cells],
    odd: Surprise,
    table: Table,
    controls: Sequence[Control] = (),
) -> tuple[list[OddCell], tuple[Finding, ...]]:
    """The cells with their findings' numbers, some with the value that was meant; and the findings, largest first.

    Only the first `worth` cells may be part of one; cells that a swap explains are added behind these.
    """
    search = _Search(list(cells), worth, columns, odd, table)
    search.shifts()
    search.swaps()
    search.factors()
    search.rules()
    search.places()
    found = sorted(_joined(search.findings, table), key=lambda each: -len(each.cells))
    found += [_of_total(each) for each in controls if not each.agrees]
    done = list(search.cells)
    numbered = []
    for number, each in enumerate(found, 1):
        numbered.append(replace(each, number=number))
        for index in each.cells:
            done[index] = replace(done[index], finding=number)
    return done, tuple(numbered)


def _joined(findings: Sequence[Finding], table: Table) -> list[Finding]:
    """The findings, those of one factor that stand anywhere as one: a slip of the hand knows no columns."""
    found: list[Finding] = []
    anywhere: dict[float, list[Finding]] = {}
    for each in findings:
        alone = each.kind != "factor" or each.where
        (found if alone else anywhere.setdefault(each.factor, [])).append(each)
    for alike in anywhere.values():
        names = {name for each in alike for name in each.columns}
        cells = tuple(index for each in alike for index in each.cells)
        columns = tuple(name for name in table.names if name in names)
        found.append(replace(alike[0], columns=columns, cells=cells))
    return found


def _of_total(control: Control) -> Finding:
    return Finding(0, "total", (control.column,), (), control=control)


class _Search:
    """Takes cells out of what is left, cause by cause."""

    def __init__(self, cells: list[OddCell], worth: int, columns: Sequence[Cells], odd: Surprise, table: Table) -> None:
        self.cells = cells
        self.left = dict.fromkeys(range(worth))  # indexes into cells, in their order
        self.columns = {each.name: each for each in columns}
        self.table = table
        self.findings: list[Finding] = []
        self.conditions = conditions_of(columns, table)
        self.at = {(each.row, each.column): index for index, each in enumerate(cells)}
        some = np.linspace(0, len(odd.rows) - 1, LOOKED).astype(np.int64) if len(odd.rows) > LOOKED else slice(None)
        held = np.isin(odd.rows, [each.row for each in cells[:worth]])
        held[some] = True
        self.displaced = Displaced(columns, odd, held)
        self.scored = self.displaced.rows

    def swaps(self) -> None:
        """Rows in which two columns of numbers stand in each other's place."""
        able, suspected = self._numeric(), self._suspected()
        if not 2 <= len(able) <= WIDE or not len(suspected):
            return
        tests = len(able) * (len(able) - 1) / 2
        for one, other in combinations(able, 2):
            fits = self.displaced.moved(one, other) & self.displaced.moved(other, one)
            those = [
                row
                for row in self.scored[fits & suspected].tolist()
                if {self.at.get((row, one.name)), self.at.get((row, other.name))} & self.left.keys()
            ]
            those = self.displaced.confirmed(those, {one.name: other, other.name: one})
            usual = max(float(fits.sum()) - len(those), 0.5) / max(len(fits), 1)
            if len(those) < 2 or not rare(float(log_chance(len(those), suspected.sum(), usual)), tests):
                continue
            pairs = ((one, other), (other, one))
            members = [self._cell(row, here.name, float(there.values[row])) for row in those for here, there in pairs]
            self._add("swapped", members)

    def shifts(self) -> None:
        """Rows whose numbers stand one column too far to the right or left, from some column on."""
        order = [self.columns[name] for name in self.table.names if name in self.columns]
        for step in (1, -1):
            suspected = self._suspected()
            if len(order) < FEW or not suspected.any():
                return
            fits, moved = self.displaced.shifted(order, step)
            found: dict[tuple[int, int], list[int]] = {}
            for at in np.flatnonzero(suspected).tolist():
                found.setdefault(stretch(fits[:, at], moved[:, at]), []).append(int(self.scored[at]))
            for (first, last), rows in found.items():
                lost = order[last if step > 0 else first - 1].name if last - first > 1 else ""
                those = self.displaced.confirmed(
                    rows, {order[at].name: order[at + step] for at in range(first, last)}, lost
                )
                # Two columns may be a swap seen from one side; three in one row are none.
                if not lost or len(those) < (1 if last - first >= FEW else FEW):
                    continue
                usual = fits[first:last].all(0) & moved[first] & moved[last - 1] & ~suspected
                chance = float(log_chance(len(those), suspected.sum(), max(usual.sum(), 0.5) / len(suspected)))
                if not rare(chance, len(order)):
                    continue
                members = [
                    self._cell(row, order[at].name, float(order[at + step].values[row]))
                    for row in those
                    for at in range(first, last)
                ]
                self._add("shifted", members, factor=float(step))

    def _suspected(self) -> Flags:
        """Which scored rows hold a cell that is still without a cause."""
        return np.isin(self.scored, [self.cells[index].row for index in self.left])

    def factors(self) -> None:
        """Numbers of one column that are all too large or too small by the same factor, or have the wrong sign."""
        for name, column in self.columns.items():
            group = [index for index in self.left if self.cells[index].column == name]
            if column.categories or len(group) < FEW or not self._plain(name):
                continue
            values = np.array([column.values[self.cells[index].row] for index in group])
            low, high = (np.array([getattr(self.cells[index], side) for index in group]) for side in ("low", "high"))
            self._signs(group, values, low, high)
            self._degrees(column, [index for index in group if index in self.left])
            group = [index for index in group if index in self.left]
            while len(group) >= FEW:
                members, factor = self._factor(column, group)
                if not members:
                    break
                meant = undone(column.values[self._rows(members)], factor, self._others(column))
                for index, value in zip(members, meant.tolist(), strict=True):
                    self.cells[index] = replace(self.cells[index], suggested=_clean(value))
                self._add("factor", members, factor=factor)
                group = [index for index in group if index in self.left]

    def _rows(self, group: Sequence[int]) -> Rows:
        return np.array([self.cells[index].row for index in group], np.int64)

    def _others(self, column: Cells) -> Floats:
        """The numbers of a column that nothing is known against."""
        odd = [cell.row for cell in self.cells if cell.column == column.name and cell.score >= LIKELY]
        return np.delete(column.values, np.array(odd, np.int64))

    def _factor(self, column: Cells, group: Sequence[int]) -> tuple[list[int], float]:
        """The cells that one factor explains best; none where it may be chance, or leaves no numbers of the column."""
        values, others = column.values[self._rows(group)], self._others(column)
        low, high = (np.array([getattr(self.cells[index], side) for index in group]) for side in ("low", "high"))
        with np.errstate(invalid="ignore", divide="ignore"):
            able = (values > 0) & (high > 0) & np.isfinite(low)
            low = np.maximum(low, high / 1e3)
            middle = np.where(able, np.sqrt(low * high), np.nan)
            size = np.where(able, np.log(values / middle), np.nan)
            reach = np.where(able, (0.5 + WIDER) * np.log(high / low), np.nan)
        span = max(SPAN, 2 * float(np.abs(size[able]).max())) if able.any() else SPAN
        best: tuple[float, list[int], float] = (0.0, [], NAN)
        for factor in [each for one in (*POWERS, *UNITS) for each in (float(one), 1 / one)]:
            near = np.abs(size - np.log(factor)) <= np.minimum(reach, abs(np.log(factor)) / 2)
            fits = np.isfinite(undone(values, factor, others))
            if (near & fits).sum() < DESCRIBES * near.sum():
                continue
            near &= fits
            same = (np.sign(size) == np.sign(np.log(factor))).sum()
            unit = max(factor, 1 / factor) not in POWERS
            # A slip is one among others; where a unit is wrong, most numbers on this side are off by the same.
            if near.sum() < max(FEW, DESCRIBES * same if unit else 0):
                continue
            chance = float(log_chance(near.sum(), able.sum(), np.mean(np.minimum(1, 2 * reach[able] / span))))
            # Of factors that are near one another the one in the middle of the cells.
            off = abs(float(np.median(size[near])) - float(np.log(factor))) / max(float(np.median(reach[near])), 1e-9)
            tests = 2 * len(POWERS + UNITS if unit else POWERS)
            if rare(chance, tests) and chance + 5 * off < best[0]:
                best = (chance + 5 * off, [group[at] for at in np.flatnonzero(near).tolist()], float(factor))
        return best[1], best[2]

    def _degrees(self, column: Cells, group: Sequence[int]) -> None:
        """Numbers that are Fahrenheit in a column of Celsius, or the reverse: most of the group, exactly."""
        if len(group) < FEW:
            return
        values, others = column.values[self._rows(group)], self._others(column)
        low, high = (np.array([getattr(self.cells[index], side) for index in group]) for side in ("low", "high"))
        wide = (0.5 + WIDER) * (high - low)
        for factor, offset in DEGREES:
            meant = undone(values, factor, others, offset)
            with np.errstate(invalid="ignore"):
                fits = np.abs(meant - (low + high) / 2) <= wide
                usual = np.nanmean(np.minimum(1, wide / np.maximum(np.abs(values - (low + high) / 2), 1e-300)))
            chance = float(log_chance(fits.sum(), len(group), usual)) if np.isfinite(usual) else 0.0
            if fits.sum() < max(FEW, DESCRIBES * len(group)) or not rare(chance, len(DEGREES)):
                continue
            members = [group[at] for at in np.flatnonzero(fits).tolist()]
            for index, value in zip(members, meant[fits].tolist(), strict=True):
                self.cells[index] = replace(self.cells[index], suggested=_clean(value))
            self._add("factor", members, factor=factor, offset=offset)
            return

    def _signs(self, group: Sequence[int], values: Floats, low: Floats, high: Floats) -> None:
        with np.errstate(invalid="ignore"):
            turned = (low <= -values) & (-values <= high) & ((values < low) | (values > high)) & (low * high > 0)
        if turned.sum() >= FEW:
            members = [group[at] for at in np.flatnonzero(turned).tolist()]
            for index in members:
                cell = self.cells[index]
                value = float(self.columns[cell.column].values[cell.row])
                self.cells[index] = replace(cell, suggested=-value)
            self._add("factor", members, factor=-1.0)

    def rules(self) -> None:
        """Measurements that stood still, one finding for each value; and limits broken by several cells."""
        groups: dict[tuple[object, str], list[int]] = {}
        for index in self.left:
            cell = self.cells[index]
            if cell.rule:
                groups.setdefault((cell.limit if cell.rule == "run" else cell.column, cell.rule), []).append(index)
        for (_, rule), members in groups.items():
            if len(members) >= FEW:
                limit = self.cells[members[0]].limit
                self._add("run" if rule == "run" else "limit", members, rule=rule, limit=limit)

    def places(self) -> None:
        """What is left: cells of one column, and then of any, that come from one gauge, operator, day or file."""
        for name in [*self.columns, ""]:
            while True:
                group = [index for index in self.left if name in ("", self.cells[index].column)]
                if len(group) < FEW:
                    break
                where, members = self._condition(group, name)
                if not members:
                    break
                self._add("where", members, where=where)

    def _condition(self, group: Sequence[int], column: str) -> tuple[tuple[tuple[str, str], ...], list[int]]:
        """The condition that the rows of these cells share far beyond chance, and the cells that meet it."""
        rows = np.array([self.cells[index].row for index in group], np.int64)
        several = len(np.unique(rows))
        best, found = 0.0, None
        tests = sum(len(each.labels) for each in self.conditions) * max(len(self.columns), 1)
        for each in self.conditions:
            if each.name == column or not len(each.labels):
                continue
            codes = each.codes[np.unique(rows)]
            hits = np.bincount(codes[codes >= 0], minlength=len(each.labels))
            chance = log_chance(hits, several, each.counts / max(len(self.table), 1))
            able = (hits >= FEW) & ((hits >= HELD * each.counts) | (hits >= TAKEN * several))
            chance = np.where(able, chance, 0)
            if len(chance) and chance.min() < best:
                best, found = float(chance.min()), (each, int(chance.argmin()))
        if found is None or not rare(best, tests):
            return (), []
        condition, code = found
        members = [index for index, row in zip(group, rows.tolist(), strict=True) if condition.codes[row] == code]
        return ((condition.name, condition.labels[code]),), members

    def _add(self, kind: str, members: Sequence[int], **more: object) -> None:
        """A finding of these cells, described by what their rows have in common besides."""
        rows = np.unique(np.array([self.cells[index].row for index in members], np.int64))
        where = dict(more.pop("where", ()))  # type: ignore[call-overload]
        inside = self._inside(where)
        names = {self.cells[index].column for index in members}
        for _ in range(2 - len(where)):
            further = self._describing(rows, inside, {*where, *names})
            if further is None:
                break
            name, shown, those = further
            where[name] = shown
            inside = inside & those
        columns = tuple(name for name in self.table.names if name in names)
        count, alike = (int(inside.sum()), int(inside[rows].sum())) if where else (0, 0)
        told = Finding(0, kind, columns, tuple(members), where=tuple(where.items()), inside=count, alike=alike)
        self.findings.append(replace(told, **more))  # type: ignore[arg-type]
        for index in members:
            self.left.pop(index, None)

    def _inside(self, where: dict[str, str]) -> Flags:
        inside = np.ones(len(self.table), bool)
        for each in self.conditions:
            if each.name in where:
                inside &= each.codes == list(each.labels).index(where[each.name])
        return inside

    def _describing(self, rows: Rows, inside: Flags, but: set[str]) -> tuple[str, str, Flags] | None:
        """What most of these rows have in common, and few others of those inside: column, value, and which rows."""
        total = max(int(inside.sum()), 1)
        best, found = 0.0, None
        for each in self.conditions:
            if each.name in but:
                continue
            codes = each.codes[rows]
            hits = np.bincount(codes[codes >= 0], minlength=len(each.labels))
            code = int(hits.argmax())
            if hits[code] < max(FEW, DESCRIBES * len(rows)):
                continue
            those = each.codes == code
            if (inside & those).sum() > NARROWS * total:
                continue
            chance = float(log_chance(hits[code], len(rows), (inside & those).sum() / total))
            if chance < best and rare(chance, TRIED * len(self.conditions)):
                best, found = chance, (each.name, each.labels[code], those)
        for name, column in self.columns.items():
            dates = column.values[rows]
            if name in but or self._plain(name) or column.categories or not np.isfinite(dates).all():
                continue
            first, last = np.floor(dates.min()), np.floor(dates.max())
            with np.errstate(invalid="ignore"):
                those = (column.values >= first) & (column.values < last + 1)
            if (inside & those).sum() > NARROWS * total:
                continue
            # The first and the last of them mark the period.
            chance = float(log_chance(len(rows) - 2, len(rows) - 2, (inside & those).sum() / total))
            if len(rows) > FEW and chance < best and rare(chance, TRIED * len(self.conditions)):
                best, found = chance, (name, f"{_day(first)} – {_day(last)}", those)
        return found

    def _cell(self, row: int, column: str, suggested: float) -> int:
        """The index of a cell, which is added where it was not odd itself, with the value that belongs there."""
        value = _clean(suggested)
        index = self.at.get((row, column), -1)
        if index >= 0:
            self.cells[index] = replace(self.cells[index], suggested=value)
            return index
        score = max((self.cells[index].score for index in self.left if self.cells[index].row == row), default=0.5)
        self.cells.append(OddCell(row, column, score, suggested=value))
        self.at[(row, column)] = len(self.cells) - 1
        return len(self.cells) - 1

    def _numeric(self) -> list[Cells]:
        return [each for name, each in self.columns.items() if not each.categories and self._plain(name)]

    def _plain(self, name: str) -> bool:
        """Whether a column holds numbers as numbers, not dates."""
        kind = self.table.data.schema.field(name).type
        return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def conditions_of(columns: Sequence[Cells], table: Table) -> list[Condition]:
    """What rows may have in common: categories, numbers of things, days, files and sheets."""
    found = [
        _condition("file", pa.array([each.file for each in table.origins]).take(pa.array(table.origin))),
        _condition("sheet", pa.array([each.sheet for each in table.origins]).take(pa.array(table.origin))),
    ]
    known = {each.name: each for each in columns}
    for name in table.names:
        values = table.data.column(name)
        kind = values.type
        if name in known and known[name].categories:
            found.append(_condition(name, words(values)))
        elif pa.types.is_timestamp(kind) or pa.types.is_date(kind):
            found.append(_condition(name, pc.utf8_slice_codeunits(words(values), 0, 10)))
        elif pa.types.is_integer(kind) and len(pc.unique(values)) <= CODES:
            found.append(_condition(name, words(values)))
    return [each for each in found if 1 < len(each.labels) <= min(VALUES, max(len(table) / 2, 2))]


def _condition(name: str, shown: pa.Array) -> Condition:
    coded = shown.dictionary_encode()
    codes = np.array(coded.indices.fill_null(-1).to_numpy(zero_copy_only=False), np.int64)
    labels = coded.dictionary.to_pylist()
    return Condition(name, codes, labels, np.bincount(codes[codes >= 0], minlength=len(labels)).astype(np.int64))


def _day(days: float) -> str:
    return str(datetime.date(1970, 1, 1) + datetime.timedelta(days=float(days)))


def _clean(value: float) -> float:
    return float(f"{value:.12g}")
