"""Fail unless the demo's workbook opens, holds its sheets, and its pictures are really there."""

import struct
import sys
import zipfile
from pathlib import Path

import openpyxl
import pyarrow.parquet as pq

from samples.score import WORST, found
from xltrain.language import canonical

SHEETS = ("Summary", "Leaderboard", "Curves", "Samples", "Diagnostics", "Merge report", "Dropped and changed")
SHEETS += ("Suspects", "Slices", "Importance", "Data", "Pictures", "Job", "Sources", "Columns", "Runs", "Shots")
RUNS = 6


def main(path: Path) -> None:
    book = openpyxl.load_workbook(path)
    sheets = {canonical(name): book[name] for name in book.sheetnames}
    missing = [name for name in SHEETS if name not in sheets]
    assert not missing, f"the workbook lacks {missing}; it has {list(sheets)}"
    assert sheets["Summary"]._charts, "Summary shows no chart"
    assert sheets["Curves"]._charts, "Curves shows no chart"
    with zipfile.ZipFile(path) as parts:
        held = [name for name in parts.namelist() if name.startswith("xl/media/")]
    assert len(held) >= 3, "Pictures holds no pictures"
    assert sheets["Samples"].max_row > 5_000, "Samples is short of rows"
    assert sheets["Runs"].max_row >= RUNS + 1
    beside = path.with_suffix("")
    assert pq.read_metadata(beside / "samples.parquet").num_rows > 5_000
    assert (beside / "model.safetensors").stat().st_size > 10_000
    pictures = sorted(beside.rglob("*.png"))
    assert len(pictures) >= 3, f"only {len(pictures)} pictures in {beside}"
    for picture in pictures:
        data = picture.read_bytes()
        width, height = struct.unpack(">II", data[16:24])
        assert data[:8] == b"\x89PNG\r\n\x1a\n", f"{picture} is not a PNG"
        assert min(width / 2, height, len(data) / 50) > 100, f"{picture} looks empty"
    hits, total = found(beside / "samples.parquet")
    assert hits >= 0.7 * total, f"only {hits} of {total} planted rows are among the {WORST} worst"
    print(f"the demo's workbook holds {len(sheets)} sheets, {len(pictures)} pictures; {hits} of {total} planted found")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
