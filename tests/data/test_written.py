"""How finely numbers are written, and what follows from it."""

import numpy as np
import pytest

from xltrain.data.written import as_written, decimals_of, nearest_written, outwards, rounding, tolerance, undone
from xltrain.report.reasons import plain

NAN = float("nan")


@pytest.mark.parametrize(
    ("values", "decimals"),
    [
        ([0.0, 5, 3, NAN], 0),
        ([12.2, 14.25, 19.35], 2),
        ([1e6 + 0.1, 2e6, 0.1 + 0.2], 1),
        ([1 / 3, 2 / 3, np.pi], None),
        ([1.0] * 99 + [0.123], 0),  # one measured value is no finer column
        ([NAN], None),
        ([1e300, -1e300], 0),
    ],
)
def test_decimals_are_learnt_from_the_column(values: list[float], decimals: int | None) -> None:
    assert decimals_of(np.array(values)) == decimals
    assert rounding(np.array(values)) == (0 if decimals is None else pytest.approx(0.5 * 10.0**-decimals))


def test_measured_numbers_have_the_tolerance_of_arithmetic_alone() -> None:
    values = np.array([1 / 3, 1e6 / 7, NAN])
    assert (tolerance(values)[:2] < 1e-8 * values[:2]).all()
    assert tolerance(np.array([0.1, 0.2]))[0] >= 0.05


def test_a_price_is_the_nearest_that_there_is() -> None:
    values = np.repeat([12.2, 14.25, 19.35], [50, 30, 20])
    values[0], values[1] = 12.3, 122.0  # slips part no prices
    asked = [12.2, 122.0, 13.2, 13.3, 11.5, 12.2, 15.0, 18.9, 15.0]
    at = [0, 1, 2, 3, 4, 60, 61, 90, 91]
    said = values.copy()
    said[at] = asked
    found = nearest_written(values, said)
    assert found[at].tolist() == [False, False, True, False, True, False, True, True, False]
    measured = np.random.default_rng(0).normal(size=200)
    assert not nearest_written(measured, measured + 0.1).any()


def test_ranges_are_shown_rounded_outwards() -> None:
    low, high = outwards(
        np.array([12.1837, 240.0, 12.2, -3.14159, 0.0]), np.array([12.1838, 290.0, 12.2, -3.14151, 0.0])
    )
    assert [plain(each) for each in low] == ["12.18", "240", "12.20", "-3.142", "0"]
    assert [plain(each) for each in high] == ["12.19", "290", "12.20", "-3.141", "0"]
    assert [float(each) for each in outwards(np.array(3.2), np.array(3.2), dated=True)] == [3, 4]
    tiny, huge = outwards(np.array(1.2345e-7), np.array(1.2345e12))
    assert (plain(float(tiny)), plain(float(huge))) == ("1.23e-07", "1,234,500,000,000")
    assert all(np.isnan(outwards(np.array(NAN), np.array(NAN))))


def test_a_factor_is_undone_where_the_column_could_hold_what_it_leaves() -> None:
    codes = np.arange(6.0)
    assert np.isnan(undone(np.array([32.0, 33.8, 41.0]), 60, codes)).all()
    assert np.isnan(undone(np.array([32.0, 41.0]), 10, codes)).all()
    assert undone(np.array([32.0, 33.8, 41.0]), 1.8, codes, 32).tolist() == [0, 1, 5]
    assert np.isnan(undone(np.array([90.0]), 10, codes)).all()  # 9 is no code
    # Pounds in a column of whole kilograms: each typed as a whole number as well.
    assert undone(np.array([154.0, 176.0]), 2.20462, np.array([60.0, 70, 80])).tolist() == [70, 80]
    measured = np.array([1 / 3, np.pi])
    assert undone(measured * 25.4, 25.4, measured) == pytest.approx(measured)


def test_what_a_column_holds() -> None:
    assert as_written(3.74, None)
    assert as_written(3.74, 2)
    assert not as_written(3.74, 0)
