"""XML read without trust: names without namespaces, and numbers that are always numbers."""

import math
from xml.etree.ElementTree import Element


def local(element: Element) -> str:
    """An element's name without its namespace."""
    return element.tag.rpartition("}")[2]


def child(element: Element | None, name: str) -> Element | None:
    """The first child of this name."""
    return next((each for each in element if local(each) == name), None) if element is not None else None


def whole(digits: str | None, otherwise: int = 0) -> int:
    """A whole number that is not negative; `otherwise` for anything else."""
    digits = digits or ""
    return int(digits) if digits.isdecimal() and len(digits) < 10 else otherwise


def real(digits: str | None) -> float:
    """A finite number; 0 for anything else."""
    try:
        found = float(digits or 0)
    except ValueError:
        return 0.0
    return found if math.isfinite(found) else 0.0


def flag(value: str | None, otherwise: bool = False) -> bool:
    """A yes or no as XML writes it."""
    return otherwise if value is None else value in ("1", "true", "on")


def is_hex(digits: str) -> bool:
    """Whether a text is six hexadecimal digits."""
    return len(digits) == 6 and all(each in "0123456789abcdefABCDEF" for each in digits)
