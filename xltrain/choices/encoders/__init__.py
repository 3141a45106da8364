"""Encoders: how a column becomes numbers that a model can learn from.

Facts: `values` it reads (numeric, category, date, text) and what the function gives from the finite training values:
`affine` a shift and a scale, x -> (x - shift) * scale; `knots` the points of a piecewise linear map; `bins` the edges
of several features; `table` a number per category (with `target`, from the targets of the training rows). `before` is
a fixed map that comes first. Vocabularies come from the whole dataset, statistics only from a member's training rows.
"""

from xltrain.choices.encoders import category, numeric, other

__all__ = ["category", "numeric", "other"]
