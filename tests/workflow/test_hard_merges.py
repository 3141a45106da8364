"""What a sceptic found: every case here once gave wrong data, or said nothing about it."""

import datetime as dt
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from tests.books import write_rows, write_sheets
from xltrain.cli import run
from xltrain.data.inputs import Rules
from xltrain.data.join import Join
from xltrain.errors import WorkbookError
from xltrain.workflow.merge import Merged, merge


def made(folder: Path, *tables: list[list[Any]], **asked: Any) -> Merged:
    paths = [write_rows(folder / f"{number}.xlsx", rows) for number, rows in enumerate(tables, 1)]
    return merge(paths, folder=folder, **asked)


def column(done: Merged, name: str) -> list[Any]:
    found: list[Any] = done.table.data.column(name).to_pylist()
    return found


def doubts(done: Merged) -> str:
    return "\n".join(str(doubt) for doubt in done.report.doubts)


def test_an_input_is_never_written_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    book = write_rows(tmp_path / "in.xlsx", [["a", "b"], [1, 2]])
    before = book.read_bytes()
    for flags in (["-o", str(book)], ["-o", str(tmp_path / "o.xlsx"), "--report", str(book)]):
        assert run(["merge", f"{book}!Data", *flags, "--overwrite"]) == 4
    same = str(tmp_path / "same.xlsx")
    assert run(["merge", str(book), "-o", same, "--report", same, "--overwrite"]) == 4
    assert book.read_bytes() == before
    assert not Path(same).exists()


def test_points_that_may_part_thousands_are_asked_about(tmp_path: Path) -> None:
    done = made(tmp_path, [["k", "Preis"], ["a", "1.200 €"], ["b", "12.500 €"]])
    assert column(done, "Preis") == ["1.200 €", "12.500 €"]
    assert "--decimal" in doubts(done)
    again = merge(tmp_path / "1.xlsx", rules=Rules(decimal=","))
    assert column(again, "Preis") == [1200, 12500]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([["单位：万元"], ["店", "额"], ["A", 1.2], ["B", 3]], [["单位：元"], ["店", "额"], ["A", 12000], ["B", 3]]),
        ([["店", "额"], [None, "万元"], ["A", 1.2], ["B", 3]], [["店", "额"], [None, "元"], ["A", 1], ["B", 3]]),
        ([["店", "额(万元)"], ["A", 1.2], ["B", 3]], [["店", "额"], ["A", 12000], ["B", 3]]),
        ([["店", "率(%)"], ["A", 12.5], ["B", 3]], [["店", "率"], ["A", 0.125], ["B", 3]]),
    ],
    ids=["title", "row", "bracket", "percent"],
)
def test_units_that_differ_are_told(tmp_path: Path, one: list[list[Any]], other: list[list[Any]]) -> None:
    assert "unit" in doubts(made(tmp_path, one, other))


def test_tables_beside_an_excel_table_are_told(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in [["p", "n", None, "c", "city"], ["a", 1, None, "x", "Rom"], ["b", 2, None, "y", "Bonn"]]:
        book.active.append(row)
    book.active.add_table(openpyxl.worksheet.table.Table(displayName="T1", ref="A1:B3"))
    book.save(tmp_path / "a.xlsx")
    assert "Sheet!D1:E3" in doubts(merge(tmp_path / "a.xlsx"))


def test_a_second_table_with_the_same_header_is_told_of(tmp_path: Path) -> None:
    block = [["p", "n"], ["a", 1], ["b", 2]]
    done = made(tmp_path, [["shop one"], *block, [], ["shop two"], *block])
    assert column(done, "p") == ["a", "b", "a", "b"]
    assert "shop two" in doubts(done)


def test_rows_without_a_key_are_like_no_other(tmp_path: Path) -> None:
    rows = [["id", "n"], [1, 1], [None, 2], [None, 3], [1, 4]]
    done = made(tmp_path, rows, rules=Rules(drop_duplicates=True, key=("id",)))
    assert column(done, "n") == [1, 2, 3]
    dropped = next(change for change in done.report.changes if change.action == "dropped")
    assert "1.xlsx!Data!2:2" in dropped.reason


def test_what_happens_in_a_joined_book_is_reported(tmp_path: Path) -> None:
    left = write_rows(tmp_path / "l.xlsx", [["k"], ["a"], ["b"]])
    right = write_rows(tmp_path / "r.xlsx", [["k", "v"], ["a", "=1/0"], ["b", 2], ["合计", 2]])
    done = merge(left, joins=[Join(str(right), (("k", "k"),))], folder=tmp_path)
    assert done.report.counts["error"] == 1
    assert {Path(source.file).name for source in done.report.sources} == {"l.xlsx", "r.xlsx"}
    assert [each.name for each in done.report.columns] == ["k", "v"]


def test_a_vertical_merge_speaks_for_its_rows(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in [["region", "shop", "n"], ["east", "a", 1], [None, "b", 2], ["west", "c", 3]]:
        book.active.append(row)
    book.active.merge_cells("A2:A3")
    book.save(tmp_path / "a.xlsx")
    done = merge(tmp_path / "a.xlsx")
    assert column(done, "region") == ["east", "east", "west"]
    assert [(change.place.address, change.became) for change in done.report.changes] == [("A3", "east")]


@pytest.mark.parametrize("word", ["华东 汇总", "Summe", "Zwischensumme", "Suma", "小計", "East Total"])
def test_totals_in_other_words(tmp_path: Path, word: str) -> None:
    done = made(tmp_path, [["区", "店", "n"], ["x", "a", 1], ["y", "b", 2], [word, None, 3]])
    assert column(done, "n") == [1, 2]


def test_names_that_look_like_totals_are_kept(tmp_path: Path) -> None:
    rows = [["customer", "n", "note"], ["Shell", 1, "x"], ["Total", 1, "y"], ["BP", 2, "总计"], ["Esso", 4, "z"]]
    assert len(made(tmp_path, rows).table) == 4


def test_months_written_with_a_point_are_no_numbers(tmp_path: Path) -> None:
    done = made(tmp_path, [["月份", "n"], ["2024.1", 1], ["2024.10", 2]])
    assert column(done, "月份") == ["2024.1", "2024.10"]


def test_lost_digits_are_told(tmp_path: Path) -> None:
    done = made(tmp_path, [["k", "id"], ["a", 110101199003071234.0], ["b", 110101199003071246.0]])
    assert "16 digits" in doubts(done)


def test_its_own_output_is_not_read_again(tmp_path: Path) -> None:
    write_rows(tmp_path / "a.xlsx", [["a", "b"], [1, 2]])
    for _ in range(2):
        done = merge(tmp_path, tmp_path / "merged.xlsx", folder=tmp_path, overwrite=True)
    assert done.rows == 1
    assert "merged.xlsx" in doubts(done)


def test_one_book_by_two_names_is_one_book(tmp_path: Path) -> None:
    book = write_rows(tmp_path / "a.xlsx", [["a", "b"], [1, 2]])
    (tmp_path / "sub").mkdir()
    assert merge([book, tmp_path / "sub" / ".." / "a.xlsx", tmp_path]).rows == 1


def test_long_texts_are_told(tmp_path: Path) -> None:
    source = tmp_path / "a.csv"
    source.write_text("a,b\n" + "x" * 40_000 + ",1\n", "utf-8")
    assert "32767" in doubts(merge(source, tmp_path / "o.xlsx", folder=tmp_path))


def test_plain_numbers_become_no_dates(tmp_path: Path) -> None:
    done = made(
        tmp_path, [["x", "Candidates", "到期金额", "运行时间"], ["a", 12000, 20000, 30000], ["b", 2, 21000, 31000]]
    )
    assert [each.type for each in done.report.columns] == ["text", "number", "number", "number"]


def test_errors_in_a_text_file_are_errors(tmp_path: Path) -> None:
    source = tmp_path / "a.csv"
    source.write_text("a,b\nx,1\ny,#REF!\nz,3\n", "utf-8")
    done = merge(source)
    assert column(done, "b") == [1, None, 3]
    assert done.report.counts["error"] == 1


def test_a_column_that_is_not_common_is_listed(tmp_path: Path) -> None:
    done = made(
        tmp_path, [["a", "b"], [1, 2], [3, 4]], [["a", "b", "c"], [1, 2, 3], [4, 5, 6]], rules=Rules(which="common")
    )
    assert [(each.name, each.type) for each in done.report.columns][-1] == ("c", "left_out")


def test_flags_that_name_no_column_are_told(tmp_path: Path) -> None:
    from xltrain.config.settings import Column

    done = made(tmp_path, [["amount", "b"], [1, 2]], rules=Rules(columns=(Column("amuont", type="text"),)))
    assert "amount" in doubts(done)


def test_a_book_without_rows_is_told_of(tmp_path: Path) -> None:
    done = made(tmp_path, [["a", "b"], [1, 2]], [["a", "b"]])
    assert "2.xlsx: gave no row" in doubts(done)


def test_two_languages_over_one_table_are_one_header(tmp_path: Path) -> None:
    rows = [["地区", "销售额", "成本"], ["Region", "Sales", "Cost"], ["北京", 1, 2], ["上海", 2, 3], ["广州", 3, 4]]
    assert made(tmp_path, rows).table.names == ["地区 / Region", "销售额 / Sales", "成本 / Cost"]


def test_a_total_above_the_header_hides_no_header(tmp_path: Path) -> None:
    done = made(tmp_path, [["合计", None, 6], ["店", "类", "额"], ["a", "x", 1], ["b", "y", 2], ["c", "z", 3]])
    assert done.table.names == ["店", "类", "额"]


def test_an_open_document_keeps_errors_times_and_merged_cells(tmp_path: Path) -> None:
    space = 'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"'  # noqa: E501

    def cell(kind: str, value: str, shown: str, more: str = "") -> str:
        key = {"time": "time-value", "date": "date-value", "boolean": "boolean-value"}.get(kind, "value")
        told = "" if kind == "string" else f' office:{key}="{value}"'
        return f'<table:table-cell office:value-type="{kind}"{told}{more}><text:p>{shown}</text:p></table:table-cell>'

    rows = [
        cell("string", "", "name") + cell("string", "", "n") + cell("string", "", "at") + cell("string", "", "d"),
        cell("string", "", "x")
        + cell("float", "1.5", "1,5")
        + cell("time", "PT08H30M00S", "08:30")
        + cell("date", "2024-01-31", "31"),
        cell("string", "", "y")
        + cell("string", "", "#DIV/0!", ' calcext:value-type="error"')
        + cell("time", "PT26H00M00S", "26:00")
        + cell("date", "2024-02-01T10:00:00", "1"),
    ]
    body = "".join(f"<table:table-row>{row}</table:table-row>" for row in rows)
    content = f'<office:document-content {space}><office:body><office:spreadsheet><table:table table:name="S">{body}</table:table></office:spreadsheet></office:body></office:document-content>'  # noqa: E501
    with zipfile.ZipFile(tmp_path / "a.ods", "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", content)
    done = merge(tmp_path / "a.ods")
    assert column(done, "n") == [1.5, None]
    assert done.report.counts["error"] == 1
    assert column(done, "at") == [dt.timedelta(hours=8, minutes=30), dt.timedelta(hours=26)]
    assert column(done, "d") == [dt.datetime(2024, 1, 31), dt.datetime(2024, 2, 1, 10)]


def test_a_database_has_a_report_for_each_merge(tmp_path: Path) -> None:
    pytest.importorskip("sqlalchemy")
    book = write_sheets(tmp_path / "a.xlsx", {"S": [["a", "b"], [1, 2]]})
    for name in ("one", "two"):
        merge(book, f"sqlite:///{(tmp_path / name).as_posix()}.db#t", folder=tmp_path)
    merge(book, f"sqlite:///{(tmp_path / 'one').as_posix()}.db#t", folder=tmp_path, append=True)
    assert len(list(tmp_path.glob("* t report*.xlsx"))) == 3
    with pytest.raises(WorkbookError):
        merge(book, f"sqlite:///{(tmp_path / 'one').as_posix()}.db#t", folder=tmp_path)
