"""A small reader of PNG files, so that tests look at what was really drawn."""

import struct
import zlib
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Pixels:
    """Colours (height, width, 3) from 0 to 255, and dots per metre (0: not said)."""

    colours: np.ndarray
    per_metre: int

    def at(self, x: float, y: float, scale: float = 2.0) -> str:
        """The colour at a point given in pixels at 96 dpi, as #RRGGBB."""
        return "#" + "".join(f"{part:02X}" for part in self.colours[int(y * scale), int(x * scale)])

    def dark(self, left: float, top: float, right: float, bottom: float, scale: float = 2.0) -> int:
        """How many pixels of a box are dark."""
        box = self.colours[int(top * scale) : int(bottom * scale), int(left * scale) : int(right * scale)]
        return int((box.mean(axis=2) < 110).sum())


def read_png(content: bytes) -> Pixels:
    """An 8-bit RGB or RGBA picture without interlacing."""
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    at, packed, width, height, channels, dots = 8, b"", 0, 0, 0, 0
    while at < len(content):
        length, kind = struct.unpack(">I4s", content[at : at + 8])
        body = content[at + 8 : at + 8 + length]
        assert struct.unpack(">I", content[at + 8 + length : at + 12 + length])[0] == zlib.crc32(kind + body)
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", body[:10])
            assert depth == 8
            channels = {2: 3, 6: 4}[colour]
        elif kind == b"pHYs":
            dots = struct.unpack(">I", body[:4])[0]
        elif kind == b"IDAT":
            packed += body
        at += 12 + length
    lines = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(height, 1 + width * channels)
    return Pixels(_unfiltered(lines, channels).reshape(height, width, channels)[:, :, :3], dots)


def _unfiltered(lines: np.ndarray, step: int) -> np.ndarray:
    done = np.zeros((len(lines), lines.shape[1] - 1), np.uint8)
    above = np.zeros(lines.shape[1] - 1, np.uint8)
    for number, line in enumerate(lines):
        kind, body = int(line[0]), line[1:]
        if kind == 0:
            above = body
        elif kind == 1:
            above = np.cumsum(body.reshape(-1, step), axis=0, dtype=np.uint8).reshape(-1)
        elif kind == 2:
            above = body + above
        else:
            above = _slowly(kind, body.tolist(), above.tolist(), step)
        done[number] = above
    return done


def _slowly(kind: int, body: list[int], above: list[int], step: int) -> np.ndarray:
    found: list[int] = []
    for index, value in enumerate(body):
        left = found[index - step] if index >= step else 0
        corner = above[index - step] if index >= step else 0
        if kind == 3:
            guess = (left + above[index]) // 2
        else:
            sum_of = left + above[index] - corner
            guess = min((left, above[index], corner), key=lambda each: abs(sum_of - each))
        found.append((value + guess) & 255)
    return np.array(found, np.uint8)
