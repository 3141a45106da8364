"""Which sheet and cells a text names: a range, a sheet, whole columns or rows, a defined name, a table."""

import contextlib
import fnmatch
import re
from collections.abc import Collection

from xltrain.errors import WorkbookError
from xltrain.excel.read import NEW, no_sheet
from xltrain.excel.scan import Package, SheetPart
from xltrain.excel.shot.attributes import child, root
from xltrain.excel.shot.used import used, used_and_covered
from xltrain.language import text
from xltrain.place import MAX_COLUMN, MAX_ROW, Place, Problem, Range, column_number, parse_range
from xltrain.registry import nearest

MOST_CELLS = 50_000
_COLUMNS = re.compile(r"\$?([A-Za-z]{1,3}):\$?([A-Za-z]{1,3})")
_BEYOND = re.compile(r"\$?[A-Za-z]{1,4}\$?[1-9][0-9]{0,8}(?::\$?[A-Za-z]{1,4}\$?[1-9][0-9]{0,8})?")
_ROWS = re.compile(r"\$?([0-9]{1,7}):\$?([0-9]{1,7})")


def find(package: Package, wanted: str) -> tuple[SheetPart, Range]:
    """The sheet and the cells that a text names."""
    chart = unquoted(wanted.strip().removeprefix("=").rstrip("!！")).casefold()
    if any(each.name.casefold() == chart for each in package.chart_sheets):
        name = next(each.name for each in package.chart_sheets if each.name.casefold() == chart)
        message, hint = text("shot_chart_sheet", sheet=name), text("shot_chart_sheet_hint")
        raise WorkbookError(Problem(package.place, message, hint))
    if not package.sheets:
        raise WorkbookError(Problem(package.place, text("shot_no_sheets")))
    wanted = wanted.strip().removeprefix("=")
    first = next((each for each in package.sheets if not each.hidden), package.sheets[0])
    if not wanted:
        return first, used_and_covered(package, first)
    with contextlib.suppress(KeyError):
        sheet = package.sheet(unquoted(wanted.rstrip("!！")))
        printed = _printed(package, sheet) if wanted[-1] in "!！" else []
        return sheet, printed[0] if printed else used_and_covered(package, sheet)
    area = _known(package, wanted, first)
    if area is None:
        name = wanted.rstrip("!！").rpartition("!")[2].strip("'\"")
        target = _tables(package).get(name.casefold()) or defined_names(package).get(name.casefold(), "")
        area = _known(package, target, first) if target else None
        if target and area is None:
            message = text("shot_name_no_range", name=name, found=target)
            raise WorkbookError(Problem(package.place, message, text("shot_range_hint")))
    if area is None:
        raise WorkbookError(_no_range(package, wanted))
    try:
        return package.sheet(area.sheet), area
    except KeyError:
        known = [each.name for each in package.sheets]
        raise WorkbookError(no_sheet(package.path, area.sheet, known)) from None


def _known(package: Package, wanted: str, first: SheetPart) -> Range | None:
    """A range with its sheet from `A1:B2`, `A:C` or `3:9`, with or without a sheet before it."""
    found = parse_range(wanted)
    if found is not None:
        return found if found.sheet else on_sheet(found, first.name)
    before, _, cells = wanted.replace("！", "!").replace("：", ":").rpartition("!")
    columns, lines = _COLUMNS.fullmatch(cells.strip("'\"")), _ROWS.fullmatch(cells.strip("'\""))
    if not (columns or lines):
        return None
    try:
        sheet = package.sheet(unquoted(before)) if before else first
    except KeyError:
        return Range(unquoted(before), 1, 1, 1, 1)  # the caller complains of the sheet
    cells_used = used(package, sheet)
    if columns:
        left, right = sorted(min(column_number(each), MAX_COLUMN) for each in columns.groups())
        return Range(sheet.name, 1, left, cells_used.last_row, right)
    assert lines is not None
    top, bottom = sorted(min(max(int(each), 1), MAX_ROW) for each in lines.groups())
    return Range(sheet.name, top, 1, bottom, cells_used.last_column)


def sheets_like(package: Package, wanted: str) -> list[str]:
    """The ranges that a text stands for: `A1:B2,D4:E9`, or a pattern over sheet names, `2024-*!A1:H20`; the text itself
    where it is neither.
    """
    areas = [parse_range(each) for each in _split(wanted)]
    name = unquoted(wanted.rpartition("!")[0])
    named = "," in name and name in {sheet.name for sheet in package.sheets}
    if len(areas) > 1 and all(areas) and not named:
        sheet = next((area.sheet for area in areas if area and area.sheet), "")
        return [_quoted(on_sheet(area, area.sheet or sheet)) for area in areas if area]
    if wanted.strip()[-1:] in ("!", "！"):
        with contextlib.suppress(KeyError):
            printed = _printed(package, package.sheet(unquoted(wanted.strip()[:-1])))
            if len(printed) > 1:
                return [_quoted(area) for area in printed]
    before, mark, cells = wanted.replace("！", "!").rpartition("!")
    pattern = unquoted(before or wanted)
    if not (set("*?[") & set(pattern)) or any(sheet.name == pattern for sheet in package.sheets):
        return [wanted]
    listed = package.sheets if mark and cells else (*package.sheets, *package.chart_sheets)
    names = [sheet.name for sheet in listed if not sheet.hidden and fnmatch.fnmatch(sheet.name, pattern)]
    if not names:
        raise WorkbookError(_no_range(package, wanted))
    quoted = ["'" + name.replace("'", "''") + "'" for name in names]
    return [f"{name}!{cells}" if mark and before else f"{name}!" for name in quoted]


def _printed(package: Package, sheet: SheetPart) -> list[Range]:
    """The print areas of a sheet."""
    areas = [
        _known(package, part, sheet)
        for name, target in _names(package)
        if name.casefold() in ("_xlnm.print_area", "print_area")
        for part in _split(target)
    ]
    return [area for area in areas if area is not None and area.sheet.casefold() == sheet.name.casefold()]


def _split(wanted: str) -> list[str]:
    """The parts between commas that stand in no sheet's quoted name."""
    return [each.strip() for each in re.split(r"[,，](?=(?:[^']*'[^']*')*[^']*$)", wanted)]


def _quoted(area: Range) -> str:
    return str(on_sheet(area, "'" + area.sheet.replace("'", "''") + "'")) if area.sheet else str(area)


def on_sheet(area: Range, sheet: str) -> Range:
    return Range(sheet, area.first_row, area.first_column, area.last_row, area.last_column)


def unquoted(name: str) -> str:
    name = name.strip().lstrip('"').rstrip('"')
    return name[1:-1].replace("''", "'") if len(name) > 1 and name[0] == name[-1] == "'" else name


def limited(place: Place, area: Range, rows: Collection[int] | None = None) -> Range:
    """The range itself where it, or what is shown of its rows, is not too large to be drawn."""
    down = area.last_row - area.first_row + 1 if rows is None else len(rows)
    count = down * (area.last_column - area.first_column + 1)
    if count > MOST_CELLS:
        where = Place(place.file, area.sheet)
        message = text("shot_too_large", range=Range("", *_corners(area)), count=count, most=MOST_CELLS)
        new = place.file.lower().endswith(tuple(NEW))  # others know no pages
        raise WorkbookError(Problem(where, message, text("shot_too_large_hint" if new else "shot_range_hint")))
    return area


def _corners(area: Range) -> tuple[int, int, int, int]:
    return area.first_row, area.first_column, area.last_row, area.last_column


def _no_range(package: Package, wanted: str) -> Problem:
    if parse_range(wanted) is None and _BEYOND.fullmatch(wanted.rpartition("!")[2].strip("'\"")):
        return Problem(package.place, text("shot_outside", range=wanted), text("shot_range_hint"))
    near = nearest(
        wanted.strip("'\"!"), [*(each.name for each in package.sheets), *defined_names(package), *_tables(package)]
    )
    hint = text("book_missing_near", name=near) if near else text("shot_range_hint")
    return Problem(package.place, text("shot_no_range", range=wanted), hint)


def defined_names(package: Package) -> dict[str, str]:
    """Defined names in small letters -> what they stand for."""
    return {name.casefold(): target for name, target in _names(package)}


def _names(package: Package) -> list[tuple[str, str]]:
    """The defined names and what they stand for; those of single sheets may come more than once."""
    starts = [part for kind, part in package.relations("").values() if kind == "officeDocument"]
    book = root(package, starts[0] if starts else "xl/workbook.xml")
    listed = child(book, "definedNames")
    return [(each.get("name", ""), each.text or "") for each in (listed if listed is not None else ())]


def _tables(package: Package) -> dict[str, str]:
    """Excel tables in small letters -> their range with its sheet."""
    found = {}
    for sheet in package.sheets:
        for kind, part in package.relations(sheet.part).values():
            table = root(package, part) if kind == "table" else None
            if table is not None:
                name = table.get("displayName") or table.get("name") or ""
                quoted = sheet.name.replace("'", "''")
                found[name.casefold()] = f"'{quoted}'!{table.get('ref', '')}"
    return found
