"""How members begin: each from its own seed, its own hyperparameters and its own training rows."""

from collections.abc import Sequence

from xltrain.choices.models.layout import Features, Layout, Weight
from xltrain.engine.plan import Member, layout_of
from xltrain.lazy import torch


def warm_weights(members: Sequence[Member], weights: "torch.Tensor", buffers: "torch.Tensor") -> None:
    """Put what members begin with in place of chance into weights (members, size) and buffers."""
    for index, member in enumerate(members):
        if member.warm is not None:
            weights[index, : len(member.warm.weights)] = member.warm.weights.to(weights)
            buffers[index] = member.warm.buffers.to(buffers)


def first_weights(
    members: Sequence[Member], inputs: int | Features, generators: "Sequence[torch.Generator]"
) -> "list[torch.Tensor]":
    """The weights (size,) of each member, and zeros for what its objective learns besides."""
    layouts = {member.run.model: layout_of(member.run.model, inputs, member.outputs) for member in members}
    return [
        torch.nn.functional.pad(layouts[member.run.model].start(generator), (0, member.learned))
        for member, generator in zip(members, generators, strict=True)
    ]


def first_buffers(
    layout: Layout, members: Sequence[Member], views: "torch.Tensor", learn: bool = True
) -> "torch.Tensor":
    """The buffers (members, buffer size), with what the training rows decide (bins) where that is asked for."""
    buffers = layout.fresh_buffers().to(views).repeat(len(members), 1)
    if not (learn and layout.learns):
        return buffers
    known: dict[tuple[int, int, int], dict[str, torch.Tensor]] = {}
    cut = layout.buffer_views(buffers)
    for index, member in enumerate(members):
        key = (id(member.part), id(member.state), member.view)
        if key not in known:
            scale, offset = (
                torch.from_numpy(each).to(views.device) for each in (member.state.scale, member.state.offset)
            )
            rows = torch.from_numpy(member.part.training).to(views.device)
            known[key] = layout.learn(views[member.view][rows].double() * scale + offset)
        for name, value in known[key].items():
            cut[name][index] = value.to(views)
    return layout.join_buffers(cut)


def frozen(members: Sequence[Member], layout: Layout) -> "tuple[torch.Tensor, torch.Tensor] | None":
    """True where weights (members, size) and buffers (members, buffer size) stay as they are; None where none do."""
    if not any(member.run.freeze for member in members):
        return None
    weights, buffers = [], []
    for member in members:
        still = set(layout.layers[: member.run.freeze])
        weights.append(_marked(layout.weights, still, member.learned))
        buffers.append(_marked(layout.buffers, still, 0))
    return torch.stack(weights), torch.stack(buffers)


def _marked(parts: Sequence[Weight], still: "set[str]", more: int) -> "torch.Tensor":
    pieces = [torch.full((part.size,), part.name.partition(".")[0] in still) for part in parts]
    return torch.cat([torch.empty(0, dtype=torch.bool), *pieces, torch.zeros(more, dtype=torch.bool)])
