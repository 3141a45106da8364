"""Formulas of conditional formats against what Excel computes."""

import datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from xltrain.excel.scan import Package
from xltrain.excel.shot.formula import evaluate, parse
from xltrain.excel.shot.operands import Context, Unsupported
from xltrain.excel.shot.rules import period
from xltrain.excel.shot.text_functions import serial_of
from xltrain.excel.shot.values import Fault, SheetValues

TODAY = datetime.date(2024, 3, 6)


@pytest.fixture(name="value", scope="module")
def _value(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Evaluates a formula at B2, written for A1, on a small sheet."""
    path = tmp_path_factory.mktemp("formula") / "book.xlsx"
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet("S")
    for row, values in enumerate([(1, "apple", 10), (2, "Pear", 20), (3, "", None), (4, "12", True)]):
        for column, each in enumerate(values):
            if each is not None:
                sheet.write(row, column, each)
    sheet.write_formula("D1", "=1/0", None, "#DIV/0!")
    book.add_worksheet("Other one").write("A1", 99)
    book.close()
    with Package(path) as package:
        own = SheetValues(package, package.sheets[0].part, {}, None)
        other = SheetValues(package, package.sheets[1].part, {}, None)
        sheets = {"Other one": other}
        names = {"limit": "S!$C$1"}
        context = Context(
            lambda name: sheets.get(name, own), lambda name: names.get(name, ""), serial_of(TODAY), 45357.5
        )
        yield lambda formula: evaluate(formula, context, 2, 2, (1, 1))


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("=1+2*3^2", 19.0),
        ("=-2^2", 4.0),
        ("=10%+1", 1.1),
        ('="a"&1&TRUE', "a1TRUE"),
        ('="A"="a"', True),
        ('="text">5', True),
        ("=TRUE>5", True),
        ("=2<>2", False),
        ("=A1", "Pear"),  # one down and one to the right of what is written
        ("=$A$1", 1.0),
        ("=A$1&$A1", "apple2"),
        ("='Other one'!$A$1", 99.0),
        ("=limit+1", 11.0),
        ("=SUM($A$1:$A$4)", 10.0),
        ("=SUM($A:$A)", 10.0),
        ("=SUM($1:$1)", Fault("#DIV/0!")),
        ("=AVERAGE($A$1:$A$4,10)", 4.0),
        ("=MAX($C$1:$C$4)", 20.0),  # a boolean in a cell is no number
        ("=COUNT($B$1:$B$4)", 0.0),
        ("=COUNTA($B$1:$B$4)", 3.0),
        ("=COUNTBLANK($B$1:$B$4)", 1.0),
        ('=COUNTIF($B$1:$B$4,"a*")', 1.0),
        ('=COUNTIF($A$1:$A$4,">2")', 2.0),
        ("=COUNTIF($B$1:$B$4,12)", 1.0),
        ('=COUNTIFS($A$1:$A$4,">1",$C$1:$C$4,20)', 1.0),
        ('=SUMIF($B$1:$B$4,"pear",$C$1:$C$4)', 20.0),
        ("=IF(A1=1,1/0,7)", 7.0),
        ("=IFERROR($D$1,5)", 5.0),
        ("=AND(TRUE,1,2>1)", True),
        ("=OR(FALSE,0)", False),
        ("=NOT(0)", True),
        ("=ISBLANK($C$3)", True),
        ("=ISNUMBER($B$4)", False),
        ("=ISTEXT($B$4)", True),
        ("=ISERROR($D$1)", True),
        ("=ISNA(MATCH(7,$A$1:$A$4,0))", True),
        ("=MATCH(3,$A$1:$A$4,0)", 3.0),
        ("=MOD(-7,3)", 2.0),
        ("=MOD(ROW(),2)+COLUMN()", 2.0),
        ("=ROUND(2.5,0)", 3.0),
        ("=ROUND(-1.005,2)", -1.01),
        ("=ABS(-2)+INT(-1.5)", 0.0),
        ("=LEN(A1)", 4.0),
        ('=LEFT("abc",2)&RIGHT("abc")&MID("abcd",2,2)', "abcbc"),
        ('=SEARCH("E?X","Pear Tree")', Fault("#VALUE!")),
        ('=SEARCH("e*r","Pear")', 2.0),
        ('=FIND("e","Pear")', 2.0),
        ('=EXACT("a","A")', False),
        ('=VALUE("1,200")+VALUE("5%")', 1200.05),
        ('=TEXT(0.5,"0%")', "50%"),
        ("=TODAY()-DATE(2024,3,1)", 5.0),
        ("=WEEKDAY(TODAY())&WEEKDAY(TODAY(),2)", "43"),
        ("=YEAR(TODAY())*100+MONTH(TODAY())", 202403.0),
        ("=DAY(EOMONTH(TODAY(),-1))", 29.0),
        ("=DATE(2024,14,1)-DATE(2025,2,1)", 0.0),
        ("=1/0", Fault("#DIV/0!")),
        ('="a"+1', Fault("#VALUE!")),
        ("=#N/A", Fault("#N/A")),
        ("=LARGE($A$1:$A$4,2)+SMALL($A$1:$A$4,1)", 4.0),
        ("=RANK(3,$A$1:$A$4)", 2.0),
        ('=INDIRECT("A1")', 1.0),
        ('=SUM(INDIRECT("$A$1:A"&4))', 10.0),
        ("=INDIRECT(\"'Other one'!A1\")", 99.0),
        ('=INDIRECT("no such")', Fault("#REF!")),
    ],
)
def test_computes_as_excel(value: Any, formula: str, expected: Any) -> None:
    found = value(formula)
    assert type(found) is type(expected)
    assert found == (pytest.approx(expected) if isinstance(expected, float) else expected)


@pytest.mark.parametrize(
    "formula",
    ["=OFFSET(A1,1,1)", "=Table1[x]", "={1,2}", "=1+", "=(1", "=unknown", "=" + "(" * 200, "", "=A1:", "=SUM(1", "='x"],
)
def test_what_is_not_known_is_said_to_be_so(value: Any, formula: str) -> None:
    with pytest.raises(Unsupported):
        value(formula)


def test_references_go_round_the_edge_of_the_sheet(tmp_path: Path) -> None:
    assert parse("=A1") == ("cells", "", (1, 1, False, False), (1, 1, False, False))
    assert parse("=$B:$C") == ("cells", "", (1, 2, True, True), (1_048_576, 3, True, True))


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("today", (3, 6), (3, 6)),
        ("last7Days", (2, 29), (3, 6)),
        ("thisWeek", (3, 3), (3, 9)),
        ("lastWeek", (2, 25), (3, 2)),
        ("nextWeek", (3, 10), (3, 16)),
        ("thisMonth", (3, 1), (3, 31)),
        ("lastMonth", (2, 1), (2, 29)),
        ("nextMonth", (4, 1), (4, 30)),
    ],
)
def test_periods(name: str, first: tuple[int, int], last: tuple[int, int]) -> None:
    assert period(name, TODAY) == (datetime.date(2024, *first), datetime.date(2024, *last))
