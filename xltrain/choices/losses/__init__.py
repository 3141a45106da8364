"""Losses: one number per sample, under any leading axes; the engine alone weights, masks and averages.

Facts of a loss:

- `task`: regression or classification.
- `outputs`: what the model must have. `one`; `two`; `classes`, one per class; `cuts`, one between neighbouring classes;
  `each`, one for each argument given.
- `link` from outputs to prediction: `identity`; `exp`, the output is the log of the mean; `gaussian`, middle and log of
  the squared width; `quantiles`, the one nearest to the median is shown; `softmax`; `sigmoid`; `sigmoids`, one for each
  class, made to add up to 1; `corn`, from conditional probabilities.
- `scale`, how a regression target is prepared: `standard` (where the fact is left out) or `positive`, divided by its
  mean; `target`, the limit that its values must keep to.
- `most_classes`, `least_classes` where a loss is for so many classes only; `ordered` where their order matters.
"""

from xltrain.choices.losses import classification, likelihood, noise, ordered, regression

__all__ = ["classification", "likelihood", "noise", "ordered", "regression"]
