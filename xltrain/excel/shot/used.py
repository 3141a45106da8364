"""The cells that a sheet uses, and those under its pictures and charts."""

from xml.etree.ElementTree import Element

from xltrain.excel.scan import Package, SheetPart, head, look
from xltrain.excel.shot.attributes import child, children, flag, fragment, local, real, root, whole, words
from xltrain.place import MAX_COLUMN, MAX_ROW, Range

EMU = 9525.0  # to the pixel
_DIGIT, _COLUMN, _ROW = 7.0, 64.0, 20.0  # pixels of a digit and of cells that say no size, in the usual font
_FAR = 500  # rows or columns beyond the cells where something is no longer taken for a part of the sheet


def used(package: Package, sheet: SheetPart) -> Range:
    """From A1 to the last row and the last column with a cell; at least A1."""
    seen = look(package, sheet.part)
    return Range(sheet.name, 1, 1, max(seen.last_row, 1), max(seen.last_column, 1))


def used_and_covered(package: Package, sheet: SheetPart) -> Range:
    """The same, reaching to the ends of pictures, charts and shapes that lie not too far off."""
    cells = used(package, sheet)
    row, column = cells.last_row, cells.last_column
    for kind, part in package.relations(sheet.part).values():
        drawing = root(package, part) if kind == "drawing" else None
        columns = _columns(package, sheet) if drawing is not None else {}
        for each in drawing if drawing is not None else ():
            down, across = _end(each, columns)
            if down <= cells.last_row + _FAR and across <= cells.last_column + _FAR:
                row, column = max(row, down), max(column, across)
    return Range(sheet.name, 1, 1, min(row, MAX_ROW), min(column, MAX_COLUMN))


def _end(anchor: Element, columns: dict[int, float]) -> tuple[int, int]:
    """The last row and column that a thing covers; zeros where that is not to be known."""
    start, end = child(anchor, "from"), child(anchor, "to")
    if start is None or _hidden(anchor):
        return 0, 0
    if end is not None:
        reaches = [
            whole(words(child(end, name))) + (real(words(child(end, offset))) >= EMU)
            for name, offset in (("row", "rowOff"), ("col", "colOff"))
        ]
        return reaches[0], reaches[1]
    size = child(anchor, "ext")
    if size is None:
        return 0, 0
    row, column = (whole(words(child(start, name))) for name in ("row", "col"))
    low = (real(words(child(start, "rowOff"))) + real(size.get("cy"))) / EMU
    right = (real(words(child(start, "colOff"))) + real(size.get("cx"))) / EMU
    while right > 0 and column < MAX_COLUMN:
        column += 1
        right -= columns.get(column, _COLUMN)
    return row + -int(-low // _ROW), column


def _hidden(anchor: Element) -> bool:
    about = next((each for each in anchor.iter() if local(each) == "cNvPr"), None)
    return about is None or flag(about.get("hidden"))


def _columns(package: Package, sheet: SheetPart) -> dict[int, float]:
    """Pixels of the columns that say their width."""
    found: dict[int, float] = {}
    for each in children(child(fragment(head(package, sheet.part)), "cols"), "col"):
        size = 0.0 if flag(each.get("hidden")) else real(each.get("width", "9.14")) * _DIGIT
        first, last = whole(each.get("min")), min(whole(each.get("max")), MAX_COLUMN)
        found |= dict.fromkeys(range(first, last + 1), size)
    return found
