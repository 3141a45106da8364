"""Pages of books whose format carries no styles that we read: values in columns as wide as they are."""

import datetime
from pathlib import Path

from xltrain.errors import WorkbookError
from xltrain.excel.read import no_sheet, read_cells, sheet_names
from xltrain.excel.shot.fonts import line_height, width
from xltrain.excel.shot.page import Options, Page, Strip, Value
from xltrain.excel.shot.style import CellStyle, Font, Styles
from xltrain.excel.shot.where import limited, on_sheet, unquoted
from xltrain.language import text
from xltrain.place import Place, Problem, Range, parse_range


def plain_page(path: Path, wanted: str, options: Options) -> Page:
    """A book whose format carries no styles that we read: values in columns as wide as they are."""
    names = sheet_names(path)
    if not names:
        raise WorkbookError(Problem(Place(str(path)), text("shot_no_sheets")))
    area = parse_range(wanted) if wanted.strip() else None
    named = area.sheet if area is not None else unquoted(wanted.strip().rstrip("!"))
    name = {each.casefold(): each for each in names}.get(named.casefold()) if named else names[0]
    if name is None:
        raise WorkbookError(no_sheet(path, named, names))
    lines = read_cells(path, name)
    if area is None:
        area = Range(name, 1, 1, max(len(lines), 1), max((len(line) for line in lines), default=1) or 1)
    area = limited(Place(str(path)), on_sheet(area, name))
    styles = Styles((CellStyle(), CellStyle(format="yyyy-mm-dd"), CellStyle(format="yyyy-mm-dd hh:mm:ss")))
    cells = {
        (row, column): _plain_value(value)
        for row, line in enumerate(lines[area.first_row - 1 : area.last_row], area.first_row)
        for column, value in enumerate(line, 1)
        if value is not None and area.first_column <= column <= area.last_column
    }
    sizes: dict[int, int] = {}
    for (_, column), value in cells.items():
        size = 80 if value.style else int(width(str(value.content), Font())) + 9
        sizes[column] = min(200, max(size, sizes.get(column, 64)))
    strips = {column: Strip(size) for column, size in sizes.items()}
    height = line_height(Font())
    dressed = path.suffix.lower() in (".xls", ".xlsb", ".ods")
    return Page(
        area,
        area,
        cells,
        styles,
        strips,
        {},
        64,
        height,
        gridlines=options.gridlines is not False,
        options=options,
        notes=(text("shot_plain", suffix=path.suffix),) if dressed else (),
    )


def _plain_value(value: object) -> Value:
    if isinstance(value, (datetime.datetime, datetime.date)):
        moment = value if isinstance(value, datetime.datetime) else datetime.datetime.combine(value, datetime.time())
        serial = (moment.replace(tzinfo=None) - datetime.datetime(1899, 12, 30)) / datetime.timedelta(days=1)
        return Value(serial, 1 if serial == int(serial) else 2)
    if isinstance(value, (bool, str)):
        return Value(value)
    return Value(float(value)) if isinstance(value, (int, float)) else Value(str(value))
