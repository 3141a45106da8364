"""Since last time: files, rows, drift, the score on the same rows, suspects and decisions, against the last fit."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tests.report import make
from tests.workflow.test_compare import noise, with_prices, write_fit
from xltrain.data.decided import Decision, Settled
from xltrain.data.table import Table
from xltrain.excel.chart import ChartData
from xltrain.excel.read import read_cells
from xltrain.excel.write import new_book
from xltrain.language import using
from xltrain.place import Place
from xltrain.report.difference import _gain
from xltrain.report.report import Report
from xltrain.report.since import Since, sentences, since_last, write_since

ROWS = make.ROWS


def fits(folder: Path, table: Table, later: Table) -> Since:
    """The second fit against the first, its sources on disk: north changes, south stays, a new file comes."""
    (folder / "books").mkdir()
    names = ("north's.xlsx", "south.xlsx", "west.xlsx")
    for name in names[:2]:
        (folder / "books" / name).write_bytes(name.encode())
    last = write_fit(folder, "results", table, noise(len(table), 3.0))
    (folder / "books" / names[0]).write_bytes(b"another month")
    (folder / "books" / names[2]).write_bytes(b"new")
    now = write_fit(folder, "results-2", later, noise(len(later), 3.0) * 0.8)
    place = Place("books/south.xlsx", "数据", 5)
    decision = Decision("books/south.xlsx", "数据", 5, "drop")
    settled = [Settled(decision, state, place) for state in ("applied", "changed", "replaced")]
    found = since_last(last, now.with_suffix(""), settled)
    assert found is not None
    return found


@pytest.fixture
def found(tmp_path: Path) -> Since:
    table = make.made_table(ROWS)
    later = with_prices(table, {3: 1.0})
    moved = pa.array(np.array(later.data.column("size").to_pylist()) + 30)
    later = replace(later, data=later.data.set_column(1, "size", moved))
    return fits(tmp_path, table, later.take(np.arange(ROWS - 2)))


def test_everything_that_is_new_is_counted(found: Since) -> None:
    assert (found.last, found.files) == ("results.xlsx", 2)
    assert (found.new, found.changed, found.vanished) == ((), ("books/north's.xlsx",), ())
    assert found.rows == (ROWS, ROWS)  # made_result says so
    assert (found.unchanged_rows, found.changed_rows, found.gone_rows) == (0, ROWS - 2, 2)
    assert [name for name, _ in found.moved] == ["size"]
    assert (found.decided, found.open) == (1, 1)


def test_the_score_is_on_the_rows_that_both_have(tmp_path: Path) -> None:
    table = make.made_table(ROWS)
    found = fits(tmp_path, table, with_prices(table, {3: 1.0}))
    told = dict(sentences(found))
    assert found.targets[0].common.rows == ROWS - 1
    assert told["same_rows"].startswith(f"average error on the {ROWS - 1} rows that both have: from ")
    assert told["drift"] == "no column has moved"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_it_stands_at_the_top_of_summary(tmp_path: Path, found: Since, language: str) -> None:
    table = make.made_table()
    path = tmp_path / "page.xlsx"
    with using(language), new_book(path) as book:
        job, result = make.made_job(tmp_path), make.made_result(make.made_target(table))
        report = Report(path, book, ChartData(book, "charts"), job, result, table, None, "", since=found)
        assert write_since(report, book.sheet("Summary"), 3) == 3 + len(sentences(found)) + 2
    shown = [str(cell) for line in read_cells(path, "Summary") for cell in line if cell]
    assert ("Since last time" if language == "en" else "与上次相比") in shown
    assert any("size" in each for each in shown)


def test_without_an_earlier_fit_nothing_is_said(tmp_path: Path) -> None:
    assert since_last(None, tmp_path, ()) is None
    assert since_last(tmp_path / "gone.xlsx", tmp_path, ()) is None


def test_no_more_than_all_of_an_error_can_go() -> None:
    before = np.array([10.0, 0.1, 0.1, 8.0, 0.1])
    gain, low, high = _gain(np.stack([before, np.zeros(5)], 1))
    assert (gain, high) == (1.0, 1.0)
    assert low < 1
