"""How well suspects find planted errors, beside cleanlab's scores of the same out-of-fold predictions.

    python -m tests.bench.suspects                 all data, ten seeds: about a quarter of an hour
    python -m tests.bench.suspects 3 wine diabetes  three seeds, some of them

Wrong labels: 5 % or 20 % of the rows get another class. Typing errors stand in 5 % of the rows, in the target or in one
cell of a feature: a factor of ten, two digits swapped, the decimal point moved, another unit (inch for cm).
A job of one small network with five folds gives the out-of-fold predictions. cleanlab is shown the better of its own
scores on each line: self_confidence or normalized_margin (labels), outre or residual (numbers), and for errors in
features its out-of-distribution score too. `cell` is the share of the planted cells that were named to the cell.
"""

import sys
import warnings
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
import pyarrow as pa
from sklearn import datasets
from sklearn.metrics import average_precision_score

from tests.engine import make
from tests.shared import _ROOT
from xltrain.engine import outcome

SHARED = {
    "concrete": ("uci/concrete.xls", 0, "strength"),
    "energy": ("uci/energy_efficiency_ENB2012.xlsx", 0, "Y1"),
    "raisin": ("uci/raisin.xlsx", 0, "Class"),
    "power plant": ("uci/ccpp_folds5x2.xlsx", 0, "PE"),
}
BUNDLED = ("iris", "wine", "breast_cancer", "digits", "diabetes")
TYPOS = ("factor 10", "swapped digits", "decimal point", "wrong unit")
MOST = 1000  # rows of a data set
SHARE = 0.05


@dataclass(frozen=True)
class Planted:
    """A frame with errors, which rows have one, and in which column."""

    frame: pd.DataFrame
    wrong: Any
    column: Any


def main(arguments: list[str]) -> None:
    seeds = int(arguments[0]) if arguments and arguments[0].isdigit() else 10
    wanted = [each for each in arguments if not each.isdigit()]
    print("| errors | data | xltrain | cleanlab | which | cell |")
    print("|---|---|---:|---:|---|---:|")
    told: dict[str, list[tuple[float, float]]] = {}
    for name in (*BUNDLED, *SHARED):
        if (wanted and name not in wanted) or frame_of(name) is None:
            continue
        for kind in kinds(name):
            found = [score(name, kind, seed) for seed in range(seeds)]
            ours = float(np.mean([each[0] for each in found]))
            cell = float(np.mean([each[1] for each in found]))
            theirs = {each: float(np.mean([one[2][each] for one in found])) for each in found[0][2]}
            best = max(theirs, key=lambda each: theirs[each])
            told.setdefault(kind, []).append((ours, theirs[best]))
            shown = "" if cell != cell else f"{cell:.2f}"
            print(f"| {kind} | {name} | {ours:.3f} | {theirs[best]:.3f} | {best} | {shown} |", flush=True)
    for kind, pairs in told.items():
        mean, other = np.mean(pairs, 0)
        behind = max(theirs - ours for ours, theirs in pairs)
        print(f"| {kind} | mean of {len(pairs)} | {mean:.3f} | {other:.3f} | furthest behind {behind:.3f} | |")


def kinds(name: str) -> list[str]:
    """Which errors are planted: `labels 5 %`, `target: factor 10`, `feature: swapped digits`."""
    frame = frame_of(name)
    features = [] if name == "digits" else [f"feature: {each}" for each in TYPOS]
    if frame is not None and frame["target"].dtype.kind in "fi":
        return [f"target: {each}" for each in TYPOS] + features
    return ["labels 5 %", "labels 20 %", *features]


@cache
def frame_of(name: str) -> pd.DataFrame | None:
    """The data with their target last; None where the folder of real workbooks is missing."""
    if name in SHARED:
        file, sheet, target = SHARED[name]
        if not (_ROOT / file).exists():
            return None
        frame = pd.read_excel(_ROOT / file, sheet_name=sheet).dropna(axis=1, how="all").dropna()
        found = next(column for column in frame if target in str(column))
        frame = frame.rename(columns={found: "target"})
        if name == "energy":
            frame = frame.drop(columns="Y2")
    else:
        loaded = getattr(datasets, f"load_{name}")(**({"scaled": False} if name == "diabetes" else {}))
        frame = pd.DataFrame(loaded.data, columns=[str(each) for each in getattr(loaded, "feature_names", range(64))])
        frame["target"] = loaded.target if name == "diabetes" else [f"class {each}" for each in loaded.target]
    frame = frame[[column for column in frame if column != "target"] + ["target"]]
    return frame.sample(min(MOST, len(frame)), random_state=0).reset_index(drop=True)


def plant(frame: pd.DataFrame, kind: str, seed: int) -> Planted:
    """A copy with errors in some rows."""
    rng = np.random.default_rng(seed)
    frame = frame.copy()
    rows = len(frame)
    share = 0.2 if "20 %" in kind else SHARE
    wrong = np.zeros(rows, bool)
    column = np.full(rows, -1)
    chosen = rng.permutation(rows)
    count = round(share * rows)
    where, _, typo = kind.partition(": ")
    names = list(frame)
    if not typo:
        labels = frame["target"].unique()
        for row in chosen[:count]:
            frame.loc[row, "target"] = rng.choice([each for each in labels if each != frame.loc[row, "target"]])
            wrong[row], column[row] = True, len(names) - 1
        return Planted(frame, wrong, column)
    able = [name for name in names[:-1] if frame[name].nunique() > 2] if where == "feature" else ["target"]
    for name in able:
        frame[name] = frame[name].astype(float)
    for row in chosen:
        name = str(rng.choice(able))
        value = float(frame.at[row, name])
        changed = mistyped(value, typo, rng)
        if changed != value:
            frame.at[row, name] = changed
            wrong[row], column[row] = True, names.index(name)
        if wrong.sum() == count:
            break
    return Planted(frame, wrong, column)


def mistyped(value: float, typo: str, rng: np.random.Generator) -> float:
    """A number as somebody would have typed it; itself where this error cannot happen to it."""
    if typo == "factor 10":
        return value * 10
    if typo == "decimal point":
        return value * float(rng.choice([0.01, 0.1, 10, 100]))
    if typo == "wrong unit":
        return value * float(rng.choice([2.54, 1 / 2.54, 2.2046, 0.4536]))
    shown = f"{value:.6g}"
    digits = [at for at, sign in enumerate(shown) if sign.isdigit()]
    pairs = [pair for pair in pairwise(digits) if shown[pair[0]] != shown[pair[1]]]
    if not pairs or "e" in shown:
        return value
    one, other = pairs[0]  # the leading digits: the last ones of a long number are lost in its noise
    signs = list(shown)
    signs[one], signs[other] = signs[other], signs[one]
    return float("".join(signs))


def fitted(planted: Planted, seed: int) -> Any:
    """The result of one small job on the target."""
    table = make.table({str(name): pa.array(planted.frame[name]) for name in planted.frame})
    run = make.run(model="mlp(64, 64)", loss="", optimizer="adamw(lr=3e-3)", epochs=40, batch_size=32)
    run = replace(run, loss=make.parse_loss("huber" if planted.frame["target"].dtype.kind in "fi" else "cross_entropy"))
    asked = make.job(run, target="target", folds=5, seed=seed)
    # Baselines and importance take most of a small fit, and nothing here asks for them.
    with (
        patch.object(outcome, "baselines", lambda *_: ({}, [])),
        patch.object(outcome, "importance_of", lambda *_: None),
    ):
        return make.train(table, asked, precision="float32").result.targets[0]


def score(name: str, kind: str, seed: int) -> tuple[float, float, dict[str, float]]:
    """Average precision of ours, the share of cells named, and average precision of each of cleanlab's scores."""
    frame = frame_of(name)
    assert frame is not None
    planted = plant(frame, kind, seed)
    target = fitted(planted, seed)
    suspects = target.suspects
    ours = precision(planted.wrong, suspects.score)
    cell = float("nan")
    if kind.startswith(("feature", "target")):
        names = [suspects.columns[each] if each >= 0 else "" for each in suspects.odd_column]
        wanted = np.array(list(planted.frame), object)[planted.column]
        cell = float(np.mean((np.array(names, object) == wanted)[planted.wrong]))
    return ours, cell, {each: precision(planted.wrong, value) for each, value in rivals(planted, target, kind).items()}


def precision(wrong: Any, score: Any) -> float:
    return float(average_precision_score(wrong, np.nan_to_num(score, nan=-1.0)))


def rivals(planted: Planted, target: Any, kind: str) -> dict[str, Any]:
    """What cleanlab says of the same predictions: higher is worse."""
    from cleanlab.outlier import OutOfDistribution
    from cleanlab.rank import get_label_quality_scores
    from cleanlab.regression.rank import get_label_quality_scores as number_scores

    ledger = target.ledger
    found = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if target.classes:
            labels = ledger.target.astype(int)
            for method in ("self_confidence", "normalized_margin"):
                found[method] = 1 - get_label_quality_scores(labels, ledger.probability, method=method)
        else:
            for method in ("outre", "residual"):
                found[method] = 1 - number_scores(ledger.target, ledger.prediction, method=method)
        if kind.startswith("feature"):
            inputs = planted.frame.drop(columns="target").astype(float).to_numpy()
            inputs = (inputs - inputs.mean(0)) / np.where(inputs.std(0) > 0, inputs.std(0), 1)
            found["out of distribution"] = 1 - OutOfDistribution().fit_score(features=inputs, verbose=False)
    return found


if __name__ == "__main__":
    main(sys.argv[1:])
