"""Stack the sheets of many books into one table in which every row keeps its place.

Books are read side by side; then headers are matched, every column gets one type over all its sources, and everything
that was not taken as it stood goes into the report.
"""

import fnmatch
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from xltrain.config.settings import Column
from xltrain.data.coerce import Chunk, Oddity, Settled, settle
from xltrain.data.header import Columns, duplicates
from xltrain.data.store import data_sheets, map_sheet, read_map, restore_places
from xltrain.data.table import Change, ColumnReport, MergeReport, Origin, SourceReport, Table
from xltrain.data.values import empty, words
from xltrain.errors import DataError, WorkbookError, XltrainError
from xltrain.events import Listener, Read, ignore
from xltrain.excel.read import TEXTS, Block, OpenBook, no_sheet, open_book
from xltrain.excel.structure import LOOKED_AT, find_table
from xltrain.language import text
from xltrain.place import Place, Problem, column_letter

TOTALS = frozenset(("合计", "总计", "小计", "累计", "共计", "总和", "汇总")) | frozenset(
    ("total", "totals", "subtotal", "sub-total", "sum", "grandtotal", "overall")
)
SHARED = 0.5  # of the wider sheet's headers must be common for two sheets to be stacked without being named
DETAILS = 10_000  # changes of one kind in one column and sheet that are listed one by one
READERS = 4


@dataclass(frozen=True)
class Input:
    """A book to read: its path, its name in places, a pattern of sheet names and the header row where given."""

    path: Path
    file: str
    sheet: str = ""
    header: int = 0


@dataclass(eq=False)
class Part:
    """A sheet as read: its headers, its columns, and which rows are kept (positions in the block)."""

    place: Place
    header_row: int
    headers: dict[int, str]
    block: Block
    kept: npt.NDArray[np.int64]
    named: bool
    free: bool
    changes: list[Change] = field(default_factory=list)
    doubts: list[Problem] = field(default_factory=list)
    columns: dict[int, str] = field(default_factory=dict)
    letters: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)  # of a merged book

    @property
    def rows(self) -> npt.NDArray[np.int32]:
        """The sheet rows of the kept rows."""
        return (self.kept + self.block.first_row).astype(np.int32)


def merge(
    inputs: Sequence[Input], columns: Sequence[Column] = (), listen: Listener = ignore
) -> tuple[Table, MergeReport]:
    """Read and stack books.

    Args:
        columns: names, types, aliases and words for missing values that a job gives.

    Raises:
        WorkbookError: books that cannot be read, all of them.
        DataError: duplicate headers, no table anywhere.
    """
    parts, left_out = _read_all(inputs, listen)
    parts, more, unrelated = _related(parts, columns)
    left_out += more
    if not parts:
        reasons = [Problem(Place(each.file, each.sheet), each.reason, text("no_table_hint")) for each in left_out]
        raise DataError(reasons or [Problem(None, text("no_table"), text("no_table_hint"))])
    known = Columns(columns)
    for part in parts:
        headers = Place(part.place.file, part.place.sheet, part.header_row)
        part.columns, doubts = known.match(part.headers, headers)
        part.doubts += doubts
    problems = [problem for part in parts for problem in _twice(part)]
    if problems:
        raise DataError(problems)
    return _stack(parts, known.names, columns, left_out, unrelated)


def _read_all(inputs: Sequence[Input], listen: Listener) -> tuple[list[Part], list[SourceReport]]:
    """The tables of every book, in order; all unreadable books are reported together."""
    parts: list[Part] = []
    left_out: list[SourceReport] = []
    problems: list[Problem] = []
    kinds: set[type[XltrainError]] = set()
    with ThreadPoolExecutor(max(1, min(READERS, os.cpu_count() or 1, len(inputs)))) as pool:
        for done, (each, work) in enumerate([(each, pool.submit(_read_book, each)) for each in inputs], 1):
            try:
                found, empty_sheets = work.result()
            except XltrainError as error:
                problems += [_renamed(problem, each) for problem in error.problems]
                kinds.add(type(error))
                continue
            parts += found
            left_out += empty_sheets
            listen(Read(each.file, done, len(inputs)))
    if problems:
        raise (WorkbookError if WorkbookError in kinds else DataError)(problems)
    return parts, left_out


def _renamed(problem: Problem, each: Input) -> Problem:
    """The problem with the file's name as in all places."""
    if problem.place and problem.place.file == str(each.path):
        return replace(problem, place=replace(problem.place, file=each.file))
    return problem


def _read_book(each: Input) -> tuple[list[Part], list[SourceReport]]:
    """The tables of one book, and its sheets without one."""
    parts: list[Part] = []
    left_out: list[SourceReport] = []
    with open_book(each.path) as book:
        merged = map_sheet(book.sheets)
        letters = read_map(book.preview(merged, 1 << 30).rows) if merged else {}
        for sheet in _sheets(each, book):
            place = Place(each.file, sheet)
            preview = book.preview(sheet, max(LOOKED_AT, each.header))
            found = find_table(preview, each.header)
            if found.reason:
                left_out.append(
                    SourceReport(each.file, sheet, found.header_row, 0, 0, 0, 0, 0, reason=text(found.reason))
                )
                continue
            problems = duplicates(found.headers, Place(each.file, sheet, found.header_row))
            if problems:
                raise DataError(problems)
            block = book.block(sheet, found.first_row)
            parts.append(_part(place, found.header_row, found.headers, block, each))
            parts[-1].letters = letters
    return parts, left_out


def _sheets(each: Input, book: OpenBook) -> list[str]:
    """The sheets to read: those of the pattern, else all; of a merged book the data alone."""
    if each.sheet:
        pattern = each.sheet.casefold()
        found = [
            name for name in book.sheets if fnmatch.fnmatchcase(name.casefold(), pattern) or name.casefold() == pattern
        ]
        if not found:
            raise WorkbookError(no_sheet(each.path, each.sheet, book.sheets))
        return found
    return data_sheets(book.sheets)


def _part(place: Place, header_row: int, headers: dict[int, str], block: Block, each: Input) -> Part:
    """A sheet's rows without blanks and totals; columns without a header are called by their letter."""
    doubts, changes = [], []
    headers = dict(headers)
    for strip in block.strips:
        if strip.column not in headers:
            letter = column_letter(strip.column)
            headers[strip.column] = text("column_by_letter", letter=letter)
            where = Place(place.file, place.sheet, header_row, strip.column)
            if header_row:
                doubts.append(Problem(where, text("doubt_no_header"), text("doubt_no_header_hint", letter=letter)))
    if not header_row:
        doubts.append(Problem(place, text("doubt_headless"), text("doubt_headless_hint")))
    filled = np.zeros(block.rows, np.int64)
    for strip in block.strips:
        filled += ~empty(strip.values)
    for row, column, word in block.errors:
        if column in headers and 0 <= row - block.first_row < block.rows:
            filled[row - block.first_row] += 1
            where = Place(place.file, place.sheet, row, column)
            changes.append(Change(where, "error", word, "", text("change_error_cell")))
    for index, word, why in _not_data(block, headers, filled):
        filled[index] = 0
        changes.append(Change(Place(place.file, place.sheet, block.first_row + index), "dropped", word, "", text(why)))
    free = each.path.suffix.lower() in TEXTS
    kept = np.flatnonzero(filled > 0)
    return Part(place, header_row, headers, block, kept, bool(each.sheet or each.header), free, changes, doubts)


def _not_data(block: Block, headers: dict[int, str], filled: npt.NDArray[np.int64]) -> Iterator[tuple[int, str, str]]:
    """Rows that are a total or repeat the header: (position, what stands there, key of the reason)."""
    texts = [
        (strip.column, strip.values)
        for strip in block.strips
        if pa.types.is_string(strip.values.type) or pa.types.is_large_string(strip.values.type)
    ]
    seen: set[int] = set()
    for column, values in texts:
        plain = pc.replace_substring_regex(pc.utf8_lower(values), r"[\s:：]+", "")
        hits = pc.is_in(plain, value_set=pa.array(sorted(TOTALS), plain.type))
        for index in np.flatnonzero(np.asarray(hits.to_numpy(zero_copy_only=False), bool)):
            first = _first_filled(block, int(index))
            if int(index) not in seen and first == column and filled[index] < len(headers):
                seen.add(int(index))
                yield int(index), str(values[int(index)].as_py()), "dropped_total"
    named = [(values, headers.get(column, "")) for column, values in texts]
    if len(named) > 1 and len(named) > 0.5 * len(headers):
        same = np.ones(block.rows, bool)
        for values, header in named[:3]:
            same &= np.asarray(pc.fill_null(pc.equal(values, header), False).to_numpy(zero_copy_only=False), bool)
        for index in np.flatnonzero(same):
            if int(index) not in seen:
                yield int(index), named[0][1], "dropped_header"


def _first_filled(block: Block, index: int) -> int:
    """The leftmost column with a value in a row."""
    return min((strip.column for strip in block.strips if strip.values[index].is_valid), default=0)


def _related(parts: list[Part], columns: Sequence[Column]) -> tuple[list[Part], list[SourceReport], list[Problem]]:
    """The sheets that belong together: those named, else the group of sheets sharing columns that has the most rows.

    Also a report of every sheet left out, and a doubt where it could have been meant.
    """
    groups: list[tuple[Columns, list[Part]]] = []
    for part in parts:
        for known, members in groups:
            wider = max(len(part.headers), len(members[0].headers))
            if known.known(part.headers.values()) >= SHARED * wider:
                break
        else:
            known, members = Columns(columns), []
            groups.append((known, members))
        known.match(part.headers, part.place)
        members.append(part)
    main = max(groups, key=lambda group: sum(len(part.kept) for part in group[1]), default=(Columns(), []))[1]
    together = {id(part) for part in main}
    kept = [part for part in parts if part.named or id(part) in together]
    left_out, doubts = [], []
    for part in parts:
        if not part.named and id(part) not in together:
            first, rows = part.block.first_row, part.block.rows
            why = text("sheet_unrelated")
            left_out.append(
                SourceReport(
                    part.place.file, part.place.sheet, part.header_row, first, first + rows - 1, rows, 0, 0, reason=why
                )
            )
            if len(part.headers) > 1:  # a citation or a title has one
                doubts.append(Problem(part.place, why, text("sheet_unrelated_hint", sheet=part.place.sheet)))
    return kept, left_out, doubts


def _twice(part: Part) -> list[Problem]:
    """Two headers of one sheet that became the same column."""
    first: dict[str, int] = {}
    problems = []
    for column, name in part.columns.items():
        earlier = first.setdefault(name, column)
        if earlier != column:
            place = Place(part.place.file, part.place.sheet, part.header_row, column)
            other = Place("", "", part.header_row, earlier).address
            problems.append(
                Problem(place, text("header_stands_twice", name=name, other=other), text("header_twice_hint"))
            )
    return problems


def _stack(
    parts: list[Part],
    names: list[str],
    given: Sequence[Column],
    left_out: list[SourceReport],
    unrelated: list[Problem],
) -> tuple[Table, MergeReport]:
    """One column after the other over all parts."""
    settings = {column.name: column for column in given}
    changes = [change for part in parts for change in part.changes]
    doubts = [*unrelated, *(doubt for part in parts for doubt in part.doubts)]
    arrays, reports, strays = [], [], {}
    for name in names:
        column = settings.get(name, Column(name))
        chunks = [_chunk(part, name) for part in parts]
        settled = settle(chunks, column.type, column.missing)
        for oddity in settled.oddities:
            changes += _changes(parts[oddity.chunk], name, chunks[oddity.chunk], settled.arrays[oddity.chunk], oddity)
        if settled.strays:
            problem = _stray(parts, name, chunks, settled)
            strays[name] = problem
            doubts.append(problem)
        arrays.append(_joined(settled.arrays))
        reports.append(_column_report(name, parts, arrays[-1], settled))
    origins = tuple(
        Origin(
            part.place.file, part.place.sheet, {name: column_letter(column) for column, name in part.columns.items()}
        )
        for part in parts
    )
    counts = [len(part.kept) for part in parts]
    origin = np.repeat(np.arange(len(parts), dtype=np.int32), counts)
    row = np.concatenate([part.rows for part in parts]) if parts else np.zeros(0, np.int32)
    data = pa.table(dict(zip(names, arrays, strict=True)))
    sources = [_source_report(part, names) for part in parts] + left_out
    letters = {pair: each for part in parts for pair, each in part.letters.items()}
    table = restore_places(Table(data, origins, origin, row), letters)
    order = {(part.place.file, part.place.sheet): index for index, part in enumerate(parts)}
    sources.sort(key=lambda each: order.get((each.file, each.sheet), len(order)))
    changes.sort(
        key=lambda change: (
            order.get((change.place.file, change.place.sheet), 0),
            change.place.row,
            change.place.column,
        )
    )
    report = MergeReport(tuple(sources), tuple(reports), tuple(changes), tuple(doubts), strays)
    return table, report


def _chunk(part: Part, name: str) -> Chunk:
    """The kept values of a column in one part; nulls where it lacks the column."""
    number = next((column for column, each in part.columns.items() if each == name), 0)
    strip = next((strip for strip in part.block.strips if strip.column == number), None)
    if strip is None:
        return Chunk(pa.nulls(len(part.kept), pa.float64()), None, part.free)
    values, kinds = strip.values, strip.kinds
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        values = words(values)
    kept = pa.array(part.kept)
    of = None if kinds is None else np.asarray(kinds.take(kept), np.int8)
    return Chunk(values.take(kept), of, part.free)


def _joined(arrays: list[Any]) -> Any:
    kinds = {array.type for array in arrays}
    if len(kinds) > 1:
        kind = next(iter(kinds - {pa.null()}))
        arrays = [pc.cast(array, kind) for array in arrays]
    return pa.chunked_array(arrays).combine_chunks() if arrays else pa.nulls(0)


def _changes(part: Part, name: str, chunk: Chunk, became: Any, oddity: Oddity) -> list[Change]:
    """One change per cell, up to a number; then one that counts the rest."""
    column = next((number for number, each in part.columns.items() if each == name), 0)
    shown = oddity.rows[:DETAILS]
    positions = pa.array(shown)
    before = words(chunk.values.take(positions)).to_pylist()
    after = words(became.take(positions)).to_pylist()
    reason = text(oddity.reason)
    place, rows = part.place, part.rows
    found = [
        Change(Place(place.file, place.sheet, int(rows[index]), column), oddity.action, was or "", now or "", reason)
        for index, was, now in zip(shown.tolist(), before, after, strict=True)
    ]
    rest = len(oddity.rows) - len(shown)
    if rest:
        where = Place(place.file, place.sheet, int(rows[oddity.rows[DETAILS]]), column)
        found.append(Change(where, oddity.action, text("more_of_these", count=rest), "", reason))
    return found


def _stray(parts: list[Part], name: str, chunks: list[Chunk], settled: Settled) -> Problem:
    """The first text in a column of numbers, and how many more there are."""
    index, row = settled.strays[0]
    part = parts[index]
    column = next((number for number, each in part.columns.items() if each == name), 0)
    place = Place(part.place.file, part.place.sheet, int(part.rows[row]), column)
    found = words(chunks[index].values)[row].as_py()
    kind = (
        "expected_date"
        if settled.type == "date"
        else "expected_boolean"
        if settled.type == "boolean"
        else "expected_number"
    )
    more = len(settled.strays) - 1
    message = text(kind, name=name, found=found)
    hint = text("expected_hint", found=found)
    return Problem(place, message, text("more_like_it", count=more, hint=hint) if more else hint)


def _column_report(name: str, parts: list[Part], array: Any, settled: Settled) -> ColumnReport:
    lacking = int(empty(array).sum())
    errors = sum(
        change.action == "error" and part.columns.get(change.place.column) == name
        for part in parts
        for change in part.changes
    )
    coerced = sum(len(oddity.rows) for oddity in settled.oddities if oddity.action == "coerced")
    errors += len(settled.strays)
    sources = sum(name in part.columns.values() for part in parts)
    return ColumnReport(name, settled.type, sources, len(array) - lacking, lacking, coerced, errors)


def _source_report(part: Part, names: Sequence[str]) -> SourceReport:
    have = {name: part.headers[column] for column, name in part.columns.items()}
    dropped = sum(change.action == "dropped" for change in part.changes)
    first = int(part.rows[0]) if len(part.rows) else part.block.first_row
    last = int(part.rows[-1]) if len(part.rows) else first
    rows = len(part.kept) + dropped
    return SourceReport(
        part.place.file,
        part.place.sheet,
        part.header_row,
        first,
        last,
        rows,
        len(part.kept),
        dropped,
        have,
        tuple(name for name in names if name not in have),
    )
