"""How features enter a network: numbers as vectors, categories through a table.

Numbers: Gorishniy et al. 2022, arXiv 2203.05556, as in the package rtdl_num_embeddings. With x one encoded number,

    none               x
    piecewise_linear   x v + b + sum_t e_t(x) w_t   e_t(x) how far x has come through bin t, from 0 to 1
    periodic           relu(W [cos(2 pi c x), sin(2 pi c x)] + b)

The bins lie between quantiles of the member's own training rows; the outer two go on beyond them for ten times their
width (in the paper without end, where one strange value could outweigh everything). `w` begins at 0, so that the whole
begins as a linear embedding (version B of the package). A category is a product of its one-hot columns with a table;
one never seen in training is all zeros. No embedding has weight decay.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Annotated

import numpy as np
import numpy.typing as npt

from xltrain.choices.models.layout import Features, Layout, Weight
from xltrain.lazy import torch
from xltrain.registry import Above, AtLeast, OneOf

Floats = npt.NDArray[np.float64]

EMBEDDINGS = ("none", "piecewise_linear", "periodic")
REACH = 10.0  # widths of a bin that the first and the last go on beyond the training values
NARROW = 1e-6  # quantiles of a feature (of about unit spread) closer than this are one
SAMPLE = 100_000  # rows that quantiles are taken from, evenly spaced

EmbeddingKind = Annotated[str, OneOf(*EMBEDDINGS), "how each number becomes a vector before the first layer"]
EmbeddingSize = Annotated[int, AtLeast(1), "width of the vector of each number"]
Resolution = Annotated[int, AtLeast(2), "bins (piecewise_linear) or frequencies (periodic) of each number"]
FrequencyScale = Annotated[float, Above(0), "spread of the frequencies that periodic begins with; worth trying several"]
CategorySize = Annotated[int, AtLeast(0), "width of the vector of each category; 0 for its 0/1 columns as they are"]


@dataclass(frozen=True)
class Embedding:
    """The first step of a network: (members, batch, inputs) -> (members, batch, width)."""

    features: Features
    kind: str = "none"
    size: int = 16
    resolution: int = 48
    frequency_scale: float = 0.01
    category_size: int = 0

    @cached_property
    def numeric(self) -> tuple[int, ...]:
        """The inputs that become vectors."""
        return () if self.kind == "none" else self.features.numeric

    @cached_property
    def tables(self) -> tuple[tuple[int, ...], ...]:
        return self.features.categories if self.category_size else ()

    @cached_property
    def rest(self) -> tuple[int, ...]:
        """The inputs that stay as they are."""
        taken = set(self.numeric).union(*self.tables)
        return tuple(each for each in range(self.features.count) if each not in taken)

    @property
    def width(self) -> int:
        return len(self.numeric) * self.size + len(self.tables) * self.category_size + len(self.rest)

    @cached_property
    def owners(self) -> tuple[int, ...]:
        """Which feature each number of the result belongs to: that of a category is one feature."""
        group = {each: inputs[0] for inputs in self.features.categories for each in inputs}
        found = [each for each in self.numeric for _ in range(self.size)]
        found += [inputs[0] for inputs in self.tables for _ in range(self.category_size)]
        found += [group.get(each, each) for each in self.rest]
        order = {each: index for index, each in enumerate(dict.fromkeys(found))}
        return tuple(order[each] for each in found)

    @cached_property
    def kept(self) -> int:
        """Numbers per row that a forward pass keeps for the gradient, about."""
        coded = {"none": 0, "piecewise_linear": self.resolution, "periodic": 2 * self.resolution}[self.kind]
        return self.width + len(self.numeric) * (coded + self.size)

    @property
    def learns(self) -> bool:
        return self.kind == "piecewise_linear" and bool(self.numeric)

    def weights(self) -> list[Weight]:
        return [*number_weights(self), *table_weights(self.tables, self.category_size)]

    def buffers(self) -> list[Weight]:
        shape = (len(self.numeric), self.resolution)
        return [Weight(f"bins.{name}", shape) for name in ("slope", "shift", "low", "high")] if self.learns else []

    def forward(
        self, weights: "Mapping[str, torch.Tensor]", buffers: "Mapping[str, torch.Tensor]", x: "torch.Tensor"
    ) -> "torch.Tensor":
        if not self.numeric and not self.tables:
            return x
        parts = []
        if self.numeric:
            parts.append(self.numbers(weights, buffers, x).transpose(1, 2).flatten(2))
        parts += self.categories(weights, x)
        if self.rest:
            parts.append(x.index_select(2, place(self.rest, x.device)))
        return torch.cat(parts, 2)

    def numbers(
        self, weights: "Mapping[str, torch.Tensor]", buffers: "Mapping[str, torch.Tensor]", x: "torch.Tensor"
    ) -> "torch.Tensor":
        """(members, batch, inputs) -> (members, numeric features, batch, size)."""
        column = x.index_select(2, place(self.numeric, x.device)).transpose(1, 2).unsqueeze(-1)
        if self.kind == "periodic":
            turns = (2 * math.pi) * weights["number.frequency"].unsqueeze(2) * column
            coded = torch.cat([turns.cos(), turns.sin()], -1)
            return torch.relu_(_each(coded, weights["number.weight"], weights["number.bias"].unsqueeze(2)))
        slope, shift, low, high = (buffers[f"bins.{name}"].unsqueeze(2) for name in ("slope", "shift", "low", "high"))
        coded = torch.addcmul(shift, column, slope).clamp(low, high)
        line = torch.addcmul(weights["number.bias"].unsqueeze(2), column, weights["number.weight"].unsqueeze(2))
        return _each(coded, weights["number.bins"], line)

    def categories(self, weights: "Mapping[str, torch.Tensor]", x: "torch.Tensor") -> "list[torch.Tensor]":
        """The vector of each category: (members, batch, category size)."""
        return [
            torch.bmm(x.index_select(2, place(inputs, x.device)), weights[f"table.{index}"])
            for index, inputs in enumerate(self.tables)
        ]

    def learn(self, x: "torch.Tensor") -> "dict[str, torch.Tensor]":
        """The bins of each number from the training rows of one member (rows, inputs); NaN is a gap."""
        if not self.learns:
            return {}
        rows = x[:: -(-len(x) // SAMPLE) or 1].double().cpu().numpy()
        shape = (len(self.numeric), self.resolution)
        slope, shift, low, high = (np.zeros(shape) for _ in range(4))
        for index, column in enumerate(self.numeric):
            edges = bin_edges(rows[:, column], self.resolution)
            count = len(edges) - 1
            if count < 1:
                continue
            slope[index, :count] = 1 / np.diff(edges)
            shift[index, :count] = -edges[:-1] / np.diff(edges)
            high[index, :count] = 1
            low[index, 0] -= REACH
            high[index, count - 1] += REACH
        names = ("slope", "shift", "low", "high")
        return {
            f"bins.{name}": torch.from_numpy(each) for name, each in zip(names, (slope, shift, low, high), strict=True)
        }


def bin_edges(values: Floats, count: int) -> Floats:
    """The distinct quantiles of the finite values at 0, 1/count, ..., 1."""
    values = values[np.isfinite(values)]
    if not len(values):
        return values
    edges: Floats = np.quantile(values, np.linspace(0, 1, count + 1))
    apart: npt.NDArray[np.bool_] = np.append(True, np.diff(edges) > NARROW)
    return np.asarray(edges[apart])


def number_weights(embedding: Embedding) -> list[Weight]:
    count, size = len(embedding.numeric), embedding.size
    if not count:
        return []
    if embedding.kind == "periodic":
        frequency = (count, embedding.resolution)
        scale, bound = embedding.frequency_scale, (2 * embedding.resolution) ** -0.5

        def draw(generator: "torch.Generator") -> "torch.Tensor":
            start = torch.empty(frequency)
            return torch.nn.init.trunc_normal_(start, 0.0, scale, -3 * scale, 3 * scale, generator=generator)

        return [
            Weight("number.frequency", frequency, decay=False, draw=draw),
            Weight("number.weight", (count, 2 * embedding.resolution, size), decay=False, bound=bound),
            Weight("number.bias", (count, size), decay=False, bound=bound),
        ]
    return [
        *line_weights("number", count, size),
        Weight("number.bins", (count, embedding.resolution, size), decay=False),
    ]


def line_weights(name: str, count: int, size: int) -> list[Weight]:
    """A linear embedding of `count` numbers."""
    bound = size**-0.5
    return [Weight(f"{name}.{part}", (count, size), decay=False, bound=bound) for part in ("weight", "bias")]


def table_weights(categories: tuple[tuple[int, ...], ...], size: int) -> list[Weight]:
    """One table for each category: a row for each of its inputs."""
    return [
        Weight(f"table.{index}", (len(inputs), size), decay=False, bound=size**-0.5)
        for index, inputs in enumerate(categories)
    ]


@lru_cache(maxsize=256)
def place(inputs: tuple[int, ...], device: "torch.device") -> "torch.Tensor":
    """Which inputs, as an index on the device; made once, so that no step waits for a copy."""
    return torch.tensor(inputs, device=device)


def _each(coded: "torch.Tensor", weight: "torch.Tensor", bias: "torch.Tensor") -> "torch.Tensor":
    """A product of its own for each feature: (members, features, batch, in) -> (members, features, batch, size)."""
    members, features, batch, _ = coded.shape
    bias = bias.expand(members, features, bias.shape[2], weight.shape[-1])
    product = torch.baddbmm(bias.flatten(0, 1), coded.flatten(0, 1), weight.flatten(0, 1))
    return product.view(members, features, batch, -1)


@dataclass(frozen=True)
class Embedded(Layout):
    """A layout that begins with an embedding."""

    first: Embedding = field(default_factory=lambda: Embedding(Features(0)))

    @property
    def widest(self) -> int:
        return max(super().widest, self.first.kept)

    @property
    def kept(self) -> int:
        return super().kept + self.first.kept

    @property
    def learns(self) -> bool:
        return self.first.learns

    def learn(self, x: "torch.Tensor") -> "dict[str, torch.Tensor]":
        return self.first.learn(x)
