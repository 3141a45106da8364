"""The number formatter against what Excel shows."""

import pytest

from xltrain.excel.shot.format import format_value, general, show

CASES = [
    # General
    (0, "General", "0"),
    (1234.5, "General", "1234.5"),
    (-0.1, "General", "-0.1"),
    (1 / 3, "General", "0.333333333"),
    (1234567890.123, "General", "1234567890"),
    (12345678901, "General", "12345678901"),
    (123456789012, "General", "1.23457E+11"),
    (0.0001, "General", "0.0001"),
    (0.00001, "General", "0.00001"),
    (0.000012345, "General", "0.000012345"),
    (0.0000123456, "General", "1.23456E-05"),
    (0.000123456789, "General", "0.000123457"),
    (1e20, "General", "1E+20"),
    (5, 'General" kg"', "5 kg"),
    # digits
    (5, "0", "5"),
    (2.5, "0", "3"),
    (1.005, "0.00", "1.01"),
    (-2.5, "0", "-3"),
    (7, "000", "007"),
    (0.5, "#.##", ".5"),
    (0, "#", ""),
    (12.3, "0.0##", "12.3"),
    (1.5, "0.??", "1.5 "),
    (0.5, ".00", ".50"),
    (12.5, ".00", "12.50"),
    (-0.001, "0.00", "0.00"),
    (13912345678, "000-0000-0000", "139-1234-5678"),
    # thousands and scaling
    (1234567, "#,##0", "1,234,567"),
    (999, "#,##0", "999"),
    (-1234.567, "#,##0.00", "-1,234.57"),
    (1234567, "#,##0,", "1,235"),
    (1234567890, "0.0,,", "1234.6"),
    (1500, '0.0,"k"', "1.5k"),
    (5, "0,000", "0,005"),
    # percent
    (0.123, "0%", "12%"),
    (0.1255, "0.0%", "12.6%"),
    (-0.05, "0.00%", "-5.00%"),
    # exponents
    (12345, "0.00E+00", "1.23E+04"),
    (0.00012, "0.0E+00", "1.2E-04"),
    (12345, "##0.0E+0", "12.3E+3"),
    (999999, "0.0E+00", "1.0E+06"),
    (0, "0.00E+00", "0.00E+00"),
    (12345, "0.00E-00", "1.23E04"),
    # sections and conditions
    (5, "0;(0)", "5"),
    (-5, "0;(0)", "(5)"),
    (0, '0;-0;"-"', "-"),
    (-5, "0;", ""),
    (0, "#,##0;-#,##0;;@", ""),
    (150, '[>=100]"high";"low"', "high"),
    (50, '[>=100]"high";"low"', "low"),
    (1500000, '[>=1000000]0.0,,"M";[>=1000]0.0,"k";0', "1.5M"),
    (1500, '[>=1000000]0.0,,"M";[>=1000]0.0,"k";0', "1.5k"),
    (15, '[>=1000000]0.0,,"M";[>=1000]0.0,"k";0', "15"),
    (-3, "[<0]0.0;0", "3.0"),
    # literals, currency, padding
    (1234.5, '"¥"#,##0.00', "¥1,234.50"),
    (1234.5, "[$¥-804]#,##0.00", "¥1,234.50"),
    (-1234.5, "$#,##0.00_);($#,##0.00)", "($1,234.50)"),
    (1234.5, "$#,##0.00_);($#,##0.00)", "$1,234.50 "),
    (3, r"0\ \m", "3 m"),
    (0, '_(* #,##0_);_(* (#,##0);_(* "-"_);_(@_)', " - "),
    # text
    ("abc", "0", "abc"),
    ("abc", '@" !"', "abc !"),
    ("abc", '0;-0;0;"<"@">"', "<abc>"),
    (12, "@", "12"),
    (True, "0.00", "TRUE"),
    # fractions
    (1.25, "# ?/?", "1 1/4"),
    (0.5, "# ?/?", " 1/2"),
    (3, "# ?/?", "3    "),
    (0.333, "?/?", "1/3"),
    (3.14159, "# ??/??", "3  1/7 "),
    (1.3, "# ?/8", "1 2/8"),
    (2.98, "# ?/4", "3    "),
    (-1.25, "# ?/?", "-1 1/4"),
    (-123.456, "# ?/?", "-123 1/2"),
    (12345.6789, "# ??/??", "12345 55/81"),
    (12.3456789, "??/??", "1000/81"),
    (0.00001, "??/??", " 0/1 "),
    # dates
    (45352, "yyyy-mm-dd", "2024-03-01"),
    (45352, "m/d/yyyy", "3/1/2024"),
    (45352, "d-mmm-yy", "1-Mar-24"),
    (45352, "dddd, mmmm d", "Friday, March 1"),
    (45352, "ddd mmmmm", "Fri M"),
    (45352, 'yyyy"年"m"月"d"日"', "2024年3月1日"),
    (45352, "yyyy年m月d日", "2024年3月1日"),
    (45352, "aaaa", "星期五"),
    (45352, "[$-804]aaa", "五"),
    (45352, "[$-804]dddd", "星期五"),
    (45352, "[$-804]mmmm", "三月"),
    (45352, '[$-411]ggge"年"', "令和6年"),
    (60, "yyyy-mm-dd", "1900-02-29"),
    (59, "yyyy-mm-dd", "1900-02-28"),
    (61, "yyyy-mm-dd", "1900-03-01"),
    (1, "ddd d", "Sun 1"),
    (0, "yyyy-mm-dd", "1900-01-00"),
    (-1, "yyyy-mm-dd", "########"),
    (2958466, "yyyy-mm-dd", "########"),
    # times
    (0.5, "h:mm", "12:00"),
    (0.75, "h:mm AM/PM", "6:00 PM"),
    (0, "h:mm a/p", "12:00 A"),
    (0.75, '上午/下午h"时"mm"分"', "下午6时00分"),
    (0.75, "[$-804]h:mm AM/PM", "6:00 下午"),
    (1.5, "[h]:mm", "36:00"),
    (0.0625, "[mm]:ss", "90:00"),
    (1 / 86400, "[ss]", "01"),
    (45352.524, "yyyy/m/d h:mm", "2024/3/1 12:34"),
    (0.5 + 1.25 / 86400, "h:mm:ss.00", "12:00:01.25"),
    (0.5 + 59.9 / 86400, "mm:ss", "01:00"),
    (1 / 24 / 60 * 5, "m:ss", "5:00"),
]


@pytest.mark.parametrize(("value", "code", "expected"), CASES)
def test_shows_what_excel_shows(value: float | str | bool, code: str, expected: str) -> None:
    assert format_value(value, code)[0] == expected


@pytest.mark.parametrize(
    ("value", "code", "colour"),
    [
        (-1, "0;[Red]-0", "#FF0000"),
        (1, "0;[Red]-0", ""),
        (1, "[Color 3]0", "#FF0000"),
        (1, "[蓝色]0", "#0000FF"),
        (5, "[Green][>3]0;[Red]0", "#00FF00"),
        ("x", "0;0;0;[Blue]@", "#0000FF"),
    ],
)
def test_colours(value: float | str, code: str, colour: str) -> None:
    assert format_value(value, code)[1] == colour


def test_dates_from_1904() -> None:
    assert format_value(0, "yyyy-mm-dd", date1904=True)[0] == "1904-01-01"
    assert format_value(43890, "yyyy-mm-dd", date1904=True)[0] == "2024-03-01"


def test_fill_of_accounting_formats() -> None:
    shown = show(5, "$* 0.00")
    assert (shown.text, shown.fill, shown.fill_at) == ("$5.00", " ", 1)
    shown = show(-5, "$* 0.00")
    assert (shown.text, shown.fill_at) == ("-$5.00", 2)


@pytest.mark.parametrize(
    ("value", "most", "expected"),
    [(1 / 3, 6, "0.3333"), (123456.789, 6, "123457"), (123456789, 6, "1E+08"), (-1234.5678, 5, "-1235")],
)
def test_general_in_less_room(value: float, most: int, expected: str) -> None:
    assert general(value, most) == expected


@pytest.mark.parametrize(
    "code", [";;;", '"', "[", "\\", "*", "_", "[Red", "0;0;0;0;0", "E+", "/", "??/", "[>x]0", "\ud800"]
)
@pytest.mark.parametrize("value", [1.5, -1.5, 0.0, "text", float("nan"), 1e300, 1e-300])
def test_no_code_stops_the_formatter(code: str, value: float | str) -> None:
    assert isinstance(format_value(value, code)[0], str)


@pytest.mark.parametrize(("value", "shown"), [(1.5, "36:00"), (-1.5, "-36:00"), (0, "0:00")])
def test_lengths_of_time_do_not_move_with_the_date_system(value: float, shown: str) -> None:
    assert format_value(value, "[h]:mm", date1904=True)[0] == shown
