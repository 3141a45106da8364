"""How improbable a number is among its like, and how sure one may be that it does not belong there.

Nothing is assumed of the middle of a distribution. Its tail is taken from where the middle ends to be a power of the
number (Pareto; the index by Hill, Annals of Statistics 1975): honest for the heavy tails of measurements and money,
and on the careful side for normal ones. The share of errors follows by comparing how many numbers lie that far out
with how many the tail allows (Efron, Large-Scale Inference, 2010, chapter 5).
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

BEGINS = 0.75  # where the middle of a distribution ends
STEEPEST = 4.0  # power of a tail: steeper ones are an accident of few numbers
RATES = (0.5, 1.6)  # between which the evidence of ordinary rows falls off
LEAST = 8  # numbers below which nothing is said
SURE = 40.0  # evidence is cut here


@dataclass(frozen=True)
class Tail:
    """How the sizes of a column are distributed: `inner` quantiles up to `begin`, and a power beyond it."""

    inner: Floats
    begin: float
    share: float
    slope: float

    @classmethod
    def of(cls, size: Floats, ends: tuple[float, ...] = (0.9,)) -> "Tail":
        """From sizes (rows,) of at least 0, NaN where unknown.

        The tail goes on as slowly as it does anywhere from the upper quarter to the quantiles `ends`, which should
        lie before the errors that are looked for.
        """
        known = size[np.isfinite(size)]
        if len(known) < LEAST:
            return cls(np.zeros(1), np.inf, 1.0, 0.0)
        begin, *further = (max(float(each), 1e-12) for each in np.quantile(known, [BEGINS, *ends]))
        slope, start, share = STEEPEST, begin, 1 - BEGINS
        for end, left in zip(further, ends, strict=True):
            slope = min(slope, np.log(share / (1 - left)) / max(np.log(end / start), 1e-9))
            start, share = end, 1 - left
        return cls(np.quantile(known, np.linspace(0, 1, 201)), begin, 1 - BEGINS, float(slope))

    @classmethod
    def on_the_whole(cls, size: Floats, end: float = 0.95) -> "Tail":
        """From sizes (rows,), as `of`; the tail goes on as it does on the whole from the upper quarter to `end`.

        Hill's estimate from sizes censored at that quantile: one step between two quantiles, as columns of few values
        have them, does not stand for all.
        """
        found = cls.of(size)
        if not np.isfinite(found.begin):
            return found
        known = size[np.isfinite(size)]
        last = max(float(np.quantile(known, end)), found.begin)
        top = known[known > found.begin]
        excess = float(np.log(np.minimum(top, last) / found.begin).sum())
        return replace(found, slope=float(min((top <= last).sum() / max(excess, 1e-9), STEEPEST)))

    def evidence(self, size: Floats) -> Floats:
        """The negative logarithm of the share of numbers that would be at least this large.

        (rows,) in nats: 0 for the smallest and for NaN, 3 for one in twenty, 6.9 for one in a thousand.
        """
        sizes = np.nan_to_num(size, nan=0.0, posinf=np.finfo(np.float64).max)
        if not np.isfinite(self.begin):
            return np.zeros(len(sizes))
        below = np.searchsorted(self.inner, sizes, side="left") / len(self.inner)
        inner = np.minimum(-np.log(np.maximum(1 - below, self.share)), -np.log(self.share))
        outer = -np.log(self.share) + self.slope * np.log(np.maximum(sizes, self.begin) / self.begin)
        return np.asarray(np.minimum(np.where(sizes > self.begin, outer, inner), SURE))


def among_rows(oddest: Floats) -> Floats:
    """The evidence of rows (rows,), in nats, from that of each one's oddest cell.

    The more cells a row has, the odder the oddest is. How odd it is by chance, the ordinary rows of the same table
    say: from the middle one to the tenth part it falls off at some rate, and goes on so (an empirical
    null, Efron 2004).
    """
    known = oddest[np.isfinite(oddest)]
    if len(known) < LEAST:
        return np.zeros(len(oddest))
    middle, end = np.quantile(known, [0.5, 0.9])
    rate = np.clip(np.log(5) / max(float(end - middle), 1e-9), *RATES)
    sizes = np.nan_to_num(oddest)
    ordered = np.sort(known)
    inner = -np.log(np.maximum(1 - np.searchsorted(ordered, sizes, side="left") / len(known), 0.1))
    return np.clip(np.where(sizes > end, np.log(10) + rate * (sizes - end), inner), 0, SURE)


def wrong_share(evidence: Floats, total: int, least: float = 0.1) -> Floats:
    """How likely each row is wrong (rows,), 0..1, from how improbable it is among `total` rows, in nats.

    By chance `total` exp(-evidence) rows lie as far out as a row does. As many as there are more, beyond what chance
    may add to that (two standard deviations), are wrong: their number is read off where it is largest, and gives the
    odds of each row, number / total * exp(evidence). `least` is the number reckoned with where there is no such excess.
    """
    descending = np.sort(evidence[np.isfinite(evidence)])[::-1]
    if not len(descending):
        return np.zeros(len(evidence))
    chance = total * np.exp(-descending)
    excess = np.arange(1, len(descending) + 1) - chance - 2 * np.sqrt(chance)
    odds = np.log(max(float(excess.max()), least) / total) + evidence
    return np.asarray(1 / (1 + np.exp(-np.clip(np.nan_to_num(odds, nan=-50), -50, 50))))
