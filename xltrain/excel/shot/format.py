"""Excel's number formats: what a cell shows for a value under a format code.

A code is up to four sections between semicolons, chosen by sign or by a condition such as `[>=100]`. Numbers round
half away from zero on 15 significant digits, as Excel does.
"""

import math
import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from functools import lru_cache

from xltrain.excel.shot.dates import MOST_SERIAL, date_text

COLOURS = {
    "black": "#000000",
    "blue": "#0000FF",
    "cyan": "#00FFFF",
    "green": "#00FF00",
    "magenta": "#FF00FF",
    "red": "#FF0000",
    "white": "#FFFFFF",
    "yellow": "#FFFF00",
    "黑色": "#000000",
    "蓝色": "#0000FF",
    "绿色": "#00FF00",
    "红色": "#FF0000",
    "白色": "#FFFFFF",
    "黄色": "#FFFF00",
}
_EXACT = Context(prec=800)  # a number of 308 digits may be shown with many decimals
TOO_WIDE = "########"  # what Excel shows for a date it cannot show, whatever the column's width

_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"?'
    r"|\\(?P<escaped>.)"
    r"|_(?P<space>.)"
    r"|\*(?P<star>.)"
    r"|\[(?P<bracket>[^\]]*)\]"
    r"|(?P<general>General|G/通用格式)"
    r"|(?P<ampm>AM/PM|A/P|上午/下午)"
    r"|(?P<exponent>E[+-])"
    r"|(?P<tenths>\.0+(?=[^0#?.,%]|$))"
    r"|(?P<date>y+|m+|d+|h+|s+|a{3,4}|e+|g+|b{2,4})"
    r"|(?P<sign>[0#?.,%/@])"
    r"|(?P<literal>.)",
    re.I | re.S,
)
_CONDITION = re.compile(r"(<=|>=|<>|<|>|=)\s*(-?[0-9.]+(?:E[+-]?\d+)?)", re.I)
_ELAPSED = re.compile(r"h+|m+|s+", re.I)
_COLOUR_INDEX = re.compile(r"colou?r\s*(\d+)", re.I)
_LOCALE = re.compile(r"\$([^-]*)(?:-([0-9A-Fa-f,]*))?")

Token = tuple[str, str]


@dataclass(frozen=True)
class Section:
    """One part of a format code, in tokens (kind, text)."""

    tokens: tuple[Token, ...]
    colour: str = ""
    condition: tuple[str, float] | None = None
    locale: str = ""

    def has(self, kind: str) -> bool:
        return any(each == kind for each, _ in self.tokens)

    def accepts(self, value: float) -> bool:
        assert self.condition is not None
        sign, limit = self.condition
        return {
            "<": value < limit,
            "<=": value <= limit,
            ">": value > limit,
            ">=": value >= limit,
            "=": value == limit,
            "<>": value != limit,
        }[sign]


@dataclass(frozen=True)
class Shown:
    """What a cell shows; `fill` is repeated at `fill_at` in the text until the column is full (accounting formats)."""

    text: str
    colour: str = ""
    fill: str = ""
    fill_at: int = 0


def format_value(value: float | str | bool, code: str, date1904: bool = False) -> tuple[str, str]:
    """The text that Excel shows for a value, and the colour `#RRGGBB` that the format asks for (empty: none)."""
    shown = show(value, code, date1904)
    return shown.text, shown.colour


def show(value: float | str | bool, code: str, date1904: bool = False) -> Shown:
    """As `format_value`, with the fill of accounting formats."""
    if isinstance(value, bool):
        return Shown("TRUE" if value else "FALSE")
    numbers, words = _parsed(code)
    if isinstance(value, str):
        return _text(value, words) if words else Shown(value)
    if not math.isfinite(value):
        return Shown(general(value))
    if not numbers:
        return _text(general(value), words) if words else Shown(general(value))
    section, size = _chosen(value, numbers)
    if section is None:
        return Shown(TOO_WIDE)
    return _assembled(section, size, date1904)


def general(value: float, most: int = 11) -> str:
    """A number under General in at most `most` characters besides the sign, as far as that goes."""
    if not math.isfinite(value):
        return "#NUM!"
    size = abs(value)
    sign = "-" if value < 0 else ""
    if size == 0:
        return "0"
    if size < 1e-4:
        plain = f"{Decimal(f'{size:.15g}'):f}"
        if len(plain) <= most:
            return sign + plain
    elif size < 1e11:
        whole = len(str(int(size)))
        if whole <= most:
            digits = _rounded(Decimal(f"{size:.15g}"), max(0, min(most - 1, 10) - whole))
            shown = f"{digits:f}"
            shown = shown.rstrip("0").rstrip(".") if "." in shown else shown
            if shown != "0":
                return sign + shown
    exponent = f"{size:.0e}".partition("e")[2]
    places = max(0, min(5, most - len(exponent) - 3))
    mantissa, _, power = f"{Decimal(repr(size)):.{places}E}".partition("E")
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    return f"{sign}{mantissa}E{power[0]}{power[1:]:0>2}"


def is_general(code: str) -> bool:
    """Whether the code leaves the number of decimals to the column's width."""
    return code.strip().lower() in ("", "general", "g/通用格式")


@lru_cache(maxsize=512)
def _parsed(code: str) -> tuple[tuple[Section, ...], Section | None]:
    """The sections for numbers, and the one for text."""
    sections = [_section(part) for part in _split(code or "General")]
    if len(sections) > 3:
        return tuple(sections[:3]), sections[3]
    if sections[-1].has("@"):
        return tuple(sections[:-1]), sections[-1]
    return tuple(sections), None


def _split(code: str) -> list[str]:
    parts, start = [], 0
    for match in _TOKEN.finditer(code):
        if match["literal"] == ";":
            parts.append(code[start : match.start()])
            start = match.end()
    return [*parts, code[start:]]


def _section(code: str) -> Section:
    tokens: list[Token] = []
    colour, locale, condition = "", "", None
    for match in _TOKEN.finditer(code):
        kind, body = match.lastgroup or "literal", match[match.lastgroup or 0]
        if kind != "bracket":
            tokens.append(_token(kind, body))
            continue
        if found := _CONDITION.fullmatch(body):
            condition = (found[1], float(found[2]))
        elif _ELAPSED.fullmatch(body):
            tokens.append(("elapsed", body.lower()))
        elif found := _LOCALE.fullmatch(body):
            locale = (found[2] or "").lower() or locale
            tokens.append(("literal", found[1]))
        elif body.lower() in COLOURS:
            colour = COLOURS[body.lower()]
        elif found := _COLOUR_INDEX.fullmatch(body):
            colour = _indexed(int(found[1]))
    return Section(_sorted(tokens), colour, condition, locale)


def _token(kind: str, body: str) -> Token:
    if kind in ("quoted", "escaped"):
        return "literal", body
    if kind == "space":
        return "literal", " "
    if kind == "sign":
        return ("digit", body) if body in "0#?" else (body, body)
    return kind, body.lower() if kind in ("date", "ampm") else body


def _sorted(tokens: list[Token]) -> tuple[Token, ...]:
    """`.00` belongs to the seconds of a time, else it is a point and digits; letters in a number are letters."""
    if any(kind in ("date", "elapsed", "ampm") for kind, _ in tokens):
        return tuple(
            ("literal", body) if kind in (".", ",", "/", "exponent") else (kind, body) for kind, body in tokens
        )
    plain: list[Token] = []
    for kind, body in tokens:
        if kind == "tenths":
            plain += [(".", "."), *(("digit", sign) for sign in body[1:])]
        else:
            plain.append((kind, body))
    return tuple(plain)


def _indexed(number: int) -> str:
    from xltrain.excel.shot.colour import INDEXED

    return INDEXED[number + 7] if 1 <= number <= 56 else ""


def _chosen(value: float, sections: tuple[Section, ...]) -> tuple[Section | None, float]:
    """The section for a number, and the number it shows: without its sign where the section stands for negatives."""
    if any(section.condition for section in sections):
        return _by_condition(value, sections)
    if value < 0 and len(sections) > 1:
        return sections[1], -value
    if value == 0 and len(sections) > 2:
        return sections[2], value
    return sections[0], value


def _by_condition(value: float, sections: tuple[Section, ...]) -> tuple[Section | None, float]:
    for index, section in enumerate(sections):
        if section.condition is None:
            first = sections[0].condition
            if index == 0 and len(sections) > 1 and value <= 0:
                continue  # the first section without a condition means above 0
            negative_only = index == 1 and first is not None and first[0] in (">", ">=") and first[1] == 0
            if index == 1 and len(sections) == 3 and value >= 0:
                continue
            return section, abs(value) if negative_only or (index == 1 and len(sections) == 3) else value
        if section.accepts(value):
            sign, limit = section.condition
            return section, abs(value) if sign in ("<", "<=") and limit <= 0 else value
    return None, value


def _text(value: str, section: Section) -> Shown:
    return _joined([value if kind in ("@", "general") else body for kind, body in section.tokens], section)


def _joined(parts: list[str], section: Section) -> Shown:
    """Texts one for one with the section's tokens, with the place of the fill."""
    fill, at, text = "", 0, ""
    for part, (kind, body) in zip(parts, section.tokens, strict=True):
        if kind == "star":
            fill, at = (fill, at) if fill else (body, len(text))
        else:
            text += part
    return Shown(text, section.colour, fill, at)


def _assembled(section: Section, value: float, date1904: bool) -> Shown:
    if any(kind in ("date", "elapsed", "ampm") for kind, _ in section.tokens):
        if date1904 and section.has("elapsed"):  # a length of time, which begins nowhere and may be negative
            if abs(value) >= MOST_SERIAL:
                return Shown(TOO_WIDE, section.colour)
            shown = _joined(date_text(section.tokens, section.locale, abs(value)), section)
            return Shown("-" * (value < 0) + shown.text, shown.colour, shown.fill, shown.fill_at + (value < 0))
        serial = value + 1462 if date1904 else value
        if not 0 <= serial < MOST_SERIAL:
            return Shown(TOO_WIDE, section.colour)
        return _joined(date_text(section.tokens, section.locale, serial), section)
    sign = "-" if value < 0 else ""
    if section.has("general"):
        parts = [general(abs(value)) if kind == "general" else body for kind, body in section.tokens]
    elif section.has("digit"):
        try:
            parts = _number(section.tokens, abs(value))
        except InvalidOperation:  # hundreds of decimals or of percent signs, which Excel would not take
            return Shown(general(value), section.colour)
        if not any(each in "123456789" for each in "".join(parts)) and not section.has("/"):
            sign = ""  # Excel shows no -0
    elif section.has("@"):
        return _text(general(value), section)
    else:
        parts = [body for _, body in section.tokens]
        sign = sign if section.tokens else ""
    shown = _joined(parts, section)
    return Shown(sign + shown.text, shown.colour, shown.fill, shown.fill_at + len(sign))


def _number(tokens: tuple[Token, ...], value: float) -> list[str]:
    """The texts of a number's tokens."""
    slash = next((index for index, (kind, _) in enumerate(tokens) if kind == "/"), -1)
    if slash > 0 and tokens[slash - 1][0] == "digit" and _is_denominator(tokens, slash + 1):
        from xltrain.excel.shot.fraction import fraction_text

        return fraction_text(tokens, slash, value)
    exact = Decimal(f"{value:.15g}")
    exact *= Decimal(100) ** sum(kind == "%" for kind, _ in tokens)
    exponent = next((index for index, (kind, _) in enumerate(tokens) if kind == "exponent"), len(tokens))
    parts = [body for _, body in tokens]
    places = [index for index in range(exponent) if tokens[index][0] == "digit"]
    if exponent < len(tokens):
        exact = _scientific(tokens, parts, exponent, places, exact)
    _plain(tokens[:exponent], parts, places, exact)
    return parts


def _is_denominator(tokens: tuple[Token, ...], at: int) -> bool:
    return at < len(tokens) and (tokens[at][0] == "digit" or tokens[at][1] in tuple("123456789"))


def _scientific(
    tokens: tuple[Token, ...], parts: list[str], exponent: int, places: list[int], value: Decimal
) -> Decimal:
    """Fill in the exponent; the mantissa comes back."""
    point = next((index for index in range(exponent) if tokens[index][0] == "."), exponent)
    step = max(1, sum(index < point for index in places))
    decimals = sum(index > point for index in places)
    power = (value.adjusted() // step) * step if value else 0
    mantissa = value.scaleb(-power)
    if _rounded(mantissa, decimals) >= Decimal(10) ** step:
        power += step
        mantissa = value.scaleb(-power)
    rest = [index for index in range(exponent + 1, len(tokens)) if tokens[index][0] == "digit"]
    least = sum(tokens[index][1] == "0" for index in rest)
    shown = str(abs(power)).rjust(max(1, least), "0")
    sign = "-" if power < 0 else "+" if tokens[exponent][1][1] == "+" else ""
    parts[exponent] = f"E{sign}{shown}"
    for index in rest:
        parts[index] = ""
    return mantissa


def _plain(tokens: tuple[Token, ...], parts: list[str], places: list[int], value: Decimal) -> None:
    """Fill the digits of a number into the texts of its tokens."""
    point = next((index for index, (kind, _) in enumerate(tokens) if kind == "."), len(tokens))
    whole = [index for index in places if index < point]
    after = [index for index in places if index > point]
    grouped = False
    for index, (kind, _) in enumerate(tokens):
        if kind == ",":
            parts[index] = ""
            if whole and whole[0] < index < whole[-1]:
                grouped = True
            elif places and index > places[0] and (index < point or index > places[-1]):
                value = value.scaleb(-3)
    digits = f"{_rounded(value, len(after)):f}"
    left, _, right = digits.partition(".")
    _fill_whole(tokens, parts, whole, "" if left == "0" else left, grouped)
    if not whole and point < len(tokens) and left != "0":
        parts[point] = left + parts[point]
    for place, index in enumerate(after):
        rest = right[place:].strip("0")
        sign = tokens[index][1]
        parts[index] = right[place] if rest or sign == "0" else " " if sign == "?" else ""


def _fill_whole(tokens: tuple[Token, ...], parts: list[str], whole: list[int], digits: str, grouped: bool) -> None:
    """The digits before the point, from the right; what is left over stands at the first placeholder."""
    rest, count = digits, 0
    for index in reversed(whole):
        first = index == whole[0]
        taken = list(reversed(rest)) if first else [rest[-1:]]
        rest = "" if first else rest[:-1]
        if not taken or taken == [""]:
            taken = [{"0": "0", "?": " "}.get(tokens[index][1], "")]
        shown = ""
        for digit in taken:
            comma = "," if grouped and digit and count and count % 3 == 0 else ""
            shown = digit + (comma if digit != " " else " " * len(comma)) + shown
            count += 1
        parts[index] = shown


def _rounded(value: Decimal, places: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, _EXACT)
