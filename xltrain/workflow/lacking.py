"""The columns that a model needs, as the new books call them; or what is lacking, and what was found instead."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import replace

from xltrain.config.settings import Column
from xltrain.data.header import Columns, bare_key
from xltrain.data.table import MergeReport, SourceReport, Table
from xltrain.engine.checkpoint import Model
from xltrain.errors import DataError
from xltrain.language import listed, text
from xltrain.place import Place, Problem, column_number

NEAR = 0.65  # of 1: how like a header must be to be offered
SHOWN = 12  # headers that are named


def needed_columns(models: Sequence[Model]) -> tuple[Column, ...]:
    """The features of all models, each once."""
    return tuple({column.name: column for model in models for column in model.columns}.values())


def matched(
    table: Table, report: MergeReport, columns: Sequence[Column], models: Sequence[Model]
) -> tuple[Table, MergeReport]:
    """The table with every column that the models need, under the models' names.

    Rows that were merged are matched already; a frame's or a Parquet file's columns are matched here. A sheet may lack
    a column that was empty in some rows of the training too: that is a doubt.

    Raises:
        DataError: columns are lacking: all of them, with what stands there instead.
    """
    sources = [each for each in report.sources if each.kept]
    if not sources:
        table = _renamed(table, columns)
        lacking = [column.name for column in columns if column.name not in table.names]
        problems = [
            _problem(name, Place(table.origins[0].file if table.origins else ""), None, table, columns)
            for name in lacking
        ]
        if problems:
            raise DataError(problems)
        return table, report
    problems, doubts = [], []
    for column in columns:
        without = [each for each in sources if column.name not in each.columns]
        if not without:
            continue
        place = _header(without[0])
        problem = _problem(column.name, place, without[0], table, columns)
        if len(without) > 1:
            problem = replace(problem, message=text("lacking_more", message=problem.message, count=len(without) - 1))
        if len(without) < len(sources) and _may_lack(column.name, models):
            doubts.append(problem)
        else:
            problems.append(problem)
    if problems:
        raise DataError([*problems, *doubts])
    return table, replace(report, doubts=(*report.doubts, *doubts))


def _may_lack(name: str, models: Sequence[Model]) -> bool:
    """Whether every model that uses the column met rows without a value in it."""
    using = [model.basis.columns[name] for model in models if model.basis and name in model.basis.columns]
    return bool(using) and all(each.missing for each in using)


def _header(source: SourceReport) -> Place:
    return Place(source.file, source.sheet, source.header_row)


def _problem(name: str, place: Place, source: SourceReport | None, table: Table, columns: Iterable[Column]) -> Problem:
    """What is lacking where, and the header there that comes nearest, else all that the model does not use."""
    needed = {column.name for column in columns}
    if source is None:
        free = {each: "" for each in table.names if each not in needed}
    else:
        letters = next((o.letters for o in table.origins if (o.file, o.sheet) == (source.file, source.sheet)), {})
        free = {match.header: letters.get(each, "") for each, match in source.columns.items() if each not in needed}
    near = _nearest(name, free)
    message = text("column_lacking", name=name)
    if near:
        at = Place(place.file, place.sheet, place.row, column_number(free[near]))
        return Problem(place, message, text("lacking_near", header=near, place=at, name=name))
    if not free:
        return Problem(place, message, text("lacking_nothing"))
    found = listed(f"{header} ({letter})" if letter else header for header, letter in list(free.items())[:SHOWN])
    return Problem(place, message, text("lacking_others", found=found + (" …" if len(free) > SHOWN else ""), name=name))


def _nearest(name: str, headers: Iterable[str]) -> str:
    plain = bare_key(name)
    scores = {each: difflib.SequenceMatcher(None, plain, bare_key(each)).ratio() for each in headers}
    best = max(scores, key=lambda each: scores[each], default="")
    return best if best and scores[best] >= NEAR else ""


def _renamed(table: Table, columns: Sequence[Column]) -> Table:
    """A table that was not merged, its headers matched as a merge does it."""
    place = Place(table.origins[0].file if table.origins else "")
    found, _, _ = Columns(columns, expected=True).match(dict(enumerate(table.names)), place)
    names = [found[number] for number in range(len(table.names))]
    return table if names == table.names else replace(table, data=table.data.rename_columns(names))
