"""Models: a layout of named weights, and a forward pass for a whole stack of members at once.

A model choice is called with the number of inputs and outputs and its structural hyperparameters and returns a
`Layout`. All weights of a member lie in one row of a flat tensor `(members, size)`; a layout cuts it into views.
Hyperparameters that are numbers (dropout) are not part of the layout: the forward pass takes one per member.
"""

from xltrain.choices.models import linear, mlp

__all__ = ["linear", "mlp"]
