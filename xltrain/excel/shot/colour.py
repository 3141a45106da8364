"""Colours as spreadsheets write them: RGB, indexed, or from the theme with a tint; and how they blend."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xltrain.excel.shot.attributes import is_hex, real, whole

_TOP = 240  # hue, light and saturation in whole numbers
_FIRST = "000000 FFFFFF FF0000 00FF00 0000FF FFFF00 FF00FF 00FFFF "
_REST = """
800000 008000 000080 808000 800080 008080 C0C0C0 808080 9999FF 993366 FFFFCC CCFFFF 660066 FF8080 0066CC CCCCFF
000080 FF00FF FFFF00 00FFFF 800080 800000 008080 0000FF 00CCFF CCFFFF CCFFCC FFFF99 99CCFF FF99CC CC99FF FFCC99
3366FF 33CCCC 99CC00 FFCC00 FF9900 FF6600 666699 969696 003366 339966 003300 333300 993300 993366 333399 333333
"""
_OFFICE = "FFFFFF 000000 EEECE1 1F497D 4F81BD C0504D 9BBB59 8064A2 4BACC6 F79646 0000FF 800080"
INDEXED: tuple[str, ...] = tuple("#" + each for each in (_FIRST + _FIRST + _REST).split())
OFFICE = tuple("#" + each for each in _OFFICE.split())  # the theme of a file that has none


@dataclass(frozen=True)
class Palette:
    """The theme's twelve colours in the order of cell styles (light 1, dark 1, light 2 ...), and the indexed ones."""

    theme: Sequence[str] = OFFICE
    indexed: Sequence[str] = INDEXED

    def colour(self, attributes: Mapping[str, str], automatic: str = "") -> str:
        """`#RRGGBB` of an element's attributes rgb, theme, indexed and tint; `automatic` where it names none."""
        found = automatic
        if "rgb" in attributes:
            digits = attributes["rgb"][-6:]
            found = f"#{digits.upper()}" if is_hex(digits) else automatic
        elif "theme" in attributes:
            number = whole(attributes["theme"], -1)
            found = self.theme[number] if 0 <= number < len(self.theme) else automatic
        elif "indexed" in attributes:
            number = whole(attributes["indexed"], -1)
            found = self.indexed[number] if 0 <= number < len(self.indexed) else automatic
        return tinted(found, min(1.0, max(-1.0, real(attributes.get("tint"))))) if found else found


def tinted(colour: str, tint: float) -> str:
    """Lighter for a positive tint, darker for a negative one; from -1 to 1.

    In whole numbers from 0 to 240, as Windows computes hue, light and saturation and Excel with it, so that the
    accents come out as Excel shows them (4472C4 at 0.6 is B4C6E7).
    """
    if not tint:
        return colour
    hue, light, saturation = _to_hls(*parts(colour))
    tint = round(tint, 4)  # files store fractions of 32767
    light = int(light * (1 - abs(tint)) + (_TOP * tint if tint > 0 else 0) + 1e-6)
    return "#" + "".join(f"{part:02X}" for part in _from_hls(hue, light, saturation))


def _to_hls(red: int, green: int, blue: int) -> tuple[int, int, int]:
    high, low = max(red, green, blue), min(red, green, blue)
    light = ((high + low) * _TOP + 255) // 510
    if high == low:
        return 0, light, 0
    gap = high - low
    total = high + low if light <= _TOP // 2 else 510 - high - low
    saturation = (gap * _TOP + total // 2) // total
    away = [((high - part) * (_TOP // 6) + gap // 2) // gap for part in (red, green, blue)]
    if red == high:
        hue = away[2] - away[1]
    elif green == high:
        hue = _TOP // 3 + away[0] - away[2]
    else:
        hue = 2 * _TOP // 3 + away[1] - away[0]
    return hue % _TOP, light, saturation


def _from_hls(hue: int, light: int, saturation: int) -> tuple[int, int, int]:
    if not saturation:
        grey = int(light * 255 / _TOP + 0.5)
        return grey, grey, grey
    half = _TOP // 2
    if light <= half:
        high = (light * (_TOP + saturation) + half) // _TOP
    else:
        high = light + saturation - (light * saturation + half) // _TOP
    low = 2 * light - high
    shares = [_channel(low, high, (hue + shift) % _TOP) for shift in (_TOP // 3, 0, -(_TOP // 3))]
    red, green, blue = (min(255, (share * 255 + half) // _TOP) for share in shares)
    return red, green, blue


def _channel(low: int, high: int, hue: int) -> int:
    sixth = _TOP // 6
    if hue < sixth:
        return low + ((high - low) * hue + sixth // 2) // sixth
    if hue < _TOP // 2:
        return high
    if hue < 4 * sixth:
        return low + ((high - low) * (4 * sixth - hue) + sixth // 2) // sixth
    return low


def blended(under: str, over: str, share: float) -> str:
    """`share` of the colour `over` on `under`."""
    pairs = zip(parts(under), parts(over), strict=True)
    return _hex(tuple((low + (high - low) * share) / 255 for low, high in pairs))


def parts(colour: str) -> tuple[int, int, int]:
    """Red, green and blue, 0 to 255."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _hex(shares: Sequence[float]) -> str:
    return "#" + "".join(f"{round(share * 255):02X}" for share in shares)
