"""The FT-Transformer: every feature is a token, and attention lets the tokens ask each other."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

from xltrain.choices.models.embedding import (
    Embedded,
    Embedding,
    EmbeddingKind,
    FrequencyScale,
    Resolution,
    line_weights,
    place,
)
from xltrain.choices.models.layers import Dropout, leave_out, norm_weights, steady
from xltrain.choices.models.layout import Features, Layout, Pass, Weight, linear_forward, linear_weights
from xltrain.lazy import torch
from xltrain.registry import AtLeast, Below, models


@models.add(features=True)
def ft_transformer(
    features: Features,
    outputs: int,
    *,
    blocks: Annotated[int, AtLeast(1), "number of blocks"] = 2,
    heads: Annotated[int, AtLeast(1), "questions that each token asks the others in a block"] = 8,
    head_width: Annotated[int, AtLeast(1), "width of each head; a token has heads x head_width numbers"] = 8,
    inner: Annotated[int, AtLeast(0), "width of a block inside; 0 for 4/3 of a token"] = 0,
    attention_dropout: Annotated[float, AtLeast(0), Below(1), "share of the attention left out while training"] = 0.2,
    dropout: Dropout = 0.1,
    residual_dropout: Annotated[
        float, AtLeast(0), Below(1), "share of what a block adds that is left out while training"
    ] = 0.0,
    embedding: EmbeddingKind = "none",
    resolution: Resolution = 48,
    frequency_scale: FrequencyScale = 0.01,
) -> Layout:
    """Each feature is a token that asks the others: strong where features act together; slow with many of them.

    A number x is the token x w + b (or its embedding), a category the row of a table plus b; one more token reads the
    result. Blocks: x = x + attention(norm(x)); x = x + linear(reglu(linear(norm(x)))); no norm before the first
    attention. Then linear(relu(norm(x))) of the reading token. Gorishniy et al. 2021, arXiv 2106.11959.
    """
    width = heads * head_width
    tokens = Embedding(features, embedding, width, resolution, frequency_scale, category_size=width)
    inner = inner or int(width * 4 / 3)
    weights = [Weight("cls", (1, width), decay=False, bound=width**-0.5), *tokens.weights()]
    weights += line_weights("plain", len(tokens.rest), width) if tokens.rest else []
    if tokens.tables:
        weights.append(Weight("table.bias", (len(tokens.tables), width), decay=False, bound=width**-0.5))
    for index in range(blocks):
        weights += norm_weights(f"{index}.attention", "layer", width) if index else []
        weights += [
            part for name in ("query", "key", "value", "mix") for part in _square(f"{index}.{name}", width, heads)
        ]
        weights += norm_weights(f"{index}.inner", "layer", width)
        weights += linear_weights(f"{index}.widen", width, 2 * inner)
        weights += linear_weights(f"{index}.narrow", inner, width)
    weights += norm_weights("out", "layer", width)
    weights += linear_weights("out", width, outputs)
    return FtTransformer(features.count, outputs, tuple(weights), tuple(tokens.buffers()), tokens, blocks, heads)


@dataclass(frozen=True)
class FtTransformer(Embedded):
    blocks: int = 2
    heads: int = 8

    @cached_property
    def count(self) -> int:
        """Tokens of a row."""
        return 1 + len(self.first.numeric) + len(self.first.tables) + len(self.first.rest)

    @property
    def widest(self) -> int:
        wide = max(weight.shape[-1] for weight in self.weights)
        return max(self.first.kept, self.count * (3 * wide + self.heads * self.count))

    @property
    def kept(self) -> int:
        wide = max(weight.shape[-1] for weight in self.weights)
        return self.first.kept + self.blocks * self.count * (8 * wide + 3 * self.heads * self.count)

    @property
    def work(self) -> int:
        return self.count * self.size

    def forward(self, weights: "Mapping[str, torch.Tensor]", x: "torch.Tensor", run: Pass) -> "torch.Tensor":
        x = self.tokens(weights, run.buffers, x)
        for index in range(self.blocks):
            normal = _normal(weights, f"{index}.attention", x, run) if index else x
            if index == self.blocks - 1:
                x = x[:, :, :1]  # nothing but the reading token is read
            x = x + leave_out(self.attention(weights, f"{index}", normal, x.shape[2], run), run, "residual_dropout")
            normal = _normal(weights, f"{index}.inner", x, run)
            inner, gate = _linear(weights, f"{index}.widen", normal).chunk(2, -1)
            inner = leave_out(inner * torch.relu(gate), run)
            x = x + leave_out(_linear(weights, f"{index}.narrow", inner), run, "residual_dropout")
        x = _normal(weights, "out", x, run).squeeze(2)
        return linear_forward(weights, "out", torch.relu_(x))

    def tokens(
        self, weights: "Mapping[str, torch.Tensor]", buffers: "Mapping[str, torch.Tensor]", x: "torch.Tensor"
    ) -> "torch.Tensor":
        """(members, batch, inputs) -> (members, batch, tokens, width), the reading token first."""
        first = self.first
        parts = [weights["cls"].unsqueeze(1).expand(-1, x.shape[1], -1, -1)]
        if first.numeric:
            parts.append(first.numbers(weights, buffers, x).transpose(1, 2))
        if first.rest:
            column = x.index_select(2, place(first.rest, x.device)).unsqueeze(-1)
            parts.append(
                torch.addcmul(weights["plain.bias"].unsqueeze(1), column, weights["plain.weight"].unsqueeze(1))
            )
        if first.tables:
            parts.append(torch.stack(first.categories(weights, x), 2) + weights["table.bias"].unsqueeze(1))
        return torch.cat(parts, 2)

    def attention(
        self, weights: "Mapping[str, torch.Tensor]", name: str, x: "torch.Tensor", asking: int, run: Pass
    ) -> "torch.Tensor":
        """What the first `asking` tokens learn from all: (members, batch, asking, width)."""
        query = self._split(_linear(weights, f"{name}.query", x[:, :, :asking]))
        key, value = (self._split(_linear(weights, f"{name}.{each}", x)) for each in ("key", "value"))
        share = torch.softmax(query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1]), -1)
        told = (leave_out(share, run, "attention_dropout") @ value).transpose(2, 3).flatten(3)
        return _linear(weights, f"{name}.mix", told) if self.heads > 1 else told

    def _split(self, x: "torch.Tensor") -> "torch.Tensor":
        """(members, batch, tokens, width) -> (members, batch, heads, tokens, head width)."""
        return x.view(*x.shape[:-1], self.heads, -1).transpose(2, 3)


def _square(name: str, width: int, heads: int) -> list[Weight]:
    """A linear layer whose bias begins at 0; a single head needs no mixing."""
    if name.endswith("mix") and heads == 1:
        return []
    weight, bias = linear_weights(name, width, width)
    return [weight, Weight(bias.name, bias.shape, decay=False)]


def _normal(weights: "Mapping[str, torch.Tensor]", name: str, x: "torch.Tensor", run: Pass) -> "torch.Tensor":
    """Layer norm of every token."""
    return steady(x.flatten(1, 2), weights, name, "layer", 1, run).view(x.shape)


def _linear(weights: "Mapping[str, torch.Tensor]", name: str, x: "torch.Tensor") -> "torch.Tensor":
    """A linear layer over the tokens of all rows: x (members, batch, tokens, width)."""
    return linear_forward(weights, name, x.flatten(1, 2)).view(*x.shape[:3], -1)
