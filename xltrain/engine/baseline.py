"""What a run must beat: guessing a constant, a linear model and boosted trees, on the same folds."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from xltrain.data.encode import Encoding, Floats, Rows, Singles, State, Target
from xltrain.data.split import Part
from xltrain.engine.evaluate import Scored, scores
from xltrain.engine.result import Score
from xltrain.language import text

MOST = 200_000  # rows that the boosted trees learn from
SMALL = 2_000_000  # numbers below which a second thread waits more than it helps, for ever on a busy machine
TREES = 1000  # one for each class and round; many classes get fewer rounds


def baselines(
    raw: Singles, encoding: Encoding, target: Target, parts: Sequence[Part], metric: str, weight: Floats | None
) -> tuple[dict[str, Mapping[str, Score]], list[str]]:
    """`constant`, `linear` and `boosted_trees`, out of fold, and notes on them.

    None of them looks at validation rows to stop or to choose, so they learn from those as well.
    """
    constant, linear, boosted = [], [], []
    notes: list[str] = []
    for part in parts:
        learn = np.sort(np.concatenate([part.training, part.validation]))
        known = target.values[learn]
        share = None if weight is None else weight[learn]
        guess = _constant(target, known, metric, share)
        constant.append(
            _told(
                part,
                np.repeat(guess[None], len(part.held_out), 0).squeeze(-1)
                if not target.classes
                else np.repeat(guess[None], len(part.held_out), 0),
            )
        )
        state = encoding.state(raw, learn, target.wanted(encoding.outputs) if encoding.needs_target else None)
        inputs, asked = state.apply(raw[learn], np.arange(len(learn))), state.apply(raw[part.held_out])
        linear.append(_told(part, _linear(target, inputs, known, asked, share)))
        boosted.append(_told(part, _boosted(target, state, raw, learn, part.held_out, share)))
        if len(learn) > MOST and not notes:
            notes.append(text("note_trees_sampled", kept=MOST, rows=len(learn)))
    told = {"constant": constant, "linear": linear, "boosted_trees": boosted}
    return {name: scores(each, target) for name, each in told.items()}, notes


def _told(part: Part, values: Floats) -> Scored:
    return Scored(part.held_out, part.fold, part.repeat, values, np.zeros(len(values)))


def _constant(target: Target, known: Floats, metric: str, weight: Floats | None) -> Floats:
    """The best single guess: class shares; the median where misses count singly, else the mean."""
    if target.classes:
        return np.bincount(known.astype(np.int64), weight, minlength=len(target.classes)) / (
            len(known) if weight is None else weight.sum()
        )
    if metric in ("mae", "median_absolute_error", "mape"):
        return np.array([np.median(known)])
    return np.array([np.average(known, weights=weight)])


def _linear(target: Target, inputs: Floats, known: Floats, asked: Floats, weight: Floats | None) -> Floats:
    """Ridge or logistic regression on the encoded features."""
    from sklearn.linear_model import LogisticRegression, Ridge

    if not target.classes:
        return np.asarray(Ridge(alpha=1.0).fit(inputs, known, weight).predict(asked))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a baseline that stops after its iterations is still a baseline
        return _probabilities(target, LogisticRegression(max_iter=1000), inputs, known, asked, weight)


def _boosted(target: Target, state: State, raw: Singles, learn: Rows, asked: Rows, weight: Floats | None) -> Floats:
    """scikit-learn's histogram gradient boosting as it comes, on the encoded features; a gap stays a gap.

    More than 200,000 rows tell it little more and take long: a sample of them stands for all.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    kept = np.arange(len(learn))
    if len(learn) > MOST:
        kept = np.sort(np.random.default_rng(0).choice(len(learn), MOST, replace=False))
    inputs = (state.view(raw[learn], np.arange(len(learn))) * state.scale + state.offset)[kept]
    others = state.view(raw[asked]) * state.scale + state.offset
    known, weight = target.values[learn[kept]], None if weight is None else weight[kept]
    with threadpool_limits(1 if inputs.size < SMALL else None):
        if not target.classes:
            return np.asarray(HistGradientBoostingRegressor(random_state=0).fit(inputs, known, weight).predict(others))
        rounds = min(100, max(TREES // len(target.classes), 10))
        model = HistGradientBoostingClassifier(max_iter=rounds, random_state=0)
        return _probabilities(target, model, inputs, known, others, weight)


def _probabilities(
    target: Target, model: Any, inputs: Floats, known: Floats, asked: Floats, weight: Floats | None
) -> Floats:
    """What a classifier of scikit-learn says (rows, classes) once it has learned."""
    codes = known.astype(np.int64)
    probability = np.zeros((len(asked), len(target.classes)))
    if len(np.unique(codes)) == 1:
        probability[:, codes[0]] = 1
        return probability
    model.fit(inputs, codes, weight)
    probability[:, model.classes_] = model.predict_proba(asked)
    return probability
