"""What a person sees while a command works: a live display on a terminal, plain lines elsewhere.

Everything goes to standard error, so that standard output holds the result alone.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from xltrain.cli.output import wants_json
from xltrain.cli.plan import plan_lines
from xltrain.events import Drew, Event, Listener, Noted, Planned, Read, Trained
from xltrain.language import listed, text

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

PLANNED = 20  # stacks of a plan that are told
PLAIN_EVERY = 5.0  # seconds between plain lines about one stack


@contextmanager
def progress() -> Iterator[Listener]:
    """A listener that shows what happens."""
    if sys.stderr.isatty() and not wants_json():
        with _live() as listen:
            yield listen
    else:
        yield _Plain()


def line(event: Event) -> str:
    """An event in words; empty for one that nobody waits for."""
    if isinstance(event, Read):
        return text("progress_reading", done=event.done, total=event.total, file=event.file)
    if isinstance(event, Drew):
        return text("shot_done", number=event.done, count=event.total, range=event.range)
    if isinstance(event, Planned):
        return "\n".join(plan_lines(event, most=PLANNED))
    if isinstance(event, Trained):
        return text("progress_epoch", stack=event.stack, stacks=event.stacks, **_figures(event))
    return event.message if isinstance(event, Noted) else ""


def _figures(event: Trained) -> dict[str, object]:
    return {
        "epoch": event.epoch,
        "epochs": event.epochs,
        "loss": f"{event.loss:.4g}",
        "best": f"{event.best:.4g}",
        "active": event.active,
        "members": event.members,
        "left": clock(event.seconds_left),
    }


def clock(seconds: float) -> str:
    """Seconds as 1:02 or 1:02:03."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class _Plain:
    """One line per event, training at most every few seconds and at the end of a stack."""

    def __init__(self) -> None:
        self._last = 0.0

    def __call__(self, event: Event) -> None:
        if isinstance(event, Trained):
            finished = event.active == 0 or event.epoch == event.epochs
            if not finished and time.monotonic() - self._last < PLAIN_EVERY:
                return
            self._last = time.monotonic()
        if words := line(event):
            click.echo(words, err=True)


@contextmanager
def _live() -> Iterator[Listener]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskID, TextColumn

    console = Console(stderr=True)
    columns = (BarColumn(bar_width=12), TextColumn("{task.description}"))
    with Progress(*columns, console=console, transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def listen(event: Event) -> None:
            words = line(event)
            if isinstance(event, (Read, Drew)):
                _show(bars, tasks, type(event).__name__, words, event.done, event.total)
            elif isinstance(event, Trained):
                names = listed([*event.runs[:3], *(["…"] if len(event.runs) > 3 else [])])
                total = event.epochs if event.active else event.epoch
                # Short enough for a terminal of 80 columns.
                words = f"{event.stack}/{event.stacks} {names}\n{text('progress_live', **_figures(event))}"
                _show(bars, tasks, f"stack {event.stack}", words, event.epoch, total)
            elif words:
                bars.console.print(words, markup=False, highlight=False)

        yield listen


def _show(bars: "Progress", tasks: "dict[str, TaskID]", key: str, words: str, done: int, total: int) -> None:
    from rich.markup import escape

    if key not in tasks:
        tasks[key] = bars.add_task("", total=total)
    bars.update(tasks[key], description=escape(words), completed=done, total=total)
