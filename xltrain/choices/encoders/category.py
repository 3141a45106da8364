"""Encoders of categories. `codes` are positions in the vocabulary of the whole dataset, of training rows."""

from typing import Annotated

import numpy as np
import numpy.typing as npt

from xltrain.registry import AtLeast, encoders

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]


@encoders.add(values="category")
def onehot(
    *, limit: Annotated[int, AtLeast(1), "categories with a column of their own; rarer ones share one"] = 100
) -> int:
    """One 0/1 column for each category; a category never seen in training is unknown, which is all zeros."""
    return limit


@encoders.add(values="category", embeds=True)
def embedding(
    *, limit: Annotated[int, AtLeast(1), "categories with a column of their own; rarer ones share one"] = 1000
) -> int:
    """Many categories, each a vector that the model learns; models without embeddings see onehot."""
    return limit


@encoders.add(values="category", table=True)
def frequency(codes: Codes, count: int) -> tuple[Floats, float]:
    """How common a category is: its share of the training rows, then standard; for very many categories."""
    return np.bincount(codes, minlength=count) / max(len(codes), 1), 0.0


@encoders.add(values="category", table=True, target=True)
def target(
    codes: Codes,
    count: int,
    wanted: Floats,
    *,
    smooth: Annotated[float, AtLeast(0), "rows of the overall mean that are mixed into each category's"] = 10.0,
) -> tuple[Floats, float]:
    """The mean target of a category, one feature per class; training rows see the mean of other folds alone.

    (sum of targets + smooth * mean) / (rows + smooth), then standard; each of 5 parts of the training rows is encoded
    by the other four (Micci-Barreca 2001; Pargent et al. 2022, "Regularized target encoding").
    """
    mean = float(wanted.mean()) if len(wanted) else 0.0
    sums, rows = np.bincount(codes, wanted, minlength=count), np.bincount(codes, minlength=count)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(rows > 0, (sums + smooth * mean) / (rows + smooth), mean), mean
