"""Texts as hashed character n-grams: the same numbers in every run and on every machine."""

import unicodedata
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from xltrain.data.values import words

Singles = npt.NDArray[np.float32]

_PRIME, _START = np.uint64(0x100000001B3), np.uint64(0xCBF29CE484222325)  # FNV-1a
_MIX = np.uint64(0xFF51AFD7ED558CCD)  # MurmurHash3, so that the low bits depend on every character
_CHUNK = 1 << 20  # numbers worked on at a time, roughly
_BLANK = 32


def write_grams(out: Singles, values: object, buckets: int, longest: int) -> npt.NDArray[np.bool_]:
    """Write the features of each row into `out` (rows, buckets); True where a row has no text."""
    coded = words(values).dictionary_encode()
    codes = np.array(pc.fill_null(coded.indices, -1).to_numpy(zero_copy_only=False), np.int64)
    texts = [clean(each) for each in coded.dictionary.to_pylist()]
    order, starts = np.argsort(codes, kind="stable"), np.zeros(len(texts) + 1, np.int64)
    starts[1:] = np.cumsum(np.bincount(codes[codes >= 0], minlength=len(texts)))
    starts += int((codes < 0).sum())
    first = 0
    for last in _cuts([len(each) + buckets // 4 for each in texts]):
        found = grams(texts[first:last], buckets, longest)
        rows = order[starts[first] : starts[last]]
        out[rows] = found[codes[rows] - first]
        first = last
    return codes < 0


def clean(said: str) -> str:
    """One width, one case, single blanks, and a blank at each end that marks where words begin and end."""
    return f" {' '.join(unicodedata.normalize('NFKC', said).casefold().split())} "


def grams(texts: Sequence[str], buckets: int, longest: int) -> Singles:
    """Counts of the n-grams of clean texts by bucket, each row of length 1: (texts, buckets)."""
    points = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), "<u4").astype(np.uint64)
    owner = np.repeat(np.arange(len(texts)), [len(each) for each in texts])
    counts = np.zeros(len(texts) * buckets)
    for size in range(1, longest + 1):
        found = _hashes(points, size)
        last = len(points) - size + 1
        inside = owner[: max(last, 0)] == owner[size - 1 :]
        if size == 1:
            inside &= points != _BLANK
        place = owner[: max(last, 0)][inside] * buckets + (found[inside] % np.uint64(buckets)).astype(np.int64)
        counts += np.bincount(place, minlength=len(counts))
    rows = counts.reshape(len(texts), buckets)
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12), np.float32)


def _hashes(points: npt.NDArray[np.uint64], size: int) -> npt.NDArray[np.uint64]:
    """A 64-bit hash of every piece of `size` characters in a row."""
    count = max(len(points) - size + 1, 0)
    found = np.full(count, _START + np.uint64(size))
    for shift in range(size):
        found = (found ^ points[shift : shift + count]) * _PRIME
    found ^= found >> np.uint64(33)
    found *= _MIX
    return found ^ (found >> np.uint64(33))


def _cuts(costs: Sequence[int]) -> list[int]:
    """Where to cut a list of texts so that no stretch costs much more than a chunk."""
    if not costs:
        return []
    total = np.cumsum(costs)
    ends = np.searchsorted(total, np.arange(_CHUNK, total[-1] + _CHUNK, _CHUNK), side="left") + 1
    return sorted({min(int(end), len(costs)) for end in ends} | {len(costs)})
