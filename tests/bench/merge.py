"""`merge` against pandas.read_excel with openpyxl, with calamine, and polars: the same books to Parquet in one run."""

import contextlib
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import xlsxwriter

BOOKS, ROWS, COLUMNS = 8, 5_000, 12
REPEATS = 3


def main(books: int = BOOKS, rows: int = ROWS) -> None:
    with tempfile.TemporaryDirectory() as folder:
        paths = [_write(Path(folder) / f"{number}.xlsx", rows, number) for number in range(books)]
        runs = {
            "xltrain merge": _xltrain,
            "pandas, openpyxl": _pandas("openpyxl"),
            "pandas, calamine": _pandas("calamine"),
        }
        with contextlib.suppress(ImportError):
            import polars  # noqa: F401

            runs["polars"] = _polars
        seconds = {name: _median(run, paths, 1 if "openpyxl" in name else REPEATS) for name, run in runs.items()}
    base = seconds["xltrain merge"]
    print(f"\nmerge: {books} workbooks x {rows:,} rows x {COLUMNS} columns to Parquet")
    print(f"{'':<20}{'seconds':>10}{'rows/s':>12}{'times xltrain':>15}")
    for name, taken in seconds.items():
        print(f"{name:<20}{taken:>10.2f}{books * rows / taken:>12,.0f}{taken / base:>15.2f}")


def _write(path: Path, rows: int, seed: int) -> Path:
    """Half numbers, a third text, one date, with a title row: what a person's book looks like."""
    rng = np.random.default_rng(seed)
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        sheet = book.add_worksheet("Data")
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_row(0, 0, ["date", *(f"n{index}" for index in range(7)), *(f"t{index}" for index in range(4))])
        numbers = rng.normal(100, 30, (rows, 7)).round(2)
        texts = rng.integers(0, 500, (rows, 4))
        for row in range(rows):
            sheet.write_number(row + 1, 0, 45_000 + row % 365, day)
            for column in range(7):
                sheet.write_number(row + 1, column + 1, numbers[row, column])
            for column in range(4):
                sheet.write_string(row + 1, column + 8, f"text {texts[row, column]}")
    return path


def _xltrain(paths: list[Path], output: Path) -> None:
    from xltrain.workflow.merge import merge

    merge(paths, output, overwrite=True)


def _pandas(engine: Any) -> Callable[[list[Path], Path], None]:
    def run(paths: list[Path], output: Path) -> None:
        import pandas as pd

        frames = [pd.read_excel(path, engine=engine).assign(source_file=path.name) for path in paths]
        pd.concat(frames).to_parquet(output)

    return run


def _polars(paths: list[Path], output: Path) -> None:
    import polars as pl

    frames = [pl.read_excel(path).with_columns(source_file=pl.lit(path.name)) for path in paths]
    pl.concat(frames).write_parquet(output)


def _median(run: Callable[[list[Path], Path], None], paths: list[Path], repeats: int) -> float:
    output = paths[0].parent / "out.parquet"
    run(paths[:1], output)  # imports and caches
    taken = []
    for _ in range(repeats):
        began = time.perf_counter()
        run(paths, output)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


if __name__ == "__main__":
    main()
