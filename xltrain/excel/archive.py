"""A zip file copied entry by entry: what does not change keeps its compressed bytes, flags and date."""

import copy
import struct
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import IO

Writer = Callable[[IO[bytes]], None]
Content = bytes | Writer

_ZIP64 = 1
_BLOCK = 1 << 20
LEVEL = 6


def copy_archive(
    source: Path,
    output: Path,
    changed: Mapping[str, Content],
    new: Mapping[str, Content],
    dropped: Iterable[str] = (),
    level: int = LEVEL,
    sizes: Mapping[str, int] | None = None,
) -> None:
    """Copy a zip file. `changed` entries are written anew in their place, `new` ones at the end.

    `sizes` says about how large a changed entry becomes; without it zipfile reckons with twice what it was.

    Raises:
        zipfile.BadZipFile, OSError: the source is broken, or the disk is full.
    """
    gone = set(dropped)
    with zipfile.ZipFile(source) as old, source.open("rb") as raw, output.open("w+b") as target:
        ends = _ends(old)
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as out:
            for info in old.infolist():
                if info.filename in gone:
                    continue
                if info.filename in changed:
                    made = _renewed(info)
                    made._compresslevel = level  # type: ignore[attr-defined]  # not handed on by the archive
                    made.file_size = (sizes or {}).get(info.filename, 2 * info.file_size)
                    _write(out, made, changed[info.filename])
                else:
                    _copy(raw, out, target, info, ends[info.header_offset])
            for name, content in new.items():
                _write(out, _renewed(zipfile.ZipInfo(name)), content)


def _ends(archive: zipfile.ZipFile) -> dict[int, int]:
    """Where the bytes of each entry end: its data and what follows it up to the next entry."""
    starts = sorted({info.header_offset for info in archive.infolist()})
    return dict(zip(starts, [*starts[1:], archive.start_dir], strict=True))


def _renewed(info: zipfile.ZipInfo) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(info.filename, info.date_time)
    made.compress_type = zipfile.ZIP_DEFLATED
    made.external_attr, made.create_system, made.comment = info.external_attr, info.create_system, info.comment
    return made


def _write(out: zipfile.ZipFile, info: zipfile.ZipInfo, content: Content) -> None:
    with out.open(info, "w") as part:
        if isinstance(content, bytes):
            part.write(content)
        else:
            content(part)


def _copy(raw: IO[bytes], out: zipfile.ZipFile, target: IO[bytes], info: zipfile.ZipInfo, end: int) -> None:
    """An entry as it stands, local header and all; the directory is written by zipfile from its own record."""
    made = copy.copy(info)
    target.seek(out.start_dir)
    made.header_offset = target.tell()
    made.extra = _without_zip64(info.extra)
    raw.seek(info.header_offset)
    left = end - info.header_offset
    while left > 0:
        block = raw.read(min(left, _BLOCK))
        if not block:
            raise zipfile.BadZipFile("an entry is cut short")
        target.write(block)
        left -= len(block)
    out.start_dir = target.tell()  # zipfile writes the next entry there
    out.filelist.append(made)
    out.NameToInfo[made.filename] = made


def _without_zip64(extra: bytes) -> bytes:
    """The extra fields without that of long sizes, which zipfile adds by itself where it is needed."""
    kept, at = b"", 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind != _ZIP64:
            kept += extra[at : at + 4 + length]
        at += 4 + length
    return kept + extra[at:]
