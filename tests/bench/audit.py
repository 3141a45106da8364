"""How many planted wrong cells an audit names, beside a rule per column and an isolation forest.

    python -m tests.bench.audit                 all data, ten seeds: a few minutes
    python -m tests.bench.audit 3 wine concrete   three seeds, some of them

Typing errors stand in 2 % or 5 % of the cells of columns of numbers: a factor of ten, two digits swapped, the decimal
point moved, another unit (inch for cm). With k cells planted, `cell` is the share of them among the k cells that come
first. The rule ranks cells by their distance from the column's median in units of its median absolute deviation;
scikit-learn's isolation forest ranks rows, so that for it only `row` can be told: the share of the rows with a wrong
cell among as many that come first. `sure` is the share of those that the audit calls worth reviewing that are wrong.
"""

import sys
import warnings
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import IsolationForest

from tests.bench.suspects import SHARED, TYPOS, frame_of, mistyped
from xltrain.data.columns import infer
from xltrain.data.store import from_pandas
from xltrain.engine.audit import audit

DATA = ("iris", "wine", "breast_cancer", "diabetes", *SHARED)
SHARES = (0.02, 0.05)
Planted = set[tuple[int, str]]


def main(arguments: list[str]) -> None:
    warnings.simplefilter("ignore")
    seeds = int(arguments[0]) if arguments and arguments[0].isdigit() else 10
    wanted = [each for each in arguments if not each.isdigit()]
    print("| errors | cells wrong | data | xltrain cell | rule cell | xltrain row | rule row | forest row | sure |")
    print("|---|---:|---|---:|---:|---:|---:|---:|---:|")
    for share in SHARES:
        for typo in TYPOS:
            lines = []
            for name in DATA:
                frame = frame_of(name)
                if (wanted and name not in wanted) or frame is None:
                    continue
                found = np.nanmean([scores(*plant(frame, typo, share, seed), seed) for seed in range(seeds)], 0)
                lines.append(found)
                shown = " | ".join(f"{each:.2f}" for each in found)
                print(f"| {typo} | {share:.0%} | {name} | {shown} |", flush=True)
            shown = " | ".join(f"**{each:.2f}**" for each in np.nanmean(lines, 0))
            print(f"| {typo} | {share:.0%} | mean of {len(lines)} | {shown} |", flush=True)


def plant(frame: pd.DataFrame, typo: str, share: float, seed: int) -> tuple[pd.DataFrame, Planted]:
    """A copy with errors in this share of the cells of its columns of numbers, and where they are."""
    rng = np.random.default_rng(seed)
    frame = frame.copy()
    able = [name for name in frame if frame[name].dtype.kind in "fi" and frame[name].nunique() > 2]
    frame[able] = frame[able].astype(float)
    wanted = round(share * len(frame) * len(able))
    planted: Planted = set()
    for at in rng.permutation(len(frame) * len(able)):
        row, name = int(at) // len(able), able[int(at) % len(able)]
        value = float(frame.at[row, name])
        changed = mistyped(value, typo, rng)
        if changed != value:
            frame.at[row, name] = changed
            planted.add((row, name))
        if len(planted) == wanted:
            break
    return frame, planted


def scores(frame: pd.DataFrame, planted: Planted, seed: int) -> list[float]:
    """Cells named by the audit and by the rule; rows named by both and by the forest; how sure the audit is."""
    table = from_pandas(frame)
    found = audit(table, infer(table, ()))
    ours = [(each.row, each.column) for each in found.cells]
    numbers = frame.select_dtypes("number")
    far = (numbers - numbers.median()).abs() / (numbers - numbers.median()).abs().median().replace(0, np.nan)
    order = np.argsort(-far.fillna(0).to_numpy().ravel(), kind="stable")
    rule = [(int(at) // far.shape[1], far.columns[int(at) % far.shape[1]]) for at in order]
    forest = IsolationForest(random_state=seed).fit(numbers.to_numpy())
    rows = {row for row, _ in planted}
    worst = np.argsort(forest.score_samples(numbers.to_numpy()), kind="stable")[: len(rows)].tolist()
    sure = ours[: found.worth]
    return [
        named(ours, planted),
        named(rule, planted),
        rows_named(ours, rows),
        rows_named(rule, rows),
        len(set(worst) & rows) / len(rows),
        len(set(sure) & planted) / len(sure) if sure else float("nan"),
    ]


def named(ranked: list[tuple[int, str]], planted: Planted) -> float:
    return len(set(ranked[: len(planted)]) & planted) / len(planted)


def rows_named(ranked: list[tuple[int, Any]], rows: set[int]) -> float:
    first = list(dict.fromkeys(row for row, _ in ranked))[: len(rows)]
    return len(set(first) & rows) / len(rows)


if __name__ == "__main__":
    main(sys.argv[1:])
