"""What pictures show, as data: every golden workbook, and that the comparison finds what is wrong."""

from pathlib import Path

import pytest

from tests.excel.shot import golden_books, golden_pivots  # noqa: F401  (the second fills GOLDEN too)
from tests.excel.shot.golden import GOLDEN, Golden, differences


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: case.name)
def test_shows_what_excel_shows(case: Golden, tmp_path: Path) -> None:
    found = list(differences(case.draw(tmp_path), case))
    assert not found, "\n".join(found)


def test_the_comparison_says_what_differs(tmp_path: Path) -> None:
    wrong = Golden(
        "wrong", golden_books._solid, "S!A1:B2", {"A1": {"fill": "FFEB84"}, "C9": {"text": ""}}, {"width": 9}
    )
    assert list(differences(wrong.draw(tmp_path), wrong)) == [
        "width should be 9, is 129",
        "cell A1: fill should be FFEB84, is FFC000",
        "cell C9: is not in the picture",
    ]
