"""Every row is held out once, groups stay together, time runs forward, and the same seed gives the same folds."""

from typing import Any

import numpy as np
import pytest

from tests.calls import parse_call
from tests.engine.make import table
from xltrain.config.settings import Column
from xltrain.data.encode import Target, read_target
from xltrain.data.split import Part, default_split, divide
from xltrain.errors import ConfigError, DataError
from xltrain.registry import Call

ROWS = 97
RNG = np.random.default_rng(0)
SHOPS = RNG.choice([f"shop {number}" for number in range(11)], ROWS)
DAYS = np.datetime64("2024-01-01", "us") + RNG.integers(0, 40, ROWS) * np.timedelta64(1, "D")
DATA = table(
    {
        "y": RNG.normal(size=ROWS),
        "label": RNG.choice(["a", "b", "c"], ROWS, p=(0.7, 0.2, 0.1)),
        "shop": SHOPS,
        "day": DAYS,
    }
)
COLUMNS = [Column("y", "target", "numeric"), Column("shop", "group", "category"), Column("day", "time", "date")]


def split(cell: str) -> Call:
    return parse_call("splits", cell)


def parts(cell: str, target: str = "y", folds: int = 5, repeats: int = 1, seed: int = 0) -> list[Part]:
    return divide(DATA, COLUMNS, goal(target), split(cell), folds, repeats, seed)


def goal(name: str) -> Target:
    return read_target(DATA, name, "regression" if name == "y" else "classification")


@pytest.mark.parametrize("cell", ["random", "stratified", "group", "group(shop)"])
@pytest.mark.parametrize("folds", [2, 5, 10])
def test_every_row_is_held_out_once_and_never_learned_from(cell: str, folds: int) -> None:
    found = parts(cell, folds=folds)
    assert len(found) == folds
    assert np.sort(np.concatenate([part.held_out for part in found])).tolist() == list(range(ROWS))
    for part in found:
        together = np.concatenate([part.training, part.validation, part.held_out])
        assert np.sort(together).tolist() == list(range(ROWS))
        assert all(len(rows) and (np.diff(rows) > 0).all() for rows in (part.training, part.validation, part.held_out))


@pytest.mark.parametrize("cell", ["random", "stratified"])
def test_folds_are_even_and_validation_is_a_fifth_of_the_rest(cell: str) -> None:
    for part in parts(cell):
        assert abs(len(part.held_out) - ROWS / 5) < 1
        assert abs(len(part.validation) - (ROWS - len(part.held_out)) / 5) <= 1


@pytest.mark.parametrize("cell", ["random", "stratified", "group"])
def test_a_row_keeps_its_fold_wherever_it_stands(cell: str) -> None:
    order = np.random.default_rng(1).permutation(ROWS)
    moved = divide(DATA.take(order), COLUMNS, read_target(DATA.take(order), "y", "regression"), split(cell), 5, 1, 0)
    for part, other in zip(parts(cell), moved, strict=True):
        for name in ("training", "validation", "held_out"):
            assert sorted(order[getattr(other, name)]) == getattr(part, name).tolist()


@pytest.mark.parametrize("cell", ["random", "stratified"])
def test_most_rows_keep_their_folds_when_others_come(cell: str) -> None:
    rng = np.random.default_rng(2)
    values = {"y": rng.normal(size=2000), "a": rng.normal(size=2000)}
    fold = []
    for rows in (1800, 2000):
        data = table({name: each[:rows] for name, each in values.items()})
        found = divide(data, COLUMNS[:1], read_target(data, "y", "regression"), split(cell), 5, 1, 0)
        fold.append(
            np.concatenate([np.full(len(part.held_out), part.fold) for part in found])[
                np.argsort(np.concatenate([part.held_out for part in found]))
            ]
        )
    assert (fold[0] == fold[1][:1800]).mean() > (0.93 if cell == "random" else 0.75)


def test_a_corrected_target_leaves_its_row_in_the_fold() -> None:
    values = {name: DATA.data.column(name).to_pylist() for name in DATA.names}
    data = table(values | {"y": [99.0, *values["y"][1:]]})
    after = divide(data, COLUMNS, read_target(data, "y", "regression"), split("random"), 5, 1, 0)
    assert [part.held_out.tolist() for part in parts("random")] == [part.held_out.tolist() for part in after]


def test_rows_that_stand_many_times_are_spread_over_the_folds() -> None:
    data = table({"a": [1.0, 2.0] * 100, "y": [0.0, 1.0] * 100})
    for part in divide(data, COLUMNS[:1], read_target(data, "y", "regression"), split("random"), 5, 1, 0):
        assert 0.2 < (part.held_out % 2).mean() < 0.8


def test_stratified_gives_every_fold_its_share_of_each_class() -> None:
    labels = goal("label").values
    for code, count in enumerate(np.bincount(labels.astype(int))):
        for part in parts("stratified", "label"):
            assert abs((labels[part.held_out] == code).sum() - count / 5) < 1.01


def test_stratified_spreads_numbers_evenly() -> None:
    values = goal("y").values
    middles = [np.mean(values[part.held_out]) for part in parts("stratified")]
    assert np.ptp(middles) < 0.2


def test_groups_never_straddle() -> None:
    for part in parts("group"):
        shops = [set(SHOPS[rows]) for rows in (part.training, part.validation, part.held_out)]
        assert not shops[0] & shops[1]
        assert not shops[0] & shops[2]
        assert not shops[1] & shops[2]


def test_a_row_without_a_group_is_a_group_of_its_own() -> None:
    data = table({"y": np.arange(12.0), "shop": ["a", "a", "b", "b", *[None] * 8]})
    found = divide(data, [Column("shop", "group")], read_target(data, "y", "regression"), split("group"), 5, 1, 0)
    assert np.sort(np.concatenate([part.held_out for part in found])).tolist() == list(range(12))
    home = {row: part.fold for part in found for row in part.held_out}
    assert home[0] == home[1]
    assert home[2] == home[3]


@pytest.mark.parametrize("folds", [2, 4])
def test_time_only_runs_forward(folds: int) -> None:
    found = parts("time", folds=folds)
    assert len(found) == folds
    for part in found:
        assert DAYS[part.training].max() < DAYS[part.validation].min()
        assert DAYS[part.validation].max() < DAYS[part.held_out].min()
        before = np.flatnonzero(DAYS[part.held_out].min() > DAYS)
        assert sorted([*part.training, *part.validation]) == before.tolist()
    scored = np.concatenate([part.held_out for part in found])
    assert len(scored) == len(set(scored)) < ROWS
    never = np.setdiff1d(np.arange(ROWS), scored)
    assert DAYS[never].max() < DAYS[scored].min()


def test_the_same_seed_gives_the_same_folds_and_repeats_differ() -> None:
    one, same, other = (parts("random", repeats=2, seed=seed) for seed in (1, 1, 2))
    assert [part.held_out.tolist() for part in one] == [part.held_out.tolist() for part in same]
    assert one[0].held_out.tolist() != other[0].held_out.tolist()
    assert one[0].held_out.tolist() != one[5].held_out.tolist()
    assert [(part.repeat, part.fold) for part in one] == [(repeat, fold) for repeat in range(2) for fold in range(5)]


@pytest.mark.parametrize("words", [("train", "valid", "test"), ("Training", " validation", "HELD-OUT")])
def test_a_column_may_say_it(words: tuple[str, str, str]) -> None:
    data = table({"y": np.arange(12.0), "use": [words[0]] * 6 + [words[1]] * 2 + [words[2]] * 4})
    columns = [Column("use", "split", "category")]
    (part,) = divide(data, columns, read_target(data, "y", "regression"), split("column"), 5, 1, 0)
    assert part.training.tolist() == list(range(6))
    assert part.validation.tolist() == [6, 7]
    assert part.held_out.tolist() == [8, 9, 10, 11]


def test_a_column_may_leave_validation_to_us() -> None:
    data = table({"y": np.arange(14.0), "use": ["训练"] * 10 + ["测试"] * 4})
    (part,) = divide(data, [], read_target(data, "y", "regression"), split("column(use)"), 5, 1, 0)
    assert sorted([*part.training, *part.validation]) == list(range(10))
    assert len(part.validation) == 2


def test_rows_without_a_target_are_in_no_part() -> None:
    values = np.where(np.arange(30) % 3 == 0, np.nan, np.arange(30.0))
    data = table({"y": values})
    for part in divide(data, [], read_target(data, "y", "regression"), split("random"), 3, 1, 0):
        for rows in (part.training, part.validation, part.held_out):
            assert np.isfinite(values[rows]).all()


def test_what_an_empty_split_means() -> None:
    group, chosen = Column("g", "group"), Column("s", "split")
    assert default_split("regression", []).name == "random"
    assert default_split("classification", []).name == "stratified"
    assert default_split("classification", [group]).name == "group"
    assert default_split("regression", [group, chosen]).name == "column"


SMALL = {"y": np.arange(6.0), "shop": ["a", "b"] * 3, "day": [np.datetime64("2024-01-01", "us")] * 6}


@pytest.mark.parametrize(
    ("cell", "folds", "columns", "kind", "words"),
    [
        ("random", 6, SMALL, DataError, ["book.xlsx!Data!A2", "6"]),
        ("random", 1, SMALL, ConfigError, ["1"]),
        ("group(shop)", 3, SMALL, DataError, ["2", "3"]),
        ("time(day)", 2, SMALL, DataError, ["1", "2"]),
        ("group(shpo)", 2, SMALL, ConfigError, ["shpo", "'shop'"]),
        ("time", 2, SMALL, ConfigError, ["time"]),
        ("time(day)", 2, {**SMALL, "day": [None, *SMALL["day"][1:]]}, DataError, ["book.xlsx!Data!C2"]),
        ("column(shop)", 2, SMALL, DataError, ["book.xlsx!Data!B2", "'a'"]),
        ("column(shop)", 2, {**SMALL, "shop": ["train"] * 6}, DataError, ["test"]),
    ],
)
def test_what_cannot_be_split_says_so(
    cell: str, folds: int, columns: dict[str, Any], kind: type[Exception], words: list[str]
) -> None:
    data = table(columns)
    with pytest.raises(kind) as caught:
        divide(data, [], read_target(data, "y", "regression"), split(cell), folds, 1, 0)
    assert all(word in str(caught.value) for word in words), str(caught.value)
