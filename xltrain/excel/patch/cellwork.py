"""What becomes of a single cell: a new value, another colour, or both; its other attributes stay."""

import datetime
import html
import re
from dataclasses import dataclass

from xltrain.excel.cell_xml import Value, cell_content
from xltrain.excel.markup import name_of, with_attributes
from xltrain.excel.patch.rows import FORMULA, CellChange, OldCell
from xltrain.excel.patch.styles import Styles

_SHARED = re.compile(rb"\bref\s*=\s*[\"']([^\"']*)[\"']")
DATE = "yyyy-mm-dd"
MOMENT = "yyyy-mm-dd hh:mm"


@dataclass
class CellWork(CellChange):
    """`style` replaces the cell's own; `colour` fills it."""

    styles: Styles
    date_styles: frozenset[int]
    prefix: str
    date1904: bool
    value: Value = None
    has_value: bool = False
    colour: str = ""
    style: int | None = None

    def made(self, old: OldCell | None, address: str, style: int) -> bytes:
        if old is None and self.value is None and not self.colour:
            return b""
        base = style if self.style is None else self.style
        if isinstance(self.value, datetime.date) and base not in self.date_styles:
            base = self.styles.variant(base, MOMENT if isinstance(self.value, datetime.datetime) else DATE)
        if self.colour:
            base = self.styles.variant(base, colour=self.colour)
        c = name_of(self.prefix, "c")
        tag = f"<{c}".encode() + (old.attributes.rstrip() if old else b"") + b">"
        values: dict[str, str | None] = {"r": address, "s": str(base) if base else None}
        if self.has_value or old is None:
            kind, inside = cell_content(self.value, self.prefix, self.date1904)
            inner = inside.encode()
            values |= {"t": kind or None, "cm": None, "vm": None}
        else:
            inner = old.inner
        tag = with_attributes(tag, values)
        return tag + inner + f"</{c}>".encode() if inner else tag[:-1] + b"/>"


def formula_words(old: OldCell) -> str:
    """The formula of a cell as one types it; a lone = where it is told elsewhere."""
    words = re.search(rb"<(?:\w+:)?f\b[^>]*?>([^<]*)</", old.inner)
    return "=" + (html.unescape(words[1].decode("utf-8", "replace")) if words else "")


def formula_of(old: OldCell) -> tuple[bool, bool]:
    """Whether a cell holds a formula, and whether other cells depend on it being there."""
    tag = FORMULA.search(old.inner)
    if not tag:
        return False, False
    ref = _SHARED.search(tag[0])
    return True, bool(ref and b":" in ref[1])
