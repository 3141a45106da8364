"""What a mistyped number was meant to be."""

import pytest

from xltrain.data.slips import slip_of, swapped


@pytest.mark.parametrize(
    ("value", "low", "high", "meant"),
    [
        (9990, 240, 1100, ("factor", 10.0, 999.0)),
        (2.65, 240, 290, ("factor", 0.01, 265.0)),
        (-265, 240, 290, ("sign", -1.0, 265.0)),
        (625, 240, 290, ("swapped", 1.0, 265.0)),
    ],
)
def test_a_slip_is_found_by_what_would_fit(
    value: float, low: float, high: float, meant: tuple[str, float, float]
) -> None:
    assert slip_of(value, low, high) == meant


@pytest.mark.parametrize(
    ("value", "low", "high"), [(500, 240, 290), (0, 240, 290), (9990, -5000, 1100), (291, 240, 290)]
)
def test_no_slip_is_made_up(value: float, low: float, high: float) -> None:
    assert slip_of(value, low, high) is None


def test_a_slip_leaves_a_number_such_as_the_column_holds() -> None:
    assert slip_of(37.4, 1, 5) == ("factor", 10.0, 3.74)
    assert slip_of(37.4, 1, 5, decimals=0) is None
    assert slip_of(40, 1, 5, decimals=0) == ("factor", 10.0, 4.0)


def test_neighbouring_digits_are_swapped_one_pair_at_a_time() -> None:
    assert list(swapped(625)) == [265, 652]
    assert list(swapped(-1.5)) == [-5.1]
    assert not list(swapped(1e300))
