"""Models: a layout of named weights, and a forward pass for a whole stack of members at once.

A model choice is called with the number of inputs (with `Features` where it is declared with `features=True`), the
number of outputs and its hyperparameters, and returns a `Layout`. All weights of a member lie in one row of a flat
tensor `(members, size)`; a layout cuts it into views. Hyperparameters that are numbers (dropout) may decide how a
member begins but not the layout: the forward pass takes one per member.
"""

from xltrain.choices.models import ft_transformer, linear, mlp, resnet, tabm, wide_deep

__all__ = ["ft_transformer", "linear", "mlp", "resnet", "tabm", "wide_deep"]
