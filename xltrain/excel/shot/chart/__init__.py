"""Charts drawn from their XML and stored values."""

import re
import zlib
from dataclasses import dataclass
from xml.etree import ElementTree

from xltrain.errors import WorkbookError
from xltrain.excel.scan import Package
from xltrain.excel.shot.attributes import root
from xltrain.excel.shot.chart.cells import Cells
from xltrain.excel.shot.chart.compose import compose, frame_only
from xltrain.excel.shot.chart.ink import Scene
from xltrain.excel.shot.chart.model import Lettering
from xltrain.excel.shot.chart.read import read_chart
from xltrain.excel.shot.chart.read_series import Source
from xltrain.excel.shot.chart.svg import fragment
from xltrain.excel.shot.chart.theme import read_theme
from xltrain.excel.shot.style import Styles
from xltrain.language import text

_OLD = re.compile(rb"<AppVersion>12\.")
_NEWER = re.compile(r'layoutId="(\w+)"')


@dataclass(frozen=True)
class ChartDrawing:
    """A piece of SVG, `<g>` from (0, 0) in pixels; what was drawn differently or not at all, a line each."""

    svg: str
    messages: tuple[str, ...] = ()
    title: str = ""


def chart_svg(
    package: Package, part: str, width: float, height: float, styles: Styles, prefix: str = ""
) -> ChartDrawing:
    """Draw the chart of a part.

    Args:
        width, height: of the frame, in pixels.
        prefix: start of every id in the SVG; from the part's name where it is not given.

    A chart that cannot be read is a grey frame that says so; nothing is raised.
    """
    scene = chart_scene(package, part, width, height, styles)
    return ChartDrawing(
        fragment(scene, prefix or f"h{zlib.crc32(part.encode()):x}"), tuple(scene.messages), scene.title
    )


def chart_scene(package: Package, part: str, width: float, height: float, styles: Styles) -> Scene:
    """What `chart_svg` draws, as data."""
    width, height = max(8.0, min(width, 20_000.0)), max(8.0, min(height, 20_000.0))
    if part not in package:
        return frame_only(width, height, text("shot_chart_broken", reason=text("shot_image_missing")))
    try:
        content = package.read(part)
        newer = _NEWER.search(content[:200_000].decode("utf-8", "replace")) if b"chartex" in content[:2000] else None
        if newer is not None or "chartex" in part.casefold():
            kind = newer[1] if newer is not None else "chart"
            message = text("shot_chart_kind", kind=_word(kind))
            return frame_only(width, height, message, _plain_title(content))
        source = _source(package, styles)
        return compose(read_chart(ElementTree.fromstring(content), source), width, height, source.theme)
    except (
        ElementTree.ParseError,
        WorkbookError,
        LookupError,
        ValueError,
        ArithmeticError,
        TypeError,
        AttributeError,
        RecursionError,
        AssertionError,
    ) as error:
        # A chart is one of many things in a picture: whatever is wrong with it, the rest is drawn.
        return frame_only(width, height, text("shot_chart_broken", reason=_short(error)))


def _source(package: Package, styles: Styles) -> Source:
    theme = read_theme(root(package, package.related("theme")), styles.palette.theme)
    old = "docProps/app.xml" not in package or bool(_OLD.search(package.read("docProps/app.xml")))
    return Source(theme, Cells(package, styles), Lettering(), old)


def _word(kind: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind).lower()


def _plain_title(content: bytes) -> str:
    found = re.search(rb"<cx:title\b.*?</cx:title>", content, re.S)
    words = re.findall(rb"<a:t>([^<]*)</a:t>", found[0]) if found else []
    return b"".join(words).decode("utf-8", "replace")


def _short(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:120] if str(error) else type(error).__name__
