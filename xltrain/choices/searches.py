"""Searches: how the runs of one row of the Runs sheet are drawn from the ranges in its cells.

A search says how many runs each of its waves trains. The first is drawn at random; any later one starts when the one
before it is done, and is proposed from the validation scores of all before.
"""

from typing import Annotated

from xltrain.registry import AtLeast, AtMost, searches


@searches.add()
def random(*, count: Annotated[int, AtLeast(1), AtMost(1000), "how many runs are drawn"] = 40) -> list[int]:
    """Runs drawn at random from the ranges, all trained together: hard to beat for its price.

    Evenly, or evenly in the logarithm where a range spans a factor of 20 or more. Bergstra and Bengio, 2012.
    """
    return [count]


@searches.add(needs=("optuna",))
def tpe(
    *,
    count: Annotated[int, AtLeast(2), AtMost(1000), "how many runs are trained in all"] = 40,
    wave: Annotated[int, AtLeast(1), "how many of them are trained together"] = 10,
) -> list[int]:
    """Runs proposed where earlier ones did well on validation rows, wave after wave; the first wave is drawn at random.

    A tree-structured Parzen estimator: a point is likely where the better runs lie and the worse ones do not.
    Bergstra et al., 2011; by optuna, which is installed apart: `pip install optuna`.
    """
    return [min(wave, count - start) for start in range(0, count, wave)]
