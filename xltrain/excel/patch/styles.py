"""The cell styles of a copy: each need appends one `xf`, and what stands there keeps its number."""

import re

from xltrain.excel.markup import (
    Edit,
    appended,
    attribute,
    edited,
    name_of,
    outline,
    set_attributes,
    with_attributes,
)

_OWN = 164  # number formats from here on are the workbook's own
_BUILT_IN = {"": 0, "General": 0, "0": 1, "0.00": 2, "#,##0": 3, "#,##0.00": 4, "0%": 9, "0.00%": 10, "@": 49}


class Styles:
    """styles.xml with further cell styles; `raw` is empty where the workbook has none, and then all are the default."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self._made: dict[tuple[int, str | None, str], int] = {}
        self._xfs: list[bytes] = []
        self._formats: dict[str, int] = {}
        self._fills: dict[str, int] = {}
        if raw:
            self._root = outline(raw)
            table = self._root.child("cellXfs")
            self._old = [raw[node.start : node.end] for node in table.within] if table else []
            fills = self._root.child("fills")
            self._old_fills = len(fills.within) if fills else 0
            own = [each.attributes for each in self._root.all("numFmt")]
            self._known = {each.get("formatCode", ""): int(each.get("numFmtId", "0")) for each in own}
            self._next_format = max([_OWN - 1, *self._known.values()]) + 1

    def variant(self, base: int, number_format: str | None = None, colour: str = "") -> int:
        """The number of a style that is `base` but for its number format or fill."""
        if not self.raw or (number_format is None and not colour):
            return base if self.raw else 0
        wanted = (base, number_format, colour)
        if wanted not in self._made:
            self._made[wanted] = self._add(*wanted)
        return self._made[wanted]

    def _add(self, base: int, number_format: str | None, colour: str) -> int:
        prefix = self._root.prefix
        default = f'<{name_of(prefix, "xf")} numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'.encode()
        xf = self._old[base] if 0 <= base < len(self._old) else default
        tag = re.match(rb"<[^>]*>", xf)
        start = tag[0] if tag else default
        values: dict[str, str | None] = {"quotePrefix": None}
        if number_format is not None:
            values |= {"numFmtId": str(self._format(number_format)), "applyNumberFormat": "1"}
        if colour:
            values |= {"fillId": str(self._fill(colour)), "applyFill": "1"}
        self._xfs.append(with_attributes(start, values) + xf[len(start) :])
        return len(self._old) + len(self._xfs) - 1

    def _format(self, code: str) -> int:
        known = _BUILT_IN.get(code, self._known.get(code, self._formats.get(code)))
        if known is None:
            known = self._formats[code] = self._next_format + len(self._formats)
        return known

    def _fill(self, colour: str) -> int:
        if colour not in self._fills:
            self._fills[colour] = self._old_fills + len(self._fills)
        return self._fills[colour]

    def part(self) -> bytes:
        """The part; the same bytes where nothing was added."""
        if not self._xfs:
            return self.raw
        prefix = self._root.prefix
        edits: list[Edit] = self._grown("cellXfs", b"".join(self._xfs), len(self._old) + len(self._xfs))
        if self._fills:
            solid = b"".join(_fill_xml(prefix, colour) for colour in self._fills)
            edits += self._grown("fills", solid, self._old_fills + len(self._fills))
        if self._formats:
            tag = name_of(prefix, "numFmt")
            lines = [f'<{tag} numFmtId="{at}" formatCode="{attribute(code)}"/>' for code, at in self._formats.items()]
            table = self._root.child("numFmts")
            if table:
                edits += self._grown("numFmts", "".join(lines).encode(), len(table.within) + len(lines))
            else:  # the first child of the root
                around = name_of(prefix, "numFmts")
                xml = f'<{around} count="{len(lines)}">{"".join(lines)}</{around}>'.encode()
                edits.append((self._root.inner, 0, xml))
        return edited(self.raw, edits)

    def _grown(self, name: str, xml: bytes, count: int) -> list[Edit]:
        """The edits that append to a list of the styles and give its new length."""
        table = self._root.child(name)
        if table is None:
            return []
        if table.closes_itself:
            return [appended(self.raw, table, xml)]
        return [set_attributes(self.raw, table, count=str(count)), appended(self.raw, table, xml)]


def _fill_xml(prefix: str, colour: str) -> bytes:
    fill, pattern, front, back = (name_of(prefix, each) for each in ("fill", "patternFill", "fgColor", "bgColor"))
    rgb = "FF" + colour.lstrip("#").upper()
    inside = f'<{front} rgb="{rgb}"/><{back} indexed="64"/>'
    return f'<{fill}><{pattern} patternType="solid">{inside}</{pattern}></{fill}>'.encode()
