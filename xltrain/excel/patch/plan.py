"""What is done to one sheet: where the new columns go, which cells change, and what follows from that around them."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from xltrain.excel.cell_xml import as_array, kind_of
from xltrain.excel.markup import name_of
from xltrain.excel.patch.around import Around, changed_around, grown_filter
from xltrain.excel.patch.cellwork import DATE, CellWork, formula_of, formula_words
from xltrain.excel.patch.comments import HEAD, SIGN, Cell, add_comments
from xltrain.excel.patch.model import Addition, Edit, Mark, NewColumn, Placed
from xltrain.excel.patch.rows import Block, OldCell, Rows, RowWork, old_cells, rows_of
from xltrain.excel.patch.styles import Styles
from xltrain.excel.patch.table import TableView, grow_table, unique_headers
from xltrain.excel.patch.trace import Trace
from xltrain.excel.patch.values import RowCells, shown_width
from xltrain.excel.patch.view import SheetView
from xltrain.excel.scan import is_date_format
from xltrain.excel.write import header_width
from xltrain.language import text
from xltrain.place import MAX_ROW, Place, Problem, column_letter, column_number, parse_range

Placing = tuple[Addition, int, tuple[NewColumn, ...], TableView | None]


class SheetPlan:
    """`prepare` looks and finds problems; `settle` changes the small parts; `write` streams the sheet."""

    def __init__(
        self,
        named: Path,
        view: SheetView,
        styles: Styles,
        additions: Sequence[Addition],
        edits: Sequence[Edit],
        marks: Sequence[Mark],
    ) -> None:
        self.named, self.view, self.styles = named, view, styles
        self.additions, self.edits, self.marks = additions, edits, marks
        self.problems: list[Problem] = []
        self.notes: list[Problem] = []
        self.placed: list[Placed] = []
        self.drops_formula = False
        self.around = Around()
        self.comments: dict[Cell, str] = {}
        self._placings: list[Placing] = []
        self._works: dict[int, dict[int, CellWork]] = defaultdict(dict)
        self._blocks: list[RowCells] = []

    @property
    def only_adds(self) -> bool:
        return not self.edits and not any(mark.colour for mark in self.marks)

    def _place(self, row: int = 0, column: int = 0) -> Place:
        return Place(str(self.named), self.view.name, row, column)

    def prepare(self) -> None:
        """Find where everything goes; `problems` says what is not possible."""
        if self.view.is_protected:
            self.notes.append(Problem(self._place(), text("patch_protected"), text("patch_protected_hint")))
        self._check_edits()
        for addition in self.additions:
            self._find_place(addition)

    def _check_edits(self) -> None:
        wanted = {(edit.row, edit.column) for edit in self.edits}
        if not wanted:
            return
        found = self._cells_at(wanted)
        merges = [each for node in self.view.root.all("mergeCell") for each in self.view.ranges(node.attributes["ref"])]
        tables = [
            cells
            for kind, part in self.view.relations.values()
            if kind == "table" and part in self.view.parts
            for _, cells, headers, _ in self.view.package.tables(self.view.part)
            if headers
        ]
        for row, column in sorted(wanted):
            place = self._place(row, column)
            inside = [each for each in merges if each.meets(row, row, column, column)]
            if any((each.first_row, each.first_column) != (row, column) for each in inside):
                self.problems.append(Problem(place, text("patch_merged"), text("patch_merged_hint")))
            elif any(top == row and left <= column <= right for top, left, _, right in tables):
                self.problems.append(Problem(place, text("patch_table_header"), text("patch_by_hand")))
            old = found.get((row, column))
            holds, shared = formula_of(old) if old else (False, False)
            self.drops_formula |= holds
            if holds and old and not shared:
                self.notes.append(Problem(place, text("patch_formula_gone", formula=formula_words(old))))
            if shared:
                self.problems.append(Problem(place, text("patch_shared_formula"), text("patch_by_hand")))

    def _cells_at(self, wanted: set[Cell]) -> dict[Cell, OldCell]:
        """The cells at these rows and columns, in one pass; those inside another's array formula are problems."""
        found: dict[Cell, OldCell] = {}
        wanted_rows = {row for row, _ in wanted}
        for piece, number, inner, stop in rows_of(self.view.pieces(), self.view.prefix):
            if piece.find(b"array", inner, stop) >= 0 or piece.find(b"dataTable", inner, stop) >= 0:
                self._check_arrays(piece[inner:stop], wanted)
            if number in wanted_rows:
                for cell in old_cells(piece[inner:stop]):
                    if (number, cell.column) in wanted:
                        found[number, cell.column] = cell
        return found

    def _check_arrays(self, row: bytes, wanted: set[Cell]) -> None:
        import re

        for match in re.finditer(rb"<(?:\w+:)?f\b[^>]*\bt=[\"'](?:array|dataTable)[\"'][^>]*>", row):
            ref = re.search(rb"\bref=[\"']([^\"']+)", match[0])
            cells = parse_range(ref[1].decode("ascii", "replace")) if ref else None
            for at, column in wanted if cells else ():
                assert cells is not None
                inside = cells.first_row <= at <= cells.last_row and cells.first_column <= column <= cells.last_column
                if inside and (at, column) != (cells.first_row, cells.first_column):
                    self.problems.append(
                        Problem(self._place(at, column), text("patch_shared_formula"), text("patch_by_hand"))
                    )

    def _find_place(self, addition: Addition) -> None:
        rows = np.asarray(addition.rows, dtype=np.int64)
        place = self._place(addition.header_row)
        wrong = self._wrong_rows(addition, rows)
        if wrong:
            self.problems.append(Problem(place, wrong))
            return
        top, bottom = addition.header_row, max(int(rows.max()) if len(rows) else 0, addition.header_row)
        count = len(addition.columns)
        table: TableView | None = TableView(self.view, addition.header_row, addition.after)
        assert table is not None
        after = addition.after or table.cells.last_column or self.view.last_filled(addition.header_row)
        if table.part and after != table.cells.last_column:
            after = max(after, table.cells.last_column)
        if table.part:
            bottom = max(bottom, table.cells.last_row)
        if addition.at:
            first = self._named_place(addition, top, bottom, count)
        else:
            first = self._beside_others(top, bottom, after, count)
            if not first:
                self.problems.append(Problem(place, text("patch_no_room", count=count), text("patch_no_room_hint")))
        if not first:
            return
        grows = bool(table.part) and table.can_grow and first == table.cells.last_column + 1 and table.holds(bottom)
        if table.part and not grows and not addition.at:
            self.notes.append(
                Problem(self._place(top, first), text("patch_table_apart"), text("patch_table_apart_hint"))
            )
        taken = table.names if grows else []
        headers = unique_headers([column.header for column in addition.columns], taken)
        named = tuple(replace(column, header=header) for column, header in zip(addition.columns, headers, strict=True))
        self._placings.append((addition, first, named, table if grows else None))

    def _beside_others(self, top: int, bottom: int, after: int, count: int) -> int:
        """The first free columns, past those of other additions of this call."""
        first = self.view.free_columns(top, bottom, after, count)
        while first and (met := self._met_by_others(top, bottom, first, count)):
            first = self.view.free_columns(top, bottom, column_number(met), count)
        return first

    def _met_by_others(self, top: int, bottom: int, first: int, count: int) -> str:
        """The last column of another addition of this call that reaches into these cells; empty where none does."""
        ends = [0]
        for other, start, columns, _ in self._placings:
            other_rows = np.asarray(other.rows, dtype=np.int64)
            last_row = max(int(other_rows.max()) if len(other_rows) else 0, other.header_row)
            end = start + len(columns) - 1
            if other.header_row <= bottom and last_row >= top and first <= end and first + count - 1 >= start:
                ends.append(end)
        return column_letter(max(ends)) if max(ends) else ""

    @staticmethod
    def _wrong_rows(addition: Addition, rows: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> str:
        lengths = {len(column.values) for column in addition.columns}
        if lengths - {len(rows)} or not addition.columns:
            return text("patch_lengths", rows=len(rows))
        if len(rows) and (int(rows.min()) <= addition.header_row or int(rows.max()) > MAX_ROW):
            return text("patch_rows_above", row=addition.header_row)
        return text("patch_rows_twice") if len(np.unique(rows)) < len(rows) else ""

    def _named_place(self, addition: Addition, top: int, bottom: int, count: int) -> int:
        word = addition.at.rpartition("!")[2].replace("$", "")
        cells = parse_range(word if any(sign.isdigit() for sign in word) else f"{word}1")
        if cells is None:
            problem = Problem(
                self._place(top), text("patch_place_unknown", place=addition.at), text("patch_place_hint")
            )
            self.problems.append(problem)
            return 0
        taken = self.view.is_free(top, bottom, cells.first_column, count)
        taken = taken or self._met_by_others(top, bottom, cells.first_column, count)
        if taken:
            last = column_letter(cells.first_column + count - 1)
            words = text("patch_place_taken", place=f"{column_letter(cells.first_column)}:{last}", column=taken)
            self.problems.append(Problem(self._place(top, cells.first_column), words, text("patch_place_hint")))
            return 0
        return cells.first_column

    def settle(self) -> None:
        """Make the styles, comments and tables; what the rows get is then known."""
        for placing in self._placings:
            self._settle_addition(*placing)
        for edit in self.edits:
            work = self._work(edit.row, edit.column)
            work.value, work.has_value = edit.value, True
            self.around.covers(edit.row, edit.column, edit.row, edit.column)
        for mark in self.marks:
            if mark.colour:
                self._work(mark.row, mark.column).colour = mark.colour
                self.around.covers(mark.row, mark.column, mark.row, mark.column)
            if mark.comment:
                known = self.comments.get((mark.row, mark.column))
                words = HEAD + mark.comment
                self.comments[mark.row, mark.column] = f"{words}\n\n{known}" if known else words
        self.around.comments_id = add_comments(self.view, self.view.parts, self.comments)
        self._prime_styles()

    def _prime_styles(self) -> None:
        """Make every style that an edit or mark needs before the styles are written, by making their cells once."""
        wanted = {(row, column) for row, works in self._works.items() for column in works}
        found = self._cells_at(wanted) if wanted else {}
        columns = self.view.column_styles
        for row, works in self._works.items():
            for column, work in works.items():
                old = found.get((row, column))
                work.made(old, f"{column_letter(column)}{row}", old.style if old else columns.get(column, 0))

    def _work(self, row: int, column: int) -> CellWork:
        works = self._works[row]
        if column not in works:
            package = self.view.package
            works[column] = CellWork(self.styles, package.date_styles, self.view.prefix, package.date1904)
        return works[column]

    def _settle_addition(
        self, addition: Addition, first: int, columns: tuple[NewColumn, ...], table: TableView | None
    ) -> None:
        rows = np.asarray(addition.rows, dtype=np.int64)
        order = np.argsort(rows, kind="stable")
        top, view = addition.header_row, self.view
        model = addition.after or (table.cells.last_column if table else 0) or view.last_filled(top)
        header_style = view.style_at(top, model)
        body_style = view.style_at(int(rows.min()), model) if len(rows) else 0
        first_row, bottom = (int(rows.min()), int(rows.max())) if len(rows) else (top, top)
        for offset, column in enumerate(columns):
            at = first + offset
            work = self._work(top, at)
            work.value, work.has_value, work.style = column.header, True, header_style
            note = f"{column.note}\n\n" if column.note else ""
            self.comments[top, at] = f"{note}{SIGN}{column.key or column.header}"
            cells = f"{column_letter(at)}{top + 1}:{column_letter(at)}{bottom}"
            shown = shown_width(column.values, self._format(column, body_style, first_row))
            self.around.widths[at] = max(column.width or header_width(column.header), shown)
            if column.bar and len(rows):
                self.around.bars.append(cells)
            if column.choices and len(rows):
                self.around.choices.append((cells, column.choices))
            self.placed.append(Placed(view.name, column.key or column.header, column.header, top, at, bottom))
        styles = [self._style(column, body_style, first_row) for column in columns]
        date1904 = view.package.date1904
        self._blocks.append(RowCells(columns, rows[order], order, first, styles, view.prefix, date1904))
        self.around.covers(top, first, bottom, first + len(columns) - 1)
        self.around.filter = self.around.filter or grown_filter(view, top, first - 1, len(columns))
        if table:
            grow_table(view.parts, table, [column.header for column in columns])

    def _format(self, column: NewColumn, base: int, row: int) -> str:
        """The number format of a new column's cells: that of another column, its own, or that of its neighbour."""
        formats = self.view.package.formats
        model = self.view.style_at(row, column.like) if column.like else 0
        code = formats[model] if column.like and model < len(formats) else ""
        if code not in ("", "General", "@"):
            return code
        if column.number_format:
            return column.number_format
        code = formats[base] if base < len(formats) else ""
        kind = kind_of(as_array(column.values))
        if kind == "date":
            return code if is_date_format(code) else DATE
        return "General" if is_date_format(code) or kind == "text" else code

    def _style(self, column: NewColumn, base: int, row: int) -> int:
        """The style of a new column's cells: that of the table's last column, with a number format of their own."""
        formats = self.view.package.formats
        code = self._format(column, base, row)
        return base if base < len(formats) and code == formats[base] else self.styles.variant(base, code)

    def write(self, trace: Trace) -> None:
        """The changed sheet."""
        view = self.view
        head, tail = changed_around(view, self.around)
        work = self._row_work()
        if view.empty:
            opened, name = head, name_of(view.prefix, "sheetData")
            opened = head[:-2].rstrip() + b">"
            trace.replace(view.head, opened)
            Rows(trace, view.prefix, work, view.column_styles).write(())
            trace.change(b"", f"</{name}>".encode())
        else:
            trace.replace(view.head, head)
            Rows(trace, view.prefix, work, view.column_styles).write(view.pieces())
        trace.replace(view.tail, tail)

    def _row_work(self) -> Iterator[tuple[int, RowWork]]:
        """The rows in which anything is done, ascending."""
        streams: list[Iterator[tuple[int, Block]]] = [_numbered(block) for block in self._blocks]
        heads = [next(stream, None) for stream in streams]
        singles = sorted(self._works)
        at = 0
        while True:
            numbers = [head[0] for head in heads if head]
            if at < len(singles):
                numbers.append(singles[at])
            if not numbers:
                return
            number = min(numbers)
            work = RowWork()
            for index, head in enumerate(heads):
                if head and head[0] == number:
                    work.blocks.append(head[1])
                    heads[index] = next(streams[index], None)
            if at < len(singles) and singles[at] == number:
                work.cells.update(self._works[number])
                at += 1
            yield number, work


def _numbered(cells: RowCells) -> Iterator[tuple[int, Block]]:
    for number, xml in zip(cells.rows.tolist(), cells, strict=True):
        yield number, Block(cells.first, cells.last, xml)
