"""Tables to files and back, places included.

Every file holds the data and, as its last three columns, the file, sheet and row that each row came from; before them,
where there are any, the marks: the key of a database's row, the letter of an unpivoted value, the row that was joined.
The source map (which letter each column had in each source) travels on a hidden sheet of a workbook, or in the metadata
of a Parquet file, so that a place can name a cell when the file is read again.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from xltrain.data.formula_texts import FormulaTexts, marked_names, marked_texts
from xltrain.data.header import key
from xltrain.data.table import MARK_JOINED, MARK_KEY, MARK_LETTER, Origin, Table
from xltrain.data.values import words
from xltrain.errors import WorkbookError
from xltrain.excel.bulk import cells_of, time_format
from xltrain.excel.package import missing_book, replacing
from xltrain.excel.write import Book, new_book, number_format
from xltrain.language import LANGUAGES, canonical, label, text
from xltrain.place import MAX_ROW, Place, Problem

PLACES = ("source_file", "source_sheet", "source_row")
MAP = "source_map"
REPORTS = ("Merge report", "Calendar", "Columns", "Dropped and changed", "Drift report", MAP)
WRITTEN = (".xlsx", ".parquet", ".csv")
GROUP = 100_000  # rows that are written at once
FITTED = 200  # rows that decide a column's width

Letters = Mapping[tuple[str, str], Mapping[str, str]]


def write_table(
    path: Path, table: Table, *, overwrite: bool = False, more: Callable[[Book], None] | None = None
) -> list[Problem]:
    """Write a table as .xlsx, .parquet or .csv (UTF-8 with a mark, as Excel wants it); gives what to know of the file.

    `more` adds sheets to a workbook after the data.

    Raises:
        WorkbookError: another suffix, an existing file without `overwrite`, a place that cannot be written.
    """
    suffix = check_output(path)
    with replacing(path, overwrite) as temporary:
        if suffix == ".xlsx":
            _write_book(temporary, table, more)
            return []
        with Stream(temporary) as stream:
            stream.write(table)
    return stream.doubts(path)


def check_output(path: Path) -> str:
    """The suffix of a file to write. WorkbookError where it is none that can be written."""
    suffix = path.suffix.lower()
    if suffix not in WRITTEN:
        hint = text("output_suffix_hint", known=" ".join(WRITTEN))
        raise WorkbookError(Problem(Place(str(path)), text("output_suffix", suffix=suffix or "-"), hint))
    return suffix


def with_places(table: Table) -> pa.Table:
    """The data with the marks and the three columns of places."""
    data = table.data
    marks = table.marks
    more = list(zip(marks.column_names, marks.columns, strict=True)) if marks is not None else []
    for word, values in [*more, *zip(PLACES, place_columns(table), strict=True)]:
        name = mark_label(word)
        while name in data.column_names:
            name += "_"
        data = data.append_column(name, values)
    return data


def mark_label(word: str) -> str:
    """What a column of places or marks is called."""
    if word.startswith(MARK_JOINED):
        return text("joined_row", name=word.removeprefix(MARK_JOINED))
    return label(word)


def place_columns(table: Table) -> tuple[Any, Any, Any]:
    """File, sheet and row of every row, as Arrow arrays."""
    index = pa.array(table.origin)
    files = pa.array([origin.file for origin in table.origins] or [""], pa.string()).take(index)
    sheets = pa.array([origin.sheet for origin in table.origins] or [""], pa.string()).take(index)
    return files, sheets, pa.array(table.row)


def restore_places(table: Table, letters: Letters | None = None) -> Table:
    """A table read from a merged file, with the places that its last columns name; any other table as it is."""
    letters = letters or {}
    found = place_headers(dict(enumerate(table.names)))
    if not found:
        return table
    shown = {word: words(table.data.column(at)) for word, at in found.items()}
    origins, origin, row = restored_origins(shown, letters)
    marks = mark_words(dict(enumerate(table.names)), letters)
    known = {word: words(table.data.column(at)) for word, at in marks.items()}
    data = table.data.drop_columns([table.names[at] for at in [*found.values(), *marks.values()]])
    return Table(data, origins, origin, row, pa.table(known) if known else None, *marked(letters))


def mark_words(headers: Mapping[int, str], letters: Letters) -> dict[str, int]:
    """Marks -> their columns in a merged file, whose source map names those of joins."""
    of_joins = {mark for mark, _ in marked(letters)[0].values()}
    found = {}
    for column, name in headers.items():
        word = next((word for word in (MARK_LETTER, MARK_KEY) if _is_label(name, word)), "")
        if word or name in of_joins:
            found[word or name] = column
    return found


def marked(letters: Letters) -> tuple[dict[str, tuple[str, str]], str]:
    """What a source map says of joined columns (mark and letter) and of the unpivoted one."""
    told = letters.get(("", MAP), {})
    joined = {column: (each.split("\n")[0], each.split("\n")[1]) for column, each in told.items() if "\n" in each}
    return joined, next((column for column, each in told.items() if each == MARK_LETTER), "")


def place_headers(headers: Mapping[int, str]) -> dict[str, int]:
    """`source_file`, `source_sheet` and `source_row` -> the column so labelled; empty unless all three are there."""
    found = {word: column for column, name in headers.items() if (word := _place_word(name))}
    return found if len(found) == len(PLACES) else {}


def restored_origins(
    shown: Mapping[str, Any], letters: Letters
) -> tuple[tuple[Origin, ...], npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Origins, the origin of each row and its sheet row, from the three columns of places as texts."""
    files, sheets = (pc.fill_null(shown[word], "") for word in PLACES[:2])
    row = pc.fill_null(pc.cast(pc.cast(shown["source_row"], pa.float64()), pa.int32(), safe=False), 0)
    pairs = pc.binary_join_element_wise(files, sheets, "\n").dictionary_encode()
    origins = []
    for pair in pairs.dictionary.to_pylist():
        file, _, sheet = pair.partition("\n")
        origins.append(Origin(file, sheet, dict(letters.get((file, sheet), {}))))
    return tuple(origins), np.asarray(pairs.indices, np.int32), np.asarray(row.to_numpy(), np.int32)


def data_sheets(names: Sequence[str]) -> list[str]:
    """The sheets of a book that may hold data: of a book that `merge` wrote, not the map and the reports."""
    words = {name: canonical(name) for name in names}
    if MAP not in words.values():
        return list(names)
    return [name for name, word in words.items() if word not in REPORTS]


def map_sheet(names: Sequence[str]) -> str:
    """The sheet of a merged book that holds the source map; empty in any other book."""
    return next((name for name in names if canonical(name) == MAP), "")


def read_map(rows: Sequence[Sequence[Any]]) -> dict[tuple[str, str], dict[str, str]]:
    """The letters on the sheet of the source map."""
    letters: dict[tuple[str, str], dict[str, str]] = {}
    for row in rows[1:]:
        if len(row) >= 4 and row[0] is not None:
            file, sheet, column, letter = (str(cell or "") for cell in row[:4])
            letters.setdefault((file, sheet), {})[column] = letter
    return letters


def read_parquet(path: Path) -> Table:
    """A table from a Parquet file, with its places where it has them. WorkbookError when it cannot be read."""
    import pyarrow.parquet as pq

    problem = missing_book(path)
    if problem:
        raise WorkbookError(problem)
    try:
        with pq.ParquetFile(path) as file:
            told = (file.metadata.metadata or {}).get(MAP.encode())
            data = file.read()
    except (pa.ArrowInvalid, OSError) as error:
        raise WorkbookError(
            Problem(Place(str(path)), text("book_reader_failed", reason=str(error)[:200]), text("book_broken_hint"))
        ) from error
    letters = {(each["file"], each["sheet"]): each["letters"] for each in json.loads(told)} if told else {}
    return restore_places(_plain(data, path.name), letters)


def to_pandas(table: Table) -> Any:
    """The data as a pandas DataFrame, places as its last three columns."""
    return with_places(table).to_pandas()


def from_pandas(frame: Any) -> Table:
    """A DataFrame as a table; its places are its own columns of places, else `DataFrame` and the row counted from 1."""
    named = frame.rename(columns=str)
    data = pa.Table.from_pandas(named, preserve_index=False)
    return restore_places(_plain(data, "DataFrame"))


def from_arrow(data: pa.Table, file: str, sheet: str = "") -> Table:
    """An Arrow table, such as that of a database, with its own places where it holds some."""
    return restore_places(_plain(data, file, sheet))


def _plain(data: pa.Table, file: str, sheet: str = "") -> Table:
    """An Arrow table as it is, its rows counted from 1."""
    data = data.replace_schema_metadata(None)
    for index, field in enumerate(data.schema):
        if pa.types.is_dictionary(field.type) or pa.types.is_large_string(field.type):
            data = data.set_column(index, field.name, pc.cast(data.column(index), pa.string()))
    count = data.num_rows
    return Table(data, (Origin(file, sheet),), np.zeros(count, np.int32), np.arange(1, count + 1, dtype=np.int32))


def _place_word(name: str) -> str:
    """`source_file`, `source_sheet` or `source_row` where a column's name is the label of one, else empty."""
    return next((word for word in PLACES if _is_label(name, word)), "")


def _is_label(name: str, word: str) -> bool:
    """Whether a column's name is a word, or what is shown for it in any language."""
    return key(name) in (key(word), *(key(language.LABELS[word]) for language in LANGUAGES.values()))


def _write_book(path: Path, table: Table, more: Callable[[Book], None] | None) -> None:
    data = with_places(table)
    with new_book(path) as book:
        for number, start in enumerate(range(0, max(data.num_rows, 1), MAX_ROW - 1)):
            name = label("Data") + (f" {number + 1}" if number else "")
            _write_sheet(book, name, data.slice(start, MAX_ROW - 1), data.num_columns - len(table.names))
        if more:
            more(book)
        _write_map(book, table)


def _write_sheet(book: Book, name: str, data: pa.Table, places: int) -> None:
    """One sheet: a table with filter, the header frozen, the places in quiet grey."""
    sheet = book.sheet(name)
    headers = sheet.table(0, 0, data.column_names, data.num_rows, "Data", bulk=True)
    sheet.page.freeze_panes(1, 0)
    sheet.page.set_row(0, 32)
    columns = []
    for index, header in enumerate(headers):
        column = data.column(index)
        first = column.slice(0, FITTED).to_pylist()
        look: dict[str, Any] = {"num_format": shown} if (shown := time_format(column)) else {}
        if pa.types.is_floating(column.type):
            # What a person typed has few decimals and is shown in full; what was computed has many.
            computed = any(value is not None and round(value, 6) != value for value in first)
            look["num_format"] = number_format(column.drop_null().to_numpy(), 5) if computed else "General"
        if index >= len(headers) - places:
            look["font_color"] = "#6B7280"
        columns.append(cells_of(column, book.style(**look)))
        sheet.fit(index, [_seen(value) for value in first], header)
    sheet.bulk(1, columns)


def _write_map(book: Book, table: Table) -> None:
    sheet = book.sheet(label(MAP))
    sheet.page.hide()
    for column, word in enumerate(("file", "sheet", "column", "letter")):
        sheet.write(0, column, label(word))
    for row, line in enumerate(map_lines(table), 1):
        for column, value in enumerate(line):
            sheet.write(row, column, value)


def map_lines(table: Table) -> list[tuple[str, str, str, str]]:
    """The source map: file, sheet, column and letter; which mark places a joined or unpivoted column, under no file."""
    lines = [(each.file, each.sheet, name, letter) for each in table.origins for name, letter in each.letters.items()]
    lines += [("", MAP, column, f"{mark_label(mark)}\n{letter}") for column, (mark, letter) in table.joined.items()]
    if table.unpivoted:
        lines.append(("", MAP, table.unpivoted, MARK_LETTER))
    return lines


class Stream:
    """Writes batch after batch to a .parquet or .csv file, in a thread; all batches have the same columns."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._formulas = FormulaTexts()
        self._writer: Any = None
        self._file: Any = None
        self._lines: dict[tuple[str, str, str, str], None] = {}
        self._waiting: list[pa.Table] = []
        self._thread = ThreadPoolExecutor(1)
        self._writing: Future[None] | None = None

    def __enter__(self) -> "Stream":
        return self

    def write(self, batch: Table) -> None:
        self._lines |= dict.fromkeys(map_lines(batch))
        data = with_places(batch)
        self._waiting.append(data if self.path.suffix.lower() == ".parquet" else self._for_csv(data, batch))
        if sum(each.num_rows for each in self._waiting) >= GROUP:
            self._flush()

    def doubts(self, path: Path) -> list[Problem]:
        """What to know of the file, which will be called `path`."""
        return self._formulas.doubts(path.name)

    def _for_csv(self, data: pa.Table, batch: Table) -> pa.Table:
        """Dates without a time of midnight, durations as hours, minutes and seconds, and no text that is a formula."""
        for index, column in enumerate(data.schema):
            if pa.types.is_timestamp(column.type) or pa.types.is_time(column.type) or pa.types.is_duration(column.type):
                data = data.set_column(index, column.name, words(data.column(index)))
            elif pa.types.is_string(column.type):
                values, count, first = marked_texts(data.column(index))
                if count:
                    self._formulas.note(column.name, count, batch.place(first, column.name))
                    data = data.set_column(index, column.name, values)
        return data.rename_columns(marked_names(data.column_names))

    def _flush(self) -> None:
        """Hand over what waits, once what was handed over before is written."""
        if self._writing is not None:
            self._writing.result()
        data, self._waiting = pa.concat_tables(self._waiting), []
        self._writing = self._thread.submit(self._put, data)

    def _put(self, data: pa.Table) -> None:
        import pyarrow.parquet as pq
        from pyarrow import csv

        if self.path.suffix.lower() == ".parquet":
            if self._writer is None:
                self._writer = pq.ParquetWriter(self.path, data.schema, compression="zstd")
            self._writer.write_table(data)
            return
        if self._writer is None:
            self._file = self.path.open("wb")
            self._file.write(b"\xef\xbb\xbf")  # Excel wants the mark
            self._writer = csv.CSVWriter(
                self._file, data.schema, write_options=csv.WriteOptions(quoting_style="needed")
            )
        self._writer.write_table(data)

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        try:
            if error is None and self._waiting:
                self._flush()
            if error is None and self._writing is not None:
                self._writing.result()
        finally:
            self._thread.shutdown()
            self._close()

    def _close(self) -> None:
        if self._writer is not None:
            if self._file is None:
                told: dict[tuple[str, str], dict[str, str]] = {}
                for file, sheet, column, letter in self._lines:
                    told.setdefault((file, sheet), {})[column] = letter
                lines = [{"file": file, "sheet": sheet, "letters": each} for (file, sheet), each in told.items()]
                self._writer.add_key_value_metadata({MAP: json.dumps(lines, ensure_ascii=False)})
            self._writer.close()
        if self._file is not None:
            self._file.close()


def _seen(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value.date()) if hasattr(value, "date") and callable(value.date) else str(value)
