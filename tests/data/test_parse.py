"""Texts as numbers, dates, times and booleans: what is read, and above all what is not."""

import datetime as dt
import random

import numpy as np
import pytest

from xltrain.data.parse import folded, is_missing, read_booleans, read_dates, read_numbers, read_times

NAN = float("nan")


def numbers(*texts: str, decimal: str = "") -> list[float]:
    return read_numbers(texts, decimal).values.tolist()


def dates(*texts: str, order: str = "") -> list[str]:
    """Each as 2024-01-05, with the time where it is not midnight; "" where it is none."""
    shown = []
    for value in read_dates(texts, order).values.astype(object):
        shown.append("" if value is None else value.isoformat(" ").removesuffix(" 00:00:00"))
    return shown


@pytest.mark.parametrize(
    "text", ["", " ", "-", "—", "N/A", "n/a ", "ＮＡ", "…", "……", "？", "无", " 缺失　", "NULL", "#N/A"]
)
def test_missing(text: str) -> None:
    assert is_missing(text)


@pytest.mark.parametrize("text", ["0", "nano", "no", "否", "没有人"])
def test_not_missing(text: str) -> None:
    assert not is_missing(text)


def test_folded() -> None:
    assert folded("　ＡＢＣ ") == folded("abc") == folded(" aBC") == "abc"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0), ("12", 12), ("-5", -5), ("−5", -5), ("+5", 5), ("- 5", -5), ("300-", -300), ("0.5", 0.5), (".5", 0.5),
        ("-.5", -0.5), ("1.234", 1.234), ("1,234", 1234), ("1,234.50", 1234.5), ("1.234,50", 1234.5), ("12,5", 12.5),
        ("0,123", 0.123), ("1,234,567", 1234567), ("1.234.567", 1234567), ("1.234.567,8", 1234567.8),
        ("1 234,5", 1234.5), ("1 234", 1234), ("1\u00a0234,5", 1234.5), ("1\u202f234.5", 1234.5), ("1\u2009234", 1234),
        ("1'234.50", 1234.5), ("1’234", 1234), ("12,34,567", 1234567), ("1,23,456.78", 123456.78), (" 12 ", 12),
        ("￥1,200", 1200), ("¥1,200.5", 1200.5), ("$5", 5), ("-$5", -5), ("$-5", -5), ("($5)", -5), ("$(5)", -5),
        ("€ 5,50", 5.5), ("£5", 5), ("US$ 3", 3), ("RMB 1200", 1200), ("CNY 1200", 1200), ("1200元", 1200),
        ("1200 USD", 1200), ("¥1200元", 1200), ("12%", 0.12), ("12％", 0.12), ("12.5 %", 0.125), ("58.23%", 0.5823),
        ("5‰", 0.005), ("(12%)", -0.12), ("-3.1%", -0.031), ("(300)", -300), ("（300）", -300), ("( 300 )", -300),
        ("1e5", 1e5), ("1.5E-3", 1.5e-3), ("-2E+2", -200), ("1,5e3", 1500), ("１２３", 123), ("１，２３４．５", 1234.5),
        ("58.23㎡", 58.23), ("58.23 m²", 58.23), ("58.23m2", 58.23), ("12kg", 12), ("3.5 cm", 3.5), ("120 元/㎡", 120),
        ("¥120/㎡", 120), ("60 km/h", 60), ("9.8 m/s²", 9.8), ("25℃", 25), ("25 °C", 25), ("37岁", 37), ("5公斤", 5),
        ("155万", 1_550_000), ("1.2亿", 120_000_000), ("3千", 3000), ("2.5万元", 25000), ("5000日元", 5000),
        ("8元/月", 8),
        ("6个月", 6), ("3千克", 3), ("3千米", 3),
        ("1,200万", 12_000_000), ("3百万", 3_000_000), ("1.5万亿", 1.5e12), ("￥2.5万", 25000), ("\ufeff12\u200b", 12),
        ("9007199254740993", 9007199254740992), ("007", 7), ("0.30000000000000004", 0.30000000000000004),
    ],
)  # fmt: skip
def test_a_number(text: str, value: float) -> None:
    assert numbers(text) == [value]


@pytest.mark.parametrize(
    "text",
    [
        "", "-", "x", "<0.01", "~5", "≈5", "10-20", "10~20", "1/2", "12:30", "2024-01-05", "2024/1/5", "5th", "1st",
        "No. 5", "A12", "12A", "12B", "138-1234-5678", "138 1234 5678", "1.2.3", "1,2,3", "1,234,5", "12,3456,789.1",
        "inf", "nan", "Infinity", "1_000", "一百二十", "1.5k", "2M", "3 K", "5 bn", "5 million", "1e999", "--5", "+-5",
        "(-5)", "(5", "5)", "-5-", "5kg-", "5.", "5,", ".", ",", "1..2", "1,,234", "$", "%", "12%%", "12%/a",
        "3号", "5月", "3班", "3XL", "10 am", "5 Jan", "0x1F", "1 2", "12 34", "10 x 20", "3*4", "3多", "3/A", "5e",
        "¥5kg", "192.168.1.1", "1 234 56", "12个半小时左右吧", "٣", "5" * 400, "1" + " " * 5000 + "x",
        "1" * 40 + "," * 30, "2024年1月", "2024Q1", "5\n6", "5ème", "3A座", "3 A座", "2024年上半年", "100多元",
        "5元左右",
        "50元起", "3号楼", "30元以上", "#5", "＃5", "5 in 7",
    ],
)  # fmt: skip
def test_no_number(text: str) -> None:
    read = read_numbers([text])
    assert np.isnan(read.values[0])
    assert not read.evident[0]


def test_decimal_marks_are_settled_for_the_whole_column() -> None:
    assert numbers("1.234", "5.678") == [1.234, 5.678]
    assert numbers("1.234", "12,5") == [1234, 12.5]
    assert numbers("1,234", "12,5") == [1.234, 12.5]
    assert numbers("1,234", "12.5") == [1234, 12.5]
    assert numbers("1.234", "1.234,50", "7") == [1234, 1234.5, 7]
    assert numbers("1,234", "1,234,567") == [1234, 1234567]
    assert numbers("1.234", "1.234.567") == [1234, 1234567]
    assert numbers("€1.234", "€12,50") == [1234, 12.5]
    assert read_numbers(["1.234", "12,5"]).decimal == ","
    assert read_numbers(["1.234", "1"]).decimal == "."


def test_contradicting_decimal_marks_leave_the_ambiguous_unread() -> None:
    read = read_numbers(["1.5", "2,5", "1,234", "1.234", "7", "1,234.5"])
    np.testing.assert_array_equal(read.values, [1.5, 2.5, NAN, NAN, 7, 1234.5])
    assert read.conflict
    assert not read_numbers(["1.5", "1,234", "x"]).conflict


def test_a_decimal_mark_that_a_person_gives_settles_it() -> None:
    texts = ["1.5", "2,5", "1,234", "1.234", "7"]
    np.testing.assert_array_equal(numbers(*texts, decimal=","), [NAN, 2.5, 1.234, 1234, 7])
    np.testing.assert_array_equal(numbers(*texts, decimal="."), [1.5, NAN, 1234, 1.234, 7])
    assert not read_numbers(texts, ",").conflict


def test_codes_prove_no_decimal_mark() -> None:
    assert not read_numbers(["012,345", "1.5"]).conflict


@pytest.mark.parametrize(
    ("text", "evident", "code"),
    [
        ("12", False, False), ("0", False, False), (" 12", False, False), ("１２", False, False), ("0.5", True, False),
        ("-5", True, False), ("+5", True, False), ("1,234", True, False), ("12%", True, False), ("12kg", True, False),
        ("$5", True, False), ("(5)", True, False), ("1e5", True, False), ("1 234", True, False), ("3万", True, False),
        ("007", False, True), ("-007", False, True), ("00", False, True), ("００７", False, True),
        ("05.20", False, True),
        ("123456789012345", False, False), ("1234567890123456", False, True), ("-1234567890123456", False, True),
        ("110101199003078515", False, True), ("+8613812345678", False, True), ("0.1234567890123456789", True, False),
        ("x", False, False), ("007kg", True, False), ("0,5", True, False),
    ],
)  # fmt: skip
def test_evident_numbers_and_codes(text: str, evident: bool, code: bool) -> None:
    read = read_numbers([text])
    assert (bool(read.evident[0]), bool(read.codes[0])) == (evident, code)


@pytest.mark.parametrize(
    ("texts", "values", "units"),
    [
        (["5kg", "7kg", "3g"], [5, 7, NAN], ("kg",)),
        (["3mg", "5kg", "7kg", "9", "2mg", "1kg"], [NAN, 5, 7, 9, NAN, 1], ("mg", "kg")),
        (["3g", "4克", "5kg", "7kg", "8kg"], [NAN, NAN, 5, 7, 8], ("g", "kg")),
        (["5kg", "7 公斤", "8千克"], [5, 7, 8], ("kg",)),
        (["5㎡", "7m²", "8 m2", "9平方米"], [5, 7, 8, 9], ("㎡",)),
        (["￥5", "7元", "RMB 8", "9"], [5, 7, 8, 9], ("¥",)),
        (["$5", "7 USD", "€9"], [5, 7, NAN], ("$", "€")),
        (["12%", "13％", "5‰", "7"], [0.12, 0.13, 0.005, NAN], ("%",)),
        (["12%", "0"], [0.12, 0], ("%",)),
        (["12m", "13m"], [12, 13], ("m",)),
        (["12A", "13A"], [12, 13], ("A",)),
        (["12A", "13A", "12B"], [NAN, NAN, NAN], ()),
        (["12m", "13"], [NAN, 13], ()),
        (["5 foo", "7 foo"], [5, 7], ("foo",)),
        (["5 foo", "7 bar2"], [NAN, NAN], ()),
        (["5foo", "7foo"], [NAN, NAN], ()),
        (["5k", "7k", "3M", "4M"], [NAN, NAN, NAN, NAN], ()),
        (["155万", "12000"], [1_550_000, 12_000], ()),
        (["5元", "2万元"], [5, 20_000], ("元",)),
        (["¥5/㎡", "6元/㎡", "7元/平方米"], [5, 6, 7], ("¥/㎡",)),
        ([], [], ()),
    ],
)
def test_units(texts: list[str], values: list[float], units: tuple[str, ...]) -> None:
    read = read_numbers(texts)
    np.testing.assert_array_equal(read.values, values)
    assert read.units == units


STYLES = [
    ("{:,.2f}", ".", ""), ("{:,.2f}", ",", ""), ("{:,.2f}", ".", " "), ("{:,.2f}", ",", "\u00a0"),
    ("{:,.2f}", ".", "'"), ("￥{:,.2f}", ".", ""), ("{:,.2f} €", ",", ""), ("{:,.2f}kg", ".", ""), ("{:.2f}", ",", ""),
    ("{:,.0f}", ".", ""), ("{:+.3e}", ".", ""), ("{!r}", ".", ""),
]  # fmt: skip


@pytest.mark.parametrize(("form", "mark", "group"), STYLES)
@pytest.mark.parametrize("wide", [False, True])
def test_what_was_written_in_any_style_reads_back(form: str, mark: str, group: str, wide: bool) -> None:
    rng = random.Random(3)
    values = [round(rng.uniform(-1, 1) * 10 ** rng.randint(0, 9), 2) for _ in range(300)]
    group = group or {".": ",", ",": "."}[mark]
    texts, wanted = [], []
    for value in values:
        text = form.format(value)
        wanted.append(float(text.strip("￥€kg ").replace(",", "")))
        text = text.translate({ord(","): group, ord("."): mark})
        texts.append(text.translate({c: c + 0xFEE0 for c in range(0x21, 0x7F)}) if wide else text)
    read = read_numbers(texts)
    assert not read.conflict
    np.testing.assert_array_equal(read.values, wanted)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2024-01-05", "2024-01-05"), ("2024/1/5", "2024-01-05"), ("2024.1.5", "2024-01-05"),
        ("20240105", "2024-01-05"),
        ("2024年1月5日", "2024-01-05"), ("2024 年 1 月 5 日", "2024-01-05"), ("2024年1月", "2024-01-01"),
        ("2024年1月5号", "2024-01-05"), ("2024年1月份", "2024-01-01"), ("24年1月5日", "2024-01-05"),
        ("二〇二四年一月五日", "2024-01-05"), ("二零二四年十二月三十一日", "2024-12-31"),
        ("二○二四年十月二十日", "2024-10-20"),
        ("二〇二四年十一月", "2024-11-01"), ("２０２４年１月５日", "2024-01-05"),
        ("２０２４－０１－０５", "2024-01-05"),
        ("13.1.2024", "2024-01-13"), ("13/01/2024", "2024-01-13"), ("01/13/2024", "2024-01-13"),
        ("1/13/24", "2024-01-13"),
        ("1/13/69", "1969-01-13"), ("1/13/68", "2068-01-13"), ("5/5/2024", "2024-05-05"), ("99-12-31", "1999-12-31"),
        ("5-Jan-2024", "2024-01-05"), ("5-Jan-24", "2024-01-05"), ("05JAN2024", "2024-01-05"),
        ("Jan 5, 2024", "2024-01-05"), ("January 5th, 2024", "2024-01-05"), ("Sept. 5, 2024", "2024-09-05"),
        ("5 January 2024", "2024-01-05"), ("5th of May 2024", "2024-05-05"), ("January 2024", "2024-01-01"),
        ("Jan-24", "2024-01-01"), ("Jan 2024", "2024-01-01"), ("2024-Jan-05", "2024-01-05"), ("2024-01", "2024-01-01"),
        ("2024/12", "2024-12-01"), ("2024-01-05 13:45", "2024-01-05 13:45:00"),
        ("2024-01-05 13:45:30", "2024-01-05 13:45:30"), ("2024-01-05 13:45:30.123", "2024-01-05 13:45:30.123000"),
        ("2024-01-05T13:45:30Z", "2024-01-05 13:45:30"), ("2024-01-05T13:45:30+08:00", "2024-01-05 13:45:30"),
        ("2024-01-05T13:45:30.5", "2024-01-05 13:45:30.500000"), ("2024/1/5 8:05", "2024-01-05 08:05:00"),
        ("1/13/2024 1:45 PM", "2024-01-13 13:45:00"), ("1/13/2024 12:05am", "2024-01-13 00:05:00"),
        ("2024年1月5日 下午3:05", "2024-01-05 15:05:00"), ("2024年1月5日下午3:05", "2024-01-05 15:05:00"),
        ("2024-1-5 上午 9:05", "2024-01-05 09:05:00"), ("2024年1月5日 13时45分", "2024-01-05 13:45:00"),
        ("2024年1月5日13时45分30秒", "2024-01-05 13:45:30"), ("2024年1月5日 星期五", "2024-01-05"),
        ("2024年1月5日星期五 下午3:05", "2024-01-05 15:05:00"), ("2024-01-05(周五)", "2024-01-05"),
        ("Fri, 5 Jan 2024", "2024-01-05"), ("Friday, January 5, 2024", "2024-01-05"), ("2024-01-05 Fri", "2024-01-05"),
        ("Jan 5, 2024, 3:05 PM", "2024-01-05 15:05:00"), ("2024-02-29", "2024-02-29"), (" 2024-01-05 ", "2024-01-05"),
        ("2024-01-05 24:00:00", "2024-01-06"), ("1850-06-01", "1850-06-01"), ("5. 13. 2024", "2024-05-13"),
    ],
)  # fmt: skip
def test_a_date(text: str, value: str) -> None:
    assert dates(text) == [value]


@pytest.mark.parametrize(
    "text",
    [
        "", "x", "2024", "1.5", "2024.1", "2024-Q1", "2024Q1", "2024年第一季度", "2024年一季度", "2024-13-01",
        "2024-02-30",
        "2023-02-29", "2024-00-05", "20241301", "18990101", "12345678", "1234567", "2024-1/5", "31/4/2024",
        "13/13/2024",
        "5 Jan", "Jan 5", "January", "24-Jan", "Jan 24", "5-Foo-2024", "13:45", "下午3:05", "2024-01-05 25:00",
        "2024-01-05 13:75", "2024-01-05 13:45 AM", "2024-01-0513:45", "138-1234-5678", "1001-01", "1-2", "1/2", "第5月",
        "10-20", "5月", "星期五", "Fri", "2024-01-05 to 2024-01-06", "2024-01-05-06", "may", "2024年", "0000-00-00",
        "民国113年1月5日", "2024-01-05" + " " * 5000, "Mayor 5, 2024", "1/13/024", "9999999-01-01",
    ],
)  # fmt: skip
def test_no_date(text: str) -> None:
    read = read_dates([text])
    assert np.isnat(read.values[0])
    assert (read.order, read.conflict, read.has_time) == ("", "", False)


def test_order_is_settled_for_the_whole_column() -> None:
    assert dates("05/01/2024", "13/01/2024") == ["2024-01-05", "2024-01-13"]
    assert dates("05/01/2024", "01/13/2024") == ["2024-05-01", "2024-01-13"]
    assert dates("5.1.24", "13.1.24 8:30") == ["2024-01-05", "2024-01-13 08:30:00"]
    read = read_dates(["05/01/2024", "13/01/2024", "2024-03-04", "n/a"])
    assert (read.order, read.conflict, read.first) == ("dmy", "", "")
    assert read_dates(["05/01/2024", "01/13/2024"]).order == "mdy"
    assert read_dates(["13/01/2024", "5/5/2024", "2024-03-04"]).order == ""


def test_impossible_dates_prove_no_order() -> None:
    assert dates("5/1/2024", "31/2/2024") == ["", ""]
    assert read_dates(["5/1/2024", "31/2/2024"]).conflict == "ambiguous"


def test_orders_that_contradict_one_another() -> None:
    texts = ["5/1/2024", "13/1/2024", "14/1/2024", "1/15/2024", "6/6/2024", "2024-01-05"]
    assert dates(*texts) == ["", "2024-01-13", "2024-01-14", "2024-01-15", "2024-06-06", "2024-01-05"]
    read = read_dates(texts)
    assert (read.order, read.conflict, read.first) == ("", "mixed", "1/15/2024")


def test_order_that_nothing_decides() -> None:
    read = read_dates(["6/6/2024", "5/1/2024", "2024-01-05"])
    assert (read.order, read.conflict, read.first) == ("", "ambiguous", "5/1/2024")
    assert dates("6/6/2024", "5/1/2024", "2024-01-05") == ["2024-06-06", "", "2024-01-05"]


def test_an_order_that_a_person_gives_settles_it() -> None:
    assert dates("5/1/2024", "13/1/2024", "1/13/2024", "2024-01-05", order="dmy") == [
        "2024-01-05", "2024-01-13", "", "2024-01-05",
    ]  # fmt: skip
    assert dates("5/1/2024", "13/1/2024", "1/13/2024", order="mdy") == ["2024-05-01", "", "2024-01-13"]
    read = read_dates(["5/1/2024"], "mdy")
    assert (read.order, read.conflict) == ("mdy", "")


def test_years_of_two_digits_in_front_are_asked_about() -> None:
    texts = ["23-12-28", "24-01-05", "24-01-06"]
    assert read_dates(texts).conflict == "ambiguous"
    assert dates(*texts) == ["", "", ""]
    assert dates(*texts, order="ymd") == ["2023-12-28", "2024-01-05", "2024-01-06"]
    assert dates(*texts, order="dmy") == ["2028-12-23", "2005-01-24", "2006-01-24"]
    assert dates("99-12-28", "01-02-03") == ["1999-12-28", "2001-02-03"]


def test_eight_digits_are_dates_only_among_their_like() -> None:
    assert dates("20240105", "-", "19991231") == ["2024-01-05", "", "1999-12-31"]
    assert dates("20240105", "12345678") == ["", ""]
    assert dates("20240105", "2024-01-06") == ["", "2024-01-06"]


def test_times_are_noticed() -> None:
    assert read_dates(["2024-01-05", "2024-01-05 13:45"]).has_time
    assert not read_dates(["2024-01-05 00:00:00", "2024-01-06"]).has_time


@pytest.mark.parametrize(
    "form",
    [
        "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%Y年%m月%d日", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%b-%Y",
        "%b %d, %Y", "%d %B %Y", "%A, %B %d, %Y", "%d/%m/%y", "%m/%d/%y", "%Y-%m-%dT%H:%M:%SZ", "%m/%d/%Y %I:%M:%S %p",
        "%Y-%m-%d %H:%M:%S.%f", "%Y年%m月%d日 %H时%M分%S秒",
    ],
)  # fmt: skip
@pytest.mark.parametrize("wide", [False, True])
def test_dates_written_in_any_form_read_back(form: str, wide: bool) -> None:
    rng = random.Random(5)
    written, wanted = [], []
    for _ in range(300):
        date = dt.datetime(1970, 1, 1) + dt.timedelta(seconds=rng.randrange(90 * 365 * 86400))
        text = date.strftime(form)
        wanted.append(dt.datetime.strptime(text, form))
        written.append(text.translate({c: c + 0xFEE0 for c in range(0x21, 0x7F)}) if wide else text)
    if form.startswith("%Y%m"):
        wanted = [day for day in wanted if day.year <= 2100]
    read = read_dates(written)
    assert not read.conflict
    if form.endswith("%y"):  # 2059 and before lie under the turn of the century
        assert read.order == ("dmy" if form.startswith("%d") else "mdy")
    np.testing.assert_array_equal(read.values, np.array(wanted, "datetime64[us]"))


HOUR, MINUTE, SECOND = 1 / 24, 1 / 1440, 1 / 86400


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("13:45", 13 * HOUR + 45 * MINUTE), ("13：45", 13 * HOUR + 45 * MINUTE), ("0:00", 0),
        ("9:05:00", 9 * HOUR + 5 * MINUTE),
        ("13:45:30.5", 13 * HOUR + 45 * MINUTE + 30.5 * SECOND), ("1:45 PM", 13 * HOUR + 45 * MINUTE), ("12:00 am", 0),
        ("12:00 p.m.", 0.5), ("下午3:05", 15 * HOUR + 5 * MINUTE), ("上午 9:00", 9 * HOUR), ("晚上8点", 20 * HOUR),
        ("中午12:30", 12.5 * HOUR), ("凌晨1:00", HOUR), ("中午1点", 13 * HOUR), ("凌晨12:30", 0.5 * HOUR),
        ("13时45分", 13 * HOUR + 45 * MINUTE), ("26:30:00", 26.5 * HOUR),
        ("100:00", 100 * HOUR), ("1h30m", 1.5 * HOUR), ("1h 30min", 1.5 * HOUR), ("90 min", 1.5 * HOUR),
        ("2.5 hours", 2.5 * HOUR),
        ("2小时30分", 2.5 * HOUR), ("2个小时30分钟", 2.5 * HOUR), ("30分钟", 0.5 * HOUR), ("3天", 3),
        ("1天2小时", 1 + 2 * HOUR),
        ("45 s", 45 * SECOND), ("30秒", 30 * SECOND), ("2 days", 2), ("1d 6h", 1.25),
    ],
)  # fmt: skip
def test_a_time(text: str, days: float) -> None:
    assert read_times([text])[0] == pytest.approx(days, abs=1e-12)


@pytest.mark.parametrize(
    "text",
    ["", "x", "5", "1.5", "5m", "5分", "5d", "13:75", "13:45:99", "13:45 AM", "0:30 pm", "12:3", "2024-01-05",
    "1:2:3:4",
     "3 apples", "h", "2024-01-05 13:45", "-1:30", "30分m", "1:45 xm", "12:30-13:30", "晚上12:00", "上午13:00", "26点",
     "13:00 pm"],
)  # fmt: skip
def test_no_time(text: str) -> None:
    assert np.isnan(read_times([text])[0])


@pytest.mark.parametrize(
    ("texts", "values", "may"),
    [
        (["是", "否"], [1, 0], True), (["Yes", "NO ", "n/a", ""], [1, 0, -1, -1], True), (["Ｙ", "ｎ"], [1, 0], True),
        (["TRUE", "False"], [1, 0], True), (["t", "f"], [1, 0], True), (["on", "OFF"], [1, 0], True),
        (["✓", "✗"], [1, 0], True), (["√", "×", "-"], [1, 0, -1], True), (["☑", "☐"], [1, 0], True),
        (["✔️"], [1], True),
        (["对", "错"], [1, 0], True), (["真", "假"], [1, 0], True), (["是", "No"], [1, 0], True), (["✓"], [1], True),
        (["有", "无"], [1, 0], True), (["有", "没有"], [1, 0], True), (["是", "无"], [1, -1], True),
        (["无"], [-1], False),
        (["有"], [1], False), (["n"], [0], False), (["t"], [1], False), (["n", "t"], [0, 1], False),
        (["on"], [1], False),
        (["yes"], [1], True), (["no", "无"], [0, -1], True), (["1", "0"], [-1, -1], False),
        (["yes", "maybe"], [1, -1], False),
        (["有", "无", "2个"], [1, 0, -1], False), ([], [], False), (["-", ""], [-1, -1], False),
        (["M", "F"], [-1, 0], False),
    ],
)  # fmt: skip
def test_booleans(texts: list[str], values: list[int], may: bool) -> None:
    read, whole = read_booleans(texts)
    assert (read.tolist(), whole) == (values, may)
    assert read.dtype == np.int8


def test_arrays_fit_the_texts() -> None:
    for texts in ([], ["x"], ["1", "2024-01-05", "13:45"]):
        read, found = read_numbers(texts), read_dates(texts)
        assert read.values.shape == read.evident.shape == read.codes.shape == found.values.shape == (len(texts),)
        assert (read.values.dtype, read.evident.dtype, read.codes.dtype) == (np.float64, np.bool_, np.bool_)
        assert found.values.dtype == np.dtype("datetime64[us]")
        assert read_times(texts).shape == (len(texts),)
