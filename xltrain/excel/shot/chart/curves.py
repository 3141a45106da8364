"""Lines, areas and stocks; how a line runs through its points and thins where there are more than pixels."""

import itertools
import math
from collections.abc import Iterator, Sequence

from xltrain.excel.shot.chart.dress import fill_of, line_of, marker_of
from xltrain.excel.shot.chart.groups import Pair, heights
from xltrain.excel.shot.chart.ink import Box, Paint, Scene, Shape, Stroke, n, rectangle, segment
from xltrain.excel.shot.chart.marker import marker_shape
from xltrain.excel.shot.chart.model import Look, Plot, Series
from xltrain.excel.shot.chart.theme import Theme

Point = tuple[float, float]
_MANY = 1500  # points above which a line is thinned
_TENSION = 1 / 6


def stretches(points: Sequence[Point], blanks: str) -> list[list[tuple[int, Point]]]:
    """Points with their numbers, cut where one is missing unless blanks are spanned."""
    found: list[list[tuple[int, Point]]] = [[]]
    for index, (x, y) in enumerate(points):
        if math.isfinite(x) and math.isfinite(y):
            found[-1].append((index, (x, y)))
        elif found[-1] and blanks != "span":
            found.append([])
    return [each for each in found if each]


def thinned(points: list[Point]) -> list[Point]:
    """At most four points to a pixel column: first, lowest, highest, last."""
    if len(points) <= _MANY:
        return points
    found: list[Point] = []
    start = 0
    while start < len(points):
        column, end = int(points[start][0]), start + 1
        while end < len(points) and int(points[end][0]) == column:
            end += 1
        part = points[start:end]
        if len(part) <= 4:
            found += part
        else:
            low = min(range(len(part)), key=lambda index: part[index][1])
            high = max(range(len(part)), key=lambda index: part[index][1])
            found += [part[index] for index in sorted({0, low, high, len(part) - 1})]
        start = end
    return found


def line_path(points: Sequence[Point], smooth: bool = False, closed: bool = False) -> str:
    """A path through points, straight or curved."""
    if not points:
        return ""
    if not smooth or len(points) < 3:
        path = f"M{n(points[0][0])} {n(points[0][1])}" + "".join(f"L{n(x)} {n(y)}" for x, y in points[1:])
        return path + ("Z" if closed else "")
    path = f"M{n(points[0][0])} {n(points[0][1])}"
    for index in range(len(points) - 1):
        before = points[max(0, index - 1)]
        here, there = points[index], points[index + 1]
        after = points[min(len(points) - 1, index + 2)]
        one = (here[0] + (there[0] - before[0]) * _TENSION, here[1] + (there[1] - before[1]) * _TENSION)
        two = (there[0] - (after[0] - here[0]) * _TENSION, there[1] - (after[1] - here[1]) * _TENSION)
        path += f"C{n(one[0])} {n(one[1])} {n(two[0])} {n(two[1])} {n(there[0])} {n(there[1])}"
    return path


def line_shapes(
    role: str, series: Series, runs: list[list[tuple[int, Point]]], plain: Stroke, smooth: bool
) -> Iterator[Shape]:
    """A series' line; stretches that have a line of their own apart."""
    own = {index: style.look.line for index, style in series.points.items() if style.look.line is not None}
    path = ""
    for run in runs:
        points = [point for _, point in run]
        if not own or smooth:
            path += line_path(thinned(points), smooth)
            continue
        begun = False
        for (_, before), (index, after) in itertools.pairwise(run):
            special = own.get(index)
            if special is not None:
                begun = False
                if special.shows:
                    yield Shape(
                        role, line_path([before, after]), line=special, series=series.index, point=index, inside=True
                    )
                continue
            path += f"L{n(after[0])} {n(after[1])}" if begun else line_path([before, after])
            begun = True
    if path and plain.shows:
        yield Shape(role, path, line=plain, series=series.index, inside=True)


def places(plot: Plot, pair: Pair, blanks: str) -> list[list[Point]]:
    """The pixels of every point, by series; NaN where there is none."""
    found = []
    stacked = plot.grouping in ("stacked", "percentStacked")
    for series, ends in zip(plot.series, heights(plot), strict=True):
        one = []
        for index, (_, top) in enumerate(ends):
            if not math.isfinite(top) and (blanks == "zero" or plot.kind == "area") and len(series.values):
                top = 0.0
            if stacked and not math.isfinite(series.values.at(index)) and blanks == "gap" and plot.kind == "line":
                top = math.nan
            one.append((pair.slots.at(index), pair.scale.at(top)))
        found.append(one)
    return found


def draw_lines(scene: Scene, plot: Plot, pair: Pair, theme: Theme, count: int, blanks: str) -> list[list[Point]]:
    found = places(plot, pair, blanks)
    if plot.drops is not None and plot.drops.line is not None:
        scene.add(*_drops(plot.drops.line, pair, found))
    if plot.ranges is not None and plot.ranges.line is not None:
        scene.add(*_ranges(plot.ranges.line, found))
    if plot.ups is not None or plot.downs is not None:
        scene.add(*_up_down(plot, pair, found, theme))
    for series, points in zip(plot.series, found, strict=True):
        line = line_of(plot, series, theme, count)
        if pair.unit:
            points = sorted(points, key=lambda point: point[0] if point[0] == point[0] else 0.0)
        scene.add(*line_shapes("line", series, stretches(points, blanks), line, series.smooth))
    for place, (series, points) in enumerate(zip(plot.series, found, strict=True)):
        draw_markers(scene, plot, series, points, theme, count, place)
    return found


def draw_markers(
    scene: Scene, plot: Plot, series: Series, points: Sequence[Point], theme: Theme, count: int, place: int
) -> None:
    """The markers of a series; of a great many points those on the same pixel once, in one path."""
    special = bool(series.points) or plot.vary
    plain = marker_of(plot, series, theme, count, place)
    box = scene.plot
    inside = [
        (index, x, y)
        for index, (x, y) in enumerate(points)
        if box.left - 1 <= x <= box.right + 1 and box.top - 1 <= y <= box.bottom + 1
    ]
    if len(inside) > _MANY and not series.points:
        if plain is None:
            return
        known = {(round(x), round(y)): (x, y) for _, x, y in inside}
        parts = [marker_shape("marker", plain, x, y) for x, y in known.values()]
        path = "".join(each.path for each in parts)
        scene.add(Shape("marker", path, parts[0].fill, parts[0].line, series=series.index))
        return
    for index, x, y in inside:
        marker = marker_of(plot, series, theme, count, place, index) if special else plain
        if marker is not None and (marker.fill.shows or marker.line.shows):
            scene.add(marker_shape("marker", marker, x, y, series.index, index))


def _drops(line: Stroke, pair: Pair, found: list[list[Point]]) -> Iterator[Shape]:
    """From the highest point of every category down to the axis."""
    base = pair.scale.at(pair.scale.zero)
    for points in zip(*found, strict=False):
        shown = [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)]
        if shown:
            x, y = min(shown, key=lambda point: point[1])
            yield segment("drop line", x, y, x, base, line, inside=True)


def _ranges(line: Stroke, found: list[list[Point]]) -> Iterator[Shape]:
    for points in zip(*found, strict=False):
        shown = [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)]
        if len(shown) > 1:
            low, high = max(y for _, y in shown), min(y for _, y in shown)
            yield segment("range", shown[0][0], low, shown[0][0], high, line, inside=True)


def _up_down(plot: Plot, pair: Pair, found: list[list[Point]], theme: Theme) -> Iterator[Shape]:
    """Boxes from the first series to the last."""
    if len(found) < 2:
        return
    half = abs(pair.slots.size) / (1 + plot.up_gap) / 2
    for index, (first, last) in enumerate(zip(found[0], found[-1], strict=False)):
        if not (math.isfinite(first[1]) and math.isfinite(last[1])):
            continue
        up = last[1] <= first[1]
        look = plot.ups if up else plot.downs
        if look is None:
            continue
        fill, line = _bar_look(look, theme, up)
        top, bottom = sorted((first[1], last[1]))
        box = Box(round(first[0] - half), round(top), round(first[0] + half), round(max(bottom, top + 1)))
        yield rectangle("up bar" if up else "down bar", box, fill, line, point=index, inside=True, crisp=True)


def _bar_look(look: Look, theme: Theme, up: bool) -> tuple[Paint, Stroke]:
    return look.over(Paint(theme.paper if up else "#404040"), Stroke(theme.text, 1.0))


def draw_areas(scene: Scene, plot: Plot, pair: Pair, theme: Theme, count: int) -> list[list[Point]]:
    """Areas from the axis, or from the area below, up to their values."""
    found = places(plot, pair, "zero")
    base = pair.scale.at(pair.scale.zero)
    stacked = plot.grouping in ("stacked", "percentStacked")
    before: list[Point] | None = None
    shapes = []
    for series, points in zip(plot.series, found, strict=True):
        shown = [(x, y if math.isfinite(y) else base) for x, y in points if math.isfinite(x)]
        if pair.unit:
            shown.sort()
        if not shown:
            continue
        top = thinned(shown)
        floor = list(reversed(before)) if stacked and before else [(shown[-1][0], base), (shown[0][0], base)]
        fill, line = fill_of(plot, series, theme, count)
        path = line_path([*top, *floor], closed=True)
        shapes.append(Shape("area", path, fill, line, series=series.index, inside=True))
        before = top
    # The first series stands before the others only where they stack; else later ones cover it.
    scene.add(*shapes)
    if plot.drops is not None and plot.drops.line is not None:
        scene.add(*_drops(plot.drops.line, pair, found))
    return found
