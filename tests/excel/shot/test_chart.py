"""Charts redrawn from their XML: what is drawn is compared as data, against what the values and Excel's rules give."""

import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import xlsxwriter

from xltrain.excel.scan import Package
from xltrain.excel.shot.attributes import root
from xltrain.excel.shot.chart import chart_scene, chart_svg
from xltrain.excel.shot.chart.ink import Box, Scene
from xltrain.excel.shot.style import Styles, read_styles

MONTHS = ["Jan", "Feb", "Mar", "Apr"]
NORTH = [10.0, 20.0, 30.0, 40.0]
SOUTH = [5.0, 15.0, 10.0, 20.0]
PART = "xl/charts/chart1.xml"
WIDTH, HEIGHT = 480.0, 288.0
Dress = Callable[[Any, Any], None]


def book(
    path: Path, kind: Mapping[str, str], dress: Dress | None = None, columns: Sequence[Sequence[Any]] = (NORTH, SOUTH),
    options: Sequence[Mapping[str, Any]] = ({}, {}), names: Sequence[Any] = MONTHS,
) -> Path:  # fmt: skip
    """A workbook with one chart over columns of values; `dress` may change it."""
    with xlsxwriter.Workbook(path) as workbook:
        sheet = workbook.add_worksheet("Data")
        sheet.write_column("A2", names)
        chart = workbook.add_chart(dict(kind))
        for place, (values, more) in enumerate(zip(columns, options, strict=False)):
            sheet.write(0, place + 1, ("North", "South", "West")[place])
            sheet.write_column(1, place + 1, values)
            last = len(values)
            chart.add_series(
                {
                    "name": ["Data", 0, place + 1],
                    "categories": ["Data", 1, 0, last, 0],
                    "values": ["Data", 1, place + 1, last, place + 1],
                    **more,
                }
            )
        if dress is not None:
            dress(chart, workbook)
        sheet.insert_chart("F2", chart)
    return path


def changed(path: Path, change: Callable[[str], str]) -> Path:
    """A copy whose chart part is changed as text."""
    copy = path.with_name(f"changed-{path.name}")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(copy, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            target.writestr(name, change(content.decode()) if name == PART else content)
    return copy


def styles_of(package: Package) -> Styles:
    return read_styles(root(package, package.related("styles")), root(package, package.related("theme")))


def scene_of(path: Path) -> Scene:
    with Package(path) as package:
        return chart_scene(package, PART, WIDTH, HEIGHT, styles_of(package))


def drawn(tmp_path: Path, kind: Mapping[str, str], dress: Dress | None = None, **more: Any) -> Scene:
    return scene_of(book(tmp_path / "book.xlsx", kind, dress, **more))


def bars(scene: Scene) -> dict[tuple[int, int], Box]:
    return {(each.series, each.point): each.box for each in scene.shapes("bar") if each.box is not None}


def texts(scene: Scene, role: str) -> list[str]:
    return [each.text for each in scene.words(role)]


def points(path: str) -> list[tuple[float, float]]:
    """The ends of a path's straight stretches."""
    return [(float(x), float(y)) for x, y in re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", path)]


def differences(
    scene: Scene, expected: Mapping[tuple[int, int], tuple[float, float]], top: float, sideways: bool = False
) -> list[str]:
    """Bars whose ends are not at these values, for an axis from 0 to `top`: "series 2 bar 3: ..."."""
    plot, found = scene.plot, bars(scene)
    wrong = [] if set(found) == set(expected) else [f"bars should be {sorted(expected)}, are {sorted(found)}"]
    for (series, point), (start, end) in expected.items():
        box = found.get((series, point), Box(0, 0, 0, 0))
        if sideways:
            each = plot.width / top
            shown = (box.left - plot.left) / each, (box.right - plot.left) / each
        else:
            each = plot.height / top
            shown = (plot.bottom - box.bottom) / each, (plot.bottom - box.top) / each
        for name, value, is_at in (("start", start, shown[0]), ("end", end, shown[1])):
            if abs(value - is_at) * each > 1.01:
                wrong.append(f"series {series + 1} bar {point + 1}: {name} should be {value:g}, is {is_at:.2f}")
    return wrong


def both() -> dict[tuple[int, int], tuple[float, float]]:
    return {(s, p): (0.0, value) for s, column in enumerate((NORTH, SOUTH)) for p, value in enumerate(column)}


def stacked(total: bool = False) -> dict[tuple[int, int], tuple[float, float]]:
    found = {}
    for point, (one, two) in enumerate(zip(NORTH, SOUTH, strict=True)):
        size = (one + two) / 100 if total else 1.0
        found[0, point], found[1, point] = (0.0, one / size), (one / size, (one + two) / size)
    return found


def test_columns_stand_at_their_values_with_the_style_s_colours(tmp_path: Path) -> None:
    scene = drawn(tmp_path, {"type": "column"}, lambda chart, _: chart.set_title({"name": "Sales"}))
    assert not differences(scene, both(), 45)
    assert texts(scene, "label") == [*MONTHS, *(str(each) for each in range(0, 50, 5))]
    assert texts(scene, "legend") == ["North", "South"]
    assert texts(scene, "title") == ["Sales"]
    assert scene.title == "Sales"
    assert [each.fill.colour for each in scene.shapes("bar")] == ["#4F81BD"] * 4 + ["#C0504D"] * 4
    assert not scene.messages


@pytest.mark.parametrize(
    ("kind", "subtype", "expected", "top", "last"),
    [
        ("column", "stacked", stacked(), 70, "70"),
        ("column", "percent_stacked", stacked(True), 100, "100%"),
        ("bar", "stacked", stacked(), 70, "70"),
        ("bar", "percent_stacked", stacked(True), 100, "100%"),
    ],
)
def test_stacked_bars_add_up(
    tmp_path: Path, kind: str, subtype: str, expected: dict[tuple[int, int], tuple[float, float]], top: float, last: str
) -> None:
    scene = drawn(tmp_path, {"type": kind, "subtype": subtype})
    assert not differences(scene, expected, top, kind == "bar")
    assert texts(scene, "label")[-1] == last or last in texts(scene, "label")


def test_gap_and_overlap_set_the_widths_of_bars(tmp_path: Path) -> None:
    scene = drawn(tmp_path, {"type": "column"}, options=({"gap": 100, "overlap": 50}, {}))
    found, slot = bars(scene), scene.plot.width / 4
    wide = slot / (2 - 0.5 + 1)  # two bars, half of one shared, a gap of one bar
    assert found[0, 0].width == pytest.approx(wide, abs=1.01)
    assert found[1, 0].left - found[0, 0].left == pytest.approx(wide / 2, abs=1.01)
    assert found[0, 0].left - scene.plot.left == pytest.approx(wide / 2, abs=1.01)


def test_lines_run_through_their_points(tmp_path: Path) -> None:
    scene = drawn(tmp_path, {"type": "line"})
    line = scene.shapes("line")[0]
    plot = scene.plot
    expected = [
        (plot.left + plot.width * (place + 0.5) / 4, plot.bottom - plot.height * value / 45)
        for place, value in enumerate(NORTH)
    ]
    for at, wanted in zip(points(line.path), expected, strict=True):
        assert at == pytest.approx(wanted, abs=0.02)
    assert line.line.colour == "#4F81BD"
    assert line.line.width == 3.0


def test_a_gap_in_the_values_is_a_gap_in_the_line(tmp_path: Path) -> None:
    scene = drawn(tmp_path, {"type": "line"}, columns=([1.0, None, 3.0, 4.0],), options=({},))
    assert scene.shapes("line")[0].path.count("M") == 2


def test_scatter_stands_at_x_and_y_and_its_trend_has_an_equation(tmp_path: Path) -> None:
    trend = {"trendline": {"type": "linear", "display_equation": True, "display_r_squared": True}}
    scene = drawn(tmp_path, {"type": "scatter"}, columns=([3.0, 5.0, 7.0, 9.0],), options=(trend,), names=[1, 2, 3, 4])
    assert len(scene.shapes("marker")) == 4
    assert texts(scene, "equation") == ["y = 2x + 1", "R² = 1"]
    first, plot = scene.shapes("marker")[0].box, scene.plot
    assert first is not None
    assert first.middle == pytest.approx((plot.left + plot.width * 1 / 4.5, plot.bottom - plot.height * 0.3), abs=0.5)
    assert "Linear (North)" in texts(scene, "legend")


def test_a_pie_shares_its_circle(tmp_path: Path) -> None:
    labels = {"data_labels": {"percentage": True}}
    scene = drawn(tmp_path, {"type": "pie"}, columns=([25.0, 25.0, 40.0, 10.0],), options=(labels,))
    assert [each.point for each in scene.shapes("slice")] == [0, 1, 2, 3]
    assert texts(scene, "data label") == ["25%", "25%", "40%", "10%"]
    assert texts(scene, "legend") == MONTHS
    assert len({each.fill.colour for each in scene.shapes("slice")}) == 4


@pytest.mark.parametrize("values", [[0.0, 0.0, 0.0, 0.0], [-5.0, 10.0, 0.0, 5.0], [None, None, None, None], [7.0]])
@pytest.mark.parametrize("kind", ["pie", "doughnut"])
def test_rings_of_odd_values_draw(tmp_path: Path, kind: str, values: list[Any]) -> None:
    scene = drawn(tmp_path, {"type": kind}, columns=(values,), options=({},))
    shown = sum(1 for each in values if each)
    assert len(scene.shapes("slice")) == shown


@pytest.mark.parametrize(("at", "side"), [("right", "left"), ("left", "right"), ("top", "bottom"), ("bottom", "top")])
def test_a_legend_stands_beside_the_plot_area(tmp_path: Path, at: str, side: str) -> None:
    scene = drawn(tmp_path, {"type": "column"}, lambda chart, _: chart.set_legend({"position": at}))
    plot, words = scene.plot, scene.words("legend")
    assert [each.text for each in words] == ["North", "South"]
    for each in words:
        beyond = {
            "right": each.x > plot.right,
            "left": each.x < plot.left,
            "top": each.y < plot.top,
            "bottom": each.y > plot.bottom,
        }
        assert beyond[at], f"legend at {at}: {each.text} stands at {each.x}, {each.y}"
        assert not beyond[side]


def test_axes_follow_their_settings(tmp_path: Path) -> None:
    def dress(chart: Any, _: Any) -> None:
        chart.set_y_axis({"min": 0, "max": 40, "major_unit": 20, "num_format": "0.0", "name": "value"})
        chart.set_x_axis({"name": "month", "reverse": True})

    scene = drawn(tmp_path, {"type": "column"}, dress)
    assert [each for each in texts(scene, "label") if "." in each] == ["0.0", "20.0", "40.0"]
    assert sorted(texts(scene, "axis title")) == ["month", "value"]
    found = bars(scene)
    assert found[0, 0].left > found[0, 3].left


@pytest.mark.parametrize(("unit", "name"), [("thousands", "Thousands"), ("ten_thousands", "x 10000")])
def test_display_units_are_named_beside_the_axis(tmp_path: Path, unit: str, name: str) -> None:
    scene = drawn(
        tmp_path, {"type": "column"}, lambda chart, _: chart.set_y_axis({"name": "value", "display_units": unit})
    )
    assert texts(scene, "axis title") == ["value", name]


def test_a_logarithmic_axis_has_its_powers_and_leaves_out_what_it_cannot_show(tmp_path: Path) -> None:
    scene = drawn(
        tmp_path,
        {"type": "line"},
        lambda chart, _: chart.set_y_axis({"log_base": 10}),
        columns=([1.0, -10.0, 100.0, 1000.0],),
        options=({"marker": {"type": "square"}},),
    )
    assert {"1", "10", "100", "1000"} <= set(texts(scene, "label"))
    heights = {each.point: each.box.middle[1] for each in scene.shapes("marker") if each.box}
    assert set(heights) == {0, 2, 3}
    plot = scene.plot
    assert heights[2] == pytest.approx(plot.bottom - plot.height * 2 / 3, abs=0.5)


def test_a_secondary_axis_has_a_scale_of_its_own(tmp_path: Path) -> None:
    def dress(chart: Any, workbook: Any) -> None:
        line = workbook.add_chart({"type": "line"})
        line.add_series({"name": "share", "values": "=Data!$C$2:$C$5", "y2_axis": True})
        line.set_y2_axis({"num_format": "0.00"})
        chart.combine(line)

    scene = drawn(tmp_path, {"type": "column"}, dress, options=({},), columns=(NORTH,))
    right = [each for each in scene.words("label") if each.x > scene.plot.right]
    assert len(bars(scene)) == 4
    assert right
    assert all("." in each.text for each in right)


def test_data_labels_stand_above_their_bars(tmp_path: Path) -> None:
    scene = drawn(tmp_path, {"type": "column"}, columns=(NORTH,), options=({"data_labels": {"value": True}},))
    found = bars(scene)
    assert len(list(scene.words("data label"))) == len(found) == len(NORTH)
    for word in scene.words("data label"):
        box = found[word.series, word.point]
        assert word.text == f"{NORTH[word.point]:g}"
        assert word.x == pytest.approx(box.middle[0], abs=0.5)
        assert box.top - 20 < word.y < box.top


def test_error_bars_reach_as_far_as_they_say(tmp_path: Path) -> None:
    scene = drawn(
        tmp_path, {"type": "column"}, columns=(NORTH,), options=({"y_error_bars": {"type": "fixed", "value": 5}},)
    )
    found = [float(each) for each in re.findall(r"V(-?[\d.]+)", scene.shapes("error bar")[0].path)]
    plot = scene.plot
    top = plot.bottom - plot.height * 15 / 50
    assert min(abs(each - top) for each in found) < 0.5


def test_fills_are_patterns_and_gradients(tmp_path: Path) -> None:
    options = (
        {"pattern": {"pattern": "light_upward_diagonal", "fg_color": "red", "bg_color": "white"}},
        {"gradient": {"colors": ["#112233", "#445566"]}},
    )
    path = book(tmp_path / "book.xlsx", {"type": "column"}, options=options)
    scene = scene_of(path)
    first, second = (next(each.fill for each in scene.shapes("bar") if each.series == one) for one in (0, 1))
    assert (first.pattern, first.colour, first.back) == ("ltUpDiag", "#FF0000", "#FFFFFF")
    assert [stop[1] for stop in second.stops] == ["#112233", "#445566"]
    with Package(path) as package:
        svg = chart_svg(package, PART, WIDTH, HEIGHT, styles_of(package), "z").svg
    assert {"pattern", "linearGradient", "clipPath"} <= {each.tag for each in ElementTree.fromstring(svg).iter()}
    assert set(re.findall(r"url\(#(\w+)\)", svg)) == set(re.findall(r' id="(\w+)"', svg))


def test_a_data_table_takes_the_place_of_the_labels(tmp_path: Path) -> None:
    scene = drawn(tmp_path, {"type": "column"}, lambda chart, _: chart.set_table())
    assert texts(scene, "table")[:4] == MONTHS
    assert not set(MONTHS) & set(texts(scene, "label"))


@pytest.mark.parametrize(
    ("kind", "subtype", "role", "count"),
    [
        ("area", "", "area", 2),
        ("area", "stacked", "area", 2),
        ("radar", "", "line", 2),
        ("radar", "filled", "area", 2),
        ("doughnut", "", "slice", 8),
        ("scatter", "smooth", "line", 2),
    ],
)
def test_every_kind_draws_every_series(tmp_path: Path, kind: str, subtype: str, role: str, count: int) -> None:
    chosen = {"type": kind, "subtype": subtype} if subtype else {"type": kind}
    scene = drawn(tmp_path, chosen, names=[1, 2, 3, 4])
    assert len(scene.shapes(role)) == count
    assert not scene.messages


def test_stock_charts_have_lines_from_high_to_low(tmp_path: Path) -> None:
    columns = ([9.0, 8.0], [5.0, 4.0], [6.0, 7.0])
    scene = drawn(tmp_path, {"type": "stock"}, columns=columns, options=({}, {}, {}), names=[45292, 45293])
    assert len(scene.shapes("range")) == 2


def test_values_come_from_the_cells_where_the_file_stores_none(tmp_path: Path) -> None:
    path = book(tmp_path / "book.xlsx", {"type": "column"})
    bare = changed(path, lambda xml: re.sub(r"<c:(num|str)Cache>.*?</c:\1Cache>", "", xml, flags=re.S))
    assert bars(scene_of(bare)) == bars(scene_of(path))


def test_a_missing_point_is_left_out(tmp_path: Path) -> None:
    path = book(tmp_path / "book.xlsx", {"type": "column"}, columns=(NORTH,), options=({},))
    holed = changed(path, lambda xml: xml.replace("<c:v>20</c:v>", "<c:v>#N/A</c:v>"))
    assert sorted(bars(scene_of(holed))) == [(0, 0), (0, 2), (0, 3)]


def _chart_kind(name: str) -> Callable[[str], str]:
    return lambda xml: xml.replace("c:barChart>", f"c:{name}>")


@pytest.mark.parametrize(
    ("change", "messages"),
    [
        (lambda xml: xml[: len(xml) // 2], 1),
        (lambda xml: re.sub(r"<c:ser>.*</c:ser>", "", xml, flags=re.S), 1),
        (lambda xml: re.sub(r"<c:ptCount val=\"\d+\"", '<c:ptCount val="-7"', xml), None),
        (lambda xml: re.sub(r"<c:axId val=\"\d+\"/>", "", xml), None),
        (lambda xml: re.sub(r"<c:v>\d+</c:v>", "<c:v>1e308</c:v>", xml), None),
        (lambda xml: re.sub(r"<c:gapWidth val=\"\d+\"/>", '<c:gapWidth val="oops"/>', xml), None),
        (lambda xml: xml.replace("<c:orientation", '<c:max val="-1e300"/><c:min val="1e300"/><c:orientation'), None),
        (_chart_kind("surfaceChart"), 1),
        (_chart_kind("bar3DChart"), 1),
        (_chart_kind("nonsenseChart"), 1),
    ],
    ids=["cut", "no series", "count", "no axes", "huge", "gap", "limits", "surface", "3-D", "unknown"],
)
def test_damaged_and_unknown_charts_are_a_picture_with_at_most_a_line(
    tmp_path: Path, change: Callable[[str], str], messages: int | None
) -> None:
    path = changed(book(tmp_path / "book.xlsx", {"type": "column"}), change)
    with Package(path) as package:
        drawing = chart_svg(package, PART, WIDTH, HEIGHT, styles_of(package))
    ElementTree.fromstring(drawing.svg)
    assert "nan" not in re.sub(r"<tspan.*?</tspan>", "", drawing.svg)
    assert all(each and "\n" not in each for each in drawing.messages)
    if messages is not None:
        assert len(drawing.messages) == messages


def test_a_chart_that_is_not_there_is_a_frame_with_its_message(tmp_path: Path) -> None:
    path = book(tmp_path / "book.xlsx", {"type": "column"})
    with Package(path) as package:
        drawing = chart_svg(package, "xl/charts/chart9.xml", WIDTH, HEIGHT, styles_of(package))
    assert len(drawing.messages) == 1


MANY = [pytest.param(kind, marks=pytest.mark.slow) for kind in ("line", "scatter", "area", "pie")]


@pytest.mark.parametrize("kind", ["column", *MANY])
def test_fifty_thousand_points_stay_a_small_picture(tmp_path: Path, kind: str) -> None:
    path = book(tmp_path / "book.xlsx", {"type": kind}, columns=(NORTH,), options=({},))
    pairs = "".join(f'<c:pt idx="{index}"><c:v>{index % 97 + 1}</c:v></c:pt>' for index in range(50_000))
    cache = f'<c:numCache><c:formatCode>General</c:formatCode><c:ptCount val="50000"/>{pairs}</c:numCache>'
    large = changed(path, lambda xml: re.sub(r"<c:numCache>.*?</c:numCache>", cache, xml, flags=re.S))
    with Package(large) as package:
        drawing = chart_svg(package, PART, WIDTH, HEIGHT, styles_of(package))
    assert len(drawing.svg) < 1_500_000
    assert not drawing.messages


def test_a_kind_of_excel_2016_is_a_frame_with_its_title_and_its_name(tmp_path: Path) -> None:
    newer = (
        '<cx:chartSpace xmlns:cx="http://schemas.microsoft.com/office/drawing/2014/chartex"'
        ' xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"><cx:chart><cx:title><cx:tx><a:t>Sales</a:t>'
        '</cx:tx></cx:title><cx:series layoutId="sunburst"/></cx:chart></cx:chartSpace>'
    )
    scene = scene_of(changed(book(tmp_path / "book.xlsx", {"type": "column"}), lambda _: newer))
    assert scene.title == "Sales"
    assert len(scene.messages) == 1
    assert "sunburst" in scene.messages[0]
    assert [each.role for each in scene.shapes("frame")] == ["frame"]


def test_dates_stand_where_their_days_are(tmp_path: Path) -> None:
    scene = drawn(
        tmp_path,
        {"type": "line"},
        lambda chart, _: chart.set_x_axis({"date_axis": True, "num_format": "yyyy-mm-dd"}),
        names=[45292, 45293, 45301, 45302],  # a week is missing
        columns=(NORTH,),
        options=({"marker": {"type": "square"}},),
    )
    day = scene.plot.width / 11
    left = [each.box.middle[0] - scene.plot.left for each in scene.shapes("marker") if each.box]
    assert left == pytest.approx([day * (place + 0.5) for place in (0, 1, 9, 10)], abs=0.1)
    assert "2024-01-01" in texts(scene, "label")
