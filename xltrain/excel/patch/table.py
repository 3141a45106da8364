"""An Excel table that grows by columns: its range, its filter and its list of columns."""

from collections.abc import Sequence

from xltrain.excel.markup import appended, attribute, edited, name_of, outline, set_attributes
from xltrain.excel.patch.parts import Parts
from xltrain.excel.patch.view import SheetView
from xltrain.place import Range, column_letter, parse_range


class TableView:
    """The table of a sheet whose header stands in a row, if there is one that reaches the column `after`."""

    def __init__(self, view: SheetView, header_row: int, after: int) -> None:
        self.part, self.cells = "", Range("", 0, 0, 0, 0)
        self.can_grow = False
        self.names: list[str] = []
        for kind, part in view.relations.values():
            if kind != "table" or part not in view.parts:
                continue
            root = outline(view.parts.read(part))
            cells = parse_range(root.attributes.get("ref", ""))
            if cells is None or root.attributes.get("headerRowCount", "1") == "0" or cells.first_row != header_row:
                continue
            if after and not cells.first_column <= after <= cells.last_column:
                continue
            self.part, self.cells = part, cells
            self.can_grow = root.attributes.get("tableType", "worksheet") == "worksheet"
            self.names = [each.attributes.get("name", "") for each in root.all("tableColumn")]

    def holds(self, last_row: int) -> bool:
        """Whether the rows up to this one are inside."""
        return last_row <= self.cells.last_row


def grow_table(parts: Parts, table: TableView, headers: Sequence[str]) -> None:
    """Add columns to the right of a table."""
    raw = parts.read(table.part)
    root = outline(raw)
    cells, count = table.cells, len(headers)
    last = column_letter(cells.last_column + count)
    start = f"{column_letter(cells.first_column)}{cells.first_row}"
    edits = [set_attributes(raw, root, ref=f"{start}:{last}{cells.last_row}")]
    own = root.child("autoFilter")
    shown = parse_range(own.attributes.get("ref", "")) if own else None
    if own and shown:
        edits.append(set_attributes(raw, own, ref=f"{start}:{last}{shown.last_row}"))
    columns = root.child("tableColumns")
    if columns:
        ids = [int(each.attributes.get("id", "0") or 0) for each in columns.within]
        tag = name_of(root.prefix, "tableColumn")
        lines = [
            f'<{tag} id="{number}" name="{_column_name(header)}"/>'
            for number, header in enumerate(headers, max([0, *ids]) + 1)
        ]
        edits.append(set_attributes(raw, columns, count=str(len(columns.within) + count)))
        edits.append(appended(raw, columns, "".join(lines).encode()))
    parts.write(table.part, edited(raw, edits))


def _column_name(header: str) -> str:
    """A header as a table's column name: line breaks written as Excel does."""
    return attribute(header.replace("\r\n", "\n").replace("\n", "_x000a_"))


def unique_headers(wanted: Sequence[str], taken: Sequence[str]) -> list[str]:
    """Headers that no column has yet, whatever its case: `loss`, `loss 2` ..."""
    known = {name.casefold() for name in taken}
    found = []
    for header in wanted:
        base = header.strip() or "Column"
        made, number = base, 1
        while made.casefold() in known:
            number += 1
            made = f"{base} {number}"
        known.add(made.casefold())
        found.append(made)
    return found
