"""Colours as spreadsheets write them: RGB, indexed, or from the theme with a tint; and how they blend."""

import colorsys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xltrain.excel.shot.attributes import is_hex, real, whole

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
    """Lighter for a positive tint, darker for a negative one; from -1 to 1."""
    if not tint:
        return colour
    hue, light, saturation = colorsys.rgb_to_hls(*(part / 255 for part in parts(colour)))
    light = light * (1 + tint) if tint < 0 else light * (1 - tint) + tint
    return _hex(colorsys.hls_to_rgb(hue, min(1.0, max(0.0, light)), saturation))


def blended(under: str, over: str, share: float) -> str:
    """`share` of the colour `over` on `under`."""
    pairs = zip(parts(under), parts(over), strict=True)
    return _hex(tuple((low + (high - low) * share) / 255 for low, high in pairs))


def parts(colour: str) -> tuple[int, int, int]:
    """Red, green and blue, 0 to 255."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _hex(shares: Sequence[float]) -> str:
    return "#" + "".join(f"{round(share * 255):02X}" for share in shares)
