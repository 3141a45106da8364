"""`merge` against pandas.read_excel (openpyxl, calamine) and polars.read_excel: the same books to Parquet in one run.

    python -m tests.bench.merge            fifty books, and one large one: about a quarter of an hour
    python -m tests.bench.merge --quick    the same, smaller: about a minute

Every contender is a fresh process, timed from its start to its end, imports included; they run turn by turn, so that a
busy moment hits all alike, and the best turn of each counts. Processor seconds are those of all its processes together.
Memory is what the process and its children hold together, looked at every 20 ms (shared pages count for each). The
rivals only stack; xltrain also decides types over all books, places every row, compares rows and sheets, and writes its
report.
"""

import argparse
import datetime
import importlib.util
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TURNS = 3
LOOK = 0.02  # seconds between two looks at a contender's memory
# What the columns hold, over and over: dates, words of few and of many, numbers whole and not, yes and no.
PATTERN = ("date", "few", "few", "many", "whole", "whole", "whole", "decimal", "decimal", "decimal", "decimal", "truth")
BLANK = 0.02  # of the decimals and of the words of few
RIVALS = ("pandas, openpyxl", "pandas, calamine", "polars, calamine")
OURS = "xltrain merge"


@dataclass(frozen=True)
class Case:
    """Books to merge. Shared strings are what Excel writes, strings in their cells what many exports write."""

    books: int
    rows: int
    columns: int
    shared_strings: bool

    @property
    def title(self) -> str:
        books = f"{self.books} workbooks" if self.books > 1 else "1 workbook"
        return f"{books} x {self.rows:,} rows x {self.columns} columns"


CASES = (Case(50, 5_000, 12, True), Case(1, 460_000, 25, False))
QUICK = (Case(10, 2_000, 12, True), Case(1, 20_000, 25, False))


def main(quick: bool = False, turns: int = TURNS, only: int = 0, folder: str = "") -> None:
    """Measure and print a table per case; `folder` keeps the books for the next time."""
    for number, case in enumerate(QUICK if quick else CASES, 1):
        if only in (0, number):
            with _books(case, folder) as books:
                _compare(case, books, turns)


def _compare(case: Case, books: Path, turns: int) -> None:
    found: dict[str, list[tuple[float, float, int]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(turns):
            for name in (OURS, *_installed()):
                if turn and "openpyxl" in name and case.rows > 100_000:
                    continue  # minutes: once is enough
                output = Path(folder) / f"{turn} {name}.parquet"
                found.setdefault(name, []).append(_run(name, books, output))
                _check(output, case)
    best = {name: tuple(map(min, zip(*each, strict=True))) for name, each in found.items()}
    print(f"\n{case.title}\n")
    print("| | seconds | times xltrain | processor seconds | times xltrain | peak memory, MB | times xltrain |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    ours = best[OURS]
    for name, (seconds, work, peak) in best.items():
        shown = f"{seconds:.1f} | {seconds / ours[0]:.1f} | {work:.1f} | {work / ours[1]:.1f}"
        print(f"| {name} | {shown} | {peak / 1e6:,.0f} | {peak / ours[2]:.1f} |", flush=True)


def _installed() -> Iterator[str]:
    needed = {"pandas, openpyxl": ["openpyxl"], "polars, calamine": ["polars", "fastexcel"]}
    for name in RIVALS:
        if all(importlib.util.find_spec(module) for module in needed.get(name, [])):
            yield name
        else:
            print(f"{name} is left out: pip install '.[bench]'")


def _run(name: str, books: Path, output: Path) -> tuple[float, float, int]:
    """Seconds, seconds of work on all cores, and bytes at the peak, of one contender."""
    import psutil

    began = time.perf_counter()
    process = psutil.Popen([sys.executable, "-m", "tests.bench.merge", "--contender", name, str(books), str(output)])
    peak = 0
    work: dict[int, float] = {}  # by process
    while process.poll() is None:
        peak = max(peak, _look(process, work))
        time.sleep(LOOK)
    seconds = time.perf_counter() - began
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, name)
    return seconds, sum(work.values()), peak


def _look(process: Any, work: dict[int, float]) -> int:
    """The memory of a process and its children; what each has worked so far is kept."""
    import psutil

    held = 0
    try:
        for each in (process, *process.children(recursive=True)):
            held += each.memory_info().rss
            times = each.cpu_times()
            work[each.pid] = times.user + times.system
    except psutil.Error:  # ended in between
        return 0
    return held


def _check(output: Path, case: Case) -> None:
    import pyarrow.parquet as pq

    rows = pq.read_metadata(output).num_rows
    if rows != case.books * case.rows:
        raise AssertionError(f"{output.name}: {rows:,} rows")


# --- the contenders, each in a process of its own ---


def _contend(name: str, books: Path, output: Path) -> None:
    if name == OURS:
        from xltrain.workflow.merge import merge

        merge(books, output)
        return
    paths = sorted(books.glob("*.xlsx"))
    library, engine = name.split(", ")
    if library == "pandas":
        import pandas as pd

        engine_of_pandas: Any = engine
        pd.concat([pd.read_excel(path, engine=engine_of_pandas) for path in paths]).to_parquet(output)
    else:
        import polars as pl

        pl.concat([pl.read_excel(path, engine="calamine") for path in paths], how="vertical_relaxed").write_parquet(
            output
        )


# --- the books ---


@contextmanager
def _books(case: Case, folder: str) -> Iterator[Path]:
    """The folder of a case's books, written where they are not there yet."""
    with tempfile.TemporaryDirectory() as temporary:
        books = Path(folder or temporary) / case.title.replace(",", "")
        books.mkdir(parents=True, exist_ok=True)
        for number in range(1, case.books + 1):
            path = books / f"book {number}.xlsx"
            if not path.exists():
                _write(path, case, number)
        yield books


def _write(path: Path, case: Case, seed: int) -> None:
    import xlsxwriter

    with xlsxwriter.Workbook(path, {"constant_memory": not case.shared_strings}) as book:
        sheet = book.add_worksheet("Data")
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        kinds = [PATTERN[column % len(PATTERN)] for column in range(case.columns)]
        sheet.write_row(0, 0, [f"{kind} {column}" for column, kind in enumerate(kinds, 1)])
        for start in range(0, case.rows, 10_000):
            values = _values(kinds, min(10_000, case.rows - start), seed * 1000 + start)
            for row, line in enumerate(zip(*values, strict=True), start + 1):
                for column, value in enumerate(line):
                    if value is None:
                        continue
                    if isinstance(value, str):
                        sheet.write_string(row, column, value)
                    elif isinstance(value, bool):
                        sheet.write_boolean(row, column, value)
                    elif isinstance(value, datetime.date):
                        sheet.write_datetime(row, column, value, day)
                    else:
                        sheet.write_number(row, column, value)


def _values(kinds: list[str], rows: int, seed: int) -> list[list[Any]]:
    import numpy as np

    rng = np.random.default_rng(seed)
    words = ["north", "south", "east", "west", "华东", "华南", "open", "closed", "returned", "pending"]
    first = datetime.date(2022, 1, 1)
    found: list[list[Any]] = []
    for kind in kinds:
        if kind == "date":
            found.append([first + datetime.timedelta(days=each) for each in rng.integers(0, 1000, rows).tolist()])
        elif kind == "few":
            found.append(_thinned([words[each] for each in rng.integers(0, len(words), rows).tolist()], rng))
        elif kind == "many":
            found.append([f"order {each}" for each in rng.integers(0, 10_000_000, rows).tolist()])
        elif kind == "whole":
            found.append(rng.integers(0, 5_000, rows).tolist())
        elif kind == "decimal":
            found.append(_thinned(rng.normal(100, 30, rows).round(2).tolist(), rng))
        else:
            found.append((rng.random(rows) < 0.5).tolist())
    return found


def _thinned(values: list[Any], rng: Any) -> list[Any]:
    return [
        None if gone else value for value, gone in zip(values, (rng.random(len(values)) < BLANK).tolist(), strict=True)
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="tests.bench.merge")
    parser.add_argument("--quick", action="store_true", help="smaller books")
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--only", type=int, default=0, help="1: many books, 2: one large book")
    parser.add_argument("--folder", default="", help="where books are kept for the next time")
    parser.add_argument("--contender", nargs=3, metavar=("NAME", "BOOKS", "OUTPUT"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.contender:
        _contend(given.contender[0], Path(given.contender[1]), Path(given.contender[2]))
    else:
        main(given.quick, given.turns, given.only, given.folder)
