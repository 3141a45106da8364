"""Pivot tables: every built-in style, and the parts of a table that cells belong to."""

from pathlib import Path

import pytest
import xlsxwriter

from tests.excel.shot.golden_pivots import TOTAL, add_pivot
from xltrain.excel.scan import Package
from xltrain.excel.shot.pivot_styles import pivot_style
from xltrain.excel.shot.pivots import Pivot, read_pivots
from xltrain.excel.shot.scene import scene
from xltrain.excel.shot.style import Line, Styles

STYLES = Styles()
NAMES = [f"PivotStyle{kind}{number}" for kind in ("Light", "Medium", "Dark") for number in range(1, 29)]


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "book.xlsx"
    with xlsxwriter.Workbook(str(path)) as made:
        made.add_worksheet("S")
    return path


def pivots(path: Path) -> list[Pivot]:
    with Package(path) as package:
        return list(read_pivots(package, package.sheets[0].part, STYLES))


@pytest.mark.parametrize("name", NAMES)
def test_every_style_shows_headers_totals_and_headings(name: str) -> None:
    parts = pivot_style(name, STYLES).parts
    assert {"headerRow", "totalRow", "firstRowSubheading", "pageFieldLabels"} & parts.keys()
    assert all(part.font or part.fill or part.sides for part in parts.values())
    lines = [line for part in parts.values() for line in part.sides.values() if line is not None]
    assert all(line.style in ("thin", "medium", "double") and line.colour.startswith("#") for line in lines)


def test_styles_of_a_family_differ_by_their_accent() -> None:
    second, third = (pivot_style(f"PivotStyleMedium{number}", STYLES).parts["headerRow"] for number in (9, 10))
    assert (second.fill.colour if second.fill else "") == STYLES.palette.theme[4]
    assert (third.fill.colour if third.fill else "") == STYLES.palette.theme[5]


def test_what_is_written_for_the_grey_member_alone_is_only_there() -> None:
    grey, accent = (pivot_style(f"PivotStyleLight{number}", STYLES).parts["headerRow"] for number in (22, 23))
    assert (grey.font.get("bold"), accent.font.get("bold")) == (True, None)


def test_light_2_has_no_bold_at_its_second_level() -> None:
    second, third = (pivot_style(f"PivotStyleLight{number}", STYLES).parts for number in (2, 3))
    assert (second["secondSubtotalRow"].font.get("bold"), third["secondSubtotalRow"].font.get("bold")) == (None, True)


def test_a_header_may_clear_the_lines_of_the_whole() -> None:
    parts = pivot_style("PivotStyleMedium16", STYLES).parts
    assert parts["wholeTable"].sides["vertical"] == Line("thin", "#B8CCE4")
    assert parts["headerRow"].sides == dict.fromkeys(("left", "right", "vertical"))


@pytest.mark.parametrize("name", ["PivotStyleLight0", "PivotStyleDark29", "TableStyleLight1", "other", ""])
def test_there_is_no_other_style(name: str) -> None:
    assert not pivot_style(name, STYLES).parts


def test_levels_alternate_below_the_first(book: Path) -> None:
    rows = (
        '<i><x/></i><i r="1"><x/></i><i r="2"><x/></i><i r="3"><x/></i><i t="sum" r="2"><x/></i><i t="blank"><x/></i>'
    )
    add_pivot(book, "PivotStyleLight1", rows + TOTAL, ref="A1:C8", fields=(4, 1))
    assert list(pivots(book)[0].rows.items()) == [
        (2, "firstRowSubheading"),
        (3, "secondRowSubheading"),
        (4, "thirdRowSubheading"),
        (6, "thirdSubtotalRow"),
        (7, "blankRow"),
        (8, "totalRow"),
    ]


def test_headings_and_totals_can_be_switched_off(book: Path) -> None:
    rows = '<i><x/></i><i r="1"><x/></i>'
    add_pivot(book, "PivotStyleLight1", rows, TOTAL, fields=(2, 1), shown='showRowHeaders="0" showLastColumn="0"')
    found = pivots(book)[0]
    assert (found.rows, found.columns, found.shown, found.headers) == ({}, {}, frozenset(), {})


def test_page_fields_stand_above_and_beside_each_other(book: Path) -> None:
    place = 'firstDataRow="1" firstDataCol="1" rowPageCount="2" colPageCount="2"'
    add_pivot(book, "PivotStyleLight16", "", ref="B5:D9", place=place, pages=3)
    assert list(pivots(book)[0].pages) == [(2, 2), (2, 3), (3, 2), (3, 3), (2, 5), (2, 6)]


@pytest.mark.parametrize(
    ("ref", "place"),
    [
        ("A1:XFD1048576", 'firstDataRow="1" firstDataCol="1"'),
        ("A1:C5", 'firstHeaderRow="999999999" firstDataRow="999999999" firstDataCol="-7" rowPageCount="999999999"'),
        ("nonsense", ""),
        ("A1", 'firstDataRow="x"'),
    ],
)
def test_a_pivot_table_that_lies_about_its_place_harms_nobody(book: Path, ref: str, place: str) -> None:
    add_pivot(book, "PivotStyleDark9", TOTAL * 50, TOTAL * 50, ref=ref, place=place, fields=(3, 3), pages=2)
    assert len(scene(book, "S!A1:D9").cells) == 36
