"""New columns beside every row: in a lossless copy of each workbook that the rows came from.

A workbook of a kind that cannot be patched gets a new .xlsx with the rows that were read from it. Rows that share a row
of their sheet, since columns became rows, get a sheet of their own at the end of the copy.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from xltrain.data.store import write_table
from xltrain.data.table import MARK_LETTER, MergeReport, SourceReport, Table
from xltrain.errors import WorkbookError
from xltrain.events import Listener, Wrote
from xltrain.excel.patch import KINDS, Addition, Mark, NewColumn, NewSheet, patch_book
from xltrain.excel.write import WIDEST, text_width
from xltrain.language import label, text
from xltrain.place import Place, Problem, column_number, parse_range
from xltrain.workflow.copies import all_or_none, check_copies, copy_names

Rows = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Added:
    """A column to put beside the rows: values (rows,) of all rows, as numpy or Arrow. `key` names it in English.

    like: the column of the rows whose number format the cells take. bar: data bars. choices: a dropdown.
    """

    header: str
    key: str
    values: Any
    number_format: str = ""
    width: float = 0
    note: str = ""
    like: str = ""
    bar: bool = False
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Block:
    """The rows of one table of a sheet.

    header_row: its last header row, 0 for none. last_column: of the sheet's table. rows: positions in the columns that
    are added. numbers (len(rows),): their rows of the sheet. letters: of its columns there. cells (len(rows),): the
    letter of the column that a row's value stood in, where columns became rows.
    """

    sheet: str
    header_row: int
    last_column: int
    rows: Rows
    numbers: Rows
    letters: Mapping[str, str] = field(default_factory=dict)
    cells: Any = None

    @property
    def shared(self) -> bool:
        """Whether several rows stand in one row of the sheet."""
        return len(np.unique(self.numbers)) < len(self.numbers)


def targets_of(files: Iterable[str], folder: Path | None) -> dict[str, Path]:
    """Where the copy of each file goes: into the folder, or with another name beside the file itself."""
    files = list(dict.fromkeys(files))
    names = copy_names([file for file in files if _suffix(file) in KINDS])
    names |= copy_names([file for file in files if _suffix(file) not in KINDS], ".xlsx")
    taken: set[Path] = set()
    targets = {}
    for file in files:
        path = Path(file)
        path = path.with_name(f"{path.stem} {label('predicted')}{names[file].suffix}")
        path = folder / names[file] if folder is not None else path
        while path in taken:  # sales.xlsx and sales.csv
            path = path.with_name(f"{path.stem} {_suffix(file)[1:]}{path.suffix}")
        taken.add(path)
        targets[file] = path
    return targets


def files_of(table: Table) -> list[str]:
    """The files that rows came from."""
    return list(dict.fromkeys(table.origins[index].file for index in np.unique(table.origin)))


def write_beside(
    table: Table,
    report: MergeReport,
    added: Sequence[Added],
    targets: Mapping[str, Path],
    *,
    base: Path,
    overwrite: bool,
    listen: Listener,
    read: Iterable[Path] = (),
) -> tuple[list[Path], list[Problem]]:
    """Write all copies of the workbooks that a merge read, or none; see `write_copies`.

    Raises:
        WorkbookError: rows that come from no workbook; a copy that exists; a workbook that cannot be copied.
    """
    blocks = _blocks(table, report)

    def whole(file: str) -> Table:
        return table.take(np.concatenate([block.rows for block in blocks[file]]))

    read = [*read, *(base / each.file for each in report.sources)]
    return write_copies(blocks, added, targets, whole, base=base, overwrite=overwrite, listen=listen, read=read)


def write_copies(
    blocks: Mapping[str, Sequence[Block]],
    added: Sequence[Added],
    targets: Mapping[str, Path],
    whole: Callable[[str], Table],
    *,
    base: Path,
    overwrite: bool,
    listen: Listener,
    marks: Mapping[str, Sequence[Mark]] | None = None,
    at: str = "",
    read: Iterable[Path] = (),
) -> tuple[list[Path], list[Problem]]:
    """Write all copies, or none; the files written, and what their reader should know.

    Args:
        blocks: the rows of every file.
        whole: gives the rows of a file in the order of its blocks, for files that cannot be patched.
        base: what file names are relative to.
        marks: comments on cells, by file.
        at: a named place such as K for the new columns, used only if empty.
        read: files that no copy may replace, besides the sources.

    Raises:
        WorkbookError: a copy that exists; a workbook that cannot be copied; no room beside a table.
    """
    check_copies(targets, base, overwrite, read)
    notes: list[Problem] = []
    written = []
    with all_or_none() as stage:
        for file, path in targets.items():
            own = blocks[file]
            if _suffix(file) in KINDS and all(block.header_row or block.shared for block in own):
                notes += _patched(base / file, stage(path), own, added, (marks or {}).get(file, ()), at)
            else:
                path = path if path.suffix == ".xlsx" else path.with_suffix(".xlsx")
                rows = np.concatenate([block.rows for block in own])
                write_table(stage(path), with_columns(whole(file), added, rows))
                key = "beside_no_header" if _suffix(file) in KINDS else "beside_new_book"
                notes.append(Problem(Place(file), text(key, suffix=_suffix(file), path=path)))
            written.append(path)
    for path in written:
        listen(Wrote(str(path)))
    return written, notes


def _patched(
    book: Path, path: Path, blocks: Sequence[Block], added: Sequence[Added], marks: Sequence[Mark], at: str
) -> list[Problem]:
    """One copy."""
    additions = [_addition(block, added, at) for block in blocks if not block.shared]
    shared = [block for block in blocks if block.shared]
    sheets = [NewSheet(f"{block.sheet} {label('annotated')}", rows=_listed(block, added)) for block in shared]
    notes = patch_book(book, path, additions=additions, marks=marks, sheets=sheets).notes
    told = [
        Problem(Place(str(book), block.sheet), text("beside_shared", sheet=sheet.name))
        for block, sheet in zip(shared, sheets, strict=True)
    ]
    return [*notes, *told]


def _listed(block: Block, added: Sequence[Added]) -> tuple[tuple[Any, ...], ...]:
    """Rows that share a row of their sheet, one below the other, each with its cell; without room for decisions."""
    shown = [each for each in added if not pa.types.is_null(_taken(each.values, block.rows[:0]).type)]
    columns = [_taken(each.values, block.rows).to_pylist() for each in shown]
    letters = block.cells.to_pylist() if block.cells is not None else [""] * len(block.rows)
    cells = [f"{letter}{row}" for letter, row in zip(letters, block.numbers.tolist(), strict=True)]
    heads = (label("cell"), *(each.header for each in shown))
    return (heads, *zip(cells, *columns, strict=True))


def _suffix(file: str) -> str:
    return Path(file).suffix.lower()


def _blocks(table: Table, report: MergeReport) -> dict[str, list[Block]]:
    """The tables of every file. WorkbookError where rows came by way of another file, or from none."""
    found: dict[str, list[Block]] = {}
    problems = []
    marks = table.marks
    for index in np.unique(table.origin):
        origin = table.origins[index]
        rows = np.flatnonzero(table.origin == index)
        sources = [
            each for each in report.sources if each.kept and (each.file, each.sheet) == (origin.file, origin.sheet)
        ]
        if not sources or not _suffix(origin.file):
            problems.append(
                Problem(Place(origin.file, origin.sheet), text("beside_no_book"), text("beside_no_book_hint"))
            )
            continue
        for source in sources:
            at = table.row[rows]
            own = rows if len(sources) == 1 else rows[(at >= source.first_row) & (at <= source.last_row)]
            named = marks is not None and MARK_LETTER in marks.column_names
            cells = marks.column(MARK_LETTER).take(pa.array(own)) if marks is not None and named else None
            last, numbers = _last_column(source), table.row[own]
            block = Block(origin.sheet, source.header_row, last, own, numbers, origin.letters, cells)
            found.setdefault(origin.file, []).append(block)
    if problems:
        raise WorkbookError(problems)
    return found


def _last_column(source: SourceReport) -> int:
    cells = parse_range(source.table)
    return cells.last_column if cells else 0


def _addition(block: Block, added: Sequence[Added], at: str) -> Addition:
    columns = tuple(
        NewColumn(
            each.header,
            _taken(each.values, block.rows),
            each.number_format,
            each.bar,
            each.width or min(text_width(each.header) + 3.0, WIDEST),
            each.choices,
            each.key,
            each.note,
            column_number(block.letters.get(each.like, "")),
        )
        for each in added
    )
    return Addition(block.sheet, block.header_row, block.numbers, columns, at, block.last_column)


def _taken(values: Any, rows: Any) -> Any:
    if isinstance(values, np.ndarray):
        values = pa.array(values, from_pandas=True)
    return values.take(pa.array(rows))


def with_columns(table: Table, added: Sequence[Added], rows: Any = None) -> Table:
    """The table with the new columns at its right; `rows` are the positions of its rows in the columns."""
    data = table.data
    for each in added:
        name = each.header
        while name in data.column_names:
            name += "_"
        values = each.values if rows is None else _taken(each.values, rows)
        data = data.append_column(
            name, pa.array(values, from_pandas=True) if isinstance(values, np.ndarray) else values
        )
    return Table(data, table.origins, table.origin, table.row, table.marks, table.joined, table.unpivoted)
