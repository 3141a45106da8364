"""Kinds of charts that XlsxWriter cannot make, or that other programs write: as data, against what Excel shows."""

import itertools
import math
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from openpyxl.chart import (
    AreaChart,
    BarChart,
    BubbleChart,
    DoughnutChart,
    LineChart,
    PieChart,
    RadarChart,
    Reference,
    Series,
    SurfaceChart,
)

from tests.excel.shot.test_chart import MONTHS, NORTH, SOUTH, bars, book, changed, drawn, scene_of, texts
from xltrain.excel.shot import shoot
from xltrain.excel.shot.chart.ink import Scene, Words

SIZES = (1.0, 4.0, 9.0, 16.0)


def written(path: Path, make: Callable[[Any], Any]) -> Scene:
    """The chart that openpyxl writes from a sheet of months and values."""
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    assert sheet is not None
    sheet.title = "D"
    for row in zip(MONTHS, NORTH, SOUTH, SIZES, strict=True):
        sheet.append(row)
    sheet.add_chart(make(sheet), "F2")
    workbook.save(path)
    return scene_of(path)


def column(sheet: Any, number: int) -> Reference:
    return Reference(sheet, min_col=number, min_row=1, max_row=4)


def bubbles(tmp_path: Path, scale: int | None = None, meaning: str | None = None) -> list[float]:
    """The widths of bubbles whose sizes are 1, 4, 9 and 16."""

    def make(sheet: Any) -> BubbleChart:
        chart = BubbleChart(bubbleScale=scale, sizeRepresents=meaning)
        chart.series.append(Series(column(sheet, 3), column(sheet, 2), zvalues=column(sheet, 4), title="b"))
        return chart

    found = [each.box for each in written(tmp_path / "book.xlsx", make).shapes("bubble") if each.box]
    return sorted(box.width for box in found)


def test_bubbles_have_areas_of_their_sizes(tmp_path: Path) -> None:
    widths = bubbles(tmp_path)
    assert [each / widths[0] for each in widths] == pytest.approx([1, 2, 3, 4], rel=0.02)


def test_bubbles_may_have_widths_of_their_sizes_and_a_scale(tmp_path: Path) -> None:
    widths = bubbles(tmp_path, meaning="w")
    assert [each / widths[3] for each in widths[1:]] == pytest.approx([4 / 16, 9 / 16, 1], rel=0.05)
    assert bubbles(tmp_path, scale=50)[-1] / bubbles(tmp_path)[-1] == pytest.approx(0.5, rel=0.02)


@pytest.mark.parametrize(
    ("kind", "role", "count"),
    [
        (BarChart, "bar", 4),
        (LineChart, "line", 1),
        (AreaChart, "area", 1),
        (PieChart, "slice", 4),
        (DoughnutChart, "slice", 4),
        (RadarChart, "line", 1),
    ],
)
def test_charts_by_openpyxl_take_their_values_from_the_cells(tmp_path: Path, kind: Any, role: str, count: int) -> None:
    def make(sheet: Any) -> Any:
        chart = kind()
        chart.add_data(column(sheet, 2))
        chart.set_categories(column(sheet, 1))
        return chart

    scene = written(tmp_path / "book.xlsx", make)
    assert len(scene.shapes(role)) == count
    assert not scene.messages


def test_a_surface_is_drawn_flat_and_named(tmp_path: Path) -> None:
    def make(sheet: Any) -> SurfaceChart:
        chart = SurfaceChart()
        chart.add_data(column(sheet, 2))
        return chart

    (message,) = written(tmp_path / "book.xlsx", make).messages
    assert "surface" in message


def test_a_line_of_one_point_shows_its_marker_only(tmp_path: Path) -> None:
    marked = ({"marker": {"type": "square"}},)
    scene = drawn(tmp_path, {"type": "line"}, columns=([7.0],), options=marked, names=["Jan"])
    (marker,) = scene.shapes("marker")
    assert marker.box is not None
    assert marker.box.middle[0] == pytest.approx(scene.plot.left + scene.plot.width / 2, abs=0.5)


def test_a_smooth_line_bends_and_passes_through_its_points(tmp_path: Path) -> None:
    options = ({"smooth": True, "marker": {"type": "square"}},)
    scene = drawn(tmp_path, {"type": "line"}, columns=(NORTH,), options=options)
    path = scene.shapes("line")[0].path
    assert "C" in path
    numbers = [float(each) for each in re.findall(r"-?[\d.]+", path)]
    ends = list(zip(numbers[::2], numbers[1::2], strict=True))
    for marker in scene.shapes("marker"):
        assert marker.box is not None
        assert min(math.dist(marker.box.middle, each) for each in ends) < 1


@pytest.mark.parametrize("shape", ["square", "diamond", "triangle", "x", "star", "short_dash", "circle", "plus"])
def test_markers_have_shapes_of_their_own(tmp_path: Path, shape: str) -> None:
    options = ({"marker": {"type": shape, "size": 9}}, {"marker": {"type": "long_dash", "size": 9}})
    scene = drawn(tmp_path, {"type": "scatter"}, options=options, names=[1, 2, 3, 4])
    first, second = (next(each for each in scene.shapes("marker") if each.series == one) for one in (0, 1))
    assert len(scene.shapes("marker")) == 8
    assert re.sub(r"[-\d. ]+", "", first.path) != re.sub(r"[-\d. ]+", "", second.path) or first.box != second.box


def test_areas_of_100_percent_fill_the_plot(tmp_path: Path) -> None:
    scene = drawn(tmp_path, {"type": "area", "subtype": "percent_stacked"})
    assert {"0%", "100%"} <= set(texts(scene, "label"))
    tops = [min(float(each) for each in re.findall(r"[ ,](-?[\d.]+)", area.path)) for area in scene.shapes("area")]
    assert min(tops) == pytest.approx(scene.plot.top, abs=1)


def test_a_block_of_category_cells_has_levels(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    with xlsxwriter.Workbook(path) as workbook:
        sheet = workbook.add_worksheet("Data")
        for row, (year, month, value) in enumerate(zip(("2023", "", "2024", ""), MONTHS, NORTH, strict=True)):
            sheet.write_row(row, 0, [year or None, month, value])
        chart = workbook.add_chart({"type": "column"})
        chart.add_series({"categories": ["Data", 0, 0, 3, 1], "values": ["Data", 0, 2, 3, 2]})
        sheet.insert_chart("F2", chart)
    bare = changed(path, lambda xml: re.sub(r"<c:(num|str|multiLvlStr)Cache>.*?</c:\1Cache>", "", xml, flags=re.S))
    scene = scene_of(bare)
    labels = texts(scene, "label")
    assert len(bars(scene)) == 4
    assert [each for each in labels if each in MONTHS] == MONTHS
    assert [each.text for each in scene.items if isinstance(each, Words) and each.text.startswith("202")] == [
        "2023",
        "2024",
    ]


def test_labels_may_come_from_cells_and_single_ones_be_left_out(tmp_path: Path) -> None:
    labels = {"value": True, "custom": [{"value": "=Data!$A$2"}, {"value": "own"}, {"delete": True}]}
    scene = drawn(tmp_path, {"type": "column"}, columns=(NORTH,), options=({"data_labels": labels},))
    assert texts(scene, "data label") == ["Jan", "own", "40"]


@pytest.mark.parametrize(("hole", "share"), [(10, 0.1), (75, 0.75)])
def test_a_ring_has_the_hole_that_it_asks_for(tmp_path: Path, hole: int, share: float) -> None:
    scene = drawn(
        tmp_path, {"type": "doughnut"}, lambda chart, _: chart.set_hole_size(hole), columns=(NORTH,), options=({},)
    )
    arcs = {float(each) for slice_ in scene.shapes("slice") for each in re.findall(r"A(-?[\d.]+)", slice_.path)}
    assert min(arcs) / max(arcs) == pytest.approx(share, abs=0.03)


def test_names_of_bars_never_reach_into_each_other(tmp_path: Path) -> None:
    names = [f"a rather long name of a run with many settings, the one of number {index}" for index in range(12)]
    path = book(
        tmp_path / "b.xlsx", {"type": "bar"}, columns=([float(each) for each in range(12)],), options=({},), names=names
    )  # fmt: skip
    scene = scene_of(path)
    heights = sorted(each.y for each in scene.words("label") if "name" in each.text or "..." in each.text)
    assert len(heights) >= 6
    assert all(later - before > 8 for before, later in itertools.pairwise(heights))


def test_a_chart_sheet_is_drawn_like_a_sheet(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    with xlsxwriter.Workbook(path) as workbook:
        workbook.add_worksheet("Data").write_column("A1", NORTH)
        chart = workbook.add_chart({"type": "column"})
        chart.add_series({"values": "=Data!$A$1:$A$4"})
        workbook.add_chartsheet("Graph").set_chart(chart)
    for wanted in ("Graph", "Graph!", "'graph'!"):
        picture = shoot(path, wanted)
        assert picture.range == "Graph"
        assert picture.width > picture.height > 400
    only = path.with_name("only.xlsx")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(only, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "xl/workbook.xml":
                content = re.sub(rb'<sheet name="Data"[^>]*/>', b"", content)
            target.writestr(name, content)
    assert shoot(only).range == "Graph"
