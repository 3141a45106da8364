"""What the default job reaches on data that are at hand, beside boosted trees and a linear model on the same folds.

    python -m tests.bench.accuracy             all data: about a quarter of an hour on two cores
    python -m tests.bench.accuracy concrete    some of them

The job is what `xltrain fit BOOK --target T` makes of the data, with no option but the target. Numbers are out of fold.
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn import datasets

from tests.shared import _ROOT

SHARED = {
    "concrete": ("uci/concrete.xls", "Concrete compressive strength"),
    "energy Y1": ("uci/energy_efficiency_ENB2012.xlsx", "Y1"),
    "energy Y2": ("uci/energy_efficiency_ENB2012.xlsx", "Y2"),
    "raisin": ("uci/raisin.xlsx", "Class"),
    "power plant": ("uci/ccpp_folds5x2.xlsx!Sheet1", "PE"),
}
BUNDLED = ("diabetes", "breast_cancer", "wine", "digits")


def main(wanted: list[str]) -> None:
    print("| data | rows | metric | linear | boosted trees | default job | winner | seconds |")
    print("|---|---:|---|---:|---:|---:|---|---:|")
    with tempfile.TemporaryDirectory() as folder:
        for name, source, target in _data():
            if not wanted or name in wanted:
                _measure(name, source, target, Path(folder) / f"{name}.xlsx")


def _measure(name: str, source: Any, target: str, output: Path) -> None:
    from xltrain.workflow.fit import fit

    began = time.perf_counter()
    found = fit(source, target, output).result.targets[0]
    seconds = time.perf_counter() - began
    values = [found.baselines[each][found.metric].value for each in ("linear", "boosted_trees")]
    values.append(found.best.metrics[found.metric].value)
    shown = " | ".join(f"{value:.4g}" for value in values)
    rows = len(found.ledger.target)
    print(f"| {name} | {rows} | {found.metric} | {shown} | {found.winner} | {seconds:.0f} |", flush=True)


def _data() -> Iterator[tuple[str, Any, str]]:
    for name, (path, target) in SHARED.items():
        if (_ROOT / path.partition("!")[0]).exists():
            yield name, str(_ROOT / path), target
    for name in BUNDLED:
        found = getattr(datasets, f"load_{name}")()
        frame = pd.DataFrame(found.data, columns=[str(each) for each in getattr(found, "feature_names", range(64))])
        classes = getattr(found, "target_names", None)
        words = classes is not None and not np.issubdtype(np.asarray(classes).dtype, np.number)
        frame["target"] = np.asarray(classes)[found.target] if words else found.target
        if name == "digits":
            frame["target"] = [f"digit {each}" for each in found.target]
        yield name, frame, "target"


if __name__ == "__main__":
    main(sys.argv[1:])
