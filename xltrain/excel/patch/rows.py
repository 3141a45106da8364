"""The rows of a sheet, streamed: cells put in where they belong, everything else byte for byte.

Rows and cells are found by the rules of `scan`, so that their numbers agree.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from xltrain.excel.markup import name_of, with_attributes
from xltrain.excel.patch.trace import Trace
from xltrain.place import column_letter, column_number

_ROW_TAG = re.compile(rb"<(?:\w+:)?row\b[^>]*>")
CELL = re.compile(rb"<(?:\w+:)?c\b([^>]*?)(?:/>|>(.*?)</(?:\w+:)?c>)", re.S)
_R = re.compile(rb"(?<![\w:])r\s*=\s*[\"']([A-Za-z]*)([0-9]*)[\"']")
_S = re.compile(rb"(?<![\w:])s\s*=\s*[\"']([0-9]+)[\"']")
_SPANS = re.compile(rb"\bspans\s*=\s*[\"']([0-9]+):([0-9]+)[\"']")
_FILLED = re.compile(rb"<(?:\w+:)?(?:v|f|is)\b")
FORMULA = re.compile(rb"<(?:\w+:)?f\b[^>]*?>")


@dataclass(frozen=True)
class Block:
    """Cells of neighbouring columns that go into one row; blank cells that stand there give way."""

    first: int
    last: int
    xml: bytes


@dataclass(frozen=True)
class OldCell:
    """A cell as it stands: its column, its place in the row's XML, its attributes and what it holds."""

    column: int
    start: int
    end: int
    attributes: bytes
    inner: bytes
    named: bool

    @property
    def filled(self) -> bool:
        return _FILLED.search(self.inner) is not None

    @property
    def style(self) -> int:
        found = _S.search(self.attributes)
        return int(found[1]) if found else 0


class CellChange:
    """Makes the new XML of one cell; `old` is None where there is none, `style` that of its row or column."""

    def made(self, old: OldCell | None, address: str, style: int) -> bytes:
        raise NotImplementedError


@dataclass
class RowWork:
    """What is to be done in one row."""

    blocks: list[Block] = field(default_factory=list)
    cells: dict[int, CellChange] = field(default_factory=dict)


def row_tags(piece: bytes, prefix: str, number: int) -> Iterator[tuple[int, int, int, int, int]]:
    """The rows of a piece of whole rows that follows row `number`: number, start, inner start, inner end, end."""
    close = b"</" + name_of(prefix, "row").encode() + b">"
    at = 0
    while tag := _ROW_TAG.search(piece, at):
        number = row_number(tag[0], number)
        inner = tag.end()
        if tag[0].endswith(b"/>"):
            at = stop = inner
        else:
            stop = piece.find(close, inner)
            if stop < 0:
                return
            at = stop + len(close)
        yield number, tag.start(), inner, stop, at


def rows_of(pieces: Iterable[bytes], prefix: str) -> Iterator[tuple[bytes, int, int, int]]:
    """The rows of a sheet: the piece that one lies in, its number, and where its cells start and end there."""
    last = 0
    for piece in pieces:
        for number, _, inner, stop, _ in row_tags(piece, prefix, last):
            last = number
            yield piece, number, inner, stop


def row_number(tag: bytes, before: int) -> int:
    found = _R.search(tag)
    return int(found[2]) if found and not found[1] and found[2] else before + 1


def old_cells(inner: bytes) -> Iterator[OldCell]:
    """The cells of a row, numbered as `scan` does."""
    column = 0
    for match in CELL.finditer(inner):
        address = _R.search(match[1])
        named = bool(address and address[1])
        column = column_number(address[1].decode("ascii")) if address and named else column + 1
        yield OldCell(column, match.start(), match.end(), match[1], match[2] or b"", named)


def cells_from_end(inner: bytes, prefix: str) -> Iterator[tuple[int, int]]:
    """Column and offset of the cells of a row from its last one back; column 0 for one without an address."""
    start = b"<" + name_of(prefix, "c").encode()
    at = len(inner)
    while (at := inner.rfind(start, 0, at)) >= 0:
        if inner[at + len(start) : at + len(start) + 1] not in (b" ", b">", b"/", b"\n", b"\t", b"\r"):
            continue  # another element whose name begins alike
        end = inner.find(b">", at)
        address = _R.search(inner, at, end)
        yield (column_number(address[1].decode("ascii")) if address and address[1] else 0), at


class Rows:
    """Writes rows with their work done. `styles` gives a column's own style, for cells that did not exist."""

    def __init__(
        self, trace: Trace, prefix: str, work: Iterator[tuple[int, RowWork]], styles: Mapping[int, int]
    ) -> None:
        self._trace, self._prefix, self._work, self._styles = trace, prefix, work, styles
        self._next = next(work, None)
        self._number = 0

    def write(self, pieces: Iterable[bytes]) -> None:
        """All rows of a sheet; those that are missing are made where they belong."""
        for piece in pieces:
            at = 0
            for number, start, inner, stop, end in row_tags(piece, self._prefix, self._number):
                self._number = number
                if self._next is None or number < self._next[0]:
                    continue
                self._trace.keep(piece[at:start])
                at = start
                while self._next and self._next[0] < number:
                    self._make()
                if self._next and self._next[0] == number:
                    self._change(piece[start:inner], piece[inner:stop], piece[stop:end], self._next[1])
                    at = end
                    self._step()
            self._trace.keep(piece[at:])
        while self._next:
            self._make()

    def _step(self) -> None:
        self._next = next(self._work, None)

    def _make(self) -> None:
        """A row that is missing."""
        assert self._next is not None
        number, work = self._next
        body = self._body(b"", work, number, 0)
        if body:
            row = name_of(self._prefix, "row")
            self._trace.change(b"", f'<{row} r="{number}">'.encode() + body + f"</{row}>".encode())
        self._step()

    def _change(self, tag: bytes, inner: bytes, close: bytes, work: RowWork) -> None:
        blocks = [block for block in work.blocks if block.xml]
        if not blocks and not work.cells:
            self._trace.keep(tag + inner + close)
            return
        end = self._append_at(inner, blocks[0].first) if len(blocks) == 1 and not work.cells else -1
        new_tag = self._wider(tag, blocks, work.cells)
        if end < 0:
            new = self._body(inner, work, self._number, self._row_style(tag))
            self._trace.change(tag, new_tag)
            self._replace_body(inner, new, close, tag)
            return
        self._trace.change(tag, new_tag)
        self._trace.keep(inner[:end])
        self._trace.change(b"", blocks[0].xml)
        self._trace.keep(inner[end:])
        self._close(tag, close)

    def _replace_body(self, inner: bytes, new: bytes, close: bytes, tag: bytes) -> None:
        self._trace.replace(inner, new)
        self._close(tag, close)

    def _close(self, tag: bytes, close: bytes) -> None:
        if tag.endswith(b"/>"):
            self._trace.change(b"", f"</{name_of(self._prefix, 'row')}>".encode())
        else:
            self._trace.keep(close)

    def _append_at(self, inner: bytes, first: int) -> int:
        """Where cells can be put right behind the last one; -1 where they belong between others."""
        column, at = next(cells_from_end(inner, self._prefix), (0, -1))
        if at < 0:
            return 0 if not inner.strip() else -1
        if not column or column >= first:
            return -1
        end = inner.index(b">", at) + 1
        if inner[end - 2 : end - 1] == b"/":
            return end
        close = b"</" + name_of(self._prefix, "c").encode() + b">"
        found = inner.find(close, end)
        return found + len(close) if found >= 0 else -1

    def _body(self, inner: bytes, work: RowWork, number: int, row_style: int) -> bytes:
        """The cells of a row with the new ones in column order."""
        items: list[tuple[int, bytes]] = [(block.first, block.xml) for block in work.blocks if block.xml]
        taken = [(block.first, block.last) for block in work.blocks if block.xml]
        rest, last = inner, 0
        waiting = dict(work.cells)
        named = True
        for old in old_cells(inner):
            if last == 0 and old.start:
                items.insert(0, (0, inner[: old.start]))
            last = old.end
            change = waiting.pop(old.column, None)
            if change:
                xml = change.made(old, f"{column_letter(old.column)}{number}", old.style)
                items.append((old.column, xml))
            elif not any(first <= old.column <= end for first, end in taken):
                xml = inner[old.start : old.end]
                if not old.named and (taken or work.cells or not named):
                    xml = _addressed(xml, f"{column_letter(old.column)}{number}")
                items.append((old.column, xml))
        for column, change in waiting.items():
            address = f"{column_letter(column)}{number}"
            items.append((column, change.made(None, address, row_style or self._styles.get(column, 0))))
        rest = inner[last:]
        items.sort(key=lambda item: item[0])
        return b"".join(xml for _, xml in items) + rest

    @staticmethod
    def _row_style(tag: bytes) -> int:
        found = _S.search(tag) if re.search(rb"customFormat\s*=\s*[\"'](?:1|true)", tag) else None
        return int(found[1]) if found else 0

    @staticmethod
    def _wider(tag: bytes, blocks: list[Block], cells: Mapping[int, CellChange]) -> bytes:
        """The row's tag open, its span of columns wide enough."""
        spans = _SPANS.search(tag)
        if spans:
            columns = [*cells, *(block.first for block in blocks), *(block.last for block in blocks)]
            low, high = min(int(spans[1]), *columns), max(int(spans[2]), *columns)
            if (low, high) != (int(spans[1]), int(spans[2])):
                tag = with_attributes(tag, {"spans": f"{low}:{high}"})
        return tag[:-2] + b">" if tag.endswith(b"/>") else tag


def _addressed(xml: bytes, address: str) -> bytes:
    """A cell without an address that gets one, since others come before it."""
    at = re.match(rb"<(?:\w+:)?c", xml)
    assert at is not None
    return xml[: at.end()] + f' r="{address}"'.encode() + xml[at.end() :]
