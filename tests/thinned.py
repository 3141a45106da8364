"""Long lists of cases: every third in the default suite, all of them in `make test-all`."""

from collections.abc import Iterable
from typing import Any

import pytest

EVERY = 3


def thinned(cases: Iterable[Any], every: int = EVERY) -> list[Any]:
    """The cases, of which all but every third are slow; one of several values is a tuple."""
    return [
        case
        if number % every == 0
        else pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=pytest.mark.slow)
        for number, case in enumerate(cases)
    ]
