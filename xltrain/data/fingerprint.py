"""A short name for what a row or a file holds, the same in every run and on every machine.

A row's fingerprint is the sum of one 64-bit number per filled cell, made of the column's name and the value. So it does
not depend on the order of columns, on a column that came later and is empty here, or on the type that the column took
from other rows (5, 5.0 and '5' are the same); and the fingerprint that a row has after one cell was corrected follows
from the two values alone.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from xltrain.data.duplicates import mixed, text_hashes
from xltrain.data.table import Table
from xltrain.data.values import numbers, words

Hashes = npt.NDArray[np.uint64]


def fingerprints(table: Table) -> pa.Array:
    """16 hex digits for each row, over its own values: columns that came by a join do not count.

    A table that decisions were applied to keeps the fingerprints of its rows as they were read.
    """
    if table.fingerprint is not None:
        return table.fingerprint
    return as_hex(sums(table.data, [name for name in table.names if name not in table.joined]))


def file_hash(path: Path) -> str:
    """SHA-256 of a file, as hex digits. OSError where it cannot be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sums(data: pa.Table, names: Iterable[str]) -> Hashes:
    """The fingerprint of each row over these columns, as a number: shape (rows,)."""
    found = np.zeros(data.num_rows, np.uint64)
    with np.errstate(over="ignore"):
        for name in names:
            found += cell_hashes(name, data.column(name))
    return found


def cell_hashes(name: str, values: Any) -> Hashes:
    """What each cell of a column adds to the fingerprint of its row, 0 where it is empty: shape (rows,)."""
    plain = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    if isinstance(plain, pa.ChunkedArray):
        plain = pa.concat_arrays(plain.chunks) if plain.num_chunks else pa.nulls(0, plain.type)
    salt = text_hashes(pa.array([name], pa.string()))[0]
    return _salted(plain, salt)


def as_hex(values: Hashes) -> pa.Array:
    """Numbers as 16 hex digits each, without a Python object for any."""
    octets = values.astype(">u8").view(np.uint8)
    digits = np.empty(2 * len(octets), np.uint8)
    digits[0::2], digits[1::2] = octets >> 4, octets & 15
    signs = np.frombuffer(b"0123456789abcdef", np.uint8)[digits]
    offsets = np.arange(0, 16 * len(values) + 1, 16, dtype=np.int32)
    return pa.StringArray.from_buffers(len(values), pa.py_buffer(offsets), pa.py_buffer(signs))


def from_hex(fingerprint: str) -> int | None:
    """The number behind 16 hex digits; None where the text is no fingerprint."""
    try:
        return int(fingerprint, 16) if len(fingerprint) == 16 else None
    except ValueError:
        return None


def _salted(column: Any, salt: np.uint64) -> Hashes:
    kind = column.type
    if pa.types.is_null(kind):
        return np.zeros(len(column), np.uint64)
    if pa.types.is_dictionary(kind):
        column, kind = column.dictionary_decode(), kind.value_type
    number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
    if number or pa.types.is_temporal(kind) or pa.types.is_decimal(kind):
        if pa.types.is_temporal(kind):
            salt = salt ^ np.uint64(0x7E3A)  # a date is not the number of its days
        return _of_numbers(numbers(column), salt)
    coded = column.dictionary_encode()
    told = words(coded.dictionary)
    known = np.asarray(told.is_valid().to_numpy(zero_copy_only=False), bool)
    of_texts = np.where(known, mixed(text_hashes(pc.fill_null(told, "")) ^ salt), np.uint64(0))
    values = numbers(told)
    of_texts = np.where(np.isnan(values), of_texts, _of_numbers(values, salt))
    codes = np.asarray(coded.indices.fill_null(-1).to_numpy(zero_copy_only=False), np.int64)
    found: Hashes = np.append(of_texts, np.uint64(0))[codes]
    return found


def _of_numbers(values: npt.NDArray[np.float64], salt: np.uint64) -> Hashes:
    plain = values + 0.0  # no minus zero
    return np.where(np.isnan(plain), np.uint64(0), mixed(plain.view(np.uint64) ^ salt))
