"""New workbooks through a trained model: predictions, warnings, drift, columns by other names, copies."""

import datetime
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest
import xlsxwriter

import xltrain
from tests.books import write_rows, write_sheets
from xltrain import language
from xltrain.cli import run
from xltrain.engine.checkpoint import load_model, save_model
from xltrain.errors import ConfigError, DataError, WorkbookError
from xltrain.excel.patch import undo_book
from xltrain.workflow.fit import Fit, fit
from xltrain.workflow.predict import predict

pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported")

JOB = """
[job]
folds = 3
[[sources]]
path = "old.xlsx"
[[columns]]
name = "price"
role = "target"
[[columns]]
name = "kind"
role = "{kind}"
type = "category"
[[runs]]
name = "line"
model = "linear"
epochs = 60
optimizer = "adamw(lr=3e-2)"
[[runs]]
name = "kept"
model = "linear"
epochs = 3
keep = true
"""
HEAD = ["day", "unit price", "size", "shop", "kind", "price"]
START = datetime.datetime(2026, 1, 1)


def rows_of(count: int, seed: int = 0, day: datetime.datetime = START, known: bool = True) -> list[list[Any]]:
    rng = np.random.default_rng(seed)
    found: list[list[Any]] = []
    for at in range(count):
        unit, size, shop = rng.uniform(1, 9), rng.uniform(10, 50), rng.choice(["east", "west"])
        price = 3 * unit + size + 10 * (shop == "east")
        row = [day + datetime.timedelta(days=at % 28), round(unit, 2), None if known and at == 5 else round(size, 1)]
        found.append([*row, str(shop), "dear" if price > 50 else "cheap", round(price, 2) if known else None])
    return found


def fitted_in(folder: Path, kind: str = "ignore") -> Fit:
    write_rows(folder / "old.xlsx", [HEAD, *rows_of(60)])
    (folder / "job.toml").write_text(JOB.format(kind=kind), encoding="utf-8")
    return fit(folder / "job.toml")


HIGH = f"{max(row[1] for row in rows_of(60)):g}"  # the highest unit price in training


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Fit:
    return fitted_in(tmp_path_factory.mktemp("fit"))


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Fit:
    """Two targets: a number and a class."""
    return fitted_in(tmp_path_factory.mktemp("both"), "target")


def new_book(path: Path, count: int = 8, **changes: Any) -> Path:
    """A workbook of new rows with a title above, a chart and a note; `changes` are cells: B2=3 is row 2 of the data."""
    rows = rows_of(count, 7, START + datetime.timedelta(days=5), known=False)
    for at, value in changes.items():
        rows[int(at[1:]) - 1]["ABCDEF".index(at[0])] = value
    with xlsxwriter.Workbook(path) as book:
        page = book.add_worksheet("Sales")
        page.write(0, 0, "New rows")
        dated = book.add_format({"num_format": "yyyy-mm-dd"})
        for number, row in enumerate([HEAD, *rows], 2):
            for column, value in enumerate(row):
                if isinstance(value, datetime.datetime):
                    page.write_datetime(number, column, value, dated)
                elif value == "=1/0":
                    page.write_formula(number, column, value, None, "#DIV/0!")
                elif value is not None:
                    page.write(number, column, value)
        chart = book.add_chart({"type": "line"})
        chart.add_series({"values": ["Sales", 3, 1, 9, 1]})
        page.insert_chart("S4", chart)
        book.add_worksheet("Notes").write(0, 0, "=1")
    return path


def warnings(found: Any, target: str = "price") -> list[str | None]:
    return list(found.table.data.column(f"{target} warning").to_pylist())


def test_rows_outside_what_was_trained_on_say_so(done: Fit, tmp_path: Path) -> None:
    book = new_book(
        tmp_path / "new.xlsx", A1=datetime.datetime(2027, 3, 1), B2=99.5, C3=None, D4="north", D5=None, B6=-1, C6=1e6
    )
    found = predict(done.results, book)
    said = warnings(found)
    assert said[0] == "day 2027-03-01: later than training (up to 2026-01-28)"
    assert said[1] == f"unit price 99.5: above training (up to {HIGH})"
    assert said[2] is None  # one size was missing in training too
    assert said[3] == "shop 'north': never seen in training"
    assert said[4] == "shop is empty: never so in training"
    assert said[5].startswith("unit price -1: below training (from ")
    assert "; size 1000000: above training" in said[5]
    assert said[6:] == [None, None]
    assert found.warnings == {"price": 4}  # a later day alone is no reason to look at a row
    counted = {(each.column, each.reason): len(each.rows) for each in found.outside["price"]}
    assert counted == {
        ("day", "later"): 1,
        ("unit price", "above"): 1,
        ("unit price", "below"): 1,
        ("size", "above"): 1,
        ("shop", "unknown"): 1,
        ("shop", "empty"): 1,
    }


def test_rows_of_the_training_itself_have_no_warning(done: Fit) -> None:
    found = predict(done.model, done.results.with_name("old.xlsx"))
    assert not any(warnings(found))
    assert [str(each.place) for each in found.report.doubts if "trained on this" in each.message] == [
        found.table.origins[0].file
    ]  # such predictions are no test of the model
    assert {each.state for each in found.moved["price"]} == {"as_trained"}
    error = np.abs(np.array(found.table.data["price prediction"]) - np.array(found.table.data["price"]))
    inside = np.array(found.table.data["price expected from"]) <= np.array(found.table.data["price"])
    assert error.mean() < 10
    assert inside.mean() > 0.8


def test_the_results_their_folder_and_the_file_are_one_model(done: Fit, tmp_path: Path) -> None:
    book = new_book(tmp_path / "new.xlsx")
    named = [done.results, done.results.with_suffix(""), done.model]
    told = [predict(each, book).table.data for each in named]
    assert told[0].equals(told[1])
    assert told[0].equals(told[2])
    kept = load_model(done.model.with_name("model kept.safetensors"))
    assert kept.run == "kept"  # lies in the folder too, and was not taken


def test_every_target_of_the_results_is_predicted(both: Fit, tmp_path: Path) -> None:
    found = predict(both.results, new_book(tmp_path / "new.xlsx", D4="north"))
    names = found.table.names
    assert found.targets == ("kind", "price")
    for name in ("price prediction", "price warning", "kind prediction", "kind warning"):
        assert name in names
    assert set(found.table.data["kind prediction"].to_pylist()) <= {"dear", "cheap"}
    shares = np.array(found.table.data["kind probability of cheap"]) + np.array(
        found.table.data["kind probability of dear"]
    )
    np.testing.assert_allclose(shares, 1)
    assert warnings(found, "kind")[3] == warnings(found)[3] == "shop 'north': never seen in training"
    assert len([line for line in found.lines() if "north" in line or "unknown shop" in line]) == 1


def renamed(path: Path, names: dict[str, str]) -> Path:
    head = [names.get(name, name) for name in HEAD]
    keep = [at for at, name in enumerate(head) if name]
    rows = [head, *rows_of(6, 3, known=False)]
    return write_rows(path, [[row[at] for at in keep] for row in rows], "Q1")


def test_columns_are_matched_as_in_merge(done: Fit, tmp_path: Path) -> None:
    plain = predict(done.model, renamed(tmp_path / "same.xlsx", {}))
    other = renamed(tmp_path / "other.xlsx", {"unit price": "单价", "shop": "门店", "size": " SIZE"})
    found = predict(done.model, other)
    assert found.table.data["price prediction"].equals(plain.table.data["price prediction"])
    reasons = {match.header: match.reason for match in found.report.sources[0].columns.values()}
    assert reasons["单价"] == reasons["门店"] == "match_synonym"
    frame = plain.to_pandas().rename(columns={"shop": "门店"})[["day", "unit price", "size", "门店"]]
    assert predict(done.model, frame).table.data["price prediction"].equals(plain.table.data["price prediction"])


def test_what_is_lacking_is_told_at_once_with_what_was_found_instead(done: Fit, tmp_path: Path) -> None:
    book = renamed(tmp_path / "b.xlsx", {"unit price": "unit prize", "shop": "where", "size": "", "kind": ""})
    with pytest.raises(DataError) as error:
        predict(done.model, book, tmp_path / "out.xlsx")
    said = {str(problem) for problem in error.value.problems}
    assert len(said) == 3
    prize = next(each for each in said if "'unit price'" in each)
    assert "b.xlsx!Q1!1:1" in prize
    assert "'unit prize' at" in prize
    assert "b.xlsx!Q1!B1" in prize
    assert "--alias 'unit price=unit prize'" in prize
    assert any("'shop'" in each and "where (C)" in each for each in said)
    assert any("'size'" in each for each in said)
    assert not (tmp_path / "out.xlsx").exists()


def test_an_alias_mends_it(done: Fit, tmp_path: Path) -> None:
    plain = predict(done.model, renamed(tmp_path / "same.xlsx", {}))
    book = renamed(tmp_path / "b.xlsx", {"unit price": "unit prize", "shop": "where"})
    found = predict(done.model, book, aliases=["unit price=unit prize", "shop=where"])
    assert found.table.data["price prediction"].equals(plain.table.data["price prediction"])
    with pytest.raises(ConfigError, match="shoop"):
        predict(done.model, book, aliases=["shoop=where"])


def test_one_sheet_may_lack_what_was_missing_in_training_too(done: Fit, tmp_path: Path) -> None:
    books = [renamed(tmp_path / "a.xlsx", {}), renamed(tmp_path / "b.xlsx", {"size": ""})]
    found = predict(done.model, books)
    assert any("'size'" in str(doubt) and "b.xlsx" in str(doubt) for doubt in found.report.doubts)
    assert len(found.table) == 12
    books = [books[0], renamed(tmp_path / "c.xlsx", {"shop": ""})]
    with pytest.raises(DataError, match=r"c\.xlsx.*'shop'"):
        predict(done.model, books)


def test_the_sheet_with_the_models_columns_is_taken_however_large_others_are(done: Fit, tmp_path: Path) -> None:
    large = [["code", "name", "group"], *([at, f"n{at}", "g"] for at in range(40))]
    write_sheets(tmp_path / "b.xlsx", {"Codes": large, "Sales": [HEAD, *rows_of(6, 3, known=False)]})
    found = predict(done.model, tmp_path / "b.xlsx")
    assert [each.sheet for each in found.table.origins] == ["Sales"]


def parts(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as book:
        return {name: book.read(name) for name in book.namelist()}


def test_predictions_stand_beside_every_row_of_a_lossless_copy(
    both: Fit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    book = new_book(tmp_path / "in" / "new.xlsx", B2=99)
    before = book.read_bytes()
    found = predict(both.results, "in", "out")
    copy = tmp_path / "out" / "in" / "new.xlsx"
    assert found.copies == (Path("out/in/new.xlsx"),)
    assert book.read_bytes() == before
    page = openpyxl.load_workbook(copy)["Sales"]
    heads = [cell.value for cell in page[3]]
    assert heads[:6] == HEAD
    assert heads[6:8] == ["kind prediction", "kind spread"]
    at = heads.index("price prediction") + 1
    assert heads[at : at + 3] == ["price spread", "price expected from", "price expected to"]
    told = found.table.data["price prediction"].to_pylist()
    assert [page.cell(row, at).value for row in range(4, 12)] == pytest.approx(told)
    assert page.cell(5, heads.index("price warning") + 1).value == warnings(found)[1]
    assert page.cell(4, heads.index("kind prediction") + 1).value in ("dear", "cheap")
    old, new = parts(book), parts(copy)
    assert old["xl/charts/chart1.xml"] == new["xl/charts/chart1.xml"]
    assert old["xl/worksheets/sheet2.xml"] == new["xl/worksheets/sheet2.xml"]
    assert undo_book(copy, tmp_path / "back.xlsx")
    assert parts(tmp_path / "back.xlsx") == old


def test_copies_of_an_earlier_call_are_no_sources(done: Fit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    new_book(tmp_path / "new.xlsx")
    first = predict(done.model, ".", beside=True)
    assert first.copies == (Path("new predicted.xlsx"),)
    again = predict(done.model, ".")
    assert again.table.data.equals(first.table.data)
    assert any("new predicted.xlsx" in str(doubt) for doubt in again.report.doubts)
    alone = predict(done.model, "new predicted.xlsx", "out")
    heads = [cell.value for cell in openpyxl.load_workbook("out/new predicted.xlsx")["Sales"][3]]
    assert heads.count("price prediction") == 1
    assert alone.table.names == first.table.names


def test_a_kind_that_cannot_be_patched_gets_a_new_workbook(
    done: Fit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    pd.DataFrame(rows_of(6, 3, known=False), columns=HEAD).to_csv("rows.csv", index=False)
    found = predict(done.model, "rows.csv", "out")
    assert found.copies == (Path("out/rows.xlsx"),)
    assert any(".csv file cannot be changed without loss" in str(doubt) for doubt in found.report.doubts)
    written = pd.read_excel("out/rows.xlsx", engine="openpyxl")
    assert written["price prediction"].tolist() == pytest.approx(found.table.data["price prediction"].to_pylist())


def test_nothing_is_half_written(done: Fit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        new_book(tmp_path / f"{name}.xlsx")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "b.xlsx").write_bytes(b"mine")
    with pytest.raises(WorkbookError, match=r"b\.xlsx.*exists"):
        predict(done.model, ["a.xlsx", "b.xlsx"], "out")
    assert [each.name for each in (tmp_path / "out").iterdir()] == ["b.xlsx"]
    with pytest.raises(WorkbookError, match="an input"):
        predict(done.model, ["a.xlsx", "b.xlsx"], ".", overwrite=True)
    with pytest.raises(WorkbookError, match="not read from a workbook"):
        predict(done.model, pd.read_excel("a.xlsx", header=2, engine="openpyxl"), "other")
    with pytest.raises(WorkbookError, match=r"a\.xlsx.*exists"):
        predict(done.model, "b.xlsx", "a.xlsx")


def test_drift_is_told_in_a_line_a_sheet_and_in_json(
    done: Fit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [
        [day, 20 + unit, size, "north" if at % 2 else shop, kind, None]
        for at, (day, unit, size, shop, kind, _) in enumerate(rows_of(80, 4))
    ]
    write_rows(tmp_path / "new.xlsx", [HEAD, *rows])
    assert run(["predict", str(done.results), "new.xlsx", "-o", "out.xlsx"]) == 0
    said = capsys.readouterr().out
    line = next(each for each in said.splitlines() if each.startswith("drift"))
    assert "unit price (PSI" in line
    assert "shop (PSI" in line
    assert "new values: 1" in line
    assert "size" not in line
    page = openpyxl.load_workbook("out.xlsx")["Drift report"]
    told = {row[0].value: [cell.value for cell in row] for row in page.iter_rows(min_row=5)}
    assert told["unit price"][2] == "clearly moved"
    assert told["unit price"][5] == 1
    assert told["size"][2] == "as in training"
    assert told["shop"][-1] == "north"
    assert run(["predict", str(done.results), "new.xlsx", "-o", "new.csv", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    drift = {each["column"]: each for each in document["drift"]["price"]}
    assert drift["unit price"]["state"] == "moved_far"
    assert drift["shop"]["new_values"] == {"north": 0.5}
    assert drift["unit price"]["mean_shift"] > 5
    assert document["warnings"]["price"]["rows"] == 80
    # The sheet of drift is a report, not data, when the output is read again.
    assert len(predict(done.model, "out.xlsx").table) == 80


def test_few_rows_do_not_count_as_drift_by_chance(done: Fit, tmp_path: Path) -> None:
    found = predict(done.model, write_rows(tmp_path / "few.xlsx", [HEAD, *rows_of(4, 11, known=False)]))
    drawn = [each for each in found.moved["price"] if each.column != "day"]
    assert {each.state for each in drawn} == {"as_trained"}
    assert max(each.index for each in drawn) > 0.25  # though the index is large


def test_a_model_of_an_older_version_predicts_without_warnings(done: Fit, tmp_path: Path) -> None:
    from dataclasses import replace

    save_model(tmp_path / "old.safetensors", replace(load_model(done.model), basis=None))
    book = new_book(tmp_path / "new.xlsx", B2=99)
    found = predict(tmp_path / "old.safetensors", book)
    assert "price warning" not in found.table.names
    assert any("no warnings, no drift" in str(doubt) for doubt in found.report.doubts)
    same = predict(done.model, book).table.data["price prediction"]
    assert found.table.data["price prediction"].equals(same)


def test_what_is_no_model_is_said(done: Fit, tmp_path: Path) -> None:
    book = new_book(tmp_path / "new.xlsx")
    cases = {
        tmp_path / "nothing.safetensors": "no such file",
        tmp_path / "nothing.xlsx": "no such file",
        tmp_path / "nothing": "no such file",
        book: "no results workbook of xltrain",
        tmp_path: "no model in",
    }
    for path, said in cases.items():
        with pytest.raises(WorkbookError, match=said):
            predict(path, book)
    (tmp_path / "job.toml").write_text(JOB.format(kind="ignore"), encoding="utf-8")
    with pytest.raises(WorkbookError, match="a job without results"):
        predict(tmp_path / "job.toml", book)
    assert len(predict(done.results.with_name("job.toml"), book).table) == 8  # a job stands for its last results
    lost = tmp_path / "results.xlsx"
    lost.write_bytes(done.results.read_bytes())
    with pytest.raises(WorkbookError, match=r"expected the folder .*results beside"):
        predict(lost, book)
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "fit.json").write_bytes((done.model.parent / "fit.json").read_bytes())
    (tmp_path / "results" / "model kept.safetensors").write_bytes(
        (done.model.parent / "model kept.safetensors").read_bytes()
    )
    with pytest.raises(WorkbookError, match="model of price is missing"):
        predict(lost, book)


def test_list_shows_a_model(both: Fit, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["list", str(both.results)]) == 0
    said = capsys.readouterr().out
    assert "price: regression by run 'line', linear, 3 members" in said
    assert "kind: classification" in said
    assert "classes: cheap, dear" in said
    assert "60 rows" in said
    assert "guessing" in said
    assert "2026-01-01 to 2026-01-28" in said
    assert "east, west" in said
    assert run(["list", str(both.results.with_suffix("")), "--json"]) == 0
    targets = json.loads(capsys.readouterr().out)["targets"]
    assert [each["target"] for each in targets] == ["kind", "price"]
    columns = {each["name"]: each for each in targets[1]["columns"]}
    assert columns["shop"]["values"] == ["east", "west"]
    assert columns["size"]["missing"] == pytest.approx(1 / 60)
    assert columns["day"]["high"] == "2026-01-28"
    best = next(each for each in both.result.targets[1].runs if each.name == "line")
    assert targets[1]["scores"]["rmse"] == pytest.approx(best.metrics["rmse"].value)
    assert targets[1]["trained"] == datetime.datetime.now(datetime.UTC).date().isoformat()
    assert run(["list", "nothing.safetensors"]) == 4
    assert run(["list", "lossess"]) == 2
    with language.using("zh"):
        assert run(["list", str(both.results), "--language", "zh"]) == 0
    assert "需要 4 列" in capsys.readouterr().out


def test_the_commands_flags(done: Fit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.chdir(tmp_path)
    new_book(tmp_path / "new.xlsx", B2=99)
    assert run(["predict", str(done.results), "new.xlsx"]) == 2
    assert "--beside" in capsys.readouterr().err
    assert run(["predict", str(done.results), "new.xlsx", "--beside", "-o", "folder"]) == 2
    assert run(["predict", str(done.results), "new.xlsx", "--beside", "-o", "out.csv", "--language", "zh"]) == 0
    said = capsys.readouterr().out
    assert f"1 行超出训练数据范围：unit price 高于 {HIGH}（1 行）" in said
    assert sorted(each.name for each in tmp_path.iterdir()) == ["new 预测值.xlsx", "new.xlsx", "out.csv"]
    assert xltrain.predict(done.model, "new.xlsx", strict=True).warnings == {"price": 1}


def test_a_label_that_was_never_learnt_is_named_with_its_cell(tmp_path: Path) -> None:
    rows = [["a", "kind"], *[[number % 7, "red" if number % 7 > 3 else "blue"] for number in range(60)]]
    done = fit(write_rows(tmp_path / "old.xlsx", rows), "kind", tmp_path / "r.xlsx", overrides=["runs.epochs=2"])
    new = write_rows(tmp_path / "new.xlsx", [["a", "kind"], [1, "red"], [2, "green"], [3, "blue"]])
    doubts = [str(doubt) for doubt in predict(done.model, new).report.doubts]
    assert any("B3: the label 'green' of 'kind' was not there in training" in doubt for doubt in doubts)


def test_a_cell_that_cannot_be_read_is_told_as_such(
    done: Fit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    new_book(tmp_path / "new.xlsx", C2="n/a?", C4="heavy", B3="=1/0", B5=None)
    assert run(["predict", str(done.results), "new.xlsx", "--mark", "marked", "-o", "out.xlsx"]) == 0
    said = capsys.readouterr().out
    assert "size that could not be read (2)" in said
    assert "empty unit price (1)" in said
    told = warnings(predict(done.model, "new.xlsx"))
    assert told[1] == "size could not be read: expected a number in 'size', got 'n/a?'"
    assert "got 'heavy'" in str(told[3])
    assert str(told[2]).startswith("unit price could not be read: the cell holds")
    assert told[4] == "unit price is empty: never so in training"
    page = openpyxl.load_workbook("marked/new.xlsx")["Sales"]
    comments = {cell.coordinate: cell.comment.text for row in page.iter_rows() for cell in row if cell.comment}
    assert "got 'n/a?'" in comments["C5"]
    assert [cell for cell, words in comments.items() if "is empty" in words] == ["B8"]


def test_where_the_target_is_filled_in_it_is_said_how_well_it_was_predicted(
    both: Fit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = rows_of(20, 3)
    for row in rows[12:]:
        row[5] = None
    rows[0][4] = "never seen"
    write_rows(tmp_path / "new.xlsx", [HEAD, *rows])
    assert run(["predict", str(both.results), "new.xlsx", "-o", "out.xlsx"]) == 0
    said = capsys.readouterr().out.splitlines()
    lines = [next(line for line in said if line.startswith(f"{name}: ")) for name in ("price", "kind")]
    assert "12 rows hold the true value" in lines[0]
    assert "out of fold in training mae" in lines[0]
    assert "20 rows" in lines[1]
    page = openpyxl.load_workbook("out.xlsx")["Drift report"]
    assert {page.cell(3, 1).value, page.cell(4, 1).value} == set(lines)
    table = predict(both.results, "new.xlsx").table.data
    off = np.abs(np.array([row[5] for row in rows[:12]]) - table.column("price prediction").to_numpy()[:12])
    kinds = table.column("kind prediction").to_pylist()
    right = np.mean([row[4] == each for row, each in zip(rows, kinds, strict=True)])
    assert run(["predict", str(both.results), "new.xlsx", "-o", "out.csv", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["actual"]
    assert found["price"]["mae"] == pytest.approx(off.mean())
    assert found["price"]["median_absolute_error"] == pytest.approx(np.median(off))
    best = next(each.best for each in both.result.targets if each.target == "price")
    assert found["price"]["trained"]["mae"] == pytest.approx(best.metrics["mae"].value)
    assert found["kind"]["accuracy"] == pytest.approx(right)
    assert right < 1
    assert predict(both.results, new_book(tmp_path / "open.xlsx")).actual.keys() == {"kind"}


def test_an_alias_of_a_column_that_only_the_job_has_is_passed_over(done: Fit, tmp_path: Path) -> None:
    book = new_book(tmp_path / "new.xlsx")
    found = predict(done.results, book, aliases=["kind=sort"])
    assert any(str(doubt).startswith("--alias kind=sort: is of no column") for doubt in found.report.doubts)
    with pytest.raises(ConfigError, match="colour"):
        predict(done.results, book, aliases=["colour=sort"])
