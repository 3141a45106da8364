"""Lines of text as SVG: one piece for every font and size, italics slanted, bold thickened, all underlines."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from xml.sax.saxutils import escape

from xltrain.excel.shot.fonts import BOLD, PIXELS, Piece, family, pieces, pixels, width
from xltrain.excel.shot.style import Font

USUAL = "Noto Sans CJK SC"
_SLANT = -12  # degrees of italic letters; the drawing font has none
_OTHERS = "Calibri, 'Microsoft YaHei', 'PingFang SC', sans-serif"  # where somebody opens the SVG without our font


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
        drawn = "".join(part for each in _parted(label) for part in _label(each))
        yield clip + drawn + ("</g>" if clip else "")


def _parted(label: Label) -> list[Label]:
    """Text that is partly italic as labels of its runs, since letters are slanted by turning the whole element."""
    if len({font.italic for _, font in label.runs}) < 2 or label.angle:
        return [label]
    widths = [width(part, font) for part, font in label.runs]
    left = label.left - sum(widths) * {"middle": 0.5, "end": 1.0}.get(label.anchor, 0.0)
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
        turns.append(f"translate({x} {y}) skewX({_SLANT}) translate({n(-label.left)} {n(-label.baseline)})")
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
        marks.append(f'baseline-shift="{n(font.size * PIXELS * (0.33 if font.position == "superscript" else -0.14))}"')
    shown = escape(piece.text.replace(" ", "\u00a0").replace("\t", "\u00a0"))
    return f"<tspan {' '.join(marks)}>{shown}</tspan>"


def _underlines(label: Label, transform: str) -> Iterator[str]:
    """The kinds of underline that SVG has not: double ones, and those of accounting, which lie lower."""
    if all(font.underline in ("", "single") for _, font in label.runs):
        return
    widths = [width(part, font) for part, font in label.runs]
    left = label.left - sum(widths) * {"middle": 0.5, "end": 1.0}.get(label.anchor, 0.0)
    for (_, font), size in zip(label.runs, widths, strict=True):
        em = font.size * PIXELS
        thick = max(0.8, em * 0.05)
        low = em * (0.2 if font.underline.endswith("Accounting") else 0.1)
        for number in range({"": 0, "single": 0, "double": 2, "doubleAccounting": 2}.get(font.underline, 1)):
            box = Box(left, label.baseline + low + number * 2 * thick, left + size, 0.0)
            flat = Box(box.left, box.top, box.right, box.top + thick)
            yield f'{rectangle(flat)} fill="{font.colour}"{transform}/>'
        left += size


def families(name: str) -> str:
    return f"'{name}', {_OTHERS}"


def rectangle(box: Box) -> str:
    return f'<rect x="{n(box.left)}" y="{n(box.top)}" width="{n(box.width)}" height="{n(box.height)}"'


def n(number: float) -> str:
    """A number of at most two decimals, as short as it can be."""
    return f"{number:.2f}".rstrip("0").rstrip(".")
