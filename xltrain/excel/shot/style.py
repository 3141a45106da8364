"""What a cell looks like: fonts, fills, borders, alignment and number formats of styles.xml and the theme."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar
from xml.etree.ElementTree import Element

from xltrain.excel.shot.attributes import child, flag, is_hex, local, real, whole
from xltrain.excel.shot.colour import INDEXED, OFFICE, Palette, blended
from xltrain.language import current

BLACK, WHITE = "#000000", "#FFFFFF"
_Item = TypeVar("_Item")

# Share of the pattern's own colour in what the eye sees.
_PATTERNS = {
    "darkGray": 0.75,
    "mediumGray": 0.5,
    "lightGray": 0.25,
    "gray125": 0.125,
    "gray0625": 0.0625,
    "darkHorizontal": 0.5,
    "darkVertical": 0.5,
    "darkDown": 0.5,
    "darkUp": 0.5,
    "darkGrid": 0.5,
    "darkTrellis": 0.75,
    "lightHorizontal": 0.25,
    "lightVertical": 0.25,
    "lightDown": 0.25,
    "lightUp": 0.25,
    "lightGrid": 0.44,
    "lightTrellis": 0.38,
}

_BUILT_IN = {
    0: "General",
    1: "0",
    2: "0.00",
    3: "#,##0",
    4: "#,##0.00",
    5: "$#,##0_);($#,##0)",
    6: "$#,##0_);[Red]($#,##0)",
    7: "$#,##0.00_);($#,##0.00)",
    8: "$#,##0.00_);[Red]($#,##0.00)",
    9: "0%",
    10: "0.00%",
    11: "0.00E+00",
    12: "# ?/?",
    13: "# ??/??",
    14: "m/d/yyyy",
    15: "d-mmm-yy",
    16: "d-mmm",
    17: "mmm-yy",
    18: "h:mm AM/PM",
    19: "h:mm:ss AM/PM",
    20: "h:mm",
    21: "h:mm:ss",
    22: "m/d/yyyy h:mm",
    37: "#,##0_);(#,##0)",
    38: "#,##0_);[Red](#,##0)",
    39: "#,##0.00_);(#,##0.00)",
    40: "#,##0.00_);[Red](#,##0.00)",
    41: '_(* #,##0_);_(* (#,##0);_(* "-"_);_(@_)',
    42: '_($* #,##0_);_($* (#,##0);_($* "-"_);_(@_)',
    43: '_(* #,##0.00_);_(* (#,##0.00);_(* "-"??_);_(@_)',
    44: '_($* #,##0.00_);_($* (#,##0.00);_($* "-"??_);_(@_)',
    45: "mm:ss",
    46: "[h]:mm:ss",
    47: "mm:ss.0",
    48: "##0.0E+0",
    49: "@",
}
_YEAR_MONTH, _MONTH_DAY = 'yyyy"年"m"月"', 'm"月"d"日"'
_CHINESE = {
    14: "yyyy/m/d",
    22: "yyyy/m/d h:mm",
    **dict.fromkeys((27, 36, 50, 52, 57), _YEAR_MONTH),
    **dict.fromkeys((28, 29, 51, 53, 54, 58), _MONTH_DAY),
    30: "m-d-yy",
    31: 'yyyy"年"m"月"d"日"',
    32: 'h"时"mm"分"',
    33: 'h"时"mm"分"ss"秒"',
    34: '上午/下午h"时"mm"分"',
    35: '上午/下午h"时"mm"分"ss"秒"',
    55: '上午/下午h"时"mm"分"',
    56: '上午/下午h"时"mm"分"ss"秒"',
}


@dataclass(frozen=True)
class Font:
    """`size` in points."""

    name: str = "Calibri"
    size: float = 11.0
    bold: bool = False
    italic: bool = False
    underline: str = ""
    strike: bool = False
    colour: str = BLACK
    position: str = ""  # superscript or subscript


@dataclass(frozen=True)
class Fill:
    """One colour (empty: none), a pattern of `ink` on `paper` whose mixture is `colour`, or a gradient of (position,
    colour) stops at an angle in degrees or, with `middle`, outwards from a box (left, right, top, bottom shares).
    """

    colour: str = ""
    stops: tuple[tuple[float, str], ...] = ()
    angle: float = 0.0
    pattern: str = ""
    ink: str = ""
    paper: str = ""
    middle: tuple[float, float, float, float] | None = None

    @property
    def empty(self) -> bool:
        return not (self.colour or self.stops)


@dataclass(frozen=True)
class Line:
    """A border's style and colour."""

    style: str
    colour: str = BLACK


@dataclass(frozen=True)
class Border:
    left: Line | None = None
    right: Line | None = None
    top: Line | None = None
    bottom: Line | None = None
    down: Line | None = None
    up: Line | None = None


@dataclass(frozen=True)
class Alignment:
    """`rotation` in degrees against the clock, 255 for letters below each other; `indent` in steps of three spaces."""

    horizontal: str = "general"
    vertical: str = "bottom"
    wrap: bool = False
    shrink: bool = False
    indent: int = 0
    rotation: int = 0
    last: bool = False  # whether distributed text spreads its last line too
    reading: int = 0  # 1 from left to right, 2 from right to left


@dataclass(frozen=True)
class CellStyle:
    font: Font = field(default_factory=Font)
    fill: Fill = field(default_factory=Fill)
    border: Border = field(default_factory=Border)
    alignment: Alignment = field(default_factory=Alignment)
    format: str = "General"


@dataclass(frozen=True)
class Styles:
    """The cell styles of a book by number, the font that column widths count in, the colours, the number formats by
    number, and the root of the part they are from.
    """

    cells: tuple[CellStyle, ...] = (CellStyle(),)
    normal: Font = field(default_factory=Font)
    palette: Palette = field(default_factory=Palette)
    formats: Mapping[int, str] = field(default_factory=dict)
    source: Element | None = None

    def __getitem__(self, number: int) -> CellStyle:
        return self.cells[number] if 0 <= number < len(self.cells) else self.cells[0]


def read_styles(styles: Element | None, theme: Element | None) -> Styles:
    """The styles of a book from the roots of its styles and theme parts; Excel's defaults where a part is missing."""
    colours = Palette(_theme(theme))
    if styles is None:
        return Styles(palette=colours)
    listed = [each.get("rgb", "")[-6:] for each in all_of(styles, "colors", "indexedColors")]
    own = tuple(f"#{each.upper()}" if is_hex(each) else BLACK for each in listed)
    if own:
        colours = Palette(colours.theme, own + INDEXED[len(own) :])
    fonts = [read_font(each, colours) for each in all_of(styles, "fonts")] or [Font()]
    fills = [read_fill(each, colours) for each in all_of(styles, "fills")]
    borders = [read_border(each, colours) for each in all_of(styles, "borders")]
    formats = {whole(each.get("numFmtId")): each.get("formatCode", "") for each in all_of(styles, "numFmts")}
    cells = []
    for each in all_of(styles, "cellXfs"):
        cells.append(
            CellStyle(
                _at(fonts, whole(each.get("fontId")), fonts[0]),
                _at(fills, whole(each.get("fillId")), Fill()),
                _at(borders, whole(each.get("borderId")), Border()),
                _alignment(child(each, "alignment")),
                built_in(whole(each.get("numFmtId")), formats),
            )
        )
    return Styles(tuple(cells) or (CellStyle(font=fonts[0]),), _normal(styles, fonts), colours, formats, styles)


def built_in(number: int, formats: Mapping[int, str]) -> str:
    """The code of a number format; dates in the order of the language in force, as Excel shows them."""
    if number in formats:
        return formats[number]
    chinese = _CHINESE.get(number, "")
    if chinese and (number not in _BUILT_IN or current() == "zh"):
        return chinese
    return _BUILT_IN.get(number, "General")


def read_font(element: Element, colours: Palette) -> Font:
    """A font of styles.xml, or the run properties of rich text, which are written alike."""
    found = {local(each): each for each in element}
    name = found.get("name", found.get("rFont"))
    size = found.get("sz")
    underline = found.get("u")
    colour, position = found.get("color"), found.get("vertAlign")
    return Font(
        name.get("val", "Calibri") if name is not None else "Calibri",
        _size(size.get("val", "11")) if size is not None else 11.0,
        _on(found.get("b")),
        _on(found.get("i")),
        underline.get("val", "single").replace("none", "") if underline is not None else "",
        _on(found.get("strike")),
        colours.colour(colour.attrib, BLACK) if colour is not None else BLACK,
        position.get("val", "").replace("baseline", "") if position is not None else "",
    )


def read_fill(element: Element, colours: Palette) -> Fill:
    """A fill; of a pattern also the colour that the eye sees."""
    gradient = child(element, "gradientFill")
    if gradient is not None:
        stops = []
        for each in gradient:
            colour = child(each, "color")
            if colour is not None:
                stops.append((real(each.get("position")), colours.colour(colour.attrib, WHITE)))
        middle = tuple(real(gradient.get(side)) for side in ("left", "right", "top", "bottom"))
        return Fill(
            stops=tuple(sorted(stops)),
            angle=real(gradient.get("degree")),
            middle=(middle[0], middle[1], middle[2], middle[3]) if gradient.get("type") == "path" else None,
        )
    pattern = child(element, "patternFill")
    kind = pattern.get("patternType", "none") if pattern is not None else "none"
    if pattern is None or kind == "none":
        return Fill()
    front, back = child(pattern, "fgColor"), child(pattern, "bgColor")
    ink = colours.colour(front.attrib, BLACK) if front is not None else BLACK
    if kind == "solid":
        return Fill(ink if front is not None else WHITE)
    paper = colours.colour(back.attrib, WHITE) if back is not None and back.get("indexed") != "65" else WHITE
    return pattern_fill(kind, ink, paper)


def pattern_fill(kind: str, ink: str, paper: str) -> Fill:
    """A pattern of one colour on another."""
    return Fill(blended(paper, ink, _PATTERNS.get(kind, 0.5)), pattern=kind, ink=ink, paper=paper)


def all_of(root: Element, *names: str) -> Iterable[Element]:
    found: Element | None = root
    for name in names:
        found = child(found, name) if found is not None else None
    return found if found is not None else ()


def _theme(root: Element | None) -> tuple[str, ...]:
    """Light before dark, as cell styles count, though the theme's own order is dark first."""
    scheme = next((each for each in root.iter() if local(each) == "clrScheme"), None) if root is not None else None
    if scheme is None:
        return OFFICE
    found = {}
    for each in scheme:
        for colour in each:
            digits = colour.get("lastClr") or colour.get("val") or ""
            found[local(each)] = f"#{digits.upper()}" if is_hex(digits) else ""
    names = ["lt1", "dk1", "lt2", "dk2", *(f"accent{number}" for number in range(1, 7)), "hlink", "folHlink"]
    return tuple(found.get(name) or OFFICE[index] for index, name in enumerate(names))


def _normal(root: Element, fonts: list[Font]) -> Font:
    """The font of the style Normal."""
    named: Element | None = next((each for each in all_of(root, "cellStyles") if each.get("builtinId") == "0"), None)
    bases: list[Element | None] = list(all_of(root, "cellStyleXfs"))
    base = _at(bases, whole(named.get("xfId")) if named is not None else 0, None)
    return _at(fonts, whole(base.get("fontId")) if base is not None else 0, fonts[0])


def read_border(element: Element, colours: Palette) -> Border:
    sides = {local(each): read_line(each, colours) for each in element}
    left = sides.get("left") or sides.get("start")
    right = sides.get("right") or sides.get("end")
    slant = sides.get("diagonal")
    down = slant if flag(element.get("diagonalDown")) else None
    up = slant if flag(element.get("diagonalUp")) else None
    return Border(left, right, sides.get("top"), sides.get("bottom"), down, up)


def read_line(element: Element, colours: Palette) -> Line | None:
    style = element.get("style", "none")
    if style == "none":
        return None
    colour = child(element, "color")
    return Line(style, colours.colour(colour.attrib, BLACK) if colour is not None else BLACK)


def _alignment(element: Element | None) -> Alignment:
    if element is None:
        return Alignment()
    return Alignment(
        element.get("horizontal", "general"),
        element.get("vertical", "bottom"),
        flag(element.get("wrapText")),
        flag(element.get("shrinkToFit")),
        whole(element.get("indent")),
        whole(element.get("textRotation")),
        flag(element.get("justifyLastLine")),
        whole(element.get("readingOrder")),
    )


def _size(found: str) -> float:
    return min(409.0, max(1.0, real(found) or 11.0))


def _on(element: Element | None) -> bool:
    return element is not None and flag(element.get("val"), True)


def _at(items: list[_Item], number: int, otherwise: _Item) -> _Item:
    return items[number] if 0 <= number < len(items) else otherwise
