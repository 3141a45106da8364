"""What several models say of each row's target, none of which learned from that row; and what they say together.

Beside the network: the rows most like it (nearest neighbours), and the additive model of engine/surprise.py, which
differ from a network in how they are wrong. They are mixed by the linear pool (Stone 1961) whose weights make the
targets likeliest (expectation maximisation; for numbers, weights by the inverse of the squared usual error). Where two
of three disagree with a label, it is the label more often than the two.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]

NEIGHBOURS = 20
REFERENCE = 5_000  # rows among which neighbours are looked for
ASKED = 30_000  # rows above which neighbours are not asked
CLIPPED = 3.5
CHUNK = 2_048
TEMPERATURES = np.geomspace(0.5, 8, 25)
ROUNDS = 60
SHARPER = np.geomspace(0.5, 8, 17)  # powers of what the features say that are tried
NOISE = np.geomspace(0.004, 0.5, 25)  # shares of wrong labels that are tried: some are reckoned with in any case
WEIGHED = 0.01  # of the likeliest attempt's weight: those below are left out of the average
FAR = 10.0  # usual errors between an opinion and the middle one


def standardised(raw: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    """Features (rows, features) of zero mean and unit spread, gaps at the mean, what lies far out drawn in."""
    sample = raw if len(raw) <= 50_000 else raw[np.linspace(0, len(raw) - 1, 50_000).astype(np.int64)]
    known = np.isfinite(sample)
    count = np.maximum(known.sum(0), 1)
    filled = np.where(known, sample, 0).astype(np.float64)
    mean = filled.sum(0) / count
    spread = np.sqrt(np.where(known, np.square(filled - mean), 0).sum(0) / count)
    # A single factor of a thousand would draw all others together: the spread is that of what lies within reach.
    near = known & (np.abs(filled - mean) <= 4 * spread)
    count = np.maximum(near.sum(0), 1)
    mean = np.where(near, filled, 0).sum(0) / count
    spread = np.sqrt(np.where(near, np.square(filled - mean), 0).sum(0) / count)
    spread = np.where(spread > 0, spread, 1)
    return np.asarray(np.clip(np.nan_to_num((raw - mean) / spread), -CLIPPED, CLIPPED), np.float32)


def nearest(inputs: npt.NDArray[np.float32], asked: Rows, reference: Rows, count: int) -> tuple[Rows, Floats]:
    """The `count` rows of `reference` nearest to each row of `asked`, itself left out, nearest first, and how far.

    Both (asked, count).
    """
    others = inputs[reference]
    squares = np.square(others).sum(1)
    found, far = np.zeros((len(asked), count), np.int64), np.zeros((len(asked), count))
    for start in range(0, len(asked), CHUNK):
        part = asked[start : start + CHUNK]
        own = inputs[part]
        distance = squares - 2 * (own @ others.T) + np.square(own).sum(1)[:, None]
        distance[part[:, None] == reference] = np.inf
        few = np.argpartition(distance, count - 1, 1)[:, :count]
        near = np.take_along_axis(distance, few, 1)
        order = np.argsort(near, 1, kind="stable")
        found[start : start + len(part)] = reference[np.take_along_axis(few, order, 1)]
        far[start : start + len(part)] = np.sqrt(np.maximum(np.take_along_axis(near, order, 1), 0))
    return found, far


def neighbours_say(inputs: npt.NDArray[np.float32], target: Floats, rows: Rows, classes: int) -> Floats | None:
    """The mean target of similar rows, nearer ones counting more: (all rows,) or (all rows, classes), NaN elsewhere.

    None where there are too many rows to ask, or too few to be asked.
    """
    if len(rows) > ASKED or len(rows) < 2 * NEIGHBOURS:
        return None
    reference = rows
    if len(rows) > REFERENCE:
        reference = np.sort(np.random.default_rng(0).choice(rows, REFERENCE, replace=False))
    near, far = nearest(inputs, rows, reference, NEIGHBOURS)
    weight = 1 / (far + 0.5 * far.mean(1, keepdims=True) + 1e-9)
    weight /= weight.sum(1, keepdims=True)
    if not classes:
        found = np.full(len(target), np.nan)
        found[rows] = _middle(target[near], weight)
        return found
    said = np.full((len(target), classes), np.nan)
    codes = target[near].astype(np.int64)
    prior = np.bincount(target[rows].astype(np.int64), minlength=classes) / len(rows)
    votes = np.stack([(weight * (codes == one)).sum(1) for one in range(classes)], 1)
    said[rows] = (votes * NEIGHBOURS + prior) / (NEIGHBOURS + 1)
    return said


def _middle(values: Floats, weight: Floats) -> Floats:
    """The weighted mean of each row without its lowest and highest tenth, so that a wrong neighbour does not count.

    In a column of a few prices or codes a mean is none of them: what most neighbours hold is said there, and nothing
    (NaN) where they hold different ones.
    """
    cut = max(1, values.shape[1] // 10)
    order = np.argsort(values, 1)
    ordered, shares = np.take_along_axis(values, order, 1), np.take_along_axis(weight, order, 1)
    half = (np.cumsum(shares, 1) >= 0.5).argmax(1)
    middle = np.take_along_axis(ordered, half[:, None], 1)
    agreed = (shares * (ordered == middle)).sum(1) > 0.5
    if agreed.mean() > 0.5:
        return np.where(agreed, middle[:, 0], np.nan)
    kept, share = ordered[:, cut:-cut], shares[:, cut:-cut]
    return np.asarray((kept * share).sum(1) / share.sum(1))


def tempered(probability: Floats, codes: Rows) -> Floats:
    """Probabilities made as sure as they are right, by one temperature for all (Guo et al. 2017)."""
    logs = np.log(np.clip(probability, 1e-12, 1))
    step = max(1, len(codes) // 50_000)
    some, known = logs[::step], codes[::step]
    losses = [-np.log(_softmax(some / each)[np.arange(len(known)), known]).mean() for each in TEMPERATURES]
    return _softmax(logs / TEMPERATURES[int(np.argmin(losses))])


def _softmax(logs: Floats) -> Floats:
    shares = np.exp(logs - logs.max(1, keepdims=True))
    return np.asarray(np.clip(shares / shares.sum(1, keepdims=True), 1e-9, 1))


def pooled_shares(said: Sequence[Floats], codes: Rows) -> Floats:
    """Several opinions (rows, classes) as one."""
    own = np.stack([np.clip(each[np.arange(len(codes)), codes], 1e-6, 1) for each in said], 1)
    weight = np.full(len(said), 1 / len(said))
    for _ in range(ROUNDS if len(said) > 1 else 0):
        share = own * weight
        weight = (share / share.sum(1, keepdims=True)).mean(0) + 0.1 / len(said)  # none is quite left out
        weight /= weight.sum()
    return np.asarray(np.tensordot(weight, np.stack(said), 1))


def mislabelled(shares: Floats, codes: Rows) -> tuple[Floats, Floats]:
    """How likely each label is wrong (rows,), 0..1, and the shares of the classes but for wrong labels (rows, classes).

    Shares learned from labels of which some are wrong are less sure than they should be, and so is a pool of several
    (Ranjan and Gneiting 2010). So a label is taken to be drawn from the classes' shares of all rows times some power of
    what the features say beyond these, or, with some probability, to be any other class (Angluin and Laird 1988): where
    classes merely overlap labels contradict a pool that is unsure, where some are wrong also one that is sure. All
    powers and probabilities (equally likely beforehand by their logarithms) are averaged by how likely they make the
    labels. Labels of which the features tell nothing are not wrong for that, however rare their class.
    """
    rows, classes = shares.shape
    usual = np.log(np.maximum(np.bincount(codes, minlength=classes), 0.5) / rows)
    beyond = np.log(np.clip(shares, 1e-9, 1)) - usual
    step = max(1, rows // 20_000)
    known = codes[::step]
    fits = np.empty((len(SHARPER), len(NOISE)))
    for at, power in enumerate(SHARPER):
        own = _softmax(beyond[::step] * power + usual)[np.arange(len(known)), known]
        other = (1 - own) / max(classes - 1, 1)
        fits[at] = [np.log((1 - noise) * own + noise * other).sum() for noise in NOISE]
    likely = np.exp(fits - fits.max())
    likely[likely < WEIGHED] = 0
    likely /= likely.sum()
    wrong, sharp = np.zeros(rows), np.zeros(shares.shape)
    for power, weights in zip(SHARPER, likely, strict=True):
        if not weights.any():
            continue
        powered = _softmax(beyond * power + usual)
        own = powered[np.arange(rows), codes]
        sharp += weights.sum() * powered
        for noise, weight in zip(NOISE, weights, strict=True):
            if weight > 0:
                chance = noise * (1 - own) / max(classes - 1, 1)
                wrong += weight * chance / (chance + (1 - noise) * own)
    return wrong, sharp


def pooled_numbers(said: Sequence[Floats], target: Floats) -> Floats:
    """Several predictions (rows,), NaN where one says nothing, as one, weighted by the inverse of their squared errors.

    One of three or more that is far off the others has no say: a network may say anything of a row that lies far out.
    How far is in units of what the middle opinion errs, too: an exact one is not wrong where the others miss.
    """
    usual = np.array([_usual(np.abs(target - each)) for each in said])
    usual = np.maximum(usual, 1e-6 * float(usual.max()))
    weight = np.square(usual.min() / usual) if usual.min() > 0 else np.ones(len(usual))
    voices = np.stack(said)
    reach = FAR * np.maximum(usual, np.median(usual))[:, None]
    near = np.abs(voices - np.nanmedian(voices, 0)) <= reach
    known = np.isfinite(voices)
    share = weight[:, None] * ((near | (len(said) < 3) | ~near.any(0)) & known)
    return np.asarray((share * np.where(known, voices, 0)).sum(0) / share.sum(0))


def _usual(miss: Floats) -> float:
    """The usual error: the mean of the smaller nine tenths, so that exact in most rows is not exact in all."""
    known = miss[np.isfinite(miss)]
    some = max(1, int(0.9 * len(known)))
    return float(np.partition(known, some - 1)[:some].mean())
