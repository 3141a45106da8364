"""Styles from their XML."""

from xml.etree import ElementTree

import pytest

from xltrain import language
from xltrain.excel.shot.colour import Palette, blended, tinted
from xltrain.excel.shot.fonts import digit_width, line_height, missing, pieces, width
from xltrain.excel.shot.style import Border, Fill, Font, Line, built_in, read_styles

SPACE = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
STYLES = f"""<styleSheet {SPACE}>
<numFmts count="1"><numFmt numFmtId="164" formatCode="0.000"/></numFmts>
<fonts><font><sz val="11"/><color theme="1"/><name val="Calibri"/></font>
<font><b/><i val="0"/><u/><strike/><sz val="14"/><color rgb="FFC00000"/><name val="宋体"/></font></fonts>
<fills><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>
<fill><patternFill patternType="solid"><fgColor theme="4" tint="0.5"/><bgColor indexed="64"/></patternFill></fill>
<fill><gradientFill degree="90"><stop position="0"><color rgb="FFFFFFFF"/></stop>
<stop position="1"><color theme="4"/></stop></gradientFill></fill></fills>
<borders><border/><border diagonalUp="1"><left style="thin"><color auto="1"/></left><right style="none"/>
<top style="medium"><color rgb="FF00FF00"/></top><bottom/><diagonal style="hair"/></border></borders>
<cellStyleXfs><xf fontId="0"/></cellStyleXfs>
<cellXfs><xf/><xf numFmtId="164" fontId="1" fillId="2" borderId="1">
<alignment horizontal="center" vertical="top" wrapText="1" indent="2" textRotation="45"/></xf>
<xf numFmtId="14" fillId="1"/><xf fillId="3" fontId="99" borderId="77"/></cellXfs>
<cellStyles><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>
</styleSheet>"""
DRAWING = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
THEME = f"""<a:theme {DRAWING}><a:themeElements><a:clrScheme name="x">
<a:dk1><a:sysClr val="windowText" lastClr="101010"/></a:dk1><a:lt1><a:srgbClr val="fefefe"/></a:lt1>
<a:dk2><a:srgbClr val="222222"/></a:dk2><a:lt2><a:srgbClr val="dddddd"/></a:lt2>
<a:accent1><a:srgbClr val="4472C4"/></a:accent1></a:clrScheme></a:themeElements></a:theme>"""


def test_reads_every_part_of_a_style() -> None:
    styles = read_styles(ElementTree.fromstring(STYLES), ElementTree.fromstring(THEME))
    assert styles[0].font == Font(colour="#101010")
    style = styles[1]
    assert style.font == Font("宋体", 14, True, False, "single", True, "#C00000")
    assert style.fill.colour == "#A2B8E1"
    assert style.border == Border(left=Line("thin"), top=Line("medium", "#00FF00"), up=Line("hair"))
    assert (style.alignment.horizontal, style.alignment.vertical, style.alignment.wrap) == ("center", "top", True)
    assert (style.alignment.indent, style.alignment.rotation) == (2, 45)
    assert style.format == "0.000"
    assert styles[2].fill.colour == "#DFDFDF"
    assert styles[3].fill == Fill(stops=((0.0, "#FFFFFF"), (1.0, "#4472C4")), angle=90)
    assert styles[3].font == styles[0].font


def test_stands_in_for_missing_parts() -> None:
    assert read_styles(None, None)[7].font == Font()
    assert read_styles(ElementTree.fromstring(f"<styleSheet {SPACE}/>"), None)[0].format == "General"


def test_dates_follow_the_language() -> None:
    assert built_in(14, {}) == "m/d/yyyy"
    assert built_in(31, {}) == 'yyyy"年"m"月"d"日"'
    language.use("zh")
    try:
        assert built_in(14, {}) == "yyyy/m/d"
    finally:
        language.use("")
    assert built_in(14, {14: "0"}) == "0"


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"rgb": "FF12AB34"}, "#12AB34"),
        ({"theme": "0"}, "#FFFFFF"),
        ({"theme": "1"}, "#000000"),
        ({"theme": "99"}, "#ABCDEF"),
        ({"indexed": "10"}, "#FF0000"),
        ({"indexed": "64"}, "#ABCDEF"),
        ({"auto": "1"}, "#ABCDEF"),
        ({"rgb": "nonsense"}, "#ABCDEF"),
        ({"theme": "0", "tint": "-0.25"}, "#BFBFBF"),
    ],
)
def test_colours(attributes: dict[str, str], expected: str) -> None:
    assert Palette().colour(attributes, "#ABCDEF") == expected


def test_tints_and_blends() -> None:
    assert tinted("#000000", 0.5) == "#808080"
    assert tinted("#4472C4", 0) == "#4472C4"
    assert blended("#FFFFFF", "#000000", 0.25) == "#BFBFBF"


def test_widths_count_in_excels_digits() -> None:
    assert digit_width(Font()) == 7
    assert digit_width(Font("Arial", 10)) == 7
    assert digit_width(Font("等线")) == 8
    assert line_height(Font()) == 20
    assert line_height(Font("Arial", 10)) == 17
    assert 6.9 < width("0", Font()) < 7.1
    assert width("汉", Font()) == pytest.approx(11 * 96 / 72)


def test_letters_that_no_font_has_become_dots() -> None:
    assert [piece.text for piece in pieces("a😀b\u200d汉", Font())] == ["a", "·", "b", "汉"]
    assert missing("a😀b\u200d汉", Font()) == {"😀"}
    assert [piece.text for piece in pieces("Φύλλο", Font())] == ["Φυλλο"]


def test_quotes_and_dots_suit_the_letters_beside_them() -> None:
    assert [(piece.text, piece.family) for piece in pieces("a · b", Font())] == [
        ("a ", ""),
        ("·", "Noto Sans CJK JP"),
        (" b", ""),
    ]
    assert {piece.family for piece in pieces("他说“好”", Font())} == {""}
    assert width("“a”", Font()) < width("“好”", Font())
