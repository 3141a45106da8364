"""The golden workbooks. What is expected comes from Excel's documented rules and its own default colours."""

import datetime
from typing import Any

from tests.excel.shot.golden import column, golden
from xltrain.excel.shot.page import Options

BAD = {"bg_color": "#FFC7CE", "font_color": "#9C0006"}
_NOON = datetime.datetime(2024, 3, 6, 12)  # a Wednesday
WHITE = "FFFFFF"


def fill(sheet: Any, letter: str, *values: Any, style: Any = None) -> None:
    for row, value in enumerate(values, 1):
        sheet.write(f"{letter}{row}", value, style)


@golden("A1:C3", {"A1": {"width": 145, "height": 40}, "B3": {"width": 64, "height": 20}}, width=145 + 2 * 64 + 1)
def _sizes(book: Any, sheet: Any) -> None:
    sheet.set_column("A:A", 20)
    sheet.set_row(0, 30)


@golden("A1:E5", {"A1": {"left": 1}, "E5": {"left": 129, "top": 41}}, columns=(1, 65, 129, 193), rows=(1, 21, 41, 61))
def _collapsed(book: Any, sheet: Any) -> None:
    sheet.set_column("B:C", None, None, {"level": 1, "hidden": True})
    sheet.set_column("D:D", None, None, {"collapsed": True})
    for row in (1, 2):
        sheet.set_row(row, None, None, {"level": 1, "hidden": True})
    fill(sheet, "A", *range(5))


@golden("A1:B2", {"A1": {"fill": "FFC000"}, "B2": {"fill": WHITE}})
def _solid(book: Any, sheet: Any) -> None:
    sheet.write_blank("A1", None, book.add_format({"bg_color": "#FFC000"}))


@golden("A1:A2", {"A1": {"fill": "darkDown C00000/FFFFCC"}, "A2": {"fill": "gray125 000000/FFFFFF"}})
def _patterns(book: Any, sheet: Any) -> None:
    sheet.write_blank("A1", None, book.add_format({"pattern": 7, "fg_color": "#C00000", "bg_color": "#FFFFCC"}))
    sheet.write_blank("A2", None, book.add_format({"pattern": 17}))


@golden(
    "A1:B2",
    {
        "A1": {"border_right": "medium FF0000", "border_bottom": "double 000000"},
        "B1": {"border_left": "medium FF0000"},
        "A2": {"border_top": "double 000000"},
    },
)
def _stronger_border_wins(book: Any, sheet: Any) -> None:
    sheet.write_blank("A1", None, book.add_format({"right": 1, "bottom": 6}))
    sheet.write_blank("B1", None, book.add_format({"left": 2, "left_color": "#FF0000"}))
    sheet.write_blank("A2", None, book.add_format({"top": 1}))


@golden("A1:A1", {"A1": {"diagonal": "dashed 0000FF"}})
def _diagonal(book: Any, sheet: Any) -> None:
    sheet.write_blank("A1", None, book.add_format({"diag_type": 3, "diag_border": 3, "diag_color": "#0000FF"}))


@golden(
    "A1:A1",
    {
        "A1": {
            "font": "Arial",
            "size": 14.0,
            "bold": True,
            "italic": True,
            "strike": True,
            "underline": "doubleAccounting",
            "colour": "7030A0",
        }
    },
)
def _fonts(book: Any, sheet: Any) -> None:
    look = {"font_name": "Arial", "font_size": 14, "bold": 1, "italic": 1, "font_strikeout": 1, "underline": 34}
    sheet.write("A1", "text", book.add_format({**look, "font_color": "#7030A0"}))


@golden("A1:A1", {"A1": {"text": "H2O", "runs": ("H", "2", "O")}})
def _rich_text(book: Any, sheet: Any) -> None:
    sheet.write_rich_string("A1", "H", book.add_format({"font_script": 2}), "2", "O")


@golden(
    "A1:E1",
    {
        "A1": {"anchor": "end", "text": "5"},
        "B1": {"anchor": "start"},
        "C1": {"anchor": "middle", "text": "TRUE"},
        "D1": {"anchor": "middle", "text": "#N/A"},
        "E1": {"anchor": "end"},
    },
)
def _general_alignment(book: Any, sheet: Any) -> None:
    sheet.write_row("A1", [5, "left", True])
    sheet.write_formula("D1", "=NA()", None, "#N/A")
    sheet.write("E1", "שלום")


@golden("A1:B1", {"A1": {"anchor": "middle"}, "B1": {"anchor": "start", "at": (85.5, 36.0)}}, height=41)
def _indent(book: Any, sheet: Any) -> None:
    sheet.set_row(0, 30)
    sheet.write("A1", "x", book.add_format({"align": "center"}))
    sheet.write("B1", "x", book.add_format({"indent": 2}))


@golden("A1:C1", {"A1": {"anchor": "middle", "at": (97.0, 16.0), "text": "title"}})
def _centre_across_selection(book: Any, sheet: Any) -> None:
    style = book.add_format({"align": "center_across"})
    sheet.write("A1", "title", style)
    sheet.write_blank("B1", None, style)
    sheet.write_blank("C1", None, style)


@golden("A1:A3", {"A1": {"lines": 2, "height": 40}, "A2": {"lines": 3, "height": 60}, "A3": {"lines": 1}})
def _wrapping(book: Any, sheet: Any) -> None:
    wrap = book.add_format({"text_wrap": True})
    sheet.write("A1", "two lines here", wrap)
    sheet.write("A2", "a\nb\nc", wrap)
    sheet.write("A3", "a\nb")


@golden("A1:A2", {"A1": {"text": "sum of Non-\nmarket"}, "A2": {"text": "sum of\n2024-05-06"}})
def _lines_end_after_hyphens(book: Any, sheet: Any) -> None:
    """Before a letter; dates stay whole."""
    wrap = book.add_format({"text_wrap": True})
    sheet.set_column("A:A", 11)
    sheet.write("A1", "sum of Non-market", wrap)
    sheet.write("A2", "sum of 2024-05-06", wrap)


@golden("A1:A1", {"A1": {"text": "他说：\n“好”，\n再见。", "lines": 3}})
def _chinese_line_breaks(book: Any, sheet: Any) -> None:
    sheet.set_column("A:A", 7.5)
    sheet.write("A1", "他说：“好”，再见。", book.add_format({"text_wrap": True}))


@golden("A1:B1", {"A1": {"angle": -45.0}, "B1": {"angle": 90.0}})
def _rotation(book: Any, sheet: Any) -> None:
    sheet.write("A1", "up", book.add_format({"rotation": 45}))
    sheet.write("B1", "down", book.add_format({"rotation": -90}))


@golden("A1:A1", {"A1": {"lines": 3, "runs": ("a", "b", "c")}})
def _letters_below_each_other(book: Any, sheet: Any) -> None:
    sheet.set_row(0, 60)
    sheet.write("A1", "abc", book.add_format({"rotation": 270}))


@golden("A1:B1", {"A1": {"runs": ("one", "two"), "anchor": "start"}, "B1": {"text": "ababababab"}})
def _distributed_and_fill(book: Any, sheet: Any) -> None:
    sheet.set_column("B:B", 11)
    sheet.write("A1", "one two", book.add_format({"align": "distributed"}))
    sheet.write("B1", "ab", book.add_format({"align": "fill"}))


@golden("A1:A1", {"A1": {"clip": False, "text": "a text that is too long", "lines": 1}})
def _shrink_to_fit(book: Any, sheet: Any) -> None:
    sheet.write("A1", "a text that is too long", book.add_format({"shrink": True}))


@golden("A1:C2", {"A1": {"clip": False}, "A2": {"clip": True}})
def _overflow(book: Any, sheet: Any) -> None:
    sheet.write("A1", "runs over B1 only")
    sheet.write("A2", "runs over B2 only")
    sheet.write("B2", 1)


@golden("A1:A3", {"A1": {"text": "#######"}, "A2": {"text": "1.2E+10"}, "A3": {"text": "#######"}})
def _too_narrow(book: Any, sheet: Any) -> None:
    sheet.set_column("A:A", 7)
    sheet.write("A1", 1234567890, book.add_format({"num_format": "#,##0"}))
    sheet.write("A2", 12345678901)
    sheet.write("A3", -5, book.add_format({"num_format": "yyyy-mm-dd"}))


@golden("B2:C3", {"A1": {"left": -63, "width": 192, "height": 60, "fill": "DDEBF7"}}, width=129, height=41)
def _merged_and_cut(book: Any, sheet: Any) -> None:
    sheet.merge_range("A1:C3", "M", book.add_format({"bg_color": "#DDEBF7", "align": "center"}))


@golden(
    "A1:A5",
    column("A", 1, "text", "1,234.50", "(1,234.50)", "12.5%", "2024-03-06", "1.23E+04")
    | {"A2": {"text": "(1,234.50)", "colour": "FF0000"}},
)
def _number_formats(book: Any, sheet: Any) -> None:
    sheet.set_column("A:A", 14)
    for row, (value, code) in enumerate(
        [
            (1234.5, "#,##0.00;[Red](#,##0.00)"),
            (-1234.5, "#,##0.00;[Red](#,##0.00)"),
            (0.125, "0.0%"),
            (45357, "yyyy-mm-dd"),
            (12345, "0.00E+00"),
        ]
    ):
        sheet.write(row, 0, value, book.add_format({"num_format": code}))


@golden(
    "A1:B5",
    column("A", 1, "fill", WHITE, WHITE, "FFC7CE", "FFC7CE", WHITE)
    | {"A3": {"fill": "FFC7CE", "colour": "9C0006"}}
    | column("B", 1, "fill", WHITE, "FFC7CE", "FFC7CE", WHITE, "FFC7CE"),
)
def _cell_rules(book: Any, sheet: Any) -> None:
    """A text is above every number; an empty cell counts as 0."""
    fill(sheet, "A", 1, 50, 51, "text")
    fill(sheet, "B", 9, 5, 7, 4)
    bad = book.add_format(BAD)
    sheet.conditional_format("A1:A5", {"type": "cell", "criteria": ">", "value": 50, "format": bad})
    sheet.conditional_format(
        "B1:B4", {"type": "cell", "criteria": "between", "minimum": 8, "maximum": 5, "format": bad}
    )
    sheet.conditional_format("B5", {"type": "cell", "criteria": "=", "value": 0, "format": bad})


@golden(
    "A1:C10",
    column("A", 1, "fill", WHITE, *[WHITE] * 6, "FFC7CE", "FFC7CE", "FFC7CE")
    | column("B", 1, "fill", "FFC7CE", WHITE)
    | column("C", 1, "fill", "FFC7CE", "FFC7CE", WHITE),
)
def _top_and_bottom(book: Any, sheet: Any) -> None:
    bad = book.add_format(BAD)
    for letter in "ABC":
        fill(sheet, letter, *range(1, 11))
    sheet.conditional_format("A1:A10", {"type": "top", "value": 3, "format": bad})
    sheet.conditional_format("B1:B10", {"type": "bottom", "value": 19, "criteria": "%", "format": bad})
    sheet.conditional_format("C1:C10", {"type": "bottom", "value": 2, "format": bad})


@golden("A1:B4", column("A", 1, "fill", WHITE, WHITE, WHITE, "FFC7CE") | column("B", 1, "fill", "FFC7CE", WHITE, WHITE))
def _average(book: Any, sheet: Any) -> None:
    bad = book.add_format(BAD)
    fill(sheet, "A", 1, 2, 3, 6)
    fill(sheet, "B", 1, 5, 5, 9)
    sheet.conditional_format("A1:A4", {"type": "average", "criteria": "above", "format": bad})
    sheet.conditional_format("B1:B4", {"type": "average", "criteria": "1 std dev below", "format": bad})


@golden(
    "A1:B4",
    column("A", 1, "fill", "FFC7CE", WHITE, "FFC7CE", WHITE) | column("B", 1, "fill", WHITE, "FFC7CE", WHITE, WHITE),
)
def _duplicates_and_unique(book: Any, sheet: Any) -> None:
    bad = book.add_format(BAD)
    fill(sheet, "A", "Ab", "b", "aB")
    fill(sheet, "B", 1, 2, 1)
    sheet.conditional_format("A1:A4", {"type": "duplicate", "format": bad})
    sheet.conditional_format("B1:B4", {"type": "unique", "format": bad})


@golden("A1:A4", column("A", 1, "fill", "FFC7CE", "C6EFCE", WHITE, "FFEB9C"))
def _texts(book: Any, sheet: Any) -> None:
    fill(sheet, "A", "an APPLE", "apricot", "banana", "pear")
    for criteria, value, colour in (
        ("containing", "apple", "#FFC7CE"),
        ("begins with", "ap", "#C6EFCE"),
        ("ends with", "EAR", "#FFEB9C"),
    ):
        style = book.add_format({"bg_color": colour})
        sheet.conditional_format("A1:A4", {"type": "text", "criteria": criteria, "value": value, "format": style})


@golden(
    "A1:B5",
    column("A", 1, "fill", WHITE, "FFC7CE", "FFC7CE", "FFC7CE", WHITE)
    | column("B", 1, "fill", "FFC7CE", WHITE, WHITE, WHITE, WHITE),
    Options(now=_NOON),
)
def _dates(book: Any, sheet: Any) -> None:
    """The week of Wednesday, 6 March 2024 runs from Sunday the 3rd to Saturday the 9th."""
    bad, style = book.add_format(BAD), book.add_format({"num_format": "yyyy-mm-dd"})
    days = [datetime.datetime(2024, 3, day) for day in (2, 3, 6, 9, 10)]
    sheet.set_column("A:B", 12)
    fill(sheet, "A", *days, style=style)
    fill(sheet, "B", datetime.datetime(2024, 2, 29), *days[1:], style=style)
    sheet.conditional_format("A1:A5", {"type": "time_period", "criteria": "this week", "format": bad})
    sheet.conditional_format("B1:B5", {"type": "time_period", "criteria": "last month", "format": bad})


@golden("A1:B3", column("A", 1, "fill", WHITE, "FFC7CE", "FFC7CE") | column("B", 1, "fill", WHITE, "FFC7CE", WHITE))
def _blanks_and_errors(book: Any, sheet: Any) -> None:
    bad = book.add_format(BAD)
    sheet.write("A1", 0)
    sheet.write("A2", "  ")
    sheet.conditional_format("A1:A3", {"type": "blanks", "format": bad})
    sheet.write("B1", 1)
    sheet.write_formula("B2", "=1/0", None, "#DIV/0!")
    sheet.conditional_format("B1:B3", {"type": "errors", "format": bad})


@golden("A1:B4", column("A", 1, "fill", WHITE, "FFC7CE", WHITE, WHITE) | column("B", 1, "fill", WHITE, "FFC7CE"))
def _formulas(book: Any, sheet: Any) -> None:
    """Written for the first cell; the references move along, those with $ stay."""
    fill(sheet, "A", 1, 5, 3, 2)
    fill(sheet, "B", "no", "yes", "no", "no")
    formula = '=AND($A1>AVERAGE($A$1:$A$4),ISNUMBER(SEARCH("Y",$B1)),MOD(ROW(),2)=0)'
    sheet.conditional_format("A1:B4", {"type": "formula", "criteria": formula, "format": book.add_format(BAD)})


@golden(
    "A1:A2",
    {"A1": {"fill": WHITE}},
    notes=(
        'the conditional format =CELL("row",A1)=1 of A1:A2 uses CELL(), which is not drawn; its format is left out',
    ),
)
def _unknown_formula_is_named(book: Any, sheet: Any) -> None:
    fill(sheet, "A", 1, 2)
    rule = {"type": "formula", "criteria": '=CELL("row",A1)=1', "format": book.add_format(BAD)}
    sheet.conditional_format("A1:A2", rule)


@golden("A1:A3", column("A", 1, "fill", "FFEF9C", "FFB062", "FF7128"))
def _two_colour_scale(book: Any, sheet: Any) -> None:
    fill(sheet, "A", 10, 20, 30)
    scale = {"type": "2_color_scale", "min_color": "#FFEF9C", "max_color": "#FF7128"}
    sheet.conditional_format("A1:A3", {**scale, "mid_type": "num"})


@golden("A1:A5", column("A", 1, "fill", "F8696B", "FBAA77", "FFEB84", "B1D580", "63BE7B"))
def _three_colour_scale(book: Any, sheet: Any) -> None:
    fill(sheet, "A", 0, 25, 50, 75, 100)
    sheet.conditional_format("A1:A5", {"type": "3_color_scale"})


@golden("A1:A3", column("A", 1, "bar", (0.0, 0.1, "638EC6"), (0.0, 0.5, "638EC6"), (0.0, 0.9, "638EC6")))
def _data_bars_of_2007(book: Any, sheet: Any) -> None:
    """From 10 % to 90 % of the cell, the shortest for the smallest."""
    fill(sheet, "A", 5, 10, 15)
    sheet.conditional_format("A1:A3", {"type": "data_bar"})


@golden(
    "A1:A3",
    {
        "A1": {"bar": (0.0, 0.2, "FF0000"), "axis": 0.2, "gradient": False},
        "A2": {"bar": (0.2, 0.2, "638EC6")},
        "A3": {"bar": (0.2, 1.0, "638EC6"), "axis": 0.2},
    },
)
def _data_bars_below_zero(book: Any, sheet: Any) -> None:
    fill(sheet, "A", -10, 0, 40)
    sheet.conditional_format("A1:A3", {"type": "data_bar", "data_bar_2010": True, "bar_solid": True})


@golden(
    "A1:A2",
    {"A1": {"bar": (0.75, 1.0, "70AD47"), "text": ""}, "A2": {"bar": (0.5, 1.0, "70AD47")}},
)
def _data_bars_from_the_right(book: Any, sheet: Any) -> None:
    fill(sheet, "A", 1, 2)
    bar = {"type": "data_bar", "bar_direction": "right", "bar_color": "#70AD47", "bar_only": True}
    limits = {"min_type": "num", "min_value": 0, "max_type": "num", "max_value": 4}
    sheet.conditional_format("A1:A2", {**bar, **limits})


@golden(
    "A1:B5",
    column("A", 1, "icon", "3TrafficLights1 0", "3TrafficLights1 0", "3TrafficLights1 1", "3TrafficLights1 2", "")
    | column("B", 1, "icon", "5Arrows 4", "5Arrows 3", "5Arrows 2", "5Arrows 0"),
)
def _icon_sets(book: Any, sheet: Any) -> None:
    """Thirds of the way from the smallest to the largest number; texts have no sign."""
    fill(sheet, "A", 0, 32, 33, 100, "text")
    fill(sheet, "B", 0, 20, 40, 100)
    sheet.conditional_format("A1:A5", {"type": "icon_set", "icon_style": "3_traffic_lights"})
    sheet.conditional_format("B1:B4", {"type": "icon_set", "icon_style": "5_arrows", "reverse_icons": True})


@golden("A1:A3", column("A", 1, "fill", "C6EFCE", "FFC7CE", WHITE))
def _priority_and_stop(book: Any, sheet: Any) -> None:
    fill(sheet, "A", 90, 60, 30)
    styles = [book.add_format({"bg_color": colour}) for colour in ("#C6EFCE", "#FFC7CE", "#000000")]
    rule = {"type": "cell", "criteria": ">"}
    sheet.conditional_format("A1:A3", {**rule, "value": 80, "format": styles[0], "stop_if_true": True})
    sheet.conditional_format("A1:A3", {**rule, "value": 50, "format": styles[1], "stop_if_true": True})
    sheet.conditional_format("A1:A2", {**rule, "value": 0, "format": styles[2]})


@golden("A1:A1", {"A1": {"fill": "FFC7CE", "colour": "0000FF", "bold": True, "text": "7.00"}})
def _rules_over_cell_styles(book: Any, sheet: Any) -> None:
    """Each rule adds what no earlier one has set."""
    sheet.write("A1", 7, book.add_format({"bg_color": "#FFFF00", "font_color": "#00FF00"}))
    for look in ({"bg_color": "#FFC7CE"}, {"font_color": "#0000FF", "bold": 1, "bg_color": "#000000"}):
        style = book.add_format(look)
        sheet.conditional_format("A1", {"type": "cell", "criteria": ">", "value": 0, "format": style})
    style = book.add_format({"num_format": "0.00"})
    sheet.conditional_format("A1", {"type": "cell", "criteria": ">", "value": 0, "format": style})


@golden("A2:A3", column("A", 2, "fill", "FFFFFF", "FF0000"))
def _scale_over_more_than_the_picture(book: Any, sheet: Any) -> None:
    for row in range(2000):
        sheet.write(row, 0, {1: 0, 2: 100}.get(row, 50))
    scale = {"type": "2_color_scale", "min_color": "#FFFFFF", "max_color": "#FF0000"}
    sheet.conditional_format("A1:A2000", scale)


@golden(
    "A1:C5",
    {
        "A1": {"fill": "4F81BD", "colour": "FFFFFF", "bold": True},
        "A2": {"fill": "DCE6F1", "bold": False, "border_bottom": "thin 95B3D7", "border_right": ""},
        "B3": {"fill": WHITE},
        "C4": {"fill": "DCE6F1", "border_right": "thin 95B3D7"},
        "A5": {"border_top": "double 4F81BD"},
    },
)
def _table_style_medium_2(book: Any, sheet: Any) -> None:
    table(sheet, "Table Style Medium 2", total_row=True)


@golden(
    "A1:C5",
    {
        "A1": {"fill": "000000", "colour": "FFFFFF", "border_bottom": "medium FFFFFF"},
        "A2": {"fill": "404040", "bold": True, "border_right": "medium FFFFFF"},
        "B3": {"fill": "737373", "colour": "FFFFFF"},
    },
)
def _table_style_dark_1(book: Any, sheet: Any) -> None:
    table(sheet, "Table Style Dark 1", first_column=True)


@golden("A1:C5", {"B2": {"fill": "FFFF00", "colour": "FF0000"}, "B3": {"fill": WHITE}, "A2": {"fill": "D9D9D9"}})
def _cell_styles_over_table_styles(book: Any, sheet: Any) -> None:
    table(sheet, "Table Style Light 1")
    sheet.write("B2", 1, book.add_format({"bg_color": "#FFFF00", "font_color": "#FF0000"}))


def table(sheet: Any, style: str, **more: Any) -> None:
    sheet.add_table("A1:C5", {"style": style, "data": [["a", 1, 2], ["b", 3, 4], ["c", 5, 6]], **more})


@golden(
    "A1:C1",
    {
        "A1": {"spark": "line", "points": ((1, "D00000"), (2, "0000FF"))},
        "B1": {"spark": "column"},
        "C1": {"spark": "stacked", "points": ((1, "FF0000"),)},
    },
)
def _sparklines(book: Any, sheet: Any) -> None:
    for place, value in zip(("E1", "F1", "G1"), (1, -2, 3), strict=True):
        sheet.write(place, value)
    data = {"range": "S!E1:G1"}
    marks = {"low_point": True, "low_color": "#D00000", "last_point": True, "last_color": "#0000FF"}
    sheet.add_sparkline("A1", {**data, **marks})
    sheet.add_sparkline("B1", {**data, "type": "column"})
    sheet.add_sparkline("C1", {**data, "type": "win_loss", "negative_points": True, "negative_color": "#FF0000"})


@golden("A1:B2", {"A1": {"comment": True}, "B2": {"comment": False}})
def _comments(book: Any, sheet: Any) -> None:
    sheet.write_comment("A1", "a word")


@golden("B2:C3", {"B2": {"left": 1}}, Options(headings=True, gridlines=False), headings=("B", "C", "2", "3"), grid=0)
def _headings_without_grid(book: Any, sheet: Any) -> None:
    sheet.write("B2", 1)


@golden("A1:C3", {}, Options(freeze=True), freeze=2)
def _freeze_lines(book: Any, sheet: Any) -> None:
    sheet.freeze_panes(1, 1)


@golden("A1:C1", {"A1": {"left": 129}, "B1": {"left": 65}, "C1": {"left": 1, "anchor": "end"}})
def _right_to_left(book: Any, sheet: Any) -> None:
    sheet.right_to_left()
    sheet.write_row("A1", ["first", "שלום", 3])
