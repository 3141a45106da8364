"""Texts as numbers, dates, times and booleans.

Every function is given the distinct texts of one column over all its sources, and settles conventions (decimal comma,
day before month) for the column as a whole, never for a single cell. What could be read in two ways is not read.
"""

import datetime as dt
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

_MISSING = """
- -- --- — —— – / // \\ ? ?? … ... ...... . n/a n.a. na #n/a nan null none nil <na> (blank) (null) (空)
无 缺 缺失 空 空白 未知 暂无 不详 没有 不适用 无数据 暂缺 未填
"""
MISSING = frozenset(_MISSING.split())
LONGEST = 64  # characters: nothing longer is a number, a date or a time
PRECISE = 15  # digits that a number keeps for certain

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


def folded(text: str) -> str:
    """The text without differences of width, case and surrounding space."""
    return (text if text.isascii() else unicodedata.normalize("NFKC", text)).strip().casefold()


def is_missing(text: str) -> bool:
    """Whether the text is blank or a word that says that there is no value."""
    word = folded(text)
    return not word or word in MISSING


# --- numbers ----------------------------------------------------------------------------------------------------------

_WIDTH: dict[int, str | None] = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
_WIDTH |= dict.fromkeys(map(ord, "−–﹣"), "-") | dict.fromkeys(map(ord, "’‘"), "'") | {ord("￥"): "¥"}
_WIDTH |= dict.fromkeys((0x200B, 0x200E, 0x200F, 0xFEFF, 0xFE0F))
_SWAP = str.maketrans(".,", ",.")

_MONEY = r"(?:US|HK|NT|CA?|AU?|S)?\$|[¥€£₩₹]|RMB|CNY|USD|EUR|GBP|JPY|HKD|人民币"
_PLAIN = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?").fullmatch
_DIGIT = re.compile(r"[0-9０-９]").search
_NUMBER = re.compile(
    rf"(\(?[+-]?) ?({_MONEY})? ?(\(?[+-]?) ?"  # bracket or sign, currency, bracket or sign
    r"([0-9.,](?:[0-9.,' ]*[0-9])?)(?:[eE]([+-]?[0-9]{1,3}))?( ?)"  # digits and marks, exponent, space
    r"([^0-9()]*?) ?(-?)(\)?)",  # multiplier and unit, trailing minus, bracket
    re.A,
).fullmatch
_STYLE = re.compile(r"(?:[0-9]+|[1-9][0-9]{0,2}([, '])[0-9]{3}(?:\1[0-9]{3})*)?(?:\.[0-9]+)?").fullmatch
_INDIAN = re.compile(r"[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3}(?:\.[0-9]+)?", re.A).fullmatch
_TIMES = re.compile(r"([百千万]?[亿億]|[百千]?[万萬]|百(?![分帕])|千(?![克米瓦卡帕伏焦赫]))? ?(.*)", re.S)
_POWER = {"百": 2, "千": 3, "万": 4, "萬": 4, "亿": 8, "億": 8}
_PERCENT = {"%": 2, "‰": 3, "‱": 4, "percent": 2, "pct": 2}
_UNIT = re.compile(r"/?(?:[^\W\d_]|[㌀-㏿℃℉°%‰‱$¥€£₩₹²³])+(?:[/·](?:[^\W\d_]|[㌀-㏿℃℉°²³])+)*").fullmatch
_SQUARE = re.compile(r"(?<=m)[23]$")
_SIGNS = re.compile(r"[㐀-鿿]+|[㌀-㏿℃℉°%‰‱$¥€£₩₹Ω][²³]?|°[CF]").fullmatch
_HAN = re.compile("[㐀-鿿]").search
_SINGLE = frozenset("mglthsWVAJNL")
_KNOWN = """
kg mg ug ng cm mm km nm um dm mi ft yd in lb lbs oz mL dL cL kL kW MW GW Wh kWh MWh GWh mW mV kV kA mA Ah mAh Hz kHz MHz
GHz rpm hPa kPa MPa Pa bar mbar psi dB ha sqft mph kph min sec ms hr hrs hour hours day days week weeks month months
year years yr yrs mol mmol umol ppm ppb pcs pc px dpi KB MB GB TB kB bps kbps Mbps Gbps kcal cal kJ MJ kN IU lux lm fps
USD EUR GBP JPY HKD CNY RMB CHF AUD CAD SGD KRW INR TWD
"""
_WORDS = frozenset(_KNOWN.split())
# The first of each line stands for the others: one scale, so that they may stand in one column.
_ALIKE = """
元 ¥ RMB CNY 人民币 元人民币 块 圆 rmb yuan|USD $ US$ usd 美元 美金|EUR € eur 欧元|GBP £ 英镑|HKD HK$ 港元 港币
JPY 日元 円|% ‰ ‱ percent pct|m2 平方米 平米 平方 sqm|m3 立方米 立方|kg KG Kg kgs 千克 公斤|g 克|t 吨|km KM Km 千米 公里
m 米|cm CM 厘米 公分|mm MM 毫米|L l 升|mL ml ML 毫升|kW kw KW 千瓦|kWh kwh KWH 千瓦时|h hr hrs hour hours 小时
min 分钟|s sec 秒|day days 天
"""
_SAME = {word: line.split()[0] for line in re.split(r"[|\n]", _ALIKE.strip()) for word in line.split()[1:]}
# Ordinals, sizes, months, halves of a day, multipliers (their size is not certain), labels, "about": no units.
_OTHER = """
st nd rd th er am pm xl xxl xs x to mn mln mil mill mio mrd bn bln tsd thou lakh crore dozen тыс млн млрд º ª ème
jan feb mar apr may jun jul aug sep sept oct nov dec march april june july 兆 打 成 路 单元 等 等级
"""
_NEVER = frozenset(_OTHER.split())
_LABEL = re.compile(
    "(?!日元)[月日号期届级班楼栋幢室座组季第点多余几]|年.|.*(?:左右|上下|以[上下内外]|[起余多内])$"
).match


@dataclass(frozen=True, eq=False)
class Numbers:
    """What (n,) texts say as numbers.

    A code keeps its value as a number too, which has lost the leading zeros or the last digits.
    """

    values: Floats  # (n,), nan where it is no number
    evident: Flags  # (n,), more than bare digits, so that it is a number and no code
    codes: Flags  # (n,), digits with leading zeros, or more than a number keeps
    units: tuple[str, ...]  # units and currencies, each once, the first seen first
    decimal: str  # "." or ","
    conflict: bool  # some can only have decimal points, others only decimal commas


class _Number(NamedTuple):
    point: float  # read with a decimal point
    comma: float  # read with a decimal comma
    code: bool
    evident: bool
    unit: str
    weak: bool  # the unit counts only where other texts have it too


def read_numbers(texts: Sequence[str], decimal: str = "") -> Numbers:
    """The distinct texts of a column as numbers.

    `decimal`, where a person gives it, settles what `1.234` and `1,234` are; else the texts that can be read in one way
    only settle it, and without those both are read with a decimal point. Of several units only the commonest is read;
    beside percentages, numbers without a percent sign are not.
    """
    n = len(texts)
    point, comma = [np.nan] * n, [np.nan] * n
    evident, codes = bytearray(n), bytearray(n)
    found: dict[int, _Number] = {}
    for at, text in enumerate(texts):
        plain = _PLAIN(text)
        if plain is not None:
            sign, whole, part = plain.groups()
            point[at] = float(text)
            if part is None:
                comma[at] = point[at]
                codes[at] = _is_code(sign, whole)
                evident[at] = bool(sign) and not codes[at]
            else:
                codes[at] = whole[0] == "0" and len(whole) > 1
                evident[at] = not codes[at]
                if len(part) == 3 and len(whole) < 4 and whole[0] != "0":
                    comma[at] = float(sign + whole + part)
        elif len(text) <= LONGEST and _DIGIT(text) and (number := _number(text)) is not None:
            found[at] = number
            point[at], comma[at], codes[at], evident[at] = number[:4]
    code = np.frombuffer(codes, bool)
    values, mark, conflict = _decide(np.array(point, float), np.array(comma, float), code, decimal)
    units = _strays(values, found)
    values[~np.isfinite(values)] = np.nan
    return Numbers(values, np.frombuffer(evident, bool) & ~np.isnan(values), code, units, mark, conflict)


def _is_code(sign: str, digits: str) -> bool:
    # A plus before many digits is a telephone number.
    return (digits[0] == "0" and len(digits) > 1) or len(digits) > PRECISE or (sign == "+" and len(digits) > 7)


def _decide(point: Floats, comma: Floats, codes: Flags, decimal: str) -> tuple[Floats, str, bool]:
    """The values under one decimal mark, the mark, and whether the texts contradict one another."""
    if decimal:
        return (comma if decimal == "," else point), decimal, False
    only_point, only_comma = np.isnan(comma) & ~np.isnan(point), np.isnan(point) & ~np.isnan(comma)
    proven = bool((only_point & ~codes).any()), bool((only_comma & ~codes).any())
    if all(proven):
        certain = only_point | (point == comma)
        return np.where(certain, point, np.where(only_comma, comma, np.nan)), ".", True
    return (comma, ",", False) if proven[1] else (point, ".", False)


def _number(text: str) -> _Number | None:
    """A text that is more than digits with a point."""
    text = " ".join((text if text.isascii() else text.translate(_WIDTH)).split())
    match = _NUMBER(_SQUARE.sub(lambda m: "²" if m[0] == "2" else "³", text))
    if match is None or (scale := _TIMES.match(match[7])) is None:
        return None
    before, money, inside, body, exponent, gap, tail, after, close = (group or "" for group in match.groups())
    marks = before + inside + after
    times, unit = scale.groups("")
    named = _named(unit, money, bool(gap))
    if len(marks) > 1 or bool(close) != ("(" in marks) or (after and tail) or named is None:
        return None
    shift = int(exponent or 0) + sum(_POWER[c] for c in times) - _PERCENT.get(unit, 0)
    minus = "-" if marks in ("-", "(") else ""
    point = _value(minus, body, exponent, shift)
    comma = _value(minus, body.translate(_SWAP), exponent, shift) if "." in body or "," in body else point
    if np.isnan(point) and np.isnan(comma):
        return None
    bare = not (money or exponent or tail or close)
    padded = body[0] == "0" and body[1:2].isdigit()
    code = bare and (padded or (body.isdigit() and _is_code(marks, body)))
    return _Number(point, comma, code, not code and bool(marks or not bare or not body.isdigit()), *named)


def _value(minus: str, body: str, exponent: str, shift: int) -> float:
    if not (_STYLE(body) or _INDIAN(body)) or (exponent and not body.replace(".", "").isdigit()):
        return np.nan
    # The exponent in the text, so that 58.23% is the number nearest to 0.5823.
    return float(f"{minus}{body.replace(',', '').replace(' ', '').replace(chr(39), '')}e{shift}")


@lru_cache(4096)
def _named(unit: str, money: str, spaced: bool) -> tuple[str, bool] | None:
    """A unit as shown, with the currency before it, and whether it is a weak one; None where it is none."""
    if not unit or (money and _key(unit) == _key(money)):
        return money, False
    if (len(unit) > 6 and unit not in _PERCENT) or unit.casefold() in _NEVER or _LABEL(unit):
        return None
    if not _UNIT(unit) or (unit[0] == "/") != bool(money) or ("%" in unit and len(unit) > 1):
        return None
    parts = [part for part in re.split("[/·]", unit) if part]
    if all(_sure(part, len(parts) > 1 or bool(money)) for part in parts):
        return money + unit, False
    word = spaced and unit.isalpha() and not _HAN(unit)
    return (unit, True) if word or len(unit) == 1 else None


def _sure(part: str, several: bool) -> bool:
    bare = part.rstrip("²³")
    known = part in _WORDS or part in _SAME or part in _PERCENT or bare in _WORDS
    return (known and part != "l") or (bare in _SINGLE and (several or bare != part)) or bool(_SIGNS(part))


@lru_cache(4096)
def _key(unit: str) -> str:
    """What two units of one scale have in common."""
    return "/".join(_SAME.get(part, part) for part in unicodedata.normalize("NFKC", unit).split("/"))


def _strays(values: Floats, found: dict[int, _Number]) -> tuple[str, ...]:
    """Takes away, in place, the values whose unit or scale is doubtful; the units that are left to name."""
    keys = {at: _key(number.unit) for at, number in found.items() if number.unit}
    counts = Counter(keys.values())
    letters = {found[at].unit for at in keys if found[at].weak and len(found[at].unit) == 1}
    lettered = bool(letters - _SINGLE)  # 12A beside 12B: rooms, not amperes
    for at in list(keys):
        number = found[at]
        if number.weak and (counts[keys[at]] < 2 or (lettered and len(number.unit) == 1)):
            values[at] = np.nan
            del keys[at]
    counts = Counter(keys.values())
    first = {key: at for at, key in reversed(keys.items())}
    if counts:
        commonest = counts.most_common(1)[0][0]
        values[[at for at, key in keys.items() if key != commonest]] = np.nan
    if "%" in counts:
        bare = values != 0  # nothing is nothing, in percent or not
        bare[list(keys)] = False
        values[bare] = np.nan
    return tuple(found[at].unit for at in sorted(first.values()))


# --- dates ------------------------------------------------------------------------------------------------------------

_MONTHS = "jan(?:uary)? feb(?:ruary)? mar(?:ch)? apr(?:il)? may june? july? aug(?:ust)? sept?(?:ember)? oct(?:ober)?"
_MONTHS += " nov(?:ember)? dec(?:ember)?"
_NAME = f"({_MONTHS.replace(' ', '|')})"
_NAMES = [month[:3] for month in _MONTHS.split()]
_ISO = re.compile(r"[1-9]\d{3}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)?", re.A).fullmatch
_EIGHT = re.compile(r"(?:19|20)\d{6}|2100\d{4}", re.A).fullmatch
_YEAR_FIRST = re.compile(r"([1-9]\d{3}) ?([-/.]) ?(\d{1,2}) ?\2 ?(\d{1,2})", re.A).fullmatch
_YEAR_MONTH = re.compile(r"(19\d\d|20\d\d|2100) ?[-/] ?(\d{1,2})", re.A).fullmatch
_CHINESE = re.compile(r"([1-9]\d{3}|\d\d) ?年 ?(\d{1,2}) ?月(?:份| ?(\d{1,2}) ?[日号]?)?", re.A).fullmatch
_PARTS = re.compile(r"(\d{1,2}) ?([-/.]) ?(\d{1,2}) ?\2 ?(\d{4}|\d\d)", re.A).fullmatch
_NUMERALS = str.maketrans("〇○零一二三四五六七八九", "000123456789")
_TEN = re.compile("([一二三四五六七八九]?)十([一二三四五六七八九]?)")
_NAMED = [
    (re.compile(pattern, re.A).fullmatch, order)
    for pattern, order in (
        (rf"(\d{{1,2}})(?:st|nd|rd|th)?[ ./-]*(?:of )?{_NAME}\.?[ .,/-]*(\d{{4}}|\d\d)", "dmy"),
        (rf"{_NAME}\.?[ ./-]*(\d{{1,2}})(?:st|nd|rd|th)?(?: ?, ?|[ ./-])(\d{{4}}|\d\d)", "mdy"),
        (rf"{_NAME}\.?(?:[ ,./-]*((?:19|20)\d\d)| ?[-/'’] ?(\d\d))", "myy"),
        (rf"([1-9]\d{{3}})[ ./-]*{_NAME}\.?(?:[ ./-]*(\d{{1,2}}))?", "ymd"),
    )
]
_WEEKDAY = re.compile(
    r"[(\[]? ?(?:(?:星期|周|礼拜)[一二三四五六日天]|"
    r"(?<![a-z])(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?(?![a-z])\.?,?) ?[)\]]?"
)
_HALF = r"上午|下午|中午|晚上|晚|凌晨|早上|[ap]\.?m\.?(?![a-z])"
_CLOCK = (
    rf"(?P<half>{_HALF})? ?(?P<h>\d{{1,2}})(?::(?P<m>\d\d)(?::(?P<s>\d\d)(?:[.,](?P<f>\d{{1,9}}))?)?|"
    rf"[时点](?:(?P<m2>\d{{1,2}})分(?:(?P<s2>\d{{1,2}})秒)?)?) ?(?P<late>[ap]\.?m\.?)?"
)
_ZONE = r"(?: ?(?:z|utc|gmt|[+-]\d\d:?\d\d))?"
_AT = re.compile(rf"(?:(?<=\d) ?t ?|[ ,]+|(?<=[日号])|(?=[上下中晚凌早])){_CLOCK}{_ZONE}$", re.A)
_CLOCK_ALONE = re.compile(_CLOCK, re.A).fullmatch
_DAY = dt.timedelta(1)


@dataclass(frozen=True, eq=False)
class Dates:
    """What (n,) texts say as dates and times, zones left out."""

    values: npt.NDArray[np.datetime64]  # (n,) in microseconds, NaT where it is none
    order: str  # "ymd", "dmy" or "mdy": what decided those that could be read in two ways; "" where there were none
    conflict: str  # "" | "mixed": some only day first, others only month first | "ambiguous": nothing decides
    first: str  # a text that shows the conflict
    has_time: bool  # some are not at midnight


@dataclass(frozen=True)
class _Parts:
    """Day and month in an order that the text alone does not show."""

    at: int
    numbers: tuple[int, int, int]
    short: bool  # the year has two digits
    clock: dt.timedelta

    def read(self, order: str) -> dt.datetime | None:
        a, b, c = self.numbers
        if order == "ymd":
            return _date(_year(a), b, c, self.clock) if self.short else None
        year = _year(c) if self.short else c
        return _date(year, b, a, self.clock) if order == "dmy" else _date(year, a, b, self.clock)


def read_dates(texts: Sequence[str], order: str = "") -> Dates:
    """The distinct texts of a column as dates.

    `order` ("dmy", "mdy", "ymd"), where a person gives it, settles dates such as 5/1/2024, and those that are none in
    that order are not read. Else those that can be read in one way only settle it; where they contradict one another
    or are missing, what can be read in two ways is not read.
    """
    values: list[dt.datetime | None] = [None] * len(texts)
    open_: list[_Parts] = []
    for at, text in enumerate(texts):
        if len(text) > LONGEST or _PLAIN(text) or not (_DIGIT(text) or "年" in text):
            continue
        found = _date_of(text, at)
        if isinstance(found, _Parts):
            open_.append(found)
        else:
            values[at] = found
    if not any(values) and not open_:
        values = _eight(texts)
    used, conflict, first = _settle(open_, values, order)
    out = np.array(values, "datetime64[us]")
    timed = bool((out != out.astype("datetime64[D]"))[~np.isnat(out)].any())
    return Dates(out, used, conflict, texts[first] if conflict else "", timed)


def _eight(texts: Sequence[str]) -> list[dt.datetime | None]:
    """Dates without marks, only where every text with a value is one."""
    words = [folded(text) for text in texts]
    values = [_date(int(w[:4]), int(w[4:6]), int(w[6:])) if _EIGHT(w) else None for w in words]
    sure = all(value or is_missing(word) for word, value in zip(words, values, strict=True))
    return values if sure else [None] * len(texts)


def _year(two: int) -> int:
    return two + (2000 if two < 69 else 1900)


def _date(year: int, month: int, day: int, clock: dt.timedelta = _DAY * 0) -> dt.datetime | None:
    try:
        return dt.datetime(year, month, day) + clock
    except (ValueError, OverflowError):
        return None


def _date_of(text: str, at: int) -> dt.datetime | _Parts | None:
    if _ISO(text):
        with suppress(ValueError):
            return dt.datetime.fromisoformat(text)
    text = " ".join(_WEEKDAY.sub(" ", folded(text)).split()).strip(" ,")
    if "年" in text:
        text = _TEN.sub(lambda m: f"{m[1] or 1}{m[2] or 0}", text).translate(_NUMERALS)
    clock = _DAY * 0
    if tail := _AT.search(text):
        read = _clock(tail)
        if read is None or (read >= _DAY and read != _DAY):
            return None
        clock, text = read, text[: tail.start()].rstrip(" ,")
    if match := _YEAR_FIRST(text):
        return _date(int(match[1]), int(match[3]), int(match[4]), clock)
    if match := _PARTS(text):
        return _Parts(at, (int(match[1]), int(match[3]), int(match[4])), len(match[4]) == 2, clock)
    if match := _CHINESE(text):
        year = int(match[1]) if len(match[1]) == 4 else _year(int(match[1]))
        return _date(year, int(match[2]), int(match[3] or 1), clock)
    if match := _YEAR_MONTH(text):
        return _date(int(match[1]), int(match[2]), 1, clock)
    return _with_name(text, clock)


def _with_name(text: str, clock: dt.timedelta) -> dt.datetime | None:
    for pattern, order in _NAMED:
        if match := pattern(text):
            found = {kind: group for kind, group in zip(order, match.groups(), strict=True) if group}
            year = int(found["y"]) if len(found["y"]) == 4 else _year(int(found["y"]))
            return _date(year, _NAMES.index(found["m"][:3]) + 1, int(found.get("d", 1)), clock)
    return None


def _settle(open_: list[_Parts], values: list[dt.datetime | None], order: str) -> tuple[str, str, int]:
    """Fills the dates whose order had to be found out; the order, the conflict, and the text that shows it."""
    if not order and any(parts.short and parts.numbers[0] > 31 and parts.read("ymd") for parts in open_):
        _settle([parts for parts in open_ if parts.short], values, "ymd")
        used, conflict, first = _settle([parts for parts in open_ if not parts.short], values, "")
        return used or "ymd", conflict, first
    both = [(parts, parts.read("dmy"), parts.read("mdy")) for parts in open_]
    unsure = [parts for parts, day, month in both if day and month and day != month]
    if order:
        for parts in open_:
            values[parts.at] = parts.read(order)
        return (order if unsure or order == "ymd" else ""), "", 0
    if open_ and _year_first(open_):
        return "", "ambiguous", open_[0].at
    only_day = [parts for parts, day, month in both if day and not month]
    only_month = [parts for parts, day, month in both if month and not day]
    mixed = bool(only_day and only_month)
    used = "" if mixed or not unsure else "dmy" if only_day else "mdy" if only_month else ""
    for parts, day, month in both:
        same = day if day == month else None
        values[parts.at] = (day or month) if not (day and month) else {"dmy": day, "mdy": month}.get(used, same)
    if mixed:
        return "", "mixed", min(only_day, only_month, key=len)[0].at
    return (used, "", 0) if used or not unsure else ("", "ambiguous", unsure[0].at)


def _year_first(open_: list[_Parts]) -> bool:
    """Whether dates such as 24-01-05 may well begin with the year: few first numbers, all too large for a month."""
    if not all(parts.short and parts.numbers[0] > 12 and parts.read("ymd") for parts in open_):
        return False
    return len({parts.numbers[0] for parts in open_}) < len({parts.numbers[2] for parts in open_})


# --- times and booleans -----------------------------------------------------------------------------------------------

_COUNT = r"(\d+(?:\.\d+)?) ?"
_SPAN = re.compile(
    rf"(?:{_COUNT}(?:天|days?|d) ?)?(?:{_COUNT}(?:个?小时|钟头|时|hours?|hrs?|h) ?)?"
    rf"(?:{_COUNT}(?:分钟?|minutes?|mins?|m) ?)?(?:{_COUNT}(?:秒钟?|seconds?|secs?|s))?",
    re.A,
).fullmatch
_LASTING = re.compile(r"(\d{1,5}):([0-5]\d)(?::([0-5]\d(?:\.\d+)?))?", re.A).fullmatch
_UNSURE = re.compile(r"\d ?(?:m|d|分|时)$", re.A).search  # 5m are metres as well, 5分 points
_TRUE = ("是", "有", "对", "真", "yes", "y", "true", "t", "on", "✓", "√", "☑", "✔", "有")
_FALSE = ("否", "无", "错", "假", "no", "n", "false", "f", "off", "✗", "×", "☐", "✘", "没有")
_ALONE = frozenset(("yes", "no", "是", "否", "true", "false", "✓", "√", "☑", "✔"))


def _clock(match: re.Match[str]) -> dt.timedelta | None:
    """A time of day: None for 13:75 or 13:45 AM."""
    hour, minute, second = int(match["h"]), int(match["m"] or match["m2"] or 0), int(match["s"] or match["s2"] or 0)
    half = match["half"] or match["late"] or ""
    late, early = half[:1] in ("p", "下", "晚", "中"), half[:1] in ("a", "上", "凌", "早")
    wrong = (half.isascii() and half and not 1 <= hour <= 12) or (early and hour > 12)
    if wrong or minute > 59 or second > 59 or hour > 24 or (half[:1] == "晚" and hour == 12):  # 晚上12点 is of two days
        return None
    if late and hour < (10 if half == "中午" else 12):
        hour += 12
    elif early and hour == 12:
        hour = 0
    micro = int((match["f"] or "")[:6].ljust(6, "0"))
    return dt.timedelta(hours=hour, minutes=minute, seconds=second, microseconds=micro)


def read_times(texts: Sequence[str]) -> Floats:
    """The distinct texts of a column as times of day or durations, (n,) in days; nan where it is none."""
    likely = (len(text) <= LONGEST and not _PLAIN(text) and _DIGIT(text) for text in texts)
    return np.array([_days(text) if may else np.nan for text, may in zip(texts, likely, strict=True)], float)


def _days(text: str) -> float:
    text = " ".join(folded(text).split())
    if match := _LASTING(text):
        return (int(match[1]) * 3600 + int(match[2]) * 60 + float(match[3] or 0)) / 86400
    if match := _CLOCK_ALONE(text):
        read = _clock(match)
        return np.nan if read is None else read / _DAY
    match = _SPAN(text)
    if match is None or (sum(group is not None for group in match.groups()) == 1 and _UNSURE(text)):
        return np.nan
    days, hours, minutes, seconds = (float(group or 0) for group in match.groups())
    return days + (hours * 3600 + minutes * 60 + seconds) / 86400


def read_booleans(texts: Sequence[str]) -> tuple[npt.NDArray[np.int8], bool]:
    """The distinct texts of a column as (n,) 1, 0, or -1 where it is neither, and whether the column may be boolean.

    It may where every text with a value is such a word, and either a pair is complete or a word stands for itself: not
    with n alone. `无` is false beside `有`, else a missing value.
    """
    words = [folded(text).replace("\ufe0f", "") for text in texts]
    present = set(words)
    known = dict.fromkeys(_TRUE, 1) | dict.fromkeys(_FALSE, 0)
    if "有" not in present:
        del known["无"], known["没有"]
    values = np.array([known.get(word, -1) for word in words], np.int8)
    whole = all(word in known or not word or word in MISSING for word in present)
    paired = any(yes in present and no in present for yes, no in zip(_TRUE, _FALSE, strict=True))
    return values, whole and (paired or bool(present & _ALONE))
