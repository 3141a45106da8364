"""Wrong cells found without a target, and those that share a cause."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy.stats import binom

from tests.gauges import FORCE, GAUGE, HEAT, LENGTH, WEIGHT, Log, gauge_log
from xltrain.config.settings import Column
from xltrain.data.columns import infer
from xltrain.data.store import from_pandas
from xltrain.data.table import Control
from xltrain.engine.additive import CATEGORIES, Cells
from xltrain.engine.audit import LIKELY, audit, odd_cells
from xltrain.engine.audited import Audit
from xltrain.engine.chance import log_chance
from xltrain.engine.standstill import standstills
from xltrain.place import Place


def audited(log: Log | pd.DataFrame, *columns: Column) -> Audit:
    table = from_pandas(log.frame if isinstance(log, Log) else log)
    return audit(table, infer(table, columns))


def named(found: Audit) -> set[tuple[int, str]]:
    return {(each.row, each.column) for each in found.cells[: found.worth]}


@pytest.mark.parametrize("seed", range(4))
def test_clean_rows_raise_nothing(seed: int) -> None:
    found = audited(gauge_log(seed=seed))
    assert found.worth <= 1
    assert not found.findings
    assert len(found.cells) >= 50  # the oddest are listed all the same


def test_wrong_cells_are_named_with_what_was_expected() -> None:
    log = gauge_log().tenfold()
    found = audited(log)
    assert set(log.truth) <= named(found)
    assert found.worth <= len(log.truth) + 3
    for each in found.cells[: found.worth]:
        if (each.row, each.column) in log.truth:
            right = log.frame.at[each.row, WEIGHT] / 10
            assert each.low < each.high < 5 * right
            assert each.suggested == pytest.approx(right)


def test_two_wrong_cells_of_a_row_are_both_named() -> None:
    log = gauge_log()
    for row in range(5, 1200, 120):
        log.put(row, WEIGHT, log.frame.at[row, WEIGHT] * 10, "one")
        log.put(row, FORCE, log.frame.at[row, FORCE] / 100, "other")
    assert set(log.truth) <= named(audited(log))


def test_a_gauge_that_showed_inches_for_some_days_is_one_finding() -> None:
    log = gauge_log().inches()
    finding = audited(log).findings[0]
    assert (finding.kind, finding.columns, finding.factor) == ("factor", (GAUGE,), pytest.approx(1 / 25.4))
    where = dict(finding.where)
    assert where["gauge"] == "G3"
    assert where["date"].startswith("2026-03-21")
    assert finding.fixable
    assert finding.alike == len(finding.cells) <= finding.inside


def test_a_factor_anywhere_is_one_finding_whatever_the_column() -> None:
    log = gauge_log().tenfold()
    for row in range(20, 1100, 120):
        log.put(row, FORCE, log.frame.at[row, FORCE] * 10, "tenfold")
    found = audited(log)
    (finding,) = [each for each in found.findings if each.kind == "factor"]
    assert finding.columns == (WEIGHT, FORCE)
    assert finding.factor == 10
    assert len(finding.cells) >= 0.9 * len(log.truth)


def test_swapped_columns_are_put_back() -> None:
    log = gauge_log().swapped()
    found = audited(log)
    finding = next(each for each in found.findings if each.kind == "swapped")
    assert finding.columns == (GAUGE, LENGTH)
    assert len(finding.cells) >= 8
    for index in finding.cells:
        cell = found.cells[index]
        other = LENGTH if cell.column == GAUGE else GAUGE
        assert (cell.row, cell.column) in log.truth
        assert cell.suggested == log.frame.at[cell.row, other]
        assert cell.finding == finding.number


def test_shifted_columns_are_put_back() -> None:
    log = gauge_log()
    columns = [GAUGE, LENGTH, WEIGHT, HEAT]
    for row in range(11, 1100, 120):
        right = log.frame.loc[row, columns].tolist()
        for name, value in zip([LENGTH, WEIGHT, HEAT, FORCE], right, strict=True):
            log.put(row, name, value, "shifted")
        log.put(row, GAUGE, 1.0, "shifted")
    found = audited(log)
    shifted = [each for each in found.findings if each.kind == "shifted"]
    assert shifted
    assert all(each.factor == 1 for each in shifted)
    for index in shifted[0].cells:
        cell = found.cells[index]
        after = {GAUGE: LENGTH, LENGTH: WEIGHT, WEIGHT: HEAT, HEAT: FORCE}[cell.column]
        assert cell.suggested == log.frame.at[cell.row, after]


def test_an_operator_who_misreads_is_one_finding() -> None:
    found = audited(gauge_log().operator())
    finding = next(each for each in found.findings if each.kind == "where")
    assert finding.columns == (FORCE,)
    assert finding.where == (("operator", "Ben"),)
    assert not finding.fixable
    assert len(finding.cells) >= 10


def test_a_reading_that_stood_still_is_one_finding() -> None:
    log = gauge_log().stuck()
    found = audited(log)
    finding = next(each for each in found.findings if each.kind == "run")
    assert finding.columns == (HEAT,)
    assert finding.limit == 22.37
    assert {found.cells[index].row for index in finding.cells} == set(range(600, 611))


def test_values_that_repeat_by_nature_are_no_runs() -> None:
    rng = np.random.default_rng(0)
    daily = np.repeat(rng.normal(10, 1, 60), 20)  # a rate that holds all day
    rows = np.arange(len(daily), dtype=np.int32)
    assert not list(standstills(daily, np.zeros(len(daily), np.int32), rows))
    wild = rng.normal(10, 1, 1200)
    wild[300:308] = 10.25
    (found,) = standstills(wild, np.zeros(1200, np.int32), rows)
    assert found[0].tolist() == list(range(300, 308))
    assert found[1] > 0.99
    parted = (rows >= 304).astype(np.int32)  # a sheet ends in between
    assert not list(standstills(wild, parted, rows))


def test_limits_are_sure_and_several_are_one_finding() -> None:
    log = gauge_log()
    limited = Column(HEAT, min=19.5), Column("gauge", allowed=("G1", "G2", "G3", "G4", "G5", "G6", "G7"))
    found = audited(log, *limited)
    cold = set(np.flatnonzero(log.frame[HEAT] < 19.5).tolist())
    told = {each.row for each in found.cells if each.rule == "min"}
    assert told == cold
    assert all(each.score == 1 for each in found.cells if each.rule)
    assert {(each.kind, each.rule) for each in found.findings} >= {("limit", "min"), ("limit", "allowed")}
    by_name = {each.name: each for each in found.columns}
    assert by_name[HEAT].beyond == len(cold)
    assert by_name["gauge"].beyond == (log.frame["gauge"] == "G8").sum()


def test_rows_found_right_are_not_raised_again() -> None:
    log = gauge_log().tenfold()
    table = from_pandas(log.frame)
    kept = np.array([row for row, _ in log.truth][:3], np.int64)
    found = audit(table, infer(table, ()), kept=kept)
    assert not {each.row for each in found.cells} & set(kept.tolist())


def test_totals_that_do_not_agree_are_findings() -> None:
    log = gauge_log(60)
    table = from_pandas(log.frame)
    control = Control(Place("a.xlsx", "S", 62, 5), "Total", WEIGHT, 10.0, 12.0, 2, 61, False)
    agreeing = Control(Place("a.xlsx", "S", 62, 6), "Total", FORCE, 10.0, 10.0, 2, 61, True)
    found = audit(table, infer(table, ()), [control, agreeing])
    assert [each.control for each in found.findings if each.kind == "total"] == [control]


@pytest.mark.parametrize("rows", [0, 1, 5, 20])
def test_few_rows_are_no_trouble(rows: int) -> None:
    assert audited(gauge_log(30).frame.head(rows)).worth <= 1


def test_columns_of_no_use_are_no_trouble() -> None:
    frame = pd.DataFrame({"a": [None] * 40, "b": [1] * 40, "c": [f"key {each}" for each in range(40)]})
    found = audited(frame)
    assert found.worth == 0
    assert all(np.isnan(each.told) for each in found.columns)
    only = pa.table({"x": pa.array(np.arange(40.0))}).to_pandas()
    assert audited(only).worth == 0


@pytest.mark.parametrize(("hits", "of", "share"), [(3, 3, 0.1), (10, 15, 0.15), (4, 10, 0.1), (100, 1000, 0.05)])
def test_chance_is_a_close_upper_bound(hits: int, of: int, share: float) -> None:
    exact = binom.logsf(hits - 1, of, share)
    assert exact - 1e-9 <= float(log_chance(hits, of, share)) <= exact + 0.1
    assert float(log_chance(0, of, share)) == 0


def test_classes_that_merely_overlap_are_not_wrong() -> None:
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 3, 300)
    frame = pd.DataFrame({"a": 2 * kind + rng.normal(0, 0.9, 300), "b": rng.normal(size=300) - kind})
    frame["kind"] = np.array(["u", "v", "w"])[kind]
    assert audited(frame).worth <= 1


def test_a_value_that_few_rows_have_is_judged_though_the_column_has_few_values() -> None:
    rng = np.random.default_rng(0)
    values = rng.choice([0.1, 0.25, 0.4], 600)
    frame = pd.DataFrame({"share": values, "load": 10 * values + rng.normal(0, 0.3, 600), "c": rng.normal(size=600)})
    wrong = rng.permutation(600)[:14]
    frame.loc[wrong, "share"] *= 10
    hits = [each for each in audited(frame).cells[:14] if each.column == "share" and each.row in set(wrong.tolist())]
    assert len(hits) >= 12


def test_more_categories_than_the_models_tell_apart_make_no_others_odd() -> None:
    rng = np.random.default_rng(0)
    branch = rng.permutation(np.repeat(np.arange(CATEGORIES + 4), 100))
    size = 100 + 10.0 * (branch * 7 % 31)
    sales = size * np.exp(rng.normal(0, 0.1, len(branch)))
    names = tuple(f"{each:03}" for each in range(CATEGORIES + 4))
    found, _ = odd_cells(
        [
            Cells("branch", branch.astype(float), names),
            Cells("region", (branch % 4).astype(float), ("east", "north", "south", "west")),
            Cells("size", size),
            Cells("sales", sales),
        ]
    )
    assert not [each for each in found if each.score >= LIKELY and each.column in ("branch", "region")]


def coded(rows: int = 400) -> pd.DataFrame:
    """A column of codes, which the others tell."""
    rng = np.random.default_rng(0)
    code = rng.integers(0, 6, rows).astype(float)
    a, b = code * 3 + rng.normal(0, 0.6, rows), 40 - code * 2 + rng.normal(0, 0.5, rows)
    return pd.DataFrame({"a": a, "b": b, "code": code, "c": rng.normal(0, 1, rows)})


def test_degrees_are_put_back_to_the_codes_that_they_were() -> None:
    frame = coded()
    right = frame["code"].copy()
    frame.loc[100:124, "code"] = frame.loc[100:124, "code"] * 1.8 + 32
    found = audited(frame, Column("code", type="numeric"))
    (finding,) = found.findings
    assert (finding.kind, finding.columns, finding.offset) == ("factor", ("code",), 32)
    for index in finding.cells:
        cell = found.cells[index]
        assert cell.suggested == right[cell.row]
    assert len(finding.cells) == 25


def test_no_factor_is_suggested_that_leaves_what_the_column_never_holds() -> None:
    frame = coded()
    frame.loc[100:124, "code"] = frame.loc[100:124, "code"] * 1.7 + 31
    found = audited(frame, Column("code", type="numeric"))
    assert not any(each.kind == "factor" for each in found.findings)
    assert found.worth >= 25
    assert all(cell.suggested is None for cell in found.cells if cell.column == "code")


def test_cells_where_they_were_expected_are_not_listed() -> None:
    rng = np.random.default_rng(0)
    size = rng.normal(50, 10, 400).round(2)
    log = pd.DataFrame(
        {"size": size, "price": 2 * size + rng.normal(0, 4, 400).round(1), "noise": rng.normal(0, 1, 400)}
    )
    found = audited(log)
    assert found.worth == 0
    assert len(found.cells) > 20  # the oddest are listed all the same
    for cell in found.cells:
        assert not cell.low <= log.at[cell.row, cell.column] <= cell.high
