"""Drawings of a sheet: pictures, charts and shapes, and the cells that they are anchored to."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from xml.etree.ElementTree import Element

from xltrain.excel.scan import Package
from xltrain.excel.shot.attributes import child, children, descendants, flag, local, real, root, whole, words
from xltrain.excel.shot.chart.theme import Theme, read_fill, read_line, read_run, read_theme
from xltrain.excel.shot.page import Anchor, Thing
from xltrain.excel.shot.style import Font, Styles

EMU = 9525.0  # to the pixel
_MOST = 2_000  # things of one sheet that are drawn
_DEEPEST = 20
Share = tuple[float, float, float, float]


@dataclass(frozen=True)
class Picture:
    """An image part with its crop (left, top, right, bottom, shares), turn in degrees, mirrorings, opacity 0 to 1."""

    part: str
    crop: Share = (0.0, 0.0, 0.0, 0.0)
    turn: float = 0.0
    flipped: tuple[bool, bool] = (False, False)
    opacity: float = 1.0


@dataclass(frozen=True)
class Paragraph:
    runs: tuple[tuple[str, Font], ...]
    align: str = "l"


@dataclass(frozen=True)
class Shape:
    """A simple shape: its preset geometry, the paints, and the text in it."""

    geometry: str
    fill: object = None
    line: object = None
    paragraphs: tuple[Paragraph, ...] = ()
    vertical: str = "t"
    centred: bool = False  # whether the text as a whole stands in the middle
    insets: Share = (9.6, 4.8, 9.6, 4.8)
    turn: float = 0.0
    flipped: tuple[bool, bool] = (False, False)


def read_things(package: Package, sheet: str, styles: Styles) -> list[Thing]:
    """What lies over the cells of a sheet, the lowest first."""
    found: list[Thing] = []
    theme: Theme | None = None
    for kind, part in package.relations(sheet).values():
        if kind != "drawing":
            continue
        element = root(package, part)
        theme = theme or read_theme(root(package, package.related("theme")), styles.palette.theme)
        reader = _Reader(package.relations(part), theme)
        for each in element if element is not None else ():
            anchor = _anchor(each)
            if anchor is not None and len(found) < _MOST:
                found += reader.things(each, anchor)
    return found


def _anchor(element: Element) -> Anchor | None:
    kind = local(element)
    size = child(element, "ext")
    across = real(size.get("cx")) / EMU if size is not None else 0.0
    down = real(size.get("cy")) / EMU if size is not None else 0.0
    if kind == "absoluteAnchor":
        place = child(element, "pos")
        x, y = (real(place.get(name)) / EMU if place is not None else 0.0 for name in "xy")
        return Anchor(1, 1, x, y, None, (across, down))
    start, end = child(element, "from"), child(element, "to")
    if start is None or kind not in ("oneCellAnchor", "twoCellAnchor"):
        return None
    column, row, x, y = _corner(start)
    return Anchor(column, row, x, y, _corner(end) if end is not None else None, (across, down))


def _corner(element: Element) -> tuple[int, int, float, float]:
    column, row = (min(whole(words(child(element, name))), 1_048_575) + 1 for name in ("col", "row"))
    x, y = (max(0.0, real(words(child(element, name)))) / EMU for name in ("colOff", "rowOff"))
    return min(column, 16_384), row, x, y


class _Reader:
    def __init__(self, relations: dict[str, tuple[str, str]], theme: Theme) -> None:
        self.relations, self.theme = relations, theme

    def things(self, element: Element, anchor: Anchor, within: Share = (0, 0, 1, 1), depth: int = 0) -> Iterator[Thing]:
        """The things among the children of an anchor or group."""
        for each in element:
            kind = local(each)
            if kind == "AlternateContent":
                choice = child(each, "Choice")
                inner = choice if choice is not None and _known(choice) else child(each, "Fallback")
                if inner is not None and depth < _DEEPEST:
                    yield from self.things(inner, anchor, within, depth + 1)
                continue
            if kind not in ("pic", "graphicFrame", "sp", "cxnSp", "grpSp"):
                continue
            about = next(descendants(each, "cNvPr"), None)
            if about is not None and flag(about.get("hidden")):
                continue
            name = about.get("name", "") if about is not None else ""
            place = _inside(element, each, within)
            if kind == "grpSp" and depth < _DEEPEST:
                yield from self.things(each, anchor, place, depth + 1)
            elif kind != "grpSp":
                yield replace(self._thing(kind, each, name, anchor), within=place)

    def _thing(self, kind: str, element: Element, name: str, anchor: Anchor) -> Thing:
        if kind == "pic":
            return self._picture(element, name, anchor)
        if kind == "graphicFrame":
            chart = next(descendants(element, "chart"), None)
            part = self.relations.get(_link(chart, "id"), ("", ""))[1]
            if part:
                return Thing(anchor, "chart", name, part)
            data = next(descendants(element, "graphicData"), None)
            return Thing(anchor, "frame", name, data.get("uri", "").rpartition("/")[2] if data is not None else "")
        return Thing(anchor, "shape", name, self._shape(element, kind))

    def _picture(self, element: Element, name: str, anchor: Anchor) -> Thing:
        blip = next(descendants(element, "blip"), None)
        part = self.relations.get(_link(blip, "embed"), ("", ""))[1]
        crop = next(descendants(element, "srcRect"), None)
        left, top, right, bottom = (real(crop.get(side)) / 100_000 if crop is not None else 0.0 for side in "ltrb")
        turn, flipped = _turned(child(element, "spPr"))
        faint = child(blip, "alphaModFix")
        opacity = min(1.0, max(0.0, real(faint.get("amt", "100000")) / 100_000)) if faint is not None else 1.0
        return Thing(anchor, "picture", name, Picture(part, (left, top, right, bottom), turn, flipped, opacity))

    def _shape(self, element: Element, kind: str) -> Shape:
        properties, style, body = child(element, "spPr"), child(element, "style"), child(element, "txBody")
        geometry = child(properties, "prstGeom")
        usual = "line" if kind == "cxnSp" else "rect"
        preset = geometry.get("prst", usual) if geometry is not None else usual
        if child(properties, "custGeom") is not None:
            preset = "custom"
        fill = read_fill(properties, self.theme) if properties is not None else None
        line = read_line(child(properties, "ln"), self.theme)
        if fill is None and _index(style, "fillRef"):
            fill = read_fill(_solid(child(style, "fillRef")), self.theme)
        if line is None and _index(style, "lnRef"):
            line = read_line(_solid(child(style, "lnRef"), "ln"), self.theme)
        font = self._font(child(style, "fontRef"))
        around = child(body, "bodyPr")
        insets = tuple(
            real(around.get(side)) / EMU if around is not None and side in around.attrib else usual_inset
            for side, usual_inset in (("lIns", 9.6), ("tIns", 4.8), ("rIns", 9.6), ("bIns", 4.8))
        )
        turn, flipped = _turned(properties)
        return Shape(
            preset,
            fill,
            line,
            tuple(self._paragraph(each, font) for each in children(body, "p")),
            around.get("anchor", "t") if around is not None else "t",
            around is not None and flag(around.get("anchorCtr")),
            (insets[0], insets[1], insets[2], insets[3]),
            turn,
            flipped,
        )

    def _font(self, reference: Element | None) -> Font:
        usual = Font(self.theme.latin, 11.0, colour=self.theme.colour("tx1"))
        if reference is None:
            return usual
        return read_run(_solid(reference, "rPr"), usual, self.theme)

    def _paragraph(self, element: Element, font: Font) -> Paragraph:
        properties = child(element, "pPr")
        base = read_run(child(properties, "defRPr"), font, self.theme)
        runs = []
        for each in element:
            if local(each) in ("r", "fld"):
                runs.append((words_of(child(each, "t")), read_run(child(each, "rPr"), base, self.theme)))
            elif local(each) == "br":
                runs.append(("\n", base))
        align = properties.get("algn", "l") if properties is not None else "l"
        return Paragraph(tuple(runs) or (("", base),), align)


def words_of(element: Element | None) -> str:
    """An element's text with its spaces."""
    return element.text or "" if element is not None else ""


def _known(choice: Element) -> bool:
    """Whether the better of two ways to say something is one that we read."""
    return any(
        local(each) in ("pic", "sp", "cxnSp", "grpSp") or next(descendants(each, "chart"), None) is not None
        for each in choice
    )


def _link(element: Element | None, name: str) -> str:
    given = element.attrib if element is not None else {}
    return next((value for key, value in given.items() if key.rpartition("}")[2] == name), "")


def _index(style: Element | None, name: str) -> bool:
    found = child(style, name)
    return found is not None and found.get("idx", "0") != "0"


def _solid(reference: Element | None, name: str = "spPr") -> Element:
    """A style's reference as a plain fill of its colour, since the theme's effects are not drawn."""
    made = Element(name)
    fill = Element("solidFill")
    fill.extend(list(reference) if reference is not None else [])
    made.append(fill)
    return made


def _turned(properties: Element | None) -> tuple[float, tuple[bool, bool]]:
    frame = child(properties, "xfrm")
    if frame is None:
        return 0.0, (False, False)
    return real(frame.get("rot")) / 60_000, (flag(frame.get("flipH")), flag(frame.get("flipV")))


def _inside(parent: Element, element: Element, within: Share) -> Share:
    """Where a thing of a group stands, in shares of the anchor's box."""
    if local(parent) != "grpSp":
        return within
    group = child(child(parent, "grpSpPr"), "xfrm")
    properties = child(element, "spPr") if child(element, "spPr") is not None else child(element, "grpSpPr")
    own = child(properties, "xfrm") if properties is not None else child(element, "xfrm")
    start, size = child(group, "chOff"), child(group, "chExt")
    place, extent = child(own, "off"), child(own, "ext")
    if start is None or size is None or place is None or extent is None:
        return within
    wide, high = real(size.get("cx")) or 1.0, real(size.get("cy")) or 1.0
    left = (real(place.get("x")) - real(start.get("x"))) / wide
    top = (real(place.get("y")) - real(start.get("y"))) / high
    right, bottom = left + real(extent.get("cx")) / wide, top + real(extent.get("cy")) / high
    across, down = within[2] - within[0], within[3] - within[1]
    return (
        within[0] + left * across,
        within[1] + top * down,
        within[0] + right * across,
        within[1] + bottom * down,
    )
