"""Optimizers that look at the same loss several times in one step."""

from collections.abc import Callable
from typing import Annotated, Any

from xltrain.choices.optimizers.shared import Decay, Rate, State
from xltrain.lazy import torch
from xltrain.registry import AtLeast, AtMost, optimizers

Look = Callable[["torch.Tensor"], tuple["torch.Tensor", "torch.Tensor"]]
ENOUGH = 1e-4  # share of the promised fall that a step must bring
ROUNDING = 10  # times the precision of a loss: differences that mean nothing
HALVINGS = 25  # of a step, before a member stays where it is


def _start(weights: "torch.Tensor", **structure: Any) -> State:
    empty = weights.new_zeros((len(weights), structure["history"] * weights.shape[1]))
    return {"moves": empty, "turns": empty}


@optimizers.add(state=(), start=_start, closure=True)
def lbfgs(
    weights: "torch.Tensor",
    grad: "torch.Tensor",
    state: State,
    step: "torch.Tensor",
    loss: "torch.Tensor",
    look: Look,
    *,
    lr: Rate = 1.0,
    history: Annotated[int, AtLeast(1), AtMost(100), "past steps that tell the curvature"] = 10,
    weight_decay: Decay = 0.0,
) -> "tuple[torch.Tensor, State]":
    """Follows the curvature of the whole loss, for small data: batch_size all, schedule constant; never clips.

    w = w - t H g, H from the last steps (two loops), t halved from lr until the loss falls enough (Armijo, or
    Hager and Zhang 2005 within rounding), for each member on its own.  Nocedal 1980; Liu and Nocedal 1989.
    """

    def whole(there: "torch.Tensor") -> "tuple[torch.Tensor, torch.Tensor]":
        value, slope = look(there)
        return value + _pull(there, weight_decay), slope + weight_decay * there

    loss, grad = loss + _pull(weights, weight_decay), grad + weight_decay * weights
    moves, turns = (state[name].view(len(weights), history, -1) for name in ("moves", "turns"))
    direction, fresh = _direction(grad, moves, turns)
    reach = torch.where(fresh, lr / grad.abs().sum(1, keepdim=True).clamp(min=1), torch.as_tensor(lr))
    there, slope = _search(whole, weights, grad, loss, direction, reach)
    move, turn = there - weights, slope - grad
    # A step along which the gradient does not grow teaches no curvature.
    bent = (_dot(move, turn) > torch.finfo(turn.dtype).eps * _dot(turn, turn)).unsqueeze(2)
    moves, turns = (
        torch.where(bent, torch.cat([old[:, 1:], new.unsqueeze(1)], 1), old)
        for old, new in ((moves, move), (turns, turn))
    )
    return there, {"moves": moves.flatten(1), "turns": turns.flatten(1)}


def _direction(
    grad: "torch.Tensor", moves: "torch.Tensor", turns: "torch.Tensor"
) -> "tuple[torch.Tensor, torch.Tensor]":
    """-H g by the two loops, and for whom it is the gradient alone (members, 1)."""
    curvature = (moves * turns).sum(2)  # 0 where there is no step yet
    weight = torch.where(curvature > 0, 1 / curvature.clamp(min=torch.finfo(grad.dtype).tiny), 0.0)
    rest, shares = -grad, []
    for index in range(moves.shape[1] - 1, -1, -1):
        share = weight[:, index : index + 1] * _dot(moves[:, index], rest)
        rest = rest - share * turns[:, index]
        shares.append(share)
    last = _dot(turns[:, -1], turns[:, -1])
    rest = rest * torch.where(last > 0, curvature[:, -1:] / last.clamp(min=torch.finfo(last.dtype).tiny), 1.0)
    for index, share in enumerate(reversed(shares)):
        rest = rest + moves[:, index] * (share - weight[:, index : index + 1] * _dot(turns[:, index], rest))
    fresh = (last == 0) | ~(_dot(rest, grad) < 0)
    return torch.where(fresh, -grad, rest), fresh


def _search(
    look: Look,
    weights: "torch.Tensor",
    grad: "torch.Tensor",
    loss: "torch.Tensor",
    direction: "torch.Tensor",
    reach: "torch.Tensor",
) -> "tuple[torch.Tensor, torch.Tensor]":
    """Weights along `direction` where the loss has fallen enough, and the gradient there."""
    promised, slack = _dot(grad, direction), loss.abs() * (ROUNDING * torch.finfo(loss.dtype).eps)
    # Nobody looks further who has arrived or is lost.
    found, slope, open_ = weights, grad, promised < 0
    for _ in range(HALVINGS):
        there = weights + reach * direction
        value, turned = look(there)
        # Where the fall is lost in rounding, the slope tells instead.
        level = (value <= loss + slack) & (_dot(turned, direction) <= (2 * ENOUGH - 1) * promised)
        good = open_ & ((value <= loss + ENOUGH * reach * promised) | level)
        found, slope, open_ = torch.where(good, there, found), torch.where(good, turned, slope), open_ & ~good
        if not bool(open_.any()):
            break
        reach = torch.where(open_, reach / 2, reach)
    return found, slope


def _pull(weights: "torch.Tensor", weight_decay: "float | torch.Tensor") -> "torch.Tensor":
    """What the weight decay adds to the loss: (members, 1)."""
    return (0.5 * weight_decay * weights.square()).sum(1, keepdim=True)


def _dot(one: "torch.Tensor", other: "torch.Tensor") -> "torch.Tensor":
    return (one * other).sum(1, keepdim=True)
