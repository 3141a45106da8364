"""DrawingML's colours, fills, lines and fonts, with the theme and what Excel takes where a chart says nothing."""

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from xml.etree.ElementTree import Element

from xltrain.excel.shot.attributes import child, flag, is_hex, local, real
from xltrain.excel.shot.chart.ink import NO_PAINT, NO_STROKE, Paint, Stroke
from xltrain.excel.shot.chart.model import Lettering, Look
from xltrain.excel.shot.colour import OFFICE, parts
from xltrain.excel.shot.style import Font

EMU = 9525.0  # to the pixel
_NAMES = {
    "lt1": 0,
    "bg1": 0,
    "dk1": 1,
    "tx1": 1,
    "lt2": 2,
    "bg2": 2,
    "dk2": 3,
    "tx2": 3,
    **{f"accent{number}": 3 + number for number in range(1, 7)},
    "hlink": 10,
    "folHlink": 11,
    "phClr": 4,
}
_PRESETS = {
    "black": "#000000",
    "white": "#FFFFFF",
    "red": "#FF0000",
    "green": "#008000",
    "blue": "#0000FF",
    "yellow": "#FFFF00",
    "gray": "#808080",
    "grey": "#808080",
    "orange": "#FFA500",
    "purple": "#800080",
    "cyan": "#00FFFF",
    "magenta": "#FF00FF",
    "lime": "#00FF00",
    "navy": "#000080",
    "silver": "#C0C0C0",
    "brown": "#A52A2A",
    "pink": "#FFC0CB",
}


@dataclass(frozen=True)
class Theme:
    """The theme's colours in the order of cell styles, its fonts for text, and the chart's style number."""

    colours: Sequence[str] = OFFICE
    latin: str = "Calibri"
    heading: str = "Calibri"
    eastern: str = ""
    style: int = 2

    def colour(self, name: str) -> str:
        place = _NAMES.get(name, 1)
        return self.colours[place] if place < len(self.colours) else OFFICE[place]

    def series(self, index: int, count: int) -> str:
        """The colour of the series at a place among `count`, under the chart's style."""
        group = (self.style - 1) % 8
        if group == 1:
            cycles, accent = -(-max(count, index + 1) // 6), f"accent{index % 6 + 1}"
            share = (index // 6 + 1) / (cycles + 1) * 1.4 - 0.7
        else:
            accent = "tx1" if group == 0 else f"accent{group - 1}"
            share = (index + 1) / (max(count, index + 1) + 1) * 1.4 - 0.7
            if group == 0:
                share = 0.45 + 0.4 * share
        found = self.colour(accent)
        return _mixed(found, share)

    @property
    def text(self) -> str:
        return self.colour("tx1") if self.style <= 40 else self.colour("bg1")

    @property
    def paper(self) -> str:
        return self.colour("bg1") if self.style <= 40 else self.colour("tx1")

    @property
    def grey(self) -> str:
        """Axes, grid lines and the frame: the text's colour at 75 %."""
        return _mixed(self.text, 0.25) if self.text != "#000000" else "#868686"

    @property
    def light_grey(self) -> str:
        return _mixed(self.text, 0.5) if self.text != "#000000" else "#B7B7B7"


def read_theme(root: Element | None, colours: Sequence[str]) -> Theme:
    """The theme of a book; its colours come with the book's styles."""
    found = {"majorFont": "Calibri", "minorFont": "Calibri"}
    eastern = ""
    for each in root.iter() if root is not None else ():
        if local(each) in found:
            latin, east = child(each, "latin"), child(each, "ea")
            found[local(each)] = (latin.get("typeface") if latin is not None else "") or "Calibri"
            eastern = (east.get("typeface") if east is not None else "") or eastern
    return Theme(colours, found["minorFont"], found["majorFont"], eastern)


def read_colour(element: Element | None, theme: Theme) -> tuple[str, float]:
    """The colour and opacity that a fill's child names; an empty text for none."""
    for each in element if element is not None else ():
        kind, value = local(each), each.get("val", "")
        if kind == "srgbClr":
            found = f"#{value.upper()}" if is_hex(value) else "#000000"
        elif kind == "schemeClr":
            found = theme.colour(value)
        elif kind == "sysClr":
            last = each.get("lastClr", "")
            found = f"#{last.upper()}" if is_hex(last) else "#FFFFFF" if value == "window" else "#000000"
        elif kind == "prstClr":
            found = _preset(value)
        elif kind == "scrgbClr":
            found = _hex([_gamma(real(each.get(part)) / 100_000) for part in "rgb"])
        elif kind == "hslClr":
            hue, saturation, light = (
                real(each.get("hue")) / 21_600_000,
                real(each.get("sat")) / 100_000,
                real(each.get("lum")) / 100_000,
            )
            found = _hex(colorsys.hls_to_rgb(hue % 1, light, saturation))
        else:
            continue
        return _changed(found, each)
    return "", 1.0


def _preset(name: str) -> str:
    for start, factor in (("dk", 0.55), ("lt", 1.3), ("dark", 0.55), ("light", 1.3)):
        if name.startswith(start) and name[len(start) :].lower() in _PRESETS:
            plain = parts(_PRESETS[name[len(start) :].lower()])
            return _hex([min(1.0, part / 255 * factor) for part in plain])
    return _PRESETS.get(name, "#000000")


def _changed(colour: str, element: Element) -> tuple[str, float]:
    """A colour after its transformations, in their order."""
    opacity = 1.0
    red, green, blue = (part / 255 for part in parts(colour))
    for each in element:
        kind, share = local(each), real(each.get("val")) / 100_000
        if kind == "alpha":
            opacity = min(1.0, max(0.0, share))
        elif kind in ("tint", "shade"):
            shift = 1 - share if kind == "tint" else 0.0
            red, green, blue = (_gamma(_linear(part) * share + shift) for part in (red, green, blue))
        elif kind in ("inv", "gray"):
            grey = 0.3 * red + 0.59 * green + 0.11 * blue
            red, green, blue = (1 - red, 1 - green, 1 - blue) if kind == "inv" else (grey, grey, grey)
        elif kind[:3] in ("lum", "sat", "hue"):
            hue, light, saturation = colorsys.rgb_to_hls(red, green, blue)
            if kind.startswith("hue"):
                hue = (hue * share if kind == "hueMod" else hue + share * 100_000 / 21_600_000) % 1
            elif kind.startswith("lum"):
                light = _part(light, kind[3:], share)
            else:
                saturation = _part(saturation, kind[3:], share)
            red, green, blue = colorsys.hls_to_rgb(hue, light, saturation)
    return _hex((red, green, blue)), opacity


def _part(value: float, how: str, share: float) -> float:
    found = value * share if how == "Mod" else value + share if how == "Off" else share
    return min(1.0, max(0.0, found))


def _mixed(colour: str, share: float) -> str:
    """Towards white for a positive share, towards black for a negative one, in light."""
    if not share:
        return colour
    kept = 1 - abs(share)
    shift = share if share > 0 else 0.0
    return _hex([_gamma(_linear(part / 255) * kept + shift) for part in parts(colour)])


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)


def _gamma(part: float) -> float:
    part = min(1.0, max(0.0, part))
    return part * 12.92 if part <= 0.0031308 else float(1.055 * part ** (1 / 2.4) - 0.055)


def _hex(shares: Sequence[float]) -> str:
    return "#" + "".join(f"{round(min(1.0, max(0.0, share)) * 255):02X}" for share in shares)


def read_look(element: Element | None, theme: Theme, line: Stroke | None = None) -> Look:
    """The fill and outline of `spPr`; `line` is what a line has that is only partly said."""
    if element is None:
        return Look()
    return Look(read_fill(element, theme), read_line(child(element, "ln"), theme, line))


def read_fill(element: Element, theme: Theme) -> Paint | None:
    """The fill among the children of an element; None where there is none."""
    for each in element:
        kind = local(each)
        if kind == "noFill":
            return NO_PAINT
        if kind == "solidFill":
            colour, opacity = read_colour(each, theme)
            return Paint(colour, opacity) if colour else None
        if kind == "gradFill":
            return _gradient(each, theme)
        if kind == "pattFill":
            front, opacity = read_colour(child(each, "fgClr"), theme)
            back, _ = read_colour(child(each, "bgClr"), theme)
            return Paint(front or "#000000", opacity, pattern=each.get("prst", "pct50"), back=back or "#FFFFFF")
        if kind == "blipFill":
            return Paint("#D9D9D9")
    return None


def _gradient(element: Element, theme: Theme) -> Paint | None:
    listed = child(element, "gsLst")
    stops = []
    for each in listed if listed is not None else ():
        colour, opacity = read_colour(each, theme)
        if colour:
            stops.append((min(1.0, max(0.0, real(each.get("pos")) / 100_000)), colour, opacity))
    stops.sort(key=lambda stop: stop[0])
    if len(stops) < 2:
        return Paint(stops[0][1], stops[0][2]) if stops else None
    turned = child(element, "lin")
    angle = real(turned.get("ang")) / 60_000 if turned is not None else 0.0
    return Paint(stops=tuple(stops), angle=angle, round=child(element, "path") is not None)


def read_line(element: Element | None, theme: Theme, usual: Stroke | None = None) -> Stroke | None:
    """A line; what it leaves open comes from `usual`. None where nothing is said of it at all."""
    if element is None:
        return None
    start = usual or Stroke(theme.text)
    fill = read_fill(element, theme)
    if fill is not None and not fill.shows:
        return NO_STROKE
    if fill is not None:
        colour, opacity = (fill.colour, fill.opacity) if fill.colour else fill.stops[0][1:]
        start = replace(start, colour=colour, opacity=opacity)
    if "w" in element.attrib:
        start = replace(start, width=min(200.0, max(0.5, real(element.get("w")) / EMU)))
    dash = child(element, "prstDash")
    if dash is not None:
        start = replace(start, dash=dash.get("val", "").replace("solid", ""))
    return start


def read_lettering(body: Element | None, usual: Lettering, theme: Theme) -> Lettering:
    """The font and turn of `txPr` or `rich` (of its first paragraph)."""
    if body is None:
        return usual
    found = turned(child(body, "bodyPr"), usual)
    properties = child(child(child(body, "p"), "pPr"), "defRPr")
    return replace(found, font=read_run(properties, found.font, theme))


def turned(element: Element | None, usual: Lettering) -> Lettering:
    """The lettering with the turn that `bodyPr` gives."""
    if element is None:
        return usual
    vertical = element.get("vert", "horz")
    if vertical in ("vert", "eaVert"):
        return replace(usual, turn=90.0)
    if vertical == "vert270":
        return replace(usual, turn=-90.0)
    if vertical.startswith("wordArt"):
        return replace(usual, turn=0.0, upright=True)
    turn = element.get("rot")
    if turn is None or abs(real(turn)) > 5_400_000:  # -60000000 leaves it to the program
        return usual
    return replace(usual, turn=real(turn) / 60_000)


def read_run(element: Element | None, usual: Font, theme: Theme) -> Font:
    """A font with the changes that run properties make."""
    if element is None:
        return usual
    found = usual
    if "sz" in element.attrib:
        found = replace(found, size=min(400.0, max(1.0, real(element.get("sz")) / 100)))
    if "b" in element.attrib:
        found = replace(found, bold=flag(element.get("b")))
    if "i" in element.attrib:
        found = replace(found, italic=flag(element.get("i")))
    if element.get("u", "none") != "none":
        found = replace(found, underline="single")
    if element.get("strike", "noStrike") != "noStrike":
        found = replace(found, strike=True)
    colour, _ = read_colour(child(element, "solidFill"), theme)
    face = child(element, "latin")
    name = face.get("typeface", "") if face is not None else ""
    name = {"+mn-lt": theme.latin, "+mj-lt": theme.heading}.get(name, name)
    if colour or name:
        found = replace(found, colour=colour or found.colour, name=name or found.name)
    return found
