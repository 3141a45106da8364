"""The whole verb: flags, joins, long tables, duplicates, databases, reports; places through all of it."""

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest

from tests.books import write_rows, write_sheets
from xltrain import language
from xltrain.cli import run
from xltrain.config.check import read_job
from xltrain.data.inputs import Rules
from xltrain.data.join import Join
from xltrain.data.unpivot import Unpivot
from xltrain.errors import DataError, WorkbookError
from xltrain.workflow.merge import merge, read_sources
from xltrain.workflow.new import new


def rows_of(done: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = done.table.data.to_pylist()
    return found


@pytest.fixture
def sales(tmp_path: Path) -> Path:
    rows = [["id", "n", "when"], ["A1", 1, dt.date(2024, 1, 5)], ["b2", 2, dt.date(2024, 3, 6)], ["A1", 3, None]]
    return write_rows(tmp_path / "sales.xlsx", rows)


@pytest.fixture
def customers(tmp_path: Path) -> Path:
    return write_rows(tmp_path / "customers.xlsx", [["Customers"], [], ["key", "city"], [" a1", "Rom"], ["C3", "Bonn"]])


def test_a_join_keeps_both_places(sales: Path, customers: Path) -> None:
    done = merge(sales, joins=[Join(str(customers), (("id", "key"),))])
    assert [row["city"] for row in rows_of(done)] == ["Rom", None, "Rom"]
    assert str(done.table.place(0, "city")).endswith("customers.xlsx!Data!B4")
    assert str(done.table.place(0, "n")).endswith("sales.xlsx!Data!B2")
    told = done.report.joins[0]
    assert (told.matched, told.unmatched_left, [key for key, _ in told.left]) == (2, 1, ["b2"])
    assert [(key, place.row) for key, place in told.right] == [("c3", 5)]
    assert any("b2" in str(doubt) for doubt in done.report.doubts)


def test_an_inner_join_names_what_it_leaves_out(sales: Path, customers: Path) -> None:
    done = merge(sales, joins=[Join(str(customers), (("id", "key"),), "inner")])
    assert len(done.table) == 2
    assert [(each.place.row, each.action) for each in done.report.changes if each.action == "dropped"] == [
        (3, "dropped")
    ]


def test_a_join_that_would_multiply_rows_is_refused(sales: Path, tmp_path: Path) -> None:
    twice = write_rows(tmp_path / "twice.xlsx", [["id", "x"], ["A1", 1], ["a1", 2]])
    with pytest.raises(DataError) as caught:
        merge(sales, joins=[Join(str(twice), (("id", "id"),))])
    assert "twice.xlsx!Data!A2" in str(caught.value)
    assert "twice.xlsx!Data!A3" in str(caught.value)
    done = merge(sales, joins=[Join(str(twice), (("id", "id"),), many=True)])
    assert [row["x"] for row in rows_of(done)] == [1, 2, None, 1, 2]
    assert str(done.table.place(1, "x")).endswith("twice.xlsx!Data!B3")


def test_numbers_and_their_texts_are_one_key(tmp_path: Path) -> None:
    left = write_rows(tmp_path / "l.xlsx", [["k", "m", "v"], [7, "x", 1], [8, "y", 2]])
    right = write_rows(tmp_path / "r.xlsx", [["k", "m", "v"], ["7", "X", 10], ["８", "y", 20]])
    done = merge(left, joins=[Join(str(right), (("k", "k"), ("m", "m")))])
    assert [row["v (r)"] for row in rows_of(done)] == [10, 20]


@pytest.mark.parametrize("suffix", [".xlsx", ".parquet"])
@pytest.mark.parametrize("tongue", ["en", "zh"])
def test_joined_and_long_places_survive_a_file(
    sales: Path, customers: Path, tmp_path: Path, suffix: str, tongue: str
) -> None:
    wide = write_rows(tmp_path / "wide.xlsx", [["shop", "1月", "2月"], ["A1", 1, None], ["B2", 3, 4]])
    output = tmp_path / f"out{suffix}"
    with language.using(tongue):
        done = merge(
            wide, output, rules=Rules(unpivot=Unpivot("month")), joins=[Join(str(customers), (("shop", "key"),))]
        )
    again, _ = read_sources(output)
    assert again.names == done.table.names == ["shop", "month", "value", "city"]
    assert again.data.column("value").to_pylist() == [1, 3, 4]
    assert str(again.place(2, "value")).endswith("wide.xlsx!Data!C3")
    assert str(again.place(0, "shop")).endswith("wide.xlsx!Data!A2")
    assert str(again.place(0, "city")).endswith("customers.xlsx!Data!B4")


def test_unpivot_says_what_it_cannot_find(tmp_path: Path) -> None:
    wide = write_rows(tmp_path / "wide.xlsx", [["shop", "2023", "2024", "note"], ["a", 1, 2, "x"]])
    done = merge(wide, rules=Rules(unpivot=Unpivot("year", ("202*",), "sales")))
    assert rows_of(done) == [
        {"shop": "a", "note": "x", "year": "2023", "sales": 1},
        {"shop": "a", "note": "x", "year": "2024", "sales": 2},
    ]
    with pytest.raises(DataError, match="1999"):
        merge(wide, rules=Rules(unpivot=Unpivot("year", ("1999",))))
    with pytest.raises(DataError, match="shop"):
        merge(wide, rules=Rules(unpivot=Unpivot("shop")))


def test_duplicates_are_counted_and_left_out_when_asked(tmp_path: Path) -> None:
    rows = [["k", "v"], [1, "a"], [2, "b"], [1, "a"], [3, "c"], [4, "d"], [5, "e"]]
    one = write_rows(tmp_path / "1.xlsx", rows)
    two = write_rows(tmp_path / "2.xlsx", [rows[0], *reversed(rows[1:])])
    kept = merge([one, two])
    assert kept.report.duplicates is not None
    assert (len(kept.table), kept.report.duplicates.rows) == (12, 7)
    assert any("repeat one another" in str(doubt) for doubt in kept.report.doubts)
    done = merge([one, two], rules=Rules(drop_duplicates=True))
    assert [row["k"] for row in rows_of(done)] == [1, 2, 3, 4, 5]
    by_key = write_rows(tmp_path / "3.xlsx", [rows[0], [1, "x"], [1, "y"], [2, "x"]])
    done = merge(by_key, rules=Rules(drop_duplicates=True, key=("K",)))
    assert [row["v"] for row in rows_of(done)] == ["x", "x"]
    dropped = next(each for each in done.report.changes if each.action == "dropped")
    assert str(dropped.place).endswith("3.xlsx!Data!3:3")


def test_months_without_rows_are_seen(sales: Path) -> None:
    grid = merge(sales).report.calendar
    assert grid is None  # one of three rows has no date
    rows = [["when", "n"], *[[dt.date(2024, month, 1), month] for month in (1, 2, 4, 5)]]
    done = merge(write_rows(sales.parent / "m.xlsx", rows))
    grid = done.report.calendar
    assert grid is not None
    assert grid.rows.tolist() == [[1, 1, 0, 1, 1]]
    assert grid.gaps == ("2024-03",)
    assert any("2024-03" in str(doubt) for doubt in done.report.doubts)


def test_months_are_read_from_the_names_of_books(tmp_path: Path) -> None:
    for month in (1, 2, 4):
        write_rows(tmp_path / f"2024年{month}月.xlsx", [["shop", "n"], ["a", month], ["b", 7]])
    done = merge(tmp_path, folder=tmp_path)
    grid = done.report.calendar
    assert grid is not None
    assert (grid.periods, grid.gaps) == (("2024-01", "2024-02", "2024-03", "2024-04"), ("2024-03",))
    assert any("2024-03" in str(doubt) for doubt in done.report.doubts)


def test_totals_check_the_rows_they_cover(tmp_path: Path) -> None:
    rows = [
        ["name", "n", "p"],
        ["a", 1, 0.5],
        ["b", 2, 0.25],
        ["小计", 3, 0.75],
        ["c", 4, 1],
        ["小计", 5, 1],
        ["合计", 7, 1.75],
    ]
    done = merge(write_rows(tmp_path / "a.xlsx", rows))
    assert [row["name"] for row in rows_of(done)] == ["a", "b", "c"]
    assert [(each.place.row, each.column, each.agrees) for each in done.report.controls] == [
        (4, "n", True),
        (4, "p", True),
        (6, "n", False),
        (6, "p", True),
        (7, "n", True),
        (7, "p", True),
    ]
    assert any("B6: the total says 5, but the rows in B5 add up to 4" in str(doubt) for doubt in done.report.doubts)
    kept = merge(tmp_path / "a.xlsx", rules=Rules(keep=frozenset({"totals"})))
    assert len(kept.table) == 6


def test_hidden_rows_and_sheets_are_counted_and_left_out_when_asked(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for sheet, hidden in ((book.active, False), (book.create_sheet("old"), True)):
        for row in [["a", "b"], [1, 2], [3, 4]]:
            sheet.append(row)
        if hidden:
            sheet.sheet_state = "hidden"
        else:
            sheet.row_dimensions[3].hidden = True
    book.save(tmp_path / "a.xlsx")
    kept = merge(tmp_path / "a.xlsx")
    assert len(kept.table) == 4
    assert sum("--hidden drop" in str(doubt) for doubt in kept.report.doubts) == 2
    assert len(merge(tmp_path / "a.xlsx", rules=Rules(drop_hidden=True)).table) == 1


def test_formulas_without_a_value_are_named(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in [["a", "b"], [1, "=A2*2"], [3, "=A3*2"]]:
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    done = merge(tmp_path / "a.xlsx")
    assert any("B2" in str(doubt) and "--recalculate" in str(doubt) for doubt in done.report.doubts)


def test_parts_of_a_book_can_be_named(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.title = "Sales"
    for row in [["a", "b", None, "c", "d"], [1, 2, None, 3, 4], [5, 6, None, 7, 8]]:
        book.active.append(row)
    table = openpyxl.worksheet.table.Table(displayName="Right", ref="D1:E3")
    book.active.add_table(table)
    book.defined_names["left"] = openpyxl.workbook.defined_name.DefinedName("left", attr_text="Sales!$A$1:$B$3")
    book.active.print_area = "A1:B2"
    book.save(tmp_path / "a.xlsx")
    path = str(tmp_path / "a.xlsx")
    for thing, names, count in [
        ("Right", ["c", "d"], 2),
        ("LEFT", ["a", "b"], 2),
        ("Sales!A1:B2", ["a", "b"], 1),
        ("sales!D:E", ["c", "d"], 2),
        ("Print_Area", ["a", "b"], 1),
    ]:
        done = merge(f"{path}!{thing}")
        assert (done.table.names, len(done.table)) == (names, count), thing
    with pytest.raises(WorkbookError, match="Right"):
        merge(f"{path}!Rihgt")


def test_source_column_and_columns_in_common(tmp_path: Path) -> None:
    book = write_sheets(tmp_path / "y.xlsx", {"Jan": [["a", "b"], [1, 2]], "Feb": [["b", "a", "c"], [3, 4, 5]]})
    done = merge(book, rules=Rules(source_column="month", which="common"))
    assert rows_of(done) == [{"month": "Jan", "a": 1, "b": 2}, {"month": "Feb", "a": 4, "b": 3}]
    with pytest.raises(DataError, match="Jan"):
        merge(book, rules=Rules(which="strict"))


def test_a_database_takes_and_gives_rows(sales: Path, tmp_path: Path) -> None:
    pytest.importorskip("sqlalchemy")
    address = f"sqlite:///{(tmp_path / 'd.db').as_posix()}#sales"
    first = merge(sales, address, folder=tmp_path)
    assert first.rows == 3
    with pytest.raises(WorkbookError):
        merge(sales, address, folder=tmp_path, overwrite=True)
    merge(sales, address, folder=tmp_path, append=True)
    assert first.table.names == ["id", "n", "when"]
    assert len(first.table) == 6
    done = merge([address, sales])
    assert len(done.table) == 9
    assert str(done.table.place(0, "n")).endswith("sales.xlsx!Data!2:2")


def test_a_merged_book_and_a_new_one_keep_their_places(sales: Path, tmp_path: Path) -> None:
    merge(sales, tmp_path / "first.xlsx")
    more = write_rows(tmp_path / "more.xlsx", [["id", "n", "when"], ["Z9", 9, dt.date(2024, 4, 1)]])
    table = merge([tmp_path / "first.xlsx", more]).table
    assert table.names == ["id", "n", "when"]
    assert [Path(table.place(index, "n").file).name for index in range(4)] == ["sales.xlsx"] * 3 + ["more.xlsx"]
    assert table.place(0, "n").address == "B2"


def test_strict_writes_nothing(sales: Path, customers: Path, tmp_path: Path) -> None:
    arguments = [str(sales), "-o", str(tmp_path / "o.csv"), "--join", str(customers), "--on", "id=key", "--strict"]
    assert run(["merge", *arguments, "--report", str(tmp_path / "o.json")]) == 3
    assert {path.name for path in tmp_path.iterdir()} == {"sales.xlsx", "customers.xlsx"}


def test_the_report_is_written_as_json(sales: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "r.json"
    assert run(["merge", str(sales), "-o", str(tmp_path / "o.parquet"), "--report", str(path), "--json"]) == 0
    told = json.loads(path.read_text("utf-8"))
    assert told["sources"][0]["table"] == "A1:C4"
    assert [column["type"] for column in told["columns"]] == ["text", "number", "date"]
    assert json.loads(capsys.readouterr().out)["rows"] == 3


def test_flags_and_a_job_say_the_same(tmp_path: Path) -> None:
    rows = [["Report"], ["id", "when", "n"], ["x", "05/02/2024", "-200"], ["y", "06/03/2024", 3]]
    write_rows(tmp_path / "a.xlsx", rows)
    flags = ["--header", "2", "--dates", "day-first", "--missing", "-200", "--alias", "id=key"]
    output = tmp_path / "o.parquet"
    assert run(["merge", str(tmp_path / "a.xlsx"), "-o", str(output), *flags]) == 0
    table, _ = read_sources(output)
    assert table.data.column("when").to_pylist()[0] == dt.datetime(2024, 2, 5)
    assert table.data.column("n").to_pylist() == [None, 3]
    job = tmp_path / "job.toml"
    job.write_text('[[sources]]\npath = "a.xlsx"\nrange = "A2:C3"\n\n[[columns]]\nname = "n"\ntype = "text"\n', "utf-8")
    again = tmp_path / "p.parquet"
    assert run(["merge", "--job", str(job), "-o", str(again)]) == 0
    assert read_sources(again)[0].data.column("n").to_pylist() == ["-200"]


def test_wrong_flags_are_all_told_at_once(sales: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--header", "x", "--alias", "a", "--type", "a=b", "--unpivot-value", "v", "--join", "c.xlsx"]
    assert run(["merge", str(sales), "-o", "o.xlsx", *flags]) == 2
    error = capsys.readouterr().err
    assert [line.split(":")[0] for line in error.strip().splitlines()] == [
        "--alias",
        "--header",
        "--on",
        "--type",
        "--unpivot-value",
    ]


def test_rows_of_a_database_are_known_by_their_key(tmp_path: Path) -> None:
    import sqlite3

    path = tmp_path / "d.db"
    with sqlite3.connect(path) as connection:
        connection.execute("create table orders (id integer primary key, n real)")
        connection.executemany("insert into orders values (?, ?)", [(7, 1.5), (9, 2.5)])
    connection.close()
    pytest.importorskip("sqlalchemy")
    output = tmp_path / "o.xlsx"
    done = merge(f"sqlite:///{path.as_posix()}#orders", output)
    assert str(done.table.place(1, "n")).endswith("d.db!orders!id=9!n")
    assert str(read_sources(output)[0].place(1)).endswith("d.db!orders!id=9")


def test_a_book_that_comes_first_does_not_rename_the_columns_of_a_job(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)

    def rows(head: list[str]) -> list[list[Any]]:
        sizes = rng.integers(1, 40, 30).tolist()
        return [head, *([size, 3.5 * size] for size in sizes)]

    (tmp_path / "books").mkdir()
    write_rows(tmp_path / "books" / "feb.xlsx", rows(["Qty", "price"]))
    write_rows(tmp_path / "books" / "jan.xlsx", rows(["quantity", "price"]))
    job = tmp_path / "job.xlsx"
    new(job, [tmp_path / "books"], ["price"])
    first = read_job(job)
    assert {each.name: each.aliases for each in first.columns} == {"Qty": ("quantity",), "price": ()}
    write_rows(tmp_path / "books" / "apr.xlsx", rows(["quantity", "price"]))
    table, _ = read_sources(first.sources, first.folder, first.columns, expected=True)
    assert table.names == ["Qty", "price"]
    bare = [replace(each, aliases=()) for each in first.columns]  # a job written by hand says nothing of other headers
    table, report = read_sources(first.sources, first.folder, bare, expected=True)
    assert table.names == ["Qty", "price"]
    assert report.sources[0].columns["Qty"].reason == "match_synonym"
