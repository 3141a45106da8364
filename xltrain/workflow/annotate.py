"""The training result returns to the rows it came from: new columns beside them, in copies of the source workbooks."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xltrain import language
from xltrain.config.source import is_job
from xltrain.data.decided import WORDS, Decision, word_label
from xltrain.data.fingerprint import file_hash
from xltrain.data.table import Origin, Table
from xltrain.errors import ConfigError, WorkbookError
from xltrain.events import Listener, ignore
from xltrain.excel.package import missing_book
from xltrain.excel.patch import Mark
from xltrain.excel.write import number_format
from xltrain.language import canonical, label, listed, text
from xltrain.place import Place, Problem, column_number
from xltrain.report.annotated import read_annotated
from xltrain.report.decisions import read_reasons
from xltrain.report.record import (
    OWN,
    PREFIX,
    FileRecord,
    Record,
    TableRecord,
    TargetRecord,
    beside,
    read_data,
    read_ledger,
    read_record,
    table_records,
)
from xltrain.workflow.beside import Added, Block, Rows, targets_of, write_copies
from xltrain.workflow.copies import undo_copies
from xltrain.workflow.merge import read_sources
from xltrain.workflow.sources import open_books

DEFAULT = ("prediction", "loss", "flag")
INPUTS = ("decision", "decision_column", "new_value", "decision_weight", "decision_note")
# What can be asked for -> the column of samples.parquet, the word of its header and note.
COLUMNS = {
    "prediction": ("prediction", "prediction"),
    "loss": ("loss", "out_of_fold_loss"),
    "flag": ("fingerprint", "flag"),
    "suspect": ("suspect", "suspect_score"),
    "suggested": ("suggested", "suggested_class"),
    "percentile": ("percentile", "percentile"),
    "spread": ("spread", "spread"),
    "low": ("low", "expected_low"),
    "high": ("high", "expected_high"),
    "fold": ("fold", "fold"),
    "decision": ("fingerprint", "decision"),
}
FORMATS = {"percentile": "0.0", "suspect": "0.00", "fold": "0"}
LIKE_TARGET = ("prediction", "low", "high")
WIDTHS = {"decision": 14.0, "decision_column": 18.0, "new_value": 14.0, "decision_weight": 12.0, "decision_note": 30.0}
MOST = 2_000  # comments of one workbook


@dataclass(frozen=True)
class Annotated:
    """The copies, the columns in them, how many rows have values, and what their reader should know.

    `undone` are workbooks given back, each with whether its parts are those of the original byte for byte.
    """

    files: tuple[Path, ...] = ()
    columns: tuple[str, ...] = ()
    rows: Mapping[Path, int] = field(default_factory=dict)
    notes: tuple[Problem, ...] = ()
    undone: tuple[tuple[Path, bool], ...] = ()

    def lines(self) -> list[str]:
        """A line for each file, and what to know of them."""
        shown = text("comma").join(self.columns)
        wrote = [text("annotate_wrote", path=path, columns=shown, rows=f"{self.rows[path]:,}") for path in self.files]
        back = [text("apply_undone" if exact else "annotate_undone_saved", path=path) for path, exact in self.undone]
        return [*map(str, self.notes), *wrote, *back]

    def summary(self) -> dict[str, Any]:
        """What `xltrain annotate --json` prints."""
        return {
            "files": [{"file": str(path), "rows": self.rows[path]} for path in self.files],
            "columns": list(self.columns),
            "notes": [str(note) for note in self.notes],
            "undone": [{"file": str(path), "identical": exact} for path, exact in self.undone],
        }


def annotate(
    results: str | Path | Sequence[str | Path],
    output: str | Path | None = None,
    *,
    columns: Sequence[str] | str = DEFAULT,
    at: str = "",
    undo: bool = False,
    overwrite: bool = False,
    listen: Listener = ignore,
) -> Annotated:
    """Write a copy of each source workbook with what a fit found beside every row; all copies, or none.

    Args:
        results: a results workbook or its folder; with `undo` copies that annotate wrote, or folders of these.
        output: the folder for the copies; None for `annotated` in the folder of the results.
        columns: some of COLUMNS, or `all`: `loss` is out of fold, `flag` names the rows worth a look, `decision` makes
            room for decisions that the next fit reads.
        at: the first column to use, such as K, if it is empty.
        undo: give the originals back into `output` instead.
        overwrite: replace earlier copies; what was decided in them is carried over.

    Raises:
        ConfigError: a column that cannot be added.
        WorkbookError: results that are missing or broken; a source that is missing, of no workbook or changed since
            the fit; a copy that exists or cannot be written: all of these, with nothing written.
    """
    paths = [Path(results)] if isinstance(results, str | Path) else [Path(each) for each in results]
    if undo:
        if output is None:
            hint = text("annotate_no_undo_output_hint")
            raise ConfigError(Problem(None, text("annotate_no_undo_output"), hint))
        done, failed = undo_copies(paths, Path(output), overwrite=overwrite, listen=listen)
        return Annotated(notes=failed, undone=done)
    if len(paths) != 1:
        message = text("annotate_several", count=len(paths))
        raise ConfigError(Problem(None, message, text("annotate_several_hint")))
    wanted = _wanted(columns)
    path = paths[0]
    absent = missing_book(path) if not path.is_dir() and not beside(path).is_dir() else None
    if absent:
        raise WorkbookError(absent)
    record = read_record(path)
    with language.using(job=_language(record)):
        return _annotate(path, record, wanted, output, at, overwrite, listen)


def _wanted(columns: Sequence[str] | str) -> list[str]:
    """The words asked for, in the order of COLUMNS. ConfigError for others."""
    given = columns.replace("，", ",").split(",") if isinstance(columns, str) else list(columns)
    words = [each.strip() for each in given if each.strip()]
    if not words:
        raise ConfigError(Problem(Place("--columns"), text("annotate_none"), _known()))
    if any(canonical(each).casefold() == "all" for each in words):
        return list(COLUMNS)
    found = {each: _word(each) for each in words}
    wrong = [each for each, name in found.items() if name not in COLUMNS]
    if wrong:
        raise ConfigError(
            [Problem(Place("--columns"), text("annotate_column", found=each), _known()) for each in wrong]
        )
    return [name for name in COLUMNS if name in found.values()]


def _word(said: str) -> str:
    """The column of COLUMNS that a word means: its name, or its header in either language; else the word itself."""
    plain = said.casefold()
    headers = {word: name for name, (_, word) in COLUMNS.items()}
    return plain if plain in COLUMNS else headers.get(canonical(said), canonical(said).casefold())


def _known() -> str:
    return text("annotate_column_hint", known=listed([*COLUMNS, "all"]))


def _language(record: Record) -> str:
    job = next(iter(record.settings.get("Job", ())), {})
    return str(job.get("language") or "")


def _annotate(
    path: Path,
    record: Record,
    wanted: Sequence[str],
    output: str | Path | None,
    at: str,
    overwrite: bool,
    listen: Listener,
) -> Annotated:
    ledgers = _ledgers(path, record, wanted)
    rows = read_data(path, [PREFIX + word for word in OWN])
    if any(len(ledger) != len(rows) for ledger in ledgers.values()):
        raise WorkbookError(Problem(Place(str(path)), text("annotate_mismatch"), text("record_missing_hint")))
    base = Path(os.path.normpath(beside(path).parent / record.folder))
    _check_sources(record, rows, base)
    blocks, notes = _blocks(record, rows, base)
    notes += open_books(base, blocks)
    folder = beside(path) / "annotated" if output is None else Path(output)
    targets = targets_of(blocks, folder)
    decided = _decided(targets, rows) if overwrite else {}
    added = _added(record, ledgers, [*wanted, "decision"] if decided else wanted, rows, decided)

    def whole(file: str) -> Table:
        return _table(read_data(path), file, np.concatenate([block.rows for block in blocks[file]]))

    files, more = write_copies(
        blocks,
        added,
        targets,
        whole,
        base=base,
        overwrite=overwrite,
        listen=listen,
        marks=_marks(path, record, rows, blocks),
        at=at,
        read=[beside(path).with_suffix(".xlsx"), *(base / each.file for each in record.files)],
    )
    counts = [sum(len(block.rows) for block in blocks[file]) for file in targets]
    headers = tuple(each.header for each in added)
    return Annotated(tuple(files), headers, dict(zip(files, counts, strict=True)), (*notes, *more))


def _ledgers(path: Path, record: Record, wanted: Sequence[str]) -> dict[str, pa.Table]:
    """What is known of every row, for the winner of each target."""
    names = dict.fromkeys(["column", "run", "fingerprint", *(COLUMNS[word][0] for word in wanted)])
    whole = read_ledger(path, tuple(names))
    lost = [word for word in wanted if COLUMNS[word][0] not in whole.column_names]
    if lost and len(lost) == len(wanted):
        raise ConfigError([Problem(Place(str(path)), text("annotate_unknown", found=word)) for word in lost])
    return {
        each.target: whole.filter(
            pc.and_(pc.equal(whole.column("column"), each.target), pc.equal(whole.column("run"), each.winner))
        )
        for each in record.targets
    }


def _blocks(record: Record, rows: pa.Table, base: Path) -> tuple[dict[str, list[Block]], list[Problem]]:
    """The rows of every table of every file; notes on those that came from no file."""
    files, sheets = (rows.column(PREFIX + word) for word in ("file", "sheet"))
    numbers = rows.column(PREFIX + "row").to_numpy()
    letters = rows.column(PREFIX + "letter")
    found: dict[str, list[Block]] = {}
    notes = []
    for each in record.files:
        in_file = pc.equal(files, each.file)
        if not pc.any(in_file).as_py():
            continue
        if not each.sha256:
            count = int(pc.sum(in_file).as_py())
            notes.append(Problem(None, text("annotate_left", rows=f"{count:,}", file=each.file)))
            continue
        known = each.tables or _tables(base, each.file)
        for sheet, columns in each.sheets.items():
            own = np.flatnonzero(pc.and_(in_file, pc.equal(sheets, sheet)).to_numpy(zero_copy_only=False))
            tables = [table for table in known if table.sheet == sheet]
            for table in tables if len(own) else ():
                at = own
                if len(tables) > 1:
                    at = own[(numbers[own] >= table.first_row) & (numbers[own] <= table.last_row)]
                if len(at):
                    cells = letters.take(pa.array(at))
                    block = Block(sheet, table.header_row, table.last_column, at, numbers[at], columns, cells)
                    found.setdefault(each.file, []).append(block)
    if not found:
        raise WorkbookError(Problem(Place(record.name), text("annotate_no_book")))
    return found, notes


def _tables(base: Path, file: str) -> tuple[TableRecord, ...]:
    """The tables of a workbook whose rows came by way of another file, such as a merged one."""
    _, report = read_sources([file], base)
    return table_records(report, file)


def _check_sources(record: Record, rows: pa.Table, base: Path) -> None:
    """WorkbookError with every source that is missing or not what was trained on."""
    used = frozenset(pc.unique(rows.column(PREFIX + "file")).to_pylist())
    problems = []
    for each in record.files:
        if each.file not in used or not each.sha256:
            continue
        path = base / each.file
        absent = missing_book(path)
        if absent:
            problems.append(Problem(Place(each.file), absent.message, text("annotate_moved_hint", path=path)))
        elif file_hash(path) != each.sha256:
            problems.append(Problem(Place(each.file), text("annotate_changed"), text("annotate_changed_hint")))
    if problems:
        raise WorkbookError(problems)


def _decided(targets: Mapping[str, Path], rows: pa.Table) -> dict[int, Decision]:
    """What was decided in the copies that are about to be replaced, by the position of its row: it is carried over."""
    told = {file: read_annotated(path, file) for file, path in targets.items() if path.is_file()}
    if not any(told.values()):
        return {}
    files, sheets, prints = (rows.column(PREFIX + word).to_pylist() for word in ("file", "sheet", "fingerprint"))
    places = list(zip(files, sheets, rows.column(PREFIX + "row").to_pylist(), strict=True))
    by_place = {place: at for at, place in enumerate(places)}
    by_print = {(file, each): at for at, (file, each) in enumerate(zip(files, prints, strict=True))}
    found: dict[int, Decision] = {}
    for file, decisions in told.items():
        for each in decisions:
            at = by_print.get((file, each.fingerprint), by_place.get((file, each.sheet, each.row)))
            if at is not None:
                found[at] = each
    return found


def _added(
    record: Record,
    ledgers: Mapping[str, pa.Table],
    wanted: Sequence[str],
    rows: pa.Table,
    decided: Mapping[int, Decision],
) -> list[Added]:
    """The columns to put beside the rows; named by their target where there are several."""
    found = []
    for target in record.targets:
        ledger = ledgers[target.target]
        for word in wanted:
            if word == "decision" or COLUMNS[word][0] not in ledger.column_names:
                continue
            column = _column(record, target, word, ledger)
            if column is not None:
                found.append(column)
    if "decision" in wanted:
        found += _inputs(tuple(record.columns), rows, decided)
    return found


def _column(record: Record, target: TargetRecord, word: str, ledger: pa.Table) -> Added | None:
    """One column of one target; None where nothing is known of any row."""
    source, name = COLUMNS[word]
    start = f"{target.target} " if len(record.targets) > 1 else ""
    header, key = start + label(name), start + word
    if word == "flag":
        values = _flagged(ledger, target)
        return Added(header, key, values, width=10, note=text("note_flag", word=label("suspect")))
    values = ledger.column(source).combine_chunks()
    if values.null_count == len(values):
        return None
    like = ""
    if pa.types.is_string(values.type) and not target.classes:  # numbers as texts beside another target's classes
        values = pc.cast(values, pa.float64())
    shown = FORMATS.get(word, "")
    if pa.types.is_floating(values.type):
        shown = shown or number_format(values.to_numpy(zero_copy_only=False), 4)
        like = target.target if word in LIKE_TARGET else ""
    return Added(header, key, values, shown, note=text(f"note_{name}"), like=like, bar=word == "loss")


def _flagged(ledger: pa.Table, target: TargetRecord) -> Any:
    """The word `suspect` at rows worth a look."""
    worth = pc.is_in(ledger.column("fingerprint"), value_set=pa.array(target.suspects, pa.string()))
    return pc.if_else(worth, label("suspect"), pa.scalar(None, pa.string())).combine_chunks()


def _inputs(names: tuple[str, ...], rows: pa.Table, decided: Mapping[int, Decision]) -> list[Added]:
    """Room for decisions, as the Suspects sheet has it, and what tells each row from all others."""
    choices = {"decision": tuple(map(word_label, WORDS)), "decision_column": names}
    found = [
        Added(
            label(word),
            word,
            _said(word, len(rows), decided),
            width=WIDTHS[word],
            note=text(f"note_{word}"),
            choices=choices.get(word, ()),
        )
        for word in INPUTS
    ]
    prints = rows.column(PREFIX + "fingerprint").combine_chunks()
    return [*found, Added(label("fingerprint"), "fingerprint", prints, note=text("note_fingerprint"))]


def _said(word: str, count: int, decided: Mapping[int, Decision]) -> Any:
    """One column of the decisions, as an Arrow array; empty where nothing was decided."""
    if not decided:
        return pa.nulls(count)
    values: list[Any] = [None] * count
    for at, each in decided.items():
        known = word_label(each.word) if each.word in WORDS else each.word
        said = {"decision": known, "decision_column": each.column, "new_value": each.new}
        said |= {"decision_weight": each.weight, "decision_note": each.note}
        values[at] = None if said[word] == "" else said[word]
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError):  # numbers and words in one column
        return pa.array([None if value is None else str(value) for value in values], pa.string())


def _table(rows: pa.Table, file: str, positions: Rows) -> Table:
    """The rows of one file as they were trained on, for a workbook that cannot be changed without loss."""
    own = rows.take(pa.array(positions))
    data = own.select([name for name in own.column_names if not name.startswith(PREFIX)])
    sheets = pc.dictionary_encode(own.column(PREFIX + "sheet").combine_chunks())
    origins = tuple(Origin(file, sheet) for sheet in sheets.dictionary.to_pylist())
    numbers = own.column(PREFIX + "row").to_numpy().astype(np.int32)
    return Table(data, origins, sheets.indices.to_numpy().astype(np.int32), numbers)


def _marks(path: Path, record: Record, rows: pa.Table, blocks: Mapping[str, Sequence[Block]]) -> dict[str, list[Mark]]:
    """Comments with the reason on the cells of the rows worth a look, by file."""
    book = path if path.is_file() else beside(path).with_name(beside(path).name + ".xlsx")
    if not is_job(book):
        return {}  # only the folder is left
    prints = rows.column(PREFIX + "fingerprint")
    letters = rows.column(PREFIX + "letter")
    worth = {each.target: frozenset(each.suspects) for each in record.targets}
    reasons = [each for each in read_reasons(book) if each.fingerprint in worth.get(each.target, worth[_first(record)])]
    known = pa.array([each.fingerprint for each in reasons], pa.string())
    where = pc.index_in(prints, value_set=known).combine_chunks()
    positions = np.flatnonzero(pc.is_valid(where).to_numpy(zero_copy_only=False))
    file_of = {each.file: each for each in record.files}
    found: dict[str, list[Mark]] = {}
    by_print: dict[str, list[Any]] = {}
    for each in reasons:
        by_print.setdefault(each.fingerprint, []).append(each)
    for file, block, at in _of_blocks(blocks, positions):
        for reason in by_print[prints[at].as_py()]:
            own = reason.column or reason.target or _first(record)
            letter = letters[at].as_py() if block.shared else _letter(file_of[file], block.sheet, own)
            number = int(rows.column(PREFIX + "row")[at].as_py())
            if letter and number and len(found.setdefault(file, [])) < MOST:
                found[file].append(Mark(block.sheet, number, column_number(letter), reason.reason))
    return found


def _first(record: Record) -> str:
    return record.targets[0].target


def _letter(file: FileRecord, sheet: str, column: str) -> str:
    return file.sheets.get(sheet, {}).get(column, "")


def _of_blocks(blocks: Mapping[str, Sequence[Block]], positions: Rows) -> Iterator[tuple[str, Block, int]]:
    """Each of these positions with its file and block."""
    for file, own in blocks.items():
        for block in own:
            for at in positions[np.isin(positions, block.rows)].tolist():
                yield file, block, at
