"""Sparklines of a sheet: their groups and the values they draw."""

import re
from collections.abc import Callable, Iterator
from xml.etree.ElementTree import Element

from xltrain.excel.scan import Package
from xltrain.excel.shot.attributes import child, children, descendants, flag, fragment, real, words
from xltrain.excel.shot.colour import Palette
from xltrain.excel.shot.page import Spark
from xltrain.excel.shot.values import SheetValues
from xltrain.place import Range, parse_range

_GROUPS = re.compile(rb"<(?:\w+:)?sparklineGroups\b.*?</(?:\w+:)?sparklineGroups>", re.S)
_MOST = 1_000  # values of one sparkline


def read_sparks(
    after: bytes, area: Range, package: Package, values: SheetValues, palette: Palette
) -> dict[tuple[int, int], Spark]:
    """The sparklines in an area, by cell, from the XML after a sheet's rows."""
    found: dict[tuple[int, int], Spark] = {}
    others: dict[str, SheetValues] = {}

    def of_sheet(name: str) -> SheetValues | None:
        if not name:
            return values
        if name not in others:
            try:
                part = package.sheet(name).part
            except KeyError:
                return None
            others[name] = values if part == values.part else SheetValues(package, part, {}, None)
        return others[name]

    for match in _GROUPS.finditer(after):
        for group in descendants(fragment(match[0]), "sparklineGroup"):
            for at, spark in _group(group, area, of_sheet, palette):
                found[at] = spark
    return found


def _group(
    group: Element, area: Range, of_sheet: Callable[[str], SheetValues | None], palette: Palette
) -> Iterator[tuple[tuple[int, int], Spark]]:
    lines = []
    whole_group = "group" in (group.get("minAxisType"), group.get("maxAxisType"))
    for each in descendants(group, "sparkline"):
        cell, data = parse_range(words(child(each, "sqref"))), parse_range(words(child(each, "f")))
        if cell is None or data is None:
            continue
        inside = (
            area.first_row <= cell.first_row <= area.last_row
            and area.first_column <= cell.first_column <= area.last_column
        )
        if inside or whole_group:
            sheet = of_sheet(data.sheet)
            lines.append(((cell.first_row, cell.first_column), _numbers(sheet, data) if sheet else [], inside))
    every = [value for _, listed, _ in lines for value in listed if value is not None]
    for at, listed, inside in lines:
        if inside:
            yield at, _spark(group, tuple(listed), every, palette)


def _numbers(sheet: SheetValues, area: Range) -> list[float | None]:
    across = area.last_column - area.first_column + 1
    count = min(_MOST, across * (area.last_row - area.first_row + 1))
    found: list[float | None] = [None] * count
    for (row, column), value in sheet.places(area):
        index = (row - area.first_row) * across + column - area.first_column
        if type(value) is float and index < count:
            found[index] = value
    return found


def _spark(group: Element, listed: tuple[float | None, ...], every: list[float], palette: Palette) -> Spark:
    kind = group.get("type", "line")
    if group.get("displayEmptyCellsAs", "zero") == "zero":
        listed = tuple(0.0 if value is None else value for value in listed)
    own = [value for value in listed if value is not None]
    low, high = _limit(group, "min", own, every), _limit(group, "max", own, every)
    if kind == "column":
        low, high = min(low, 0.0) if group.get("minAxisType") != "custom" else low, max(high, 0.0)
    if kind == "stacked":
        listed = tuple(None if value is None else float((value > 0) - (value < 0)) for value in listed)
        low, high = -1.0, 1.0
    colour = _colour(group, "colorSeries", palette) or "#376092"
    axis = (_colour(group, "colorAxis", palette) or "#000000") if flag(group.get("displayXAxis")) else ""
    return Spark(
        kind,
        listed,
        low,
        high,
        colour,
        real(group.get("lineWeight", "0.75")) or 0.75,
        axis,
        tuple(_points(group, listed, kind, palette)),
        flag(group.get("rightToLeft")),
    )


def _limit(group: Element, end: str, own: list[float], every: list[float]) -> float:
    kind = group.get(f"{end}AxisType", "individual")
    if kind == "custom":
        return real(group.get(f"manual{end.title()}"))
    among = every if kind == "group" else own
    return (min if end == "min" else max)(among, default=0.0)


def _points(group: Element, listed: tuple[float | None, ...], kind: str, palette: Palette) -> Iterator[tuple[int, str]]:
    """The points that stand out, the later the stronger."""
    there = [(index, value) for index, value in enumerate(listed) if value is not None]
    if not there:
        return
    marked: dict[int, str] = {}
    if kind == "line" and flag(group.get("markers")):
        marked.update((index, _colour(group, "colorMarkers", palette) or "#000000") for index, _ in there)
    if flag(group.get("negative")):
        marked.update((index, _colour(group, "colorNegative", palette)) for index, value in there if value < 0)
    if flag(group.get("first")):
        marked[there[0][0]] = _colour(group, "colorFirst", palette)
    if flag(group.get("last")):
        marked[there[-1][0]] = _colour(group, "colorLast", palette)
    low, high = min(value for _, value in there), max(value for _, value in there)
    if flag(group.get("high")):
        marked.update((index, _colour(group, "colorHigh", palette)) for index, value in there if value == high)
    if flag(group.get("low")):
        marked.update((index, _colour(group, "colorLow", palette)) for index, value in there if value == low)
    yield from sorted((index, colour or "#D00000") for index, colour in marked.items())


def _colour(group: Element, name: str, palette: Palette) -> str:
    found = next(children(group, name), None)
    return palette.colour(found.attrib, "") if found is not None else ""
