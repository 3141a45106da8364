"""The bulk rows of a results workbook against plain XlsxWriter: the same million samples of eight columns in one run.

    python -m tests.bench.report            about four minutes
    python -m tests.bench.report --quick    a tenth of the rows

Every contender is a fresh process that makes the same columns with numpy and writes them to one sheet under the same
headers with the same number formats; they run turn by turn and the best turn of each counts. The clock runs while the
workbook is written; memory is the most that the process held, above what it held when the columns were there.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROWS = 1_000_000
TURNS = 2
HEADERS = ("rank", "place", "fold", "target", "prediction", "difference", "loss", "kind")
FORMATS = {"target": "#,##0.00", "prediction": "#,##0.00", "difference": "#,##0.00", "loss": "0.0000"}


def main(rows: int = ROWS, turns: int = TURNS) -> None:
    """Measure and print the table."""
    found: dict[str, list[tuple[float, float, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(turns):
            for name in CONTENDERS:
                found.setdefault(name, []).append(_run(name, rows, Path(folder) / "a.xlsx"))
    best = {name: tuple(map(min, zip(*each, strict=True))) for name, each in found.items()}
    ours = best["xltrain"]
    print(f"\n{rows:,} samples x {len(HEADERS)} columns\n")
    print("| | seconds | times xltrain | memory above the data, MB | file, MB |")
    print("|---|---:|---:|---:|---:|")
    for name, (seconds, memory, size) in best.items():
        print(f"| {name} | {seconds:.1f} | {seconds / ours[0]:.1f} | {memory:,.0f} | {size:.0f} |")


def _run(name: str, rows: int, path: Path) -> tuple[float, float, float]:
    command = [sys.executable, "-m", "tests.bench.report", "--contender", name, "--rows", str(rows), str(path)]
    told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return told["seconds"], told["memory"], path.stat().st_size / 1e6


def _columns(rows: int) -> dict[str, Any]:
    """The columns as a fit has them: numpy numbers, Arrow texts."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    rng = np.random.default_rng(0)
    target = rng.gamma(2.0, 200.0, rows).round(2)
    prediction = target + rng.normal(0, 40, rows)
    number = pc.cast(pa.array(np.arange(2, rows + 2)), pa.string())
    place = pc.binary_join_element_wise("branches/north & south.xlsx!2024-05!F", number, "")
    kind = pa.array(["retail", "online", "批发"]).take(pa.array(rng.integers(0, 3, rows)))
    return {
        "rank": np.arange(1, rows + 1),
        "place": place,
        "fold": rng.integers(1, 6, rows),
        "target": target,
        "prediction": prediction,
        "difference": target - prediction,
        "loss": np.square(target - prediction) / 1e4,
        "kind": kind,
    }


def _xltrain(path: Path, columns: dict[str, Any]) -> None:
    from xltrain.excel.bulk import cells_of
    from xltrain.excel.write import new_book

    with new_book(path) as book:
        sheet = book.sheet("Samples")
        rows = len(columns["rank"])
        sheet.table(0, 0, HEADERS, rows, "Samples", bulk=True)
        sheet.bulk(1, [cells_of(columns[name], book.style(num_format=FORMATS.get(name, ""))) for name in HEADERS])


def _xlsxwriter(path: Path, columns: dict[str, Any]) -> None:
    import xlsxwriter

    with xlsxwriter.Workbook(str(path), {"constant_memory": True}) as book:
        sheet = book.add_worksheet("Samples")
        styles = [book.add_format({"num_format": FORMATS.get(name, "")}) for name in HEADERS]
        for column, name in enumerate(HEADERS):
            sheet.write_string(0, column, name)
        for row, values in enumerate(_pieces(columns), 1):
            for column, value in enumerate(values):
                if isinstance(value, str):
                    sheet.write_string(row, column, value, styles[column])
                else:
                    sheet.write_number(row, column, value, styles[column])


def _pieces(columns: dict[str, Any], rows: int = 10_000) -> "Iterator[tuple[Any, ...]]":
    """Row after row, made into Python objects some thousand at a time."""
    for start in range(0, len(columns["rank"]), rows):
        parts = [columns[name][start : start + rows] for name in HEADERS]
        yield from zip(
            *(part.to_pylist() if hasattr(part, "to_pylist") else part.tolist() for part in parts), strict=True
        )


CONTENDERS: "dict[str, Callable[[Path, dict[str, Any]], None]]" = {
    "xltrain": _xltrain,
    "XlsxWriter, constant_memory": _xlsxwriter,
}


def _contend(name: str, rows: int, path: Path) -> None:
    import xlsxwriter  # noqa: F401  (what both import is no part of the race)

    import xltrain.excel.bulk
    import xltrain.excel.write  # noqa: F401

    columns = _columns(rows)
    before, began = _peak(), time.perf_counter()
    CONTENDERS[name](path, columns)
    print(json.dumps({"seconds": time.perf_counter() - began, "memory": _peak() - before}))


def _peak() -> float:
    """The most memory that this process has held, in MB."""
    import psutil

    used = psutil.Process().memory_info()
    try:
        import resource
    except ImportError:  # Windows
        return float(used.peak_wset) / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--rows", type=int, default=0)
    parser.add_argument("--contender", default="", help=argparse.SUPPRESS)
    parser.add_argument("path", nargs="?", default="", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.contender:
        _contend(given.contender, given.rows, Path(given.path))
    else:
        main(given.rows or (ROWS // 10 if given.quick else ROWS), given.turns)
