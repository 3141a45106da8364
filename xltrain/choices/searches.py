"""Searches: how the runs of one row of the Runs sheet are drawn from the ranges in its cells.

A search says how many runs each of its waves trains; a wave starts when the one before it is done. `guided` marks one
whose waves are proposed from the validation scores of those before.
"""

from typing import Annotated

from xltrain.registry import AtLeast, AtMost, searches


@searches.add()
def random(*, count: Annotated[int, AtLeast(1), AtMost(1000), "how many runs are drawn"] = 40) -> list[int]:
    """Runs drawn at random from the ranges, all trained together: hard to beat for its price.

    Evenly, or evenly in the logarithm where a range spans a factor of 20 or more. Bergstra and Bengio, 2012.
    """
    return [count]
