"""Dates and times under a number format, from Excel's serial numbers."""

import datetime

MOST_SERIAL = 2_958_466  # the day after 9999-12-31

_YEAR = "January February March April May June July August September October November December"
_SEVEN = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday"
_MONTHS, _DAYS = _YEAR.split(), _SEVEN.split()
_NUMERALS = "一二三四五六七八九十"
_WEEK = {"zh": "日一二三四五六", "ja": "日月火水木金土"}
_CHINESE = ("804", "404", "c04", "1004", "1404")
_ERAS = (
    ((2019, 5, 1), "令和", "R"),
    ((1989, 1, 8), "平成", "H"),
    ((1926, 12, 25), "昭和", "S"),
    ((1912, 7, 30), "大正", "T"),
)

Token = tuple[str, str]


class Moment:
    """The parts of a serial number: year, month, day, weekday (0: Sunday), and seconds of the day.

    Serial 60 is 29 February 1900, a day that Excel has and the calendar has not; serial 0 is 0 January 1900.
    """

    def __init__(self, serial: float, decimals: int) -> None:
        whole = round(serial * 86_400, decimals)
        self.days, self.second = divmod(whole, 86_400)
        self.total = whole
        number = int(self.days)
        self.weekday = (number - 1) % 7
        if number in (0, 60):
            self.year, self.month, self.day = (1900, 1, 0) if number == 0 else (1900, 2, 29)
        else:
            start = datetime.date(1899, 12, 31 if number < 60 else 30)
            date = start + datetime.timedelta(days=min(number, MOST_SERIAL - 1))
            self.year, self.month, self.day = date.year, date.month, date.day
        self.hour, rest = divmod(int(self.second), 3600)
        self.minute = rest // 60

    @property
    def era(self) -> tuple[str, str, int]:
        """The Japanese era, its letter and the year in it; the common year where there is none."""
        for start, name, letter in _ERAS:
            if (self.year, self.month, self.day) >= start:
                return name, letter, self.year - start[0] + 1
        return "", "", self.year


def date_text(tokens: tuple[Token, ...], locale: str, serial: float) -> list[str]:
    """The texts of a date's tokens (kind, text), one for one."""
    decimals = max((len(body) - 1 for kind, body in tokens if kind == "tenths"), default=0)
    moment = Moment(serial, decimals)
    noon = any(kind == "ampm" for kind, _ in tokens)
    code = locale.rpartition(",")[2].lstrip("0")[-4:]
    language = "zh" if code in _CHINESE else "ja" if code.endswith("411") else ""
    signs = [(index, body) for index, (kind, body) in enumerate(tokens) if kind in ("date", "elapsed")]
    minutes = {
        index
        for place, (index, body) in enumerate(signs)
        if body in ("m", "mm")
        and ((place and signs[place - 1][1][0] == "h") or (place + 1 < len(signs) and signs[place + 1][1][0] == "s"))
    }
    eras = any(kind == "date" and body[0] == "g" for kind, body in tokens)
    parts = []
    for index, (kind, body) in enumerate(tokens):
        if kind == "elapsed":
            parts.append(_elapsed(moment, body))
        elif kind == "tenths":
            parts.append(f"{moment.second % 1:.{len(body) - 1}f}"[1:])
        elif kind == "ampm":
            parts.append(_half(moment.hour, body, language))
        elif index in minutes:
            parts.append(_padded(moment.minute, body))
        elif kind == "date":
            parts.append(_part(moment, body, noon, language, eras))
        else:
            parts.append(body)
    return parts


def _part(moment: Moment, sign: str, noon: bool, language: str, eras: bool) -> str:
    letter, count = sign[0], len(sign)
    if letter in "yb":
        year = moment.year + (543 if letter == "b" else 0)
        return f"{year % 100:02}" if count < 3 else f"{year:04}"
    if letter == "e":
        return _padded(moment.era[2] if eras else moment.year, sign)
    if letter == "g":
        return moment.era[1] if count == 1 else moment.era[0][: 1 if count == 2 else 2]
    if letter == "m":
        return _month(moment.month, sign, language)
    if letter == "d" and count < 3:
        return _padded(moment.day, sign)
    if letter in "da":
        return _weekday(moment.weekday, sign, language)
    if letter == "h":
        return _padded((moment.hour - 1) % 12 + 1 if noon else moment.hour, sign)
    return _padded(int(moment.second) % 60, sign)


def _month(month: int, sign: str, language: str) -> str:
    if len(sign) < 3:
        return _padded(month, sign)
    if language:
        shown = _NUMERALS[month - 1] if month <= 10 else "十" + _NUMERALS[month - 11]
        return f"{shown}月" if language == "zh" and len(sign) == 4 else f"{month}月"
    name = _MONTHS[month - 1]
    return {3: name[:3], 5: name[:1]}.get(len(sign), name)


def _weekday(day: int, sign: str, language: str) -> str:
    if sign[0] == "d" and not language:
        return _DAYS[day] if len(sign) > 3 else _DAYS[day][:3]
    if language == "ja":
        return _WEEK["ja"][day] + ("曜日" if len(sign) > 3 else "")
    name = _WEEK["zh"][day]
    return f"星期{name}" if len(sign) > 3 else f"周{name}" if sign[0] == "d" else name


def _elapsed(moment: Moment, sign: str) -> str:
    unit = {"h": 3600, "m": 60, "s": 1}[sign[0]]
    return str(int(moment.total // unit)).rjust(len(sign), "0")


def _half(hour: int, sign: str, language: str) -> str:
    later = hour >= 12
    if "午" in sign or language == "zh":
        return "下午" if later else "上午"
    if language == "ja":
        return "午後" if later else "午前"
    return ("AM", "PM")[later] if len(sign) > 3 else ("A", "P")[later]


def _padded(number: int, sign: str) -> str:
    return str(number).rjust(min(len(sign), 2), "0")
