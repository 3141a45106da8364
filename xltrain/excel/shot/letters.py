"""Lines of text as SVG: one piece for every font and size, italics slanted, bold thickened, all underlines."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from xltrain.excel.shot.fonts import BOLD, PIXELS, Piece, family, pieces, pixels, width
from xltrain.excel.shot.style import Font

USUAL = "Noto Sans CJK SC"
SLANT = -12  # degrees of italic letters; the drawing font has none
_OTHERS = "Calibri, 'Microsoft YaHei', 'PingFang SC', sans-serif"  # where somebody opens the SVG without our font

SHARES = {"middle": 0.5, "end": 1.0}  # of a line's width before the point that it is anchored at


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top


@dataclass(frozen=True)
class Label:
    """One line of text; `anchor` start, middle or end; `angle` in degrees with the clock about its point."""

    left: float
    baseline: float
    runs: tuple[tuple[str, Font], ...]
    anchor: str = "start"
    clip: Box | None = None
    angle: float = 0.0
    cell: tuple[int, int] | None = None


def texts(labels: list[Label], prefix: str = "c") -> Iterator[str]:
    """Labels as SVG, clip paths first; their ids begin with `prefix`."""
    clips: dict[Box, str] = {}
    for label in labels:
        if label.clip is not None and label.clip not in clips:
            clips[label.clip] = f"{prefix}{len(clips)}"
            yield f'<clipPath id="{clips[label.clip]}">{rectangle(label.clip)}/></clipPath>'
    for label in labels:
        clip = f'<g clip-path="url(#{clips[label.clip]})">' if label.clip is not None else ""
        drawn = "".join(part for each in parted(label) for part in _label(each))
        yield clip + drawn + ("</g>" if clip else "")


def parted(label: Label) -> list[Label]:
    """Text that is partly italic as labels of its runs, since letters are slanted by turning the whole element."""
    if len({font.italic for _, font in label.runs}) < 2 or label.angle:
        return [label]
    widths = [width(part, font) for part, font in label.runs]
    left = label.left - sum(widths) * SHARES.get(label.anchor, 0.0)
    found = []
    for run, size in zip(label.runs, widths, strict=True):
        found.append(replace(label, left=left, runs=(run,), anchor="start"))
        left += size
    return found


def _label(label: Label) -> Iterator[str]:
    """One text element; a piece of its own for every font and size, since a missing letter moves a whole piece."""
    x, y = n(label.left), n(label.baseline)
    whole = "".join(part for part, _ in label.runs)
    first = label.runs[0][1]
    turns = []
    if label.angle:
        turns.append(f"rotate({n(label.angle)} {x} {y})")
    if all(font.italic for _, font in label.runs):
        turns.append(f"translate({x} {y}) skewX({SLANT}) translate({n(-label.left)} {n(-label.baseline)})")
    transform = f' transform="{" ".join(turns)}"' if turns else ""
    anchor = f' text-anchor="{label.anchor}"' if label.anchor != "start" else ""
    name = family(first, whole)
    face = f' font-family="{families(name)}"' if name != USUAL else ""
    yield from _underlines(label, transform)
    yield f'<text x="{x}" y="{y}"{face}{anchor}{transform}>'
    for part, font in label.runs:
        for piece in pieces(part, font):
            yield _span(piece, font)
    yield "</text>"


def _span(piece: Piece, font: Font) -> str:
    size = pixels(font) * piece.factor
    marks = [f'font-size="{n(size)}"', f'fill="{font.colour}"']
    if piece.family:
        marks.append(f'font-family="{families(piece.family)}"')
    if font.bold:
        marks.append(f'stroke="{font.colour}" stroke-width="{n(size * BOLD)}"')
    underlined = font.underline == "single"
    lines = [name for name, on in (("underline", underlined), ("line-through", font.strike)) if on]
    if lines:
        marks.append(f'text-decoration="{" ".join(lines)}"')
    if font.position:
        marks.append(f'baseline-shift="{n(raised(font))}"')
    return f"<tspan {' '.join(marks)}>{escaped(piece.text)}</tspan>"


def escaped(words: str) -> str:
    """Text as SVG holds it, with spaces that stay."""
    words = words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return words.replace(" ", "\u00a0").replace("\t", "\u00a0")


def _underlines(label: Label, transform: str) -> Iterator[str]:
    for box, colour in underlines(label):
        yield f'{rectangle(box)} fill="{colour}"{transform}/>'


def underlines(label: Label) -> Iterator[tuple[Box, str]]:
    """The kinds of underline that SVG has not: double ones, and those of accounting, which lie lower."""
    if all(font.underline in ("", "single") for _, font in label.runs):
        return
    widths = [width(part, font) for part, font in label.runs]
    left = label.left - sum(widths) * SHARES.get(label.anchor, 0.0)
    for (_, font), size in zip(label.runs, widths, strict=True):
        em = font.size * PIXELS
        thick = max(0.8, em * 0.05)
        low = em * (0.2 if font.underline.endswith("Accounting") else 0.1)
        for number in range({"": 0, "single": 0, "double": 2, "doubleAccounting": 2}.get(font.underline, 1)):
            top = label.baseline + low + number * 2 * thick
            yield Box(left, top, left + size, top + thick), font.colour
        left += size


def raised(font: Font) -> float:
    """How many pixels letters stand above the line."""
    return font.size * PIXELS * {"superscript": 0.33, "subscript": -0.14}.get(font.position, 0.0)


def families(name: str) -> str:
    return f"'{name}', {_OTHERS}"


def rectangle(box: Box) -> str:
    return f'<rect x="{n(box.left)}" y="{n(box.top)}" width="{n(box.width)}" height="{n(box.height)}"'


def n(number: float) -> str:
    """A number of at most two decimals, as short as it can be."""
    return f"{number:.2f}".rstrip("0").rstrip(".")
