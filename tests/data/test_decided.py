"""Decisions about rows: checked together, found again by fingerprint, applied once, and never to a row that changed."""

import datetime
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.engine import make
from xltrain.data.decided import Decision, DecisionStep, check_form, kept_positions, still_open, word_label, word_of
from xltrain.data.fingerprint import fingerprints
from xltrain.data.table import MARK_LETTER, Origin, Table
from xltrain.errors import ConfigError
from xltrain.language import using
from xltrain.place import Place

PRICES, KINDS = [250.0, 9999.0, 265.0, 240.0], ["a", "b", "a", None]


def book(**columns: Any) -> Table:
    return make.table({"price": PRICES, "size": [1, 2, 3, 4], "kind": KINDS} | columns)


def at(table: Table, index: int, word: str, number: int = 12, **said: Any) -> Decision:
    """A decision on a row of a table as it stands, written in G`number` of the suspects."""
    column = said.get("column", "")
    old = table.data.column(column)[index].as_py() if column in table.names else None
    row = int(table.row[index])
    place = Place("results.xlsx", "Suspects", number, 7)
    known = {"fingerprint": fingerprints(table)[index].as_py(), "old": old, "at": place} | said
    return Decision("book.xlsx", "Data", row, word, **known)


def applied(table: Table, *decisions: Decision, weight: str = "") -> tuple[Table, DecisionStep, list[str]]:
    step = DecisionStep(decisions, weight)
    changed = step.apply(table)
    return changed, step, [str(doubt) for doubt in step.doubts()]


def states(step: DecisionStep) -> list[str]:
    return [each.state for each in step.settled]


def test_a_fix_a_drop_and_a_weight_do_what_they_say() -> None:
    table = book()
    fix, drop = at(table, 1, "fix", column="price", new=999.5, note="typo"), at(table, 3, "drop")
    changed, step, doubts = applied(table, fix, drop, at(table, 0, "weight", weight=0.5))
    assert changed.data.column("price").to_pylist() == [250.0, 999.5, 265.0]
    assert changed.row.tolist() == [2, 3, 4]
    assert changed.data.column(step.created).to_pylist() == [0.5, 1, 1]
    assert doubts == []
    told = {change.action: change for change in step.changes}
    assert (str(told["fixed"].place), told["fixed"].was, told["fixed"].became) == ("book.xlsx!Data!A3", "9999", "999.5")
    assert "typo" in told["fixed"].reason
    assert "results.xlsx!Suspects!G12" in told["fixed"].reason
    assert str(told["dropped"].place) == "book.xlsx!Data!5:5"
    assert (told["weighted"].was, told["weighted"].became) == ("1", "0.5")


def test_a_weight_multiplies_the_one_that_is_there() -> None:
    table = book(share=[2.0, 3.0, None, 1.0])
    changed, step, _ = applied(
        table, at(table, 1, "weight", weight=0.5), at(table, 2, "weight", weight=0), weight="share"
    )
    assert changed.data.column("share").to_pylist() == [2.0, 1.5, 0.0, 1.0]
    assert step.created == ""


def test_rows_that_moved_are_followed_and_told() -> None:
    table = book()
    decision = at(table, 1, "fix", column="price", new=999.5)
    inserted = replace(table, row=table.row + 7)
    changed, step, doubts = applied(inserted, decision)
    assert changed.data.column("price").to_pylist()[1] == 999.5
    assert "book.xlsx!Data!3:3 stands at book.xlsx!Data!10:10 now" in doubts[0]
    assert step.settled[0].decision.row == 10


def test_many_rows_that_moved_or_are_gone_are_one_line_of_each_sheet() -> None:
    table = book()
    fixes = [at(table, row, "fix", 3 + row, column="price", new=999.5) for row in range(3)]
    inserted = replace(table, row=table.row + 7)
    changed, step, doubts = applied(inserted, *fixes)
    assert changed.data.column("price").to_pylist()[:3] == [999.5] * 3
    assert len(doubts) == 1
    assert "3 decided rows of book.xlsx!Data stand elsewhere now" in doubts[0]
    assert "book.xlsx!Data!2:2 at book.xlsx!Data!9:9" in doubts[0]
    assert "stood at book.xlsx!Data!4:4 when it was decided" in step.changes[2].reason
    _, step, doubts = applied(table.take(np.array([3])), *fixes)
    assert states(step) == ["gone"] * 3
    assert len(doubts) == 1
    assert "3 decided rows of book.xlsx!Data no longer stand in the data, such as book.xlsx!Data!2:2" in doubts[0]


def test_a_row_that_changed_is_a_conflict_with_both_values() -> None:
    decision = at(book(), 1, "fix", column="price", new=999.5)
    changed, step, doubts = applied(book(price=[250.0, 8888.0, 265.0, 240.0]), decision)
    assert changed.data.column("price").to_pylist()[1] == 8888.0
    assert states(step) == ["changed"]
    assert len(still_open(step.settled)) == 1
    assert len(doubts) == 1
    assert all(word in doubts[0] for word in ("results.xlsx!Suspects!G12", "book.xlsx!Data!A3", "9999", "8888"))


def test_a_row_that_moved_and_changed_is_told_where_it_stands_now() -> None:
    decision = at(book(), 1, "fix", column="price", new=999.5)
    moved = book(price=[250.0, 251.0, 265.0, 9999.0], size=[1, 2, 3, 77])
    _, step, doubts = applied(moved, decision)
    assert states(step) == ["changed"]
    assert "book.xlsx!Data!A5 still holds 9999, but another cell of its row has changed" in doubts[0]
    twice = book(price=[9999.0, 251.0, 265.0, 9999.0], size=[1, 2, 3, 77])
    _, _, doubts = applied(twice, decision)
    assert "A3 held 9999 when this was decided and holds 251 now" in doubts[0]  # which of the two cannot be told


def test_another_cell_of_the_row_changed_too() -> None:
    decision = at(book(), 1, "drop")
    changed, step, doubts = applied(book(size=[1, 77, 3, 4]), decision)
    assert len(changed) == 4
    assert states(step) == ["changed"]
    assert len(doubts) == 1


def test_a_fix_made_in_the_source_is_silently_satisfied_wherever_the_row_stands() -> None:
    table = book()
    decisions = [
        at(table, 1, "fix", column="price", new=999.5),
        at(table, 1, "fix", column="kind", new="z"),
        at(table, 1, "weight", weight=2.0),
    ]
    fixed = [250.0, 999.5, 265.0, 240.0]
    for prices, kinds, shift in (
        (fixed, ["a", "z", "a", None], 0),
        (fixed, ["a", "z", "a", None], 5),
        (fixed, KINDS, 0),
    ):
        source = book(price=prices, kind=kinds)
        changed, step, doubts = applied(replace(source, row=source.row + shift), *decisions)
        assert changed.data.column("price").to_pylist()[1] == 999.5
        assert changed.data.column("kind").to_pylist()[1] == "z"
        assert changed.data.column(step.created).to_pylist()[1] == 2.0
        assert states(step)[0] == "satisfied"
        assert len(doubts) == (shift > 0)


def test_a_fix_may_change_capitals_alone() -> None:
    table = book(kind=["a", "east", "a", None])
    changed, step, _ = applied(table, at(table, 1, "fix", column="kind", new="East"))
    assert (changed.data.column("kind").to_pylist()[1], states(step)) == ("East", ["applied"])


def test_a_kept_row_counts_until_it_changes() -> None:
    decision = at(book(), 1, "keep")
    _, step, doubts = applied(book(), decision)
    assert states(step) == ["kept"]
    _, step, more = applied(book(price=[1.0, 2.0, 3.0, 4.0]), decision)
    assert states(step) == ["changed"]
    assert doubts == more == []
    assert still_open(step.settled) == []


def test_a_row_that_is_gone_is_told_but_not_where_it_was_to_be_dropped() -> None:
    table = book()
    decisions = at(table, 1, "fix", 3, column="price", new=1.0), at(table, 1, "keep", 4)
    drop = at(table, 3, "drop", 5)
    less = table.take(np.array([0, 2]))
    _, step, doubts = applied(less, *decisions, drop)
    assert states(step) == ["gone"] * 3
    assert [doubt.split(":")[0] for doubt in doubts] == ["results.xlsx!Suspects!G3"]


def test_everything_that_is_wrong_is_listed_and_nothing_applied() -> None:
    table = book()
    wrong = [
        at(table, 0, "fix", 2, column="price"),
        at(table, 0, "fix", 3, new=1.0),
        at(table, 0, "weight", 4, weight=-1),
        at(table, 0, "weight", 5, weight="much"),
        at(table, 0, "weight", 6),
        at(table, 0, "fixx", 7),
    ]
    rivals = [at(table, 1, "drop", 8), at(table, 1, "fix", 9, column="price", new=1.0)]
    step = DecisionStep([*wrong, *rivals, at(table, 2, "fix", 10, column="prize", new=1.0)])
    assert step.apply(table) is not None
    with pytest.raises(ConfigError) as caught:
        step.doubts()
    cells = sorted(each.place.row for each in caught.value.problems if each.place)
    assert cells == [2, 3, 4, 5, 6, 7, 9, 10]  # G9 names G8
    assert not step.changes
    assert "did you mean 'fix'" in str(caught.value)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"column": "prize", "new": 1.0}, "did you mean 'price'"),
        ({"column": "price", "new": "cheap"}, "'price' cannot hold 'cheap'"),
        ({"column": "price", "new": True}, "cannot hold"),
        ({"column": "when", "new": "yesterday"}, "cannot hold"),
    ],
    ids=["unknown column", "text for a number", "truth for a number", "no date"],
)
def test_what_a_column_cannot_hold_is_refused_with_its_cell(said: dict[str, Any], words: str) -> None:
    table = book(when=[datetime.date(2024, 1, day) for day in (1, 2, 3, 4)])
    step = DecisionStep([at(table, 1, "fix", **said), at(table, 0, "drop")])
    assert len(step.apply(table)) == 4
    with pytest.raises(ConfigError, match=r"results\.xlsx!Suspects!G12") as caught:
        step.doubts()
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("one", "other", "clash"),
    [
        (("fix", {"column": "price", "new": 1.0}), ("fix", {"column": "price", "new": 2.0}), True),
        (("fix", {"column": "price", "new": 1.0}), ("fix", {"column": "price", "new": 1}), False),
        (("fix", {"column": "price", "new": 1.0}), ("fix", {"column": "kind", "new": "z"}), False),
        (("fix", {"column": "price", "new": 1.0}), ("drop", {}), True),
        (("fix", {"column": "price", "new": 1.0}), ("weight", {"weight": 0.5}), False),
        (("keep", {}), ("drop", {}), True),
        (("keep", {}), ("fix", {"column": "price", "new": 1.0}), True),
        (("keep", {"column": "kind"}), ("fix", {"column": "price", "new": 1.0}), False),
        (("weight", {"weight": 0.5}), ("weight", {"weight": 0.6}), True),
        (("drop", {}), ("drop", {}), False),
    ],
)
def test_two_decisions_on_one_row(one: tuple[str, Any], other: tuple[str, Any], clash: bool) -> None:
    table = book()
    made = at(table, 1, one[0], 3, **one[1]), at(table, 1, other[0], 4, **other[1])
    # The second one stands in an annotated copy, which knows no fingerprint.
    made = made[0], replace(made[1], fingerprint="")
    step = DecisionStep(made)
    step.apply(table)
    if clash:
        with pytest.raises(ConfigError, match=r"Suspects!G4: .*Suspects!G3"):
            step.doubts()
    else:
        step.doubts()
        assert {"changed", "gone"}.isdisjoint(states(step))


def test_a_carried_decision_gives_way() -> None:
    table = book()
    carried = replace(at(table, 1, "drop", 3), carried=True, origin="results.xlsx!Suspects!G9")
    changed, step, doubts = applied(table, carried, at(table, 1, "fix", 4, column="price", new=999.5))
    assert (len(changed), states(step), doubts) == (4, ["replaced", "applied"], [])


def test_the_same_decision_again_counts_once() -> None:
    table = book()
    made = at(table, 1, "weight", 4, weight=0.5)
    carried = replace(made, carried=True, at=Place("results.xlsx", "Decided", 5, 2))
    changed, step, doubts = applied(table, carried, made, replace(made, at=Place("north.xlsx", "S", 3, 9)))
    assert changed.data.column(step.created).to_pylist() == [1, 0.5, 1, 1]
    assert (states(step), doubts) == (["applied"], [])
    # The row moved since, and only the carried one knows where it stands now.
    moved = replace(table, row=table.row + 1)
    changed, step, _ = applied(moved, replace(carried, row=4), made)
    assert changed.data.column(step.created).to_pylist() == [1, 0.5, 1, 1]
    assert states(step) == ["replaced", "applied"]


def test_an_empty_cell_that_was_filled_in_the_source() -> None:
    table = book()
    decisions = at(table, 3, "fix", column="kind", new="z"), at(table, 3, "weight", weight=2.0)
    changed, step, doubts = applied(table, *decisions)
    assert changed.data.column("kind")[3].as_py() == "z"
    changed, step, doubts = applied(book(kind=["a", "b", "a", "z"]), *decisions)
    assert (states(step), doubts) == (["satisfied", "applied"], [])


def test_of_rows_that_are_alike_each_is_meant_once() -> None:
    table = book(price=[1.0, 7.0, 7.0, 2.0], size=[1, 2, 2, 3], kind=["a"] * 4)
    moved = replace(table, row=np.array([2, 5, 6, 7], np.int32))
    changed, step, _ = applied(moved, at(table, 1, "drop", 3), at(table, 2, "drop", 4))
    assert changed.row.tolist() == [2, 7]
    assert states(step) == ["applied", "applied"]


def test_without_fingerprint_the_old_value_tells_and_without_both_it_is_said() -> None:
    table = book()
    by_value = replace(at(table, 1, "fix", column="price", new=1.0), fingerprint="")
    assert applied(table, by_value)[2] == []
    _, step, _ = applied(book(price=[250.0, 7.0, 265.0, 240.0]), by_value)
    assert states(step) == ["changed"]
    _, step, doubts = applied(table, replace(at(table, 1, "drop"), fingerprint=""))
    assert states(step) == ["applied"]
    assert "by its row number alone" in doubts[0]


def test_types_follow_the_column() -> None:
    days = [datetime.datetime(2024, 1, day) for day in (1, 2, 3, 4)]
    table = book(when=pa.array(days, pa.timestamp("us")), ok=[True, False, None, True])
    decisions = [
        at(table, 0, "fix", 2, column="size", new=1.5),
        at(table, 1, "fix", 3, column="kind", new=7.0),
        at(table, 2, "fix", 4, column="when", new="2024-02-03"),
        at(table, 3, "fix", 5, column="ok", new="no"),
        at(table, 3, "fix", 6, column="price", new="1,234.5"),
    ]
    changed, _, doubts = applied(table, *decisions)
    assert doubts == []
    assert changed.data.column("size").to_pylist() == [1.5, 2, 3, 4]
    assert changed.data.column("kind")[1].as_py() == "7"
    assert changed.data.column("when")[2].as_py() == datetime.datetime(2024, 2, 3)
    assert changed.data.column("ok")[3].as_py() is False
    assert changed.data.column("price")[3].as_py() == 1234.5


def test_rows_keep_the_fingerprints_they_were_read_with() -> None:
    table = book()
    changed, _, _ = applied(table, at(table, 1, "fix", column="price", new=999.5), at(table, 0, "drop"))
    assert fingerprints(changed).to_pylist() == fingerprints(table).to_pylist()[1:]
    assert fingerprints(changed.take(np.array([2]))).to_pylist() == fingerprints(table).to_pylist()[3:]


def test_a_joined_cell_is_fixed_for_all_its_rows_at_its_own_place() -> None:
    marks = pa.table({"source_joined shops": ["shops.xlsx!S!2", "shops.xlsx!S!3", "shops.xlsx!S!2", ""]})
    table = replace(book(), marks=marks, joined={"size": ("source_joined shops", "C")})
    changed, step, doubts = applied(table, at(table, 0, "fix", column="size", new=50))
    assert changed.data.column("size").to_pylist() == [50, 2, 50, 4]
    assert str(step.settled[0].place) == "shops.xlsx!S!C2"
    assert doubts == []
    other = replace(table, data=table.data.set_column(1, "size", pa.array([9, 9, 9, 9])))
    _, step, doubts = applied(other, at(table, 0, "fix", column="size", new=50))
    assert states(step) == ["changed"]


def test_an_unpivoted_cell_is_fixed_at_its_own_place() -> None:
    data = pa.table({"shop": ["n", "n", "s"], "month": ["jan", "feb", "jan"], "value": [1.0, 2.0, 3.0]})
    marks = pa.table({MARK_LETTER: ["B", "C", "B"]})
    origin = Origin("wide.xlsx", "Data", {"shop": "A"})
    table = Table(data, (origin,), np.zeros(3, np.int32), np.array([2, 2, 3], np.int32), marks, unpivoted="value")
    prints = fingerprints(table).to_pylist()
    one = Decision("wide.xlsx", "Data", 2, "fix", "value", 20.0, fingerprint=prints[1], old=2.0)
    two = Decision("wide.xlsx", "Data", 2, "fix", "shop", "north", fingerprint=prints[0], old="n")
    changed, step, _ = applied(table, one, two)
    assert changed.data.column("value").to_pylist() == [1.0, 20.0, 3.0]
    assert changed.data.column("shop").to_pylist() == ["north", "north", "s"]
    assert [str(each.place) for each in step.settled] == ["wide.xlsx!Data!C2", "wide.xlsx!Data!A2"]


def test_a_file_in_another_folder_is_known_by_its_name() -> None:
    table = book()
    decision = replace(at(table, 1, "drop"), file="last month/book.xlsx")
    assert len(applied(table, decision)[0]) == 3


def test_of_two_files_of_one_name_the_one_in_the_same_folder_is_meant() -> None:
    table = book()
    origins = tuple(Origin(f"{place}/book.xlsx", "Data", {}) for place in ("south", "north"))
    both = replace(
        table, origins=origins, origin=np.array([0, 0, 1, 1], np.int32), row=np.array([2, 3, 2, 3], np.int32)
    )
    prints = fingerprints(both).to_pylist()
    decision = Decision("results/annotated/north/book.xlsx", "Data", 3, "drop", fingerprint=prints[3])
    assert applied(both, decision)[0].row.tolist() == [2, 3, 2]
    unclear = replace(decision, file="elsewhere/book.xlsx")
    assert len(applied(both, unclear)[0]) == 4


def test_batch_after_batch_gives_what_all_at_once_gives() -> None:
    table = book()
    decisions = at(table, 1, "drop"), at(table, 3, "weight", weight=3.0)
    whole, step, _ = applied(table, *decisions)
    parts = DecisionStep(decisions)
    origins = (Origin("other.xlsx", "Data", {}),)
    first = parts.apply(replace(table.take(np.array([0, 2])), origins=origins))
    second = parts.apply(table)
    assert first.data.column(parts.created).to_pylist() == [1.0, 1.0]
    assert second.data.equals(whole.data)
    assert parts.doubts() == []
    assert [each.state for each in parts.settled] == states(step)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("word", ["keep", "fix", "drop", "weight"])
def test_words_are_understood_in_both_languages(language: str, word: str) -> None:
    with using(language):
        shown = word_label(word)
    assert word_of(shown) == word
    assert word_of(word.upper()) == word


@pytest.mark.parametrize(
    ("word", "written"),
    [
        ("keep", "保留 不变 leave Keep"),
        ("fix", "修正 改正 更正 correct FIX"),
        ("drop", "删除 丢弃 去掉 delete Remove"),
        ("weight", "权重 加权 weigh"),
    ],
)
def test_natural_words_say_the_same(word: str, written: str) -> None:
    assert {word_of(each) for each in (*written.split(), f" {written.split()[0]} ")} == {word}


@pytest.mark.parametrize(
    ("language", "choices"), [("en", "keep as is, fix, drop, weigh"), ("zh", "保留原样、更正、剔除、加权")]
)
def test_an_unknown_word_is_told_with_the_choices_as_the_sheet_names_them(language: str, choices: str) -> None:
    with using(language):
        (problem,) = check_form([at(book(), 0, word_of("也许吧"))])
        assert choices in problem.message


def test_form_of_good_decisions() -> None:
    table = book()
    assert check_form([at(table, 0, "keep"), at(table, 1, "fix", column="price", new=0.0)]) == []


def test_rows_that_were_kept_or_weighed_are_not_raised_again() -> None:
    table = book()
    said = at(table, 0, "keep"), at(table, 1, "fix", column="price", new=1.0), at(table, 2, "weight", weight=0.5)
    _, step, _ = applied(table, *said)
    assert kept_positions(table, step.settled).tolist() == [0, 2]
