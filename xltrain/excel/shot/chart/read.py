"""A chart's XML as a `Chart`."""

import math
from collections.abc import Iterator
from dataclasses import replace
from xml.etree.ElementTree import Element

from xltrain.excel.shot.attributes import child, flag, local, whole
from xltrain.excel.shot.chart.ink import Line, Stroke
from xltrain.excel.shot.chart.model import (
    Axis,
    Chart,
    DataTable,
    Labels,
    Legend,
    Lettering,
    Look,
    Plot,
    Series,
    Title,
)
from xltrain.excel.shot.chart.read_series import (
    Source,
    every,
    given,
    number,
    read_cache,
    read_labels,
    read_layout,
    read_rich,
    read_series,
    yes,
)
from xltrain.excel.shot.chart.theme import Theme, read_lettering, read_look, turned
from xltrain.excel.shot.style import Font

# Element -> the kind it is drawn as; those in `_FLAT` lose their depth.
_KINDS = {
    "barChart": "bar",
    "bar3DChart": "bar",
    "lineChart": "line",
    "line3DChart": "line",
    "areaChart": "area",
    "area3DChart": "area",
    "scatterChart": "scatter",
    "bubbleChart": "bubble",
    "pieChart": "pie",
    "pie3DChart": "pie",
    "ofPieChart": "pie",
    "doughnutChart": "doughnut",
    "radarChart": "radar",
    "stockChart": "stock",
    "surfaceChart": "surface",
    "surface3DChart": "surface",
}
_FLAT = {"bar3DChart", "line3DChart", "area3DChart", "pie3DChart", "ofPieChart", "surfaceChart", "surface3DChart"}
_AXES = {"catAx": "cat", "valAx": "val", "dateAx": "date", "serAx": "ser"}
_UNITS = {
    "hundreds": 1e2,
    "thousands": 1e3,
    "tenThousands": 1e4,
    "hundredThousands": 1e5,
    "millions": 1e6,
    "tenMillions": 1e7,
    "hundredMillions": 1e8,
    "billions": 1e9,
    "trillions": 1e12,
}
_UNIT_NAMES = {name: name.capitalize() for name in ("hundreds", "thousands", "millions", "billions", "trillions")}


def read_chart(root: Element, source: Source) -> Chart:
    """The chart of a `chartSpace`."""
    theme = replace(source.theme, style=_style(root))
    usual = Lettering(Font(theme.latin, 10.0, colour=theme.text))
    own = child(root, "txPr")
    source = replace(source, theme=theme, lettering=read_lettering(own, usual, theme))
    chart = child(root, "chart")
    area = child(chart, "plotArea")
    plots, names = _plots(area, source)
    legend = child(chart, "legend")
    table = child(area, "dTable")
    frame, inner = Look(line=None), Look()
    frame = read_look(child(root, "spPr"), theme, Stroke(theme.grey))
    inner = read_look(child(area, "spPr"), theme, Stroke(theme.grey))
    return Chart(
        plots,
        {each.id: each for each in _axes(area, source)},
        _title(chart, plots, source, own is not None),
        _legend(legend, source) if legend is not None else None,
        frame,
        inner,
        read_layout(child(area, "layout")),
        yes(root, "roundedCorners", not source.old),
        given(chart, "dispBlanksAs", "zero" if child(chart, "dispBlanksAs") is not None else "gap"),
        _table(table, source) if table is not None else None,
        source.lettering,
        yes(root, "date1904", False),
        theme.style,
        names,
    )


def _style(root: Element) -> int:
    """The number of the style, 1 to 48: the old element, or the newer one in its wrapping."""
    for each in every(root, "AlternateContent"):
        for choice in every(each, "Choice"):
            found = whole(given(choice, "style"))
            if 101 <= found <= 148:
                return found - 100
    found = whole(given(root, "style"), 2)
    return found if 1 <= found <= 48 else 2


def _plots(area: Element | None, source: Source) -> tuple[tuple[Plot, ...], tuple[str, ...]]:
    plots: list[Plot] = []
    names: list[str] = []
    count = 0
    for each in area if area is not None else ():
        name = local(each)
        if name not in _KINDS:
            continue
        kind = _KINDS[name]
        if kind == "bar" and given(each, "barDir", "col") != "bar":
            kind = "column"
        if name in _FLAT and name not in names:
            names.append(name)
        if kind == "surface":
            kind = "area"
        plots.append(_plot(each, kind, count, source, name in _FLAT))
        count += len(plots[-1].series)
    return tuple(plots), tuple(names)


def _plot(element: Element, kind: str, before: int, source: Source, flat: bool) -> Plot:
    series: list[Series] = []
    for each in every(element, "ser"):
        series.append(read_series(each, source, before + len(series), kind))
    series.sort(key=lambda one: one.order)
    labels = child(element, "dLbls")
    bars = child(element, "upDownBars")
    grouping = given(element, "grouping", "standard" if kind != "column" else "clustered")
    axis = Stroke(source.theme.text, 1.0)
    return Plot(
        kind,
        tuple(series),
        tuple(each.get("val", "") for each in every(element, "axId")),
        grouping,
        min(5.0, max(0.0, number(element, "gapWidth", 150) / 100)),
        min(1.0, max(-1.0, number(element, "overlap", 0) / 100)),
        yes(element, "varyColors", not source.old),
        read_labels(labels, source) if labels is not None else None,
        yes(element, "marker", False) if kind == "line" else True,
        number(element, "firstSliceAng", 0.0),
        min(0.9, max(0.1, number(element, "holeSize", 50) / 100)),
        min(3.0, max(0.0, number(element, "bubbleScale", 100) / 100)),
        given(element, "sizeRepresents") == "w",
        given(element, "radarStyle", "standard") if kind == "radar" else given(element, "scatterStyle"),
        _thin(element, "dropLines", source, axis),
        _thin(element, "hiLowLines", source, axis),
        _thin(element, "serLines", source, axis),
        _bars(bars, "upBars", source),
        _bars(bars, "downBars", source),
        number(bars, "gapWidth", 150) / 100,
    )


def _thin(element: Element, name: str, source: Source, line: Stroke) -> Look | None:
    found = child(element, name)
    if found is None:
        return None
    look = read_look(child(found, "spPr"), source.theme, line)
    return look if look.line is not None else replace(look, line=line)


def _bars(element: Element | None, name: str, source: Source) -> Look | None:
    found = child(element, name)
    return read_look(child(found, "spPr"), source.theme, Stroke(source.theme.text)) if found is not None else None


def _title(chart: Element | None, plots: tuple[Plot, ...], source: Source, sized: bool) -> Title | None:
    """The chart's title; without a text of its own, the name of the only series."""
    element = child(chart, "title")
    base = source.lettering.font
    font = replace(base, size=base.size * 1.2 if sized else 18.0, bold=True)
    if element is not None:
        found = read_title(element, font, source)
        if found.lines and any(found.lines):
            return found
    only = [each for plot in plots for each in plot.series]
    named = only[0].name if len(only) == 1 else ""
    if element is not None:
        words = named or ("Chart Title" if child(element, "tx") is None else "")
        body = read_lettering(child(element, "txPr"), Lettering(font), source.theme)
        return replace(found, lines=(((words, body.font),),), turn=body.turn) if words else None
    deleted = yes(chart, "autoTitleDeleted", not source.old)
    return Title((((named, font),),)) if named and not deleted else None


def read_title(element: Element, font: Font, source: Source) -> Title:
    """The title of a chart or an axis; without lines where it has no text of its own."""
    words = child(element, "tx")
    rich = child(words, "rich")
    lettering = read_lettering(child(element, "txPr"), Lettering(font), source.theme)
    lines: tuple[Line, ...] = ()
    if rich is not None:
        lettering = turned(child(rich, "bodyPr"), lettering)
        lines = tuple(read_rich(rich, font, source.theme))
    elif words is not None:
        found = read_cache(words, source)
        shown = [each for each in found.texts if each] or [f"{each:.15g}" for each in found.numbers if each == each]
        lines = tuple(((part, lettering.font),) for part in "\n".join(shown).split("\n")) if shown else ()
    return Title(
        lines,
        lettering.turn,
        yes(element, "overlay", not source.old),
        read_layout(child(element, "layout")),
        read_look(child(element, "spPr"), source.theme),
    )


def _legend(element: Element, source: Source) -> Legend:
    left_out = {whole(given(each, "idx"), -1) for each in every(element, "legendEntry") if yes(each, "delete", False)}
    return Legend(
        given(element, "legendPos", "r"),
        yes(element, "overlay", not source.old),
        read_layout(child(element, "layout")),
        read_lettering(child(element, "txPr"), source.lettering, source.theme),
        read_look(child(element, "spPr"), source.theme),
        frozenset(left_out),
    )


def _table(element: Element, source: Source) -> DataTable:
    look = read_look(child(element, "spPr"), source.theme, Stroke(source.theme.grey))
    return DataTable(
        yes(element, "showKeys", False),
        read_lettering(child(element, "txPr"), source.lettering, source.theme),
        Stroke(source.theme.grey) if look.line is None else look.line,
        yes(element, "showHorzBorder", False),
        yes(element, "showVertBorder", False),
        yes(element, "showOutline", False),
    )


def _axes(area: Element | None, source: Source) -> Iterator[Axis]:
    for each in area if area is not None else ():
        if local(each) in _AXES:
            yield _axis(each, _AXES[local(each)], source)


def _axis(element: Element, kind: str, source: Source) -> Axis:
    theme = source.theme
    scaling = child(element, "scaling")
    title = child(element, "title")
    code = child(element, "numFmt")
    units = child(element, "dispUnits")
    unit = number(units, "custUnit", _UNITS.get(given(units, "builtInUnit"), 1.0))
    bold = replace(source.lettering.font, bold=True)
    low, high = number(scaling, "min"), number(scaling, "max")
    base = number(scaling, "logBase", 0.0)
    return Axis(
        given(element, "axId"),
        kind,
        given(element, "axPos", "b"),
        yes(element, "delete", not source.old),
        low,
        high,
        number(element, "majorUnit"),
        number(element, "minorUnit"),
        base if 1 < base <= 1000 else 0.0,
        given(scaling, "orientation") == "maxMin",
        _grid(element, "majorGridlines", theme, theme.grey),
        _grid(element, "minorGridlines", theme, theme.light_grey),
        _with_unit(_axis_title(title, bold, source) if title is not None else None, units, bold, source),
        code.get("formatCode", "") if code is not None else "",
        code is None or flag(code.get("sourceLinked")),
        given(element, "majorTickMark", "out" if source.old else "cross"),
        given(element, "minorTickMark", "none" if source.old else "cross"),
        given(element, "tickLblPos", "nextTo") or "nextTo",
        Look(line=read_look(child(element, "spPr"), theme, Stroke(theme.grey)).over(line=Stroke(theme.grey))[1]),
        read_lettering(child(element, "txPr"), source.lettering, theme),
        given(element, "crosses", "autoZero"),
        number(element, "crossesAt"),
        given(element, "crossAx"),
        given(element, "crossBetween", "between") != "midCat",
        whole(given(element, "tickLblSkip")),
        whole(given(element, "tickMarkSkip")),
        number(element, "lblOffset", 100.0) / 100,
        yes(element, "noMultiLvlLbl", False),
        given(element, "baseTimeUnit"),
        given(element, "majorTimeUnit"),
        unit if unit and math.isfinite(unit) else 1.0,
    )


def _axis_title(element: Element, font: Font, source: Source) -> Title | None:
    found = read_title(element, font, source)
    if found.lines and any(found.lines):
        return found
    return replace(found, lines=((("Axis Title", font),),)) if child(element, "tx") is None else None


def _with_unit(title: Title | None, units: Element | None, font: Font, source: Source) -> Title | None:
    """The axis title with the name of the display units as a line of its own, nearest to the axis."""
    label = child(units, "dispUnitsLbl")
    if label is None:
        return title
    found = read_title(label, font, source)
    if not any(found.lines):
        unit = given(units, "builtInUnit")
        factor = number(units, "custUnit", _UNITS.get(unit, 1.0))
        found = replace(found, lines=(((_UNIT_NAMES.get(unit, f"x {factor:.15g}"), font),),))
    if title is None:
        return replace(found, layout=None, overlay=False)
    return replace(title, lines=(*title.lines, *found.lines))


def _grid(element: Element, name: str, theme: Theme, colour: str) -> Look | None:
    found = child(element, name)
    if found is None:
        return None
    look = read_look(child(found, "spPr"), theme, Stroke(colour))
    return look if look.line is not None else replace(look, line=Stroke(colour))


def labels_of(plot: Plot, series: Series, point: int) -> Labels | None:
    """The data label of a point, where it has one that shows."""
    base = series.labels if series.labels is not None else plot.labels
    if base is None:
        return None
    found = base.only.get(point, base) if base.only else base
    if found is None or not found.shows:
        return None
    return found
