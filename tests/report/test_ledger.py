"""samples.parquet and the Samples sheet: what is known of each row stands there, and what is not leaves no column."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pyarrow.parquet as pq
import pytest

from tests.report.make import made_job, made_merge, made_result, made_table, made_target
from tests.thinned import thinned
from xltrain import language
from xltrain.data.fingerprint import fingerprints
from xltrain.engine.result import Dynamics, Suspects, TargetResult
from xltrain.language import label
from xltrain.report import samples
from xltrain.report.ledger import write_ledger
from xltrain.report.workbook import write_results

pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported")
ALWAYS = ["file", "sheet", "row", "column", "cell", "run", "fold", "target", "prediction", "loss", "percentile"]


def parquet(folder: Path, *targets: TargetResult) -> list[dict[str, Any]]:
    write_ledger(folder / "s.parquet", made_result(*targets), made_table())
    found: list[dict[str, Any]] = pq.read_table(folder / "s.parquet").to_pylist()
    return found


def whole(classes: Sequence[str] = (), name: str = "price") -> TargetResult:
    """A target of whose rows everything is known."""
    target = made_target(made_table(), classes, name)
    rows = len(target.ledger.target)
    numbers = np.arange(rows, dtype=np.float64)
    told = Dynamics(numbers, numbers + 1, numbers + 2, np.where(numbers == 5, np.nan, 3), np.zeros(rows))
    ledger = replace(target.ledger, dynamics=told)
    if classes:
        ledger = replace(ledger, margin=numbers / rows)
    else:
        extra = {"quantile 0.1": numbers - 1, "predicted spread": numbers * 2}
        ledger = replace(ledger, low=numbers - 9, high=numbers + 9, extra=extra)
    return replace(target, ledger=ledger, kept={"second": replace(ledger, loss=ledger.loss * 2)})


def test_what_is_not_known_has_no_column(tmp_path: Path) -> None:
    found = parquet(tmp_path, made_target(made_table()))
    assert list(found[0]) == [*ALWAYS, "scored_by", "fingerprint"]


def test_everything_of_a_number(tmp_path: Path) -> None:
    found = parquet(tmp_path, whole())
    assert len(found) == 120
    one = found[5]
    assert (one["run"], one["low"], one["high"], one["early_loss"], one["mean_loss"]) == ("best", -4, 14, 5, 6)
    assert (one["loss_spread"], one["first_learnt"], one["forgotten"]) == (7, None, 0)
    assert (one["quantile 0.1"], one["predicted spread"]) == (4, 10)
    assert "margin" not in one
    assert one["fingerprint"] == fingerprints(made_table())[5].as_py()
    assert found[65]["run"] == "second"
    assert found[65]["loss"] == 2 * one["loss"]
    assert (found[65]["cell"], found[65]["file"]) == (one["cell"], one["file"])


def test_everything_of_classes_beside_a_number(tmp_path: Path) -> None:
    found = parquet(tmp_path, whole(), whole(("no", "yes"), "kind"))
    one = found[120]
    assert one["column"] == "kind"
    assert one["probability: no"] + one["probability: yes"] == pytest.approx(1)
    assert found[0]["probability: no"] is None
    assert found[121]["margin"] == pytest.approx(1 / 60)
    assert one["target"] in ("no", "yes")
    assert isinstance(found[0]["target"], str)


@pytest.mark.parametrize("classes", [(), ("no", "yes")])
def test_suspects_stand_by_the_winner_alone(tmp_path: Path, classes: tuple[str, ...]) -> None:
    target = whole(classes, "kind" if classes else "price")
    none, score = np.full(60, np.nan), np.linspace(0, 1, 60)
    odd, order = np.where(np.arange(60) == 3, 1, -1), np.array([59])
    suggested = np.where(np.arange(60) == 3, 1.0, np.nan) if classes else none
    suspects = Suspects(
        score,
        order,
        suggested,
        score,
        ("a", "b"),
        odd,
        none,
        none,
        none,
        ("",),
        none,
        none,
        np.zeros((1, 3), int),
        ((),),
    )
    judged = replace(target, suspects=suspects)
    headers = [header for header, *_ in samples._columns(judged, np.arange(60))]
    assert (label("suspect_score") in headers, len(headers)) == (True, len(samples._columns(target, np.arange(60))) + 1)
    found = parquet(tmp_path, judged)
    assert found[59]["suspect"] == 1
    assert [row["odd_column"] for row in found[2:5]] == [None, "b", None]
    assert found[60]["suspect"] is None
    if classes:
        assert [row["suggested"] for row in found[2:5]] == [None, "yes", None]
    else:
        assert "suggested" not in found[0]


@pytest.mark.parametrize(
    ("classes", "tongue"), thinned(product([(), ("a", "b", "c"), tuple(map(str, range(30)))], ["en", "zh"]))
)
def test_the_sheet_says_what_each_loss_is(tmp_path: Path, classes: tuple[str, ...], tongue: str) -> None:
    target = whole(classes, "kind" if classes else "price")
    with language.using(tongue):
        path = tmp_path / "results.xlsx"
        write_results(
            path,
            made_job(tmp_path),
            made_result(target),
            made_table(),
            made_merge(),
            job_sheets=lambda book: book.add_worksheet(label("Job")),
            samples_file="results/samples.parquet",
        )
        sheet = openpyxl.load_workbook(path)[label("Samples")]
        heads = [cell.value for cell in sheet[4]]
        words = ["out_of_fold_loss", "early_loss", "mean_loss", "first_learnt", "forgotten"]
        words += ["margin"] if classes else ["expected_low", "expected_high", "predicted_spread"]
        assert {label(word) for word in words} <= set(heads)
        assert (f"{label('quantile')} 0.1" in heads) == (not classes)
        shares = [head for head in heads if head and head.startswith(f"{label('probability')} ")]
        assert len([head for head in shares if head.split(" ")[-1] in classes]) == (3 if len(classes) == 3 else 0)
        assert label("loss") not in heads
        assert "second" in sheet["A2"].value
        noted = [cell.value for cell in sheet[4] if cell.comment]
        assert {label(word) for word in words} <= set(noted)
        worst = int(np.argmax(target.ledger.loss))
        place = heads.index(label("early_loss")) + 1
        assert sheet.cell(5, place).value == worst
