"""What colour scales, data bars and icon sets show for a number."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from xml.etree.ElementTree import Element

from xltrain.excel.shot.attributes import child, children, flag, whole, words
from xltrain.excel.shot.colour import Palette, parts
from xltrain.excel.shot.page import Bar, Icon
from xltrain.excel.shot.rules import Board, Mark, Rule, thresholds

RED = "#FF0000"


def scale_of(rule: Rule, board: Board, palette: Palette) -> Callable[[float], str]:
    """The colour of each number. Raises Unsupported."""
    colours = [palette.colour(each.attrib, "#FFFFFF") for each in children(rule.detail, "color")]
    limits = thresholds(_marks(rule.detail), rule, board)[: len(colours)]
    if len(limits) < 2:
        return lambda value: ""

    def colour(value: float) -> str:
        if value <= limits[0]:
            return colours[0]
        for low, high, first, last in zip(limits, limits[1:], colours, colours[1:], strict=False):
            if value <= high:
                return _between(first, last, (value - low) / (high - low)) if high > low else last
        return colours[len(limits) - 1]

    return colour


def _between(first: str, last: str, share: float) -> str:
    """A colour on the way from one to another; Excel cuts the steps off instead of rounding them."""
    pairs = zip(parts(first), parts(last), strict=True)
    return "#" + "".join(f"{start + int((end - start) * share):02X}" for start, end in pairs)


@dataclass(frozen=True)
class _BarStyle:
    least: float
    most: float
    colour: str
    negative: str
    gradient: bool = True
    border: str = ""
    negative_border: str = ""
    axis: str = ""  # automatic, middle or none; empty for bars of the old kind
    axis_colour: str = "#000000"
    leftwards: bool = False


def bar_of(rule: Rule, board: Board, palette: Palette, right_to_left: bool) -> Callable[[float], Bar | None]:
    """The bar of each number. Raises Unsupported."""
    style = _bar_style(rule, palette, right_to_left)
    marks = _marks(rule.extra if rule.extra is not None else rule.detail)
    limits = thresholds(marks[:2], rule, board)
    if len(limits) < 2:
        return lambda value: None
    low, high = sorted(limits)
    return lambda value: _mirrored(_bar(value, low, high, style), style.leftwards)


def _bar(value: float, low: float, high: float, style: _BarStyle) -> Bar | None:
    value = min(max(value, low), high)
    plain = Bar(0.0, 0.0, style.colour, style.gradient, style.border)
    below = replace(plain, colour=style.negative, border=style.negative_border)
    if style.axis == "middle":
        length = 0.5 * abs(value) / (max(abs(low), abs(high)) or 1.0) * style.most
        if value < 0:
            return replace(below, start=0.5 - length, end=0.5, axis=0.5, axis_colour=style.axis_colour)
        return replace(plain, start=0.5, end=0.5 + length, axis=0.5, axis_colour=style.axis_colour)
    if style.axis == "automatic" and low < 0:
        axis = 1.0 if high <= 0 else -low / (high - low)
        reach = axis * value / low if value < 0 else (1 - axis) * value / (high or 1.0)
        start, end = (axis - reach * style.most, axis) if value < 0 else (axis, axis + reach * style.most)
        shown = below if value < 0 else plain
        return replace(shown, start=start, end=end, axis=axis, axis_colour=style.axis_colour)
    share = (value - low) / (high - low) if high > low else 1.0
    length = style.least + share * (style.most - style.least)
    shown = below if value < 0 and style.axis else plain
    return replace(shown, end=length)


def _mirrored(bar: Bar | None, leftwards: bool) -> Bar | None:
    if bar is None or not leftwards:
        return bar
    axis = None if bar.axis is None else 1 - bar.axis
    return replace(bar, start=1 - bar.end, end=1 - bar.start, axis=axis, leftwards=True)


def _bar_style(rule: Rule, palette: Palette, right_to_left: bool) -> _BarStyle:
    old, new = rule.detail, rule.extra
    colour = _named(old, "color", palette) or _named(new, "fillColor", palette) or "#638EC6"
    if new is None:
        least, most = _length(old, "minLength", 10), _length(old, "maxLength", 90)
        return _BarStyle(least, most, colour, colour, leftwards=right_to_left)
    border = _named(new, "borderColor", palette) if flag(new.get("border")) else ""
    same = flag(new.get("negativeBarColorSameAsPositive"))
    negative = colour if same else _named(new, "negativeFillColor", palette) or RED
    edge = ""
    if border:
        of_negative = not flag(new.get("negativeBarBorderColorSameAsPositive"), True)
        edge = _named(new, "negativeBorderColor", palette) or RED if of_negative else border
    direction = new.get("direction", "context")
    return _BarStyle(
        _length(new, "minLength", 10),
        _length(new, "maxLength", 90),
        _named(new, "fillColor", palette) or colour,
        negative,
        flag(new.get("gradient"), True),
        border,
        edge,
        new.get("axisPosition", "automatic"),
        _named(new, "axisColor", palette) or "#000000",
        direction == "rightToLeft" or (direction == "context" and right_to_left),
    )


def _length(element: Element | None, name: str, otherwise: int) -> float:
    return min(100, whole(element.get(name), otherwise)) / 100 if element is not None else otherwise / 100


def _named(element: Element | None, name: str, palette: Palette) -> str:
    found = child(element, name)
    return palette.colour(found.attrib, "") if found is not None else ""


def icon_of(rule: Rule, board: Board) -> Callable[[float], Icon | None]:
    """The sign of each number. Raises Unsupported."""
    element = rule.detail
    given = element if element is not None else Element("iconSet")
    family = given.get("iconSet", "3TrafficLights1")
    marks = _marks(element)
    limits = thresholds(marks, rule, board)
    own = [(each.get("iconSet", family), whole(each.get("iconId"))) for each in children(element, "cfIcon")]
    backwards = flag(given.get("reverse"))

    def icon(value: float) -> Icon | None:
        if not limits:
            return None
        number = 0
        for index in range(1, len(limits)):
            if value > limits[index] or (value == limits[index] and marks[index].inclusive):
                number = index
        if backwards:
            number = len(limits) - 1 - number
        name, place = own[number] if number < len(own) else (family, number)
        return None if name == "NoIcons" else Icon(name, place)

    return icon


def shows_value(rule: Rule) -> bool:
    """Whether the cell's value stands beside the bar or sign."""
    return rule.detail is None or flag(rule.detail.get("showValue"), True)


def _marks(element: Element | None) -> list[Mark]:
    found = []
    for each in children(element, "cfvo"):
        body = each.get("val") or words(child(each, "f"))
        found.append(Mark(each.get("type", "num"), body.strip(), flag(each.get("gte"), True)))
    return found
