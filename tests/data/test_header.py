"""Headers meet in one column with a reason and a score, or stay apart and are asked about."""

import pytest

from xltrain.config.settings import Column
from xltrain.data.header import Columns, find, made_unique, shown_unit
from xltrain.errors import DataError
from xltrain.place import Place

PLACE = Place("b.xlsx", "S", 1)


def match(first: list[str], second: list[str], *given: Column) -> tuple[dict[str, tuple[str, str]], list[str]]:
    """Header of the second sheet -> (column, reason); and what is asked."""
    known = Columns(given)
    known.match(dict(enumerate(first, 1)), Place("a.xlsx", "S", 1))
    found, matches, doubts = known.match(dict(enumerate(second, 1)), PLACE)
    return {second[at - 1]: (name, matches[at].reason) for at, name in found.items()}, [str(each) for each in doubts]


@pytest.mark.parametrize(
    ("one", "other", "reason"),
    [
        ("Price", "Price", ""),
        ("Unit Price", "unit\nprice", "match_spelling"),
        ("ＱＴＹ", "qty", "match_spelling"),
        ("e-mail", "E mail", "match_punctuation"),
        ("No.", "No", "match_punctuation"),
        ("面积(㎡)", "面积（平方米）", "match_unit"),
        ("面积(㎡)", "面积", "match_unit"),
        ("数量", "Qty", "match_synonym"),
        ("客户", "Customer", "match_synonym"),
    ],
)
def test_same_column(one: str, other: str, reason: str) -> None:
    found, doubts = match([one, "x"], ["x", other])
    assert found[other] == (one, reason)
    assert not doubts


@pytest.mark.parametrize(
    ("one", "other", "asked"),
    [
        ("Amount", "Amonut", True),
        ("销售金额", "销售总金额", True),
        ("门店", "门店名称", True),
        ("交易日期", "日期", True),
        ("门店", "门店编号", False),
        ("指标", "指标2", False),
        ("门店", "所有连锁门店", False),
        ("price(元)", "price(万元)", True),
        ("Q1 sales", "Q2 sales", False),
        ("一月", "二月", False),
        ("sales%", "sales", True),
        ("area", "region", False),
    ],
)
def test_other_column(one: str, other: str, asked: bool) -> None:
    found, doubts = match([one, "x"], ["x", other])
    assert found[other][0] == other
    assert bool(doubts) == asked
    if asked:
        assert "b.xlsx!S!B1" in doubts[0]
        assert f"--alias '{one}={other}'" in doubts[0]


def test_an_alias_settles_it() -> None:
    found, doubts = match(["Amount"], ["Amonut"], Column("Amount", aliases=("Amonut",)))
    assert found["Amonut"] == ("Amount", "match_alias")
    assert not doubts


def test_a_column_is_taken_once_and_by_the_surest_match() -> None:
    found, _ = match(["quantity", "price"], ["数量", "Quantity", "price"])
    assert found["Quantity"][0] == "quantity"
    assert found["数量"][0] == "数量"


def test_the_order_of_two_sheets_does_not_matter() -> None:
    found, _ = match(["a", "b", "c"], ["c", "a", "b"])
    assert {header: name for header, (name, _) in found.items()} == {"a": "a", "b": "b", "c": "c"}


def test_headers_that_stand_twice_are_numbered() -> None:
    found, doubts = made_unique({1: "a", 2: "b", 3: " A", 4: "a (2)"}, PLACE)
    assert list(found.values()) == ["a", "b", " A (3)", "a (2)"]
    assert len(doubts) == 1


def test_find_takes_any_unambiguous_beginning() -> None:
    names = ["sales (元)", "sales tax", "area"]
    assert find("AR", names) == "area"
    assert find("sales", names) == "sales (元)"
    assert find("ext price", ["Unit Price", "Ext. Price"]) == "Ext. Price"
    assert find("qty", ["price", "数量"]) == "数量"
    with pytest.raises(DataError, match="area"):
        find("aera", names)


def test_a_header_seen_before_is_matched_for_the_same_reason() -> None:
    known = Columns()
    for file in ("a.xlsx", "b.xlsx", "c.xlsx"):
        header = "Qty" if file == "a.xlsx" else "quantity"
        _, matches, _ = known.match({1: header}, Place(file, "S", 1))
    assert (matches[1].reason, matches[1].score) == ("match_synonym", 0.85)


@pytest.mark.parametrize(
    ("header", "unit"),
    [
        ("强度 (MPa)", "MPa"),
        ("strength(MPa, megapascals) ", "MPa"),
        ("销售额（元）", "元"),
        ("speed [m/s]", "m/s"),
        ("density (kg/m³)", "kg/m³"),
        ("面积(㎡)", "㎡"),
        ("price (old)", ""),
        ("area (m2) measured", ""),
        ("price", ""),
    ],
)
def test_the_unit_of_a_header_as_one_writes_it_after_a_number(header: str, unit: str) -> None:
    assert shown_unit(header) == unit
