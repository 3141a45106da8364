"""Which rows a member learns from, looks at while training, and is scored on.

Every fold has three sets of rows: held out, validation (a share of the rest, by the same split rule) and training.
Where chance decides, it is drawn from what stands in the row and not from where it stands: the same row is held out by
the same fold next month, when files have come and rows have moved.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from xltrain import choices as choices
from xltrain.config.settings import Column
from xltrain.data.duplicates import mixed
from xltrain.data.encode import Target
from xltrain.data.fingerprint import cell_hashes, sums
from xltrain.data.header import find
from xltrain.data.table import Table
from xltrain.data.values import days, empty, words
from xltrain.errors import ConfigError, DataError
from xltrain.language import canonical, text
from xltrain.place import Problem
from xltrain.registry import Call, splits

Rows = npt.NDArray[np.int64]
Draw = npt.NDArray[np.uint64]

SHARES = 5  # validation is one fifth of what is not held out
WORDS = {
    **dict.fromkeys(("train", "training", "训练", "訓練"), 0),
    **dict.fromkeys(("valid", "validation", "val", "验证", "驗證"), 1),
    **dict.fromkeys(("test", "held-out", "测试", "測試"), 2),
}


@dataclass(frozen=True)
class Part:
    """The rows of one fold of one repeat, as row numbers of the dataset, each array sorted."""

    repeat: int
    fold: int
    training: Rows
    validation: Rows
    held_out: Rows


def default_split(task: str, columns: Sequence[Column]) -> Call:
    """What an empty `split` means: a split column, else whole groups, else by class for classes, else at random."""
    roles = {column.role for column in columns}
    name = "column" if "split" in roles else "group" if "group" in roles else "stratified"
    return splits.call(name if name != "stratified" or task == "classification" else "random")


def divide(
    table: Table, columns: Sequence[Column], target: Target, split: Call, folds: int, repeats: int, seed: int
) -> list[Part]:
    """The parts of every repeat and fold, over the rows that have a target. DataError, ConfigError."""
    rows = target.rows
    choice = split.choice
    keys = _keys(table, columns, target, split, rows)
    known = identities(table, columns, target.name)
    if choice.facts.get("given"):
        _check_words(table, split, columns, rows, keys)
        return [_given(rows, keys, known[rows], repeat, seed) for repeat in range(repeats)]
    _check_counts(table, target, split, rows, keys, folds)
    named = known[rows]
    if choice.facts["needs"] == "group":  # the group is drawn, wherever its rows stand
        names = cell_hashes("", table.data.column(_column(table, columns, split)))[rows]
        named = np.where(names > 0, names, named)
    shared = (rows, keys, known[rows], named)
    return [part for repeat in range(repeats) for part in _repeat(split, *shared, folds, repeat, seed)]


def identities(table: Table, columns: Sequence[Column], target: str = "") -> Draw:
    """What each row is known by, as a number drawn at random: its id where it has one, else all that stands in it.

    Targets and weights do not count, which people correct. The same row once more is another one: (rows,).
    """
    roles = {column.name: column.role for column in columns}
    ids = [name for name in table.names if roles.get(name) == "id" and name not in table.joined]
    left = [name for name in table.names if roles.get(name) not in ("target", "weight") and name not in table.joined]
    found = sums(table.data, ids or [name for name in left if name != target])
    _, inverse, counts = np.unique(found, return_inverse=True, return_counts=True)
    order = np.lexsort((sums(table.data, table.names), inverse))
    again = np.empty(len(found), np.uint64)
    again[order] = np.arange(len(found)) - np.repeat(np.cumsum(counts) - counts, counts)
    return mixed(found ^ mixed(again))


def drawn(known: Draw, *salt: int) -> Draw:
    """A draw for rows known by these numbers; another one for every salt."""
    (mark,) = np.random.SeedSequence(salt).generate_state(1, np.uint64)
    return mixed(known ^ mark)


def _repeat(
    split: Call, rows: Rows, keys: Rows, known: Draw, named: Draw, folds: int, repeat: int, seed: int
) -> list[Part]:
    rule = split.choice.function
    parts = []
    for fold, (learn, held_out) in enumerate(rule(keys, folds, drawn(named, seed, repeat))):
        salt = (seed, repeat, fold, 1)
        if split.choice.facts["needs"] in ("row", "label"):
            shares = min(SHARES, len(learn))
        else:
            shares = SHARES - 1 if split.choice.facts.get("rolling") else min(SHARES, len(np.unique(keys[learn])))
        pairs = rule(keys[learn], shares, drawn(named[learn], *salt)) if shares > 1 else []
        if not pairs:  # one group or one moment left: its rows are divided at random
            pairs = splits["random"].function(learn, min(SHARES, len(learn)), drawn(known[learn], *salt))
        training, validation = pairs[-1]
        parts.append(
            Part(repeat, fold, *(np.sort(rows[each]) for each in (learn[training], learn[validation], held_out)))
        )
    return parts


def _given(rows: Rows, keys: Rows, known: Draw, repeat: int, seed: int) -> Part:
    training, validation, held_out = (rows[keys == word] for word in range(3))
    if not len(validation):
        pairs = splits["random"].function(training, SHARES, drawn(known[keys == 0], seed, repeat, 0, 1))
        training, validation = (training[each] for each in pairs[-1])
    return Part(repeat, 0, np.sort(training), np.sort(validation), np.sort(held_out))


def _keys(table: Table, columns: Sequence[Column], target: Target, split: Call, rows: Rows) -> Rows:
    """One key per row for the split rule."""
    needs = split.choice.facts["needs"]
    if needs == "row":
        return np.arange(len(rows))
    if needs == "label":
        values = target.values[rows]
        if target.task == "regression":  # tenths of the target stand in for classes
            edges = np.quantile(values, np.linspace(0, 1, 11)[1:-1])
            return np.searchsorted(edges, values)
        return values.astype(np.int64)
    name = _column(table, columns, split)
    values = table.data.column(name)
    if needs == "time":
        moments = days(values)[rows]
        if np.isnan(moments).any():
            row = int(rows[np.flatnonzero(np.isnan(moments))[0]])
            count = int(np.isnan(moments).sum())
            raise DataError(Problem(table.place(row, name), text("split_time_empty", name=name, count=count)))
        return np.unique(moments, return_inverse=True)[1].astype(np.int64)
    labels = words(values).dictionary_encode()
    codes = np.array(pc.fill_null(labels.indices, -1).to_numpy(zero_copy_only=False), np.int64)
    if needs == "group":
        # A row without a group is a group of its own.
        alone = codes < 0
        codes[alone] = codes.max(initial=0) + 1 + np.arange(alone.sum())
        return codes[rows]
    parts = np.array([*(_word(each) for each in labels.dictionary.to_pylist()), _word(None)], np.int64)
    return parts[codes][rows]  # an empty cell is the last of them


def _word(word: str | None) -> int:
    return WORDS.get((word or "").strip().casefold(), WORDS.get(canonical(word or ""), -1))


def _column(table: Table, columns: Sequence[Column], split: Call) -> str:
    """The column that a split names, by any unambiguous beginning, or the one of the role it needs."""
    named = str(split.values[0][1]) if split.values else ""
    if named:
        try:
            return find(named, table.names)
        except DataError as error:  # the job names it, not the data
            raise ConfigError(error.problems) from error
    role = split.choice.facts["needs"]
    for column in columns:
        if column.role == role and column.name in table.names:
            return column.name
    hint = text("split_column_hint", split=split.name, role=role)
    raise ConfigError(Problem(None, text("split_column", split=split.name, role=role), hint))


def _check_counts(table: Table, target: Target, split: Call, rows: Rows, keys: Rows, folds: int) -> None:
    """Enough rows, classes and groups for the folds."""
    place = table.place(int(rows[0]), target.name) if len(rows) else None
    if folds < 2:
        raise ConfigError(Problem(None, text("too_few_folds", folds=folds)))
    if len(rows) < max(folds + 1, 3):
        raise DataError(Problem(place, text("too_few_rows", rows=len(rows), folds=folds), text("fewer_folds_hint")))
    needs = split.choice.facts["needs"]
    kinds = len(np.unique(keys)) if needs in ("group", "time") else 0
    if needs in ("group", "time") and kinds < folds + (needs == "time"):
        raise DataError(Problem(place, text(f"too_few_{needs}s", found=kinds, folds=folds), text("fewer_folds_hint")))


def _check_words(table: Table, split: Call, columns: Sequence[Column], rows: Rows, keys: Rows) -> None:
    name = _column(table, columns, split)
    lacking = empty(table.data.column(name))[rows]
    wrong = rows[keys < 0]
    found = words(table.data.column(name))
    problems = [
        Problem(table.place(int(row), name), text("split_word", name=name, found=found[int(row)].as_py() or ""))
        for row in wrong[:3]
    ]
    if problems:
        hint = text("split_word_hint", count=len(wrong), empty=int(lacking.sum()))
        raise DataError([*problems[:-1], Problem(problems[-1].place, problems[-1].message, hint)])
    for code, word in ((0, "train"), (2, "test")):
        if (keys == code).sum() < (2 if code == 0 else 1):
            raise DataError(Problem(table.place(int(rows[0]), name), text("split_word_lacking", name=name, word=word)))
