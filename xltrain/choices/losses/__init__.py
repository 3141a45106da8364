"""Losses: one number per sample, under any leading axes; the engine alone weights, masks and averages.

Facts of a loss: `task` (regression, classification); `outputs` the model must have (one, classes); `link` from output
to prediction (identity, softmax, sigmoid); `most_classes` where a loss is for two classes only.
"""

from xltrain.choices.losses import classification, regression

__all__ = ["classification", "regression"]
