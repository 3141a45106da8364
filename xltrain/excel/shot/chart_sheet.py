"""Chart sheets: a chart on a page of its own, without cells."""

from xltrain.excel.scan import Package
from xltrain.excel.shot.attributes import root
from xltrain.excel.shot.drawing import read_things
from xltrain.excel.shot.layout import Drawing
from xltrain.excel.shot.letters import Box
from xltrain.excel.shot.style import read_styles
from xltrain.excel.shot.things import thing_svg

USUAL = 977.0, 638.0  # pixels of a chart sheet on A4, where the file does not say
LARGEST = 4_000.0


def draw_chart_sheet(package: Package, name: str, background: str) -> tuple[str, Drawing, tuple[str, ...]] | None:
    """The chart sheet of this name, the first for none: its name, the drawing, and notes. None: no such sheet."""
    wanted = next((each for each in package.chart_sheets if name.casefold() in ("", each.name.casefold())), None)
    if wanted is None:
        return None
    styles = read_styles(root(package, package.related("styles")), root(package, package.related("theme")))
    things = read_things(package, wanted.part, styles)
    width, height = next((thing.anchor.size for thing in things if min(thing.anchor.size) >= 1), USUAL)
    width, height = min(width, LARGEST), min(height, LARGEST)
    done, notes = Drawing(round(width), round(height), background), list[str]()
    for number, thing in enumerate(things):
        left, top, right, bottom = thing.within
        box = Box(left * width, top * height, right * width, bottom * height)
        drawn, said = thing_svg(thing, box.width, box.height, package, styles, number)
        done.objects.append((box, drawn))
        notes += said
    return wanted.name, done, tuple(notes)
