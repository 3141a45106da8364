"""What a run must beat: guessing a constant, and a linear model, on the same folds."""

import warnings
from collections.abc import Mapping, Sequence

import numpy as np

from xltrain.data.encode import Encoding, Floats, Singles, Target
from xltrain.data.split import Part
from xltrain.engine.evaluate import Scored, scores
from xltrain.engine.result import Score


def baselines(
    raw: Singles, encoding: Encoding, target: Target, parts: Sequence[Part], metric: str, weight: Floats | None
) -> dict[str, Mapping[str, Score]]:
    """`constant` and `linear`, out of fold. They need no stopping, so they learn from validation rows as well."""
    constant, linear = [], []
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
        state = encoding.state(raw, learn)
        inputs, asked = state.apply(raw[learn]), state.apply(raw[part.held_out])
        linear.append(_told(part, _linear(target, inputs, known, asked, share)))
    return {"constant": scores(constant, target), "linear": scores(linear, target)}


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
    codes = known.astype(np.int64)
    probability = np.zeros((len(asked), len(target.classes)))
    if len(np.unique(codes)) == 1:
        probability[:, codes[0]] = 1
        return probability
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a baseline that stops after its iterations is still a baseline
        model = LogisticRegression(max_iter=1000).fit(inputs, codes, weight)
    probability[:, model.classes_] = model.predict_proba(asked)
    return probability
