"""Where the real workbooks lie that nobody here wrote: XLTRAIN_DATA, or `shared/data` beside the checkout."""

import os
from pathlib import Path

import pytest

_ROOT = Path(os.environ.get("XLTRAIN_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


def shared(name: str) -> Path:
    """The real workbook `name`; skips the test where it is missing."""
    path = _ROOT / name
    if not path.exists():
        pytest.skip(f"{name}: no folder of real workbooks here (set XLTRAIN_DATA)")
    return path
