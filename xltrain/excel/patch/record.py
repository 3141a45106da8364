"""What is kept inside a copy to take the changes back: a part of custom XML, which Excel carries along unread."""

import base64
import hashlib
import html
import json
import uuid
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from xltrain.excel.markup import outline
from xltrain.excel.patch.comments import SIGN
from xltrain.excel.patch.parts import ParseError, Parts
from xltrain.excel.scan import Package

_SPACE = "urn:xltrain:patch:1"
_MARK = b"urn:xltrain:patch:"
_MOST_READ = 1 << 20
_DATASTORE = "http://schemas.openxmlformats.org/officeDocument/2006/customXml"
_PROPERTIES_TYPE = "application/vnd.openxmlformats-officedocument.customXmlProperties+xml"
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


def reserve(parts: Parts) -> str:
    """Make the place of the record: its relationships and properties; gives the name of its part."""
    part = parts.free_name("customXml/item{}.xml")
    parts.new[part] = b""
    number = part.removeprefix("customXml/item").removesuffix(".xml")
    parts.relate(parts.book, "customXml", part)
    properties = f"customXml/itemProps{number}.xml"
    parts.relate(part, "customXmlProps", properties)
    own = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{_SPACE}/{number}")).upper()
    schemas = f'<ds:schemaRefs><ds:schemaRef ds:uri="{_SPACE}"/></ds:schemaRefs>'
    xml = f'{_XML}<ds:datastoreItem ds:itemID="{{{own}}}" xmlns:ds="{_DATASTORE}">{schemas}</ds:datastoreItem>'
    parts.write(properties, xml.encode())
    parts.declare(properties, _PROPERTIES_TYPE)
    return part


def record_xml(record: Mapping[str, Any]) -> bytes:
    words = html.escape(json.dumps(record, ensure_ascii=False, separators=(",", ":")), quote=False)
    return f'{_XML}<patch xmlns="{_SPACE}">{words}</patch>'.encode()


def records_in(package: Package, parts: Parts) -> list[tuple[str, dict[str, Any]]]:
    """The records inside a workbook, newest first: part and content."""
    found = []
    for kind, target in (*package.relations(parts.book).values(), *package.relations("").values()):
        part = target.removeprefix("../")  # as LibreOffice writes it, which hangs it on the package
        if kind != "customXml" or part not in parts:
            continue
        raw = parts.read(part)
        if _MARK in raw[:400]:
            try:
                found.append((part, dict(json.loads(outline(raw).text))))
            except (ParseError, ValueError):
                continue
    return sorted(found, key=lambda each: int(each[1].get("number", 0)), reverse=True)


def copy_kind(path: Path) -> str:
    """What `patch_book` made a workbook into: `annotated` where it added columns, by its record or the notes on
    headers, `changed` for any other copy of it, else empty: quick, never raises.
    """
    with suppress(OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError, zlib.error):
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                told = {_tells(archive, name) for name in archive.namelist()}
            return next((kind for kind in ("annotated", "changed") if kind in told), "")
    return ""


def _tells(archive: zipfile.ZipFile, name: str) -> str:
    """What a part says: it is a record, or holds the note of an added column (which may have outlived its record)."""
    plain = name.lstrip("/").casefold()
    if not plain.endswith(".xml") or not plain.startswith(("customxml/item", "xl/comments")):
        return ""
    with archive.open(name) as part:
        start = part.read(_MOST_READ)
    if (_MARK in start and b'"columns":[{' in start) or SIGN.encode() in start:
        return "annotated"
    return "changed" if _MARK in start[:400] and b'"number"' in start else ""


def entries_digest(path: Path, without: Iterable[str] = ()) -> str:
    """One hash over the names, sizes and checksums of a zip file's entries, whatever their order."""
    skipped = set(without)
    with zipfile.ZipFile(path) as archive:
        lines = sorted(f"{info.filename}\0{info.CRC}\0{info.file_size}" for info in archive.infolist())
    kept = [line for line in lines if line.partition("\0")[0] not in skipped]
    return hashlib.sha256("\n".join(kept).encode()).hexdigest()


def packed(raw: bytes) -> str:
    return base64.b64encode(zlib.compress(raw, 9)).decode("ascii")


def unpacked(words: str) -> bytes:
    return zlib.decompress(base64.b64decode(words))
