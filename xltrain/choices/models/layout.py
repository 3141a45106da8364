"""What every model is made of: named shapes in one flat row per member."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from xltrain.lazy import torch


@dataclass(frozen=True)
class Features:
    """What the inputs of a model are.

    `numeric` are those that measure something. Each of `categories` are the inputs that together name one category: at
    most one of them is 1. Whatever is in neither (a flag, a part of a text) is a number with little to say.
    """

    count: int
    numeric: tuple[int, ...] = ()
    categories: tuple[tuple[int, ...], ...] = ()

    @classmethod
    def plain(cls, count: int) -> "Features":
        """So many numbers."""
        return cls(count, tuple(range(count)))


@dataclass(frozen=True)
class Weight:
    """One tensor of a member. `bound` is half the width of its uniform start; `start` its value where bound is 0.

    A weight that begins in another way has `draw`, which gives that beginning (in the weight's shape).
    """

    name: str
    shape: tuple[int, ...]
    decay: bool = True
    bound: float = 0.0
    start: float = 0.0
    draw: "Callable[[torch.Generator], torch.Tensor] | None" = None

    @property
    def size(self) -> int:
        return math.prod(self.shape)


@dataclass
class Pass:
    """One forward pass: what the layers need besides weights.

    `numbers` hold (members, 1, 1) tensors; `mask` (members, batch) is False on rows that only pad, None without any;
    `generator` draws the dropout. `buffers` are the views of the running statistics, replaced when training.
    """

    training: bool
    numbers: Mapping[str, "torch.Tensor"]
    buffers: "dict[str, torch.Tensor]"
    mask: "torch.Tensor | None" = None
    generator: "torch.Generator | None" = None


@dataclass(frozen=True)
class Layout:
    """The weights and buffers of one member, and how a stack of members computes its outputs.

    A model that says several things of each row, such as tabm, gives (members, several, batch, outputs): the engine
    learns from the mean of their losses and predicts the mean of their predictions.
    """

    inputs: int
    outputs: int
    weights: tuple[Weight, ...]
    buffers: tuple[Weight, ...] = ()

    @property
    def widest(self) -> int:
        """Numbers per row in the widest step of a forward pass."""
        return max(self.inputs, *(weight.shape[-1] for weight in self.weights))

    @property
    def kept(self) -> int:
        """Numbers per row that a forward pass keeps for the gradient, about."""
        return self.inputs + sum(weight.shape[-1] for weight in self.weights)

    @property
    def work(self) -> int:
        """Multiplications for one row in a forward pass, about."""
        return self.size

    @property
    def learns(self) -> bool:
        """True where some buffers come from the training rows: see `learn`."""
        return False

    def learn(self, x: "torch.Tensor") -> "dict[str, torch.Tensor]":
        """Buffers, by name, that the encoded training rows of one member (rows, inputs) decide; NaN is a gap."""
        return {}

    @cached_property
    def size(self) -> int:
        return sum(weight.size for weight in self.weights)

    @property
    def layers(self) -> tuple[str, ...]:
        """The parts of the network in order, as the names of their weights begin, without what gives its outputs."""
        names = dict.fromkeys(each.name.partition(".")[0] for each in self.weights)
        return tuple(name for name in names if name != "out")

    def start(self, generator: "torch.Generator") -> "torch.Tensor":
        """The weights (size,) that a member begins with; linear layers begin as torch.nn.Linear does."""
        parts = []
        for weight in self.weights:
            part = torch.full((weight.size,), weight.start)
            if weight.draw:
                part = weight.draw(generator).flatten()
            elif weight.bound:
                part = (torch.rand(weight.size, generator=generator) * 2 - 1) * weight.bound
            parts.append(part)
        return torch.cat(parts)

    def decayed(self) -> "torch.Tensor":
        """1 where weight decay applies, 0 for biases, norms and embeddings: (size,)."""
        return torch.cat([torch.full((weight.size,), float(weight.decay)) for weight in self.weights])

    def fresh_buffers(self) -> "torch.Tensor":
        """The buffers (buffer size,) that a member begins with."""
        return torch.cat([torch.empty(0), *(torch.full((each.size,), each.start) for each in self.buffers)])

    def views(self, flat: "torch.Tensor") -> "dict[str, torch.Tensor]":
        """(members, size) -> each weight as (members, *shape)."""
        return _cut(flat, self.weights)

    def buffer_views(self, flat: "torch.Tensor") -> "dict[str, torch.Tensor]":
        return _cut(flat, self.buffers)

    def join_buffers(self, views: "Mapping[str, torch.Tensor]") -> "torch.Tensor":
        """The inverse of `buffer_views`."""
        return torch.cat([views[each.name].flatten(1) for each in self.buffers], 1)

    def forward(self, weights: "Mapping[str, torch.Tensor]", x: "torch.Tensor", run: Pass) -> "torch.Tensor":
        """(members, batch, inputs) -> (members, batch, outputs)."""
        raise NotImplementedError


def _cut(flat: "torch.Tensor", parts: tuple[Weight, ...]) -> "dict[str, torch.Tensor]":
    pieces = torch.split(flat, [part.size for part in parts], 1) if parts else ()
    return {part.name: piece.view(-1, *part.shape) for part, piece in zip(parts, pieces, strict=True)}


def linear_weights(name: str, inputs: int, outputs: int, bias: bool = True) -> list[Weight]:
    """A linear layer: weight (inputs, outputs), bias (1, outputs); bounds as torch.nn.Linear draws them."""
    bound = 1 / math.sqrt(inputs)
    layer = [Weight(f"{name}.weight", (inputs, outputs), bound=bound)]
    return [*layer, Weight(f"{name}.bias", (1, outputs), decay=False, bound=bound)] if bias else layer


def linear_forward(weights: "Mapping[str, torch.Tensor]", name: str, x: "torch.Tensor") -> "torch.Tensor":
    """One batched product for all members."""
    bias = weights.get(f"{name}.bias")
    if bias is None:
        return torch.bmm(x, weights[f"{name}.weight"])
    return torch.baddbmm(bias, x, weights[f"{name}.weight"])
