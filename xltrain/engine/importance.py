"""What the winner would lose without each column: permutation importance, out of fold.

Each member deals the values of one column anew among the rows that it holds out, all features made of the column
together, and says what it thinks of these rows (Breiman 2001, "Random forests"; Fisher, Rudin and Dominici 2019, "All
models are wrong, but many are useful"). By how much the job's metric gets worse over the held-out rows of all members
is the column's importance. Values are dealt among encoded rows, so nothing is encoded again, and columns go through a
stack of members many at a time.

How much is looked at follows from counts (rows, columns, epochs trained), never from a clock: the same job gives the
same numbers on a slow machine.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from xltrain.data.encode import Encoding, Floats, Singles, Target
from xltrain.data.table import Table
from xltrain.engine.dependence import dependence
from xltrain.engine.evaluate import Judged
from xltrain.engine.plan import features_of, layout_of
from xltrain.engine.result import Importance
from xltrain.engine.voices import Rows, Voices
from xltrain.language import text
from xltrain.registry import metrics

MOST_ROWS, FEWEST_ROWS = 5_000, 400
REPEATS, FEWEST_REPEATS = 5, 2
SHARE = 0.2  # of the rows that training looked at: what importance may look at, a forward pass being a third of a step
LEAST = 1_000_000_000  # multiplications in passes that may be made anyhow
OWN = 10  # held-out rows below which a member deals values of other members' rows
FEW_DECIDE = 4.0  # times the mae from which a few rows decide the rmse; normal errors have 1.25
ALIKE = 0.8  # correlation from which columns share their importance
COMPARED = 2_000  # rows that the correlation is taken over
WIDEST = 600  # features compared with each other


def importance_of(
    judged: Sequence[Judged],
    raw: Singles,
    encoding: Encoding,
    target: Target,
    metric: str,
    table: Table,
    notes: list[str],
) -> Importance | None:
    """The importance of every column to the winner, and how its predictions depend on the first ones.

    Never fails a fit: where it cannot be had there is None, and a note.

    Args:
        judged: the winner's members.
        raw: the raw features of the dataset (rows, features).
    """
    if not judged or not any(len(each.held_out.rows) for each in judged):
        return None
    try:
        return _importance(judged, raw, encoding, target, metric, table)
    except Exception as error:  # a fit of hours must not be lost for an explanation
        notes.append(text("note_no_importance", target=target.name, reason=f"{type(error).__name__}: {error}"))
        return None


def _importance(
    judged: Sequence[Judged], raw: Singles, encoding: Encoding, target: Target, metric: str, table: Table
) -> Importance:
    judged = [each for each in judged if len(each.held_out.rows)]
    columns = len(encoding.columns)
    features = features_of(encoding)
    first = judged[0].course.member
    allowed = _allowed(judged, layout_of(first.run.model, features, first.network).work)
    rows, repeats = _budget(sum(len(each.held_out.rows) for each in judged), columns, allowed)
    voices = Voices(judged, raw, features, rows)
    base = voices.encoded(voices.rows)
    said = voices.say(base)
    metric = _measure(metric, voices, target, said)
    losses = Losses(voices, target, metric)
    whole, own = losses.of(said)
    groups = slices_of(encoding)
    worse, worse_own = np.zeros((repeats, columns)), np.zeros((repeats, columns, len(judged)))
    for repeat in range(repeats):
        dealt = voices.encoded(_dealt(voices, repeat))
        changes = [(group, dealt[:, :, group]) for group in groups]
        for column, said in enumerate(voices.variants(base, changes)):
            together, each = losses.of(said)
            worse[repeat, column], worse_own[repeat, column] = together - whole, each - own
    value = worse.mean(0)
    order = np.argsort(-value, kind="stable")
    names = encoding.names
    return Importance(
        metric,
        tuple(names[index] for index in order),
        value[order],
        _spread(worse, worse_own)[order],
        losses.sign * whole,
        int(voices.mask.sum()),
        repeats,
        dependence(voices, encoding, groups, order, table, allowed),
        _alike(voices, encoding, groups, order),
    )


class Losses:
    """The job's metric over the held-out rows of all members together and of each alone; lower is better."""

    def __init__(self, voices: Voices, target: Target, metric: str) -> None:
        self.choice = metrics[metric]
        self.sign = -1.0 if self.choice.facts["better"] == "higher" else 1.0
        self.mask = voices.mask
        padded = np.stack([np.resize(each, voices.count) for each in voices.rows])
        wanted = target.values[padded]
        self.wanted = wanted if target.task == "regression" else wanted.astype(np.int64)
        self.alone = len(voices.rows) > 1 and min(map(len, voices.rows)) >= OWN

    def of(self, said: Floats) -> tuple[float, Floats]:
        """said (members, rows) or (members, rows, classes) -> the metric, and that of each member (members,)."""
        given = said.argmax(-1) if self.choice.facts["needs"] == "label" else said
        whole = float(self.choice.function(given[self.mask], self.wanted[self.mask]))
        each = np.full(len(given), np.nan)
        if self.alone:
            for index, mask in enumerate(self.mask):
                each[index] = self.choice.function(given[index][mask], self.wanted[index][mask])
        return self.sign * whole, self.sign * each


def _measure(metric: str, voices: Voices, target: Target, said: Floats) -> str:
    """The job's metric; mae for an rmse that is a few rows' own, whose shuffling says nothing of all others."""
    if metric != "rmse":
        return metric
    rmse, mae = (Losses(voices, target, name).of(said)[0] for name in ("rmse", "mae"))
    return "mae" if rmse > FEW_DECIDE * mae else metric


def slices_of(encoding: Encoding) -> list[slice]:
    """Where the features of each column stand."""
    ends = np.cumsum([len(column.parts) for column in encoding.columns])
    return [slice(int(end) - len(column.parts), int(end)) for end, column in zip(ends, encoding.columns, strict=True)]


def _allowed(judged: Sequence[Judged], work: int) -> int:
    """How many rows may pass through the network of a member."""
    trained = sum(len(each.course.training) * len(each.course.member.part.training) for each in judged)
    return max(LEAST // work, int(SHARE * trained))


def _budget(held_out: int, columns: int, allowed: int) -> tuple[int, int]:
    """How many rows and repeats to look at."""
    each = allowed // columns
    rows = min(held_out, MOST_ROWS, max(each // FEWEST_REPEATS, FEWEST_ROWS))
    return rows, min(REPEATS, max(each // rows, FEWEST_REPEATS))


def _dealt(voices: Voices, repeat: int) -> list[Rows]:
    """For each member, the row whose value each of its rows is given."""
    pool, found = voices.pool, []
    for member, rows in zip(voices.members, voices.rows, strict=True):
        drawn = np.random.default_rng([2, repeat, member.part.repeat, member.part.fold])
        found.append(drawn.permutation(rows) if len(rows) >= OWN else drawn.choice(pool, len(rows)))
    return found


def _spread(worse: Floats, own: Floats) -> Floats:
    """worse (repeats, columns), own (repeats, columns, members) -> (columns,)."""
    each = own.mean(0)
    if each.shape[1] > 1 and np.isfinite(each).all():
        return np.asarray(each.std(1, ddof=1))
    return np.asarray(worse.std(0, ddof=1)) if len(worse) > 1 else np.full(worse.shape[1], np.nan)


def _alike(
    voices: Voices, encoding: Encoding, groups: Sequence[slice], order: npt.NDArray[np.int64]
) -> tuple[tuple[str, str, float], ...]:
    """Pairs of columns of which some features are correlated by rank, the strongest first."""
    chosen = [int(index) for index in order if encoding.columns[index].reads != "text"]
    widths = np.cumsum([groups[index].stop - groups[index].start for index in chosen])
    chosen = chosen[: int(np.searchsorted(widths, WIDEST, side="right"))]
    rows = voices.pool[:: -(-len(voices.pool) // COMPARED)]
    if len(chosen) < 2 or len(rows) < OWN:
        return ()
    state = voices.members[0].state
    x = state.apply(voices.raw[rows])
    owner = np.concatenate([np.full(groups[index].stop - groups[index].start, index) for index in chosen])
    x = np.concatenate([x[:, groups[index]] for index in chosen], 1)
    ranks = np.argsort(np.argsort(x, 0, kind="stable"), 0, kind="stable").astype(np.float64)
    for feature in range(x.shape[1]):  # equal values share their rank
        _, place, counts = np.unique(x[:, feature], return_inverse=True, return_counts=True)
        ranks[:, feature] = (np.bincount(place, ranks[:, feature]) / counts)[place]
    ranks -= ranks.mean(0)
    size = np.sqrt(np.square(ranks).sum(0))
    kept = size > 0
    ranks, owner = ranks[:, kept] / size[kept], owner[kept]
    strength = np.abs(ranks.T @ ranks)
    names, found = encoding.names, []
    for turn, one in enumerate(chosen):
        for other in chosen[turn + 1 :]:
            block = strength[np.ix_(owner == one, owner == other)]
            most = float(block.max(initial=0.0))
            if most >= ALIKE:
                found.append((names[one], names[other], min(most, 1.0)))
    return tuple(sorted(found, key=lambda pair: -pair[2]))
