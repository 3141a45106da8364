"""Table styles: the sixty that Excel brings, made from the theme's colours, and those of the book."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from xltrain.excel.shot.attributes import children, whole
from xltrain.excel.shot.colour import Palette, tinted
from xltrain.excel.shot.difference import Difference, differences
from xltrain.excel.shot.style import Fill, Line, Styles, all_of

_NAME = re.compile(r"TableStyle(Light|Medium|Dark)(\d{1,2})", re.I)
_COUNTS = {"light": 21, "medium": 28, "dark": 11}
_PAPER, _INK = 0, 1  # theme colours: the lightest and the darkest


@dataclass(frozen=True)
class TableStyle:
    """What each part of a table (wholeTable, headerRow ...) changes; how many rows or columns a stripe has."""

    parts: Mapping[str, Difference] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)


def table_style(name: str, styles: Styles) -> TableStyle:
    """The style of this name; an empty one where there is none."""
    found = own_table_style(name, styles)
    if found is not None:
        return found
    match = _NAME.fullmatch(name)
    number = int(match[2]) if match else 0
    if match is None or not 1 <= number <= _COUNTS[match[1].lower()]:
        return TableStyle()
    family = {"light": _light, "medium": _medium, "dark": _dark}[match[1].lower()]
    return TableStyle(family(number - 1, _Colours(styles.palette)))


def own_table_style(name: str, styles: Styles) -> TableStyle | None:
    """The style of this name that the book itself brings, for tables or pivot tables."""
    listed = all_of(styles.source, "tableStyles") if styles.source is not None else ()
    element: Element | None = next(
        (each for each in listed if each.get("name", "").casefold() == name.casefold()), None
    )
    if element is None:
        return None
    looks = differences(styles)
    parts, sizes = {}, {}
    for each in children(element, "tableStyleElement"):
        number = whole(each.get("dxfId"), -1)
        if 0 <= number < len(looks):
            parts[each.get("type", "")] = looks[number]
        sizes[each.get("type", "")] = max(1, whole(each.get("size"), 1))
    return TableStyle(parts, sizes)


@dataclass(frozen=True)
class _Colours:
    palette: Palette

    def __call__(self, theme: int, tint: float = 0.0) -> str:
        return tinted(self.palette.theme[theme], tint)


def _part(font: str = "", bold: bool = False, fill: str = "", /, **sides: tuple[str, str]) -> Difference:
    """A part with a font colour, a fill, and sides as (style, colour)."""
    changes = {"colour": font} if font else {}
    return Difference(
        {**changes, **({"bold": True} if bold else {})},
        Fill(fill) if fill else None,
        {side: Line(*line) for side, line in sides.items()},
    )


def _accent(index: int) -> int:
    """The theme colour of a family's member: the ink for the first, then the six accents."""
    return _INK if index == 0 else 3 + index


def _stripe(colours: _Colours, index: int, grey: float = -0.15, light: float = 0.8) -> str:
    return colours(_PAPER, grey) if index == 0 else colours(_accent(index), light)


def _light(number: int, colours: _Colours) -> dict[str, Difference]:
    group, index = divmod(number, 7)
    accent, ink = colours(_accent(index)), colours(_INK)
    thin = ("thin", accent)
    striped = _part("", False, _stripe(colours, index))
    if group == 0:
        letters = accent if index == 0 else colours(_accent(index), -0.25)
        bold = _part(letters, True)
        return {
            "wholeTable": _part(letters, top=thin, bottom=thin),
            "headerRow": _part(letters, True, bottom=thin),
            "totalRow": _part(letters, True, top=thin),
            "firstColumn": bold,
            "lastColumn": bold,
            "firstRowStripe": striped,
            "firstColumnStripe": striped,
        }
    bold, around = _part(ink, True), {"left": thin, "right": thin, "top": thin, "bottom": thin}
    if group == 1:
        return {
            "wholeTable": _part(ink, **around),
            "headerRow": _part(colours(_PAPER), True, accent),
            "totalRow": _part(ink, True, top=("double", accent)),
            "firstColumn": bold,
            "lastColumn": bold,
            "firstRowStripe": _part(top=thin, bottom=thin),
            "firstColumnStripe": _part(left=thin, right=thin),
        }
    return {
        "wholeTable": _part(ink, **around, vertical=thin, horizontal=thin),
        "headerRow": _part(ink, True, bottom=("medium", accent)),
        "totalRow": _part(ink, True, top=("double", accent)),
        "firstColumn": bold,
        "lastColumn": bold,
        "firstRowStripe": striped,
        "firstColumnStripe": striped,
    }


def _medium(number: int, colours: _Colours) -> dict[str, Difference]:
    group, index = divmod(number, 7)
    accent, ink, paper = colours(_accent(index)), colours(_INK), colours(_PAPER)
    line = ("thin", accent if index == 0 else colours(_accent(index), 0.4))
    around = {"left": line, "right": line, "top": line, "bottom": line}
    bold, inverse = _part(ink, True), _part(paper, True, accent)
    if group == 0:
        striped = _part("", False, _stripe(colours, index))
        return {
            "wholeTable": _part(ink, **around, horizontal=line),
            "headerRow": inverse,
            "totalRow": _part(ink, True, top=("double", accent)),
            "firstColumn": bold,
            "lastColumn": bold,
            "firstRowStripe": striped,
            "firstColumnStripe": striped,
        }
    strong = _part("", False, _stripe(colours, index, -0.35, 0.6))
    if group == 1:
        white = ("thin", paper)
        return {
            "wholeTable": _part(ink, False, _stripe(colours, index), vertical=white, horizontal=white),
            "headerRow": _part(paper, True, accent, bottom=("thick", paper)),
            "totalRow": _part(paper, True, accent, top=("thick", paper)),
            "firstColumn": inverse,
            "lastColumn": inverse,
            "firstRowStripe": strong,
            "firstColumnStripe": strong,
        }
    if group == 2:
        grey, edge, thin = _part("", False, colours(_PAPER, -0.15)), ("medium", ink), ("thin", ink)
        inner = {"left": thin, "right": thin, "vertical": thin, "horizontal": thin} if index == 0 else {}
        return {
            "wholeTable": _part(ink, **inner, top=edge, bottom=edge),
            "headerRow": _part(paper, True, accent, bottom=edge),
            "totalRow": _part(top=("double", ink)),
            "firstColumn": inverse,
            "lastColumn": inverse,
            "firstRowStripe": grey,
            "firstColumnStripe": grey,
        }
    return {
        "wholeTable": _part(ink, False, _stripe(colours, index), **around, vertical=line, horizontal=line),
        "headerRow": bold,
        "totalRow": _part(ink, True, top=("medium", accent)),
        "firstColumn": bold,
        "lastColumn": bold,
        "firstRowStripe": strong,
        "firstColumnStripe": strong,
    }


def _dark(number: int, colours: _Colours) -> dict[str, Difference]:
    ink, paper = colours(_INK), colours(_PAPER)
    if number < 7:
        base, white = _accent(number), ("medium", paper)
        shade = [0.45, 0.15, 0.25] if number == 0 else [0.0, -0.5, -0.25]  # table, total, stripes and columns
        dark = colours(base, shade[2])
        return {
            "wholeTable": _part(paper, False, colours(base, shade[0])),
            "headerRow": _part(paper, True, ink, bottom=white),
            "totalRow": _part(paper, True, colours(base, shade[1]), top=white),
            "firstColumn": _part(paper, True, dark, right=white),
            "lastColumn": _part(paper, True, dark, left=white),
            "firstRowStripe": _part("", False, dark),
            "firstColumnStripe": _part("", False, dark),
        }
    index = 0 if number == 7 else 2 * (number - 7) - 1  # pairs of accents: 1 and 2, 3 and 4, 5 and 6
    strong, bold = _part("", False, _stripe(colours, index, -0.35, 0.6)), _part(ink, True)
    return {
        "wholeTable": _part("", False, _stripe(colours, index)),
        "headerRow": _part(paper, False, ink if index == 0 else colours(_accent(index + 1))),
        "totalRow": _part(ink, True, top=("double", ink)),
        "firstColumn": bold,
        "lastColumn": bold,
        "firstRowStripe": strong,
        "firstColumnStripe": strong,
    }
