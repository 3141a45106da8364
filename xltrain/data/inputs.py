"""What is merged and how; and the parts that workers make of it: those sheets that belong together."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from xltrain import worker
from xltrain.config.settings import Column
from xltrain.data.header import Columns
from xltrain.data.part import Part, part_of
from xltrain.data.table import (
    SourceReport,
    Table,
)
from xltrain.data.unpivot import Unpivot
from xltrain.errors import DataError, WorkbookError, XltrainError
from xltrain.events import Listener, Read
from xltrain.language import text
from xltrain.place import Place, Problem

SHARED = 0.5  # of the wider sheet's headers must be common for two sheets to be stacked without being named


@dataclass(frozen=True)
class Input:
    """A book to read: its path and its name in places; what of it, and how.

    `thing` names one sheet, range, Excel table or defined name; `sheet` is a pattern of sheet names; `header` are the
    rows of the header, (0,) for none; `cells` is the table's range. `table` holds rows that are at hand already, whose
    keys (of a database) are `keys`.
    """

    path: Path
    file: str
    thing: str = ""
    sheet: str = ""
    header: tuple[int, ...] | None = None
    cells: str = ""
    skip_rows: int = 0
    table: Table | None = None
    keys: Sequence[str] = ()
    passed: bool = False  # met in a folder or by a pattern, not named itself
    place: Place | None = None  # where a job names it


@dataclass(frozen=True)
class Rules:
    """How to merge.

    Attributes:
        columns: names, types, aliases and missing words that a job gives.
        missing: words and numbers that mean missing in every column.
        dates: `dmy` or `mdy`: how 3/4/2024 is to be read where nothing tells.
        decimal: `.` or `,`: what parts decimals in numbers written as text.
        drop_hidden: leave out hidden rows and sheets.
        keep: what stays though it is no data: `totals`, `headers`, `notes`.
        which: `union` of all columns, those `common` to all sources, or `strict`: an error where sources differ.
        source_column: a new column with the name of each row's sheet, or file where the sheets are called alike.
        unpivot: columns to turn into rows.
        drop_duplicates: leave out rows that stood before; by `key`, where given, else by all columns.
        password, recalculate: for opening books.
        expected: the columns are those of a job or model, which every sheet should have.
    """

    columns: Sequence[Column] = ()
    missing: tuple[str, ...] = ()
    dates: str = ""
    decimal: str = ""
    drop_hidden: bool = False
    keep: frozenset[str] = frozenset()
    which: str = "union"
    source_column: str = ""
    unpivot: Unpivot | None = None
    drop_duplicates: bool = False
    key: tuple[str, ...] = ()
    password: str = ""
    recalculate: bool = False
    expected: bool = False


def read_parts(
    inputs: Sequence[Input], rules: Rules, folder: Path, listen: Listener
) -> tuple[list[Part], list[SourceReport], list[Problem]]:
    """The tables of every book, in order; sheets without one; a doubt for each book that gives no row.

    All unreadable books are reported together.
    """
    parts: list[Part] = []
    left_out: list[SourceReport] = []
    problems: list[Problem] = []
    doubts: list[Problem] = []
    kinds: set[type[XltrainError]] = set()
    for number in range(len(inputs)):
        (folder / str(number)).mkdir()
    books = [(number, each) for number, each in enumerate(inputs) if each.table is None]
    work = worker.call_all(
        "xltrain.data.sheets:read_book",
        [(each.path, _arguments(each, rules, folder / str(number))) for number, each in books],
    )
    for done, each in enumerate(inputs, 1):
        if each.table is not None:
            parts.append(part_of(each.table, each.file, folder / str(done - 1) / "0.arrow", each.keys))
        else:
            try:
                found = next(work).result()
            except XltrainError as error:
                problems += [_renamed(problem, each) for problem in error.problems]
                kinds.add(type(error))
                continue
            if any(told.get("job") for told in found):
                place = Place(each.file)
                doubts.append(Problem(place, text("doubt_job_skipped"), text("doubt_job_skipped_hint")))
                found = []
            if all(told["reason"] for told in found) and found:
                why = text("semicolon").join(dict.fromkeys(told["reason"] for told in found))
                doubts.append(Problem(Place(each.file), text("doubt_no_rows", reason=why), text("no_table_hint")))
            for told in found:
                if told["reason"]:
                    left_out.append(SourceReport(each.file, told["sheet"], reason=told["reason"]))
                else:
                    parts.append(Part(each.file, told))
        listen(Read(each.file, done, len(inputs)))
    if problems:
        raise (WorkbookError if WorkbookError in kinds else DataError)(problems)
    return parts, left_out, doubts


def _arguments(each: Input, rules: Rules, folder: Path) -> dict[str, Any]:
    return {
        "path": str(each.path),
        "folder": str(folder),
        "thing": each.thing,
        "sheet": each.sheet,
        "header": each.header,
        "cells": each.cells,
        "skip_rows": each.skip_rows,
        "passed": each.passed,
        "keep": sorted(rules.keep),
        "drop_hidden": rules.drop_hidden,
        "password": rules.password,
        "recalculate": rules.recalculate,
    }


def _renamed(problem: Problem, each: Input) -> Problem:
    """The problem with the file's name as in all places."""
    if problem.place and problem.place.file == str(each.path):
        return replace(problem, place=replace(problem.place, file=each.file))
    return problem


def related(
    parts: list[Part], columns: Sequence[Column], expected: bool = False
) -> tuple[list[Part], list[SourceReport], list[Problem]]:
    """The sheets that belong together: those named, else the group of sheets sharing columns that has the most rows.

    Where columns are `expected`, as by a job or model, the group that has the most of them.

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
    main = max(
        groups,
        key=lambda group: (_met(group[1], columns) if expected else 0, sum(len(part) for part in group[1])),
        default=(Columns(), []),
    )[1]
    together = {id(part) for part in main}
    kept = [part for part in parts if part.named or id(part) in together]
    left_out, doubts = [], []
    for part in parts:
        if not part.named and id(part) not in together:
            why = text("sheet_unrelated")
            left_out.append(part.report(reason=why))
            if len(part.headers) > 1:  # a citation or a title has one
                doubts.append(Problem(part.place, why, text("sheet_unrelated_hint", sheet=part.sheet)))
    return kept, left_out, doubts


def _met(parts: Sequence[Part], columns: Sequence[Column]) -> int:
    """How many of these columns the sheets of a group have between them."""
    known = Columns(columns, expected=True)
    found = {name for part in parts for name in known.match(part.headers, part.place)[0].values()}
    return len(found & {column.name for column in columns})
