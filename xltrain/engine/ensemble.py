"""A greedy mix of runs (Caruana et al., 2004, "Ensemble selection from libraries of models"), chosen honestly.

Each fold makes a mix of its own: over the members of that fold, starting from the best, the run is added again and
again that most improves the mix on the fold's validation rows, each as often as it helps; the held-out rows of the
fold are then scored once by that mix. No row has a say in the mix that scores it. The mix's own validation score is
of the rows that it was chosen on, so it flatters and is not compared with those of runs: a mix is shown beside them
and never wins.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from xltrain.data.encode import Floats, Target
from xltrain.engine.evaluate import Judged, scores
from xltrain.engine.result import Ensemble
from xltrain.registry import metrics

ROUNDS = 25  # additions that are tried
PATIENCE = 8  # additions without gain after which it ends
CANDIDATES = 50  # runs that are tried: the best by validation


def ensemble_of(judged: Mapping[str, Sequence[Judged]], target: Target, metric: str) -> Ensemble | None:
    """The mix of these runs, best first, each with its members in the order of the folds; None for a single run."""
    names = list(judged)[:CANDIDATES]
    if len(names) < 2:
        return None
    told, shares = [], np.zeros(len(names))
    for members in zip(*(judged[name] for name in names), strict=True):
        wanted = target.values[members[0].validation.rows]
        counts = greedy([each.validation.values for each in members], wanted, metric)
        share = counts / counts.sum()
        mixed = np.tensordot(share, np.stack([each.held_out.values for each in members]), 1)
        told.append(replace(members[0].held_out, values=mixed, loss=np.zeros(len(mixed)), parts={}))
        shares += share
    shares /= len(told)
    used = [index for index in np.argsort(-shares, kind="stable") if shares[index] > 0]
    return Ensemble(scores(told, target), {names[index]: float(shares[index]) for index in used})


def greedy(values: Sequence[Floats], wanted: Floats, metric: str) -> Floats:
    """How often each of several predictions of the same rows is taken; the smallest mix among the best.

    values: for each candidate (rows,) or (rows, classes), best first.
    """
    choice = metrics[metric]
    sign = -1.0 if choice.facts["better"] == "higher" else 1.0
    wanted = wanted if choice.facts["task"] == "regression" else wanted.astype(np.int64)

    def cost(mixed: Floats) -> float:
        value = choice.function(mixed.argmax(1) if choice.facts["needs"] == "label" else mixed, wanted)
        return float(sign * value) if np.isfinite(value) else float("inf")

    counts = np.zeros(len(values))
    best, least = counts, float("inf")
    total, since = np.zeros_like(values[0]), 0
    for turn in range(1, ROUNDS + 1):
        costs = [cost((total + each) / turn) for each in values]
        chosen = int(np.argmin(costs))
        counts, total = counts.copy(), total + values[chosen]
        counts[chosen] += 1
        if costs[chosen] < least or turn == 1:
            best, least, since = counts, costs[chosen], turn
        elif turn - since >= PATIENCE:
            break
    return best
