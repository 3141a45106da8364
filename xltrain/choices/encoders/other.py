"""Encoders of dates and of texts. Their features follow from the value alone; nothing is learned but scales."""

from typing import Annotated

from xltrain.registry import AtLeast, AtMost, OneOf, encoders


@encoders.add(values="date")
def date(
    *,
    parts: Annotated[
        str,
        OneOf("usual", "all"),
        "all adds the cycles of quarter and month and whether it is a month's last day",
    ] = "usual",
) -> str:
    """Dates as their parts: days since the first, year cycle, weekday cycle and time of day, where they differ."""
    return parts


@encoders.add(values="text", name="text")
def hashed_text(
    *,
    buckets: Annotated[int, AtLeast(8), AtMost(1 << 16), "features for the column"] = 256,
    longest: Annotated[int, AtLeast(1), AtMost(8), "characters of the longest piece"] = 3,
) -> tuple[int, int]:
    """Texts as counts of their pieces of 1 to 3 characters; for words and for Chinese, without a dictionary.

    Each n-gram of characters is hashed into a bucket, the same on every machine; counts are divided by their length
    sqrt(sum of squares) (Weinberger et al. 2009, "Feature hashing for large scale multitask learning").
    """
    return buckets, longest
