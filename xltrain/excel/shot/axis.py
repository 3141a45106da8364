"""The columns or rows of a page that show, and where each begins, in pixels."""

from collections.abc import Mapping, Sequence
from itertools import accumulate


class Axis:
    """Lines `first` onwards with their sizes, of which those from `shown[0]` to `shown[1]` are in the picture.

    `lines` are those that are not hidden, in the order they stand; `starts` where each begins, and the last one's end.
    With `backwards` the first line stands at the right, as in sheets from right to left.
    """

    def __init__(self, first: int, sizes: Sequence[int], shown: tuple[int, int], backwards: bool = False) -> None:
        self.first, self.last = first, first + len(sizes) - 1
        self.sizes = {first + index: size for index, size in enumerate(sizes)}
        order = sorted(self.sizes, reverse=backwards)
        self.lines = [line for line in order if self.sizes[line]]
        self.index = {line: index for index, line in enumerate(self.lines)}
        starts = list(accumulate((self.sizes[line] for line in self.lines), initial=0))
        outside = (line for line in order if (line > shown[1] if backwards else line < shown[0]))
        before = sum(self.sizes[line] for line in outside)
        self.starts = [1 + start - before for start in starts]  # one pixel for the first grid line
        self.length = sum(size for line, size in self.sizes.items() if shown[0] <= line <= shown[1])
        self.shown, self.backwards = shown, backwards

    @property
    def edges(self) -> tuple[int, ...]:
        """Where the lines in the picture begin, and the last one's end."""
        return tuple(start for start in self.starts if 1 <= start <= 1 + self.length)

    def span(self, first: int, last: int) -> tuple[int, int]:
        """The indexes from line `first` to `last`, the end excluded."""
        lines = range(max(first, self.first), min(last, self.last) + 1)
        found = [self.index[line] for line in lines if line in self.index]
        return (min(found), max(found) + 1) if found else (0, 0)

    def place(self, line: int, offset: float, known: Mapping[int, int], default: int) -> float:
        """Pixels from the picture's edge to a point of a line that may lie beyond the page.

        Args:
            known: the sizes of lines beyond the page, where they are not the default.
        """
        start = self.shown[0]
        low, high = min(start, line), max(start, line)
        inside = {each: size for each, size in known.items() if low <= each < high}
        inside |= {each: size for each, size in self.sizes.items() if low <= each < high}
        between = (high - low) * default + sum(size - default for size in inside.values())
        size = self.sizes.get(line, known.get(line, default))
        along = 1 + (between if line >= start else -between) + min(offset, size)
        return 2 + self.length - along if self.backwards else along
