"""Pivot styles: the eighty-four that Excel brings, made from the theme's colours, and those of the book.

Light, Medium and Dark have four families of seven: one in grey, six in the accents. A family is a table of its parts:
font, fill and lines. Colours are P (paper), I (ink), A (the accent) or B (the first accent) with a tint in percent;
`A+80|P-15` is the accent's and the grey member's. A part that has more in grey stands there a second time.
"""

import re
from functools import cache

from xltrain.excel.shot.colour import Palette, tinted
from xltrain.excel.shot.difference import Difference
from xltrain.excel.shot.style import Fill, Line, Styles
from xltrain.excel.shot.table_styles import TableStyle, own_table_style

_NAME = re.compile(r"PivotStyle(Light|Medium|Dark)(\d{1,2})", re.I)
_FAMILY = 7
_GREY = "grey:"  # before a part of the grey member alone
_BOX = ("left", "right", "top", "bottom")
_SIDES = {
    "box": _BOX,
    "rows": ("top", "bottom"),
    "columns": ("left", "right"),
    "grid": (*_BOX, "vertical", "horizontal"),
}

_LIGHT = (
    """
wholeTable: font I; horizontal thin A+80|P-15
headerRow: bold I; rows thin A|I+50
totalRow: bold I; fill P; rows thin A|I+50
firstRowStripe: fill A+80|P-15; rows thin A+60|P-35
firstColumnStripe: fill A+80|P-15; grid thin A+60|P-35
firstSubtotalRow firstRowSubheading: bold I
secondSubtotalRow secondRowSubheading: bold A|I+50
pageFieldLabels pageFieldValues: rows thin A|I+50
""",
    """
wholeTable: font A-25|I; horizontal thin A+80|P-15
headerRow: bold I; box medium A|I+50; horizontal thin P
totalRow: bold I; box medium A|I+50
firstColumn: right thin A|I+50
firstRowStripe: box thin A+60|P-35
firstColumnStripe: box thin A|P-45
firstSubtotalRow: bold I; fill A+80|P-15; rows thin A+60|P-35
secondSubtotalRow secondRowSubheading: bold I
secondColumnSubheading: top thin A+80|P-35
thirdColumnSubheading: top thin A+80|P
firstRowSubheading: bold I; fill A+80|P-15; bottom thin P
""",
    """
headerRow: bold I; fill A+80|P-15; bottom thin A+40|P-35
totalRow: bold I; fill A+80|P-15; top thin A+40|P-35
firstRowStripe firstSubtotalColumn: fill P-15
firstColumnStripe: fill P-15; columns thin P-25
firstSubtotalRow: bold I; rows thin A|I+50
secondSubtotalRow secondRowSubheading: bold I
firstRowSubheading: bold I; bottom thin A+40|P-35
pageFieldLabels pageFieldValues: fill A+80|P-15; bottom thin A+40|P-35
""",
    """
wholeTable: font A-25|I; box thin A|I+50; vertical thin A|I+50
headerRow: font A-25; bottom thin A
totalRow: font A-25; top thin A
firstColumn firstSubtotalColumn firstSubtotalRow secondSubtotalRow pageFieldLabels: font A-25
firstRowStripe: fill A+80|P-15; rows thin I+50
firstColumnStripe: fill A+80|P-15
grey:headerRow: bold I; bottom thin I+50
grey:totalRow: bold I; top thin I+50
grey:firstColumn firstSubtotalRow secondSubtotalRow pageFieldLabels: bold I
grey:firstSubtotalColumn: bold I; columns thin P-35
""",
)
_MEDIUM = (
    """
wholeTable: font I; horizontal thin A+80|P-15
headerRow: font P; fill A-25|I+50; horizontal thin A-25|I+50
totalRow: bold I; top double A-25|I+50
firstRowStripe: rows thin A-25|I+50; horizontal thin A-25|I+50
firstColumnStripe: columns thin A-25|I+50
firstHeaderCell: bold P
firstSubtotalRow: bold P; fill A+40|P-35
secondSubtotalRow: bold I; fill P-15
firstColumnSubheading: bottom thin A+60|P-15
firstRowSubheading: font P; fill A+40|P-35; bottom thin A+80|P-15; horizontal thin A+40|P-15
secondRowSubheading: fill A+80|P-15; bottom thin A|P-15
pageFieldLabels pageFieldValues: rows thin A+80|P-15
""",
    """
wholeTable: font I
headerRow: bold P; fill A|I+50; top medium A-25|I+50
totalRow: bold I; top thin A-25|I; bottom medium A-25|I+50
firstRowStripe: rows thin A+40|P-25; horizontal thin A+40|P-25
firstColumnStripe: columns thin A+40
grey:firstColumnStripe: columns medium P-15
firstSubtotalColumn: bold I; box medium A+60|P-25
firstSubtotalRow: bold I; fill A+60|P-25
secondSubtotalRow secondRowSubheading: bold I
firstRowSubheading: bold I; fill A+80|P-15
pageFieldLabels pageFieldValues: fill A+80|P-15
""",
    """
wholeTable: font I; fill A+80|P-5; columns thin A+60|P-15; vertical thin A+60|P-15
headerRow totalRow: font P; fill I; columns none; vertical none
firstRowStripe: fill A+80|P-15; rows thin A+60|P-25
firstColumnStripe: fill A+80|P-15; columns thin A+60|P-25
firstSubtotalColumn: font I; fill A+60|P-25; columns thin A+40|P-35; top thin A+40|P-35
firstSubtotalRow: bold I; bottom thin A+60|P-25
secondSubtotalRow secondRowSubheading: bold I+50
firstRowSubheading thirdRowSubheading: bold I
pageFieldLabels pageFieldValues: rows thin I
""",
    """
wholeTable: font A-25|I+50; fill A+80|P-15; vertical thin P
headerRow: bold A-25|I+50; bottom thin P
totalRow: bold A-25|I+50
firstColumn pageFieldLabels: bold A-25|I+50; fill A+60|P-25
secondRowStripe secondColumnStripe: fill A+60|P-25
firstSubtotalRow secondSubtotalRow firstRowSubheading: bold I
""",
)
_DARK = (
    """
wholeTable: font I; fill A+60|P-25; horizontal thin A+80|P-15
headerRow: bold P; fill A-50|I+50; bottom thin A|P; horizontal thin A-50|I+50
totalRow: bold P; fill A-50|I+50
secondRowStripe: fill A+40|P-35
secondColumnStripe: columns thin A+80|P-15
firstSubtotalRow: bold I; bottom thin A+80|P-35
firstRowSubheading: bold I; fill A+80|P-15; rows thin A+40|P-35
secondRowSubheading: bold I
pageFieldLabels: bold P; fill A-50|I+50; horizontal thin A-50|I+50
pageFieldValues: font P; fill A-50|I+50; horizontal thin A-50|I+50
""",
    """
wholeTable: font I; fill A+80|P-15; box medium I+50
headerRow totalRow: bold P; fill I+25
secondRowStripe: rows thin A+60|P-25
firstColumnStripe secondColumnStripe: columns thin A+40|P-45
firstSubtotalRow: bold I; fill A+60|P-25
secondColumnSubheading thirdColumnSubheading: top medium A+80|P-25
firstRowSubheading: bold I; fill A+60|P-25; bottom medium A+80|P-15
secondRowSubheading: bold I
pageFieldLabels: left medium I+50; rows medium I+50
pageFieldValues: right medium I+50; rows medium I+50
""",
    """
wholeTable: font A+80|P-15; fill A|P-45
headerRow totalRow: bold P; fill I
firstRowStripe: rows thin A+40|P-35
firstColumnStripe: columns thin A+40|P-25
firstSubtotalColumn: fill A-25|I+50; box thin A+40|P-35
firstSubtotalRow secondRowSubheading pageFieldLabels: bold P
firstColumnSubheading: bottom thin A+40|P-35
firstRowSubheading: bold P; fill A-25
grey:firstRowSubheading: bold P; fill I+50; bottom thin B+80
""",
    """
wholeTable: font A+80|P-15; fill A|P-50; vertical thin P
headerRow: fill A-25|I+50; bottom medium P
totalRow: bold P; top medium P
firstColumn pageFieldLabels: fill A-25|I+50
secondRowStripe secondColumnStripe: fill A+40|P-45
firstHeaderCell firstRowSubheading secondRowSubheading: bold P
firstSubtotalRow: font A+80
grey:firstSubtotalRow: bold P-15
secondSubtotalRow: bold P|I
""",
)
_FAMILIES = {"light": _LIGHT, "medium": _MEDIUM, "dark": _DARK}


def pivot_style(name: str, styles: Styles) -> TableStyle:
    """The pivot style of this name; an empty one where there is none."""
    found = own_table_style(name, styles)
    if found is not None:
        return found
    match = _NAME.fullmatch(name)
    number = int(match[2]) - 1 if match else -1
    family = _FAMILIES[match[1].lower()] if match else ()
    if not 0 <= number < _FAMILY * len(family):
        return TableStyle()
    group, member = divmod(number, _FAMILY)
    parts = {}
    for part, looks in _listed(family[group], member == 0).items():
        parts[part] = _look(looks, member, styles.palette)
    if (family, group, member) == (_LIGHT, 0, 1):  # Excel's own exception
        for part in ("secondSubtotalRow", "secondRowSubheading"):
            parts[part].font.pop("bold", None)
    return TableStyle(parts)


@cache
def _listed(family: str, grey: bool) -> dict[str, tuple[str, ...]]:
    """The parts of a family's member with their looks as written; what is written for grey alone comes last."""
    found: dict[str, tuple[str, ...]] = {}
    for line in sorted(family.split("\n"), key=lambda line: line.startswith(_GREY)):
        names, _, looks = line.removeprefix(_GREY).partition(": ")
        if names and (grey or not line.startswith(_GREY)):
            found.update(dict.fromkeys(names.split(), tuple(looks.split("; "))))
    return found


def _look(looks: tuple[str, ...], member: int, palette: Palette) -> Difference:
    """One part, from `bold I`, `fill A+80|P-15`, `rows thin A` and their like."""
    done = Difference()
    for each in looks:
        kind, *style, name = each.split()
        colour = _colour(name, member, palette)
        if kind == "fill":
            done = Difference(done.font, Fill(colour), done.sides)
        elif kind in ("font", "bold"):
            done.font.update({"colour": colour, **({"bold": True} if kind == "bold" else {})})
        else:
            line = Line(style[0], colour) if style else None
            done.sides.update(dict.fromkeys(_SIDES.get(kind, (kind,)), line))
    return done


def _colour(name: str, member: int, palette: Palette) -> str:
    """A colour as written; empty for `none`."""
    if name == "none":
        return ""
    accent, _, grey = name.partition("|")
    found = grey if grey and member == 0 else accent
    theme = {"P": 0, "I": 1, "A": 3 + member if member else 1, "B": 4}[found[0]]
    return tinted(palette.theme[theme], int(found[1:] or 0) / 100)
