"""What a workflow reports while it works; a caller may pass `listen` to hear of it.

Library code never prints: the command line turns these into a progress display, a program may ignore them.
"""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Event:
    """Something happened."""


@dataclass(frozen=True)
class Read(Event):
    """A book has been read: the `done`-th of `total`."""

    file: str
    done: int
    total: int


@dataclass(frozen=True)
class Drew(Event):
    """A picture of a range has been drawn: the `done`-th of `total`."""

    range: str
    done: int
    total: int


@dataclass(frozen=True)
class PlannedStack:
    """One stack of a plan: the runs its members belong to, and what it may take.

    `rows` are the training rows of its largest member, `parameters` those of one member, `batch_size` 0 is all rows;
    `memory` is in bytes; `seconds` is measured, and an upper bound from the epochs allowed. `alone` is the key of the
    message that says why a stack of one is one.
    """

    runs: tuple[str, ...]
    members: int
    model: str
    rows: int
    batch_size: int
    epochs: int
    memory: int
    parameters: int
    seconds: float
    alone: str = ""


@dataclass(frozen=True)
class Planned(Event):
    """Training is about to start: so many runs, members and stacks; no stack may take more bytes than `budget`.

    `later` runs follow, which searches propose once these are trained.
    """

    runs: int
    members: int
    stacks: int
    device: str
    plan: tuple[PlannedStack, ...] = ()
    budget: int = 0
    later: int = 0

    @property
    def seconds(self) -> float:
        """An upper bound on the time of all stacks, one after the other."""
        return sum(stack.seconds for stack in self.plan)


@dataclass(frozen=True)
class Trained(Event):
    """One epoch of one stack is over.

    `runs` names the runs in the stack; `loss` and `best` are the mean validation loss over its members, now and at
    their best; `active` members still train. `seconds_left` is an upper bound from the epochs still allowed.
    """

    stack: int
    stacks: int
    runs: tuple[str, ...]
    epoch: int
    epochs: int
    active: int
    members: int
    loss: float
    best: float
    seconds_left: float


@dataclass(frozen=True)
class Wrote(Event):
    """A file is complete."""

    path: str


@dataclass(frozen=True)
class Noted(Event):
    """Something the user should know, in one line."""

    message: str


Listener = Callable[[Event], None]


def ignore(event: Event) -> None:
    """The listener of a caller who does not listen."""
