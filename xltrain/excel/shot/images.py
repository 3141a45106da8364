"""Image parts as something an SVG can hold: PNG, JPEG, GIF and WebP as they are, plain BMP as PNG; others not."""

import base64
import struct
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

MOST_PIXELS = 60_000_000
MOST_BYTES = 40 << 20


class Undrawable(Exception):  # noqa: N818 - caught where the frame is drawn instead
    """An image that cannot be drawn; its text says why in a word: a format, or its size."""


def data_uri(content: bytes) -> str:
    """An image as a data URI.

    Raises:
        Undrawable: the format is not known, the image is damaged, or it says that it has too many pixels.
    """
    if len(content) > MOST_BYTES:
        raise Undrawable(f"{len(content) >> 20} MB")
    if content[:2] == b"BM":
        content = _from_bmp(content)
    kind, width, height = _size(content)
    if not (width and height) or width * height > MOST_PIXELS:
        raise Undrawable(f"{width} x {height}")
    return f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"


def _size(content: bytes) -> tuple[str, int, int]:
    """The format, and the width and height that the file claims."""
    try:
        if content[:8] == b"\x89PNG\r\n\x1a\n":
            return "png", *struct.unpack(">II", content[16:24])
        if content[:6] in (b"GIF87a", b"GIF89a"):
            return "gif", *struct.unpack("<HH", content[6:10])
        if content[:3] == b"\xff\xd8\xff":
            return "jpeg", *_jpeg(content)
        if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
            return "webp", 1, 1
    except (struct.error, IndexError):
        raise Undrawable("damaged") from None
    raise Undrawable(_name(content))


def _jpeg(content: bytes) -> tuple[int, int]:
    at = 2
    while at < len(content):
        if content[at] != 0xFF:
            at += 1
            continue
        kind = content[at + 1]
        if kind == 0xFF or 0xD0 <= kind <= 0xD8 or kind == 0x01:
            at += 1 if kind == 0xFF else 2
            continue
        if 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", content[at + 5 : at + 9])
            return width, height
        at += 2 + struct.unpack(">H", content[at + 2 : at + 4])[0]
    raise Undrawable("damaged")


def _name(content: bytes) -> str:
    """What an undrawable file seems to be."""
    if content[:4] == b"\x01\x00\x00\x00" and content[40:44] == b" EMF":
        return "EMF"
    if content[:4] == b"\xd7\xcd\xc6\x9a" or content[:4] == b"\x01\x00\x09\x00":
        return "WMF"
    if content[:4] in (b"II*\x00", b"MM\x00*"):
        return "TIFF"
    if b"<svg" in content[:1000]:
        return "SVG"
    return "?"


def _from_bmp(content: bytes) -> bytes:
    """An uncompressed bitmap of 8, 24 or 32 bits as PNG."""
    try:
        start, header, width, height = struct.unpack("<IIii", content[10:26])
        bits, packing = struct.unpack("<HI", content[28:34])
    except struct.error:
        raise Undrawable("damaged") from None
    upwards, height = height > 0, abs(height)
    if packing not in (0, 3) or bits not in (8, 24, 32) or width <= 0 or width * height > MOST_PIXELS:
        raise Undrawable("BMP")
    import numpy as np

    stride = (width * bits // 8 + 3) // 4 * 4
    if len(content) < start + stride * height:
        raise Undrawable("damaged")
    lines = np.frombuffer(content, np.uint8, stride * height, start).reshape(height, stride)
    if bits == 8:
        table = np.frombuffer(content, np.uint8, len(content) - 14 - header, 14 + header)[:1024]
        colours = np.zeros((256, 4), np.uint8)
        count = min(256, (start - 14 - header) // 4)
        colours[:count] = table[: count * 4].reshape(count, 4)
        pixels = colours[lines[:, :width]][:, :, 2::-1]
    else:
        pixels = lines[:, : width * bits // 8].reshape(height, width, bits // 8)[:, :, 2::-1]
    if upwards:
        pixels = pixels[::-1]
    return png(pixels)


def png(pixels: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]") -> bytes:
    """Pixels (height, width, 3), uint8, as PNG."""
    import numpy as np

    height, width, _ = pixels.shape
    body = np.zeros((height, 1 + width * 3), np.uint8)
    body[:, 1:] = pixels.reshape(height, width * 3)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(body.tobytes(), 3)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in parts
    )
