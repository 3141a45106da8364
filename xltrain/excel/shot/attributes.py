"""XML read without trust: names without namespaces, and numbers that are always numbers."""

import math
import re
from collections.abc import Iterator
from html import unescape
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from xltrain.errors import WorkbookError
from xltrain.excel.scan import Package
from xltrain.language import text
from xltrain.place import Problem

MOST = 24 << 20  # bytes of a part that is read whole; of drawings, styles and charts the largest have a tenth


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


def children(element: Element | None, name: str) -> Iterator[Element]:
    """All children of this name."""
    return (each for each in (element if element is not None else ()) if local(each) == name)


def descendants(element: Element | None, name: str) -> Iterator[Element]:
    """All elements of this name at any depth."""
    return (each for each in (element.iter() if element is not None else ()) if local(each) == name)


def words(element: Element | None) -> str:
    """An element's own text."""
    return (element.text or "").strip() if element is not None else ""


def root(package: Package, part: str) -> Element | None:
    """The root of a part; None where there is none."""
    if not part or part not in package:
        return None
    content, count = [], 0
    for piece in package.stream(part):
        content.append(piece)
        count += len(piece)
        if count > MOST:
            raise WorkbookError(Problem(package.place, text("book_bomb"), text("book_broken_hint")))
    try:
        return ElementTree.fromstring(b"".join(content))
    except (ElementTree.ParseError, LookupError, ValueError) as error:  # the last two for an unknown encoding
        raise WorkbookError(package.broken(error)) from error


def fragment(xml: bytes) -> Element:
    """A piece of XML cut out of its document: open elements are closed and prefixes forgotten."""
    top = Element("root")
    trail = [top]
    for found in re.finditer(rb"<(/?)(?:\w+:)?(\w+)((?:[^<>\"']|\"[^\"]*\"|'[^']*')*?)(/?)>([^<]*)", xml):
        closing, name, attributes, alone, after = found.groups()
        if closing:
            if len(trail) > 1:
                trail.pop()
            continue
        given = re.findall(rb"([\w:]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", attributes)
        element = Element(
            name.decode("utf-8", "replace"),
            {key.decode(): unescape((one or two).decode("utf-8", "replace")) for key, one, two in given},
        )
        element.text = unescape(after.decode("utf-8", "replace"))
        trail[-1].append(element)
        if not alone:
            trail.append(element)
    return top[0] if len(top) else top
