"""Optimizers: pure functions on one flat tensor that holds all weights of every member of a stack.

`weights` and `grad` are (members, size); `state` maps names to tensors with a row for each member; `step` (members, 1)
counts from 1. Hyperparameters are (members, 1), except `weight_decay`, which the engine zeroes for biases, norms and
embeddings and hands over as (members, size). The result is new weights and new state. Each equals `torch.optim` of the
same name, or its paper.

Facts of an optimizer: `state`, the names of what is as large as the weights and begins at zero; `start`, a function
(weights, hyperparameters that are structure) -> State for what begins otherwise; `matrices`, where the function takes
a fifth argument: the hidden matrices of the model; `closure`, where it takes two more, the loss (members, 1) and a
function from weights to loss and gradient, and learns from all rows at once; `evaluates`, the name of the state that
holds the weights which count in place of those that it moves.
"""

from xltrain.choices.optimizers import adam, adaptive, newton, orthogonal, schedule_free, sgd, sign

__all__ = ["adam", "adaptive", "newton", "orthogonal", "schedule_free", "sgd", "sign"]
