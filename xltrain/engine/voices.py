"""The members of one run on one target as one: what they say of encoded rows, in stacked forward passes."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from xltrain.choices.models.layout import Features, Pass
from xltrain.data.encode import Floats, Singles
from xltrain.engine.device import SMALL_STEP, threads
from xltrain.engine.evaluate import Judged, masks_of, meant
from xltrain.engine.plan import layout_of
from xltrain.engine.pool import pooled
from xltrain.lazy import torch

ROOM = 1 << 18  # numbers that one pass may hold in its widest layer: what stays in a processor's cache
Rows = npt.NDArray[np.int64]


class Voices:
    """The trained members of a run, with a sample of the rows that each holds out.

    rows: per member, positions in the dataset. count: rows of the member that has most; those of others are filled up
    with their first, and `mask` (members, count) is False there.
    """

    def __init__(self, judged: Sequence[Judged], raw: Singles, features: Features, most: int) -> None:
        """At most about `most` rows of all members together, drawn by a fixed seed."""
        self.judged, self.raw = judged, raw
        courses = [each.course for each in judged]
        self.members = [course.member for course in courses]
        first = self.members[0]
        self.layout = layout_of(first.run.model, features, first.network)
        weights = torch.stack([course.weights for course in courses if course.weights is not None])
        buffers = torch.stack([course.buffers for course in courses if course.buffers is not None])
        self.dtype = weights.dtype
        self._views = self.layout.views(weights[:, : self.layout.size])
        self._pass = Pass(False, {}, self.layout.buffer_views(buffers))
        self._part = slice(first.start, first.start + first.outputs) if first.width else slice(None)
        self._mean = torch.tensor([[member.mean] for member in self.members], dtype=torch.float64)
        self._deviation = torch.tensor([[member.deviation] for member in self.members], dtype=torch.float64)
        masks = masks_of(self.members)
        self._unseen = None if masks is None else torch.from_numpy(masks).unsqueeze(1)
        self.rows = _sample(judged, most)
        self.count = max(map(len, self.rows))
        self.mask = np.arange(self.count) < np.array([[len(each)] for each in self.rows])

    @property
    def pool(self) -> Rows:
        """The sampled rows of all members, each once."""
        return np.unique(np.concatenate(self.rows))

    def encoded(self, rows: Sequence[Rows]) -> "torch.Tensor":
        """The features of each member's rows as it sees them: (members, most rows, features)."""
        count = max(map(len, rows))
        pairs = zip(self.members, rows, strict=True)
        seen = [member.state.apply(self.raw[np.resize(each, count)]) for member, each in pairs]
        return torch.from_numpy(np.stack(seen)).to(self.dtype)

    def say(self, x: "torch.Tensor") -> Floats:
        """x (members, rows, features) -> predictions (members, rows) in the target's own unit, or probabilities
        (members, rows, classes).
        """
        # Passes so small that one thread does best: several would wait for each other for ever on a busy machine.
        step = max(1, SMALL_STEP // (len(self.members) * self.layout.work))
        with torch.no_grad(), threads(0):
            said = [self._say(x[:, start : start + step]) for start in range(0, x.shape[1], step)]
        return np.asarray(torch.cat(said, 1).numpy())

    def _say(self, x: "torch.Tensor") -> "torch.Tensor":
        link = self.members[0].link
        output = pooled(self.layout.forward(self._views, x, self._pass)[..., self._part].double(), link)
        return meant(output, link, self._mean, self._deviation, self._unseen)

    def variants(self, x: "torch.Tensor", changes: "Sequence[tuple[slice, torch.Tensor]]") -> Iterator[Floats]:
        """What is said of x once for each change, which puts other numbers (members, rows or 1, own) into some of the
        features; as many changes in one pass as there is room for.
        """
        members, rows, features = x.shape
        step = max(1, ROOM // (members * rows * self.layout.widest))
        for start in range(0, len(changes), step):
            part = changes[start : start + step]
            changed = x.unsqueeze(1).repeat(1, len(part), 1, 1)
            for index, (own, values) in enumerate(part):
                changed[:, index, :, own] = values
            said = self.say(changed.view(members, len(part) * rows, features))
            yield from np.moveaxis(said.reshape(members, len(part), rows, *said.shape[2:]), 1, 0)


def _sample(judged: Sequence[Judged], most: int) -> list[Rows]:
    total = sum(len(each.held_out.rows) for each in judged)
    found = []
    for each in judged:
        rows, part = each.held_out.rows, each.course.member.part
        if total > most:
            kept = max(1, round(len(rows) * most / total))
            drawn = np.random.default_rng([1, part.repeat, part.fold]).permutation(len(rows))[:kept]
            rows = rows[np.sort(drawn)]
        found.append(rows)
    return found
