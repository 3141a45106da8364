"""On a GPU the step of a stack is captured once as a CUDA graph and run again by one call; elsewhere it stays as it is.

A graph reads and writes fixed memory: batches are copied into it, and what an update replaces (weights, buffers,
optimizer state) is copied back to where the graph will look for it. A batch of another size (the tail of an epoch) is
run step by step.
"""

from collections.abc import Callable
from dataclasses import fields

from xltrain.engine.dynamics import Told
from xltrain.engine.stack import Batch, Stack
from xltrain.lazy import torch

Losses = tuple["torch.Tensor", "torch.Tensor | float"]
Update = Callable[[Batch, "torch.Tensor"], Losses]
Body = Callable[[], Losses]

WARM = 3  # runs before a capture, which let every library set itself up


def updates(stack: Stack) -> Update:
    """The way to update this stack on its device, until members leave it."""
    # The others decide on the host, or look twice under one dropout.
    plain = stack.sam is None and stack.joint is None and stack.objective is None
    plain = plain and not stack.optimizer.facts.get("closure")
    return Graphed(stack, _capture) if stack.device.type == "cuda" and plain else stack.update


class Graphed:
    """Updates of one stack, each kind of full batch captured once."""

    def __init__(self, stack: Stack, capture: "Callable[[Stack, Body], Body]") -> None:
        self._stack, self._capture = stack, capture
        self._rows = stack.batch * stack.accumulate
        self._known: dict[tuple[bool, ...], tuple[Batch, torch.Tensor, Body, list[Told]]] = {}
        self._held = {name: tensor.clone() for name, tensor in _written(stack).items()}
        _put(stack, self._held)

    def __call__(self, batch: Batch, lr: "torch.Tensor") -> Losses:
        if batch.x.shape[1] != self._rows:
            found = self._stack.update(batch, lr)
            self._settle()
            return found
        key = tuple(getattr(batch, each.name) is None for each in fields(Batch))
        if key not in self._known:
            self._known[key] = (*self._captured(batch, lr), self._stack.told)
        inputs, rate, run, told = self._known[key]
        for each in fields(Batch):
            fixed, given = getattr(inputs, each.name), getattr(batch, each.name)
            if fixed is not None:
                fixed.copy_(given)
        rate.copy_(lr)
        found = run()
        self._stack.told = [(loss.clone(), _copy(output)) for loss, output in told]  # a graph writes where it wrote
        return found

    def _captured(self, batch: Batch, lr: "torch.Tensor") -> "tuple[Batch, torch.Tensor, Body]":
        inputs = Batch(batch.x.clone(), batch.target.clone(), *(_copy(each) for each in _parts(batch)[2:]))
        rate = lr.clone()

        def body() -> Losses:
            found = self._stack.update(inputs, rate)
            self._settle()
            return found

        before = {name: tensor.clone() for name, tensor in self._held.items()}
        run = self._capture(self._stack, body)
        for name, tensor in self._held.items():  # as if the runs of the capture had not been
            tensor.copy_(before[name])
        return inputs, rate, run

    def _settle(self) -> None:
        """What the update replaced goes back to where it stood."""
        with torch.no_grad():
            for name, tensor in _written(self._stack).items():
                if tensor is not self._held[name]:
                    self._held[name].copy_(tensor)
        _put(self._stack, self._held)


def _parts(batch: Batch) -> "list[torch.Tensor | None]":
    return [getattr(batch, each.name) for each in fields(Batch)]


def _copy(given: "torch.Tensor | None") -> "torch.Tensor | None":
    return None if given is None else given.clone()


def _written(stack: Stack) -> "dict[str, torch.Tensor]":
    """Every tensor that an update replaces or changes."""
    found = {name: getattr(stack, name) for name in ("weights", "buffers", "step", "clipped")}
    found |= {f"state {name}": value for name, value in stack.state.items()}
    if stack.averages is not None:
        found |= {"average weights": stack.averages.weights, "average buffers": stack.averages.buffers}
    return found


def _put(stack: Stack, held: "dict[str, torch.Tensor]") -> None:
    """Tensors under the names of `_written`, never those on which a gradient was asked for."""
    for name in ("weights", "buffers", "step", "clipped"):
        setattr(stack, name, held[name].detach())
    stack.state = {name.removeprefix("state "): value for name, value in held.items() if name.startswith("state ")}
    if stack.averages is not None:
        stack.averages.weights, stack.averages.buffers = held["average weights"], held["average buffers"]


def _capture(stack: Stack, body: Body) -> Body:
    """`body` as a CUDA graph: a call that launches all its kernels at once, with dropout drawn anew each time."""
    noise = stack.noise.get_state()
    side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(WARM):
            body()
    torch.cuda.current_stream().wait_stream(side)
    stack.noise.set_state(noise)
    graph = torch.cuda.CUDAGraph()
    graph.register_generator_state(stack.noise)
    with torch.cuda.graph(graph):
        found = body()

    def run() -> Losses:
        graph.replay()
        return found

    return run
