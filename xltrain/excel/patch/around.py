"""What changes around the rows of a sheet: its dimension, column widths, filter, formats, dropdowns and comments."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from xltrain.excel.markup import (
    Edit,
    appended,
    attribute,
    edited,
    name_of,
    plain,
    set_attributes,
    with_attributes,
)
from xltrain.excel.patch.view import SheetView
from xltrain.place import Range, column_letter, parse_range

# The order of what may follow the rows of a sheet.
_ORDER = [
    "sheetCalcPr",
    "sheetProtection",
    "protectedRanges",
    "scenarios",
    "autoFilter",
    "sortState",
    "dataConsolidate",
    "customSheetViews",
    "mergeCells",
    "phoneticPr",
    "conditionalFormatting",
    "dataValidations",
    "hyperlinks",
    "printOptions",
    "pageMargins",
    "pageSetup",
    "headerFooter",
    "rowBreaks",
    "colBreaks",
    "customProperties",
    "cellWatches",
    "ignoredErrors",
    "smartTags",
    "drawing",
    "legacyDrawing",
    "legacyDrawingHF",
    "drawingHF",
    "picture",
    "oleObjects",
    "controls",
    "webPublishItems",
    "tableParts",
    "extLst",
]
_BAR_COLOUR = "FFF2A65A"
MOST_CHOICES = 255  # characters of a list inside a validation


@dataclass
class Around:
    """What to change; the range of cells written so far in `cells`."""

    cells: Range | None = None
    widths: dict[int, float] = field(default_factory=dict)  # column -> width
    bars: list[str] = field(default_factory=list)  # ranges
    choices: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    filter: str = ""  # the sheet's filter, grown
    comments_id: str = ""  # the relationship of a new drawing of comments
    drawing_id: str = ""

    def covers(self, first_row: int, first_column: int, last_row: int, last_column: int) -> None:
        """Note that cells were written there."""
        old = self.cells or Range("", first_row, first_column, last_row, last_column)
        self.cells = Range(
            "",
            min(old.first_row, first_row),
            min(old.first_column, first_column),
            max(old.last_row, last_row),
            max(old.last_column, last_column),
        )


def changed_around(view: SheetView, around: Around) -> tuple[bytes, bytes]:
    """The new bytes before and after the rows."""
    edits = [
        *_dimension(view, around),
        *_widths(view, around.widths),
        *_filter(view, around.filter),
        *_bars(view, around.bars),
        *_choices(view, around.choices),
        *_link(view, "drawing", around.drawing_id),
        *_link(view, "legacyDrawing", around.comments_id),
    ]
    cut = len(view.head)
    head = edited(view.head, [edit for edit in edits if edit[0] < cut])
    tail = edited(view.tail, [(offset - cut, taken, put) for offset, taken, put in edits if offset >= cut])
    return head, tail


def _dimension(view: SheetView, around: Around) -> list[Edit]:
    node = view.child("dimension")
    old = parse_range(node.attributes.get("ref", "")) if node else None
    if node is None or old is None or around.cells is None:
        return []
    grown = Around(old)
    new = around.cells
    grown.covers(new.first_row, new.first_column, new.last_row, new.last_column)
    return [] if grown.cells == old else [set_attributes(view.skeleton, node, ref=str(grown.cells))]


def _widths(view: SheetView, widths: dict[int, float]) -> list[Edit]:
    """The columns' widths; what is said of several columns at once is split around the new ones."""
    if not widths:
        return []
    tag = name_of(view.prefix, "col")
    made = {
        column: f'<{tag} min="{column}" max="{column}" width="{width:g}" customWidth="1"/>'.encode()
        for column, width in widths.items()
    }
    node = view.child("cols")
    if node is None:
        around = name_of(view.prefix, "cols")
        xml = f"<{around}>".encode() + b"".join(made[column] for column in sorted(made)) + f"</{around}>".encode()
        data = view.child("sheetData")
        return [(data.start, 0, xml)] if data else []
    pieces: list[tuple[int, bytes]] = list(made.items())
    for each in node.within:
        first, last = (int(each.attributes.get(key, "0") or 0) for key in ("min", "max"))
        raw = view.skeleton[each.start : each.end]
        at = first
        for column in [*sorted(column for column in widths if first <= column <= last), last + 1]:
            if column > at:
                whole = at == first and column > last
                limits = {"min": str(at), "max": str(column - 1)}
                pieces.append((at, raw if whole else with_attributes(raw, limits)))
            at = column + 1
    pieces.sort(key=lambda piece: piece[0])
    return [(node.inner, node.inner_end - node.inner, b"".join(xml for _, xml in pieces))]


def _filter(view: SheetView, ref: str) -> list[Edit]:
    node = view.child("autoFilter")
    return [set_attributes(view.skeleton, node, ref=ref)] if node and ref else []


def _bars(view: SheetView, ranges: Sequence[str]) -> list[Edit]:
    """Data bars in the form that every Excel since 2007 reads; the longest already at the 99th percentile."""
    used = [int(node.attributes.get("priority", "0") or 0) for node in view.root.all("cfRule")]
    names = ("conditionalFormatting", "cfRule", "dataBar", "cfvo", "color")
    block, rule, bar, limit, colour = (name_of(view.prefix, each) for each in names)
    lines = []
    for priority, cells in enumerate(ranges, max([0, *used]) + 1):
        ends = f'<{limit} type="num" val="0"/><{limit} type="percentile" val="99"/><{colour} rgb="{_BAR_COLOUR}"/>'
        inside = f'<{rule} type="dataBar" priority="{priority}"><{bar}>{ends}</{bar}></{rule}>'
        lines.append(f'<{block} sqref="{cells}">{inside}</{block}>')
    return [(_before(view, "conditionalFormatting"), 0, "".join(lines).encode())] if lines else []


def _choices(view: SheetView, choices: Sequence[tuple[str, tuple[str, ...]]]) -> list[Edit]:
    """Dropdowns; a list that is too long for a cell's validation is left out."""
    each_tag, words_tag = (name_of(view.prefix, each) for each in ("dataValidation", "formula1"))
    lines = []
    for cells, words in choices:
        shown = ",".join(word for word in words if "," not in word)
        if shown and len(shown) <= MOST_CHOICES:
            listed = plain('"' + shown.replace('"', '""') + '"')
            start = f'<{each_tag} type="list" allowBlank="1" showInputMessage="1" sqref="{cells}">'
            lines.append(f"{start}<{words_tag}>{listed}</{words_tag}></{each_tag}>")
    if not lines:
        return []
    node = view.child("dataValidations")
    xml = "".join(lines).encode()
    if node:
        count = str(len(node.within) + len(lines))
        if node.closes_itself:
            return [appended(view.skeleton, node, xml)]
        return [set_attributes(view.skeleton, node, count=count), appended(view.skeleton, node, xml)]
    around = name_of(view.prefix, "dataValidations")
    whole = f'<{around} count="{len(lines)}">'.encode() + xml + f"</{around}>".encode()
    return [(_before(view, "dataValidations"), 0, whole)]


def _link(view: SheetView, name: str, relation: str) -> list[Edit]:
    if not relation:
        return []
    prefix = next(
        (
            key.partition(":")[2]
            for key, value in view.root.attributes.items()
            if key.startswith("xmlns:") and value == view.parts.kinds
        ),
        "",
    )
    key = f"{prefix}:id" if prefix else "r:id"
    declared = "" if prefix else f' xmlns:r="{attribute(view.parts.kinds)}"'
    xml = f'<{name_of(view.prefix, name)}{declared} {key}="{relation}"/>'.encode()
    return [(_before(view, name), 0, xml)]


def _before(view: SheetView, name: str) -> int:
    """Where an element of this name goes: before the first that must follow it."""
    rank = _ORDER.index(name)
    for node in view.after_rows:
        named = [node.name, *(each.name for part in node.within for each in part.within)]
        ranks = [_ORDER.index(each) for each in named if each in _ORDER]
        if (node.name in _ORDER or node.name == "AlternateContent") and ranks and ranks[0] > rank:
            return node.start
    return view.root.inner_end


def grown_filter(view: SheetView, header_row: int, after: int, count: int) -> str:
    """The sheet's filter with the new columns; empty where it is another one, or they do not adjoin it."""
    node = view.child("autoFilter")
    cells = parse_range(node.attributes.get("ref", "")) if node else None
    if cells is None or cells.first_row != header_row or cells.last_column != after:
        return ""
    letter = column_letter(cells.first_column)
    return f"{letter}{cells.first_row}:{column_letter(after + count)}{cells.last_row}"
