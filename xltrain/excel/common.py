"""What all sheets of an .xlsx or .xlsm file share: its strings, and what its cell styles say of numbers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from xltrain.excel.grid import DATE, NUMBER, TIME
from xltrain.excel.scan import Package, is_date_format, plain_text
from xltrain.excel.tags import Bytes, Positions, slices


@dataclass(frozen=True)
class Common:
    """What all sheets of a book share: its strings, and by cell style the kind of a number and its width in digits."""

    strings: "pa.StringArray"
    kinds: Bytes
    digits: Mapping[int, int]


def read_common(package: Package) -> Common:
    """The shared strings and the styles of a book."""
    kinds = [_style_kind(code) for code in package.formats] or [NUMBER]
    digits = {style: len(code) for style, code in enumerate(package.formats) if re.fullmatch("0{2,15}", code)}
    return Common(_strings(package), np.array(kinds, np.uint8), digits)


_QUIET = re.compile(r'"[^"]*"|\\.|\[(?!h+\]|m+\]|s+\])[^\]]*\]|AM/PM|A/P|上午/下午', re.I)


def _style_kind(code: str) -> int:
    """Whether a number of this format is a date, a time (hours, minutes, seconds alone), or a number."""
    if not is_date_format(code):
        return NUMBER
    plain = _QUIET.sub("", code.partition(";")[0])
    time = re.search(r"[hHsS时秒]|\[m+\]", plain) and not re.search("[ydYD年月日]", plain)
    return TIME if time else DATE


def _strings(package: Package) -> "pa.StringArray":
    """The shared strings; by arrays where each is a single text."""
    part = package.related("sharedStrings") or "xl/sharedStrings.xml"
    if part not in package:
        return pa.array([], pa.string())
    raw = package.read(part)
    if len(raw) < 1 << 31 and b"<!" not in raw and b"<rPh" not in raw and b"xmlns:" not in raw[:200]:
        data = np.frombuffer(raw, np.uint8)
        starts = np.flatnonzero(data == ord("<"))
        second, third = data[np.minimum(starts + 1, len(data) - 1)], data[np.minimum(starts + 2, len(data) - 1)]
        items = int(((second == ord("s")) & (third == ord("i"))).sum())
        text_tags = np.flatnonzero((second == ord("t")) & ((third == ord(">")) | (third == ord(" "))))
        if items == len(text_tags) and items and b"<t/>" not in raw:
            return _simple_strings(raw, data, starts, text_tags)
    return pa.array(package.strings, pa.string())


def _simple_strings(raw: bytes, data: Bytes, starts: Positions, text_tags: Positions) -> "pa.StringArray":
    closing = np.flatnonzero(data == ord(">"))
    opened = closing[np.searchsorted(closing, starts[text_tags])] + 1
    ended = np.where(data[opened - 2] == ord("/"), opened, starts[np.minimum(text_tags + 1, len(starts) - 1)])
    found = slices(raw, opened, ended)
    odd = pc.match_substring_regex(found, "&|_x[0-9A-Fa-f]{4}_|\r")
    if pc.any(odd).as_py():
        plain = pa.array([plain_text(word) for word in found.filter(odd).to_pylist()], pa.string())
        found = pc.replace_with_mask(found, odd, plain)
    return found


def days(serials: npt.NDArray[np.float64], date1904: bool) -> npt.NDArray[np.float64]:
    """Date serials as days since 1899-12-30; those up to 60 count a 29 February 1900 that never was."""
    if date1904:
        return serials + 1462.0
    return np.where((serials >= 0) & (serials < 60), serials + 1.0, serials)
