"""One pass over a sheet's XML: the rows asked for, the heights of more, and everything after the rows."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import groupby

from xltrain.excel.scan import Package, Row, rows_in, whole_rows

_START = re.compile(rb"<(?:\w+:)?row\b([^>]*)>")
_NUMBER = re.compile(rb"\br\s*=\s*[\"'](\d+)[\"']")
_SIZED = re.compile(rb"\b(ht|hidden)\s*=\s*[\"']([^\"']*)[\"']")


@dataclass(frozen=True)
class Scanned:
    """XML of whole rows in order, each piece with the number of the row before it; the attributes ht and hidden of the
    rows whose heights were asked for; the XML after the rows; whether the rows have an end.
    """

    pieces: list[tuple[int, bytes]]
    heights: dict[int, dict[str, str]]
    after: bytes
    whole: bool = True

    def rows(self, first: int, last: int, only: Collection[int] | None = None) -> Iterator[Row]:
        """The rows `first` to `last` with their cells; with `only`, those of them."""
        for before, piece in self.pieces:
            starts = list(_starts(piece, before))
            wanted = [first <= number <= last and (only is None or number in only) for number, _, _ in starts]
            ends = [*(at for _, at, _ in starts[1:]), len(piece)]
            for inside, group in groupby(range(len(starts)), wanted.__getitem__):
                if not inside:
                    continue
                indexes = list(group)
                number, at, _ = starts[indexes[0]]
                cut = piece[at : ends[indexes[-1]]]
                yield from (row for row in rows_in(cut, number - 1) if first <= row.number <= last)


def scan_sheet(package: Package, part: str, first: int, last: int, sized: tuple[int, int] | None = None) -> Scanned:
    """Read a sheet once, from its first row to its end.

    Args:
        first: of the rows that are kept.
        last: of the rows that are kept.
        sized: first and last row whose height matters though their cells do not.
    """
    pieces: list[tuple[int, bytes]] = []
    heights: dict[int, dict[str, str]] = {}
    after: list[bytes] = []
    number, end = 0, max(last, sized[1] if sized else 0)
    for piece in whole_rows(package, part, after=after):
        if number >= end:
            continue
        before, number = number, _last(piece, number)
        if number >= first and before < last:
            pieces.append((before, piece))
        if sized and number >= sized[0] and before < sized[1]:
            for row, _, attributes in _starts(piece, before):
                found = {key.decode(): value.decode("ascii", "replace") for key, value in _SIZED.findall(attributes)}
                if found and sized[0] <= row <= sized[1]:
                    heights[row] = found
    rest = b"".join(after)
    close = rest.find(b">") + 1
    return Scanned(pieces, heights, rest[close:], bool(close))


def _starts(piece: bytes, number: int) -> Iterator[tuple[int, int, bytes]]:
    """The rows that begin in a piece: number, position, attributes."""
    for found in _START.finditer(piece):
        given = _NUMBER.search(found[1])
        number = int(given[1]) if given else number + 1
        yield number, found.start(), found[1]


def _last(piece: bytes, number: int) -> int:
    """The number of the last row of a piece."""
    at = piece.rfind(b"row ")
    given = _NUMBER.search(piece[at : piece.find(b">", at)]) if at >= 0 else None
    if given:
        return int(given[1])
    return next((row for row, _, _ in reversed(list(_starts(piece, number)))), number)
