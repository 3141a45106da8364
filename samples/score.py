"""How many of the planted wrong values a fit found: `python -m samples.score demo/results/samples.parquet`.

Prints the share of the planted rows that are among the 120 worst out-of-fold losses.
"""

import csv
import re
import sys
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

WORST = 120


def found(ledger: Path, worst: int = WORST) -> tuple[int, int]:
    """(planted rows among the `worst` out-of-fold losses, planted rows in all)."""
    with (Path(__file__).resolve().parent / "planted.csv").open(encoding="utf-8-sig", newline="") as file:
        planted = {(row["file"], int(re.sub("[A-Z]", "", row["cell"]))) for row in csv.DictReader(file)}
    table = pq.read_table(ledger, columns=["file", "row", "loss"])
    table = table.filter(pc.is_finite(table["loss"])).sort_by([("loss", "descending")]).slice(0, worst)
    files = [name.rpartition("/")[2] for name in table["file"].to_pylist()]
    return len(planted & set(zip(files, table["row"].to_pylist(), strict=True))), len(planted)


if __name__ == "__main__":
    hits, total = found(Path(sys.argv[1]))
    print(
        f"{hits} of the {total} planted wrong rows ({hits / total:.0%}) are among the {WORST} worst out-of-fold losses"
    )
