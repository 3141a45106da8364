"""Image parts as something an SVG can hold: no larger than it will be seen, and known to be whole."""

import base64
import io
import re
import struct
import warnings
import zlib
from functools import lru_cache
from typing import TYPE_CHECKING

from xltrain.language import text

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

MOST_PIXELS = 60_000_000
MOST_BYTES = 40 << 20
SHARPEST = 4  # pixels to one at 96 dpi; more of a photo is left out
_AS_THEY_ARE = {"PNG": "png", "JPEG": "jpeg", "GIF": "gif", "WEBP": "webp"}
_MODES = ("1", "L", "LA", "P", "RGB", "RGBA")  # that every painter knows


class Undrawable(Exception):  # noqa: N818 - caught where the frame is drawn instead
    """An image that cannot be drawn; its text says why in a word: a format, or its size."""


@lru_cache(maxsize=8)  # the same logo often stands many times on a sheet
def data_uri(content: bytes, width: float = 0, height: float = 0) -> str:
    """An image as a data URI.

    Args:
        width: that it will be drawn at, in pixels at 96 dpi; 0 keeps all its pixels.
        height: likewise.

    Raises:
        Undrawable: the format is not known, the image is damaged, or it says that it has too many pixels.
    """
    if len(content) > MOST_BYTES:
        raise Undrawable(f"{len(content) >> 20} MB")
    if not content:
        raise Undrawable(text("shot_image_empty"))
    from PIL import Image

    kind = _name(content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of sizes, which are looked at below, and of odd metadata
            with Image.open(io.BytesIO(content)) as image:
                return _taken(image, content, width, height)
    except Undrawable:
        raise
    except Image.DecompressionBombError as error:
        count = re.search(r"\((\d+) pixels", str(error))
        raise Undrawable(text("shot_image_large", count=count[1] if count else f"> {MOST_PIXELS}")) from error
    except MemoryError:
        raise
    except Exception as error:  # a reader of images meets damage in as many ways as there are formats
        raise Undrawable(kind or text("shot_image_damaged" if _known(content) else "shot_image_unknown")) from error


def _taken(image: "Image", content: bytes, width: float, height: float) -> str:
    """An open image, read to its end so that damage shows."""
    across, down = image.size
    if not (across and down) or across * down > MOST_PIXELS:
        raise Undrawable(f"{across} x {down}")
    kind = _AS_THEY_ARE.get(image.format or "", "")
    most = (round(width * SHARPEST), round(height * SHARPEST)) if width and height else image.size
    smaller = across > 2 * most[0] and down > 2 * most[1]
    if smaller:
        image.draft(None, most)  # a photo is decoded at a fraction of its size
    image.load()
    if smaller:
        found = image if image.mode in ("L", "RGB", "RGBA") else image.convert("RGBA")
        return _png(found.resize((max(1, most[0]), max(1, most[1])), reducing_gap=2.0))
    if kind and (image.mode in _MODES or kind == "png"):
        return f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"
    clear = image.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in image.info
    return _png(image.convert("RGBA" if clear else "RGB"))


def _png(image: "Image") -> str:
    done = io.BytesIO()
    image.save(done, "PNG", compress_level=3)
    return f"data:image/png;base64,{base64.b64encode(done.getvalue()).decode('ascii')}"


def _known(content: bytes) -> bool:
    """Whether a file begins like an image that is drawn where it is whole."""
    starts = (b"\x89PNG", b"GIF8", b"\xff\xd8\xff", b"RIFF", b"BM", b"II*\0", b"MM\0*")
    return content.startswith(starts)


def _name(content: bytes) -> str:
    """The name of a format that is never drawn."""
    if content[:4] == b"\x01\x00\x00\x00" and content[40:44] == b" EMF":
        return "EMF"
    if content[:4] == b"\xd7\xcd\xc6\x9a" or content[:4] == b"\x01\x00\x09\x00":
        return "WMF"
    if b"<svg" in content[:1000]:
        return "SVG"
    return ""


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
