"""What was changed in a part, so that the change can be taken back: bytes kept, bytes put in, bytes taken out."""

import base64
import hashlib
import zlib
from array import array
from collections.abc import Callable, Iterable
from typing import Any

GATHERED = 1 << 18  # bytes written at once


class Trace:
    """Writes a part through `write`, and remembers how to get the original back.

    Both are hashed on the way: what is written, and what stood there.
    """

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self._kept, self._put, self._taken = array("Q"), array("Q"), array("Q")
        self._old: list[bytes] = []
        self._waiting = 0
        self._made, self._original = hashlib.sha256(), hashlib.sha256()
        self._new, self._before = bytearray(), bytearray()  # gathered, since a row gives several small pieces

    def keep(self, piece: bytes) -> None:
        """Bytes that stay."""
        self._new += piece
        self._before += piece
        self._waiting += len(piece)
        if len(self._new) > GATHERED:
            self.flush()

    def flush(self) -> None:
        """Write what was gathered."""
        self._write(bytes(self._new))
        self._made.update(self._new)
        self._original.update(self._before)
        self._new, self._before = bytearray(), bytearray()

    def change(self, old: bytes, new: bytes) -> None:
        """Bytes put in place of others; either may be empty."""
        if old == new:
            self.keep(old)
            return
        self._new += new
        self._before += old
        self._kept.append(self._waiting)
        self._put.append(len(new))
        self._taken.append(len(old))
        if old:
            self._old.append(old)
        self._waiting = 0

    def replace(self, old: bytes, new: bytes) -> None:
        """Bytes put in place of others that begin and end alike: only the middle counts as changed."""
        start = _common(old, new)
        end = _common(old[start:][::-1], new[start:][::-1])
        self.keep(old[:start])
        self.change(old[start : len(old) - end], new[start : len(new) - end])
        self.keep(old[len(old) - end :])

    def record(self) -> dict[str, str]:
        """What `restored` needs, as texts."""
        self.flush()
        words = b"".join(each.tobytes() for each in (self._kept, self._put, self._taken))
        return {
            "made": self._made.hexdigest(),
            "original": self._original.hexdigest(),
            "changes": _packed(words),
            "old": _packed(b"".join(self._old)),
        }


def restored(pieces: Iterable[bytes], record: dict[str, Any], write: Callable[[bytes], object]) -> bool:
    """Write the original of a part from the changed one; whether both are what they were."""
    words = array("Q")
    words.frombytes(_unpacked(record["changes"]))
    count = len(words) // 3
    old, at = _unpacked(record["old"]), 0
    made, original = hashlib.sha256(), hashlib.sha256()

    def emit(piece: bytes) -> None:
        write(piece)
        original.update(piece)

    source = _Source(pieces, made.update)
    for index in range(count):
        source.copy(words[index], emit)
        source.copy(words[count + index], None)
        taken = words[2 * count + index]
        if taken:
            emit(old[at : at + taken])
            at += taken
    source.copy(1 << 62, emit)
    return (made.hexdigest(), original.hexdigest()) == (record["made"], record["original"])


class _Source:
    """Pieces of a part, taken by length."""

    def __init__(self, pieces: Iterable[bytes], seen: Callable[[bytes], None]) -> None:
        self._pieces, self._seen = iter(pieces), seen
        self._piece, self._at = b"", 0

    def copy(self, length: int, emit: Callable[[bytes], None] | None) -> None:
        while length > 0:
            if self._at == len(self._piece):
                self._piece, self._at = next(self._pieces, b""), 0
                if not self._piece:
                    return
                self._seen(self._piece)
            part = self._piece[self._at : self._at + length]
            self._at += len(part)
            length -= len(part)
            if emit:
                emit(part)


def _common(one: bytes, other: bytes) -> int:
    """How many bytes two texts begin with alike."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[:middle] == other[:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _packed(raw: bytes) -> str:
    return base64.b64encode(zlib.compress(raw, 9)).decode("ascii")


def _unpacked(words: str) -> bytes:
    return zlib.decompress(base64.b64decode(words))
