"""Differences between styles: what a conditional format or a part of a table style changes of a cell's look."""

from dataclasses import dataclass, field, replace
from typing import Any
from xml.etree.ElementTree import Element

from xltrain.excel.shot.attributes import child, local, whole
from xltrain.excel.shot.colour import Palette
from xltrain.excel.shot.style import (
    BLACK,
    WHITE,
    CellStyle,
    Fill,
    Font,
    Line,
    Styles,
    all_of,
    built_in,
    pattern_fill,
    read_fill,
    read_font,
    read_line,
)

_FIELDS = {
    "b": "bold",
    "i": "italic",
    "u": "underline",
    "strike": "strike",
    "color": "colour",
    "sz": "size",
    "name": "name",
    "vertAlign": "position",
}
SIDES = ("left", "right", "top", "bottom")


@dataclass(frozen=True)
class Difference:
    """Only what is set. `sides` maps left, right, top, bottom, and in tables vertical and horizontal, to lines."""

    font: dict[str, Any] = field(default_factory=dict)
    fill: Fill | None = None
    sides: dict[str, Line | None] = field(default_factory=dict)
    format: str | None = None

    def over(self, style: CellStyle) -> CellStyle:
        """The style with this on top."""
        font = replace(style.font, **self.font) if self.font else style.font
        sides = {side: line for side, line in self.sides.items() if side in SIDES}
        border = replace(style.border, **sides) if sides else style.border
        fill = style.fill if self.fill is None else self.fill
        return replace(style, font=font, fill=fill, border=border, format=self.format or style.format)

    def under(self, style: CellStyle, normal: CellStyle) -> CellStyle:
        """The style with this where it says nothing of its own, as a table style works."""
        changed = {
            name: value for name, value in self.font.items() if getattr(style.font, name) == getattr(normal.font, name)
        }
        font = replace(style.font, **changed) if changed else style.font
        fill = self.fill if self.fill is not None and style.fill.empty else style.fill
        own = style.border
        sides = {side: self.sides[side] for side in SIDES if self.sides.get(side) and getattr(own, side) is None}
        border = replace(own, **sides) if sides else own
        return replace(style, font=font, fill=fill, border=border)

    def before(self, other: "Difference") -> "Difference":
        """Both together; where they disagree, this one."""
        return Difference(
            {**other.font, **self.font},
            other.fill if self.fill is None else self.fill,
            {**other.sides, **self.sides},
            self.format or other.format,
        )


def read_difference(element: Element, styles: Styles) -> Difference:
    """A dxf element."""
    font, fill, border = child(element, "font"), child(element, "fill"), child(element, "border")
    number = child(element, "numFmt")
    code = None
    if number is not None:
        code = number.get("formatCode") or built_in(whole(number.get("numFmtId")), styles.formats)
    return Difference(
        _font(font, styles.palette) if font is not None else {},
        _fill(fill, styles.palette) if fill is not None else None,
        {_side(each): read_line(each, styles.palette) for each in border} if border is not None else {},
        code,
    )


def differences(styles: Styles) -> list[Difference]:
    """The dxfs of a book."""
    if styles.source is None:
        return []
    return [read_difference(each, styles) for each in all_of(styles.source, "dxfs")]


def _side(element: Element) -> str:
    return {"start": "left", "end": "right"}.get(local(element), local(element))


def _font(element: Element, colours: Palette) -> dict[str, Any]:
    whole_font: Font = read_font(element, colours)
    named = {local(each) for each in element}
    return {field: getattr(whole_font, field) for name, field in _FIELDS.items() if name in named}


def _fill(element: Element, colours: Palette) -> Fill:
    """A solid fill of a difference has its colour in the background, unlike that of a cell."""
    pattern = child(element, "patternFill")
    if pattern is None:
        return read_fill(element, colours)
    kind = pattern.get("patternType", "solid")
    front, back = child(pattern, "fgColor"), child(pattern, "bgColor")
    if kind == "none":
        return Fill()
    paper = colours.colour(back.attrib, "") if back is not None else ""
    ink = colours.colour(front.attrib, "") if front is not None else ""
    if kind == "solid":
        return Fill(paper or ink)
    return pattern_fill(kind, ink or BLACK, paper or WHITE)
