"""Series of a chart: caches, colours, markers, data labels, trend lines and error bars."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from xltrain.excel.shot.attributes import child, flag, local, real, whole
from xltrain.excel.shot.chart.cells import Cells
from xltrain.excel.shot.chart.ink import Line, Paint, Stroke
from xltrain.excel.shot.chart.model import (
    Cache,
    ErrorBars,
    Labels,
    Layout,
    Lettering,
    Marker,
    PointStyle,
    Series,
    Trend,
)
from xltrain.excel.shot.chart.theme import Theme, read_fill, read_lettering, read_look, read_run
from xltrain.excel.shot.style import Font

MOST_POINTS = 1_048_576


@dataclass(frozen=True)
class Source:
    """What reading needs besides the XML. `old`: the file follows Excel 2007, where a yes-or-no left out is a no."""

    theme: Theme
    cells: Cells
    lettering: Lettering
    old: bool = True


def given(parent: Element | None, name: str, otherwise: str = "") -> str:
    """The attribute `val` of a child."""
    found = child(parent, name)
    return found.get("val", otherwise) if found is not None else otherwise


def yes(parent: Element | None, name: str, otherwise: bool) -> bool:
    """A yes or no in a child; an element without `val` is a yes."""
    found = child(parent, name)
    return otherwise if found is None else flag(found.get("val"), True)


def number(parent: Element | None, name: str, otherwise: float = math.nan) -> float:
    found = given(parent, name)
    return real(found.rstrip("%")) if found else otherwise


def every(parent: Element | None, name: str) -> Iterator[Element]:
    for each in parent if parent is not None else ():
        if local(each) == name:
            yield each


def read_series(element: Element, source: Source, place: int, kind: str) -> Series:
    """One `ser`."""
    theme = source.theme
    index = whole(given(element, "idx"), place)
    usual = Stroke(theme.text, 1.0) if kind in ("bar", "column", "area", "pie", "doughnut", "bubble") else None
    line = usual or Stroke(theme.series(index, index + 1), 3.0)
    errors = tuple(_errors(each, source) for each in every(element, "errBars"))
    marker = child(element, "marker")
    labels = child(element, "dLbls")
    return Series(
        index,
        whole(given(element, "order"), place),
        read_name(child(element, "tx"), source),
        read_cache(_first(element, "cat", "xVal"), source, local(element) == "ser"),
        read_cache(_first(element, "val", "yVal"), source),
        read_cache(child(element, "bubbleSize"), source),
        read_look(child(element, "spPr"), theme, line),
        read_marker(marker, theme) if marker is not None else None,
        yes(element, "smooth", not source.old) if kind in ("line", "scatter") else False,
        {whole(given(each, "idx"), -1): _point(each, theme, line) for each in every(element, "dPt")},
        read_labels(labels, source) if labels is not None else None,
        tuple(_trend(each, source) for each in every(element, "trendline")),
        errors,
        number(element, "explosion", 0.0) / 100,
        _inverted(element, source) if kind in ("bar", "column") else None,
    )


def read_name(element: Element | None, source: Source) -> str:
    if element is None:
        return ""
    plain = child(element, "v")
    if plain is not None:
        return plain.text or ""
    found = read_cache(element, source)
    if found.texts:
        return " ".join(each for each in found.texts if each)
    return " ".join(f"{each:.15g}" for each in found.numbers if math.isfinite(each))


def _inverted(element: Element, source: Source) -> Paint | None:
    """The fill of bars below zero, where they have one of their own."""
    if not yes(element, "invertIfNegative", not source.old):
        return None
    own = next((each for each in element.iter() if local(each) == "invertSolidFillFmt"), None)
    shape = child(own, "spPr")
    found = read_fill(shape, source.theme) if shape is not None else None
    return found if found is not None and found.shows else Paint(source.theme.paper)


def _first(parent: Element, *names: str) -> Element | None:
    return next((found for found in (child(parent, name) for name in names) if found is not None), None)


def read_cache(element: Element | None, source: Source, levels: bool = False) -> Cache:
    """The stored values of a reference or a literal; from the cells where nothing is stored. `levels`: the columns of a
    block of cells are levels of categories.
    """
    for each in element if element is not None else ():
        kind = local(each)
        if kind in ("numLit", "strLit"):
            return _stored(each, kind == "strLit")
        if kind not in ("numRef", "strRef", "multiLvlStrRef"):
            continue
        stored = _first(each, "numCache", "strCache", "multiLvlStrCache")
        if stored is not None and child(stored, "ptCount") is not None:
            if local(stored) == "multiLvlStrCache":
                return _levels(stored)
            return _stored(stored, local(stored) == "strCache")
        formula = child(each, "f")
        return source.cells.cache((formula.text or "") if formula is not None else "", levels)
    return Cache()


def _stored(element: Element, words: bool) -> Cache:
    count = min(whole(given(element, "ptCount")), MOST_POINTS)
    texts = [""] * count if words else []
    numbers = [math.nan] * count
    formats: dict[int, str] = {}
    code = child(element, "formatCode")
    for each in element:
        if local(each) != "pt":
            continue
        index = whole(each.get("idx"), -1)
        if not 0 <= index < count:
            continue
        inner = child(each, "v")
        value = (inner.text or "") if inner is not None else ""
        if words:
            texts[index] = value
        try:
            found = float(value)
        except ValueError:
            continue
        numbers[index] = found if math.isfinite(found) else math.nan
        if "formatCode" in each.attrib:
            formats[index] = each.get("formatCode", "")
    shown = (code.text or "General") if code is not None else "General"
    return Cache(tuple(texts), tuple(numbers), shown, is_text=words, formats=formats)


def _levels(element: Element) -> Cache:
    count = min(whole(given(element, "ptCount")), MOST_POINTS)
    levels = []
    for level in every(element, "lvl"):
        texts = [""] * count
        for each in every(level, "pt"):
            index = whole(each.get("idx"), -1)
            inner = child(each, "v")
            if 0 <= index < count and inner is not None:
                texts[index] = inner.text or ""
        levels.append(tuple(texts))
    if not levels:
        return Cache()
    return Cache(levels[0], (math.nan,) * count, levels=tuple(levels[1:]), is_text=True)


def read_marker(element: Element, theme: Theme) -> Marker:
    return Marker(
        given(element, "symbol").replace("auto", ""),
        min(72.0, max(2.0, number(element, "size", 7.0))),
        read_look(child(element, "spPr"), theme, Stroke(theme.text, 1.0)),
    )


def _point(element: Element, theme: Theme, line: Stroke) -> PointStyle:
    marker = child(element, "marker")
    return PointStyle(
        read_look(child(element, "spPr"), theme, line),
        read_marker(marker, theme) if marker is not None else None,
        number(element, "explosion", 0.0) / 100,
    )


def read_labels(element: Element, source: Source) -> Labels | None:
    """`dLbls` or `dLbl`; None where they are deleted."""
    if yes(element, "delete", False):
        return None
    shown = not source.old
    body = child(element, "txPr")
    separator = child(element, "separator")
    own = child(element, "tx")
    rich = child(own, "rich")
    lettering = read_lettering(body, source.lettering, source.theme) if body is not None else None
    start = lettering or source.lettering
    code = child(element, "numFmt")
    return Labels(
        yes(element, "showVal", shown),
        yes(element, "showCatName", shown),
        yes(element, "showSerName", shown),
        yes(element, "showPercent", shown),
        yes(element, "showBubbleSize", shown),
        yes(element, "showLegendKey", shown),
        given(element, "dLblPos"),
        (separator.text or "") if separator is not None else "",
        "" if code is None or flag(code.get("sourceLinked")) else code.get("formatCode", ""),
        lettering,
        read_look(child(element, "spPr"), source.theme),
        tuple(read_rich(rich, start.font, source.theme)) if rich is not None else _referred(own, start.font, source),
        yes(element, "showLeaderLines", False),
        read_layout(child(element, "layout")),
        {whole(given(each, "idx"), -1): read_labels(each, source) for each in every(element, "dLbl")},
    )


def _referred(element: Element | None, font: Font, source: Source) -> tuple[Line, ...]:
    """The text of a label that is taken from a cell."""
    shown = read_name(element, source)
    return tuple(((part, font),) for part in shown.split("\n")) if shown else ()


def read_rich(element: Element, font: Font, theme: Theme) -> Iterator[Line]:
    """The lines of a rich text."""
    for paragraph in every(element, "p"):
        usual = read_run(child(child(paragraph, "pPr"), "defRPr"), font, theme)
        line: list[tuple[str, Font]] = []
        for each in paragraph:
            if local(each) == "br":
                yield tuple(line)
                line = []
            elif local(each) in ("r", "fld"):
                letters = child(each, "t")
                parts = ((letters.text or "") if letters is not None else "").replace("\r", "").split("\n")
                own = read_run(child(each, "rPr"), usual, theme)
                for place, part in enumerate(parts):
                    if place:
                        yield tuple(line)
                        line = []
                    if part:
                        line.append((part, own))
        yield tuple(line)


def read_layout(element: Element | None) -> Layout | None:
    manual = child(element, "manualLayout")
    if manual is None:
        return None
    found = Layout(
        number(manual, "x"),
        number(manual, "y"),
        number(manual, "w"),
        number(manual, "h"),
        given(manual, "layoutTarget") == "inner",
        given(manual, "xMode") != "edge",
    )
    far = (each for each in (found.x, found.y, found.width, found.height) if abs(each) > 4)
    return None if any(far) else found


def _trend(element: Element, source: Source) -> Trend:
    name = child(element, "name")
    label = child(element, "trendlineLbl")
    code = child(label, "numFmt")
    body = child(label, "txPr")
    intercept = number(element, "intercept")
    return Trend(
        given(element, "trendlineType", "linear"),
        (name.text or "") if name is not None else "",
        min(6, max(2, whole(given(element, "order"), 2))),
        min(255, max(2, whole(given(element, "period"), 2))),
        max(0.0, number(element, "forward", 0.0)),
        max(0.0, number(element, "backward", 0.0)),
        None if math.isnan(intercept) else intercept,
        yes(element, "dispEq", not source.old),
        yes(element, "dispRSqr", not source.old),
        read_look(child(element, "spPr"), source.theme, Stroke(source.theme.text, 1.0)),
        code.get("formatCode", "General") if code is not None else "General",
        read_lettering(body, source.lettering, source.theme) if body is not None else None,
        read_layout(child(label, "layout")),
    )


def _errors(element: Element, source: Source) -> ErrorBars:
    return ErrorBars(
        given(element, "errValType", "fixedVal"),
        given(element, "errBarType", "both"),
        given(element, "errDir", "y") != "x",
        number(element, "val", 0.0),
        read_cache(child(element, "plus"), source),
        read_cache(child(element, "minus"), source),
        not yes(element, "noEndCap", not source.old),
        read_look(child(element, "spPr"), source.theme, Stroke(source.theme.text, 1.0)),
    )
