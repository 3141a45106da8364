"""Fingerprints of rows and files: the same wherever the row stands, another for any other value."""

import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tests.engine import make
from xltrain.data.fingerprint import as_hex, cell_hashes, file_hash, fingerprints, from_hex, sums


def prints(columns: dict[str, object]) -> list[str]:
    found: list[str] = fingerprints(make.table(columns)).to_pylist()
    return found


def test_fingerprints_are_the_same_on_every_machine() -> None:
    assert prints({"a": [1.0], "b": ["x"]}) == ["cd5020ecba0faa10"]


def test_a_row_keeps_its_fingerprint_wherever_it_stands() -> None:
    one = prints({"a": [1, 2, 3], "b": ["x", "y", None]})
    assert prints({"b": [None, "x"], "a": [3, 1]}) == [one[2], one[0]]
    assert prints({"a": [1.0, 2.5], "b": ["x", "y"], "later": pa.nulls(2)})[0] == one[0]
    assert prints({"a": ["1", "two"], "b": ["x", " x "]})[0] == one[0]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": [1], "b": [2]}, {"a": [2], "b": [1]}),
        ({"a": ["x"], "b": [None]}, {"a": [None], "b": ["x"]}),
        ({"a": [1.0]}, {"a": [1.0000000000000002]}),
        ({"a": ["12"]}, {"a": ["1 2"]}),
        ({"a": [datetime.date(1970, 1, 2)]}, {"a": [1]}),
        ({"a": [0]}, {"a": [None]}),
    ],
    ids=["swapped", "other column", "last digit", "blank", "date", "zero is a value"],
)
def test_another_value_gives_another_fingerprint(one: dict[str, object], other: dict[str, object]) -> None:
    assert prints(one) != prints(other)


def test_ten_thousand_rows_of_small_numbers_have_ten_thousand_fingerprints() -> None:
    grid = np.arange(100)
    a, b = np.meshgrid(grid, grid)
    assert len(set(prints({"a": a.ravel(), "b": b.ravel()}))) == 10_000


def test_the_fingerprint_after_a_correction_follows_from_the_two_values() -> None:
    before, after = (make.table({"a": [value], "b": ["x"]}).data for value in (9999.0, 265.0))
    with np.errstate(over="ignore"):
        step = cell_hashes("a", pa.array([265.0])) - cell_hashes("a", pa.array([9999.0]))
        assert sums(before, ["a", "b"]) + step == sums(after, ["a", "b"])


def test_hex_goes_there_and_back() -> None:
    values = np.array([0, 1, 2**64 - 1, 0xABCDEF], np.uint64)
    shown = as_hex(values).to_pylist()
    assert shown == [f"{value:016x}" for value in values.tolist()]
    assert [from_hex(each) for each in shown] == values.tolist()
    assert from_hex("abc") is None
    assert from_hex("not a fingerprint") is None
    assert as_hex(values[:0]).to_pylist() == []


def test_a_column_that_was_joined_does_not_count() -> None:
    from dataclasses import replace

    plain = make.table({"a": [1, 2]})
    joined = replace(make.table({"a": [1, 2], "b": [3, 4]}), joined={"b": ("mark", "C")})
    assert fingerprints(joined).to_pylist() == fingerprints(plain).to_pylist()


def test_file_hash_is_sha256(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert file_hash(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
